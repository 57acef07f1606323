/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "adi_bed.h"

void
adi_bed_conf_init(struct siov_dev_conf *conf)
{
	unsigned int i;

	dev_rig_conf_init(conf);
	conf->nb_wqs = 1 + ADI_BED_DWQS;
	conf->nb_ims = 64;
	conf->nb_adis = 2000;
	conf->rid = RID;
	for (i = 1; i < conf->nb_wqs; i++) {
		conf->wqs[i].mode = SIOV_WQ_DEDICATED;
		conf->wqs[i].lanes_max = 1;
		conf->wqs[i].size = 32;
	}
}

struct adi_bed *
adi_bed_open(const struct siov_dev_conf *conf)
{
	struct adi_bed *bed = calloc(1, sizeof(*bed));
	struct siov_dev_conf own;

	assert_non_null(bed);
	msg_bed_init(&bed->msg);
	if (conf != NULL)
		own = *conf;
	else
		adi_bed_conf_init(&own);
	own.ir = bed->msg.ir;
	bed->rig = dev_rig_open(&own);
	bed->dev = bed->rig->dev;
	assert_int_equal(siov_dev_wq_enable(bed->dev, 0), 0);
	dev_rig_start(bed->rig);
	return bed;
}

void
adi_bed_close(struct adi_bed *bed)
{
	dev_rig_close(bed->rig);
	msg_bed_fini(&bed->msg);
	free(bed);
}

int
adi_bed_setup(void **state)
{
	*state = adi_bed_open(NULL);
	return 0;
}

int
adi_bed_teardown(void **state)
{
	adi_bed_close(*state);
	return 0;
}

uint32_t
adi_bed_context(struct adi_bed *bed, uint32_t pasid)
{
	const struct siov_adi_conf conf = {.pasid = pasid, .nb_messages = 1};
	uint32_t id;

	dev_rig_bind(bed->rig, pasid);
	assert_int_equal(siov_dev_adi_alloc(bed->dev, SIOV_ADI_CONTEXT, SIOV_ADI_VM, &id), 0);
	assert_int_equal(siov_dev_adi_configure(bed->dev, id, &conf), 0);
	assert_int_equal(siov_dev_adi_enable(bed->dev, id), 0);
	return id;
}

struct siov_portal *
adi_bed_portal(struct adi_bed *bed, uint32_t id, struct siov_lane *lane)
{
	struct siov_portal *portal;

	assert_int_equal(siov_dev_adi_portal_open(bed->dev, id, lane, &portal), 0);
	return portal;
}

struct siov_adi_info
adi_bed_info(struct adi_bed *bed, uint32_t id)
{
	struct siov_adi_info info;

	assert_int_equal(siov_dev_adi_info(bed->dev, id, &info), 0);
	return info;
}

void
adi_bed_program(struct adi_bed *bed, uint32_t id, unsigned int vector)
{
	const struct siov_adi_message message = {.addr = siov_ir_msi_addr(vector)};

	assert_int_equal(siov_dev_adi_set_message(bed->dev, id, 0, &message), 0);
}

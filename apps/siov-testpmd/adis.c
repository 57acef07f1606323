/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <inttypes.h>

#include "adis.h"
#include "rig.h"

static int
program_messages(struct rig *rig, uint32_t id)
{
	struct siov_adi_info info;
	unsigned int i;
	int ret;

	ret = siov_dev_adi_info(rig->dev, id, &info);
	for (i = 0; i < info.conf.nb_messages && ret == 0; i++) {
		const struct siov_adi_message message = {
			.addr = siov_ir_msi_addr(info.messages[i] % RIG_IR_ENTRIES),
			.is_masked = true,
		};

		ret = siov_dev_adi_set_message(rig->dev, id, i, &message);
	}
	return ret;
}

int
adis_make(struct rig *rig, enum siov_adi_type type, const struct siov_adi_conf *conf, uint32_t *id)
{
	int ret;

	ret = siov_dev_adi_alloc(rig->dev, type, SIOV_ADI_VM, id);
	if (ret != 0)
		return ret;
	ret = siov_dev_adi_configure(rig->dev, *id, conf);
	if (ret == 0)
		ret = program_messages(rig, *id);
	if (ret != 0)
		siov_dev_adi_release(rig->dev, *id);
	return ret;
}

int
adis_destroy(struct rig *rig, uint32_t id)
{
	struct siov_adi_info info;
	int ret;

	ret = siov_dev_adi_info(rig->dev, id, &info);
	if (ret == 0 && info.state == SIOV_ADI_ENABLED)
		ret = siov_dev_adi_disable(rig->dev, id, RIG_TIMEOUT_MS);
	if (ret == 0 && info.state == SIOV_ADI_SUSPENDED)
		ret = siov_dev_adi_reset(rig->dev, id, RIG_TIMEOUT_MS);
	return ret == 0 ? siov_dev_adi_release(rig->dev, id) : ret;
}

void
adis_list(FILE *f, const struct options *o)
{
	unsigned int i;

	fprintf(f, "%-10s %5s %9s %8s  %s\n", "Type", "SWQ", "DWQs", "Messages", "What");
	for (i = 0; i < SIOV_ADI_TYPES; i++) {
		const struct siov_adi_type_info *info = siov_adi_type_info((enum siov_adi_type)i);

		fprintf(f, "%-10s %5s %4" PRIu32 " to %" PRIu32 " %8" PRIu32 "  %s\n", info->name,
			info->has_swq ? "1" : "0", info->dwqs_min, info->dwqs_max,
			info->messages_max, info->what);
	}
	fprintf(f, "%" PRIu32 " ADIs at most; the configuration asks for:%s\n", o->dev.nb_adis,
		o->dev.nb_adi_rows == 0 ? " none" : "");
	for (i = 0; i < o->dev.nb_adi_rows; i++) {
		const struct siov_dev_adi_row *row = &o->dev.adi_rows[i];
		const struct siov_adi_type_info *info = siov_adi_type_info(row->type);

		fprintf(f, "%" PRIu32 " of type %s for %s", row->count, info->name,
			siov_adi_owner_name(row->owner));
		if (info->has_swq)
			fprintf(f, " on wq %" PRIu32, row->wq);
		if (row->nb_dwqs != 0)
			fprintf(f, " with %" PRIu32 " dedicated queues", row->nb_dwqs);
		if (row->pasid != 0)
			fprintf(f, ", PASIDs %" PRIu32 " to %" PRIu32, row->pasid,
				row->pasid + row->count - 1);
		fprintf(f, ", %" PRIu32 " messages each\n", row->nb_messages);
	}
}

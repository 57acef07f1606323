/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include "wq_bed.h"

struct siov_wq_conf
wq_bed_conf(uint32_t size, uint32_t flags)
{
	struct siov_wq_conf conf;

	siov_wq_conf_init(&conf);
	conf.size = size;
	conf.lanes_max = SIOV_WQ_LANES_MAX;
	conf.flags = flags;
	return conf;
}

struct wq_bed *
wq_bed_open(const struct siov_wq_conf *conf, unsigned int nb_lanes)
{
	struct siov_wq_conf own = *conf;
	struct wq_bed *bed = NULL;
	unsigned int i;

	assert_int_equal(posix_memalign((void **)&bed, 64, sizeof(*bed)), 0);
	memset(bed, 0, sizeof(*bed));
	bed->now_cycles = 1000;
	fake_mem_init(&bed->fm);
	own.mem = &bed->fm.mem;
	assert_int_equal(siov_wq_create(&own, &bed->wq), 0);
	for (i = 0; i < nb_lanes; i++)
		wq_bed_attach(bed, 0);
	assert_int_equal(siov_wq_set_state(bed->wq, SIOV_WQ_ENABLED), 0);
	return bed;
}

void
wq_bed_close(struct wq_bed *bed)
{
	siov_wq_free(&bed->fm.mem, bed->wq);
	assert_int_equal(bed->fm.nb_live, 0);
	free(bed);
}

unsigned int
wq_bed_attach(struct wq_bed *bed, uint32_t flags)
{
	unsigned int i = bed->nb_lanes++;

	assert_int_equal(siov_wq_attach(&bed->fm.mem, bed->wq, flags, &bed->lanes[i]), 0);
	assert_int_equal(
		siov_portal_init(&bed->portals[i], bed->lanes[i], 100 + i, SIOV_PORTAL_F_PASID), 0);
	return i;
}

/* Word @p i of descriptor @p id; the transfer size (low half of word 4) stays small. */
static uint64_t
desc_word(uint64_t id, unsigned int i)
{
	return i == 4 ? id << 32 | 64 : id * 8 + i;
}

void
wq_bed_desc(struct siov_desc_words *desc, uint64_t id)
{
	unsigned int i;

	/* PASID, reserved bits and Priv are all ones: the portal has to replace them. */
	desc->word0 = id << 32 | SIOV_DESC_ID_MASK;
	for (i = 1; i < 8; i++)
		desc->word[i - 1] = desc_word(id, i);
}

uint64_t
wq_bed_id(const struct siov_desc_words *desc)
{
	return desc->word[0] / 8;
}

bool
wq_bed_is_whole(const struct siov_desc_words *desc, uint32_t who)
{
	uint64_t id = wq_bed_id(desc);
	unsigned int i;

	if (desc->word0 != (id << 32 | who))
		return false;
	for (i = 1; i < 8; i++) {
		if (desc->word[i - 1] != desc_word(id, i))
			return false;
	}
	return true;
}

enum siov_dmwr
wq_bed_submit(struct wq_bed *bed, unsigned int i, uint64_t id)
{
	struct siov_desc_words desc;

	wq_bed_desc(&desc, id);
	return siov_enqcmd(&bed->portals[i], (const struct dsa_hw_desc *)&desc);
}

unsigned int
wq_bed_fill(struct wq_bed *bed, unsigned int i, unsigned int max)
{
	unsigned int n = 0;

	while (n < max && wq_bed_submit(bed, i, bed->next_id) == SIOV_DMWR_SUCCESS) {
		bed->next_id++;
		n++;
	}
	return n;
}

unsigned int
wq_bed_pop_lane(struct wq_bed *bed, struct siov_lane *lane, unsigned int max)
{
	struct siov_lane_limits limits = {
		.nb_max = RTE_MIN(max, WQ_BED_BURST),
		.long_bytes = UINT32_MAX,
		.nb_long_max = UINT32_MAX,
	};

	return siov_lane_pop_sc(lane, &limits, bed->popped, bed->stamps);
}

unsigned int
wq_bed_dispatch(struct wq_bed *bed, unsigned int i, unsigned int max)
{
	unsigned int n = wq_bed_pop_lane(bed, bed->lanes[i], max);
	unsigned int j;

	for (j = 0; j < n; j++)
		assert_true(wq_bed_is_whole(&bed->popped[j], bed->portals[i].pasid));
	siov_wq_give_back(bed->wq, &bed->granter, n, bed->now_cycles);
	return n;
}

uint32_t
wq_bed_held(const struct wq_bed *bed)
{
	return siov_atomic_load(&bed->wq->pool, acquire) >> 17 & 0x1ffff;
}

uint32_t
wq_bed_idle_max(uint32_t size)
{
	return RTE_MAX(size / 8, RTE_MIN(8u, size / 2));
}

void
wq_bed_expire(struct wq_bed *bed)
{
	bed->now_cycles += UINT64_C(1) << 26;
	siov_wq_expire_grant(bed->wq, &bed->granter, bed->now_cycles);
}

unsigned int
wq_bed_drain(struct wq_bed *bed)
{
	unsigned int total = 0, i, n;

	for (i = 0; i < bed->nb_lanes; i++) {
		do {
			n = wq_bed_dispatch(bed, i, WQ_BED_BURST);
			total += n;
		} while (n != 0);
	}
	return total;
}

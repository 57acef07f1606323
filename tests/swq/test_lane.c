/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "wq_bed.h"

/* A lane in its first lap, or as it would be after @p idx descriptors: all popped, tags in place. */
static void
forge_index(struct siov_lane *lane, uint64_t idx)
{
	uint64_t nb_slots = (uint64_t)lane->mask + 1, i;

	lane->returned -= idx - siov_atomic_load(&lane->head, relaxed);
	siov_atomic_store(&lane->head, idx, relaxed);
	lane->tail = idx;
	for (i = 0; i < nb_slots; i++) {
		uint64_t last = idx - nb_slots + i;

		siov_atomic_store(&lane->slots[last & lane->mask].word0,
				  siov_lane_tag(last, lane->lap_shift), relaxed);
	}
}

/* Submit and dispatch @p total, @p burst at a time; each comes out once, whole and in order. */
static void
run_through(struct wq_bed *bed, uint64_t total, unsigned int burst)
{
	uint64_t next = 0, id = 0;
	unsigned int i, n;

	while (next < total) {
		for (i = 0; i < burst; i++)
			assert_int_equal(wq_bed_submit(bed, 0, id++), SIOV_DMWR_SUCCESS);
		n = wq_bed_dispatch(bed, 0, WQ_BED_BURST);
		assert_int_equal(n, burst);
		for (i = 0; i < n; i++)
			assert_int_equal(wq_bed_id(&bed->popped[i]), next++);
		assert_int_equal(wq_bed_dispatch(bed, 0, WQ_BED_BURST), 0);
	}
}

static void
test_slots_are_the_size_and_what_is_prefetched_rounded_up(void **state)
{
	static const uint32_t expected[][2] = {
		{1, 16},      {2, 16},      {3, 16},         {4, 16},
		{5, 32},      {63, 128},    {64, 128},       {100, 128},
		{116, 128},   {117, 256},   {1000, 1024},    {1012, 1024},
		{1013, 2048}, {1024, 2048}, {65535, 131072}, {65536, 131072},
	};
	unsigned int i;

	RTE_SET_USED(state);
	for (i = 0; i < RTE_DIM(expected); i++) {
		struct siov_wq_conf conf = wq_bed_conf(expected[i][0], 0);
		struct wq_bed *bed = wq_bed_open(&conf, 1);

		assert_int_equal(bed->lanes[0]->mask + 1, expected[i][1]);
		assert_int_equal(1u << bed->lanes[0]->lap_shift, expected[i][1]);
		/* A full queue never has an unread slot where the next prefetch goes. */
		assert_true(expected[i][0] + bed->lanes[0]->ahead <= expected[i][1]);
		wq_bed_close(bed);
	}
}

static void
test_s7_3_2_popped_descriptor_is_the_submitted_one(void **state)
{
	struct siov_wq_conf conf = wq_bed_conf(16, 0);
	struct wq_bed *bed = wq_bed_open(&conf, 1);
	struct siov_desc_words desc;
	unsigned int i;

	RTE_SET_USED(state);
	for (i = 0; i < 64; i++)
		((uint8_t *)&desc)[i] = 0x80 + i;
	assert_int_equal(siov_enqcmd(&bed->portals[0], (struct dsa_hw_desc *)&desc),
			 SIOV_DMWR_SUCCESS);
	assert_int_equal(wq_bed_pop_lane(bed, bed->lanes[0], 8), 1);
	/* PASID 100 in the first dword; flags, opcode and all else as they were. */
	assert_int_equal((uint32_t)bed->popped[0].word0, 100);
	assert_memory_equal((uint8_t *)&bed->popped[0] + 4, (uint8_t *)&desc + 4, 60);
	/* The descriptor is read before the call returns: the caller may reuse it. */
	siov_wq_give_back(bed->wq, &bed->granter, 1, 0);
	siov_enqcmd(&bed->portals[0], (struct dsa_hw_desc *)&desc);
	memset(&desc, 0, sizeof(desc));
	assert_int_equal(wq_bed_pop_lane(bed, bed->lanes[0], 8), 1);
	assert_int_equal(bed->popped[0].word[6], UINT64_C(0xbfbebdbcbbbab9b8));
	wq_bed_close(bed);
}

static void
test_lap_tag_is_never_zero_in_the_first_lap(void **state)
{
	unsigned int shift;

	RTE_SET_USED(state);
	for (shift = 0; shift <= 16; shift++) {
		uint64_t last = (UINT64_C(1) << shift) - 1;

		assert_int_equal(siov_lane_tag(0, shift), 1u << SIOV_DESC_RSVD_SHIFT);
		assert_int_equal(siov_lane_tag(last, shift), 1u << SIOV_DESC_RSVD_SHIFT);
		assert_int_equal(siov_lane_tag(last + 1, shift), 2u << SIOV_DESC_RSVD_SHIFT);
		/* Lap 2046 has tag 2047, lap 2047 tag 0, and so on round. */
		assert_int_equal(siov_lane_tag(UINT64_C(2046) << shift, shift),
				 SIOV_DESC_RSVD_MASK);
		assert_int_equal(siov_lane_tag(UINT64_C(2047) << shift, shift), 0);
		assert_int_equal(siov_lane_tag(UINT64_C(2048) << shift, shift),
				 siov_lane_tag(0, shift));
		/* Also where the index itself wraps. */
		assert_int_equal(siov_lane_tag(UINT64_MAX, shift), 0);
	}
}

/* Every lap tag twice round, through rings of 1 to 16 slots. */
static void
test_s7_3_2_lap_tag_wraps(void **state)
{
	static const uint32_t small_sizes[] = {1, 2, 3, 7, 16};
	unsigned int i;

	RTE_SET_USED(state);
	for (i = 0; i < RTE_DIM(small_sizes); i++) {
		struct siov_wq_conf conf = wq_bed_conf(small_sizes[i], 0);
		struct wq_bed *bed = wq_bed_open(&conf, 1);

		run_through(bed, 2 * 2048 * 16 + 3, small_sizes[i] > 2 ? small_sizes[i] - 1 : 1);
		run_through(bed, 2 * 2048, 1);
		wq_bed_close(bed);
	}
}

/* The lap that goes from tag 2047 to 0 in a long ring, forged. */
static void
test_s7_3_2_lap_tag_wraps_in_a_long_ring(void **state)
{
	struct siov_wq_conf conf = wq_bed_conf(1000, 0);
	struct wq_bed *bed = wq_bed_open(&conf, 1);

	RTE_SET_USED(state);
	forge_index(bed->lanes[0], UINT64_C(2047) * 1024 - 70);
	assert_true(siov_lane_is_empty(bed->lanes[0]));
	run_through(bed, 3 * 1024, 64);
	forge_index(bed->lanes[0], UINT64_C(2048) * 1024 - 70);
	assert_true(siov_lane_is_empty(bed->lanes[0]));
	run_through(bed, 3 * 1024, 64);
	wq_bed_close(bed);
}

static void
test_s7_3_2_head_and_tail_wrap(void **state)
{
	static const uint32_t some_sizes[] = {1, 3, 64, 100};
	unsigned int i;

	RTE_SET_USED(state);
	for (i = 0; i < RTE_DIM(some_sizes); i++) {
		struct siov_wq_conf conf = wq_bed_conf(some_sizes[i], 0);
		struct wq_bed *bed = wq_bed_open(&conf, 1);
		struct siov_lane *lane = bed->lanes[0];

		forge_index(lane, UINT64_MAX - 4);
		assert_true(siov_lane_is_empty(lane));
		run_through(bed, 4, 1);
		assert_int_equal(wq_bed_fill(bed, 0, UINT32_MAX), some_sizes[i]);
		assert_int_equal(wq_bed_drain(bed), some_sizes[i]);
		run_through(bed, 300, 1);
		assert_true(lane->tail < 1000);
		assert_int_equal(siov_wq_detach(lane), 0);
		assert_int_equal(siov_wq_free_credits(bed->wq), some_sizes[i]);
		wq_bed_close(bed);
	}
}

static void
test_pop_takes_no_more_than_asked(void **state)
{
	struct siov_wq_conf conf = wq_bed_conf(16, 0);
	struct wq_bed *bed = wq_bed_open(&conf, 1);

	RTE_SET_USED(state);
	wq_bed_fill(bed, 0, 10);
	assert_int_equal(wq_bed_pop_lane(bed, bed->lanes[0], 0), 0);
	assert_int_equal(wq_bed_pop_lane(bed, bed->lanes[0], 4), 4);
	assert_int_equal(wq_bed_id(&bed->popped[3]), 3);
	assert_int_equal(wq_bed_pop_lane(bed, bed->lanes[0], 64), 6);
	assert_int_equal(wq_bed_id(&bed->popped[5]), 9);
	assert_int_equal(wq_bed_pop_lane(bed, bed->lanes[0], 64), 0);
	wq_bed_close(bed);
}

/* What was published is ahead of the head by what lies there, whole laps on. */
static void
test_published_tells_the_index_behind_the_last(void **state)
{
	struct siov_wq_conf conf = wq_bed_conf(8, 0);
	struct wq_bed *bed = wq_bed_open(&conf, 1);
	const struct siov_lane *lane = bed->lanes[0];
	uint64_t nb = 0;
	unsigned int lap;

	RTE_SET_USED(state);
	assert_int_equal(siov_lane_published(lane), 0);
	for (lap = 0; lap < 20; lap++) {
		nb += wq_bed_fill(bed, 0, 3 + lap % 4);
		assert_int_equal(siov_lane_published(lane), nb);
		wq_bed_dispatch(bed, 0, 2);
		assert_int_equal(siov_lane_published(lane), nb);
		assert_true(siov_atomic_load(&lane->head, relaxed) < nb);
		wq_bed_drain(bed);
		assert_int_equal(siov_lane_published(lane), nb);
		assert_int_equal(siov_atomic_load(&lane->head, relaxed), nb);
	}
	wq_bed_close(bed);
}

static void
test_is_published_looks_ahead(void **state)
{
	struct siov_wq_conf conf = wq_bed_conf(8, 0);
	struct wq_bed *bed = wq_bed_open(&conf, 1);
	unsigned int lap, i;

	RTE_SET_USED(state);
	for (lap = 0; lap < 3; lap++) {
		wq_bed_fill(bed, 0, 5);
		for (i = 0; i < 8; i++)
			assert_int_equal(siov_lane_is_published_sc(bed->lanes[0], i), i < 5);
		/* One ring further on lies the same slot: it is not the next lap's yet. */
		assert_false(siov_lane_is_published_sc(bed->lanes[0], 8));
		wq_bed_drain(bed);
	}
	wq_bed_close(bed);
}

/* Transfers of more than long_bytes wait while the lane has nb_long_max of them. */
static void
test_pop_stops_before_one_long_transfer_too_many(void **state)
{
	static const uint32_t xfer_bytes[] = {64, 4096, 4097, 64, 5000, 64};
	const struct siov_lane_limits limits = {
		.nb_max = 64,
		.long_bytes = 4096,
		.nb_long_max = 1,
	};
	struct siov_wq_conf conf = wq_bed_conf(16, 0);
	struct wq_bed *bed = wq_bed_open(&conf, 1);
	struct siov_lane *lane = bed->lanes[0];
	struct siov_desc_words desc;
	unsigned int i;

	RTE_SET_USED(state);
	for (i = 0; i < RTE_DIM(xfer_bytes); i++) {
		wq_bed_desc(&desc, i);
		desc.word[3] = xfer_bytes[i];
		siov_enqcmd(&bed->portals[0], (struct dsa_hw_desc *)&desc);
	}
	assert_int_equal(siov_lane_pop_sc(lane, &limits, bed->popped, bed->stamps), 4);
	assert_int_equal((uint32_t)bed->popped[2].word[3], 4097);
	lane->nb_long = 1;
	assert_int_equal(siov_lane_pop_sc(lane, &limits, bed->popped, bed->stamps), 0);
	assert_true(siov_lane_is_published_sc(lane, 0));
	lane->nb_long = 0;
	assert_int_equal(siov_lane_pop_sc(lane, &limits, bed->popped, bed->stamps), 2);
	assert_int_equal(wq_bed_id(&bed->popped[0]), 4);
	assert_true(siov_lane_is_empty(lane));
	wq_bed_close(bed);
}

static void
test_stamps_come_out_with_their_descriptors(void **state)
{
	struct siov_wq_conf conf = wq_bed_conf(3, SIOV_WQ_F_STAMPS);
	struct wq_bed *bed = wq_bed_open(&conf, 1);
	struct siov_desc_words desc;
	unsigned int i;

	RTE_SET_USED(state);
	for (i = 0; i < 100; i += 2) {
		wq_bed_desc(&desc, i);
		siov_enqcmd_at(&bed->portals[0], (struct dsa_hw_desc *)&desc, 1000 + i);
		siov_enqcmd_at(&bed->portals[0], (struct dsa_hw_desc *)&desc, 1001 + i);
		assert_int_equal(wq_bed_dispatch(bed, 0, 8), 2);
		assert_int_equal(bed->stamps[0], 1000 + i);
		assert_int_equal(bed->stamps[1], 1001 + i);
	}
	wq_bed_submit(bed, 0, 1);
	assert_int_equal(wq_bed_dispatch(bed, 0, 8), 1);
	assert_true(bed->stamps[0] > 1101);
	wq_bed_close(bed);
}

static void
test_without_stamps_none_are_written(void **state)
{
	struct siov_wq_conf conf = wq_bed_conf(8, 0);
	struct wq_bed *bed = wq_bed_open(&conf, 1);

	RTE_SET_USED(state);
	assert_null(bed->lanes[0]->stamps);
	bed->stamps[0] = 4711;
	wq_bed_fill(bed, 0, 1);
	assert_int_equal(wq_bed_dispatch(bed, 0, 8), 1);
	assert_int_equal(bed->stamps[0], 4711);
	wq_bed_close(bed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slots_are_the_size_and_what_is_prefetched_rounded_up),
		cmocka_unit_test(test_s7_3_2_popped_descriptor_is_the_submitted_one),
		cmocka_unit_test(test_lap_tag_is_never_zero_in_the_first_lap),
		cmocka_unit_test(test_s7_3_2_lap_tag_wraps),
		cmocka_unit_test(test_s7_3_2_lap_tag_wraps_in_a_long_ring),
		cmocka_unit_test(test_s7_3_2_head_and_tail_wrap),
		cmocka_unit_test(test_pop_takes_no_more_than_asked),
		cmocka_unit_test(test_published_tells_the_index_behind_the_last),
		cmocka_unit_test(test_is_published_looks_ahead),
		cmocka_unit_test(test_pop_stops_before_one_long_transfer_too_many),
		cmocka_unit_test(test_stamps_come_out_with_their_descriptors),
		cmocka_unit_test(test_without_stamps_none_are_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

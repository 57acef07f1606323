/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "wq_bed.h"

/* Submissions of a portal by answer, in the order of enum siov_dmwr. */
static void
expect_counts(const struct siov_portal *portal, const uint64_t expected[SIOV_DMWR_NB])
{
	unsigned int i;

	for (i = 0; i < SIOV_DMWR_NB; i++)
		assert_int_equal(siov_portal_count(portal, i), expected[i]);
}

static void
close_queue(struct wq_bed *bed)
{
	assert_int_equal(siov_wq_set_state(bed->wq, SIOV_WQ_DRAINING), 0);
	assert_int_equal(siov_wq_set_state(bed->wq, SIOV_WQ_DISABLED), 0);
}

static void
test_portal_init_refuses_what_it_does_not_know(void **state)
{
	struct siov_wq_conf conf = wq_bed_conf(8, 0);
	struct wq_bed *bed = wq_bed_open(&conf, 1);
	struct siov_portal portal;

	RTE_SET_USED(state);
	assert_int_equal(siov_portal_init(&portal, bed->lanes[0], 0, 0x4), -EINVAL);
	assert_int_equal(siov_portal_init(&portal, bed->lanes[0], SIOV_PASID_MAX + 1, 0), -ERANGE);
	assert_int_equal(siov_portal_init(&portal, bed->lanes[0], SIOV_PASID_MAX,
					  SIOV_PORTAL_F_PASID | SIOV_PORTAL_F_PRIV),
			 0);
	expect_counts(&portal, (uint64_t[SIOV_DMWR_NB]){0});
	wq_bed_close(bed);
}

static void
test_s7_3_3_full_is_counted_as_capacity(void **state)
{
	struct siov_wq_conf conf = wq_bed_conf(8, 0);
	struct wq_bed *bed = wq_bed_open(&conf, 1);

	RTE_SET_USED(state);
	assert_int_equal(wq_bed_fill(bed, 0, 8), 8);
	assert_int_equal(wq_bed_submit(bed, 0, 9), SIOV_DMWR_RETRY_CAPACITY);
	assert_int_equal(wq_bed_submit(bed, 0, 9), SIOV_DMWR_RETRY_CAPACITY);
	expect_counts(
		&bed->portals[0],
		(uint64_t[SIOV_DMWR_NB]){[SIOV_DMWR_SUCCESS] = 8, [SIOV_DMWR_RETRY_CAPACITY] = 2});
	wq_bed_close(bed);
}

static void
test_s7_3_3_draining_is_counted_apart(void **state)
{
	struct siov_wq_conf conf = wq_bed_conf(8, 0);
	struct wq_bed *bed = wq_bed_open(&conf, 1);

	RTE_SET_USED(state);
	assert_int_equal(siov_wq_set_state(bed->wq, SIOV_WQ_DRAINING), 0);
	assert_int_equal(wq_bed_submit(bed, 0, 9), SIOV_DMWR_RETRY_DRAINING);
	expect_counts(&bed->portals[0], (uint64_t[SIOV_DMWR_NB]){[SIOV_DMWR_RETRY_DRAINING] = 1});
	assert_int_equal(siov_wq_set_state(bed->wq, SIOV_WQ_ENABLED), 0);
	assert_int_equal(wq_bed_submit(bed, 0, 9), SIOV_DMWR_SUCCESS);
	wq_bed_close(bed);
}

static void
test_s7_3_3_disabled_is_counted_apart(void **state)
{
	struct siov_wq_conf conf = wq_bed_conf(8, 0);
	struct wq_bed *bed = wq_bed_open(&conf, 1);

	RTE_SET_USED(state);
	close_queue(bed);
	assert_int_equal(wq_bed_submit(bed, 0, 9), SIOV_DMWR_RETRY_DISABLED);
	expect_counts(&bed->portals[0], (uint64_t[SIOV_DMWR_NB]){[SIOV_DMWR_RETRY_DISABLED] = 1});
	wq_bed_close(bed);
}

/* The mode comes before the state: a DMWr can never get into a dedicated queue. */
static void
test_s7_3_3_wrong_mode_is_counted_apart(void **state)
{
	struct siov_wq_conf conf = wq_bed_conf(8, 0);
	struct wq_bed *bed;

	RTE_SET_USED(state);
	conf.mode = SIOV_WQ_DEDICATED;
	bed = wq_bed_open(&conf, 1);
	assert_int_equal(wq_bed_submit(bed, 0, 9), SIOV_DMWR_RETRY_MODE);
	close_queue(bed);
	assert_int_equal(wq_bed_submit(bed, 0, 9), SIOV_DMWR_RETRY_MODE);
	expect_counts(&bed->portals[0], (uint64_t[SIOV_DMWR_NB]){[SIOV_DMWR_RETRY_MODE] = 2});
	assert_int_equal(wq_bed_drain(bed), 0);
	wq_bed_close(bed);
}

/* The lane's slots, stamps, indexes and credits, byte by byte, before and after a Retry. */
static void
expect_no_trace(struct wq_bed *bed, enum siov_dmwr answer)
{
	struct siov_lane *lane = bed->lanes[0];
	size_t nb_slots = (size_t)lane->mask + 1;
	size_t slots_bytes = nb_slots * sizeof(lane->slots[0]);
	size_t stamps_bytes = nb_slots * sizeof(lane->stamps[0]);
	uint8_t *slots = malloc(slots_bytes), *stamps = malloc(stamps_bytes);
	uint32_t nb_free = siov_wq_free_credits(bed->wq);
	struct siov_lane lane_then = *lane;

	assert_true(slots != NULL && stamps != NULL);
	memcpy(slots, lane->slots, slots_bytes);
	memcpy(stamps, lane->stamps, stamps_bytes);
	assert_int_equal(wq_bed_submit(bed, 0, 0x123456), answer);
	assert_memory_equal(slots, lane->slots, slots_bytes);
	assert_memory_equal(stamps, lane->stamps, stamps_bytes);
	/* Only the mark that it wants a credit may differ: it is not the descriptor's. */
	lane_then.hungry = lane->hungry;
	assert_memory_equal(&lane_then, lane, sizeof(*lane));
	assert_int_equal(siov_wq_free_credits(bed->wq), nb_free);
	free(slots);
	free(stamps);
}

static void
test_s7_3_2_full_swq_answers_retry_and_leaves_no_trace(void **state)
{
	static const uint32_t sizes[] = {WQ_BED_SIZES};
	unsigned int i;

	RTE_SET_USED(state);
	for (i = 0; i < RTE_DIM(sizes); i++) {
		struct siov_wq_conf conf = wq_bed_conf(sizes[i], SIOV_WQ_F_STAMPS);
		struct wq_bed *bed = wq_bed_open(&conf, 1);

		assert_int_equal(wq_bed_fill(bed, 0, UINT32_MAX), sizes[i]);
		expect_no_trace(bed, SIOV_DMWR_RETRY_CAPACITY);
		assert_int_equal(wq_bed_drain(bed), sizes[i]);
		wq_bed_close(bed);
	}
}

static void
test_s7_3_2_closed_swq_answers_retry_and_leaves_no_trace(void **state)
{
	struct siov_wq_conf conf = wq_bed_conf(16, SIOV_WQ_F_STAMPS);
	struct wq_bed *bed = wq_bed_open(&conf, 1);

	RTE_SET_USED(state);
	wq_bed_fill(bed, 0, 3);
	assert_int_equal(siov_wq_set_state(bed->wq, SIOV_WQ_DRAINING), 0);
	expect_no_trace(bed, SIOV_DMWR_RETRY_DRAINING);
	assert_int_equal(siov_wq_set_state(bed->wq, SIOV_WQ_DISABLED), 0);
	expect_no_trace(bed, SIOV_DMWR_RETRY_DISABLED);
	assert_int_equal(wq_bed_drain(bed), 3);
	wq_bed_close(bed);
}

static void
test_s7_3_6_enqcmd_replaces_pasid_reserved_bits_and_priv(void **state)
{
	static const uint32_t pasids[] = {0, 1, 0xabcde, SIOV_PASID_MAX};
	struct siov_wq_conf conf = wq_bed_conf(8, 0);
	struct wq_bed *bed = wq_bed_open(&conf, 1);
	struct siov_desc_words desc;
	struct siov_portal portal;
	unsigned int i;

	RTE_SET_USED(state);
	for (i = 0; i < RTE_DIM(pasids); i++) {
		siov_portal_init(&portal, bed->lanes[0], pasids[i], SIOV_PORTAL_F_PASID);
		wq_bed_desc(&desc, i);
		/* All ones, then all zeros, where the instruction puts its own. */
		assert_int_equal(siov_enqcmd(&portal, (struct dsa_hw_desc *)&desc),
				 SIOV_DMWR_SUCCESS);
		desc.word0 &= ~SIOV_DESC_ID_MASK;
		assert_int_equal(siov_enqcmd(&portal, (struct dsa_hw_desc *)&desc),
				 SIOV_DMWR_SUCCESS);
		assert_int_equal(wq_bed_pop_lane(bed, bed->lanes[0], 8), 2);
		assert_true(wq_bed_is_whole(&bed->popped[0], pasids[i]));
		assert_true(wq_bed_is_whole(&bed->popped[1], pasids[i]));
		siov_wq_give_back(bed->wq, &bed->granter, 2, 0);
	}
	wq_bed_close(bed);
}

/* The device knows no PASID beforehand: each descriptor brings its own. */
static void
test_s7_3_6_descriptors_pasid_is_enough(void **state)
{
	static const uint32_t ids[] = {0x00000000, 0x80000000, 0x00012345, 0x800fffff};
	struct siov_wq_conf conf = wq_bed_conf(8, 0);
	struct wq_bed *bed = wq_bed_open(&conf, 1);
	struct siov_desc_words desc;
	struct siov_portal portal;
	unsigned int i;

	RTE_SET_USED(state);
	siov_portal_init(&portal, bed->lanes[0], 77, SIOV_PORTAL_F_PRIV);
	for (i = 0; i < RTE_DIM(ids); i++) {
		wq_bed_desc(&desc, i);
		desc.word0 = (desc.word0 & ~SIOV_DESC_ID_MASK) | ids[i];
		assert_int_equal(siov_enqcmds(&portal, (struct dsa_hw_desc *)&desc),
				 SIOV_DMWR_SUCCESS);
	}
	assert_int_equal(wq_bed_pop_lane(bed, bed->lanes[0], 8), RTE_DIM(ids));
	for (i = 0; i < RTE_DIM(ids); i++)
		assert_true(wq_bed_is_whole(&bed->popped[i], ids[i]));
	assert_int_equal(siov_portal_count(&portal, SIOV_DMWR_SUCCESS), RTE_DIM(ids));
	wq_bed_close(bed);
}

static void
test_enqcmd_without_pasid_is_a_protection_fault(void **state)
{
	struct siov_wq_conf conf = wq_bed_conf(8, 0);
	struct wq_bed *bed = wq_bed_open(&conf, 1);
	struct siov_desc_words desc;
	struct siov_portal portal;

	RTE_SET_USED(state);
	wq_bed_desc(&desc, 1);
	siov_portal_init(&portal, bed->lanes[0], 5, SIOV_PORTAL_F_PRIV);
	assert_int_equal(siov_enqcmd(&portal, (struct dsa_hw_desc *)&desc), SIOV_DMWR_GP);
	expect_counts(&portal, (uint64_t[SIOV_DMWR_NB]){0});
	assert_int_equal(wq_bed_drain(bed), 0);
	assert_int_equal(siov_wq_free_credits(bed->wq), 8);
	wq_bed_close(bed);
}

static void
test_enqcmds_unprivileged_or_with_reserved_bits_is_a_protection_fault(void **state)
{
	struct siov_wq_conf conf = wq_bed_conf(8, 0);
	struct wq_bed *bed = wq_bed_open(&conf, 1);
	struct siov_desc_words desc;
	struct siov_portal user, kernel;
	unsigned int bit;

	RTE_SET_USED(state);
	wq_bed_desc(&desc, 1);
	desc.word0 &= ~SIOV_DESC_ID_MASK;
	siov_portal_init(&user, bed->lanes[0], 5, SIOV_PORTAL_F_PASID);
	siov_portal_init(&kernel, bed->lanes[0], 5, SIOV_PORTAL_F_PRIV);
	assert_int_equal(siov_enqcmds(&user, (struct dsa_hw_desc *)&desc), SIOV_DMWR_GP);
	for (bit = 20; bit <= 30; bit++) {
		desc.word0 |= UINT64_C(1) << bit;
		assert_int_equal(siov_enqcmds(&kernel, (struct dsa_hw_desc *)&desc), SIOV_DMWR_GP);
		desc.word0 &= ~(UINT64_C(1) << bit);
	}
	assert_int_equal(wq_bed_drain(bed), 0);
	assert_int_equal(siov_enqcmds(&kernel, (struct dsa_hw_desc *)&desc), SIOV_DMWR_SUCCESS);
	expect_counts(&kernel, (uint64_t[SIOV_DMWR_NB]){[SIOV_DMWR_SUCCESS] = 1});
	expect_counts(&user, (uint64_t[SIOV_DMWR_NB]){0});
	wq_bed_close(bed);
}

/* Two ADIs of one address domain: one PASID, each its own counters, on one lane and on two. */
static void
test_s7_2_6_two_portals_with_one_pasid(void **state)
{
	struct siov_wq_conf conf = wq_bed_conf(16, 0);
	struct wq_bed *bed = wq_bed_open(&conf, 2);
	struct siov_portal portals[3];
	struct siov_desc_words desc;
	unsigned int i, j;

	RTE_SET_USED(state);
	wq_bed_desc(&desc, 4);
	for (i = 0; i < 3; i++) {
		siov_portal_init(&portals[i], bed->lanes[i / 2], 321, SIOV_PORTAL_F_PASID);
		for (j = 0; j <= i; j++)
			assert_int_equal(siov_enqcmd(&portals[i], (struct dsa_hw_desc *)&desc),
					 SIOV_DMWR_SUCCESS);
	}
	for (i = 0; i < 3; i++)
		assert_int_equal(siov_portal_count(&portals[i], SIOV_DMWR_SUCCESS), i + 1);
	for (i = 0; i < 2; i++) {
		assert_int_equal(wq_bed_pop_lane(bed, bed->lanes[i], 8), 3);
		for (j = 0; j < 3; j++)
			assert_true(wq_bed_is_whole(&bed->popped[j], 321));
	}
	wq_bed_close(bed);
}

static struct wq_bed *
open_dedicated(uint32_t size, uint32_t pasid, uint32_t priv)
{
	struct siov_wq_conf conf = wq_bed_conf(size, SIOV_WQ_F_STAMPS);

	conf.mode = SIOV_WQ_DEDICATED;
	conf.pasid = pasid;
	conf.priv = priv;
	return wq_bed_open(&conf, 1);
}

/* Each size, each lap: exactly `size` fit, the rest is counted as overflow and leaves no trace. */
static void
test_s7_3_7_dwq_overflow_is_reported_never_retry(void **state)
{
	static const uint32_t sizes[] = {1, 2, 3, 7, 16, 63, 64, 100, 128};
	unsigned int i, lap, j;

	RTE_SET_USED(state);
	for (i = 0; i < RTE_DIM(sizes); i++) {
		struct wq_bed *bed = open_dedicated(sizes[i], 0x4321, 1);
		struct siov_desc_words desc;

		for (lap = 0; lap < 5; lap++) {
			for (j = 0; j < sizes[i] + 3; j++) {
				wq_bed_desc(&desc, j);
				siov_movdir64b(&bed->portals[0], (struct dsa_hw_desc *)&desc);
			}
			for (j = 0; wq_bed_pop_lane(bed, bed->lanes[0], 1) == 1; j++) {
				assert_int_equal(wq_bed_id(&bed->popped[0]), j);
				assert_true(wq_bed_is_whole(&bed->popped[0], 0x80004321));
			}
			assert_int_equal(j, sizes[i]);
			assert_int_equal(bed->wq->nb_overflow, 3 * (lap + 1));
		}
		assert_int_equal(bed->wq->nb_refused, 0);
		assert_int_equal(siov_portal_count(&bed->portals[0], SIOV_DMWR_SUCCESS),
				 5 * sizes[i]);
		wq_bed_close(bed);
	}
}

static void
test_s7_3_7_posted_write_to_a_closed_dwq_is_refused(void **state)
{
	struct wq_bed *bed = open_dedicated(4, 1, 0);
	struct siov_desc_words desc;

	RTE_SET_USED(state);
	wq_bed_desc(&desc, 1);
	siov_wq_set_state(bed->wq, SIOV_WQ_DRAINING);
	siov_movdir64b(&bed->portals[0], (struct dsa_hw_desc *)&desc);
	siov_wq_set_state(bed->wq, SIOV_WQ_DISABLED);
	siov_movdir64b(&bed->portals[0], (struct dsa_hw_desc *)&desc);
	siov_movdir64b(&bed->portals[0], (struct dsa_hw_desc *)&desc);
	assert_int_equal(bed->wq->nb_refused, 3);
	assert_int_equal(bed->wq->nb_overflow, 0);
	expect_counts(&bed->portals[0],
		      (uint64_t[SIOV_DMWR_NB]){
			      [SIOV_DMWR_RETRY_DRAINING] = 1, [SIOV_DMWR_RETRY_DISABLED] = 2});
	assert_int_equal(wq_bed_drain(bed), 0);
	wq_bed_close(bed);
}

static void
test_s7_3_7_posted_write_to_a_swq_is_refused(void **state)
{
	struct siov_wq_conf conf = wq_bed_conf(8, 0);
	struct wq_bed *bed = wq_bed_open(&conf, 1);
	struct siov_desc_words desc;

	RTE_SET_USED(state);
	wq_bed_desc(&desc, 1);
	siov_movdir64b(&bed->portals[0], (struct dsa_hw_desc *)&desc);
	assert_int_equal(bed->wq->nb_refused, 1);
	assert_int_equal(siov_portal_count(&bed->portals[0], SIOV_DMWR_RETRY_MODE), 1);
	assert_int_equal(wq_bed_drain(bed), 0);
	assert_int_equal(siov_wq_free_credits(bed->wq), 8);
	wq_bed_close(bed);
}

/* A dedicated queue's lane goes to another thread: what the first left behind does not matter. */
static void
test_s7_3_7_dwq_changes_hands(void **state)
{
	struct wq_bed *bed = open_dedicated(5, 9, 0);
	struct siov_desc_words desc;
	unsigned int turn, i;

	RTE_SET_USED(state);
	wq_bed_desc(&desc, 1);
	for (turn = 0; turn < 20; turn++) {
		for (i = 0; i < 6; i++)
			siov_movdir64b(&bed->portals[0], (struct dsa_hw_desc *)&desc);
		assert_int_equal(siov_wq_detach(bed->lanes[0]), -EBUSY);
		assert_int_equal(wq_bed_pop_lane(bed, bed->lanes[0], 64), 5);
		assert_int_equal(siov_wq_detach(bed->lanes[0]), 0);
		assert_int_equal(siov_wq_attach(&bed->fm.mem, bed->wq, 0, &bed->lanes[0]), 0);
	}
	assert_int_equal(bed->wq->nb_overflow, 20);
	wq_bed_close(bed);
}

static void
test_s7_3_4_backoff_none_gives_up(void **state)
{
	struct siov_backoff backoff = {.policy = SIOV_BACKOFF_NONE};

	RTE_SET_USED(state);
	assert_false(siov_backoff_wait(&backoff));
	backoff.policy = 99;
	assert_false(siov_backoff_wait(&backoff));
}

static void
test_s7_3_4_backoff_spin_and_pause_try_again(void **state)
{
	struct siov_backoff backoff = {.policy = SIOV_BACKOFF_SPIN, .max_cycles = 10};

	RTE_SET_USED(state);
	assert_true(siov_backoff_wait(&backoff));
	backoff.yields = true;
	assert_true(siov_backoff_wait(&backoff));
	backoff.policy = SIOV_BACKOFF_PAUSE;
	assert_true(siov_backoff_wait(&backoff));
	backoff.yields = false;
	assert_true(siov_backoff_wait(&backoff));
	assert_int_equal(backoff.next_cycles, 0);
}

static void
test_s7_3_4_backoff_doubles_between_its_bounds(void **state)
{
	static const uint64_t next[] = {100, 200, 400, 800, 1000, 1000, 1000};
	struct siov_backoff backoff = {
		.policy = SIOV_BACKOFF_EXP, .min_cycles = 100, .max_cycles = 1000};
	unsigned int yields, i;

	RTE_SET_USED(state);
	for (yields = 0; yields < 2; yields++) {
		backoff.yields = yields;
		siov_backoff_reset(&backoff);
		for (i = 0; i < RTE_DIM(next); i++) {
			uint64_t start = rte_rdtsc();

			assert_int_equal(backoff.next_cycles, next[i]);
			assert_true(siov_backoff_wait(&backoff));
			assert_true(rte_rdtsc() - start >= next[i]);
		}
	}
	siov_backoff_reset(&backoff);
	assert_int_equal(backoff.next_cycles, 100);
}

/* The loop of a submitter: retried until an engine has taken something out. */
static void
test_s7_3_4_backed_off_submission_gets_in(void **state)
{
	struct siov_wq_conf conf = wq_bed_conf(4, 0);
	struct wq_bed *bed = wq_bed_open(&conf, 1);
	struct siov_backoff backoff = {
		.policy = SIOV_BACKOFF_EXP, .min_cycles = 10, .max_cycles = 100};
	unsigned int tries = 0;

	RTE_SET_USED(state);
	siov_backoff_reset(&backoff);
	assert_int_equal(wq_bed_fill(bed, 0, 4), 4);
	while (wq_bed_submit(bed, 0, 4) != SIOV_DMWR_SUCCESS) {
		assert_true(siov_backoff_wait(&backoff));
		if (++tries == 5)
			assert_int_equal(wq_bed_dispatch(bed, 0, 1), 1);
		assert_true(tries <= 5);
	}
	assert_int_equal(siov_portal_count(&bed->portals[0], SIOV_DMWR_RETRY_CAPACITY), 5);
	wq_bed_close(bed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_portal_init_refuses_what_it_does_not_know),
		cmocka_unit_test(test_s7_3_3_full_is_counted_as_capacity),
		cmocka_unit_test(test_s7_3_3_draining_is_counted_apart),
		cmocka_unit_test(test_s7_3_3_disabled_is_counted_apart),
		cmocka_unit_test(test_s7_3_3_wrong_mode_is_counted_apart),
		cmocka_unit_test(test_s7_3_2_full_swq_answers_retry_and_leaves_no_trace),
		cmocka_unit_test(test_s7_3_2_closed_swq_answers_retry_and_leaves_no_trace),
		cmocka_unit_test(test_s7_3_6_enqcmd_replaces_pasid_reserved_bits_and_priv),
		cmocka_unit_test(test_s7_3_6_descriptors_pasid_is_enough),
		cmocka_unit_test(test_enqcmd_without_pasid_is_a_protection_fault),
		cmocka_unit_test(
			test_enqcmds_unprivileged_or_with_reserved_bits_is_a_protection_fault),
		cmocka_unit_test(test_s7_2_6_two_portals_with_one_pasid),
		cmocka_unit_test(test_s7_3_7_dwq_overflow_is_reported_never_retry),
		cmocka_unit_test(test_s7_3_7_posted_write_to_a_closed_dwq_is_refused),
		cmocka_unit_test(test_s7_3_7_posted_write_to_a_swq_is_refused),
		cmocka_unit_test(test_s7_3_7_dwq_changes_hands),
		cmocka_unit_test(test_s7_3_4_backoff_none_gives_up),
		cmocka_unit_test(test_s7_3_4_backoff_spin_and_pause_try_again),
		cmocka_unit_test(test_s7_3_4_backoff_doubles_between_its_bounds),
		cmocka_unit_test(test_s7_3_4_backed_off_submission_gets_in),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

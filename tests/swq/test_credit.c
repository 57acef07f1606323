/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>

#include "wq_bed.h"

#define GRANT_CYCLES (UINT64_C(1) << 25)

static const uint32_t sizes[] = {WQ_BED_SIZES};

static bool
has_grant(const struct wq_bed *bed, unsigned int i)
{
	return siov_atomic_load(&bed->lanes[i]->grant, relaxed) & 1;
}

static bool
is_hungry(const struct wq_bed *bed, unsigned int i)
{
	return siov_atomic_load(&bed->lanes[i]->hungry, relaxed);
}

/* Lane 0 takes all there is and asks for no more: it is not hungry then. */
static unsigned int
take_all(struct wq_bed *bed)
{
	uint32_t n = siov_wq_free_credits(bed->wq) + bed->lanes[0]->credits;

	assert_int_equal(wq_bed_fill(bed, 0, n), n);
	assert_int_equal(siov_wq_free_credits(bed->wq), 0);
	return n;
}

/* Give every lane's credits back by detaching all; what was published was dispatched. */
static void
expect_all_credits_back(struct wq_bed *bed)
{
	unsigned int i;

	wq_bed_drain(bed);
	for (i = 0; i < bed->nb_lanes; i++)
		assert_int_equal(siov_wq_detach(bed->lanes[i]), 0);
	wq_bed_expire(bed);
	assert_int_equal(siov_wq_free_credits(bed->wq), bed->wq->size);
	assert_int_equal(wq_bed_held(bed), 0);
}

/* What a lone submitter, lane 0, must get accepted on an idle queue before its first Retry. */
static void
expect_lone_share(struct wq_bed *bed)
{
	uint32_t size = bed->wq->size, n;

	wq_bed_drain(bed);
	wq_bed_expire(bed);
	n = wq_bed_fill(bed, 0, UINT32_MAX);
	if (bed->wq->flags & SIOV_WQ_F_EXACT)
		assert_int_equal(n, size);
	else if (size >= 64)
		assert_true(8 * (uint64_t)n >= 7 * (uint64_t)size);
	else
		assert_true(n >= size - wq_bed_idle_max(size));
	assert_true(n <= size);
	assert_int_equal(wq_bed_submit(bed, 0, 1), SIOV_DMWR_RETRY_CAPACITY);
	assert_int_equal(wq_bed_drain(bed), n);
}

/* Idle lanes that each leased once as they came, and again when all were there. */
static void
check_lone_submitter(uint32_t size, uint32_t flags, unsigned int nb_idle)
{
	struct siov_wq_conf conf = wq_bed_conf(size, flags);
	struct wq_bed *bed = wq_bed_open(&conf, 1);
	unsigned int i, round;

	for (i = 1; i <= nb_idle; i++) {
		wq_bed_attach(bed, 0);
		wq_bed_fill(bed, i, 1);
		wq_bed_dispatch(bed, i, 1);
	}
	expect_lone_share(bed);
	for (round = 0; round < 3; round++) {
		for (i = 1; i <= nb_idle; i++) {
			wq_bed_fill(bed, i, 1 + round * i % 5);
			wq_bed_dispatch(bed, i, WQ_BED_BURST);
		}
		expect_lone_share(bed);
	}
	expect_all_credits_back(bed);
	wq_bed_close(bed);
}

static void
test_s7_3_2_lone_submitter_gets_seven_eighths(void **state)
{
	static const unsigned int nb_idle[] = {0, 1, 3, 8, 20, 100};
	unsigned int i, j;

	RTE_SET_USED(state);
	for (i = 0; i < RTE_DIM(sizes); i++) {
		for (j = 0; j < RTE_DIM(nb_idle); j++) {
			if (sizes[i] <= 1024 || nb_idle[j] <= 3)
				check_lone_submitter(sizes[i], 0, nb_idle[j]);
		}
	}
}

static void
test_s7_3_2_lone_submitter_gets_all_in_exact_mode(void **state)
{
	static const unsigned int nb_idle[] = {0, 1, 3, 8, 20, 100};
	unsigned int i, j;

	RTE_SET_USED(state);
	for (i = 0; i < RTE_DIM(sizes); i++) {
		for (j = 0; j < RTE_DIM(nb_idle); j++) {
			if (sizes[i] <= 1024 || nb_idle[j] <= 3)
				check_lone_submitter(sizes[i], SIOV_WQ_F_EXACT, nb_idle[j]);
		}
	}
}

/* Lanes that starved once and were helped keep no more than others afterwards. */
static void
check_lone_submitter_after_grants(uint32_t size, uint32_t flags, unsigned int nb_idle)
{
	struct siov_wq_conf conf = wq_bed_conf(size, flags);
	struct wq_bed *bed = wq_bed_open(&conf, 1 + nb_idle);
	unsigned int i;

	for (i = 1; i <= nb_idle; i++) {
		take_all(bed);
		assert_int_equal(wq_bed_submit(bed, i, 7), SIOV_DMWR_RETRY_CAPACITY);
		assert_int_equal(wq_bed_dispatch(bed, 0, 1), 1);
		assert_true(has_grant(bed, i));
		/* More than the grant is free when it tries again. */
		wq_bed_dispatch(bed, 0, WQ_BED_BURST);
		assert_int_equal(wq_bed_submit(bed, i, 7), SIOV_DMWR_SUCCESS);
		assert_int_equal(wq_bed_dispatch(bed, i, 8), 1);
	}
	expect_lone_share(bed);
	expect_all_credits_back(bed);
	wq_bed_close(bed);
}

static void
test_s7_3_2_lone_submitter_keeps_its_share_after_grants(void **state)
{
	static const uint32_t some_sizes[] = {2, 3, 7, 16, 64, 65, 100, 1000};
	unsigned int i;

	RTE_SET_USED(state);
	for (i = 0; i < RTE_DIM(some_sizes); i++) {
		check_lone_submitter_after_grants(some_sizes[i], 0, 40);
		check_lone_submitter_after_grants(some_sizes[i], SIOV_WQ_F_EXACT, 40);
	}
}

static void
test_lease_is_one_in_exact_mode(void **state)
{
	struct siov_wq_conf conf = wq_bed_conf(1024, SIOV_WQ_F_EXACT);
	struct wq_bed *bed = wq_bed_open(&conf, 1);

	RTE_SET_USED(state);
	wq_bed_fill(bed, 0, 1);
	assert_int_equal(siov_wq_free_credits(bed->wq), 1023);
	assert_int_equal(wq_bed_held(bed), 0);
	wq_bed_close(bed);
}

/* Many when the pool is full, fewer with more lanes, one when it is nearly empty. */
static void
test_lease_follows_lanes_and_pool(void **state)
{
	struct siov_wq_conf conf = wq_bed_conf(1024, 0);
	struct wq_bed *bed = wq_bed_open(&conf, 1);

	RTE_SET_USED(state);
	wq_bed_fill(bed, 0, 1);
	assert_int_equal(bed->lanes[0]->credits, 128);
	wq_bed_attach(bed, 0);
	wq_bed_fill(bed, 1, 1);
	/* The first holds all that may lie idle. */
	assert_int_equal(bed->lanes[1]->credits, 0);
	wq_bed_fill(bed, 0, 128);
	wq_bed_fill(bed, 0, 1);
	assert_int_equal(bed->lanes[0]->credits, 64);
	wq_bed_fill(bed, 1, 1);
	assert_int_equal(bed->lanes[1]->credits, 64);
	assert_int_equal(wq_bed_held(bed), 128);
	wq_bed_fill(bed, 0, UINT32_MAX);
	assert_int_equal(siov_wq_free_credits(bed->wq), 0);
	wq_bed_close(bed);
}

static void
check_threshold(uint32_t size, uint32_t threshold, uint32_t flags)
{
	struct siov_wq_conf conf = wq_bed_conf(size, flags);
	unsigned int limited, other;
	struct wq_bed *bed;

	conf.threshold = threshold;
	bed = wq_bed_open(&conf, 0);
	limited = wq_bed_attach(bed, SIOV_LANE_F_LIMITED);
	assert_int_equal(wq_bed_fill(bed, limited, UINT32_MAX), threshold);
	assert_int_equal(siov_wq_free_credits(bed->wq), size - threshold);
	other = wq_bed_attach(bed, 0);
	assert_int_equal(wq_bed_fill(bed, other, UINT32_MAX), size - threshold);
	assert_int_equal(wq_bed_submit(bed, limited, 1), SIOV_DMWR_RETRY_CAPACITY);
	expect_all_credits_back(bed);
	wq_bed_close(bed);
}

static void
test_s7_3_3_limited_portal_sees_a_full_queue_at_its_threshold(void **state)
{
	unsigned int i;

	RTE_SET_USED(state);
	for (i = 0; i < RTE_DIM(sizes); i++) {
		uint32_t n = sizes[i];

		check_threshold(n, 1, 0);
		check_threshold(n, (n + 1) / 2, 0);
		check_threshold(n, n, 0);
		check_threshold(n, n, SIOV_WQ_F_EXACT);
		check_threshold(n, RTE_MAX(n - 1, 1u), SIOV_WQ_F_EXACT);
	}
}

/* Exact mode: what others use counts against the limit, one by one. */
static void
test_s7_3_3_limited_portal_counts_what_others_use(void **state)
{
	struct siov_wq_conf conf = wq_bed_conf(20, SIOV_WQ_F_EXACT);
	unsigned int used;

	RTE_SET_USED(state);
	conf.threshold = 12;
	for (used = 0; used <= 20; used++) {
		struct wq_bed *bed = wq_bed_open(&conf, 1);
		unsigned int limited = wq_bed_attach(bed, SIOV_LANE_F_LIMITED);

		assert_int_equal(wq_bed_fill(bed, 0, used), used);
		assert_int_equal(wq_bed_fill(bed, limited, UINT32_MAX), used < 12 ? 12 - used : 0);
		wq_bed_close(bed);
	}
}

/* Idle lanes hold more leased credits than the limit leaves: the queue is empty all the same. */
static void
test_s7_3_1_limited_portal_is_not_starved_by_idle_lanes(void **state)
{
	struct siov_wq_conf conf = wq_bed_conf(1024, 0);
	struct wq_bed *bed;
	unsigned int limited, i;

	RTE_SET_USED(state);
	conf.threshold = 1;
	bed = wq_bed_open(&conf, 1);
	wq_bed_fill(bed, 0, 1);
	wq_bed_drain(bed);
	assert_int_equal(wq_bed_held(bed), 128);
	limited = wq_bed_attach(bed, SIOV_LANE_F_LIMITED);
	for (i = 0; i < 10; i++) {
		assert_int_equal(wq_bed_submit(bed, limited, i), SIOV_DMWR_SUCCESS);
		assert_int_equal(wq_bed_submit(bed, limited, i), SIOV_DMWR_RETRY_CAPACITY);
		assert_int_equal(wq_bed_dispatch(bed, limited, 8), 1);
	}
	expect_all_credits_back(bed);
	wq_bed_close(bed);
}

/* Lane 0 takes all, the others are told to retry. */
static struct wq_bed *
open_starving(uint32_t size, unsigned int nb_hungry)
{
	struct siov_wq_conf conf = wq_bed_conf(size, 0);
	struct wq_bed *bed = wq_bed_open(&conf, 1 + nb_hungry);
	unsigned int i;

	assert_int_equal(take_all(bed), size);
	for (i = 1; i <= nb_hungry; i++) {
		assert_int_equal(wq_bed_submit(bed, i, i), SIOV_DMWR_RETRY_CAPACITY);
		assert_true(is_hungry(bed, i));
	}
	return bed;
}

static void
test_s7_3_1_starving_lane_gets_a_grant_nobody_else_can_take(void **state)
{
	struct wq_bed *bed = open_starving(8, 1);

	RTE_SET_USED(state);
	assert_int_equal(wq_bed_dispatch(bed, 0, 1), 1);
	assert_true(has_grant(bed, 1));
	assert_int_equal(siov_wq_free_credits(bed->wq), 0);
	assert_int_equal(wq_bed_submit(bed, 0, 4), SIOV_DMWR_RETRY_CAPACITY);
	assert_int_equal(wq_bed_submit(bed, 1, 5), SIOV_DMWR_SUCCESS);
	assert_false(has_grant(bed, 1));
	assert_false(is_hungry(bed, 1));
	assert_int_equal(wq_bed_submit(bed, 1, 6), SIOV_DMWR_RETRY_CAPACITY);
	expect_all_credits_back(bed);
	wq_bed_close(bed);
}

/* However greedy lane 0 is, each of 200 others gets in, one grant after the other. */
static void
test_s7_3_1_no_lane_starves(void **state)
{
	struct wq_bed *bed = open_starving(64, 200);
	unsigned int nb_in = 0, nb_tries = 0, i;
	bool is_in[201] = {false};

	RTE_SET_USED(state);
	while (nb_in < 200) {
		wq_bed_dispatch(bed, 0, 4);
		wq_bed_fill(bed, 0, UINT32_MAX);
		for (i = 1; i <= 200; i++) {
			if (is_in[i] || wq_bed_submit(bed, i, i) != SIOV_DMWR_SUCCESS)
				continue;
			is_in[i] = true;
			nb_in++;
			wq_bed_dispatch(bed, i, 1);
			wq_bed_fill(bed, 0, UINT32_MAX);
		}
		/* A search looks at 64 lanes, and one in four finds none. */
		assert_true(++nb_tries < 200 * 5);
	}
	expect_all_credits_back(bed);
	wq_bed_close(bed);
}

static void
test_grants_go_round(void **state)
{
	struct wq_bed *bed = open_starving(8, 3);
	unsigned int i;

	RTE_SET_USED(state);
	for (i = 1; i <= 3; i++) {
		assert_int_equal(wq_bed_dispatch(bed, 0, 1), 1);
		assert_true(has_grant(bed, i));
		assert_int_equal(has_grant(bed, 1) + has_grant(bed, 2) + has_grant(bed, 3), 1);
		assert_int_equal(wq_bed_submit(bed, i, 1), SIOV_DMWR_SUCCESS);
	}
	expect_all_credits_back(bed);
	wq_bed_close(bed);
}

static void
test_grant_expires_and_the_lane_must_ask_again(void **state)
{
	struct wq_bed *bed = open_starving(8, 1);

	RTE_SET_USED(state);
	wq_bed_dispatch(bed, 0, 1);
	assert_true(has_grant(bed, 1));
	bed->now_cycles += GRANT_CYCLES - 1;
	siov_wq_expire_grant(bed->wq, &bed->granter, bed->now_cycles);
	assert_true(has_grant(bed, 1));
	bed->now_cycles += 1;
	siov_wq_expire_grant(bed->wq, &bed->granter, bed->now_cycles);
	assert_false(has_grant(bed, 1));
	assert_false(is_hungry(bed, 1));
	assert_int_equal(siov_wq_free_credits(bed->wq), 1);
	assert_int_equal(take_all(bed), 1);
	/* Not hungry: nothing is set aside. */
	wq_bed_dispatch(bed, 0, 1);
	assert_false(has_grant(bed, 1));
	assert_int_equal(siov_wq_free_credits(bed->wq), 1);
	expect_all_credits_back(bed);
	wq_bed_close(bed);
}

/* A dead lane's grant delays the others for one term only; then the next one has its turn. */
static void
test_s7_3_1_grant_of_a_lane_that_gave_up_goes_on(void **state)
{
	struct wq_bed *bed = open_starving(8, 2);

	RTE_SET_USED(state);
	wq_bed_dispatch(bed, 0, 1);
	assert_true(has_grant(bed, 1));
	wq_bed_dispatch(bed, 0, 1);
	assert_int_equal(take_all(bed), 1);
	assert_false(has_grant(bed, 2));
	bed->now_cycles += GRANT_CYCLES;
	wq_bed_dispatch(bed, 0, 1);
	assert_false(has_grant(bed, 1));
	assert_true(has_grant(bed, 2));
	expect_all_credits_back(bed);
	wq_bed_close(bed);
}

static void
test_no_grant_while_the_pool_has_credits(void **state)
{
	struct wq_bed *bed = open_starving(8, 1);

	RTE_SET_USED(state);
	siov_atomic_store(&bed->lanes[1]->hungry, 0, relaxed);
	wq_bed_dispatch(bed, 0, 2);
	siov_atomic_store(&bed->lanes[1]->hungry, 1, relaxed);
	wq_bed_dispatch(bed, 0, 2);
	assert_false(has_grant(bed, 1));
	assert_int_equal(siov_wq_free_credits(bed->wq), 4);
	wq_bed_close(bed);
}

static void
test_detach_takes_back_lease_and_grant(void **state)
{
	struct wq_bed *bed = open_starving(64, 2);
	unsigned int i;

	RTE_SET_USED(state);
	/* Lane 1 spends one grant and has the next one set aside. */
	wq_bed_dispatch(bed, 0, 1);
	assert_int_equal(wq_bed_submit(bed, 1, 1), SIOV_DMWR_SUCCESS);
	assert_int_equal(wq_bed_submit(bed, 1, 1), SIOV_DMWR_RETRY_CAPACITY);
	for (i = 0; i < 3 && !has_grant(bed, 1); i++) {
		wq_bed_dispatch(bed, 0, 1);
		if (has_grant(bed, 2))
			assert_int_equal(wq_bed_submit(bed, 2, 1), SIOV_DMWR_SUCCESS);
	}
	assert_true(has_grant(bed, 1));
	assert_int_equal(wq_bed_dispatch(bed, 1, 8), 1);
	assert_int_equal(siov_wq_detach(bed->lanes[1]), 0);
	assert_false(has_grant(bed, 1));
	bed->lanes[1] = bed->lanes[2];
	bed->portals[1] = bed->portals[2];
	bed->nb_lanes = 2;
	expect_all_credits_back(bed);
	wq_bed_close(bed);
}

/* A lane that was detached with its grant is never given the credit twice. */
static void
test_expiry_after_detach_gives_nothing_twice(void **state)
{
	struct wq_bed *bed = open_starving(8, 1);

	RTE_SET_USED(state);
	wq_bed_dispatch(bed, 0, 1);
	assert_int_equal(siov_wq_detach(bed->lanes[1]), 0);
	assert_int_equal(siov_wq_free_credits(bed->wq), 1);
	wq_bed_expire(bed);
	assert_int_equal(siov_wq_free_credits(bed->wq), 1);
	bed->nb_lanes = 1;
	expect_all_credits_back(bed);
	wq_bed_close(bed);
}

static void
test_give_back_of_nothing_changes_nothing(void **state)
{
	struct wq_bed *bed = open_starving(8, 1);
	uint64_t pool = siov_atomic_load(&bed->wq->pool, relaxed);

	RTE_SET_USED(state);
	siov_wq_give_back(bed->wq, &bed->granter, 0, bed->now_cycles);
	assert_int_equal(siov_atomic_load(&bed->wq->pool, relaxed), pool);
	assert_false(has_grant(bed, 1));
	wq_bed_close(bed);
}

/* Leases, grants, spending and detach go on across the wrap of what the lane's words count. */
static void
use_every_path(struct wq_bed *bed, unsigned int rounds)
{
	struct siov_lane *lane;
	uint64_t named;
	unsigned int i;

	for (i = 0; i < rounds; i++) {
		assert_true(wq_bed_fill(bed, 1, 3) == 3);
		take_all(bed);
		wq_bed_fill(bed, 1, UINT32_MAX);
		assert_true(is_hungry(bed, 1));
		wq_bed_dispatch(bed, 0, 1);
		assert_true(has_grant(bed, 1));
		/* Used, run out, or taken back with the lane. */
		if (i % 3 == 0)
			assert_int_equal(wq_bed_submit(bed, 1, 9), SIOV_DMWR_SUCCESS);
		else if (i % 3 == 1)
			wq_bed_expire(bed);
		wq_bed_drain(bed);
		named = siov_atomic_load(&bed->wq->pool, relaxed) >> 34;
		assert_int_equal(siov_wq_detach(bed->lanes[1]), 0);
		/* What the words count beyond their width does not reach the lease that is named. */
		assert_int_equal(siov_atomic_load(&bed->wq->pool, relaxed) >> 34, named);
		assert_int_equal(siov_wq_attach(&bed->fm.mem, bed->wq, 0, &lane), 0);
		assert_ptr_equal(lane, bed->lanes[1]);
		assert_int_equal(siov_wq_free_credits(bed->wq) + bed->lanes[0]->credits, 64);
	}
}

static void
test_account_total_wraps(void **state)
{
	const uint64_t total_max = (UINT64_C(1) << 44) - 1;
	struct siov_wq_conf conf = wq_bed_conf(64, 0);
	struct wq_bed *bed = wq_bed_open(&conf, 2);
	struct siov_lane *lane = bed->lanes[1];
	uint64_t account, total;

	RTE_SET_USED(state);
	wq_bed_fill(bed, 1, 2);
	wq_bed_drain(bed);
	account = siov_atomic_load(&lane->account, relaxed);
	total = account >> 20;
	lane->returned += total_max - 50 - total;
	siov_atomic_store(&lane->account, (account & 0xfffff) | (total_max - 50) << 20, relaxed);
	use_every_path(bed, 50);
	assert_true(siov_atomic_load(&lane->account, relaxed) >> 20 < 100000);
	expect_all_credits_back(bed);
	wq_bed_close(bed);
}

static void
test_grant_counter_wraps(void **state)
{
	struct siov_wq_conf conf = wq_bed_conf(64, 0);
	struct wq_bed *bed = wq_bed_open(&conf, 2);
	struct siov_lane *lane = bed->lanes[1];

	RTE_SET_USED(state);
	lane->returned += (UINT64_MAX >> 1) - 3;
	siov_atomic_store(&lane->grant, UINT64_MAX - 1 - 6, relaxed);
	use_every_path(bed, 50);
	assert_true(siov_atomic_load(&lane->grant, relaxed) < 1000);
	expect_all_credits_back(bed);
	wq_bed_close(bed);
}

/* 5,000 leases of one credit: the ten-bit sequence number goes round almost five times. */
static void
test_lease_sequence_wraps(void **state)
{
	struct siov_wq_conf conf = wq_bed_conf(64, SIOV_WQ_F_EXACT);
	struct wq_bed *bed = wq_bed_open(&conf, 3);
	unsigned int i, j;

	RTE_SET_USED(state);
	for (i = 0; i < 5000; i++) {
		for (j = 0; j < 1 + i % 3; j++)
			assert_int_equal(wq_bed_fill(bed, j, 1), 1);
		wq_bed_drain(bed);
		assert_int_equal(siov_wq_free_credits(bed->wq), 64);
	}
	expect_all_credits_back(bed);
	wq_bed_close(bed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_s7_3_2_lone_submitter_gets_seven_eighths),
		cmocka_unit_test(test_s7_3_2_lone_submitter_gets_all_in_exact_mode),
		cmocka_unit_test(test_s7_3_2_lone_submitter_keeps_its_share_after_grants),
		cmocka_unit_test(test_lease_is_one_in_exact_mode),
		cmocka_unit_test(test_lease_follows_lanes_and_pool),
		cmocka_unit_test(test_s7_3_3_limited_portal_sees_a_full_queue_at_its_threshold),
		cmocka_unit_test(test_s7_3_3_limited_portal_counts_what_others_use),
		cmocka_unit_test(test_s7_3_1_limited_portal_is_not_starved_by_idle_lanes),
		cmocka_unit_test(test_s7_3_1_starving_lane_gets_a_grant_nobody_else_can_take),
		cmocka_unit_test(test_s7_3_1_no_lane_starves),
		cmocka_unit_test(test_grants_go_round),
		cmocka_unit_test(test_grant_expires_and_the_lane_must_ask_again),
		cmocka_unit_test(test_s7_3_1_grant_of_a_lane_that_gave_up_goes_on),
		cmocka_unit_test(test_no_grant_while_the_pool_has_credits),
		cmocka_unit_test(test_detach_takes_back_lease_and_grant),
		cmocka_unit_test(test_expiry_after_detach_gives_nothing_twice),
		cmocka_unit_test(test_give_back_of_nothing_changes_nothing),
		cmocka_unit_test(test_account_total_wraps),
		cmocka_unit_test(test_grant_counter_wraps),
		cmocka_unit_test(test_lease_sequence_wraps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

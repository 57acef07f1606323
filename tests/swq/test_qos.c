/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Blocks of PASIDs without engines: the test says what has ended and when a round begins.
 */
#include <errno.h>
#include <string.h>

#include "siov_qos.h"
#include "wq_bed.h"

#define HZ UINT64_C(2000000000)

static struct siov_qos_ended ended[2];

static struct siov_qos *
make_shut_block(struct wq_bed *bed, uint32_t pasid)
{
	const struct siov_qos_ended *const where[] = {&ended[0], &ended[1]};

	assert_int_equal(siov_qos_create(&bed->fm.mem, bed->wq, pasid, where, 2), 0);
	return siov_qos_find(bed->wq, pasid);
}

/* As control does it. */
static struct siov_qos *
open_block(struct wq_bed *bed, struct siov_qos *qos)
{
	unsigned int i;

	for (i = 0; i < bed->nb_lanes; i++)
		siov_qos_add_accepted(qos, siov_portal_recall(&bed->portals[i]));
	siov_qos_set_state(qos, SIOV_WQ_ENABLED);
	return qos;
}

static struct siov_qos *
make_block(struct wq_bed *bed, uint32_t pasid)
{
	return open_block(bed, make_shut_block(bed, pasid));
}

/* A queue whose lanes are all one PASID's, with limits. */
static struct wq_bed *
open_bed(unsigned int nb_lanes, unsigned int nb_engines, const struct siov_qos_conf *limits)
{
	struct siov_wq_conf conf = wq_bed_conf(1024, SIOV_WQ_F_EXACT);
	struct wq_bed *bed;
	unsigned int i;

	memset(ended, 0, sizeof(ended));
	conf.nb_engines = nb_engines;
	bed = wq_bed_open(&conf, nb_lanes);
	for (i = 0; i < nb_lanes; i++)
		bed->portals[i].pasid = 7;
	if (limits != NULL)
		assert_int_equal(siov_qos_set(bed->wq, make_block(bed, 7), limits, HZ), 0);
	return bed;
}

/* All that was accepted ends. */
static unsigned int
finish(struct wq_bed *bed)
{
	unsigned int n = wq_bed_drain(bed);

	ended[n & 1].nb[n % 3] += n;
	return n;
}

static enum siov_dmwr
submit_op(struct wq_bed *bed, uint32_t opcode, uint32_t xfer_size)
{
	struct dsa_hw_desc desc __attribute__((aligned(64))) = {
		.opcode = opcode,
		.xfer_size = xfer_size,
	};

	return siov_enqcmd(&bed->portals[0], &desc);
}

/* A caller's struct on the stack: what lies between its fields says nothing. */
static void
test_no_limits_are_none_whatever_the_padding_holds(void **state)
{
	struct siov_qos_conf conf;

	(void)state;
	memset(&conf, 0xff, sizeof(conf));
	conf.max_outstanding = 0;
	conf.weight = 0;
	conf.priority = 0;
	conf.rate_ops = 0;
	conf.rate_bytes = 0;
	conf.burst_ops = 7; /* of a rate that is not set */
	conf.burst_bytes = 0;
	assert_false(siov_qos_conf_has_limits(&conf));
	conf.priority = 1;
	assert_true(siov_qos_conf_has_limits(&conf));
}

static void
test_s7_3_3_states_have_their_reasons(void **state)
{
	struct wq_bed *bed = open_bed(1, 1, NULL);
	struct siov_qos *qos;

	RTE_SET_USED(state);
	assert_int_equal(wq_bed_fill(bed, 0, 3), 3);
	qos = make_block(bed, 7);
	siov_qos_set_state(qos, SIOV_WQ_DRAINING);
	assert_int_equal(wq_bed_submit(bed, 0, 1), SIOV_DMWR_RETRY_DRAINING);
	siov_qos_set_state(qos, SIOV_WQ_DISABLED);
	assert_int_equal(wq_bed_submit(bed, 0, 1), SIOV_DMWR_RETRY_DISABLED);
	siov_qos_set_state(qos, SIOV_WQ_ENABLED);
	assert_int_equal(wq_bed_submit(bed, 0, 1), SIOV_DMWR_SUCCESS);
	assert_int_equal(siov_portal_count(&bed->portals[0], SIOV_DMWR_RETRY_DRAINING), 1);
	assert_int_equal(siov_portal_count(&bed->portals[0], SIOV_DMWR_RETRY_DISABLED), 1);
	wq_bed_close(bed);
}

static void
test_s7_3_3_the_limit_is_exact_whoever_submits(void **state)
{
	struct wq_bed *bed = open_bed(3, 1, &(struct siov_qos_conf){.max_outstanding = 64});
	unsigned int i, round, n, out;

	RTE_SET_USED(state);
	for (round = 0; round < 100; round++) {
		for (i = 0, out = 0; i < 300; i++)
			out += wq_bed_fill(bed, (i + round) % 3, 1);
		assert_true(out <= 64);
		n = finish(bed);
		assert_int_equal(n, out);
	}
	wq_bed_close(bed);
}

/* Portals that submit once and are silent must not keep what they were granted. */
static void
test_s7_3_3_idle_portals_leave_room_for_others(void **state)
{
	struct wq_bed *bed = open_bed(20, 1, &(struct siov_qos_conf){.max_outstanding = 64});
	unsigned int i;

	RTE_SET_USED(state);
	for (i = 0; i < 20; i++) {
		assert_int_equal(wq_bed_fill(bed, i, 1), 1);
		finish(bed);
	}
	assert_in_range(wq_bed_fill(bed, 19, 1000), 32, 64);
	wq_bed_close(bed);
}

/* The first round begins with the limit, not with the engine's next idle moment. */
static void
test_s7_6_4_a_share_counts_from_the_first_submission(void **state)
{
	struct wq_bed *bed = open_bed(1, 1, &(struct siov_qos_conf){.weight = 2});

	RTE_SET_USED(state);
	assert_int_equal(wq_bed_fill(bed, 0, 1000), 2 * SIOV_QOS_ROUND);
	wq_bed_close(bed);
}

/* What is accepted between the count and the recall ends as well. */
static void
test_s7_6_4_limits_may_come_while_work_is_submitted(void **state)
{
	struct wq_bed *bed = open_bed(1, 1, NULL);
	struct siov_qos *qos;
	unsigned int n;

	RTE_SET_USED(state);
	assert_int_equal(wq_bed_fill(bed, 0, 10), 10);
	qos = make_shut_block(bed, 7);
	assert_int_equal(wq_bed_fill(bed, 0, 5), 5);
	open_block(bed, qos);
	assert_int_equal(
		siov_qos_set(bed->wq, qos, &(struct siov_qos_conf){.max_outstanding = 8}, HZ), 0);
	assert_int_equal(finish(bed), 15);
	for (n = 0; wq_bed_fill(bed, 0, 1) == 1; n++)
		continue;
	assert_int_equal(n, 8);
	wq_bed_close(bed);
}

/* Lanes of two engines whose rounds are not the same number. */
static void
test_s7_6_4_a_share_holds_over_engines(void **state)
{
	struct wq_bed *bed = open_bed(2, 2, &(struct siov_qos_conf){.weight = 1});
	unsigned int i, n;

	RTE_SET_USED(state);
	while (wq_bed_fill(bed, 0, 1) == 1)
		continue;
	siov_wq_polled(bed->wq, 0, 0, false);
	finish(bed);
	for (i = 0, n = 0; i < 400; i++)
		n += wq_bed_fill(bed, i & 1, 1);
	/* A round of each engine at most. */
	assert_true(n <= 2 * SIOV_QOS_ROUND);
	wq_bed_close(bed);
}

/* The bucket is filled with bytes a second, whatever the transfers' size. */
static void
test_s7_6_4_large_transfers_pay_in_full(void **state)
{
	struct wq_bed *bed = open_bed(1, 1, &(struct siov_qos_conf){.rate_bytes = 10000000});
	uint64_t start = rte_rdtsc(), end, bytes = 0;

	RTE_SET_USED(state);
	do {
		if (submit_op(bed, DSA_OPCODE_CRCGEN, 1u << 20) == SIOV_DMWR_SUCCESS)
			bytes += 1u << 20;
		end = rte_rdtsc();
	} while (end - start < HZ / 16);
	/* A debt of one transfer is in order. */
	assert_true(bytes <= 10000000 / 16 + 100000 + 2 * (1u << 20));
	wq_bed_close(bed);
}

/* What was paid for is what goes in: not another descriptor, when the queue was full. */
static void
test_s7_6_4_a_retry_for_capacity_pays_for_nothing_else(void **state)
{
	struct wq_bed *bed =
		open_bed(1, 1, &(struct siov_qos_conf){.rate_bytes = 1, .burst_bytes = 65536});
	unsigned int i, n = 0;

	RTE_SET_USED(state);
	for (i = 0; submit_op(bed, DSA_OPCODE_NOOP, 0) == SIOV_DMWR_SUCCESS; i++)
		continue;
	assert_int_equal(i, 1024);
	for (i = 0; i < 20; i++) {
		struct siov_desc_words words[1];
		uint64_t stamp[1];
		struct siov_lane_limits one = {1, UINT32_MAX, UINT32_MAX};

		assert_int_equal(submit_op(bed, DSA_OPCODE_NOOP, 0), SIOV_DMWR_RETRY_CAPACITY);
		assert_int_equal(siov_lane_pop_sc(bed->lanes[0], &one, words, stamp), 1);
		siov_wq_give_back(bed->wq, &bed->granter, 1, bed->now_cycles);
		if (submit_op(bed, DSA_OPCODE_CRCGEN, 65536) == SIOV_DMWR_SUCCESS)
			n++;
		else
			assert_int_equal(submit_op(bed, DSA_OPCODE_NOOP, 0), SIOV_DMWR_SUCCESS);
	}
	assert_int_equal(n, 1);
	wq_bed_close(bed);
}

/* ENQCMDS says whose work it is in the descriptor; so does a guest's portal. */
static void
test_s7_3_3_the_block_is_that_of_the_works_pasid(void **state)
{
	struct wq_bed *bed = open_bed(1, 1, NULL);
	struct dsa_hw_desc desc __attribute__((aligned(64))) = {.pasid = 9};

	RTE_SET_USED(state);
	bed->portals[0].flags = SIOV_PORTAL_F_PASID | SIOV_PORTAL_F_PRIV;
	siov_qos_set_state(make_block(bed, 9), SIOV_WQ_DISABLED);
	assert_int_equal(siov_enqcmds(&bed->portals[0], &desc), SIOV_DMWR_RETRY_DISABLED);
	wq_bed_close(bed);
}

static void
test_unused_grants_come_back(void **state)
{
	struct wq_bed *bed = open_bed(1, 1, &(struct siov_qos_conf){.max_outstanding = 64});
	struct siov_qos *qos = siov_qos_find(bed->wq, 7);
	unsigned int i;

	RTE_SET_USED(state);
	for (i = 0; i < 100; i++) {
		assert_int_equal(wq_bed_fill(bed, 0, 1), 1);
		siov_qos_return(qos, &bed->portals[0]);
		finish(bed);
	}
	assert_int_equal(wq_bed_fill(bed, 0, 1000), 64);
	wq_bed_close(bed);
}

/* Two portals were granted 32 each by their share; of a limit that comes then, nothing is missing. */
static void
test_s7_6_4_grants_are_reclaimed_for_other_limits(void **state)
{
	const struct siov_qos_conf share = {.weight = 10}, limit = {.max_outstanding = 4};
	struct wq_bed *bed = open_bed(2, 1, &share);
	struct siov_qos *qos = siov_qos_find(bed->wq, 7);
	unsigned int i;

	RTE_SET_USED(state);
	assert_int_equal(wq_bed_fill(bed, 0, 1), 1);
	assert_int_equal(wq_bed_fill(bed, 1, 31), 31);
	finish(bed);
	assert_int_equal(siov_qos_set(bed->wq, qos, &limit, HZ), 0);
	for (i = 0; i < 3; i++) {
		assert_int_equal(siov_qos_reclaim(qos, &bed->portals[0]), 0);
		assert_int_equal(siov_qos_reclaim(qos, &bed->portals[1]), 0);
	}
	assert_int_equal(wq_bed_fill(bed, 0, 100), 4);
	assert_int_equal(wq_bed_fill(bed, 1, 100), 0);
	finish(bed);
	assert_int_equal(wq_bed_fill(bed, 1, 100), 4);
	finish(bed);
	wq_bed_close(bed);
}

/* A thread that had just read its old limit has one more accepted, and then never asks again. */
static void
test_s7_3_3_what_is_used_of_a_reclaimed_grant_starves_nobody(void **state)
{
	const struct siov_qos_conf share = {.weight = 10}, limit = {.max_outstanding = 4};
	struct wq_bed *bed = open_bed(2, 1, &share);
	struct siov_qos *qos = siov_qos_find(bed->wq, 7);
	struct siov_portal *late = &bed->portals[0];
	uint32_t old;

	RTE_SET_USED(state);
	assert_int_equal(wq_bed_fill(bed, 0, 1), 1);
	old = siov_atomic_load(&late->limit, relaxed);
	assert_int_equal(siov_qos_set(bed->wq, qos, &limit, HZ), 0);
	assert_int_equal(siov_qos_reclaim(qos, late), 0);
	assert_int_not_equal(siov_atomic_load(&late->limit, relaxed), old);
	siov_atomic_store(&late->limit, old, relaxed);
	assert_int_equal(wq_bed_fill(bed, 0, 1), 1);
	siov_atomic_store(&late->limit, old - 31, relaxed);
	finish(bed);
	/* One more than the limit, until it asks. */
	assert_int_equal(wq_bed_fill(bed, 1, 100), 5);
	finish(bed);
	/* When it does ask, or is closed, that is made good. */
	siov_qos_return(qos, late);
	siov_atomic_store(&late->limit, (uint32_t)siov_portal_count(late, SIOV_DMWR_SUCCESS),
			  relaxed);
	assert_int_equal(wq_bed_fill(bed, 1, 100), 4);
	finish(bed);
	assert_int_equal(wq_bed_fill(bed, 0, 100), 4);
	wq_bed_close(bed);
}

static void
test_bad_blocks_are_refused(void **state)
{
	struct wq_bed *bed = open_bed(1, 1, NULL);
	const struct siov_qos_ended *const where[] = {&ended[0]};
	unsigned int i;
	int ret = -ENOMEM;

	RTE_SET_USED(state);
	assert_null(siov_qos_find(bed->wq, 7));
	assert_int_equal(siov_qos_create(&bed->fm.mem, bed->wq, SIOV_PASID_MAX + 1, where, 1),
			 -EINVAL);
	assert_int_equal(siov_qos_create(&bed->fm.mem, bed->wq, 7, where, SIOV_QOS_ENGINES_MAX + 1),
			 -EINVAL);
	for (i = 1; ret != 0; i++) {
		fake_mem_fail_at(&bed->fm, i);
		ret = siov_qos_create(&bed->fm.mem, bed->wq, 7, where, 1);
		if (ret != 0)
			assert_int_equal(ret, -ENOMEM);
		assert_int_equal(siov_qos_find(bed->wq, 7) != NULL, ret == 0);
		fake_mem_fail_at(&bed->fm, 0);
	}
	assert_true(i > 4);
	assert_int_equal(siov_qos_create(&bed->fm.mem, bed->wq, 7, where, 1), -EEXIST);
	assert_null(siov_qos_find(bed->wq, 8));
	assert_null(siov_qos_find(bed->wq, SIOV_PASID_MAX));
	wq_bed_close(bed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_limits_are_none_whatever_the_padding_holds),
		cmocka_unit_test(test_s7_3_3_states_have_their_reasons),
		cmocka_unit_test(test_s7_3_3_the_limit_is_exact_whoever_submits),
		cmocka_unit_test(test_s7_3_3_idle_portals_leave_room_for_others),
		cmocka_unit_test(test_s7_6_4_a_share_counts_from_the_first_submission),
		cmocka_unit_test(test_s7_6_4_limits_may_come_while_work_is_submitted),
		cmocka_unit_test(test_s7_6_4_a_share_holds_over_engines),
		cmocka_unit_test(test_s7_6_4_large_transfers_pay_in_full),
		cmocka_unit_test(test_s7_6_4_a_retry_for_capacity_pays_for_nothing_else),
		cmocka_unit_test(test_s7_3_3_the_block_is_that_of_the_works_pasid),
		cmocka_unit_test(test_unused_grants_come_back),
		cmocka_unit_test(test_s7_6_4_grants_are_reclaimed_for_other_limits),
		cmocka_unit_test(test_s7_3_3_what_is_used_of_a_reclaimed_grant_starves_nobody),
		cmocka_unit_test(test_bad_blocks_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

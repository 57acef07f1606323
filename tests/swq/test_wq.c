/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wq_bed.h"

#define SUBMITTERS 200u
#define NB_PASIDS (SIOV_PASID_MAX + 1)

static const uint32_t sizes[] = {WQ_BED_SIZES};

/* What siov_wq_conf_check says of a shared queue of 128 with one thing changed. */
static void
expect_refusal(const struct siov_wq_conf *conf, int error, const char *text)
{
	struct siov_wq *wq = NULL;
	const char *why = NULL;

	assert_int_equal(siov_wq_conf_check(conf, &why), error);
	assert_string_equal(why, text);
	assert_int_equal(siov_wq_conf_check(conf, NULL), error);
	assert_int_equal(siov_wq_create(conf, &wq), error);
	assert_null(wq);
}

static void
test_conf_defaults_are_good(void **state)
{
	struct siov_wq_conf conf;
	const char *why = "not touched";

	RTE_SET_USED(state);
	siov_wq_conf_init(&conf);
	assert_int_equal(siov_wq_conf_check(&conf, &why), 0);
	assert_null(why);
	assert_int_equal(conf.mode, SIOV_WQ_SHARED);
	assert_int_equal(conf.size, 128);
	assert_int_equal(conf.lanes_max, 128);
	assert_int_equal(conf.nb_engines, 1);
	assert_int_equal(conf.socket_id, -1);
}

static void
test_conf_check_names_what_is_wrong(void **state)
{
	static const struct {
		struct siov_wq_conf conf;
		int error;
		const char *text;
	} cases[] = {
		{{.mode = 2}, -EINVAL, "mode must be shared or dedicated"},
		{{.flags = 0x8}, -EINVAL, "unknown flag"},
		{{.flags = 0x80000000}, -EINVAL, "unknown flag"},
		{{.size = 0}, -ERANGE, "size must be 1 to 65536"},
		{{.size = 65537}, -ERANGE, "size must be 1 to 65536"},
		{{.size = 8, .threshold = 9}, -ERANGE, "threshold must be 1 to the queue's size"},
		{{.size = 8}, -ERANGE, "submitting threads must be 1 to 1022"},
		{{.size = 8, .lanes_max = 1023}, -ERANGE, "submitting threads must be 1 to 1022"},
		{{.size = 8, .lanes_max = 1}, -ERANGE, "engines of a queue must be 1 to 64"},
		{{.size = 8, .lanes_max = 1, .nb_engines = 1, .pasid = 1u << 20},
		 -ERANGE,
		 "PASID must be 0 to 1048575"},
		{{.size = 8, .lanes_max = 1, .nb_engines = 1, .priv = 2},
		 -ERANGE,
		 "priv must be 0 or 1"},
	};
	unsigned int i;

	RTE_SET_USED(state);
	for (i = 0; i < RTE_DIM(cases); i++)
		expect_refusal(&cases[i].conf, cases[i].error, cases[i].text);
}

static void
test_conf_limits_themselves_are_allowed(void **state)
{
	struct siov_wq_conf conf;

	RTE_SET_USED(state);
	siov_wq_conf_init(&conf);
	conf.size = SIOV_WQ_SIZE_MAX;
	conf.threshold = SIOV_WQ_SIZE_MAX;
	conf.lanes_max = SIOV_WQ_LANES_MAX;
	conf.flags = SIOV_WQ_F_ALL;
	conf.pasid = SIOV_PASID_MAX;
	conf.priv = 1;
	assert_int_equal(siov_wq_conf_check(&conf, NULL), 0);
	conf.size = 1;
	conf.threshold = 1;
	conf.lanes_max = 1;
	assert_int_equal(siov_wq_conf_check(&conf, NULL), 0);
}

static void
test_every_size_can_be_filled_and_drained(void **state)
{
	unsigned int i, lap;

	RTE_SET_USED(state);
	for (i = 0; i < RTE_DIM(sizes); i++) {
		struct siov_wq_conf conf = wq_bed_conf(sizes[i], 0);
		struct wq_bed *bed = wq_bed_open(&conf, 1);

		for (lap = 0; lap < 3; lap++) {
			assert_int_equal(wq_bed_fill(bed, 0, UINT32_MAX), sizes[i]);
			assert_int_equal(wq_bed_submit(bed, 0, 1), SIOV_DMWR_RETRY_CAPACITY);
			assert_int_equal(wq_bed_drain(bed), sizes[i]);
		}
		assert_int_equal(siov_wq_detach(bed->lanes[0]), 0);
		assert_int_equal(siov_wq_free_credits(bed->wq), sizes[i]);
		wq_bed_close(bed);
	}
}

/* Every submitter gets in while others stay where they are, half of them in a full queue's way. */
static void
test_s7_3_1_many_submitters_share_one_queue(void **state)
{
	struct siov_wq_conf conf = wq_bed_conf(64, 0);
	struct wq_bed *bed = wq_bed_open(&conf, SUBMITTERS);
	unsigned int nb[SUBMITTERS] = {0}, round, i;

	RTE_SET_USED(state);
	for (round = 0; round < 20; round++) {
		for (i = 0; i < SUBMITTERS; i++)
			nb[i] += wq_bed_fill(bed, i, 1 + i % 3);
		wq_bed_drain(bed);
	}
	/* 64 entries a round: the last lanes get in because credits come back to the hungry. */
	for (i = 0; i < SUBMITTERS; i++) {
		wq_bed_fill(bed, 0, 64);
		assert_true(wq_bed_drain(bed) > 0);
		wq_bed_expire(bed);
		assert_int_equal(wq_bed_fill(bed, i, 1), 1);
	}
	wq_bed_close(bed);
}

static void
test_s7_3_5_a_million_pasids_through_four_entries(void **state)
{
	struct siov_wq_conf conf = wq_bed_conf(4, 0);
	struct wq_bed *bed = wq_bed_open(&conf, 1);
	struct siov_desc_words desc;
	uint32_t pasid, i;

	RTE_SET_USED(state);
	wq_bed_desc(&desc, 7);
	for (pasid = 0; pasid < NB_PASIDS; pasid += 4) {
		for (i = 0; i < 4; i++) {
			struct siov_portal portal;

			assert_int_equal(siov_portal_init(&portal, bed->lanes[0], pasid + i,
							  SIOV_PORTAL_F_PASID),
					 0);
			assert_int_equal(siov_enqcmd(&portal, (struct dsa_hw_desc *)&desc),
					 SIOV_DMWR_SUCCESS);
			assert_int_equal(siov_portal_count(&portal, SIOV_DMWR_SUCCESS), 1);
		}
		assert_int_equal(wq_bed_pop_lane(bed, bed->lanes[0], 8), 4);
		for (i = 0; i < 4; i++)
			assert_true(wq_bed_is_whole(&bed->popped[i], pasid + i));
		siov_wq_give_back(bed->wq, &bed->granter, 4, bed->now_cycles);
	}
	wq_bed_close(bed);
}

static void
test_set_state_follows_the_drawing(void **state)
{
	static const int answer[3][3] = {
		[SIOV_WQ_DISABLED] = {0, 0, -EBUSY},
		[SIOV_WQ_ENABLED] = {-EBUSY, 0, 0},
		[SIOV_WQ_DRAINING] = {0, 0, 0},
	};
	struct siov_wq_conf conf = wq_bed_conf(8, 0);
	struct wq_bed *bed = wq_bed_open(&conf, 1);
	unsigned int from, to;

	RTE_SET_USED(state);
	for (from = 0; from < 3; from++) {
		for (to = 0; to < 3; to++) {
			siov_atomic_store(&bed->wq->state, from, relaxed);
			assert_int_equal(siov_wq_set_state(bed->wq, to), answer[from][to]);
			assert_int_equal(siov_atomic_load(&bed->wq->state, relaxed),
					 answer[from][to] == 0 ? to : from);
		}
		assert_int_equal(siov_wq_set_state(bed->wq, 3), -EINVAL);
		assert_int_equal(siov_wq_set_state(bed->wq, -1), -EINVAL);
	}
	wq_bed_close(bed);
}

static void
test_new_queue_is_disabled(void **state)
{
	struct siov_wq_conf conf = wq_bed_conf(8, 0);
	struct fake_mem fm;
	struct siov_wq *wq;

	RTE_SET_USED(state);
	fake_mem_init(&fm);
	conf.mem = &fm.mem;
	assert_int_equal(siov_wq_create(&conf, &wq), 0);
	assert_int_equal(siov_atomic_load(&wq->state, relaxed), SIOV_WQ_DISABLED);
	assert_int_equal(siov_wq_free_credits(wq), 8);
	assert_int_equal(wq->threshold, 8);
	siov_wq_free(&fm.mem, wq);
	siov_wq_free(&fm.mem, NULL);
	assert_int_equal(fm.nb_live, 0);
}

/* What was accepted before a queue was closed is dispatched after. */
static void
test_s7_3_2_accepted_work_outlives_drain_and_disable(void **state)
{
	struct siov_wq_conf conf = wq_bed_conf(16, 0);
	struct wq_bed *bed = wq_bed_open(&conf, 2);

	RTE_SET_USED(state);
	assert_int_equal(wq_bed_fill(bed, 0, 3), 3);
	assert_int_equal(siov_wq_set_state(bed->wq, SIOV_WQ_DRAINING), 0);
	assert_int_equal(wq_bed_dispatch(bed, 0, 1), 1);
	assert_int_equal(siov_wq_set_state(bed->wq, SIOV_WQ_DISABLED), 0);
	assert_int_equal(wq_bed_dispatch(bed, 0, 8), 2);
	wq_bed_close(bed);
}

/* Allocation n of create and two attaches fails, for each n; nothing leaks, and the next try works. */
static void
test_each_allocation_may_fail(void **state)
{
	struct siov_wq_conf conf = wq_bed_conf(100, SIOV_WQ_F_STAMPS);
	struct siov_lane *lane;
	struct siov_wq *wq;
	struct fake_mem fm;
	unsigned int n, i;

	RTE_SET_USED(state);
	fake_mem_init(&fm);
	conf.mem = &fm.mem;
	for (n = 1; n <= 7; n++) {
		unsigned int nb_failed = 0;

		fake_mem_fail_at(&fm, n);
		wq = NULL;
		if (siov_wq_create(&conf, &wq) != 0) {
			assert_int_equal(n, 1);
			assert_null(wq);
			assert_int_equal(siov_wq_create(&conf, &wq), 0);
			nb_failed++;
		}
		for (i = 0; i < 2; i++) {
			int ret = siov_wq_attach(&fm.mem, wq, 0, &lane);

			if (ret != 0) {
				assert_int_equal(ret, -ENOMEM);
				assert_int_equal(wq->nb_attached, i);
				assert_int_equal(wq->nb_lanes, i);
				assert_int_equal(fm.nb_live, 1 + 3 * i);
				nb_failed++;
				assert_int_equal(siov_wq_attach(&fm.mem, wq, 0, &lane), 0);
			}
		}
		assert_int_equal(nb_failed, 1);
		siov_wq_free(&fm.mem, wq);
		assert_int_equal(fm.nb_live, 0);
	}
}

static void
test_attach_refuses_unknown_flag_and_one_too_many(void **state)
{
	struct siov_wq_conf conf = wq_bed_conf(8, 0);
	struct siov_lane *lane = NULL;
	struct wq_bed *bed;

	RTE_SET_USED(state);
	conf.lanes_max = 2;
	bed = wq_bed_open(&conf, 0);
	assert_int_equal(siov_wq_attach(&bed->fm.mem, bed->wq, 0x4, &lane), -EINVAL);
	wq_bed_attach(bed, SIOV_LANE_F_LIMITED);
	wq_bed_attach(bed, 0);
	assert_int_equal(siov_wq_attach(&bed->fm.mem, bed->wq, 0, &lane), -ENOSPC);
	assert_null(lane);
	assert_int_equal(siov_wq_detach(bed->lanes[0]), 0);
	assert_int_equal(siov_wq_attach(&bed->fm.mem, bed->wq, 0, &lane), 0);
	wq_bed_close(bed);
}

static void
test_dedicated_queue_has_one_lane(void **state)
{
	struct siov_wq_conf conf = wq_bed_conf(8, 0);
	struct siov_lane *lane;
	struct wq_bed *bed;

	RTE_SET_USED(state);
	conf.mode = SIOV_WQ_DEDICATED;
	bed = wq_bed_open(&conf, 1);
	assert_int_equal(siov_wq_attach(&bed->fm.mem, bed->wq, 0, &lane), -ENOSPC);
	wq_bed_close(bed);
}

static void
test_detach_waits_for_what_was_published(void **state)
{
	struct siov_wq_conf conf = wq_bed_conf(8, 0);
	struct wq_bed *bed = wq_bed_open(&conf, 1);

	RTE_SET_USED(state);
	assert_true(siov_lane_is_empty(bed->lanes[0]));
	wq_bed_fill(bed, 0, 3);
	assert_false(siov_lane_is_empty(bed->lanes[0]));
	assert_int_equal(siov_wq_detach(bed->lanes[0]), -EBUSY);
	wq_bed_dispatch(bed, 0, 2);
	assert_int_equal(siov_wq_detach(bed->lanes[0]), -EBUSY);
	assert_int_equal(bed->wq->nb_attached, 1);
	wq_bed_dispatch(bed, 0, 2);
	assert_int_equal(siov_wq_detach(bed->lanes[0]), 0);
	assert_int_equal(siov_wq_detach(bed->lanes[0]), -EINVAL);
	assert_int_equal(bed->wq->nb_attached, 0);
	assert_int_equal(siov_wq_free_credits(bed->wq), 8);
	wq_bed_close(bed);
}

/* A lane's memory is used again, at once and in the middle of the ring. */
static void
test_attach_again_takes_the_lane_that_was_left(void **state)
{
	struct siov_wq_conf conf = wq_bed_conf(10, SIOV_WQ_F_STAMPS);
	struct wq_bed *bed = wq_bed_open(&conf, 3);
	struct siov_lane *lane;
	uint64_t nb_allocs = bed->fm.nb_allocs;
	unsigned int i;

	RTE_SET_USED(state);
	for (i = 0; i < 5000; i++) {
		uint32_t gen = siov_atomic_load(&bed->wq->lane_gen, relaxed);

		assert_int_equal(wq_bed_fill(bed, 1, 1 + i % 7), 1 + i % 7);
		assert_int_equal(wq_bed_dispatch(bed, 1, WQ_BED_BURST), 1 + i % 7);
		assert_int_equal(siov_wq_detach(bed->lanes[1]), 0);
		assert_int_equal(siov_wq_free_credits(bed->wq), 10);
		assert_int_equal(siov_wq_attach(&bed->fm.mem, bed->wq, 0, &lane), 0);
		assert_ptr_equal(lane, bed->lanes[1]);
		assert_int_equal(siov_atomic_load(&bed->wq->lane_gen, relaxed), gen + 2);
	}
	assert_int_equal(bed->fm.nb_allocs, nb_allocs);
	wq_bed_close(bed);
}

static void
test_lanes_are_shared_out_evenly_among_engines(void **state)
{
	struct siov_wq_conf conf = wq_bed_conf(8, 0);
	struct wq_bed *bed;
	unsigned int nb[3] = {0}, i;

	RTE_SET_USED(state);
	conf.nb_engines = 3;
	bed = wq_bed_open(&conf, 9);
	for (i = 0; i < 9; i++)
		nb[siov_atomic_load(&bed->lanes[i]->engine_id, relaxed)]++;
	assert_int_equal(nb[0], 3);
	assert_int_equal(nb[1], 3);
	assert_int_equal(nb[2], 3);
	/* Engine 1 loses all of its lanes: the next one is its. */
	for (i = 0; i < 9; i++) {
		if (siov_atomic_load(&bed->lanes[i]->engine_id, relaxed) == 1)
			assert_int_equal(siov_wq_detach(bed->lanes[i]), 0);
	}
	i = wq_bed_attach(bed, 0);
	assert_int_equal(siov_atomic_load(&bed->lanes[i]->engine_id, relaxed), 1);
	wq_bed_close(bed);
}

static void
expect_text(const char *text, const char *part)
{
	if (strstr(text, part) == NULL)
		fail_msg("\"%s\" lacks \"%s\"", text, part);
}

static void
test_dump_prints_queue_and_lanes(void **state)
{
	struct siov_wq_conf conf = wq_bed_conf(16, SIOV_WQ_F_EXACT);
	struct wq_bed *bed = wq_bed_open(&conf, 3);
	char *text = NULL;
	size_t len = 0;
	FILE *f;

	RTE_SET_USED(state);
	wq_bed_fill(bed, 0, 16);
	wq_bed_fill(bed, 1, 1);
	wq_bed_dispatch(bed, 0, 5);
	assert_int_equal(siov_wq_detach(bed->lanes[2]), 0);
	f = open_memstream(&text, &len);
	assert_non_null(f);
	siov_wq_dump(f, bed->wq);
	siov_atomic_store(&bed->wq->state, 3, relaxed);
	siov_wq_dump(f, bed->wq);
	fclose(f);
	/* Five came back, one of them as a grant. */
	expect_text(text,
		    ": shared, enabled, size 16, threshold 16, free credits 4, lease up to 1\n");
	expect_text(text, "  lane 0: attached, engine 0, tail 16, head 5, credits 0\n");
	expect_text(text, "  lane 1: attached, engine 0, tail 0, head 0, credits 0, hungry\n");
	expect_text(text, "  lane 2: detached, engine 0, tail 0, head 0, credits 0\n");
	expect_text(text, ": shared, unknown, size 16");
	free(text);
	wq_bed_close(bed);
}

static void
test_two_queues_do_not_know_each_other(void **state)
{
	struct siov_wq_conf conf = wq_bed_conf(8, 0);
	struct wq_bed *one = wq_bed_open(&conf, 1), *two = wq_bed_open(&conf, 1);

	RTE_SET_USED(state);
	assert_int_equal(wq_bed_fill(one, 0, UINT32_MAX), 8);
	assert_int_equal(wq_bed_drain(two), 0);
	assert_int_equal(siov_wq_set_state(one->wq, SIOV_WQ_DRAINING), 0);
	assert_int_equal(wq_bed_fill(two, 0, UINT32_MAX), 8);
	wq_bed_close(one);
	assert_int_equal(wq_bed_drain(two), 8);
	wq_bed_close(two);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_conf_defaults_are_good),
		cmocka_unit_test(test_conf_check_names_what_is_wrong),
		cmocka_unit_test(test_conf_limits_themselves_are_allowed),
		cmocka_unit_test(test_every_size_can_be_filled_and_drained),
		cmocka_unit_test(test_s7_3_1_many_submitters_share_one_queue),
		cmocka_unit_test(test_s7_3_5_a_million_pasids_through_four_entries),
		cmocka_unit_test(test_set_state_follows_the_drawing),
		cmocka_unit_test(test_new_queue_is_disabled),
		cmocka_unit_test(test_s7_3_2_accepted_work_outlives_drain_and_disable),
		cmocka_unit_test(test_each_allocation_may_fail),
		cmocka_unit_test(test_attach_refuses_unknown_flag_and_one_too_many),
		cmocka_unit_test(test_dedicated_queue_has_one_lane),
		cmocka_unit_test(test_detach_waits_for_what_was_published),
		cmocka_unit_test(test_attach_again_takes_the_lane_that_was_left),
		cmocka_unit_test(test_lanes_are_shared_out_evenly_among_engines),
		cmocka_unit_test(test_dump_prints_queue_and_lanes),
		cmocka_unit_test(test_two_queues_do_not_know_each_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

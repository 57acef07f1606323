/* SPDX-License-Identifier: BSD-3-Clause */
/* Making and taking down engines; allocation n fails; counters by queue and PASID. */
#include <stdlib.h>

#include "rig.h"

struct bed {
	struct fake_mem fm;
	struct siov_iommu *iommu;
	struct siov_wq *wq;
	struct engine_conf conf;
	struct engine_wq_conf wq_conf;
};

static int
open_bed(void **state)
{
	struct bed *bed = calloc(1, sizeof(*bed));
	struct siov_iommu_conf iconf;
	struct siov_wq_conf wconf;

	assert_non_null(bed);
	fake_mem_init(&bed->fm);
	siov_iommu_conf_init(&iconf);
	iconf.mem = &bed->fm.mem;
	iconf.max_atcs = 2;
	assert_int_equal(siov_iommu_create(&iconf, &bed->iommu), 0);
	siov_wq_conf_init(&wconf);
	wconf.mem = &bed->fm.mem;
	assert_int_equal(siov_wq_create(&wconf, &bed->wq), 0);
	bed->conf = (struct engine_conf){
		.nb_wqs_max = 2,
		.atc_entries = 256,
		.nb_latency = 4,
		.socket_id = -1,
		.iommu = bed->iommu,
		.mem = &bed->fm.mem,
	};
	bed->wq_conf = (struct engine_wq_conf){
		.weight = 1,
		.xfer_max = 4096,
		.wq = bed->wq,
	};
	*state = bed;
	return 0;
}

static int
close_bed(void **state)
{
	struct bed *bed = *state;

	siov_wq_free(&bed->fm.mem, bed->wq);
	siov_iommu_free(bed->iommu);
	assert_int_equal(bed->fm.nb_live, 0);
	free(bed);
	return 0;
}

static struct siov_engine *
make_engine(struct bed *bed)
{
	struct siov_engine *engine;

	assert_int_equal(engine_create(&bed->conf, &engine), 0);
	return engine;
}

static void
test_create_survives_every_failing_allocation(void **state)
{
	struct bed *bed = *state;
	uint64_t nb_live = bed->fm.nb_live;
	struct siov_engine *engine;
	int ret = -ENOMEM;
	uint64_t n;

	for (n = 1; ret == -ENOMEM; n++) {
		fake_mem_fail_at(&bed->fm, n);
		engine = NULL;
		ret = engine_create(&bed->conf, &engine);
		if (ret != 0) {
			assert_null(engine);
			assert_int_equal(bed->fm.nb_live, nb_live);
		}
	}
	assert_int_equal(ret, 0);
	assert_true(n > 5);
	engine_free(engine);
	assert_int_equal(bed->fm.nb_live, nb_live);
	engine_free(NULL);
}

static void
test_create_needs_a_translation_cache(void **state)
{
	struct bed *bed = *state;
	struct siov_engine *engines[2], *third = NULL;
	uint64_t nb_live;

	engines[0] = make_engine(bed);
	engines[1] = make_engine(bed);
	nb_live = bed->fm.nb_live;
	assert_int_equal(engine_create(&bed->conf, &third), -ENOSPC);
	assert_null(third);
	assert_int_equal(bed->fm.nb_live, nb_live);
	engine_free(engines[0]);
	engines[0] = make_engine(bed);
	engine_free(engines[0]);
	engine_free(engines[1]);
}

static void
test_bind_survives_every_failing_allocation(void **state)
{
	struct bed *bed = *state;
	struct siov_engine *engine = make_engine(bed);
	uint64_t nb_live = bed->fm.nb_live;
	int ret = -ENOMEM;
	uint64_t n;

	for (n = 1; ret == -ENOMEM; n++) {
		fake_mem_fail_at(&bed->fm, n);
		ret = engine_bind_wq(engine, &bed->wq_conf);
		if (ret != 0)
			assert_int_equal(bed->fm.nb_live, nb_live);
	}
	assert_int_equal(ret, 0);
	assert_true(n > 3);
	fake_mem_fail_at(&bed->fm, 0);
	/* What failed takes no place. */
	bed->wq_conf.wq_id = 1;
	assert_int_equal(engine_bind_wq(engine, &bed->wq_conf), 0);
	bed->wq_conf.wq_id = 2;
	assert_int_equal(engine_bind_wq(engine, &bed->wq_conf), -ENOSPC);
	siov_engine_start(engine);
	assert_int_equal(siov_engine_poll(engine), 0);
	siov_engine_stop(engine);
	engine_free(engine);
}

static void
test_add_pasid_survives_a_failing_allocation(void **state)
{
	struct bed *bed = *state;
	struct siov_engine *engine = make_engine(bed);
	uint64_t nb_live;

	assert_int_equal(engine_bind_wq(engine, &bed->wq_conf), 0);
	nb_live = bed->fm.nb_live;
	fake_mem_fail_at(&bed->fm, 1);
	assert_int_equal(engine_add_pasid(engine, 0, 5), -ENOMEM);
	assert_int_equal(bed->fm.nb_live, nb_live);
	assert_int_equal(engine_pasid_memory(engine), 0);
	assert_int_equal(engine_add_pasid(engine, 0, 5), 0);
	assert_int_equal(bed->fm.nb_live, nb_live + 1);
	engine_free(engine);
}

static void
test_memory_of_pasids_is_known_and_small(void **state)
{
	struct bed *bed = *state;
	struct siov_engine *engine = make_engine(bed);
	uint32_t pasid;

	assert_int_equal(engine_add_pasid(engine, 0, 1), -ENOENT);
	assert_int_equal(engine_bind_wq(engine, &bed->wq_conf), 0);
	assert_int_equal(engine_add_pasid(engine, 1, 1), -ENOENT);
	for (pasid = 0; pasid < 4096; pasid++)
		assert_int_equal(engine_add_pasid(engine, 0, pasid), 0);
	assert_int_equal(engine_pasid_memory(engine), 4096 * 64);
	assert_int_equal(engine_add_pasid(engine, 0, 17), 0);
	assert_int_equal(engine_pasid_memory(engine), 4096 * 64);
	assert_int_equal(engine_add_pasid(engine, 0, SIOV_PASID_MAX), 0);
	assert_true(engine_pasid_memory(engine) > 4096 * 64);
	engine_free(engine);
}

static void
test_what_is_not_there_counts_nothing(void **state)
{
	struct bed *bed = *state;
	struct siov_engine *engine = make_engine(bed);
	struct siov_stats sum, zero;

	memset(&sum, 0, sizeof(sum));
	memset(&zero, 0, sizeof(zero));
	assert_int_equal(engine_bind_wq(engine, &bed->wq_conf), 0);
	engine_add_stats(engine, 0, 5, &sum);
	engine_add_stats(engine, 0, UINT32_MAX, &sum);
	engine_add_stats(engine, 9, 5, &sum);
	assert_memory_equal(&sum, &zero, sizeof(sum));
	assert_int_equal(engine_nb_long(engine, 0), 0);
	assert_int_equal(engine_nb_long(engine, 9), 0);
	engine_free(engine);
}

static void
test_start_and_stop_twice(void **state)
{
	struct bed *bed = *state;
	struct siov_engine *engine = make_engine(bed);
	struct siov_engine_stats stats;
	unsigned int i;

	assert_int_equal(engine_bind_wq(engine, &bed->wq_conf), 0);
	for (i = 0; i < 2; i++) {
		siov_engine_start(engine);
		assert_int_equal(siov_engine_poll(engine), 0);
		siov_engine_stop(engine);
		/* Nobody waits for an engine that is stopped. */
		assert_int_equal(siov_iommu_synchronize(bed->iommu), 0);
	}
	siov_engine_get_stats(engine, &stats);
	assert_int_equal(stats.polls, 2);
	assert_int_equal(stats.idle_polls, 2);
	assert_int_equal(stats.dispatched, 0);
	engine_free(engine);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_bed, close_bed)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_create_survives_every_failing_allocation),
		TEST(test_create_needs_a_translation_cache),
		TEST(test_bind_survives_every_failing_allocation),
		TEST(test_add_pasid_survives_a_failing_allocation),
		TEST(test_memory_of_pasids_is_known_and_small),
		TEST(test_what_is_not_there_counts_nothing),
		TEST(test_start_and_stop_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

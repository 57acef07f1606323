/* SPDX-License-Identifier: BSD-3-Clause */
/* Queues replaced under a living device: nothing of the old ones is left, the new ones work. */
#include "dev_rig.h"

#define PASID 7u
#define TIMEOUT_MS 5000u

/* Other queues than dev_rig_conf_init() makes: three, in two groups. */
static void
make_other(struct siov_dev_conf *conf, const struct dev_rig *rig)
{
	unsigned int i;

	*conf = *siov_dev_get_conf(rig->dev);
	conf->nb_wqs = 3;
	for (i = 0; i < 3; i++) {
		siov_dev_wq_conf_init(&conf->wqs[i]);
		conf->wqs[i].size = 16u << i;
		conf->wqs[i].priority = i + 1;
	}
}

/* One no-op through queue wq_id comes back. */
static void
check_works(struct dev_rig *rig, unsigned int wq_id)
{
	struct siov_lane *lane;

	assert_int_equal(siov_dev_wq_enable(rig->dev, wq_id), 0);
	lane = dev_rig_attach(rig, wq_id);
	assert_int_equal(dev_rig_noop(rig, dev_rig_portal(rig, lane, PASID), wq_id), 0);
	assert_int_equal(dev_rig_wait(rig, wq_id), DSA_COMP_SUCCESS);
	assert_int_equal(dev_rig_stats(rig, wq_id, PASID)->completed, 1);
	assert_int_equal(siov_dev_detach(rig->dev, lane, TIMEOUT_MS), 0);
	assert_int_equal(siov_dev_wq_disable(rig->dev, wq_id, TIMEOUT_MS), 0);
}

static void
test_new_queues_work_and_count_from_zero(void **state)
{
	struct dev_rig *rig = dev_rig_open(NULL);
	struct siov_dev_conf conf;
	unsigned int round, i;

	(void)state;
	dev_rig_start(rig);
	check_works(rig, 0);
	for (round = 0; round < 20; round++) {
		make_other(&conf, rig);
		conf.nb_wqs = 1 + round % 3;
		assert_int_equal(dev_rebuild(rig->dev, &conf), 0);
		assert_int_equal(siov_dev_get_conf(rig->dev)->nb_wqs, conf.nb_wqs);
		for (i = 0; i < conf.nb_wqs; i++) {
			assert_int_equal(siov_dev_wq(rig->dev, i)->size, 16u << i);
			check_works(rig, i);
		}
		assert_null(siov_dev_wq(rig->dev, i));
	}
	dev_rig_close(rig);
}

static void
test_with_a_control_lcore_too(void **state)
{
	struct dev_rig *rig = dev_rig_open(NULL);
	struct siov_dev_conf conf;

	(void)state;
	dev_rig_start(rig);
	dev_rig_start_control(rig);
	make_other(&conf, rig);
	assert_int_equal(dev_rebuild(rig->dev, &conf), 0);
	check_works(rig, 2);
	dev_rig_close(rig);
}

/* ---- onlookers ---- */

struct onlooker {
	struct dev_rig *rig;
	SIOV_ATOMIC(uint32_t) stop;
	SIOV_ATOMIC(uint64_t) nb_found; /* queues that were there */
};

static int
see_row(unsigned int wq_id, uint32_t pasid, const struct siov_stats *stats, void *arg)
{
	uint64_t *nb = arg;

	RTE_SET_USED(wq_id);
	*nb += pasid == PASID && stats->completed != 0;
	return 0;
}

/* Counts, walks, waits for a PASID: whatever looks at queues while others may take their place. */
static void *
look_on(void *arg)
{
	struct onlooker *o = arg;
	struct siov_dev *dev = o->rig->dev;
	struct siov_stats *stats = malloc(sizeof(*stats));
	uint64_t nb_rows = 0;

	while (stats != NULL && !siov_atomic_load(&o->stop, acquire)) {
		unsigned int i;

		for (i = 0; i < 3; i++) {
			if (siov_dev_stats(dev, i, PASID, stats) == 0)
				siov_atomic_fetch_add(&o->nb_found, 1, relaxed);
			siov_dev_wq_stats(dev, i, stats);
			siov_dev_stats_walk(dev, i, see_row, &nb_rows);
		}
		siov_dev_pasid_drain(dev, PASID, TIMEOUT_MS);
	}
	free(stats);
	return NULL;
}

static void
test_onlookers_see_old_queues_or_new_ones(void **state)
{
	struct onlooker o = {.rig = dev_rig_open(NULL)};
	struct siov_dev_conf conf;
	pthread_t thread;
	unsigned int round;

	(void)state;
	dev_rig_start(o.rig);
	make_other(&conf, o.rig);
	assert_int_equal(pthread_create(&thread, NULL, look_on, &o), 0);
	for (round = 0; round < 30 || siov_atomic_load(&o.nb_found, relaxed) == 0; round++) {
		conf.nb_wqs = 1 + round % 3;
		assert_int_equal(dev_rebuild(o.rig->dev, &conf), 0);
		check_works(o.rig, round % 3);
	}
	siov_atomic_store(&o.stop, 1, release);
	pthread_join(thread, NULL);
	dev_rig_close(o.rig);
}

static void
test_what_is_in_use_stays(void **state)
{
	struct dev_rig *rig = dev_rig_open(NULL);
	struct siov_wq *wq = siov_dev_wq(rig->dev, 0);
	struct siov_dev_conf conf;
	struct siov_lane *lane;

	(void)state;
	dev_rig_start(rig);
	make_other(&conf, rig);
	assert_int_equal(siov_dev_wq_enable(rig->dev, 0), 0);
	assert_int_equal(dev_rebuild(rig->dev, &conf), -EBUSY);
	lane = dev_rig_attach(rig, 0);
	assert_int_equal(siov_dev_wq_disable(rig->dev, 0, TIMEOUT_MS), 0);
	assert_int_equal(dev_rebuild(rig->dev, &conf), -EBUSY);
	assert_int_equal(siov_dev_detach(rig->dev, lane, TIMEOUT_MS), 0);
	conf.nb_engines++;
	assert_int_equal(dev_rebuild(rig->dev, &conf), -EINVAL);
	assert_ptr_equal(siov_dev_wq(rig->dev, 0), wq);
	check_works(rig, 0);
	dev_rig_close(rig);
}

static void
test_without_memory_there_is_no_queue_and_later_there_is(void **state)
{
	struct dev_rig *rig = dev_rig_open(NULL);
	struct siov_dev_conf conf;
	unsigned int i;
	int ret = -ENOMEM;

	(void)state;
	dev_rig_start(rig);
	make_other(&conf, rig);
	for (i = 1; ret != 0; i++) {
		assert_int_equal(ret, -ENOMEM);
		fake_mem_fail_at(&rig->fm, i);
		ret = dev_rebuild(rig->dev, &conf);
		fake_mem_fail_at(&rig->fm, 0);
		if (ret != 0)
			assert_int_equal(siov_dev_get_conf(rig->dev)->nb_wqs, 0);
	}
	assert_true(i > 4);
	check_works(rig, 1);
	dev_rig_close(rig);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_new_queues_work_and_count_from_zero),
		cmocka_unit_test(test_with_a_control_lcore_too),
		cmocka_unit_test(test_onlookers_see_old_queues_or_new_ones),
		cmocka_unit_test(test_what_is_in_use_stays),
		cmocka_unit_test(test_without_memory_there_is_no_queue_and_later_there_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* One loop is the control lcore of several devices, as siov_dev_run_control() is of one. */
#include "dev_rig.h"
#include "siov_loop.h"

#define PASID 7u
#define DEVS 2u
#define CALLERS 2u
#define CALLS 100u

struct bed {
	struct fake_mem fm;
	struct siov_loop *loop;
	struct dev_rig *rigs[DEVS];
	struct siov_loop_source *sources[DEVS];
	pthread_t thread;
};

static void *
run_loop(void *arg)
{
	struct bed *bed = arg;

	assert_int_equal(siov_loop_run(bed->loop), 0);
	return NULL;
}

static void
await_control(struct siov_dev *dev, bool has_control)
{
	unsigned int i;

	for (i = 0; i < DEV_RIG_WAIT_MS && siov_dev_has_control(dev) != has_control; i++)
		dev_rig_nap();
	assert_int_equal(siov_dev_has_control(dev), has_control);
}

static void
start(struct bed *bed)
{
	assert_int_equal(pthread_create(&bed->thread, NULL, run_loop, bed), 0);
}

static void
stop(struct bed *bed)
{
	siov_loop_stop(bed->loop);
	pthread_join(bed->thread, NULL);
}

static void
open_bed(struct bed *bed)
{
	unsigned int i;

	fake_mem_init(&bed->fm);
	assert_int_equal(siov_loop_create(&bed->fm.mem, &bed->loop), 0);
	for (i = 0; i < DEVS; i++) {
		bed->rigs[i] = dev_rig_open(NULL);
		assert_int_equal(siov_loop_add_dev(bed->loop, bed->rigs[i]->dev, &bed->sources[i]),
				 0);
	}
}

static void
close_bed(struct bed *bed)
{
	unsigned int i;

	for (i = 0; i < DEVS; i++) {
		siov_loop_remove(bed->sources[i]);
		dev_rig_close(bed->rigs[i]);
	}
	siov_loop_free(bed->loop);
	assert_int_equal(siov_atomic_load(&bed->fm.nb_live, relaxed), 0);
}

struct probe {
	unsigned int nb_more; /* how often it says -EAGAIN */
	unsigned int nb_calls;
	pthread_t thread;
};

static int
step_probe(struct siov_dev *dev, void *arg)
{
	struct probe *probe = arg;

	(void)dev;
	probe->thread = pthread_self();
	return probe->nb_calls++ < probe->nb_more ? -EAGAIN : -EXDEV;
}

static void
check_probe(struct bed *bed, unsigned int i, pthread_t thread)
{
	struct probe probe = {.nb_more = 3};

	assert_int_equal(control_call(bed->rigs[i]->dev, step_probe, &probe, 0), -EXDEV);
	assert_int_equal(probe.nb_calls, 4);
	assert_true(pthread_equal(probe.thread, thread));
}

static void
test_one_loop_answers_for_two_devices(void **state)
{
	unsigned int i, round;
	struct bed bed;

	(void)state;
	open_bed(&bed);
	for (i = 0; i < DEVS; i++)
		assert_false(siov_dev_has_control(bed.rigs[i]->dev));
	for (round = 0; round < 2; round++) {
		start(&bed);
		for (i = 0; i < DEVS; i++) {
			await_control(bed.rigs[i]->dev, true);
			assert_int_equal(siov_dev_run_control(bed.rigs[i]->dev), -EBUSY);
			check_probe(&bed, i, bed.thread);
		}
		stop(&bed);
		for (i = 0; i < DEVS; i++) {
			assert_false(siov_dev_has_control(bed.rigs[i]->dev));
			check_probe(&bed, i, pthread_self());
		}
	}
	close_bed(&bed);
}

static void
test_a_device_can_leave_a_loop_that_runs(void **state)
{
	struct bed bed;

	(void)state;
	open_bed(&bed);
	start(&bed);
	await_control(bed.rigs[0]->dev, true);
	await_control(bed.rigs[1]->dev, true);
	siov_loop_remove(bed.sources[0]);
	assert_false(siov_dev_has_control(bed.rigs[0]->dev));
	check_probe(&bed, 0, pthread_self());
	check_probe(&bed, 1, bed.thread);
	assert_int_equal(siov_loop_add_dev(bed.loop, bed.rigs[0]->dev, &bed.sources[0]), 0);
	await_control(bed.rigs[0]->dev, true);
	check_probe(&bed, 0, bed.thread);
	stop(&bed);
	close_bed(&bed);
}

static void
test_a_loop_takes_over_when_another_control_has_ended(void **state)
{
	struct bed bed;

	(void)state;
	open_bed(&bed);
	dev_rig_start_control(bed.rigs[0]);
	start(&bed);
	await_control(bed.rigs[1]->dev, true);
	check_probe(&bed, 0, bed.rigs[0]->control);
	assert_int_equal(dev_rig_stop_control(bed.rigs[0]), 0);
	await_control(bed.rigs[0]->dev, true);
	check_probe(&bed, 0, bed.thread);
	stop(&bed);
	close_bed(&bed);
}

static uint32_t
count_errors(struct siov_dev *dev)
{
	uint32_t nb;

	dev_lock(dev);
	nb = dev->errors.nb;
	dev_unlock(dev);
	return nb;
}

static void
test_errors_of_all_devices_are_collected(void **state)
{
	struct dsa_hw_desc desc __attribute__((aligned(64))) = {.opcode = 0x3f};
	struct siov_portal *portal;
	unsigned int i, ms;
	struct bed bed;

	(void)state;
	open_bed(&bed);
	start(&bed);
	for (i = 0; i < DEVS; i++) {
		dev_rig_start(bed.rigs[i]);
		assert_int_equal(siov_dev_enable(bed.rigs[i]->dev), 0);
		portal = dev_rig_portal(bed.rigs[i], dev_rig_attach(bed.rigs[i], 0), PASID);
		assert_int_equal(siov_enqcmd(portal, &desc), SIOV_DMWR_SUCCESS);
	}
	for (i = 0; i < DEVS; i++) {
		for (ms = 0; ms < DEV_RIG_WAIT_MS && count_errors(bed.rigs[i]->dev) == 0; ms++)
			dev_rig_nap();
		assert_int_equal(count_errors(bed.rigs[i]->dev), 1);
	}
	stop(&bed);
	close_bed(&bed);
}

struct caller {
	struct dev_rig *rig;
	unsigned int nb_failed;
};

static void *
run_calls(void *arg)
{
	struct caller *caller = arg;
	struct siov_lane *lane;
	unsigned int i;

	for (i = 0; i < CALLS; i++) {
		if (siov_dev_attach(caller->rig->dev, 0, 0, &lane) != 0 ||
		    siov_dev_detach(caller->rig->dev, lane, DEV_RIG_WAIT_MS) != 0)
			caller->nb_failed++;
	}
	return NULL;
}

/* Callers of both devices while their loop starts and stops: what it leaves they do themselves. */
static void
test_many_callers_while_the_loop_comes_and_goes(void **state)
{
	struct caller callers[DEVS * CALLERS];
	pthread_t threads[DEVS * CALLERS];
	struct bed bed;
	unsigned int i;

	(void)state;
	open_bed(&bed);
	for (i = 0; i < DEVS; i++) {
		dev_rig_start(bed.rigs[i]);
		assert_int_equal(siov_dev_enable(bed.rigs[i]->dev), 0);
	}
	for (i = 0; i < DEVS * CALLERS; i++) {
		callers[i] = (struct caller){.rig = bed.rigs[i % DEVS]};
		assert_int_equal(pthread_create(&threads[i], NULL, run_calls, &callers[i]), 0);
	}
	for (i = 0; i < 20; i++) {
		start(&bed);
		dev_rig_nap();
		stop(&bed);
	}
	for (i = 0; i < DEVS * CALLERS; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(callers[i].nb_failed, 0);
	}
	close_bed(&bed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_loop_answers_for_two_devices),
		cmocka_unit_test(test_a_device_can_leave_a_loop_that_runs),
		cmocka_unit_test(test_a_loop_takes_over_when_another_control_has_ended),
		cmocka_unit_test(test_errors_of_all_devices_are_collected),
		cmocka_unit_test(test_many_callers_while_the_loop_comes_and_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

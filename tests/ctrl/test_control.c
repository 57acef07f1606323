/* SPDX-License-Identifier: BSD-3-Clause */
/* The control lcore: it does the work, it sleeps, and nobody depends on its being there. */
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <rte_launch.h>
#include <rte_lcore.h>

#include "dev_rig.h"

#define PASID 7u
#define CALLERS 4u
#define CALLS 200u
#define IDLE_MS 1000u
#define FREEZE_MS 400u

/* ---- steps of the test's own ---- */

struct probe {
	unsigned int nb_more; /* how often it says -EAGAIN */
	unsigned int nb_calls;
	pthread_t thread;
	int ret;
};

static int
step_probe(struct siov_dev *dev, void *arg)
{
	struct probe *probe = arg;

	(void)dev;
	probe->thread = pthread_self();
	return probe->nb_calls++ < probe->nb_more ? -EAGAIN : probe->ret;
}

static void
test_control_steps_for_others_when_it_runs(void **state)
{
	struct dev_rig *rig = dev_rig_open(NULL);
	struct probe probe = {.nb_more = 3, .ret = -EXDEV};

	(void)state;
	assert_int_equal(control_call(rig->dev, step_probe, &probe, 0), -EXDEV);
	assert_int_equal(probe.nb_calls, 4);
	assert_true(pthread_equal(probe.thread, pthread_self()));
	dev_rig_start_control(rig);
	probe.nb_calls = 0;
	assert_int_equal(control_call(rig->dev, step_probe, &probe, 0), -EXDEV);
	assert_int_equal(probe.nb_calls, 4);
	assert_true(pthread_equal(probe.thread, rig->control));
	assert_int_equal(dev_rig_stop_control(rig), 0);
	probe.nb_calls = 0;
	assert_int_equal(control_call(rig->dev, step_probe, &probe, 0), -EXDEV);
	assert_true(pthread_equal(probe.thread, pthread_self()));
	dev_rig_close(rig);
}

static int
step_nested(struct siov_dev *dev, void *arg)
{
	struct probe *probe = arg;
	int ret;

	/* The lock is this thread's: let go of it as a caller outside would have. */
	dev_unlock(dev);
	ret = control_call(dev, step_probe, probe, 0);
	dev_lock(dev);
	return ret;
}

static void
test_control_does_not_wait_for_itself(void **state)
{
	struct dev_rig *rig = dev_rig_open(NULL);
	struct probe probe = {.nb_more = 2, .ret = 0};

	(void)state;
	dev_rig_start_control(rig);
	assert_int_equal(control_call(rig->dev, step_nested, &probe, 0), 0);
	assert_int_equal(probe.nb_calls, 3);
	assert_true(pthread_equal(probe.thread, rig->control));
	dev_rig_close(rig);
}

/* ---- start and stop ---- */

static void
test_start_and_stop_twice(void **state)
{
	struct dev_rig *rig = dev_rig_open(NULL);
	struct siov_lane *lane;
	unsigned int i;

	(void)state;
	dev_rig_start(rig);
	for (i = 0; i < 2; i++) {
		dev_rig_start_control(rig);
		assert_int_equal(siov_dev_run_control(rig->dev), -EBUSY);
		assert_true(siov_dev_has_control(rig->dev));
		assert_int_equal(siov_dev_enable(rig->dev), 0);
		lane = dev_rig_attach(rig, 0);
		dev_rig_noop(rig, dev_rig_portal(rig, lane, PASID), 0);
		assert_int_equal(siov_dev_wq_drain(rig->dev, 0, DEV_RIG_WAIT_MS), 0);
		assert_true(dev_rig_is_done(rig, 0));
		assert_int_equal(siov_dev_detach(rig->dev, lane, DEV_RIG_WAIT_MS), 0);
		assert_int_equal(siov_dev_disable(rig->dev, DEV_RIG_WAIT_MS), 0);
		assert_int_equal(dev_rig_stop_control(rig), 0);
		assert_false(siov_dev_has_control(rig->dev));
	}
	dev_rig_close(rig);
}

static void
test_stop_that_comes_before_the_start_is_not_lost(void **state)
{
	struct dev_rig *rig = dev_rig_open(NULL);

	(void)state;
	siov_dev_stop_control(rig->dev);
	assert_int_equal(siov_dev_run_control(rig->dev), 0);
	dev_rig_start_control(rig);
	assert_int_equal(dev_rig_stop_control(rig), 0);
	dev_rig_close(rig);
}

struct caller {
	struct dev_rig *rig;
	int ret;
	unsigned int nb_failed;
};

static void *
run_drain(void *arg)
{
	struct caller *caller = arg;

	caller->ret = siov_dev_wq_drain(caller->rig->dev, 0, DEV_RIG_WAIT_MS);
	return NULL;
}

static void
await_draining(struct dev_rig *rig)
{
	struct siov_wq *wq = siov_dev_wq(rig->dev, 0);
	unsigned int i;

	for (i = 0; i < DEV_RIG_WAIT_MS; i++) {
		if (siov_atomic_load(&wq->state, acquire) == SIOV_WQ_DRAINING)
			return;
		dev_rig_nap();
	}
	fail_msg("queue does not drain");
}

/* Control stops in the middle of a drain: its caller brings it to the end. */
static void
test_stop_hands_unfinished_work_back(void **state)
{
	struct dev_rig *rig = dev_rig_open(NULL);
	struct caller caller = {.rig = rig, .ret = 1};
	struct siov_portal *portal;
	pthread_t thread;

	(void)state;
	assert_int_equal(siov_dev_enable(rig->dev), 0);
	portal = dev_rig_portal(rig, dev_rig_attach(rig, 0), PASID);
	dev_rig_noop(rig, portal, 0);
	dev_rig_start_control(rig);
	assert_int_equal(pthread_create(&thread, NULL, run_drain, &caller), 0);
	await_draining(rig);
	assert_int_equal(dev_rig_stop_control(rig), 0);
	dev_rig_start(rig);
	pthread_join(thread, NULL);
	assert_int_equal(caller.ret, 0);
	assert_true(dev_rig_is_done(rig, 0));
	assert_int_equal(dev_rig_noop(rig, portal, 1), SIOV_DMWR_SUCCESS);
	dev_rig_close(rig);
}

/* A drain in progress does not hold up other callers. */
static void
test_requests_are_served_side_by_side(void **state)
{
	struct siov_dev_conf conf;
	struct dev_rig *rig;
	struct caller caller = {.ret = 1};
	pthread_t thread;

	(void)state;
	dev_rig_conf_init(&conf);
	conf.nb_wqs = 2;
	rig = dev_rig_open(&conf);
	caller.rig = rig;
	assert_int_equal(siov_dev_enable(rig->dev), 0);
	dev_rig_silent(dev_rig_portal(rig, dev_rig_attach(rig, 0), PASID));
	dev_rig_start_control(rig);
	assert_int_equal(pthread_create(&thread, NULL, run_drain, &caller), 0);
	await_draining(rig);
	dev_rig_attach(rig, 1);
	assert_int_equal(siov_dev_wq_drain(rig->dev, 1, DEV_RIG_WAIT_MS), 0);
	assert_int_equal(siov_dev_wq_disable(rig->dev, 1, DEV_RIG_WAIT_MS), 0);
	assert_int_equal(siov_dev_wq_enable(rig->dev, 0), -EBUSY);
	dev_rig_start(rig);
	pthread_join(thread, NULL);
	assert_int_equal(caller.ret, 0);
	dev_rig_close(rig);
}

static void *
run_calls(void *arg)
{
	struct caller *caller = arg;
	struct siov_portal *portal;
	struct siov_lane *lane;
	unsigned int i;

	for (i = 0; i < CALLS; i++) {
		if (siov_dev_attach(caller->rig->dev, 0, 0, &lane) != 0 ||
		    siov_dev_portal_open(caller->rig->dev, lane, PASID, SIOV_PORTAL_F_PASID,
					 &portal) != 0 ||
		    dev_rig_silent(portal) == SIOV_DMWR_GP ||
		    siov_dev_detach(caller->rig->dev, lane, DEV_RIG_WAIT_MS) != 0)
			caller->nb_failed++;
	}
	return NULL;
}

/* Callers come and go while control starts and stops. */
static void
test_many_callers_while_control_comes_and_goes(void **state)
{
	struct dev_rig *rig = dev_rig_open(NULL);
	struct caller callers[CALLERS];
	pthread_t threads[CALLERS];
	struct siov_stats *stats;
	unsigned int i;

	(void)state;
	dev_rig_bind(rig, PASID);
	dev_rig_start(rig);
	assert_int_equal(siov_dev_enable(rig->dev), 0);
	for (i = 0; i < CALLERS; i++) {
		callers[i] = (struct caller){.rig = rig};
		assert_int_equal(pthread_create(&threads[i], NULL, run_calls, &callers[i]), 0);
	}
	for (i = 0; i < 20; i++) {
		dev_rig_start_control(rig);
		dev_rig_nap();
		assert_int_equal(dev_rig_stop_control(rig), 0);
	}
	for (i = 0; i < CALLERS; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(callers[i].nb_failed, 0);
	}
	assert_int_equal(siov_dev_wq_drain(rig->dev, 0, DEV_RIG_WAIT_MS), 0);
	stats = dev_rig_stats(rig, 0, PASID);
	assert_int_equal(siov_stats_attempts(stats), CALLERS * CALLS);
	assert_int_equal(stats->completed, stats->submitted[SIOV_DMWR_SUCCESS]);
	dev_rig_close(rig);
}

/* ---- a control lcore that does not answer ---- */

static void *
do_nothing(void *arg)
{
	return arg;
}

static void
test_request_that_nobody_takes_up_has_no_effect(void **state)
{
	struct dev_rig *rig = dev_rig_open(NULL);
	struct control *control = &rig->dev->control;
	struct probe probe = {0};
	pthread_t thread;

	(void)state;
	/* Forged: a thread that says it is control and never looks. */
	assert_int_equal(pthread_create(&thread, NULL, do_nothing, NULL), 0);
	control->event_fd = eventfd(0, EFD_NONBLOCK);
	control->thread = thread;
	control->patience_ms = 20;
	control->is_running = true;
	assert_int_equal(control_call(rig->dev, step_probe, &probe, 20), -ETIMEDOUT);
	assert_int_equal(probe.nb_calls, 0);
	assert_int_equal(siov_dev_wq_enable(rig->dev, 0), -ETIMEDOUT);
	assert_int_equal(siov_dev_wq(rig->dev, 0)->state, SIOV_WQ_DISABLED);
	assert_true(TAILQ_EMPTY(&control->requests));
	control->is_running = false;
	close(control->event_fd);
	pthread_join(thread, NULL);
	assert_int_equal(siov_dev_wq_enable(rig->dev, 0), 0);
	dev_rig_close(rig);
}

static void
freeze(int signo)
{
	const struct timespec delay = {.tv_nsec = FREEZE_MS * 1000000l};

	(void)signo;
	nanosleep(&delay, NULL);
}

static void *
run_short_drain(void *arg)
{
	struct caller *caller = arg;

	caller->ret = siov_dev_wq_drain(caller->rig->dev, 0, FREEZE_MS / 4);
	return NULL;
}

/* Control starts a drain and freezes: the caller takes it back and ends it. */
static void
test_caller_ends_what_control_has_started(void **state)
{
	const struct sigaction action = {.sa_handler = freeze, .sa_flags = SA_RESTART};
	struct dev_rig *rig = dev_rig_open(NULL);
	struct caller caller = {.rig = rig, .ret = 1};
	struct siov_portal *portal;
	pthread_t thread;

	(void)state;
	assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
	assert_int_equal(siov_dev_enable(rig->dev), 0);
	portal = dev_rig_portal(rig, dev_rig_attach(rig, 0), PASID);
	dev_rig_noop(rig, portal, 0);
	dev_rig_start_control(rig);
	rig->dev->control.patience_ms = 20;
	assert_int_equal(pthread_create(&thread, NULL, run_short_drain, &caller), 0);
	await_draining(rig);
	pthread_kill(rig->control, SIGUSR1);
	pthread_join(thread, NULL);
	assert_int_equal(caller.ret, -ETIMEDOUT);
	assert_int_equal(siov_dev_wq(rig->dev, 0)->state, SIOV_WQ_ENABLED);
	rig->dev->control.patience_ms = DEV_RIG_WAIT_MS;
	dev_rig_start(rig);
	assert_int_equal(siov_dev_wq_drain(rig->dev, 0, DEV_RIG_WAIT_MS), 0);
	assert_true(dev_rig_is_done(rig, 0));
	dev_rig_close(rig);
}

/* ---- by itself ---- */

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
test_errors_are_collected_while_a_queue_is_enabled(void **state)
{
	struct dev_rig *rig = dev_rig_open(NULL);
	struct dsa_hw_desc desc __attribute__((aligned(64))) = {.opcode = 0x3f};
	struct siov_portal *portal;
	unsigned int i, round;

	(void)state;
	dev_rig_start(rig);
	dev_rig_start_control(rig);
	for (round = 1; round <= 2; round++) {
		assert_int_equal(siov_dev_enable(rig->dev), 0);
		portal = dev_rig_portal(rig, dev_rig_attach(rig, 0), PASID);
		assert_int_equal(siov_enqcmd(portal, &desc), SIOV_DMWR_SUCCESS);
		for (i = 0; i < DEV_RIG_WAIT_MS && count_errors(rig->dev) != round; i++)
			dev_rig_nap();
		assert_int_equal(count_errors(rig->dev), round);
		assert_int_equal(siov_dev_disable(rig->dev, DEV_RIG_WAIT_MS), 0);
	}
	dev_rig_close(rig);
}

static uint64_t
cpu_ns(pthread_t thread)
{
	struct timespec time;
	clockid_t clock;

	assert_int_equal(pthread_getcpuclockid(thread, &clock), 0);
	assert_int_equal(clock_gettime(clock, &time), 0);
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

/* What it takes is measured in its own CPU time, which other processes do not change. */
static void
test_idle_control_sleeps(void **state)
{
	struct dev_rig *rig = dev_rig_open(NULL);
	uint64_t before, spent;
	unsigned int i;

	(void)state;
	dev_rig_start_control(rig);
	assert_int_equal(siov_dev_enable(rig->dev), 0);
	dev_rig_attach(rig, 0);
	before = cpu_ns(rig->control);
	for (i = 0; i < IDLE_MS; i++)
		dev_rig_nap();
	spent = cpu_ns(rig->control) - before;
	print_message("idle control: %.3f %% of a CPU\n",
		      (double)spent / (double)(IDLE_MS * UINT64_C(10000)));
	assert_true(spent < UINT64_C(50000) * IDLE_MS);
	dev_rig_close(rig);
}

/* ---- as lcores, with the memory of the EAL ---- */

static SIOV_ATOMIC(uint32_t) stop_engine;

static int
launch_engine(void *arg)
{
	siov_dev_run_engine(arg, &stop_engine, true);
	return 0;
}

static int
launch_control(void *arg)
{
	return siov_dev_run_control(arg);
}

static void
test_lcores_run_engine_and_control(void **state)
{
	struct siov_dev_conf conf;
	struct siov_gmem_conf gconf;
	struct siov_portal *portal;
	struct siov_gmem *gmem;
	struct siov_lane *lane;
	struct siov_dev *dev;
	unsigned int i;

	(void)state;
	dev_rig_conf_init(&conf);
	assert_int_equal(siov_dev_create(&conf, &dev), 0);
	siov_gmem_conf_init(&gconf);
	gconf.page_shift = 12;
	assert_int_equal(siov_gmem_create(dev, &gconf, &gmem), 0);
	assert_int_equal(siov_pasid_alloc_at(siov_dev_iommu(dev), PASID), 0);
	assert_int_equal(siov_pasid_bind(siov_dev_iommu(dev), PASID, siov_gmem_domain(gmem), 0), 0);
	assert_int_equal(rte_eal_remote_launch(launch_engine, siov_dev_engine(dev, 0), 1), 0);
	assert_int_equal(rte_eal_remote_launch(launch_control, dev, 2), 0);
	while (!siov_dev_has_control(dev))
		dev_rig_nap();
	assert_int_equal(siov_dev_enable(dev), 0);
	assert_int_equal(siov_dev_attach(dev, 0, 0, &lane), 0);
	assert_int_equal(siov_dev_portal_open(dev, lane, PASID, SIOV_PORTAL_F_PASID, &portal), 0);
	for (i = 0; i < 100; i++) {
		struct dsa_hw_desc desc __attribute__((aligned(64))) = {
			.opcode = DSA_OPCODE_NOOP,
			.flags = DEV_RIG_CRAV_RCR,
			.completion_addr = gconf.iova + 32ull * i,
		};

		assert_int_equal(siov_enqcmd(portal, &desc), SIOV_DMWR_SUCCESS);
	}
	assert_int_equal(siov_dev_disable(dev, DEV_RIG_WAIT_MS), 0);
	for (i = 0; i < 100; i++)
		assert_int_equal(((struct dsa_completion_record *)siov_gmem_hva(gmem))[i].status,
				 DSA_COMP_SUCCESS);
	assert_int_equal(siov_dev_detach(dev, lane, DEV_RIG_WAIT_MS), 0);
	siov_dev_stop_control(dev);
	siov_atomic_store(&stop_engine, 1, release);
	assert_int_equal(rte_eal_wait_lcore(2), 0);
	assert_int_equal(rte_eal_wait_lcore(1), 0);
	assert_int_equal(siov_pasid_unbind(siov_dev_iommu(dev), PASID), 0);
	assert_int_equal(siov_gmem_free(gmem), 0);
	siov_dev_free(dev);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_control_steps_for_others_when_it_runs),
		cmocka_unit_test(test_control_does_not_wait_for_itself),
		cmocka_unit_test(test_start_and_stop_twice),
		cmocka_unit_test(test_stop_that_comes_before_the_start_is_not_lost),
		cmocka_unit_test(test_stop_hands_unfinished_work_back),
		cmocka_unit_test(test_requests_are_served_side_by_side),
		cmocka_unit_test(test_many_callers_while_control_comes_and_goes),
		cmocka_unit_test(test_request_that_nobody_takes_up_has_no_effect),
		cmocka_unit_test(test_caller_ends_what_control_has_started),
		cmocka_unit_test(test_errors_are_collected_while_a_queue_is_enabled),
		cmocka_unit_test(test_idle_control_sleeps),
		cmocka_unit_test(test_lcores_run_engine_and_control),
	};

	if (dev_rig_init_eal("0@0,1@1,2@0", "--no-telemetry") != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* How much of a CPU does an idle control lcore take? Queues are enabled, an engine polls. */
#include <pthread.h>
#include <time.h>

#include <rte_cycles.h>

#include "bench.h"
#include "bench_dev.h"

static void *
run_control(void *arg)
{
	struct bench_dev *bd = arg;

	siov_dev_run_control(bd->dev);
	return NULL;
}

static double
thread_seconds(clockid_t clock)
{
	struct timespec ts = {0};

	clock_gettime(clock, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* Percent of a CPU. */
static double
measure_idle(const void *arg)
{
	double seconds = bench_opt->quick ? 0.5 : 2, used = BENCH_FAILED;
	struct bench_dev bd;
	pthread_t thread;
	clockid_t clock;

	RTE_SET_USED(arg);
	if (!bench_dev_start(&bd, 128, 2u << 20, 1))
		return BENCH_FAILED;
	if (pthread_create(&thread, NULL, run_control, &bd) == 0) {
		rte_delay_us_sleep(50000);
		if (pthread_getcpuclockid(thread, &clock) == 0) {
			used = thread_seconds(clock);
			rte_delay_us_sleep((unsigned int)(seconds * 1e6));
			used = (thread_seconds(clock) - used) / seconds * 100;
		}
		siov_dev_stop_control(bd.dev);
		pthread_join(thread, NULL);
	}
	return bench_dev_stop(&bd, 0) ? used : BENCH_FAILED;
}

static double
goal(const void *arg)
{
	RTE_SET_USED(arg);
	return 1;
}

void
bench_control(void)
{
	static const struct bench_row row = {
		.bench = "control",
		.name = "load=idle",
		.unit = "percent",
		.less_is_better = true,
		.ours = {"siov", measure_idle},
		.limit = {"goal", goal},
	};

	bench_row_run(&row);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include <inttypes.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_errno.h>
#include <rte_pause.h>

#include "complain.h"
#include "phase.h"

#define STEP_MS 20 /* between looks at a run that ends by itself */

/* Afterwards all counters are final. */
static int
drain(struct rig *rig)
{
	const struct siov_dev_conf *conf = siov_dev_get_conf(rig->dev);
	unsigned int i;
	int ret;

	for (i = 0; i < conf->nb_wqs; i++) {
		ret = siov_dev_wq_drain(rig->dev, i, RIG_TIMEOUT_MS);
		if (ret != 0)
			return complain("wq %u does not drain: %s", i, rte_strerror(-ret));
	}
	return 0;
}

static void
print_progress(struct job *job, double elapsed_s, const char *name)
{
	struct siov_stats *stats = malloc(sizeof(*stats));
	uint64_t attempts = 0, completed = 0, failed = 0;
	unsigned int i;

	for (i = 0; stats != NULL && siov_dev_wq(job->rig->dev, i) != NULL; i++) {
		memset(stats, 0, sizeof(*stats));
		if (siov_dev_wq_stats(job->rig->dev, i, stats) != 0)
			break;
		attempts += siov_stats_attempts(stats);
		completed += stats->completed;
		failed += stats->failed;
	}
	free(stats);
	fprintf(stderr,
		"%s %.2f s: %" PRIu64 " attempts, %" PRIu64 " completed, %" PRIu64
		" failed since the start\n",
		name, elapsed_s, attempts, completed, failed);
}

/* Sleep until time or operations are over, or somebody stops it. */
static void
wait_phase(struct phase *phase, struct job *job, double seconds, const char *name)
{
	const struct options *o = job->opts;
	bool has_end = o->total_ops != 0 || seconds <= 0, has_progress = o->stats_period_s > 0;
	double start = (double)rte_rdtsc() / (double)rte_get_tsc_hz();
	double next_progress = o->stats_period_s;

	for (;;) {
		double now = (double)rte_rdtsc() / (double)rte_get_tsc_hz() - start;
		double left = seconds > 0 ? seconds - now : 3600;

		if (has_end && siov_atomic_load(&phase->nb_running, acquire) == 0)
			return;
		if (left <= 0)
			return;
		if (has_progress && now >= next_progress) {
			print_progress(job, now, name);
			next_progress += o->stats_period_s;
		}
		if (has_progress)
			left = RTE_MIN(left, RTE_MAX(next_progress - now, 0.0));
		if (has_end)
			left = RTE_MIN(left, STEP_MS / 1e3);
		if (stopper_sleep(job->stopper, (int)(left * 1e3 + 0.999)))
			return;
	}
}

int
phase_run(struct phase *phase, struct job *job, double seconds, const char *name)
{
	const struct placement *p = job->rig->placement;
	unsigned int i, nb;
	int err = 0;

	siov_atomic_store(&phase->go, 0, relaxed);
	siov_atomic_store(&phase->stop, 0, relaxed);
	siov_atomic_store(&phase->nb_running, p->nb_submitters, relaxed);
	for (nb = 0; nb < p->nb_submitters && err == 0; nb++) {
		void *arg = (char *)phase->args + nb * phase->arg_size;

		if (rte_eal_remote_launch(phase->main, arg, p->submitters[nb].id) != 0)
			err = complain("submitter %u: lcore %u is busy", nb, p->submitters[nb].id);
	}
	/* P1: pairs with P2 in phase_wait_go. */
	siov_atomic_store(&phase->go, 1, release);
	if (err == 0)
		wait_phase(phase, job, seconds, name);
	siov_atomic_store(&phase->stop, 1, relaxed);
	for (i = 0; i < nb; i++)
		rte_eal_wait_lcore(p->submitters[i].id);
	return err != 0 ? err : drain(job->rig);
}

void
phase_wait_go(struct phase *phase, bool yields)
{
	/* P2: pairs with P1 in phase_run. */
	while (siov_atomic_load(&phase->go, acquire) == 0) {
		if (yields)
			sched_yield();
		else
			rte_pause();
	}
}

void
phase_end(struct phase *phase)
{
	/* Pairs with the acquire in wait_phase. */
	siov_atomic_fetch_add(&phase->nb_running, UINT32_MAX, release);
}

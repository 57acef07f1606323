/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
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
#define HOLD_STEP_US 100u /* between looks at submitters that are to wait */
#define HOLD_TRIES 100000u

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

void
phase_init(struct phase *phase)
{
	siov_atomic_store(&phase->stop, PHASE_OVER, relaxed);
	siov_atomic_store(&phase->nb_running, 0, relaxed);
	siov_atomic_store(&phase->nb_held, 0, relaxed);
	pthread_mutex_init(&phase->gate, NULL);
}

void
phase_fini(struct phase *phase)
{
	pthread_mutex_destroy(&phase->gate);
}

static void
set_state(struct phase *phase, enum phase_state state)
{
	pthread_mutex_lock(&phase->gate);
	siov_atomic_store(&phase->stop, state, release);
	pthread_mutex_unlock(&phase->gate);
}

int
phase_run(struct phase *phase, struct job *job, double seconds, const char *name)
{
	const struct placement *p = job->rig->placement;
	unsigned int i, nb;
	int err = 0;

	siov_atomic_store(&phase->go, 0, relaxed);
	siov_atomic_store(&phase->nb_running, p->nb_submitters, relaxed);
	set_state(phase, PHASE_RUN);
	for (nb = 0; nb < p->nb_submitters && err == 0; nb++) {
		void *arg = (char *)phase->args + nb * phase->arg_size;

		if (rte_eal_remote_launch(phase->main, arg, p->submitters[nb].id) != 0)
			err = complain("submitter %u: lcore %u is busy", nb, p->submitters[nb].id);
	}
	/* P1: pairs with P2 in phase_wait_go. */
	siov_atomic_store(&phase->go, 1, release);
	if (err == 0)
		wait_phase(phase, job, seconds, name);
	set_state(phase, PHASE_OVER);
	for (i = 0; i < nb; i++)
		rte_eal_wait_lcore(p->submitters[i].id);
	return err != 0 ? err : drain(job->rig);
}

static void
relax(bool yields)
{
	if (yields)
		sched_yield();
	else
		rte_pause();
}

void
phase_wait_go(struct phase *phase, bool yields)
{
	/* P2: pairs with P1 in phase_run. */
	while (siov_atomic_load(&phase->go, acquire) == 0)
		relax(yields);
}

void
phase_end(struct phase *phase)
{
	/* Pairs with the acquire in wait_phase. */
	siov_atomic_fetch_add(&phase->nb_running, UINT32_MAX, release);
}

bool
phase_pause(struct phase *phase, bool yields)
{
	if (siov_atomic_load(&phase->stop, relaxed) != PHASE_HOLD)
		return siov_atomic_load(&phase->stop, relaxed) == PHASE_RUN;
	/* P3: pairs with P4 in phase_hold; nothing of ours is outstanding. */
	siov_atomic_fetch_add(&phase->nb_held, 1, release);
	/* P5: pairs with P6 in phase_resume; what was changed meanwhile holds. */
	while (siov_atomic_load(&phase->stop, acquire) == PHASE_HOLD)
		relax(yields);
	siov_atomic_fetch_add(&phase->nb_held, UINT32_MAX, release);
	return true;
}

int
phase_hold(struct phase *phase)
{
	unsigned int tries;

	pthread_mutex_lock(&phase->gate);
	if (siov_atomic_load(&phase->stop, relaxed) != PHASE_RUN)
		return 0;
	siov_atomic_store(&phase->stop, PHASE_HOLD, release);
	for (tries = 0; tries < HOLD_TRIES; tries++) {
		/* P4: pairs with P3 and phase_end. */
		uint32_t nb_running = siov_atomic_load(&phase->nb_running, acquire);

		if (siov_atomic_load(&phase->nb_held, acquire) >= nb_running)
			return 0;
		rte_delay_us_sleep(HOLD_STEP_US);
	}
	return -ETIMEDOUT;
}

void
phase_resume(struct phase *phase)
{
	if (siov_atomic_load(&phase->stop, relaxed) == PHASE_HOLD)
		siov_atomic_store(&phase->stop, PHASE_RUN, release); /* P6: pairs with P5 */
	/* All have left before anybody is held again. */
	while (siov_atomic_load(&phase->nb_held, acquire) != 0)
		rte_delay_us_sleep(HOLD_STEP_US);
	pthread_mutex_unlock(&phase->gate);
}

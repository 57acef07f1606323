/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What does each of many equal tenants get? Four submitters that share a CPU, 64 PASIDs shared out
 * among them, one queue that is much smaller than what they want; Jain's index over the completed
 * descriptors of each PASID: 1 if all got the same.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_launch.h>

#include "bench.h"
#include "bench_dev.h"

#define PASIDS 64u
#define PER_SUBMITTER (PASIDS / BENCH_SUBMITTERS_MAX)
#define DEPTH 4u /* descriptors in flight of each PASID */

struct tenant_group {
	struct bench_dev *bd;
	struct siov_portal *portals[PER_SUBMITTER];
	unsigned int id;
	SIOV_ATOMIC(uint32_t) *stop;
	uint64_t nb; /* accepted */
	bool ok;
};

/* Keep DEPTH descriptors of each PASID in flight; a Retry goes to the next PASID. */
static int
submit(void *arg)
{
	struct tenant_group *g = arg;
	size_t base = (size_t)g->id * PER_SUBMITTER * DEPTH * 64;
	struct dsa_hw_desc desc __attribute__((aligned(64)));
	unsigned int rounds = 0, p, d;
	bool stop = false;
	uint32_t busy = 0;

	memset(&desc, 0, sizeof(desc));
	desc.flags = IDXD_OP_FLAG_CRAV | IDXD_OP_FLAG_RCR;
	memset(g->bd->hva + base, DSA_COMP_SUCCESS, PER_SUBMITTER * DEPTH * 64);
	g->ok = true;
	while (!stop || busy != 0) {
		stop = siov_atomic_load(g->stop, relaxed);
		busy = 0;
		for (p = 0; p < PER_SUBMITTER; p++) {
			for (d = 0; d < DEPTH; d++) {
				size_t at = base + ((size_t)p * DEPTH + d) * 64;
				struct dsa_completion_record *rec = (void *)(g->bd->hva + at);

				if (siov_atomic_load(&rec->status, acquire) == DSA_COMP_NONE) {
					busy++;
					continue;
				}
				g->ok &= rec->status == DSA_COMP_SUCCESS;
				if (stop)
					continue;
				rec->status = DSA_COMP_NONE;
				desc.completion_addr = g->bd->iova + at;
				if (siov_enqcmd(g->portals[p], &desc) == SIOV_DMWR_SUCCESS)
					g->nb++;
				else
					rec->status = DSA_COMP_SUCCESS;
			}
		}
		bench_relax(&rounds, true);
	}
	return g->ok ? 0 : -1;
}

struct jain {
	double sum, squares;
	unsigned int nb;
};

static int
add_pasid(unsigned int wq_id, uint32_t pasid, const struct siov_stats *stats, void *arg)
{
	struct jain *jain = arg;
	double x = (double)stats->completed;

	RTE_SET_USED(wq_id);
	RTE_SET_USED(pasid);
	jain->sum += x;
	jain->squares += x * x;
	jain->nb++;
	return 0;
}

static bool
open_group(struct tenant_group *g, struct bench_dev *bd, unsigned int id,
	   SIOV_ATOMIC(uint32_t) *stop)
{
	struct siov_lane *lane;
	unsigned int p;

	*g = (struct tenant_group){.bd = bd, .id = id, .stop = stop};
	if (siov_dev_attach(bd->dev, 0, 0, &lane) != 0)
		return false;
	for (p = 0; p < PER_SUBMITTER; p++) {
		if (siov_dev_portal_open(bd->dev, lane, 1 + id * PER_SUBMITTER + p,
					 SIOV_PORTAL_F_PASID, &g->portals[p]) != 0)
			return false;
	}
	return true;
}

static void *
submit_as_thread(void *arg)
{
	submit(arg);
	return NULL;
}

/* The main lcore keeps the time, so a thread that inherits its CPU stands in for it. */
static bool
run_groups(struct tenant_group *groups, SIOV_ATOMIC(uint32_t) *stop)
{
	pthread_t first;
	unsigned int i;
	bool ok;

	for (i = 1; i < BENCH_SUBMITTERS_MAX; i++)
		rte_eal_remote_launch(submit, &groups[i], bench_submitter_lcore(i));
	ok = pthread_create(&first, NULL, submit_as_thread, &groups[0]) == 0;
	rte_delay_us_sleep((unsigned int)(bench_opt->seconds * 6e6));
	siov_atomic_store(stop, 1, relaxed);
	if (ok)
		pthread_join(first, NULL);
	for (i = 1; i < BENCH_SUBMITTERS_MAX; i++)
		rte_eal_wait_lcore(bench_submitter_lcore(i));
	for (i = 0; i < BENCH_SUBMITTERS_MAX; i++)
		ok = ok && groups[i].ok;
	return ok;
}

static double
measure_jain(const void *arg)
{
	struct tenant_group groups[BENCH_SUBMITTERS_MAX] = {0};
	SIOV_ATOMIC(uint32_t) stop = 0;
	struct jain jain = {0};
	struct bench_dev bd;
	uint64_t nb = 0;
	unsigned int i;
	bool ok = true;

	RTE_SET_USED(arg);
	if (!bench_dev_start(&bd, 64, 2u << 20, PASIDS))
		return BENCH_FAILED;
	for (i = 0; i < BENCH_SUBMITTERS_MAX && ok; i++)
		ok = open_group(&groups[i], &bd, i, &stop);
	ok = ok && run_groups(groups, &stop);
	for (i = 0; i < BENCH_SUBMITTERS_MAX; i++)
		nb += groups[i].nb;
	siov_dev_stats_walk(bd.dev, 0, add_pasid, &jain);
	ok = bench_dev_stop(&bd, nb) && ok;
	if (!ok || jain.nb != PASIDS || jain.squares == 0)
		return BENCH_FAILED;
	return jain.sum * jain.sum / (jain.nb * jain.squares);
}

static double
perfect(const void *arg)
{
	RTE_SET_USED(arg);
	return 1;
}

void
bench_fairness(void)
{
	static const struct bench_row row = {
		.bench = "fairness",
		.name = "entries=64,submitters=4,pasids=64",
		.unit = "jain",
		.ours = {"siov", measure_jain},
		.limit = {"equal", perfect},
	};

	bench_row_run(&row);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What does a batch save? No-ops, 32 to a batch; members tell failures only, the batch tells its end.
 * Peer: as many single submissions, each with a record. A client that keeps its lists submits them
 * again as they are; one that writes them anew takes their lines back from the engine first.
 */
#include <string.h>

#include <rte_cycles.h>

#include "bench.h"
#include "bench_dev.h"

#define MEMBERS 32u
#define BATCHES 16u /* in flight */
#define SINGLES (BATCHES * MEMBERS) /* in flight */
#define RECS_BYTES (1u << 20)

enum mode {
	SINGLES_ONLY,
	LISTS_KEPT,
	LISTS_WRITTEN,
};

struct client {
	struct bench_dev bd;
	struct siov_portal *portal;
	struct dsa_completion_record *recs;
	struct dsa_hw_desc *lists; /* BATCHES of MEMBERS */
	uint64_t lists_iova;
};

static bool
open_client(struct client *c)
{
	struct siov_lane *lane;

	c->recs = (void *)c->bd.hva;
	c->lists = (void *)(c->bd.hva + RECS_BYTES);
	c->lists_iova = c->bd.iova + RECS_BYTES;
	memset(c->bd.hva, 0, 2u << 20);
	return siov_dev_attach(c->bd.dev, 0, 0, &lane) == 0 &&
	       siov_dev_portal_open(c->bd.dev, lane, 1, SIOV_PORTAL_F_PASID, &c->portal) == 0;
}

static bool
await(struct dsa_completion_record *rec)
{
	unsigned int rounds = 0;

	while (siov_atomic_load(&rec->status, acquire) == DSA_COMP_NONE)
		bench_relax(&rounds, bench_opt->shares_cpus);
	return rec->status == DSA_COMP_SUCCESS;
}

static void
submit(struct client *c, const struct dsa_hw_desc *desc)
{
	unsigned int rounds = 0;

	while (siov_enqcmd(c->portal, desc) != SIOV_DMWR_SUCCESS)
		bench_relax(&rounds, bench_opt->shares_cpus);
}

/* Record n of those in flight is to be written again. */
static uint64_t
arm(struct client *c, uint64_t n)
{
	c->recs[n].status = DSA_COMP_NONE;
	return c->bd.iova + n * sizeof(c->recs[0]);
}

static void
submit_single(struct client *c, uint64_t i)
{
	const struct dsa_hw_desc desc __attribute__((aligned(64))) = {
		.opcode = DSA_OPCODE_NOOP,
		.flags = IDXD_OP_FLAG_CRAV | IDXD_OP_FLAG_RCR,
		.completion_addr = arm(c, i % SINGLES),
	};

	submit(c, &desc);
}

static void
submit_batch(struct client *c, enum mode mode, uint64_t i)
{
	uint64_t n = i % BATCHES;
	struct dsa_hw_desc *list = &c->lists[n * MEMBERS];
	const struct dsa_hw_desc desc __attribute__((aligned(64))) = {
		.opcode = DSA_OPCODE_BATCH,
		.flags = IDXD_OP_FLAG_CRAV | IDXD_OP_FLAG_RCR,
		.completion_addr = arm(c, n),
		.desc_list_addr = c->lists_iova + n * MEMBERS * sizeof(*list),
		.desc_count = MEMBERS,
	};
	unsigned int k;

	for (k = 0; (i < BATCHES || mode == LISTS_WRITTEN) && k < MEMBERS; k++)
		list[k] = (struct dsa_hw_desc){
			.opcode = DSA_OPCODE_NOOP,
			.flags = IDXD_OP_FLAG_CRAV,
			.completion_addr = desc.desc_list_addr + k * sizeof(*list),
		};
	submit(c, &desc);
}

/* Submissions until the time is over, all of them awaited; *ok says whether all succeeded. */
static uint64_t
run(struct client *c, enum mode mode, bool *ok)
{
	uint64_t budget = (uint64_t)((double)rte_get_tsc_hz() * bench_opt->seconds);
	uint64_t depth = mode == SINGLES_ONLY ? SINGLES : BATCHES;
	uint64_t start = rte_rdtsc(), i, done = 0;

	*ok = true;
	for (i = 0; rte_rdtsc() - start < budget; i++) {
		if (i - done == depth)
			*ok &= await(&c->recs[done++ % depth]);
		if (mode == SINGLES_ONLY)
			submit_single(c, i);
		else
			submit_batch(c, mode, i);
	}
	for (; done < i; done++)
		*ok &= await(&c->recs[done % depth]);
	return i;
}

/* Million no-ops a second. */
static double
measure(enum mode mode)
{
	uint64_t nb_warm = 0, nb = 0, start = 0, cycles = 1;
	bool ok, is_warm_ok = false;
	struct client c;

	if (!bench_dev_start(&c.bd, 1024, 2u << 20, 1))
		return BENCH_FAILED;
	ok = open_client(&c);
	if (ok) {
		nb_warm = run(&c, mode, &is_warm_ok);
		start = rte_rdtsc();
		nb = run(&c, mode, &ok);
		cycles = rte_rdtsc() - start;
	}
	ok = bench_dev_stop(&c.bd, nb_warm + nb) && ok && is_warm_ok;
	nb *= mode == SINGLES_ONLY ? 1 : MEMBERS;
	return ok ? (double)nb / bench_seconds(cycles) / 1e6 : BENCH_FAILED;
}

static double
measure_kept(const void *arg)
{
	RTE_SET_USED(arg);
	return measure(LISTS_KEPT);
}

static double
measure_written(const void *arg)
{
	RTE_SET_USED(arg);
	return measure(LISTS_WRITTEN);
}

static double
measure_singles(const void *arg)
{
	RTE_SET_USED(arg);
	return measure(SINGLES_ONLY);
}

void
bench_batch(void)
{
	static const struct bench_row rows[] = {
		{
			.bench = "batch",
			.name = "op=noop,members=32,list=kept",
			.unit = "Mops",
			.ours = {"siov", measure_kept},
			.peers = {{"single", measure_singles}},
		},
		{
			.bench = "batch",
			.name = "op=noop,members=32,list=written",
			.unit = "Mops",
			.ours = {"siov", measure_written},
			.peers = {{"single", measure_singles}},
		},
	};
	unsigned int i;

	for (i = 0; i < RTE_DIM(rows); i++)
		bench_row_run(&rows[i]);
}

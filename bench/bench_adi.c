/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ADIs in numbers: what the others notice of one that is reset again and again, how fast ADIs come
 * and go beside many that stay, and how many fit on one queue.
 */
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_launch.h>

#include "bench.h"
#include "bench_dev.h"

#define TIMEOUT_MS 5000u

/* ---- ADIs ---- */

struct tenants {
	struct bench_dev bd;
	struct siov_lane *lane;
	uint32_t nb;
	uint32_t *ids;
	struct siov_portal **portals;
};

/* A context for a PASID on queue 0, enabled. */
static bool
make_context(struct siov_dev *dev, uint32_t pasid, uint32_t *id)
{
	const struct siov_adi_conf conf = {.pasid = pasid, .nb_messages = 1};

	return siov_dev_adi_alloc(dev, SIOV_ADI_CONTEXT, SIOV_ADI_VM, id) == 0 &&
	       siov_dev_adi_configure(dev, *id, &conf) == 0 && siov_dev_adi_enable(dev, *id) == 0;
}

static bool
end_context(struct siov_dev *dev, uint32_t id)
{
	return siov_dev_adi_disable(dev, id, TIMEOUT_MS) == 0 && siov_dev_adi_release(dev, id) == 0;
}

/* PASIDs 1 to nb, each with an ADI and a portal. */
static bool
open_tenants(struct tenants *t, uint32_t nb)
{
	uint32_t i;

	t->nb = nb;
	t->ids = calloc(nb, sizeof(t->ids[0]));
	t->portals = calloc(nb, sizeof(t->portals[0]));
	if (t->ids == NULL || t->portals == NULL || siov_dev_attach(t->bd.dev, 0, 0, &t->lane) != 0)
		return false;
	for (i = 0; i < nb; i++) {
		if (!make_context(t->bd.dev, i + 1, &t->ids[i]) ||
		    siov_dev_adi_portal_open(t->bd.dev, t->ids[i], t->lane, &t->portals[i]) != 0)
			return false;
	}
	return true;
}

static void
close_tenants(struct tenants *t)
{
	bench_dev_abandon(&t->bd);
	free(t->ids);
	free(t->portals);
}

/* ---- one is reset, the others go on ---- */

#define TENANTS 64u
#define SIZE 4096u
#define DEPTH 256u
#define HALF_BYTES (32u << 20)
#define RESETS 1000u

struct resetter {
	struct tenants *t;
	SIOV_ATOMIC(uint32_t) nb; /* resets done */
	SIOV_ATOMIC(uint32_t) stop;
	bool ok;
};

/* The last ADI, with a break in between in which it works. */
static int
run_resets(void *arg)
{
	struct resetter *r = arg;
	struct siov_dev *dev = r->t->bd.dev;
	uint32_t id = r->t->ids[TENANTS - 1];

	r->ok = true;
	while (r->ok && !siov_atomic_load(&r->stop, relaxed)) {
		r->ok = siov_dev_adi_reset(dev, id, TIMEOUT_MS) == 0 &&
			siov_dev_adi_enable(dev, id) == 0;
		siov_atomic_store(&r->nb, siov_atomic_load(&r->nb, relaxed) + 1, relaxed);
		rte_delay_us_sleep(400);
	}
	return 0;
}

static struct dsa_completion_record *
record_at(struct tenants *t, uint64_t i)
{
	return (struct dsa_completion_record *)(t->bd.hva + 2 * (uint64_t)HALF_BYTES) + i % DEPTH;
}

static bool
is_victim(uint64_t i)
{
	return i % TENANTS == TENANTS - 1;
}

static void
submit(struct tenants *t, uint64_t i)
{
	uint64_t offset = i * SIZE % HALF_BYTES;
	const struct dsa_hw_desc desc __attribute__((aligned(64))) = {
		.opcode = DSA_OPCODE_MEMMOVE,
		.flags = IDXD_OP_FLAG_CRAV | IDXD_OP_FLAG_RCR,
		.completion_addr = t->bd.iova + 2 * (uint64_t)HALF_BYTES +
				   i % DEPTH * sizeof(struct dsa_completion_record),
		.src_addr = t->bd.iova + offset,
		.dst_addr = t->bd.iova + HALF_BYTES + offset,
		.xfer_size = SIZE,
	};
	unsigned int rounds = 0;

	record_at(t, i)->status = DSA_COMP_NONE;
	/* The one that is reset is told to retry meanwhile; nobody else waits for it. */
	while (siov_enqcmd(t->portals[i % TENANTS], &desc) != SIOV_DMWR_SUCCESS && !is_victim(i))
		bench_relax(&rounds, bench_opt->shares_cpus);
}

/* Wait for one of the others' copies; what a reset has ended says nothing. */
static bool
reap(struct tenants *t, uint64_t i)
{
	struct dsa_completion_record *rec = record_at(t, i);
	unsigned int rounds = 0;

	if (is_victim(i))
		return true;
	while (siov_atomic_load(&rec->status, acquire) == DSA_COMP_NONE)
		bench_relax(&rounds, bench_opt->shares_cpus);
	return rec->status == DSA_COMP_SUCCESS;
}

/* Million copies a second of the first 63, until the time is over and all resets were made. */
static double
run_tenants(struct tenants *t, const struct resetter *r)
{
	uint64_t budget = (uint64_t)((double)rte_get_tsc_hz() * bench_opt->seconds);
	uint64_t start = rte_rdtsc(), i, done, cycles;
	bool ok = true;

	for (i = 0; i % TENANTS != 0 || rte_rdtsc() - start < budget ||
		    (r != NULL && r->ok && siov_atomic_load(&r->nb, relaxed) < RESETS);
	     i++) {
		if (i >= DEPTH)
			ok &= reap(t, i - DEPTH);
		submit(t, i);
	}
	for (done = i > DEPTH ? i - DEPTH : 0; done < i; done++)
		ok &= reap(t, done);
	cycles = rte_rdtsc() - start;
	return ok ? (double)(i / TENANTS * (TENANTS - 1)) / bench_seconds(cycles) / 1e6 :
		    BENCH_FAILED;
}

/* Nothing was lost or doubled, be it completed or discarded. */
static bool
adds_up(struct tenants *t)
{
	uint32_t i;

	for (i = 0; i < t->nb; i++) {
		struct siov_adi_info info;

		if (siov_dev_adi_drain(t->bd.dev, t->ids[i], TIMEOUT_MS) != 0 ||
		    siov_dev_adi_info(t->bd.dev, t->ids[i], &info) != 0 || info.failed != 0 ||
		    info.accepted != info.completed + info.aborted)
			return false;
		if (i != TENANTS - 1 && info.aborted != 0)
			return false;
	}
	return true;
}

static double
measure_tenants(bool with_resets)
{
	unsigned int lcore = bench_submitter_lcore(1);
	struct tenants t = {0};
	struct resetter r = {.t = &t};
	double figure = BENCH_FAILED;

	if (!bench_dev_start_ir(&t.bd, 1024, 2 * (uint64_t)HALF_BYTES + (2u << 20), TENANTS))
		return BENCH_FAILED;
	if (open_tenants(&t, TENANTS)) {
		run_tenants(&t, NULL); /* warm-up */
		if (with_resets)
			rte_eal_remote_launch(run_resets, &r, lcore);
		r.ok = true;
		figure = run_tenants(&t, with_resets ? &r : NULL);
		siov_atomic_store(&r.stop, 1, relaxed);
		if (with_resets)
			rte_eal_wait_lcore(lcore);
		if (!r.ok || !adds_up(&t))
			figure = BENCH_FAILED;
	}
	close_tenants(&t);
	return figure;
}

static double
measure_resets(const void *arg)
{
	RTE_SET_USED(arg);
	return measure_tenants(true);
}

static double
measure_no_resets(const void *arg)
{
	RTE_SET_USED(arg);
	return measure_tenants(false);
}

/* ---- they come and go ---- */

#define STAYING 10000u

static double
measure_life(const void *arg)
{
	uint64_t budget = (uint64_t)((double)rte_get_tsc_hz() * bench_opt->seconds);
	struct tenants t = {0};
	double figure = BENCH_FAILED;
	uint64_t start, nb = 0;
	bool ok = true;
	uint32_t id;

	RTE_SET_USED(arg);
	if (!bench_dev_start_ir(&t.bd, 1024, 2u << 20, 1))
		return BENCH_FAILED;
	if (open_tenants(&t, STAYING)) {
		start = rte_rdtsc();
		for (; ok && rte_rdtsc() - start < budget; nb++)
			ok = make_context(t.bd.dev, STAYING + 1 + nb % STAYING, &id) &&
			     end_context(t.bd.dev, id);
		if (ok)
			figure = (double)nb / bench_seconds(rte_rdtsc() - start) / 1e3;
	}
	close_tenants(&t);
	return figure;
}

/* ---- how many ---- */

#define MANY 65536u

/* Million no-ops a second of nb ADIs in random order. */
static double
measure_random(uint32_t nb)
{
	uint64_t budget = (uint64_t)((double)rte_get_tsc_hz() * bench_opt->seconds);
	uint64_t state = 1, i, start, accepted = 0;
	struct tenants t = {0};
	double figure = BENCH_FAILED;

	if (!bench_dev_start_ir(&t.bd, 1024, 2u << 20, nb))
		return BENCH_FAILED;
	if (open_tenants(&t, nb)) {
		const struct dsa_hw_desc desc
			__attribute__((aligned(64))) = {.opcode = DSA_OPCODE_NOOP};

		start = rte_rdtsc();
		for (i = 0; i % 64 != 0 || rte_rdtsc() - start < budget; i++) {
			state = state * UINT64_C(6364136223846793005) + 1442695040888963407;
			accepted += siov_enqcmd(t.portals[(state >> 33) % nb], &desc) ==
				    SIOV_DMWR_SUCCESS;
		}
		figure = (double)accepted / bench_seconds(rte_rdtsc() - start) / 1e6;
		if (siov_dev_wq_drain(t.bd.dev, 0, TIMEOUT_MS) != 0)
			figure = BENCH_FAILED;
	}
	close_tenants(&t);
	return figure;
}

static double
measure_many(const void *arg)
{
	RTE_SET_USED(arg);
	return measure_random(MANY);
}

static double
measure_few(const void *arg)
{
	RTE_SET_USED(arg);
	return measure_random(64);
}

/* All that grows with an ADI: itself, its message, its portal, its counters. */
static double
measure_memory(const void *arg)
{
	struct tenants t = {0};
	double figure = BENCH_FAILED;

	RTE_SET_USED(arg);
	if (!bench_dev_start_ir(&t.bd, 1024, 2u << 20, 1))
		return BENCH_FAILED;
	if (open_tenants(&t, MANY))
		figure = (double)(siov_dev_adi_memory(t.bd.dev) + siov_dev_pasid_memory(t.bd.dev)) /
				 MANY +
			 SIOV_IMS_ENTRY_BYTES;
	close_tenants(&t);
	return figure;
}

void
bench_adi(void)
{
	static const struct bench_row rows[] = {
		{
			.bench = "adi",
			.name = "reset=1000,adis=64,size=4096",
			.unit = "Mops",
			.ours = {"siov", measure_resets},
			.limit = {"nobody_is_reset", measure_no_resets},
		},
		{
			.bench = "adi",
			.name = "life=whole,staying=10000",
			.unit = "k/s",
			.ours = {"siov", measure_life},
		},
		{
			.bench = "adi",
			.name = "adis=65536,order=random",
			.unit = "Mops",
			.ours = {"siov", measure_many},
			.peers = {{"adis_64", measure_few}},
		},
		{
			.bench = "adi",
			.name = "memory,adis=65536",
			.unit = "B",
			.less_is_better = true,
			.ours = {"siov", measure_memory},
		},
	};
	unsigned int i;

	for (i = 0; i < RTE_DIM(rows); i++)
		bench_row_run(&rows[i]);
}

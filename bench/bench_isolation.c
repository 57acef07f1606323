/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What do others notice of a PASID that faults on every operation? One submitter takes 64 PASIDs in
 * turn, each copying 4 KiB; the last one's destination is not mapped. The figure is what the other
 * 63 complete. Limit: the same when nobody faults.
 */
#include <string.h>

#include <rte_cycles.h>

#include "bench.h"
#include "bench_dev.h"

#define PASIDS 64u
#define SIZE 4096u
#define DEPTH 256u /* descriptors in flight */
#define HALF_BYTES (32u << 20)
#define NOWHERE (UINT64_C(1) << 40)

struct tenants {
	struct bench_dev bd;
	struct siov_portal *portals[PASIDS];
	struct dsa_completion_record *recs;
	bool last_faults;
};

static bool
open_tenants(struct tenants *t, bool last_faults)
{
	struct siov_lane *lane;
	uint32_t p;

	t->last_faults = last_faults;
	t->recs = (void *)(t->bd.hva + 2 * (uint64_t)HALF_BYTES);
	memset(t->recs, DSA_COMP_SUCCESS, DEPTH * sizeof(t->recs[0]));
	if (siov_dev_attach(t->bd.dev, 0, 0, &lane) != 0)
		return false;
	for (p = 0; p < PASIDS; p++) {
		if (siov_dev_portal_open(t->bd.dev, lane, p + 1, SIOV_PORTAL_F_PASID,
					 &t->portals[p]) != 0)
			return false;
	}
	return true;
}

static bool
is_faulting(const struct tenants *t, uint64_t i)
{
	return t->last_faults && i % PASIDS == PASIDS - 1;
}

/* Wait for what was submitted DEPTH ago, or at all; true: it ended as it must. */
static bool
reap(struct tenants *t, uint64_t i)
{
	struct dsa_completion_record *rec = &t->recs[i % DEPTH];
	uint8_t want = DSA_COMP_SUCCESS;
	unsigned int rounds = 0;

	if (is_faulting(t, i))
		want = DSA_COMP_PAGE_FAULT_NOBOF | DSA_COMP_STATUS_WRITE;
	while (siov_atomic_load(&rec->status, acquire) == DSA_COMP_NONE)
		bench_relax(&rounds, bench_opt->shares_cpus);
	return rec->status == want;
}

static void
submit(struct tenants *t, uint64_t i)
{
	uint64_t offset = i * SIZE % HALF_BYTES;
	struct dsa_hw_desc desc __attribute__((aligned(64))) = {
		.opcode = DSA_OPCODE_MEMMOVE,
		.flags = IDXD_OP_FLAG_CRAV | IDXD_OP_FLAG_RCR,
		.completion_addr =
			t->bd.iova + 2 * (uint64_t)HALF_BYTES + i % DEPTH * sizeof(t->recs[0]),
		.src_addr = t->bd.iova + offset,
		.dst_addr = is_faulting(t, i) ? NOWHERE : t->bd.iova + HALF_BYTES + offset,
		.xfer_size = SIZE,
	};
	unsigned int rounds = 0;

	t->recs[i % DEPTH].status = DSA_COMP_NONE;
	while (siov_enqcmd(t->portals[i % PASIDS], &desc) != SIOV_DMWR_SUCCESS)
		bench_relax(&rounds, bench_opt->shares_cpus);
}

/* Million operations a second of the first 63 PASIDs. */
static double
run(struct tenants *t)
{
	uint64_t budget = (uint64_t)((double)rte_get_tsc_hz() * bench_opt->seconds);
	uint64_t i, done, start = rte_rdtsc(), cycles;
	bool ok = true;

	for (i = 0; i % PASIDS != 0 || rte_rdtsc() - start < budget; i++) {
		if (i >= DEPTH)
			ok &= reap(t, i - DEPTH);
		submit(t, i);
	}
	for (done = i > DEPTH ? i - DEPTH : 0; done < i; done++)
		ok &= reap(t, done);
	cycles = rte_rdtsc() - start;
	ok &= memcmp(t->bd.hva, t->bd.hva + HALF_BYTES, SIZE) == 0;
	return ok ? (double)(i / PASIDS * (PASIDS - 1)) / bench_seconds(cycles) / 1e6 :
		    BENCH_FAILED;
}

static double
measure(bool last_faults)
{
	struct tenants t;
	double figure = BENCH_FAILED;

	if (!bench_dev_start(&t.bd, 1024, 2 * (uint64_t)HALF_BYTES + (2u << 20), PASIDS))
		return BENCH_FAILED;
	memset(t.bd.hva, 0x5a, HALF_BYTES);
	memset(t.bd.hva + HALF_BYTES, 0, HALF_BYTES);
	if (open_tenants(&t, last_faults)) {
		run(&t); /* warm-up */
		figure = run(&t);
	}
	bench_dev_abandon(&t.bd);
	return figure;
}

static double
measure_with_faults(const void *arg)
{
	RTE_SET_USED(arg);
	return measure(true);
}

static double
measure_without(const void *arg)
{
	RTE_SET_USED(arg);
	return measure(false);
}

void
bench_isolation(void)
{
	static const struct bench_row row = {
		.bench = "isolation",
		.name = "faulting=1,pasids=64,size=4096",
		.unit = "Mops",
		.ours = {"siov", measure_with_faults},
		.limit = {"nobody_faults", measure_without},
	};

	bench_row_run(&row);
}

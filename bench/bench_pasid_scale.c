/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What do many PASIDs cost? No-ops with a completion record through the whole device, the submitter
 * taking its active PASIDs in turn; time per operation, and memory for a PASID that is bound and
 * has a portal but does nothing. The limit is the same with 64 active PASIDs.
 */
#include <stdio.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_hash.h>
#include <rte_hash_crc.h>
#include <rte_malloc.h>

#include "bench.h"
#include "bench_dev.h"

#define WINDOW 2048u
#define CHUNK 32u
#define FEW 64u

struct bed {
	struct bench_dev bd;
	struct siov_portal **portals;
	uint32_t nb_portals;
	uint64_t nb; /* accepted */
	size_t bytes_one; /* what a device with one PASID holds */
};

struct args {
	struct bed *bed;
	uint32_t nb_active;
};

/* A submitter that takes its active PASIDs in turn. */
struct flow {
	struct bed *bed;
	struct dsa_completion_record *recs;
	uint32_t nb_active, pasid;
	uint64_t submitted, reaped;
	struct dsa_hw_desc desc __attribute__((aligned(64)));
};

/* Wait for the CHUNK oldest records, the youngest of them first. */
static bool
reap(struct flow *f)
{
	unsigned int rounds = 0;
	int i;

	for (i = CHUNK - 1; i >= 0; i--) {
		struct dsa_completion_record *rec = &f->recs[(f->reaped + i) % WINDOW];

		while (siov_atomic_load(&rec->status, acquire) == DSA_COMP_NONE)
			bench_relax(&rounds, bench_opt->shares_cpus);
		if (rec->status != DSA_COMP_SUCCESS)
			return false;
	}
	f->reaped += CHUNK;
	return true;
}

/* Submit CHUNK descriptors; those of a full window before are reaped first. */
static inline bool
submit_chunk(struct flow *f)
{
	unsigned int rounds = 0, i;

	if (f->submitted - f->reaped == WINDOW && !reap(f))
		return false;
	for (i = 0; i < CHUNK; i++) {
		uint64_t at = f->submitted++ % WINDOW;

		f->recs[at].status = DSA_COMP_NONE;
		f->desc.completion_addr = f->bed->bd.iova + at * sizeof(f->recs[0]);
		while (siov_enqcmd(f->bed->portals[f->pasid], &f->desc) != SIOV_DMWR_SUCCESS)
			bench_relax(&rounds, bench_opt->shares_cpus);
		f->pasid = f->pasid + 1 == f->nb_active ? 0 : f->pasid + 1;
	}
	return true;
}

static bool
warm_up(struct flow *f)
{
	uint64_t nb = RTE_MAX(2 * (uint64_t)f->nb_active, WINDOW);

	while (f->submitted < nb) {
		if (!submit_chunk(f))
			return false;
	}
	return true;
}

/* Submit through nb_active PASIDs in turn; nanoseconds each, submitted to completed. */
static double
measure_active(struct bed *bed, uint32_t nb_active)
{
	uint64_t budget = (uint64_t)((double)rte_get_tsc_hz() * bench_opt->seconds);
	struct flow f = {.bed = bed, .recs = (void *)bed->bd.hva, .nb_active = nb_active};
	uint64_t start, cycles = 0, from;
	bool ok;

	f.desc.flags = IDXD_OP_FLAG_CRAV | IDXD_OP_FLAG_RCR;
	ok = warm_up(&f);
	start = rte_rdtsc();
	from = f.reaped;
	for (; ok && cycles < budget; cycles = rte_rdtsc() - start)
		ok = submit_chunk(&f);
	from = f.reaped - from;
	while (ok && f.reaped < f.submitted)
		ok = reap(&f);
	bed->nb += f.submitted;
	return ok && from > 0 ? bench_seconds(cycles) * 1e9 / (double)from : BENCH_FAILED;
}

static double
measure_many(const void *arg)
{
	const struct args *args = arg;

	return measure_active(args->bed, args->nb_active);
}

static double
measure_few(const void *arg)
{
	const struct args *args = arg;

	return measure_active(args->bed, FEW);
}

static size_t
bytes_held(const struct bed *bed)
{
	return siov_iommu_memory_bytes(siov_dev_iommu(bed->bd.dev)) +
	       siov_dev_pasid_memory(bed->bd.dev);
}

/* What each PASID after the first one added; 0 cannot be right. */
static double
measure_memory(const void *arg)
{
	const struct bed *bed = ((const struct args *)arg)->bed;
	size_t bytes = bytes_held(bed);

	if (bytes <= bed->bytes_one)
		return BENCH_FAILED;
	return (double)(bytes - bed->bytes_one) / (bed->nb_portals - 1);
}

static size_t
heap_bytes(void)
{
	struct rte_malloc_socket_stats stats;
	size_t bytes = 0;
	int socket;

	for (socket = 0; socket < RTE_MAX_NUMA_NODES; socket++) {
		if (rte_malloc_get_socket_stats(socket, &stats) == 0)
			bytes += stats.heap_allocsz_bytes;
	}
	return bytes;
}

/* A hash that finds a PASID's pages by (PASID, address), with one page each. */
static double
measure_hash_memory(const void *arg)
{
	struct rte_hash_parameters params = {
		.name = "bench_pasid_scale",
		.entries = SIOV_PASID_MAX,
		.key_len = 16,
		.hash_func = rte_hash_crc,
		.socket_id = SOCKET_ID_ANY,
	};
	size_t before = heap_bytes(), bytes;
	struct rte_hash *hash = rte_hash_create(&params);

	RTE_SET_USED(arg);
	bytes = heap_bytes() - before;
	rte_hash_free(hash);
	return hash != NULL ? (double)bytes / SIOV_PASID_MAX : BENCH_UNSUPPORTED;
}

static double
memory_goal(const void *arg)
{
	RTE_SET_USED(arg);
	return 256;
}

/* A device with nb_pasids bound, each with a portal. False: nothing is left behind. */
static bool
make_bed(struct bed *bed, uint32_t nb_pasids)
{
	struct siov_lane *lane;

	bed->nb = 0;
	bed->nb_portals = 0;
	bed->portals = rte_zmalloc(NULL, nb_pasids * sizeof(bed->portals[0]), 64);
	if (bed->portals == NULL || !bench_dev_start(&bed->bd, 1024, 2u << 20, nb_pasids)) {
		rte_free(bed->portals);
		return false;
	}
	if (siov_dev_attach(bed->bd.dev, 0, 0, &lane) != 0)
		goto fail;
	for (; bed->nb_portals < nb_pasids; bed->nb_portals++) {
		if (siov_dev_portal_open(bed->bd.dev, lane, bed->nb_portals + 1,
					 SIOV_PORTAL_F_PASID, &bed->portals[bed->nb_portals]) != 0)
			goto fail;
	}
	return true;
fail:
	bench_dev_stop(&bed->bd, 0);
	rte_free(bed->portals);
	return false;
}

/* Whether the counts of all that was submitted add up. */
static bool
free_bed(struct bed *bed)
{
	rte_free(bed->portals);
	return bench_dev_stop(&bed->bd, bed->nb);
}

static bool
make_beds(struct bed *bed, uint32_t nb_pasids)
{
	size_t bytes_one;

	if (!make_bed(bed, 1))
		return false;
	bytes_one = bytes_held(bed);
	free_bed(bed);
	bed->bytes_one = bytes_one;
	return make_bed(bed, nb_pasids);
}

static void
run_active(struct bed *bed, uint32_t nb_active)
{
	const struct args args = {.bed = bed, .nb_active = nb_active};
	char name[32];
	const struct bench_row row = {
		.bench = "pasid_scale",
		.name = name,
		.unit = "ns",
		.less_is_better = true,
		.ours = {"siov", measure_many},
		.limit = {"active_64", measure_few},
		.args = &args,
	};

	snprintf(name, sizeof(name), "active=%u", nb_active);
	bench_row_run(&row);
}

void
bench_pasid_scale(void)
{
	static const volatile uint32_t actives[] = {1, 64, 4096, 65536, SIOV_PASID_MAX};
	struct bed bed = {0};
	const struct args args = {.bed = &bed};
	char name[64];
	const struct bench_row row = {
		.bench = "pasid_scale",
		.name = name,
		.unit = "bytes",
		.less_is_better = true,
		.ours = {"siov", measure_memory},
		.peers = {{"rte_hash", measure_hash_memory}},
		.limit = {"goal", memory_goal},
		.args = &args,
	};
	unsigned int i;

	snprintf(name, sizeof(name), "memory=idle_pasid,pasids=%u", SIOV_PASID_MAX);
	if (!make_beds(&bed, SIOV_PASID_MAX)) {
		bench_row_fail(&row, "not enough memory for all PASIDs");
		return;
	}
	for (i = 0; i < RTE_DIM(actives); i++)
		run_active(&bed, actives[i]);
	bench_row_run(&row);
	if (!free_bed(&bed))
		bench_row_fail(&row, "the device's counts do not add up");
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What do many PASIDs cost? No-ops with a completion record through the whole device, the submitter
 * taking its active PASIDs in turn; time per operation, and memory for a PASID that is bound and
 * has a portal but does nothing. The limit is the same with 64 active PASIDs.
 */
#include <stdio.h>
#include <string.h>

#include <rte_cycles.h>
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
};

struct args {
	struct bed *bed;
	uint32_t nb_active;
};

static bool
reap(struct bed *bed, uint64_t first)
{
	struct dsa_completion_record *recs = (void *)bed->bd.hva;
	unsigned int rounds = 0;
	int i;

	for (i = CHUNK - 1; i >= 0; i--) {
		struct dsa_completion_record *rec = &recs[(first + i) % WINDOW];

		while (siov_atomic_load(&rec->status, acquire) == DSA_COMP_NONE)
			bench_relax(&rounds, bench_opt->shares_cpus);
		if (rec->status != DSA_COMP_SUCCESS)
			return false;
	}
	return true;
}

/* Submit through nb_active PASIDs in turn; nanoseconds each. */
static double
measure_active(struct bed *bed, uint32_t nb_active)
{
	uint64_t warm = RTE_MAX(2 * (uint64_t)nb_active, WINDOW), start = 0, i = 0, reaped = 0;
	uint64_t budget = (uint64_t)((double)rte_get_tsc_hz() * bench_opt->seconds), cycles = 0;
	struct dsa_completion_record *recs = (void *)bed->bd.hva;
	struct dsa_hw_desc desc __attribute__((aligned(64)));
	unsigned int rounds = 0;
	uint64_t counted_from = 0;
	uint32_t pasid = 0;

	memset(&desc, 0, sizeof(desc));
	desc.flags = IDXD_OP_FLAG_CRAV | IDXD_OP_FLAG_RCR;
	warm -= warm % CHUNK;
	while (start == 0 || cycles < budget) {
		if (i - reaped == WINDOW) {
			if (!reap(bed, reaped))
				return BENCH_FAILED;
			reaped += CHUNK;
			cycles = rte_rdtsc() - start;
		}
		if (i == warm) {
			start = rte_rdtsc();
			cycles = 0;
			counted_from = reaped;
		}
		recs[i % WINDOW].status = DSA_COMP_NONE;
		desc.completion_addr = bed->bd.iova + i % WINDOW * sizeof(recs[0]);
		while (siov_enqcmd(bed->portals[pasid], &desc) != SIOV_DMWR_SUCCESS)
			bench_relax(&rounds, bench_opt->shares_cpus);
		pasid = pasid + 1 == nb_active ? 0 : pasid + 1;
		i++;
	}
	for (; i % CHUNK != 0; i++) {
		recs[i % WINDOW].status = DSA_COMP_NONE;
		desc.completion_addr = bed->bd.iova + i % WINDOW * sizeof(recs[0]);
		while (siov_enqcmd(bed->portals[pasid], &desc) != SIOV_DMWR_SUCCESS)
			bench_relax(&rounds, bench_opt->shares_cpus);
	}
	counted_from = reaped - counted_from;
	for (; reaped < i; reaped += CHUNK) {
		if (!reap(bed, reaped))
			return BENCH_FAILED;
	}
	return bench_seconds(cycles) * 1e9 / (double)counted_from;
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

static double
measure_memory(const void *arg)
{
	const struct args *args = arg;
	struct bench_dev *bd = &args->bed->bd;
	size_t bytes = siov_iommu_memory_bytes(siov_dev_iommu(bd->dev));

	return ((double)bytes + (double)siov_dev_pasid_memory(bd->dev)) / args->bed->nb_portals;
}

static double
memory_goal(const void *arg)
{
	RTE_SET_USED(arg);
	return 256;
}

static bool
make_bed(struct bed *bed, uint32_t nb_pasids)
{
	struct siov_lane *lane;

	bed->portals = rte_zmalloc(NULL, nb_pasids * sizeof(bed->portals[0]), 64);
	if (bed->portals == NULL || !bench_dev_start(&bed->bd, 1024, 2u << 20, nb_pasids))
		return false;
	if (siov_dev_attach(bed->bd.dev, 0, 0, &lane) != 0)
		return false;
	for (; bed->nb_portals < nb_pasids; bed->nb_portals++) {
		if (siov_dev_portal_open(bed->bd.dev, lane, bed->nb_portals + 1,
					 SIOV_PORTAL_F_PASID, &bed->portals[bed->nb_portals]) != 0)
			return false;
	}
	return true;
}

void
bench_pasid_scale(void)
{
	static const volatile uint32_t actives[] = {1, 64, 4096, 65536, SIOV_PASID_MAX};
	uint32_t nb_pasids = SIOV_PASID_MAX;
	struct bed bed = {0};
	unsigned int i;

	if (!make_bed(&bed, nb_pasids)) {
		fprintf(stderr, "pasid_scale: not enough memory for %u PASIDs\n", nb_pasids);
		if (bed.bd.dev != NULL)
			bench_dev_stop(&bed.bd);
		rte_free(bed.portals);
		return;
	}
	for (i = 0; i <= RTE_DIM(actives); i++) {
		bool is_memory = i == RTE_DIM(actives);
		const struct args args = {.bed = &bed, .nb_active = is_memory ? 0 : actives[i]};
		char name[64];
		const struct bench_row row = {
			.bench = "pasid_scale",
			.name = name,
			.unit = is_memory ? "bytes" : "ns",
			.less_is_better = true,
			.ours = {"siov", is_memory ? measure_memory : measure_many},
			.limit = {is_memory ? "goal" : "active_64",
				  is_memory ? memory_goal : measure_few},
			.args = &args,
		};

		if (is_memory)
			snprintf(name, sizeof(name), "memory=idle_pasid,pasids=%u", nb_pasids);
		else
			snprintf(name, sizeof(name), "active=%u", args.nb_active);
		bench_row_run(&row);
	}
	bench_dev_stop(&bed.bd);
	rte_free(bed.portals);
}

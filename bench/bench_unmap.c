/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How long does it take to take a page away from engines under full load? Each time: map a page, let
 * the device write it (so that a cache holds the translation), fill the queue with copies of 4 KiB,
 * then time siov_domain_unmap(), which ends when no engine can reach the page any more. The page is
 * looked at afterwards: nothing may be written to it. Limit: 100 us.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_launch.h>

#include "bench.h"
#include "siov_gmem.h"

#define SIZE 4096u
#define ENTRIES 1024u
#define MEM_BYTES (16u << 20)
#define PAGE_IOVA (UINT64_C(1) << 40)
#define PASID 1u
#define SAMPLES_MAX 20000u
#define ENGINES_MAX 4u
#define FILLED 0xa5u

struct args {
	unsigned int nb_engines;
	double quantile;
};

struct bed {
	struct siov_dev *dev;
	struct siov_gmem *gmem;
	struct siov_portal *portal;
	uint8_t *hva;
	uint64_t iova;
	unsigned int nb_running;
	SIOV_ATOMIC(uint32_t) stop __attribute__((aligned(64)));
};

struct runner {
	struct bed *bed;
	unsigned int id;
};

static int
run_engine(void *arg)
{
	struct runner *runner = arg;
	/* All but the first share the submitter's CPU. */
	bool yields = runner->id != 0 || bench_opt->shares_cpus;

	siov_dev_run_engine(siov_dev_engine(runner->bed->dev, runner->id), &runner->bed->stop,
			    yields);
	return 0;
}

static unsigned int
lcore_of(unsigned int engine_id)
{
	return engine_id == 0 ? bench_engine_lcore() : bench_submitter_lcore(engine_id);
}

static bool
open_bed(struct bed *bed, const struct args *args, struct runner *runners)
{
	struct siov_gmem_conf gmem_conf;
	struct siov_dev_conf conf;
	struct siov_lane *lane;

	memset(bed, 0, sizeof(*bed));
	siov_dev_conf_init(&conf);
	conf.wqs[0].size = ENTRIES;
	conf.nb_engines = args->nb_engines;
	siov_gmem_conf_init(&gmem_conf);
	gmem_conf.size = MEM_BYTES;
	if (siov_dev_create(&conf, &bed->dev) != 0 ||
	    siov_gmem_create(bed->dev, &gmem_conf, &bed->gmem) != 0 ||
	    siov_gmem_bind(bed->gmem, PASID) != 0 || siov_dev_enable(bed->dev) != 0 ||
	    siov_dev_attach(bed->dev, 0, 0, &lane) != 0 ||
	    siov_dev_portal_open(bed->dev, lane, PASID, SIOV_PORTAL_F_PASID, &bed->portal) != 0)
		return false;
	bed->hva = siov_gmem_hva(bed->gmem);
	bed->iova = siov_gmem_iova(bed->gmem);
	memset(bed->hva, 0x3c, MEM_BYTES);
	for (; bed->nb_running < args->nb_engines; bed->nb_running++) {
		runners[bed->nb_running] = (struct runner){.bed = bed, .id = bed->nb_running};
		if (rte_eal_remote_launch(run_engine, &runners[bed->nb_running],
					  lcore_of(bed->nb_running)) != 0)
			return false;
	}
	return true;
}

static void
close_bed(struct bed *bed)
{
	unsigned int i;

	siov_atomic_store(&bed->stop, 1, relaxed);
	for (i = 0; i < bed->nb_running; i++)
		rte_eal_wait_lcore(lcore_of(i));
	if (bed->gmem != NULL)
		siov_gmem_unbind(bed->gmem, PASID);
	siov_gmem_free(bed->gmem);
	siov_dev_free(bed->dev);
}

/* The first page of guest memory holds records, the last one is mapped a second time. */
static uint8_t *
page_of(const struct bed *bed)
{
	return bed->hva + MEM_BYTES - SIZE;
}

static void
submit(struct bed *bed, const struct dsa_hw_desc *desc)
{
	unsigned int rounds = 0;

	while (siov_enqcmd(bed->portal, desc) != SIOV_DMWR_SUCCESS)
		bench_relax(&rounds, true);
}

/* The device writes the page; true: it did. */
static bool
touch_page(struct bed *bed)
{
	struct dsa_completion_record *rec = (void *)bed->hva;
	struct dsa_hw_desc desc __attribute__((aligned(64))) = {
		.opcode = DSA_OPCODE_MEMFILL,
		.flags = IDXD_OP_FLAG_CRAV | IDXD_OP_FLAG_RCR,
		.completion_addr = bed->iova,
		.dst_addr = PAGE_IOVA,
		.pattern = FILLED * UINT64_C(0x0101010101010101),
		.xfer_size = SIZE,
	};
	unsigned int rounds = 0;

	rec->status = DSA_COMP_NONE;
	submit(bed, &desc);
	while (siov_atomic_load(&rec->status, acquire) == DSA_COMP_NONE)
		bench_relax(&rounds, true);
	return rec->status == DSA_COMP_SUCCESS && page_of(bed)[SIZE - 1] == FILLED;
}

/* Copies, and now and then a write to the page, until the queue is full. */
static void
fill_queue(struct bed *bed)
{
	struct dsa_hw_desc desc __attribute__((aligned(64))) = {
		.opcode = DSA_OPCODE_MEMMOVE,
		.src_addr = bed->iova + SIZE,
		.xfer_size = SIZE,
	};
	unsigned int i;

	for (i = 0;; i++) {
		desc.dst_addr = i % 16 == 0 ? PAGE_IOVA :
					      bed->iova + (4u << 20) + i % 1024 * (uint64_t)SIZE;
		if (siov_enqcmd(bed->portal, &desc) != SIOV_DMWR_SUCCESS)
			return;
	}
}

/* Cycles of one unmap; 0: something was wrong. */
static uint64_t
one_unmap(struct bed *bed)
{
	struct siov_domain *domain = siov_gmem_domain(bed->gmem);
	uint64_t start, cycles;
	unsigned int i;
	int ret;

	if (siov_domain_map(domain, PAGE_IOVA, page_of(bed), SIZE, SIOV_PERM_R | SIOV_PERM_W) !=
		    0 ||
	    !touch_page(bed))
		return 0;
	fill_queue(bed);
	start = rte_rdtsc();
	ret = siov_domain_unmap(domain, PAGE_IOVA, SIZE);
	cycles = rte_rdtsc() - start;
	if (ret != 0)
		return 0;
	/* Whatever is still in the queue must not reach it. */
	memset(page_of(bed), 0, SIZE);
	if (siov_dev_wq_drain(bed->dev, 0, 10000) != 0)
		return 0;
	for (i = 0; i < SIZE && page_of(bed)[i] == 0; i++)
		;
	return i == SIZE ? RTE_MAX(cycles, UINT64_C(1)) : 0;
}

static int
compare_cycles(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static double
measure_ours(const void *arg)
{
	const struct args *args = arg;
	uint64_t budget = (uint64_t)((double)rte_get_tsc_hz() * bench_opt->seconds * 3);
	uint64_t *samples = calloc(SAMPLES_MAX, sizeof(*samples)), start;
	struct runner runners[ENGINES_MAX];
	unsigned int nb = 0;
	struct bed bed;
	bool ok;

	ok = open_bed(&bed, args, runners) && samples != NULL;
	start = rte_rdtsc();
	while (ok && nb < SAMPLES_MAX && rte_rdtsc() - start < budget) {
		samples[nb] = one_unmap(&bed);
		ok = samples[nb++] != 0;
	}
	close_bed(&bed);
	if (ok)
		qsort(samples, nb, sizeof(samples[0]), compare_cycles);
	start = ok ? samples[(unsigned int)((double)nb * args->quantile)] : 0;
	free(samples);
	return ok ? bench_seconds(start) * 1e6 : BENCH_FAILED;
}

static double
hundred(const void *arg)
{
	RTE_SET_USED(arg);
	return 100;
}

void
bench_unmap(void)
{
	static const struct {
		const char *name;
		struct args args;
	} cases[] = {
		{"engines=1,quantile=p50", {1, 0.5}},
		{"engines=1,quantile=p99", {1, 0.99}},
		{"engines=4,quantile=p50", {4, 0.5}},
		{"engines=4,quantile=p99", {4, 0.99}},
	};
	unsigned int i;

	for (i = 0; i < RTE_DIM(cases); i++) {
		const struct bench_row row = {
			.bench = "unmap",
			.name = cases[i].name,
			.unit = "us",
			.less_is_better = true,
			.ours = {"siov", measure_ours},
			.limit = {"asked", hundred},
			.args = &cases[i].args,
		};

		bench_row_run(&row);
	}
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How fast does a copy go through the whole device? Distinct source and destination buffers, spread
 * over the same memory for everybody, one submitter, one engine, verified byte by byte afterwards.
 * Peer: DPDK's dma_skeleton through rte_dmadev. Limit: the engine's core alone, copying the same
 * buffers with rte_memcpy. Rows with a kind of address space other than the default, second stage,
 * have that as their peer; kind=process is shared virtual memory.
 */
#include <stdio.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_dev.h>
#include <rte_dmadev.h>
#include <rte_launch.h>
#include <rte_malloc.h>
#include <rte_memcpy.h>
#include <rte_pause.h>

#include "bench.h"
#include "bench_dev.h"

#define DATA_BYTES (64u << 20) /* sources and destinations, half each */
#define DEPTH 256u /* descriptors in flight */
#define CHUNK 32u /* reaped together */
#define WARM_UP 0.3 /* share of the measured time */
#define SKELETON "dma_skeleton"

struct args {
	uint32_t size;
	enum siov_domain_kind kind;
};

struct pairs {
	uint8_t *src, *dst;
	uint32_t size;
	uint32_t nb; /* buffers on each side */
};

static struct pairs
make_pairs(uint8_t *mem, uint32_t size)
{
	struct pairs p = {.src = mem, .dst = mem + DATA_BYTES / 2, .size = size};
	uint32_t i;

	p.nb = DATA_BYTES / 2 / size;
	for (i = 0; i < DATA_BYTES / 2; i++)
		p.src[i] = (uint8_t)(i * 31 + (i >> 8) * 7);
	memset(p.dst, 0, DATA_BYTES / 2);
	return p;
}

/* What was copied is right; nb is the number of copies done. */
static bool
is_copied(const struct pairs *p, uint64_t nb)
{
	uint64_t bytes = RTE_MIN(nb, (uint64_t)p->nb) * p->size;

	return memcmp(p->src, p->dst, bytes) == 0;
}

/* Below a page, where the descriptor costs more than its bytes, a rate of copies says more. */
static bool
is_small(uint32_t size)
{
	return size < 4096;
}

/* Million copies a second for small ones, else GB/s. */
static double
rate(const struct pairs *p, uint64_t nb, uint64_t cycles)
{
	double per_second = (double)nb / bench_seconds(cycles);

	return is_small(p->size) ? per_second / 1e6 : per_second * p->size / 1e9;
}

static uint64_t
budget_cycles(double share)
{
	return (uint64_t)((double)rte_get_tsc_hz() * bench_opt->seconds * share);
}

/* ---- ours ---- */

/* Wait for the CHUNK oldest records, the youngest of them first. */
static bool
reap_chunk(struct dsa_completion_record *recs, uint64_t first)
{
	unsigned int rounds = 0;
	bool ok = true;
	int i;

	for (i = CHUNK - 1; i >= 0; i--) {
		struct dsa_completion_record *rec = &recs[(first + (unsigned int)i) % DEPTH];

		while (siov_atomic_load(&rec->status, acquire) == DSA_COMP_NONE)
			bench_relax(&rounds, bench_opt->shares_cpus);
		ok &= rec->status == DSA_COMP_SUCCESS;
	}
	return ok;
}

struct copier {
	struct siov_portal *portal;
	struct dsa_completion_record *recs;
	uint64_t data_iova, recs_iova;
	const struct pairs *p;
	uint32_t at;
	struct dsa_hw_desc desc __attribute__((aligned(64)));
};

static inline void
submit_copy(struct copier *c, uint64_t i)
{
	unsigned int rounds = 0;

	c->recs[i % DEPTH].status = DSA_COMP_NONE;
	c->desc.completion_addr = c->recs_iova + (i % DEPTH) * sizeof(c->recs[0]);
	c->desc.src_addr = c->data_iova + (uint64_t)c->at * c->p->size;
	c->desc.dst_addr = c->desc.src_addr + DATA_BYTES / 2;
	c->at = c->at + 1 == c->p->nb ? 0 : c->at + 1;
	while (siov_enqcmd(c->portal, &c->desc) != SIOV_DMWR_SUCCESS)
		bench_relax(&rounds, bench_opt->shares_cpus);
}

/* Copy until cycles have passed. Returns copies done; *ok says whether all succeeded. */
static uint64_t
copy_for(struct copier *c, uint64_t cycles, bool *ok)
{
	uint64_t start = rte_rdtsc(), i = 0, done = 0;

	c->desc.opcode = DSA_OPCODE_MEMMOVE;
	c->desc.flags = IDXD_OP_FLAG_CRAV | IDXD_OP_FLAG_RCR;
	c->desc.xfer_size = c->p->size;
	c->at = 0;
	*ok = true;
	while (i % CHUNK != 0 || rte_rdtsc() - start < cycles) {
		if (i - done == DEPTH) {
			*ok &= reap_chunk(c->recs, done);
			done += CHUNK;
		}
		submit_copy(c, i++);
	}
	for (; done < i; done += CHUNK)
		*ok &= reap_chunk(c->recs, done);
	return i;
}

static bool
open_copier(struct copier *c, struct bench_dev *bd, const struct pairs *p)
{
	struct siov_lane *lane;

	c->p = p;
	c->recs = (void *)(bd->hva + DATA_BYTES);
	c->data_iova = bd->iova;
	c->recs_iova = bd->iova + DATA_BYTES;
	return siov_dev_attach(bd->dev, 0, 0, &lane) == 0 &&
	       siov_dev_portal_open(bd->dev, lane, 1, SIOV_PORTAL_F_PASID, &c->portal) == 0;
}

static double
measure_ours(const void *arg)
{
	const struct args *args = arg;
	uint64_t start = 0, nb = 0, cycles = 0, nb_warm = 0;
	struct copier copier = {0};
	struct bench_dev bd;
	struct pairs p;
	bool ok, warm_ok = false;

	if (!bench_dev_start_kind(&bd, 1024, DATA_BYTES + (2u << 20), 1, args->kind))
		return BENCH_FAILED;
	p = make_pairs(bd.hva, args->size);
	ok = open_copier(&copier, &bd, &p);
	if (ok) {
		nb_warm = copy_for(&copier, budget_cycles(WARM_UP), &warm_ok);
		start = rte_rdtsc();
		nb = copy_for(&copier, budget_cycles(1), &ok);
		cycles = rte_rdtsc() - start;
	}
	ok = ok && warm_ok && is_copied(&p, nb);
	ok = bench_dev_stop(&bd, nb_warm + nb) && ok;
	return ok ? rate(&p, nb, cycles) : BENCH_FAILED;
}

/* The same with plain second-stage tables. */
static double
measure_second_stage(const void *arg)
{
	struct args args = *(const struct args *)arg;

	args.kind = SIOV_DOMAIN_SECOND_STAGE;
	return measure_ours(&args);
}

/* ---- peer ---- */

/* Opens the driver once; -1 if it is not there. */
static int16_t
open_skeleton(void)
{
	const struct rte_dma_conf dev_conf = {.nb_vchans = 1};
	const struct rte_dma_vchan_conf vchan_conf = {.direction = RTE_DMA_DIR_MEM_TO_MEM,
						      .nb_desc = DEPTH};
	int dev_id = rte_dma_get_dev_id_by_name(SKELETON);
	char devargs[32];

	if (dev_id >= 0)
		return (int16_t)dev_id;
	snprintf(devargs, sizeof(devargs), "lcore=%u", bench_engine_lcore());
	if (rte_eal_hotplug_add("vdev", SKELETON, devargs) != 0)
		return -1;
	dev_id = rte_dma_get_dev_id_by_name(SKELETON);
	if (dev_id < 0 || rte_dma_configure((int16_t)dev_id, &dev_conf) != 0 ||
	    rte_dma_vchan_setup((int16_t)dev_id, 0, &vchan_conf) != 0)
		return -1;
	return (int16_t)dev_id;
}

/* Copies done in the given time, all completed. */
static uint64_t
skeleton_for(int16_t dev_id, const struct pairs *p, uint64_t cycles, bool *ok)
{
	uint64_t start = rte_rdtsc(), nb = 0, done = 0;
	bool error = false, more = true;
	unsigned int rounds = 0;
	uint32_t at = 0;

	while (more || done < nb) {
		rte_iova_t src = (rte_iova_t)(uintptr_t)(p->src + (uint64_t)at * p->size);

		if (more && nb - done < DEPTH - 1 &&
		    rte_dma_copy(dev_id, 0, src, src + DATA_BYTES / 2, p->size,
				 RTE_DMA_OP_FLAG_SUBMIT) >= 0) {
			at = at + 1 == p->nb ? 0 : at + 1;
			nb++;
			if (nb % CHUNK != 0)
				continue;
		} else {
			bench_relax(&rounds, bench_opt->shares_cpus);
		}
		done += rte_dma_completed(dev_id, 0, DEPTH, NULL, &error);
		more = rte_rdtsc() - start < cycles;
	}
	*ok = !error;
	return nb;
}

static double
measure_skeleton(const void *arg)
{
	const struct args *args = arg;
	uint8_t *mem = rte_malloc(NULL, DATA_BYTES, 2u << 20);
	int16_t dev_id = open_skeleton();
	uint64_t start, nb, cycles;
	struct pairs p;
	bool ok, warm_ok;

	if (mem == NULL || dev_id < 0 || rte_dma_start(dev_id) != 0) {
		rte_free(mem);
		return BENCH_UNSUPPORTED;
	}
	p = make_pairs(mem, args->size);
	skeleton_for(dev_id, &p, budget_cycles(WARM_UP), &warm_ok);
	start = rte_rdtsc();
	nb = skeleton_for(dev_id, &p, budget_cycles(1), &ok);
	cycles = rte_rdtsc() - start;
	rte_dma_stop(dev_id);
	ok = ok && warm_ok && is_copied(&p, nb);
	rte_free(mem);
	return ok ? rate(&p, nb, cycles) : BENCH_FAILED;
}

/* ---- limit ---- */

struct memcpy_job {
	struct pairs p;
	uint64_t nb, cycles;
};

static void
memcpy_for(struct memcpy_job *job, uint64_t budget)
{
	uint64_t start = rte_rdtsc();
	uint32_t at = 0;

	for (job->nb = 0; (job->cycles = rte_rdtsc() - start) < budget;) {
		unsigned int i;

		for (i = 0; i < 16; i++, job->nb++) {
			rte_memcpy(job->p.dst + (uint64_t)at * job->p.size,
				   job->p.src + (uint64_t)at * job->p.size, job->p.size);
			at = at + 1 == job->p.nb ? 0 : at + 1;
		}
	}
}

static int
copy_alone(void *arg)
{
	struct memcpy_job *job = arg;

	memcpy_for(job, budget_cycles(WARM_UP));
	memcpy_for(job, budget_cycles(1));
	return 0;
}

static double
measure_memcpy(const void *arg)
{
	const struct args *args = arg;
	struct memcpy_job job;
	uint8_t *mem = rte_malloc(NULL, DATA_BYTES, 2u << 20);
	bool ok;

	if (mem == NULL)
		return BENCH_FAILED;
	job.p = make_pairs(mem, args->size);
	if (bench_opt->shares_cpus) { /* who waits would take half of the CPU */
		copy_alone(&job);
	} else {
		rte_eal_remote_launch(copy_alone, &job, bench_engine_lcore());
		rte_eal_wait_lcore(bench_engine_lcore());
	}
	ok = is_copied(&job.p, job.nb);
	rte_free(mem);
	return ok ? rate(&job.p, job.nb, job.cycles) : BENCH_FAILED;
}

static void
run_kinds(void)
{
	static const struct {
		const char *name;
		enum siov_domain_kind kind;
	} kinds[] = {
		{"process", SIOV_DOMAIN_PROCESS},
		{"nested", SIOV_DOMAIN_NESTED},
		{"first", SIOV_DOMAIN_FIRST_STAGE},
	};
	unsigned int i;

	for (i = 0; i < RTE_DIM(kinds); i++) {
		const struct args args = {.size = 4096, .kind = kinds[i].kind};
		char name[32];
		const struct bench_row row = {
			.bench = "e2e_copy",
			.name = name,
			.unit = "GB/s",
			.ours = {"siov", measure_ours},
			.peers = {{"second_stage", measure_second_stage}},
			.limit = {"rte_memcpy", measure_memcpy},
			.args = &args,
		};

		snprintf(name, sizeof(name), "size=4096,kind=%s", kinds[i].name);
		bench_row_run(&row);
	}
}

void
bench_e2e_copy(void)
{
	static const volatile uint32_t sizes[] = {64,    256,   1024,   4096,
						  16384, 65536, 262144, 1048576};
	unsigned int i;

	for (i = 0; i < RTE_DIM(sizes); i++) {
		const struct args args = {.size = sizes[i], .kind = SIOV_DOMAIN_SECOND_STAGE};
		char name[32];
		const struct bench_row row = {
			.bench = "e2e_copy",
			.name = name,
			.unit = is_small(args.size) ? "Mops" : "GB/s",
			.ours = {"siov", measure_ours},
			.peers = {{"dma_skeleton", measure_skeleton}},
			.limit = {"rte_memcpy", measure_memcpy},
			.args = &args,
		};

		snprintf(name, sizeof(name), "size=%u", args.size);
		bench_row_run(&row);
	}
	run_kinds();
}

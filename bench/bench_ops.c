/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What does the device add to the work itself? Operations of 64 KiB, over the same buffers for
 * everybody. Peer: the best library call for it, made directly by the engine's core.
 */
#include <string.h>

#include <rte_cycles.h>
#include <rte_launch.h>
#include <rte_malloc.h>

#include <isa-l/crc.h>

#include "bench.h"
#include "bench_dev.h"

#define SIZE 65536u
#define BUFFERS 64u /* of each kind: 4 MiB, more than L2 holds */
#define AREA (BUFFERS * SIZE)
#define AREAS 3u
#define DEPTH 64u /* descriptors in flight */
#define PATTERN UINT64_C(0x5a5a5a5a5a5a5a5a)

struct buffers {
	uint8_t *a; /* source, and first operand */
	uint8_t *b; /* equal to a; destination */
	uint8_t *c; /* second destination */
};

struct op_case {
	const char *name;
	uint8_t opcode;
	/* The same work without the device; returns what the optimiser must not drop. */
	uint32_t (*direct)(const struct buffers *at);
};

static struct buffers
buffers_at(uint8_t *mem, uint64_t i)
{
	uint8_t *a = mem + i % BUFFERS * SIZE;

	return (struct buffers){.a = a, .b = a + AREA, .c = a + 2 * AREA};
}

static uint32_t
crc_direct(const struct buffers *at)
{
	return ~crc32_iscsi(at->a, SIZE, UINT32_MAX);
}

static uint32_t
fill_direct(const struct buffers *at)
{
	memset(at->b, (int)(PATTERN & 0xff), SIZE);
	return at->b[SIZE / 2];
}

static uint32_t
compare_direct(const struct buffers *at)
{
	return (uint32_t)memcmp(at->a, at->b, SIZE);
}

static uint32_t
dualcast_direct(const struct buffers *at)
{
	memcpy(at->b, at->a, SIZE);
	memcpy(at->c, at->a, SIZE);
	return at->b[SIZE / 2] + at->c[SIZE / 2];
}

static void
fill_memory(uint8_t *mem)
{
	uint32_t i;

	for (i = 0; i < AREA; i++)
		mem[i] = (uint8_t)(i * 31 + (i >> 8) * 7);
	memcpy(mem + AREA, mem, AREA);
	memset(mem + 2 * AREA, 0, AREA);
}

/* Whether the buffers look as they must once every one of them was worked on. */
static bool
is_done(const struct op_case *op, const uint8_t *mem)
{
	uint32_t i;

	for (i = 0; op->opcode == DSA_OPCODE_MEMFILL && i < AREA; i++) {
		if (mem[AREA + i] != (uint8_t)PATTERN)
			return false;
	}
	return op->opcode != DSA_OPCODE_DUALCAST ||
	       (memcmp(mem, mem + AREA, AREA) == 0 && memcmp(mem, mem + 2 * AREA, AREA) == 0);
}

static uint64_t
budget_cycles(void)
{
	return (uint64_t)((double)rte_get_tsc_hz() * bench_opt->seconds);
}

static double
rate(uint64_t nb, uint64_t cycles)
{
	return (double)nb * SIZE / bench_seconds(cycles) / 1e9;
}

/* ---- ours ---- */

struct client {
	struct bench_dev bd;
	struct siov_portal *portal;
	struct dsa_completion_record *recs;
};

static bool
open_client(struct client *c)
{
	struct siov_lane *lane;

	c->recs = (void *)(c->bd.hva + AREAS * AREA);
	fill_memory(c->bd.hva);
	return siov_dev_attach(c->bd.dev, 0, 0, &lane) == 0 &&
	       siov_dev_portal_open(c->bd.dev, lane, 1, SIOV_PORTAL_F_PASID, &c->portal) == 0;
}

static void
submit(struct client *c, const struct op_case *op, uint64_t i)
{
	struct dsa_completion_record *rec = &c->recs[i % DEPTH];
	struct buffers at = buffers_at((uint8_t *)(uintptr_t)c->bd.iova, i);
	struct dsa_hw_desc desc __attribute__((aligned(64))) = {
		.opcode = op->opcode,
		.flags = IDXD_OP_FLAG_CRAV | IDXD_OP_FLAG_RCR,
		.completion_addr = c->bd.iova + AREAS * AREA + i % DEPTH * sizeof(*rec),
		.src_addr = (uintptr_t)at.a,
		.xfer_size = SIZE,
	};
	unsigned int rounds = 0;

	if (op->opcode == DSA_OPCODE_MEMFILL)
		desc.pattern = PATTERN;
	if (op->opcode != DSA_OPCODE_CRCGEN)
		desc.dst_addr = (uintptr_t)at.b;
	if (op->opcode == DSA_OPCODE_DUALCAST)
		desc.dest2 = (uintptr_t)at.c;
	rec->status = DSA_COMP_NONE;
	while (siov_enqcmd(c->portal, &desc) != SIOV_DMWR_SUCCESS)
		bench_relax(&rounds, bench_opt->shares_cpus);
}

/* Wait for operation i; whether its result is right. */
static bool
reap(struct client *c, const struct op_case *op, uint64_t i)
{
	struct dsa_completion_record *rec = &c->recs[i % DEPTH];
	struct buffers at = buffers_at(c->bd.hva, i);
	unsigned int rounds = 0;

	while (siov_atomic_load(&rec->status, acquire) == DSA_COMP_NONE)
		bench_relax(&rounds, bench_opt->shares_cpus);
	if (rec->status != DSA_COMP_SUCCESS || rec->result != 0)
		return false;
	/* One in 64 is summed again, so that this core is not what is measured. */
	return op->opcode != DSA_OPCODE_CRCGEN || i % BUFFERS != 0 ||
	       (uint32_t)rec->crc_val == crc_direct(&at);
}

static uint64_t
run(struct client *c, const struct op_case *op, bool *ok)
{
	uint64_t budget = budget_cycles(), start = rte_rdtsc(), i, done = 0;

	*ok = true;
	for (i = 0; i % BUFFERS != 0 || rte_rdtsc() - start < budget; i++) {
		if (i - done == DEPTH)
			*ok &= reap(c, op, done++);
		submit(c, op, i);
	}
	for (; done < i; done++)
		*ok &= reap(c, op, done);
	return i;
}

static double
measure_ours(const void *arg)
{
	const struct op_case *op = arg;
	uint64_t nb_warm = 0, nb = 0, start = 0, cycles = 1;
	bool ok, is_warm_ok = false;
	struct client c;

	if (!bench_dev_start(&c.bd, 1024, AREAS * AREA + (2u << 20), 1))
		return BENCH_FAILED;
	ok = open_client(&c);
	if (ok) {
		nb_warm = run(&c, op, &is_warm_ok);
		start = rte_rdtsc();
		nb = run(&c, op, &ok);
		cycles = rte_rdtsc() - start;
		ok = ok && is_done(op, c.bd.hva);
	}
	ok = bench_dev_stop(&c.bd, nb_warm + nb) && ok && is_warm_ok;
	return ok ? rate(nb, cycles) : BENCH_FAILED;
}

/* ---- peer ---- */

struct direct_job {
	const struct op_case *op;
	uint8_t *mem;
	uint64_t nb, cycles;
	uint32_t sum;
};

static int
run_direct(void *arg)
{
	struct direct_job *job = arg;
	uint64_t budget = budget_cycles(), start;
	unsigned int round;

	for (round = 0; round < 2; round++) { /* the first one warms up */
		start = rte_rdtsc();
		for (job->nb = 0; (job->cycles = rte_rdtsc() - start) < budget; job->nb++) {
			const struct buffers at = buffers_at(job->mem, job->nb);

			job->sum += job->op->direct(&at);
		}
	}
	return 0;
}

static double
measure_direct(const void *arg)
{
	struct direct_job job = {.op = arg};
	bool ok;

	job.mem = rte_malloc(NULL, AREAS * AREA, 2u << 20);
	if (job.mem == NULL)
		return BENCH_FAILED;
	fill_memory(job.mem);
	if (bench_opt->shares_cpus) {
		run_direct(&job);
	} else {
		rte_eal_remote_launch(run_direct, &job, bench_engine_lcore());
		rte_eal_wait_lcore(bench_engine_lcore());
	}
	ok = is_done(job.op, job.mem);
	rte_free(job.mem);
	return ok ? rate(job.nb, job.cycles) : BENCH_FAILED;
}

void
bench_ops(void)
{
	static const struct op_case cases[] = {
		{"op=crc,size=65536", DSA_OPCODE_CRCGEN, crc_direct},
		{"op=fill,size=65536", DSA_OPCODE_MEMFILL, fill_direct},
		{"op=compare,size=65536", DSA_OPCODE_COMPARE, compare_direct},
		{"op=dualcast,size=65536", DSA_OPCODE_DUALCAST, dualcast_direct},
	};
	static const char *const peers[] = {"isal", "memset", "memcmp", "memcpy"};
	unsigned int i;

	for (i = 0; i < RTE_DIM(cases); i++) {
		const struct bench_row row = {
			.bench = "ops",
			.name = cases[i].name,
			.unit = "GB/s",
			.ours = {"siov", measure_ours},
			.peers = {{peers[i], measure_direct}},
			.args = &cases[i],
		};

		bench_row_run(&row);
	}
}

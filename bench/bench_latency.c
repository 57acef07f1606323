/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From submission to observed completion, one no-op at a time through the whole device. The next
 * record is cleared while the answer is on its way, as a client would. Limit: a cache line that
 * goes there and one that comes back between the same two cores. Peer: a pair of rte_rings. With
 * seen=interrupt the client does not look at its record, but for the vector that the completion
 * posts to its virtual processor: IMS entry, remapping, posted-interrupt descriptor.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_launch.h>
#include <rte_malloc.h>
#include <rte_pause.h>
#include <rte_ring.h>

#include "bench.h"
#include "bench_dev.h"
#include "siov_posted.h"

#define RECORDS 8u
#define RECORD_STRIDE 64u /* a line each */

struct args {
	double quantile;
	unsigned int nb; /* round trips of one measurement */
};

/* One round trip; index i. Returns false on failure. */
typedef bool (*trip_fn)(void *ctx, uint64_t i);

static double
quantile_ns(const struct siov_hist *hist, double quantile)
{
	struct siov_hist_sum *sum = calloc(1, sizeof(*sum));
	double ns;

	if (sum == NULL)
		return BENCH_FAILED;
	siov_hist_add(sum, hist);
	ns = bench_seconds(siov_hist_quantile(sum, quantile)) * 1e9;
	free(sum);
	return ns;
}

/* Time nb trips after a tenth of them as warm-up. */
static __rte_always_inline double
time_trips(const struct args *args, trip_fn trip, void *ctx)
{
	struct siov_hist *hist = calloc(1, sizeof(*hist));
	uint64_t i, start;
	double ns;
	bool ok = hist != NULL;

	for (i = 0; ok && i < args->nb / 10; i++)
		ok = trip(ctx, i);
	for (; ok && i < args->nb; i++) {
		start = rte_rdtsc();
		ok = trip(ctx, i);
		siov_hist_record(hist, rte_rdtsc() - start);
	}
	ns = ok ? quantile_ns(hist, args->quantile) : BENCH_FAILED;
	free(hist);
	return ns;
}

/* ---- ours ---- */

struct ours {
	struct bench_dev bd;
	struct siov_portal *portal;
	uint64_t nb; /* accepted */
	struct dsa_hw_desc desc __attribute__((aligned(64)));
};

static struct dsa_completion_record *
record_at(struct ours *o, uint64_t i)
{
	return (void *)(o->bd.hva + i % RECORDS * RECORD_STRIDE);
}

static bool
trip_ours(void *ctx, uint64_t i)
{
	struct ours *o = ctx;
	struct dsa_completion_record *rec = record_at(o, i);
	unsigned int rounds = 0;

	o->desc.completion_addr = o->bd.iova + i % RECORDS * RECORD_STRIDE;
	if (siov_enqcmd(o->portal, &o->desc) != SIOV_DMWR_SUCCESS)
		return false;
	o->nb++;
	record_at(o, i + RECORDS / 2)->status = DSA_COMP_NONE;
	while (siov_atomic_load(&rec->status, acquire) == DSA_COMP_NONE)
		bench_relax(&rounds, bench_opt->shares_cpus);
	return rec->status == DSA_COMP_SUCCESS;
}

static double
measure_ours(const void *args)
{
	struct siov_lane *lane;
	struct ours o = {0};
	double ns = BENCH_FAILED;

	if (!bench_dev_start(&o.bd, 128, 2u << 20, 1))
		return BENCH_FAILED;
	o.desc.flags = IDXD_OP_FLAG_CRAV | IDXD_OP_FLAG_RCR;
	if (siov_dev_attach(o.bd.dev, 0, 0, &lane) == 0 &&
	    siov_dev_portal_open(o.bd.dev, lane, 1, SIOV_PORTAL_F_PASID, &o.portal) == 0)
		ns = time_trips(args, trip_ours, &o);
	return bench_dev_stop(&o.bd, o.nb) ? ns : BENCH_FAILED;
}

/* ---- ours, by interrupt ---- */

#define VECTOR 64u
#define NOTIFICATION 48u

struct by_interrupt {
	struct ours o;
	struct siov_intr_dest *dest;
	struct siov_pid_desc *pid;
};

static bool
trip_interrupt(void *ctx, uint64_t i)
{
	struct by_interrupt *b = ctx;
	unsigned int rounds = 0;
	int vector = -1;

	b->o.desc.completion_addr = b->o.bd.iova + i % RECORDS * RECORD_STRIDE;
	if (siov_enqcmd(b->o.portal, &b->o.desc) != SIOV_DMWR_SUCCESS)
		return false;
	b->o.nb++;
	record_at(&b->o, i + RECORDS / 2)->status = DSA_COMP_NONE;
	while (vector < 0) {
		vector = siov_pid_take(b->pid);
		if (vector < 0)
			bench_relax(&rounds, bench_opt->shares_cpus);
	}
	/* What was written before the message is there. */
	return vector == VECTOR && record_at(&b->o, i)->status == DSA_COMP_SUCCESS;
}

/* An ADI whose message is posted to a virtual processor. */
static bool
open_interrupt(struct by_interrupt *b)
{
	const struct siov_adi_conf conf = {.pasid = 1, .nb_messages = 1};
	const struct siov_adi_message message = {.addr = siov_ir_msi_addr(0)};
	struct siov_ir_entry entry = {.vector = VECTOR};
	struct siov_adi_info info;
	struct siov_lane *lane;
	uint32_t id;

	b->pid = rte_zmalloc(NULL, sizeof(*b->pid), 64);
	if (b->pid == NULL || siov_intr_dest_create(b->o.bd.ir, 0, &b->dest) != 0 ||
	    siov_pid_init(b->pid, siov_intr_dest_id(b->dest), NOTIFICATION) != 0)
		return false;
	entry.pid = b->pid;
	if (siov_ir_set(b->o.bd.ir, 0, &entry) != 0 ||
	    siov_dev_adi_alloc(b->o.bd.dev, SIOV_ADI_CONTEXT, SIOV_ADI_VM, &id) != 0 ||
	    siov_dev_adi_configure(b->o.bd.dev, id, &conf) != 0 ||
	    siov_dev_adi_set_message(b->o.bd.dev, id, 0, &message) != 0 ||
	    siov_dev_adi_enable(b->o.bd.dev, id) != 0 ||
	    siov_dev_adi_info(b->o.bd.dev, id, &info) != 0)
		return false;
	b->o.desc.flags = IDXD_OP_FLAG_CRAV | IDXD_OP_FLAG_RCR | IDXD_OP_FLAG_RCI;
	b->o.desc.int_handle = (uint16_t)info.messages[0];
	return siov_dev_attach(b->o.bd.dev, 0, SIOV_LANE_F_IMS, &lane) == 0 &&
	       siov_dev_adi_portal_open(b->o.bd.dev, id, lane, &b->o.portal) == 0;
}

static double
measure_interrupt(const void *args)
{
	struct by_interrupt b = {0};
	double ns = BENCH_FAILED;

	if (!bench_dev_start_ir(&b.o.bd, 128, 2u << 20, 1))
		return BENCH_FAILED;
	if (open_interrupt(&b))
		ns = time_trips(args, trip_interrupt, &b);
	if (!bench_dev_stop(&b.o.bd, b.o.nb))
		ns = BENCH_FAILED;
	rte_free(b.pid);
	return ns;
}

/* ---- limit ---- */

struct ping {
	SIOV_ATOMIC(uint64_t) there __attribute__((aligned(128)));
	SIOV_ATOMIC(uint64_t) back __attribute__((aligned(128)));
	uint64_t nb __attribute__((aligned(128)));
};

static int
pong(void *arg)
{
	struct ping *ping = arg;
	unsigned int rounds = 0;
	uint64_t i;

	for (i = 1; i <= ping->nb; i++) {
		while (siov_atomic_load(&ping->there, acquire) != i)
			bench_relax(&rounds, bench_opt->shares_cpus);
		siov_atomic_store(&ping->back, i, release);
	}
	return 0;
}

static bool
trip_ping(void *ctx, uint64_t i)
{
	struct ping *ping = ctx;
	unsigned int rounds = 0;

	siov_atomic_store(&ping->there, i + 1, release);
	while (siov_atomic_load(&ping->back, acquire) != i + 1)
		bench_relax(&rounds, bench_opt->shares_cpus);
	return true;
}

static double
measure_ping(const void *arg)
{
	const struct args *args = arg;
	struct ping *ping = rte_zmalloc(NULL, sizeof(*ping), 128);
	double ns;

	if (ping == NULL)
		return BENCH_FAILED;
	ping->nb = args->nb;
	rte_eal_remote_launch(pong, ping, bench_engine_lcore());
	ns = time_trips(args, trip_ping, ping);
	rte_eal_wait_lcore(bench_engine_lcore());
	rte_free(ping);
	return ns;
}

/* ---- peer ---- */

struct rings {
	struct rte_ring *there, *back;
	uint64_t nb;
};

static int
echo(void *arg)
{
	struct rings *r = arg;
	unsigned int rounds = 0;
	void *obj;
	uint64_t i;

	for (i = 0; i < r->nb; i++) {
		while (rte_ring_dequeue(r->there, &obj) != 0)
			bench_relax(&rounds, bench_opt->shares_cpus);
		rte_ring_enqueue(r->back, obj);
	}
	return 0;
}

static bool
trip_rings(void *ctx, uint64_t i)
{
	struct rings *r = ctx;
	unsigned int rounds = 0;
	void *obj;

	if (rte_ring_enqueue(r->there, (void *)(uintptr_t)(i + 1)) != 0)
		return false;
	while (rte_ring_dequeue(r->back, &obj) != 0)
		bench_relax(&rounds, bench_opt->shares_cpus);
	return (uintptr_t)obj == i + 1;
}

static double
measure_rings(const void *arg)
{
	const struct args *args = arg;
	struct rings r = {.nb = args->nb};
	double ns = BENCH_FAILED;

	r.there = rte_ring_create("bench_there", 128, SOCKET_ID_ANY, 0);
	r.back = rte_ring_create("bench_back", 128, SOCKET_ID_ANY, 0);
	if (r.there != NULL && r.back != NULL) {
		rte_eal_remote_launch(echo, &r, bench_engine_lcore());
		ns = time_trips(args, trip_rings, &r);
		rte_eal_wait_lcore(bench_engine_lcore());
	}
	rte_ring_free(r.there);
	rte_ring_free(r.back);
	return ns;
}

void
bench_latency(void)
{
	static const struct {
		const char *name;
		double quantile;
		bench_measure_fn measure;
	} cases[] = {
		{"quantile=p50", 0.5, measure_ours},
		{"quantile=p99", 0.99, measure_ours},
		{"quantile=p999", 0.999, measure_ours},
		{"seen=interrupt,quantile=p50", 0.5, measure_interrupt},
		{"seen=interrupt,quantile=p99", 0.99, measure_interrupt},
	};
	/* On one CPU a trip may take time slices. */
	unsigned int nb = bench_opt->shares_cpus ? 1000 : bench_opt->quick ? 50000 : 200000;
	unsigned int i;

	for (i = 0; i < RTE_DIM(cases); i++) {
		const struct args args = {.quantile = cases[i].quantile, .nb = nb};
		const struct bench_row row = {
			.bench = "latency",
			.name = cases[i].name,
			.unit = "ns",
			.less_is_better = true,
			.ours = {"siov", cases[i].measure},
			.peers = {{"rte_ring_mp", measure_rings}},
			.limit = {"ping_pong", measure_ping},
			.args = &args,
		};

		bench_row_run(&row);
	}
}

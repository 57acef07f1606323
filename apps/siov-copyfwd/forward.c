/* SPDX-License-Identifier: BSD-3-Clause */
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_malloc.h>
#include <rte_mbuf.h>
#include <rte_pause.h>

#include "complain.h"
#include "forward.h"
#include "patience.h"
#include "stopper.h"

#define LOST_SECONDS 10u /* for the last copies to end */

/* ---- life ---- */

int
forward_create(struct forward *f, const struct forward_conf *conf)
{
	unsigned int i;

	memset(f, 0, sizeof(*f));
	f->opts = conf->opts;
	f->ops = conf->ops;
	f->copier = conf->copier;
	f->ring = conf->ring;
	f->mask = conf->opts->ring_sz - 1;
	f->pool = conf->pools->tx;
	f->room = conf->opts->mbuf_sz;
	f->stopper = conf->stopper;
	f->yields = conf->yields;
	f->nb_ways = conf->ports->nb_routes;
	for (i = 0; i < f->nb_ways; i++)
		f->ways[i].route = conf->ports->routes[i];
	return flows_create(&f->flows, conf->opts->nb_flows);
}

static void
free_some(struct rte_mbuf **pkts, unsigned int nb)
{
	if (nb > 0)
		rte_pktmbuf_free_bulk(pkts, nb);
}

void
forward_free(struct forward *f)
{
	unsigned int i;

	for (i = 0; i < f->nb_ways; i++) {
		struct way *way = &f->ways[i];

		free_some(way->backlog + way->backlog_at, way->nb_backlog - way->backlog_at);
	}
	free_some(f->spare, f->nb_spare);
	flows_free(&f->flows);
}

/* ---- receive ---- */

/* At least nb mbufs for copies. */
static inline bool
has_spare(struct forward *f, unsigned int nb)
{
	unsigned int wanted = RTE_MAX(nb, f->opts->burst);

	if (f->nb_spare >= nb)
		return true;
	wanted = RTE_MIN(wanted, RTE_DIM(f->spare) - f->nb_spare);
	if (rte_pktmbuf_alloc_bulk(f->pool, f->spare + f->nb_spare, wanted) == 0)
		f->nb_spare += wanted;
	return f->nb_spare >= nb;
}

/* A packet that cannot be copied: the one line says why, the counts say how often. */
static void __rte_noinline
refuse(struct forward *f, struct rte_mbuf *pkt, uint32_t flow, const char *why)
{
	if (!f->was_told)
		complain("a packet of %u bytes in %u segments is not forwarded: %s", pkt->pkt_len,
			 pkt->nb_segs, why);
	f->was_told = true;
	f->flows.counts[flow].failed++;
	rte_pktmbuf_free(pkt);
}

/* What the copy keeps of a packet, beside its bytes. */
static inline void
copy_header(struct rte_mbuf *dst, const struct rte_mbuf *src)
{
	dst->pkt_len = src->pkt_len;
	dst->nb_segs = src->nb_segs;
}

/* One entry of the ring for one segment. */
static inline struct rte_mbuf *
add_segment(struct forward *f, const struct rte_mbuf *seg, uint32_t flow, uint16_t headroom)
{
	struct rte_mbuf *dst = f->spare[--f->nb_spare];
	struct copy *copy = &f->ring[f->tail++ & f->mask];

	dst->data_off = headroom;
	dst->data_len = seg->data_len;
	copy->src = rte_pktmbuf_mtod(seg, const void *);
	copy->dst = rte_pktmbuf_mtod(dst, void *);
	/* Devices do not copy nothing; of an empty segment a byte goes along that nobody looks at. */
	copy->len = RTE_MAX((uint32_t)seg->data_len, 1u);
	copy->flow = flow;
	copy->src_pkt = NULL;
	copy->has_failed = false;
	return dst;
}

/* Of several segments. Returns false if there is no room yet. */
static bool __rte_noinline
add_chain(struct forward *f, uint16_t way, struct rte_mbuf *pkt, uint32_t flow)
{
	struct rte_mbuf *dst, *first = NULL, **link = &first;
	const struct rte_mbuf *seg;
	uint32_t room = f->room;

	/* Only the first one has headroom. */
	for (seg = pkt; seg != NULL && seg->data_len <= room; seg = seg->next)
		room = f->room + RTE_PKTMBUF_HEADROOM;
	if (seg != NULL) {
		refuse(f, pkt, flow, "--mbuf-size is less than a segment");
		return true;
	}
	if (pkt->nb_segs > RTE_MIN(f->opts->ring_sz, (uint32_t)RTE_DIM(f->spare))) {
		refuse(f, pkt, flow, "--ring-sz is less than its segments");
		return true;
	}
	if (f->opts->ring_sz - (f->tail - f->head) < pkt->nb_segs || !has_spare(f, pkt->nb_segs))
		return false;
	for (seg = pkt; seg != NULL; seg = seg->next) {
		dst = add_segment(f, seg, flow, first == NULL ? RTE_PKTMBUF_HEADROOM : 0);
		*link = dst;
		link = &dst->next;
	}
	copy_header(first, pkt);
	f->ring[(f->tail - 1) & f->mask].src_pkt = pkt;
	f->ring[(f->tail - 1) & f->mask].dst_pkt = first;
	f->ring[(f->tail - 1) & f->mask].route = way;
	return true;
}

/* Returns false if there is no room yet. */
static inline bool
add_packet(struct forward *f, uint16_t way, struct rte_mbuf *pkt, uint32_t flow)
{
	struct rte_mbuf *dst;
	struct copy *copy;

	if (unlikely(pkt->nb_segs > 1 || pkt->data_len > f->room))
		return add_chain(f, way, pkt, flow);
	if (f->tail - f->head > f->mask || !has_spare(f, 1))
		return false;
	copy = &f->ring[f->tail & f->mask];
	dst = add_segment(f, pkt, flow, RTE_PKTMBUF_HEADROOM);
	copy_header(dst, pkt);
	copy->src_pkt = pkt;
	copy->dst_pkt = dst;
	copy->route = way;
	return true;
}

/* Fetch packets of one way, at most what may still be received. */
static void
fetch(struct forward *f, struct way *way)
{
	uint64_t nb_rx = siov_atomic_load(&f->nb_rx, relaxed);
	uint64_t left = f->opts->total_pkts - nb_rx;
	uint16_t nb = (uint16_t)RTE_MIN(left, (uint64_t)f->opts->burst);

	way->backlog_at = 0;
	way->nb_backlog = 0;
	if (nb == 0 || siov_atomic_load(&f->stop, relaxed))
		return;
	way->nb_backlog = rte_eth_rx_burst(way->route.rx, 0, way->backlog, nb);
	if (way->nb_backlog > 0)
		siov_atomic_store(&f->nb_rx, nb_rx + way->nb_backlog, relaxed);
}

/* Returns packets that have got their copies. */
static unsigned int
receive(struct forward *f, uint16_t id)
{
	struct way *way = &f->ways[id];
	unsigned int first, i;

	if (way->backlog_at == way->nb_backlog)
		fetch(f, way);
	first = way->backlog_at;
	for (i = first; i < RTE_MIN(first + 4, way->nb_backlog); i++)
		rte_prefetch0(rte_pktmbuf_mtod(way->backlog[i], void *));
	for (i = first; i < way->nb_backlog; i++) {
		struct rte_mbuf *pkt = way->backlog[i];
		struct flow_counts *counts;
		uint32_t flow, len = pkt->pkt_len;

		if (i + 4 < way->nb_backlog)
			rte_prefetch0(rte_pktmbuf_mtod(way->backlog[i + 4], void *));
		flow = flows_find(&f->flows, pkt);
		if (!add_packet(f, id, pkt, flow))
			break;
		counts = &f->flows.counts[flow];
		counts->rx++;
		counts->rx_bytes += len;
	}
	way->backlog_at = i;
	return i - first;
}

/* ---- copy ---- */

static unsigned int
submit(struct forward *f)
{
	unsigned int waiting = f->tail - f->sent, nb;

	if (waiting == 0)
		return 0;
	nb = f->ops->submit(f->copier, f->sent, waiting);
	f->sent += nb;
	if (unlikely(nb < waiting))
		f->flows.counts[f->ring[f->sent & f->mask].flow].retries++;
	return nb;
}

/* ---- send ---- */

static void
flush(struct forward *f, struct way *way)
{
	uint16_t nb, i;

	if (way->nb_out == 0)
		return;
	nb = rte_eth_tx_burst(way->route.tx, 0, way->out, (uint16_t)way->nb_out);
	for (i = 0; i < nb; i++)
		f->flows.counts[way->out_flow[i]].tx++;
	for (; i < way->nb_out; i++) {
		struct flow_counts *counts = &f->flows.counts[way->out_flow[i]];

		counts->dropped++;
		counts->tx_bytes -= way->out[i]->pkt_len;
		rte_pktmbuf_free(way->out[i]);
	}
	way->nb_out = 0;
}

static inline void
retire(struct forward *f, struct copy *copy)
{
	struct flow_counts *counts = &f->flows.counts[copy->flow];
	struct way *way;

	counts->copies++;
	f->is_failing |= copy->has_failed;
	if (copy->src_pkt == NULL)
		return;
	f->used[f->nb_used++] = copy->src_pkt;
	if (unlikely(f->is_failing)) {
		f->is_failing = false;
		counts->failed++;
		rte_pktmbuf_free(copy->dst_pkt);
		return;
	}
	way = &f->ways[copy->route];
	counts->tx_bytes += copy->dst_pkt->pkt_len;
	way->out_flow[way->nb_out] = copy->flow;
	way->out[way->nb_out++] = copy->dst_pkt;
}

/* Take what is done, oldest first, and send it; returns copies. */
static unsigned int
complete(struct forward *f)
{
	unsigned int nb = RTE_MIN(f->sent - f->head, f->opts->burst), i;

	if (nb == 0)
		return 0;
	nb = f->ops->reap(f->copier, f->head, nb);
	for (i = 0; i < nb; i++)
		retire(f, &f->ring[(f->head + i) & f->mask]);
	f->head += nb;
	free_some(f->used, f->nb_used);
	f->nb_used = 0;
	for (i = 0; i < f->nb_ways; i++)
		flush(f, &f->ways[i]);
	return nb;
}

/* ---- the loop ---- */

static inline void
idle(const struct forward *f)
{
	if (f->yields)
		sched_yield();
	else
		rte_pause();
}

static unsigned int
turn(struct forward *f)
{
	unsigned int done = 0;
	uint16_t i;

	for (i = 0; i < f->nb_ways; i++)
		done += receive(f, i);
	done += submit(f);
	done += complete(f);
	return done;
}

static inline bool
is_over(const struct forward *f)
{
	return siov_atomic_load(&f->stop, relaxed) ||
	       siov_atomic_load(&f->nb_rx, relaxed) == f->opts->total_pkts;
}

static bool
is_empty(const struct forward *f)
{
	unsigned int i;

	for (i = 0; i < f->nb_ways; i++) {
		if (f->ways[i].backlog_at != f->ways[i].nb_backlog)
			return false;
	}
	return f->head == f->tail;
}

/* Go on until all that was received has been sent. */
static void
drain(struct forward *f)
{
	struct patience patience;

	patience_begin(&patience, LOST_SECONDS * rte_get_tsc_hz());
	while (!is_empty(f)) {
		if (turn(f) > 0)
			patience_begin(&patience, LOST_SECONDS * rte_get_tsc_hz());
		else if (patience_lasts(&patience))
			idle(f);
		else
			break;
	}
	f->nb_lost = f->tail - f->head;
}

int
forward_main(void *arg)
{
	struct forward *f = arg;
	uint64_t start = rte_rdtsc();

	while (!is_over(f)) {
		if (turn(f) == 0)
			idle(f);
	}
	/* Both ways: the other one may have fetched some before the number was full. */
	drain(f);
	f->cycles = rte_rdtsc() - start;
	stopper_ask(f->stopper);
	return 0;
}

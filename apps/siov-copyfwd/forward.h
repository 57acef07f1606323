/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The loop: receive, find the flow, have each segment copied, send the copy.
 *
 *     rx port ─► backlog ─► ring of copies ─► copier ─► oldest done ─► tx port
 *                flow, mbuf of the other pool  Retry: again            source is freed
 *
 * Packets leave in the order in which they came, whatever their flow: the ring is emptied from its
 * oldest end. A Retry holds up those behind it, and nothing is lost by it. A packet is dropped only
 * when the port that sends refuses it.
 */
#ifndef FORWARD_H
#define FORWARD_H

#include <stdbool.h>
#include <stdint.h>

#include "copier.h"
#include "flows.h"
#include "pools.h"
#include "ports.h"
#include "siov_compat.h"

struct stopper;

/* Packets of one way. */
struct way {
	struct route route;
	struct rte_mbuf
		*backlog[BURST_MAX]; /* received; [backlog_at, nb_backlog) have no copies yet */
	unsigned int backlog_at, nb_backlog;
	struct rte_mbuf *out[BURST_MAX]; /* to be sent */
	uint32_t out_flow[BURST_MAX];
	unsigned int nb_out;
};

struct forward {
	/* const while the loop runs */
	const struct options *opts;
	const struct copier_ops *ops;
	struct copier *copier;
	struct rte_mempool *pool; /* of copies */
	uint32_t room; /* bytes that one of its mbufs holds */
	bool yields;
	struct stopper *stopper; /* asked when the loop ends by itself */
	SIOV_ATOMIC(uint32_t) stop; /* receive nothing more */

	/* owner: the forwarder; read by others once it has ended, except nb_rx */
	SIOV_ATOMIC(uint64_t) nb_rx __rte_cache_aligned; /* packets so far */
	struct copy *ring;
	uint32_t mask;
	uint32_t head, sent, tail;
	struct flows flows;
	struct way ways[2];
	unsigned int nb_ways;
	struct rte_mbuf *spare[2 * BURST_MAX]; /* for copies */
	unsigned int nb_spare;
	struct rte_mbuf *used[2 * BURST_MAX]; /* to be freed */
	unsigned int nb_used;
	bool is_failing; /* a segment of the oldest packet has failed */
	bool was_told; /* of packets that cannot be copied */
	uint64_t nb_lost; /* copies that did not end in time */
	uint64_t cycles; /* from start to end */
};

struct forward_conf {
	const struct options *opts;
	const struct ports *ports;
	const struct pools *pools;
	const struct copier_ops *ops;
	struct copier *copier;
	struct copy *ring;
	struct stopper *stopper;
	bool yields; /* it shares its CPU with who copies */
};

/* 0 or -1 after one line; forward_free is due either way. */
int forward_create(struct forward *f, const struct forward_conf *conf);
void forward_free(struct forward *f);

/* For rte_eal_remote_launch; arg is the forward. Returns when all that was received has been sent. */
int forward_main(void *arg);

#endif /* FORWARD_H */

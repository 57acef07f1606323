/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Who copies packets: one interface, three ways.
 *
 *     ring of copies    0 1 2 3 4 5 6 ...        one a segment, in the order of reception
 *                         ^head  ^sent  ^tail    [head, sent) are in flight, [sent, tail) wait
 *
 * The forwarder owns the ring; a copier is told which of its entries to begin, and tells how many of
 * the oldest are done. Indexes run free and are masked on access.
 *
 * Thread: submit and reap are the forwarder's; all else is the main lcore's, before it starts and
 * after it has ended.
 */
#ifndef COPIER_H
#define COPIER_H

#include <stdbool.h>
#include <stdint.h>

#include "options.h"

struct flow_counts;
struct rte_mbuf;

struct copy {
	const void *src;
	void *dst;
	uint32_t len; /* bytes, not 0 */
	uint32_t flow;
	struct rte_mbuf *src_pkt; /* NULL: more segments follow */
	struct rte_mbuf *dst_pkt;
	uint16_t route;
	bool has_failed; /* set when it is reaped */
};

struct copier_conf {
	const struct options *opts;
	struct copy *ring; /* opts->ring_sz of them */
	uint64_t pools_bytes; /* for packets */
	unsigned int lcore; /* that copies; not of a dmadev */
	bool yields; /* it shares its CPU with the forwarder */
};

struct copier; /* each way has its own */

struct copier_ops {
	/* 0 or -1 after one line; free is due either way, if *out is set. */
	int (*create)(const struct copier_conf *conf, struct copier **out);

	/* Memory of pools_bytes that packets have to be in; NULL: anywhere in EAL's. */
	void *(*memory)(struct copier *copier);

	/* Begin to work. 0 or -1 after one line. */
	int (*start)(struct copier *copier);

	/* Begin nb copies from first on, in order; returns how many were accepted, the first ones. */
	unsigned int (*submit)(struct copier *copier, uint32_t first, unsigned int nb);

	/* How many of the nb oldest, from first on, are done; has_failed is set in those that failed. */
	unsigned int (*reap)(struct copier *copier, uint32_t first, unsigned int nb);

	/* Nothing is in flight, or never ends. */
	void (*stop)(struct copier *copier);

	/* Compare with what the device counted. 0 or -1 after one line. After stop. */
	int (*check)(struct copier *copier, const struct flow_counts *counts);

	/* PASID of a flow; 0: there is none. */
	uint32_t (*pasid)(const struct copier *copier, uint32_t flow);

	/* One line on who copies. */
	void (*describe)(const struct copier *copier, char *text, size_t size);

	void (*free)(struct copier *copier);
};

extern const struct copier_ops copy_native_ops, copy_dmadev_ops, copy_memcpy_ops;

#endif /* COPIER_H */

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Invalidation: requests of the control path to the caches, and their completion.
 *
 *     control (locked)                                engine
 *     clear table words
 *     post: ring slot, posted = seq        --1-->   siov_atc_quiescent: drop entries
 *     wait: acked >= seq                   <--3--   acked = seq
 *           or offline                     <--2-->  siov_atc_online
 *
 * Sequence numbers are those of the unit: every cache gets every request. A cache that is too far
 * behind for the ring is flushed whole (flush_upto). A cache that is offline is not waited for: it
 * serves what is pending before its first use.
 *
 * Fences, by the arrow they belong to: release R1, R3 with acquire A1, A2, A3; and S1, S2, where
 * each side stores, then loads what the other stored (sequentially consistent, so that at least
 * one of the two sees the other).
 */
#ifndef INVAL_PRIV_H
#define INVAL_PRIV_H

#include <stdbool.h>
#include <stdint.h>

#include "siov_atc.h"

#define INVAL_RING 64u /* requests a cache can be behind before it is flushed whole */
#define INVAL_PROBES_MAX 64u /* granules looked up one by one; beyond, the cache is scanned */
#define INVAL_SLICE_ENTRIES 4096u /* looked at in one quiescent state */
#define INVAL_ALL_PAGES UINT64_MAX

/* Sizes of the pages a request is about; a cache holds 1 GiB pages as granules of 2 MiB. */
#define INVAL_LEAF_4K 1u
#define INVAL_LEAF_2M 2u

enum inval_type {
	INVAL_ALL, /* every entry */
	INVAL_PASID, /* entries of one PASID in the range */
	INVAL_DOMAIN, /* entries of one domain id in the range */
};

/* Drop translations of [first_page, end_page), in pages of 4 KiB. */
struct inval_req {
	enum inval_type type;
	uint32_t pasid;
	uint16_t did;
	uint16_t leaves; /* INVAL_LEAF_* that the range held */
	uint64_t first_page;
	uint64_t end_page;
};

/* What control and one cache tell each other. */
struct siov_atc_mail {
	/* owner: control lcore */
	SIOV_ATOMIC(uint64_t) posted; /* newest request */
	SIOV_ATOMIC(uint64_t) flush_upto; /* newest request that found the ring full */
	struct inval_req ring[INVAL_RING]; /* request seq in slot seq % INVAL_RING */

	/* owner: engine lcore */
	SIOV_ATOMIC(uint64_t) acked __rte_cache_aligned; /* newest request served */
	SIOV_ATOMIC(uint32_t) online;
	bool is_serving;
	uint64_t serving_upto; /* acked when the request is served */
	uint64_t serving_entry; /* next to scan */
	struct inval_req serving; /* copy of the request */
} __rte_cache_aligned;

/* A point in time that every engine must pass. */
struct inval_mark {
	uint64_t seq; /* newest request posted */
	uint64_t token; /* of rte_rcu_qsbr_start() */
};

#endif /* INVAL_PRIV_H */

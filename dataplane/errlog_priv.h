/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Errors that no completion record can tell, on their way from one engine to control: a ring of
 * one writer and one reader. A full ring refuses; what it holds is never overwritten.
 */
#ifndef ERRLOG_PRIV_H
#define ERRLOG_PRIV_H

#include "siov_stats.h"

#define ERRLOG_SIZE 256u /* a power of two */

struct errlog {
	/* owner: engine lcore */
	SIOV_ATOMIC(uint32_t) tail __attribute__((aligned(64)));
	struct siov_error entries[ERRLOG_SIZE];
	/* owner: control lcore */
	SIOV_ATOMIC(uint32_t) head __attribute__((aligned(64)));
};

/* False: the log is full. Thread: engine. */
static inline bool
errlog_put_sp(struct errlog *log, const struct siov_error *error)
{
	uint32_t tail = siov_atomic_load(&log->tail, relaxed);

	/* E1: pairs with E2; the entry was read. */
	if (tail - siov_atomic_load(&log->head, acquire) == ERRLOG_SIZE)
		return false;
	log->entries[tail & (ERRLOG_SIZE - 1)] = *error;
	/* E3: pairs with E4; the entry is whole. */
	siov_atomic_store(&log->tail, tail + 1, release);
	return true;
}

/* Oldest first, up to max. Returns how many. Thread: control. */
static inline unsigned int
errlog_take_sc(struct errlog *log, struct siov_error *out, unsigned int max)
{
	uint32_t head = siov_atomic_load(&log->head, relaxed);
	/* E4: pairs with E3. */
	uint32_t tail = siov_atomic_load(&log->tail, acquire);
	unsigned int n = RTE_MIN(tail - head, max);
	unsigned int i;

	for (i = 0; i < n; i++)
		out[i] = log->entries[(head + i) & (ERRLOG_SIZE - 1)];
	/* E2: pairs with E1. */
	siov_atomic_store(&log->head, head + n, release);
	return n;
}

#endif /* ERRLOG_PRIV_H */

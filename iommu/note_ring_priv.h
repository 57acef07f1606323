/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Notes for control: a ring of 63-bit words from any number of threads to one reader. A full ring
 * refuses and counts; what it holds is never overwritten.
 *
 * Published and claimed are one step: a slot that is empty in lap n holds EMPTY | n, and a writer
 * swaps that for its note. Thus
 *   - a writer that stops (or is killed) anywhere leaves either nothing or a whole note, and keeps
 *     nobody waiting: the next writer moves the tail on for it;
 *   - a writer that slept for a lap does not take a slot of the new lap: the lap differs.
 * A note is lost (counted) only if the ring was full at some time during the call.
 */
#ifndef NOTE_RING_PRIV_H
#define NOTE_RING_PRIV_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_bitops.h>
#include <rte_common.h>

#include "siov_compat.h"

#define NOTE_EMPTY RTE_BIT64(63)

struct note_ring {
	/* shared: atomic, written by many */
	SIOV_ATOMIC(uint64_t) tail __rte_cache_aligned; /* notes written; may lag by one */
	SIOV_ATOMIC(uint64_t) nb_lost;
	/* owner: control */
	SIOV_ATOMIC(uint64_t) head __rte_cache_aligned; /* notes taken */
	/* const after init */
	uint32_t size_log2 __rte_cache_aligned;
	SIOV_ATOMIC(uint64_t) *slots;
};

/* Set up in zeroed memory: slots has room for 2^size_log2. */
static inline void
note_ring_init(struct note_ring *ring, void *slots, uint32_t size_log2)
{
	uint64_t i;

	ring->size_log2 = size_log2;
	ring->slots = slots;
	for (i = 0; i < UINT64_C(1) << size_log2; i++)
		siov_atomic_store(&ring->slots[i], NOTE_EMPTY, relaxed);
}

/* Write a note, bit 63 clear: false if the ring is full. Thread: any, lock-free. */
static inline bool
note_ring_put_mp(struct note_ring *ring, uint64_t note)
{
	uint64_t size = UINT64_C(1) << ring->size_log2;
	uint64_t tail, next, empty;
	bool is_put;

	do {
		tail = siov_atomic_load(&ring->tail, acquire);
		/* N1: pairs with N2; the slot was emptied. The head may be past a tail that lags. */
		if ((int64_t)(tail - siov_atomic_load(&ring->head, acquire)) >= (int64_t)size) {
			siov_atomic_fetch_add(&ring->nb_lost, UINT64_C(1), relaxed);
			return false;
		}
		empty = NOTE_EMPTY | (tail >> ring->size_log2);
		/* N3: pairs with N4 */
		is_put = siov_atomic_cas(&ring->slots[tail & (size - 1)], &empty, note, release,
					 relaxed);
		/* Written by this thread or by another: the tail is past it. */
		next = tail;
		siov_atomic_cas(&ring->tail, &next, tail + 1, release, relaxed);
	} while (!is_put);
	return true;
}

/* Fetch the oldest note: false if there is none. Thread: control, one at a time. */
static inline bool
note_ring_take_sc(struct note_ring *ring, uint64_t *note)
{
	uint64_t head = siov_atomic_load(&ring->head, relaxed);
	uint64_t mask = (UINT64_C(1) << ring->size_log2) - 1;

	*note = siov_atomic_load(&ring->slots[head & mask], acquire); /* N4 */
	if ((*note & NOTE_EMPTY) != 0)
		return false;
	siov_atomic_store(&ring->slots[head & mask], NOTE_EMPTY | ((head >> ring->size_log2) + 1),
			  relaxed);
	siov_atomic_store(&ring->head, head + 1, release); /* N2 */
	return true;
}

#endif /* NOTE_RING_PRIV_H */

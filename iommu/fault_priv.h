/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Faults on their way from one cache's owner to control: a ring of one writer and one reader. A full
 * ring refuses; what it holds is never overwritten.
 */
#ifndef FAULT_PRIV_H
#define FAULT_PRIV_H

#include "siov_iommu.h"

#define FAULT_RING 256u /* a power of two */

struct fault_ring {
	/* owner: engine lcore */
	SIOV_ATOMIC(uint64_t) tail __rte_cache_aligned; /* records written */
	SIOV_ATOMIC(uint64_t) lost;
	struct siov_fault_record record[FAULT_RING];
	/* owner: control */
	SIOV_ATOMIC(uint64_t) head __rte_cache_aligned; /* records fetched */
} __rte_cache_aligned;

/* Fetch up to max records, oldest first: their number. Thread: control, locked. */
unsigned int fault_take(struct fault_ring *ring, struct siov_fault_record *out, unsigned int max);

#endif /* FAULT_PRIV_H */

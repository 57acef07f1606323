/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What one engine counts for one queue: a record per PASID, a cache line each.
 *
 *     directory [PASID >> 6] ──► block of 64 records [PASID & 63]
 *
 * Control adds blocks, the engine reads the pointers and writes the records. Histograms and failure
 * counts are large and rare, so records hold indexes into pools that the engine takes from in turn;
 * entry 0 of each pool is shared by those that came too late.
 */
#ifndef RECORD_PRIV_H
#define RECORD_PRIV_H

#include "siov_stats.h"

#define RECORD_BLOCK_LOG2 6u
#define RECORD_BLOCK (1u << RECORD_BLOCK_LOG2)
#define RECORD_DIR (1u << (SIOV_PASID_BITS - RECORD_BLOCK_LOG2))

struct record {
	/* owner: engine lcore */
	SIOV_ATOMIC(uint64_t) completed; /* these three as struct siov_qos_ended has them */
	SIOV_ATOMIC(uint64_t) failed;
	SIOV_ATOMIC(uint64_t) aborted;
	SIOV_ATOMIC(uint64_t) bytes;
	SIOV_ATOMIC(uint64_t) members; /* of batches; the batch itself counts as one operation */
	SIOV_ATOMIC(uint32_t) hist_idx; /* 0: none so far */
	SIOV_ATOMIC(uint32_t) fails_idx; /* 0: none so far */
	SIOV_ATOMIC(uint32_t) nb_aside; /* long transfers, batches, and what waits for pages */
	uint16_t nb_parked;
	SIOV_ATOMIC(uint16_t) nb_drains;
	/* from control */
	SIOV_ATOMIC(uint32_t) gate; /* enum engine_gate */
	SIOV_ATOMIC(uint32_t) control_pasid; /* of completion records and batch lists; 0: none */
} __attribute__((aligned(64)));

SIOV_STATIC_ASSERT(sizeof(struct record) == 64, "a record is a cache line");

struct record_fails {
	SIOV_ATOMIC(uint32_t) nb[SIOV_STATS_CODES];
};

/* Pools of one engine, for all its queues. */
struct record_pools {
	struct siov_hist *hists; /* entry 0 is shared */
	struct record_fails *fails;
	uint32_t nb_hists, next_hist;
	uint32_t nb_fails, next_fails;
};

struct record_table {
	SIOV_ATOMIC(struct record *) *dir; /* RECORD_DIR blocks or NULL */
	struct record others; /* PASIDs without a record */
};

/* nb_hists and nb_fails without the shared entries. 0 or -ENOMEM. Thread: control. */
int record_pools_create(struct record_pools *pools, const struct siov_mem *mem, int socket_id,
			uint32_t nb_hists, uint32_t nb_fails);
void record_pools_free(struct record_pools *pools, const struct siov_mem *mem);

/* As at first; no record points into them any more. Thread: control, and no engine. */
void record_pools_reset(struct record_pools *pools);

/* 0 or -ENOMEM. Thread: control. */
int record_table_create(struct record_table *table, const struct siov_mem *mem, int socket_id);
void record_table_free(struct record_table *table, const struct siov_mem *mem);

/* Make sure PASID has a record. Returns bytes newly allocated (0 if none), or -ENOMEM. */
int record_add(struct record_table *table, const struct siov_mem *mem, int socket_id,
	       uint32_t pasid);

/* Add a record's counters to sum. Thread: any. */
void record_read(const struct record *rec, const struct record_pools *pools,
		 struct siov_stats *sum);

/* The record of PASID, or NULL. Thread: any. */
static inline struct record *
record_find(const struct record_table *table, uint32_t pasid)
{
	struct record *block;

	/* R1: pairs with R2 in record_add. */
	block = siov_atomic_load(&table->dir[pasid >> RECORD_BLOCK_LOG2], acquire);
	return block == NULL ? NULL : &block[pasid & (RECORD_BLOCK - 1)];
}

/* Add to a counter that only the calling engine writes. */
#define RECORD_ADD(counter, n) \
	siov_atomic_store(counter, siov_atomic_load(counter, relaxed) + (n), relaxed)

/* An operation is set aside, or no longer. Thread: engine. */
static inline void
record_aside_begin(struct record *rec, bool is_drain)
{
	if (is_drain)
		RECORD_ADD(&rec->nb_drains, 1);
	else
		RECORD_ADD(&rec->nb_aside, 1);
}

static inline void
record_aside_end(struct record *rec, bool is_drain)
{
	/* Release: who sees none left sees what they did. */
	if (is_drain)
		siov_atomic_store(&rec->nb_drains, siov_atomic_load(&rec->nb_drains, relaxed) - 1,
				  release);
	else
		siov_atomic_store(&rec->nb_aside, siov_atomic_load(&rec->nb_aside, relaxed) - 1,
				  release);
}

/* Count a failure by its completion code. Thread: engine. */
void record_failure(struct record *rec, struct record_pools *pools, uint8_t code);

/* Give a record its histogram. Returns its index; 0 is the shared one. Thread: engine. */
uint32_t record_take_hist(struct record *rec, struct record_pools *pools);

/* Count a latency [TSC cycles]. Thread: engine. */
static inline void
record_latency(struct record *rec, struct record_pools *pools, uint64_t cycles)
{
	uint32_t idx = siov_atomic_load(&rec->hist_idx, relaxed);

	if (unlikely(idx == 0))
		idx = record_take_hist(rec, pools);
	siov_hist_record(&pools->hists[idx], cycles);
}

#endif /* RECORD_PRIV_H */

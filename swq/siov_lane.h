/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file
 * A lane: the single-producer, single-consumer ring of one submitting thread on one work queue.
 *
 *     submitter                                            engine lcore
 *     tail ──► [slot][slot][slot][slot][slot][slot] ◄── head
 *              published: word 0 carries the lap tag of this lap
 *
 * How it works. A slot is a descriptor, one cache line. The submitter writes words 1 to 7, then
 * word 0 with release: PASID, flags, opcode and an eleven-bit lap tag become visible in one store.
 * The engine knows which tag the slot at its head must carry next; it sees it with acquire, copies
 * the descriptor out and moves on. No index travels between the cores, and no atomic
 * read-modify-write is needed. A submitter that stops before the store of word 0 has left nothing
 * that anybody can see; after it, the descriptor was accepted.
 *
 * A submitter stores only while it holds a credit of the queue (siov_wq.h). A lane has at least as
 * many slots as the queue has credits, so a held credit always means a slot that was read before.
 *
 * The struct is visible because the submission is inline: a call per descriptor costs about as much
 * as the submission itself.
 *
 * Spec: 7.3.
 */
#ifndef SIOV_LANE_H
#define SIOV_LANE_H

#include <stdbool.h>

#include <rte_branch_prediction.h>
#include <rte_prefetch.h>

#include "siov_desc.h"
#include "siov_gather.h"

#ifdef __cplusplus
extern "C" {
#endif

struct siov_wq;

/** How many slots ahead the submitter asks for with PREFETCHW, in lanes that are long enough. */
#define SIOV_LANE_AHEAD 12u

/** One submitter's ring on one queue; cut by owner, each part in cache lines of its own. */
struct siov_lane {
	/* owner: submitter (the first five const after attach) */
	struct siov_desc_words *slots __attribute__((aligned(64))); /**< the ring */
	uint64_t *stamps; /**< submission times, one per slot; NULL: not kept */
	struct siov_wq *wq; /**< its queue */
	uint32_t mask; /**< slots - 1 */
	uint32_t lap_shift; /**< log2 of the slots */
	uint64_t tail; /**< descriptors published */
	uint32_t credits; /**< held and unspent */
	uint32_t floor; /**< credits that this lane must leave in the pool (limited portals) */
	uint32_t ahead; /**< slots to prefetch ahead, const after attach */
	uint32_t rsvd; /**< 0 */

	/* owner: engine lcore (the first four const after attach) */
	struct siov_desc_words *engine_slots __attribute__((aligned(64))); /**< as slots */
	uint64_t *engine_stamps; /**< as stamps */
	uint32_t engine_mask; /**< as mask */
	uint32_t engine_lap_shift; /**< as lap_shift */
	SIOV_ATOMIC(uint64_t)
	head; /**< read by control, and by the submitter of a dedicated queue */
	uint32_t nb_long; /**< long transfers, batches and drains of this lane in progress */
	SIOV_ATOMIC(uint32_t) nb_drains; /**< drains among them; read by other engines */
	struct siov_gather gather __attribute__((aligned(64))); /**< when to look */

	/* shared: atomic (slow paths only: leases, grants, reclaim) */
	SIOV_ATOMIC(uint64_t) account __attribute__((aligned(64))); /**< credit.c */
	SIOV_ATOMIC(uint64_t) grant; /**< credit.c */
	SIOV_ATOMIC(uint32_t) hungry; /**< set by the submitter when it was told to retry */

	/* owner: control lcore */
	uint32_t id __attribute__((aligned(64))); /**< index in its queue */
	SIOV_ATOMIC(uint32_t) attached; /**< 1: a thread has it */
	SIOV_ATOMIC(uint32_t) engine_id; /**< which of the queue's engines serves it */
	uint32_t flags; /**< SIOV_LANE_F_* */
	uint64_t returned; /**< credits taken back from threads that stopped, credit.c */
};

SIOV_STATIC_ASSERT(offsetof(struct siov_lane, engine_slots) == 64, "engine's own line");
SIOV_STATIC_ASSERT(offsetof(struct siov_lane, gather) == 128, "engine's own line");
SIOV_STATIC_ASSERT(offsetof(struct siov_lane, account) == 192, "shared line");
SIOV_STATIC_ASSERT(offsetof(struct siov_lane, id) == 256, "control's line");
SIOV_STATIC_ASSERT(sizeof(struct siov_lane) == 320, "five lines");

/** Lap tag, in place, of the slot at free-running index @p idx; never 0 in the first lap. */
static inline uint64_t
siov_lane_tag(uint64_t idx, uint32_t lap_shift)
{
	return (((idx >> lap_shift) + 1) << SIOV_DESC_RSVD_SHIFT) & SIOV_DESC_RSVD_MASK;
}

/**
 * Publish one descriptor at the tail. The caller holds a credit for it.
 *
 * @param id word 0's low dword: PASID and Priv as the descriptor is to carry them, tag bits zero.
 * Thread: the lane's submitter only.
 */
static inline void
siov_lane_publish_sp(struct siov_lane *lane, const void *desc, uint64_t id)
{
	uint64_t tail = lane->tail;
	struct siov_desc_words *slot = &lane->slots[tail & lane->mask];
	uint64_t word0 = siov_desc_load_word(desc);

	siov_prefetch_write(&lane->slots[(tail + lane->ahead) & lane->mask]);
	word0 = (word0 & ~SIOV_DESC_ID_MASK) | id | siov_lane_tag(tail, lane->lap_shift);
	siov_desc_copy_tail(slot, desc);
	/* L1: pairs with L2 in siov_lane_pop_sc. */
	siov_atomic_store(&slot->word0, word0, release);
	lane->tail = tail + 1;
}

/** Whether the slot @p ahead of the head is published. Thread: the lane's engine only. */
static inline bool
siov_lane_is_published_sc(struct siov_lane *lane, unsigned int ahead)
{
	uint64_t idx = siov_atomic_load(&lane->head, relaxed) + ahead;
	struct siov_desc_words *slot = &lane->engine_slots[idx & lane->engine_mask];
	uint64_t word0 = siov_atomic_load(&slot->word0, relaxed);

	return (word0 & SIOV_DESC_RSVD_MASK) == siov_lane_tag(idx, lane->engine_lap_shift);
}

/** Prefetch the next @p nb slots to pop. Thread: the lane's engine only. */
static inline void
siov_lane_prefetch_sc(struct siov_lane *lane, unsigned int nb)
{
	uint64_t head = siov_atomic_load(&lane->head, relaxed);
	unsigned int i;

	for (i = 0; i < nb; i++)
		rte_prefetch0(&lane->engine_slots[(head + i) & lane->engine_mask]);
}

/** What bounds one pop; see siov_lane_pop_sc. */
struct siov_lane_limits {
	unsigned int nb_max; /**< descriptors at most */
	uint32_t long_bytes; /**< a larger transfer counts as long */
	unsigned int nb_long_max; /**< stop before the lane has more that may be long than this */
};

/**
 * Whether an operation may take more than one go: a transfer of more than @p long_bytes, a batch, or
 * a drain.
 */
static inline bool
siov_lane_may_be_long(uint64_t word0, uint32_t size, uint32_t long_bytes)
{
	uint32_t opcode = (uint32_t)(word0 >> 56);

	return size > long_bytes ||
	       opcode - DSA_OPCODE_BATCH <= DSA_OPCODE_DRAIN - DSA_OPCODE_BATCH;
}

/**
 * Take up to limits->nb_max published descriptors from the head, in order.
 *
 * The copies are the engine's own: tag bits are cleared, nothing is read from the lane again.
 *
 * @param out   room for nb_max descriptors.
 * @param stamps room for nb_max submission times [TSC cycles]; not written where none are kept.
 * @return number taken; their credits are still to be given back.
 * Thread: the lane's engine only.
 */
static inline unsigned int
siov_lane_pop_sc(struct siov_lane *lane, const struct siov_lane_limits *limits,
		 struct siov_desc_words *out, uint64_t *stamps)
{
	struct siov_desc_words *slots = lane->engine_slots;
	const uint64_t *kept = lane->engine_stamps;
	uint64_t head = siov_atomic_load(&lane->head, relaxed);
	uint32_t mask = lane->engine_mask;
	uint32_t lap_shift = lane->engine_lap_shift;
	uint32_t nb_long = lane->nb_long;
	unsigned int n;

	for (n = 0; n < limits->nb_max; n++) {
		struct siov_desc_words *slot = &slots[(head + n) & mask];
		/* L2: pairs with L1 in siov_lane_publish_sp. */
		uint64_t word0 = siov_atomic_load(&slot->word0, acquire);

		if ((word0 & SIOV_DESC_RSVD_MASK) != siov_lane_tag(head + n, lap_shift))
			break;
		siov_desc_copy_tail(&out[n], slot);
		siov_atomic_store(&out[n].word0, word0 & ~SIOV_DESC_RSVD_MASK, relaxed);
		if (unlikely(siov_lane_may_be_long(word0, (uint32_t)out[n].word[3],
						   limits->long_bytes))) {
			if (nb_long >= limits->nb_long_max)
				break;
			nb_long++;
		}
		if (kept != NULL)
			stamps[n] = kept[(head + n) & mask];
	}
	/* L3: a submitter that learns of the new head (credit or cached head, acquire) may
	 * overwrite what was read above.
	 */
	siov_atomic_store(&lane->head, head + n, release);
	return n;
}

#ifdef __cplusplus
}
#endif

#endif /* SIOV_LANE_H */

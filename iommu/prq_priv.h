/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Page requests inside the unit. The state of a group index is one word, changed by
 * compare-and-swap:
 *
 *                  ask                take               respond                take_replies
 *     PRQ_FREE ─────────► PRQ_QUEUED ─────► PRQ_TAKEN ─────────► PRQ_ANSWERED ─────────► PRQ_FREE
 *                     abandon │      abandon │
 *                             ▼              ▼
 *                   PRQ_QUEUED_GONE   PRQ_TAKEN_GONE
 *                        take │              │ respond, or the PASID is bound anew
 *                             ▼              ▼
 *                         PRQ_FREE       PRQ_FREE
 *
 * The word also holds PASID, RID, code and a generation, so a late hand finds another word. Who
 * moves a word to PRQ_FREE gives the index back to the bitmap, and from there on is done with it.
 *
 * Queues are never given back to memory before the unit: a free one is used again, and an engine
 * that was stopped in between may still abandon what it had asked there.
 */
#ifndef PRQ_PRIV_H
#define PRQ_PRIV_H

#include "iommu_priv.h"
#include "note_ring_priv.h"
#include "siov_prq.h"

enum prq_state {
	PRQ_FREE,
	PRQ_QUEUED,
	PRQ_TAKEN,
	PRQ_ANSWERED,
	PRQ_QUEUED_GONE,
	PRQ_TAKEN_GONE,
};

/* The word: state 2:0, code 6:3, RID 22:7, PASID 42:23, generation 63:43. */
#define PRQ_STATE_MASK UINT64_C(7)
#define PRQ_CODE_SHIFT 3
#define PRQ_CODE_MASK UINT64_C(0xf)
#define PRQ_RID_SHIFT 7
#define PRQ_PASID_SHIFT 23
#define PRQ_GEN_SHIFT 43
#define PRQ_NAME_MASK (~(PRQ_STATE_MASK | PRQ_CODE_MASK << PRQ_CODE_SHIFT)) /* of one request */
#define PRQ_WHOSE_MASK (PRQ_NAME_MASK & (RTE_BIT64(PRQ_GEN_SHIFT) - 1)) /* RID and PASID */

/* One group index. */
struct prq_slot {
	SIOV_ATOMIC(uint64_t) word;
	/* owner: who asks, until it is queued */
	struct siov_vtd_page_request req;
	uint32_t cookie;
	uint32_t atc_id;
	/* owner: who answers, then the engine */
	struct prq_slot *next;
	/* const */
	struct siov_prq *prq;
};

#define PRQ_WORDS (SIOV_PRQ_GROUPS / 64)

struct siov_prq {
	/* const while in use */
	struct siov_iommu *iommu;
	struct siov_prq *next; /* of all of the unit */
	void *ring_slots;
	int fd;
	/* owner: control, locked */
	bool is_open;
	uint32_t nb_users; /* domains that name it */
	/* owner: the queue's */
	uint64_t nb_taken __rte_cache_aligned;
	/* shared: atomic */
	SIOV_ATOMIC(uint64_t) nb_asked __rte_cache_aligned;
	SIOV_ATOMIC(uint32_t) armed;
	SIOV_ATOMIC(uint32_t) is_overflowed;
	SIOV_ATOMIC(uint32_t) next_idx; /* where the search for a free index goes on */
	SIOV_ATOMIC(uint64_t) nb_dropped;
	SIOV_ATOMIC(uint64_t) nb_overflows;
	SIOV_ATOMIC(uint64_t) nb_answers;
	SIOV_ATOMIC(uint64_t) nb_late;
	SIOV_ATOMIC(uint64_t) nb_void;
	SIOV_ATOMIC(uint64_t) used[PRQ_WORDS] __rte_cache_aligned; /* indexes */
	struct note_ring ring; /* of indexes */
	struct prq_slot slots[SIOV_PRQ_GROUPS] __rte_cache_aligned;
};

/* Answers for the engine of one cache. */
struct prq_bell {
	SIOV_ATOMIC(struct prq_slot *) answered __rte_cache_aligned; /* newest first */
	/* owner: engine lcore */
	struct prq_slot *fetched __rte_cache_aligned; /* of these, still to be looked at */
};

/* Page requests of a unit. */
struct prq_unit {
	struct siov_prq *all; /* control, locked */
	struct prq_bell bells[SIOV_IOMMU_MAX_ATCS]; /* by cache id */
};

/* A domain that names the queue comes (+1) or goes (-1). Thread: control, locked. */
void prq_use(struct siov_prq *prq, int change);

/* Whether a domain of the unit may name it. Thread: control, locked or not. */
bool prq_is_of(const struct siov_prq *prq, const struct siov_iommu *iommu);

/* The PASID changes hands: what engines gave up on is no longer waited for. Locked. */
void prq_forget_pasid(struct siov_prq *prq, uint32_t pasid);

/* Free all queues; no cache is left. */
void prq_fini(struct siov_iommu *iommu);

#endif /* PRQ_PRIV_H */

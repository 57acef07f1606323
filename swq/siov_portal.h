/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file
 * Portals: submission as the instruction set has it.
 *
 *     enqcmd(s): DMWr ──► SWQ   answered Success or Retry, with the reason
 *     movdir64b: posted ──► DWQ   no answer; overflow is reported by the queue
 *
 * A portal joins what the instruction finds in hardware: the page it stores to (a lane of a queue)
 * and the IA32_PASID of the thread's context. A thread that serves several PASIDs has one portal
 * for each and one lane for all of them. A portal also counts what was submitted through it: 64
 * bytes, written by its thread only.
 *
 * Legal call order: siov_portal_init after siov_wq_attach; submissions; siov_wq_detach.
 *
 * Thread: a portal and its lane belong to one submitting thread; nothing here takes a lock, makes a
 * system call or waits.
 *
 * Spec: 7.3; requirements 7.3.2, 7.3.3, 7.3.4, 7.3.6, 7.3.7.
 */
#ifndef SIOV_PORTAL_H
#define SIOV_PORTAL_H

#include <errno.h>

#include <rte_branch_prediction.h>
#include <rte_cycles.h>

#include "siov_wq.h"

#ifdef __cplusplus
extern "C" {
#endif

/** What came of one submission. */
enum siov_dmwr {
	SIOV_DMWR_SUCCESS, /**< accepted: it will complete exactly once */
	SIOV_DMWR_RETRY_CAPACITY, /**< the queue (or what this portal may use of it) is full */
	SIOV_DMWR_RETRY_QOS, /**< the submitter's share is used up */
	SIOV_DMWR_RETRY_DRAINING, /**< the queue drains and takes nothing new */
	SIOV_DMWR_RETRY_DISABLED, /**< the queue is disabled */
	SIOV_DMWR_RETRY_MODE, /**< a DMWr to a dedicated queue */
	SIOV_DMWR_NB,
	/** Not sent: general protection, as the instruction raises it (no PASID, reserved bits). */
	SIOV_DMWR_GP = SIOV_DMWR_NB,
	/** Not sent: a guest's PASID that its VMM let not through (siov_vm_pasid.h). */
	SIOV_DMWR_EXIT,
};

/** The context has a valid PASID (IA32_PASID bit 31). */
#define SIOV_PORTAL_F_PASID 0x1u
/** The context may use the privileged ENQCMDS. */
#define SIOV_PORTAL_F_PRIV 0x2u

/** One submitting thread's view of a queue, with the PASID of its context. */
struct siov_portal {
	struct siov_lane *lane; /**< the thread's ring on the queue */
	uint32_t pasid : 20; /**< of the context */
	uint32_t flags : 12; /**< SIOV_PORTAL_F_* */
	/** Low half of the accepted submissions at which the PASID's block is asked again. */
	SIOV_ATOMIC(uint32_t) limit;
	SIOV_ATOMIC(uint64_t) nb[SIOV_DMWR_NB]; /**< submissions by answer; read by anybody */
} __attribute__((aligned(64)));

SIOV_STATIC_ASSERT(sizeof(struct siov_portal) == 64, "a portal is a cache line");

/**
 * Set up a portal in the caller's memory.
 *
 * @param pasid 0 to SIOV_PASID_MAX; used if @p flags has SIOV_PORTAL_F_PASID.
 * @return 0, -ERANGE (PASID), -EINVAL (unknown flag).
 */
SIOV_API int siov_portal_init(struct siov_portal *portal, struct siov_lane *lane, uint32_t pasid,
			      uint32_t flags);

/** Submissions through @p portal answered with @p answer. Thread: any; a snapshot. */
static inline uint64_t
siov_portal_count(const struct siov_portal *portal, enum siov_dmwr answer)
{
	return siov_atomic_load(&portal->nb[answer], relaxed);
}

/**
 * Ask whether one more submission is allowed, see siov_qos.h: the portal has used up what it was
 * granted.
 *
 * @param id PASID and Priv of the submission.
 * @param accepted submissions of the portal so far.
 * @return Success, or Retry with its reason.
 * Thread: the portal's.
 */
SIOV_API enum siov_dmwr siov_portal_admit(struct siov_portal *portal, const void *desc, uint64_t id,
					  uint64_t accepted);

/**
 * Have a portal ask with its next submission, which counts what was accepted since then.
 *
 * @return submissions accepted so far.
 * Thread: control, for portals whose PASID has had no block.
 */
SIOV_API uint64_t siov_portal_recall(struct siov_portal *portal);

/** Whether the portal has to ask. */
static inline bool
siov_portal_is_spent(const struct siov_portal *portal, uint64_t accepted)
{
	uint32_t left = siov_atomic_load(&portal->limit, relaxed) - (uint32_t)accepted;

	return (int32_t)left <= 0;
}

/** Count one answer; the portal's thread is the only writer. */
static inline enum siov_dmwr
siov_portal_answer(struct siov_portal *portal, enum siov_dmwr answer)
{
	uint64_t nb = siov_atomic_load(&portal->nb[answer], relaxed);

	siov_atomic_store(&portal->nb[answer], nb + 1, relaxed);
	return answer;
}

/** Why a queue refuses a DMWr that no credit could help; SUCCESS if it does not. */
static inline enum siov_dmwr
siov_portal_refusal(const struct siov_wq *wq, uint32_t state)
{
	if (wq->mode != SIOV_WQ_SHARED)
		return SIOV_DMWR_RETRY_MODE;
	if (state == SIOV_WQ_DRAINING)
		return SIOV_DMWR_RETRY_DRAINING;
	return state == SIOV_WQ_ENABLED ? SIOV_DMWR_SUCCESS : SIOV_DMWR_RETRY_DISABLED;
}

/** A DMWr with the given PASID and Priv; @p when [TSC cycles] is kept where the queue has stamps. */
static inline enum siov_dmwr
siov_portal_dmwr(struct siov_portal *portal, const void *desc, uint64_t id, uint64_t when)
{
	struct siov_lane *lane = portal->lane;
	const struct siov_wq *wq = lane->wq;
	uint32_t state = siov_atomic_load(&wq->state, acquire);
	uint64_t accepted = siov_atomic_load(&portal->nb[SIOV_DMWR_SUCCESS], relaxed);

	if (unlikely(state != SIOV_WQ_ENABLED || wq->mode != SIOV_WQ_SHARED))
		return siov_portal_answer(portal, siov_portal_refusal(wq, state));
	if (unlikely(lane->credits == 0) && siov_lane_refill(lane) == 0)
		return siov_portal_answer(portal, SIOV_DMWR_RETRY_CAPACITY);
	/* After the credit: who is told that the queue is full has paid nothing. */
	if (unlikely(siov_portal_is_spent(portal, accepted))) {
		enum siov_dmwr answer = siov_portal_admit(portal, desc, id, accepted);

		if (answer != SIOV_DMWR_SUCCESS)
			return siov_portal_answer(portal, answer);
	}
	lane->credits--;
	if (lane->stamps != NULL)
		lane->stamps[lane->tail & lane->mask] = when;
	siov_lane_publish_sp(lane, desc, id);
	return siov_portal_answer(portal, SIOV_DMWR_SUCCESS);
}

/** The time to stamp a submission with, read only where stamps are kept. */
static inline uint64_t
siov_portal_now(const struct siov_portal *portal)
{
	return portal->lane->stamps != NULL ? rte_rdtsc() : 0;
}

/**
 * ENQCMD whose latency counts from @p when_cycles [TSC], the time it was meant to be sent.
 *
 * Otherwise as siov_enqcmd.
 */
static inline enum siov_dmwr
siov_enqcmd_at(struct siov_portal *portal, const struct dsa_hw_desc *desc, uint64_t when_cycles)
{
	if (unlikely(!(portal->flags & SIOV_PORTAL_F_PASID)))
		return SIOV_DMWR_GP;
	return siov_portal_dmwr(portal, desc, portal->pasid, when_cycles);
}

/**
 * ENQCMD: submit with the PASID of the context.
 *
 * PASID, reserved bits 30:20 and Priv of the descriptor are ignored and replaced, as the
 * instruction does. The descriptor is read before the call returns and stays the caller's.
 *
 * @param desc 64 bytes, 64-byte aligned.
 * @return Success, Retry with its reason, or SIOV_DMWR_GP if the context has no valid PASID.
 * Thread: the portal's.
 * Spec: 7.3.
 */
static inline enum siov_dmwr
siov_enqcmd(struct siov_portal *portal, const struct dsa_hw_desc *desc)
{
	return siov_enqcmd_at(portal, desc, siov_portal_now(portal));
}

/** ENQCMDS whose latency counts from @p when_cycles [TSC]; otherwise as siov_enqcmds. */
static inline enum siov_dmwr
siov_enqcmds_at(struct siov_portal *portal, const struct dsa_hw_desc *desc, uint64_t when_cycles)
{
	uint64_t word0;

	__builtin_memcpy(&word0, desc, sizeof(word0));
	if (unlikely(!(portal->flags & SIOV_PORTAL_F_PRIV) || word0 & SIOV_DESC_RSVD_MASK))
		return SIOV_DMWR_GP;
	return siov_portal_dmwr(portal, desc, word0 & SIOV_DESC_ID_MASK, when_cycles);
}

/**
 * ENQCMDS: submit with the PASID and the Priv bit of the descriptor.
 *
 * Counted in the portal it goes through: open one per PASID that is to be told apart.
 *
 * @return Success, Retry with its reason, or SIOV_DMWR_GP if the portal is not privileged or bits
 *         30:20 of the descriptor are not zero.
 * Thread: the portal's.
 */
static inline enum siov_dmwr
siov_enqcmds(struct siov_portal *portal, const struct dsa_hw_desc *desc)
{
	return siov_enqcmds_at(portal, desc, siov_portal_now(portal));
}

/** Count and report a posted write that its queue did not take. */
SIOV_API void siov_movdir64b_refuse(struct siov_portal *portal);

/** MOVDIR64B whose latency counts from @p when_cycles [TSC]; otherwise as siov_movdir64b. */
static inline void
siov_movdir64b_at(struct siov_portal *portal, const struct dsa_hw_desc *desc, uint64_t when_cycles)
{
	struct siov_lane *lane = portal->lane;
	const struct siov_wq *wq = lane->wq;

	if (unlikely(wq->mode != SIOV_WQ_DEDICATED ||
		     siov_atomic_load(&wq->state, acquire) != SIOV_WQ_ENABLED ||
		     (lane->credits == 0 && siov_lane_refill(lane) == 0))) {
		siov_movdir64b_refuse(portal);
		return;
	}
	lane->credits--;
	if (lane->stamps != NULL)
		lane->stamps[lane->tail & lane->mask] = when_cycles;
	siov_lane_publish_sp(lane, desc, wq->dwq_id);
	siov_portal_answer(portal, SIOV_DMWR_SUCCESS);
}

/**
 * MOVDIR64B: post a descriptor to a dedicated queue.
 *
 * Nothing is answered. What does not fit, or meets a queue that is shared, draining or disabled, is
 * dropped, counted in the queue (nb_overflow, nb_refused) and in the portal, and reported by the
 * device as an error. The queue's own PASID is used; what the descriptor says is ignored.
 *
 * Thread: the portal's, and the only one on a dedicated queue.
 * Spec: 7.3; requirement 7.3.7.
 */
static inline void
siov_movdir64b(struct siov_portal *portal, const struct dsa_hw_desc *desc)
{
	siov_movdir64b_at(portal, desc, siov_portal_now(portal));
}

/** What a submitter does between a Retry and its next try. */
enum siov_backoff_policy {
	SIOV_BACKOFF_NONE, /**< give up */
	SIOV_BACKOFF_SPIN, /**< try again at once */
	SIOV_BACKOFF_PAUSE, /**< one PAUSE instruction */
	SIOV_BACKOFF_EXP, /**< wait min cycles, twice that, and so on up to max */
};

/** Back-off state of one submitter; owned by it. */
struct siov_backoff {
	enum siov_backoff_policy policy; /**< what to do after a Retry */
	bool yields; /**< give the CPU away instead of pausing: where CPUs are shared */
	uint64_t min_cycles; /**< first wait, TSC cycles */
	uint64_t max_cycles; /**< longest wait */
	uint64_t next_cycles; /**< the coming wait */
};

/**
 * Wait as the policy says after a Retry.
 *
 * @return true: try again; false: the policy gives up.
 * Thread: the owner's. Waits at most max_cycles; sched_yield() only if yields is set.
 */
SIOV_API bool siov_backoff_wait(struct siov_backoff *backoff);

/** Start again with the shortest wait; call it after each Success. */
static inline void
siov_backoff_reset(struct siov_backoff *backoff)
{
	backoff->next_cycles = backoff->min_cycles;
}

#ifdef __cplusplus
}
#endif

#endif /* SIOV_PORTAL_H */

/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file
 * Work queues: shared (SWQ, entered by Deferrable Memory Writes) and dedicated (DWQ, posted writes).
 *
 *     thread 0 ── lane 0 ──┐                     ┌── engine 0: lanes 0, 2, ...
 *     thread 1 ── lane 1 ──┤  pool of N credits  ├── engine 1: lanes 1, 3, ...
 *     thread 2 ── lane 2 ──┘                     └──
 *
 * A queue of N entries is a pool of N credits and one lane per submitting thread (not per PASID:
 * any number of PASIDs go through one lane). A descriptor is accepted when its submitter spends a
 * credit, and the credit comes back when an engine has taken the descriptor out. Therefore never
 * more than N are accepted and not dispatched, whatever the submitters do.
 *
 * Legal call order: siov_wq_create, siov_wq_attach once per submitting thread, siov_wq_set_state
 * (enabled), submissions (siov_portal.h) and pops, siov_wq_set_state (draining, then enabled or
 * disabled), siov_wq_detach, siov_wq_free.
 *
 * Thread: create, attach, detach, set_state and free are control operations; callers serialise
 * them per queue. They may run while submitters submit and engines pop.
 *
 * Spec: 7.3 (ADIs using shared work queues); requirements 7.3.1 to 7.3.7.
 */
#ifndef SIOV_WQ_H
#define SIOV_WQ_H

#include <stdio.h>

#include "siov_lane.h"
#include "siov_mem.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SIOV_WQ_SIZE_MAX 65536u /**< entries of one queue */
#define SIOV_WQ_ENGINES_MAX 64u /**< engines of one queue */
#define SIOV_WQ_LANES_MAX 1022u /**< submitting threads of one queue */

/** Who may submit, and how. */
enum siov_wq_mode {
	SIOV_WQ_SHARED, /**< ENQCMD(S): answered Success or Retry */
	SIOV_WQ_DEDICATED, /**< MOVDIR64B: posted; overflow is an error that is reported */
};

/**
 * State of a queue. It gates admission only; engines serve whatever was accepted.
 *
 *     disabled ──► enabled ◄──► draining ──► disabled
 */
enum siov_wq_state {
	SIOV_WQ_DISABLED,
	SIOV_WQ_ENABLED,
	SIOV_WQ_DRAINING, /**< nothing new is accepted; what was accepted completes */
};

/** One credit per atomic: a lone submitter gets exactly `size` accepted, at a lower rate. */
#define SIOV_WQ_F_EXACT 0x1u
/** Keep each descriptor's submission time, so that engines can measure latency. */
#define SIOV_WQ_F_STAMPS 0x2u
/** Operations may ask to block on page faults (flag BOF), instead of ending there. */
#define SIOV_WQ_F_BOF 0x4u
#define SIOV_WQ_F_ALL \
	(SIOV_WQ_F_EXACT | SIOV_WQ_F_STAMPS | SIOV_WQ_F_BOF) /**< every flag there is */

/** Configuration of one queue; const once given to siov_wq_create. */
struct siov_wq_conf {
	enum siov_wq_mode mode; /**< shared or dedicated */
	uint32_t size; /**< entries, 1 to SIOV_WQ_SIZE_MAX; any number */
	uint32_t threshold; /**< entries a limited portal may see used, 1 to size; 0 means size */
	uint32_t lanes_max; /**< submitting threads, 1 to SIOV_WQ_LANES_MAX; 1 if dedicated */
	uint32_t nb_engines; /**< engines that share out the lanes, 1 to SIOV_WQ_ENGINES_MAX */
	uint32_t flags; /**< SIOV_WQ_F_* */
	uint32_t pasid; /**< dedicated queues: the PASID of all its work */
	uint32_t priv; /**< dedicated queues: 1 = supervisor */
	int socket_id; /**< NUMA node, -1: any */
	const struct siov_mem *mem; /**< NULL: siov_mem_eal() */
};

struct siov_qos_dir;

/** Rounds of shares, of the lanes of one engine; see siov_qos.h. */
struct siov_wq_round {
	uint32_t nb_done; /**< the engine's: dispatched since the round began */
	SIOV_ATOMIC(uint32_t) number; /**< written by the engine, when somebody waits */
	SIOV_ATOMIC(uint32_t) awaited; /**< the round that submitters wait for; written by them */
} __attribute__((aligned(64)));

/** A work queue, in memory that may be shared with other processes. */
struct siov_wq {
	/* const after create, except the two that control changes now and then */
	uint32_t size __attribute__((aligned(64))); /**< entries */
	uint32_t mode; /**< enum siov_wq_mode */
	uint32_t flags; /**< SIOV_WQ_F_* */
	uint32_t threshold; /**< entries that limited portals see */
	uint32_t lanes_max; /**< submitting threads */
	uint32_t nb_engines; /**< engines that share out the lanes */
	uint32_t slots_log2; /**< of each lane */
	int32_t socket_id; /**< NUMA node, -1: any */
	uint64_t dwq_id; /**< word 0 bits of a dedicated queue: PASID and Priv */
	SIOV_ATOMIC(uint32_t) state; /**< enum siov_wq_state */
	SIOV_ATOMIC(uint32_t) lease_max; /**< credits a lane may take at a time */
	SIOV_ATOMIC(uint32_t) lane_gen; /**< grows with each attach and detach */
	SIOV_ATOMIC(uint32_t) nb_lanes; /**< lanes ever made; attached or waiting for reuse */

	/* shared: atomic */
	SIOV_ATOMIC(uint64_t) pool __attribute__((aligned(64))); /**< credit.c */

	/* shared: atomic, errors only */
	SIOV_ATOMIC(uint64_t) nb_overflow __attribute__((aligned(64))); /**< posted to a full DWQ */
	SIOV_ATOMIC(uint64_t) nb_refused; /**< posted to a queue that takes no posted writes now */

	/* owner: control lcore */
	uint32_t nb_attached __attribute__((aligned(64))); /**< lanes in use */
	struct siov_lane **lanes; /**< lanes_max pointers */
	SIOV_ATOMIC(struct siov_qos_dir *) qos; /**< blocks by PASID; NULL: none so far */
	struct siov_wq_round *rounds; /**< nb_engines; valid once qos is not NULL */
	SIOV_ATOMIC(uint32_t) shares; /**< sum of all shares of a round */
};

SIOV_STATIC_ASSERT(offsetof(struct siov_wq, pool) == 64, "the pool has a line of its own");
SIOV_STATIC_ASSERT(offsetof(struct siov_wq, nb_attached) == 192, "control's line");

/** Set @p conf to a shared queue of 128 entries, 128 lanes, one engine, EAL memory. */
SIOV_API void siov_wq_conf_init(struct siov_wq_conf *conf);

/**
 * Check a configuration.
 *
 * @param why where to put a static text that names what is wrong and what is allowed; may be NULL.
 * @return 0, or -EINVAL (unknown mode or flag), -ERANGE (a number out of its range).
 */
SIOV_API int siov_wq_conf_check(const struct siov_wq_conf *conf, const char **why);

/**
 * Make a queue, disabled, without lanes.
 *
 * Its memory source, as configured, is what siov_wq_attach and siov_wq_free must be given.
 *
 * @return 0, an error of siov_wq_conf_check, or -ENOMEM.
 */
SIOV_API int siov_wq_create(const struct siov_wq_conf *conf, struct siov_wq **out);

/** Free a queue and its lanes; @p mem as at creation. No submitter or engine may use it any more. */
SIOV_API void siov_wq_free(const struct siov_mem *mem, struct siov_wq *wq);

/** Submit through a limited portal: the queue looks full at its threshold. */
#define SIOV_LANE_F_LIMITED 0x1u
/** Interrupt handles in descriptors are of interrupt message storage; else of the MSI-X table. */
#define SIOV_LANE_F_IMS 0x2u
#define SIOV_LANE_F_ALL (SIOV_LANE_F_LIMITED | SIOV_LANE_F_IMS) /**< every flag there is */

/**
 * Give the calling, or any one, submitting thread a lane.
 *
 * A lane takes `size` + SIOV_LANE_AHEAD, rounded up to a power of two, times 64 bytes (72 with
 * stamps): 128 KiB at 1,024 entries, 8 MiB at 65,536. Memory of
 * detached lanes is used again, perhaps by another engine: the one before must have passed a
 * quiescent state, without long transfers of the lane, since the detach (siov_dev_attach sees to it).
 *
 * @param flags SIOV_LANE_F_*.
 * @return 0, -EINVAL (unknown flag), -ENOSPC (lanes_max attached), -ENOMEM.
 */
SIOV_API int siov_wq_attach(const struct siov_mem *mem, struct siov_wq *wq, uint32_t flags,
			    struct siov_lane **out);

/**
 * Take a lane back, with every credit that its thread held, at whatever instruction it stopped.
 *
 * The thread must never submit through the lane again: it said so, or it is dead.
 *
 * @return 0; -EBUSY while a published descriptor waits for its engine (try again); -EINVAL if the
 *         lane is not attached.
 */
SIOV_API int siov_wq_detach(struct siov_lane *lane);

/** Whether everything published in @p lane was taken out by its engine. Thread: control. */
SIOV_API bool siov_lane_is_empty(struct siov_lane *lane);

/**
 * Give a dedicated queue to another address domain.
 *
 * @param pasid 0 to SIOV_PASID_MAX. @param priv 1: supervisor.
 * @return 0; -EINVAL a shared queue; -ERANGE; -EBUSY it is not disabled, or has a lane.
 * Thread: control. Spec: 7.3 (requirements 7.3.7, 7.6.2).
 */
SIOV_API int siov_wq_set_pasid(struct siov_wq *wq, uint32_t pasid, uint32_t priv);

/**
 * Free-running index behind the last descriptor published in @p lane, as of a moment during the
 * call: lane->head has reached it when all of them were taken out.
 *
 * Thread: any.
 */
SIOV_API uint64_t siov_lane_published(const struct siov_lane *lane);

/**
 * Move the queue to @p state. Setting the state it has already is no error.
 *
 * @return 0, -EINVAL (unknown state), -EBUSY (enabled straight to disabled, disabled to draining).
 */
SIOV_API int siov_wq_set_state(struct siov_wq *wq, enum siov_wq_state state);

/**
 * Give back the credits of @p n descriptors popped from one lane; called once per burst.
 *
 * When the pool had run dry, one of them may go straight to a lane that was told to retry, so that
 * no submitter starves however fast the others are.
 *
 * @param engine state of the calling engine for this queue, zeroed at first.
 * @param now_cycles TSC.
 * Thread: any engine of the queue.
 */
struct siov_wq_granter {
	uint32_t next_lane; /**< where the search for a hungry lane goes on */
	uint32_t holder; /**< lane that was given a credit, plus one; 0: none */
	uint64_t expires_cycles; /**< when it is taken back, TSC */
};
/** Give credits back; how is said at struct siov_wq_granter. */
SIOV_API void siov_wq_give_back(struct siov_wq *wq, struct siov_wq_granter *granter, unsigned int n,
				uint64_t now_cycles);

/** Take back a grant that its lane has not used in time. Thread: the granter's engine. */
SIOV_API void siov_wq_expire_grant(struct siov_wq *wq, struct siov_wq_granter *granter,
				   uint64_t now_cycles);

/**
 * Tell a shared queue what an engine has taken out in a poll, and whether there is more: who has used
 * up his share may go on when there is no more, or when others, who have none, have had twice as much.
 *
 * Thread: the engine of slot @p slot.
 */
static inline void
siov_wq_polled(struct siov_wq *wq, uint32_t slot, uint32_t nb, bool is_loaded)
{
	struct siov_wq_round *round;
	uint32_t next;

	/* Pairs with siov_qos_create. */
	if (likely(siov_atomic_load(&wq->qos, acquire) == NULL))
		return;
	round = &wq->rounds[slot];
	round->nb_done += nb;
	/* A late store may name a round that has begun. */
	next = siov_atomic_load(&round->number, relaxed) + 1;
	if (siov_atomic_load(&round->awaited, relaxed) != next)
		return;
	if (is_loaded && round->nb_done < 3 * siov_atomic_load(&wq->shares, relaxed))
		return;
	round->nb_done = 0;
	siov_atomic_store(&round->number, next, release);
}

/** Credits in the pool: neither leased nor spent. Thread: any; a snapshot. */
SIOV_API uint32_t siov_wq_free_credits(const struct siov_wq *wq);

/** Print state, credits and each lane, with head and tail. Thread: any; a snapshot. */
SIOV_API void siov_wq_dump(FILE *f, const struct siov_wq *wq);

/**
 * Take credits for a lane whose own are spent: a grant if there is one, else a lease.
 *
 * The submission's slow path; siov_portal.h calls it.
 *
 * @return credits now held, 0: none to be had.
 * Thread: the lane's submitter only.
 */
SIOV_API uint32_t siov_lane_refill(struct siov_lane *lane);

#ifdef __cplusplus
}
#endif

#endif /* SIOV_WQ_H */

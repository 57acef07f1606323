/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file
 * Quality of service of one PASID on one shared queue: what it may submit, and when.
 *
 *     submission ── portal's own allowance ── used up ──► the PASID's block: grants the next few,
 *                        │ left: nothing to ask                or Retry (QoS, draining, disabled)
 *                        ▼
 *                      credit, lane
 *
 * A PASID without a block is not limited, and its portals ask about once in a billion submissions. One
 * with a block is granted a few submissions at a time, by
 *  - its state: open, draining, disabled;
 *  - its most outstanding: granted and not yet ended;
 *  - its share: weight x priority x 32 submissions a round. Who has used his up waits for the next
 *    round, which the engine begins when it runs out of work; so a light PASID waits for the heavy ones
 *    as long as they use their shares, and nothing idles when they do not. PASIDs without share keep
 *    nobody waiting for longer than three rounds' work;
 *  - its rates of operations and bytes: token buckets (rte_meter). A batch counts as as many
 *    operations as it has members, and 64 bytes for each; what they moved is charged when they have
 *    run. What costs more than a bucket holds is paid by those that come after.
 *
 * The block of a PASID is shared by all its portals, under an owner word that nobody waits for: who
 * does not get it is told to retry. A thread that dies with it gives it back when its lane is taken.
 *
 * Spec: 7.3, 7.6; requirements 7.3.3, 7.6.4.
 */
#ifndef SIOV_QOS_H
#define SIOV_QOS_H

#include <rte_meter.h>

#include "siov_portal.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SIOV_QOS_ROUND 32u /**< submissions of a round for each unit of weight */
#define SIOV_QOS_WEIGHT_MAX 255u /**< weight */
#define SIOV_QOS_PRIORITY_MAX 15u /**< priority */
#define SIOV_QOS_RATE_MAX UINT64_C(100000000000) /**< a second */
#define SIOV_QOS_ENGINES_MAX 16u /**< engines whose work a block can follow */

/** What a PASID may do; 0 in a field: no limit of that kind. */
struct siov_qos_conf {
	uint32_t max_outstanding; /**< submissions accepted and not ended */
	uint32_t weight; /**< 0 to SIOV_QOS_WEIGHT_MAX: share of the queue against other weights */
	uint32_t priority; /**< 0 to SIOV_QOS_PRIORITY_MAX: multiplies the weight; 0: 1 */
	uint64_t rate_ops; /**< operations a second, 0 to SIOV_QOS_RATE_MAX */
	uint64_t burst_ops; /**< of them at once; 0: 1 ms of the rate, at least 32 */
	uint64_t rate_bytes; /**< bytes a second, 0 to SIOV_QOS_RATE_MAX */
	uint64_t burst_bytes; /**< of them at once; 0: 10 ms of the rate, at least 64 KiB */
};

/** Operations that have ended, as an engine counts them. */
struct siov_qos_ended {
	SIOV_ATOMIC(uint64_t) nb[3]; /**< completed, failed, aborted */
};

/** A PASID's block; opaque. */
struct siov_qos;

/**
 * Check a configuration.
 *
 * @return 0, or -ERANGE.
 */
SIOV_API int siov_qos_conf_check(const struct siov_qos_conf *conf);

/** Whether it limits anything, or gives a share; a burst without its rate does not. */
SIOV_API bool siov_qos_conf_has_limits(const struct siov_qos_conf *conf);

/**
 * Make the block of a PASID on a shared queue, draining and without limits. Portals that are open
 * already are to be told by siov_portal_recall(), the block what that returns, by
 * siov_qos_add_accepted(); then it is to be opened.
 *
 * @param ended counters of each engine of the queue, for max_outstanding; @p nb of them.
 * @return 0; -EINVAL not a shared queue, or too many engines; -EEXIST; -ENOMEM.
 * Thread: control. The block lives until siov_wq_free.
 */
SIOV_API int siov_qos_create(const struct siov_mem *mem, struct siov_wq *wq, uint32_t pasid,
			     const struct siov_qos_ended *const *ended, unsigned int nb);

/** Count submissions that were accepted before there was a block. Thread: control. */
SIOV_API void siov_qos_add_accepted(struct siov_qos *qos, uint64_t nb);

/** The block of a PASID, or NULL. Thread: any. */
SIOV_API struct siov_qos *siov_qos_find(const struct siov_wq *wq, uint32_t pasid);

/**
 * Change what a PASID may do, at once.
 *
 * @param hz cycles a second of the clock.
 * @return 0; an error of siov_qos_conf_check; -EAGAIN a submitter has the block at this moment: try
 *         again.
 * Thread: control.
 */
SIOV_API int siov_qos_set(struct siov_wq *wq, struct siov_qos *qos,
			  const struct siov_qos_conf *conf, uint64_t hz);

/** Read what was set. Thread: control. */
SIOV_API void siov_qos_get(const struct siov_qos *qos, struct siov_qos_conf *conf);

/**
 * Accept submissions (enabled), or answer Retry (draining, disabled). What portals were granted before,
 * 32 submissions at most each, they may still use unless it is reclaimed. Thread: control.
 */
SIOV_API void siov_qos_set_state(struct siov_qos *qos, enum siov_wq_state state);

/** Have a PASID pay for bytes that a batch has moved. Thread: any. */
SIOV_API void siov_qos_charge(struct siov_wq *wq, uint32_t pasid, uint64_t bytes);

/** Take the block back from the thread of a lane that is gone. Thread: control. */
SIOV_API void siov_qos_recover(struct siov_qos *qos, uint32_t lane_id);

/**
 * Take back what a portal was granted and has not used, while its thread goes on: it asks with its
 * next submission but one at the latest. Not for privileged portals, which are granted one at a time.
 *
 * @return 0; -EAGAIN a submitter has the block at this moment: try again.
 * Thread: control.
 */
SIOV_API int siov_qos_reclaim(struct siov_qos *qos, struct siov_portal *portal);

/** Settle what a portal was granted with what it has used; its thread uses it no more. Thread: control. */
SIOV_API void siov_qos_return(struct siov_qos *qos, const struct siov_portal *portal);

#ifdef __cplusplus
}
#endif

#endif /* SIOV_QOS_H */

/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file
 * Queued invalidation: how software that changed tables itself has the caches told.
 *
 *     software   submit ──► [desc][desc][wait] ──► process: requests to every cache
 *                            head         tail              wait: all of them served, all engines
 *                                                           past them, then status or interrupt
 *
 * siov_domain_unmap() and siov_pasid_unbind() need none of this. It is for tables that a guest writes
 * (SIOV_DOMAIN_NESTED), whose invalidations a VMM takes over, with PASIDs and domain ids of the
 * host; and for software that drives the unit as an operating system does.
 *
 * Each engine's cache is both what VT-d calls IOTLB and the device's TLB, so either kind of
 * descriptor reaches it. Dropping more than asked for is always right, and happens.
 *
 * Page-selective descriptors name whole pages: AM covers the page that was changed, also where the
 * second stage has smaller ones beneath. A nested domain has a domain id of its own; its parent's
 * does not reach it.
 *
 * A descriptor that is wrong stops the queue (IQE), as does a wait that an engine does not answer
 * (ITE): head stays at it, nothing of it is done. Software looks (siov_qi_get_error), puts another in
 * its place or leaves it, clears the error and goes on.
 *
 * Thread: control; one at a time on a queue, never an engine.
 * Spec: 8.1.
 */
#ifndef SIOV_QI_H
#define SIOV_QI_H

#include "siov_iommu.h"
#include "siov_qi_hw.h"

#ifdef __cplusplus
extern "C" {
#endif

struct siov_qi;

#define SIOV_QI_ENTRIES_MIN 2u /**< entries of a queue */
#define SIOV_QI_ENTRIES_MAX 32768u /**< entries of a queue */

/** Configuration of a queue. */
struct siov_qi_conf {
	unsigned int entries; /**< a power of two; one stays free */
	struct siov_prq *prq; /**< where page group responses go; NULL: they are refused */
	void (*on_wait)(
		void *arg); /**< the interrupt of a wait with IF; NULL: such waits are refused */
	void *arg; /**< argument of on_wait */
};

/** Why a queue stands still. */
enum siov_qi_reason {
	SIOV_QI_OK,
	SIOV_QI_BAD_TYPE, /**< unknown, or not offered by the configuration */
	SIOV_QI_RESERVED, /**< a reserved bit is set */
	SIOV_QI_BAD_GRANULARITY,
	SIOV_QI_BAD_ADDRESS, /**< not aligned to its size, size too large, or status not in memory */
	SIOV_QI_BAD_RESPONSE, /**< the page request queue refused it */
	SIOV_QI_TIMEOUT, /**< ITE: an engine did not answer in time */
};

/** Where and why a queue stands still. */
struct siov_qi_error {
	enum siov_qi_reason reason; /**< why */
	unsigned int index; /**< of the descriptor */
	struct siov_qi_desc desc; /**< the descriptor */
};

/**
 * Create an empty queue.
 *
 * @param iommu unit; outlives the queue.
 * @param conf copied.
 * @param out freed with siov_qi_free().
 * @return 0, -EINVAL, -ENOMEM.
 */
SIOV_API int siov_qi_create(struct siov_iommu *iommu, const struct siov_qi_conf *conf,
			    struct siov_qi **out);

/** Free a queue; what was not processed is forgotten. NULL is fine. */
SIOV_API void siov_qi_free(struct siov_qi *qi);

/**
 * Put descriptors at the tail, all or none.
 *
 * @param descs copied.
 * @return 0; -EINVAL; -ENOSPC fewer than @p n entries are free.
 */
SIOV_API int siov_qi_submit(struct siov_qi *qi, const struct siov_qi_desc *descs, unsigned int n);

/**
 * Process from head to tail, waits included.
 *
 * @return number of descriptors processed; -EIO the queue stands still, see siov_qi_get_error().
 */
SIOV_API int siov_qi_process(struct siov_qi *qi);

/** Why the queue stands still; reason SIOV_QI_OK: it does not. */
SIOV_API void siov_qi_get_error(const struct siov_qi *qi, struct siov_qi_error *error);

/**
 * Clear the error; the next siov_qi_process() goes on at head.
 *
 * @param instead put in the place of the descriptor there; NULL: it stays.
 * @return 0; -EINVAL there is no error.
 */
SIOV_API int siov_qi_clear_error(struct siov_qi *qi, const struct siov_qi_desc *instead);

/** Entries between head and tail. */
SIOV_API unsigned int siov_qi_nb_pending(const struct siov_qi *qi);

#ifdef __cplusplus
}
#endif

#endif /* SIOV_QI_H */

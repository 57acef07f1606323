/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file
 * Hardware mailboxes: a register of the device, in a page that a guest has, through which it tells the
 * host's software a number, with nobody in between.
 *
 *     guest ── store ──► mailbox ──► list of the function ── INTCAUSE, vector 0 ──► host: siov_dev_mbox_take
 *
 * A mailbox that is rung again before the host has looked is in the list once, with the last number.
 *
 * Order of calls: siov_dev_mbox_attach on zeroed memory; ring, take; siov_dev_mbox_detach.
 *
 * Thread: ring: any but an engine's; the rest: the host's.
 *
 * Spec: 9.1, 9.4.3 (requirements 9.1.8, 9.4.3.2).
 */
#ifndef SIOV_MBOX_H
#define SIOV_MBOX_H

#include <sys/queue.h>

#include "siov_dev.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A mailbox, in memory of the host's that outlives its use by guests. */
struct siov_mbox {
	SIOV_ATOMIC(struct siov_dev *) dev; /**< NULL: none, stores are dropped */
	SIOV_ATOMIC(uint32_t) value; /**< what was stored last */
	bool is_rung; /**< in the list; under the device's lock */
	TAILQ_ENTRY(siov_mbox) entry; /**< in the device's list */
	void *owner; /**< the host's */
};

/** Make it one of a device's. */
SIOV_API void siov_dev_mbox_attach(struct siov_dev *dev, struct siov_mbox *mbox);

/** Take it away again; what it was told and nobody has taken is lost. Nothing if it is of none. */
SIOV_API void siov_dev_mbox_detach(struct siov_mbox *mbox);

/** What a guest's store does. Nothing on a device that was lost. */
SIOV_API void siov_mbox_ring(struct siov_mbox *mbox, uint32_t value);

/** The next one that was rung, which is not any more; NULL: none. */
SIOV_API struct siov_mbox *siov_dev_mbox_take(struct siov_dev *dev);

#ifdef __cplusplus
}
#endif

#endif /* SIOV_MBOX_H */

/* SPDX-License-Identifier: BSD-3-Clause */
/* What the VDCM asks of a device under its own lock: done at once, or -EAGAIN; never waits. */
#ifndef DEV_NOWAIT_H
#define DEV_NOWAIT_H

#include "siov_dev.h"

/* As siov_dev_attach(); -EAGAIN: an engine has not let go of a detached lane. */
int dev_attach_nowait(struct siov_dev *dev, unsigned int wq_id, uint32_t flags,
		      struct siov_lane **lane);

/* As siov_dev_detach(); -EAGAIN: descriptors on it were not dispatched so far. */
int dev_detach_nowait(struct siov_dev *dev, struct siov_lane *lane);

/* Of some queues, a mask, the one with fewest ADIs on it; UINT32_MAX: none. */
unsigned int dev_least_used_wq(struct siov_dev *dev, uint64_t wqs);

/* As siov_dev_pasid_enable(). */
int dev_pasid_enable_nowait(struct siov_dev *dev, bool is_on);

/* Bus Master Enable: without it nothing can be enabled. 0; -EBUSY a queue is enabled. */
int dev_set_master(struct siov_dev *dev, bool is_on);

/* Whether it has ADIs, or queues that are enabled. */
bool dev_is_busy(struct siov_dev *dev);

/* Functions that depend on each other have different modes: no ADI can be enabled. */
void dev_set_mixed(struct siov_dev *dev, bool is_mixed);

/* Begin a function-level reset, unless one is under way; it goes on by dev_flr_poll(). */
void dev_flr_begin(struct siov_dev *dev);

/* Bring it further. Whether it is under way. Not under the lock. */
bool dev_flr_poll(struct siov_dev *dev);

/*
 * What a reset leaves of all that configuration space decides: 4 KiB pages, the mode for ADIs, no
 * bus master. ADIs that a reset has left for their portals are in nobody's way. 0; -EBUSY a queue is
 * enabled.
 */
int dev_forget_pci(struct siov_dev *dev);

/* The function is lost: nothing it had accepted is done any more. */
void dev_lose(struct siov_dev *dev);

#endif /* DEV_NOWAIT_H */

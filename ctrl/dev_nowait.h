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

#endif /* DEV_NOWAIT_H */

/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file
 * Virtual devices as what they are made of: one or several ADIs, of one function or of several, that
 * one guest gets together and that are reset together.
 *
 *     siov_vdev_create ─► … ADIs are configured, enabled, used as by siov_dev_adi.h … ─► siov_vdev_free
 *                              └─► siov_vdev_reset at any time
 *
 * Configuration space and registers that a guest sees of a virtual device are not here.
 *
 * Thread: one at a time for each VDEV; never an engine's. The devices outlive it.
 *
 * Spec: 7.1, 7.7 (requirements 7.1.2, 7.7.5).
 */
#ifndef SIOV_VDEV_H
#define SIOV_VDEV_H

#include "siov_dev_adi.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SIOV_VDEV_PARTS_MAX 64u /**< ADIs of one VDEV */

/** A virtual device; opaque. */
struct siov_vdev;

/** One ADI of it. */
struct siov_vdev_part {
	struct siov_dev *dev;
	uint32_t adi; /**< its id */
};

/**
 * Compose a VDEV of ADIs, in any state; they cannot be released while they are part of it.
 *
 * @param parts @p nb of them, 1 to SIOV_VDEV_PARTS_MAX.
 * @return 0; -EINVAL @p nb; -ENOENT no such ADI; -EBUSY an ADI is part of a VDEV already, or named
 *         twice; -ENOMEM. On error nothing has changed.
 */
SIOV_API int siov_vdev_create(const struct siov_vdev_part *parts, unsigned int nb,
			      struct siov_vdev **out);

/** Take the composition apart; its ADIs stay as they are. NULL is fine. */
SIOV_API void siov_vdev_free(struct siov_vdev *vdev);

/** How many ADIs it has. */
SIOV_API unsigned int siov_vdev_nb_parts(const struct siov_vdev *vdev);

/** ADI @p i of it; NULL beyond the last. */
SIOV_API const struct siov_vdev_part *siov_vdev_part(const struct siov_vdev *vdev, unsigned int i);

/**
 * Reset each of its ADIs, as siov_dev_adi_reset() does: a virtual function-level reset. When 0 is
 * returned, nothing that the guest had submitted to any of them is left.
 *
 * @return 0; -ENOENT an ADI is no longer there (its function was reset); -EBUSY one is being reset;
 *         -ETIMEDOUT an engine does not poll. On error the others are reset all the same.
 */
SIOV_API int siov_vdev_reset(struct siov_vdev *vdev, unsigned int timeout_ms);

#ifdef __cplusplus
}
#endif

#endif /* SIOV_VDEV_H */

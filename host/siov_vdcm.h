/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file
 * The Virtual Device Composition Module: makes virtual devices (siov_vdev.h) of the ADIs of one or
 * several functions.
 *
 *     VMM ── siov_vdev.h ──► VDCM ── siov_hostdrv.h ──► function 0, function 1, …
 *                             │ types of VDEVs, where there is room, what they may show
 *                             └ on the control lcore (siov_loop.h): jobs, channels, losses
 *
 * VDEVs may be more than the resources behind them: a dedicated queue is taken when a guest enables
 * its queue, and given back when it disables it.
 *
 * Order of calls: siov_hostdrv_probe; siov_vdcm_create; VDEVs; siov_vdcm_free.
 *
 * Thread: any but an engine's; it locks inside and never waits under the lock.
 *
 * Spec: 9.2, 9.4 (requirements 9.2.1, 9.4.2, 9.4.3, 9.4.4, 6.2.3, 6.2.4).
 */
#ifndef SIOV_VDCM_H
#define SIOV_VDCM_H

#include "siov_hostdrv.h"
#include "siov_ir.h"
#include "siov_loop.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SIOV_VDCM_FNS_MAX 8u /**< functions of a VDCM */

/** A VDCM; opaque. */
struct siov_vdcm;
struct siov_vdev; /* siov_vdev.h */

/** What a VDEV can be. */
struct siov_vdev_type {
	const char *name; /**< as the command line has it */
	const char *what; /**< one line */
	bool has_swq; /**< queue 0 is shared */
	bool is_dynamic; /**< its contexts are allocated on the guest's request */
	uint32_t dwqs_min; /**< dedicated queues, behind the shared one */
	uint32_t dwqs_max; /**< most; 0: none */
};

/** What a VDCM works with. */
struct siov_vdcm_conf {
	const struct siov_mem *mem; /**< NULL: siov_mem_eal(); outlives it */
	struct siov_loop *loop; /**< control lcore; NULL: callers do the work that waits */
	struct siov_ir *ir; /**< remapping unit of the functions */
	uint32_t ir_first; /**< entries of it that are the VDCM's: the first, */
	uint32_t ir_nb; /**< and how many */
	uint32_t nb_vdevs_max; /**< 1 to 65535; 0: 65535 */
	unsigned int nb_fns; /**< 1 to SIOV_VDCM_FNS_MAX */
	struct siov_hostdrv *fns[SIOV_VDCM_FNS_MAX]; /**< of one platform; outlive it */
};

/** @return 0; -EINVAL a number, or functions of several platforms; -ENOMEM. */
SIOV_API int siov_vdcm_create(const struct siov_vdcm_conf *conf, struct siov_vdcm **out);

/** @return 0; -EBUSY it has VDEVs. NULL is fine. */
SIOV_API int siov_vdcm_free(struct siov_vdcm *vdcm);

/** What it works with. */
SIOV_API struct siov_ir *siov_vdcm_ir(struct siov_vdcm *vdcm);
/** The platform of its functions. */
SIOV_API struct siov_iommu *siov_vdcm_iommu(struct siov_vdcm *vdcm);

/** Have it look whether a function was lost: for siov_pci_conf's on_lost. Thread: any; no wait. */
SIOV_API void siov_vdcm_wake(struct siov_vdcm *vdcm);

/**
 * Bring what waits one step further, where no control lcore does it. @return whether something waits.
 */
SIOV_API bool siov_vdcm_poll(struct siov_vdcm *vdcm);

/** Type @p i, in the order of the table; NULL beyond the last. */
SIOV_API const struct siov_vdev_type *siov_vdcm_type(unsigned int i);

/** The type of a name; NULL: there is none. */
SIOV_API const struct siov_vdev_type *siov_vdcm_type_find(const char *name);

/** How many more VDEVs of a type fit, each with @p nb_dwqs dedicated queues. */
SIOV_API uint32_t siov_vdcm_room(struct siov_vdcm *vdcm, const struct siov_vdev_type *type,
				 uint32_t nb_dwqs);

/** What all functions have in common, and a VDEV shows when its configuration names nothing less. */
SIOV_API void siov_vdcm_generation(struct siov_vdcm *vdcm, struct siov_hostdrv_generation *gen);

/**
 * Called for each VDEV by rising id; non-zero ends the walk. It may look at the VDEV; it creates and
 * destroys none, and walks no other VDCM.
 */
typedef int (*siov_vdev_cb)(struct siov_vdev *vdev, void *arg);

/** Walk all VDEVs; who destroys one meanwhile waits. @return 0 or cb's value. */
SIOV_API int siov_vdcm_walk(struct siov_vdcm *vdcm, siov_vdev_cb cb, void *arg);

/** VDEV of an id, or NULL. The caller sees to it that it is not destroyed meanwhile. */
SIOV_API struct siov_vdev *siov_vdcm_find(struct siov_vdcm *vdcm, uint32_t id);

#ifdef __cplusplus
}
#endif

#endif /* SIOV_VDCM_H */

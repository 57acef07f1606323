/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file
 * A virtual device (VDEV), as a VMM has it: all that a VMM needs to show it to a guest.
 *
 *     VMM                                            VDEV
 *     regions: configuration space, BAR0, BAR2 ────► size, areas of pages, each of a kind
 *       intercepted access ──── read, write ───────► emulated by the VDCM
 *       mapped page: memory, or portal ◄──────────── area: hva and fd; portal_open
 *     guest memory ── siov_gas.h ──────────────────► reached by its ADIs
 *     interrupts ◄── eventfd, or posted by route ──── VDCM and ADIs
 *     reset, suspend, save, restore, resume ───────► state
 *
 * Region numbers, and states, are those of VFIO, so that a server of vfio-user has nothing to
 * translate. The guest's side of it is in siov_vdev_hw.h.
 *
 * Order of calls: siov_vdcm_create; siov_gas_create; siov_vdev_create; all that is below;
 * siov_vdev_destroy.
 *
 * Thread: any but an engine's; short work under the VDCM's lock. What waits for engines is done by
 * the control lcore where one runs, else by the caller; functions with a time-out wait for it.
 *
 * Spec: 9.4 (requirements 9.4.1 to 9.4.4, 9.4.1.1 to 9.4.3.1), 6.2.6, 7.7.5.
 */
#ifndef SIOV_VDEV_H
#define SIOV_VDEV_H

#include "siov_gas.h"
#include "siov_vdcm.h"
#include "siov_vdev_hw.h"

#ifdef __cplusplus
extern "C" {
#endif

struct siov_cpu; /* siov_cpu.h */

/* ---- life ---- */

/** What a VMM says of how messages reach its guest. */
struct siov_vmm_ops {
	/**
	 * Where a message goes that the guest has programmed: fill in @p entry but for requester id.
	 * Called under the VDCM's lock: it must not call the VDCM.
	 *
	 * @return 0; negative errno: the message means nothing, it is not sent.
	 */
	int (*route)(void *vmm, uint64_t msi_addr, uint32_t msi_data, struct siov_ir_entry *entry);
};

#define SIOV_VDEV_F_FD 0x1u /**< pages of memory have a file descriptor of their own */
#define SIOV_VDEV_F_DVSEC 0x2u /**< it shows a Scalable IOV DVSEC, without IMS */
#define SIOV_VDEV_FN_ANY UINT32_MAX /**< where there is most room */

/** What to compose. */
struct siov_vdev_conf {
	const struct siov_vdev_type *type; /**< what it is made of */
	uint32_t nb_dwqs; /**< dedicated queues, as the type allows */
	struct siov_gas *gas; /**< the guest's memory; outlives it */
	uint16_t rid; /**< virtual requester id: where the guest finds it */
	uint32_t fn; /**< function of its ADIs; SIOV_VDEV_FN_ANY: where there is most room */
	uint32_t nb_fns; /**< 1; 2: a second function stands by; 0: 1 */
	uint64_t page_bytes; /**< system page size; 0: that of the functions */
	/** What it shows, no more than siov_vdcm_generation(); NULL: all of that. */
	const struct siov_hostdrv_generation *generation;
	struct siov_qos_conf qos; /**< of each of its contexts; all 0: no limits */
	uint32_t flags; /**< SIOV_VDEV_F_* */
	const struct siov_vmm_ops *ops; /**< NULL: interrupts by siov_vdev_set_eventfd() only */
	void *vmm; /**< argument of ops */
};

/**
 * Compose a VDEV: its ADIs are allocated and configured, unless they come on request.
 *
 * @return 0; -EINVAL what the type does not allow, a function, page size, generation, or the gas is of
 *         another platform; -ENOSPC VDEVs, ADIs, messages, or no function has a queue for it; -ENOMEM.
 *         Nothing is left behind.
 */
SIOV_API int siov_vdev_create(struct siov_vdcm *vdcm, const struct siov_vdev_conf *conf,
			      struct siov_vdev **out);

/**
 * Reset it, then take it apart. The guest's threads have let go of its pages; portals that are open
 * are closed.
 *
 * @return 0; -ETIMEDOUT an engine does not poll: it stays, without its guest; try again. NULL is fine.
 */
SIOV_API int siov_vdev_destroy(struct siov_vdev *vdev, unsigned int timeout_ms);

/** What it is, and how it is. */
struct siov_vdev_info {
	uint32_t id; /**< of the VDEV */
	const struct siov_vdev_type *type; /**< what it is made of */
	uint16_t rid; /**< virtual requester id */
	uint32_t nb_wqs; /**< queues */
	uint32_t nb_vectors; /**< MSI-X vectors */
	uint32_t nb_adis; /**< that back it now */
	uint32_t nb_contexts; /**< of them, contexts of the guest's PASIDs */
	uint32_t fn; /**< function that works for it */
	uint32_t nb_fns; /**< functions that it can work on */
	uint32_t nb_losses; /**< functions lost under it */
	uint32_t flags; /**< SIOV_VDEV_F_* */
	uint64_t page_bytes; /**< system page size */
	struct siov_qos_conf qos; /**< of each of its contexts */
	/** Whether its queues work. */
	enum siov_vdev_state {
		SIOV_VDEV_ERROR, /**< its state was lost half-way; a reset ends it */
		SIOV_VDEV_STOPPED,
		SIOV_VDEV_RUNNING,
	} state; /**< whether its queues work */
	bool is_enabled; /**< by its guest */
	bool is_halted; /**< its function was lost; waits for the guest's reset */
	size_t memory_bytes; /**< held for it by the VDCM */
	struct siov_hostdrv_generation generation; /**< what it shows */
};

/** Snapshot of it. */
SIOV_API void siov_vdev_get_info(struct siov_vdev *vdev, struct siov_vdev_info *info);

/** What was intercepted, and what became of it. */
struct siov_vdev_stats {
	uint64_t nb_reads[2]; /**< intercepted: configuration space, BARs */
	uint64_t nb_writes[2]; /**< the same */
	uint64_t nb_refused; /**< accesses where nothing is, or of a width that is not allowed */
	uint64_t nb_commands; /**< administrative ones */
	uint64_t nb_requests; /**< of the channel */
	uint64_t nb_page_requests; /**< told to its guest */
	uint64_t nb_request_errors; /**< of them, with an error */
	uint64_t nb_interrupts; /**< made by the VDCM */
	uint64_t nb_resets; /**< by guest and host */
	uint64_t accepted; /**< submissions, of its ADIs now and before */
	uint64_t completed; /**< operations with success */
	uint64_t failed; /**< operations with any other status */
	uint64_t aborted; /**< operations ended by an abort or a reset */
	uint64_t bytes; /**< moved, compared or summed */
};

/** Snapshot of its counters. */
SIOV_API void siov_vdev_get_stats(struct siov_vdev *vdev, struct siov_vdev_stats *stats);

/* ---- regions ---- */

#define SIOV_VDEV_BAR0 0u /**< region of BAR0 */
#define SIOV_VDEV_BAR2 2u /**< region of BAR2 */
#define SIOV_VDEV_CONFIG 7u /**< region of configuration space */
#define SIOV_VDEV_REGIONS 9u /**< as many as VFIO has */
#define SIOV_VDEV_AREAS_MAX 4u /**< areas of a region */

/** What a page does (requirement 9.4.1.1). */
enum siov_page_kind {
	SIOV_PAGE_INTERCEPT, /**< reads and writes go to the VDCM */
	SIOV_PAGE_WRITE_INTERCEPT, /**< reads from memory, writes to the VDCM */
	SIOV_PAGE_MEMORY, /**< memory */
	SIOV_PAGE_DIRECT, /**< registers of an ADI: portals, mailbox */
	SIOV_PAGE_NONE, /**< nothing: reads are all ones, writes are dropped */
};

/** Pages of one kind. */
struct siov_vdev_area {
	uint64_t offset; /**< in the region, multiple of the system page size */
	uint64_t bytes; /**< multiple of the system page size */
	enum siov_page_kind kind; /**< what its pages do */
	void *hva; /**< write-intercept: to read; memory, mailbox: to read and write; else NULL */
	int fd; /**< of the same memory, -1: it has none */
	uint64_t fd_offset; /**< where the memory begins in fd */
};

/** A region. */
struct siov_vdev_region {
	uint64_t bytes; /**< 0: there is none of this number */
	unsigned int nb_areas; /**< pages outside areas are of SIOV_PAGE_INTERCEPT */
	struct siov_vdev_area areas[SIOV_VDEV_AREAS_MAX]; /**< the first nb_areas */
};

/** @param index as of VFIO. @return 0; -EINVAL @p index. */
SIOV_API int siov_vdev_region(struct siov_vdev *vdev, unsigned int index,
			      struct siov_vdev_region *region);

/**
 * An access of the guest that was intercepted. What is not allowed reads as all ones, is dropped when
 * written, and counted; an access of any other page than the kind says is served as well.
 *
 * @param width 1, 2, 4, or but for configuration space 8; aligned. @param value zero-extended.
 * @return 0; -EINVAL width, alignment, or no such region; -ERANGE beyond its end.
 */
SIOV_API int siov_vdev_read(struct siov_vdev *vdev, unsigned int index, uint64_t offset,
			    unsigned int width, uint64_t *value);
/** An intercepted write; as siov_vdev_read(). */
SIOV_API int siov_vdev_write(struct siov_vdev *vdev, unsigned int index, uint64_t offset,
			     unsigned int width, uint64_t value);

/**
 * A store of the guest to a page of BAR0 that is mapped straight to the device: its mailbox. Not an
 * intercept: the VDCM hears of it by the device.
 *
 * @return whether there is something at @p offset; else the store is dropped.
 */
SIOV_API bool siov_vdev_store(struct siov_vdev *vdev, uint64_t offset, unsigned int width,
			      uint64_t value);

/**
 * Where the guest has put a BAR.
 *
 * @param bar 0 or 2. @param gpa as programmed.
 * @return whether it decodes: Memory Space Enable is set.
 */
SIOV_API bool siov_vdev_bar(struct siov_vdev *vdev, unsigned int bar, uint64_t *gpa,
			    uint64_t *bytes);

/* ---- portals ---- */

/**
 * Map a portal page for one context of one guest thread: what is stored to it goes to the ADI behind
 * it. The VDCM leads it elsewhere when the ADI goes away; without one it answers Retry, or drops.
 *
 * @param offset in BAR2, of any byte of the page.
 * @param cpu where the thread runs; it calls this, outside of its guests (siov_cpu_leave), and alone
 *            submits.
 * @param pasid the guest PASID of the context, as IA32_PASID has it; UINT32_MAX: none.
 * @param out for siov_vm_enqcmd() and siov_vm_movdir64b(), whatever its queue is; owned by the VDEV.
 * @return 0; -EINVAL no portal page; -EBUSY a dedicated queue's portal is open; -ENOMEM.
 */
SIOV_API int siov_vdev_portal_open(struct siov_vdev *vdev, uint64_t offset, struct siov_cpu *cpu,
				   uint32_t pasid, struct siov_vm_portal **out);

/** Unmap it. Thread: that of its cpu. NULL is fine. */
SIOV_API void siov_vdev_portal_close(struct siov_vdev *vdev, struct siov_vm_portal *portal);

/** Whose portal it is. */
SIOV_API struct siov_vdev *siov_vdev_of_portal(const struct siov_vm_portal *portal);

/* ---- interrupts ---- */

/**
 * Have a vector raise an eventfd instead of what the guest programs, as VFIO does it.
 *
 * @param vector 0 to nb_vectors - 1.
 * @param fd an eventfd with EFD_NONBLOCK, the caller's until another is set; -1: as programmed.
 * @return 0; -EINVAL vector, or no such eventfd; -ENOSPC no remapping entry is free; -ENOMEM.
 */
SIOV_API int siov_vdev_set_eventfd(struct siov_vdev *vdev, unsigned int vector, int fd);

/* ---- state ---- */

/**
 * Virtual function-level reset: each ADI is reset, and registers, configuration space and channel are
 * as after creation. Without @p timeout_ms (0) it is begun, and goes on by itself.
 *
 * @return 0; -EINPROGRESS begun, with timeout_ms 0; -EBUSY one is under way; -ETIMEDOUT.
 * Spec: 7.7 (requirement 7.7.5).
 */
SIOV_API int siov_vdev_reset(struct siov_vdev *vdev, unsigned int timeout_ms);

/**
 * Stop it: what its guest has submitted completes, submissions are told to retry.
 *
 * @return 0, also if it is stopped; -EBUSY another action is under way; -ETIMEDOUT: it runs.
 */
SIOV_API int siov_vdev_suspend(struct siov_vdev *vdev, unsigned int timeout_ms);

/** Go on after a suspend or a restore. @return 0; -EBUSY it is not stopped. */
SIOV_API int siov_vdev_resume(struct siov_vdev *vdev);

/**
 * Write its state as bytes; it is stopped.
 *
 * @param out NULL with @p len 0: only say how many it would be.
 * @return bytes; -EBUSY it is not stopped; -ENOSPC @p len.
 */
SIOV_API int64_t siov_vdev_save(struct siov_vdev *vdev, void *out, size_t len);

/**
 * Bring saved state into a VDEV of the same type and numbers, here or elsewhere, that was just
 * created or reset. It is stopped then; siov_vdev_resume() lets it run, on its own function, with
 * interrupt handles that the guest requests anew.
 *
 * @return 0; -EBUSY its guest has used it already; -EBADMSG no image, or a damaged one; -ENOTSUP an
 *         image of another version; -EINVAL of another type, other numbers, or it shows more than
 *         this host has; -ENOSPC, -ENOMEM. On error it is as it was.
 */
SIOV_API int siov_vdev_restore(struct siov_vdev *vdev, const void *in, size_t len);

/** Print it. */
SIOV_API void siov_vdev_dump(FILE *f, struct siov_vdev *vdev);

/** Print its configuration space, as lspci -F reads it. */
SIOV_API void siov_vdev_dump_config(FILE *f, struct siov_vdev *vdev);

#ifdef __cplusplus
}
#endif

#endif /* SIOV_VDEV_H */

/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file
 * A guest driver of a VDEV, which knows nothing but the VDEV: configuration space, registers, memory,
 * portals, vectors, by way of a vCPU (siov_vcpu.h).
 *
 *     siov_guest_probe ─► _wq_enable ─► _open ─► siov_guest_submit, completion records in memory
 *                                                siov_guest_poll: vectors ─► callbacks
 *     siov_guest_close ─► _wq_disable ─► siov_guest_remove
 *
 * It is also the example of how to write one: README.md beside it.
 *
 * State that a driver needs to go on after a migration lies in the guest's memory, in the page that
 * probe is given; siov_guest_attach() takes it up again on another host.
 *
 * Thread: the vCPU's. Several vCPUs may have opened queues of one device; probe, attach, remove,
 * enable, disable, reset, call are for one of them.
 *
 * Spec: 9.3, 9.4 (requirements 9.3.1, 9.3.2).
 */
#ifndef SIOV_GUEST_H
#define SIOV_GUEST_H

#include "siov_vcpu.h"
#include "siov_vdev_hw.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SIOV_GUEST_WQS_MAX SIOV_VDEV_WQS_MAX /**< queues of a VDEV */
#define SIOV_GUEST_STATE_BYTES 4096u /**< bytes of the driver's page */

/** A device as the driver runs it; opaque. */
struct siov_guest;

/** A page that is asked for. */
struct siov_guest_page {
	uint32_t n; /**< names it */
	uint32_t pasid; /**< the guest's */
	uint64_t addr; /**< of the page */
	uint32_t flags; /**< SIOV_VPAGE_READ, _WRITE, _PRIV */
};

/** What is told to its owner, out of siov_guest_poll(). */
struct siov_guest_ops {
	/** Vector of queue @p wq came. */
	void (*on_interrupt)(void *arg, struct siov_guest *guest, unsigned int wq);
	/**
	 * The device halted: what was submitted and has no record now never will have one. When this
	 * returns the driver resets the device and enables the queues that were.
	 */
	void (*on_halt)(void *arg, struct siov_guest *guest);
	/** Interrupt handles are others now: siov_guest_handle() has them. */
	void (*on_handles)(void *arg, struct siov_guest *guest);
	/** An error of the device's SWERR register: @p code is a completion status. */
	void (*on_error)(void *arg, struct siov_guest *guest, uint8_t code, uint64_t addr);
	/**
	 * Work of a PASID waits for a page: map it or not, and answer with siov_guest_page_answer(), here
	 * or later. NULL: siov_guest_pasid_bind() asks for no page requests, faults are final.
	 */
	void (*on_page)(void *arg, struct siov_guest *guest, const struct siov_guest_page *page);
};

/** What a driver is given. */
struct siov_guest_conf {
	uint16_t bdf; /**< where it is: bus << 8, device << 3, function */
	uint64_t state_gpa; /**< page of memory, SIOV_GUEST_STATE_BYTES, that is the driver's */
	uint8_t first_vector; /**< vectors from here on are the device's, one a message; 32 to 200 */
	bool has_mailbox; /**< requests are told by the hardware mailbox: no intercept */
	const struct siov_guest_ops *ops; /**< NULL: nobody is told */
	void *arg; /**< argument of ops */
};

/**
 * Find the device, size and place its BARs, set up MSI-X, reset and enable it, open the channel if it
 * has one.
 *
 * @return 0; -EINVAL the state's page is no memory, or @p conf's vector; -ENODEV no device there, or
 *         not one of this driver; -ENOTSUP a capability, version or register that the driver cannot
 *         work with, or no room for its BARs; -EIO a command failed; -ETIMEDOUT; -ENOMEM; -ESHUTDOWN
 *         the VM is to run here no longer.
 */
SIOV_API int siov_guest_probe(struct siov_vcpu *vcpu, const struct siov_guest_conf *conf,
			      struct siov_guest **out);

/**
 * Take up a device that was migrated here, running, with its queues enabled as they were; portals are
 * to be opened anew. Interrupt handles are others.
 *
 * @param conf as of probe; another vCPU may be the one that takes its vectors.
 * @return as siov_guest_probe(); -EINVAL also: no state, or not of this device.
 */
SIOV_API int siov_guest_attach(struct siov_vcpu *vcpu, const struct siov_guest_conf *conf,
			       struct siov_guest **out);

/** Forget the object; the device goes on: what is left of a driver that was migrated away. */
SIOV_API void siov_guest_detach(struct siov_guest *guest);

/**
 * Disable queues and device, let go.
 *
 * @return 0; -EBUSY a queue is open; -ETIMEDOUT, -EIO, -ESHUTDOWN: the driver's object is gone.
 */
SIOV_API int siov_guest_remove(struct siov_guest *guest);

/** What the device can do, as its registers say. */
struct siov_guest_info {
	uint32_t version; /**< of the registers */
	uint64_t gencap; /**< GENCAP */
	uint64_t opcap[4]; /**< bit n: operation n */
	uint32_t nb_wqs; /**< queues */
	uint32_t xfer_max; /**< bytes */
	uint32_t batch_max; /**< descriptors */
	uint32_t nb_vectors; /**< MSI-X vectors */
	bool has_channel; /**< requests can be sent */
	struct {
		uint32_t size; /**< entries */
		bool is_dedicated;
		bool is_enabled;
		uint32_t handle; /**< interrupt handle; UINT32_MAX: none */
	} wqs[SIOV_GUEST_WQS_MAX]; /**< the first nb_wqs */
};

/** What the device can do, and how its queues are. */
SIOV_API void siov_guest_get_info(struct siov_guest *guest, struct siov_guest_info *info);

/**
 * Enable a queue.
 *
 * @param pasid guest PASID that the driver's own work has, so that addresses are guest-physical;
 *              UINT32_MAX: none (dedicated queues; shared ones with contexts on request).
 * @return 0; -EINVAL no such queue, it is enabled, PASID; -EAGAIN none is free behind it; -EIO;
 *         -ETIMEDOUT; -ESHUTDOWN.
 */
SIOV_API int siov_guest_wq_enable(struct siov_guest *guest, unsigned int wq, uint32_t pasid);

/** Drain and disable it. @return 0; -EINVAL; -EIO; -ETIMEDOUT; -ESHUTDOWN. */
SIOV_API int siov_guest_wq_disable(struct siov_guest *guest, unsigned int wq);

/** Drain, abort: DSA's commands. @return as siov_guest_wq_disable(). */
SIOV_API int siov_guest_wq_drain(struct siov_guest *guest, unsigned int wq);
/** Abort a queue's work; as siov_guest_wq_drain(). */
SIOV_API int siov_guest_wq_abort(struct siov_guest *guest, unsigned int wq);

/** A way to submit, of one vCPU, with one PASID; inline use below. */
struct siov_guest_queue {
	struct siov_vm_portal *portal; /**< what submissions go through */
	struct siov_guest *guest; /**< whose queue it is */
	struct siov_vcpu *vcpu; /**< that opened it */
	uint32_t wq; /**< index of the queue */
	bool is_dedicated; /**< it takes MOVDIR64B */
};

/** Open a queue for the calling vCPU. @return 0; -EINVAL; as siov_vcpu_portal_open(). */
SIOV_API int siov_guest_open(struct siov_guest *guest, struct siov_vcpu *vcpu, unsigned int wq,
			     uint32_t pasid, struct siov_guest_queue *queue);
/** Close it. */
SIOV_API void siov_guest_close(struct siov_guest_queue *queue);

/**
 * Submit.
 *
 * @param desc 64 bytes, 64-byte aligned.
 * @return SIOV_DMWR_SUCCESS, also for what was posted to a dedicated queue; else not accepted.
 * Thread: the vCPU's of the queue. No trap.
 */
static inline enum siov_dmwr
siov_guest_submit(struct siov_guest_queue *queue, const struct dsa_hw_desc *desc)
{
	if (!queue->is_dedicated)
		return siov_vm_enqcmd(queue->portal, desc);
	siov_vm_movdir64b(queue->portal, desc);
	return SIOV_DMWR_SUCCESS;
}

/** Interrupt handle for descriptors of a queue; UINT32_MAX: none. */
SIOV_API uint32_t siov_guest_handle(struct siov_guest *guest, unsigned int wq);

/**
 * Take vectors of the vCPU and do what those of the device ask for; others are dropped. A vCPU that
 * has several devices takes vectors itself, and gives each driver those of its device:
 * siov_guest_interrupt().
 *
 * @return number of the device's; -EIO it halted, and could not be brought back: siov_guest_reset()
 *         or _remove(); -ESHUTDOWN the VM is to run here no longer.
 * Thread: the vCPU's that probed.
 */
SIOV_API int siov_guest_poll(struct siov_guest *guest);

/**
 * Do what a vector asks for, that siov_vcpu_take() has returned.
 *
 * @return 1; 0 it is not the device's; -EIO, -ESHUTDOWN as siov_guest_poll().
 */
SIOV_API int siov_guest_interrupt(struct siov_guest *guest, int vector);

/**
 * Reset the device by its function-level reset, and set it up as probe does; queues are disabled.
 *
 * @return 0; as siov_guest_probe(), then it is not usable.
 */
SIOV_API int siov_guest_reset(struct siov_guest *guest);

/**
 * Send a request through the channel and wait for its answer.
 *
 * @param arg 6 words. @param ret 7 words, or NULL.
 * @return the answer's status; -ENOTSUP it has no channel; -ETIMEDOUT, its slot is in use until the
 *         answer comes; -EBUSY all 16 slots are; -EIO the device halted, or its answer is none to this;
 *         -ESHUTDOWN.
 */
SIOV_API int siov_guest_call(struct siov_guest *guest, enum siov_vdev_op op, const uint64_t *arg,
			     uint64_t *ret);

/**
 * Requests of siov_guest_call(), by name; see enum siov_vdev_op.
 *
 * @param fs_root,levels tables of the PASID; 0, 0: none, its addresses are guest-physical.
 */
SIOV_API int siov_guest_pasid_bind(struct siov_guest *guest, uint32_t pasid, uint64_t fs_root,
				   unsigned int levels);
/**
 * Answer a page request.
 *
 * @param n of struct siov_guest_page.
 * @param code 0: the page is there now, try again; 1: there is no such page; 15: it could not be brought.
 * @return 0; -EINVAL code; -ENOENT nobody waits for it any more (a reset, a move), or it was answered.
 * Thread: the vCPU's that probed.
 */
SIOV_API int siov_guest_page_answer(struct siov_guest *guest, uint32_t n, unsigned int code);

/** Request SIOV_VOP_PASID_UNBIND. */
SIOV_API int siov_guest_pasid_unbind(struct siov_guest *guest, uint32_t pasid);
/** Request SIOV_VOP_CONTEXT_ALLOC, with the queue's vector where it has one. */
SIOV_API int siov_guest_context_alloc(struct siov_guest *guest, unsigned int wq, uint32_t pasid,
				      uint32_t *handle);
/** Request SIOV_VOP_CONTEXT_FREE. */
SIOV_API int siov_guest_context_free(struct siov_guest *guest, unsigned int wq, uint32_t pasid);

#ifdef __cplusplus
}
#endif

#endif /* SIOV_GUEST_H */

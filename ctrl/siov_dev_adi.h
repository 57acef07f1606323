/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file
 * ADIs of a device: allocated, configured, enabled, drained, aborted, suspended, reset, released.
 *
 *     siov_dev_adi_alloc ─► _configure ─► _enable ─► _portal_open, submissions ─► _disable ─► _release
 *                                              └─► _drain, _abort, _suspend ─► _save; _reset at any time
 *
 * The state machine is in siov_adi.h; an action that is not legal now is refused with -EBUSY and
 * changes nothing. On a shared queue an ADI is the pair (queue, PASID): its work is told from that
 * of others by the PASID that the DMWr carries, and the queue itself is untouched by whatever
 * happens to one of its ADIs. Dedicated queues are bound when an ADI is enabled, to more ADIs than
 * there are queues if need be, and given back when it is disabled and has no lane on them.
 *
 * All that changes an ADI returns -ENODEV once the function is lost (siov_pci.h), but for its release.
 *
 * Thread: any but an engine's. What waits for work to end is stepped by the control lcore if one
 * runs, else by the caller; the rest is done at once under the device's lock.
 *
 * Spec: 7.1, 7.2, 7.5, 7.7.
 */
#ifndef SIOV_DEV_ADI_H
#define SIOV_DEV_ADI_H

#include "siov_adi.h"
#include "siov_dev.h"
#include "siov_ims.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SIOV_ADI_IMAGE_MAX 512u /**< bytes that siov_dev_adi_save() writes at most */

/** What the host sets of an ADI, beyond its type. */
struct siov_adi_conf {
	uint32_t pasid; /**< primary: of its work; 0: none so far, it cannot be enabled */
	/** Secondary, of a control domain: completion records and batch lists; 0: the primary. */
	uint32_t control_pasid;
	uint32_t wq_id; /**< its shared queue, where the type has one */
	uint32_t nb_dwqs; /**< dedicated queues, as the type allows */
	uint32_t nb_messages; /**< interrupt messages, up to what the type allows */
	struct siov_qos_conf qos; /**< limits on its shared queue; all 0: none */
};

/** An ADI as it is. */
struct siov_adi_info {
	uint32_t id; /**< of the ADI */
	enum siov_adi_type type; /**< what it is made of */
	enum siov_adi_owner owner; /**< whom it is for */
	enum siov_adi_state state; /**< where it is in its life */
	struct siov_adi_conf conf; /**< as configured */
	uint32_t dwqs[SIOV_ADI_DWQS_MAX]; /**< bound to it, see nb_bound */
	uint32_t nb_bound; /**< dedicated queues bound */
	uint32_t
		messages[SIOV_ADI_MESSAGES_MAX]; /**< interrupt handles, conf.nb_messages of them */
	uint64_t accepted; /**< counts of its life, those before a save included */
	uint64_t completed; /**< operations with success */
	uint64_t failed; /**< operations with any other status */
	uint64_t aborted; /**< operations ended by an abort or a reset */
	uint64_t bytes; /**< moved, compared or summed */
	uint32_t nb_errors; /**< of its work that no record could tell */
};

/** An interrupt message of an ADI. */
struct siov_adi_message {
	uint64_t addr; /**< of the message */
	uint32_t data; /**< of the message */
	bool is_masked; /**< it is held back */
	bool is_pending; /**< ignored when set */
	struct siov_ims_moderation moderation; /**< how often it may be sent */
};

/**
 * Allocate an ADI. O(1).
 *
 * @param id a number that is not given to another soon; 0 to UINT32_MAX - 1.
 * @return 0; -EINVAL unknown type or owner; -ENOSPC nb_adis of the device; -ENOMEM.
 * Spec: 7.1 (requirements 7.1.1, 7.1.4).
 */
SIOV_API int siov_dev_adi_alloc(struct siov_dev *dev, enum siov_adi_type type,
				enum siov_adi_owner owner, uint32_t *id);

/**
 * Set PASIDs, queues and interrupt messages of an ADI that is allocated or configured; messages are
 * masked.
 *
 * @return 0; -ENOENT no such ADI; -EBUSY state; -EINVAL queue (none, or not shared), PASID, number of
 *         queues or messages, limits without shared queue or PASID; -ERANGE limits; -EEXIST another
 *         ADI has this PASID on this queue; -ENOSPC no message is free; -ENOMEM. On error nothing has
 *         changed.
 * Thread: the host's; nothing that a guest reaches calls it (requirement 7.6.2).
 */
SIOV_API int siov_dev_adi_configure(struct siov_dev *dev, uint32_t id,
				    const struct siov_adi_conf *conf);

/**
 * Let an ADI work: bind its dedicated queues, accept its submissions.
 *
 * @return 0; -ENOENT; -EBUSY state; -EPERM PASIDs, or Bus Master, are not enabled in the function; -EXDEV
 *         a function that this one depends on is in another mode; -ENXIO it has no PASID; -EAGAIN fewer
 *         dedicated queues are free than it needs; -ENOMEM.
 * Spec: 7.2 (requirements 7.2.1, 7.2.2).
 */
SIOV_API int siov_dev_adi_enable(struct siov_dev *dev, uint32_t id);

/**
 * Wait until what it has had accepted has ended; submissions are told to retry meanwhile.
 *
 * @return 0; -ENOENT; -EBUSY state; -ECANCELED another action has overtaken this one; -ETIMEDOUT: it
 *         is enabled, as before.
 */
SIOV_API int siov_dev_adi_drain(struct siov_dev *dev, uint32_t id, unsigned int timeout_ms);

/** The same, and what it has had accepted ends with status SIOV_COMP_ABORTED. */
SIOV_API int siov_dev_adi_abort(struct siov_dev *dev, uint32_t id, unsigned int timeout_ms);

/** Drain, then accept nothing more. @return as siov_dev_adi_drain. */
SIOV_API int siov_dev_adi_disable(struct siov_dev *dev, uint32_t id, unsigned int timeout_ms);

/** Drain, then rest, with its queues kept, to be saved or resumed. @return as siov_dev_adi_drain. */
SIOV_API int siov_dev_adi_suspend(struct siov_dev *dev, uint32_t id, unsigned int timeout_ms);

/** Go on after a suspend. @return 0; -ENOENT; -EBUSY state. */
SIOV_API int siov_dev_adi_resume(struct siov_dev *dev, uint32_t id);

/**
 * Reset one ADI; the others go on. What it has had accepted is discarded, without records and
 * interrupts. When 0 is returned
 *  - its DMA writes are done or will never be,
 *  - its DMA reads likewise,
 *  - interrupts of what had completed were sent, none is pending, its messages are masked,
 *  - its translation requests are over,
 *  - no page request of it is outstanding: answers that come later are thrown away.
 * It is configured then, as by siov_dev_adi_configure().
 *
 * @return 0; -ENOENT; -EBUSY it is being reset; -ETIMEDOUT an engine does not poll: it stays shut off,
 *         as if suspended; try again.
 * Spec: 7.7 (requirements 7.7.1 to 7.7.4).
 */
SIOV_API int siov_dev_adi_reset(struct siov_dev *dev, uint32_t id, unsigned int timeout_ms);

/** An action that was begun and is not over; opaque. */
struct siov_adi_job;

/**
 * Begin one of the five actions above without waiting for it. Its time-out counts from now, its end
 * comes with a siov_dev_adi_poll(): one that is not polled any more goes on for ever.
 *
 * @param action SIOV_ADI_DO_DRAIN, _ABORT, _DISABLE, _SUSPEND or _RESET.
 * @param job to be polled if -EINPROGRESS is returned; else there is none.
 * @return 0: over already; -EINPROGRESS; -EINVAL @p action; -ENOMEM: not begun; or an error of the
 *         action.
 */
SIOV_API int siov_dev_adi_begin(struct siov_dev *dev, uint32_t id, enum siov_adi_action action,
				unsigned int timeout_ms, struct siov_adi_job **job);

/**
 * Bring an action further. Never waits.
 *
 * @return -EAGAIN: poll again; else what the action returns, and @p job is gone.
 * Thread: one at a time for each job.
 */
SIOV_API int siov_dev_adi_poll(struct siov_adi_job *job);

/**
 * Make an ADI part of something that was composed of it: it is not released until it is set free.
 *
 * @return 0; -ENOENT; -EBUSY it is part of another.
 */
SIOV_API int siov_dev_adi_claim(struct siov_dev *dev, uint32_t id);

/** Set it free. Nothing happens if it is no longer there. */
SIOV_API void siov_dev_adi_unclaim(struct siov_dev *dev, uint32_t id);

/**
 * Give an ADI back that is allocated or configured, with its messages.
 *
 * @return 0; -ENOENT; -EBUSY state, it has open portals, or it is claimed.
 */
SIOV_API int siov_dev_adi_release(struct siov_dev *dev, uint32_t id);

/**
 * Change the limits of an ADI on its shared queue, in any state but allocated, at once.
 *
 * @return 0; -ENOENT; -EBUSY it is not configured; -EINVAL it has no shared queue, or no PASID; or an
 *         error of siov_dev_qos_set.
 * Spec: 7.6 (requirement 7.6.4).
 */
SIOV_API int siov_dev_adi_set_qos(struct siov_dev *dev, uint32_t id,
				  const struct siov_qos_conf *conf);

/**
 * Open a portal of an ADI on a lane of one of its queues, see siov_dev_portal_open().
 *
 * @return also -ENOENT (ADI), -EINVAL (a lane of another queue), -ENXIO (no PASID).
 */
SIOV_API int siov_dev_adi_portal_open(struct siov_dev *dev, uint32_t id, struct siov_lane *lane,
				      struct siov_portal **portal);

/** @return 0 or -ENOENT. */
SIOV_API int siov_dev_adi_info(struct siov_dev *dev, uint32_t id, struct siov_adi_info *info);

/** Called for each ADI, in the order of its index; non-zero ends the walk. May call the device. */
typedef int (*siov_adi_cb)(const struct siov_adi_info *info, void *arg);

/** Walk all ADIs. @return 0 or cb's value. */
SIOV_API int siov_dev_adi_walk(struct siov_dev *dev, siov_adi_cb cb, void *arg);

/** The enabled or suspended ADI of a PASID on a queue, as errors name them. @return 0 or -ENOENT. */
SIOV_API int siov_dev_adi_of(struct siov_dev *dev, unsigned int wq_id, uint32_t pasid,
			     uint32_t *id);

/**
 * Program message @p n of an ADI: host driver only (requirement 7.5.7).
 *
 * @return 0; -ENOENT (ADI); -ERANGE (n); -EINVAL (moderation).
 */
SIOV_API int siov_dev_adi_set_message(struct siov_dev *dev, uint32_t id, unsigned int n,
				      const struct siov_adi_message *message);

/** Raise message @p n as work of the ADI would. @return also -EACCES: it is nobody's. */
SIOV_API int siov_dev_adi_trigger(struct siov_dev *dev, uint32_t id, unsigned int n);

/** Read message @p n. @return as siov_dev_adi_set_message. */
SIOV_API int siov_dev_adi_get_message(struct siov_dev *dev, uint32_t id, unsigned int n,
				      struct siov_adi_message *message);

/**
 * Have the device read entries of IMS in host memory anew, which the host driver has written there
 * itself (siov_ims.h says how); what this library's functions write needs no invalidation.
 *
 * @param first handle. @param nb entries.
 * @return 0, also if entries are in the device; -ENOTSUP no IMS; -ERANGE.
 * Spec: 7.5 (requirement 7.5.5).
 */
SIOV_API int siov_dev_ims_invalidate(struct siov_dev *dev, uint32_t first, uint32_t nb);

/** Counters of all messages of ADIs. @return 0; -ENOTSUP the device has no interrupts. */
SIOV_API int siov_dev_message_stats(struct siov_dev *dev, struct siov_ims_stats *stats);

/**
 * Write an ADI's state as bytes; it must be suspended or configured. PASIDs and queues are not in
 * it.
 *
 * @param out  SIOV_ADI_IMAGE_MAX bytes are always enough.
 * @return bytes written; -ENOENT; -EBUSY state; -ENOSPC @p len is too small.
 * Spec: 7.7 (requirement 7.7.7).
 */
SIOV_API int siov_dev_adi_save(struct siov_dev *dev, uint32_t id, void *out, size_t len);

/**
 * Bring saved state into a configured ADI of the same type, with as many queues and messages.
 *
 * @return 0; -ENOENT; -EBUSY state; -EBADMSG no image, or a damaged one; -ENOTSUP an image of another
 *         version; -EINVAL of another type, or other numbers of queues or messages. On error nothing
 *         has changed.
 */
SIOV_API int siov_dev_adi_restore(struct siov_dev *dev, uint32_t id, const void *in, size_t len);

/** What a function-wide reset leaves. */
enum siov_reset_kind {
	SIOV_RESET_FLR, /**< no ADI, queues disabled, PASIDs and MSI-X not enabled */
	SIOV_RESET_ALL, /**< no ADI, queues disabled */
	SIOV_RESET_KEEP, /**< all ADIs reset, and configured as they were; queues as they were */
};

/**
 * Reset the function: what every ADI and queue has had accepted is discarded.
 *
 * ADIs with open portals stay allocated (their threads may be using them) but lose their
 * configuration, and with it what tells their work from that of others: close portals first.
 *
 * @return 0; -EBUSY another is under way; -ETIMEDOUT: queues are disabled, ADIs as they were.
 * Spec: 7.7 (requirement 7.7.6).
 */
SIOV_API int siov_dev_reset(struct siov_dev *dev, enum siov_reset_kind kind,
			    unsigned int timeout_ms);

/** How the function is shared. */
enum siov_dev_mode {
	SIOV_MODE_SCALABLE, /**< ADIs */
	SIOV_MODE_SRIOV, /**< virtual functions: no ADI can be allocated */
};

/**
 * Change between Scalable IOV and SR-IOV.
 *
 * @return 0; -EINVAL; -EBUSY there are ADIs, or queues are enabled.
 */
SIOV_API int siov_dev_set_mode(struct siov_dev *dev, enum siov_dev_mode mode);
/** The mode now. */
SIOV_API enum siov_dev_mode siov_dev_get_mode(struct siov_dev *dev);

/**
 * Make the ADIs that the device's configuration asks for (siov_dev_adi_row): configured, and enabled if
 * they have a PASID and no dedicated queues, which are bound by who uses them.
 *
 * @return 0, or the first error of siov_dev_adi_alloc(), _configure() or _enable(): then none was made.
 */
SIOV_API int siov_dev_adi_make_rows(struct siov_dev *dev);

/** ADIs that are allocated. */
SIOV_API uint32_t siov_dev_adi_used(struct siov_dev *dev);

/** Bytes held for ADIs, without portals and per-PASID counters (siov_dev_pasid_memory()). */
SIOV_API size_t siov_dev_adi_memory(struct siov_dev *dev);

#ifdef __cplusplus
}
#endif

#endif /* SIOV_DEV_ADI_H */

/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file
 * Interrupt message storage (IMS): the messages that ADIs raise, each with an owner.
 *
 *     host driver --alloc, program, mask--> [ entry: address, data, mask, pending, PASID, owner ]
 *                                                ^ handle, PASID           | masked: pending
 *     descriptor of an ADI --> engine: check ----'                         v
 *                                                               siov_ir_deliver(rid, address, data)
 *
 * An entry belongs to one ADI: an engine raises it only for work of the entry's PASID, and control
 * frees it only in the name of its owner. Nothing here can be reached through a portal.
 *
 * Entries live in the device (default), or in host memory given by the caller
 * (siov_ims_conf.host), of which the device keeps copies. Then program, mask, unmask and set_pasid
 * write host memory, and the device goes on with its copy until siov_ims_invalidate(). Who writes
 * host entries without these functions sets SIOV_IMS_CTRL_MASK and counts SIOV_IMS_CTRL_VERSION up
 * before it changes address and data, and writes the last 8 bytes as one.
 *
 * Order of calls: create; alloc; set_pasid; program; unmask; (invalidate); engines raise; free of
 * the entry, free.
 *
 * Entries change while engines raise: each message goes out as it was or as it is, never half, and
 * no engine ever waits. An event of a masked entry sets pending, however many come; unmasking sends
 * one message for all of them. When mask or free has returned, an engine may still be sending a
 * message that it began before: siov_ir_synchronize() waits for it.
 *
 * Thread: control functions lock inside and may be called from any thread, not by engines.
 *
 * Spec: 7.5.1, 7.5.2 (requirements 7.5.1 to 7.5.8).
 */
#ifndef SIOV_IMS_H
#define SIOV_IMS_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "siov_compat.h"
#include "siov_mem.h"

#ifdef __cplusplus
extern "C" {
#endif

struct siov_ir; /* siov_ir.h */

/** Interrupt message storage of a function; opaque. */
struct siov_ims;

#define SIOV_IMS_ENTRIES_MAX (1u << 20) /**< entries of a storage */
#define SIOV_IMS_ENTRY_BYTES 64u /**< of the device for each entry */
#define SIOV_IMS_ENGINES_MAX 256u /**< engines that raise messages */
#define SIOV_IMS_INTERVAL_US_MAX 8000u /**< moderation: microseconds */
#define SIOV_IMS_EVENTS_MAX 16383u /**< moderation: events */

/* Control word of an entry. */
#define SIOV_IMS_CTRL_MASK 0x1u /**< masked */
#define SIOV_IMS_CTRL_PENDING 0x2u /**< read only; 0 in host memory */
#define SIOV_IMS_CTRL_IGNORE 0x4u /**< work of any PASID may raise it */
#define SIOV_IMS_CTRL_PASID_EN 0x8u /**< clear: only work without PASID may raise it */
#define SIOV_IMS_CTRL_VERSION 0xff0u /**< of an entry in host memory; read as 0 */
#define SIOV_IMS_CTRL_VERSION_ONE 0x10u /**< one step of it */
#define SIOV_IMS_CTRL_PASID_SHIFT 12 /**< of the PASID */
#define SIOV_IMS_CTRL_PASID 0xfffff000u /**< PASID whose work may raise it */

/** An entry in host memory. */
struct siov_ims_host_entry {
	SIOV_ATOMIC(uint64_t) addr; /**< message address */
	SIOV_ATOMIC(uint64_t) data_ctrl; /**< message data, SIOV_IMS_CTRL_* << 32 */
};

static_assert(sizeof(struct siov_ims_host_entry) == 16, "an entry has 16 bytes");
static_assert(offsetof(struct siov_ims_host_entry, data_ctrl) == 8, "data comes after address");

/** Configuration. */
struct siov_ims_conf {
	const struct siov_mem *mem; /**< NULL: siov_mem_eal(); must outlive the storage */
	struct siov_ir *ir; /**< where messages go; must outlive the storage */
	struct siov_ims_host_entry
		*host; /**< NULL: entries live in the device; else nb_entries, the caller's */
	uint64_t tsc_hz; /**< cycles a second of the engines' clock, from 1,000,000 on */
	int socket_id; /**< NUMA node, -1: any */
	unsigned int nb_entries; /**< 1 to SIOV_IMS_ENTRIES_MAX */
	unsigned int nb_engines; /**< 1 to SIOV_IMS_ENGINES_MAX */
	uint16_t rid; /**< requester id of the function */
};

/** Moderation of an entry. */
struct siov_ims_moderation {
	uint32_t interval_us; /**< between two messages at least; 0: none */
	uint32_t max_events; /**< held back before one is sent early; 0: any number */
};

/** An entry as it is. */
struct siov_ims_entry {
	uint64_t addr; /**< message address */
	uint32_t data; /**< message data */
	uint32_t ctrl; /**< SIOV_IMS_CTRL_* */
	uint32_t owner; /**< as given to siov_ims_alloc() */
};

/** What is counted, for each engine. */
enum siov_ims_count {
	SIOV_IMS_SENT, /**< messages delivered */
	SIOV_IMS_BLOCKED, /**< messages that interrupt remapping refused */
	SIOV_IMS_PENDED, /**< events of masked entries */
	SIOV_IMS_HELD, /**< events held back by moderation */
	SIOV_IMS_REFUSED, /**< events of work that may not raise the entry */
	SIOV_IMS_DROPPED, /**< events while messages were disabled, or of an entry set free */
	SIOV_IMS_FETCHED, /**< reads of entries in host memory */
	SIOV_IMS_NB_COUNTS,
};

/** Counters; a snapshot. */
struct siov_ims_stats {
	uint64_t counts[SIOV_IMS_NB_COUNTS]; /**< by enum siov_ims_count */
	uint64_t nb_entries; /**< entries of the storage */
	uint64_t nb_used; /**< of them, allocated */
	uint64_t memory_bytes; /**< of the device */
};

/** Set defaults: device storage, EAL memory, any node, 2048 entries, 1 engine. Thread: any. */
SIOV_API void siov_ims_conf_init(struct siov_ims_conf *conf);

/**
 * Create storage; all entries are free and masked. Host entries are cleared.
 *
 * @param conf copied; ir and tsc_hz have no default.
 * @param out the storage; the caller frees it with siov_ims_free().
 * @return 0; -EINVAL bad argument or configuration; -ENOMEM.
 * Thread: any.
 */
SIOV_API int siov_ims_create(const struct siov_ims_conf *conf, struct siov_ims **out);

/** Free storage; nobody raises any more. NULL is allowed. Thread: control, the last call. */
SIOV_API void siov_ims_free(struct siov_ims *ims);

/**
 * Allocate an entry: masked, address and data 0, no PASID, no moderation. O(1); freed entries come
 * back as late as possible.
 *
 * @param owner number of the ADI, for control only.
 * @param handle what descriptors name, 0 to nb_entries - 1.
 * @return 0; -EINVAL; -ENOSPC all are used.
 * Thread: control. Spec: 7.5.1 (requirement 7.5.4).
 */
SIOV_API int siov_ims_alloc(struct siov_ims *ims, uint32_t owner, uint32_t *handle);

/**
 * Free an entry; a pending event and what moderation held back are forgotten. O(1).
 *
 * @return 0; -ERANGE handle; -ENOENT not allocated; -EPERM another's.
 * Thread: control.
 */
SIOV_API int siov_ims_release(struct siov_ims *ims, uint32_t owner, uint32_t handle);

/**
 * Write the message. In host memory: seen after siov_ims_invalidate().
 *
 * @return 0; -ERANGE; -ENOENT.
 * Thread: control. Spec: 7.5.1 (requirement 7.5.7).
 */
SIOV_API int siov_ims_program(struct siov_ims *ims, uint32_t handle, uint64_t addr, uint32_t data);

/**
 * Say whose work may raise the entry. Events held back are forgotten if the PASID differs.
 *
 * @param pasid 1 to SIOV_PASID_MAX; 0: work without PASID.
 * @return 0; -ERANGE handle; -ENOENT; -EINVAL pasid.
 * Thread: control. Spec: 7.5.2 (requirement 7.5.8).
 */
SIOV_API int siov_ims_set_pasid(struct siov_ims *ims, uint32_t handle, uint32_t pasid);

/** Mask: events set pending. In host memory: after invalidate. @return as program. */
SIOV_API int siov_ims_mask(struct siov_ims *ims, uint32_t handle);

/** Unmask; a pending event is sent, once, at once. In host memory: after invalidate. */
SIOV_API int siov_ims_unmask(struct siov_ims *ims, uint32_t handle);

/**
 * Bring an entry back to what it was when it was allocated, but for address, data, PASID and owner:
 * masked, nothing pending, nothing held back, no moderation. In host memory: masked after invalidate.
 *
 * @return as program. Spec: 7.7 (requirement 7.7.2).
 */
SIOV_API int siov_ims_reset(struct siov_ims *ims, uint32_t handle);

/**
 * Raise an entry as work of its own PASID does; moderation does not hold it back.
 *
 * @return as program.
 */
SIOV_API int siov_ims_trigger(struct siov_ims *ims, uint32_t handle);

/**
 * Set moderation; it holds from the next event on. It is state of the device, also for host entries.
 *
 * @return 0; -ERANGE handle; -ENOENT; -EINVAL beyond SIOV_IMS_INTERVAL_US_MAX or
 *   SIOV_IMS_EVENTS_MAX, or events without interval.
 * Thread: control.
 */
SIOV_API int siov_ims_set_moderation(struct siov_ims *ims, uint32_t handle,
				     const struct siov_ims_moderation *moderation);

/**
 * Make the device read entries anew; those that are pending and no longer masked are sent. Nothing
 * to do for entries of the device.
 *
 * @param first,nb handles.
 * @return 0; -ERANGE.
 * Thread: control. Spec: 7.5.1 (requirement 7.5.5).
 */
SIOV_API int siov_ims_invalidate(struct siov_ims *ims, uint32_t first, uint32_t nb);

/** Read an entry; one in host memory as it lies there, with the device's pending bit. As program. */
SIOV_API int siov_ims_read(struct siov_ims *ims, uint32_t handle, struct siov_ims_entry *entry);

/** Tell whether an event waits for an unmask; false beyond the end. Thread: any; a snapshot. */
SIOV_API bool siov_ims_is_pending(const struct siov_ims *ims, uint32_t handle);

/** Read the counters. Thread: control. */
SIOV_API void siov_ims_stats(struct siov_ims *ims, struct siov_ims_stats *stats);

/** Name of a counter, NULL beyond the end. Thread: any. */
SIOV_API const char *siov_ims_count_name(unsigned int which);

/** Print counters and the entries that are used. Thread: control. */
SIOV_API void siov_ims_dump(FILE *f, struct siov_ims *ims);

#ifdef __cplusplus
}
#endif

#endif /* SIOV_IMS_H */

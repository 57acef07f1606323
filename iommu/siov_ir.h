/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file
 * Interrupt remapping: which message of which requester reaches whom.
 *
 *     MSI, MSI-X, IMS                     remapping table
 *     (rid, address, data) -- index --> [ IRTE ] -- remapped --> siov_intr_dest, vector
 *                                          |  `---- posted ----> siov_pid_desc, vector
 *                                          `-- refused: counted, and recorded for control
 *
 * A message carries no PASID (7.2.4): what may raise which interrupt is decided by the requester id
 * and the entry alone. A write with a PASID to the same addresses is no message but ordinary DMA,
 * and goes through siov_atc.h.
 *
 * Order of calls: create; siov_intr_dest_create; siov_ir_set; deliver from any lcore; siov_ir_clear;
 * siov_ir_synchronize; siov_intr_dest_free; free.
 *
 * Changing an entry while messages arrive: each message is handled by the entry as it was before or
 * as it is after, never by half of each, and never waits for control. When set or clear has
 * returned, every message that comes later is handled by the new entry; one that was under way is
 * done when siov_ir_synchronize() has returned 0, and only then may a posted-interrupt descriptor
 * that is no longer used be given away.
 *
 * Thread: siov_ir_deliver() from any thread: an engine between two calls of siov_atc_quiescent(), or
 * the thread that makes the changes. Everything else is control: it locks inside, may wait for the
 * engines, and is never called by the owner of an online cache.
 *
 * Spec: 7.2 (requirement 7.2.4), 8.2 (requirements 8.2.1, 8.2.2).
 */
#ifndef SIOV_IR_H
#define SIOV_IR_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "siov_intr.h"
#include "siov_ir_hw.h"
#include "siov_mem.h"

#ifdef __cplusplus
extern "C" {
#endif

struct siov_iommu; /* siov_iommu.h */

/** An interrupt remapping unit; opaque. */
struct siov_ir;

#define SIOV_IR_ENTRIES_MAX 65536u /**< entries of a table */
#define SIOV_IR_DESTS_MAX 65536u /**< destinations of a unit */
#define SIOV_IR_FAULTS_MAX 65536u /**< records kept */

/** Let messages in compatibility format through, unchecked; else they are blocked. */
#define SIOV_IR_F_COMPAT 0x1u

/** Configuration of a unit. */
struct siov_ir_conf {
	const struct siov_mem *mem; /**< NULL: siov_mem_eal(); must outlive the unit */
	struct siov_iommu
		*iommu; /**< whose caches' owners deliver, or NULL; siov_ir_synchronize() */
	int socket_id; /**< NUMA node, -1: any */
	unsigned int nb_entries; /**< 2 to SIOV_IR_ENTRIES_MAX, a power of two */
	unsigned int max_dests; /**< destinations at most, 1 to SIOV_IR_DESTS_MAX */
	unsigned int nb_faults; /**< records kept, 2 to SIOV_IR_FAULTS_MAX, a power of two */
	unsigned int flags; /**< SIOV_IR_F_* */
};

/** What an entry says; give either a destination or a descriptor. */
struct siov_ir_entry {
	struct siov_intr_dest *dest; /**< remapped: where to; NULL: posted */
	struct siov_pid_desc *pid; /**< posted: where to; NULL: remapped */
	uint8_t vector; /**< 16 to 255: the destination's, or the guest's */
	uint8_t delivery; /**< remapped: enum siov_ir_delivery */
	bool is_urgent; /**< posted: notify even if the descriptor suppresses it */
	bool is_silent; /**< record no faults (FPD) */
	uint8_t svt; /**< enum siov_ir_svt */
	uint8_t sq; /**< enum siov_ir_sq, with SIOV_IR_SVT_SID */
	uint16_t sid; /**< requester id; with SIOV_IR_SVT_BUS: first bus << 8 | last bus */
};

/** A message that was blocked. */
struct siov_ir_fault {
	uint32_t index; /**< of the entry; 0 with SIOV_IR_FAULT_REQUEST_RESERVED and _COMPAT */
	uint16_t rid; /**< requester id */
	uint16_t reason; /**< enum siov_ir_reason */
};

#define SIOV_IR_NB_REASONS 8u /**< counters of blocked messages */

/** Counters of a unit; a snapshot. */
struct siov_ir_stats {
	uint64_t nb_remapped; /**< messages delivered to destinations */
	uint64_t nb_posted; /**< messages posted to descriptors */
	uint64_t nb_notified; /**< notifications sent for them */
	uint64_t nb_notify_lost; /**< notifications to ids that nobody has */
	/** Messages blocked: [reason & 7] of a VT-d reason, [7] for SIOV_IR_FAULT_NO_DEST. */
	uint64_t nb_blocked[SIOV_IR_NB_REASONS];
	uint64_t nb_faults_lost; /**< blocked messages that found the records full */
	uint64_t nb_entries_set; /**< entries in use */
	uint64_t nb_dests; /**< destinations in use */
	uint64_t memory_bytes; /**< held by the unit */
};

/**
 * Set defaults: EAL memory, any node, 256 entries, 64 destinations, 256 records.
 *
 * Thread: any.
 */
SIOV_API void siov_ir_conf_init(struct siov_ir_conf *conf);

/**
 * Create a unit without entries and destinations: every message is blocked.
 *
 * @param conf configuration; copied.
 * @param out the unit; the caller frees it with siov_ir_free().
 * @return 0; -EINVAL bad argument or configuration; -ENOMEM.
 * Thread: any.
 */
SIOV_API int siov_ir_create(const struct siov_ir_conf *conf, struct siov_ir **out);

/**
 * Free a unit and its destinations; nobody delivers any more.
 *
 * @param ir unit, or NULL.
 * Thread: control, the last call on this unit.
 */
SIOV_API void siov_ir_free(struct siov_ir *ir);

/**
 * Write an entry, free or in use.
 *
 * @param ir unit.
 * @param index below nb_entries.
 * @param entry what it is to say; copied.
 * @return 0; -ERANGE index; -EINVAL not one of dest and pid, misaligned descriptor, vector below 16,
 *   unknown svt or sq, buses in the wrong order, a field set that the mode does not have, or a
 *   destination of another unit; -ENOTSUP delivery mode.
 * Thread: control.
 */
SIOV_API int siov_ir_set(struct siov_ir *ir, uint32_t index, const struct siov_ir_entry *entry);

/**
 * Clear an entry; its messages are blocked and recorded from now on. Clearing a clear entry is no
 * error.
 *
 * @return 0; -ERANGE index.
 * Thread: control.
 */
SIOV_API int siov_ir_clear(struct siov_ir *ir, uint32_t index);

/**
 * Read an entry as it lies in memory.
 *
 * @param lo,hi its words.
 * @return 0; -ERANGE index.
 * Thread: control.
 */
SIOV_API int siov_ir_read(struct siov_ir *ir, uint32_t index, uint64_t *lo, uint64_t *hi);

/**
 * Wait until the messages that were under way are done: what an invalidation of the interrupt entry
 * cache with a wait descriptor is to hardware.
 *
 * Waits for the caches of conf.iommu. Without one this returns at once: then the caller sees to it
 * that no message is under way when a destination or descriptor goes.
 *
 * @return 0; -ETIMEDOUT as siov_iommu_synchronize().
 * Thread: control.
 */
SIOV_API int siov_ir_synchronize(struct siov_ir *ir);

/**
 * Address of the remappable message for an entry, without subhandle; its data is 0.
 *
 * @param index below SIOV_IR_ENTRIES_MAX.
 */
static inline uint64_t
siov_ir_msi_addr(uint32_t index)
{
	return SIOV_MSI_ADDR_HEAD << SIOV_MSI_ADDR_HEAD_SHIFT | SIOV_MSI_ADDR_REMAPPABLE |
	       (index & SIOV_MSI_ADDR_INDEX_MASK) << SIOV_MSI_ADDR_INDEX_SHIFT |
	       ((index & 0x8000) != 0 ? SIOV_MSI_ADDR_INDEX15 : 0);
}

/**
 * Deliver a message.
 *
 * Checked in this order: address and data (0x20; a message in compatibility format: 0x25), index
 * (0x21), P (0x22), reserved bits of the entry (0x24), requester id (0x26), destination. What the
 * caller wrote before is visible to whoever takes the vector.
 *
 * @param ir unit.
 * @param rid requester id of the function.
 * @param msi_addr,msi_data as the device was programmed.
 * @return 0: delivered; else enum siov_ir_reason: blocked, counted, and recorded unless the entry
 *   forbids it.
 * Thread: any. No lock, no allocation; a system call only if the destination sleeps,
 *   or is an eventfd that its caller brought.
 */
SIOV_API int siov_ir_deliver(struct siov_ir *ir, uint16_t rid, uint64_t msi_addr,
			     uint32_t msi_data);

/**
 * Fetch records of blocked messages, oldest first. What was blocked while the records were full is
 * in nb_faults_lost.
 *
 * @return number written to @p out.
 * Thread: control.
 */
SIOV_API unsigned int siov_ir_take_faults(struct siov_ir *ir, struct siov_ir_fault *out,
					  unsigned int max);

/** Text for an enum siov_ir_reason. Thread: any. */
SIOV_API const char *siov_ir_reason_name(int reason);

/** Read the counters. Thread: control. */
SIOV_API void siov_ir_stats(struct siov_ir *ir, struct siov_ir_stats *stats);

/** Print counters, destinations and the entries that are set. Thread: control. */
SIOV_API void siov_ir_dump(FILE *f, struct siov_ir *ir);

#ifdef __cplusplus
}
#endif

#endif /* SIOV_IR_H */

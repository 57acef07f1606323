/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file
 * PASID virtualisation of Deferrable Memory Writes: a guest submits with its own PASIDs, the device
 * sees the host's.
 *
 *     guest PASID  19: low or high directory
 *                  18:10 -> directory, 512 entries of 8 B -> table
 *                  9:0   -> table, 1024 entries of 4 B    -> host PASID
 *
 *     guest thread: siov_vm_enqcmd --- two loads, both valid ---> siov_portal_dmwr(host PASID)
 *                                  `-- else nothing is sent: VM exit, a note for the VMM
 *
 * The format is that of VMX PASID translation; one table for each VM, written by the VMM only.
 * MOVDIR64B carries what the queue was configured with and is not translated: siov_vm_movdir64b().
 *
 * A guest's page leads to one portal at a time; siov_vm_portal_redirect() has it lead to another
 * while the guest submits.
 *
 * When siov_vm_pasid_clear() has returned, or siov_vm_pasid_set() with another host PASID, a
 * submission that begins later never carries the old one. One that had begun may still carry it: it
 * read the entry and has not stored yet. Before the VMM gives a host PASID to somebody else, it sees
 * to it that each guest thread has come out of such a submission (as a VM exit of each processor
 * does), and drains the queue.
 *
 * Tables are kept until siov_vm_pasid_free(): a submitter may be reading one, and nobody asks
 * submitters.
 *
 * Order of calls: siov_vm_pasid_create; siov_vm_pasid_set; siov_vm_portal_init on a portal of
 * siov_portal.h; submissions, siov_vm_portal_redirect; no submitter any more; siov_vm_pasid_free.
 *
 * Thread: create, free, set, clear, take_exits, stats, dump are the VMM's control path and lock
 * inside; siov_vm_portal_redirect is control too, without a lock. All else of a portal belongs to one
 * guest thread, which takes no lock and makes no system call.
 *
 * Spec: 8.3; requirement 8.3.1.
 */
#ifndef SIOV_VM_PASID_H
#define SIOV_VM_PASID_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "siov_mem.h"
#include "siov_portal.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SIOV_VM_PASID_DIR_ENTRIES 512u /**< entries of a directory */
#define SIOV_VM_PASID_DIR_SHIFT 10 /**< index: guest PASID[18:10] */
#define SIOV_VM_PASID_TABLE_ENTRIES 1024u /**< entries of a table */
#define SIOV_VM_PASID_HIGH_SHIFT 19 /**< guest PASID[19]: low (0) or high (1) directory */

/* Directory entry. */
#define SIOV_VM_PDE_P UINT64_C(0x1) /**< present */
#define SIOV_VM_PDE_ADDR UINT64_C(0x000ffffffffff000) /**< address of the table */
#define SIOV_VM_PDE_RSVD (~(SIOV_VM_PDE_P | SIOV_VM_PDE_ADDR)) /**< 63:52 and 11:1 */

/* Table entry. */
#define SIOV_VM_PTE_V UINT32_C(0x80000000) /**< valid */
#define SIOV_VM_PTE_RSVD UINT32_C(0x7ff00000) /**< reserved bits */
#define SIOV_VM_PTE_HOST UINT32_C(0x000fffff) /**< host PASID */

/* IA32_PASID (MSR 0xd93). */
#define SIOV_IA32_PASID_V UINT64_C(0x80000000) /**< valid */
#define SIOV_IA32_PASID_MASK UINT64_C(0x000fffff) /**< guest PASID */

/** Exit reasons of VMX. */
enum siov_vm_exit_reason {
	SIOV_VM_EXIT_ENQCMD = 72,
	SIOV_VM_EXIT_ENQCMDS = 73,
};

/** Why a guest PASID was not translated. */
enum siov_vm_exit_cause {
	SIOV_VM_EXIT_NO_TABLE, /**< directory entry not present */
	SIOV_VM_EXIT_NO_ENTRY, /**< table entry not valid */
	SIOV_VM_EXIT_RESERVED, /**< reserved bits set in either */
};

/** A submission that was not sent. */
struct siov_vm_exit {
	uint32_t guest_pasid; /**< that was not translated */
	uint16_t vcpu; /**< of the portal */
	uint8_t reason; /**< enum siov_vm_exit_reason */
	uint8_t cause; /**< enum siov_vm_exit_cause */
};

/** A directory: the low or the high half of the guest's PASIDs. */
struct siov_vm_pasid_dir {
	SIOV_ATOMIC(uint64_t) entry[SIOV_VM_PASID_DIR_ENTRIES]; /**< SIOV_VM_PDE_* */
} __attribute__((aligned(4096)));

/** A table of 1024 guest PASIDs. */
struct siov_vm_pasid_table {
	SIOV_ATOMIC(uint32_t) entry[SIOV_VM_PASID_TABLE_ENTRIES]; /**< SIOV_VM_PTE_* */
} __attribute__((aligned(4096)));

SIOV_STATIC_ASSERT(sizeof(struct siov_vm_pasid_dir) == 4096, "a directory is one page");
SIOV_STATIC_ASSERT(sizeof(struct siov_vm_pasid_table) == 4096, "a table is one page");

/** Directories of one VM; the rest of the object is opaque and lies behind. */
struct siov_vm_pasid {
	struct siov_vm_pasid_dir dir[2]; /**< low, high; written by the VMM only */
};

/** Configuration of one VM's translation. */
struct siov_vm_pasid_conf {
	const struct siov_mem *mem; /**< NULL: siov_mem_eal(); must outlive the object */
	int socket_id; /**< NUMA node, -1: any */
	unsigned int nb_exits; /**< notes kept for the VMM, 2 to 65536, a power of two */
};

/** Counters; a snapshot. */
struct siov_vm_pasid_stats {
	uint64_t nb_entries; /**< guest PASIDs with a host PASID */
	uint64_t nb_tables; /**< tables of them */
	uint64_t memory_bytes; /**< held by them */
	uint64_t nb_exits; /**< submissions that were not sent */
	uint64_t nb_exits_lost; /**< of these, found the notes full */
};

/** Set defaults: EAL memory, any node, 256 notes. Thread: any. */
SIOV_API void siov_vm_pasid_conf_init(struct siov_vm_pasid_conf *conf);

/**
 * Create the translation of one VM, with both directories empty: no guest PASID gets through.
 *
 * @param conf configuration; copied.
 * @param out the object; the caller frees it with siov_vm_pasid_free().
 * @return 0; -EINVAL bad argument or configuration; -ENOMEM.
 * Thread: control.
 */
SIOV_API int siov_vm_pasid_create(const struct siov_vm_pasid_conf *conf,
				  struct siov_vm_pasid **out);

/** Free it with its tables; no guest thread submits with it any more. NULL is allowed. */
SIOV_API void siov_vm_pasid_free(struct siov_vm_pasid *vm);

/**
 * Let a guest PASID through as a host PASID; replaces what was set.
 *
 * @param guest,host 0 to SIOV_PASID_MAX.
 * @return 0; -ERANGE a PASID; -ENOMEM no memory for a table: nothing changed.
 * Thread: control.
 */
SIOV_API int siov_vm_pasid_set(struct siov_vm_pasid *vm, uint32_t guest, uint32_t host);

/**
 * Stop a guest PASID; see the file comment for what holds on return.
 *
 * @return 0; -ERANGE the PASID; -ENOENT it was not set.
 * Thread: control.
 */
SIOV_API int siov_vm_pasid_clear(struct siov_vm_pasid *vm, uint32_t guest);

/**
 * Fetch notes of submissions that were not sent, oldest first. What came while there was no room
 * is in nb_exits_lost.
 *
 * @return number written to @p out.
 * Thread: control.
 */
SIOV_API unsigned int siov_vm_pasid_take_exits(struct siov_vm_pasid *vm, struct siov_vm_exit *out,
					       unsigned int max);

/** Read the counters. Thread: control. */
SIOV_API void siov_vm_pasid_stats(struct siov_vm_pasid *vm, struct siov_vm_pasid_stats *stats);

/** Print counters and entries. Thread: control. */
SIOV_API void siov_vm_pasid_dump(FILE *f, struct siov_vm_pasid *vm);

/** One guest thread's view of a queue. */
struct siov_vm_portal {
	SIOV_ATOMIC(struct siov_portal *) portal; /**< its PASID is not used; its privilege is */
	struct siov_vm_pasid *vm; /**< the guest's translation */
	uint64_t ia32_pasid; /**< as the guest wrote it */
	SIOV_ATOMIC(uint64_t) nb_exits; /**< submissions not translated; read by anybody */
	SIOV_ATOMIC(uint64_t) nb_gp; /**< general protection; read by anybody */
	uint32_t vcpu; /**< for the VMM's notes */
	uint32_t rsvd[5]; /**< 0 */
} __attribute__((aligned(64)));

SIOV_STATIC_ASSERT(sizeof(struct siov_vm_portal) == 64, "a portal is a cache line");

/**
 * Set up a guest's portal in the caller's memory, with IA32_PASID 0 (no PASID).
 *
 * @param portal a portal with its lane; stays the caller's.
 * @param vm the guest's translation.
 * @param vcpu 0 to 65535, for the VMM's notes.
 * @return 0; -EINVAL NULL; -ERANGE vcpu.
 * Thread: control.
 */
SIOV_API int siov_vm_portal_init(struct siov_vm_portal *vp, struct siov_portal *portal,
				 struct siov_vm_pasid *vm, uint32_t vcpu);

/**
 * Send later submissions through another portal: the VMM moved the guest's page to the portal of
 * another function.
 *
 * A submission that begins later goes to the new portal. One that had begun may still go to the old
 * one: before the VMM detaches the old lane, it sees to it that the guest's thread has come out of
 * such a submission, as for siov_vm_pasid_clear(). The lanes of both are this guest thread's alone.
 *
 * @param portal a portal with its lane; stays the caller's.
 * @return 0; -EINVAL NULL.
 * Thread: control.
 */
SIOV_API int siov_vm_portal_redirect(struct siov_vm_portal *vp, struct siov_portal *portal);

/**
 * WRMSR to IA32_PASID by the guest.
 *
 * @param value bit 31: valid; 19:0: guest PASID.
 * @return 0; -EINVAL reserved bits (63:32, 30:20): general protection, unchanged.
 * Thread: the portal's.
 */
SIOV_API int siov_vm_portal_set_pasid(struct siov_vm_portal *vp, uint64_t value);

/** Count a VM exit and note it for the VMM: SIOV_DMWR_EXIT. */
SIOV_API enum siov_dmwr siov_vm_portal_exit(struct siov_vm_portal *vp, uint32_t guest,
					    enum siov_vm_exit_reason reason);

/** Count a general protection: SIOV_DMWR_GP. */
SIOV_API enum siov_dmwr siov_vm_portal_gp(struct siov_vm_portal *vp);

/**
 * Translate.
 *
 * @param guest 0 to SIOV_PASID_MAX.
 * @param host where to put the host PASID.
 * @return false: directory or entry missing, or reserved bits set.
 * Thread: any that may submit.
 */
static inline bool
siov_vm_pasid_translate(const struct siov_vm_pasid *vm, uint32_t guest, uint32_t *host)
{
	const struct siov_vm_pasid_dir *dir = &vm->dir[guest >> SIOV_VM_PASID_HIGH_SHIFT];
	uint32_t idx = guest >> SIOV_VM_PASID_DIR_SHIFT & (SIOV_VM_PASID_DIR_ENTRIES - 1);
	const struct siov_vm_pasid_table *table;
	uint64_t pde;
	uint32_t pte;

	pde = siov_atomic_load(&dir->entry[idx], acquire); /* V1: pairs with V2 */
	if (unlikely((pde & (SIOV_VM_PDE_P | SIOV_VM_PDE_RSVD)) != SIOV_VM_PDE_P))
		return false;
	table = (const struct siov_vm_pasid_table *)(uintptr_t)(pde & SIOV_VM_PDE_ADDR);
	/* V3: pairs with V4; what the VMM did before it set the entry is visible */
	pte = siov_atomic_load(&table->entry[guest & (SIOV_VM_PASID_TABLE_ENTRIES - 1)], acquire);
	if (unlikely((pte & (SIOV_VM_PTE_V | SIOV_VM_PTE_RSVD)) != SIOV_VM_PTE_V))
		return false;
	*host = pte & SIOV_VM_PTE_HOST;
	return true;
}

/** Where the guest's page leads now. A submission asks once: all of it goes through one portal. */
static inline struct siov_portal *
siov_vm_portal_target(const struct siov_vm_portal *vp)
{
	/* V5: pairs with V6 in siov_vm_portal_redirect(); the portal and its lane are whole */
	return siov_atomic_load(&vp->portal, acquire);
}

/** ENQCMD through the portal that was found. */
static inline enum siov_dmwr
siov_vm_send(struct siov_vm_portal *vp, struct siov_portal *portal, const struct dsa_hw_desc *desc,
	     uint64_t when_cycles)
{
	uint32_t guest = (uint32_t)(vp->ia32_pasid & SIOV_IA32_PASID_MASK);
	uint32_t host;

	if (unlikely((vp->ia32_pasid & SIOV_IA32_PASID_V) == 0))
		return siov_vm_portal_gp(vp);
	if (unlikely(!siov_vm_pasid_translate(vp->vm, guest, &host)))
		return siov_vm_portal_exit(vp, guest, SIOV_VM_EXIT_ENQCMD);
	return siov_portal_dmwr(portal, desc, host, when_cycles);
}

/** ENQCMD whose latency counts from @p when_cycles [TSC]; otherwise as siov_vm_enqcmd. */
static inline enum siov_dmwr
siov_vm_enqcmd_at(struct siov_vm_portal *vp, const struct dsa_hw_desc *desc, uint64_t when_cycles)
{
	return siov_vm_send(vp, siov_vm_portal_target(vp), desc, when_cycles);
}

/**
 * ENQCMD of a guest: submit with the host PASID that stands for the PASID in IA32_PASID.
 *
 * @param desc 64 bytes, 64-byte aligned.
 * @return as siov_enqcmd(); SIOV_DMWR_GP if IA32_PASID is not valid; SIOV_DMWR_EXIT if the VMM set no
 *   host PASID: nothing was sent.
 * Thread: the portal's.
 * Spec: 8.3.
 */
static inline enum siov_dmwr
siov_vm_enqcmd(struct siov_vm_portal *vp, const struct dsa_hw_desc *desc)
{
	struct siov_portal *portal = siov_vm_portal_target(vp);

	return siov_vm_send(vp, portal, desc, siov_portal_now(portal));
}

/** ENQCMDS through the portal that was found. */
static inline enum siov_dmwr
siov_vm_sends(struct siov_vm_portal *vp, struct siov_portal *portal, const struct dsa_hw_desc *desc,
	      uint64_t when_cycles)
{
	uint32_t guest, host;
	uint64_t word0;

	__builtin_memcpy(&word0, desc, sizeof(word0));
	if (unlikely((portal->flags & SIOV_PORTAL_F_PRIV) == 0 ||
		     (word0 & SIOV_DESC_RSVD_MASK) != 0))
		return siov_vm_portal_gp(vp);
	guest = (uint32_t)(word0 & SIOV_DESC_PASID_MASK);
	if (unlikely(!siov_vm_pasid_translate(vp->vm, guest, &host)))
		return siov_vm_portal_exit(vp, guest, SIOV_VM_EXIT_ENQCMDS);
	return siov_portal_dmwr(portal, desc, host | (word0 & SIOV_DESC_PRIV), when_cycles);
}

/** ENQCMDS whose latency counts from @p when_cycles [TSC]; otherwise as siov_vm_enqcmds. */
static inline enum siov_dmwr
siov_vm_enqcmds_at(struct siov_vm_portal *vp, const struct dsa_hw_desc *desc, uint64_t when_cycles)
{
	return siov_vm_sends(vp, siov_vm_portal_target(vp), desc, when_cycles);
}

/**
 * ENQCMDS of a guest: submit with the host PASID that stands for the descriptor's, and its Priv bit.
 *
 * @return as siov_enqcmds(); SIOV_DMWR_EXIT if the VMM set no host PASID: nothing was sent.
 * Thread: the portal's.
 * Spec: 8.3.
 */
static inline enum siov_dmwr
siov_vm_enqcmds(struct siov_vm_portal *vp, const struct dsa_hw_desc *desc)
{
	struct siov_portal *portal = siov_vm_portal_target(vp);

	return siov_vm_sends(vp, portal, desc, siov_portal_now(portal));
}

/**
 * MOVDIR64B of a guest: post to the dedicated queue that its page leads to. No PASID is translated:
 * the queue's own is used.
 *
 * @param desc 64 bytes, 64-byte aligned.
 * Thread: the portal's; otherwise as siov_movdir64b().
 * Spec: 8.3.
 */
static inline void
siov_vm_movdir64b(struct siov_vm_portal *vp, const struct dsa_hw_desc *desc)
{
	siov_movdir64b(siov_vm_portal_target(vp), desc);
}

#ifdef __cplusplus
}
#endif

#endif /* SIOV_VM_PASID_H */

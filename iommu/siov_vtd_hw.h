/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file
 * Formats of VT-d scalable mode that lie in memory: PASID directory and table, first-stage and
 * second-stage page tables, fault reasons. No code.
 *
 *     PASID[19:6] -> directory, 2^14 entries of 8 B   -> one PASID table
 *     PASID[5:0]  -> PASID table, 64 entries of 64 B  -> DID, SSPTPTR, FSPTPTR
 *     iova[56:48] -> (first stage with five levels only)
 *     iova[47:39] -> 512 entries of 8 B -> [38:30] -> [29:21] -> [20:12] -> page
 *
 * Words are read and written whole, through the atomics of siov_compat.h, with the masks below;
 * bitfields would read a word more than once. An address field (bits 51:12) holds the process's
 * own address of hugepage memory: it is the emulator's host physical address.
 *
 * Spec: chapter 8.1 (PASID-granular address translation), formats of VT-d scalable mode.
 */
#ifndef SIOV_VTD_HW_H
#define SIOV_VTD_HW_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include <rte_bitops.h>
#include <rte_common.h>

#include "siov_compat.h"
#include "siov_desc.h"

#define SIOV_VTD_PAGE_SHIFT 12 /**< log2 of the page size */
#define SIOV_VTD_PAGE_SIZE (UINT64_C(1) << SIOV_VTD_PAGE_SHIFT) /**< bytes */
#define SIOV_VTD_ADDR_MASK UINT64_C(0x000ffffffffff000) /**< bits 51:12 of every word below */

/* PASID directory: indexed with PASID[19:6]. */
#define SIOV_VTD_PASID_DIR_ENTRIES (UINT32_C(1) << 14) /**< entries of the directory */
#define SIOV_VTD_PASID_DIR_SHIFT 6 /**< of the index in a PASID */
#define SIOV_VTD_PDE_P RTE_BIT64(0) /**< present */
#define SIOV_VTD_PDE_FPD RTE_BIT64(1) /**< record no faults */
#define SIOV_VTD_PDE_RSVD \
	(~(SIOV_VTD_PDE_P | SIOV_VTD_PDE_FPD | SIOV_VTD_ADDR_MASK)) /**< 63:52 and 11:2 */

/* PASID table: indexed with PASID[5:0]. */
#define SIOV_VTD_PASID_TABLE_ENTRIES UINT32_C(64) /**< entries of a table */
#define SIOV_VTD_PASID_TABLE_MASK (SIOV_VTD_PASID_TABLE_ENTRIES - 1) /**< index in a PASID */

/**
 * PASID table entry, 512 bits. Two of the words that VT-d reserves are the emulator's own: they name
 * what a real unit has in hardware or in the kernel.
 */
struct siov_vtd_pasid_entry {
	SIOV_ATOMIC(uint64_t) q0; /**< P, FPD, AW, PGTT, SSADE, SSPTPTR */
	SIOV_ATOMIC(uint64_t) q1; /**< DID, PWSNP, PGSNP, PAT */
	SIOV_ATOMIC(uint64_t) q2; /**< SRE, FSPM, WPE, EAFE, FSPTPTR */
	SIOV_ATOMIC(uint64_t) process; /**< struct siov_process *: the kernel's tables translate */
	SIOV_ATOMIC(uint64_t) prq; /**< struct siov_prq *: where page requests go; 0: nowhere */
	uint64_t rsvd[3]; /**< bits 511:320 */
};

static_assert(sizeof(struct siov_vtd_pasid_entry) == 64, "a PASID entry has 512 bits");
static_assert(offsetof(struct siov_vtd_pasid_entry, q1) == 8, "DID begins at bit 64");
static_assert(offsetof(struct siov_vtd_pasid_entry, q2) == 16, "SRE is bit 128");
static_assert(offsetof(struct siov_vtd_pasid_entry, process) == 24, "reserved from bit 192");
static_assert(sizeof(struct siov_vtd_pasid_entry) * SIOV_VTD_PASID_TABLE_ENTRIES ==
		      SIOV_VTD_PAGE_SIZE,
	      "a PASID table is one page");

#define SIOV_VTD_PE_P RTE_BIT64(0) /**< present */
#define SIOV_VTD_PE_FPD RTE_BIT64(1) /**< record no faults */
#define SIOV_VTD_PE_AW_SHIFT 2 /**< of the address width */
#define SIOV_VTD_PE_AW_MASK \
	(UINT64_C(7) << SIOV_VTD_PE_AW_SHIFT) /**< address width of the second stage */
#define SIOV_VTD_PE_AW_48 (UINT64_C(2) << SIOV_VTD_PE_AW_SHIFT) /**< 48 bits, 4 levels */
#define SIOV_VTD_PE_PGTT_SHIFT 6 /**< of the translation type */
#define SIOV_VTD_PE_PGTT_MASK (UINT64_C(7) << SIOV_VTD_PE_PGTT_SHIFT) /**< translation type */
#define SIOV_VTD_PE_PGTT_FS (UINT64_C(1) << SIOV_VTD_PE_PGTT_SHIFT) /**< first stage */
#define SIOV_VTD_PE_PGTT_NEST (UINT64_C(3) << SIOV_VTD_PE_PGTT_SHIFT) /**< nested */
#define SIOV_VTD_PE_PGTT_SS (UINT64_C(2) << SIOV_VTD_PE_PGTT_SHIFT) /**< second stage */
#define SIOV_VTD_PE_PGTT_PT (UINT64_C(4) << SIOV_VTD_PE_PGTT_SHIFT) /**< pass-through */
#define SIOV_VTD_PE_SSADE RTE_BIT64(9) /**< accessed and dirty bits of the second stage */
/** Reserved bits of q0: 63:52, 11:10, 5. */
#define SIOV_VTD_PE_Q0_RSVD \
	(~(SIOV_VTD_PE_P | SIOV_VTD_PE_FPD | SIOV_VTD_PE_AW_MASK | SIOV_VTD_PE_PGTT_MASK | \
	   SIOV_VTD_PE_SSADE | SIOV_VTD_ADDR_MASK))
#define SIOV_VTD_PE_DID_MASK UINT64_C(0xffff) /**< in q1 */
#define SIOV_VTD_PE_PWSNP RTE_BIT64(23) /**< in q1 */
#define SIOV_VTD_PE_PGSNP RTE_BIT64(24) /**< in q1 */
/** Reserved bits of q1 (the memory-type bits are treated as reserved). */
#define SIOV_VTD_PE_Q1_RSVD \
	(UINT64_C(0xffffffff) & ~(SIOV_VTD_PE_DID_MASK | SIOV_VTD_PE_PWSNP | SIOV_VTD_PE_PGSNP))
#define SIOV_VTD_PE_SRE RTE_BIT64(0) /**< in q2: supervisor requests are allowed */
#define SIOV_VTD_PE_FSPM_SHIFT 2 /**< in q2 */
#define SIOV_VTD_PE_FSPM_MASK \
	(UINT64_C(3) << SIOV_VTD_PE_FSPM_SHIFT) /**< paging mode of the first stage */
#define SIOV_VTD_PE_FSPM_5 (UINT64_C(1) << SIOV_VTD_PE_FSPM_SHIFT) /**< five levels; 0: four */
#define SIOV_VTD_PE_WPE RTE_BIT64(4) /**< in q2: read-only also for supervisor requests */
/** Reserved bits of q2 (no execute requests, no extended accessed flag). */
#define SIOV_VTD_PE_Q2_RSVD \
	(~(SIOV_VTD_PE_SRE | SIOV_VTD_PE_FSPM_MASK | SIOV_VTD_PE_WPE | RTE_BIT64(5) | \
	   RTE_BIT64(6) | SIOV_VTD_ADDR_MASK))

/* Host and guest addresses have 48 bits: bits 51:48 of an address field are reserved. */
#define SIOV_VTD_HAW 48 /**< host address width, bits */
#define SIOV_VTD_ADDR_RSVD (SIOV_VTD_ADDR_MASK & ~(RTE_BIT64(SIOV_VTD_HAW) - 1)) /**< bits 51:48 */

/* First-stage page table entries, in the format of x86. */
#define SIOV_VTD_FS_P RTE_BIT64(0) /**< present */
#define SIOV_VTD_FS_W RTE_BIT64(1) /**< writes are allowed */
#define SIOV_VTD_FS_US RTE_BIT64(2) /**< user requests are allowed */
#define SIOV_VTD_FS_A RTE_BIT64(5) /**< accessed */
#define SIOV_VTD_FS_D RTE_BIT64(6) /**< dirty */
#define SIOV_VTD_FS_PS RTE_BIT64(7) /**< large page, in entries of 2 MiB and 1 GiB */
#define SIOV_VTD_FS_PAT_LARGE RTE_BIT64(12) /**< in entries of large pages; ignored */

/* Second-stage page table entries; present when R or W is set. */
#define SIOV_VTD_SS_LEVELS 4 /**< levels of tables */
#define SIOV_VTD_SS_IOVA_BITS 48 /**< bits of an address */
#define SIOV_VTD_SS_ENTRIES UINT32_C(512) /**< entries of a table */
#define SIOV_VTD_SS_INDEX_BITS 9 /**< bits of an index */
#define SIOV_VTD_SS_R RTE_BIT64(0) /**< reads are allowed */
#define SIOV_VTD_SS_W RTE_BIT64(1) /**< writes are allowed */
#define SIOV_VTD_SS_RW (SIOV_VTD_SS_R | SIOV_VTD_SS_W) /**< both */
#define SIOV_VTD_SS_PS RTE_BIT64(7) /**< large page, in entries of 2 MiB and 1 GiB */
#define SIOV_VTD_SS_A RTE_BIT64(8) /**< with SSADE */
#define SIOV_VTD_SS_D RTE_BIT64(9) /**< with SSADE, in the entry of a page */
#define SIOV_VTD_SS_SNP RTE_BIT64(11) /**< reserved: snoop control is not reported */
#define SIOV_VTD_SS_TM RTE_BIT64(62) /**< reserved: transient mappings are not reported */
#define SIOV_VTD_SS_RSVD \
	(SIOV_VTD_SS_SNP | SIOV_VTD_SS_TM | SIOV_VTD_ADDR_RSVD) /**< reserved bits */
/** The page belongs to the device's own BARs: a reserved bit, so that no fast walk takes it. */
#define SIOV_VTD_SS_MMIO SIOV_VTD_SS_TM

/** Why a translation was refused; values are VT-d fault reasons, 0 is success. */
enum siov_fault {
	SIOV_FAULT_NONE = 0,
	SIOV_FAULT_PASID_TOO_LARGE = 0x46,
	SIOV_FAULT_PASID_DIR_NOT_PRESENT = 0x51,
	SIOV_FAULT_PASID_DIR_RESERVED = 0x52,
	SIOV_FAULT_PASID_NOT_PRESENT = 0x59,
	SIOV_FAULT_PASID_RESERVED = 0x5a,
	SIOV_FAULT_PASID_INVALID = 0x5b, /**< AW or PGTT */
	SIOV_FAULT_NO_SUPERVISOR = 0x5d, /**< SRE is 0 */
	SIOV_FAULT_FS_NOT_PRESENT = 0x71,
	SIOV_FAULT_FS_RESERVED = 0x72,
	SIOV_FAULT_FS_ROOT_ACCESS = 0x75, /**< nested: no second-stage read of the top table */
	SIOV_FAULT_FS_ENTRY_ACCESS = 0x76, /**< nested: no second-stage read of a table */
	SIOV_FAULT_FS_AD_ACCESS = 0x77, /**< nested: no second-stage write for A or D */
	SIOV_FAULT_SS_NOT_PRESENT = 0x79,
	SIOV_FAULT_SS_RESERVED = 0x7a,
	SIOV_FAULT_NOT_CANONICAL = 0x80,
	SIOV_FAULT_NO_USER = 0x81, /**< U/S is 0 for a user request */
	SIOV_FAULT_DMA_LIMIT = 0x83, /**< outside registered memory, or in a BAR of the device */
	SIOV_FAULT_SS_BEYOND_AW = 0x84,
	SIOV_FAULT_NO_WRITE = 0x85,
	SIOV_FAULT_NO_READ = 0x86,
	SIOV_FAULT_FS_AD_FAILED = 0x91, /**< the entry changed whenever A or D was to be set */
};

#endif /* SIOV_VTD_HW_H */

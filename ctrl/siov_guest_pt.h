/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file
 * First-stage page tables as a guest's own kernel writes them: x86 format, in guest memory, holding
 * guest-physical addresses. For guests that have no kernel: benchmarks, tests, examples.
 *
 *     guest memory  [gpa ............................................. gpa + size)
 *                        [tables .... tables + room)   taken page by page, never given back
 *     siov_guest_pt_root() -> fs_root of a SIOV_DOMAIN_NESTED domain
 *
 * The host learns nothing of a change: whoever takes a mapping away, or lessens it, has the caches
 * told (siov_pasid_invalidate), as a guest's kernel does.
 *
 * Thread: one at a time; walks go on meanwhile. Spec: 7.2.7, 8.1.2, 9.4.4.
 */
#ifndef SIOV_GUEST_PT_H
#define SIOV_GUEST_PT_H

#include "siov_iommu.h"

#ifdef __cplusplus
extern "C" {
#endif

struct siov_guest_pt;

/** Where the guest's memory is, and what of it tables may use. */
struct siov_guest_pt_conf {
	void *hva; /**< host address of the guest's memory */
	uint64_t gpa; /**< guest-physical address of the same byte */
	uint64_t size; /**< bytes */
	uint64_t tables; /**< offset of the first table, 4 KiB aligned */
	uint64_t room; /**< bytes for tables, multiple of 4 KiB, at least 4 KiB */
	unsigned int levels; /**< 4 or 5 */
	unsigned int max_page_shift; /**< largest page used: 12, 21 or 30 */
};

/**
 * Begin an empty address space: takes and clears its top table.
 *
 * @param conf copied; the memory stays the caller's and outlives the object.
 * @param out freed with siov_guest_pt_free().
 * @return 0, -EINVAL, -ENOMEM.
 */
SIOV_API int siov_guest_pt_create(const struct siov_guest_pt_conf *conf,
				  struct siov_guest_pt **out);

/** Forget the object; the tables stay as they are. NULL is fine. */
SIOV_API void siov_guest_pt_free(struct siov_guest_pt *pt);

/** Guest-physical address of the top table. */
SIOV_API uint64_t siov_guest_pt_root(const struct siov_guest_pt *pt);

/**
 * Map [gva, gva + len) to [gpa, gpa + len) for user requests, over what was mapped there.
 *
 * Uses the largest pages that alignments, length and configuration allow; a large page that is in
 * the way of a smaller one is an error. On error a part may be mapped.
 *
 * @param gva,gpa,len multiples of 4 KiB, len not 0.
 * @param perm SIOV_PERM_R, or SIOV_PERM_R | SIOV_PERM_W.
 * @return 0; -EINVAL; -EEXIST a page is in the way of a page of another size; -ENOMEM no room for a
 *   table.
 */
SIOV_API int siov_guest_pt_map(struct siov_guest_pt *pt, uint64_t gva, uint64_t gpa, uint64_t len,
			       unsigned int perm);

/**
 * Unmap [gva, gva + len); holes are passed over.
 *
 * @return 0; -EINVAL misaligned, empty, or a large page would be split.
 */
SIOV_API int siov_guest_pt_unmap(struct siov_guest_pt *pt, uint64_t gva, uint64_t len);

/** Entry of the page that holds @p gva, as it is in memory, A and D included; 0: not mapped. */
SIOV_API uint64_t siov_guest_pt_entry(const struct siov_guest_pt *pt, uint64_t gva);

#ifdef __cplusplus
}
#endif

#endif /* SIOV_GUEST_PT_H */

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One walk of the tables, in steps, so that a burst of walks can take each step together:
 *
 *     walk_begin -> walk_dir -> walk_pasid -> walk_level 39, 30, 21, 12 -> data, shift
 *                                  `-> walk_other: all but plain second stage, done at once
 *
 * A step reads the one word (of a PASID entry: two, in one line) at walk.next, checks it, and sets
 * walk.next for the step after. It returns WALK_MORE, WALK_DONE, or a reason > 0 (enum siov_fault).
 *
 * Thread: owner of a cache that is online; control changes the tables meanwhile.
 */
#ifndef WALK_PRIV_H
#define WALK_PRIV_H

#include "iommu_priv.h"

#define WALK_MORE 0
#define WALK_DONE -1
#define WALK_ROOT_SHIFT 39u

struct walk {
	uint64_t iova;
	const void *next; /* word or entry that the next step reads */
	uint64_t q1; /* of the PASID entry */
	uint64_t data; /* at the end: of the cache entry */
	uint64_t hva; /* at the end: of iova */
	uint64_t perm; /* AND over the levels so far */
	uint32_t pasid;
	unsigned int shift; /* at the end: of the granule */
};

static inline int
walk_begin(struct walk *w, const struct siov_atc *atc, uint32_t pasid, uint64_t iova)
{
	if (unlikely(pasid > SIOV_PASID_MAX))
		return SIOV_FAULT_PASID_TOO_LARGE;
	w->iova = iova;
	w->pasid = pasid;
	w->next = &atc->pasid_dir[pasid >> SIOV_VTD_PASID_DIR_SHIFT];
	return WALK_MORE;
}

static inline int
walk_dir(struct walk *w)
{
	/* A5: pairs with R5 in add_table() of pasid.c */
	uint64_t pde = siov_atomic_load((const table_word_t *)w->next, acquire);

	if (unlikely((pde & SIOV_VTD_PDE_P) == 0))
		return SIOV_FAULT_PASID_DIR_NOT_PRESENT;
	if (unlikely((pde & SIOV_VTD_PDE_RSVD) != 0))
		return SIOV_FAULT_PASID_DIR_RESERVED;
	w->next = (const struct siov_vtd_pasid_entry *)(uintptr_t)(pde & SIOV_VTD_ADDR_MASK) +
		  (w->pasid & SIOV_VTD_PASID_TABLE_MASK);
	return WALK_MORE;
}

/* What a walk out of line found. */
struct walk_found {
	uint64_t data;
	uint64_t hva;
	unsigned int shift;
	int reason; /* 0: found */
};

/*
 * Out of line: pass-through, first stage, nested, processes, and second stage with accessed and
 * dirty bits, from the PASID entry on. perm is what is asked for: 0 for none, which sets no dirty
 * bit. (Values only: a pointer to the walk would keep it in memory, and each level would wait for
 * a store.)
 */
struct walk_found walk_other(struct siov_atc *atc, const struct siov_vtd_pasid_entry *entry,
			     uint64_t iova, unsigned int perm);

/* Data of a cache entry for the page at hva that holds iova. */
static inline uint64_t
walk_data(const struct walk *w, uint64_t hva, uint64_t page_mask)
{
	uint64_t delta = hva - (w->iova & ~page_mask);
	uint64_t did = (w->q1 & SIOV_ATC_DATA_DID_MASK) << SIOV_ATC_DATA_DID_SHIFT;
	uint64_t denied = ~w->perm & SIOV_VTD_SS_RW;

	return delta | did | denied | denied << SIOV_PERM_PRIV_SHIFT;
}

static inline int
walk_pasid(struct walk *w, struct siov_atc *atc, unsigned int perm)
{
	const struct siov_vtd_pasid_entry *entry = w->next;
	/* A6: pairs with R6 in bind_locked() of pasid.c */
	uint64_t q0 = siov_atomic_load(&entry->q0, acquire);
	uint64_t q1 = siov_atomic_load(&entry->q1, relaxed);
	uint64_t type = q0 & (SIOV_VTD_PE_PGTT_MASK | SIOV_VTD_PE_AW_MASK | SIOV_VTD_PE_SSADE);

	if (unlikely((q0 & SIOV_VTD_PE_P) == 0))
		return SIOV_FAULT_PASID_NOT_PRESENT;
	if (unlikely(((q0 & SIOV_VTD_PE_Q0_RSVD) | (q1 & SIOV_VTD_PE_Q1_RSVD)) != 0))
		return SIOV_FAULT_PASID_RESERVED;
	w->q1 = q1;
	w->perm = SIOV_VTD_SS_RW;
	if (unlikely(type != (SIOV_VTD_PE_PGTT_SS | SIOV_VTD_PE_AW_48))) {
		struct walk_found found = walk_other(atc, entry, w->iova, perm);

		w->shift = found.shift;
		w->data = found.data;
		w->hva = found.hva;
		return found.reason == 0 ? WALK_DONE : found.reason;
	}
	if (unlikely(w->iova >> SIOV_VTD_SS_IOVA_BITS != 0))
		return SIOV_FAULT_SS_BEYOND_AW;
	w->next = (const table_word_t *)(uintptr_t)(q0 & SIOV_VTD_ADDR_MASK) +
		  (w->iova >> WALK_ROOT_SHIFT);
	return WALK_MORE;
}

/* A leaf; a page of 1 GiB goes into the cache in granules of 2 MiB. */
static inline int
walk_leaf(struct walk *w, uint64_t pte, unsigned int shift)
{
	uint64_t page_mask = (UINT64_C(1) << shift) - 1;
	uint64_t hva = pte & SIOV_VTD_ADDR_MASK;

	if (unlikely((hva & page_mask) != 0))
		return SIOV_FAULT_SS_RESERVED;
	w->data = walk_data(w, hva, page_mask);
	w->hva = hva + (w->iova & page_mask);
	w->shift = RTE_MIN(shift, SIOV_ATC_SHIFT_2M);
	return WALK_DONE;
}

/* Why an entry with a reserved bit is refused: one of them marks pages of the device's own BARs. */
static inline int
walk_reserved(uint64_t pte, unsigned int shift)
{
	bool is_page = shift == 12 || (pte & SIOV_VTD_SS_PS) != 0;

	return is_page && (pte & SIOV_VTD_SS_MMIO) != 0 ? SIOV_FAULT_DMA_LIMIT :
							  SIOV_FAULT_SS_RESERVED;
}

/* One table; an entry of it translates 2^shift bytes. */
static inline int
walk_level(struct walk *w, unsigned int shift)
{
	/* A1': pairs with W1 in set_pte() of ptable.c */
	uint64_t pte = siov_atomic_load((const table_word_t *)w->next, acquire);

	w->perm &= pte;
	if (unlikely((pte & SIOV_VTD_SS_RW) == 0))
		return SIOV_FAULT_SS_NOT_PRESENT;
	if (unlikely((pte & SIOV_VTD_SS_RSVD) != 0))
		return walk_reserved(pte, shift);
	if (shift == 12)
		return walk_leaf(w, pte, shift);
	if ((pte & SIOV_VTD_SS_PS) != 0)
		return shift <= 30 ? walk_leaf(w, pte, shift) : SIOV_FAULT_SS_RESERVED;
	w->next = (const table_word_t *)(uintptr_t)(pte & SIOV_VTD_ADDR_MASK) +
		  (w->iova >> (shift - SIOV_VTD_SS_INDEX_BITS)) % SIOV_VTD_SS_ENTRIES;
	return WALK_MORE;
}

/* All steps of one walk: 0 with data and shift set, or a reason. */
static inline int
walk_all(struct walk *w, struct siov_atc *atc, uint32_t pasid, uint64_t iova, unsigned int perm)
{
	int rc = walk_begin(w, atc, pasid, iova);

	if (rc == WALK_MORE)
		rc = walk_dir(w);
	if (rc == WALK_MORE)
		rc = walk_pasid(w, atc, perm);
	if (rc == WALK_MORE)
		rc = walk_level(w, 39);
	if (rc == WALK_MORE)
		rc = walk_level(w, 30);
	if (rc == WALK_MORE)
		rc = walk_level(w, 21);
	if (rc == WALK_MORE)
		rc = walk_level(w, 12);
	return rc == WALK_DONE ? 0 : rc;
}

#endif /* WALK_PRIV_H */

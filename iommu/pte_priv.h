/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An entry of a table that control writes, in either format, and where a range lies in a table.
 *
 * Thread: control, under the lock of the unit.
 */
#ifndef PTE_PRIV_H
#define PTE_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rte_common.h>

#include "pool_priv.h"

#define PTE_PAGE_SHIFT 12u /* of entries that are always pages */

/* The part of a range that one entry of a table covers. */
struct pte_span {
	unsigned int idx;
	uint64_t start;
	uint64_t end;
	bool is_whole; /* all that the entry covers */
};

static inline struct pte_span
pte_span_at(uint64_t iova, uint64_t end, unsigned int shift)
{
	uint64_t size = UINT64_C(1) << shift;
	uint64_t slot = iova & ~(size - 1);
	struct pte_span s;

	s.idx = (iova >> shift) & (SIOV_VTD_SS_ENTRIES - 1);
	s.start = iova;
	s.end = RTE_MIN(end, slot + size);
	s.is_whole = s.end - s.start == size;
	return s;
}

static inline bool
pte_is_present(uint64_t pte)
{
	return (pte & SIOV_VTD_SS_RW) != 0;
}

static inline bool
pte_is_leaf(uint64_t pte, unsigned int shift)
{
	return shift == PTE_PAGE_SHIFT || (pte & SIOV_VTD_SS_PS) != 0;
}

static inline table_word_t *
pte_table(uint64_t pte)
{
	return (table_word_t *)(uintptr_t)(pte & SIOV_VTD_ADDR_MASK);
}

/* Only control writes tables, but for A and D, so it reads its own stores. */
static inline uint64_t
pte_read(const table_word_t *table, unsigned int idx)
{
	return table == NULL ? 0 : siov_atomic_load(&table[idx], relaxed);
}

#endif /* PTE_PRIV_H */

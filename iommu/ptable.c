/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include "inval_priv.h"
#include "ptable_priv.h"
#include "pte_priv.h"

#define FS_TABLE_BITS (SIOV_VTD_FS_P | SIOV_VTD_FS_W | SIOV_VTD_FS_US | SIOV_VTD_FS_A)

const struct ptable_format ptable_ss = {.root_shift = 39, .table_bits = SIOV_VTD_SS_RW};
const struct ptable_format ptable_fs4 = {.root_shift = 39, .table_bits = FS_TABLE_BITS};
const struct ptable_format ptable_fs5 = {.root_shift = 48, .table_bits = FS_TABLE_BITS};

static_assert(SIOV_VTD_FS_P == SIOV_VTD_SS_R && SIOV_VTD_FS_W == SIOV_VTD_SS_W &&
		      SIOV_VTD_FS_PS == SIOV_VTD_SS_PS,
	      "the stages agree on present and PS");

/* An entry can be a leaf of the map when the span fills it and the memory is aligned to it. */
static bool
can_be_leaf(const struct ptable_map *map, const struct pte_span *s, unsigned int shift)
{
	uint64_t hva = map->hva + (s->start - map->iova);

	return shift <= map->max_page_shift && s->is_whole &&
	       (hva & ((UINT64_C(1) << shift) - 1)) == 0;
}

/* table is NULL below an entry that is not present. */
static int
plan_map_level(const table_word_t *table, unsigned int shift, const struct ptable_map *map,
	       uint64_t iova, uint64_t end, size_t *nb_tables)
{
	struct pte_span s;
	uint64_t pte;
	int rc;

	if (table == NULL && shift == PTE_PAGE_SHIFT)
		return 0;
	for (; iova < end; iova = s.end) {
		s = pte_span_at(iova, end, shift);
		pte = pte_read(table, s.idx);
		if (pte_is_present(pte) && (pte_is_leaf(pte, shift) || s.is_whole))
			return -EEXIST; /* tables are pruned: below a present entry is a leaf */
		if (!pte_is_present(pte) && can_be_leaf(map, &s, shift))
			continue;
		if (!pte_is_present(pte))
			(*nb_tables)++;
		rc = plan_map_level(pte_is_present(pte) ? pte_table(pte) : NULL,
				    shift - SIOV_VTD_SS_INDEX_BITS, map, s.start, s.end, nb_tables);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int
ptable_plan_map(const struct ptable *pt, const struct ptable_map *map, size_t *nb_tables)
{
	*nb_tables = 0;
	return plan_map_level(pt->root, pt->format->root_shift, map, map->iova,
			      map->iova + map->len, nb_tables);
}

/* W1: a new entry is seen with the (zeroed) table behind it; pairs with A1 in walk_level(). */
static void
set_pte(table_word_t *table, unsigned int idx, uint64_t pte)
{
	siov_atomic_store(&table[idx], pte, release);
	(*pool_used(table))++;
}

/* A map under way. */
struct map_ctx {
	const struct ptable_map *map;
	struct pool_list *tables;
	uint64_t *nb_pages;
	uint64_t table_bits;
};

static void
map_level(table_word_t *table, unsigned int shift, uint64_t iova, uint64_t end,
	  const struct map_ctx *ctx)
{
	const struct ptable_map *map = ctx->map;

	struct pte_span s;
	uint64_t pte;

	for (; iova < end; iova = s.end) {
		s = pte_span_at(iova, end, shift);
		pte = pte_read(table, s.idx);
		if (!pte_is_present(pte) && can_be_leaf(map, &s, shift)) {
			pte = (map->hva + (s.start - map->iova)) | map->leaf_bits;
			pte |= shift == PTE_PAGE_SHIFT ? 0 : SIOV_VTD_SS_PS;
			set_pte(table, s.idx, pte);
			ctx->nb_pages[ptable_size_idx(shift)]++;
			continue;
		}
		if (!pte_is_present(pte)) {
			pte = (uint64_t)(uintptr_t)pool_list_pop(ctx->tables) | ctx->table_bits;
			set_pte(table, s.idx, pte);
		}
		map_level(pte_table(pte), shift - SIOV_VTD_SS_INDEX_BITS, s.start, s.end, ctx);
	}
}

void
ptable_map(const struct ptable *pt, const struct ptable_map *map, struct pool_list *tables,
	   uint64_t nb_pages[PTABLE_NB_SIZES])
{
	const struct map_ctx ctx = {
		.map = map,
		.tables = tables,
		.nb_pages = nb_pages,
		.table_bits = pt->format->table_bits,
	};

	map_level(pt->root, pt->format->root_shift, map->iova, map->iova + map->len, &ctx);
}

static int
plan_unmap_level(const table_word_t *table, unsigned int shift, uint64_t iova, uint64_t end,
		 struct ptable_found *found)
{
	struct pte_span s;
	uint64_t pte;
	int rc;

	for (; iova < end; iova = s.end) {
		s = pte_span_at(iova, end, shift);
		pte = pte_read(table, s.idx);
		if (!pte_is_present(pte))
			return -ENOENT;
		if (pte_is_leaf(pte, shift)) {
			if (!s.is_whole)
				return -EINVAL;
			found->leaves |= shift == PTE_PAGE_SHIFT ? INVAL_LEAF_4K : INVAL_LEAF_2M;
			continue;
		}
		rc = plan_unmap_level(pte_table(pte), shift - SIOV_VTD_SS_INDEX_BITS, s.start,
				      s.end, found);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int
ptable_plan_unmap(const struct ptable *pt, uint64_t iova, uint64_t end, struct ptable_found *found)
{
	found->leaves = 0;
	return plan_unmap_level(pt->root, pt->format->root_shift, iova, end, found);
}

static void
clear_pte(table_word_t *table, unsigned int idx)
{
	siov_atomic_store(&table[idx], 0, relaxed); /* ordered by inval_post() */
	(*pool_used(table))--;
}

static void
unmap_level(table_word_t *table, unsigned int shift, uint64_t iova, uint64_t end,
	    struct ptable_clear_ctx *ctx)
{
	table_word_t *below;
	struct pte_span s;
	uint64_t pte;

	for (; iova < end; iova = s.end) {
		s = pte_span_at(iova, end, shift);
		pte = pte_read(table, s.idx);
		if (!pte_is_present(pte))
			continue;
		if (pte_is_leaf(pte, shift)) {
			clear_pte(table, s.idx);
			ctx->on_leaf(ctx->arg, pte & SIOV_VTD_ADDR_MASK, shift);
			continue;
		}
		below = pte_table(pte);
		unmap_level(below, shift - SIOV_VTD_SS_INDEX_BITS, s.start, s.end, ctx);
		if (*pool_used(below) == 0) {
			clear_pte(table, s.idx);
			pool_list_push(ctx->emptied, below);
		}
	}
}

void
ptable_unmap(const struct ptable *pt, uint64_t iova, uint64_t end, struct ptable_clear_ctx *ctx)
{
	unmap_level(pt->root, pt->format->root_shift, iova, end, ctx);
}

/* Walks set D meanwhile: clearing is atomic, and what they see cleared they set again. */
static void
dirty_leaf(table_word_t *word, unsigned int shift, const struct pte_span *s,
	   struct ptable_dirty_ctx *ctx)
{
	if ((siov_atomic_load(word, relaxed) & SIOV_VTD_SS_D) == 0)
		return;
	if (ctx->clears) {
		siov_atomic_fetch_and(word, ~SIOV_VTD_SS_D, relaxed); /* ordered by post_to() */
		ctx->leaves |= shift == PTE_PAGE_SHIFT ? INVAL_LEAF_4K : INVAL_LEAF_2M;
	}
	ctx->on_dirty(ctx->arg, s->start, s->end);
}

static void
dirty_level(table_word_t *table, unsigned int shift, uint64_t iova, uint64_t end,
	    struct ptable_dirty_ctx *ctx)
{
	struct pte_span s;
	uint64_t pte;

	for (; iova < end; iova = s.end) {
		s = pte_span_at(iova, end, shift);
		pte = pte_read(table, s.idx);
		if (!pte_is_present(pte))
			continue;
		if (pte_is_leaf(pte, shift))
			dirty_leaf(&table[s.idx], shift, &s, ctx);
		else
			dirty_level(pte_table(pte), shift - SIOV_VTD_SS_INDEX_BITS, s.start, s.end,
				    ctx);
	}
}

void
ptable_dirty(const struct ptable *pt, uint64_t iova, uint64_t end, struct ptable_dirty_ctx *ctx)
{
	dirty_level(pt->root, pt->format->root_shift, iova, end, ctx);
}

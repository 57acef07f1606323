/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The sizes of pages, changed while engines walk.
 *
 *     split   [ large page, A D ] -- CAS --> [ table ] -> 512 entries, the same memory, same A D
 *     join    [ table ] -> 512 entries -- store --> [ large page ]; the old table stays as it is
 *                                                   until no walk is in it, then its A D follow
 *
 * An address is present at every instant: a walk finds the large page or the whole table, and both
 * lead to the same byte with the same permissions.
 *
 * No dirty bit is lost. An engine sets D by compare-and-swap against the entry that it read. In a
 * split, either its swap comes first, and ours fails and takes D along, or ours comes first, and the
 * engine's fails and goes on into the table. In a join, a walk that is in the old table may still
 * set D there: it is looked at again when every engine has passed. All that time the lock keeps
 * harvests away. An engine that has the other size in its cache may write by it without a walk: the
 * caller drops that before it lets go of the lock, so before the next harvest.
 */
#include "ptable_priv.h"
#include "pte_priv.h"

#define AD_BITS (SIOV_VTD_SS_A | SIOV_VTD_SS_D)

static uint64_t
size_of(unsigned int shift)
{
	return UINT64_C(1) << shift;
}

static unsigned int
shift_below(unsigned int shift)
{
	return shift - SIOV_VTD_SS_INDEX_BITS;
}

/* Set bits that are not set yet. */
static void
set_bits(table_word_t *word, uint64_t bits)
{
	if ((siov_atomic_load(word, relaxed) & bits) != bits)
		siov_atomic_fetch_or(word, bits, relaxed);
}

static void
spread_bits(table_word_t *table, uint64_t bits)
{
	unsigned int i;

	for (i = 0; bits != 0 && i < SIOV_VTD_SS_ENTRIES; i++)
		set_bits(&table[i], bits);
}

/* ---- split ---- */

/* The entries of a new table that says what the large page pte says. */
static void
fill_table(table_word_t *table, uint64_t pte, unsigned int shift)
{
	uint64_t ps = shift == PTE_PAGE_SHIFT ? 0 : SIOV_VTD_SS_PS;
	uint64_t first = (pte & ~SIOV_VTD_SS_PS) | ps;
	unsigned int i;

	for (i = 0; i < SIOV_VTD_SS_ENTRIES; i++)
		siov_atomic_store(&table[i], first + i * size_of(shift), relaxed);
	*pool_used(table) = SIOV_VTD_SS_ENTRIES;
}

/*
 * Put a table that says the same in the place of a large page. Its entries have A and D of the page
 * before a walk can come to them.
 */
static void
swap_in_table(table_word_t *word, table_word_t *table)
{
	uint64_t pte = siov_atomic_load(word, relaxed);
	uint64_t new;

	do {
		spread_bits(table, pte & AD_BITS);
		new = (uint64_t)(uintptr_t)table | ptable_ss.table_bits | (pte & SIOV_VTD_SS_A);
		/* W1': the table is seen with it; pairs with A1 in walk_level() */
	} while (!siov_atomic_cas(word, &pte, new, release, relaxed));
}

static void
plan_level(const table_word_t *table, unsigned int shift, uint64_t iova, uint64_t end,
	   struct ptable_split *split)
{
	struct pte_span s;
	uint64_t pte;

	for (; iova < end; iova = s.end) {
		s = pte_span_at(iova, end, shift);
		pte = pte_read(table, s.idx);
		if (!pte_is_present(pte) || shift == PTE_PAGE_SHIFT)
			continue;
		if (!pte_is_leaf(pte, shift)) {
			plan_level(pte_table(pte), shift_below(shift), s.start, s.end, split);
			continue;
		}
		split->nb_tables += shift == 21 ? 1 : 1 + SIOV_VTD_SS_ENTRIES;
		split->start = RTE_MIN(split->start, s.start & ~(size_of(shift) - 1));
		split->end = RTE_MAX(split->end, (s.start | (size_of(shift) - 1)) + 1);
	}
}

void
ptable_plan_split(const struct ptable *pt, uint64_t iova, uint64_t end, struct ptable_split *split)
{
	*split = (struct ptable_split){.start = iova, .end = end};
	plan_level(pt->root, pt->format->root_shift, iova, end, split);
}

/* A split under way. */
struct split_ctx {
	struct pool_list *tables;
	uint64_t *nb_pages;
};

static void
split_level(table_word_t *table, unsigned int shift, uint64_t iova, uint64_t end,
	    const struct split_ctx *ctx)
{
	unsigned int below = shift_below(shift);
	table_word_t *new;
	struct pte_span s;
	uint64_t pte;

	for (; iova < end; iova = s.end) {
		s = pte_span_at(iova, end, shift);
		pte = pte_read(table, s.idx);
		if (!pte_is_present(pte))
			continue;
		if (pte_is_leaf(pte, shift)) {
			new = pool_list_pop(ctx->tables);
			fill_table(new, pte, below);
			swap_in_table(&table[s.idx], new);
			ctx->nb_pages[ptable_size_idx(shift)]--;
			ctx->nb_pages[ptable_size_idx(below)] += SIOV_VTD_SS_ENTRIES;
		}
		if (below != PTE_PAGE_SHIFT)
			split_level(pte_table(pte_read(table, s.idx)), below, s.start, s.end, ctx);
	}
}

void
ptable_split(const struct ptable *pt, const struct ptable_split *split, struct pool_list *tables,
	     uint64_t nb_pages[PTABLE_NB_SIZES])
{
	const struct split_ctx ctx = {.tables = tables, .nb_pages = nb_pages};

	split_level(pt->root, pt->format->root_shift, split->start, split->end, &ctx);
}

/* ---- join ---- */

/* A and D of any entry of a table. */
static uint64_t
gather_bits(const table_word_t *table)
{
	uint64_t bits = 0;
	unsigned int i;

	for (i = 0; i < SIOV_VTD_SS_ENTRIES; i++)
		bits |= siov_atomic_load(&table[i], relaxed);
	return bits & AD_BITS;
}

/* Whether a table of pages of 2^shift says what one large page can say. */
static bool
is_uniform(const table_word_t *table, unsigned int shift)
{
	uint64_t first = pte_read(table, 0) & ~AD_BITS;
	unsigned int i;

	if (!pte_is_present(first) || !pte_is_leaf(first, shift))
		return false;
	if ((first & SIOV_VTD_ADDR_MASK & (size_of(shift + SIOV_VTD_SS_INDEX_BITS) - 1)) != 0)
		return false;
	for (i = 1; i < SIOV_VTD_SS_ENTRIES; i++)
		if ((pte_read(table, i) & ~AD_BITS) != first + i * size_of(shift))
			return false;
	return true;
}

static void
join_table(table_word_t *word, uint64_t iova, struct ptable_join *join)
{
	table_word_t *table = pte_table(siov_atomic_load(word, relaxed));
	uint64_t pte;

	if (!is_uniform(table, shift_below(join->shift)))
		return;
	pte = (pte_read(table, 0) & ~AD_BITS) | SIOV_VTD_SS_PS | gather_bits(table);
	if (!join->can_join(join->arg, pte & SIOV_VTD_ADDR_MASK, join->shift))
		return;
	join->joined[join->nb++] = (struct ptable_joined){word, table, iova};
	siov_atomic_store(word, pte, relaxed); /* what it leads to is in place since the map */
}

static uint64_t
join_level(table_word_t *table, unsigned int shift, uint64_t iova, uint64_t end,
	   struct ptable_join *join)
{
	struct pte_span s;
	uint64_t pte;
	uint64_t at;

	for (; iova < end && join->nb < PTABLE_JOIN_MAX; iova = s.end) {
		s = pte_span_at(iova, end, shift);
		pte = pte_read(table, s.idx);
		if (!pte_is_present(pte) || pte_is_leaf(pte, shift))
			continue;
		if (shift == join->shift) {
			join_table(&table[s.idx], s.start & ~(size_of(shift) - 1), join);
			continue;
		}
		at = join_level(pte_table(pte), shift_below(shift), s.start, s.end, join);
		if (at < s.end)
			return at;
	}
	return iova;
}

uint64_t
ptable_join(const struct ptable *pt, uint64_t iova, uint64_t end, struct ptable_join *join)
{
	join->nb = 0;
	return join_level(pt->root, pt->format->root_shift, iova, end, join);
}

static void
clear_table(table_word_t *table)
{
	unsigned int i;

	for (i = 0; i < SIOV_VTD_SS_ENTRIES; i++)
		siov_atomic_store(&table[i], 0, relaxed);
}

void
ptable_join_finish(struct ptable_join *join, struct pool_list *emptied,
		   uint64_t nb_pages[PTABLE_NB_SIZES])
{
	unsigned int i;

	for (i = 0; i < join->nb; i++) {
		set_bits(join->joined[i].word, gather_bits(join->joined[i].table));
		clear_table(join->joined[i].table);
		pool_list_push(emptied, join->joined[i].table);
	}
	nb_pages[ptable_size_idx(join->shift)] += join->nb;
	nb_pages[ptable_size_idx(shift_below(join->shift))] -=
		(uint64_t)join->nb * SIOV_VTD_SS_ENTRIES;
}

void
ptable_join_undo(struct ptable_join *join)
{
	while (join->nb > 0) {
		join->nb--;
		swap_in_table(join->joined[join->nb].word, join->joined[join->nb].table);
	}
}

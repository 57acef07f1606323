/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Page tables that control writes, of the first stage and of the second: find out what a map or
 * unmap would do, then do it. What was planned cannot fail half-way. The formats differ in the low
 * bits only: an entry is present when bit 0 or bit 1 is set, PS and the address are where they are.
 *
 * Tables are pruned: one that is not the root has at least one entry in use.
 *
 * Thread: control, under the lock of the unit; walks go on meanwhile.
 */
#ifndef PTABLE_PRIV_H
#define PTABLE_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pool_priv.h"

/* Index of a page size in counters: 4 KiB, 2 MiB, 1 GiB. */
#define PTABLE_NB_SIZES 3u

static inline unsigned int
ptable_size_idx(unsigned int shift)
{
	return shift == 12 ? 0 : shift == 21 ? 1 : 2;
}

/* What tells the stages apart. */
struct ptable_format {
	unsigned int root_shift; /* an entry of the top table translates 2^root_shift bytes */
	uint64_t table_bits; /* set in entries of tables */
};

/* A tree of tables of one format. */
struct ptable {
	table_word_t *root;
	const struct ptable_format *format;
};

extern const struct ptable_format ptable_ss; /* second stage */
extern const struct ptable_format ptable_fs4; /* first stage, four levels */
extern const struct ptable_format ptable_fs5; /* first stage, five levels */

/* [iova, iova + len) to [hva, hva + len). */
struct ptable_map {
	uint64_t iova;
	uint64_t hva;
	uint64_t len;
	uint64_t leaf_bits; /* set in entries of pages, PS excepted */
	unsigned int max_page_shift;
};

/* What an unmap finds. */
struct ptable_found {
	unsigned int leaves; /* INVAL_LEAF_* */
};

/* Called for each run of memory taken off the tables. */
struct ptable_clear_ctx {
	void (*on_leaf)(void *arg, uint64_t hva, unsigned int shift);
	void *arg;
	struct pool_list *emptied; /* tables taken off */
};

/* Number of tables a map needs: 0 with *nb_tables set, or -EEXIST. */
int ptable_plan_map(const struct ptable *pt, const struct ptable_map *map, size_t *nb_tables);

/* Do a planned map; takes the planned number of tables from the list. Adds to nb_pages[]. */
void ptable_map(const struct ptable *pt, const struct ptable_map *map, struct pool_list *tables,
		uint64_t nb_pages[PTABLE_NB_SIZES]);

/* Whether [iova, end) can be unmapped: 0 with *found set, -ENOENT a hole, -EINVAL a split. */
int ptable_plan_unmap(const struct ptable *pt, uint64_t iova, uint64_t end,
		      struct ptable_found *found);

/* Take all leaves within [iova, end) off the tables; holes are passed over. */
void ptable_unmap(const struct ptable *pt, uint64_t iova, uint64_t end,
		  struct ptable_clear_ctx *ctx);

/* What a walk over the second-stage pages of a range calls for each that is dirty. */
struct ptable_dirty_ctx {
	void (*on_dirty)(void *arg, uint64_t iova, uint64_t end); /* the part within the range */
	void *arg;
	bool clears;
	unsigned int leaves; /* INVAL_LEAF_*: sizes of the pages cleared */
};

/* Find, and perhaps clear, dirty bits within [iova, end). */
void ptable_dirty(const struct ptable *pt, uint64_t iova, uint64_t end,
		  struct ptable_dirty_ctx *ctx);

/* ptable_size.c: the sizes of pages, changed under walks. Second stage. */

#define PTABLE_JOIN_MAX 128u /* tables replaced before the engines are waited for */

/* A split: before it, what it needs; after it, what it did. */
struct ptable_split {
	size_t nb_tables;
	uint64_t start; /* all large pages that the range touches lie in [start, end) */
	uint64_t end;
};

/* Find the large pages that [iova, end) touches. */
void ptable_plan_split(const struct ptable *pt, uint64_t iova, uint64_t end,
		       struct ptable_split *split);

/* Do a planned split; takes the planned number of tables from the list. */
void ptable_split(const struct ptable *pt, const struct ptable_split *split,
		  struct pool_list *tables, uint64_t nb_pages[PTABLE_NB_SIZES]);

/* A table that a large page stands for now; walks may still be in it. */
struct ptable_joined {
	table_word_t *word; /* of the large page */
	table_word_t *table;
	uint64_t iova;
};

/* A join under way. */
struct ptable_join {
	bool (*can_join)(void *arg, uint64_t hva, unsigned int shift);
	void *arg;
	unsigned int shift; /* of the large pages to make: 21 or 30 */
	unsigned int nb;
	struct ptable_joined joined[PTABLE_JOIN_MAX];
};

/*
 * Replace tables that [iova, end) touches by large pages, until there is nothing more to do or
 * joined[] is full. Returns how far it came. No engine may be in the tables when it is finished.
 */
uint64_t ptable_join(const struct ptable *pt, uint64_t iova, uint64_t end,
		     struct ptable_join *join);

/* No walk is in the tables any more: carry their last A and D over, and hand the tables out. */
void ptable_join_finish(struct ptable_join *join, struct pool_list *emptied,
			uint64_t nb_pages[PTABLE_NB_SIZES]);

/* Put the tables back, with A and D of the large pages. */
void ptable_join_undo(struct ptable_join *join);

#endif /* PTABLE_PRIV_H */

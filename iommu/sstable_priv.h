/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Second-stage page tables, the control path's side: find out what a map or unmap would do, then
 * do it. What was planned cannot fail half-way.
 *
 * Tables are pruned: one that is not the root has at least one entry in use.
 *
 * Thread: control, under the lock of the unit; walks go on meanwhile.
 */
#ifndef SSTABLE_PRIV_H
#define SSTABLE_PRIV_H

#include <stddef.h>
#include <stdint.h>

#include "pool_priv.h"

/* Index of a page size in counters: 4 KiB, 2 MiB, 1 GiB. */
#define SST_NB_SIZES 3u

static inline unsigned int
sst_size_idx(unsigned int shift)
{
	return shift == 12 ? 0 : shift == 21 ? 1 : 2;
}

/* [iova, iova + len) to [hva, hva + len). */
struct sst_map {
	uint64_t iova;
	uint64_t hva;
	uint64_t len;
	uint64_t perm; /* SIOV_VTD_SS_R, _W */
	unsigned int max_page_shift;
};

/* What an unmap finds. */
struct sst_found {
	unsigned int leaves; /* INVAL_LEAF_* */
};

/* Called for each run of memory taken off the tables. */
struct sst_clear_ctx {
	void (*on_leaf)(void *arg, uint64_t hva, unsigned int shift);
	void *arg;
	struct pool_list *emptied; /* tables taken off */
};

/* Number of tables a map needs: 0 with *nb_tables set, or -EEXIST. */
int sst_plan_map(const table_word_t *root, const struct sst_map *map, size_t *nb_tables);

/* Do a planned map; takes the planned number of tables from the list. Adds to nb_pages[]. */
void sst_map(table_word_t *root, const struct sst_map *map, struct pool_list *tables,
	     uint64_t nb_pages[SST_NB_SIZES]);

/* Whether [iova, end) can be unmapped: 0 with *found set, -ENOENT a hole, -EINVAL a split. */
int sst_plan_unmap(const table_word_t *root, uint64_t iova, uint64_t end, struct sst_found *found);

/* Take all leaves within [iova, end) off the tables; holes are passed over. */
void sst_unmap(table_word_t *root, uint64_t iova, uint64_t end, struct sst_clear_ctx *ctx);

#endif /* SSTABLE_PRIV_H */

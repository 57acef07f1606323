/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "record_priv.h"

int
record_pools_create(struct record_pools *pools, const struct siov_mem *mem, int socket_id,
		    uint32_t nb_hists, uint32_t nb_fails)
{
	pools->nb_hists = nb_hists + 1;
	pools->nb_fails = nb_fails + 1;
	pools->next_hist = 1;
	pools->next_fails = 1;
	pools->hists = siov_mem_alloc(mem, "siov_hists", pools->nb_hists * sizeof(pools->hists[0]),
				      RTE_CACHE_LINE_SIZE, socket_id);
	pools->fails = siov_mem_alloc(mem, "siov_fails", pools->nb_fails * sizeof(pools->fails[0]),
				      RTE_CACHE_LINE_SIZE, socket_id);
	return pools->hists != NULL && pools->fails != NULL ? 0 : -ENOMEM;
}

void
record_pools_free(struct record_pools *pools, const struct siov_mem *mem)
{
	siov_mem_free(mem, pools->hists);
	siov_mem_free(mem, pools->fails);
}

void
record_pools_reset(struct record_pools *pools)
{
	memset(pools->hists, 0, pools->nb_hists * sizeof(pools->hists[0]));
	memset(pools->fails, 0, pools->nb_fails * sizeof(pools->fails[0]));
	pools->next_hist = 1;
	pools->next_fails = 1;
}

int
record_table_create(struct record_table *table, const struct siov_mem *mem, int socket_id)
{
	table->dir = siov_mem_alloc(mem, "siov_records_dir", RECORD_DIR * sizeof(table->dir[0]),
				    RTE_CACHE_LINE_SIZE, socket_id);
	return table->dir != NULL ? 0 : -ENOMEM;
}

void
record_table_free(struct record_table *table, const struct siov_mem *mem)
{
	unsigned int i;

	if (table->dir == NULL)
		return;
	for (i = 0; i < RECORD_DIR; i++)
		siov_mem_free(mem, siov_atomic_load(&table->dir[i], relaxed));
	siov_mem_free(mem, table->dir);
	table->dir = NULL;
}

int
record_add(struct record_table *table, const struct siov_mem *mem, int socket_id, uint32_t pasid)
{
	SIOV_ATOMIC(struct record *) *entry = &table->dir[pasid >> RECORD_BLOCK_LOG2];
	struct record *block;

	if (siov_atomic_load(entry, relaxed) != NULL)
		return 0;
	block = siov_mem_alloc(mem, "siov_records", RECORD_BLOCK * sizeof(*block),
			       RTE_CACHE_LINE_SIZE, socket_id);
	if (block == NULL)
		return -ENOMEM;
	/* R2: pairs with R1 in record_find. */
	siov_atomic_store(entry, block, release);
	return RECORD_BLOCK * sizeof(*block);
}

void
record_read(const struct record *rec, const struct record_pools *pools, struct siov_stats *sum)
{
	uint32_t hist_idx = siov_atomic_load(&rec->hist_idx, acquire);
	uint32_t fails_idx = siov_atomic_load(&rec->fails_idx, acquire);
	unsigned int i;

	sum->completed += siov_atomic_load(&rec->completed, relaxed);
	sum->failed += siov_atomic_load(&rec->failed, relaxed);
	sum->aborted += siov_atomic_load(&rec->aborted, relaxed);
	sum->bytes += siov_atomic_load(&rec->bytes, relaxed);
	sum->members += siov_atomic_load(&rec->members, relaxed);
	if (hist_idx != 0)
		siov_hist_add(&sum->latency, &pools->hists[hist_idx]);
	if (fails_idx != 0) {
		for (i = 0; i < SIOV_STATS_CODES; i++)
			sum->failed_by[i] +=
				siov_atomic_load(&pools->fails[fails_idx].nb[i], relaxed);
	}
}

void
record_failure(struct record *rec, struct record_pools *pools, uint8_t code)
{
	uint32_t idx = siov_atomic_load(&rec->fails_idx, relaxed);

	RECORD_ADD(&rec->failed, 1);
	if (idx == 0 && pools->next_fails < pools->nb_fails) {
		idx = pools->next_fails++;
		siov_atomic_store(&rec->fails_idx, idx, release);
	}
	RECORD_ADD(&pools->fails[idx].nb[code & (SIOV_STATS_CODES - 1)], 1);
}

uint32_t
record_take_hist(struct record *rec, struct record_pools *pools)
{
	uint32_t idx;

	if (pools->next_hist == pools->nb_hists)
		return 0;
	idx = pools->next_hist++;
	siov_atomic_store(&rec->hist_idx, idx, release);
	return idx;
}

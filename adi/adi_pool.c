/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>

#include <rte_common.h>

#include "adi.h"

#define NONE ADI_INDEX_MASK

int
adi_pool_create(struct adi_pool *pool, const struct siov_mem *mem, int socket_id, uint32_t max)
{
	size_t bytes = ((size_t)max + ADI_SLAB - 1) / ADI_SLAB * sizeof(pool->slabs[0]);

	*pool = (struct adi_pool){
		.mem = mem,
		.socket_id = socket_id,
		.max = max,
		.free_head = NONE,
		.free_tail = NONE,
		.bytes = bytes,
	};
	pool->slabs = siov_mem_alloc(mem, "siov_adi_slabs", bytes, RTE_CACHE_LINE_SIZE, socket_id);
	return pool->slabs != NULL ? 0 : -ENOMEM;
}

void
adi_pool_free(struct adi_pool *pool)
{
	uint32_t i;

	if (pool->slabs == NULL)
		return;
	for (i = 0; i < (pool->max + ADI_SLAB - 1) / ADI_SLAB; i++)
		siov_mem_free(pool->mem, pool->slabs[i]);
	siov_mem_free(pool->mem, pool->slabs);
	pool->slabs = NULL;
}

static struct adi *
at(const struct adi_pool *pool, uint32_t index)
{
	return &pool->slabs[index >> ADI_SLAB_LOG2][index & (ADI_SLAB - 1)];
}

/* An index that was never given out. 0, -ENOSPC or -ENOMEM. */
static int
make_index(struct adi_pool *pool, uint32_t *index)
{
	struct adi **slab = &pool->slabs[pool->nb_made >> ADI_SLAB_LOG2];
	size_t bytes = ADI_SLAB * sizeof(struct adi);

	if (pool->nb_made == pool->max)
		return -ENOSPC;
	if (*slab == NULL) {
		*slab = siov_mem_alloc(pool->mem, "siov_adis", bytes, RTE_CACHE_LINE_SIZE,
				       pool->socket_id);
		if (*slab == NULL)
			return -ENOMEM;
		pool->bytes += bytes;
	}
	*index = pool->nb_made++;
	at(pool, *index)->id = *index;
	return 0;
}

/* New ones first: an old number comes back as late as possible. */
static int
take_index(struct adi_pool *pool, uint32_t *index)
{
	int ret = make_index(pool, index);

	if (ret == 0 || pool->free_head == NONE)
		return ret;
	*index = pool->free_head;
	pool->free_head = at(pool, *index)->next_free;
	if (pool->free_head == NONE)
		pool->free_tail = NONE;
	return 0;
}

int
adi_alloc(struct adi_pool *pool, struct adi **out)
{
	uint32_t index, id;
	struct adi *adi;
	int ret;

	ret = take_index(pool, &index);
	if (ret != 0)
		return ret;
	adi = at(pool, index);
	id = adi->id;
	memset(adi, 0, sizeof(*adi));
	adi->id = id;
	adi->state = SIOV_ADI_ALLOCATED;
	adi->conf.wq_id = ADI_NO_WQ;
	memset(adi->dwqs, ADI_NO_WQ, sizeof(adi->dwqs));
	pool->nb_used++;
	*out = adi;
	return 0;
}

void
adi_release(struct adi_pool *pool, struct adi *adi)
{
	uint32_t index = adi_index(adi);

	adi->state = SIOV_ADI_FREE;
	adi->id += 1u << ADI_INDEX_BITS;
	adi->next_free = NONE;
	if (pool->free_tail == NONE)
		pool->free_head = index;
	else
		at(pool, pool->free_tail)->next_free = index;
	pool->free_tail = index;
	pool->nb_used--;
}

struct adi *
adi_find(const struct adi_pool *pool, uint32_t id)
{
	uint32_t index = id & ADI_INDEX_MASK;
	struct adi *adi;

	if (index >= pool->nb_made)
		return NULL;
	adi = at(pool, index);
	return adi->id == id && adi->state != SIOV_ADI_FREE ? adi : NULL;
}

struct adi *
adi_next(const struct adi_pool *pool, uint32_t index)
{
	for (; index < pool->nb_made; index++) {
		if (at(pool, index)->state != SIOV_ADI_FREE)
			return at(pool, index);
	}
	return NULL;
}

int
adi_do(struct adi *adi, enum siov_adi_action action)
{
	enum siov_adi_state next;
	int ret;

	ret = siov_adi_next_state((enum siov_adi_state)adi->state, action, &next);
	if (ret == 0)
		adi->state = (uint8_t)next;
	return ret;
}

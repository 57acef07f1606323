/* SPDX-License-Identifier: BSD-3-Clause */
#include <assert.h>
#include <errno.h>

#include "pool_priv.h"

struct pool_chunk {
	TAILQ_ENTRY(pool_chunk) link;
	struct pool_list free;
	uint16_t used[POOL_CHUNK_PAGES]; /* entries in use, by page */
};

static_assert(sizeof(struct pool_chunk) <= SIOV_VTD_PAGE_SIZE, "a chunk's head is one page");

/* Pages of a chunk that can be taken: all but its head. */
#define CHUNK_USABLE (POOL_CHUNK_PAGES - 1)

static struct pool_chunk *
chunk_of(const table_word_t *page)
{
	return (struct pool_chunk *)((uintptr_t)page & ~(uintptr_t)(POOL_CHUNK_ALIGN - 1));
}

uint16_t *
pool_used(const table_word_t *page)
{
	struct pool_chunk *chunk = chunk_of(page);

	return &chunk->used[((uintptr_t)page - (uintptr_t)chunk) >> SIOV_VTD_PAGE_SHIFT];
}

void
pool_init(struct pool *pool, const struct siov_mem *mem, int socket_id)
{
	*pool = (struct pool){.mem = mem, .socket_id = socket_id};
	TAILQ_INIT(&pool->has_free);
	TAILQ_INIT(&pool->full);
}

static int
add_chunk(struct pool *pool)
{
	struct pool_chunk *chunk;
	uintptr_t page;
	size_t i;

	chunk = siov_mem_alloc(pool->mem, "siov_iommu_tables", POOL_CHUNK_BYTES, POOL_CHUNK_ALIGN,
			       pool->socket_id);
	if (chunk == NULL)
		return -ENOMEM;
	for (i = CHUNK_USABLE; i > 0; i--) {
		page = (uintptr_t)chunk + i * SIOV_VTD_PAGE_SIZE;
		pool_list_push(&chunk->free, (table_word_t *)page);
	}
	TAILQ_INSERT_TAIL(&pool->has_free, chunk, link);
	pool->nb_chunks++;
	pool->nb_idle_chunks++;
	return 0;
}

static void
drop_chunk(struct pool *pool, struct pool_chunk *chunk)
{
	TAILQ_REMOVE(&pool->has_free, chunk, link);
	pool->nb_chunks--;
	pool->nb_idle_chunks--;
	siov_mem_free(pool->mem, chunk);
}

/* Take one page of a chunk that has one. */
static table_word_t *
take_page(struct pool *pool, struct pool_chunk *chunk)
{
	table_word_t *page;

	if (chunk->free.nb_pages == CHUNK_USABLE)
		pool->nb_idle_chunks--;
	page = pool_list_pop(&chunk->free);
	if (chunk->free.nb_pages == 0) {
		TAILQ_REMOVE(&pool->has_free, chunk, link);
		TAILQ_INSERT_TAIL(&pool->full, chunk, link);
	}
	pool->nb_pages_used++;
	return page;
}

/* One idle chunk is kept, so that map and unmap of a page do not allocate each time. */
static void
give_page(struct pool *pool, table_word_t *page)
{
	struct pool_chunk *chunk = chunk_of(page);

	if (chunk->free.nb_pages == 0) {
		TAILQ_REMOVE(&pool->full, chunk, link);
		TAILQ_INSERT_HEAD(&pool->has_free, chunk, link);
	}
	*pool_used(page) = 0;
	pool_list_push(&chunk->free, page);
	pool->nb_pages_used--;
	if (chunk->free.nb_pages < CHUNK_USABLE)
		return;
	pool->nb_idle_chunks++;
	if (pool->nb_idle_chunks > 1)
		drop_chunk(pool, chunk);
}

int
pool_take(struct pool *pool, size_t n, struct pool_list *list)
{
	struct pool_list taken = {0};

	while (taken.nb_pages < n) {
		if (TAILQ_EMPTY(&pool->has_free) && add_chunk(pool) < 0) {
			pool_give(pool, &taken);
			return -ENOMEM;
		}
		pool_list_push(&taken, take_page(pool, TAILQ_FIRST(&pool->has_free)));
	}
	pool_list_join(list, &taken);
	return 0;
}

void
pool_give(struct pool *pool, struct pool_list *list)
{
	while (list->head != NULL)
		give_page(pool, pool_list_pop(list));
}

size_t
pool_bytes(const struct pool *pool)
{
	return pool->nb_chunks * POOL_CHUNK_BYTES;
}

static void
free_chunks(struct pool *pool, struct pool_chunk_list *list)
{
	struct pool_chunk *chunk;

	while (!TAILQ_EMPTY(list)) {
		chunk = TAILQ_FIRST(list);
		TAILQ_REMOVE(list, chunk, link);
		siov_mem_free(pool->mem, chunk);
	}
}

void
pool_fini(struct pool *pool)
{
	free_chunks(pool, &pool->has_free);
	free_chunks(pool, &pool->full);
	pool->nb_chunks = 0;
	pool->nb_idle_chunks = 0;
	pool->nb_pages_used = 0;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Pool of 4 KiB table pages.
 *
 *     chunk, 1 MiB aligned, 255 pages long
 *     +--------------+------+------+--     --+------+
 *     | struct chunk | page | page |   ...   | page |
 *     +--------------+------+------+--     --+------+
 *
 * Blocks of 4 KiB would cost siov_mem a header and an alignment gap each. A chunk ends one page
 * short of its alignment, so that the allocator's header of the next one fits between them.
 *
 * A free page is zero but for its first word, which links the list: an address of 4 KiB alignment
 * reads as "not present" in every table format, so a walker that still holds a retired page finds
 * nothing in it.
 *
 * Thread: control, under the lock of the unit.
 */
#ifndef POOL_PRIV_H
#define POOL_PRIV_H

#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "siov_compat.h"
#include "siov_mem.h"
#include "siov_vtd_hw.h"

#define POOL_CHUNK_ALIGN (UINT64_C(1) << 20)
#define POOL_CHUNK_PAGES (POOL_CHUNK_ALIGN / SIOV_VTD_PAGE_SIZE - 1)
#define POOL_CHUNK_BYTES (POOL_CHUNK_PAGES * SIOV_VTD_PAGE_SIZE)

/* A word of a table that walkers read meanwhile. */
typedef SIOV_ATOMIC(uint64_t) table_word_t;

struct pool_chunk;
TAILQ_HEAD(pool_chunk_list, pool_chunk);

/* Pages off the tables, linked through their first words. */
struct pool_list {
	table_word_t *head;
	size_t nb_pages;
};

struct pool {
	const struct siov_mem *mem;
	int socket_id;
	struct pool_chunk_list has_free;
	struct pool_chunk_list full;
	size_t nb_chunks;
	size_t nb_idle_chunks; /* with all pages free */
	size_t nb_pages_used;
};

void pool_init(struct pool *pool, const struct siov_mem *mem, int socket_id);

/* Free all chunks, pages in use included. */
void pool_fini(struct pool *pool);

/* Add n zeroed pages to list, or none: 0 or -ENOMEM. */
int pool_take(struct pool *pool, size_t n, struct pool_list *list);

/* Give all pages of the list back: zero but for the link. */
void pool_give(struct pool *pool, struct pool_list *list);

/* Bytes taken from siov_mem. */
size_t pool_bytes(const struct pool *pool);

/* Number of entries in use of a page, kept by the owner of the page; 0 when taken. */
uint16_t *pool_used(const table_word_t *page);

/* Put a page of zeros on a list. */
static inline void
pool_list_push(struct pool_list *list, table_word_t *page)
{
	siov_atomic_store(page, (uint64_t)(uintptr_t)list->head, relaxed);
	list->head = page;
	list->nb_pages++;
}

/* Take the first page off a list that is not empty, all zero. */
static inline table_word_t *
pool_list_pop(struct pool_list *list)
{
	table_word_t *page = list->head;

	list->head = (table_word_t *)(uintptr_t)siov_atomic_load(page, relaxed);
	list->nb_pages--;
	siov_atomic_store(page, 0, relaxed);
	return page;
}

/* Move all pages of one list to another. */
static inline void
pool_list_join(struct pool_list *to, struct pool_list *from)
{
	while (from->head != NULL)
		pool_list_push(to, pool_list_pop(from));
}

#endif /* POOL_PRIV_H */

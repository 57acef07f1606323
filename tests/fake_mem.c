/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include "fake_mem.h"

static void *
alloc_fake(void *ctx, const char *name, size_t size, size_t align, int socket_id)
{
	struct fake_mem *fm = ctx;
	uint64_t nth = siov_atomic_fetch_add(&fm->nb_allocs, 1, relaxed) + 1;
	void *ptr = NULL;

	RTE_SET_USED(name);
	RTE_SET_USED(socket_id);
	if (nth == siov_atomic_load(&fm->fail_at, relaxed))
		return NULL;
	if (align < sizeof(void *))
		align = sizeof(void *);
	if (posix_memalign(&ptr, align, size) != 0)
		return NULL;
	memset(ptr, 0, size);
	siov_atomic_fetch_add(&fm->nb_live, 1, relaxed);
	return ptr;
}

static void
free_fake(void *ctx, void *ptr)
{
	struct fake_mem *fm = ctx;

	if (ptr == NULL)
		return;
	siov_atomic_fetch_add(&fm->nb_live, -1, relaxed);
	free(ptr);
}

void
fake_mem_init(struct fake_mem *fm)
{
	memset(fm, 0, sizeof(*fm));
	fm->mem.alloc = alloc_fake;
	fm->mem.free = free_fake;
	fm->mem.ctx = fm;
}

void
fake_mem_fail_at(struct fake_mem *fm, uint64_t n)
{
	siov_atomic_store(&fm->nb_allocs, 0, relaxed);
	siov_atomic_store(&fm->fail_at, n, relaxed);
}

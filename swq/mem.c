/* SPDX-License-Identifier: BSD-3-Clause */
#include <rte_malloc.h>
#include <rte_memory.h>

#include "siov_mem.h"

static void *
alloc_eal(void *ctx, const char *name, size_t size, size_t align, int socket_id)
{
	RTE_SET_USED(ctx);
	return rte_zmalloc_socket(name, size, align, socket_id < 0 ? SOCKET_ID_ANY : socket_id);
}

static void
free_eal(void *ctx, void *ptr)
{
	RTE_SET_USED(ctx);
	rte_free(ptr);
}

static const struct siov_mem eal_mem = {
	.alloc = alloc_eal,
	.free = free_eal,
};

const struct siov_mem *
siov_mem_eal(void)
{
	return &eal_mem;
}

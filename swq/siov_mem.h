/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file
 * Where the library's memory comes from.
 *
 * Everything that engines, submitters and guests share is taken from one siov_mem: hugepage memory
 * of the EAL by default, or the caller's own (tests make allocation n fail, and run the lock-free
 * parts without EAL). The operations are kept by the process that created an object and never
 * stored in shared memory.
 *
 * Thread: alloc and free are called from control paths only, never by an engine's or a submitter's
 * hot path; the EAL implementation is thread safe.
 */
#ifndef SIOV_MEM_H
#define SIOV_MEM_H

#include <stddef.h>

#include "siov_compat.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Source of memory; const after creation, must outlive every object made from it. */
struct siov_mem {
	/**
	 * Zeroed memory of @p size bytes aligned to @p align (a power of two) near NUMA node
	 * @p socket_id (-1: any), or NULL. @p name is for dumps only.
	 */
	void *(*alloc)(void *ctx, const char *name, size_t size, size_t align, int socket_id);
	/** Give back what alloc returned; NULL is allowed. */
	void (*free)(void *ctx, void *ptr);
	void *ctx; /**< passed to both */
};

/**
 * Hugepage memory of the EAL (rte_malloc; ordinary pages with --no-huge).
 *
 * @return the EAL's memory, valid for the life of the process.
 * Thread: any.
 */
SIOV_API const struct siov_mem *siov_mem_eal(void);

/** alloc of @p mem; see struct siov_mem. */
static inline void *
siov_mem_alloc(const struct siov_mem *mem, const char *name, size_t size, size_t align,
	       int socket_id)
{
	return mem->alloc(mem->ctx, name, size, align, socket_id);
}

/** free of @p mem; see struct siov_mem. */
static inline void
siov_mem_free(const struct siov_mem *mem, void *ptr)
{
	mem->free(mem->ctx, ptr);
}

#ifdef __cplusplus
}
#endif

#endif /* SIOV_MEM_H */

/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file
 * Everything that differs between DPDK 22.11 and 25.11, and the only place with compiler atomics.
 *
 * Fields that cross lcores are declared SIOV_ATOMIC(type) and touched only through the
 * siov_atomic_* macros; the memory order is given by its short name (relaxed, acquire, release,
 * acq_rel, seq_cst). DPDK 23.11 and later bring rte_stdatomic.h; before that the compiler's
 * builtins do the same.
 */
#ifndef SIOV_COMPAT_H
#define SIOV_COMPAT_H

#include <stdint.h>

#include <rte_bitops.h> /* rte_log2_u32 and the like, since DPDK 23.03 */
#include <rte_common.h>
#include <rte_version.h>

/* Atomics: DPDK's, or the compiler's where DPDK has none. */
/** @cond */
#if RTE_VERSION >= RTE_VERSION_NUM(23, 11, 0, 0)

#include <rte_stdatomic.h>

#define SIOV_ATOMIC(type) RTE_ATOMIC(type)
#define SIOV_MO(order) rte_memory_order_##order
#define siov_atomic_load(p, order) rte_atomic_load_explicit(p, SIOV_MO(order))
#define siov_atomic_store(p, v, order) rte_atomic_store_explicit(p, v, SIOV_MO(order))
#define siov_atomic_exchange(p, v, order) rte_atomic_exchange_explicit(p, v, SIOV_MO(order))
#define siov_atomic_fetch_add(p, v, order) rte_atomic_fetch_add_explicit(p, v, SIOV_MO(order))
#define siov_atomic_fetch_and(p, v, order) rte_atomic_fetch_and_explicit(p, v, SIOV_MO(order))
#define siov_atomic_fetch_or(p, v, order) rte_atomic_fetch_or_explicit(p, v, SIOV_MO(order))
#define siov_atomic_cas(p, expected, desired, ok, fail) \
	rte_atomic_compare_exchange_strong_explicit(p, expected, desired, SIOV_MO(ok), \
						    SIOV_MO(fail))
#define siov_atomic_fence(order) rte_atomic_thread_fence(SIOV_MO(order))

#else

#define SIOV_ATOMIC(type) type
#define SIOV_MO_relaxed __ATOMIC_RELAXED
#define SIOV_MO_acquire __ATOMIC_ACQUIRE
#define SIOV_MO_release __ATOMIC_RELEASE
#define SIOV_MO_acq_rel __ATOMIC_ACQ_REL
#define SIOV_MO_seq_cst __ATOMIC_SEQ_CST
#define SIOV_MO(order) SIOV_MO_##order
#define siov_atomic_load(p, order) __atomic_load_n(p, SIOV_MO(order))
#define siov_atomic_store(p, v, order) __atomic_store_n(p, v, SIOV_MO(order))
#define siov_atomic_exchange(p, v, order) __atomic_exchange_n(p, v, SIOV_MO(order))
#define siov_atomic_fetch_add(p, v, order) __atomic_fetch_add(p, v, SIOV_MO(order))
#define siov_atomic_fetch_and(p, v, order) __atomic_fetch_and(p, v, SIOV_MO(order))
#define siov_atomic_fetch_or(p, v, order) __atomic_fetch_or(p, v, SIOV_MO(order))
#define siov_atomic_cas(p, expected, desired, ok, fail) \
	__atomic_compare_exchange_n(p, expected, desired, 0, SIOV_MO(ok), SIOV_MO(fail))
#define siov_atomic_fence(order) __atomic_thread_fence(SIOV_MO(order))

#endif

/* A compare-and-swap that updates *expected on failure; both orders are given by short name. */
/** @endcond */

#ifndef RTE_CACHE_GUARD /* since DPDK 23.11 */
/** A spare cache line, where DPDK has it. */
#define RTE_CACHE_GUARD
#endif

#if RTE_VERSION >= RTE_VERSION_NUM(23, 7, 0, 0) /* telemetry's names of unsigned values */
#define SIOV_TEL_UINT_VAL RTE_TEL_UINT_VAL /**< telemetry: type of unsigned values */
#define siov_tel_add_array_uint rte_tel_data_add_array_uint /**< telemetry: add to an array */
#define siov_tel_add_dict_uint rte_tel_data_add_dict_uint /**< telemetry: add to a dictionary */
#else
#define SIOV_TEL_UINT_VAL RTE_TEL_U64_VAL
#define siov_tel_add_array_uint rte_tel_data_add_array_u64
#define siov_tel_add_dict_uint rte_tel_data_add_dict_u64
#endif

/* What only drivers and their tests use: they define this. */
/** @cond */
#ifdef SIOV_COMPAT_DRIVER

#include <pthread.h>

#include <rte_dmadev.h>
#include <rte_lcore.h>

#if RTE_VERSION >= RTE_VERSION_NUM(23, 11, 0, 0)

#include <rte_thread.h>

typedef uint32_t siov_thread_ret;

static inline int
siov_ctrl_thread_create(pthread_t *thread, const char *name, siov_thread_ret (*func)(void *),
			void *arg)
{
	rte_thread_t id;
	int ret = rte_thread_create_control(&id, name, func, arg);

	*thread = (pthread_t)id.opaque_id;
	return ret < 0 ? ret : -ret;
}

#else

typedef void *siov_thread_ret;

static inline int
siov_ctrl_thread_create(pthread_t *thread, const char *name, siov_thread_ret (*func)(void *),
			void *arg)
{
	int ret = rte_ctrl_thread_create(thread, name, NULL, func, arg);

	return ret < 0 ? ret : -ret;
}

#endif

/* Silent mode became a flag of rte_dma_conf in DPDK 25.11. */
#ifdef RTE_DMA_CFG_FLAG_SILENT
#define siov_dma_conf_is_silent(conf) (((conf)->flags & RTE_DMA_CFG_FLAG_SILENT) != 0)
#define SIOV_DMA_CONF_SILENT .flags = RTE_DMA_CFG_FLAG_SILENT
#else
#define siov_dma_conf_is_silent(conf) ((conf)->enable_silent)
#define SIOV_DMA_CONF_SILENT .enable_silent = true
#endif

#endif
/** @endcond */

/** Every public function of the library carries this mark; all else is hidden. */
#define SIOV_API __attribute__((visibility("default")))

/**
 * Ask for a cache line in a state that can be written (PREFETCHW). The distribution's flags
 * (-march=corei7) let the compiler emit only a read prefetch, and processors without the
 * instruction take it as a no-op.
 */
static inline void
siov_prefetch_write(const void *p)
{
#if defined(__x86_64__)
	__asm__ __volatile__("prefetchw %0" : : "m"(*(const char *)p));
#else
	__builtin_prefetch(p, 1, 3);
#endif
}

#endif /* SIOV_COMPAT_H */

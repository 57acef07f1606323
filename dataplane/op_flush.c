/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Cache flush: lines are written back to memory, and without cache control leave the caches.
 *
 * Of another process, pages are only looked for: its lines cannot be named here, and caches are
 * coherent, so nobody can tell.
 */
#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

#include "guard_priv.h"
#include "op_priv.h"
#include "remote_priv.h"

#define LINE 64u

typedef void (*flush_fn)(const uint8_t *from, const uint8_t *end);

#if defined(__x86_64__)

static void
flush_plain(const uint8_t *from, const uint8_t *end)
{
	for (; from < end; from += LINE)
		_mm_clflush(from);
}

__attribute__((target("clflushopt"))) static void
flush_weak(const uint8_t *from, const uint8_t *end)
{
	for (; from < end; from += LINE)
		_mm_clflushopt((void *)(uintptr_t)from);
}

__attribute__((target("clwb"))) static void
write_back(const uint8_t *from, const uint8_t *end)
{
	for (; from < end; from += LINE)
		_mm_clwb((void *)(uintptr_t)from);
}

static flush_fn evict = flush_plain;
static flush_fn keep = flush_plain;

RTE_INIT(siov_flush_choose)
{
	unsigned int eax, ebx = 0, ecx, edx;

	if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) == 0)
		return;
	if (ebx & bit_CLFLUSHOPT)
		evict = flush_weak;
	keep = ebx & bit_CLWB ? write_back : evict;
}

#else

/* Coherent, and no instruction that user mode may always use. */
static void
flush_none(const uint8_t *from, const uint8_t *end)
{
	RTE_SET_USED(from);
	RTE_SET_USED(end);
}

static const flush_fn evict = flush_none;
static const flush_fn keep = flush_none;

#endif

uint32_t
op_step_flush(struct op *op, struct siov_atc *atc, uint32_t max)
{
	uint64_t iova = op->desc->dst_addr + op->done;
	uint32_t len = max;
	uint8_t *dst = op_translate(op, atc, iova, SIOV_PERM_W, &len);

	if (dst == NULL)
		return 0;
	if (unlikely(op->has_bounce))
		return op_remote_look(op, atc, iova, len);
	if (siov_atc_may_fault(atc))
		guard_touch(dst);
	(op->desc->flags & IDXD_OP_FLAG_CC ? keep : evict)(RTE_PTR_ALIGN_FLOOR(dst, LINE),
							   dst + len);
	/* Before the record says that it is done. */
	rte_wmb();
	return len;
}

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

static const struct op_flush plain = {flush_plain, flush_plain};
static const struct op_flush weak = {flush_weak, flush_weak};
static const struct op_flush full = {flush_weak, write_back};

const struct op_flush *
op_flush_choose(void)
{
	unsigned int eax, ebx = 0, ecx, edx;

	if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) == 0 || !(ebx & bit_CLFLUSHOPT))
		return &plain;
	return ebx & bit_CLWB ? &full : &weak;
}

#else

/* Coherent, and no instruction that user mode may always use. */
static void
flush_none(const uint8_t *from, const uint8_t *end)
{
	RTE_SET_USED(from);
	RTE_SET_USED(end);
}

const struct op_flush *
op_flush_choose(void)
{
	static const struct op_flush none = {flush_none, flush_none};

	return &none;
}

#endif

uint32_t
op_step_flush(struct op *op, struct siov_atc *atc, uint32_t max)
{
	const struct op_flush *flush = op->limits->flush;
	uint64_t iova = op->desc->dst_addr + op->done;
	uint32_t len = max;
	uint8_t *dst = op_translate(op, atc, iova, SIOV_PERM_W, &len);

	if (dst == NULL)
		return 0;
	if (unlikely(op->has_bounce))
		return op_remote_look(op, atc, iova, len);
	if (siov_atc_may_fault(atc))
		guard_touch(dst);
	(op->desc->flags & IDXD_OP_FLAG_CC ? flush->keep : flush->evict)(
		RTE_PTR_ALIGN_FLOOR(dst, LINE), dst + len);
	/* Before the record says that it is done. */
	rte_wmb();
	return len;
}

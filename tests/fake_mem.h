/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file
 * Memory under test control: counts, and makes allocation n fail. Needs no EAL.
 *
 *     struct fake_mem fm;
 *
 *     fake_mem_init(&fm);
 *     fm.fail_at = 3;                 the third allocation from now on fails, once
 *     conf.mem = &fm.mem;
 *     ...
 *     assert_int_equal(fm.nb_live, 0);
 */
#ifndef FAKE_MEM_H
#define FAKE_MEM_H

#include "siov_mem.h"

/** A source of memory; must not move after fake_mem_init(). */
struct fake_mem {
	struct siov_mem mem; /**< what the code under test gets */
	SIOV_ATOMIC(uint64_t) fail_at; /**< number of the allocation that fails, 1 first; 0 none */
	SIOV_ATOMIC(uint64_t) nb_allocs; /**< allocations asked for, failed ones included */
	SIOV_ATOMIC(uint64_t) nb_live; /**< blocks not freed yet */
};

/** Start with nothing counted and nothing failing. */
void fake_mem_init(struct fake_mem *fm);

/** Count from 0 again and let allocation @p n fail (1: the next; 0: none). */
void fake_mem_fail_at(struct fake_mem *fm, uint64_t n);

#endif /* FAKE_MEM_H */

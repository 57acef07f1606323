/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How long somebody who polls waits for what must come. Only time that it saw pass counts: a thread, or
 * the whole machine, that stands still for a while has not waited meanwhile, nor have others worked.
 */
#ifndef PATIENCE_H
#define PATIENCE_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_common.h>
#include <rte_cycles.h>

#define PATIENCE_LOOKS_MIN 1000u /* before it can be at its end */

struct patience {
	uint64_t last; /* TSC of the last look */
	uint64_t left; /* cycles */
	uint64_t step; /* that count at most, from one look to the next */
};

static inline void
patience_begin(struct patience *patience, uint64_t cycles)
{
	patience->last = rte_rdtsc();
	patience->left = cycles;
	patience->step = cycles / PATIENCE_LOOKS_MIN;
}

/* Another look was in vain. Whether there is to be one more. */
static inline bool
patience_lasts(struct patience *patience)
{
	uint64_t now = rte_rdtsc(), passed = RTE_MIN(now - patience->last, patience->step);

	patience->last = now;
	patience->left -= RTE_MIN(passed, patience->left);
	return patience->left != 0;
}

#endif /* PATIENCE_H */

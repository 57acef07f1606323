/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file
 * Log-linear histograms of times.
 *
 *     value   0 .. 31       32 .. 63       64 .. 127        128 .. 255   ...
 *     bucket  one each      one each       32 of width 2    32 of width 4
 *
 * A bucket is at most 1/32 of its values wide and is reported by its middle, so a quantile is off
 * by at most 1/64 (1.6 %). Values are TSC cycles; from 2^36 cycles on (half a minute at 2 GHz)
 * they all fall into the last bucket.
 *
 * Thread: one writer; readers take snapshots with siov_hist_add.
 */
#ifndef SIOV_HIST_H
#define SIOV_HIST_H

#include <stdint.h>

#include "siov_compat.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SIOV_HIST_SUB_LOG2 5u /**< log2 of the buckets for each power of two */
#define SIOV_HIST_VALUE_LOG2 36u /**< log2 of the end of the range */
#define SIOV_HIST_BUCKETS \
	((SIOV_HIST_VALUE_LOG2 - SIOV_HIST_SUB_LOG2 + 1) \
	 << SIOV_HIST_SUB_LOG2) /**< buckets of a histogram */

/** One histogram as an engine writes it; 4 KiB. */
struct siov_hist {
	SIOV_ATOMIC(uint32_t) nb[SIOV_HIST_BUCKETS]; /**< values by bucket */
};

/** A sum of histograms, for reading. */
struct siov_hist_sum {
	uint64_t nb[SIOV_HIST_BUCKETS]; /**< values by bucket */
	uint64_t total; /**< values */
};

/** Bucket of @p value. */
static inline unsigned int
siov_hist_bucket(uint64_t value)
{
	unsigned int shift;

	if (value < (1u << SIOV_HIST_SUB_LOG2))
		return (unsigned int)value;
	if (value >> SIOV_HIST_VALUE_LOG2)
		return SIOV_HIST_BUCKETS - 1;
	shift = 63 - SIOV_HIST_SUB_LOG2 - (unsigned int)__builtin_clzll(value);
	return (shift << SIOV_HIST_SUB_LOG2) + (unsigned int)(value >> shift);
}

/** Count one value. Thread: the writer. */
static inline void
siov_hist_record(struct siov_hist *hist, uint64_t value)
{
	SIOV_ATOMIC(uint32_t) *nb = &hist->nb[siov_hist_bucket(value)];

	siov_atomic_store(nb, siov_atomic_load(nb, relaxed) + 1, relaxed);
}

/** Middle of a bucket's values. @param bucket 0 to SIOV_HIST_BUCKETS - 1. */
SIOV_API uint64_t siov_hist_value(unsigned int bucket);

/** Add a snapshot of @p hist to @p sum. Thread: any. */
SIOV_API void siov_hist_add(struct siov_hist_sum *sum, const struct siov_hist *hist);

/** Subtract an earlier sum of the same histograms. */
SIOV_API void siov_hist_subtract(struct siov_hist_sum *sum, const struct siov_hist_sum *earlier);

/**
 * Value below or at which the part @p quantile of all values lies.
 *
 * @param quantile 0 to 1; 1 gives the largest value.
 * @return 0 if nothing was counted.
 */
SIOV_API uint64_t siov_hist_quantile(const struct siov_hist_sum *sum, double quantile);

#ifdef __cplusplus
}
#endif

#endif /* SIOV_HIST_H */

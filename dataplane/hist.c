/* SPDX-License-Identifier: BSD-3-Clause */
#include "siov_hist.h"

uint64_t
siov_hist_value(unsigned int bucket)
{
	unsigned int shift;
	uint64_t low;

	if (bucket < 2u << SIOV_HIST_SUB_LOG2)
		return bucket;
	shift = (bucket >> SIOV_HIST_SUB_LOG2) - 1;
	low = (uint64_t)(bucket - (shift << SIOV_HIST_SUB_LOG2)) << shift;
	return low + (UINT64_C(1) << shift) / 2;
}

void
siov_hist_add(struct siov_hist_sum *sum, const struct siov_hist *hist)
{
	unsigned int i;

	for (i = 0; i < SIOV_HIST_BUCKETS; i++) {
		uint32_t nb = siov_atomic_load(&hist->nb[i], relaxed);

		sum->nb[i] += nb;
		sum->total += nb;
	}
}

void
siov_hist_subtract(struct siov_hist_sum *sum, const struct siov_hist_sum *earlier)
{
	unsigned int i;

	/* Buckets count in 32 bits and may have wrapped once in between. */
	sum->total = 0;
	for (i = 0; i < SIOV_HIST_BUCKETS; i++) {
		if (sum->nb[i] < earlier->nb[i])
			sum->nb[i] += UINT64_C(1) << 32;
		sum->nb[i] -= earlier->nb[i];
		sum->total += sum->nb[i];
	}
}

uint64_t
siov_hist_quantile(const struct siov_hist_sum *sum, double quantile)
{
	uint64_t rank, seen = 0;
	unsigned int i, last = 0;

	if (sum->total == 0)
		return 0;
	rank = (uint64_t)(quantile * (double)sum->total + 0.5);
	if (rank == 0)
		rank = 1;
	for (i = 0; i < SIOV_HIST_BUCKETS; i++) {
		if (sum->nb[i] == 0)
			continue;
		last = i;
		seen += sum->nb[i];
		if (seen >= rank)
			break;
	}
	return siov_hist_value(last);
}

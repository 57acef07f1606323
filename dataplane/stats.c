/* SPDX-License-Identifier: BSD-3-Clause */
#include "siov_stats.h"

void
siov_stats_add(struct siov_stats *sum, const struct siov_stats *more)
{
	unsigned int i;

	for (i = 0; i < SIOV_DMWR_NB; i++)
		sum->submitted[i] += more->submitted[i];
	sum->completed += more->completed;
	sum->failed += more->failed;
	sum->aborted += more->aborted;
	sum->bytes += more->bytes;
	for (i = 0; i < SIOV_STATS_CODES; i++)
		sum->failed_by[i] += more->failed_by[i];
	for (i = 0; i < SIOV_HIST_BUCKETS; i++)
		sum->latency.nb[i] += more->latency.nb[i];
	sum->latency.total += more->latency.total;
}

void
siov_stats_subtract(struct siov_stats *sum, const struct siov_stats *earlier)
{
	unsigned int i;

	for (i = 0; i < SIOV_DMWR_NB; i++)
		sum->submitted[i] -= earlier->submitted[i];
	sum->completed -= earlier->completed;
	sum->failed -= earlier->failed;
	sum->aborted -= earlier->aborted;
	sum->bytes -= earlier->bytes;
	for (i = 0; i < SIOV_STATS_CODES; i++)
		sum->failed_by[i] -= earlier->failed_by[i];
	siov_hist_subtract(&sum->latency, &earlier->latency);
}

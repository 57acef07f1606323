/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>

#include "snapshot.h"

static int
make_room(struct snapshot *snapshot)
{
	uint32_t room = snapshot->nb_room == 0 ? 64 : snapshot->nb_room * 2;
	struct snapshot_entry *entries;

	if (snapshot->nb_entries < snapshot->nb_room)
		return 0;
	entries = realloc(snapshot->entries, room * sizeof(*entries));
	if (entries == NULL)
		return -ENOMEM;
	snapshot->entries = entries;
	snapshot->nb_room = room;
	return 0;
}

static int
add_entry(unsigned int wq_id, uint32_t pasid, const struct siov_stats *stats, void *arg)
{
	struct snapshot *snapshot = arg;
	struct snapshot_entry *entry;
	int ret = make_room(snapshot);

	if (ret != 0)
		return ret;
	entry = &snapshot->entries[snapshot->nb_entries++];
	*entry = (struct snapshot_entry){
		.pasid = pasid,
		.wq_id = wq_id,
		.completed = stats->completed,
		.failed = stats->failed,
		.aborted = stats->aborted,
		.bytes = stats->bytes,
		.members = stats->members,
	};
	memcpy(entry->submitted, stats->submitted, sizeof(entry->submitted));
	if (stats->latency.total == 0)
		return 0;
	entry->latency = malloc(sizeof(*entry->latency));
	if (entry->latency == NULL)
		return -ENOMEM;
	*entry->latency = stats->latency;
	return 0;
}

static void
add_hist(struct siov_hist_sum *sum, const struct siov_hist_sum *more)
{
	unsigned int i;

	for (i = 0; i < SIOV_HIST_BUCKETS; i++)
		sum->nb[i] += more->nb[i];
	sum->total += more->total;
}

int
snapshot_take(struct snapshot *snapshot, struct rig *rig)
{
	const struct siov_dev_conf *conf = siov_dev_get_conf(rig->dev);
	struct siov_engine_stats engine;
	struct siov_stats *sum;
	unsigned int i;
	int ret = 0;

	*snapshot = (struct snapshot){.entries = NULL};
	sum = malloc(sizeof(*sum));
	if (sum == NULL)
		return -ENOMEM;
	for (i = 0; i < conf->nb_wqs && ret == 0; i++) {
		ret = siov_dev_stats_walk(rig->dev, i, add_entry, snapshot);
		memset(sum, 0, sizeof(*sum));
		if (ret == 0)
			ret = siov_dev_wq_stats(rig->dev, i, sum);
		add_hist(&snapshot->latency, &sum->latency);
	}
	for (i = 0; i < conf->nb_engines; i++) {
		siov_engine_get_stats(siov_dev_engine(rig->dev, i), &engine);
		snapshot->atc_lookups += engine.atc_lookups;
		snapshot->atc_misses += engine.atc_misses;
		snapshot->page_requests += engine.page_requests;
		siov_engine_page_latency(siov_dev_engine(rig->dev, i), &snapshot->page_latency);
	}
	free(sum);
	return ret;
}

void
snapshot_free(struct snapshot *snapshot)
{
	uint32_t i;

	for (i = 0; i < snapshot->nb_entries; i++)
		free(snapshot->entries[i].latency);
	free(snapshot->entries);
	*snapshot = (struct snapshot){.entries = NULL};
}

static void
find_latency(const struct siov_hist_sum *hist, struct result_latency *out)
{
	double ns = 1e9 / (double)rte_get_tsc_hz();

	*out = (struct result_latency){.is_valid = hist->total != 0};
	out->p50_ns = (double)siov_hist_quantile(hist, 0.5) * ns;
	out->p99_ns = (double)siov_hist_quantile(hist, 0.99) * ns;
	out->p999_ns = (double)siov_hist_quantile(hist, 0.999) * ns;
	out->max_ns = (double)siov_hist_quantile(hist, 1) * ns;
}

/* Latency of one row; hist is scratch. */
static void
row_latency(const struct snapshot_entry *before, const struct snapshot_entry *after,
	    struct siov_hist_sum *hist, struct result_latency *out)
{
	*out = (struct result_latency){.is_valid = false};
	if (after->latency == NULL)
		return;
	*hist = *after->latency;
	if (before != NULL && before->latency != NULL)
		siov_hist_subtract(hist, before->latency);
	find_latency(hist, out);
}

static struct result_counts
count_difference(const struct snapshot_entry *before, const struct snapshot_entry *after)
{
	static const struct snapshot_entry nothing;
	struct siov_stats diff = {.completed = 0};
	unsigned int i;

	if (before == NULL)
		before = &nothing;
	for (i = 0; i < SIOV_DMWR_NB; i++)
		diff.submitted[i] = after->submitted[i] - before->submitted[i];
	return (struct result_counts){
		.attempts = siov_stats_attempts(&diff),
		.accepted = diff.submitted[SIOV_DMWR_SUCCESS],
		.retry_capacity = diff.submitted[SIOV_DMWR_RETRY_CAPACITY],
		.retry_qos = diff.submitted[SIOV_DMWR_RETRY_QOS],
		.retry_other = siov_stats_retry_other(&diff),
		.completed = after->completed - before->completed,
		.failed = after->failed - before->failed,
		.aborted = after->aborted - before->aborted,
		.bytes = after->bytes - before->bytes,
		.members = after->members - before->members,
	};
}

/* Whether a comes before b in a snapshot. */
static bool
is_before(const struct snapshot_entry *a, const struct snapshot_entry *b)
{
	return a->wq_id != b->wq_id ? a->wq_id < b->wq_id : a->pasid < b->pasid;
}

static void
add_rows(const struct snapshot *before, const struct snapshot *after, struct result *result,
	 struct siov_hist_sum *hist)
{
	uint32_t i, j = 0;

	for (i = 0; i < after->nb_entries; i++) {
		const struct snapshot_entry *now = &after->entries[i], *then = NULL;
		struct result_row *row = &result->rows[result->nb_rows];

		while (j < before->nb_entries && is_before(&before->entries[j], now))
			j++;
		if (j < before->nb_entries && !is_before(now, &before->entries[j]))
			then = &before->entries[j];
		row->pasid = now->pasid;
		row->wq_id = now->wq_id;
		row->share = 1;
		row->nb = count_difference(then, now);
		if (row->nb.attempts + row->nb.completed + row->nb.failed == 0)
			continue;
		row_latency(then, now, hist, &row->latency);
		result->nb_rows++;
	}
}

int
snapshot_difference(const struct snapshot *before, const struct snapshot *after,
		    struct result *result)
{
	struct siov_hist_sum *hist;

	*result = (struct result){.nb_repeats = 1};
	result->rows = calloc(RTE_MAX(after->nb_entries, 1u), sizeof(result->rows[0]));
	hist = malloc(sizeof(*hist));
	if (result->rows == NULL || hist == NULL) {
		free(hist);
		return -ENOMEM;
	}
	add_rows(before, after, result, hist);
	result->atc_lookups = after->atc_lookups - before->atc_lookups;
	result->atc_misses = after->atc_misses - before->atc_misses;
	*hist = after->latency;
	siov_hist_subtract(hist, &before->latency);
	find_latency(hist, &result->latency);
	result->page_requests = after->page_requests - before->page_requests;
	*hist = after->page_latency;
	siov_hist_subtract(hist, &before->page_latency);
	find_latency(hist, &result->page_latency);
	free(hist);
	return 0;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The device's counters at one moment, and what happened between two of them. Taken while nothing
 * flows they add up exactly.
 */
#ifndef SNAPSHOT_H
#define SNAPSHOT_H

#include "result.h"
#include "rig.h"

struct snapshot_entry {
	uint32_t pasid;
	uint32_t wq_id;
	uint64_t submitted[SIOV_DMWR_NB];
	uint64_t completed;
	uint64_t failed;
	uint64_t aborted;
	uint64_t bytes;
	uint64_t members;
	struct siov_hist_sum *latency; /* NULL: nothing counted */
};

struct snapshot {
	struct snapshot_entry *entries; /* by queue, then PASID */
	uint32_t nb_entries;
	uint32_t nb_room;
	struct siov_hist_sum latency; /* of all queues */
	uint64_t atc_lookups;
	uint64_t atc_misses;
	uint64_t page_requests;
	struct siov_hist_sum page_latency; /* request to answer, of all engines */
};

/* 0 or -ENOMEM; snapshot_free is due either way. */
int snapshot_take(struct snapshot *snapshot, struct rig *rig);
void snapshot_free(struct snapshot *snapshot);

/*
 * Rows, sums and latencies of what happened between two snapshots; rows in which nothing happened
 * are left out. dropped, duration and point are the caller's to fill in.
 * Returns 0 or -ENOMEM; result_free is due either way.
 */
int snapshot_difference(const struct snapshot *before, const struct snapshot *after,
			struct result *result);

#endif /* SNAPSHOT_H */

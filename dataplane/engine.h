/* SPDX-License-Identifier: BSD-3-Clause */
/* What ctrl/ needs to build engines; applications see siov_engine.h. */
#ifndef ENGINE_H
#define ENGINE_H

#include "siov_atc.h"
#include "siov_engine.h"
#include "siov_iommu.h"

struct engine_conf {
	uint32_t id;
	uint32_t nb_wqs_max; /* queues it will serve, at most */
	uint32_t atc_entries;
	uint16_t rid;
	uint32_t nb_latency; /* histograms, see siov_dev_conf */
	uint64_t page_timeout_cycles; /* longest wait of an operation for a page; 0: about 1 s */
	bool priv_enabled;
	int socket_id;
	struct siov_iommu *iommu;
	const struct siov_mem *mem;
};

/* 0, -ENOMEM or an error of siov_atc_create. Frees what it made on error. Thread: control. */
int engine_create(const struct engine_conf *conf, struct siov_engine **out);

/* NULL is fine. The engine must be stopped. Thread: control. */
void engine_free(struct siov_engine *engine);

/* One queue as one engine serves it. */
struct engine_wq_conf {
	uint32_t wq_id;
	uint32_t slot; /* the engine's number among the queue's engines: lane->engine_id */
	uint32_t weight; /* 1 to 15 */
	uint32_t xfer_max;
	uint32_t control_pasid; /* of completion records; 0: the descriptor's */
	struct siov_wq *wq;
};

/* Serve a queue. Before the first start. 0, -ENOMEM, -ENOSPC (nb_wqs_max). Thread: control. */
int engine_bind_wq(struct siov_engine *engine, const struct engine_wq_conf *conf);

/* Have a record for (queue, PASID), so that its work is counted apart. 0 or -ENOMEM. Thread:
 * control, at any time. -ENOENT if the engine does not serve the queue.
 */
int engine_add_pasid(struct siov_engine *engine, uint32_t wq_id, uint32_t pasid);

/* Add the engine's counters of (queue, PASID) to sum; PASID SIOV_PASID_OTHERS (UINT32_MAX): those
 * without a record. Thread: any.
 */
void engine_add_stats(const struct siov_engine *engine, uint32_t wq_id, uint32_t pasid,
		      struct siov_stats *sum);

/* Long transfers of a queue in progress. Thread: any. */
uint32_t engine_nb_long(const struct siov_engine *engine, uint32_t wq_id);

/* Operations of a queue that wait for pages; they hold no lane. Thread: any. */
uint32_t engine_nb_parked(const struct siov_engine *engine, uint32_t wq_id);

/* Take up to max errors out of the engine's log. Returns how many. Thread: control. */
unsigned int engine_take_errors(struct siov_engine *engine, struct siov_error *out,
				unsigned int max);

/* Take up to max fault records of the engine's translations. Returns how many. Thread: control. */
unsigned int engine_take_faults(struct siov_engine *engine, struct siov_fault_record *out,
				unsigned int max);

/* Bytes held for per-PASID records. Thread: control. */
size_t engine_pasid_memory(const struct siov_engine *engine);

#endif /* ENGINE_H */

/* SPDX-License-Identifier: BSD-3-Clause */
/* What ctrl/ needs to build engines; applications see siov_engine.h. */
#ifndef ENGINE_H
#define ENGINE_H

#include "siov_atc.h"
#include "siov_engine.h"
#include "siov_iommu.h"
#include "siov_qos.h"

struct msg_table; /* msg_priv.h */

/* Tables of interrupt messages, by what a lane's flags say. */
enum engine_messages { ENGINE_MSIX, ENGINE_IMS, ENGINE_MESSAGES };

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
	struct msg_table *messages[ENGINE_MESSAGES]; /* NULL: no handle is valid */
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
	uint32_t batch_max; /* descriptors of a batch, 2 or more; fewer: no batches */
	/*
	 * Long transfers that the engine may have in progress, over all its queues: of the queues
	 * bound to it, the last one's counts. 0: no limit but each lane's.
	 */
	uint32_t long_max;
	const uint64_t *ops; /* opcodes that the queue takes, a mask of 4 words; NULL: all */
	struct siov_engine *const *peers; /* all engines of the queue by slot, or NULL: this one */
	uint32_t nb_peers;
	struct siov_wq *wq;
};

/* Serve a queue. Before the first start. 0, -ENOMEM, -ENOSPC (nb_wqs_max). Thread: control. */
int engine_bind_wq(struct siov_engine *engine, const struct engine_wq_conf *conf);

/*
 * Other queues for an engine: hide those it has, wait for a grace period with nothing accepted, free
 * what it holds for them, bind others, which are hidden too, and show them. Thread: control.
 */
void engine_hide_wqs(struct siov_engine *engine);
void engine_show_wqs(struct siov_engine *engine);
void engine_free_wqs(struct siov_engine *engine);

/* Have a record for (queue, PASID), so that its work is counted apart. 0 or -ENOMEM. Thread:
 * control, at any time. -ENOENT if the engine does not serve the queue.
 */
int engine_add_pasid(struct siov_engine *engine, uint32_t wq_id, uint32_t pasid);

/*
 * Completion records and batch lists of a PASID's work are reached with another PASID from now on;
 * 0: with its own, or the queue's control PASID. As engine_add_pasid(). Thread: control, while none
 * of its work is under way.
 */
int engine_set_control_pasid(struct siov_engine *engine, uint32_t wq_id, uint32_t pasid,
			     uint32_t control_pasid);

/* What became of a PASID's operations, without the costly rest of engine_add_stats(). */
struct engine_counts {
	uint64_t completed;
	uint64_t failed;
	uint64_t aborted;
	uint64_t bytes;
};
void engine_add_counts(const struct siov_engine *engine, uint32_t wq_id, uint32_t pasid,
		       struct engine_counts *sum);

/* Where the engine counts what of a PASID has ended: for siov_qos_create(). NULL: no record. */
const struct siov_qos_ended *engine_ended(const struct siov_engine *engine, uint32_t wq_id,
					  uint32_t pasid);

/* Add the engine's counters of (queue, PASID) to sum; PASID SIOV_PASID_OTHERS (UINT32_MAX): those
 * without a record. Thread: any.
 */
void engine_add_stats(const struct siov_engine *engine, uint32_t wq_id, uint32_t pasid,
		      struct siov_stats *sum);

/*
 * What engines do with work of a PASID, or of a whole queue, whatever they meet of it in lanes or
 * have set aside.
 */
enum engine_gate {
	ENGINE_GATE_OPEN, /* it is done */
	ENGINE_GATE_ABORT, /* it ends with SIOV_COMP_ABORTED in its record, and counts as aborted */
	ENGINE_GATE_DISCARD = 3, /* it ends without record and interrupt, and counts as aborted */
};

/*
 * Set a gate. What is under way when this returns may still end as before; it has ended when, in
 * this order, what was published is taken out of the lanes, a grace period has passed, and
 * engine_nb_aside() is 0.
 *
 * pasid SIOV_PASID_OTHERS: the gate of the whole queue; work is shut out by either.
 * Returns 0, -ENOENT (the engine does not serve the queue), -ENOMEM. Thread: control.
 */
int engine_set_gate(struct siov_engine *engine, uint32_t wq_id, uint32_t pasid,
		    enum engine_gate gate);

/*
 * What of a PASID, or with SIOV_PASID_OTHERS of the whole queue, is set aside: long transfers,
 * batches, drains, and what waits for pages. Thread: any.
 */
uint32_t engine_nb_aside(const struct siov_engine *engine, uint32_t wq_id, uint32_t pasid);

/* The same of one PASID without drains. */
uint32_t engine_nb_work(const struct siov_engine *engine, uint32_t wq_id, uint32_t pasid);

/* Long transfers, batches and drains of a queue in progress. Thread: any. */
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

/* Opcodes that engines carry out, as a mask; a queue may take no batches. Thread: any. */
void engine_opcodes(uint64_t mask[4]);

#endif /* ENGINE_H */

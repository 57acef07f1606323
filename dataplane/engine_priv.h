/* SPDX-License-Identifier: BSD-3-Clause */
/* An engine and a queue as it serves it, for the files of this folder. */
#ifndef ENGINE_PRIV_H
#define ENGINE_PRIV_H

#include "engine.h"
#include "errlog_priv.h"
#include "op_priv.h"
#include "record_priv.h"
#include "remote_priv.h"

#define ENGINE_BURST 32u
#define ENGINE_SLICE_BYTES (64u * 1024)
#define LONG_PER_LANE 4u /* long transfers of one lane in progress */

/* A long transfer set aside. */
struct long_op {
	struct op op; /* op.desc is set for each slice: entries move */
	struct dsa_hw_desc desc;
	struct record *rec;
	struct siov_lane *lane;
	uint64_t stamp;
};

/* One queue as this engine serves it. */
struct engine_wq {
	/* const after bind */
	struct siov_wq *wq;
	struct op_limits limits;
	uint32_t wq_id;
	uint32_t slot;
	uint32_t quantum; /* descriptors per poll */
	bool has_stamps;
	uint32_t control_pasid; /* of completion records; 0: the descriptor's */
	struct record_table records;
	/* owner: engine lcore */
	struct siov_lane **lanes; /* those this engine serves */
	uint32_t nb_lanes;
	uint32_t lane_gen;
	uint32_t next_lane;
	struct siov_wq_granter granter;
	struct long_op *long_ops;
	SIOV_ATOMIC(uint32_t) nb_long; /* read by control */
	uint32_t next_long;
	SIOV_ATOMIC(uint32_t) nb_parked; /* read by control */
};

/* A burst on its way through the three passes. */
struct burst {
	struct siov_desc_words desc[ENGINE_BURST];
	uint64_t stamp[ENGINE_BURST];
	struct record *rec[ENGINE_BURST];
	uint8_t *comp[ENGINE_BURST]; /* where the completion record goes; NULL: nowhere */
	uint8_t comp_error[ENGINE_BURST]; /* why not, a completion code */
	const uint8_t *src[ENGINE_BURST]; /* start of the source; NULL: none, or it faults */
	uint8_t *dst[ENGINE_BURST]; /* start of the destination, likewise */
	uint32_t src_len[ENGINE_BURST]; /* bytes from there to the end of the page */
	uint32_t dst_len[ENGINE_BURST];
	uint64_t probed_page; /* known to be writable, of the calling process; UINT64_MAX: none */
	unsigned int nb;
	bool is_plain; /* no completion address is another process's, or may turn out to be bad */
};

struct engine_counters {
	SIOV_ATOMIC(uint64_t) polls;
	SIOV_ATOMIC(uint64_t) idle_polls;
	SIOV_ATOMIC(uint64_t) dispatched;
	SIOV_ATOMIC(uint64_t) slices;
	SIOV_ATOMIC(uint64_t) lookups; /* in the translation cache */
	SIOV_ATOMIC(uint64_t) errors_dropped;
};

struct park; /* park_priv.h */

struct siov_engine {
	/* const after create and bind */
	struct siov_atc *atc;
	struct engine_wq *wqs;
	uint32_t nb_wqs;
	uint32_t nb_wqs_max;
	uint32_t id;
	bool priv_enabled;
	int socket_id;
	const struct siov_mem *mem;
	struct remote *remote;
	bool has_guard; /* is a user of the process's fault handlers */
	uint64_t page_timeout_cycles;
	struct park *park; /* NULL: no queue blocks on faults */
	/* owner: engine lcore */
	struct record_pools pools __attribute__((aligned(64)));
	struct engine_counters nb;
	uint32_t next_long_wq;
	uint64_t misses_seen;
	uint64_t now_cycles; /* start of the poll */
	struct burst burst;
	/* from the engine to control */
	struct errlog errors;
	/* owner: control lcore */
	size_t record_bytes;
};

/*
 * Tell the client, count, and take the latency; op->status is final. comp NULL: there is no place
 * for a record.
 */
void engine_finish_op(struct siov_engine *engine, struct engine_wq *ewq, struct record *rec,
		      struct op *op, uint8_t *comp, uint64_t stamp);

/*
 * Where the completion record of a descriptor goes, translated anew: NULL where there is none.
 * Returns 0 or the reason of the fault.
 */
int engine_find_comp(struct siov_engine *engine, const struct engine_wq *ewq,
		     const struct dsa_hw_desc *desc, uint8_t **comp);

/* With which PASID the completion record of a descriptor is written. */
static inline uint32_t
engine_comp_pasid(const struct engine_wq *ewq, const struct dsa_hw_desc *desc)
{
	return likely(ewq->control_pasid == 0) ? desc->pasid : ewq->control_pasid;
}

/* long.c: transfers of more than a slice. */

/* Set a prepared operation aside. Its lane has room: siov_lane_pop_sc() saw to it. */
void long_add(struct engine_wq *ewq, struct siov_lane *lane, const struct op *op,
	      struct record *rec, uint64_t stamp);

/* One slice of one long transfer, queue after queue. Returns slices done, 0 or 1. */
unsigned int long_run_slice(struct siov_engine *engine);

/* Queue wq_id as the engine serves it, or NULL. Thread: any. */
struct engine_wq *engine_find_wq(const struct siov_engine *engine, uint32_t wq_id);

/*
 * park.c: wait for a page where that is allowed, see op_can_block(). Copies the operation. False: it
 * has to end with its fault. Of the two, the first is for faults of data, with op as the fault left
 * it, the second for the completion address, with nothing done.
 */
bool park_op(struct siov_engine *engine, struct engine_wq *ewq, struct record *rec,
	     const struct op *op, uint64_t stamp);
bool park_comp(struct siov_engine *engine, struct engine_wq *ewq, struct record *rec,
	       const struct op *op, uint64_t stamp);

#endif /* ENGINE_PRIV_H */

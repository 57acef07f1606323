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
#define LONG_PER_LANE 4u /* long transfers, batches and drains of one lane in progress */

struct aside; /* aside_priv.h */
struct batch;

/* Whose an operation is, and who is told of its end. */
struct origin {
	struct engine_wq *ewq;
	struct record *rec;
	struct batch *batch; /* whose member it is; NULL: of none */
	struct msg_table *messages; /* that its interrupt handle names; NULL: raises nothing */
	uint64_t stamp;
};

/* Long transfers in progress, over all queues of an engine. Batches and drains do not count. */
struct engine_slots {
	uint32_t max; /* const while queues are shown */
	uint32_t nb_used; /* owner: engine lcore */
};

/* One queue as this engine serves it. */
struct engine_wq {
	/* const after bind */
	struct siov_wq *wq;
	struct op_type *types; /* those it may carry out; NULL: all */
	struct op_limits limits[ENGINE_MESSAGES];
	struct op_limits member_limits[ENGINE_MESSAGES]; /* of descriptors in batches */
	struct siov_engine *const *peers; /* all engines of the queue, by slot */
	uint32_t nb_peers;
	struct engine_slots *slots; /* the engine's */
	uint32_t batch_max; /* descriptors of a batch */
	uint32_t wq_id;
	uint32_t slot;
	uint32_t quantum; /* descriptors per poll */
	bool has_stamps;
	uint32_t control_pasid; /* of completion records; 0: the descriptor's */
	SIOV_ATOMIC(uint32_t) has_control; /* the queue, or a PASID of it, has a control PASID */
	struct record_table records;
	/* owner: engine lcore */
	struct siov_lane **lanes; /* those this engine serves */
	uint32_t nb_lanes;
	uint32_t lane_gen;
	uint32_t next_lane;
	struct siov_wq_granter granter;
	struct aside *asides;
	uint32_t *aside_live; /* entries in use, then the free ones */
	SIOV_ATOMIC(uint32_t) nb_long; /* entries in use; read by control */
	uint32_t next_aside;
	SIOV_ATOMIC(uint32_t) nb_parked; /* read by control */
	/* from control to the engine */
	SIOV_ATOMIC(uint32_t) gate; /* enum engine_gate, of the whole queue */
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
	unsigned int nb;
	uint32_t gate; /* of the queue, enum engine_gate */
	struct siov_lane *lane; /* where it was taken from; NULL: members of a batch */
	struct batch *batch; /* whose members these are, or NULL */
	struct msg_table *messages; /* that their interrupt handles name */
	const struct op_limits *limits;
};

struct engine_counters {
	SIOV_ATOMIC(uint64_t) polls;
	SIOV_ATOMIC(uint64_t) idle_polls;
	SIOV_ATOMIC(uint64_t) dispatched;
	SIOV_ATOMIC(uint64_t) slices;
	SIOV_ATOMIC(uint64_t) members; /* descriptors of batches */
	SIOV_ATOMIC(uint64_t) lookups; /* in the translation cache */
	SIOV_ATOMIC(uint64_t) errors_dropped;
};

struct park; /* park_priv.h */

struct siov_engine {
	/* const after create and bind */
	struct siov_atc *atc;
	struct engine_wq *wqs;
	SIOV_ATOMIC(uint32_t) nb_wqs; /* control adds */
	uint32_t nb_wqs_max;
	uint32_t id;
	bool priv_enabled;
	int socket_id;
	const struct siov_mem *mem;
	struct remote *remote;
	struct msg_table *messages[ENGINE_MESSAGES];
	bool has_guard; /* is a user of the process's fault handlers */
	uint64_t page_timeout_cycles;
	struct park *park; /* NULL: no queue blocks on faults */
	/* owner: engine lcore */
	struct record_pools pools __attribute__((aligned(64)));
	struct engine_counters nb;
	uint32_t next_aside_wq;
	uint32_t gate_seen;
	uint64_t misses_seen;
	uint64_t now_cycles; /* start of the poll */
	uint64_t probed_page; /* known to be writable, of the calling process; UINT64_MAX: none */
	struct engine_slots slots;
	bool is_plain; /* no completion address is another process's, or may turn out to be bad */
	struct burst burst;
	struct burst members; /* of a batch */
	const uint8_t *next_list; /* first members of the batch after the one that runs */
	uint32_t next_nb; /* of them; 0: there is none */
	/* from control to the engine */
	SIOV_ATOMIC(uint32_t) gate_gen __attribute__((aligned(64))); /* grows with each gate set */
	/* from the engine to control */
	struct errlog errors;
	/* owner: control lcore */
	size_t record_bytes;
	uint32_t nb_hidden; /* queues out of the engine's sight */
	bool is_hiding; /* queues that are bound are hidden, too */
};

/*
 * Tell the client, count, and take the latency; op->status is final. comp NULL: there is no place
 * for a record.
 */
void engine_finish_op(struct siov_engine *engine, const struct origin *from, struct op *op,
		      uint8_t *comp);

/* End an operation that a gate shuts out: with a record or without. */
void engine_discard_op(struct siov_engine *engine, const struct origin *from, struct op *op,
		       uint32_t gate);

/*
 * Where the completion record of a descriptor goes, translated anew: NULL where there is none.
 * Returns 0 or the reason of the fault.
 */
int engine_find_comp(struct siov_engine *engine, const struct engine_wq *ewq,
		     const struct dsa_hw_desc *desc, uint8_t **comp);

/* The control PASID of a PASID, or itself. */
uint32_t engine_find_control(const struct engine_wq *ewq, uint32_t pasid);

/* With which PASID the completion record of a descriptor is written. */
static inline uint32_t
engine_comp_pasid(const struct engine_wq *ewq, const struct dsa_hw_desc *desc)
{
	if (likely(!siov_atomic_load(&ewq->has_control, relaxed)))
		return desc->pasid;
	return engine_find_control(ewq, desc->pasid);
}

/* Which gate, if any, shuts out what is of a record. */
static inline uint32_t
engine_gate_of(const struct engine_wq *ewq, const struct record *rec)
{
	return siov_atomic_load(&rec->gate, acquire) | siov_atomic_load(&ewq->gate, acquire);
}

/*
 * Run members of a batch, those in engine->members, in their order, up to the first that has to
 * wait for those before it, or that is set aside. from: the batch descriptor's. Returns how many were dealt with.
 */
unsigned int engine_run_members(struct siov_engine *engine, const struct origin *from,
				struct batch *batch);

/* Before operations are run outside a burst: nothing is known of their completion addresses. */
static inline void
engine_begin_pass(struct siov_engine *engine)
{
	engine->is_plain = !siov_atc_may_fault(engine->atc);
	engine->probed_page = UINT64_MAX;
}

/* Queue wq_id as the engine serves it, or NULL. Thread: any. */
struct engine_wq *engine_find_wq(const struct siov_engine *engine, uint32_t wq_id);

/*
 * park.c: wait for a page where that is allowed, see op_can_block(). Copies the operation. False: it
 * has to end with its fault. Of the two, the first is for faults of data, with op as the fault left
 * it, the second for the completion address, with nothing done.
 */
bool park_op(struct siov_engine *engine, const struct origin *from, const struct op *op);
bool park_comp(struct siov_engine *engine, const struct origin *from, const struct op *op);

#endif /* ENGINE_PRIV_H */

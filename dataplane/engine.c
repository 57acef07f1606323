/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One poll: for each queue, for each of its lanes that this engine serves, take a burst, give the
 * credits back, then work on the burst in three passes: look up (records and completion addresses,
 * with the misses of the whole burst walked together), execute, complete. Transfers longer than a
 * slice are set aside and go on one slice a poll, so they hold nobody up for longer.
 */
#include <string.h>

#include <rte_pause.h>

#include "engine.h"
#include "errlog_priv.h"
#include "op_priv.h"
#include "record_priv.h"

#define BURST 32u
#define SLICE_BYTES (64u * 1024)
#define PREFETCH_BYTES 512u
#define AHEAD_WRITE_MIN 256u /* for shorter writes the store buffer is enough */
#define LONG_PER_LANE 4u /* long transfers of one lane in progress */
#define FAILS 1024u /* records with failure counts of their own */

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
};

/* A burst on its way through the three passes. */
struct burst {
	struct siov_desc_words desc[BURST];
	uint64_t stamp[BURST];
	struct record *rec[BURST];
	uint8_t *comp[BURST]; /* where the completion record goes; NULL: nowhere */
	uint8_t comp_error[BURST]; /* why not, a completion code */
	const uint8_t *src[BURST]; /* start of the source; NULL: none, or it faults */
	uint8_t *dst[BURST]; /* start of the destination, likewise */
	uint32_t src_len[BURST]; /* bytes from there to the end of the page */
	uint32_t dst_len[BURST];
	unsigned int nb;
};

struct engine_counters {
	SIOV_ATOMIC(uint64_t) polls;
	SIOV_ATOMIC(uint64_t) idle_polls;
	SIOV_ATOMIC(uint64_t) dispatched;
	SIOV_ATOMIC(uint64_t) slices;
	SIOV_ATOMIC(uint64_t) lookups; /* in the translation cache */
	SIOV_ATOMIC(uint64_t) errors_dropped;
};

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
	/* owner: engine lcore */
	struct record_pools pools __attribute__((aligned(64)));
	struct engine_counters nb;
	uint32_t next_long_wq;
	uint64_t misses_seen;
	struct burst burst;
	/* from the engine to control */
	struct errlog errors;
	/* owner: control lcore */
	size_t record_bytes;
};

/* ---- life ---- */

int
engine_create(const struct engine_conf *conf, struct siov_engine **out)
{
	const struct siov_atc_conf atc_conf = {
		.entries = conf->atc_entries,
		.socket_id = conf->socket_id,
	};
	struct siov_engine *engine;
	int ret;

	engine = siov_mem_alloc(conf->mem, "siov_engine", sizeof(*engine), RTE_CACHE_LINE_SIZE,
				conf->socket_id);
	if (engine == NULL)
		return -ENOMEM;
	engine->mem = conf->mem;
	engine->id = conf->id;
	engine->socket_id = conf->socket_id;
	engine->priv_enabled = conf->priv_enabled;
	engine->nb_wqs_max = conf->nb_wqs_max;
	ret = -ENOMEM;
	engine->wqs = siov_mem_alloc(conf->mem, "siov_engine_wqs",
				     conf->nb_wqs_max * sizeof(engine->wqs[0]), RTE_CACHE_LINE_SIZE,
				     conf->socket_id);
	if (engine->wqs == NULL)
		goto fail;
	ret = record_pools_create(&engine->pools, conf->mem, conf->socket_id, conf->nb_latency,
				  FAILS);
	if (ret != 0)
		goto fail;
	ret = siov_atc_create(conf->iommu, &atc_conf, &engine->atc);
	if (ret != 0)
		goto fail;
	*out = engine;
	return 0;
fail:
	engine_free(engine);
	return ret;
}

static void
free_wq(struct siov_engine *engine, struct engine_wq *ewq)
{
	record_table_free(&ewq->records, engine->mem);
	siov_mem_free(engine->mem, ewq->lanes);
	siov_mem_free(engine->mem, ewq->long_ops);
}

void
engine_free(struct siov_engine *engine)
{
	uint32_t i;

	if (engine == NULL)
		return;
	for (i = 0; i < engine->nb_wqs; i++)
		free_wq(engine, &engine->wqs[i]);
	siov_mem_free(engine->mem, engine->wqs);
	siov_atc_free(engine->atc);
	record_pools_free(&engine->pools, engine->mem);
	siov_mem_free(engine->mem, engine);
}

int
engine_bind_wq(struct siov_engine *engine, const struct engine_wq_conf *conf)
{
	uint32_t lanes_max = conf->wq->lanes_max;
	struct engine_wq *ewq;
	int ret;

	if (engine->nb_wqs == engine->nb_wqs_max)
		return -ENOSPC;
	ewq = &engine->wqs[engine->nb_wqs];
	memset(ewq, 0, sizeof(*ewq));
	ewq->wq = conf->wq;
	ewq->wq_id = conf->wq_id;
	ewq->slot = conf->slot;
	ewq->quantum = conf->weight * BURST;
	ewq->has_stamps = conf->wq->flags & SIOV_WQ_F_STAMPS;
	ewq->limits.xfer_max = conf->xfer_max;
	ewq->limits.priv_enabled = engine->priv_enabled;
	ewq->lane_gen = UINT32_MAX;
	ewq->lanes =
		siov_mem_alloc(engine->mem, "siov_engine_lanes", lanes_max * sizeof(ewq->lanes[0]),
			       RTE_CACHE_LINE_SIZE, engine->socket_id);
	ewq->long_ops = siov_mem_alloc(engine->mem, "siov_engine_long",
				       (size_t)lanes_max * LONG_PER_LANE * sizeof(ewq->long_ops[0]),
				       RTE_CACHE_LINE_SIZE, engine->socket_id);
	ret = record_table_create(&ewq->records, engine->mem, engine->socket_id);
	if (ret != 0 || ewq->lanes == NULL || ewq->long_ops == NULL) {
		free_wq(engine, ewq);
		return -ENOMEM;
	}
	engine->nb_wqs++;
	return 0;
}

void
siov_engine_start(struct siov_engine *engine)
{
	siov_atc_online(engine->atc);
}

void
siov_engine_stop(struct siov_engine *engine)
{
	siov_atc_offline(engine->atc);
}

/* ---- errors that no completion record can tell ---- */

static void
report_error(struct siov_engine *engine, const struct engine_wq *ewq, const struct op *op,
	     uint8_t code)
{
	const struct siov_error error = {
		.fault_addr = op->fault_addr,
		.pasid = op->desc->pasid,
		.wq_id = ewq->wq_id,
		.code = code,
		.opcode = op->desc->opcode,
	};

	if (!errlog_put_sp(&engine->errors, &error))
		RECORD_ADD(&engine->nb.errors_dropped, 1);
}

unsigned int
engine_take_errors(struct siov_engine *engine, struct siov_error *out, unsigned int max)
{
	return errlog_take_sc(&engine->errors, out, max);
}

/* ---- completion ---- */

/* Bytes 16 to 23 of the record. The sum so far is what a faulted CRC goes on from. */
static uint64_t
completion_value(const struct op *op)
{
	uint8_t code = op->status & DSA_COMP_STATUS_MASK;
	uint32_t opcode = op->desc->opcode;

	if (code == DSA_COMP_INVALID_FLAGS)
		return op->invalid_flags;
	if ((code == DSA_COMP_SUCCESS || code == DSA_COMP_PAGE_FAULT_NOBOF) &&
	    (opcode == DSA_OPCODE_CRCGEN || opcode == DSA_OPCODE_COPY_CRC))
		return (uint32_t)~op->crc;
	return 0;
}

/* Software polls the first byte, so the first word goes last. */
static void
write_completion(uint8_t *comp, const struct op *op, uint8_t result)
{
	uint64_t *rec = (uint64_t *)(void *)comp;

	rec[1] = op->fault_addr;
	rec[2] = completion_value(op);
	rec[3] = 0;
	/* Pairs with the client's acquire of the status. */
	siov_atomic_store((SIOV_ATOMIC(uint64_t) *)rec,
			  op->status | (uint64_t)result << 8 | (uint64_t)op->done << 32, release);
}

/* Tell the client and count; op->status is final. */
static void
complete_op(struct siov_engine *engine, struct engine_wq *ewq, struct record *rec, struct op *op,
	    uint8_t *comp)
{
	uint8_t code = op->status & DSA_COMP_STATUS_MASK;
	bool failed = code != DSA_COMP_SUCCESS && code != DSA_COMP_SUCCESS_PRED;
	uint8_t result = failed && op->is_backward ? 1 : op->result;

	if (comp != NULL) {
		if (op->desc->flags & IDXD_OP_FLAG_RCR || op->status != DSA_COMP_SUCCESS)
			write_completion(comp, op, result);
	} else if (failed) {
		report_error(engine, ewq, op, code);
	}
	if (failed)
		record_failure(rec, &engine->pools, code);
	else
		RECORD_ADD(&rec->completed, 1);
	if (op->done != 0)
		RECORD_ADD(&rec->bytes, op->done);
	if (op->nb_lookups != 0)
		RECORD_ADD(&engine->nb.lookups, op->nb_lookups);
}

/* ---- passes over a burst ---- */

/* Where the completion record of descriptor i goes. */
static void
look_up_completion(struct siov_engine *engine, struct burst *burst, unsigned int i)
{
	const struct dsa_hw_desc *desc = (const struct dsa_hw_desc *)&burst->desc[i];
	struct siov_xlate x;

	burst->comp[i] = NULL;
	burst->comp_error[i] = 0;
	if (!(desc->flags & IDXD_OP_FLAG_CRAV))
		return;
	if (desc->completion_addr & (SIOV_COMP_SIZE - 1)) {
		burst->comp_error[i] = DSA_COMP_CRA_ALIGN;
	} else if (siov_atc_translate(engine->atc, desc->pasid, desc->completion_addr, SIOV_PERM_W,
				      &x) != 0) {
		burst->comp_error[i] = DSA_COMP_CRA_XLAT;
	} else {
		burst->comp[i] = x.hva;
		siov_prefetch_write(x.hva);
	}
}

/* Walk the burst's missing completion addresses together, so that their cache misses overlap. */
static void
warm_translations(struct siov_engine *engine, const struct burst *burst)
{
	uint32_t pasid[BURST];
	uint64_t iova[BURST];
	unsigned int i;

	for (i = 0; i < burst->nb; i++) {
		const struct dsa_hw_desc *desc = (const struct dsa_hw_desc *)&burst->desc[i];

		pasid[i] = desc->pasid;
		iova[i] = desc->completion_addr;
	}
	siov_atc_fill_burst(engine->atc, pasid, iova, burst->nb);
}

static void
look_up_burst(struct siov_engine *engine, struct engine_wq *ewq, struct burst *burst)
{
	uint64_t misses = siov_atomic_load(&engine->atc->misses, relaxed);
	unsigned int i;

	for (i = 0; i < burst->nb; i++) {
		const struct dsa_hw_desc *desc = (const struct dsa_hw_desc *)&burst->desc[i];

		rte_prefetch0(&ewq->records.dir[desc->pasid >> RECORD_BLOCK_LOG2]);
		siov_atc_prefetch(engine->atc, desc->pasid, desc->completion_addr);
	}
	for (i = 0; i < burst->nb; i++) {
		const struct dsa_hw_desc *desc = (const struct dsa_hw_desc *)&burst->desc[i];
		struct record *rec = record_find(&ewq->records, desc->pasid);

		burst->rec[i] = rec != NULL ? rec : &ewq->records.others;
		siov_prefetch_write(burst->rec[i]);
	}
	/* Misses come in crowds: worth the extra pass only while there were some just now. */
	if (misses != engine->misses_seen) {
		engine->misses_seen = misses;
		warm_translations(engine, burst);
	}
	for (i = 0; i < burst->nb; i++)
		look_up_completion(engine, burst, i);
	/* One for the record; those for data are counted with each operation. */
	RECORD_ADD(&engine->nb.lookups, burst->nb);
}

static void
set_aside(struct engine_wq *ewq, struct siov_lane *lane, const struct op *op, struct record *rec,
	  uint64_t stamp)
{
	uint32_t n = siov_atomic_load(&ewq->nb_long, relaxed);
	struct long_op *entry = &ewq->long_ops[n];

	entry->op = *op;
	entry->desc = *op->desc;
	entry->rec = rec;
	entry->lane = lane;
	entry->stamp = stamp;
	lane->nb_long++;
	siov_atomic_store(&ewq->nb_long, n + 1, release);
}

static inline void
finish_op(struct siov_engine *engine, struct engine_wq *ewq, struct record *rec, struct op *op,
	  uint8_t *comp, uint64_t stamp)
{
	complete_op(engine, ewq, rec, op, comp);
	if (ewq->has_stamps)
		record_latency(rec, &engine->pools, rte_rdtsc() - stamp);
}

/*
 * Translate an address of a descriptor's data ahead. NULL: it faults, which is left to the
 * operation.
 */
static inline uint8_t *
translate_ahead(struct siov_engine *engine, const struct dsa_hw_desc *desc, uint64_t iova,
		unsigned int perm, uint32_t *len)
{
	struct siov_xlate x;

	if (siov_atc_translate(engine->atc, desc->pasid, iova, perm, &x) != 0)
		return NULL;
	*len = (uint32_t)RTE_MIN(x.len, (uint64_t)UINT32_MAX);
	return x.hva;
}

/*
 * Ask for the first lines of descriptor i's data while another one works: the processor's own
 * prefetchers need a few misses to find a new stream.
 */
static inline void
look_ahead(struct siov_engine *engine, struct burst *burst, unsigned int i)
{
	const struct dsa_hw_desc *desc = (const struct dsa_hw_desc *)&burst->desc[i];
	uint32_t uses = desc->opcode < OP_TYPES ? op_types[desc->opcode].uses : 0;
	uint32_t at, nb = RTE_MIN(desc->xfer_size, PREFETCH_BYTES);

	burst->src[i] = NULL;
	burst->dst[i] = NULL;
	if (uses & OP_READS)
		burst->src[i] = translate_ahead(engine, desc, desc->src_addr, SIOV_PERM_R,
						&burst->src_len[i]);
	if (uses & OP_WRITES && desc->xfer_size >= AHEAD_WRITE_MIN)
		burst->dst[i] = translate_ahead(engine, desc, desc->dst_addr, SIOV_PERM_W,
						&burst->dst_len[i]);
	if (burst->src[i] != NULL) {
		for (at = 0; at < nb && at < burst->src_len[i]; at += RTE_CACHE_LINE_SIZE)
			rte_prefetch0(burst->src[i] + at);
	}
	if (burst->dst[i] != NULL) {
		for (at = 0; at < nb && at < burst->dst_len[i]; at += RTE_CACHE_LINE_SIZE)
			siov_prefetch_write(burst->dst[i] + at);
	}
}

static inline void
execute_one(struct siov_engine *engine, struct engine_wq *ewq, struct siov_lane *lane,
	    unsigned int i)
{
	struct burst *burst = &engine->burst;
	const struct dsa_hw_desc *desc = (const struct dsa_hw_desc *)&burst->desc[i];
	struct op op;

	op_prepare(&op, desc, &ewq->limits);
	/* Where the result could not be told, nothing is done. */
	if (unlikely(burst->comp_error[i] != 0))
		op_refuse(&op, burst->comp_error[i], desc->completion_addr);
	if (op.status == OP_MORE && !op_has_data(&op)) {
		op.status = DSA_COMP_SUCCESS;
	} else if (op.status == OP_MORE) {
		if (desc->xfer_size > SLICE_BYTES) {
			set_aside(ewq, lane, &op, burst->rec[i], burst->stamp[i]);
			return;
		}
		op.src = burst->src[i];
		op.src_len = burst->src_len[i];
		op.dst = burst->dst[i];
		op.dst_len = burst->dst_len[i];
		op_run(&op, engine->atc, SLICE_BYTES);
	}
	finish_op(engine, ewq, burst->rec[i], &op, burst->comp[i], burst->stamp[i]);
}

/* ---- arbitration ---- */

/* Lanes came or went: list those that this engine serves. */
static void
refresh_lanes(struct engine_wq *ewq, uint32_t lane_gen)
{
	uint32_t nb = siov_atomic_load(&ewq->wq->nb_lanes, acquire);
	uint32_t i;

	ewq->nb_lanes = 0;
	for (i = 0; i < nb; i++) {
		struct siov_lane *lane = ewq->wq->lanes[i];

		if (siov_atomic_load(&lane->attached, acquire) &&
		    siov_atomic_load(&lane->engine_id, relaxed) == ewq->slot)
			ewq->lanes[ewq->nb_lanes++] = lane;
	}
	ewq->lane_gen = lane_gen;
	ewq->next_lane = 0;
}

/* One burst from one lane. Returns descriptors dispatched. */
static unsigned int
serve_lane(struct siov_engine *engine, struct engine_wq *ewq, struct siov_lane *lane,
	   unsigned int max, uint64_t now_cycles)
{
	const struct siov_lane_limits limits = {
		.nb_max = max,
		.long_bytes = SLICE_BYTES,
		.nb_long_max = LONG_PER_LANE,
	};
	struct burst *burst = &engine->burst;
	unsigned int i;

	burst->nb = siov_lane_pop_sc(lane, &limits, burst->desc, burst->stamp);
	if (burst->nb == 0)
		return 0;
	/* There is more: let it come from the submitter's core while we work on this burst. */
	if (burst->nb == max)
		siov_lane_prefetch_sc(lane, BURST / 2);
	siov_gather_popped(&lane->gather, burst->nb, now_cycles);
	siov_wq_give_back(ewq->wq, &ewq->granter, burst->nb, now_cycles);
	look_up_burst(engine, ewq, burst);
	look_ahead(engine, burst, 0);
	for (i = 0; i < burst->nb; i++) {
		if (i + 1 < burst->nb)
			look_ahead(engine, burst, i + 1);
		execute_one(engine, ewq, lane, i);
	}
	return burst->nb;
}

/* Up to the queue's quantum, lane after lane. Returns descriptors dispatched. */
static unsigned int
serve_wq(struct siov_engine *engine, struct engine_wq *ewq, uint64_t now_cycles, bool *is_waiting)
{
	uint32_t lane_gen = siov_atomic_load(&ewq->wq->lane_gen, acquire);
	unsigned int done = 0;
	uint32_t seen = 0; /* lanes since one filled its burst */

	if (unlikely(lane_gen != ewq->lane_gen))
		refresh_lanes(ewq, lane_gen);
	while (seen < ewq->nb_lanes && done < ewq->quantum) {
		struct siov_lane *lane = ewq->lanes[ewq->next_lane];
		unsigned int n;

		seen++;
		if (++ewq->next_lane == ewq->nb_lanes)
			ewq->next_lane = 0;
		if (!siov_lane_is_published_sc(lane, 0))
			continue;
		if (!siov_gather_is_ripe(&lane->gather, now_cycles)) {
			*is_waiting = true;
			continue;
		}
		n = serve_lane(engine, ewq, lane, RTE_MIN(BURST, ewq->quantum - done), now_cycles);
		done += n;
		/* Another round: the queue's weight must also count where few lanes have work. */
		if (n == BURST)
			seen = 0;
	}
	siov_wq_expire_grant(ewq->wq, &ewq->granter, now_cycles);
	return done;
}

/* ---- long transfers ---- */

/* Finish a long transfer: its completion address is translated anew, the old one may be gone. */
static void
finish_long(struct siov_engine *engine, struct engine_wq *ewq, uint32_t idx)
{
	struct long_op *entry = &ewq->long_ops[idx];
	uint32_t last = siov_atomic_load(&ewq->nb_long, relaxed) - 1;
	uint8_t *comp = NULL;
	struct siov_xlate x;

	if (entry->desc.flags & IDXD_OP_FLAG_CRAV) {
		if (siov_atc_translate(engine->atc, entry->desc.pasid, entry->desc.completion_addr,
				       SIOV_PERM_W, &x) == 0)
			comp = x.hva;
		else
			op_refuse(&entry->op, DSA_COMP_CRA_XLAT, entry->desc.completion_addr);
	}
	finish_op(engine, ewq, entry->rec, &entry->op, comp, entry->stamp);
	entry->lane->nb_long--;
	*entry = ewq->long_ops[last];
	siov_atomic_store(&ewq->nb_long, last, release);
}

/* One slice of one long transfer, queue after queue. Returns slices done, 0 or 1. */
static unsigned int
run_slice(struct siov_engine *engine)
{
	uint32_t i;

	for (i = 0; i < engine->nb_wqs; i++) {
		struct engine_wq *ewq = &engine->wqs[engine->next_long_wq];
		uint32_t nb_long = siov_atomic_load(&ewq->nb_long, relaxed);
		struct long_op *entry;
		uint32_t idx;

		if (++engine->next_long_wq == engine->nb_wqs)
			engine->next_long_wq = 0;
		if (nb_long == 0)
			continue;
		idx = ewq->next_long < nb_long ? ewq->next_long : 0;
		ewq->next_long = idx + 1;
		entry = &ewq->long_ops[idx];
		entry->op.desc = &entry->desc;
		op_run(&entry->op, engine->atc, SLICE_BYTES);
		RECORD_ADD(&engine->nb.slices, 1);
		if (entry->op.status != OP_MORE)
			finish_long(engine, ewq, idx);
		return 1;
	}
	return 0;
}

unsigned int
siov_engine_poll(struct siov_engine *engine)
{
	uint64_t now_cycles = rte_rdtsc();
	bool is_waiting = false;
	unsigned int done = 0;
	uint32_t i;

	for (i = 0; i < engine->nb_wqs; i++)
		done += serve_wq(engine, &engine->wqs[i], now_cycles, &is_waiting);
	RECORD_ADD(&engine->nb.polls, 1);
	RECORD_ADD(&engine->nb.dispatched, done);
	done += run_slice(engine) + is_waiting;
	if (done == 0)
		RECORD_ADD(&engine->nb.idle_polls, 1);
	siov_atc_quiescent(engine->atc);
	return done;
}

/* ---- counters ---- */

static struct engine_wq *
find_wq(const struct siov_engine *engine, uint32_t wq_id)
{
	uint32_t i;

	for (i = 0; i < engine->nb_wqs; i++) {
		if (engine->wqs[i].wq_id == wq_id)
			return &engine->wqs[i];
	}
	return NULL;
}

int
engine_add_pasid(struct siov_engine *engine, uint32_t wq_id, uint32_t pasid)
{
	struct engine_wq *ewq = find_wq(engine, wq_id);
	int ret;

	if (ewq == NULL)
		return -ENOENT;
	ret = record_add(&ewq->records, engine->mem, engine->socket_id, pasid);
	if (ret < 0)
		return ret;
	engine->record_bytes += ret;
	return 0;
}

void
engine_add_stats(const struct siov_engine *engine, uint32_t wq_id, uint32_t pasid,
		 struct siov_stats *sum)
{
	const struct engine_wq *ewq = find_wq(engine, wq_id);
	const struct record *rec;

	if (ewq == NULL)
		return;
	rec = pasid <= SIOV_PASID_MAX ? record_find(&ewq->records, pasid) : &ewq->records.others;
	if (rec != NULL)
		record_read(rec, &engine->pools, sum);
}

uint32_t
engine_nb_long(const struct siov_engine *engine, uint32_t wq_id)
{
	const struct engine_wq *ewq = find_wq(engine, wq_id);

	return ewq != NULL ? siov_atomic_load(&ewq->nb_long, acquire) : 0;
}

size_t
engine_pasid_memory(const struct siov_engine *engine)
{
	return engine->record_bytes;
}

void
siov_engine_get_stats(const struct siov_engine *engine, struct siov_engine_stats *stats)
{
	struct siov_atc_stats atc;

	siov_atc_stats(engine->atc, &atc);
	*stats = (struct siov_engine_stats){
		.polls = siov_atomic_load(&engine->nb.polls, relaxed),
		.idle_polls = siov_atomic_load(&engine->nb.idle_polls, relaxed),
		.dispatched = siov_atomic_load(&engine->nb.dispatched, relaxed),
		.slices = siov_atomic_load(&engine->nb.slices, relaxed),
		.atc_lookups = siov_atomic_load(&engine->nb.lookups, relaxed),
		.atc_misses = atc.misses,
		.errors_dropped = siov_atomic_load(&engine->nb.errors_dropped, relaxed),
	};
}

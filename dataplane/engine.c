/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One poll: for each queue, for each of its lanes that this engine serves, take a burst, give the
 * credits back, then work on the burst in three passes: look up (records and completion addresses,
 * with the misses of the whole burst walked together), execute, complete. Transfers longer than a
 * slice are set aside and go on one slice a poll, so they hold nobody up for longer.
 */
#include <rte_pause.h>

#include "aside_priv.h"
#include "comp_priv.h"
#include "guard_priv.h"
#include "msg.h"
#include "park_priv.h"

#define PREFETCH_BYTES 512u
#define AHEAD_WRITE_MIN 256u /* for shorter writes the store buffer is enough */

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

/* ---- completion ---- */

/* Whether a record with this code tells what the operation would go on with. */
static bool
tells_progress(uint8_t code)
{
	return code == DSA_COMP_SUCCESS || code == DSA_COMP_PAGE_FAULT_NOBOF ||
	       code == DSA_COMP_PAGE_FAULT_IR || code == DSA_COMP_DIF_ERR;
}

/* Whether an operation with this code was begun: what refuses a descriptor is numbered after. */
static inline bool
has_run(uint8_t code)
{
	return code <= DSA_COMP_DIF_ERR;
}

/* Bytes 16 to 23 of the record. The sum so far is what a faulted CRC goes on from. */
static uint64_t
completion_value(const struct op *op)
{
	uint8_t code = op->status & DSA_COMP_STATUS_MASK;

	if (code == DSA_COMP_INVALID_FLAGS)
		return op->invalid_flags;
	if (tells_progress(code) && op->type->uses & OP_CRC)
		return op_crc_value(op);
	return 0;
}

/* Whether comp, which is not another process's, may be a bad address of this one. */
static inline bool
comp_may_fault(const struct siov_engine *engine, const struct dsa_hw_desc *desc,
	       const uint8_t *comp)
{
	return siov_atc_may_fault(engine->atc) && (uintptr_t)comp == desc->completion_addr;
}

static inline struct comp_words
completion_words(const struct op *op, uint8_t result)
{
	struct comp_words words = {
		.word[0] = op->status | (uint64_t)result << 8 | (uint64_t)op->done << 32,
		.word[1] = op->fault_addr,
		.word[2] = completion_value(op),
	};

	if (unlikely(op->type->uses & (OP_DIF | OP_DELTA))) {
		uint8_t code = op->status & DSA_COMP_STATUS_MASK;

		if (op->type->uses & OP_DELTA && has_run(code)) {
			words.word[2] = op->delta_len;
		} else if (op->type->uses & OP_DIF && tells_progress(code)) {
			/* What the next blocks should have. */
			words.word[2] = op_dif_src_tags(op);
			words.word[3] = op_dif_dst_tags(op);
		}
	}
	return words;
}

/* The record of an operation that is not plain. False: it cannot be written there. */
static __rte_noinline bool
write_special(struct siov_engine *engine, const struct engine_wq *ewq, uint8_t *comp,
	      const struct op *op, uint8_t result)
{
	const struct comp_words words = completion_words(op, result);
	uint32_t pasid = engine_comp_pasid(ewq, op->desc);

	if (comp == engine->remote->record)
		return remote_write_record(engine->remote, siov_atc_process(engine->atc, pasid),
					   op->desc->completion_addr, words.word);
	if (comp_may_fault(engine, op->desc, comp))
		return comp_write_guarded(comp, &words);
	comp_write(comp, &words);
	return true;
}

/* False: it cannot be written there. */
static inline bool
write_completion(struct siov_engine *engine, const struct engine_wq *ewq, uint8_t *comp,
		 const struct op *op, uint8_t result)
{
	const struct comp_words words = completion_words(op, result);

	if (unlikely(!engine->is_plain))
		return write_special(engine, ewq, comp, op, result);
	comp_write(comp, &words);
	return true;
}

/* A record was due and has no place. */
static void
lose_completion(struct siov_engine *engine, const struct engine_wq *ewq, struct op *op)
{
	op->fault_addr = op->desc->completion_addr;
	op->status = DSA_COMP_CRA_XLAT;
	report_error(engine, ewq, op, DSA_COMP_CRA_XLAT);
}

/* Tell the platform of a translation that was refused for good. */
static __rte_noinline void
record_fault(struct siov_engine *engine, const struct engine_wq *ewq, const struct op *op,
	     uint8_t code)
{
	uint32_t pasid = op->desc->pasid;
	uint8_t *comp;
	int reason;

	if (code == DSA_COMP_CRA_XLAT) {
		reason = engine_find_comp(engine, ewq, op->desc, &comp);
		if (reason != 0)
			siov_atc_record_fault(engine->atc, engine_comp_pasid(ewq, op->desc),
					      op->desc->completion_addr,
					      SIOV_PERM_W << op->perm_shift, reason);
	} else if (op->fault_reason != 0 &&
		   (code == DSA_COMP_PAGE_FAULT_NOBOF || code == DSA_COMP_PAGE_FAULT_IR ||
		    code == DSA_COMP_BATCH_PAGE_FAULT)) {
		/* Lists are read as records are written. */
		if (code == DSA_COMP_BATCH_PAGE_FAULT)
			pasid = engine_comp_pasid(ewq, op->desc);
		siov_atc_record_fault(engine->atc, pasid, op->fault_addr, op->fault_perm,
				      op->fault_reason);
	}
}

/* Tell the client by an interrupt, too: if the handle is its own, which is looked at again. */
static void
raise_completion(struct siov_engine *engine, const struct origin *from, const struct op *op,
		 uint8_t code)
{
	if (from->messages == NULL || !(op->desc->flags & IDXD_OP_FLAG_RCI) ||
	    code == DSA_COMP_CRA_XLAT || code == DSA_COMP_CRA_ALIGN)
		return;
	msg_raise(from->messages, engine->id, op->desc->int_handle, op->desc->pasid,
		  engine->now_cycles);
}

static void
count_end(struct siov_engine *engine, const struct origin *from, const struct op *op, uint8_t code)
{
	bool failed = code != DSA_COMP_SUCCESS && code != DSA_COMP_SUCCESS_PRED;

	if (from->batch != NULL)
		batch_member_done(from->batch, op->status);
	else if (!failed)
		RECORD_ADD(&from->rec->completed, 1);
	else if (code == SIOV_COMP_ABORTED)
		RECORD_ADD(&from->rec->aborted, 1);
	else
		record_failure(from->rec, &engine->pools, code);
	if (failed)
		record_fault(engine, from->ewq, op, code);
}

static inline void
count_work(struct siov_engine *engine, struct record *rec, const struct op *op)
{
	if (op->done != 0 && likely(op_has_data(op)))
		RECORD_ADD(&rec->bytes, op->done);
	if (op->nb_lookups != 0)
		RECORD_ADD(&engine->nb.lookups, op->nb_lookups);
}

static inline void
take_latency(struct siov_engine *engine, const struct engine_wq *ewq, struct record *rec,
	     uint64_t stamp)
{
	if (ewq->has_stamps)
		record_latency(rec, &engine->pools, rte_rdtsc() - stamp);
}

void
engine_finish_op(struct siov_engine *engine, const struct origin *from, struct op *op,
		 uint8_t *comp)
{
	uint8_t code = op->status & DSA_COMP_STATUS_MASK;
	bool failed = code != DSA_COMP_SUCCESS && code != DSA_COMP_SUCCESS_PRED;
	uint8_t result = failed && op->is_backward ? 1 : op->result;
	bool is_due = op->desc->flags & IDXD_OP_FLAG_RCR || op->status != DSA_COMP_SUCCESS;

	if (comp != NULL && is_due && !write_completion(engine, from->ewq, comp, op, result)) {
		lose_completion(engine, from->ewq, op);
		code = DSA_COMP_CRA_XLAT;
	} else if (comp == NULL && failed && code != SIOV_COMP_ABORTED) {
		report_error(engine, from->ewq, op, code);
	}
	raise_completion(engine, from, op, code);
	count_end(engine, from, op, code);
	count_work(engine, from->rec, op);
	if (from->batch == NULL)
		take_latency(engine, from->ewq, from->rec, from->stamp);
}

/* ---- passes over a burst ---- */

/* A supervisor's record is written as its data are. */
static inline unsigned int
comp_perm(const struct engine_wq *ewq, const struct dsa_hw_desc *desc)
{
	if (likely(!ewq->limits[0].priv_enabled))
		return SIOV_PERM_W;
	return SIOV_PERM_W << op_perm_shift(siov_desc_load_word(desc));
}

/*
 * Translate a completion address; what stands for one in another process is not touched. Returns 0
 * or the reason of the fault.
 */
static inline int
translate_comp(struct siov_engine *engine, const struct engine_wq *ewq,
	       const struct dsa_hw_desc *desc, uint8_t **comp)
{
	struct siov_xlate x;
	int reason;

	reason = siov_atc_translate(engine->atc, engine_comp_pasid(ewq, desc),
				    desc->completion_addr, comp_perm(ewq, desc), &x);
	if (unlikely(reason == SIOV_XLATE_PROCESS)) {
		*comp = engine->remote->record;
		engine->is_plain = false;
		return 0;
	}
	*comp = x.hva;
	/* Address 0 of this process is nothing to write to. */
	return likely(x.hva != NULL) ? 0 : RTE_MAX(reason, 1);
}

/* Whether the record can be written, where the translation does not tell; asked late, when its line
 * has come.
 */
static __rte_noinline bool
probe_completion(struct siov_engine *engine, const struct engine_wq *ewq,
		 const struct dsa_hw_desc *desc, uint8_t *comp)
{
	uint32_t pasid = engine_comp_pasid(ewq, desc);
	uint64_t page = desc->completion_addr / GUARD_PAGE;

	if (comp == engine->remote->record)
		return remote_can_write_record(engine->remote, siov_atc_process(engine->atc, pasid),
					       desc->completion_addr);
	if (!comp_may_fault(engine, desc, comp) || page == engine->probed_page)
		return true;
	if (!comp_is_writable(comp))
		return false;
	engine->probed_page = page;
	return true;
}

/* Where the completion record of descriptor i goes. */
static void
look_up_completion(struct siov_engine *engine, const struct engine_wq *ewq, struct burst *burst,
		   unsigned int i)
{
	const struct dsa_hw_desc *desc = (const struct dsa_hw_desc *)&burst->desc[i];

	burst->comp[i] = NULL;
	burst->comp_error[i] = 0;
	if (!(desc->flags & IDXD_OP_FLAG_CRAV))
		return;
	if (desc->completion_addr & (SIOV_COMP_SIZE - 1))
		burst->comp_error[i] = DSA_COMP_CRA_ALIGN;
	else if (translate_comp(engine, ewq, desc, &burst->comp[i]) != 0)
		burst->comp_error[i] = DSA_COMP_CRA_XLAT;
	else if (likely(desc->flags & IDXD_OP_FLAG_RCR))
		siov_prefetch_write(burst->comp[i]); /* else it is hardly ever written */
}

/* Walk the burst's missing completion addresses together, so that their cache misses overlap. */
static void
warm_translations(struct siov_engine *engine, const struct engine_wq *ewq,
		  const struct burst *burst)
{
	uint32_t pasid[ENGINE_BURST];
	uint64_t iova[ENGINE_BURST];
	unsigned int i;

	for (i = 0; i < burst->nb; i++) {
		const struct dsa_hw_desc *desc = (const struct dsa_hw_desc *)&burst->desc[i];

		pasid[i] = engine_comp_pasid(ewq, desc);
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
		siov_atc_prefetch(engine->atc, engine_comp_pasid(ewq, desc), desc->completion_addr);
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
		warm_translations(engine, ewq, burst);
	}
	for (i = 0; i < burst->nb; i++)
		look_up_completion(engine, ewq, burst, i);
	/* One for the record; those for data are counted with each operation. */
	RECORD_ADD(&engine->nb.lookups, burst->nb);
}

/* The same for members of a batch, which are all of one record. */
static void
look_up_members(struct siov_engine *engine, struct engine_wq *ewq, struct burst *burst,
		struct record *rec)
{
	unsigned int i;

	for (i = 0; i < burst->nb; i++) {
		burst->rec[i] = rec;
		look_up_completion(engine, ewq, burst, i);
	}
	RECORD_ADD(&engine->nb.lookups, burst->nb);
}

void
engine_discard_op(struct siov_engine *engine, const struct origin *from, struct op *op,
		  uint32_t gate)
{
	struct origin silent = *from;
	uint8_t *comp = NULL;
	uint32_t done = op->done;
	uint64_t addr = op->desc->completion_addr;

	op_refuse(op, SIOV_COMP_ABORTED, 0);
	op->done = done;
	if (gate == ENGINE_GATE_ABORT && addr % SIOV_COMP_SIZE == 0 &&
	    engine_find_comp(engine, from->ewq, op->desc, &comp) != 0)
		comp = NULL;
	if (gate != ENGINE_GATE_ABORT)
		silent.messages = NULL;
	engine_finish_op(engine, &silent, op, comp);
}

int
engine_find_comp(struct siov_engine *engine, const struct engine_wq *ewq,
		 const struct dsa_hw_desc *desc, uint8_t **comp)
{
	*comp = NULL;
	if (!(desc->flags & IDXD_OP_FLAG_CRAV))
		return 0;
	return translate_comp(engine, ewq, desc, comp);
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
 * Find the first members of a batch, whose lines are asked for one by one while the batch before it
 * runs: all at once they would hold up everything else. To ask for lines that are gone does no harm.
 */
static __rte_noinline void
look_at_list(struct siov_engine *engine, const struct engine_wq *ewq,
	     const struct dsa_hw_desc *desc)
{
	struct siov_xlate x;

	if (siov_atc_translate(engine->atc, engine_comp_pasid(ewq, desc), desc->desc_list_addr,
			       SIOV_PERM_R, &x) != 0)
		return;
	engine->next_list = x.hva;
	engine->next_nb = (uint32_t)RTE_MIN(RTE_MIN(x.len / SIOV_DESC_SIZE, desc->desc_count),
					    (uint64_t)ENGINE_BURST);
}

/*
 * Ask for the first lines of descriptor i's data while another one works: the processor's own
 * prefetchers need a few misses to find a new stream.
 */
static __rte_always_inline void
look_ahead(struct siov_engine *engine, const struct engine_wq *ewq, struct burst *burst,
	   unsigned int i)
{
	const struct dsa_hw_desc *desc = (const struct dsa_hw_desc *)&burst->desc[i];
	uint32_t uses = desc->opcode < OP_TYPES ? op_types[desc->opcode].uses : 0;
	uint32_t at, nb = RTE_MIN(desc->xfer_size, PREFETCH_BYTES);

	burst->src[i] = NULL;
	burst->dst[i] = NULL;
	if (!(uses & OP_DATA)) {
		if (unlikely(uses & OP_BATCH))
			look_at_list(engine, ewq, desc);
		return;
	}
	/* What is translated ahead is for users. */
	if (unlikely(ewq->limits[0].priv_enabled) && desc->priv)
		return;
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

/* Descriptor i of a burst, as what is not plain sees it. */
static struct origin
origin_of(struct engine_wq *ewq, const struct burst *burst, unsigned int i)
{
	return (struct origin){
		.ewq = ewq,
		.rec = burst->rec[i],
		.batch = burst->batch,
		.messages = burst->messages,
		.stamp = burst->stamp[i],
	};
}

/* Batches and drains, which have no data of their own. */
static __rte_noinline void
execute_special(struct siov_engine *engine, struct engine_wq *ewq, struct burst *burst,
		unsigned int i, struct op *op)
{
	const struct origin from = origin_of(ewq, burst, i);

	if (from.batch != NULL || (op->type->uses & OP_BATCH && ewq->batch_max < 2)) {
		op_refuse(op, DSA_COMP_BAD_OPCODE, 0);
		engine_finish_op(engine, &from, op, burst->comp[i]);
	} else if (op->type->uses & OP_BATCH) {
		batch_begin(engine, &from, burst->lane, op, burst->comp[i]);
	} else {
		drain_begin(&from, burst->lane, op->desc);
	}
}

/* Why descriptor i is not to be executed at all. True: it has been dealt with. */
static __rte_noinline bool
refuse_one(struct siov_engine *engine, struct engine_wq *ewq, struct burst *burst, unsigned int i,
	   struct op *op)
{
	const struct origin from = origin_of(ewq, burst, i);
	uint32_t gate = engine_gate_of(ewq, from.rec);

	if (gate != ENGINE_GATE_OPEN) {
		op->done = 0;
		engine_discard_op(engine, &from, op, gate);
		return true;
	}
	/* Where the result could not be told, nothing is done. */
	if (burst->comp_error[i] == 0)
		return false;
	if (burst->comp_error[i] == DSA_COMP_CRA_XLAT && op->status == OP_MORE &&
	    op_can_block(op) && park_comp(engine, &from, op))
		return true;
	op_refuse(op, burst->comp_error[i], op->desc->completion_addr);
	return false;
}

/* More than a slice. */
static __rte_noinline void
execute_long(struct engine_wq *ewq, struct burst *burst, unsigned int i, const struct op *op)
{
	const struct origin from = origin_of(ewq, burst, i);

	if (from.batch != NULL)
		batch_hold(from.batch, op);
	else
		long_add(&from, burst->lane, op);
}

/* The operation met a page that is not there. True: it waits for it. */
static __rte_noinline bool
block_one(struct siov_engine *engine, struct engine_wq *ewq, struct burst *burst, unsigned int i,
	  const struct op *op)
{
	const struct origin from = origin_of(ewq, burst, i);

	return park_op(engine, &from, op);
}

/* The end of an operation that is neither aside nor parked: mostly success, and that is short. */
static __rte_always_inline void
finish_one(struct siov_engine *engine, struct engine_wq *ewq, struct burst *burst, unsigned int i,
	   struct op *op, bool is_member)
{
	struct record *rec = burst->rec[i];
	uint8_t *comp = burst->comp[i];

	if (unlikely(op->status != DSA_COMP_SUCCESS || op->desc->flags & IDXD_OP_FLAG_RCI ||
		     !engine->is_plain)) {
		const struct origin from = origin_of(ewq, burst, i);

		engine_finish_op(engine, &from, op, comp);
		return;
	}
	if (comp != NULL && op->desc->flags & IDXD_OP_FLAG_RCR) {
		const struct comp_words words = completion_words(op, op->result);

		comp_write(comp, &words);
	}
	if (is_member)
		batch_member_done(burst->batch, DSA_COMP_SUCCESS);
	else
		RECORD_ADD(&rec->completed, 1);
	count_work(engine, rec, op);
	if (!is_member)
		take_latency(engine, ewq, rec, burst->stamp[i]);
}

/* is_member is known where this is inlined: most descriptors are in no batch. */
static __rte_always_inline void
execute_one(struct siov_engine *engine, struct engine_wq *ewq, struct burst *burst, unsigned int i,
	    bool is_member)
{
	const struct dsa_hw_desc *desc = (const struct dsa_hw_desc *)&burst->desc[i];
	struct record *rec = burst->rec[i];
	struct op op;

	op_prepare(&op, desc, burst->limits);
	if (unlikely(!engine->is_plain) && burst->comp[i] != NULL &&
	    !probe_completion(engine, ewq, desc, burst->comp[i])) {
		burst->comp[i] = NULL;
		burst->comp_error[i] = DSA_COMP_CRA_XLAT;
	}
	/* Acquire: what control did before it opened a gate has happened. */
	if (unlikely((burst->comp_error[i] | burst->gate | siov_atomic_load(&rec->gate, acquire)) !=
		     0) &&
	    refuse_one(engine, ewq, burst, i, &op))
		return;
	if (op.status == OP_MORE && !op_has_data(&op)) {
		if (unlikely(op.type->uses != 0)) {
			execute_special(engine, ewq, burst, i, &op);
			return;
		}
		op.status = DSA_COMP_SUCCESS;
	} else if (op.status == OP_MORE) {
		if (desc->xfer_size > ENGINE_SLICE_BYTES) {
			execute_long(ewq, burst, i, &op);
			return;
		}
		op.src = burst->src[i];
		op.src_len = burst->src_len[i];
		op.dst = burst->dst[i];
		op.dst_len = burst->dst_len[i];
		op_run(&op, engine->atc, ENGINE_SLICE_BYTES);
		if (unlikely(op_is_page_fault(&op)) && op_can_block(&op) &&
		    block_one(engine, ewq, burst, i, &op))
			return;
	}
	finish_one(engine, ewq, burst, i, &op, is_member);
}

unsigned int
engine_run_members(struct siov_engine *engine, const struct origin *from, struct batch *batch)
{
	struct engine_wq *ewq = from->ewq;
	struct burst *burst = &engine->members;
	const uint8_t *next = engine->next_list;
	uint32_t next_nb = engine->next_nb;
	uint64_t bytes = 0;
	unsigned int i;

	engine->next_nb = 0;
	burst->lane = NULL;
	burst->batch = batch;
	burst->messages = from->messages;
	burst->limits = &ewq->member_limits[from->messages == engine->messages[ENGINE_IMS]];
	burst->gate = siov_atomic_load(&ewq->gate, acquire);
	look_up_members(engine, ewq, burst, from->rec);
	look_ahead(engine, ewq, burst, 0);
	for (i = 0; i < burst->nb && bytes <= ENGINE_SLICE_BYTES && !batch->has_member; i++) {
		const struct dsa_hw_desc *desc = (const struct dsa_hw_desc *)&burst->desc[i];

		if (desc->flags & IDXD_OP_FLAG_FENCE && !batch_may_pass_fence(batch))
			break;
		if (i + 1 < burst->nb)
			look_ahead(engine, ewq, burst, i + 1);
		if (i < next_nb)
			rte_prefetch0(next + i * SIOV_DESC_SIZE);
		bytes += desc->xfer_size;
		execute_one(engine, ewq, burst, i, true);
	}
	if (unlikely(siov_atomic_load(&ewq->wq->qos, relaxed) != NULL))
		siov_qos_charge(ewq->wq,
				siov_atomic_load(&burst->desc[0].word0, relaxed) &
					SIOV_DESC_PASID_MASK,
				bytes);
	RECORD_ADD(&engine->nb.members, i);
	RECORD_ADD(&from->rec->members, i);
	return i;
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

/*
 * What a lane may have set aside after its next burst. Where the engine has no slot left, the lane
 * waits for one before its next long transfer: those in progress end without it, drains do not.
 */
static unsigned int
find_long_max(const struct engine_wq *ewq, const struct siov_lane *lane)
{
	const struct engine_slots *slots = ewq->slots;
	uint32_t room = slots->max - slots->nb_used;

	return likely(room >= LONG_PER_LANE) ? LONG_PER_LANE :
					       RTE_MIN(LONG_PER_LANE, lane->nb_long + room);
}

/* One burst from one lane. Returns descriptors dispatched. */
static unsigned int
serve_lane(struct siov_engine *engine, struct engine_wq *ewq, struct siov_lane *lane,
	   unsigned int max, uint64_t now_cycles)
{
	const struct siov_lane_limits limits = {
		.nb_max = max,
		.long_bytes = ENGINE_SLICE_BYTES,
		.nb_long_max = find_long_max(ewq, lane),
	};
	struct burst *burst = &engine->burst;
	enum engine_messages messages;
	unsigned int i;

	burst->nb = siov_lane_pop_sc(lane, &limits, burst->desc, burst->stamp);
	if (burst->nb == 0)
		return 0;
	/* There is more: let it come from the submitter's core while we work on this burst. */
	if (burst->nb == max)
		siov_lane_prefetch_sc(lane, ENGINE_BURST / 2);
	siov_gather_popped(&lane->gather, burst->nb, now_cycles);
	siov_wq_give_back(ewq->wq, &ewq->granter, burst->nb, now_cycles);
	engine_begin_pass(engine);
	burst->lane = lane;
	messages = lane->flags & SIOV_LANE_F_IMS ? ENGINE_IMS : ENGINE_MSIX;
	burst->messages = engine->messages[messages];
	burst->limits = &ewq->limits[messages];
	burst->gate = siov_atomic_load(&ewq->gate, acquire);
	look_up_burst(engine, ewq, burst);
	look_ahead(engine, ewq, burst, 0);
	for (i = 0; i < burst->nb; i++) {
		if (i + 1 < burst->nb)
			look_ahead(engine, ewq, burst, i + 1);
		execute_one(engine, ewq, burst, i, false);
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
	bool is_loaded = false; /* a lane waits for a fuller burst */

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
			is_loaded = true;
			continue;
		}
		n = serve_lane(engine, ewq, lane, RTE_MIN(ENGINE_BURST, ewq->quantum - done),
			       now_cycles);
		done += n;
		/* Another round: the queue's weight must also count where few lanes have work. */
		if (n == ENGINE_BURST)
			seen = 0;
	}
	siov_wq_expire_grant(ewq->wq, &ewq->granter, now_cycles);
	siov_wq_polled(ewq->wq, ewq->slot, done, is_loaded || done != 0);
	return done;
}

/* ---- the poll ---- */

/* A gate was set: end what it shuts out, first what a batch may wait for. */
static __rte_noinline void
sweep(struct siov_engine *engine, uint32_t gate_gen)
{
	engine->gate_seen = gate_gen;
	park_sweep(engine);
	aside_sweep(engine);
}

unsigned int
siov_engine_poll(struct siov_engine *engine)
{
	/* Pair with engine_bind_wq and engine_set_gate. */
	uint32_t nb_wqs = siov_atomic_load(&engine->nb_wqs, acquire);
	uint32_t gate_gen = siov_atomic_load(&engine->gate_gen, acquire);
	uint64_t now_cycles = rte_rdtsc();
	bool is_waiting = false;
	unsigned int done = 0;
	uint32_t i;

	engine->now_cycles = now_cycles;
	if (unlikely(gate_gen != engine->gate_seen))
		sweep(engine, gate_gen);
	for (i = 0; i < nb_wqs; i++)
		done += serve_wq(engine, &engine->wqs[i], now_cycles, &is_waiting);
	RECORD_ADD(&engine->nb.polls, 1);
	RECORD_ADD(&engine->nb.dispatched, done);
	done += aside_poll(engine) + park_poll(engine, now_cycles) + is_waiting;
	for (i = 0; i < ENGINE_MESSAGES; i++) {
		if (engine->messages[i] != NULL)
			done += msg_poll(engine->messages[i], engine->id, now_cycles);
	}
	if (done == 0)
		RECORD_ADD(&engine->nb.idle_polls, 1);
	siov_atc_quiescent(engine->atc);
	return done;
}

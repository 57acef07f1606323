/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "aside_priv.h"
#include "guard_priv.h"

#define LIST_ALIGN 64u
#define COUNT_MIN 2u

/* ---- fetching ---- */

/* A copy that may fault. */
struct list_copy {
	void *dst;
	const void *src;
	uint32_t len;
};

static void
copy_list(void *arg)
{
	const struct list_copy *copy = arg;

	memcpy(copy->dst, copy->src, copy->len);
}

/* From the calling process's own memory, which may not be there. Returns bytes copied. */
static uint32_t
fetch_guarded(void *dst, const uint8_t *src, uint32_t len)
{
	uint32_t in_page = (uint32_t)(GUARD_PAGE - (uintptr_t)src % GUARD_PAGE);
	struct list_copy copy = {.dst = dst, .src = src, .len = RTE_MIN(len, in_page)};
	struct guard guard;

	guard.nb_spans = 0;
	guard_cover(&guard, (uintptr_t)src, copy.len);
	return guard_call(&guard, copy_list, &copy) ? copy.len : 0;
}

/* Up to len bytes of the list, within a page. Returns how many; 0: they cannot be read. */
static uint32_t
fetch_some(struct siov_engine *engine, struct aside *entry, uint64_t iova, void *dst, uint32_t len)
{
	unsigned int perm = SIOV_PERM_R << op_perm_shift(siov_desc_load_word(&entry->desc));
	uint32_t pasid = engine_comp_pasid(entry->from.ewq, &entry->desc);
	struct siov_xlate x;
	int reason = siov_atc_translate(engine->atc, pasid, iova, perm, &x);

	if (reason == SIOV_XLATE_PROCESS)
		return remote_read(engine->remote, siov_atc_process(engine->atc, pasid), iova, dst,
				   len);
	if (reason != 0 || x.hva == NULL) {
		entry->batch.fault_reason = (uint8_t)reason;
		return 0;
	}
	len = (uint32_t)RTE_MIN(x.len, (uint64_t)len);
	if (siov_atc_may_fault(engine->atc) && (uintptr_t)x.hva == iova)
		return fetch_guarded(dst, x.hva, len);
	memcpy(dst, x.hva, len);
	return len;
}

/* The next members, as many as can be had at once, with the identity of their batch. */
static void
fetch_members(struct siov_engine *engine, struct aside *entry)
{
	uint64_t id = siov_desc_load_word(&entry->desc) & SIOV_DESC_ID_MASK;
	uint32_t want = RTE_MIN(entry->batch.left, ENGINE_BURST) * SIOV_DESC_SIZE;
	struct burst *burst = &engine->members;
	uint32_t got = 0, n = 1;

	for (; got < want && n != 0; got += n)
		n = fetch_some(engine, entry, entry->batch.list + got, (uint8_t *)burst->desc + got,
			       want - got);
	for (burst->nb = 0; burst->nb < got / SIOV_DESC_SIZE; burst->nb++) {
		struct siov_desc_words *desc = &burst->desc[burst->nb];
		uint64_t word0 = siov_atomic_load(&desc->word0, relaxed);

		siov_atomic_store(&desc->word0, (word0 & ~SIOV_DESC_ID_MASK) | id, relaxed);
	}
}

/* ---- running ---- */

bool
batch_may_pass_fence(struct batch *batch)
{
	if (batch->nb_parked != 0)
		return false;
	if (batch->has_failed)
		batch->status = DSA_COMP_BATCH_FAIL;
	return !batch->has_failed;
}

void
batch_hold(struct batch *batch, const struct op *op)
{
	batch->op = *op;
	batch->member = *op->desc;
	batch->has_member = true;
}

/* A slice of the long member. */
static void
run_member(struct siov_engine *engine, struct aside *entry)
{
	struct batch *batch = &entry->batch;
	const struct origin from = {
		.ewq = entry->from.ewq,
		.rec = entry->from.rec,
		.batch = batch,
		.messages = entry->from.messages,
	};
	struct op *op = &batch->op;
	uint8_t *comp;

	op->desc = &batch->member;
	op_run(op, engine->atc, ENGINE_SLICE_BYTES);
	RECORD_ADD(&engine->nb.slices, 1);
	if (op->status == OP_MORE)
		return;
	batch->has_member = false;
	if (op_is_page_fault(op) && op_can_block(op) && park_op(engine, &from, op))
		return;
	if (engine_find_comp(engine, from.ewq, op->desc, &comp) != 0)
		op_refuse(op, DSA_COMP_CRA_XLAT, op->desc->completion_addr);
	engine_finish_op(engine, &from, op, comp);
}

/* Some more members. Returns whether anything was done. */
static bool
run_some(struct siov_engine *engine, struct aside *entry)
{
	struct batch *batch = &entry->batch;
	unsigned int n;

	fetch_members(engine, entry);
	if (engine->members.nb == 0) {
		batch->status = DSA_COMP_BATCH_PAGE_FAULT;
		batch->fault_addr = batch->list;
		return true;
	}
	n = engine_run_members(engine, &entry->from, batch);
	batch->list += (uint64_t)n * SIOV_DESC_SIZE;
	batch->left -= n;
	return n != 0;
}

/* ---- the end ---- */

static bool
is_over(const struct batch *batch)
{
	return !batch->has_member && batch->nb_parked == 0 &&
	       (batch->left == 0 || batch->status != OP_MORE);
}

static void
finish_batch(struct siov_engine *engine, struct aside *entry)
{
	const struct batch *batch = &entry->batch;
	struct op op = aside_end_op(entry, DSA_COMP_SUCCESS, batch->fault_addr);
	uint8_t *comp;

	if (batch->status != OP_MORE)
		op.status = batch->status;
	else if (batch->has_failed)
		op.status = DSA_COMP_BATCH_FAIL;
	op.done = batch->done;
	op.fault_reason = batch->fault_reason;
	op.fault_perm = (uint8_t)(SIOV_PERM_R << op.perm_shift);
	if (engine_find_comp(engine, entry->from.ewq, &entry->desc, &comp) != 0)
		op_refuse(&op, DSA_COMP_CRA_XLAT, entry->desc.completion_addr);
	engine_finish_op(engine, &entry->from, &op, comp);
}

/* As a gate says that shut while members were under way, or as the members ended. */
static enum aside_turn
end_batch(struct siov_engine *engine, struct aside *entry, uint32_t gate)
{
	if (likely(gate == ENGINE_GATE_OPEN))
		finish_batch(engine, entry);
	else
		aside_discard(engine, entry, gate);
	return ASIDE_ENDED;
}

enum aside_turn
batch_turn(struct siov_engine *engine, struct aside *entry)
{
	uint32_t gate = engine_gate_of(entry->from.ewq, entry->from.rec);
	struct batch *batch = &entry->batch;
	bool has_worked = true;

	/* Members that wait for pages point here; they are about to end. */
	if (unlikely(gate != ENGINE_GATE_OPEN && batch->nb_parked != 0))
		return ASIDE_WAITS;
	if (unlikely(gate != ENGINE_GATE_OPEN))
		return end_batch(engine, entry, gate);
	if (batch->has_member)
		run_member(engine, entry);
	else if (batch->left != 0 && batch->status == OP_MORE)
		has_worked = run_some(engine, entry);
	else
		has_worked = false;
	if (is_over(batch))
		return end_batch(engine, entry, engine_gate_of(entry->from.ewq, entry->from.rec));
	return has_worked ? ASIDE_WORKED : ASIDE_WAITS;
}

void
batch_begin(struct siov_engine *engine, const struct origin *from, struct siov_lane *lane,
	    struct op *op, uint8_t *comp)
{
	const struct dsa_hw_desc *desc = op->desc;
	struct aside *entry;

	if (desc->desc_list_addr % LIST_ALIGN != 0)
		op_refuse(op, DSA_COMP_DESCLIST_ALIGN, 0);
	else if (desc->desc_count < COUNT_MIN || desc->desc_count > from->ewq->batch_max)
		op_refuse(op, DSA_COMP_DESC_CNT_ERANGE, 0);
	if (op->status != OP_MORE) {
		engine_finish_op(engine, from, op, comp);
		return;
	}
	entry = aside_add(from, lane, ASIDE_BATCH, desc);
	entry->batch = (struct batch){
		.list = desc->desc_list_addr,
		.left = desc->desc_count,
	};
	if (batch_turn(engine, entry) == ASIDE_ENDED)
		aside_remove(entry);
}

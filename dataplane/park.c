/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include "batch_priv.h"
#include "park_priv.h"

/* ---- life ---- */

int
park_create(struct siov_engine *engine)
{
	struct park *park;
	uint32_t i;

	if (engine->park != NULL)
		return 0;
	park = siov_mem_alloc(engine->mem, "siov_engine_park", sizeof(*park), RTE_CACHE_LINE_SIZE,
			      engine->socket_id);
	if (park == NULL)
		return -ENOMEM;
	park->timeout_cycles = engine->page_timeout_cycles;
	for (i = 0; i < PARK_ENTRIES; i++)
		park->live[i] = i;
	engine->park = park;
	return 0;
}

void
park_free(struct siov_engine *engine)
{
	struct siov_page_reply replies[PARK_BURST];
	struct park *park = engine->park;
	uint32_t i;

	if (park == NULL)
		return;
	for (i = 0; i < park->nb_live; i++) {
		struct parked *entry = &park->entries[park->live[i]];

		if (entry->ticket.slot != NULL)
			siov_prq_abandon(&entry->ticket);
	}
	/* Indexes that are answered already are given back. */
	while (siov_prq_take_replies(engine->atc, replies, PARK_BURST) != 0)
		continue;
	siov_mem_free(engine->mem, park);
	engine->park = NULL;
}

/* ---- entries ---- */

static uint32_t
idx_of(const struct park *park, const struct parked *entry)
{
	return (uint32_t)(entry - park->entries);
}

static struct parked *
add_entry(struct park *park, const struct origin *from)
{
	struct parked *entry = &park->entries[park->live[park->nb_live]];

	entry->pos = park->nb_live++;
	from->rec->nb_parked++;
	record_aside_begin(from->rec, false);
	RECORD_ADD(&from->ewq->nb_parked, 1);
	if (from->batch != NULL)
		from->batch->nb_parked++;
	return entry;
}

/* The last one in use takes the place. */
static void
remove_entry(struct park *park, struct parked *entry)
{
	const struct origin *from = &entry->from;
	uint32_t last = --park->nb_live;
	uint32_t pos = entry->pos;

	park->live[pos] = park->live[last];
	park->entries[park->live[pos]].pos = pos;
	park->live[last] = idx_of(park, entry);
	entry->state = PARK_FREE;
	if (from->batch != NULL)
		from->batch->nb_parked--;
	from->rec->nb_parked--;
	record_aside_end(from->rec, false);
	siov_atomic_store(&from->ewq->nb_parked,
			  siov_atomic_load(&from->ewq->nb_parked, relaxed) - 1, release);
}

static void
make_runnable(struct park *park, struct parked *entry)
{
	entry->state = PARK_RUNNABLE;
	park->run[park->run_tail++ % PARK_ENTRIES] = idx_of(park, entry);
}

/* ---- the end ---- */

static void
finish_entry(struct siov_engine *engine, struct parked *entry, uint8_t *comp)
{
	engine_finish_op(engine, &entry->from, &entry->op, comp);
	remove_entry(engine->park, entry);
}

/* A gate shuts the operation out. */
static void
discard(struct siov_engine *engine, struct parked *entry, uint32_t gate)
{
	if (entry->ticket.slot != NULL)
		siov_prq_abandon(&entry->ticket);
	entry->op.desc = &entry->desc;
	engine_discard_op(engine, &entry->from, &entry->op, gate);
	remove_entry(engine->park, entry);
}

/* Nobody brings the page: the operation ends with the fault. */
static void
give_up(struct siov_engine *engine, struct parked *entry, uint8_t code)
{
	struct op *op = &entry->op;
	uint8_t *comp = NULL;

	op->desc = &entry->desc;
	if (entry->ticket.slot != NULL)
		siov_prq_abandon(&entry->ticket);
	op->status = (op->status & DSA_COMP_STATUS_WRITE) | code;
	if (entry->fault.is_comp ||
	    engine_find_comp(engine, entry->from.ewq, &entry->desc, &comp) != 0) {
		op_refuse(op, DSA_COMP_CRA_XLAT, entry->desc.completion_addr);
		comp = NULL;
	}
	finish_entry(engine, entry, comp);
}

/* ---- asking ---- */

/* False: there is nobody to ask. */
static bool
ask(struct siov_engine *engine, struct parked *entry, uint64_t now_cycles)
{
	const struct siov_page_ask page = {
		.iova = entry->fault.iova,
		.pasid = entry->fault.pasid,
		.cookie = idx_of(engine->park, entry),
		.perm = entry->fault.perm,
	};
	struct siov_prq *prq = siov_atc_prq(engine->atc, entry->fault.pasid);

	if (prq == NULL)
		return false;
	if (siov_prq_ask(prq, engine->atc, &page, &entry->ticket) != 0) {
		RECORD_ADD(&engine->park->nb.prq_full, 1);
		entry->state = PARK_ASKING;
		entry->ask_cycles = now_cycles + PARK_AGAIN_CYCLES;
		return true;
	}
	RECORD_ADD(&engine->park->nb.requests, 1);
	entry->state = PARK_WAITING;
	entry->asked_cycles = rte_rdtsc(); /* the poll may be long under way */
	return true;
}

/* How long to wait before asking once more for what an answer did not bring. */
static uint64_t
futile_wait(uint32_t nb_futile)
{
	return RTE_MIN(UINT64_C(1) << (PARK_FUTILE_LOG2 + RTE_MIN(nb_futile, 8u)),
		       PARK_AGAIN_CYCLES);
}

/* The entry waits for the page of its fault. False: nobody can bring it. */
static bool
block(struct siov_engine *engine, struct parked *entry, uint64_t now_cycles)
{
	if (!siov_page_is_curable(entry->fault.reason))
		return false;
	entry->inval_seen = engine->atc->done;
	if (entry->op.done != entry->done_seen) {
		entry->done_seen = entry->op.done;
		entry->end_cycles = now_cycles + engine->park->timeout_cycles;
		entry->nb_futile = 0;
	}
	if (entry->nb_futile < op_nb_pages(&entry->op))
		return ask(engine, entry, now_cycles);
	entry->state = PARK_ASKING;
	entry->ask_cycles = now_cycles + futile_wait(entry->nb_futile);
	return true;
}

/* ---- going on ---- */

/* What op_run() met. */
static struct park_fault
fault_of(const struct op *op)
{
	return (struct park_fault){
		.iova = op->fault_addr,
		.pasid = op->desc->pasid,
		.perm = op->fault_perm,
		.reason = op->fault_reason,
	};
}

/* Work on an operation whose record has a place. */
static void
run_entry(struct siov_engine *engine, struct parked *entry, uint8_t *comp, uint64_t now_cycles)
{
	struct op *op = &entry->op;

	op->status = OP_MORE;
	op->fault_addr = 0;
	op->fault_reason = 0;
	op_run(op, engine->atc, ENGINE_SLICE_BYTES);
	if (op->desc->xfer_size > ENGINE_SLICE_BYTES)
		RECORD_ADD(&engine->nb.slices, 1);
	if (op->status == OP_MORE) {
		make_runnable(engine->park, entry);
		return;
	}
	if (op_is_page_fault(op)) {
		entry->fault = fault_of(op);
		if (block(engine, entry, now_cycles))
			return;
	}
	finish_entry(engine, entry, comp);
}

/* Try again. Returns bytes done. */
static uint32_t
attempt(struct siov_engine *engine, struct parked *entry, uint64_t now_cycles)
{
	uint32_t gate = engine_gate_of(entry->from.ewq, entry->from.rec);
	uint32_t before = entry->op.done;
	uint8_t *comp;
	int reason;

	entry->op.desc = &entry->desc;
	if (unlikely(gate != ENGINE_GATE_OPEN)) {
		discard(engine, entry, gate);
		return 0;
	}
	reason = engine_find_comp(engine, entry->from.ewq, &entry->desc, &comp);
	if (reason == 0) {
		run_entry(engine, entry, comp, now_cycles);
		return entry->op.done - before;
	}
	entry->fault = (struct park_fault){
		.iova = entry->desc.completion_addr,
		.pasid = engine_comp_pasid(entry->from.ewq, &entry->desc),
		.perm = SIOV_PERM_W,
		.reason = reason,
		.is_comp = true,
	};
	if (!block(engine, entry, now_cycles))
		give_up(engine, entry, DSA_COMP_CRA_XLAT);
	return 0;
}

/* An operation that has just met a fault. False: it has to end with it. */
static bool
park(struct siov_engine *engine, const struct origin *from, const struct op *op,
     const struct park_fault *fault)
{
	struct park *park = engine->park;
	struct parked *entry;

	if (!siov_page_is_curable(fault->reason) || siov_atc_prq(engine->atc, fault->pasid) == NULL)
		return false;
	if (park->nb_live == PARK_ENTRIES || from->rec->nb_parked >= PARK_PER_PASID) {
		RECORD_ADD(&park->nb.refused, 1);
		return false;
	}
	entry = add_entry(park, from);
	*entry = (struct parked){
		.op = *op,
		.desc = *op->desc,
		.from = *from,
		.fault = *fault,
		.end_cycles = engine->now_cycles + park->timeout_cycles,
		.done_seen = op->done,
		.pos = entry->pos,
	};
	entry->op.src = NULL; /* translated ahead for this poll only */
	entry->op.dst = NULL;
	RECORD_ADD(&park->nb.parked, 1);
	if (block(engine, entry, engine->now_cycles))
		return true;
	remove_entry(park, entry);
	return false;
}

bool
park_op(struct siov_engine *engine, const struct origin *from, const struct op *op)
{
	const struct park_fault fault = fault_of(op);

	return park(engine, from, op, &fault);
}

bool
park_comp(struct siov_engine *engine, const struct origin *from, const struct op *op)
{
	struct park_fault fault = {
		.iova = op->desc->completion_addr,
		.pasid = engine_comp_pasid(from->ewq, op->desc),
		.perm = SIOV_PERM_W,
		.is_comp = true,
	};
	uint8_t *comp;

	fault.reason = engine_find_comp(engine, from->ewq, op->desc, &comp);
	return park(engine, from, op, &fault);
}

/* ---- the poll ---- */

static void
take_reply(struct siov_engine *engine, const struct siov_page_reply *reply)
{
	struct park *park = engine->park;
	struct parked *entry = &park->entries[reply->cookie % PARK_ENTRIES];

	if (entry->state != PARK_WAITING || !siov_page_ticket_is(&entry->ticket, &reply->ticket))
		return;
	entry->ticket.slot = NULL;
	RECORD_ADD(&park->nb.answers, 1);
	siov_hist_record(&park->latency, rte_rdtsc() - entry->asked_cycles);
	if (reply->code == SIOV_PAGE_SUCCESS) {
		entry->nb_futile++;
		make_runnable(park, entry);
	} else {
		give_up(engine, entry,
			reply->code == SIOV_PAGE_INVALID ? DSA_COMP_PAGE_FAULT_IR :
							   DSA_COMP_PAGE_FAULT_NOBOF);
	}
}

/* Something was invalidated: the PASID may be unbound, or its page may have come. */
static void
look_again(struct siov_engine *engine, struct parked *entry)
{
	struct siov_xlate x;
	int reason = siov_atc_translate(engine->atc, entry->fault.pasid, entry->fault.iova,
					entry->fault.perm, &x);

	entry->inval_seen = engine->atc->done;
	if (reason == 0) {
		if (entry->ticket.slot != NULL)
			siov_prq_abandon(&entry->ticket);
		entry->ticket.slot = NULL;
		make_runnable(engine->park, entry);
	} else if (!siov_page_is_curable(reason) ||
		   siov_atc_prq(engine->atc, entry->fault.pasid) == NULL) {
		give_up(engine, entry, DSA_COMP_PAGE_FAULT_NOBOF);
	}
}

static void
sweep_entry(struct siov_engine *engine, struct parked *entry, uint64_t now_cycles)
{
	if (entry->state == PARK_RUNNABLE)
		return;
	if (entry->inval_seen != engine->atc->done) {
		look_again(engine, entry);
	} else if ((int64_t)(now_cycles - entry->end_cycles) >= 0) {
		RECORD_ADD(&engine->park->nb.timeouts, 1);
		give_up(engine, entry, DSA_COMP_PAGE_FAULT_NOBOF);
	} else if (entry->state == PARK_ASKING && (int64_t)(now_cycles - entry->ask_cycles) >= 0 &&
		   !ask(engine, entry, now_cycles)) {
		give_up(engine, entry, DSA_COMP_PAGE_FAULT_NOBOF);
	}
}

/* Look at a few entries, in turn. True: an invalidation concerns others yet. */
static bool
sweep(struct siov_engine *engine, uint64_t now_cycles)
{
	struct park *park = engine->park;
	uint32_t i;

	if (park->inval_seen != engine->atc->done) {
		park->inval_seen = engine->atc->done;
		park->sweep_left = park->nb_live;
	}
	for (i = 0; i < PARK_SWEEP && i < park->nb_live; i++) {
		uint32_t nb = park->nb_live;

		if (park->cursor >= nb)
			park->cursor = 0;
		sweep_entry(engine, &park->entries[park->live[park->cursor]], now_cycles);
		/* Where one went, another came. */
		if (park->nb_live == nb)
			park->cursor++;
		if (park->sweep_left != 0)
			park->sweep_left--;
	}
	return park->sweep_left != 0;
}

/* At most a slice. Returns operations that were tried. */
static unsigned int
run_some(struct siov_engine *engine, uint64_t now_cycles)
{
	struct park *park = engine->park;
	uint32_t bytes = 0;
	unsigned int n;

	for (n = 0; n < PARK_BURST && park->run_head != park->run_tail; n++) {
		if (bytes >= ENGINE_SLICE_BYTES)
			break;
		bytes += attempt(engine, &park->entries[park->run[park->run_head++ % PARK_ENTRIES]],
				 now_cycles);
	}
	return n;
}

unsigned int
park_poll_some(struct siov_engine *engine, uint64_t now_cycles)
{
	struct siov_page_reply replies[PARK_BURST];
	unsigned int i, n;

	engine_begin_pass(engine);
	n = siov_prq_take_replies(engine->atc, replies, PARK_BURST);
	for (i = 0; i < n; i++)
		take_reply(engine, &replies[i]);
	n += sweep(engine, now_cycles);
	return n + run_some(engine, now_cycles);
}

void
park_sweep(struct siov_engine *engine)
{
	struct park *park = engine->park;
	uint32_t i = park != NULL ? park->nb_live : 0;

	/* From the end, so that what takes a free place was looked at. */
	while (i-- > 0) {
		struct parked *entry = &park->entries[park->live[i]];
		uint32_t gate = engine_gate_of(entry->from.ewq, entry->from.rec);

		/* What is in the run queue is ended there. */
		if (entry->state != PARK_RUNNABLE && gate != ENGINE_GATE_OPEN)
			discard(engine, entry, gate);
	}
}

/* ---- counters ---- */

uint32_t
engine_nb_parked(const struct siov_engine *engine, uint32_t wq_id)
{
	const struct engine_wq *ewq = engine_find_wq(engine, wq_id);

	return ewq != NULL ? siov_atomic_load(&ewq->nb_parked, acquire) : 0;
}

void
siov_engine_page_latency(const struct siov_engine *engine, struct siov_hist_sum *sum)
{
	if (engine->park != NULL)
		siov_hist_add(sum, &engine->park->latency);
}

void
park_add_stats(const struct siov_engine *engine, struct siov_engine_stats *stats)
{
	const struct park_counters *nb;

	if (engine->park == NULL)
		return;
	nb = &engine->park->nb;
	stats->parked = siov_atomic_load(&nb->parked, relaxed);
	stats->park_refused = siov_atomic_load(&nb->refused, relaxed);
	stats->page_requests = siov_atomic_load(&nb->requests, relaxed);
	stats->page_answers = siov_atomic_load(&nb->answers, relaxed);
	stats->prq_full = siov_atomic_load(&nb->prq_full, relaxed);
	stats->park_timeouts = siov_atomic_load(&nb->timeouts, relaxed);
}

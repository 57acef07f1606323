/* SPDX-License-Identifier: BSD-3-Clause */
/* Transfers of more than a slice: set aside, then one slice of one of them each poll. */
#include "engine_priv.h"

void
long_add(struct engine_wq *ewq, struct siov_lane *lane, const struct op *op, struct record *rec,
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

/* The last one takes the place. */
static void
remove_long(struct engine_wq *ewq, uint32_t idx)
{
	uint32_t last = siov_atomic_load(&ewq->nb_long, relaxed) - 1;

	ewq->long_ops[idx].lane->nb_long--;
	ewq->long_ops[idx] = ewq->long_ops[last];
	siov_atomic_store(&ewq->nb_long, last, release);
}

/* Finish a long transfer: its completion address is translated anew, the old one may be gone. */
static void
finish_long(struct siov_engine *engine, struct engine_wq *ewq, struct long_op *entry)
{
	uint8_t *comp;

	if (engine_find_comp(engine, ewq, &entry->desc, &comp) != 0)
		op_refuse(&entry->op, DSA_COMP_CRA_XLAT, entry->desc.completion_addr);
	engine_finish_op(engine, ewq, entry->rec, &entry->op, comp, entry->stamp);
}

static void
run_long(struct siov_engine *engine, struct engine_wq *ewq, uint32_t idx)
{
	struct long_op *entry = &ewq->long_ops[idx];

	entry->op.desc = &entry->desc;
	op_run(&entry->op, engine->atc, ENGINE_SLICE_BYTES);
	RECORD_ADD(&engine->nb.slices, 1);
	if (entry->op.status == OP_MORE)
		return;
	/* Parked, it goes on from there, and makes room in its lane. */
	if (!op_is_page_fault(&entry->op) || !op_can_block(&entry->op) ||
	    !park_op(engine, ewq, entry->rec, &entry->op, entry->stamp))
		finish_long(engine, ewq, entry);
	remove_long(ewq, idx);
}

unsigned int
long_run_slice(struct siov_engine *engine)
{
	uint32_t i;

	for (i = 0; i < engine->nb_wqs; i++) {
		struct engine_wq *ewq = &engine->wqs[engine->next_long_wq];
		uint32_t nb_long = siov_atomic_load(&ewq->nb_long, relaxed);
		uint32_t idx;

		if (++engine->next_long_wq == engine->nb_wqs)
			engine->next_long_wq = 0;
		if (nb_long == 0)
			continue;
		idx = ewq->next_long < nb_long ? ewq->next_long : 0;
		ewq->next_long = idx + 1;
		run_long(engine, ewq, idx);
		return 1;
	}
	return 0;
}

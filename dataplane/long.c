/* SPDX-License-Identifier: BSD-3-Clause */
/* Transfers of more than a slice: set aside, then a slice in each of their turns. */
#include "aside_priv.h"

void
long_add(const struct origin *from, struct siov_lane *lane, const struct op *op)
{
	aside_add(from, lane, ASIDE_LONG, op->desc)->op = *op;
}

/* Its completion address is translated anew, the old one may be gone. */
static void
finish_long(struct siov_engine *engine, struct aside *entry)
{
	uint8_t *comp;

	if (engine_find_comp(engine, entry->from.ewq, &entry->desc, &comp) != 0)
		op_refuse(&entry->op, DSA_COMP_CRA_XLAT, entry->desc.completion_addr);
	engine_finish_op(engine, &entry->from, &entry->op, comp);
}

enum aside_turn
long_turn(struct siov_engine *engine, struct aside *entry)
{
	entry->op.desc = &entry->desc;
	op_run(&entry->op, engine->atc, ENGINE_SLICE_BYTES);
	RECORD_ADD(&engine->nb.slices, 1);
	if (entry->op.status == OP_MORE)
		return ASIDE_WORKED;
	/* Parked, it goes on from there, and makes room in its lane. */
	if (!op_is_page_fault(&entry->op) || !op_can_block(&entry->op) ||
	    !park_op(engine, &entry->from, &entry->op))
		finish_long(engine, entry);
	return ASIDE_ENDED;
}

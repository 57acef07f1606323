/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include "aside_priv.h"

#define TURNS 8u /* entries of a queue looked at in a poll */

int
aside_create(struct siov_engine *engine, struct engine_wq *ewq, uint32_t lanes_max)
{
	uint32_t nb = lanes_max * LONG_PER_LANE;
	uint32_t i;

	ewq->asides = siov_mem_alloc(engine->mem, "siov_engine_aside", nb * sizeof(ewq->asides[0]),
				     RTE_CACHE_LINE_SIZE, engine->socket_id);
	ewq->aside_live =
		siov_mem_alloc(engine->mem, "siov_engine_live", nb * sizeof(ewq->aside_live[0]),
			       RTE_CACHE_LINE_SIZE, engine->socket_id);
	if (ewq->asides == NULL || ewq->aside_live == NULL)
		return -ENOMEM;
	for (i = 0; i < nb; i++)
		ewq->aside_live[i] = i;
	return 0;
}

void
aside_free(struct siov_engine *engine, struct engine_wq *ewq)
{
	siov_mem_free(engine->mem, ewq->asides);
	siov_mem_free(engine->mem, ewq->aside_live);
}

struct aside *
aside_add(const struct origin *from, struct siov_lane *lane, enum aside_kind kind,
	  const struct dsa_hw_desc *desc)
{
	struct engine_wq *ewq = from->ewq;
	uint32_t n = siov_atomic_load(&ewq->nb_long, relaxed);
	struct aside *entry = &ewq->asides[ewq->aside_live[n]];

	entry->from = *from;
	entry->desc = *desc;
	entry->lane = lane;
	entry->pos = n;
	entry->kind = kind;
	lane->nb_long++;
	if (kind == ASIDE_LONG)
		ewq->slots->nb_used++;
	else if (kind == ASIDE_DRAIN)
		RECORD_ADD(&lane->nb_drains, 1);
	record_aside_begin(from->rec, kind == ASIDE_DRAIN);
	siov_atomic_store(&ewq->nb_long, n + 1, release);
	return entry;
}

/* The last one in use takes the place in the list. */
void
aside_remove(struct aside *entry)
{
	struct engine_wq *ewq = entry->from.ewq;
	uint32_t last = siov_atomic_load(&ewq->nb_long, relaxed) - 1;
	uint32_t idx = ewq->aside_live[entry->pos];

	ewq->aside_live[entry->pos] = ewq->aside_live[last];
	ewq->asides[ewq->aside_live[last]].pos = entry->pos;
	ewq->aside_live[last] = idx;
	entry->lane->nb_long--;
	if (entry->kind == ASIDE_LONG)
		ewq->slots->nb_used--;
	else if (entry->kind == ASIDE_DRAIN)
		RECORD_ADD(&entry->lane->nb_drains, -1);
	record_aside_end(entry->from.rec, entry->kind == ASIDE_DRAIN);
	siov_atomic_store(&ewq->nb_long, last, release);
}

static enum aside_turn
take_turn(struct siov_engine *engine, struct aside *entry)
{
	enum aside_turn turn;

	engine_begin_pass(engine);
	if (entry->kind == ASIDE_LONG)
		turn = long_turn(engine, entry);
	else if (entry->kind == ASIDE_BATCH)
		turn = batch_turn(engine, entry);
	else
		turn = drain_turn(engine, entry);
	if (turn == ASIDE_ENDED)
		aside_remove(entry);
	return turn;
}

/* The next entries of a queue in rotation, until one had something to do. */
static bool
poll_wq(struct siov_engine *engine, struct engine_wq *ewq)
{
	unsigned int i;

	for (i = 0; i < TURNS; i++) {
		uint32_t nb = siov_atomic_load(&ewq->nb_long, relaxed);

		if (i >= nb)
			return false;
		if (ewq->next_aside >= nb)
			ewq->next_aside = 0;
		if (take_turn(engine, &ewq->asides[ewq->aside_live[ewq->next_aside++]]) !=
		    ASIDE_WAITS)
			return true;
	}
	return false;
}

unsigned int
aside_poll(struct siov_engine *engine)
{
	uint32_t nb_wqs = siov_atomic_load(&engine->nb_wqs, acquire);
	uint32_t i;

	for (i = 0; i < nb_wqs; i++) {
		if (engine->next_aside_wq >= nb_wqs)
			engine->next_aside_wq = 0;
		if (poll_wq(engine, &engine->wqs[engine->next_aside_wq++]))
			return 1;
	}
	return 0;
}

void
aside_discard(struct siov_engine *engine, struct aside *entry, uint32_t gate)
{
	struct op end;

	if (entry->kind == ASIDE_LONG) {
		entry->op.desc = &entry->desc;
		engine_discard_op(engine, &entry->from, &entry->op, gate);
		return;
	}
	end = aside_end_op(entry, SIOV_COMP_ABORTED, 0);
	if (entry->kind == ASIDE_BATCH)
		end.done = entry->batch.done;
	engine_discard_op(engine, &entry->from, &end, gate);
}

static void
sweep_wq(struct siov_engine *engine, struct engine_wq *ewq)
{
	uint32_t i = siov_atomic_load(&ewq->nb_long, relaxed);

	/* From the end, so that what takes a free place was looked at. */
	while (i-- > 0) {
		struct aside *entry = &ewq->asides[ewq->aside_live[i]];
		uint32_t gate = engine_gate_of(ewq, entry->from.rec);

		/* Members that wait for pages point at their batch; they end first. */
		if (gate == ENGINE_GATE_OPEN ||
		    (entry->kind == ASIDE_BATCH && entry->batch.nb_parked != 0))
			continue;
		aside_discard(engine, entry, gate);
		aside_remove(entry);
	}
}

void
aside_sweep(struct siov_engine *engine)
{
	uint32_t nb_wqs = siov_atomic_load(&engine->nb_wqs, acquire);
	uint32_t i;

	engine_begin_pass(engine);
	for (i = 0; i < nb_wqs; i++)
		sweep_wq(engine, &engine->wqs[i]);
}

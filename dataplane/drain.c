/* SPDX-License-Identifier: BSD-3-Clause */
#include <rte_rcu_qsbr.h>

#include "aside_priv.h"

#define LANES_PER_TURN 32u

/* Whether a lane can give nothing more before one of its drains ends. */
static bool
is_stuck(struct siov_lane *lane)
{
	return siov_atomic_load(&lane->nb_drains, relaxed) == LONG_PER_LANE;
}

/* Whether a lane's engine has taken out what was published when it was first asked. */
static bool
has_passed(struct drain *drain, struct siov_lane *lane)
{
	if (!drain->has_target) {
		drain->target = siov_lane_published(lane);
		drain->has_target = true;
	}
	if (siov_atomic_load(&lane->head, acquire) < drain->target)
		return false;
	drain->has_target = false;
	return true;
}

/* Lane after lane, but for the drain's own: what is before it there was taken out before it. */
static bool
have_lanes_passed(struct aside *entry)
{
	const struct siov_wq *wq = entry->from.ewq->wq;
	uint32_t nb_lanes = siov_atomic_load(&wq->nb_lanes, acquire);
	struct drain *drain = &entry->drain;
	uint32_t i;

	for (i = 0; i < LANES_PER_TURN && drain->lane < nb_lanes; i++, drain->lane++) {
		struct siov_lane *lane = wq->lanes[drain->lane];

		if (lane == entry->lane || has_passed(drain, lane))
			continue;
		/* Drains must not wait for one another in a circle. */
		if (!is_stuck(lane) || !is_stuck(entry->lane))
			return false;
		drain->has_target = false;
	}
	return drain->lane >= nb_lanes;
}

static bool
has_grace_passed(struct siov_engine *engine, struct drain *drain)
{
	if (!drain->has_token) {
		drain->token = rte_rcu_qsbr_start(engine->atc->qsbr);
		drain->has_token = true;
	}
	return rte_rcu_qsbr_check(engine->atc->qsbr, drain->token, false) == 1;
}

/* Whether nobody has work of the PASID set aside. */
static bool
is_nothing_aside(const struct siov_engine *engine, const struct aside *entry)
{
	const struct engine_wq *ewq = entry->from.ewq;
	uint32_t pasid = entry->desc.pasid;
	uint32_t i;

	if (ewq->nb_peers == 0)
		return engine_nb_work(engine, ewq->wq_id, pasid) == 0;
	for (i = 0; i < ewq->nb_peers; i++) {
		if (engine_nb_work(ewq->peers[i], ewq->wq_id, pasid) != 0)
			return false;
	}
	return true;
}

enum aside_turn
drain_turn(struct siov_engine *engine, struct aside *entry)
{
	uint8_t *comp;
	struct op op;

	if (!have_lanes_passed(entry))
		return ASIDE_WAITS;
	/* The grace period takes this engine's own quiescent state too: it is not idle. */
	if (!has_grace_passed(engine, &entry->drain))
		return ASIDE_WORKED;
	if (!is_nothing_aside(engine, entry))
		return ASIDE_WAITS;
	op = aside_end_op(entry, DSA_COMP_SUCCESS, 0);
	if (engine_find_comp(engine, entry->from.ewq, &entry->desc, &comp) != 0)
		op_refuse(&op, DSA_COMP_CRA_XLAT, entry->desc.completion_addr);
	engine_finish_op(engine, &entry->from, &op, comp);
	return ASIDE_ENDED;
}

void
drain_begin(const struct origin *from, struct siov_lane *lane, const struct dsa_hw_desc *desc)
{
	aside_add(from, lane, ASIDE_DRAIN, desc)->drain = (struct drain){0};
}

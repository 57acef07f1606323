/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "swq_priv.h"

void
siov_wq_conf_init(struct siov_wq_conf *conf)
{
	*conf = (struct siov_wq_conf){
		.mode = SIOV_WQ_SHARED,
		.size = 128,
		.lanes_max = 128,
		.nb_engines = 1,
		.socket_id = -1,
	};
}

int
siov_wq_conf_check(const struct siov_wq_conf *conf, const char **why)
{
	const char *text = NULL;
	int ret = -ERANGE;

	if (conf->mode != SIOV_WQ_SHARED && conf->mode != SIOV_WQ_DEDICATED) {
		text = "mode must be shared or dedicated";
		ret = -EINVAL;
	} else if (conf->flags & ~SIOV_WQ_F_ALL) {
		text = "unknown flag";
		ret = -EINVAL;
	} else if (conf->size < 1 || conf->size > SIOV_WQ_SIZE_MAX) {
		text = "size must be 1 to 65536";
	} else if (conf->threshold > conf->size) {
		text = "threshold must be 1 to the queue's size";
	} else if (conf->lanes_max < 1 || conf->lanes_max > SIOV_WQ_LANES_MAX) {
		text = "submitting threads must be 1 to 1022";
	} else if (conf->nb_engines < 1 || conf->nb_engines > SIOV_WQ_ENGINES_MAX) {
		text = "engines of a queue must be 1 to 64";
	} else if (conf->pasid > SIOV_PASID_MAX) {
		text = "PASID must be 0 to 1048575";
	} else if (conf->priv > 1) {
		text = "priv must be 0 or 1";
	} else {
		ret = 0;
	}
	if (why != NULL)
		*why = text;
	return ret;
}

int
siov_wq_create(const struct siov_wq_conf *conf, struct siov_wq **out)
{
	const struct siov_mem *mem = conf->mem != NULL ? conf->mem : siov_mem_eal();
	uint32_t lanes_max = conf->mode == SIOV_WQ_DEDICATED ? 1 : conf->lanes_max;
	struct siov_wq *wq;
	int ret;

	ret = siov_wq_conf_check(conf, NULL);
	if (ret != 0)
		return ret;
	wq = siov_mem_alloc(mem, "siov_wq", sizeof(*wq) + lanes_max * sizeof(wq->lanes[0]),
			    RTE_CACHE_LINE_SIZE, conf->socket_id);
	if (wq == NULL)
		return -ENOMEM;
	wq->lanes = (struct siov_lane **)(wq + 1);
	wq->size = conf->size;
	wq->mode = conf->mode;
	wq->flags = conf->flags;
	wq->threshold = conf->threshold != 0 ? conf->threshold : conf->size;
	wq->lanes_max = lanes_max;
	wq->nb_engines = conf->nb_engines;
	/* To spare: the slot prefetched for write must not be one that the engine has yet to read. */
	wq->slots_log2 = rte_log2_u32(conf->size + SIOV_LANE_AHEAD);
	wq->socket_id = conf->socket_id;
	wq->dwq_id = conf->pasid | (conf->priv ? SIOV_DESC_PRIV : 0);
	siov_atomic_store(&wq->state, SIOV_WQ_DISABLED, relaxed);
	siov_atomic_store(&wq->pool, credit_pool_init(conf->size), release);
	*out = wq;
	return 0;
}

static void
free_lane(const struct siov_mem *mem, struct siov_lane *lane)
{
	if (lane == NULL)
		return;
	siov_mem_free(mem, lane->slots);
	siov_mem_free(mem, lane->stamps);
	siov_mem_free(mem, lane);
}

void
siov_wq_free(const struct siov_mem *mem, struct siov_wq *wq)
{
	uint32_t i;

	if (wq == NULL)
		return;
	for (i = 0; i < siov_atomic_load(&wq->nb_lanes, relaxed); i++)
		free_lane(mem, wq->lanes[i]);
	qos_free(mem, wq);
	siov_mem_free(mem, wq);
}

static struct siov_lane *
make_lane(const struct siov_mem *mem, struct siov_wq *wq)
{
	size_t nb_slots = (size_t)1 << wq->slots_log2;
	struct siov_lane *lane;

	lane = siov_mem_alloc(mem, "siov_lane", sizeof(*lane), 2 * RTE_CACHE_LINE_SIZE,
			      wq->socket_id);
	if (lane == NULL)
		return NULL;
	lane->slots = siov_mem_alloc(mem, "siov_lane_slots", nb_slots * sizeof(lane->slots[0]),
				     RTE_CACHE_LINE_SIZE, wq->socket_id);
	if (wq->flags & SIOV_WQ_F_STAMPS)
		lane->stamps =
			siov_mem_alloc(mem, "siov_lane_stamps", nb_slots * sizeof(lane->stamps[0]),
				       RTE_CACHE_LINE_SIZE, wq->socket_id);
	if (lane->slots == NULL || (lane->stamps == NULL && wq->flags & SIOV_WQ_F_STAMPS)) {
		free_lane(mem, lane);
		return NULL;
	}
	lane->wq = wq;
	lane->mask = nb_slots - 1;
	lane->lap_shift = wq->slots_log2;
	lane->ahead = RTE_MIN(SIOV_LANE_AHEAD, (uint32_t)nb_slots / 4);
	lane->engine_slots = lane->slots;
	lane->engine_stamps = lane->stamps;
	lane->engine_mask = lane->mask;
	lane->engine_lap_shift = lane->lap_shift;
	siov_atomic_store(&lane->account, credit_account_init(), relaxed);
	return lane;
}

/* A lane that nobody has: one that was detached, or a new one at the end of the table. */
static struct siov_lane *
find_lane(const struct siov_mem *mem, struct siov_wq *wq)
{
	uint32_t nb_lanes = siov_atomic_load(&wq->nb_lanes, relaxed);
	struct siov_lane *lane;
	uint32_t i;

	for (i = 0; i < nb_lanes; i++) {
		if (!siov_atomic_load(&wq->lanes[i]->attached, relaxed))
			return wq->lanes[i];
	}
	lane = make_lane(mem, wq);
	if (lane == NULL)
		return NULL;
	lane->id = nb_lanes;
	wq->lanes[nb_lanes] = lane;
	/* W1: pairs with the acquire of nb_lanes in engines: the lane is whole. */
	siov_atomic_store(&wq->nb_lanes, nb_lanes + 1, release);
	return lane;
}

/* The engine with the fewest lanes serves the next one. */
static uint32_t
pick_engine(const struct siov_wq *wq)
{
	uint32_t best = 0, best_load = UINT32_MAX, engine, i;

	for (engine = 0; engine < wq->nb_engines; engine++) {
		uint32_t load = 0;

		for (i = 0; i < siov_atomic_load(&wq->nb_lanes, relaxed); i++) {
			const struct siov_lane *lane = wq->lanes[i];

			load += siov_atomic_load(&lane->attached, relaxed) &&
				siov_atomic_load(&lane->engine_id, relaxed) == engine;
		}
		if (load < best_load) {
			best = engine;
			best_load = load;
		}
	}
	return best;
}

/* The number of attached lanes has changed: leases get smaller or larger, engines look again. */
static void
count_attached(struct siov_wq *wq, int delta)
{
	wq->nb_attached += delta;
	siov_atomic_store(&wq->lease_max, credit_lease_max(wq, wq->nb_attached), relaxed);
	/* W2: pairs with the acquire of lane_gen in engines. */
	siov_atomic_fetch_add(&wq->lane_gen, 1u, release);
}

int
siov_wq_attach(const struct siov_mem *mem, struct siov_wq *wq, uint32_t flags,
	       struct siov_lane **out)
{
	struct siov_lane *lane;

	if (flags & ~SIOV_LANE_F_ALL)
		return -EINVAL;
	if (wq->nb_attached == wq->lanes_max)
		return -ENOSPC;
	lane = find_lane(mem, wq);
	if (lane == NULL)
		return -ENOMEM;
	lane->flags = flags;
	lane->floor = flags & SIOV_LANE_F_LIMITED ? wq->size - wq->threshold : 0;
	lane->tail = siov_atomic_load(&lane->head, acquire);
	lane->credits = 0;
	siov_atomic_store(&lane->engine_id, pick_engine(wq), relaxed);
	siov_atomic_store(&lane->attached, 1, release);
	count_attached(wq, 1);
	*out = lane;
	return 0;
}

bool
siov_lane_is_empty(struct siov_lane *lane)
{
	/* The head moves past published slots only: an unpublished one at the head is the end. */
	uint64_t head = siov_atomic_load(&lane->head, acquire);
	struct siov_desc_words *slot = &lane->slots[head & lane->mask];
	uint64_t word0 = siov_atomic_load(&slot->word0, acquire);

	return (word0 & SIOV_DESC_RSVD_MASK) != siov_lane_tag(head, lane->lap_shift);
}

/* Whether index idx was published, be it overwritten by now: its slot has that lap, or a later one. */
static bool
was_published(const struct siov_lane *lane, uint64_t idx)
{
	const struct siov_desc_words *slot = &lane->engine_slots[idx & lane->engine_mask];
	uint64_t have = siov_atomic_load(&slot->word0, acquire) & SIOV_DESC_RSVD_MASK;
	uint64_t laps = (have - siov_lane_tag(idx, lane->engine_lap_shift)) & SIOV_DESC_RSVD_MASK;

	return laps < (SIOV_DESC_RSVD_MASK + 1) / 2;
}

/* Published slots follow one another: the first that is not is found by halving. */
uint64_t
siov_lane_published(const struct siov_lane *lane)
{
	uint64_t first = siov_atomic_load(&lane->head, acquire);
	uint64_t end = first + lane->engine_mask + 1;

	while (first < end) {
		uint64_t middle = first + (end - first) / 2;

		if (was_published(lane, middle))
			first = middle + 1;
		else
			end = middle;
	}
	return first;
}

int
siov_wq_detach(struct siov_lane *lane)
{
	if (!siov_atomic_load(&lane->attached, relaxed))
		return -EINVAL;
	if (!siov_lane_is_empty(lane))
		return -EBUSY;
	credit_reclaim(lane->wq, lane);
	siov_atomic_store(&lane->attached, 0, release);
	count_attached(lane->wq, -1);
	return 0;
}

int
siov_wq_set_pasid(struct siov_wq *wq, uint32_t pasid, uint32_t priv)
{
	if (wq->mode != SIOV_WQ_DEDICATED)
		return -EINVAL;
	if (pasid > SIOV_PASID_MAX || priv > 1)
		return -ERANGE;
	if (siov_atomic_load(&wq->state, relaxed) != SIOV_WQ_DISABLED || wq->nb_attached != 0)
		return -EBUSY;
	wq->dwq_id = pasid | (priv != 0 ? SIOV_DESC_PRIV : 0);
	return 0;
}

int
siov_wq_set_state(struct siov_wq *wq, enum siov_wq_state state)
{
	static const uint32_t next_mask[] = {
		[SIOV_WQ_DISABLED] = 1u << SIOV_WQ_ENABLED,
		[SIOV_WQ_ENABLED] = 1u << SIOV_WQ_DRAINING,
		[SIOV_WQ_DRAINING] = 1u << SIOV_WQ_ENABLED | 1u << SIOV_WQ_DISABLED,
	};
	uint32_t now = siov_atomic_load(&wq->state, relaxed);

	if ((unsigned int)state > SIOV_WQ_DRAINING)
		return -EINVAL;
	if (now == state)
		return 0;
	if (!(next_mask[now] & 1u << state))
		return -EBUSY;
	siov_atomic_store(&wq->state, state, release);
	return 0;
}

static const char *
state_name(uint32_t state)
{
	static const char *const names[] = {"disabled", "enabled", "draining"};

	return state < RTE_DIM(names) ? names[state] : "unknown";
}

void
siov_wq_dump(FILE *f, const struct siov_wq *wq)
{
	uint32_t nb_lanes = siov_atomic_load(&wq->nb_lanes, acquire);
	uint32_t i;

	fprintf(f, "wq %p: %s, %s, size %u, threshold %u, free credits %u, lease up to %u\n",
		(const void *)wq, wq->mode == SIOV_WQ_SHARED ? "shared" : "dedicated",
		state_name(siov_atomic_load(&wq->state, relaxed)), wq->size, wq->threshold,
		siov_wq_free_credits(wq), siov_atomic_load(&wq->lease_max, relaxed));
	for (i = 0; i < nb_lanes; i++) {
		const struct siov_lane *lane = wq->lanes[i];

		fprintf(f,
			"  lane %u: %s, engine %u, tail %" PRIu64 ", head %" PRIu64
			", credits %u%s\n",
			lane->id,
			siov_atomic_load(&lane->attached, relaxed) ? "attached" : "detached",
			siov_atomic_load(&lane->engine_id, relaxed), lane->tail,
			siov_atomic_load(&lane->head, relaxed), lane->credits,
			siov_atomic_load(&lane->hungry, relaxed) ? ", hungry" : "");
	}
}

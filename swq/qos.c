/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>

#include "siov_qos.h"
#include "swq_priv.h"

#define BLOCK_LOG2 6u /* PASIDs that share a page of the directory */
#define BLOCK (1u << BLOCK_LOG2)
#define DIR (1u << (SIOV_PASID_BITS - BLOCK_LOG2))
#define FREELY (1u << 30) /* submissions until a portal without block asks again */
#define LEASE_MAX 32u /* granted at a time */
#define CONTROL UINT32_MAX /* owner */
#define PERIOD_MIN 1000u /* cycles of a token bucket's step: what its rounding is small against */
#define BURST_OPS_MIN 32u
#define BURST_BYTES_MIN 65536u

/* A token bucket; rate 0: none. */
struct bucket {
	struct rte_meter_srtcm meter;
	struct rte_meter_srtcm_profile profile;
	uint64_t rate;
	uint64_t debt; /* tokens that are owed */
};

struct siov_qos {
	/* shared: atomic */
	SIOV_ATOMIC(uint32_t) owner; /* 0: nobody; a lane's id + 1; CONTROL */
	SIOV_ATOMIC(uint32_t) state; /* enum siov_wq_state */
	SIOV_ATOMIC(uint64_t) granted; /* ever, without what was given back */
	SIOV_ATOMIC(uint64_t) charged; /* bytes that batches have moved, to be paid */
	/* const after create */
	const struct siov_qos_ended *ended[SIOV_QOS_ENGINES_MAX];
	uint32_t nb_ended;
	/* the owner's */
	uint32_t round[SIOV_QOS_ENGINES_MAX]; /* of lanes by the engine that serves them */
	uint32_t left[SIOV_QOS_ENGINES_MAX]; /* of this round's share */
	struct siov_qos_conf conf;
	struct bucket ops;
	struct bucket bytes;
} __attribute__((aligned(64)));

/* 64 blocks' pointers. */
struct siov_qos_page {
	SIOV_ATOMIC(struct siov_qos *) qos[BLOCK];
};

struct siov_qos_dir {
	SIOV_ATOMIC(struct siov_qos_page *) pages[DIR];
};

/* ---- finding ---- */

struct siov_qos *
siov_qos_find(const struct siov_wq *wq, uint32_t pasid)
{
	/* Q1: pair with Q2. */
	struct siov_qos_dir *dir = siov_atomic_load(&wq->qos, acquire);
	struct siov_qos_page *page;

	if (dir == NULL)
		return NULL;
	page = siov_atomic_load(&dir->pages[pasid >> BLOCK_LOG2], acquire);
	return page != NULL ? siov_atomic_load(&page->qos[pasid & (BLOCK - 1)], acquire) : NULL;
}

/* ---- making ---- */

/* The queue's directory, with the rounds beside it. */
static struct siov_qos_dir *
take_dir(const struct siov_mem *mem, struct siov_wq *wq)
{
	struct siov_qos_dir *dir = siov_atomic_load(&wq->qos, relaxed);

	if (dir != NULL)
		return dir;
	if (wq->rounds == NULL)
		wq->rounds = siov_mem_alloc(mem, "siov_wq_rounds",
					    wq->nb_engines * sizeof(wq->rounds[0]),
					    RTE_CACHE_LINE_SIZE, wq->socket_id);
	if (wq->rounds == NULL)
		return NULL;
	dir = siov_mem_alloc(mem, "siov_qos_dir", sizeof(*dir), RTE_CACHE_LINE_SIZE, wq->socket_id);
	/* Q2: pairs with Q1. */
	if (dir != NULL)
		siov_atomic_store(&wq->qos, dir, release);
	return dir;
}

static struct siov_qos_page *
take_page(const struct siov_mem *mem, struct siov_wq *wq, uint32_t pasid)
{
	struct siov_qos_dir *dir = take_dir(mem, wq);
	SIOV_ATOMIC(struct siov_qos_page *) *slot;
	struct siov_qos_page *page;

	if (dir == NULL)
		return NULL;
	slot = &dir->pages[pasid >> BLOCK_LOG2];
	page = siov_atomic_load(slot, relaxed);
	if (page != NULL)
		return page;
	page = siov_mem_alloc(mem, "siov_qos_page", sizeof(*page), RTE_CACHE_LINE_SIZE,
			      wq->socket_id);
	if (page != NULL)
		siov_atomic_store(slot, page, release);
	return page;
}

int
siov_qos_create(const struct siov_mem *mem, struct siov_wq *wq, uint32_t pasid,
		const struct siov_qos_ended *const *ended, unsigned int nb)
{
	struct siov_qos_page *page;
	struct siov_qos *qos;

	if (wq->mode != SIOV_WQ_SHARED || nb > SIOV_QOS_ENGINES_MAX || pasid > SIOV_PASID_MAX)
		return -EINVAL;
	if (siov_qos_find(wq, pasid) != NULL)
		return -EEXIST;
	page = take_page(mem, wq, pasid);
	if (page == NULL)
		return -ENOMEM;
	qos = siov_mem_alloc(mem, "siov_qos", sizeof(*qos), RTE_CACHE_LINE_SIZE, wq->socket_id);
	if (qos == NULL)
		return -ENOMEM;
	memcpy(qos->ended, ended, nb * sizeof(ended[0]));
	qos->nb_ended = nb;
	siov_atomic_store(&qos->state, SIOV_WQ_DRAINING, relaxed);
	siov_atomic_store(&page->qos[pasid & (BLOCK - 1)], qos, release);
	return 0;
}

void
siov_qos_add_accepted(struct siov_qos *qos, uint64_t nb)
{
	siov_atomic_fetch_add(&qos->granted, nb, relaxed);
}

void
qos_free(const struct siov_mem *mem, struct siov_wq *wq)
{
	struct siov_qos_dir *dir = siov_atomic_load(&wq->qos, relaxed);
	unsigned int i, k;

	for (i = 0; dir != NULL && i < DIR; i++) {
		struct siov_qos_page *page = siov_atomic_load(&dir->pages[i], relaxed);

		for (k = 0; page != NULL && k < BLOCK; k++)
			siov_mem_free(mem, siov_atomic_load(&page->qos[k], relaxed));
		siov_mem_free(mem, page);
	}
	siov_mem_free(mem, dir);
	siov_mem_free(mem, wq->rounds);
}

/* ---- the owner word ---- */

static bool
take(struct siov_qos *qos, uint32_t owner)
{
	uint32_t nobody = 0;

	/* Q3: pairs with Q4. */
	return siov_atomic_cas(&qos->owner, &nobody, owner, acquire, relaxed);
}

static void
give(struct siov_qos *qos)
{
	/* Q4: pairs with Q3. */
	siov_atomic_store(&qos->owner, 0, release);
}

void
siov_qos_recover(struct siov_qos *qos, uint32_t lane_id)
{
	uint32_t owner = lane_id + 1;

	siov_atomic_cas(&qos->owner, &owner, 0, acq_rel, relaxed);
}

/* ---- configuration ---- */

int
siov_qos_conf_check(const struct siov_qos_conf *conf)
{
	if (conf->weight > SIOV_QOS_WEIGHT_MAX || conf->priority > SIOV_QOS_PRIORITY_MAX ||
	    conf->rate_ops > SIOV_QOS_RATE_MAX || conf->rate_bytes > SIOV_QOS_RATE_MAX ||
	    conf->burst_ops > SIOV_QOS_RATE_MAX || conf->burst_bytes > SIOV_QOS_RATE_MAX)
		return -ERANGE;
	return 0;
}

/* Field by field: padding may be anything. */
bool
siov_qos_conf_has_limits(const struct siov_qos_conf *conf)
{
	return conf->max_outstanding != 0 || conf->weight != 0 || conf->priority != 0 ||
	       conf->rate_ops != 0 || conf->rate_bytes != 0;
}

/* Full at first. Steps are long enough for their rounding not to matter. */
static void
set_bucket(struct bucket *bucket, uint64_t rate, uint64_t burst, uint64_t hz)
{
	uint64_t tokens;

	bucket->rate = rate;
	bucket->debt = 0;
	if (rate == 0)
		return;
	tokens = PERIOD_MIN * rate / hz + 1;
	bucket->profile.cbs = burst;
	bucket->profile.ebs = 0;
	bucket->profile.cir_bytes_per_period = tokens;
	bucket->profile.cir_period = tokens * hz / rate;
	bucket->meter.time = rte_rdtsc();
	bucket->meter.tc = burst;
	bucket->meter.te = 0;
}

/* Submissions of a round. */
static uint32_t
share_of(const struct siov_qos_conf *conf)
{
	return conf->weight * RTE_MAX(conf->priority, 1u) * SIOV_QOS_ROUND;
}

int
siov_qos_set(struct siov_wq *wq, struct siov_qos *qos, const struct siov_qos_conf *conf,
	     uint64_t hz)
{
	uint32_t before;
	unsigned int i;
	uint64_t burst_ops = conf->burst_ops, burst_bytes = conf->burst_bytes;
	int ret;

	ret = siov_qos_conf_check(conf);
	if (ret != 0)
		return ret;
	if (!take(qos, CONTROL))
		return -EAGAIN;
	if (burst_ops == 0)
		burst_ops = RTE_MAX(conf->rate_ops / 1000, BURST_OPS_MIN);
	if (burst_bytes == 0)
		burst_bytes = RTE_MAX(conf->rate_bytes / 100, BURST_BYTES_MIN);
	before = share_of(&qos->conf);
	siov_atomic_fetch_add(&wq->shares, share_of(conf) - before, relaxed);
	qos->conf = *conf;
	set_bucket(&qos->ops, conf->rate_ops, burst_ops, hz);
	set_bucket(&qos->bytes, conf->rate_bytes, burst_bytes, hz);
	for (i = 0; i < SIOV_QOS_ENGINES_MAX; i++)
		qos->left[i] = share_of(conf);
	give(qos);
	return 0;
}

void
siov_qos_get(const struct siov_qos *qos, struct siov_qos_conf *conf)
{
	*conf = qos->conf;
}

void
siov_qos_set_state(struct siov_qos *qos, enum siov_wq_state state)
{
	siov_atomic_store(&qos->state, state, release);
}

/* ---- granting; all by the owner ---- */

/* Submissions that may be outstanding beyond those that are. */
static uint32_t
room(const struct siov_qos *qos)
{
	uint64_t ended = 0;
	int64_t out;
	unsigned int i, k;

	if (qos->conf.max_outstanding == 0)
		return LEASE_MAX;
	for (i = 0; i < qos->nb_ended; i++) {
		for (k = 0; k < RTE_DIM(qos->ended[i]->nb); k++)
			ended += siov_atomic_load(&qos->ended[i]->nb[k], acquire);
	}
	/* Less than none: a portal used what was being reclaimed, and has not asked since. */
	out = RTE_MAX((int64_t)(siov_atomic_load(&qos->granted, relaxed) - ended), INT64_C(0));
	return out < qos->conf.max_outstanding ? qos->conf.max_outstanding - (uint32_t)out : 0;
}

/* What is left of the share among the lanes of one engine; 0: the next round is waited for. */
static uint32_t
share_left(struct siov_qos *qos, struct siov_wq *wq, uint32_t slot)
{
	struct siov_wq_round *round = &wq->rounds[slot];
	uint32_t number;

	if (qos->conf.weight == 0)
		return LEASE_MAX;
	number = siov_atomic_load(&round->number, acquire);
	if (number != qos->round[slot]) {
		qos->round[slot] = number;
		qos->left[slot] = share_of(&qos->conf);
	}
	if (qos->left[slot] == 0 && siov_atomic_load(&round->awaited, relaxed) != number + 1)
		siov_atomic_store(&round->awaited, number + 1, relaxed);
	return qos->left[slot];
}

/* Let tokens come that are due, and pay with them what is owed. False: something still is. */
static bool
settle(struct bucket *bucket, uint64_t now)
{
	uint64_t paid;

	if (bucket->rate == 0)
		return true;
	/* Cores' clocks may differ a little. */
	if ((int64_t)(now - bucket->meter.time) > 0)
		rte_meter_srtcm_color_blind_check(&bucket->meter, &bucket->profile, now, 0);
	paid = RTE_MIN(bucket->debt, bucket->meter.tc);
	bucket->meter.tc -= paid;
	bucket->debt -= paid;
	return bucket->debt == 0;
}

static bool
can_spend(const struct bucket *bucket, uint64_t tokens)
{
	return bucket->rate == 0 || bucket->meter.tc >= RTE_MIN(tokens, bucket->profile.cbs);
}

/* What the bucket cannot hold is owed. */
static void
spend(struct bucket *bucket, uint64_t tokens)
{
	uint64_t paid = RTE_MIN(tokens, bucket->meter.tc);

	if (bucket->rate == 0)
		return;
	bucket->meter.tc -= paid;
	bucket->debt += tokens - paid;
}

/* Tokens for one descriptor, of both kinds or of none. */
static bool
spend_on(struct siov_qos *qos, const void *words)
{
	const struct dsa_hw_desc *desc = words;
	bool is_batch = desc->opcode == DSA_OPCODE_BATCH;
	uint64_t ops = is_batch ? RTE_MAX(desc->desc_count, 1u) : 1, now = rte_rdtsc();
	uint64_t bytes = is_batch ? (uint64_t)desc->desc_count * SIOV_DESC_SIZE : desc->xfer_size;

	if (desc->opcode == DSA_OPCODE_NOOP)
		bytes = 0;
	if (qos->bytes.rate != 0)
		qos->bytes.debt += siov_atomic_exchange(&qos->charged, UINT64_C(0), relaxed);
	if (!settle(&qos->ops, now) || !settle(&qos->bytes, now) || !can_spend(&qos->ops, ops) ||
	    !can_spend(&qos->bytes, bytes))
		return false;
	spend(&qos->ops, ops);
	spend(&qos->bytes, bytes);
	return true;
}

/*
 * How many submissions are granted from this one on; 0: none. What is granted and lies idle is missing
 * elsewhere, and what has a price is paid one by one: several only where there is a share alone.
 */
static uint32_t
grant(struct siov_qos *qos, struct siov_lane *lane, const void *desc, bool is_own)
{
	uint32_t slot = siov_atomic_load(&lane->engine_id, relaxed);
	bool has_rate = qos->ops.rate != 0 || qos->bytes.rate != 0;
	uint32_t nb = RTE_MIN(room(qos), share_left(qos, lane->wq, slot));

	nb = RTE_MIN(nb, is_own && !has_rate && qos->conf.max_outstanding == 0 ? LEASE_MAX : 1u);
	if (nb == 0 || (has_rate && !spend_on(qos, desc)))
		return 0;
	if (qos->conf.weight != 0)
		qos->left[slot] -= nb;
	siov_atomic_fetch_add(&qos->granted, (uint64_t)nb, relaxed);
	return nb;
}

void
siov_qos_charge(struct siov_wq *wq, uint32_t pasid, uint64_t bytes)
{
	struct siov_qos *qos = siov_qos_find(wq, pasid);

	if (qos != NULL)
		siov_atomic_fetch_add(&qos->charged, bytes, relaxed);
}

/* ---- portals ---- */

static void
set_limit(struct siov_portal *portal, uint64_t limit)
{
	siov_atomic_store(&portal->limit, (uint32_t)limit, relaxed);
}

/*
 * The PASID has no block. Who may submit for several PASIDs asks each time, once any of them has one.
 * The block may be made just now: then its maker has read the same count.
 */
static struct siov_qos *
admit_freely(struct siov_portal *portal, uint32_t pasid, bool is_own, uint64_t accepted)
{
	const struct siov_wq *wq = portal->lane->wq;
	bool may_go_on = is_own || siov_atomic_load(&wq->qos, relaxed) == NULL;
	struct siov_qos *qos;

	set_limit(portal, accepted + (may_go_on ? FREELY : 1));
	/* Q5: pairs with Q6: one of both sees what the other has stored. */
	siov_atomic_fence(seq_cst);
	qos = siov_qos_find(wq, pasid);
	if (qos != NULL || (!is_own && may_go_on && siov_atomic_load(&wq->qos, relaxed) != NULL))
		set_limit(portal, accepted + (qos == NULL));
	return qos;
}

enum siov_dmwr
siov_portal_admit(struct siov_portal *portal, const void *desc, uint64_t id, uint64_t accepted)
{
	uint32_t pasid = id & SIOV_DESC_PASID_MASK;
	bool is_own = pasid == portal->pasid && !(portal->flags & SIOV_PORTAL_F_PRIV);
	struct siov_lane *lane = portal->lane;
	struct siov_qos *qos = siov_qos_find(lane->wq, pasid);
	uint32_t state, nb;

	if (qos == NULL)
		qos = admit_freely(portal, pasid, is_own, accepted);
	if (qos == NULL)
		return SIOV_DMWR_SUCCESS;
	state = siov_atomic_load(&qos->state, acquire);
	if (state != SIOV_WQ_ENABLED)
		return state == SIOV_WQ_DRAINING ? SIOV_DMWR_RETRY_DRAINING :
						   SIOV_DMWR_RETRY_DISABLED;
	if (!take(qos, lane->id + 1))
		return SIOV_DMWR_RETRY_QOS;
	/* What was accepted since a recall or a reclaim, before this thread knew of it. */
	if (is_own)
		siov_qos_add_accepted(qos, (uint32_t)accepted -
						   siov_atomic_load(&portal->limit, relaxed));
	nb = grant(qos, lane, desc, is_own);
	set_limit(portal, accepted + nb);
	give(qos);
	return nb != 0 ? SIOV_DMWR_SUCCESS : SIOV_DMWR_RETRY_QOS;
}

uint64_t
siov_portal_recall(struct siov_portal *portal)
{
	uint64_t accepted;

	/* Q6: pairs with Q5. */
	siov_atomic_fence(seq_cst);
	accepted = siov_portal_count(portal, SIOV_DMWR_SUCCESS);
	set_limit(portal, accepted);
	return accepted;
}

int
siov_qos_reclaim(struct siov_qos *qos, struct siov_portal *portal)
{
	uint32_t limit, accepted;

	if (!take(qos, CONTROL))
		return -EAGAIN;
	/* What its thread is just using of it, it will find beyond its limit when it asks. */
	limit = siov_atomic_load(&portal->limit, relaxed);
	accepted = (uint32_t)siov_portal_count(portal, SIOV_DMWR_SUCCESS);
	if (limit - accepted - 1 < LEASE_MAX) {
		set_limit(portal, accepted);
		siov_atomic_fetch_add(&qos->granted, -(uint64_t)(limit - accepted), relaxed);
	}
	give(qos);
	return 0;
}

void
siov_qos_return(struct siov_qos *qos, const struct siov_portal *portal)
{
	uint32_t unused = siov_atomic_load(&portal->limit, relaxed) -
			  (uint32_t)siov_portal_count(portal, SIOV_DMWR_SUCCESS);

	/* Fewer than none: it used what was being reclaimed. */
	if (unused + LEASE_MAX <= 2 * LEASE_MAX)
		siov_atomic_fetch_add(&qos->granted, (uint64_t) - (int64_t)(int32_t)unused,
				      relaxed);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Credits: who may have how many descriptors accepted and not dispatched.
 *
 * One 64-bit word per queue, the pool, holds
 *
 *     free:17   credits that nobody has
 *     held:17   at most how many leased credits lie idle with lanes: the sum of (k - 1) over the
 *               last lease of each lane (one of the k is spent by the submission that leased)
 *     lane:10, k:10, seq:10   the last lease: who, how many, the how-manieth of that lane
 *
 * and one word per lane, the account: total:44 (credits leased ever), k:10 and seq:10 of the last
 * lease entered.
 *
 * A lease is two steps: (1) compare-and-swap the pool, which takes the credits and names the
 * lease; (2) enter it in the lane's account. Whoever wants to lease next first enters the lease
 * that the pool names, so a thread that stops between its two steps loses nothing and blocks
 * nobody. An entry is made by compare-and-swap from the account as it was before the lease; total
 * only grows, so it can be made once only.
 *
 * Credits of a lane are therefore known without asking its thread: total + grants - returned were
 * received, head (the engine's) were dispatched. siov_wq_detach gives the rest back.
 *
 * Why never more than N are accepted and not dispatched: free plus all received-and-not-given-back
 * credits is N at every instant, since each step moves credits and none makes any.
 *
 * Why a lone submitter gets 7/8 of N: a lease of more than one is granted only while held stays
 * within N/8 (SIOV budget below), so idle lanes never keep more.
 *
 * Why nobody starves: an engine that finds the pool dry when it gives credits back hands one
 * straight to the next lane, round robin, that was told to retry. Nobody else can take it for
 * GRANT_CYCLES. It is taken back afterwards, so a lane that gave up does not keep it.
 */
#include "swq_priv.h"

#define GRANT_CYCLES (UINT64_C(1) << 25) /* about 10 ms */
#define GRANT_SCAN 64u /* lanes looked at per search */

#define FIELD10 UINT64_C(0x3ff)
#define FIELD17 UINT64_C(0x1ffff)

#define POOL_HELD_SHIFT 17
#define POOL_LANE_SHIFT 34
#define POOL_K_SHIFT 44
#define POOL_SEQ_SHIFT 54
#define POOL_LEASE_MASK (~UINT64_C(0) << POOL_LANE_SHIFT)
#define POOL_NO_LANE FIELD10

#define ACCOUNT_K_SHIFT 10
#define ACCOUNT_TOTAL_SHIFT 20
#define ACCOUNT_TOTAL_MASK (~UINT64_C(0) >> ACCOUNT_TOTAL_SHIFT)

SIOV_STATIC_ASSERT(SIOV_WQ_SIZE_MAX <= FIELD17, "all credits fit into the pool's field");
SIOV_STATIC_ASSERT(SIOV_WQ_LANES_MAX < POOL_NO_LANE, "lane ids fit into the pool's field");

static inline uint32_t
pool_free(uint64_t pool)
{
	return pool & FIELD17;
}

static inline uint32_t
pool_held(uint64_t pool)
{
	return (pool >> POOL_HELD_SHIFT) & FIELD17;
}

static inline uint64_t
pool_lane(uint64_t pool)
{
	return (pool >> POOL_LANE_SHIFT) & FIELD10;
}

static inline uint64_t
pool_k(uint64_t pool)
{
	return (pool >> POOL_K_SHIFT) & FIELD10;
}

static inline uint64_t
pool_seq(uint64_t pool)
{
	return (pool >> POOL_SEQ_SHIFT) & FIELD10;
}

static inline uint64_t
account_seq(uint64_t account)
{
	return account & FIELD10;
}

static inline uint32_t
account_k(uint64_t account)
{
	return (account >> ACCOUNT_K_SHIFT) & FIELD10;
}

static inline uint64_t
account_total(uint64_t account)
{
	return account >> ACCOUNT_TOTAL_SHIFT;
}

static inline uint64_t
make_account(uint64_t total, uint64_t k, uint64_t seq)
{
	return total << ACCOUNT_TOTAL_SHIFT | k << ACCOUNT_K_SHIFT | (seq & FIELD10);
}

/* Leased credits that may lie idle with all lanes together. */
static uint32_t
idle_budget(uint32_t size)
{
	return RTE_MAX(size / 8, RTE_MIN(8u, size / 2));
}

uint64_t
credit_pool_init(uint32_t size)
{
	return size | POOL_NO_LANE << POOL_LANE_SHIFT;
}

uint64_t
credit_account_init(void)
{
	return make_account(0, 1, 0);
}

uint32_t
credit_lease_max(const struct siov_wq *wq, uint32_t nb_attached)
{
	if (wq->flags & SIOV_WQ_F_EXACT)
		return 1;
	return RTE_MIN(idle_budget(wq->size) / RTE_MAX(nb_attached, 1u) + 1, (uint32_t)FIELD10);
}

/* Enter the lease that @p pool names in its lane's account, unless somebody has. */
static void
settle_lease(struct siov_wq *wq, uint64_t pool)
{
	struct siov_lane *lane;
	uint64_t account, entered;

	if (pool_lane(pool) == POOL_NO_LANE)
		return;
	lane = wq->lanes[pool_lane(pool)];
	/* C1: pairs with C2; an account seen here shows every lease entered before. */
	account = siov_atomic_load(&lane->account, acquire);
	if (account_seq(account) != ((pool_seq(pool) - 1) & FIELD10))
		return;
	/* Still the last lease? Then the account read above is the one just before it. */
	if ((siov_atomic_load(&wq->pool, acquire) ^ pool) & POOL_LEASE_MASK)
		return;
	entered = make_account(account_total(account) + pool_k(pool), pool_k(pool), pool_seq(pool));
	/* C2: pairs with C1. Failure: another thread has entered it. */
	siov_atomic_cas(&lane->account, &account, entered, acq_rel, acquire);
}

/*
 * How many credits a lane may lease now; 0: none. k_last is the lane's last lease, whose idle rest
 * counts in held no longer once the lane asks for more.
 */
static uint32_t
lease_size(const struct siov_wq *wq, const struct siov_lane *lane, uint64_t pool, uint32_t k_last)
{
	uint32_t room = idle_budget(wq->size) + k_last;
	uint32_t held = pool_held(pool);
	uint32_t others_held = held - (k_last - 1);
	uint32_t k = siov_atomic_load(&wq->lease_max, relaxed);

	/* Below its floor, a limited lane may have one if all that is missing may lie idle with
	 * others: idle lanes must not shut it out of an empty queue for ever.
	 */
	if (pool_free(pool) <= lane->floor)
		return lane->floor != 0 && pool_free(pool) + others_held >= wq->size;
	k = RTE_MIN(k, pool_free(pool) - lane->floor);
	if (k > 1 && held + k > room)
		k = room > held + 1 ? room - held : 1;
	return k;
}

/* Lease from the pool. Returns the number of credits taken, 0 if it is dry for this lane. */
static uint32_t
lease_credits(struct siov_wq *wq, struct siov_lane *lane)
{
	/* C3: pairs with C4; slots given back before are ours to overwrite. */
	uint64_t pool = siov_atomic_load(&wq->pool, acquire);

	for (;;) {
		uint64_t account, next;
		uint32_t k, k_last;

		settle_lease(wq, pool);
		account = siov_atomic_load(&lane->account, acquire);
		k_last = account_k(account);
		k = lease_size(wq, lane, pool, k_last);
		if (k == 0)
			return 0;
		next = (pool & ~POOL_LEASE_MASK) - k;
		next += ((uint64_t)k - k_last) << POOL_HELD_SHIFT;
		next |= (uint64_t)lane->id << POOL_LANE_SHIFT | (uint64_t)k << POOL_K_SHIFT |
			((account_seq(account) + 1) & FIELD10) << POOL_SEQ_SHIFT;
		if (siov_atomic_cas(&wq->pool, &pool, next, acq_rel, acquire)) {
			settle_lease(wq, next);
			return k;
		}
	}
}

/* Take the credit that an engine has set aside for this lane, if any. */
static uint32_t
take_grant(struct siov_lane *lane)
{
	/* C5: pairs with C6. */
	uint64_t grant = siov_atomic_load(&lane->grant, acquire);

	if (!(grant & 1))
		return 0;
	/* Failure: the engine has taken it back meanwhile. */
	return siov_atomic_cas(&lane->grant, &grant, grant & ~UINT64_C(1), acq_rel, relaxed);
}

static uint32_t
refill_dedicated(struct siov_lane *lane)
{
	/* Pairs with L3 in siov_lane_pop_sc. */
	uint64_t head = siov_atomic_load(&lane->head, acquire);

	lane->credits = lane->wq->size - (uint32_t)(lane->tail - head);
	return lane->credits;
}

uint32_t
siov_lane_refill(struct siov_lane *lane)
{
	struct siov_wq *wq = lane->wq;
	uint32_t k;

	if (wq->mode == SIOV_WQ_DEDICATED)
		return refill_dedicated(lane);
	k = take_grant(lane);
	/* Not both: held would not count the one that is left over. */
	if (k == 0)
		k = lease_credits(wq, lane);
	lane->credits += k;
	if (siov_atomic_load(&lane->hungry, relaxed) != (lane->credits == 0))
		siov_atomic_store(&lane->hungry, lane->credits == 0, relaxed);
	return lane->credits;
}

/* Set one credit aside for the next lane that was told to retry. Returns credits used, 0 or 1. */
static uint32_t
grant_credit(struct siov_wq *wq, struct siov_wq_granter *granter, uint64_t now_cycles)
{
	uint32_t nb_lanes = siov_atomic_load(&wq->nb_lanes, acquire);
	unsigned int i;

	for (i = 0; i < RTE_MIN(nb_lanes, GRANT_SCAN); i++) {
		struct siov_lane *lane;
		uint64_t grant;

		if (granter->next_lane >= nb_lanes)
			granter->next_lane = 0;
		lane = wq->lanes[granter->next_lane++];
		if (!siov_atomic_load(&lane->hungry, relaxed))
			continue;
		grant = siov_atomic_load(&lane->grant, relaxed);
		if (grant & 1)
			continue;
		/* C6: pairs with C5. */
		if (!siov_atomic_cas(&lane->grant, &grant, (grant + 2) | 1, acq_rel, relaxed))
			continue;
		granter->holder = lane->id + 1;
		granter->expires_cycles = now_cycles + GRANT_CYCLES;
		return 1;
	}
	return 0;
}

void
siov_wq_give_back(struct siov_wq *wq, struct siov_wq_granter *granter, unsigned int n,
		  uint64_t now_cycles)
{
	if (wq->mode == SIOV_WQ_DEDICATED || n == 0)
		return;
	if (siov_atomic_load(&wq->nb_lanes, relaxed) > 1 &&
	    pool_free(siov_atomic_load(&wq->pool, relaxed)) == 0) {
		siov_wq_expire_grant(wq, granter, now_cycles);
		if (granter->holder == 0)
			n -= grant_credit(wq, granter, now_cycles);
	}
	/* C4: pairs with C3. */
	siov_atomic_fetch_add(&wq->pool, (uint64_t)n, acq_rel);
}

void
siov_wq_expire_grant(struct siov_wq *wq, struct siov_wq_granter *granter, uint64_t now_cycles)
{
	struct siov_lane *lane;
	uint64_t grant;

	if (granter->holder == 0)
		return;
	lane = wq->lanes[granter->holder - 1];
	grant = siov_atomic_load(&lane->grant, relaxed);
	if (grant & 1) {
		if ((int64_t)(now_cycles - granter->expires_cycles) < 0)
			return;
		if (siov_atomic_cas(&lane->grant, &grant, (grant - 2) & ~UINT64_C(1), acq_rel,
				    relaxed)) {
			siov_atomic_store(&lane->hungry, 0, relaxed);
			siov_atomic_fetch_add(&wq->pool, UINT64_C(1), acq_rel);
		}
	}
	granter->holder = 0;
}

uint32_t
credit_reclaim(struct siov_wq *wq, struct siov_lane *lane)
{
	uint64_t grant, account, received, unspent;

	if (wq->mode == SIOV_WQ_DEDICATED)
		return 0;
	siov_atomic_store(&lane->hungry, 0, relaxed);
	grant = siov_atomic_load(&lane->grant, acquire);
	while ((grant & 1) &&
	       !siov_atomic_cas(&lane->grant, &grant, (grant - 2) & ~UINT64_C(1), acq_rel, acquire))
		;
	received = grant & 1 ? (grant - 2) >> 1 : grant >> 1;
	settle_lease(wq, siov_atomic_load(&wq->pool, acquire));
	account = siov_atomic_load(&lane->account, acquire);
	received += account_total(account) - lane->returned;
	unspent = (received - siov_atomic_load(&lane->head, acquire)) & ACCOUNT_TOTAL_MASK;
	/* The grant just taken back, unspent and the idle rest of the last lease. */
	lane->returned += unspent;
	siov_atomic_store(&lane->account,
			  make_account(account_total(account), 1, account_seq(account)), release);
	unspent += grant & 1;
	siov_atomic_fetch_add(&wq->pool,
			      unspent - ((uint64_t)(account_k(account) - 1) << POOL_HELD_SHIFT),
			      acq_rel);
	return unspent;
}

uint32_t
siov_wq_free_credits(const struct siov_wq *wq)
{
	return pool_free(siov_atomic_load(&wq->pool, acquire));
}

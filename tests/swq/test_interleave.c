/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Credits under every interleaving of their atomic operations, up to a number of preemptions.
 *
 * credit.c is compiled here once more, with atomics that first ask a scheduler who goes on. Actors
 * (submitters, an engine, control) are coroutines of one thread, so a schedule is a list of
 * choices: it is run, and the last choice that has an alternative left is changed, until none has.
 * Memory is sequentially consistent here; weaker orders are ThreadSanitizer's part.
 */
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include "swq_priv.h"
#include "wq_bed.h"

static void take_turn(void);

static uint64_t
add_word(uint64_t *word, uint64_t value)
{
	uint64_t old = *word;

	*word = old + value;
	return old;
}

static bool
swap_word(uint64_t *word, uint64_t *expected, uint64_t desired)
{
	if (*word != *expected) {
		*expected = *word;
		return false;
	}
	*word = desired;
	return true;
}

#undef siov_atomic_load
#undef siov_atomic_store
#undef siov_atomic_fetch_add
#undef siov_atomic_cas
#define siov_atomic_load(p, order) (take_turn(), *(p))
#define siov_atomic_store(p, v, order) (take_turn(), *(p) = (v))
#define siov_atomic_fetch_add(p, v, order) (take_turn(), add_word(p, v))
#define siov_atomic_cas(p, expected, desired, ok, fail) \
	(take_turn(), swap_word(p, expected, desired))

#include "credit.c"

#define ACTORS_MAX 4u
#define TURNS_MAX 400u
#define STACK_BYTES (64u << 10)
#define LANES 4u
#define SIZE 16u

struct actor {
	ucontext_t context;
	void (*run)(unsigned int lane_idx);
	unsigned int lane_idx;
	unsigned int turns; /* taken so far */
	unsigned int dies_at; /* it stops for ever before this turn; 0: never */
	bool is_done;
	uint8_t stack[STACK_BYTES] __attribute__((aligned(64)));
};

/* One choice: whom the scheduler let go on at a turn, of whom it may still try. */
struct choice {
	uint8_t actor;
	uint8_t untried; /* bits */
};

static struct actor actors[ACTORS_MAX];
static unsigned int nb_actors, current, nb_preempted, preempted_max;
static struct choice path[TURNS_MAX];
static unsigned int path_len, path_idx;
static ucontext_t home;
static bool is_scheduled;

/* The queue as each schedule finds it, and what the actors did. */
static struct wq_bed *bed;
static struct siov_wq saved_wq;
static struct siov_lane saved_lanes[LANES];
static struct siov_wq_granter saved_granter;
static unsigned int nb_gone; /* dispatched, to be given back by the engine */
static bool is_reclaimed;

static unsigned int
runnable_mask(void)
{
	unsigned int mask = 0, i;

	for (i = 0; i < nb_actors; i++) {
		if (!actors[i].is_done)
			mask |= 1u << i;
	}
	return mask;
}

/* Who goes on: as the path says, or, past its end, whoever runs, noting the alternatives. */
static unsigned int
choose_actor(void)
{
	unsigned int mask = runnable_mask(), next = current;
	bool is_forced = !(mask & 1u << current);

	if (path_idx < path_len) {
		next = path[path_idx++].actor;
	} else {
		if (is_forced)
			next = __builtin_ctz(mask);
		mask &= ~(1u << next);
		if (!is_forced && nb_preempted == preempted_max)
			mask = 0;
		assert_true(path_len < TURNS_MAX);
		path[path_len++] = (struct choice){.actor = next, .untried = mask};
		path_idx = path_len;
	}
	nb_preempted += next != current && !is_forced;
	return next;
}

/* Before each atomic operation of credit.c. */
static void
take_turn(void)
{
	struct actor *me = &actors[current];
	unsigned int next;

	if (!is_scheduled)
		return;
	if (++me->turns == me->dies_at) {
		me->is_done = true;
		swapcontext(&me->context, &home);
	}
	next = choose_actor();
	if (next == current)
		return;
	current = next;
	swapcontext(&me->context, &actors[next].context);
}

static void
start_actor(void)
{
	struct actor *me = &actors[current];

	me->run(me->lane_idx);
	me->is_done = true;
	swapcontext(&me->context, &home);
}

static void
add_actor(void (*run)(unsigned int), unsigned int lane_idx, unsigned int dies_at)
{
	struct actor *actor = &actors[nb_actors++];

	actor->run = run;
	actor->lane_idx = lane_idx;
	actor->dies_at = dies_at;
}

static void
restore_queue(void)
{
	unsigned int i;

	*bed->wq = saved_wq;
	for (i = 0; i < LANES; i++)
		*bed->lanes[i] = saved_lanes[i];
	bed->granter = saved_granter;
	is_reclaimed = false;
}

static void
save_queue(void)
{
	unsigned int i;

	saved_wq = *bed->wq;
	for (i = 0; i < LANES; i++)
		saved_lanes[i] = *bed->lanes[i];
	saved_granter = bed->granter;
}

/* One schedule, from the saved queue to the end of every actor. */
static void
run_schedule(void)
{
	unsigned int i;

	restore_queue();
	path_idx = 0;
	nb_preempted = 0;
	current = 0;
	for (i = 0; i < nb_actors; i++) {
		struct actor *actor = &actors[i];

		actor->turns = 0;
		actor->is_done = false;
		getcontext(&actor->context);
		actor->context.uc_stack.ss_sp = actor->stack;
		actor->context.uc_stack.ss_size = sizeof(actor->stack);
		actor->context.uc_link = NULL;
		makecontext(&actor->context, start_actor, 0);
	}
	is_scheduled = true;
	while (runnable_mask() != 0) {
		current = choose_actor();
		swapcontext(&home, &actors[current].context);
	}
	is_scheduled = false;
}

/* Change the last choice that has an alternative; false when all have been tried. */
static bool
next_path(void)
{
	while (path_len > 0) {
		struct choice *last = &path[path_len - 1];

		if (last->untried != 0) {
			last->actor = __builtin_ctz(last->untried);
			last->untried &= last->untried - 1;
			return true;
		}
		path_len--;
	}
	return false;
}

/* ---- actors ---- */

static void
act_refill(unsigned int lane_idx)
{
	siov_lane_refill(bed->lanes[lane_idx]);
}

static void
act_give_back(unsigned int lane_idx)
{
	RTE_SET_USED(lane_idx);
	siov_wq_give_back(bed->wq, &bed->granter, nb_gone, bed->now_cycles);
}

static void
act_expire(unsigned int lane_idx)
{
	RTE_SET_USED(lane_idx);
	siov_wq_expire_grant(bed->wq, &bed->granter, bed->now_cycles + 2 * GRANT_CYCLES);
}

static void
act_reclaim(unsigned int lane_idx)
{
	credit_reclaim(bed->wq, bed->lanes[lane_idx]);
	is_reclaimed = true;
}

/* ---- what must hold at the end of every schedule ---- */

/* Credits that lane @p i holds, by its own count. */
static uint32_t
lane_credits(unsigned int i)
{
	return bed->lanes[i]->credits + (bed->lanes[i]->grant & 1);
}

/*
 * Those who live hold what they were told, and the dead one's lane gives back what nobody else
 * has. At last all stop, as if what is in flight were theirs too: N credits are in the pool.
 */
static void
check_end(unsigned int dead_lane, uint32_t inside)
{
	uint32_t live = 0;
	unsigned int i;

	for (i = 0; i < LANES; i++) {
		if (i != dead_lane)
			live += lane_credits(i);
	}
	assert_true(pool_free(bed->wq->pool) + live + inside <= SIZE);
	if (dead_lane < LANES)
		credit_reclaim(bed->wq, bed->lanes[dead_lane]);
	if (bed->granter.holder == dead_lane + 1)
		siov_wq_expire_grant(bed->wq, &bed->granter, bed->now_cycles + 2 * GRANT_CYCLES);
	assert_int_equal(pool_free(bed->wq->pool) + live + inside, SIZE);
	for (i = 0; i < LANES; i++)
		credit_reclaim(bed->wq, bed->lanes[i]);
	assert_int_equal(pool_free(bed->wq->pool), SIZE);
	assert_int_equal(pool_held(bed->wq->pool), 0);
}

/* Every schedule of the actors; returns how many there were. */
static unsigned int
explore(unsigned int preempted, unsigned int dead_lane, uint32_t inside)
{
	unsigned int nb = 0;

	preempted_max = preempted;
	path_len = 0;
	do {
		run_schedule();
		check_end(dead_lane, inside);
		nb++;
	} while (next_path());
	return nb;
}

/* A queue of 16 whose four lanes leased before, @p nb_used of them in flight from lane 3. */
static void
open_queue(uint32_t flags, unsigned int nb_used)
{
	struct siov_wq_conf conf = wq_bed_conf(SIZE, flags);
	unsigned int i;

	bed = wq_bed_open(&conf, LANES);
	for (i = 0; i < 3; i++) {
		do {
			assert_int_equal(wq_bed_fill(bed, i, 1), 1);
		} while (bed->lanes[i]->credits != 0);
	}
	wq_bed_drain(bed);
	assert_int_equal(wq_bed_fill(bed, 3, nb_used), nb_used);
	nb_actors = 0;
	nb_gone = 0;
}

/* The engine has taken @p n of lane 3's out and will give them back. */
static void
pop_used(unsigned int n)
{
	assert_int_equal(wq_bed_pop_lane(bed, bed->lanes[3], n), n);
	nb_gone = n;
}

static void
close_queue(unsigned int nb_schedules)
{
	print_message("%u schedules\n", nb_schedules);
	assert_true(nb_schedules > 1);
	restore_queue();
	wq_bed_close(bed);
}

static void
test_s7_3_1_three_leases_at_once(void **state)
{
	unsigned int nb;

	RTE_SET_USED(state);
	open_queue(0, 4);
	save_queue();
	add_actor(act_refill, 0, 0);
	add_actor(act_refill, 1, 0);
	add_actor(act_refill, 2, 0);
	nb = explore(3, LANES, 4);
	close_queue(nb);
}

static void
test_s7_3_1_leases_of_the_last_credits(void **state)
{
	unsigned int nb;

	RTE_SET_USED(state);
	open_queue(0, 15);
	pop_used(1);
	save_queue();
	add_actor(act_refill, 0, 0);
	add_actor(act_refill, 1, 0);
	add_actor(act_give_back, 0, 0);
	nb = explore(4, LANES, 14);
	close_queue(nb);
}

/* Both lanes starve; the engine gives back, sets one credit aside and takes it back. */
static void
test_s7_3_1_grants_against_leases(void **state)
{
	unsigned int nb;

	RTE_SET_USED(state);
	open_queue(0, 16);
	assert_int_equal(wq_bed_fill(bed, 0, 1), 0);
	assert_int_equal(wq_bed_fill(bed, 1, 1), 0);
	pop_used(2);
	save_queue();
	add_actor(act_give_back, 0, 0);
	add_actor(act_refill, 0, 0);
	add_actor(act_refill, 1, 0);
	nb = explore(4, LANES, 14);
	close_queue(nb);

	open_queue(0, 16);
	assert_int_equal(wq_bed_fill(bed, 0, 1), 0);
	wq_bed_dispatch(bed, 3, 2);
	save_queue();
	add_actor(act_expire, 0, 0);
	add_actor(act_refill, 0, 0);
	add_actor(act_refill, 1, 0);
	nb = explore(4, LANES, 14);
	close_queue(nb);
}

/* A thread that stops before its n-th atomic operation, for each n, while others go on. */
static void
explore_death(void (*prepare)(void), void (*engine)(unsigned int), uint32_t inside)
{
	unsigned int dies_at, nb = 0;

	for (dies_at = 1; dies_at < 30; dies_at++) {
		prepare();
		save_queue();
		add_actor(act_refill, 0, dies_at);
		add_actor(act_refill, 1, 0);
		if (engine != NULL)
			add_actor(engine, 0, 0);
		nb += explore(engine != NULL ? 2 : 4, 0, inside);
		restore_queue();
		wq_bed_close(bed);
	}
	print_message("%u schedules\n", nb);
}

static void
prepare_plenty(void)
{
	open_queue(0, 4);
}

static void
prepare_hungry(void)
{
	open_queue(0, 16);
	assert_int_equal(wq_bed_fill(bed, 0, 1), 0);
	pop_used(2);
}

static void
prepare_granted(void)
{
	open_queue(0, 16);
	assert_int_equal(wq_bed_fill(bed, 0, 1), 0);
	wq_bed_dispatch(bed, 3, 2);
}

static void
test_s7_3_1_dead_at_every_atomic_of_a_lease(void **state)
{
	RTE_SET_USED(state);
	explore_death(prepare_plenty, NULL, 4);
	explore_death(prepare_hungry, act_give_back, 14);
	explore_death(prepare_granted, act_expire, 14);
}

/* Control reclaims a dead thread's lane while others lease and an engine gives back or expires. */
static void
explore_reclaim(void (*prepare)(void), void (*engine)(unsigned int), uint32_t inside)
{
	unsigned int dies_at, nb = 0;

	for (dies_at = 1; dies_at < 30; dies_at++) {
		prepare();
		/* The dead one's half lease is what the others find. */
		add_actor(act_refill, 0, dies_at);
		save_queue();
		path_len = 0;
		run_schedule();
		save_queue();
		nb_actors = 0;
		add_actor(act_reclaim, 0, 0);
		add_actor(act_refill, 1, 0);
		add_actor(engine != NULL ? engine : act_refill, 2, 0);
		nb += explore(engine != NULL ? 3 : 2, 0, inside);
		assert_true(is_reclaimed);
		restore_queue();
		wq_bed_close(bed);
	}
	print_message("%u schedules\n", nb);
}

static void
test_s7_3_1_reclaim_while_others_go_on(void **state)
{
	RTE_SET_USED(state);
	explore_reclaim(prepare_plenty, NULL, 4);
	explore_reclaim(prepare_hungry, act_give_back, 14);
	explore_reclaim(prepare_granted, act_expire, 14);
}

/* A helper that slept while the lane leased 1,023 times more finds the sequence number it seeks. */
static void
test_s7_3_1_helper_late_by_1023_leases_enters_nothing(void **state)
{
	uint64_t pool, account;
	unsigned int i;

	RTE_SET_USED(state);
	open_queue(SIOV_WQ_F_EXACT, 4);
	assert_int_equal(wq_bed_fill(bed, 0, 1), 1);
	pool = bed->wq->pool;
	for (i = 0; i < 1023; i++) {
		wq_bed_dispatch(bed, 0, 1);
		assert_int_equal(wq_bed_fill(bed, 0, 1), 1);
	}
	account = bed->lanes[0]->account;
	assert_int_equal(account_seq(account), (pool_seq(pool) - 1) & FIELD10);
	settle_lease(bed->wq, pool);
	assert_int_equal(bed->lanes[0]->account, account);
	wq_bed_close(bed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_s7_3_1_three_leases_at_once),
		cmocka_unit_test(test_s7_3_1_leases_of_the_last_credits),
		cmocka_unit_test(test_s7_3_1_grants_against_leases),
		cmocka_unit_test(test_s7_3_1_dead_at_every_atomic_of_a_lease),
		cmocka_unit_test(test_s7_3_1_reclaim_while_others_go_on),
		cmocka_unit_test(test_s7_3_1_helper_late_by_1023_leases_enters_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

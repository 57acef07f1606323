/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Several lanes and an engine in one thread, at random, against a trivial model: per lane a list
 * of ids, and one number for credits that an engine holds between pop and give back. After every
 * step nothing may be lost, made or out of order, and never more than N accepted.
 */
#include <errno.h>
#include <stdlib.h>

#include "wq_bed.h"

#define LANES 6u
#define STEPS 10000u
#define SEEDS 60u

struct model_lane {
	uint64_t next_in; /* sequence number of the next submission */
	uint64_t next_out; /* of the next descriptor popped */
	bool is_attached;
	bool is_limited;
};

struct model {
	struct wq_bed *bed;
	struct model_lane lanes[LANES];
	uint32_t popped; /* dispatched, credits not given back yet */
	uint64_t nb_accepted;
	uint64_t random;
};

static uint64_t
next_random(struct model *m, uint64_t below)
{
	/* xorshift64* */
	m->random ^= m->random >> 12;
	m->random ^= m->random << 25;
	m->random ^= m->random >> 27;
	return (m->random * UINT64_C(0x2545f4914f6cdd1d) >> 33) % below;
}

static uint64_t
make_id(unsigned int lane, uint64_t seq)
{
	return (uint64_t)lane << 24 | seq;
}

static bool
has_grant(const struct siov_lane *lane)
{
	return siov_atomic_load(&lane->grant, relaxed) & 1;
}

/* The laws, at every step. */
static void
check_laws(const struct model *m)
{
	const struct siov_wq *wq = m->bed->wq;
	uint64_t inside = 0, idle = 0, grants = 0;
	unsigned int i;

	for (i = 0; i < LANES; i++) {
		const struct model_lane *ml = &m->lanes[i];

		inside += ml->next_in - ml->next_out;
		grants += has_grant(m->bed->lanes[i]);
		if (ml->is_attached)
			idle += m->bed->lanes[i]->credits;
	}
	/* Never more than N accepted and not dispatched. */
	assert_true(inside <= wq->size);
	/* Nothing is lost and nothing is made. */
	assert_int_equal(siov_wq_free_credits(wq) + idle + grants + inside + m->popped, wq->size);
	/* Idle lanes keep no more than the pool knows of, nor than they may. */
	assert_true(idle <= wq_bed_held(m->bed));
	assert_true(wq_bed_held(m->bed) <=
		    ((wq->flags & SIOV_WQ_F_EXACT) ? 0 : wq_bed_idle_max(wq->size)));
}

static void
step_submit(struct model *m, unsigned int i)
{
	struct siov_lane *lane = m->bed->lanes[i];
	struct model_lane *ml = &m->lanes[i];
	uint32_t nb_free = siov_wq_free_credits(m->bed->wq);
	bool has_own = lane->credits > 0 || has_grant(lane);
	enum siov_dmwr expected, answer;

	if (!ml->is_attached)
		return;
	answer = wq_bed_submit(m->bed, i, make_id(i, ml->next_in));
	expected = m->bed->wq->state == SIOV_WQ_ENABLED  ? SIOV_DMWR_RETRY_CAPACITY :
		   m->bed->wq->state == SIOV_WQ_DRAINING ? SIOV_DMWR_RETRY_DRAINING :
							   SIOV_DMWR_RETRY_DISABLED;
	if (expected == SIOV_DMWR_RETRY_CAPACITY && (has_own || nb_free > lane->floor))
		expected = SIOV_DMWR_SUCCESS;
	/* The one exception: a limited lane that only idle credits shut out. */
	if (answer == SIOV_DMWR_SUCCESS && expected == SIOV_DMWR_RETRY_CAPACITY)
		assert_true(ml->is_limited &&
			    nb_free + wq_bed_idle_max(m->bed->wq->size) >= m->bed->wq->size);
	else
		assert_int_equal(answer, expected);
	if (answer != SIOV_DMWR_SUCCESS)
		return;
	ml->next_in++;
	m->nb_accepted++;
}

static void
step_pop(struct model *m, unsigned int i)
{
	struct model_lane *ml = &m->lanes[i];
	unsigned int max = next_random(m, WQ_BED_BURST + 1);
	unsigned int n = wq_bed_pop_lane(m->bed, m->bed->lanes[i], max), j;

	assert_int_equal(n, RTE_MIN(max, ml->next_in - ml->next_out));
	for (j = 0; j < n; j++) {
		assert_true(wq_bed_is_whole(&m->bed->popped[j], m->bed->portals[i].pasid));
		assert_int_equal(wq_bed_id(&m->bed->popped[j]), make_id(i, ml->next_out++));
	}
	m->popped += n;
}

static void
step_give_back(struct model *m)
{
	uint32_t n = next_random(m, m->popped + 1);

	m->popped -= n;
	siov_wq_give_back(m->bed->wq, &m->bed->granter, n, m->bed->now_cycles);
}

static void
step_attach(struct model *m, unsigned int i)
{
	struct model_lane *ml = &m->lanes[i];
	struct siov_lane *lane;
	unsigned int j;

	if (ml->is_attached) {
		bool is_empty = ml->next_in == ml->next_out;

		assert_int_equal(siov_wq_detach(m->bed->lanes[i]), is_empty ? 0 : -EBUSY);
		ml->is_attached = !is_empty;
		return;
	}
	ml->is_limited = next_random(m, 3) == 0;
	assert_int_equal(siov_wq_attach(&m->bed->fm.mem, m->bed->wq,
					ml->is_limited ? SIOV_LANE_F_LIMITED : 0, &lane),
			 0);
	/* Which one it is is the queue's choice: swap, so that ours is at [i]. */
	for (j = 0; m->bed->lanes[j] != lane; j++)
		;
	assert_true(j < LANES && (j == i || !m->lanes[j].is_attached));
	m->lanes[j].is_limited = ml->is_limited;
	m->lanes[j].is_attached = true;
}

static void
step_state(struct model *m)
{
	uint32_t now = siov_atomic_load(&m->bed->wq->state, relaxed);

	assert_int_equal(siov_wq_set_state(m->bed->wq, now == SIOV_WQ_ENABLED ? SIOV_WQ_DRAINING :
										SIOV_WQ_ENABLED),
			 0);
}

static void
take_step(struct model *m)
{
	unsigned int i = next_random(m, LANES);
	unsigned int what = next_random(m, 100), n;

	m->bed->now_cycles += next_random(m, UINT64_C(1) << 22);
	if (what < 60) {
		for (n = next_random(m, 2 + m->bed->wq->size / 4); n > 0; n--)
			step_submit(m, i);
	} else if (what < 75) {
		step_pop(m, i);
	} else if (what < 90) {
		step_give_back(m);
	} else if (what < 94) {
		siov_wq_expire_grant(m->bed->wq, &m->bed->granter, m->bed->now_cycles);
	} else if (what < 99) {
		step_attach(m, i);
	} else {
		step_state(m);
	}
	if (m->bed->wq->state != SIOV_WQ_ENABLED && next_random(m, 5) == 0)
		step_state(m);
	check_laws(m);
}

/* Everything out, everybody gone: N credits in the pool. */
static void
finish(struct model *m)
{
	unsigned int i;

	for (i = 0; i < LANES; i++) {
		while (m->lanes[i].next_out != m->lanes[i].next_in)
			step_pop(m, i);
		if (m->lanes[i].is_attached)
			assert_int_equal(siov_wq_detach(m->bed->lanes[i]), 0);
	}
	siov_wq_give_back(m->bed->wq, &m->bed->granter, m->popped, m->bed->now_cycles);
	wq_bed_expire(m->bed);
	assert_int_equal(siov_wq_free_credits(m->bed->wq), m->bed->wq->size);
	assert_int_equal(wq_bed_held(m->bed), 0);
	assert_true(m->nb_accepted > 0);
}

static void
run_model(uint32_t size, uint32_t flags, uint64_t seed)
{
	struct siov_wq_conf conf = wq_bed_conf(size, flags);
	struct model m = {.random = seed * 7919 + size};
	unsigned int i;

	conf.threshold = 1 + next_random(&m, size);
	m.bed = wq_bed_open(&conf, LANES);
	for (i = 0; i < LANES; i++)
		m.lanes[i].is_attached = true;
	for (i = 0; i < STEPS; i++)
		take_step(&m);
	finish(&m);
	wq_bed_close(m.bed);
}

static void
test_s7_3_2_never_more_than_n_accepted_and_none_lost(void **state)
{
	static const uint32_t sizes[] = {1, 2, 3, 7, 16, 63, 64, 65, 100, 128, 1000};
	uint64_t seed;

	RTE_SET_USED(state);
	for (seed = 1; seed <= SEEDS; seed++)
		run_model(sizes[seed % RTE_DIM(sizes)], 0, seed);
}

static void
test_s7_3_2_never_more_than_n_accepted_in_exact_mode(void **state)
{
	static const uint32_t sizes[] = {1, 2, 3, 7, 16, 63, 64, 65, 100};
	uint64_t seed;

	RTE_SET_USED(state);
	for (seed = 1; seed <= SEEDS; seed++)
		run_model(sizes[seed % RTE_DIM(sizes)], SIOV_WQ_F_EXACT, seed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_s7_3_2_never_more_than_n_accepted_and_none_lost),
		cmocka_unit_test(test_s7_3_2_never_more_than_n_accepted_in_exact_mode),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

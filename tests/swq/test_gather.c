/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "siov_compat.h"
#include "siov_gather.h"

/* One window of bursts of @p descs each, @p cycles apart, ending at the returned time. */
static uint64_t
run_window(struct siov_gather *g, uint64_t now, unsigned int descs, uint64_t cycles)
{
	unsigned int i;

	for (i = 0; i < SIOV_GATHER_WINDOW; i++) {
		now += cycles;
		siov_gather_popped(g, descs, now);
	}
	return now;
}

/*
 * One measurement: a prompt window, then a patient one, at the given rates. Returns how many
 * windows the verdict was kept.
 */
static unsigned int
measure(struct siov_gather *g, uint64_t *now, unsigned int prompt, unsigned int patient)
{
	unsigned int kept = 0;

	assert_int_equal(g->phase, SIOV_GATHER_TRY_PROMPT);
	assert_false(g->patient);
	*now = run_window(g, *now, prompt, 1000);
	assert_int_equal(g->phase, SIOV_GATHER_TRY_PATIENT);
	assert_true(g->patient);
	*now = run_window(g, *now, patient, 1000);
	assert_int_equal(g->phase, SIOV_GATHER_KEEP);
	for (; g->phase == SIOV_GATHER_KEEP; kept++) {
		assert_int_equal(g->patient, g->verdict);
		*now = run_window(g, *now, prompt, 1000);
	}
	return kept;
}

static void
test_a_new_lane_is_prompt(void **state)
{
	struct siov_gather g = {0};

	RTE_SET_USED(state);
	assert_true(siov_gather_is_ripe(&g, 0));
	assert_true(siov_gather_is_ripe(&g, UINT64_MAX));
	assert_int_equal(g.ripe_at, 0);
}

static void
test_patience_ends_after_its_cycles(void **state)
{
	static const uint64_t starts[] = {1, 1000000, UINT64_MAX - 100, UINT64_MAX - 1000};
	unsigned int i;

	RTE_SET_USED(state);
	for (i = 0; i < RTE_DIM(starts); i++) {
		struct siov_gather g = {.patient = 1};
		uint64_t start = starts[i];

		assert_false(siov_gather_is_ripe(&g, start));
		assert_false(siov_gather_is_ripe(&g, start + SIOV_GATHER_WAIT_CYCLES - 1));
		assert_true(siov_gather_is_ripe(&g, start + SIOV_GATHER_WAIT_CYCLES));
		assert_true(siov_gather_is_ripe(&g, start + 2 * SIOV_GATHER_WAIT_CYCLES));
		/* Taken: the next burst gathers anew. */
		siov_gather_popped(&g, 4, start + 2 * SIOV_GATHER_WAIT_CYCLES);
		assert_false(siov_gather_is_ripe(&g, start + 2 * SIOV_GATHER_WAIT_CYCLES + 1));
	}
}

static void
test_patience_is_kept_where_it_pays_by_a_quarter(void **state)
{
	struct siov_gather g = {0};
	uint64_t now = 5;

	RTE_SET_USED(state);
	measure(&g, &now, 100, 126);
	assert_true(g.verdict);
	measure(&g, &now, 100, 125);
	assert_false(g.verdict);
	measure(&g, &now, 100, 100);
	assert_false(g.verdict);
	measure(&g, &now, 100, 30);
	assert_false(g.verdict);
	measure(&g, &now, 1, 32);
	assert_true(g.verdict);
}

/* The same number of descriptors in half the time pays, in twice the time does not. */
static void
test_rate_not_burst_decides(void **state)
{
	struct siov_gather g = {0};
	uint64_t now = 0;

	RTE_SET_USED(state);
	now = run_window(&g, now, 8, 1000);
	now = run_window(&g, now, 8, 500);
	assert_int_equal(g.phase, SIOV_GATHER_KEEP);
	assert_true(g.patient);
	g = (struct siov_gather){.window_start = now};
	now = run_window(&g, now, 8, 1000);
	run_window(&g, now, 15, 2000);
	assert_int_equal(g.phase, SIOV_GATHER_KEEP);
	assert_false(g.patient);
}

static void
test_confirmed_verdict_is_measured_ever_more_rarely(void **state)
{
	struct siov_gather g = {0};
	uint64_t now = 5;
	unsigned int expected = SIOV_GATHER_KEEP_MIN;
	unsigned int i;

	RTE_SET_USED(state);
	for (i = 0; i < 10; i++) {
		assert_int_equal(measure(&g, &now, 10, 40), expected);
		expected = RTE_MIN(2 * expected, SIOV_GATHER_KEEP_MAX);
	}
	assert_int_equal(expected, SIOV_GATHER_KEEP_MAX);
	/* A change of mind is checked soon. */
	assert_int_equal(measure(&g, &now, 10, 10), SIOV_GATHER_KEEP_MIN);
	assert_int_equal(measure(&g, &now, 10, 10), 2 * SIOV_GATHER_KEEP_MIN);
	assert_int_equal(measure(&g, &now, 10, 40), SIOV_GATHER_KEEP_MIN);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_new_lane_is_prompt),
		cmocka_unit_test(test_patience_ends_after_its_cycles),
		cmocka_unit_test(test_patience_is_kept_where_it_pays_by_a_quarter),
		cmocka_unit_test(test_rate_not_burst_decides),
		cmocka_unit_test(test_confirmed_verdict_is_measured_ever_more_rarely),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "stress_swq.h"

/* Submitters against sizes: from one of each to more threads than entries. */
static void
test_s7_3_2_exactly_once_under_thread_counts_and_sizes(void **state)
{
	static const struct stress_case cases[] = {
		{.size = 1, .nb_submitters = 1, .nb_engines = 1, .nb_descs = 4000},
		{.size = 1024, .nb_submitters = 1, .nb_engines = 1, .nb_descs = 200000},
		{.size = 2, .nb_submitters = 2, .nb_engines = 1, .nb_descs = 5000},
		{.size = 100, .nb_submitters = 2, .nb_engines = 1, .nb_descs = 60000},
		{.size = 3, .nb_submitters = 4, .nb_engines = 1, .nb_descs = 4000},
		{.size = 64, .nb_submitters = 4, .nb_engines = 1, .nb_descs = 30000},
		{.size = 7, .nb_submitters = 8, .nb_engines = 1, .nb_descs = 3000},
		{.size = 1000, .nb_submitters = 8, .nb_engines = 1, .nb_descs = 20000},
	};

	RTE_SET_USED(state);
	stress_run(cases, RTE_DIM(cases));
}

static void
test_s7_3_2_exactly_once_under_random_stalls(void **state)
{
	static const struct stress_case cases[] = {
		{.size = 1,
		 .nb_submitters = 2,
		 .nb_engines = 1,
		 .nb_descs = 2000,
		 .has_stalls = true},
		{.size = 16,
		 .nb_submitters = 4,
		 .nb_engines = 1,
		 .nb_descs = 10000,
		 .has_stalls = true},
		{.size = 65,
		 .nb_submitters = 8,
		 .nb_engines = 1,
		 .nb_descs = 5000,
		 .has_stalls = true},
		{.size = 128,
		 .nb_submitters = 4,
		 .nb_engines = 2,
		 .nb_descs = 10000,
		 .has_stalls = true},
	};

	RTE_SET_USED(state);
	stress_run(cases, RTE_DIM(cases));
}

static void
test_s7_3_2_never_more_than_n_are_inside(void **state)
{
	static const struct stress_case cases[] = {
		{.size = 1,
		 .nb_submitters = 4,
		 .nb_engines = 2,
		 .nb_descs = 2000,
		 .is_counted = true},
		{.size = 7,
		 .nb_submitters = 4,
		 .nb_engines = 1,
		 .nb_descs = 4000,
		 .is_counted = true,
		 .has_stalls = true},
		{.size = 63,
		 .nb_submitters = 2,
		 .nb_engines = 2,
		 .nb_descs = 20000,
		 .is_counted = true},
		{.size = 1024,
		 .nb_submitters = 8,
		 .nb_engines = 2,
		 .nb_descs = 10000,
		 .is_counted = true,
		 .has_stalls = true},
	};

	RTE_SET_USED(state);
	stress_run(cases, RTE_DIM(cases));
}

static void
test_s7_3_1_a_hundred_and_twenty_eight_threads(void **state)
{
	static const struct stress_case cases[] = {
		{.size = 128, .nb_submitters = 128, .nb_engines = 2, .nb_descs = 300},
		{.size = 16, .nb_submitters = 128, .nb_engines = 1, .nb_descs = 100},
	};

	RTE_SET_USED(state);
	stress_run(cases, RTE_DIM(cases));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_s7_3_2_exactly_once_under_thread_counts_and_sizes),
		cmocka_unit_test(test_s7_3_2_exactly_once_under_random_stalls),
		cmocka_unit_test(test_s7_3_2_never_more_than_n_are_inside),
		cmocka_unit_test(test_s7_3_1_a_hundred_and_twenty_eight_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

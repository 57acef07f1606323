/* SPDX-License-Identifier: BSD-3-Clause */
#include "stress_swq.h"

static void
test_s7_3_2_exactly_once_with_two_engines(void **state)
{
	static const struct stress_case cases[] = {
		{.size = 2, .nb_submitters = 2, .nb_engines = 2, .nb_descs = 5000},
		{.size = 64, .nb_submitters = 4, .nb_engines = 2, .nb_descs = 30000},
		{.size = 1024, .nb_submitters = 8, .nb_engines = 2, .nb_descs = 20000},
	};

	RTE_SET_USED(state);
	stress_run(cases, RTE_DIM(cases));
}

/* Lanes come and go, and change engines. */
static void
test_s7_3_2_exactly_once_while_lanes_come_and_go(void **state)
{
	static const struct stress_case cases[] = {
		{.size = 7,
		 .nb_submitters = 4,
		 .nb_engines = 1,
		 .nb_descs = 4000,
		 .reattach_every = 50},
		{.size = 64,
		 .nb_submitters = 5,
		 .nb_engines = 2,
		 .nb_descs = 10000,
		 .reattach_every = 333,
		 .has_stalls = true},
		{.size = 1000,
		 .nb_submitters = 8,
		 .nb_engines = 2,
		 .nb_descs = 10000,
		 .reattach_every = 997,
		 .is_counted = true},
	};

	RTE_SET_USED(state);
	stress_run(cases, RTE_DIM(cases));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_s7_3_2_exactly_once_with_two_engines),
		cmocka_unit_test(test_s7_3_2_exactly_once_while_lanes_come_and_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

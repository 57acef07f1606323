/* SPDX-License-Identifier: BSD-3-Clause */
#include "stress_swq.h"

static void
test_s7_3_2_exactly_once_in_exact_mode(void **state)
{
	static const struct stress_case cases[] = {
		{.size = 3,
		 .flags = SIOV_WQ_F_EXACT,
		 .nb_submitters = 4,
		 .nb_engines = 1,
		 .nb_descs = 4000,
		 .is_counted = true},
		{.size = 128,
		 .flags = SIOV_WQ_F_EXACT | SIOV_WQ_F_STAMPS,
		 .nb_submitters = 8,
		 .nb_engines = 2,
		 .nb_descs = 15000,
		 .has_stalls = true},
		{.size = 65,
		 .flags = SIOV_WQ_F_EXACT,
		 .nb_submitters = 4,
		 .nb_engines = 2,
		 .nb_descs = 5000,
		 .reattach_every = 100},
	};

	RTE_SET_USED(state);
	stress_run(cases, RTE_DIM(cases));
}

/* Half of the lanes see a full queue early. */
static void
test_s7_3_3_exactly_once_with_limited_portals(void **state)
{
	static const struct stress_case cases[] = {
		{.size = 16,
		 .threshold = 4,
		 .nb_submitters = 4,
		 .nb_limited = 2,
		 .nb_engines = 1,
		 .nb_descs = 4000},
		{.size = 100,
		 .threshold = 60,
		 .nb_submitters = 8,
		 .nb_limited = 4,
		 .nb_engines = 2,
		 .nb_descs = 8000,
		 .reattach_every = 501,
		 .is_counted = true},
		{.size = 128,
		 .threshold = 1,
		 .flags = SIOV_WQ_F_STAMPS,
		 .nb_submitters = 4,
		 .nb_limited = 1,
		 .nb_engines = 1,
		 .nb_descs = 2000,
		 .has_stalls = true},
	};

	RTE_SET_USED(state);
	stress_run(cases, RTE_DIM(cases));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_s7_3_2_exactly_once_in_exact_mode),
		cmocka_unit_test(test_s7_3_3_exactly_once_with_limited_portals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

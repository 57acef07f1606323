/* SPDX-License-Identifier: BSD-3-Clause */
/* apps/common/patience.h: what ends it, and what does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "patience.h"

#define CYCLES UINT64_C(100000000)

/* The machine stood still for an hour between any two looks: as many looks as ever. */
static void
test_time_that_nobody_saw_does_not_count(void **state)
{
	struct patience patience;
	unsigned int nb = 0;

	(void)state;
	patience_begin(&patience, CYCLES);
	do {
		patience.last -= 3600 * CYCLES;
		nb++;
	} while (patience_lasts(&patience));
	assert_true(nb >= PATIENCE_LOOKS_MIN && nb <= PATIENCE_LOOKS_MIN + 1);
}

static void
test_it_ends_after_its_time(void **state)
{
	struct patience patience;
	uint64_t begin;

	(void)state;
	patience_begin(&patience, CYCLES);
	begin = patience.last;
	while (patience_lasts(&patience))
		;
	assert_true(patience.last - begin >= CYCLES);
	assert_false(patience_lasts(&patience));
	patience_begin(&patience, CYCLES);
	assert_true(patience_lasts(&patience));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_time_that_nobody_saw_does_not_count),
		cmocka_unit_test(test_it_ends_after_its_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

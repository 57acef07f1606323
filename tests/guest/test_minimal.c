/* SPDX-License-Identifier: BSD-3-Clause */
/* The example of guest/README.md works. */
#include "machine.h"
#include "minimal.h"

#define SRC UINT64_C(0x10000)
#define DST UINT64_C(0x20000)
#define LEN 5000u

static void
test_s9_3_1_the_least_driver_that_there_is(void **state)
{
	struct machine *machine = machine_open(NULL);
	uint16_t bdf = machine_plug(machine, "dwq", 1);
	struct siov_vcpu *vcpu = machine_enter(machine, 0);
	unsigned int i, round;

	(void)state;
	for (round = 0; round < 3; round++) {
		for (i = 0; i < LEN; i++)
			machine->ram[SRC + i] = (uint8_t)(i * 5 + round);
		assert_int_equal(minimal_copy(vcpu, bdf, DST, SRC, LEN), 81);
		assert_memory_equal(machine->ram + DST, machine->ram + SRC, LEN);
	}
	assert_int_equal(minimal_copy(vcpu, bdf, MACHINE_RAM, SRC, LEN), -1);
	assert_int_equal(minimal_copy(vcpu, bdf + 8, DST, SRC, LEN), -1);
	machine_leave(machine, 0);
	machine_unplug(machine, bdf);
	machine_close(machine);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_s9_3_1_the_least_driver_that_there_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

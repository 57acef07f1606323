/* SPDX-License-Identifier: BSD-3-Clause */
/* As many operations as the machine does, by all PASIDs in turn. */
#include "ptest.h"
#include "run.h"

const struct ptest ptest_throughput = {
	.name = "throughput",
	.run = run_sweeps,
};

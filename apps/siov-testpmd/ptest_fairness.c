/* SPDX-License-Identifier: BSD-3-Clause */
/* Equal PASIDs of several submitters on one overloaded queue: does each get the same? */
#include "complain.h"
#include "ptest.h"
#include "run.h"

#define SUBMITTERS 4u

static void
tune(struct options *o)
{
	o->wish_submitters = SUBMITTERS;
}

static int
check(const struct options *o)
{
	if (o->nb_pasids < 2)
		return complain("--nb-pasids=%u with --ptest=fairness: allowed: 2 or more",
				o->nb_pasids);
	return 0;
}

const struct ptest ptest_fairness = {
	.name = "fairness",
	.tune = tune,
	.check = check,
	.run = run_sweeps,
};

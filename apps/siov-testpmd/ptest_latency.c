/* SPDX-License-Identifier: BSD-3-Clause */
/* One descriptor at a time: what a lone submitter waits, from submission to completion record. */
#include "complain.h"
#include "ptest.h"
#include "run.h"
#include "work_op.h"

static void
tune(struct options *o)
{
	if (!o->is_given[OPT_QDEPTH])
		o->qdepth = 1;
	if (!o->is_given[OPT_NB_PASIDS])
		o->nb_pasids = 1;
	if (!o->is_given[OPT_NB_SUBMITTERS] && o->submit_cores.nb == 0)
		o->nb_submitters = 1;
	if (!o->prs && !o->is_given[OPT_OP] && !o->is_given[OPT_BUF_SZ])
		o->op = work_op_find("noop");
}

static int
check(const struct options *o)
{
	if (o->qdepth != 1)
		return complain("--qdepth=%u with --ptest=latency: one descriptor is outstanding; "
				"allowed: 1",
				o->qdepth);
	if (o->no_latency)
		return complain("--no-latency with --ptest=latency: allowed: one of them");
	if (o->arrival != ARRIVAL_CLOSED)
		return complain("--arrival=%s with --ptest=latency: allowed: closed",
				options_arrival_name(o->arrival));
	return 0;
}

const struct ptest ptest_latency = {
	.name = "latency",
	.tune = tune,
	.check = check,
	.run = run_sweeps,
};

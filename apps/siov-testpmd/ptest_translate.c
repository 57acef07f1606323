/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The translation cache, from a few pages to more than it holds: no-ops whose completion records
 * are all that is translated, one page (or more) for each PASID, over a rising number of PASIDs.
 * With --prs pages are to be asked for, so operations have buffers.
 */
#include "ptest.h"
#include "run.h"
#include "work_op.h"

#define DEFAULT_DURATION_S 1.0
#define PRS_PASIDS 64u

static const uint32_t steps[] = {1, 64, 1024, 16384, 65536, 262144};

static void
tune(struct options *o)
{
	if (!o->prs && !o->is_given[OPT_OP] && !o->is_given[OPT_BUF_SZ])
		o->op = work_op_find("noop");
	if (!o->is_given[OPT_DURATION])
		o->duration_s = DEFAULT_DURATION_S;
	if (!o->is_given[OPT_NB_PASIDS])
		o->nb_pasids = o->prs ? PRS_PASIDS : steps[RTE_DIM(steps) - 1];
}

static int
run(struct job *job)
{
	struct result_point point = run_first_point(job->opts);
	unsigned int i;

	if (job->opts->is_given[OPT_NB_PASIDS] || job->opts->prs ||
	    job->opts->submit == SUBMIT_MOVDIR64B)
		return run_sweeps(job);
	for (i = 0; i < RTE_DIM(steps) && !job->stopper->is_stopped; i++) {
		point.nb_pasids = steps[i];
		if (run_and_report(job, &point) != 0)
			return -1;
	}
	return 0;
}

const struct ptest ptest_translate = {
	.name = "translate",
	.tune = tune,
	.run = run,
};

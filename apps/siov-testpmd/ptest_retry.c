/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Offered rate against Retry rate: an open loop at rising rates. Where the user names no rates, they
 * are parts and multiples of what a closed loop reaches.
 */
#include "complain.h"
#include "ptest.h"
#include "run.h"

#define QDEPTH 4096u /* the queue, not the client, is to be the limit */
#define CALIBRATION_S 0.5
#define DEFAULT_DURATION_S 1.0

static const unsigned int percents[] = {25, 50, 75, 90, 100, 110, 125, 150};

static void
tune(struct options *o)
{
	if (!o->is_given[OPT_ARRIVAL])
		o->arrival = ARRIVAL_POISSON;
	if (!o->is_given[OPT_RETRY_POLICY])
		o->retry_policy = SIOV_BACKOFF_NONE;
	if (!o->is_given[OPT_QDEPTH])
		o->qdepth = QDEPTH;
	if (!o->is_given[OPT_DURATION])
		o->duration_s = DEFAULT_DURATION_S;
}

static int
check(const struct options *o)
{
	if (o->arrival == ARRIVAL_CLOSED)
		return complain("--arrival=closed with --ptest=retry: a closed loop has no offered "
				"rate; allowed: const, poisson");
	if (o->submit == SUBMIT_MOVDIR64B)
		return complain("--submit=movdir64b with --ptest=retry: a posted write is never "
				"answered Retry; allowed: enqcmd, enqcmds");
	return 0;
}

/* What a closed loop reaches with the same settings, operations per second. */
static int
calibrate(struct job *job, double *ops)
{
	struct result_point point = run_first_point(job->opts);
	struct options closed = *job->opts;
	struct job closed_job = *job;
	struct result result;
	int err;

	closed.arrival = ARRIVAL_CLOSED;
	closed.retry_policy = SIOV_BACKOFF_PAUSE;
	closed.duration_s = CALIBRATION_S;
	closed.repeat = 1;
	closed_job.opts = &closed;
	point.rate = 0;
	err = run_point(&closed_job, &point, &result);
	*ops = result_mops(&result.sum, result.duration_s) * 1e6;
	result_free(&result);
	return err;
}

static int
run_percents(struct job *job)
{
	struct result_point point = run_first_point(job->opts);
	unsigned int i;
	double ops;

	if (calibrate(job, &ops) != 0)
		return -1;
	for (i = 0; i < RTE_DIM(percents) && !job->stopper->is_stopped; i++) {
		point.rate = RTE_MAX((uint64_t)(ops * percents[i] / 100), UINT64_C(1));
		if (run_and_report(job, &point) != 0)
			return -1;
	}
	return 0;
}

static int
run(struct job *job)
{
	return job->opts->rate.nb > 0 ? run_sweeps(job) : run_percents(job);
}

const struct ptest ptest_retry = {
	.name = "retry",
	.tune = tune,
	.check = check,
	.run = run,
};

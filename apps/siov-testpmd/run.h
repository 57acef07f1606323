/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Measuring.
 *
 *     point   one set of values: size, rate, number of PASIDs
 *     phase   warm-up, or one repeat: go, time passes, stop, everything drains, counters are read
 *
 * A phase starts and ends with nothing in flight, so its counts add up exactly; they are checked
 * against what the submitters counted themselves. The result of a point is the repeat with the
 * median rate.
 */
#ifndef RUN_H
#define RUN_H

#include "phase.h"
#include "submitter.h"

/* The point that the options name without sweeping. */
struct result_point run_first_point(const struct options *o);

/*
 * Measure one point. 0, or -1 after one line on stderr: something failed or did not add up; what was
 * measured is in *out all the same. result_free is due either way.
 */
int run_point(struct job *job, const struct result_point *point, struct result *out);

/* The same, and hand the result to the report. */
int run_and_report(struct job *job, const struct result_point *point);

/* Every combination of the sweeps. 0 or -1. */
int run_sweeps(struct job *job);

/* Memory that run_point will take at most, for the options' largest values. */
uint64_t run_bytes(const struct options *o);

/* The settings of one point's submitters. */
struct submitter_conf run_submitter_conf(const struct options *o, unsigned int nb_submitters,
					 const struct result_point *point);

/* Whether every descriptor accepted was completed, failed or aborted. 0 or -1 after one line. */
int run_check_rows(const struct result *result);

#endif /* RUN_H */

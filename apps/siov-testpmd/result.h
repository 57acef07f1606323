/* SPDX-License-Identifier: BSD-3-Clause */
/* What came of a measurement; the writers out_*.c read nothing else. */
#ifndef RESULT_H
#define RESULT_H

#include <stdbool.h>
#include <stdio.h>

#include "options.h"
#include "placement.h"

/* Latency of one row [ns]; valid only where submission times were kept. */
struct result_latency {
	bool is_valid;
	double p50_ns;
	double p99_ns;
	double p999_ns;
	double max_ns;
};

/* Counts of one PASID on one queue, or a sum of them. */
struct result_counts {
	uint64_t attempts;
	uint64_t accepted;
	uint64_t retry_capacity;
	uint64_t retry_qos;
	uint64_t retry_other;
	uint64_t dropped;
	uint64_t completed;
	uint64_t failed;
	uint64_t aborted;
	uint64_t bytes;
	uint64_t members; /* operations in batches; a batch itself counts as one above */
};

struct result_row {
	uint32_t pasid; /* SIOV_PASID_OTHERS: work whose PASID has no portal */
	uint32_t wq_id;
	double share; /* that it should have against others', not 0 */
	struct result_counts nb;
	struct result_latency latency;
};

/* What was varied. */
struct result_point {
	uint32_t buf_sz; /* bytes; 0: the operation has none */
	uint32_t batch_sz; /* operations of a batch; 1: no batches */
	uint64_t rate; /* operations per second; 0: closed loop */
	uint32_t nb_pasids;
};

struct result {
	struct result_point point;
	struct result_row *rows;
	uint32_t nb_rows;
	struct result_counts sum;
	struct result_latency latency;
	double duration_s;
	double jain; /* fairness of completions over PASIDs, each against its share, 1/n to 1 */
	bool has_shares; /* the rows have shares that were asked for; else all are 1 */
	double share_error; /* of the PASID that is farthest from its share: 0.1 is 10 % more */
	uint32_t share_pasid; /* which that is */
	uint32_t nb_repeats; /* measured; this one is their median */
	double mops_min; /* over the repeats */
	double mops_max;
	uint64_t atc_lookups;
	uint64_t atc_misses;
	uint64_t page_requests; /* sent by the engines */
	struct result_latency page_latency; /* of those that were answered */
};

/* Everything that one invocation measured. */
struct report {
	const struct options *opts;
	const struct placement *placement;
	bool no_huge;
	struct result *results;
	unsigned int nb_results;
};

static inline uint64_t
result_retries(const struct result_counts *nb)
{
	return nb->retry_capacity + nb->retry_qos + nb->retry_other;
}

static inline double
result_mops(const struct result_counts *nb, double duration_s)
{
	/* Of batches, what they hold. */
	uint64_t ops = nb->members != 0 ? nb->members : nb->completed;

	return duration_s > 0 ? (double)ops / duration_s / 1e6 : 0;
}

static inline double
result_gbps(const struct result_counts *nb, double duration_s)
{
	return duration_s > 0 ? (double)nb->bytes * 8 / duration_s / 1e9 : 0;
}

static inline double
result_retry_ratio(const struct result_counts *nb)
{
	return nb->attempts > 0 ? (double)result_retries(nb) / (double)nb->attempts : 0;
}

/* Sum and fairness of the rows. */
void result_sum_up(struct result *result);

void result_free(struct result *result);

/* Append a result, which the report then owns. 0 or -ENOMEM. */
int report_add(struct report *report, const struct result *result);
void report_clear(struct report *report);

/* Whether the files for reports can be written. 0, or -1 after one line on stderr. */
int report_check_files(const struct options *o);

/* Write the report where the options want it. 0, or -1 after one line on stderr. */
int report_write(const struct report *report);

void out_table(FILE *f, const struct report *report);
void out_csv(FILE *f, const struct report *report);
/* 0 or -1 after one line. */
int out_json(FILE *f, const struct report *report);

/* Model of the CPU, as /proc/cpuinfo tells it; "unknown" elsewhere. */
void report_cpu_model(char *model, size_t size);

#endif /* RESULT_H */

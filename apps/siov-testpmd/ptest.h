/* SPDX-License-Identifier: BSD-3-Clause */
/* Workloads: one file and one row each. */
#ifndef PTEST_H
#define PTEST_H

#include "options.h"

struct job;

#define PTEST_NAMES "throughput, latency, retry, fairness, translate, verify"

struct ptest {
	const char *name;
	/* Put in the workload's own defaults where the user gave nothing. NULL: none. */
	void (*tune)(struct options *o);
	/* Refuse what makes no sense with it: 0, or -1 after one line on stderr. NULL: all does. */
	int (*check)(const struct options *o);
	/* Bytes of guest memory beyond what the clients' buffers need. NULL: none. */
	uint64_t (*extra_bytes)(const struct options *o);
	/* Measure; results go to the job's report. 0, or -1 after one line on stderr. */
	int (*run)(struct job *job);
};

extern const struct ptest ptest_throughput;
extern const struct ptest ptest_latency;
extern const struct ptest ptest_retry;
extern const struct ptest ptest_fairness;
extern const struct ptest ptest_translate;
extern const struct ptest ptest_verify;
extern const struct ptest ptest_data; /* --data; not in the list by name */

/* NULL if there is none of this name. */
const struct ptest *ptest_find(const char *name);

#endif /* PTEST_H */

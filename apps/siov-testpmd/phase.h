/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A phase: all submitting lcores go, time passes, they stop, and everything drains.
 */
#ifndef PHASE_H
#define PHASE_H

#include <rte_launch.h>

#include "result.h"
#include "rig.h"
#include "stopper.h"

/* One invocation of a workload. */
struct job {
	const struct options *opts;
	struct rig *rig;
	struct stopper *stopper;
	struct report *report;
};

struct phase {
	/* const while it runs: what each submitting lcore calls, with which element of args */
	lcore_function_t *main;
	void *args;
	size_t arg_size;
	/* shared with the submitting lcores */
	SIOV_ATOMIC(uint32_t) go;
	SIOV_ATOMIC(uint32_t) stop;
	SIOV_ATOMIC(uint32_t) nb_running; /* each takes one off as it ends */
};

/*
 * Let them run for some seconds (0: until they end by themselves), then wait for them and for the
 * queues. Engines must run. 0, or -1 after one line on stderr.
 */
int phase_run(struct phase *phase, struct job *job, double seconds, const char *name);

/* For the submitting lcores: wait for the start, say that one has ended. */
void phase_wait_go(struct phase *phase, bool yields);
void phase_end(struct phase *phase);

static inline bool
phase_is_over(const struct phase *phase)
{
	return siov_atomic_load(&phase->stop, relaxed) != 0;
}

#endif /* PHASE_H */

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A phase: all submitting lcores go, time passes, they stop, and everything drains.
 *
 *     RUN ──► OVER      phase_run
 *      │▲
 *      ▼│               phase_hold, phase_resume: submitters reap what is outstanding, and wait
 *     HOLD
 *
 * Whoever changes the state has the gate.
 */
#ifndef PHASE_H
#define PHASE_H

#include <pthread.h>

#include <rte_launch.h>

#include "result.h"
#include "rig.h"
#include "stopper.h"

struct injector;

enum phase_state { PHASE_RUN, PHASE_OVER, PHASE_HOLD };

/* One invocation of a workload. */
struct job {
	const struct options *opts;
	struct rig *rig;
	struct stopper *stopper;
	struct report *report;
	struct injector *injector; /* NULL: nobody injects faults */
};

struct phase {
	/* const while it runs: what each submitting lcore calls, with which element of args */
	lcore_function_t *main;
	void *args;
	size_t arg_size;
	/* shared with the submitting lcores */
	SIOV_ATOMIC(uint32_t) go;
	SIOV_ATOMIC(uint32_t) stop; /* enum phase_state */
	SIOV_ATOMIC(uint32_t) nb_running; /* each takes one off as it ends */
	SIOV_ATOMIC(uint32_t) nb_held; /* submitters that wait in phase_pause */
	pthread_mutex_t gate;
};

/* Before the first run, and after the last. */
void phase_init(struct phase *phase);
void phase_fini(struct phase *phase);

/*
 * Let them run for some seconds (0: until they end by themselves), then wait for them and for the
 * queues. Engines must run. 0, or -1 after one line on stderr.
 */
int phase_run(struct phase *phase, struct job *job, double seconds, const char *name);

/* For the submitting lcores: wait for the start, say that one has ended. */
void phase_wait_go(struct phase *phase, bool yields);
void phase_end(struct phase *phase);

/*
 * For submitting lcores that found the phase over and have nothing outstanding any more: true if it
 * was only held, and goes on now.
 */
bool phase_pause(struct phase *phase, bool yields);

/*
 * For any other thread: stop submissions and take the gate; phase_resume gives it back, and is due
 * either way. 0, or -ETIMEDOUT: a submitter still waits for completions. Without a phase under way
 * there is nothing to wait for.
 */
int phase_hold(struct phase *phase);
void phase_resume(struct phase *phase);

static inline bool
phase_is_over(const struct phase *phase)
{
	return siov_atomic_load(&phase->stop, relaxed) != PHASE_RUN;
}

#endif /* PHASE_H */

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How the rest of ctrl/ gets something done that may take a while.
 *
 * Such work is a step function, called again and again until it is done. A step is short, does not
 * sleep and runs under the device's lock; its state lies with the caller.
 *
 *     control runs:  caller ── request ──► control lcore: step, step, step ── answer ──► caller
 *     otherwise:     caller: step, sleep, step, sleep, step
 *
 * Who owns a request: it lies on its caller's stack and is linked into the device. It is touched
 * under the lock only, and the caller does not return before it has unlinked it under the lock. So
 * a caller whose patience ends takes the request back, whatever state it is in: one that was never
 * started had no effect, one that was started is brought to its end by the caller itself.
 */
#ifndef CONTROL_PRIV_H
#define CONTROL_PRIV_H

#include <pthread.h>
#include <stdbool.h>

#include <sys/queue.h>

struct siov_dev;

#define CONTROL_PATIENCE_MS 5000u /* how long a request may wait beyond its own time-out */

/* Returns -EAGAIN: call me again later; or the answer. After its own time-out never -EAGAIN. */
typedef int (*control_step)(struct siov_dev *dev, void *arg);

struct control_request;

struct control {
	TAILQ_HEAD(, control_request) requests; /* not yet answered */
	pthread_t thread; /* while is_running */
	bool is_running;
	bool must_stop;
	int event_fd; /* while is_running: wakes the control lcore */
	unsigned int patience_ms;
};

void control_init(struct control *control);

/* Let the control lcore, if there is one, look what there is to do. Under the lock. */
void control_wake(struct control *control);

/*
 * Have step called until it is done. timeout_ms: how long it says -EAGAIN at most. Returns its
 * answer, or -ETIMEDOUT if the control lcore did not take the request up. Not under the lock.
 */
int control_call(struct siov_dev *dev, control_step step, void *arg, unsigned int timeout_ms);

#endif /* CONTROL_PRIV_H */

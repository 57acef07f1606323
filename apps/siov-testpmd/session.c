/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "book.h"
#include "complain.h"
#include "injector.h"
#include "ptest.h"
#include "session.h"

#define SECOND_NS 1000000000L
#define WAIT_STEP_NS 50000000L /* between looks for a signal */

int
session_create(struct session *session, int signal_fd, bool no_huge)
{
	session->signal_fd = signal_fd;
	session->no_huge = no_huge;
	pthread_mutex_init(&session->lock, NULL);
	pthread_cond_init(&session->changed, NULL);
	if (placement_resolve(&session->opts, &session->placement) != 0)
		return -1;
	if (stopper_open(&session->stopper, signal_fd) != 0)
		return -1;
	session->report = (struct report){
		.opts = &session->opts,
		.placement = &session->placement,
		.no_huge = no_huge,
	};
	if (injector_create(&session->injector) != 0)
		return complain("too little memory");
	return rig_create(&session->rig, &session->opts, &session->placement);
}

int
session_free(struct session *session)
{
	int err;

	report_clear(&session->report);
	snapshot_free(&session->cleared);
	free(session->adi_bases);
	err = book_free(session->book);
	if (session->rig.placement != NULL)
		rig_free(&session->rig);
	injector_free(session->injector);
	stopper_close(&session->stopper);
	pthread_cond_destroy(&session->changed);
	pthread_mutex_destroy(&session->lock);
	return err;
}

int
session_run(struct session *session)
{
	struct job job = {
		.opts = &session->opts,
		.rig = &session->rig,
		.stopper = &session->stopper,
		.report = &session->report,
		.injector = session->injector,
	};
	int err = session->opts.ptest->run(&job);

	if (session->report.nb_results > 0)
		return report_write(&session->report) | err;
	if (err == 0)
		warn("stopped before anything was measured");
	/* At the prompt that is what was asked for. */
	return err == 0 && session->book != NULL ? 0 : -1;
}

/* ---- main lcore ---- */

static void
set_state(struct session *session, enum session_state state)
{
	session->state = state;
	pthread_cond_broadcast(&session->changed);
}

int
session_serve(struct session *session)
{
	bool failed;

	pthread_mutex_lock(&session->lock);
	for (;;) {
		int err;

		while (session->state == SESSION_IDLE)
			pthread_cond_wait(&session->changed, &session->lock);
		if (session->state == SESSION_ENDED)
			break;
		set_state(session, SESSION_RUNNING);
		pthread_mutex_unlock(&session->lock);
		report_clear(&session->report);
		err = session_run(session);
		pthread_mutex_lock(&session->lock);
		session->has_failed |= err != 0;
		if (session->state == SESSION_RUNNING)
			set_state(session, SESSION_IDLE);
	}
	failed = session->has_failed;
	pthread_mutex_unlock(&session->lock);
	return failed ? -1 : 0;
}

/* ---- prompt's thread ---- */

int
session_start(struct session *session)
{
	int ret = -EBUSY;

	pthread_mutex_lock(&session->lock);
	if (session->state == SESSION_IDLE) {
		stopper_clear(&session->stopper);
		set_state(session, SESSION_ASKED);
		ret = 0;
	}
	pthread_mutex_unlock(&session->lock);
	return ret;
}

/* Wait for a change, a short time at most. */
static void
wait_change(struct session *session)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += WAIT_STEP_NS;
	if (until.tv_nsec >= SECOND_NS) {
		until.tv_sec++;
		until.tv_nsec -= SECOND_NS;
	}
	pthread_cond_timedwait(&session->changed, &session->lock, &until);
}

static double
now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / SECOND_NS;
}

/* A signal that arrives while nobody reads stdin: the workload and the commands end. */
static void
take_signal(struct session *session)
{
	struct signalfd_siginfo info;

	if (read(session->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		stopper_ask(&session->stopper);
		session->is_quitting = true;
	}
}

static bool
is_at_work(const struct session *session)
{
	return session->state == SESSION_ASKED || session->state == SESSION_RUNNING;
}

bool
session_wait(struct session *session, double timeout_s)
{
	double end_s = now_s() + timeout_s;
	bool is_idle;

	pthread_mutex_lock(&session->lock);
	while (is_at_work(session) && (timeout_s <= 0 || now_s() < end_s)) {
		take_signal(session);
		wait_change(session);
	}
	is_idle = !is_at_work(session);
	pthread_mutex_unlock(&session->lock);
	return is_idle;
}

bool
session_is_idle(struct session *session)
{
	bool is_idle;

	pthread_mutex_lock(&session->lock);
	is_idle = session->state == SESSION_IDLE;
	pthread_mutex_unlock(&session->lock);
	return is_idle;
}

void
session_stop(struct session *session)
{
	stopper_ask(&session->stopper);
	session_wait(session, 0);
}

void
session_end(struct session *session)
{
	session_stop(session);
	pthread_mutex_lock(&session->lock);
	set_state(session, SESSION_ENDED);
	pthread_mutex_unlock(&session->lock);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "book.h"
#include "complain.h"
#include "ptest.h"
#include "session.h"

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
	return rig_create(&session->rig, &session->opts, &session->placement);
}

int
session_free(struct session *session)
{
	int err;

	report_clear(&session->report);
	snapshot_free(&session->cleared);
	err = book_free(session->book);
	if (session->rig.placement != NULL)
		rig_free(&session->rig);
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
	};
	int err = session->opts.ptest->run(&job);

	if (session->report.nb_results > 0)
		err |= report_write(&session->report);
	else if (err == 0)
		err = complain("stopped before anything was measured");
	return err;
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

bool
session_wait(struct session *session, double timeout_s)
{
	struct timespec until;
	bool is_idle;
	int ret = 0;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += (time_t)timeout_s;
	until.tv_nsec += (long)((timeout_s - (double)(time_t)timeout_s) * 1e9);
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	pthread_mutex_lock(&session->lock);
	while ((session->state == SESSION_ASKED || session->state == SESSION_RUNNING) && ret == 0) {
		if (timeout_s > 0)
			ret = pthread_cond_timedwait(&session->changed, &session->lock, &until);
		else
			ret = pthread_cond_wait(&session->changed, &session->lock);
	}
	is_idle = session->state != SESSION_ASKED && session->state != SESSION_RUNNING;
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

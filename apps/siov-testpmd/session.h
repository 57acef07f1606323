/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The program's state while it runs, and who does what:
 *
 *     main lcore       runs workloads, one at a time, when asked to
 *     prompt's thread  reads commands, asks for workloads and for their end
 */
#ifndef SESSION_H
#define SESSION_H

#include <pthread.h>

#include "fault_log.h"
#include "phase.h"
#include "snapshot.h"

struct book;
struct injector;
struct siov_adi_info; /* siov_dev_adi.h */

enum session_state {
	SESSION_IDLE,
	SESSION_ASKED, /* a workload is to start */
	SESSION_RUNNING,
	SESSION_ENDED, /* no more workloads */
};

struct session {
	struct options given; /* what the user said, on the command line and with "set" */
	struct options opts; /* what follows from it; const while a workload runs */
	struct placement placement;
	struct rig rig;
	struct stopper stopper;
	struct report report;
	struct injector *injector;
	bool no_huge;
	int signal_fd;

	/* shared, under the lock */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	enum session_state state;
	bool has_failed; /* a workload has */

	/* owner: the prompt's thread */
	struct snapshot cleared; /* counters as they were at the last "clear" */
	struct siov_adi_info *adi_bases; /* the same of ADIs; NULL: none */
	uint32_t nb_adi_bases;
	struct fault_log faults;
	struct book *book;
	bool is_quitting;
	bool cmd_failed; /* the command being executed has */
	unsigned int load_depth;
};

/* Build the device. 0, or -1 after one line; session_free is due either way. */
int session_create(struct session *session, int signal_fd, bool no_huge);
int session_free(struct session *session);

/* Run the options' workload here and now, and report it. 0, or -1 after one line. */
int session_run(struct session *session);

/* Main lcore: do what the prompt asks until session_end. 0, or -1 if a workload failed. */
int session_serve(struct session *session);

/* Prompt's thread: ask for a workload; -EBUSY if one runs. */
int session_start(struct session *session);
/* Wait at most timeout_s seconds (0: for ever) until no workload runs; returns whether none does. */
bool session_wait(struct session *session, double timeout_s);
bool session_is_idle(struct session *session);
/* Ask a running workload to end, and wait for that. */
void session_stop(struct session *session);
/* No more workloads. */
void session_end(struct session *session);

#endif /* SESSION_H */

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How a run is told to end early: by SIGINT or SIGTERM, or by the prompt. The signals are blocked
 * in every thread and arrive through a file descriptor, so nothing happens inside a handler.
 */
#ifndef STOPPER_H
#define STOPPER_H

#include <stdbool.h>

struct stopper {
	int stop_fd; /* eventfd: the prompt asked */
	int signal_fd; /* signalfd; -1 where the prompt listens to the signals instead */
	bool is_stopped; /* owner: the thread that runs the workload */
};

/* Block SIGINT and SIGTERM for this thread and all that it starts. Returns a signalfd or -1. */
int stopper_block_signals(void);

/* 0, or -1 after one line on stderr. */
int stopper_open(struct stopper *stopper, int signal_fd);
void stopper_close(struct stopper *stopper);

/* Ask for the end. Thread: any. */
void stopper_ask(struct stopper *stopper);

/* Forget that it was asked for: a new run starts. */
void stopper_clear(struct stopper *stopper);

/* Sleep until timeout_ms are over or the end is asked for; returns whether it is. */
bool stopper_sleep(struct stopper *stopper, int timeout_ms);

#endif /* STOPPER_H */

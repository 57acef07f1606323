/* SPDX-License-Identifier: BSD-3-Clause */
/* The prompt: a thread that reads commands from a file, then from stdin. */
#ifndef PROMPT_H
#define PROMPT_H

#include "session.h"

/*
 * Start the prompt's thread, serve the workloads it asks for, wait for its end. 0, or -1 if a
 * workload failed or, with --err-exit, a command.
 */
int prompt_run(struct session *session);

/* Execute the commands of a file; for the command "load". False after one line on stderr. */
bool prompt_load(struct session *session, const char *path);

#endif /* PROMPT_H */

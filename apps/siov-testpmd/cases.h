/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * --sweep=F.ini: each section of the file is a case, run as a process of its own, so that every one
 * starts from the same state. Keys are our long options; "first,last,step,ADD" or MUL is
 * dma-perf's way to write a sweep.
 */
#ifndef CASES_H
#define CASES_H

#include "options.h"

/*
 * Check all cases, then run them one after the other with the given EAL arguments. Each prints its
 * table; the CSV of all goes to the file of --result. 0, or -1 after one line.
 */
int cases_run(const struct options *o, const char *program, int nb_eal, char **eal);

#endif /* CASES_H */

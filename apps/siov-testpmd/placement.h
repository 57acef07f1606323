/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which lcore does what, and on which CPU.
 *
 *     main lcore      runs the workload and sleeps; the control thread sleeps beside it
 *     submitters      poll; share CPUs among themselves where there are too few
 *     engines         poll; have CPUs of their own where there are two or more
 *
 * Where the user gave no lcores, placement_plan makes them from the CPUs that the process may use;
 * otherwise placement_resolve shares out what EAL was given.
 */
#ifndef PLACEMENT_H
#define PLACEMENT_H

#include <stdbool.h>

#include <rte_config.h>

#include "options.h"

#define PLACEMENT_TEXT 4096u /* --lcores of RTE_MAX_LCORE lcores */
#define PLACEMENT_LINE 96u

struct placed_lcore {
	unsigned int id;
	bool yields; /* shares its CPUs with another lcore that polls */
};

struct placement {
	unsigned int nb_submitters;
	unsigned int nb_engines;
	unsigned int main_lcore;
	struct placed_lcore submitters[RTE_MAX_LCORE];
	struct placed_lcore engines[SIOV_DEV_ENGINES_MAX];
};

/*
 * Choose numbers and lcores for EAL's --lcores, before EAL starts.
 *
 * @param p gets the numbers and the main lcore.
 * @param lcores text for --lcores, PLACEMENT_TEXT bytes.
 * Returns 0, or -1 after one line on stderr.
 */
int placement_plan(const struct options *o, struct placement *p, char *lcores);

/*
 * Share out EAL's lcores, after EAL has started: in the planned numbers, if p was planned, else (p
 * is zeroed) as many as there are. 0, or -1 after one line on stderr.
 */
int placement_resolve(const struct options *o, struct placement *p);

/* Line idx of "lcore 1 @ CPU 0: submitter 0", PLACEMENT_LINE bytes. Returns false after the last. */
bool placement_line(const struct placement *p, unsigned int idx, char *line);

#endif /* PLACEMENT_H */

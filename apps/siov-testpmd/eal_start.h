/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Starting EAL: the user's arguments, and what the program adds where the user said nothing: no PCI
 * probing, lcores, a file prefix of its own, ordinary pages where there are no hugepages to use.
 */
#ifndef EAL_START_H
#define EAL_START_H

#include <stdbool.h>
#include <stddef.h>

#include "placement.h"

struct eal_run {
	char runtime_dir[256]; /* to be removed at the end; empty: the user's own prefix */
	bool no_huge;
	uint64_t need_bytes; /* memory that the run will take */
};

/*
 * Start EAL.
 *
 * @param run need_bytes is set, the rest zeroed.
 * @param placement zeroed; planned here if the user gave no lcores.
 * @param argc,argv the user's EAL arguments, without the program's name.
 * Returns 0, or -1 after one line on stderr.
 */
int eal_start(struct eal_run *run, const struct options *o, struct placement *placement, int argc,
	      char **argv);

/* End EAL and remove the files that it leaves behind. */
void eal_end(struct eal_run *run);

#endif /* EAL_START_H */

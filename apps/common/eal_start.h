/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Starting EAL: the user's arguments, and what the program adds where the user said nothing: no PCI
 * probing, lcores, a file prefix of its own, ordinary pages where there are no hugepages to use.
 */
#ifndef EAL_START_H
#define EAL_START_H

#include <stdbool.h>
#include <stdint.h>

struct eal_run {
	/* what the program asks for */
	uint64_t need_bytes; /* memory that the run will take */
	const char *lcores; /* for --lcores; NULL: the user's, see eal_has_lcores() */
	unsigned int main_lcore; /* of those */
	bool has_va; /* addresses of devices are virtual ones, if the user says nothing */
	/* what came of it */
	char runtime_dir[256]; /* to be removed at the end; empty: the user's own prefix */
	bool no_huge;
};

/* The argument "--" of a program's, or argc. */
int eal_find_split(int argc, char **argv);

/* Whether the user's EAL arguments name lcores. */
bool eal_has_lcores(int argc, char **argv);

/*
 * Start EAL.
 *
 * @param run what is asked for is set, the rest zeroed.
 * @param argc,argv the user's EAL arguments, without the program's name.
 * Returns 0, or -1 after one line on stderr.
 */
int eal_start(struct eal_run *run, int argc, char **argv);

/* End EAL and remove the files that it leaves behind. */
void eal_end(struct eal_run *run);

#endif /* EAL_START_H */

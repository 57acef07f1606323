/* SPDX-License-Identifier: BSD-3-Clause */
/* Parse, build, run, stop. */
#include <stdlib.h>
#include <string.h>

#include <rte_version.h>

#include "adis.h"
#include "cases.h"
#include "complain.h"
#include "eal_start.h"
#include "prompt.h"
#include "run.h"

/* -h and --version work on both sides of "--", and need no EAL. */
static bool
is_only_asking(const struct options *o, int nb_eal, char **eal)
{
	bool wants_help = o->is_given[OPT_HELP], wants_version = o->is_given[OPT_VERSION];

	if (nb_eal == 1) {
		wants_help |= strcmp(eal[0], "-h") == 0 || strcmp(eal[0], "--help") == 0;
		wants_version |= strcmp(eal[0], "--version") == 0;
	}
	if (wants_help)
		options_help(stdout);
	else if (wants_version)
		printf(PROGRAM " " SIOV_TESTPMD_VERSION ", %s\n", rte_version());
	return wants_help || wants_version;
}

static int
run_program(struct session *session, int signal_fd, bool no_huge)
{
	const struct options *o = &session->given;
	int err = session_create(session, signal_fd, no_huge);

	if (err == 0 && (o->interactive || o->cmdline_file != NULL))
		err = prompt_run(session);
	else if (err == 0)
		err = session_run(session);
	return session_free(session) | err;
}

/* With lcores of the program's choice where the user names none. */
static int
start_eal(struct eal_run *eal, struct session *session, int argc, char **argv)
{
	static char lcores[PLACEMENT_TEXT];

	eal->need_bytes = run_bytes(&session->opts);
	if (!eal_has_lcores(argc, argv)) {
		if (placement_plan(&session->opts, &session->placement, lcores) != 0)
			return -1;
		eal->lcores = lcores;
		eal->main_lcore = session->placement.main_lcore;
	}
	return eal_start(eal, argc, argv);
}

int
main(int argc, char **argv)
{
	static struct session session;
	int split = eal_find_split(argc, argv);
	struct eal_run eal = {.no_huge = false};
	int signal_fd, err;

	options_init(&session.given);
	if (split < argc && options_parse(&session.given, argc - split - 1, argv + split + 1) != 0)
		return EXIT_FAILURE;
	if (is_only_asking(&session.given, split - 1, argv + 1))
		return EXIT_SUCCESS;
	if (session.given.is_given[OPT_SWEEP])
		return cases_run(&session.given, argv[0], split - 1, argv + 1) == 0 ? EXIT_SUCCESS :
										      EXIT_FAILURE;
	if (session.given.is_given[OPT_RESULT])
		return complain("--result: only with --sweep") == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
	if (options_finish(&session.given, &session.opts) != 0 ||
	    report_check_files(&session.opts) != 0)
		return EXIT_FAILURE;
	if (session.opts.is_given[OPT_LIST_ADI]) {
		adis_list(stdout, &session.opts);
		return EXIT_SUCCESS;
	}
	signal_fd = stopper_block_signals();
	if (signal_fd < 0)
		return EXIT_FAILURE;
	err = start_eal(&eal, &session, split - 1, argv + 1);
	if (err != 0)
		return EXIT_FAILURE;
	err = run_program(&session, signal_fd, eal.no_huge);
	eal_end(&eal);
	return err == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* help, start, stop, wait, load, quit */
#include <string.h>

#include "cmd.h"
#include "complain.h"
#include "prompt.h"
#include "ptest.h"

CMD_WORD(tok_help, 0, "help");
CMD_WORD(tok_start, 0, "start");
CMD_WORD(tok_stop, 0, "stop");
CMD_WORD(tok_wait, 0, "wait");
CMD_WORD(tok_quit, 0, "quit");
CMD_WORD(tok_load, 0, "load");
CMD_WORD(tok_any, 1, NULL);
CMD_NUM(tok_seconds, 0);

static void
print_help(const char *section)
{
	unsigned int i;

	for (i = 0; i < nb_cmd_tables; i++) {
		const struct cmd *cmd;

		for (cmd = cmd_tables[i]; cmd->run != NULL; cmd++) {
			if (cmd->section != NULL &&
			    (section == NULL || strcmp(section, cmd->section) == 0))
				printf("%-6s %s\n", cmd->section, cmd->help);
		}
	}
}

static bool
is_section(const char *name)
{
	unsigned int i;

	for (i = 0; i < nb_cmd_tables; i++) {
		const struct cmd *cmd;

		for (cmd = cmd_tables[i]; cmd->run != NULL; cmd++) {
			if (cmd->section != NULL && strcmp(cmd->section, name) == 0)
				return true;
		}
	}
	return false;
}

static void
help_all(struct session *session, const struct cmd_args *args)
{
	(void)session;
	(void)args;
	print_help(NULL);
}

static void
help_section(struct session *session, const struct cmd_args *args)
{
	const char *name;
	unsigned int i;

	if (!is_section(args->word[1])) {
		cmd_fail(session, "help %s: allowed: run, show, set, wq, pasid, iommu, inject",
			 args->word[1]);
		return;
	}
	print_help(args->word[1]);
	if (strcmp(args->word[1], "set") != 0)
		return;
	printf("settings:");
	for (i = 0, name = options_settable(0); name != NULL; name = options_settable(++i))
		printf(" %s", name);
	printf("\n");
}

static void
start(struct session *session, const struct cmd_args *args)
{
	(void)args;
	if (session_start(session) != 0)
		cmd_fail(session, "start: a workload runs; stop ends it");
}

static void
start_ptest(struct session *session, const struct cmd_args *args)
{
	struct options given = session->given;
	struct options opts;

	if (!cmd_needs_idle(session))
		return;
	if (options_set(&given, "ptest", args->word[1]) != 0 ||
	    options_finish(&given, &opts) != 0) {
		session->cmd_failed = true;
		return;
	}
	session->given = given;
	session->opts = opts;
	start(session, args);
}

static void
stop(struct session *session, const struct cmd_args *args)
{
	(void)args;
	if (session_is_idle(session))
		cmd_fail(session, "stop: no workload runs");
	else
		session_stop(session);
}

static void
wait_end(struct session *session, const struct cmd_args *args)
{
	(void)args;
	session_wait(session, 0);
}

static void
wait_seconds(struct session *session, const struct cmd_args *args)
{
	if (args->num[0] == 0 || args->num[0] > 86400)
		cmd_fail(session, "wait: allowed: 1 to 86400 seconds");
	else
		session_wait(session, (double)args->num[0]);
}

static void
quit(struct session *session, const struct cmd_args *args)
{
	(void)args;
	session->is_quitting = true;
}

static void
load(struct session *session, const struct cmd_args *args)
{
	if (!prompt_load(session, args->word[1]))
		session->cmd_failed = true;
}

const struct cmd cmds_run[] = {
	{help_all, "run", "help: all commands", {&tok_help}},
	{help_section,
	 "run",
	 "help SECTION: run, show, set, wq, pasid, iommu, inject",
	 {&tok_help, &tok_any}},
	{start, "run", "start: run the workload", {&tok_start}},
	{start_ptest, "run", "start PTEST: " PTEST_NAMES, {&tok_start, &tok_any}},
	{stop, "run", "stop: end the workload that runs", {&tok_stop}},
	{wait_end, "run", "wait: until the workload has ended", {&tok_wait}},
	{wait_seconds, "run", "wait SECONDS: so long at most", {&tok_wait, &tok_seconds}},
	{load, "run", "load FILE: execute its lines", {&tok_load, &tok_any}},
	{quit, "run", "quit: stop and leave", {&tok_quit}},
	{.run = NULL},
};

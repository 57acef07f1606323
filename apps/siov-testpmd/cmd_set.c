/* SPDX-License-Identifier: BSD-3-Clause */
/* set NAME VALUE: the command line's options, between workloads */
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "complain.h"

CMD_WORD(tok_set, 0, "set");
CMD_WORD(tok_name, 1, NULL);
CMD_WORD(tok_value, 2, NULL);

/* Values are kept as texts only while they are parsed, so no pointer into args may stay. */
static void
set(struct session *session, const struct cmd_args *args)
{
	struct options given = session->given;
	struct options opts;

	if (!cmd_needs_idle(session))
		return;
	if (options_set(&given, args->word[1], args->word[2]) != 0 ||
	    options_finish(&given, &opts) != 0) {
		session->cmd_failed = true;
		return;
	}
	session->given = given;
	session->opts = opts;
}

const struct cmd cmds_set[] = {
	{set, "set", "set NAME VALUE: as --NAME=VALUE", {&tok_set, &tok_name, &tok_value}},
	{.run = NULL},
};

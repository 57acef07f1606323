/* SPDX-License-Identifier: BSD-3-Clause */
/* Nouns of the full prompt that this build does not have. */
#include "cmd.h"

CMD_WORD(tok_noun, 0, "vdev#dump");
CMD_WORD(tok_show, 0, "show#clear");
CMD_WORD(tok_shown, 1, "vdev");
CMD_REST(tok_rest);

static void
refuse(struct session *session, const struct cmd_args *args)
{
	cmd_fail(session, "%s: this build has no VDEVs and no configuration space", args->word[0]);
}

static void
refuse_show(struct session *session, const struct cmd_args *args)
{
	cmd_fail(session, "%s %s: this build has no VDEVs", args->word[0], args->word[1]);
}

const struct cmd cmds_absent[] = {
	{refuse, NULL, "not in this build", {&tok_noun, &tok_rest}},
	{refuse, NULL, "not in this build", {&tok_noun}},
	{refuse_show, NULL, "not in this build", {&tok_show, &tok_shown, &tok_rest}},
	{refuse_show, NULL, "not in this build", {&tok_show, &tok_shown}},
	{.run = NULL},
};

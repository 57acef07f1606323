/* SPDX-License-Identifier: BSD-3-Clause */
/* wq config, enable, disable, drain, abort, reset */
#include <string.h>

#include <rte_errno.h>

#include "cmd.h"
#include "complain.h"

CMD_WORD(tok_wq, 0, "wq");
CMD_WORD(tok_config, 1, "config");
CMD_WORD(tok_verb, 1, "enable#disable#drain#abort#reset");
CMD_NUM(tok_id, 0);
CMD_WORD(tok_text, 2, NULL);

const struct siov_dev_wq_conf *
cmd_find_wq(struct session *session, uint64_t number)
{
	const struct siov_dev_conf *conf = siov_dev_get_conf(session->rig.dev);

	if (number < conf->nb_wqs)
		return &conf->wqs[number];
	cmd_fail(session, "wq %llu: allowed: 0 to %u", (unsigned long long)number,
		 conf->nb_wqs - 1);
	return NULL;
}

static void
change_state(struct session *session, const struct cmd_args *args)
{
	struct siov_dev *dev = session->rig.dev;
	unsigned int id;
	int ret;

	if (cmd_find_wq(session, args->num[0]) == NULL)
		return;
	id = (unsigned int)args->num[0];
	if (strcmp(args->word[1], "enable") == 0)
		ret = siov_dev_wq_enable(dev, id);
	else if (strcmp(args->word[1], "disable") == 0)
		ret = siov_dev_wq_disable(dev, id, RIG_TIMEOUT_MS);
	else if (strcmp(args->word[1], "drain") == 0)
		ret = siov_dev_wq_drain(dev, id, RIG_TIMEOUT_MS);
	else if (strcmp(args->word[1], "abort") == 0)
		ret = siov_dev_wq_abort(dev, id, RIG_TIMEOUT_MS);
	else
		ret = siov_dev_wq_reset(dev, id, RIG_TIMEOUT_MS);
	cmd_check(session, ret, args->word[1]);
}

/* The device is built anew with the queue as it is now wanted; the platform stays. */
static void
config(struct session *session, const struct cmd_args *args)
{
	struct options given = session->given;
	struct options opts;
	char text[OPTIONS_WQ_TEXT + 24];

	if (!cmd_needs_idle(session))
		return;
	snprintf(text, sizeof(text), "%llu,%s", (unsigned long long)args->num[0], args->word[2]);
	if (options_add_wq(&given, text) != 0) {
		cmd_fail(session, "wq config: more than %u changes", SIOV_DEV_WQS_MAX);
		return;
	}
	if (options_finish(&given, &opts) != 0) {
		session->cmd_failed = true;
		return;
	}
	session->given = given;
	session->opts = opts;
	snapshot_free(&session->cleared);
	session->nb_adi_bases = 0;
	if (rig_rebuild(&session->rig, &session->opts) != 0) {
		session->cmd_failed = true;
		session->is_quitting = true;
		return;
	}
	printf("device built anew: its counters start again\n");
}

const struct cmd cmds_wq[] = {
	{config,
	 "wq",
	 "wq config ID mode=shared|dedicated,size=N,threshold=N,group=N,priority=N",
	 {&tok_wq, &tok_config, &tok_id, &tok_text}},
	{change_state,
	 "wq",
	 "wq (enable|disable|drain|abort|reset) ID",
	 {&tok_wq, &tok_verb, &tok_id}},
	{.run = NULL},
};

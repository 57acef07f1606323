/* SPDX-License-Identifier: BSD-3-Clause */
/* ims mask, unmask, trigger; show ims */
#include <inttypes.h>
#include <string.h>

#include "cmd.h"
#include "siov_dev_adi.h"

#define PAGE_ROWS 64u

CMD_WORD(tok_ims, 0, "ims");
CMD_WORD(tok_verb, 1, "mask#unmask#trigger");
CMD_NUM(tok_adi, 0);
CMD_NUM(tok_vector, 1);
CMD_WORD(tok_show, 0, "show");
CMD_WORD(tok_noun, 1, "ims");
CMD_WORD(tok_what, 2, "table#stats");
CMD_ALL(tok_all);

static int
set_mask(struct siov_dev *dev, uint32_t id, unsigned int n, bool is_masked)
{
	struct siov_adi_message message;
	int ret;

	ret = siov_dev_adi_get_message(dev, id, n, &message);
	if (ret != 0)
		return ret;
	message.is_masked = is_masked;
	return siov_dev_adi_set_message(dev, id, n, &message);
}

static void
change(struct session *session, const struct cmd_args *args)
{
	uint32_t id = args->num[0] < SIOV_ADI_NONE ? (uint32_t)args->num[0] : SIOV_ADI_NONE;
	unsigned int n = (unsigned int)RTE_MIN(args->num[1], UINT64_C(1000));
	struct siov_dev *dev = session->rig.dev;
	const char *verb = args->word[1];
	int ret;

	if (strcmp(verb, "trigger") == 0)
		ret = siov_dev_adi_trigger(dev, id, n);
	else
		ret = set_mask(dev, id, n, strcmp(verb, "mask") == 0);
	if (ret == -ENOENT)
		cmd_fail(session, "ims %s %" PRIu64 ": no such ADI", verb, args->num[0]);
	else if (ret == -ERANGE)
		cmd_fail(session, "ims %s %u %" PRIu64 ": it has no message of this number", verb,
			 id, args->num[1]);
	else
		cmd_check(session, ret, verb);
}

/* ---- looking ---- */

struct look {
	struct siov_dev *dev;
	bool is_all;
	uint32_t id;
	uint32_t nb_adis;
	uint32_t nb_rows;
};

static int
print_messages(const struct siov_adi_info *info, void *arg)
{
	struct look *look = arg;
	struct siov_adi_message message;
	unsigned int i;

	if (!look->is_all && info->id != look->id)
		return 0;
	look->nb_adis++;
	for (i = 0; i < info->conf.nb_messages; i++) {
		if (look->nb_rows++ >= PAGE_ROWS ||
		    siov_dev_adi_get_message(look->dev, info->id, i, &message) != 0)
			continue;
		printf("%7u %6u %7u %7u %#16" PRIx64 " %#10x %6s %7s\n", info->id, i,
		       info->messages[i], info->conf.pasid, message.addr, message.data,
		       message.is_masked ? "yes" : "no", message.is_pending ? "yes" : "no");
	}
	return 0;
}

static void
show_table(struct session *session, const struct cmd_args *args)
{
	struct look look = {
		.dev = session->rig.dev,
		.is_all = cmd_is_all(args),
		.id = args->num[0] < SIOV_ADI_NONE ? (uint32_t)args->num[0] : SIOV_ADI_NONE,
	};

	printf("%7s %6s %7s %7s %16s %10s %6s %7s\n", "ADI", "Vector", "Handle", "PASID", "Address",
	       "Data", "Masked", "Pending");
	siov_dev_adi_walk(session->rig.dev, print_messages, &look);
	if (look.nb_rows > PAGE_ROWS)
		printf("... %u more; show ims table ADI shows one's\n", look.nb_rows - PAGE_ROWS);
	if (!look.is_all && look.nb_adis == 0)
		cmd_fail(session, "show ims table %" PRIu64 ": no such ADI", args->num[0]);
}

/* Of the whole storage; what an ADI has is in the table. */
static void
show_stats(struct session *session)
{
	struct siov_ims_stats stats;
	unsigned int i;
	int ret = siov_dev_message_stats(session->rig.dev, &stats);

	cmd_check(session, ret, "show ims stats");
	if (ret != 0)
		return;
	printf("ims_entries: %" PRIu64 "\nims_used: %" PRIu64 "\n", stats.nb_entries,
	       stats.nb_used);
	for (i = 0; i < SIOV_IMS_NB_COUNTS; i++)
		printf("ims_%s: %" PRIu64 "\n", siov_ims_count_name(i), stats.counts[i]);
}

static void
show(struct session *session, const struct cmd_args *args)
{
	if (strcmp(args->word[2], "table") == 0)
		show_table(session, args);
	else if (cmd_is_all(args))
		show_stats(session);
	else
		cmd_fail(session,
			 "show ims stats %" PRIu64
			 ": counts are of the whole storage; allowed: all",
			 args->num[0]);
}

const struct cmd cmds_ims[] = {
	{change,
	 "ims",
	 "ims (mask|unmask|trigger) ADI VECTOR: a message of an ADI, from 0 on",
	 {&tok_ims, &tok_verb, &tok_adi, &tok_vector}},
	{show, "show", "show ims table ADI", {&tok_show, &tok_noun, &tok_what, &tok_adi}},
	{show, "show", "show ims (table|stats) all", {&tok_show, &tok_noun, &tok_what, &tok_all}},
	{.run = NULL},
};

/* SPDX-License-Identifier: BSD-3-Clause */
/* adi create, enable, ... destroy, qos; show and clear adi */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "adis.h"
#include "cmd.h"
#include "qos_rules.h"

#define PAGE_ROWS 64u

CMD_WORD(tok_adi, 0, "adi");
CMD_WORD(tok_create, 1, "create");
CMD_WORD(tok_type, 2, "type");
CMD_WORD(tok_type_name, 3, NULL);
CMD_WORD(tok_wq, 4, "wq");
CMD_NUM(tok_wq_id, 0);
CMD_WORD(tok_pasid, 5, "pasid");
CMD_NUM(tok_pasid_id, 1);
CMD_WORD(tok_dwqs, 6, "dwqs");
CMD_NUM(tok_nb_dwqs, 2);
CMD_WORD(tok_verb, 1, "enable#disable#drain#abort#reset#suspend#resume#destroy");
CMD_WORD(tok_qos, 1, "qos");
CMD_WORD(tok_limits, 2, NULL);
CMD_NUM(tok_id, 0);
CMD_WORD(tok_show, 0, "show");
CMD_WORD(tok_clear, 0, "clear");
CMD_WORD(tok_noun, 1, "adi");
CMD_WORD(tok_what, 2, "info#summary#stats#xstats");
CMD_WORD(tok_cleared, 2, "stats#xstats");
CMD_ALL(tok_all);

/* ---- changing ---- */

static void
check(struct session *session, int ret, const char *what, uint64_t id)
{
	char text[160];

	snprintf(text, sizeof(text), "adi %s %" PRIu64, what, id);
	if (ret == -ENOENT)
		cmd_fail(session, "%s: no such ADI; show adi info all lists them", text);
	else if (ret == -EBUSY)
		cmd_fail(session, "%s: not in its state, or it has open portals", text);
	else if (ret == -ENXIO)
		cmd_fail(session, "%s: it has no PASID", text);
	else if (ret == -EAGAIN)
		cmd_fail(session, "%s: fewer dedicated queues are free than it needs", text);
	else
		cmd_check(session, ret, text);
}

static void
create(struct session *session, const struct cmd_args *args, uint32_t nb_dwqs)
{
	const struct siov_dev_wq_conf *wq = cmd_find_wq(session, args->num[0]);
	uint32_t pasid = wq != NULL ? cmd_pasid(session, args->num[1]) : 0;
	const struct siov_adi_type_info *info;
	struct siov_adi_conf conf;
	enum siov_adi_type type;
	uint32_t id;
	int ret;

	if (pasid == 0)
		return;
	if (siov_adi_type_find(args->word[3], &type) != 0) {
		cmd_fail(session, "adi create type %s: allowed: context, dedicated, composite",
			 args->word[3]);
		return;
	}
	info = siov_adi_type_info(type);
	conf = (struct siov_adi_conf){
		.pasid = pasid,
		.wq_id = (uint32_t)args->num[0],
		.nb_dwqs = RTE_MAX(nb_dwqs, info->dwqs_min),
	};
	conf.nb_messages = RTE_MIN(conf.nb_dwqs + info->has_swq, info->messages_max);
	ret = adis_make(&session->rig, type, &conf, &id);
	if (ret == -EEXIST)
		cmd_fail(session, "adi create: PASID %u on wq %u is an ADI already", pasid,
			 conf.wq_id);
	else if (ret == -EINVAL)
		cmd_fail(session,
			 "adi create type %s wq %u dwqs %u: allowed: a shared queue, %u to %u dwqs",
			 info->name, conf.wq_id, conf.nb_dwqs, info->dwqs_min, info->dwqs_max);
	else
		cmd_check(session, ret, "adi create");
	if (ret == 0)
		printf("ADI %u\n", id);
}

static void
create_plain(struct session *session, const struct cmd_args *args)
{
	create(session, args, 0);
}

static void
create_with_dwqs(struct session *session, const struct cmd_args *args)
{
	create(session, args, (uint32_t)RTE_MIN(args->num[2], UINT64_C(255)));
}

/* An id of 32 bits; others are of no ADI. */
static uint32_t
adi_id(const struct cmd_args *args)
{
	return args->num[0] < SIOV_ADI_NONE ? (uint32_t)args->num[0] : SIOV_ADI_NONE;
}

static void
change(struct session *session, const struct cmd_args *args)
{
	struct siov_dev *dev = session->rig.dev;
	const char *verb = args->word[1];
	uint32_t id = adi_id(args);
	int ret;

	if (strcmp(verb, "enable") == 0)
		ret = siov_dev_adi_enable(dev, id);
	else if (strcmp(verb, "disable") == 0)
		ret = siov_dev_adi_disable(dev, id, RIG_TIMEOUT_MS);
	else if (strcmp(verb, "drain") == 0)
		ret = siov_dev_adi_drain(dev, id, RIG_TIMEOUT_MS);
	else if (strcmp(verb, "abort") == 0)
		ret = siov_dev_adi_abort(dev, id, RIG_TIMEOUT_MS);
	else if (strcmp(verb, "reset") == 0)
		ret = siov_dev_adi_reset(dev, id, RIG_TIMEOUT_MS);
	else if (strcmp(verb, "suspend") == 0)
		ret = siov_dev_adi_suspend(dev, id, RIG_TIMEOUT_MS);
	else if (strcmp(verb, "resume") == 0)
		ret = siov_dev_adi_resume(dev, id);
	else
		ret = adis_destroy(&session->rig, id);
	check(session, ret, verb, args->num[0]);
}

static void
limit(struct session *session, const struct cmd_args *args)
{
	struct siov_qos_conf conf;

	if (qos_parse(args->word[2], &conf) != 0)
		cmd_fail(session, "adi qos %s: allowed: " QOS_KEYS, args->word[2]);
	else
		check(session, siov_dev_adi_set_qos(session->rig.dev, adi_id(args), &conf), "qos",
		      args->num[0]);
}

/* ---- looking ---- */

/* What a walk is for. */
struct look {
	struct session *session;
	const char *what;
	bool is_all;
	uint32_t id;
	uint32_t nb; /* ADIs met that are meant */
	uint32_t by_state[SIOV_ADI_STATES];
};

/* Counters as they were at the last clear. */
static struct siov_adi_info *
find_base(const struct session *session, uint32_t id)
{
	uint32_t i;

	for (i = 0; i < session->nb_adi_bases; i++) {
		if (session->adi_bases[i].id == id)
			return &session->adi_bases[i];
	}
	return NULL;
}

static void
subtract_base(const struct session *session, struct siov_adi_info *info)
{
	const struct siov_adi_info *base = find_base(session, info->id);

	if (base == NULL)
		return;
	info->accepted -= base->accepted;
	info->completed -= base->completed;
	info->failed -= base->failed;
	info->aborted -= base->aborted;
	info->bytes -= base->bytes;
	info->nb_errors -= RTE_MIN(base->nb_errors, info->nb_errors);
}

static void
print_info(const struct siov_adi_info *info)
{
	const struct siov_adi_type_info *type = siov_adi_type_info(info->type);
	uint32_t i;

	printf("adi %u: %s of %s, %s, PASID %u", info->id, type->name,
	       siov_adi_owner_name(info->owner), siov_adi_state_name(info->state),
	       info->conf.pasid);
	if (info->conf.control_pasid != 0)
		printf(", control PASID %u", info->conf.control_pasid);
	if (info->state == SIOV_ADI_ALLOCATED) {
		printf("\n");
		return;
	}
	if (type->has_swq)
		printf(", wq %u", info->conf.wq_id);
	if (info->conf.nb_dwqs != 0)
		printf(", %u dedicated queues, bound:%s", info->conf.nb_dwqs,
		       info->nb_bound == 0 ? " none" : "");
	for (i = 0; i < info->nb_bound; i++)
		printf(" %u", info->dwqs[i]);
	printf(", %u messages, qos ", info->conf.nb_messages);
	qos_print_conf(stdout, &info->conf.qos);
	printf("\n");
}

static void
print_head(void)
{
	printf("%7s %10s %7s %3s %12s %12s %8s %8s %16s %6s\n", "ADI", "State", "PASID", "WQ",
	       "Accepted", "Completed", "Failed", "Aborted", "Bytes", "Errors");
}

static void
print_stats(const struct siov_adi_info *info)
{
	printf("%7u %10s %7u", info->id, siov_adi_state_name(info->state), info->conf.pasid);
	if (siov_adi_type_info(info->type)->has_swq && info->state != SIOV_ADI_ALLOCATED)
		printf(" %3u", info->conf.wq_id);
	else
		printf(" %3s", "-");
	printf(" %12" PRIu64 " %12" PRIu64 " %8" PRIu64 " %8" PRIu64 " %16" PRIu64 " %6u\n",
	       info->accepted, info->completed, info->failed, info->aborted, info->bytes,
	       info->nb_errors);
}

static void
print_xstats(const struct siov_adi_info *info)
{
	printf("adi_a%u_accepted_ops: %" PRIu64 "\n", info->id, info->accepted);
	printf("adi_a%u_completed_ops: %" PRIu64 "\n", info->id, info->completed);
	printf("adi_a%u_failed_ops: %" PRIu64 "\n", info->id, info->failed);
	printf("adi_a%u_aborted_ops: %" PRIu64 "\n", info->id, info->aborted);
	printf("adi_a%u_bytes: %" PRIu64 "\n", info->id, info->bytes);
	printf("adi_a%u_errors: %u\n", info->id, info->nb_errors);
}

static int
look_at(const struct siov_adi_info *seen, void *arg)
{
	struct look *look = arg;
	struct siov_adi_info info = *seen;

	if (!look->is_all && info.id != look->id)
		return 0;
	look->by_state[info.state]++;
	if (look->nb++ >= PAGE_ROWS || strcmp(look->what, "summary") == 0)
		return 0;
	subtract_base(look->session, &info);
	if (strcmp(look->what, "info") == 0)
		print_info(&info);
	else if (strcmp(look->what, "stats") == 0)
		print_stats(&info);
	else
		print_xstats(&info);
	return 0;
}

static void
print_summary(const struct look *look)
{
	unsigned int i;

	printf("%u ADIs", look->nb);
	for (i = 0; i < SIOV_ADI_STATES; i++) {
		if (look->by_state[i] != 0)
			printf(", %u %s", look->by_state[i],
			       siov_adi_state_name((enum siov_adi_state)i));
	}
	printf("; %zu bytes\n", siov_dev_adi_memory(look->session->rig.dev));
}

static void
show(struct session *session, const struct cmd_args *args)
{
	struct look look = {
		.session = session,
		.what = args->word[2],
		.is_all = cmd_is_all(args),
		.id = adi_id(args),
	};

	if (strcmp(look.what, "stats") == 0)
		print_head();
	siov_dev_adi_walk(session->rig.dev, look_at, &look);
	if (strcmp(look.what, "summary") == 0)
		print_summary(&look);
	else if (look.nb > PAGE_ROWS)
		printf("... %u more ADIs; show adi %s ID shows one\n", look.nb - PAGE_ROWS,
		       look.what);
	if (!look.is_all && look.nb == 0)
		check(session, -ENOENT, look.what, args->num[0]);
}

/* ---- clearing ---- */

static int
keep_base(const struct siov_adi_info *info, void *arg)
{
	struct look *look = arg;
	struct session *session = look->session;
	struct siov_adi_info *base;

	if (!look->is_all && info->id != look->id)
		return 0;
	look->nb++;
	/* Of all: the list was emptied. */
	base = look->is_all ? NULL : find_base(session, info->id);
	if (base == NULL) {
		base = realloc(session->adi_bases, (session->nb_adi_bases + 1) * sizeof(*base));
		if (base == NULL)
			return -ENOMEM;
		session->adi_bases = base;
		base = &session->adi_bases[session->nb_adi_bases++];
	}
	*base = *info;
	return 0;
}

static void
clear(struct session *session, const struct cmd_args *args)
{
	struct look look = {.session = session, .is_all = cmd_is_all(args), .id = adi_id(args)};
	int ret;

	/* Of all: what was kept of ADIs that are gone is dropped with the rest. */
	if (look.is_all)
		session->nb_adi_bases = 0;
	ret = siov_dev_adi_walk(session->rig.dev, keep_base, &look);
	if (ret == 0 && !look.is_all && look.nb == 0)
		ret = -ENOENT;
	check(session, ret, "clear", args->num[0]);
}

const struct cmd cmds_adi[] = {
	{create_plain,
	 "adi",
	 "adi create type (context|dedicated|composite) wq ID pasid N",
	 {&tok_adi, &tok_create, &tok_type, &tok_type_name, &tok_wq, &tok_wq_id, &tok_pasid,
	  &tok_pasid_id}},
	{create_with_dwqs,
	 "adi",
	 "adi create type T wq ID pasid N dwqs D: with D dedicated queues, bound when it is enabled",
	 {&tok_adi, &tok_create, &tok_type, &tok_type_name, &tok_wq, &tok_wq_id, &tok_pasid,
	  &tok_pasid_id, &tok_dwqs, &tok_nb_dwqs}},
	{change,
	 "adi",
	 "adi (enable|disable|drain|abort|reset|suspend|resume|destroy) ID",
	 {&tok_adi, &tok_verb, &tok_id}},
	{limit,
	 "adi",
	 "adi qos LIMITS ID: as --qos has them",
	 {&tok_adi, &tok_qos, &tok_limits, &tok_id}},
	{show,
	 "show",
	 "show adi (info|summary|stats|xstats) ID",
	 {&tok_show, &tok_noun, &tok_what, &tok_id}},
	{show,
	 "show",
	 "show adi (info|summary|stats|xstats) all",
	 {&tok_show, &tok_noun, &tok_what, &tok_all}},
	{clear,
	 "show",
	 "clear adi (stats|xstats) ID",
	 {&tok_clear, &tok_noun, &tok_cleared, &tok_id}},
	{clear,
	 "show",
	 "clear adi (stats|xstats) all",
	 {&tok_clear, &tok_noun, &tok_cleared, &tok_all}},
	{.run = NULL},
};

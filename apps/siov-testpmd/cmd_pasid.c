/* SPDX-License-Identifier: BSD-3-Clause */
/* pasid alloc, free, bind, unbind: by hand, beside those of workloads */
#include <string.h>

#include "book.h"
#include "cmd.h"

CMD_WORD(tok_pasid, 0, "pasid");
CMD_WORD(tok_alloc, 1, "alloc");
CMD_WORD(tok_verb, 1, "free#bind#unbind");
CMD_WORD(tok_bind, 1, "bind");
CMD_WORD(tok_end, 1, "drain#abort");
CMD_WORD(tok_with, 2, "with");
CMD_NUM(tok_number, 0);
CMD_NUM(tok_other, 1);
CMD_WORD(tok_as, 2, "as");
CMD_WORD(tok_kind, 3, NULL);

uint32_t
cmd_pasid(struct session *session, uint64_t number)
{
	if (number >= 1 && number <= SIOV_PASID_MAX)
		return (uint32_t)number;
	cmd_fail(session, "pasid %llu: allowed: 1 to %u", (unsigned long long)number,
		 SIOV_PASID_MAX);
	return 0;
}

static void
alloc(struct session *session, uint32_t pasid)
{
	int ret = book_alloc(session->book, &pasid);

	cmd_check(session, ret, "pasid alloc");
	if (ret == 0)
		printf("PASID %u\n", pasid);
}

static void
alloc_any(struct session *session, const struct cmd_args *args)
{
	(void)args;
	alloc(session, 0);
}

static void
alloc_one(struct session *session, const struct cmd_args *args)
{
	uint32_t pasid = cmd_pasid(session, args->num[0]);

	if (pasid != 0)
		alloc(session, pasid);
}

/* A new address space. */
static int
bind_as(struct session *session, uint32_t pasid, enum siov_domain_kind kind)
{
	const struct space_conf conf = {
		.kind = kind,
		.page_shift = session->opts.page_shift,
		.levels = session->opts.levels,
	};

	return book_bind(session->book, pasid, &conf);
}

static void
bind_kind(struct session *session, const struct cmd_args *args)
{
	uint32_t pasid = cmd_pasid(session, args->num[0]);
	enum siov_domain_kind kind;

	if (pasid == 0)
		return;
	if (!options_iommu_find(args->word[3], &kind))
		cmd_fail(session, "pasid bind as %s: allowed: " IOMMU_NAMES, args->word[3]);
	else
		cmd_check(session, bind_as(session, pasid, kind), "pasid bind");
}

static void
change(struct session *session, const struct cmd_args *args)
{
	uint32_t pasid = cmd_pasid(session, args->num[0]);
	int ret;

	if (pasid == 0)
		return;
	if (strcmp(args->word[1], "free") == 0)
		ret = book_release(session->book, pasid);
	else if (strcmp(args->word[1], "bind") == 0)
		ret = bind_as(session, pasid, session->opts.iommu);
	else
		ret = book_unbind(session->book, pasid);
	cmd_check(session, ret, "pasid");
}

static void
bind_with(struct session *session, const struct cmd_args *args)
{
	uint32_t pasid = cmd_pasid(session, args->num[0]);
	uint32_t other = pasid != 0 ? cmd_pasid(session, args->num[1]) : 0;

	if (other != 0)
		cmd_check(session, book_bind_with(session->book, pasid, other), "pasid bind");
}

/* On every queue. */
static void
drain_or_abort(struct session *session, const struct cmd_args *args)
{
	uint32_t pasid = cmd_pasid(session, args->num[0]);
	struct siov_dev *dev = session->rig.dev;

	if (pasid == 0)
		return;
	if (strcmp(args->word[1], "drain") == 0)
		cmd_check(session, siov_dev_pasid_drain(dev, pasid, RIG_TIMEOUT_MS), "pasid drain");
	else
		cmd_check(session, siov_dev_pasid_abort(dev, pasid, RIG_TIMEOUT_MS), "pasid abort");
}

const struct cmd cmds_pasid[] = {
	{alloc_any, "pasid", "pasid alloc: any free one", {&tok_pasid, &tok_alloc}},
	{alloc_one, "pasid", "pasid alloc N", {&tok_pasid, &tok_alloc, &tok_number}},
	{change,
	 "pasid",
	 "pasid (free|bind|unbind) N: bind makes a new address space, of the kind of --iommu",
	 {&tok_pasid, &tok_verb, &tok_number}},
	{bind_kind,
	 "pasid",
	 "pasid bind N as (pt|first|second|nested|sva)",
	 {&tok_pasid, &tok_bind, &tok_number, &tok_as, &tok_kind}},
	{bind_with,
	 "pasid",
	 "pasid bind N with M: to the address space of M",
	 {&tok_pasid, &tok_bind, &tok_number, &tok_with, &tok_other}},
	{drain_or_abort, "pasid", "pasid (drain|abort) N", {&tok_pasid, &tok_end, &tok_number}},
	{.run = NULL},
};

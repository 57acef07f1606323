/* SPDX-License-Identifier: BSD-3-Clause */
/* inject fault, inject clear: for PASIDs of the workload that runs */
#include <string.h>

#include "cmd.h"
#include "injector.h"
#include "ptest.h"

#define START_SECONDS 10u /* until a workload that was started is under way */

CMD_WORD(tok_inject, 0, "inject");
CMD_WORD(tok_fault, 1, "fault");
CMD_WORD(tok_clear, 1, "clear");
CMD_WORD(tok_pasid, 2, "pasid");
CMD_NUM(tok_number, 0);
CMD_WORD(tok_addr, 3, "addr");
CMD_NUM(tok_address, 1);
CMD_WORD(tok_reason, 4, "reason");
CMD_WORD(tok_which, 5, "not-present#read-only#reserved");

static enum inject_reason
find_reason(const char *name)
{
	if (strcmp(name, "read-only") == 0)
		return INJECT_READ_ONLY;
	return strcmp(name, "reserved") == 0 ? INJECT_RESERVED : INJECT_NOT_PRESENT;
}

/* "start" returns before everything is built. */
static void
wait_workload(struct session *session)
{
	unsigned int i;

	for (i = 0; i < START_SECONDS && !session_is_idle(session); i++) {
		if (injector_wait(session->injector, 1))
			return;
	}
}

static void
inject(struct session *session, uint64_t number, uint64_t addr, enum inject_reason reason)
{
	uint32_t pasid = cmd_pasid(session, number);
	char why[INJECT_WHY];

	if (pasid == 0)
		return;
	if (session->opts.ptest == &ptest_verify || session->opts.ptest == &ptest_data) {
		cmd_fail(session,
			 "inject fault: --ptest=verify takes any fault for an error; allowed: "
			 "with the other workloads");
		return;
	}
	wait_workload(session);
	if (injector_fault(session->injector, pasid, addr, reason, why) != 0)
		cmd_fail(session, "inject fault: %s", why);
}

static void
inject_all(struct session *session, const struct cmd_args *args)
{
	inject(session, args->num[0], 0, INJECT_NOT_PRESENT);
}

static void
inject_all_reason(struct session *session, const struct cmd_args *args)
{
	inject(session, args->num[0], 0, find_reason(args->word[5]));
}

static void
inject_page(struct session *session, const struct cmd_args *args)
{
	inject(session, args->num[0], args->num[1], INJECT_NOT_PRESENT);
}

static void
inject_page_reason(struct session *session, const struct cmd_args *args)
{
	inject(session, args->num[0], args->num[1], find_reason(args->word[5]));
}

static void
clear(struct session *session, uint32_t pasid)
{
	char why[INJECT_WHY];

	if (injector_clear(session->injector, pasid, why) != 0)
		cmd_fail(session, "inject clear: %s", why);
}

static void
clear_all(struct session *session, const struct cmd_args *args)
{
	(void)args;
	clear(session, 0);
}

static void
clear_one(struct session *session, const struct cmd_args *args)
{
	uint32_t pasid = cmd_pasid(session, args->num[0]);

	if (pasid != 0)
		clear(session, pasid);
}

const struct cmd cmds_inject[] = {
	{inject_all,
	 "inject",
	 "inject fault pasid N: unmap its buffers, for this PASID only",
	 {&tok_inject, &tok_fault, &tok_pasid, &tok_number}},
	{inject_page,
	 "inject",
	 "inject fault pasid N addr A: unmap one page",
	 {&tok_inject, &tok_fault, &tok_pasid, &tok_number, &tok_addr, &tok_address}},
	{inject_all_reason,
	 "inject",
	 "inject fault pasid N reason (not-present|read-only|reserved): reserved is for nested",
	 {&tok_inject, &tok_fault, &tok_pasid, &tok_number, &tok_reason, &tok_which}},
	{inject_page_reason,
	 "inject",
	 "inject fault pasid N addr A reason (not-present|read-only|reserved)",
	 {&tok_inject, &tok_fault, &tok_pasid, &tok_number, &tok_addr, &tok_address, &tok_reason,
	  &tok_which}},
	{clear_one,
	 "inject",
	 "inject clear pasid N: as before the injection",
	 {&tok_inject, &tok_clear, &tok_pasid, &tok_number}},
	{clear_all, "inject", "inject clear: all of them", {&tok_inject, &tok_clear}},
	{.run = NULL},
};

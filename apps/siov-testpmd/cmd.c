/* SPDX-License-Identifier: BSD-3-Clause */
#include <rte_errno.h>

#include "cmd.h"

void
cmd_check(struct session *session, int ret, const char *what)
{
	if (ret == -ENOENT)
		cmd_fail(session, "%s: nothing of this name was made at the prompt", what);
	else if (ret != 0)
		cmd_fail(session, "%s: %s", what, rte_strerror(-ret));
}

bool
cmd_needs_idle(struct session *session)
{
	if (session_is_idle(session))
		return true;
	cmd_fail(session, "a workload runs; stop ends it");
	return false;
}

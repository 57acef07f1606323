/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <unistd.h>

#include <sys/syscall.h>

#include "process_priv.h"

int
process_open(int32_t pid, struct siov_process *process)
{
	*process = (struct siov_process){.pid = getpid(), .pidfd = -1};
	if (pid == 0 || pid == process->pid)
		return 0;
	process->pid = pid;
	/* The descriptor tells a process that ended from a later one with its number. */
	process->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	return process->pidfd >= 0 ? 0 : -errno;
}

void
process_close(const struct siov_process *process)
{
	if (process->pidfd >= 0)
		close(process->pidfd);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* A hold on a process of this host, for domains that are its address space. Thread: control. */
#ifndef PROCESS_PRIV_H
#define PROCESS_PRIV_H

#include "siov_iommu.h"

/* pid 0 or our own: the calling process. 0, -ESRCH, or a negative errno of pidfd_open(2). */
int process_open(int32_t pid, struct siov_process *process);
void process_close(const struct siov_process *process);

#endif /* PROCESS_PRIV_H */

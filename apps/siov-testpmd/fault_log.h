/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The faults that the platform has recorded, the last ones kept to be shown. Thread: the prompt's.
 */
#ifndef FAULT_LOG_H
#define FAULT_LOG_H

#include <stdio.h>

#include "siov_iommu.h"

#define FAULT_LOG_KEPT 64u

struct fault_log {
	struct siov_fault_record last[FAULT_LOG_KEPT]; /* number n is at n % FAULT_LOG_KEPT */
	uint64_t nb_fetched;
};

/* Fetch what was recorded since the last time. */
void fault_log_fetch(struct fault_log *log, struct siov_iommu *iommu);

/* Print those kept, oldest first, and how many there were in all. */
void fault_log_print(FILE *f, const struct fault_log *log, struct siov_iommu *iommu);

#endif /* FAULT_LOG_H */

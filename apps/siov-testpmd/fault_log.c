/* SPDX-License-Identifier: BSD-3-Clause */
#include <inttypes.h>

#include <rte_common.h>

#include "fault_log.h"

#define FETCH_MAX 64u
#define FETCH_ROUNDS 4096u /* faults may come as fast as they are fetched */

void
fault_log_fetch(struct fault_log *log, struct siov_iommu *iommu)
{
	struct siov_fault_record records[FETCH_MAX];
	unsigned int round, i, nb = FETCH_MAX;

	for (round = 0; round < FETCH_ROUNDS && nb > 0; round++) {
		nb = siov_iommu_take_faults(iommu, records, FETCH_MAX);
		for (i = 0; i < nb; i++)
			log->last[log->nb_fetched++ % FAULT_LOG_KEPT] = records[i];
	}
}

static const char *
access_name(unsigned int perm)
{
	if ((perm & (SIOV_PERM_W | SIOV_PERM_PRIV_W)) != 0)
		return "write";
	return "read";
}

static void
print_record(FILE *f, const struct siov_fault_record *r)
{
	bool is_priv = (r->perm & (SIOV_PERM_PRIV_R | SIOV_PERM_PRIV_W)) != 0;

	fprintf(f, "PASID %u requester 0x%04x %s%s of 0x%" PRIx64 ": reason 0x%02x %s\n", r->pasid,
		r->rid, is_priv ? "privileged " : "", access_name(r->perm), r->addr, r->reason,
		siov_fault_name(r->reason));
}

void
fault_log_print(FILE *f, const struct fault_log *log, struct siov_iommu *iommu)
{
	struct siov_iommu_stats stats;
	uint64_t i, nb = RTE_MIN(log->nb_fetched, (uint64_t)FAULT_LOG_KEPT);

	for (i = log->nb_fetched - nb; i < log->nb_fetched; i++)
		print_record(f, &log->last[i % FAULT_LOG_KEPT]);
	siov_iommu_stats(iommu, &stats);
	fprintf(f,
		"%" PRIu64 " of %" PRIu64 " records shown; %" PRIu64
		" faults were lost, their queue was full\n",
		nb, log->nb_fetched, stats.nb_faults_lost);
}

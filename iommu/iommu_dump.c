/* SPDX-License-Identifier: BSD-3-Clause */
/* What can be seen of a unit: bytes, counters, dump, names of faults. */
#include <inttypes.h>

#include "fault_priv.h"
#include "iommu_priv.h"

static size_t
bytes_locked(const struct siov_iommu *iommu)
{
	return iommu->nb_bytes + pool_bytes(&iommu->pool);
}

size_t
siov_iommu_memory_bytes(struct siov_iommu *iommu)
{
	size_t bytes;

	pthread_mutex_lock(&iommu->lock);
	iommu_reap(iommu);
	bytes = bytes_locked(iommu);
	pthread_mutex_unlock(&iommu->lock);
	return bytes;
}

static void
add_faults(const struct siov_iommu *iommu, struct siov_iommu_stats *stats)
{
	const struct fault_ring *ring;
	unsigned int i;

	for (i = 0; i < iommu->conf.max_atcs; i++) {
		if (iommu->atcs[i] == NULL)
			continue;
		ring = iommu->atcs[i]->fault_ring;
		stats->nb_faults += siov_atomic_load(&ring->tail, relaxed);
		stats->nb_faults_lost += siov_atomic_load(&ring->lost, relaxed);
	}
}

static void
stats_locked(const struct siov_iommu *iommu, struct siov_iommu_stats *stats)
{
	*stats = (struct siov_iommu_stats){
		.nb_domains = iommu->nb_domains,
		.nb_pasids_allocated = iommu->nb_pasids,
		.nb_pasids_bound = iommu->nb_bound,
		.nb_atcs = iommu->nb_atcs,
		.nb_ranges = siov_atomic_load(&iommu->ranges, relaxed)->nb,
		.table_pages = iommu->pool.nb_pages_used,
		.deferred_pages = iommu->retired.pages.nb_pages,
		.memory_bytes = bytes_locked(iommu),
		.nb_invalidations = iommu->nb_invalidations,
		.nb_inval_timeouts = iommu->nb_inval_timeouts,
	};
	add_faults(iommu, stats);
}

void
siov_iommu_stats(struct siov_iommu *iommu, struct siov_iommu_stats *stats)
{
	pthread_mutex_lock(&iommu->lock);
	iommu_reap(iommu);
	stats_locked(iommu, stats);
	pthread_mutex_unlock(&iommu->lock);
}

static void
dump_ranges(const struct siov_iommu *iommu, FILE *f)
{
	const struct iommu_ranges *ranges = siov_atomic_load(&iommu->ranges, relaxed);
	const struct iommu_range *r;
	size_t i;

	for (i = 0; i < ranges->nb; i++) {
		r = &ranges->range[i];
		fprintf(f, "  range [0x%" PRIx64 ", 0x%" PRIx64 ") mapped %" PRIu64 " bytes\n",
			r->start, r->end, r->nb_mapped_bytes);
	}
}

static const char *
kind_name(enum siov_domain_kind kind)
{
	static const char *const names[] = {
		[SIOV_DOMAIN_PASS_THROUGH] = "pass-through",
		[SIOV_DOMAIN_SECOND_STAGE] = "second-stage",
		[SIOV_DOMAIN_FIRST_STAGE] = "first-stage",
		[SIOV_DOMAIN_NESTED] = "nested",
		[SIOV_DOMAIN_PROCESS] = "process",
	};

	return names[kind];
}

static void
dump_domains(const struct siov_iommu *iommu, FILE *f)
{
	const struct siov_domain *dom;
	uint32_t did;

	for (did = 1; did < iommu->nb_domain_slots; did++) {
		dom = iommu->domains[did];
		if (dom == NULL)
			continue;
		fprintf(f,
			"  domain %u %s pasids %" PRIu64 " pages 4K %" PRIu64 " 2M %" PRIu64
			" 1G %" PRIu64 "\n",
			did, kind_name(dom->kind), dom->nb_bound, dom->nb_pages[0],
			dom->nb_pages[1], dom->nb_pages[2]);
	}
}

static void
dump_atcs(const struct siov_iommu *iommu, FILE *f)
{
	struct siov_atc_stats s;
	unsigned int i;

	for (i = 0; i < iommu->conf.max_atcs; i++) {
		if (iommu->atcs[i] == NULL)
			continue;
		siov_atc_stats(iommu->atcs[i], &s);
		fprintf(f,
			"  atc %u %s entries %" PRIu64 " misses %" PRIu64 " faults %" PRIu64
			" second probes %" PRIu64 " invalidations %" PRIu64 "\n",
			i, s.online ? "online" : "offline", s.entries, s.misses, s.faults,
			s.second_probes, s.invalidations);
	}
}

void
siov_iommu_dump(struct siov_iommu *iommu, FILE *f)
{
	struct siov_iommu_stats s;

	pthread_mutex_lock(&iommu->lock);
	iommu_reap(iommu);
	stats_locked(iommu, &s);
	fprintf(f,
		"iommu: domains %" PRIu64 " pasids %" PRIu64 " bound %" PRIu64
		" table pages %" PRIu64 " deferred %" PRIu64 " bytes %" PRIu64
		" invalidations %" PRIu64 " timeouts %" PRIu64 " faults %" PRIu64 " lost %" PRIu64
		"\n",
		s.nb_domains, s.nb_pasids_allocated, s.nb_pasids_bound, s.table_pages,
		s.deferred_pages, s.memory_bytes, s.nb_invalidations, s.nb_inval_timeouts,
		s.nb_faults, s.nb_faults_lost);
	dump_ranges(iommu, f);
	dump_domains(iommu, f);
	dump_atcs(iommu, f);
	pthread_mutex_unlock(&iommu->lock);
}

const char *
siov_fault_name(int reason)
{
	static const struct {
		int reason;
		const char *name;
	} names[] = {
		{SIOV_FAULT_NONE, "none"},
		{SIOV_FAULT_PASID_TOO_LARGE, "PASID too large"},
		{SIOV_FAULT_PASID_DIR_NOT_PRESENT, "PASID directory entry not present"},
		{SIOV_FAULT_PASID_DIR_RESERVED, "PASID directory entry reserved bit"},
		{SIOV_FAULT_PASID_NOT_PRESENT, "PASID entry not present"},
		{SIOV_FAULT_PASID_RESERVED, "PASID entry reserved bit"},
		{SIOV_FAULT_PASID_INVALID, "PASID entry invalid"},
		{SIOV_FAULT_NO_SUPERVISOR, "supervisor requests are disabled"},
		{SIOV_FAULT_FS_NOT_PRESENT, "first-stage entry not present"},
		{SIOV_FAULT_FS_RESERVED, "first-stage entry reserved bit"},
		{SIOV_FAULT_FS_ROOT_ACCESS, "no second-stage read of the first-stage top table"},
		{SIOV_FAULT_FS_ENTRY_ACCESS, "no second-stage read of a first-stage table"},
		{SIOV_FAULT_FS_AD_ACCESS, "no second-stage write of a first-stage table"},
		{SIOV_FAULT_SS_NOT_PRESENT, "second-stage entry not present"},
		{SIOV_FAULT_SS_RESERVED, "second-stage entry reserved bit"},
		{SIOV_FAULT_NOT_CANONICAL, "address not canonical"},
		{SIOV_FAULT_NO_USER, "no user permission"},
		{SIOV_FAULT_DMA_LIMIT, "address beyond DMA limit"},
		{SIOV_FAULT_SS_BEYOND_AW, "address beyond second-stage width"},
		{SIOV_FAULT_NO_WRITE, "no write permission"},
		{SIOV_FAULT_NO_READ, "no read permission"},
		{SIOV_FAULT_FS_AD_FAILED, "first-stage entry changed meanwhile"},
	};
	size_t i;

	for (i = 0; i < RTE_DIM(names); i++)
		if (names[i].reason == reason)
			return names[i].name;
	return "unknown";
}

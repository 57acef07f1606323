/* SPDX-License-Identifier: BSD-3-Clause */
/* What a cache does when an entry is not there: one walk, or many together. */
#include "atc_priv.h"
#include "walk_priv.h"

int
walk_pass_through(struct walk *w, struct siov_iommu *iommu)
{
	/* A4: pairs with R4 in publish() of range.c */
	const struct iommu_ranges *ranges = siov_atomic_load(&iommu->ranges, acquire);
	const struct iommu_range *r = range_find(ranges, w->iova, 1);
	uint64_t size = UINT64_C(1) << SIOV_ATC_SHIFT_2M;
	uint64_t granule = w->iova & ~(size - 1);

	if (r == NULL)
		return SIOV_FAULT_DMA_LIMIT;
	w->shift = SIOV_ATC_SHIFT_2M;
	if (granule < r->start || r->end - granule < size)
		w->shift = SIOV_ATC_SHIFT_4K;
	w->perm = SIOV_VTD_SS_RW;
	w->data = walk_data(w, 0, UINT64_MAX);
	return WALK_DONE;
}

static int
permission_fault(unsigned int denied)
{
	if ((denied & SIOV_PERM_W) != 0)
		return SIOV_FAULT_NO_WRITE;
	return (denied & SIOV_PERM_R) != 0 ? SIOV_FAULT_NO_READ : 0;
}

static int
walk_and_insert(struct siov_atc *atc, uint32_t pasid, uint64_t iova, unsigned int perm_needed,
		struct siov_xlate *x)
{
	struct walk w;
	int rc;

	atc_count(&atc->misses, 1);
	rc = walk_all(&w, atc, pasid, iova);
	if (likely(rc == 0)) {
		atc_insert(atc, pasid, iova, w.shift, w.data);
		rc = permission_fault(perm_needed & (unsigned int)w.data & SIOV_ATC_DATA_DENIED);
	}
	if (unlikely(rc != 0)) {
		atc_count(&atc->faults, 1);
		return rc;
	}
	x->hva = (void *)(uintptr_t)(iova + (w.data & SIOV_ATC_DATA_DELTA));
	x->len = (UINT64_C(1) << w.shift) - (iova & ((UINT64_C(1) << w.shift) - 1));
	return 0;
}

/* The granule size that the hint did not name; true and the hint corrected when it is there. */
static bool
probe_other(struct siov_atc *atc, uint32_t pasid, uint64_t iova, unsigned int perm_needed,
	    struct siov_xlate *x)
{
	uint8_t *hint = &atc->hint[siov_atc_hint_slot(pasid, iova)];
	unsigned int other = *hint ^ SIOV_ATC_SHIFT_4K ^ SIOV_ATC_SHIFT_2M;

	if (siov_atc_is_beyond(pasid, iova) || (atc->has_granule & RTE_BIT32(other)) == 0)
		return false;
	if (!siov_atc_probe(atc, pasid, iova, other, perm_needed, x))
		return false;
	*hint = (uint8_t)other;
	atc_count(&atc->second_probes, 1);
	return true;
}

int
siov_atc_miss(struct siov_atc *atc, uint32_t pasid, uint64_t iova, unsigned int perm_needed,
	      struct siov_xlate *x)
{
	if (probe_other(atc, pasid, iova, perm_needed, x))
		return 0;
	return walk_and_insert(atc, pasid, iova, perm_needed, x);
}

/* The walks of a burst that are still under way. */
struct walk_group {
	struct walk walk[SIOV_ATC_BURST_MAX];
	unsigned int nb;
};

static bool
is_cached(struct siov_atc *atc, uint32_t pasid, uint64_t iova)
{
	struct siov_xlate x;
	unsigned int shift = atc->hint[siov_atc_hint_slot(pasid, iova)];

	return siov_atc_probe(atc, pasid, iova, shift, 0, &x) ||
	       probe_other(atc, pasid, iova, 0, &x);
}

/* Collect the keys that miss; keys that cannot be cached are left to fault on their own. */
static void
begin_group(struct siov_atc *atc, struct walk_group *g, const uint32_t *pasid, const uint64_t *iova,
	    unsigned int n)
{
	struct walk *w;
	unsigned int i;

	g->nb = 0;
	for (i = 0; i < n; i++) {
		if (siov_atc_is_beyond(pasid[i], iova[i]) || is_cached(atc, pasid[i], iova[i]))
			continue;
		w = &g->walk[g->nb++];
		walk_begin(w, atc, pasid[i], iova[i]);
		rte_prefetch0(w->next);
	}
}

/* Keep the walks that go on, enter those that are done, forget those that fault. */
static void
settle_step(struct siov_atc *atc, struct walk_group *g, const struct walk *w, int rc)
{
	if (rc == WALK_MORE) {
		rte_prefetch0(w->next);
		g->walk[g->nb++] = *w;
	} else if (rc == WALK_DONE) {
		atc_insert(atc, w->pasid, w->iova, w->shift, w->data);
	}
}

enum step { STEP_DIR, STEP_PASID, STEP_LEVEL };

static int
take_step(struct siov_atc *atc, struct walk *w, enum step step)
{
	if (step == STEP_DIR)
		return walk_dir(w);
	return step == STEP_PASID ? walk_pasid(w, atc->iommu) : walk_level(w);
}

/* One step of every walk; each has prefetched what it reads in the step before. */
static void
step_group(struct siov_atc *atc, struct walk_group *g, enum step step)
{
	unsigned int nb = g->nb;
	struct walk w;
	unsigned int i;
	int rc;

	g->nb = 0;
	for (i = 0; i < nb; i++) {
		w = g->walk[i];
		rc = take_step(atc, &w, step);
		settle_step(atc, g, &w, rc);
	}
}

unsigned int
siov_atc_fill_burst(struct siov_atc *atc, const uint32_t *pasid, const uint64_t *iova,
		    unsigned int n)
{
	struct walk_group g;
	unsigned int missed;
	unsigned int i;

	n = RTE_MIN(n, SIOV_ATC_BURST_MAX);
	for (i = 0; i < n; i++)
		siov_atc_prefetch(atc, pasid[i], iova[i]);
	begin_group(atc, &g, pasid, iova, n);
	missed = g.nb;
	if (likely(missed == 0))
		return 0;
	atc_count(&atc->misses, missed);
	step_group(atc, &g, STEP_DIR);
	step_group(atc, &g, STEP_PASID);
	while (g.nb > 0)
		step_group(atc, &g, STEP_LEVEL);
	return missed;
}

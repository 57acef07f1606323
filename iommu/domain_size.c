/* SPDX-License-Identifier: BSD-3-Clause */
/* The grain of a second stage: large pages into small ones for a dirty log, and back. */
#include <errno.h>

#include "iommu_priv.h"

#define ALL_LEAVES (INVAL_LEAF_4K | INVAL_LEAF_2M)

/* Checks that need no lock. */
static int
check(const struct siov_domain *dom, uint64_t iova, uint64_t len)
{
	int rc = domain_check_span(dom, iova, len);

	if (rc < 0)
		return rc;
	return dom->kind == SIOV_DOMAIN_SECOND_STAGE ? 0 : -EINVAL;
}

/*
 * Drop [iova, end) from the caches, and wait until no walk is in tables that were taken off. A
 * domain without PASIDs is in use only by engines that did not answer an unbind.
 */
static int
drop_cached(struct siov_domain *dom, uint64_t iova, uint64_t end, unsigned int leaves)
{
	struct pool_list none = {0};
	struct inval_req req;

	if (dom->nb_bound == 0 && dom->nb_children == 0 && !dom->iommu->is_behind)
		return 0;
	req = domain_inval_req(dom, iova, end, leaves);
	return iommu_invalidate(dom->iommu, &req, &none);
}

static int
split_locked(struct siov_domain *dom, uint64_t iova, uint64_t end)
{
	struct pool_list tables = {0};
	struct ptable_split split;
	int rc;

	ptable_plan_split(&dom->pt, iova, end, &split);
	if (split.nb_tables == 0)
		return 0;
	rc = pool_take(&dom->iommu->pool, split.nb_tables, &tables);
	if (rc < 0)
		return rc;
	ptable_split(&dom->pt, &split, &tables, dom->nb_pages);
	return drop_cached(dom, split.start, split.end, INVAL_LEAF_2M);
}

int
siov_domain_split(struct siov_domain *dom, uint64_t iova, uint64_t len)
{
	int rc = check(dom, iova, len);

	if (rc < 0)
		return rc;
	pthread_mutex_lock(&dom->iommu->lock);
	iommu_reap(dom->iommu);
	rc = split_locked(dom, iova, iova + len);
	pthread_mutex_unlock(&dom->iommu->lock);
	return rc;
}

/* A page lies in one registered range, as its map did: memory is counted by range. */
static bool
is_one_range(void *arg, uint64_t hva, unsigned int shift)
{
	const struct siov_domain *dom = arg;
	const struct iommu_ranges *ranges = siov_atomic_load(&dom->iommu->ranges, relaxed);

	return range_find(ranges, hva, UINT64_C(1) << shift) != NULL;
}

/* What the engines left in the old tables counts; if one does not answer, the tables come back. */
static int
finish_batch(struct siov_domain *dom, struct ptable_join *join)
{
	struct pool_list emptied = {0};
	struct inval_req req;
	uint64_t start;
	uint64_t end;
	int rc;

	if (join->nb == 0)
		return 0;
	start = join->joined[0].iova;
	end = join->joined[join->nb - 1].iova + (UINT64_C(1) << join->shift);
	rc = drop_cached(dom, start, end, ALL_LEAVES);
	if (rc < 0) {
		ptable_join_undo(join);
		req = domain_inval_req(dom, start, end, ALL_LEAVES);
		iommu_post(dom->iommu, &req);
		return rc;
	}
	ptable_join_finish(join, &emptied, dom->nb_pages);
	pool_give(&dom->iommu->pool, &emptied);
	return 0;
}

static int
join_size(struct siov_domain *dom, uint64_t iova, uint64_t end, unsigned int shift)
{
	struct ptable_join join = {.can_join = is_one_range, .arg = dom, .shift = shift};
	int rc = 0;

	while (rc == 0 && iova < end) {
		iova = ptable_join(&dom->pt, iova, end, &join);
		rc = finish_batch(dom, &join);
	}
	return rc;
}

static int
join_locked(struct siov_domain *dom, uint64_t iova, uint64_t end)
{
	int rc = iommu_settle(dom->iommu);

	if (rc == 0 && dom->conf.max_page_shift >= 21)
		rc = join_size(dom, iova, end, 21);
	if (rc == 0 && dom->conf.max_page_shift >= 30)
		rc = join_size(dom, iova, end, 30);
	return rc;
}

int
siov_domain_join(struct siov_domain *dom, uint64_t iova, uint64_t len)
{
	int rc = check(dom, iova, len);

	if (rc < 0)
		return rc;
	pthread_mutex_lock(&dom->iommu->lock);
	iommu_reap(dom->iommu);
	rc = join_locked(dom, iova, iova + len);
	pthread_mutex_unlock(&dom->iommu->lock);
	return rc;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>

#include "iommu_priv.h"
#include "sstable_priv.h"

#define IOVA_END (UINT64_C(1) << SIOV_VTD_SS_IOVA_BITS)
#define DOMAIN_SLOTS_FIRST 64u

static_assert(RTE_DIM(((struct siov_domain *)0)->nb_pages) == SST_NB_SIZES, "one per page size");

/* Double the array of domain handles; only control reads it. */
static int
grow_slots(struct siov_iommu *iommu)
{
	uint32_t nb = RTE_MAX(iommu->nb_domain_slots * 2, DOMAIN_SLOTS_FIRST);
	size_t old_size = iommu->nb_domain_slots * sizeof(*iommu->domains);
	struct siov_domain **slots;

	if (iommu->nb_domain_slots > IOMMU_DID_MAX)
		return -ENOSPC;
	slots = iommu_alloc(iommu, "siov_domains", nb * sizeof(*slots), RTE_CACHE_LINE_SIZE);
	if (slots == NULL)
		return -ENOMEM;
	if (iommu->domains != NULL)
		memcpy(slots, iommu->domains, old_size);
	iommu_release(iommu, iommu->domains, old_size);
	iommu->domains = slots;
	iommu->nb_domain_slots = nb;
	return 0;
}

/* A free domain id; 0 is reserved. */
static int
find_did(struct siov_iommu *iommu, uint16_t *did)
{
	uint32_t i;
	int rc;

	if (iommu->nb_domains + 1 >= iommu->nb_domain_slots) {
		rc = grow_slots(iommu);
		if (rc < 0)
			return rc;
	}
	for (i = iommu->next_did;; i = (i + 1) % iommu->nb_domain_slots)
		if (i != 0 && iommu->domains[i] == NULL)
			break;
	iommu->next_did = (i + 1) % iommu->nb_domain_slots;
	*did = (uint16_t)i;
	return 0;
}

static int
domain_conf_check(const struct siov_domain_conf *conf)
{
	if (conf->kind == SIOV_DOMAIN_PASS_THROUGH)
		return 0;
	if (conf->kind != SIOV_DOMAIN_SECOND_STAGE)
		return -EINVAL;
	if (conf->max_page_shift != 12 && conf->max_page_shift != 21 && conf->max_page_shift != 30)
		return -EINVAL;
	return 0;
}

static int
create_locked(struct siov_iommu *iommu, const struct siov_domain_conf *conf,
	      struct siov_domain *dom)
{
	struct pool_list root = {0};
	uint16_t did;
	int rc;

	rc = find_did(iommu, &did);
	if (rc < 0)
		return rc;
	if (conf->kind == SIOV_DOMAIN_SECOND_STAGE) {
		rc = pool_take(&iommu->pool, 1, &root);
		if (rc < 0)
			return rc;
		dom->root = pool_list_pop(&root);
	}
	dom->iommu = iommu;
	dom->did = did;
	dom->kind = conf->kind;
	dom->max_page_shift = conf->max_page_shift;
	iommu->domains[did] = dom;
	iommu->nb_domains++;
	return 0;
}

int
siov_domain_create(struct siov_iommu *iommu, const struct siov_domain_conf *conf,
		   struct siov_domain **out)
{
	struct siov_domain *dom;
	int rc = -ENOMEM;

	if (iommu == NULL || conf == NULL || out == NULL || domain_conf_check(conf) < 0)
		return -EINVAL;
	pthread_mutex_lock(&iommu->lock);
	iommu_reap(iommu);
	dom = iommu_alloc(iommu, "siov_domain", sizeof(*dom), RTE_CACHE_LINE_SIZE);
	if (dom != NULL)
		rc = create_locked(iommu, conf, dom);
	if (rc < 0)
		iommu_release(iommu, dom, dom != NULL ? sizeof(*dom) : 0);
	else
		*out = dom;
	pthread_mutex_unlock(&iommu->lock);
	return rc;
}

static void
account_unmapped(void *arg, uint64_t hva, unsigned int shift)
{
	struct siov_domain *dom = arg;

	dom->nb_pages[sst_size_idx(shift)]--;
	range_account(dom->iommu, hva, UINT64_C(1) << shift, false);
}

/* Take [iova, end) and the tables that become empty off the tables. */
static void
clear_range(struct siov_domain *dom, uint64_t iova, uint64_t end, struct pool_list *emptied)
{
	struct sst_clear_ctx ctx = {.on_leaf = account_unmapped, .arg = dom, .emptied = emptied};

	sst_unmap(dom->root, iova, end, &ctx);
}

/*
 * No engine reaches tables of a domain without PASIDs, unless an unbind timed out; then they are
 * kept until it has been made up for.
 */
static void
free_unreachable(struct siov_iommu *iommu, struct pool_list *pages)
{
	if (iommu->is_behind)
		iommu_retire_pages(iommu, pages);
	else
		pool_give(&iommu->pool, pages);
}

static void
free_locked(struct siov_domain *dom)
{
	struct siov_iommu *iommu = dom->iommu;
	struct pool_list pages = {0};

	if (dom->root != NULL) {
		clear_range(dom, 0, IOVA_END, &pages);
		pool_list_push(&pages, dom->root);
		free_unreachable(iommu, &pages);
	}
	iommu->domains[dom->did] = NULL;
	iommu->nb_domains--;
	iommu_release(iommu, dom, sizeof(*dom));
}

int
siov_domain_free(struct siov_domain *dom)
{
	struct siov_iommu *iommu;
	int rc = -EBUSY;

	if (dom == NULL)
		return 0;
	iommu = dom->iommu;
	pthread_mutex_lock(&iommu->lock);
	iommu_reap(iommu);
	if (dom->nb_bound == 0) {
		free_locked(dom);
		rc = 0;
	}
	pthread_mutex_unlock(&iommu->lock);
	return rc;
}

uint16_t
siov_domain_id(const struct siov_domain *dom)
{
	return dom->did;
}

/* Checks of map and unmap that need no lock. */
static int
check_span(const struct siov_domain *dom, uint64_t iova, uint64_t len)
{
	if (dom == NULL || dom->kind != SIOV_DOMAIN_SECOND_STAGE)
		return -EINVAL;
	if (len == 0 || (iova | len) % SIOV_VTD_PAGE_SIZE != 0)
		return -EINVAL;
	if (iova >= IOVA_END || len > IOVA_END - iova)
		return -ERANGE;
	return 0;
}

static int
map_locked(struct siov_domain *dom, const struct sst_map *map)
{
	struct siov_iommu *iommu = dom->iommu;
	struct pool_list tables = {0};
	size_t nb_tables;
	int rc;

	if (range_find(siov_atomic_load(&iommu->ranges, relaxed), map->hva, map->len) == NULL)
		return -EFAULT;
	rc = sst_plan_map(dom->root, map, &nb_tables);
	if (rc < 0)
		return rc;
	rc = iommu_settle(iommu);
	if (rc < 0)
		return rc;
	rc = pool_take(&iommu->pool, nb_tables, &tables);
	if (rc < 0)
		return rc;
	sst_map(dom->root, map, &tables, dom->nb_pages);
	range_account(iommu, map->hva, map->len, true);
	return 0;
}

int
siov_domain_map(struct siov_domain *dom, uint64_t iova, void *hva, uint64_t len, unsigned int perm)
{
	struct sst_map map = {.iova = iova, .hva = (uintptr_t)hva, .len = len};
	int rc;

	rc = check_span(dom, iova, len);
	if (rc < 0)
		return rc;
	if (perm == 0 || (perm & ~(SIOV_PERM_R | SIOV_PERM_W)) != 0)
		return -EINVAL;
	if (map.hva % SIOV_VTD_PAGE_SIZE != 0)
		return -EINVAL;
	map.perm = perm; /* SIOV_PERM_R, _W are the bits of the entry */
	map.max_page_shift = dom->max_page_shift;
	pthread_mutex_lock(&dom->iommu->lock);
	iommu_reap(dom->iommu);
	rc = map_locked(dom, &map);
	pthread_mutex_unlock(&dom->iommu->lock);
	return rc;
}

static_assert(SIOV_PERM_R == SIOV_VTD_SS_R && SIOV_PERM_W == SIOV_VTD_SS_W,
	      "permissions are the entry's bits");

/* One PASID: its entries can be looked up. Several: all of the domain, wherever they are. */
static struct inval_req
unmap_request(const struct siov_domain *dom, uint64_t iova, uint64_t end,
	      const struct sst_found *found)
{
	return (struct inval_req){
		.type = dom->nb_bound == 1 ? INVAL_PASID : INVAL_DOMAIN,
		.pasid = dom->pasid_xor,
		.did = dom->did,
		.leaves = (uint16_t)found->leaves,
		.first_page = iova >> SIOV_VTD_PAGE_SHIFT,
		.end_page = end >> SIOV_VTD_PAGE_SHIFT,
	};
}

static int
unmap_locked(struct siov_domain *dom, uint64_t iova, uint64_t end)
{
	struct pool_list emptied = {0};
	struct sst_found found;
	struct inval_req req;
	int rc;

	rc = sst_plan_unmap(dom->root, iova, end, &found);
	if (rc < 0)
		return rc;
	clear_range(dom, iova, end, &emptied);
	if (dom->nb_bound == 0) {
		free_unreachable(dom->iommu, &emptied);
		return 0;
	}
	req = unmap_request(dom, iova, end, &found);
	return iommu_invalidate(dom->iommu, &req, &emptied);
}

int
siov_domain_unmap(struct siov_domain *dom, uint64_t iova, uint64_t len)
{
	int rc;

	rc = check_span(dom, iova, len);
	if (rc < 0)
		return rc;
	pthread_mutex_lock(&dom->iommu->lock);
	iommu_reap(dom->iommu);
	rc = unmap_locked(dom, iova, iova + len);
	pthread_mutex_unlock(&dom->iommu->lock);
	return rc;
}

void
domain_fini(struct siov_iommu *iommu)
{
	uint32_t did;

	for (did = 1; did < iommu->nb_domain_slots; did++)
		iommu_release(iommu, iommu->domains[did],
			      iommu->domains[did] != NULL ? sizeof(struct siov_domain) : 0);
	iommu_release(iommu, iommu->domains, iommu->nb_domain_slots * sizeof(*iommu->domains));
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>

#include "iommu_priv.h"
#include "process_priv.h"
#include "prq_priv.h"

#define DOMAIN_FLAGS (SIOV_DOMAIN_F_AD | SIOV_DOMAIN_F_SRE | SIOV_DOMAIN_F_WPE | SIOV_DOMAIN_F_FPD)
#define FIRST_STAGE_FLAGS (SIOV_DOMAIN_F_SRE | SIOV_DOMAIN_F_WPE)
#define DOMAIN_SLOTS_FIRST 64u

static_assert(RTE_DIM(((struct siov_domain *)0)->nb_pages) == PTABLE_NB_SIZES, "one per page size");

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

/* Tables that control maps, in either format. */
static bool
is_mapped_kind(enum siov_domain_kind kind)
{
	return kind == SIOV_DOMAIN_SECOND_STAGE || kind == SIOV_DOMAIN_FIRST_STAGE;
}

static bool
has_levels(enum siov_domain_kind kind)
{
	return kind == SIOV_DOMAIN_FIRST_STAGE || kind == SIOV_DOMAIN_NESTED;
}

/* A guest's own tables need a guest: a second-stage domain of the same unit. */
static int
parent_check(const struct siov_iommu *iommu, const struct siov_domain_conf *conf)
{
	const struct siov_domain *parent = conf->parent;

	if (conf->kind != SIOV_DOMAIN_NESTED)
		return parent == NULL && conf->fs_root == 0 ? 0 : -EINVAL;
	if (parent == NULL || parent->iommu != iommu || parent->kind != SIOV_DOMAIN_SECOND_STAGE)
		return -EINVAL;
	return (conf->fs_root & ~SIOV_VTD_ADDR_MASK) == 0 ? 0 : -EINVAL;
}

static int
domain_conf_check(const struct siov_iommu *iommu, const struct siov_domain_conf *conf)
{
	unsigned int shift = conf->max_page_shift;

	if ((unsigned int)conf->kind > SIOV_DOMAIN_PROCESS || (conf->flags & ~DOMAIN_FLAGS) != 0)
		return -EINVAL;
	if (is_mapped_kind(conf->kind) && shift != 12 && shift != 21 && shift != 30)
		return -EINVAL;
	if (conf->levels != 0 &&
	    (!has_levels(conf->kind) || (conf->levels != 4 && conf->levels != 5)))
		return -EINVAL;
	if ((conf->flags & SIOV_DOMAIN_F_AD) != 0 && conf->kind != SIOV_DOMAIN_SECOND_STAGE)
		return -EINVAL;
	if ((conf->flags & FIRST_STAGE_FLAGS) != 0 && !has_levels(conf->kind))
		return -EINVAL;
	if (conf->pid < 0 || (conf->pid != 0 && conf->kind != SIOV_DOMAIN_PROCESS))
		return -EINVAL;
	if (conf->prq != NULL && !prq_is_of(conf->prq, iommu))
		return -EINVAL;
	return parent_check(iommu, conf);
}

static const struct ptable_format *
format_of(const struct siov_domain_conf *conf)
{
	if (conf->kind == SIOV_DOMAIN_SECOND_STAGE)
		return &ptable_ss;
	return conf->levels == 5 ? &ptable_fs5 : &ptable_fs4;
}

/* What the domain owns besides its id: tables, or a hold on a process. */
static int
take_parts(struct siov_iommu *iommu, const struct siov_domain_conf *conf, struct siov_domain *dom)
{
	struct pool_list root = {0};
	int rc;

	if (conf->kind == SIOV_DOMAIN_PROCESS)
		return process_open(conf->pid, &dom->process);
	if (!is_mapped_kind(conf->kind))
		return 0;
	rc = pool_take(&iommu->pool, 1, &root);
	if (rc < 0)
		return rc;
	dom->pt.root = pool_list_pop(&root);
	dom->pt.format = format_of(conf);
	return 0;
}

/* The calling process's own address space. */
static bool
is_self(const struct siov_domain *dom)
{
	return dom->kind == SIOV_DOMAIN_PROCESS && dom->process.pidfd < 0;
}

static void
count_users(struct siov_domain *dom, int change)
{
	struct siov_iommu *iommu = dom->iommu;

	if (dom->conf.parent != NULL)
		dom->conf.parent->nb_children += change;
	if (dom->conf.prq != NULL)
		prq_use(dom->conf.prq, change);
	if (is_self(dom))
		siov_atomic_store(&iommu->nb_self,
				  siov_atomic_load(&iommu->nb_self, relaxed) + change, relaxed);
}

/* Before a PASID can be bound, every engine must know that addresses may be bad. */
static int
settle_self(struct siov_domain *dom)
{
	return is_self(dom) ? iommu_sync(dom->iommu) : 0;
}

static int
create_locked(struct siov_iommu *iommu, const struct siov_domain_conf *conf,
	      struct siov_domain *dom)
{
	uint16_t did;
	int rc;

	rc = find_did(iommu, &did);
	if (rc < 0)
		return rc;
	rc = take_parts(iommu, conf, dom);
	if (rc < 0)
		return rc;
	dom->iommu = iommu;
	dom->did = did;
	dom->kind = conf->kind;
	dom->conf = *conf;
	count_users(dom, 1);
	rc = settle_self(dom);
	if (rc < 0) {
		count_users(dom, -1);
		return rc;
	}
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

	if (iommu == NULL || conf == NULL || out == NULL || domain_conf_check(iommu, conf) < 0)
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

	dom->nb_pages[ptable_size_idx(shift)]--;
	range_account(dom->iommu, hva, UINT64_C(1) << shift, false);
}

/* First stage: the lower half of the canonical addresses. */
static uint64_t
iova_end(const struct siov_domain *dom)
{
	if (dom->kind == SIOV_DOMAIN_SECOND_STAGE)
		return UINT64_C(1) << SIOV_VTD_SS_IOVA_BITS;
	return UINT64_C(1) << (dom->pt.format == &ptable_fs5 ? 56 : 47);
}

/* Take [iova, end) and the tables that become empty off the tables. */
static void
clear_range(struct siov_domain *dom, uint64_t iova, uint64_t end, struct pool_list *emptied)
{
	struct ptable_clear_ctx ctx = {.on_leaf = account_unmapped, .arg = dom, .emptied = emptied};

	ptable_unmap(&dom->pt, iova, end, &ctx);
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

	if (dom->pt.root != NULL) {
		clear_range(dom, 0, iova_end(dom), &pages);
		pool_list_push(&pages, dom->pt.root);
		free_unreachable(iommu, &pages);
	}
	if (dom->kind == SIOV_DOMAIN_PROCESS)
		process_close(&dom->process);
	count_users(dom, -1);
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
	if (dom->nb_bound == 0 && dom->nb_children == 0) {
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

int
domain_check_span(const struct siov_domain *dom, uint64_t iova, uint64_t len)
{
	if (dom == NULL || !is_mapped_kind(dom->kind))
		return -EINVAL;
	if (len == 0 || (iova | len) % SIOV_VTD_PAGE_SIZE != 0)
		return -EINVAL;
	if (iova >= iova_end(dom) || len > iova_end(dom) - iova)
		return -ERANGE;
	return 0;
}

static int
map_locked(struct siov_domain *dom, struct ptable_map *map)
{
	struct siov_iommu *iommu = dom->iommu;
	struct pool_list tables = {0};
	const struct iommu_range *range;
	size_t nb_tables;
	int rc;

	range = range_find(siov_atomic_load(&iommu->ranges, relaxed), map->hva, map->len);
	if (range == NULL)
		return -EFAULT;
	if (range->is_mmio)
		map->leaf_bits |= SIOV_VTD_SS_MMIO;
	rc = ptable_plan_map(&dom->pt, map, &nb_tables);
	if (rc < 0)
		return rc;
	rc = iommu_settle(iommu);
	if (rc < 0)
		return rc;
	rc = pool_take(&iommu->pool, nb_tables, &tables);
	if (rc < 0)
		return rc;
	ptable_map(&dom->pt, map, &tables, dom->nb_pages);
	range_account(iommu, map->hva, map->len, true);
	return 0;
}

/*
 * First stage: control's own tables have A and D set from the start, so that no walk need write
 * them. SIOV_PERM_R, _W are the bits of the entry in both stages.
 */
static uint64_t
leaf_bits(const struct siov_domain *dom, unsigned int perm)
{
	if (dom->kind == SIOV_DOMAIN_SECOND_STAGE)
		return perm;
	return perm | SIOV_VTD_FS_US | SIOV_VTD_FS_A | SIOV_VTD_FS_D;
}

int
siov_domain_map(struct siov_domain *dom, uint64_t iova, void *hva, uint64_t len, unsigned int perm)
{
	struct ptable_map map = {.iova = iova, .hva = (uintptr_t)hva, .len = len};
	int rc;

	rc = domain_check_span(dom, iova, len);
	if (rc < 0)
		return rc;
	if (perm == 0 || (perm & ~(SIOV_PERM_R | SIOV_PERM_W)) != 0)
		return -EINVAL;
	if (dom->kind == SIOV_DOMAIN_FIRST_STAGE && (perm & SIOV_PERM_R) == 0)
		return -EINVAL;
	if (map.hva % SIOV_VTD_PAGE_SIZE != 0)
		return -EINVAL;
	map.leaf_bits = leaf_bits(dom, perm);
	map.max_page_shift = dom->conf.max_page_shift;
	pthread_mutex_lock(&dom->iommu->lock);
	iommu_reap(dom->iommu);
	rc = map_locked(dom, &map);
	pthread_mutex_unlock(&dom->iommu->lock);
	return rc;
}

static_assert(SIOV_PERM_R == SIOV_VTD_SS_R && SIOV_PERM_W == SIOV_VTD_SS_W,
	      "permissions are the entry's bits");

/*
 * One PASID: its entries can be looked up. Several: all of the domain, wherever they are. A parent
 * of nested domains: their entries are under other addresses, so all goes.
 */
static enum inval_type
unmap_scope(const struct siov_domain *dom)
{
	if (dom->nb_children != 0)
		return INVAL_ALL;
	return dom->nb_bound == 1 ? INVAL_PASID : INVAL_DOMAIN;
}

struct inval_req
domain_inval_req(const struct siov_domain *dom, uint64_t iova, uint64_t end, unsigned int leaves)
{
	return (struct inval_req){
		.type = unmap_scope(dom),
		.pasid = dom->pasid_xor,
		.did = dom->did,
		.leaves = (uint16_t)leaves,
		.first_page = iova >> SIOV_VTD_PAGE_SHIFT,
		.end_page = end >> SIOV_VTD_PAGE_SHIFT,
	};
}

static int
unmap_locked(struct siov_domain *dom, uint64_t iova, uint64_t end)
{
	struct pool_list emptied = {0};
	struct ptable_found found;
	struct inval_req req;
	int rc;

	rc = ptable_plan_unmap(&dom->pt, iova, end, &found);
	if (rc < 0)
		return rc;
	clear_range(dom, iova, end, &emptied);
	if (dom->nb_bound == 0 && dom->nb_children == 0) {
		free_unreachable(dom->iommu, &emptied);
		return 0;
	}
	req = domain_inval_req(dom, iova, end, found.leaves);
	return iommu_invalidate(dom->iommu, &req, &emptied);
}

int
siov_domain_unmap(struct siov_domain *dom, uint64_t iova, uint64_t len)
{
	int rc;

	rc = domain_check_span(dom, iova, len);
	if (rc < 0)
		return rc;
	pthread_mutex_lock(&dom->iommu->lock);
	iommu_reap(dom->iommu);
	rc = unmap_locked(dom, iova, iova + len);
	pthread_mutex_unlock(&dom->iommu->lock);
	return rc;
}

/* Dirty bits of a range, as they go into the caller's bitmap. */
struct dirty_log {
	uint64_t iova;
	uint64_t *bitmap;
	int64_t nb_pages;
};

static void
log_dirty(void *arg, uint64_t iova, uint64_t end)
{
	struct dirty_log *log = arg;
	uint64_t page = (iova - log->iova) >> SIOV_VTD_PAGE_SHIFT;
	uint64_t last = (end - log->iova) >> SIOV_VTD_PAGE_SHIFT;

	log->nb_pages += (int64_t)(last - page);
	for (; page < last; page++)
		log->bitmap[page / 64] |= RTE_BIT64(page % 64);
}

static int64_t
dirty_locked(struct siov_domain *dom, uint64_t end, struct dirty_log *log, unsigned int flags)
{
	struct ptable_dirty_ctx ctx = {
		.on_dirty = log_dirty,
		.arg = log,
		.clears = (flags & SIOV_DIRTY_CLEAR) != 0,
	};
	struct pool_list none = {0};
	struct inval_req req;
	int rc;

	ptable_dirty(&dom->pt, log->iova, end, &ctx);
	if (ctx.leaves == 0 || (dom->nb_bound == 0 && dom->nb_children == 0))
		return log->nb_pages;
	req = domain_inval_req(dom, log->iova, end, ctx.leaves);
	rc = iommu_invalidate(dom->iommu, &req, &none);
	return rc < 0 ? rc : log->nb_pages;
}

int64_t
siov_domain_dirty(struct siov_domain *dom, uint64_t iova, uint64_t len, uint64_t *bitmap,
		  unsigned int flags)
{
	struct dirty_log log = {.iova = iova, .bitmap = bitmap};
	int64_t rc;

	rc = domain_check_span(dom, iova, len);
	if (rc < 0)
		return rc;
	if ((dom->conf.flags & SIOV_DOMAIN_F_AD) == 0 || bitmap == NULL ||
	    (flags & ~SIOV_DIRTY_CLEAR) != 0)
		return -EINVAL;
	pthread_mutex_lock(&dom->iommu->lock);
	iommu_reap(dom->iommu);
	rc = dirty_locked(dom, iova + len, &log, flags);
	pthread_mutex_unlock(&dom->iommu->lock);
	return rc;
}

static void
close_process(const struct siov_domain *dom)
{
	if (dom != NULL && dom->kind == SIOV_DOMAIN_PROCESS)
		process_close(&dom->process);
}

void
domain_fini(struct siov_iommu *iommu)
{
	uint32_t did;

	for (did = 1; did < iommu->nb_domain_slots; did++)
		close_process(iommu->domains[did]);
	for (did = 1; did < iommu->nb_domain_slots; did++)
		iommu_release(iommu, iommu->domains[did],
			      iommu->domains[did] != NULL ? sizeof(struct siov_domain) : 0);
	iommu_release(iommu, iommu->domains, iommu->nb_domain_slots * sizeof(*iommu->domains));
}

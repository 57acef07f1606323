/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include "iommu_priv.h"
#include "prq_priv.h"

#define BITMAP_WORDS ((SIOV_PASID_MAX + 1) / 64)
#define BITMAP_BYTES (BITMAP_WORDS * sizeof(uint64_t))
#define DIR_BYTES (SIOV_VTD_PASID_DIR_ENTRIES * sizeof(table_word_t))

static bool
is_allocated(const struct siov_iommu *iommu, uint32_t pasid)
{
	return (iommu->pasid_bitmap[pasid / 64] & RTE_BIT64(pasid % 64)) != 0;
}

static void
mark_allocated(struct siov_iommu *iommu, uint32_t pasid)
{
	iommu->pasid_bitmap[pasid / 64] |= RTE_BIT64(pasid % 64);
}

/* PASID 0 stands for requests without PASID (RID_PASID) and is never given out. */
static bool
is_usable(uint32_t pasid)
{
	return pasid != 0 && pasid <= SIOV_PASID_MAX;
}

int
pasid_init(struct siov_iommu *iommu)
{
	iommu->pasid_bitmap =
		iommu_alloc(iommu, "siov_pasid_bitmap", BITMAP_BYTES, RTE_CACHE_LINE_SIZE);
	if (iommu->pasid_bitmap == NULL)
		return -ENOMEM;
	iommu->pasid_dir = iommu_alloc(iommu, "siov_pasid_dir", DIR_BYTES, SIOV_VTD_PAGE_SIZE);
	if (iommu->pasid_dir == NULL)
		return -ENOMEM;
	mark_allocated(iommu, 0);
	return 0;
}

void
pasid_fini(struct siov_iommu *iommu)
{
	iommu_release(iommu, iommu->pasid_dir, DIR_BYTES);
	iommu_release(iommu, iommu->pasid_bitmap, BITMAP_BYTES);
}

/* Lowest free PASID of a word, among the bits of mask; false when there is none. */
static bool
find_in_word(const struct siov_iommu *iommu, uint32_t word, uint64_t mask, uint32_t *pasid)
{
	uint64_t free_bits = ~iommu->pasid_bitmap[word] & mask;

	if (free_bits == 0)
		return false;
	*pasid = word * 64 + (uint32_t)__builtin_ctzll(free_bits);
	return true;
}

/* From where the last search ended, once around: a freed PASID comes back as late as possible. */
static int
alloc_next(struct siov_iommu *iommu, uint32_t *pasid)
{
	uint32_t word = iommu->next_pasid / 64;
	uint64_t mask = UINT64_MAX << iommu->next_pasid % 64;
	uint32_t i;

	for (i = 0; i <= BITMAP_WORDS; i++) {
		if (find_in_word(iommu, word, mask, pasid)) {
			mark_allocated(iommu, *pasid);
			iommu->next_pasid = (*pasid + 1) & SIOV_PASID_MAX;
			iommu->nb_pasids++;
			return 0;
		}
		word = (word + 1) % BITMAP_WORDS;
		mask = UINT64_MAX;
	}
	return -ENOSPC;
}

int
siov_pasid_alloc(struct siov_iommu *iommu, uint32_t *pasid)
{
	int rc;

	if (iommu == NULL || pasid == NULL)
		return -EINVAL;
	pthread_mutex_lock(&iommu->lock);
	rc = alloc_next(iommu, pasid);
	pthread_mutex_unlock(&iommu->lock);
	return rc;
}

int
siov_pasid_alloc_at(struct siov_iommu *iommu, uint32_t pasid)
{
	int rc = -EEXIST;

	if (iommu == NULL || !is_usable(pasid))
		return -EINVAL;
	pthread_mutex_lock(&iommu->lock);
	if (!is_allocated(iommu, pasid)) {
		mark_allocated(iommu, pasid);
		iommu->nb_pasids++;
		rc = 0;
	}
	pthread_mutex_unlock(&iommu->lock);
	return rc;
}

/* Table of the PASID, or NULL. */
static table_word_t *
table_of(const struct siov_iommu *iommu, uint32_t pasid)
{
	uint64_t pde;

	pde = siov_atomic_load(&iommu->pasid_dir[pasid >> SIOV_VTD_PASID_DIR_SHIFT], relaxed);
	return (table_word_t *)(uintptr_t)(pde & SIOV_VTD_ADDR_MASK);
}

static struct siov_vtd_pasid_entry *
entry_in(table_word_t *table, uint32_t pasid)
{
	return (struct siov_vtd_pasid_entry *)table + (pasid & SIOV_VTD_PASID_TABLE_MASK);
}

static bool
is_bound(const struct siov_iommu *iommu, uint32_t pasid)
{
	table_word_t *table = table_of(iommu, pasid);

	if (table == NULL)
		return false;
	return (siov_atomic_load(&entry_in(table, pasid)->q0, relaxed) & SIOV_VTD_PE_P) != 0;
}

int
siov_pasid_free(struct siov_iommu *iommu, uint32_t pasid)
{
	int rc = 0;

	if (iommu == NULL || !is_usable(pasid))
		return -EINVAL;
	pthread_mutex_lock(&iommu->lock);
	if (!is_allocated(iommu, pasid)) {
		rc = -ENOENT;
	} else if (is_bound(iommu, pasid)) {
		rc = -EBUSY;
	} else {
		iommu->pasid_bitmap[pasid / 64] &= ~RTE_BIT64(pasid % 64);
		iommu->nb_pasids--;
	}
	pthread_mutex_unlock(&iommu->lock);
	return rc;
}

static int
add_table(struct siov_iommu *iommu, uint32_t pasid)
{
	struct pool_list list = {0};
	table_word_t *table;

	if (pool_take(&iommu->pool, 1, &list) < 0)
		return -ENOMEM;
	table = pool_list_pop(&list);
	/* R5: the zeroed table is seen with it; pairs with A5 in walk_dir() */
	siov_atomic_store(&iommu->pasid_dir[pasid >> SIOV_VTD_PASID_DIR_SHIFT],
			  (uint64_t)(uintptr_t)table | SIOV_VTD_PDE_P, release);
	return 0;
}

static uint64_t
second_stage_q0(const struct siov_domain *dom)
{
	uint64_t ssade = (dom->conf.flags & SIOV_DOMAIN_F_AD) != 0 ? SIOV_VTD_PE_SSADE : 0;

	return SIOV_VTD_PE_AW_48 | ssade | (uint64_t)(uintptr_t)dom->pt.root;
}

static uint64_t
entry_q0(const struct siov_domain *dom)
{
	uint64_t q0 = SIOV_VTD_PE_P;

	if ((dom->conf.flags & SIOV_DOMAIN_F_FPD) != 0)
		q0 |= SIOV_VTD_PE_FPD;
	switch (dom->kind) {
	case SIOV_DOMAIN_PASS_THROUGH:
		return q0 | SIOV_VTD_PE_PGTT_PT;
	case SIOV_DOMAIN_SECOND_STAGE:
		return q0 | SIOV_VTD_PE_PGTT_SS | second_stage_q0(dom);
	case SIOV_DOMAIN_NESTED:
		return q0 | SIOV_VTD_PE_PGTT_NEST | second_stage_q0(dom->conf.parent);
	default:
		return q0 | SIOV_VTD_PE_PGTT_FS;
	}
}

/* A process's top table is the kernel's: FSPTPTR stays 0, and the word process names it. */
static uint64_t
entry_q2(const struct siov_domain *dom)
{
	uint64_t q2 = 0;

	if (dom->conf.levels == 5)
		q2 |= SIOV_VTD_PE_FSPM_5;
	if ((dom->conf.flags & SIOV_DOMAIN_F_SRE) != 0)
		q2 |= SIOV_VTD_PE_SRE;
	if ((dom->conf.flags & SIOV_DOMAIN_F_WPE) != 0)
		q2 |= SIOV_VTD_PE_WPE;
	if (dom->kind == SIOV_DOMAIN_FIRST_STAGE)
		q2 |= (uint64_t)(uintptr_t)dom->pt.root;
	return dom->kind == SIOV_DOMAIN_NESTED ? q2 | dom->conf.fs_root : q2;
}

static void
write_entry(struct siov_vtd_pasid_entry *entry, const struct siov_domain *dom)
{
	const struct siov_process *process = &dom->process;

	if (dom->kind != SIOV_DOMAIN_PROCESS)
		process = NULL;
	siov_atomic_store(&entry->q1, dom->did, relaxed);
	siov_atomic_store(&entry->q2, entry_q2(dom), relaxed);
	siov_atomic_store(&entry->process, (uint64_t)(uintptr_t)process, relaxed);
	siov_atomic_store(&entry->prq, (uint64_t)(uintptr_t)dom->conf.prq, relaxed);
	/* R6: the rest and the page tables are seen with it; pairs with A6 in walk_pasid() */
	siov_atomic_store(&entry->q0, entry_q0(dom), release);
}

/* R7: who sees a later word cleared sees P cleared too; pairs with A7 in read_entry() */
static void
clear_entry(struct siov_vtd_pasid_entry *entry)
{
	siov_atomic_store(&entry->q0, 0, relaxed);
	siov_atomic_store(&entry->q1, 0, release);
	siov_atomic_store(&entry->q2, 0, release);
	siov_atomic_store(&entry->process, 0, release);
	siov_atomic_store(&entry->prq, 0, release);
}

static int
bind_locked(struct siov_iommu *iommu, uint32_t pasid, struct siov_domain *dom)
{
	struct siov_vtd_pasid_entry *entry;
	table_word_t *table;
	int rc;

	if (!is_allocated(iommu, pasid))
		return -ENOENT;
	if (is_bound(iommu, pasid))
		return -EBUSY;
	rc = iommu_settle(iommu);
	if (rc < 0)
		return rc;
	if (table_of(iommu, pasid) == NULL && add_table(iommu, pasid) < 0)
		return -ENOMEM;
	table = table_of(iommu, pasid);
	entry = entry_in(table, pasid);
	if (dom->conf.prq != NULL)
		prq_forget_pasid(dom->conf.prq, pasid);
	write_entry(entry, dom);
	(*pool_used(table))++;
	dom->nb_bound++;
	dom->pasid_xor ^= pasid;
	iommu->nb_bound++;
	return 0;
}

int
siov_pasid_bind(struct siov_iommu *iommu, uint32_t pasid, struct siov_domain *dom,
		unsigned int flags)
{
	int rc;

	if (iommu == NULL || dom == NULL || dom->iommu != iommu || !is_usable(pasid) || flags != 0)
		return -EINVAL;
	pthread_mutex_lock(&iommu->lock);
	iommu_reap(iommu);
	rc = bind_locked(iommu, pasid, dom);
	pthread_mutex_unlock(&iommu->lock);
	return rc;
}

/* Take the table off the directory when its last entry is gone. */
static void
prune_table(struct siov_iommu *iommu, uint32_t pasid, table_word_t *table, struct pool_list *list)
{
	(*pool_used(table))--;
	if (*pool_used(table) != 0)
		return;
	siov_atomic_store(&iommu->pasid_dir[pasid >> SIOV_VTD_PASID_DIR_SHIFT], 0, relaxed);
	pool_list_push(list, table);
}

static int
unbind_locked(struct siov_iommu *iommu, uint32_t pasid)
{
	const struct inval_req req = {
		.type = INVAL_PASID,
		.pasid = pasid,
		.leaves = INVAL_LEAF_4K | INVAL_LEAF_2M,
		.end_page = INVAL_ALL_PAGES,
	};
	table_word_t *table = table_of(iommu, pasid);
	struct siov_vtd_pasid_entry *entry = entry_in(table, pasid);
	struct pool_list emptied = {0};
	struct siov_domain *dom;

	dom = iommu->domains[siov_atomic_load(&entry->q1, relaxed) & SIOV_VTD_PE_DID_MASK];
	dom->nb_bound--;
	dom->pasid_xor ^= pasid;
	iommu->nb_bound--;
	clear_entry(entry);
	prune_table(iommu, pasid, table, &emptied);
	return iommu_invalidate(iommu, &req, &emptied);
}

int
siov_pasid_unbind(struct siov_iommu *iommu, uint32_t pasid)
{
	int rc = -ENOENT;

	if (iommu == NULL || !is_usable(pasid))
		return -EINVAL;
	pthread_mutex_lock(&iommu->lock);
	iommu_reap(iommu);
	if (is_bound(iommu, pasid))
		rc = unbind_locked(iommu, pasid);
	pthread_mutex_unlock(&iommu->lock);
	return rc;
}

static int
invalidate_locked(struct siov_iommu *iommu, uint32_t pasid, uint64_t iova, uint64_t len)
{
	const struct inval_req req = {
		.type = INVAL_PASID,
		.pasid = pasid,
		.leaves = INVAL_LEAF_4K | INVAL_LEAF_2M,
		.first_page = iova / SIOV_VTD_PAGE_SIZE,
		.end_page = (iova + len - 1) / SIOV_VTD_PAGE_SIZE + 1,
	};
	struct pool_list none = {0};

	return is_bound(iommu, pasid) ? iommu_invalidate(iommu, &req, &none) : -ENOENT;
}

int
siov_pasid_invalidate(struct siov_iommu *iommu, uint32_t pasid, uint64_t iova, uint64_t len)
{
	int rc;

	if (iommu == NULL || !is_usable(pasid) || len == 0 ||
	    (iova | len) % SIOV_VTD_PAGE_SIZE != 0)
		return -EINVAL;
	if (iova + len - 1 < iova)
		return -ERANGE;
	pthread_mutex_lock(&iommu->lock);
	iommu_reap(iommu);
	rc = invalidate_locked(iommu, pasid, iova, len);
	pthread_mutex_unlock(&iommu->lock);
	return rc;
}

int
siov_pasid_is_bound(struct siov_iommu *iommu, uint32_t pasid)
{
	int rc;

	if (iommu == NULL || !is_usable(pasid))
		return 0;
	pthread_mutex_lock(&iommu->lock);
	rc = is_bound(iommu, pasid);
	pthread_mutex_unlock(&iommu->lock);
	return rc;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include <rte_common.h>

#include "dev_priv.h"
#include "siov_gmem.h"

#define DEFAULT_SIZE (UINT64_C(2) << 20)
#define DEFAULT_IOVA UINT64_C(0x100000000)
#define SHIFT_4K 12u
#define SHIFT_2M 21u
#define SHIFT_1G 30u
#define NESTED_GPA \
	UINT64_C(0x40000000) /* of the guest's memory: unlike any iova, so that they show */

struct siov_gmem {
	const struct siov_mem *mem;
	struct siov_iommu *iommu;
	struct siov_domain *domain;
	struct siov_domain *parent; /* nested: the guest-physical address space */
	struct siov_guest_pt *guest_pt; /* nested */
	void *hva;
	uint64_t iova;
	uint64_t gpa;
	uint64_t size;
	uint64_t room; /* bytes of tables behind it, nested */
	bool is_added; /* to the platform's memory */
};

void
siov_gmem_conf_init(struct siov_gmem_conf *conf)
{
	*conf = (struct siov_gmem_conf){
		.size = DEFAULT_SIZE,
		.iova = DEFAULT_IOVA,
		.page_shift = SHIFT_2M,
		.kind = SIOV_DOMAIN_SECOND_STAGE,
		.perm = SIOV_PERM_R | SIOV_PERM_W,
		.socket_id = -1,
	};
}

static int
check_conf(const struct siov_gmem_conf *conf)
{
	unsigned int shift = conf->page_shift;

	if (shift != SHIFT_4K && shift != SHIFT_2M && shift != SHIFT_1G)
		return -EINVAL;
	if (conf->size == 0 || conf->size > UINT64_MAX - (UINT64_C(1) << shift))
		return -EINVAL;
	if (conf->perm == 0 || (conf->perm & ~(SIOV_PERM_R | SIOV_PERM_W)) != 0)
		return -EINVAL;
	switch (conf->kind) {
	case SIOV_DOMAIN_FIRST_STAGE:
	case SIOV_DOMAIN_NESTED:
		if ((conf->perm & SIOV_PERM_R) == 0)
			return -EINVAL;
		/* fall through */
	case SIOV_DOMAIN_SECOND_STAGE:
		return (conf->iova & ((UINT64_C(1) << shift) - 1)) == 0 ? 0 : -EINVAL;
	case SIOV_DOMAIN_PASS_THROUGH:
	case SIOV_DOMAIN_PROCESS:
		/* They have no permissions of their own. */
		return conf->perm == (SIOV_PERM_R | SIOV_PERM_W) ? 0 : -EINVAL;
	default:
		return -EINVAL;
	}
}

/* Bytes of first-stage tables for size bytes in 4 KiB pages, at worst; whole pages of 2^shift. */
static uint64_t
tables_room(const struct siov_gmem_conf *conf, uint64_t size, unsigned int shift)
{
	uint64_t nb = 8; /* the levels above, twice for a range that crosses a boundary */

	if (conf->kind != SIOV_DOMAIN_NESTED)
		return 0;
	nb += 2 * (size >> SHIFT_1G) + (size >> SHIFT_2M);
	return RTE_ALIGN_CEIL(nb * SIOV_VTD_PAGE_SIZE, UINT64_C(1) << RTE_MIN(shift, SHIFT_2M));
}

/*
 * Memory aligned to the page size; where there is none, to the next smaller one. Returns the shift
 * of the page size used, 0: no memory.
 */
static unsigned int
alloc_pages(struct siov_gmem *gmem, const struct siov_gmem_conf *conf)
{
	unsigned int shift = conf->page_shift;

	for (;;) {
		gmem->size = RTE_ALIGN_CEIL(conf->size, UINT64_C(1) << shift);
		gmem->room = tables_room(conf, gmem->size, shift);
		gmem->hva = siov_mem_alloc(gmem->mem, "siov_gmem", gmem->size + gmem->room,
					   (size_t)1 << shift, conf->socket_id);
		if (gmem->hva != NULL)
			return shift;
		if (shift == SHIFT_4K)
			return 0;
		shift = shift == SHIFT_1G ? SHIFT_2M : SHIFT_4K;
	}
}

/* The guest's part of a nested address space: its own tables, with what they map. */
static int
map_guest(struct siov_gmem *gmem, const struct siov_gmem_conf *conf, unsigned int shift)
{
	const struct siov_guest_pt_conf pt_conf = {
		.hva = gmem->hva,
		.gpa = gmem->gpa,
		.size = gmem->size + gmem->room,
		.tables = gmem->size,
		.room = gmem->room,
		.levels = conf->levels == 5 ? 5 : 4,
		.max_page_shift = shift,
	};
	int ret;

	ret = siov_guest_pt_create(&pt_conf, &gmem->guest_pt);
	if (ret != 0)
		return ret;
	return siov_guest_pt_map(gmem->guest_pt, gmem->iova, gmem->gpa, gmem->size, conf->perm);
}

/* Nested: the host's part is a second-stage domain of all the guest's memory. */
static int
map_nested(struct siov_gmem *gmem, const struct siov_gmem_conf *conf, unsigned int shift)
{
	const struct siov_domain_conf parent_conf = {
		.kind = SIOV_DOMAIN_SECOND_STAGE,
		.max_page_shift = shift,
		.flags = conf->flags & SIOV_DOMAIN_F_AD,
	};
	struct siov_domain_conf domain_conf = {
		.kind = SIOV_DOMAIN_NESTED,
		.levels = conf->levels,
		.flags = conf->flags & ~SIOV_DOMAIN_F_AD,
		.prq = conf->prq,
	};
	int ret;

	gmem->gpa = NESTED_GPA;
	ret = siov_domain_create(gmem->iommu, &parent_conf, &gmem->parent);
	if (ret == 0)
		ret = siov_domain_map(gmem->parent, gmem->gpa, gmem->hva, gmem->size + gmem->room,
				      SIOV_PERM_R | SIOV_PERM_W);
	if (ret == 0)
		ret = map_guest(gmem, conf, shift);
	if (ret != 0)
		return ret;
	domain_conf.parent = gmem->parent;
	domain_conf.fs_root = siov_guest_pt_root(gmem->guest_pt);
	return siov_domain_create(gmem->iommu, &domain_conf, &gmem->domain);
}

static bool
has_tables(enum siov_domain_kind kind)
{
	return kind == SIOV_DOMAIN_FIRST_STAGE || kind == SIOV_DOMAIN_SECOND_STAGE;
}

static int
map_plain(struct siov_gmem *gmem, const struct siov_gmem_conf *conf, unsigned int shift)
{
	const struct siov_domain_conf domain_conf = {
		.kind = conf->kind,
		.max_page_shift = has_tables(conf->kind) ? shift : 0,
		.levels = conf->levels,
		.flags = conf->flags,
		.prq = conf->prq,
	};
	int ret;

	gmem->gpa = gmem->iova;
	ret = siov_domain_create(gmem->iommu, &domain_conf, &gmem->domain);
	if (ret != 0 || !has_tables(conf->kind))
		return ret;
	return siov_domain_map(gmem->domain, gmem->iova, gmem->hva, gmem->size, conf->perm);
}

static int
map_gmem(struct siov_gmem *gmem, const struct siov_gmem_conf *conf, unsigned int shift)
{
	bool is_same = conf->kind == SIOV_DOMAIN_PASS_THROUGH || conf->kind == SIOV_DOMAIN_PROCESS;
	int ret;

	gmem->iova = is_same ? (uint64_t)(uintptr_t)gmem->hva : conf->iova;
	/* A process's memory is reached as it is, and needs no registration. */
	if (conf->kind != SIOV_DOMAIN_PROCESS) {
		ret = siov_iommu_add_memory(gmem->iommu, gmem->hva, gmem->size + gmem->room);
		if (ret != 0)
			return ret;
		gmem->is_added = true;
	}
	if (conf->kind == SIOV_DOMAIN_NESTED)
		return map_nested(gmem, conf, shift);
	return map_plain(gmem, conf, shift);
}

int
siov_gmem_create(struct siov_dev *dev, const struct siov_gmem_conf *conf, struct siov_gmem **out)
{
	struct siov_gmem_conf defaults;
	struct siov_gmem *gmem;
	unsigned int shift;
	int ret;

	if (conf == NULL) {
		siov_gmem_conf_init(&defaults);
		conf = &defaults;
	}
	ret = check_conf(conf);
	if (ret != 0)
		return ret;
	gmem = siov_mem_alloc(dev->mem, "siov_gmem_head", sizeof(*gmem), RTE_CACHE_LINE_SIZE,
			      conf->socket_id);
	if (gmem == NULL)
		return -ENOMEM;
	gmem->mem = dev->mem;
	gmem->iommu = dev->iommu;
	shift = alloc_pages(gmem, conf);
	if (shift != 0 && shift < conf->page_shift)
		CTRL_LOG(NOTICE, "%s: guest memory has pages of 2^%u bytes instead of 2^%u",
			 dev->conf.name, shift, conf->page_shift);
	ret = shift != 0 ? map_gmem(gmem, conf, shift) : -ENOMEM;
	if (ret != 0)
		goto fail;
	*out = gmem;
	return 0;
fail:
	if (siov_gmem_free(gmem) != 0)
		CTRL_LOG(ERR, "%s: an engine does not let go of guest memory", dev->conf.name);
	return ret;
}

int
siov_gmem_free(struct siov_gmem *gmem)
{
	int ret;

	if (gmem == NULL)
		return 0;
	ret = siov_domain_free(gmem->domain);
	if (ret != 0)
		return ret;
	gmem->domain = NULL;
	ret = siov_domain_free(gmem->parent);
	if (ret != 0)
		return ret;
	gmem->parent = NULL;
	siov_guest_pt_free(gmem->guest_pt);
	gmem->guest_pt = NULL;
	if (gmem->is_added)
		ret = siov_iommu_remove_memory(gmem->iommu, gmem->hva, gmem->size + gmem->room);
	/* Removed already, and only the wait for the engines is left? Then wait again. */
	if (ret == -ETIMEDOUT || ret == -ENOENT)
		ret = siov_iommu_synchronize(gmem->iommu);
	if (ret != 0)
		return ret;
	siov_mem_free(gmem->mem, gmem->hva);
	siov_mem_free(gmem->mem, gmem);
	return 0;
}

int
siov_gmem_bind(struct siov_gmem *gmem, uint32_t pasid)
{
	int ret;

	ret = siov_pasid_alloc_at(gmem->iommu, pasid);
	if (ret != 0)
		return ret;
	ret = siov_pasid_bind(gmem->iommu, pasid, gmem->domain, 0);
	if (ret != 0)
		siov_pasid_free(gmem->iommu, pasid);
	return ret;
}

int
siov_gmem_unbind(struct siov_gmem *gmem, uint32_t pasid)
{
	int ret;

	ret = siov_pasid_unbind(gmem->iommu, pasid);
	return ret != 0 ? ret : siov_pasid_free(gmem->iommu, pasid);
}

struct siov_domain *
siov_gmem_domain(struct siov_gmem *gmem)
{
	return gmem->domain;
}

struct siov_guest_pt *
siov_gmem_guest_pt(struct siov_gmem *gmem)
{
	return gmem->guest_pt;
}

uint64_t
siov_gmem_gpa(const struct siov_gmem *gmem)
{
	return gmem->gpa;
}

void *
siov_gmem_hva(const struct siov_gmem *gmem)
{
	return gmem->hva;
}

uint64_t
siov_gmem_iova(const struct siov_gmem *gmem)
{
	return gmem->iova;
}

uint64_t
siov_gmem_size(const struct siov_gmem *gmem)
{
	return gmem->size;
}

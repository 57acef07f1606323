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

struct siov_gmem {
	const struct siov_mem *mem;
	struct siov_iommu *iommu;
	struct siov_domain *domain;
	void *hva;
	uint64_t iova;
	uint64_t size;
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
	case SIOV_DOMAIN_SECOND_STAGE:
		return (conf->iova & ((UINT64_C(1) << shift) - 1)) == 0 ? 0 : -EINVAL;
	case SIOV_DOMAIN_PASS_THROUGH:
		/* It has no permissions of its own. */
		return conf->perm == (SIOV_PERM_R | SIOV_PERM_W) ? 0 : -EINVAL;
	default:
		return -EINVAL;
	}
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
		gmem->hva = siov_mem_alloc(gmem->mem, "siov_gmem", gmem->size, (size_t)1 << shift,
					   conf->socket_id);
		if (gmem->hva != NULL)
			return shift;
		if (shift == SHIFT_4K)
			return 0;
		shift = shift == SHIFT_1G ? SHIFT_2M : SHIFT_4K;
	}
}

static int
map_gmem(struct siov_gmem *gmem, const struct siov_gmem_conf *conf, unsigned int shift)
{
	const struct siov_domain_conf domain_conf = {.kind = conf->kind, .max_page_shift = shift};
	int ret;

	ret = siov_iommu_add_memory(gmem->iommu, gmem->hva, gmem->size);
	if (ret != 0)
		return ret;
	gmem->is_added = true;
	ret = siov_domain_create(gmem->iommu, &domain_conf, &gmem->domain);
	if (ret != 0)
		return ret;
	if (conf->kind == SIOV_DOMAIN_PASS_THROUGH) {
		gmem->iova = (uint64_t)(uintptr_t)gmem->hva;
		return 0;
	}
	gmem->iova = conf->iova;
	return siov_domain_map(gmem->domain, gmem->iova, gmem->hva, gmem->size, conf->perm);
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
	if (gmem->is_added)
		ret = siov_iommu_remove_memory(gmem->iommu, gmem->hva, gmem->size);
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

/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_errno.h>

#include "complain.h"
#include "guest.h"
#include "via_vdev.h"
#include "work_op.h"

#define SPACE_IOVA UINT64_C(0x200000000) /* of what is not mapped at once, in one piece */

static int
create_gmem(struct guest *guest, const struct guest_conf *conf)
{
	struct siov_gmem_conf gmem_conf;
	int ret;

	siov_gmem_conf_init(&gmem_conf);
	gmem_conf.size = conf->size;
	gmem_conf.kind = conf->kind;
	gmem_conf.page_shift = conf->page_shift;
	gmem_conf.levels = options_iommu_has_first(conf->kind) ? conf->levels : 0;
	gmem_conf.flags = guest->flags;
	ret = siov_gmem_create(guest->rig->dev, &gmem_conf, &guest->gmem);
	if (ret != 0)
		return ret;
	guest->domain = siov_gmem_domain(guest->gmem);
	guest->iova = siov_gmem_iova(guest->gmem);
	guest->hva = siov_gmem_hva(guest->gmem);
	guest->size = siov_gmem_size(guest->gmem);
	return 0;
}

/* A random order of nb pages. */
static uint32_t *
shuffle_pages(uint32_t nb, uint64_t seed)
{
	uint32_t *page = malloc(nb * sizeof(*page));
	uint64_t state = seed * 2 + 1;
	uint32_t i;

	if (page == NULL)
		return NULL;
	for (i = 0; i < nb; i++)
		page[i] = i;
	for (i = nb; i > 1; i--) {
		uint32_t j = (uint32_t)(work_random(&state) % i);
		uint32_t kept = page[i - 1];

		page[i - 1] = page[j];
		page[j] = kept;
	}
	return page;
}

static int
map_scattered(struct guest *guest, uint64_t seed)
{
	uint32_t nb = (uint32_t)(guest->size / GUEST_PAGE), i;
	int ret = 0;

	guest->host_page = shuffle_pages(nb, seed);
	if (guest->host_page == NULL)
		return -ENOMEM;
	for (i = 0; i < nb && ret == 0; i++)
		ret = space_map(guest->space, guest->iova + (uint64_t)i * GUEST_PAGE,
				guest_hva(guest, (uint64_t)i * GUEST_PAGE), GUEST_PAGE,
				SIOV_PERM_R | SIOV_PERM_W);
	return ret;
}

/* Memory with an address space of its own, in which nothing is mapped. */
static int
create_space(struct guest *guest, const struct guest_conf *conf)
{
	const struct space_conf space_conf = {
		.kind = conf->kind,
		.page_shift = conf->is_scattered ? 12 : conf->page_shift,
		.levels = conf->levels,
		.flags = guest->flags,
		.max_bytes = conf->size,
		.prq = conf->prq,
	};
	uint64_t page = UINT64_C(1) << space_conf.page_shift;
	int ret;

	guest->size = RTE_ALIGN_CEIL(conf->size, page);
	guest->iova = SPACE_IOVA;
	guest->hva = siov_mem_alloc(siov_mem_eal(), "guest", guest->size, page, -1);
	if (guest->hva == NULL)
		return -ENOMEM;
	ret = siov_iommu_add_memory(guest->rig->iommu, guest->hva, guest->size);
	if (ret != 0)
		return ret;
	guest->is_added = true;
	ret = space_create(guest->rig->iommu, &space_conf, &guest->space);
	if (ret == 0)
		ret = space_add_memory(guest->space, guest->hva, guest->size);
	if (ret != 0)
		return ret;
	guest->domain = space_domain(guest->space);
	return conf->is_scattered ? map_scattered(guest, conf->seed) : 0;
}

int
guest_create(struct guest *guest, struct rig *rig, const struct guest_conf *conf)
{
	int ret;

	*guest = (struct guest){
		.rig = rig,
		.kind = conf->kind,
		.page_shift = conf->page_shift,
		.levels = conf->levels,
	};
	if (conf->allows_priv && options_iommu_has_first(conf->kind))
		guest->flags = SIOV_DOMAIN_F_SRE;
	if (conf->is_scattered || conf->prq != NULL)
		ret = create_space(guest, conf);
	else
		ret = create_gmem(guest, conf);
	if (ret != 0)
		guest_free(guest);
	return ret;
}

static int
free_space(struct guest *guest)
{
	int ret = space_free(guest->space);

	if (ret == 0 && guest->is_added)
		ret = siov_iommu_remove_memory(guest->rig->iommu, guest->hva, guest->size);
	if (ret != 0)
		return ret;
	siov_mem_free(siov_mem_eal(), guest->hva);
	free(guest->host_page);
	return 0;
}

int
guest_free(struct guest *guest)
{
	int ret;

	if (guest->rig == NULL)
		return 0;
	if (guest->vm != NULL)
		ret = via_free_guest(guest);
	else
		ret = guest->gmem != NULL ? siov_gmem_free(guest->gmem) : free_space(guest);
	guest->rig = NULL;
	return ret == 0 ? 0 : complain("guest memory cannot be freed: %s", rte_strerror(-ret));
}

void
guest_read(const struct guest *guest, uint64_t offset, uint8_t *dst, uint64_t len)
{
	while (len > 0) {
		uint64_t n = RTE_MIN(len, GUEST_PAGE - offset % GUEST_PAGE);

		memcpy(dst, guest_hva(guest, offset), n);
		dst += n;
		offset += n;
		len -= n;
	}
}

void
guest_write(const struct guest *guest, uint64_t offset, const uint8_t *src, uint64_t len)
{
	while (len > 0) {
		uint64_t n = RTE_MIN(len, GUEST_PAGE - offset % GUEST_PAGE);

		memcpy(guest_hva(guest, offset), src, n);
		src += n;
		offset += n;
		len -= n;
	}
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <sys/queue.h>

#include <rte_common.h>

#include "space.h"

#define GPA_FIRST UINT64_C(0x40000000) /* of a guest's memory */
#define GPA_STEP UINT64_C(0x40000000) /* between memories: a page of any size fits */
#define ROOM_MIN (UINT64_C(1) << 20) /* for the guest's tables */

/* Memory that a guest has. */
struct memory {
	LIST_ENTRY(memory) next;
	uint8_t *hva;
	uint64_t gpa;
	uint64_t len;
};

struct space {
	struct siov_iommu *iommu;
	enum siov_domain_kind kind;
	struct siov_domain *domain;
	/* nested */
	struct siov_domain *parent;
	struct siov_guest_pt *guest_pt;
	uint8_t *tables;
	uint64_t room; /* bytes of tables */
	bool tables_added; /* to the platform's memory */
	uint64_t next_gpa;
	LIST_HEAD(, memory) memories;
};

/* ---- a guest's memory ---- */

int
space_add_memory(struct space *space, void *hva, uint64_t len)
{
	struct memory *memory;
	int ret;

	if (space->kind != SIOV_DOMAIN_NESTED)
		return 0;
	memory = calloc(1, sizeof(*memory));
	if (memory == NULL)
		return -ENOMEM;
	memory->hva = hva;
	memory->len = len;
	/* As far beyond a page of the largest size as the memory itself, so large pages fit. */
	memory->gpa = space->next_gpa + (uintptr_t)hva % GPA_STEP;
	ret = siov_domain_map(space->parent, memory->gpa, hva, len, SIOV_PERM_R | SIOV_PERM_W);
	if (ret != 0) {
		free(memory);
		return ret;
	}
	space->next_gpa = RTE_ALIGN_CEIL(memory->gpa + len, GPA_STEP);
	LIST_INSERT_HEAD(&space->memories, memory, next);
	return 0;
}

static struct memory *
find_memory(const struct space *space, const uint8_t *hva)
{
	struct memory *memory;

	LIST_FOREACH(memory, &space->memories, next) {
		if (hva >= memory->hva && hva < memory->hva + memory->len)
			return memory;
	}
	return NULL;
}

int
space_remove_memory(struct space *space, void *hva)
{
	struct memory *memory;
	int ret;

	if (space->kind != SIOV_DOMAIN_NESTED)
		return 0;
	memory = find_memory(space, hva);
	if (memory == NULL)
		return -ENOENT;
	ret = siov_domain_unmap(space->parent, memory->gpa, memory->len);
	if (ret != 0)
		return ret;
	LIST_REMOVE(memory, next);
	free(memory);
	return 0;
}

/* ---- create and free ---- */

/* Tables for max_bytes in pages of 4 KiB, and some for ranges that lie apart. */
static uint64_t
tables_room(uint64_t max_bytes)
{
	return ROOM_MIN + RTE_ALIGN_CEIL((max_bytes >> 21) * 2 * SIOV_VTD_PAGE_SIZE, ROOM_MIN);
}

static int
create_guest_tables(struct space *space, const struct space_conf *conf)
{
	struct siov_guest_pt_conf pt_conf = {
		.levels = conf->levels,
		.max_page_shift = conf->page_shift,
	};
	int ret;

	space->room = tables_room(conf->max_bytes);
	space->tables =
		siov_mem_alloc(siov_mem_eal(), "guest_tables", space->room, SIOV_VTD_PAGE_SIZE, -1);
	if (space->tables == NULL)
		return -ENOMEM;
	ret = siov_iommu_add_memory(space->iommu, space->tables, space->room);
	if (ret != 0)
		return ret;
	space->tables_added = true;
	ret = space_add_memory(space, space->tables, space->room);
	if (ret != 0)
		return ret;
	pt_conf.hva = space->tables;
	pt_conf.gpa = find_memory(space, space->tables)->gpa;
	pt_conf.size = space->room;
	pt_conf.room = space->room;
	return siov_guest_pt_create(&pt_conf, &space->guest_pt);
}

static int
create_nested(struct space *space, const struct space_conf *conf)
{
	const struct siov_domain_conf parent_conf = {
		.kind = SIOV_DOMAIN_SECOND_STAGE,
		.max_page_shift = conf->page_shift,
	};
	struct siov_domain_conf domain_conf = {
		.kind = SIOV_DOMAIN_NESTED,
		.levels = conf->levels,
		.flags = conf->flags,
		.prq = conf->prq,
	};
	int ret;

	space->next_gpa = GPA_FIRST;
	ret = siov_domain_create(space->iommu, &parent_conf, &space->parent);
	if (ret == 0)
		ret = create_guest_tables(space, conf);
	if (ret != 0)
		return ret;
	domain_conf.parent = space->parent;
	domain_conf.fs_root = siov_guest_pt_root(space->guest_pt);
	return siov_domain_create(space->iommu, &domain_conf, &space->domain);
}

static int
create_plain(struct space *space, const struct space_conf *conf)
{
	bool has_tables =
		conf->kind == SIOV_DOMAIN_FIRST_STAGE || conf->kind == SIOV_DOMAIN_SECOND_STAGE;
	const struct siov_domain_conf domain_conf = {
		.kind = conf->kind,
		.max_page_shift = has_tables ? conf->page_shift : 0,
		.levels = conf->kind == SIOV_DOMAIN_FIRST_STAGE ? conf->levels : 0,
		.flags = conf->flags,
		.prq = conf->prq,
	};

	return siov_domain_create(space->iommu, &domain_conf, &space->domain);
}

int
space_create(struct siov_iommu *iommu, const struct space_conf *conf, struct space **out)
{
	struct space *space = calloc(1, sizeof(*space));
	int ret;

	if (space == NULL)
		return -ENOMEM;
	space->iommu = iommu;
	space->kind = conf->kind;
	LIST_INIT(&space->memories);
	if (conf->kind == SIOV_DOMAIN_NESTED)
		ret = create_nested(space, conf);
	else
		ret = create_plain(space, conf);
	if (ret != 0) {
		space_free(space);
		return ret;
	}
	*out = space;
	return 0;
}

/* The guest's tables, and the second stage below them. */
static int
free_nested(struct space *space)
{
	int ret = 0;

	while (!LIST_EMPTY(&space->memories) && ret == 0)
		ret = space_remove_memory(space, LIST_FIRST(&space->memories)->hva);
	if (ret == 0)
		ret = siov_domain_free(space->parent);
	if (ret != 0)
		return ret;
	space->parent = NULL;
	if (space->tables_added)
		ret = siov_iommu_remove_memory(space->iommu, space->tables, space->room);
	if (ret != 0)
		return ret;
	space->tables_added = false;
	siov_guest_pt_free(space->guest_pt);
	siov_mem_free(siov_mem_eal(), space->tables);
	return 0;
}

int
space_free(struct space *space)
{
	int ret;

	if (space == NULL)
		return 0;
	ret = siov_domain_free(space->domain);
	if (ret != 0)
		return ret;
	space->domain = NULL;
	if (space->kind == SIOV_DOMAIN_NESTED)
		ret = free_nested(space);
	if (ret == 0)
		free(space);
	return ret;
}

struct siov_domain *
space_domain(const struct space *space)
{
	return space->domain;
}

enum siov_domain_kind
space_kind(const struct space *space)
{
	return space->kind;
}

/* ---- mappings ---- */

int
space_map(struct space *space, uint64_t iova, void *hva, uint64_t len, unsigned int perm)
{
	const struct memory *memory;
	uint64_t offset;

	if (space->kind != SIOV_DOMAIN_NESTED)
		return siov_domain_map(space->domain, iova, hva, len, perm);
	memory = find_memory(space, hva);
	if (memory == NULL)
		return -EFAULT;
	offset = (uint64_t)((uint8_t *)hva - memory->hva);
	if (len > memory->len - offset)
		return -EFAULT;
	return siov_guest_pt_map(space->guest_pt, iova, memory->gpa + offset, len, perm);
}

int
space_unmap(struct space *space, uint64_t iova, uint64_t len)
{
	if (space->kind == SIOV_DOMAIN_NESTED)
		return siov_guest_pt_unmap(space->guest_pt, iova, len);
	return siov_domain_unmap(space->domain, iova, len);
}

int
space_spoil(struct space *space, uint64_t iova)
{
	if (space->kind != SIOV_DOMAIN_NESTED)
		return -EINVAL;
	/* The bits above what the host's addresses have are reserved. */
	return siov_guest_pt_map(space->guest_pt, iova, RTE_BIT64(SIOV_VTD_HAW), SIOV_VTD_PAGE_SIZE,
				 SIOV_PERM_R | SIOV_PERM_W);
}

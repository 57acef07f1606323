/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include <rte_common.h>

#include "gas_priv.h"

#define SHIFT_4K 12u
#define SHIFT_2M 21u
#define SHIFT_1G 30u
#define PAGE_4K (UINT64_C(1) << SHIFT_4K)
#define PERM_ALL (SIOV_PERM_R | SIOV_PERM_W)

struct map {
	uint64_t gpa;
	uint64_t len;
	uint8_t *hva;
	unsigned int perm;
	bool is_mapped; /* in the domain; else an unmap has timed out half-way */
};

struct siov_gas {
	const struct siov_mem *mem;
	struct siov_iommu *iommu;
	struct siov_domain *domain;
	struct siov_vm_pasid *pasids;
	bool is_process;
	pthread_mutex_t lock;
	unsigned int nb_users;
	bool is_logging;
	struct gas_spaces spaces; /* under the VDCM's lock */
	unsigned int nb_maps;
	struct map maps[SIOV_GAS_MAPS_MAX]; /* by gpa */
};

int
siov_gas_create(const struct siov_gas_conf *conf, struct siov_gas **out)
{
	const struct siov_mem *mem = conf->mem != NULL ? conf->mem : siov_mem_eal();
	unsigned int shift = conf->page_shift != 0 ? conf->page_shift : SHIFT_2M;
	const struct siov_domain_conf second_stage = {
		.kind = SIOV_DOMAIN_SECOND_STAGE,
		.max_page_shift = shift,
		.flags = SIOV_DOMAIN_F_AD,
	};
	const struct siov_domain_conf process = {.kind = SIOV_DOMAIN_PROCESS};
	struct siov_vm_pasid_conf pasid_conf;
	struct siov_gas *gas;
	int ret;

	if (conf->iommu == NULL || (shift != SHIFT_4K && shift != SHIFT_2M && shift != SHIFT_1G))
		return -EINVAL;
	gas = siov_mem_alloc(mem, "siov_gas", sizeof(*gas), RTE_CACHE_LINE_SIZE, -1);
	if (gas == NULL)
		return -ENOMEM;
	gas->mem = mem;
	gas->iommu = conf->iommu;
	gas->is_process = conf->is_process;
	pthread_mutex_init(&gas->lock, NULL);
	siov_vm_pasid_conf_init(&pasid_conf);
	pasid_conf.mem = mem;
	ret = siov_domain_create(gas->iommu, conf->is_process ? &process : &second_stage,
				 &gas->domain);
	if (ret == 0)
		ret = siov_vm_pasid_create(&pasid_conf, &gas->pasids);
	if (ret == 0)
		*out = gas;
	else
		siov_gas_free(gas);
	return ret;
}

/* ---- maps ---- */

/* The first map that ends behind gpa; nb_maps: none. */
static unsigned int
find_slot(const struct siov_gas *gas, uint64_t gpa)
{
	unsigned int i = 0;

	while (i < gas->nb_maps && gas->maps[i].gpa + gas->maps[i].len <= gpa)
		i++;
	return i;
}

static int
check_map(const struct siov_gas *gas, const struct map *map)
{
	unsigned int i;

	if (map->len == 0 || map->gpa + map->len < map->gpa || map->perm == 0 ||
	    (map->perm & ~PERM_ALL) != 0 ||
	    ((map->gpa | map->len | (uintptr_t)map->hva) & (PAGE_4K - 1)) != 0)
		return -EINVAL;
	if (gas->is_logging)
		return -EBUSY;
	i = find_slot(gas, map->gpa);
	if (i < gas->nb_maps && gas->maps[i].gpa < map->gpa + map->len)
		return -EEXIST;
	return gas->nb_maps == SIOV_GAS_MAPS_MAX ? -ENOSPC : 0;
}

static void
insert(struct siov_gas *gas, const struct map *map)
{
	unsigned int i = find_slot(gas, map->gpa);

	memmove(&gas->maps[i + 1], &gas->maps[i], (gas->nb_maps - i) * sizeof(*map));
	gas->maps[i] = *map;
	gas->nb_maps++;
}

static int
map_locked(struct siov_gas *gas, const struct map *map)
{
	int ret;

	ret = check_map(gas, map);
	if (ret != 0)
		return ret;
	ret = siov_iommu_add_memory(gas->iommu, map->hva, map->len);
	if (ret != 0)
		return ret;
	ret = siov_domain_map(gas->domain, map->gpa, map->hva, map->len, map->perm);
	if (ret == 0)
		insert(gas, map);
	else
		siov_iommu_remove_memory(gas->iommu, map->hva, map->len);
	return ret;
}

int
siov_gas_map(struct siov_gas *gas, uint64_t gpa, void *hva, uint64_t len, unsigned int perm)
{
	const struct map map = {gpa, len, hva, perm, true};
	int ret;

	if (gas->is_process)
		return -ENOTSUP;
	pthread_mutex_lock(&gas->lock);
	ret = map_locked(gas, &map);
	pthread_mutex_unlock(&gas->lock);
	return ret;
}

/* In steps, each of which may have been done by a call that timed out. */
static int
take_away(struct siov_gas *gas, struct map *map)
{
	int ret = 0;

	if (map->is_mapped) {
		ret = siov_domain_unmap(gas->domain, map->gpa, map->len);
		map->is_mapped = ret != 0 && ret != -ETIMEDOUT;
	}
	if (ret == 0)
		ret = siov_iommu_remove_memory(gas->iommu, map->hva, map->len);
	/* Removed already, and only the wait for the engines is left? Then wait again. */
	if (ret == -ENOENT)
		ret = siov_iommu_synchronize(gas->iommu);
	return ret;
}

static int
unmap_at(struct siov_gas *gas, unsigned int i)
{
	int ret;

	ret = take_away(gas, &gas->maps[i]);
	if (ret != 0)
		return ret;
	gas->nb_maps--;
	memmove(&gas->maps[i], &gas->maps[i + 1], (gas->nb_maps - i) * sizeof(gas->maps[0]));
	return 0;
}

int
siov_gas_unmap(struct siov_gas *gas, uint64_t gpa, uint64_t len)
{
	unsigned int i;
	int ret = -ENOENT;

	pthread_mutex_lock(&gas->lock);
	i = find_slot(gas, gpa);
	if (gas->is_logging)
		ret = -EBUSY;
	else if (i < gas->nb_maps && gas->maps[i].gpa == gpa && gas->maps[i].len == len)
		ret = unmap_at(gas, i);
	pthread_mutex_unlock(&gas->lock);
	return ret;
}

void *
siov_gas_hva(struct siov_gas *gas, uint64_t gpa, uint64_t len, unsigned int perm)
{
	void *hva = NULL;
	unsigned int i;

	pthread_mutex_lock(&gas->lock);
	i = find_slot(gas, gpa);
	if (i < gas->nb_maps) {
		const struct map *map = &gas->maps[i];

		if (map->gpa <= gpa && len <= map->len && gpa - map->gpa <= map->len - len &&
		    (map->perm & perm) == perm && map->is_mapped)
			hva = map->hva + (gpa - map->gpa);
	}
	pthread_mutex_unlock(&gas->lock);
	return hva;
}

int
siov_gas_free(struct siov_gas *gas)
{
	int ret;

	if (gas == NULL)
		return 0;
	if (gas->nb_users != 0)
		return -EBUSY;
	/* What a guest that is gone has left bound. */
	ret = space_unbind_all(gas);
	if (ret == 0)
		ret = space_free_prqs(gas);
	if (ret != 0)
		return ret;
	if (gas->is_logging)
		ret = siov_gas_log_stop(gas);
	while (ret == 0 && gas->nb_maps != 0)
		ret = unmap_at(gas, gas->nb_maps - 1);
	if (ret == 0)
		ret = siov_domain_free(gas->domain);
	if (ret != 0)
		return ret;
	siov_vm_pasid_free(gas->pasids);
	pthread_mutex_destroy(&gas->lock);
	siov_mem_free(gas->mem, gas);
	return 0;
}

struct siov_domain *
siov_gas_domain(struct siov_gas *gas)
{
	return gas->domain;
}

struct siov_iommu *
siov_gas_iommu(struct siov_gas *gas)
{
	return gas->iommu;
}

struct siov_vm_pasid *
siov_gas_pasids(struct siov_gas *gas)
{
	return gas->pasids;
}

struct gas_spaces *
gas_spaces(struct siov_gas *gas)
{
	return &gas->spaces;
}

const struct siov_mem *
gas_mem(struct siov_gas *gas)
{
	return gas->mem;
}

void
siov_gas_use(struct siov_gas *gas, bool is_used)
{
	pthread_mutex_lock(&gas->lock);
	gas->nb_users += is_used ? 1 : -1u;
	pthread_mutex_unlock(&gas->lock);
}

/* ---- log of written pages ---- */

/* Clear the dirty bits of a map; bits of what was found are thrown away. */
static int
clean(struct siov_gas *gas, const struct map *map)
{
	uint64_t bitmap[512]; /* 128 MiB at a time */
	uint64_t at, step = sizeof(bitmap) * 8 * PAGE_4K;

	for (at = 0; at < map->len; at += step) {
		int64_t ret =
			siov_domain_dirty(gas->domain, map->gpa + at, RTE_MIN(step, map->len - at),
					  bitmap, SIOV_DIRTY_CLEAR);

		if (ret < 0)
			return (int)ret;
	}
	return 0;
}

static int
join_all(struct siov_gas *gas)
{
	unsigned int i;
	int first = 0;

	for (i = 0; i < gas->nb_maps; i++) {
		int ret = siov_domain_join(gas->domain, gas->maps[i].gpa, gas->maps[i].len);

		if (first == 0)
			first = ret;
	}
	return first;
}

int
siov_gas_log_start(struct siov_gas *gas)
{
	unsigned int i;
	int ret = 0;

	if (gas->is_process)
		return -ENOTSUP;
	pthread_mutex_lock(&gas->lock);
	if (gas->is_logging)
		ret = -EBUSY;
	for (i = 0; i < gas->nb_maps && ret == 0; i++) {
		ret = siov_domain_split(gas->domain, gas->maps[i].gpa, gas->maps[i].len);
		if (ret == 0)
			ret = clean(gas, &gas->maps[i]);
		if (ret != 0)
			join_all(gas);
	}
	if (ret == 0)
		gas->is_logging = true;
	pthread_mutex_unlock(&gas->lock);
	return ret;
}

int64_t
siov_gas_log_fetch(struct siov_gas *gas, uint64_t gpa, uint64_t len, uint64_t *bitmap)
{
	int64_t ret = -EINVAL;

	pthread_mutex_lock(&gas->lock);
	if (gas->is_logging)
		ret = siov_domain_dirty(gas->domain, gpa, len, bitmap, SIOV_DIRTY_CLEAR);
	pthread_mutex_unlock(&gas->lock);
	return ret;
}

int
siov_gas_log_stop(struct siov_gas *gas)
{
	int ret = -EINVAL;

	pthread_mutex_lock(&gas->lock);
	if (gas->is_logging) {
		ret = join_all(gas);
		gas->is_logging = ret != 0;
	}
	pthread_mutex_unlock(&gas->lock);
	return ret;
}

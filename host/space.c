/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include <rte_common.h>

#include "gas_priv.h"
#include "siov_prq.h"

#define NO_PASID UINT32_MAX

static struct space_list *
bucket_of(struct siov_gas *gas, uint32_t guest)
{
	return &gas_spaces(gas)->buckets[guest % GAS_BUCKETS];
}

struct space *
space_find(struct siov_gas *gas, uint32_t guest)
{
	struct space *space;

	LIST_FOREACH(space, bucket_of(gas, guest), entry) {
		if (space->guest == guest)
			return space;
	}
	return NULL;
}

struct space *
space_find_host(struct siov_gas *gas, uint32_t host)
{
	struct space *space;
	unsigned int i;

	for (i = 0; i < GAS_BUCKETS; i++) {
		LIST_FOREACH(space, &gas_spaces(gas)->buckets[i], entry) {
			if (space->host == host)
				return space;
		}
	}
	return NULL;
}

/* A host PASID bound to a domain. */
static int
take_host(struct siov_gas *gas, struct siov_domain *domain, uint32_t *host)
{
	struct siov_iommu *iommu = siov_gas_iommu(gas);
	int ret;

	ret = siov_pasid_alloc(iommu, host);
	if (ret != 0)
		return ret;
	ret = siov_pasid_bind(iommu, *host, domain, 0);
	if (ret != 0)
		siov_pasid_free(iommu, *host);
	return ret;
}

/* -ENOENT: unbound by a call that timed out. */
static int
drop_host(struct siov_gas *gas, uint32_t host)
{
	struct siov_iommu *iommu = siov_gas_iommu(gas);
	int ret;

	ret = siov_pasid_unbind(iommu, host);
	if (ret == -ENOENT)
		ret = siov_iommu_synchronize(iommu);
	return ret != 0 ? ret : siov_pasid_free(iommu, host);
}

int
space_init_gpa(struct space *space, struct siov_gas *gas)
{
	*space = (struct space){.gas = gas, .guest = NO_PASID};
	return take_host(gas, siov_gas_domain(gas), &space->host);
}

int
space_fini_gpa(struct space *space)
{
	int ret;

	if (space->host == 0)
		return 0;
	ret = drop_host(space->gas, space->host);
	if (ret == 0)
		space->host = 0;
	return ret;
}

/* ---- spaces with a guest PASID ---- */

static struct space *
alloc_space(struct siov_gas *gas, uint32_t guest)
{
	struct space *space =
		siov_mem_alloc(gas_mem(gas), "siov_space", sizeof(*space), RTE_CACHE_LINE_SIZE, -1);

	if (space != NULL)
		*space = (struct space){.gas = gas, .guest = guest};
	return space;
}

static int
show(struct space *space)
{
	int ret;

	ret = siov_vm_pasid_set(siov_gas_pasids(space->gas), space->guest, space->host);
	if (ret == 0)
		LIST_INSERT_HEAD(bucket_of(space->gas, space->guest), space, entry);
	return ret;
}

static void
hide(struct space *space)
{
	siov_vm_pasid_clear(siov_gas_pasids(space->gas), space->guest);
	LIST_REMOVE(space, entry);
}

/* Tables of the guest's own; what it says of them is checked by walks. None: guest-physical. */
static int
make_domain(struct space *space, struct siov_prq *prq, struct siov_domain **domain)
{
	const struct siov_domain_conf conf = {
		.kind = SIOV_DOMAIN_NESTED,
		.levels = space->levels,
		.parent = siov_gas_domain(space->gas),
		.fs_root = space->fs_root,
		.prq = prq,
	};

	*domain = siov_gas_domain(space->gas);
	if (space->levels == 0)
		return 0;
	return siov_domain_create(siov_gas_iommu(space->gas), &conf, domain);
}

static int
make_bound(struct space *space, struct siov_prq *prq)
{
	struct siov_domain *domain;
	int ret;

	ret = make_domain(space, prq, &domain);
	if (ret != 0)
		return ret;
	space->domain = space->levels != 0 ? domain : NULL;
	ret = take_host(space->gas, domain, &space->host);
	if (ret != 0) {
		siov_domain_free(space->domain);
		return ret;
	}
	ret = show(space);
	if (ret != 0) {
		drop_host(space->gas, space->host);
		siov_domain_free(space->domain);
	}
	return ret;
}

/* Tables of 4 or 5 levels; or none, and then nothing that says where, nor pages to ask for. */
static bool
is_conf(const struct space_conf *conf)
{
	if (conf->guest > SIOV_PASID_MAX || conf->fs_root % SIOV_VTD_PAGE_SIZE != 0)
		return false;
	if (conf->levels == 0)
		return conf->fs_root == 0 && conf->prq == NULL;
	return conf->levels == 4 || conf->levels == 5;
}

int
space_bind(struct siov_gas *gas, const struct space_conf *conf)
{
	struct gas_spaces *spaces = gas_spaces(gas);
	struct space *space;
	int ret;

	if (!is_conf(conf))
		return -EINVAL;
	if (space_find(gas, conf->guest) != NULL)
		return -EEXIST;
	if (spaces->nb_bound == SPACES_BOUND_MAX)
		return -ENOSPC;
	space = alloc_space(gas, conf->guest);
	if (space == NULL)
		return -ENOMEM;
	space->fs_root = conf->fs_root;
	space->levels = conf->levels;
	space->has_pages = conf->prq != NULL;
	ret = make_bound(space, conf->prq);
	if (ret == 0)
		spaces->nb_bound++;
	else
		siov_mem_free(gas_mem(gas), space);
	return ret;
}

/* May be called again after a time-out. */
static int
release(struct space *space)
{
	struct siov_gas *gas = space->gas;
	int ret;

	siov_vm_pasid_clear(siov_gas_pasids(gas), space->guest);
	ret = drop_host(gas, space->host);
	if (ret != 0)
		return ret;
	LIST_REMOVE(space, entry);
	/* Nothing is bound to it any more, and a nested one has no children. */
	siov_domain_free(space->domain);
	gas_spaces(gas)->nb_bound--;
	siov_mem_free(gas_mem(gas), space);
	return 0;
}

int
space_unbind(struct siov_gas *gas, uint32_t guest)
{
	struct space *space = guest <= SIOV_PASID_MAX ? space_find(gas, guest) : NULL;

	if (space == NULL || space->gpa != NULL)
		return -ENOENT;
	return space->nb_users != 0 ? -EBUSY : release(space);
}

int
space_unbind_all(struct siov_gas *gas)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < GAS_BUCKETS; i++) {
		struct space_list *bucket = &gas_spaces(gas)->buckets[i];

		while (ret == 0 && !LIST_EMPTY(bucket))
			ret = release(LIST_FIRST(bucket));
	}
	return ret;
}

void
space_keep_prq(struct siov_gas *gas, struct space_prq *orphan, struct siov_prq *prq)
{
	orphan->prq = prq;
	LIST_INSERT_HEAD(&gas_spaces(gas)->orphans, orphan, entry);
}

int
space_free_prqs(struct siov_gas *gas)
{
	while (!LIST_EMPTY(&gas_spaces(gas)->orphans)) {
		struct space_prq *orphan = LIST_FIRST(&gas_spaces(gas)->orphans);
		int ret = siov_prq_free(orphan->prq);

		if (ret != 0)
			return ret;
		LIST_REMOVE(orphan, entry);
		siov_mem_free(gas_mem(gas), orphan);
	}
	return 0;
}

int
space_get(struct space *gpa, uint32_t guest, struct space **out)
{
	struct space *space = gpa;
	int ret;

	if (guest != NO_PASID)
		space = space_find(gpa->gas, guest);
	if (space != NULL && space->gpa != NULL && space->gpa != gpa)
		return -EEXIST;
	if (space == NULL) {
		space = alloc_space(gpa->gas, guest);
		if (space == NULL)
			return -ENOMEM;
		space->gpa = gpa;
		space->host = gpa->host;
		ret = show(space);
		if (ret != 0) {
			siov_mem_free(gas_mem(gpa->gas), space);
			return ret;
		}
	}
	space->nb_users++;
	*out = space;
	return 0;
}

void
space_put(struct space *space)
{
	space->nb_users--;
	if (space->nb_users != 0 || space->gpa == NULL)
		return;
	hide(space);
	siov_mem_free(gas_mem(space->gas), space);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* Life cycle of a cache, and the engine's side of invalidation. */
#include <errno.h>

#include "atc_priv.h"
#include "fault_priv.h"

static unsigned int
entries_of(const struct siov_atc_conf *conf)
{
	unsigned int entries = conf->entries != 0 ? conf->entries : SIOV_ATC_ENTRIES_DEFAULT;

	return RTE_MAX(rte_align32pow2(entries), SIOV_ATC_ENTRIES_MIN);
}

static size_t
atc_bytes(size_t nb_entries)
{
	return sizeof(struct siov_atc) + nb_entries * sizeof(struct siov_atc_entry);
}

/* alloc of the unit's memory, near the owner of the cache. */
static void *
alloc_near(struct siov_iommu *iommu, const char *name, size_t size, int socket_id)
{
	void *ptr = siov_mem_alloc(iommu->mem, name, size, RTE_CACHE_LINE_SIZE, socket_id);

	if (ptr != NULL)
		iommu->nb_bytes += size;
	return ptr;
}

static void
free_parts(struct siov_iommu *iommu, struct siov_atc *atc)
{
	iommu_release(iommu, atc->fault_ring,
		      atc->fault_ring != NULL ? sizeof(*atc->fault_ring) : 0);
	iommu_release(iommu, atc->mail, atc->mail != NULL ? sizeof(*atc->mail) : 0);
	iommu_release(iommu, atc, atc_bytes(atc_nb_entries(atc)));
}

static struct siov_atc *
alloc_parts(struct siov_iommu *iommu, unsigned int entries, int socket_id)
{
	struct siov_atc *atc = alloc_near(iommu, "siov_atc", atc_bytes(entries), socket_id);

	if (atc == NULL)
		return NULL;
	atc->mask_bytes = (entries - 1) * sizeof(struct siov_atc_entry);
	atc->mail = alloc_near(iommu, "siov_atc_mail", sizeof(*atc->mail), socket_id);
	atc->fault_ring = alloc_near(iommu, "siov_atc_faults", sizeof(*atc->fault_ring), socket_id);
	if (atc->mail != NULL && atc->fault_ring != NULL)
		return atc;
	free_parts(iommu, atc);
	return NULL;
}

static int
find_id(const struct siov_iommu *iommu, unsigned int *id)
{
	for (*id = 0; *id < iommu->conf.max_atcs; (*id)++)
		if (iommu->atcs[*id] == NULL)
			return 0;
	return -ENOSPC;
}

/* It holds nothing, so it begins with all requests of the past served. */
static void
fill_atc(struct siov_atc *atc, struct siov_iommu *iommu, unsigned int id, uint16_t rid)
{
	uint64_t i;

	atc->pasid_dir = iommu->pasid_dir;
	atc->qsbr = iommu->qsbr;
	atc->iommu = iommu;
	atc->nb_self = &iommu->nb_self;
	atc->id = id;
	atc->rid = rid;
	atc_forget_nest(atc);
	atc->posted = &atc->mail->posted;
	atc->done = iommu->inval_seq;
	atc->victim = 16;
	atc->mail->posted = iommu->inval_seq;
	atc->mail->acked = iommu->inval_seq;
	for (i = 0; i < SIOV_ATC_HINTS; i++)
		atc->hint[i] = SIOV_ATC_SHIFT_2M;
	for (i = 0; i < atc_nb_entries(atc); i++)
		atc->entry[i].tag = SIOV_ATC_TAG_EMPTY;
}

static int
create_locked(struct siov_iommu *iommu, const struct siov_atc_conf *conf, struct siov_atc **out)
{
	struct siov_atc *atc;
	unsigned int id;
	int rc;

	rc = find_id(iommu, &id);
	if (rc < 0)
		return rc;
	atc = alloc_parts(iommu, entries_of(conf), conf->socket_id);
	if (atc == NULL)
		return -ENOMEM;
	fill_atc(atc, iommu, id, conf->rid);
	if (rte_rcu_qsbr_thread_register(iommu->qsbr, id) != 0) {
		free_parts(iommu, atc);
		return -EINVAL;
	}
	iommu->atcs[id] = atc;
	iommu->nb_atcs++;
	*out = atc;
	return 0;
}

int
siov_atc_create(struct siov_iommu *iommu, const struct siov_atc_conf *conf, struct siov_atc **out)
{
	const struct siov_atc_conf defaults = {.socket_id = -1};
	int rc;

	if (conf == NULL)
		conf = &defaults;
	if (iommu == NULL || out == NULL || conf->socket_id < -1 ||
	    conf->entries > SIOV_ATC_ENTRIES_MAX)
		return -EINVAL;
	pthread_mutex_lock(&iommu->lock);
	rc = create_locked(iommu, conf, out);
	pthread_mutex_unlock(&iommu->lock);
	return rc;
}

int
siov_atc_free(struct siov_atc *atc)
{
	struct siov_iommu *iommu;
	int rc = -EBUSY;

	if (atc == NULL)
		return 0;
	iommu = atc->iommu;
	pthread_mutex_lock(&iommu->lock);
	if (siov_atomic_load(&atc->mail->online, acquire) == 0) {
		rte_rcu_qsbr_thread_unregister(iommu->qsbr, atc->id);
		iommu->atcs[atc->id] = NULL;
		iommu->nb_atcs--;
		free_parts(iommu, atc);
		rc = 0;
	}
	pthread_mutex_unlock(&iommu->lock);
	return rc;
}

void
siov_atc_online(struct siov_atc *atc)
{
	rte_rcu_qsbr_thread_online(atc->qsbr, atc->id);
	/* S2: store, then load posted; pairs with S1 in post_to() and has_passed() of inval.c */
	siov_atomic_store(&atc->mail->online, 1, seq_cst);
	while (siov_atomic_load(atc->posted, seq_cst) != atc->done)
		siov_atc_serve(atc);
}

void
siov_atc_offline(struct siov_atc *atc)
{
	rte_rcu_qsbr_thread_offline(atc->qsbr, atc->id);
	/* R3: all uses of the cache came before; pairs with the load of online in has_passed() */
	siov_atomic_store(&atc->mail->online, 0, release);
}

void
siov_atc_stats(const struct siov_atc *atc, struct siov_atc_stats *stats)
{
	*stats = (struct siov_atc_stats){
		.misses = siov_atomic_load(&atc->misses, relaxed),
		.faults = siov_atomic_load(&atc->faults, relaxed),
		.second_probes = siov_atomic_load(&atc->second_probes, relaxed),
		.faults_lost = siov_atomic_load(&atc->fault_ring->lost, relaxed),
		.nest_walks = siov_atomic_load(&atc->nest_walks, relaxed),
		.invalidations = siov_atomic_load(&atc->invalidations, relaxed),
		.inval_entries = siov_atomic_load(&atc->inval_entries, relaxed),
		.entries = atc_nb_entries(atc),
		.online = siov_atomic_load(&atc->mail->online, relaxed),
	};
}

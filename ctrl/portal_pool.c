/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "portal_pool_priv.h"
#include "siov_mem.h"
#include "siov_qos.h"

#define SLABS_FIRST 16u /* pointers to slabs at first; doubled when full */

SIOV_STATIC_ASSERT(sizeof(struct portal_link) <= 16, "bookkeeping of a portal");

static struct siov_portal *
portal_at(const struct portal_pool *pool, uint32_t id)
{
	return &pool->slabs[(id - 1) >> PORTAL_SLAB_LOG2]->portals[(id - 1) & (PORTAL_SLAB - 1)];
}

static struct portal_link *
link_at(const struct portal_pool *pool, uint32_t id)
{
	return &pool->slabs[(id - 1) >> PORTAL_SLAB_LOG2]->links[(id - 1) & (PORTAL_SLAB - 1)];
}

/* ---- memory ---- */

static void *
alloc_counted(struct portal_pool *pool, const char *name, size_t size)
{
	void *ptr = siov_mem_alloc(pool->mem, name, size, RTE_CACHE_LINE_SIZE, pool->socket_id);

	if (ptr != NULL)
		pool->bytes += size;
	return ptr;
}

void
portal_pool_init(struct portal_pool *pool, const struct siov_mem *mem, int socket_id)
{
	memset(pool, 0, sizeof(*pool));
	pool->mem = mem;
	pool->socket_id = socket_id;
}

void
portal_pool_free(struct portal_pool *pool)
{
	uint32_t i;

	if (pool->slabs == NULL)
		return;
	for (i = 0; i < pool->nb_slabs; i++)
		siov_mem_free(pool->mem, pool->slabs[i]);
	siov_mem_free(pool->mem, pool->slabs);
	pool->slabs = NULL;
}

int
portal_index_create(struct portal_pool *pool, struct portal_index *index, uint32_t nb_lanes)
{
	index->dir = alloc_counted(pool, "siov_portal_dir", PORTAL_DIR * sizeof(index->dir[0]));
	index->lane_first =
		alloc_counted(pool, "siov_portal_lanes", nb_lanes * sizeof(index->lane_first[0]));
	return index->dir != NULL && index->lane_first != NULL ? 0 : -ENOMEM;
}

void
portal_index_free(struct portal_pool *pool, struct portal_index *index)
{
	unsigned int i;

	for (i = 0; index->dir != NULL && i < PORTAL_DIR; i++) {
		if (index->dir[i] != NULL)
			siov_mem_free(pool->mem, index->dir[i]);
	}
	siov_mem_free(pool->mem, index->dir);
	siov_mem_free(pool->mem, index->lane_first);
}

/* Make room for one more pointer to a slab. */
static int
grow_slabs(struct portal_pool *pool)
{
	uint32_t max = pool->slabs_max != 0 ? 2 * pool->slabs_max : SLABS_FIRST;
	struct portal_slab **slabs;

	if (pool->nb_slabs < pool->slabs_max)
		return 0;
	slabs = alloc_counted(pool, "siov_portal_slabs", max * sizeof(slabs[0]));
	if (slabs == NULL)
		return -ENOMEM;
	if (pool->slabs != NULL)
		memcpy(slabs, pool->slabs, pool->nb_slabs * sizeof(slabs[0]));
	siov_mem_free(pool->mem, pool->slabs);
	pool->bytes -= pool->slabs_max * sizeof(slabs[0]);
	pool->slabs = slabs;
	pool->slabs_max = max;
	return 0;
}

/* Number of an unused portal, or 0. */
static uint32_t
take_portal(struct portal_pool *pool)
{
	if (pool->nb_used == pool->nb_slabs * PORTAL_SLAB) {
		struct portal_slab *slab;

		if (grow_slabs(pool) != 0)
			return 0;
		slab = alloc_counted(pool, "siov_portals", sizeof(*slab));
		if (slab == NULL)
			return 0;
		pool->slabs[pool->nb_slabs++] = slab;
	}
	return ++pool->nb_used;
}

/* A PASID's block, made where there was none; NULL: no memory. */
static struct portal_block *
take_block(struct portal_pool *pool, struct portal_index *index, uint32_t pasid)
{
	struct portal_block **block = &index->dir[pasid >> PORTAL_BLOCK_LOG2];

	if (*block == NULL)
		*block = alloc_counted(pool, "siov_portal_block", sizeof(**block));
	return *block;
}

/* The head of a PASID's chain; NULL: no memory. */
static uint32_t *
take_head(struct portal_pool *pool, struct portal_index *index, uint32_t pasid)
{
	struct portal_block *block = take_block(pool, index, pasid);

	return block != NULL ? &block->first[pasid & (PORTAL_BLOCK - 1)] : NULL;
}

uint32_t *
portal_adi_slot(struct portal_pool *pool, struct portal_index *index, uint32_t pasid)
{
	struct portal_block *block = take_block(pool, index, pasid);

	return block != NULL ? &block->adi[pasid & (PORTAL_BLOCK - 1)] : NULL;
}

uint32_t
portal_adi(const struct portal_index *index, uint32_t pasid)
{
	const struct portal_block *block = index->dir[pasid >> PORTAL_BLOCK_LOG2];

	return block != NULL ? block->adi[pasid & (PORTAL_BLOCK - 1)] : 0;
}

/* ---- chains ---- */

uint32_t
portal_first(const struct portal_index *index, uint32_t pasid)
{
	const struct portal_block *block = index->dir[pasid >> PORTAL_BLOCK_LOG2];

	return block != NULL ? block->first[pasid & (PORTAL_BLOCK - 1)] : 0;
}

/* A closed portal of a chain, or 0. */
static uint32_t
find_closed(const struct portal_pool *pool, uint32_t id)
{
	while (id != 0 && portal_at(pool, id)->lane != NULL)
		id = link_at(pool, id)->next;
	return id;
}

static void
add_to_lane(struct portal_pool *pool, uint32_t *first, uint32_t id)
{
	struct portal_link *link = link_at(pool, id);

	link->lane_prev = 0;
	link->lane_next = *first;
	if (*first != 0)
		link_at(pool, *first)->lane_prev = id;
	*first = id;
}

static void
remove_from_lane(struct portal_pool *pool, uint32_t *first, uint32_t id)
{
	const struct portal_link *link = link_at(pool, id);

	if (link->lane_prev != 0)
		link_at(pool, link->lane_prev)->lane_next = link->lane_next;
	else
		*first = link->lane_next;
	if (link->lane_next != 0)
		link_at(pool, link->lane_next)->lane_prev = link->lane_prev;
}

/* ---- open and close ---- */

int
portal_open(struct portal_pool *pool, struct portal_index *index, const struct portal_conf *conf,
	    struct siov_portal **out)
{
	struct siov_portal fresh, *portal;
	uint32_t *head;
	uint32_t id;
	int ret;

	ret = siov_portal_init(&fresh, conf->lane, conf->pasid, conf->flags);
	if (ret != 0)
		return ret;
	head = take_head(pool, index, conf->pasid);
	if (head == NULL)
		return -ENOMEM;
	id = find_closed(pool, *head);
	if (id == 0) {
		id = take_portal(pool);
		if (id == 0)
			return -ENOMEM;
		*portal_at(pool, id) = fresh;
		link_at(pool, id)->next = *head;
		*head = id;
	}
	portal = portal_at(pool, id);
	portal->flags = conf->flags & 0xfff;
	/* Its first submission asks whether there are limits. */
	siov_atomic_store(&portal->limit, (uint32_t)siov_portal_count(portal, SIOV_DMWR_SUCCESS),
			  relaxed);
	portal->lane = conf->lane;
	add_to_lane(pool, &index->lane_first[conf->lane->id], id);
	*out = portal;
	return 0;
}

static void
add_portal(const struct siov_portal *portal, uint64_t nb[SIOV_DMWR_NB])
{
	unsigned int i;

	for (i = 0; i < SIOV_DMWR_NB; i++)
		nb[i] += siov_portal_count(portal, (enum siov_dmwr)i);
}

static void
close_portal(struct portal_pool *pool, struct portal_index *index, uint32_t id)
{
	struct siov_portal *portal = portal_at(pool, id);

	struct siov_qos *qos = siov_qos_find(portal->lane->wq, portal->pasid);

	/* What it was granted and has not used. */
	if (qos != NULL && !(portal->flags & SIOV_PORTAL_F_PRIV))
		siov_qos_return(qos, portal);
	remove_from_lane(pool, &index->lane_first[portal->lane->id], id);
	portal->lane = NULL;
}

int
portal_close(struct portal_pool *pool, struct portal_index *index, struct siov_portal *portal)
{
	uint32_t id = portal_first(index, portal->pasid);

	while (id != 0 && portal_at(pool, id) != portal)
		id = link_at(pool, id)->next;
	if (id == 0)
		return -EINVAL;
	close_portal(pool, index, id);
	return 0;
}

void
portal_close_lane(struct portal_pool *pool, struct portal_index *index, uint32_t lane_id)
{
	while (index->lane_first[lane_id] != 0) {
		const struct siov_portal *portal = portal_at(pool, index->lane_first[lane_id]);
		struct siov_qos *qos = siov_qos_find(portal->lane->wq, portal->pasid);

		/* Its thread may have died with the block. */
		if (qos != NULL)
			siov_qos_recover(qos, lane_id);
		close_portal(pool, index, index->lane_first[lane_id]);
	}
}

uint64_t
portal_recall(struct portal_pool *pool, const struct portal_index *index, uint32_t pasid)
{
	uint64_t accepted = 0;
	uint32_t id;

	for (id = portal_first(index, pasid); id != 0; id = link_at(pool, id)->next)
		accepted += siov_portal_recall(portal_at(pool, id));
	return accepted;
}

int
portal_reclaim(struct portal_pool *pool, const struct portal_index *index, uint32_t pasid,
	       struct siov_qos *qos)
{
	uint32_t id;

	for (id = portal_first(index, pasid); id != 0; id = link_at(pool, id)->next) {
		struct siov_portal *portal = portal_at(pool, id);

		if (portal->lane == NULL || portal->flags & SIOV_PORTAL_F_PRIV)
			continue;
		if (siov_qos_reclaim(qos, portal) != 0)
			return -EAGAIN;
	}
	return 0;
}

void
portal_recall_all(struct portal_pool *pool, const struct portal_index *index, uint32_t nb_lanes,
		  uint32_t pasid)
{
	uint32_t lane, id;

	for (lane = 0; lane < nb_lanes; lane++) {
		for (id = index->lane_first[lane]; id != 0; id = link_at(pool, id)->lane_next) {
			struct siov_portal *portal = portal_at(pool, id);

			if (portal->pasid != pasid && portal->flags & SIOV_PORTAL_F_PRIV)
				siov_portal_recall(portal);
		}
	}
}

bool
portal_is_open(const struct portal_pool *pool, const struct portal_index *index, uint32_t pasid)
{
	uint32_t id = portal_first(index, pasid);

	while (id != 0 && portal_at(pool, id)->lane == NULL)
		id = link_at(pool, id)->next;
	return id != 0;
}

void
portal_add_counts(const struct portal_pool *pool, const struct portal_index *index, uint32_t pasid,
		  uint64_t nb[SIOV_DMWR_NB])
{
	uint32_t id;

	for (id = portal_first(index, pasid); id != 0; id = link_at(pool, id)->next)
		add_portal(portal_at(pool, id), nb);
}

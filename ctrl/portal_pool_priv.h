/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where the portals of a device live, and how to find them.
 *
 *     queue: index [PASID >> 6] ──► block of 64 heads [PASID & 63] ──► portal ──► portal ...
 *     queue: first portal of each lane ──► portal ──► portal ...
 *     device: slabs of 1,024 portals, with the links beside them
 *
 * Portals are known by number (0: none), so that a link takes four bytes: there may be as many
 * portals as PASIDs. A portal that was closed stays in its PASID's chain, where it keeps what it
 * counted, and is taken up again by the next portal that the PASID is given on the queue.
 *
 * Thread: under the device's lock.
 */
#ifndef PORTAL_POOL_PRIV_H
#define PORTAL_POOL_PRIV_H

#include "siov_portal.h"

#define PORTAL_SLAB_LOG2 10u
#define PORTAL_SLAB (1u << PORTAL_SLAB_LOG2)
#define PORTAL_BLOCK_LOG2 6u /* as the engines' records, so that both have the same blocks */
#define PORTAL_BLOCK (1u << PORTAL_BLOCK_LOG2)
#define PORTAL_DIR (1u << (SIOV_PASID_BITS - PORTAL_BLOCK_LOG2))

struct portal_link {
	uint32_t next; /* of the same queue and PASID */
	uint32_t lane_next;
	uint32_t lane_prev;
};

struct portal_slab {
	struct siov_portal portals[PORTAL_SLAB]; /* lane NULL: closed */
	struct portal_link links[PORTAL_SLAB];
};

/* All portals of a device. */
struct portal_pool {
	const struct siov_mem *mem;
	int socket_id;
	struct portal_slab **slabs;
	uint32_t nb_slabs;
	uint32_t slabs_max;
	uint32_t nb_used; /* numbers 1 to nb_used were given out */
	size_t bytes; /* with the indexes of all queues */
};

struct portal_block {
	uint32_t first[PORTAL_BLOCK];
	uint32_t adi
		[PORTAL_BLOCK]; /* whose PASID it is on this queue: an ADI's id + 1; 0: nobody's */
};

/* Those of one queue. */
struct portal_index {
	struct portal_block **dir; /* PORTAL_DIR pointers */
	uint32_t *lane_first; /* by lane id */
};

void portal_pool_init(struct portal_pool *pool, const struct siov_mem *mem, int socket_id);
void portal_pool_free(struct portal_pool *pool);

/* 0 or -ENOMEM; free takes what was half built. */
int portal_index_create(struct portal_pool *pool, struct portal_index *index, uint32_t nb_lanes);
void portal_index_free(struct portal_pool *pool, struct portal_index *index);

/* What a portal is to be. */
struct portal_conf {
	struct siov_lane *lane;
	uint32_t pasid;
	uint32_t flags;
};

/* Open a portal. 0, -ENOMEM, or an error of siov_portal_init. */
int portal_open(struct portal_pool *pool, struct portal_index *index,
		const struct portal_conf *conf, struct siov_portal **out);

/* Close a portal of this index. -EINVAL: it is none, or closed. */
int portal_close(struct portal_pool *pool, struct portal_index *index, struct siov_portal *portal);

/* Close all portals of a lane. */
void portal_close_lane(struct portal_pool *pool, struct portal_index *index, uint32_t lane_id);

/* Number of a PASID's first portal, open or closed; 0: it never had one. */
uint32_t portal_first(const struct portal_index *index, uint32_t pasid);

struct siov_qos; /* siov_qos.h */

/*
 * Have all portals of a PASID ask with their next submission, see siov_portal_recall(). Returns what
 * they have had accepted.
 */
uint64_t portal_recall(struct portal_pool *pool, const struct portal_index *index, uint32_t pasid);

/* Have privileged portals of other PASIDs on any of nb_lanes lanes ask. */
void portal_recall_all(struct portal_pool *pool, const struct portal_index *index,
		       uint32_t nb_lanes, uint32_t pasid);

/*
 * Take back what portals of a PASID were granted, see siov_qos_reclaim(). 0, or -EAGAIN: not of all,
 * call again.
 */
int portal_reclaim(struct portal_pool *pool, const struct portal_index *index, uint32_t pasid,
		   struct siov_qos *qos);

/* Whether a PASID has an open portal. */
bool portal_is_open(const struct portal_pool *pool, const struct portal_index *index,
		    uint32_t pasid);

/* Where the ADI of a PASID is noted; NULL: no memory. */
uint32_t *portal_adi_slot(struct portal_pool *pool, struct portal_index *index, uint32_t pasid);

/* What is noted there; 0: nothing. */
uint32_t portal_adi(const struct portal_index *index, uint32_t pasid);

/* Add to nb, by enum siov_dmwr, what was submitted through a PASID's portals. */
void portal_add_counts(const struct portal_pool *pool, const struct portal_index *index,
		       uint32_t pasid, uint64_t nb[SIOV_DMWR_NB]);

#endif /* PORTAL_POOL_PRIV_H */

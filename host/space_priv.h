/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Address spaces of a guest as its VDEVs' work has them: a host PASID, and perhaps the guest's own
 * number for it. Under the VDCM's lock.
 *
 *     guest PASID ─► space ─► host PASID ─► second-stage domain of the gas (guest-physical), or
 *                                           nested domain: first stage in the guest's memory
 */
#ifndef SPACE_PRIV_H
#define SPACE_PRIV_H

#include <sys/queue.h>

#include "siov_gas.h"

#define SPACES_BOUND_MAX 1024u /* guest PASIDs that one guest may have bound */

struct space {
	LIST_ENTRY(space) entry; /* of its gas, by guest PASID */
	struct siov_gas *gas;
	struct siov_domain *domain; /* nested; NULL: that of the gas */
	uint32_t guest; /* guest PASID; UINT32_MAX: none */
	uint32_t host;
	uint32_t nb_users; /* queues and contexts */
	uint64_t fs_root; /* nested */
	uint32_t levels;
	bool has_pages; /* it asks for pages that are not there */
	const struct space *gpa; /* whose guest-physical space it is; NULL: bound by the guest */
};

/* A host PASID for guest-physical addresses. 0 or a negative errno. */
int space_init_gpa(struct space *space, struct siov_gas *gas);
int space_fini_gpa(struct space *space);

/* The space of a guest PASID, or NULL. */
struct space *space_find(struct siov_gas *gas, uint32_t guest);

/* The space with a guest PASID whose host PASID it is, or NULL. */
struct space *space_find_host(struct siov_gas *gas, uint32_t host);

/* What a guest binds a PASID to: tables of its own, or guest-physical addresses. */
struct space_conf {
	uint32_t guest;
	uint64_t fs_root;
	uint32_t levels; /* 4 or 5; 0: no tables */
	struct siov_prq *prq; /* where pages are asked for; NULL: faults are final */
};

/* 0, -EEXIST, -ENOSPC, -EINVAL, -ENOMEM. */
int space_bind(struct siov_gas *gas, const struct space_conf *conf);

/* A queue that PASIDs of the gas may name though its owner is gone: it stays as long as they do. */
struct space_prq {
	LIST_ENTRY(space_prq) entry;
	struct siov_prq *prq;
};

void space_keep_prq(struct siov_gas *gas, struct space_prq *orphan, struct siov_prq *prq);

/* Free those, after all PASIDs were unbound. 0 or -ETIMEDOUT. */
int space_free_prqs(struct siov_gas *gas);

/* 0, -ENOENT, -EBUSY while it has users, -ETIMEDOUT. */
int space_unbind(struct siov_gas *gas, uint32_t guest);

/* All that a guest has left bound, without users. 0 or -ETIMEDOUT. */
int space_unbind_all(struct siov_gas *gas);

/*
 * The space that work of a guest PASID belongs to: the one that it is bound to, else the VDEV's
 * guest-physical one, which the PASID stands for from now on. Counts a user.
 * UINT32_MAX: that one, without a guest PASID. 0, -EEXIST it is another VDEV's, -ENOMEM.
 */
int space_get(struct space *gpa, uint32_t guest, struct space **out);
void space_put(struct space *space);

#endif /* SPACE_PRIV_H */

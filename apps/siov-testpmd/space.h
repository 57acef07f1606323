/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An address space that is mapped piece by piece, of whatever kind has tables.
 *
 *     first, second    iova ── tables of the domain ──► hva
 *     nested           iova ── the guest's tables ──► gpa ── second-stage domain ──► hva
 *                              in memory of their own, which the guest has as well
 *
 * Of the kinds without tables (pass-through, process) there is the domain, and nothing to map.
 *
 * Thread: calls on one space are the caller's to serialise; never an engine's lcore.
 */
#ifndef SPACE_H
#define SPACE_H

#include "siov_guest_pt.h"
#include "siov_iommu.h"

struct space;

struct space_conf {
	enum siov_domain_kind kind;
	unsigned int page_shift; /* largest page */
	unsigned int levels; /* first stage, nested */
	unsigned int flags; /* SIOV_DOMAIN_F_*, of the domain that PASIDs are bound to */
	uint64_t max_bytes; /* nested: mapped in 4 KiB pages at most, for room for tables */
	struct siov_prq *prq; /* NULL: faults are final */
};

/* 0 or a negative errno; nothing is left behind on error. */
int space_create(struct siov_iommu *iommu, const struct space_conf *conf, struct space **out);

/* Free it and what is mapped; no PASID is bound to it. NULL is fine. 0 or a negative errno. */
int space_free(struct space *space);

struct siov_domain *space_domain(const struct space *space);
enum siov_domain_kind space_kind(const struct space *space);

/*
 * Give a guest memory that space_map may map, and take it away: registered memory. Nothing but the
 * second stage of a nested space changes. 0 or a negative errno.
 */
int space_add_memory(struct space *space, void *hva, uint64_t len);
int space_remove_memory(struct space *space, void *hva);

/*
 * Map memory that was added. perm is SIOV_PERM_*. 0 or a negative errno; -EINVAL also for kinds
 * without tables.
 */
int space_map(struct space *space, uint64_t iova, void *hva, uint64_t len, unsigned int perm);

/*
 * Unmap. Nested: the guest changes its own tables, and whoever is bound has yet to be told
 * (siov_pasid_invalidate); otherwise nothing is in any cache afterwards.
 */
int space_unmap(struct space *space, uint64_t iova, uint64_t len);

/* Nested: map a page so that a reserved bit of the guest's own table entry is set. */
int space_spoil(struct space *space, uint64_t iova);

#endif /* SPACE_H */

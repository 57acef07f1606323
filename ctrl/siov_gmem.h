/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file
 * Guest memory: hugepage memory that a device may reach, with an address space for it.
 *
 *     device address  iova ........................ iova + size
 *                       │ tables of the kind; none in pass-through and process: iova is hva
 *     host            hva  ........................ hva + size
 *
 * Nested: the memory belongs to a guest. It has guest-physical addresses by a second-stage domain,
 * and first-stage tables, which lie behind it in guest memory and translate iova to those.
 *
 * Thread: any but an engine's; the caller serialises calls on one object.
 */
#ifndef SIOV_GMEM_H
#define SIOV_GMEM_H

#include "siov_dev.h"
#include "siov_guest_pt.h"

#ifdef __cplusplus
extern "C" {
#endif

struct siov_gmem;

/** What to create. */
struct siov_gmem_conf {
	uint64_t size; /**< bytes; rounded up to the page size */
	uint64_t iova; /**< device address of the start, aligned to the page size */
	unsigned int page_shift; /**< 12, 21 or 30: the largest page used in the tables */
	enum siov_domain_kind kind; /**< pass-through, process: iova is not looked at */
	unsigned int levels; /**< first stage, nested: 4 or 5; 0: 4 */
	unsigned int flags; /**< SIOV_DOMAIN_F_*; nested: F_AD is that of the second stage */
	struct siov_prq *prq; /**< where page requests go; NULL: nowhere. Outlives this */
	unsigned int perm; /**< SIOV_PERM_* of the mapping */
	int socket_id; /**< NUMA node, -1: any */
};

/** Defaults: 2 MiB at iova 0x100000000, 2 MiB pages, second stage, read and write, no flags. */
SIOV_API void siov_gmem_conf_init(struct siov_gmem_conf *conf);

/**
 * Allocate memory, register it with the device's platform, make a domain and map it. Where there is
 * no memory aligned to the page size, the next smaller page size is used.
 *
 * @param conf NULL: the defaults.
 * @return 0, -EINVAL, -ENOMEM, or an error of siov_domain_map; nothing is left behind.
 */
SIOV_API int siov_gmem_create(struct siov_dev *dev, const struct siov_gmem_conf *conf,
			      struct siov_gmem **out);

/**
 * Unmap, unregister and free; before the device is freed. NULL is fine.
 *
 * @return 0; -EBUSY while a PASID is bound; -ETIMEDOUT an engine has not let go of it, -ENOMEM: may
 *         be tried again.
 */
SIOV_API int siov_gmem_free(struct siov_gmem *gmem);

/**
 * Allocate a PASID and bind it to this memory's address space.
 *
 * @return 0, or an error of siov_pasid_alloc_at or siov_pasid_bind; nothing is left behind.
 */
SIOV_API int siov_gmem_bind(struct siov_gmem *gmem, uint32_t pasid);

/** Unbind and free a PASID. @return 0, or an error of siov_pasid_unbind. */
SIOV_API int siov_gmem_unbind(struct siov_gmem *gmem, uint32_t pasid);

/** Nested: the guest's first-stage tables; else NULL. Owned by @p gmem. */
SIOV_API struct siov_guest_pt *siov_gmem_guest_pt(struct siov_gmem *gmem);

/** Nested: guest-physical address of the first byte; else the device address. */
SIOV_API uint64_t siov_gmem_gpa(const struct siov_gmem *gmem);

/** The address space; bind PASIDs to it with siov_pasid_bind. */
SIOV_API struct siov_domain *siov_gmem_domain(struct siov_gmem *gmem);

SIOV_API void *siov_gmem_hva(const struct siov_gmem *gmem); /**< host address of the first byte */
SIOV_API uint64_t
siov_gmem_iova(const struct siov_gmem *gmem); /**< device address of the first byte */
SIOV_API uint64_t siov_gmem_size(const struct siov_gmem *gmem); /**< bytes */

#ifdef __cplusplus
}
#endif

#endif /* SIOV_GMEM_H */

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A guest's memory: one address space, many PASIDs.
 *
 *     offset   0 ............................ size
 *     iova     guest_iova(offset)             as the device sees it
 *     hva      guest_hva(offset)              as this process sees it
 *
 * Scattered memory is mapped page by page in random order, so that neighbouring pages of the guest
 * are no neighbours in the host: guest_hva is then good up to the end of the page only. Demanded
 * memory is mapped when an engine asks for it (pager.h), but for the records' part.
 */
#ifndef GUEST_H
#define GUEST_H

#include "rig.h"
#include "siov_gmem.h"
#include "space.h"

#define GUEST_PAGE 4096u /* of scattered memory */

struct guest_conf {
	uint64_t size; /* bytes */
	enum siov_domain_kind kind;
	unsigned int page_shift;
	unsigned int levels; /* of first-stage tables */
	bool is_scattered; /* kinds with tables; pages of 4 KiB */
	uint64_t seed; /* of the scattering */
	bool allows_priv; /* supervisor requests */
	struct siov_prq *prq; /* mapped on demand; NULL: at once */
};

struct guest {
	struct rig *rig;
	struct siov_vm *vm; /* whose memory it is; NULL: nobody's */
	struct siov_domain *domain;
	uint64_t iova; /* of offset 0 */
	uint64_t size;
	enum siov_domain_kind kind;
	unsigned int page_shift;
	unsigned int levels;
	unsigned int flags; /* SIOV_DOMAIN_F_* */
	struct siov_gmem *gmem; /* NULL if scattered or on demand */
	struct space *space; /* scattered, on demand */
	uint8_t *hva; /* of offset 0; scattered: of the first host page */
	uint32_t *host_page; /* scattered: host page of each guest page */
	bool is_added;
};

/* 0 or a negative errno; nothing is left behind on error. */
int guest_create(struct guest *guest, struct rig *rig, const struct guest_conf *conf);

/* No PASID may be bound to it any more. 0 or -1 after one line. */
int guest_free(struct guest *guest);

/* Whether its supervisor may send for it; a process is reached as what it is, a user. */
static inline bool
guest_is_supervised(const struct guest *guest)
{
	return guest->kind != SIOV_DOMAIN_PROCESS;
}

static inline uint64_t
guest_iova(const struct guest *guest, uint64_t offset)
{
	return guest->iova + offset;
}

static inline uint8_t *
guest_hva(const struct guest *guest, uint64_t offset)
{
	if (guest->host_page == NULL)
		return guest->hva + offset;
	return guest->hva + (uint64_t)guest->host_page[offset / GUEST_PAGE] * GUEST_PAGE +
	       offset % GUEST_PAGE;
}

/* Copy across the pages of scattered memory. */
void guest_read(const struct guest *guest, uint64_t offset, uint8_t *dst, uint64_t len);
void guest_write(const struct guest *guest, uint64_t offset, const uint8_t *src, uint64_t len);

#endif /* GUEST_H */

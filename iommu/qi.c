/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>

#include "iommu_priv.h"
#include "siov_prq.h"
#include "siov_qi.h"

struct siov_qi {
	struct siov_iommu *iommu;
	struct siov_qi_conf conf;
	unsigned int head; /* next to process */
	unsigned int tail; /* next free */
	enum siov_qi_reason reason;
	struct siov_qi_desc ring[];
};

static size_t
qi_bytes(unsigned int entries)
{
	return sizeof(struct siov_qi) + entries * sizeof(struct siov_qi_desc);
}

int
siov_qi_create(struct siov_iommu *iommu, const struct siov_qi_conf *conf, struct siov_qi **out)
{
	struct siov_qi *qi;

	if (iommu == NULL || conf == NULL || out == NULL || !rte_is_power_of_2(conf->entries) ||
	    conf->entries < SIOV_QI_ENTRIES_MIN || conf->entries > SIOV_QI_ENTRIES_MAX)
		return -EINVAL;
	pthread_mutex_lock(&iommu->lock);
	qi = iommu_alloc(iommu, "siov_qi", qi_bytes(conf->entries), RTE_CACHE_LINE_SIZE);
	pthread_mutex_unlock(&iommu->lock);
	if (qi == NULL)
		return -ENOMEM;
	qi->iommu = iommu;
	qi->conf = *conf;
	*out = qi;
	return 0;
}

void
siov_qi_free(struct siov_qi *qi)
{
	struct siov_iommu *iommu;

	if (qi == NULL)
		return;
	iommu = qi->iommu;
	pthread_mutex_lock(&iommu->lock);
	iommu_release(iommu, qi, qi_bytes(qi->conf.entries));
	pthread_mutex_unlock(&iommu->lock);
}

unsigned int
siov_qi_nb_pending(const struct siov_qi *qi)
{
	return (qi->tail - qi->head) & (qi->conf.entries - 1);
}

int
siov_qi_submit(struct siov_qi *qi, const struct siov_qi_desc *descs, unsigned int n)
{
	unsigned int i;

	if (qi == NULL || descs == NULL)
		return -EINVAL;
	if (n > qi->conf.entries - 1 - siov_qi_nb_pending(qi))
		return -ENOSPC;
	for (i = 0; i < n; i++) {
		qi->ring[qi->tail] = descs[i];
		qi->tail = (qi->tail + 1) & (qi->conf.entries - 1);
	}
	return 0;
}

/* ---- requests ---- */

static uint64_t
field(uint64_t word, unsigned int shift, uint64_t mask)
{
	return word >> shift & mask;
}

static struct inval_req
request_of(enum inval_type type, const struct siov_qi_desc *d)
{
	return (struct inval_req){
		.type = type,
		.pasid = (uint32_t)field(d->q0, SIOV_QI_PASID_SHIFT, SIOV_QI_PASID_MASK),
		.did = (uint16_t)field(d->q0, SIOV_QI_DID_SHIFT, SIOV_QI_DID_MASK),
		.leaves = INVAL_LEAF_4K | INVAL_LEAF_2M,
		.end_page = INVAL_ALL_PAGES,
	};
}

/* 2^am pages from the address in q1. False: it is not aligned to them, or they are too many. */
static bool
set_pages(struct inval_req *req, const struct siov_qi_desc *d, unsigned int am)
{
	uint64_t first = (d->q1 & SIOV_QI_ADDR_MASK) >> SIOV_VTD_PAGE_SHIFT;

	if (am > SIOV_QI_AM_MAX || first % (UINT64_C(1) << am) != 0)
		return false;
	req->first_page = first;
	req->end_page = first + (UINT64_C(1) << am);
	return true;
}

/* The pages of a device-TLB descriptor: the lowest clear bit of the address says how many. */
static void
set_sized_pages(struct inval_req *req, const struct siov_qi_desc *d, bool is_sized)
{
	uint64_t first = (d->q1 & SIOV_QI_ADDR_MASK) >> SIOV_VTD_PAGE_SHIFT;
	uint64_t clear = ~first & (RTE_BIT64(64 - SIOV_VTD_PAGE_SHIFT) - 1);
	uint64_t nb = 1;

	if (is_sized && clear == 0)
		return; /* all */
	if (is_sized)
		nb = 2 * (clear & -clear);
	req->first_page = first & ~(nb - 1);
	req->end_page = req->first_page + nb;
}

/* q2, q3 and the bits of q0 and q1 that a type does not use are zero. */
static bool
is_clean(const struct siov_qi_desc *d, uint64_t q0_used, uint64_t q1_used)
{
	return (d->q0 & ~(q0_used | SIOV_QI_TYPE_MASK)) == 0 && (d->q1 & ~q1_used) == 0 &&
	       d->q2 == 0 && d->q3 == 0;
}

#define G_USED (SIOV_QI_G_MASK << SIOV_QI_G_SHIFT)
#define DID_USED (SIOV_QI_DID_MASK << SIOV_QI_DID_SHIFT)
#define PASID_USED (SIOV_QI_PASID_MASK << SIOV_QI_PASID_SHIFT)
#define SID_FM_USED UINT64_C(0x0003ffff00000000) /* context: 49:32 */
#define DRAIN_USED (RTE_BIT64(6) | RTE_BIT64(7))
#define AM_USED (SIOV_QI_ADDR_MASK | SIOV_QI_AM_MASK | SIOV_QI_IH)
#define DEV_TLB_USED UINT64_C(0xfff0ffff001ff000) /* PFSID, SID, max pending */
#define PASID_DEV_TLB_USED UINT64_C(0xfffffffffffff1f0) /* PFSID, PASID, SID, max pending */
#define INTR_ENTRY_USED UINT64_C(0x0000fffff8000010) /* granularity, IM, index */
#define WAIT_USED \
	(UINT64_C(0xffffffff00000000) | SIOV_QI_WAIT_IF | SIOV_QI_WAIT_SW | SIOV_QI_WAIT_FN | \
	 SIOV_QI_WAIT_PD)

static enum siov_qi_reason
post_request(struct siov_qi *qi, const struct inval_req *req)
{
	iommu_post(qi->iommu, req);
	return SIOV_QI_OK;
}

/* No context is cached: what was translated under it goes instead. */
static enum siov_qi_reason
do_context(struct siov_qi *qi, const struct siov_qi_desc *d)
{
	uint64_t g = field(d->q0, SIOV_QI_G_SHIFT, SIOV_QI_G_MASK);
	struct inval_req req = request_of(g == SIOV_QI_G_DOMAIN ? INVAL_DOMAIN : INVAL_ALL, d);

	if (!is_clean(d, G_USED | DID_USED | SID_FM_USED, 0))
		return SIOV_QI_RESERVED;
	return g == 0 ? SIOV_QI_BAD_GRANULARITY : post_request(qi, &req);
}

static enum siov_qi_reason
do_iotlb(struct siov_qi *qi, const struct siov_qi_desc *d)
{
	uint64_t g = field(d->q0, SIOV_QI_G_SHIFT, SIOV_QI_G_MASK);
	struct inval_req req = request_of(g == SIOV_QI_G_GLOBAL ? INVAL_ALL : INVAL_DOMAIN, d);

	if (!is_clean(d, G_USED | DRAIN_USED | DID_USED, AM_USED))
		return SIOV_QI_RESERVED;
	if (g == 0)
		return SIOV_QI_BAD_GRANULARITY;
	if (g == SIOV_QI_G_PAGE && !set_pages(&req, d, d->q1 & SIOV_QI_AM_MASK))
		return SIOV_QI_BAD_ADDRESS;
	return post_request(qi, &req);
}

static enum siov_qi_reason
do_pasid_iotlb(struct siov_qi *qi, const struct siov_qi_desc *d)
{
	uint64_t g = field(d->q0, SIOV_QI_G_SHIFT, SIOV_QI_G_MASK);
	struct inval_req req = request_of(INVAL_PASID, d);

	if (!is_clean(d, G_USED | DID_USED | PASID_USED, AM_USED))
		return SIOV_QI_RESERVED;
	if (g != SIOV_QI_G_PASID && g != SIOV_QI_G_PAGE)
		return SIOV_QI_BAD_GRANULARITY;
	if (g == SIOV_QI_G_PAGE && !set_pages(&req, d, d->q1 & SIOV_QI_AM_MASK))
		return SIOV_QI_BAD_ADDRESS;
	return post_request(qi, &req);
}

/* No PASID entry is cached: what was translated by it goes instead. */
static enum siov_qi_reason
do_pasid_cache(struct siov_qi *qi, const struct siov_qi_desc *d)
{
	static const enum inval_type types[] = {
		[SIOV_QI_PC_DOMAIN] = INVAL_DOMAIN,
		[SIOV_QI_PC_PASID] = INVAL_PASID,
		[SIOV_QI_PC_GLOBAL] = INVAL_ALL,
	};
	uint64_t g = field(d->q0, SIOV_QI_G_SHIFT, SIOV_QI_G_MASK);
	struct inval_req req = request_of(types[g], d);

	if (!is_clean(d, G_USED | DID_USED | PASID_USED, 0))
		return SIOV_QI_RESERVED;
	return g == 2 ? SIOV_QI_BAD_GRANULARITY : post_request(qi, &req);
}

/* Requests without PASID never leave an ADI, so nothing is cached for them; all goes. */
static enum siov_qi_reason
do_dev_tlb(struct siov_qi *qi, const struct siov_qi_desc *d)
{
	struct inval_req req = request_of(INVAL_ALL, d);

	if (!is_clean(d, DEV_TLB_USED, SIOV_QI_ADDR_MASK | SIOV_QI_DT_S))
		return SIOV_QI_RESERVED;
	return post_request(qi, &req);
}

static enum siov_qi_reason
do_pasid_dev_tlb(struct siov_qi *qi, const struct siov_qi_desc *d)
{
	bool is_global = (d->q1 & SIOV_QI_PDT_G) != 0;
	struct inval_req req = request_of(is_global ? INVAL_ALL : INVAL_PASID, d);

	if (!is_clean(d, PASID_DEV_TLB_USED, SIOV_QI_ADDR_MASK | SIOV_QI_PDT_G | SIOV_QI_PDT_S))
		return SIOV_QI_RESERVED;
	if (!is_global)
		set_sized_pages(&req, d, (d->q1 & SIOV_QI_PDT_S) != 0);
	return post_request(qi, &req);
}

/* Remapping entries are not cached: each message reads them. */
static enum siov_qi_reason
do_intr_entry(const struct siov_qi_desc *d)
{
	return is_clean(d, INTR_ENTRY_USED, 0) ? SIOV_QI_OK : SIOV_QI_RESERVED;
}

static enum siov_qi_reason
do_response(struct siov_qi *qi, const struct siov_qi_desc *d)
{
	const struct siov_vtd_page_response resp = {
		.q0 = d->q0,
		.q1 = d->q1,
		.q2 = d->q2,
		.q3 = d->q3,
	};

	if (qi->conf.prq == NULL)
		return SIOV_QI_BAD_TYPE;
	/* A response to nothing goes into the void; the queue counts it. */
	return siov_prq_respond(qi->conf.prq, &resp) == -EINVAL ? SIOV_QI_BAD_RESPONSE : SIOV_QI_OK;
}

/* ---- waits ---- */

static bool
is_status_addr(const struct siov_qi *qi, uint64_t addr)
{
	const struct iommu_ranges *ranges = siov_atomic_load(&qi->iommu->ranges, relaxed);
	const struct iommu_range *range = range_find(ranges, addr, sizeof(uint32_t));

	return addr % sizeof(uint32_t) == 0 && range != NULL && !range->is_mmio;
}

/*
 * All requests before it are served, and every engine has passed a quiescent state since: that is
 * also a fence, and drains the page requests of those engines into their queues.
 */
static enum siov_qi_reason
do_wait(struct siov_qi *qi, const struct siov_qi_desc *d)
{
	bool writes = (d->q0 & SIOV_QI_WAIT_SW) != 0;
	bool interrupts = (d->q0 & SIOV_QI_WAIT_IF) != 0;
	uint32_t status = (uint32_t)(d->q0 >> SIOV_QI_WAIT_STATUS_SHIFT);

	if (!is_clean(d, WAIT_USED, ~UINT64_C(3)))
		return SIOV_QI_RESERVED;
	if (interrupts && qi->conf.on_wait == NULL)
		return SIOV_QI_BAD_TYPE;
	if (writes && !is_status_addr(qi, d->q1))
		return SIOV_QI_BAD_ADDRESS;
	if (iommu_sync(qi->iommu) < 0)
		return SIOV_QI_TIMEOUT;
	if (writes)
		/* Pairs with the acquire of whoever polls: what was dropped is dropped. */
		siov_atomic_store((SIOV_ATOMIC(uint32_t) *)(uintptr_t)d->q1, status, release);
	return SIOV_QI_OK;
}

/* ---- the queue ---- */

static enum siov_qi_reason
do_desc(struct siov_qi *qi, const struct siov_qi_desc *d)
{
	switch (d->q0 & SIOV_QI_TYPE_MASK) {
	case SIOV_QI_CONTEXT:
		return do_context(qi, d);
	case SIOV_QI_IOTLB:
		return do_iotlb(qi, d);
	case SIOV_QI_DEV_TLB:
		return do_dev_tlb(qi, d);
	case SIOV_QI_INTR_ENTRY:
		return do_intr_entry(d);
	case SIOV_QI_WAIT:
		return do_wait(qi, d);
	case SIOV_QI_PASID_IOTLB:
		return do_pasid_iotlb(qi, d);
	case SIOV_QI_PASID_CACHE:
		return do_pasid_cache(qi, d);
	case SIOV_QI_PASID_DEV_TLB:
		return do_pasid_dev_tlb(qi, d);
	default:
		return SIOV_QI_BAD_TYPE;
	}
}

/* One descriptor; responses and interrupts call others, so not under the lock. */
static enum siov_qi_reason
process_one(struct siov_qi *qi, const struct siov_qi_desc *d)
{
	uint64_t type = d->q0 & SIOV_QI_TYPE_MASK;
	enum siov_qi_reason reason;

	if (type == SIOV_QI_PAGE_RESPONSE)
		return do_response(qi, d);
	pthread_mutex_lock(&qi->iommu->lock);
	reason = do_desc(qi, d);
	pthread_mutex_unlock(&qi->iommu->lock);
	return reason;
}

/* Done with the descriptor at head; an interrupt finds the queue past it. */
static void
advance(struct siov_qi *qi)
{
	uint64_t q0 = qi->ring[qi->head].q0;

	qi->head = (qi->head + 1) & (qi->conf.entries - 1);
	if ((q0 & SIOV_QI_TYPE_MASK) == SIOV_QI_WAIT && (q0 & SIOV_QI_WAIT_IF) != 0)
		qi->conf.on_wait(qi->conf.arg);
}

int
siov_qi_process(struct siov_qi *qi)
{
	int nb = 0;

	for (; qi->reason == SIOV_QI_OK && qi->head != qi->tail; nb++) {
		qi->reason = process_one(qi, &qi->ring[qi->head]);
		if (qi->reason == SIOV_QI_OK)
			advance(qi);
	}
	return qi->reason == SIOV_QI_OK ? nb : -EIO;
}

void
siov_qi_get_error(const struct siov_qi *qi, struct siov_qi_error *error)
{
	*error = (struct siov_qi_error){.reason = qi->reason, .index = qi->head};
	if (qi->reason != SIOV_QI_OK)
		error->desc = qi->ring[qi->head];
}

int
siov_qi_clear_error(struct siov_qi *qi, const struct siov_qi_desc *instead)
{
	if (qi->reason == SIOV_QI_OK)
		return -EINVAL;
	if (instead != NULL)
		qi->ring[qi->head] = *instead;
	qi->reason = SIOV_QI_OK;
	return 0;
}

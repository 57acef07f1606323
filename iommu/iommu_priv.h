/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The unit and its parts, for this folder.
 */
#ifndef IOMMU_PRIV_H
#define IOMMU_PRIV_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "inval_priv.h"
#include "pool_priv.h"
#include "ptable_priv.h"
#include "siov_iommu.h"

struct prq_unit; /* prq_priv.h */

#define IOMMU_DID_MAX 65535u
#define IOMMU_HVA_END (UINT64_C(1) << 48) /* addresses a cache entry can hold */

/* One registered memory range, [start, end). */
struct iommu_range {
	uint64_t start;
	uint64_t end;
	uint64_t nb_mapped_bytes; /* by domains; control only, walkers do not look */
	bool is_mmio; /* the device's own BARs: no DMA */
};

/* All registered ranges, sorted; never changed once published, but for nb_mapped_bytes. */
struct iommu_ranges {
	struct iommu_ranges *next_retired;
	size_t nb;
	struct iommu_range range[];
};

struct siov_domain {
	struct siov_iommu *iommu;
	uint16_t did;
	enum siov_domain_kind kind;
	struct siov_domain_conf conf;
	struct ptable pt; /* first stage, second stage; else without a root */
	struct siov_process process; /* of a process domain */
	uint32_t nb_children; /* nested domains over this one */
	uint64_t nb_bound; /* PASIDs bound */
	uint32_t pasid_xor; /* of all PASIDs bound; the PASID itself when one is bound */
	uint64_t nb_pages[3]; /* mapped, of 4 KiB, 2 MiB, 1 GiB */
};

/* What must outlive the walks that may be under way. */
struct iommu_retired {
	struct pool_list pages;
	struct iommu_ranges *ranges;
	struct inval_mark mark; /* of the newest in the lists */
};

struct siov_iommu {
	/* const after create */
	const struct siov_mem *mem;
	struct siov_iommu_conf conf;
	table_word_t *pasid_dir;
	struct rte_rcu_qsbr *qsbr;
	size_t qsbr_bytes;
	uint64_t *pasid_bitmap; /* set: taken; control */

	/* shared: atomic; written by control, read by walks */
	SIOV_ATOMIC(struct iommu_ranges *) ranges __rte_cache_aligned;
	SIOV_ATOMIC(uint32_t) nb_self; /* domains of the calling process's own address space */

	/* owner: control, locked */
	pthread_mutex_t lock __rte_cache_aligned;
	struct pool pool;
	struct siov_domain **domains; /* by domain id */
	uint32_t nb_domain_slots;
	uint32_t nb_domains;
	uint32_t next_did;
	uint32_t next_pasid;
	uint32_t nb_pasids;
	uint32_t nb_bound;
	struct siov_atc *atcs[SIOV_IOMMU_MAX_ATCS];
	unsigned int nb_atcs;
	uint64_t inval_seq; /* newest request posted */
	bool is_behind; /* a wait timed out and was not made up for */
	struct iommu_retired retired;
	size_t nb_bytes; /* taken from mem by iommu_alloc() */
	uint64_t nb_invalidations;
	uint64_t nb_inval_timeouts;
	SIOV_ATOMIC(struct prq_unit *) prqs; /* page requests; NULL until the first queue */
};

/* iommu.c: memory of the unit, counted. */
void *iommu_alloc(struct siov_iommu *iommu, const char *name, size_t size, size_t align);
void iommu_release(struct siov_iommu *iommu, void *ptr, size_t size);

/*
 * inval.c: invalidation and retirement. What is retired is off the tables already and is freed when
 * every engine has passed a mark taken after that. All under the lock.
 */

/* Free what is retired and past; control functions begin with it. */
void iommu_reap(struct siov_iommu *iommu);

/* Hand over pages or ranges that walks may still read; waits for no one. */
void iommu_retire_pages(struct siov_iommu *iommu, struct pool_list *pages);
void iommu_retire_ranges(struct siov_iommu *iommu, struct iommu_ranges *ranges);

/* Wait until every engine has passed the present: 0 and all retired is freed, or -ETIMEDOUT. */
int iommu_sync(struct siov_iommu *iommu);

/* Post req to every cache, and wait for no one; iommu_sync() does. */
void iommu_post(struct siov_iommu *iommu, const struct inval_req *req);

/* Post req to every cache, retire pages, wait: 0 or -ETIMEDOUT. */
int iommu_invalidate(struct siov_iommu *iommu, const struct inval_req *req,
		     struct pool_list *pages);

/*
 * Make up for waits that timed out, before anything new is mapped or bound: 0 or -ETIMEDOUT. So a
 * late engine never sees old and new translations of one address mixed.
 */
int iommu_settle(struct siov_iommu *iommu);

/* range.c */

/* Range that holds all of [hva, hva + len), or NULL. Any thread that may walk. */
const struct iommu_range *range_find(const struct iommu_ranges *ranges, uint64_t hva, uint64_t len);

/* Count memory of a registered range as mapped or unmapped. */
void range_account(struct siov_iommu *iommu, uint64_t hva, uint64_t len, bool is_mapped);

/* Set up with no range: 0 or -ENOMEM. */
int range_init(struct siov_iommu *iommu);

/* Free all, retired ones included. */
void range_fini(struct siov_iommu *iommu);

/* Free a list linked by next_retired. */
void range_free_list(struct siov_iommu *iommu, struct iommu_ranges *ranges);

/* pasid.c */
int pasid_init(struct siov_iommu *iommu);
void pasid_fini(struct siov_iommu *iommu);

/* domain.c */

/* Checks of a range that need no lock: 0, -EINVAL, -ERANGE. */
int domain_check_span(const struct siov_domain *dom, uint64_t iova, uint64_t len);

/* The request that drops [iova, end) of a domain from the caches; leaves: INVAL_LEAF_*. */
struct inval_req domain_inval_req(const struct siov_domain *dom, uint64_t iova, uint64_t end,
				  unsigned int leaves);

/* Free the handles of all domains; their tables go with the pool. */
void domain_fini(struct siov_iommu *iommu);

#endif /* IOMMU_PRIV_H */

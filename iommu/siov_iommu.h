/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file
 * The platform's DMA remapping: address spaces by PASID.
 *
 *     siov_iommu --+-- memory ranges        what DMA may ever reach (guest memory)
 *                  +-- siov_domain (DID)    one address space, of one of five kinds
 *                  |        ^ ^
 *                  +-- PASID+ +PASID        each PASID bound to one domain, a domain to many
 *                  +-- siov_atc             one translation cache per engine lcore (siov_atc.h)
 *
 * Order of calls: create; add_memory; domain_create; domain_map; pasid_alloc; pasid_bind; then the
 * engines translate. Taken down in the reverse order; siov_iommu_free releases what is left.
 *
 * "Host physical address" here is the process's own address of the memory (hva). A translation
 * that was taken away (unmap, unbind, remove_memory) is gone from every cache, and no engine holds
 * a pointer made from it, when the call returns 0. For that, every engine calls
 * siov_atc_quiescent() once per poll round; an engine that sleeps goes offline first.
 *
 * Thread: all functions here are control path. They lock inside and may wait for the engines, so
 * they are never called by a thread whose ATC is online.
 * Kinds of addresses, and the domain that translates them:
 *
 *     HPA    SIOV_DOMAIN_PASS_THROUGH   nothing to translate; registered memory only
 *     HVA    SIOV_DOMAIN_PROCESS        the kernel's tables of a process (SVM)
 *     HIOVA  SIOV_DOMAIN_FIRST_STAGE    tables that this unit's owner maps
 *     GPA    SIOV_DOMAIN_SECOND_STAGE   tables that this unit's owner maps
 *     GVA, GIOVA  SIOV_DOMAIN_NESTED    tables that the guest writes, over a second-stage domain
 *
 * Spec: 6.2.5, 7.2.6, 7.2.7, 7.6.3, 8.1.1, 8.1.2, 8.1.3, 9.4.4.
 */
#ifndef SIOV_IOMMU_H
#define SIOV_IOMMU_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "siov_compat.h"
#include "siov_mem.h"
#include "siov_vtd_hw.h"

#ifdef __cplusplus
extern "C" {
#endif

struct rte_rcu_qsbr;
struct siov_prq; /* siov_prq.h */

/** A DMA remapping unit with its tables; opaque. */
struct siov_iommu;
/** An address space; opaque. */
struct siov_domain;

#define SIOV_PERM_R 1u /**< DMA may read */
#define SIOV_PERM_W 2u /**< DMA may write */
#define SIOV_PERM_PRIV_R 4u /**< a supervisor request (Priv) may read */
#define SIOV_PERM_PRIV_W 8u /**< a supervisor request (Priv) may write */
#define SIOV_PERM_PRIV_SHIFT 2 /**< what makes of a user permission that of a supervisor */

#define SIOV_IOMMU_MAX_ATCS 128u /**< caches of a unit */
#define SIOV_IOMMU_INVAL_TIMEOUT_MS 10000u /**< default of inval_timeout_ms */

/** Configuration of a unit. */
struct siov_iommu_conf {
	const struct siov_mem *mem; /**< NULL: siov_mem_eal(); must outlive the unit */
	int socket_id; /**< NUMA node of the tables, -1: any */
	unsigned int max_atcs; /**< translation caches at most, 1 to SIOV_IOMMU_MAX_ATCS */
	unsigned int inval_timeout_ms; /**< longest wait for the engines, 1 to 3,600,000 */
};

/** Kind of an address space. */
enum siov_domain_kind {
	SIOV_DOMAIN_PASS_THROUGH, /**< iova is hva, within registered memory, read and write */
	SIOV_DOMAIN_SECOND_STAGE, /**< 48-bit iova through four levels of tables */
	SIOV_DOMAIN_FIRST_STAGE, /**< x86 tables of four or five levels, lower half of the addresses */
	SIOV_DOMAIN_NESTED, /**< x86 tables in the guest's memory, written by the guest */
	SIOV_DOMAIN_PROCESS, /**< the address space of a process of this host */
};

#define SIOV_DOMAIN_F_AD 0x1u /**< second stage: keep accessed and dirty bits (SSADE) */
#define SIOV_DOMAIN_F_SRE 0x2u /**< first stage, nested: supervisor requests are allowed */
#define SIOV_DOMAIN_F_WPE 0x4u /**< first stage, nested: read-only for supervisors as well */
#define SIOV_DOMAIN_F_FPD 0x8u /**< record no faults */

/** Configuration of a domain; what a kind does not name is 0. */
struct siov_domain_conf {
	enum siov_domain_kind kind; /**< how addresses are translated */
	unsigned int max_page_shift; /**< first, second stage: largest page used: 12, 21 or 30 */
	unsigned int levels; /**< first stage, nested: 4 or 5; 0: 4 */
	unsigned int flags; /**< SIOV_DOMAIN_F_* */
	struct siov_domain *parent; /**< nested: second-stage domain of the guest; outlives this */
	uint64_t fs_root; /**< nested: guest-physical address of the top table, 4 KiB aligned */
	int32_t pid; /**< process: process id; 0: the calling process */
	struct siov_prq *prq; /**< where page requests go; NULL: faults are final. Outlives this */
};

/** A process whose address space a domain is. */
struct siov_process {
	int32_t pid; /**< process id */
	int pidfd; /**< readable once the process has ended; -1: the calling process */
};

/** Counters of a unit; a snapshot. */
struct siov_iommu_stats {
	uint64_t nb_domains; /**< address spaces */
	uint64_t nb_pasids_allocated; /**< without the reserved PASID 0 */
	uint64_t nb_pasids_bound; /**< PASIDs with an address space */
	uint64_t nb_atcs; /**< caches */
	uint64_t nb_ranges; /**< registered memory ranges */
	uint64_t table_pages; /**< 4 KiB pages of PASID and page tables in use */
	uint64_t deferred_pages; /**< of these, waiting for a late engine */
	uint64_t memory_bytes; /**< as siov_iommu_memory_bytes() */
	uint64_t nb_invalidations; /**< requests sent to the caches */
	uint64_t nb_inval_timeouts; /**< waits that ended with -ETIMEDOUT */
	uint64_t nb_faults; /**< recorded */
	uint64_t nb_faults_lost; /**< found the queue of faults full */
};

/** A fault, as VT-d records it. */
struct siov_fault_record {
	uint64_t addr; /**< the address asked for, bits 63:12 */
	uint32_t pasid; /**< of the request */
	uint16_t rid; /**< requester id */
	uint8_t reason; /**< enum siov_fault */
	uint8_t perm; /**< what was asked for, SIOV_PERM_* */
};

/**
 * Set defaults: EAL memory, any node, 16 caches, 10 s.
 *
 * @param conf configuration to fill.
 * Thread: any.
 */
SIOV_API void siov_iommu_conf_init(struct siov_iommu_conf *conf);

/**
 * Create a unit with no memory, no domain, and PASID 0 reserved.
 *
 * @param conf configuration; copied.
 * @param out the unit; the caller frees it with siov_iommu_free().
 * @return 0; -EINVAL bad argument or configuration; -ENOMEM.
 * Thread: any.
 */
SIOV_API int siov_iommu_create(const struct siov_iommu_conf *conf, struct siov_iommu **out);

/**
 * Free a unit with all its domains, bindings and tables. Its caches must be freed before.
 *
 * @param iommu unit, or NULL.
 * Thread: control, the last call on this unit.
 */
SIOV_API void siov_iommu_free(struct siov_iommu *iommu);

/**
 * Register memory that DMA may reach.
 *
 * @param iommu unit.
 * @param hva first byte, 4 KiB aligned; stays the caller's.
 * @param len bytes, multiple of 4 KiB, not 0.
 * @return 0; -EINVAL misaligned or empty; -ERANGE beyond 48 bits; -EEXIST overlaps registered
 *   memory; -ENOMEM.
 * Thread: control.
 */
SIOV_API int siov_iommu_add_memory(struct siov_iommu *iommu, void *hva, size_t len);

/**
 * Take registered memory away; pass-through translations to it are gone when this returns 0.
 *
 * @param iommu unit.
 * @param hva,len exactly one range as it was added.
 * @return 0; -ENOENT no such range; -EBUSY a domain maps part of it; -ENOMEM; -ETIMEDOUT removed,
 *   but an engine may use it until siov_iommu_synchronize() returns 0.
 * Thread: control.
 */
SIOV_API int siov_iommu_remove_memory(struct siov_iommu *iommu, void *hva, size_t len);

/**
 * Declare addresses of the device's own BARs. DMA never reaches them, neither by pass-through nor
 * through a domain that maps them: it faults with SIOV_FAULT_DMA_LIMIT.
 *
 * @param iommu unit.
 * @param hva,len as siov_iommu_add_memory(); taken away with siov_iommu_remove_memory().
 * @return as siov_iommu_add_memory(); -ETIMEDOUT declared, but an engine may reach it until
 *   siov_iommu_synchronize() returns 0.
 * Thread: control.
 * Spec: 7.6.3.
 */
SIOV_API int siov_iommu_add_mmio(struct siov_iommu *iommu, void *hva, size_t len);

/**
 * Create a domain and give it a domain id. A first-stage or second-stage domain is empty.
 *
 * @param iommu unit.
 * @param conf what it is; copied.
 * @param out the domain, owned by the unit, released with siov_domain_free().
 * @return 0; -EINVAL bad argument; -ENOSPC all 65,535 domain ids are taken; -ENOMEM; process: -ESRCH
 *   no such process, or another negative errno of pidfd_open(2); own process: -ETIMEDOUT an engine
 *   does not answer.
 * Thread: control.
 * Spec: 8.1.1, 8.1.2, 9.4.4.
 */
SIOV_API int siov_domain_create(struct siov_iommu *iommu, const struct siov_domain_conf *conf,
				struct siov_domain **out);

/**
 * Free a domain and what it still maps.
 *
 * @param dom domain, or NULL.
 * @return 0; -EBUSY a PASID is bound to it, or it is the parent of another.
 * Thread: control.
 */
SIOV_API int siov_domain_free(struct siov_domain *dom);

/**
 * Domain id of @p dom, 1 to 65,535.
 *
 * Thread: any.
 */
SIOV_API uint16_t siov_domain_id(const struct siov_domain *dom);

/**
 * Map [iova, iova + len) to [hva, hva + len), all or nothing, with the largest pages that both
 * alignments, the length and the domain allow.
 *
 * @param dom first-stage or second-stage domain.
 * @param iova,hva,len multiples of 4 KiB, len not 0.
 * @param perm SIOV_PERM_R, SIOV_PERM_W or both; first stage: not SIOV_PERM_W alone.
 * @return 0; -EINVAL misaligned, empty, bad perm or a domain of another kind; -ERANGE iova beyond 48
 *   bits (first stage: 47, with five levels 56); -EFAULT memory not inside one registered range;
 *   -EEXIST a page is mapped already; -ENOMEM; -ETIMEDOUT an earlier invalidation is still not
 *   acknowledged. On error nothing changes.
 * Thread: control.
 */
SIOV_API int siov_domain_map(struct siov_domain *dom, uint64_t iova, void *hva, uint64_t len,
			     unsigned int perm);

/**
 * Unmap [iova, iova + len), all or nothing; see the file comment for what holds on return.
 *
 * @param dom first-stage or second-stage domain.
 * @param iova,len multiples of 4 KiB, len not 0.
 * @return 0; -EINVAL misaligned, empty, a domain of another kind, or a large page would be split;
 *   -ERANGE as siov_domain_map(); -ENOENT a page is not mapped; -ETIMEDOUT unmapped, but an engine may
 *   use the old translation until siov_iommu_synchronize() returns 0.
 * Thread: control.
 */
SIOV_API int siov_domain_unmap(struct siov_domain *dom, uint64_t iova, uint64_t len);

/** siov_domain_dirty(): clear the dirty bits that are found, and drop cached translations. */
#define SIOV_DIRTY_CLEAR 0x1u

/**
 * Find the pages of [iova, iova + len) that were written since their dirty bits were cleared.
 *
 * With SIOV_DIRTY_CLEAR, a write that comes after the call is found by the next call; one that comes
 * before or meanwhile, by this or by the next.
 *
 * @param dom second-stage domain with SIOV_DOMAIN_F_AD.
 * @param iova,len multiples of 4 KiB.
 * @param bitmap bit n is set for the 4 KiB page at iova + 4096 n; (len / 4096 + 63) / 64 words, which
 *   are not cleared before. A large page sets the bits of all its 4 KiB pages.
 * @param flags SIOV_DIRTY_CLEAR or 0.
 * @return number of dirty 4 KiB pages; -EINVAL; -ERANGE; -ETIMEDOUT an engine may still write by an
 *   old translation: the bitmap is right, but such writes are not found by the next call.
 * Thread: control.
 */
SIOV_API int64_t siov_domain_dirty(struct siov_domain *dom, uint64_t iova, uint64_t len,
				   uint64_t *bitmap, unsigned int flags);

/**
 * Split every large page that [iova, iova + len) touches into pages of 4 KiB, so that
 * siov_domain_dirty() tells these apart. A page that the range cuts is split whole; what is not
 * mapped is passed over.
 *
 * Engines go on: each address stays mapped to the same byte with the same permissions at every
 * instant. Accessed and dirty bits of a large page become those of all its parts; none is lost.
 *
 * @param dom second-stage domain, with SIOV_DOMAIN_F_AD or without.
 * @param iova,len multiples of 4 KiB, len not 0.
 * @return 0; -EINVAL misaligned, empty or a domain of another kind; -ERANGE iova beyond 48 bits;
 *   -ENOMEM nothing is split (a page of 2 MiB takes a table of 4 KiB, one of 1 GiB takes 513);
 *   -ETIMEDOUT all is split, but an engine may use the translation of a large page until
 *   siov_iommu_synchronize() returns 0.
 * Thread: control.
 */
SIOV_API int siov_domain_split(struct siov_domain *dom, uint64_t iova, uint64_t len);

/**
 * Make large pages again, up to the domain's max_page_shift, of the tables that [iova, iova + len)
 * touches: where all 512 entries are contiguous in one registered range and of equal permission.
 * Tables that are not so stay as they are.
 *
 * Engines go on, as with siov_domain_split(). A large page is accessed or dirty if any of its parts
 * was. Pages that were mapped by several calls may be joined; then siov_domain_unmap() of a part
 * refuses, as for any large page.
 *
 * @param dom second-stage domain.
 * @param iova,len multiples of 4 KiB, len not 0.
 * @return 0; -EINVAL misaligned, empty or a domain of another kind; -ERANGE iova beyond 48 bits;
 *   -ETIMEDOUT an engine did not answer: some of the range may be joined, the rest is as it was.
 * Thread: control.
 */
SIOV_API int siov_domain_join(struct siov_domain *dom, uint64_t iova, uint64_t len);

/**
 * Allocate a free PASID, 1 to SIOV_PASID_MAX; freed ones come back as late as possible.
 *
 * @return 0; -EINVAL bad argument; -ENOSPC none is free.
 * Thread: control.
 */
SIOV_API int siov_pasid_alloc(struct siov_iommu *iommu, uint32_t *pasid);

/**
 * Allocate one given PASID.
 *
 * @return 0; -EINVAL 0 (reserved for requests without PASID) or beyond SIOV_PASID_MAX; -EEXIST
 *   taken already.
 * Thread: control.
 */
SIOV_API int siov_pasid_alloc_at(struct siov_iommu *iommu, uint32_t pasid);

/**
 * Give a PASID back.
 *
 * @return 0; -EINVAL 0 or beyond SIOV_PASID_MAX; -ENOENT not allocated; -EBUSY bound.
 * Thread: control.
 */
SIOV_API int siov_pasid_free(struct siov_iommu *iommu, uint32_t pasid);

/**
 * Bind an allocated PASID to a domain: its requests are translated there.
 *
 * @param iommu unit of the domain.
 * @param pasid allocated PASID.
 * @param dom domain; any number of PASIDs share it.
 * @param flags reserved, 0.
 * @return 0; -EINVAL bad PASID, flags, or a domain of another unit; -ENOENT not allocated; -EBUSY
 *   bound already; -ENOMEM; -ETIMEDOUT an earlier invalidation is still not acknowledged.
 * Thread: control.
 * Spec: 7.2.6, 8.1.1, 8.1.3.
 */
SIOV_API int siov_pasid_bind(struct siov_iommu *iommu, uint32_t pasid, struct siov_domain *dom,
			     unsigned int flags);

/**
 * Unbind a PASID; see the file comment for what holds on return.
 *
 * @return 0; -EINVAL bad PASID; -ENOENT not bound; -ETIMEDOUT unbound, but an engine may use an old
 *   translation until siov_iommu_synchronize() returns 0.
 * Thread: control.
 */
SIOV_API int siov_pasid_unbind(struct siov_iommu *iommu, uint32_t pasid);

/**
 * Drop what the caches hold of [iova, iova + len) for one PASID, and wait until it is gone; the
 * tables stay as they are. siov_domain_unmap() and siov_pasid_unbind() do this by themselves.
 *
 * @param iommu unit.
 * @param pasid bound PASID.
 * @param iova,len multiples of 4 KiB, len not 0; large pages that overlap the range are dropped.
 * @return 0; -EINVAL bad PASID, misaligned or empty; -ERANGE the range wraps; -ENOENT not bound;
 *   -ETIMEDOUT an engine may use it until siov_iommu_synchronize() returns 0.
 * Thread: control.
 */
SIOV_API int siov_pasid_invalidate(struct siov_iommu *iommu, uint32_t pasid, uint64_t iova,
				   uint64_t len);

/**
 * Tell whether a PASID is bound.
 *
 * Thread: control.
 */
SIOV_API int siov_pasid_is_bound(struct siov_iommu *iommu, uint32_t pasid);

/**
 * Wait until every online engine has passed a quiescent state and has dropped what was invalidated
 * before this call. Other modules use it as their grace period: what an engine could reach before
 * the call (an ADI, a queue) it no longer holds afterwards.
 *
 * @return 0; -ETIMEDOUT after inval_timeout_ms.
 * Thread: control.
 */
SIOV_API int siov_iommu_synchronize(struct siov_iommu *iommu);

/**
 * The quiescent-state variable behind siov_iommu_synchronize(), for rte_rcu_qsbr_start and _check.
 * Reader ids are those of the ATCs and are reported by siov_atc_quiescent() alone: no other thread
 * registers here.
 *
 * Thread: any.
 */
SIOV_API struct rte_rcu_qsbr *siov_iommu_qsbr(struct siov_iommu *iommu);

/**
 * Bytes taken from siov_mem: tables, their pool, bitmaps and caches.
 *
 * Thread: control.
 */
SIOV_API size_t siov_iommu_memory_bytes(struct siov_iommu *iommu);

/**
 * Take a snapshot of the counters.
 *
 * Thread: control.
 */
SIOV_API void siov_iommu_stats(struct siov_iommu *iommu, struct siov_iommu_stats *stats);

/**
 * Print ranges, domains, PASIDs and caches.
 *
 * Thread: control.
 */
SIOV_API void siov_iommu_dump(struct siov_iommu *iommu, FILE *f);

/**
 * Fetch and forget fault records, those of each cache oldest first.
 *
 * @param out room for @p max records.
 * @return number of records fetched. What was lost meanwhile is in siov_iommu_stats.
 * Thread: control.
 */
SIOV_API unsigned int siov_iommu_take_faults(struct siov_iommu *iommu,
					     struct siov_fault_record *out, unsigned int max);

/**
 * Short text of a fault reason, such as "PASID entry not present"; "unknown" for other values.
 *
 * Thread: any.
 */
SIOV_API const char *siov_fault_name(int reason);

#ifdef __cplusplus
}
#endif

#endif /* SIOV_IOMMU_H */

/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file
 * A guest's physical address space as devices see it: what a VMM maps for the VDEVs of one guest.
 *
 *     VMM ── map(gpa, hva, len) ──► second-stage domain ◄── host PASIDs of the guest's VDEVs
 *                                     ▲ parent of nested domains of the guest's processes
 *     guest PASID ── DMWr table ──► host PASID
 *
 * All VDEVs of a guest share one. Written pages can be logged, in 4 KiB pages, while the guest's work
 * goes on: those that devices write; who runs the guest's processors knows of theirs.
 *
 * Where the guest is a program of this process, and no machine, its devices share the process's
 * address space (shared virtual memory): is_process.
 *
 * Order of calls: create; map; VDEVs in it (siov_vdev.h); unmap; free.
 *
 * Thread: control path; calls on one object may come from several threads, it locks inside. They
 * may wait for engines (siov_iommu.h), and are never called by one.
 *
 * Spec: 7.2, 8.1, 8.3, 9.4 (requirements 8.1.1, 8.3.1, 9.4.1).
 */
#ifndef SIOV_GAS_H
#define SIOV_GAS_H

#include "siov_iommu.h"
#include "siov_vm_pasid.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A guest's physical address space; opaque. */
struct siov_gas;

#define SIOV_GAS_MAPS_MAX 256u /**< ranges of memory */

/** What to create. */
struct siov_gas_conf {
	const struct siov_mem *mem; /**< NULL: siov_mem_eal(); outlives it */
	struct siov_iommu *iommu; /**< platform of the functions; outlives it */
	unsigned int page_shift; /**< largest page used, 12, 21 or 30; 0: 21 */
	/** Addresses are this process's own, all of them: nothing is mapped, nothing can be logged. */
	bool is_process;
};

/** @return 0; -EINVAL; -ENOMEM; an error of siov_domain_create(). Nothing is left behind. */
SIOV_API int siov_gas_create(const struct siov_gas_conf *conf, struct siov_gas **out);

/** Free it, with what is mapped. @return 0; -EBUSY a VDEV is in it; -ETIMEDOUT: try again. */
SIOV_API int siov_gas_free(struct siov_gas *gas);

/**
 * Let devices reach memory at guest-physical addresses.
 *
 * @param gpa,hva,len multiples of 4 KiB; the memory stays the caller's until it is unmapped.
 * @param perm SIOV_PERM_R, SIOV_PERM_W or both.
 * @return 0; -EINVAL; -ENOTSUP it is the process's; -EEXIST something is mapped there; -ENOSPC
 *         SIOV_GAS_MAPS_MAX; or an error of siov_iommu_add_memory(), siov_domain_map(). Nothing is left
 *         behind.
 */
SIOV_API int siov_gas_map(struct siov_gas *gas, uint64_t gpa, void *hva, uint64_t len,
			  unsigned int perm);

/**
 * Take away what one siov_gas_map() mapped. When 0 is returned no device reaches it any more.
 *
 * @return 0; -ENOENT no map has this address and length; -ETIMEDOUT try again.
 */
SIOV_API int siov_gas_unmap(struct siov_gas *gas, uint64_t gpa, uint64_t len);

/** Host address of guest memory, within one map; NULL: not mapped, or it lacks @p perm. */
SIOV_API void *siov_gas_hva(struct siov_gas *gas, uint64_t gpa, uint64_t len, unsigned int perm);

/**
 * The domain for PASIDs of the guest: second stage, and parent of nested domains; or the process's, to
 * which the guest adds no tables of its own.
 */
SIOV_API struct siov_domain *siov_gas_domain(struct siov_gas *gas);
/** The platform that translates it. */
SIOV_API struct siov_iommu *siov_gas_iommu(struct siov_gas *gas);

/** The guest's DMWr table (siov_vm_pasid.h): which of its PASIDs stands for which of the host's. */
SIOV_API struct siov_vm_pasid *siov_gas_pasids(struct siov_gas *gas);

/** Count a VDEV in or out: none, and it can be freed. */
SIOV_API void siov_gas_use(struct siov_gas *gas, bool is_used);

/**
 * Begin to log what devices write, from all clean, in pages of 4 KiB. Meanwhile nothing is mapped or
 * unmapped (-EBUSY).
 *
 * @return 0; -EBUSY it logs already; -ENOTSUP it is the process's; or an error of siov_domain_split(),
 *         siov_domain_dirty().
 */
SIOV_API int siov_gas_log_start(struct siov_gas *gas);

/**
 * Fetch and forget the pages of [gpa, gpa + len) written since they were fetched last.
 *
 * @param bitmap as of siov_domain_dirty(): bit n is the page at gpa + 4096 n; bits are added.
 * @return their number; -EINVAL it does not log, or misaligned; -ETIMEDOUT.
 */
SIOV_API int64_t siov_gas_log_fetch(struct siov_gas *gas, uint64_t gpa, uint64_t len,
				    uint64_t *bitmap);

/** End it; large pages come back. @return 0; -EINVAL it does not log; -ETIMEDOUT. */
SIOV_API int siov_gas_log_stop(struct siov_gas *gas);

#ifdef __cplusplus
}
#endif

#endif /* SIOV_GAS_H */

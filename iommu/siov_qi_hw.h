/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file
 * Formats of VT-d's queued invalidation in scalable mode: descriptors of 256 bits. No code.
 *
 * Spec: chapter 8.1; formats of VT-d.
 */
#ifndef SIOV_QI_HW_H
#define SIOV_QI_HW_H

#include <assert.h>
#include <stdint.h>

#include <rte_bitops.h>

/** One descriptor; words 2 and 3 are zero. */
struct siov_qi_desc {
	uint64_t q0; /**< bits 63:0 */
	uint64_t q1; /**< bits 127:64 */
	uint64_t q2; /**< bits 191:128 */
	uint64_t q3; /**< bits 255:192 */
};

static_assert(sizeof(struct siov_qi_desc) == 32, "a descriptor has 256 bits");

/* q0 3:0; bits 11:9 of the type are zero. */
#define SIOV_QI_TYPE_MASK UINT64_C(0xf) /**< bits 3:0 of q0 */
#define SIOV_QI_CONTEXT UINT64_C(1) /**< context cache */
#define SIOV_QI_IOTLB UINT64_C(2) /**< IOTLB */
#define SIOV_QI_DEV_TLB UINT64_C(3) /**< device TLB */
#define SIOV_QI_INTR_ENTRY UINT64_C(4) /**< interrupt entry cache */
#define SIOV_QI_WAIT UINT64_C(5) /**< wait */
#define SIOV_QI_PASID_IOTLB UINT64_C(6) /**< PASID IOTLB */
#define SIOV_QI_PASID_CACHE UINT64_C(7) /**< PASID cache */
#define SIOV_QI_PASID_DEV_TLB UINT64_C(8) /**< PASID device TLB */
#define SIOV_QI_PAGE_RESPONSE UINT64_C(9) /**< page group response */

/* q0 of those with a granularity: 5:4. */
#define SIOV_QI_G_SHIFT 4 /**< of the granularity */
#define SIOV_QI_G_MASK UINT64_C(3) /**< once shifted */
#define SIOV_QI_G_GLOBAL UINT64_C(1) /**< context, IOTLB */
#define SIOV_QI_G_DOMAIN UINT64_C(2) /**< context, IOTLB */
#define SIOV_QI_G_DEVICE UINT64_C(3) /**< context */
#define SIOV_QI_G_PAGE UINT64_C(3) /**< IOTLB, PASID IOTLB */
#define SIOV_QI_G_PASID UINT64_C(2) /**< PASID IOTLB: all pages of the PASID */
#define SIOV_QI_PC_DOMAIN UINT64_C(0) /**< PASID cache: all PASIDs of a domain */
#define SIOV_QI_PC_PASID UINT64_C(1) /**< PASID cache: one PASID */
#define SIOV_QI_PC_GLOBAL UINT64_C(3) /**< PASID cache: all */

#define SIOV_QI_DID_SHIFT 16 /**< q0 31:16 */
#define SIOV_QI_DID_MASK UINT64_C(0xffff) /**< domain id, once shifted */
#define SIOV_QI_PASID_SHIFT 32 /**< q0 51:32 */
#define SIOV_QI_PASID_MASK UINT64_C(0xfffff) /**< once shifted */

/* q0 of a wait. */
#define SIOV_QI_WAIT_IF RTE_BIT64(4) /**< interrupt when done */
#define SIOV_QI_WAIT_SW RTE_BIT64(5) /**< write the status */
#define SIOV_QI_WAIT_FN RTE_BIT64(6) /**< fence: nothing after it begins before it is done */
#define SIOV_QI_WAIT_PD RTE_BIT64(7) /**< page requests that came before are in their queue */
#define SIOV_QI_WAIT_STATUS_SHIFT 32 /**< q0 63:32 */

/* q1 of those with an address. */
#define SIOV_QI_ADDR_MASK (~UINT64_C(0xfff)) /**< bits 63:12 */
#define SIOV_QI_AM_MASK UINT64_C(0x3f) /**< IOTLB, PASID IOTLB: log2 of the 4 KiB pages */
#define SIOV_QI_IH RTE_BIT64(6) /**< IOTLB, PASID IOTLB: only entries of pages changed */
#define SIOV_QI_AM_MAX 36u /**< CAP.MAMV: 48 bits of address */
#define SIOV_QI_DT_S RTE_BIT64(0) /**< device TLB: size in the address */
#define SIOV_QI_PDT_G RTE_BIT64(0) /**< PASID device TLB: all PASIDs */
#define SIOV_QI_PDT_S RTE_BIT64(11) /**< PASID device TLB: size in the address */

#endif /* SIOV_QI_HW_H */

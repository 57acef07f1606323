/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file
 * Formats of VT-d interrupt remapping: messages, remapping table entries, posted-interrupt
 * descriptors, fault reasons. No code.
 *
 *     message  address 0xFEEx_xxxx, data      what a device writes, without a PASID
 *        |  index
 *        v
 *     IRTE     128 bits                       remapped: destination id and vector
 *        |  posted                            posted: address of a descriptor and vector
 *        v
 *     posted-interrupt descriptor, 512 bits   one bit for each of a guest's vectors
 *
 * Words are read and written whole, through the atomics of siov_compat.h, with the masks below.
 * The address of a descriptor is the process's own: the emulator's host physical address.
 *
 * Spec: 8.2; formats of VT-d interrupt remapping and interrupt posting.
 */
#ifndef SIOV_IR_HW_H
#define SIOV_IR_HW_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include <rte_bitops.h>
#include <rte_common.h>

#include "siov_compat.h"

/* Address of an interrupt message. */
#define SIOV_MSI_ADDR_HEAD UINT64_C(0xfee) /**< bits 63:20 */
#define SIOV_MSI_ADDR_HEAD_SHIFT 20 /**< of the head */
#define SIOV_MSI_ADDR_REMAPPABLE RTE_BIT64(4) /**< format: remappable; 0: compatibility */
#define SIOV_MSI_ADDR_RSVD UINT64_C(0x3) /**< bits 1:0, in both formats */
#define SIOV_MSI_ADDR_SHV RTE_BIT64(3) /**< remappable: the data holds a subhandle */
#define SIOV_MSI_ADDR_INDEX15 RTE_BIT64(2) /**< remappable: bit 15 of the index */
#define SIOV_MSI_ADDR_INDEX_SHIFT 5 /**< remappable: bits 14:0 of the index */
#define SIOV_MSI_ADDR_INDEX_MASK UINT64_C(0x7fff) /**< once shifted */
#define SIOV_MSI_ADDR_DEST_SHIFT 12 /**< compatibility: bits 7:0 of the destination */
#define SIOV_MSI_ADDR_DEST_MASK UINT64_C(0xff) /**< once shifted */
#define SIOV_MSI_ADDR_EXT_DEST_SHIFT 5 /**< compatibility: bits 14:8 of the destination */
#define SIOV_MSI_ADDR_EXT_DEST_MASK UINT64_C(0x7f) /**< once shifted */
#define SIOV_MSI_ADDR_LOGICAL RTE_BIT64(2) /**< compatibility: logical destination */

/* Data of an interrupt message. */
#define SIOV_MSI_DATA_SUBHANDLE UINT32_C(0xffff) /**< remappable; the rest is reserved */
#define SIOV_MSI_DATA_VECTOR UINT32_C(0xff) /**< compatibility */
#define SIOV_MSI_DATA_DLM_SHIFT 8 /**< compatibility: delivery mode, bits 10:8 */
#define SIOV_MSI_DATA_DLM_MASK UINT32_C(0x7) /**< once shifted */

/** Interrupt remapping table entry. */
struct siov_irte {
	SIOV_ATOMIC(uint64_t) lo; /**< P, FPD, mode, vector, destination or descriptor 31:6 */
	SIOV_ATOMIC(uint64_t) hi; /**< SID, SQ, SVT, descriptor 63:32 */
} __attribute__((aligned(16)));

static_assert(sizeof(struct siov_irte) == 16, "an entry has 128 bits");
static_assert(offsetof(struct siov_irte, hi) == 8, "SID begins at bit 64");

/* Low word, both modes. */
#define SIOV_IRTE_P RTE_BIT64(0) /**< present */
#define SIOV_IRTE_FPD RTE_BIT64(1) /**< record no faults; honoured also where P is 0 */
#define SIOV_IRTE_AVAIL_MASK (UINT64_C(0xf) << 8) /**< for software; ignored */
#define SIOV_IRTE_IM RTE_BIT64(15) /**< posted; 0: remapped */
#define SIOV_IRTE_VECTOR_SHIFT 16 /**< of the vector */
#define SIOV_IRTE_VECTOR_MASK (UINT64_C(0xff) << SIOV_IRTE_VECTOR_SHIFT) /**< vector */

/* Low word, remapped. */
#define SIOV_IRTE_DM RTE_BIT64(2) /**< logical destination: not offered, so reserved */
#define SIOV_IRTE_RH RTE_BIT64(3) /**< redirection hint: no effect, destinations are physical */
#define SIOV_IRTE_TM RTE_BIT64(4) /**< level: without effect, messages are edges */
#define SIOV_IRTE_DLM_SHIFT 5 /**< of the delivery mode */
#define SIOV_IRTE_DLM_MASK (UINT64_C(0x7) << SIOV_IRTE_DLM_SHIFT) /**< enum siov_ir_delivery */
#define SIOV_IRTE_DEST_SHIFT 32 /**< 32 bits, as with EIME */
/** Reserved bits of a remapped entry's low word. */
#define SIOV_IRTE_LO_RSVD \
	(SIOV_IRTE_DM | RTE_BIT64(12) | RTE_BIT64(13) | RTE_BIT64(14) | (UINT64_C(0xff) << 24))

/* Low word, posted. */
#define SIOV_IRTE_URG RTE_BIT64(14) /**< urgent: notifies also where SN is set */
#define SIOV_IRTE_PDA_LO_MASK (UINT64_C(0xffffffc0) << 32) /**< descriptor address 31:6 */
/** Reserved bits of a posted entry's low word. */
#define SIOV_IRTE_POSTED_LO_RSVD \
	((UINT64_C(0x3f) << 2) | RTE_BIT64(12) | RTE_BIT64(13) | (UINT64_C(0xff) << 24) | \
	 (UINT64_C(0x3f) << 32))

/* High word. */
#define SIOV_IRTE_SID_MASK UINT64_C(0xffff) /**< requester id to compare with */
#define SIOV_IRTE_SQ_SHIFT 16 /**< of enum siov_ir_sq */
#define SIOV_IRTE_SQ_MASK (UINT64_C(0x3) << SIOV_IRTE_SQ_SHIFT) /**< enum siov_ir_sq */
#define SIOV_IRTE_SVT_SHIFT 18 /**< of enum siov_ir_svt */
#define SIOV_IRTE_SVT_MASK (UINT64_C(0x3) << SIOV_IRTE_SVT_SHIFT) /**< enum siov_ir_svt */
#define SIOV_IRTE_PDA_HI_SHIFT 32 /**< posted: descriptor address 63:32; remapped: reserved */
#define SIOV_IRTE_POSTED_HI_RSVD (UINT64_C(0xfff) << 20) /**< reserved bits, posted */
#define SIOV_IRTE_HI_RSVD (~UINT64_C(0xfffff)) /**< reserved bits, remapped */

/** How a message's requester id is checked. */
enum siov_ir_svt {
	SIOV_IR_SVT_NONE = 0, /**< not at all */
	SIOV_IR_SVT_SID = 1, /**< compared with SID, but for the bits that SQ leaves out */
	SIOV_IR_SVT_BUS = 2, /**< its bus lies in SID[15:8] to SID[7:0] */
};

/** Which bits of the requester id are compared. */
enum siov_ir_sq {
	SIOV_IR_SQ_ALL = 0, /**< all 16 */
	SIOV_IR_SQ_NOT_2 = 1, /**< all but bit 2 */
	SIOV_IR_SQ_NOT_2_1 = 2, /**< all but bits 2:1 */
	SIOV_IR_SQ_NOT_2_0 = 3, /**< all but bits 2:0, the function number */
};

/** Delivery modes that are offered; the others' encodings are reserved. */
enum siov_ir_delivery {
	SIOV_IR_FIXED = 0,
	SIOV_IR_LOWEST = 1, /**< with one physical destination the same as fixed */
};

/** Posted-interrupt descriptor. */
struct siov_pid_desc {
	SIOV_ATOMIC(uint64_t) pir[4]; /**< one bit for each vector */
	SIOV_ATOMIC(uint64_t) control; /**< ON, SN, NV, NDST */
	uint64_t rsvd[3]; /**< bits 511:320 */
} __attribute__((aligned(64)));

static_assert(sizeof(struct siov_pid_desc) == 64, "a descriptor has 512 bits");
static_assert(offsetof(struct siov_pid_desc, control) == 32, "ON is bit 256");
static_assert(offsetof(struct siov_pid_desc, rsvd) == 40, "reserved from bit 320");

#define SIOV_PID_ON RTE_BIT64(0) /**< a notification is under way */
#define SIOV_PID_SN RTE_BIT64(1) /**< send none, but for urgent messages */
#define SIOV_PID_NV_SHIFT 16 /**< of the notification vector */
#define SIOV_PID_NV_MASK (UINT64_C(0xff) << SIOV_PID_NV_SHIFT) /**< notification vector */
#define SIOV_PID_NDST_SHIFT 32 /**< of the notification's destination, 32 bits */

/** Why a message was blocked; the values below 0x100 are VT-d fault reasons, 0 is success. */
enum siov_ir_reason {
	SIOV_IR_OK = 0,
	SIOV_IR_FAULT_REQUEST_RESERVED = 0x20, /**< reserved bits in the message */
	SIOV_IR_FAULT_INDEX = 0x21, /**< index beyond the table */
	SIOV_IR_FAULT_NOT_PRESENT = 0x22, /**< P is 0 */
	SIOV_IR_FAULT_IRTE_RESERVED = 0x24, /**< reserved bits in the entry */
	SIOV_IR_FAULT_COMPAT = 0x25, /**< compatibility format is not allowed */
	SIOV_IR_FAULT_SID = 0x26, /**< requester id refused by SVT, SQ and SID */
	SIOV_IR_FAULT_NO_DEST = 0x100, /**< nobody has this destination id; the emulator's own */
};

#endif /* SIOV_IR_HW_H */

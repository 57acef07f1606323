/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file
 * What a guest finds in a VDEV beside the registers of DSA (siov_regs_hw.h), which are where a DSA
 * driver looks for them: pages of BAR0 and BAR2, and the channel to the VDCM.
 *
 *     BAR0  page 0  write-intercept   DSA registers, GRPCFG, WQCFG, MSIXPERM, channel registers
 *           page 1  intercept         MSI-X table, pending bits
 *           page 2  memory            channel: 16 requests, 16 answers, 64 page requests
 *           page 3  direct            hardware mailbox: the doorbell once more
 *     BAR2  direct: 4 portal pages a queue, as of DSA
 *
 * The doorbell at offset 0 of the mailbox does what SIOV_VREG_DOORBELL does, but is a store to the
 * device that nobody intercepts: SIOV_VREG_STATUS and SIOV_VREG_DOORBELL follow it a little later.
 *
 * P is the system page size. Nothing in page 0 changes by being read, so reads are plain loads.
 *
 * Channel: the guest writes a version that both know to SIOV_VREG_VERSION; request n goes to slot
 * n % 16, then n + 1 to SIOV_VREG_DOORBELL; its answer is in slot n % 16 when SIOV_VREG_DONE has passed
 * n, and vector 0 comes with SIOV_INTCAUSE_CHANNEL. Answers come in the order of the requests. A guest
 * has 16 requests outstanding at most; more, and doorbells that go backward, are refused:
 * SIOV_VREG_STATUS says so, and nothing is done.
 *
 * Page requests: work of a PASID that was bound with SIOV_VBIND_PAGES, and that may block on a fault,
 * waits while the guest is asked for the page: request n is in slot n % 64 of the page requests when
 * SIOV_VREG_PAGES has passed n, and vector 0 comes with SIOV_INTCAUSE_PAGE. The guest maps the page, or
 * does not, and says so: n and a code to SIOV_VREG_PAGE_ANSWER, in any order. While the VDEV is
 * suspended, and from a reset on, all are answered with failure; what waited ends with a page fault.
 *
 * A command that fails for want of a resource (a dedicated queue) ends as a hardware error with the
 * errno EAGAIN as its result. Only one PASID of a queue can mean guest-physical addresses without having
 * been bound: another is -EEXIST for SIOV_VOP_CONTEXT_ALLOC.
 *
 * Spec: 9.4 (requirements 9.4.1.1, 9.4.1.2, 9.4.3.1, 9.4.3.2).
 */
#ifndef SIOV_VDEV_HW_H
#define SIOV_VDEV_HW_H

#include <stdint.h>

#include "siov_desc.h"
#include "siov_regs_hw.h"

#define SIOV_VDEV_VENDOR 0x8086u /**< vendor id: Intel */
#define SIOV_VDEV_DEVICE 0x0b25u /**< DSA */
#define SIOV_VDEV_SUBSYSTEM 0x510fu /**< has what is below */

#define SIOV_VDEV_WQS_MAX 9u /**< a context and 8 dedicated queues */
#define SIOV_VDEV_VECTORS_MAX 17u /**< vector 0 is the VDCM's */

/* Pages of BAR0. */
#define SIOV_VDEV_PAGE_REGS 0u /**< registers */
#define SIOV_VDEV_PAGE_MSIX 1u /**< MSI-X table and pending bits */
#define SIOV_VDEV_PAGE_CHANNEL 2u /**< the channel's slots */
#define SIOV_VDEV_PAGE_MBOX 3u /**< the hardware mailbox */
#define SIOV_VDEV_PAGES 4u /**< number of pages */

/* Within page 0; the tables are where SIOV_REG_OFFSETS says. */
#define SIOV_VDEV_GRPCFG 0x400u /**< configuration of groups */
#define SIOV_VDEV_WQCFG 0x600u /**< configuration of queues */
#define SIOV_VDEV_MSIXPERM 0x900u /**< PASIDs of vectors */

/* Within page 1. */
#define SIOV_VDEV_MSIX_TABLE 0u /**< the table */
#define SIOV_VDEV_MSIX_PBA 0x800u /**< pending bits */

/* Within page 3. */
#define SIOV_VDEV_MBOX_DOORBELL 0u /**< as SIOV_VREG_DOORBELL */

/* Channel registers, within page 0. */
#define SIOV_VREG_MAGIC 0xc00u /**< reads as SIOV_VREG_MAGIC_VALUE */
#define SIOV_VREG_VERSIONS 0xc04u /**< 15:0 oldest, 31:16 newest that the VDCM knows */
#define SIOV_VREG_VERSION \
	0xc08u /**< written: opens the channel, 0 closes it; reads as open version */
#define SIOV_VREG_DOORBELL 0xc0cu /**< written: number of requests so far; the mailbox register */
#define SIOV_VREG_DONE 0xc10u /**< number of answers so far */
#define SIOV_VREG_STATUS 0xc14u /**< of the last write to one of these: 0 or an SIOV_VSTATUS */
#define SIOV_VREG_CHANNEL 0xc18u /**< offset of the channel in BAR0 */
#define SIOV_VREG_SLOTS 0xc1cu /**< SIOV_VDEV_SLOTS */
#define SIOV_VREG_MBOX 0xc20u /**< offset of the hardware mailbox in BAR0; 0: none */
#define SIOV_VREG_PAGE_BYTES 0xc24u /**< P */
#define SIOV_VREG_PAGES 0xc28u /**< number of page requests so far */
#define SIOV_VREG_PAGE_ANSWER \
	0xc2cu /**< written: 15:0 number of the request, 31:28 0 it is there, 1 it is not, 15 failure */
#define SIOV_VREG_END 0xc30u /**< end of the registers */

#define SIOV_VREG_MAGIC_VALUE 0x564f4953u /**< "SIOV" */

/** Values of SIOV_VREG_STATUS. */
enum siov_vstatus {
	SIOV_VSTATUS_OK,
	SIOV_VSTATUS_VERSION, /**< not a version that the VDCM knows; the channel is as it was */
	SIOV_VSTATUS_CLOSED, /**< no version was chosen so far */
	SIOV_VSTATUS_DOORBELL, /**< backward, or more than SIOV_VDEV_SLOTS outstanding */
	SIOV_VSTATUS_DISABLED, /**< the device is not enabled */
	SIOV_VSTATUS_PAGE, /**< no such page request is without answer, or no such code */
};

/** Beside DSA's causes in SIOV_REG_INTCAUSE. */
#define SIOV_INTCAUSE_CHANNEL 0x10000u
#define SIOV_INTCAUSE_PAGE 0x40000u /**< page requests have come */
#define SIOV_INTCAUSE_REVOKED 0x80000000u /**< DSA: interrupt handles are to be requested anew */

#define SIOV_VDEV_VERSION_1 1u /**< the one version of the channel */
#define SIOV_VDEV_SLOTS 16u /**< requests outstanding at most */
#define SIOV_VDEV_SLOT_BYTES 64u /**< of a request, and of an answer */

/** A page request; they begin at SIOV_VDEV_PAGE_SLOTS_AT of the channel. */
struct siov_vdev_page {
	uint64_t addr; /**< of the page */
	uint32_t pasid; /**< the guest's */
	uint32_t flags; /**< SIOV_VPAGE_ */
};

#define SIOV_VDEV_PAGE_SLOTS 64u /**< page requests without answer, at most */
/** Where they begin in the channel. */
#define SIOV_VDEV_PAGE_SLOTS_AT (2u * SIOV_VDEV_SLOTS * SIOV_VDEV_SLOT_BYTES)
/** Bytes of the channel that mean something. */
#define SIOV_VDEV_CHANNEL_BYTES (SIOV_VDEV_PAGE_SLOTS_AT + SIOV_VDEV_PAGE_SLOTS * 16u)

#define SIOV_VPAGE_READ 0x1u /**< it is to be read, */
#define SIOV_VPAGE_WRITE 0x2u /**< written, */
#define SIOV_VPAGE_PRIV 0x4u /**< by privileged work */
#define SIOV_VPAGE_CODE_SHIFT 28 /**< in SIOV_VREG_PAGE_ANSWER */

#define SIOV_VBIND_PAGES 0x1u /**< pages that are not there are asked for */

SIOV_STATIC_ASSERT(sizeof(struct siov_vdev_page) == 16, "a slot of a page request");
SIOV_STATIC_ASSERT(SIOV_VDEV_CHANNEL_BYTES <= 4096, "the channel is a page");

/** A request, written by the guest; requests begin at offset 0 of the channel. */
struct siov_vdev_request {
	uint32_t id; /**< the guest's, comes back */
	uint16_t op; /**< enum siov_vdev_op */
	uint16_t rsvd0; /**< 0 */
	uint32_t timeout_ms; /**< 1 to 60000; 0: 1000 */
	uint32_t rsvd1; /**< 0 */
	uint64_t arg[6]; /**< by op; those it does not name are 0 */
};

/** An answer; answers begin behind the requests. */
struct siov_vdev_answer {
	uint32_t id; /**< of the request */
	int32_t status; /**< 0 or a negative errno */
	uint64_t ret[7]; /**< by op */
};

SIOV_STATIC_ASSERT(sizeof(struct siov_vdev_request) == SIOV_VDEV_SLOT_BYTES, "a slot");
SIOV_STATIC_ASSERT(sizeof(struct siov_vdev_answer) == SIOV_VDEV_SLOT_BYTES, "a slot");

/** Requests of the channel. */
enum siov_vdev_op {
	SIOV_VOP_ECHO = 1, /**< arg: anything; ret[0..5]: the same */
	/**
	 * Let a PASID of the guest mean an address space of the guest: arg[0] PASID, arg[1] guest-physical
	 * address of the top table of its first stage, arg[2] levels: 4 or 5, arg[3] 0 or
	 * SIOV_VBIND_PAGES. All three 0: no tables, addresses are guest-physical.
	 */
	SIOV_VOP_PASID_BIND,
	SIOV_VOP_PASID_UNBIND, /**< arg[0] PASID; its contexts must be freed */
	/** Forget translations: arg[0] PASID, arg[1] address, arg[2] bytes, multiples of 4 KiB. */
	SIOV_VOP_INVALIDATE,
	/**
	 * Allocate a context on a shared queue, of a VDEV that has them on request: arg[0] queue, arg[1]
	 * PASID: one that is bound; else it comes to mean guest-physical addresses. arg[2] vector of its
	 * interrupt, 0: none. ret[0]: interrupt handle.
	 */
	SIOV_VOP_CONTEXT_ALLOC,
	SIOV_VOP_CONTEXT_FREE, /**< arg[0] queue, arg[1] PASID; waits for its work */
	SIOV_VOP_CONTEXT_HANDLE, /**< arg[0] queue, arg[1] PASID. ret[0]: interrupt handle now */
	SIOV_VOPS,
};

#endif /* SIOV_VDEV_HW_H */

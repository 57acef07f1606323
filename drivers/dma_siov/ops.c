/* SPDX-License-Identifier: BSD-3-Clause */
/* The fast path: what an application calls for each operation and for each burst. */
#include <errno.h>
#include <sched.h>

#include <rte_common.h>
#include <rte_pause.h>

#include "vchan.h"

#define SPINS 64u /* before the CPU is given away */
#define CHUNK 32u /* completions looked at together, */
#define LOOKS_MAX 64u /* and how often, before what is there is taken */

static __rte_always_inline struct vchan *
channel(const void *dev_private, uint16_t vchan)
{
	const struct port *port = dev_private;

	return port->vchans[vchan];
}

/* ---- completion ---- */

static __rte_always_inline uint8_t
status_at(const struct vchan *vc, uint64_t at)
{
	return siov_atomic_load(&vc->recs[at & vc->mask].status, acquire);
}

static enum rte_dma_status_code
code_of(uint8_t status)
{
	switch (status & DSA_COMP_STATUS_MASK) { /* without the bit that tells a write's fault */
	case DSA_COMP_SUCCESS:
		return RTE_DMA_STATUS_SUCCESSFUL;
	case DSA_COMP_PAGE_FAULT_NOBOF:
	case DSA_COMP_PAGE_FAULT_IR:
	case DSA_COMP_TRANSLATION_FAIL:
		return RTE_DMA_STATUS_PAGE_FAULT;
	case DSA_COMP_BATCH_PAGE_FAULT:
		return RTE_DMA_STATUS_DESCRIPTOR_READ_ERROR;
	case DSA_COMP_BAD_OPCODE:
		return RTE_DMA_STATUS_INVALID_OPCODE;
	case DSA_COMP_XFER_ERANGE:
		return RTE_DMA_STATUS_INVALID_LENGTH;
	case DSA_COMP_OVERLAP_BUFFERS:
		return RTE_DMA_STATUS_INVALID_ADDR;
	case SIOV_COMP_ABORTED:
		return RTE_DMA_STATUS_USER_ABORT;
	default:
		return RTE_DMA_STATUS_ERROR_UNKNOWN;
	}
}

/* Of a scatter-gather copy the piece that failed says more than the batch. */
static enum rte_dma_status_code
code_at(const struct vchan *vc, uint64_t at)
{
	uint8_t status = status_at(vc, at);

	if (status == DSA_COMP_BATCH_FAIL)
		return code_of(vc->lists[at & vc->mask].failed.status);
	return code_of(status);
}

/* Between two calls the thread is outside of its VDEV: the VDCM may lead the portal elsewhere. */
static __rte_always_inline void
be_outside(struct vchan *vc)
{
	if (likely(vc->seat.cpu != NULL))
		siov_cpu_quiescent(vc->seat.cpu);
}

/* What nobody asks for in silent mode makes room. */
static void
reap_silently(struct vchan *vc)
{
	uint8_t status;

	be_outside(vc);
	for (; vc->head != vc->tail; vc->head++) {
		status = status_at(vc, vc->head);
		if (status == DSA_COMP_NONE)
			break;
		vc->errors += status != DSA_COMP_SUCCESS;
	}
	vc->idle = RTE_MAX(vc->idle, vc->head);
}

/* Poll an inline engine, unless the last operation before end is done already. */
static __rte_always_inline void
poll_for(const struct vchan *vc, uint64_t end)
{
	if (vc->polled != NULL && end != vc->head && status_at(vc, end - 1) == DSA_COMP_NONE)
		emu_poll(vc->polled);
}

/*
 * Whether to look away from completions that may just be being written: two cores that touch the same
 * line cost each other dearly. While many are in flight the youngest of a chunk is asked for, a bounded
 * number of times; once it is there, the others mostly are.
 */
static __rte_always_inline bool
is_chunk_unripe(struct vchan *vc)
{
	if (vc->tail - vc->head < CHUNK || vc->nb_looks == LOOKS_MAX || vc->polled != NULL ||
	    siov_atomic_load(&vc->recs[(vc->head + CHUNK - 1) & vc->mask].status, relaxed) !=
		    DSA_COMP_NONE) {
		vc->nb_looks = 0;
		return false;
	}
	vc->nb_looks++;
	return true;
}

uint16_t
vchan_completed(void *dev_private, uint16_t vchan, const uint16_t nb_cpls, uint16_t *last_idx,
		bool *has_error)
{
	struct vchan *vc = channel(dev_private, vchan);
	uint64_t at = vc->head;
	uint64_t end = RTE_MIN(vc->tail, at + nb_cpls);
	uint8_t status = DSA_COMP_SUCCESS;

	be_outside(vc);
	if (is_chunk_unripe(vc))
		end = at;
	poll_for(vc, end);
	while (at != end) {
		status = status_at(vc, at);
		if (status != DSA_COMP_SUCCESS)
			break;
		at++;
	}
	if (unlikely(at != end && status != DSA_COMP_NONE))
		*has_error = true;
	end = at - vc->head;
	vc->head = at;
	vc->idle = RTE_MAX(vc->idle, at);
	*last_idx = (uint16_t)(at - 1);
	return (uint16_t)end;
}

uint16_t
vchan_completed_status(void *dev_private, uint16_t vchan, const uint16_t nb_cpls,
		       uint16_t *last_idx, enum rte_dma_status_code *status)
{
	struct vchan *vc = channel(dev_private, vchan);
	uint16_t nb = 0;

	be_outside(vc);
	poll_for(vc, RTE_MIN(vc->tail, vc->head + nb_cpls));
	while (nb < nb_cpls && vc->head != vc->tail && status_at(vc, vc->head) != DSA_COMP_NONE) {
		status[nb] = code_at(vc, vc->head);
		vc->errors += status[nb] != RTE_DMA_STATUS_SUCCESSFUL;
		vc->head++;
		nb++;
	}
	vc->idle = RTE_MAX(vc->idle, vc->head);
	*last_idx = (uint16_t)(vc->head - 1);
	return nb;
}

uint16_t
vchan_burst_capacity(const void *dev_private, uint16_t vchan)
{
	struct vchan *vc = channel(dev_private, vchan);
	uint64_t used;

	if (vc->is_silent)
		reap_silently(vc);
	used = vc->tail - vc->head;
	return used < vc->room ? (uint16_t)(vc->room - used) : 0;
}

/* ---- submission ---- */

/* A submission of its own has no fence; so nothing of this channel may be in flight before it. */
static void
wait_idle(struct vchan *vc)
{
	unsigned int spins = 0;

	while (!vchan_is_idle(vc)) {
		rte_pause();
		if (++spins % SPINS == 0)
			sched_yield();
	}
}

/* What comes before an operation. Whether there is room for it. */
static __rte_always_inline bool
prepare(struct vchan *vc, uint64_t flags)
{
	if (unlikely(vc->tail - vc->head >= vc->room)) {
		if (!vc->is_silent || vc->room == 0)
			return false;
		if (vc->polled != NULL)
			emu_poll(vc->polled);
		reap_silently(vc);
		if (vc->tail - vc->head >= vc->room)
			return false;
	}
	if (unlikely(flags & RTE_DMA_OP_FLAG_FENCE))
		wait_idle(vc);
	vc->recs[vc->tail & vc->mask].status = DSA_COMP_NONE;
	return true;
}

/* Whether the queue took it; a posted write has no answer, but its portal counts. */
static __rte_always_inline bool
send(struct vchan *vc, const struct dsa_hw_desc *desc)
{
	struct siov_portal *portal;
	uint64_t nb;

	if (!vc->is_dwq)
		return siov_vm_enqcmd(vc->portal, desc) == SIOV_DMWR_SUCCESS;
	portal = siov_vm_portal_target(vc->portal);
	nb = siov_portal_count(portal, SIOV_DMWR_SUCCESS);
	siov_movdir64b(portal, desc);
	return siov_portal_count(portal, SIOV_DMWR_SUCCESS) != nb;
}

/* Its index, or -ENOSPC after a Retry: then it was never there. */
static __rte_always_inline int
enqueue(struct vchan *vc, const struct dsa_hw_desc *desc, uint64_t flags)
{
	uint16_t index = (uint16_t)vc->tail;

	if (unlikely(!send(vc, desc))) {
		if (vc->polled == NULL)
			return -ENOSPC;
		emu_poll(vc->polled);
		if (!send(vc, desc))
			return -ENOSPC;
	}
	vc->tail++;
	if (vc->polled != NULL && flags & RTE_DMA_OP_FLAG_SUBMIT)
		emu_poll(vc->polled);
	return index;
}

static __rte_always_inline uint64_t
record_addr(const struct vchan *vc)
{
	return (uintptr_t)&vc->recs[vc->tail & vc->mask];
}

int
vchan_copy(void *dev_private, uint16_t vchan, rte_iova_t src, rte_iova_t dst, uint32_t length,
	   uint64_t flags)
{
	struct vchan *vc = channel(dev_private, vchan);
	struct dsa_hw_desc desc __attribute__((aligned(64)));

	if (unlikely(!prepare(vc, flags)))
		return -ENOSPC;
	desc = (struct dsa_hw_desc){
		.opcode = DSA_OPCODE_MEMMOVE,
		.flags = IDXD_OP_FLAG_CRAV | IDXD_OP_FLAG_RCR,
		.completion_addr = record_addr(vc),
		.src_addr = src,
		.dst_addr = dst,
		.xfer_size = length,
	};
	return enqueue(vc, &desc, flags);
}

int
vchan_fill(void *dev_private, uint16_t vchan, uint64_t pattern, rte_iova_t dst, uint32_t length,
	   uint64_t flags)
{
	struct vchan *vc = channel(dev_private, vchan);
	struct dsa_hw_desc desc __attribute__((aligned(64)));

	if (unlikely(!prepare(vc, flags)))
		return -ENOSPC;
	desc = (struct dsa_hw_desc){
		.opcode = DSA_OPCODE_MEMFILL,
		.flags = IDXD_OP_FLAG_CRAV | IDXD_OP_FLAG_RCR,
		.completion_addr = record_addr(vc),
		.pattern = pattern,
		.dst_addr = dst,
		.xfer_size = length,
	};
	return enqueue(vc, &desc, flags);
}

int
vchan_submit(void *dev_private, uint16_t vchan)
{
	struct vchan *vc = channel(dev_private, vchan);

	if (vc->polled != NULL)
		emu_poll(vc->polled);
	return 0;
}

/* ---- scatter-gather ---- */

/* Where a walk over one side's list is. */
struct walk {
	const struct rte_dma_sge *sge;
	uint16_t nb;
	uint32_t offset;
};

/* Bytes left in the part that it is at; 0: at the end. */
static uint32_t
walk_left(struct walk *walk)
{
	while (walk->nb > 0 && walk->sge->length == walk->offset) {
		walk->sge++;
		walk->nb--;
		walk->offset = 0;
	}
	return walk->nb > 0 ? walk->sge->length - walk->offset : 0;
}

/* Cut both lists into pieces that lie in one part of each. Their number; -EINVAL: not equally long. */
static int
cut_pieces(struct walk *src, struct walk *dst, struct vchan_list *list)
{
	const uint64_t failed = (uintptr_t)&list->failed;
	uint32_t src_left = walk_left(src), dst_left = walk_left(dst);
	int nb = 0;

	while (src_left > 0 && dst_left > 0) {
		uint32_t length = RTE_MIN(src_left, dst_left);

		/* Without RCR only a piece that fails writes a record. */
		list->descs[nb++] = (struct dsa_hw_desc){
			.opcode = DSA_OPCODE_MEMMOVE,
			.flags = IDXD_OP_FLAG_CRAV,
			.completion_addr = failed,
			.src_addr = src->sge->addr + src->offset,
			.dst_addr = dst->sge->addr + dst->offset,
			.xfer_size = length,
		};
		src->offset += length;
		dst->offset += length;
		src_left = walk_left(src);
		dst_left = walk_left(dst);
	}
	return src_left == dst_left ? nb : -EINVAL;
}

int
vchan_copy_sg(void *dev_private, uint16_t vchan, const struct rte_dma_sge *src,
	      const struct rte_dma_sge *dst, uint16_t nb_src, uint16_t nb_dst, uint64_t flags)
{
	struct vchan *vc = channel(dev_private, vchan);
	struct walk from = {.sge = src, .nb = nb_src}, to = {.sge = dst, .nb = nb_dst};
	struct dsa_hw_desc desc __attribute__((aligned(64)));
	struct vchan_list *list;
	int nb;

	if (nb_src == 0 || nb_dst == 0 || nb_src > VCHAN_SGES_MAX || nb_dst > VCHAN_SGES_MAX)
		return -EINVAL;
	if (!prepare(vc, flags))
		return -ENOSPC;
	list = &vc->lists[vc->tail & vc->mask];
	nb = cut_pieces(&from, &to, list);
	if (nb < 0)
		return nb;
	if (nb < 2) /* no batch: one copy, or none, which the device refuses as any of 0 bytes */
		return vchan_copy(dev_private, vchan, nb > 0 ? list->descs[0].src_addr : src->addr,
				  nb > 0 ? list->descs[0].dst_addr : dst->addr,
				  nb > 0 ? list->descs[0].xfer_size : 0, flags);
	list->failed.status = DSA_COMP_NONE;
	desc = (struct dsa_hw_desc){
		.opcode = DSA_OPCODE_BATCH,
		.flags = IDXD_OP_FLAG_CRAV | IDXD_OP_FLAG_RCR,
		.completion_addr = record_addr(vc),
		.desc_list_addr = (uintptr_t)list->descs,
		.desc_count = (uint32_t)nb,
	};
	return enqueue(vc, &desc, flags);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* The fast path: what is enqueued, and sent. */
#include <errno.h>
#include <sched.h>

#include <rte_common.h>
#include <rte_pause.h>

#include "vchan.h"

#define SPINS 64u /* before the CPU is given away */

static __rte_always_inline struct vchan *
channel(const void *dev_private, uint16_t vchan)
{
	const struct port *port = dev_private;

	return port->vchans[vchan];
}

/* ---- to the queue ---- */

/* Whether the queue took it; a posted write has no answer, but its portal counts. */
static __rte_always_inline bool
post(struct vchan *vc, const struct dsa_hw_desc *desc)
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

/* Submit operations from sent up to end. Whether it was not told to retry: then they were never there. */
static __rte_always_inline bool
send(struct vchan *vc, struct dsa_hw_desc *desc, enum submission_kind kind, uint64_t end)
{
	struct submission *sub = &vc->subs[vc->sub_tail & vc->mask];

	sub->rec.status = DSA_COMP_NONE;
	sub->end = end;
	sub->kind = kind;
	desc->flags |= IDXD_OP_FLAG_CRAV | IDXD_OP_FLAG_RCR;
	desc->completion_addr = (uintptr_t)&sub->rec;
	if (unlikely(!post(vc, desc))) {
		if (vc->polled == NULL)
			return false;
		emu_poll(vc->polled);
		if (!post(vc, desc))
			return false;
	}
	vc->sent = end;
	vc->sub_tail++;
	return true;
}

static __rte_always_inline bool
send_batch(struct vchan *vc, const struct dsa_hw_desc *list, uint32_t nb, enum submission_kind kind,
	   uint64_t end)
{
	struct dsa_hw_desc desc __attribute__((aligned(64))) = {
		.opcode = DSA_OPCODE_BATCH,
		.desc_list_addr = (uintptr_t)list,
		.desc_count = nb,
	};

	return send(vc, &desc, kind, end);
}

/* One operation, with the submission's record instead of its own. */
static bool
send_one(struct vchan *vc)
{
	struct dsa_hw_desc desc __attribute__((aligned(64))) = vc->descs[vc->sent & vc->mask];

	return send(vc, &desc, SUBMISSION_ONE, vc->sent + 1);
}

/* A batch lies in one piece: it ends where the ring does. */
bool
vchan_flush(struct vchan *vc)
{
	bool is_sent = true;

	while (vc->sent != vc->tail && is_sent) {
		uint32_t first = (uint32_t)vc->sent & vc->mask;
		uint32_t nb =
			(uint32_t)RTE_MIN(vc->tail - vc->sent, vc->mask + UINT64_C(1) - first);

		nb = RTE_MIN(nb, VCHAN_BATCH);
		if (nb == 1)
			is_sent = send_one(vc);
		else
			is_sent = send_batch(vc, &vc->descs[first], nb, SUBMISSION_BATCH,
					     vc->sent + nb);
	}
	return is_sent;
}

/* Once more, after a pause. */
static void
relax(struct vchan *vc, unsigned int *spins)
{
	if (vc->polled != NULL)
		emu_poll(vc->polled);
	rte_pause();
	if (++*spins % SPINS == 0)
		sched_yield();
}

/*
 * The doorbell. What a full queue does not take is sent by the next call; but in silent mode none need
 * come, so it waits.
 */
static __rte_always_inline void
ring(struct vchan *vc)
{
	unsigned int spins = 0;

	vc->rung = vc->tail;
	while (unlikely(!vchan_flush(vc)) && vc->is_silent)
		relax(vc, &spins);
	if (vc->polled != NULL)
		emu_poll(vc->polled);
}

int
vchan_submit(void *dev_private, uint16_t vchan)
{
	ring(channel(dev_private, vchan));
	return 0;
}

/* ---- operations ---- */

/* Only members of a batch have a fence: nothing of this channel may be in flight before it. */
static void
wait_idle(struct vchan *vc)
{
	unsigned int spins = 0;

	for (;;) {
		vchan_flush(vc);
		vchan_settle(vc);
		if (vc->done == vc->tail)
			return;
		relax(vc, &spins);
	}
}

static bool
make_room(struct vchan *vc)
{
	if (!vc->is_silent || vc->room == 0)
		return false;
	if (vc->polled != NULL)
		emu_poll(vc->polled);
	vchan_reap_silently(vc);
	return vc->tail - vc->head < vc->room;
}

/* Where the next operation goes; NULL: there is no room, or the queue does not take what was collected. */
static __rte_always_inline struct dsa_hw_desc *
next_desc(struct vchan *vc, uint64_t flags)
{
	if (unlikely(vc->tail - vc->head >= vc->room) && !make_room(vc))
		return NULL;
	if (unlikely(flags & RTE_DMA_OP_FLAG_FENCE))
		wait_idle(vc);
	if (unlikely(vc->tail - vc->sent >= VCHAN_BATCH) && !vchan_flush(vc))
		return NULL;
	return &vc->descs[vc->tail & vc->mask];
}

/* It is there. Its index. */
static __rte_always_inline int
collect(struct vchan *vc, uint64_t flags)
{
	uint16_t index = (uint16_t)vc->tail++;

	if (flags & RTE_DMA_OP_FLAG_SUBMIT) {
		ring(vc);
	} else if (vc->tail - vc->sent == VCHAN_BATCH) {
		vchan_flush(vc);
	}
	return index;
}

/* Only one that fails writes its record. */
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
	struct dsa_hw_desc *desc = next_desc(vc, flags);

	if (unlikely(desc == NULL))
		return -ENOSPC;
	*desc = (struct dsa_hw_desc){
		.opcode = DSA_OPCODE_MEMMOVE,
		.flags = IDXD_OP_FLAG_CRAV,
		.completion_addr = record_addr(vc),
		.src_addr = src,
		.dst_addr = dst,
		.xfer_size = length,
	};
	return collect(vc, flags);
}

int
vchan_fill(void *dev_private, uint16_t vchan, uint64_t pattern, rte_iova_t dst, uint32_t length,
	   uint64_t flags)
{
	struct vchan *vc = channel(dev_private, vchan);
	struct dsa_hw_desc *desc = next_desc(vc, flags);

	if (unlikely(desc == NULL))
		return -ENOSPC;
	*desc = (struct dsa_hw_desc){
		.opcode = DSA_OPCODE_MEMFILL,
		.flags = IDXD_OP_FLAG_CRAV,
		.completion_addr = record_addr(vc),
		.pattern = pattern,
		.dst_addr = dst,
		.xfer_size = length,
	};
	return collect(vc, flags);
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

		/* Only a piece that fails writes a record. */
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

/* A batch of its own, before which nothing is left collected. */
static int
send_list(struct vchan *vc, struct vchan_list *list, uint32_t nb, uint64_t flags)
{
	uint16_t index = (uint16_t)vc->tail;

	list->failed.status = DSA_COMP_NONE;
	if (!vchan_flush(vc) || !send_batch(vc, list->descs, nb, SUBMISSION_LIST, vc->tail + 1))
		return -ENOSPC;
	vc->tail++;
	vc->rung = vc->tail;
	if (vc->polled != NULL && flags & RTE_DMA_OP_FLAG_SUBMIT)
		emu_poll(vc->polled);
	return index;
}

int
vchan_copy_sg(void *dev_private, uint16_t vchan, const struct rte_dma_sge *src,
	      const struct rte_dma_sge *dst, uint16_t nb_src, uint16_t nb_dst, uint64_t flags)
{
	struct vchan *vc = channel(dev_private, vchan);
	struct walk from = {.sge = src, .nb = nb_src}, to = {.sge = dst, .nb = nb_dst};
	struct vchan_list *list;
	int nb;

	if (nb_src == 0 || nb_dst == 0 || nb_src > VCHAN_SGES_MAX || nb_dst > VCHAN_SGES_MAX)
		return -EINVAL;
	if (next_desc(vc, flags) == NULL)
		return -ENOSPC;
	list = &vc->lists[vc->tail & vc->mask];
	nb = cut_pieces(&from, &to, list);
	if (nb < 0)
		return nb;
	if (nb < 2) /* no batch: one copy, or none, which the device refuses as any of 0 bytes */
		return vchan_copy(dev_private, vchan, nb > 0 ? list->descs[0].src_addr : src->addr,
				  nb > 0 ? list->descs[0].dst_addr : dst->addr,
				  nb > 0 ? list->descs[0].xfer_size : 0, flags);
	return send_list(vc, list, (uint32_t)nb, flags);
}

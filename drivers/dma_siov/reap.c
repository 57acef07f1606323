/* SPDX-License-Identifier: BSD-3-Clause */
/* The fast path: what has ended. */
#include <rte_common.h>

#include "vchan.h"

static __rte_always_inline struct vchan *
channel(const void *dev_private, uint16_t vchan)
{
	const struct port *port = dev_private;

	return port->vchans[vchan];
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

/* ---- submissions that have ended ---- */

/*
 * Give each operation of a submission its status; done is the first. Members of a batch have written
 * theirs if they failed; a batch that did not come to its end tells for those that have not.
 */
static __rte_noinline void
note_failures(struct vchan *vc, const struct submission *sub, uint8_t status)
{
	uint64_t at;

	for (at = vc->done; at != sub->end; at++) {
		struct dsa_completion_record *rec = &vc->recs[at & vc->mask];

		if (status != DSA_COMP_BATCH_FAIL && rec->status == DSA_COMP_NONE)
			rec->status = status;
		else if (sub->kind == SUBMISSION_LIST)
			rec->status = vc->lists[at & vc->mask].failed.status;
	}
	vc->bad = sub->end;
}

void
vchan_settle(struct vchan *vc)
{
	while (vc->sub_head != vc->sub_tail) {
		const struct submission *sub = &vc->subs[vc->sub_head & vc->mask];
		uint8_t status = siov_atomic_load(&sub->rec.status, acquire);

		if (status == DSA_COMP_NONE)
			break;
		if (unlikely(status != DSA_COMP_SUCCESS))
			note_failures(vc, sub, status);
		vc->done = sub->end;
		vc->sub_head++;
	}
}

/* ---- operations ---- */

static bool
has_failed(const struct vchan *vc, uint64_t at)
{
	uint8_t status = vc->recs[at & vc->mask].status;

	return status != DSA_COMP_NONE && status != DSA_COMP_SUCCESS;
}

/* The status of an operation, which is forgotten. */
static enum rte_dma_status_code
take_status(struct vchan *vc, uint64_t at)
{
	struct dsa_completion_record *rec = &vc->recs[at & vc->mask];
	enum rte_dma_status_code code = RTE_DMA_STATUS_SUCCESSFUL;

	if (has_failed(vc, at)) {
		code = code_of(rec->status);
		vc->errors++;
	}
	rec->status = DSA_COMP_NONE;
	return code;
}

/* Between two calls the thread is outside of its VDEV: the VDCM may lead the portal elsewhere. */
static __rte_always_inline void
be_outside(struct vchan *vc)
{
	if (likely(vc->seat.cpu != NULL))
		siov_cpu_quiescent(vc->seat.cpu);
}

/* How many of at most nb have ended. */
static __rte_always_inline uint16_t
look(struct vchan *vc, uint16_t nb)
{
	be_outside(vc);
	if (unlikely(vc->rung > vc->sent)) /* the queue had said Retry */
		vchan_flush(vc);
	vchan_settle(vc);
	if (vc->polled != NULL && vc->done - vc->head < nb && vc->done != vc->sent) {
		emu_poll(vc->polled);
		vchan_settle(vc);
	}
	return (uint16_t)RTE_MIN(vc->done - vc->head, nb);
}

uint16_t
vchan_completed(void *dev_private, uint16_t vchan, const uint16_t nb_cpls, uint16_t *last_idx,
		bool *has_error)
{
	struct vchan *vc = channel(dev_private, vchan);
	uint16_t nb = look(vc, nb_cpls);

	if (unlikely(vc->head < vc->bad)) {
		uint16_t i = 0;

		while (i < nb && !has_failed(vc, vc->head + i))
			i++;
		if (i < nb)
			*has_error = true;
		nb = i;
	}
	vc->head += nb;
	*last_idx = (uint16_t)(vc->head - 1);
	return nb;
}

uint16_t
vchan_completed_status(void *dev_private, uint16_t vchan, const uint16_t nb_cpls,
		       uint16_t *last_idx, enum rte_dma_status_code *status)
{
	struct vchan *vc = channel(dev_private, vchan);
	uint16_t nb = look(vc, nb_cpls), i;

	for (i = 0; i < nb; i++)
		status[i] = take_status(vc, vc->head + i);
	vc->head += nb;
	*last_idx = (uint16_t)(vc->head - 1);
	return nb;
}

/* What nobody asks for in silent mode makes room. */
void
vchan_reap_silently(struct vchan *vc)
{
	be_outside(vc);
	vchan_settle(vc);
	for (; vc->head < vc->bad && vc->head != vc->done; vc->head++)
		take_status(vc, vc->head);
	vc->head = vc->done;
}

uint16_t
vchan_burst_capacity(const void *dev_private, uint16_t vchan)
{
	struct vchan *vc = channel(dev_private, vchan);
	uint64_t used;

	if (vc->is_silent)
		vchan_reap_silently(vc);
	used = vc->tail - vc->head;
	return used < vc->room ? (uint16_t)(vc->room - used) : 0;
}

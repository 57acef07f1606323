/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Operations in the calling process's own address space.
 *
 * One page of each operand at a time, under one guard: a library's copy may touch its last bytes
 * first, but a step within a page of each either is done, or finds its page bad before it has
 * written anything. So the bytes done are exact, and nothing beyond them has changed.
 */
#include "guard_priv.h"
#include "guard_small_priv.h"
#include "op_priv.h"

#define SEED_LEN 4u /* bytes */

/* A call of op_run_steps. */
struct guarded_run {
	struct op *op;
	struct siov_atc *atc;
	uint32_t budget;
};

/* Whether dst_addr, which is src2_addr too, is an address. */
static bool
has_second(const struct op *op)
{
	return op->type->uses & (OP_WRITES | OP_READS2);
}

static bool
has_seed(const struct op *op)
{
	return op->type->uses & OP_CRC && op->desc->flags & SIOV_OP_FLAG_CRC_SEED;
}

/* Bytes from where op is to the next end of a page of an operand. */
static uint32_t
bytes_in_page(const struct op *op)
{
	uint64_t left = GUARD_PAGE;

	if (op->type->uses & OP_DIF)
		return op_dif_src_len(op); /* done as a whole, see tell_dif_fault */
	if (op->is_backward)
		return GUARD_PAGE; /* its steps are within pages anyway */
	if (op->type->uses & OP_READS)
		left = GUARD_PAGE - (op->desc->src_addr + op->done) % GUARD_PAGE;
	if (has_second(op))
		left = RTE_MIN(left, GUARD_PAGE - (op->desc->dst_addr + op->done) % GUARD_PAGE);
	return (uint32_t)left;
}

static void
run_by_page(void *arg)
{
	const struct guarded_run *run = arg;
	uint32_t budget = run->budget;

	while (run->op->status == OP_MORE && budget > 0) {
		uint32_t n = RTE_MIN(budget, bytes_in_page(run->op));

		op_run_steps(run->op, run->atc, n);
		budget -= n;
	}
}

/*
 * Whether the PASID's addresses are certainly not those of this process. If it cannot be told, as
 * the first one faults or the PASID is being bound, they may be.
 */
static bool
is_foreign(const struct op *op, struct siov_atc *atc)
{
	bool has_src = op->type->uses & OP_READS;
	uint64_t iova = has_src ? op->desc->src_addr : op->desc->dst_addr;
	const uint8_t *ahead = has_src ? op->src : op->dst;
	struct siov_xlate x;

	if (ahead != NULL)
		return (uintptr_t)ahead != iova;
	return siov_atc_translate(atc, op->desc->pasid, iova, has_src ? SIOV_PERM_R : SIOV_PERM_W,
				  &x) == 0 &&
	       (uintptr_t)x.hva != iova;
}

/* Offset of what a backward move takes next: the longest stretch within pages below its end. */
static uint64_t
backward_start(const struct op *op)
{
	uint64_t last = op->desc->xfer_size - op->done - 1;
	uint64_t in_src = (op->desc->src_addr + last) % GUARD_PAGE;
	uint64_t in_dst = (op->desc->dst_addr + last) % GUARD_PAGE;

	return last - RTE_MIN(last, RTE_MIN(in_src, in_dst));
}

/* Where in the block at hand the fault was: its first byte, or the start of its bad page. */
static void
tell_dif_fault(struct op *op, const struct guard *guard)
{
	uint64_t page = RTE_ALIGN_FLOOR(guard->fault_addr, GUARD_PAGE);
	uint64_t src = op->desc->src_addr + op->done;
	bool is_src =
		!guard->is_write && page < src + op_dif_src_len(op) && src < page + GUARD_PAGE;

	op->fault_addr = RTE_MAX(page, is_src ? src : op_dif_dst_addr(op));
	op->status = DSA_COMP_PAGE_FAULT_NOBOF | (is_src ? 0 : DSA_COMP_STATUS_WRITE);
}

/* Whether a read faulted, or a look at a page to be written, in the page of addr. */
static bool
is_read_at(const struct guard *guard, uint64_t addr)
{
	return !guard->is_write && guard->fault_addr / GUARD_PAGE == addr / GUARD_PAGE;
}

/* Words go one by one, within a page of each operand: all were at op->done, or the record's next. */
static void
tell_delta_fault(struct op *op, const struct guard *guard)
{
	const struct dsa_hw_desc *desc = op->desc;
	bool is_create = desc->opcode == DSA_OPCODE_CR_DELTA, is_write = guard->is_write;
	uint64_t page = RTE_ALIGN_FLOOR(guard->fault_addr, GUARD_PAGE);
	uint64_t src = desc->src_addr + op->done, dst = desc->dst_addr + op->done;
	uint64_t record = (is_create ? desc->delta_addr : desc->src_addr) + op->delta_len;

	if (is_create && is_read_at(guard, src)) {
		op->fault_addr = src;
	} else if (is_create && is_read_at(guard, dst)) {
		op->fault_addr = dst;
	} else if (!is_create && is_write) {
		op->fault_addr = dst;
	} else {
		op->fault_addr = RTE_MAX(page, record);
		is_write = is_create;
	}
	op->status = DSA_COMP_PAGE_FAULT_NOBOF | (is_write ? DSA_COMP_STATUS_WRITE : 0);
}

/* Bytes read from src_addr on at most. */
static uint64_t
read_len(const struct op *op)
{
	if (op->desc->opcode == DSA_OPCODE_AP_DELTA)
		return RTE_MAX(op->desc->delta_rec_size, 1u);
	return op->desc->xfer_size;
}

/* Whether it was the seed of a sum, which is read before anything else. */
static bool
is_seed(const struct op *op, const struct guard *guard)
{
	uint64_t seed = op->desc->seed_addr;
	uint64_t page = RTE_ALIGN_FLOOR(guard->fault_addr, GUARD_PAGE);

	return has_seed(op) && op->done == 0 && !guard->is_write && page < seed + SEED_LEN &&
	       seed < page + GUARD_PAGE;
}

/* What the operation was about to touch, from which the fault tells one page. */
static void
tell_fault(struct op *op, const struct guard *guard)
{
	uint64_t at = op->is_backward ? backward_start(op) : op->done;
	uint64_t src = op->desc->src_addr + at;
	uint64_t dst = op->desc->dst_addr + at;
	bool is_src = op->type->uses & OP_READS && !guard->is_write &&
		      (guard->fault_addr ^ src) < GUARD_PAGE;

	if (op->type->uses & OP_DIF) {
		tell_dif_fault(op, guard);
		return;
	}
	if (op->type->uses & OP_DELTA) {
		tell_delta_fault(op, guard);
		return;
	}
	op->status = DSA_COMP_PAGE_FAULT_NOBOF;
	if (is_seed(op, guard)) {
		op->fault_addr = RTE_MAX(RTE_ALIGN_FLOOR(guard->fault_addr, GUARD_PAGE),
					 op->desc->seed_addr);
		return;
	}
	if (op->type->uses & OP_WRITES2 &&
	    (guard->fault_addr ^ (op->desc->dest2 + at)) < GUARD_PAGE)
		dst = op->desc->dest2 + at;
	op->fault_addr = is_src || !has_second(op) ? src : dst;
	if (!is_src && op->type->uses & OP_WRITES)
		op->status |= DSA_COMP_STATUS_WRITE;
}

/* Bytes from dst_addr on that are read or written. */
static uint64_t
dst_bytes(const struct op *op)
{
	return op->type->uses & OP_DIF ? op_dif_dst_bytes(op) : op->desc->xfer_size;
}

/* Bytes of an operand from addr on that are within its page. */
static uint64_t
in_page(uint64_t addr)
{
	return GUARD_PAGE - addr % GUARD_PAGE;
}

/* A move of a few bytes, to elsewhere, all within a page of each operand. */
static bool
is_small_move(const struct op *op)
{
	uint64_t src = op->desc->src_addr, dst = op->desc->dst_addr;
	uint32_t size = op->desc->xfer_size;

	return GUARD_HAS_SMALL && op->type->step == op_step_move && op->done == 0 &&
	       size <= GUARD_SMALL_MAX && src - dst >= size && dst - src >= size &&
	       size <= in_page(src) && size <= in_page(dst);
}

/* One step of it. */
static void
run_small_move(struct op *op, struct siov_atc *atc)
{
#if GUARD_HAS_SMALL
	uint32_t len = op->desc->xfer_size;
	struct guard guard;
	const uint8_t *src;
	uint8_t *dst;

	if (!op_translate_pair(op, atc, &len, &src, &dst))
		return;
	if (guard_small_move(dst, src, len) == 0) {
		op->done = len;
		op->status = DSA_COMP_SUCCESS;
		return;
	}
	guard.fault_addr = guard_small_fault().addr;
	guard.is_write = guard_small_fault().is_write;
	tell_fault(op, &guard);
#else
	RTE_SET_USED(op);
	RTE_SET_USED(atc);
#endif
}

void
op_run_guarded(struct op *op, struct siov_atc *atc, uint32_t budget)
{
	struct guarded_run run = {.op = op, .atc = atc, .budget = budget};
	struct guard guard;

	if (is_foreign(op, atc)) {
		op_run_steps(op, atc, budget);
		return;
	}
	if (is_small_move(op)) {
		run_small_move(op, atc);
		return;
	}
	guard.nb_spans = 0;
	if (op->desc->opcode == DSA_OPCODE_CR_DELTA)
		guard_cover(&guard, op->desc->delta_addr, op->desc->max_delta_size);
	if (op->type->uses & OP_WRITES2)
		guard_cover(&guard, op->desc->dest2, op->desc->xfer_size);
	if (has_seed(op))
		guard_cover(&guard, op->desc->seed_addr, SEED_LEN);
	if (op->type->uses & OP_READS)
		guard_cover(&guard, op->desc->src_addr, read_len(op));
	if (has_second(op))
		guard_cover(&guard, op->desc->dst_addr, dst_bytes(op));
	if (!guard_call(&guard, run_by_page, &run))
		tell_fault(op, &guard);
}

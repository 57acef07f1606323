/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "engine.h"
#include "msg.h"
#include "op_priv.h"

/* Flags that every operation knows. RCI is known but needs an interrupt handle, see op_prepare. */
#define FLAGS_ALL \
	(IDXD_OP_FLAG_CRAV | IDXD_OP_FLAG_RCR | IDXD_OP_FLAG_RCI | IDXD_OP_FLAG_CRSTS | \
	 IDXD_OP_FLAG_CR_TCS)
/* What may be a member of a batch may wait for those before it; elsewhere the flag is forbidden. */
#define FLAGS_MEMBER (FLAGS_ALL | IDXD_OP_FLAG_FENCE)
/* Flags of operations that read one or two addresses, and of those that write. */
/* All with data may block on faults, where their queue allows it. */
#define FLAGS_DATA (FLAGS_MEMBER | IDXD_OP_FLAG_BOF)
#define FLAGS_SRC IDXD_OP_FLAG_ADDR1_TCS
#define FLAGS_SRC2 (IDXD_OP_FLAG_ADDR1_TCS | IDXD_OP_FLAG_ADDR2_TCS)
#define FLAGS_DST \
	(IDXD_OP_FLAG_CC | IDXD_OP_FLAG_ADDR2_TCS | IDXD_OP_FLAG_STORD | IDXD_OP_FLAG_DRDBK | \
	 IDXD_OP_FLAG_DSTS)
/* Those of making a delta record, beyond them. */
#define FLAGS_DELTA (IDXD_OP_FLAG_CR | IDXD_OP_FLAG_ADDR3_TCS)
/* Those of sums. */
#define FLAGS_CRC \
	(IDXD_OP_FLAG_ADDR3_TCS | SIOV_OP_FLAG_CRC_SEED | SIOV_OP_FLAG_CRC_BYPASS | \
	 SIOV_OP_FLAG_CRC_BYPASS_DATA)

#define ALL_RSVD UINT64_MAX
#define BYTE_USED (~UINT64_C(0xff))
#define DWORD_USED (~UINT64_C(0xffffffff))
/* Bytes 40 to 42 of operations that check tuples, make them, or pass parts of them on. */
#define DIF_CHECKS UINT64_C(0x0f00ff)
#define DIF_MAKES UINT64_C(0x0f9000)
#define DIF_PASSES UINT64_C(0x006800)

const struct op_type op_types[OP_TYPES] = {
	[DSA_OPCODE_NOOP] =
		{
			.flags = FLAGS_MEMBER,
			.rsvd = {ALL_RSVD, ALL_RSVD, ALL_RSVD},
		},
	[DSA_OPCODE_BATCH] =
		{
			.flags = FLAGS_ALL | FLAGS_SRC,
			.uses = OP_BATCH,
			.rsvd = {ALL_RSVD, ALL_RSVD, ALL_RSVD},
		},
	[DSA_OPCODE_DRAIN] =
		{
			.flags = FLAGS_ALL | FLAGS_SRC2,
			.uses = OP_DRAIN,
			.rsvd = {ALL_RSVD, ALL_RSVD, ALL_RSVD},
		},
	[DSA_OPCODE_MEMMOVE] =
		{
			.step = op_step_move,
			.flags = FLAGS_DATA | FLAGS_SRC | FLAGS_DST,
			.uses = OP_DATA | OP_READS | OP_WRITES | OP_MOVES,
			.rsvd = {ALL_RSVD, ALL_RSVD, ALL_RSVD},
		},
	[DSA_OPCODE_MEMFILL] =
		{
			.step = op_step_fill,
			.flags = FLAGS_DATA | FLAGS_DST | SIOV_OP_FLAG_FILL16,
			.uses = OP_DATA | OP_WRITES,
			.rsvd = {ALL_RSVD, ALL_RSVD, ALL_RSVD},
			.word_flag = SIOV_OP_FLAG_FILL16,
			.word = 0,
		},
	[DSA_OPCODE_COMPARE] =
		{
			.step = op_step_compare,
			.flags = FLAGS_DATA | FLAGS_SRC2 | IDXD_OP_FLAG_CR,
			.uses = OP_DATA | OP_READS | OP_READS2 | OP_COMPARES,
			.rsvd = {BYTE_USED, ALL_RSVD, ALL_RSVD},
		},
	[DSA_OPCODE_COMPVAL] =
		{
			.step = op_step_compare_pattern,
			.flags = FLAGS_DATA | FLAGS_SRC | IDXD_OP_FLAG_CR,
			.uses = OP_DATA | OP_READS | OP_COMPARES,
			.rsvd = {BYTE_USED, ALL_RSVD, ALL_RSVD},
		},
	[DSA_OPCODE_CR_DELTA] =
		{
			.step = op_step_create_delta,
			.flags = FLAGS_DATA | FLAGS_SRC | FLAGS_DST | FLAGS_DELTA | OP_CHECKED,
			.uses = OP_DATA | OP_READS | OP_READS2 | OP_COMPARES | OP_DELTA,
			.prepare = op_prepare_delta,
			.rsvd = {0, DWORD_USED, BYTE_USED},
		},
	[DSA_OPCODE_AP_DELTA] =
		{
			.step = op_step_apply_delta,
			.flags = FLAGS_DATA | FLAGS_SRC | FLAGS_DST | OP_CHECKED,
			.uses = OP_DATA | OP_READS | OP_WRITES | OP_DELTA,
			.prepare = op_prepare_delta,
			.rsvd = {DWORD_USED, ALL_RSVD, ALL_RSVD},
		},
	[DSA_OPCODE_DUALCAST] =
		{
			.step = op_step_dualcast,
			.flags = FLAGS_DATA | FLAGS_SRC | FLAGS_DST | IDXD_OP_FLAG_ADDR3_TCS |
				 SIOV_OP_FLAG_DST2_STS | OP_CHECKED,
			.uses = OP_DATA | OP_READS | OP_WRITES | OP_WRITES2,
			.prepare = op_prepare_dualcast,
			.rsvd = {0, ALL_RSVD, ALL_RSVD},
		},
	[DSA_OPCODE_CRCGEN] =
		{
			.step = op_step_crc,
			.flags = FLAGS_DATA | FLAGS_SRC | FLAGS_CRC,
			.uses = OP_DATA | OP_READS | OP_CRC,
			.rsvd = {DWORD_USED, ALL_RSVD, ALL_RSVD},
			.word_flag = SIOV_OP_FLAG_CRC_SEED,
			.word = 1,
		},
	[DSA_OPCODE_COPY_CRC] =
		{
			.step = op_step_copy_crc,
			.flags = FLAGS_DATA | FLAGS_SRC | FLAGS_DST | FLAGS_CRC,
			.uses = OP_DATA | OP_READS | OP_WRITES | OP_NO_OVERLAP | OP_CRC,
			.rsvd = {DWORD_USED, ALL_RSVD, ALL_RSVD},
			.word_flag = SIOV_OP_FLAG_CRC_SEED,
			.word = 1,
		},
	[DSA_OPCODE_DIF_CHECK] =
		{
			.step = op_step_dif,
			.flags = FLAGS_DATA | FLAGS_SRC | OP_CHECKED,
			.uses = OP_DATA | OP_READS | OP_DIF,
			.prepare = op_prepare_dif,
			.rsvd = {~DIF_CHECKS, 0, ALL_RSVD},
		},
	[DSA_OPCODE_DIF_INS] =
		{
			.step = op_step_dif,
			.flags = FLAGS_DATA | FLAGS_SRC | FLAGS_DST | OP_CHECKED,
			.uses = OP_DATA | OP_READS | OP_WRITES | OP_DIF,
			.prepare = op_prepare_dif,
			.rsvd = {~DIF_MAKES, ALL_RSVD, 0},
		},
	[DSA_OPCODE_DIF_STRP] =
		{
			.step = op_step_dif,
			.flags = FLAGS_DATA | FLAGS_SRC | FLAGS_DST | OP_CHECKED,
			.uses = OP_DATA | OP_READS | OP_WRITES | OP_DIF,
			.prepare = op_prepare_dif,
			.rsvd = {~DIF_CHECKS, 0, ALL_RSVD},
		},
	[DSA_OPCODE_DIF_UPDT] =
		{
			.step = op_step_dif,
			.flags = FLAGS_DATA | FLAGS_SRC | FLAGS_DST | OP_CHECKED,
			.uses = OP_DATA | OP_READS | OP_WRITES | OP_DIF,
			.prepare = op_prepare_dif,
			.rsvd = {~(DIF_CHECKS | DIF_MAKES | DIF_PASSES), 0, 0},
		},
	[DSA_OPCODE_CFLUSH] =
		{
			.step = op_step_flush,
			.flags = FLAGS_DATA | FLAGS_DST,
			.uses = OP_DATA | OP_WRITES,
			.rsvd = {ALL_RSVD, ALL_RSVD, ALL_RSVD},
		},
};

/* Reserved fields outside the flags: bytes 38 to 39 and what the operation leaves of 40 to 63. */
static bool
has_reserved_bits(const struct op *op)
{
	uint64_t specific[3];

	memcpy(specific, op->desc->op_specific, sizeof(specific));
	if (op->desc->flags & op->type->word_flag)
		specific[op->type->word] = 0;
	return op->desc->rsvd1 != 0 ||
	       ((specific[0] & op->type->rsvd[0]) | (specific[1] & op->type->rsvd[1]) |
		(specific[2] & op->type->rsvd[2])) != 0;
}

static uint8_t
check_desc(struct op *op, const struct op_limits *limits)
{
	const struct dsa_hw_desc *desc = op->desc;
	uint32_t flags = desc->flags;

	if (desc->priv && !limits->priv_enabled)
		return DSA_COMP_PRIV_BAD;
	op->invalid_flags = flags & (~op->type->flags | limits->forbidden);
	if (flags & IDXD_OP_FLAG_RCR && !(flags & IDXD_OP_FLAG_CRAV))
		op->invalid_flags |= IDXD_OP_FLAG_RCR;
	if (op->invalid_flags != 0)
		return DSA_COMP_INVALID_FLAGS;
	if (has_reserved_bits(op))
		return DSA_COMP_NOZERO_RESERVE;
	if (!(flags & IDXD_OP_FLAG_RCI))
		return OP_MORE;
	if (limits->messages == NULL ||
	    msg_check(limits->messages, desc->int_handle, desc->pasid) != 0)
		return DSA_COMP_INT_HANDLE_INVAL;
	return OP_MORE;
}

void
op_examine(struct op *op, const struct op_limits *limits)
{
	if (op->desc->opcode >= OP_TYPES || op->type->flags == 0) {
		op_refuse(op, DSA_COMP_BAD_OPCODE, 0);
		return;
	}
	op->status = check_desc(op, limits);
	op->perm_shift = op->desc->priv ? SIOV_PERM_PRIV_SHIFT : 0;
	if (op->status == OP_MORE && op->type->uses & OP_DATA)
		op_prepare_data(op, limits);
	if (op->status == OP_MORE && op->type->prepare != NULL)
		op->type->prepare(op);
}

void
op_refuse(struct op *op, uint8_t code, uint64_t fault_addr)
{
	op->type = &op_types[DSA_OPCODE_NOOP];
	op->fault_addr = fault_addr;
	op->done = 0;
	op->result = 0;
	op->is_backward = 0;
	op->src = NULL;
	op->dst = NULL;
	op->invalid_flags = 0;
	op->nb_lookups = 0;
	op->status = code;
}

/* The status of an operation that ran to its end, or to the first difference. */
static uint8_t
final_status(const struct op *op)
{
	bool is_checked = op->type->uses & OP_COMPARES && op->desc->flags & IDXD_OP_FLAG_CR;

	if (is_checked && op->type->uses & OP_DELTA)
		return op->desc->expected_res_mask >> op->result & 1 ? DSA_COMP_SUCCESS :
								       DSA_COMP_SUCCESS_PRED;
	if (is_checked && op->result != op->desc->expected_res)
		return DSA_COMP_SUCCESS_PRED;
	return DSA_COMP_SUCCESS;
}

void
op_run_steps(struct op *op, struct siov_atc *atc, uint32_t budget)
{
	while (budget > 0) {
		uint32_t left = op->desc->xfer_size - op->done;
		uint32_t n = op->type->step(op, atc, RTE_MIN(left, budget));

		if (unlikely(op->has_bounce))
			n = op_remote_commit(op, atc, n);
		op->done += n;
		if (op->status != OP_MORE)
			return;
		if (n == left || op->result != 0) {
			op->status = final_status(op);
			return;
		}
		/* A block may be more than was asked for. */
		budget -= RTE_MIN(n, budget);
	}
}

void
op_run(struct op *op, struct siov_atc *atc, uint32_t budget)
{
	if (unlikely(siov_atc_may_fault(atc)))
		op_run_guarded(op, atc, budget);
	else
		op_run_steps(op, atc, budget);
}

void
engine_opcodes(uint64_t mask[4])
{
	unsigned int i;

	memset(mask, 0, 4 * sizeof(mask[0]));
	for (i = 0; i < OP_TYPES; i++) {
		if (op_types[i].flags != 0)
			mask[i / 64] |= UINT64_C(1) << i % 64;
	}
}

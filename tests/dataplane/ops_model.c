/* SPDX-License-Identifier: BSD-3-Clause */
#include "ops_model.h"

#define POLYNOMIAL 0x1edc6f41u

/* ---- sums ---- */

/* The lowest nb bits of v in the other order. */
static uint32_t
mirror(uint32_t v, unsigned int nb)
{
	uint32_t out = 0;
	unsigned int i;

	for (i = 0; i < nb; i++)
		out |= (v >> i & 1) << (nb - 1 - i);
	return out;
}

static uint32_t
crc_begin(uint32_t flags, uint32_t seed)
{
	return flags & SIOV_OP_FLAG_CRC_BYPASS ? seed : mirror(~seed, 32);
}

static uint32_t
crc_byte(uint32_t flags, uint32_t crc, uint8_t byte)
{
	unsigned int i;

	crc ^= (flags & SIOV_OP_FLAG_CRC_BYPASS_DATA ? byte : mirror(byte, 8)) << 24;
	for (i = 0; i < 8; i++)
		crc = crc & 0x80000000u ? crc << 1 ^ POLYNOMIAL : crc << 1;
	return crc;
}

static uint32_t
crc_end(uint32_t flags, uint32_t crc)
{
	return flags & SIOV_OP_FLAG_CRC_BYPASS ? crc : ~mirror(crc, 32);
}

uint32_t
ops_model_crc(uint32_t flags, uint32_t seed, const uint8_t *data, uint64_t len)
{
	uint32_t crc = crc_begin(flags, seed);
	uint64_t i;

	for (i = 0; i < len; i++)
		crc = crc_byte(flags, crc, data[i]);
	return crc_end(flags, crc);
}

/* ---- operations ---- */

struct run {
	const struct dsa_hw_desc *desc;
	ops_byte_fn byte;
	void *ctx;
	uint32_t crc;
	struct ops_outcome out;
};

static bool
is_one_of(const struct dsa_hw_desc *desc, const uint8_t *opcodes)
{
	for (; *opcodes != 0; opcodes++) {
		if (*opcodes == desc->opcode)
			return true;
	}
	return false;
}

static const uint8_t readers[] = {DSA_OPCODE_MEMMOVE,
				  DSA_OPCODE_COMPARE,
				  DSA_OPCODE_COMPVAL,
				  DSA_OPCODE_DUALCAST,
				  DSA_OPCODE_CRCGEN,
				  DSA_OPCODE_COPY_CRC,
				  0};
static const uint8_t writers[] = {DSA_OPCODE_MEMMOVE,  DSA_OPCODE_MEMFILL, DSA_OPCODE_DUALCAST,
				  DSA_OPCODE_COPY_CRC, DSA_OPCODE_CFLUSH,  0};
static const uint8_t sums[] = {DSA_OPCODE_CRCGEN, DSA_OPCODE_COPY_CRC, 0};

bool
ops_model_is_backward(const struct dsa_hw_desc *desc)
{
	return desc->opcode == DSA_OPCODE_MEMMOVE &&
	       desc->dst_addr - desc->src_addr < desc->xfer_size;
}

static bool
overlap(uint64_t a, uint64_t b, uint32_t len)
{
	return a - b < len || b - a < len;
}

uint8_t
ops_model_check_dualcast(const struct dsa_hw_desc *desc)
{
	uint32_t len = desc->xfer_size;

	if (desc->dst_addr % 4096 != desc->dest2 % 4096)
		return DSA_COMP_DCAST_ERR;
	if (overlap(desc->src_addr, desc->dst_addr, len) ||
	    overlap(desc->src_addr, desc->dest2, len) || overlap(desc->dst_addr, desc->dest2, len))
		return DSA_COMP_OVERLAP_BUFFERS;
	return 0;
}

/* The byte at iova; NULL: it faults, as the outcome says. */
static uint8_t *
reach(struct run *run, uint64_t iova, bool is_write)
{
	uint8_t *at = run->byte(run->ctx, iova, is_write);

	if (at != NULL)
		return at;
	run->out.status = DSA_COMP_PAGE_FAULT_NOBOF | (is_write ? DSA_COMP_STATUS_WRITE : 0);
	run->out.fault_addr = iova;
	return NULL;
}

/* Byte i of what a fill writes, or a pattern is compared with. */
static uint8_t
pattern_byte(const struct dsa_hw_desc *desc, uint32_t i)
{
	uint64_t low = desc->opcode == DSA_OPCODE_MEMFILL ? desc->pattern : desc->comp_pattern;

	if (desc->opcode == DSA_OPCODE_MEMFILL && desc->flags & SIOV_OP_FLAG_FILL16 && i % 16 >= 8)
		return desc->op_specific[i % 8];
	return (uint8_t)(low >> i % 8 * 8);
}

/* False: byte i is the first difference. */
static bool
work(struct run *run, const uint8_t *src, uint8_t *dst, uint8_t *dst2, uint32_t i)
{
	switch (run->desc->opcode) {
	case DSA_OPCODE_COMPARE:
		return *src == *dst;
	case DSA_OPCODE_COMPVAL:
		return *src == pattern_byte(run->desc, i);
	case DSA_OPCODE_MEMFILL:
		*dst = pattern_byte(run->desc, i);
		return true;
	case DSA_OPCODE_CFLUSH:
		return true;
	default:
		break;
	}
	if (dst != NULL)
		*dst = *src;
	if (dst2 != NULL)
		*dst2 = *src;
	if (is_one_of(run->desc, sums))
		run->crc = crc_byte(run->desc->flags, run->crc, *src);
	return true;
}

/* Byte i of the operation. False: it ends here. */
static bool
step(struct run *run, uint32_t i)
{
	const struct dsa_hw_desc *desc = run->desc;
	bool writes = is_one_of(desc, writers);
	uint8_t *src = NULL, *dst = NULL, *dst2 = NULL;

	if (is_one_of(desc, readers)) {
		src = reach(run, desc->src_addr + i, false);
		if (src == NULL)
			return false;
	}
	if (writes || desc->opcode == DSA_OPCODE_COMPARE) {
		dst = reach(run, desc->dst_addr + i, writes);
		if (dst == NULL)
			return false;
	}
	if (desc->opcode == DSA_OPCODE_DUALCAST) {
		dst2 = reach(run, desc->dest2 + i, true);
		if (dst2 == NULL)
			return false;
	}
	run->out.result = !work(run, src, dst, dst2, i);
	return run->out.result == 0;
}

/* False: the seed cannot be read. */
static bool
begin_sum(struct run *run)
{
	const struct dsa_hw_desc *desc = run->desc;
	bool is_in_memory = desc->flags & SIOV_OP_FLAG_CRC_SEED;
	uint32_t seed = is_in_memory ? 0 : desc->crc_seed;
	unsigned int i;

	for (i = 0; i < sizeof(seed) && is_in_memory; i++) {
		const uint8_t *at = reach(run, desc->seed_addr + i, false);

		if (at == NULL)
			return false;
		seed |= (uint32_t)*at << 8 * i;
	}
	run->crc = crc_begin(desc->flags, seed);
	return true;
}

static void
run_bytes(struct run *run)
{
	const struct dsa_hw_desc *desc = run->desc;
	bool is_backward = ops_model_is_backward(desc);

	while (run->out.done < desc->xfer_size) {
		uint32_t done = run->out.done;

		if (!step(run, is_backward ? desc->xfer_size - 1 - done : done))
			break;
		run->out.done++;
	}
	if (run->out.status != 0)
		run->out.result = is_backward;
}

struct ops_outcome
ops_model_run(const struct dsa_hw_desc *desc, ops_byte_fn byte, void *ctx)
{
	struct run run = {.desc = desc, .byte = byte, .ctx = ctx};
	bool is_sum = is_one_of(desc, sums);

	if (is_sum && !begin_sum(&run))
		return run.out;
	run_bytes(&run);
	if (is_sum)
		run.out.value = crc_end(desc->flags, run.crc);
	if (run.out.status != 0)
		return run.out;
	run.out.status = DSA_COMP_SUCCESS;
	if (desc->flags & IDXD_OP_FLAG_CR && run.out.result != desc->expected_res)
		run.out.status = DSA_COMP_SUCCESS_PRED;
	return run.out;
}

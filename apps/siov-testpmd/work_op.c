/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "work_op.h"

const struct work_op work_ops[] = {
	{.name = "noop", .opcode = DSA_OPCODE_NOOP},
	{.name = "memmove", .opcode = DSA_OPCODE_MEMMOVE, .has_data = true, .writes = true},
	{.name = "fill", .opcode = DSA_OPCODE_MEMFILL, .has_data = true, .writes = true},
	{.name = "compare", .opcode = DSA_OPCODE_COMPARE, .has_data = true},
	{.name = "compval", .opcode = DSA_OPCODE_COMPVAL, .has_data = true},
	{.name = "dualcast",
	 .opcode = DSA_OPCODE_DUALCAST,
	 .has_data = true,
	 .writes = true,
	 .has_dst2 = true},
	{.name = "crcgen", .opcode = DSA_OPCODE_CRCGEN, .has_data = true, .has_crc = true},
	{.name = "copycrc",
	 .opcode = DSA_OPCODE_COPY_CRC,
	 .has_data = true,
	 .writes = true,
	 .has_crc = true},
	{.name = "cflush", .opcode = DSA_OPCODE_CFLUSH, .has_data = true},
};

const unsigned int nb_work_ops = RTE_DIM(work_ops);

const struct work_op *
work_op_find(const char *name)
{
	unsigned int i;

	for (i = 0; i < nb_work_ops; i++) {
		if (strcmp(work_ops[i].name, name) == 0)
			return &work_ops[i];
	}
	return NULL;
}

void
work_op_prepare(const struct work_op *op, const struct work_bufs *bufs, struct dsa_hw_desc *desc)
{
	memset(desc, 0, sizeof(*desc));
	desc->opcode = op->opcode;
	desc->flags = IDXD_OP_FLAG_CRAV | IDXD_OP_FLAG_RCR;
	if (!op->has_data)
		return;
	desc->xfer_size = bufs->size;
	desc->src_addr = op->opcode == DSA_OPCODE_MEMFILL ? WORK_PATTERN : bufs->src_iova;
	if (op->opcode == DSA_OPCODE_CFLUSH)
		desc->src_addr = 0;
	if (op->has_dst2)
		desc->dest2 = bufs->dst2_iova;
	if (op->opcode == DSA_OPCODE_COMPVAL)
		desc->comp_pattern = WORK_PATTERN;
	else if (op->opcode != DSA_OPCODE_CRCGEN)
		desc->dst_addr = bufs->dst_iova;
}

static void
fill_pattern(uint8_t *dst, uint32_t size)
{
	const uint64_t pattern = WORK_PATTERN;
	uint32_t done;

	for (done = 0; done + sizeof(pattern) <= size; done += sizeof(pattern))
		memcpy(dst + done, &pattern, sizeof(pattern));
	memcpy(dst + done, &pattern, size - done);
}

void
work_op_fill_bufs(const struct work_op *op, const struct work_bufs *bufs, uint64_t seed)
{
	uint64_t state = seed * 2 + 1;
	uint32_t i;

	if (!op->has_data)
		return;
	if (op->opcode == DSA_OPCODE_COMPVAL) {
		fill_pattern(bufs->src, bufs->size);
		return;
	}
	for (i = 0; i < bufs->size; i++) {
		if (i % sizeof(state) == 0)
			work_random(&state);
		bufs->src[i] = (uint8_t)(state >> (i % sizeof(state) * 8));
	}
	/* Wrong in each byte, whether src or the pattern is to appear there. */
	if (op->opcode == DSA_OPCODE_MEMFILL)
		fill_pattern(bufs->src, bufs->size);
	for (i = 0; i < bufs->size; i++)
		bufs->dst[i] = op->writes ? (uint8_t)~bufs->src[i] : bufs->src[i];
	if (op->has_dst2)
		memcpy(bufs->dst2, bufs->dst, bufs->size);
}

uint64_t
work_op_expected(const struct work_op *op, uint32_t size)
{
	return DSA_COMP_SUCCESS | (op->has_data ? (uint64_t)size << 32 : 0);
}

bool
work_op_is_right(const struct work_op *op, const struct work_bufs *bufs,
		 const struct work_record *rec)
{
	if (!op->has_data)
		return true;
	if (op->writes && memcmp(bufs->dst, bufs->src, bufs->size) != 0)
		return false;
	if (op->has_dst2 && memcmp(bufs->dst2, bufs->src, bufs->size) != 0)
		return false;
	return !op->has_crc || (uint32_t)rec->value == work_crc32c(0, bufs->src, bufs->size);
}

uint32_t
work_crc32c(uint32_t seed, const uint8_t *data, size_t len)
{
	uint32_t table[256];
	uint32_t crc = ~seed;
	unsigned int i, bit;
	size_t done;

	for (i = 0; i < RTE_DIM(table); i++) {
		table[i] = i;
		for (bit = 0; bit < 8; bit++)
			table[i] = table[i] >> 1 ^ (table[i] & 1 ? UINT32_C(0x82f63b78) : 0);
	}
	for (done = 0; done < len; done++)
		crc = crc >> 8 ^ table[(crc ^ data[done]) & 0xff];
	return ~crc;
}

/* xorshift64* */
uint64_t
work_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * UINT64_C(0x2545f4914f6cdd1d);
}

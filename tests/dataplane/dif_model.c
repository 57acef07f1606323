/* SPDX-License-Identifier: BSD-3-Clause */
#include "dif_model.h"

bool
dif_model_is_dif(uint8_t opcode)
{
	return opcode >= DSA_OPCODE_DIF_CHECK && opcode <= DSA_OPCODE_DIF_UPDT;
}

bool
dif_model_writes(uint8_t opcode)
{
	return dif_model_is_dif(opcode) && opcode != DSA_OPCODE_DIF_CHECK;
}

static uint8_t
byte_of(const struct dsa_hw_desc *desc, unsigned int at)
{
	return ((const uint8_t *)desc)[at];
}

/* Little-endian. */
static uint32_t
field_of(const struct dsa_hw_desc *desc, unsigned int at, unsigned int len)
{
	uint32_t value = 0;

	while (len-- > 0)
		value = value << 8 | byte_of(desc, at + len);
	return value;
}

static bool
reads_tuples(const struct dsa_hw_desc *desc)
{
	return desc->opcode != DSA_OPCODE_DIF_INS;
}

static bool
makes_tuples(const struct dsa_hw_desc *desc)
{
	return desc->opcode == DSA_OPCODE_DIF_INS || desc->opcode == DSA_OPCODE_DIF_UPDT;
}

static uint32_t
block_len(const struct dsa_hw_desc *desc)
{
	unsigned int kind = byte_of(desc, 42) & 3;

	return (kind < 2 ? 512 : 4096) + kind % 2 * 8;
}

uint32_t
dif_model_src_len(const struct dsa_hw_desc *desc)
{
	return block_len(desc) + (reads_tuples(desc) ? DIF_TUPLE : 0);
}

uint32_t
dif_model_dst_len(const struct dsa_hw_desc *desc)
{
	return block_len(desc) + (makes_tuples(desc) ? DIF_TUPLE : 0);
}

bool
dif_model_has_reserved(const struct dsa_hw_desc *desc)
{
	static const uint8_t dst_flags[4] = {0, 0x90, 0, 0xf8};
	unsigned int i;
	uint8_t rsvd = 0;

	for (i = 43; i < 48; i++)
		rsvd |= byte_of(desc, i);
	for (i = 48; i < 56; i++)
		rsvd |= reads_tuples(desc) ? 0 : byte_of(desc, i);
	for (i = 56; i < 64; i++)
		rsvd |= makes_tuples(desc) ? 0 : byte_of(desc, i);
	return rsvd != 0 || desc->rsvd1 != 0 || (!reads_tuples(desc) && byte_of(desc, 40) != 0) ||
	       (byte_of(desc, 41) & ~dst_flags[desc->opcode - DSA_OPCODE_DIF_CHECK]) != 0 ||
	       byte_of(desc, 42) >= 0x10;
}

uint8_t
dif_model_check(const struct dsa_hw_desc *desc)
{
	uint32_t src_len = dif_model_src_len(desc), nb = desc->xfer_size / src_len;
	uint64_t dst_bytes = (uint64_t)nb * dif_model_dst_len(desc);

	if (desc->xfer_size % src_len != 0)
		return DSA_COMP_XFER_ERANGE;
	if (dif_model_writes(desc->opcode) && (desc->dst_addr - desc->src_addr < desc->xfer_size ||
					       desc->src_addr - desc->dst_addr < dst_bytes))
		return DSA_COMP_OVERLAP_BUFFERS;
	return 0;
}

uint16_t
dif_model_crc(uint16_t crc, const uint8_t *bytes, uint32_t len)
{
	uint32_t i;
	int bit;

	for (i = 0; i < len; i++) {
		for (bit = 7; bit >= 0; bit--) {
			bool carry = (crc >> 15) ^ (bytes[i] >> bit & 1);

			crc = (uint16_t)(crc << 1) ^ (carry ? 0x8bb7 : 0);
		}
	}
	return crc;
}

uint16_t
dif_model_guard(const struct dsa_hw_desc *desc, const uint8_t *block, uint32_t len)
{
	uint16_t crc = dif_model_crc(byte_of(desc, 42) & 4 ? 0xffff : 0, block, len);

	return byte_of(desc, 42) & 8 ? crc ^ 0xffff : crc;
}

static uint32_t
big_endian(const uint8_t *p, unsigned int len)
{
	uint32_t value = 0;

	while (len-- > 0)
		value = value << 8 | *p++;
	return value;
}

static void
put_big_endian(uint8_t *p, uint32_t value, unsigned int len)
{
	for (; len > 0; value >>= 8)
		p[--len] = (uint8_t)value;
}

/* Tags of block i whose seeds start at byte at of the descriptor. */
static uint32_t
ref_tag(const struct dsa_hw_desc *desc, unsigned int at, uint32_t i)
{
	uint8_t flags = byte_of(desc, at == 48 ? 40 : 41);

	return field_of(desc, at, 4) + (flags & 0x80 ? 0 : i);
}

static uint16_t
app_tag(const struct dsa_hw_desc *desc, unsigned int at, uint32_t i)
{
	uint8_t flags = byte_of(desc, at == 48 ? 40 : 41);

	return (uint16_t)(field_of(desc, at + 6, 2) + (flags & 0x10 ? i : 0));
}

static uint8_t
check_block(const struct dsa_hw_desc *desc, const uint8_t *block, uint32_t i)
{
	const uint8_t *tuple = block + block_len(desc);
	uint32_t guard = big_endian(tuple, 2), app = big_endian(tuple + 2, 2);
	uint32_t ref = big_endian(tuple + 4, 4), keep = ~field_of(desc, 52, 2);
	uint8_t flags = byte_of(desc, 40), bad = 0;
	bool app_f = app == 0xffff, ref_f = ref == 0xffffffff, all_f = app_f && ref_f;

	all_f = all_f && guard == 0xffff;
	if (flags & 1 && all_f)
		return DIF_BAD_ALL_F;
	if ((flags & 2 && all_f) || (flags & 4 && app_f) || (flags & 8 && app_f && ref_f))
		return 0;
	if (!(flags & 0x20) && guard != dif_model_guard(desc, block, block_len(desc)))
		bad |= DIF_BAD_GUARD;
	if ((app & keep) != (app_tag(desc, 48, i) & keep))
		bad |= DIF_BAD_APP;
	if (!(flags & 0x40) && ref != ref_tag(desc, 48, i))
		bad |= DIF_BAD_REF;
	return bad;
}

static void
make_tuple(const struct dsa_hw_desc *desc, uint8_t *block, uint32_t i)
{
	uint8_t *tuple = block + block_len(desc), flags = byte_of(desc, 41);
	uint32_t keep = ~field_of(desc, 60, 2);

	if (!(flags & 0x20))
		put_big_endian(tuple, dif_model_guard(desc, block, block_len(desc)), 2);
	if (!(flags & 8))
		put_big_endian(tuple + 2, app_tag(desc, 56, i) & keep, 2);
	if (!(flags & 0x40))
		put_big_endian(tuple + 4, ref_tag(desc, 56, i), 4);
}

void
dif_model_make_right(const struct dsa_hw_desc *desc, uint8_t *block, uint32_t i)
{
	uint8_t *tuple = block + block_len(desc);

	put_big_endian(tuple, dif_model_guard(desc, block, block_len(desc)), 2);
	put_big_endian(tuple + 2, app_tag(desc, 48, i), 2);
	put_big_endian(tuple + 4, ref_tag(desc, 48, i), 4);
}

static void
end_with_fault(struct dif_outcome *out, uint64_t iova, bool is_write)
{
	out->status = DSA_COMP_PAGE_FAULT_NOBOF | (is_write ? DSA_COMP_STATUS_WRITE : 0);
	out->fault_addr = iova;
}

/* Block i. False: it ends here, out says how. */
static bool
run_block(const struct dsa_hw_desc *desc, dif_byte_fn byte, void *ctx, uint32_t i,
	  struct dif_outcome *out)
{
	uint64_t src = desc->src_addr + (uint64_t)i * dif_model_src_len(desc);
	uint64_t dst = desc->dst_addr + (uint64_t)i * dif_model_dst_len(desc);
	uint8_t block[DIF_LEN_MAX], *p;
	uint32_t k;

	for (k = 0; k < dif_model_src_len(desc); k++) {
		p = byte(ctx, src + k, false);
		if (p == NULL) {
			end_with_fault(out, src + k, false);
			return false;
		}
		block[k] = *p;
	}
	out->result = reads_tuples(desc) ? check_block(desc, block, i) : 0;
	if (out->result != 0) {
		out->status = DSA_COMP_DIF_ERR;
		return false;
	}
	if (makes_tuples(desc))
		make_tuple(desc, block, i);
	for (k = 0; dif_model_writes(desc->opcode) && k < dif_model_dst_len(desc); k++) {
		if (byte(ctx, dst + k, true) == NULL) {
			end_with_fault(out, dst + k, true);
			return false;
		}
	}
	for (k = 0; dif_model_writes(desc->opcode) && k < dif_model_dst_len(desc); k++)
		*byte(ctx, dst + k, true) = block[k];
	return true;
}

/* Seeds to go on with. */
static uint64_t
next_tags(const struct dsa_hw_desc *desc, unsigned int at, uint32_t i)
{
	return ref_tag(desc, at, i) | (uint64_t)field_of(desc, at + 4, 2) << 32 |
	       (uint64_t)app_tag(desc, at, i) << 48;
}

struct dif_outcome
dif_model_run(const struct dsa_hw_desc *desc, dif_byte_fn byte, void *ctx)
{
	struct dif_outcome out = {.status = DSA_COMP_SUCCESS};
	uint32_t i = 0;

	while (out.done < desc->xfer_size && run_block(desc, byte, ctx, i, &out)) {
		out.done += dif_model_src_len(desc);
		i++;
	}
	if (reads_tuples(desc))
		out.words[0] = next_tags(desc, 48, i);
	if (makes_tuples(desc))
		out.words[1] = next_tags(desc, 56, i);
	return out;
}

void
dif_model_choose(struct rig *rig, struct dsa_hw_desc *desc)
{
	uint8_t bytes[sizeof(*desc)];

	memcpy(bytes, desc, sizeof(bytes));
	rig_random_bytes(rig, bytes + 40, 3);
	/* Every second one without what exempts from checks. */
	if (rig_random(rig) % 2 == 0)
		bytes[40] &= 0x91;
	bytes[42] &= 0xf;
	if (desc->opcode != DSA_OPCODE_DIF_INS)
		rig_random_bytes(rig, bytes + 48, 8);
	else
		bytes[40] = 0;
	if (makes_tuples(desc))
		rig_random_bytes(rig, bytes + 56, 8);
	bytes[41] &= desc->opcode == DSA_OPCODE_DIF_UPDT ? 0xf8 :
		     desc->opcode == DSA_OPCODE_DIF_INS  ? 0x90 :
							   0;
	memcpy(desc, bytes, sizeof(bytes));
}

void
dif_model_compare(const struct dsa_completion_record *rec, const struct dif_outcome *out)
{
	uint64_t words[2];

	memcpy(words, rec->op_specific, sizeof(words));
	assert_int_equal(rec->status, out->status);
	assert_int_equal(rec->result, out->result);
	assert_int_equal(rec->bytes_completed, out->done);
	assert_int_equal(rec->fault_addr, out->fault_addr);
	assert_int_equal(words[0], out->words[0]);
	assert_int_equal(words[1], out->words[1]);
}

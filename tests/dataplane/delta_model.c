/* SPDX-License-Identifier: BSD-3-Clause */
#include "delta_model.h"

struct run {
	const struct dsa_hw_desc *desc;
	uint8_t *(*byte)(void *ctx, uint64_t iova, bool is_write);
	void *ctx;
	struct delta_outcome out;
};

bool
delta_model_is_delta(uint8_t opcode)
{
	return opcode == 7 || opcode == 8;
}

bool
delta_model_has_reserved(const struct dsa_hw_desc *desc)
{
	uint8_t bytes[64];
	unsigned int i;

	memcpy(bytes, desc, sizeof(bytes));
	for (i = 38; i < 64; i++) {
		bool is_used =
			desc->opcode == 8 ? i >= 40 && i < 44 : (i >= 40 && i < 52) || i == 56;

		if (bytes[i] != 0 && !is_used)
			return true;
	}
	return false;
}

uint8_t
delta_model_check(const struct dsa_hw_desc *desc)
{
	uint64_t record = desc->opcode == 7 ? desc->delta_addr : desc->src_addr;
	uint32_t len = desc->opcode == 7 ? desc->max_delta_size : desc->delta_rec_size, i;

	if (desc->src_addr % 8 != 0 || desc->dst_addr % 8 != 0 || record % 8 != 0)
		return DSA_COMP_ADDR_ALIGN;
	if (desc->xfer_size % 8 != 0 || desc->xfer_size > 512 * 1024)
		return DSA_COMP_XFER_ERANGE;
	if (len % 10 != 0 || (desc->opcode == 7 && len < 80))
		return DSA_COMP_DR_ERANGE;
	if (desc->opcode == 7)
		return 0;
	for (i = 0; i < desc->xfer_size; i += 8) {
		if (desc->dst_addr + i - record < len)
			return DSA_COMP_OVERLAP_BUFFERS;
	}
	return record - desc->dst_addr < desc->xfer_size ? DSA_COMP_OVERLAP_BUFFERS : 0;
}

/* The n bytes at iova, copied into or out of bytes. False: the first that is refused ends it. */
static bool
access_bytes(struct run *run, uint64_t iova, uint8_t *bytes, unsigned int n, bool is_write)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		if (run->byte(run->ctx, iova + i, is_write) != NULL)
			continue;
		run->out.status =
			DSA_COMP_PAGE_FAULT_NOBOF | (is_write ? DSA_COMP_STATUS_WRITE : 0);
		run->out.fault_addr = iova + i;
		return false;
	}
	for (i = 0; i < n; i++) {
		uint8_t *at = run->byte(run->ctx, iova + i, is_write);

		*(is_write ? at : &bytes[i]) = is_write ? bytes[i] : *at;
	}
	return true;
}

/* False: it ended with the word at out.done. */
static bool
create_word(struct run *run)
{
	const struct dsa_hw_desc *desc = run->desc;
	struct delta_outcome *out = &run->out;
	uint8_t a[8], entry[10];

	if (!access_bytes(run, desc->src_addr + out->done, a, 8, false) ||
	    !access_bytes(run, desc->src2_addr + out->done, entry + 2, 8, false))
		return false;
	if (memcmp(a, entry + 2, 8) == 0)
		return true;
	if (out->len + 10 > desc->max_delta_size) {
		out->result = 2;
		return false;
	}
	entry[0] = (uint8_t)(out->done / 8);
	entry[1] = (uint8_t)(out->done / 8 >> 8);
	if (!access_bytes(run, desc->delta_addr + out->len, entry, 10, true))
		return false;
	out->len += 10;
	return true;
}

static void
create(struct run *run)
{
	struct delta_outcome *out = &run->out;

	while (out->done < run->desc->xfer_size && create_word(run))
		out->done += 8;
	if (out->status != 0)
		return;
	if (out->result == 0 && out->len != 0)
		out->result = 1;
	out->status = DSA_COMP_SUCCESS;
	if (run->desc->flags & IDXD_OP_FLAG_CR &&
	    !(run->desc->expected_res_mask & 1u << out->result))
		out->status = DSA_COMP_SUCCESS_PRED;
}

static bool
apply_entry(struct run *run)
{
	struct delta_outcome *out = &run->out;
	uint8_t entry[10];
	uint32_t at;

	if (!access_bytes(run, run->desc->src_addr + out->len, entry, 10, false))
		return false;
	at = 8 * (entry[0] + 256u * entry[1]);
	if (at >= run->desc->xfer_size)
		out->status = DSA_COMP_DR_OFFSET_ERANGE;
	else if (at < out->done)
		out->status = DSA_COMP_DR_OFFSET_NOINC;
	if (out->status != 0)
		return false;
	out->done = at;
	if (!access_bytes(run, run->desc->dst_addr + at, entry + 2, 8, true))
		return false;
	out->done += 8;
	out->len += 10;
	return true;
}

static void
apply(struct run *run)
{
	while (run->out.len != run->desc->delta_rec_size) {
		if (!apply_entry(run))
			return;
	}
	run->out.done = run->desc->xfer_size;
	run->out.status = DSA_COMP_SUCCESS;
}

struct delta_outcome
delta_model_run(const struct dsa_hw_desc *desc,
		uint8_t *(*byte)(void *ctx, uint64_t iova, bool is_write), void *ctx)
{
	struct run run = {.desc = desc, .byte = byte, .ctx = ctx};

	if (desc->opcode == 7)
		create(&run);
	else
		apply(&run);
	return run.out;
}

void
delta_model_compare(const struct dsa_completion_record *rec, const struct delta_outcome *out)
{
	assert_int_equal(rec->status, out->status);
	assert_int_equal(rec->result, out->result);
	assert_int_equal(rec->bytes_completed, out->done);
	assert_int_equal(rec->fault_addr, out->fault_addr);
	assert_int_equal(rec->delta_rec_size, out->len);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Delta records: entries of 10 bytes, the number of an 8-byte word and what it becomes.
 *
 * op->done counts bytes of the data, op->delta_len bytes of the record. A step either passes over
 * words that stay, or starts with an entry: so both are exact where it faults.
 */
#include <string.h>

#include "guard_priv.h"
#include "op_priv.h"

#define PAGE UINT64_C(4096)
#define WORD 8u
#define ENTRY 10u
#define SIZE_MAX_BYTES 0x80000u /* what 16 bits can number */
#define RECORD_MIN 80u

enum result { EQUAL, DIFFERENT, TOO_LARGE };

static uint8_t
check_create(const struct dsa_hw_desc *desc)
{
	if ((desc->src_addr | desc->src2_addr | desc->delta_addr) % WORD != 0)
		return DSA_COMP_ADDR_ALIGN;
	if (desc->xfer_size % WORD != 0 || desc->xfer_size > SIZE_MAX_BYTES)
		return DSA_COMP_XFER_ERANGE;
	if (desc->max_delta_size % ENTRY != 0 || desc->max_delta_size < RECORD_MIN)
		return DSA_COMP_DR_ERANGE;
	return OP_MORE;
}

static uint8_t
check_apply(const struct dsa_hw_desc *desc)
{
	uint64_t src = desc->src_addr, dst = desc->dst_addr;

	if ((src | dst) % WORD != 0)
		return DSA_COMP_ADDR_ALIGN;
	if (desc->xfer_size % WORD != 0 || desc->xfer_size > SIZE_MAX_BYTES)
		return DSA_COMP_XFER_ERANGE;
	if (desc->delta_rec_size % ENTRY != 0)
		return DSA_COMP_DR_ERANGE;
	if (dst - src < desc->delta_rec_size || src - dst < desc->xfer_size)
		return DSA_COMP_OVERLAP_BUFFERS;
	return OP_MORE;
}

void
op_prepare_delta(struct op *op)
{
	op->delta_len = 0;
	op->status = op->type->step == op_step_create_delta ? check_create(op->desc) :
							      check_apply(op->desc);
}

static inline uint64_t
load_word(const uint8_t *at)
{
	uint64_t word;

	memcpy(&word, at, sizeof(word));
	return word;
}

/* Offset of the first word from pos on that differs; len, a multiple of 8: none. */
static uint32_t
next_difference(const uint8_t *a, const uint8_t *b, uint32_t pos, uint32_t len)
{
	while (pos < len && load_word(a + pos) == load_word(b + pos))
		pos += WORD;
	return pos;
}

/* Take the word before anything is written: the record may lie over it. */
static void
make_entry(uint8_t *to, uint32_t offset, const uint8_t *from)
{
	uint16_t index = (uint16_t)(offset / WORD);
	uint64_t word = load_word(from);

	memcpy(to, &index, sizeof(index));
	memcpy(to + sizeof(index), &word, sizeof(word));
}

/* An entry that crosses a page, of which `first` bytes are at `to`: all of it or nothing. */
static bool
put_split(struct op *op, struct siov_atc *atc, const uint8_t entry[ENTRY], uint8_t *to,
	  uint32_t first)
{
	uint64_t iova = op->desc->delta_addr + op->delta_len + first;
	uint32_t rest = ENTRY - first;
	uint8_t *next;

	if (op->has_bounce) {
		memcpy(to, entry, ENTRY);
		return op_remote_commit_whole(op, atc, ENTRY);
	}
	next = op_translate(op, atc, iova, SIOV_PERM_W, &rest);
	if (next == NULL)
		return false;
	if (siov_atc_may_fault(atc)) {
		guard_touch(to);
		guard_touch(next);
	}
	memcpy(to, entry, first);
	memcpy(next, entry + first, rest);
	return true;
}

/* Entries for the words of a stretch that differ, as many as fit there. Returns how far. */
static uint32_t
fill_entries(struct op *op, uint8_t *to, uint32_t *room, const uint8_t *a, const uint8_t *b,
	     uint32_t len)
{
	uint32_t pos = 0, used = 0;

	while (pos < len && used + ENTRY <= *room) {
		make_entry(to + used, op->done + pos, b + pos);
		used += ENTRY;
		pos = next_difference(a, b, pos + WORD, len);
	}
	*room = used;
	return pos;
}

/*
 * The same where the record goes on: up to the end of its page, or one entry that crosses it. The
 * first word differs. Returns how far; 0: op->status says why.
 */
static uint32_t
put_entries(struct op *op, struct siov_atc *atc, const uint8_t *a, const uint8_t *b, uint32_t len)
{
	uint64_t iova = op->desc->delta_addr + op->delta_len;
	uint32_t room = op->desc->max_delta_size - op->delta_len;
	uint8_t entry[ENTRY], *to;
	uint32_t pos = WORD;

	room = (uint32_t)RTE_MIN(room, PAGE - iova % PAGE);
	to = op_translate(op, atc, iova, SIOV_PERM_W, &room);
	if (to == NULL)
		return 0;
	if (room < ENTRY) {
		make_entry(entry, op->done, b);
		if (!put_split(op, atc, entry, to, room))
			return 0;
		op->delta_len += ENTRY;
		return pos;
	}
	pos = fill_entries(op, to, &room, a, b, len);
	if (op->has_bounce && op_remote_commit(op, atc, room) < room)
		return 0; /* a page holds all or nothing of it: none arrived */
	op->delta_len += room;
	return pos;
}

uint32_t
op_step_create_delta(struct op *op, struct siov_atc *atc, uint32_t max)
{
	uint32_t len = max, pos;
	const uint8_t *a, *b;

	a = op_translate(op, atc, op->desc->src_addr + op->done, SIOV_PERM_R, &len);
	if (a == NULL)
		return 0;
	b = op_translate(op, atc, op->desc->src2_addr + op->done, SIOV_PERM_R, &len);
	if (b == NULL)
		return 0;
	if (siov_atc_may_fault(atc))
		guard_look(a);
	pos = next_difference(a, b, 0, len);
	if (pos == 0 && op->delta_len + ENTRY > op->desc->max_delta_size) {
		op->result = TOO_LARGE;
		return 0;
	}
	if (pos == 0)
		pos = put_entries(op, atc, a, b, len);
	if (op->status == OP_MORE && op->done + pos == op->desc->xfer_size)
		op->result = op->delta_len != 0 ? DIFFERENT : EQUAL;
	return pos;
}

/* The next entry and where its word is, which must be behind all before it. */
static bool
get_checked(struct op *op, struct siov_atc *atc, uint32_t done, uint8_t entry[ENTRY], uint32_t *at)
{
	uint16_t index;

	if (!op_fetch(op, atc, op->desc->src_addr + op->delta_len, entry, ENTRY))
		return false;
	memcpy(&index, entry, sizeof(index));
	*at = index * WORD;
	if (*at >= op->desc->xfer_size)
		op->status = DSA_COMP_DR_OFFSET_ERANGE;
	else if (*at < done)
		op->status = DSA_COMP_DR_OFFSET_NOINC;
	return op->status == OP_MORE;
}

uint32_t
op_step_apply_delta(struct op *op, struct siov_atc *atc, uint32_t max)
{
	uint8_t entry[ENTRY], *to;
	uint32_t at, n = WORD;

	if (op->delta_len == op->desc->delta_rec_size)
		return max;
	if (!get_checked(op, atc, op->done, entry, &at))
		return 0;
	if (at > op->done)
		return RTE_MIN(at - op->done, max);
	to = op_translate(op, atc, op->desc->dst_addr + at, SIOV_PERM_W, &n);
	if (to == NULL)
		return 0;
	memcpy(to, entry + sizeof(uint16_t), WORD);
	if (op->has_bounce && op_remote_commit(op, atc, WORD) < WORD)
		return 0;
	op->delta_len += ENTRY;
	if (at + WORD < op->desc->xfer_size || op->delta_len == op->desc->delta_rec_size)
		return WORD;
	/* Nothing can come after the last word, which counts even if what follows cannot be read. */
	op->done += WORD;
	get_checked(op, atc, op->done, entry, &at);
	return 0;
}

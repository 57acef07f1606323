/* SPDX-License-Identifier: BSD-3-Clause */
/* The steps of operations that touch memory: translate, then work up to the next page boundary. */
#include <string.h>

#include "op_priv.h"

#define PAGE_MIN 4096u
#define BLOCK 4096u /* bytes compared or filled at a time */

/* Address of iova for the PASID; shortens *len to the page. NULL: op->status and fault_addr set. */
static inline uint8_t *
translate(struct op *op, struct siov_atc *atc, uint64_t iova, unsigned int perm, uint32_t *len)
{
	struct siov_xlate x;
	int reason;

	perm <<= op->perm_shift;
	op->nb_lookups++;
	reason = siov_atc_translate(atc, op->desc->pasid, iova, perm, &x);
	if (unlikely(reason != 0 || x.hva == NULL)) {
		uint8_t *bounce = NULL;

		if (reason == SIOV_XLATE_PROCESS)
			bounce = op_remote_translate(op, atc, iova, perm, len);
		if (bounce != NULL)
			return bounce;
		op->status = DSA_COMP_PAGE_FAULT_NOBOF;
		if (perm & (SIOV_PERM_W | SIOV_PERM_PRIV_W))
			op->status |= DSA_COMP_STATUS_WRITE;
		op->fault_addr = iova;
		op->fault_reason = reason < SIOV_XLATE_PROCESS ? (uint8_t)reason : 0;
		op->fault_perm = (uint8_t)perm;
		return NULL;
	}
	if (x.len < *len)
		*len = (uint32_t)x.len;
	return x.hva;
}

/* The source at offset, which may have been translated ahead. */
static inline const uint8_t *
translate_src(struct op *op, struct siov_atc *atc, uint32_t offset, uint32_t *len)
{
	if (op->src == NULL || offset != 0)
		return translate(op, atc, op->desc->src_addr + offset, SIOV_PERM_R, len);
	op->nb_lookups++;
	*len = RTE_MIN(*len, op->src_len);
	return op->src;
}

/* The destination at offset, likewise. */
static inline uint8_t *
translate_dst(struct op *op, struct siov_atc *atc, uint32_t offset, uint32_t *len)
{
	if (op->dst == NULL || offset != 0)
		return translate(op, atc, op->desc->dst_addr + offset, SIOV_PERM_W, len);
	op->nb_lookups++;
	*len = RTE_MIN(*len, op->dst_len);
	return op->dst;
}

uint8_t *
op_translate(struct op *op, struct siov_atc *atc, uint64_t iova, unsigned int perm, uint32_t *len)
{
	return translate(op, atc, iova, perm, len);
}

bool
op_fetch(struct op *op, struct siov_atc *atc, uint64_t iova, void *dst, uint32_t n)
{
	uint32_t done, len;

	for (done = 0; done < n; done += len) {
		const uint8_t *from;

		len = (uint32_t)RTE_MIN(n - done, PAGE_MIN - (iova + done) % PAGE_MIN);
		from = translate(op, atc, iova + done, SIOV_PERM_R, &len);
		if (from == NULL)
			return false;
		memcpy((uint8_t *)dst + done, from, len);
	}
	return true;
}

/* Source and destination of the stretch that starts at offset; both within a page. */
static inline bool
translate_pair(struct op *op, struct siov_atc *atc, uint32_t offset, uint32_t *len,
	       const uint8_t **src, uint8_t **dst)
{
	*src = translate_src(op, atc, offset, len);
	if (*src == NULL)
		return false;
	*dst = translate_dst(op, atc, offset, len);
	return *dst != NULL;
}

const uint8_t *
op_translate_src(struct op *op, struct siov_atc *atc, uint32_t *len)
{
	return translate_src(op, atc, op->done, len);
}

bool
op_translate_pair(struct op *op, struct siov_atc *atc, uint32_t *len, const uint8_t **src,
		  uint8_t **dst)
{
	return translate_pair(op, atc, op->done, len, src, dst);
}

/* Length of the stretch of at most max bytes that ends at last and crosses no smallest page. */
static uint32_t
bytes_below(uint64_t last, uint32_t max)
{
	uint32_t n = (uint32_t)(last & (PAGE_MIN - 1)) + 1;

	return RTE_MIN(n, max);
}

static uint32_t
step_move_backward(struct op *op, struct siov_atc *atc, uint32_t max)
{
	uint32_t end = op->desc->xfer_size - op->done;
	uint32_t len = bytes_below(op->desc->src_addr + end - 1, max);
	const uint8_t *src;
	uint8_t *dst;
	uint32_t whole;

	len = bytes_below(op->desc->dst_addr + end - 1, len);
	whole = len;
	if (!translate_pair(op, atc, end - len, &whole, &src, &dst))
		return 0;
	memmove(dst, src, len);
	return len;
}

uint32_t
op_step_move(struct op *op, struct siov_atc *atc, uint32_t max)
{
	const uint8_t *src;
	uint8_t *dst;
	uint32_t len = max;

	if (op->is_backward)
		return step_move_backward(op, atc, max);
	if (!translate_pair(op, atc, op->done, &len, &src, &dst))
		return 0;
	memmove(dst, src, len);
	return len;
}

/* The pattern as it stands offset bytes after its start, as often as fits. */
static void
fill_pattern(uint8_t *dst, uint32_t len, const uint64_t pattern[2], uint32_t offset)
{
	unsigned int turn = (offset & 7) * 8, first = offset >> 3 & 1;
	uint64_t words[2] = {pattern[first], pattern[first ^ 1]};
	uint32_t done;

	if (turn != 0) {
		uint64_t word = words[0];

		words[0] = word >> turn | words[1] << (64 - turn);
		words[1] = words[1] >> turn | word << (64 - turn);
	}
	for (done = 0; done + sizeof(words) <= RTE_MIN(len, 64u); done += sizeof(words))
		memcpy(dst + done, words, sizeof(words));
	if (done < len && done < 64)
		memcpy(dst + done, words, len - done);
	/* From here on the start of the stretch, a multiple of 16 bytes, is the pattern. */
	for (done = 64; done < len;) {
		uint32_t n = RTE_MIN(RTE_MIN(done, BLOCK), len - done);

		memcpy(dst + done, dst, n);
		done += n;
	}
}

uint32_t
op_step_fill(struct op *op, struct siov_atc *atc, uint32_t max)
{
	uint64_t pattern[2] = {op->desc->pattern, op->desc->pattern};
	uint32_t len = max;
	uint8_t *dst = translate_dst(op, atc, op->done, &len);

	if (dst == NULL)
		return 0;
	if (op->desc->flags & SIOV_OP_FLAG_FILL16)
		pattern[1] = siov_desc_load_word(op->desc->op_specific);
	fill_pattern(dst, len, pattern, op->done);
	return len;
}

/* Length of the equal start of a and b. */
static uint32_t
equal_bytes(const uint8_t *a, const uint8_t *b, uint32_t len)
{
	uint32_t done, n;

	for (done = 0; done < len; done += n) {
		n = RTE_MIN(len - done, BLOCK);
		if (memcmp(a + done, b + done, n) != 0)
			break;
	}
	while (done < len && a[done] == b[done])
		done++;
	return done;
}

uint32_t
op_step_compare(struct op *op, struct siov_atc *atc, uint32_t max)
{
	uint32_t len = max, equal;
	const uint8_t *a, *b;

	a = translate_src(op, atc, op->done, &len);
	if (a == NULL)
		return 0;
	b = translate(op, atc, op->desc->src2_addr + op->done, SIOV_PERM_R, &len);
	if (b == NULL)
		return 0;
	equal = equal_bytes(a, b, len);
	op->result = equal < len;
	return equal;
}

uint32_t
op_step_compare_pattern(struct op *op, struct siov_atc *atc, uint32_t max)
{
	const uint64_t pattern[2] = {op->desc->comp_pattern, op->desc->comp_pattern};
	uint8_t expected[512];
	uint32_t len = max, done, n;
	const uint8_t *src;

	src = translate_src(op, atc, op->done, &len);
	if (src == NULL)
		return 0;
	fill_pattern(expected, RTE_MIN(len, (uint32_t)sizeof(expected)), pattern, op->done);
	for (done = 0; done < len; done += n) {
		uint32_t part = RTE_MIN(len - done, (uint32_t)sizeof(expected));

		n = equal_bytes(src + done, expected, part);
		if (n < part) {
			op->result = 1;
			return done + n;
		}
	}
	return len;
}

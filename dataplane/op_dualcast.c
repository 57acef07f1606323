/* SPDX-License-Identifier: BSD-3-Clause */
/* One source, two destinations, which lie alike in their pages. */
#include <string.h>

#include "guard_priv.h"
#include "op_priv.h"

#define IN_PAGE 0xfffu
#define BLOCK 4096u /* read once: the second copy is made of the first while that is in the cache */

static bool
overlap(uint64_t a, uint64_t b, uint32_t len)
{
	return a - b < len || b - a < len;
}

void
op_prepare_dualcast(struct op *op)
{
	const struct dsa_hw_desc *desc = op->desc;
	uint64_t src = desc->src_addr, dst = desc->dst_addr, dst2 = desc->dest2;
	uint32_t len = desc->xfer_size;

	if (((dst ^ dst2) & IN_PAGE) != 0)
		op->status = DSA_COMP_DCAST_ERR;
	else if (overlap(src, dst, len) || overlap(src, dst2, len) || overlap(dst, dst2, len))
		op->status = DSA_COMP_OVERLAP_BUFFERS;
}

/* In another process: both destinations stand for the same bounce buffer. */
static uint32_t
send(struct op *op, struct siov_atc *atc, uint8_t *bounce, const uint8_t *src, uint32_t len)
{
	memcpy(bounce, src, len);
	return op_remote_commit_both(op, atc, op->desc->dst_addr + op->done, len);
}

uint32_t
op_step_dualcast(struct op *op, struct siov_atc *atc, uint32_t max)
{
	uint32_t len = max, done, n;
	const uint8_t *src;
	uint8_t *dst, *dst2;

	if (!op_translate_pair(op, atc, &len, &src, &dst))
		return 0;
	dst2 = op_translate(op, atc, op->desc->dest2 + op->done, SIOV_PERM_W, &len);
	if (dst2 == NULL)
		return 0;
	if (unlikely(op->has_bounce))
		return send(op, atc, dst, src, len);
	if (siov_atc_may_fault(atc)) {
		guard_look(src);
		guard_touch(dst);
		guard_touch(dst2);
	}
	for (done = 0; done < len; done += n) {
		n = RTE_MIN(len - done, BLOCK);
		memmove(dst + done, src + done, n);
		memmove(dst2 + done, dst + done, n);
	}
	return len;
}

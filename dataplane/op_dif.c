/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Data integrity fields: each block of 512 to 4104 bytes may have a tuple behind it.
 *
 *     block │ guard, 2 bytes │ application tag, 2 │ reference tag, 4      tuple in big-endian
 *
 * Check, strip and update read tuples, insert and update write them. The guard is the CRC16 of the
 * block; each tag is a seed, the same for all blocks or one more with each.
 *
 * A block is read, checked, and only then written: what is written is what was checked, whatever
 * its client does to the source meanwhile. It is done as a whole or not at all, wherever its pages
 * end. One exception: the kernel copies to another process up to the first bad page, so there the
 * block that faulted may have been begun. Bytes done count whole blocks of the source.
 */
#include <string.h>

#include <isa-l/crc.h>
#include <rte_byteorder.h>

#include "guard_priv.h"
#include "op_priv.h"

#define TUPLE 8u
#define BLOCK_MAX 4104u
#define PIECES_MAX 3u /* pages in which a block with its tuple can lie */
/* Bytes of the source in one step: what comes of them fits a buffer for another process. */
#define STEP_MAX (32u * 1024)

#define DIF_BLOCK 0x3u
#define DIF_INVERT_SEED 0x4u
#define DIF_INVERT_RESULT 0x8u

#define SRC_ALL_F_ERROR 0x01u
#define SRC_ALL_F 0x02u
#define SRC_APP_F 0x04u
#define SRC_APP_REF_F 0x08u
#define SRC_APP_INC 0x10u
#define SRC_NO_GUARD 0x20u
#define SRC_NO_REF 0x40u
#define SRC_REF_FIXED 0x80u

#define DST_PASS_APP 0x08u
#define DST_APP_INC 0x10u
#define DST_PASS_GUARD 0x20u
#define DST_PASS_REF 0x40u
#define DST_REF_FIXED 0x80u

#define BAD_GUARD 1u
#define BAD_APP 2u
#define BAD_REF 4u
#define BAD_ALL_F 8u

struct tuple {
	uint16_t guard;
	uint16_t app;
	uint32_t ref;
};

/* Bytes of an operand that are at hand. */
struct window {
	uint8_t *p;
	uint32_t len;
};

/* What one step works with. */
struct dif_step {
	struct op *op;
	struct siov_atc *atc;
	struct window src, dst;
	uint64_t src_iova, dst_iova; /* where the windows go on */
	uint32_t src_left, dst_left; /* bytes beyond the windows that the step may take */
	uint32_t block, src_len, dst_len; /* bytes of a block, without and with tuples */
	uint32_t nb_blocks; /* most that the step may do */
	uint32_t nb_bounced; /* bytes written for another process */
};

/* ---- sizes ---- */

static bool
has_src_tuple(const struct dsa_hw_desc *desc)
{
	return desc->opcode != DSA_OPCODE_DIF_INS;
}

static bool
has_dst_tuple(const struct dsa_hw_desc *desc)
{
	return desc->opcode == DSA_OPCODE_DIF_INS || desc->opcode == DSA_OPCODE_DIF_UPDT;
}

static uint32_t
block_size(const struct dsa_hw_desc *desc)
{
	static const uint16_t sizes[] = {512, 520, 4096, BLOCK_MAX};

	return sizes[desc->dif_upd_flags & DIF_BLOCK];
}

uint32_t
op_dif_src_len(const struct op *op)
{
	return block_size(op->desc) + (has_src_tuple(op->desc) ? TUPLE : 0);
}

static uint32_t
dst_len_of(const struct op *op)
{
	return block_size(op->desc) + (has_dst_tuple(op->desc) ? TUPLE : 0);
}

/* Whole blocks in bytes. The lengths are spelled out so that nothing is divided. */
static uint32_t
count_blocks(uint32_t bytes, uint32_t len)
{
	switch (len) {
	case 512:
		return bytes / 512;
	case 520:
		return bytes / 520;
	case 528:
		return bytes / 528;
	case 4096:
		return bytes / 4096;
	case 4104:
		return bytes / 4104;
	default:
		return bytes / 4112;
	}
}

uint64_t
op_dif_dst_bytes(const struct op *op)
{
	return (uint64_t)count_blocks(op->desc->xfer_size, op_dif_src_len(op)) * dst_len_of(op);
}

uint64_t
op_dif_dst_addr(const struct op *op)
{
	return op->desc->dst_addr + (uint64_t)op->nb_blocks * dst_len_of(op);
}

void
op_prepare_dif(struct op *op)
{
	const struct dsa_hw_desc *desc = op->desc;
	uint32_t src_len = op_dif_src_len(op);
	uint64_t apart = desc->dst_addr - desc->src_addr;

	op->nb_blocks = 0;
	if (desc->xfer_size != count_blocks(desc->xfer_size, src_len) * src_len)
		op->status = DSA_COMP_XFER_ERANGE;
	else if (op->type->uses & OP_WRITES &&
		 (apart < desc->xfer_size || -apart < op_dif_dst_bytes(op)))
		op->status = DSA_COMP_OVERLAP_BUFFERS;
}

/* ---- tuples ---- */

static uint16_t
sum_block(const struct dsa_hw_desc *desc, const uint8_t *block, uint32_t len)
{
	uint16_t seed = desc->dif_upd_flags & DIF_INVERT_SEED ? UINT16_MAX : 0;
	uint16_t crc = crc16_t10dif(seed, block, len);

	return desc->dif_upd_flags & DIF_INVERT_RESULT ? (uint16_t)~crc : crc;
}

/* Tags of the source's block i. */
static struct tuple
src_tags(const struct dsa_hw_desc *desc, uint32_t i)
{
	return (struct tuple){
		.app = (uint16_t)(desc->src_app_tag_seed +
				  (desc->src_upd_flags & SRC_APP_INC ? i : 0)),
		.ref = desc->src_ref_tag_seed + (desc->src_upd_flags & SRC_REF_FIXED ? 0 : i),
	};
}

/* Tags of the destination's block i. */
static struct tuple
dst_tags(const struct dsa_hw_desc *desc, uint32_t i)
{
	return (struct tuple){
		.app = (uint16_t)(desc->dest_app_tag_seed +
				  (desc->upd_dest_flags & DST_APP_INC ? i : 0)),
		.ref = desc->dest_ref_tag_seed + (desc->upd_dest_flags & DST_REF_FIXED ? 0 : i),
	};
}

static struct tuple
load_tuple(const uint8_t *p)
{
	struct tuple t;

	memcpy(&t, p, sizeof(t));
	t.guard = rte_be_to_cpu_16(t.guard);
	t.app = rte_be_to_cpu_16(t.app);
	t.ref = rte_be_to_cpu_32(t.ref);
	return t;
}

/* Whether tags of all ones take the block out of the checks. */
static bool
is_exempt(const struct tuple *got, uint32_t flags)
{
	if (got->app != UINT16_MAX)
		return false;
	if (flags & SRC_APP_F)
		return true;
	if (got->ref != UINT32_MAX)
		return false;
	return flags & SRC_APP_REF_F || (flags & SRC_ALL_F && got->guard == UINT16_MAX);
}

/* What is wrong with the tuple of block i: BAD_*. */
static uint8_t
check_tuple(const struct dsa_hw_desc *desc, const struct tuple *got, uint16_t guard, uint32_t i)
{
	const struct tuple want = src_tags(desc, i);
	uint32_t flags = desc->src_upd_flags;
	uint8_t bad = 0;

	if (flags & SRC_ALL_F_ERROR && got->guard == UINT16_MAX && got->app == UINT16_MAX &&
	    got->ref == UINT32_MAX)
		return BAD_ALL_F;
	if (is_exempt(got, flags))
		return 0;
	if (!(flags & SRC_NO_GUARD) && got->guard != guard)
		bad |= BAD_GUARD;
	if (((got->app ^ want.app) & ~desc->src_app_tag_mask & UINT16_MAX) != 0)
		bad |= BAD_APP;
	if (!(flags & SRC_NO_REF) && got->ref != want.ref)
		bad |= BAD_REF;
	return bad;
}

/* Put the destination's tuple of block i at p, where that of the source may stand. */
static void
store_tuple(const struct dsa_hw_desc *desc, uint8_t *p, uint16_t guard, uint32_t i)
{
	const struct tuple tags = dst_tags(desc, i);
	uint16_t mask = (uint16_t)~desc->dest_app_tag_mask;
	const struct tuple out = {
		.guard = rte_cpu_to_be_16(guard),
		.app = rte_cpu_to_be_16(tags.app & mask),
		.ref = rte_cpu_to_be_32(tags.ref),
	};
	uint32_t flags = desc->upd_dest_flags;

	if (!(flags & DST_PASS_GUARD))
		memcpy(p + offsetof(struct tuple, guard), &out.guard, sizeof(out.guard));
	if (!(flags & DST_PASS_APP))
		memcpy(p + offsetof(struct tuple, app), &out.app, sizeof(out.app));
	if (!(flags & DST_PASS_REF))
		memcpy(p + offsetof(struct tuple, ref), &out.ref, sizeof(out.ref));
}

/* As a record has them: reference tag, mask and application tag of the next block. */
static uint64_t
tag_word(struct tuple tags, uint16_t mask)
{
	return tags.ref | (uint64_t)mask << 32 | (uint64_t)tags.app << 48;
}

uint64_t
op_dif_src_tags(const struct op *op)
{
	if (!has_src_tuple(op->desc))
		return 0;
	return tag_word(src_tags(op->desc, op->nb_blocks), op->desc->src_app_tag_mask);
}

uint64_t
op_dif_dst_tags(const struct op *op)
{
	if (!has_dst_tuple(op->desc))
		return 0;
	return tag_word(dst_tags(op->desc, op->nb_blocks), op->desc->dest_app_tag_mask);
}

/* ---- blocks ---- */

/* Let an empty window go on at *iova. False: a fault. */
static bool
open_window(struct dif_step *s, struct window *w, uint64_t *iova, uint32_t *left, unsigned int perm)
{
	if (w->len != 0)
		return true;
	w->len = *left;
	w->p = op_translate(s->op, s->atc, *iova, perm, &w->len);
	if (w->p == NULL)
		return false;
	*iova += w->len;
	*left -= w->len;
	return true;
}

/* The next of what a window has, at most max bytes. */
static struct window
take(struct window *w, uint32_t max)
{
	struct window piece = {.p = w->p, .len = RTE_MIN(w->len, max)};

	w->p += piece.len;
	w->len -= piece.len;
	return piece;
}

/* The next block of the source with its tuple, in buf unless it is only looked at. NULL: a fault. */
static const uint8_t *
read_block(struct dif_step *s, uint8_t *buf)
{
	uint32_t done = 0;

	while (done < s->src_len) {
		struct window piece;

		if (!open_window(s, &s->src, &s->src_iova, &s->src_left, SIOV_PERM_R))
			return NULL;
		piece = take(&s->src, s->src_len - done);
		if (piece.len == s->src_len && !(s->op->type->uses & OP_WRITES))
			return piece.p;
		memcpy(buf + done, piece.p, piece.len);
		done += piece.len;
	}
	return buf;
}

/* Find out which page is bad before anything is written. */
static void
touch_pages(const struct window *pieces, unsigned int nb)
{
	unsigned int i;

	for (i = 0; i < nb; i++) {
		uint8_t *p = pieces[i].p, *end = p + pieces[i].len;

		for (; p < end; p = RTE_PTR_ALIGN_FLOOR(p, GUARD_PAGE) + GUARD_PAGE)
			guard_touch(p);
	}
}

/* Write a block with or without its tuple. False: a fault, and nothing was written. */
static bool
write_block(struct dif_step *s, const uint8_t *buf)
{
	struct window pieces[PIECES_MAX];
	unsigned int i, nb = 0;
	uint32_t done;

	for (done = 0; done < s->dst_len; done += pieces[nb++].len) {
		if (!open_window(s, &s->dst, &s->dst_iova, &s->dst_left, SIOV_PERM_W))
			return false;
		pieces[nb] = take(&s->dst, s->dst_len - done);
		if (s->op->has_bounce)
			s->nb_bounced += pieces[nb].len;
	}
	if (siov_atc_may_fault(s->atc))
		touch_pages(pieces, nb);
	for (i = 0, done = 0; i < nb; done += pieces[i++].len)
		memcpy(pieces[i].p, buf + done, pieces[i].len);
	return true;
}

/* Block i of the operation. False: op->status says why not. */
static bool
do_block(struct dif_step *s, uint32_t i, uint8_t *buf)
{
	const struct dsa_hw_desc *desc = s->op->desc;
	const uint8_t *block = read_block(s, buf);
	uint16_t guard;

	if (block == NULL)
		return false;
	guard = sum_block(desc, block, s->block);
	if (has_src_tuple(desc)) {
		const struct tuple got = load_tuple(block + s->block);

		s->op->result = check_tuple(desc, &got, guard, i);
		if (s->op->result != 0) {
			s->op->status = DSA_COMP_DIF_ERR;
			return false;
		}
	}
	if (has_dst_tuple(desc))
		store_tuple(desc, buf + s->block, guard, i);
	return !(s->op->type->uses & OP_WRITES) || write_block(s, buf);
}

/* Send what was written for another process. Returns how many of nb blocks are done. */
static uint32_t
commit_blocks(struct dif_step *s, uint32_t nb)
{
	uint32_t arrived;

	if (!s->op->has_bounce)
		return nb;
	arrived = op_remote_commit(s->op, s->atc, s->nb_bounced);
	if (arrived == s->nb_bounced)
		return nb;
	/* What was found behind it does not count. */
	s->op->result = 0;
	s->op->fault_reason = 0;
	return count_blocks(arrived, s->dst_len);
}

uint32_t
op_step_dif(struct op *op, struct siov_atc *atc, uint32_t max)
{
	struct dif_step s = {
		.op = op,
		.atc = atc,
		.src_iova = op->desc->src_addr + op->done,
		.dst_iova = op_dif_dst_addr(op),
		.block = block_size(op->desc),
		.src_len = op_dif_src_len(op),
		.dst_len = dst_len_of(op),
	};
	uint8_t buf[BLOCK_MAX + TUPLE];
	uint32_t nb = 0;

	/* One at least: a part of a block cannot be checked. */
	s.nb_blocks = RTE_MAX(count_blocks(RTE_MIN(max, STEP_MAX), s.src_len), 1u);
	s.src_left = s.nb_blocks * s.src_len;
	s.dst_left = s.nb_blocks * s.dst_len;
	while (nb < s.nb_blocks && do_block(&s, op->nb_blocks + nb, buf))
		nb++;
	nb = commit_blocks(&s, nb);
	op->nb_blocks += nb;
	return nb * s.src_len;
}

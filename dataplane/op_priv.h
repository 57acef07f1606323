/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Operations: one table of what each opcode allows and does.
 *
 * An operation is checked once, on the engine's own copy of the descriptor, then run in slices. A
 * slice ends at the latest after its budget of bytes; a transfer that is done, failed or found a
 * difference says so in its status.
 */
#ifndef OP_PRIV_H
#define OP_PRIV_H

#include "siov_atc.h"
#include "siov_desc.h"

struct op;
struct op_limits;
struct msg_table; /* msg_priv.h */
struct remote; /* remote_priv.h */

/* One stretch of an operation that crosses no page: at most max bytes from op->done on. Returns
 * how many were done; 0: op->status says why.
 */
typedef uint32_t (*op_step_fn)(struct op *op, struct siov_atc *atc, uint32_t max);

uint32_t op_step_move(struct op *op, struct siov_atc *atc, uint32_t max);
uint32_t op_step_fill(struct op *op, struct siov_atc *atc, uint32_t max);
uint32_t op_step_compare(struct op *op, struct siov_atc *atc, uint32_t max);
uint32_t op_step_compare_pattern(struct op *op, struct siov_atc *atc, uint32_t max);
uint32_t op_step_crc(struct op *op, struct siov_atc *atc, uint32_t max);
uint32_t op_step_copy_crc(struct op *op, struct siov_atc *atc, uint32_t max);
uint32_t op_step_dualcast(struct op *op, struct siov_atc *atc, uint32_t max);
uint32_t op_step_flush(struct op *op, struct siov_atc *atc, uint32_t max);
uint32_t op_step_dif(struct op *op, struct siov_atc *atc, uint32_t max);
uint32_t op_step_create_delta(struct op *op, struct siov_atc *atc, uint32_t max);
uint32_t op_step_apply_delta(struct op *op, struct siov_atc *atc, uint32_t max);

/* What op_type.uses says of an operation. */
#define OP_DATA 0x1u /* works on xfer_size bytes */
#define OP_NO_OVERLAP 0x2u /* source and destination must be apart */
#define OP_MOVES 0x4u /* source and destination may overlap: mind the direction */
#define OP_COMPARES 0x8u /* expected result in byte 40, with flag CR */
#define OP_READS 0x10u /* src_addr is an address to read from */
#define OP_WRITES 0x20u /* dst_addr is an address to write to */
#define OP_READS2 0x40u /* src2_addr is an address to read from */
#define OP_DELTA 0x80u /* makes or applies a delta record */
#define OP_DIF 0x100u /* works on blocks with tuples */
#define OP_WRITES2 0x200u /* dest2 is an address to write to */
#define OP_CRC 0x400u /* sums up, perhaps from a seed in memory */
#define OP_BATCH 0x10000u
#define OP_DRAIN 0x20000u
#define OP_CHECKED 0x80000000u /* in op_type.flags: op_examine always looks at it */

/* What one opcode allows and does; an opcode that is not offered has no flags. */
struct op_type {
	op_step_fn step;
	uint32_t flags; /* descriptor flags allowed */
	uint32_t uses; /* OP_* */
	void (*prepare)(struct op *op); /* the operation's own checks, with OP_CHECKED; or NULL */
	uint64_t rsvd[3]; /* bits of bytes 40 to 63 that must be zero */
	uint32_t word_flag; /* a flag that makes bytes 40 + 8 * word an operand; 0: there is none */
	uint32_t word;
};

/* The last one stands for all opcodes beyond. */
#define OP_TYPES (DSA_OPCODE_CFLUSH + 2)
extern const struct op_type op_types[OP_TYPES];

/* Not finished yet; every other value is a completion code, perhaps with DSA_COMP_STATUS_WRITE. */
#define OP_MORE 0u

/* One descriptor being worked on. */
struct op {
	const struct dsa_hw_desc *desc; /* the engine's own copy */
	const struct op_type *type;
	uint64_t fault_addr;
	uint32_t done; /* bytes */
	union {
		uint32_t crc; /* inverted, lowest bit first, see op_crc.c */
		uint32_t nb_blocks; /* with tuples, done */
		uint32_t delta_len; /* bytes of the record so far */
	};
	uint32_t invalid_flags;
	uint32_t nb_lookups; /* translations asked for */
	uint8_t status; /* OP_MORE or a completion code */
	uint8_t result;
	uint8_t is_backward; /* a move that starts at the high end */
	uint8_t has_bounce; /* what the step wrote is still to be sent to another process */
	uint8_t fault_reason; /* of a translation (enum siov_fault); 0: another kind of fault */
	uint8_t fault_perm; /* what it was asked for */
	uint8_t perm_shift; /* makes of SIOV_PERM_* what this request needs: Priv or not */
	/* Where source and destination start if translated ahead, for this poll only; NULL: not. */
	const uint8_t *src;
	uint8_t *dst;
	uint32_t src_len; /* bytes from there to the end of the page */
	uint32_t dst_len;
	const struct op_limits *limits;
};

/* Flush lines from `from`, which is aligned, up to end: out of the caches, or kept there as well. */
struct op_flush {
	void (*evict)(const uint8_t *from, const uint8_t *end);
	void (*keep)(const uint8_t *from, const uint8_t *end);
};

/* What this processor has. */
const struct op_flush *op_flush_choose(void);

/* What the queue and device allow. */
struct op_limits {
	const struct op_type *types; /* OP_TYPES of them: the table, without what is not allowed */
	uint32_t xfer_max; /* bytes */
	uint32_t forbidden; /* flags that the queue does not allow */
	bool priv_enabled;
	struct msg_table *messages; /* that interrupt handles name; NULL: none is valid */
	struct remote *remote; /* how the engine reaches other processes */
	const struct op_flush *flush; /* how the processor flushes caches */
};

/* Find what is wrong with op->desc, which op_prepare found suspect; sets op->status, perm_shift. */
void op_examine(struct op *op, const struct op_limits *limits);

/* By how much permissions are shifted for a descriptor, of which this is the first word. */
static inline unsigned int
op_perm_shift(uint64_t word0)
{
	return (word0 & SIOV_DESC_PRIV) != 0 ? SIOV_PERM_PRIV_SHIFT : 0;
}

/* Check what only delta records, blocks with tuples, two destinations have; set op->status. */
void op_prepare_delta(struct op *op);
void op_prepare_dif(struct op *op);
void op_prepare_dualcast(struct op *op);

/* Read n bytes, which may cross a page. False: op->status and fault_addr set. */
bool op_fetch(struct op *op, struct siov_atc *atc, uint64_t iova, void *dst, uint32_t n);

/* The source of what comes next, shortened to its page. NULL: status is set. */
const uint8_t *op_translate_src(struct op *op, struct siov_atc *atc, uint32_t *len);

/* Source and destination of what comes next, both shortened to their pages. False: status is set. */
bool op_translate_pair(struct op *op, struct siov_atc *atc, uint32_t *len, const uint8_t **src,
		       uint8_t **dst);

/* Sum up data from crc on, as the operation's flags say; and what a record tells of op->crc. */
uint32_t op_crc_update(const struct op *op, const uint8_t *data, uint32_t len, uint32_t crc);
uint32_t op_crc_value(const struct op *op);

/* Address of iova for the PASID; shortens *len to the page. NULL: op->status and fault_addr set. */
uint8_t *op_translate(struct op *op, struct siov_atc *atc, uint64_t iova, unsigned int perm,
		      uint32_t *len);

/*
 * Of operations on blocks with tuples: bytes of a block in the source, address of the next one in
 * the destination, bytes of all of those, and the tags of the next block as a record has them.
 */
uint32_t op_dif_src_len(const struct op *op);
uint64_t op_dif_dst_addr(const struct op *op);
uint64_t op_dif_dst_bytes(const struct op *op);
uint64_t op_dif_src_tags(const struct op *op);
uint64_t op_dif_dst_tags(const struct op *op);

/* Give op a final failure without looking at its descriptor. */
void op_refuse(struct op *op, uint8_t code, uint64_t fault_addr);

/* Check the size and addresses of an operation with data, and prepare for its first step. */
static inline void
op_prepare_data(struct op *op, const struct op_limits *limits)
{
	uint64_t src = siov_desc_load_word(&op->desc->src_addr);
	uint64_t dst = siov_desc_load_word(&op->desc->dst_addr);
	uint32_t size = op->desc->xfer_size;
	uint32_t uses = op->type->uses;

	if (unlikely(size == 0 || size > limits->xfer_max))
		op->status = DSA_COMP_XFER_ERANGE;
	else if (unlikely(uses & OP_NO_OVERLAP && (src - dst < size || dst - src < size)))
		op->status = DSA_COMP_OVERLAP_BUFFERS;
	else
		op->is_backward = uses & OP_MOVES && dst - src < size;
	op->crc = ~op->desc->crc_seed;
}

/*
 * Check desc and prepare op for it; desc must stay as it is until op is done. op->status is then a
 * completion code if the descriptor is refused, else OP_MORE.
 *
 * Reserved bits, flags and the rest are looked at together, and only what is suspect is examined.
 */
static inline void
op_prepare(struct op *op, const struct dsa_hw_desc *desc, const struct op_limits *limits)
{
	uint64_t word[8], suspect;
	uint32_t flags, opcode, i;

	for (i = 0; i < RTE_DIM(word); i++)
		word[i] = siov_desc_load_word((const char *)desc + i * sizeof(word[0]));
	flags = (word[0] >> 32) & 0xffffff;
	opcode = word[0] >> 56;
	op->desc = desc;
	op->type = &limits->types[opcode < OP_TYPES ? opcode : OP_TYPES - 1];
	op->fault_addr = 0;
	op->done = 0;
	op->invalid_flags = 0;
	op->nb_lookups = 0;
	op->status = OP_MORE;
	op->result = 0;
	op->is_backward = 0;
	op->has_bounce = 0;
	op->fault_reason = 0;
	op->perm_shift = 0;
	op->src = NULL;
	op->dst = NULL;
	op->limits = limits;
	suspect = (flags & ~op->type->flags) | (flags & limits->forbidden) |
		  (word[0] & SIOV_DESC_PRIV) | word[4] >> 48 | (word[5] & op->type->rsvd[0]) |
		  (word[6] & op->type->rsvd[1]) | (word[7] & op->type->rsvd[2]) |
		  (flags & IDXD_OP_FLAG_RCI) |
		  ((flags >> 1) & ~flags & IDXD_OP_FLAG_CRAV) /* RCR without CRAV */ |
		  (op->type->flags - 1 >= OP_CHECKED - 1); /* none, or OP_CHECKED */
	if (unlikely(suspect != 0))
		op_examine(op, limits);
	else if (op->type->uses & OP_DATA)
		op_prepare_data(op, limits);
}

/* Whether the operation moves xfer_size bytes. */
static inline bool
op_has_data(const struct op *op)
{
	return op->type->uses & OP_DATA;
}

/* Whether the operation met a page that is not there. */
static inline bool
op_is_page_fault(const struct op *op)
{
	return (op->status & DSA_COMP_STATUS_MASK) == DSA_COMP_PAGE_FAULT_NOBOF;
}

/* Whether the operation may wait for pages; its descriptor was found right. */
static inline bool
op_can_block(const struct op *op)
{
	return op->desc->flags & IDXD_OP_FLAG_BOF;
}

/* Pages that must be there before anything of the operation is done. */
static inline uint32_t
op_nb_pages(const struct op *op)
{
	if (op->type->uses & OP_DELTA)
		return 4; /* both sources, and an entry that crosses a page */
	if (op->type->uses & OP_DIF)
		return 6;
	if (op->type->uses & OP_CRC && op->desc->flags & SIOV_OP_FLAG_CRC_SEED)
		return 4; /* a seed that crosses a page, too */
	return op->type->uses & OP_WRITES2 ? 3 : 2;
}

/*
 * Work on at most budget bytes (at least 1) of an operation with data. Afterwards op->status says whether there is more, and
 * op->done how far it got.
 */
void op_run(struct op *op, struct siov_atc *atc, uint32_t budget);

/* The same where no address can fault once it is translated. */
void op_run_steps(struct op *op, struct siov_atc *atc, uint32_t budget);

/* The same where some can, see op_guard.c. */
void op_run_guarded(struct op *op, struct siov_atc *atc, uint32_t budget);

/*
 * Memory of another process, see op_remote.c. Translate: where in the engine's bounce buffers the
 * bytes at iova are, or what is written there goes; shortens *len. NULL: they cannot be read.
 * Commit: send the n bytes that a step wrote. Returns how many arrived; fewer: op->status is set.
 */
uint8_t *op_remote_translate(struct op *op, struct siov_atc *atc, uint64_t iova, unsigned int perm,
			     uint32_t *len);
uint32_t op_remote_commit(struct op *op, struct siov_atc *atc, uint32_t n);

/* The same for an entry that crosses a page: all of its n bytes arrive, or none stays. */
bool op_remote_commit_whole(struct op *op, struct siov_atc *atc, uint32_t n);

/*
 * Of n bytes at iova that are not changed: how many are there, up to the first bad page; fewer:
 * op->status is set.
 */
uint32_t op_remote_look(struct op *op, struct siov_atc *atc, uint64_t iova, uint32_t n);

/* The same to two places: what arrives at the second is as much as stays at the first. */
uint32_t op_remote_commit_both(struct op *op, struct siov_atc *atc, uint64_t first, uint32_t n);

#endif /* OP_PRIV_H */

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Random descriptors through a lane, against a model that does one byte at a time.
 *
 * The guest has a window of pages, each readable, writable, both or absent, in unrelated memory.
 * Descriptors are right ones, mutated ones, and noise; addresses lie mostly in the window, and
 * completion records may lie anywhere, source and destination included. After each descriptor its
 * record, every byte of guest memory, the error log and the counters must be those of the model.
 * Everything outside the mapped pages is inaccessible to the process (rig.h).
 *
 *     fuzz_desc [FIRST_SEED [ROUNDS]]
 */
#include <stdlib.h>

#include "delta_model.h"
#include "dif_model.h"
#include "ops_model.h"

#define WINDOW UINT64_C(0x7ffff000) /* the window lies across 2 GiB */
#define PAGES 48u
#define BYTES (PAGES * RIG_PAGE)
#define PASID 0x12345u
#define ROUNDS 48u /* each has a window of its own */
#define DESCS 600u /* of one round */
#define RW (SIOV_PERM_R | SIOV_PERM_W)

/* What the device must have done. */
struct expected {
	uint8_t status; /* 0: no record and no error */
	uint8_t result;
	bool is_logged; /* told to the log, not to the client */
	uint32_t done;
	uint64_t fault_addr;
	uint64_t value, value2; /* bytes 16 to 23, 24 to 31 */
};

struct fuzz {
	struct rig *rig;
	struct rig_guest *guest;
	struct siov_portal priv_portal;
	unsigned int perm[PAGES];
	uint8_t *page[PAGES]; /* NULL where absent */
	uint8_t model[BYTES];
	uint64_t nb_completed, nb_failed, nb_bytes;
	uint64_t nb_by_status[256];
};

static uint64_t first_seed;
static uint64_t nb_rounds = ROUNDS;

/* ---- the model ---- */

/* The byte at iova, or NULL if the access is not allowed. */
static uint8_t *
model_byte(struct fuzz *fuzz, uint64_t iova, unsigned int perm)
{
	uint64_t offset = iova - WINDOW;

	if (offset >= BYTES || (fuzz->perm[offset / RIG_PAGE] & perm) == 0)
		return NULL;
	return &fuzz->model[offset];
}

static uint8_t *
fuzz_byte(void *ctx, uint64_t iova, bool is_write)
{
	return model_byte(ctx, iova, is_write ? SIOV_PERM_W : SIOV_PERM_R);
}

static void
model_run(struct fuzz *fuzz, const struct dsa_hw_desc *desc, struct expected *e)
{
	const struct ops_outcome out = ops_model_run(desc, fuzz_byte, fuzz);

	e->status = out.status;
	e->result = out.result;
	e->done = out.done;
	e->fault_addr = out.fault_addr;
	e->value = out.value;
}

static void
model_run_dif(struct fuzz *fuzz, const struct dsa_hw_desc *desc, struct expected *e)
{
	const struct dif_outcome out = dif_model_run(desc, fuzz_byte, fuzz);

	e->status = out.status;
	e->result = out.result;
	e->done = out.done;
	e->fault_addr = out.fault_addr;
	e->value = out.words[0];
	e->value2 = out.words[1];
}

static void
model_run_delta(struct fuzz *fuzz, const struct dsa_hw_desc *desc, struct expected *e)
{
	const struct delta_outcome out = delta_model_run(desc, fuzz_byte, fuzz);

	e->status = out.status;
	e->result = out.result;
	e->done = out.done;
	e->fault_addr = out.fault_addr;
	e->value = out.len;
}

/* Bits of the flags that an opcode allows; 0: opcode not known. */
static uint32_t
model_flags(uint8_t opcode)
{
	switch (opcode) {
	case DSA_OPCODE_NOOP:
		return 0x00103c;
	case DSA_OPCODE_BATCH:
		return 0x00123c;
	case DSA_OPCODE_DRAIN:
		return 0x00163c;
	case DSA_OPCODE_MEMMOVE:
	case DSA_OPCODE_AP_DELTA:
	case DSA_OPCODE_DIF_INS:
	case DSA_OPCODE_DIF_STRP:
	case DSA_OPCODE_DIF_UPDT:
		return 0x00f73c;
	case DSA_OPCODE_MEMFILL:
		return 0x04f53c;
	case DSA_OPCODE_CFLUSH:
		return 0x00f53c;
	case DSA_OPCODE_DUALCAST:
		return 0x01ff3c;
	case DSA_OPCODE_COMPARE:
		return 0x0016bc;
	case DSA_OPCODE_COMPVAL:
		return 0x0012bc;
	case DSA_OPCODE_CR_DELTA:
		return 0x00ffbc;
	case DSA_OPCODE_CRCGEN:
		return 0x071a3c;
	case DSA_OPCODE_COPY_CRC:
		return 0x07ff3c;
	case DSA_OPCODE_DIF_CHECK:
		return 0x00123c;
	default:
		return 0;
	}
}

/* Whether byte i of bytes 40 to 63 is used. */
static bool
model_uses(const struct dsa_hw_desc *desc, unsigned int i)
{
	switch (desc->opcode) {
	case DSA_OPCODE_COMPARE:
	case DSA_OPCODE_COMPVAL:
		return i == 0;
	case DSA_OPCODE_MEMFILL:
		return i < 8 && desc->flags & SIOV_OP_FLAG_FILL16;
	case DSA_OPCODE_DUALCAST:
		return i < 8;
	case DSA_OPCODE_CRCGEN:
	case DSA_OPCODE_COPY_CRC:
		return i < 4 || (i >= 8 && i < 16 && desc->flags & SIOV_OP_FLAG_CRC_SEED);
	default:
		return false;
	}
}

static bool
model_has_reserved(const struct dsa_hw_desc *desc)
{
	unsigned int i;

	if (dif_model_is_dif(desc->opcode))
		return dif_model_has_reserved(desc);
	if (delta_model_is_delta(desc->opcode))
		return delta_model_has_reserved(desc);
	for (i = 0; i < sizeof(desc->op_specific); i++) {
		if (desc->op_specific[i] != 0 && !model_uses(desc, i))
			return true;
	}
	return desc->rsvd1 != 0;
}

/* The status that refuses the descriptor, or 0. */
static uint8_t
model_check(const struct dsa_hw_desc *desc, struct expected *e)
{
	uint32_t allowed = model_flags(desc->opcode);
	uint32_t invalid = desc->flags & ~allowed;

	if (allowed == 0)
		return DSA_COMP_BAD_OPCODE;
	if (desc->priv)
		return DSA_COMP_PRIV_BAD;
	if ((desc->flags & RIG_CRAV_RCR) == IDXD_OP_FLAG_RCR)
		invalid |= IDXD_OP_FLAG_RCR;
	if (invalid != 0) {
		e->value = invalid;
		return DSA_COMP_INVALID_FLAGS;
	}
	if (model_has_reserved(desc))
		return DSA_COMP_NOZERO_RESERVE;
	if (desc->flags & IDXD_OP_FLAG_RCI)
		return DSA_COMP_INT_HANDLE_INVAL;
	if (desc->opcode == DSA_OPCODE_NOOP || desc->opcode == DSA_OPCODE_DRAIN)
		return 0;
	if (desc->opcode == DSA_OPCODE_BATCH)
		return DSA_COMP_BAD_OPCODE; /* this queue takes none */
	if (desc->xfer_size == 0 || desc->xfer_size > UINT32_C(1) << 31)
		return DSA_COMP_XFER_ERANGE;
	if (desc->opcode == DSA_OPCODE_COPY_CRC &&
	    (desc->src_addr - desc->dst_addr < desc->xfer_size ||
	     desc->dst_addr - desc->src_addr < desc->xfer_size))
		return DSA_COMP_OVERLAP_BUFFERS;
	if (desc->opcode == DSA_OPCODE_DUALCAST)
		return ops_model_check_dualcast(desc);
	if (delta_model_is_delta(desc->opcode))
		return delta_model_check(desc);
	return dif_model_is_dif(desc->opcode) ? dif_model_check(desc) : 0;
}

static uint8_t
model_check_completion(struct fuzz *fuzz, const struct dsa_hw_desc *desc)
{
	if (!(desc->flags & IDXD_OP_FLAG_CRAV))
		return 0;
	if (desc->completion_addr % 32 != 0)
		return DSA_COMP_CRA_ALIGN;
	return model_byte(fuzz, desc->completion_addr, SIOV_PERM_W) != NULL ? 0 : DSA_COMP_CRA_XLAT;
}

static struct expected
model(struct fuzz *fuzz, const struct dsa_hw_desc *desc)
{
	struct expected e = {.status = model_check_completion(fuzz, desc)};

	if (e.status != 0) {
		e.is_logged = true;
		e.fault_addr = desc->completion_addr;
		return e;
	}
	e.status = model_check(desc, &e);
	if (e.status == 0) {
		if (desc->opcode == DSA_OPCODE_NOOP || desc->opcode == DSA_OPCODE_DRAIN)
			e.status = DSA_COMP_SUCCESS;
		else if (dif_model_is_dif(desc->opcode))
			model_run_dif(fuzz, desc, &e);
		else if (delta_model_is_delta(desc->opcode))
			model_run_delta(fuzz, desc, &e);
		else
			model_run(fuzz, desc, &e);
	}
	e.is_logged = !(desc->flags & IDXD_OP_FLAG_CRAV) && e.status != DSA_COMP_SUCCESS &&
		      e.status != DSA_COMP_SUCCESS_PRED;
	return e;
}

/* ---- descriptors ---- */

static uint64_t
pick(struct fuzz *fuzz, uint64_t nb)
{
	return rig_random(fuzz->rig) % nb;
}

static uint64_t
random_address(struct fuzz *fuzz)
{
	switch (pick(fuzz, 12)) {
	case 0: /* anywhere */
		return rig_random(fuzz->rig);
	case 1: /* around either end of the window */
		return WINDOW + pick(fuzz, 2) * BYTES + pick(fuzz, 128) - 64;
	case 2: /* at either end of all addresses */
		return pick(fuzz, 2 * RIG_PAGE) - RIG_PAGE;
	case 3: /* a page's edge */
		return WINDOW + pick(fuzz, PAGES) * RIG_PAGE + pick(fuzz, 16) - 8;
	default:
		return WINDOW + pick(fuzz, BYTES);
	}
}

/* Mostly where a record can be written. */
static uint64_t
random_record(struct fuzz *fuzz)
{
	uint64_t page = pick(fuzz, PAGES);

	if (pick(fuzz, 12) == 0)
		return random_address(fuzz) & ~UINT64_C(31);
	while (!(fuzz->perm[page] & SIOV_PERM_W))
		page = (page + 1) % PAGES;
	return WINDOW + page * RIG_PAGE + 32 * pick(fuzz, RIG_PAGE / 32);
}

/* Change a byte of the guest's memory, and of the model's. */
static void
poke_byte(struct fuzz *fuzz, uint64_t offset, uint8_t value)
{
	if (fuzz->page[offset / RIG_PAGE] == NULL)
		return;
	fuzz->page[offset / RIG_PAGE][offset % RIG_PAGE] = value;
	fuzz->model[offset] = value;
}

static uint32_t
random_size(struct fuzz *fuzz)
{
	switch (pick(fuzz, 16)) {
	case 0:
		return (uint32_t)rig_random(fuzz->rig);
	case 1: /* long */
		return RIG_SLICE - 2 + pick(fuzz, BYTES - RIG_SLICE);
	case 2:
	case 3:
		return pick(fuzz, 4 * RIG_PAGE);
	case 4:
		return pick(fuzz, 2);
	default:
		return 1 + pick(fuzz, 600);
	}
}

/* Tuples of chance are hardly ever right: often put right ones there, or check little. */
static void
choose_blocks(struct fuzz *fuzz, struct dsa_hw_desc *desc)
{
	uint32_t len, i, k, nb = 1 + pick(fuzz, 6);

	dif_model_choose(fuzz->rig, desc);
	len = dif_model_src_len(desc);
	if (pick(fuzz, 10) != 0)
		desc->xfer_size = nb * len;
	if (pick(fuzz, 4) == 0)
		return;
	for (i = 0; i < nb && desc->opcode != DSA_OPCODE_DIF_INS; i++) {
		uint64_t offset = desc->src_addr + (uint64_t)i * len - WINDOW;
		uint8_t block[DIF_LEN_MAX];

		if (offset >= BYTES - len)
			continue;
		memcpy(block, fuzz->model + offset, len);
		dif_model_make_right(desc, block, i);
		for (k = 0; k < len; k++)
			poke_byte(fuzz, offset + k, block[k]);
	}
}

/* Records of chance are hardly ever right either: mostly put one there. */
static void
choose_delta(struct fuzz *fuzz, struct dsa_hw_desc *desc)
{
	uint32_t i, nb = 1 + pick(fuzz, 30), index = 0;
	uint64_t record = desc->src_addr & ~UINT64_C(7);

	if (pick(fuzz, 20) != 0) {
		desc->src_addr &= ~UINT64_C(7);
		desc->dst_addr &= ~UINT64_C(7);
		desc->xfer_size = RTE_MAX(desc->xfer_size & ~7u, 8u);
	}
	if (desc->opcode == DSA_OPCODE_CR_DELTA) {
		desc->delta_addr = random_address(fuzz) & ~UINT64_C(7);
		desc->max_delta_size = 80 + 10 * (uint32_t)pick(fuzz, pick(fuzz, 2) ? 10 : 1000);
		desc->expected_res_mask = pick(fuzz, 8);
		return;
	}
	desc->delta_rec_size = nb * 10;
	for (i = 0; i < nb * 10 && pick(fuzz, 200) != 0; i++) {
		uint64_t offset = record + i - WINDOW;

		if (i % 10 == 0)
			index += i == 0 ? 0 : 1 + pick(fuzz, desc->xfer_size / 8 / nb + 1);
		if (offset < BYTES && i % 10 < 2)
			poke_byte(fuzz, offset, (uint8_t)(index >> i % 10 * 8));
	}
}

/* Source and destination near each other now and then, so that they overlap or are equal. */
static void
choose_operands(struct fuzz *fuzz, struct dsa_hw_desc *desc)
{
	uint64_t word = rig_random(fuzz->rig);

	desc->src_addr = random_address(fuzz);
	desc->dst_addr = random_address(fuzz);
	if (pick(fuzz, 3) == 0)
		desc->dst_addr = desc->src_addr + pick(fuzz, 1024) - 512;
	desc->xfer_size = random_size(fuzz);
	if (desc->opcode == DSA_OPCODE_MEMFILL)
		desc->pattern = pick(fuzz, 2) == 0 ? word : 0;
	if (desc->opcode == DSA_OPCODE_COMPVAL)
		desc->comp_pattern = pick(fuzz, 2) == 0 ? word : 0;
	if (desc->opcode == DSA_OPCODE_COMPARE || desc->opcode == DSA_OPCODE_COMPVAL)
		desc->expected_res = pick(fuzz, 2);
	if (desc->opcode == DSA_OPCODE_CRCGEN || desc->opcode == DSA_OPCODE_COPY_CRC)
		desc->crc_seed = (uint32_t)word;
	if (desc->opcode == DSA_OPCODE_DUALCAST) {
		desc->dest2 = random_address(fuzz);
		if (pick(fuzz, 20) != 0)
			desc->dest2 =
				RTE_ALIGN_FLOOR(desc->dest2, RIG_PAGE) + desc->dst_addr % RIG_PAGE;
	}
	if (dif_model_is_dif(desc->opcode))
		choose_blocks(fuzz, desc);
	if (delta_model_is_delta(desc->opcode))
		choose_delta(fuzz, desc);
}

/* Right but for where it points. */
static struct dsa_hw_desc
random_right(struct fuzz *fuzz)
{
	static const uint8_t opcodes[] = {
		DSA_OPCODE_NOOP,      DSA_OPCODE_MEMMOVE,  DSA_OPCODE_MEMMOVE,  DSA_OPCODE_MEMFILL,
		DSA_OPCODE_COMPARE,   DSA_OPCODE_COMPVAL,  DSA_OPCODE_CRCGEN,   DSA_OPCODE_COPY_CRC,
		DSA_OPCODE_DIF_CHECK, DSA_OPCODE_DIF_INS,  DSA_OPCODE_DIF_STRP, DSA_OPCODE_DIF_UPDT,
		DSA_OPCODE_CR_DELTA,  DSA_OPCODE_CR_DELTA, DSA_OPCODE_AP_DELTA, DSA_OPCODE_AP_DELTA,
		DSA_OPCODE_DUALCAST,  DSA_OPCODE_DUALCAST, DSA_OPCODE_CFLUSH};
	static const uint32_t requests[] = {RIG_CRAV_RCR, RIG_CRAV_RCR, RIG_CRAV_RCR,
					    IDXD_OP_FLAG_CRAV, 0};
	struct dsa_hw_desc desc;

	memset(&desc, 0, sizeof(desc));
	desc.opcode = opcodes[pick(fuzz, RTE_DIM(opcodes))];
	desc.flags = requests[pick(fuzz, RTE_DIM(requests))];
	desc.completion_addr = random_record(fuzz);
	if (desc.opcode != DSA_OPCODE_NOOP)
		choose_operands(fuzz, &desc);
	if (pick(fuzz, 4) == 0)
		desc.flags |= model_flags(desc.opcode) & rig_random(fuzz->rig) &
			      ~(uint32_t)(RIG_CRAV_RCR | IDXD_OP_FLAG_RCI);
	if (desc.opcode == DSA_OPCODE_MEMFILL && desc.flags & SIOV_OP_FLAG_FILL16)
		rig_random_bytes(fuzz->rig, desc.op_specific, 8);
	if ((desc.opcode == DSA_OPCODE_CRCGEN || desc.opcode == DSA_OPCODE_COPY_CRC) &&
	    desc.flags & SIOV_OP_FLAG_CRC_SEED)
		desc.seed_addr = random_address(fuzz);
	if (pick(fuzz, 100) == 0)
		desc.flags |= IDXD_OP_FLAG_RCI;
	return desc;
}

static struct dsa_hw_desc
random_desc(struct fuzz *fuzz)
{
	struct dsa_hw_desc desc = random_right(fuzz);
	uint8_t bytes[sizeof(desc)];
	unsigned int nb;

	if (pick(fuzz, 3) != 0)
		return desc;
	memcpy(bytes, &desc, sizeof(bytes));
	if (pick(fuzz, 10) == 0) {
		rig_random_bytes(fuzz->rig, bytes, sizeof(bytes));
	} else {
		for (nb = 1 + pick(fuzz, 3); nb > 0; nb--)
			bytes[pick(fuzz, sizeof(bytes))] ^= 1u << pick(fuzz, 8);
	}
	memcpy(&desc, bytes, sizeof(desc));
	return desc;
}

/* ---- one round ---- */

static struct fuzz *
open_fuzz(uint64_t seed)
{
	static const unsigned int perms[] = {RW, RW, RW, RW, RW, SIOV_PERM_R, SIOV_PERM_W, 0};
	struct fuzz *fuzz = calloc(1, RTE_ALIGN_CEIL(sizeof(*fuzz), 64));
	unsigned int i;

	assert_non_null(fuzz);
	fuzz->rig = rig_open(&(struct rig_conf){.arena_len = UINT64_C(2) << 20});
	fuzz->rig->seed = seed;
	rig_add_wq(fuzz->rig, &(struct rig_wq_conf){.size = 8});
	fuzz->guest = rig_add_guest(fuzz->rig, 0, PASID);
	for (i = 0; i < PAGES; i++) {
		fuzz->perm[i] = perms[pick(fuzz, RTE_DIM(perms))];
		if (fuzz->perm[i] == 0)
			continue;
		fuzz->page[i] = rig_take(fuzz->rig, RIG_PAGE, false);
		rig_map_at(fuzz->guest, WINDOW + i * RIG_PAGE, fuzz->page[i], RIG_PAGE,
			   fuzz->perm[i]);
		/* Many zeros, so that comparisons go far. */
		if (pick(fuzz, 2) == 0)
			rig_random_bytes(fuzz->rig, fuzz->page[i], RIG_PAGE);
		memcpy(fuzz->model + i * RIG_PAGE, fuzz->page[i], RIG_PAGE);
	}
	return fuzz;
}

/* The descriptor as it will reach the engine: ENQCMD takes PASID and Priv from its portal. */
static void
submit(struct fuzz *fuzz, struct dsa_hw_desc *desc)
{
	bool is_priv = pick(fuzz, 4) == 0;
	struct siov_portal *portal = is_priv ? &fuzz->priv_portal : &fuzz->guest->portal;

	desc->pasid = PASID;
	desc->rsvd = 0;
	if (!is_priv)
		desc->priv = 0;
	assert_int_equal(rig_enqcmd(portal, desc), SIOV_DMWR_SUCCESS);
}

/* The record goes into the model's memory; bytes 8 to 15 are compared apart, see below. */
static void
put_record(struct fuzz *fuzz, const struct dsa_hw_desc *desc, const struct expected *e)
{
	uint8_t *rec = model_byte(fuzz, desc->completion_addr, SIOV_PERM_W);
	uint64_t words[4] = {e->status | (uint64_t)e->result << 8 | (uint64_t)e->done << 32,
			     e->fault_addr, e->value, e->value2};
	uint64_t offset = desc->completion_addr - WINDOW;
	uint64_t told;

	/* A backward move may name any byte of the page at which it stopped. */
	if (ops_model_is_backward(desc) && e->fault_addr != 0) {
		memcpy(&told, fuzz->page[offset / RIG_PAGE] + offset % RIG_PAGE + 8, sizeof(told));
		assert_int_equal(told / RIG_PAGE, e->fault_addr / RIG_PAGE);
		words[1] = told;
	}
	memcpy(rec, words, sizeof(words));
}

static void
check_log(struct fuzz *fuzz, const struct dsa_hw_desc *desc, const struct expected *e)
{
	struct siov_error error;

	if (!e->is_logged) {
		rig_no_error(fuzz->rig);
		return;
	}
	error = rig_one_error(fuzz->rig);
	assert_int_equal(error.code, e->status & DSA_COMP_STATUS_MASK);
	assert_int_equal(error.pasid, PASID);
	assert_int_equal(error.opcode, desc->opcode);
	assert_int_equal(error.fault_addr / RIG_PAGE, e->fault_addr / RIG_PAGE);
}

/* Every accepted descriptor is counted once, as completed or as failed. */
static void
check_counts(struct fuzz *fuzz, const struct expected *e)
{
	struct siov_stats stats = rig_stats(fuzz->rig, 0, PASID);

	if (e->status == DSA_COMP_SUCCESS || e->status == DSA_COMP_SUCCESS_PRED)
		fuzz->nb_completed++;
	else
		fuzz->nb_failed++;
	fuzz->nb_bytes += e->done;
	fuzz->nb_by_status[e->status]++;
	assert_int_equal(stats.completed, fuzz->nb_completed);
	assert_int_equal(stats.failed, fuzz->nb_failed);
	assert_int_equal(stats.bytes, fuzz->nb_bytes);
}

static void
check_memory(const struct fuzz *fuzz)
{
	unsigned int i;

	for (i = 0; i < PAGES; i++) {
		if (fuzz->page[i] != NULL)
			assert_memory_equal(fuzz->page[i], fuzz->model + i * RIG_PAGE, RIG_PAGE);
	}
}

static void
run_one(struct fuzz *fuzz)
{
	struct dsa_hw_desc desc = random_desc(fuzz);
	struct expected e;

	submit(fuzz, &desc);
	e = model(fuzz, &desc);
	rig_settle(fuzz->rig);
	if (desc.flags & IDXD_OP_FLAG_CRAV && !e.is_logged &&
	    (desc.flags & IDXD_OP_FLAG_RCR || e.status != DSA_COMP_SUCCESS))
		put_record(fuzz, &desc, &e);
	check_memory(fuzz);
	check_log(fuzz, &desc, &e);
	check_counts(fuzz, &e);
}

static void
run_round(uint64_t seed, uint64_t nb_by_status[256])
{
	struct fuzz *fuzz = open_fuzz(seed);
	unsigned int i;

	assert_int_equal(siov_portal_init(&fuzz->priv_portal, fuzz->guest->portal.lane, 0,
					  SIOV_PORTAL_F_PRIV),
			 0);
	for (i = 0; i < DESCS; i++)
		run_one(fuzz);
	for (i = 0; i < 256; i++)
		nb_by_status[i] += fuzz->nb_by_status[i];
	rig_close(fuzz->rig);
	free(fuzz);
}

static void
test_random_descriptors_do_what_the_model_does(void **state)
{
	static const uint8_t statuses[] = {
		DSA_COMP_SUCCESS,          DSA_COMP_SUCCESS_PRED,
		DSA_COMP_PAGE_FAULT_NOBOF, DSA_COMP_PAGE_FAULT_NOBOF | DSA_COMP_STATUS_WRITE,
		DSA_COMP_BAD_OPCODE,       DSA_COMP_INVALID_FLAGS,
		DSA_COMP_NOZERO_RESERVE,   DSA_COMP_XFER_ERANGE,
		DSA_COMP_OVERLAP_BUFFERS,  DSA_COMP_INT_HANDLE_INVAL,
		DSA_COMP_CRA_XLAT,         DSA_COMP_CRA_ALIGN,
		DSA_COMP_PRIV_BAD,         DSA_COMP_DIF_ERR,
		DSA_COMP_DR_OFFSET_NOINC,  DSA_COMP_DR_OFFSET_ERANGE,
		DSA_COMP_DR_ERANGE,        DSA_COMP_ADDR_ALIGN,
		DSA_COMP_DCAST_ERR,
	};
	uint64_t nb_by_status[256] = {0};
	uint64_t seed;
	unsigned int i;

	(void)state;
	for (seed = first_seed; seed < first_seed + nb_rounds; seed++) {
		print_message("seed %lu\n", (unsigned long)seed);
		run_round(seed, nb_by_status);
	}
	/* A fuzzer that no longer gets anywhere is no fuzzer. */
	for (i = 0; i < RTE_DIM(statuses); i++) {
		print_message("status %#x: %lu\n", statuses[i],
			      (unsigned long)nb_by_status[statuses[i]]);
		assert_true(nb_by_status[statuses[i]] >= 8);
	}
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_descriptors_do_what_the_model_does),
	};

	if (argc > 1)
		first_seed = strtoull(argv[1], NULL, 0);
	if (argc > 2)
		nb_rounds = strtoull(argv[2], NULL, 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

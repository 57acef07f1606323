/* SPDX-License-Identifier: BSD-3-Clause */
/* Blocks with tuples, through an engine, against a plain reference (dif_model.h). */
#include <stdlib.h>

#include "dif_model.h"
#include "fault_bed.h"

#define CASES 1200u
#define MARGIN 64u /* bytes looked at on either side of what is written */

static const uint8_t dif_ops[] = {DSA_OPCODE_DIF_CHECK, DSA_OPCODE_DIF_INS, DSA_OPCODE_DIF_STRP,
				  DSA_OPCODE_DIF_UPDT};

/* What the guest has, as the model sees it: a is the source, b what the destination should be. */
static uint8_t *
byte_at(void *ctx, uint64_t iova, bool is_write)
{
	struct fault_bed *bed = ctx;
	uint64_t offset = iova - (is_write ? DST : SRC);

	return offset < AREA ? (is_write ? bed->b : bed->a) + offset : NULL;
}

/* Where block i of the source is in the bed; NULL: not as a whole. */
static uint8_t *
block_at(struct fault_bed *bed, const struct dsa_hw_desc *desc, uint32_t i)
{
	uint64_t len = dif_model_src_len(desc);
	uint64_t offset = desc->src_addr - SRC + i * len;

	return offset + len <= AREA ? bed->a + offset : NULL;
}

/* Make the tuples of the source right. */
static void
make_source(struct fault_bed *bed, const struct dsa_hw_desc *desc)
{
	uint32_t i, nb = desc->xfer_size / dif_model_src_len(desc);

	for (i = 0; i < nb && desc->opcode != DSA_OPCODE_DIF_INS; i++) {
		uint8_t *block = block_at(bed, desc, i);

		if (block != NULL)
			dif_model_make_right(desc, block, i);
	}
}

static void
send_source(struct fault_bed *bed, const struct dsa_hw_desc *desc)
{
	uint64_t at = desc->src_addr - SRC;

	rig_poke(&bed->src, at, bed->a + at, RTE_MIN((uint64_t)desc->xfer_size, AREA - at));
}

/* Spoil the tuple of a block, or a bit of it, in one of the ways that the checks know. */
static void
spoil_block(struct fault_bed *bed, const struct dsa_hw_desc *desc)
{
	uint32_t len = dif_model_src_len(desc), nb = desc->xfer_size / len;
	uint8_t *block = block_at(bed, desc, rig_random(bed->rig) % nb);
	uint8_t *tuple;

	if (block == NULL || desc->opcode == DSA_OPCODE_DIF_INS)
		return;
	tuple = block + len - DIF_TUPLE;
	switch (rig_random(bed->rig) % 5) {
	case 0:
		block[rig_random(bed->rig) % len] ^= 1u << rig_random(bed->rig) % 8;
		break;
	case 1:
		memset(tuple, 0xff, DIF_TUPLE);
		break;
	case 2:
		memset(tuple + 2, 0xff, DIF_TUPLE - 2);
		break;
	case 3:
		memset(tuple + 2, 0xff, 2);
		break;
	default:
		tuple[rig_random(bed->rig) % DIF_TUPLE] ^= 1u << rig_random(bed->rig) % 8;
	}
}

/* Run it; record and destination must be those of the model. */
static struct dif_outcome
check_run(struct fault_bed *bed, const struct dsa_hw_desc *desc)
{
	uint8_t *got = bed->a + AREA; /* see open_dif */
	struct dif_outcome out = dif_model_run(desc, byte_at, bed);
	struct dsa_completion_record rec;
	uint64_t at, end;

	send_source(bed, desc);
	rec = rig_run(bed->guest, desc);
	dif_model_compare(&rec, &out);
	at = desc->dst_addr - DST;
	end = at + 2 * (uint64_t)desc->xfer_size + MARGIN;
	at -= RTE_MIN(at, (uint64_t)MARGIN);
	end = RTE_MIN(end, AREA);
	rig_peek(&bed->dst, at, got, end - at);
	assert_memory_equal(got, bed->b + at, end - at);
	return out;
}

static struct dsa_hw_desc
dif_desc(uint8_t opcode, unsigned int kind, uint64_t src, uint64_t dst, uint32_t nb)
{
	struct dsa_hw_desc desc = desc_of(opcode, src, dst, 0);

	desc.op_specific[2] = (uint8_t)kind;
	desc.xfer_size = nb * dif_model_src_len(&desc);
	return desc;
}

static int
open_dif(void **state)
{
	struct fault_bed *bed;
	int ret = fault_bed_open(state);

	bed = *state;
	bed->a = realloc(bed->a, 2 * AREA);
	assert_non_null(bed->a);
	return ret;
}

/* ---- everything at random ---- */

/* Somewhere in an area; now and then so near its end that it reaches beyond. */
static uint64_t
random_place(struct rig *rig, uint64_t bytes)
{
	if (rig_random(rig) % 6 == 0)
		return AREA - rig_random(rig) % bytes;
	return rig_random(rig) % (AREA - bytes);
}

static struct dsa_hw_desc
random_dif(struct fault_bed *bed)
{
	struct rig *rig = bed->rig;
	uint8_t opcode = dif_ops[rig_random(rig) % RTE_DIM(dif_ops)];
	struct dsa_hw_desc desc = dif_desc(opcode, 0, SRC, DST, 0);
	uint32_t nb = 1 + rig_random(rig) % 5, dst_bytes;

	dif_model_choose(rig, &desc);
	if (rig_random(rig) % 10 == 0)
		nb += rig_random(rig) % 150000 / dif_model_src_len(&desc);
	desc.xfer_size = nb * dif_model_src_len(&desc);
	dst_bytes = nb * dif_model_dst_len(&desc);
	desc.src_addr = SRC + random_place(rig, desc.xfer_size);
	desc.dst_addr = DST + random_place(rig, dst_bytes);
	return desc;
}

static void
test_random_blocks_are_those_of_the_reference(void **state)
{
	struct fault_bed *bed = *state;
	unsigned int nb[256] = {0}, i;

	for (i = 0; i < CASES; i++) {
		struct dsa_hw_desc desc = random_dif(bed);

		make_source(bed, &desc);
		if (rig_random(bed->rig) % 2 == 0)
			spoil_block(bed, &desc);
		nb[check_run(bed, &desc).status]++;
	}
	/* All ends were met. */
	assert_true(nb[DSA_COMP_SUCCESS] > 100);
	assert_true(nb[DSA_COMP_DIF_ERR] > 50);
	assert_true(nb[DSA_COMP_PAGE_FAULT_NOBOF] > 50);
	assert_true(nb[DSA_COMP_PAGE_FAULT_NOBOF | DSA_COMP_STATUS_WRITE] > 50);
}

/* ---- tuples ---- */

static void
test_the_guard_is_the_crc_of_t10_dif(void **state)
{
	static const uint8_t digits[] = "123456789";
	static const struct {
		uint8_t flags;
		uint8_t guard[2];
	} rows[] = {{0, {0, 0}}, {8, {0xff, 0xff}}, {4, {0, 0}}, {12, {0, 0}}};
	struct fault_bed *bed = *state;
	unsigned int i;

	assert_int_equal(dif_model_crc(0, digits, 9), 0xd0db);
	/* Of zeros: 0 unless the seed is inverted. */
	memset(bed->a, 0, 512);
	for (i = 0; i < RTE_DIM(rows); i++) {
		struct dsa_hw_desc desc = dif_desc(DSA_OPCODE_DIF_INS, rows[i].flags, SRC, DST, 1);
		uint16_t seeded = dif_model_crc(0xffff, bed->a, 512);
		uint8_t tuple[8];

		check_run(bed, &desc);
		rig_peek(&bed->dst, 512, tuple, sizeof(tuple));
		if (rows[i].flags & 4) {
			seeded ^= rows[i].flags & 8 ? 0xffff : 0;
			assert_int_equal(tuple[0] << 8 | tuple[1], seeded);
		} else {
			assert_memory_equal(tuple, rows[i].guard, 2);
		}
	}
}

static void
test_tuples_are_big_endian_and_masked(void **state)
{
	static const uint8_t want[8] = {0, 0, 0x12, 0x04, 0xa1, 0xb2, 0xc3, 0xd5};
	struct fault_bed *bed = *state;
	struct dsa_hw_desc desc = dif_desc(DSA_OPCODE_DIF_INS, 0, SRC, DST, 2);
	struct dsa_completion_record rec;
	uint8_t tuple[8];

	memset(bed->a, 0, 1024);
	desc.dest_ref_tag_seed = 0xa1b2c3d4;
	desc.dest_app_tag_seed = 0x1234;
	desc.dest_app_tag_mask = 0x00f0;
	desc.upd_dest_flags = 0;
	send_source(bed, &desc);
	rec = rig_run(bed->guest, &desc);
	assert_int_equal(rec.status, DSA_COMP_SUCCESS);
	rig_peek(&bed->dst, 520 + 512, tuple, sizeof(tuple));
	tuple[3] &= 0x0f; /* the mask takes the 3 */
	assert_memory_equal(tuple, want, sizeof(want));
	assert_int_equal(rec.dif_ins_res, 0);
	assert_int_equal(rec.dif_ins_ref_tag, 0xa1b2c3d6);
	assert_int_equal(rec.dif_ins_app_tag_mask, 0x00f0);
	assert_int_equal(rec.dif_ins_app_tag, 0x1234);
}

/* One way to spoil a tuple under some source flags. */
struct spoil_row {
	uint8_t flags;
	uint8_t guard_xor, app, ref; /* app, ref: 0 right, 1 wrong, 2 all ones */
	bool is_guard_f;
	uint8_t result;
};

static const struct spoil_row spoil_rows[] = {
	{0, 0, 0, 0, false, 0},
	{0, 1, 0, 0, false, DIF_BAD_GUARD},
	{0, 0, 1, 0, false, DIF_BAD_APP},
	{0, 0, 0, 1, false, DIF_BAD_REF},
	{0, 1, 1, 1, false, DIF_BAD_GUARD | DIF_BAD_APP | DIF_BAD_REF},
	{0, 0, 2, 2, true, DIF_BAD_GUARD | DIF_BAD_APP | DIF_BAD_REF},
	/* Checks that are switched off. */
	{0x20, 1, 0, 0, false, 0},
	{0x20, 1, 1, 0, false, DIF_BAD_APP},
	{0x40, 0, 0, 1, false, 0},
	{0x40, 1, 0, 1, false, DIF_BAD_GUARD},
	{0x60, 1, 0, 1, false, 0},
	/* All ones in the application tag. */
	{0x04, 1, 2, 1, false, 0},
	{0x04, 1, 1, 1, false, DIF_BAD_GUARD | DIF_BAD_APP | DIF_BAD_REF},
	{0x04, 1, 0, 2, false, DIF_BAD_GUARD | DIF_BAD_REF},
	/* All ones in both tags. */
	{0x08, 1, 2, 2, false, 0},
	{0x08, 1, 2, 1, false, DIF_BAD_GUARD | DIF_BAD_APP | DIF_BAD_REF},
	{0x08, 0, 0, 2, false, DIF_BAD_REF},
	/* All ones in everything: no check, or an error of its own. */
	{0x02, 0, 2, 2, true, 0},
	{0x02, 1, 2, 2, false, DIF_BAD_GUARD | DIF_BAD_APP | DIF_BAD_REF},
	{0x01, 0, 2, 2, true, DIF_BAD_ALL_F},
	{0x0f, 0, 2, 2, true, DIF_BAD_ALL_F},
	{0x61, 0, 2, 2, true, DIF_BAD_ALL_F},
	{0x01, 1, 2, 2, false, DIF_BAD_GUARD | DIF_BAD_APP | DIF_BAD_REF},
};

static void
spoil_tuple(uint8_t *tuple, const struct spoil_row *row)
{
	tuple[1] ^= row->guard_xor;
	if (row->is_guard_f)
		memset(tuple, 0xff, 2);
	if (row->app == 1)
		tuple[3] ^= 0x10;
	if (row->app == 2)
		memset(tuple + 2, 0xff, 2);
	if (row->ref == 1)
		tuple[4] ^= 0x80;
	if (row->ref == 2)
		memset(tuple + 4, 0xff, 4);
}

/* The second of three blocks is spoilt. */
static void
check_spoilt(struct fault_bed *bed, uint8_t opcode, const struct spoil_row *row)
{
	struct dsa_hw_desc desc = dif_desc(opcode, 1, SRC + 100, DST + 4000, 3);
	struct dif_outcome out;

	desc.src_upd_flags = row->flags;
	desc.src_ref_tag_seed = 0x01020304;
	desc.src_app_tag_seed = 0x5678;
	make_source(bed, &desc);
	spoil_tuple(bed->a + 100 + 528 + 520, row);
	out = check_run(bed, &desc);
	assert_int_equal(out.result, row->result);
	assert_int_equal(out.status, row->result != 0 ? DSA_COMP_DIF_ERR : DSA_COMP_SUCCESS);
	assert_int_equal(out.done, row->result != 0 ? 528 : 3 * 528);
}

static void
test_each_error_bit_and_each_source_flag(void **state)
{
	unsigned int i;

	for (i = 0; i < RTE_DIM(spoil_rows); i++) {
		check_spoilt(*state, DSA_OPCODE_DIF_CHECK, &spoil_rows[i]);
		check_spoilt(*state, DSA_OPCODE_DIF_STRP, &spoil_rows[i]);
		check_spoilt(*state, DSA_OPCODE_DIF_UPDT, &spoil_rows[i]);
	}
}

static void
test_masked_bits_of_the_application_tag_are_not_checked(void **state)
{
	struct fault_bed *bed = *state;
	struct dsa_hw_desc desc = dif_desc(DSA_OPCODE_DIF_CHECK, 0, SRC, DST, 1);
	unsigned int bit;

	for (bit = 0; bit < 16; bit++) {
		desc.src_app_tag_seed = 0xaaaa;
		desc.src_app_tag_mask = (uint16_t)(1u << bit);
		make_source(bed, &desc);
		bed->a[512 + (bit < 8 ? 3 : 2)] ^= 1u << bit % 8;
		assert_int_equal(check_run(bed, &desc).status, DSA_COMP_SUCCESS);
		desc.src_app_tag_mask = (uint16_t)~desc.src_app_tag_mask;
		assert_int_equal(check_run(bed, &desc).result, DIF_BAD_APP);
	}
}

static void
test_each_combination_of_destination_flags(void **state)
{
	struct fault_bed *bed = *state;
	unsigned int flags, kind;

	for (flags = 0; flags < 0x100; flags += 8) {
		for (kind = 0; kind < 16; kind++) {
			struct dsa_hw_desc desc =
				dif_desc(DSA_OPCODE_DIF_UPDT, kind, SRC + 9, DST + 7, 3);

			dif_model_choose(bed->rig, &desc);
			desc.upd_dest_flags = (uint8_t)flags;
			desc.dif_upd_flags = (uint8_t)kind;
			desc.xfer_size = 3 * dif_model_src_len(&desc);
			desc.src_upd_flags &= 0x90;
			make_source(bed, &desc);
			assert_int_equal(check_run(bed, &desc).status, DSA_COMP_SUCCESS);
		}
	}
}

static void
test_tags_wrap_around(void **state)
{
	struct fault_bed *bed = *state;
	unsigned int i;

	for (i = 0; i < RTE_DIM(dif_ops); i++) {
		struct dsa_hw_desc desc = dif_desc(dif_ops[i], 0, SRC, DST, 5);

		if (dif_ops[i] != DSA_OPCODE_DIF_INS) {
			desc.src_upd_flags = 0x10;
			desc.src_ref_tag_seed = UINT32_MAX - 2;
			desc.src_app_tag_seed = UINT16_MAX - 1;
		}
		if (dif_ops[i] == DSA_OPCODE_DIF_INS || dif_ops[i] == DSA_OPCODE_DIF_UPDT) {
			desc.upd_dest_flags = 0x10;
			desc.dest_ref_tag_seed = UINT32_MAX;
			desc.dest_app_tag_seed = UINT16_MAX - 3;
		}
		make_source(bed, &desc);
		assert_int_equal(check_run(bed, &desc).status, DSA_COMP_SUCCESS);
	}
}

/* ---- sizes and distances ---- */

static void
check_status(struct fault_bed *bed, const struct dsa_hw_desc *desc, uint8_t status)
{
	struct dsa_completion_record rec = rig_run(bed->guest, desc);

	assert_int_equal(rec.status, status);
	if (status != DSA_COMP_SUCCESS) {
		assert_int_equal(rec.bytes_completed, 0);
		check_bytes(rec.op_specific, 0, sizeof(rec.op_specific));
	}
}

static void
test_sizes_are_whole_blocks(void **state)
{
	struct fault_bed *bed = *state;
	unsigned int i, kind;

	for (i = 0; i < RTE_DIM(dif_ops); i++) {
		for (kind = 0; kind < 4; kind++) {
			struct dsa_hw_desc desc = dif_desc(dif_ops[i], kind, SRC, DST, 3);

			make_source(bed, &desc);
			send_source(bed, &desc);
			check_status(bed, &desc, DSA_COMP_SUCCESS);
			desc.xfer_size++;
			check_status(bed, &desc, DSA_COMP_XFER_ERANGE);
			desc.xfer_size -= 2;
			check_status(bed, &desc, DSA_COMP_XFER_ERANGE);
			desc.xfer_size = 1;
			check_status(bed, &desc, DSA_COMP_XFER_ERANGE);
			desc.xfer_size = 0;
			check_status(bed, &desc, DSA_COMP_XFER_ERANGE);
		}
	}
}

/* The destination is longer than the source, as long, or shorter. */
static void
test_source_and_destination_must_be_apart(void **state)
{
	struct fault_bed *bed = *state;
	unsigned int i, kind;

	for (i = 1; i < RTE_DIM(dif_ops); i++) {
		for (kind = 0; kind < 4; kind++) {
			struct dsa_hw_desc desc = dif_desc(dif_ops[i], kind, BAD, BAD, 2);
			uint64_t dst_bytes = 2 * dif_model_dst_len(&desc);

			check_status(bed, &desc, DSA_COMP_OVERLAP_BUFFERS);
			desc.dst_addr = BAD + desc.xfer_size - 1;
			check_status(bed, &desc, DSA_COMP_OVERLAP_BUFFERS);
			desc.dst_addr++;
			check_status(bed, &desc, DSA_COMP_PAGE_FAULT_NOBOF);
			desc.dst_addr = BAD - dst_bytes + 1;
			check_status(bed, &desc, DSA_COMP_OVERLAP_BUFFERS);
			desc.dst_addr--;
			check_status(bed, &desc, DSA_COMP_PAGE_FAULT_NOBOF);
		}
	}
}

/* ---- faults ---- */

/* Source or destination ends at a page's end, at every 64th byte of three blocks. */
static void
test_faults_at_every_place(void **state)
{
	struct fault_bed *bed = *state;
	unsigned int i, kind;
	uint32_t at;

	for (i = 0; i < RTE_DIM(dif_ops); i++) {
		for (kind = 0; kind < 4; kind++) {
			struct dsa_hw_desc desc = dif_desc(dif_ops[i], kind, SRC, DST, 3);
			uint32_t step = kind < 2 ? 61 : 509;

			for (at = 1; at < desc.xfer_size; at += step) {
				desc.src_addr = SRC + AREA - at;
				desc.dst_addr = DST + at;
				make_source(bed, &desc);
				check_run(bed, &desc);
				desc.src_addr = SRC + at;
				desc.dst_addr = DST + AREA - at;
				make_source(bed, &desc);
				check_run(bed, &desc);
			}
		}
	}
}

/* Software goes on from the record: the rest of the transfer with the tags that it names. */
static void
test_a_transfer_goes_on_from_its_record(void **state)
{
	struct fault_bed *bed = *state;
	struct dsa_hw_desc desc = dif_desc(DSA_OPCODE_DIF_UPDT, 1, SRC + AREA - 5000, DST, 20);
	struct dsa_completion_record rec;
	uint32_t nb;

	desc.src_upd_flags = 0x10;
	desc.upd_dest_flags = 0x10;
	desc.src_ref_tag_seed = 77;
	desc.src_app_tag_seed = 5;
	desc.dest_ref_tag_seed = 1000;
	desc.dest_app_tag_seed = 9;
	make_source(bed, &desc);
	assert_int_equal(check_run(bed, &desc).done, 9 * 528);
	rec = rig_run(bed->guest, &desc);
	nb = rec.bytes_completed / 528;
	desc.src_ref_tag_seed = rec.dif_upd_src_ref_tag;
	desc.src_app_tag_seed = rec.dif_upd_src_app_tag;
	desc.dest_ref_tag_seed = rec.dif_upd_dest_ref_tag;
	desc.dest_app_tag_seed = rec.dif_upd_dest_app_tag;
	assert_int_equal(desc.src_ref_tag_seed, 77 + nb);
	assert_int_equal(desc.src_app_tag_seed, 5 + nb);
	assert_int_equal(desc.dest_ref_tag_seed, 1000 + nb);
	assert_int_equal(desc.dest_app_tag_seed, 9 + nb);
	desc.xfer_size -= rec.bytes_completed;
	desc.src_addr = SRC + 300;
	desc.dst_addr += rec.bytes_completed;
	make_source(bed, &desc);
	assert_int_equal(check_run(bed, &desc).status, DSA_COMP_SUCCESS);
}

/* A block more than a slice at most: others are served in between. */
static void
test_long_transfers_go_in_slices(void **state)
{
	struct fault_bed *bed = *state;
	unsigned int i, kind;

	for (i = 0; i < RTE_DIM(dif_ops); i++) {
		for (kind = 0; kind < 4; kind++) {
			uint32_t nb = 600000 / (kind < 2 ? 520 : 4104), nb_polls = 0;
			struct dsa_hw_desc desc = dif_desc(dif_ops[i], kind, SRC, DST, nb);

			make_source(bed, &desc);
			send_source(bed, &desc);
			bed->guest->comps[0].status = 0;
			rig_submit(bed->guest, &desc);
			for (; bed->guest->comps[0].status == 0; nb_polls++)
				rig_poll(bed->rig);
			assert_int_equal(bed->guest->comps[0].status, DSA_COMP_SUCCESS);
			assert_true(nb_polls >= desc.xfer_size / (RIG_SLICE + DIF_LEN_MAX));
			assert_true(nb_polls <= desc.xfer_size / (RIG_SLICE - DIF_LEN_MAX) + 3);
		}
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_dif, fault_bed_close)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_random_blocks_are_those_of_the_reference),
		TEST(test_the_guard_is_the_crc_of_t10_dif),
		TEST(test_tuples_are_big_endian_and_masked),
		TEST(test_each_error_bit_and_each_source_flag),
		TEST(test_masked_bits_of_the_application_tag_are_not_checked),
		TEST(test_each_combination_of_destination_flags),
		TEST(test_tags_wrap_around),
		TEST(test_sizes_are_whole_blocks),
		TEST(test_source_and_destination_must_be_apart),
		TEST(test_faults_at_every_place),
		TEST(test_a_transfer_goes_on_from_its_record),
		TEST(test_long_transfers_go_in_slices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

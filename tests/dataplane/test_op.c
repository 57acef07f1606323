/* SPDX-License-Identifier: BSD-3-Clause */
/* What op_prepare accepts and refuses: every opcode, flag bit and reserved bit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "op_priv.h"

#define BIT(n) (1u << (n))
#define FLAG_BITS 24u
#define BIT_CRAV 2u
#define BIT_RCR 3u
#define BIT_RCI 4u
#define SIZE 4096u

/* What the device of this test does, as the DSA reference names the bits. */
struct known_op {
	uint8_t opcode;
	uint32_t flags; /* beyond CRAV, RCR, RCI, CRSTS, CR-TCS */
	uint32_t nb_used; /* operation-specific bytes from byte 40 on that are used */
	bool has_data;
};

#define COMMON (BIT(BIT_CRAV) | BIT(BIT_RCR) | BIT(5) | BIT(12))
#define CACHE BIT(8)
#define ADDR1 BIT(9)
#define ADDR2 BIT(10)
#define STRICT BIT(13)
#define STEER (BIT(14) | BIT(15)) /* and reading back */
#define ADDR3 BIT(11)
#define CRC_FLAGS (ADDR3 | BIT(16) | BIT(17) | BIT(18))
#define CHECK BIT(7)
#define FENCE BIT(0) /* where the limits allow it: in batches */

static const struct known_op known_ops[] = {
	{0x00, FENCE, 0, false},
	{0x01, ADDR1, 0, false},
	{0x02, ADDR1 | ADDR2, 0, false},
	{0x03, FENCE | CACHE | ADDR1 | ADDR2 | STRICT | STEER, 0, true},
	{0x04, FENCE | CACHE | ADDR2 | STRICT | STEER | BIT(18), 0, true},
	{0x05, FENCE | CHECK | ADDR1 | ADDR2, 1, true},
	{0x06, FENCE | CHECK | ADDR1, 1, true},
	{0x07, FENCE | CHECK | CACHE | ADDR1 | ADDR2 | ADDR3 | STRICT | STEER, 17, true},
	{0x08, FENCE | CACHE | ADDR1 | ADDR2 | STRICT | STEER, 4, true},
	{0x09, FENCE | CACHE | ADDR1 | ADDR2 | ADDR3 | STRICT | STEER | BIT(16), 8, true},
	{0x10, FENCE | ADDR1 | CRC_FLAGS, 4, true},
	{0x11, FENCE | CACHE | ADDR1 | ADDR2 | STRICT | STEER | CRC_FLAGS, 4, true},
	{0x12, FENCE | ADDR1, 0, true},
	{0x13, FENCE | CACHE | ADDR1 | ADDR2 | STRICT | STEER, 0, true},
	{0x14, FENCE | CACHE | ADDR1 | ADDR2 | STRICT | STEER, 0, true},
	{0x15, FENCE | CACHE | ADDR1 | ADDR2 | STRICT | STEER, 0, true},
	{0x20, FENCE | CACHE | ADDR2 | STRICT | STEER, 0, true},
};

/* Bits of bytes 40 to 63 that operations on blocks with tuples use. */
struct dif_use {
	uint8_t src_flags, dst_flags;
	bool src_tags, dst_tags;
};

static const struct dif_use dif_uses[] = {
	{0xff, 0, true, false},
	{0, 0x90, false, true},
	{0xff, 0, true, false},
	{0xff, 0xf8, true, true},
};

static const struct op_limits limits = {
	.types = op_types,
	.xfer_max = UINT32_C(1) << 31,
	.forbidden = IDXD_OP_FLAG_BOF,
};

static const struct known_op *
find_known(unsigned int opcode)
{
	unsigned int i;

	for (i = 0; i < RTE_DIM(known_ops); i++) {
		if (known_ops[i].opcode == opcode)
			return &known_ops[i];
	}
	return NULL;
}

static bool
is_dif(uint8_t opcode)
{
	return opcode >= 0x12 && opcode <= 0x15;
}

/* Seven blocks of the length that the descriptor names, or SIZE. */
static uint32_t
right_size(const struct dsa_hw_desc *desc)
{
	static const uint16_t blocks[] = {512, 520, 4096, 4104};

	if (!is_dif(desc->opcode))
		return SIZE;
	return 7u * (blocks[desc->op_specific[2] & 3] + (desc->opcode != 0x13 ? 8 : 0));
}

/* A descriptor that is right for every operation that is known. */
static struct dsa_hw_desc
make_desc(uint8_t opcode)
{
	struct dsa_hw_desc desc = {
		.pasid = 5,
		.flags = BIT(BIT_CRAV) | BIT(BIT_RCR),
		.opcode = opcode,
		.completion_addr = 0x1000,
		.src_addr = 0x100000,
		.dst_addr = 0x200000,
	};

	desc.xfer_size = right_size(&desc);
	if (opcode == DSA_OPCODE_CR_DELTA)
		desc.max_delta_size = 80;
	if (opcode == DSA_OPCODE_DUALCAST)
		desc.dest2 = 0x300000;
	return desc;
}

/* Nothing of what lay there before may stay in op. */
static struct op
prepare(const struct dsa_hw_desc *desc, const struct op_limits *own)
{
	struct op op;

	memset(&op, 0xee, sizeof(op));
	op_prepare(&op, desc, own);
	return op;
}

/* Refused ops have done nothing and name no fault. */
static void
check_refused(const struct op *op, uint8_t status, uint32_t invalid_flags)
{
	assert_int_equal(op->status, status);
	assert_int_equal(op->invalid_flags, invalid_flags);
	assert_int_equal(op->done, 0);
	assert_int_equal(op->result, 0);
	assert_int_equal(op->fault_addr, 0);
	assert_int_equal(op->nb_lookups, 0);
	assert_int_equal(op->is_backward, 0);
}

static void
test_every_opcode_is_known_or_refused(void **state)
{
	unsigned int opcode;

	(void)state;
	for (opcode = 0; opcode < 256; opcode++) {
		struct dsa_hw_desc desc = make_desc(opcode);
		struct op op;
		const struct known_op *known = find_known(opcode);

		op = prepare(&desc, &limits);
		check_refused(&op, known != NULL ? OP_MORE : DSA_COMP_BAD_OPCODE, 0);
		assert_int_equal(op_has_data(&op), known != NULL && known->has_data);
	}
}

static void
check_flag(const struct known_op *known, unsigned int bit)
{
	struct dsa_hw_desc desc = make_desc(known->opcode);
	struct op op;

	desc.flags |= BIT(bit);
	op = prepare(&desc, &limits);
	if (bit == BIT_RCI)
		check_refused(&op, DSA_COMP_INT_HANDLE_INVAL, 0);
	else if ((known->flags | COMMON) & BIT(bit))
		check_refused(&op, OP_MORE, 0);
	else
		check_refused(&op, DSA_COMP_INVALID_FLAGS, BIT(bit));
}

static void
test_every_flag_bit_of_every_operation(void **state)
{
	unsigned int i, bit;

	(void)state;
	for (i = 0; i < RTE_DIM(known_ops); i++) {
		for (bit = 0; bit < FLAG_BITS; bit++)
			check_flag(&known_ops[i], bit);
	}
}

static void
test_blocking_is_for_operations_with_data_where_the_queue_allows_it(void **state)
{
	const struct op_limits own = {.types = op_types, .xfer_max = SIZE};
	unsigned int i;

	(void)state;
	for (i = 0; i < RTE_DIM(known_ops); i++) {
		struct dsa_hw_desc desc = make_desc(known_ops[i].opcode);
		struct op op;

		desc.flags |= IDXD_OP_FLAG_BOF;
		op = prepare(&desc, &own);
		if (known_ops[i].has_data)
			check_refused(&op, OP_MORE, 0);
		else
			check_refused(&op, DSA_COMP_INVALID_FLAGS, IDXD_OP_FLAG_BOF);
		op = prepare(&desc, &limits);
		check_refused(&op, DSA_COMP_INVALID_FLAGS, IDXD_OP_FLAG_BOF);
	}
}

static void
test_all_invalid_flags_are_named_together(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < RTE_DIM(known_ops); i++) {
		struct dsa_hw_desc desc = make_desc(known_ops[i].opcode);
		struct op op;

		desc.flags = 0xffffff;
		op = prepare(&desc, &limits);
		check_refused(&op, DSA_COMP_INVALID_FLAGS,
			      0xffffff & ~(known_ops[i].flags | COMMON | BIT(BIT_RCI)));
	}
}

static void
test_a_record_cannot_be_requested_without_an_address(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < RTE_DIM(known_ops); i++) {
		struct dsa_hw_desc desc = make_desc(known_ops[i].opcode);
		struct op op;

		desc.flags = BIT(BIT_RCR);
		op = prepare(&desc, &limits);
		check_refused(&op, DSA_COMP_INVALID_FLAGS, BIT(BIT_RCR));
		desc.flags = 0;
		op = prepare(&desc, &limits);
		check_refused(&op, OP_MORE, 0);
	}
}

static bool
is_used(const struct known_op *known, unsigned int byte, unsigned int bit)
{
	const struct dif_use *use;

	if (known->opcode == DSA_OPCODE_CR_DELTA && byte >= 52 && byte < 56)
		return false;
	if (!is_dif(known->opcode))
		return byte >= 40 && byte < 40 + known->nb_used;
	use = &dif_uses[known->opcode - 0x12];
	if (byte == 40)
		return use->src_flags & BIT(bit);
	if (byte == 41)
		return use->dst_flags & BIT(bit);
	if (byte == 42)
		return bit < 4;
	return byte >= 48 && (byte < 56 ? use->src_tags : use->dst_tags);
}

/* Those have rules of their own for sizes and operands. */
static bool
is_delta(const struct known_op *known)
{
	return known->opcode == DSA_OPCODE_CR_DELTA || known->opcode == DSA_OPCODE_AP_DELTA;
}

static bool
has_rules(const struct known_op *known)
{
	return is_delta(known) || known->opcode == DSA_OPCODE_DUALCAST;
}

static void
check_reserved_byte(const struct known_op *known, unsigned int byte)
{
	unsigned int bit;

	for (bit = 0; bit < 8; bit++) {
		struct dsa_hw_desc desc = make_desc(known->opcode);
		struct op op;

		if (is_used(known, byte, bit) && has_rules(known))
			continue; /* see test_engine_delta.c and below */
		((uint8_t *)&desc)[byte] = BIT(bit);
		desc.xfer_size = right_size(&desc);
		op = prepare(&desc, &limits);
		check_refused(&op, is_used(known, byte, bit) ? OP_MORE : DSA_COMP_NOZERO_RESERVE,
			      0);
	}
}

static void
test_every_reserved_byte_must_be_zero(void **state)
{
	unsigned int i, byte;

	(void)state;
	for (i = 0; i < RTE_DIM(known_ops); i++) {
		for (byte = 38; byte < 64; byte++)
			check_reserved_byte(&known_ops[i], byte);
	}
}

static void
check_size(const struct known_op *known, uint32_t max, uint32_t size, bool is_right)
{
	const struct op_limits own = {.types = op_types, .xfer_max = max};
	struct dsa_hw_desc desc = make_desc(known->opcode);
	struct op op;

	desc.src_addr = UINT64_C(1) << 40;
	desc.dst_addr = UINT64_C(1) << 41;
	if (known->opcode == DSA_OPCODE_DUALCAST)
		desc.dest2 = UINT64_C(1) << 42;
	desc.xfer_size = size;
	op = prepare(&desc, &own);
	is_right |= !known->has_data;
	check_refused(&op, is_right ? OP_MORE : DSA_COMP_XFER_ERANGE, 0);
}

static void
test_sizes_from_one_byte_to_the_queues_largest(void **state)
{
	static const uint32_t maxima[] = {1, 4096, 65537, UINT32_C(1) << 31};
	unsigned int i, m;

	(void)state;
	for (i = 0; i < RTE_DIM(known_ops); i++) {
		for (m = 0; m < RTE_DIM(maxima); m++) {
			if (is_dif(known_ops[i].opcode) || is_delta(&known_ops[i]))
				break; /* have tests of their own */
			check_size(&known_ops[i], maxima[m], 0, false);
			check_size(&known_ops[i], maxima[m], 1, true);
			check_size(&known_ops[i], maxima[m], maxima[m], true);
			check_size(&known_ops[i], maxima[m], maxima[m] + 1, false);
			check_size(&known_ops[i], maxima[m], UINT32_MAX, false);
		}
	}
}

/* Distance from source to destination, and whether copy with CRC takes it. */
static void
check_distance(uint64_t src, int64_t distance, bool is_apart)
{
	struct dsa_hw_desc desc = make_desc(DSA_OPCODE_COPY_CRC);
	struct op op;

	desc.src_addr = src;
	desc.dst_addr = src + (uint64_t)distance;
	op = prepare(&desc, &limits);
	check_refused(&op, is_apart ? OP_MORE : DSA_COMP_OVERLAP_BUFFERS, 0);
}

static void
test_copy_with_crc_refuses_overlap(void **state)
{
	static const uint64_t sources[] = {0x100000, 0, SIZE, UINT64_MAX - SIZE + 1, UINT64_MAX};
	unsigned int i;

	(void)state;
	for (i = 0; i < RTE_DIM(sources); i++) {
		check_distance(sources[i], 0, false);
		check_distance(sources[i], 1, false);
		check_distance(sources[i], -1, false);
		check_distance(sources[i], SIZE - 1, false);
		check_distance(sources[i], 1 - (int64_t)SIZE, false);
		check_distance(sources[i], SIZE, true);
		check_distance(sources[i], -(int64_t)SIZE, true);
	}
}

/* Bytes 40 to 47 of a fill, 48 to 55 of a sum are used with a flag only. */
static void
test_a_flag_brings_a_word_into_use(void **state)
{
	static const struct {
		uint8_t opcode, byte;
		uint32_t flag;
	} uses[] = {
		{DSA_OPCODE_MEMFILL, 40, SIOV_OP_FLAG_FILL16},
		{DSA_OPCODE_CRCGEN, 48, SIOV_OP_FLAG_CRC_SEED},
		{DSA_OPCODE_COPY_CRC, 48, SIOV_OP_FLAG_CRC_SEED},
	};
	unsigned int i, byte;

	(void)state;
	for (i = 0; i < RTE_DIM(uses); i++) {
		for (byte = 44; byte < 64; byte++) {
			struct dsa_hw_desc desc = make_desc(uses[i].opcode);
			bool is_used = byte / 8 == uses[i].byte / 8u;
			struct op op;

			((uint8_t *)&desc)[byte] = 1;
			op = prepare(&desc, &limits);
			check_refused(&op, DSA_COMP_NOZERO_RESERVE, 0);
			desc.flags |= uses[i].flag;
			op = prepare(&desc, &limits);
			check_refused(&op, is_used ? OP_MORE : DSA_COMP_NOZERO_RESERVE, 0);
		}
	}
}

static void
check_dualcast(uint64_t src, uint64_t dst, uint64_t dst2, uint8_t status)
{
	struct dsa_hw_desc desc = make_desc(DSA_OPCODE_DUALCAST);
	struct op op;

	desc.src_addr = src;
	desc.dst_addr = dst;
	desc.dest2 = dst2;
	desc.xfer_size = SIZE + 1;
	op = prepare(&desc, &limits);
	check_refused(&op, status, 0);
}

static void
test_destinations_of_a_dualcast_lie_alike_and_apart(void **state)
{
	(void)state;
	check_dualcast(0x10000, 0x20000, 0x30000, OP_MORE);
	check_dualcast(0x10001, 0x20fff, 0x30fff, OP_MORE);
	check_dualcast(0x10000, 0x20000, 0x30001, DSA_COMP_DCAST_ERR);
	check_dualcast(0x10000, 0x20000, 0x30800, DSA_COMP_DCAST_ERR);
	check_dualcast(0x10000, 0x20000, 0x21000, DSA_COMP_OVERLAP_BUFFERS);
	check_dualcast(0x10000, 0x20000, 0x22000, OP_MORE);
	check_dualcast(0x10000, 0x11000, 0x30000, DSA_COMP_OVERLAP_BUFFERS);
	check_dualcast(0x10000, 0x30000, 0x0f000, DSA_COMP_OVERLAP_BUFFERS);
	check_dualcast(0x10001, 0x30000, 0x0f000, OP_MORE);
}

static void
test_other_operations_allow_overlap(void **state)
{
	static const uint8_t opcodes[] = {0x03, 0x04, 0x05, 0x06, 0x10, 0x20};
	unsigned int i;

	(void)state;
	for (i = 0; i < RTE_DIM(opcodes); i++) {
		struct dsa_hw_desc desc = make_desc(opcodes[i]);
		struct op op;

		desc.dst_addr = desc.src_addr;
		op = prepare(&desc, &limits);
		assert_int_equal(op.status, OP_MORE);
	}
}

static void
check_direction(int64_t distance, bool is_backward)
{
	struct dsa_hw_desc desc = make_desc(DSA_OPCODE_MEMMOVE);
	struct op op;

	desc.dst_addr = desc.src_addr + (uint64_t)distance;
	op = prepare(&desc, &limits);
	assert_int_equal(op.status, OP_MORE);
	assert_int_equal(op.is_backward, is_backward);
}

static void
test_a_move_starts_at_the_end_that_saves_the_source(void **state)
{
	(void)state;
	check_direction(1, true);
	check_direction(SIZE - 1, true);
	check_direction(SIZE, false);
	check_direction(-1, false);
	check_direction(-(int64_t)SIZE, false);
}

static void
test_privileged_work_needs_a_privileged_device(void **state)
{
	const struct op_limits priv = {.types = op_types, .xfer_max = SIZE, .priv_enabled = true};
	unsigned int i;

	(void)state;
	for (i = 0; i < RTE_DIM(known_ops); i++) {
		struct dsa_hw_desc desc = make_desc(known_ops[i].opcode);
		struct op op;

		desc.priv = 1;
		op = prepare(&desc, &limits);
		assert_int_equal(op.status, DSA_COMP_PRIV_BAD);
		op = prepare(&desc, &priv);
		assert_int_equal(op.status, OP_MORE);
	}
}

static void
test_an_op_that_was_refused_runs_nothing(void **state)
{
	struct dsa_hw_desc desc = make_desc(DSA_OPCODE_MEMMOVE);
	struct op op;

	(void)state;
	op = prepare(&desc, &limits);
	op_refuse(&op, DSA_COMP_CRA_ALIGN, 0x1234);
	assert_int_equal(op.status, DSA_COMP_CRA_ALIGN);
	assert_int_equal(op.fault_addr, 0x1234);
	assert_int_equal(op.done, 0);
	assert_int_equal(op.result, 0);
	assert_int_equal(op.is_backward, 0);
	assert_int_equal(op.invalid_flags, 0);
	assert_false(op_has_data(&op));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_opcode_is_known_or_refused),
		cmocka_unit_test(test_every_flag_bit_of_every_operation),
		cmocka_unit_test(
			test_blocking_is_for_operations_with_data_where_the_queue_allows_it),
		cmocka_unit_test(test_all_invalid_flags_are_named_together),
		cmocka_unit_test(test_a_record_cannot_be_requested_without_an_address),
		cmocka_unit_test(test_every_reserved_byte_must_be_zero),
		cmocka_unit_test(test_sizes_from_one_byte_to_the_queues_largest),
		cmocka_unit_test(test_copy_with_crc_refuses_overlap),
		cmocka_unit_test(test_a_flag_brings_a_word_into_use),
		cmocka_unit_test(test_destinations_of_a_dualcast_lie_alike_and_apart),
		cmocka_unit_test(test_other_operations_allow_overlap),
		cmocka_unit_test(test_a_move_starts_at_the_end_that_saves_the_source),
		cmocka_unit_test(test_privileged_work_needs_a_privileged_device),
		cmocka_unit_test(test_an_op_that_was_refused_runs_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

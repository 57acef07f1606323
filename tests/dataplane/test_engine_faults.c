/* SPDX-License-Identifier: BSD-3-Clause */
/* Addresses that cannot be reached: status, address and bytes, and that nothing else happened. */
#include "fault_bed.h"

/* ---- where addresses are not mapped or not permitted ---- */

static void
test_source_not_mapped(void **state)
{
	static const uint32_t lens[] = {1, 4096, 100000};
	struct fault_bed *bed = *state;
	struct dsa_completion_record rec;
	struct dsa_hw_desc desc;
	unsigned int i, l;

	for (i = 0; i < RTE_DIM(data_ops); i++) {
		for (l = 0; l < RTE_DIM(lens) && reads_src(data_ops[i]); l++) {
			desc = desc_of(data_ops[i], BAD + 5, DST, lens[l]);
			rec = rig_run(bed->guest, &desc);
			check_fault(&rec, DSA_COMP_PAGE_FAULT_NOBOF, BAD + 5, 0);
		}
	}
	check_untouched(bed);
}

static void
test_destination_not_mapped_is_a_write_fault(void **state)
{
	static const uint32_t lens[] = {1, 4096, 100000};
	struct fault_bed *bed = *state;
	struct dsa_completion_record rec;
	struct dsa_hw_desc desc;
	unsigned int i, l;

	for (i = 0; i < RTE_DIM(data_ops); i++) {
		for (l = 0; l < RTE_DIM(lens) && writes_dst(data_ops[i]); l++) {
			desc = desc_of(data_ops[i], SRC, BAD + 5, lens[l]);
			rec = rig_run(bed->guest, &desc);
			check_fault(&rec, DSA_COMP_PAGE_FAULT_NOBOF | DSA_COMP_STATUS_WRITE,
				    BAD + 5, 0);
		}
	}
	check_untouched(bed);
}

static void
test_second_source_not_mapped_is_a_read_fault(void **state)
{
	struct fault_bed *bed = *state;
	struct dsa_hw_desc desc = desc_of(DSA_OPCODE_COMPARE, SRC, BAD, 10);
	struct dsa_completion_record rec = rig_run(bed->guest, &desc);

	check_fault(&rec, DSA_COMP_PAGE_FAULT_NOBOF, BAD, 0);
}

static void
test_read_only_memory_is_not_written(void **state)
{
	struct fault_bed *bed = *state;
	struct dsa_completion_record rec;
	struct dsa_hw_desc desc;
	unsigned int i;

	for (i = 0; i < RTE_DIM(data_ops); i++) {
		if (!writes_dst(data_ops[i]))
			continue;
		desc = desc_of(data_ops[i], SRC, SRC + RIG_PAGE, 100);
		rec = rig_run(bed->guest, &desc);
		check_fault(&rec, DSA_COMP_PAGE_FAULT_NOBOF | DSA_COMP_STATUS_WRITE, SRC + RIG_PAGE,
			    0);
	}
	check_untouched(bed);
}

static void
test_write_only_memory_is_not_read(void **state)
{
	struct fault_bed *bed = *state;
	struct dsa_completion_record rec;
	struct dsa_hw_desc desc;
	unsigned int i;

	for (i = 0; i < RTE_DIM(data_ops); i++) {
		if (!reads_src(data_ops[i]))
			continue;
		desc = desc_of(data_ops[i], DST + 3, DST + RIG_PAGE, 100);
		rec = rig_run(bed->guest, &desc);
		check_fault(&rec, DSA_COMP_PAGE_FAULT_NOBOF, DST + 3, 0);
	}
	check_untouched(bed);
}

/* ---- in the middle ---- */

/* The source ends with its area, after `bytes`. */
static void
run_source_ends(struct fault_bed *bed, uint8_t opcode, uint64_t bytes)
{
	struct dsa_hw_desc desc =
		desc_of(opcode, SRC + AREA - bytes, DST + 100, bytes + 1 + bytes % 5000);
	struct dsa_completion_record rec = rig_run(bed->guest, &desc);

	check_fault(&rec, DSA_COMP_PAGE_FAULT_NOBOF, SRC + AREA, bytes);
	rig_peek(&bed->dst, 0, bed->b, AREA);
	check_bytes(bed->b, UNTOUCHED, 100);
	assert_memory_equal(bed->b + 100, bed->a + AREA - bytes, bytes);
	check_bytes(bed->b + 100 + bytes, UNTOUCHED, AREA - 100 - bytes);
	memset(bed->b, UNTOUCHED, AREA);
	rig_poke(&bed->dst, 0, bed->b, AREA);
}

static void
test_source_fault_in_the_middle(void **state)
{
	static const uint64_t bytes[] = {1, 7, 64, 1000, 4096, 5000, 65536, 65537, 300000};
	struct fault_bed *bed = *state;
	unsigned int i;

	for (i = 0; i < RTE_DIM(bytes); i++) {
		run_source_ends(bed, DSA_OPCODE_MEMMOVE, bytes[i]);
		run_source_ends(bed, DSA_OPCODE_COPY_CRC, bytes[i]);
	}
}

/* Only the destination ends; what lies before its last page stays as it was. */
static void
run_destination_ends(struct fault_bed *bed, uint8_t opcode, uint64_t bytes)
{
	struct dsa_hw_desc desc =
		desc_of(opcode, SRC, DST + AREA - bytes, bytes + 1 + bytes % 5000);
	struct dsa_completion_record rec = rig_run(bed->guest, &desc);

	check_fault(&rec, DSA_COMP_PAGE_FAULT_NOBOF | DSA_COMP_STATUS_WRITE, DST + AREA, bytes);
	rig_peek(&bed->dst, 0, bed->b, AREA);
	check_bytes(bed->b, UNTOUCHED, AREA - bytes);
	if (opcode != DSA_OPCODE_MEMFILL)
		assert_memory_equal(bed->b + AREA - bytes, bed->a, bytes);
	memset(bed->b, UNTOUCHED, AREA);
	rig_poke(&bed->dst, 0, bed->b, AREA);
}

static void
test_destination_fault_in_the_middle(void **state)
{
	static const uint64_t bytes[] = {1, 63, 4096, 4097, 65536, 200001};
	struct fault_bed *bed = *state;
	unsigned int i;

	for (i = 0; i < RTE_DIM(bytes); i++) {
		run_destination_ends(bed, DSA_OPCODE_MEMMOVE, bytes[i]);
		run_destination_ends(bed, DSA_OPCODE_MEMFILL, bytes[i]);
		run_destination_ends(bed, DSA_OPCODE_COPY_CRC, bytes[i]);
	}
}

static void
test_compare_and_sum_fault_in_the_middle(void **state)
{
	static const uint8_t opcodes[] = {DSA_OPCODE_CRCGEN, DSA_OPCODE_COMPARE};
	struct fault_bed *bed = *state;
	struct dsa_completion_record rec;
	struct dsa_hw_desc desc;
	unsigned int i;

	for (i = 0; i < RTE_DIM(opcodes); i++) {
		desc = desc_of(opcodes[i], SRC + AREA - 5000, SRC + AREA - 5000, 6000);
		if (opcodes[i] == DSA_OPCODE_CRCGEN)
			desc.dst_addr = 0;
		rec = rig_run(bed->guest, &desc);
		check_fault(&rec, DSA_COMP_PAGE_FAULT_NOBOF, SRC + AREA, 5000);
	}
	/* A difference before the fault is a result. */
	desc = desc_of(DSA_OPCODE_COMPARE, SRC + AREA - 5000, SRC, 6000);
	bed->b[0] = bed->a[0];
	rig_poke(&bed->src, AREA - 5000, bed->b, 1);
	rec = rig_run(bed->guest, &desc);
	assert_int_equal(rec.status, DSA_COMP_SUCCESS);
	assert_int_equal(rec.result, 1);
}

/* One read-only page between writable ones. */
static void
test_one_page_in_the_middle_is_read_only(void **state)
{
	struct fault_bed *bed = *state;
	struct dsa_hw_desc desc = desc_of(DSA_OPCODE_MEMFILL, 0, BAD + 10, 3 * RIG_PAGE - 20);
	uint8_t *page[3];
	struct dsa_completion_record rec;
	unsigned int i;

	for (i = 0; i < 3; i++) {
		page[i] = rig_take(bed->rig, RIG_PAGE, false);
		rig_map_at(bed->guest, BAD + i * RIG_PAGE, page[i], RIG_PAGE,
			   i == 1 ? SIOV_PERM_R : RW);
	}
	desc.pattern = UINT64_MAX;
	rec = rig_run(bed->guest, &desc);
	check_fault(&rec, DSA_COMP_PAGE_FAULT_NOBOF | DSA_COMP_STATUS_WRITE, BAD + RIG_PAGE,
		    RIG_PAGE - 10);
	check_bytes(page[0], 0, 10);
	check_bytes(page[0] + 10, 0xff, RIG_PAGE - 10);
	check_bytes(page[1], 0, RIG_PAGE);
	check_bytes(page[2], 0, RIG_PAGE);
}

/* ---- software goes on where the device stopped ---- */

static void
test_a_forward_move_goes_on_after_its_fault(void **state)
{
	struct fault_bed *bed = *state;
	struct dsa_hw_desc desc = desc_of(DSA_OPCODE_MEMMOVE, SRC, BAD + 50, 2 * RIG_PAGE);
	uint8_t *page = rig_take(bed->rig, 3 * RIG_PAGE, false);
	struct dsa_completion_record rec;

	rig_map_at(bed->guest, BAD, page, RIG_PAGE, RW);
	rec = rig_run(bed->guest, &desc);
	check_fault(&rec, DSA_COMP_PAGE_FAULT_NOBOF | DSA_COMP_STATUS_WRITE, BAD + RIG_PAGE,
		    RIG_PAGE - 50);
	rig_map_at(bed->guest, BAD + RIG_PAGE, page + RIG_PAGE, 2 * RIG_PAGE, RW);
	desc.src_addr += rec.bytes_completed;
	desc.dst_addr += rec.bytes_completed;
	desc.xfer_size -= rec.bytes_completed;
	rec = rig_run(bed->guest, &desc);
	assert_int_equal(rec.status, DSA_COMP_SUCCESS);
	assert_memory_equal(page + 50, bed->a, 2 * RIG_PAGE);
}

static void
fill_randomly(struct fault_bed *bed, uint8_t *dst, uint64_t len)
{
	rig_random_bytes(bed->rig, dst, len);
	memcpy(bed->b, dst, len);
}

/* The low page is missing; the move begins at the high end, and says so. */
static void
test_a_backward_move_goes_on_after_its_fault(void **state)
{
	struct fault_bed *bed = *state;
	struct dsa_hw_desc desc = desc_of(DSA_OPCODE_MEMMOVE, BAD + 0x800, BAD + 0x900, 0x1800);
	uint8_t *page = rig_take(bed->rig, 3 * RIG_PAGE, false);
	struct dsa_completion_record rec;

	fill_randomly(bed, page, 3 * RIG_PAGE);
	rig_map_at(bed->guest, BAD + RIG_PAGE, page + RIG_PAGE, 2 * RIG_PAGE, RW);
	rec = rig_run(bed->guest, &desc);
	assert_int_equal(rec.status, DSA_COMP_PAGE_FAULT_NOBOF);
	assert_int_equal(rec.result, 1);
	assert_int_equal(rec.bytes_completed, RIG_PAGE);
	assert_int_equal(rec.fault_addr & ~(RIG_PAGE - 1), BAD);
	assert_true(rec.fault_addr >= desc.src_addr);
	/* The high 4 KiB have moved, what is below has not. */
	assert_memory_equal(page + 0x1100, bed->b + 0x1000, RIG_PAGE);
	assert_memory_equal(page, bed->b, 0x1100);
	rig_map_at(bed->guest, BAD, page, RIG_PAGE, RW);
	desc.xfer_size -= rec.bytes_completed;
	rec = rig_run(bed->guest, &desc);
	assert_int_equal(rec.status, DSA_COMP_SUCCESS);
	assert_int_equal(rec.result, 0);
	memmove(bed->b + 0x900, bed->b + 0x800, 0x1800);
	assert_memory_equal(page, bed->b, 3 * RIG_PAGE);
}

/* ---- memory that goes away under a long transfer ---- */

static void
test_destination_unmapped_under_a_long_transfer(void **state)
{
	struct fault_bed *bed = *state;
	struct dsa_hw_desc desc = desc_of(DSA_OPCODE_MEMMOVE, SRC, DST, AREA);

	rig_submit(bed->guest, &desc);
	rig_poll(bed->rig);
	rig_poll(bed->rig);
	rig_unmap(bed->guest, DST + 2 * RIG_SLICE, RIG_PAGE);
	rig_settle(bed->rig);
	check_fault(&bed->guest->comps[0], DSA_COMP_PAGE_FAULT_NOBOF | DSA_COMP_STATUS_WRITE,
		    DST + 2 * RIG_SLICE, 2 * RIG_SLICE);
	rig_peek(&bed->dst, 2 * RIG_SLICE, bed->b, RIG_PAGE);
	check_bytes(bed->b, UNTOUCHED, RIG_PAGE);
}

static void
test_completion_record_unmapped_under_a_long_transfer(void **state)
{
	struct fault_bed *bed = *state;
	struct dsa_hw_desc desc = desc_of(DSA_OPCODE_MEMMOVE, SRC, DST, 200000);

	rig_submit(bed->guest, &desc);
	rig_poll(bed->rig);
	assert_int_equal(engine_nb_long(bed->rig->engines[0], 0), 1);
	rig_unmap(bed->guest, RIG_COMP_IOVA, RIG_PAGE);
	rig_settle(bed->rig);
	check_error(bed, &desc, DSA_COMP_CRA_XLAT, rig_comp(0));
	check_no_record(bed);
	assert_int_equal(engine_nb_long(bed->rig->engines[0], 0), 0);
	assert_int_equal(rig_stats(bed->rig, 0, PASID).failed_by[DSA_COMP_CRA_XLAT], 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FAULT_TEST(test_source_not_mapped),
		FAULT_TEST(test_destination_not_mapped_is_a_write_fault),
		FAULT_TEST(test_second_source_not_mapped_is_a_read_fault),
		FAULT_TEST(test_read_only_memory_is_not_written),
		FAULT_TEST(test_write_only_memory_is_not_read),
		FAULT_TEST(test_source_fault_in_the_middle),
		FAULT_TEST(test_destination_fault_in_the_middle),
		FAULT_TEST(test_compare_and_sum_fault_in_the_middle),
		FAULT_TEST(test_one_page_in_the_middle_is_read_only),
		FAULT_TEST(test_a_forward_move_goes_on_after_its_fault),
		FAULT_TEST(test_a_backward_move_goes_on_after_its_fault),
		FAULT_TEST(test_destination_unmapped_under_a_long_transfer),
		FAULT_TEST(test_completion_record_unmapped_under_a_long_transfer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

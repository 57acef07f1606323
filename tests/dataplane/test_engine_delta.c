/* SPDX-License-Identifier: BSD-3-Clause */
/* Delta records against a plain reference, over pages with unrelated mappings. */
#include <stdlib.h>

#include "rig.h"

#define SRC UINT64_C(0x10000000)
#define SRC2 UINT64_C(0x20000000)
#define REC UINT64_C(0x30000000)
#define AREA (UINT64_C(1) << 20)
#define MAX 0x80000u
#define RW (SIOV_PERM_R | SIOV_PERM_W)

struct bed {
	struct rig *rig;
	struct rig_guest *guest;
	struct rig_view src, src2, rec;
	uint8_t *a, *b, *want, *got; /* AREA bytes each */
};

static int
open_bed(void **state)
{
	struct bed *bed = calloc(1, sizeof(*bed));

	assert_non_null(bed);
	bed->rig = rig_open(&(struct rig_conf){.arena_len = UINT64_C(32) << 20});
	rig_add_wq(bed->rig, &(struct rig_wq_conf){0});
	bed->guest = rig_add_guest(bed->rig, 0, 7);
	bed->src = rig_map(bed->guest, SRC, AREA, RW, RIG_SHUFFLED);
	bed->src2 = rig_map(bed->guest, SRC2, AREA, SIOV_PERM_R, RIG_SHUFFLED);
	bed->rec = rig_map(bed->guest, REC, AREA, RW, RIG_SHUFFLED);
	bed->a = calloc(4, AREA);
	assert_non_null(bed->a);
	bed->b = bed->a + AREA;
	bed->want = bed->b + AREA;
	bed->got = bed->want + AREA;
	*state = bed;
	return 0;
}

static int
close_bed(void **state)
{
	struct bed *bed = *state;

	rig_no_error(bed->rig);
	rig_unview(&bed->src);
	rig_unview(&bed->src2);
	rig_unview(&bed->rec);
	rig_close(bed->rig);
	free(bed->a);
	free(bed);
	return 0;
}

static struct dsa_hw_desc
create_desc(uint64_t offset, uint32_t size, uint32_t max)
{
	struct dsa_hw_desc desc = rig_desc(DSA_OPCODE_CR_DELTA);

	desc.src_addr = SRC + offset;
	desc.src2_addr = SRC2 + offset;
	desc.delta_addr = REC + 8;
	desc.xfer_size = size;
	desc.max_delta_size = max;
	return desc;
}

static struct dsa_hw_desc
apply_desc(uint64_t offset, uint32_t size, uint32_t len)
{
	struct dsa_hw_desc desc = rig_desc(DSA_OPCODE_AP_DELTA);

	desc.src_addr = REC + 8;
	desc.dst_addr = SRC + offset;
	desc.xfer_size = size;
	desc.delta_rec_size = len;
	return desc;
}

/* Two areas of which one word in apart differs; returns the length of the record, in want. */
static uint32_t
scatter(struct bed *bed, uint64_t offset, uint32_t size, uint32_t apart)
{
	uint32_t i, len = 0;

	rig_random_bytes(bed->rig, bed->a, size);
	memcpy(bed->b, bed->a, size);
	for (i = 0; i < size; i += 8) {
		uint16_t index = (uint16_t)(i / 8);

		if (apart == 0 || rig_random(bed->rig) % apart != 0)
			continue;
		bed->b[i + rig_random(bed->rig) % 8] ^= 0x20;
		memcpy(bed->want + len, &index, 2);
		memcpy(bed->want + len + 2, bed->b + i, 8);
		len += 10;
	}
	rig_poke(&bed->src, offset, bed->a, size);
	rig_poke(&bed->src2, offset, bed->b, size);
	return len;
}

static void
check(const struct dsa_completion_record *rec, uint8_t status, uint8_t result, uint32_t done,
      uint32_t len)
{
	assert_int_equal(rec->status, status);
	assert_int_equal(rec->result, result);
	assert_int_equal(rec->bytes_completed, done);
	assert_int_equal(rec->delta_rec_size, len);
}

static void
test_what_is_created_applies(void **state)
{
	static const uint32_t sizes[] = {8, 16, 80, 4096, 8200, 65536, 65544, 200000, MAX};
	static const uint32_t aparts[] = {0, 1, 3, 100};
	struct bed *bed = *state;
	unsigned int i;

	for (i = 0; i < RTE_DIM(sizes) * RTE_DIM(aparts); i++) {
		uint32_t size = sizes[i / RTE_DIM(aparts)];
		uint64_t offset = i * 1000 % 5000 / 8 * 8;
		uint32_t len = scatter(bed, offset, size, aparts[i % RTE_DIM(aparts)]);
		struct dsa_hw_desc desc = create_desc(offset, size, RTE_MAX(len, 80u));
		struct dsa_completion_record rec = rig_run(bed->guest, &desc);

		check(&rec, DSA_COMP_SUCCESS, len != 0, size, len);
		rig_peek(&bed->rec, 8, bed->got, len);
		assert_memory_equal(bed->got, bed->want, len);
		desc = apply_desc(offset, size, len);
		rec = rig_run(bed->guest, &desc);
		check(&rec, DSA_COMP_SUCCESS, 0, size, len);
		rig_peek(&bed->src, offset, bed->got, size);
		assert_memory_equal(bed->got, bed->b, size);
	}
}

static void
test_a_record_that_is_full_ends_it(void **state)
{
	struct bed *bed = *state;
	struct dsa_hw_desc desc = create_desc(0, 4096, 80);
	struct dsa_completion_record rec;
	uint8_t edge[2] = {0xaa, 0};

	scatter(bed, 0, 4096, 1);
	rig_poke(&bed->rec, 88, edge, 1);
	rec = rig_run(bed->guest, &desc);
	check(&rec, DSA_COMP_SUCCESS, 2, 64, 80);
	rig_peek(&bed->rec, 88, edge + 1, 1);
	assert_int_equal(edge[1], 0xaa);
	desc.flags |= IDXD_OP_FLAG_CR;
	desc.expected_res_mask = 4;
	rec = rig_run(bed->guest, &desc);
	assert_int_equal(rec.status, DSA_COMP_SUCCESS);
	desc.expected_res_mask = 3;
	rec = rig_run(bed->guest, &desc);
	assert_int_equal(rec.status, DSA_COMP_SUCCESS_PRED);
}

static void
expect(struct bed *bed, const struct dsa_hw_desc *desc, uint8_t status)
{
	assert_int_equal(rig_run(bed->guest, desc).status, status);
}

static void
test_wrong_sizes_and_addresses(void **state)
{
	struct bed *bed = *state;
	struct dsa_hw_desc desc = create_desc(4, 80, 80);

	expect(bed, &desc, DSA_COMP_ADDR_ALIGN);
	desc = create_desc(0, 81, 80);
	expect(bed, &desc, DSA_COMP_XFER_ERANGE);
	desc = create_desc(0, MAX + 8, 80);
	expect(bed, &desc, DSA_COMP_XFER_ERANGE);
	desc = create_desc(0, 80, 70);
	expect(bed, &desc, DSA_COMP_DR_ERANGE);
	desc = create_desc(0, 80, 88);
	expect(bed, &desc, DSA_COMP_DR_ERANGE);
	desc = apply_desc(0, 80, 11);
	expect(bed, &desc, DSA_COMP_DR_ERANGE);
	desc = apply_desc(1, 80, 10);
	expect(bed, &desc, DSA_COMP_ADDR_ALIGN);
	desc = apply_desc(0, 80, 20);
	desc.dst_addr = desc.src_addr + 16;
	expect(bed, &desc, DSA_COMP_OVERLAP_BUFFERS);
}

static void
test_wrong_offsets(void **state)
{
	static const uint16_t pairs[][2] = {{1, 1}, {2, 1}, {1, 10}, {9, 9}, {9, 3}, {9, 10}};
	struct bed *bed = *state;
	unsigned int i;

	for (i = 0; i < RTE_DIM(pairs); i++) {
		struct dsa_hw_desc desc = apply_desc(0, 80, 20);
		struct dsa_completion_record rec;

		rig_poke(&bed->rec, 8, &pairs[i][0], 2);
		rig_poke(&bed->rec, 18, &pairs[i][1], 2);
		rec = rig_run(bed->guest, &desc);
		check(&rec,
		      pairs[i][1] >= 10 ? DSA_COMP_DR_OFFSET_ERANGE : DSA_COMP_DR_OFFSET_NOINC, 0,
		      (pairs[i][0] + 1) * 8, 10);
	}
}

static void
test_a_fault_tells_how_far_it_got(void **state)
{
	struct bed *bed = *state;
	struct dsa_hw_desc desc = create_desc(AREA - 8192, 16384, 80000);
	struct dsa_completion_record rec;

	scatter(bed, AREA - 8192, 8192, 0);
	rec = rig_run(bed->guest, &desc);
	check(&rec, DSA_COMP_PAGE_FAULT_NOBOF, 0, 8192, 0);
	assert_int_equal(rec.fault_addr, SRC + AREA);
}

/* The eleventh entry reaches beyond the last page: its first four bytes are not written either. */
static void
test_an_entry_is_whole_or_absent(void **state)
{
	struct bed *bed = *state;
	struct dsa_hw_desc desc = create_desc(0, 4096, 80000);
	struct dsa_completion_record rec;
	uint8_t before[4], after[4];

	scatter(bed, 0, 4096, 1);
	rig_random_bytes(bed->rig, before, sizeof(before));
	rig_poke(&bed->rec, AREA - 4, before, sizeof(before));
	desc.delta_addr = REC + AREA - 104;
	rec = rig_run(bed->guest, &desc);
	check(&rec, DSA_COMP_PAGE_FAULT_NOBOF | DSA_COMP_STATUS_WRITE, 0, 80, 100);
	assert_int_equal(rec.fault_addr, REC + AREA);
	rig_peek(&bed->rec, AREA - 104, bed->got, 100);
	assert_memory_equal(bed->got, bed->want, 100);
	rig_peek(&bed->rec, AREA - 4, after, sizeof(after));
	assert_memory_equal(before, after, sizeof(after));
}

/* Of a destination that ends, and of a record that does. */
static void
test_an_apply_that_faults_tells_words_and_entries(void **state)
{
	struct bed *bed = *state;
	uint32_t len = scatter(bed, AREA - 4096, 4096, 1);
	struct dsa_hw_desc desc = apply_desc(AREA - 4096, 4096 + 8, len + 10);
	struct dsa_completion_record rec;
	uint16_t index = 512;

	rig_poke(&bed->rec, 8, bed->want, len);
	rig_poke(&bed->rec, 8 + len, &index, sizeof(index));
	rec = rig_run(bed->guest, &desc);
	check(&rec, DSA_COMP_PAGE_FAULT_NOBOF | DSA_COMP_STATUS_WRITE, 0, 4096, len);
	assert_int_equal(rec.fault_addr, SRC + AREA);
	rig_peek(&bed->src, AREA - 4096, bed->got, 4096);
	assert_memory_equal(bed->got, bed->b, 4096);
	/* The last entry lies across the end of the record's area. */
	desc = apply_desc(0, 4096, 30);
	desc.src_addr = REC + AREA - 24;
	rig_poke(&bed->rec, AREA - 24, bed->want, 20);
	index = 511;
	rig_poke(&bed->rec, AREA - 4, &index, sizeof(index));
	rec = rig_run(bed->guest, &desc);
	check(&rec, DSA_COMP_PAGE_FAULT_NOBOF, 0, 16, 20);
	assert_int_equal(rec.fault_addr, REC + AREA);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_bed, close_bed)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_what_is_created_applies),
		TEST(test_a_record_that_is_full_ends_it),
		TEST(test_wrong_sizes_and_addresses),
		TEST(test_wrong_offsets),
		TEST(test_a_fault_tells_how_far_it_got),
		TEST(test_an_entry_is_whole_or_absent),
		TEST(test_an_apply_that_faults_tells_words_and_entries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

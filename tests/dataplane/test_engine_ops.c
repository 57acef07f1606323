/* SPDX-License-Identifier: BSD-3-Clause */
/* Each operation from lane to completion record, over pages with unrelated mappings. */
#include <stdlib.h>

#include "rig.h"

#define SRC UINT64_C(0x10000000)
#define DST UINT64_C(0x20000000)
#define AREA (UINT64_C(6) << 20) /* mapped at SRC and at DST */
#define MARGIN 64u /* bytes looked at on either side of a destination */
#define RW (SIOV_PERM_R | SIOV_PERM_W)

/* What every test here starts from. */
struct bed {
	struct rig *rig;
	struct rig_guest *guest;
	struct rig_view src;
	struct rig_view dst;
	uint8_t *a, *b, *c; /* AREA bytes each */
};

static const uint64_t sizes[] = {1,
				 2,
				 3,
				 7,
				 8,
				 9,
				 63,
				 64,
				 65,
				 511,
				 513,
				 4095,
				 4096,
				 4097,
				 8191,
				 65535,
				 65536,
				 65537,
				 131072,
				 200001,
				 RIG_2M - 1,
				 RIG_2M + 1,
				 (UINT64_C(4) << 20) + 123};

static const uint64_t offsets[] = {0, 1, 7, 63, 2048, 4095};

static int
open_bed(void **state)
{
	struct bed *bed = calloc(1, sizeof(*bed));

	assert_non_null(bed);
	bed->rig = rig_open(&(struct rig_conf){.arena_len = UINT64_C(64) << 20});
	rig_add_wq(bed->rig, &(struct rig_wq_conf){0});
	bed->guest = rig_add_guest(bed->rig, 0, 7);
	bed->src = rig_map(bed->guest, SRC, AREA, SIOV_PERM_R, RIG_SHUFFLED);
	bed->dst = rig_map(bed->guest, DST, AREA, RW, RIG_MIXED);
	bed->a = malloc(AREA);
	bed->b = malloc(AREA);
	bed->c = malloc(AREA);
	assert_true(bed->a != NULL && bed->b != NULL && bed->c != NULL);
	*state = bed;
	return 0;
}

static int
close_bed(void **state)
{
	struct bed *bed = *state;

	rig_no_error(bed->rig);
	rig_unview(&bed->src);
	rig_unview(&bed->dst);
	rig_close(bed->rig);
	free(bed->a);
	free(bed->b);
	free(bed->c);
	free(bed);
	return 0;
}

/* A record of full success: len bytes done, result and value as given, all else zero. */
static void
check_record(const struct dsa_completion_record *rec, uint8_t status, uint8_t result, uint64_t len,
	     uint32_t value)
{
	uint64_t words[4];

	memcpy(words, rec, sizeof(words));
	assert_int_equal(rec->status, status);
	assert_int_equal(words[0], status | (uint64_t)result << 8 | len << 32);
	assert_int_equal(words[1], 0);
	assert_int_equal(words[2], value);
	assert_int_equal(words[3], 0);
}

/* Random bytes at SRC + src_offset (a copy in a), other ones around DST + dst_offset (in b). */
static void
scatter(struct bed *bed, uint64_t src_offset, uint64_t dst_offset, uint64_t len)
{
	rig_random_bytes(bed->rig, bed->a, len);
	rig_random_bytes(bed->rig, bed->b, len + 2 * MARGIN);
	rig_poke(&bed->src, src_offset, bed->a, len);
	rig_poke(&bed->dst, dst_offset - MARGIN, bed->b, len + 2 * MARGIN);
}

/* The destination holds a, and b as before around it. */
static void
check_destination(struct bed *bed, uint64_t dst_offset, uint64_t len)
{
	rig_peek(&bed->dst, dst_offset - MARGIN, bed->c, len + 2 * MARGIN);
	memcpy(bed->b + MARGIN, bed->a, len);
	assert_memory_equal(bed->c, bed->b, len + 2 * MARGIN);
}

static void
test_noop_completes_and_is_counted(void **state)
{
	struct bed *bed = *state;
	struct dsa_hw_desc desc = rig_desc(DSA_OPCODE_NOOP);
	struct dsa_completion_record rec;
	struct siov_stats stats;

	desc.src_addr = UINT64_MAX; /* not looked at */
	desc.xfer_size = 77;
	rec = rig_run(bed->guest, &desc);
	check_record(&rec, DSA_COMP_SUCCESS, 0, 0, 0);
	stats = rig_stats(bed->rig, 0, 7);
	assert_int_equal(stats.completed, 1);
	assert_int_equal(stats.failed, 0);
	assert_int_equal(stats.bytes, 0);
}

/* Source and destination by turns unaligned; each pair of offsets occurs with small sizes. */
static void
for_sizes_and_offsets(struct bed *bed, void (*run)(struct bed *, uint64_t, uint64_t, uint64_t))
{
	unsigned int s, o;

	for (s = 0; s < RTE_DIM(sizes); s++) {
		unsigned int nb = sizes[s] <= 8191 ? RTE_DIM(offsets) : 2;

		for (o = 0; o < nb * nb; o++) {
			uint64_t src = offsets[(o / nb + s) % RTE_DIM(offsets)];
			uint64_t dst = offsets[(o % nb + 2 * s) % RTE_DIM(offsets)];

			run(bed, src, RIG_PAGE + dst, sizes[s]);
		}
	}
}

static void
run_move(struct bed *bed, uint64_t src, uint64_t dst, uint64_t len)
{
	struct dsa_hw_desc desc = rig_desc(DSA_OPCODE_MEMMOVE);
	struct dsa_completion_record rec;

	desc.src_addr = SRC + src;
	desc.dst_addr = DST + dst;
	desc.xfer_size = len;
	scatter(bed, src, dst, len);
	rec = rig_run(bed->guest, &desc);
	check_record(&rec, DSA_COMP_SUCCESS, 0, len, 0);
	check_destination(bed, dst, len);
}

static void
test_move_of_all_sizes_and_alignments(void **state)
{
	for_sizes_and_offsets(*state, run_move);
}

/* Moves within the destination area, compared with memmove in one piece. */
static void
run_overlap(struct bed *bed, uint64_t from, int64_t distance, uint64_t len)
{
	struct dsa_hw_desc desc = rig_desc(DSA_OPCODE_MEMMOVE);
	uint64_t to = from + (uint64_t)distance;
	uint64_t low = RTE_MIN(from, to) - MARGIN;
	uint64_t span = RTE_MAX(from, to) + len + MARGIN - low;
	struct dsa_completion_record rec;

	desc.src_addr = DST + from;
	desc.dst_addr = DST + to;
	desc.xfer_size = len;
	rig_random_bytes(bed->rig, bed->a, span);
	rig_poke(&bed->dst, low, bed->a, span);
	rec = rig_run(bed->guest, &desc);
	check_record(&rec, DSA_COMP_SUCCESS, 0, len, 0);
	memmove(bed->a + (to - low), bed->a + (from - low), len);
	rig_peek(&bed->dst, low, bed->b, span);
	assert_memory_equal(bed->a, bed->b, span);
}

static void
test_overlapping_moves_are_those_of_memmove(void **state)
{
	static const int64_t distances[] = {0,    1,    2,    7,     8,     63,    64,    100,
					    4095, 4096, 4097, 65535, 65536, 65537, 131071};
	static const uint64_t lens[] = {1, 5, 100, 4096, 5000, 65536, 70000, 200000};
	/* Within one large page, across its end, among small pages. */
	static const uint64_t starts[] = {RIG_2M / 2 + 17, RIG_2M - 5000, RIG_2M * 3 / 2};
	struct bed *bed = *state;
	unsigned int i, j, k;

	for (i = 0; i < RTE_DIM(distances); i++) {
		for (j = 0; j < RTE_DIM(lens); j++) {
			for (k = 0; k < RTE_DIM(starts); k++) {
				run_overlap(bed, starts[k], distances[i], lens[j]);
				run_overlap(bed, starts[k], -distances[i], lens[j]);
			}
		}
	}
}

/* A pattern of 8 or 16 bytes. */
static void
fill(struct bed *bed, uint64_t src, uint64_t dst, uint64_t len, unsigned int nb)
{
	struct dsa_hw_desc desc = rig_desc(DSA_OPCODE_MEMFILL);
	struct dsa_completion_record rec;
	uint8_t pattern[16];
	uint64_t i;

	scatter(bed, src, dst, len);
	rig_random_bytes(bed->rig, pattern, sizeof(pattern));
	memcpy(&desc.pattern, pattern, 8);
	if (nb == 16) {
		memcpy(desc.op_specific, pattern + 8, 8);
		desc.flags |= SIOV_OP_FLAG_FILL16;
	}
	desc.dst_addr = DST + dst;
	desc.xfer_size = len;
	rec = rig_run(bed->guest, &desc);
	check_record(&rec, DSA_COMP_SUCCESS, 0, len, 0);
	for (i = 0; i < len; i++)
		bed->a[i] = pattern[i % nb];
	check_destination(bed, dst, len);
}

static void
run_fill(struct bed *bed, uint64_t src, uint64_t dst, uint64_t len)
{
	fill(bed, src, dst, len, 8);
}

static void
run_wide_fill(struct bed *bed, uint64_t src, uint64_t dst, uint64_t len)
{
	fill(bed, src, dst, len, 16);
}

static void
test_fill_keeps_its_phase_over_pages(void **state)
{
	for_sizes_and_offsets(*state, run_fill);
}

static void
test_fill_with_sixteen_bytes(void **state)
{
	for_sizes_and_offsets(*state, run_wide_fill);
}

/* To the destination, and to what lies alike behind it. */
static void
run_dualcast(struct bed *bed, uint64_t src, uint64_t dst, uint64_t len)
{
	uint64_t dst2 = dst + RTE_ALIGN_CEIL(len + 2 * MARGIN, RIG_PAGE);
	struct dsa_hw_desc desc = rig_desc(DSA_OPCODE_DUALCAST);
	struct dsa_completion_record rec;

	if (dst2 + len + MARGIN > AREA)
		return;
	desc.src_addr = SRC + src;
	desc.dst_addr = DST + dst;
	desc.dest2 = DST + dst2;
	desc.xfer_size = len;
	scatter(bed, src, dst2, len);
	scatter(bed, src, dst, len);
	rec = rig_run(bed->guest, &desc);
	check_record(&rec, DSA_COMP_SUCCESS, 0, len, 0);
	check_destination(bed, dst, len);
	rig_peek(&bed->dst, dst2, bed->c, len);
	assert_memory_equal(bed->c, bed->a, len);
}

static void
test_dualcast_of_all_sizes_and_alignments(void **state)
{
	for_sizes_and_offsets(*state, run_dualcast);
}

/* Nothing changes; that lines have left the caches cannot be told. */
static void
run_flush(struct bed *bed, uint64_t src, uint64_t dst, uint64_t len)
{
	struct dsa_hw_desc desc = rig_desc(DSA_OPCODE_CFLUSH);
	struct dsa_completion_record rec;

	scatter(bed, src, dst, len);
	memcpy(bed->a, bed->b + MARGIN, len);
	desc.dst_addr = DST + dst;
	desc.xfer_size = len;
	desc.flags |= len % 2 ? IDXD_OP_FLAG_CC : 0;
	rec = rig_run(bed->guest, &desc);
	check_record(&rec, DSA_COMP_SUCCESS, 0, len, 0);
	check_destination(bed, dst, len);
}

static void
test_flush_changes_nothing(void **state)
{
	for_sizes_and_offsets(*state, run_flush);
}

static void
run_crc(struct bed *bed, uint64_t src, uint64_t dst, uint64_t len)
{
	struct dsa_hw_desc desc = rig_desc(DSA_OPCODE_CRCGEN);
	struct dsa_completion_record rec;

	RTE_SET_USED(dst);
	rig_random_bytes(bed->rig, bed->a, len);
	rig_poke(&bed->src, src, bed->a, len);
	desc.src_addr = SRC + src;
	desc.xfer_size = len;
	desc.crc_seed = len % 2 ? 0 : rig_random(bed->rig) & UINT32_MAX;
	rec = rig_run(bed->guest, &desc);
	check_record(&rec, DSA_COMP_SUCCESS, 0, len, ~rig_crc32c(~desc.crc_seed, bed->a, len));
}

static void
test_crc_agrees_with_one_bit_at_a_time(void **state)
{
	struct bed *bed = *state;
	unsigned int i;

	for (i = 0; i < RTE_DIM(sizes); i++)
		run_crc(bed, offsets[i % RTE_DIM(offsets)], 0, sizes[i]);
}

static void
test_crc_of_the_known_vector(void **state)
{
	struct bed *bed = *state;
	struct dsa_hw_desc desc = rig_desc(DSA_OPCODE_CRCGEN);
	struct dsa_completion_record rec;

	/* Across a page boundary. */
	rig_poke(&bed->src, RIG_PAGE - 4, "123456789", 9);
	desc.src_addr = SRC + RIG_PAGE - 4;
	desc.xfer_size = 9;
	rec = rig_run(bed->guest, &desc);
	check_record(&rec, DSA_COMP_SUCCESS, 0, 9, 0xe3069283);
	assert_int_equal(rec.crc_val & UINT32_MAX, 0xe3069283);
}

/* Register and data highest bit first: what follows from the known vector by mirroring. */
static void
test_crc_bypasses_of_the_known_vector(void **state)
{
	static const char mirrored[] = "\x8c\x4c\xcc\x2c\xac\x6c\xec\x1c\x9c";
	struct bed *bed = *state;
	struct dsa_hw_desc desc = rig_desc(DSA_OPCODE_CRCGEN);
	struct dsa_completion_record rec;

	rig_poke(&bed->src, RIG_PAGE - 4, "123456789", 9);
	desc.src_addr = SRC + RIG_PAGE - 4;
	desc.xfer_size = 9;
	desc.crc_seed = UINT32_MAX;
	desc.flags |= SIOV_OP_FLAG_CRC_BYPASS;
	rec = rig_run(bed->guest, &desc);
	check_record(&rec, DSA_COMP_SUCCESS, 0, 9, 0x3eb69f38);
	rig_poke(&bed->src, RIG_PAGE - 4, mirrored, 9);
	desc.flags |= SIOV_OP_FLAG_CRC_BYPASS_DATA;
	rec = rig_run(bed->guest, &desc);
	check_record(&rec, DSA_COMP_SUCCESS, 0, 9, 0x3eb69f38);
	desc.flags &= ~(uint32_t)SIOV_OP_FLAG_CRC_BYPASS;
	desc.crc_seed = 0;
	rec = rig_run(bed->guest, &desc);
	check_record(&rec, DSA_COMP_SUCCESS, 0, 9, 0xe3069283);
}

/* The second part is seeded with what came of the first. */
static void
test_crc_goes_on_from_its_seed(void **state)
{
	struct bed *bed = *state;
	struct dsa_hw_desc desc = rig_desc(DSA_OPCODE_CRCGEN);
	struct dsa_completion_record rec;

	rig_poke(&bed->src, 0, "123456789", 9);
	desc.src_addr = SRC;
	desc.xfer_size = 5;
	rec = rig_run(bed->guest, &desc);
	desc.crc_seed = (uint32_t)rec.crc_val;
	desc.src_addr += 5;
	desc.xfer_size = 4;
	rec = rig_run(bed->guest, &desc);
	check_record(&rec, DSA_COMP_SUCCESS, 0, 4, 0xe3069283);
}

static void
run_copy_crc(struct bed *bed, uint64_t src, uint64_t dst, uint64_t len)
{
	struct dsa_hw_desc desc = rig_desc(DSA_OPCODE_COPY_CRC);
	struct dsa_completion_record rec;

	scatter(bed, src, dst, len);
	desc.src_addr = SRC + src;
	desc.dst_addr = DST + dst;
	desc.xfer_size = len;
	desc.crc_seed = rig_random(bed->rig) & UINT32_MAX;
	rec = rig_run(bed->guest, &desc);
	check_record(&rec, DSA_COMP_SUCCESS, 0, len, ~rig_crc32c(~desc.crc_seed, bed->a, len));
	check_destination(bed, dst, len);
}

static void
test_copy_with_crc_of_all_sizes(void **state)
{
	struct bed *bed = *state;
	unsigned int i;

	for (i = 0; i < RTE_DIM(sizes); i++)
		run_copy_crc(bed, offsets[i % RTE_DIM(offsets)],
			     RIG_PAGE + offsets[(i + 3) % RTE_DIM(offsets)], sizes[i]);
}

/* Where the first difference is placed: around words, pages and slices, and at the ends. */
static const uint64_t positions[] = {
	0,    1,    7,    8,    63,    64,    511,   512,   513,    4094,   4095,
	4096, 4097, 8191, 8192, 65535, 65536, 65537, 69631, 131071, 131072, 199999,
};

#define COMPARED UINT64_C(200000)

/* CR asks for the result that was named; without it every result is a success. */
static void
check_compare(struct bed *bed, struct dsa_hw_desc *desc, uint8_t result, uint64_t len)
{
	struct dsa_completion_record rec;

	desc->flags = RIG_CRAV_RCR;
	desc->expected_res = 0;
	rec = rig_run(bed->guest, desc);
	check_record(&rec, DSA_COMP_SUCCESS, result, len, 0);
	desc->flags = RIG_CRAV_RCR | IDXD_OP_FLAG_CR;
	rec = rig_run(bed->guest, desc);
	check_record(&rec, result == 0 ? DSA_COMP_SUCCESS : DSA_COMP_SUCCESS_PRED, result, len, 0);
	desc->expected_res = 1;
	rec = rig_run(bed->guest, desc);
	check_record(&rec, result == 1 ? DSA_COMP_SUCCESS : DSA_COMP_SUCCESS_PRED, result, len, 0);
}

static void
flip(const struct rig_view *view, uint64_t offset, uint8_t bits)
{
	uint8_t byte;

	rig_peek(view, offset, &byte, 1);
	byte ^= bits;
	rig_poke(view, offset, &byte, 1);
}

/* One bit differs at each position in turn, and another one at the very end. */
static void
check_positions(struct bed *bed, struct dsa_hw_desc *desc, const struct rig_view *view,
		uint64_t base)
{
	unsigned int i;

	check_compare(bed, desc, 0, COMPARED);
	for (i = 0; i < RTE_DIM(positions); i++) {
		flip(view, base + positions[i], 0x10);
		flip(view, base + COMPARED - 1, 0x01);
		check_compare(bed, desc, 1, positions[i]);
		flip(view, base + COMPARED - 1, 0x01);
		flip(view, base + positions[i], 0x10);
	}
	/* Just outside is not looked at. */
	flip(view, base - 1, 0x40);
	flip(view, base + COMPARED, 0x40);
	check_compare(bed, desc, 0, COMPARED);
}

static void
test_compare_tells_the_first_difference(void **state)
{
	struct bed *bed = *state;
	struct dsa_hw_desc desc = rig_desc(DSA_OPCODE_COMPARE);
	unsigned int i;

	for (i = 0; i < RTE_DIM(offsets); i++) {
		uint64_t src = RIG_PAGE + offsets[i], dst = 2 * RIG_PAGE + offsets[(i + 1) % 6];

		rig_random_bytes(bed->rig, bed->a, COMPARED);
		rig_poke(&bed->src, src, bed->a, COMPARED);
		rig_poke(&bed->dst, dst, bed->a, COMPARED);
		desc.src_addr = SRC + src;
		desc.src2_addr = DST + dst;
		desc.xfer_size = COMPARED;
		check_positions(bed, &desc, i % 2 ? &bed->src : &bed->dst, i % 2 ? src : dst);
	}
}

static void
test_compare_pattern_tells_the_first_difference(void **state)
{
	struct bed *bed = *state;
	struct dsa_hw_desc desc = rig_desc(DSA_OPCODE_COMPVAL);
	uint64_t pattern, k;
	unsigned int i;

	for (i = 0; i < RTE_DIM(offsets); i++) {
		pattern = rig_random(bed->rig);
		for (k = 0; k < COMPARED; k++)
			bed->a[k] = (uint8_t)(pattern >> k % 8 * 8);
		rig_poke(&bed->src, RIG_PAGE + offsets[i], bed->a, COMPARED);
		desc.src_addr = SRC + RIG_PAGE + offsets[i];
		desc.comp_pattern = pattern;
		desc.xfer_size = COMPARED;
		check_positions(bed, &desc, &bed->src, RIG_PAGE + offsets[i]);
	}
}

static void
test_bytes_are_those_moved_compared_or_summed(void **state)
{
	struct bed *bed = *state;
	struct dsa_hw_desc desc = rig_desc(DSA_OPCODE_MEMMOVE);
	struct siov_stats stats;

	desc.src_addr = SRC;
	desc.dst_addr = DST;
	desc.xfer_size = 100000;
	rig_run(bed->guest, &desc);
	flip(&bed->src, 60000, 1);
	desc = rig_desc(DSA_OPCODE_COMPARE);
	desc.src_addr = SRC;
	desc.src2_addr = DST;
	desc.xfer_size = 100000;
	rig_run(bed->guest, &desc);
	desc = rig_desc(DSA_OPCODE_CRCGEN);
	desc.src_addr = SRC;
	desc.xfer_size = 1;
	rig_run(bed->guest, &desc);
	stats = rig_stats(bed->rig, 0, 7);
	assert_int_equal(stats.completed, 3);
	assert_int_equal(stats.bytes, 100000 + 60000 + 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_bed, close_bed)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_noop_completes_and_is_counted),
		TEST(test_move_of_all_sizes_and_alignments),
		TEST(test_overlapping_moves_are_those_of_memmove),
		TEST(test_fill_keeps_its_phase_over_pages),
		TEST(test_fill_with_sixteen_bytes),
		TEST(test_dualcast_of_all_sizes_and_alignments),
		TEST(test_flush_changes_nothing),
		TEST(test_crc_agrees_with_one_bit_at_a_time),
		TEST(test_crc_of_the_known_vector),
		TEST(test_crc_bypasses_of_the_known_vector),
		TEST(test_crc_goes_on_from_its_seed),
		TEST(test_copy_with_crc_of_all_sizes),
		TEST(test_compare_tells_the_first_difference),
		TEST(test_compare_pattern_tells_the_first_difference),
		TEST(test_bytes_are_those_moved_compared_or_summed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

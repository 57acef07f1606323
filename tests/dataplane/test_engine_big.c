/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The largest transfers. 2 GiB of iova are the same 2 MiB of memory again and again, so that the
 * arithmetic is that of 2 GiB and the memory is not.
 */
#include <stdlib.h>

#include "rig.h"

#define SRC (UINT64_C(1) << 40)
#define DST (UINT64_C(2) << 40)
#define HUGE_LEN (UINT64_C(1) << 31)
#define REAL_LEN (UINT64_C(64) << 20)
#define RW (SIOV_PERM_R | SIOV_PERM_W)

struct bed {
	struct rig *rig;
	struct rig_guest *guest;
	uint8_t *src, *dst; /* 2 MiB each, behind 2 GiB of iova */
	uint8_t *last; /* 2 MiB behind the last 2 MiB of iova at SRC */
};

static void
map_again_and_again(struct rig_guest *guest, uint64_t iova, uint8_t *hva, uint64_t len)
{
	uint64_t done;

	for (done = 0; done < len; done += RIG_2M)
		rig_map_at(guest, iova + done, hva, RIG_2M, RW);
}

static int
open_bed(void **state)
{
	struct bed *bed = calloc(1, sizeof(*bed));
	struct rig *rig;

	assert_non_null(bed);
	rig = rig_open(&(struct rig_conf){.arena_len = UINT64_C(12) << 20});
	rig_add_wq(rig, &(struct rig_wq_conf){0});
	bed->rig = rig;
	bed->guest = rig_add_guest(rig, 0, 7);
	bed->src = rig_take(rig, RIG_2M, true);
	bed->dst = rig_take(rig, RIG_2M, true);
	bed->last = rig_take(rig, RIG_2M, true);
	map_again_and_again(bed->guest, SRC, bed->src, HUGE_LEN - RIG_2M);
	map_again_and_again(bed->guest, SRC + HUGE_LEN - RIG_2M, bed->last, RIG_2M);
	map_again_and_again(bed->guest, DST, bed->dst, HUGE_LEN);
	rig_random_bytes(rig, bed->src, RIG_2M);
	memcpy(bed->last, bed->src, RIG_2M);
	*state = bed;
	return 0;
}

static int
close_bed(void **state)
{
	struct bed *bed = *state;

	rig_no_error(bed->rig);
	rig_close(bed->rig);
	free(bed);
	return 0;
}

static struct dsa_completion_record
run_huge(struct bed *bed, struct dsa_hw_desc *desc)
{
	desc->xfer_size = HUGE_LEN;
	return rig_run(bed->guest, desc);
}

static void
test_move_of_2_gib(void **state)
{
	struct bed *bed = *state;
	struct dsa_hw_desc desc = rig_desc(DSA_OPCODE_MEMMOVE);
	struct dsa_completion_record rec;
	struct siov_engine_stats stats;

	/* Only the last 2 MiB leave what is looked at. */
	rig_random_bytes(bed->rig, bed->last, RIG_2M);
	desc.src_addr = SRC;
	desc.dst_addr = DST;
	rec = run_huge(bed, &desc);
	assert_int_equal(rec.status, DSA_COMP_SUCCESS);
	assert_int_equal(rec.bytes_completed, HUGE_LEN);
	assert_memory_equal(bed->dst, bed->last, RIG_2M);
	siov_engine_get_stats(bed->rig->engines[0], &stats);
	assert_int_equal(stats.slices, HUGE_LEN / RIG_SLICE);
	assert_int_equal(stats.dispatched, 1);
	assert_int_equal(rig_stats(bed->rig, 0, 7).bytes, HUGE_LEN);
}

static void
test_fill_of_2_gib(void **state)
{
	struct bed *bed = *state;
	struct dsa_hw_desc desc = rig_desc(DSA_OPCODE_MEMFILL);
	const uint64_t pattern = UINT64_C(0x0807060504030201);
	struct dsa_completion_record rec;
	uint64_t i, word;

	desc.pattern = pattern;
	desc.dst_addr = DST;
	rec = run_huge(bed, &desc);
	assert_int_equal(rec.status, DSA_COMP_SUCCESS);
	assert_int_equal(rec.bytes_completed, HUGE_LEN);
	for (i = 0; i < RIG_2M; i += sizeof(word)) {
		memcpy(&word, bed->dst + i, sizeof(word));
		assert_int_equal(word, pattern);
	}
}

static void
test_compare_of_2_gib_that_differ_in_the_last_byte(void **state)
{
	struct bed *bed = *state;
	struct dsa_hw_desc desc = rig_desc(DSA_OPCODE_COMPARE);
	struct dsa_completion_record rec;

	memcpy(bed->dst, bed->src, RIG_2M);
	bed->last[RIG_2M - 1] ^= 1;
	desc.src_addr = SRC;
	desc.src2_addr = DST;
	rec = run_huge(bed, &desc);
	assert_int_equal(rec.status, DSA_COMP_SUCCESS);
	assert_int_equal(rec.result, 1);
	assert_int_equal(rec.bytes_completed, HUGE_LEN - 1);
}

/* What a zero byte does to each bit of the state, then two, four and so on up to 2 MiB. */
static void
make_skip_2m(uint32_t skip[32])
{
	const uint8_t zero = 0;
	uint32_t twice[32];
	unsigned int turn, i, bit;

	for (i = 0; i < 32; i++)
		skip[i] = rig_crc32c(UINT32_C(1) << i, &zero, 1);
	for (turn = 0; turn < 21; turn++) {
		for (i = 0; i < 32; i++) {
			twice[i] = 0;
			for (bit = 0; bit < 32; bit++)
				twice[i] ^= skip[i] >> bit & 1 ? skip[bit] : 0;
		}
		memcpy(skip, twice, sizeof(twice));
	}
}

/* CRC register after the same 2 MiB nb times: it is linear in state and data. */
static uint32_t
crc_of_repeats(uint32_t state, const uint8_t *data, unsigned int nb)
{
	uint32_t alone = rig_crc32c(0, data, RIG_2M);
	uint32_t skip[32];
	unsigned int i, bit;

	make_skip_2m(skip);
	for (i = 0; i < nb; i++) {
		uint32_t next = alone;

		for (bit = 0; bit < 32; bit++)
			next ^= state >> bit & 1 ? skip[bit] : 0;
		state = next;
	}
	return state;
}

static void
test_crc_of_2_gib(void **state)
{
	struct bed *bed = *state;
	struct dsa_hw_desc desc = rig_desc(DSA_OPCODE_CRCGEN);
	struct dsa_completion_record rec;

	desc.src_addr = SRC;
	desc.crc_seed = 0x12345678;
	rec = run_huge(bed, &desc);
	assert_int_equal(rec.status, DSA_COMP_SUCCESS);
	assert_int_equal(rec.bytes_completed, HUGE_LEN);
	assert_int_equal(rec.crc_val, (uint32_t)~crc_of_repeats(~UINT32_C(0x12345678), bed->src,
								HUGE_LEN / RIG_2M));
}

static void
test_2_gib_and_a_byte_are_out_of_range(void **state)
{
	struct bed *bed = *state;
	struct dsa_hw_desc desc = rig_desc(DSA_OPCODE_MEMMOVE);
	struct dsa_completion_record rec;

	desc.src_addr = SRC;
	desc.dst_addr = DST;
	desc.xfer_size = HUGE_LEN + 1;
	memset(bed->dst, 0x5a, RIG_2M);
	rec = rig_run(bed->guest, &desc);
	assert_int_equal(rec.status, DSA_COMP_XFER_ERANGE);
	assert_int_equal(rec.bytes_completed, 0);
	assert_int_equal(bed->dst[0], 0x5a);
	assert_memory_equal(bed->dst, bed->dst + 1, RIG_2M - 1);
}

/* The ranges overlap but for 2 MiB: from the high end, over all of the iova range. */
static void
test_backward_move_of_almost_2_gib(void **state)
{
	struct bed *bed = *state;
	struct dsa_hw_desc desc = rig_desc(DSA_OPCODE_MEMMOVE);
	struct dsa_completion_record rec;

	memset(bed->src, 0x11, RIG_2M);
	memset(bed->last, 0x22, RIG_2M);
	desc.src_addr = SRC;
	desc.dst_addr = SRC + RIG_2M;
	desc.xfer_size = HUGE_LEN - RIG_2M;
	rec = rig_run(bed->guest, &desc);
	assert_int_equal(rec.status, DSA_COMP_SUCCESS);
	assert_int_equal(rec.bytes_completed, HUGE_LEN - RIG_2M);
	assert_memory_equal(bed->last, bed->src, RIG_2M);
	assert_int_equal(bed->src[0], 0x11);
}

static void
test_move_of_64_mib_of_real_memory(void **state)
{
	struct rig *rig = rig_open(&(struct rig_conf){.arena_len = 2 * REAL_LEN + 4 * RIG_2M});
	struct dsa_hw_desc desc = rig_desc(DSA_OPCODE_MEMMOVE);
	struct dsa_completion_record rec;
	struct rig_guest *guest;
	struct rig_view src, dst;

	(void)state;
	rig_add_wq(rig, &(struct rig_wq_conf){0});
	guest = rig_add_guest(rig, 0, 7);
	src = rig_map(guest, SRC, REAL_LEN, SIOV_PERM_R, RIG_CONTIGUOUS);
	dst = rig_map(guest, DST, REAL_LEN, SIOV_PERM_W, RIG_CONTIGUOUS);
	rig_random_bytes(rig, src.pages[0], REAL_LEN);
	desc.src_addr = SRC;
	desc.dst_addr = DST;
	desc.xfer_size = REAL_LEN;
	rec = rig_run(guest, &desc);
	assert_int_equal(rec.status, DSA_COMP_SUCCESS);
	assert_int_equal(rec.bytes_completed, REAL_LEN);
	assert_int_equal(memcmp(src.pages[0], dst.pages[0], REAL_LEN), 0);
	rig_unview(&src);
	rig_unview(&dst);
	rig_close(rig);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_bed, close_bed)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_move_of_2_gib),
		TEST(test_fill_of_2_gib),
		TEST(test_compare_of_2_gib_that_differ_in_the_last_byte),
		TEST(test_crc_of_2_gib),
		TEST(test_2_gib_and_a_byte_are_out_of_range),
		TEST(test_backward_move_of_almost_2_gib),
		cmocka_unit_test(test_move_of_64_mib_of_real_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* Blocks with tuples whose pages are absent: parked, brought page by page, gone on with. */
#include "dif_model.h"
#include "prs_bed.h"

#define PAGES 8u
#define OFFSET 4090u /* of both operands in their first page: a block lies in three pages */
#define BLOCKS 5u

/* Both operands as they should be; absent pages are NULL in the guest. */
struct memory {
	uint8_t src[PAGES * RIG_PAGE];
	uint8_t dst[PAGES * RIG_PAGE];
	uint8_t *src_page[PAGES], *dst_page[PAGES];
};

static uint8_t *
byte_at(void *ctx, uint64_t iova, bool is_write)
{
	struct memory *mem = ctx;
	uint64_t offset = iova - (is_write ? DST : SRC);

	assert_true(offset < sizeof(mem->src));
	return (is_write ? mem->dst : mem->src) + offset;
}

static struct dsa_hw_desc
make_desc(struct rig *rig, uint8_t opcode, struct memory *mem)
{
	struct dsa_hw_desc desc = prs_copy(0, 0);
	uint32_t i, len;

	desc.opcode = opcode;
	desc.src_addr += OFFSET;
	desc.dst_addr += OFFSET;
	dif_model_choose(rig, &desc);
	desc.dif_upd_flags |= 3; /* 4104 bytes */
	len = dif_model_src_len(&desc);
	desc.xfer_size = BLOCKS * len;
	rig_random_bytes(rig, mem->src, sizeof(mem->src));
	for (i = 0; i < BLOCKS && opcode != DSA_OPCODE_DIF_INS; i++)
		dif_model_make_right(&desc, mem->src + OFFSET + i * len, i);
	return desc;
}

static void
bring_page(struct prs_bed *bed, struct memory *mem, uint64_t iova)
{
	bool is_dst = iova >= DST;
	unsigned int i = (unsigned int)((iova - (is_dst ? DST : SRC)) / RIG_PAGE);
	uint8_t *page;

	assert_true(i < PAGES);
	page = prs_map(bed->guest, iova & ~(RIG_PAGE - 1), is_dst ? SIOV_PERM_W : SIOV_PERM_R);
	if (is_dst) {
		mem->dst_page[i] = page;
	} else {
		memcpy(page, mem->src + i * RIG_PAGE, RIG_PAGE);
		mem->src_page[i] = page;
	}
}

/* Answer requests until nobody asks any more. Returns how many were answered. */
static unsigned int
serve(struct prs_bed *bed, struct memory *mem, unsigned int max)
{
	struct siov_vtd_page_request req;
	unsigned int n;

	rig_settle(bed->rig);
	for (n = 0; n < max && siov_prq_take(bed->prq, &req, 1) == 1; n++) {
		bring_page(bed, mem, siov_page_request_addr(&req));
		prs_answer(bed, &req, SIOV_PAGE_SUCCESS);
		rig_settle(bed->rig);
	}
	return n;
}

static void
check_pages(const struct memory *mem)
{
	unsigned int i;

	for (i = 0; i < PAGES; i++) {
		if (mem->dst_page[i] != NULL)
			assert_memory_equal(mem->dst_page[i], mem->dst + i * RIG_PAGE, RIG_PAGE);
	}
}

static void
check_brought(struct prs_bed *bed, uint8_t opcode)
{
	struct memory *mem = test_calloc(1, sizeof(*mem));
	struct dsa_hw_desc desc = make_desc(bed->rig, opcode, mem);
	uint64_t len = desc.xfer_size / BLOCKS, dst_len = dif_model_dst_len(&desc);
	unsigned int nb = 1 + (unsigned int)((OFFSET + BLOCKS * len - 1) / RIG_PAGE);
	struct dif_outcome out;

	if (dif_model_writes(opcode))
		nb += 1 + (unsigned int)((OFFSET + BLOCKS * dst_len - 1) / RIG_PAGE);
	rig_submit(bed->guest, &desc);
	assert_int_equal(serve(bed, mem, UINT32_MAX), nb);
	out = dif_model_run(&desc, byte_at, mem);
	assert_int_equal(out.status, DSA_COMP_SUCCESS);
	dif_model_compare(&bed->guest->comps[0], &out);
	check_pages(mem);
	test_free(mem);
}

static void
test_s9_4_4_1_check_goes_on_when_its_pages_come(void **state)
{
	check_brought(*state, DSA_OPCODE_DIF_CHECK);
}

static void
test_s9_4_4_1_insert_goes_on_when_its_pages_come(void **state)
{
	check_brought(*state, DSA_OPCODE_DIF_INS);
}

static void
test_s9_4_4_1_strip_goes_on_when_its_pages_come(void **state)
{
	check_brought(*state, DSA_OPCODE_DIF_STRP);
}

static void
test_s9_4_4_1_update_goes_on_when_its_pages_come(void **state)
{
	check_brought(*state, DSA_OPCODE_DIF_UPDT);
}

static void
test_s9_4_4_1_a_page_refused_ends_it_at_a_block(void **state)
{
	struct prs_bed *bed = *state;
	struct memory *mem = test_calloc(1, sizeof(*mem));
	struct dsa_hw_desc desc = make_desc(bed->rig, DSA_OPCODE_DIF_UPDT, mem);
	const struct dsa_completion_record *rec = &bed->guest->comps[0];
	struct siov_vtd_page_request req;

	rig_submit(bed->guest, &desc);
	/* The first block, in three pages of either operand, and the rest of the second one's source. */
	assert_int_equal(serve(bed, mem, 7), 7);
	req = prs_take(bed, PASID, DST + 3 * RIG_PAGE, SIOV_PERM_W);
	prs_answer(bed, &req, SIOV_PAGE_INVALID);
	rig_settle(bed->rig);
	assert_int_equal(rec->status, DSA_COMP_PAGE_FAULT_IR | DSA_COMP_STATUS_WRITE);
	assert_int_equal(rec->fault_addr, DST + 3 * RIG_PAGE);
	assert_int_equal(rec->bytes_completed, desc.xfer_size / BLOCKS);
	assert_int_equal(rec->dif_upd_src_ref_tag,
			 desc.src_ref_tag_seed + (desc.src_upd_flags & 0x80 ? 0 : 1));
	desc.xfer_size /= BLOCKS;
	dif_model_run(&desc, byte_at, mem);
	check_pages(mem);
	test_free(mem);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		PRS_TEST(test_s9_4_4_1_check_goes_on_when_its_pages_come),
		PRS_TEST(test_s9_4_4_1_insert_goes_on_when_its_pages_come),
		PRS_TEST(test_s9_4_4_1_strip_goes_on_when_its_pages_come),
		PRS_TEST(test_s9_4_4_1_update_goes_on_when_its_pages_come),
		PRS_TEST(test_s9_4_4_1_a_page_refused_ends_it_at_a_block),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

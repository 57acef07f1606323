/* SPDX-License-Identifier: BSD-3-Clause */
/* Delta records whose pages are absent: parked, brought page by page, gone on with. */
#include "delta_model.h"
#include "prs_bed.h"

#define PAGES 4u /* of each operand */
#define PART (PAGES * RIG_PAGE)
#define SRC2 (SRC + PART)
#define SIZE (3u * 4096)

/* All operands as they should be, side by side from SRC on; absent pages are NULL in the guest. */
struct memory {
	uint8_t bytes[3 * PART];
	uint8_t *page[3 * PAGES];
};

static uint8_t *
byte_at(void *ctx, uint64_t iova, bool is_write)
{
	struct memory *mem = ctx;

	(void)is_write;
	assert_true(iova - SRC < sizeof(mem->bytes));
	return mem->bytes + (iova - SRC);
}

/* Answer requests until nobody asks any more. Returns how many were answered. */
static unsigned int
serve(struct prs_bed *bed, struct memory *mem, unsigned int max)
{
	struct siov_vtd_page_request req;
	unsigned int n;

	rig_settle(bed->rig);
	for (n = 0; n < max && siov_prq_take(bed->prq, &req, 1) == 1; n++) {
		uint64_t i = (siov_page_request_addr(&req) - SRC) / RIG_PAGE;

		assert_true(i < 3 * PAGES);
		mem->page[i] = prs_map(bed->guest, SRC + i * RIG_PAGE, RW);
		memcpy(mem->page[i], mem->bytes + i * RIG_PAGE, RIG_PAGE);
		prs_answer(bed, &req, SIOV_PAGE_SUCCESS);
		rig_settle(bed->rig);
	}
	return n;
}

static void
check_pages(const struct memory *mem)
{
	unsigned int i;

	for (i = 0; i < 3 * PAGES; i++) {
		if (mem->page[i] != NULL)
			assert_memory_equal(mem->page[i], mem->bytes + i * RIG_PAGE, RIG_PAGE);
	}
}

/* A third of the words differs, so that the record reaches from its first page to its second. */
static struct memory *
make_memory(struct rig *rig)
{
	struct memory *mem = test_calloc(1, sizeof(*mem));
	unsigned int i;

	rig_random_bytes(rig, mem->bytes, sizeof(mem->bytes));
	for (i = 0; i < PART; i += 8) {
		if (i % 24 != 0)
			memcpy(mem->bytes + PART + i, mem->bytes + i, 8);
	}
	return mem;
}

static struct dsa_hw_desc
create_desc(void)
{
	struct dsa_hw_desc desc = prs_copy(SIZE, 0);

	desc.opcode = DSA_OPCODE_CR_DELTA;
	desc.src_addr = SRC;
	desc.src2_addr = SRC2;
	desc.delta_addr = SRC + 2 * PART + 8;
	desc.max_delta_size = 10000;
	return desc;
}

static void
test_s9_4_4_1_a_record_is_made_and_applied_as_pages_come(void **state)
{
	struct prs_bed *bed = *state;
	struct memory *mem = make_memory(bed->rig);
	struct dsa_hw_desc desc = create_desc();
	struct delta_outcome out;

	rig_submit(bed->guest, &desc);
	assert_int_equal(serve(bed, mem, UINT32_MAX), 3 + 3 + 2);
	out = delta_model_run(&desc, byte_at, mem);
	assert_int_equal(out.result, 1);
	delta_model_compare(&bed->guest->comps[0], &out);
	check_pages(mem);
	memset(&bed->guest->comps[0], 0, sizeof(bed->guest->comps[0]));
	desc.opcode = DSA_OPCODE_AP_DELTA;
	desc.src_addr = desc.delta_addr;
	desc.dst_addr = SRC;
	desc.xfer_size = PART;
	memset(desc.op_specific, 0, sizeof(desc.op_specific));
	desc.delta_rec_size = out.len;
	rig_submit(bed->guest, &desc);
	assert_int_equal(serve(bed, mem, UINT32_MAX), 0); /* no word of the fourth page is named */
	out = delta_model_run(&desc, byte_at, mem);
	delta_model_compare(&bed->guest->comps[0], &out);
	check_pages(mem);
	assert_memory_equal(mem->bytes, mem->bytes + PART, SIZE);
	test_free(mem);
}

/* The entry that reaches into the refused page has left nothing in the page before. */
static void
test_s9_4_4_1_an_entry_is_whole_or_absent_where_a_page_is_refused(void **state)
{
	struct prs_bed *bed = *state;
	struct memory *mem = make_memory(bed->rig);
	const struct dsa_completion_record *rec = &bed->guest->comps[0];
	struct dsa_hw_desc desc = create_desc();
	uint64_t bad = SRC + 2 * PART + RIG_PAGE;
	uint32_t nb = (RIG_PAGE - 8) / 10;
	struct siov_vtd_page_request req;

	rig_submit(bed->guest, &desc);
	/* Both sources as far as they were read, and the first page of the record. */
	assert_int_equal(serve(bed, mem, 3 + 3 + 1), 7);
	req = prs_take(bed, PASID, bad, SIOV_PERM_W);
	prs_answer(bed, &req, SIOV_PAGE_INVALID);
	rig_settle(bed->rig);
	assert_int_equal(rec->status, DSA_COMP_PAGE_FAULT_IR | DSA_COMP_STATUS_WRITE);
	assert_int_equal(rec->fault_addr, bad);
	assert_int_equal(rec->bytes_completed, nb * 24);
	assert_int_equal(rec->delta_rec_size, nb * 10);
	desc.xfer_size = nb * 24;
	delta_model_run(&desc, byte_at, mem);
	check_pages(mem);
	test_free(mem);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		PRS_TEST(test_s9_4_4_1_a_record_is_made_and_applied_as_pages_come),
		PRS_TEST(test_s9_4_4_1_an_entry_is_whole_or_absent_where_a_page_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

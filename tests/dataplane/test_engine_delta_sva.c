/* SPDX-License-Identifier: BSD-3-Clause */
/* Delta records in the test's own address space, whose pages may be bad. */
#include <stdlib.h>

#include <sys/mman.h>

#include "delta_model.h"
#include "sva_bed.h"

#define PAGES 6u /* of each of three operands */
#define PART (PAGES * RIG_PAGE)
#define CASES 2000u
#define SEED 20261123u

/* What memory should be, and what may be done there. */
struct model {
	uint8_t *area; /* 3 * PART bytes: first, second, record */
	uint8_t bytes[3 * PART];
	int prot[3 * PAGES];
};

static uint8_t *
byte_at(void *ctx, uint64_t iova, bool is_write)
{
	struct model *m = ctx;
	uint64_t offset = iova - addr_of(m->area);

	assert_true(offset < sizeof(m->bytes));
	return m->prot[offset / RIG_PAGE] & (is_write ? PROT_WRITE : PROT_READ) ?
		       m->bytes + offset :
		       NULL;
}

/* Two parts of which few words or nearly all differ. */
static void
fill(struct rig *rig, struct model *m)
{
	uint32_t apart = rig_random(rig) % 2 == 0 ? 2 : 300, i;

	rig_random_bytes(rig, m->bytes, sizeof(m->bytes));
	for (i = 0; i < PART; i += 8) {
		if (rig_random(rig) % apart != 0)
			memcpy(m->bytes + PART + i, m->bytes + i, 8);
	}
}

static struct dsa_hw_desc
random_create(struct sva_bed *bed, const struct model *m)
{
	uint64_t base = addr_of(m->area);
	uint32_t size = 8 + (uint32_t)(rig_random(bed->rig) % (PART - 8)) / 8 * 8;
	uint64_t offset = rig_random(bed->rig) % (PART - size + 1) / 8 * 8;
	struct dsa_hw_desc desc =
		sva_desc(bed, DSA_OPCODE_CR_DELTA, base + offset, base + PART + offset, size);

	desc.delta_addr = base + 2 * PART + rig_random(bed->rig) % 600 * 8;
	desc.max_delta_size = 80 + 10 * (uint32_t)(rig_random(bed->rig) % 1800);
	return desc;
}

/* The record of what was made is applied to the first part. */
static struct dsa_hw_desc
apply_of(const struct dsa_hw_desc *made, uint32_t len)
{
	struct dsa_hw_desc desc = *made;

	desc.opcode = DSA_OPCODE_AP_DELTA;
	desc.dst_addr = made->src_addr;
	desc.src_addr = made->delta_addr;
	memset(desc.op_specific, 0, sizeof(desc.op_specific));
	desc.delta_rec_size = len;
	return desc;
}

static uint8_t
run_case(struct sva_bed *bed, struct model *m, const struct dsa_hw_desc *desc,
	 struct delta_outcome *out)
{
	struct dsa_completion_record rec;
	unsigned int nb = rig_random(bed->rig) % 3, i;

	memcpy(m->area, m->bytes, sizeof(m->bytes));
	while (nb-- > 0) {
		unsigned int page = rig_random(bed->rig) % (3 * PAGES);

		m->prot[page] = rig_random(bed->rig) % 2 == 0 ? PROT_NONE : PROT_READ;
		assert_int_equal(mprotect(m->area + page * RIG_PAGE, RIG_PAGE, m->prot[page]), 0);
	}
	*out = delta_model_run(desc, byte_at, m);
	rec = sva_run(bed, desc);
	delta_model_compare(&rec, out);
	for (i = 0; i < RTE_DIM(m->prot); i++)
		m->prot[i] = PROT_READ | PROT_WRITE;
	assert_int_equal(mprotect(m->area, sizeof(m->bytes), PROT_READ | PROT_WRITE), 0);
	assert_memory_equal(m->area, m->bytes, sizeof(m->bytes));
	return out->status;
}

static void
test_s9_4_4_1_deltas_on_bad_pages_end_where_they_say(void **state)
{
	struct sva_bed *bed = sva_open();
	struct model *m = calloc(1, sizeof(*m));
	unsigned int made[256] = {0}, applied[256] = {0}, i;

	(void)state;
	assert_non_null(m);
	m->area = sva_map(sizeof(m->bytes));
	for (i = 0; i < RTE_DIM(m->prot); i++)
		m->prot[i] = PROT_READ | PROT_WRITE;
	bed->rig->seed = SEED;
	for (i = 0; i < CASES; i++) {
		struct dsa_hw_desc desc = random_create(bed, m);
		struct delta_outcome out;

		fill(bed->rig, m);
		made[run_case(bed, m, &desc, &out)]++;
		desc = apply_of(&desc, out.len);
		applied[run_case(bed, m, &desc, &out)]++;
	}
	assert_true(made[DSA_COMP_SUCCESS] > 100 && applied[DSA_COMP_SUCCESS] > 100);
	assert_true(made[READ_FAULT] > 50 && applied[READ_FAULT] > 50);
	assert_true(made[WRITE_FAULT] > 50 && applied[WRITE_FAULT] > 50);
	munmap(m->area, sizeof(m->bytes));
	free(m);
	sva_close(bed);
}

/* The last word is applied; what cannot come after it lies on a bad page. */
static void
test_s9_4_4_1_a_word_applied_counts_if_the_next_entry_is_bad(void **state)
{
	struct sva_bed *bed = sva_open();
	uint8_t *area = sva_map(4 * RIG_PAGE), word[8] = {1, 2, 3, 4, 5, 6, 7, 8};
	uint64_t dst = addr_of(area), src = dst + 3 * RIG_PAGE - 80;
	struct dsa_hw_desc desc = sva_desc(bed, DSA_OPCODE_AP_DELTA, src, dst, 8 * 8);
	struct dsa_completion_record rec;
	uint16_t i;

	(void)state;
	desc.delta_rec_size = 90;
	for (i = 0; i < 8; i++) {
		memcpy(area + 3 * RIG_PAGE - 80 + 10 * i, &i, 2);
		memcpy(area + 3 * RIG_PAGE - 80 + 10 * i + 2, word, 8);
	}
	assert_int_equal(mprotect(area + 3 * RIG_PAGE, RIG_PAGE, PROT_NONE), 0);
	rec = sva_run(bed, &desc);
	sva_check_fault(&rec, READ_FAULT, src + 80, 64);
	assert_int_equal(rec.delta_rec_size, 80);
	assert_memory_equal(area + 56, word, 8);
	munmap(area, 4 * RIG_PAGE);
	sva_close(bed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_s9_4_4_1_deltas_on_bad_pages_end_where_they_say),
		cmocka_unit_test(test_s9_4_4_1_a_word_applied_counts_if_the_next_entry_is_bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

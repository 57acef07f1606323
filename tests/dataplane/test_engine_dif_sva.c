/* SPDX-License-Identifier: BSD-3-Clause */
/* Blocks with tuples in the test's own address space, whose pages may be bad. */
#include <stdlib.h>

#include <sys/mman.h>

#include "dif_model.h"
#include "sva_bed.h"

#define PAGES 16u /* of either operand */
#define HALF (PAGES * RIG_PAGE)
#define CASES 1500u
#define SEED 20261123u

/* What memory should be, and what may be done there. */
struct model {
	uint8_t *area; /* 2 * HALF bytes: source, destination */
	uint8_t bytes[2 * HALF];
	int prot[2 * PAGES];
};

static uint8_t *
byte_at(void *ctx, uint64_t iova, bool is_write)
{
	struct model *m = ctx;
	uint64_t offset = iova - addr_of(m->area);
	int needed = is_write ? PROT_WRITE : PROT_READ;

	assert_true(offset < sizeof(m->bytes));
	return m->prot[offset / RIG_PAGE] & needed ? m->bytes + offset : NULL;
}

static void
fill(struct rig *rig, struct model *m, const struct dsa_hw_desc *desc)
{
	uint32_t len = dif_model_src_len(desc), nb = desc->xfer_size / len, i;
	uint8_t *src = m->bytes + (desc->src_addr - addr_of(m->area));

	rig_random_bytes(rig, m->bytes, sizeof(m->bytes));
	for (i = 0; i < nb && desc->opcode != DSA_OPCODE_DIF_INS; i++)
		dif_model_make_right(desc, src + i * len, i);
	if (rig_random(rig) % 4 == 0)
		src[rig_random(rig) % desc->xfer_size] ^= 4;
	memcpy(m->area, m->bytes, sizeof(m->bytes));
}

static void
protect(struct model *m, unsigned int page, int prot)
{
	m->prot[page] = prot;
	assert_int_equal(mprotect(m->area + page * RIG_PAGE, RIG_PAGE, prot), 0);
}

/* None, one or two bad pages, in the source or the destination. */
static void
spoil_pages(struct rig *rig, struct model *m)
{
	unsigned int nb = rig_random(rig) % 3;

	while (nb-- > 0)
		protect(m, rig_random(rig) % (2 * PAGES),
			rig_random(rig) % 2 == 0 ? PROT_NONE : PROT_READ);
}

static struct dsa_hw_desc
random_dif(struct sva_bed *bed, const struct model *m)
{
	struct rig *rig = bed->rig;
	uint64_t base = addr_of(m->area), len;
	uint8_t opcode = (uint8_t)(DSA_OPCODE_DIF_CHECK + rig_random(rig) % 4);
	struct dsa_hw_desc desc = sva_desc(bed, opcode, base, base + HALF, 0);
	uint32_t nb;

	dif_model_choose(rig, &desc);
	len = RTE_MAX(dif_model_src_len(&desc), dif_model_dst_len(&desc));
	nb = 1 + (uint32_t)(rig_random(rig) % (HALF / len - 1));
	desc.xfer_size = nb * dif_model_src_len(&desc);
	desc.src_addr += rig_random(rig) % (HALF - nb * len);
	desc.dst_addr += rig_random(rig) % (HALF - nb * len);
	return desc;
}

static uint8_t
run_case(struct sva_bed *bed, struct model *m)
{
	struct dsa_hw_desc desc = random_dif(bed, m);
	struct dsa_completion_record rec;
	struct dif_outcome out;
	unsigned int i;

	fill(bed->rig, m, &desc);
	spoil_pages(bed->rig, m);
	out = dif_model_run(&desc, byte_at, m);
	rec = sva_run(bed, &desc);
	dif_model_compare(&rec, &out);
	for (i = 0; i < RTE_DIM(m->prot); i++)
		m->prot[i] = PROT_READ | PROT_WRITE;
	assert_int_equal(mprotect(m->area, sizeof(m->bytes), PROT_READ | PROT_WRITE), 0);
	assert_memory_equal(m->area, m->bytes, sizeof(m->bytes));
	return out.status;
}

static struct model *
make_model(void)
{
	struct model *m = calloc(1, sizeof(*m));
	unsigned int i;

	assert_non_null(m);
	m->area = sva_map(sizeof(m->bytes));
	for (i = 0; i < RTE_DIM(m->prot); i++)
		m->prot[i] = PROT_READ | PROT_WRITE;
	return m;
}

static void
free_model(struct model *m)
{
	munmap(m->area, sizeof(m->bytes));
	free(m);
}

static void
test_s9_4_4_1_blocks_on_bad_pages_are_not_begun(void **state)
{
	struct sva_bed *bed = sva_open();
	struct model *m = make_model();
	unsigned int nb[256] = {0}, i;

	(void)state;
	bed->rig->seed = SEED;
	for (i = 0; i < CASES; i++)
		nb[run_case(bed, m)]++;
	assert_true(nb[DSA_COMP_SUCCESS] > 100);
	assert_true(nb[DSA_COMP_DIF_ERR] > 50);
	assert_true(nb[READ_FAULT] > 50);
	assert_true(nb[WRITE_FAULT] > 50);
	free_model(m);
	sva_close(bed);
}

/* The end of the source and the start of the destination share a page that is read-only. */
static void
test_s9_4_4_1_a_page_of_both_operands_faults_for_the_one_that_writes(void **state)
{
	struct sva_bed *bed = sva_open();
	struct model *m = make_model();
	uint64_t base = addr_of(m->area);
	struct dsa_hw_desc desc = sva_desc(bed, DSA_OPCODE_DIF_STRP, base + 4000, 0, 3 * 520);
	struct dsa_completion_record rec;

	(void)state;
	desc.dst_addr = desc.src_addr + desc.xfer_size;
	fill(bed->rig, m, &desc);
	protect(m, 1, PROT_READ);
	memcpy(m->bytes, m->area, sizeof(m->bytes));
	desc.src_upd_flags = 0x60;
	desc.src_app_tag_mask = UINT16_MAX;
	rec = sva_run(bed, &desc);
	sva_check_fault(&rec, WRITE_FAULT, desc.dst_addr, 0);
	assert_memory_equal(m->area, m->bytes, sizeof(m->bytes));
	free_model(m);
	sva_close(bed);
}

/* Eight blocks fill a page; with tuples they need a second one, which is bad. */
static void
test_s9_4_4_1_a_destination_longer_than_its_source(void **state)
{
	struct sva_bed *bed = sva_open();
	struct model *m = make_model();
	uint64_t base = addr_of(m->area);
	struct dsa_hw_desc desc = sva_desc(bed, DSA_OPCODE_DIF_INS, base, base + HALF, 8 * 512);
	struct dsa_completion_record rec;

	(void)state;
	protect(m, PAGES + 1, PROT_NONE);
	rec = sva_run(bed, &desc);
	sva_check_fault(&rec, WRITE_FAULT, base + HALF + RIG_PAGE, 7 * 512);
	free_model(m);
	sva_close(bed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_s9_4_4_1_blocks_on_bad_pages_are_not_begun),
		cmocka_unit_test(
			test_s9_4_4_1_a_page_of_both_operands_faults_for_the_one_that_writes),
		cmocka_unit_test(test_s9_4_4_1_a_destination_longer_than_its_source),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* Random operations over random bad pages of the own address space, against a model of bytes. */
#include <stdlib.h>

#include <sys/mman.h>

#include "sva_bed.h"

#define PAGES 40u
#define AREA (PAGES * RIG_PAGE)
#define SEED 20261123u
#define LEN_MAX (18u * 4096) /* also more than a slice */
#define CASES 6000u

/* What the model knows of the area. */
struct model {
	uint8_t *area;
	uint8_t bytes[AREA];
	int prot[PAGES];
};

struct outcome {
	uint8_t status;
	uint8_t result;
	uint32_t done;
	uint64_t fault_addr;
};

static bool
can(const struct model *m, uint64_t addr, int prot)
{
	return (m->prot[(addr - addr_of(m->area)) / RIG_PAGE] & prot) != 0;
}

static uint8_t *
byte_at(struct model *m, uint64_t addr)
{
	return &m->bytes[addr - addr_of(m->area)];
}

static bool
is_of(uint8_t opcode, const char *set)
{
	return strchr(set, opcode) != NULL;
}

static const char readers[] = {DSA_OPCODE_MEMMOVE, DSA_OPCODE_COMPARE,  DSA_OPCODE_COMPVAL,
			       DSA_OPCODE_CRCGEN,  DSA_OPCODE_COPY_CRC, 0};
static const char writers[] = {DSA_OPCODE_MEMMOVE, DSA_OPCODE_MEMFILL, DSA_OPCODE_COPY_CRC, 0};

/* Byte at offset k: false if it faults, told in out. */
static bool
reach(const struct model *m, const struct dsa_hw_desc *desc, uint32_t k, struct outcome *out)
{
	out->fault_addr = desc->src_addr + k;
	out->status = READ_FAULT;
	if (is_of(desc->opcode, readers) && !can(m, desc->src_addr + k, PROT_READ))
		return false;
	out->fault_addr = desc->dst_addr + k;
	if (desc->opcode == DSA_OPCODE_COMPARE && !can(m, desc->src2_addr + k, PROT_READ))
		return false;
	out->status = WRITE_FAULT;
	return !is_of(desc->opcode, writers) || can(m, desc->dst_addr + k, PROT_WRITE);
}

/* False: byte k is the first difference. */
static bool
work(struct model *m, const struct dsa_hw_desc *desc, uint32_t k)
{
	uint8_t turn = (uint8_t)(k % 8 * 8);

	if (desc->opcode == DSA_OPCODE_COMPARE)
		return *byte_at(m, desc->src_addr + k) == *byte_at(m, desc->src2_addr + k);
	if (desc->opcode == DSA_OPCODE_COMPVAL)
		return *byte_at(m, desc->src_addr + k) == (uint8_t)(desc->comp_pattern >> turn);
	if (desc->opcode == DSA_OPCODE_MEMFILL)
		*byte_at(m, desc->dst_addr + k) = (uint8_t)(desc->pattern >> turn);
	else if (desc->opcode != DSA_OPCODE_CRCGEN)
		*byte_at(m, desc->dst_addr + k) = *byte_at(m, desc->src_addr + k);
	return true;
}

static struct outcome
expect_forward(struct model *m, const struct dsa_hw_desc *desc)
{
	struct outcome out = {0};

	for (out.done = 0; out.done < desc->xfer_size; out.done++) {
		if (!reach(m, desc, out.done, &out))
			return out;
		out.result = !work(m, desc, out.done);
		if (out.result != 0)
			break;
	}
	out.status = DSA_COMP_SUCCESS;
	return out;
}

/* A fault names the start of the stretch within the pages, see README.md. */
static struct outcome
expect_backward(struct model *m, const struct dsa_hw_desc *desc)
{
	struct outcome out = {0};
	uint32_t k;

	for (k = desc->xfer_size; k > 0; k--, out.done++) {
		if (!reach(m, desc, k - 1, &out))
			break;
		work(m, desc, k - 1);
	}
	if (k == 0) {
		out.status = DSA_COMP_SUCCESS;
		return out;
	}
	for (k--;
	     k > 0 && (desc->src_addr + k) % RIG_PAGE != 0 && (desc->dst_addr + k) % RIG_PAGE != 0;
	     k--)
		out.fault_addr--;
	out.result = 1;
	return out;
}

static bool
is_backward(const struct dsa_hw_desc *desc)
{
	return desc->opcode == DSA_OPCODE_MEMMOVE &&
	       desc->dst_addr - desc->src_addr < desc->xfer_size;
}

static uint32_t
expected_crc(struct model *m, const struct dsa_hw_desc *desc, uint32_t done)
{
	return ~rig_crc32c(~desc->crc_seed, byte_at(m, desc->src_addr), done);
}

/* New bytes and permissions; a bad page in about every second case. */
static void
shuffle(struct rig *rig, struct model *m)
{
	static const int prots[] = {PROT_NONE, PROT_READ};
	uint8_t unit = (uint8_t)rig_random(rig);
	unsigned int nb_bad = rig_random(rig) % 3;
	unsigned int i;

	/* Mostly one byte, so that comparisons get far. */
	memset(m->bytes, unit, AREA);
	if (rig_random(rig) % 2 == 0)
		rig_random_bytes(rig, m->bytes, AREA);
	if (rig_random(rig) % 4 == 0)
		m->bytes[rig_random(rig) % AREA]++;
	assert_int_equal(mprotect(m->area, AREA, PROT_READ | PROT_WRITE), 0);
	memcpy(m->area, m->bytes, AREA);
	for (i = 0; i < PAGES; i++)
		m->prot[i] = PROT_READ | PROT_WRITE;
	while (nb_bad-- > 0) {
		i = rig_random(rig) % PAGES;
		m->prot[i] = prots[rig_random(rig) % 2];
		assert_int_equal(mprotect(m->area + i * RIG_PAGE, RIG_PAGE, m->prot[i]), 0);
	}
}

/* Short and long, near the end of a page or anywhere; moves overlap in about half of the cases. */
static struct dsa_hw_desc
random_desc(struct sva_bed *bed, const struct model *m)
{
	static const uint8_t ops[] = {DSA_OPCODE_MEMMOVE, DSA_OPCODE_MEMMOVE, DSA_OPCODE_MEMFILL,
				      DSA_OPCODE_COMPARE, DSA_OPCODE_COMPVAL, DSA_OPCODE_CRCGEN,
				      DSA_OPCODE_COPY_CRC};
	struct rig *rig = bed->rig;
	uint8_t opcode = ops[rig_random(rig) % RTE_DIM(ops)];
	uint32_t len = 1 + rig_random(rig) % (rig_random(rig) % 3 == 0 ? 300 : LEN_MAX);
	uint64_t base = addr_of(m->area), half = AREA / 2;
	uint64_t src = base + rig_random(rig) % (half - len);
	uint64_t dst = base + half + rig_random(rig) % (half - len);
	struct dsa_hw_desc desc;

	if (opcode != DSA_OPCODE_COPY_CRC && rig_random(rig) % 2 == 0)
		dst = base + rig_random(rig) % (half - len);
	desc = sva_desc(bed, opcode, src, dst, len);
	if (opcode == DSA_OPCODE_MEMFILL)
		desc.pattern = rig_random(rig);
	if (opcode == DSA_OPCODE_COMPVAL)
		desc.comp_pattern = m->bytes[0] * UINT64_C(0x0101010101010101);
	return desc;
}

static void
run_case(struct sva_bed *bed, struct model *m)
{
	struct dsa_completion_record rec;
	struct dsa_hw_desc desc;
	struct outcome out;

	shuffle(bed->rig, m);
	desc = random_desc(bed, m);
	out = is_backward(&desc) ? expect_backward(m, &desc) : expect_forward(m, &desc);
	rec = sva_run(bed, &desc);
	assert_int_equal(rec.status, out.status);
	assert_int_equal(rec.result, out.result);
	if (out.status != DSA_COMP_SUCCESS || out.result != 0)
		assert_int_equal(rec.bytes_completed, out.done);
	if (out.status != DSA_COMP_SUCCESS)
		assert_int_equal(rec.fault_addr, out.fault_addr);
	if (desc.opcode == DSA_OPCODE_CRCGEN || desc.opcode == DSA_OPCODE_COPY_CRC)
		assert_int_equal(rec.crc_val, expected_crc(m, &desc, out.done));
	assert_int_equal(mprotect(m->area, AREA, PROT_READ | PROT_WRITE), 0);
	assert_memory_equal(m->area, m->bytes, AREA);
}

static void
test_s9_4_4_1_bad_pages_give_exact_bytes_and_address(void **state)
{
	struct sva_bed *bed = sva_open();
	struct model *m = calloc(1, sizeof(*m));
	unsigned int i;

	(void)state;
	assert_non_null(m);
	print_message("seed %u\n", SEED);
	bed->rig->seed = SEED;
	m->area = sva_map(AREA);
	for (i = 0; i < CASES; i++)
		run_case(bed, m);
	munmap(m->area, AREA);
	free(m);
	sva_close(bed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_s9_4_4_1_bad_pages_give_exact_bytes_and_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* Random operations over random bad pages of the own address space, against a model of bytes. */
#include <stdlib.h>

#include <sys/mman.h>

#include "ops_model.h"
#include "sva_bed.h"

#define PAGES 60u
#define AREA (PAGES * RIG_PAGE)
#define SEED 20261123u
#define LEN_MAX (18u * 4096) /* also more than a slice */
#define CASES 6000u
#define FLAGS_CRC (SIOV_OP_FLAG_CRC_SEED | SIOV_OP_FLAG_CRC_BYPASS | SIOV_OP_FLAG_CRC_BYPASS_DATA)

/* What the model knows of the area. */
struct model {
	uint8_t *area;
	uint8_t bytes[AREA];
	int prot[PAGES];
};

static bool
can(const struct model *m, uint64_t addr, int prot)
{
	return (m->prot[(addr - addr_of(m->area)) / RIG_PAGE] & prot) != 0;
}

static uint8_t *
byte_at(void *ctx, uint64_t addr, bool is_write)
{
	struct model *m = ctx;

	return can(m, addr, is_write ? PROT_WRITE : PROT_READ) ?
		       &m->bytes[addr - addr_of(m->area)] :
		       NULL;
}

/* A backward fault names the start of the stretch within the pages, see README.md. */
static struct ops_outcome
expect(struct model *m, const struct dsa_hw_desc *desc)
{
	struct ops_outcome out = ops_model_run(desc, byte_at, m);
	uint32_t k = desc->xfer_size - out.done - 1;

	if (out.fault_addr == 0 || !ops_model_is_backward(desc))
		return out;
	for (;
	     k > 0 && (desc->src_addr + k) % RIG_PAGE != 0 && (desc->dst_addr + k) % RIG_PAGE != 0;
	     k--)
		out.fault_addr--;
	return out;
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
	static const uint8_t ops[] = {DSA_OPCODE_MEMMOVE,  DSA_OPCODE_MEMMOVE,  DSA_OPCODE_MEMFILL,
				      DSA_OPCODE_COMPARE,  DSA_OPCODE_COMPVAL,  DSA_OPCODE_CRCGEN,
				      DSA_OPCODE_COPY_CRC, DSA_OPCODE_DUALCAST, DSA_OPCODE_CFLUSH};
	struct rig *rig = bed->rig;
	uint8_t opcode = ops[rig_random(rig) % RTE_DIM(ops)];
	uint32_t len = 1 + rig_random(rig) % (rig_random(rig) % 3 == 0 ? 300 : LEN_MAX);
	uint64_t base = addr_of(m->area), third = AREA / 3;
	uint64_t src = base + rig_random(rig) % (third - len);
	uint64_t dst = base + third + rig_random(rig) % (third - len);
	struct dsa_hw_desc desc;

	if (opcode != DSA_OPCODE_COPY_CRC && opcode != DSA_OPCODE_DUALCAST &&
	    rig_random(rig) % 2 == 0)
		dst = base + rig_random(rig) % (third - len);
	desc = sva_desc(bed, opcode, src, dst, len);
	if (opcode == DSA_OPCODE_MEMFILL)
		desc.pattern = rig_random(rig);
	if (opcode == DSA_OPCODE_COMPVAL)
		desc.comp_pattern = m->bytes[0] * UINT64_C(0x0101010101010101);
	if (opcode == DSA_OPCODE_DUALCAST)
		desc.dest2 = dst + third;
	if (opcode == DSA_OPCODE_CRCGEN || opcode == DSA_OPCODE_COPY_CRC) {
		desc.flags |= rig_random(rig) & FLAGS_CRC;
		if (desc.flags & SIOV_OP_FLAG_CRC_SEED)
			desc.seed_addr = base + rig_random(rig) % (AREA - 4);
	}
	return desc;
}

static void
run_case(struct sva_bed *bed, struct model *m)
{
	struct dsa_completion_record rec;
	struct dsa_hw_desc desc;
	struct ops_outcome out;

	shuffle(bed->rig, m);
	desc = random_desc(bed, m);
	out = expect(m, &desc);
	rec = sva_run(bed, &desc);
	assert_int_equal(rec.status, out.status);
	assert_int_equal(rec.result, out.result);
	if (out.status != DSA_COMP_SUCCESS || out.result != 0)
		assert_int_equal(rec.bytes_completed, out.done);
	if (out.status != DSA_COMP_SUCCESS)
		assert_int_equal(rec.fault_addr, out.fault_addr);
	if (desc.opcode == DSA_OPCODE_CRCGEN || desc.opcode == DSA_OPCODE_COPY_CRC)
		assert_int_equal(rec.crc_val, out.value);
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

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * All kinds of address spaces on one unit at once, each PASID its own:
 *
 *     HPA   pass-through            HIOVA  first stage        GVA    nested, process of the guest
 *     HVA   our own process         GPA    second stage       GIOVA  nested, IOMMU of the guest
 *
 * The same address number means other memory in each, and memory itself says which: each place holds
 * a word of its own.
 */
#include <errno.h>
#include <stdlib.h>

#include "guest_bed.h"

#define IOVA (64 * PAGE) /* the address that four of them have */
#define HIOVA_OFFSET (1 * PAGE) /* where it is in the guest's memory, by kind */
#define GVA_OFFSET (2 * PAGE)
#define GIOVA_OFFSET (3 * PAGE)
#define HPA_OFFSET (4 * PAGE)

enum { PASID_HPA = 1, PASID_HVA, PASID_HIOVA, PASID_GPA, PASID_GVA, PASID_GIOVA, NB_PASIDS };

struct kinds {
	struct guest_bed *bed;
	struct guest *guest;
	struct siov_domain *first;
	uint64_t process_root;
	uint64_t iommu_root;
	uint64_t iova[NB_PASIDS];
	uint64_t *place[NB_PASIDS];
	uint64_t own; /* memory of the process that nobody registered */
};

static struct siov_domain *
host_domain(struct guest_bed *bed, enum siov_domain_kind kind)
{
	const struct siov_domain_conf conf = {
		.kind = kind,
		.max_page_shift = kind == SIOV_DOMAIN_FIRST_STAGE ? 21 : 0,
	};
	struct siov_domain *dom = NULL;

	assert_int_equal(siov_domain_create(bed->iommu, &conf, &dom), 0);
	return dom;
}

static void
open_tables(struct kinds *k)
{
	struct guest *g = k->guest;

	k->process_root = guest_table(g);
	guest_map(g, k->process_root, IOVA, GVA_OFFSET | GUEST_RW);
	k->iommu_root = guest_table(g);
	guest_map(g, k->iommu_root, IOVA, GIOVA_OFFSET | GUEST_RW);
	guest_bed_bind(k->bed, PASID_GPA, g->dom);
	guest_bed_bind(k->bed, PASID_GVA, guest_nested(k->bed, g, k->process_root, 0));
	guest_bed_bind(k->bed, PASID_GIOVA, guest_nested(k->bed, g, k->iommu_root, 0));
	k->first = host_domain(k->bed, SIOV_DOMAIN_FIRST_STAGE);
	assert_int_equal(siov_domain_map(k->first, IOVA, g->memory + HIOVA_OFFSET, PAGE, RW), 0);
	guest_bed_bind(k->bed, PASID_HIOVA, k->first);
	guest_bed_bind(k->bed, PASID_HPA, host_domain(k->bed, SIOV_DOMAIN_PASS_THROUGH));
	guest_bed_bind(k->bed, PASID_HVA, host_domain(k->bed, SIOV_DOMAIN_PROCESS));
}

static void
open_kinds(struct kinds *k, struct guest_bed *bed)
{
	static const uint64_t offsets[NB_PASIDS] = {
		[PASID_HPA] = HPA_OFFSET, [PASID_HIOVA] = HIOVA_OFFSET, [PASID_GPA] = IOVA,
		[PASID_GVA] = GVA_OFFSET, [PASID_GIOVA] = GIOVA_OFFSET,
	};
	uint32_t pasid;

	k->bed = bed;
	k->guest = guest_open(bed, 0, 21);
	open_tables(k);
	for (pasid = PASID_HPA; pasid < NB_PASIDS; pasid++) {
		k->iova[pasid] = IOVA;
		k->place[pasid] = (uint64_t *)(void *)(k->guest->memory + offsets[pasid]);
	}
	k->place[PASID_HVA] = &k->own;
	k->iova[PASID_HPA] = (uintptr_t)k->place[PASID_HPA];
	k->iova[PASID_HVA] = (uintptr_t)k->place[PASID_HVA];
	for (pasid = PASID_HPA; pasid < NB_PASIDS; pasid++)
		*k->place[pasid] = 1000 + pasid;
}

static int
look(struct kinds *k, uint32_t pasid, uint64_t iova, unsigned int perm)
{
	struct siov_xlate x;

	return guest_bed_translate(k->bed, pasid, iova, perm, &x);
}

/* The PASID reads its own word, and what it writes is found there. */
static void
expect_own_place(struct kinds *k, uint32_t pasid)
{
	struct siov_xlate x = {0};
	uint64_t *word;

	assert_int_equal(guest_bed_translate(k->bed, pasid, k->iova[pasid], RW, &x), 0);
	word = x.hva;
	assert_ptr_equal(word, k->place[pasid]);
	assert_int_equal(*word, 1000 + pasid);
}

static void
test_s8_1_1_six_kinds_of_address_spaces_at_the_same_time(void **state)
{
	struct kinds k = {0};
	uint32_t pasid;
	unsigned int round;

	open_kinds(&k, *state);
	for (round = 0; round < 3; round++) /* cold, then from the cache, mixed */
		for (pasid = PASID_HPA; pasid < NB_PASIDS; pasid++)
			expect_own_place(&k, pasid);
}

/* What is no address of one space is refused there, also while others use the same number. */
static void
test_s8_1_1_an_address_of_one_space_is_none_of_another(void **state)
{
	const uint64_t beyond = GUEST_LEN;
	uint32_t pasid;
	struct kinds k = {0};

	open_kinds(&k, *state);
	for (pasid = PASID_HPA; pasid < NB_PASIDS; pasid++)
		expect_own_place(&k, pasid);
	assert_int_equal(look(&k, PASID_HPA, IOVA, SIOV_PERM_R), SIOV_FAULT_DMA_LIMIT);
	assert_int_equal(look(&k, PASID_HPA, k.iova[PASID_HVA], SIOV_PERM_R), SIOV_FAULT_DMA_LIMIT);
	assert_int_equal(look(&k, PASID_GPA, beyond, SIOV_PERM_R), SIOV_FAULT_SS_NOT_PRESENT);
	assert_int_equal(look(&k, PASID_HIOVA, IOVA + PAGE, SIOV_PERM_R),
			 SIOV_FAULT_FS_NOT_PRESENT);
	assert_int_equal(look(&k, PASID_GVA, GIOVA_OFFSET, SIOV_PERM_R), SIOV_FAULT_FS_NOT_PRESENT);
	assert_int_equal(look(&k, PASID_GIOVA, GVA_OFFSET, SIOV_PERM_R), SIOV_FAULT_FS_NOT_PRESENT);
	assert_int_equal(look(&k, PASID_HVA, RTE_BIT64(47), SIOV_PERM_R), SIOV_FAULT_NOT_CANONICAL);
	for (pasid = PASID_HPA; pasid < NB_PASIDS; pasid++)
		expect_own_place(&k, pasid);
}

/* Taking one space away leaves the five others alone. */
static void
test_s8_1_1_unbinding_one_leaves_the_others(void **state)
{
	struct kinds k = {0};
	uint32_t gone;
	uint32_t pasid;

	open_kinds(&k, *state);
	for (gone = PASID_HPA; gone < NB_PASIDS; gone++) {
		for (pasid = PASID_HPA; pasid < NB_PASIDS; pasid++)
			if (pasid >= gone)
				expect_own_place(&k, pasid);
		assert_int_equal(siov_pasid_unbind(k.bed->iommu, gone), 0);
		for (pasid = PASID_HPA; pasid < NB_PASIDS; pasid++)
			if (pasid > gone)
				expect_own_place(&k, pasid);
			else
				assert_in_range(look(&k, pasid, k.iova[pasid], SIOV_PERM_R),
						SIOV_FAULT_PASID_DIR_NOT_PRESENT,
						SIOV_FAULT_PASID_NOT_PRESENT);
	}
}

/* ---- the four kinds of translation ---- */

static void
test_s8_1_2_pass_through_reaches_registered_memory_only(void **state)
{
	struct kinds k = {0};
	uint64_t start;

	open_kinds(&k, *state);
	start = (uintptr_t)k.guest->memory;
	expect_own_place(&k, PASID_HPA);
	assert_int_equal(look(&k, PASID_HPA, start, RW), 0);
	assert_int_equal(look(&k, PASID_HPA, start + GUEST_LEN - 1, RW), 0);
	assert_int_equal(look(&k, PASID_HPA, start - 1, SIOV_PERM_R), SIOV_FAULT_DMA_LIMIT);
	assert_int_equal(look(&k, PASID_HPA, start + GUEST_LEN, SIOV_PERM_R), SIOV_FAULT_DMA_LIMIT);
	assert_int_equal(look(&k, PASID_HPA, start, SIOV_PERM_PRIV_W), 0);
}

static void
test_s8_1_2_second_stage_has_its_permissions(void **state)
{
	struct guest_bed *bed = *state;
	struct guest *g = guest_open_unmapped(bed, 0, 12);
	struct kinds k = {.bed = bed};

	assert_int_equal(siov_domain_map(g->dom, 0, g->memory, PAGE, SIOV_PERM_R), 0);
	assert_int_equal(siov_domain_map(g->dom, PAGE, g->memory, PAGE, SIOV_PERM_W), 0);
	guest_bed_bind(bed, PASID_GPA, g->dom);
	assert_int_equal(look(&k, PASID_GPA, 0, SIOV_PERM_R), 0);
	assert_int_equal(look(&k, PASID_GPA, 0, SIOV_PERM_W), SIOV_FAULT_NO_WRITE);
	assert_int_equal(look(&k, PASID_GPA, PAGE, SIOV_PERM_W), 0);
	assert_int_equal(look(&k, PASID_GPA, PAGE, SIOV_PERM_R), SIOV_FAULT_NO_READ);
	assert_int_equal(look(&k, PASID_GPA, 0, SIOV_PERM_PRIV_R), 0);
	assert_int_equal(look(&k, PASID_GPA, 2 * PAGE, SIOV_PERM_R), SIOV_FAULT_SS_NOT_PRESENT);
	assert_int_equal(look(&k, PASID_GPA, RTE_BIT64(48), SIOV_PERM_R), SIOV_FAULT_SS_BEYOND_AW);
}

static void
expect_first_stage(struct guest_bed *bed, unsigned int levels, uint64_t iova)
{
	const struct siov_domain_conf conf = {
		.kind = SIOV_DOMAIN_FIRST_STAGE,
		.max_page_shift = 21,
		.levels = levels,
		.flags = levels == 5 ? SIOV_DOMAIN_F_SRE | SIOV_DOMAIN_F_WPE : 0,
	};
	int priv_read = levels == 5 ? 0 : SIOV_FAULT_NO_SUPERVISOR;
	uint8_t *memory = bed->guest[0].memory;
	struct kinds k = {.bed = bed};
	struct siov_domain *dom;
	struct siov_xlate x;

	assert_int_equal(siov_domain_create(bed->iommu, &conf, &dom), 0);
	assert_int_equal(siov_domain_map(dom, iova, memory, 2 * MIB, SIOV_PERM_R), 0);
	assert_int_equal(siov_domain_map(dom, iova + 2 * MIB, memory, PAGE, RW), 0);
	guest_bed_bind(bed, levels, dom);
	assert_int_equal(guest_bed_translate(bed, levels, iova + 77, SIOV_PERM_R, &x), 0);
	assert_ptr_equal(x.hva, memory + 77);
	assert_int_equal(look(&k, levels, iova, SIOV_PERM_W), SIOV_FAULT_NO_WRITE);
	assert_int_equal(look(&k, levels, iova + 2 * MIB, RW), 0);
	assert_int_equal(look(&k, levels, iova + 4 * MIB, RW), SIOV_FAULT_FS_NOT_PRESENT);
	assert_int_equal(look(&k, levels, iova, SIOV_PERM_PRIV_R), priv_read);
	assert_int_equal(look(&k, levels, UINT64_C(1) << 60, SIOV_PERM_R),
			 SIOV_FAULT_NOT_CANONICAL);
}

static void
test_s8_1_2_first_stage_of_four_and_of_five_levels(void **state)
{
	guest_open(*state, 0, 21);
	expect_first_stage(*state, 4, 6 * MIB);
	expect_first_stage(*state, 5, RTE_BIT64(50) + 6 * MIB);
}

/* Large and small pages, cached, with addresses that a cache entry can hold and that none can. */
static void
test_s8_1_2_first_stage_unmap_takes_effect_at_any_address(void **state)
{
	const struct siov_domain_conf conf = {
		.kind = SIOV_DOMAIN_FIRST_STAGE,
		.max_page_shift = 21,
		.levels = 5,
	};
	const uint64_t iovas[] = {0, RTE_BIT64(47), RTE_BIT64(53), RTE_BIT64(55),
				  RTE_BIT64(56) - GIB};
	struct kinds k = {.bed = *state};
	uint8_t *memory = guest_open(k.bed, 0, 21)->memory;
	struct siov_domain *dom;
	struct siov_xlate x;
	size_t i;

	assert_int_equal(siov_domain_create(k.bed->iommu, &conf, &dom), 0);
	guest_bed_bind(k.bed, 1, dom);
	for (i = 0; i < RTE_DIM(iovas); i++) {
		assert_int_equal(siov_domain_map(dom, iovas[i], memory, 2 * MIB, RW), 0);
		assert_int_equal(siov_domain_map(dom, iovas[i] + 2 * MIB, memory, PAGE, RW), 0);
		assert_int_equal(guest_bed_translate(k.bed, 1, iovas[i] + MIB, RW, &x), 0);
		assert_ptr_equal(x.hva, memory + MIB);
		assert_int_equal(look(&k, 1, iovas[i] + 2 * MIB, RW), 0);
	}
	for (i = 0; i < RTE_DIM(iovas); i++) {
		assert_int_equal(siov_domain_unmap(dom, iovas[i], 2 * MIB), 0);
		assert_int_equal(look(&k, 1, iovas[i] + MIB, RW), SIOV_FAULT_FS_NOT_PRESENT);
		assert_int_equal(look(&k, 1, iovas[i] + 2 * MIB, RW), 0);
		assert_int_equal(siov_domain_unmap(dom, iovas[i] + 2 * MIB, PAGE), 0);
		assert_int_equal(look(&k, 1, iovas[i] + 2 * MIB, RW), SIOV_FAULT_FS_NOT_PRESENT);
	}
}

static void
test_s8_1_2_nested_needs_the_consent_of_both_stages(void **state)
{
	struct guest_bed *bed = *state;
	struct guest *g = guest_open_unmapped(bed, 0, 12);
	struct kinds k = {.bed = bed};
	uint64_t root = guest_table(g);

	assert_int_equal(siov_domain_map(g->dom, 0, g->memory, PAGE, SIOV_PERM_R), 0);
	assert_int_equal(siov_domain_map(g->dom, PAGE, g->memory + PAGE, PAGE, RW), 0);
	assert_int_equal(siov_domain_map(g->dom, GUEST_TABLES, g->memory + GUEST_TABLES, MIB, RW),
			 0);
	guest_map(g, root, 0, 0 | GUEST_RW);
	guest_map(g, root, PAGE, PAGE | GUEST_P | GUEST_U);
	guest_map(g, root, 2 * PAGE, PAGE | GUEST_RW);
	guest_map(g, root, 3 * PAGE, PAGE | GUEST_P | GUEST_W);
	guest_map(g, root, 4 * PAGE, 2 * PAGE | GUEST_RW);
	guest_bed_bind(bed, PASID_GVA, guest_nested(bed, g, root, 0));
	assert_int_equal(look(&k, PASID_GVA, 0, SIOV_PERM_R), 0);
	assert_int_equal(look(&k, PASID_GVA, 0, SIOV_PERM_W), SIOV_FAULT_NO_WRITE);
	assert_int_equal(look(&k, PASID_GVA, PAGE, SIOV_PERM_R), 0);
	assert_int_equal(look(&k, PASID_GVA, PAGE, SIOV_PERM_W), SIOV_FAULT_NO_WRITE);
	assert_int_equal(look(&k, PASID_GVA, 2 * PAGE, RW), 0);
	assert_int_equal(look(&k, PASID_GVA, 3 * PAGE, SIOV_PERM_R), SIOV_FAULT_NO_USER);
	assert_int_equal(look(&k, PASID_GVA, 4 * PAGE, SIOV_PERM_R), SIOV_FAULT_SS_NOT_PRESENT);
	assert_int_equal(look(&k, PASID_GVA, 5 * PAGE, SIOV_PERM_R), SIOV_FAULT_FS_NOT_PRESENT);
}

/* ---- PASIDs ---- */

/* PASID 0 stands for no PASID: no space has it, and nothing is translated by it. */
static void
test_s7_2_3_nothing_is_translated_without_a_pasid(void **state)
{
	struct kinds k = {0};
	uint32_t pasid;

	open_kinds(&k, *state);
	for (pasid = PASID_HPA; pasid < NB_PASIDS; pasid++) {
		expect_own_place(&k, pasid);
		assert_int_equal(look(&k, 0, k.iova[pasid], SIOV_PERM_R),
				 SIOV_FAULT_PASID_NOT_PRESENT);
		assert_int_equal(look(&k, SIOV_PASID_MAX + 1 + pasid, k.iova[pasid], SIOV_PERM_R),
				 SIOV_FAULT_PASID_TOO_LARGE);
	}
	assert_int_equal(siov_pasid_alloc_at(k.bed->iommu, 0), -EINVAL);
	assert_int_equal(siov_pasid_bind(k.bed->iommu, 0, k.guest->dom, 0), -EINVAL);
}

/* Two ADIs of one guest process: two caches, one PASID, nested. */
static void
test_s7_2_6_two_adis_with_one_nested_pasid(void **state)
{
	struct siov_atc *second = NULL;
	struct kinds k = {0};
	struct siov_xlate x = {0};

	open_kinds(&k, *state);
	assert_int_equal(siov_atc_create(k.bed->iommu, NULL, &second), 0);
	expect_own_place(&k, PASID_GVA);
	siov_atc_online(second);
	assert_int_equal(siov_atc_translate(second, PASID_GVA, IOVA, RW, &x), 0);
	assert_ptr_equal(x.hva, k.place[PASID_GVA]);
	siov_atc_offline(second);
	guest_map(k.guest, k.process_root, IOVA, 0);
	assert_int_equal(siov_pasid_invalidate(k.bed->iommu, PASID_GVA, IOVA, PAGE), 0);
	assert_int_equal(look(&k, PASID_GVA, IOVA, SIOV_PERM_R), SIOV_FAULT_FS_NOT_PRESENT);
	siov_atc_online(second);
	assert_int_equal(siov_atc_translate(second, PASID_GVA, IOVA, RW, &x),
			 SIOV_FAULT_FS_NOT_PRESENT);
	siov_atc_offline(second);
	assert_int_equal(siov_atc_free(second), 0);
}

#define NB_PROCESSES 8u

/* Each process of the guest has tables and a PASID of its own; one address, as many pages. */
static void
test_s7_2_7_each_process_of_a_guest_has_its_nested_pasid(void **state)
{
	struct guest_bed *bed = *state;
	struct guest *g = guest_open(bed, 0, 21);
	struct kinds k = {.bed = bed};
	uint64_t root[NB_PROCESSES];
	struct siov_xlate x = {0};
	unsigned int i;

	for (i = 0; i < NB_PROCESSES; i++) {
		root[i] = guest_table(g);
		guest_map(g, root[i], IOVA, (100 + i) * PAGE | GUEST_RW);
		guest_map(g, root[i], IOVA + (1 + i) * PAGE, (200 + i) * PAGE | GUEST_RW);
		guest_bed_bind(bed, 20 + i, guest_nested(bed, g, root[i], 0));
	}
	for (i = 0; i < NB_PROCESSES; i++) {
		assert_int_equal(guest_bed_translate(bed, 20 + i, IOVA + 9, RW, &x), 0);
		assert_ptr_equal(x.hva, g->memory + (100 + i) * PAGE + 9);
		assert_int_equal(look(&k, 20 + i, IOVA + (1 + i) * PAGE, RW), 0);
		assert_int_equal(look(&k, 20 + i, IOVA + (1 + (i + 1) % NB_PROCESSES) * PAGE, RW),
				 SIOV_FAULT_FS_NOT_PRESENT);
	}
	/* What the host takes from the guest, it has taken from all its processes. */
	assert_int_equal(siov_domain_unmap(g->dom, 0, 2 * MIB), 0);
	for (i = 0; i < NB_PROCESSES; i++)
		assert_int_equal(look(&k, 20 + i, IOVA, RW), SIOV_FAULT_SS_NOT_PRESENT);
}

/* ---- shared virtual memory of a guest ---- */

static void
expect_gpa(struct kinds *k, uint64_t iova, uint64_t gpa)
{
	struct siov_xlate x = {0};

	assert_int_equal(guest_bed_translate(k->bed, PASID_GVA, iova, SIOV_PERM_R, &x), 0);
	assert_ptr_equal(x.hva, k->guest->memory + gpa);
}

static void
invalidate(struct kinds *k, uint64_t iova)
{
	assert_int_equal(siov_pasid_invalidate(k->bed->iommu, PASID_GVA, iova, PAGE), 0);
}

/* The guest's own code changes its tables and invalidates; the device goes by the new ones. */
static void
test_s9_4_4_2_device_follows_the_tables_of_a_guest_process(void **state)
{
	struct kinds k = {0};

	open_kinds(&k, *state);
	expect_gpa(&k, IOVA, GVA_OFFSET);
	guest_map(k.guest, k.process_root, IOVA, 40 * PAGE | GUEST_RW); /* another page */
	invalidate(&k, IOVA);
	expect_gpa(&k, IOVA, 40 * PAGE);
	assert_int_equal(look(&k, PASID_GVA, IOVA, SIOV_PERM_W), 0);
	guest_map(k.guest, k.process_root, IOVA, 40 * PAGE | GUEST_P | GUEST_U); /* read only */
	invalidate(&k, IOVA);
	assert_int_equal(look(&k, PASID_GVA, IOVA, SIOV_PERM_W), SIOV_FAULT_NO_WRITE);
	expect_gpa(&k, IOVA, 40 * PAGE);
	guest_map(k.guest, k.process_root, IOVA, 0); /* gone */
	invalidate(&k, IOVA);
	assert_int_equal(look(&k, PASID_GVA, IOVA, SIOV_PERM_R), SIOV_FAULT_FS_NOT_PRESENT);
	guest_map(k.guest, k.process_root, IOVA, 41 * PAGE | GUEST_RW); /* new: nothing to drop */
	expect_gpa(&k, IOVA, 41 * PAGE);
	expect_own_place(&k, PASID_GIOVA);
}

/* A table moves, too, and a tree of pages becomes one large page. */
static void
test_s9_4_4_2_device_follows_a_table_that_moves(void **state)
{
	const uint64_t iova = 512 * GIB + 4 * MIB;
	SIOV_ATOMIC(uint64_t) *upper;
	struct kinds k = {0};
	uint64_t directory;

	open_kinds(&k, *state);
	guest_map(k.guest, k.process_root, iova, 50 * PAGE | GUEST_RW);
	expect_gpa(&k, iova, 50 * PAGE);
	directory = guest_table(k.guest);
	siov_atomic_store(guest_word(k.guest, directory + 2 * 8),
			  6 * MIB | GUEST_RW | UINT64_C(0x80), relaxed);
	upper = guest_word(k.guest, k.process_root + 8);
	upper = guest_word(k.guest,
			   siov_atomic_load(upper, relaxed) & UINT64_C(0x0000fffffffff000));
	siov_atomic_store(upper, directory | GUEST_RW, relaxed);
	invalidate(&k, iova);
	expect_gpa(&k, iova, 6 * MIB);
	expect_gpa(&k, iova + 3 * PAGE, 6 * MIB + 3 * PAGE);
}

/* The guest finds in its tables what the device did, as if a processor had done it. */
static void
test_s9_4_4_2_guest_finds_accessed_and_dirty_in_its_tables(void **state)
{
	const uint64_t entry = 60 * PAGE | GUEST_RW;
	SIOV_ATOMIC(uint64_t) *word;
	struct kinds k = {0};

	open_kinds(&k, *state);
	guest_map(k.guest, k.process_root, IOVA, entry);
	word = guest_entry(k.guest, k.process_root, IOVA);
	assert_int_equal(siov_atomic_load(word, relaxed), entry);
	assert_int_equal(look(&k, PASID_GVA, IOVA, SIOV_PERM_R), 0);
	assert_int_equal(siov_atomic_load(word, relaxed), entry | GUEST_A);
	assert_int_equal(look(&k, PASID_GVA, IOVA, SIOV_PERM_W), 0);
	assert_int_equal(siov_atomic_load(word, relaxed), entry | GUEST_A | GUEST_D);
	siov_atomic_store(word, entry, relaxed); /* the guest starts to watch again */
	invalidate(&k, IOVA);
	assert_int_equal(look(&k, PASID_GVA, IOVA, SIOV_PERM_W), 0);
	assert_int_equal(siov_atomic_load(word, relaxed), entry | GUEST_A | GUEST_D);
}

/* ---- no peer to peer ---- */

static void
test_s7_6_3_bars_are_out_of_reach_in_every_kind(void **state)
{
	const uint64_t at = 32 * MIB; /* guest address of the BAR */
	struct kinds k = {0};
	uint8_t *bar;

	open_kinds(&k, *state);
	bar = siov_mem_alloc(&k.bed->fm.mem, "bar", 2 * MIB, 2 * MIB, -1);
	assert_non_null(bar);
	assert_int_equal(siov_iommu_add_mmio(k.bed->iommu, bar, 2 * MIB), 0);
	assert_int_equal(siov_domain_map(k.guest->dom, at, bar, 2 * MIB, RW), 0);
	assert_int_equal(siov_domain_map(k.first, at, bar, PAGE, RW), 0);
	guest_map(k.guest, k.process_root, 2 * IOVA, at | GUEST_RW);
	guest_map(k.guest, k.iommu_root, 2 * IOVA, (at + MIB) | GUEST_RW);
	assert_int_equal(look(&k, PASID_GPA, at + 5, SIOV_PERM_R), SIOV_FAULT_DMA_LIMIT);
	assert_int_equal(look(&k, PASID_GPA, at + 2 * MIB - 1, RW), SIOV_FAULT_DMA_LIMIT);
	assert_int_equal(look(&k, PASID_HIOVA, at, SIOV_PERM_W), SIOV_FAULT_DMA_LIMIT);
	assert_int_equal(look(&k, PASID_GVA, 2 * IOVA, RW), SIOV_FAULT_DMA_LIMIT);
	assert_int_equal(look(&k, PASID_GIOVA, 2 * IOVA, SIOV_PERM_R), SIOV_FAULT_DMA_LIMIT);
	assert_int_equal(look(&k, PASID_HPA, (uintptr_t)bar, SIOV_PERM_R), SIOV_FAULT_DMA_LIMIT);
	assert_int_equal(look(&k, PASID_HPA, (uintptr_t)bar + 2 * MIB - 1, RW),
			 SIOV_FAULT_DMA_LIMIT);
	assert_int_equal(look(&k, PASID_HVA, (uintptr_t)bar + 5, RW), SIOV_FAULT_DMA_LIMIT);
	expect_own_place(&k, PASID_HVA);
	siov_mem_free(&k.bed->fm.mem, bar);
}

/* A table of a guest in a BAR would be a read of it. */
static void
test_s7_6_3_a_table_in_a_bar_is_not_read(void **state)
{
	const uint64_t at = 32 * MIB;
	struct kinds k = {0};
	uint64_t *bar;

	open_kinds(&k, *state);
	bar = siov_mem_alloc(&k.bed->fm.mem, "bar", PAGE, PAGE, -1);
	assert_non_null(bar);
	bar[0] = GVA_OFFSET | GUEST_RW;
	assert_int_equal(siov_iommu_add_mmio(k.bed->iommu, bar, PAGE), 0);
	assert_int_equal(siov_domain_map(k.guest->dom, at, bar, PAGE, RW), 0);
	guest_bed_bind(k.bed, 30, guest_nested(k.bed, k.guest, at, 0));
	assert_int_equal(look(&k, 30, 0, SIOV_PERM_R), SIOV_FAULT_DMA_LIMIT);
	assert_int_equal(bar[0], GVA_OFFSET | GUEST_RW);
	siov_mem_free(&k.bed->fm.mem, bar);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, guest_bed_setup, guest_bed_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(test_s8_1_1_six_kinds_of_address_spaces_at_the_same_time),
		ROW(test_s8_1_1_an_address_of_one_space_is_none_of_another),
		ROW(test_s8_1_1_unbinding_one_leaves_the_others),
		ROW(test_s8_1_2_pass_through_reaches_registered_memory_only),
		ROW(test_s8_1_2_second_stage_has_its_permissions),
		ROW(test_s8_1_2_first_stage_of_four_and_of_five_levels),
		ROW(test_s8_1_2_first_stage_unmap_takes_effect_at_any_address),
		ROW(test_s8_1_2_nested_needs_the_consent_of_both_stages),
		ROW(test_s7_2_3_nothing_is_translated_without_a_pasid),
		ROW(test_s7_2_6_two_adis_with_one_nested_pasid),
		ROW(test_s7_2_7_each_process_of_a_guest_has_its_nested_pasid),
		ROW(test_s9_4_4_2_device_follows_the_tables_of_a_guest_process),
		ROW(test_s9_4_4_2_device_follows_a_table_that_moves),
		ROW(test_s9_4_4_2_guest_finds_accessed_and_dirty_in_its_tables),
		ROW(test_s7_6_3_bars_are_out_of_reach_in_every_kind),
		ROW(test_s7_6_3_a_table_in_a_bar_is_not_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

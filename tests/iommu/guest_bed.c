/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "guest_bed.h"

#define GPA_MASK UINT64_C(0x0000fffffffff000)

int
guest_bed_setup(void **state)
{
	const struct siov_atc_conf atc_conf = {.entries = 64, .socket_id = -1};
	struct guest_bed *bed = calloc(1, sizeof(*bed));
	struct siov_iommu_conf conf;

	assert_non_null(bed);
	fake_mem_init(&bed->fm);
	siov_iommu_conf_init(&conf);
	conf.mem = &bed->fm.mem;
	assert_int_equal(siov_iommu_create(&conf, &bed->iommu), 0);
	assert_int_equal(siov_atc_create(bed->iommu, &atc_conf, &bed->atc), 0);
	*state = bed;
	return 0;
}

int
guest_bed_teardown(void **state)
{
	struct guest_bed *bed = *state;
	uint32_t pasid;
	unsigned int i;

	for (pasid = 1; pasid < 4096; pasid++)
		if (siov_pasid_is_bound(bed->iommu, pasid) == 1)
			assert_int_equal(siov_pasid_unbind(bed->iommu, pasid), 0);
	assert_int_equal(siov_atc_free(bed->atc), 0);
	siov_iommu_free(bed->iommu);
	for (i = 0; i < bed->nb_guests; i++)
		siov_mem_free(&bed->fm.mem, bed->guest[i].memory);
	assert_int_equal(bed->fm.nb_live, 0);
	free(bed);
	return 0;
}

struct guest *
guest_open_unmapped(struct guest_bed *bed, unsigned int flags, unsigned int max_shift)
{
	const struct siov_domain_conf conf = {
		.kind = SIOV_DOMAIN_SECOND_STAGE,
		.max_page_shift = max_shift,
		.flags = flags,
	};
	struct guest *guest = &bed->guest[bed->nb_guests++];

	assert_true(bed->nb_guests <= GUEST_BED_GUESTS);
	guest->memory = siov_mem_alloc(&bed->fm.mem, "guest", GUEST_LEN, 2 * MIB, -1);
	assert_non_null(guest->memory);
	guest->next_table = GUEST_TABLES;
	assert_int_equal(siov_iommu_add_memory(bed->iommu, guest->memory, GUEST_LEN), 0);
	assert_int_equal(siov_domain_create(bed->iommu, &conf, &guest->dom), 0);
	return guest;
}

struct guest *
guest_open(struct guest_bed *bed, unsigned int flags, unsigned int max_shift)
{
	struct guest *guest = guest_open_unmapped(bed, flags, max_shift);

	assert_int_equal(siov_domain_map(guest->dom, 0, guest->memory, GUEST_LEN, RW), 0);
	return guest;
}

uint64_t
guest_table(struct guest *guest)
{
	uint64_t gpa = guest->next_table;

	guest->next_table += PAGE;
	assert_true(guest->next_table <= GUEST_LEN);
	return gpa;
}

SIOV_ATOMIC(uint64_t) *
guest_word(const struct guest *guest, uint64_t gpa)
{
	return (SIOV_ATOMIC(uint64_t) *)(void *)(guest->memory + gpa);
}

static SIOV_ATOMIC(uint64_t) *
word_in(const struct guest *guest, uint64_t table, uint64_t iova, unsigned int shift)
{
	return guest_word(guest, table + (iova >> shift & 511) * 8);
}

void
guest_map(struct guest *guest, uint64_t root, uint64_t iova, uint64_t entry)
{
	SIOV_ATOMIC(uint64_t) *word;
	unsigned int shift;
	uint64_t pte;

	for (shift = 39; shift > 12; shift -= 9) {
		word = word_in(guest, root, iova, shift);
		pte = siov_atomic_load(word, relaxed);
		if ((pte & GUEST_P) == 0) {
			pte = guest_table(guest) | GUEST_RW;
			siov_atomic_store(word, pte, release);
		}
		root = pte & GPA_MASK;
	}
	siov_atomic_store(word_in(guest, root, iova, 12), entry, release);
}

SIOV_ATOMIC(uint64_t) *
guest_entry(const struct guest *guest, uint64_t root, uint64_t iova)
{
	unsigned int shift;
	uint64_t pte;

	for (shift = 39; shift > 12; shift -= 9) {
		pte = siov_atomic_load(word_in(guest, root, iova, shift), relaxed);
		assert_true((pte & GUEST_P) != 0);
		root = pte & GPA_MASK;
	}
	return word_in(guest, root, iova, 12);
}

struct siov_domain *
guest_nested(struct guest_bed *bed, struct guest *guest, uint64_t root, unsigned int flags)
{
	const struct siov_domain_conf conf = {
		.kind = SIOV_DOMAIN_NESTED,
		.parent = guest->dom,
		.fs_root = root,
		.flags = flags,
	};
	struct siov_domain *dom = NULL;

	assert_int_equal(siov_domain_create(bed->iommu, &conf, &dom), 0);
	return dom;
}

void
guest_bed_bind(struct guest_bed *bed, uint32_t pasid, struct siov_domain *dom)
{
	assert_int_equal(siov_pasid_alloc_at(bed->iommu, pasid), 0);
	assert_int_equal(siov_pasid_bind(bed->iommu, pasid, dom, 0), 0);
}

int
guest_bed_translate(struct guest_bed *bed, uint32_t pasid, uint64_t iova, unsigned int perm,
		    struct siov_xlate *x)
{
	int rc;

	siov_atc_online(bed->atc);
	rc = siov_atc_translate(bed->atc, pasid, iova, perm, x);
	siov_atc_offline(bed->atc);
	return rc;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* Domains: map, unmap, page sizes, permissions, limits, memory ranges. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "iommu_fixture.h"
#include "iommu_priv.h"

#define IOVA_END (UINT64_C(1) << 48)

/* Number of pages of each size that a domain maps, and tables in use by the unit. */
static void
expect_pages(const struct siov_domain *dom, uint64_t nb_4k, uint64_t nb_2m, uint64_t nb_1g)
{
	assert_int_equal(dom->nb_pages[0], nb_4k);
	assert_int_equal(dom->nb_pages[1], nb_2m);
	assert_int_equal(dom->nb_pages[2], nb_1g);
}

static uint64_t
tables_in_use(struct iommu_fixture *fx)
{
	struct siov_iommu_stats stats;

	siov_iommu_stats(fx->iommu, &stats);
	return stats.table_pages;
}

static void
test_conf_is_checked(void **state)
{
	struct iommu_fixture *fx = *state;
	struct siov_domain_conf dc = {.kind = SIOV_DOMAIN_SECOND_STAGE, .max_page_shift = 13};
	struct siov_domain *dom = NULL;
	struct siov_iommu_conf conf;
	struct siov_iommu *iommu;

	siov_iommu_conf_init(&conf);
	conf.mem = &fx->fm.mem;
	conf.max_atcs = 0;
	assert_int_equal(siov_iommu_create(&conf, &iommu), -EINVAL);
	conf.max_atcs = SIOV_IOMMU_MAX_ATCS + 1;
	assert_int_equal(siov_iommu_create(&conf, &iommu), -EINVAL);
	conf.max_atcs = 1;
	conf.inval_timeout_ms = 0;
	assert_int_equal(siov_iommu_create(&conf, &iommu), -EINVAL);
	conf.inval_timeout_ms = 1;
	conf.socket_id = -2;
	assert_int_equal(siov_iommu_create(&conf, &iommu), -EINVAL);
	assert_int_equal(siov_iommu_create(NULL, &iommu), -EINVAL);
	assert_int_equal(siov_iommu_create(&conf, NULL), -EINVAL);
	siov_iommu_free(NULL);
	assert_int_equal(siov_domain_create(fx->iommu, &dc, &dom), -EINVAL);
	dc.kind = (enum siov_domain_kind)7;
	dc.max_page_shift = 12;
	assert_int_equal(siov_domain_create(fx->iommu, &dc, &dom), -EINVAL);
	assert_null(dom);
	assert_int_equal(siov_domain_free(NULL), 0);
}

static void
test_map_uses_the_largest_page_that_fits(void **state)
{
	struct iommu_fixture *fx = *state;
	struct siov_domain *dom = fixture_domain(fx, 30);

	fixture_bind(fx, 1, dom);
	/* 4 KiB short of 2 MiB before 1 GiB, one 1 GiB, one 2 MiB, one 4 KiB after. */
	assert_int_equal(siov_domain_map(dom, GIB - 2 * MIB + PAGE, hva_at(GIB - 2 * MIB + PAGE),
					 2 * MIB - PAGE + GIB + 2 * MIB + PAGE, RW),
			 0);
	expect_pages(dom, 512, 1, 1);
	fixture_expect(fx, 1, GIB - 2 * MIB + PAGE, GIB - 2 * MIB + PAGE);
	fixture_expect(fx, 1, GIB - 1, GIB - 1);
	fixture_expect(fx, 1, GIB, GIB);
	fixture_expect(fx, 1, 2 * GIB - 1, 2 * GIB - 1);
	fixture_expect(fx, 1, 2 * GIB, 2 * GIB);
	fixture_expect(fx, 1, 2 * GIB + 2 * MIB + PAGE - 1, 2 * GIB + 2 * MIB + PAGE - 1);
}

static void
test_map_memory_alignment_and_limit_choose_smaller_pages(void **state)
{
	struct iommu_fixture *fx = *state;
	struct siov_domain *limit_4k = fixture_domain(fx, 12);
	struct siov_domain *limit_2m = fixture_domain(fx, 21);
	struct siov_domain *limit_1g = fixture_domain(fx, 30);

	assert_int_equal(siov_domain_map(limit_4k, 0, hva_at(0), 4 * MIB, RW), 0);
	expect_pages(limit_4k, 1024, 0, 0);
	assert_int_equal(siov_domain_map(limit_2m, 0, hva_at(0), GIB, RW), 0);
	expect_pages(limit_2m, 0, 512, 0);
	assert_int_equal(siov_domain_map(limit_1g, 0, hva_at(2 * MIB), GIB, RW), 0);
	expect_pages(limit_1g, 0, 512, 0);
	assert_int_equal(siov_domain_map(limit_1g, 4 * GIB, hva_at(PAGE), 2 * MIB, RW), 0);
	expect_pages(limit_1g, 512, 512, 0);
}

static void
test_translation_length_ends_with_the_granule(void **state)
{
	struct iommu_fixture *fx = *state;
	struct siov_domain *dom = fixture_domain(fx, 30);
	struct siov_xlate x;

	fixture_bind(fx, 1, dom);
	assert_int_equal(siov_domain_map(dom, 0, hva_at(0), GIB, RW), 0);
	assert_int_equal(siov_domain_map(dom, 2 * GIB, hva_at(PAGE), PAGE, RW), 0);
	assert_int_equal(fixture_translate(fx, 1, 5 * MIB + 3, RW, &x), 0);
	assert_int_equal(x.len, MIB - 3);
	assert_int_equal(fixture_translate(fx, 1, 2 * MIB, RW, &x), 0);
	assert_int_equal(x.len, 2 * MIB);
	assert_int_equal(fixture_translate(fx, 1, 2 * GIB + PAGE - 1, RW, &x), 0);
	assert_int_equal(x.len, 1);
	/* and the same again from the cache */
	assert_int_equal(fixture_translate(fx, 1, 5 * MIB + 3, RW, &x), 0);
	assert_int_equal(x.len, MIB - 3);
	assert_int_equal(fixture_translate(fx, 1, 2 * GIB + PAGE - 1, RW, &x), 0);
	assert_int_equal(x.len, 1);
}

static void
test_map_existing_page_changes_nothing(void **state)
{
	struct iommu_fixture *fx = *state;
	struct siov_domain *dom = fixture_domain(fx, 30);
	uint64_t tables;
	struct siov_xlate x;

	fixture_bind(fx, 1, dom);
	assert_int_equal(siov_domain_map(dom, 3 * GIB + 7 * PAGE, hva_at(0), PAGE, SIOV_PERM_R), 0);
	tables = tables_in_use(fx);
	assert_int_equal(siov_domain_map(dom, 0, hva_at(0), 4 * GIB, RW), -EEXIST);
	assert_int_equal(siov_domain_map(dom, 3 * GIB, hva_at(0), 8 * PAGE, RW), -EEXIST);
	assert_int_equal(siov_domain_map(dom, 3 * GIB + 7 * PAGE, hva_at(0), PAGE, RW), -EEXIST);
	assert_int_equal(siov_domain_map(dom, 3 * GIB, hva_at(0), 2 * MIB, RW), -EEXIST);
	expect_pages(dom, 1, 0, 0);
	assert_int_equal(tables_in_use(fx), tables);
	assert_int_equal(fixture_translate(fx, 1, 0, SIOV_PERM_R, &x), SIOV_FAULT_SS_NOT_PRESENT);
	assert_int_equal(fixture_translate(fx, 1, 3 * GIB, SIOV_PERM_R, &x),
			 SIOV_FAULT_SS_NOT_PRESENT);
	fixture_expect(fx, 1, 3 * GIB + 7 * PAGE, 0);
	/* inside a large page */
	assert_int_equal(siov_domain_map(dom, 4 * GIB, hva_at(0), GIB, RW), 0);
	assert_int_equal(siov_domain_map(dom, 4 * GIB + PAGE, hva_at(0), PAGE, RW), -EEXIST);
	assert_int_equal(siov_domain_map(dom, 4 * GIB + 2 * MIB, hva_at(0), 2 * MIB, RW), -EEXIST);
	expect_pages(dom, 1, 0, 1);
}

static void
test_map_arguments_are_checked(void **state)
{
	struct iommu_fixture *fx = *state;
	struct siov_domain *dom = fixture_domain(fx, 30);
	struct siov_domain *pt = fixture_pass_through(fx);

	assert_int_equal(siov_domain_map(dom, 1, hva_at(0), PAGE, RW), -EINVAL);
	assert_int_equal(siov_domain_map(dom, 0, hva_at(1), PAGE, RW), -EINVAL);
	assert_int_equal(siov_domain_map(dom, 0, hva_at(0), PAGE + 1, RW), -EINVAL);
	assert_int_equal(siov_domain_map(dom, 0, hva_at(0), 0, RW), -EINVAL);
	assert_int_equal(siov_domain_map(dom, 0, hva_at(0), PAGE, 0), -EINVAL);
	assert_int_equal(siov_domain_map(dom, 0, hva_at(0), PAGE, 4), -EINVAL);
	assert_int_equal(siov_domain_map(NULL, 0, hva_at(0), PAGE, RW), -EINVAL);
	assert_int_equal(siov_domain_map(pt, 0, hva_at(0), PAGE, RW), -EINVAL);
	assert_int_equal(siov_domain_unmap(pt, 0, PAGE), -EINVAL);
	assert_int_equal(siov_domain_map(dom, 0, hva_at(MEM_LEN), PAGE, RW), -EFAULT);
	assert_int_equal(siov_domain_map(dom, 0, hva_at(MEM_LEN - PAGE), 2 * PAGE, RW), -EFAULT);
	assert_int_equal(siov_domain_map(dom, 0, (void *)(uintptr_t)(MEM_HVA - PAGE), PAGE, RW),
			 -EFAULT);
	expect_pages(dom, 0, 0, 0);
}

static void
test_iova_limit_is_48_bits(void **state)
{
	struct iommu_fixture *fx = *state;
	struct siov_domain *dom = fixture_domain(fx, 30);
	struct siov_xlate x;

	fixture_bind(fx, 1, dom);
	assert_int_equal(siov_domain_map(dom, IOVA_END, hva_at(0), PAGE, RW), -ERANGE);
	assert_int_equal(siov_domain_map(dom, IOVA_END - PAGE, hva_at(0), 2 * PAGE, RW), -ERANGE);
	assert_int_equal(siov_domain_map(dom, PAGE, hva_at(0), UINT64_MAX - PAGE + 1, RW), -ERANGE);
	assert_int_equal(siov_domain_map(dom, IOVA_END - PAGE, hva_at(PAGE), PAGE, RW), 0);
	fixture_expect(fx, 1, IOVA_END - 1, 2 * PAGE - 1);
	assert_int_equal(fixture_translate(fx, 1, IOVA_END, RW, &x), SIOV_FAULT_SS_BEYOND_AW);
	assert_int_equal(fixture_translate(fx, 1, RTE_BIT64(53), RW, &x), SIOV_FAULT_SS_BEYOND_AW);
	assert_int_equal(fixture_translate(fx, 1, RTE_BIT64(54), RW, &x), SIOV_FAULT_SS_BEYOND_AW);
	assert_int_equal(fixture_translate(fx, 1, UINT64_MAX, RW, &x), SIOV_FAULT_SS_BEYOND_AW);
	assert_int_equal(siov_domain_unmap(dom, IOVA_END - PAGE, 2 * PAGE), -ERANGE);
	assert_int_equal(siov_domain_unmap(dom, IOVA_END - PAGE, PAGE), 0);
}

static void
test_permissions_are_kept_and_an_upgrade_is_seen(void **state)
{
	struct iommu_fixture *fx = *state;
	struct siov_domain *dom = fixture_domain(fx, 12);
	struct siov_xlate x = {0};

	fixture_bind(fx, 1, dom);
	assert_int_equal(siov_domain_map(dom, 0, hva_at(0), PAGE, SIOV_PERM_R), 0);
	assert_int_equal(siov_domain_map(dom, PAGE, hva_at(PAGE), PAGE, SIOV_PERM_W), 0);
	assert_int_equal(fixture_translate(fx, 1, 0, SIOV_PERM_W, &x), SIOV_FAULT_NO_WRITE);
	assert_null(x.hva);
	assert_int_equal(fixture_translate(fx, 1, 0, RW, &x), SIOV_FAULT_NO_WRITE);
	assert_int_equal(fixture_translate(fx, 1, 0, SIOV_PERM_R, &x), 0);
	assert_int_equal(fixture_translate(fx, 1, 0, SIOV_PERM_W, &x), SIOV_FAULT_NO_WRITE);
	assert_int_equal(fixture_translate(fx, 1, PAGE, SIOV_PERM_R, &x), SIOV_FAULT_NO_READ);
	assert_int_equal(fixture_translate(fx, 1, PAGE, SIOV_PERM_W, &x), 0);
	assert_int_equal(fixture_translate(fx, 1, PAGE, RW, &x), SIOV_FAULT_NO_READ);
	/* more rights need no invalidation: forge the entry as a later API might */
	table_word_t *pte = dom->pt.root;

	for (int level = 0; level < 3; level++)
		pte = (table_word_t *)(uintptr_t)(*pte & SIOV_VTD_ADDR_MASK);
	*pte |= SIOV_VTD_SS_W;
	assert_int_equal(fixture_translate(fx, 1, 0, RW, &x), 0);
	assert_ptr_equal(x.hva, hva_at(0));
}

/* Rights are the AND of all levels; reserved bits fault at every level. */
static void
test_walk_checks_every_level(void **state)
{
	struct iommu_fixture *fx = *state;
	struct siov_domain *dom = fixture_domain(fx, 12);
	const uint64_t rsvd[] = {RTE_BIT64(11), RTE_BIT64(48), RTE_BIT64(51), RTE_BIT64(62)};
	table_word_t *pte = dom->pt.root;
	struct siov_xlate x;
	int level;
	size_t i;

	fixture_bind(fx, 1, dom);
	assert_int_equal(siov_domain_map(dom, 0, hva_at(0), PAGE, RW), 0);
	for (level = 4; level >= 1; level--) {
		for (i = 0; i < RTE_DIM(rsvd); i++) {
			*pte |= rsvd[i];
			/* In the entry of a page, bit 62 marks the device's own BARs. */
			assert_int_equal(fixture_translate(fx, 1, 0, RW, &x),
					 level == 1 && i == 3 ? SIOV_FAULT_DMA_LIMIT :
								SIOV_FAULT_SS_RESERVED);
			*pte &= ~rsvd[i];
		}
		*pte &= ~SIOV_VTD_SS_W;
		assert_int_equal(fixture_translate(fx, 1, 0, RW, &x), SIOV_FAULT_NO_WRITE);
		*pte |= SIOV_VTD_SS_W;
		*pte &= ~SIOV_VTD_SS_RW;
		assert_int_equal(siov_pasid_unbind(fx->iommu, 1), 0);
		assert_int_equal(siov_pasid_bind(fx->iommu, 1, dom, 0), 0);
		assert_int_equal(fixture_translate(fx, 1, 0, RW, &x), SIOV_FAULT_SS_NOT_PRESENT);
		*pte |= SIOV_VTD_SS_RW;
		if (level > 1)
			pte = (table_word_t *)(uintptr_t)(*pte & SIOV_VTD_ADDR_MASK);
	}
	fixture_expect(fx, 1, 0, 0);
}

static void
test_large_page_with_low_address_bits_faults(void **state)
{
	struct iommu_fixture *fx = *state;
	struct siov_domain *dom = fixture_domain(fx, 30);
	struct siov_xlate x;
	table_word_t *pdpt;
	table_word_t *pd;

	fixture_bind(fx, 1, dom);
	assert_int_equal(siov_domain_map(dom, 0, hva_at(0), GIB, RW), 0);
	assert_int_equal(siov_domain_map(dom, GIB, hva_at(GIB), 2 * MIB, RW), 0);
	pdpt = (table_word_t *)(uintptr_t)(dom->pt.root[0] & SIOV_VTD_ADDR_MASK);
	pd = (table_word_t *)(uintptr_t)(pdpt[1] & SIOV_VTD_ADDR_MASK);
	pdpt[0] |= RTE_BIT64(29);
	assert_int_equal(fixture_translate(fx, 1, 0, RW, &x), SIOV_FAULT_SS_RESERVED);
	pdpt[0] &= ~RTE_BIT64(29);
	pd[0] |= RTE_BIT64(12);
	assert_int_equal(fixture_translate(fx, 1, GIB, RW, &x), SIOV_FAULT_SS_RESERVED);
	pd[0] &= ~RTE_BIT64(12);
	dom->pt.root[0] |= SIOV_VTD_SS_PS;
	assert_int_equal(fixture_translate(fx, 1, 0, RW, &x), SIOV_FAULT_SS_RESERVED);
	dom->pt.root[0] &= ~SIOV_VTD_SS_PS;
	fixture_expect(fx, 1, GIB + 1, GIB + 1);
}

static void
test_unmap_is_exact_and_all_or_nothing(void **state)
{
	struct iommu_fixture *fx = *state;
	struct siov_domain *dom = fixture_domain(fx, 21);
	struct siov_xlate x;

	fixture_bind(fx, 1, dom);
	assert_int_equal(siov_domain_map(dom, 0, hva_at(0), 2 * MIB + 4 * PAGE, RW), 0);
	assert_int_equal(siov_domain_unmap(dom, 0, 2 * MIB + 5 * PAGE), -ENOENT);
	assert_int_equal(siov_domain_unmap(dom, 0, PAGE), -EINVAL);
	assert_int_equal(siov_domain_unmap(dom, PAGE, 2 * MIB), -EINVAL);
	assert_int_equal(siov_domain_unmap(dom, 0, 0), -EINVAL);
	assert_int_equal(siov_domain_unmap(dom, 1, PAGE), -EINVAL);
	assert_int_equal(siov_domain_unmap(dom, 64 * GIB, PAGE), -ENOENT);
	expect_pages(dom, 4, 1, 0);
	fixture_expect(fx, 1, 0, 0);
	fixture_expect(fx, 1, 2 * MIB, 2 * MIB);
	assert_int_equal(siov_domain_unmap(dom, 0, 2 * MIB + PAGE), 0);
	expect_pages(dom, 3, 0, 0);
	assert_int_equal(fixture_translate(fx, 1, 0, RW, &x), SIOV_FAULT_SS_NOT_PRESENT);
	assert_int_equal(fixture_translate(fx, 1, 2 * MIB, RW, &x), SIOV_FAULT_SS_NOT_PRESENT);
	fixture_expect(fx, 1, 2 * MIB + PAGE, 2 * MIB + PAGE);
	assert_int_equal(siov_domain_unmap(dom, 2 * MIB + PAGE, 3 * PAGE), 0);
}

/* Tables that become empty go; then a large page fits where small ones were. */
static void
test_unmap_gives_tables_back(void **state)
{
	struct iommu_fixture *fx = *state;
	struct siov_domain *dom = fixture_domain(fx, 30);
	uint64_t before = tables_in_use(fx);

	assert_int_equal(siov_domain_map(dom, GIB - PAGE, hva_at(GIB - PAGE), 2 * PAGE, RW), 0);
	assert_int_equal(tables_in_use(fx), before + 5);
	assert_int_equal(siov_domain_unmap(dom, GIB, PAGE), 0);
	assert_int_equal(tables_in_use(fx), before + 3);
	assert_int_equal(siov_domain_unmap(dom, GIB - PAGE, PAGE), 0);
	assert_int_equal(tables_in_use(fx), before);
	assert_int_equal(siov_domain_map(dom, 0, hva_at(0), 2 * GIB, RW), 0);
	expect_pages(dom, 0, 0, 2);
	assert_int_equal(siov_domain_free(dom), 0);
	assert_int_equal(tables_in_use(fx), before - 1);
}

/* Second stage and pass-through side by side, each PASID its own address space. */
static void
test_s8_1_1_second_stage_and_pass_through_at_the_same_time(void **state)
{
	struct iommu_fixture *fx = *state;
	struct siov_domain *guest_a = fixture_domain(fx, 30);
	struct siov_domain *guest_b = fixture_domain(fx, 12);
	struct siov_domain *host = fixture_pass_through(fx);
	struct siov_xlate x;

	fixture_bind(fx, 1, guest_a);
	fixture_bind(fx, 2, guest_b);
	fixture_bind(fx, 3, host);
	assert_int_equal(siov_domain_map(guest_a, 0, hva_at(GIB), GIB, RW), 0);
	assert_int_equal(siov_domain_map(guest_b, 0, hva_at(3 * GIB), 16 * PAGE, SIOV_PERM_R), 0);
	fixture_expect(fx, 1, 5 * PAGE, GIB + 5 * PAGE);
	fixture_expect(fx, 2, 5 * PAGE, 3 * GIB + 5 * PAGE);
	fixture_expect(fx, 3, MEM_HVA + 5 * PAGE, 5 * PAGE);
	assert_int_equal(fixture_translate(fx, 2, 0, SIOV_PERM_W, &x), SIOV_FAULT_NO_WRITE);
	assert_int_equal(fixture_translate(fx, 3, MEM_HVA, RW, &x), 0);
	assert_int_equal(fixture_translate(fx, 3, 5 * PAGE, RW, &x), SIOV_FAULT_DMA_LIMIT);
	assert_int_equal(fixture_translate(fx, 1, MEM_HVA, RW, &x), SIOV_FAULT_SS_NOT_PRESENT);
}

static void
test_pass_through_stays_inside_registered_memory(void **state)
{
	struct iommu_fixture *fx = *state;
	uint64_t hole = MEM_HVA + MEM_LEN + 2 * MIB;
	struct siov_xlate x;

	fixture_bind(fx, 3, fixture_pass_through(fx));
	/* 4 MiB from the middle of a 2 MiB granule to the middle of another */
	assert_int_equal(siov_iommu_add_memory(fx->iommu, (void *)(uintptr_t)(hole + MIB), 4 * MIB),
			 0);
	assert_int_equal(fixture_translate(fx, 3, MEM_HVA, RW, &x), 0);
	assert_int_equal(x.len, 2 * MIB);
	assert_int_equal(fixture_translate(fx, 3, MEM_HVA - 1, RW, &x), SIOV_FAULT_DMA_LIMIT);
	assert_int_equal(fixture_translate(fx, 3, MEM_HVA + MEM_LEN - 1, RW, &x), 0);
	assert_int_equal(x.len, 1);
	assert_int_equal(fixture_translate(fx, 3, MEM_HVA + MEM_LEN, RW, &x), SIOV_FAULT_DMA_LIMIT);
	assert_int_equal(fixture_translate(fx, 3, hole + MIB - 1, RW, &x), SIOV_FAULT_DMA_LIMIT);
	assert_int_equal(fixture_translate(fx, 3, hole + MIB, RW, &x), 0);
	assert_int_equal(x.len, PAGE);
	assert_int_equal(fixture_translate(fx, 3, hole + 2 * MIB + 1, RW, &x), 0);
	assert_int_equal(x.len, 2 * MIB - 1);
	assert_int_equal(fixture_translate(fx, 3, hole + 5 * MIB - 1, RW, &x), 0);
	assert_int_equal(x.len, 1);
	assert_int_equal(fixture_translate(fx, 3, hole + 5 * MIB, RW, &x), SIOV_FAULT_DMA_LIMIT);
	assert_int_equal(fixture_translate(fx, 3, UINT64_MAX, RW, &x), SIOV_FAULT_DMA_LIMIT);
	assert_int_equal(
		siov_iommu_remove_memory(fx->iommu, (void *)(uintptr_t)(hole + MIB), 4 * MIB), 0);
	assert_int_equal(fixture_translate(fx, 3, hole + MIB, RW, &x), SIOV_FAULT_DMA_LIMIT);
	assert_int_equal(fixture_translate(fx, 3, hole + 2 * MIB, RW, &x), SIOV_FAULT_DMA_LIMIT);
	assert_int_equal(fixture_translate(fx, 3, MEM_HVA, RW, &x), 0);
}

static void
test_memory_ranges_are_checked(void **state)
{
	struct iommu_fixture *fx = *state;
	struct siov_domain *dom = fixture_domain(fx, 12);
	void *end = hva_at(MEM_LEN);

	assert_int_equal(siov_iommu_add_memory(fx->iommu, hva_at(0), PAGE), -EEXIST);
	assert_int_equal(siov_iommu_add_memory(fx->iommu, hva_at(MEM_LEN - PAGE), 2 * PAGE),
			 -EEXIST);
	assert_int_equal(siov_iommu_add_memory(fx->iommu, (void *)PAGE, MEM_HVA), -EEXIST);
	assert_int_equal(siov_iommu_add_memory(fx->iommu, end, 0), -EINVAL);
	assert_int_equal(siov_iommu_add_memory(fx->iommu, end, 17), -EINVAL);
	assert_int_equal(siov_iommu_add_memory(fx->iommu, NULL, PAGE), -EINVAL);
	assert_int_equal(siov_iommu_add_memory(fx->iommu, end, RTE_BIT64(48)), -ERANGE);
	assert_int_equal(siov_iommu_add_memory(fx->iommu, end, PAGE), 0);
	assert_int_equal(siov_iommu_remove_memory(fx->iommu, hva_at(0), PAGE), -ENOENT);
	assert_int_equal(siov_iommu_remove_memory(fx->iommu, (void *)PAGE, PAGE), -ENOENT);
	/* a map lies in one range, even when two touch */
	assert_int_equal(siov_domain_map(dom, 0, hva_at(MEM_LEN - PAGE), 2 * PAGE, RW), -EFAULT);
	assert_int_equal(siov_domain_map(dom, 0, end, PAGE, RW), 0);
	assert_int_equal(siov_iommu_remove_memory(fx->iommu, end, PAGE), -EBUSY);
	assert_int_equal(siov_domain_unmap(dom, 0, PAGE), 0);
	assert_int_equal(siov_iommu_remove_memory(fx->iommu, end, PAGE), 0);
	assert_int_equal(siov_domain_map(dom, 0, end, PAGE, RW), -EFAULT);
	assert_int_equal(siov_domain_map(dom, 0, hva_at(0), PAGE, RW), 0);
	assert_int_equal(siov_iommu_remove_memory(fx->iommu, hva_at(0), MEM_LEN), -EBUSY);
	assert_int_equal(siov_domain_free(dom), 0);
	assert_int_equal(siov_iommu_remove_memory(fx->iommu, hva_at(0), MEM_LEN), 0);
}

static void
test_domain_ids_are_unique_until_none_is_left(void **state)
{
	struct iommu_fixture *fx = *state;
	struct siov_domain **doms = calloc(65535, sizeof(*doms));
	struct siov_domain_conf conf = {.kind = SIOV_DOMAIN_PASS_THROUGH};
	struct siov_domain *extra = NULL;
	uint8_t *seen = calloc(65536, 1);
	uint32_t i;

	assert_non_null(doms);
	assert_non_null(seen);
	for (i = 0; i < 65535; i++) {
		doms[i] = fixture_pass_through(fx);
		assert_int_not_equal(siov_domain_id(doms[i]), 0);
		assert_int_equal(seen[siov_domain_id(doms[i])]++, 0);
	}
	assert_int_equal(siov_domain_create(fx->iommu, &conf, &extra), -ENOSPC);
	assert_null(extra);
	assert_int_equal(siov_domain_free(doms[1000]), 0);
	assert_int_equal(siov_domain_create(fx->iommu, &conf, &extra), 0);
	free(doms);
	free(seen);
}

static void
test_dump_and_names_tell_what_is_there(void **state)
{
	struct iommu_fixture *fx = *state;
	struct siov_domain *dom = fixture_domain(fx, 12);
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	assert_non_null(f);
	fixture_bind(fx, 1, dom);
	assert_int_equal(siov_domain_map(dom, 0, hva_at(0), 3 * PAGE, RW), 0);
	siov_iommu_dump(fx->iommu, f);
	fclose(f);
	assert_non_null(strstr(text, "second-stage pasids 1 pages 4K 3 2M 0 1G 0"));
	assert_non_null(strstr(text, "mapped 12288 bytes"));
	assert_non_null(strstr(text, "atc 0 offline entries 256"));
	free(text);
	assert_string_equal(siov_fault_name(SIOV_FAULT_NO_WRITE), "no write permission");
	assert_string_equal(siov_fault_name(0x1234), "unknown");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define ROW(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
		ROW(test_conf_is_checked),
		ROW(test_map_uses_the_largest_page_that_fits),
		ROW(test_map_memory_alignment_and_limit_choose_smaller_pages),
		ROW(test_translation_length_ends_with_the_granule),
		ROW(test_map_existing_page_changes_nothing),
		ROW(test_map_arguments_are_checked),
		ROW(test_iova_limit_is_48_bits),
		ROW(test_permissions_are_kept_and_an_upgrade_is_seen),
		ROW(test_walk_checks_every_level),
		ROW(test_large_page_with_low_address_bits_faults),
		ROW(test_unmap_is_exact_and_all_or_nothing),
		ROW(test_unmap_gives_tables_back),
		ROW(test_s8_1_1_second_stage_and_pass_through_at_the_same_time),
		ROW(test_pass_through_stays_inside_registered_memory),
		ROW(test_memory_ranges_are_checked),
		ROW(test_domain_ids_are_unique_until_none_is_left),
		ROW(test_dump_and_names_tell_what_is_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

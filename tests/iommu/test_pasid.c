/* SPDX-License-Identifier: BSD-3-Clause */
/* PASIDs: allocation, binding, the directory and table behind them. */
#include <errno.h>

#include "iommu_fixture.h"
#include "iommu_priv.h"

static void
test_pasid_0_is_reserved_and_bounds_are_checked(void **state)
{
	struct iommu_fixture *fx = *state;
	struct siov_domain *dom = fixture_domain(fx, 12);

	assert_int_equal(siov_pasid_alloc_at(fx->iommu, 0), -EINVAL);
	assert_int_equal(siov_pasid_alloc_at(fx->iommu, SIOV_PASID_MAX), 0);
	assert_int_equal(siov_pasid_alloc_at(fx->iommu, SIOV_PASID_MAX), -EEXIST);
	assert_int_equal(siov_pasid_alloc_at(fx->iommu, SIOV_PASID_MAX + 1), -EINVAL);
	assert_int_equal(siov_pasid_alloc_at(fx->iommu, UINT32_MAX), -EINVAL);
	assert_int_equal(siov_pasid_bind(fx->iommu, 0, dom, 0), -EINVAL);
	assert_int_equal(siov_pasid_bind(fx->iommu, SIOV_PASID_MAX + 1, dom, 0), -EINVAL);
	assert_int_equal(siov_pasid_free(fx->iommu, 0), -EINVAL);
	assert_int_equal(siov_pasid_free(fx->iommu, SIOV_PASID_MAX + 1), -EINVAL);
	assert_int_equal(siov_pasid_unbind(fx->iommu, 0), -EINVAL);
	assert_false(siov_pasid_is_bound(fx->iommu, SIOV_PASID_MAX + 1));
}

static void
test_pasid_alloc_gives_each_once_and_reuses_late(void **state)
{
	struct iommu_fixture *fx = *state;
	struct siov_iommu_stats stats;
	uint32_t pasid;
	uint32_t i;

	for (i = 1; i <= SIOV_PASID_MAX; i++) {
		assert_int_equal(siov_pasid_alloc(fx->iommu, &pasid), 0);
		assert_int_equal(pasid, i);
		if (i != 100)
			continue;
		assert_int_equal(siov_pasid_free(fx->iommu, 7), 0);
		assert_int_equal(siov_pasid_free(fx->iommu, 7), -ENOENT);
	}
	assert_int_equal(siov_pasid_alloc(fx->iommu, &pasid), 0);
	assert_int_equal(pasid, 7);
	assert_int_equal(siov_pasid_alloc(fx->iommu, &pasid), -ENOSPC);
	siov_iommu_stats(fx->iommu, &stats);
	assert_int_equal(stats.nb_pasids_allocated, SIOV_PASID_MAX);
	assert_int_equal(siov_pasid_free(fx->iommu, SIOV_PASID_MAX), 0);
	assert_int_equal(siov_pasid_alloc(fx->iommu, &pasid), 0);
	assert_int_equal(pasid, SIOV_PASID_MAX);
}

static void
test_pasid_bind_needs_allocation_and_happens_once(void **state)
{
	struct iommu_fixture *fx = *state;
	struct siov_domain *dom = fixture_domain(fx, 12);

	assert_int_equal(siov_pasid_bind(fx->iommu, 5, dom, 0), -ENOENT);
	assert_int_equal(siov_pasid_unbind(fx->iommu, 5), -ENOENT);
	assert_int_equal(siov_pasid_alloc_at(fx->iommu, 5), 0);
	assert_int_equal(siov_pasid_bind(fx->iommu, 5, dom, 1), -EINVAL);
	assert_int_equal(siov_pasid_bind(fx->iommu, 5, NULL, 0), -EINVAL);
	assert_int_equal(siov_pasid_unbind(fx->iommu, 5), -ENOENT);
	assert_int_equal(siov_pasid_bind(fx->iommu, 5, dom, 0), 0);
	assert_true(siov_pasid_is_bound(fx->iommu, 5));
	assert_int_equal(siov_pasid_bind(fx->iommu, 5, dom, 0), -EBUSY);
	assert_int_equal(siov_pasid_free(fx->iommu, 5), -EBUSY);
	assert_int_equal(siov_domain_free(dom), -EBUSY);
	assert_int_equal(siov_pasid_unbind(fx->iommu, 5), 0);
	assert_int_equal(siov_pasid_unbind(fx->iommu, 5), -ENOENT);
	assert_int_equal(siov_pasid_free(fx->iommu, 5), 0);
	assert_int_equal(siov_domain_free(dom), 0);
}

static void
test_pasid_of_another_unit_is_refused(void **state)
{
	struct iommu_fixture *fx = *state;
	struct siov_domain *dom = fixture_domain(fx, 12);
	struct siov_iommu_conf conf;
	struct siov_iommu *other;

	siov_iommu_conf_init(&conf);
	conf.mem = &fx->fm.mem;
	assert_int_equal(siov_iommu_create(&conf, &other), 0);
	assert_int_equal(siov_pasid_alloc_at(other, 5), 0);
	assert_int_equal(siov_pasid_bind(other, 5, dom, 0), -EINVAL);
	siov_iommu_free(other);
}

/* PASIDs of one address space share its tables and its changes. */
static void
test_s8_1_3_pasids_of_one_domain_share_one_address_space(void **state)
{
	struct iommu_fixture *fx = *state;
	struct siov_domain *dom = fixture_domain(fx, 12);
	const uint32_t pasids[] = {1, 63, 64, 4096, SIOV_PASID_MAX};
	struct siov_xlate x;
	size_t i;

	for (i = 0; i < RTE_DIM(pasids); i++)
		fixture_bind(fx, pasids[i], dom);
	assert_int_equal(siov_domain_map(dom, PAGE, hva_at(7 * PAGE), PAGE, RW), 0);
	for (i = 0; i < RTE_DIM(pasids); i++)
		fixture_expect(fx, pasids[i], PAGE + 5, 7 * PAGE + 5);
	assert_int_equal(siov_domain_unmap(dom, PAGE, PAGE), 0);
	for (i = 0; i < RTE_DIM(pasids); i++)
		assert_int_equal(fixture_translate(fx, pasids[i], PAGE, SIOV_PERM_R, &x),
				 SIOV_FAULT_SS_NOT_PRESENT);
}

/* Two caches stand for two devices that use one PASID, as two ADIs of one address domain do. */
static void
test_s7_2_6_one_pasid_is_used_by_several_requesters(void **state)
{
	struct iommu_fixture *fx = *state;
	struct siov_domain *dom = fixture_domain(fx, 12);
	struct siov_atc *second = NULL;
	struct siov_xlate a;
	struct siov_xlate b;

	fixture_bind(fx, 9, dom);
	assert_int_equal(siov_domain_map(dom, 0, hva_at(0), PAGE, RW), 0);
	assert_int_equal(siov_atc_create(fx->iommu, NULL, &second), 0);
	siov_atc_online(second);
	assert_int_equal(siov_atc_translate(second, 9, 16, RW, &a), 0);
	siov_atc_offline(second);
	assert_int_equal(fixture_translate(fx, 9, 16, RW, &b), 0);
	assert_ptr_equal(a.hva, b.hva);
	assert_int_equal(siov_pasid_unbind(fx->iommu, 9), 0);
	siov_atc_online(second);
	assert_int_equal(siov_atc_translate(second, 9, 16, RW, &a),
			 SIOV_FAULT_PASID_DIR_NOT_PRESENT);
	siov_atc_offline(second);
	assert_int_equal(siov_atc_free(second), 0);
}

/* The same iova, told apart by nothing but the PASID. */
static void
test_s6_2_5_pasid_alone_tells_requests_apart(void **state)
{
	struct iommu_fixture *fx = *state;
	struct siov_domain *dom;
	uint32_t pasid;

	for (pasid = 1; pasid <= 200; pasid++) {
		dom = fixture_domain(fx, 12);
		assert_int_equal(siov_domain_map(dom, 0, hva_at(pasid * PAGE), PAGE, RW), 0);
		fixture_bind(fx, pasid * 5000, dom);
	}
	for (pasid = 1; pasid <= 200; pasid++)
		fixture_expect(fx, pasid * 5000, 1, pasid * PAGE + 1);
	for (pasid = 1; pasid <= 200; pasid++)
		fixture_expect(fx, pasid * 5000, 1, pasid * PAGE + 1);
}

static void
test_pasid_faults_name_the_level(void **state)
{
	struct iommu_fixture *fx = *state;
	struct siov_domain *dom = fixture_domain(fx, 12);
	struct siov_xlate x;

	fixture_bind(fx, 128, dom);
	assert_int_equal(fixture_translate(fx, 1, 0, SIOV_PERM_R, &x),
			 SIOV_FAULT_PASID_DIR_NOT_PRESENT);
	assert_int_equal(fixture_translate(fx, 129, 0, SIOV_PERM_R, &x),
			 SIOV_FAULT_PASID_NOT_PRESENT);
	assert_int_equal(fixture_translate(fx, 128, 0, SIOV_PERM_R, &x), SIOV_FAULT_SS_NOT_PRESENT);
	assert_int_equal(fixture_translate(fx, SIOV_PASID_MAX, 0, SIOV_PERM_R, &x),
			 SIOV_FAULT_PASID_DIR_NOT_PRESENT);
	assert_int_equal(fixture_translate(fx, SIOV_PASID_MAX + 1, 0, SIOV_PERM_R, &x),
			 SIOV_FAULT_PASID_TOO_LARGE);
	assert_int_equal(fixture_translate(fx, UINT32_MAX, 0, SIOV_PERM_R, &x),
			 SIOV_FAULT_PASID_TOO_LARGE);
}

static struct siov_vtd_pasid_entry *
entry_of(struct iommu_fixture *fx, uint32_t pasid)
{
	uint64_t pde = fx->iommu->pasid_dir[pasid >> 6];

	return (struct siov_vtd_pasid_entry *)(uintptr_t)(pde & SIOV_VTD_ADDR_MASK) + (pasid & 63);
}

/* Set one bit of a word, translate, put the word back. */
static int
fault_with(struct iommu_fixture *fx, SIOV_ATOMIC(uint64_t) *word, uint64_t flip)
{
	uint64_t old = *word;
	struct siov_xlate x;
	int rc;

	*word = old ^ flip;
	rc = fixture_translate(fx, 70, 0, SIOV_PERM_R, &x);
	*word = old;
	return rc;
}

static void
test_pasid_reserved_bits_and_bad_types_fault(void **state)
{
	struct iommu_fixture *fx = *state;
	struct siov_vtd_pasid_entry *entry;

	fixture_bind(fx, 70, fixture_domain(fx, 12));
	entry = entry_of(fx, 70);
	assert_int_equal(fault_with(fx, &fx->iommu->pasid_dir[1], RTE_BIT64(2)),
			 SIOV_FAULT_PASID_DIR_RESERVED);
	assert_int_equal(fault_with(fx, &fx->iommu->pasid_dir[1], RTE_BIT64(63)),
			 SIOV_FAULT_PASID_DIR_RESERVED);
	assert_int_equal(fault_with(fx, &entry->q0, RTE_BIT64(5)), SIOV_FAULT_PASID_RESERVED);
	assert_int_equal(fault_with(fx, &entry->q0, RTE_BIT64(52)), SIOV_FAULT_PASID_RESERVED);
	assert_int_equal(fault_with(fx, &entry->q1, RTE_BIT64(16)), SIOV_FAULT_PASID_RESERVED);
	assert_int_equal(fault_with(fx, &entry->q1, RTE_BIT64(31)), SIOV_FAULT_PASID_RESERVED);
	assert_int_equal(fault_with(fx, &entry->q0, RTE_BIT64(2)), SIOV_FAULT_PASID_INVALID);
	assert_int_equal(fault_with(fx, &entry->q0, RTE_BIT64(6) | RTE_BIT64(8)),
			 SIOV_FAULT_PASID_INVALID);
	assert_int_equal(fault_with(fx, &entry->q0, SIOV_VTD_PE_P), SIOV_FAULT_PASID_NOT_PRESENT);
	assert_int_equal(fault_with(fx, &entry->q0, 0), SIOV_FAULT_SS_NOT_PRESENT);
	assert_int_equal(fault_with(fx, &entry->q1, SIOV_VTD_PE_PWSNP | SIOV_VTD_PE_PGSNP),
			 SIOV_FAULT_SS_NOT_PRESENT);
}

/* A PASID table is taken when its first PASID is bound and given back with the last. */
static void
test_pasid_tables_come_and_go(void **state)
{
	struct iommu_fixture *fx = *state;
	struct siov_domain *dom = fixture_domain(fx, 12);
	struct siov_iommu_stats stats;
	uint64_t before;

	siov_iommu_stats(fx->iommu, &stats);
	before = stats.table_pages;
	fixture_bind(fx, 64, dom);
	fixture_bind(fx, 127, dom);
	fixture_bind(fx, 128, dom);
	siov_iommu_stats(fx->iommu, &stats);
	assert_int_equal(stats.table_pages, before + 2);
	assert_int_equal(stats.nb_pasids_bound, 3);
	assert_int_equal(siov_pasid_unbind(fx->iommu, 64), 0);
	assert_int_equal(siov_pasid_unbind(fx->iommu, 128), 0);
	siov_iommu_stats(fx->iommu, &stats);
	assert_int_equal(stats.table_pages, before + 1);
	assert_int_equal(siov_pasid_unbind(fx->iommu, 127), 0);
	siov_iommu_stats(fx->iommu, &stats);
	assert_int_equal(stats.table_pages, before);
	assert_int_equal(fx->iommu->pasid_dir[1], 0);
}

/* An idle PASID costs its 64-byte entry and little else. */
static void
test_pasid_all_bound_cost_few_bytes_each(void **state)
{
	struct iommu_fixture *fx = *state;
	struct siov_domain *dom = fixture_domain(fx, 12);
	size_t before = siov_iommu_memory_bytes(fx->iommu);
	struct siov_iommu_stats stats;
	uint32_t pasid;
	size_t bytes;

	for (pasid = 1; pasid <= SIOV_PASID_MAX; pasid++)
		fixture_bind(fx, pasid, dom);
	assert_int_equal(siov_domain_map(dom, 0, hva_at(PAGE), PAGE, RW), 0);
	bytes = siov_iommu_memory_bytes(fx->iommu) - before;
	assert_in_range(bytes, 63 * UINT64_C(1048575), 66 * UINT64_C(1048575));
	fixture_expect(fx, SIOV_PASID_MAX, 8, PAGE + 8);
	fixture_expect(fx, 1, 8, PAGE + 8);
	for (pasid = 1; pasid <= SIOV_PASID_MAX; pasid++)
		assert_int_equal(siov_pasid_unbind(fx->iommu, pasid), 0);
	siov_iommu_stats(fx->iommu, &stats);
	assert_int_equal(stats.nb_pasids_bound, 0);
	assert_int_equal(stats.table_pages, 4); /* of the domain */
	assert_in_range(siov_iommu_memory_bytes(fx->iommu), 0, before + 2 * MIB);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define ROW(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
		ROW(test_pasid_0_is_reserved_and_bounds_are_checked),
		ROW(test_pasid_alloc_gives_each_once_and_reuses_late),
		ROW(test_pasid_bind_needs_allocation_and_happens_once),
		ROW(test_pasid_of_another_unit_is_refused),
		ROW(test_s8_1_3_pasids_of_one_domain_share_one_address_space),
		ROW(test_s7_2_6_one_pasid_is_used_by_several_requesters),
		ROW(test_s6_2_5_pasid_alone_tells_requests_apart),
		ROW(test_pasid_faults_name_the_level),
		ROW(test_pasid_reserved_bits_and_bad_types_fault),
		ROW(test_pasid_tables_come_and_go),
		ROW(test_pasid_all_bound_cost_few_bytes_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* Allocation n fails, for each n: the call says -ENOMEM, nothing changes, nothing leaks. */
#include <errno.h>
#include <string.h>

#include "iommu_fixture.h"
#include "iommu_priv.h"

static void
test_create_survives_each_failing_allocation(void **state)
{
	struct siov_iommu *iommu = NULL;
	struct siov_iommu_conf conf;
	struct fake_mem fm;
	uint64_t n;
	int rc;

	(void)state;
	fake_mem_init(&fm);
	siov_iommu_conf_init(&conf);
	conf.mem = &fm.mem;
	for (n = 1;; n++) {
		fake_mem_fail_at(&fm, n);
		rc = siov_iommu_create(&conf, &iommu);
		if (rc == 0)
			break;
		assert_int_equal(rc, -ENOMEM);
		assert_null(iommu);
		assert_int_equal(fm.nb_live, 0);
	}
	assert_int_equal(n, 6); /* unit, qsbr, ranges, bitmap, directory */
	siov_iommu_free(iommu);
	assert_int_equal(fm.nb_live, 0);
}

static void
test_atc_create_survives_each_failing_allocation(void **state)
{
	struct iommu_fixture *fx = *state;
	size_t before = siov_iommu_memory_bytes(fx->iommu);
	struct siov_atc *atc = NULL;
	uint64_t n;
	int rc;

	for (n = 1;; n++) {
		fake_mem_fail_at(&fx->fm, n);
		rc = siov_atc_create(fx->iommu, NULL, &atc);
		if (rc == 0)
			break;
		assert_int_equal(rc, -ENOMEM);
		assert_null(atc);
		assert_int_equal(siov_iommu_memory_bytes(fx->iommu), before);
	}
	assert_int_equal(n, 4); /* cache, mail, ring of faults */
	assert_int_equal(siov_atc_free(atc), 0);
	assert_int_equal(siov_iommu_memory_bytes(fx->iommu), before);
}

/* All that can be seen of a unit from outside. */
struct snapshot {
	struct siov_iommu_stats stats;
	uint64_t nb_live;
};

static struct snapshot
snapshot(struct iommu_fixture *fx)
{
	struct snapshot s;

	siov_iommu_stats(fx->iommu, &s.stats);
	s.nb_live = fx->fm.nb_live;
	return s;
}

static void
test_domain_create_survives_each_failing_allocation(void **state)
{
	struct iommu_fixture *fx = *state;
	const struct siov_domain_conf conf = {
		.kind = SIOV_DOMAIN_SECOND_STAGE,
		.max_page_shift = 12,
	};
	struct siov_domain *dom = NULL;
	struct siov_iommu_stats stats;
	uint64_t n;
	int rc;

	for (n = 1;; n++) {
		fake_mem_fail_at(&fx->fm, n);
		rc = siov_domain_create(fx->iommu, &conf, &dom);
		if (rc == 0)
			break;
		assert_int_equal(rc, -ENOMEM);
		assert_null(dom);
		siov_iommu_stats(fx->iommu, &stats);
		assert_int_equal(stats.nb_domains, 0);
		assert_int_equal(stats.table_pages, 0);
	}
	assert_in_range(n, 2, 4);
	assert_int_equal(siov_domain_free(dom), 0);
}

/* The map takes more table pages than one chunk of the pool, so that it fails half-way too. */
static void
test_map_survives_each_failing_allocation(void **state)
{
	struct iommu_fixture *fx = *state;
	struct siov_domain *dom = fixture_domain(fx, 12);
	struct snapshot before;
	struct siov_xlate x;
	uint64_t n;
	int rc;

	fixture_bind(fx, 1, dom);
	for (n = 1;; n++) {
		before = snapshot(fx);
		fake_mem_fail_at(&fx->fm, n);
		rc = siov_domain_map(dom, GIB - MIB, hva_at(0), 2 * GIB, RW);
		if (rc == 0)
			break;
		assert_int_equal(rc, -ENOMEM);
		assert_int_equal(dom->nb_pages[0], 0);
		assert_int_equal(snapshot(fx).stats.table_pages, before.stats.table_pages);
		assert_int_equal(fixture_translate(fx, 1, GIB - MIB, RW, &x),
				 SIOV_FAULT_SS_NOT_PRESENT);
		assert_int_equal(fixture_translate(fx, 1, 2 * GIB, RW, &x),
				 SIOV_FAULT_SS_NOT_PRESENT);
	}
	assert_in_range(n, 4, 8);
	fixture_expect(fx, 1, GIB - MIB, 0);
	fixture_expect(fx, 1, 3 * GIB - MIB - 1, 2 * GIB - 1);
	/* unmapping allocates nothing */
	fake_mem_fail_at(&fx->fm, 1);
	assert_int_equal(siov_domain_unmap(dom, GIB - MIB, 2 * GIB), 0);
	assert_int_equal(fx->fm.nb_allocs, 0);
}

/* Use up the pool page by page: the one that needs a new chunk fails, and the next call works. */
static void
test_bind_survives_a_failing_allocation(void **state)
{
	struct iommu_fixture *fx = *state;
	struct siov_domain *dom = fixture_domain(fx, 12);
	uint32_t nb_failed = 0;
	uint32_t pasid;
	int rc;

	for (pasid = 64; pasid < 64 * 600; pasid += 64) {
		assert_int_equal(siov_pasid_alloc_at(fx->iommu, pasid), 0);
		fake_mem_fail_at(&fx->fm, 1);
		rc = siov_pasid_bind(fx->iommu, pasid, dom, 0);
		if (rc == 0)
			continue;
		assert_int_equal(rc, -ENOMEM);
		assert_false(siov_pasid_is_bound(fx->iommu, pasid));
		nb_failed++;
		assert_int_equal(siov_pasid_bind(fx->iommu, pasid, dom, 0), 0);
	}
	assert_int_equal(nb_failed, 2);
}

static void
test_memory_ranges_survive_a_failing_allocation(void **state)
{
	struct iommu_fixture *fx = *state;
	struct siov_domain *pt = fixture_pass_through(fx);
	struct siov_xlate x;

	fixture_bind(fx, 1, pt);
	fake_mem_fail_at(&fx->fm, 1);
	assert_int_equal(siov_iommu_add_memory(fx->iommu, hva_at(MEM_LEN), PAGE), -ENOMEM);
	assert_int_equal(fixture_translate(fx, 1, MEM_HVA + MEM_LEN, RW, &x), SIOV_FAULT_DMA_LIMIT);
	fake_mem_fail_at(&fx->fm, 1);
	assert_int_equal(siov_iommu_remove_memory(fx->iommu, hva_at(0), MEM_LEN), -ENOMEM);
	fixture_expect(fx, 1, MEM_HVA, 0);
	assert_int_equal(siov_iommu_remove_memory(fx->iommu, hva_at(0), MEM_LEN), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define ROW(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
		cmocka_unit_test(test_create_survives_each_failing_allocation),
		ROW(test_atc_create_survives_each_failing_allocation),
		ROW(test_domain_create_survives_each_failing_allocation),
		ROW(test_map_survives_each_failing_allocation),
		ROW(test_bind_survives_a_failing_allocation),
		ROW(test_memory_ranges_survive_a_failing_allocation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

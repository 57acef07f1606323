/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Invalidation: offline caches, a full request ring, late engines, slices. One thread plays both
 * sides; test_inval_race.c has two.
 */
#include <errno.h>

#include "iommu_fixture.h"
#include "iommu_priv.h"

/* Enter a translation for each of nb pages. */
static void
warm(struct iommu_fixture *fx, uint32_t pasid, unsigned int nb)
{
	struct siov_xlate x;
	unsigned int i;

	siov_atc_online(fx->atc);
	for (i = 0; i < nb; i++)
		assert_int_equal(siov_atc_translate(fx->atc, pasid, i * PAGE, SIOV_PERM_R, &x), 0);
	siov_atc_offline(fx->atc);
}

static void
test_offline_cache_is_not_waited_for_and_drops_before_use(void **state)
{
	struct iommu_fixture *fx = *state;
	struct siov_domain *dom = fixture_domain(fx, 12);
	struct siov_atc_stats stats;
	struct siov_xlate x;

	fixture_bind(fx, 1, dom);
	assert_int_equal(siov_domain_map(dom, 0, hva_at(0), 8 * PAGE, RW), 0);
	warm(fx, 1, 8);
	assert_int_equal(siov_domain_unmap(dom, PAGE, 2 * PAGE), 0);
	assert_int_equal(siov_domain_map(dom, PAGE, hva_at(64 * PAGE), PAGE, RW), 0);
	fixture_expect(fx, 1, 0, 0);
	fixture_expect(fx, 1, PAGE, 64 * PAGE);
	assert_int_equal(fixture_translate(fx, 1, 2 * PAGE, SIOV_PERM_R, &x),
			 SIOV_FAULT_SS_NOT_PRESENT);
	siov_atc_stats(fx->atc, &stats);
	assert_int_equal(stats.invalidations, 1);
	assert_int_equal(stats.inval_entries, 2); /* and no more than asked for */
	assert_int_equal(stats.online, 0);
}

/* More requests than the ring holds become one flush. */
static void
test_full_ring_flushes_all(void **state)
{
	struct iommu_fixture *fx = *state;
	struct siov_domain *dom = fixture_domain(fx, 12);
	struct siov_atc_stats stats;
	struct siov_xlate x;
	unsigned int i;

	fixture_bind(fx, 1, dom);
	fixture_bind(fx, 2, dom);
	assert_int_equal(siov_domain_map(dom, 0, hva_at(0), 200 * PAGE, RW), 0);
	warm(fx, 1, 200);
	warm(fx, 2, 10);
	for (i = 0; i < INVAL_RING + 1; i++)
		assert_int_equal(siov_domain_unmap(dom, i * PAGE, PAGE), 0);
	for (i = 0; i < INVAL_RING + 1; i++)
		assert_int_equal(fixture_translate(fx, 1, i * PAGE, SIOV_PERM_R, &x),
				 SIOV_FAULT_SS_NOT_PRESENT);
	siov_atc_stats(fx->atc, &stats);
	assert_int_equal(stats.invalidations, 1);
	fixture_expect(fx, 1, 199 * PAGE, 199 * PAGE);
	/* exactly the ring: each served by itself */
	for (i = 0; i < INVAL_RING; i++)
		assert_int_equal(siov_domain_unmap(dom, (100 + i) * PAGE, PAGE), 0);
	assert_int_equal(fixture_translate(fx, 1, 100 * PAGE, SIOV_PERM_R, &x),
			 SIOV_FAULT_SS_NOT_PRESENT);
	siov_atc_stats(fx->atc, &stats);
	assert_int_equal(stats.invalidations, 1 + INVAL_RING);
	fixture_expect(fx, 2, 199 * PAGE, 199 * PAGE);
}

/* An online engine that does not come by: the call ends, nothing is freed, nothing new is built. */
static void
test_late_engine_times_out_and_tables_are_kept(void **state)
{
	struct iommu_fixture *fx = *state;
	struct siov_domain *dom = fixture_domain(fx, 12);
	struct siov_iommu_stats stats;
	struct siov_xlate x;

	fixture_bind(fx, 1, dom);
	fixture_bind(fx, 2, dom);
	assert_int_equal(siov_domain_map(dom, 0, hva_at(0), PAGE, RW), 0);
	siov_atc_online(fx->atc);
	assert_int_equal(siov_atc_translate(fx->atc, 1, 0, RW, &x), 0);
	assert_int_equal(siov_domain_unmap(dom, 0, PAGE), -ETIMEDOUT);
	siov_iommu_stats(fx->iommu, &stats);
	assert_int_equal(stats.deferred_pages, 3);
	assert_int_equal(stats.nb_inval_timeouts, 1);
	assert_int_equal(siov_domain_map(dom, 0, hva_at(PAGE), PAGE, RW), -ETIMEDOUT);
	assert_int_equal(siov_pasid_unbind(fx->iommu, 2), -ETIMEDOUT);
	assert_int_equal(siov_pasid_bind(fx->iommu, 2, dom, 0), -ETIMEDOUT);
	assert_int_equal(siov_iommu_synchronize(fx->iommu), -ETIMEDOUT);
	assert_int_equal(siov_atc_free(fx->atc), -EBUSY);
	/* the engine still has it: what a late engine sees is old, never mixed */
	assert_int_equal(siov_atc_translate(fx->atc, 1, 0, RW, &x), 0);
	assert_ptr_equal(x.hva, hva_at(0));
	siov_atc_quiescent(fx->atc);
	assert_int_equal(siov_atc_translate(fx->atc, 1, 0, RW, &x), SIOV_FAULT_SS_NOT_PRESENT);
	siov_atc_quiescent(fx->atc);
	siov_iommu_stats(fx->iommu, &stats);
	assert_int_equal(stats.deferred_pages, 0);
	siov_atc_offline(fx->atc);
	assert_int_equal(siov_iommu_synchronize(fx->iommu), 0);
	assert_int_equal(siov_domain_map(dom, 0, hva_at(PAGE), PAGE, RW), 0);
	assert_int_equal(siov_pasid_bind(fx->iommu, 2, dom, 0), 0);
	fixture_expect(fx, 1, 0, PAGE);
	fixture_expect(fx, 2, 0, PAGE);
}

/* Asked for apart, it drops the range of one PASID; the next lookup walks again and finds it. */
static void
test_pasid_invalidate_drops_its_range_only(void **state)
{
	struct iommu_fixture *fx = *state;
	struct siov_domain *dom = fixture_domain(fx, 12);
	struct siov_atc_stats before, after;

	fixture_bind(fx, 1, dom);
	fixture_bind(fx, 2, dom);
	assert_int_equal(siov_domain_map(dom, 0, hva_at(0), 2 * PAGE, RW), 0);
	assert_int_equal(siov_pasid_invalidate(fx->iommu, 0, 0, PAGE), -EINVAL);
	assert_int_equal(siov_pasid_invalidate(fx->iommu, 1, 1, PAGE), -EINVAL);
	assert_int_equal(siov_pasid_invalidate(fx->iommu, 1, 0, 0), -EINVAL);
	assert_int_equal(siov_pasid_invalidate(fx->iommu, 1, -PAGE, 2 * PAGE), -ERANGE);
	assert_int_equal(siov_pasid_invalidate(fx->iommu, 3, 0, PAGE), -ENOENT);
	fixture_expect(fx, 1, 0, 0);
	fixture_expect(fx, 1, PAGE, PAGE);
	fixture_expect(fx, 2, 0, 0);
	assert_int_equal(siov_pasid_invalidate(fx->iommu, 1, 0, PAGE), 0);
	siov_atc_stats(fx->atc, &before);
	fixture_expect(fx, 1, PAGE, PAGE);
	fixture_expect(fx, 2, 0, 0);
	siov_atc_stats(fx->atc, &after);
	assert_int_equal(after.misses, before.misses);
	fixture_expect(fx, 1, 0, 0);
	siov_atc_stats(fx->atc, &after);
	assert_int_equal(after.misses, before.misses + 1);
}

/* A grace period is one even when nothing is to be dropped; what walks read lives as long. */
static void
test_synchronize_waits_for_a_quiescent_state(void **state)
{
	struct iommu_fixture *fx = *state;
	uint64_t nb_live;

	assert_int_equal(siov_iommu_synchronize(fx->iommu), 0);
	siov_atc_online(fx->atc);
	nb_live = fx->fm.nb_live;
	assert_int_equal(siov_iommu_add_memory(fx->iommu, hva_at(MEM_LEN), PAGE), 0);
	assert_int_equal(siov_iommu_synchronize(fx->iommu), -ETIMEDOUT);
	assert_int_equal(fx->fm.nb_live, nb_live + 1); /* the old ranges are kept */
	siov_atc_quiescent(fx->atc);
	siov_iommu_memory_bytes(fx->iommu);
	assert_int_equal(fx->fm.nb_live, nb_live);
	assert_int_equal(siov_iommu_synchronize(fx->iommu), -ETIMEDOUT);
	siov_atc_offline(fx->atc);
	assert_int_equal(siov_iommu_synchronize(fx->iommu), 0);
}

/* A domain is freed while a late engine may be inside its tables: they stay until it has passed. */
static void
test_domain_free_after_timeout_keeps_tables(void **state)
{
	struct iommu_fixture *fx = *state;
	struct siov_domain *dom = fixture_domain(fx, 12);
	struct siov_iommu_stats stats;
	struct siov_xlate x;

	fixture_bind(fx, 1, dom);
	assert_int_equal(siov_domain_map(dom, 0, hva_at(0), PAGE, RW), 0);
	siov_atc_online(fx->atc);
	assert_int_equal(siov_atc_translate(fx->atc, 1, 0, RW, &x), 0);
	assert_int_equal(siov_pasid_unbind(fx->iommu, 1), -ETIMEDOUT);
	assert_int_equal(siov_domain_free(dom), 0);
	siov_iommu_stats(fx->iommu, &stats);
	assert_int_equal(stats.deferred_pages, 5); /* PASID table, four levels */
	siov_atc_quiescent(fx->atc);
	siov_atc_offline(fx->atc);
	siov_iommu_stats(fx->iommu, &stats);
	assert_int_equal(stats.deferred_pages, 0);
	assert_int_equal(stats.table_pages, 0);
}

/* A scan of a large cache takes several quiescent states; stale entries are used by none after. */
static void
test_scan_goes_in_slices(void **state)
{
	const struct siov_atc_conf conf = {.entries = 4 * INVAL_SLICE_ENTRIES, .socket_id = -1};
	struct iommu_fixture *fx = *state;
	struct siov_domain *dom = fixture_domain(fx, 12);
	struct siov_atc *atc = NULL;
	struct siov_atc_stats stats;
	struct siov_xlate x;
	unsigned int i;

	assert_int_equal(siov_atc_create(fx->iommu, &conf, &atc), 0);
	fixture_bind(fx, 1, dom);
	assert_int_equal(siov_domain_map(dom, 0, hva_at(0), 1024 * PAGE, RW), 0);
	siov_atc_online(atc);
	for (i = 0; i < 1024; i++)
		assert_int_equal(siov_atc_translate(atc, 1, i * PAGE, RW, &x), 0);
	assert_int_equal(siov_domain_unmap(dom, 0, 1024 * PAGE), -ETIMEDOUT);
	for (i = 0; i < 4; i++) {
		siov_atc_stats(atc, &stats);
		assert_int_equal(stats.invalidations, 0);
		siov_atc_quiescent(atc);
	}
	siov_atc_stats(atc, &stats);
	assert_int_equal(stats.invalidations, 1);
	assert_int_equal(stats.inval_entries, 1024);
	siov_atc_offline(atc);
	assert_int_equal(siov_atc_free(atc), 0);
}

/* A 1 GiB page is in the cache as granules of 2 MiB; all of them go with it. */
static void
test_unmap_of_large_pages_drops_every_granule(void **state)
{
	struct iommu_fixture *fx = *state;
	struct siov_domain *dom = fixture_domain(fx, 30);
	struct siov_xlate x;
	unsigned int i;

	fixture_bind(fx, 1, dom);
	assert_int_equal(siov_domain_map(dom, 0, hva_at(0), GIB + 4 * MIB, RW), 0);
	for (i = 0; i < 514; i++)
		fixture_expect(fx, 1, i * 2 * MIB + i, i * 2 * MIB + i);
	assert_int_equal(siov_domain_unmap(dom, GIB, 4 * MIB), 0);
	fixture_expect(fx, 1, GIB - 1, GIB - 1);
	assert_int_equal(fixture_translate(fx, 1, GIB, RW, &x), SIOV_FAULT_SS_NOT_PRESENT);
	assert_int_equal(fixture_translate(fx, 1, GIB + 2 * MIB, RW, &x),
			 SIOV_FAULT_SS_NOT_PRESENT);
	assert_int_equal(siov_domain_unmap(dom, 0, GIB), 0);
	for (i = 0; i < 514; i++)
		assert_int_equal(fixture_translate(fx, 1, i * 2 * MIB, RW, &x),
				 SIOV_FAULT_SS_NOT_PRESENT);
}

/* A page replaced by one of another size at the same iova. */
static void
test_page_size_change_is_seen(void **state)
{
	struct iommu_fixture *fx = *state;
	struct siov_domain *dom = fixture_domain(fx, 21);
	struct siov_xlate x;

	fixture_bind(fx, 1, dom);
	assert_int_equal(siov_domain_map(dom, 0, hva_at(2 * MIB), 2 * MIB, RW), 0);
	fixture_expect(fx, 1, PAGE, 2 * MIB + PAGE);
	assert_int_equal(siov_domain_unmap(dom, 0, 2 * MIB), 0);
	assert_int_equal(siov_domain_map(dom, PAGE, hva_at(0), PAGE, RW), 0);
	fixture_expect(fx, 1, PAGE, 0);
	assert_int_equal(fixture_translate(fx, 1, 0, RW, &x), SIOV_FAULT_SS_NOT_PRESENT);
	assert_int_equal(siov_domain_unmap(dom, PAGE, PAGE), 0);
	assert_int_equal(siov_domain_map(dom, 0, hva_at(4 * MIB), 2 * MIB, RW), 0);
	fixture_expect(fx, 1, PAGE, 4 * MIB + PAGE);
}

/* Unbinding one PASID leaves the others of its domain, and other domains, in the cache. */
static void
test_unbind_drops_one_pasid_only(void **state)
{
	struct iommu_fixture *fx = *state;
	struct siov_domain *dom = fixture_domain(fx, 12);
	struct siov_atc_stats before;
	struct siov_atc_stats after;
	struct siov_xlate x;

	fixture_bind(fx, 1, dom);
	fixture_bind(fx, 3, dom);
	assert_int_equal(siov_domain_map(dom, 0, hva_at(0), 8 * PAGE, RW), 0);
	warm(fx, 1, 8);
	warm(fx, 3, 8);
	assert_int_equal(siov_pasid_unbind(fx->iommu, 1), 0);
	siov_atc_stats(fx->atc, &before);
	warm(fx, 3, 8);
	siov_atc_stats(fx->atc, &after);
	assert_int_equal(after.misses, before.misses);
	assert_int_equal(after.inval_entries - before.inval_entries, 8);
	assert_int_equal(fixture_translate(fx, 1, 0, RW, &x), SIOV_FAULT_PASID_NOT_PRESENT);
}

static void
test_caches_are_limited_and_ids_are_reused(void **state)
{
	struct iommu_fixture *fx = *state;
	struct siov_atc_conf conf = {.entries = SIOV_ATC_ENTRIES_MAX + 1, .socket_id = -1};
	struct siov_atc *atc[4] = {NULL};
	struct siov_atc_stats stats;
	unsigned int i;

	assert_int_equal(siov_atc_create(fx->iommu, &conf, &atc[0]), -EINVAL);
	assert_int_equal(siov_atc_create(NULL, NULL, &atc[0]), -EINVAL);
	assert_int_equal(siov_atc_create(fx->iommu, NULL, NULL), -EINVAL);
	conf.entries = 65;
	for (i = 0; i < 3; i++)
		assert_int_equal(siov_atc_create(fx->iommu, &conf, &atc[i]), 0);
	assert_int_equal(siov_atc_create(fx->iommu, &conf, &atc[3]), -ENOSPC);
	siov_atc_stats(atc[0], &stats);
	assert_int_equal(stats.entries, 128);
	assert_int_equal(siov_atc_free(atc[1]), 0);
	conf.entries = 1;
	assert_int_equal(siov_atc_create(fx->iommu, &conf, &atc[1]), 0);
	siov_atc_stats(atc[1], &stats);
	assert_int_equal(stats.entries, SIOV_ATC_ENTRIES_MIN);
	for (i = 0; i < 3; i++)
		assert_int_equal(siov_atc_free(atc[i]), 0);
	assert_int_equal(siov_atc_free(NULL), 0);
}

/* A burst enters what misses, counts it, leaves faults to the lookup, and is idle when all hit. */
static void
test_fill_burst_warms_what_can_be_warmed(void **state)
{
	struct iommu_fixture *fx = *state;
	struct siov_domain *small = fixture_domain(fx, 12);
	struct siov_domain *large = fixture_domain(fx, 30);
	uint32_t pasid[SIOV_ATC_BURST_MAX];
	uint64_t iova[SIOV_ATC_BURST_MAX];
	struct siov_atc_stats before;
	struct siov_atc_stats after;
	struct siov_xlate x;
	unsigned int i;

	fixture_bind(fx, 1, small);
	fixture_bind(fx, 2, large);
	fixture_bind(fx, 3, fixture_pass_through(fx));
	assert_int_equal(siov_domain_map(small, 0, hva_at(0), 32 * PAGE, RW), 0);
	assert_int_equal(siov_domain_map(large, 0, hva_at(0), GIB, SIOV_PERM_R), 0);
	for (i = 0; i < SIOV_ATC_BURST_MAX; i++) {
		pasid[i] = 1 + i / 12;
		iova[i] = i < 12 ? i * PAGE : i * 2 * MIB + (i < 24 ? 0 : MEM_HVA);
	}
	pasid[4] = SIOV_PASID_MAX + 1;
	iova[17] = UINT64_MAX;
	iova[9] = 40 * PAGE; /* not mapped */
	pasid[10] = 99; /* not bound */
	iova[28] = iova[29]; /* twice */
	siov_atc_online(fx->atc);
	assert_int_equal(siov_atc_fill_burst(fx->atc, pasid, iova, SIOV_ATC_BURST_MAX + 5), 30);
	siov_atc_stats(fx->atc, &before);
	for (i = 0; i < SIOV_ATC_BURST_MAX; i++) {
		if (i == 4 || i == 17 || i == 9 || i == 10)
			continue;
		assert_int_equal(siov_atc_translate(fx->atc, pasid[i], iova[i], SIOV_PERM_R, &x),
				 0);
	}
	siov_atc_stats(fx->atc, &after);
	assert_int_equal(after.misses, before.misses);
	assert_int_equal(siov_atc_translate(fx->atc, pasid[4], iova[4], RW, &x),
			 SIOV_FAULT_PASID_TOO_LARGE);
	assert_int_equal(siov_atc_translate(fx->atc, pasid[9], iova[9], RW, &x),
			 SIOV_FAULT_SS_NOT_PRESENT);
	assert_int_equal(siov_atc_fill_burst(fx->atc, pasid, iova, 4), 0);
	assert_int_equal(siov_atc_fill_burst(fx->atc, pasid, iova, 0), 0);
	siov_atc_offline(fx->atc);
}

/* Four keys with one home use the four ways of their set. */
static void
test_keys_of_one_home_share_the_set(void **state)
{
	struct iommu_fixture *fx = *state;
	struct siov_domain *dom = fixture_domain(fx, 12);
	struct siov_atc_stats stats;
	uint64_t iova[SIOV_ATC_WAYS];
	struct siov_xlate x;
	unsigned int nb = 0;
	unsigned int round;
	uint64_t home;
	uint64_t at;

	fixture_bind(fx, 1, dom);
	assert_int_equal(siov_domain_map(dom, 0, hva_at(0), 64 * MIB, RW), 0);
	home = siov_atc_home(fx->atc, siov_atc_tag(1, 0, SIOV_ATC_SHIFT_4K));
	for (at = 0; at < 64 * MIB && nb < SIOV_ATC_WAYS; at += PAGE)
		if (siov_atc_home(fx->atc, siov_atc_tag(1, at, SIOV_ATC_SHIFT_4K)) == home)
			iova[nb++] = at;
	assert_int_equal(nb, SIOV_ATC_WAYS);
	siov_atc_online(fx->atc);
	for (round = 0; round < 10; round++) {
		for (nb = 0; nb < SIOV_ATC_WAYS; nb++) {
			assert_int_equal(siov_atc_translate(fx->atc, 1, iova[nb], RW, &x), 0);
			assert_ptr_equal(x.hva, hva_at(iova[nb]));
		}
	}
	siov_atc_offline(fx->atc);
	siov_atc_stats(fx->atc, &stats);
	assert_int_equal(stats.misses, SIOV_ATC_WAYS);
	assert_int_equal(stats.second_probes, 9 * SIOV_ATC_WAYS);
}

/* More keys than the cache holds, of all sizes: every answer stays right. */
static void
test_evictions_never_mix_translations(void **state)
{
	struct iommu_fixture *fx = *state;
	struct siov_domain *dom[3] = {fixture_domain(fx, 12), fixture_domain(fx, 21),
				      fixture_domain(fx, 30)};
	struct siov_xlate x;
	uint64_t iova;
	unsigned int i;
	unsigned int d;

	for (d = 0; d < 3; d++) {
		fixture_bind(fx, d + 1, dom[d]);
		assert_int_equal(siov_domain_map(dom[d], 0, hva_at(d * GIB), GIB, RW), 0);
	}
	siov_atc_online(fx->atc);
	for (i = 0; i < 30000; i++) {
		d = i % 3;
		iova = (i * UINT64_C(0x9e3779b9)) % GIB;
		assert_int_equal(siov_atc_translate(fx->atc, d + 1, iova, RW, &x), 0);
		assert_ptr_equal(x.hva, hva_at(d * GIB + iova));
	}
	siov_atc_offline(fx->atc);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define ROW(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
		ROW(test_offline_cache_is_not_waited_for_and_drops_before_use),
		ROW(test_full_ring_flushes_all),
		ROW(test_late_engine_times_out_and_tables_are_kept),
		ROW(test_pasid_invalidate_drops_its_range_only),
		ROW(test_synchronize_waits_for_a_quiescent_state),
		ROW(test_domain_free_after_timeout_keeps_tables),
		ROW(test_scan_goes_in_slices),
		ROW(test_unmap_of_large_pages_drops_every_granule),
		ROW(test_page_size_change_is_seen),
		ROW(test_unbind_drops_one_pasid_only),
		ROW(test_caches_are_limited_and_ids_are_reused),
		ROW(test_fill_burst_warms_what_can_be_warmed),
		ROW(test_keys_of_one_home_share_the_set),
		ROW(test_evictions_never_mix_translations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

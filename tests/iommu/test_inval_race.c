/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An engine translates without pause while control maps, unmaps, binds and unbinds. What must
 * hold: after an unmap has returned, its translation is never given out again, and nobody uses an
 * hva from it. The memory says so itself: each page holds its number while it is mapped, and is
 * overwritten as soon as the unmap returns.
 */
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>

#include "inval_priv.h"
#include "iommu_fixture.h"

#define NB_PAGES 64u
#define ROUNDS 500u
#define WINDOW 16u /* iova pages the engine looks at */

struct race {
	struct fake_mem fm;
	struct siov_iommu *iommu;
	struct siov_atc *atc;
	struct siov_domain *dom;
	uint64_t *memory; /* NB_PAGES pages */
	SIOV_ATOMIC(uint32_t) stop;
	SIOV_ATOMIC(uint64_t) nb_rounds;
	SIOV_ATOMIC(uint64_t) nb_hits;
	SIOV_ATOMIC(uint64_t) nb_faults;
	SIOV_ATOMIC(uint64_t) nb_wrong; /* not asserted in the thread: CMocka asserts jump */
	bool goes_offline;
};

static uint64_t *
page_at(const struct race *r, uint64_t number)
{
	return r->memory + number * (PAGE / sizeof(uint64_t));
}

/* One round of an engine: a few lookups and uses, then a quiescent state. */
static void
engine_round(struct race *r, uint64_t round)
{
	struct siov_xlate x;
	uint32_t pasid;
	uint64_t iova;
	uint64_t *word;
	unsigned int i;
	int rc;

	for (i = 0; i < 8; i++) {
		pasid = 1 + (uint32_t)((round + i) % 3);
		iova = (round * 7 + i) % WINDOW * PAGE;
		rc = siov_atc_translate(r->atc, pasid, iova, SIOV_PERM_R, &x);
		siov_atomic_fetch_add(rc == 0 ? &r->nb_hits : &r->nb_faults, 1, relaxed);
		if (rc != 0)
			continue;
		word = x.hva;
		if (*word != (uint64_t)(word - r->memory) / (PAGE / sizeof(uint64_t)) + 1)
			siov_atomic_fetch_add(&r->nb_wrong, 1, relaxed);
	}
}

static void *
engine(void *arg)
{
	struct race *r = arg;
	uint64_t round = 0;

	siov_atc_online(r->atc);
	while (siov_atomic_load(&r->stop, relaxed) == 0) {
		engine_round(r, round++);
		siov_atomic_store(&r->nb_rounds, round, relaxed);
		siov_atc_quiescent(r->atc);
		if (!r->goes_offline || round % 16 != 0)
			continue;
		siov_atc_offline(r->atc);
		sched_yield();
		siov_atc_online(r->atc);
	}
	siov_atc_offline(r->atc);
	return NULL;
}

/* Let the engine look at every page of the window. */
static void
await_engine(struct race *r)
{
	uint64_t target = siov_atomic_load(&r->nb_rounds, relaxed) + 4;

	while (siov_atomic_load(&r->nb_rounds, relaxed) < target)
		sched_yield();
}

static void
control_round(struct race *r, unsigned int round)
{
	uint64_t page = round % NB_PAGES;
	uint64_t iova = round % WINDOW * PAGE;

	*page_at(r, page) = page + 1;
	assert_int_equal(siov_domain_map(r->dom, iova, page_at(r, page), PAGE, SIOV_PERM_R), 0);
	if (round % 32 == 0) {
		assert_int_equal(siov_pasid_unbind(r->iommu, 2), 0);
		assert_int_equal(siov_pasid_bind(r->iommu, 2, r->dom, 0), 0);
	}
	if (round % 4 == 0)
		await_engine(r);
	assert_int_equal(siov_domain_unmap(r->dom, iova, PAGE), 0);
	*page_at(r, page) = UINT64_MAX;
}

/* A cache of as many slices as this, so that a scan goes on between rounds of the engine. */
#define NB_SLICES 8u

static int
setup_with(void **state, unsigned int entries)
{
	const struct siov_domain_conf dc = {
		.kind = SIOV_DOMAIN_SECOND_STAGE,
		.max_page_shift = 21,
	};
	const struct siov_atc_conf ac = {.entries = entries, .socket_id = -1};
	struct race *r = calloc(1, sizeof(*r));
	struct siov_iommu_conf conf;
	uint32_t pasid;

	assert_non_null(r);
	fake_mem_init(&r->fm);
	siov_iommu_conf_init(&conf);
	conf.mem = &r->fm.mem;
	assert_int_equal(siov_iommu_create(&conf, &r->iommu), 0);
	assert_int_equal(siov_atc_create(r->iommu, &ac, &r->atc), 0);
	assert_int_equal(siov_domain_create(r->iommu, &dc, &r->dom), 0);
	for (pasid = 1; pasid <= 2; pasid++) {
		assert_int_equal(siov_pasid_alloc_at(r->iommu, pasid), 0);
		assert_int_equal(siov_pasid_bind(r->iommu, pasid, r->dom, 0), 0);
	}
	r->memory = siov_mem_alloc(&r->fm.mem, "memory", NB_PAGES * PAGE, PAGE, -1);
	assert_non_null(r->memory);
	assert_int_equal(siov_iommu_add_memory(r->iommu, r->memory, NB_PAGES * PAGE), 0);
	*state = r;
	return 0;
}

static int
race_setup(void **state)
{
	return setup_with(state, 256);
}

static int
race_setup_large(void **state)
{
	return setup_with(state, NB_SLICES * INVAL_SLICE_ENTRIES);
}

static int
race_teardown(void **state)
{
	struct race *r = *state;

	assert_int_equal(siov_atc_free(r->atc), 0);
	siov_iommu_free(r->iommu);
	siov_mem_free(&r->fm.mem, r->memory);
	assert_int_equal(r->fm.nb_live, 0);
	free(r);
	return 0;
}

static void
run(struct race *r)
{
	pthread_t thread;
	unsigned int i;

	assert_int_equal(pthread_create(&thread, NULL, engine, r), 0);
	for (i = 0; i < ROUNDS; i++)
		control_round(r, i);
	siov_atomic_store(&r->stop, 1, relaxed);
	pthread_join(thread, NULL);
	assert_int_equal(r->nb_wrong, 0);
	assert_int_not_equal(r->nb_hits, 0);
	assert_int_not_equal(r->nb_faults, 0);
}

static void
test_unmapped_page_is_never_used_again(void **state)
{
	run(*state);
}

static void
test_unmapped_page_is_never_used_again_from_a_large_cache(void **state)
{
	run(*state);
}

static void
test_unmapped_page_is_never_used_again_by_an_engine_that_sleeps(void **state)
{
	struct race *r = *state;

	r->goes_offline = true;
	run(r);
}

/* Pass-through: memory is taken away under a running engine. */
static void
test_removed_memory_is_never_used_again(void **state)
{
	const struct siov_domain_conf dc = {.kind = SIOV_DOMAIN_PASS_THROUGH};
	struct race *r = *state;
	struct siov_domain *pt = NULL;
	uint64_t *extra;
	pthread_t thread;
	unsigned int i;

	assert_int_equal(siov_domain_create(r->iommu, &dc, &pt), 0);
	assert_int_equal(siov_pasid_alloc_at(r->iommu, 3), 0);
	assert_int_equal(siov_pasid_bind(r->iommu, 3, pt, 0), 0);
	assert_int_equal(pthread_create(&thread, NULL, engine, r), 0);
	for (i = 0; i < ROUNDS / 8; i++) {
		extra = siov_mem_alloc(&r->fm.mem, "extra", 4 * PAGE, PAGE, -1);
		assert_non_null(extra);
		assert_int_equal(siov_iommu_add_memory(r->iommu, extra, 4 * PAGE), 0);
		await_engine(r);
		assert_int_equal(siov_iommu_remove_memory(r->iommu, extra, 4 * PAGE), 0);
		siov_mem_free(&r->fm.mem, extra);
		assert_int_equal(siov_iommu_synchronize(r->iommu), 0);
	}
	siov_atomic_store(&r->stop, 1, relaxed);
	pthread_join(thread, NULL);
	assert_int_equal(r->nb_wrong, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define ROW(name) cmocka_unit_test_setup_teardown(name, race_setup, race_teardown)
		ROW(test_unmapped_page_is_never_used_again),
		cmocka_unit_test_setup_teardown(
			test_unmapped_page_is_never_used_again_from_a_large_cache, race_setup_large,
			race_teardown),
		ROW(test_unmapped_page_is_never_used_again_by_an_engine_that_sleeps),
		ROW(test_removed_memory_is_never_used_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Large pages split and joined again: every address stays where it was, with its permissions; A and D
 * go along; what fails changes nothing; and nothing of the old size stays in a cache.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "iommu_fixture.h"
#include "iommu_priv.h"
#include "pte_priv.h"

#define PASID 3u
#define WINDOW (4 * GIB) /* addresses that dirty_pages() looks at */
#define AD (SIOV_VTD_SS_A | SIOV_VTD_SS_D)

static struct siov_domain *
log_domain(struct iommu_fixture *fx, unsigned int max_page_shift)
{
	const struct siov_domain_conf conf = {
		.kind = SIOV_DOMAIN_SECOND_STAGE,
		.max_page_shift = max_page_shift,
		.flags = SIOV_DOMAIN_F_AD,
	};
	struct siov_domain *dom = NULL;

	assert_int_equal(siov_domain_create(fx->iommu, &conf, &dom), 0);
	fixture_bind(fx, PASID, dom);
	return dom;
}

static void
map(struct siov_domain *dom, uint64_t iova, uint64_t offset, uint64_t len, unsigned int perm)
{
	assert_int_equal(siov_domain_map(dom, iova, hva_at(offset), len, perm), 0);
}

/* The word of the page at iova, as a walk of its own finds it. */
static table_word_t *
word_of(const struct siov_domain *dom, uint64_t iova, unsigned int *shift)
{
	table_word_t *table = dom->pt.root;
	uint64_t pte;

	for (*shift = 39;; *shift -= 9) {
		pte = siov_atomic_load(&table[iova >> *shift & 511], relaxed);
		assert_true(pte_is_present(pte));
		if (pte_is_leaf(pte, *shift))
			return &table[iova >> *shift & 511];
		table = pte_table(pte);
	}
}

static uint64_t
entry_of(const struct siov_domain *dom, uint64_t iova)
{
	unsigned int shift;

	return siov_atomic_load(word_of(dom, iova, &shift), relaxed);
}

static unsigned int
shift_of(const struct siov_domain *dom, uint64_t iova)
{
	unsigned int shift;

	word_of(dom, iova, &shift);
	return shift;
}

static void
expect_pages(const struct siov_domain *dom, uint64_t nb_4k, uint64_t nb_2m, uint64_t nb_1g)
{
	assert_int_equal(dom->nb_pages[0], nb_4k);
	assert_int_equal(dom->nb_pages[1], nb_2m);
	assert_int_equal(dom->nb_pages[2], nb_1g);
}

static uint64_t
table_pages(struct iommu_fixture *fx)
{
	struct siov_iommu_stats stats;

	siov_iommu_stats(fx->iommu, &stats);
	return stats.table_pages;
}

static void
touch(struct iommu_fixture *fx, uint64_t iova, unsigned int perm)
{
	struct siov_xlate x;

	assert_int_equal(fixture_translate(fx, PASID, iova, perm, &x), 0);
}

/* Number of dirty pages of the window; *first is the first of them. */
static int64_t
dirty_pages(struct siov_domain *dom, unsigned int flags, uint64_t *first)
{
	uint64_t nb_words = WINDOW / PAGE / 64;
	uint64_t *bitmap = calloc(nb_words, sizeof(*bitmap));
	int64_t nb;
	uint64_t i;

	assert_non_null(bitmap);
	nb = siov_domain_dirty(dom, 0, WINDOW, bitmap, flags);
	for (i = 0; nb > 0 && i < nb_words && bitmap[i] == 0; i++)
		;
	if (nb > 0)
		*first = (i * 64 + (uint64_t)__builtin_ctzll(bitmap[i])) * PAGE;
	free(bitmap);
	return nb;
}

/* Write one page: it and no other is dirty afterwards. */
static void
expect_grain_of_a_page(struct iommu_fixture *fx, struct siov_domain *dom, uint64_t iova)
{
	uint64_t first = 0;

	touch(fx, iova, SIOV_PERM_W);
	assert_int_equal(dirty_pages(dom, SIOV_DIRTY_CLEAR, &first), 1);
	assert_int_equal(first, iova);
}

/*
 * The page at iova is dirty; cleared, and written again, it is found again. The range is so small that
 * the harvest looks up what it cleared and empties nothing else from the cache.
 */
static void
expect_found_twice(struct iommu_fixture *fx, struct siov_domain *dom, uint64_t iova, uint64_t len)
{
	uint64_t map[8] = {0};
	unsigned int i;

	assert_true(len <= sizeof(map) * 8 * PAGE);
	for (i = 0; i < 2; i++) {
		assert_int_equal(
			siov_domain_dirty(dom, iova & ~(len - 1), len, map, SIOV_DIRTY_CLEAR),
			len / PAGE);
		touch(fx, iova, SIOV_PERM_W);
	}
}

/* One page of 1 GiB, one of 2 MiB, two of 4 KiB. */
#define MIXED_LEN (GIB + 2 * MIB + 2 * PAGE)

static void
test_pages_of_every_size_are_split_and_stay_where_they_are(void **state)
{
	struct iommu_fixture *fx = *state;
	struct siov_domain *dom = log_domain(fx, 30);
	struct siov_xlate x;
	uint64_t before;
	uint64_t iova;

	map(dom, GIB, 2 * GIB, MIXED_LEN, RW);
	expect_pages(dom, 2, 1, 1);
	before = table_pages(fx);
	assert_int_equal(siov_domain_split(dom, GIB, MIXED_LEN), 0);
	expect_pages(dom, MIXED_LEN / PAGE, 0, 0);
	assert_int_equal(table_pages(fx), before + 1 + 512 + 1);
	for (iova = GIB; iova < GIB + MIXED_LEN; iova += PAGE) {
		assert_int_equal(shift_of(dom, iova), 12);
		assert_int_equal(entry_of(dom, iova), (MEM_HVA + GIB + iova) | RW);
	}
	fixture_expect(fx, PASID, GIB + 12345, 2 * GIB + 12345);
	fixture_expect(fx, PASID, GIB + MIXED_LEN - 1, 2 * GIB + MIXED_LEN - 1);
	assert_int_equal(fixture_translate(fx, PASID, GIB, RW, &x), 0);
	assert_int_equal(x.len, PAGE);
	assert_int_equal(siov_domain_split(dom, GIB, MIXED_LEN), 0); /* nothing left to do */
	assert_int_equal(siov_domain_unmap(dom, GIB + PAGE, PAGE), 0);
	assert_int_equal(siov_domain_unmap(dom, GIB, PAGE), 0);
	assert_int_equal(siov_domain_unmap(dom, GIB + 2 * PAGE, MIXED_LEN - 2 * PAGE), 0);
	expect_pages(dom, 0, 0, 0);
	assert_int_equal(siov_iommu_remove_memory(fx->iommu, hva_at(0), MEM_LEN), 0);
}

static void
test_a_page_that_the_range_cuts_is_split_whole_and_no_other(void **state)
{
	struct iommu_fixture *fx = *state;
	struct siov_domain *dom = log_domain(fx, 21);

	map(dom, 0, 0, 8 * MIB, RW);
	assert_int_equal(siov_domain_split(dom, 4 * MIB - PAGE, 2 * PAGE), 0);
	expect_pages(dom, 1024, 2, 0);
	assert_int_equal(shift_of(dom, 0), 21);
	assert_int_equal(shift_of(dom, 2 * MIB), 12);
	assert_int_equal(shift_of(dom, 6 * MIB - PAGE), 12);
	assert_int_equal(shift_of(dom, 6 * MIB), 21);
}

static void
test_a_huge_page_that_the_range_cuts_is_split_whole(void **state)
{
	struct iommu_fixture *fx = *state;
	struct siov_domain *dom = log_domain(fx, 30);

	map(dom, 0, 0, 2 * GIB, RW);
	assert_int_equal(siov_domain_split(dom, GIB + 5 * PAGE, PAGE), 0);
	expect_pages(dom, GIB / PAGE, 0, 1);
	assert_int_equal(shift_of(dom, 2 * GIB - PAGE), 12);
	assert_int_equal(siov_domain_split(dom, 3 * GIB, GIB), 0); /* a hole */
	expect_pages(dom, GIB / PAGE, 0, 1);
}

static void
expect_bits(const struct siov_domain *dom, uint64_t start, uint64_t end, uint64_t bits)
{
	uint64_t iova;

	for (iova = start; iova < end; iova += PAGE)
		assert_int_equal(entry_of(dom, iova) & ~SIOV_VTD_ADDR_MASK, bits);
}

static void
test_split_carries_permissions_accessed_and_dirty(void **state)
{
	struct iommu_fixture *fx = *state;
	struct siov_domain *dom = log_domain(fx, 30);
	struct siov_xlate x;
	uint64_t first = 1;

	map(dom, 0, 0, 2 * MIB, SIOV_PERM_R);
	map(dom, 2 * MIB, 2 * MIB, 2 * MIB, SIOV_PERM_W);
	map(dom, 4 * MIB, 4 * MIB, 2 * MIB, RW);
	map(dom, GIB, GIB, GIB, RW);
	touch(fx, 2 * MIB, SIOV_PERM_W);
	touch(fx, 4 * MIB, SIOV_PERM_R);
	touch(fx, GIB + 7, SIOV_PERM_W);
	assert_int_equal(siov_domain_split(dom, 0, 2 * GIB), 0);
	expect_bits(dom, 0, 2 * MIB, SIOV_PERM_R);
	expect_bits(dom, 2 * MIB, 4 * MIB, SIOV_PERM_W | AD);
	expect_bits(dom, 4 * MIB, 6 * MIB, RW | SIOV_VTD_SS_A);
	expect_bits(dom, GIB, 2 * GIB, RW | AD);
	assert_int_equal(fixture_translate(fx, PASID, PAGE, SIOV_PERM_W, &x), SIOV_FAULT_NO_WRITE);
	assert_int_equal(fixture_translate(fx, PASID, 2 * MIB, SIOV_PERM_R, &x),
			 SIOV_FAULT_NO_READ);
	assert_int_equal(dirty_pages(dom, 0, &first), 512 + GIB / PAGE);
	assert_int_equal(first, 2 * MIB);
}

/* A cache that knows the large page as writable would write without setting D. */
static void
test_split_drops_large_translations_also_beside_the_range(void **state)
{
	struct iommu_fixture *fx = *state;
	struct siov_domain *dom = log_domain(fx, 30);

	map(dom, 0, 0, 2 * GIB, RW);
	touch(fx, 100 * MIB, SIOV_PERM_W);
	touch(fx, GIB - PAGE, SIOV_PERM_W);
	assert_int_equal(siov_domain_split(dom, 5 * PAGE, PAGE), 0);
	expect_found_twice(fx, dom, 100 * MIB, PAGE);
	expect_found_twice(fx, dom, GIB - PAGE, PAGE);
}

static void
test_split_and_join_check_their_arguments(void **state)
{
	static const uint64_t end = UINT64_C(1) << 48;
	const struct siov_domain_conf conf = {.kind = SIOV_DOMAIN_FIRST_STAGE,
					      .max_page_shift = 21};
	struct iommu_fixture *fx = *state;
	struct siov_domain *dom = log_domain(fx, 30);
	int (*const call[])(struct siov_domain *, uint64_t, uint64_t) = {siov_domain_split,
									 siov_domain_join};
	struct siov_domain *fs = NULL;
	unsigned int i;

	assert_int_equal(siov_domain_create(fx->iommu, &conf, &fs), 0);
	map(dom, 0, 0, 2 * MIB, RW);
	map(fs, 0, 0, 2 * MIB, RW);
	for (i = 0; i < RTE_DIM(call); i++) {
		assert_int_equal(call[i](NULL, 0, PAGE), -EINVAL);
		assert_int_equal(call[i](fs, 0, PAGE), -EINVAL);
		assert_int_equal(call[i](fixture_pass_through(fx), 0, PAGE), -EINVAL);
		assert_int_equal(call[i](dom, 0, 0), -EINVAL);
		assert_int_equal(call[i](dom, 1, PAGE), -EINVAL);
		assert_int_equal(call[i](dom, 0, PAGE + 1), -EINVAL);
		assert_int_equal(call[i](dom, end, PAGE), -ERANGE);
		assert_int_equal(call[i](dom, end - PAGE, 2 * PAGE), -ERANGE);
		expect_pages(dom, 0, 1, 0);
		expect_pages(fs, 0, 1, 0);
		assert_int_equal(call[i](dom, end - PAGE, PAGE), 0);
	}
}

/* More tables than a chunk of the pool has, so that it fails half-way too. */
static void
test_split_survives_each_failing_allocation(void **state)
{
	struct iommu_fixture *fx = *state;
	struct siov_domain *dom = log_domain(fx, 30);
	uint64_t before;
	uint64_t n;
	int rc;

	map(dom, 0, 0, GIB + 4 * MIB, RW);
	before = table_pages(fx);
	for (n = 1;; n++) {
		fake_mem_fail_at(&fx->fm, n);
		rc = siov_domain_split(dom, 0, GIB + 4 * MIB);
		if (rc == 0)
			break;
		assert_int_equal(rc, -ENOMEM);
		expect_pages(dom, 0, 2, 1);
		assert_int_equal(table_pages(fx), before);
		assert_int_equal(shift_of(dom, 0), 30);
		fixture_expect(fx, PASID, GIB + 3 * MIB, GIB + 3 * MIB);
	}
	assert_in_range(n, 3, 6);
	expect_pages(dom, (GIB + 4 * MIB) / PAGE, 0, 0);
	fake_mem_fail_at(&fx->fm, 1);
	assert_int_equal(siov_domain_join(dom, 0, GIB + 4 * MIB), 0); /* allocates nothing */
	expect_pages(dom, 0, 2, 1);
	assert_int_equal(table_pages(fx), before);
}

/* ---- join ---- */

static void
test_join_brings_back_what_was_split(void **state)
{
	struct iommu_fixture *fx = *state;
	struct siov_domain *dom = log_domain(fx, 30);
	uint64_t before;

	map(dom, GIB, 2 * GIB, MIXED_LEN, RW);
	before = table_pages(fx);
	assert_int_equal(siov_domain_split(dom, GIB, MIXED_LEN), 0);
	touch(fx, GIB + 77 * PAGE, SIOV_PERM_W);
	touch(fx, 2 * GIB + PAGE, SIOV_PERM_R);
	assert_int_equal(siov_domain_join(dom, GIB, MIXED_LEN), 0);
	expect_pages(dom, 2, 1, 1);
	assert_int_equal(table_pages(fx), before);
	assert_int_equal(entry_of(dom, GIB), (MEM_HVA + 2 * GIB) | RW | SIOV_VTD_SS_PS | AD);
	assert_int_equal(entry_of(dom, 2 * GIB),
			 (MEM_HVA + 3 * GIB) | RW | SIOV_VTD_SS_PS | SIOV_VTD_SS_A);
	fixture_expect(fx, PASID, GIB + 12345, 2 * GIB + 12345);
	assert_int_equal(siov_domain_unmap(dom, GIB, MIXED_LEN), 0);
	assert_int_equal(siov_iommu_remove_memory(fx->iommu, hva_at(0), MEM_LEN), 0);
}

/* A cache that knows a small page as writable would write without setting D. */
static void
test_join_drops_small_translations(void **state)
{
	struct iommu_fixture *fx = *state;
	struct siov_domain *dom = log_domain(fx, 21);

	map(dom, 0, 0, 2 * MIB, RW);
	assert_int_equal(siov_domain_split(dom, 0, PAGE), 0);
	touch(fx, 9 * PAGE, SIOV_PERM_W);
	assert_int_equal(siov_domain_join(dom, 0, PAGE), 0);
	assert_int_equal(shift_of(dom, 0), 21);
	expect_found_twice(fx, dom, 9 * PAGE, 2 * MIB);
}

/* Each of these tables of 4 KiB pages lacks something to be one page of 2 MiB. */
static void
test_join_leaves_what_is_not_uniform(void **state)
{
	struct iommu_fixture *fx = *state;
	struct siov_domain *dom = log_domain(fx, 30);

	map(dom, 0, 0, 2 * MIB - PAGE, RW); /* permission */
	map(dom, 2 * MIB - PAGE, 2 * MIB - PAGE, PAGE, SIOV_PERM_R);
	map(dom, 2 * MIB, 2 * MIB, 2 * MIB - PAGE, RW); /* a hole */
	map(dom, 4 * MIB, 4 * MIB, 2 * MIB - PAGE, RW); /* the last page is elsewhere */
	map(dom, 6 * MIB - PAGE, 8 * MIB, PAGE, RW);
	map(dom, 6 * MIB, 6 * MIB + PAGE, 2 * MIB, RW); /* aligned otherwise */
	assert_int_equal(siov_domain_join(dom, 0, WINDOW), 0);
	expect_pages(dom, 4 * 512 - 1, 0, 0);
	map(dom, 4 * MIB - PAGE, 4 * MIB - PAGE, PAGE, RW); /* the hole is filled */
	assert_int_equal(siov_domain_join(dom, 0, WINDOW), 0);
	expect_pages(dom, 3 * 512, 1, 0);
	assert_int_equal(siov_domain_unmap(dom, 2 * MIB, PAGE), -EINVAL);
}

static void
test_join_does_not_reach_over_two_ranges_of_memory(void **state)
{
	struct iommu_fixture *fx = *state;
	struct siov_domain *dom = log_domain(fx, 21);

	assert_int_equal(siov_iommu_add_memory(fx->iommu, hva_at(MEM_LEN), MIB), 0);
	assert_int_equal(siov_iommu_add_memory(fx->iommu, hva_at(MEM_LEN + MIB), MIB), 0);
	map(dom, 0, MEM_LEN, MIB, RW);
	map(dom, MIB, MEM_LEN + MIB, MIB, RW);
	assert_int_equal(siov_domain_join(dom, 0, 2 * MIB), 0);
	expect_pages(dom, 512, 0, 0);
}

static void
test_join_makes_no_page_larger_than_the_domain_allows(void **state)
{
	struct iommu_fixture *fx = *state;
	struct siov_domain *dom = log_domain(fx, 12);
	struct siov_domain *dom_2m = fixture_domain(fx, 21);

	map(dom, 0, 0, 4 * MIB, RW);
	assert_int_equal(siov_domain_join(dom, 0, 4 * MIB), 0);
	expect_pages(dom, 1024, 0, 0);
	map(dom_2m, 0, 0, GIB, RW);
	assert_int_equal(siov_domain_split(dom_2m, 0, GIB), 0);
	expect_pages(dom_2m, GIB / PAGE, 0, 0);
	assert_int_equal(siov_domain_join(dom_2m, 0, GIB), 0); /* more than one batch */
	expect_pages(dom_2m, 0, 512, 0);
}

static bool
always(void *arg, uint64_t hva, unsigned int shift)
{
	(void)arg;
	(void)hva;
	(void)shift;
	return true;
}

/* What a walk does that read the old entry before the join, and sets D after it. */
static void
test_dirty_bit_of_a_late_walk_is_carried_into_the_joined_page(void **state)
{
	struct ptable_join join = {.can_join = always, .shift = 21};
	struct iommu_fixture *fx = *state;
	struct siov_domain *dom = log_domain(fx, 21);
	struct pool_list emptied = {0};
	table_word_t *late;
	unsigned int shift;

	map(dom, 0, 0, 2 * MIB, RW);
	assert_int_equal(siov_domain_split(dom, 0, 2 * MIB), 0);
	late = word_of(dom, 511 * PAGE, &shift);
	assert_int_equal(ptable_join(&dom->pt, 0, 2 * MIB, &join), 2 * MIB);
	assert_int_equal(entry_of(dom, 0), MEM_HVA | RW | SIOV_VTD_SS_PS);
	assert_int_equal(siov_atomic_load(late, relaxed), (MEM_HVA + 511 * PAGE) | RW);
	siov_atomic_fetch_or(late, AD, relaxed);
	ptable_join_finish(&join, &emptied, dom->nb_pages);
	assert_int_equal(entry_of(dom, 0), MEM_HVA | RW | SIOV_VTD_SS_PS | AD);
	assert_int_equal(emptied.nb_pages, 1);
	pool_give(&fx->iommu->pool, &emptied);
	expect_pages(dom, 0, 1, 0);
}

static void
test_join_is_undone_when_an_engine_does_not_answer(void **state)
{
	struct iommu_fixture *fx = *state;
	struct siov_domain *dom = log_domain(fx, 21);
	struct siov_xlate x;
	uint64_t before;
	uint64_t first;

	map(dom, 0, 0, 4 * MIB, RW);
	assert_int_equal(siov_domain_split(dom, 0, 4 * MIB), 0);
	before = table_pages(fx);
	siov_atc_online(fx->atc);
	assert_int_equal(siov_atc_translate(fx->atc, PASID, 3 * PAGE, SIOV_PERM_W, &x), 0);
	assert_int_equal(siov_domain_join(dom, 0, 4 * MIB), -ETIMEDOUT);
	expect_pages(dom, 1024, 0, 0);
	assert_int_equal(shift_of(dom, 0), 12);
	assert_int_equal(shift_of(dom, 2 * MIB), 12);
	assert_int_equal(entry_of(dom, 2 * MIB), (MEM_HVA + 2 * MIB) | RW);
	assert_int_equal(table_pages(fx), before);
	siov_atc_offline(fx->atc);
	assert_int_equal(siov_iommu_synchronize(fx->iommu), 0);
	assert_int_equal(dirty_pages(dom, SIOV_DIRTY_CLEAR, &first), 512);
	expect_grain_of_a_page(fx, dom, 3 * PAGE);
	assert_int_equal(siov_domain_join(dom, 0, 4 * MIB), 0);
	expect_pages(dom, 0, 2, 0);
}

static void
test_split_is_done_also_when_an_engine_does_not_answer(void **state)
{
	struct iommu_fixture *fx = *state;
	struct siov_domain *dom = log_domain(fx, 21);
	struct siov_xlate x;
	uint64_t first;

	map(dom, 0, 0, 2 * MIB, RW);
	siov_atc_online(fx->atc);
	assert_int_equal(siov_atc_translate(fx->atc, PASID, 3 * PAGE, SIOV_PERM_W, &x), 0);
	assert_int_equal(siov_domain_split(dom, 0, PAGE), -ETIMEDOUT);
	expect_pages(dom, 512, 0, 0);
	siov_atc_offline(fx->atc);
	assert_int_equal(dirty_pages(dom, SIOV_DIRTY_CLEAR, &first), 512);
	expect_grain_of_a_page(fx, dom, 3 * PAGE);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(test_pages_of_every_size_are_split_and_stay_where_they_are),
		ROW(test_a_page_that_the_range_cuts_is_split_whole_and_no_other),
		ROW(test_a_huge_page_that_the_range_cuts_is_split_whole),
		ROW(test_split_carries_permissions_accessed_and_dirty),
		ROW(test_split_drops_large_translations_also_beside_the_range),
		ROW(test_split_and_join_check_their_arguments),
		ROW(test_split_survives_each_failing_allocation),
		ROW(test_join_brings_back_what_was_split),
		ROW(test_join_drops_small_translations),
		ROW(test_join_leaves_what_is_not_uniform),
		ROW(test_join_does_not_reach_over_two_ranges_of_memory),
		ROW(test_join_makes_no_page_larger_than_the_domain_allows),
		ROW(test_dirty_bit_of_a_late_walk_is_carried_into_the_joined_page),
		ROW(test_join_is_undone_when_an_engine_does_not_answer),
		ROW(test_split_is_done_also_when_an_engine_does_not_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The dirty log of a second stage: what was written is found, what was only read is not, and with
 * writes going on nothing is lost between two harvests. The last is proved as a migration would: what
 * the harvests name is copied, and in the end the copy is equal.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "guest_bed.h"

#define NB_PAGES (GUEST_LEN / PAGE)
#define NB_WORDS (NB_PAGES / 64)
#define PASID 9u
#define PASID_NESTED 10u

struct dirty_map {
	uint64_t word[NB_WORDS];
};

static bool
is_set(const struct dirty_map *map, uint64_t page)
{
	return (map->word[page / 64] & RTE_BIT64(page % 64)) != 0;
}

static int64_t
harvest(struct guest *guest, struct dirty_map *map, unsigned int flags)
{
	memset(map, 0, sizeof(*map));
	return siov_domain_dirty(guest->dom, 0, GUEST_LEN, map->word, flags);
}

static void
touch(struct guest_bed *bed, uint32_t pasid, uint64_t iova, unsigned int perm)
{
	struct siov_xlate x;

	assert_int_equal(guest_bed_translate(bed, pasid, iova, perm, &x), 0);
}

static void
expect_only(struct guest *guest, const uint64_t *pages, size_t nb, unsigned int flags)
{
	struct dirty_map map;
	size_t i;

	assert_int_equal(harvest(guest, &map, flags), nb);
	for (i = 0; i < nb; i++)
		assert_true(is_set(&map, pages[i]));
}

static void
test_every_written_page_is_found_and_no_other(void **state)
{
	static const uint64_t written[] = {0, 1, 63, 64, 511, 512, NB_PAGES - 1};
	struct guest_bed *bed = *state;
	struct guest *guest = guest_open(bed, SIOV_DOMAIN_F_AD, 12);
	uint64_t page;
	size_t i;

	guest_bed_bind(bed, PASID, guest->dom);
	expect_only(guest, NULL, 0, 0);
	for (page = 0; page < NB_PAGES; page += 3)
		touch(bed, PASID, page * PAGE, SIOV_PERM_R);
	expect_only(guest, NULL, 0, 0);
	for (i = 0; i < RTE_DIM(written); i++)
		touch(bed, PASID, written[i] * PAGE + 8, i % 2 == 0 ? SIOV_PERM_W : RW);
	expect_only(guest, written, RTE_DIM(written), 0);
	expect_only(guest, written, RTE_DIM(written), SIOV_DIRTY_CLEAR);
	expect_only(guest, NULL, 0, 0);
}

/* The cache knows the page as writable; after a harvest the next write must be seen all the same. */
static void
test_a_cached_page_is_found_again_after_each_harvest(void **state)
{
	struct guest_bed *bed = *state;
	struct guest *guest = guest_open(bed, SIOV_DOMAIN_F_AD, 12);
	const uint64_t page = 77;
	unsigned int i;

	guest_bed_bind(bed, PASID, guest->dom);
	for (i = 0; i < 5; i++) {
		touch(bed, PASID, page * PAGE, SIOV_PERM_R);
		expect_only(guest, NULL, 0, SIOV_DIRTY_CLEAR);
		touch(bed, PASID, page * PAGE, SIOV_PERM_W);
		touch(bed, PASID, page * PAGE, SIOV_PERM_W);
		expect_only(guest, &page, 1, SIOV_DIRTY_CLEAR);
	}
}

static void
test_a_large_page_is_dirty_as_a_whole(void **state)
{
	struct guest_bed *bed = *state;
	struct guest *guest = guest_open(bed, SIOV_DOMAIN_F_AD, 21);
	struct dirty_map map;
	uint64_t page;

	guest_bed_bind(bed, PASID, guest->dom);
	touch(bed, PASID, 5 * MIB, SIOV_PERM_W);
	assert_int_equal(harvest(guest, &map, 0), 512);
	for (page = 0; page < NB_PAGES; page++)
		assert_int_equal(is_set(&map, page), page / 512 == 2);
	memset(&map, 0, sizeof(map)); /* a part of it */
	assert_int_equal(siov_domain_dirty(guest->dom, 5 * MIB - PAGE, 3 * PAGE, map.word, 0), 3);
	assert_int_equal(map.word[0], 7);
}

static void
test_a_burst_and_a_refused_write_leave_no_trace(void **state)
{
	struct guest_bed *bed = *state;
	struct guest *guest = guest_open_unmapped(bed, SIOV_DOMAIN_F_AD, 12);
	const uint32_t pasid[2] = {PASID, PASID};
	const uint64_t iova[2] = {0, PAGE};
	struct siov_xlate x;

	guest_bed_bind(bed, PASID, guest->dom);
	assert_int_equal(siov_domain_map(guest->dom, 0, guest->memory, PAGE, RW), 0);
	assert_int_equal(siov_domain_map(guest->dom, PAGE, guest->memory + PAGE, PAGE, SIOV_PERM_R),
			 0);
	siov_atc_online(bed->atc);
	siov_atc_fill_burst(bed->atc, pasid, iova, 2);
	siov_atc_offline(bed->atc);
	assert_int_equal(guest_bed_translate(bed, PASID, PAGE, SIOV_PERM_W, &x),
			 SIOV_FAULT_NO_WRITE);
	assert_int_equal(guest_bed_translate(bed, PASID, PAGE, RW, &x), SIOV_FAULT_NO_WRITE);
	expect_only(guest, NULL, 0, 0);
}

/* The walk itself writes to the guest's memory when it sets A or D in the guest's tables. */
static void
test_s7_2_7_tables_of_a_guest_are_dirty_when_the_walk_writes_them(void **state)
{
	struct guest_bed *bed = *state;
	struct guest *guest = guest_open(bed, SIOV_DOMAIN_F_AD, 12);
	uint64_t root = guest_table(guest);
	struct dirty_map map;
	uint64_t page;

	guest_map(guest, root, 5 * PAGE, 9 * PAGE | GUEST_RW);
	guest_bed_bind(bed, PASID_NESTED, guest_nested(bed, guest, root, 0));
	touch(bed, PASID_NESTED, 5 * PAGE, SIOV_PERM_R);
	assert_int_equal(harvest(guest, &map, SIOV_DIRTY_CLEAR), 4);
	for (page = root / PAGE; page < guest->next_table / PAGE; page++)
		assert_true(is_set(&map, page));
	touch(bed, PASID_NESTED, 5 * PAGE, SIOV_PERM_R);
	assert_int_equal(harvest(guest, &map, SIOV_DIRTY_CLEAR), 0);
	touch(bed, PASID_NESTED, 5 * PAGE, SIOV_PERM_W);
	assert_int_equal(harvest(guest, &map, SIOV_DIRTY_CLEAR), 2);
	assert_true(is_set(&map, 9));
	assert_true(is_set(&map, guest->next_table / PAGE - 1));
	touch(bed, PASID_NESTED, 5 * PAGE, SIOV_PERM_W); /* D of the guest's entry is set already */
	assert_int_equal(harvest(guest, &map, 0), 1);
	assert_true(is_set(&map, 9));
}

static void
test_dirty_checks_its_arguments(void **state)
{
	struct guest_bed *bed = *state;
	struct guest *with = guest_open(bed, SIOV_DOMAIN_F_AD, 12);
	struct guest *without = guest_open(bed, 0, 12);
	struct dirty_map map;

	assert_int_equal(harvest(without, &map, 0), -EINVAL);
	assert_int_equal(harvest(with, &map, 2), -EINVAL);
	assert_int_equal(siov_domain_dirty(with->dom, 0, PAGE, NULL, 0), -EINVAL);
	assert_int_equal(siov_domain_dirty(with->dom, 0, 0, map.word, 0), -EINVAL);
	assert_int_equal(siov_domain_dirty(with->dom, 1, PAGE, map.word, 0), -EINVAL);
	assert_int_equal(siov_domain_dirty(NULL, 0, PAGE, map.word, 0), -EINVAL);
	assert_int_equal(siov_domain_dirty(with->dom, RTE_BIT64(48), PAGE, map.word, 0), -ERANGE);
}

/* ---- writes during harvests ---- */

#define NB_HARVESTS 100u
#define LOG_PAGES 512u /* of data that the engine writes */

struct log_race {
	struct guest_bed *bed;
	struct guest *guest;
	uint64_t *copy; /* first word of each page, as the harvests found it */
	uint32_t pasid;
	SIOV_ATOMIC(uint32_t) stop;
	SIOV_ATOMIC(uint64_t) nb_writes;
	SIOV_ATOMIC(uint64_t) nb_wrong; /* CMocka's asserts jump: not in a thread */
};

static SIOV_ATOMIC(uint64_t) *
first_word(const struct log_race *r, uint64_t page)
{
	return guest_word(r->guest, page * PAGE);
}

/* An engine: each write is a number never seen before. */
static void *
write_pages(void *arg)
{
	struct log_race *r = arg;
	struct siov_xlate x;
	uint64_t random = 12345;
	uint64_t nb = 0;

	siov_atc_online(r->bed->atc);
	while (siov_atomic_load(&r->stop, relaxed) == 0) {
		random = random * UINT64_C(6364136223846793005) + 1442695040888963407u;
		if (siov_atc_translate(r->bed->atc, r->pasid, (random >> 33) % LOG_PAGES * PAGE,
				       SIOV_PERM_W, &x) != 0)
			siov_atomic_fetch_add(&r->nb_wrong, 1, relaxed);
		else
			siov_atomic_store((SIOV_ATOMIC(uint64_t) *)x.hva, ++nb, relaxed);
		siov_atomic_store(&r->nb_writes, nb, relaxed);
		if (nb % 8 == 0)
			siov_atc_quiescent(r->bed->atc);
	}
	siov_atc_offline(r->bed->atc);
	return NULL;
}

/* Copy what is dirty. */
static int64_t
copy_dirty(struct log_race *r)
{
	struct dirty_map map;
	int64_t nb = harvest(r->guest, &map, SIOV_DIRTY_CLEAR);
	uint64_t page;

	assert_in_range(nb, 0, NB_PAGES);
	for (page = 0; page < LOG_PAGES; page++)
		if (is_set(&map, page))
			r->copy[page] = siov_atomic_load(first_word(r, page), relaxed);
	return nb;
}

/* Until the engine has got on; a refused write, which the test finds, may keep it from that. */
static void
await_writes(const struct log_race *r, uint64_t nb)
{
	uint64_t target = siov_atomic_load(&r->nb_writes, relaxed) + nb;

	while (siov_atomic_load(&r->nb_writes, relaxed) < target &&
	       siov_atomic_load(&r->nb_wrong, relaxed) == 0)
		sched_yield();
}

static void
race_harvests(struct log_race *r)
{
	int64_t nb_found = 0;
	pthread_t engine;
	uint64_t page;
	unsigned int i;

	r->copy = calloc(LOG_PAGES, sizeof(uint64_t));
	assert_non_null(r->copy);
	assert_int_equal(pthread_create(&engine, NULL, write_pages, r), 0);
	for (i = 0; i < NB_HARVESTS; i++) {
		await_writes(r, 1 + i % 64);
		nb_found += copy_dirty(r);
	}
	siov_atomic_store(&r->stop, 1, relaxed);
	pthread_join(engine, NULL);
	nb_found += copy_dirty(r);
	assert_int_equal(r->nb_wrong, 0);
	assert_in_range(nb_found, NB_HARVESTS, INT64_MAX);
	for (page = 0; page < LOG_PAGES; page++)
		assert_int_equal(r->copy[page], siov_atomic_load(first_word(r, page), relaxed));
	free(r->copy);
}

static void
test_no_page_is_lost_between_harvests_under_writes(void **state)
{
	struct log_race r = {.bed = *state, .pasid = PASID};

	r.guest = guest_open(r.bed, SIOV_DOMAIN_F_AD, 12);
	guest_bed_bind(r.bed, r.pasid, r.guest->dom);
	race_harvests(&r);
}

static void
test_no_large_page_is_lost_between_harvests_under_writes(void **state)
{
	struct log_race r = {.bed = *state, .pasid = PASID};

	r.guest = guest_open(r.bed, SIOV_DOMAIN_F_AD, 21);
	guest_bed_bind(r.bed, r.pasid, r.guest->dom);
	race_harvests(&r);
}

static void
test_no_page_is_lost_under_nested_writes(void **state)
{
	struct log_race r = {.bed = *state, .pasid = PASID_NESTED};
	uint64_t root;
	uint64_t page;

	r.guest = guest_open(r.bed, SIOV_DOMAIN_F_AD, 12);
	root = guest_table(r.guest);
	for (page = 0; page < LOG_PAGES; page++)
		guest_map(r.guest, root, page * PAGE, page * PAGE | GUEST_RW);
	guest_bed_bind(r.bed, PASID, r.guest->dom);
	guest_bed_bind(r.bed, r.pasid, guest_nested(r.bed, r.guest, root, 0));
	race_harvests(&r);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, guest_bed_setup, guest_bed_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(test_every_written_page_is_found_and_no_other),
		ROW(test_a_cached_page_is_found_again_after_each_harvest),
		ROW(test_a_large_page_is_dirty_as_a_whole),
		ROW(test_a_burst_and_a_refused_write_leave_no_trace),
		ROW(test_s7_2_7_tables_of_a_guest_are_dirty_when_the_walk_writes_them),
		ROW(test_dirty_checks_its_arguments),
		ROW(test_no_page_is_lost_between_harvests_under_writes),
		ROW(test_no_large_page_is_lost_between_harvests_under_writes),
		ROW(test_no_page_is_lost_under_nested_writes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

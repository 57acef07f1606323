/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Engines translate and write without pause while control splits pages, joins them, and harvests
 * dirty bits. What must hold: no address is ever not present, and each page written after a harvest
 * is found by the next. The last is proved as a migration would: what the harvests name is copied,
 * and in the end the copy is equal.
 */
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "guest_bed.h"

#define NB_ROUNDS 150u
#define NB_ENGINES 2u
#define DATA_PAGES 1024u /* of data, each engine writes its half of each page */
#define PASID 9u
#define PASID_NESTED 10u
#define HALF (PAGE / 2)

struct race {
	struct guest_bed *bed;
	struct guest *guest;
	struct siov_atc *atc[NB_ENGINES];
	uint64_t *copy[NB_ENGINES]; /* a word of each page, as the harvests found it */
	uint32_t pasid;
	SIOV_ATOMIC(uint32_t) next;
	SIOV_ATOMIC(uint32_t) stop;
	SIOV_ATOMIC(uint64_t) nb_writes[NB_ENGINES];
	SIOV_ATOMIC(uint64_t) nb_wrong; /* CMocka's asserts jump: not in a thread */
};

/* Write a number never seen before into a page that is as good as random. */
static void
write_page(struct race *r, uint32_t me, uint64_t *random, uint64_t nb)
{
	struct siov_xlate x;
	uint64_t page;

	*random = *random * UINT64_C(6364136223846793005) + 1442695040888963407u;
	page = (*random >> 33) % DATA_PAGES;
	if (siov_atc_translate(r->atc[me], r->pasid, page * PAGE + me * HALF, SIOV_PERM_W, &x) != 0)
		siov_atomic_fetch_add(&r->nb_wrong, 1, relaxed);
	else if ((uint8_t *)x.hva != r->guest->memory + page * PAGE + me * HALF)
		siov_atomic_fetch_add(&r->nb_wrong, 1, relaxed);
	else
		siov_atomic_store((SIOV_ATOMIC(uint64_t) *)x.hva, nb, relaxed);
}

static void *
engine(void *arg)
{
	struct race *r = arg;
	uint32_t me = siov_atomic_fetch_add(&r->next, 1, relaxed);
	uint64_t random = 12345 + me;
	uint64_t nb = 0;

	siov_atc_online(r->atc[me]);
	while (siov_atomic_load(&r->stop, relaxed) == 0) {
		write_page(r, me, &random, ++nb);
		siov_atomic_store(&r->nb_writes[me], nb, relaxed);
		if (nb % 8 != 0)
			continue;
		siov_atc_quiescent(r->atc[me]);
		if (nb % 4096 == 0)
			sched_yield();
	}
	siov_atc_offline(r->atc[me]);
	return NULL;
}

static uint64_t
word_at(const struct race *r, uint32_t me, uint64_t page)
{
	return siov_atomic_load(guest_word(r->guest, page * PAGE + me * HALF), relaxed);
}

/* Copy what is dirty. */
static int64_t
copy_dirty(struct race *r)
{
	uint64_t map[DATA_PAGES / 64] = {0};
	int64_t nb = siov_domain_dirty(r->guest->dom, 0, DATA_PAGES * PAGE, map, SIOV_DIRTY_CLEAR);
	uint64_t page;
	uint32_t i;

	assert_in_range(nb, 0, DATA_PAGES);
	for (page = 0; page < DATA_PAGES; page++)
		for (i = 0; i < NB_ENGINES; i++)
			if ((map[page / 64] & RTE_BIT64(page % 64)) != 0)
				r->copy[i][page] = word_at(r, i, page);
	return nb;
}

/* Until each engine has got on by a few writes; one that is refused, the test finds. */
static void
await_writes(const struct race *r, uint64_t nb)
{
	uint64_t target;
	uint32_t i;

	for (i = 0; i < NB_ENGINES; i++) {
		target = siov_atomic_load(&r->nb_writes[i], relaxed) + nb;
		while (siov_atomic_load(&r->nb_writes[i], relaxed) < target &&
		       siov_atomic_load(&r->nb_wrong, relaxed) == 0)
			sched_yield();
	}
}

/* Dirty bits are clear when the sizes change, so that engines set them just then. */
static int64_t
control_round(struct race *r, unsigned int round)
{
	uint64_t len = DATA_PAGES * PAGE;
	int64_t nb = copy_dirty(r);

	assert_int_equal(siov_domain_split(r->guest->dom, 0, len), 0);
	await_writes(r, round % 4);
	nb += copy_dirty(r);
	if (round % 2 == 0) /* else what split left dirty is still in the tables */
		nb += copy_dirty(r);
	await_writes(r, round % 3);
	assert_int_equal(siov_domain_join(r->guest->dom, 0, len), 0);
	await_writes(r, round % 8);
	return nb;
}

static void
open_race(struct race *r)
{
	const struct siov_atc_conf conf = {.entries = 64, .socket_id = -1};
	unsigned int i;

	r->guest = guest_open(r->bed, SIOV_DOMAIN_F_AD, 21);
	r->atc[0] = r->bed->atc;
	assert_int_equal(siov_atc_create(r->bed->iommu, &conf, &r->atc[1]), 0);
	for (i = 0; i < NB_ENGINES; i++) {
		r->copy[i] = calloc(DATA_PAGES, sizeof(uint64_t));
		assert_non_null(r->copy[i]);
	}
}

static void
close_race(struct race *r)
{
	uint64_t page;
	uint32_t i;

	assert_int_equal(r->nb_wrong, 0);
	for (i = 0; i < NB_ENGINES; i++) {
		for (page = 0; page < DATA_PAGES; page++)
			assert_int_equal(r->copy[i][page], word_at(r, i, page));
		free(r->copy[i]);
	}
	assert_int_equal(siov_atc_free(r->atc[1]), 0);
}

static void
run(struct race *r)
{
	pthread_t threads[NB_ENGINES];
	int64_t nb_found = 0;
	unsigned int i;

	for (i = 0; i < NB_ENGINES; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, engine, r), 0);
	for (i = 0; i < NB_ROUNDS; i++)
		nb_found += control_round(r, i);
	siov_atomic_store(&r->stop, 1, relaxed);
	for (i = 0; i < NB_ENGINES; i++)
		pthread_join(threads[i], NULL);
	nb_found += copy_dirty(r);
	assert_in_range(nb_found, NB_ROUNDS, INT64_MAX);
}

static void
test_no_write_is_lost_and_no_page_missing_while_sizes_change(void **state)
{
	struct race r = {.bed = *state, .pasid = PASID};

	open_race(&r);
	guest_bed_bind(r.bed, r.pasid, r.guest->dom);
	run(&r);
	close_race(&r);
}

static void
test_no_write_is_lost_while_sizes_change_under_nested_tables(void **state)
{
	struct race r = {.bed = *state, .pasid = PASID_NESTED};
	uint64_t root;
	uint64_t page;

	open_race(&r);
	root = guest_table(r.guest);
	for (page = 0; page < DATA_PAGES; page++)
		guest_map(r.guest, root, page * PAGE, page * PAGE | GUEST_RW);
	guest_bed_bind(r.bed, PASID, r.guest->dom);
	guest_bed_bind(r.bed, r.pasid, guest_nested(r.bed, r.guest, root, 0));
	run(&r);
	close_race(&r);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, guest_bed_setup, guest_bed_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(test_no_write_is_lost_and_no_page_missing_while_sizes_change),
		ROW(test_no_write_is_lost_while_sizes_change_under_nested_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

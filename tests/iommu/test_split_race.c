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
#include "iommu_priv.h"
#include "pte_priv.h"

#define NB_ROUNDS 25u
#define NB_ENGINES 2u
#define DATA_PAGES 1024u /* of data, each engine writes its half of each page */
#define PASID 9u
#define PASID_NESTED 10u
#define HALF (PAGE / 2)
#define PIECE 64u /* pages of a small harvest */

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

/* Copy what is dirty in [start, end), pages. */
static int64_t
copy_range(struct race *r, uint64_t start, uint64_t end)
{
	uint64_t map[DATA_PAGES / 64] = {0};
	int64_t nb = siov_domain_dirty(r->guest->dom, start * PAGE, (end - start) * PAGE, map,
				       SIOV_DIRTY_CLEAR);
	uint64_t page;
	uint32_t i;

	assert_in_range(nb, 0, end - start);
	for (page = start; page < end; page++)
		for (i = 0; i < NB_ENGINES; i++)
			if ((map[(page - start) / 64] & RTE_BIT64((page - start) % 64)) != 0)
				r->copy[i][page] = word_at(r, i, page);
	return nb;
}

static int64_t
copy_dirty(struct race *r)
{
	return copy_range(r, 0, DATA_PAGES);
}

/* So few at a time that a harvest looks up what it cleared and empties nothing else of a cache. */
static int64_t
copy_dirty_by_piece(struct race *r)
{
	int64_t nb = 0;
	uint64_t page;

	for (page = 0; page < DATA_PAGES; page += PIECE)
		nb += copy_range(r, page, page + PIECE);
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
	nb += copy_dirty_by_piece(r);
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

/*
 * The instant of the split itself. An engine does nothing but what a walk does that found the large
 * page clean: it sets D by compare-and-swap. Each time that it succeeded the parts must be dirty.
 * And whenever it looks there is a page or a table.
 */
#define NB_SPLITS 10000u
#define MAX_DELAY 4096u /* looks at the word, some 1 ns each */

struct instant {
	table_word_t *word; /* of the large page */
	SIOV_ATOMIC(uint32_t) stop;
	SIOV_ATOMIC(uint64_t) nb_set;
	SIOV_ATOMIC(uint64_t) nb_absent; /* looks that found nothing there */
};

static void *
set_dirty(void *arg)
{
	struct instant *t = arg;
	uint64_t nb_absent = 0;
	uint64_t delay = 0;
	uint64_t pte;
	uint64_t i;

	while (siov_atomic_load(&t->stop, relaxed) == 0) {
		pte = siov_atomic_load(t->word, acquire);
		if ((pte & SIOV_VTD_SS_PS) == 0 || (pte & SIOV_VTD_SS_D) != 0)
			continue;
		/* Each time a little later, until it meets the split. */
		delay = (delay + 7) % MAX_DELAY;
		for (i = 0; i < delay; i++)
			nb_absent += !pte_is_present(siov_atomic_load(t->word, relaxed));
		if (siov_atomic_cas(t->word, &pte, pte | SIOV_VTD_SS_D, acq_rel, acquire))
			siov_atomic_fetch_add(&t->nb_set, UINT64_C(1), relaxed);
	}
	siov_atomic_store(&t->nb_absent, nb_absent, relaxed);
	return NULL;
}

/* Word of the large page at address 0. */
static table_word_t *
first_word(const struct siov_domain *dom)
{
	return pte_table(pte_read(pte_table(pte_read(dom->pt.root, 0)), 0));
}

/* All of the page is dirty, or nothing is: 1 or 0. */
static unsigned int
take_dirty(struct siov_domain *dom)
{
	uint64_t map[512 / 64] = {0};
	int64_t nb = siov_domain_dirty(dom, 0, 2 * MIB, map, SIOV_DIRTY_CLEAR);

	assert_true(nb == 0 || nb == 512);
	return nb != 0;
}

static void
test_dirty_bit_set_at_the_instant_of_a_split_is_not_lost(void **state)
{
	struct guest_bed *bed = *state;
	struct guest *guest = guest_open(bed, SIOV_DOMAIN_F_AD, 21);
	struct instant t = {.word = first_word(guest->dom)};
	uint64_t nb_found = 0;
	pthread_t thread;
	unsigned int i;

	assert_int_equal(pthread_create(&thread, NULL, set_dirty, &t), 0);
	for (i = 0; i < NB_SPLITS; i++) {
		if (i % 64 == 0) /* else the thread may not have run at all */
			sched_yield();
		assert_int_equal(siov_domain_split(guest->dom, 0, 2 * MIB), 0);
		nb_found += take_dirty(guest->dom);
		assert_int_equal(siov_domain_join(guest->dom, 0, 2 * MIB), 0);
	}
	siov_atomic_store(&t.stop, 1, relaxed);
	pthread_join(thread, NULL);
	nb_found += take_dirty(guest->dom);
	assert_int_equal(nb_found, t.nb_set);
	assert_int_equal(t.nb_absent, 0);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, guest_bed_setup, guest_bed_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(test_dirty_bit_set_at_the_instant_of_a_split_is_not_lost),
		ROW(test_no_write_is_lost_and_no_page_missing_while_sizes_change),
		ROW(test_no_write_is_lost_while_sizes_change_under_nested_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

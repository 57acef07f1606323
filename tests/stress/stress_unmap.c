/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * After a page was taken away, not one byte of it changes. Two engines write through translations
 * without pause; control takes a page away (unmap, unbind, or a guest's table and its invalidation),
 * keeps a copy, and compares once each engine has done more rounds, and again before the page comes
 * back elsewhere. Now and then an engine sleeps between translation and store, as one that is
 * preempted there. Control reads with plain loads: ThreadSanitizer sees a store that is not ordered.
 */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "fake_mem.h"
#include "siov_atc.h"
#include "siov_iommu.h"
#include "siov_qi.h"

#define NB_ENGINES 2u
#define NB_PASIDS 2u
#define WINDOW 3u /* pages of an address space */
#define SLOTS (WINDOW + 1) /* of memory: one is mapped nowhere */
#define CASE_MS 80u
#define ROUNDS_MIN 10u
#define ROUNDS_MAX 5000u
#define SIZE_2M (UINT64_C(1) << 21)
#define RW (SIOV_PERM_R | SIOV_PERM_W)
#define GUEST_RW UINT64_C(7)
#define GUEST_PS UINT64_C(0x80)

typedef SIOV_ATOMIC(uint64_t) word_t;

enum how { BY_UNMAP, BY_UNBIND, BY_GUEST };

/* One address space: what is mapped where. */
struct space {
	struct siov_domain *dom;
	uint8_t *memory; /* SLOTS pages */
	uint8_t *slot[WINDOW]; /* mapped at page n */
	uint8_t *spare; /* mapped nowhere */
	uint8_t *copy; /* of the spare since it was taken away */
	word_t *leaf; /* guest's table, entry of page 0 */
};

struct stress;

struct engine {
	struct stress *s;
	struct siov_atc *atc;
	uint64_t random;
	word_t nb_rounds;
	word_t nb_stores;
	word_t nb_faults;
};

struct stress {
	enum how how;
	unsigned int shift;
	uint64_t size; /* of a page */
	unsigned int nb_spaces; /* 1: the PASIDs share it */
	struct fake_mem fm;
	struct siov_iommu *iommu;
	struct siov_qi *qi;
	uint8_t *memory; /* of all spaces, then 2 MiB of tables and the status of waits */
	uint64_t slots_len;
	uint64_t next_table; /* guest-physical: offset in memory */
	uint32_t status;
	struct siov_domain *parent;
	struct space space[NB_PASIDS];
	struct engine engine[NB_ENGINES];
	SIOV_ATOMIC(uint32_t) stop;
};

/* ---- engines ---- */

static uint64_t
next_random(struct engine *e)
{
	e->random = e->random * UINT64_C(6364136223846793005) + 1442695040888963407;
	return e->random >> 20;
}

static void
store_once(struct engine *e, uint64_t value)
{
	uint64_t r = next_random(e);
	uint64_t iova = r % WINDOW * e->s->size + (r >> 8) % (e->s->size / 8) * 8;
	struct siov_xlate x;

	if (siov_atc_translate(e->atc, 1 + (r >> 40) % NB_PASIDS, iova, SIOV_PERM_W, &x) != 0) {
		siov_atomic_fetch_add(&e->nb_faults, 1, relaxed);
		return;
	}
	if ((r >> 3) % 32 == 0)
		sched_yield();
	siov_atomic_store((word_t *)x.hva, value, relaxed);
	siov_atomic_fetch_add(&e->nb_stores, 1, relaxed);
}

static void *
engine_main(void *arg)
{
	struct engine *e = arg;
	uint64_t value = 1;
	uint64_t round;
	unsigned int i;

	siov_atc_online(e->atc);
	for (round = 1; siov_atomic_load(&e->s->stop, relaxed) == 0; round++) {
		for (i = 0; i < 16; i++)
			store_once(e, value++);
		siov_atc_quiescent(e->atc);
		siov_atomic_store(&e->nb_rounds, round, relaxed);
		if (round % 128 != 0)
			continue;
		siov_atc_offline(e->atc);
		sched_yield();
		siov_atc_online(e->atc);
	}
	siov_atc_offline(e->atc);
	return NULL;
}

/* Two rounds of each engine: the one that it is in, and one from begin to end. */
static void
await_engines(struct stress *s)
{
	uint64_t target;
	unsigned int i;

	for (i = 0; i < NB_ENGINES; i++) {
		target = siov_atomic_load(&s->engine[i].nb_rounds, relaxed) + 2;
		while (siov_atomic_load(&s->engine[i].nb_rounds, relaxed) < target)
			sched_yield();
	}
}

/* ---- control ---- */

static uint32_t
first_pasid(const struct stress *s, unsigned int n)
{
	return s->nb_spaces == 1 ? 1 : n + 1;
}

static uint32_t
last_pasid(const struct stress *s, unsigned int n)
{
	return s->nb_spaces == 1 ? NB_PASIDS : n + 1;
}

static void
unbind(struct stress *s, unsigned int n)
{
	uint32_t pasid;

	for (pasid = first_pasid(s, n); pasid <= last_pasid(s, n); pasid++)
		assert_int_equal(siov_pasid_unbind(s->iommu, pasid), 0);
}

static void
bind(struct stress *s, unsigned int n)
{
	uint32_t pasid;

	for (pasid = first_pasid(s, n); pasid <= last_pasid(s, n); pasid++)
		assert_int_equal(siov_pasid_bind(s->iommu, pasid, s->space[n].dom, 0), 0);
}

/* As a guest does it: clear the entry, invalidate it for its PASIDs, wait for the status. */
static void
clear_in_guest(struct stress *s, unsigned int n, unsigned int page)
{
	SIOV_ATOMIC(uint32_t) *status = (void *)(s->memory + s->slots_len);
	struct siov_qi_desc desc = {.q1 = page * s->size | (s->shift - 12)};
	struct siov_qi_desc wait = {.q1 = (uintptr_t)status};
	uint32_t pasid;

	siov_atomic_store(&s->space[n].leaf[page], 0, release);
	for (pasid = first_pasid(s, n); pasid <= last_pasid(s, n); pasid++) {
		desc.q0 = SIOV_QI_PASID_IOTLB | SIOV_QI_G_PAGE << SIOV_QI_G_SHIFT |
			  (uint64_t)pasid << SIOV_QI_PASID_SHIFT;
		assert_int_equal(siov_qi_submit(s->qi, &desc, 1), 0);
	}
	wait.q0 =
		SIOV_QI_WAIT | SIOV_QI_WAIT_SW | (uint64_t)++s->status << SIOV_QI_WAIT_STATUS_SHIFT;
	assert_int_equal(siov_qi_submit(s->qi, &wait, 1), 0);
	assert_true(siov_qi_process(s->qi) > 0);
	assert_int_equal(siov_atomic_load(status, acquire), s->status);
}

static void
take_away(struct stress *s, unsigned int n, unsigned int page)
{
	switch (s->how) {
	case BY_UNMAP:
		assert_int_equal(siov_domain_unmap(s->space[n].dom, page * s->size, s->size), 0);
		break;
	case BY_UNBIND:
		unbind(s, n);
		break;
	case BY_GUEST:
		clear_in_guest(s, n, page);
		break;
	}
}

static void
map_in_guest(struct stress *s, struct space *space, unsigned int page, const uint8_t *to)
{
	uint64_t pte = (uint64_t)(to - s->memory) | GUEST_RW | (s->shift == 21 ? GUEST_PS : 0);

	siov_atomic_store(&space->leaf[page], pte, release);
}

static void
map_at(struct stress *s, unsigned int n, unsigned int page, uint8_t *to)
{
	struct space *space = &s->space[n];

	space->slot[page] = to;
	if (s->how == BY_GUEST)
		map_in_guest(s, space, page, to);
	else
		assert_int_equal(siov_domain_map(space->dom, page * s->size, to, s->size, RW), 0);
}

static void
give_back(struct stress *s, unsigned int n, unsigned int page, uint8_t *to)
{
	if (s->how == BY_UNBIND)
		assert_int_equal(siov_domain_unmap(s->space[n].dom, page * s->size, s->size), 0);
	map_at(s, n, page, to);
	if (s->how == BY_UNBIND)
		bind(s, n);
}

/* Take a page away, look at it for a while, and map the spare in its place. */
static bool
control_round(struct stress *s, unsigned int n, unsigned int page)
{
	struct space *space = &s->space[n];
	uint8_t *taken = space->slot[page];
	uint8_t *other = space->spare;
	bool is_same;

	take_away(s, n, page);
	is_same = memcmp(space->copy, other, s->size) == 0; /* all the time since its own round */
	memcpy(space->copy, taken, s->size);
	await_engines(s);
	is_same = is_same && memcmp(space->copy, taken, s->size) == 0;
	space->spare = taken;
	give_back(s, n, page, other);
	await_engines(s);
	return is_same;
}

/* ---- setup ---- */

static word_t *
guest_word(const struct stress *s, uint64_t gpa, unsigned int index)
{
	return (word_t *)(void *)(s->memory + gpa) + index;
}

static uint64_t
new_table(struct stress *s)
{
	s->next_table += 4096;
	return s->next_table;
}

/* Guest's tables down to the one with the leaves of [0, WINDOW pages). */
static void
open_nested(struct stress *s, struct space *space)
{
	struct siov_domain_conf conf = {.kind = SIOV_DOMAIN_NESTED, .parent = s->parent};
	uint64_t table = new_table(s);
	unsigned int shift;
	uint64_t next;

	conf.fs_root = table;
	for (shift = 39; shift > s->shift; shift -= 9) {
		next = new_table(s);
		siov_atomic_store(guest_word(s, table, 0), next | GUEST_RW, release);
		table = next;
	}
	space->leaf = guest_word(s, table, 0);
	assert_int_equal(siov_domain_create(s->iommu, &conf, &space->dom), 0);
}

static void
open_space(struct stress *s, unsigned int n)
{
	const struct siov_domain_conf conf = {
		.kind = SIOV_DOMAIN_SECOND_STAGE,
		.max_page_shift = s->shift,
	};
	struct space *space = &s->space[n];
	unsigned int page;

	space->memory = s->memory + n * SLOTS * s->size;
	space->copy = calloc(1, s->size);
	assert_non_null(space->copy);
	if (s->how == BY_GUEST)
		open_nested(s, space);
	else
		assert_int_equal(siov_domain_create(s->iommu, &conf, &space->dom), 0);
	for (page = 0; page < WINDOW; page++)
		map_at(s, n, page, space->memory + page * s->size);
	space->spare = space->memory + WINDOW * s->size;
	bind(s, n);
}

static void
open_memory(struct stress *s)
{
	const struct siov_domain_conf conf = {
		.kind = SIOV_DOMAIN_SECOND_STAGE,
		.max_page_shift = s->shift,
	};
	uint64_t len;

	s->slots_len = RTE_ALIGN(s->nb_spaces * SLOTS * s->size, SIZE_2M);
	s->next_table = s->slots_len;
	len = s->slots_len + SIZE_2M;
	s->memory = siov_mem_alloc(&s->fm.mem, "memory", len, SIZE_2M, -1);
	assert_non_null(s->memory);
	assert_int_equal(siov_iommu_add_memory(s->iommu, s->memory, len), 0);
	assert_int_equal(siov_domain_create(s->iommu, &conf, &s->parent), 0);
	assert_int_equal(siov_domain_map(s->parent, 0, s->memory, len, RW), 0);
}

static void
open_stress(struct stress *s)
{
	const struct siov_atc_conf atc_conf = {.entries = 64, .socket_id = -1};
	const struct siov_qi_conf qi_conf = {.entries = 16};
	struct siov_iommu_conf conf;
	unsigned int i;

	s->size = UINT64_C(1) << s->shift;
	fake_mem_init(&s->fm);
	siov_iommu_conf_init(&conf);
	conf.mem = &s->fm.mem;
	assert_int_equal(siov_iommu_create(&conf, &s->iommu), 0);
	assert_int_equal(siov_qi_create(s->iommu, &qi_conf, &s->qi), 0);
	open_memory(s);
	for (i = 1; i <= NB_PASIDS; i++)
		assert_int_equal(siov_pasid_alloc_at(s->iommu, i), 0);
	for (i = 0; i < s->nb_spaces; i++)
		open_space(s, i);
	for (i = 0; i < NB_ENGINES; i++) {
		s->engine[i].s = s;
		s->engine[i].random = i + 1;
		assert_int_equal(siov_atc_create(s->iommu, &atc_conf, &s->engine[i].atc), 0);
	}
}

static void
close_stress(struct stress *s)
{
	unsigned int i;

	for (i = 0; i < NB_ENGINES; i++)
		assert_int_equal(siov_atc_free(s->engine[i].atc), 0);
	for (i = 0; i < s->nb_spaces; i++)
		free(s->space[i].copy);
	siov_qi_free(s->qi);
	siov_iommu_free(s->iommu);
	siov_mem_free(&s->fm.mem, s->memory);
	assert_int_equal(s->fm.nb_live, 0);
}

static uint64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static unsigned int
control(struct stress *s)
{
	uint64_t end = now_ms() + CASE_MS;
	unsigned int nb_changed = 0;
	unsigned int round;

	for (round = 0; round < ROUNDS_MAX; round++) {
		if (round >= ROUNDS_MIN && now_ms() >= end)
			break;
		if (!control_round(s, round % s->nb_spaces, round / 2 % WINDOW))
			nb_changed++;
	}
	return nb_changed;
}

static void
run(enum how how, unsigned int shift, unsigned int nb_spaces)
{
	struct stress *s = calloc(1, sizeof(*s));
	pthread_t threads[NB_ENGINES];
	unsigned int nb_changed;
	unsigned int i;

	assert_non_null(s);
	s->how = how;
	s->shift = shift;
	s->nb_spaces = nb_spaces;
	open_stress(s);
	for (i = 0; i < NB_ENGINES; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, engine_main, &s->engine[i]), 0);
	nb_changed = control(s);
	siov_atomic_store(&s->stop, 1, relaxed);
	for (i = 0; i < NB_ENGINES; i++) {
		pthread_join(threads[i], NULL);
		assert_int_not_equal(s->engine[i].nb_stores, 0);
		assert_int_not_equal(s->engine[i].nb_faults, 0);
	}
	assert_int_equal(nb_changed, 0);
	close_stress(s);
	free(s);
}

static void
run_all(enum how how)
{
	unsigned int nb_spaces;

	for (nb_spaces = 1; nb_spaces <= NB_PASIDS; nb_spaces++) {
		run(how, 12, nb_spaces);
		run(how, 21, nb_spaces);
	}
}

static void
test_s8_1_1_unmapped_page_is_never_written(void **state)
{
	RTE_SET_USED(state);
	run_all(BY_UNMAP);
}

static void
test_s8_1_1_page_of_unbound_pasid_is_never_written(void **state)
{
	RTE_SET_USED(state);
	run_all(BY_UNBIND);
}

static void
test_s8_1_1_page_taken_by_its_guest_is_never_written(void **state)
{
	RTE_SET_USED(state);
	run_all(BY_GUEST);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_s8_1_1_unmapped_page_is_never_written),
		cmocka_unit_test(test_s8_1_1_page_of_unbound_pasid_is_never_written),
		cmocka_unit_test(test_s8_1_1_page_taken_by_its_guest_is_never_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

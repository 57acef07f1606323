/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A guest scribbles over its first-stage tables while they are walked. Whatever it writes, its
 * translations end in its own memory, where the second stage allows the access; it sets no bit in
 * memory that it may not write; and its neighbour notices nothing.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "guest_bed.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define NB_ROUNDS 200000u
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define NB_ROUNDS 200000u
#endif
#endif
#ifndef NB_ROUNDS
#define NB_ROUNDS 1000000u
#endif

/* The hostile guest's memory: tables and data it may write, pages it may only read, nothing. */
#define WRITABLE_END (8 * MIB)
#define READABLE_END (12 * MIB)
#define NB_TABLES 16u /* at GPA 0 */
#define NB_INDEXES 16u /* of each table are used */
#define DECOY (10 * MIB) /* GPA of tables in the part that can only be read */
#define NEIGHBOUR_PAGES 64u
#define PASID_HOSTILE 5u
#define PASID_NEIGHBOUR 6u

struct hostile {
	struct guest_bed *bed;
	struct guest *guest;
	struct guest *neighbour;
	uint64_t neighbour_root;
	SIOV_ATOMIC(uint32_t) stop;
	SIOV_ATOMIC(uint64_t) nb_writes;
	SIOV_ATOMIC(uint64_t) nb_lost; /* writes of the guest that something undid */
	uint64_t nb_found;
	uint64_t nb_faults;
	uint64_t random; /* of the walking thread */
};

static uint64_t
next_random(uint64_t *random)
{
	*random ^= *random << 13;
	*random ^= *random >> 7;
	*random ^= *random << 17;
	return *random >> 3;
}

/* Mostly entries that lead on: to our tables, to the decoys, to data; also anything at all. */
static uint64_t
hostile_entry(uint64_t *random)
{
	uint64_t bits = GUEST_RW | (next_random(random) & (GUEST_A | GUEST_D | 0x80));
	uint64_t what = next_random(random) % 16;

	if (what == 0)
		return next_random(random) * 9;
	if (what == 1)
		return 0;
	if (what == 2)
		return bits | (DECOY + next_random(random) % 4 * PAGE);
	if (what < 6)
		return bits | (next_random(random) % GUEST_LEN & ~(2 * MIB - 1));
	if (what < 8)
		return bits | (next_random(random) % GUEST_LEN & ~(PAGE - 1));
	return (bits & ~UINT64_C(0x80)) | next_random(random) % NB_TABLES * PAGE;
}

/* Write a word, which is what was written there before, but for bits that a walk may set. */
static void
write_word(struct hostile *h, uint64_t gpa, uint64_t *last, uint64_t value)
{
	uint64_t now = siov_atomic_load(guest_word(h->guest, gpa), relaxed);

	if ((now & ~(GUEST_A | GUEST_D)) != (*last & ~(GUEST_A | GUEST_D)) || (*last & ~now) != 0)
		siov_atomic_fetch_add(&h->nb_lost, 1, relaxed);
	siov_atomic_store(guest_word(h->guest, gpa), value, relaxed);
	*last = value;
}

static void *
scribble(void *arg)
{
	uint64_t last[NB_TABLES][NB_INDEXES] = {{0}};
	uint64_t random = UINT64_C(0x853c49e6748fea9b);
	struct hostile *h = arg;
	uint64_t nb = 0;
	uint64_t table;
	uint64_t index;

	while (siov_atomic_load(&h->stop, relaxed) == 0) {
		table = next_random(&random) % NB_TABLES;
		index = next_random(&random) % NB_INDEXES;
		write_word(h, table * PAGE + index * 8, &last[table][index],
			   hostile_entry(&random));
		siov_atomic_store(&h->nb_writes, ++nb, relaxed);
	}
	return NULL;
}

/* Four small indexes and a byte. */
static uint64_t
hostile_iova(struct hostile *h)
{
	uint64_t iova = next_random(&h->random) % PAGE;
	unsigned int shift;

	for (shift = 12; shift <= 39; shift += 9)
		iova |= next_random(&h->random) % NB_INDEXES << shift;
	return iova;
}

static void
check_hostile(struct hostile *h)
{
	unsigned int perm = 1 + (unsigned int)(next_random(&h->random) % 3);
	uint64_t end = (perm & SIOV_PERM_W) != 0 ? WRITABLE_END : READABLE_END;
	struct siov_xlate x = {0};
	uint64_t offset;
	int rc;

	rc = siov_atc_translate(h->bed->atc, PASID_HOSTILE, hostile_iova(h), perm, &x);
	if (rc != 0) {
		assert_null(x.hva);
		assert_in_range(rc, SIOV_FAULT_FS_NOT_PRESENT, SIOV_FAULT_FS_AD_FAILED);
		h->nb_faults++;
		return;
	}
	offset = (uint64_t)((uint8_t *)x.hva - h->guest->memory);
	assert_in_range(offset, 0, end - 1);
	assert_in_range(x.len, 1, end - offset);
	h->nb_found++;
}

static void
warm_hostile(struct hostile *h)
{
	uint32_t pasid[8];
	uint64_t iova[8];
	unsigned int i;

	for (i = 0; i < RTE_DIM(pasid); i++) {
		pasid[i] = PASID_HOSTILE;
		iova[i] = hostile_iova(h);
	}
	siov_atc_fill_burst(h->bed->atc, pasid, iova, RTE_DIM(pasid));
}

static uint64_t
neighbour_gpa(uint64_t page)
{
	return (page * 37 + 11) % 512 * PAGE;
}

static void
check_neighbour(struct hostile *h)
{
	uint64_t page = next_random(&h->random) % NEIGHBOUR_PAGES;
	struct siov_xlate x = {0};

	assert_int_equal(siov_atc_translate(h->bed->atc, PASID_NEIGHBOUR, page * PAGE + 5, RW, &x),
			 0);
	assert_ptr_equal(x.hva, h->neighbour->memory + neighbour_gpa(page) + 5);
	assert_int_equal(x.len, PAGE - 5);
}

static void
open_hostile(struct hostile *h, unsigned int flags)
{
	struct guest *g = guest_open_unmapped(h->bed, flags, 21);
	unsigned int i;

	assert_int_equal(siov_domain_map(g->dom, 0, g->memory, WRITABLE_END, RW), 0);
	assert_int_equal(siov_domain_map(g->dom, WRITABLE_END, g->memory + WRITABLE_END,
					 READABLE_END - WRITABLE_END, SIOV_PERM_R),
			 0);
	for (i = 0; i < 4 * 512; i++)
		siov_atomic_store(guest_word(g, DECOY + i * 8), GUEST_RW | (i % 2048 * PAGE),
				  relaxed);
	h->guest = g;
	guest_bed_bind(h->bed, PASID_HOSTILE, guest_nested(h->bed, g, 0, SIOV_DOMAIN_F_WPE));
}

static void
open_neighbour(struct hostile *h, unsigned int flags)
{
	uint64_t page;

	h->neighbour = guest_open(h->bed, flags, 21);
	h->neighbour_root = guest_table(h->neighbour);
	for (page = 0; page < NEIGHBOUR_PAGES; page++)
		guest_map(h->neighbour, h->neighbour_root, page * PAGE,
			  neighbour_gpa(page) | GUEST_RW);
	guest_bed_bind(h->bed, PASID_NEIGHBOUR,
		       guest_nested(h->bed, h->neighbour, h->neighbour_root, 0));
}

static bool
is_zero(const uint8_t *start, uint64_t len)
{
	return start[0] == 0 && memcmp(start, start + 1, len - 1) == 0;
}

/* No bit was set outside the tables: not in data, not in what can only be read. */
static void
check_memory(const struct hostile *h)
{
	const uint8_t *memory = h->guest->memory;
	uint64_t tables_end = NB_TABLES * PAGE;
	unsigned int i;

	assert_true(is_zero(memory + tables_end, DECOY - tables_end));
	assert_true(is_zero(memory + DECOY + 4 * PAGE, GUEST_LEN - DECOY - 4 * PAGE));
	for (i = 0; i < 4 * 512; i++)
		assert_int_equal(siov_atomic_load(guest_word(h->guest, DECOY + i * 8), relaxed),
				 GUEST_RW | (i % 2048 * PAGE));
	assert_true(is_zero(h->neighbour->memory, GUEST_TABLES));
}

static void
run_hostile(void **state, unsigned int flags)
{
	struct hostile h = {.bed = *state, .random = UINT64_C(0xda3e39cb94b95bdb)};
	pthread_t scribbler;
	unsigned int i;

	open_hostile(&h, flags);
	open_neighbour(&h, flags);
	assert_int_equal(pthread_create(&scribbler, NULL, scribble, &h), 0);
	while (siov_atomic_load(&h.nb_writes, relaxed) < 1000)
		sched_yield();
	siov_atc_online(h.bed->atc);
	for (i = 0; i < NB_ROUNDS; i++) {
		check_hostile(&h);
		if (i % 16 == 0)
			warm_hostile(&h);
		if (i % 4 == 0)
			check_neighbour(&h);
		siov_atc_quiescent(h.bed->atc);
	}
	siov_atc_offline(h.bed->atc);
	siov_atomic_store(&h.stop, 1, relaxed);
	pthread_join(scribbler, NULL);
	check_memory(&h);
	assert_int_equal(siov_atomic_load(&h.nb_lost, relaxed), 0);
	print_message("%lu found, %lu faults, %lu words written\n", (unsigned long)h.nb_found,
		      (unsigned long)h.nb_faults,
		      (unsigned long)siov_atomic_load(&h.nb_writes, relaxed));
	assert_in_range(h.nb_found, NB_ROUNDS / 100, NB_ROUNDS);
	assert_in_range(h.nb_faults, NB_ROUNDS / 100, NB_ROUNDS);
}

static void
test_s8_1_2_tables_scribbled_over_meanwhile_harm_nobody(void **state)
{
	run_hostile(state, 0);
}

static void
test_s8_1_2_the_same_with_second_stage_accessed_and_dirty_bits(void **state)
{
	run_hostile(state, SIOV_DOMAIN_F_AD);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_s8_1_2_tables_scribbled_over_meanwhile_harm_nobody, guest_bed_setup,
			guest_bed_teardown),
		cmocka_unit_test_setup_teardown(
			test_s8_1_2_the_same_with_second_stage_accessed_and_dirty_bits,
			guest_bed_setup, guest_bed_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

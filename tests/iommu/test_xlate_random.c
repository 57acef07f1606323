/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The library's walks against the reference translator: random address spaces of all kinds, right
 * and wrong tables, random requests, cold and warm. Reason, address, length, and each accessed and
 * dirty bit must be what the reference says; at the end of each phase the tables are compared as a
 * whole, so a bit too many is found as well as one too few.
 *
 * Environment: SIOV_XLATE_SEED first seed, SIOV_XLATE_WORLDS number of worlds, SIOV_XLATE_BATCHES
 * batches of lookups in each phase of a world.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "xlate_world.h"

#define BATCH 32u
#define PHASES 4u
#define NB_RECENT 256u

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SLOW true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define IS_SLOW true
#endif
#endif
#ifndef IS_SLOW
#define IS_SLOW false
#endif

struct counts {
	uint64_t nb_lookups;
	uint64_t nb_reason[256];
	uint64_t nb_touches;
	uint64_t nb_2m;
};

struct run {
	struct world *w;
	struct counts *counts;
	struct ref_request recent[NB_RECENT];
	uint64_t nb_recent;
	uint64_t ss_bits[WORLD_GUESTS]; /* A and D that should be set in the second stages */
};

static uint64_t
env_number(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text != NULL ? strtoull(text, NULL, 0) : otherwise;
}

/* ---- requests ---- */

static uint64_t
random_iova(struct world *w, const struct world_space *space)
{
	const struct world_probe *probe = &space->probe[world_below(w, space->nb_probes)];
	uint64_t size = RTE_BIT64(probe->shift);

	if (world_chance(w, 2))
		return world_random(w);
	if (world_chance(w, 2))
		return probe->iova ^ RTE_BIT64(40 + world_below(w, 24));
	if (world_chance(w, 70))
		return probe->iova + world_below(w, PAGE);
	return probe->iova + world_below(w, size);
}

/* Another PASID; also one so large that it would run into the address, and find its neighbour's. */
static void
spoil_pasid(struct world *w, struct ref_request *req)
{
	unsigned int bit = 20 + (unsigned int)world_below(w, 12);

	switch (world_below(w, 3)) {
	case 0:
		req->pasid = 1 + (uint32_t)world_below(w, 4096);
		break;
	case 1:
		req->pasid = (uint32_t)world_random(w);
		break;
	default:
		req->pasid += UINT32_C(1) << bit;
		req->iova -= RTE_BIT64(bit - SIOV_ATC_TAG_IOVA_SHIFT);
		break;
	}
}

static struct ref_request
random_request(struct run *run)
{
	struct world *w = run->w;
	const struct world_space *space = &w->space[world_below(w, w->nb_spaces)];
	struct ref_request req = {.pasid = space->pasid};

	if (run->nb_recent > NB_RECENT && world_chance(w, 40)) {
		req = run->recent[world_below(w, NB_RECENT)];
		req.iova ^= world_chance(w, 50) ? 0 : world_below(w, PAGE);
	} else {
		req.iova = random_iova(w, space);
		if (world_chance(w, 2))
			spoil_pasid(w, &req);
		run->recent[run->nb_recent++ % NB_RECENT] = req;
	}
	req.perm = 1 + (unsigned int)world_below(w, 3);
	if (world_chance(w, 25))
		req.perm <<= SIOV_PERM_PRIV_SHIFT;
	return req;
}

/* ---- comparison ---- */

static void
say_request(const struct run *run, const struct ref_request *req)
{
	const struct world *w = run->w;
	unsigned int i;

	print_message("seed %" PRIu64 " lookup %" PRIu64 ": pasid %" PRIu32 " iova 0x%" PRIx64
		      " perm %u",
		      w->seed, run->counts->nb_lookups, req->pasid, req->iova, req->perm);
	for (i = 0; i < w->nb_spaces; i++)
		if (w->space[i].pasid == req->pasid)
			print_message(" kind %d levels %u", w->space[i].kind, w->space[i].levels);
	print_message("\n");
}

static void
say_result(const char *who, int reason, uint64_t hva, uint64_t len)
{
	print_message("%s: reason 0x%x hva 0x%" PRIx64 " len 0x%" PRIx64 "\n", who, reason, hva,
		      len);
}

/* Bytes from iova to the end of its granule, which is never larger than 2 MiB. */
static uint64_t
expected_len(const struct ref_request *req, const struct ref_result *ref)
{
	uint64_t size = RTE_BIT64(RTE_MIN(ref->shift, 21u));

	return size - (req->iova & (size - 1));
}

static void
compare(const struct run *run, const struct ref_request *req, const struct ref_result *ref, int rc,
	const struct siov_xlate *x)
{
	uint64_t hva = (uintptr_t)x->hva;

	if (rc == ref->reason && hva == ref->hva && (rc != 0 || x->len == expected_len(req, ref)))
		return;
	say_request(run, req);
	say_result("reference", ref->reason, ref->hva, expected_len(req, ref));
	say_result("library", rc, hva, x->len);
	fail_msg("the library's walk differs from the reference");
}

/* One word is as foretold; what should be set at the end is noted. */
static void
take_touch(struct run *run, const struct ref_touch *touch)
{
	struct world_guest *guest = world_guest_of(run->w, touch->word);
	unsigned int i;

	if (guest != NULL)
		guest->shadow[touch->word - (uint64_t *)(uintptr_t)guest->block] |= touch->bits;
	for (i = 0; i < WORLD_GUESTS; i++)
		if (touch->ss_root == world_ss_root(&run->w->guest[i]))
			run->ss_bits[i] += (uint64_t)__builtin_popcountll(touch->bits);
	run->counts->nb_touches++;
}

static void
take_touches(struct run *run, const struct ref_request *req, const struct ref_result *ref)
{
	const struct ref_touch *touch;

	assert_in_range(ref->nb_touches, 0, REF_TOUCHES_MAX);
	for (touch = ref->touch; touch < &ref->touch[ref->nb_touches]; touch++) {
		if ((*touch->word & touch->bits) != touch->bits) {
			say_request(run, req);
			fail_msg("bits 0x%" PRIx64 " are not set: entry 0x%" PRIx64
				 ", second stage 0x%" PRIx64,
				 touch->bits, *touch->word, touch->ss_root);
		}
		take_touch(run, touch);
	}
}

static void
count_lookup(struct counts *counts, const struct ref_result *ref, int rc)
{
	counts->nb_lookups++;
	counts->nb_reason[ref->reason & 0xff]++;
	counts->nb_2m += rc == 0 && ref->shift >= 21;
}

static void
lookup(struct run *run, const struct ref_request *req)
{
	static struct ref_result ref;
	struct siov_xlate x = {0};
	int rc;

	ref.nb_touches = 0;
	ref_translate(&run->w->ref, req, &ref);
	rc = siov_atc_translate(run->w->atc, req->pasid, req->iova, req->perm, &x);
	compare(run, req, &ref, rc, &x);
	take_touches(run, req, &ref);
	count_lookup(run->counts, &ref, rc);
}

/* A burst asks for no permission, and walks only what a cache entry can hold. */
static void
warm(struct run *run, const struct ref_request *reqs)
{
	static struct ref_result ref;
	unsigned int n = 1 + (unsigned int)world_below(run->w, BATCH);
	struct ref_request req;
	uint32_t pasid[BATCH];
	uint64_t iova[BATCH];
	unsigned int i;

	ref.nb_touches = 0;
	for (i = 0; i < n; i++) {
		req = reqs[i];
		req.perm = 0;
		if (!siov_atc_is_beyond(req.pasid, req.iova))
			ref_translate(&run->w->ref, &req, &ref);
		pasid[i] = req.pasid;
		iova[i] = req.iova;
	}
	siov_atc_fill_burst(run->w->atc, pasid, iova, n);
	take_touches(run, &reqs[0], &ref);
}

static void
batch(struct run *run)
{
	struct ref_request reqs[BATCH];
	unsigned int i;

	for (i = 0; i < BATCH; i++)
		reqs[i] = random_request(run);
	if (world_chance(run->w, 50))
		warm(run, reqs);
	for (i = 0; i < BATCH; i++)
		lookup(run, &reqs[i]);
	siov_atc_quiescent(run->w->atc);
}

/* ---- phases ---- */

static void
begin_phase(struct run *run)
{
	unsigned int i;

	for (i = 0; i < WORLD_GUESTS; i++)
		run->ss_bits[i] = world_count_bits(&run->w->guest[i]);
	run->nb_recent = 0;
}

/* Nothing was written but what the reference has foretold. */
static void
end_phase(const struct run *run)
{
	const struct world_guest *guest;
	unsigned int i;

	for (i = 0; i < WORLD_GUESTS; i++) {
		guest = &run->w->guest[i];
		if (memcmp(guest->shadow, (void *)(uintptr_t)guest->block, WORLD_TABLES_BYTES) ==
			    0 &&
		    run->ss_bits[i] == world_count_bits(guest))
			continue;
		fail_msg("seed %" PRIu64 ": tables of guest %u are not as foretold; accessed and "
			 "dirty bits of its second stage: %" PRIu64 ", foretold %" PRIu64,
			 run->w->seed, i, world_count_bits(guest), run->ss_bits[i]);
	}
}

static void
run_world(struct counts *counts, uint64_t seed, uint64_t nb_batches)
{
	static struct run run;
	unsigned int phase;
	uint64_t i;

	run = (struct run){.w = world_open(seed), .counts = counts};
	for (phase = 0; phase < PHASES; phase++) {
		if (phase > 0)
			world_change(run.w);
		begin_phase(&run);
		for (i = 0; i < nb_batches; i++)
			batch(&run);
		end_phase(&run);
	}
	world_close(run.w);
}

static void
print_counts(const struct counts *counts)
{
	unsigned int i;

	print_message("%" PRIu64 " lookups, %" PRIu64 " with a large page, %" PRIu64
		      " entries touched; by reason:",
		      counts->nb_lookups, counts->nb_2m, counts->nb_touches);
	for (i = 0; i < RTE_DIM(counts->nb_reason); i++)
		if (counts->nb_reason[i] != 0)
			print_message(" %02x: %" PRIu64, i, counts->nb_reason[i]);
	print_message("\n");
}

/* All that can be asked was asked. */
static void
check_coverage(const struct counts *counts)
{
	static const uint8_t reasons[] = {
		0,
		SIOV_FAULT_PASID_TOO_LARGE,
		SIOV_FAULT_PASID_DIR_NOT_PRESENT,
		SIOV_FAULT_PASID_NOT_PRESENT,
		SIOV_FAULT_NO_SUPERVISOR,
		SIOV_FAULT_FS_NOT_PRESENT,
		SIOV_FAULT_FS_RESERVED,
		SIOV_FAULT_FS_ENTRY_ACCESS,
		SIOV_FAULT_FS_AD_ACCESS,
		SIOV_FAULT_SS_NOT_PRESENT,
		SIOV_FAULT_SS_RESERVED,
		SIOV_FAULT_NOT_CANONICAL,
		SIOV_FAULT_NO_USER,
		SIOV_FAULT_DMA_LIMIT,
		SIOV_FAULT_SS_BEYOND_AW,
		SIOV_FAULT_NO_WRITE,
		SIOV_FAULT_NO_READ,
	};
	size_t i;

	for (i = 0; i < RTE_DIM(reasons); i++)
		assert_in_range(counts->nb_reason[reasons[i]], 1, UINT64_MAX);
	assert_in_range(counts->nb_2m, 1, UINT64_MAX);
	assert_in_range(counts->nb_touches, 1, UINT64_MAX);
}

static void
test_s8_1_2_every_kind_of_walk_is_that_of_the_reference(void **state)
{
	uint64_t seed = env_number("SIOV_XLATE_SEED", 1);
	uint64_t nb_worlds = env_number("SIOV_XLATE_WORLDS", IS_SLOW ? 40 : 150);
	uint64_t nb_batches = env_number("SIOV_XLATE_BATCHES", IS_SLOW ? 150 : 400);
	struct counts *counts = calloc(1, sizeof(*counts));
	uint64_t i;

	RTE_SET_USED(state);
	assert_non_null(counts);
	for (i = 0; i < nb_worlds; i++)
		run_world(counts, seed + i, nb_batches);
	print_message("seeds %" PRIu64 " to %" PRIu64 ": ", seed, seed + nb_worlds - 1);
	print_counts(counts);
	if (nb_worlds >= 12 && nb_batches >= 150)
		check_coverage(counts);
	free(counts);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_s8_1_2_every_kind_of_walk_is_that_of_the_reference),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What do the kinds of address space cost against each other?
 *
 * hit: the cache holds all keys, in random order. Peer: the same keys in a second-stage domain.
 * miss_warm: a cache far too small for the keys; each lookup waits for the one before. Nested pages
 * of 4 KiB over 4 KiB: a full walk is 26 loads (PASID directory and entry, four first-stage tables
 * each found by four loads of the second stage, four more for the page). Limit: a pointer chase of
 * 26 loads over as much memory. The walk remembers where table pages are, so it needs fewer.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_malloc.h>

#include "bench.h"
#include "siov_atc.h"
#include "siov_gmem.h"

#define PAGE 4096u
#define LAP 1024u
#define NESTED_LOADS 26u
#define SECOND_STAGE_LOADS 6u

enum path { HIT, MISS };

struct args {
	enum path path;
	enum siov_domain_kind kind;
	uint32_t nb_pasids;
	uint32_t nb_pages; /* per PASID, all of one address space */
};

struct key {
	uint64_t iova;
	uint32_t pasid;
	uint32_t page;
};

/* An address space with PASIDs, and a cache that looks at it. */
struct bed {
	struct siov_dev *dev;
	struct siov_gmem *gmem;
	struct siov_atc *atc;
	struct key *keys;
	uint32_t nb_keys; /* whole laps */
	uint32_t nb_bound;
};

static uint32_t
next_random(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(*state >> 33);
}

/* Every (PASID, page), in random order; repeated up to a whole lap. */
static bool
make_keys(struct bed *bed, const struct args *args)
{
	uint32_t distinct = args->nb_pasids * args->nb_pages, i;
	uint64_t state = 42;

	bed->nb_keys = RTE_ALIGN_CEIL(distinct, LAP);
	bed->keys = calloc(bed->nb_keys, sizeof(bed->keys[0]));
	if (bed->keys == NULL)
		return false;
	for (i = 0; i < bed->nb_keys; i++) {
		bed->keys[i].pasid = 1 + i % distinct / args->nb_pages;
		bed->keys[i].page = i % distinct % args->nb_pages;
		bed->keys[i].iova = siov_gmem_iova(bed->gmem) + (uint64_t)bed->keys[i].page * PAGE;
	}
	for (i = bed->nb_keys; i > 1; i--) {
		uint32_t j = next_random(&state) % i;
		struct key key = bed->keys[i - 1];

		bed->keys[i - 1] = bed->keys[j];
		bed->keys[j] = key;
	}
	return true;
}

static void
close_bed(struct bed *bed)
{
	uint32_t p;

	siov_atc_free(bed->atc);
	for (p = 1; p <= bed->nb_bound; p++)
		siov_gmem_unbind(bed->gmem, p);
	siov_gmem_free(bed->gmem);
	siov_dev_free(bed->dev);
	free(bed->keys);
}

static bool
open_bed(struct bed *bed, const struct args *args)
{
	struct siov_atc_conf atc_conf = {.entries = 64, .socket_id = -1};
	struct siov_gmem_conf gmem_conf;
	struct siov_dev_conf dev_conf;

	*bed = (struct bed){0};
	siov_dev_conf_init(&dev_conf);
	siov_gmem_conf_init(&gmem_conf);
	gmem_conf.kind = args->kind;
	gmem_conf.page_shift = 12;
	gmem_conf.size = (uint64_t)args->nb_pages * PAGE;
	if (args->path == HIT)
		atc_conf.entries = dev_conf.atc_entries;
	if (siov_dev_create(&dev_conf, &bed->dev) != 0 ||
	    siov_gmem_create(bed->dev, &gmem_conf, &bed->gmem) != 0 ||
	    siov_atc_create(siov_dev_iommu(bed->dev), &atc_conf, &bed->atc) != 0)
		return false;
	for (; bed->nb_bound < args->nb_pasids; bed->nb_bound++) {
		if (siov_gmem_bind(bed->gmem, bed->nb_bound + 1) != 0)
			return false;
	}
	return make_keys(bed, args);
}

/* The compiler must believe that somebody reads it. */
static inline void
use(uint64_t value)
{
	__asm__ __volatile__("" : : "r"(value));
}

static bool
lap_hits(struct bed *bed, uint32_t at)
{
	const struct key *key = &bed->keys[at], *end = key + LAP;
	struct siov_xlate x = {.hva = NULL, .len = 0};
	int bad = 0;

	for (; key < end; key++) {
		bad |= siov_atc_translate(bed->atc, key->pasid, key->iova, SIOV_PERM_R, &x);
		use((uintptr_t)x.hva);
	}
	siov_atc_quiescent(bed->atc);
	return bad == 0;
}

static bool
lap_misses(struct bed *bed, uint32_t at)
{
	const struct key *key = &bed->keys[at], *end = key + LAP;
	struct siov_xlate x = {.hva = NULL, .len = 0};
	uint64_t zero = 0;
	int bad = 0;

	for (; key < end; key++) {
		bad |= siov_atc_translate(bed->atc, key->pasid, key->iova + zero, SIOV_PERM_R, &x);
		zero = (uintptr_t)x.hva >> 63;
	}
	siov_atc_quiescent(bed->atc);
	use(zero);
	return bad == 0;
}

static bool
lap_verify(struct bed *bed, uint32_t at)
{
	const uint8_t *hva = siov_gmem_hva(bed->gmem);
	const struct key *key = &bed->keys[at], *end = key + LAP;
	struct siov_xlate x;
	bool ok = true;

	for (; key < end; key++)
		ok &= siov_atc_translate(bed->atc, key->pasid, key->iova, SIOV_PERM_R, &x) == 0 &&
		      (uint8_t *)x.hva == hva + (uint64_t)key->page * PAGE;
	siov_atc_quiescent(bed->atc);
	return ok;
}

typedef bool (*lap_fn)(struct bed *bed, uint32_t at);

static bool
go_round(struct bed *bed, lap_fn lap)
{
	bool ok = true;
	uint32_t at;

	for (at = 0; at < bed->nb_keys; at += LAP)
		ok &= lap(bed, at);
	return ok;
}

/* Nanoseconds a lookup. */
static double
time_laps(struct bed *bed, lap_fn lap, uint64_t *nb, bool *ok)
{
	uint64_t budget = (uint64_t)((double)rte_get_tsc_hz() * bench_opt->seconds);
	uint64_t start = rte_rdtsc(), cycles;
	uint32_t at = 0;

	*nb = 0;
	do {
		*ok = lap(bed, at);
		at = at + LAP < bed->nb_keys ? at + LAP : 0;
		*nb += LAP;
		cycles = rte_rdtsc() - start;
	} while (cycles < budget && *ok);
	return bench_seconds(cycles) * 1e9 / (double)*nb;
}

static bool
is_path(enum path path, uint64_t nb, uint64_t misses)
{
	return path == HIT ? misses <= nb / 100 : misses >= nb - nb / 20;
}

static double
measure_kind(const struct args *args)
{
	lap_fn lap = args->path == HIT ? lap_hits : lap_misses;
	struct siov_atc_stats before, after;
	double ns = BENCH_FAILED;
	struct bed bed;
	uint64_t nb;
	bool ok;

	if (open_bed(&bed, args)) {
		siov_atc_online(bed.atc);
		go_round(&bed, lap);
		siov_atc_stats(bed.atc, &before);
		ns = time_laps(&bed, lap, &nb, &ok);
		siov_atc_stats(bed.atc, &after);
		ok = ok && is_path(args->path, nb, after.misses - before.misses);
		ok = go_round(&bed, lap_verify) && ok;
		siov_atc_offline(bed.atc);
		ns = ok ? ns : BENCH_FAILED;
	}
	close_bed(&bed);
	return ns;
}

static double
measure_ours(const void *arg)
{
	return measure_kind(arg);
}

static double
measure_second_stage(const void *arg)
{
	struct args args = *(const struct args *)arg;

	args.kind = SIOV_DOMAIN_SECOND_STAGE;
	return measure_kind(&args);
}

/* ---- limit: a ring of pointers, through lines of as much memory as the tables have ---- */

static size_t
table_bytes(const struct args *args)
{
	size_t leaves = RTE_ALIGN_CEIL((size_t)args->nb_pages * 8, PAGE);

	/* PASID entries; leaf tables of both stages; the levels above. */
	return (size_t)args->nb_pasids * 64 + 2 * leaves + (size_t)6 * PAGE;
}

/* One ring through all lines, in random order. */
static void **
make_ring(size_t bytes)
{
	size_t nb = bytes / 64, i;
	uint64_t state = 7;
	uint32_t *order = malloc(nb * sizeof(*order));
	char *mem = rte_zmalloc(NULL, bytes, 64);

	for (i = 0; order != NULL && i < nb; i++)
		order[i] = (uint32_t)i;
	for (i = nb; order != NULL && mem != NULL && i > 1; i--) {
		size_t j = next_random(&state) % i;
		uint32_t kept = order[i - 1];

		order[i - 1] = order[j];
		order[j] = kept;
	}
	for (i = 0; order != NULL && mem != NULL && i < nb; i++)
		*(void **)(void *)(mem + (size_t)order[i] * 64) =
			mem + (size_t)order[(i + 1) % nb] * 64;
	if (order == NULL) {
		rte_free(mem);
		mem = NULL;
	}
	free(order);
	return (void **)(void *)mem;
}

static double
measure_chase(const void *arg)
{
	const struct args *args = arg;
	unsigned int loads = args->kind == SIOV_DOMAIN_NESTED ? NESTED_LOADS : SECOND_STAGE_LOADS;
	uint64_t budget = (uint64_t)((double)rte_get_tsc_hz() * bench_opt->seconds);
	void **ring = make_ring(table_bytes(args)), **p = ring;
	uint64_t start, cycles, nb = 0;
	unsigned int i, k;

	if (ring == NULL)
		return BENCH_FAILED;
	start = rte_rdtsc();
	do {
		for (i = 0; i < LAP; i++)
			for (k = 0; k < loads; k++)
				p = *p;
		nb += LAP;
		cycles = rte_rdtsc() - start;
	} while (cycles < budget);
	use((uintptr_t)p);
	rte_free(ring);
	return bench_seconds(cycles) * 1e9 / (double)nb;
}

void
bench_kinds(void)
{
	static const struct {
		const char *name;
		struct args args;
	} cases[] = {
		{"path=hit,kind=first,pasids=64", {HIT, SIOV_DOMAIN_FIRST_STAGE, 64, 64}},
		{"path=hit,kind=nested,pasids=64", {HIT, SIOV_DOMAIN_NESTED, 64, 64}},
		{"path=hit,kind=process,pasids=64", {HIT, SIOV_DOMAIN_PROCESS, 64, 64}},
		{"path=miss_warm,kind=first,pasids=1", {MISS, SIOV_DOMAIN_FIRST_STAGE, 1, 4096}},
		{"path=miss_warm,kind=nested,pasids=1", {MISS, SIOV_DOMAIN_NESTED, 1, 4096}},
		{"path=miss_warm,kind=nested,pasids=64", {MISS, SIOV_DOMAIN_NESTED, 64, 64}},
	};
	unsigned int i;

	for (i = 0; i < RTE_DIM(cases); i++) {
		const struct bench_row row = {
			.bench = "translate",
			.name = cases[i].name,
			.unit = "ns",
			.less_is_better = true,
			.ours = {"siov", measure_ours},
			.peers = {{"second_stage", measure_second_stage}},
			.limit = {cases[i].args.path == MISS ? "chase" : NULL, measure_chase},
			.args = &cases[i].args,
		};

		bench_row_run(&row);
	}
}

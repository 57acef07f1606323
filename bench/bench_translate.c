/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What does one translation cost?
 *
 * hit: keys that the cache holds, in random order, each independent of the one before. Peer: rte_hash
 * with the same keys. Limit: an array indexed with the key's number.
 * miss_warm: a cache far too small for the keys, tables in the processor's caches; each lookup waits
 * for the one before. Limit: a pointer chase over as much memory with as many loads, six: PASID
 * directory, PASID entry, four levels of tables.
 * miss_cold: the same with a PASID of its own for each lookup, so that the PASID entries come from
 * far; several PASIDs share an address space.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_hash.h>
#include <rte_hash_crc.h>
#include <rte_malloc.h>

#include "bench.h"
#include "siov_atc.h"

#define PAGE 4096u
#define IOVA UINT64_C(0x40000000)
#define BACKING_BYTES (2u << 20)
#define LAP 1024u /* lookups between two looks at the clock; keys come in whole laps */

enum path { HIT, MISS };

struct args {
	enum path path;
	uint32_t nb_pasids;
	uint32_t nb_pages; /* per PASID */
	uint32_t atc_entries;
	struct bed *bed;
};

struct key {
	uint32_t pasid;
	uint32_t rsvd;
	uint64_t iova;
};

/* What a row's contestants share: made once, since a million PASIDs take a while. */
struct bed {
	struct siov_iommu *iommu;
	struct siov_domain *domain;
	void *memory;
	struct siov_atc *atc;
	struct key *keys; /* in the order of lookups */
	uint32_t *numbers;
	uint32_t nb_keys;
	struct rte_hash *hash;
	uint8_t *chase; /* as much memory as the walk reads */
	size_t chase_dir, chase_entries, chase_tables; /* bytes of each part */
};

static uint32_t
next_random(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(*state >> 33);
}

static void
shuffle(struct key *keys, uint32_t *numbers, uint32_t nb)
{
	uint64_t state = 42;
	uint32_t i;

	for (i = nb; i > 1; i--) {
		uint32_t j = next_random(&state) % i;
		struct key key = keys[i - 1];
		uint32_t number = numbers[i - 1];

		keys[i - 1] = keys[j];
		keys[j] = key;
		numbers[i - 1] = numbers[j];
		numbers[j] = number;
	}
}

static bool
make_keys(struct bed *bed, const struct args *args)
{
	uint32_t i, distinct = args->nb_pasids * args->nb_pages;
	uint32_t nb = RTE_ALIGN_CEIL(distinct, LAP);

	bed->nb_keys = nb;
	bed->keys = rte_zmalloc(NULL, nb * sizeof(bed->keys[0]), 64);
	bed->numbers = rte_zmalloc(NULL, nb * sizeof(bed->numbers[0]), 64);
	if (bed->keys == NULL || bed->numbers == NULL)
		return false;
	for (i = 0; i < nb; i++) {
		uint32_t key = i % distinct;

		bed->keys[i].pasid = 1 + key / args->nb_pages;
		bed->keys[i].iova = IOVA + (uint64_t)(key % args->nb_pages) * PAGE;
		bed->numbers[i] = key;
	}
	shuffle(bed->keys, bed->numbers, nb);
	return true;
}

static bool
make_platform(struct bed *bed, const struct args *args)
{
	const struct siov_domain_conf domain_conf = {.kind = SIOV_DOMAIN_SECOND_STAGE,
						     .max_page_shift = 12};
	const struct siov_atc_conf atc_conf = {.entries = args->atc_entries, .socket_id = -1};
	struct siov_iommu_conf conf;
	uint32_t i;

	siov_iommu_conf_init(&conf);
	bed->memory = rte_zmalloc(NULL, BACKING_BYTES, PAGE);
	if (bed->memory == NULL || siov_iommu_create(&conf, &bed->iommu) != 0 ||
	    siov_iommu_add_memory(bed->iommu, bed->memory, BACKING_BYTES) != 0 ||
	    siov_domain_create(bed->iommu, &domain_conf, &bed->domain) != 0 ||
	    siov_atc_create(bed->iommu, &atc_conf, &bed->atc) != 0)
		return false;
	for (i = 0; i < args->nb_pages; i++) {
		uint8_t *page = (uint8_t *)bed->memory + (uint64_t)i * PAGE % BACKING_BYTES;

		if (siov_domain_map(bed->domain, IOVA + (uint64_t)i * PAGE, page, PAGE,
				    SIOV_PERM_R | SIOV_PERM_W) != 0)
			return false;
	}
	for (i = 1; i <= args->nb_pasids; i++) {
		if (siov_pasid_alloc_at(bed->iommu, i) != 0 ||
		    siov_pasid_bind(bed->iommu, i, bed->domain, 0) != 0)
			return false;
	}
	return true;
}

static bool
make_hash(struct bed *bed)
{
	struct rte_hash_parameters params = {
		.name = "bench_translate",
		.entries = RTE_MAX(bed->nb_keys * 2, 64u),
		.key_len = sizeof(struct key),
		.hash_func = rte_hash_crc,
		.socket_id = SOCKET_ID_ANY,
	};
	uint32_t i;

	bed->hash = rte_hash_create(&params);
	for (i = 0; bed->hash != NULL && i < bed->nb_keys; i++) {
		if (rte_hash_add_key_data(bed->hash, &bed->keys[i], (void *)(uintptr_t)(i + 1)) !=
		    0)
			return false;
	}
	return bed->hash != NULL;
}

static bool
make_chase(struct bed *bed, const struct args *args)
{
	bed->chase_dir = RTE_ALIGN_CEIL((args->nb_pasids / 64 + 1) * 8, 64);
	bed->chase_entries = (args->nb_pasids + 1) * (size_t)64;
	bed->chase_tables = RTE_ALIGN_CEIL(args->nb_pages * 8, PAGE) + (size_t)3 * PAGE;
	bed->chase =
		rte_zmalloc(NULL, bed->chase_dir + bed->chase_entries + bed->chase_tables, PAGE);
	return bed->chase != NULL;
}

static void
free_bed(struct bed *bed, const struct args *args)
{
	uint32_t i;

	siov_atc_free(bed->atc);
	for (i = 1; bed->iommu != NULL && i <= args->nb_pasids; i++)
		siov_pasid_unbind(bed->iommu, i);
	siov_iommu_free(bed->iommu);
	rte_hash_free(bed->hash);
	rte_free(bed->memory);
	rte_free(bed->keys);
	rte_free(bed->numbers);
	rte_free(bed->chase);
}

/* ---- contestants: each goes through the keys again and again until the time is over ---- */

/* The compiler must believe that somebody reads it. */
static inline void
use(uint64_t value)
{
	__asm__ __volatile__("" : : "r"(value));
}

static double
ns_each(uint64_t cycles, uint64_t nb)
{
	return bench_seconds(cycles) * 1e9 / (double)nb;
}

/* One lap from key at on. False: a lookup failed. */
typedef bool (*lap_fn)(struct bed *bed, uint32_t at);

static __rte_always_inline double
time_laps(struct bed *bed, lap_fn lap, bool *ok)
{
	uint64_t budget = (uint64_t)((double)rte_get_tsc_hz() * bench_opt->seconds);
	uint64_t start, cycles, nb = 0;
	uint32_t at = 0, warm;

	*ok = true;
	for (warm = 0; warm < bed->nb_keys && *ok; warm += LAP)
		*ok = lap(bed, warm);
	start = rte_rdtsc();
	do {
		*ok = lap(bed, at);
		at = at + LAP < bed->nb_keys ? at + LAP : 0;
		nb += LAP;
		cycles = rte_rdtsc() - start;
	} while (cycles < budget && *ok);
	return ns_each(cycles, nb);
}

static bool
lap_hit(struct bed *bed, uint32_t at)
{
	struct siov_xlate x = {.hva = NULL, .len = 0};
	const struct key *key = &bed->keys[at], *end = key + LAP;
	int bad = 0;

	for (; key < end; key++) {
		bad |= siov_atc_translate(bed->atc, key->pasid, key->iova, SIOV_PERM_R, &x);
		use((uintptr_t)x.hva);
	}
	siov_atc_quiescent(bed->atc);
	return bad == 0;
}

/* The next key waits for this result: it adds what is always zero, which nobody can know. */
static bool
lap_miss(struct bed *bed, uint32_t at)
{
	struct siov_xlate x = {.hva = NULL, .len = 0};
	uint64_t zero = 0;
	const struct key *key = &bed->keys[at], *end = key + LAP;
	int bad = 0;

	for (; key < end; key++) {
		bad |= siov_atc_translate(bed->atc, key->pasid + (uint32_t)zero, key->iova + zero,
					  SIOV_PERM_R, &x);
		zero = (uintptr_t)x.hva >> 63;
	}
	siov_atc_quiescent(bed->atc);
	use(zero);
	return bad == 0;
}

static double
measure_ours(const void *arg)
{
	const struct args *args = arg;
	struct siov_atc_stats before, after;
	double ns;
	bool ok;

	siov_atc_online(args->bed->atc);
	siov_atc_stats(args->bed->atc, &before);
	if (args->path == HIT)
		ns = time_laps(args->bed, lap_hit, &ok);
	else
		ns = time_laps(args->bed, lap_miss, &ok);
	siov_atc_stats(args->bed->atc, &after);
	siov_atc_offline(args->bed->atc);
	/* A row of misses in which the cache hit would be no row of misses. */
	if (args->path == MISS && after.misses == before.misses)
		ok = false;
	return ok ? ns : BENCH_FAILED;
}

static bool
lap_hash(struct bed *bed, uint32_t at)
{
	const struct key *key = &bed->keys[at], *end = key + LAP;
	void *data = NULL;
	int bad = 0;

	for (; key < end; key++) {
		bad |= rte_hash_lookup_data(bed->hash, key, &data) < 0;
		use((uintptr_t)data);
	}
	return bad == 0;
}

static double
measure_hash(const void *arg)
{
	const struct args *args = arg;
	double ns;
	bool ok;

	if (args->bed->hash == NULL)
		return BENCH_UNSUPPORTED;
	ns = time_laps(args->bed, lap_hash, &ok);
	return ok ? ns : BENCH_FAILED;
}

static bool
lap_array(struct bed *bed, uint32_t at)
{
	const uint32_t *numbers = &bed->numbers[at];
	unsigned int i;

	for (i = 0; i < LAP; i++) {
		use(bed->keys[numbers[i]].iova + bed->keys[numbers[i]].pasid);
	}
	return true;
}

static bool
lap_chase(struct bed *bed, uint32_t at)
{
	const uint8_t *entries = bed->chase + bed->chase_dir;
	const uint8_t *tables = entries + bed->chase_entries;
	uint64_t zero = 0, leaf;
	const struct key *key = &bed->keys[at], *end = key + LAP;

	for (; key < end; key++) {
		leaf = 3 * PAGE + (key->iova - IOVA) / PAGE * 8;
		zero = *(const uint64_t *)(const void *)(bed->chase + key->pasid / 64 * 8 + zero);
		zero = *(const uint64_t *)(const void *)(entries + key->pasid * (size_t)64 + zero);
		zero = *(const uint64_t *)(const void *)(tables + zero);
		zero = *(const uint64_t *)(const void *)(tables + PAGE + zero);
		zero = *(const uint64_t *)(const void *)(tables + 2 * PAGE + zero);
		zero = *(const uint64_t *)(const void *)(tables + leaf + zero);
	}
	use(zero);
	return true;
}

static double
measure_limit(const void *arg)
{
	const struct args *args = arg;
	bool ok;

	return args->path == HIT ? time_laps(args->bed, lap_array, &ok) :
				   time_laps(args->bed, lap_chase, &ok);
}

static void
run_case(const char *name, struct args args)
{
	struct bed bed = {0};
	const struct bench_row row = {
		.bench = "translate",
		.name = name,
		.unit = "ns",
		.less_is_better = true,
		.ours = {"siov", measure_ours},
		.peers = {{"rte_hash", measure_hash}},
		.limit = {args.path == HIT ? "array" : "chase", measure_limit},
		.args = &args,
	};

	args.bed = &bed;
	if (!make_keys(&bed, &args) || !make_platform(&bed, &args) || !make_hash(&bed) ||
	    !make_chase(&bed, &args))
		fprintf(stderr, "translate %s: not enough memory\n", name);
	else
		bench_row_run(&row);
	free_bed(&bed, &args);
}

void
bench_translate(void)
{
	static const struct {
		const char *path;
		struct args args;
	} cases[] = {
		{"hit", {.path = HIT, .nb_pasids = 1, .nb_pages = 64, .atc_entries = 16384}},
		{"hit", {.path = HIT, .nb_pasids = 64, .nb_pages = 1, .atc_entries = 16384}},
		{"hit", {.path = HIT, .nb_pasids = 4096, .nb_pages = 1, .atc_entries = 65536}},
		{"hit", {.path = HIT, .nb_pasids = 65536, .nb_pages = 1, .atc_entries = 1u << 20}},
		{"miss_warm", {.path = MISS, .nb_pasids = 1, .nb_pages = 4096, .atc_entries = 64}},
		{"miss_warm", {.path = MISS, .nb_pasids = 64, .nb_pages = 64, .atc_entries = 64}},
		{"miss_cold", {.path = MISS, .nb_pasids = 65536, .nb_pages = 1, .atc_entries = 64}},
		{"miss_cold",
		 {.path = MISS, .nb_pasids = SIOV_PASID_MAX, .nb_pages = 1, .atc_entries = 64}},
	};
	unsigned int i;

	for (i = 0; i < RTE_DIM(cases); i++) {
		char name[64];

		snprintf(name, sizeof(name), "path=%s,pasids=%u", cases[i].path,
			 cases[i].args.nb_pasids);
		run_case(name, cases[i].args);
	}
}

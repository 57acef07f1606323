/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What does one translation cost?
 *
 * hit: keys that the cache holds, in random order; order=dependent: each waits for the one before.
 * Peer: rte_hash with the same keys, in the same way. Limit: an array indexed with the key's number.
 * miss_warm: a cache far too small for the keys, tables in the processor's caches; each lookup waits
 * for the one before. Limit: a pointer chase over as much memory with as many loads, six: PASID
 * directory, PASID entry, four levels of tables.
 * miss_cold: the same with tables far beyond the processor's own caches: the PASID entries, each
 * lookup taking another PASID, or with one PASID the leaf tables. PASIDs share an address space.
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
#include "siov_dev.h"

#define PAGE 4096u
#define IOVA UINT64_C(0x40000000)
#define BACKING_BYTES (2u << 20)
#define LAP 1024u /* lookups between two looks at the clock; keys come in whole laps */

enum path { HIT, MISS };

struct args {
	enum path path;
	bool dependent; /* the next key waits for this result */
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

/* Once through all keys. */
static bool
go_round(struct bed *bed, lap_fn lap)
{
	uint32_t at;
	bool ok = true;

	for (at = 0; at < bed->nb_keys; at += LAP)
		ok &= lap(bed, at);
	return ok;
}

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
	return ns_each(cycles, *nb);
}

/* Warm-up and measurement of one that needs no further look. */
static double
measure_laps(struct bed *bed, lap_fn lap)
{
	uint64_t nb;
	double ns;
	bool ok;

	if (!go_round(bed, lap))
		return BENCH_FAILED;
	ns = time_laps(bed, lap, &nb, &ok);
	return ok ? ns : BENCH_FAILED;
}

static bool
lap_ours(struct bed *bed, uint32_t at)
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
lap_ours_dependent(struct bed *bed, uint32_t at)
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

/* Whether each key of a lap is translated to its own page. */
static bool
lap_verify(struct bed *bed, uint32_t at)
{
	const struct key *key = &bed->keys[at], *end = key + LAP;
	struct siov_xlate x;
	bool ok = true;

	for (; key < end; key++) {
		uint64_t offset = (key->iova - IOVA) % BACKING_BYTES;

		ok &= siov_atc_translate(bed->atc, key->pasid, key->iova, SIOV_PERM_R, &x) == 0 &&
		      (uint8_t *)x.hva == (uint8_t *)bed->memory + offset;
	}
	siov_atc_quiescent(bed->atc);
	return ok;
}

/* A row of hits with many misses is none, nor the other way round. */
static bool
is_path(enum path path, uint64_t nb, uint64_t misses)
{
	return path == HIT ? misses <= nb / 100 : misses >= nb - nb / 20;
}

static double
measure_ours(const void *arg)
{
	const struct args *args = arg;
	lap_fn lap = args->dependent ? lap_ours_dependent : lap_ours;
	struct siov_atc_stats before, after;
	struct bed *bed = args->bed;
	uint64_t nb;
	double ns;
	bool ok, warm_ok;

	if (args->path == HIT && bed->nb_keys > SIOV_DEV_ATC_MAX / 2)
		return BENCH_UNSUPPORTED; /* no cache can hold them */
	siov_atc_online(bed->atc);
	warm_ok = go_round(bed, lap);
	siov_atc_stats(bed->atc, &before);
	ns = time_laps(bed, lap, &nb, &ok);
	siov_atc_stats(bed->atc, &after);
	ok = ok && warm_ok && is_path(args->path, nb, after.misses - before.misses);
	ok = go_round(bed, lap_verify) && ok;
	siov_atc_offline(bed->atc);
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

static bool
lap_hash_dependent(struct bed *bed, uint32_t at)
{
	const struct key *key = &bed->keys[at], *end = key + LAP;
	void *data = NULL;
	uint64_t zero = 0;
	int bad = 0;

	for (; key < end; key++) {
		bad |= rte_hash_lookup_data(bed->hash, key + zero, &data) < 0;
		zero = (uintptr_t)data >> 63;
	}
	use(zero);
	return bad == 0;
}

static double
measure_hash(const void *arg)
{
	const struct args *args = arg;

	return measure_laps(args->bed, args->dependent ? lap_hash_dependent : lap_hash);
}

static bool
lap_array(struct bed *bed, uint32_t at)
{
	const uint32_t *numbers = &bed->numbers[at];
	unsigned int i;

	for (i = 0; i < LAP; i++)
		use(bed->keys[numbers[i]].iova + bed->keys[numbers[i]].pasid);
	return true;
}

static bool
lap_array_dependent(struct bed *bed, uint32_t at)
{
	const uint32_t *numbers = &bed->numbers[at];
	uint64_t zero = 0;
	unsigned int i;

	for (i = 0; i < LAP; i++) {
		const struct key *key = &bed->keys[numbers[i] + zero];

		zero = (key->iova + key->pasid) >> 63;
	}
	use(zero);
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

	if (args->path == MISS)
		return measure_laps(args->bed, lap_chase);
	return measure_laps(args->bed, args->dependent ? lap_array_dependent : lap_array);
}

/* A cache as engines have it by default, or the largest. */
#define DEFAULT 0
#define LARGEST SIOV_DEV_ATC_MAX

static void
run_case(const char *name, struct args args)
{
	struct siov_dev_conf dev_conf;
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
	siov_dev_conf_init(&dev_conf);
	if (args.atc_entries == DEFAULT)
		args.atc_entries = dev_conf.atc_entries;
	if (make_keys(&bed, &args) && make_platform(&bed, &args) && make_hash(&bed) &&
	    make_chase(&bed, &args))
		bench_row_run(&row);
	else
		bench_row_fail(&row, "not enough memory");
	free_bed(&bed, &args);
}

#define HITS(nb, pages, entries, dep) \
	{ \
		.path = HIT, .dependent = (dep), .nb_pasids = (nb), .nb_pages = (pages), \
		.atc_entries = (entries) \
	}
#define MISSES(nb, pages) \
	{ \
		.path = MISS, .dependent = true, .nb_pasids = (nb), .nb_pages = (pages), \
		.atc_entries = 64 \
	}

void
bench_translate(void)
{
	static const struct {
		const char *name;
		struct args args;
	} cases[] = {
		{"path=hit,pasids=1", HITS(1, 64, DEFAULT, false)},
		{"path=hit,pasids=64", HITS(64, 1, DEFAULT, false)},
		{"path=hit,pasids=4096", HITS(4096, 1, DEFAULT, false)},
		{"path=hit,pasids=65536", HITS(65536, 1, LARGEST, false)},
		{"path=hit,pasids=65536,atc=262144", HITS(65536, 1, 262144, false)},
		{"path=hit,pasids=1,pages=65536", HITS(1, 65536, LARGEST, false)},
		{"path=hit,pasids=64,pages=65536", HITS(64, 1024, LARGEST, false)},
		{"path=hit,pasids=1048575", HITS(SIOV_PASID_MAX, 1, LARGEST, false)},
		{"path=hit,pasids=64,order=dependent", HITS(64, 1, DEFAULT, true)},
		{"path=hit,pasids=65536,order=dependent", HITS(65536, 1, LARGEST, true)},
		{"path=miss_warm,pasids=1", MISSES(1, 4096)},
		{"path=miss_warm,pasids=64", MISSES(64, 64)},
		{"path=miss_warm,pasids=4096", MISSES(4096, 1)},
		{"path=miss_cold,pasids=1", MISSES(1, 1u << 20)},
		{"path=miss_cold,pasids=65536", MISSES(65536, 1)},
		{"path=miss_cold,pasids=1048575", MISSES(SIOV_PASID_MAX, 1)},
	};
	unsigned int i;

	for (i = 0; i < RTE_DIM(cases); i++)
		run_case(cases[i].name, cases[i].args);
}

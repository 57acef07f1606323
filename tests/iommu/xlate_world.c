/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "guest_tables.h"
#include "iommu_priv.h"
#include "xlate_world.h"

uint64_t
world_random(struct world *w)
{
	w->random ^= w->random << 13;
	w->random ^= w->random >> 7;
	w->random ^= w->random << 17;
	return w->random * UINT64_C(0x2545f4914f6cdd1d);
}

uint64_t
world_below(struct world *w, uint64_t n)
{
	return (world_random(w) >> 8) % n;
}

bool
world_chance(struct world *w, unsigned int percent)
{
	return world_below(w, 100) < percent;
}

/* Memory that costs nothing until it is touched; never unmapped but as a whole. */
static uint64_t
reserve(uint64_t len, uint64_t align)
{
	uint64_t start;
	void *ptr;

	ptr = mmap(NULL, len + align, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	assert_true(ptr != MAP_FAILED);
	start = ((uintptr_t)ptr + align - 1) & ~(align - 1);
	if (start > (uintptr_t)ptr)
		munmap(ptr, start - (uintptr_t)ptr);
	munmap((void *)(uintptr_t)(start + len), (uintptr_t)ptr + align - start);
	return start;
}

static void
add_range(struct world *w, unsigned int i, uint64_t start, uint64_t len, bool is_mmio)
{
	void *hva = (void *)(uintptr_t)start;

	w->range[i] = (struct ref_range){start, start + len, is_mmio};
	if (is_mmio)
		assert_int_equal(siov_iommu_add_mmio(w->iommu, hva, len), 0);
	else
		assert_int_equal(siov_iommu_add_memory(w->iommu, hva, len), 0);
}

/* A run of pages somewhere; sizes and alignments are those of pages. */
static struct world_map
random_map(struct world *w, const struct world_guest *guest)
{
	static const uint64_t grains[] = {PAGE, PAGE, 2 * MIB, GIB};
	static const unsigned int perms[] = {RW, RW,          RW,          RW,
					     RW, SIOV_PERM_R, SIOV_PERM_R, SIOV_PERM_W};
	uint64_t grain = grains[world_below(w, guest->max_shift == 12 ? 2 : 4)];
	struct world_map map = {.perm = perms[world_below(w, RTE_DIM(perms))]};
	uint64_t reach = world_chance(w, 75) ? 64 * MIB : RTE_BIT64(46);

	map.len = grain == GIB ? GIB : grain * (1 + world_below(w, 6));
	map.iova = world_below(w, RTE_MAX(reach, 4 * grain)) & ~(grain - 1);
	map.hva = world_chance(w, 60) ? world_below(w, WORLD_TABLES_BYTES) :
					world_below(w, WORLD_BLOCK);
	map.hva = guest->block + (RTE_MIN(map.hva, WORLD_BLOCK - map.len) & ~(grain - 1));
	if (world_chance(w, 6)) {
		map.hva = w->mmio;
		map.len = PAGE * (1 + world_below(w, WORLD_MMIO / PAGE));
	}
	return map;
}

/* Try to map; what is taken already stays. */
static bool
try_map(struct siov_domain *dom, const struct world_map *map)
{
	return siov_domain_map(dom, map->iova, (void *)(uintptr_t)map->hva, map->len, map->perm) ==
	       0;
}

static void
map_more(struct world *w, struct world_guest *guest, unsigned int nb)
{
	struct world_map map;

	for (; nb > 0 && guest->nb_maps < WORLD_MAPS; nb--) {
		map = random_map(w, guest);
		if (try_map(guest->dom, &map))
			guest->map[guest->nb_maps++] = map;
	}
}

static void
open_guest(struct world *w, struct world_guest *guest)
{
	static const unsigned int shifts[] = {12, 21, 30};
	struct siov_domain_conf conf = {.kind = SIOV_DOMAIN_SECOND_STAGE};
	struct world_map plain = {.iova = WORLD_PLAIN, .len = WORLD_TABLES_BYTES, .perm = RW};

	guest->max_shift = shifts[world_below(w, 3)];
	conf.max_page_shift = guest->max_shift;
	conf.flags = world_chance(w, 50) ? SIOV_DOMAIN_F_AD : 0;
	assert_int_equal(siov_domain_create(w->iommu, &conf, &guest->dom), 0);
	plain.hva = guest->block;
	assert_true(try_map(guest->dom, &plain));
	guest->map[guest->nb_maps++] = plain;
	map_more(w, guest, 40);
	guest->shadow = malloc(WORLD_TABLES_BYTES);
	assert_non_null(guest->shadow);
}

static struct world_space *
add_space(struct world *w, const struct siov_domain_conf *conf, struct world_guest *guest)
{
	struct world_space *space = &w->space[w->nb_spaces];

	assert_true(w->nb_spaces < WORLD_SPACES);
	space->pasid = 60 + w->nb_spaces;
	space->kind = conf->kind;
	space->guest = guest;
	space->levels = conf->levels == 5 ? 5 : 4;
	w->nb_spaces++;
	if (conf->kind == SIOV_DOMAIN_SECOND_STAGE)
		space->dom = guest->dom;
	else
		assert_int_equal(siov_domain_create(w->iommu, conf, &space->dom), 0);
	assert_int_equal(siov_pasid_alloc_at(w->iommu, space->pasid), 0);
	assert_int_equal(siov_pasid_bind(w->iommu, space->pasid, space->dom, 0), 0);
	return space;
}

static void
add_probe(struct world_space *space, uint64_t iova, unsigned int shift)
{
	if (space->nb_probes < WORLD_PROBES)
		space->probe[space->nb_probes++] = (struct world_probe){iova, shift, NULL, 0};
}

static unsigned int
random_flags(struct world *w)
{
	return (world_chance(w, 60) ? SIOV_DOMAIN_F_SRE : 0) |
	       (world_chance(w, 50) ? SIOV_DOMAIN_F_WPE : 0);
}

static void
add_nested(struct world *w, struct world_guest *guest)
{
	struct siov_domain_conf conf = {
		.kind = SIOV_DOMAIN_NESTED,
		.parent = guest->dom,
		.levels = world_chance(w, 40) ? 5 : 4,
		.flags = random_flags(w),
	};
	struct guest_page top = guest_page_take(w, guest);
	struct world_space *space;

	conf.fs_root = top.gpa;
	if (world_chance(w, 3))
		conf.fs_root = world_random(w) & UINT64_C(0x000ffffffffff000);
	space = add_space(w, &conf, guest);
	guest_table_fill(w, space, top, space->levels, 0);
}

static void
add_second_stage(struct world *w, struct world_guest *guest)
{
	const struct siov_domain_conf conf = {.kind = SIOV_DOMAIN_SECOND_STAGE};
	struct world_space *space = add_space(w, &conf, guest);
	unsigned int i;

	for (i = 0; i < guest->nb_maps; i++)
		add_probe(space, guest->map[i].iova, __builtin_ctzll(guest->map[i].len));
}

static void
add_first_stage(struct world *w, unsigned int levels)
{
	struct siov_domain_conf conf = {
		.kind = SIOV_DOMAIN_FIRST_STAGE,
		.max_page_shift = world_chance(w, 50) ? 30 : 21,
		.levels = levels,
		.flags = random_flags(w),
	};
	struct world_space *space = add_space(w, &conf, NULL);
	struct world_map map;
	unsigned int i;

	for (i = 0; i < 30; i++) {
		map = random_map(w, &w->guest[i % WORLD_GUESTS]);
		map.perm |= SIOV_PERM_R;
		if (levels == 5 && world_chance(w, 50))
			map.iova += world_below(w, 200) << 48;
		if (try_map(space->dom, &map))
			add_probe(space, map.iova, __builtin_ctzll(map.len));
	}
}

static void
add_others(struct world *w)
{
	const struct siov_domain_conf pass = {.kind = SIOV_DOMAIN_PASS_THROUGH};
	const struct siov_domain_conf own = {.kind = SIOV_DOMAIN_PROCESS};
	struct world_space *space = add_space(w, &pass, NULL);
	unsigned int i;

	for (i = 0; i < RTE_DIM(w->range); i++) {
		add_probe(space, w->range[i].start, 21);
		add_probe(space, w->range[i].start - PAGE, 13);
		add_probe(space, w->range[i].end - 2 * MIB, 22);
	}
	space = add_space(w, &own, NULL);
	for (i = 0; i < 8; i++)
		add_probe(space, world_random(w) >> 17 & ~(PAGE - 1), 12);
	add_probe(space, RTE_BIT64(47) - PAGE, 13);
	add_probe(space, w->mmio - 2 * MIB, 23);
	add_probe(space, w->mmio + WORLD_MMIO - PAGE, 13);
}

/* Change bits of a word of the unit, for now. */
static void
spoil(struct world *w, void *word, uint64_t bits)
{
	if (w->nb_spoiled == RTE_DIM(w->spoiled))
		return;
	w->spoiled[w->nb_spoiled++] = (struct world_spoiled){word, bits};
	*(uint64_t *)word ^= bits;
}

static void
put_right(struct world *w)
{
	while (w->nb_spoiled > 0) {
		w->nb_spoiled--;
		*w->spoiled[w->nb_spoiled].word ^= w->spoiled[w->nb_spoiled].bits;
	}
}

static uint64_t *
directory_entry(struct world *w, uint32_t pasid)
{
	return (uint64_t *)(uintptr_t)w->iommu->pasid_dir + (pasid >> 6);
}

static uint64_t *
pasid_entry(struct world *w, uint32_t pasid)
{
	uint64_t table = *directory_entry(w, pasid) & UINT64_C(0x000ffffffffff000);

	return (uint64_t *)(uintptr_t)table + (pasid & 63) * 8;
}

/* PASID entries that are wrong in one way each. */
static void
add_broken(struct world *w)
{
	static const struct {
		unsigned int word;
		uint64_t bits;
	} wrong[] = {
		{0, UINT64_C(1) << 52}, {0, UINT64_C(1) << 5},  {0, UINT64_C(1) << 10},
		{1, UINT64_C(1) << 20}, {2, UINT64_C(1) << 7},  {2, UINT64_C(1) << 1},
		{2, UINT64_C(1) << 3},  {2, UINT64_C(1) << 63}, {0, UINT64_C(4) << 6},
		{0, UINT64_C(7) << 2},  {0, UINT64_C(1)},       {1, UINT64_C(1) << 31},
	};
	const struct siov_domain_conf conf = {
		.kind = SIOV_DOMAIN_NESTED,
		.parent = w->guest[0].dom,
		.fs_root = WORLD_PLAIN,
		.flags = random_flags(w),
	};
	struct world_space *space = add_space(w, &conf, NULL);
	size_t i = world_below(w, RTE_DIM(wrong));

	add_probe(space, 0, 48);
	spoil(w, pasid_entry(w, space->pasid) + wrong[i].word, wrong[i].bits);
	if (world_chance(w, 20))
		spoil(w, directory_entry(w, space->pasid), UINT64_C(1) << world_below(w, 10) << 2);
}

static void
open_unit(struct world *w)
{
	struct siov_atc_conf atc_conf = {.socket_id = -1};
	struct siov_iommu_conf conf;

	atc_conf.entries = 64u << world_below(w, 7);
	fake_mem_init(&w->fm);
	siov_iommu_conf_init(&conf);
	conf.mem = &w->fm.mem;
	assert_int_equal(siov_iommu_create(&conf, &w->iommu), 0);
	assert_int_equal(siov_atc_create(w->iommu, &atc_conf, &w->atc), 0);
	w->ref = (struct ref_unit){
		.pasid_dir = (const void *)(uintptr_t)w->iommu->pasid_dir,
		.ranges = w->range,
		.nb_ranges = RTE_DIM(w->range),
	};
}

static void
keep_shadows(struct world *w)
{
	unsigned int i;

	for (i = 0; i < WORLD_GUESTS; i++)
		memcpy(w->guest[i].shadow, (void *)(uintptr_t)w->guest[i].block,
		       WORLD_TABLES_BYTES);
}

struct world *
world_open(uint64_t seed)
{
	struct world *w = calloc(1, sizeof(*w));
	unsigned int i;
	unsigned int k;

	assert_non_null(w);
	w->seed = seed;
	w->random = (seed + 1) * UINT64_C(0x9e3779b97f4a7c15) | 1;
	open_unit(w);
	w->mmio = reserve(WORLD_MMIO, 2 * MIB);
	add_range(w, WORLD_GUESTS, w->mmio, WORLD_MMIO, true);
	w->odd = reserve(WORLD_ODD + 2 * MIB, 2 * MIB) + 12 * KIB;
	add_range(w, WORLD_GUESTS + 1, w->odd, WORLD_ODD, false);
	for (i = 0; i < WORLD_GUESTS; i++) {
		w->guest[i].block = reserve(WORLD_BLOCK, GIB);
		add_range(w, i, w->guest[i].block, WORLD_BLOCK, false);
		open_guest(w, &w->guest[i]);
		add_second_stage(w, &w->guest[i]);
		for (k = 0; k < 4; k++)
			add_nested(w, &w->guest[i]);
	}
	add_first_stage(w, 4);
	add_first_stage(w, 5);
	add_others(w);
	add_broken(w);
	keep_shadows(w);
	siov_atc_online(w->atc);
	return w;
}

void
world_close(struct world *w)
{
	unsigned int i;

	siov_atc_offline(w->atc);
	put_right(w);
	for (i = 0; i < w->nb_spaces; i++)
		assert_int_equal(siov_pasid_unbind(w->iommu, w->space[i].pasid), 0);
	assert_int_equal(siov_atc_free(w->atc), 0);
	siov_iommu_free(w->iommu);
	assert_int_equal(w->fm.nb_live, 0);
	for (i = 0; i < WORLD_GUESTS; i++) {
		munmap((void *)(uintptr_t)w->guest[i].block, WORLD_BLOCK);
		free(w->guest[i].shadow);
	}
	munmap((void *)(uintptr_t)w->mmio, WORLD_MMIO);
	munmap((void *)(uintptr_t)(w->odd - 12 * KIB), WORLD_ODD + 2 * MIB);
	free(w);
}

/* The last word that the host's tables have for an address. */
static uint64_t *
host_entry(const struct siov_domain *dom, uint64_t iova, unsigned int stop_shift)
{
	uint64_t *table = (uint64_t *)(uintptr_t)dom->pt.root;
	unsigned int shift = dom->conf.levels == 5 ? 48 : 39;
	uint64_t *entry;

	for (;; shift -= 9) {
		entry = &table[iova >> shift & 511];
		if (shift <= stop_shift || (*entry & 3) == 0 || (*entry & 0x80) != 0)
			return entry;
		table = (uint64_t *)(uintptr_t)(*entry & UINT64_C(0x000ffffffffff000));
	}
}

/* Wrong bits in the host's own tables, first or second stage. */
static void
spoil_host_entry(struct world *w, const struct world_space *space)
{
	static const unsigned int stops[] = {12, 12, 21, 30, 39};
	static const unsigned int ss_bits[] = {0, 1, 11, 48, 51, 13, 10, 63};
	static const unsigned int fs_bits[] = {0, 1, 2, 5, 6, 48, 51, 13, 3, 63};
	const struct world_probe *probe = &space->probe[world_below(w, space->nb_probes)];
	unsigned int stop = stops[world_below(w, RTE_DIM(stops))];
	uint64_t *entry = host_entry(space->dom, probe->iova, stop);
	unsigned int bit = space->kind == SIOV_DOMAIN_FIRST_STAGE ?
				   fs_bits[world_below(w, RTE_DIM(fs_bits))] :
				   ss_bits[world_below(w, RTE_DIM(ss_bits))];

	if ((*entry & 3) == 0 || (bit == 13 && (*entry & 0x80) == 0))
		return;
	if ((*entry & RTE_BIT64(62)) != 0)
		return; /* the library's mark of a page of a BAR: the address must stay one */
	if (stop == 39 && world_chance(w, 30))
		bit = 7; /* no page is as large as that */
	spoil(w, entry, RTE_BIT64(bit));
}

static void
change_second_stage(struct world *w, struct world_guest *guest)
{
	unsigned int i;

	map_more(w, guest, 4);
	for (i = 0; i < 4 && guest->nb_maps > 1; i++) {
		unsigned int at = 1 + (unsigned int)world_below(w, guest->nb_maps - 1);
		const struct world_map *map = &guest->map[at];

		assert_int_equal(siov_domain_unmap(guest->dom, map->iova, map->len), 0);
		guest->map[at] = guest->map[--guest->nb_maps];
	}
}

/* The guest writes new entries in place of old ones, or clears what the walks have set. */
static void
change_guest_tables(struct world *w, struct world_space *space)
{
	unsigned int i;

	for (i = 0; i < 32 && space->nb_probes > 0; i++) {
		const struct world_probe *p = &space->probe[world_below(w, space->nb_probes)];

		if (p->entry == NULL)
			continue;
		if (world_chance(w, 50))
			*p->entry &= ~(uint64_t)0x60;
		else
			*p->entry = guest_entry_random(w, space, p->level);
	}
}

static void
invalidate_all(struct world *w)
{
	unsigned int i;

	for (i = 0; i < w->nb_spaces; i++)
		if (siov_pasid_is_bound(w->iommu, w->space[i].pasid))
			assert_int_equal(siov_pasid_invalidate(w->iommu, w->space[i].pasid, 0,
							       RTE_BIT64(63)),
					 0);
	assert_int_equal(siov_iommu_synchronize(w->iommu), 0);
}

void
world_change(struct world *w)
{
	uint32_t broken = w->nb_spaces - 1;
	unsigned int i;

	siov_atc_offline(w->atc);
	put_right(w);
	for (i = 0; i < WORLD_GUESTS; i++)
		change_second_stage(w, &w->guest[i]);
	for (i = 0; i < broken; i++) {
		if (w->space[i].kind == SIOV_DOMAIN_NESTED)
			change_guest_tables(w, &w->space[i]);
		else if (w->space[i].dom->pt.root != NULL)
			spoil_host_entry(w, &w->space[i]);
	}
	invalidate_all(w);
	keep_shadows(w);
	siov_atc_online(w->atc);
}

static uint64_t
count_bits(const uint64_t *table, unsigned int shift)
{
	uint64_t nb = 0;
	unsigned int i;

	for (i = 0; i < 512; i++) {
		nb += (uint64_t)__builtin_popcountll(table[i] & 0x300);
		if ((table[i] & 3) != 0 && shift > 12 && (table[i] & 0x80) == 0)
			nb += count_bits(
				(const uint64_t *)(uintptr_t)(table[i] &
							      UINT64_C(0x0000fffffffff000)),
				shift - 9);
	}
	return nb;
}

uint64_t
world_ss_root(const struct world_guest *guest)
{
	return (uintptr_t)guest->dom->pt.root;
}

uint64_t
world_count_bits(const struct world_guest *guest)
{
	return count_bits((const uint64_t *)(uintptr_t)world_ss_root(guest), 39);
}

struct world_guest *
world_guest_of(struct world *w, const uint64_t *word)
{
	unsigned int i;

	for (i = 0; i < WORLD_GUESTS; i++)
		if ((uintptr_t)word - w->guest[i].block < WORLD_TABLES_BYTES)
			return &w->guest[i];
	return NULL;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "guest_tables.h"

#define GPA_MASK UINT64_C(0x0000fffffffff000) /* 48 bits */
#define PRESENT UINT64_C(1)
#define WRITABLE UINT64_C(2)
#define USER UINT64_C(4)
#define LARGE UINT64_C(0x80)
#define PAT RTE_BIT64(12)
#define AD_BITS UINT64_C(0x60)
#define IGNORED UINT64_C(0xfff0000000000f18) /* 63:52, 11:8, 4:3 */

/* A guest address of the page at hva: mostly the plain one, else through another mapping. */
static uint64_t
gpa_of(struct world *w, const struct world_guest *guest, uint64_t hva)
{
	unsigned int i;

	if (world_chance(w, 75))
		return WORLD_PLAIN + (hva - guest->block);
	for (i = (unsigned int)world_below(w, guest->nb_maps); i < guest->nb_maps; i++)
		if (hva - guest->map[i].hva < guest->map[i].len)
			return guest->map[i].iova + (hva - guest->map[i].hva);
	return WORLD_PLAIN + (hva - guest->block);
}

struct guest_page
guest_page_take(struct world *w, struct world_guest *guest)
{
	uint64_t hva = guest->block + guest->nb_tables++ * PAGE;

	assert_true(guest->nb_tables <= WORLD_TABLES);
	return (struct guest_page){
		.gpa = gpa_of(w, guest, hva),
		.hva = (uint64_t *)(uintptr_t)hva,
	};
}

/* Bits that every entry has. */
static uint64_t
random_bits(struct world *w)
{
	uint64_t bits = PRESENT;

	bits |= world_chance(w, 80) ? WRITABLE : 0;
	bits |= world_chance(w, 90) ? USER : 0;
	if (world_chance(w, 40))
		bits |= world_random(w) & AD_BITS;
	if (world_chance(w, 30))
		bits |= world_random(w) & IGNORED;
	return bits;
}

/* An address that the second stage knows, mostly. */
static uint64_t
random_gpa(struct world *w, const struct world_guest *guest)
{
	const struct world_map *map = &guest->map[world_below(w, guest->nb_maps)];

	if (world_chance(w, 90))
		return map->iova + (world_below(w, map->len) & ~(PAGE - 1));
	if (world_chance(w, 50))
		return world_below(w, 128 * MIB) & ~(PAGE - 1);
	return world_random(w) & GPA_MASK;
}

/* Address and PS of a large page; unaligned, or too large for the level's tables, once in a while. */
static uint64_t
large_page(struct world *w, uint64_t gpa, unsigned int level)
{
	uint64_t size = PAGE << 9 * (level - 1);

	if (!world_chance(w, 6))
		gpa &= ~(size - 1);
	if (world_chance(w, 30))
		gpa |= PAT;
	return gpa | LARGE;
}

uint64_t
guest_entry_random(struct world *w, const struct world_space *space, unsigned int level)
{
	const struct world_guest *guest = space->guest;
	uint64_t gpa = random_gpa(w, guest);
	uint64_t bits = random_bits(w);

	switch (world_below(w, 12)) {
	case 0:
		return world_random(w); /* garbage */
	case 1:
		return (world_random(w) & ~PRESENT);
	case 2:
		return bits | gpa | RTE_BIT64(48 + world_below(w, 4));
	case 3: /* some page of tables, also our own, whatever its level is */
		gpa = gpa_of(w, guest, guest->block + world_below(w, guest->nb_tables) * PAGE);
		return bits | gpa;
	case 4:
		return bits | large_page(w, gpa, level);
	default:
		return bits | (level > 1 && level < 4 ? large_page(w, gpa, level) : gpa);
	}
}

static uint64_t
canonical(uint64_t iova, unsigned int levels)
{
	unsigned int spare = 64 - (12 + 9 * levels);

	return (uint64_t)((int64_t)(iova << spare) >> spare);
}

static unsigned int
random_index(struct world *w)
{
	static const unsigned int borders[] = {0, 1, 255, 256, 511};

	if (world_chance(w, 40))
		return borders[world_below(w, RTE_DIM(borders))];
	return (unsigned int)world_below(w, 512);
}

/* All of a page garbage, of which a part looks like entries. */
static void
fill_with_garbage(struct world *w, uint64_t *page)
{
	unsigned int i;

	for (i = 0; i < 512; i++) {
		page[i] = world_random(w);
		if (world_chance(w, 70))
			page[i] = (page[i] & UINT64_C(0x3fff067)) | PRESENT;
	}
}

/* One entry; below the top levels mostly a table. */
static uint64_t
fill_entry(struct world *w, struct world_space *space, unsigned int level, uint64_t iova)
{
	unsigned int percent = level >= 4 ? 85 : level > 1 ? 60 : 0;
	struct guest_page child;

	if (!world_chance(w, percent) || space->guest->nb_tables >= WORLD_TABLES - 8)
		return guest_entry_random(w, space, level);
	child = guest_page_take(w, space->guest);
	if (world_chance(w, 4))
		fill_with_garbage(w, child.hva);
	else
		guest_table_fill(w, space, child, level - 1, iova);
	return random_bits(w) | child.gpa;
}

void
guest_table_fill(struct world *w, struct world_space *space, struct guest_page page,
		 unsigned int level, uint64_t iova)
{
	unsigned int nb = level == 1 ? 6 : 2 + (unsigned int)world_below(w, 3);
	unsigned int shift = 12 + 9 * (level - 1);
	uint64_t below;
	unsigned int i;

	for (; nb > 0; nb--) {
		i = random_index(w);
		below = iova | (uint64_t)i << shift;
		page.hva[i] = fill_entry(w, space, level, below);
		if (space->nb_probes == WORLD_PROBES)
			continue;
		space->probe[space->nb_probes++] = (struct world_probe){
			.iova = canonical(below, space->levels),
			.shift = shift,
			.entry = &page.hva[i],
			.level = level,
		};
	}
}

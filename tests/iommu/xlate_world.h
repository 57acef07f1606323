/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file
 * A random world of address spaces on one unit, with real memory behind it: two guests, each with a
 * second stage and guest tables of four and five levels, valid and broken; first-stage domains of
 * the host; pass-through; our own process; PASIDs whose entries are broken.
 *
 *     struct world *w = world_open(seed);
 *     ... siov_atc_translate(w->atc, ...) is compared with ref_translate(&w->ref, ...) ...
 *     world_change(w);            tables change, and what changed is invalidated
 *     world_close(w);
 *
 * Thread: one; the cache is online between open and close.
 */
#ifndef XLATE_WORLD_H
#define XLATE_WORLD_H

#include "iommu_fixture.h"
#include "ref_xlate.h"

#define WORLD_GUESTS 2u
#define WORLD_SPACES 24u
#define WORLD_MAPS 64u
#define WORLD_PROBES 1024u
#define WORLD_TABLES 1024u /* pages for guests' tables */
#define WORLD_TABLES_BYTES (WORLD_TABLES * PAGE)
#define WORLD_BLOCK (2 * GIB) /* memory of a guest, nearly all of it never touched */
#define WORLD_MMIO (3 * MIB + 64 * KIB) /* ends within a large page */
#define WORLD_ODD (3 * MIB + 20 * KIB)
#define WORLD_PLAIN (64 * GIB) /* guest address where all tables can be read and written */

/* What a second-stage or first-stage domain of the host maps. */
struct world_map {
	uint64_t iova;
	uint64_t hva;
	uint64_t len;
	unsigned int perm;
};

struct world_guest {
	struct siov_domain *dom;
	uint64_t block; /* hva; the first WORLD_TABLES pages are for tables */
	uint64_t *shadow; /* what these should hold */
	unsigned int nb_tables;
	struct world_map map[WORLD_MAPS];
	unsigned int nb_maps;
	unsigned int max_shift;
};

/* An address that leads to an entry somebody wrote, which translates 2^shift bytes. */
struct world_probe {
	uint64_t iova;
	unsigned int shift;
	uint64_t *entry; /* nested: the entry; else NULL */
	unsigned int level;
};

/* An address space and its PASID. */
struct world_space {
	uint32_t pasid;
	enum siov_domain_kind kind;
	struct siov_domain *dom;
	struct world_guest *guest;
	unsigned int levels;
	struct world_probe probe[WORLD_PROBES];
	unsigned int nb_probes;
};

/* A word of the unit's own tables that was spoiled, to be put right before it is taken down. */
struct world_spoiled {
	uint64_t *word;
	uint64_t bits; /* that were changed */
};

struct world {
	uint64_t seed;
	uint64_t random;
	struct fake_mem fm;
	struct siov_iommu *iommu;
	struct siov_atc *atc;
	struct world_guest guest[WORLD_GUESTS];
	uint64_t mmio;
	uint64_t odd; /* memory that begins and ends within large pages */
	struct ref_range range[WORLD_GUESTS + 2];
	struct ref_unit ref;
	struct world_space space[WORLD_SPACES];
	unsigned int nb_spaces;
	struct world_spoiled spoiled[64];
	unsigned int nb_spoiled;
};

uint64_t world_random(struct world *w);
uint64_t world_below(struct world *w, uint64_t n);

/* True n times in 100. */
bool world_chance(struct world *w, unsigned int percent);

struct world *world_open(uint64_t seed);
void world_close(struct world *w);

/* Change tables of all kinds, at random. */
void world_change(struct world *w);

/* Accessed and dirty bits set in the second stage of a guest. */
uint64_t world_count_bits(const struct world_guest *guest);

/* Address of the top table of its second stage. */
uint64_t world_ss_root(const struct world_guest *guest);

/* The guest whose tables a word belongs to, or NULL. */
struct world_guest *world_guest_of(struct world *w, const uint64_t *word);

#endif /* XLATE_WORLD_H */

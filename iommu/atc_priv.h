/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Writing entries of a cache; by its owner only.
 */
#ifndef ATC_PRIV_H
#define ATC_PRIV_H

#include <string.h>

#include "iommu_priv.h"
#include "siov_atc.h"

/* A counter with one writer. */
static inline void
atc_count(SIOV_ATOMIC(uint64_t) *counter, uint64_t n)
{
	siov_atomic_store(counter, siov_atomic_load(counter, relaxed) + n, relaxed);
}

static inline uint64_t
atc_nb_entries(const struct siov_atc *atc)
{
	return atc->mask_bytes / sizeof(struct siov_atc_entry) + 1;
}

static inline struct siov_atc_entry *
atc_entry_at(struct siov_atc *atc, uint64_t offset)
{
	return (struct siov_atc_entry *)((char *)atc->entry + offset);
}

static inline unsigned int
atc_shift_of(uint64_t tag)
{
	return (tag & SIOV_ATC_TAG_2M) != 0 ? SIOV_ATC_SHIFT_2M : SIOV_ATC_SHIFT_4K;
}

/*
 * Where in the set, in bytes from home by xor, an entry of the tag is; 0 when it is at home or not
 * there. Without branches: the way is as good as random.
 */
static inline uint64_t
atc_away_from_home(struct siov_atc *atc, uint64_t tag, uint64_t home)
{
	uint64_t way1 = atc_entry_at(atc, home ^ 16)->tag == tag;
	uint64_t way2 = atc_entry_at(atc, home ^ 32)->tag == tag;
	uint64_t way3 = atc_entry_at(atc, home ^ 48)->tag == tag;

	return (way1 | way3) << 4 | (way2 | way3) << 5;
}

static_assert(sizeof(struct siov_atc_entry) == 16, "ways are 16 bytes apart");

/* Where in the set, from home, the first empty way is; 0 when there is none. */
static inline uint64_t
atc_away_to_empty(struct siov_atc *atc, uint64_t home)
{
	uint64_t way1 = atc_entry_at(atc, home ^ 16)->tag & SIOV_ATC_TAG_EMPTY;
	uint64_t way2 = atc_entry_at(atc, home ^ 32)->tag & SIOV_ATC_TAG_EMPTY;
	uint64_t way3 = atc_entry_at(atc, home ^ 48)->tag & SIOV_ATC_TAG_EMPTY;

	if (likely((way1 | way2 | way3) == 0))
		return 0;
	if (way1 != 0)
		return 16;
	return way2 != 0 ? 32 : 48;
}

/* Where what is at home goes: an empty way, else each in turn. */
static inline struct siov_atc_entry *
atc_victim(struct siov_atc *atc, uint64_t home)
{
	uint64_t away = atc_away_to_empty(atc, home);

	if (likely(away == 0)) {
		away = atc->victim;
		atc->victim = away == 48 ? 16 : (uint32_t)away + 16;
	}
	return atc_entry_at(atc, home ^ away);
}

/* Change places with what is at home. */
static inline void
atc_bring_home(struct siov_atc *atc, uint64_t home, uint64_t away)
{
	struct siov_atc_entry *a = atc_entry_at(atc, home);
	struct siov_atc_entry *b = atc_entry_at(atc, home ^ away);
	struct siov_atc_entry tmp = *a;

	*a = *b;
	*b = tmp;
}

/* The first granule: what all lookups look for first until there is one of another size. */
static inline void
atc_adopt_shift(struct siov_atc *atc, unsigned int shift)
{
	atc->has_granule = RTE_BIT32(shift);
	atc->only_shift = shift;
	memset(atc->hint, (int)shift, sizeof(atc->hint));
}

/* Enter a translation that is at home or nowhere in its set. */
static inline void
atc_enter(struct siov_atc *atc, uint64_t tag, uint64_t home, uint64_t data)
{
	struct siov_atc_entry *entry = atc_entry_at(atc, home);
	unsigned int shift = atc_shift_of(tag);

	if (unlikely((atc->has_granule & RTE_BIT32(shift)) == 0)) {
		if (atc->has_granule == 0)
			atc_adopt_shift(atc, shift);
		atc->has_granule |= RTE_BIT32(shift);
	}
	if (entry->tag != SIOV_ATC_TAG_EMPTY && entry->tag != tag)
		*atc_victim(atc, home) = *entry;
	entry->tag = tag;
	entry->data = data;
}

/* Make sure that the tag is at home if it is in its set at all; true when it is there. */
static inline bool
atc_find_home(struct siov_atc *atc, uint64_t tag, uint64_t home)
{
	uint64_t away = atc_away_from_home(atc, tag, home);

	if (away != 0)
		atc_bring_home(atc, home, away);
	return atc_entry_at(atc, home)->tag == tag;
}

/* Entry of a PASID, or NULL; its P bit is not looked at. Thread: owner, online. */
static inline const struct siov_vtd_pasid_entry *
atc_pasid_entry(const struct siov_atc *atc, uint32_t pasid)
{
	uint64_t pde;

	if (pasid > SIOV_PASID_MAX)
		return NULL;
	/* A5: pairs with R5 in add_table() of pasid.c */
	pde = siov_atomic_load(&atc->pasid_dir[pasid >> SIOV_VTD_PASID_DIR_SHIFT], acquire);
	if ((pde & SIOV_VTD_PDE_P) == 0)
		return NULL;
	return (const struct siov_vtd_pasid_entry *)(uintptr_t)(pde & SIOV_VTD_ADDR_MASK) +
	       (pasid & SIOV_VTD_PASID_TABLE_MASK);
}

/* Drop what is remembered of guests' table pages. */
static inline void
atc_forget_nest(struct siov_atc *atc)
{
	memset(atc->nest, 0xff, sizeof(atc->nest));
	atc->has_nest = false;
}

/* What the next lookup of this region looks for first. */
static inline void
atc_set_hint(struct siov_atc *atc, uint32_t pasid, uint64_t iova, unsigned int shift)
{
	atc->hint[siov_atc_hint_slot(pasid, iova)] = (uint8_t)shift;
	atc->only_shift = 0;
}

#endif /* ATC_PRIV_H */

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Writing entries of a cache; by its owner only.
 */
#ifndef ATC_PRIV_H
#define ATC_PRIV_H

#include "iommu_priv.h"
#include "siov_atc.h"

/* A counter with one writer. */
static inline void
atc_count(SIOV_ATOMIC(uint64_t) *counter, uint64_t n)
{
	siov_atomic_store(counter, siov_atomic_load(counter, relaxed) + n, relaxed);
}

static inline uint64_t
atc_nb_sets(const struct siov_atc *atc)
{
	return atc->set_mask_bytes / sizeof(struct siov_atc_set) + 1;
}

static inline void
atc_clear_set(struct siov_atc_set *set)
{
	unsigned int way;

	for (way = 0; way < SIOV_ATC_WAYS; way++)
		set->tag[way] = SIOV_ATC_TAG_EMPTY;
}

/* Way to write: the tag's own, else an empty one, else any. */
static inline unsigned int
atc_way_for(struct siov_atc *atc, const struct siov_atc_set *set, uint64_t tag)
{
	unsigned int ways = siov_atc_match(set, tag);

	if (ways == 0)
		ways = siov_atc_match(set, SIOV_ATC_TAG_EMPTY);
	if (unlikely(ways != 0))
		return (unsigned int)__builtin_ctz(ways);
	atc->victim = atc->victim * 1664525 + 1013904223;
	return atc->victim >> 30;
}

/* Enter a translation; shift is that of the granule. */
static inline void
atc_insert(struct siov_atc *atc, uint32_t pasid, uint64_t iova, unsigned int shift, uint64_t data)
{
	uint64_t tag = siov_atc_tag(pasid, iova, shift);
	struct siov_atc_set *set = siov_atc_set_of(atc, tag, iova, shift);
	unsigned int way = atc_way_for(atc, set, tag);

	set->tag[way] = tag;
	set->data[way] = data;
	atc->hint[siov_atc_hint_slot(pasid, iova)] = (uint8_t)shift;
	atc->has_granule |= RTE_BIT32(shift);
}

#endif /* ATC_PRIV_H */

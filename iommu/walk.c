/* SPDX-License-Identifier: BSD-3-Clause */
/* What a cache does when an entry is not there: one walk, or many together. */
#include "atc_priv.h"
#include "walk_priv.h"

static int
permission_fault(unsigned int denied)
{
	if ((denied & (SIOV_PERM_W | SIOV_PERM_PRIV_W)) != 0)
		return SIOV_FAULT_NO_WRITE;
	return denied != 0 ? SIOV_FAULT_NO_READ : 0;
}

static struct siov_xlate
no_xlate(int reason)
{
	return (struct siov_xlate){.hva = NULL, .len = (uint64_t)reason};
}

/* The answer to a lookup: hva, unless the entry's data deny the permission. */
static struct siov_xlate
answer(uint64_t hva, uint64_t data, unsigned int shift, uint64_t iova, unsigned int perm_needed)
{
	unsigned int denied = perm_needed & (unsigned int)(data & SIOV_ATC_DATA_DENIED);

	if (unlikely(denied != 0))
		return no_xlate(permission_fault(denied));
	return (struct siov_xlate){.hva = (void *)(uintptr_t)hva,
				   .len = -(iova | UINT64_MAX << shift)};
}

/* Enter what a walk found, where nobody has looked before. */
static void
enter_walk(struct siov_atc *atc, uint32_t pasid, uint64_t iova, unsigned int shift, uint64_t data)
{
	uint64_t tag = siov_atc_tag(pasid, iova, shift);
	uint64_t home = siov_atc_home(atc, tag);
	bool is_first = atc->has_granule == 0;

	atc_find_home(atc, tag, home);
	atc_enter(atc, tag, home, data);
	if (!is_first)
		atc_set_hint(atc, pasid, iova, shift);
}

/* True when granules of the other size than the tag's were entered at some time. */
static inline bool
has_other(const struct siov_atc *atc, uint64_t tag)
{
	return (atc->has_granule & RTE_BIT32(atc_shift_of(~tag))) != 0;
}

/* Look for the other granule size than the tag's; NULL when it is not cached. */
static const struct siov_atc_entry *
find_other(struct siov_atc *atc, uint64_t other_than, uint64_t iova)
{
	unsigned int shift = atc_shift_of(~other_than);
	uint32_t pasid = other_than & SIOV_PASID_MAX;
	uint64_t tag;
	uint64_t home;

	tag = siov_atc_tag(pasid, iova, shift);
	home = siov_atc_home(atc, tag);
	if (!atc_find_home(atc, tag, home))
		return NULL;
	atc_set_hint(atc, pasid, iova, shift);
	return atc_entry_at(atc, home);
}

/*
 * The rest of a lookup: the other ways, the other granule size. NULL: not cached, or without the
 * permission, which is no hit: the tables may allow more by now.
 */
static const struct siov_atc_entry *
find_elsewhere(struct siov_atc *atc, uint64_t tag, uint64_t home, uint64_t iova,
	       unsigned int perm_needed)
{
	const struct siov_atc_entry *entry = NULL;

	if (atc_find_home(atc, tag, home))
		entry = atc_entry_at(atc, home);
	else if (unlikely(has_other(atc, tag)))
		entry = find_other(atc, tag, iova);
	if (likely(entry == NULL) || (perm_needed & entry->data & SIOV_ATC_DATA_DENIED) != 0)
		return NULL;
	return entry;
}

/* A key that no tag can hold: walked each time. */
static struct siov_xlate
walk_beyond(struct siov_atc *atc, uint32_t pasid, uint64_t iova, unsigned int perm_needed)
{
	struct walk w = {0};
	int rc;

	atc_count(&atc->misses, 1);
	rc = walk_all(&w, atc, pasid, iova, perm_needed);
	if (rc == 0)
		return answer(w.hva, w.data, w.shift, iova, perm_needed);
	atc_count(&atc->faults, 1);
	return no_xlate(rc);
}

/* The pasid is in the tag too, but a walk need not wait for that. */
struct siov_xlate
siov_atc_miss(struct siov_atc *atc, uint32_t pasid, uint64_t tag, uint64_t home, uint64_t iova,
	      unsigned int perm_needed)
{
	const struct siov_atc_entry *entry;
	struct siov_xlate found;
	struct walk w = {0};
	int rc;

	if (unlikely(siov_atc_is_beyond(pasid, iova)))
		return walk_beyond(atc, pasid, iova, perm_needed);
	entry = find_elsewhere(atc, tag, home, iova, perm_needed);
	if (entry != NULL) {
		atc_count(&atc->second_probes, 1);
		return answer(iova + (entry->data & SIOV_ATC_DATA_DELTA), entry->data,
			      atc_shift_of(entry->tag), iova, perm_needed);
	}
	atc_count(&atc->misses, 1);
	rc = walk_all(&w, atc, pasid, iova, perm_needed);
	if (unlikely(rc != 0)) {
		atc_count(&atc->faults, rc != SIOV_XLATE_PROCESS);
		return no_xlate(rc);
	}
	if (likely(w.shift == atc_shift_of(tag)))
		atc_enter(atc, tag, home, w.data);
	else
		enter_walk(atc, w.pasid, iova, w.shift, w.data);
	found = answer(w.hva, w.data, w.shift, iova, perm_needed);
	if (unlikely(found.hva == NULL))
		atc_count(&atc->faults, 1);
	return found;
}

/* Keys of a burst and their walks; live[] names those that have still to be walked. */
struct fill {
	uint64_t tag[SIOV_ATC_BURST_MAX];
	uint64_t home[SIOV_ATC_BURST_MAX];
	struct walk walk[SIOV_ATC_BURST_MAX];
	uint8_t live[SIOV_ATC_BURST_MAX];
	unsigned int nb_live;
};

static void
fill_prefetch(struct siov_atc *atc, struct fill *f, const uint32_t *pasid, const uint64_t *iova,
	      unsigned int n)
{
	unsigned int shift;
	unsigned int i;

	for (i = 0; i < n; i++) {
		shift = atc->hint[siov_atc_hint_slot(pasid[i], iova[i])];
		f->tag[i] = siov_atc_tag(pasid[i], iova[i], shift);
		f->home[i] = siov_atc_home(atc, f->tag[i]);
		rte_prefetch0(atc_entry_at(atc, f->home[i]));
	}
}

/* Without branches: which keys miss is as good as random. */
static void
fill_select(struct siov_atc *atc, struct fill *f, unsigned int n)
{
	unsigned int i;

	f->nb_live = 0;
	for (i = 0; i < n; i++) {
		f->live[f->nb_live] = (uint8_t)i;
		f->nb_live += atc_entry_at(atc, f->home[i])->tag != f->tag[i];
	}
}

static bool
is_elsewhere(struct siov_atc *atc, uint64_t tag, uint64_t home, uint64_t iova)
{
	if (atc_find_home(atc, tag, home))
		return true;
	return has_other(atc, tag) && find_other(atc, tag, iova) != NULL;
}

/* Begin the walks of keys that are nowhere; those that cannot be cached fault on their own. */
static void
fill_begin(struct siov_atc *atc, struct fill *f, const uint32_t *pasid, const uint64_t *iova)
{
	unsigned int nb = f->nb_live;
	unsigned int i;
	unsigned int k;

	f->nb_live = 0;
	for (k = 0; k < nb; k++) {
		i = f->live[k];
		if (siov_atc_is_beyond(pasid[i], iova[i]) ||
		    is_elsewhere(atc, f->tag[i], f->home[i], iova[i]))
			continue;
		walk_begin(&f->walk[i], atc, pasid[i], iova[i]);
		rte_prefetch0(f->walk[i].next);
		f->live[f->nb_live++] = (uint8_t)i;
	}
}

static void
fill_done(struct siov_atc *atc, struct fill *f, unsigned int i)
{
	const struct walk *w = &f->walk[i];

	if (likely(w->shift == atc_shift_of(f->tag[i]))) {
		atc_find_home(atc, f->tag[i], f->home[i]); /* twice in the burst */
		atc_enter(atc, f->tag[i], f->home[i], w->data);
		return;
	}
	enter_walk(atc, w->pasid, w->iova, w->shift, w->data);
}

enum fill_step { FILL_DIR, FILL_PASID, FILL_LEVEL };

static inline int
take_step(struct siov_atc *atc, struct walk *w, enum fill_step step, unsigned int shift)
{
	if (step == FILL_DIR)
		return walk_dir(w);
	return step == FILL_PASID ? walk_pasid(w, atc, 0) : walk_level(w, shift);
}

/*
 * One step of every walk. What it reads was prefetched by the step before. Walks that are done
 * enter the cache, those that fault are forgotten, the others stay live.
 */
static inline void
fill_step(struct siov_atc *atc, struct fill *f, enum fill_step step, unsigned int shift)
{
	unsigned int nb = f->nb_live;
	unsigned int i;
	unsigned int k;
	int rc;

	f->nb_live = 0;
	for (k = 0; k < nb; k++) {
		i = f->live[k];
		rc = take_step(atc, &f->walk[i], step, shift);
		if (rc == WALK_DONE)
			fill_done(atc, f, i);
		if (rc != WALK_MORE)
			continue;
		rte_prefetch0(f->walk[i].next);
		f->live[f->nb_live++] = (uint8_t)i;
	}
}

unsigned int
siov_atc_fill_burst(struct siov_atc *atc, const uint32_t *pasid, const uint64_t *iova,
		    unsigned int n)
{
	struct fill f;
	unsigned int missed;

	n = RTE_MIN(n, SIOV_ATC_BURST_MAX);
	fill_prefetch(atc, &f, pasid, iova, n);
	fill_select(atc, &f, n);
	if (likely(f.nb_live == 0))
		return 0;
	fill_begin(atc, &f, pasid, iova);
	missed = f.nb_live;
	atc_count(&atc->misses, missed);
	fill_step(atc, &f, FILL_DIR, 0);
	fill_step(atc, &f, FILL_PASID, 0);
	fill_step(atc, &f, FILL_LEVEL, 39);
	fill_step(atc, &f, FILL_LEVEL, 30);
	fill_step(atc, &f, FILL_LEVEL, 21);
	fill_step(atc, &f, FILL_LEVEL, 12);
	return missed;
}

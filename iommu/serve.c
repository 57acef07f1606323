/* SPDX-License-Identifier: BSD-3-Clause */
/* The engine's side of invalidation: drop entries, then acknowledge. See inval_priv.h. */
#include "atc_priv.h"

/* First page of 4 KiB that an entry translates; the set index gives what the tag leaves out. */
static uint64_t
entry_first_page(uint64_t tag, uint64_t set_idx)
{
	uint64_t low = (set_idx ^ siov_atc_mix(tag)) & 63;
	uint64_t high = (tag & ~SIOV_ATC_TAG_2M) >> SIOV_PASID_BITS << 6;

	return (tag & SIOV_ATC_TAG_2M) != 0 ? high | low << 9 : high | low;
}

/* More than asked for may be dropped: an entry keeps only the low bits of the domain id. */
static bool
is_hit_by(const struct inval_req *req, uint64_t tag, uint64_t data, uint64_t set_idx)
{
	uint64_t did = (uint64_t)req->did << SIOV_ATC_DATA_DID_SHIFT;
	uint64_t did_bits = SIOV_ATC_DATA_DID_MASK << SIOV_ATC_DATA_DID_SHIFT;
	uint64_t nb_pages = (tag & SIOV_ATC_TAG_2M) != 0 ? 512 : 1;
	uint64_t first;

	if (tag == SIOV_ATC_TAG_EMPTY)
		return false;
	if (req->type == INVAL_ALL)
		return true;
	if (req->type == INVAL_PASID && (tag & SIOV_PASID_MAX) != req->pasid)
		return false;
	if (req->type == INVAL_DOMAIN && ((data ^ did) & did_bits) != 0)
		return false;
	first = entry_first_page(tag, set_idx);
	return first < req->end_page && first + nb_pages > req->first_page;
}

static void
clear_way(struct siov_atc *atc, struct siov_atc_set *set, unsigned int way)
{
	set->tag[way] = SIOV_ATC_TAG_EMPTY;
	atc_count(&atc->inval_entries, 1);
}

/* Look up the granules of one size, one by one. */
static void
probe_granules(struct siov_atc *atc, const struct inval_req *req, unsigned int shift)
{
	unsigned int to_granule = shift - SIOV_VTD_PAGE_SHIFT;
	uint64_t granule = req->first_page >> to_granule;
	uint64_t last = (req->end_page - 1) >> to_granule;
	struct siov_atc_set *set;
	unsigned int ways;
	uint64_t iova;
	uint64_t tag;

	for (; granule <= last; granule++) {
		iova = granule << shift;
		tag = siov_atc_tag(req->pasid, iova, shift);
		set = siov_atc_set_of(atc, tag, iova, shift);
		ways = siov_atc_match(set, tag);
		if (ways != 0)
			clear_way(atc, set, (unsigned int)__builtin_ctz(ways));
	}
}

static uint64_t
nb_granules(const struct inval_req *req)
{
	uint64_t nb_pages = req->end_page - req->first_page;
	uint64_t nb = 0;

	if ((req->leaves & INVAL_LEAF_4K) != 0)
		nb += nb_pages;
	if ((req->leaves & INVAL_LEAF_2M) != 0)
		nb += (nb_pages >> 9) + 2;
	return nb;
}

static bool
can_probe(const struct inval_req *req)
{
	return req->type == INVAL_PASID && req->end_page - req->first_page < UINT64_MAX / 2 &&
	       nb_granules(req) <= INVAL_PROBES_MAX;
}

/* One by one; the work is bounded by INVAL_PROBES_MAX. */
static void
probe(struct siov_atc *atc, const struct inval_req *req)
{
	if ((req->leaves & INVAL_LEAF_4K) != 0)
		probe_granules(atc, req, SIOV_ATC_SHIFT_4K);
	if ((req->leaves & INVAL_LEAF_2M) != 0)
		probe_granules(atc, req, SIOV_ATC_SHIFT_2M);
}

/* Look at up to max_sets sets; true when the last one has been. */
static bool
scan(struct siov_atc *atc, uint64_t *max_sets)
{
	struct siov_atc_mail *mail = atc->mail;
	uint64_t nb_sets = atc_nb_sets(atc);
	struct siov_atc_set *set;
	unsigned int way;

	for (; *max_sets > 0 && mail->serving_set < nb_sets; (*max_sets)--) {
		set = &atc->sets[mail->serving_set];
		for (way = 0; way < SIOV_ATC_WAYS; way++)
			if (is_hit_by(&mail->serving, set->tag[way], set->data[way],
				      mail->serving_set))
				clear_way(atc, set, way);
		mail->serving_set++;
	}
	return mail->serving_set == nb_sets;
}

/* Take the next request; a full ring in between makes it one flush up to the newest. */
static void
start_request(struct siov_atc *atc, uint64_t posted)
{
	struct siov_atc_mail *mail = atc->mail;

	if (siov_atomic_load(&mail->flush_upto, relaxed) > atc->done) {
		mail->serving = (struct inval_req){.type = INVAL_ALL};
		mail->serving_upto = posted;
	} else {
		mail->serving = mail->ring[(atc->done + 1) % INVAL_RING];
		mail->serving_upto = atc->done + 1;
	}
	mail->serving_set = 0;
	mail->is_serving = true;
}

static void
finish_request(struct siov_atc *atc)
{
	struct siov_atc_mail *mail = atc->mail;

	mail->is_serving = false;
	atc->done = mail->serving_upto;
	atc_count(&atc->invalidations, 1);
	/* R3: slot read, entries dropped, old hvas no longer used; pairs with A2, A3 of inval.c */
	siov_atomic_store(&mail->acked, atc->done, release);
}

void
siov_atc_serve(struct siov_atc *atc)
{
	uint64_t posted = siov_atomic_load(atc->posted, acquire); /* A1 */
	uint64_t max_sets = INVAL_SLICE_SETS;
	struct siov_atc_mail *mail = atc->mail;

	while (atc->done != posted && max_sets > 0) {
		if (!mail->is_serving)
			start_request(atc, posted);
		if (can_probe(&mail->serving)) {
			probe(atc, &mail->serving);
			max_sets -= RTE_MIN(max_sets, INVAL_PROBES_MAX);
		} else if (!scan(atc, &max_sets)) {
			return;
		}
		finish_request(atc);
	}
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* The engine's side of invalidation: drop entries, then acknowledge. See inval_priv.h. */
#include "atc_priv.h"

/* First page of 4 KiB that an entry translates. */
static uint64_t
first_page_of(uint64_t tag)
{
	return (tag & ~SIOV_ATC_TAG_2M) >> (SIOV_ATC_TAG_IOVA_SHIFT + SIOV_VTD_PAGE_SHIFT);
}

/* More than asked for may be dropped: an entry keeps only the low bits of the domain id. */
static bool
is_hit_by(const struct inval_req *req, uint64_t tag, uint64_t data)
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
	first = first_page_of(tag);
	return first < req->end_page && first + nb_pages > req->first_page;
}

static void
drop(struct siov_atc *atc, struct siov_atc_entry *entry)
{
	entry->tag = SIOV_ATC_TAG_EMPTY;
	atc_count(&atc->inval_entries, 1);
}

/* Look up the granules of one size, one by one. */
static void
probe_granules(struct siov_atc *atc, const struct inval_req *req, unsigned int shift)
{
	unsigned int to_granule = shift - SIOV_VTD_PAGE_SHIFT;
	uint64_t granule = req->first_page >> to_granule;
	uint64_t last = (req->end_page - 1) >> to_granule;
	uint64_t home;
	uint64_t tag;

	for (; granule <= last; granule++) {
		tag = siov_atc_tag(req->pasid, granule << shift, shift);
		home = siov_atc_home(atc, tag);
		if (atc_find_home(atc, tag, home))
			drop(atc, atc_entry_at(atc, home));
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

/* Look at up to *max_entries entries; true when the last one has been. */
static bool
scan(struct siov_atc *atc, uint64_t *max_entries)
{
	struct siov_atc_mail *mail = atc->mail;
	uint64_t nb = atc_nb_entries(atc);
	struct siov_atc_entry *entry;

	for (; *max_entries > 0 && mail->serving_entry < nb; (*max_entries)--) {
		entry = &atc->entry[mail->serving_entry];
		if (is_hit_by(&mail->serving, entry->tag, entry->data))
			drop(atc, entry);
		mail->serving_entry++;
	}
	return mail->serving_entry == nb;
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
	mail->serving_entry = 0;
	mail->is_serving = true;
	if (atc->has_nest)
		atc_forget_nest(atc);
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
	uint64_t max_entries = INVAL_SLICE_ENTRIES;
	struct siov_atc_mail *mail = atc->mail;

	while (atc->done != posted && max_entries > 0) {
		if (!mail->is_serving)
			start_request(atc, posted);
		if (can_probe(&mail->serving)) {
			probe(atc, &mail->serving);
			max_entries -= RTE_MIN(max_entries, INVAL_PROBES_MAX);
		} else if (!scan(atc, &max_entries)) {
			return;
		}
		finish_request(atc);
	}
}

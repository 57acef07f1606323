/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>

#include "siov_guest_pt.h"

#define PAGE SIOV_VTD_PAGE_SIZE
#define TABLE_BITS (SIOV_VTD_FS_P | SIOV_VTD_FS_W | SIOV_VTD_FS_US)

typedef SIOV_ATOMIC(uint64_t) word_t;

struct siov_guest_pt {
	struct siov_guest_pt_conf conf;
	uint64_t root; /* guest-physical */
	uint64_t nb_used; /* bytes of the room for tables */
};

static uint64_t
size_of(unsigned int shift)
{
	return UINT64_C(1) << shift;
}

static int
check_conf(const struct siov_guest_pt_conf *conf)
{
	unsigned int shift = conf->max_page_shift;

	if (conf->hva == NULL || (conf->levels != 4 && conf->levels != 5))
		return -EINVAL;
	if (shift != 12 && shift != 21 && shift != 30)
		return -EINVAL;
	if (((uint64_t)(uintptr_t)conf->hva | conf->gpa | conf->tables | conf->room) % PAGE != 0)
		return -EINVAL;
	if (conf->room == 0 || conf->tables > conf->size || conf->room > conf->size - conf->tables)
		return -EINVAL;
	return 0;
}

/* A cleared table: its guest-physical address, or 0 when the room is used up. */
static uint64_t
take_table(struct siov_guest_pt *pt)
{
	uint64_t offset = pt->conf.tables + pt->nb_used;

	if (pt->nb_used == pt->conf.room)
		return 0;
	memset((char *)pt->conf.hva + offset, 0, PAGE);
	pt->nb_used += PAGE;
	return pt->conf.gpa + offset;
}

static word_t *
word_of(const struct siov_guest_pt *pt, uint64_t table, uint64_t gva, unsigned int shift)
{
	char *page = (char *)pt->conf.hva + ((table & SIOV_VTD_ADDR_MASK) - pt->conf.gpa);

	return (word_t *)(void *)page + (gva >> shift) % SIOV_VTD_SS_ENTRIES;
}

int
siov_guest_pt_create(const struct siov_guest_pt_conf *conf, struct siov_guest_pt **out)
{
	struct siov_guest_pt *pt;

	if (conf == NULL || out == NULL || check_conf(conf) != 0)
		return -EINVAL;
	pt = calloc(1, sizeof(*pt));
	if (pt == NULL)
		return -ENOMEM;
	pt->conf = *conf;
	pt->root = take_table(pt);
	*out = pt;
	return 0;
}

void
siov_guest_pt_free(struct siov_guest_pt *pt)
{
	free(pt);
}

uint64_t
siov_guest_pt_root(const struct siov_guest_pt *pt)
{
	return pt->root;
}

static unsigned int
top_shift(const struct siov_guest_pt *pt)
{
	return pt->conf.levels == 5 ? 48 : 39;
}

static bool
is_page(uint64_t pte, unsigned int shift)
{
	return shift == SIOV_VTD_PAGE_SHIFT || (pte & SIOV_VTD_FS_PS) != 0;
}

/* The word of a page of 2^want bytes at gva, with the tables above it; NULL: *rc says why. */
static word_t *
reach(struct siov_guest_pt *pt, uint64_t gva, unsigned int want, int *rc)
{
	uint64_t table = pt->root;
	unsigned int shift;
	word_t *word;
	uint64_t pte;

	for (shift = top_shift(pt);; shift -= SIOV_VTD_SS_INDEX_BITS) {
		word = word_of(pt, table, gva, shift);
		pte = siov_atomic_load(word, relaxed);
		if (shift == want)
			break;
		*rc = -EEXIST;
		if ((pte & SIOV_VTD_FS_P) != 0 && is_page(pte, shift))
			return NULL;
		if ((pte & SIOV_VTD_FS_P) == 0) {
			table = take_table(pt);
			*rc = -ENOMEM;
			if (table == 0)
				return NULL;
			pte = table | TABLE_BITS;
			siov_atomic_store(word, pte, release); /* the cleared table first */
		}
		table = pte;
	}
	*rc = -EEXIST;
	return (pte & SIOV_VTD_FS_P) == 0 || is_page(pte, shift) ? word : NULL;
}

/* Largest page that fits at this point of a mapping. */
static unsigned int
fitting_shift(const struct siov_guest_pt *pt, uint64_t gva, uint64_t gpa, uint64_t len)
{
	unsigned int shift = pt->conf.max_page_shift;

	while (shift > SIOV_VTD_PAGE_SHIFT &&
	       (((gva | gpa) & (size_of(shift) - 1)) != 0 || len < size_of(shift)))
		shift -= SIOV_VTD_SS_INDEX_BITS;
	return shift;
}

static bool
is_span(uint64_t gva, uint64_t len)
{
	return len != 0 && (gva | len) % PAGE == 0 && gva + len > gva;
}

int
siov_guest_pt_map(struct siov_guest_pt *pt, uint64_t gva, uint64_t gpa, uint64_t len,
		  unsigned int perm)
{
	uint64_t bits = SIOV_VTD_FS_P | SIOV_VTD_FS_US;
	unsigned int shift;
	word_t *word;
	int rc;

	if (!is_span(gva, len) || !is_span(gpa, len) || (perm & SIOV_PERM_R) == 0 ||
	    (perm & ~(SIOV_PERM_R | SIOV_PERM_W)) != 0)
		return -EINVAL;
	if ((perm & SIOV_PERM_W) != 0)
		bits |= SIOV_VTD_FS_W;
	while (len > 0) {
		shift = fitting_shift(pt, gva, gpa, len);
		word = reach(pt, gva, shift, &rc);
		if (word == NULL)
			return rc;
		siov_atomic_store(word,
				  gpa | bits | (shift > SIOV_VTD_PAGE_SHIFT ? SIOV_VTD_FS_PS : 0),
				  release);
		gva += size_of(shift);
		gpa += size_of(shift);
		len -= size_of(shift);
	}
	return 0;
}

/* The word and the size of what is mapped at gva; NULL with the size of the hole. */
static word_t *
find(const struct siov_guest_pt *pt, uint64_t gva, unsigned int *shift)
{
	uint64_t table = pt->root;
	word_t *word;
	uint64_t pte;

	for (*shift = top_shift(pt);; *shift -= SIOV_VTD_SS_INDEX_BITS) {
		word = word_of(pt, table, gva, *shift);
		pte = siov_atomic_load(word, acquire);
		if ((pte & SIOV_VTD_FS_P) == 0)
			return NULL;
		if (is_page(pte, *shift))
			return word;
		table = pte;
	}
}

int
siov_guest_pt_unmap(struct siov_guest_pt *pt, uint64_t gva, uint64_t len)
{
	uint64_t end = gva + len;
	unsigned int shift;
	word_t *word;

	if (!is_span(gva, len))
		return -EINVAL;
	while (gva < end) {
		uint64_t next;

		word = find(pt, gva, &shift);
		next = (gva & ~(size_of(shift) - 1)) + size_of(shift);
		if (word != NULL && (gva % size_of(shift) != 0 || next > end))
			return -EINVAL;
		if (word != NULL)
			siov_atomic_store(word, 0, release);
		if (next <= gva)
			break; /* the hole reaches the end of all addresses */
		gva = next;
	}
	return 0;
}

uint64_t
siov_guest_pt_entry(const struct siov_guest_pt *pt, uint64_t gva)
{
	unsigned int shift;
	word_t *word = find(pt, gva, &shift);

	return word != NULL ? siov_atomic_load(word, relaxed) : 0;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One request, step by step, with the recursion of nested translation as it is defined: whatever
 * the first stage reads or writes in a table is an access to a guest address, which the second stage
 * translates from its own top.
 */
#include "ref_xlate.h"

#define BIT(n) (UINT64_C(1) << (n))
#define ADDRESS UINT64_C(0x000ffffffffff000) /* bits 51:12 */
#define TOO_HIGH UINT64_C(0x000f000000000000) /* bits 51:48: addresses have 48 bits */

/* Reasons, by their numbers in VT-d. */
enum {
	PASID_BEYOND = 0x46,
	DIR_ABSENT = 0x51,
	DIR_RESERVED = 0x52,
	PASID_ABSENT = 0x59,
	PASID_RESERVED = 0x5a,
	PASID_INVALID = 0x5b,
	SRE_IS_0 = 0x5d,
	FS_ABSENT = 0x71,
	FS_RESERVED = 0x72,
	FS_ROOT_UNREADABLE = 0x75,
	FS_TABLE_UNREADABLE = 0x76,
	FS_TABLE_UNWRITABLE = 0x77,
	SS_ABSENT = 0x79,
	SS_RESERVED = 0x7a,
	NOT_CANONICAL = 0x80,
	NOT_FOR_USERS = 0x81,
	OFF_LIMITS = 0x83,
	SS_BEYOND = 0x84,
	CANNOT_WRITE = 0x85,
	CANNOT_READ = 0x86,
};

/* Kinds of translation (PGTT). */
enum { KIND_FIRST = 1, KIND_SECOND = 2, KIND_NESTED = 3, KIND_PASS = 4 };

/* The request, and the fields of its PASID entry. */
struct state {
	const struct ref_unit *unit;
	const struct ref_request *req;
	struct ref_result *res;
	unsigned int kind;
	uint64_t ss_root;
	bool ss_has_ad;
	uint64_t fs_root;
	unsigned int fs_levels;
	bool sre;
	bool wpe;
	bool is_process;
};

/* An address as one stage or both have translated it. */
struct place {
	uint64_t addr;
	unsigned int shift;
	bool can_read;
	bool can_write;
};

static bool
asks_read(const struct state *s)
{
	return (s->req->perm & (REF_READ | REF_PRIV_READ)) != 0;
}

static bool
asks_write(const struct state *s)
{
	return (s->req->perm & (REF_WRITE | REF_PRIV_WRITE)) != 0;
}

static bool
is_supervisor(const struct state *s)
{
	return (s->req->perm & (REF_PRIV_READ | REF_PRIV_WRITE)) != 0;
}

/* A word of memory, with the bits that this request has set in it so far. */
static uint64_t
load(const struct state *s, uint64_t hva)
{
	uint64_t *word = (uint64_t *)(uintptr_t)hva;
	uint64_t value = *word;
	unsigned int i;

	for (i = 0; i < s->res->nb_touches; i++)
		if (s->res->touch[i].word == word)
			value |= s->res->touch[i].bits;
	return value;
}

static void
set_bits(struct state *s, uint64_t hva, uint64_t bits, uint64_t ss_root)
{
	bits &= ~load(s, hva);
	if (bits == 0)
		return;
	s->res->touch[s->res->nb_touches++] = (struct ref_touch){
		.word = (uint64_t *)(uintptr_t)hva,
		.bits = bits,
		.ss_root = ss_root,
	};
}

/* The index of addr in a table of a level; level 1 is that of 4 KiB pages. */
static uint64_t
index_at(uint64_t addr, unsigned int level)
{
	return addr >> (12 + 9 * (level - 1)) & 511;
}

static unsigned int
page_shift(unsigned int level)
{
	return 12 + 9 * (level - 1);
}

static const struct ref_range *
range_of(const struct state *s, uint64_t hva)
{
	size_t i;

	for (i = 0; i < s->unit->nb_ranges; i++)
		if (hva >= s->unit->ranges[i].start && hva < s->unit->ranges[i].end)
			return &s->unit->ranges[i];
	return NULL;
}

static bool
is_mmio(const struct state *s, uint64_t hva)
{
	const struct ref_range *range = range_of(s, hva);

	return range != NULL && range->is_mmio;
}

/* ---- second stage ---- */

/* Whether an entry of the second stage is well formed. */
static int
judge_second_stage(const struct state *s, uint64_t entry, unsigned int level, bool is_page)
{
	if ((entry & (BIT(0) | BIT(1))) == 0)
		return SS_ABSENT;
	if (is_page && level <= 3 && is_mmio(s, entry & ADDRESS))
		return OFF_LIMITS;
	if ((entry & (BIT(11) | BIT(62) | TOO_HIGH)) != 0)
		return SS_RESERVED;
	if (is_page && level > 3)
		return SS_RESERVED;
	if (is_page && (entry & ADDRESS & (BIT(page_shift(level)) - 1)) != 0)
		return SS_RESERVED;
	return 0;
}

/*
 * Translate a guest address by the table of a level. The caller wants to read or to write; out tells
 * whether it can. A is set in the entries on the way, and in the last one, with D for a write, if it
 * can.
 */
static int
walk_second_stage(struct state *s, uint64_t table, unsigned int level, uint64_t gpa, bool reads,
		  bool writes, struct place *out)
{
	uint64_t at = table + 8 * index_at(gpa, level);
	uint64_t entry = load(s, at);
	bool is_page = level == 1 || (entry & BIT(7)) != 0;
	int reason;

	reason = judge_second_stage(s, entry, level, is_page);
	if (reason != 0)
		return reason;
	out->can_read = out->can_read && (entry & BIT(0)) != 0;
	out->can_write = out->can_write && (entry & BIT(1)) != 0;
	if (!is_page) {
		if (s->ss_has_ad)
			set_bits(s, at, BIT(8), s->ss_root);
		return walk_second_stage(s, entry & ADDRESS, level - 1, gpa, reads, writes, out);
	}
	out->shift = page_shift(level);
	out->addr = (entry & ADDRESS) + (gpa & (BIT(out->shift) - 1));
	if (s->ss_has_ad && (!reads || out->can_read) && (!writes || out->can_write))
		set_bits(s, at, writes ? BIT(8) | BIT(9) : BIT(8), s->ss_root);
	return 0;
}

static int
second_stage(struct state *s, uint64_t gpa, bool reads, bool writes, struct place *out)
{
	if (gpa >= BIT(48))
		return SS_BEYOND;
	*out = (struct place){.can_read = true, .can_write = true};
	return walk_second_stage(s, s->ss_root, 4, gpa, reads, writes, out);
}

/* A whole request by the second stage; gpa is where it goes. */
static int
access_second_stage(struct state *s, uint64_t gpa, struct place *out)
{
	int reason = second_stage(s, gpa, asks_read(s), asks_write(s), out);

	if (reason != 0)
		return reason;
	if (asks_write(s) && !out->can_write)
		return CANNOT_WRITE;
	if (asks_read(s) && !out->can_read)
		return CANNOT_READ;
	return 0;
}

/* ---- first stage ---- */

/* Where the entry at an address of the first stage's is in memory. */
static int
find_entry(struct state *s, uint64_t addr, bool writes, struct place *out)
{
	if (s->kind == KIND_NESTED)
		return second_stage(s, addr, !writes, writes, out);
	*out = (struct place){.addr = addr, .can_read = true, .can_write = true};
	return 0;
}

static int
read_entry(struct state *s, uint64_t addr, bool is_root, uint64_t *entry)
{
	struct place place;
	int reason = find_entry(s, addr, false, &place);

	if (reason != 0)
		return reason;
	if (!place.can_read)
		return is_root ? FS_ROOT_UNREADABLE : FS_TABLE_UNREADABLE;
	*entry = load(s, place.addr);
	return 0;
}

/* Set accessed or dirty in an entry, which writes to the page that it is in. */
static int
update_entry(struct state *s, uint64_t addr, uint64_t entry, uint64_t bits)
{
	struct place place;
	int reason;

	if ((entry & bits) == bits)
		return 0;
	reason = find_entry(s, addr, true, &place);
	if (reason != 0)
		return reason;
	if (!place.can_write)
		return FS_TABLE_UNWRITABLE;
	set_bits(s, place.addr, bits, 0);
	return 0;
}

/* Whether an entry of the first stage is well formed. */
static int
judge_first_stage(const struct state *s, uint64_t entry, unsigned int level, bool is_page)
{
	uint64_t unused = ADDRESS & (BIT(page_shift(level)) - 1);

	if ((entry & BIT(0)) == 0)
		return FS_ABSENT;
	if ((entry & TOO_HIGH) != 0)
		return FS_RESERVED;
	if (is_page && level > 3)
		return FS_RESERVED;
	if (is_page && level > 1 && (entry & unused & ~BIT(12)) != 0)
		return FS_RESERVED; /* bit 12 is PAT */
	if (is_page && s->kind == KIND_FIRST && is_mmio(s, entry & ADDRESS & ~unused))
		return OFF_LIMITS;
	return 0;
}

/* rights: AND of all entries on the way. */
static int
judge_access(const struct state *s, uint64_t rights)
{
	bool is_writable = (rights & BIT(1)) != 0;

	if (s->req->perm == 0)
		return 0;
	if (!is_supervisor(s) && (rights & BIT(2)) == 0)
		return NOT_FOR_USERS;
	if (asks_write(s) && !is_writable && (!is_supervisor(s) || s->wpe))
		return CANNOT_WRITE;
	return 0;
}

/* The entry of a page, of the first stage. */
static int
take_page(struct state *s, uint64_t at, uint64_t entry, unsigned int level, uint64_t rights,
	  struct place *out)
{
	uint64_t in_page = BIT(page_shift(level)) - 1;
	uint64_t addr = (entry & ADDRESS & ~in_page) + (s->req->iova & in_page);
	int reason;

	reason = judge_access(s, rights);
	if (reason != 0)
		return reason;
	*out = (struct place){.addr = addr, .shift = page_shift(level)};
	if (s->kind == KIND_NESTED) {
		reason = access_second_stage(s, addr, out);
		if (reason != 0)
			return reason;
		if (page_shift(level) < out->shift)
			out->shift = page_shift(level);
	}
	return update_entry(s, at, entry, asks_write(s) ? BIT(5) | BIT(6) : BIT(5));
}

static int
walk_first_stage(struct state *s, uint64_t table, unsigned int level, uint64_t rights,
		 struct place *out)
{
	uint64_t at = table + 8 * index_at(s->req->iova, level);
	bool is_page;
	uint64_t entry;
	int reason;

	reason = read_entry(s, at, level == s->fs_levels, &entry);
	if (reason != 0)
		return reason;
	is_page = level == 1 || (entry & BIT(7)) != 0;
	reason = judge_first_stage(s, entry, level, is_page);
	if (reason != 0)
		return reason;
	rights &= entry;
	if (is_page)
		return take_page(s, at, entry, level, rights, out);
	reason = update_entry(s, at, entry, BIT(5));
	if (reason != 0)
		return reason;
	return walk_first_stage(s, entry & ADDRESS, level - 1, rights, out);
}

/* All bits from the highest one that is translated upwards are equal. */
static bool
is_canonical(const struct state *s)
{
	unsigned int bits = s->fs_levels == 5 ? 57 : 48;
	uint64_t upper = s->req->iova >> (bits - 1);

	return upper == 0 || upper == UINT64_MAX >> (bits - 1);
}

/* The kernel's tables translate: we say no more than that the address is no BAR. */
static int
own_process(const struct state *s, struct place *out)
{
	uint64_t hva = s->req->iova;
	uint64_t page;

	if (hva >= BIT(47))
		return NOT_CANONICAL;
	if (is_mmio(s, hva))
		return OFF_LIMITS;
	*out = (struct place){.addr = hva, .shift = 21};
	for (page = hva & ~(BIT(21) - 1); page <= (hva | (BIT(21) - 1)); page += 4096)
		if (is_mmio(s, page))
			out->shift = 12;
	return 0;
}

static int
first_stage(struct state *s, struct place *out)
{
	if (is_supervisor(s) && !s->sre)
		return SRE_IS_0;
	if (s->is_process)
		return own_process(s, out);
	if (!is_canonical(s))
		return NOT_CANONICAL;
	return walk_first_stage(s, s->fs_root, s->fs_levels, UINT64_MAX, out);
}

/* ---- pass-through, and the choice ---- */

static int
pass_through(const struct state *s, struct place *out)
{
	const struct ref_range *range = range_of(s, s->req->iova);

	if (range == NULL || range->is_mmio)
		return OFF_LIMITS;
	*out = (struct place){.addr = s->req->iova, .shift = 12};
	if ((s->req->iova & ~(BIT(21) - 1)) >= range->start &&
	    (s->req->iova | (BIT(21) - 1)) < range->end)
		out->shift = 21;
	return 0;
}

/* The words of a PASID entry: fields, and what must be 0. */
static int
decode_entry(struct state *s, const uint64_t *q)
{
	uint64_t mode = q[2] >> 2 & 3;
	uint64_t width = q[0] >> 2 & 7;

	if ((q[0] & BIT(0)) == 0)
		return PASID_ABSENT;
	if ((q[0] & (BIT(5) | BIT(10) | BIT(11) | ~(BIT(52) - 1))) != 0)
		return PASID_RESERVED;
	if ((q[1] & (UINT64_C(0xffffffff) & ~(UINT64_C(0xffff) | BIT(23) | BIT(24)))) != 0)
		return PASID_RESERVED;
	s->kind = q[0] >> 6 & 7;
	s->ss_has_ad = (q[0] & BIT(9)) != 0;
	s->ss_root = q[0] & ADDRESS;
	s->sre = (q[2] & BIT(0)) != 0;
	s->wpe = (q[2] & BIT(4)) != 0;
	s->fs_levels = mode == 1 ? 5 : 4;
	s->fs_root = q[2] & ADDRESS;
	s->is_process = q[3] != 0;
	if ((s->kind == KIND_FIRST || s->kind == KIND_NESTED) &&
	    (q[2] & (BIT(1) | BIT(7) | UINT64_C(0xf00) | ~(BIT(52) - 1))) != 0)
		return PASID_RESERVED;
	if (s->kind < KIND_FIRST || s->kind > KIND_PASS)
		return PASID_INVALID;
	if ((s->kind == KIND_SECOND || s->kind == KIND_NESTED) && width != 2)
		return PASID_INVALID;
	if ((s->kind == KIND_FIRST || s->kind == KIND_NESTED) && mode > 1)
		return PASID_INVALID;
	return 0;
}

static int
find_pasid(struct state *s)
{
	uint32_t pasid = s->req->pasid;
	uint64_t dir;

	if (pasid >= BIT(20))
		return PASID_BEYOND;
	dir = ((const uint64_t *)s->unit->pasid_dir)[pasid >> 6];
	if ((dir & BIT(0)) == 0)
		return DIR_ABSENT;
	if ((dir & (UINT64_C(0xffc) | ~(BIT(52) - 1))) != 0)
		return DIR_RESERVED;
	return decode_entry(s, (const uint64_t *)(uintptr_t)(dir & ADDRESS) + (pasid & 63) * 8);
}

static int
translate(struct state *s, struct place *out)
{
	int reason = find_pasid(s);

	if (reason != 0)
		return reason;
	switch (s->kind) {
	case KIND_SECOND:
		return access_second_stage(s, s->req->iova, out);
	case KIND_PASS:
		return pass_through(s, out);
	default:
		return first_stage(s, out);
	}
}

void
ref_translate(const struct ref_unit *unit, const struct ref_request *req, struct ref_result *res)
{
	struct state s = {.unit = unit, .req = req, .res = res};
	struct place place = {0};

	res->reason = translate(&s, &place);
	res->hva = res->reason == 0 ? place.addr : 0;
	res->shift = place.shift;
}

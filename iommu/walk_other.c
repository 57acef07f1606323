/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Walks out of line: everything but the plain second stage.
 *
 *     pass-through   memory ranges
 *     process        nothing to walk: the kernel's tables translate when the address is touched
 *     second stage   ss_walk, with accessed and dirty bits
 *     first stage    fs_walk over tables at host addresses
 *     nested         fs_walk over tables at guest addresses, each found by ss_walk, and the page
 *                    that it finds by ss_walk again
 *
 * A guest writes its first-stage tables while we walk them. Each entry is therefore read once, and
 * A and D are set by compare-and-swap against what was read. What a guest's tables say is an address
 * of the guest, and only the second stage, which is the host's, makes a host address of it.
 *
 * A bits are set on the way down; those of the last entry, and D, once the access is allowed.
 */
#include <errno.h>

#include "atc_priv.h"
#include "walk_priv.h"

#define AD_TRIES 8u /* a guest that changes an entry whenever we set A gets a fault */
#define FS_LEVEL_TOP_4 39u
#define FS_LEVEL_TOP_5 48u
#define PROCESS_END (UINT64_C(1) << 47)
#define PERM_USER (SIOV_PERM_R | SIOV_PERM_W)
#define PERM_PRIV (PERM_USER << SIOV_PERM_PRIV_SHIFT)
#define AGAIN (-EAGAIN)

/* One request. */
struct request {
	struct siov_atc *atc;
	uint64_t q0;
	uint64_t q1;
	uint64_t q2;
	const struct siov_process *process;
	uint64_t iova;
	unsigned int perm; /* SIOV_PERM_*; 0: warm the cache */
};

/* What one stage says of an address. */
struct stage {
	uint64_t addr; /* where the byte is */
	unsigned int shift; /* of the page */
	unsigned int denied; /* SIOV_PERM_* */
};

static bool
wants_write(const struct request *r)
{
	return (r->perm & (SIOV_PERM_W | SIOV_PERM_PRIV_W)) != 0;
}

static bool
is_nested(const struct request *r)
{
	return (r->q0 & SIOV_VTD_PE_PGTT_MASK) == SIOV_VTD_PE_PGTT_NEST;
}

/* Set bits of an entry that was read as *pte. False: it is another by now, which *pte then is. */
static bool
set_bits(table_word_t *word, uint64_t *pte, uint64_t bits)
{
	uint64_t seen = *pte;

	if ((seen & bits) == bits)
		return true;
	*pte |= bits;
	if (siov_atomic_cas(word, &seen, *pte, acq_rel, acquire))
		return true;
	*pte = seen;
	return false;
}

static uint64_t
page_mask(unsigned int shift)
{
	return (UINT64_C(1) << shift) - 1;
}

static table_word_t *
word_at(uint64_t table, uint64_t addr, unsigned int shift)
{
	return (table_word_t *)(uintptr_t)table + (addr >> shift) % SIOV_VTD_SS_ENTRIES;
}

/* ---- second stage ---- */

static bool
ss_is_page(uint64_t pte, unsigned int shift)
{
	return shift == SIOV_VTD_PAGE_SHIFT || (pte & SIOV_VTD_SS_PS) != 0;
}

/* What is wrong with an entry; 0: nothing. */
static int
ss_check(uint64_t pte, unsigned int shift)
{
	if ((pte & SIOV_VTD_SS_RW) == 0)
		return SIOV_FAULT_SS_NOT_PRESENT;
	if ((pte & SIOV_VTD_SS_RSVD) != 0)
		return walk_reserved(pte, shift);
	if (!ss_is_page(pte, shift))
		return 0;
	if (shift > 30 || (pte & SIOV_VTD_ADDR_MASK & page_mask(shift)) != 0)
		return SIOV_FAULT_SS_RESERVED;
	return 0;
}

/*
 * Bits to set in an entry: A on the way to the page; in that of the page only if all that is wanted
 * is allowed, and D too for a write.
 */
static uint64_t
ss_ad_bits(uint64_t q0, uint64_t pte, unsigned int shift, uint64_t allowed, unsigned int want)
{
	if ((q0 & SIOV_VTD_PE_SSADE) == 0)
		return 0;
	if (!ss_is_page(pte, shift))
		return SIOV_VTD_SS_A;
	if ((want & ~allowed) != 0)
		return 0;
	return (want & SIOV_PERM_W) != 0 ? SIOV_VTD_SS_A | SIOV_VTD_SS_D : SIOV_VTD_SS_A;
}

/*
 * Walk the second stage of q0. want is SIOV_PERM_R, _W: what is not allowed is in out->denied, and
 * the caller says what that means. Returns 0 or a reason.
 */
static int
ss_walk(uint64_t q0, uint64_t addr, unsigned int want, struct stage *out)
{
	uint64_t table = q0 & SIOV_VTD_ADDR_MASK;
	uint64_t perm = SIOV_VTD_SS_RW;
	unsigned int shift = WALK_ROOT_SHIFT;
	table_word_t *word;
	uint64_t pte;
	int rc;

	if (addr >> SIOV_VTD_SS_IOVA_BITS != 0)
		return SIOV_FAULT_SS_BEYOND_AW;
	for (;; shift -= SIOV_VTD_SS_INDEX_BITS) {
		word = word_at(table, addr, shift);
		pte = siov_atomic_load(word, acquire); /* pairs with W1 in set_pte() */
		do {
			rc = ss_check(pte, shift);
			if (rc != 0)
				return rc;
		} while (!set_bits(word, &pte, ss_ad_bits(q0, pte, shift, perm & pte, want)));
		perm &= pte;
		if (ss_is_page(pte, shift))
			break;
		table = pte & SIOV_VTD_ADDR_MASK;
	}
	/* For the cache: a write must come back and set D. (A fault is not cached, and keeps W.) */
	if ((q0 & SIOV_VTD_PE_SSADE) != 0 && (pte & SIOV_VTD_SS_D) == 0 && (want & ~perm) == 0)
		perm &= ~SIOV_VTD_SS_W;
	out->addr = (pte & SIOV_VTD_ADDR_MASK) + (addr & page_mask(shift));
	out->shift = shift;
	out->denied = (unsigned int)(~perm & SIOV_VTD_SS_RW);
	return 0;
}

static int
no_permission(unsigned int denied)
{
	if ((denied & SIOV_PERM_W) != 0)
		return SIOV_FAULT_NO_WRITE;
	return denied != 0 ? SIOV_FAULT_NO_READ : 0;
}

/* What a user permission and that of a supervisor have in common. */
static unsigned int
stage_perm(unsigned int perm)
{
	return (perm | perm >> SIOV_PERM_PRIV_SHIFT) & PERM_USER;
}

static int
walk_second_stage(const struct request *r, struct stage *out)
{
	int rc = ss_walk(r->q0, r->iova, stage_perm(r->perm), out);

	if (rc != 0)
		return rc;
	rc = no_permission(out->denied & stage_perm(r->perm));
	out->denied |= out->denied << SIOV_PERM_PRIV_SHIFT;
	return rc;
}

/* ---- where a guest's tables are ---- */

static struct siov_atc_nest *
nest_entry(const struct request *r, uint64_t gpa, uint64_t *key)
{
	*key = (gpa >> SIOV_VTD_PAGE_SHIFT) << 16 | (r->q1 & SIOV_VTD_PE_DID_MASK);
	return &r->atc->nest[(*key ^ *key >> 16) % SIOV_ATC_NEST];
}

static_assert(SIOV_VTD_HAW - SIOV_VTD_PAGE_SHIFT + 16 < 64, "no key is all ones");

/*
 * Host address of the guest's table page at gpa, with what the second stage allows of it in bits
 * 1:0. Returns 0 or the second stage's reason.
 */
static int
find_table(const struct request *r, uint64_t gpa, unsigned int want, uint64_t *data)
{
	struct siov_atc_nest *nest;
	struct stage ss;
	uint64_t key;
	int rc;

	nest = nest_entry(r, gpa, &key);
	if (likely(nest->key == key && (~nest->data & want) == 0)) {
		*data = nest->data;
		return 0;
	}
	atc_count(&r->atc->nest_walks, 1);
	rc = ss_walk(r->q0, gpa, want, &ss);
	if (rc != 0)
		return rc;
	nest->key = key;
	nest->data = (ss.addr & SIOV_VTD_ADDR_MASK) | (~ss.denied & PERM_USER);
	r->atc->has_nest = true;
	*data = nest->data;
	return 0;
}

/* ---- first stage ---- */

/* One walk of the first stage. */
struct fs {
	const struct request *r;
	uint64_t table; /* address of the table: host's, or guest's if nested */
	uint64_t host; /* host address of the table; bits 1:0 as find_table() says */
	uint64_t rights; /* AND of the entries so far */
	table_word_t *word;
	uint64_t pte; /* what was read there */
	unsigned int shift;
};

static int
fs_enter_table(struct fs *fs, bool is_top)
{
	int rc;

	if (!is_nested(fs->r)) {
		fs->host = fs->table | PERM_USER;
		return 0;
	}
	rc = find_table(fs->r, fs->table, SIOV_PERM_R, &fs->host);
	if (rc != 0)
		return rc;
	if ((fs->host & SIOV_PERM_R) == 0)
		return is_top ? SIOV_FAULT_FS_ROOT_ACCESS : SIOV_FAULT_FS_ENTRY_ACCESS;
	return 0;
}

static bool
fs_is_page(const struct fs *fs)
{
	return fs->shift == SIOV_VTD_PAGE_SHIFT || (fs->pte & SIOV_VTD_FS_PS) != 0;
}

static int
fs_check(const struct fs *fs)
{
	uint64_t unused = page_mask(fs->shift) & SIOV_VTD_ADDR_MASK;

	if ((fs->pte & SIOV_VTD_FS_P) == 0)
		return SIOV_FAULT_FS_NOT_PRESENT;
	if ((fs->pte & SIOV_VTD_ADDR_RSVD) != 0)
		return SIOV_FAULT_FS_RESERVED;
	if (!fs_is_page(fs))
		return 0;
	if (fs->shift > 30)
		return SIOV_FAULT_FS_RESERVED;
	if (fs->shift > SIOV_VTD_PAGE_SHIFT && (fs->pte & unused & ~SIOV_VTD_FS_PAT_LARGE) != 0)
		return SIOV_FAULT_FS_RESERVED;
	/* In the host's own tables only: a guest may use this bit as it likes. */
	if (!is_nested(fs->r) && (fs->pte & SIOV_VTD_SS_MMIO) != 0)
		return SIOV_FAULT_DMA_LIMIT;
	return 0;
}

/* Set A or D in the entry just read: 0, AGAIN (it changed), or a reason. */
static int
fs_set_bits(struct fs *fs, uint64_t bits)
{
	uint64_t data;
	int rc;

	if ((fs->pte & bits) == bits)
		return 0;
	if ((fs->host & SIOV_PERM_W) == 0) {
		/* Perhaps W was denied only because the table's page was not dirty so far. */
		rc = find_table(fs->r, fs->table, SIOV_PERM_R | SIOV_PERM_W, &data);
		if (rc != 0)
			return rc;
		if ((data & SIOV_PERM_W) == 0)
			return SIOV_FAULT_FS_AD_ACCESS;
	}
	return set_bits(fs->word, &fs->pte, bits) ? 0 : AGAIN;
}

/* What the first stage denies, to both kinds of requests; D is not looked at. */
static unsigned int
fs_denied(const struct fs *fs)
{
	bool is_writable = (fs->rights & SIOV_VTD_FS_W) != 0;
	unsigned int denied = 0;

	if ((fs->rights & SIOV_VTD_FS_US) == 0)
		denied |= PERM_USER;
	if (!is_writable)
		denied |= SIOV_PERM_W;
	if (!is_writable && (fs->r->q2 & SIOV_VTD_PE_WPE) != 0)
		denied |= SIOV_PERM_PRIV_W;
	if ((fs->r->q2 & SIOV_VTD_PE_SRE) == 0)
		denied |= PERM_PRIV;
	return denied;
}

/* Whether the request may use the page: 0 or a reason. */
static int
fs_allow(const struct fs *fs, unsigned int denied)
{
	unsigned int perm = fs->r->perm;

	if ((perm & denied) == 0)
		return 0;
	if ((perm & PERM_USER) != 0 && (fs->rights & SIOV_VTD_FS_US) == 0)
		return SIOV_FAULT_NO_USER;
	return SIOV_FAULT_NO_WRITE;
}

/* The page that a guest's first stage found, through the second: 0 or a reason. */
static int
fs_host_page(const struct fs *fs, struct stage *out)
{
	unsigned int want = stage_perm(fs->r->perm);
	unsigned int denied = out->denied;
	unsigned int shift = out->shift;
	int rc;

	rc = ss_walk(fs->r->q0, out->addr, want, out);
	if (rc == 0)
		rc = no_permission(out->denied & want);
	out->denied |= denied | out->denied << SIOV_PERM_PRIV_SHIFT;
	out->shift = RTE_MIN(out->shift, shift);
	return rc;
}

/* The entry of a page: 0, AGAIN, or a reason. */
static int
fs_page(struct fs *fs, struct stage *out)
{
	uint64_t bits = SIOV_VTD_FS_A | (wants_write(fs->r) ? SIOV_VTD_FS_D : 0);
	uint64_t mask = page_mask(fs->shift);
	int rc;

	out->denied = fs_denied(fs);
	out->shift = fs->shift;
	out->addr = (fs->pte & SIOV_VTD_ADDR_MASK & ~mask) + (fs->r->iova & mask);
	rc = fs_allow(fs, out->denied);
	if (rc == 0 && is_nested(fs->r))
		rc = fs_host_page(fs, out);
	if (rc == 0)
		rc = fs_set_bits(fs, bits);
	if ((fs->pte & SIOV_VTD_FS_D) == 0)
		out->denied |= SIOV_PERM_W | SIOV_PERM_PRIV_W;
	return rc;
}

static bool
is_canonical(uint64_t addr, unsigned int bits)
{
	return (uint64_t)((int64_t)(addr << (64 - bits)) >> (64 - bits)) == addr;
}

/* From the top: 0, AGAIN (an entry changed as A or D was to be set), or a reason. */
static int
fs_walk_once(const struct request *r, unsigned int top, struct stage *out)
{
	struct fs fs = {
		.r = r,
		.table = r->q2 & SIOV_VTD_ADDR_MASK,
		.rights = UINT64_MAX,
		.shift = top,
	};
	int rc;

	for (;; fs.shift -= SIOV_VTD_SS_INDEX_BITS) {
		rc = fs_enter_table(&fs, fs.shift == top);
		if (rc != 0)
			return rc;
		fs.word = word_at(fs.host & SIOV_VTD_ADDR_MASK, r->iova, fs.shift);
		fs.pte = siov_atomic_load(fs.word, acquire); /* pairs with W1 in set_pte() */
		rc = fs_check(&fs);
		if (rc != 0)
			return rc;
		fs.rights &= fs.pte;
		if (fs_is_page(&fs))
			return fs_page(&fs, out);
		rc = fs_set_bits(&fs, SIOV_VTD_FS_A);
		if (rc != 0)
			return rc;
		fs.table = fs.pte & SIOV_VTD_ADDR_MASK;
	}
}

static int
walk_first_stage(const struct request *r, struct stage *out)
{
	bool has_5 = (r->q2 & SIOV_VTD_PE_FSPM_MASK) == SIOV_VTD_PE_FSPM_5;
	unsigned int top = has_5 ? FS_LEVEL_TOP_5 : FS_LEVEL_TOP_4;
	unsigned int i;
	int rc = AGAIN;

	if (!is_canonical(r->iova, top + SIOV_VTD_SS_INDEX_BITS))
		return SIOV_FAULT_NOT_CANONICAL;
	for (i = 0; i < AD_TRIES && rc == AGAIN; i++)
		rc = fs_walk_once(r, top, out);
	return rc == AGAIN ? SIOV_FAULT_FS_AD_FAILED : rc;
}

/* ---- the other kinds ---- */

static const struct iommu_ranges *
ranges_of(const struct request *r)
{
	/* A4: pairs with R4 in publish() of range.c */
	return siov_atomic_load(&r->atc->iommu->ranges, acquire);
}

static bool
has_mmio(const struct iommu_ranges *ranges, uint64_t start, uint64_t end)
{
	const struct iommu_range *range = ranges->range;

	for (; range < &ranges->range[ranges->nb]; range++)
		if (range->is_mmio && range->start < end && start < range->end)
			return true;
	return false;
}

/* The BARs are addresses of our own process, too. */
static int
walk_process(const struct request *r, struct stage *out)
{
	const struct iommu_ranges *ranges = ranges_of(r);
	uint64_t granule = r->iova & ~page_mask(SIOV_ATC_SHIFT_2M);

	if (r->iova >= PROCESS_END)
		return SIOV_FAULT_NOT_CANONICAL;
	if (r->iova < SIOV_VTD_PAGE_SIZE)
		return SIOV_FAULT_FS_NOT_PRESENT; /* NULL is nobody's data */
	if (r->process->pidfd >= 0)
		return SIOV_XLATE_PROCESS;
	if (has_mmio(ranges, r->iova, r->iova + 1))
		return SIOV_FAULT_DMA_LIMIT;
	out->addr = r->iova;
	out->shift = SIOV_ATC_SHIFT_2M;
	if (granule == 0 || has_mmio(ranges, granule, granule + page_mask(SIOV_ATC_SHIFT_2M) + 1))
		out->shift = SIOV_ATC_SHIFT_4K;
	out->denied = PERM_PRIV;
	return 0;
}

static int
walk_pass_through(const struct request *r, struct stage *out)
{
	const struct iommu_range *range = range_find(ranges_of(r), r->iova, 1);
	uint64_t size = UINT64_C(1) << SIOV_ATC_SHIFT_2M;
	uint64_t granule = r->iova & ~(size - 1);

	if (range == NULL || range->is_mmio)
		return SIOV_FAULT_DMA_LIMIT;
	out->addr = r->iova;
	out->denied = 0;
	out->shift = SIOV_ATC_SHIFT_2M;
	if (granule < range->start || range->end - granule < size)
		out->shift = SIOV_ATC_SHIFT_4K;
	return 0;
}

/* First stage, nested, process: what is common to them. */
static int
walk_user(const struct request *r, struct stage *out)
{
	if ((r->perm & PERM_PRIV) != 0 && (r->q2 & SIOV_VTD_PE_SRE) == 0)
		return SIOV_FAULT_NO_SUPERVISOR;
	return r->process != NULL ? walk_process(r, out) : walk_first_stage(r, out);
}

static bool
has_second_stage(uint64_t q0)
{
	return (q0 & SIOV_VTD_PE_AW_MASK) == SIOV_VTD_PE_AW_48;
}

static int
walk_kind(const struct request *r, struct stage *out)
{
	if ((r->q2 & SIOV_VTD_PE_Q2_RSVD) != 0)
		return SIOV_FAULT_PASID_RESERVED;
	switch (r->q0 & SIOV_VTD_PE_PGTT_MASK) {
	case SIOV_VTD_PE_PGTT_PT:
		return walk_pass_through(r, out);
	case SIOV_VTD_PE_PGTT_SS:
		return has_second_stage(r->q0) ? walk_second_stage(r, out) :
						 SIOV_FAULT_PASID_INVALID;
	case SIOV_VTD_PE_PGTT_NEST:
		if (!has_second_stage(r->q0))
			return SIOV_FAULT_PASID_INVALID;
		break;
	case SIOV_VTD_PE_PGTT_FS:
		break;
	default:
		return SIOV_FAULT_PASID_INVALID;
	}
	if ((r->q2 & SIOV_VTD_PE_FSPM_MASK) > SIOV_VTD_PE_FSPM_5)
		return SIOV_FAULT_PASID_INVALID;
	return walk_user(r, out);
}

/* Read the entry whole; false: it is going away. */
static bool
read_entry(const struct siov_vtd_pasid_entry *entry, struct request *r)
{
	r->q0 = siov_atomic_load(&entry->q0, acquire); /* A6 */
	r->q1 = siov_atomic_load(&entry->q1, acquire);
	r->q2 = siov_atomic_load(&entry->q2, acquire);
	r->process =
		(const struct siov_process *)(uintptr_t)siov_atomic_load(&entry->process, acquire);
	/* A7: pairs with R7 in clear_entry(): who saw a later word cleared sees P cleared here */
	return siov_atomic_load(&entry->q0, relaxed) == r->q0 && (r->q0 & SIOV_VTD_PE_P) != 0;
}

struct walk_found
walk_other(struct siov_atc *atc, const struct siov_vtd_pasid_entry *entry, uint64_t iova,
	   unsigned int perm)
{
	struct request r = {.atc = atc, .iova = iova, .perm = perm};
	struct stage found = {0};
	uint64_t did;
	int rc;

	if (!read_entry(entry, &r))
		return (struct walk_found){.reason = SIOV_FAULT_PASID_NOT_PRESENT};
	rc = walk_kind(&r, &found);
	if (rc != 0)
		return (struct walk_found){.reason = rc};
	did = (r.q1 & SIOV_ATC_DATA_DID_MASK) << SIOV_ATC_DATA_DID_SHIFT;
	return (struct walk_found){
		.data = (found.addr - iova) | did | found.denied,
		.hva = found.addr,
		.shift = RTE_MIN(found.shift, SIOV_ATC_SHIFT_2M),
	};
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The unit against a trivial model: random map, unmap, bind, unbind and translate on a window of
 * addresses, and an array with one element per page that says what must come out. The seed is
 * printed; argument: number of steps.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "iommu_fixture.h"

#define NB_DOMAINS 3u
#define NB_PASIDS 6u
#define NB_RECENT 16u
#define WINDOW_PAGES (UINT64_C(3) << 18) /* 3 GiB of 4 KiB pages */
#define WINDOW_IOVA ((UINT64_C(1) << 39) - 2 * GIB) /* across a border of the top level */

struct model_page {
	uint64_t offset; /* of the memory behind it */
	uint32_t leaf_first; /* page number where its leaf begins */
	uint32_t leaf_pages; /* 0: not mapped */
	unsigned int perm;
};

struct model_domain {
	struct siov_domain *dom;
	unsigned int max_page_shift;
	struct model_page *pages;
};

struct fuzz {
	struct iommu_fixture *fx;
	struct model_domain domain[NB_DOMAINS];
	int bound_to[NB_PASIDS]; /* domain, or -1 */
	uint64_t recent[NB_RECENT]; /* pages where something was mapped */
	uint64_t random;
	uint64_t nb_mapped;
	uint64_t nb_unmapped;
	uint64_t nb_found;
};

static uint64_t
next_random(struct fuzz *f)
{
	f->random ^= f->random << 13;
	f->random ^= f->random >> 7;
	f->random ^= f->random << 17;
	return f->random;
}

static uint64_t
below(struct fuzz *f, uint64_t n)
{
	return (next_random(f) >> 11) % n;
}

/* Page numbers and lengths near the borders of large pages. */
static uint64_t
random_page(struct fuzz *f)
{
	static const uint64_t grain[] = {1, 512, 512, 262144};
	uint64_t page_grain = grain[below(f, 4)];
	uint64_t page = below(f, WINDOW_PAGES) / page_grain * page_grain;

	page += below(f, 3);
	page -= RTE_MIN(page, below(f, 2));
	return page % WINDOW_PAGES;
}

static uint64_t
random_length(struct fuzz *f, uint64_t first)
{
	static const uint64_t lengths[] = {1, 2, 5, 511, 512, 513, 1024, 1500, 262144};
	uint64_t len = lengths[below(f, below(f, 8) == 0 ? 9 : 8)];

	return RTE_MIN(len, WINDOW_PAGES - first);
}

/* Pages of the largest leaf that fits at this place. */
static uint32_t
leaf_pages(const struct model_domain *d, uint64_t page, uint64_t offset, uint64_t left)
{
	uint64_t iova = WINDOW_IOVA + page * PAGE;
	unsigned int shift;

	for (shift = d->max_page_shift; shift > 12; shift -= 9)
		if (((iova | offset) & (RTE_BIT64(shift) - 1)) == 0 &&
		    left >= RTE_BIT64(shift - 12))
			break;
	return 1u << (shift - 12);
}

static int
model_map(struct model_domain *d, uint64_t first, uint64_t nb, uint64_t offset, unsigned int perm)
{
	uint32_t leaf = 0;
	uint64_t leaf_first = 0;
	uint64_t i;

	for (i = 0; i < nb; i++)
		if (d->pages[first + i].leaf_pages != 0)
			return -EEXIST;
	for (i = 0; i < nb; i++) {
		if (i == leaf_first + leaf) {
			leaf_first = i;
			leaf = leaf_pages(d, first + i, offset + i * PAGE, nb - i);
		}
		d->pages[first + i] = (struct model_page){
			.offset = offset + i * PAGE,
			.leaf_first = (uint32_t)(first + leaf_first),
			.leaf_pages = leaf,
			.perm = perm,
		};
	}
	return 0;
}

static int
model_unmap(struct model_domain *d, uint64_t first, uint64_t nb)
{
	const struct model_page *p;
	uint64_t i;

	for (i = first; i < first + nb; i = p->leaf_first + p->leaf_pages) {
		p = &d->pages[i];
		if (p->leaf_pages == 0)
			return -ENOENT;
		if (p->leaf_first < first || p->leaf_first + p->leaf_pages > first + nb)
			return -EINVAL;
	}
	for (i = first; i < first + nb; i++)
		d->pages[i].leaf_pages = 0;
	return 0;
}

static void
step_map(struct fuzz *f)
{
	struct model_domain *d = &f->domain[below(f, NB_DOMAINS)];
	uint64_t first = random_page(f);
	uint64_t nb = random_length(f, first);
	unsigned int perm = 1 + (unsigned int)below(f, 3);
	uint64_t offset = below(f, 2) == 0 ? first * PAGE % MEM_LEN : below(f, 4096) * PAGE;
	int expected;

	offset = RTE_MIN(offset, MEM_LEN - nb * PAGE);
	expected = model_map(d, first, nb, offset, perm);
	assert_int_equal(siov_domain_map(d->dom, WINDOW_IOVA + first * PAGE, hva_at(offset),
					 nb * PAGE, perm),
			 expected);
	if (expected == 0)
		f->recent[f->nb_mapped++ % NB_RECENT] = first;
}

static void
step_unmap(struct fuzz *f)
{
	struct model_domain *d = &f->domain[below(f, NB_DOMAINS)];
	uint64_t first = random_page(f);
	uint64_t nb = random_length(f, first);
	const struct model_page *p = &d->pages[first];
	int expected;

	if (p->leaf_pages != 0 && below(f, 2) == 0) {
		first = p->leaf_first;
		nb = p->leaf_pages;
	}
	expected = model_unmap(d, first, nb);
	assert_int_equal(siov_domain_unmap(d->dom, WINDOW_IOVA + first * PAGE, nb * PAGE),
			 expected);
	f->nb_unmapped += expected == 0;
}

static void
step_bind(struct fuzz *f)
{
	uint32_t pasid = (uint32_t)below(f, NB_PASIDS);
	int to = (int)below(f, NB_DOMAINS);

	if (f->bound_to[pasid] < 0) {
		assert_int_equal(siov_pasid_bind(f->fx->iommu, pasid + 62, f->domain[to].dom, 0),
				 0);
		f->bound_to[pasid] = to;
	} else {
		assert_int_equal(siov_pasid_unbind(f->fx->iommu, pasid + 62), 0);
		f->bound_to[pasid] = -1;
	}
}

static int
permission_fault(unsigned int denied)
{
	if ((denied & SIOV_PERM_W) != 0)
		return SIOV_FAULT_NO_WRITE;
	return denied != 0 ? SIOV_FAULT_NO_READ : 0;
}

/* Whether a fault is one of an unbound PASID: of the entry, or of its table. */
static void
check_unbound(int rc)
{
	assert_true(rc == SIOV_FAULT_PASID_NOT_PRESENT || rc == SIOV_FAULT_PASID_DIR_NOT_PRESENT);
}

static void
check_translation(struct fuzz *f, uint32_t pasid, uint64_t byte, unsigned int perm)
{
	const struct model_page *p;
	struct siov_xlate x = {0};
	uint64_t leaf_end;
	int rc;

	rc = siov_atc_translate(f->fx->atc, pasid + 62, WINDOW_IOVA + byte, perm, &x);
	if (f->bound_to[pasid] < 0) {
		check_unbound(rc);
		return;
	}
	p = &f->domain[f->bound_to[pasid]].pages[byte / PAGE];
	if (p->leaf_pages == 0) {
		assert_int_equal(rc, SIOV_FAULT_SS_NOT_PRESENT);
		return;
	}
	assert_int_equal(rc, permission_fault(perm & ~p->perm));
	if (rc != 0)
		return;
	leaf_end = (p->leaf_first + (uint64_t)p->leaf_pages) * PAGE;
	assert_ptr_equal(x.hva, hva_at(p->offset + byte % PAGE));
	assert_in_range(x.len, 1, leaf_end - byte);
	assert_int_equal(x.len, RTE_MIN(leaf_end, (byte | (2 * MIB - 1)) + 1) - byte);
	f->nb_found++;
}

/* Lookups with the cache online, some of them after a burst; mostly where something was mapped. */
static void
step_translate(struct fuzz *f)
{
	uint32_t pasid[16];
	uint32_t bound[16];
	uint64_t iova[16];
	uint64_t page;
	unsigned int i;

	for (i = 0; i < 16; i++) {
		pasid[i] = (uint32_t)below(f, NB_PASIDS);
		bound[i] = pasid[i] + 62;
		page = below(f, 8) == 0 ? random_page(f) : f->recent[below(f, NB_RECENT)];
		page += below(f, 2) == 0 ? 0 : below(f, 700);
		page %= WINDOW_PAGES;
		iova[i] = WINDOW_IOVA + page * PAGE + below(f, PAGE);
	}
	siov_atc_online(f->fx->atc);
	if (below(f, 2) == 0)
		siov_atc_fill_burst(f->fx->atc, bound, iova, 16);
	for (i = 0; i < 16; i++)
		check_translation(f, pasid[i], iova[i] - WINDOW_IOVA,
				  1 + (unsigned int)below(f, 3));
	siov_atc_quiescent(f->fx->atc);
	siov_atc_offline(f->fx->atc);
}

static void
step(struct fuzz *f)
{
	switch (below(f, 8)) {
	case 0:
	case 1:
		step_map(f);
		break;
	case 2:
		step_unmap(f);
		break;
	case 3:
		if (below(f, 4) == 0)
			step_bind(f);
		break;
	default:
		step_translate(f);
		break;
	}
}

static void
fuzz_init(struct fuzz *f, uint64_t seed)
{
	static const unsigned int shifts[NB_DOMAINS] = {12, 21, 30};
	unsigned int i;

	f->random = seed;
	for (i = 0; i < NB_DOMAINS; i++) {
		f->domain[i].dom = fixture_domain(f->fx, shifts[i]);
		f->domain[i].max_page_shift = shifts[i];
		f->domain[i].pages = calloc(WINDOW_PAGES, sizeof(struct model_page));
		assert_non_null(f->domain[i].pages);
	}
	for (i = 0; i < NB_PASIDS; i++) {
		assert_int_equal(siov_pasid_alloc_at(f->fx->iommu, i + 62), 0);
		f->bound_to[i] = -1;
	}
	for (i = 0; i < NB_PASIDS; i++)
		step_bind(f);
}

static uint64_t nb_steps = 200000;

static void
test_random_steps_agree_with_the_model(void **state)
{
	struct fuzz f = {.fx = *state};
	uint64_t i;

	fuzz_init(&f, UINT64_C(88172645463325252));
	for (i = 0; i < nb_steps; i++)
		step(&f);
	print_message("%" PRIu64 " mapped, %" PRIu64 " unmapped, %" PRIu64 " translated\n",
		      f.nb_mapped, f.nb_unmapped, f.nb_found);
	assert_in_range(f.nb_mapped, nb_steps / 100, nb_steps);
	assert_in_range(f.nb_unmapped, nb_steps / 100, nb_steps);
	assert_in_range(f.nb_found, nb_steps / 100, UINT64_MAX);
	for (i = 0; i < NB_DOMAINS; i++)
		free(f.domain[i].pages);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_random_steps_agree_with_the_model,
						fixture_setup, fixture_teardown),
	};

	if (argc > 1)
		nb_steps = strtoull(argv[1], NULL, 10);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

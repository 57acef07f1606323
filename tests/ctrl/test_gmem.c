/* SPDX-License-Identifier: BSD-3-Clause */
/* Guest memory: pages as large as asked for, or as the memory allows. */
#include <stdlib.h>
#include <sys/mman.h>

#include "dev_rig.h"

#define PASID 7u
#define PAGE_2M (UINT64_C(2) << 20)
#define PAGE_1G (UINT64_C(1) << 30)

/* Guest memory has no alignment beyond a limit, as memory without large pages has none. */
struct poor_mem {
	struct siov_mem mem;
	struct fake_mem fm;
	size_t align_max;
};

static void *
alloc_poor(void *ctx, const char *name, size_t size, size_t align, int socket_id)
{
	struct poor_mem *poor = ctx;

	if (strcmp(name, "siov_gmem") == 0 && align > poor->align_max)
		return NULL;
	return siov_mem_alloc(&poor->fm.mem, name, size, align, socket_id);
}

static void
free_poor(void *ctx, void *ptr)
{
	struct poor_mem *poor = ctx;

	siov_mem_free(&poor->fm.mem, ptr);
}

static struct siov_dev *
open_poor(struct poor_mem *poor, size_t align_max)
{
	struct siov_dev_conf conf;
	struct siov_dev *dev;

	fake_mem_init(&poor->fm);
	poor->mem = (struct siov_mem){.alloc = alloc_poor, .free = free_poor, .ctx = poor};
	poor->align_max = align_max;
	dev_rig_conf_init(&conf);
	conf.mem = &poor->mem;
	assert_int_equal(siov_dev_create(&conf, &dev), 0);
	return dev;
}

static void
close_poor(struct poor_mem *poor, struct siov_dev *dev)
{
	siov_dev_free(dev);
	assert_int_equal(siov_atomic_load(&poor->fm.nb_live, relaxed), 0);
}

static struct siov_gmem *
create(struct siov_dev *dev, uint64_t size, unsigned int page_shift)
{
	struct siov_gmem_conf conf;
	struct siov_gmem *gmem;

	siov_gmem_conf_init(&conf);
	conf.iova = PAGE_1G;
	conf.size = size;
	conf.page_shift = page_shift;
	assert_int_equal(siov_gmem_create(dev, &conf, &gmem), 0);
	assert_int_equal(siov_gmem_iova(gmem), PAGE_1G);
	return gmem;
}

static void
assert_fill_works(struct siov_dev *dev, struct siov_gmem *gmem, unsigned int fill)
{
	struct dsa_hw_desc desc __attribute__((aligned(64))) = {
		.opcode = DSA_OPCODE_MEMFILL,
		.flags = DEV_RIG_CRAV_RCR,
		.completion_addr = siov_gmem_iova(gmem),
		.dst_addr = siov_gmem_iova(gmem) + siov_gmem_size(gmem) - 8,
		.xfer_size = 8,
		.pattern = fill * UINT64_C(0x0101010101010101),
	};
	struct siov_engine *engine = siov_dev_engine(dev, 0);
	uint8_t *hva = siov_gmem_hva(gmem);
	struct siov_portal *portal;
	struct siov_lane *lane;
	unsigned int i;

	assert_int_equal(siov_pasid_alloc_at(siov_dev_iommu(dev), PASID), 0);
	assert_int_equal(siov_pasid_bind(siov_dev_iommu(dev), PASID, siov_gmem_domain(gmem), 0), 0);
	assert_int_equal(siov_dev_enable(dev), 0);
	assert_int_equal(siov_dev_attach(dev, 0, 0, &lane), 0);
	assert_int_equal(siov_dev_portal_open(dev, lane, PASID, SIOV_PORTAL_F_PASID, &portal), 0);
	hva[0] = 0;
	siov_engine_start(engine);
	assert_int_equal(siov_enqcmd(portal, &desc), SIOV_DMWR_SUCCESS);
	for (i = 0; i < 1000 && hva[0] == 0; i++)
		siov_engine_poll(engine);
	siov_engine_stop(engine);
	assert_int_equal(hva[0], DSA_COMP_SUCCESS);
	assert_int_equal(hva[siov_gmem_size(gmem) - 1], fill);
	assert_int_equal(siov_dev_disable(dev, 0), 0);
	assert_int_equal(siov_dev_detach(dev, lane, 0), 0);
	assert_int_equal(siov_gmem_free(gmem), -EBUSY);
	assert_int_equal(siov_pasid_unbind(siov_dev_iommu(dev), PASID), 0);
	assert_int_equal(siov_pasid_free(siov_dev_iommu(dev), PASID), 0);
	assert_int_equal(siov_gmem_free(gmem), 0);
}

/* Page tables: the PASID's own, and those of the mapping. */
static uint64_t
table_pages(struct siov_dev *dev)
{
	struct siov_iommu_stats stats;

	siov_iommu_stats(siov_dev_iommu(dev), &stats);
	return stats.table_pages;
}

static void
test_memory_is_rounded_aligned_and_mapped_with_its_pages(void **state)
{
	struct poor_mem poor;
	struct siov_dev *dev = open_poor(&poor, PAGE_1G);
	uint64_t before, large, small;
	struct siov_gmem *gmem;

	(void)state;
	before = table_pages(dev);
	gmem = create(dev, PAGE_2M + 1, 21);
	assert_int_equal(siov_gmem_size(gmem), 2 * PAGE_2M);
	assert_int_equal((uintptr_t)siov_gmem_hva(gmem) % PAGE_2M, 0);
	large = table_pages(dev) - before;
	assert_fill_works(dev, gmem, 0x21);
	before = table_pages(dev);
	gmem = create(dev, PAGE_2M + 1, 12);
	assert_int_equal(siov_gmem_size(gmem), PAGE_2M + 4096);
	small = table_pages(dev) - before;
	/* 4 KiB pages need a table for each 2 MiB, large pages none. */
	assert_int_equal(small, large + 2);
	assert_fill_works(dev, gmem, 0x12);
	close_poor(&poor, dev);
}

static void
test_smaller_pages_where_memory_allows_no_larger(void **state)
{
	static const struct {
		size_t align_max;
		uint64_t size; /* what a byte more than 2 MiB becomes */
	} cases[] = {{PAGE_2M, 2 * PAGE_2M}, {4096, PAGE_2M + 4096}};
	struct poor_mem poor;
	unsigned int i;

	(void)state;
	for (i = 0; i < RTE_DIM(cases); i++) {
		struct siov_dev *dev = open_poor(&poor, cases[i].align_max);
		struct siov_gmem *gmem = create(dev, PAGE_2M + 1, 30);

		assert_int_equal(siov_gmem_size(gmem), cases[i].size);
		assert_fill_works(dev, gmem, 0x30 + i);
		close_poor(&poor, dev);
	}
}

/* Of the gigabyte only what is touched is ever there. */
static void *
alloc_gigabyte(void *ctx, const char *name, size_t size, size_t align, int socket_id)
{
	struct poor_mem *poor = ctx;
	uintptr_t start;

	if (align < PAGE_1G)
		return siov_mem_alloc(&poor->fm.mem, name, size, align, socket_id);
	assert_int_equal(size, PAGE_1G);
	start = (uintptr_t)mmap(NULL, 2 * PAGE_1G, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	return (void *)RTE_ALIGN_CEIL(start, PAGE_1G);
}

static void
free_gigabyte(void *ctx, void *ptr)
{
	/* The mapping goes with the process. */
	if (((uintptr_t)ptr & (PAGE_1G - 1)) != 0)
		free_poor(ctx, ptr);
}

static void
test_gigabyte_pages_need_no_table_of_their_own(void **state)
{
	struct poor_mem poor;
	struct siov_dev *dev = open_poor(&poor, PAGE_2M);
	struct siov_gmem *gmem;
	uint64_t before, pages_2m;

	(void)state;
	before = table_pages(dev);
	gmem = create(dev, PAGE_2M, 21);
	pages_2m = table_pages(dev) - before;
	assert_int_equal(siov_gmem_free(gmem), 0);
	poor.mem.alloc = alloc_gigabyte;
	poor.mem.free = free_gigabyte;
	before = table_pages(dev);
	gmem = create(dev, 1, 30);
	assert_int_equal(siov_gmem_size(gmem), PAGE_1G);
	assert_int_equal(table_pages(dev) - before, pages_2m - 1);
	assert_fill_works(dev, gmem, 0x31);
	close_poor(&poor, dev);
}

static void
test_pass_through_addresses_are_the_hosts(void **state)
{
	struct poor_mem poor;
	struct siov_dev *dev = open_poor(&poor, PAGE_2M);
	struct siov_gmem_conf conf;
	struct siov_gmem *gmem;

	(void)state;
	siov_gmem_conf_init(&conf);
	conf.kind = SIOV_DOMAIN_PASS_THROUGH;
	assert_int_equal(siov_gmem_create(dev, &conf, &gmem), 0);
	assert_ptr_equal((void *)(uintptr_t)siov_gmem_iova(gmem), siov_gmem_hva(gmem));
	assert_fill_works(dev, gmem, 0x44);
	close_poor(&poor, dev);
}

static void
assert_refused(struct siov_dev *dev, const struct siov_gmem_conf *conf, int ret)
{
	struct siov_gmem *gmem = NULL;

	assert_int_equal(siov_gmem_create(dev, conf, &gmem), ret);
	assert_null(gmem);
}

static void
test_bad_memory_is_refused_and_leaves_nothing(void **state)
{
	struct poor_mem poor;
	struct siov_dev *dev = open_poor(&poor, PAGE_2M);
	struct siov_gmem_conf good, conf;
	struct siov_gmem *gmem;
	uint64_t live;

	(void)state;
	assert_int_equal(siov_gmem_free(NULL), 0);
	siov_gmem_conf_init(&good);
	/* What the platform keeps after the first use is not counted. */
	assert_int_equal(siov_gmem_create(dev, &good, &gmem), 0);
	assert_int_equal(siov_gmem_free(gmem), 0);
	live = siov_atomic_load(&poor.fm.nb_live, relaxed);
	conf = good;
	conf.size = 0;
	assert_refused(dev, &conf, -EINVAL);
	conf.size = UINT64_MAX;
	assert_refused(dev, &conf, -EINVAL);
	conf = good;
	conf.page_shift = 13;
	assert_refused(dev, &conf, -EINVAL);
	conf = good;
	conf.iova += 4096;
	assert_refused(dev, &conf, -EINVAL);
	conf.iova = UINT64_C(1) << 48;
	assert_refused(dev, &conf, -ERANGE);
	conf = good;
	conf.perm = 0;
	assert_refused(dev, &conf, -EINVAL);
	conf.perm = 8;
	assert_refused(dev, &conf, -EINVAL);
	conf.perm = SIOV_PERM_R;
	conf.kind = SIOV_DOMAIN_PASS_THROUGH;
	assert_refused(dev, &conf, -EINVAL);
	conf.kind = (enum siov_domain_kind)9;
	assert_refused(dev, &conf, -EINVAL);
	assert_int_equal(siov_atomic_load(&poor.fm.nb_live, relaxed), live);
	close_poor(&poor, dev);
}

static void
test_s7_2_6_several_pasids_share_one_address_space(void **state)
{
	struct poor_mem poor;
	struct siov_dev *dev = open_poor(&poor, PAGE_2M);
	struct siov_iommu *iommu = siov_dev_iommu(dev);
	struct siov_gmem *gmems[2];

	(void)state;
	assert_int_equal(siov_gmem_create(dev, NULL, &gmems[0]), 0);
	assert_int_equal(siov_gmem_create(dev, NULL, &gmems[1]), 0);
	assert_int_equal(siov_gmem_bind(gmems[0], PASID), 0);
	assert_int_equal(siov_gmem_bind(gmems[0], PASID + 1), 0);
	assert_int_equal(siov_gmem_bind(gmems[1], PASID), -EEXIST);
	assert_int_equal(siov_gmem_bind(gmems[1], 0), -EINVAL);
	assert_int_equal(siov_pasid_is_bound(iommu, PASID), 1);
	assert_int_equal(siov_gmem_free(gmems[1]), 0);
	assert_int_equal(siov_gmem_unbind(gmems[0], PASID), 0);
	assert_int_equal(siov_gmem_unbind(gmems[0], PASID), -ENOENT);
	assert_int_equal(siov_gmem_free(gmems[0]), -EBUSY);
	assert_int_equal(siov_gmem_unbind(gmems[0], PASID + 1), 0);
	/* The PASIDs are free again. */
	assert_int_equal(siov_pasid_alloc_at(iommu, PASID), 0);
	assert_int_equal(siov_gmem_free(gmems[0]), 0);
	close_poor(&poor, dev);
}

/* The same descriptors work whatever translates them. */
static void
test_s8_1_2_every_kind_of_address_space(void **state)
{
	const struct {
		enum siov_domain_kind kind;
		unsigned int levels;
		unsigned int flags;
	} kinds[] = {
		{SIOV_DOMAIN_PASS_THROUGH, 0, 0},
		{SIOV_DOMAIN_SECOND_STAGE, 0, 0},
		{SIOV_DOMAIN_SECOND_STAGE, 0, SIOV_DOMAIN_F_AD},
		{SIOV_DOMAIN_FIRST_STAGE, 4, 0},
		{SIOV_DOMAIN_FIRST_STAGE, 5, 0},
		{SIOV_DOMAIN_NESTED, 4, SIOV_DOMAIN_F_AD},
		{SIOV_DOMAIN_NESTED, 5, 0},
		{SIOV_DOMAIN_PROCESS, 0, 0},
	};
	const unsigned int shifts[] = {12, 21};
	struct siov_gmem_conf conf;
	struct siov_gmem *gmem;
	struct poor_mem poor;
	struct siov_dev *dev;
	unsigned int i, k;

	(void)state;
	for (i = 0; i < RTE_DIM(kinds); i++) {
		for (k = 0; k < RTE_DIM(shifts); k++) {
			dev = open_poor(&poor, PAGE_2M);
			siov_gmem_conf_init(&conf);
			conf.kind = kinds[i].kind;
			conf.levels = kinds[i].levels;
			conf.flags = kinds[i].flags;
			conf.size = 2 * PAGE_2M;
			conf.page_shift = shifts[k];
			assert_int_equal(siov_gmem_create(dev, &conf, &gmem), 0);
			assert_true((siov_gmem_guest_pt(gmem) != NULL) ==
				    (kinds[i].kind == SIOV_DOMAIN_NESTED));
			assert_fill_works(dev, gmem, 0x40 + 2 * i + k);
			close_poor(&poor, dev);
		}
	}
}

/* Each allocation of a creation fails once. */
static void
test_failed_allocation_leaves_nothing(void **state)
{
	struct poor_mem poor;
	struct siov_dev *dev = open_poor(&poor, 4096);
	struct siov_gmem_conf conf;
	struct siov_gmem *gmem;
	uint64_t live, nb, n;

	(void)state;
	siov_gmem_conf_init(&conf);
	conf.page_shift = 12;
	/* What the platform keeps after the first use is not counted. */
	assert_int_equal(siov_gmem_create(dev, &conf, &gmem), 0);
	assert_int_equal(siov_gmem_free(gmem), 0);
	live = siov_atomic_load(&poor.fm.nb_live, relaxed);
	fake_mem_fail_at(&poor.fm, 0);
	assert_int_equal(siov_gmem_create(dev, &conf, &gmem), 0);
	nb = siov_atomic_load(&poor.fm.nb_allocs, relaxed);
	assert_int_equal(siov_gmem_free(gmem), 0);
	assert_true(nb >= 4);
	for (n = 1; n <= nb; n++) {
		fake_mem_fail_at(&poor.fm, n);
		assert_int_equal(siov_gmem_create(dev, &conf, &gmem), -ENOMEM);
		assert_true(siov_atomic_load(&poor.fm.nb_live, relaxed) <= live);
	}
	close_poor(&poor, dev);
}

/* rte_malloc gives 2 MiB alignment, but with --no-huge not a gigabyte's. */
static void
test_memory_of_the_eal(void **state)
{
	struct siov_dev_conf conf;
	struct siov_gmem *gmem;
	struct siov_dev *dev;

	(void)state;
	dev_rig_conf_init(&conf);
	assert_int_equal(siov_dev_create(&conf, &dev), 0);
	gmem = create(dev, 3 * PAGE_2M, 30);
	assert_int_equal(siov_gmem_size(gmem), 3 * PAGE_2M);
	assert_int_equal((uintptr_t)siov_gmem_hva(gmem) % PAGE_2M, 0);
	assert_fill_works(dev, gmem, 0x55);
	siov_dev_free(dev);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_memory_is_rounded_aligned_and_mapped_with_its_pages),
		cmocka_unit_test(test_smaller_pages_where_memory_allows_no_larger),
		cmocka_unit_test(test_gigabyte_pages_need_no_table_of_their_own),
		cmocka_unit_test(test_pass_through_addresses_are_the_hosts),
		cmocka_unit_test(test_bad_memory_is_refused_and_leaves_nothing),
		cmocka_unit_test(test_s7_2_6_several_pasids_share_one_address_space),
		cmocka_unit_test(test_s8_1_2_every_kind_of_address_space),
		cmocka_unit_test(test_failed_allocation_leaves_nothing),
		cmocka_unit_test(test_memory_of_the_eal),
	};

	if (dev_rig_init_eal("0", "--no-telemetry") != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* A guest's own page tables: what is in memory, and what the platform makes of it. */
#include <stdlib.h>

#include "dev_rig.h"
#include "siov_atc.h"

#define PAGE UINT64_C(4096)
#define MIB (UINT64_C(1) << 20)
#define MEM (8 * MIB)
#define GPA UINT64_C(0x40000000)
#define GVA UINT64_C(0x7f0000000000)
#define TABLES (4 * MIB)
#define RW (SIOV_PERM_R | SIOV_PERM_W)
#define PASID 5u

/* A guest: memory, its second-stage domain, its tables, one cache that looks. */
struct guest {
	struct fake_mem fm;
	struct siov_iommu *iommu;
	struct siov_domain *host;
	struct siov_domain *nested;
	struct siov_guest_pt *pt;
	struct siov_atc *atc;
	uint8_t *mem;
};

static struct siov_guest_pt_conf
pt_conf_of(const struct guest *guest)
{
	return (struct siov_guest_pt_conf){
		.hva = guest->mem,
		.gpa = GPA,
		.size = MEM,
		.tables = TABLES,
		.room = 64 * PAGE,
		.levels = 4,
		.max_page_shift = 21,
	};
}

static struct guest *
open_guest(unsigned int levels, unsigned int flags)
{
	struct guest *guest = calloc(1, sizeof(*guest));
	const struct siov_domain_conf host_conf = {
		.kind = SIOV_DOMAIN_SECOND_STAGE,
		.max_page_shift = 12,
		.flags = flags & SIOV_DOMAIN_F_AD,
	};
	struct siov_domain_conf nested_conf = {
		.kind = SIOV_DOMAIN_NESTED,
		.levels = levels,
		.flags = flags & ~SIOV_DOMAIN_F_AD,
	};
	struct siov_guest_pt_conf pt_conf;
	struct siov_iommu_conf conf;

	assert_non_null(guest);
	fake_mem_init(&guest->fm);
	siov_iommu_conf_init(&conf);
	conf.mem = &guest->fm.mem;
	assert_int_equal(siov_iommu_create(&conf, &guest->iommu), 0);
	assert_int_equal(posix_memalign((void **)&guest->mem, 2 * MIB, MEM), 0);
	memset(guest->mem, 0, MEM);
	assert_int_equal(siov_iommu_add_memory(guest->iommu, guest->mem, MEM), 0);
	assert_int_equal(siov_domain_create(guest->iommu, &host_conf, &guest->host), 0);
	assert_int_equal(siov_domain_map(guest->host, GPA, guest->mem, MEM, RW), 0);
	pt_conf = pt_conf_of(guest);
	pt_conf.levels = levels;
	assert_int_equal(siov_guest_pt_create(&pt_conf, &guest->pt), 0);
	nested_conf.parent = guest->host;
	nested_conf.fs_root = siov_guest_pt_root(guest->pt);
	assert_int_equal(siov_domain_create(guest->iommu, &nested_conf, &guest->nested), 0);
	assert_int_equal(siov_pasid_alloc_at(guest->iommu, PASID), 0);
	assert_int_equal(siov_pasid_bind(guest->iommu, PASID, guest->nested, 0), 0);
	assert_int_equal(siov_atc_create(guest->iommu, NULL, &guest->atc), 0);
	return guest;
}

static void
close_guest(struct guest *guest)
{
	assert_int_equal(siov_atc_free(guest->atc), 0);
	assert_int_equal(siov_domain_free(guest->host), -EBUSY);
	assert_int_equal(siov_pasid_unbind(guest->iommu, PASID), 0);
	assert_int_equal(siov_pasid_free(guest->iommu, PASID), 0);
	assert_int_equal(siov_domain_free(guest->nested), 0);
	assert_int_equal(siov_domain_free(guest->host), 0);
	siov_guest_pt_free(guest->pt);
	siov_iommu_free(guest->iommu);
	assert_int_equal(guest->fm.nb_live, 0);
	free(guest->mem);
	free(guest);
}

static int
translate(struct guest *guest, uint64_t gva, unsigned int perm, struct siov_xlate *x)
{
	int rc;

	siov_atc_online(guest->atc);
	rc = siov_atc_translate(guest->atc, PASID, gva, perm, x);
	siov_atc_offline(guest->atc);
	return rc;
}

static void
expect(struct guest *guest, uint64_t gva, uint64_t offset)
{
	struct siov_xlate x;

	assert_int_equal(translate(guest, gva, SIOV_PERM_R, &x), 0);
	assert_ptr_equal(x.hva, guest->mem + offset);
}

static void
test_pages_of_both_sizes_are_found(void **state)
{
	struct guest *guest = open_guest(4, 0);
	struct siov_xlate x;

	(void)state;
	/* Two small pages, a large one, a small one. */
	assert_int_equal(siov_guest_pt_map(guest->pt, GVA + 2 * MIB - 2 * PAGE,
					   GPA + 2 * MIB - 2 * PAGE, 2 * MIB + 3 * PAGE, RW),
			 0);
	expect(guest, GVA + 2 * MIB - 2 * PAGE, 2 * MIB - 2 * PAGE);
	expect(guest, GVA + 2 * MIB - 1, 2 * MIB - 1);
	expect(guest, GVA + 3 * MIB + 17, 3 * MIB + 17);
	expect(guest, GVA + 4 * MIB + 5, 4 * MIB + 5);
	assert_int_equal(siov_guest_pt_entry(guest->pt, GVA + 3 * MIB) & SIOV_VTD_FS_PS,
			 SIOV_VTD_FS_PS);
	assert_int_equal(siov_guest_pt_entry(guest->pt, GVA + 4 * MIB) & SIOV_VTD_FS_PS, 0);
	assert_int_equal(translate(guest, GVA + 4 * MIB + PAGE, SIOV_PERM_R, &x),
			 SIOV_FAULT_FS_NOT_PRESENT);
	assert_int_equal(translate(guest, GVA, SIOV_PERM_R, &x), SIOV_FAULT_FS_NOT_PRESENT);
	close_guest(guest);
}

static void
test_five_levels_reach_further(void **state)
{
	struct guest *guest = open_guest(5, 0);
	const uint64_t far = UINT64_C(0x00ff000000000000);
	struct siov_xlate x;

	(void)state;
	assert_int_equal(siov_guest_pt_map(guest->pt, far, GPA, PAGE, RW), 0);
	expect(guest, far + 9, 9);
	/* The upper half is a supervisor's, but nothing forbids a guest to map it for users. */
	assert_int_equal(siov_guest_pt_map(guest->pt, UINT64_C(0xff00000000000000), GPA, PAGE, RW),
			 0);
	expect(guest, UINT64_C(0xff00000000000000) + 3, 3);
	assert_int_equal(translate(guest, UINT64_C(0x0100000000000000), SIOV_PERM_R, &x),
			 SIOV_FAULT_NOT_CANONICAL);
	close_guest(guest);
}

static void
test_read_only_and_dirty(void **state)
{
	struct guest *guest = open_guest(4, SIOV_DOMAIN_F_AD);
	uint64_t bitmap[MEM / PAGE / 64] = {0};
	struct siov_xlate x;

	(void)state;
	assert_int_equal(siov_guest_pt_map(guest->pt, GVA, GPA, PAGE, SIOV_PERM_R), 0);
	assert_int_equal(siov_guest_pt_map(guest->pt, GVA + PAGE, GPA + PAGE, PAGE, RW), 0);
	assert_int_equal(translate(guest, GVA, SIOV_PERM_W, &x), SIOV_FAULT_NO_WRITE);
	expect(guest, GVA + PAGE, PAGE);
	assert_int_equal(siov_guest_pt_entry(guest->pt, GVA + PAGE) &
				 (SIOV_VTD_FS_A | SIOV_VTD_FS_D),
			 SIOV_VTD_FS_A);
	/* The tables are dirty by their A bits, the page is not so far. */
	assert_true(siov_domain_dirty(guest->host, GPA, MEM, bitmap, SIOV_DIRTY_CLEAR) > 0);
	assert_int_equal(bitmap[0], 0);
	assert_int_not_equal(bitmap[TABLES / PAGE / 64], 0);
	assert_int_equal(translate(guest, GVA + PAGE, SIOV_PERM_W, &x), 0);
	assert_int_equal(siov_guest_pt_entry(guest->pt, GVA + PAGE) & SIOV_VTD_FS_D, SIOV_VTD_FS_D);
	memset(bitmap, 0, sizeof(bitmap));
	assert_true(siov_domain_dirty(guest->host, GPA, MEM, bitmap, SIOV_DIRTY_CLEAR) >= 1);
	assert_int_equal(bitmap[0], 2);
	/* Cleared: what was cached does not hide the next write. */
	assert_int_equal(translate(guest, GVA + PAGE, SIOV_PERM_W, &x), 0);
	memset(bitmap, 0, sizeof(bitmap));
	assert_int_equal(siov_domain_dirty(guest->host, GPA, 64 * PAGE, bitmap, 0), 1);
	assert_int_equal(bitmap[0], 2);
	close_guest(guest);
}

static void
test_unmap_and_bad_arguments(void **state)
{
	struct guest *guest = open_guest(4, 0);
	struct siov_guest_pt_conf conf = pt_conf_of(guest);
	struct siov_guest_pt *pt = NULL;
	struct siov_xlate x;

	(void)state;
	assert_int_equal(siov_guest_pt_map(guest->pt, GVA, GPA, 2 * MIB + PAGE, RW), 0);
	assert_int_equal(siov_guest_pt_map(guest->pt, GVA, GPA, PAGE, RW), -EEXIST);
	assert_int_equal(siov_guest_pt_unmap(guest->pt, GVA, PAGE), -EINVAL);
	assert_int_equal(siov_guest_pt_unmap(guest->pt, GVA, 4 * MIB), 0);
	assert_int_equal(translate(guest, GVA, SIOV_PERM_R, &x), SIOV_FAULT_FS_NOT_PRESENT);
	assert_int_equal(siov_guest_pt_entry(guest->pt, GVA + 2 * MIB), 0);
	assert_int_equal(siov_guest_pt_map(guest->pt, GVA + 1, GPA, PAGE, RW), -EINVAL);
	assert_int_equal(siov_guest_pt_map(guest->pt, GVA, GPA, 0, RW), -EINVAL);
	assert_int_equal(siov_guest_pt_map(guest->pt, GVA, GPA, PAGE, SIOV_PERM_W), -EINVAL);
	/* Every map far away needs three tables: the room ends. */
	conf.room = 3 * PAGE;
	assert_int_equal(siov_guest_pt_create(&conf, &pt), 0);
	assert_int_equal(siov_guest_pt_map(pt, GVA, GPA, PAGE, RW), -ENOMEM);
	siov_guest_pt_free(pt);
	conf.room = 0;
	assert_int_equal(siov_guest_pt_create(&conf, &pt), -EINVAL);
	conf.room = MEM;
	assert_int_equal(siov_guest_pt_create(&conf, &pt), -EINVAL);
	close_guest(guest);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pages_of_both_sizes_are_found),
		cmocka_unit_test(test_five_levels_reach_further),
		cmocka_unit_test(test_read_only_and_dirty),
		cmocka_unit_test(test_unmap_and_bad_arguments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

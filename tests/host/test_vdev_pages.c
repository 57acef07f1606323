/* SPDX-License-Identifier: BSD-3-Clause */
/* What a VDEV is composed of, page by page, and ADIs without one. */
#include <stdlib.h>
#include <unistd.h>

#include <sys/eventfd.h>

#include "vdev_user.h"

#define PASID 9u

static struct siov_vdev *
make(struct host_bed *bed, struct siov_gas *gas, const char *type, uint32_t nb_dwqs, uint32_t flags)
{
	const struct siov_vdev_conf conf = {
		.type = siov_vdcm_type_find(type),
		.nb_dwqs = nb_dwqs,
		.gas = gas,
		.flags = flags,
	};
	struct siov_vdev *vdev;

	assert_int_equal(siov_vdev_create(bed->vdcm, &conf, &vdev), 0);
	return vdev;
}

static struct siov_gas *
make_gas(struct host_bed *bed)
{
	const struct siov_gas_conf conf = {.mem = &bed->fm.mem, .iommu = bed->iommu};
	struct siov_gas *gas;

	assert_int_equal(siov_gas_create(&conf, &gas), 0);
	return gas;
}

/* Areas lie in order, do not overlap, and are whole pages; which kinds there are is collected. */
static unsigned int
check_region(struct siov_vdev *vdev, unsigned int index, uint64_t page)
{
	struct siov_vdev_region region;
	unsigned int i, kinds = 0;
	uint64_t end = 0;

	assert_int_equal(siov_vdev_region(vdev, index, &region), 0);
	assert_int_equal(region.bytes & (region.bytes - 1), 0);
	for (i = 0; i < region.nb_areas; i++) {
		const struct siov_vdev_area *area = &region.areas[i];

		assert_true(area->offset >= end && area->bytes != 0);
		assert_int_equal(area->offset % page, 0);
		assert_int_equal(area->bytes % page, 0);
		end = area->offset + area->bytes;
		kinds |= 1u << area->kind;
		/* What is mapped has memory; what is intercepted has none. */
		if (area->kind == SIOV_PAGE_INTERCEPT)
			assert_null(area->hva);
		if (area->kind == SIOV_PAGE_MEMORY || area->kind == SIOV_PAGE_WRITE_INTERCEPT)
			assert_non_null(area->hva);
	}
	assert_true(end <= region.bytes);
	return kinds;
}

static void
test_s9_4_1_1_pages_of_all_kinds_for_every_system_page_size(void **state)
{
	static const uint64_t pages[] = {4096, 16384, 65536, 2u << 20};
	unsigned int i;

	(void)state;
	for (i = 0; i < RTE_DIM(pages); i++) {
		const struct host_bed_conf conf = {.nb_fns = 1, .page_bytes = pages[i]};
		struct host_bed *bed = host_bed_open(&conf);
		struct siov_gas *gas = make_gas(bed);
		struct siov_vdev *vdev = make(bed, gas, "mixed", 2, 0);
		uint64_t value;
		unsigned int kinds = check_region(vdev, SIOV_VDEV_BAR0, pages[i]) |
				     check_region(vdev, SIOV_VDEV_BAR2, pages[i]);

		assert_int_equal(kinds & 0xf, 0xf);
		/* Each is where it is said to be. */
		assert_int_equal(
			siov_vdev_read(vdev, SIOV_VDEV_BAR0, SIOV_VREG_PAGE_BYTES, 4, &value), 0);
		assert_int_equal(value, pages[i]);
		assert_int_equal(siov_vdev_write(vdev, SIOV_VDEV_BAR0, pages[i] + 8, 4, 33), 0);
		assert_int_equal(siov_vdev_read(vdev, SIOV_VDEV_BAR0, pages[i] + 8, 4, &value), 0);
		assert_int_equal(value, 33);
		assert_int_equal(siov_vdev_destroy(vdev, HOST_BED_MS), 0);
		assert_int_equal(siov_gas_free(gas), 0);
		host_bed_close(bed);
	}
}

static void
test_s9_4_1_2_write_intercepted_registers_share_no_page_with_others(void **state)
{
	struct siov_vdev_region region;
	struct siov_vdev *vdev;
	struct host_bed *bed;
	struct siov_gas *gas;
	uint64_t before, after;
	unsigned int at;

	(void)state;
	bed = host_bed_open(NULL);
	gas = make_gas(bed);
	vdev = make(bed, gas, "swq", 0, 0);
	assert_int_equal(siov_vdev_region(vdev, SIOV_VDEV_BAR0, &region), 0);
	assert_int_equal(region.areas[0].kind, SIOV_PAGE_WRITE_INTERCEPT);
	/* No register there changes by being read, whoever reads it and however often. */
	for (at = 0; at < region.areas[0].bytes; at += 8) {
		assert_int_equal(siov_vdev_read(vdev, SIOV_VDEV_BAR0, at, 8, &before), 0);
		assert_int_equal(siov_vdev_read(vdev, SIOV_VDEV_BAR0, at, 8, &after), 0);
		assert_int_equal(before, after);
		assert_memory_equal((uint8_t *)region.areas[0].hva + at, &after, 8);
	}
	/* Those whose value has to be looked up, pending bits, are in another. */
	assert_int_equal(region.areas[1].kind, SIOV_PAGE_INTERCEPT);
	assert_true(region.areas[1].offset >= region.areas[0].offset + region.areas[0].bytes);
	assert_int_equal(siov_vdev_destroy(vdev, HOST_BED_MS), 0);
	assert_int_equal(siov_gas_free(gas), 0);
	host_bed_close(bed);
}

static void
test_pages_of_memory_have_a_descriptor_where_it_is_asked_for(void **state)
{
	struct siov_vdev_region region;
	struct siov_vdev *vdev;
	struct host_bed *bed;
	struct siov_gas *gas;
	uint32_t magic = 0;
	uint64_t value;

	(void)state;
	bed = host_bed_open(NULL);
	gas = make_gas(bed);
	vdev = make(bed, gas, "swq", 0, SIOV_VDEV_F_FD);
	assert_int_equal(siov_vdev_region(vdev, SIOV_VDEV_BAR0, &region), 0);
	assert_true(region.areas[0].fd >= 0);
	assert_int_equal(pread(region.areas[0].fd, &magic, 4,
			       (off_t)region.areas[0].fd_offset + SIOV_VREG_MAGIC),
			 4);
	assert_int_equal(magic, SIOV_VREG_MAGIC_VALUE);
	value = 0x1234;
	assert_int_equal(pwrite(region.areas[2].fd, &value, 8, (off_t)region.areas[2].fd_offset),
			 8);
	assert_int_equal(siov_vdev_read(vdev, SIOV_VDEV_BAR0, region.areas[2].offset, 8, &value),
			 0);
	assert_int_equal(value, 0x1234);
	assert_int_equal(siov_gas_free(gas), -EBUSY);
	assert_int_equal(siov_vdev_destroy(vdev, HOST_BED_MS), 0);
	assert_int_equal(siov_gas_free(gas), 0);
	host_bed_close(bed);
}

static void
test_interrupts_by_eventfd(void **state)
{
	struct siov_vdev *vdev;
	struct host_bed *bed;
	struct siov_gas *gas;
	eventfd_t nb;
	int fd = eventfd(0, EFD_NONBLOCK);

	(void)state;
	bed = host_bed_open(NULL);
	gas = make_gas(bed);
	vdev = make(bed, gas, "swq", 0, 0);
	assert_int_equal(siov_vdev_set_eventfd(vdev, 2, fd), -EINVAL);
	assert_int_equal(siov_vdev_set_eventfd(vdev, 0, fd), 0);
	/* A command that is not allowed ends at once, with an interrupt. */
	assert_int_equal(siov_vdev_write(vdev, SIOV_VDEV_BAR0, SIOV_REG_CMD, 4,
					 SIOV_CMD_INT | SIOV_CMD_DRAIN_ALL << SIOV_CMD_SHIFT),
			 0);
	assert_int_equal(eventfd_read(fd, &nb), 0);
	assert_int_equal(nb, 1);
	assert_int_equal(siov_vdev_set_eventfd(vdev, 0, -1), 0);
	assert_int_equal(siov_vdev_write(vdev, SIOV_VDEV_BAR0, SIOV_REG_CMD, 4,
					 SIOV_CMD_INT | SIOV_CMD_DRAIN_ALL << SIOV_CMD_SHIFT),
			 0);
	assert_int_not_equal(eventfd_read(fd, &nb), 0);
	assert_int_equal(siov_vdev_destroy(vdev, HOST_BED_MS), 0);
	close(fd);
	assert_int_equal(siov_gas_free(gas), 0);
	host_bed_close(bed);
}

/* From the host driver come ADIs; to the guest go pages, some of them straight from those. */
static void
test_s9_2_1_the_vdcm_composes_of_what_the_host_driver_has(void **state)
{
	const struct host_bed_conf conf = {.nb_fns = 2, .nb_adis = 3};
	struct siov_vdev *vdevs[6], *more;
	struct siov_vdev_conf vdev_conf = {.fn = SIOV_VDEV_FN_ANY};
	struct siov_vdev_info info;
	struct host_bed *bed;
	struct siov_gas *gas;
	unsigned int i, on[2] = {0};

	(void)state;
	bed = host_bed_open(&conf);
	gas = make_gas(bed);
	vdev_conf.type = siov_vdcm_type_find("swq");
	vdev_conf.gas = gas;
	for (i = 0; i < RTE_DIM(vdevs); i++) {
		assert_int_equal(siov_vdev_create(bed->vdcm, &vdev_conf, &vdevs[i]), 0);
		siov_vdev_get_info(vdevs[i], &info);
		on[info.fn]++;
		assert_ptr_equal(siov_vdcm_find(bed->vdcm, info.id), vdevs[i]);
	}
	/* The load is shared by both, and when neither has an ADI left there is no VDEV. */
	assert_int_equal(on[0], 3);
	assert_int_equal(on[1], 3);
	assert_int_equal(siov_vdev_create(bed->vdcm, &vdev_conf, &more), -ENOSPC);
	assert_int_equal(siov_vdcm_free(bed->vdcm), -EBUSY);
	for (i = 0; i < RTE_DIM(vdevs); i++)
		assert_int_equal(siov_vdev_destroy(vdevs[i], HOST_BED_MS), 0);
	assert_int_equal(siov_dev_adi_used(bed->devs[0]), 0);
	assert_int_equal(siov_dev_adi_used(bed->devs[1]), 0);
	assert_int_equal(siov_gas_free(gas), 0);
	host_bed_close(bed);
}

/* A process of the host gets an ADI by the same driver, and works in its own address space. */
static void
test_s6_2_2_processes_and_containers_get_adis_without_a_vdev(void **state)
{
	static uint8_t src[4096], dst[4096];
	static struct dsa_completion_record record __attribute__((aligned(32)));
	const struct siov_domain_conf own = {.kind = SIOV_DOMAIN_PROCESS};
	struct siov_adi_conf conf = {.pasid = PASID, .wq_id = UINT32_MAX};
	const struct dsa_hw_desc desc __attribute__((aligned(64))) = {
		.opcode = DSA_OPCODE_MEMMOVE,
		.flags = IDXD_OP_FLAG_CRAV | IDXD_OP_FLAG_RCR,
		.completion_addr = (uintptr_t)&record,
		.src_addr = (uintptr_t)src,
		.dst_addr = (uintptr_t)dst,
		.xfer_size = sizeof(src),
	};
	struct siov_domain *domain;
	struct siov_portal *portal;
	struct siov_lane *lane;
	struct host_bed *bed;
	struct siov_dev *dev;
	uint32_t id;

	(void)state;
	bed = host_bed_open(NULL);
	dev = siov_hostdrv_dev(bed->drvs[0]);
	memset(src, 0x5a, sizeof(src));
	assert_int_equal(siov_domain_create(bed->iommu, &own, &domain), 0);
	assert_int_equal(siov_pasid_alloc_at(bed->iommu, PASID), 0);
	assert_int_equal(siov_pasid_bind(bed->iommu, PASID, domain, 0), 0);
	assert_int_equal(siov_hostdrv_adi_create(bed->drvs[0], SIOV_ADI_CONTEXT, SIOV_ADI_PROCESS,
						 &conf, &id),
			 0);
	assert_int_equal(siov_dev_adi_enable(dev, id), 0);
	assert_int_equal(siov_dev_attach(dev, conf.wq_id, 0, &lane), 0);
	assert_int_equal(siov_dev_adi_portal_open(dev, id, lane, &portal), 0);
	assert_int_equal(siov_enqcmd(portal, &desc), SIOV_DMWR_SUCCESS);
	while (siov_atomic_load((SIOV_ATOMIC(uint8_t) *)&record, acquire) == 0)
		host_bed_nap();
	assert_int_equal(record.status, DSA_COMP_SUCCESS);
	assert_memory_equal(src, dst, sizeof(src));
	assert_int_equal(siov_dev_adi_disable(dev, id, HOST_BED_MS), 0);
	assert_int_equal(siov_dev_detach(dev, lane, HOST_BED_MS), 0);
	assert_int_equal(siov_hostdrv_adi_destroy(bed->drvs[0], id), 0);
	assert_int_equal(siov_pasid_unbind(bed->iommu, PASID), 0);
	assert_int_equal(siov_pasid_free(bed->iommu, PASID), 0);
	assert_int_equal(siov_domain_free(domain), 0);
	host_bed_close(bed);
}

/* ---- guests that write whatever they like ---- */

static void
test_any_access_is_answered_and_a_neighbour_does_not_notice(void **state)
{
	static const unsigned int indexes[] = {SIOV_VDEV_BAR0, SIOV_VDEV_BAR0, SIOV_VDEV_BAR2,
					       SIOV_VDEV_CONFIG, 3};
	const struct host_bed_conf conf = {.nb_fns = 1, .has_loop = true};
	struct siov_vm_portal *portal;
	struct vdev_user quiet;
	struct siov_vdev *wild;
	struct host_bed *bed;
	struct siov_gas *gas;
	struct siov_vm *vm;
	uint16_t bdf;
	uint32_t i;

	(void)state;
	bed = host_bed_open(&conf);
	vm = host_bed_vm(bed, 1);
	bdf = host_bed_plug(vm, "swq", 0);
	assert_int_equal(siov_vcpu_enter(siov_vm_vcpu(vm, 0)), 0);
	vdev_user_open(&quiet, bed, vm, bdf);
	assert_int_equal(vdev_user_enable(&quiet, 0, PASID), 0);
	portal = vdev_user_portal(&quiet, 0, PASID);
	gas = make_gas(bed);
	wild = make(bed, gas, "dynamic", 0, 0);
	srand(7);
	for (i = 0; i < 60000; i++) {
		unsigned int width = 1u << rand() % 4, index = indexes[(uint32_t)rand() % 5];
		uint64_t at = (uint64_t)rand() % 20000, value;

		if (rand() % 4 != 0)
			at = at / width * width;
		/* Registers more often than what lies between them. */
		if (rand() % 2 != 0)
			at %= 0x100;
		if (rand() % 3 == 0)
			siov_vdev_read(wild, index, at, width, &value);
		else
			siov_vdev_write(wild, index, at, width,
					(uint64_t)rand() << 33 ^ (uint64_t)rand());
		if (i % 64 == 0)
			siov_vdev_write(wild, SIOV_VDEV_CONFIG, PCI_COMMAND, 2, 6);
		if (i % 32 == 0)
			siov_vdev_write(wild, SIOV_VDEV_BAR0, SIOV_REG_CMD, 4,
					((uint32_t)rand() % 16) << SIOV_CMD_SHIFT |
						(uint32_t)rand() % 4);
		if (i % 16 == 0)
			siov_vdev_write(wild, SIOV_VDEV_BAR0, SIOV_VREG_VERSION, 4, 1);
		if (i % 16 == 8)
			siov_vdev_write(wild, SIOV_VDEV_BAR0, SIOV_VREG_DOORBELL, 4,
					(uint32_t)rand() % 20);
		if (i % 500 == 0)
			vdev_user_check_copy(&quiet, portal, false);
	}
	assert_int_equal(siov_vdev_destroy(wild, HOST_BED_MS), 0);
	assert_int_equal(siov_gas_free(gas), 0);
	vdev_user_check_copy(&quiet, portal, false);
	siov_vcpu_leave(quiet.vcpu);
	host_bed_unplug(vm, bdf);
	assert_int_equal(siov_vm_free(vm), 0);
	host_bed_close(bed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_s9_4_1_1_pages_of_all_kinds_for_every_system_page_size),
		cmocka_unit_test(
			test_s9_4_1_2_write_intercepted_registers_share_no_page_with_others),
		cmocka_unit_test(test_pages_of_memory_have_a_descriptor_where_it_is_asked_for),
		cmocka_unit_test(test_interrupts_by_eventfd),
		cmocka_unit_test(test_s9_2_1_the_vdcm_composes_of_what_the_host_driver_has),
		cmocka_unit_test(test_s6_2_2_processes_and_containers_get_adis_without_a_vdev),
		cmocka_unit_test(test_any_access_is_answered_and_a_neighbour_does_not_notice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

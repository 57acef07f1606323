/* SPDX-License-Identifier: BSD-3-Clause */
/* A host driver finds functions of every kind; what it cannot take it leaves as it found it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/pci_regs.h>

#include <cmocka.h>

#include <rte_common.h>

#include "fake_mem.h"
#include "siov_hostdrv.h"

#define FNS 2u
#define RID 0x0100
#define SHARED 3u /* queues */
#define EXT_VENDOR 0x0bu

struct bed {
	struct fake_mem fm;
	struct siov_dev *devs[FNS];
	struct siov_pci *pci;
	struct siov_hostdrv *drv;
};

static int
setup(void **state)
{
	struct bed *bed = calloc(1, sizeof(*bed));
	struct siov_dev_conf dev;
	struct siov_pci_conf pci;
	unsigned int i;

	assert_non_null(bed);
	fake_mem_init(&bed->fm);
	siov_pci_conf_init(&pci);
	pci.mem = &bed->fm.mem;
	pci.nb_fns = FNS;
	pci.is_homogeneous = true;
	for (i = 0; i < FNS; i++) {
		siov_dev_conf_init(&dev);
		snprintf(dev.name, sizeof(dev.name), "siov%u", i);
		dev.mem = &bed->fm.mem;
		dev.rid = (uint16_t)(RID + i);
		dev.nb_wqs = SHARED;
		assert_int_equal(siov_dev_create(&dev, &bed->devs[i]), 0);
		pci.fns[i].dev = bed->devs[i];
		pci.fns[i].page_sizes = 1 | 1 << 4;
		pci.fns[i].next_fn = (uint8_t)((i + 1) % FNS);
	}
	assert_int_equal(siov_pci_create(&pci, &bed->pci), 0);
	*state = bed;
	return 0;
}

static int
teardown(void **state)
{
	struct bed *bed = *state;
	unsigned int i;

	assert_int_equal(siov_hostdrv_remove(bed->drv), 0);
	siov_pci_free(bed->pci);
	for (i = 0; i < FNS; i++)
		siov_dev_free(bed->devs[i]);
	assert_int_equal(siov_atomic_load(&bed->fm.nb_live, relaxed), 0);
	free(bed);
	return 0;
}

static uint32_t
get(struct bed *bed, unsigned int offset, unsigned int width)
{
	return siov_pci_cfg_read(bed->pci, 0, offset, width);
}

static unsigned int
find_ext(struct bed *bed, unsigned int fn, uint32_t id)
{
	unsigned int at = 0x100;

	while (at != 0 && PCI_EXT_CAP_ID(siov_pci_cfg_read(bed->pci, fn, at, 4)) != id)
		at = PCI_EXT_CAP_NEXT(siov_pci_cfg_read(bed->pci, fn, at, 4));
	assert_int_not_equal(at, 0);
	return at;
}

static void
set_mode(struct bed *bed, unsigned int fn, enum siov_dev_mode mode)
{
	siov_pci_cfg_write(bed->pci, fn, find_ext(bed, fn, EXT_VENDOR) + SIOV_PCI_VSEC_MODE, 4,
			   mode);
}

/* Nothing of a function is enabled. */
static void
assert_off(struct bed *bed)
{
	assert_int_equal(get(bed, PCI_COMMAND, 2), 0);
	assert_int_equal(get(bed, find_ext(bed, 0, PCI_EXT_CAP_ID_PASID) + PCI_PASID_CTRL, 2), 0);
	assert_int_equal(get(bed, find_ext(bed, 0, PCI_EXT_CAP_ID_ATS) + PCI_ATS_CTRL, 2), 0);
	assert_int_equal(get(bed, find_ext(bed, 0, PCI_EXT_CAP_ID_PRI) + PCI_PRI_CTRL, 2), 0);
	assert_int_equal(siov_dev_wq_enable(bed->devs[0], 0), -EPERM);
}

/* ---- what is found ---- */

static void
test_s9_1_1_a_function_without_interrupt_storage_is_reported_as_it_is(void **state)
{
	struct bed *bed = *state;
	const struct siov_hostdrv_conf conf = {.page_bytes = 65536};
	const struct siov_hostdrv_caps *caps;
	struct siov_bars bars;

	assert_int_equal(siov_hostdrv_probe(bed->pci, 0, &conf, &bed->drv), 0);
	caps = siov_hostdrv_get_caps(bed->drv);
	siov_dev_bars(bed->devs[0], &bars);
	assert_true(caps->has_siov);
	assert_false(caps->has_ims);
	assert_int_equal(caps->nb_ims, 0);
	assert_int_equal(caps->page_sizes, 0x11);
	assert_int_equal(caps->page_bytes, 65536);
	assert_int_equal(bars.conf.page_bytes, 65536);
	assert_int_equal(caps->bar_bytes[0], bars.size0);
	assert_int_equal(caps->bar_bytes[1], bars.size2);
	assert_int_equal(caps->nb_msix, siov_dev_get_conf(bed->devs[0])->nb_msix);
	/* As the specification of ATS wants it: PASIDs and page requests were enabled before. */
	assert_int_equal(get(bed, find_ext(bed, 0, PCI_EXT_CAP_ID_ATS) + PCI_ATS_CTRL, 2),
			 PCI_ATS_CTRL_ENABLE);
	assert_true(get(bed, find_ext(bed, 0, PCI_EXT_CAP_ID_PASID) + PCI_PASID_CTRL, 2) &
		    PCI_PASID_CTRL_ENABLE);
	assert_int_equal(get(bed, find_ext(bed, 0, PCI_EXT_CAP_ID_PRI) + PCI_PRI_CTRL, 2),
			 PCI_PRI_CTRL_ENABLE);
	assert_int_equal(siov_hostdrv_remove(bed->drv), 0);
	bed->drv = NULL;
	assert_off(bed);
}

static void
test_a_function_in_the_other_mode_is_taken_over(void **state)
{
	struct bed *bed = *state;

	set_mode(bed, 0, SIOV_MODE_SRIOV);
	assert_int_equal(siov_dev_get_mode(bed->devs[0]), SIOV_MODE_SRIOV);
	assert_int_equal(siov_hostdrv_probe(bed->pci, 0, NULL, &bed->drv), 0);
	assert_int_equal(siov_dev_get_mode(bed->devs[0]), SIOV_MODE_SCALABLE);
}

/* ---- what cannot be taken ---- */

static void
test_s7_8_3_a_driver_gets_no_function_beside_one_of_another_mode(void **state)
{
	struct bed *bed = *state;

	set_mode(bed, 1, SIOV_MODE_SRIOV);
	assert_int_equal(siov_hostdrv_probe(bed->pci, 0, NULL, &bed->drv), -EXDEV);
	assert_off(bed);
	set_mode(bed, 1, SIOV_MODE_SCALABLE);
	assert_int_equal(siov_hostdrv_probe(bed->pci, 0, NULL, &bed->drv), 0);
}

static void
test_page_sizes_that_are_none_are_refused(void **state)
{
	static const uint64_t sizes[] = {
		1, 4095, 2048, 8192, 12288, 131072, UINT64_C(4096) << 32, UINT64_MAX,
	};
	struct siov_hostdrv_conf conf;
	struct bed *bed = *state;
	unsigned int i;

	for (i = 0; i < RTE_DIM(sizes); i++) {
		conf.page_bytes = sizes[i];
		assert_int_equal(siov_hostdrv_probe(bed->pci, 0, &conf, &bed->drv), -EINVAL);
	}
	assert_off(bed);
	/* Somebody has switched memory on, and the page size cannot be changed any more. */
	siov_pci_cfg_write(bed->pci, 0, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	conf.page_bytes = 65536;
	assert_int_equal(siov_hostdrv_probe(bed->pci, 0, &conf, &bed->drv), -EIO);
	siov_pci_cfg_write(bed->pci, 0, PCI_COMMAND, 2, 0);
	assert_int_equal(siov_hostdrv_probe(bed->pci, 0, &conf, &bed->drv), 0);
}

static void
test_a_lost_function_is_not_there(void **state)
{
	struct bed *bed = *state;
	struct siov_adi_conf conf = {.wq_id = UINT32_MAX};
	struct siov_hostdrv *other;
	uint32_t id;

	assert_int_equal(siov_hostdrv_probe(bed->pci, 0, NULL, &bed->drv), 0);
	assert_int_equal(
		siov_hostdrv_adi_create(bed->drv, SIOV_ADI_CONTEXT, SIOV_ADI_HOST, &conf, &id), 0);
	assert_int_equal(siov_pci_fail(bed->pci, 0), 0);
	assert_true(siov_hostdrv_is_lost(bed->drv));
	assert_int_equal(siov_hostdrv_probe(bed->pci, 0, NULL, &other), -ENODEV);
	conf.wq_id = UINT32_MAX;
	assert_int_equal(
		siov_hostdrv_adi_create(bed->drv, SIOV_ADI_CONTEXT, SIOV_ADI_HOST, &conf, &id),
		-ENODEV);
	assert_int_equal(siov_hostdrv_adi_destroy(bed->drv, id), 0);
}

static void
test_a_driver_survives_every_allocation_that_fails(void **state)
{
	struct bed *bed = *state;
	uint64_t live = siov_atomic_load(&bed->fm.nb_live, relaxed);
	unsigned int n;
	int ret = -ENOMEM;

	for (n = 1; ret != 0; n++) {
		fake_mem_fail_at(&bed->fm, n);
		ret = siov_hostdrv_probe(bed->pci, 0, NULL, &bed->drv);
		if (ret == 0)
			break;
		assert_int_equal(ret, -ENOMEM);
		assert_int_equal(siov_atomic_load(&bed->fm.nb_live, relaxed), live);
		assert_off(bed);
	}
	assert_true(n > 1);
	fake_mem_fail_at(&bed->fm, 0);
}

/* ---- where ADIs go ---- */

static uint32_t
create(struct bed *bed, uint32_t pasid, uint32_t *wq)
{
	struct siov_adi_conf conf = {.pasid = pasid, .wq_id = UINT32_MAX};
	uint32_t id;

	assert_int_equal(
		siov_hostdrv_adi_create(bed->drv, SIOV_ADI_CONTEXT, SIOV_ADI_HOST, &conf, &id), 0);
	*wq = conf.wq_id;
	return id;
}

/* On the queue with fewest, whoever has put them there, and wherever they have been since. */
static void
test_s9_1_5_adis_are_spread_over_shared_queues(void **state)
{
	struct bed *bed = *state;
	struct siov_adi_conf conf = {.pasid = 100};
	uint32_t ids[2 * SHARED], wq, last, i;

	assert_int_equal(siov_hostdrv_probe(bed->pci, 0, NULL, &bed->drv), 0);
	for (i = 0; i < 2 * SHARED; i++) {
		ids[i] = create(bed, 1 + i, &wq);
		assert_int_equal(wq, i % SHARED);
	}
	/* Both of the last queue move to the first, and are given back. */
	for (i = SHARED - 1; i < 2 * SHARED; i += SHARED) {
		conf.pasid = 100 + i;
		conf.wq_id = 0;
		assert_int_equal(siov_dev_adi_configure(bed->devs[0], ids[i], &conf), 0);
	}
	last = create(bed, 50, &wq);
	assert_int_equal(wq, SHARED - 1);
	assert_int_equal(siov_hostdrv_adi_destroy(bed->drv, last), 0);
	for (i = 0; i < 2 * SHARED; i++)
		assert_int_equal(siov_hostdrv_adi_destroy(bed->drv, ids[i]), 0);
	for (i = 0; i < SHARED; i++) {
		ids[i] = create(bed, 1 + i, &wq);
		assert_int_equal(wq, i);
	}
	for (i = 0; i < SHARED; i++)
		assert_int_equal(siov_hostdrv_adi_destroy(bed->drv, ids[i]), 0);
}

/* One of this PASID is on every queue. */
static void
test_a_pasid_has_one_adi_on_each_queue(void **state)
{
	struct bed *bed = *state;
	struct siov_adi_conf conf = {.pasid = 9, .wq_id = UINT32_MAX};
	uint32_t ids[SHARED], wq, id, i;

	assert_int_equal(siov_hostdrv_probe(bed->pci, 0, NULL, &bed->drv), 0);
	for (i = 0; i < SHARED; i++) {
		ids[i] = create(bed, 9, &wq);
		assert_int_equal(wq, i);
	}
	assert_int_equal(
		siov_hostdrv_adi_create(bed->drv, SIOV_ADI_CONTEXT, SIOV_ADI_HOST, &conf, &id),
		-EEXIST);
	assert_int_equal(conf.wq_id, UINT32_MAX);
	assert_int_equal(siov_dev_adi_used(bed->devs[0]), SHARED);
	for (i = 0; i < SHARED; i++)
		assert_int_equal(siov_hostdrv_adi_destroy(bed->drv, ids[i]), 0);
}

#define PROBE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		PROBE_TEST(test_s9_1_1_a_function_without_interrupt_storage_is_reported_as_it_is),
		PROBE_TEST(test_a_function_in_the_other_mode_is_taken_over),
		PROBE_TEST(test_s7_8_3_a_driver_gets_no_function_beside_one_of_another_mode),
		PROBE_TEST(test_page_sizes_that_are_none_are_refused),
		PROBE_TEST(test_a_lost_function_is_not_there),
		PROBE_TEST(test_a_driver_survives_every_allocation_that_fails),
		PROBE_TEST(test_s9_1_5_adis_are_spread_over_shared_queues),
		PROBE_TEST(test_a_pasid_has_one_adi_on_each_queue),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

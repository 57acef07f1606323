/* SPDX-License-Identifier: BSD-3-Clause */
/* PCI functions: what configuration space does to the devices behind it. */
#include <stdlib.h>

#include <linux/pci_regs.h>

#include "dev_rig.h"
#include "pci_bed.h"
#include "siov_dev_mmio.h"

#define PAGE_SIZE_AT 0x10u

/* ---- the DVSEC ---- */

static void
test_s7_8_1_dvsec_is_bit_for_bit(void **state)
{
	struct pci_bed *bed = *state;
	unsigned int at;

	pci_bed_make(bed, 1);
	at = pci_bed_ext(bed, 0, EXT_DVSEC);
	assert_int_equal(pci_bed_get(bed, 0, at, 4) & 0xfffff, 0x10023);
	assert_int_equal(pci_bed_get(bed, 0, at + 4, 4), 0x01808086);
	assert_int_equal(pci_bed_get(bed, 0, at + 8, 2), 5);
	assert_int_equal(pci_bed_get(bed, 0, at + 0x0a, 1), PCI_BED_NUMBER);
	assert_int_equal(pci_bed_get(bed, 0, at + 0x0b, 1), 0);
	assert_int_equal(pci_bed_get(bed, 0, at + 0x0c, 4), SIOV_BARS_PAGES);
	assert_int_equal(pci_bed_get(bed, 0, at + 0x10, 4), 1);
	assert_int_equal(pci_bed_get(bed, 0, at + 0x14, 4), 1);
	/* Found before anything was enabled. */
	assert_int_equal(pci_bed_get(bed, 0, PCI_COMMAND, 2), 0);
}

static uint32_t
link_of(struct pci_bed *bed, unsigned int fn)
{
	return pci_bed_get(bed, fn, pci_bed_ext(bed, fn, EXT_DVSEC) + 0x0a, 1);
}

static void
test_s7_8_2_dependency_links_close_on_their_first(void **state)
{
	struct pci_bed *bed = *state;
	struct siov_pci_conf conf;
	unsigned int i;

	pci_bed_conf_init(&conf, bed, 3);
	conf.fns[0].next_fn = 2;
	conf.fns[2].next_fn = 0;
	assert_int_equal(siov_pci_create(&conf, &bed->pci), 0);
	assert_int_equal(link_of(bed, 0), PCI_BED_NUMBER + 2);
	assert_int_equal(link_of(bed, 1), PCI_BED_NUMBER + 1);
	assert_int_equal(link_of(bed, 2), PCI_BED_NUMBER);
	siov_pci_free(bed->pci);
	bed->pci = NULL;
	/* Lists that do not close, and links to what is not there. */
	conf.fns[2].next_fn = 2;
	assert_int_equal(siov_pci_create(&conf, &bed->pci), -EINVAL);
	conf.fns[2].next_fn = 3;
	assert_int_equal(siov_pci_create(&conf, &bed->pci), -EINVAL);
	for (i = 0; i < 3; i++)
		conf.fns[i].next_fn = (uint8_t)i;
	conf.fns[1].page_sizes = 4;
	assert_int_equal(siov_pci_create(&conf, &bed->pci), -EINVAL);
	conf.nb_fns = 0;
	assert_int_equal(siov_pci_create(&conf, &bed->pci), -EINVAL);
	/* One function twice. */
	pci_bed_conf_init(&conf, bed, 2);
	conf.fns[1].dev = bed->devs[0];
	assert_int_equal(siov_pci_create(&conf, &bed->pci), -EINVAL);
}

static void
test_s7_8_3_homogeneous_functions_are_enabled_together(void **state)
{
	struct pci_bed *bed = *state;
	struct siov_pci_conf conf;
	unsigned int mode;
	uint32_t id;

	pci_bed_conf_init(&conf, bed, 3);
	conf.is_homogeneous = true;
	conf.fns[0].next_fn = 1;
	conf.fns[1].next_fn = 0;
	assert_int_equal(siov_pci_create(&conf, &bed->pci), 0);
	assert_int_equal(pci_bed_get(bed, 0, pci_bed_ext(bed, 0, EXT_DVSEC) + 0x0b, 1), 1);
	pci_bed_switch_on(bed, 0);
	pci_bed_switch_on(bed, 2);
	mode = pci_bed_ext(bed, 1, EXT_VENDOR) + SIOV_PCI_VSEC_MODE;
	pci_bed_set(bed, 1, mode, 4, SIOV_MODE_SRIOV);
	id = pci_bed_adi(bed, 0);
	assert_int_equal(siov_dev_adi_enable(bed->devs[0], id), -EXDEV);
	assert_int_equal(siov_dev_adi_enable(bed->devs[2], pci_bed_adi(bed, 2)), 0);
	pci_bed_set(bed, 1, mode, 4, SIOV_MODE_SCALABLE);
	assert_int_equal(siov_dev_adi_enable(bed->devs[0], id), 0);
	/* One that works already is not left alone in its mode. */
	pci_bed_set(bed, 1, mode, 4, SIOV_MODE_SRIOV);
	assert_int_equal(pci_bed_get(bed, 1, mode, 4), SIOV_MODE_SCALABLE);
	assert_int_equal(siov_dev_get_mode(bed->devs[1]), SIOV_MODE_SCALABLE);
}

/* Whatever its device was told before, by other functions. */
static void
test_a_new_function_is_as_after_a_reset(void **state)
{
	struct pci_bed *bed = *state;
	struct siov_pci_conf conf;
	struct siov_bars bars;

	pci_bed_conf_init(&conf, bed, 2);
	conf.is_homogeneous = true;
	conf.fns[0].next_fn = 1;
	conf.fns[1].next_fn = 0;
	assert_int_equal(siov_pci_create(&conf, &bed->pci), 0);
	pci_bed_set(bed, 1, pci_bed_ext(bed, 1, EXT_VENDOR) + SIOV_PCI_VSEC_MODE, 4,
		    SIOV_MODE_SRIOV);
	pci_bed_set(bed, 0, pci_bed_ext(bed, 0, EXT_DVSEC) + PAGE_SIZE_AT, 4, 1 << 4);
	siov_pci_free(bed->pci);
	bed->pci = NULL;
	pci_bed_make(bed, 2);
	assert_int_equal(siov_dev_get_mode(bed->devs[1]), SIOV_MODE_SCALABLE);
	siov_dev_bars(bed->devs[0], &bars);
	assert_int_equal(bars.conf.page_bytes, 4096);
	pci_bed_switch_on(bed, 0);
	assert_int_equal(siov_dev_adi_enable(bed->devs[0], pci_bed_adi(bed, 0)), 0);
}

static void
test_functions_that_cannot_be_made_change_no_device(void **state)
{
	struct pci_bed *bed = *state;
	struct siov_pci_conf conf;
	uint32_t id = pci_bed_adi(bed, 2);

	pci_bed_conf_init(&conf, bed, 3);
	assert_int_equal(siov_pci_create(&conf, &bed->pci), -EBUSY);
	assert_int_equal(siov_dev_wq_enable(bed->devs[0], 0), 0);
	assert_int_equal(siov_dev_adi_release(bed->devs[2], id), 0);
	assert_int_equal(siov_pci_create(&conf, &bed->pci), -EBUSY);
	assert_int_equal(siov_dev_wq_disable(bed->devs[0], 0, 0), 0);
	assert_int_equal(siov_pci_create(&conf, &bed->pci), 0);
}

static void
test_s7_8_4_supported_page_sizes_are_read_only(void **state)
{
	struct pci_bed *bed = *state;
	struct siov_pci_conf conf;
	unsigned int at;

	pci_bed_conf_init(&conf, bed, 1);
	conf.fns[0].page_sizes = 1 | 1 << 4;
	assert_int_equal(siov_pci_create(&conf, &bed->pci), 0);
	at = pci_bed_ext(bed, 0, EXT_DVSEC);
	assert_int_equal(pci_bed_get(bed, 0, at + 0x0c, 4), 0x11);
	pci_bed_set(bed, 0, at + 0x0c, 4, UINT32_MAX);
	assert_int_equal(pci_bed_get(bed, 0, at + 0x0c, 4), 0x11);
	/* Not one of them. */
	pci_bed_set(bed, 0, at + PAGE_SIZE_AT, 4, 4);
	assert_int_equal(pci_bed_get(bed, 0, at + PAGE_SIZE_AT, 4), 1);
}

static uint64_t
bar_bytes(struct pci_bed *bed, unsigned int n)
{
	unsigned int at = PCI_BASE_ADDRESS_0 + 4 * n;
	uint64_t bits;

	pci_bed_set(bed, 0, at, 4, UINT32_MAX);
	pci_bed_set(bed, 0, at + 4, 4, UINT32_MAX);
	/* 64-bit, prefetchable. */
	assert_int_equal(pci_bed_get(bed, 0, at, 4) & 0xf, 0xc);
	bits = (uint64_t)pci_bed_get(bed, 0, at + 4, 4) << 32 |
	       (pci_bed_get(bed, 0, at, 4) & ~0xfu);
	return ~bits + 1;
}

static void
test_s7_8_5_system_page_size_is_chosen_before_memory_space_enable(void **state)
{
	struct pci_bed *bed = *state;
	unsigned int at, msix;
	struct siov_bars bars;
	uint32_t table;

	pci_bed_make(bed, 1);
	at = pci_bed_ext(bed, 0, EXT_DVSEC) + PAGE_SIZE_AT;
	msix = pci_bed_cap(bed, 0, PCI_CAP_ID_MSIX);
	table = pci_bed_get(bed, 0, msix + PCI_MSIX_TABLE, 4);
	siov_dev_bars(bed->devs[0], &bars);
	assert_int_equal(bar_bytes(bed, 0), bars.size0);
	/* None, two, and an unsupported one. */
	pci_bed_set(bed, 0, at, 4, 0);
	assert_int_equal(pci_bed_get(bed, 0, at, 4), 1);
	pci_bed_set(bed, 0, at, 4, 5);
	assert_int_equal(pci_bed_get(bed, 0, at, 4), 1);
	pci_bed_set(bed, 0, at, 4, 2);
	assert_int_equal(pci_bed_get(bed, 0, at, 4), 1);
	pci_bed_set(bed, 0, at, 4, 1 << 4);
	assert_int_equal(pci_bed_get(bed, 0, at, 4), 1 << 4);
	/* The layout follows. */
	siov_dev_bars(bed->devs[0], &bars);
	assert_int_equal(bars.conf.page_bytes, 65536);
	assert_int_equal(bar_bytes(bed, 0), bars.size0);
	assert_int_equal(bar_bytes(bed, 2), bars.size2);
	assert_int_equal(pci_bed_get(bed, 0, msix + PCI_MSIX_TABLE, 4), bars.msix);
	assert_int_not_equal(bars.msix, table);
	pci_bed_set(bed, 0, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	pci_bed_set(bed, 0, at, 4, 1);
	assert_int_equal(pci_bed_get(bed, 0, at, 4), 1 << 4);
}

static void
test_s7_8_6_ims_support_is_shown(void **state)
{
	struct pci_bed *bed = *state;

	pci_bed_make(bed, 3);
	assert_int_equal(pci_bed_get(bed, 1, pci_bed_ext(bed, 1, EXT_DVSEC) + 0x14, 4), 1);
	assert_int_equal(pci_bed_get(bed, 2, pci_bed_ext(bed, 2, EXT_DVSEC) + 0x14, 4), 0);
}

/* ---- enables ---- */

static void
test_s7_2_1_no_adi_before_pasids_are_enabled(void **state)
{
	struct pci_bed *bed = *state;
	unsigned int pasid, ats;
	uint32_t id;

	pci_bed_make(bed, 1);
	pasid = pci_bed_ext(bed, 0, PCI_EXT_CAP_ID_PASID);
	ats = pci_bed_ext(bed, 0, PCI_EXT_CAP_ID_ATS);
	assert_int_equal(pci_bed_get(bed, 0, pasid + PCI_PASID_CAP, 2) >> 8 & 0x1f, 20);
	id = pci_bed_adi(bed, 0);
	pci_bed_set(bed, 0, PCI_COMMAND, 2, PCI_COMMAND_MASTER);
	assert_int_equal(siov_dev_adi_enable(bed->devs[0], id), -EPERM);
	assert_int_equal(siov_dev_wq_enable(bed->devs[0], 0), -EPERM);
	pci_bed_set(bed, 0, pasid + PCI_PASID_CTRL, 2, PCI_PASID_CTRL_ENABLE);
	assert_int_equal(siov_dev_adi_enable(bed->devs[0], id), 0);
	assert_int_equal(siov_dev_wq_enable(bed->devs[0], 0), 0);
	/* While it works neither PASIDs nor Bus Master go away; nor while ATS is on. */
	pci_bed_set(bed, 0, pasid + PCI_PASID_CTRL, 2, 0);
	assert_int_equal(pci_bed_get(bed, 0, pasid + PCI_PASID_CTRL, 2), PCI_PASID_CTRL_ENABLE);
	pci_bed_set(bed, 0, PCI_COMMAND, 2, 0);
	assert_int_equal(pci_bed_get(bed, 0, PCI_COMMAND, 2), PCI_COMMAND_MASTER);
	assert_int_equal(siov_dev_wq_disable(bed->devs[0], 0, 0), 0);
	pci_bed_set(bed, 0, ats + PCI_ATS_CTRL, 2, PCI_ATS_CTRL_ENABLE);
	pci_bed_set(bed, 0, pasid + PCI_PASID_CTRL, 2, 0);
	assert_int_equal(pci_bed_get(bed, 0, pasid + PCI_PASID_CTRL, 2), PCI_PASID_CTRL_ENABLE);
	pci_bed_set(bed, 0, ats + PCI_ATS_CTRL, 2, 0);
	pci_bed_set(bed, 0, pasid + PCI_PASID_CTRL, 2, 0);
	assert_int_equal(pci_bed_get(bed, 0, pasid + PCI_PASID_CTRL, 2), 0);
	pci_bed_set(bed, 0, PCI_COMMAND, 2, 0);
	assert_int_equal(pci_bed_get(bed, 0, PCI_COMMAND, 2), 0);
	assert_int_equal(siov_dev_wq_enable(bed->devs[0], 0), -EPERM);
}

static void
test_page_requests_need_an_allocation(void **state)
{
	struct pci_bed *bed = *state;
	unsigned int pri;

	pci_bed_make(bed, 1);
	pri = pci_bed_ext(bed, 0, PCI_EXT_CAP_ID_PRI);
	assert_true(pci_bed_get(bed, 0, pri + PCI_PRI_STATUS, 2) & PCI_PRI_STATUS_STOPPED);
	pci_bed_set(bed, 0, pri + PCI_PRI_CTRL, 2, PCI_PRI_CTRL_ENABLE);
	assert_int_equal(pci_bed_get(bed, 0, pri + PCI_PRI_CTRL, 2), 0);
	pci_bed_set(bed, 0, pri + PCI_PRI_ALLOC_REQ, 4, 32);
	pci_bed_set(bed, 0, pri + PCI_PRI_CTRL, 2, PCI_PRI_CTRL_ENABLE);
	assert_int_equal(pci_bed_get(bed, 0, pri + PCI_PRI_CTRL, 2), PCI_PRI_CTRL_ENABLE);
	assert_false(pci_bed_get(bed, 0, pri + PCI_PRI_STATUS, 2) & PCI_PRI_STATUS_STOPPED);
}

static void
test_s6_2_7_software_chooses_sriov_or_scalable_iov(void **state)
{
	struct pci_bed *bed = *state;
	unsigned int at;
	uint32_t id;

	pci_bed_make(bed, 1);
	at = pci_bed_ext(bed, 0, EXT_VENDOR);
	assert_int_equal(pci_bed_get(bed, 0, at + SIOV_PCI_VSEC_MODES, 4), 3);
	assert_int_equal(pci_bed_get(bed, 0, at + SIOV_PCI_VSEC_MODE, 4), SIOV_MODE_SCALABLE);
	pci_bed_set(bed, 0, at + SIOV_PCI_VSEC_MODE, 4, SIOV_MODE_SRIOV);
	assert_int_equal(siov_dev_get_mode(bed->devs[0]), SIOV_MODE_SRIOV);
	assert_true(siov_dev_adi_alloc(bed->devs[0], SIOV_ADI_CONTEXT, SIOV_ADI_VM, &id) < 0);
	pci_bed_set(bed, 0, at + SIOV_PCI_VSEC_MODE, 4, SIOV_MODE_SCALABLE);
	assert_int_equal(siov_dev_adi_alloc(bed->devs[0], SIOV_ADI_CONTEXT, SIOV_ADI_VM, &id), 0);
	/* Not while there are ADIs. */
	pci_bed_set(bed, 0, at + SIOV_PCI_VSEC_MODE, 4, SIOV_MODE_SRIOV);
	assert_int_equal(pci_bed_get(bed, 0, at + SIOV_PCI_VSEC_MODE, 4), SIOV_MODE_SCALABLE);
}

static void
test_s10_1_registers_tell_all_there_is(void **state)
{
	struct pci_bed *bed = *state;
	uint64_t at, value;
	unsigned int i;

	pci_bed_make(bed, 1);
	/* Memory is reached while Memory Space Enable is set. */
	assert_int_equal(siov_pci_mmio_read(bed->pci, 0, 0, SIOV_REG_VERSION, 4), UINT32_MAX);
	siov_pci_mmio_write(bed->pci, 0, 0, SIOV_REG_GENCTRL, 4, 1);
	pci_bed_set(bed, 0, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	assert_int_equal(siov_pci_mmio_read(bed->pci, 0, 0, SIOV_REG_VERSION, 4), 0x100);
	assert_int_equal(siov_pci_mmio_read(bed->pci, 0, 0, SIOV_REG_GENCTRL, 4), 0);
	siov_pci_mmio_write(bed->pci, 0, 0, SIOV_REG_GENCTRL, 4, 1);
	assert_int_equal(siov_pci_mmio_read(bed->pci, 0, 0, SIOV_REG_GENCTRL, 4), 1);
	at = pci_bed_get(bed, 0, pci_bed_ext(bed, 0, EXT_VENDOR) + SIOV_PCI_VSEC_ADICAP, 4);
	assert_int_equal(siov_pci_mmio_read(bed->pci, 0, 0, at, 4), 2000);
	assert_int_equal(siov_pci_mmio_read(bed->pci, 0, 0, at + 4, 4), SIOV_ADI_TYPES);
	for (i = 0; i < SIOV_ADI_TYPES; i++) {
		const struct siov_adi_type_info *info = siov_adi_type_info((enum siov_adi_type)i);
		uint64_t row = SIOV_REG_ADICAP_ROWS + i * SIOV_ADICAP_STRIDE;

		value = siov_pci_mmio_read(bed->pci, 0, 0, row, 4);
		assert_int_equal(value & 1, info->has_swq);
		assert_int_equal(value >> 8 & 0xff, info->dwqs_min);
		assert_int_equal(value >> 16 & 0xff, info->dwqs_max);
		assert_int_equal(siov_pci_mmio_read(bed->pci, 0, 0, row + 4, 4),
				 info->messages_max);
	}
	assert_int_equal(pci_bed_get(bed, 5, 0, 4), UINT32_MAX);
	assert_int_equal(siov_pci_mmio_read(bed->pci, 5, 0, 0, 8), UINT64_MAX);
}

/* ---- resets ---- */

static void
test_s7_7_6_flr_of_the_function_by_its_register(void **state)
{
	struct pci_bed *bed = *state;
	unsigned int express;

	pci_bed_make(bed, 1);
	express = pci_bed_cap(bed, 0, PCI_CAP_ID_EXP);
	assert_true(pci_bed_get(bed, 0, express + PCI_EXP_DEVCAP, 4) & PCI_EXP_DEVCAP_FLR);
	pci_bed_set(bed, 0, pci_bed_ext(bed, 0, EXT_DVSEC) + PAGE_SIZE_AT, 4, 4);
	pci_bed_switch_on(bed, 0);
	pci_bed_set(bed, 0, PCI_BASE_ADDRESS_1, 4, 0x20);
	assert_int_equal(siov_dev_wq_enable(bed->devs[0], 0), 0);
	assert_int_equal(siov_dev_adi_enable(bed->devs[0], pci_bed_adi(bed, 0)), 0);
	pci_bed_set(bed, 0, express + PCI_EXP_DEVCTL, 2, PCI_EXP_DEVCTL_BCR_FLR);
	/* It takes nothing until it is over, which it is when nobody has to be waited for. */
	while (pci_bed_get(bed, 0, express + PCI_EXP_DEVSTA, 2) & PCI_EXP_DEVSTA_TRPND)
		dev_rig_nap();
	assert_int_equal(siov_dev_adi_used(bed->devs[0]), 0);
	assert_int_equal(pci_bed_get(bed, 0, PCI_COMMAND, 2), 0);
	assert_int_equal(pci_bed_get(bed, 0, PCI_BASE_ADDRESS_1, 4), 0);
	assert_int_equal(pci_bed_get(bed, 0, pci_bed_ext(bed, 0, EXT_DVSEC) + PAGE_SIZE_AT, 4), 1);
	assert_int_equal(siov_dev_wq_enable(bed->devs[0], 0), -EPERM);
	pci_bed_switch_on(bed, 0);
	assert_int_equal(siov_dev_wq_enable(bed->devs[0], 0), 0);
}

/* ADIs with open portals are left by a reset, and do not keep the old page size. */
static void
test_s7_8_5_a_reset_brings_the_page_size_back(void **state)
{
	struct pci_bed *bed = *state;
	struct siov_dev *dev = bed->devs[0];
	struct siov_portal *portal;
	struct siov_lane *lane;
	struct siov_bars bars;
	unsigned int express, msix;
	uint32_t id;

	pci_bed_make(bed, 1);
	express = pci_bed_cap(bed, 0, PCI_CAP_ID_EXP);
	msix = pci_bed_cap(bed, 0, PCI_CAP_ID_MSIX);
	pci_bed_set(bed, 0, pci_bed_ext(bed, 0, EXT_DVSEC) + PAGE_SIZE_AT, 4, 1 << 4);
	pci_bed_switch_on(bed, 0);
	id = pci_bed_adi(bed, 0);
	assert_int_equal(siov_dev_adi_enable(dev, id), 0);
	assert_int_equal(siov_dev_attach(dev, 0, 0, &lane), 0);
	assert_int_equal(siov_dev_adi_portal_open(dev, id, lane, &portal), 0);
	pci_bed_set(bed, 0, express + PCI_EXP_DEVCTL, 2, PCI_EXP_DEVCTL_BCR_FLR);
	while (pci_bed_get(bed, 0, express + PCI_EXP_DEVSTA, 2) & PCI_EXP_DEVSTA_TRPND)
		dev_rig_nap();
	assert_int_equal(siov_dev_adi_used(dev), 1);
	assert_int_equal(pci_bed_get(bed, 0, pci_bed_ext(bed, 0, EXT_DVSEC) + PAGE_SIZE_AT, 4), 1);
	siov_dev_bars(dev, &bars);
	assert_int_equal(bars.conf.page_bytes, 4096);
	assert_int_equal(pci_bed_get(bed, 0, msix + PCI_MSIX_TABLE, 4), bars.msix);
	siov_dev_portal_close(dev, portal);
	assert_int_equal(siov_dev_detach(dev, lane, 0), 0);
	assert_int_equal(siov_dev_adi_release(dev, id), 0);
}

static void
test_creation_survives_every_allocation_that_fails(void **state)
{
	struct pci_bed *bed = *state;
	struct siov_pci_conf conf;
	unsigned int n;
	int ret = -1;

	pci_bed_conf_init(&conf, bed, 3);
	for (n = 1; ret != 0; n++) {
		uint64_t live = siov_atomic_load(&bed->fm.nb_live, relaxed);

		fake_mem_fail_at(&bed->fm, n);
		ret = siov_pci_create(&conf, &bed->pci);
		if (ret == 0)
			break;
		assert_int_equal(ret, -ENOMEM);
		assert_int_equal(siov_atomic_load(&bed->fm.nb_live, relaxed), live);
	}
	assert_true(n > 3);
	fake_mem_fail_at(&bed->fm, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		PCI_TEST(test_s7_8_1_dvsec_is_bit_for_bit),
		PCI_TEST(test_s7_8_2_dependency_links_close_on_their_first),
		PCI_TEST(test_s7_8_3_homogeneous_functions_are_enabled_together),
		PCI_TEST(test_a_new_function_is_as_after_a_reset),
		PCI_TEST(test_functions_that_cannot_be_made_change_no_device),
		PCI_TEST(test_s7_8_4_supported_page_sizes_are_read_only),
		PCI_TEST(test_s7_8_5_system_page_size_is_chosen_before_memory_space_enable),
		PCI_TEST(test_s7_8_6_ims_support_is_shown),
		PCI_TEST(test_s7_2_1_no_adi_before_pasids_are_enabled),
		PCI_TEST(test_page_requests_need_an_allocation),
		PCI_TEST(test_s6_2_7_software_chooses_sriov_or_scalable_iov),
		PCI_TEST(test_s10_1_registers_tell_all_there_is),
		PCI_TEST(test_s7_7_6_flr_of_the_function_by_its_register),
		PCI_TEST(test_s7_8_5_a_reset_brings_the_page_size_back),
		PCI_TEST(test_creation_survives_every_allocation_that_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* PCI functions: configuration space byte by byte, and what it does to the devices behind it. */
#include <stdlib.h>

#include <linux/pci_regs.h>

#include "adi_bed.h"
#include "pci_cfg.h"
#include "siov_dev_mmio.h"
#include "siov_pci.h"

#define FNS 3u
#define EXT_DVSEC 0x23u
#define EXT_VENDOR 0x0bu
#define PAGE_SIZE_AT 0x10u

struct bed {
	struct fake_mem fm;
	struct siov_iommu *iommu;
	struct msg_bed msg;
	struct siov_dev *devs[FNS];
	struct siov_pci *pci;
	unsigned int nb_lost;
};

static void
on_lost(void *arg, unsigned int fn)
{
	struct bed *bed = arg;

	assert_int_equal(fn, 0);
	bed->nb_lost++;
}

static void
conf_init(struct siov_pci_conf *conf, struct bed *bed, unsigned int nb_fns)
{
	unsigned int i;

	siov_pci_conf_init(conf);
	conf->mem = &bed->fm.mem;
	conf->nb_fns = nb_fns;
	conf->on_lost = on_lost;
	conf->lost_arg = bed;
	for (i = 0; i < nb_fns; i++)
		conf->fns[i].dev = bed->devs[i];
}

static int
setup(void **state)
{
	struct bed *bed = calloc(1, sizeof(*bed));
	struct siov_iommu_conf iommu;
	struct siov_dev_conf dev;
	unsigned int i;

	assert_non_null(bed);
	fake_mem_init(&bed->fm);
	msg_bed_init(&bed->msg);
	siov_iommu_conf_init(&iommu);
	iommu.mem = &bed->fm.mem;
	assert_int_equal(siov_iommu_create(&iommu, &bed->iommu), 0);
	for (i = 0; i < FNS; i++) {
		adi_bed_conf_init(&dev);
		snprintf(dev.name, sizeof(dev.name), "siov%u", i);
		dev.mem = &bed->fm.mem;
		dev.iommu = bed->iommu;
		dev.ir = bed->msg.ir;
		dev.nb_ims = i == 2 ? 0 : 64;
		dev.nb_msix = 16;
		dev.rid = (uint16_t)(RID + i);
		assert_int_equal(siov_dev_create(&dev, &bed->devs[i]), 0);
	}
	*state = bed;
	return 0;
}

static int
teardown(void **state)
{
	struct bed *bed = *state;
	unsigned int i;

	siov_pci_free(bed->pci);
	for (i = 0; i < FNS; i++)
		siov_dev_free(bed->devs[i]);
	siov_iommu_free(bed->iommu);
	assert_int_equal(siov_atomic_load(&bed->fm.nb_live, relaxed), 0);
	msg_bed_fini(&bed->msg);
	free(bed);
	return 0;
}

static void
make(struct bed *bed, unsigned int nb_fns)
{
	struct siov_pci_conf conf;

	conf_init(&conf, bed, nb_fns);
	assert_int_equal(siov_pci_create(&conf, &bed->pci), 0);
}

static uint32_t
get(struct bed *bed, unsigned int fn, unsigned int offset, unsigned int width)
{
	return siov_pci_cfg_read(bed->pci, fn, offset, width);
}

static void
set(struct bed *bed, unsigned int fn, unsigned int offset, unsigned int width, uint32_t value)
{
	siov_pci_cfg_write(bed->pci, fn, offset, width, value);
}

static unsigned int
find_ext(struct bed *bed, unsigned int fn, uint32_t id)
{
	unsigned int at = 0x100;

	while (at != 0 && PCI_EXT_CAP_ID(get(bed, fn, at, 4)) != id)
		at = PCI_EXT_CAP_NEXT(get(bed, fn, at, 4));
	assert_int_not_equal(at, 0);
	return at;
}

static unsigned int
find_cap(struct bed *bed, unsigned int fn, uint32_t id)
{
	unsigned int at = get(bed, fn, PCI_CAPABILITY_LIST, 1);

	while (at != 0 && get(bed, fn, at, 1) != id)
		at = get(bed, fn, at + 1, 1);
	assert_int_not_equal(at, 0);
	return at;
}

/* ---- the DVSEC ---- */

static void
test_s7_8_1_dvsec_is_bit_for_bit(void **state)
{
	struct bed *bed = *state;
	unsigned int at;

	make(bed, 1);
	at = find_ext(bed, 0, EXT_DVSEC);
	assert_int_equal(get(bed, 0, at, 4) & 0xfffff, 0x10023);
	assert_int_equal(get(bed, 0, at + 4, 4), 0x01808086);
	assert_int_equal(get(bed, 0, at + 8, 2), 5);
	assert_int_equal(get(bed, 0, at + 0x0a, 1), 0);
	assert_int_equal(get(bed, 0, at + 0x0b, 1), 0);
	assert_int_equal(get(bed, 0, at + 0x0c, 4), SIOV_BARS_PAGES);
	assert_int_equal(get(bed, 0, at + 0x10, 4), 1);
	assert_int_equal(get(bed, 0, at + 0x14, 4), 1);
	/* Found before anything was enabled. */
	assert_int_equal(get(bed, 0, PCI_COMMAND, 2), 0);
}

static void
test_s7_8_2_dependency_links_close_on_their_first(void **state)
{
	struct bed *bed = *state;
	struct siov_pci_conf conf;
	unsigned int i;

	conf_init(&conf, bed, 3);
	conf.fns[0].next_fn = 2;
	conf.fns[2].next_fn = 0;
	assert_int_equal(siov_pci_create(&conf, &bed->pci), 0);
	assert_int_equal(get(bed, 0, find_ext(bed, 0, EXT_DVSEC) + 0x0a, 1), 2);
	assert_int_equal(get(bed, 1, find_ext(bed, 1, EXT_DVSEC) + 0x0a, 1), 1);
	assert_int_equal(get(bed, 2, find_ext(bed, 2, EXT_DVSEC) + 0x0a, 1), 0);
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
}

/* An ADI of a function that could be enabled. */
static uint32_t
make_adi(struct bed *bed, unsigned int fn)
{
	const struct siov_adi_conf conf = {.pasid = 7};
	uint32_t id;

	assert_int_equal(siov_dev_adi_alloc(bed->devs[fn], SIOV_ADI_CONTEXT, SIOV_ADI_VM, &id), 0);
	assert_int_equal(siov_dev_adi_configure(bed->devs[fn], id, &conf), 0);
	return id;
}

static void
switch_on(struct bed *bed, unsigned int fn)
{
	set(bed, fn, PCI_COMMAND, 2, PCI_COMMAND_MASTER | PCI_COMMAND_MEMORY);
	set(bed, fn, find_ext(bed, fn, PCI_EXT_CAP_ID_PASID) + PCI_PASID_CTRL, 2,
	    PCI_PASID_CTRL_ENABLE);
}

static void
test_s7_8_3_homogeneous_functions_are_enabled_together(void **state)
{
	struct bed *bed = *state;
	struct siov_pci_conf conf;
	unsigned int mode;
	uint32_t id;

	conf_init(&conf, bed, 3);
	conf.is_homogeneous = true;
	conf.fns[0].next_fn = 1;
	conf.fns[1].next_fn = 0;
	assert_int_equal(siov_pci_create(&conf, &bed->pci), 0);
	assert_int_equal(get(bed, 0, find_ext(bed, 0, EXT_DVSEC) + 0x0b, 1), 1);
	switch_on(bed, 0);
	switch_on(bed, 2);
	mode = find_ext(bed, 1, EXT_VENDOR) + SIOV_PCI_VSEC_MODE;
	set(bed, 1, mode, 4, SIOV_MODE_SRIOV);
	id = make_adi(bed, 0);
	assert_int_equal(siov_dev_adi_enable(bed->devs[0], id), -EXDEV);
	assert_int_equal(siov_dev_adi_enable(bed->devs[2], make_adi(bed, 2)), 0);
	set(bed, 1, mode, 4, SIOV_MODE_SCALABLE);
	assert_int_equal(siov_dev_adi_enable(bed->devs[0], id), 0);
}

static void
test_s7_8_4_supported_page_sizes_are_read_only(void **state)
{
	struct bed *bed = *state;
	struct siov_pci_conf conf;
	unsigned int at;

	conf_init(&conf, bed, 1);
	conf.fns[0].page_sizes = 1 | 1 << 4;
	assert_int_equal(siov_pci_create(&conf, &bed->pci), 0);
	at = find_ext(bed, 0, EXT_DVSEC);
	assert_int_equal(get(bed, 0, at + 0x0c, 4), 0x11);
	set(bed, 0, at + 0x0c, 4, UINT32_MAX);
	assert_int_equal(get(bed, 0, at + 0x0c, 4), 0x11);
	/* Not one of them. */
	set(bed, 0, at + PAGE_SIZE_AT, 4, 4);
	assert_int_equal(get(bed, 0, at + PAGE_SIZE_AT, 4), 1);
}

static uint64_t
bar_bytes(struct bed *bed, unsigned int n)
{
	unsigned int at = PCI_BASE_ADDRESS_0 + 4 * n;
	uint64_t bits;

	set(bed, 0, at, 4, UINT32_MAX);
	set(bed, 0, at + 4, 4, UINT32_MAX);
	/* 64-bit, prefetchable. */
	assert_int_equal(get(bed, 0, at, 4) & 0xf, 0xc);
	bits = (uint64_t)get(bed, 0, at + 4, 4) << 32 | (get(bed, 0, at, 4) & ~0xfu);
	return ~bits + 1;
}

static void
test_s7_8_5_system_page_size_is_chosen_before_memory_space_enable(void **state)
{
	struct bed *bed = *state;
	unsigned int at, msix;
	struct siov_bars bars;
	uint32_t table;

	make(bed, 1);
	at = find_ext(bed, 0, EXT_DVSEC) + PAGE_SIZE_AT;
	msix = find_cap(bed, 0, PCI_CAP_ID_MSIX);
	table = get(bed, 0, msix + PCI_MSIX_TABLE, 4);
	siov_dev_bars(bed->devs[0], &bars);
	assert_int_equal(bar_bytes(bed, 0), bars.size0);
	/* None, two, and an unsupported one. */
	set(bed, 0, at, 4, 0);
	assert_int_equal(get(bed, 0, at, 4), 1);
	set(bed, 0, at, 4, 5);
	assert_int_equal(get(bed, 0, at, 4), 1);
	set(bed, 0, at, 4, 2);
	assert_int_equal(get(bed, 0, at, 4), 1);
	set(bed, 0, at, 4, 1 << 4);
	assert_int_equal(get(bed, 0, at, 4), 1 << 4);
	/* The layout follows. */
	siov_dev_bars(bed->devs[0], &bars);
	assert_int_equal(bars.conf.page_bytes, 65536);
	assert_int_equal(bar_bytes(bed, 0), bars.size0);
	assert_int_equal(bar_bytes(bed, 2), bars.size2);
	assert_int_equal(get(bed, 0, msix + PCI_MSIX_TABLE, 4), bars.msix);
	assert_int_not_equal(bars.msix, table);
	set(bed, 0, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	set(bed, 0, at, 4, 1);
	assert_int_equal(get(bed, 0, at, 4), 1 << 4);
}

static void
test_s7_8_6_ims_support_is_shown(void **state)
{
	struct bed *bed = *state;

	make(bed, 3);
	assert_int_equal(get(bed, 1, find_ext(bed, 1, EXT_DVSEC) + 0x14, 4), 1);
	assert_int_equal(get(bed, 2, find_ext(bed, 2, EXT_DVSEC) + 0x14, 4), 0);
}

/* ---- enables ---- */

static void
test_s7_2_1_no_adi_before_pasids_are_enabled(void **state)
{
	struct bed *bed = *state;
	unsigned int pasid, ats;
	uint32_t id;

	make(bed, 1);
	pasid = find_ext(bed, 0, PCI_EXT_CAP_ID_PASID);
	ats = find_ext(bed, 0, PCI_EXT_CAP_ID_ATS);
	assert_int_equal(get(bed, 0, pasid + PCI_PASID_CAP, 2) >> 8 & 0x1f, 20);
	id = make_adi(bed, 0);
	set(bed, 0, PCI_COMMAND, 2, PCI_COMMAND_MASTER);
	assert_int_equal(siov_dev_adi_enable(bed->devs[0], id), -EPERM);
	assert_int_equal(siov_dev_wq_enable(bed->devs[0], 0), -EPERM);
	set(bed, 0, pasid + PCI_PASID_CTRL, 2, PCI_PASID_CTRL_ENABLE);
	assert_int_equal(siov_dev_adi_enable(bed->devs[0], id), 0);
	assert_int_equal(siov_dev_wq_enable(bed->devs[0], 0), 0);
	/* While it works neither PASIDs nor Bus Master go away; nor while ATS is on. */
	set(bed, 0, pasid + PCI_PASID_CTRL, 2, 0);
	assert_int_equal(get(bed, 0, pasid + PCI_PASID_CTRL, 2), PCI_PASID_CTRL_ENABLE);
	set(bed, 0, PCI_COMMAND, 2, 0);
	assert_int_equal(get(bed, 0, PCI_COMMAND, 2), PCI_COMMAND_MASTER);
	assert_int_equal(siov_dev_wq_disable(bed->devs[0], 0, 0), 0);
	set(bed, 0, ats + PCI_ATS_CTRL, 2, PCI_ATS_CTRL_ENABLE);
	set(bed, 0, pasid + PCI_PASID_CTRL, 2, 0);
	assert_int_equal(get(bed, 0, pasid + PCI_PASID_CTRL, 2), PCI_PASID_CTRL_ENABLE);
	set(bed, 0, ats + PCI_ATS_CTRL, 2, 0);
	set(bed, 0, pasid + PCI_PASID_CTRL, 2, 0);
	assert_int_equal(get(bed, 0, pasid + PCI_PASID_CTRL, 2), 0);
	set(bed, 0, PCI_COMMAND, 2, 0);
	assert_int_equal(get(bed, 0, PCI_COMMAND, 2), 0);
	assert_int_equal(siov_dev_wq_enable(bed->devs[0], 0), -EPERM);
}

static void
test_page_requests_need_an_allocation(void **state)
{
	struct bed *bed = *state;
	unsigned int pri;

	make(bed, 1);
	pri = find_ext(bed, 0, PCI_EXT_CAP_ID_PRI);
	assert_true(get(bed, 0, pri + PCI_PRI_STATUS, 2) & PCI_PRI_STATUS_STOPPED);
	set(bed, 0, pri + PCI_PRI_CTRL, 2, PCI_PRI_CTRL_ENABLE);
	assert_int_equal(get(bed, 0, pri + PCI_PRI_CTRL, 2), 0);
	set(bed, 0, pri + PCI_PRI_ALLOC_REQ, 4, 32);
	set(bed, 0, pri + PCI_PRI_CTRL, 2, PCI_PRI_CTRL_ENABLE);
	assert_int_equal(get(bed, 0, pri + PCI_PRI_CTRL, 2), PCI_PRI_CTRL_ENABLE);
	assert_false(get(bed, 0, pri + PCI_PRI_STATUS, 2) & PCI_PRI_STATUS_STOPPED);
}

static void
test_s6_2_7_software_chooses_sriov_or_scalable_iov(void **state)
{
	struct bed *bed = *state;
	unsigned int at;
	uint32_t id;

	make(bed, 1);
	at = find_ext(bed, 0, EXT_VENDOR);
	assert_int_equal(get(bed, 0, at + SIOV_PCI_VSEC_MODES, 4), 3);
	assert_int_equal(get(bed, 0, at + SIOV_PCI_VSEC_MODE, 4), SIOV_MODE_SCALABLE);
	set(bed, 0, at + SIOV_PCI_VSEC_MODE, 4, SIOV_MODE_SRIOV);
	assert_int_equal(siov_dev_get_mode(bed->devs[0]), SIOV_MODE_SRIOV);
	assert_true(siov_dev_adi_alloc(bed->devs[0], SIOV_ADI_CONTEXT, SIOV_ADI_VM, &id) < 0);
	set(bed, 0, at + SIOV_PCI_VSEC_MODE, 4, SIOV_MODE_SCALABLE);
	assert_int_equal(siov_dev_adi_alloc(bed->devs[0], SIOV_ADI_CONTEXT, SIOV_ADI_VM, &id), 0);
	/* Not while there are ADIs. */
	set(bed, 0, at + SIOV_PCI_VSEC_MODE, 4, SIOV_MODE_SRIOV);
	assert_int_equal(get(bed, 0, at + SIOV_PCI_VSEC_MODE, 4), SIOV_MODE_SCALABLE);
}

static void
test_s10_1_registers_tell_all_there_is(void **state)
{
	struct bed *bed = *state;
	uint64_t at, value;
	unsigned int i;

	make(bed, 1);
	/* Memory is reached while Memory Space Enable is set. */
	assert_int_equal(siov_pci_mmio_read(bed->pci, 0, 0, SIOV_REG_VERSION, 4), UINT32_MAX);
	siov_pci_mmio_write(bed->pci, 0, 0, SIOV_REG_GENCTRL, 4, 1);
	set(bed, 0, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	assert_int_equal(siov_pci_mmio_read(bed->pci, 0, 0, SIOV_REG_VERSION, 4), 0x100);
	assert_int_equal(siov_pci_mmio_read(bed->pci, 0, 0, SIOV_REG_GENCTRL, 4), 0);
	siov_pci_mmio_write(bed->pci, 0, 0, SIOV_REG_GENCTRL, 4, 1);
	assert_int_equal(siov_pci_mmio_read(bed->pci, 0, 0, SIOV_REG_GENCTRL, 4), 1);
	at = get(bed, 0, find_ext(bed, 0, EXT_VENDOR) + SIOV_PCI_VSEC_ADICAP, 4);
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
	assert_int_equal(get(bed, 5, 0, 4), UINT32_MAX);
	assert_int_equal(siov_pci_mmio_read(bed->pci, 5, 0, 0, 8), UINT64_MAX);
}

/* ---- resets and losses ---- */

static void
test_s7_7_6_flr_of_the_function_by_its_register(void **state)
{
	struct bed *bed = *state;
	unsigned int express;

	make(bed, 1);
	express = find_cap(bed, 0, PCI_CAP_ID_EXP);
	assert_true(get(bed, 0, express + PCI_EXP_DEVCAP, 4) & PCI_EXP_DEVCAP_FLR);
	set(bed, 0, find_ext(bed, 0, EXT_DVSEC) + PAGE_SIZE_AT, 4, 4);
	switch_on(bed, 0);
	set(bed, 0, PCI_BASE_ADDRESS_1, 4, 0x20);
	assert_int_equal(siov_dev_wq_enable(bed->devs[0], 0), 0);
	assert_int_equal(siov_dev_adi_enable(bed->devs[0], make_adi(bed, 0)), 0);
	set(bed, 0, express + PCI_EXP_DEVCTL, 2, PCI_EXP_DEVCTL_BCR_FLR);
	/* It takes nothing until it is over, which it is when nobody has to be waited for. */
	while (get(bed, 0, express + PCI_EXP_DEVSTA, 2) & PCI_EXP_DEVSTA_TRPND)
		dev_rig_nap();
	assert_int_equal(siov_dev_adi_used(bed->devs[0]), 0);
	assert_int_equal(get(bed, 0, PCI_COMMAND, 2), 0);
	assert_int_equal(get(bed, 0, PCI_BASE_ADDRESS_1, 4), 0);
	assert_int_equal(get(bed, 0, find_ext(bed, 0, EXT_DVSEC) + PAGE_SIZE_AT, 4), 1);
	assert_int_equal(siov_dev_wq_enable(bed->devs[0], 0), -EPERM);
	switch_on(bed, 0);
	assert_int_equal(siov_dev_wq_enable(bed->devs[0], 0), 0);
}

static void
test_a_lost_function_answers_nothing(void **state)
{
	struct bed *bed = *state;
	uint32_t id, other;

	make(bed, 2);
	switch_on(bed, 0);
	switch_on(bed, 1);
	id = make_adi(bed, 0);
	other = make_adi(bed, 1);
	assert_int_equal(siov_dev_adi_enable(bed->devs[0], id), 0);
	assert_false(siov_dev_is_quiet(bed->devs[0]));
	assert_int_equal(siov_pci_fail(bed->pci, 0), 0);
	assert_int_equal(siov_pci_fail(bed->pci, 0), -EALREADY);
	assert_int_equal(siov_pci_fail(bed->pci, 2), -EINVAL);
	assert_int_equal(bed->nb_lost, 1);
	assert_true(siov_pci_is_lost(bed->pci, 0));
	assert_true(siov_dev_is_lost(bed->devs[0]));
	assert_true(siov_dev_is_quiet(bed->devs[0]));
	assert_int_equal(get(bed, 0, 0, 4), UINT32_MAX);
	assert_int_equal(siov_pci_mmio_read(bed->pci, 0, 0, 0, 4), UINT32_MAX);
	set(bed, 0, PCI_COMMAND, 2, 0);
	assert_int_equal(siov_dev_adi_reset(bed->devs[0], id, 100), -ENODEV);
	assert_int_equal(siov_dev_adi_disable(bed->devs[0], id, 100), -ENODEV);
	assert_int_equal(siov_dev_adi_alloc(bed->devs[0], SIOV_ADI_CONTEXT, SIOV_ADI_VM, &other),
			 -ENODEV);
	assert_int_equal(siov_dev_wq_enable(bed->devs[0], 0), -ENODEV);
	assert_int_equal(siov_dev_reset(bed->devs[0], SIOV_RESET_FLR, 100), -ENODEV);
	/* What is left of it can be given back; its neighbour has noticed nothing. */
	assert_int_equal(siov_dev_adi_release(bed->devs[0], id), 0);
	assert_int_equal(get(bed, 1, 0, 4), 0x0b258086);
	assert_int_equal(siov_dev_wq_enable(bed->devs[1], 0), 0);
}

static void
test_creation_survives_every_allocation_that_fails(void **state)
{
	struct bed *bed = *state;
	struct siov_pci_conf conf;
	unsigned int n;
	int ret = -1;

	conf_init(&conf, bed, 3);
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

/* ---- bytes ---- */

/* Any access, against a model of bytes and masks that is as simple as can be. */
static void
test_random_accesses_change_what_can_be_written_only(void **state)
{
	static struct pci_cfg_map map;
	const struct pci_cfg_ids ids = {.vendor = 1, .device = 2};
	struct bed *bed = *state;
	uint8_t model[PCI_CFG_BYTES] = {0};
	struct pci_cfg cfg;
	uint32_t i, k;

	pci_cfg_map_init(&map, &ids);
	pci_cfg_add_bar(&map, 0, 1 << 20);
	pci_cfg_add_express(&map);
	pci_cfg_add_pri(&map, 5);
	assert_int_equal(pci_cfg_init(&cfg, &map, &bed->fm.mem), 0);
	memcpy(model, map.reset, sizeof(map.reset));
	srand(1);
	for (i = 0; i < 200000; i++) {
		unsigned int width = 1u << rand() % 3;
		uint32_t at = (uint32_t)rand() % (PCI_CFG_BYTES / width) * width;
		uint32_t value = (uint32_t)rand() * 3u, expected = 0;

		assert_true(pci_cfg_is_access(at, width));
		if (rand() % 2 != 0)
			at %= 512;
		pci_cfg_write(&cfg, at, width, value);
		for (k = 0; k < width && at + k < PCI_CFG_ROOM; k++) {
			uint8_t byte = (uint8_t)(value >> 8 * k);

			model[at + k] = (uint8_t)((model[at + k] & ~map.writable[at + k]) |
						  (byte & map.writable[at + k]));
			model[at + k] &= (uint8_t) ~(byte & map.w1c[at + k]);
		}
		for (k = 0; k < width; k++)
			expected |= (uint32_t)model[at + k] << 8 * k;
		assert_int_equal(pci_cfg_read(&cfg, at, width), expected);
	}
	assert_false(pci_cfg_is_access(1, 2));
	assert_false(pci_cfg_is_access(0, 3));
	assert_false(pci_cfg_is_access(0, 8));
	assert_false(pci_cfg_is_access(4096, 1));
	pci_cfg_fini(&cfg, &bed->fm.mem);
}

#define PCI_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		PCI_TEST(test_s7_8_1_dvsec_is_bit_for_bit),
		PCI_TEST(test_s7_8_2_dependency_links_close_on_their_first),
		PCI_TEST(test_s7_8_3_homogeneous_functions_are_enabled_together),
		PCI_TEST(test_s7_8_4_supported_page_sizes_are_read_only),
		PCI_TEST(test_s7_8_5_system_page_size_is_chosen_before_memory_space_enable),
		PCI_TEST(test_s7_8_6_ims_support_is_shown),
		PCI_TEST(test_s7_2_1_no_adi_before_pasids_are_enabled),
		PCI_TEST(test_page_requests_need_an_allocation),
		PCI_TEST(test_s6_2_7_software_chooses_sriov_or_scalable_iov),
		PCI_TEST(test_s10_1_registers_tell_all_there_is),
		PCI_TEST(test_s7_7_6_flr_of_the_function_by_its_register),
		PCI_TEST(test_a_lost_function_answers_nothing),
		PCI_TEST(test_creation_survives_every_allocation_that_fails),
		PCI_TEST(test_random_accesses_change_what_can_be_written_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include <linux/pci_regs.h>

#include "adi_bed.h"
#include "pci_bed.h"

static void
on_lost(void *arg, unsigned int fn)
{
	struct pci_bed *bed = arg;

	assert_int_equal(fn, 0);
	bed->nb_lost++;
}

void
pci_bed_conf_init(struct siov_pci_conf *conf, struct pci_bed *bed, unsigned int nb_fns)
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

int
pci_bed_setup(void **state)
{
	struct pci_bed *bed = calloc(1, sizeof(*bed));
	struct siov_iommu_conf iommu;
	struct siov_dev_conf dev;
	unsigned int i;

	assert_non_null(bed);
	fake_mem_init(&bed->fm);
	msg_bed_init(&bed->msg);
	siov_iommu_conf_init(&iommu);
	iommu.mem = &bed->fm.mem;
	assert_int_equal(siov_iommu_create(&iommu, &bed->iommu), 0);
	for (i = 0; i < PCI_BED_FNS; i++) {
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

int
pci_bed_teardown(void **state)
{
	struct pci_bed *bed = *state;
	unsigned int i;

	siov_pci_free(bed->pci);
	for (i = 0; i < PCI_BED_FNS; i++)
		siov_dev_free(bed->devs[i]);
	siov_iommu_free(bed->iommu);
	assert_int_equal(siov_atomic_load(&bed->fm.nb_live, relaxed), 0);
	msg_bed_fini(&bed->msg);
	free(bed);
	return 0;
}

void
pci_bed_make(struct pci_bed *bed, unsigned int nb_fns)
{
	struct siov_pci_conf conf;

	pci_bed_conf_init(&conf, bed, nb_fns);
	assert_int_equal(siov_pci_create(&conf, &bed->pci), 0);
}

uint32_t
pci_bed_get(struct pci_bed *bed, unsigned int fn, unsigned int offset, unsigned int width)
{
	return siov_pci_cfg_read(bed->pci, fn, offset, width);
}

void
pci_bed_set(struct pci_bed *bed, unsigned int fn, unsigned int offset, unsigned int width,
	    uint32_t value)
{
	siov_pci_cfg_write(bed->pci, fn, offset, width, value);
}

unsigned int
pci_bed_ext(struct pci_bed *bed, unsigned int fn, uint32_t id)
{
	unsigned int at = 0x100;

	while (at != 0 && PCI_EXT_CAP_ID(pci_bed_get(bed, fn, at, 4)) != id)
		at = PCI_EXT_CAP_NEXT(pci_bed_get(bed, fn, at, 4));
	assert_int_not_equal(at, 0);
	return at;
}

unsigned int
pci_bed_cap(struct pci_bed *bed, unsigned int fn, uint32_t id)
{
	unsigned int at = pci_bed_get(bed, fn, PCI_CAPABILITY_LIST, 1);

	while (at != 0 && pci_bed_get(bed, fn, at, 1) != id)
		at = pci_bed_get(bed, fn, at + 1, 1);
	assert_int_not_equal(at, 0);
	return at;
}

/* An ADI of a function that could be enabled. */
uint32_t
pci_bed_adi(struct pci_bed *bed, unsigned int fn)
{
	const struct siov_adi_conf conf = {.pasid = PCI_BED_PASID, .nb_messages = 1};
	uint32_t id;

	assert_int_equal(siov_dev_adi_alloc(bed->devs[fn], SIOV_ADI_CONTEXT, SIOV_ADI_VM, &id), 0);
	assert_int_equal(siov_dev_adi_configure(bed->devs[fn], id, &conf), 0);
	return id;
}

void
pci_bed_switch_on(struct pci_bed *bed, unsigned int fn)
{
	pci_bed_set(bed, fn, PCI_COMMAND, 2, PCI_COMMAND_MASTER | PCI_COMMAND_MEMORY);
	pci_bed_set(bed, fn, pci_bed_ext(bed, fn, PCI_EXT_CAP_ID_PASID) + PCI_PASID_CTRL, 2,
		    PCI_PASID_CTRL_ENABLE);
}

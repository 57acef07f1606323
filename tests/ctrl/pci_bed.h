/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file
 * PCI functions of up to three devices on one platform: configuration space is read and written. The third
 * device has no interrupt message storage. No engine runs.
 */
#ifndef PCI_BED_H
#define PCI_BED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fake_mem.h"
#include "msg_bed.h"
#include "siov_dev_adi.h"
#include "siov_pci.h"

#define PCI_BED_FNS 3u
#define PCI_BED_PASID 7u
#define PCI_BED_NUMBER 2u /* of the first function, as its requester id has it */
#define EXT_DVSEC 0x23u
#define EXT_VENDOR 0x0bu

struct pci_bed {
	struct fake_mem fm;
	struct siov_iommu *iommu;
	struct msg_bed msg;
	struct siov_dev *devs[PCI_BED_FNS];
	struct siov_pci *pci;
	unsigned int nb_lost;
};

int pci_bed_setup(void **state);
int pci_bed_teardown(void **state);
#define PCI_TEST(name) cmocka_unit_test_setup_teardown(name, pci_bed_setup, pci_bed_teardown)

/** Configuration of the first @p nb_fns functions, which depend on no other. */
void pci_bed_conf_init(struct siov_pci_conf *conf, struct pci_bed *bed, unsigned int nb_fns);

/** Functions of that configuration, which must come into being. */
void pci_bed_make(struct pci_bed *bed, unsigned int nb_fns);

uint32_t pci_bed_get(struct pci_bed *bed, unsigned int fn, unsigned int offset, unsigned int width);
void pci_bed_set(struct pci_bed *bed, unsigned int fn, unsigned int offset, unsigned int width,
		 uint32_t value);

/** Where a capability is that must be there: extended, legacy. */
unsigned int pci_bed_ext(struct pci_bed *bed, unsigned int fn, uint32_t id);
unsigned int pci_bed_cap(struct pci_bed *bed, unsigned int fn, uint32_t id);

/** A context of PCI_BED_PASID on queue 0, configured, with one message. */
uint32_t pci_bed_adi(struct pci_bed *bed, unsigned int fn);

/** Memory, bus master, PASIDs. */
void pci_bed_switch_on(struct pci_bed *bed, unsigned int fn);

#endif /* PCI_BED_H */

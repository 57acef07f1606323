/* SPDX-License-Identifier: BSD-3-Clause */
/* A host driver finds its device: capabilities, BARs, registers, and nothing else. */
#include <errno.h>

#include <linux/pci_regs.h>

#include "hostdrv_priv.h"

#define EXT_BEGIN 0x100u
#define CAPS_MAX 48u /* of a list: one that is longer runs in circles */
#define VENDOR_NONE 0xffffu
#define DEVCAP2_DMWR (1u << 28)
#define SIOV_ID 5u
#define SIOV_VENDOR_LENGTH (0x8086u | 0x18u << 20)
#define MMIO_BASE UINT64_C(0x200000000000) /* where BARs are put, a window for each function */
#define MMIO_WINDOW UINT64_C(0x10000000000)
#define PRI_ALLOCATION 64u
#define COMMAND_ON (PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER)

/* ---- configuration space ---- */

static uint32_t
get(const struct siov_hostdrv *drv, unsigned int offset, unsigned int width)
{
	return siov_pci_cfg_read(drv->pci, drv->fn, offset, width);
}

static void
set(const struct siov_hostdrv *drv, unsigned int offset, unsigned int width, uint32_t value)
{
	siov_pci_cfg_write(drv->pci, drv->fn, offset, width, value);
}

static void
find_legacy(struct siov_hostdrv *drv)
{
	unsigned int i, at = get(drv, PCI_CAPABILITY_LIST, 1) & ~3u;

	for (i = 0; i < CAPS_MAX && at >= 0x40; i++) {
		uint32_t id = get(drv, at, 1);

		if (id == PCI_CAP_ID_EXP)
			drv->express = (uint16_t)at;
		else if (id == PCI_CAP_ID_MSIX)
			drv->msix = (uint16_t)at;
		at = get(drv, at + PCI_CAP_LIST_NEXT, 1) & ~3u;
	}
}

static void
note_extended(struct siov_hostdrv *drv, uint32_t id, uint16_t at)
{
	switch (id) {
	case PCI_EXT_CAP_ID_PASID:
		drv->pasid = at;
		break;
	case PCI_EXT_CAP_ID_ATS:
		drv->ats = at;
		break;
	case PCI_EXT_CAP_ID_PRI:
		drv->pri = at;
		break;
	case PCI_EXT_CAP_ID_DVSEC:
		if (get(drv, at + PCI_DVSEC_HEADER1, 4) == SIOV_VENDOR_LENGTH &&
		    get(drv, at + PCI_DVSEC_HEADER2, 2) == SIOV_ID)
			drv->siov = at;
		break;
	case PCI_EXT_CAP_ID_VNDR:
		if ((get(drv, at + PCI_VNDR_HEADER, 4) & 0xffff) == SIOV_PCI_VSEC_ID)
			drv->vendor = at;
		break;
	default:
		break;
	}
}

static void
find_extended(struct siov_hostdrv *drv)
{
	unsigned int i, at = EXT_BEGIN;

	for (i = 0; i < CAPS_MAX && at >= EXT_BEGIN; i++) {
		uint32_t header = get(drv, at, 4);

		if (header == 0 || header == UINT32_MAX)
			break;
		note_extended(drv, PCI_EXT_CAP_ID(header), (uint16_t)at);
		at = PCI_EXT_CAP_NEXT(header) & ~3u;
	}
}

/* What is there, as far as configuration space tells. */
static int
look(struct siov_hostdrv *drv)
{
	struct siov_hostdrv_caps *caps = &drv->caps;

	caps->vendor = (uint16_t)get(drv, PCI_VENDOR_ID, 2);
	if (caps->vendor == VENDOR_NONE)
		return -ENODEV;
	caps->device = (uint16_t)get(drv, PCI_DEVICE_ID, 2);
	caps->revision = (uint8_t)get(drv, PCI_REVISION_ID, 1);
	find_legacy(drv);
	find_extended(drv);
	if (drv->express == 0 || drv->msix == 0 || drv->pasid == 0 || drv->siov == 0 ||
	    drv->vendor == 0)
		return -ENOTSUP;
	caps->is_dmwr_completer = get(drv, drv->express + PCI_EXP_DEVCAP2, 4) & DEVCAP2_DMWR;
	caps->nb_msix = (get(drv, drv->msix + PCI_MSIX_FLAGS, 2) & PCI_MSIX_FLAGS_QSIZE) + 1;
	caps->pasid_bits = get(drv, drv->pasid + PCI_PASID_CAP, 2) >> 8 & 0x1f;
	caps->has_ats = drv->ats != 0;
	caps->has_prs = drv->pri != 0;
	caps->page_sizes = get(drv, drv->siov + 0x0c, 4);
	caps->has_ims = get(drv, drv->siov + 0x14, 4) & 1;
	caps->has_siov = get(drv, drv->vendor + SIOV_PCI_VSEC_MODES, 4) >> SIOV_MODE_SCALABLE & 1;
	return caps->has_siov && caps->is_dmwr_completer && caps->pasid_bits != 0 ? 0 : -ENOTSUP;
}

/* ---- BARs ---- */

static uint64_t
size_bar(const struct siov_hostdrv *drv, unsigned int n)
{
	unsigned int at = PCI_BASE_ADDRESS_0 + 4 * n;
	uint64_t bits;

	set(drv, at, 4, UINT32_MAX);
	set(drv, at + 4, 4, UINT32_MAX);
	bits = (uint64_t)get(drv, at + 4, 4) << 32 | (get(drv, at, 4) & PCI_BASE_ADDRESS_MEM_MASK);
	return ~bits + 1;
}

static int
place_bars(struct siov_hostdrv *drv)
{
	uint64_t base = MMIO_BASE + drv->fn * MMIO_WINDOW;
	unsigned int i;

	for (i = 0; i < 2; i++) {
		unsigned int at = PCI_BASE_ADDRESS_0 + 8 * i;
		uint64_t bytes = size_bar(drv, 2 * i);

		if (bytes == 0 || bytes > MMIO_WINDOW / 2)
			return -ENOTSUP;
		base = RTE_ALIGN_CEIL(base, bytes);
		set(drv, at, 4, (uint32_t)base);
		set(drv, at + 4, 4, base >> 32);
		drv->caps.bar_bytes[i] = bytes;
		base += bytes;
	}
	return 0;
}

static int
choose_page(struct siov_hostdrv *drv, uint64_t bytes)
{
	unsigned int at = drv->siov + 0x10;
	uint32_t bit = (uint32_t)(bytes / 4096);

	if (bytes % 4096 != 0 || bytes / 4096 > UINT32_MAX || bit == 0 || (bit & (bit - 1)) != 0 ||
	    !(bit & drv->caps.page_sizes))
		return -EINVAL;
	set(drv, at, 4, bit);
	drv->caps.page_bytes = bytes;
	return get(drv, at, 4) == bit ? 0 : -EIO;
}

/* ---- enable ---- */

/* Page requests and PASIDs before ATS. */
static int
switch_on(struct siov_hostdrv *drv)
{
	uint32_t has_priv = get(drv, drv->pasid + PCI_PASID_CAP, 2) & PCI_PASID_CAP_PRIV;
	uint32_t pasid = PCI_PASID_CTRL_ENABLE | (has_priv ? PCI_PASID_CTRL_PRIV : 0);

	set(drv, drv->vendor + SIOV_PCI_VSEC_MODE, 4, SIOV_MODE_SCALABLE);
	set(drv, PCI_COMMAND, 2, COMMAND_ON);
	set(drv, drv->pasid + PCI_PASID_CTRL, 2, pasid);
	if (drv->pri != 0) {
		set(drv, drv->pri + PCI_PRI_ALLOC_REQ, 4, PRI_ALLOCATION);
		set(drv, drv->pri + PCI_PRI_CTRL, 2, PCI_PRI_CTRL_ENABLE);
	}
	if (drv->ats != 0)
		set(drv, drv->ats + PCI_ATS_CTRL, 2, PCI_ATS_CTRL_ENABLE);
	set(drv, drv->msix + PCI_MSIX_FLAGS, 2, PCI_MSIX_FLAGS_ENABLE);
	if (get(drv, drv->vendor + SIOV_PCI_VSEC_MODE, 4) != SIOV_MODE_SCALABLE ||
	    (get(drv, PCI_COMMAND, 2) & COMMAND_ON) != COMMAND_ON ||
	    get(drv, drv->pasid + PCI_PASID_CTRL, 2) != pasid)
		return -EIO;
	return 0;
}

/* The reverse. */
static void
switch_off(struct siov_hostdrv *drv)
{
	set(drv, drv->msix + PCI_MSIX_FLAGS, 2, 0);
	if (drv->ats != 0)
		set(drv, drv->ats + PCI_ATS_CTRL, 2, 0);
	if (drv->pri != 0)
		set(drv, drv->pri + PCI_PRI_CTRL, 2, 0);
	set(drv, drv->pasid + PCI_PASID_CTRL, 2, 0);
	set(drv, PCI_COMMAND, 2, 0);
}

/* ---- registers ---- */

static uint64_t
reg(const struct siov_hostdrv *drv, uint64_t offset, unsigned int width)
{
	return siov_pci_mmio_read(drv->pci, drv->fn, 0, offset, width);
}

static int
read_types(struct siov_hostdrv *drv)
{
	uint64_t at = get(drv, drv->vendor + SIOV_PCI_VSEC_ADICAP, 4);
	uint32_t i;

	drv->caps.nb_adis = (uint32_t)reg(drv, at, 4);
	drv->caps.nb_types = (uint32_t)reg(drv, at + 4, 4);
	if (drv->caps.nb_types == 0 || drv->caps.nb_types > HOSTDRV_TYPES_MAX)
		return -ENOTSUP;
	for (i = 0; i < drv->caps.nb_types; i++) {
		uint64_t row =
			at + (SIOV_REG_ADICAP_ROWS - SIOV_REG_ADICAP) + i * SIOV_ADICAP_STRIDE;
		uint32_t queues = (uint32_t)reg(drv, row + SIOV_ADICAP_QUEUES, 4);
		const struct siov_adi_type_info *info = siov_adi_type_info((enum siov_adi_type)i);

		drv->types[i] = (struct siov_hostdrv_type){
			.name = info != NULL ? info->name : "unknown",
			.has_swq = queues & 1,
			.dwqs_min = queues >> 8 & 0xff,
			.dwqs_max = queues >> 16 & 0xff,
			.messages_max = (uint32_t)reg(drv, row + SIOV_ADICAP_MESSAGES, 4),
			.pages = (uint32_t)reg(drv, row + SIOV_ADICAP_PAGES, 4),
		};
	}
	return 0;
}

static int
read_registers(struct siov_hostdrv *drv)
{
	struct siov_hostdrv_caps *caps = &drv->caps;
	uint64_t wqcap = reg(drv, SIOV_REG_WQCAP, 8);
	unsigned int i;

	caps->version = (uint32_t)reg(drv, SIOV_REG_VERSION, 4);
	caps->gencap = reg(drv, SIOV_REG_GENCAP, 8);
	caps->wqs_size = wqcap & 0xffff;
	caps->nb_wqs = wqcap >> SIOV_WQCAP_NUM_SHIFT & 0xff;
	caps->nb_groups = reg(drv, SIOV_REG_GRPCAP, 8) & 0xff;
	caps->nb_engines = reg(drv, SIOV_REG_ENGCAP, 8) & 0xff;
	for (i = 0; i < RTE_DIM(caps->opcap); i++)
		caps->opcap[i] = reg(drv, SIOV_REG_OPCAP + 8 * i, 8);
	caps->xfer_max = UINT32_C(1) << (caps->gencap >> SIOV_GENCAP_XFER_SHIFT & 0x1f);
	caps->batch_max = UINT32_C(1) << (caps->gencap >> SIOV_GENCAP_BATCH_SHIFT & 0xf);
	caps->nb_ims = (uint32_t)(caps->gencap >> SIOV_GENCAP_IMS_SHIFT & 0x3f) * 256;
	if (caps->version == UINT32_MAX || caps->version == 0 || caps->nb_wqs > SIOV_DEV_WQS_MAX)
		return -ENOTSUP;
	return read_types(drv);
}

int
siov_hostdrv_set_vector(struct siov_hostdrv *drv, unsigned int vector, uint64_t addr, uint32_t data)
{
	uint64_t at = get(drv, drv->msix + PCI_MSIX_TABLE, 4) & PCI_MSIX_TABLE_OFFSET;

	if (vector >= drv->caps.nb_msix)
		return -ERANGE;
	at += vector * UINT64_C(16);
	siov_pci_mmio_write(drv->pci, drv->fn, 0, at + 12, 4, PCI_MSIX_ENTRY_CTRL_MASKBIT);
	siov_pci_mmio_write(drv->pci, drv->fn, 0, at, 8, addr);
	siov_pci_mmio_write(drv->pci, drv->fn, 0, at + 8, 4, data);
	siov_pci_mmio_write(drv->pci, drv->fn, 0, at + 12, 4, 0);
	return 0;
}

void
siov_hostdrv_ack(struct siov_hostdrv *drv, uint32_t causes)
{
	siov_pci_mmio_write(drv->pci, drv->fn, 0, SIOV_REG_INTCAUSE, 4, causes);
}

struct siov_hostdrv_generation
hostdrv_most(const struct siov_hostdrv_caps *caps)
{
	struct siov_hostdrv_generation gen = {
		.version = caps->version,
		.gencap = caps->gencap & SIOV_HOSTDRV_FEATURES,
		.xfer_max = caps->xfer_max,
		.batch_max = caps->batch_max,
	};
	unsigned int i;

	for (i = 0; i < RTE_DIM(gen.opcap); i++)
		gen.opcap[i] = caps->opcap[i];
	return gen;
}

/* ---- queues ---- */

/* Where WQCFG is, and what it says of each queue. */
static void
find_queues(struct siov_hostdrv *drv)
{
	uint64_t wqcfg = (reg(drv, SIOV_REG_OFFSETS, 8) >> 16 & 0xffff) * 256;
	uint32_t i;

	for (i = 0; i < drv->caps.nb_wqs; i++) {
		uint64_t row = wqcfg + i * SIOV_WQCFG_STRIDE;
		bool is_used = reg(drv, row + SIOV_WQCFG_SIZE, 4) != 0;

		if (is_used && !(reg(drv, row + SIOV_WQCFG_MODE, 4) & SIOV_WQCFG_DEDICATED))
			drv->shared |= UINT64_C(1) << i;
	}
}

static int
enable_queues(struct siov_hostdrv *drv)
{
	uint32_t i;
	int ret = 0;

	for (i = 0; i < drv->caps.nb_wqs && ret == 0; i++) {
		if (drv->shared >> i & 1)
			ret = siov_dev_wq_enable(siov_hostdrv_dev(drv), i);
	}
	return ret;
}

/* ---- probe and remove ---- */

static int
take(struct siov_hostdrv *drv, uint64_t page_bytes)
{
	int ret;

	ret = look(drv);
	if (ret == 0)
		ret = choose_page(drv, page_bytes);
	if (ret == 0)
		ret = place_bars(drv);
	if (ret != 0)
		return ret;
	ret = switch_on(drv);
	if (ret == 0)
		ret = read_registers(drv);
	if (ret == 0) {
		drv->gen = hostdrv_most(&drv->caps);
		find_queues(drv);
		ret = enable_queues(drv);
	}
	if (ret != 0) {
		siov_dev_disable(siov_hostdrv_dev(drv), 1000);
		switch_off(drv);
	}
	return ret;
}

static void
free_drv(struct siov_hostdrv *drv)
{
	pthread_mutex_destroy(&drv->lock);
	siov_mem_free(drv->mem, drv);
}

int
siov_hostdrv_probe(struct siov_pci *pci, unsigned int fn, const struct siov_hostdrv_conf *conf,
		   struct siov_hostdrv **out)
{
	struct siov_dev *dev = siov_pci_fn_dev(pci, fn);
	uint64_t page_bytes = conf != NULL && conf->page_bytes != 0 ? conf->page_bytes : 4096;
	const struct siov_mem *mem;
	struct siov_hostdrv *drv;
	int ret;

	if (dev == NULL)
		return -ENODEV;
	mem = siov_dev_get_conf(dev)->mem != NULL ? siov_dev_get_conf(dev)->mem : siov_mem_eal();
	drv = siov_mem_alloc(mem, "siov_hostdrv", sizeof(*drv), RTE_CACHE_LINE_SIZE, -1);
	if (drv == NULL)
		return -ENOMEM;
	drv->mem = mem;
	drv->pci = pci;
	drv->fn = fn;
	pthread_mutex_init(&drv->lock, NULL);
	ret = take(drv, page_bytes);
	if (ret == 0)
		*out = drv;
	else
		free_drv(drv);
	return ret;
}

int
siov_hostdrv_remove(struct siov_hostdrv *drv)
{
	struct siov_dev *dev;
	int ret = 0;

	if (drv == NULL)
		return 0;
	dev = siov_hostdrv_dev(drv);
	if (!siov_hostdrv_is_lost(drv)) {
		if (siov_dev_adi_used(dev) != 0)
			return -EBUSY;
		ret = siov_dev_disable(dev, 1000);
		if (ret != 0)
			return ret;
		switch_off(drv);
	}
	free_drv(drv);
	return 0;
}

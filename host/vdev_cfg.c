/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Configuration space of a VDEV. Of VDEVs that look alike one map is enough: it is counted, and made
 * by the first.
 */
#include <errno.h>

#include <linux/pci_regs.h>

#include "siov_msix.h"
#include "vdev_priv.h"

#define CLASS_CODE 0x088000u

/* What VDEVs that look alike have in common. */
struct vdev_look {
	LIST_ENTRY(vdev_look) entry;
	uint32_t nb_users;
	uint32_t nb_wqs, nb_vectors, flags;
	uint64_t page_bytes;
	uint16_t express, msix;
	struct pci_cfg_map map;
};

static void
build(struct vdev_look *look, const struct siov_vdev *vdev)
{
	const struct pci_cfg_ids ids = {
		.vendor = SIOV_VDEV_VENDOR,
		.device = SIOV_VDEV_DEVICE,
		.class_code = CLASS_CODE,
		.subsystem_vendor = SIOV_VDEV_VENDOR,
		.subsystem = SIOV_VDEV_SUBSYSTEM,
	};
	const struct pci_cfg_msix msix = {
		.nb_vectors = vdev->nb_vectors,
		.table = (uint32_t)(SIOV_VDEV_PAGE_MSIX * vdev->page_bytes + SIOV_VDEV_MSIX_TABLE),
		.pba = (uint32_t)(SIOV_VDEV_PAGE_MSIX * vdev->page_bytes + SIOV_VDEV_MSIX_PBA),
	};
	/* To a guest that has the whole function; IMS is the host's (7.8.6). */
	const struct pci_cfg_siov siov = {
		.next_fn = vdev->rid & 7,
		.page_sizes = siov_hostdrv_get_caps(vdev->vdcm->fns[0].drv)->page_sizes,
	};

	look->nb_wqs = vdev->nb_wqs;
	look->nb_vectors = vdev->nb_vectors;
	look->flags = vdev->flags & SIOV_VDEV_F_DVSEC;
	look->page_bytes = vdev->page_bytes;
	pci_cfg_map_init(&look->map, &ids);
	pci_cfg_add_bar(&look->map, 0, vdev_bar_bytes(vdev, SIOV_VDEV_BAR0));
	pci_cfg_add_bar(&look->map, 2, vdev_bar_bytes(vdev, SIOV_VDEV_BAR2));
	look->express = pci_cfg_add_express(&look->map);
	look->msix = pci_cfg_add_msix(&look->map, &msix);
	if (look->flags & SIOV_VDEV_F_DVSEC)
		pci_cfg_add_siov(&look->map, &siov);
}

static struct vdev_look *
find_look(const struct siov_vdev *vdev)
{
	struct vdev_look *look;

	LIST_FOREACH(look, &vdev->vdcm->looks, entry) {
		if (look->nb_wqs == vdev->nb_wqs && look->nb_vectors == vdev->nb_vectors &&
		    look->page_bytes == vdev->page_bytes &&
		    look->flags == (vdev->flags & SIOV_VDEV_F_DVSEC))
			return look;
	}
	return NULL;
}

static void
drop_look(struct siov_vdev *vdev)
{
	struct vdev_look *look = vdev->look;

	vdev->look = NULL;
	if (look == NULL || --look->nb_users != 0)
		return;
	LIST_REMOVE(look, entry);
	siov_mem_free(vdev->vdcm->mem, look);
}

int
vdev_cfg_init(struct siov_vdev *vdev)
{
	struct vdev_look *look = find_look(vdev);

	if (look == NULL) {
		look = siov_mem_alloc(vdev->vdcm->mem, "siov_vdev_look", sizeof(*look),
				      RTE_CACHE_LINE_SIZE, -1);
		if (look == NULL)
			return -ENOMEM;
		build(look, vdev);
		LIST_INSERT_HEAD(&vdev->vdcm->looks, look, entry);
	}
	look->nb_users++;
	vdev->look = look;
	vdev->express_at = look->express;
	vdev->msix_at = look->msix;
	return pci_cfg_init(&vdev->cfg, &look->map, vdev->vdcm->mem);
}

void
vdev_cfg_free(struct siov_vdev *vdev)
{
	pci_cfg_fini(&vdev->cfg, vdev->vdcm->mem);
	drop_look(vdev);
}

size_t
vdev_cfg_bytes(const struct siov_vdev *vdev)
{
	return vdev->cfg.bytes != NULL ? PCI_CFG_ROOM : 0;
}

void
vdev_cfg_reset(struct siov_vdev *vdev)
{
	pci_cfg_reset(&vdev->cfg);
}

void
vdev_cfg_restore(struct siov_vdev *vdev, const uint8_t bytes[4096])
{
	pci_cfg_restore(&vdev->cfg, bytes);
}

uint32_t
vdev_cfg_read(struct siov_vdev *vdev, uint32_t offset, unsigned int width)
{
	uint32_t value = pci_cfg_read(&vdev->cfg, offset, width);

	/* Transactions are pending while a reset is under way. */
	if (vdev->must_reset || vdev->action.kind == ACTION_FLR) {
		uint32_t at = vdev->express_at + PCI_EXP_DEVSTA;

		if (pci_cfg_touches(offset, width, at, 1))
			value |= (uint32_t)PCI_EXP_DEVSTA_TRPND << 8 * (at - offset);
	}
	return value;
}

void
vdev_cfg_write(struct siov_vdev *vdev, uint32_t offset, unsigned int width, uint32_t value)
{
	uint16_t before = vdev_cfg_msix_control(vdev);

	/* While it is being reset it takes nothing. */
	if (vdev->must_reset || vdev->action.kind == ACTION_FLR)
		return;
	if (pci_cfg_sets_flr(vdev->express_at, offset, width, value)) {
		vdev_flr(vdev);
		return;
	}
	pci_cfg_write(&vdev->cfg, offset, width, value);
	if (vdev_cfg_msix_control(vdev) != before)
		vdev_msix_update(vdev);
}

bool
vdev_cfg_is_master(const struct siov_vdev *vdev)
{
	return pci_cfg_read(&vdev->cfg, PCI_COMMAND, 2) & PCI_COMMAND_MASTER;
}

uint16_t
vdev_cfg_msix_control(const struct siov_vdev *vdev)
{
	return (uint16_t)pci_cfg_read(&vdev->cfg, vdev->msix_at + PCI_MSIX_FLAGS, 2);
}

bool
siov_vdev_bar(struct siov_vdev *vdev, unsigned int bar, uint64_t *gpa, uint64_t *bytes)
{
	bool is_on;

	vdcm_lock(vdev->vdcm);
	*gpa = pci_cfg_bar(&vdev->cfg, bar);
	*bytes = vdev_bar_bytes(vdev, bar);
	is_on = pci_cfg_read(&vdev->cfg, PCI_COMMAND, 2) & PCI_COMMAND_MEMORY;
	vdcm_unlock(vdev->vdcm);
	return is_on;
}

void
siov_vdev_dump_config(FILE *f, struct siov_vdev *vdev)
{
	vdcm_lock(vdev->vdcm);
	pci_cfg_dump(f, &vdev->cfg, vdev->rid);
	vdcm_unlock(vdev->vdcm);
}

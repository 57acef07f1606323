/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>

#include <linux/pci_regs.h>

#include <rte_byteorder.h>
#include <rte_common.h>

#include "pci_cfg.h"

#define CAPS_BEGIN 0x40u
#define EXT_BEGIN 0x100u
#define BAR_TYPE (PCI_BASE_ADDRESS_MEM_TYPE_64 | PCI_BASE_ADDRESS_MEM_PREFETCH)
#define COMMAND_BITS \
	(PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_PARITY | PCI_COMMAND_SERR | \
	 PCI_COMMAND_INTX_DISABLE)
#define STATUS_W1C 0xf900u

/* Lengths of capabilities. */
#define EXPRESS_BYTES 0x2cu /* without link registers */
#define MSIX_BYTES 12u
#define PASID_BYTES 8u
#define ATS_BYTES 8u
#define PRI_BYTES 16u
#define DEV3_BYTES 16u
#define SIOV_BYTES 0x18u

#define EXT_CAP_ID_DEV3 0x2fu
#define DEVCAP2_PREFIX (1u << 21) /* end-end TLP prefix, which carries the PASID */
#define DEVCAP2_DMWR (1u << 28) /* DMWr completer, 64 bytes */
#define EXPRESS_VERSION 2u
#define SIOV_VENDOR 0x8086u
#define SIOV_ID 5u

/* ---- bytes ---- */

static void
put(uint8_t *bytes, uint32_t offset, unsigned int width, uint32_t value)
{
	uint32_t little = rte_cpu_to_le_32(value);

	memcpy(bytes + offset, &little, width);
}

static uint32_t
get(const uint8_t *bytes, uint32_t offset, unsigned int width)
{
	uint32_t little = 0;

	memcpy(&little, bytes + offset, width);
	return rte_le_to_cpu_32(little);
}

/* ---- maps ---- */

void
pci_cfg_map_set(struct pci_cfg_map *map, uint16_t offset, uint32_t value, uint32_t writable)
{
	put(map->reset, offset, 4, value);
	put(map->writable, offset, 4, writable);
}

void
pci_cfg_map_init(struct pci_cfg_map *map, const struct pci_cfg_ids *ids)
{
	memset(map, 0, sizeof(*map));
	map->next_cap = CAPS_BEGIN;
	map->next_ext = EXT_BEGIN;
	put(map->reset, PCI_VENDOR_ID, 2, ids->vendor);
	put(map->reset, PCI_DEVICE_ID, 2, ids->device);
	put(map->writable, PCI_COMMAND, 2, COMMAND_BITS);
	put(map->w1c, PCI_STATUS, 2, STATUS_W1C);
	put(map->reset, PCI_CLASS_REVISION, 4, ids->class_code << 8 | ids->revision);
	put(map->writable, PCI_CACHE_LINE_SIZE, 1, 0xff);
	put(map->reset, PCI_HEADER_TYPE, 1, ids->is_multifunction ? 0x80 : 0);
	put(map->reset, PCI_SUBSYSTEM_VENDOR_ID, 2, ids->subsystem_vendor);
	put(map->reset, PCI_SUBSYSTEM_ID, 2, ids->subsystem);
	put(map->writable, PCI_INTERRUPT_LINE, 1, 0xff);
}

void
pci_cfg_add_bar(struct pci_cfg_map *map, unsigned int n, uint64_t bytes)
{
	uint16_t at = (uint16_t)(PCI_BASE_ADDRESS_0 + 4 * n);
	uint64_t address = ~(bytes - 1);

	pci_cfg_map_set(map, at, BAR_TYPE, (uint32_t)address & PCI_BASE_ADDRESS_MEM_MASK);
	pci_cfg_map_set(map, at + 4, 0, address >> 32);
}

/* Room for a legacy capability, behind the last one. */
static uint16_t
add_cap(struct pci_cfg_map *map, uint8_t id, uint16_t bytes)
{
	uint16_t at = map->next_cap;

	if (map->last_cap == 0) {
		put(map->reset, PCI_CAPABILITY_LIST, 1, at);
		put(map->reset, PCI_STATUS, 2, PCI_STATUS_CAP_LIST);
	} else {
		put(map->reset, map->last_cap + PCI_CAP_LIST_NEXT, 1, at);
	}
	put(map->reset, at, 1, id);
	map->last_cap = at;
	map->next_cap = RTE_ALIGN_CEIL(at + bytes, 4);
	return at;
}

static uint16_t
add_ext(struct pci_cfg_map *map, uint16_t id, uint16_t bytes)
{
	uint16_t at = map->next_ext;

	if (map->last_ext != 0)
		put(map->reset, map->last_ext, 4,
		    get(map->reset, map->last_ext, 4) | (uint32_t)at << 20);
	put(map->reset, at, 4, id | 1u << 16);
	map->last_ext = at;
	map->next_ext = RTE_ALIGN_CEIL(at + bytes, 4);
	return at;
}

uint16_t
pci_cfg_add_express(struct pci_cfg_map *map)
{
	uint16_t at = add_cap(map, PCI_CAP_ID_EXP, EXPRESS_BYTES);

	put(map->reset, at + PCI_EXP_FLAGS, 2, EXPRESS_VERSION | PCI_EXP_TYPE_RC_END << 4);
	put(map->reset, at + PCI_EXP_DEVCAP, 4, PCI_EXP_DEVCAP_RBER | PCI_EXP_DEVCAP_FLR | 1);
	put(map->writable, at + PCI_EXP_DEVCTL, 2,
	    PCI_EXP_DEVCTL_CERE | PCI_EXP_DEVCTL_NFERE | PCI_EXP_DEVCTL_FERE | PCI_EXP_DEVCTL_URRE |
		    PCI_EXP_DEVCTL_RELAX_EN | PCI_EXP_DEVCTL_PAYLOAD | PCI_EXP_DEVCTL_NOSNOOP_EN |
		    PCI_EXP_DEVCTL_READRQ);
	put(map->reset, at + PCI_EXP_DEVCTL, 2,
	    PCI_EXP_DEVCTL_RELAX_EN | PCI_EXP_DEVCTL_NOSNOOP_EN | 2u << 12);
	put(map->w1c, at + PCI_EXP_DEVSTA, 2,
	    PCI_EXP_DEVSTA_CED | PCI_EXP_DEVSTA_NFED | PCI_EXP_DEVSTA_FED | PCI_EXP_DEVSTA_URD);
	put(map->reset, at + PCI_EXP_DEVCAP2, 4, DEVCAP2_PREFIX | DEVCAP2_DMWR);
	return at;
}

uint16_t
pci_cfg_add_msix(struct pci_cfg_map *map, const struct pci_cfg_msix *msix)
{
	uint16_t at = add_cap(map, PCI_CAP_ID_MSIX, MSIX_BYTES);

	put(map->reset, at + PCI_MSIX_FLAGS, 2, msix->nb_vectors - 1);
	put(map->writable, at + PCI_MSIX_FLAGS, 2, PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
	put(map->reset, at + PCI_MSIX_TABLE, 4, msix->table);
	put(map->reset, at + PCI_MSIX_PBA, 4, msix->pba);
	return at;
}

uint16_t
pci_cfg_add_pasid(struct pci_cfg_map *map, bool has_priv)
{
	uint16_t at = add_ext(map, PCI_EXT_CAP_ID_PASID, PASID_BYTES);
	uint32_t priv = has_priv ? PCI_PASID_CAP_PRIV : 0;

	put(map->reset, at + PCI_PASID_CAP, 2, priv | 20u << 8);
	put(map->writable, at + PCI_PASID_CTRL, 2,
	    PCI_PASID_CTRL_ENABLE | (has_priv ? PCI_PASID_CTRL_PRIV : 0));
	return at;
}

uint16_t
pci_cfg_add_ats(struct pci_cfg_map *map)
{
	uint16_t at = add_ext(map, PCI_EXT_CAP_ID_ATS, ATS_BYTES);

	put(map->reset, at + PCI_ATS_CAP, 2, PCI_ATS_CAP_PAGE_ALIGNED);
	put(map->writable, at + PCI_ATS_CTRL, 2, PCI_ATS_CTRL_ENABLE | 0x1f);
	return at;
}

uint16_t
pci_cfg_add_pri(struct pci_cfg_map *map, uint32_t capacity)
{
	uint16_t at = add_ext(map, PCI_EXT_CAP_ID_PRI, PRI_BYTES);

	put(map->writable, at + PCI_PRI_CTRL, 2, PCI_PRI_CTRL_ENABLE);
	put(map->reset, at + PCI_PRI_STATUS, 2, PCI_PRI_STATUS_STOPPED | PCI_PRI_STATUS_PASID);
	put(map->w1c, at + PCI_PRI_STATUS, 2, PCI_PRI_STATUS_RF | PCI_PRI_STATUS_UPRGI);
	put(map->reset, at + PCI_PRI_MAX_REQ, 4, capacity);
	put(map->writable, at + PCI_PRI_ALLOC_REQ, 4, UINT32_MAX);
	return at;
}

uint16_t
pci_cfg_add_dev3(struct pci_cfg_map *map)
{
	return add_ext(map, EXT_CAP_ID_DEV3, DEV3_BYTES);
}

uint16_t
pci_cfg_add_siov(struct pci_cfg_map *map, const struct pci_cfg_siov *siov)
{
	uint16_t at = add_ext(map, PCI_EXT_CAP_ID_DVSEC, SIOV_BYTES);

	put(map->reset, at + PCI_DVSEC_HEADER1, 4, SIOV_VENDOR | SIOV_BYTES << 20);
	put(map->reset, at + PCI_DVSEC_HEADER2, 2, SIOV_ID);
	put(map->reset, at + 0x0a, 1, siov->next_fn);
	put(map->reset, at + 0x0b, 1, siov->is_homogeneous);
	put(map->reset, at + 0x0c, 4, siov->page_sizes);
	pci_cfg_map_set(map, at + 0x10, 1, UINT32_MAX);
	put(map->reset, at + 0x14, 4, siov->has_ims);
	return at;
}

uint16_t
pci_cfg_add_vendor(struct pci_cfg_map *map, uint16_t id, uint16_t bytes)
{
	uint16_t at = add_ext(map, PCI_EXT_CAP_ID_VNDR, 8 + bytes);

	put(map->reset, at + PCI_VNDR_HEADER, 4, id | (8u + bytes) << 20);
	return at;
}

/* ---- spaces ---- */

int
pci_cfg_init(struct pci_cfg *cfg, const struct pci_cfg_map *map, const struct siov_mem *mem)
{
	cfg->map = map;
	cfg->bytes = siov_mem_alloc(mem, "siov_pci_cfg", PCI_CFG_ROOM, RTE_CACHE_LINE_SIZE, -1);
	if (cfg->bytes == NULL)
		return -ENOMEM;
	pci_cfg_reset(cfg);
	return 0;
}

void
pci_cfg_fini(struct pci_cfg *cfg, const struct siov_mem *mem)
{
	siov_mem_free(mem, cfg->bytes);
	cfg->bytes = NULL;
}

void
pci_cfg_reset(struct pci_cfg *cfg)
{
	memcpy(cfg->bytes, cfg->map->reset, PCI_CFG_ROOM);
}

bool
pci_cfg_is_access(uint32_t offset, unsigned int width)
{
	return (width == 1 || width == 2 || width == 4) && offset % width == 0 &&
	       offset < PCI_CFG_BYTES;
}

uint32_t
pci_cfg_read(const struct pci_cfg *cfg, uint32_t offset, unsigned int width)
{
	return offset < PCI_CFG_ROOM ? get(cfg->bytes, offset, width) : 0;
}

void
pci_cfg_write(struct pci_cfg *cfg, uint32_t offset, unsigned int width, uint32_t value)
{
	unsigned int i;

	for (i = 0; i < width && offset + i < PCI_CFG_ROOM; i++) {
		uint32_t at = offset + i;
		uint8_t byte = (uint8_t)(value >> 8 * i), can = cfg->map->writable[at];

		cfg->bytes[at] = (uint8_t)((cfg->bytes[at] & ~can) | (byte & can));
		cfg->bytes[at] &= (uint8_t) ~(byte & cfg->map->w1c[at]);
	}
}

void
pci_cfg_restore(struct pci_cfg *cfg, const uint8_t bytes[PCI_CFG_BYTES])
{
	uint32_t at;

	for (at = 0; at < PCI_CFG_ROOM; at++) {
		uint8_t can = cfg->map->writable[at] | cfg->map->w1c[at];

		cfg->bytes[at] = (uint8_t)((cfg->map->reset[at] & ~can) | (bytes[at] & can));
	}
}

void
pci_cfg_set(struct pci_cfg *cfg, uint32_t offset, unsigned int width, uint32_t value)
{
	put(cfg->bytes, offset, width, value);
}

bool
pci_cfg_sets_flr(uint16_t express, uint32_t offset, unsigned int width, uint32_t value)
{
	uint32_t at = express + PCI_EXP_DEVCTL + 1; /* its byte */

	return pci_cfg_touches(offset, width, at, 1) &&
	       value >> 8 * (at - offset) & PCI_EXP_DEVCTL_BCR_FLR >> 8;
}

uint64_t
pci_cfg_bar(const struct pci_cfg *cfg, unsigned int n)
{
	uint32_t at = PCI_BASE_ADDRESS_0 + 4 * n;

	return (uint64_t)get(cfg->bytes, at + 4, 4) << 32 |
	       (get(cfg->bytes, at, 4) & PCI_BASE_ADDRESS_MEM_MASK);
}

void
pci_cfg_dump(FILE *f, const struct pci_cfg *cfg, uint16_t rid)
{
	uint32_t at;

	fprintf(f, "%02x:%02x.%x Class %04x: %04x:%04x\n", rid >> 8, rid >> 3 & 0x1f, rid & 7,
		pci_cfg_read(cfg, PCI_CLASS_DEVICE, 2), pci_cfg_read(cfg, PCI_VENDOR_ID, 2),
		pci_cfg_read(cfg, PCI_DEVICE_ID, 2));
	for (at = 0; at < PCI_CFG_BYTES; at++) {
		if (at % 16 == 0)
			fprintf(f, "%02x:", at);
		fprintf(f, " %02x", pci_cfg_read(cfg, at, 1));
		if (at % 16 == 15)
			fprintf(f, "\n");
	}
	fprintf(f, "\n");
}

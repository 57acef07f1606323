/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * PCI configuration spaces as bytes, of functions and of virtual devices.
 *
 *     pci_cfg_map: what the bytes are after reset, which bits can be written, which are cleared by
 *                  writing 1; built once, shared by all spaces that look alike
 *     pci_cfg:     the bytes of one
 *
 * Legacy capabilities begin at 0x40, extended ones at 0x100, in the order in which they are added.
 * What is beyond the last one reads as 0. Nothing here knows what a register does.
 */
#ifndef PCI_CFG_H
#define PCI_CFG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "siov_mem.h"

#define PCI_CFG_BYTES 4096u
#define PCI_CFG_ROOM 512u /* of these can be other than 0 */

struct pci_cfg_map {
	uint8_t reset[PCI_CFG_ROOM];
	uint8_t writable[PCI_CFG_ROOM];
	uint8_t w1c[PCI_CFG_ROOM];
	uint16_t next_cap, last_cap; /* legacy; last 0: none */
	uint16_t next_ext, last_ext; /* extended */
};

struct pci_cfg {
	const struct pci_cfg_map *map;
	uint8_t *bytes; /* PCI_CFG_ROOM */
};

/* ---- maps ---- */

struct pci_cfg_ids {
	uint16_t vendor, device;
	uint8_t revision;
	uint32_t class_code; /* base, sub, interface */
	uint16_t subsystem_vendor, subsystem;
	bool is_multifunction;
};

/* A type 0 header without BARs and capabilities. */
void pci_cfg_map_init(struct pci_cfg_map *map, const struct pci_cfg_ids *ids);

/* A 64-bit prefetchable memory BAR: registers n and n + 1; bytes: a power of two, 4 KiB or more. */
void pci_cfg_add_bar(struct pci_cfg_map *map, unsigned int n, uint64_t bytes);

/* Capabilities. Each returns its offset. */
uint16_t
pci_cfg_add_express(struct pci_cfg_map *map); /* integrated endpoint, FLR, DMWr completer */

struct pci_cfg_msix {
	unsigned int nb_vectors;
	uint32_t table, pba; /* offset | number of the BAR */
};
uint16_t pci_cfg_add_msix(struct pci_cfg_map *map, const struct pci_cfg_msix *msix);
uint16_t pci_cfg_add_pasid(struct pci_cfg_map *map, bool has_priv); /* 20 bits */
uint16_t pci_cfg_add_ats(struct pci_cfg_map *map);
uint16_t pci_cfg_add_pri(struct pci_cfg_map *map, uint32_t capacity);
uint16_t pci_cfg_add_dev3(struct pci_cfg_map *map);

/* The Scalable IOV DVSEC (7.8). */
struct pci_cfg_siov {
	uint8_t next_fn; /* function dependency link */
	bool is_homogeneous;
	uint32_t page_sizes; /* bit n: 2^(n + 12) */
	bool has_ims;
};
uint16_t pci_cfg_add_siov(struct pci_cfg_map *map, const struct pci_cfg_siov *siov);

/* A vendor-specific one with room for bytes behind its two headers. */
uint16_t pci_cfg_add_vendor(struct pci_cfg_map *map, uint16_t id, uint16_t bytes);

/* A 32-bit register of the map: value after reset, and bits that can be written. */
void pci_cfg_map_set(struct pci_cfg_map *map, uint16_t offset, uint32_t value, uint32_t writable);

/* ---- spaces ---- */

/* As after reset; the map outlives it. 0 or -ENOMEM. */
int pci_cfg_init(struct pci_cfg *cfg, const struct pci_cfg_map *map, const struct siov_mem *mem);
void pci_cfg_fini(struct pci_cfg *cfg, const struct siov_mem *mem);
void pci_cfg_reset(struct pci_cfg *cfg);

/* Whether an access is one: width 1, 2 or 4, aligned, inside. */
bool pci_cfg_is_access(uint32_t offset, unsigned int width);

uint32_t pci_cfg_read(const struct pci_cfg *cfg, uint32_t offset, unsigned int width);
void pci_cfg_write(struct pci_cfg *cfg, uint32_t offset, unsigned int width, uint32_t value);

/* Bring saved bytes back, as far as software could have written them. */
void pci_cfg_restore(struct pci_cfg *cfg, const uint8_t bytes[PCI_CFG_BYTES]);

/* Set a register, whatever can be written; width 2 or 4. */
void pci_cfg_set(struct pci_cfg *cfg, uint32_t offset, unsigned int width, uint32_t value);

/* Whether an access touches the register at [at, at + bytes). */
static inline bool
pci_cfg_touches(uint32_t offset, unsigned int width, uint32_t at, uint32_t bytes)
{
	return offset < at + bytes && offset + width > at;
}

/* Whether a write to a space whose PCI Express capability is there asks for a function-level reset. */
bool pci_cfg_sets_flr(uint16_t express, uint32_t offset, unsigned int width, uint32_t value);

/* What a read of 1 to 8 bytes finds where nothing answers. */
static inline uint64_t
pci_all_ones(unsigned int width)
{
	return width >= 8 ? UINT64_MAX : (UINT64_C(1) << 8 * width) - 1;
}

/* Where BAR n is. */
uint64_t pci_cfg_bar(const struct pci_cfg *cfg, unsigned int n);

/* Print it as lspci -F reads it. rid: bus, device and function. */
void pci_cfg_dump(FILE *f, const struct pci_cfg *cfg, uint16_t rid);

#endif /* PCI_CFG_H */

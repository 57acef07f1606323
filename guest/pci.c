/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Configuration space, as any PCI driver uses it. Lists are walked with a bound, offsets are held
 * against the sizes of what they lead into.
 */
#include <errno.h>

#include <linux/pci_regs.h>

#include "guest_priv.h"

#define CAPS_MAX 48u /* that fit between the header and the end */
#define CAP_FIRST 0x40u
#define CFG_BYTES 0x100u
#define BAR_BITS UINT64_C(0xf) /* of its register, that are not address */
#define ENTRY_BYTES 16u /* of the MSI-X table */
#define RUNNING (PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER)

static uint32_t
cfg_read(const struct siov_guest *guest, uint32_t offset, unsigned int width)
{
	return siov_vcpu_cfg_read(guest->vcpu, guest->conf.bdf, offset, width);
}

static void
cfg_write(const struct siov_guest *guest, uint32_t offset, unsigned int width, uint32_t value)
{
	siov_vcpu_cfg_write(guest->vcpu, guest->conf.bdf, offset, width, value);
}

/* ---- what is there ---- */

/* Offset of a capability of @p bytes; 0: there is none. */
static uint32_t
find_cap(const struct siov_guest *guest, uint32_t id, uint32_t bytes)
{
	uint32_t at, head, i;

	if (!(cfg_read(guest, PCI_STATUS, 2) & PCI_STATUS_CAP_LIST))
		return 0;
	at = cfg_read(guest, PCI_CAPABILITY_LIST, 1);
	for (i = 0; i < CAPS_MAX && at >= CAP_FIRST; i++) {
		at &= 0xfc;
		head = cfg_read(guest, at, 2);
		if ((head & 0xff) == id)
			return at + bytes <= CFG_BYTES ? at : 0;
		at = head >> 8;
	}
	return 0;
}

int
guest_pci_find(struct siov_guest *guest)
{
	if (cfg_read(guest, PCI_VENDOR_ID, 2) != SIOV_VDEV_VENDOR ||
	    cfg_read(guest, PCI_DEVICE_ID, 2) != SIOV_VDEV_DEVICE)
		return -ENODEV;
	if ((cfg_read(guest, PCI_HEADER_TYPE, 1) & 0x7f) != PCI_HEADER_TYPE_NORMAL)
		return -ENOTSUP;
	guest->is_extended = cfg_read(guest, PCI_SUBSYSTEM_ID, 2) == SIOV_VDEV_SUBSYSTEM;
	guest->express_at = find_cap(guest, PCI_CAP_ID_EXP, PCI_EXP_LNKCAP);
	guest->msix_at = find_cap(guest, PCI_CAP_ID_MSIX, PCI_CAP_MSIX_SIZEOF);
	return guest->express_at != 0 && guest->msix_at != 0 ? 0 : -ENOTSUP;
}

/* ---- BARs ---- */

static uint32_t
bar_at(unsigned int i)
{
	return PCI_BASE_ADDRESS_0 + 8 * i; /* each takes two registers */
}

static void
write_bar(const struct siov_guest *guest, unsigned int i, uint64_t value)
{
	cfg_write(guest, bar_at(i), 4, (uint32_t)value);
	cfg_write(guest, bar_at(i) + 4, 4, value >> 32);
}

static uint64_t
read_bar(const struct siov_guest *guest, unsigned int i)
{
	uint64_t low = cfg_read(guest, bar_at(i), 4);

	return low | (uint64_t)cfg_read(guest, bar_at(i) + 4, 4) << 32;
}

/* Decoding is off. */
static int
size_bar(struct siov_guest *guest, unsigned int i)
{
	uint64_t was = read_bar(guest, i), mask, bytes;

	if ((was & PCI_BASE_ADDRESS_SPACE_IO) != 0 ||
	    (was & PCI_BASE_ADDRESS_MEM_TYPE_MASK) != PCI_BASE_ADDRESS_MEM_TYPE_64)
		return -ENOTSUP;
	write_bar(guest, i, UINT64_MAX);
	mask = read_bar(guest, i) & ~BAR_BITS;
	write_bar(guest, i, was);
	bytes = ~mask + 1;
	if (mask == 0 || (bytes & (bytes - 1)) != 0 || bytes < GUEST_REGS_BYTES)
		return -ENOTSUP;
	guest->bars[i].bytes = bytes;
	return 0;
}

/* At the next address in [*gpa, end) that suits it. */
static int
place_bar(struct guest_bar *bar, uint64_t *gpa, uint64_t end)
{
	uint64_t at = (*gpa + bar->bytes - 1) & ~(bar->bytes - 1);

	if (at < *gpa || at > end || bar->bytes > end - at)
		return -ENOTSUP;
	bar->gpa = at;
	*gpa = at + bar->bytes;
	return 0;
}

int
guest_pci_size(struct siov_guest *guest)
{
	uint64_t gpa, bytes;
	unsigned int large;
	int ret;

	guest_pci_stop(guest);
	ret = size_bar(guest, 0);
	if (ret == 0)
		ret = size_bar(guest, 1);
	if (ret != 0)
		return ret;
	if (!siov_vcpu_slot(guest->vcpu, guest->conf.bdf, &gpa, &bytes))
		return -ENODEV;
	if (bytes > UINT64_MAX - gpa)
		return -ENOTSUP;
	/* The larger one first: nothing is lost to its alignment. */
	large = guest->bars[1].bytes > guest->bars[0].bytes;
	bytes += gpa;
	ret = place_bar(&guest->bars[large], &gpa, bytes);
	return ret != 0 ? ret : place_bar(&guest->bars[!large], &gpa, bytes);
}

int
guest_pci_start(struct siov_guest *guest)
{
	unsigned int i;

	for (i = 0; i < 2; i++)
		write_bar(guest, i, guest->bars[i].gpa);
	cfg_write(guest, PCI_COMMAND, 2, RUNNING | PCI_COMMAND_INTX_DISABLE);
	return guest_pci_is_started(guest) ? 0 : -ENOTSUP;
}

bool
guest_pci_is_started(const struct siov_guest *guest)
{
	uint32_t command = cfg_read(guest, PCI_COMMAND, 2);

	return (read_bar(guest, 0) & ~BAR_BITS) == guest->bars[0].gpa &&
	       (read_bar(guest, 1) & ~BAR_BITS) == guest->bars[1].gpa &&
	       (command & RUNNING) == RUNNING && command != 0xffff;
}

void
guest_pci_stop(struct siov_guest *guest)
{
	uint32_t control = cfg_read(guest, guest->msix_at + PCI_MSIX_FLAGS, 2);

	cfg_write(guest, guest->msix_at + PCI_MSIX_FLAGS, 2, control & ~PCI_MSIX_FLAGS_ENABLE);
	cfg_write(guest, PCI_COMMAND, 2, PCI_COMMAND_INTX_DISABLE);
}

/* ---- vectors ---- */

static int
find_table(struct siov_guest *guest)
{
	uint32_t nb, table, bar;
	uint64_t offset;

	nb = (cfg_read(guest, guest->msix_at + PCI_MSIX_FLAGS, 2) & PCI_MSIX_FLAGS_QSIZE) + 1;
	table = cfg_read(guest, guest->msix_at + PCI_MSIX_TABLE, 4);
	bar = table & PCI_MSIX_TABLE_BIR;
	offset = table & PCI_MSIX_TABLE_OFFSET;
	if (bar != 0 && bar != 2)
		return -ENOTSUP;
	bar /= 2;
	if (offset + (uint64_t)nb * ENTRY_BYTES > guest->bars[bar].bytes)
		return -ENOTSUP;
	guest->nb_vectors = nb < SIOV_VDEV_VECTORS_MAX ? nb : SIOV_VDEV_VECTORS_MAX;
	guest->msix_table = guest->bars[bar].gpa + offset;
	return 0;
}

static void
program_vector(struct siov_guest *guest, uint32_t i, uint64_t addr)
{
	uint64_t entry = guest->msix_table + (uint64_t)i * ENTRY_BYTES;

	siov_vcpu_mmio_write(guest->vcpu, entry + PCI_MSIX_ENTRY_LOWER_ADDR, 4, (uint32_t)addr);
	siov_vcpu_mmio_write(guest->vcpu, entry + PCI_MSIX_ENTRY_UPPER_ADDR, 4, addr >> 32);
	siov_vcpu_mmio_write(guest->vcpu, entry + PCI_MSIX_ENTRY_DATA, 4,
			     guest->conf.first_vector + i);
	siov_vcpu_mmio_write(guest->vcpu, entry + PCI_MSIX_ENTRY_VECTOR_CTRL, 4, 0);
}

int
guest_pci_vectors(struct siov_guest *guest)
{
	uint32_t at = guest->msix_at + PCI_MSIX_FLAGS, i;
	struct siov_vcpu_platform platform;
	int ret;

	ret = find_table(guest);
	if (ret != 0)
		return ret;
	siov_vcpu_platform(guest->vcpu, &platform);
	/* Masked as a whole meanwhile: no event goes to half an address, none is lost. */
	cfg_write(guest, at, 2, PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
	for (i = 0; i < guest->nb_vectors; i++)
		program_vector(guest, i, siov_vcpu_msi_addr(platform.index));
	cfg_write(guest, at, 2, PCI_MSIX_FLAGS_ENABLE);
	return 0;
}

/* ---- reset ---- */

int
guest_pci_reset(struct siov_guest *guest)
{
	uint64_t end_ns = guest_now_ns() + UINT64_C(1000000) * GUEST_CMD_MS;
	uint32_t at = guest->express_at, status, command;
	unsigned int rounds = 0;

	if (!(cfg_read(guest, at + PCI_EXP_DEVCAP, 4) & PCI_EXP_DEVCAP_FLR))
		return -ENOTSUP;
	cfg_write(guest, at + PCI_EXP_DEVCTL, 2,
		  cfg_read(guest, at + PCI_EXP_DEVCTL, 2) | PCI_EXP_DEVCTL_BCR_FLR);
	for (;;) {
		if (!siov_vcpu_poll(guest->vcpu))
			return -ESHUTDOWN;
		status = cfg_read(guest, at + PCI_EXP_DEVSTA, 2);
		command = cfg_read(guest, PCI_COMMAND, 2);
		/* All ones are no answer. */
		if (!(status & PCI_EXP_DEVSTA_TRPND) && !(command & RUNNING))
			return 0;
		if (guest_now_ns() >= end_ns)
			return -ETIMEDOUT;
		guest_pause(guest->vcpu, rounds++);
	}
}

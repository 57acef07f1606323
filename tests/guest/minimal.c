/* SPDX-License-Identifier: BSD-3-Clause */
#include <linux/idxd.h>
#include <linux/pci_regs.h>

#include "minimal.h"
#include "siov_regs_hw.h"
#include "siov_vcpu.h"

#define RECORD UINT64_C(0x3000) /* completion record, in the guest's memory */
#define VECTOR 80u

/* Size a 64-bit BAR, and put it at the next address that suits it. */
static uint64_t
place(struct siov_vcpu *vcpu, uint16_t bdf, unsigned int reg, uint64_t *next)
{
	uint64_t mask, gpa;

	siov_vcpu_cfg_write(vcpu, bdf, reg, 4, UINT32_MAX);
	siov_vcpu_cfg_write(vcpu, bdf, reg + 4, 4, UINT32_MAX);
	mask = siov_vcpu_cfg_read(vcpu, bdf, reg, 4) & ~15u;
	mask |= (uint64_t)siov_vcpu_cfg_read(vcpu, bdf, reg + 4, 4) << 32;
	gpa = (*next + ~mask) & mask;
	siov_vcpu_cfg_write(vcpu, bdf, reg, 4, (uint32_t)gpa);
	siov_vcpu_cfg_write(vcpu, bdf, reg + 4, 4, gpa >> 32);
	*next = gpa + ~mask + 1;
	return gpa;
}

/* Program vectors 0 and 1: that of the device, and that of queue 0. */
static void
set_vectors(struct siov_vcpu *vcpu, uint16_t bdf, uint64_t bar0)
{
	unsigned int i, at = siov_vcpu_cfg_read(vcpu, bdf, PCI_CAPABILITY_LIST, 1);
	uint64_t entry;

	while (siov_vcpu_cfg_read(vcpu, bdf, at, 1) != PCI_CAP_ID_MSIX)
		at = siov_vcpu_cfg_read(vcpu, bdf, at + PCI_CAP_LIST_NEXT, 1);
	entry = bar0 + (siov_vcpu_cfg_read(vcpu, bdf, at + PCI_MSIX_TABLE, 4) & ~7u);
	for (i = 0; i < 2; i++, entry += PCI_MSIX_ENTRY_SIZE) {
		siov_vcpu_mmio_write(vcpu, entry, 8, siov_vcpu_msi_addr(0));
		siov_vcpu_mmio_write(vcpu, entry + PCI_MSIX_ENTRY_DATA, 4, VECTOR + i);
		siov_vcpu_mmio_write(vcpu, entry + PCI_MSIX_ENTRY_VECTOR_CTRL, 4, 0);
	}
	siov_vcpu_cfg_write(vcpu, bdf, at + PCI_MSIX_FLAGS, 2, PCI_MSIX_FLAGS_ENABLE);
}

/* A command to its end: 0, or its error in bits 7:0, and its result in bits 23:8. */
static uint32_t
command(struct siov_vcpu *vcpu, uint64_t bar0, enum siov_cmd code, uint32_t operand)
{
	uint32_t status = SIOV_CMDSTS_ACTIVE;

	siov_vcpu_mmio_write(vcpu, bar0 + SIOV_REG_CMD, 4, code << SIOV_CMD_SHIFT | operand);
	while (status & SIOV_CMDSTS_ACTIVE && siov_vcpu_poll(vcpu))
		status = (uint32_t)siov_vcpu_mmio_read(vcpu, bar0 + SIOV_REG_CMDSTS, 4);
	return status;
}

int
minimal_copy(struct siov_vcpu *vcpu, uint16_t bdf, uint64_t dst, uint64_t src, uint32_t len)
{
	struct dsa_hw_desc desc __attribute__((aligned(64))) = {
		.flags = IDXD_OP_FLAG_CRAV | IDXD_OP_FLAG_RCR | IDXD_OP_FLAG_RCI,
		.opcode = DSA_OPCODE_MEMMOVE,
		.completion_addr = RECORD,
		.src_addr = src,
		.dst_addr = dst,
		.xfer_size = len,
	};
	struct dsa_completion_record *record = siov_vcpu_ram(vcpu, RECORD, sizeof(*record));
	struct siov_vm_portal *portal;
	uint64_t next, bytes, bar0, bar2;
	int vector;

	if (!siov_vcpu_slot(vcpu, bdf, &next, &bytes))
		return -1;
	bar2 = place(vcpu, bdf, PCI_BASE_ADDRESS_2, &next);
	bar0 = place(vcpu, bdf, PCI_BASE_ADDRESS_0, &next);
	siov_vcpu_cfg_write(vcpu, bdf, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	set_vectors(vcpu, bdf, bar0);
	if (command(vcpu, bar0, SIOV_CMD_ENABLE_DEVICE, 0) != 0 ||
	    command(vcpu, bar0, SIOV_CMD_ENABLE_WQ, 0) != 0 ||
	    siov_vcpu_portal_open(vcpu, bar2, UINT32_MAX, &portal) != 0)
		return -1;
	desc.int_handle = (uint16_t)(command(vcpu, bar0, SIOV_CMD_REQUEST_HANDLE, 1) >> 8);
	record->status = 0;
	siov_vm_movdir64b(portal, &desc);
	do {
		siov_vcpu_wait(vcpu, 100);
		vector = siov_vcpu_take(vcpu);
	} while (vector != VECTOR + 1 && siov_vcpu_poll(vcpu));
	siov_vcpu_portal_close(vcpu, portal);
	command(vcpu, bar0, SIOV_CMD_DISABLE_DEVICE, 0);
	return record->status == DSA_COMP_SUCCESS ? vector : -1;
}

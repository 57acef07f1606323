/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A driver that was written for DSA and knows of no VDEV, in the manner of poll-mode drivers: it asks
 * for no interrupt, uses no PASID, and reads the status of commands that bring the device up 1,000
 * times at most. It finds BARs where system software has put them.
 */
#include <linux/pci_regs.h>

#include "machine.h"

#define STATUS_READS 1000u
#define COMP UINT64_C(0x2000)
#define SRC UINT64_C(0x10000)
#define DST UINT64_C(0x20000)
#define LEN 4000u
#define COPIES 100u
#define ROUNDS 10u

/* What the driver keeps of a device. */
struct dsa {
	struct siov_vcpu *vcpu;
	uint64_t regs, portals;
	uint32_t nb_wqs, wqcfg, stride;
};

static uint32_t
reg(const struct dsa *dsa, uint32_t offset)
{
	return (uint32_t)siov_vcpu_mmio_read(dsa->vcpu, dsa->regs + offset, 4);
}

static uint64_t
reg_wide(const struct dsa *dsa, uint32_t offset)
{
	return siov_vcpu_mmio_read(dsa->vcpu, dsa->regs + offset, 8);
}

static void
set_reg(const struct dsa *dsa, uint32_t offset, uint32_t value)
{
	siov_vcpu_mmio_write(dsa->vcpu, dsa->regs + offset, 4, value);
}

/* Error code of a command; 256: not done after as many reads. */
static uint32_t
command(const struct dsa *dsa, uint32_t code, uint32_t operand)
{
	uint32_t i, status;

	set_reg(dsa, SIOV_REG_CMD, code << SIOV_CMD_SHIFT | operand);
	for (i = 0; i < STATUS_READS; i++) {
		status = reg(dsa, SIOV_REG_CMDSTS);
		if (!(status & SIOV_CMDSTS_ACTIVE))
			return status & 0xff;
		siov_vcpu_poll(dsa->vcpu);
	}
	return 256;
}

/* ---- system software ---- */

static uint64_t
place(struct siov_vcpu *vcpu, uint16_t bdf, unsigned int reg_at, uint64_t *next)
{
	uint64_t mask, gpa;

	siov_vcpu_cfg_write(vcpu, bdf, reg_at, 4, UINT32_MAX);
	siov_vcpu_cfg_write(vcpu, bdf, reg_at + 4, 4, UINT32_MAX);
	mask = siov_vcpu_cfg_read(vcpu, bdf, reg_at, 4) & ~15u;
	mask |= (uint64_t)siov_vcpu_cfg_read(vcpu, bdf, reg_at + 4, 4) << 32;
	gpa = (*next + ~mask) & mask;
	siov_vcpu_cfg_write(vcpu, bdf, reg_at, 4, (uint32_t)gpa);
	siov_vcpu_cfg_write(vcpu, bdf, reg_at + 4, 4, gpa >> 32);
	*next = gpa + ~mask + 1;
	return gpa;
}

static void
boot(struct siov_vcpu *vcpu, uint16_t bdf, struct dsa *dsa)
{
	uint64_t next, bytes;

	*dsa = (struct dsa){.vcpu = vcpu};
	assert_true(siov_vcpu_slot(vcpu, bdf, &next, &bytes));
	dsa->portals = place(vcpu, bdf, PCI_BASE_ADDRESS_2, &next);
	dsa->regs = place(vcpu, bdf, PCI_BASE_ADDRESS_0, &next);
	siov_vcpu_cfg_write(vcpu, bdf, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}

/* ---- the driver ---- */

/* Groups and queues are configured, whether the device takes it or not. */
static void
configure(const struct dsa *dsa)
{
	uint32_t grpcfg = (reg(dsa, SIOV_REG_OFFSETS) & 0xffff) * 256, i, k;
	uint32_t total = reg(dsa, SIOV_REG_WQCAP) & 0xffff;

	for (i = 0; i < SIOV_GRPCFG_STRIDE; i += 4)
		set_reg(dsa, grpcfg + i, 0);
	for (i = 0; i < dsa->nb_wqs; i++) {
		for (k = 0; k < dsa->stride; k += 4)
			set_reg(dsa, dsa->wqcfg + i * dsa->stride + k, 0);
	}
	set_reg(dsa, grpcfg + SIOV_GRPCFG_WQS, (1u << dsa->nb_wqs) - 1);
	set_reg(dsa, grpcfg + SIOV_GRPCFG_ENGINES, 1);
	set_reg(dsa, grpcfg + SIOV_GRPCFG_FLAGS, 9);
	for (i = 0; i < dsa->nb_wqs; i++) {
		uint32_t row = dsa->wqcfg + i * dsa->stride;

		set_reg(dsa, row + SIOV_WQCFG_SIZE, total / dsa->nb_wqs);
		set_reg(dsa, row + SIOV_WQCFG_MODE, 1 | 1 << SIOV_WQCFG_PRIORITY_SHIFT);
		set_reg(dsa, row + SIOV_WQCFG_LIMITS, 20 | 5 << SIOV_WQCFG_BATCH_SHIFT);
	}
}

static void
init(struct dsa *dsa)
{
	uint64_t wqcap;

	assert_int_equal(command(dsa, SIOV_CMD_RESET_DEVICE, 0), 0);
	assert_int_equal(reg(dsa, SIOV_REG_GENSTS) & 3, SIOV_GENSTS_DISABLED);
	assert_int_equal(reg(dsa, SIOV_REG_CMDSTS) & SIOV_CMDSTS_ACTIVE, 0);
	wqcap = reg_wide(dsa, SIOV_REG_WQCAP);
	dsa->nb_wqs = wqcap >> 16 & 0xff;
	dsa->stride = 32u << (wqcap >> 24 & 0xf);
	dsa->wqcfg = (reg(dsa, SIOV_REG_OFFSETS) >> 16) * 256;
	assert_in_range(dsa->nb_wqs, 1, 8);
	assert_int_not_equal(reg_wide(dsa, SIOV_REG_GRPCAP) & 0xff, 0);
	assert_int_not_equal(reg_wide(dsa, SIOV_REG_ENGCAP) & 0xff, 0);
	assert_true(reg_wide(dsa, SIOV_REG_OPCAP) >> DSA_OPCODE_MEMMOVE & 1);
	configure(dsa);
	assert_int_equal(command(dsa, SIOV_CMD_ENABLE_DEVICE, 0), 0);
	assert_int_equal(reg(dsa, SIOV_REG_GENSTS) & 3, SIOV_GENSTS_ENABLED);
}

static void
start(const struct dsa *dsa, uint32_t wq, struct siov_vm_portal **portal)
{
	uint32_t row = dsa->wqcfg + wq * dsa->stride;

	assert_int_equal(command(dsa, SIOV_CMD_ENABLE_WQ, wq), 0);
	assert_int_equal(reg(dsa, row + SIOV_WQCFG_STATE) >> SIOV_WQCFG_STATE_SHIFT,
			 SIOV_WQCFG_STATE_ENABLED);
	assert_int_equal(siov_vcpu_portal_open(dsa->vcpu, dsa->portals + wq * UINT64_C(0x4000),
					       UINT32_MAX, portal),
			 0);
}

/* What was submitted ends first: it has as long as that takes. */
static void
stop(const struct dsa *dsa, uint32_t wq, struct siov_vm_portal *portal)
{
	uint32_t row = dsa->wqcfg + wq * dsa->stride, i;

	command(dsa, SIOV_CMD_DISABLE_WQ, 1u << wq);
	for (i = 0; i < MACHINE_WAIT_MS && reg(dsa, SIOV_REG_CMDSTS) & SIOV_CMDSTS_ACTIVE; i++) {
		siov_vcpu_poll(dsa->vcpu);
		machine_nap();
	}
	assert_int_equal(reg(dsa, SIOV_REG_CMDSTS), 0);
	assert_int_equal(reg(dsa, row + SIOV_WQCFG_STATE) >> SIOV_WQCFG_STATE_SHIFT,
			 SIOV_WQCFG_STATE_DISABLED);
	siov_vcpu_portal_close(dsa->vcpu, portal);
}

static void
copy(struct machine *machine, struct siov_vcpu *vcpu, struct siov_vm_portal *portal, uint8_t seed)
{
	const struct dsa_hw_desc desc __attribute__((aligned(64))) = {
		.opcode = DSA_OPCODE_MEMMOVE,
		.flags = IDXD_OP_FLAG_CRAV | IDXD_OP_FLAG_RCR | IDXD_OP_FLAG_CC,
		.completion_addr = COMP,
		.src_addr = SRC,
		.dst_addr = DST,
		.xfer_size = LEN,
	};
	SIOV_ATOMIC(uint8_t) *status = (SIOV_ATOMIC(uint8_t) *)(machine->ram + COMP);
	unsigned int i;

	for (i = 0; i < LEN; i++)
		machine->ram[SRC + i] = (uint8_t)(i * 3 + seed);
	siov_atomic_store(status, 0, relaxed);
	siov_vm_movdir64b(portal, &desc);
	for (i = 0; i < MACHINE_WAIT_MS && siov_atomic_load(status, acquire) == 0; i++) {
		siov_vcpu_poll(vcpu);
		machine_nap();
	}
	assert_int_equal(siov_atomic_load(status, acquire), DSA_COMP_SUCCESS);
	assert_memory_equal(machine->ram + DST, machine->ram + SRC, LEN);
}

/* ---- tests ---- */

static void
test_s9_3_2_an_existing_driver_runs_a_vdev_unchanged(void **state)
{
	struct machine *machine = machine_open(NULL);
	uint16_t bdf = machine_plug(machine, "dwq", 2);
	struct siov_vcpu *vcpu = machine_enter(machine, 0);
	struct siov_vm_portal *portals[2];
	struct dsa dsa;
	uint32_t wq, i, round;

	(void)state;
	boot(vcpu, bdf, &dsa);
	/* Loaded, used, stopped, and loaded again. */
	for (round = 0; round < ROUNDS; round++) {
		init(&dsa);
		assert_int_equal(dsa.nb_wqs, 2);
		for (wq = 0; wq < 2; wq++)
			start(&dsa, wq, &portals[wq]);
		for (i = 0; i < COPIES / ROUNDS; i++)
			copy(machine, vcpu, portals[i % 2], (uint8_t)(i + round));
		for (wq = 0; wq < 2; wq++)
			stop(&dsa, wq, portals[wq]);
	}
	/* It was asked for no vector, and none came. */
	assert_int_equal(siov_vcpu_take(vcpu), -1);
	machine_leave(machine, 0);
	machine_unplug(machine, bdf);
	machine_close(machine);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_s9_3_2_an_existing_driver_runs_a_vdev_unchanged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

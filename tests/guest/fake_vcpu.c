/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include <linux/pci_regs.h>

#include "fake_vcpu.h"

#define PAUSE_NS UINT64_C(1000000) /* that one wait takes */
#define ROW(i) (SIOV_VDEV_WQCFG + (i)*SIOV_WQCFG_STRIDE)
#define SIZE 16u /* of queues */

static uint64_t clock_ns;

/* ---- time ---- */

uint64_t
guest_now_ns(void)
{
	return clock_ns;
}

void
guest_pause(struct siov_vcpu *vcpu, unsigned int rounds)
{
	(void)vcpu;
	(void)rounds;
	clock_ns += PAUSE_NS;
}

uint64_t
fake_now_ns(void)
{
	return clock_ns;
}

/* ---- the device ---- */

uint32_t
fake_reg(const struct siov_vcpu *vcpu, uint32_t offset)
{
	uint32_t value;

	memcpy(&value, vcpu->regs + offset, sizeof(value));
	return value;
}

void
fake_set_reg(struct siov_vcpu *vcpu, uint32_t offset, uint32_t value)
{
	memcpy(vcpu->regs + offset, &value, sizeof(value));
}

void
fake_set_cfg(struct siov_vcpu *vcpu, uint32_t offset, unsigned int width, uint32_t value)
{
	memcpy(vcpu->cfg + offset, &value, width);
}

static uint32_t
cfg(const struct siov_vcpu *vcpu, uint32_t offset, unsigned int width)
{
	uint32_t value = 0;

	memcpy(&value, vcpu->cfg + offset, width);
	return value;
}

static void
init_cfg(struct siov_vcpu *vcpu)
{
	unsigned int i;

	fake_set_cfg(vcpu, PCI_VENDOR_ID, 2, SIOV_VDEV_VENDOR);
	fake_set_cfg(vcpu, PCI_DEVICE_ID, 2, SIOV_VDEV_DEVICE);
	fake_set_cfg(vcpu, PCI_STATUS, 2, PCI_STATUS_CAP_LIST);
	fake_set_cfg(vcpu, PCI_SUBSYSTEM_ID, 2, SIOV_VDEV_SUBSYSTEM);
	fake_set_cfg(vcpu, PCI_CAPABILITY_LIST, 1, FAKE_EXPRESS);
	for (i = 0; i < 2; i++) {
		fake_set_cfg(vcpu, PCI_BASE_ADDRESS_0 + 8 * i, 4, 0xc);
		fake_set_cfg(vcpu, PCI_BASE_ADDRESS_0 + 8 * i + 4, 4, 0);
	}
	fake_set_cfg(vcpu, FAKE_EXPRESS, 2, PCI_CAP_ID_EXP | FAKE_MSIX << 8);
	fake_set_cfg(vcpu, FAKE_EXPRESS + PCI_EXP_DEVCAP, 4, PCI_EXP_DEVCAP_FLR);
	fake_set_cfg(vcpu, FAKE_MSIX, 2, PCI_CAP_ID_MSIX);
	fake_set_cfg(vcpu, FAKE_MSIX + PCI_MSIX_FLAGS, 2, FAKE_VECTORS - 1);
	fake_set_cfg(vcpu, FAKE_MSIX + PCI_MSIX_TABLE, 4, 4096);
}

static void
init_regs(struct siov_vcpu *vcpu)
{
	unsigned int i;

	fake_set_reg(vcpu, SIOV_REG_VERSION, SIOV_REG_VERSION_1_0);
	fake_set_reg(vcpu, SIOV_REG_GENCAP,
		     SIOV_GENCAP_CMDCAP | 20u << SIOV_GENCAP_XFER_SHIFT |
			     5u << SIOV_GENCAP_BATCH_SHIFT);
	fake_set_reg(vcpu, SIOV_REG_CMDCAP, (1u << SIOV_CMDS) - 2);
	fake_set_reg(vcpu, SIOV_REG_WQCAP, 64 | FAKE_WQS << SIOV_WQCAP_NUM_SHIFT);
	fake_set_reg(vcpu, SIOV_REG_GRPCAP, 1);
	fake_set_reg(vcpu, SIOV_REG_ENGCAP, 1);
	fake_set_reg(vcpu, SIOV_REG_OFFSETS, SIOV_VDEV_WQCFG / 256 << 16);
	fake_set_reg(vcpu, SIOV_VREG_MAGIC, SIOV_VREG_MAGIC_VALUE);
	fake_set_reg(vcpu, SIOV_VREG_VERSIONS, 1 | 3u << 16);
	fake_set_reg(vcpu, SIOV_VREG_CHANNEL, 2 * 4096);
	fake_set_reg(vcpu, SIOV_VREG_SLOTS, SIOV_VDEV_SLOTS);
	fake_set_reg(vcpu, SIOV_VREG_PAGE_BYTES, 4096);
	for (i = 0; i < FAKE_WQS; i++) {
		fake_set_reg(vcpu, ROW(i) + SIOV_WQCFG_SIZE, SIZE);
		fake_set_reg(vcpu, ROW(i) + SIOV_WQCFG_MODE, i != 0 ? SIOV_WQCFG_DEDICATED : 0);
	}
}

struct siov_vcpu *
fake_vcpu_open(void)
{
	struct siov_vcpu *vcpu = aligned_alloc(4096, sizeof(*vcpu));

	assert_non_null(vcpu);
	memset(vcpu, 0, sizeof(*vcpu));
	vcpu->ram = calloc(1, FAKE_RAM);
	assert_non_null(vcpu->ram);
	vcpu->bar_bytes[0] = FAKE_BAR0;
	vcpu->bar_bytes[1] = FAKE_BAR2;
	vcpu->slot_bytes = FAKE_SLOT_BYTES;
	vcpu->polls_left = UINT64_MAX;
	init_cfg(vcpu);
	init_regs(vcpu);
	return vcpu;
}

void
fake_vcpu_close(struct siov_vcpu *vcpu)
{
	assert_int_equal(vcpu->nb_nowhere, 0);
	assert_int_equal(vcpu->nb_portals, 0);
	free(vcpu->ram);
	free(vcpu);
}

void
fake_cause(struct siov_vcpu *vcpu, uint32_t causes)
{
	fake_set_reg(vcpu, SIOV_REG_INTCAUSE, fake_reg(vcpu, SIOV_REG_INTCAUSE) | causes);
	vcpu->pending[vcpu->table[2] & 0xff] = true;
}

/* ---- commands ---- */

static void
set_wq_state(struct siov_vcpu *vcpu, uint32_t wqs, uint32_t state)
{
	unsigned int i;

	for (i = 0; i < FAKE_WQS; i++) {
		if (wqs >> i & 1)
			fake_set_reg(vcpu, ROW(i) + SIOV_WQCFG_STATE,
				     state << SIOV_WQCFG_STATE_SHIFT);
	}
}

static void
set_state(struct siov_vcpu *vcpu, uint32_t state)
{
	fake_set_reg(vcpu, SIOV_REG_GENSTS, state);
	set_wq_state(vcpu, UINT32_MAX, SIOV_WQCFG_STATE_DISABLED);
	fake_set_reg(vcpu, SIOV_VREG_VERSION, 0);
	fake_set_reg(vcpu, SIOV_VREG_DOORBELL, 0);
	fake_set_reg(vcpu, SIOV_VREG_DONE, 0);
}

static void
do_command(struct siov_vcpu *vcpu, uint32_t code, uint32_t operand)
{
	uint32_t result = 0;

	if (vcpu->is_idle)
		code = 0;
	if (code == SIOV_CMD_ENABLE_DEVICE)
		fake_set_reg(vcpu, SIOV_REG_GENSTS, SIOV_GENSTS_ENABLED);
	else if (code == SIOV_CMD_RESET_DEVICE || code == SIOV_CMD_DISABLE_DEVICE)
		set_state(vcpu, SIOV_GENSTS_DISABLED);
	else if (code == SIOV_CMD_ENABLE_WQ)
		set_wq_state(vcpu, 1u << operand, SIOV_WQCFG_STATE_ENABLED);
	else if (code == SIOV_CMD_DISABLE_WQ)
		set_wq_state(vcpu, operand, SIOV_WQCFG_STATE_DISABLED);
	else if (code == SIOV_CMD_REQUEST_HANDLE)
		result = 100 + operand + vcpu->nb_commands[SIOV_CMD_RESET_DEVICE] * 10;
	fake_set_reg(vcpu, SIOV_REG_CMDSTS, result << SIOV_CMDSTS_RESULT_SHIFT);
}

static void
command(struct siov_vcpu *vcpu, uint32_t value)
{
	uint32_t code = value >> SIOV_CMD_SHIFT & SIOV_CMD_CODE;

	if (fake_reg(vcpu, SIOV_REG_CMDSTS) & SIOV_CMDSTS_ACTIVE)
		return;
	assert_true(code < SIOV_CMDS);
	vcpu->nb_commands[code]++;
	if (vcpu->never >> code & 1)
		fake_set_reg(vcpu, SIOV_REG_CMDSTS, SIOV_CMDSTS_ACTIVE);
	else if (vcpu->status[code] != 0)
		fake_set_reg(vcpu, SIOV_REG_CMDSTS, vcpu->status[code]);
	else
		do_command(vcpu, code, value & SIOV_CMD_OPERAND);
}

/* ---- channel ---- */

static void
answer_one(struct siov_vcpu *vcpu)
{
	uint32_t n = fake_reg(vcpu, SIOV_VREG_DONE) % SIOV_VDEV_SLOTS;
	struct siov_vdev_request request;
	struct siov_vdev_answer answer = {0};

	memcpy(&request, vcpu->channel + n * SIOV_VDEV_SLOT_BYTES, sizeof(request));
	answer.id = request.id + (vcpu->answer == FAKE_WRONG_ID);
	answer.status = vcpu->answer == FAKE_WRONG_STATUS;
	memcpy(answer.ret, request.arg, sizeof(request.arg));
	answer.ret[0] = vcpu->answer_word != 0 ? vcpu->answer_word : answer.ret[0];
	memcpy(vcpu->channel + (n + SIOV_VDEV_SLOTS) * SIOV_VDEV_SLOT_BYTES, &answer,
	       sizeof(answer));
	fake_set_reg(vcpu, SIOV_VREG_DONE,
		     fake_reg(vcpu, SIOV_VREG_DONE) + (vcpu->answer == FAKE_TOO_MANY ? 100 : 1));
}

void
fake_answer_all(struct siov_vcpu *vcpu)
{
	while (fake_reg(vcpu, SIOV_VREG_DONE) != fake_reg(vcpu, SIOV_VREG_DOORBELL))
		answer_one(vcpu);
}

static void
ring(struct siov_vcpu *vcpu, uint32_t value)
{
	fake_set_reg(vcpu, SIOV_VREG_STATUS, SIOV_VSTATUS_OK);
	if (vcpu->answer == FAKE_REFUSAL) {
		fake_set_reg(vcpu, SIOV_VREG_STATUS, SIOV_VSTATUS_DOORBELL);
		return;
	}
	fake_set_reg(vcpu, SIOV_VREG_DOORBELL, value);
	if (vcpu->answer == FAKE_HALT)
		fake_set_reg(vcpu, SIOV_REG_GENSTS, SIOV_GENSTS_HALT);
	else if (vcpu->answer != FAKE_SILENCE)
		answer_one(vcpu);
}

/* ---- pages ---- */

/* BAR of an address, and the offset in it; 2: it is in none. */
static unsigned int
find_bar(struct siov_vcpu *vcpu, uint64_t gpa, uint64_t len, uint64_t *offset)
{
	unsigned int i;

	if (!(cfg(vcpu, PCI_COMMAND, 2) & PCI_COMMAND_MEMORY))
		return 2;
	for (i = 0; i < 2; i++) {
		uint64_t base = cfg(vcpu, PCI_BASE_ADDRESS_0 + 8 * i, 4) & ~15u;

		base |= (uint64_t)cfg(vcpu, PCI_BASE_ADDRESS_0 + 8 * i + 4, 4) << 32;
		*offset = gpa - base;
		if (gpa >= base && *offset < vcpu->bar_bytes[i] &&
		    len <= vcpu->bar_bytes[i] - *offset)
			return i;
	}
	return 2;
}

void *
siov_vcpu_map(struct siov_vcpu *vcpu, uint64_t gpa, uint64_t len, bool is_written)
{
	uint64_t offset;

	if (find_bar(vcpu, gpa, len, &offset) != 0) {
		vcpu->nb_nowhere++;
		return NULL;
	}
	if (offset == 0 && len <= sizeof(vcpu->regs) && !is_written && !vcpu->has_no_map)
		return vcpu->regs;
	if (offset == 8192 && len <= sizeof(vcpu->channel))
		return vcpu->channel;
	return NULL;
}

uint64_t
siov_vcpu_mmio_read(struct siov_vcpu *vcpu, uint64_t gpa, unsigned int width)
{
	uint64_t offset;

	assert_int_equal(width, 4);
	if (find_bar(vcpu, gpa, width, &offset) != 0 || offset + width > sizeof(vcpu->regs)) {
		vcpu->nb_nowhere++;
		return UINT64_MAX;
	}
	return fake_reg(vcpu, (uint32_t)offset);
}

static void
write_reg(struct siov_vcpu *vcpu, uint32_t offset, uint32_t value)
{
	if (offset == SIOV_REG_CMD)
		command(vcpu, value);
	else if (offset == SIOV_REG_INTCAUSE || offset == SIOV_REG_SWERR)
		fake_set_reg(vcpu, offset, fake_reg(vcpu, offset) & ~value);
	else if (offset == SIOV_VREG_DOORBELL)
		ring(vcpu, value);
	else
		fake_set_reg(vcpu, offset, value);
}

void
siov_vcpu_mmio_write(struct siov_vcpu *vcpu, uint64_t gpa, unsigned int width, uint64_t value)
{
	uint64_t offset;
	unsigned int bar = find_bar(vcpu, gpa, width, &offset);

	assert_int_equal(width, 4);
	if (bar == 0 && offset < sizeof(vcpu->regs))
		write_reg(vcpu, (uint32_t)offset, (uint32_t)value);
	else if (bar == 0 && offset >= 4096 && offset - 4096 < sizeof(vcpu->table))
		vcpu->table[(offset - 4096) / 4] = (uint32_t)value;
	else if (bar == 2)
		vcpu->nb_nowhere++;
}

int
siov_vcpu_portal_open(struct siov_vcpu *vcpu, uint64_t gpa, uint32_t pasid,
		      struct siov_vm_portal **portal)
{
	uint64_t offset;

	vcpu->nb_nowhere += find_bar(vcpu, gpa, 4096, &offset) != 1;
	vcpu->portal = gpa;
	vcpu->portal_pasid = pasid;
	vcpu->nb_portals++;
	*portal = (struct siov_vm_portal *)(void *)vcpu->regs;
	return 0;
}

void
siov_vcpu_portal_close(struct siov_vcpu *vcpu, struct siov_vm_portal *portal)
{
	(void)portal;
	vcpu->nb_portals--;
}

/* ---- configuration space ---- */

static bool
is_flr_pending(struct siov_vcpu *vcpu)
{
	if (vcpu->flr_polls == 0)
		return false;
	if (vcpu->flr_polls != UINT64_MAX)
		vcpu->flr_polls--;
	return true;
}

uint32_t
siov_vcpu_cfg_read(struct siov_vcpu *vcpu, uint16_t bdf, unsigned int offset, unsigned int width)
{
	uint32_t value;

	assert_true(offset % width == 0 && offset + width <= sizeof(vcpu->cfg));
	vcpu->nb_cfg_reads++;
	if (bdf != FAKE_BDF || vcpu->is_gone)
		return width == 4 ? UINT32_MAX : (1u << 8 * width) - 1;
	value = cfg(vcpu, offset, width);
	if (offset == FAKE_EXPRESS + PCI_EXP_DEVSTA && is_flr_pending(vcpu))
		value |= PCI_EXP_DEVSTA_TRPND;
	return value;
}

static void
write_bar(struct siov_vcpu *vcpu, unsigned int offset, uint32_t value)
{
	unsigned int i = (offset - PCI_BASE_ADDRESS_0) / 8;
	uint64_t mask = vcpu->bar_bytes[i] != 0 ? ~(vcpu->bar_bytes[i] - 1) : 0;

	if (vcpu->has_loose_bars && value != UINT32_MAX)
		return;
	if (offset % 8 == 0)
		value = (value & (uint32_t)mask) | (cfg(vcpu, offset, 4) & 0xf);
	else
		value &= mask >> 32;
	fake_set_cfg(vcpu, offset, 4, value);
}

void
siov_vcpu_cfg_write(struct siov_vcpu *vcpu, uint16_t bdf, unsigned int offset, unsigned int width,
		    uint32_t value)
{
	assert_true(offset % width == 0 && offset + width <= sizeof(vcpu->cfg));
	if (bdf != FAKE_BDF || vcpu->is_gone)
		return;
	if (offset >= PCI_BASE_ADDRESS_0 && offset < PCI_BASE_ADDRESS_4) {
		write_bar(vcpu, offset, value);
	} else if (offset == FAKE_EXPRESS + PCI_EXP_DEVCTL) {
		if (value & PCI_EXP_DEVCTL_BCR_FLR) {
			fake_set_cfg(vcpu, PCI_COMMAND, 2, 0);
			init_cfg(vcpu);
			set_state(vcpu, SIOV_GENSTS_DISABLED);
		}
	} else if (offset == PCI_COMMAND) {
		fake_set_cfg(vcpu, offset, width, value);
	} else if (offset == FAKE_MSIX + PCI_MSIX_FLAGS) {
		value &= (uint32_t)(PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
		fake_set_cfg(vcpu, offset, width,
			     value | (cfg(vcpu, offset, 2) & PCI_MSIX_FLAGS_QSIZE));
	}
}

bool
siov_vcpu_slot(struct siov_vcpu *vcpu, uint16_t bdf, uint64_t *gpa, uint64_t *bytes)
{
	*gpa = FAKE_SLOT;
	*bytes = vcpu->slot_bytes;
	return bdf == FAKE_BDF && !vcpu->has_no_slot;
}

/* ---- the rest of a vCPU ---- */

void
siov_vcpu_platform(struct siov_vcpu *vcpu, struct siov_vcpu_platform *platform)
{
	(void)vcpu;
	*platform = (struct siov_vcpu_platform){
		.ram_bytes = FAKE_RAM,
		.mmio_gpa = FAKE_SLOT,
		.mmio_bytes = FAKE_SLOT_BYTES,
		.nb_vcpus = 8,
		.index = 5,
	};
}

bool
siov_vcpu_poll(struct siov_vcpu *vcpu)
{
	if (vcpu->polls_left == 0)
		return false;
	vcpu->polls_left--;
	return true;
}

void *
siov_vcpu_ram(struct siov_vcpu *vcpu, uint64_t gpa, uint64_t len)
{
	return gpa < FAKE_RAM && len <= FAKE_RAM - gpa ? vcpu->ram + gpa : NULL;
}

void
siov_vcpu_wrote(struct siov_vcpu *vcpu, uint64_t gpa, uint64_t len)
{
	assert_non_null(siov_vcpu_ram(vcpu, gpa, len));
}

int
siov_vcpu_take(struct siov_vcpu *vcpu)
{
	int i;

	if (vcpu->storm != 0)
		return vcpu->storm;
	for (i = 255; i >= 0; i--) {
		if (vcpu->pending[i]) {
			vcpu->pending[i] = false;
			return i;
		}
	}
	return -1;
}

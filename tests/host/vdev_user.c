/* SPDX-License-Identifier: BSD-3-Clause */
#include "vdev_user.h"

#define PAGE 4096u
#define COPY_BYTES 4096u

static struct dsa_completion_record *
record(struct vdev_user *user, unsigned int n)
{
	return siov_vcpu_ram(user->vcpu, USER_RECORD + n * SIOV_COMP_SIZE, SIOV_COMP_SIZE);
}

static void
set_bar(struct vdev_user *user, unsigned int offset, uint64_t gpa)
{
	siov_vcpu_cfg_write(user->vcpu, user->bdf, offset, 4, (uint32_t)gpa);
	siov_vcpu_cfg_write(user->vcpu, user->bdf, offset + 4, 4, gpa >> 32);
}

static uint32_t
find_msix(struct vdev_user *user)
{
	uint32_t at = siov_vcpu_cfg_read(user->vcpu, user->bdf, PCI_CAPABILITY_LIST, 1);

	while (siov_vcpu_cfg_read(user->vcpu, user->bdf, at, 1) != PCI_CAP_ID_MSIX)
		at = siov_vcpu_cfg_read(user->vcpu, user->bdf, at + 1, 1);
	return at;
}

static void
set_up_vectors(struct vdev_user *user)
{
	uint32_t msix = find_msix(user), i, nb;

	nb = (siov_vcpu_cfg_read(user->vcpu, user->bdf, msix + 2, 2) & 0x7ff) + 1;
	for (i = 0; i < nb; i++) {
		uint64_t at = user->bar0 + PAGE + i * 16;

		siov_vcpu_mmio_write(user->vcpu, at, 8, siov_vcpu_msi_addr(0));
		siov_vcpu_mmio_write(user->vcpu, at + 8, 8, USER_VECTOR + i);
	}
	siov_vcpu_cfg_write(user->vcpu, user->bdf, msix + 2, 2, PCI_MSIX_FLAGS_ENABLE);
}

static void
map_pages(struct vdev_user *user)
{
	user->regs = siov_vcpu_map(user->vcpu, user->bar0, PAGE, false);
	user->channel = siov_vcpu_map(user->vcpu, user->bar0 + 2 * PAGE, PAGE, true);
	assert_non_null(user->regs);
	assert_non_null(user->channel);
}

void
vdev_user_open(struct vdev_user *user, struct host_bed *bed, struct siov_vm *vm, uint16_t bdf)
{
	uint64_t bytes;

	*user = (struct vdev_user){
		.bed = bed,
		.vm = vm,
		.vcpu = siov_vm_vcpu(vm, 0),
		.bdf = bdf,
	};
	assert_true(siov_vcpu_slot(user->vcpu, bdf, &user->bar0, &bytes));
	user->bar2 = user->bar0 + bytes / 2;
	set_bar(user, PCI_BASE_ADDRESS_0, user->bar0);
	set_bar(user, PCI_BASE_ADDRESS_2, user->bar2);
	siov_vcpu_cfg_write(user->vcpu, bdf, PCI_COMMAND, 2,
			    PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	map_pages(user);
	set_up_vectors(user);
	assert_int_equal(vdev_user_command(user, SIOV_CMD_ENABLE_DEVICE, 0), 0);
}

void
vdev_user_adopt(struct vdev_user *user, const struct vdev_user *former, struct siov_vm *vm,
		uint16_t bdf)
{
	*user = *former;
	user->vm = vm;
	user->vcpu = siov_vm_vcpu(vm, 0);
	user->bdf = bdf;
	map_pages(user);
}

uint32_t
vdev_user_reg(const struct vdev_user *user, uint32_t offset)
{
	return siov_atomic_load((const SIOV_ATOMIC(uint32_t) *)&user->regs[offset / 4], acquire);
}

void
vdev_user_write(struct vdev_user *user, uint32_t offset, uint32_t value)
{
	siov_vcpu_mmio_write(user->vcpu, user->bar0 + offset, 4, value);
}

uint32_t
vdev_user_command(struct vdev_user *user, uint32_t code, uint32_t operand)
{
	unsigned int i;

	vdev_user_write(user, SIOV_REG_CMD, code << SIOV_CMD_SHIFT | operand);
	for (i = 0; i < HOST_BED_MS; i++) {
		if (!(vdev_user_reg(user, SIOV_REG_CMDSTS) & SIOV_CMDSTS_ACTIVE))
			break;
		/* Without a control lcore whoever waits goes on with it. */
		siov_vdcm_poll(user->bed->vdcm);
		siov_vcpu_poll(user->vcpu);
		host_bed_nap();
	}
	return vdev_user_reg(user, SIOV_REG_CMDSTS);
}

uint32_t
vdev_user_enable(struct vdev_user *user, unsigned int wq, uint32_t pasid)
{
	uint32_t at = SIOV_VDEV_WQCFG + wq * SIOV_WQCFG_STRIDE + SIOV_WQCFG_MODE;
	uint32_t config = 0;

	if (pasid != UINT32_MAX)
		config = SIOV_WQCFG_PASID_EN | pasid << SIOV_WQCFG_PASID_SHIFT;
	vdev_user_write(user, at, config);
	return vdev_user_command(user, SIOV_CMD_ENABLE_WQ, wq);
}

struct siov_vm_portal *
vdev_user_portal(struct vdev_user *user, unsigned int wq, uint32_t pasid)
{
	struct siov_vm_portal *portal;

	assert_int_equal(siov_vcpu_portal_open(user->vcpu, user->bar2 + wq * 4 * PAGE + 2 * PAGE,
					       pasid, &portal),
			 0);
	return portal;
}

struct dsa_hw_desc
vdev_user_copy(struct vdev_user *user, unsigned int n, uint32_t handle)
{
	memset(record(user, n), 0, SIOV_COMP_SIZE);
	return (struct dsa_hw_desc){
		.opcode = DSA_OPCODE_MEMMOVE,
		.flags = IDXD_OP_FLAG_CRAV | IDXD_OP_FLAG_RCR |
			 (handle != UINT32_MAX ? IDXD_OP_FLAG_RCI : 0),
		.completion_addr = USER_RECORD + n * SIOV_COMP_SIZE,
		.src_addr = USER_SRC,
		.dst_addr = USER_DST,
		.xfer_size = COPY_BYTES,
		.int_handle = (uint16_t)handle,
	};
}

bool
vdev_user_is_done(struct vdev_user *user, unsigned int n)
{
	return siov_atomic_load((SIOV_ATOMIC(uint8_t) *)record(user, n), acquire) != 0;
}

uint8_t
vdev_user_await(struct vdev_user *user, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < HOST_BED_MS && !vdev_user_is_done(user, n); i++) {
		siov_vcpu_poll(user->vcpu);
		host_bed_nap();
	}
	assert_true(vdev_user_is_done(user, n));
	return record(user, n)->status;
}

void
vdev_user_check_copy(struct vdev_user *user, struct siov_vm_portal *portal, bool is_dedicated)
{
	struct dsa_hw_desc desc __attribute__((aligned(64))) = vdev_user_copy(user, 0, UINT32_MAX);
	uint8_t *src = siov_vcpu_ram(user->vcpu, USER_SRC, COPY_BYTES);
	uint8_t *dst = siov_vcpu_ram(user->vcpu, USER_DST, COPY_BYTES);
	unsigned int i;

	for (i = 0; i < COPY_BYTES; i++)
		src[i] = (uint8_t)(i * 7 + (uintptr_t)portal / 64);
	memset(dst, 0, COPY_BYTES);
	if (is_dedicated)
		siov_vm_movdir64b(portal, &desc);
	else
		assert_int_equal(siov_vm_enqcmd(portal, &desc), SIOV_DMWR_SUCCESS);
	assert_int_equal(vdev_user_await(user, 0), DSA_COMP_SUCCESS);
	assert_memory_equal(src, dst, COPY_BYTES);
}

unsigned int
vdev_user_vector(struct vdev_user *user)
{
	int vector = -1;
	unsigned int i;

	for (i = 0; i < HOST_BED_MS && vector < 0; i++) {
		vector = siov_vcpu_take(user->vcpu);
		siov_vdcm_poll(user->bed->vdcm);
		siov_vcpu_poll(user->vcpu);
		if (vector < 0)
			host_bed_nap();
	}
	assert_true(vector >= (int)USER_VECTOR);
	return (unsigned int)vector - USER_VECTOR;
}

struct siov_vdev_answer
vdev_user_call(struct vdev_user *user, enum siov_vdev_op op, uint64_t arg0, uint64_t arg1,
	       uint64_t arg2)
{
	uint32_t slot = user->nb_requests % SIOV_VDEV_SLOTS, i;
	struct siov_vdev_request request = {
		.id = 1000 + user->nb_requests,
		.op = (uint16_t)op,
		.timeout_ms = HOST_BED_MS,
		.arg = {arg0, arg1, arg2},
	};
	struct siov_vdev_answer answer;

	if (vdev_user_reg(user, SIOV_VREG_VERSION) == 0)
		vdev_user_write(user, SIOV_VREG_VERSION, SIOV_VDEV_VERSION_1);
	memcpy(user->channel + slot * SIOV_VDEV_SLOT_BYTES, &request, sizeof(request));
	vdev_user_write(user, SIOV_VREG_DOORBELL, ++user->nb_requests);
	assert_int_equal(vdev_user_reg(user, SIOV_VREG_STATUS), SIOV_VSTATUS_OK);
	for (i = 0; i < HOST_BED_MS && vdev_user_reg(user, SIOV_VREG_DONE) != user->nb_requests;
	     i++) {
		siov_vdcm_poll(user->bed->vdcm);
		siov_vcpu_poll(user->vcpu);
		host_bed_nap();
	}
	memcpy(&answer, user->channel + (SIOV_VDEV_SLOTS + slot) * SIOV_VDEV_SLOT_BYTES,
	       sizeof(answer));
	assert_int_equal(answer.id, request.id);
	return answer;
}

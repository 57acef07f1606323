/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file
 * Somebody who uses a VDEV by hand, register by register, from a vCPU: for tests that want to see each
 * step. A guest driver is in guest/.
 */
#ifndef VDEV_USER_H
#define VDEV_USER_H

#include <linux/pci_regs.h>

#include "host_bed.h"

#define USER_VECTOR 64u /* of the guest: vector i of the VDEV is USER_VECTOR + i */
#define USER_RECORD UINT64_C(0x10000) /* completion records in guest memory */
#define USER_SRC UINT64_C(0x100000)
#define USER_DST UINT64_C(0x200000)

struct vdev_user {
	struct host_bed *bed;
	struct siov_vm *vm;
	struct siov_vcpu *vcpu;
	uint16_t bdf;
	uint64_t bar0, bar2;
	const uint32_t *regs; /* page 0, to be read */
	uint8_t *channel; /* page 2 */
	uint32_t nb_requests;
};

/** Place BARs, set up all vectors, enable the device. The vCPU is entered. */
void vdev_user_open(struct vdev_user *user, struct host_bed *bed, struct siov_vm *vm, uint16_t bdf);

/** The same of a VDEV whose BARs were placed already. */
void vdev_user_adopt(struct vdev_user *user, const struct vdev_user *former, struct siov_vm *vm,
		     uint16_t bdf);

uint32_t vdev_user_reg(const struct vdev_user *user, uint32_t offset);
void vdev_user_write(struct vdev_user *user, uint32_t offset, uint32_t value);

/** Give a command and wait; what CMDSTS says then. */
uint32_t vdev_user_command(struct vdev_user *user, uint32_t code, uint32_t operand);

/** Say whose the work of a queue is (guest PASID, UINT32_MAX: nobody's), and enable it. */
uint32_t vdev_user_enable(struct vdev_user *user, unsigned int wq, uint32_t pasid);

/** A portal of a queue. */
struct siov_vm_portal *vdev_user_portal(struct vdev_user *user, unsigned int wq, uint32_t pasid);

/** Copy 4 KiB by record @p n; handle UINT32_MAX: without interrupt. */
struct dsa_hw_desc vdev_user_copy(struct vdev_user *user, unsigned int n, uint32_t handle);

/** Wait for record @p n; its status. */
uint8_t vdev_user_await(struct vdev_user *user, unsigned int n);

/** Whether record @p n was written. */
bool vdev_user_is_done(struct vdev_user *user, unsigned int n);

/** Copy through a portal, wait, and compare. */
void vdev_user_check_copy(struct vdev_user *user, struct siov_vm_portal *portal, bool is_dedicated);

/** Wait for a vector of the VDEV, any; its number. */
unsigned int vdev_user_vector(struct vdev_user *user);

/** Send a request through the channel and wait; the answer. */
struct siov_vdev_answer vdev_user_call(struct vdev_user *user, enum siov_vdev_op op, uint64_t arg0,
				       uint64_t arg1, uint64_t arg2);

#endif /* VDEV_USER_H */

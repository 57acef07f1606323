/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file
 * Machines over a host_bed with a control lcore, each with one VDEV whose BARs are placed, and threads
 * that run their vCPUs.
 *
 *     struct host_bed *bed = vm_bed_open();
 *     vm_bed_open_guest(&guest, bed, VM_BED_VCPUS);
 *     vm_bed_start(&user, &guest, 0, vm_bed_run);      a thread for vCPU 0, which traps
 *     siov_atomic_store(&user.stop, 1, relaxed);
 *     vm_bed_join(&user);                              asserts that it read what it had written
 *     vm_bed_close_guest(&guest);
 *     host_bed_close(bed);
 */
#ifndef VM_BED_H
#define VM_BED_H

#include "host_bed.h"

#define VM_BED_VCPUS 2u
#define VM_BED_DATA_AT (4096u + 8u) /* of message 0 in BAR0 */

struct vm_guest {
	struct host_bed *bed;
	struct siov_vm *vm;
	uint16_t bdf;
	uint64_t bar0, bar2;
};

/** A thread that runs a vCPU. */
struct vm_user {
	struct vm_guest *guest;
	unsigned int index; /* of the vCPU */
	SIOV_ATOMIC(uint32_t) stop;
	SIOV_ATOMIC(uint64_t) nb; /* what it has done */
	SIOV_ATOMIC(uint64_t) nb_wrong;
	pthread_t thread;
};

/** One function, with a control lcore. */
struct host_bed *vm_bed_open(void);

void vm_bed_open_guest(struct vm_guest *guest, struct host_bed *bed, unsigned int nb_vcpus);

/** Its vCPUs have left. */
void vm_bed_close_guest(struct vm_guest *guest);

/** Write both halves of a BAR. */
void vm_bed_write_bar(struct siov_vcpu *vcpu, uint16_t bdf, unsigned int at, uint64_t gpa);

/** Put the BARs into the window of the slot, and let them decode. */
void vm_bed_place(struct vm_guest *guest, struct siov_vcpu *vcpu);

struct siov_vcpu *vm_bed_vcpu(const struct vm_user *user);

/** Write to a register of this vCPU's own, and read back: an answer of another's shows. */
void vm_bed_use(struct vm_user *user, uint32_t value);

/** Thread: use, until it is told to stop or its VM is. */
void *vm_bed_run(void *arg);

void vm_bed_start(struct vm_user *user, struct vm_guest *guest, unsigned int index,
		  void *(*run)(void *));

/** Wait for its end. */
void vm_bed_join(struct vm_user *user);

#endif /* VM_BED_H */

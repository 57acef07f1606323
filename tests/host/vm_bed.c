/* SPDX-License-Identifier: BSD-3-Clause */
#include <linux/pci_regs.h>

#include "vm_bed.h"

#define BAR2_AT (UINT64_C(1) << 20) /* of the window of a slot */

struct host_bed *
vm_bed_open(void)
{
	const struct host_bed_conf conf = {.nb_fns = 1, .has_loop = true};

	return host_bed_open(&conf);
}

void
vm_bed_write_bar(struct siov_vcpu *vcpu, uint16_t bdf, unsigned int at, uint64_t gpa)
{
	siov_vcpu_cfg_write(vcpu, bdf, at, 4, (uint32_t)gpa);
	siov_vcpu_cfg_write(vcpu, bdf, at + 4, 4, gpa >> 32);
}

void
vm_bed_place(struct vm_guest *guest, struct siov_vcpu *vcpu)
{
	uint64_t gpa, bytes;

	assert_true(siov_vcpu_slot(vcpu, guest->bdf, &gpa, &bytes));
	guest->bar0 = gpa;
	guest->bar2 = gpa + BAR2_AT;
	vm_bed_write_bar(vcpu, guest->bdf, PCI_BASE_ADDRESS_0, guest->bar0);
	vm_bed_write_bar(vcpu, guest->bdf, PCI_BASE_ADDRESS_2, guest->bar2);
	siov_vcpu_cfg_write(vcpu, guest->bdf, PCI_COMMAND, 2,
			    PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}

void
vm_bed_open_guest(struct vm_guest *guest, struct host_bed *bed, unsigned int nb_vcpus)
{
	struct siov_vcpu *vcpu;

	guest->bed = bed;
	guest->vm = host_bed_vm(bed, nb_vcpus);
	guest->bdf = host_bed_plug(guest->vm, "swq", 0);
	vcpu = siov_vm_vcpu(guest->vm, 0);
	assert_int_equal(siov_vcpu_enter(vcpu), 0);
	vm_bed_place(guest, vcpu);
	siov_vcpu_leave(vcpu);
}

void
vm_bed_close_guest(struct vm_guest *guest)
{
	host_bed_unplug(guest->vm, guest->bdf);
	assert_int_equal(siov_vm_free(guest->vm), 0);
}

struct siov_vcpu *
vm_bed_vcpu(const struct vm_user *user)
{
	return siov_vm_vcpu(user->guest->vm, user->index);
}

void
vm_bed_use(struct vm_user *user, uint32_t value)
{
	struct siov_vcpu *vcpu = vm_bed_vcpu(user);
	uint64_t at = user->guest->bar0 + VM_BED_DATA_AT + 16 * user->index;

	siov_vcpu_mmio_write(vcpu, at, 4, value);
	if (siov_vcpu_mmio_read(vcpu, at, 4) != value)
		siov_atomic_fetch_add(&user->nb_wrong, 1, relaxed);
	if (siov_vcpu_cfg_read(vcpu, user->guest->bdf, PCI_VENDOR_ID, 2) != SIOV_VDEV_VENDOR)
		siov_atomic_fetch_add(&user->nb_wrong, 1, relaxed);
	siov_atomic_fetch_add(&user->nb, 1, relaxed);
}

void *
vm_bed_run(void *arg)
{
	struct vm_user *user = arg;
	uint32_t i = 0;

	if (siov_vcpu_enter(vm_bed_vcpu(user)) != 0)
		return NULL;
	while (siov_vcpu_poll(vm_bed_vcpu(user)) && !siov_atomic_load(&user->stop, relaxed))
		vm_bed_use(user, i++);
	siov_vcpu_leave(vm_bed_vcpu(user));
	return NULL;
}

void
vm_bed_start(struct vm_user *user, struct vm_guest *guest, unsigned int index, void *(*run)(void *))
{
	*user = (struct vm_user){.guest = guest, .index = index};
	assert_int_equal(pthread_create(&user->thread, NULL, run, user), 0);
}

void
vm_bed_join(struct vm_user *user)
{
	pthread_join(user->thread, NULL);
	assert_int_equal(siov_atomic_load(&user->nb_wrong, relaxed), 0);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* vCPUs whose guests ask for nonsense, whose devices go, that sleep. */
#include <linux/pci_regs.h>

#include "vm_bed.h"

#define ACCESSES 4000u
#define STEPS 20u

/* ---- a guest that asks for nonsense ---- */

static uint64_t
next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static uint64_t
random_gpa(const struct vm_guest *guest, uint64_t *seed)
{
	uint64_t r = next_random(seed);

	switch (r % 6) {
	case 0:
		return guest->bar0 + next_random(seed) % (16 * 4096);
	case 1:
		return guest->bar2 + next_random(seed) % (16 * 4096);
	case 2:
		return guest->bar0 + next_random(seed) % 4096;
	case 3:
		return HOST_BED_RAM - 8 + next_random(seed) % 16;
	case 4:
		return UINT64_MAX - next_random(seed) % 16;
	default:
		return next_random(seed);
	}
}

/* BARs anywhere: over memory, over each other, at the end of all addresses. */
static void
move_bar(struct siov_vcpu *vcpu, const struct vm_guest *guest, uint64_t *seed)
{
	unsigned int at = next_random(seed) % 2 ? PCI_BASE_ADDRESS_0 : PCI_BASE_ADDRESS_2;
	const uint64_t gpas[] = {guest->bar0, guest->bar2,  0,
				 UINT64_MAX,  HOST_BED_RAM, next_random(seed)};

	vm_bed_write_bar(vcpu, guest->bdf, at, gpas[next_random(seed) % RTE_DIM(gpas)]);
	siov_vcpu_cfg_write(vcpu, guest->bdf, PCI_COMMAND, 2, next_random(seed) % 8);
}

static void *
run_nonsense(void *arg)
{
	static const unsigned int widths[] = {1, 2, 4, 8, 0, 3, 16, 64};
	struct vm_user *user = arg;
	struct siov_vcpu *vcpu = vm_bed_vcpu(user);
	uint64_t seed = 0x9e3779b97f4a7c15 + user->index, gpa;
	unsigned int i, width;

	assert_int_equal(siov_vcpu_enter(vcpu), 0);
	for (i = 0; i < ACCESSES && siov_vcpu_poll(vcpu); i++) {
		width = widths[next_random(&seed) % RTE_DIM(widths)];
		gpa = random_gpa(user->guest, &seed);
		if (i % 64 == 0)
			move_bar(vcpu, user->guest, &seed);
		if (i % 3 == 0)
			siov_vcpu_mmio_write(vcpu, gpa, width, next_random(&seed));
		else if (i % 3 == 1)
			siov_vcpu_mmio_read(vcpu, gpa, width);
		else
			siov_vcpu_cfg_read(vcpu, (uint16_t)(i % 5 == 0 ? gpa : user->guest->bdf),
					   (unsigned int)next_random(&seed) % 8192, width);
		siov_vcpu_map(vcpu, gpa, next_random(&seed) % 8192, i % 2 == 0);
		siov_vcpu_ram(vcpu, gpa, next_random(&seed));
		siov_vcpu_wrote(vcpu, gpa, next_random(&seed));
	}
	siov_vcpu_leave(vcpu);
	return NULL;
}

static void
test_random_accesses_of_every_width_hurt_nobody(void **state)
{
	struct vm_user users[VM_BED_VCPUS], neighbour;
	struct host_bed *bed = vm_bed_open();
	struct vm_guest guest, other;
	struct siov_vcpu *vcpu;
	unsigned int i;

	(void)state;
	vm_bed_open_guest(&guest, bed, VM_BED_VCPUS);
	vm_bed_open_guest(&other, bed, VM_BED_VCPUS);
	vm_bed_start(&neighbour, &other, 0, vm_bed_run);
	for (i = 0; i < VM_BED_VCPUS; i++)
		vm_bed_start(&users[i], &guest, i, run_nonsense);
	for (i = 0; i < VM_BED_VCPUS; i++)
		vm_bed_join(&users[i]);
	siov_atomic_store(&neighbour.stop, 1, relaxed);
	vm_bed_join(&neighbour);
	/* Reset, it works again. */
	assert_int_equal(siov_vdev_reset(siov_vm_vdev(guest.vm, guest.bdf), HOST_BED_MS), 0);
	vcpu = siov_vm_vcpu(guest.vm, 0);
	assert_int_equal(siov_vcpu_enter(vcpu), 0);
	vm_bed_place(&guest, vcpu);
	assert_int_equal(siov_vcpu_mmio_read(vcpu, guest.bar0 + SIOV_VREG_MAGIC, 4),
			 SIOV_VREG_MAGIC_VALUE);
	siov_vcpu_leave(vcpu);
	vm_bed_close_guest(&guest);
	vm_bed_close_guest(&other);
	host_bed_close(bed);
}

/* ---- pages ---- */

static uint64_t
nb_intercepts(const struct vm_guest *guest)
{
	struct siov_vdev_stats stats;

	siov_vdev_get_stats(siov_vm_vdev(guest->vm, guest->bdf), &stats);
	return stats.nb_reads[1] + stats.nb_writes[1] + stats.nb_refused;
}

static void
test_s6_2_1_portals_are_not_intercepted(void **state)
{
	struct host_bed *bed = vm_bed_open();
	struct siov_vm_portal *portal;
	struct siov_vm_stats stats;
	struct siov_vcpu *vcpu;
	struct vm_guest guest;
	uint64_t before;

	(void)state;
	vm_bed_open_guest(&guest, bed, VM_BED_VCPUS);
	vcpu = siov_vm_vcpu(guest.vm, 0);
	assert_int_equal(siov_vcpu_enter(vcpu), 0);
	before = nb_intercepts(&guest);
	assert_int_equal(siov_vcpu_portal_open(vcpu, guest.bar2, 5, &portal), 0);
	assert_int_equal(siov_vcpu_mmio_read(vcpu, guest.bar2, 1), UINT8_MAX);
	assert_int_equal(siov_vcpu_mmio_read(vcpu, guest.bar2 + 8, 4), UINT32_MAX);
	assert_int_equal(siov_vcpu_mmio_read(vcpu, guest.bar2 + 4096, 8), UINT64_MAX);
	siov_vcpu_mmio_write(vcpu, guest.bar2, 8, 1);
	assert_null(siov_vcpu_map(vcpu, guest.bar2, 64, true));
	siov_vcpu_portal_close(vcpu, portal);
	assert_int_equal(nb_intercepts(&guest), before);
	siov_vm_get_stats(guest.vm, &stats);
	assert_int_equal(stats.nb_mmio_reads + stats.nb_mmio_writes, 0);
	/* Only there is a portal. */
	assert_int_equal(siov_vcpu_portal_open(vcpu, guest.bar0, 5, &portal), -EINVAL);
	assert_int_equal(siov_vcpu_portal_open(vcpu, UINT64_MAX, 5, &portal), -EINVAL);
	siov_vcpu_leave(vcpu);
	vm_bed_close_guest(&guest);
	host_bed_close(bed);
}

static void
test_a_bar_over_memory_decodes_nothing(void **state)
{
	static const uint64_t gpas[] = {0, HOST_BED_RAM - 8192, HOST_BED_RAM / 2};
	struct host_bed *bed = vm_bed_open();
	struct siov_vm_portal *portal;
	struct siov_vcpu *vcpu;
	struct vm_guest guest;
	unsigned int i;

	(void)state;
	vm_bed_open_guest(&guest, bed, VM_BED_VCPUS);
	vcpu = siov_vm_vcpu(guest.vm, 0);
	assert_int_equal(siov_vcpu_enter(vcpu), 0);
	for (i = 0; i < RTE_DIM(gpas); i++) {
		vm_bed_write_bar(vcpu, guest.bdf, PCI_BASE_ADDRESS_2, gpas[i]);
		assert_int_equal(siov_vcpu_portal_open(vcpu, gpas[i], 5, &portal), -EINVAL);
		siov_vcpu_mmio_write(vcpu, gpas[i], 4, 0x1234 + i);
		assert_int_equal(siov_vcpu_mmio_read(vcpu, gpas[i], 4), 0x1234 + i);
		vm_bed_write_bar(vcpu, guest.bdf, PCI_BASE_ADDRESS_0, gpas[i]);
		assert_null(siov_vcpu_map(vcpu, gpas[i], 4096, false));
		/* Each decodes again where there is room. */
		vm_bed_write_bar(vcpu, guest.bdf, PCI_BASE_ADDRESS_2, guest.bar2);
		vm_bed_write_bar(vcpu, guest.bdf, PCI_BASE_ADDRESS_0, guest.bar0);
		assert_non_null(siov_vcpu_map(vcpu, guest.bar0, 4096, false));
		assert_int_equal(siov_vcpu_portal_open(vcpu, guest.bar2, 5, &portal), 0);
		siov_vcpu_portal_close(vcpu, portal);
	}
	siov_vcpu_leave(vcpu);
	vm_bed_close_guest(&guest);
	host_bed_close(bed);
}

/* ---- pages go while they are accessed ---- */

static void *
run_page_user(void *arg)
{
	struct vm_user *user = arg;
	struct siov_vcpu *vcpu = vm_bed_vcpu(user);
	struct siov_vm_portal *portal;

	assert_int_equal(siov_vcpu_enter(vcpu), 0);
	while (siov_vcpu_poll(vcpu) && !siov_atomic_load(&user->stop, relaxed)) {
		uint64_t magic = siov_vcpu_mmio_read(vcpu, user->guest->bar0 + SIOV_VREG_MAGIC, 4);

		siov_vcpu_mmio_write(vcpu, user->guest->bar0 + 2 * 4096 + 8, 8, magic);
		if (magic != SIOV_VREG_MAGIC_VALUE && magic != UINT32_MAX)
			siov_atomic_fetch_add(&user->nb_wrong, 1, relaxed);
		/* Closed by the VDEV when it goes. */
		if (siov_vcpu_portal_open(vcpu, user->guest->bar2, 5, &portal) == 0)
			siov_atomic_fetch_add(&user->nb, 1, relaxed);
	}
	siov_vcpu_leave(vcpu);
	return NULL;
}

static void
test_a_vdev_goes_while_its_guest_accesses_it(void **state)
{
	struct host_bed *bed = vm_bed_open();
	struct siov_vcpu *vcpu;
	struct vm_guest guest;
	struct vm_user user;
	unsigned int i;
	uint64_t nb;

	(void)state;
	vm_bed_open_guest(&guest, bed, VM_BED_VCPUS);
	vm_bed_start(&user, &guest, 1, run_page_user);
	vcpu = siov_vm_vcpu(guest.vm, 0);
	for (i = 0; i < STEPS; i++) {
		nb = siov_atomic_load(&user.nb, relaxed);
		while (siov_atomic_load(&user.nb, relaxed) == nb)
			host_bed_nap();
		host_bed_unplug(guest.vm, guest.bdf);
		guest.bdf = host_bed_plug(guest.vm, "swq", 0);
		assert_int_equal(siov_vcpu_enter(vcpu), 0);
		vm_bed_write_bar(vcpu, guest.bdf, PCI_BASE_ADDRESS_0, guest.bar0);
		vm_bed_write_bar(vcpu, guest.bdf, PCI_BASE_ADDRESS_2, guest.bar2);
		siov_vcpu_cfg_write(vcpu, guest.bdf, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
		siov_vcpu_leave(vcpu);
	}
	siov_atomic_store(&user.stop, 1, relaxed);
	vm_bed_join(&user);
	vm_bed_close_guest(&guest);
	host_bed_close(bed);
}

/* ---- vCPUs that sleep ---- */

static void *
run_sleeper(void *arg)
{
	struct vm_user *user = arg;

	assert_int_equal(siov_vcpu_enter(vm_bed_vcpu(user)), 0);
	while (siov_vcpu_poll(vm_bed_vcpu(user))) {
		siov_atomic_fetch_add(&user->nb, 1, relaxed);
		siov_vcpu_wait(vm_bed_vcpu(user), -1);
	}
	/* Stopped, it does not sleep again. */
	siov_vcpu_wait(vm_bed_vcpu(user), -1);
	siov_vcpu_wait(vm_bed_vcpu(user), -1);
	siov_vcpu_leave(vm_bed_vcpu(user));
	return NULL;
}

static void
test_a_vcpu_that_sleeps_sees_a_pause_and_a_stop(void **state)
{
	struct host_bed *bed = vm_bed_open();
	struct vm_guest guest;
	struct vm_user user;
	unsigned int i;
	uint64_t nb;

	(void)state;
	vm_bed_open_guest(&guest, bed, VM_BED_VCPUS);
	vm_bed_start(&user, &guest, 0, run_sleeper);
	while (siov_atomic_load(&user.nb, relaxed) == 0)
		host_bed_nap();
	for (i = 0; i < STEPS; i++) {
		nb = siov_atomic_load(&user.nb, relaxed);
		assert_int_equal(siov_vm_pause(guest.vm, HOST_BED_MS), 0);
		siov_vm_unpause(guest.vm);
		while (siov_atomic_load(&user.nb, relaxed) == nb)
			host_bed_nap();
	}
	siov_vm_stop(guest.vm);
	vm_bed_join(&user);
	vm_bed_close_guest(&guest);
	host_bed_close(bed);
}

/* ---- one thread for the vCPUs of many ---- */

static void
test_one_thread_runs_the_vcpus_of_several_vms(void **state)
{
	struct host_bed *bed = vm_bed_open();
	struct siov_vm_conf conf = {.name = "one", .ram_bytes = HOST_BED_RAM, .nb_vcpus = 1};
	struct siov_vm *vms[STEPS];
	struct siov_cpu *cpu;
	uint16_t bdf;
	unsigned int i;

	(void)state;
	assert_int_equal(siov_cpu_create(bed->vdcm, &cpu), 0);
	conf.cpu = cpu;
	conf.socket_id = -1;
	for (i = 0; i < STEPS; i++) {
		assert_int_equal(siov_vm_create(bed->vmm, &conf, &vms[i]), 0);
		assert_int_equal(siov_vcpu_enter(siov_vm_vcpu(vms[i], 0)), 0);
	}
	bdf = host_bed_plug(vms[3], "swq", 0);
	assert_int_equal(siov_vcpu_cfg_read(siov_vm_vcpu(vms[3], 0), bdf, PCI_VENDOR_ID, 2),
			 SIOV_VDEV_VENDOR);
	assert_int_equal(siov_vcpu_cfg_read(siov_vm_vcpu(vms[4], 0), bdf, PCI_VENDOR_ID, 2),
			 UINT16_MAX);
	host_bed_unplug(vms[3], bdf);
	for (i = 0; i < STEPS; i++) {
		assert_true(siov_vcpu_poll(siov_vm_vcpu(vms[i], 0)));
		siov_vcpu_leave(siov_vm_vcpu(vms[i], 0));
		assert_int_equal(siov_vm_free(vms[i]), 0);
	}
	siov_cpu_free(cpu);
	host_bed_close(bed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_accesses_of_every_width_hurt_nobody),
		cmocka_unit_test(test_s6_2_1_portals_are_not_intercepted),
		cmocka_unit_test(test_a_bar_over_memory_decodes_nothing),
		cmocka_unit_test(test_a_vdev_goes_while_its_guest_accesses_it),
		cmocka_unit_test(test_a_vcpu_that_sleeps_sees_a_pause_and_a_stop),
		cmocka_unit_test(test_one_thread_runs_the_vcpus_of_several_vms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

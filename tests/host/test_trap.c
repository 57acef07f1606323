/* SPDX-License-Identifier: BSD-3-Clause */
/* Traps under load: many vCPUs of several VMs, and machines that change meanwhile. */
#include <linux/pci_regs.h>

#include "host_bed.h"

#define VMS 3u
#define VCPUS 2u
#define TRAPS 300u
#define ACCESSES 4000u
#define STEPS 20u
#define BAR2_AT (UINT64_C(1) << 20) /* of the window of a slot */

/* A VM with one VDEV whose BARs are placed. */
struct guest {
	struct host_bed *bed;
	struct siov_vm *vm;
	uint16_t bdf;
	uint64_t bar0, bar2;
};

static void
write_bar(struct siov_vcpu *vcpu, uint16_t bdf, unsigned int at, uint64_t gpa)
{
	siov_vcpu_cfg_write(vcpu, bdf, at, 4, (uint32_t)gpa);
	siov_vcpu_cfg_write(vcpu, bdf, at + 4, 4, gpa >> 32);
}

static void
place(struct guest *guest, struct siov_vcpu *vcpu)
{
	uint64_t gpa, bytes;

	assert_true(siov_vcpu_slot(vcpu, guest->bdf, &gpa, &bytes));
	guest->bar0 = gpa;
	guest->bar2 = gpa + BAR2_AT;
	write_bar(vcpu, guest->bdf, PCI_BASE_ADDRESS_0, guest->bar0);
	write_bar(vcpu, guest->bdf, PCI_BASE_ADDRESS_2, guest->bar2);
	siov_vcpu_cfg_write(vcpu, guest->bdf, PCI_COMMAND, 2,
			    PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}

static void
open_guest(struct guest *guest, struct host_bed *bed)
{
	struct siov_vcpu *vcpu;

	guest->bed = bed;
	guest->vm = host_bed_vm(bed, VCPUS);
	guest->bdf = host_bed_plug(guest->vm, "swq", 0);
	vcpu = siov_vm_vcpu(guest->vm, 0);
	assert_int_equal(siov_vcpu_enter(vcpu), 0);
	place(guest, vcpu);
	siov_vcpu_leave(vcpu);
}

static void
close_guest(struct guest *guest)
{
	host_bed_unplug(guest->vm, guest->bdf);
	assert_int_equal(siov_vm_free(guest->vm), 0);
}

static struct host_bed *
open_bed(void)
{
	const struct host_bed_conf conf = {.nb_fns = 1, .has_loop = true};

	return host_bed_open(&conf);
}

/* ---- each trap gets its own answer ---- */

struct user {
	struct guest *guest;
	unsigned int index; /* of the vCPU */
	SIOV_ATOMIC(uint32_t) stop;
	SIOV_ATOMIC(uint64_t) nb;
	SIOV_ATOMIC(uint64_t) nb_wrong;
	pthread_t thread;
};

static struct siov_vcpu *
vcpu_of(const struct user *user)
{
	return siov_vm_vcpu(user->guest->vm, user->index);
}

/* Writes to a register of this vCPU's own, and reads back: an answer of another shows. */
static void
use_own_register(struct user *user, uint32_t value)
{
	struct siov_vcpu *vcpu = vcpu_of(user);
	uint64_t at = user->guest->bar0 + 4096 + 16 * user->index + 8; /* data of a message */

	siov_vcpu_mmio_write(vcpu, at, 4, value);
	if (siov_vcpu_mmio_read(vcpu, at, 4) != value)
		siov_atomic_fetch_add(&user->nb_wrong, 1, relaxed);
	if (siov_vcpu_cfg_read(vcpu, user->guest->bdf, PCI_VENDOR_ID, 2) != SIOV_VDEV_VENDOR)
		siov_atomic_fetch_add(&user->nb_wrong, 1, relaxed);
	siov_atomic_fetch_add(&user->nb, 1, relaxed);
}

static void *
run_traps(void *arg)
{
	struct user *user = arg;
	uint32_t i;

	assert_int_equal(siov_vcpu_enter(vcpu_of(user)), 0);
	for (i = 0; i < TRAPS && siov_vcpu_poll(vcpu_of(user)); i++)
		use_own_register(user, i << 8 | user->index);
	siov_vcpu_leave(vcpu_of(user));
	return NULL;
}

static void *
run_until_stopped(void *arg)
{
	struct user *user = arg;
	uint32_t i = 0;

	if (siov_vcpu_enter(vcpu_of(user)) != 0)
		return NULL;
	while (siov_vcpu_poll(vcpu_of(user)) && !siov_atomic_load(&user->stop, relaxed))
		use_own_register(user, i++);
	siov_vcpu_leave(vcpu_of(user));
	return NULL;
}

static void
start(struct user *user, struct guest *guest, unsigned int index, void *(*run)(void *))
{
	*user = (struct user){.guest = guest, .index = index};
	assert_int_equal(pthread_create(&user->thread, NULL, run, user), 0);
}

static void
join(struct user *user)
{
	pthread_join(user->thread, NULL);
	assert_int_equal(siov_atomic_load(&user->nb_wrong, relaxed), 0);
}

static void
test_s6_2_1_each_intercepted_access_gets_its_own_answer(void **state)
{
	struct user users[VMS * VCPUS];
	struct host_bed *bed = open_bed();
	struct siov_vm_stats stats;
	struct guest guests[VMS];
	unsigned int i;

	(void)state;
	for (i = 0; i < VMS; i++)
		open_guest(&guests[i], bed);
	for (i = 0; i < VMS * VCPUS; i++)
		start(&users[i], &guests[i % VMS], i / VMS, run_traps);
	for (i = 0; i < VMS * VCPUS; i++)
		join(&users[i]);
	for (i = 0; i < VMS; i++) {
		siov_vm_get_stats(guests[i].vm, &stats);
		assert_int_equal(stats.nb_timeouts, 0);
		assert_int_equal(stats.nb_mmio_reads, VCPUS * TRAPS);
		assert_int_equal(stats.nb_mmio_writes, VCPUS * TRAPS);
		close_guest(&guests[i]);
	}
	host_bed_close(bed);
}

/* ---- the control lcore comes, goes, is stuck ---- */

static void *
run_loop(void *arg)
{
	struct host_bed *bed = arg;

	assert_int_equal(siov_loop_run(bed->loop), 0);
	return NULL;
}

static void
test_traps_are_served_without_control_lcore(void **state)
{
	struct host_bed *bed = open_bed();
	struct user users[VCPUS];
	struct guest guest;
	unsigned int i;

	(void)state;
	open_guest(&guest, bed);
	for (i = 0; i < VCPUS; i++)
		start(&users[i], &guest, i, run_traps);
	for (i = 0; i < STEPS; i++) {
		siov_loop_stop(bed->loop);
		pthread_join(bed->control, NULL);
		host_bed_nap();
		assert_int_equal(pthread_create(&bed->control, NULL, run_loop, bed), 0);
		host_bed_nap();
	}
	for (i = 0; i < VCPUS; i++) {
		join(&users[i]);
		assert_int_equal(siov_atomic_load(&users[i].nb, relaxed), TRAPS);
	}
	while (!siov_loop_is_running(bed->loop))
		host_bed_nap();
	close_guest(&guest);
	host_bed_close(bed);
}

struct blocker {
	SIOV_ATOMIC(uint32_t) is_blocked, is_there;
	struct siov_loop_source *source;
};

static enum siov_loop_next
block(void *arg)
{
	struct blocker *blocker = arg;

	while (siov_atomic_load(&blocker->is_blocked, acquire)) {
		siov_atomic_store(&blocker->is_there, 1, release);
		host_bed_nap();
	}
	siov_atomic_store(&blocker->is_there, 0, release);
	return SIOV_LOOP_SLEEP;
}

static void
set_blocked(struct blocker *blocker, bool is_blocked)
{
	siov_atomic_store(&blocker->is_blocked, is_blocked, release);
	siov_loop_wake(blocker->source);
	while (siov_atomic_load(&blocker->is_there, acquire) != is_blocked)
		host_bed_nap();
}

/* A trap that was taken back is never served later, whatever its vCPU does then. */
static void
test_a_trap_that_was_taken_back_has_no_effect(void **state)
{
	struct host_bed *bed = open_bed();
	struct blocker blocker = {0};
	struct siov_vm_stats stats;
	struct siov_vcpu *vcpu;
	struct guest guest;
	uint64_t at;
	unsigned int i;

	(void)state;
	open_guest(&guest, bed);
	vcpu = siov_vm_vcpu(guest.vm, 0);
	at = guest.bar0 + 4096 + 8;
	assert_int_equal(siov_loop_add(bed->loop, -1, block, &blocker, &blocker.source), 0);
	assert_int_equal(siov_vcpu_enter(vcpu), 0);
	for (i = 1; i <= 3; i++) {
		siov_vcpu_mmio_write(vcpu, at, 4, i);
		set_blocked(&blocker, true);
		siov_vmm_set_timeout(bed->vmm, 60);
		siov_vcpu_mmio_write(vcpu, at, 4, 1000);
		assert_int_equal(siov_vcpu_mmio_read(vcpu, at, 4), UINT32_MAX);
		siov_vm_get_stats(guest.vm, &stats);
		assert_int_equal(stats.nb_timeouts, 2 * i);
		siov_vmm_set_timeout(bed->vmm, HOST_BED_MS);
		set_blocked(&blocker, false);
		assert_int_equal(siov_vcpu_mmio_read(vcpu, at, 4), i);
	}
	siov_vcpu_leave(vcpu);
	siov_loop_remove(blocker.source);
	close_guest(&guest);
	host_bed_close(bed);
}

/* ---- a VM is paused, stopped, freed while its vCPUs trap ---- */

static void *
run_one_trap(void *arg)
{
	struct user *user = arg;

	assert_int_equal(siov_vcpu_enter(vcpu_of(user)), 0);
	siov_vcpu_cfg_write(vcpu_of(user), user->guest->bdf, PCI_INTERRUPT_LINE, 1, 0x5a);
	siov_vcpu_leave(vcpu_of(user));
	return NULL;
}

static uint64_t
nb_cfg_writes(const struct guest *guest)
{
	struct siov_vm_stats stats;

	siov_vm_get_stats(guest->vm, &stats);
	return stats.nb_cfg_writes;
}

/* Who saves the VDEVs of a VM that is paused would miss what is done for a trap after that. */
static void
test_a_pause_waits_for_traps_under_way(void **state)
{
	struct host_bed *bed = open_bed();
	struct blocker blocker = {0};
	struct guest guest;
	struct user user;
	uint64_t nb, value;

	(void)state;
	open_guest(&guest, bed);
	nb = nb_cfg_writes(&guest);
	assert_int_equal(siov_loop_add(bed->loop, -1, block, &blocker, &blocker.source), 0);
	set_blocked(&blocker, true);
	start(&user, &guest, 0, run_one_trap);
	while (nb_cfg_writes(&guest) == nb)
		host_bed_nap();
	assert_int_equal(siov_vm_pause(guest.vm, 50), -ETIMEDOUT);
	set_blocked(&blocker, false);
	assert_int_equal(siov_vm_pause(guest.vm, HOST_BED_MS), 0);
	assert_int_equal(siov_vdev_read(siov_vm_vdev(guest.vm, guest.bdf), SIOV_VDEV_CONFIG,
					PCI_INTERRUPT_LINE, 1, &value),
			 0);
	assert_int_equal(value, 0x5a);
	siov_vm_unpause(guest.vm);
	join(&user);
	siov_loop_remove(blocker.source);
	close_guest(&guest);
	host_bed_close(bed);
}

static void
test_machines_are_stopped_and_freed_under_load(void **state)
{
	struct host_bed *bed = open_bed();
	struct user users[VCPUS], neighbour;
	struct guest guest, other;
	unsigned int i, k;

	(void)state;
	open_guest(&other, bed);
	start(&neighbour, &other, 0, run_until_stopped);
	for (i = 0; i < STEPS; i++) {
		open_guest(&guest, bed);
		for (k = 0; k < VCPUS; k++)
			start(&users[k], &guest, k, run_until_stopped);
		while (siov_atomic_load(&users[i % VCPUS].nb, relaxed) < i)
			host_bed_nap();
		assert_int_equal(siov_vm_pause(guest.vm, HOST_BED_MS), 0);
		if (i % 2 == 0)
			siov_vm_unpause(guest.vm);
		siov_vm_stop(guest.vm);
		for (k = 0; k < VCPUS; k++)
			join(&users[k]);
		close_guest(&guest);
	}
	siov_atomic_store(&neighbour.stop, 1, relaxed);
	join(&neighbour);
	close_guest(&other);
	host_bed_close(bed);
}

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
random_gpa(const struct guest *guest, uint64_t *seed)
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
move_bar(struct siov_vcpu *vcpu, const struct guest *guest, uint64_t *seed)
{
	unsigned int at = next_random(seed) % 2 ? PCI_BASE_ADDRESS_0 : PCI_BASE_ADDRESS_2;
	const uint64_t gpas[] = {guest->bar0, guest->bar2,  0,
				 UINT64_MAX,  HOST_BED_RAM, next_random(seed)};

	write_bar(vcpu, guest->bdf, at, gpas[next_random(seed) % RTE_DIM(gpas)]);
	siov_vcpu_cfg_write(vcpu, guest->bdf, PCI_COMMAND, 2, next_random(seed) % 8);
}

static void *
run_nonsense(void *arg)
{
	static const unsigned int widths[] = {1, 2, 4, 8, 0, 3, 16, 64};
	struct user *user = arg;
	struct siov_vcpu *vcpu = vcpu_of(user);
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
	struct user users[VCPUS], neighbour;
	struct host_bed *bed = open_bed();
	struct guest guest, other;
	struct siov_vcpu *vcpu;
	unsigned int i;

	(void)state;
	open_guest(&guest, bed);
	open_guest(&other, bed);
	start(&neighbour, &other, 0, run_until_stopped);
	for (i = 0; i < VCPUS; i++)
		start(&users[i], &guest, i, run_nonsense);
	for (i = 0; i < VCPUS; i++)
		join(&users[i]);
	siov_atomic_store(&neighbour.stop, 1, relaxed);
	join(&neighbour);
	/* Reset, it works again. */
	assert_int_equal(siov_vdev_reset(siov_vm_vdev(guest.vm, guest.bdf), HOST_BED_MS), 0);
	vcpu = siov_vm_vcpu(guest.vm, 0);
	assert_int_equal(siov_vcpu_enter(vcpu), 0);
	place(&guest, vcpu);
	assert_int_equal(siov_vcpu_mmio_read(vcpu, guest.bar0 + SIOV_VREG_MAGIC, 4),
			 SIOV_VREG_MAGIC_VALUE);
	siov_vcpu_leave(vcpu);
	close_guest(&guest);
	close_guest(&other);
	host_bed_close(bed);
}

/* ---- pages go while they are accessed ---- */

static void *
run_page_user(void *arg)
{
	struct user *user = arg;
	struct siov_vcpu *vcpu = vcpu_of(user);
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
	struct host_bed *bed = open_bed();
	struct siov_vcpu *vcpu;
	struct guest guest;
	struct user user;
	unsigned int i;
	uint64_t nb;

	(void)state;
	open_guest(&guest, bed);
	start(&user, &guest, 1, run_page_user);
	vcpu = siov_vm_vcpu(guest.vm, 0);
	for (i = 0; i < STEPS; i++) {
		nb = siov_atomic_load(&user.nb, relaxed);
		while (siov_atomic_load(&user.nb, relaxed) == nb)
			host_bed_nap();
		host_bed_unplug(guest.vm, guest.bdf);
		guest.bdf = host_bed_plug(guest.vm, "swq", 0);
		assert_int_equal(siov_vcpu_enter(vcpu), 0);
		write_bar(vcpu, guest.bdf, PCI_BASE_ADDRESS_0, guest.bar0);
		write_bar(vcpu, guest.bdf, PCI_BASE_ADDRESS_2, guest.bar2);
		siov_vcpu_cfg_write(vcpu, guest.bdf, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
		siov_vcpu_leave(vcpu);
	}
	siov_atomic_store(&user.stop, 1, relaxed);
	join(&user);
	close_guest(&guest);
	host_bed_close(bed);
}

/* ---- vCPUs that sleep ---- */

static void *
run_sleeper(void *arg)
{
	struct user *user = arg;

	assert_int_equal(siov_vcpu_enter(vcpu_of(user)), 0);
	while (siov_vcpu_poll(vcpu_of(user))) {
		siov_atomic_fetch_add(&user->nb, 1, relaxed);
		siov_vcpu_wait(vcpu_of(user), -1);
	}
	/* Stopped, it does not sleep again. */
	siov_vcpu_wait(vcpu_of(user), -1);
	siov_vcpu_wait(vcpu_of(user), -1);
	siov_vcpu_leave(vcpu_of(user));
	return NULL;
}

static void
test_a_vcpu_that_sleeps_sees_a_pause_and_a_stop(void **state)
{
	struct host_bed *bed = open_bed();
	struct guest guest;
	struct user user;
	unsigned int i;
	uint64_t nb;

	(void)state;
	open_guest(&guest, bed);
	start(&user, &guest, 0, run_sleeper);
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
	join(&user);
	close_guest(&guest);
	host_bed_close(bed);
}

/* ---- one thread for the vCPUs of many ---- */

static void
test_one_thread_runs_the_vcpus_of_several_vms(void **state)
{
	struct host_bed *bed = open_bed();
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
		cmocka_unit_test(test_s6_2_1_each_intercepted_access_gets_its_own_answer),
		cmocka_unit_test(test_traps_are_served_without_control_lcore),
		cmocka_unit_test(test_a_trap_that_was_taken_back_has_no_effect),
		cmocka_unit_test(test_a_pause_waits_for_traps_under_way),
		cmocka_unit_test(test_machines_are_stopped_and_freed_under_load),
		cmocka_unit_test(test_random_accesses_of_every_width_hurt_nobody),
		cmocka_unit_test(test_a_vdev_goes_while_its_guest_accesses_it),
		cmocka_unit_test(test_a_vcpu_that_sleeps_sees_a_pause_and_a_stop),
		cmocka_unit_test(test_one_thread_runs_the_vcpus_of_several_vms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

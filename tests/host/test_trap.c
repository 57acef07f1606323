/* SPDX-License-Identifier: BSD-3-Clause */
/* Traps under load: many vCPUs of several VMs, and machines that change meanwhile. */
#include "vm_bed.h"
#include "vm_priv.h"

#define VMS 3u
#define CROWD 24u /* more vCPUs than traps are served in a turn */
#define TRAPS 300u
#define STEPS 20u

static void *
run_traps(void *arg)
{
	struct vm_user *user = arg;
	uint32_t i;

	assert_int_equal(siov_vcpu_enter(vm_bed_vcpu(user)), 0);
	for (i = 0; i < TRAPS && siov_vcpu_poll(vm_bed_vcpu(user)); i++)
		vm_bed_use(user, i << 8 | user->index);
	siov_vcpu_leave(vm_bed_vcpu(user));
	return NULL;
}

static void
test_s6_2_1_each_intercepted_access_gets_its_own_answer(void **state)
{
	struct vm_user users[VMS * VM_BED_VCPUS];
	struct host_bed *bed = vm_bed_open();
	struct siov_vm_stats stats;
	struct vm_guest guests[VMS];
	unsigned int i;

	(void)state;
	for (i = 0; i < VMS; i++)
		vm_bed_open_guest(&guests[i], bed, VM_BED_VCPUS);
	for (i = 0; i < VMS * VM_BED_VCPUS; i++)
		vm_bed_start(&users[i], &guests[i % VMS], i / VMS, run_traps);
	for (i = 0; i < VMS * VM_BED_VCPUS; i++)
		vm_bed_join(&users[i]);
	for (i = 0; i < VMS; i++) {
		siov_vm_get_stats(guests[i].vm, &stats);
		assert_int_equal(stats.nb_timeouts, 0);
		assert_int_equal(stats.nb_mmio_reads, VM_BED_VCPUS * TRAPS);
		assert_int_equal(stats.nb_mmio_writes, VM_BED_VCPUS * TRAPS);
		vm_bed_close_guest(&guests[i]);
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
	struct host_bed *bed = vm_bed_open();
	struct vm_user users[VM_BED_VCPUS];
	struct vm_guest guest;
	unsigned int i;

	(void)state;
	vm_bed_open_guest(&guest, bed, VM_BED_VCPUS);
	for (i = 0; i < VM_BED_VCPUS; i++)
		vm_bed_start(&users[i], &guest, i, run_traps);
	for (i = 0; i < STEPS; i++) {
		siov_loop_stop(bed->loop);
		pthread_join(bed->control, NULL);
		host_bed_nap();
		assert_int_equal(pthread_create(&bed->control, NULL, run_loop, bed), 0);
		host_bed_nap();
	}
	for (i = 0; i < VM_BED_VCPUS; i++) {
		vm_bed_join(&users[i]);
		assert_int_equal(siov_atomic_load(&users[i].nb, relaxed), TRAPS);
	}
	while (!siov_loop_is_running(bed->loop))
		host_bed_nap();
	vm_bed_close_guest(&guest);
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

static uint64_t
read_back(const struct vm_guest *guest, unsigned int bar, uint64_t offset)
{
	struct siov_vdev *vdev = siov_vm_vdev(guest->vm, guest->bdf);
	uint64_t value;

	assert_int_equal(siov_vdev_read(vdev, bar, offset, 4, &value), 0);
	return value;
}

/* A trap that was taken back is never served later. */
static void
test_a_trap_that_was_taken_back_has_no_effect(void **state)
{
	struct host_bed *bed = vm_bed_open();
	struct blocker blocker = {0};
	struct siov_vm_stats stats;
	struct siov_vcpu *vcpu;
	struct vm_guest guest;
	unsigned int i;

	(void)state;
	vm_bed_open_guest(&guest, bed, VM_BED_VCPUS);
	vcpu = siov_vm_vcpu(guest.vm, 0);
	assert_int_equal(siov_loop_add(bed->loop, -1, block, &blocker, &blocker.source), 0);
	assert_int_equal(siov_vcpu_enter(vcpu), 0);
	for (i = 1; i <= 3; i++) {
		siov_vcpu_mmio_write(vcpu, guest.bar0 + VM_BED_DATA_AT, 4, i);
		set_blocked(&blocker, true);
		siov_vmm_set_timeout(bed->vmm, 60);
		siov_vcpu_mmio_write(vcpu, guest.bar0 + VM_BED_DATA_AT, 4, 1000);
		siov_vmm_set_timeout(bed->vmm, HOST_BED_MS);
		siov_vm_get_stats(guest.vm, &stats);
		assert_int_equal(stats.nb_timeouts, i);
		/* The loop goes round at least once. */
		set_blocked(&blocker, false);
		set_blocked(&blocker, true);
		set_blocked(&blocker, false);
		assert_int_equal(read_back(&guest, SIOV_VDEV_BAR0, VM_BED_DATA_AT), i);
		assert_int_equal(siov_vcpu_mmio_read(vcpu, guest.bar0 + VM_BED_DATA_AT, 4), i);
	}
	siov_vcpu_leave(vcpu);
	siov_loop_remove(blocker.source);
	vm_bed_close_guest(&guest);
	host_bed_close(bed);
}

static void *
run_one_trap(void *arg)
{
	struct vm_user *user = arg;

	assert_int_equal(siov_vcpu_enter(vm_bed_vcpu(user)), 0);
	siov_vcpu_mmio_write(vm_bed_vcpu(user), user->guest->bar0 + VM_BED_DATA_AT, 4, 0x5a);
	siov_atomic_store(&user->nb, 1, release);
	siov_vcpu_leave(vm_bed_vcpu(user));
	return NULL;
}

/* Begin a trap that the control lcore, which is stuck, does not answer. */
static void
start_one_trap(struct vm_user *user, struct vm_guest *guest, unsigned int index)
{
	struct trap *trap = &siov_vm_vcpu(guest->vm, index)->trap;

	vm_bed_start(user, guest, index, run_one_trap);
	while (siov_atomic_load(&trap->state, relaxed) != TRAP_WAITING)
		host_bed_nap();
}

static void
test_a_trap_that_the_control_lcore_leaves_is_served_by_its_vcpu(void **state)
{
	struct host_bed *bed = vm_bed_open();
	struct blocker blocker = {0};
	struct vm_guest guest;
	struct vm_user user;

	(void)state;
	vm_bed_open_guest(&guest, bed, VM_BED_VCPUS);
	assert_int_equal(siov_loop_add(bed->loop, -1, block, &blocker, &blocker.source), 0);
	set_blocked(&blocker, true);
	start_one_trap(&user, &guest, 0);
	/* It ends before it comes to the trap. */
	siov_loop_stop(bed->loop);
	siov_atomic_store(&blocker.is_blocked, 0, release);
	pthread_join(bed->control, NULL);
	vm_bed_join(&user);
	assert_int_equal(read_back(&guest, SIOV_VDEV_BAR0, VM_BED_DATA_AT), 0x5a);
	assert_int_equal(pthread_create(&bed->control, NULL, run_loop, bed), 0);
	while (!siov_loop_is_running(bed->loop))
		host_bed_nap();
	siov_loop_remove(blocker.source);
	vm_bed_close_guest(&guest);
	host_bed_close(bed);
}

/* ---- turns ---- */

/* Lets the loop go round once for each ticket. */
struct gate {
	SIOV_ATOMIC(uint32_t) tickets, is_open;
	SIOV_ATOMIC(uint64_t) nb; /* how often it was come to */
	struct siov_loop_source *source;
};

static enum siov_loop_next
serve_gate(void *arg)
{
	struct gate *gate = arg;

	siov_atomic_fetch_add(&gate->nb, 1, acq_rel);
	while (siov_atomic_load(&gate->tickets, acquire) == 0) {
		if (siov_atomic_load(&gate->is_open, acquire))
			return SIOV_LOOP_SLEEP;
		host_bed_nap();
	}
	siov_atomic_fetch_add(&gate->tickets, -1, acq_rel);
	return SIOV_LOOP_NOW;
}

static void
await_gate(struct gate *gate, uint64_t nb)
{
	unsigned int i;

	for (i = 0; i < HOST_BED_MS && siov_atomic_load(&gate->nb, acquire) < nb; i++)
		host_bed_nap();
	assert_int_equal(siov_atomic_load(&gate->nb, acquire), nb);
}

static uint64_t
nb_timeouts(const struct vm_guest *guest)
{
	struct siov_vm_stats stats;

	siov_vm_get_stats(guest->vm, &stats);
	return stats.nb_timeouts;
}

/* A crowd of one VM, and one vCPU of another that comes last: after one turn that one is served. */
static void
test_the_turn_goes_from_vm_to_vm(void **state)
{
	struct vm_user crowd[CROWD], one;
	struct host_bed *bed = vm_bed_open();
	struct vm_guest many, other;
	struct gate gate = {0};
	unsigned int i;

	(void)state;
	siov_vmm_set_timeout(bed->vmm, HOST_BED_MS);
	vm_bed_open_guest(&many, bed, CROWD);
	vm_bed_open_guest(&other, bed, VM_BED_VCPUS);
	assert_int_equal(siov_loop_add(bed->loop, -1, serve_gate, &gate, &gate.source), 0);
	await_gate(&gate, 1);
	for (i = 0; i < CROWD; i++)
		start_one_trap(&crowd[i], &many, i);
	start_one_trap(&one, &other, 0);
	siov_atomic_store(&gate.tickets, 1, release);
	await_gate(&gate, 2);
	for (i = 0; i < HOST_BED_MS && siov_atomic_load(&one.nb, acquire) == 0; i++)
		host_bed_nap();
	assert_int_equal(siov_atomic_load(&one.nb, acquire), 1);
	assert_int_equal(nb_timeouts(&other), 0);
	siov_atomic_store(&gate.is_open, 1, release);
	vm_bed_join(&one);
	for (i = 0; i < CROWD; i++)
		vm_bed_join(&crowd[i]);
	assert_int_equal(nb_timeouts(&many), 0);
	siov_loop_remove(gate.source);
	vm_bed_close_guest(&many);
	vm_bed_close_guest(&other);
	host_bed_close(bed);
}

/* ---- a VM is paused, stopped, freed while its vCPUs trap ---- */

/* Who saves the VDEVs of a VM that is paused would miss what is done for a trap after that. */
static void
test_a_pause_waits_for_traps_under_way(void **state)
{
	struct host_bed *bed = vm_bed_open();
	struct blocker blocker = {0};
	struct vm_guest guest;
	struct vm_user user;

	(void)state;
	vm_bed_open_guest(&guest, bed, VM_BED_VCPUS);
	assert_int_equal(siov_loop_add(bed->loop, -1, block, &blocker, &blocker.source), 0);
	set_blocked(&blocker, true);
	start_one_trap(&user, &guest, 0);
	assert_int_equal(siov_vm_pause(guest.vm, 50), -ETIMEDOUT);
	set_blocked(&blocker, false);
	assert_int_equal(siov_vm_pause(guest.vm, HOST_BED_MS), 0);
	assert_int_equal(read_back(&guest, SIOV_VDEV_BAR0, VM_BED_DATA_AT), 0x5a);
	siov_vm_unpause(guest.vm);
	vm_bed_join(&user);
	siov_loop_remove(blocker.source);
	vm_bed_close_guest(&guest);
	host_bed_close(bed);
}

static void
test_machines_are_stopped_and_freed_under_load(void **state)
{
	struct host_bed *bed = vm_bed_open();
	struct vm_user users[VM_BED_VCPUS], neighbour;
	struct vm_guest guest, other;
	unsigned int i, k;

	(void)state;
	vm_bed_open_guest(&other, bed, VM_BED_VCPUS);
	vm_bed_start(&neighbour, &other, 0, vm_bed_run);
	for (i = 0; i < STEPS; i++) {
		vm_bed_open_guest(&guest, bed, VM_BED_VCPUS);
		for (k = 0; k < VM_BED_VCPUS; k++)
			vm_bed_start(&users[k], &guest, k, vm_bed_run);
		while (siov_atomic_load(&users[i % VM_BED_VCPUS].nb, relaxed) < i)
			host_bed_nap();
		assert_int_equal(siov_vm_pause(guest.vm, HOST_BED_MS), 0);
		if (i % 2 == 0)
			siov_vm_unpause(guest.vm);
		siov_vm_stop(guest.vm);
		for (k = 0; k < VM_BED_VCPUS; k++)
			vm_bed_join(&users[k]);
		vm_bed_close_guest(&guest);
	}
	siov_atomic_store(&neighbour.stop, 1, relaxed);
	vm_bed_join(&neighbour);
	vm_bed_close_guest(&other);
	host_bed_close(bed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_s6_2_1_each_intercepted_access_gets_its_own_answer),
		cmocka_unit_test(test_traps_are_served_without_control_lcore),
		cmocka_unit_test(test_a_trap_that_was_taken_back_has_no_effect),
		cmocka_unit_test(test_a_trap_that_the_control_lcore_leaves_is_served_by_its_vcpu),
		cmocka_unit_test(test_the_turn_goes_from_vm_to_vm),
		cmocka_unit_test(test_a_pause_waits_for_traps_under_way),
		cmocka_unit_test(test_machines_are_stopped_and_freed_under_load),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Traps: what a guest's processor does that the VMM has to do for it.
 *
 *     vCPU: fills its trap, TRAP_WAITING ─► list of its VM ─► list of the VMM ─► wakes the loop
 *     loop: first VM, its first trap, TRAP_TAKEN ─► VDEV ─► TRAP_DONE ─► wakes the vCPU
 *           the VM goes behind the others
 *
 * A trap that nobody takes in time is taken back by its vCPU; one that is taken is answered soon, since
 * nothing that serves it waits. Asleep and done are both sequentially consistent: either the vCPU sees
 * that it is done and does not sleep, or the server sees it asleep and wakes it.
 */
#include <poll.h>
#include <sched.h>

#include <sys/eventfd.h>

#include <rte_cycles.h>
#include <rte_pause.h>

#include "vm_priv.h"

#define TURN 16u /* traps served in one turn */
#define LOOK_MS 50 /* how often a sleeper looks whether it is served at all */
#define SPIN_NS 20000u /* of a vCPU before it sleeps */
#define SPIN_PAUSES 32u /* between two yields */

/* ---- served ---- */

static void
serve_cfg(struct siov_vm *vm, struct trap *trap)
{
	uint32_t slot = trap->bdf >> 3;
	struct siov_vdev *vdev = NULL;

	if ((trap->bdf & 7) == 0 && slot < SIOV_VM_VDEVS_MAX)
		vdev = vm->slots[slot];
	if (vdev == NULL) {
		trap->value = pci_all_ones(trap->width);
	} else if (trap->op == TRAP_CFG_READ) {
		siov_vdev_read(vdev, SIOV_VDEV_CONFIG, trap->at, trap->width, &trap->value);
	} else {
		siov_vdev_write(vdev, SIOV_VDEV_CONFIG, trap->at, trap->width, trap->value);
		vm_update_ranges(vm, slot);
	}
}

static void
serve_mmio(struct siov_vm *vm, struct trap *trap)
{
	const struct bar_range *found;
	struct bar_range range = {0};

	pthread_mutex_lock(&vm->lock);
	found = vm_find_range(vm, trap->at);
	if (found != NULL)
		range = *found;
	else
		vm->stats.nb_nowhere++;
	pthread_mutex_unlock(&vm->lock);
	if (trap->op == TRAP_MMIO_READ)
		trap->value = pci_all_ones(trap->width);
	if (range.bytes == 0)
		return;
	if (trap->op == TRAP_MMIO_READ)
		siov_vdev_read(vm->slots[range.slot], range.bar, trap->at - range.gpa, trap->width,
			       &trap->value);
	else
		siov_vdev_write(vm->slots[range.slot], range.bar, trap->at - range.gpa, trap->width,
				trap->value);
}

static void
serve_trap(struct siov_vm *vm, struct trap *trap)
{
	pthread_mutex_lock(&vm->serving);
	if (trap->op == TRAP_CFG_READ || trap->op == TRAP_CFG_WRITE)
		serve_cfg(vm, trap);
	else
		serve_mmio(vm, trap);
	pthread_mutex_unlock(&vm->serving);
}

/* The first trap of the first VM, which goes behind the others. Under the VMM's lock. */
static struct siov_vcpu *
take_trap(struct siov_vmm *vmm)
{
	struct siov_vm *vm = TAILQ_FIRST(&vmm->waiting);
	struct siov_vcpu *vcpu;

	vcpu = TAILQ_FIRST(&vm->traps);
	TAILQ_REMOVE(&vm->traps, vcpu, trap_entry);
	TAILQ_REMOVE(&vmm->waiting, vm, entry);
	vm->is_waiting = !TAILQ_EMPTY(&vm->traps);
	if (vm->is_waiting)
		TAILQ_INSERT_TAIL(&vmm->waiting, vm, entry);
	siov_atomic_store(&vcpu->trap.state, TRAP_TAKEN, relaxed);
	return vcpu;
}

/* Its vCPU may leave, and its VM be freed, as soon as it is done: not before the lock is let go. */
static void
answer(struct siov_vcpu *vcpu)
{
	siov_atomic_store(&vcpu->trap.state, TRAP_DONE, seq_cst);
	if (siov_atomic_exchange(&vcpu->trap.is_asleep, 0, seq_cst) != 0)
		eventfd_write(vcpu->fd, 1);
}

enum siov_loop_next
trap_serve(void *arg)
{
	struct siov_vmm *vmm = arg;
	struct siov_vcpu *vcpu;
	bool is_left;
	unsigned int i;

	pthread_mutex_lock(&vmm->lock);
	for (i = 0; i < TURN && !TAILQ_EMPTY(&vmm->waiting); i++) {
		vcpu = take_trap(vmm);
		pthread_mutex_unlock(&vmm->lock);
		serve_trap(vcpu->vm, &vcpu->trap);
		pthread_mutex_lock(&vmm->lock);
		answer(vcpu);
	}
	is_left = !TAILQ_EMPTY(&vmm->waiting);
	pthread_mutex_unlock(&vmm->lock);
	return is_left ? SIOV_LOOP_NOW : SIOV_LOOP_SLEEP;
}

/* ---- asked for ---- */

static void
queue_trap(struct siov_vcpu *vcpu)
{
	struct siov_vm *vm = vcpu->vm;
	struct siov_vmm *vmm = vm->vmm;

	pthread_mutex_lock(&vmm->lock);
	siov_atomic_store(&vcpu->trap.state, TRAP_WAITING, relaxed);
	TAILQ_INSERT_TAIL(&vm->traps, vcpu, trap_entry);
	if (!vm->is_waiting)
		TAILQ_INSERT_TAIL(&vmm->waiting, vm, entry);
	vm->is_waiting = true;
	pthread_mutex_unlock(&vmm->lock);
	siov_loop_wake(vmm->source);
}

/* Whether nobody had taken it, and now nobody will. */
static bool
take_back(struct siov_vcpu *vcpu)
{
	struct siov_vm *vm = vcpu->vm;
	bool is_back;

	pthread_mutex_lock(&vm->vmm->lock);
	is_back = siov_atomic_load(&vcpu->trap.state, relaxed) == TRAP_WAITING;
	if (is_back) {
		TAILQ_REMOVE(&vm->traps, vcpu, trap_entry);
		if (TAILQ_EMPTY(&vm->traps)) {
			TAILQ_REMOVE(&vm->vmm->waiting, vm, entry);
			vm->is_waiting = false;
		}
	}
	pthread_mutex_unlock(&vm->vmm->lock);
	return is_back;
}

static bool
is_done(struct siov_vcpu *vcpu)
{
	return siov_atomic_load(&vcpu->trap.state, seq_cst) == TRAP_DONE;
}

/* The control lcore may be waiting for this CPU. */
static bool
spin(struct siov_vcpu *vcpu)
{
	uint64_t end_ns = clock_ns() + SPIN_NS;
	unsigned int i;

	do {
		for (i = 0; i < SPIN_PAUSES; i++) {
			if (is_done(vcpu))
				return true;
			rte_pause();
		}
		sched_yield();
	} while (clock_ns() < end_ns);
	return is_done(vcpu);
}

/* Until it is done, or for a while. */
static void
sleep_a_while(struct siov_vcpu *vcpu)
{
	struct pollfd wait = {.fd = vcpu->fd, .events = POLLIN};
	eventfd_t nb;

	siov_atomic_store(&vcpu->trap.is_asleep, 1, seq_cst);
	if (!is_done(vcpu))
		poll(&wait, 1, LOOK_MS);
	siov_atomic_store(&vcpu->trap.is_asleep, 0, seq_cst);
	eventfd_read(vcpu->fd, &nb);
}

static void
give_up(struct siov_vcpu *vcpu)
{
	vcpu->trap.value = pci_all_ones(vcpu->trap.width);
	pthread_mutex_lock(&vcpu->vm->lock);
	vcpu->vm->stats.nb_timeouts++;
	pthread_mutex_unlock(&vcpu->vm->lock);
	HOST_LOG(WARNING, "vm %s: a trap of vcpu %u was not answered in time", vcpu->vm->name,
		 vcpu->index);
}

static void
await_answer(struct siov_vcpu *vcpu)
{
	struct siov_vmm *vmm = vcpu->vm->vmm;
	uint64_t timeout_ms = siov_atomic_load(&vmm->timeout_ms, relaxed);
	uint64_t end_ns = deadline_after(timeout_ms);

	if (spin(vcpu))
		return;
	while (!is_done(vcpu)) {
		sleep_a_while(vcpu);
		if (is_done(vcpu))
			return;
		if (!siov_loop_is_running(vmm->loop) && take_back(vcpu)) {
			serve_trap(vcpu->vm, &vcpu->trap);
			return;
		}
		if (clock_ns() >= end_ns && take_back(vcpu)) {
			give_up(vcpu);
			return;
		}
	}
}

static void
count(struct siov_vm *vm, enum trap_op op)
{
	pthread_mutex_lock(&vm->lock);
	vm->stats.nb_cfg_reads += op == TRAP_CFG_READ;
	vm->stats.nb_cfg_writes += op == TRAP_CFG_WRITE;
	vm->stats.nb_mmio_reads += op == TRAP_MMIO_READ;
	vm->stats.nb_mmio_writes += op == TRAP_MMIO_WRITE;
	pthread_mutex_unlock(&vm->lock);
}

void
trap_do(struct siov_vcpu *vcpu)
{
	struct siov_vmm *vmm = vcpu->vm->vmm;

	count(vcpu->vm, vcpu->trap.op);
	vcpu_exit(vcpu, true);
	if (vmm->loop == NULL || !siov_loop_is_running(vmm->loop)) {
		serve_trap(vcpu->vm, &vcpu->trap);
	} else {
		queue_trap(vcpu);
		await_answer(vcpu);
	}
	vcpu_resume(vcpu);
}

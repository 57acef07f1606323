/* SPDX-License-Identifier: BSD-3-Clause */
/* Virtual processors: what code of a guest can reach. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <sys/eventfd.h>

#include "migrate_priv.h"

/* ---- life ---- */

int
vcpu_create(struct siov_vm *vm, uint32_t index, struct siov_cpu *cpu)
{
	struct siov_vcpu *vcpu;
	int ret;

	vcpu = siov_mem_alloc(vm->vmm->mem, "siov_vcpu", sizeof(*vcpu), RTE_CACHE_LINE_SIZE, -1);
	if (vcpu == NULL)
		return -ENOMEM;
	vcpu->vm = vm;
	vcpu->index = index;
	vcpu->cpu = cpu;
	vcpu->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	vm->vcpus[vm->nb_vcpus++] = vcpu;
	if (vcpu->fd < 0)
		return -errno;
	ret = siov_intr_dest_create(siov_vdcm_ir(vm->vmm->vdcm), SIOV_INTR_F_EVENTFD, &vcpu->dest);
	if (ret != 0)
		return ret;
	return siov_pid_init(&vcpu->pid, siov_intr_dest_id(vcpu->dest), 0xf2);
}

void
vcpu_free(struct siov_vcpu *vcpu)
{
	siov_intr_dest_free(vcpu->dest);
	if (vcpu->owns_cpu)
		siov_cpu_free(vcpu->cpu);
	if (vcpu->fd >= 0)
		close(vcpu->fd);
	siov_mem_free(vcpu->vm->vmm->mem, vcpu);
}

/* ---- in and out ---- */

void
vcpu_exit(struct siov_vcpu *vcpu, bool is_trapping)
{
	struct siov_vm *vm = vcpu->vm;

	cpu_outside(vcpu->cpu);
	pthread_mutex_lock(&vm->lock);
	vcpu->is_inside = false;
	vcpu->is_trapping = is_trapping;
	if (vm->is_paused)
		pthread_cond_broadcast(&vm->changed);
	pthread_mutex_unlock(&vm->lock);
}

bool
vcpu_resume(struct siov_vcpu *vcpu)
{
	struct siov_vm *vm = vcpu->vm;
	bool is_stopped;

	pthread_mutex_lock(&vm->lock);
	vcpu->is_trapping = false;
	if (vm->is_paused)
		pthread_cond_broadcast(&vm->changed);
	while (vm->is_paused && !vm->is_stopped)
		pthread_cond_wait(&vm->changed, &vm->lock);
	vcpu->is_inside = true;
	is_stopped = vm->is_stopped;
	pthread_mutex_unlock(&vm->lock);
	cpu_inside(vcpu->cpu);
	return !is_stopped;
}

static int
enter(struct siov_vcpu *vcpu)
{
	struct siov_vm *vm = vcpu->vm;
	int ret = 0;

	pthread_mutex_lock(&vm->lock);
	if (vm->is_stopped)
		ret = -ESHUTDOWN;
	else if (vcpu->is_entered)
		ret = -EBUSY;
	else
		vcpu->is_entered = true;
	pthread_mutex_unlock(&vm->lock);
	return ret;
}

int
siov_vcpu_enter(struct siov_vcpu *vcpu)
{
	int ret;

	ret = enter(vcpu);
	if (ret != 0)
		return ret;
	if (vcpu->cpu == NULL) {
		ret = siov_cpu_create(vcpu->vm->vmm->vdcm, &vcpu->cpu);
		vcpu->owns_cpu = ret == 0;
	}
	if (ret != 0) {
		siov_vcpu_leave(vcpu);
		return ret;
	}
	siov_cpu_enter(vcpu->cpu);
	vcpu_resume(vcpu);
	return 0;
}

void
siov_vcpu_leave(struct siov_vcpu *vcpu)
{
	struct siov_vm *vm = vcpu->vm;

	if (vcpu->cpu != NULL && vcpu->is_inside)
		siov_cpu_leave(vcpu->cpu);
	pthread_mutex_lock(&vm->lock);
	vcpu->is_inside = false;
	vcpu->is_entered = false;
	pthread_cond_broadcast(&vm->changed);
	pthread_mutex_unlock(&vm->lock);
}

bool
siov_vcpu_poll(struct siov_vcpu *vcpu)
{
	siov_cpu_quiescent(vcpu->cpu);
	if (likely(siov_atomic_load(&vcpu->must_exit, relaxed) == 0))
		return true;
	vcpu_exit(vcpu, false);
	return vcpu_resume(vcpu);
}

void
siov_vcpu_platform(struct siov_vcpu *vcpu, struct siov_vcpu_platform *platform)
{
	*platform = (struct siov_vcpu_platform){
		.ram_gpa = vcpu->vm->ram_gpa,
		.ram_bytes = vcpu->vm->ram_bytes,
		.mmio_gpa = MMIO_GPA,
		.mmio_bytes = SIOV_VM_VDEVS_MAX * SLOT_BYTES,
		.nb_vcpus = vcpu->vm->nb_vcpus,
		.index = vcpu->index,
	};
}

/* ---- configuration space ---- */

static uint64_t
trap(struct siov_vcpu *vcpu, enum trap_op op, uint16_t bdf, uint64_t at, unsigned int width,
     uint64_t value)
{
	vcpu->trap.op = op;
	vcpu->trap.bdf = bdf;
	vcpu->trap.at = at;
	vcpu->trap.width = width;
	vcpu->trap.value = value;
	trap_do(vcpu);
	return vcpu->trap.value;
}

uint32_t
siov_vcpu_cfg_read(struct siov_vcpu *vcpu, uint16_t bdf, unsigned int offset, unsigned int width)
{
	return (uint32_t)trap(vcpu, TRAP_CFG_READ, bdf, offset, width, 0);
}

void
siov_vcpu_cfg_write(struct siov_vcpu *vcpu, uint16_t bdf, unsigned int offset, unsigned int width,
		    uint32_t value)
{
	trap(vcpu, TRAP_CFG_WRITE, bdf, offset, width, value);
}

bool
siov_vcpu_slot(struct siov_vcpu *vcpu, uint16_t bdf, uint64_t *gpa, uint64_t *bytes)
{
	struct siov_vm *vm = vcpu->vm;
	bool is_there;

	pthread_mutex_lock(&vm->lock);
	is_there = siov_vm_vdev(vm, bdf) != NULL;
	pthread_mutex_unlock(&vm->lock);
	*gpa = MMIO_GPA + (bdf >> 3) * SLOT_BYTES;
	*bytes = SLOT_BYTES;
	return is_there;
}

/* ---- memory ---- */

void *
siov_vcpu_ram(struct siov_vcpu *vcpu, uint64_t gpa, uint64_t len)
{
	struct siov_vm *vm = vcpu->vm;
	uint64_t at = gpa - vm->ram_gpa;

	if (len > vm->ram_bytes || at > vm->ram_bytes - len)
		return NULL;
	return vm->ram + at;
}

void
siov_vcpu_wrote(struct siov_vcpu *vcpu, uint64_t gpa, uint64_t len)
{
	uint8_t *log;
	uint64_t page;

	/* V1: the data, then this; who begins a log does the rest (fence_vcpus() in vm_log.c). */
	rte_compiler_barrier();
	log = siov_atomic_load(&vcpu->vm->log, acquire);
	if (likely(log == NULL) || len == 0 || siov_vcpu_ram(vcpu, gpa, len) == NULL)
		return;
	/* After the data: who takes the mark away sees them. */
	for (page = gpa >> PAGE_SHIFT; page <= (gpa + len - 1) >> PAGE_SHIFT; page++)
		siov_atomic_store((SIOV_ATOMIC(uint8_t) *)&log[page], 1, release);
}

/* ---- pages of devices ---- */

/* What lies at an address. */
struct found {
	struct siov_vdev *vdev;
	uint32_t bar;
	uint64_t offset; /* in it */
	struct siov_vdev_area area;
};

/* False: nothing. Under the VM's lock. */
static bool
find_area(struct siov_vm *vm, uint64_t gpa, struct found *found)
{
	const struct bar_range *range = vm_find_range(vm, gpa);
	struct siov_vdev_region region;
	unsigned int i;

	if (range == NULL)
		return false;
	found->vdev = vm->slots[range->slot];
	found->bar = range->bar;
	found->offset = gpa - range->gpa;
	siov_vdev_region(found->vdev, range->bar, &region);
	for (i = 0; i < region.nb_areas; i++) {
		found->area = region.areas[i];
		if (found->offset - found->area.offset < found->area.bytes)
			return true;
	}
	return false;
}

/* The memory of an access. NULL: there is none, or not for that. */
static void *
memory_of(const struct found *found, uint64_t len, bool is_written)
{
	const struct siov_vdev_area *area = &found->area;
	uint64_t at = found->offset - area->offset;

	if (area->hva == NULL || len > area->bytes || at > area->bytes - len ||
	    (is_written && area->kind == SIOV_PAGE_WRITE_INTERCEPT))
		return NULL;
	return (uint8_t *)area->hva + at;
}

/* The device's own: a portal answers nothing but submissions, a mailbox nothing but stores. */
static bool
is_device(const struct found *found)
{
	return found->area.kind == SIOV_PAGE_DIRECT && found->area.hva == NULL;
}

void *
siov_vcpu_map(struct siov_vcpu *vcpu, uint64_t gpa, uint64_t len, bool is_written)
{
	struct siov_vm *vm = vcpu->vm;
	struct found found;
	void *at = NULL;

	pthread_mutex_lock(&vm->lock);
	if (find_area(vm, gpa, &found))
		at = memory_of(&found, len, is_written);
	pthread_mutex_unlock(&vm->lock);
	return at;
}

static bool
is_width(uint64_t gpa, unsigned int width)
{
	return (width == 1 || width == 2 || width == 4 || width == 8) && gpa % width == 0;
}

/* One access, however wide, of memory that others access too. */
static uint64_t
load(const void *at, unsigned int width)
{
	switch (width) {
	case 1:
		return siov_atomic_load((const SIOV_ATOMIC(uint8_t) *)at, relaxed);
	case 2:
		return siov_atomic_load((const SIOV_ATOMIC(uint16_t) *)at, relaxed);
	case 4:
		return siov_atomic_load((const SIOV_ATOMIC(uint32_t) *)at, relaxed);
	default:
		return siov_atomic_load((const SIOV_ATOMIC(uint64_t) *)at, relaxed);
	}
}

static void
store(void *at, unsigned int width, uint64_t value)
{
	switch (width) {
	case 1:
		siov_atomic_store((SIOV_ATOMIC(uint8_t) *)at, (uint8_t)value, release);
		break;
	case 2:
		siov_atomic_store((SIOV_ATOMIC(uint16_t) *)at, (uint16_t)value, release);
		break;
	case 4:
		siov_atomic_store((SIOV_ATOMIC(uint32_t) *)at, (uint32_t)value, release);
		break;
	default:
		siov_atomic_store((SIOV_ATOMIC(uint64_t) *)at, value, release);
		break;
	}
}

/* Under the VM's lock: the page may go with its device when it is let go. False: it traps. */
static bool
load_direct(struct siov_vm *vm, uint64_t gpa, unsigned int width, uint64_t *value)
{
	struct found found;
	const void *at;

	if (!find_area(vm, gpa, &found))
		return false;
	at = memory_of(&found, width, false);
	*value = at != NULL ? load(at, width) : pci_all_ones(width);
	return at != NULL || is_device(&found);
}

static bool
store_direct(struct siov_vm *vm, uint64_t gpa, unsigned int width, uint64_t value)
{
	struct found found;
	void *at;

	if (!find_area(vm, gpa, &found))
		return false;
	at = memory_of(&found, width, true);
	if (at != NULL)
		store(at, width, value);
	else if (is_device(&found) && found.bar == SIOV_VDEV_BAR0)
		siov_vdev_store(found.vdev, found.offset, width, value);
	return at != NULL || is_device(&found);
}

uint64_t
siov_vcpu_mmio_read(struct siov_vcpu *vcpu, uint64_t gpa, unsigned int width)
{
	struct siov_vm *vm = vcpu->vm;
	uint64_t value = 0;
	bool is_direct;
	void *at;

	if (!is_width(gpa, width))
		return UINT64_MAX;
	at = siov_vcpu_ram(vcpu, gpa, width);
	if (at != NULL)
		return load(at, width);
	pthread_mutex_lock(&vm->lock);
	is_direct = load_direct(vm, gpa, width, &value);
	pthread_mutex_unlock(&vm->lock);
	return is_direct ? value : trap(vcpu, TRAP_MMIO_READ, 0, gpa, width, 0);
}

void
siov_vcpu_mmio_write(struct siov_vcpu *vcpu, uint64_t gpa, unsigned int width, uint64_t value)
{
	struct siov_vm *vm = vcpu->vm;
	bool is_direct;
	void *at;

	if (!is_width(gpa, width))
		return;
	at = siov_vcpu_ram(vcpu, gpa, width);
	if (at != NULL) {
		store(at, width, value);
		siov_vcpu_wrote(vcpu, gpa, width);
		return;
	}
	pthread_mutex_lock(&vm->lock);
	is_direct = store_direct(vm, gpa, width, value);
	pthread_mutex_unlock(&vm->lock);
	if (!is_direct)
		trap(vcpu, TRAP_MMIO_WRITE, 0, gpa, width, value);
}

/* The VDEV of a portal page, which stays until end_open(). NULL: there is none. */
static struct siov_vdev *
begin_open(struct siov_vcpu *vcpu, uint64_t gpa, uint64_t *offset)
{
	struct siov_vm *vm = vcpu->vm;
	struct siov_vdev *vdev = NULL;
	struct found found;

	pthread_mutex_lock(&vm->lock);
	if (find_area(vm, gpa, &found) && is_device(&found) && found.bar == SIOV_VDEV_BAR2) {
		vdev = found.vdev;
		*offset = found.offset;
	}
	vcpu->opens = vdev;
	pthread_mutex_unlock(&vm->lock);
	return vdev;
}

static void
end_open(struct siov_vcpu *vcpu)
{
	struct siov_vm *vm = vcpu->vm;

	pthread_mutex_lock(&vm->lock);
	vcpu->opens = NULL;
	pthread_cond_broadcast(&vm->changed);
	pthread_mutex_unlock(&vm->lock);
}

int
siov_vcpu_portal_open(struct siov_vcpu *vcpu, uint64_t gpa, uint32_t pasid,
		      struct siov_vm_portal **portal)
{
	struct siov_vdev *vdev;
	uint64_t offset;
	int ret;

	vdev = begin_open(vcpu, gpa, &offset);
	if (vdev == NULL)
		return -EINVAL;
	vcpu_exit(vcpu, true);
	ret = siov_vdev_portal_open(vdev, offset, vcpu->cpu, pasid, portal);
	end_open(vcpu);
	vcpu_resume(vcpu);
	return ret;
}

void
siov_vcpu_portal_close(struct siov_vcpu *vcpu, struct siov_vm_portal *portal)
{
	RTE_SET_USED(vcpu);
	if (portal != NULL)
		siov_vdev_portal_close(siov_vdev_of_portal(portal), portal);
}

/* ---- interrupts ---- */

/* The highest of those that came with the vCPU; -1: none. */
static int
take_injected(struct siov_vcpu *vcpu)
{
	unsigned int i = RTE_DIM(vcpu->injected);

	while (i-- > 0) {
		unsigned int bit;

		if (likely(vcpu->injected[i] == 0))
			continue;
		bit = 63 - (unsigned int)__builtin_clzll(vcpu->injected[i]);
		vcpu->injected[i] &= ~(UINT64_C(1) << bit);
		return (int)(i * 64 + bit);
	}
	return -1;
}

int
siov_vcpu_take(struct siov_vcpu *vcpu)
{
	int vector = take_injected(vcpu);

	return vector >= 0 ? vector : siov_pid_take(&vcpu->pid);
}

void
vcpu_inject_vectors(struct siov_vcpu *vcpu, const uint64_t vectors[4])
{
	unsigned int i;

	for (i = 0; i < RTE_DIM(vcpu->injected); i++)
		vcpu->injected[i] |= vectors[i];
}

void
vcpu_peek_vectors(struct siov_vcpu *vcpu, uint64_t vectors[4])
{
	int vector;

	/* What is taken from the descriptor waits here instead. */
	for (vector = siov_pid_take(&vcpu->pid); vector >= 0; vector = siov_pid_take(&vcpu->pid))
		vcpu->injected[vector / 64] |= UINT64_C(1) << vector % 64;
	memcpy(vectors, vcpu->injected, sizeof(vcpu->injected));
}

static bool
has_injected(const struct siov_vcpu *vcpu)
{
	return (vcpu->injected[0] | vcpu->injected[1] | vcpu->injected[2] | vcpu->injected[3]) != 0;
}

int
siov_vcpu_wait(struct siov_vcpu *vcpu, int timeout_ms)
{
	bool is_ready = has_injected(vcpu);
	int ret = 0;

	vcpu_exit(vcpu, false);
	/* Who sets must_exit wakes it after that. */
	if (!is_ready && siov_atomic_load(&vcpu->must_exit, acquire) == 0)
		ret = siov_pid_wait(&vcpu->pid, vcpu->dest, timeout_ms);
	vcpu_resume(vcpu);
	return ret == -ETIMEDOUT ? ret : 0;
}

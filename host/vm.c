/* SPDX-License-Identifier: BSD-3-Clause */
/* Virtual machines: memory, slots with VDEVs, where BARs are, pause and stop. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include <sys/eventfd.h>

#include "migrate_priv.h"

#define TIMEOUT_MS 5000u
#define TIMEOUT_MAX_MS 60000u
#define RAM_ALIGN (UINT64_C(2) << 20)
#define BARS 2u /* of a VDEV */

/* ---- VMM ---- */

int
siov_vmm_create(struct siov_vdcm *vdcm, struct siov_loop *loop, const struct siov_mem *mem,
		struct siov_vmm **out)
{
	struct siov_vmm *vmm;
	int ret = 0;

	mem = mem != NULL ? mem : siov_mem_eal();
	vmm = siov_mem_alloc(mem, "siov_vmm", sizeof(*vmm), RTE_CACHE_LINE_SIZE, -1);
	if (vmm == NULL)
		return -ENOMEM;
	vmm->mem = mem;
	vmm->vdcm = vdcm;
	vmm->loop = loop;
	siov_vmm_set_timeout(vmm, TIMEOUT_MS);
	pthread_mutex_init(&vmm->lock, NULL);
	TAILQ_INIT(&vmm->waiting);
	if (loop != NULL)
		ret = siov_loop_add(loop, -1, trap_serve, vmm, &vmm->source);
	if (ret == 0)
		*out = vmm;
	else
		siov_mem_free(mem, vmm);
	return ret;
}

int
siov_vmm_free(struct siov_vmm *vmm)
{
	if (vmm == NULL)
		return 0;
	if (siov_atomic_load(&vmm->nb_vms, acquire) != 0)
		return -EBUSY;
	siov_loop_remove(vmm->source);
	pthread_mutex_destroy(&vmm->lock);
	siov_mem_free(vmm->mem, vmm);
	return 0;
}

void
siov_vmm_set_timeout(struct siov_vmm *vmm, unsigned int timeout_ms)
{
	siov_atomic_store(&vmm->timeout_ms, RTE_MAX(1u, RTE_MIN(timeout_ms, TIMEOUT_MAX_MS)),
			  relaxed);
}

/* ---- VMs ---- */

/* Aligned to 2 MiB where there is such memory. */
static int
make_ram(struct siov_vm *vm, const struct siov_vm_conf *conf)
{
	const struct siov_mem *mem = vm->vmm->mem;

	vm->ram_bytes = conf->ram_bytes;
	vm->ram = siov_mem_alloc(mem, "siov_vm_ram", conf->ram_bytes, RAM_ALIGN, conf->socket_id);
	if (vm->ram == NULL)
		vm->ram =
			siov_mem_alloc(mem, "siov_vm_ram", conf->ram_bytes, 4096, conf->socket_id);
	if (vm->ram == NULL)
		return -ENOMEM;
	if (vm->is_process) {
		vm->ram_gpa = (uintptr_t)vm->ram;
		return 0;
	}
	return siov_gas_map(vm->gas, 0, vm->ram, vm->ram_bytes, SIOV_PERM_R | SIOV_PERM_W);
}

static int
make_parts(struct siov_vm *vm, const struct siov_vm_conf *conf)
{
	const struct siov_gas_conf gas_conf = {
		.mem = vm->vmm->mem,
		.iommu = siov_vdcm_iommu(vm->vmm->vdcm),
		.page_shift = conf->page_shift,
		.is_process = conf->is_process,
	};
	uint32_t i;
	int ret;

	vm->slots =
		siov_mem_alloc(vm->vmm->mem, "siov_vm_slots",
			       SIOV_VM_VDEVS_MAX * sizeof(vm->slots[0]), RTE_CACHE_LINE_SIZE, -1);
	if (vm->slots == NULL)
		return -ENOMEM;
	ret = siov_gas_create(&gas_conf, &vm->gas);
	if (ret == 0)
		ret = make_ram(vm, conf);
	for (i = 0; i < conf->nb_vcpus && ret == 0; i++)
		ret = vcpu_create(vm, i, conf->cpu);
	return ret;
}

/* Also of one that is half made. -EBUSY, -ETIMEDOUT: it stays. */
static int
destroy(struct siov_vm *vm)
{
	const struct siov_mem *mem = vm->vmm->mem;
	unsigned int i;
	int ret;

	ret = siov_gas_free(vm->gas);
	if (ret != 0)
		return ret;
	for (i = 0; i < vm->nb_vcpus; i++)
		vcpu_free(vm->vcpus[i]);
	siov_mem_free(mem, vm->log_bytes);
	siov_mem_free(mem, vm->ranges);
	siov_mem_free(mem, vm->slots);
	siov_mem_free(mem, vm->ram);
	pthread_cond_destroy(&vm->changed);
	pthread_mutex_destroy(&vm->lock);
	pthread_mutex_destroy(&vm->serving);
	siov_atomic_fetch_add(&vm->vmm->nb_vms, -1u, release);
	siov_mem_free(mem, vm);
	return 0;
}

static void
init_locks(struct siov_vm *vm)
{
	pthread_condattr_t attr;

	pthread_mutex_init(&vm->serving, NULL);
	pthread_mutex_init(&vm->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&vm->changed, &attr);
	pthread_condattr_destroy(&attr);
}

static bool
is_conf(const struct siov_vm_conf *conf)
{
	uint64_t unit = conf->is_process ? PAGE_BYTES : RAM_ALIGN;

	return conf->ram_bytes != 0 && conf->ram_bytes % unit == 0 && conf->ram_bytes <= MMIO_GPA &&
	       conf->nb_vcpus != 0 && conf->nb_vcpus <= SIOV_VM_VCPUS_MAX;
}

int
siov_vm_create(struct siov_vmm *vmm, const struct siov_vm_conf *conf, struct siov_vm **out)
{
	struct siov_vm *vm;
	int ret;

	if (!is_conf(conf))
		return -EINVAL;
	vm = siov_mem_alloc(vmm->mem, "siov_vm", sizeof(*vm), RTE_CACHE_LINE_SIZE, -1);
	if (vm == NULL)
		return -ENOMEM;
	vm->vmm = vmm;
	snprintf(vm->name, sizeof(vm->name), "%s", conf->name);
	vm->page_shift = conf->page_shift;
	vm->is_process = conf->is_process;
	vm->next_slot = SLOT_FIRST;
	TAILQ_INIT(&vm->traps);
	init_locks(vm);
	siov_atomic_fetch_add(&vmm->nb_vms, 1, relaxed);
	ret = make_parts(vm, conf);
	if (ret == 0)
		*out = vm;
	else
		destroy(vm);
	return ret;
}

int
siov_vm_free(struct siov_vm *vm)
{
	bool is_busy = false;
	unsigned int i;

	if (vm == NULL)
		return 0;
	pthread_mutex_lock(&vm->lock);
	for (i = 0; i < vm->nb_vcpus; i++)
		is_busy |= vm->vcpus[i]->is_entered;
	is_busy |= vm->stats.nb_vdevs != 0;
	pthread_mutex_unlock(&vm->lock);
	if (is_busy)
		return -EBUSY;
	/* Who has answered the last trap may still be at it. */
	pthread_mutex_lock(&vm->vmm->lock);
	pthread_mutex_unlock(&vm->vmm->lock);
	return destroy(vm);
}

const char *
siov_vm_name(const struct siov_vm *vm)
{
	return vm->name;
}

struct siov_gas *
siov_vm_gas(struct siov_vm *vm)
{
	return vm->gas;
}

struct siov_vcpu *
siov_vm_vcpu(struct siov_vm *vm, unsigned int i)
{
	return i < vm->nb_vcpus ? vm->vcpus[i] : NULL;
}

void *
siov_vm_ram(struct siov_vm *vm)
{
	return vm->ram;
}

uint64_t
siov_vm_ram_bytes(const struct siov_vm *vm)
{
	return vm->ram_bytes;
}

void
siov_vm_get_stats(struct siov_vm *vm, struct siov_vm_stats *stats)
{
	pthread_mutex_lock(&vm->lock);
	*stats = vm->stats;
	pthread_mutex_unlock(&vm->lock);
}

/* ---- where BARs are ---- */

/* The first range that ends behind gpa. */
static uint32_t
search(const struct siov_vm *vm, uint64_t gpa)
{
	uint32_t low = 0, high = vm->nb_ranges;

	while (low < high) {
		uint32_t mid = (low + high) / 2;

		if (vm->ranges[mid].gpa + vm->ranges[mid].bytes <= gpa)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

const struct bar_range *
vm_find_range(const struct siov_vm *vm, uint64_t gpa)
{
	uint32_t i = search(vm, gpa);

	return i < vm->nb_ranges && vm->ranges[i].gpa <= gpa ? &vm->ranges[i] : NULL;
}

/* Ranges never overlap: a BAR over memory, or over another that was there first, decodes nothing. */
static void
insert_range(struct siov_vm *vm, const struct bar_range *range)
{
	uint64_t end = range->gpa + range->bytes;
	uint32_t i = search(vm, range->gpa);

	if (end < range->gpa || (range->gpa < vm->ram_gpa + vm->ram_bytes && vm->ram_gpa < end) ||
	    (i < vm->nb_ranges && vm->ranges[i].gpa < end) || vm->nb_ranges == vm->nb_ranges_max)
		return;
	memmove(&vm->ranges[i + 1], &vm->ranges[i], (vm->nb_ranges - i) * sizeof(*range));
	vm->ranges[i] = *range;
	vm->nb_ranges++;
}

static void
remove_ranges(struct siov_vm *vm, uint32_t slot)
{
	uint32_t i, kept = 0;

	for (i = 0; i < vm->nb_ranges; i++) {
		if (vm->ranges[i].slot != slot)
			vm->ranges[kept++] = vm->ranges[i];
	}
	vm->nb_ranges = kept;
}

static bool
has_range(const struct siov_vm *vm, const struct bar_range *range)
{
	const struct bar_range *found = vm_find_range(vm, range->gpa);

	return found != NULL && found->gpa == range->gpa && found->slot == range->slot &&
	       found->bar == range->bar;
}

void
vm_update_ranges(struct siov_vm *vm, uint32_t slot)
{
	static const unsigned int bars[BARS] = {SIOV_VDEV_BAR0, SIOV_VDEV_BAR2};
	struct bar_range ranges[BARS];
	bool is_on[BARS] = {false}, is_same = true;
	unsigned int i;

	for (i = 0; i < BARS && vm->slots[slot] != NULL; i++) {
		ranges[i] = (struct bar_range){.slot = slot, .bar = bars[i]};
		is_on[i] =
			siov_vdev_bar(vm->slots[slot], bars[i], &ranges[i].gpa, &ranges[i].bytes);
	}
	pthread_mutex_lock(&vm->lock);
	for (i = 0; i < BARS; i++)
		is_same &= is_on[i] && has_range(vm, &ranges[i]);
	if (!is_same) {
		remove_ranges(vm, slot);
		for (i = 0; i < BARS; i++) {
			if (is_on[i])
				insert_range(vm, &ranges[i]);
		}
	}
	pthread_mutex_unlock(&vm->lock);
}

/* ---- slots ---- */

static int
route(void *arg, uint64_t msi_addr, uint32_t msi_data, struct siov_ir_entry *entry)
{
	struct siov_vm *vm = arg;
	uint32_t index = msi_addr >> 12 & 0xff;

	if (msi_addr != siov_vcpu_msi_addr(index) || index >= vm->nb_vcpus || msi_data < 16 ||
	    msi_data > 255)
		return -EINVAL;
	entry->pid = &vm->vcpus[index]->pid;
	entry->vector = (uint8_t)msi_data;
	return 0;
}

static const struct siov_vmm_ops ops = {.route = route};

/* Room for two more ranges, so that a trap never needs memory. Under `serving`. */
static int
grow_ranges(struct siov_vm *vm)
{
	uint32_t nb = RTE_MAX(16u, 2 * vm->nb_ranges_max);
	struct bar_range *ranges, *old;

	if (BARS * (vm->stats.nb_vdevs + 1) <= vm->nb_ranges_max)
		return 0;
	ranges = siov_mem_alloc(vm->vmm->mem, "siov_vm_ranges", nb * sizeof(*ranges),
				RTE_CACHE_LINE_SIZE, -1);
	if (ranges == NULL)
		return -ENOMEM;
	pthread_mutex_lock(&vm->lock);
	old = vm->ranges;
	if (old != NULL)
		memcpy(ranges, old, vm->nb_ranges * sizeof(*ranges));
	vm->ranges = ranges;
	vm->nb_ranges_max = nb;
	pthread_mutex_unlock(&vm->lock);
	siov_mem_free(vm->vmm->mem, old);
	return 0;
}

static uint32_t
find_slot(struct siov_vm *vm)
{
	uint32_t i, slot = vm->next_slot;

	for (i = SLOT_FIRST; i < SIOV_VM_VDEVS_MAX; i++) {
		if (vm->slots[slot] == NULL)
			break;
		slot = slot + 1 < SIOV_VM_VDEVS_MAX ? slot + 1 : SLOT_FIRST;
	}
	vm->next_slot = slot + 1 < SIOV_VM_VDEVS_MAX ? slot + 1 : SLOT_FIRST;
	return slot;
}

static void
set_slot(struct siov_vm *vm, uint32_t slot, struct siov_vdev *vdev)
{
	pthread_mutex_lock(&vm->lock);
	vm->slots[slot] = vdev;
	/* A range leads to a VDEV. */
	if (vdev == NULL)
		remove_ranges(vm, slot);
	vm->stats.nb_vdevs += vdev != NULL ? 1 : -UINT64_C(1);
	pthread_mutex_unlock(&vm->lock);
	vm_update_ranges(vm, slot);
}

/* Under `serving`. */
static int
plug(struct siov_vm *vm, const struct siov_vdev_conf *conf, uint32_t slot)
{
	struct siov_vdev_conf own = *conf;
	struct siov_vdev *vdev;
	int ret;

	ret = grow_ranges(vm);
	if (ret != 0)
		return ret;
	own.gas = vm->gas;
	own.ops = &ops;
	own.vmm = vm;
	own.rid = (uint16_t)(slot << 3);
	ret = siov_vdev_create(vm->vmm->vdcm, &own, &vdev);
	if (ret == 0)
		set_slot(vm, slot, vdev);
	return ret;
}

int
siov_vm_plug(struct siov_vm *vm, const struct siov_vdev_conf *conf, uint16_t *bdf)
{
	uint32_t slot;
	int ret = -ENOSPC;

	pthread_mutex_lock(&vm->serving);
	if (vm->stats.nb_vdevs < SIOV_VM_VDEVS_MAX - SLOT_FIRST) {
		slot = find_slot(vm);
		ret = plug(vm, conf, slot);
		*bdf = (uint16_t)(slot << 3);
	}
	pthread_mutex_unlock(&vm->serving);
	return ret;
}

int
vm_plug_at(struct siov_vm *vm, const struct siov_vdev_conf *conf, uint32_t slot)
{
	int ret = -EINVAL;

	pthread_mutex_lock(&vm->serving);
	if (slot >= SLOT_FIRST && slot < SIOV_VM_VDEVS_MAX && vm->slots[slot] == NULL)
		ret = plug(vm, conf, slot);
	pthread_mutex_unlock(&vm->serving);
	return ret;
}

static struct timespec
to_timespec(uint64_t ns)
{
	return (struct timespec){
		.tv_sec = (time_t)(ns / 1000000000),
		.tv_nsec = (long)(ns % 1000000000),
	};
}

static bool
is_opened(const struct siov_vm *vm, const struct siov_vdev *vdev)
{
	unsigned int i;

	for (i = 0; i < vm->nb_vcpus; i++) {
		if (vm->vcpus[i]->opens == vdev)
			return true;
	}
	return false;
}

/* No vCPU finds it any more: wait for those that have. 0 or -ETIMEDOUT. */
static int
await_opens(struct siov_vm *vm, const struct siov_vdev *vdev, uint64_t end_ns)
{
	const struct timespec end = to_timespec(end_ns);
	bool is_late = false;
	int ret;

	pthread_mutex_lock(&vm->lock);
	while (is_opened(vm, vdev) && !is_late)
		is_late = pthread_cond_timedwait(&vm->changed, &vm->lock, &end) != 0;
	ret = is_opened(vm, vdev) ? -ETIMEDOUT : 0;
	pthread_mutex_unlock(&vm->lock);
	return ret;
}

int
siov_vm_unplug(struct siov_vm *vm, uint16_t bdf, unsigned int timeout_ms)
{
	uint64_t end_ns = deadline_after(timeout_ms);
	uint32_t slot = bdf >> 3;
	struct siov_vdev *vdev;
	int ret;

	pthread_mutex_lock(&vm->serving);
	vdev = siov_vm_vdev(vm, bdf);
	if (vdev != NULL)
		set_slot(vm, slot, NULL);
	pthread_mutex_unlock(&vm->serving);
	if (vdev == NULL)
		return -ENOENT;
	ret = await_opens(vm, vdev, end_ns);
	if (ret == 0)
		ret = siov_vdev_destroy(vdev, timeout_ms);
	if (ret != 0) {
		pthread_mutex_lock(&vm->serving);
		set_slot(vm, slot, vdev);
		pthread_mutex_unlock(&vm->serving);
	}
	return ret;
}

void
siov_vm_refresh(struct siov_vm *vm, uint16_t bdf)
{
	pthread_mutex_lock(&vm->serving);
	if (siov_vm_vdev(vm, bdf) != NULL)
		vm_update_ranges(vm, bdf >> 3);
	pthread_mutex_unlock(&vm->serving);
}

struct siov_vdev *
siov_vm_vdev(struct siov_vm *vm, uint16_t bdf)
{
	uint32_t slot = bdf >> 3;

	return (bdf & 7) == 0 && slot < SIOV_VM_VDEVS_MAX ? vm->slots[slot] : NULL;
}

/* ---- pause ---- */

static void
set_must_exit(struct siov_vm *vm, uint32_t must_exit)
{
	unsigned int i;

	for (i = 0; i < vm->nb_vcpus; i++) {
		siov_atomic_store(&vm->vcpus[i]->must_exit, must_exit, release);
		if (must_exit)
			eventfd_write(siov_intr_fd(vm->vcpus[i]->dest), 1);
	}
}

static bool
is_anyone_inside(const struct siov_vm *vm)
{
	unsigned int i;

	for (i = 0; i < vm->nb_vcpus; i++) {
		if (vm->vcpus[i]->is_inside || vm->vcpus[i]->is_trapping)
			return true;
	}
	return false;
}

int
siov_vm_pause(struct siov_vm *vm, unsigned int timeout_ms)
{
	uint64_t end_ns = deadline_after(timeout_ms);
	const struct timespec end = to_timespec(end_ns);
	int ret = 0;

	pthread_mutex_lock(&vm->lock);
	vm->is_paused = true;
	set_must_exit(vm, 1);
	while (is_anyone_inside(vm) && ret == 0)
		ret = pthread_cond_timedwait(&vm->changed, &vm->lock, &end);
	ret = is_anyone_inside(vm) ? -ETIMEDOUT : 0;
	pthread_mutex_unlock(&vm->lock);
	if (ret != 0)
		siov_vm_unpause(vm);
	return ret;
}

void
siov_vm_unpause(struct siov_vm *vm)
{
	pthread_mutex_lock(&vm->lock);
	vm->is_paused = false;
	set_must_exit(vm, vm->is_stopped);
	pthread_cond_broadcast(&vm->changed);
	pthread_mutex_unlock(&vm->lock);
}

void
siov_vm_stop(struct siov_vm *vm)
{
	pthread_mutex_lock(&vm->lock);
	vm->is_stopped = true;
	set_must_exit(vm, 1);
	pthread_cond_broadcast(&vm->changed);
	pthread_mutex_unlock(&vm->lock);
}

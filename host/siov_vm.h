/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file
 * A virtual machine of the in-process VMM: memory, virtual processors, a PCI bus with VDEVs.
 *
 *     vCPU (its own thread)                               control lcore
 *     configuration access, intercepted page ── trap ──►  VMM ──► siov_vdev_read, _write
 *                                            ◄─ answer ─
 *     mapped page: plain load, store; portal: DMWr        (never asked)
 *     vectors ◄── posted-interrupt descriptor ◄── engines, VDCM
 *
 * What a vCPU sees is in siov_vcpu.h; a guest driver needs nothing else (siov_guest.h).
 *
 * A trap has one owner, its vCPU, which has one under way at most; VMs are served in turn, one trap
 * each. A trap that is not answered within 5 s reads as all ones, and is counted.
 *
 * Order of calls: siov_vdcm_create; siov_vm_create; siov_vm_plug; guests run on their vCPUs, each on
 * a thread; siov_vm_stop; siov_vm_unplug; siov_vm_free.
 *
 * Thread: control path, any thread but an engine's or a vCPU's; one at a time for each VM.
 *
 * Spec: 6.2, 8.2, 9.2 to 9.4.
 */
#ifndef SIOV_VM_H
#define SIOV_VM_H

#include "siov_cpu.h"
#include "siov_vdev.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SIOV_VM_VCPUS_MAX 64u /**< vCPUs of a VM */
#define SIOV_VM_VDEVS_MAX 8192u /**< VDEVs of a VM */
#define SIOV_VM_NAME_LEN 32u /**< with the terminating zero */

/** A VMM: what its VMs share. Opaque. */
struct siov_vmm;
/** A virtual machine; opaque. */
struct siov_vm;
struct siov_vcpu; /* siov_vcpu.h */

/**
 * Begin a VMM on the control lcore of a VDCM.
 *
 * @param loop where traps are served; NULL: each vCPU serves its own.
 * @return 0; -ENOMEM; an error of siov_loop_add().
 */
SIOV_API int siov_vmm_create(struct siov_vdcm *vdcm, struct siov_loop *loop,
			     const struct siov_mem *mem, struct siov_vmm **out);

/** How long a trap waits for its answer [ms], 1 to 60000; 5000 at first. */
SIOV_API void siov_vmm_set_timeout(struct siov_vmm *vmm, unsigned int timeout_ms);

/** @return 0; -EBUSY it has VMs. NULL is fine. */
SIOV_API int siov_vmm_free(struct siov_vmm *vmm);

/** What to create. */
struct siov_vm_conf {
	char name[SIOV_VM_NAME_LEN]; /**< for people */
	uint64_t ram_bytes; /**< multiple of 2 MiB; guest-physical addresses from 0 */
	/**
	 * The guest is a program of this process, as with VFIO: its devices reach all that the process may
	 * access, at its own addresses. ram_bytes is a multiple of 4 KiB, for its driver's state, at its
	 * own address too. It cannot be migrated.
	 */
	bool is_process;
	unsigned int page_shift; /**< largest page for devices, 12, 21 or 30; 0: 21 */
	unsigned int nb_vcpus; /**< 1 to SIOV_VM_VCPUS_MAX */
	struct siov_cpu
		*cpu; /**< one thread runs all its vCPUs, and others'; NULL: each has its own */
	int socket_id; /**< NUMA node of the memory, -1: any */
};

/** @return 0; -EINVAL; -ENOMEM; -ENOSPC cpus; an error of siov_gas_create(), _map(). */
SIOV_API int siov_vm_create(struct siov_vmm *vmm, const struct siov_vm_conf *conf,
			    struct siov_vm **out);

/** Free it with its memory. @return 0; -EBUSY a VDEV is plugged in, a vCPU runs; -ETIMEDOUT. */
SIOV_API int siov_vm_free(struct siov_vm *vm);

/** Its name, as given. */
SIOV_API const char *siov_vm_name(const struct siov_vm *vm);
/** Its guest address space. Owned by the VM. */
SIOV_API struct siov_gas *siov_vm_gas(struct siov_vm *vm);

/** vCPU @p i, or NULL. Owned by the VM. */
SIOV_API struct siov_vcpu *siov_vm_vcpu(struct siov_vm *vm, unsigned int i);

/** Memory. */
SIOV_API void *siov_vm_ram(struct siov_vm *vm);
/** Bytes of its memory. */
SIOV_API uint64_t siov_vm_ram_bytes(const struct siov_vm *vm);

/**
 * Put a VDEV into the next free slot of the bus.
 *
 * @param conf gas, rid, ops and vmm are set by this; the rest as of siov_vdev_create().
 * @param bdf where the guest finds it.
 * @return 0; -ENOSPC slots; an error of siov_vdev_create().
 */
SIOV_API int siov_vm_plug(struct siov_vm *vm, const struct siov_vdev_conf *conf, uint16_t *bdf);

/** Take it out and destroy it; the guest driver has let go. @return also -ENOENT. */
SIOV_API int siov_vm_unplug(struct siov_vm *vm, uint16_t bdf, unsigned int timeout_ms);

/** Look where a VDEV's BARs are: its state was restored. */
SIOV_API void siov_vm_refresh(struct siov_vm *vm, uint16_t bdf);

/** The VDEV at @p bdf, or NULL. */
SIOV_API struct siov_vdev *siov_vm_vdev(struct siov_vm *vm, uint16_t bdf);

/**
 * Have all vCPUs come out of their guests and wait outside. Traps under way are answered first, so
 * that no VDEV changes on behalf of a guest when this has returned 0.
 *
 * @return 0; -ETIMEDOUT a guest does not let go of a vCPU, or its trap is not answered: none is paused.
 * Thread: not the control lcore, which answers traps.
 */
SIOV_API int siov_vm_pause(struct siov_vm *vm, unsigned int timeout_ms);

/** Let them go on. Nothing happens if they are not paused. */
SIOV_API void siov_vm_unpause(struct siov_vm *vm);

/**
 * Have all vCPUs leave for good: siov_vcpu_poll() tells their guests' code to return. Paused ones
 * leave as well.
 */
SIOV_API void siov_vm_stop(struct siov_vm *vm);

/** Counters of a VM. */
struct siov_vm_stats {
	uint64_t nb_cfg_reads; /**< traps */
	uint64_t nb_cfg_writes; /**< traps */
	uint64_t nb_mmio_reads; /**< traps */
	uint64_t nb_mmio_writes; /**< traps */
	uint64_t nb_nowhere; /**< of addresses where nothing is */
	uint64_t nb_timeouts; /**< traps without answer in time */
	uint64_t nb_vdevs; /**< plugged in now */
};

/** Snapshot of its counters. */
SIOV_API void siov_vm_get_stats(struct siov_vm *vm, struct siov_vm_stats *stats);

/**
 * Log what vCPUs write (siov_vcpu_wrote), and what devices write, from all clean.
 *
 * @return 0; -ENOMEM; -ENOSYS a kernel without membarrier; or an error of siov_gas_log_start().
 */
SIOV_API int siov_vm_log_start(struct siov_vm *vm);

/** Fetch and forget pages written since, a bit for each 4 KiB. @return their number, or an error. */
SIOV_API int64_t siov_vm_log_fetch(struct siov_vm *vm, uint64_t *bitmap);
/** Log no more. @return as siov_gas_log_stop(). */
SIOV_API int siov_vm_log_stop(struct siov_vm *vm);

#ifdef __cplusplus
}
#endif

#endif /* SIOV_VM_H */

/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file
 * A virtual processor as code of a guest finds it: memory, configuration space, pages, portals,
 * vectors. Nothing else of the emulator can be reached from here.
 *
 *     siov_vcpu_enter ─► … guest code, siov_vcpu_poll every now and then … ─► siov_vcpu_leave
 *
 * Addresses are guest-physical. Memory is loaded and stored by pointers (siov_vcpu_ram); a guest says
 * what it has stored (siov_vcpu_wrote), which is what a processor's dirty bits are for. Pages of a
 * device that are memory are mapped once and loaded from then on (siov_vcpu_map); all others are
 * accessed by siov_vcpu_mmio_read and _write, which trap where the page's kind says so.
 *
 * Thread: one, between enter and leave. Functions that trap sleep until they are answered.
 *
 * Spec: 6.2, 9.3, 9.4.
 */
#ifndef SIOV_VCPU_H
#define SIOV_VCPU_H

#include "siov_vm_pasid.h"

#ifdef __cplusplus
extern "C" {
#endif

struct siov_vcpu;

/** What firmware tells of the machine. */
struct siov_vcpu_platform {
	uint64_t ram_gpa; /**< where memory is: 0, but in a process */
	uint64_t ram_bytes; /**< of it */
	uint64_t mmio_gpa; /**< where BARs of all devices can be put */
	uint64_t mmio_bytes; /**< room for BARs */
	uint32_t nb_vcpus; /**< of the machine */
	uint32_t index; /**< of this one: its interrupt destination id */
};

/** What firmware tells. */
SIOV_API void siov_vcpu_platform(struct siov_vcpu *vcpu, struct siov_vcpu_platform *platform);

/** Begin to run guest code on the calling thread. @return 0; -EBUSY a thread does; -ESHUTDOWN stopped. */
SIOV_API int siov_vcpu_enter(struct siov_vcpu *vcpu);

/** End it. */
SIOV_API void siov_vcpu_leave(struct siov_vcpu *vcpu);

/**
 * Be between two instructions: a VMM that wants to pause the guest does it here. A guest that never
 * comes here cannot be paused or migrated.
 *
 * @return false: the VM is to run here no longer; leave, touch nothing of it.
 * Thread: the vCPU's. A few loads; sleeps while the VM is paused.
 */
SIOV_API bool siov_vcpu_poll(struct siov_vcpu *vcpu);

/* ---- configuration space ---- */

/**
 * Read configuration space. Traps.
 *
 * @param bdf bus << 8 | device << 3 | function. @param width 1, 2 or 4; aligned.
 * @return the value; all ones: no device, or no such register.
 */
SIOV_API uint32_t siov_vcpu_cfg_read(struct siov_vcpu *vcpu, uint16_t bdf, unsigned int offset,
				     unsigned int width);
/** Write configuration space; as siov_vcpu_cfg_read(). What is not allowed is dropped. */
SIOV_API void siov_vcpu_cfg_write(struct siov_vcpu *vcpu, uint16_t bdf, unsigned int offset,
				  unsigned int width, uint32_t value);

/** Where firmware, or a hot-plug slot, lets the BARs of a device be. @return false: no device. */
SIOV_API bool siov_vcpu_slot(struct siov_vcpu *vcpu, uint16_t bdf, uint64_t *gpa, uint64_t *bytes);

/* ---- memory and pages ---- */

/** Memory at [gpa, gpa + len); NULL: it is not all memory. */
SIOV_API void *siov_vcpu_ram(struct siov_vcpu *vcpu, uint64_t gpa, uint64_t len);

/** [gpa, gpa + len) of memory was stored to. After the store. Any vCPU. Cheap. */
SIOV_API void siov_vcpu_wrote(struct siov_vcpu *vcpu, uint64_t gpa, uint64_t len);

/**
 * Map pages of a device's BAR that are memory: loads, and with @p is_written stores, without trap.
 *
 * @return where; NULL: they trap, or are written to a page that is read only. It stays until the
 *         guest moves the BAR or the device goes.
 */
SIOV_API void *siov_vcpu_map(struct siov_vcpu *vcpu, uint64_t gpa, uint64_t len, bool is_written);

/**
 * Load from, or store to, any page of a device. Traps where the page's kind says so.
 *
 * @param width 1, 2, 4 or 8; aligned.
 * @return the value; all ones where nothing is, and of portals, which drop plain stores too.
 */
SIOV_API uint64_t siov_vcpu_mmio_read(struct siov_vcpu *vcpu, uint64_t gpa, unsigned int width);
/** Store to a page; as siov_vcpu_mmio_read(). */
SIOV_API void siov_vcpu_mmio_write(struct siov_vcpu *vcpu, uint64_t gpa, unsigned int width,
				   uint64_t value);

/**
 * Map a portal page in a context of this vCPU.
 *
 * @param pasid IA32_PASID of the context: a guest PASID; UINT32_MAX: none, for MOVDIR64B.
 * @return 0; -EINVAL no portal page; -EBUSY it is mapped by another context and its queue is
 *         dedicated; -ENOMEM. For siov_vm_enqcmd(), siov_vm_movdir64b().
 */
SIOV_API int siov_vcpu_portal_open(struct siov_vcpu *vcpu, uint64_t gpa, uint32_t pasid,
				   struct siov_vm_portal **portal);
/** Unmap it. */
SIOV_API void siov_vcpu_portal_close(struct siov_vcpu *vcpu, struct siov_vm_portal *portal);

/* ---- interrupts ---- */

/** Message address that interrupts vCPU @p index; its data is the vector, 16 to 255. */
static inline uint64_t
siov_vcpu_msi_addr(uint32_t index)
{
	return UINT64_C(0xfee00000) | (uint64_t)(index & 0xff) << 12;
}

/** Take the highest pending vector. @return 0 to 255; -1: none. No trap. */
SIOV_API int siov_vcpu_take(struct siov_vcpu *vcpu);

/**
 * Sleep until a vector is pending, the VM is paused or stopped (siov_vcpu_poll tells which).
 *
 * @param timeout_ms longest sleep; -1: none.
 * @return 0; -ETIMEDOUT.
 */
SIOV_API int siov_vcpu_wait(struct siov_vcpu *vcpu, int timeout_ms);

#ifdef __cplusplus
}
#endif

#endif /* SIOV_VCPU_H */

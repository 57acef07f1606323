/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * VMs inside. Locks, in the order in which they are taken:
 *
 *     serving (of a VM)  while a trap is served, and while VDEVs come and go
 *     lock (of a VM)     where BARs are, who is inside; for short
 *     lock (of the VMM)  traps that wait
 *
 * The VDCM's lock comes after `serving`; with the two others it is never taken.
 */
#ifndef VM_PRIV_H
#define VM_PRIV_H

#include <pthread.h>

#include "pci_cfg.h"
#include "siov_posted.h"
#include "siov_vcpu.h"
#include "siov_vm.h"
#include "vdcm_priv.h"

#define MMIO_GPA (UINT64_C(1) << 40)
#define SLOT_BYTES (UINT64_C(256) << 20) /* of the window of each slot */
#define SLOT_FIRST 1u /* slot 0 is the machine's own */
#define PAGE_SHIFT 12u
#define PAGE_BYTES (UINT64_C(1) << PAGE_SHIFT)

enum trap_op { TRAP_CFG_READ, TRAP_CFG_WRITE, TRAP_MMIO_READ, TRAP_MMIO_WRITE };

enum trap_state {
	TRAP_NONE,
	TRAP_WAITING, /* in its VM's list */
	TRAP_TAKEN, /* being served */
	TRAP_DONE,
};

struct trap {
	enum trap_op op;
	uint16_t bdf;
	uint64_t at; /* offset, or address */
	unsigned int width;
	uint64_t value;
	SIOV_ATOMIC(uint32_t) state; /* enum trap_state */
	SIOV_ATOMIC(uint32_t) is_asleep; /* its vCPU waits on its eventfd */
};

struct siov_vcpu {
	/* shared: written by control now and then */
	SIOV_ATOMIC(uint32_t) must_exit __rte_cache_aligned;
	/* const after create */
	struct siov_vm *vm;
	uint32_t index;
	int fd; /* wakes it from a trap */
	struct siov_intr_dest *dest;
	/* owner: its thread */
	struct siov_cpu *cpu; /* NULL: none so far */
	bool owns_cpu;
	/* under the VM's lock */
	bool is_entered;
	bool is_inside; /* runs the guest's code */
	bool is_trapping; /* a VDEV is called for it */
	const struct siov_vdev *opens; /* a portal of it: it is not taken apart meanwhile */
	/* its thread's, or control's while it is outside: vectors that came with it */
	uint64_t injected[4];
	/* a trap is the vCPU's, then the server's, then the vCPU's */
	TAILQ_ENTRY(siov_vcpu) trap_entry;
	struct trap trap;
	/* written by engines */
	struct siov_pid_desc pid __rte_cache_aligned;
};

TAILQ_HEAD(vcpus, siov_vcpu);
TAILQ_HEAD(vms, siov_vm);

/* A BAR that decodes. */
struct bar_range {
	uint64_t gpa, bytes;
	uint32_t slot;
	uint32_t bar;
};

struct siov_vm {
	/* const after create */
	struct siov_vmm *vmm;
	char name[SIOV_VM_NAME_LEN];
	struct siov_gas *gas;
	bool is_process; /* its devices reach all of this process */
	uint8_t *ram;
	uint64_t ram_gpa, ram_bytes;
	unsigned int page_shift;
	unsigned int nb_vcpus;
	struct siov_vcpu *vcpus[SIOV_VM_VCPUS_MAX];
	pthread_mutex_t serving;
	struct siov_vdev **slots; /* SIOV_VM_VDEVS_MAX; changed with both locks */
	uint32_t next_slot;
	/* under the lock */
	pthread_mutex_t lock;
	pthread_cond_t changed; /* is_paused, is_stopped; of its vCPUs: where they are */
	bool is_paused, is_stopped;
	struct bar_range *ranges; /* by gpa */
	uint32_t nb_ranges, nb_ranges_max;
	struct siov_vm_stats stats;
	SIOV_ATOMIC(uint8_t *) log; /* a byte for each page that a vCPU has written; NULL: no log */
	uint8_t *log_bytes; /* its memory, kept */
	/* under the VMM's lock */
	TAILQ_ENTRY(siov_vm) entry;
	bool is_waiting;
	struct vcpus traps;
};

struct siov_vmm {
	const struct siov_mem *mem;
	struct siov_vdcm *vdcm;
	struct siov_loop *loop;
	struct siov_loop_source *source;
	SIOV_ATOMIC(uint32_t) timeout_ms;
	pthread_mutex_t lock;
	struct vms waiting; /* VMs with traps, in turn */
	SIOV_ATOMIC(uint32_t) nb_vms;
};

/* trap.c: have a trap served, and wait for it. */
void trap_do(struct siov_vcpu *vcpu);

/* trap.c: the VMM's turn on the control lcore. */
enum siov_loop_next trap_serve(void *arg);

/* vm.c: what lies at an address. Under the lock. NULL: nothing. */
const struct bar_range *vm_find_range(const struct siov_vm *vm, uint64_t gpa);

/* vm.c: bring the BARs of a slot up to date. Under `serving`. */
void vm_update_ranges(struct siov_vm *vm, uint32_t slot);

/* vcpu.c */
int vcpu_create(struct siov_vm *vm, uint32_t index, struct siov_cpu *cpu);
void vcpu_free(struct siov_vcpu *vcpu);

/*
 * vcpu.c: out of the guest's code, to have a VDEV called or not, and in again, which waits while the
 * VM is paused. vcpu_resume() returns whether the VM is to run on.
 */
void vcpu_exit(struct siov_vcpu *vcpu, bool is_trapping);
bool vcpu_resume(struct siov_vcpu *vcpu);

#endif /* VM_PRIV_H */

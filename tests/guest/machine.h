/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file
 * A whole host with one VM: functions with engines, VDCM, control loop, VMM. The test's thread runs the
 * guest.
 *
 *     struct machine *machine = machine_open(NULL);
 *     uint16_t bdf = machine_plug(machine, "mixed", 2);
 *     struct siov_vcpu *vcpu = machine_enter(machine, 0);
 *     … guest code …
 *     machine_leave(machine, 0);
 *     machine_unplug(machine, bdf);
 *     machine_close(machine);                asserts that nothing is left
 */
#ifndef MACHINE_H
#define MACHINE_H

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fake_mem.h"
#include "siov_dev_adi.h"
#include "siov_ir.h"
#include "siov_pci.h"
#include "siov_vcpu.h"
#include "siov_vm.h"

#define MACHINE_FNS 2u
#define MACHINE_DWQS 4u /**< dedicated queues of each function; queue 0 is shared */
#define MACHINE_VCPUS 3u
#define MACHINE_RAM (UINT64_C(4) << 20)
#define MACHINE_WAIT_MS 20000u /**< patience with things that must happen */

struct machine_engine {
	pthread_t thread;
	struct siov_engine *engine;
	const SIOV_ATOMIC(uint32_t) *stop;
};

struct machine {
	struct fake_mem fm;
	struct siov_iommu *iommu;
	struct siov_ir *ir;
	struct siov_dev *devs[MACHINE_FNS];
	struct siov_hostdrv *drvs[MACHINE_FNS];
	struct siov_pci *pci;
	struct machine_engine engines[MACHINE_FNS];
	SIOV_ATOMIC(uint32_t) stop;
	bool has_engines;
	struct siov_loop *loop;
	struct siov_loop_source *sources[MACHINE_FNS];
	pthread_t control;
	struct siov_vdcm *vdcm;
	struct siov_vmm *vmm;
	struct siov_vm *vm;
	uint8_t *ram; /**< MACHINE_RAM bytes at guest-physical address 0 */
};

/** Change what a function is to be; NULL: shared queue 0 of 64 entries, the others dedicated. */
typedef void (*machine_conf)(struct siov_dev_conf *conf);

struct machine *machine_open(machine_conf change);
void machine_close(struct machine *machine);

/** Plug in a VDEV of a type, which must work; its BDF. */
uint16_t machine_plug(struct machine *machine, const char *type, uint32_t nb_dwqs);

/** The same with more of a configuration; type and queues are set by it. */
uint16_t machine_plug_conf(struct machine *machine, struct siov_vdev_conf *conf, const char *type,
			   uint32_t nb_dwqs);
void machine_unplug(struct machine *machine, uint16_t bdf);

struct siov_vcpu *machine_enter(struct machine *machine, unsigned int i);
void machine_leave(struct machine *machine, unsigned int i);

/** Traps of the VM so far: configuration space, pages of devices. */
uint64_t machine_traps(struct machine *machine);

/** Give the CPU away for about a millisecond. */
void machine_nap(void);

#endif /* MACHINE_H */

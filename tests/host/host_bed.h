/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file
 * Host software over one or two functions of one platform: each has queue 0 shared, and dedicated ones of
 * nobody. Engines run on threads, and so does the control lcore if it is asked for. No EAL.
 *
 *     struct host_bed *bed = host_bed_open(NULL);
 *     … bed->vdcm, bed->vmm …
 *     host_bed_close(bed);          asserts that nothing is left
 */
#ifndef HOST_BED_H
#define HOST_BED_H

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fake_mem.h"
#include "siov_vcpu.h"
#include "siov_vm.h"

#define HOST_BED_FNS 2u
#define HOST_BED_DWQS 4u /* of each function */
#define HOST_BED_MS 20000u /* patience with what must happen */
#define HOST_BED_RID 0x0142
#define HOST_BED_RAM (UINT64_C(4) << 20) /* of a VM */

struct host_bed_conf {
	unsigned int nb_fns; /* 1 or 2 */
	bool has_loop; /* a control lcore */
	bool has_no_ims;
	uint64_t page_bytes;
	uint32_t xfer_max[HOST_BED_FNS]; /* of queues; 0: as they are */
	enum siov_dev_profile profile[HOST_BED_FNS];
	uint32_t nb_adis; /* of each function; 0: 64 */
};

struct host_bed {
	struct fake_mem fm;
	struct siov_iommu *iommu;
	struct siov_ir *ir;
	unsigned int nb_fns;
	struct siov_dev *devs[HOST_BED_FNS];
	struct siov_pci *pci;
	struct siov_hostdrv *drvs[HOST_BED_FNS];
	struct siov_loop *loop;
	struct siov_loop_source *sources[HOST_BED_FNS];
	struct siov_vdcm *vdcm;
	struct siov_vmm *vmm;
	pthread_t engines[HOST_BED_FNS];
	pthread_t control;
	bool is_running[HOST_BED_FNS];
	SIOV_ATOMIC(uint32_t) stop[HOST_BED_FNS];
};

/** @p conf NULL: one function, no control lcore. */
struct host_bed *host_bed_open(const struct host_bed_conf *conf);
void host_bed_close(struct host_bed *bed);

/** Start or stop the engine of a function. */
void host_bed_start(struct host_bed *bed, unsigned int fn);
void host_bed_stop(struct host_bed *bed, unsigned int fn);

/** A VM of HOST_BED_RAM bytes. */
struct siov_vm *host_bed_vm(struct host_bed *bed, unsigned int nb_vcpus);

/** A VDEV of a type by name in a VM; where it is. */
uint16_t host_bed_plug(struct siov_vm *vm, const char *type, uint32_t nb_dwqs);

/** Take it out again. */
void host_bed_unplug(struct siov_vm *vm, uint16_t bdf);

/** Give the CPU away for about a millisecond. */
void host_bed_nap(void);

#endif /* HOST_BED_H */

/* SPDX-License-Identifier: BSD-3-Clause */
/* Host software over one or two functions: a control lcore, a VDCM, a VM with guest drivers. */
#ifndef BENCH_HOST_H
#define BENCH_HOST_H

#include "siov_guest.h"
#include "siov_vm.h"

#define BENCH_HOST_FNS 2u
#define BENCH_HOST_RAM (UINT64_C(128) << 20)
#define BENCH_HOST_STATES UINT64_C(0x1000000) /* pages of guest drivers in it, from here on */

struct bench_host {
	struct siov_iommu *iommu;
	struct siov_ir *ir;
	unsigned int nb_fns;
	struct siov_dev *devs[BENCH_HOST_FNS];
	struct siov_pci *pci;
	struct siov_hostdrv *drvs[BENCH_HOST_FNS];
	struct siov_loop *loop;
	struct siov_loop_source *sources[BENCH_HOST_FNS];
	unsigned int control_lcore;
	bool has_engines;
	struct siov_vdcm *vdcm;
	struct siov_vmm *vmm;
	struct siov_vm *vm;
	struct siov_vcpu *vcpu; /* entered by the calling lcore */
	uint8_t *ram;
	SIOV_ATOMIC(uint32_t) stop __attribute__((aligned(64)));
	SIOV_ATOMIC(uint32_t) naps; /* idle engines give their CPU away */
};

/*
 * Everything up to a VM whose only vCPU the calling lcore has entered. The control lcore runs on
 * control_lcore; engines of all functions on the engine's, unless the control lcore is there. False: it
 * is to be closed all the same.
 */
bool bench_host_open(struct bench_host *host, unsigned int nb_fns, unsigned int control_lcore);
/* The same without VM. */
bool bench_host_open_platform(struct bench_host *host, unsigned int nb_fns,
			      unsigned int control_lcore);
void bench_host_close(struct bench_host *host);

/* A VDEV with a guest driver, whose state is page n of those. NULL: it failed. */
struct siov_guest *bench_host_guest(struct bench_host *host, const char *type, uint32_t n,
				    uint16_t *bdf);

/* End both. */
bool bench_host_end(struct bench_host *host, struct siov_guest *guest, uint16_t bdf);

#endif /* BENCH_HOST_H */

/* SPDX-License-Identifier: BSD-3-Clause */
/* A host driver, inside. */
#ifndef HOSTDRV_PRIV_H
#define HOSTDRV_PRIV_H

#include <pthread.h>

#include <rte_common.h>

#include "siov_hostdrv.h"

#define HOSTDRV_TYPES_MAX 16u

struct siov_hostdrv {
	const struct siov_mem *mem;
	struct siov_pci *pci;
	unsigned int fn;
	struct siov_hostdrv_caps caps;
	struct siov_hostdrv_type types[HOSTDRV_TYPES_MAX];
	pthread_mutex_t lock;
	struct siov_hostdrv_generation gen; /* under the lock */
	uint64_t shared; /* queues that are, a mask */
	/* offsets of capabilities in configuration space; 0: not there */
	uint16_t express, msix, pasid, ats, pri, siov, vendor;
};

/* All that a device has. */
struct siov_hostdrv_generation hostdrv_most(const struct siov_hostdrv_caps *caps);

#endif /* HOSTDRV_PRIV_H */

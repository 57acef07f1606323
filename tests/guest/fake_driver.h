/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file
 * The driver on a vCPU that is faked, and what it has told.
 */
#ifndef FAKE_DRIVER_H
#define FAKE_DRIVER_H

#include "fake_vcpu.h"

#define VECTOR 48
#define STATE 0x2000u /**< page of the driver, in the guest's memory */
#define PASID 77u

/** What the driver told. */
struct told {
	unsigned int nb_interrupts[SIOV_GUEST_WQS_MAX];
	unsigned int nb_halts, nb_handles, nb_errors, nb_pages;
	uint8_t code;
	uint64_t addr;
	struct siov_vcpu *vcpu;
	bool halts_again; /* while it is told of the halt */
};

/** Callbacks that count into @p told; NULL: none. */
struct siov_guest_conf conf_of(struct told *told);

int probe(struct siov_vcpu *vcpu, struct siov_guest **guest);

/** A probe that must work. */
struct siov_guest *must_probe(struct siov_vcpu *vcpu, struct told *told);

#endif /* FAKE_DRIVER_H */

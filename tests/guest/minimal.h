/* SPDX-License-Identifier: BSD-3-Clause */
/** @file The least that a guest needs to drive a VDEV; guest/README.md goes through it. */
#ifndef MINIMAL_H
#define MINIMAL_H

#include "siov_vcpu.h"

/**
 * Find the device, copy @p len bytes of the guest's memory, and take the interrupt of its end.
 *
 * @return the vector that came; -1: something did not work.
 */
int minimal_copy(struct siov_vcpu *vcpu, uint16_t bdf, uint64_t dst, uint64_t src, uint32_t len);

#endif /* MINIMAL_H */

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Drain descriptors: done when everything of the same PASID that was accepted by the queue before
 * has ended.
 *
 *     lane after lane: its head has passed what was published ──► a grace period: bursts taken out
 *     are worked off ──► no engine of the queue has anything of the PASID set aside
 *
 * Lanes are looked at one after the other, so a drain waits for a little more than it has to. What
 * the PASID's own threads go on to set aside while it drains makes it wait longer; nobody else's
 * does.
 *
 * Reference: Intel DSA, drain descriptor.
 */
#ifndef DRAIN_PRIV_H
#define DRAIN_PRIV_H

#include <stdbool.h>
#include <stdint.h>

struct drain {
	uint64_t target; /* of the lane that is looked at */
	uint64_t token; /* of the grace period */
	uint32_t lane; /* that is looked at */
	bool has_target;
	bool has_token;
};

#endif /* DRAIN_PRIV_H */

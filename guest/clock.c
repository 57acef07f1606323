/* SPDX-License-Identifier: BSD-3-Clause */
/* Time as the driver has it: for time-outs only. */
#include <sched.h>
#include <time.h>

#include "guest_priv.h"

#define SPINS 100u /* rounds that take no time: most commands end before */
#define YIELDS 1000u /* then rounds that let other threads run; then sleeps */

uint64_t
guest_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

void
guest_pause(struct siov_vcpu *vcpu, unsigned int rounds)
{
	if (rounds < SPINS)
		return;
	/* A vector that is pending ends the sleep at once: so it yields, too. */
	sched_yield();
	if (rounds >= SPINS + YIELDS)
		siov_vcpu_wait(vcpu, 1);
}

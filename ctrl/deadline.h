/* SPDX-License-Identifier: BSD-3-Clause */
/* When what begins now is given up. */
#ifndef DEADLINE_H
#define DEADLINE_H

#include <stdint.h>
#include <time.h>

/* Monotonic time [ns]. */
static inline uint64_t
clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static inline uint64_t
deadline_after(unsigned int timeout_ms)
{
	return clock_ns() + UINT64_C(1000000) * timeout_ms;
}

#endif /* DEADLINE_H */

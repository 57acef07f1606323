/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * SWEEP: the values that one figure takes, one after the other.
 *
 *     v               one value
 *     a,b,c           a list
 *     min:step:max    min, min + step, ... up to max
 *     min:*k:max      min, min * k, ... up to max
 *
 * Each number may end in k, M or G.
 */
#ifndef SWEEP_H
#define SWEEP_H

#include <stdint.h>

#define SWEEP_MAX 64u /* values of one sweep */

struct sweep {
	uint64_t v[SWEEP_MAX];
	unsigned int nb;
};

/* What numbers are allowed; k is 1000 or 1024. */
struct sweep_limits {
	uint64_t min;
	uint64_t max;
	unsigned int k;
};

/*
 * Parse one number with its optional suffix; the whole text must be used up.
 * Returns 0, -EINVAL (no number), -ERANGE (outside the limits).
 */
int number_parse(const char *text, const struct sweep_limits *limits, uint64_t *out);

/* Parse SWEEP. Returns 0, -EINVAL (grammar), -ERANGE (a number), -E2BIG (more than SWEEP_MAX). */
int sweep_parse(const char *text, const struct sweep_limits *limits, struct sweep *out);

#endif /* SWEEP_H */

/* SPDX-License-Identifier: BSD-3-Clause */
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "sweep.h"

#define TEXT_MAX 64u /* one number */

static unsigned int
suffix_power(char c)
{
	switch (c) {
	case 'k':
	case 'K':
		return 1;
	case 'M':
		return 2;
	case 'G':
		return 3;
	default:
		return 0;
	}
}

int
number_parse(const char *text, const struct sweep_limits *limits, uint64_t *out)
{
	unsigned int power;
	uint64_t value;
	char *end;

	/* strtoull would take a sign, and wrap. */
	if (!isdigit((unsigned char)text[0]))
		return -EINVAL;
	errno = 0;
	value = strtoull(text, &end, text[0] == '0' && text[1] == 'x' ? 16 : 10);
	if (errno != 0)
		return -ERANGE;
	power = suffix_power(*end);
	if (end[power != 0] != '\0')
		return -EINVAL;
	for (; power > 0; power--) {
		if (value > UINT64_MAX / limits->k)
			return -ERANGE;
		value *= limits->k;
	}
	if (value < limits->min || value > limits->max)
		return -ERANGE;
	*out = value;
	return 0;
}

static int
parse_part(const char *text, size_t len, const struct sweep_limits *limits, uint64_t *out)
{
	char part[TEXT_MAX];

	if (len >= sizeof(part))
		return -EINVAL;
	memcpy(part, text, len);
	part[len] = '\0';
	return number_parse(part, limits, out);
}

static int
parse_list(const char *text, const struct sweep_limits *limits, struct sweep *out)
{
	for (;;) {
		size_t len = strcspn(text, ",");
		int ret;

		if (out->nb == SWEEP_MAX)
			return -E2BIG;
		ret = parse_part(text, len, limits, &out->v[out->nb]);
		if (ret != 0)
			return ret;
		out->nb++;
		if (text[len] == '\0')
			return 0;
		text += len + 1;
	}
}

/* min, then every value that the step makes of it. */
static int
expand(uint64_t min, uint64_t step, uint64_t max, bool multiplies, struct sweep *out)
{
	uint64_t v = min;

	for (;;) {
		if (out->nb == SWEEP_MAX)
			return -E2BIG;
		out->v[out->nb++] = v;
		if (multiplies ? v > max / step : v > max - step)
			return 0;
		v = multiplies ? v * step : v + step;
	}
}

static int
parse_range(const char *text, const struct sweep_limits *limits, struct sweep *out)
{
	const char *step_at = strchr(text, ':') + 1;
	const char *max_at = strchr(step_at, ':');
	bool multiplies = *step_at == '*';
	struct sweep_limits step_limits = {.min = multiplies ? 2 : 1, .k = limits->k};
	uint64_t min, step, max;
	int ret;

	if (max_at == NULL)
		return -EINVAL;
	step_limits.max = UINT64_MAX;
	ret = parse_part(text, (size_t)(step_at - 1 - text), limits, &min);
	if (ret != 0)
		return ret;
	step_at += multiplies;
	ret = parse_part(step_at, (size_t)(max_at - step_at), &step_limits, &step);
	if (ret != 0)
		return ret;
	ret = number_parse(max_at + 1, limits, &max);
	if (ret != 0)
		return ret;
	if (min > max || (multiplies && min == 0) || (!multiplies && step > max))
		return -EINVAL;
	return expand(min, step, max, multiplies, out);
}

int
sweep_parse(const char *text, const struct sweep_limits *limits, struct sweep *out)
{
	struct sweep sweep = {.nb = 0};
	int ret;

	if (strchr(text, ':') != NULL)
		ret = parse_range(text, limits, &sweep);
	else
		ret = parse_list(text, limits, &sweep);
	if (ret == 0)
		*out = sweep;
	return ret;
}

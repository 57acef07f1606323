/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "dev_conf_priv.h"

int
conf_refuse(const struct conf_reason *why, int ret, const char *fmt, ...)
{
	va_list args;

	if (why->text == NULL || why->len == 0)
		return ret;
	va_start(args, fmt);
	vsnprintf(why->text, why->len, fmt, args);
	va_end(args);
	return ret;
}

int
conf_check_fields(const struct conf_reason *why, const char *whose, const void *conf,
		  const struct conf_field *fields, unsigned int nb_fields)
{
	unsigned int i;

	for (i = 0; i < nb_fields; i++) {
		uint32_t value;

		memcpy(&value, (const char *)conf + fields[i].offset, sizeof(value));
		if (value < fields[i].min || value > fields[i].max)
			return conf_refuse(why, -ERANGE,
					   "%s%s %" PRIu32 ": allowed is %" PRIu32 " to %" PRIu32,
					   whose, fields[i].name, value, fields[i].min,
					   fields[i].max);
	}
	return 0;
}

bool
conf_is_label(const char *text, size_t len)
{
	size_t i;

	for (i = 0; i < len && text[i] != '\0'; i++) {
		if (text[i] < ' ' || text[i] > '~')
			return false;
	}
	return i < len;
}

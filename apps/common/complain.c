/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stdio.h>

#include "complain.h"

/* One write for the whole line: threads do not mix theirs. */
static const char *place = "";

void
complain_in(const char *where)
{
	place = where;
}

static void
print_line(const char *head, const char *fmt, va_list args)
{
	char text[1024];

	vsnprintf(text, sizeof(text), fmt, args);
	fprintf(stderr, PROGRAM ": %s%s%s\n", place, head, text);
}

int
complain(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	print_line("", fmt, args);
	va_end(args);
	return -1;
}

void
warn(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	print_line("warning: ", fmt, args);
	va_end(args);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* What goes to stderr: errors and warnings, each one line, after the program's name, PROGRAM. */
#ifndef COMPLAIN_H
#define COMPLAIN_H

#include <rte_common.h>

/* Print one line. Always returns -1, so that callers can return it. Thread: any. */
int complain(const char *fmt, ...) __rte_format_printf(1, 2);

/* Begin each further line with where, which stays the caller's; "": no more. Thread: main. */
void complain_in(const char *where);

/* Print one line that starts with "warning:". Thread: any. */
void warn(const char *fmt, ...) __rte_format_printf(1, 2);

#endif /* COMPLAIN_H */

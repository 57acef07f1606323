/* SPDX-License-Identifier: BSD-3-Clause */
/* What became of every packet: flow by flow, as a table or as JSON. */
#ifndef REPORT_H
#define REPORT_H

#include "forward.h"
#include "lcores.h"

struct report {
	const struct options *opts;
	const struct forward *forward;
	const struct lcores *lcores;
	bool no_huge;
};

/* Complain unless each flow's counts add up, and nothing failed or was lost. 0 or -1. */
int report_check(const struct report *report);

/* Print the report where the options say. 0 or -1 after one line. */
int report_print(const struct report *report);

#endif /* REPORT_H */

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which lcore does what: the main one sleeps, one forwards, and one copies (not of a dmadev, which
 * has its own ways).
 */
#ifndef LCORES_H
#define LCORES_H

#include <stdbool.h>

#include "options.h"

#define LCORES_TEXT 64u

struct lcores {
	unsigned int main;
	unsigned int forward;
	unsigned int copy; /* RTE_MAX_LCORE: none */
	bool are_shared; /* the two poll on the same CPU */
};

/* Choose them before EAL starts, with text for --lcores. 0 or -1 after one line. */
int lcores_plan(const struct options *o, struct lcores *lcores, char *text);

/* Find them among EAL's. 0 or -1 after one line. */
int lcores_resolve(const struct options *o, struct lcores *lcores);

#endif /* LCORES_H */

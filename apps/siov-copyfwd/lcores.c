/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>

#include <rte_lcore.h>

#include "complain.h"
#include "cpus.h"
#include "lcores.h"

static bool
has_copy_lcore(const struct options *o)
{
	return o->copy != COPY_DMADEV;
}

int
lcores_plan(const struct options *o, struct lcores *lcores, char *text)
{
	unsigned int cpus[RTE_MAX_LCORE];
	unsigned int nb = cpus_list(cpus, RTE_MAX_LCORE);
	unsigned int forward = o->fwd_core >= 0 ? (unsigned int)o->fwd_core : 1;
	unsigned int copy = o->copy_core >= 0 ? (unsigned int)o->copy_core : 2;
	int len;

	if (nb == 0)
		return complain("the CPUs of this process cannot be listed");
	/* A default gives way to what was asked for. */
	for (; o->fwd_core < 0 && forward == copy; forward++)
		;
	for (; o->copy_core < 0 && forward == copy; copy++)
		;
	for (lcores->main = 0; lcores->main == forward || lcores->main == copy; lcores->main++)
		;
	len = snprintf(text, LCORES_TEXT, "%u@%u,%u@%u", lcores->main, cpus[0], forward, cpus[0]);
	if (has_copy_lcore(o))
		snprintf(text + len, LCORES_TEXT - (size_t)len, ",%u@%u", copy,
			 cpus[nb > 1 ? 1 : 0]);
	return 0;
}

static int
take(int given, const char *option, unsigned int other, unsigned int *out)
{
	unsigned int lcore;

	if (given >= 0 &&
	    (!rte_lcore_is_enabled((unsigned int)given) ||
	     (unsigned int)given == rte_get_main_lcore() || (unsigned int)given == other))
		return complain("%s=%d: allowed: EAL's lcores without the main lcore %u", option,
				given, rte_get_main_lcore());
	RTE_LCORE_FOREACH_WORKER(lcore) {
		if (given >= 0 ? lcore == (unsigned int)given : lcore != other) {
			*out = lcore;
			return 0;
		}
	}
	return complain("too few lcores: %u; needed: the main one and one each to forward and to "
			"copy; EAL's --lcores or -l gives more",
			rte_lcore_count());
}

int
lcores_resolve(const struct options *o, struct lcores *lcores)
{
	unsigned int other = o->copy_core >= 0 ? (unsigned int)o->copy_core : RTE_MAX_LCORE;

	lcores->main = rte_get_main_lcore();
	lcores->copy = RTE_MAX_LCORE;
	if (take(o->fwd_core, "--fwd-core", other, &lcores->forward) != 0)
		return -1;
	if (!has_copy_lcore(o))
		return 0;
	if (take(o->copy_core, "--copy-core", lcores->forward, &lcores->copy) != 0)
		return -1;
	lcores->are_shared = cpus_are_shared(lcores->forward, lcores->copy);
	return 0;
}

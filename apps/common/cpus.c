/* SPDX-License-Identifier: BSD-3-Clause */
#include <sched.h>
#include <stdio.h>

#include <rte_lcore.h>

#include "cpus.h"

unsigned int
cpus_list(unsigned int *cpus, unsigned int max)
{
	unsigned int i, nb = 0;
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) != 0)
		return 0;
	for (i = 0; i < CPU_SETSIZE && nb < max; i++) {
		if (CPU_ISSET(i, &set))
			cpus[nb++] = i;
	}
	return nb;
}

bool
cpus_are_shared(unsigned int lcore_a, unsigned int lcore_b)
{
	rte_cpuset_t set_a = rte_lcore_cpuset(lcore_a), set_b = rte_lcore_cpuset(lcore_b);
	unsigned int i;

	for (i = 0; i < CPU_SETSIZE; i++) {
		if (CPU_ISSET(i, &set_a) && CPU_ISSET(i, &set_b))
			return true;
	}
	return false;
}

void
cpus_print(unsigned int lcore, char *text, size_t size)
{
	rte_cpuset_t set = rte_lcore_cpuset(lcore);
	unsigned int i;
	size_t len = 0;

	text[0] = '\0';
	for (i = 0; i < CPU_SETSIZE && len < size; i++) {
		if (CPU_ISSET(i, &set))
			len += (size_t)snprintf(text + len, size - len, "%s%u", len != 0 ? "," : "",
						i);
	}
}

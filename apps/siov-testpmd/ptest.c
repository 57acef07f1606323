/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include <rte_common.h>

#include "ptest.h"

static const struct ptest *const ptests[] = {
	&ptest_throughput, &ptest_latency,   &ptest_retry,
	&ptest_fairness,   &ptest_translate, &ptest_verify,
};

const struct ptest *
ptest_find(const char *name)
{
	unsigned int i;

	for (i = 0; i < RTE_DIM(ptests); i++) {
		if (strcmp(ptests[i]->name, name) == 0)
			return ptests[i];
	}
	return NULL;
}

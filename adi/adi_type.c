/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>

#include <rte_common.h>

#include "siov_adi.h"

static const struct siov_adi_type_info types[SIOV_ADI_TYPES] = {
	[SIOV_ADI_CONTEXT] =
		{
			.name = "context",
			.what = "accelerator context on a shared work queue",
			.has_swq = true,
			.messages_max = 1,
			.pages = SIOV_ADI_PAGE_DIRECT | SIOV_ADI_PAGE_INTERCEPTED,
		},
	[SIOV_ADI_DEDICATED] =
		{
			.name = "dedicated",
			.what = "accelerator with dedicated work queues",
			.dwqs_min = 1,
			.dwqs_max = SIOV_ADI_DWQS_MAX,
			.messages_max = SIOV_ADI_DWQS_MAX,
			.pages = SIOV_ADI_PAGE_DIRECT | SIOV_ADI_PAGE_INTERCEPTED,
		},
	[SIOV_ADI_COMPOSITE] =
		{
			.name = "composite",
			.what = "accelerator context with dedicated work queues beside it",
			.has_swq = true,
			.dwqs_min = 1,
			.dwqs_max = SIOV_ADI_DWQS_MAX,
			.messages_max = SIOV_ADI_MESSAGES_MAX,
			.pages = SIOV_ADI_PAGE_DIRECT | SIOV_ADI_PAGE_INTERCEPTED,
		},
};

const struct siov_adi_type_info *
siov_adi_type_info(enum siov_adi_type type)
{
	return (unsigned int)type < SIOV_ADI_TYPES ? &types[type] : NULL;
}

int
siov_adi_type_find(const char *name, enum siov_adi_type *type)
{
	unsigned int i;

	for (i = 0; i < RTE_DIM(types); i++) {
		if (strcmp(types[i].name, name) == 0) {
			*type = (enum siov_adi_type)i;
			return 0;
		}
	}
	return -EINVAL;
}

const char *
siov_adi_owner_name(enum siov_adi_owner owner)
{
	static const char *const names[] = {"host", "vm", "process"};

	return (unsigned int)owner < RTE_DIM(names) ? names[owner] : "unknown";
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* What engines get of MSI-X: the table behind the vectors. */
#ifndef MSIX_H
#define MSIX_H

#include <pthread.h>

#include "msg.h"
#include "siov_msix.h"

struct siov_msix {
	struct msg_table table;
	/* owner: control, under lock */
	pthread_mutex_t lock __rte_cache_aligned;
	uint16_t control; /* SIOV_MSIX_CONTROL_* */
};

/* The table of an object; for msg_check(), msg_raise(), msg_poll(). */
static inline struct msg_table *
msix_table(struct siov_msix *msix)
{
	return &msix->table;
}

#endif /* MSIX_H */

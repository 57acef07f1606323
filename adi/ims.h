/* SPDX-License-Identifier: BSD-3-Clause */
/* What engines get of interrupt message storage and of MSI-X: the table behind the handles. */
#ifndef IMS_H
#define IMS_H

#include <pthread.h>

#include "msg.h"

struct siov_ims {
	struct msg_table table;
	/* owner: control, under lock */
	pthread_mutex_t lock __rte_cache_aligned;
	uint32_t free_head; /* freed first, allocated first */
	uint32_t free_tail;
	uint32_t nb_used;
};

/* The table of an object; for msg_check(), msg_raise(), msg_poll(). */
static inline struct msg_table *
ims_table(struct siov_ims *ims)
{
	return &ims->table;
}

#endif /* IMS_H */

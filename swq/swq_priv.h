/* SPDX-License-Identifier: BSD-3-Clause */
/* What credit.c gives to wq.c. */
#ifndef SWQ_PRIV_H
#define SWQ_PRIV_H

#include "siov_wq.h"

/* Pool word of a queue with all credits free. */
uint64_t credit_pool_init(uint32_t size);

/* Account word of a lane that never leased. */
uint64_t credit_account_init(void);

/* Credits a lane may lease at a time when nb_attached lanes share the queue. */
uint32_t credit_lease_max(const struct siov_wq *wq, uint32_t nb_attached);

/*
 * Give all credits of a lane whose thread has stopped back to the pool; everything published must
 * have been dispatched. Returns how many there were. Thread: control.
 */
uint32_t credit_reclaim(struct siov_wq *wq, struct siov_lane *lane);

/* Free the blocks of a queue, see siov_qos.h. */
void qos_free(const struct siov_mem *mem, struct siov_wq *wq);

#endif /* SWQ_PRIV_H */

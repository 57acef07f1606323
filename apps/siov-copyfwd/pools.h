/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two pools of mbufs: one that ports receive into, one that packets are copied to. In memory that
 * the copier gives, or in EAL's.
 */
#ifndef POOLS_H
#define POOLS_H

#include <stdint.h>

#include "options.h"

struct rte_mempool;

struct pools {
	struct rte_mempool *rx;
	struct rte_mempool *tx;
};

/* Memory of both, in bytes. */
uint64_t pools_bytes(const struct options *o);

/*
 * @param memory pools_bytes() of them; NULL: EAL's. Outlives the pools.
 * Returns 0, or -1 after one line; pools_free is due either way.
 */
int pools_create(struct pools *pools, const struct options *o, void *memory);
void pools_free(struct pools *pools);

#endif /* POOLS_H */

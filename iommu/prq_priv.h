/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PRQ_PRIV_H
#define PRQ_PRIV_H

#include "siov_iommu.h"

/* A domain that names the queue comes (+1) or goes (-1). Thread: control, locked. */
static inline void
prq_use(struct siov_prq *prq, int change)
{
	(void)prq;
	(void)change;
}

#endif /* PRQ_PRIV_H */

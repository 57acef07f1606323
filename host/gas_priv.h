/* SPDX-License-Identifier: BSD-3-Clause */
/* What space.c keeps with a gas. */
#ifndef GAS_PRIV_H
#define GAS_PRIV_H

#include "space_priv.h"

#define GAS_BUCKETS 64u

LIST_HEAD(space_list, space);

/* Spaces with a guest PASID, hashed by it. */
struct gas_spaces {
	struct space_list buckets[GAS_BUCKETS];
	unsigned int nb_bound; /* by the guest itself */
	LIST_HEAD(, space_prq) orphans;
};

struct gas_spaces *gas_spaces(struct siov_gas *gas);
const struct siov_mem *gas_mem(struct siov_gas *gas);

#endif /* GAS_PRIV_H */

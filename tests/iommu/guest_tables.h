/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * First-stage tables as a guest writes them: some right, many wrong.
 */
#ifndef GUEST_TABLES_H
#define GUEST_TABLES_H

#include "xlate_world.h"

/* A page for a table, as the guest and as we see it. */
struct guest_page {
	uint64_t gpa;
	uint64_t *hva;
};

/* The next free page, under one of its guest addresses. */
struct guest_page guest_page_take(struct world *w, struct world_guest *guest);

/* A random entry for a table of a level (1: of 4 KiB pages) that names no new table. */
uint64_t guest_entry_random(struct world *w, const struct world_space *space, unsigned int level);

/* Fill a table and those below it; their entries become probes of the space. */
void guest_table_fill(struct world *w, struct world_space *space, struct guest_page page,
		      unsigned int level, uint64_t iova);

#endif /* GUEST_TABLES_H */

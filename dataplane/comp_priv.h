/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Completion records, 32 bytes: written directly, or under a guard where the address is one of the
 * calling process and may be bad.
 */
#ifndef COMP_PRIV_H
#define COMP_PRIV_H

#include <stdbool.h>

#include "siov_compat.h"

/* What a record holds, status first. */
struct comp_words {
	uint64_t word[4];
};

/* Software polls the first byte, so the first word goes last. */
static inline void
comp_write(uint8_t *comp, const struct comp_words *words)
{
	uint64_t *rec = (uint64_t *)(void *)comp;

	rec[1] = words->word[1];
	rec[2] = words->word[2];
	rec[3] = words->word[3];
	/* Pairs with the client's acquire of the status. */
	siov_atomic_store((SIOV_ATOMIC(uint64_t) *)rec, words->word[0], release);
}

/* The same; false: the address is bad, and nothing was written. */
bool comp_write_guarded(uint8_t *comp, const struct comp_words *words);

/* Whether a record can be written there, now; leaves the memory as it is. */
bool comp_is_writable(uint8_t *comp);

#endif /* COMP_PRIV_H */

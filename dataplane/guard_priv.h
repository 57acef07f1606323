/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory faults, caught. In a process's own address space the CPU's page tables are the
 * translation, and each address that a client names may be bad: such accesses run under a guard.
 *
 *     struct guard guard = {0};
 *
 *     guard_cover(&guard, addr, len);           what may be touched on behalf of the client
 *     if (!guard_call(&guard, fn, arg))         false: fn was left at a fault of what is covered
 *             ... guard.fault_addr, guard.is_write ...
 *
 * A fault of what is not covered, or of a thread without a guard, is a bug or somebody else's: it
 * goes to the handler that was there before guard_get, or ends the process as it would without us.
 * Who installs handlers of SIGSEGV or SIGBUS after guard_get must pass on what is not theirs.
 *
 * fn is left in the middle: it holds no lock and owns nothing, and what it wrote is where it got to.
 *
 * Thread: get and put are control path; the rest belongs to the thread that owns the guard.
 */
#ifndef GUARD_PRIV_H
#define GUARD_PRIV_H

#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>

#include <rte_common.h>

#include "siov_compat.h"

#define GUARD_SPANS 3u
#define GUARD_PAGE UINT64_C(4096)

/* Whole pages. */
struct guard_span {
	uint64_t start;
	uint64_t len;
};

struct guard {
	struct guard_span spans[GUARD_SPANS];
	unsigned int nb_spans;
	bool is_write; /* the fault; false where the processor does not tell */
	uint64_t fault_addr; /* in the page that faulted, not always the first byte touched there */
	sigjmp_buf env;
};

/* One user more of the process's handlers. 0, or a negative errno of sigaction(2). */
int guard_get(void);

/* One less; the last one puts back what was there before, unless others came on top. */
void guard_put(void);

/* Let the calling thread take the signals: blocked, a fault would end the process. */
void guard_unblock_signals(void);

/* Cover the pages of [addr, addr + len) as well; at most GUARD_SPANS times, len not 0. */
static inline void
guard_cover(struct guard *guard, uint64_t addr, uint64_t len)
{
	struct guard_span *span = &guard->spans[guard->nb_spans++];

	span->start = RTE_ALIGN_FLOOR(addr, GUARD_PAGE);
	span->len = RTE_ALIGN_CEIL(addr + len - span->start, GUARD_PAGE);
}

/*
 * Fault if the page of p cannot be written; changes nothing. The processor asks for a writable page
 * even if the comparison fails. An addition of 0 would not do: compilers make a fence and a load of
 * it.
 */
static inline void
guard_touch(uint8_t *p)
{
	SIOV_ATOMIC(uint64_t) *word = RTE_PTR_ALIGN_FLOOR((void *)p, sizeof(*word));
	uint64_t value = siov_atomic_load(word, relaxed);

	(void)siov_atomic_cas(word, &value, value, relaxed, relaxed);
}

/* Fault if the page of p cannot be read, before anything that comes after is read. */
static inline void
guard_look(const uint8_t *p)
{
	(void)siov_atomic_load((const SIOV_ATOMIC(uint8_t) *)p, acquire);
}

/* True: fn(arg) returned. False: it faulted. Guards do not nest. */
bool guard_call(struct guard *guard, void (*fn)(void *arg), void *arg);

#endif /* GUARD_PRIV_H */

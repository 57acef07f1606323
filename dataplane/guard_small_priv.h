/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Guarded accesses that are small, and cost nothing beyond themselves unless they fault: for what is
 * done to memory of the calling process a few bytes at a time. guard_get() must have been called.
 *
 * Not on every processor, and not with ThreadSanitizer, which has to see what is stored; then
 * guard_call() does it.
 */
#ifndef GUARD_SMALL_PRIV_H
#define GUARD_SMALL_PRIV_H

#include <stdbool.h>
#include <stdint.h>

#if defined(__SANITIZE_THREAD__) || !defined(__x86_64__)
#define GUARD_HAS_SMALL 0
#elif defined(__has_feature)
#define GUARD_HAS_SMALL (!__has_feature(thread_sanitizer))
#else
#define GUARD_HAS_SMALL 1
#endif

#define GUARD_SMALL_MAX 512u /* bytes: beyond, a library's copy is worth its guard */

/* Where it was, see struct guard. */
struct guard_fault {
	uint64_t addr;
	bool is_write;
};

#if GUARD_HAS_SMALL

#include <sys/ucontext.h>

/*
 * Move bytes, 1 to GUARD_SMALL_MAX, which do not overlap and lie within one page each. 0: they were moved;
 * else a fault was met and nothing is changed. Only with a page that goes away meanwhile, some may be.
 */
int guard_small_move(void *dst, const void *src, uint32_t len);

/* Whether the page of an aligned word can be written: 0; changes nothing. */
int guard_small_touch(void *word);

/* Write four words to where 32-byte alignment is, the first one last. 0; else a fault was met. */
int guard_small_store(void *record, const void *words);

/* The last fault that ended one of these, in this thread. */
struct guard_fault guard_small_fault(void);

/* In a signal handler: whether the fault was in one of these, which ends then. */
bool guard_small_leave(ucontext_t *context, const struct guard_fault *fault);

#endif

#endif /* GUARD_SMALL_PRIV_H */

/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file
 * Destinations of interrupts: what stands for a processor's local APIC.
 *
 *     engines (siov_ir_deliver) --> [256 pending vectors] --> one thread: siov_intr_take()
 *                                   [armed] [eventfd]         or asleep in siov_intr_wait()
 *
 * A vector that is raised again before it was taken is pending once, as in an APIC. Raising makes
 * a system call only if the owner announced that it sleeps (armed); one that polls costs nobody any.
 *
 * A destination may also be an eventfd that its caller brings, as a VMM has for each interrupt of a
 * guest (siov_intr_dest_create_fd). It has no pending vectors and no owner here: each raise writes 1
 * to the eventfd at once.
 *
 * Order of calls: siov_intr_dest_create; siov_ir_set or siov_pid_init with it; take, wait;
 * siov_ir_clear; siov_intr_dest_free.
 *
 * No wake-up is lost. The raiser sets the pending bit, then looks at `armed`; the owner sets `armed`,
 * then looks at the pending bits. All four are sequentially consistent, so in their one order either
 * the raiser's look comes after the owner's store, and it signals, or the owner's look comes after
 * the raiser's store, and it does not sleep. Of several raisers the one that takes `armed` back
 * signals, once. A signal that comes late, when the owner is up already, makes the next sleep
 * return early, and siov_intr_wait() sleeps again.
 *
 * Thread: create and free are control; take, arm, disarm and wait are for the one owning thread.
 *
 * Spec: 8.2.
 */
#ifndef SIOV_INTR_H
#define SIOV_INTR_H

#include <stdbool.h>
#include <stdint.h>

#include "siov_compat.h"

#ifdef __cplusplus
extern "C" {
#endif

struct siov_ir; /* siov_ir.h */

/** A destination; opaque. */
struct siov_intr_dest;

/** The destination can be slept on: it has an eventfd. */
#define SIOV_INTR_F_EVENTFD 0x1u

/**
 * Create a destination and give it an id; freed ids come back as late as possible.
 *
 * @param ir remapping unit.
 * @param flags SIOV_INTR_F_EVENTFD or 0.
 * @param out the destination, owned by the unit, released with siov_intr_dest_free().
 * @return 0; -EINVAL bad argument; -ENOSPC max_dests exist; -ENOMEM; or a negative errno of
 *   eventfd(2).
 * Thread: control.
 */
SIOV_API int siov_intr_dest_create(struct siov_ir *ir, unsigned int flags,
				   struct siov_intr_dest **out);

/**
 * Create a destination that is the caller's eventfd: each raise of any vector writes 1 to it at once,
 * whether anybody listens or not. A write that finds the counter full is not made.
 *
 * siov_intr_take(), _is_pending() and _fd() find nothing on it; arm, disarm and wait are not for it.
 *
 * @param ir remapping unit.
 * @param eventfd an eventfd with EFD_NONBLOCK, so that no engine waits. It stays the caller's, and
 *   stays open, and non-blocking, until siov_intr_dest_free() has returned 0 (after -ETIMEDOUT:
 *   siov_ir_synchronize()).
 * @param out the destination, owned by the unit, released with siov_intr_dest_free().
 * @return 0; -EINVAL bad argument, no eventfd, or one that blocks; -EBADF not open; -ENOSPC max_dests
 *   exist; -ENOMEM.
 * Thread: control.
 */
SIOV_API int siov_intr_dest_create_fd(struct siov_ir *ir, int eventfd, struct siov_intr_dest **out);

/**
 * Free a destination when nobody uses it any more; waits for the engines. A message that was on its
 * way by an entry changed or cleared before the call reaches the destination before the call returns
 * (an eventfd of the caller's is written to).
 *
 * Notifications of posted-interrupt descriptors that still name it are lost, and counted.
 *
 * @param dest destination, or NULL; not used again by the caller unless -EBUSY is returned.
 * @return 0; -EBUSY an entry leads to it; -ETIMEDOUT an engine did not answer: the id is free, the
 *   memory is kept until siov_ir_synchronize() returns 0, and that engine's message may be lost.
 * Thread: control, and never the owner of an online cache.
 */
SIOV_API int siov_intr_dest_free(struct siov_intr_dest *dest);

/** Id of @p dest, 0 to max_dests - 1. Thread: any. */
SIOV_API uint32_t siov_intr_dest_id(const struct siov_intr_dest *dest);

/**
 * Take the highest pending vector; what its raiser wrote before is visible.
 *
 * @return 0 to 255, or -1: none is pending.
 * Thread: owner. No lock, no system call.
 */
SIOV_API int siov_intr_take(struct siov_intr_dest *dest);

/** Tell whether a vector is pending. Thread: any; a snapshot. */
SIOV_API bool siov_intr_is_pending(const struct siov_intr_dest *dest);

/**
 * The eventfd, for the owner's own epoll loop: readable after a raise that found it armed.
 *
 * @return file descriptor, the destination's own; -1: it has none.
 * Thread: any. It is valid in the process that created the destination.
 */
SIOV_API int siov_intr_fd(const struct siov_intr_dest *dest);

/**
 * Announce a sleep on the eventfd.
 *
 * @return true: sleep, then siov_intr_disarm(); false: a vector is pending (nothing is armed).
 * Thread: owner.
 */
SIOV_API bool siov_intr_arm(struct siov_intr_dest *dest);

/** Take the announcement back and reset the eventfd. Thread: owner. */
SIOV_API void siov_intr_disarm(struct siov_intr_dest *dest);

/**
 * Sleep until a vector is pending.
 *
 * @param timeout_ms longest sleep; -1: none.
 * @return 0; -ETIMEDOUT; -EINTR; -ENOTSUP it has no eventfd; or a negative errno of poll(2).
 * Thread: owner.
 */
SIOV_API int siov_intr_wait(struct siov_intr_dest *dest, int timeout_ms);

#ifdef __cplusplus
}
#endif

#endif /* SIOV_INTR_H */

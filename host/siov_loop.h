/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file
 * The control lcore: one thread that looks after devices, their virtual devices and whoever asks,
 * asleep in rte_epoll_wait while there is nothing to do.
 *
 *     device ───────┐
 *     VDCM ─────────┤ sources: a file descriptor to wake by, a function that does a little
 *     VMM, server ──┘
 *          siov_loop_run:  sleep ─► serve each source that was woken, a little each ─► sleep
 *
 * A source never waits: what takes time it does in steps, and says when it wants to be called again.
 * Sources are served in turn, so that one that always has more to do delays the others by one turn.
 *
 * Order of calls: create; add; run on a thread that may sleep; stop; remove; free.
 *
 * Thread: run belongs to one thread; serve functions are called by it. All else from any thread.
 *
 * Spec: 9.2.
 */
#ifndef SIOV_LOOP_H
#define SIOV_LOOP_H

#include "siov_dev.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A control lcore's work; opaque. */
struct siov_loop;

/** One thing that it looks after; opaque. */
struct siov_loop_source;

/** When a source wants to be served again. */
enum siov_loop_next {
	SIOV_LOOP_SLEEP, /**< when its descriptor is readable, or it is woken */
	SIOV_LOOP_SOON, /**< within a millisecond: it waits for engines */
	SIOV_LOOP_NOW, /**< after the others: it has more to do */
};

/** Do a little; never sleeps, never waits. */
typedef enum siov_loop_next (*siov_loop_serve)(void *arg);

/**
 * Create one without sources.
 *
 * @param mem NULL: siov_mem_eal(); outlives it.
 * @return 0; -ENOMEM; negative errno of epoll or eventfd.
 */
SIOV_API int siov_loop_create(const struct siov_mem *mem, struct siov_loop **out);

/** Free; it does not run and has no sources. NULL is fine. */
SIOV_API void siov_loop_free(struct siov_loop *loop);

/**
 * Add a source; it is served at once, and then as it says.
 *
 * @param fd readable when it wants to be served, read by serve itself; -1: by siov_loop_wake() only.
 * @return 0; -EINVAL @p serve; -ENOMEM; negative errno of epoll.
 */
SIOV_API int siov_loop_add(struct siov_loop *loop, int fd, siov_loop_serve serve, void *arg,
			   struct siov_loop_source **out);

/** Remove it: when this returns it is not being served, unless it removes itself. NULL is fine. */
SIOV_API void siov_loop_remove(struct siov_loop_source *source);

/** Have a source served. Thread: any; a system call only while the loop sleeps. */
SIOV_API void siov_loop_wake(struct siov_loop_source *source);

/**
 * Be the control lcore of a device as well, instead of siov_dev_run_control(), from when the loop
 * runs until it is removed or the loop stops.
 *
 * @return as siov_loop_add().
 */
SIOV_API int siov_loop_add_dev(struct siov_loop *loop, struct siov_dev *dev,
			       struct siov_loop_source **out);

/** Serve until siov_loop_stop(). @return 0; -EBUSY another thread does; negative errno of epoll. */
SIOV_API int siov_loop_run(struct siov_loop *loop);

/** End siov_loop_run(); returns at once. A stop that overtakes a start is not lost. */
SIOV_API void siov_loop_stop(struct siov_loop *loop);

/** Whether a thread is in siov_loop_run(). */
SIOV_API bool siov_loop_is_running(struct siov_loop *loop);

#ifdef __cplusplus
}
#endif

#endif /* SIOV_LOOP_H */

/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file
 * Engines: the lcores that do a device's work.
 *
 *     lanes ─► arbitrate ─► decode, check ─► translate ─► execute ─► completion record ─► count
 *                 ▲                                          │
 *                 └───────── one slice of a long transfer ◄──┘
 *
 * An engine belongs to one lcore, which calls siov_engine_poll again and again between
 * siov_engine_start and siov_engine_stop. Between two polls it is quiescent: it holds no
 * translation, no descriptor and no lane. Control waits for that, engines never wait for control.
 *
 * Legal call order: the device makes its engines (ctrl/siov_dev.h); siov_engine_start;
 * siov_engine_poll as long as wanted; siov_engine_stop; later perhaps start again, on this or
 * another lcore.
 *
 * Spec: 7.3, 7.2.3 (every access with the PASID), 7.6.
 */
#ifndef SIOV_ENGINE_H
#define SIOV_ENGINE_H

#include "siov_stats.h"

#ifdef __cplusplus
extern "C" {
#endif

struct siov_engine;

/** Go online: invalidations and grace periods now include this engine. Thread: its lcore. */
SIOV_API void siov_engine_start(struct siov_engine *engine);

/** Go offline; long transfers in progress rest until the next start. Thread: its lcore. */
SIOV_API void siov_engine_stop(struct siov_engine *engine);

/**
 * Look at every queue once, do what is there, advance one long transfer by one slice.
 *
 * Bounded: at most 32 descriptors times the queue's priority per queue, and one slice.
 *
 * @return descriptors dispatched plus slices done; 0 means idle.
 * Thread: the engine's lcore, online.
 */
SIOV_API unsigned int siov_engine_poll(struct siov_engine *engine);

/** Counters of one engine. */
struct siov_engine_stats {
	uint64_t polls; /**< calls of siov_engine_poll() */
	uint64_t idle_polls; /**< of them, that found nothing */
	uint64_t dispatched; /**< descriptors */
	uint64_t slices; /**< of long transfers */
	uint64_t members; /**< descriptors of batches */
	uint64_t atc_lookups; /**< translations asked for */
	uint64_t atc_misses; /**< of them, that had to walk */
	uint64_t atc_second_probes; /**< hits that were not where they were looked for first */
	uint64_t atc_nest_walks; /**< second-stage walks of guests' table pages */
	uint64_t atc_invalidations; /**< requests served */
	uint64_t process_denied; /**< accesses to another process that the kernel refused */
	uint64_t errors_dropped; /**< errors that found the error log full */
	uint64_t parked; /**< operations that began to wait for a page (block on fault) */
	uint64_t park_refused; /**< that could not: too many of their PASID, or of all, wait */
	uint64_t page_requests; /**< entered into a queue of page requests */
	uint64_t page_answers; /**< that a parked operation waited for */
	uint64_t prq_full; /**< page requests that were dropped, to be asked again */
	uint64_t park_timeouts; /**< operations that ended with their fault for want of an answer */
};

/** Snapshot of an engine's counters. Thread: any. */
SIOV_API void siov_engine_get_stats(const struct siov_engine *engine,
				    struct siov_engine_stats *stats);

/**
 * Add the engine's page-request latencies, request to answer [TSC cycles], to @p sum. Thread: any.
 */
SIOV_API void siov_engine_page_latency(const struct siov_engine *engine, struct siov_hist_sum *sum);

#ifdef __cplusplus
}
#endif

#endif /* SIOV_ENGINE_H */

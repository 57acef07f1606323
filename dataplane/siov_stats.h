/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file
 * What was done for each PASID on each queue, counted where it happens.
 *
 *     submitter   portal (swq/siov_portal.h): accepted, retries by reason        written by its thread
 *     engine      record of (queue, PASID): completed, failed, aborted, bytes    written by the engine
 *
 * No line is written by two cores. A reader adds the parts up; while work flows its sum is a
 * snapshot, once stopped attempts = accepted + every retry and accepted = completed + failed +
 * aborted.
 *
 * An engine's records lie in a two-level table by PASID, laid out like the PASID table: 16,384
 * pointers, each to 64 records of one cache line. The control lcore adds blocks, the engine only
 * reads the pointers.
 */
#ifndef SIOV_STATS_H
#define SIOV_STATS_H

#include "siov_hist.h"
#include "siov_portal.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Completion codes are seven bits; those of DSA are below 64. */
#define SIOV_STATS_CODES 64u

/** Sum over all engines and portals of one PASID on one queue. */
struct siov_stats {
	uint64_t submitted[SIOV_DMWR_NB]; /**< submissions by answer, enum siov_dmwr */
	uint64_t completed; /**< status success, or success with false predicate */
	uint64_t failed; /**< every other status, and records that had no place */
	uint64_t aborted; /**< ended by an abort or a reset */
	uint64_t bytes; /**< moved, compared or summed */
	uint64_t members; /**< descriptors of batches; a batch itself counts as one operation */
	uint64_t failed_by[SIOV_STATS_CODES]; /**< failed, by completion code */
	struct siov_hist_sum latency; /**< submission to completion record [TSC cycles] */
};

/** Add @p more to @p sum. */
SIOV_API void siov_stats_add(struct siov_stats *sum, const struct siov_stats *more);

/** Subtract an earlier snapshot of the same counters. */
SIOV_API void siov_stats_subtract(struct siov_stats *sum, const struct siov_stats *earlier);

/** Submissions that were answered Retry for reasons other than capacity and QoS. */
static inline uint64_t
siov_stats_retry_other(const struct siov_stats *s)
{
	return s->submitted[SIOV_DMWR_RETRY_DRAINING] + s->submitted[SIOV_DMWR_RETRY_DISABLED] +
	       s->submitted[SIOV_DMWR_RETRY_MODE];
}

/** All submissions: accepted and every Retry. */
static inline uint64_t
siov_stats_attempts(const struct siov_stats *s)
{
	return s->submitted[SIOV_DMWR_SUCCESS] + s->submitted[SIOV_DMWR_RETRY_CAPACITY] +
	       s->submitted[SIOV_DMWR_RETRY_QOS] + siov_stats_retry_other(s);
}

/** An error that no completion record could tell; DSA's SWERR. */
struct siov_error {
	uint64_t fault_addr; /**< where it failed, if an address did */
	uint32_t pasid; /**< of the descriptor */
	uint16_t wq_id; /**< of the descriptor */
	uint8_t code; /**< completion code, or SIOV_ERROR_DWQ_OVERFLOW */
	uint8_t opcode; /**< of the descriptor */
};

/** Code of an error that is no completion code: a posted write met a full dedicated queue. */
#define SIOV_ERROR_DWQ_OVERFLOW 0x80u

#ifdef __cplusplus
}
#endif

#endif /* SIOV_STATS_H */

/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file
 * Patience: whether an engine takes what a lane holds at once, or lets a fuller burst gather.
 *
 * A submitter and an engine that run nose to tail fight over the cache line that both touch, and
 * each descriptor costs two transfers between cores. An engine that looks away for a fraction of a
 * microsecond finds many lines at once, and the submitter writes them undisturbed: more than twice
 * the rate. But a lone descriptor would pay that wait in latency, and so would a submitter that
 * waits for its few completions.
 *
 * So each lane's engine measures. It takes one window of bursts without patience, one with, and
 * keeps the way that dispatched more descriptors per cycle, if patience was better by a quarter;
 * equal means that the submitter is the slower side, and then latency wins. The measurement is
 * repeated ever more rarely while it comes out the same.
 *
 * Thread: the lane's engine only. The time is passed in.
 */
#ifndef SIOV_GATHER_H
#define SIOV_GATHER_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SIOV_GATHER_WAIT_CYCLES 600u /**< how long a patient engine looks away */
#define SIOV_GATHER_WINDOW 64u /**< bursts per window */
#define SIOV_GATHER_KEEP_MIN 8u /**< windows to keep a first verdict */
#define SIOV_GATHER_KEEP_MAX 512u /**< windows to keep an often confirmed one */

/** What the windows of a lane are used for. */
enum siov_gather_phase {
	SIOV_GATHER_TRY_PROMPT,
	SIOV_GATHER_TRY_PATIENT,
	SIOV_GATHER_KEEP,
};

/** How one engine looks at one lane. */
struct siov_gather {
	uint64_t ripe_at; /**< TSC at which the burst now gathering is taken; 0: none gathers */
	uint64_t window_start; /**< TSC */
	uint64_t prompt_cycles; /**< length of the prompt window */
	uint32_t prompt_descs; /**< descriptors of the prompt window */
	uint32_t descs; /**< descriptors of this window */
	uint16_t bursts; /**< bursts of this window */
	uint16_t keep; /**< windows left until the next measurement */
	uint16_t keep_next; /**< how many it will be then if the verdict stays */
	uint8_t phase; /**< enum siov_gather_phase */
	uint8_t patient; /**< whether to wait now */
	uint8_t verdict; /**< the last one */
};

/** Whether a lane with something published is to be popped at @p now_cycles. */
static inline bool
siov_gather_is_ripe(struct siov_gather *g, uint64_t now_cycles)
{
	if (!g->patient)
		return true;
	if (g->ripe_at == 0) {
		g->ripe_at = now_cycles + SIOV_GATHER_WAIT_CYCLES;
		return false;
	}
	return (int64_t)(now_cycles - g->ripe_at) >= 0;
}

/** A window has ended: go on to the next phase. */
static inline void
siov_gather_end_window(struct siov_gather *g, uint64_t now_cycles)
{
	uint64_t cycles = now_cycles - g->window_start;

	if (g->phase == SIOV_GATHER_TRY_PROMPT) {
		g->prompt_cycles = cycles;
		g->prompt_descs = g->descs;
		g->phase = SIOV_GATHER_TRY_PATIENT;
		g->patient = 1;
	} else if (g->phase == SIOV_GATHER_TRY_PATIENT) {
		/* descs / cycles against 5/4 of prompt_descs / prompt_cycles */
		bool pays = 4 * g->descs * g->prompt_cycles > 5 * g->prompt_descs * cycles;
		uint16_t twice = g->keep_next * 2;

		if (pays != g->verdict || g->keep_next == 0)
			g->keep_next = SIOV_GATHER_KEEP_MIN;
		else
			g->keep_next = twice < SIOV_GATHER_KEEP_MAX ? twice : SIOV_GATHER_KEEP_MAX;
		g->verdict = pays;
		g->patient = pays;
		g->keep = g->keep_next;
		g->phase = SIOV_GATHER_KEEP;
	} else if (--g->keep == 0) {
		g->phase = SIOV_GATHER_TRY_PROMPT;
		g->patient = 0;
	}
	g->window_start = now_cycles;
	g->descs = 0;
	g->bursts = 0;
}

/** Tell of a burst of @p n descriptors popped at @p now_cycles. */
static inline void
siov_gather_popped(struct siov_gather *g, unsigned int n, uint64_t now_cycles)
{
	g->ripe_at = 0;
	g->descs += n;
	if (++g->bursts == SIOV_GATHER_WINDOW)
		siov_gather_end_window(g, now_cycles);
}

#ifdef __cplusplus
}
#endif

#endif /* SIOV_GATHER_H */

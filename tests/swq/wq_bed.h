/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file
 * A test bed for one work queue: lanes with a portal each, and an engine reduced to pop and give
 * back. Needs no EAL.
 *
 *     struct wq_bed *bed = wq_bed_open(&conf, 3);
 *
 *     wq_bed_submit(bed, 0, id);       lane 0 submits descriptor `id`
 *     wq_bed_dispatch(bed, 0, 32);     the engine pops up to 32 from lane 0 and gives back
 *     wq_bed_close(bed);               asserts that no memory is left
 *
 * Every descriptor carries its id in all eight words, so that a torn one is seen.
 */
#ifndef WQ_BED_H
#define WQ_BED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake_mem.h"
#include "siov_portal.h"

#define WQ_BED_BURST 64u /**< most descriptors of one pop */

/** Any number, not only powers of two: the smallest, the largest, and the neighbours of powers. */
#define WQ_BED_SIZES 1, 2, 3, 7, 16, 63, 64, 65, 100, 128, 1000, 1024, 65535, 65536

struct wq_bed {
	struct fake_mem fm;
	struct siov_wq *wq;
	struct siov_wq_granter granter;
	uint64_t now_cycles; /**< the test's own clock */
	uint64_t next_id; /**< of wq_bed_fill */
	unsigned int nb_lanes;
	struct siov_lane *lanes[SIOV_WQ_LANES_MAX];
	struct siov_portal portals[SIOV_WQ_LANES_MAX];
	struct siov_desc_words popped[WQ_BED_BURST]; /**< by the last pop */
	uint64_t stamps[WQ_BED_BURST];
};

/** A configuration of @p size entries and 1022 lanes; memory is set by wq_bed_open. */
struct siov_wq_conf wq_bed_conf(uint32_t size, uint32_t flags);

/** Make an enabled queue with @p nb_lanes unlimited lanes attached. */
struct wq_bed *wq_bed_open(const struct siov_wq_conf *conf, unsigned int nb_lanes);

/** Free it, and assert that nothing is left. */
void wq_bed_close(struct wq_bed *bed);

/** Attach one more lane, with a portal of PASID 100 + index; returns its index. */
unsigned int wq_bed_attach(struct wq_bed *bed, uint32_t flags);

/** Build descriptor @p id. */
void wq_bed_desc(struct siov_desc_words *desc, uint64_t id);

/** Id of a descriptor that was popped. */
uint64_t wq_bed_id(const struct siov_desc_words *desc);

/** Whether a popped descriptor is what wq_bed_desc built, with PASID and Priv @p who. */
bool wq_bed_is_whole(const struct siov_desc_words *desc, uint32_t who);

/** Submit descriptor @p id through lane @p i. */
enum siov_dmwr wq_bed_submit(struct wq_bed *bed, unsigned int i, uint64_t id);

/** Submit through lane @p i until it is told to retry, or @p max times; returns those accepted. */
unsigned int wq_bed_fill(struct wq_bed *bed, unsigned int i, unsigned int max);

/** Pop up to @p max (at most WQ_BED_BURST) from a lane into bed->popped; gives nothing back. */
unsigned int wq_bed_pop_lane(struct wq_bed *bed, struct siov_lane *lane, unsigned int max);

/** Pop up to @p max from lane @p i and give their credits back; returns how many. */
unsigned int wq_bed_dispatch(struct wq_bed *bed, unsigned int i, unsigned int max);

/** Idle leased credits that the pool counts (field `held` of credit.c). */
uint32_t wq_bed_held(const struct wq_bed *bed);

/** Most credits that may lie idle with all lanes of a queue of @p size together. */
uint32_t wq_bed_idle_max(uint32_t size);

/** Let every grant of the bed's engine run out. */
void wq_bed_expire(struct wq_bed *bed);

/** Dispatch all that was published; returns how many. */
unsigned int wq_bed_drain(struct wq_bed *bed);

#endif /* WQ_BED_H */

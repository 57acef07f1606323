/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Operations that wait for a page (block on fault).
 *
 *                        ask                       reply: success
 *     fault ─► ASKING ─────────► WAITING ─────────────────────────► RUNNABLE ─► one slice ─► done
 *                ▲ └─ queue full ─┘ │ │ mapped meanwhile ──────────────▲            │
 *                │                  │ └ reply: no, time-out, unbound ─► done        │
 *                └──────────────────┴──── faults again ◄────────────────────────────┘
 *
 * A parked operation has left its burst and its lane; it holds a descriptor of its own. Each poll
 * fetches some replies, looks at a few entries (times, invalidations), and runs at most a slice.
 *
 * The time-out counts from the last progress. Answers that help nothing make the operation wait
 * longer and longer before it asks again, so that nobody keeps the engine busy with them.
 */
#ifndef PARK_PRIV_H
#define PARK_PRIV_H

#include "engine_priv.h"
#include "siov_prq.h"

#define PARK_ENTRIES 512u /* operations of one engine */
#define PARK_PER_PASID 64u /* operations of one PASID on one queue */
#define PARK_BURST 32u /* replies and operations at a time */
#define PARK_SWEEP 8u /* entries looked at in one poll */
#define PARK_TIMEOUT_CYCLES (UINT64_C(1) << 31) /* default: about a second */
#define PARK_AGAIN_CYCLES (UINT64_C(1) << 21) /* until a request is repeated, about 1 ms */
#define PARK_FUTILE_LOG2 14u /* first wait after an answer that did not help, about 10 us */

enum park_state {
	PARK_FREE,
	PARK_ASKING, /* is to ask, at ask_at */
	PARK_WAITING, /* for the reply to its ticket */
	PARK_RUNNABLE, /* is in the run queue */
};

/* What stands in the way. */
struct park_fault {
	uint64_t iova;
	uint32_t pasid; /* that of the completion address may be another than of the data */
	unsigned int perm;
	int reason;
	bool is_comp; /* the completion address */
};

struct parked {
	struct op op;
	struct dsa_hw_desc desc;
	struct origin from;
	struct park_fault fault;
	struct siov_page_ticket ticket;
	uint64_t asked_cycles;
	uint64_t ask_cycles; /* when to ask */
	uint64_t end_cycles; /* when to give up */
	uint64_t inval_seen; /* invalidations served when it was last looked at */
	uint32_t done_seen; /* bytes when the time-out was set */
	uint32_t pos; /* in live */
	uint32_t nb_futile; /* times that an answer did not help */
	enum park_state state;
};

struct park_counters {
	SIOV_ATOMIC(uint64_t) parked;
	SIOV_ATOMIC(uint64_t) refused;
	SIOV_ATOMIC(uint64_t) requests;
	SIOV_ATOMIC(uint64_t) answers;
	SIOV_ATOMIC(uint64_t) prq_full;
	SIOV_ATOMIC(uint64_t) timeouts;
};

struct park {
	/* const after create */
	uint64_t timeout_cycles;
	/* owner: engine lcore */
	uint32_t nb_live;
	uint32_t cursor; /* of the sweep over live */
	uint32_t sweep_left; /* entries to look at since an invalidation */
	uint64_t inval_seen;
	uint32_t run_head, run_tail;
	uint32_t live[PARK_ENTRIES]; /* entries in use, then the free ones */
	uint32_t run[PARK_ENTRIES];
	struct park_counters nb;
	struct siov_hist latency; /* request to reply [TSC cycles] */
	struct parked entries[PARK_ENTRIES];
};

/* Room for parked operations, once a queue blocks on faults: 0 or -ENOMEM. Thread: control. */
int park_create(struct siov_engine *engine);
void park_free(struct siov_engine *engine);

/* What park_poll() does when something is parked. */
unsigned int park_poll_some(struct siov_engine *engine, uint64_t now_cycles);

/* Go on with what is parked, a bounded part of it. Returns work done. */
static inline unsigned int
park_poll(struct siov_engine *engine, uint64_t now_cycles)
{
	struct park *park = engine->park;

	if (likely(park == NULL || park->nb_live == 0))
		return 0;
	return park_poll_some(engine, now_cycles);
}

/* End what gates shut out. */
void park_sweep(struct siov_engine *engine);

/* Add the counters of parking. Thread: any. */
void park_add_stats(const struct siov_engine *engine, struct siov_engine_stats *stats);

#endif /* PARK_PRIV_H */

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a queue's engine has set aside: transfers of more than a slice, batches, and drains.
 *
 *     lane ── at most LONG_PER_LANE each ──► entries ── one turn a poll, in rotation ──► done
 *
 * Entries stay where they are, since members of a batch that wait for pages point at it.
 */
#ifndef ASIDE_PRIV_H
#define ASIDE_PRIV_H

#include "batch_priv.h"
#include "drain_priv.h"
#include "engine_priv.h"

enum aside_kind {
	ASIDE_LONG,
	ASIDE_BATCH,
	ASIDE_DRAIN,
};

struct aside {
	struct origin from;
	struct dsa_hw_desc desc;
	struct siov_lane *lane;
	uint32_t pos; /* in aside_live */
	enum aside_kind kind;
	union {
		struct op op; /* ASIDE_LONG; op.desc is set for each turn */
		struct batch batch;
		struct drain drain;
	};
};

/* What came of a turn. */
enum aside_turn {
	ASIDE_WAITS, /* there was nothing to do */
	ASIDE_WORKED, /* there is more to do */
	ASIDE_ENDED, /* and the client was told; or somebody else goes on with it */
};

/* Room for what lanes_max lanes may set aside: 0 or -ENOMEM. Thread: control. */
int aside_create(struct siov_engine *engine, struct engine_wq *ewq, uint32_t lanes_max);
void aside_free(struct siov_engine *engine, struct engine_wq *ewq);

/* Set an operation aside. Its lane has room: siov_lane_pop_sc() saw to it. */
struct aside *aside_add(const struct origin *from, struct siov_lane *lane, enum aside_kind kind,
			const struct dsa_hw_desc *desc);
void aside_remove(struct aside *entry);

/* The end of an entry whose operation has no data: what is told to the client. */
static inline struct op
aside_end_op(const struct aside *entry, uint8_t code, uint64_t fault_addr)
{
	struct op op = {
		.desc = &entry->desc,
		.perm_shift = (uint8_t)op_perm_shift(siov_desc_load_word(&entry->desc)),
	};

	op_refuse(&op, code, fault_addr);
	return op;
}

/* A turn for one entry, queue after queue. Returns turns in which something was done, 0 or 1. */
unsigned int aside_poll(struct siov_engine *engine);

/* Tell the client of an entry that a gate ends it; the entry is still to be removed. */
void aside_discard(struct siov_engine *engine, struct aside *entry, uint32_t gate);

/* End what gates shut out. */
void aside_sweep(struct siov_engine *engine);

/* long.c: set a prepared operation of more than a slice aside. */
void long_add(const struct origin *from, struct siov_lane *lane, const struct op *op);
enum aside_turn long_turn(struct siov_engine *engine, struct aside *entry);

enum aside_turn batch_turn(struct siov_engine *engine, struct aside *entry);

/* Wait for what was accepted before; the descriptor was found right. */
void drain_begin(const struct origin *from, struct siov_lane *lane, const struct dsa_hw_desc *desc);
enum aside_turn drain_turn(struct siov_engine *engine, struct aside *entry);

#endif /* ASIDE_PRIV_H */

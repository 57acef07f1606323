/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Batches: descriptors that lie in the client's memory.
 *
 *     batch descriptor ──► list [0][1][2] ... fetched 32 at a time, copied, run in their order
 *                                 │     `── waits for a page: parked, the next ones go on
 *                                 `── more than a slice: one slice a turn, the next ones wait
 *
 * A member with a fence starts when all before it are done, and not at all if one of them failed.
 * Members carry the PASID and privilege of their batch, whatever they say. A batch within a batch
 * and a drain within a batch are not offered. The list is read with the control PASID where the
 * record has one.
 *
 * Reference: Intel DSA, batch descriptor.
 */
#ifndef BATCH_PRIV_H
#define BATCH_PRIV_H

#include <stdbool.h>

#include "op_priv.h"

struct aside;
struct origin;
struct siov_engine;
struct siov_lane;

struct batch {
	uint64_t list; /* address of the next member to fetch */
	uint64_t fault_addr;
	uint32_t left; /* members to fetch */
	uint32_t done; /* members that ended */
	uint32_t nb_parked; /* members that wait for pages */
	uint8_t status; /* why no further member is fetched; OP_MORE: there is no reason */
	uint8_t fault_reason;
	bool has_failed; /* a member did not end with success */
	bool has_member; /* a long one, below, is in progress */
	struct op op;
	struct dsa_hw_desc member;
};

/* Begin a batch that was found right by op_prepare(); op's status says so if it is not. */
void batch_begin(struct siov_engine *engine, const struct origin *from, struct siov_lane *lane,
		 struct op *op, uint8_t *comp);

/* Whether a member with a fence may start. False: not yet, or never. */
bool batch_may_pass_fence(struct batch *batch);

/* The member in op is longer than a slice: go on with it by and by. */
void batch_hold(struct batch *batch, const struct op *op);

/* A member has ended. */
static inline void
batch_member_done(struct batch *batch, uint8_t status)
{
	batch->done++;
	if (status != DSA_COMP_SUCCESS)
		batch->has_failed = true;
}

#endif /* BATCH_PRIV_H */

/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file
 * A guest that keeps a VDEV at work, and can be taken away from its host at any time: all it knows is
 * in its memory. Operation n copies words that only n has, and is done by record n % MOVER_SLOTS.
 *
 * - Lost: its record does not come, or what it should have written is not there.
 * - Doubled: records and destinations are cleared when they were looked at, and sources poisoned;
 *   they must be clean when they are used again. The device's counters must be those of the guest.
 * - Two guests at once: a page that both processes share, and no migration moves, counts each n.
 * - Memory lost on the way: a journal of all operations is read whenever the guest is begun.
 */
#ifndef MOVER_H
#define MOVER_H

#include "host_bed.h"
#include "siov_guest.h"

#define MOVER_SLOTS 32u
#define MOVER_DEPTH 16u /* in flight */
#define MOVER_WITNESS (UINT32_C(1) << 25) /* operations that can be counted: a minute's */

/** What the guest knows, in its memory. */
struct mover_program {
	SIOV_ATOMIC(uint64_t) nb_submitted;
	SIOV_ATOMIC(uint64_t) nb_done;
	uint64_t nb_begun; /**< times it was entered anew */
	SIOV_ATOMIC(uint64_t) nb_bad;
	uint64_t bad; /**< the first: what, an enum mover_bad */
	uint64_t bdf;
};

enum mover_bad {
	MOVER_LOST = 1, /* no record */
	MOVER_STATUS, /* a record with an error */
	MOVER_DATA,
	MOVER_DOUBLED,
	MOVER_JOURNAL,
	MOVER_DRIVER,
};

/** Whoever runs it, in one process. */
struct mover {
	struct host_bed *bed;
	struct siov_vm *vm;
	SIOV_ATOMIC(uint8_t) *witness; /* mover_witness() */
	SIOV_ATOMIC(uint32_t) stop;
	bool is_running;
	pthread_t thread;
};

/** Memory that processes share which are forked later: how often each n was accepted. */
SIOV_ATOMIC(uint8_t) *mover_witness(void);

/** A new VM with its program on this bed. */
void mover_create(struct mover *mover, struct host_bed *bed);

/** Run it on a thread, from where its memory says. */
void mover_start(struct mover *mover);

/** It has left, because its VM was stopped: join. */
void mover_join(struct mover *mover);

/** Sleep until it has done @p nb more. */
void mover_await(struct mover *mover, uint64_t nb);

/** Let it finish what it has begun, leave, and check all counters. */
void mover_finish(struct mover *mover);

/** Take the VM apart: it has left, or never ran here. */
void mover_free(struct mover *mover);

#endif /* MOVER_H */

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The interrupt remapping unit and its parts, for this folder.
 *
 * The table lies in memory twice. Readers take an entry from the twin that the low bit of seq names
 * and look at seq again; control makes seq odd, writes twin 0, makes seq even, writes twin 1. So
 *   - a reader never uses half an entry: the words of a twin change only after seq has left the
 *     value that names it. Both are release stores, so a reader that has seen a changed word (I2)
 *     sees the changed seq in its second look, and reads again;
 *   - a reader never waits: at every instant one twin is at rest, and it reads again only if control
 *     has made a step meanwhile. Control may be off its CPU in the middle of a change;
 *   - the change takes effect in one step, the store that makes seq even.
 * seq grows by two with each change of any entry: the 64 bits do not come round.
 */
#ifndef IR_PRIV_H
#define IR_PRIV_H

#include <pthread.h>

#include "note_ring_priv.h"
#include "siov_ir.h"

#define IR_SHARDS 64u /* a power of two */

/* Counters, spread so that lcores with different ids seldom write the same line. */
struct ir_shard {
	SIOV_ATOMIC(uint64_t) nb_remapped __attribute__((aligned(128)));
	SIOV_ATOMIC(uint64_t) nb_posted;
	SIOV_ATOMIC(uint64_t) nb_notified;
	SIOV_ATOMIC(uint64_t) nb_notify_lost;
	SIOV_ATOMIC(uint64_t) nb_blocked[SIOV_IR_NB_REASONS];
};

static_assert(sizeof(struct ir_shard) == 128, "a shard is two lines");

typedef SIOV_ATOMIC(struct siov_intr_dest *) ir_dest_slot_t;

struct siov_ir {
	/* const after create */
	const struct siov_mem *mem __rte_cache_aligned;
	struct siov_ir_conf conf;
	struct siov_irte *twin[2];
	ir_dest_slot_t *dests; /* by id; the slots are shared: atomic */
	struct ir_shard *shards;
	void *fault_slots;

	/* shared: atomic; written by control */
	SIOV_ATOMIC(uint64_t) seq __rte_cache_aligned;

	/* shared: atomic */
	struct note_ring faults;

	/* owner: control, locked */
	pthread_mutex_t lock __rte_cache_aligned;
	struct siov_intr_dest *retired; /* off the table; a message may be under way to them */
	uint32_t nb_dests;
	uint32_t next_dest;
	uint32_t nb_set;
	size_t nb_bytes;
};

struct siov_intr_dest {
	/* shared: atomic */
	SIOV_ATOMIC(uint64_t) pending[4] __rte_cache_aligned;
	SIOV_ATOMIC(uint32_t) armed; /* 1: the owner sleeps, or is about to */

	/* const after create */
	int fd; /* own eventfd, or -1 */
	int push_fd; /* the caller's eventfd, which every raise writes to, or -1 */
	uint32_t id;
	struct siov_ir *ir;

	/* owner: control, locked */
	uint32_t nb_entries __rte_cache_aligned; /* remapped entries that lead here */
	struct siov_intr_dest *next_retired;
};

/* ir.c: memory of the unit, counted. */
void *ir_alloc(struct siov_ir *ir, const char *name, size_t size, size_t align);
void ir_release(struct siov_ir *ir, void *ptr, size_t size);

/* ir_table.c: write an entry's words, whatever they say. Thread: control, locked. */
void ir_write(struct siov_ir *ir, uint32_t index, uint64_t lo, uint64_t hi);

/* ir_table.c: read an entry, whole. Thread: any, lock-free. */
void ir_read(struct siov_ir *ir, uint32_t index, uint64_t *lo, uint64_t *hi);

/* intr.c */

/* Make a vector pending, and wake the owner if it sleeps. Thread: any. */
void intr_raise(struct siov_intr_dest *dest, uint8_t vector);

/* Take one vector back. Thread: owner. */
void intr_drop(struct siov_intr_dest *dest, uint8_t vector);

/* Sleep on an armed destination, then disarm: 0, -ETIMEDOUT, or a negative errno of poll(2). */
int intr_sleep(struct siov_intr_dest *dest, int timeout_ms);

/* Free all that is retired: nobody can be using it. Thread: control, locked. */
void intr_free_retired(struct siov_ir *ir);

/* Free all destinations. Thread: control, the last. */
void intr_fini(struct siov_ir *ir);

/* posted.c: post a vector; true: NV is to be raised at NDST. Thread: any. */
bool pid_post(struct siov_pid_desc *pid, uint8_t vector, bool is_urgent, uint32_t *ndst,
	      uint8_t *nv);

/* Destination by id, or NULL. Thread: any; valid until the caller's next quiescent state. */
static inline struct siov_intr_dest *
ir_dest(struct siov_ir *ir, uint32_t id)
{
	if (id >= ir->conf.max_dests)
		return NULL;
	return siov_atomic_load(&ir->dests[id], acquire); /* I3: pairs with I4 */
}

#endif /* IR_PRIV_H */

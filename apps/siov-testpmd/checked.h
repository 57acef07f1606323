/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Workloads that look at every result: a few descriptors outstanding for each client, in slots that
 * are filled, sent, and checked one by one. What is done in a slot, and how it is checked, is the
 * workload's affair.
 */
#ifndef CHECKED_H
#define CHECKED_H

#include "clients.h"
#include "phase.h"
#include "work_op.h"

#define CHECKED_SLOTS 16u /* outstanding descriptors of a client */

struct checked;

struct checked_slot {
	struct dsa_hw_desc desc;
	uint64_t arena; /* offset in the guest: memory of this slot alone */
	uint64_t record; /* offset of its completion record */
	uint32_t portal_idx;
	bool is_out;
	/* what the record must hold */
	uint64_t expected; /* first word */
	bool has_crc;
	uint32_t crc;
} __attribute__((aligned(64)));

/* A workload: both run on the client's lcore. */
struct checked_ops {
	/* Fill in the descriptor, but for its completion address; false: there is no more to do. */
	bool (*prepare)(struct checked *c, struct checked_slot *slot);
	/* The record was as expected: is the memory, too? */
	bool (*check)(struct checked *c, struct checked_slot *slot);
};

struct checked {
	/* const while a phase runs */
	const struct checked_ops *ops;
	void *ctx; /* the workload's own */
	struct phase *phase;
	struct client *client;
	uint64_t arena_bytes; /* of each slot */
	bool yields;
	enum submit_kind submit;
	struct siov_backoff backoff;
	/* owner: the client's lcore; read by others once it has returned */
	struct checked_slot slots[CHECKED_SLOTS] __attribute__((aligned(64)));
	uint32_t next_portal;
	uint64_t left; /* operations still to be prepared */
	uint64_t nb_sent;
	uint64_t nb_done;
	uint64_t nb_wrong;
	uint64_t start_cycles;
	uint64_t end_cycles;
	char why[160]; /* what was wrong first */
};

/* Bytes of a client's region with arenas of arena_bytes. */
uint64_t checked_region_bytes(uint64_t arena_bytes);

struct checked_conf {
	const struct checked_ops *ops;
	uint64_t arena_bytes; /* of each slot, a multiple of 4096 */
	bool is_scattered;
	uint64_t total_ops; /* of each client; UINT64_MAX: as long as there are any, or time */
	/* Make and free one client's ctx; 0 or -1 after one line. */
	int (*open)(struct checked *c, unsigned int idx, void *arg);
	void (*close)(struct checked *c);
	void *arg;
};

/* Run the workload for the options' duration and report it. 0, or -1 after one line. */
int checked_run(struct job *job, const struct checked_conf *conf);

#endif /* CHECKED_H */

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The client loop: one lcore that keeps descriptors outstanding and reaps their completions.
 *
 *     slots     0 1 2 3 4 5 6 ...                 one descriptor and one record each, made once
 *                   ^head     ^tail               outstanding: [head, tail), at most qdepth
 *     PASIDs    a a b b c c a a b b c c           in pairs: the records of a pair share a line
 *
 * Descriptors are sent slot after slot, so PASIDs take turns, and are reaped in the same order.
 * Who offers more than the others has several turns.
 * A slot may be a batch: then its window holds the list and a record of each member.
 * A closed loop sends whenever fewer than qdepth are outstanding; an open loop at its own pace,
 * with latency counted from the time at which each was meant to go.
 */
#ifndef SUBMITTER_H
#define SUBMITTER_H

#include "clients.h"
#include "phase.h"
#include "work_op.h"

#define SUBMITTER_GAPS 16384u /* inter-arrival times kept of a random pace, a power of two */

/* What all submitters of a run have in common; const while they run. */
struct submitter_conf {
	const struct work_op *op;
	enum submit_kind submit;
	uint32_t buf_sz; /* bytes */
	uint32_t batch_sz; /* operations of a descriptor; more than 1: it is a batch */
	uint32_t qdepth;
	uint32_t nb_slots; /* at least; qdepth or more */
	bool blocks; /* descriptors wait for pages that are not there */
	enum arrival_kind arrival;
	double rate; /* operations per second, each submitter */
	uint64_t seed;
	enum siov_backoff_policy retry_policy;
	uint64_t retry_min_ns;
	uint64_t retry_max_ns;
	const struct qos_rules *qos; /* who offers more than the others */
};

/* What one submitter counted in one phase. */
struct submitter_counts {
	uint64_t answers[SIOV_DMWR_NB + 1]; /* submissions by answer, enum siov_dmwr */
	uint64_t dropped; /* descriptors given up by the retry policy */
	uint64_t completed; /* records with the expected first word */
	uint64_t failed; /* records with a status that is no success */
	uint64_t aborted; /* records of what an abort has ended */
	uint64_t wrong; /* successes with another result or size than expected */
	uint64_t lost; /* no record within the time-out */
	uint64_t start_cycles;
	uint64_t end_cycles;
};

struct submitter_slot {
	struct siov_portal *portal;
	struct work_record *record;
	struct work_record *member_records; /* of a batch */
	uint32_t portal_idx;
	uint32_t buf_idx;
};

struct submitter {
	/* const while a phase runs */
	const struct submitter_conf *conf;
	struct client *client;
	struct dsa_hw_desc *descs; /* one a slot, 64-byte aligned */
	struct submitter_slot *slots;
	uint32_t nb_slots;
	uint32_t nb_turns; /* of a round: one each, the loud one's further ones at its end */
	uint32_t loud; /* its portal */
	uint32_t nb_bufs;
	uint64_t expected; /* first word of a record */
	uint64_t *gaps; /* cycles with 16 fraction bits; NULL: closed loop */
	uint32_t nb_gaps;
	bool yields;
	uint64_t total_ops; /* of a phase; UINT64_MAX: no end of its own */
	struct phase *phase;

	/* owner: the submitter's lcore; read by others once it has returned */
	uint32_t head __attribute__((aligned(64)));
	uint32_t tail;
	uint32_t nb_out;
	uint32_t gap_idx;
	uint64_t due; /* of the next, open loop: cycles since start with 16 fraction bits */
	uint32_t nb_looks; /* at a chunk that is not complete */
	uint64_t left; /* operations still to be sent */
	struct siov_backoff backoff;
	struct submitter_counts nb;
	uint64_t *dropped; /* by portal */
	uint64_t nb_injected; /* of the failed, those whose PASID was to fail */
	uint64_t first_bad; /* first word of the first record that was not as expected */
	uint64_t first_bad_addr;
	uint32_t first_bad_pasid;
};

/* Bytes of a client's region and of each window, for clients_conf. */
uint64_t submitter_region_bytes(const struct submitter_conf *conf, unsigned int nb_submitters);
uint64_t submitter_window_bytes(uint32_t nb_portals, const void *conf);

/* Prepare slots and buffers. 0 or -ENOMEM; submitter_free is due either way. */
int submitter_create(struct submitter *s, const struct submitter_conf *conf, struct client *client,
		     unsigned int nb_submitters);
void submitter_free(struct submitter *s);

/* Run one phase until it is over or total_ops are sent, then wait for what is outstanding. For
 * rte_eal_remote_launch; arg is the submitter.
 */
int submitter_main(void *arg);

/* Put contents into the buffers in which no operation has left its result yet. */
void submitter_poison(struct submitter *s);

/* Check buffers and CRCs of what was completed since they were poisoned. Returns what is wrong. */
uint64_t submitter_count_wrong(const struct submitter *s);

#endif /* SUBMITTER_H */

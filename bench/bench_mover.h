/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A guest that copies pages with a VDEV, at a rate, wherever it is: all it knows is in its memory.
 * Each copy carries its number; what was looked at is changed, so that a copy that is lost, or done
 * twice, or a page that was left behind shows when its page is used again.
 */
#ifndef BENCH_MOVER_H
#define BENCH_MOVER_H

#include "bench_host.h"

#define MOVER_RAM (UINT64_C(256) << 20)

/* What the guest knows, in its memory. */
struct mover_program {
	SIOV_ATOMIC(uint64_t) nb_submitted;
	SIOV_ATOMIC(uint64_t) nb_done;
	uint64_t rate; /* copies a second; 0: as many as it can */
	uint64_t nb_pages; /* from which, and to which, it copies in turn */
	uint64_t bdf;
	uint64_t nb_begun; /* times it was entered */
	uint64_t last_ns; /* of its last submission, CLOCK_MONOTONIC */
	SIOV_ATOMIC(uint64_t) gap_ns; /* between the last there and the first here; 0: none yet */
	uint64_t nb_lost, nb_doubled;
};

/* A process that runs it, or waits for it. */
struct mover {
	struct bench_host host;
	unsigned int guest_lcore;
	bool is_running;
	SIOV_ATOMIC(uint32_t) stop;
};

/* What became of it. */
struct mover_end {
	bool ok; /* the device's counters are the guest's */
	uint64_t nb, nb_lost, nb_doubled;
};

/* A host without VM. */
bool mover_open(struct mover *mover);
void mover_close(struct mover *mover);

/* A VM, which is begun. */
bool mover_create(struct mover *mover, uint64_t rate, uint64_t nb_pages);

/* Run the VM that the host has, from where its memory says. */
void mover_start(struct mover *mover);

/* It was moved away: wait until it has left, free what is left. */
bool mover_drop(struct mover *mover);

/* Have it finish what it has begun. */
struct mover_end mover_finish(struct mover *mover);

struct mover_program *mover_program(struct mover *mover);

uint64_t mover_now_ns(void);

#endif /* BENCH_MOVER_H */

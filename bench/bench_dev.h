/* SPDX-License-Identifier: BSD-3-Clause */
/* A whole device with its engine on an lcore of its own, as most benches need it. */
#ifndef BENCH_DEV_H
#define BENCH_DEV_H

#include "siov_dev_adi.h"
#include "siov_gmem.h"
#include "siov_ir.h"
#include "siov_prq.h"

struct bench_dev {
	struct siov_dev *dev;
	struct siov_gmem *gmem;
	uint8_t *hva; /* guest memory */
	uint64_t iova; /* its device address */
	struct siov_prq *prq; /* page requests; NULL: none */
	struct siov_ir *ir; /* interrupt remapping; NULL: none */
	uint32_t nb_pasids;
	/* The engine reads it at each poll: a line of its own. */
	SIOV_ATOMIC(uint32_t) stop __attribute__((aligned(64)));
};

/*
 * One shared queue of entries, mem_bytes of guest memory in pages of 2 MiB, PASIDs 1 to nb_pasids
 * bound to it; queue enabled, engine running. False: nothing is left behind.
 */
bool bench_dev_start(struct bench_dev *bd, uint32_t entries, uint64_t mem_bytes,
		     uint32_t nb_pasids);

/* The same with memory of another kind; size and the device address are the bench's own. */
bool bench_dev_start_kind(struct bench_dev *bd, uint32_t entries, uint64_t mem_bytes,
			  uint32_t nb_pasids, enum siov_domain_kind kind);

/* The same for PASID 1 of a guest with nested tables, whose page requests go to *prq. */
bool bench_dev_start_prq(struct bench_dev *bd, uint32_t entries, uint64_t mem_bytes,
			 struct siov_prq **prq);

/* The same with submission times kept, and a histogram of latencies for each PASID. */
bool bench_dev_start_stamped(struct bench_dev *bd, uint32_t entries, uint64_t mem_bytes,
			     uint32_t nb_pasids);

/* The same with interrupts, and 65,536 entries of IMS. */
bool bench_dev_start_ir(struct bench_dev *bd, uint32_t entries, uint64_t mem_bytes,
			uint32_t nb_pasids);

/* Stop the engine and take everything down, whatever became of the submissions. */
void bench_dev_abandon(struct bench_dev *bd);

/*
 * Stop the engine and take everything down. True: the device's counts add up to the nb submissions
 * that were accepted, each of them completed with success.
 */
bool bench_dev_stop(struct bench_dev *bd, uint64_t nb);

#endif /* BENCH_DEV_H */

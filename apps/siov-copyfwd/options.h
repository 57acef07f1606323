/* SPDX-License-Identifier: BSD-3-Clause */
/* What the command line asks for, behind "--"; const once parsed. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "siov_iommu.h"

#define FLOWS_MAX 4096u
#define RING_MAX 16384u
#define BURST_MAX 256u

enum copy_mode {
	COPY_NATIVE, /* this project's device, by its own API */
	COPY_DMADEV, /* whatever device, by rte_dmadev */
	COPY_MEMCPY, /* a second lcore and rte_memcpy */
	COPY_MODES,
};

struct options {
	const char *rx; /* port, by name or number; NULL: the first one */
	const char *tx; /* NULL: the second one, or the first if it is the only one */
	bool is_bidir; /* and back */
	enum copy_mode copy;
	const char *dma; /* dmadev; NULL: the first one */
	uint32_t nb_flows; /* PASIDs */
	uint32_t ring_sz; /* copies in flight at most, a power of two */
	uint32_t wq_sz; /* entries of the device's queue */
	uint32_t burst;
	uint32_t mbuf_sz; /* bytes of data that an mbuf holds, without headroom */
	uint32_t nb_mbufs; /* of each pool; 0: as many as are needed */
	enum siov_domain_kind iommu;
	uint64_t total_pkts; /* received; UINT64_MAX: no end */
	double duration_s; /* 0: no end */
	double idle_s; /* nothing was received for so long: the end; 0: never */
	int fwd_core; /* lcore; -1: the first one that is free */
	int copy_core;
	bool json;
	const char *json_path; /* NULL: stdout */
	bool wants_help, wants_version;
};

/*
 * Parse the arguments behind "--".
 *
 * Returns 0, or -1 after one line on stderr that names option, value and what is allowed.
 */
int options_parse(struct options *o, int argc, char **argv);

/* Print what there is. */
void options_help(FILE *f);

const char *options_copy_name(enum copy_mode mode);
const char *options_iommu_name(enum siov_domain_kind kind);

#endif /* OPTIONS_H */

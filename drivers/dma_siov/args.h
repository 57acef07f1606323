/* SPDX-License-Identifier: BSD-3-Clause */
/* What a port is asked for on the command line. */
#ifndef DMA_SIOV_ARGS_H
#define DMA_SIOV_ARGS_H

#include <stdbool.h>
#include <stdint.h>

#include "siov_dev.h"

/* For dpdk-pmdinfo, and in the line that refuses an unknown key. */
#define DMA_SIOV_ARGS \
	"device=<name> mode=swq|dwq entries=<int> pasid=<int> engine=thread|inline lcore=<int>"

#define DMA_SIOV_VCHANS_MAX 64u /* of one port; a dedicated queue has one */

struct args {
	char device[SIOV_DEV_NAME_LEN]; /* ports that name the same share it; default: the port's */
	enum siov_wq_mode mode;
	uint32_t entries; /* of the queue */
	uint32_t pasid; /* of vchan 0, the others follow; 0: any that is free */
	bool is_inline; /* who calls the port polls the engine; else a thread of its own */
	int lcore; /* where that thread runs; -1: where EAL puts its control threads */
	bool is_shared; /* device= was given */
	bool shapes; /* mode=, entries=, engine= or lcore= was given */
};

/* Read them; port: name of the vdev. 0, or -EINVAL and one line of log. */
int args_parse(struct args *args, const char *port, const char *text);

#endif /* DMA_SIOV_ARGS_H */

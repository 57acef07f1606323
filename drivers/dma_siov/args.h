/* SPDX-License-Identifier: BSD-3-Clause */
/* What a port is asked for on the command line. */
#ifndef DMA_SIOV_ARGS_H
#define DMA_SIOV_ARGS_H

#include <stdbool.h>
#include <stdint.h>

#include "siov_dev.h"
#include "siov_qos.h"

/* For dpdk-pmdinfo, and in the line that refuses an unknown key. */
#define DMA_SIOV_ARGS \
	"device=<name> mode=swq|dwq entries=<int> dwqs=<int> profile=dynamic|swq|dwq pasid=<int> " \
	"weight=<int> priority=<int> outstanding=<int> ops=<int> bytes=<int> " \
	"engine=thread|inline lcore=<int>"

#define DMA_SIOV_VCHANS_MAX 64u /* of one port */
#define DMA_SIOV_DWQS_MAX 16u /* of one device */

/* What the port's VDEV is made of: a type of VDEV (siov_vdcm.h). */
enum profile {
	PROFILE_DYNAMIC, /* a context for each channel, on request */
	PROFILE_SWQ, /* one context on a shared queue */
	PROFILE_DWQ, /* a dedicated queue */
};

struct args {
	char device[SIOV_DEV_NAME_LEN]; /* ports that name the same share it; default: the port's */
	enum siov_wq_mode mode;
	uint32_t entries; /* of each queue of the device */
	uint32_t nb_dwqs; /* dedicated queues of the device, beside the shared one */
	enum profile profile;
	uint32_t pasid; /* of vchan 0, the others follow */
	struct siov_qos_conf qos; /* of each context */
	bool is_inline; /* who calls the port polls the engine; else a thread of its own */
	int lcore; /* where that thread runs; -1: where EAL puts its control threads */
	bool is_shared; /* device= was given */
	bool has_mode, has_profile; /* mode=, profile= was given */
	bool has_dwqs; /* dwqs= was given, */
	bool shapes; /* or entries=, engine= or lcore= */
};

/* Name of the VDEV's type. */
const char *args_profile_name(enum profile profile);

/* Most channels that such a port has. */
uint16_t args_vchans_max(const struct args *args);

/* Read them; port: name of the vdev. 0, or -EINVAL and one line of log. */
int args_parse(struct args *args, const char *port, const char *text);

#endif /* DMA_SIOV_ARGS_H */

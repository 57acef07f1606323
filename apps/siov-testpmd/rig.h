/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The rig: the platform with its interrupt remapping, the device on it, its control thread and its
 * engines.
 *
 * The platform outlives the device, so PASIDs and mappings stay when the prompt configures queues
 * anew.
 *
 * Thread: the device is made and replaced while no workload runs, by whoever starts workloads.
 */
#ifndef RIG_H
#define RIG_H

#include <pthread.h>
#include <stdbool.h>

#include "host.h"
#include "options.h"
#include "placement.h"
#include "siov_ir.h"

#define RIG_TIMEOUT_MS 5000u /* for whatever engines have to finish */
/* Of interrupt remapping; entry i raises a vector of one destination. The rest are the VDCM's. */
#define RIG_IR_ENTRIES 1024u

struct rig {
	const struct placement *placement;
	struct siov_iommu *iommu;
	struct siov_ir *ir;
	struct siov_dev *dev;
	struct siov_loop *loop; /* control */
	struct siov_loop_source *source; /* of the device */
	struct host host;
	pthread_t control;
	bool has_control;
	bool engines_run;
	SIOV_ATOMIC(uint32_t) stop_engines;
};

/* Build platform and device, start control. 0, or -1 after one line; rig_free is due either way. */
int rig_create(struct rig *rig, const struct options *o, const struct placement *placement);
void rig_free(struct rig *rig);

/* Put another device in the place of this one; engines must be stopped. 0, or -1 after one line;
 * then there is no device.
 */
int rig_rebuild(struct rig *rig, const struct options *o);

/* Launch the engines on their lcores, or stop them and wait. 0, or -1 after one line. */
int rig_start_engines(struct rig *rig);
void rig_stop_engines(struct rig *rig);

/* Memory of the device that the options describe, in bytes, roughly. */
uint64_t rig_bytes(const struct options *o);

#endif /* RIG_H */

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * When nothing is left of what a queue had accepted, from one PASID or from all.
 *
 *     what was published is taken out of every lane ──► a grace period: bursts are worked off
 *     ──► no engine has anything of it set aside
 *
 * With a gate shut (engine.h) that is soon; without, it is a drain. What is accepted after the start
 * does not count, but for what of the same PASID is set aside meanwhile.
 */
#ifndef QUIET_PRIV_H
#define QUIET_PRIV_H

#include "dev_priv.h"

struct quiet {
	const struct dev_wq *dwq;
	uint32_t pasid; /* SIOV_PASID_OTHERS: all */
	uint32_t nb_rebuilds; /* other queues have nothing of what these had */
	uint32_t nb_lanes;
	uint32_t next_lane; /* the first that has not passed */
	bool has_token;
	uint64_t token;
	uint64_t targets[SIOV_WQ_LANES_MAX]; /* of each lane's head */
};

/* Look where the lanes are. 8 KiB: for a caller's stack, or one per device. Under the lock. */
void quiet_start(const struct siov_dev *dev, struct quiet *quiet, const struct dev_wq *dwq,
		 uint32_t pasid);

/* Whether it is quiet; asked again and again until it is. Under the lock. */
bool quiet_is_reached(struct siov_dev *dev, struct quiet *quiet);

#endif /* QUIET_PRIV_H */

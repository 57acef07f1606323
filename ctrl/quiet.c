/* SPDX-License-Identifier: BSD-3-Clause */
#include "quiet_priv.h"

void
quiet_start(const struct siov_dev *dev, struct quiet *quiet, const struct dev_wq *dwq,
	    uint32_t pasid)
{
	uint32_t i;

	quiet->dwq = dwq;
	quiet->pasid = pasid;
	quiet->has_token = false;
	quiet->nb_rebuilds = dev->nb_rebuilds;
	quiet->next_lane = 0;
	quiet->nb_lanes = siov_atomic_load(&dwq->wq->nb_lanes, acquire);
	for (i = 0; i < quiet->nb_lanes; i++)
		quiet->targets[i] = siov_lane_published(dwq->wq->lanes[i]);
}

static bool
have_lanes_passed(struct quiet *quiet)
{
	for (; quiet->next_lane < quiet->nb_lanes; quiet->next_lane++) {
		struct siov_lane *lane = quiet->dwq->wq->lanes[quiet->next_lane];

		if (siov_atomic_load(&lane->head, acquire) < quiet->targets[quiet->next_lane])
			return false;
	}
	return true;
}

bool
quiet_is_reached(struct siov_dev *dev, struct quiet *quiet)
{
	if (quiet->nb_rebuilds != dev->nb_rebuilds)
		return true;
	return have_lanes_passed(quiet) &&
	       dev_is_worked_off(dev, quiet->dwq, quiet->pasid, &quiet->has_token, &quiet->token);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include <rte_rcu_qsbr.h>

#include "quiet_priv.h"

void
quiet_start(struct quiet *quiet, const struct dev_wq *dwq, uint32_t pasid)
{
	uint32_t i;

	quiet->dwq = dwq;
	quiet->pasid = pasid;
	quiet->has_token = false;
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
	struct rte_rcu_qsbr *qsbr = siov_iommu_qsbr(dev->iommu);
	uint32_t i;

	if (!have_lanes_passed(quiet))
		return false;
	if (!quiet->has_token) {
		quiet->token = rte_rcu_qsbr_start(qsbr);
		quiet->has_token = true;
	}
	if (rte_rcu_qsbr_check(qsbr, quiet->token, false) != 1)
		return false;
	for (i = 0; i < quiet->dwq->nb_engines; i++) {
		if (engine_nb_aside(quiet->dwq->engines[i], quiet->dwq->id, quiet->pasid) != 0)
			return false;
	}
	return true;
}

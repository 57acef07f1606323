/* SPDX-License-Identifier: BSD-3-Clause */
/* What configuration space decides of a device as a whole, and its loss. */
#include "dev_adi_priv.h"
#include "dev_nowait.h"

#include <rte_rcu_qsbr.h>

int
dev_set_master(struct siov_dev *dev, bool is_on)
{
	int ret = 0;

	dev_lock(dev);
	if (!is_on && dev_is_active(dev))
		ret = -EBUSY;
	else
		dev->is_master_off = !is_on;
	dev_unlock(dev);
	return ret;
}

void
dev_set_mixed(struct siov_dev *dev, bool is_mixed)
{
	dev_lock(dev);
	dev->is_mixed = is_mixed;
	dev_unlock(dev);
}

/* Shut, with its gates: engines that still poll throw away what they meet. */
static void
lose_queue(struct dev_wq *dwq)
{
	siov_wq_set_state(dwq->wq, SIOV_WQ_DRAINING);
	siov_wq_set_state(dwq->wq, SIOV_WQ_DISABLED);
	dev_set_gate(dwq, SIOV_PASID_OTHERS, ENGINE_GATE_DISCARD);
}

void
dev_lose(struct siov_dev *dev)
{
	unsigned int i;

	dev_lock(dev);
	for (i = 0; i < dev->conf.nb_wqs && !dev->is_lost; i++)
		lose_queue(&dev->wqs[i]);
	if (!dev->is_lost)
		dev->lost_token = rte_rcu_qsbr_start(siov_iommu_qsbr(dev->iommu));
	dev->is_lost = true;
	dev_unlock(dev);
}

bool
siov_dev_is_lost(struct siov_dev *dev)
{
	bool is_lost;

	dev_lock(dev);
	is_lost = dev->is_lost;
	dev_unlock(dev);
	return is_lost;
}

bool
siov_dev_is_quiet(struct siov_dev *dev)
{
	bool is_quiet;
	unsigned int i, k;

	dev_lock(dev);
	is_quiet = dev->is_lost &&
		   rte_rcu_qsbr_check(siov_iommu_qsbr(dev->iommu), dev->lost_token, false) == 1;
	for (i = 0; i < dev->conf.nb_wqs && is_quiet; i++) {
		const struct dev_wq *dwq = &dev->wqs[i];

		for (k = 0; k < dwq->nb_engines && is_quiet; k++)
			is_quiet =
				engine_nb_aside(dwq->engines[k], dwq->id, SIOV_PASID_OTHERS) == 0;
	}
	dev_unlock(dev);
	return is_quiet;
}

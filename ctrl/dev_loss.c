/* SPDX-License-Identifier: BSD-3-Clause */
/* What configuration space decides of a device as a whole, and its loss. */
#include "dev_adi_priv.h"
#include "dev_nowait.h"
#include "dev_regs_priv.h"

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

bool
dev_is_busy(struct siov_dev *dev)
{
	bool is_busy;

	dev_lock(dev);
	is_busy = dev->adis.nb_used != 0 || dev_is_active(dev);
	dev_unlock(dev);
	return is_busy;
}

void
dev_set_mixed(struct siov_dev *dev, bool is_mixed)
{
	dev_lock(dev);
	dev->is_mixed = is_mixed;
	dev_unlock(dev);
}

int
dev_forget_pci(struct siov_dev *dev)
{
	int ret = -EBUSY;

	dev_lock(dev);
	if (!dev_is_active(dev)) {
		dev->is_master_off = true;
		dev->mode = SIOV_MODE_SCALABLE;
		ret = regs_set_page(dev, 4096);
	}
	dev_unlock(dev);
	return ret;
}

/* Shut, with its gates: engines that still poll throw away what they meet. */
static void
lose_queue(struct dev_wq *dwq)
{
	siov_wq_set_state(dwq->wq, SIOV_WQ_DRAINING);
	siov_wq_set_state(dwq->wq, SIOV_WQ_DISABLED);
	dev_set_gate(dwq, SIOV_PASID_OTHERS, ENGINE_GATE_DISCARD);
}

/* None is sent any more: not those that engines hold back, nor those that wait for an unmask. */
static void
lose_messages(struct siov_dev *dev)
{
	const struct adi *adi;
	unsigned int i;

	if (dev->msix != NULL)
		siov_msix_reset(dev->msix);
	for (adi = adi_next(&dev->adis, 0); adi != NULL;
	     adi = adi_next(&dev->adis, adi_index(adi) + 1)) {
		for (i = 0; i < adi->conf.nb_messages; i++)
			message_reset(dev, adi->messages[i], adi->conf.pasid);
	}
}

static void
lose(struct siov_dev *dev)
{
	unsigned int i;

	dev->is_lost = true;
	for (i = 0; i < dev->conf.nb_wqs; i++)
		lose_queue(&dev->wqs[i]);
	lose_messages(dev);
	dev->lost_token = rte_rcu_qsbr_start(siov_iommu_qsbr(dev->iommu));
}

void
dev_lose(struct siov_dev *dev)
{
	dev_lock(dev);
	if (!dev->is_lost)
		lose(dev);
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

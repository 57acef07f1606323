/* SPDX-License-Identifier: BSD-3-Clause */
#include "dev_regs_priv.h"
#include "siov_mbox.h"

void
siov_dev_mbox_attach(struct siov_dev *dev, struct siov_mbox *mbox)
{
	siov_atomic_store(&mbox->dev, dev, release);
}

void
siov_dev_mbox_detach(struct siov_mbox *mbox)
{
	struct siov_dev *dev = siov_atomic_exchange(&mbox->dev, NULL, acq_rel);

	if (dev == NULL)
		return;
	dev_lock(dev);
	if (mbox->is_rung)
		TAILQ_REMOVE(&dev->mboxes, mbox, entry);
	mbox->is_rung = false;
	dev_unlock(dev);
}

void
siov_mbox_ring(struct siov_mbox *mbox, uint32_t value)
{
	struct siov_dev *dev = siov_atomic_load(&mbox->dev, acquire);

	siov_atomic_store(&mbox->value, value, release);
	if (dev == NULL)
		return;
	dev_lock(dev);
	/* It may have been taken away meanwhile. */
	if (siov_atomic_load(&mbox->dev, relaxed) == dev && !mbox->is_rung && !dev->is_lost) {
		TAILQ_INSERT_TAIL(&dev->mboxes, mbox, entry);
		mbox->is_rung = true;
		regs_cause(dev, SIOV_INTCAUSE_MBOX, true);
	}
	dev_unlock(dev);
}

struct siov_mbox *
siov_dev_mbox_take(struct siov_dev *dev)
{
	struct siov_mbox *mbox;

	dev_lock(dev);
	mbox = TAILQ_FIRST(&dev->mboxes);
	if (mbox != NULL) {
		TAILQ_REMOVE(&dev->mboxes, mbox, entry);
		mbox->is_rung = false;
	}
	dev_unlock(dev);
	return mbox;
}

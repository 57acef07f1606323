/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Resets of the whole function: all queues are shut, with their gates, and when nothing is left
 * anywhere, ADIs are brought to what the kind of reset leaves of them.
 */
#include <errno.h>

#include "dev_adi_priv.h"
#include "dev_nowait.h"
#include "dev_regs_priv.h"
#include "steps_priv.h"

static void
start(struct siov_dev *dev, struct reset *reset)
{
	struct adi *adi;
	unsigned int i;

	for (i = 0; i < dev->conf.nb_wqs; i++) {
		struct dev_wq *dwq = &dev->wqs[i];

		if (siov_atomic_load(&dwq->wq->state, relaxed) == SIOV_WQ_ENABLED && dwq->adi == 0)
			reset->enabled |= UINT64_C(1) << i;
		siov_wq_set_state(dwq->wq, SIOV_WQ_DRAINING);
		dwq->is_draining = true;
		dev_set_gate(dwq, SIOV_PASID_OTHERS, ENGINE_GATE_DISCARD);
	}
	for (adi = adi_next(&dev->adis, 0); adi != NULL;
	     adi = adi_next(&dev->adis, adi_index(adi) + 1))
		adi->epoch++;
	dev->is_resetting = true;
	reset->is_started = true;
}

/* What the reset leaves of an ADI. */
static void
end_adi(struct siov_dev *dev, struct adi *adi, enum siov_reset_kind kind)
{
	bool has_portals;

	dev_adi_admit(dev, adi, SIOV_WQ_DISABLED);
	dev_adi_after_reset(dev, adi);
	if (kind == SIOV_RESET_KEEP) {
		/* What is submitted late meets a shut gate until it is enabled again. */
		dev_adi_set_gates(dev, adi, ENGINE_GATE_DISCARD);
		adi->state = adi_is_configured(adi) ? SIOV_ADI_CONFIGURED : SIOV_ADI_ALLOCATED;
		return;
	}
	has_portals = dev_adi_has_portals(dev, adi);
	dev_adi_unconfigure(dev, adi);
	adi->state = SIOV_ADI_ALLOCATED;
	if (!has_portals)
		adi_release(&dev->adis, adi);
}

static void
end_queue(struct dev_wq *dwq, bool is_enabled)
{
	dev_set_gate(dwq, SIOV_PASID_OTHERS, ENGINE_GATE_OPEN);
	siov_wq_set_state(dwq->wq, SIOV_WQ_DISABLED);
	if (is_enabled)
		siov_wq_set_state(dwq->wq, SIOV_WQ_ENABLED);
	dwq->is_draining = false;
}

static void
finish(struct siov_dev *dev, const struct reset *reset)
{
	bool keeps = reset->kind == SIOV_RESET_KEEP;
	struct adi *adi;
	unsigned int i;

	for (adi = adi_next(&dev->adis, 0); adi != NULL;
	     adi = adi_next(&dev->adis, adi_index(adi) + 1))
		end_adi(dev, adi, reset->kind);
	for (i = 0; i < dev->conf.nb_wqs; i++)
		end_queue(&dev->wqs[i], keeps && reset->enabled >> i & 1);
	if (reset->kind == SIOV_RESET_FLR) {
		dev->is_pasid_off = true;
		if (dev->msix != NULL)
			siov_msix_reset(dev->msix);
	}
	regs_reset(dev, reset->kind);
	dev->is_resetting = false;
}

/* Queues stay disabled; their gates open again, so that what is left is not lost for ever. */
static void
give_up(struct siov_dev *dev)
{
	unsigned int i;

	for (i = 0; i < dev->conf.nb_wqs; i++)
		end_queue(&dev->wqs[i], false);
	dev->is_resetting = false;
}

int
reset_step(struct siov_dev *dev, void *arg)
{
	struct reset *reset = arg;
	unsigned int i;

	if (dev->is_lost)
		return -ENODEV;
	if (!reset->is_started) {
		if (dev->is_resetting)
			return -EBUSY;
		for (i = 0; i < dev->conf.nb_wqs; i++) {
			if (dev->wqs[i].is_draining)
				return -EBUSY;
		}
		start(dev, reset);
	}
	for (; reset->wq_id < dev->conf.nb_wqs; reset->wq_id++, reset->has_token = false) {
		if (dev_is_empty(dev, &dev->wqs[reset->wq_id], &reset->has_token, &reset->token))
			continue;
		if (clock_ns() < reset->deadline_ns)
			return -EAGAIN;
		give_up(dev);
		return -ETIMEDOUT;
	}
	finish(dev, reset);
	return 0;
}

int
siov_dev_reset(struct siov_dev *dev, enum siov_reset_kind kind, unsigned int timeout_ms)
{
	struct reset reset = {
		.kind = kind,
		.deadline_ns = deadline_after(timeout_ms),
	};

	return control_call(dev, reset_step, &reset, timeout_ms);
}

/* ---- begun by configuration space ---- */

#define FLR_MS 10000u

void
dev_flr_begin(struct siov_dev *dev)
{
	dev_lock(dev);
	if (!dev->regs->is_in_flr) {
		dev->regs->is_in_flr = true;
		dev->regs->flr = (struct reset){
			.kind = SIOV_RESET_FLR,
			.deadline_ns = deadline_after(FLR_MS),
		};
		flr_poll(dev);
		control_wake(&dev->control);
	}
	dev_unlock(dev);
}

bool
flr_poll(struct siov_dev *dev)
{
	int ret;

	if (!dev->regs->is_in_flr)
		return false;
	ret = reset_step(dev, &dev->regs->flr);
	/* Another reset is under way: this one comes next. */
	if (ret == -EAGAIN || (ret == -EBUSY && clock_ns() < dev->regs->flr.deadline_ns))
		return true;
	if (ret != 0)
		CTRL_LOG(ERR, "%s: function-level reset: %d", dev->conf.name, ret);
	dev->regs->is_in_flr = false;
	return false;
}

bool
dev_flr_poll(struct siov_dev *dev)
{
	bool is_in_flr;

	dev_lock(dev);
	is_in_flr = flr_poll(dev);
	dev_unlock(dev);
	return is_in_flr;
}

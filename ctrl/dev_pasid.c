/* SPDX-License-Identifier: BSD-3-Clause */
/* Drain and abort by PASID: on one queue after the other, with the gates of all set at first. */
#include <errno.h>

#include "dev_adi_priv.h"
#include "steps_priv.h"

/* But for those of ADIs that are shut, or are being reset: they stay as the ADI has them. */
static int
set_gates(struct siov_dev *dev, uint32_t pasid, enum engine_gate gate)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < dev->conf.nb_wqs && ret == 0; i++) {
		const struct adi *adi = dev_adi_of(dev, i, pasid);

		if (adi == NULL || adi->state == SIOV_ADI_ENABLED)
			ret = dev_set_gate(&dev->wqs[i], pasid, gate);
	}
	return ret;
}

/* Queue after queue. True: there is nothing left. */
static bool
is_drained(struct siov_dev *dev, struct pasid_drain *drain)
{
	for (; drain->wq_id < dev->conf.nb_wqs; drain->wq_id++) {
		if (!drain->is_waiting)
			quiet_start(dev, &drain->quiet, &dev->wqs[drain->wq_id], drain->pasid);
		drain->is_waiting = true;
		if (!quiet_is_reached(dev, &drain->quiet))
			return false;
		drain->is_waiting = false;
	}
	return true;
}

int
pasid_drain_step(struct siov_dev *dev, void *arg)
{
	struct pasid_drain *drain = arg;
	int ret = 0;

	if (!drain->is_started && drain->gate != ENGINE_GATE_OPEN)
		ret = set_gates(dev, drain->pasid, drain->gate);
	drain->is_started = true;
	if (ret == 0 && !is_drained(dev, drain)) {
		if (clock_ns() < drain->deadline_ns)
			return -EAGAIN;
		ret = -ETIMEDOUT;
	}
	if (drain->gate != ENGINE_GATE_OPEN)
		set_gates(dev, drain->pasid, ENGINE_GATE_OPEN);
	return ret;
}

static int
drain_pasid(struct siov_dev *dev, uint32_t pasid, enum engine_gate gate, unsigned int timeout_ms)
{
	struct pasid_drain drain = {
		.pasid = pasid,
		.gate = gate,
		.deadline_ns = deadline_after(timeout_ms),
	};

	if (pasid > SIOV_PASID_MAX)
		return -ERANGE;
	return control_call(dev, pasid_drain_step, &drain, timeout_ms);
}

int
siov_dev_pasid_drain(struct siov_dev *dev, uint32_t pasid, unsigned int timeout_ms)
{
	return drain_pasid(dev, pasid, ENGINE_GATE_OPEN, timeout_ms);
}

int
siov_dev_pasid_abort(struct siov_dev *dev, uint32_t pasid, unsigned int timeout_ms)
{
	return drain_pasid(dev, pasid, ENGINE_GATE_ABORT, timeout_ms);
}

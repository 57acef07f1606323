/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A queue's state, from the outside.
 *
 * An abort, and a reset, are drains with the engines' gate shut: what was accepted ends as aborted.
 *
 * A drain has four conditions, looked at in this order:
 *  1. the queue is in the state draining: submitters that look now are told to retry;
 *  2. every attached lane is empty: engines have taken out what was accepted;
 *  3. a grace period has passed since: the bursts taken out are worked off, and what is longer is
 *     counted as a long transfer;
 *  4. no engine has a long transfer of the queue in progress, nor an operation that waits for a
 *     page.
 * A submitter that looked just before (1) may still publish; (2) is therefore checked again with
 * each look, and a descriptor seen late starts (3) anew.
 */
#include <errno.h>

#include <rte_rcu_qsbr.h>

#include "dev_nowait.h"
#include "dev_regs_priv.h"
#include "steps_priv.h"

bool
dev_is_active(const struct siov_dev *dev)
{
	unsigned int i;

	for (i = 0; i < dev->conf.nb_wqs; i++) {
		if (siov_atomic_load(&dev->wqs[i].wq->state, relaxed) != SIOV_WQ_DISABLED)
			return true;
	}
	return false;
}

unsigned int
dev_least_used_wq(struct siov_dev *dev, uint64_t wqs)
{
	unsigned int i, best = UINT32_MAX;

	dev_lock(dev);
	for (i = 0; i < dev->conf.nb_wqs; i++) {
		if (wqs >> i & 1 &&
		    (best == UINT32_MAX || dev->wqs[i].nb_contexts < dev->wqs[best].nb_contexts))
			best = i;
	}
	dev_unlock(dev);
	return best;
}

static bool
are_lanes_empty(const struct siov_wq *wq)
{
	uint32_t nb_lanes = siov_atomic_load(&wq->nb_lanes, relaxed);
	uint32_t i;

	for (i = 0; i < nb_lanes; i++) {
		if (siov_atomic_load(&wq->lanes[i]->attached, relaxed) &&
		    !siov_lane_is_empty(wq->lanes[i]))
			return false;
	}
	return true;
}

bool
dev_is_worked_off(struct siov_dev *dev, const struct dev_wq *dwq, uint32_t pasid, bool *has_token,
		  uint64_t *token)
{
	struct rte_rcu_qsbr *qsbr = siov_iommu_qsbr(dev->iommu);
	unsigned int i;

	if (!*has_token) {
		*token = rte_rcu_qsbr_start(qsbr);
		*has_token = true;
	}
	if (rte_rcu_qsbr_check(qsbr, *token, false) != 1)
		return false;
	for (i = 0; i < dwq->nb_engines; i++) {
		if (engine_nb_aside(dwq->engines[i], dwq->id, pasid) != 0)
			return false;
	}
	return true;
}

bool
dev_is_empty(struct siov_dev *dev, const struct dev_wq *dwq, bool *has_token, uint64_t *token)
{
	if (!are_lanes_empty(dwq->wq)) {
		*has_token = false;
		return false;
	}
	return dev_is_worked_off(dev, dwq, SIOV_PASID_OTHERS, has_token, token);
}

int
dev_set_gate(struct dev_wq *dwq, uint32_t pasid, enum engine_gate gate)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < dwq->nb_engines && ret == 0; i++)
		ret = engine_set_gate(dwq->engines[i], dwq->id, pasid, gate);
	return ret;
}

static void
begin_drain(struct dev_wq *dwq, struct drain *drain)
{
	siov_wq_set_state(dwq->wq, SIOV_WQ_DRAINING);
	if (drain->gate != ENGINE_GATE_OPEN)
		dev_set_gate(dwq, SIOV_PASID_OTHERS, drain->gate);
	dwq->is_draining = true;
	drain->is_started = true;
}

static void
end_drain(struct dev_wq *dwq, const struct drain *drain, enum siov_wq_state state)
{
	if (drain->gate != ENGINE_GATE_OPEN)
		dev_set_gate(dwq, SIOV_PASID_OTHERS, ENGINE_GATE_OPEN);
	siov_wq_set_state(dwq->wq, state);
	dwq->is_draining = false;
}

int
drain_step(struct siov_dev *dev, void *arg)
{
	struct drain *drain = arg;
	struct dev_wq *dwq = dev_find_wq(dev, drain->wq_id);

	if (dwq == NULL)
		return -EINVAL;
	if (dev->is_lost)
		return -ENODEV;
	if (!drain->is_started) {
		if (dwq->is_draining)
			return -EBUSY;
		if (siov_atomic_load(&dwq->wq->state, relaxed) == SIOV_WQ_DISABLED)
			return 0;
		begin_drain(dwq, drain);
	}
	if (dev_is_empty(dev, dwq, &drain->has_token, &drain->token)) {
		end_drain(dwq, drain, drain->then);
		return 0;
	}
	if (clock_ns() < drain->deadline_ns)
		return -EAGAIN;
	end_drain(dwq, drain, SIOV_WQ_ENABLED);
	CTRL_LOG(NOTICE, "%s: wq %u: not drained in time", dev->conf.name, dwq->id);
	return -ETIMEDOUT;
}

static int
drain_wq(struct siov_dev *dev, struct drain drain, unsigned int timeout_ms)
{
	drain.deadline_ns = deadline_after(timeout_ms);
	return control_call(dev, drain_step, &drain, timeout_ms);
}

int
siov_dev_wq_drain(struct siov_dev *dev, unsigned int wq_id, unsigned int timeout_ms)
{
	const struct drain drain = {.wq_id = wq_id, .then = SIOV_WQ_ENABLED};

	return drain_wq(dev, drain, timeout_ms);
}

int
siov_dev_wq_disable(struct siov_dev *dev, unsigned int wq_id, unsigned int timeout_ms)
{
	const struct drain drain = {.wq_id = wq_id, .then = SIOV_WQ_DISABLED};

	return drain_wq(dev, drain, timeout_ms);
}

int
siov_dev_wq_abort(struct siov_dev *dev, unsigned int wq_id, unsigned int timeout_ms)
{
	const struct drain drain = {
		.wq_id = wq_id,
		.then = SIOV_WQ_ENABLED,
		.gate = ENGINE_GATE_ABORT,
	};

	return drain_wq(dev, drain, timeout_ms);
}

int
siov_dev_wq_reset(struct siov_dev *dev, unsigned int wq_id, unsigned int timeout_ms)
{
	const struct drain drain = {
		.wq_id = wq_id,
		.then = SIOV_WQ_DISABLED,
		.gate = ENGINE_GATE_ABORT,
	};

	return drain_wq(dev, drain, timeout_ms);
}

int
dev_wq_enable(struct siov_dev *dev, unsigned int wq_id)
{
	struct dev_wq *dwq = dev_find_wq(dev, wq_id);
	int ret;

	if (dwq == NULL)
		return -EINVAL;
	if (dwq->is_draining)
		return -EBUSY;
	ret = dev_can_enable(dev);
	if (ret != 0)
		return ret;
	if (dwq->conf->is_unused)
		return -ENXIO;
	/* A shared queue's work brings its PASIDs along. */
	if (dwq->wq->mode == SIOV_WQ_DEDICATED && dev->conf.wqs[wq_id].pasid == 0)
		return -ENXIO;
	regs_enable(dev);
	return siov_wq_set_state(dwq->wq, SIOV_WQ_ENABLED);
}

static int
step_enable(struct siov_dev *dev, void *arg)
{
	const unsigned int *wq_id = arg;

	return dev_wq_enable(dev, *wq_id);
}

static int
step_pasid_enable(struct siov_dev *dev, void *arg)
{
	const bool *is_on = arg;

	if (dev_is_active(dev))
		return -EBUSY;
	dev->is_pasid_off = !*is_on;
	return 0;
}

int
dev_pasid_enable_nowait(struct siov_dev *dev, bool is_on)
{
	int ret;

	dev_lock(dev);
	ret = step_pasid_enable(dev, &is_on);
	dev_unlock(dev);
	return ret;
}

int
siov_dev_pasid_enable(struct siov_dev *dev, bool is_on)
{
	return control_call(dev, step_pasid_enable, &is_on, 0);
}

int
siov_dev_wq_enable(struct siov_dev *dev, unsigned int wq_id)
{
	return control_call(dev, step_enable, &wq_id, 0);
}

int
siov_dev_enable(struct siov_dev *dev)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < dev->conf.nb_wqs && ret == 0; i++) {
		if (!dev->conf.wqs[i].is_unused)
			ret = siov_dev_wq_enable(dev, i);
	}
	return ret;
}

int
siov_dev_disable(struct siov_dev *dev, unsigned int timeout_ms)
{
	uint64_t end_ns = deadline_after(timeout_ms);
	unsigned int i;
	int first = 0;

	for (i = 0; i < dev->conf.nb_wqs; i++) {
		uint64_t now_ns = clock_ns();
		uint64_t left_ns = end_ns > now_ns ? end_ns - now_ns : 0;
		int ret = siov_dev_wq_disable(dev, i, (unsigned int)(left_ns / 1000000));

		if (first == 0)
			first = ret;
	}
	return first;
}

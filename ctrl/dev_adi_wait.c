/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Actions on ADIs that wait for work to end: drain, abort, disable, suspend, reset.
 *
 *     admission shut ──► first: what was accepted is done ──► gates shut ──► then: nothing is left
 *                        (drain, disable, suspend)            (all but drain)
 *
 * Each of the two waits is for every queue of the ADI in turn, see quiet_priv.h. A submission that
 * was under way when admission was shut may still appear; once the gates are shut it ends as they
 * say. Where nothing was ever submitted, or everything is told and no portal is open, there is
 * nothing to wait for.
 *
 * Of reset's five conditions (7.7.4), the wait behind the gates brings four: what engines had begun
 * is worked off (DMA writes and reads, interrupts of what had completed), they have passed a
 * quiescent state (translations), and nothing is set aside, parked operations with their page
 * requests among it; answers that come later find no ticket. The fifth is done here: messages are
 * masked, and forget what is pending.
 */
#include <errno.h>

#include "dev_adi_priv.h"
#include "quiet_priv.h"

/* What an action does. */
struct plan {
	enum siov_adi_action action;
	bool drains; /* at first */
	bool shuts; /* gates, then */
	enum engine_gate gate;
	enum siov_wq_state meanwhile; /* admission */
	enum siov_wq_state then;
};

struct adi_wait {
	const struct plan *plan;
	uint32_t id;
	uint32_t epoch;
	uint64_t deadline_ns;
	bool is_started;
	bool is_shut; /* the gates are */
	bool is_waiting; /* quiet is of the queue below */
	unsigned int queue; /* that is waited for */
	unsigned int nb_queues;
	unsigned int wq_ids[SIOV_ADI_DWQS_MAX + 1];
	struct quiet quiet;
};

static const struct plan plan_drain = {
	.action = SIOV_ADI_DO_DRAIN,
	.drains = true,
	.meanwhile = SIOV_WQ_DRAINING,
	.then = SIOV_WQ_ENABLED,
};
static const struct plan plan_abort = {
	.action = SIOV_ADI_DO_ABORT,
	.shuts = true,
	.gate = ENGINE_GATE_ABORT,
	.meanwhile = SIOV_WQ_DRAINING,
	.then = SIOV_WQ_ENABLED,
};
static const struct plan plan_disable = {
	.action = SIOV_ADI_DO_DISABLE,
	.drains = true,
	.shuts = true,
	.gate = ENGINE_GATE_ABORT,
	.meanwhile = SIOV_WQ_DRAINING,
	.then = SIOV_WQ_DISABLED,
};
static const struct plan plan_suspend = {
	.action = SIOV_ADI_DO_SUSPEND,
	.drains = true,
	.shuts = true,
	.gate = ENGINE_GATE_ABORT,
	.meanwhile = SIOV_WQ_DRAINING,
	.then = SIOV_WQ_DISABLED,
};
static const struct plan plan_reset = {
	.action = SIOV_ADI_DO_RESET,
	.shuts = true,
	.gate = ENGINE_GATE_DISCARD,
	.meanwhile = SIOV_WQ_DISABLED,
	.then = SIOV_WQ_DISABLED,
};

/* ---- waiting ---- */

/* Whether nothing can be in flight: all that was accepted has ended, and nobody can submit. */
static bool
is_idle(struct siov_dev *dev, const struct adi *adi, const struct adi_wait *wait)
{
	struct engine_counts counts;
	uint64_t submitted[SIOV_DMWR_NB];

	if (dev_adi_has_portals(dev, adi))
		return false;
	dev_adi_count(dev, adi, wait->wq_ids, wait->nb_queues, &counts, submitted);
	return submitted[SIOV_DMWR_SUCCESS] == counts.completed + counts.failed + counts.aborted;
}

/* Queue after queue. */
static bool
is_quiet(struct siov_dev *dev, const struct adi *adi, struct adi_wait *wait)
{
	for (; wait->queue < wait->nb_queues; wait->queue++) {
		if (!wait->is_waiting)
			quiet_start(dev, &wait->quiet, &dev->wqs[wait->wq_ids[wait->queue]],
				    adi->conf.pasid);
		wait->is_waiting = true;
		if (!quiet_is_reached(dev, &wait->quiet))
			return false;
		wait->is_waiting = false;
	}
	return true;
}

static void
shut(struct siov_dev *dev, const struct adi *adi, struct adi_wait *wait)
{
	dev_adi_set_gates(dev, adi, wait->plan->gate);
	wait->is_shut = true;
	wait->queue = 0;
	wait->is_waiting = false;
}

/* Both waits. */
static bool
is_over(struct siov_dev *dev, const struct adi *adi, struct adi_wait *wait)
{
	if (!wait->is_shut) {
		if (!is_quiet(dev, adi, wait))
			return false;
		if (!wait->plan->shuts)
			return true;
		shut(dev, adi, wait);
	}
	return is_quiet(dev, adi, wait);
}

/* ---- the end ---- */

static void
reset_messages(struct siov_dev *dev, struct adi *adi)
{
	unsigned int i;

	for (i = 0; i < adi->conf.nb_messages; i++) {
		message_reset(dev, adi->messages[i], adi->conf.pasid);
		adi->moderation[i].interval_us = 0;
		adi->moderation[i].max_events = 0;
	}
}

void
dev_adi_after_reset(struct siov_dev *dev, struct adi *adi)
{
	reset_messages(dev, adi);
	dev_adi_unbind(dev, adi);
	adi->nb_errors = 0;
}

static void
finish(struct siov_dev *dev, struct adi *adi, const struct plan *plan)
{
	adi_do(adi, SIOV_ADI_DONE);
	if (plan->action == SIOV_ADI_DO_DRAIN || plan->action == SIOV_ADI_DO_ABORT)
		dev_adi_set_gates(dev, adi, ENGINE_GATE_OPEN);
	dev_adi_admit(dev, adi, plan->then);
	if (plan->action == SIOV_ADI_DO_RESET)
		dev_adi_after_reset(dev, adi);
	else if (plan->action == SIOV_ADI_DO_DISABLE)
		dev_adi_unbind(dev, adi);
	/* One that was never configured is still to be. */
	if (!adi_is_configured(adi))
		adi->state = SIOV_ADI_ALLOCATED;
}

static void
give_up(struct siov_dev *dev, struct adi *adi, const struct plan *plan)
{
	adi_do(adi, SIOV_ADI_GIVEN_UP);
	if (plan->action == SIOV_ADI_DO_RESET)
		return; /* shut off */
	dev_adi_set_gates(dev, adi, ENGINE_GATE_OPEN);
	dev_adi_admit(dev, adi, SIOV_WQ_ENABLED);
}

/* ---- the action ---- */

static int
start(struct siov_dev *dev, struct adi *adi, struct adi_wait *wait)
{
	int ret;

	ret = adi_do(adi, wait->plan->action);
	if (ret != 0)
		return ret;
	wait->epoch = ++adi->epoch;
	wait->nb_queues = dev_adi_queues(adi, wait->wq_ids);
	wait->is_started = true;
	dev_adi_admit(dev, adi, wait->plan->meanwhile);
	if (!wait->plan->drains)
		shut(dev, adi, wait);
	if (adi->conf.pasid != 0 && !is_idle(dev, adi, wait))
		return 0;
	if (wait->plan->shuts && !wait->is_shut)
		shut(dev, adi, wait);
	wait->queue = wait->nb_queues;
	wait->is_shut = true;
	return 0;
}

static int
step(struct siov_dev *dev, void *arg)
{
	struct adi_wait *wait = arg;
	struct adi *adi = adi_find(&dev->adis, wait->id);
	int ret = 0;

	if (adi == NULL)
		return -ENOENT;
	if (dev->is_lost)
		return -ENODEV;
	if (!wait->is_started)
		ret = start(dev, adi, wait);
	else if (adi->epoch != wait->epoch)
		ret = -ECANCELED;
	if (ret != 0)
		return ret;
	if (is_over(dev, adi, wait)) {
		finish(dev, adi, wait->plan);
		return 0;
	}
	if (clock_ns() < wait->deadline_ns)
		return -EAGAIN;
	give_up(dev, adi, wait->plan);
	return -ETIMEDOUT;
}

static int
step_once(struct siov_dev *dev, struct adi_wait *wait)
{
	int ret;

	dev_lock(dev);
	ret = step(dev, wait);
	dev_unlock(dev);
	return ret;
}

/* The first step, in the caller's thread: what needs no wait is over with it. */
static int
begin(struct siov_dev *dev, uint32_t id, const struct plan *plan, unsigned int timeout_ms,
      struct adi_wait *wait)
{
	/* Not all of it is initialised: the targets of quiet are 8 KiB. */
	wait->plan = plan;
	wait->id = id;
	wait->is_started = false;
	wait->is_shut = false;
	wait->is_waiting = false;
	wait->queue = 0;
	wait->deadline_ns = deadline_after(timeout_ms);
	return step_once(dev, wait);
}

static int
act(struct siov_dev *dev, uint32_t id, const struct plan *plan, unsigned int timeout_ms)
{
	struct adi_wait wait;
	int ret;

	ret = begin(dev, id, plan, timeout_ms, &wait);
	return ret == -EAGAIN ? control_call(dev, step, &wait, timeout_ms) : ret;
}

int
siov_dev_adi_drain(struct siov_dev *dev, uint32_t id, unsigned int timeout_ms)
{
	return act(dev, id, &plan_drain, timeout_ms);
}

int
siov_dev_adi_abort(struct siov_dev *dev, uint32_t id, unsigned int timeout_ms)
{
	return act(dev, id, &plan_abort, timeout_ms);
}

int
siov_dev_adi_disable(struct siov_dev *dev, uint32_t id, unsigned int timeout_ms)
{
	return act(dev, id, &plan_disable, timeout_ms);
}

int
siov_dev_adi_suspend(struct siov_dev *dev, uint32_t id, unsigned int timeout_ms)
{
	return act(dev, id, &plan_suspend, timeout_ms);
}

int
siov_dev_adi_reset(struct siov_dev *dev, uint32_t id, unsigned int timeout_ms)
{
	return act(dev, id, &plan_reset, timeout_ms);
}

/* ---- jobs ---- */

struct siov_adi_job {
	struct siov_dev *dev;
	struct adi_wait wait;
};

static const struct plan *
find_plan(enum siov_adi_action action)
{
	static const struct plan *const plans[] = {
		&plan_drain, &plan_abort, &plan_disable, &plan_suspend, &plan_reset,
	};
	unsigned int i;

	for (i = 0; i < RTE_DIM(plans); i++) {
		if (plans[i]->action == action)
			return plans[i];
	}
	return NULL;
}

int
siov_dev_adi_begin(struct siov_dev *dev, uint32_t id, enum siov_adi_action action,
		   unsigned int timeout_ms, struct siov_adi_job **out)
{
	const struct plan *plan = find_plan(action);
	struct siov_adi_job *job;
	int ret;

	if (plan == NULL)
		return -EINVAL;
	/* Before it is begun: what is under way must not be lost for want of memory. */
	job = siov_mem_alloc(dev->mem, "siov_adi_job", sizeof(*job), RTE_CACHE_LINE_SIZE,
			     dev->conf.socket_id);
	if (job == NULL)
		return -ENOMEM;
	ret = begin(dev, id, plan, timeout_ms, &job->wait);
	if (ret != -EAGAIN) {
		siov_mem_free(dev->mem, job);
		return ret;
	}
	job->dev = dev;
	*out = job;
	return -EINPROGRESS;
}

int
siov_dev_adi_poll(struct siov_adi_job *job)
{
	struct siov_dev *dev = job->dev;
	int ret;

	ret = step_once(dev, &job->wait);
	if (ret != -EAGAIN)
		siov_mem_free(dev->mem, job);
	return ret;
}

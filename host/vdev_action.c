/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Actions on a VDEV that wait for engines: the same is done to each of its ADIs, in steps that the
 * control lcore takes, or whoever waits. One at a time; a function-level reset comes next.
 */
#include <errno.h>
#include <time.h>

#include "vdev_priv.h"

#define STATE_MS 5000u /* of a reset that nobody waits for */
#define NAP_MIN_NS 20000u
#define NAP_MAX_NS 1000000u

/* ---- which ADIs ---- */

static bool
is_wanted(const struct action *action, uint32_t wq, const struct space *space)
{
	if (!(action->wqs >> wq & 1))
		return false;
	return action->guest_pasid == NO_PASID ||
	       (space != NULL && space->guest == action->guest_pasid);
}

static bool
next_static(const struct siov_vdev *vdev, struct action *action, uint32_t *adi)
{
	for (; action->next < vdev->nb_wqs; action->next++) {
		const struct vdev_wq *wq = &vdev->wqs[action->next];

		*adi = vdev->adis[0][action->next];
		if (*adi != SIOV_ADI_NONE && is_wanted(action, action->next, wq->space) &&
		    (wq->is_enabled || action->what == SIOV_ADI_DO_RESET))
			return true;
	}
	return false;
}

static bool
next_context(struct siov_vdev *vdev, struct action *action, uint32_t *adi)
{
	struct vdev_context *context;

	if (action->next == vdev->nb_wqs) {
		action->cursor = LIST_FIRST(&vdev->contexts);
		action->next++;
	}
	for (; action->cursor != NULL; action->cursor = LIST_NEXT(context, entry)) {
		context = action->cursor;
		*adi = context->adi;
		if (action->context == NULL && is_wanted(action, context->wq, context->space))
			return true;
		if (action->context == context)
			return true;
	}
	return false;
}

static bool
next_adi(struct siov_vdev *vdev, struct action *action, uint32_t *adi)
{
	return next_static(vdev, action, adi) || next_context(vdev, action, adi);
}

static void
pass_adi(const struct siov_vdev *vdev, struct action *action)
{
	if (action->next < vdev->nb_wqs)
		action->next++;
	else
		action->cursor = LIST_NEXT(action->cursor, entry);
}

/* ---- several at a time ---- */

static unsigned int
ms_left(uint64_t deadline_ns)
{
	uint64_t now_ns = clock_ns();

	return deadline_ns > now_ns ? (unsigned int)((deadline_ns - now_ns) / 1000000) : 0;
}

/* What is gone with its function has nothing to be done to. */
static void
note(struct action *action, int ret)
{
	if (ret != 0 && ret != -ENODEV && ret != -ENOENT && action->error == 0)
		action->error = ret;
}

/* Bring what is under way further. Whether there is room for another. */
static bool
poll_jobs(struct action *action, unsigned int *room)
{
	unsigned int i;
	bool has_room = false;

	for (i = 0; i < ACTION_JOBS; i++) {
		int ret = action->jobs[i] != NULL ? siov_dev_adi_poll(action->jobs[i]) : 0;

		if (ret == -EAGAIN)
			continue;
		if (action->jobs[i] != NULL)
			note(action, ret);
		action->jobs[i] = NULL;
		*room = i;
		has_room = true;
	}
	return has_room;
}

static bool
has_jobs(const struct action *action)
{
	unsigned int i;

	for (i = 0; i < ACTION_JOBS; i++) {
		if (action->jobs[i] != NULL)
			return true;
	}
	return false;
}

/* Whether all are done. */
static bool
do_adis(struct siov_vdev *vdev, struct action *action)
{
	unsigned int room = 0;
	uint32_t adi;
	int ret;

	while (poll_jobs(action, &room)) {
		if (vdev_dev(vdev) == NULL || !next_adi(vdev, action, &adi))
			return !has_jobs(action);
		ret = siov_dev_adi_begin(vdev_dev(vdev), adi, action->what,
					 ms_left(action->deadline_ns), &action->jobs[room]);
		if (ret != -EINPROGRESS)
			note(action, ret);
		pass_adi(vdev, action);
	}
	return false;
}

/* ---- ends ---- */

static void
resume_adis(struct siov_vdev *vdev)
{
	struct vdev_context *context;
	uint32_t i;

	for (i = 0; i < vdev->nb_wqs; i++) {
		if (vdev->wqs[i].is_enabled && vdev->adis[0][i] != SIOV_ADI_NONE)
			siov_dev_adi_resume(vdev_dev(vdev), vdev->adis[0][i]);
	}
	LIST_FOREACH(context, &vdev->contexts, entry)
		siov_dev_adi_resume(vdev_dev(vdev), context->adi);
}

static void
end_suspend(struct siov_vdev *vdev, int error)
{
	if (error == 0)
		vdev->state = SIOV_VDEV_STOPPED;
	else if (vdev_dev(vdev) != NULL)
		resume_adis(vdev);
	vdev->reset_error = error;
}

/* Also where an ADI did not let go: it is shut off, and tried again by the next reset. */
static void
end_flr(struct siov_vdev *vdev, int error)
{
	vdev_cfg_reset(vdev);
	vdev_msix_reset(vdev);
	vdev_after_reset(vdev);
	if (vdev->is_halted) {
		int ret = vdev_move(vdev);

		vdev->is_halted = ret != 0;
		error = error != 0 ? error : ret;
	}
	vdev->state = error == 0 ? SIOV_VDEV_RUNNING : SIOV_VDEV_ERROR;
	vdev->reset_error = error;
	vdev->is_used = false;
	vdev->stats.nb_resets++;
	vdev_regs_reset(vdev);
}

/* No portal has led to what was enabled: nothing is in flight, so nothing has to wait. */
void
vdev_undo(struct siov_vdev *vdev)
{
	vdev->state = SIOV_VDEV_RUNNING;
	vdev_flr(vdev);
}

static void
end_context_free(struct siov_vdev *vdev, const struct action *action)
{
	if (action->error == 0)
		vdev_context_free(vdev, action->context);
	vdev_channel_done(vdev, action->error);
}

static void
end(struct siov_vdev *vdev)
{
	const struct action action = vdev->action;

	vdev->action.kind = ACTION_NONE;
	switch (action.kind) {
	case ACTION_COMMAND:
		vdev_command_done(vdev, &action);
		break;
	case ACTION_FLR:
		end_flr(vdev, action.error);
		break;
	case ACTION_SUSPEND:
		end_suspend(vdev, action.error);
		break;
	case ACTION_CONTEXT_FREE:
		end_context_free(vdev, &action);
		break;
	default:
		vdev->reset_error = action.error;
	}
}

/* ---- begin, and go on ---- */

static void
step_action(struct siov_vdev *vdev)
{
	if (do_adis(vdev, &vdev->action))
		end(vdev);
}

int
vdev_begin(struct siov_vdev *vdev, const struct action *action)
{
	if (vdev->action.kind != ACTION_NONE)
		return -EBUSY;
	vdev->action = *action;
	step_action(vdev);
	if (vdev->action.kind != ACTION_NONE)
		vdcm_activate(vdev);
	return 0;
}

static void
begin_flr(struct siov_vdev *vdev)
{
	const struct action action = {
		.kind = ACTION_FLR,
		.what = SIOV_ADI_DO_RESET,
		.wqs = UINT32_MAX,
		.guest_pasid = NO_PASID,
		.deadline_ns = deadline_after(STATE_MS),
	};

	vdev->must_reset = false;
	vdev_begin(vdev, &action);
}

void
vdev_flr(struct siov_vdev *vdev)
{
	if (vdev->action.kind == ACTION_FLR || vdev->action.kind == ACTION_DESTROY)
		return;
	vdev->must_reset = true;
	if (vdev->action.kind == ACTION_NONE)
		begin_flr(vdev);
	else
		vdcm_activate(vdev);
}

static void
connect_again(struct siov_vdev *vdev)
{
	uint32_t i;

	vdev->wants_connect = false;
	for (i = 0; i < vdev->nb_wqs; i++)
		vdev_connect(vdev, i);
}

bool
vdev_step(struct siov_vdev *vdev)
{
	bool is_left = false;

	if (vdev->halt_at_ns != 0)
		is_left |= vdev_tell_loss(vdev);
	is_left |= vdev_pager_step(vdev);
	if (vdev->action.kind != ACTION_NONE)
		step_action(vdev);
	if (vdev->action.kind == ACTION_NONE && vdev->must_reset)
		begin_flr(vdev);
	vdev_command_step(vdev);
	if (vdev->wants_connect)
		connect_again(vdev);
	if (vdev->action.kind == ACTION_NONE)
		is_left |= vdev_channel_step(vdev);
	return is_left || vdev->action.kind != ACTION_NONE || vdev->wants_connect ||
	       vdev->has_command;
}

/* ---- callers that wait ---- */

/* Under the lock, which is let go meanwhile. */
static void
nap(struct siov_vdcm *vdcm, uint64_t *nap_ns)
{
	const struct timespec time = {.tv_nsec = (long)*nap_ns};

	vdcm_unlock(vdcm);
	nanosleep(&time, NULL);
	*nap_ns = RTE_MIN(2 * *nap_ns, (uint64_t)NAP_MAX_NS);
	vdcm_lock(vdcm);
}

/* The caller does what the control lcore would, which may not run. */
int
vdev_await_idle(struct siov_vdev *vdev, uint64_t deadline_ns)
{
	uint64_t nap_ns = NAP_MIN_NS;

	for (;;) {
		if (vdev->action.kind != ACTION_NONE || vdev->must_reset)
			vdev_step(vdev);
		if (vdev->action.kind == ACTION_NONE && !vdev->must_reset)
			return 0;
		if (clock_ns() >= deadline_ns)
			return -ETIMEDOUT;
		nap(vdev->vdcm, &nap_ns);
	}
}

void
vdev_await_connect(struct siov_vdev *vdev, uint64_t deadline_ns)
{
	uint64_t nap_ns = NAP_MIN_NS;

	while (vdev->wants_connect && clock_ns() < deadline_ns) {
		vdcm_reap(vdev->vdcm);
		connect_again(vdev);
		if (vdev->wants_connect)
			nap(vdev->vdcm, &nap_ns);
	}
}

int
vdev_await_burial(struct siov_vdev *vdev, uint64_t deadline_ns)
{
	uint64_t nap_ns = NAP_MIN_NS;

	while (vdev->nb_zombies != 0) {
		vdcm_reap(vdev->vdcm);
		if (vdev->nb_zombies == 0)
			break;
		if (clock_ns() >= deadline_ns)
			return -ETIMEDOUT;
		nap(vdev->vdcm, &nap_ns);
	}
	return 0;
}

int
vdev_lock_idle(struct siov_vdev *vdev, uint64_t deadline_ns)
{
	int ret;

	vdcm_lock(vdev->vdcm);
	ret = vdev_await_idle(vdev, deadline_ns);
	if (ret != 0)
		vdcm_unlock(vdev->vdcm);
	return ret;
}

int
siov_vdev_reset(struct siov_vdev *vdev, unsigned int timeout_ms)
{
	int ret;

	vdcm_lock(vdev->vdcm);
	vdev_flr(vdev);
	if (timeout_ms == 0)
		ret = -EINPROGRESS;
	else
		ret = vdev_await_idle(vdev, deadline_after(timeout_ms));
	if (vdev->action.kind == ACTION_NONE && !vdev->must_reset)
		ret = vdev->reset_error;
	vdcm_unlock(vdev->vdcm);
	return ret;
}

static int
suspend(struct siov_vdev *vdev, uint64_t deadline_ns)
{
	const struct action action = {
		.kind = ACTION_SUSPEND,
		.what = SIOV_ADI_DO_SUSPEND,
		.wqs = UINT32_MAX,
		.guest_pasid = NO_PASID,
		.deadline_ns = deadline_ns,
	};
	int ret;

	if (vdev->state == SIOV_VDEV_STOPPED)
		return 0;
	if (vdev->state != SIOV_VDEV_RUNNING || vdev->is_halted)
		return -EBUSY;
	/* A doorbell that nobody has taken so far is no part of what is saved. */
	vdcm_take_mail(vdev->vdcm);
	ret = vdev_begin(vdev, &action);
	/* Its ADIs give up by themselves: then the action ends. */
	while (ret == 0 && vdev->action.kind != ACTION_NONE)
		ret = vdev_await_idle(vdev, UINT64_MAX);
	return ret != 0 ? ret : vdev->reset_error;
}

int
siov_vdev_suspend(struct siov_vdev *vdev, unsigned int timeout_ms)
{
	uint64_t deadline_ns = deadline_after(timeout_ms);
	int ret;

	ret = vdev_lock_idle(vdev, deadline_ns);
	if (ret != 0)
		return ret;
	ret = suspend(vdev, deadline_ns);
	vdcm_unlock(vdev->vdcm);
	return ret;
}

int
siov_vdev_resume(struct siov_vdev *vdev)
{
	int ret = -EBUSY;

	vdcm_lock(vdev->vdcm);
	if (vdev->state == SIOV_VDEV_STOPPED && vdev->action.kind == ACTION_NONE) {
		vdev->state = SIOV_VDEV_RUNNING;
		if (vdev_dev(vdev) != NULL)
			resume_adis(vdev);
		connect_again(vdev);
		vdcm_activate(vdev);
		ret = 0;
	}
	vdcm_unlock(vdev->vdcm);
	return ret;
}

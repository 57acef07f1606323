/* SPDX-License-Identifier: BSD-3-Clause */
/* Administrative commands of a VDEV: DSA's, on the queues that its guest sees. */
#include <errno.h>

#include "vdev_priv.h"

#define COMMAND_MS 10000u
#define OPERAND_BLOCK_SHIFT 16 /* of queue masks */
#define RESULT_MASK 0xffffu
#define CMD_LATER UINT32_MAX /* no error: to be tried again */

static uint32_t
all_wqs(const struct siov_vdev *vdev)
{
	return (UINT32_C(1) << vdev->nb_wqs) - 1;
}

void
vdev_command_end(struct siov_vdev *vdev, uint32_t error, uint32_t result)
{
	vdev->cmdsts = error | (result & RESULT_MASK) << SIOV_CMDSTS_RESULT_SHIFT;
	vdev_reg_set(vdev, SIOV_REG_CMDSTS, vdev->cmdsts);
	if (vdev->cmd & SIOV_CMD_INT)
		vdev_cause(vdev, SIOV_INTCAUSE_CMD);
}

/* ---- what takes time ---- */

static void
begin(struct siov_vdev *vdev, enum siov_adi_action what, uint32_t wqs, uint32_t guest_pasid)
{
	const struct action action = {
		.kind = ACTION_COMMAND,
		.what = what,
		.wqs = wqs,
		.guest_pasid = guest_pasid,
		.deadline_ns = deadline_after(COMMAND_MS),
	};

	vdev_begin(vdev, &action);
}

static void
free_contexts(struct siov_vdev *vdev, uint32_t wqs)
{
	struct vdev_context *context = LIST_FIRST(&vdev->contexts), *next;

	for (; context != NULL; context = next) {
		next = LIST_NEXT(context, entry);
		if (wqs >> context->wq & 1)
			vdev_context_free(vdev, context);
	}
}

static void
disable_wqs(struct siov_vdev *vdev, uint32_t wqs)
{
	uint32_t i;

	for (i = 0; i < vdev->nb_wqs; i++) {
		if (wqs >> i & 1)
			vdev_wq_disabled(vdev, i);
	}
	free_contexts(vdev, wqs);
}

void
vdev_after_reset(struct siov_vdev *vdev)
{
	disable_wqs(vdev, all_wqs(vdev));
	vdev->is_enabled = false;
	vdev_channel_reset(vdev);
}

/* A function was lost: with the reset another one works. */
static uint32_t
end_reset(struct siov_vdev *vdev)
{
	uint32_t i;

	vdev_after_reset(vdev);
	for (i = 0; i < vdev->nb_wqs; i++)
		vdev->wqs[i].config &= SIOV_WQCFG_DEDICATED;
	if (vdev->is_halted) {
		if (vdev_move(vdev) != 0)
			return SIOV_CMD_HW_ERROR;
		vdev->is_halted = false;
	}
	return SIOV_CMD_OK;
}

void
vdev_command_done(struct siov_vdev *vdev, const struct action *action)
{
	uint32_t code = vdev->cmd >> SIOV_CMD_SHIFT & SIOV_CMD_CODE;
	uint32_t error = action->error != 0 ? SIOV_CMD_HW_ERROR : SIOV_CMD_OK;

	switch (code) {
	case SIOV_CMD_DISABLE_DEVICE:
		disable_wqs(vdev, action->wqs);
		vdev->is_enabled = false;
		break;
	case SIOV_CMD_RESET_DEVICE:
		if (error == SIOV_CMD_OK)
			error = end_reset(vdev);
		break;
	case SIOV_CMD_DISABLE_WQ:
	case SIOV_CMD_RESET_WQ:
		disable_wqs(vdev, action->wqs);
		break;
	default:
		break;
	}
	vdev_regs_show(vdev);
	vdev_command_end(vdev, error, 0);
}

/* ---- what is done at once ---- */

static uint32_t
enable_device(struct siov_vdev *vdev)
{
	if (vdev->is_enabled || vdev->is_halted)
		return SIOV_CMD_NOT_DISABLED;
	if (!vdev_cfg_is_master(vdev))
		return SIOV_CMD_NO_MASTER;
	vdev->is_enabled = true;
	return SIOV_CMD_OK;
}

static uint32_t
enable_wq(struct siov_vdev *vdev, uint32_t wq, uint32_t *result)
{
	uint32_t config;
	int ret;

	if (wq >= vdev->nb_wqs)
		return SIOV_CMD_BAD_WQ;
	if (!vdev->is_enabled)
		return SIOV_CMD_NOT_ENABLED;
	/* Enabled by this command, but for portals that have to wait for their lane. */
	if (vdev->is_connecting)
		return vdev->wants_connect && clock_ns() < vdev->command_end_ns ? CMD_LATER :
										  SIOV_CMD_OK;
	if (vdev->wqs[wq].is_enabled)
		return SIOV_CMD_WQ_NOT_DISABLED;
	config = vdev->wqs[wq].config;
	if (config & SIOV_WQCFG_PRIV)
		return SIOV_CMD_WQ_PRIV;
	if (!(config & SIOV_WQCFG_PASID_EN) && !vdev->wqs[wq].is_dedicated &&
	    !vdev->type->is_dynamic)
		return SIOV_CMD_WQ_PASID_EN;
	ret = vdev_wq_enable(vdev, wq);
	/* What the queue had before is not quite gone? */
	if (ret != 0 && vdev->nb_zombies != 0 && clock_ns() < vdev->command_end_ns)
		return CMD_LATER;
	if (ret == -EEXIST)
		return SIOV_CMD_WQ_PASID_EN;
	*result = (uint32_t)-ret;
	if (ret != 0)
		return SIOV_CMD_HW_ERROR;
	vdev->is_connecting = vdev->wants_connect;
	return vdev->is_connecting ? CMD_LATER : SIOV_CMD_OK;
}

static uint32_t
request_handle(struct siov_vdev *vdev, uint32_t vector, uint32_t *result)
{
	struct siov_adi_info info;

	if (vector >= vdev->nb_vectors)
		return SIOV_CMD_BAD_INDEX;
	if (vector == 0 || vector > vdev->nb_wqs || vdev->type->is_dynamic)
		return SIOV_CMD_NO_HANDLE_FOR;
	if (vdev_dev(vdev) == NULL ||
	    siov_dev_adi_info(vdev_dev(vdev), vdev->adis[0][vector - 1], &info) != 0 ||
	    info.conf.nb_messages == 0)
		return SIOV_CMD_NO_HANDLE;
	*result = info.messages[0];
	return SIOV_CMD_OK;
}

/* ---- commands ---- */

/* Queues of an operand; 0 and an error if it names others. */
static uint32_t
named_wqs(const struct siov_vdev *vdev, uint32_t operand, uint32_t *error)
{
	uint32_t i, wqs = operand & 0xffff;

	*error = SIOV_CMD_OK;
	if (!vdev->is_enabled)
		*error = SIOV_CMD_NOT_ENABLED;
	else if (operand >> OPERAND_BLOCK_SHIFT != 0 || (wqs & ~all_wqs(vdev)) != 0 || wqs == 0)
		*error = SIOV_CMD_BAD_WQ;
	for (i = 0; i < vdev->nb_wqs && *error == SIOV_CMD_OK; i++) {
		if (wqs >> i & 1 && !vdev->wqs[i].is_enabled)
			*error = SIOV_CMD_WQ_NOT_ENABLED;
	}
	return *error == SIOV_CMD_OK ? wqs : 0;
}

struct row {
	enum siov_adi_action what;
	bool is_of_wqs; /* operand: a mask of queues */
};

static const struct row rows[SIOV_CMDS] = {
	[SIOV_CMD_DISABLE_DEVICE] = {SIOV_ADI_DO_DISABLE, false},
	[SIOV_CMD_DRAIN_ALL] = {SIOV_ADI_DO_DRAIN, false},
	[SIOV_CMD_ABORT_ALL] = {SIOV_ADI_DO_ABORT, false},
	[SIOV_CMD_RESET_DEVICE] = {SIOV_ADI_DO_RESET, false},
	[SIOV_CMD_DISABLE_WQ] = {SIOV_ADI_DO_DISABLE, true},
	[SIOV_CMD_DRAIN_WQ] = {SIOV_ADI_DO_DRAIN, true},
	[SIOV_CMD_ABORT_WQ] = {SIOV_ADI_DO_ABORT, true},
	[SIOV_CMD_RESET_WQ] = {SIOV_ADI_DO_RESET, true},
	[SIOV_CMD_DRAIN_PASID] = {SIOV_ADI_DO_DRAIN, false},
	[SIOV_CMD_ABORT_PASID] = {SIOV_ADI_DO_ABORT, false},
};

static void
begin_row(struct siov_vdev *vdev, uint32_t code, uint32_t operand)
{
	uint32_t error = SIOV_CMD_OK, wqs = all_wqs(vdev), guest_pasid = NO_PASID;

	if (rows[code].is_of_wqs)
		wqs = named_wqs(vdev, operand, &error);
	else if (code == SIOV_CMD_DRAIN_PASID || code == SIOV_CMD_ABORT_PASID)
		guest_pasid = operand;
	else if (operand != 0)
		error = SIOV_CMD_RSVD_FIELD;
	if (error == SIOV_CMD_OK && !vdev->is_enabled && code != SIOV_CMD_RESET_DEVICE)
		error = code == SIOV_CMD_DISABLE_DEVICE ? SIOV_CMD_DEVICE_NOT_ENABLED :
							  SIOV_CMD_NOT_ENABLED;
	if (error != SIOV_CMD_OK)
		vdev_command_end(vdev, error, 0);
	else
		begin(vdev, rows[code].what, wqs, guest_pasid);
}

static void
do_at_once(struct siov_vdev *vdev, uint32_t code, uint32_t operand)
{
	uint32_t error = SIOV_CMD_OK, result = 0;

	switch (code) {
	case SIOV_CMD_ENABLE_DEVICE:
		error = operand != 0 ? SIOV_CMD_RSVD_FIELD : enable_device(vdev);
		break;
	case SIOV_CMD_ENABLE_WQ:
		error = enable_wq(vdev, operand, &result);
		break;
	case SIOV_CMD_REQUEST_HANDLE:
		error = request_handle(vdev, operand & ~SIOV_CMD_HANDLE_IMS, &result);
		break;
	case SIOV_CMD_RELEASE_HANDLE:
		break; /* a vector has one handle, which stays */
	default:
		error = SIOV_CMD_BAD_COMMAND;
	}
	vdev->has_command = error == CMD_LATER;
	if (vdev->has_command)
		return;
	vdev->is_connecting = false;
	vdev_regs_show(vdev);
	vdev_command_end(vdev, error, result);
}

void
vdev_command_step(struct siov_vdev *vdev)
{
	uint32_t code = vdev->cmd >> SIOV_CMD_SHIFT & SIOV_CMD_CODE;
	uint32_t operand = vdev->cmd & SIOV_CMD_OPERAND;

	if (!vdev->has_command || vdev->action.kind != ACTION_NONE || vdev->must_reset)
		return;
	vdev->has_command = false;
	if (vdev->cmd & SIOV_CMD_RSVD)
		vdev_command_end(vdev, SIOV_CMD_RSVD_FIELD, 0);
	else if (code < SIOV_CMDS && rows[code].what != SIOV_ADI_DO_ALLOC)
		begin_row(vdev, code, operand);
	else
		do_at_once(vdev, code, operand);
}

void
vdev_command(struct siov_vdev *vdev, uint32_t value)
{
	/* Written while another is active, or while all is reset anyway: lost. */
	if (vdev->cmdsts & SIOV_CMDSTS_ACTIVE || vdev->must_reset ||
	    vdev->action.kind == ACTION_FLR || vdev->state != SIOV_VDEV_RUNNING)
		return;
	vdev->cmd = value;
	vdev->cmdsts = SIOV_CMDSTS_ACTIVE;
	vdev->has_command = true;
	vdev->command_end_ns = deadline_after(COMMAND_MS);
	vdev->stats.nb_commands++;
	vdev_reg_set(vdev, SIOV_REG_CMD, value);
	vdev_reg_set(vdev, SIOV_REG_CMDSTS, vdev->cmdsts);
	vdev_command_step(vdev);
	if (vdev->has_command)
		vdcm_activate(vdev);
}

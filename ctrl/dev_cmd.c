/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Administrative commands: what is written to CMD, one at a time, and told by CMDSTS.
 *
 *     CMD ──► begin: checks, first step ──► steps, by the control lcore or readers of CMDSTS ──► end:
 *                                                                  CMDSTS, INTCAUSE, vector 0
 */
#include <errno.h>
#include <string.h>

#include "dev_regs_priv.h"

#define TIMEOUT_MS 10000u
#define PER_BLOCK 16u /* queues that one command can name */

/*
 * A row: begin says what is wrong, or prepares what is to be stepped (cmd->step), or does it at
 * once. finish comes after success.
 */
struct command {
	enum siov_cmd_error (*begin)(struct siov_dev *dev, const struct command *row,
				     uint32_t operand);
	void (*finish)(struct siov_dev *dev);
	/* of those that drain: what becomes of work accepted, and the queues' state after it */
	enum engine_gate gate;
	enum siov_wq_state then;
};

static struct dev_cmd *
cmd_of(struct siov_dev *dev)
{
	return &dev->regs->cmd;
}

static enum siov_cmd_error
error_of(int ret)
{
	return ret == 0 ? SIOV_CMD_OK : SIOV_CMD_HW_ERROR;
}

/* ---- several queues, one after the other ---- */

static int
step_wqs(struct siov_dev *dev, void *arg)
{
	struct dev_cmd *cmd = cmd_of(dev);
	struct drain *drain = arg;
	int ret = 0;

	while (ret == 0 && cmd->wqs != 0) {
		uint32_t wq_id = (uint32_t)__builtin_ctzll(cmd->wqs);

		if (!drain->is_started) {
			*drain = cmd->drain_plan;
			drain->wq_id = wq_id;
			drain->deadline_ns = deadline_after(TIMEOUT_MS);
		}
		ret = drain_step(dev, drain);
		if (ret == -EAGAIN)
			return ret;
		cmd->wqs &= cmd->wqs - 1;
		drain->is_started = false;
	}
	return ret;
}

static enum siov_cmd_error
begin_wqs(struct siov_dev *dev, const struct command *row, uint64_t wqs)
{
	struct dev_cmd *cmd = cmd_of(dev);

	cmd->wqs = wqs;
	cmd->drain_plan = (struct drain){.gate = row->gate, .then = row->then};
	cmd->drain.is_started = false;
	cmd->step = step_wqs;
	return SIOV_CMD_OK;
}

static bool
is_wq_enabled(const struct siov_dev *dev, uint32_t wq_id)
{
	return wq_id < dev->conf.nb_wqs &&
	       siov_atomic_load(&dev->wqs[wq_id].wq->state, relaxed) != SIOV_WQ_DISABLED;
}

static uint64_t
enabled_wqs(const struct siov_dev *dev)
{
	uint64_t wqs = 0;
	uint32_t i;

	for (i = 0; i < dev->conf.nb_wqs; i++)
		wqs |= (uint64_t)is_wq_enabled(dev, i) << i;
	return wqs;
}

/* Those that an operand names: a mask, of a block of 16. */
static enum siov_cmd_error
begin_masked(struct siov_dev *dev, const struct command *row, uint32_t operand)
{
	uint32_t first = (operand >> PER_BLOCK) * PER_BLOCK, i;
	uint64_t wqs = 0;

	if (dev->regs->is_disabled)
		return SIOV_CMD_NOT_ENABLED;
	for (i = 0; i < PER_BLOCK; i++) {
		if (!(operand >> i & 1))
			continue;
		if (first + i >= regs_nb_wqs(dev))
			return SIOV_CMD_BAD_WQ;
		if (!is_wq_enabled(dev, first + i))
			return SIOV_CMD_WQ_NOT_ENABLED;
		wqs |= UINT64_C(1) << (first + i);
	}
	return begin_wqs(dev, row, wqs);
}

static enum siov_cmd_error
begin_all(struct siov_dev *dev, const struct command *row, uint32_t operand)
{
	if (operand != 0)
		return SIOV_CMD_RSVD_FIELD;
	if (dev->regs->is_disabled)
		return SIOV_CMD_NOT_ENABLED;
	return begin_wqs(dev, row, enabled_wqs(dev));
}

/* ---- the device ---- */

static enum siov_cmd_error
begin_enable_device(struct siov_dev *dev, const struct command *row, uint32_t operand)
{
	struct dev_cmd *cmd = cmd_of(dev);
	const struct siov_dev_conf *next = &dev->regs->next;
	enum siov_cmd_error error;

	(void)row;
	if (operand != 0)
		return SIOV_CMD_RSVD_FIELD;
	if (!dev->regs->is_disabled)
		return SIOV_CMD_NOT_DISABLED;
	error = regs_read_conf(dev);
	if (error != SIOV_CMD_OK || memcmp(next, &dev->conf, sizeof(*next)) == 0)
		return error;
	/* ADIs and lanes are of queues that would go. */
	if (dev_is_in_use(dev))
		return SIOV_CMD_CONFIG;
	cmd->rebuild = (struct rebuild){
		.conf = next,
		.deadline_ns = deadline_after(TIMEOUT_MS),
	};
	cmd->step = rebuild_step;
	return SIOV_CMD_OK;
}

static void
finish_enable_device(struct siov_dev *dev)
{
	dev->regs->is_disabled = false;
	regs_show_conf(dev);
}

static enum siov_cmd_error
begin_disable_device(struct siov_dev *dev, const struct command *row, uint32_t operand)
{
	if (operand != 0)
		return SIOV_CMD_RSVD_FIELD;
	if (dev->regs->is_disabled)
		return SIOV_CMD_DEVICE_NOT_ENABLED;
	return begin_wqs(dev, row, enabled_wqs(dev));
}

static void
finish_disable_device(struct siov_dev *dev)
{
	/* Somebody may have enabled a queue meanwhile, and with it the device. */
	dev->regs->is_disabled = !dev_is_active(dev);
}

static enum siov_cmd_error
begin_reset_device(struct siov_dev *dev, const struct command *row, uint32_t operand)
{
	struct dev_cmd *cmd = cmd_of(dev);

	(void)row;
	if (operand != 0)
		return SIOV_CMD_RSVD_FIELD;
	cmd->reset = (struct reset){
		.kind = SIOV_RESET_ALL,
		.deadline_ns = deadline_after(TIMEOUT_MS),
	};
	cmd->step = reset_step;
	return SIOV_CMD_OK;
}

/* ---- enable a queue ---- */

/* PASID and Priv may have been written while the queue was disabled. */
static enum siov_cmd_error
take_pasid(struct siov_dev *dev, uint32_t wq_id, uint32_t mode)
{
	struct dev_wq *dwq = &dev->wqs[wq_id];
	uint32_t pasid = mode >> SIOV_WQCFG_PASID_SHIFT & SIOV_PASID_MAX;
	bool is_priv = mode & SIOV_WQCFG_PRIV;

	if (!(mode & SIOV_WQCFG_PASID_EN))
		return SIOV_CMD_WQ_PASID_EN;
	if (is_priv && !(dev->conf.flags & SIOV_DEV_F_PRIV))
		return SIOV_CMD_WQ_PRIV;
	if (dwq->wq->mode == SIOV_WQ_SHARED)
		return SIOV_CMD_OK;
	/* Those of an ADI are its own. */
	if (dwq->adi != 0)
		return SIOV_CMD_CONFIG;
	if (siov_wq_set_pasid(dwq->wq, pasid, is_priv) != 0)
		return pasid == dwq->conf->pasid ? SIOV_CMD_OK : SIOV_CMD_CONFIG;
	dev->conf.wqs[wq_id].pasid = pasid;
	return SIOV_CMD_OK;
}

static enum siov_cmd_error
begin_enable_wq(struct siov_dev *dev, const struct command *row, uint32_t operand)
{
	uint32_t cfg = SIOV_BARS_WQCFG + operand * SIOV_WQCFG_STRIDE;
	enum siov_cmd_error error;
	int ret;

	(void)row;
	if (dev->regs->is_disabled)
		return SIOV_CMD_NOT_ENABLED;
	if (operand >= regs_nb_wqs(dev))
		return SIOV_CMD_BAD_WQ;
	if (is_wq_enabled(dev, operand))
		return SIOV_CMD_WQ_NOT_DISABLED;
	if (regs_get(dev->regs->file, cfg + SIOV_WQCFG_SIZE) == 0)
		return SIOV_CMD_WQ_SIZE;
	error = take_pasid(dev, operand, regs_get(dev->regs->file, cfg + SIOV_WQCFG_MODE));
	if (error != SIOV_CMD_OK)
		return error;
	ret = dev_wq_enable(dev, operand);
	if (ret == -EPERM || ret == -ENXIO)
		return SIOV_CMD_WQ_PASID_EN;
	return ret == -EBUSY ? SIOV_CMD_WQ_NOT_DISABLED : error_of(ret);
}

/* ---- PASIDs ---- */

static enum siov_cmd_error
begin_pasid(struct siov_dev *dev, const struct command *row, uint32_t pasid)
{
	struct dev_cmd *cmd = cmd_of(dev);

	if (dev->regs->is_disabled)
		return SIOV_CMD_NOT_ENABLED;
	cmd->pasid.pasid = pasid;
	cmd->pasid.gate = row->gate;
	cmd->pasid.deadline_ns = deadline_after(TIMEOUT_MS);
	cmd->pasid.wq_id = 0;
	cmd->pasid.is_started = false;
	cmd->pasid.is_waiting = false;
	cmd->step = pasid_drain_step;
	return SIOV_CMD_OK;
}

/* ---- interrupt handles ---- */

/* A handle is the number of its vector or entry; an entry must have been given to somebody. */
static enum siov_cmd_error
begin_request_handle(struct siov_dev *dev, const struct command *row, uint32_t operand)
{
	uint32_t handle = operand & UINT16_MAX;
	struct siov_ims_entry entry;

	(void)row;
	if (operand & ~(SIOV_CMD_HANDLE_IMS | UINT16_MAX))
		return SIOV_CMD_RSVD_FIELD;
	cmd_of(dev)->result = handle;
	if (!(operand & SIOV_CMD_HANDLE_IMS))
		return dev->msix != NULL && handle < dev->conf.nb_msix ? SIOV_CMD_OK :
									 SIOV_CMD_BAD_INDEX;
	if (dev->ims == NULL || handle >= dev->conf.nb_ims)
		return SIOV_CMD_BAD_INDEX;
	return siov_ims_read(dev->ims, handle, &entry) == 0 ? SIOV_CMD_OK : SIOV_CMD_NO_HANDLE_FOR;
}

/* Handles are not given out, so there is nothing to take back. */
static void
finish_release_handle(struct siov_dev *dev)
{
	cmd_of(dev)->result = 0;
}

/* ---- all of them ---- */

static const struct command commands[SIOV_CMDS] = {
	[SIOV_CMD_ENABLE_DEVICE] = {.begin = begin_enable_device, .finish = finish_enable_device},
	[SIOV_CMD_DISABLE_DEVICE] = {begin_disable_device, finish_disable_device, ENGINE_GATE_OPEN,
				     SIOV_WQ_DISABLED},
	[SIOV_CMD_DRAIN_ALL] = {begin_all, NULL, ENGINE_GATE_OPEN, SIOV_WQ_ENABLED},
	[SIOV_CMD_ABORT_ALL] = {begin_all, NULL, ENGINE_GATE_ABORT, SIOV_WQ_ENABLED},
	[SIOV_CMD_RESET_DEVICE] = {.begin = begin_reset_device},
	[SIOV_CMD_ENABLE_WQ] = {.begin = begin_enable_wq},
	[SIOV_CMD_DISABLE_WQ] = {begin_masked, NULL, ENGINE_GATE_OPEN, SIOV_WQ_DISABLED},
	[SIOV_CMD_DRAIN_WQ] = {begin_masked, NULL, ENGINE_GATE_OPEN, SIOV_WQ_ENABLED},
	[SIOV_CMD_ABORT_WQ] = {begin_masked, NULL, ENGINE_GATE_ABORT, SIOV_WQ_ENABLED},
	[SIOV_CMD_RESET_WQ] = {begin_masked, NULL, ENGINE_GATE_ABORT, SIOV_WQ_DISABLED},
	[SIOV_CMD_DRAIN_PASID] = {.begin = begin_pasid, .gate = ENGINE_GATE_OPEN},
	[SIOV_CMD_ABORT_PASID] = {.begin = begin_pasid, .gate = ENGINE_GATE_ABORT},
	[SIOV_CMD_REQUEST_HANDLE] = {.begin = begin_request_handle},
	[SIOV_CMD_RELEASE_HANDLE] = {.begin = begin_request_handle,
				     .finish = finish_release_handle},
};

/* On success the whole of CMDSTS is 0 but for a result. */
static void
end(struct siov_dev *dev, enum siov_cmd_error error)
{
	struct dev_cmd *cmd = cmd_of(dev);
	uint32_t code = cmd->value >> SIOV_CMD_SHIFT & SIOV_CMD_CODE;

	if (error == SIOV_CMD_OK && commands[code].finish != NULL)
		commands[code].finish(dev);
	if (error != SIOV_CMD_OK)
		cmd->result = 0;
	cmd->is_active = false;
	regs_set(dev->regs->file, SIOV_REG_CMDSTS,
		 (uint32_t)error | cmd->result << SIOV_CMDSTS_RESULT_SHIFT);
	if (cmd->value & SIOV_CMD_INT)
		regs_cause(dev, SIOV_INTCAUSE_CMD, true);
}

bool
cmd_poll(struct siov_dev *dev)
{
	struct dev_cmd *cmd = cmd_of(dev);
	int ret;

	if (!cmd->is_active)
		return false;
	/* What is stepped lies in the union, at its begin. */
	ret = cmd->step(dev, &cmd->drain);
	if (ret == -EAGAIN)
		return true;
	end(dev, error_of(ret));
	return false;
}

void
cmd_begin(struct siov_dev *dev, uint32_t value)
{
	struct dev_cmd *cmd = cmd_of(dev);
	uint32_t code = value >> SIOV_CMD_SHIFT & SIOV_CMD_CODE;
	enum siov_cmd_error error = SIOV_CMD_BAD_COMMAND;

	if (cmd->is_active)
		return;
	cmd->value = value;
	cmd->result = 0;
	cmd->step = NULL;
	cmd->is_active = true;
	regs_set(dev->regs->file, SIOV_REG_CMDSTS, SIOV_CMDSTS_ACTIVE);
	if (value & SIOV_CMD_RSVD)
		error = SIOV_CMD_RSVD_FIELD;
	else if (code < SIOV_CMDS && commands[code].begin != NULL)
		error = commands[code].begin(dev, &commands[code], value & SIOV_CMD_OPERAND);
	else
		cmd->value &= ~(SIOV_CMD_CODE << SIOV_CMD_SHIFT); /* of no row */
	if (error != SIOV_CMD_OK || cmd->step == NULL)
		end(dev, error);
	else
		cmd_poll(dev);
}

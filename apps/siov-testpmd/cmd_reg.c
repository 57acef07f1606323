/* SPDX-License-Identifier: BSD-3-Clause */
/* reg read, write, command: the function's registers as a host driver uses them */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "cmd.h"
#include "siov_dev_mmio.h"

CMD_WORD(tok_reg, 0, "reg");
CMD_WORD(tok_read, 1, "read");
CMD_WORD(tok_write, 1, "write");
CMD_WORD(tok_command, 1, "command");
CMD_WORD(tok_name, 2, NULL);
CMD_NUM(tok_offset, 0);
CMD_NUM(tok_value, 1);
CMD_NUM(tok_operand, 0);

static const char *const names[SIOV_CMDS] = {
	[SIOV_CMD_ENABLE_DEVICE] = "enable-device",
	[SIOV_CMD_DISABLE_DEVICE] = "disable-device",
	[SIOV_CMD_DRAIN_ALL] = "drain-all",
	[SIOV_CMD_ABORT_ALL] = "abort-all",
	[SIOV_CMD_RESET_DEVICE] = "reset-device",
	[SIOV_CMD_ENABLE_WQ] = "enable-wq",
	[SIOV_CMD_DISABLE_WQ] = "disable-wq",
	[SIOV_CMD_DRAIN_WQ] = "drain-wq",
	[SIOV_CMD_ABORT_WQ] = "abort-wq",
	[SIOV_CMD_RESET_WQ] = "reset-wq",
	[SIOV_CMD_DRAIN_PASID] = "drain-pasid",
	[SIOV_CMD_ABORT_PASID] = "abort-pasid",
	[SIOV_CMD_REQUEST_HANDLE] = "request-handle",
	[SIOV_CMD_RELEASE_HANDLE] = "release-handle",
};

static void
check(struct session *session, int ret, const struct cmd_args *args)
{
	if (ret == -EINVAL)
		cmd_fail(session,
			 "reg %s 0x%" PRIx64 ": allowed: multiples of 4, reserved bits 0, "
			 "commands by reg command or whole",
			 args->word[1], args->num[0]);
	else if (ret == -ERANGE)
		cmd_fail(session, "reg %s 0x%" PRIx64 ": beyond the end of BAR0", args->word[1],
			 args->num[0]);
	else
		cmd_check(session, ret, "reg");
}

static void
read_reg(struct session *session, const struct cmd_args *args)
{
	uint64_t value;
	int ret = siov_dev_mmio_read(session->rig.dev, 0, args->num[0], 4, &value);

	check(session, ret, args);
	if (ret == 0)
		printf("0x%" PRIx64 ": 0x%08" PRIx64 "\n", args->num[0], value);
}

static void
write_reg(struct session *session, const struct cmd_args *args)
{
	if (args->num[1] > UINT32_MAX)
		cmd_fail(session, "reg write: 0x%" PRIx64 ": allowed: 32 bits", args->num[1]);
	else
		check(session,
		      siov_dev_mmio_write(session->rig.dev, 0, args->num[0], 4, args->num[1]),
		      args);
}

/* The command of a name; 0: there is none. */
static uint32_t
find_command(const char *name)
{
	uint32_t i;

	for (i = SIOV_CMDS - 1; i > 0; i--) {
		if (strcmp(names[i], name) == 0)
			break;
	}
	return i;
}

static uint64_t
give(struct siov_dev *dev, uint32_t command, uint32_t operand)
{
	uint64_t status = SIOV_CMDSTS_ACTIVE;

	siov_dev_mmio_write(dev, 0, SIOV_REG_CMD, 4, command << SIOV_CMD_SHIFT | operand);
	while (status & SIOV_CMDSTS_ACTIVE)
		siov_dev_mmio_read(dev, 0, SIOV_REG_CMDSTS, 4, &status);
	return status;
}

static void
command(struct session *session, const struct cmd_args *args)
{
	uint32_t command = find_command(args->word[2]);
	uint64_t status;

	if (command == 0) {
		cmd_fail(
			session,
			"reg command %s: allowed: (enable|disable|reset)-device, (drain|abort)-all, "
			"(enable|disable|drain|abort|reset)-wq, (drain|abort)-pasid, "
			"(request|release)-handle",
			args->word[2]);
		return;
	}
	if (args->num[0] > SIOV_CMD_OPERAND) {
		cmd_fail(session, "reg command %s %" PRIu64 ": allowed: an operand to 0x%x",
			 args->word[2], args->num[0], SIOV_CMD_OPERAND);
		return;
	}
	status = give(session->rig.dev, command, (uint32_t)args->num[0]);
	/* The device may have other queues now, which count from zero. */
	if (command == SIOV_CMD_ENABLE_DEVICE)
		snapshot_free(&session->cleared);
	if (status & 0xff)
		cmd_fail(session, "reg command %s: CMDSTS 0x%08" PRIx64, args->word[2], status);
	else
		printf("CMDSTS: 0x%08" PRIx64 "\n", status);
}

const struct cmd cmds_reg[] = {
	{read_reg, "reg", "reg read OFFSET: 4 bytes of BAR0", {&tok_reg, &tok_read, &tok_offset}},
	{write_reg,
	 "reg",
	 "reg write OFFSET VALUE",
	 {&tok_reg, &tok_write, &tok_offset, &tok_value}},
	{command,
	 "reg",
	 "reg command NAME OPERAND: drain-wq 1, enable-device 0, ...; waits for its end",
	 {&tok_reg, &tok_command, &tok_name, &tok_operand}},
	{.run = NULL},
};

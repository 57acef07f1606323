/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Registers of page 0, and DSA's administrative commands: one at a time, polled to the end. Reading
 * has no effect on the device, so reads are plain loads where the page can be mapped.
 */
#include <errno.h>

#include "guest_priv.h"

uint32_t
guest_reg(const struct siov_guest *guest, uint32_t offset)
{
	if (guest->regs == NULL)
		return (uint32_t)siov_vcpu_mmio_read(guest->vcpu, guest->bars[0].gpa + offset, 4);
	return siov_atomic_load((const SIOV_ATOMIC(uint32_t) *)(const void *)(guest->regs + offset),
				acquire); /* pairs with the device's store of the register */
}

uint64_t
guest_reg_wide(const struct siov_guest *guest, uint32_t offset)
{
	uint64_t low = guest_reg(guest, offset);

	return low | (uint64_t)guest_reg(guest, offset + 4) << 32;
}

void
guest_reg_set(const struct siov_guest *guest, uint32_t offset, uint32_t value)
{
	siov_vcpu_mmio_write(guest->vcpu, guest->bars[0].gpa + offset, 4, value);
}

int
guest_await(const struct siov_guest *guest, uint32_t offset, uint32_t mask, uint32_t value)
{
	uint64_t end_ns = guest_now_ns() + UINT64_C(1000000) * GUEST_CMD_MS;
	unsigned int rounds = 0;

	for (;;) {
		/* The VM may have been paused in here: look before the time is held against it. */
		if (!siov_vcpu_poll(guest->vcpu))
			return -ESHUTDOWN;
		if ((guest_reg(guest, offset) & mask) == value)
			return 0;
		if (guest_now_ns() >= end_ns)
			return -ETIMEDOUT;
		guest_pause(guest->vcpu, rounds++);
	}
}

static bool
has_command(const struct siov_guest *guest, enum siov_cmd code)
{
	return !(guest->gencap & SIOV_GENCAP_CMDCAP) || (guest->cmdcap >> code & 1) != 0;
}

int
guest_command(struct siov_guest *guest, enum siov_cmd code, uint32_t operand, uint32_t *result)
{
	uint32_t status, error;
	int ret;

	if (!has_command(guest, code))
		return -ENOTSUP;
	/* One that was given up may be active yet; what is written over it is lost. */
	ret = guest_await(guest, SIOV_REG_CMDSTS, SIOV_CMDSTS_ACTIVE, 0);
	if (ret != 0)
		return ret;
	guest_reg_set(guest, SIOV_REG_CMD, (uint32_t)code << SIOV_CMD_SHIFT | operand);
	ret = guest_await(guest, SIOV_REG_CMDSTS, SIOV_CMDSTS_ACTIVE, 0);
	if (ret != 0)
		return ret;
	status = guest_reg(guest, SIOV_REG_CMDSTS);
	error = status & 0xff;
	status = status >> SIOV_CMDSTS_RESULT_SHIFT & 0xffff;
	if (error == SIOV_CMD_HW_ERROR && status == EAGAIN)
		return -EAGAIN;
	if (error != SIOV_CMD_OK)
		return -EIO;
	if (result != NULL)
		*result = status;
	return 0;
}

uint32_t
guest_gensts(const struct siov_guest *guest)
{
	return guest_reg(guest, SIOV_REG_GENSTS) & SIOV_GENSTS_HALT;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Vectors. Vector 0 is the device's: its causes are acknowledged first and acted upon then, so that
 * what happens meanwhile raises it again.
 */
#include <errno.h>

#include "guest_priv.h"

#define BURST 64 /* vectors of one poll */
#define RESET_SHIFT 2 /* in GENSTS: which reset ends a halt */

/* ---- errors ---- */

static void
take_error(struct siov_guest *guest)
{
	const struct siov_guest_ops *ops = guest->conf.ops;
	uint32_t error = guest_reg(guest, SIOV_REG_SWERR);
	uint64_t addr = guest_reg_wide(guest, SIOV_REG_SWERR + 16);

	if (!(error & SIOV_SWERR_VALID))
		return;
	guest_reg_set(guest, SIOV_REG_SWERR, SIOV_SWERR_VALID | SIOV_SWERR_OVERFLOW);
	if (ops != NULL && ops->on_error != NULL)
		ops->on_error(guest->conf.arg, guest, (uint8_t)(error >> SIOV_SWERR_CODE_SHIFT),
			      addr);
}

/* ---- handles ---- */

static void
tell_handles(struct siov_guest *guest)
{
	const struct siov_guest_ops *ops = guest->conf.ops;

	guest_state_save(guest);
	if (ops != NULL && ops->on_handles != NULL)
		ops->on_handles(guest->conf.arg, guest);
}

/* ---- halt ---- */

static int
reset_device(struct siov_guest *guest)
{
	uint32_t which = guest_reg(guest, SIOV_REG_GENSTS) >> RESET_SHIFT & 3;
	int ret;

	if (which == 1)
		return siov_guest_reset(guest);
	if (which != 0)
		return -EIO;
	ret = guest_command(guest, SIOV_CMD_RESET_DEVICE, 0, NULL);
	if (ret != 0)
		return ret;
	guest_wq_forget(guest);
	return guest_enable(guest);
}

static int
bring_back(struct siov_guest *guest)
{
	const struct siov_guest_ops *ops = guest->conf.ops;
	struct guest_wq was[SIOV_GUEST_WQS_MAX];
	unsigned int i;
	int ret;

	for (i = 0; i < guest->nb_wqs; i++)
		was[i] = guest->wqs[i];
	if (ops != NULL && ops->on_halt != NULL)
		ops->on_halt(guest->conf.arg, guest);
	ret = reset_device(guest);
	for (i = 0; i < guest->nb_wqs && ret == 0; i++) {
		if (was[i].is_enabled)
			ret = siov_guest_wq_enable(guest, i, was[i].pasid);
	}
	guest->is_down = ret != 0;
	if (ret == 0)
		tell_handles(guest);
	else
		guest_state_save(guest);
	return ret == 0 || ret == -ESHUTDOWN ? ret : -EIO;
}

/* ---- vectors ---- */

/* 0, -EIO, -ESHUTDOWN. */
static int
look(struct siov_guest *guest)
{
	uint32_t causes = guest_reg(guest, SIOV_REG_INTCAUSE);
	int ret = 0;

	guest->must_look = false;
	guest_reg_set(guest, SIOV_REG_INTCAUSE, causes);
	take_error(guest);
	if (guest_gensts(guest) == SIOV_GENSTS_HALT)
		return guest->is_down ? 0 : bring_back(guest);
	if (causes & SIOV_INTCAUSE_PAGE)
		ret = guest_take_pages(guest);
	if (ret == 0 && causes & SIOV_INTCAUSE_REVOKED) {
		ret = guest_wq_handles(guest);
		if (ret == 0)
			tell_handles(guest);
	}
	return ret == -ETIMEDOUT ? -EIO : ret;
}

int
siov_guest_interrupt(struct siov_guest *guest, int vector)
{
	const struct siov_guest_ops *ops = guest->conf.ops;
	unsigned int i = (unsigned int)vector - guest->conf.first_vector;
	int ret = 0;

	if (vector < guest->conf.first_vector || i >= guest->nb_vectors)
		return 0;
	if (i == 0)
		ret = look(guest);
	else if (i <= guest->nb_wqs && ops != NULL && ops->on_interrupt != NULL)
		ops->on_interrupt(guest->conf.arg, guest, i - 1);
	return ret != 0 ? ret : 1;
}

int
siov_guest_poll(struct siov_guest *guest)
{
	int i, vector, ret = 0, nb = 0;

	if (!siov_vcpu_poll(guest->vcpu))
		return -ESHUTDOWN;
	if (guest->must_look)
		ret = look(guest);
	for (i = 0; i < BURST && ret >= 0; i++) {
		vector = siov_vcpu_take(guest->vcpu);
		if (vector < 0)
			break;
		ret = siov_guest_interrupt(guest, vector);
		nb += ret > 0;
	}
	return ret < 0 ? ret : nb;
}

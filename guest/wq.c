/* SPDX-License-Identifier: BSD-3-Clause */
/* Queues: whose work they take, their commands, their portals, their interrupt handles. */
#include <errno.h>

#include "guest_priv.h"

#define BLOCK 16u /* queues that one operand can name */

static bool
is_wq(const struct siov_guest *guest, unsigned int wq)
{
	return wq < guest->nb_wqs && guest->wqs[wq].size != 0;
}

/* ---- interrupt handles ---- */

/* Vector 0 is the device's own; a queue has the one behind its number. */
static int
request_handle(struct siov_guest *guest, unsigned int wq)
{
	uint32_t vector = wq + 1, handle = GUEST_NONE;
	int ret = 0;

	if (vector < guest->nb_vectors) {
		if (guest->gencap & SIOV_GENCAP_CMDCAP)
			ret = guest_command(guest, SIOV_CMD_REQUEST_HANDLE, vector, &handle);
		else
			handle = vector; /* DSA before it had the command */
	}
	siov_atomic_store(&guest->wqs[wq].handle, handle, relaxed);
	return ret == -ETIMEDOUT || ret == -ESHUTDOWN ? ret : 0;
}

int
guest_wq_handles(struct siov_guest *guest)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < guest->nb_wqs && ret == 0; i++)
		ret = request_handle(guest, i);
	return ret;
}

uint32_t
siov_guest_handle(struct siov_guest *guest, unsigned int wq)
{
	if (wq >= guest->nb_wqs)
		return GUEST_NONE;
	return siov_atomic_load(&guest->wqs[wq].handle, relaxed);
}

/* ---- enable, disable ---- */

static bool
has_state(const struct siov_guest *guest, const struct guest_wq *wq, uint32_t state)
{
	return guest_reg(guest, wq->row + SIOV_WQCFG_STATE) >> SIOV_WQCFG_STATE_SHIFT == state;
}

static void
set_pasid(const struct siov_guest *guest, const struct guest_wq *wq, uint32_t pasid)
{
	const uint32_t mine =
		SIOV_PASID_MAX << SIOV_WQCFG_PASID_SHIFT | SIOV_WQCFG_PASID_EN | SIOV_WQCFG_PRIV;
	uint32_t value = guest_reg(guest, wq->row + SIOV_WQCFG_MODE) & ~mine;

	if (pasid != GUEST_NONE)
		value |= pasid << SIOV_WQCFG_PASID_SHIFT | SIOV_WQCFG_PASID_EN;
	guest_reg_set(guest, wq->row + SIOV_WQCFG_MODE, value);
}

int
siov_guest_wq_enable(struct siov_guest *guest, unsigned int i, uint32_t pasid)
{
	struct guest_wq *wq;
	int ret;

	if (!is_wq(guest, i) || (pasid > SIOV_PASID_MAX && pasid != GUEST_NONE) ||
	    guest->wqs[i].is_enabled)
		return -EINVAL;
	wq = &guest->wqs[i];
	set_pasid(guest, wq, pasid);
	ret = guest_command(guest, SIOV_CMD_ENABLE_WQ, i, NULL);
	if (ret == 0 && !has_state(guest, wq, SIOV_WQCFG_STATE_ENABLED))
		ret = -EIO;
	if (ret != 0)
		return ret;
	wq->is_enabled = true;
	wq->pasid = pasid;
	/* What is behind it may be another, with another handle. */
	ret = request_handle(guest, i);
	guest_state_save(guest);
	return ret;
}

static int
command(struct siov_guest *guest, enum siov_cmd code, unsigned int i)
{
	if (!is_wq(guest, i))
		return -EINVAL;
	return guest_command(guest, code, UINT32_C(1) << i % BLOCK | i / BLOCK << BLOCK, NULL);
}

int
siov_guest_wq_disable(struct siov_guest *guest, unsigned int i)
{
	int ret;

	ret = command(guest, SIOV_CMD_DISABLE_WQ, i);
	if (ret == 0 && !has_state(guest, &guest->wqs[i], SIOV_WQCFG_STATE_DISABLED))
		ret = -EIO;
	if (ret != 0)
		return ret;
	guest->wqs[i].is_enabled = false;
	guest->wqs[i].pasid = GUEST_NONE;
	guest_state_save(guest);
	return 0;
}

int
siov_guest_wq_drain(struct siov_guest *guest, unsigned int i)
{
	return command(guest, SIOV_CMD_DRAIN_WQ, i);
}

int
siov_guest_wq_abort(struct siov_guest *guest, unsigned int i)
{
	return command(guest, SIOV_CMD_ABORT_WQ, i);
}

void
guest_wq_forget(struct siov_guest *guest)
{
	unsigned int i;

	for (i = 0; i < guest->nb_wqs; i++) {
		guest->wqs[i].is_enabled = false;
		guest->wqs[i].pasid = GUEST_NONE;
		siov_atomic_store(&guest->wqs[i].handle, GUEST_NONE, relaxed);
	}
}

/* ---- portals ---- */

int
siov_guest_open(struct siov_guest *guest, struct siov_vcpu *vcpu, unsigned int wq, uint32_t pasid,
		struct siov_guest_queue *queue)
{
	uint64_t page;
	int ret;

	if (!is_wq(guest, wq))
		return -EINVAL;
	page = (uint64_t)wq * GUEST_PORTAL_PAGES + GUEST_PORTAL_IMS;
	*queue = (struct siov_guest_queue){
		.guest = guest,
		.vcpu = vcpu,
		.wq = wq,
		.is_dedicated = guest->wqs[wq].is_dedicated,
	};
	ret = siov_vcpu_portal_open(vcpu, guest->bars[1].gpa + page * guest->page_bytes, pasid,
				    &queue->portal);
	if (ret == 0)
		siov_atomic_fetch_add(&guest->nb_open, 1, relaxed);
	return ret;
}

void
siov_guest_close(struct siov_guest_queue *queue)
{
	if (queue->portal == NULL)
		return;
	siov_vcpu_portal_close(queue->vcpu, queue->portal);
	queue->portal = NULL;
	siov_atomic_fetch_add(&queue->guest->nb_open, -1u, relaxed);
}

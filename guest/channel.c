/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The channel to the VDCM (siov_vdev_hw.h). One request is waited for at a time; those that were given
 * up keep their slots until their answers have come.
 */
#include <errno.h>
#include <string.h>

#include "guest_priv.h"

#define REQUEST_MS 5000u /* the VDCM's patience with what it has to wait for */
#define ANSWER_MS 8000u /* the driver's with the VDCM */
#define ERRNO_MAX 4095
#define NB_ARGS 6u

static uint8_t *
slot(const struct siov_guest *guest, uint32_t n, bool is_answer)
{
	return guest->channel +
	       (n % SIOV_VDEV_SLOTS + (is_answer ? SIOV_VDEV_SLOTS : 0)) * SIOV_VDEV_SLOT_BYTES;
}

/* ---- open, close ---- */

static uint8_t *
map(const struct siov_guest *guest)
{
	return siov_vcpu_map(guest->vcpu, guest->bars[0].gpa + guest->channel_at,
			     SIOV_VDEV_CHANNEL_BYTES, true);
}

int
guest_channel_open(struct siov_guest *guest)
{
	uint32_t versions;

	guest->channel = NULL;
	guest->nb_sent = 0;
	if (!guest->is_extended)
		return 0;
	versions = guest_reg(guest, SIOV_VREG_VERSIONS);
	/* None that both know: the device works without. */
	if ((versions & 0xffff) > SIOV_VDEV_VERSION_1 || versions >> 16 < SIOV_VDEV_VERSION_1)
		return 0;
	guest_reg_set(guest, SIOV_VREG_VERSION, SIOV_VDEV_VERSION_1);
	if (guest_reg(guest, SIOV_VREG_STATUS) != SIOV_VSTATUS_OK ||
	    guest_reg(guest, SIOV_VREG_VERSION) != SIOV_VDEV_VERSION_1)
		return -EIO;
	guest->nb_sent = guest_reg(guest, SIOV_VREG_DOORBELL);
	guest->nb_pages = guest_reg(guest, SIOV_VREG_PAGES);
	guest->channel = map(guest);
	return guest->channel != NULL ? 0 : -EIO;
}

int
guest_channel_attach(struct siov_guest *guest, uint32_t nb_sent)
{
	uint32_t doorbell;

	if (!guest->is_extended || guest_reg(guest, SIOV_VREG_VERSION) != SIOV_VDEV_VERSION_1)
		return -EINVAL;
	/* The driver may have been stopped before it had counted the last one. */
	doorbell = guest_reg(guest, SIOV_VREG_DOORBELL);
	if (doorbell - nb_sent > 1)
		return -EINVAL;
	guest->nb_sent = doorbell;
	/* What was asked for before the move nobody waits for. */
	guest->nb_pages = guest_reg(guest, SIOV_VREG_PAGES);
	guest->channel = map(guest);
	return guest->channel != NULL ? 0 : -EINVAL;
}

void
guest_channel_close(struct siov_guest *guest)
{
	if (guest->channel != NULL)
		guest_reg_set(guest, SIOV_VREG_VERSION, 0);
	guest->channel = NULL;
}

/* ---- one request ---- */

/* Write it, and tell. */
static int
send(struct siov_guest *guest, const struct siov_vdev_request *request)
{
	uint32_t n = guest->nb_sent, outstanding = n - guest_reg(guest, SIOV_VREG_DONE);

	if (outstanding > SIOV_VDEV_SLOTS)
		return -EIO;
	if (outstanding == SIOV_VDEV_SLOTS)
		return -EBUSY;
	memcpy(slot(guest, n, false), request, sizeof(*request));
	siov_atomic_fence(release); /* pairs with the doorbell's way to the VDCM */
	if (guest->mbox_at != 0) {
		/* Nobody looks at it before it is on its way: what is wrong shows as no answer. */
		siov_vcpu_mmio_write(guest->vcpu,
				     guest->bars[0].gpa + guest->mbox_at + SIOV_VDEV_MBOX_DOORBELL,
				     4, n + 1);
	} else {
		guest_reg_set(guest, SIOV_VREG_DOORBELL, n + 1);
		if (guest_reg(guest, SIOV_VREG_STATUS) != SIOV_VSTATUS_OK ||
		    guest_reg(guest, SIOV_VREG_DOORBELL) != n + 1)
			return -EIO;
	}
	guest->nb_sent = n + 1;
	guest_state_save(guest);
	return 0;
}

/* Until answer @p n is there. 0, -EIO, -ETIMEDOUT, -ESHUTDOWN. */
static int
await_answer(const struct siov_guest *guest, uint32_t n)
{
	uint64_t end_ns = guest_now_ns() + UINT64_C(1000000) * ANSWER_MS;
	unsigned int rounds = 0;
	uint32_t left;

	for (;;) {
		if (!siov_vcpu_poll(guest->vcpu))
			return -ESHUTDOWN;
		left = guest->nb_sent - guest_reg(guest, SIOV_VREG_DONE);
		if (left > SIOV_VDEV_SLOTS)
			return -EIO; /* more answers than requests */
		if (left < guest->nb_sent - n)
			return 0;
		if (guest_gensts(guest) != SIOV_GENSTS_ENABLED)
			return -EIO; /* it answers no more */
		if (guest_now_ns() >= end_ns)
			return -ETIMEDOUT;
		guest_pause(guest->vcpu, rounds++);
	}
}

int
siov_guest_call(struct siov_guest *guest, enum siov_vdev_op op, const uint64_t *arg, uint64_t *ret)
{
	struct siov_vdev_request request = {
		.id = guest->nb_sent,
		.op = (uint16_t)op,
		.timeout_ms = REQUEST_MS,
	};
	struct siov_vdev_answer answer;
	int error;

	if (guest->channel == NULL)
		return -ENOTSUP;
	memcpy(request.arg, arg, sizeof(request.arg));
	error = send(guest, &request);
	if (error == 0)
		error = await_answer(guest, request.id);
	if (error != 0)
		return error;
	memcpy(&answer, slot(guest, request.id, true), sizeof(answer));
	if (answer.id != request.id || answer.status > 0 || answer.status < -ERRNO_MAX)
		return -EIO;
	if (ret != NULL)
		memcpy(ret, answer.ret, sizeof(answer.ret));
	return answer.status;
}

/* ---- page requests ---- */

int
guest_take_pages(struct siov_guest *guest)
{
	const struct siov_guest_ops *ops = guest->conf.ops;
	uint32_t nb = guest_reg(guest, SIOV_VREG_PAGES);

	if (guest->channel == NULL || ops == NULL || ops->on_page == NULL)
		return 0;
	if (nb - guest->nb_pages > SIOV_VDEV_PAGE_SLOTS)
		return -EIO;
	while (guest->nb_pages != nb) {
		uint32_t n = guest->nb_pages++;
		struct siov_vdev_page page;

		memcpy(&page,
		       guest->channel + SIOV_VDEV_PAGE_SLOTS_AT +
			       n % SIOV_VDEV_PAGE_SLOTS * sizeof(page),
		       sizeof(page));
		ops->on_page(guest->conf.arg, guest,
			     &(struct siov_guest_page){
				     .n = n,
				     .pasid = page.pasid,
				     .addr = page.addr,
				     .flags = page.flags,
			     });
	}
	return 0;
}

int
siov_guest_page_answer(struct siov_guest *guest, uint32_t n, unsigned int code)
{
	if (code != 0 && code != 1 && code != 15)
		return -EINVAL;
	guest_reg_set(guest, SIOV_VREG_PAGE_ANSWER,
		      (n & UINT16_MAX) | code << SIOV_VPAGE_CODE_SHIFT);
	return guest_reg(guest, SIOV_VREG_STATUS) == SIOV_VSTATUS_OK ? 0 : -ENOENT;
}

/* ---- by name ---- */

int
siov_guest_pasid_bind(struct siov_guest *guest, uint32_t pasid, uint64_t fs_root,
		      unsigned int levels)
{
	const struct siov_guest_ops *ops = guest->conf.ops;
	bool has_pages = levels != 0 && ops != NULL && ops->on_page != NULL;
	const uint64_t arg[NB_ARGS] = {pasid, fs_root, levels, has_pages ? SIOV_VBIND_PAGES : 0};

	return siov_guest_call(guest, SIOV_VOP_PASID_BIND, arg, NULL);
}

int
siov_guest_pasid_unbind(struct siov_guest *guest, uint32_t pasid)
{
	const uint64_t arg[NB_ARGS] = {pasid};

	return siov_guest_call(guest, SIOV_VOP_PASID_UNBIND, arg, NULL);
}

int
siov_guest_context_alloc(struct siov_guest *guest, unsigned int wq, uint32_t pasid,
			 uint32_t *handle)
{
	uint32_t vector = wq + 1 < guest->nb_vectors ? wq + 1 : 0;
	const uint64_t arg[NB_ARGS] = {wq, pasid, vector};
	uint64_t words[7];
	int ret;

	ret = siov_guest_call(guest, SIOV_VOP_CONTEXT_ALLOC, arg, words);
	if (ret == 0)
		*handle = words[0] <= UINT16_MAX ? (uint32_t)words[0] : GUEST_NONE;
	return ret;
}

int
siov_guest_context_free(struct siov_guest *guest, unsigned int wq, uint32_t pasid)
{
	const uint64_t arg[NB_ARGS] = {wq, pasid};

	return siov_guest_call(guest, SIOV_VOP_CONTEXT_FREE, arg, NULL);
}

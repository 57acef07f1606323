/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The channel of a VDEV: requests in memory that the guest can write at any time, so each is copied
 * once and only the copy is looked at; answers in the same memory, which is never read back.
 */
#include <errno.h>
#include <string.h>

#include "vdev_priv.h"

#define TIMEOUT_DEFAULT_MS 1000u
#define TIMEOUT_MAX_MS 60000u
#define LATER (-EAGAIN) /* not over */

static uint8_t *
slot(struct siov_vdev *vdev, uint32_t n, bool is_answer)
{
	return vdev->pages + vdev->page_bytes +
	       (n % SIOV_VDEV_SLOTS + (is_answer ? SIOV_VDEV_SLOTS : 0)) * SIOV_VDEV_SLOT_BYTES;
}

void
vdev_channel_reset(struct siov_vdev *vdev)
{
	vdev->channel = (struct vdev_channel){0};
	vdev_reg_set(vdev, SIOV_VREG_VERSION, 0);
	vdev_reg_set(vdev, SIOV_VREG_DOORBELL, 0);
	vdev_reg_set(vdev, SIOV_VREG_DONE, 0);
	vdev_reg_set(vdev, SIOV_VREG_STATUS, SIOV_VSTATUS_OK);
	vdev_pager_reset(vdev, 0);
}

/* ---- registers ---- */

static enum siov_vstatus
open_channel(struct siov_vdev *vdev, uint32_t version)
{
	if (version != 0 && version != SIOV_VDEV_VERSION_1)
		return SIOV_VSTATUS_VERSION;
	/* What is under way ends without an answer. */
	vdev_channel_reset(vdev);
	vdev->channel.version = version;
	vdev_reg_set(vdev, SIOV_VREG_VERSION, version);
	return SIOV_VSTATUS_OK;
}

static enum siov_vstatus
ring(struct siov_vdev *vdev, uint32_t doorbell)
{
	struct vdev_channel *channel = &vdev->channel;

	if (channel->version == 0)
		return SIOV_VSTATUS_CLOSED;
	if (!vdev->is_enabled)
		return SIOV_VSTATUS_DISABLED;
	if (doorbell - channel->done > SIOV_VDEV_SLOTS ||
	    doorbell - channel->done < channel->doorbell - channel->done)
		return SIOV_VSTATUS_DOORBELL;
	channel->doorbell = doorbell;
	vdev_reg_set(vdev, SIOV_VREG_DOORBELL, doorbell);
	vdcm_activate(vdev);
	return SIOV_VSTATUS_OK;
}

void
vdev_channel_write(struct siov_vdev *vdev, uint32_t offset, uint32_t value)
{
	enum siov_vstatus status;

	if (offset == SIOV_VREG_VERSION)
		status = open_channel(vdev, value);
	else if (offset == SIOV_VREG_PAGE_ANSWER)
		status = vdev_pager_write(vdev, value);
	else
		status = ring(vdev, value);
	vdev_reg_set(vdev, SIOV_VREG_STATUS, status);
}

/* ---- requests ---- */

static int
do_echo(struct siov_vdev *vdev, const struct siov_vdev_request *request,
	struct siov_vdev_answer *answer)
{
	RTE_SET_USED(vdev);
	memcpy(answer->ret, request->arg, sizeof(request->arg));
	return 0;
}

static int
do_bind(struct siov_vdev *vdev, const struct siov_vdev_request *request,
	struct siov_vdev_answer *answer)
{
	struct space_conf conf = {
		.guest = (uint32_t)request->arg[0],
		.fs_root = request->arg[1],
		.levels = (uint32_t)request->arg[2],
	};
	int ret = 0;

	RTE_SET_USED(answer);
	if (request->arg[0] > SIOV_PASID_MAX || request->arg[2] > UINT32_MAX ||
	    request->arg[3] > SIOV_VBIND_PAGES)
		return -EINVAL;
	if (request->arg[3] == SIOV_VBIND_PAGES)
		ret = vdev_pager_open(vdev, &conf.prq);
	return ret != 0 ? ret : space_bind(vdev->gas, &conf);
}

static int
do_unbind(struct siov_vdev *vdev, const struct siov_vdev_request *request,
	  struct siov_vdev_answer *answer)
{
	RTE_SET_USED(answer);
	if (request->arg[0] > SIOV_PASID_MAX)
		return -EINVAL;
	/* A thread of the guest may be about to submit with it. */
	if (vdcm_has_zombies(vdev->vdcm, vdev->gas))
		return LATER;
	return space_unbind(vdev->gas, (uint32_t)request->arg[0]);
}

static int
do_invalidate(struct siov_vdev *vdev, const struct siov_vdev_request *request,
	      struct siov_vdev_answer *answer)
{
	const struct space *space;

	RTE_SET_USED(answer);
	if (request->arg[0] > SIOV_PASID_MAX)
		return -EINVAL;
	space = space_find(vdev->gas, (uint32_t)request->arg[0]);
	if (space == NULL || space->gpa != NULL)
		return -ENOENT;
	return siov_pasid_invalidate(siov_gas_iommu(vdev->gas), space->host, request->arg[1],
				     request->arg[2]);
}

static int
check_context(const struct siov_vdev *vdev, const struct siov_vdev_request *request)
{
	if (!vdev->type->is_dynamic)
		return -ENOTSUP;
	if (request->arg[0] >= vdev->nb_wqs || request->arg[1] > SIOV_PASID_MAX)
		return -EINVAL;
	return vdev->wqs[request->arg[0]].is_enabled ? 0 : -ENXIO;
}

/* What names its interrupt message in descriptors; UINT32_MAX: it has none. */
static int
tell_handle(const struct siov_vdev *vdev, const struct vdev_context *context,
	    struct siov_vdev_answer *answer)
{
	struct siov_adi_info info;
	int ret;

	ret = siov_dev_adi_info(vdev_dev(vdev), context->adi, &info);
	if (ret == 0)
		answer->ret[0] = info.conf.nb_messages != 0 ? info.messages[0] : UINT32_MAX;
	return ret;
}

static int
do_context_alloc(struct siov_vdev *vdev, const struct siov_vdev_request *request,
		 struct siov_vdev_answer *answer)
{
	struct vdev_context wanted = {
		.wq = (uint32_t)request->arg[0],
		.vector = (uint32_t)request->arg[2],
	};
	struct vdev_context *context;
	int ret;

	ret = check_context(vdev, request);
	if (ret == 0 && request->arg[2] >= vdev->nb_vectors)
		ret = -EINVAL;
	if (ret == 0 && vdev_context_find(vdev, wanted.wq, (uint32_t)request->arg[1]) != NULL)
		ret = -EEXIST;
	if (ret != 0)
		return ret;
	ret = space_get(&vdev->gpa, (uint32_t)request->arg[1], &wanted.space);
	if (ret != 0)
		return ret;
	ret = vdev_context_alloc(vdev, &wanted, &context);
	if (ret != 0) {
		space_put(wanted.space);
		/* The one before it is not quite gone? */
		return ret == -EEXIST && vdev->nb_zombies != 0 ? LATER : ret;
	}
	if (context->vector != 0)
		vdev_msix_update_vector(vdev, context->vector);
	vdev_connect(vdev, context->wq);
	/* It is there, whether its function still is or not. */
	if (tell_handle(vdev, context, answer) != 0)
		answer->ret[0] = UINT32_MAX;
	return 0;
}

static int
do_context_free(struct siov_vdev *vdev, const struct siov_vdev_request *request,
		struct siov_vdev_answer *answer)
{
	struct action action = {
		.kind = ACTION_CONTEXT_FREE,
		.what = SIOV_ADI_DO_DISABLE,
		.guest_pasid = NO_PASID,
		.deadline_ns = vdev->channel.deadline_ns,
	};
	int ret;

	RTE_SET_USED(answer);
	ret = check_context(vdev, request);
	if (ret != 0)
		return ret;
	action.context =
		vdev_context_find(vdev, (uint32_t)request->arg[0], (uint32_t)request->arg[1]);
	if (action.context == NULL)
		return -ENOENT;
	vdev->channel.is_waiting = true;
	vdev_begin(vdev, &action);
	return LATER;
}

/* After a move the message is another. */
static int
do_context_handle(struct siov_vdev *vdev, const struct siov_vdev_request *request,
		  struct siov_vdev_answer *answer)
{
	const struct vdev_context *context;
	int ret;

	ret = check_context(vdev, request);
	if (ret != 0)
		return ret;
	context = vdev_context_find(vdev, (uint32_t)request->arg[0], (uint32_t)request->arg[1]);
	return context != NULL ? tell_handle(vdev, context, answer) : -ENOENT;
}

static int (*const ops[SIOV_VOPS])(struct siov_vdev *vdev, const struct siov_vdev_request *request,
				   struct siov_vdev_answer *answer) = {
	[SIOV_VOP_ECHO] = do_echo,
	[SIOV_VOP_PASID_BIND] = do_bind,
	[SIOV_VOP_PASID_UNBIND] = do_unbind,
	[SIOV_VOP_INVALIDATE] = do_invalidate,
	[SIOV_VOP_CONTEXT_ALLOC] = do_context_alloc,
	[SIOV_VOP_CONTEXT_FREE] = do_context_free,
	[SIOV_VOP_CONTEXT_HANDLE] = do_context_handle,
};

static const unsigned int nb_args[SIOV_VOPS] = {
	[SIOV_VOP_ECHO] = 6,           [SIOV_VOP_PASID_BIND] = 4,    [SIOV_VOP_PASID_UNBIND] = 1,
	[SIOV_VOP_INVALIDATE] = 3,     [SIOV_VOP_CONTEXT_ALLOC] = 3, [SIOV_VOP_CONTEXT_FREE] = 2,
	[SIOV_VOP_CONTEXT_HANDLE] = 2,
};

static int
check_request(const struct siov_vdev_request *request)
{
	unsigned int i;

	if (request->op == 0 || request->op >= SIOV_VOPS)
		return -ENOSYS;
	if (request->rsvd0 != 0 || request->rsvd1 != 0 || request->timeout_ms > TIMEOUT_MAX_MS)
		return -EINVAL;
	for (i = nb_args[request->op]; i < RTE_DIM(request->arg); i++) {
		if (request->arg[i] != 0)
			return -EINVAL;
	}
	return 0;
}

/* ---- one at a time ---- */

static void
answer_it(struct siov_vdev *vdev, struct siov_vdev_answer *answer, int status)
{
	struct vdev_channel *channel = &vdev->channel;

	answer->id = channel->request.id;
	answer->status = status;
	memcpy(slot(vdev, channel->done, true), answer, sizeof(*answer));
	channel->done++;
	channel->has_request = false;
	channel->is_waiting = false;
	vdev->stats.nb_requests++;
	vdev->stats.nb_request_errors += status != 0;
	vdev_reg_set(vdev, SIOV_VREG_DONE, channel->done);
	vdev_cause(vdev, SIOV_INTCAUSE_CHANNEL);
}

/* Each word is read once, whatever the guest does to it meanwhile. */
static void
take_words(const uint8_t *from, struct siov_vdev_request *request)
{
	const SIOV_ATOMIC(uint64_t) *words = (const void *)from;
	uint64_t taken[sizeof(*request) / sizeof(uint64_t)];
	unsigned int i;

	for (i = 0; i < RTE_DIM(taken); i++)
		taken[i] = siov_atomic_load(&words[i], relaxed);
	memcpy(request, taken, sizeof(*request));
}

static void
take_request(struct siov_vdev *vdev)
{
	struct vdev_channel *channel = &vdev->channel;
	uint32_t timeout_ms;

	take_words(slot(vdev, channel->done, false), &channel->request);
	timeout_ms = channel->request.timeout_ms;
	if (timeout_ms == 0 || timeout_ms > TIMEOUT_MAX_MS)
		timeout_ms = TIMEOUT_DEFAULT_MS;
	channel->deadline_ns = deadline_after(timeout_ms);
	channel->has_request = true;
}

void
vdev_channel_done(struct siov_vdev *vdev, int status)
{
	struct siov_vdev_answer answer = {0};

	/* The channel was reset meanwhile: nobody waits for an answer. */
	if (!vdev->channel.is_waiting)
		return;
	answer_it(vdev, &answer, status);
	vdcm_activate(vdev);
}

bool
vdev_channel_step(struct siov_vdev *vdev)
{
	struct vdev_channel *channel = &vdev->channel;
	struct siov_vdev_answer answer = {0};
	int ret;

	if (channel->done == channel->doorbell || channel->is_waiting ||
	    vdev->state != SIOV_VDEV_RUNNING || vdev->is_halted)
		return false;
	if (!channel->has_request)
		take_request(vdev);
	ret = check_request(&channel->request);
	if (ret == 0)
		ret = ops[channel->request.op](vdev, &channel->request, &answer);
	if (ret == LATER && channel->is_waiting)
		return false; /* the action's end goes on */
	if (ret == LATER && clock_ns() >= channel->deadline_ns)
		ret = -ETIMEDOUT;
	if (ret != LATER && channel->has_request)
		answer_it(vdev, &answer, ret);
	return channel->done != channel->doorbell;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include <rte_rcu_qsbr.h>

#include "dev_adi_priv.h"
#include "dev_nowait.h"

#define ATTACH_TIMEOUT_MS 5000u

struct attach {
	uint32_t wq_id;
	uint32_t flags;
	uint64_t deadline_ns;
	struct siov_lane *lane;
};

struct detach {
	struct siov_lane *lane;
	uint64_t deadline_ns;
};

/* The queue that an attached lane belongs to, or NULL. */
static struct dev_wq *
find_lane(struct siov_dev *dev, const struct siov_lane *lane)
{
	unsigned int i;

	if (lane == NULL || !siov_atomic_load(&lane->attached, relaxed))
		return NULL;
	for (i = 0; i < dev->conf.nb_wqs; i++) {
		if (dev->wqs[i].wq == lane->wq)
			return &dev->wqs[i];
	}
	return NULL;
}

/*
 * A lane that was detached may be given to another engine, or get other flags, when it is attached
 * again. By then its former engine must have seen that it is gone, be done with its last burst, and
 * have ended its long transfers.
 */
static bool
are_old_lanes_free(struct siov_dev *dev, struct dev_wq *dwq)
{
	unsigned int i;

	if (!dwq->has_old_lanes)
		return true;
	if (rte_rcu_qsbr_check(siov_iommu_qsbr(dev->iommu), dwq->old_lanes_token, false) != 1)
		return false;
	for (i = 0; i < dwq->nb_engines; i++) {
		if (engine_nb_long(dwq->engines[i], dwq->id) != 0)
			return false;
	}
	dwq->has_old_lanes = false;
	return true;
}

static int
step_attach(struct siov_dev *dev, void *arg)
{
	struct attach *attach = arg;
	struct dev_wq *dwq = dev_find_wq(dev, attach->wq_id);

	if (dwq == NULL)
		return -EINVAL;
	if (!are_old_lanes_free(dev, dwq))
		return clock_ns() < attach->deadline_ns ? -EAGAIN : -ETIMEDOUT;
	return siov_wq_attach(dev->mem, dwq->wq, attach->flags, &attach->lane);
}

int
dev_attach_nowait(struct siov_dev *dev, unsigned int wq_id, uint32_t flags, struct siov_lane **lane)
{
	struct attach attach = {
		.wq_id = wq_id,
		.flags = flags,
		.deadline_ns = UINT64_MAX,
	};
	int ret;

	dev_lock(dev);
	ret = step_attach(dev, &attach);
	dev_unlock(dev);
	if (ret == 0)
		*lane = attach.lane;
	return ret;
}

int
siov_dev_attach(struct siov_dev *dev, unsigned int wq_id, uint32_t flags, struct siov_lane **lane)
{
	struct attach attach = {
		.wq_id = wq_id,
		.flags = flags,
		.deadline_ns = deadline_after(ATTACH_TIMEOUT_MS),
	};
	int ret;

	ret = control_call(dev, step_attach, &attach, ATTACH_TIMEOUT_MS);
	if (ret == 0)
		*lane = attach.lane;
	return ret;
}

/* A queue that its ADI gave back while this lane was on it is free only now. */
static void
free_queue(struct siov_dev *dev, struct dev_wq *dwq)
{
	struct adi *adi = dwq->adi != 0 ? adi_find(&dev->adis, dwq->adi - 1) : NULL;

	if (adi != NULL && adi->state == SIOV_ADI_CONFIGURED)
		dev_adi_unbind(dev, adi);
}

static int
step_detach(struct siov_dev *dev, void *arg)
{
	struct detach *detach = arg;
	struct dev_wq *dwq = find_lane(dev, detach->lane);
	int ret;

	if (dwq == NULL)
		return -EINVAL;
	ret = siov_wq_detach(detach->lane);
	if (ret == -EBUSY)
		return clock_ns() < detach->deadline_ns ? -EAGAIN : -ETIMEDOUT;
	if (ret != 0)
		return ret;
	portal_close_lane(&dev->portals, &dwq->portals, detach->lane->id);
	dwq->old_lanes_token = rte_rcu_qsbr_start(siov_iommu_qsbr(dev->iommu));
	dwq->has_old_lanes = true;
	free_queue(dev, dwq);
	return 0;
}

int
dev_detach_nowait(struct siov_dev *dev, struct siov_lane *lane)
{
	struct detach detach = {.lane = lane, .deadline_ns = UINT64_MAX};
	int ret;

	dev_lock(dev);
	ret = step_detach(dev, &detach);
	dev_unlock(dev);
	return ret;
}

int
siov_dev_detach(struct siov_dev *dev, struct siov_lane *lane, unsigned int timeout_ms)
{
	struct detach detach = {
		.lane = lane,
		.deadline_ns = deadline_after(timeout_ms),
	};

	return control_call(dev, step_detach, &detach, timeout_ms);
}

int
dev_portal_open(struct siov_dev *dev, const struct portal_conf *conf, struct siov_portal **out)
{
	struct dev_wq *dwq = find_lane(dev, conf->lane);
	const struct adi *adi;
	unsigned int i;
	int ret = 0;

	if (dwq == NULL)
		return -EINVAL;
	/* Work of a dedicated queue is the queue's PASID's, whatever its portal may say. */
	if (dwq->conf->mode == SIOV_WQ_DEDICATED && conf->pasid != dwq->conf->pasid)
		return -EINVAL;
	for (i = 0; i < dwq->nb_engines && ret == 0; i++)
		ret = engine_add_pasid(dwq->engines[i], dwq->id, conf->pasid);
	/* An ADI that is not enabled answers Retry, whoever opens its portal. */
	adi = dev_adi_of(dev, dwq->id, conf->pasid);
	if (ret == 0 && adi != NULL && adi->state != SIOV_ADI_ENABLED)
		ret = dev_qos_admit(dev, dwq, conf->pasid, SIOV_WQ_DISABLED);
	if (ret != 0)
		return ret;
	return portal_open(&dev->portals, &dwq->portals, conf, out);
}

/* Not by way of the control lcore: there may be a million of them, and none has to wait. */
int
siov_dev_portal_open(struct siov_dev *dev, struct siov_lane *lane, uint32_t pasid, uint32_t flags,
		     struct siov_portal **portal)
{
	const struct portal_conf conf = {.lane = lane, .pasid = pasid, .flags = flags};
	int ret;

	if (pasid > SIOV_PASID_MAX)
		return -ERANGE;
	if (flags & ~(SIOV_PORTAL_F_PASID | SIOV_PORTAL_F_PRIV))
		return -EINVAL;
	dev_lock(dev);
	ret = dev_portal_open(dev, &conf, portal);
	dev_unlock(dev);
	return ret;
}

void
siov_dev_portal_close(struct siov_dev *dev, struct siov_portal *portal)
{
	struct dev_wq *dwq;
	int ret = -EINVAL;

	if (portal == NULL)
		return;
	dev_lock(dev);
	dwq = find_lane(dev, portal->lane);
	if (dwq != NULL)
		ret = portal_close(&dev->portals, &dwq->portals, portal);
	dev_unlock(dev);
	if (ret != 0)
		CTRL_LOG(ERR, "%s: portal %p is not open here", dev->conf.name, (void *)portal);
}

size_t
siov_dev_pasid_memory(struct siov_dev *dev)
{
	size_t bytes;
	unsigned int i;

	dev_lock(dev);
	bytes = dev->portals.bytes;
	for (i = 0; i < dev->conf.nb_engines; i++)
		bytes += engine_pasid_memory(dev->engines[i]);
	dev_unlock(dev);
	return bytes;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* Queues of a VDEV, enabled and disabled by its guest. */
#include <errno.h>

#include "vdev_priv.h"

static uint32_t
guest_pasid(const struct vdev_wq *wq)
{
	if (!(wq->config & SIOV_WQCFG_PASID_EN))
		return NO_PASID;
	return wq->config >> SIOV_WQCFG_PASID_SHIFT & SIOV_PASID_MAX;
}

/* The ADI works for another address space than before: its messages are others as well. */
static int
reconfigure(struct siov_vdev *vdev, uint32_t wq, uint32_t host)
{
	struct siov_dev *dev = vdev_dev(vdev);
	uint32_t id = vdev->adis[0][wq];
	struct siov_adi_info info;
	int ret;

	ret = siov_dev_adi_info(dev, id, &info);
	if (ret != 0 || info.conf.pasid == host)
		return ret;
	info.conf.pasid = host;
	if (vdev->wqs[wq].is_dedicated)
		info.conf.wq_id = 0;
	ret = siov_dev_adi_configure(dev, id, &info.conf);
	if (ret == 0)
		vdev_cause(vdev, SIOV_INTCAUSE_REVOKED);
	return ret;
}

static int
enable_adi(struct siov_vdev *vdev, uint32_t wq)
{
	const struct space *space = vdev->wqs[wq].space;
	int ret;

	if (vdev->type->is_dynamic)
		return 0;
	ret = reconfigure(vdev, wq, space->host);
	if (ret == 0)
		ret = vdcm_own_pasid(vdev->vdcm, space->host, vdev);
	if (ret == 0)
		ret = siov_dev_adi_enable(vdev_dev(vdev), vdev->adis[0][wq]);
	return ret;
}

int
vdev_wq_enable(struct siov_vdev *vdev, uint32_t wq)
{
	struct vdev_wq *queue = &vdev->wqs[wq];
	int ret;

	if (vdev_dev(vdev) == NULL)
		return -ENODEV;
	/* Contexts on request have PASIDs of their own. */
	ret = space_get(&vdev->gpa, vdev->type->is_dynamic ? NO_PASID : guest_pasid(queue),
			&queue->space);
	if (ret != 0)
		return ret;
	ret = enable_adi(vdev, wq);
	if (ret != 0) {
		space_put(queue->space);
		queue->space = NULL;
		return ret;
	}
	queue->is_enabled = true;
	vdev_msix_update_vector(vdev, wq + 1);
	vdev_connect(vdev, wq);
	return 0;
}

void
vdev_wq_disabled(struct siov_vdev *vdev, uint32_t wq)
{
	struct vdev_wq *queue = &vdev->wqs[wq];

	vdev_cut(vdev, wq, NO_PASID);
	if (!queue->is_enabled)
		return;
	queue->is_enabled = false;
	if (queue->space->gpa == NULL && queue->space != &vdev->gpa)
		vdcm_own_pasid(vdev->vdcm, queue->space->host, NULL);
	space_put(queue->space);
	queue->space = NULL;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Portals of guest threads: where each leads, and how it is led elsewhere while its thread submits.
 *
 *     guest thread ─► siov_vm_portal ─► portal of the ADI on the thread's lane
 *                                  └──► dead portal, of a queue that is never enabled
 *
 * A guest thread may be inside a submission when its portal is led elsewhere. The portal it left, and
 * the lane of a dedicated queue, are taken back when that thread has been outside of its guests once.
 */
#include <errno.h>

#include "dev_nowait.h"
#include "vdev_priv.h"

#define CONNECT_NS UINT64_C(1000000000) /* longest wait for a lane that was another's */

/* ---- back ---- */

/* Step by step; false: not over. */
static bool
bury(struct zombie *zombie)
{
	int ret;

	if (zombie->cpu != NULL &&
	    rte_rcu_qsbr_check(zombie->cpu->inside, zombie->token, false) != 1)
		return false;
	zombie->cpu = NULL;
	if (zombie->portal != NULL)
		siov_dev_portal_close(zombie->dev, zombie->portal);
	zombie->portal = NULL;
	ret = zombie->lane != NULL ? dev_detach_nowait(zombie->dev, zombie->lane) : 0;
	return ret != -EAGAIN;
}

/* Out of the list, with its memory. */
static bool
end_zombie(struct siov_vdcm *vdcm, struct zombie *zombie)
{
	struct siov_vdev *vdev = zombie->vdev;

	/* Portals of a context, of which its own zombie is a part, are before it in the list. */
	TAILQ_REMOVE(&vdcm->zombies, zombie, entry);
	if (zombie->context == NULL) {
		siov_mem_free(vdcm->mem, zombie);
	} else if (vdev_context_bury(zombie->context) != 0) {
		TAILQ_INSERT_TAIL(&vdcm->zombies, zombie, entry);
		return false;
	}
	vdev->nb_zombies--;
	if (vdev->wants_connect || vdev->has_command)
		vdcm_activate(vdev);
	return true;
}

bool
vdcm_reap(struct siov_vdcm *vdcm)
{
	struct zombie *zombie, *next, *last = TAILQ_LAST(&vdcm->zombies, zombies);
	bool is_left = false;

	for (zombie = TAILQ_FIRST(&vdcm->zombies); zombie != NULL; zombie = next) {
		next = zombie != last ? TAILQ_NEXT(zombie, entry) : NULL;
		is_left |= !bury(zombie) || !end_zombie(vdcm, zombie);
	}
	return is_left;
}

void
vdcm_add_zombie(struct siov_vdcm *vdcm, struct zombie *zombie)
{
	TAILQ_INSERT_TAIL(&vdcm->zombies, zombie, entry);
	zombie->vdev->nb_zombies++;
	if (vdcm->source != NULL)
		siov_loop_wake(vdcm->source);
}

/* Its thread has left. */
void
vdcm_forget_cpu(struct siov_vdcm *vdcm, const struct siov_cpu *cpu)
{
	struct zombie *zombie;

	TAILQ_FOREACH(zombie, &vdcm->zombies, entry) {
		if (zombie->cpu == cpu)
			zombie->cpu = NULL;
	}
}

bool
vdcm_has_zombies(const struct siov_vdcm *vdcm, const struct siov_gas *gas)
{
	const struct zombie *zombie;

	TAILQ_FOREACH(zombie, &vdcm->zombies, entry) {
		if (zombie->vdev->gas == gas)
			return true;
	}
	return false;
}

/* ---- elsewhere ---- */

/* The memory was taken when it was connected, so that it cannot fail here. */
static void
disconnect(struct vdev_portal *portal)
{
	struct siov_vdcm *vdcm = portal->vdev->vdcm;
	struct zombie *zombie = portal->zombie;

	if (portal->portal == NULL)
		return;
	siov_vm_portal_redirect(&portal->vp, &portal->dead);
	*zombie = (struct zombie){
		.vdev = portal->vdev,
		.dev = portal->dev,
		.portal = portal->portal,
		.lane = portal->lane,
		.cpu = portal->cpu,
		.token = rte_rcu_qsbr_start(portal->cpu->inside),
	};
	vdcm_add_zombie(vdcm, zombie);
	portal->zombie = NULL;
	portal->portal = NULL;
	portal->lane = NULL;
}

/* The ADI that work of a portal is for, and its shared queue; SIOV_ADI_NONE: none so far. */
static uint32_t
find_adi(const struct vdev_portal *portal, uint32_t *phys)
{
	struct siov_vdev *vdev = portal->vdev;
	const struct vdev_wq *wq = &vdev->wqs[portal->wq];
	const struct vdev_context *context;

	if (!wq->is_enabled || vdev->state != SIOV_VDEV_RUNNING || vdev->is_halted)
		return SIOV_ADI_NONE;
	if (vdev->type->is_dynamic) {
		context = portal->pasid != NO_PASID ?
				  vdev_context_find(vdev, portal->wq, portal->pasid) :
				  NULL;
		if (context == NULL)
			return SIOV_ADI_NONE;
		*phys = context->phys;
		return context->adi;
	}
	if (!wq->is_dedicated && portal->pasid != wq->space->guest)
		return SIOV_ADI_NONE;
	*phys = wq->phys;
	return vdev->adis[0][portal->wq];
}

/* A lane on what is behind it: the thread's on a shared queue, one of its own on a dedicated one. */
static int
find_lane(struct vdev_portal *portal, uint32_t adi, uint32_t phys, struct siov_lane **lane)
{
	struct siov_vdev *vdev = portal->vdev;
	struct vdcm_fn *fn = &vdev->vdcm->fns[vdev->fns[0]];
	uint32_t flags = siov_hostdrv_get_caps(fn->drv)->has_ims ? SIOV_LANE_F_IMS : 0;
	struct siov_adi_info info;
	int ret;

	if (!vdev->wqs[portal->wq].is_dedicated)
		return cpu_lane(portal->cpu, vdev->fns[0], phys, portal->is_limited, lane);
	ret = siov_dev_adi_info(fn->dev, adi, &info);
	if (ret != 0)
		return ret;
	if (info.nb_bound == 0)
		return -EAGAIN;
	ret = dev_attach_nowait(fn->dev, info.dwqs[0], flags, lane);
	/* A lane that was left has not been taken back so far. */
	return ret == -ENOSPC ? -EAGAIN : ret;
}

/* 0 also if it is to lead nowhere now; -EAGAIN: try again. */
static int
connect(struct vdev_portal *portal)
{
	struct siov_vdev *vdev = portal->vdev;
	struct siov_dev *dev = vdev_dev(vdev);
	struct siov_lane *lane = NULL;
	uint32_t adi, phys = 0;
	int ret;

	if (portal->portal != NULL || dev == NULL)
		return 0;
	adi = find_adi(portal, &phys);
	if (adi == SIOV_ADI_NONE)
		return 0;
	portal->zombie = siov_mem_alloc(vdev->vdcm->mem, "siov_vdev_zombie",
					sizeof(*portal->zombie), RTE_CACHE_LINE_SIZE, -1);
	if (portal->zombie == NULL)
		return -ENOMEM;
	ret = find_lane(portal, adi, phys, &lane);
	if (ret == 0)
		ret = siov_dev_adi_portal_open(dev, adi, lane, &portal->portal);
	if (ret != 0) {
		if (lane != NULL && vdev->wqs[portal->wq].is_dedicated)
			dev_detach_nowait(dev, lane);
		siov_mem_free(vdev->vdcm->mem, portal->zombie);
		portal->portal = NULL;
		return ret;
	}
	portal->dev = dev;
	portal->lane = vdev->wqs[portal->wq].is_dedicated ? lane : NULL;
	siov_vm_portal_redirect(&portal->vp, portal->portal);
	return 0;
}

void
vdev_connect(struct siov_vdev *vdev, uint32_t wq)
{
	struct vdev_portal *portal;

	LIST_FOREACH(portal, &vdev->portals, entry) {
		int ret = portal->wq == wq ? connect(portal) : 0;

		if (ret == -EAGAIN) {
			vdev->wants_connect = true;
			vdcm_activate(vdev);
		} else if (ret != 0) {
			HOST_LOG(WARNING, "vdev %u: a portal of queue %u cannot be mapped: %d",
				 vdev->id, wq, ret);
		}
	}
}

void
vdev_cut(struct siov_vdev *vdev, uint32_t wq, uint32_t pasid)
{
	struct vdev_portal *portal;

	LIST_FOREACH(portal, &vdev->portals, entry) {
		if (portal->wq == wq && (pasid == NO_PASID || portal->pasid == pasid))
			disconnect(portal);
	}
}

/* ---- open and close ---- */

static int
init_portal(struct vdev_portal *portal)
{
	struct siov_vdev *vdev = portal->vdev;
	int ret;

	ret = siov_portal_init(&portal->dead, vdev->vdcm->dead_lane, 0, SIOV_PORTAL_F_PASID);
	if (ret == 0)
		ret = siov_vm_portal_init(&portal->vp, &portal->dead, siov_gas_pasids(vdev->gas),
					  portal->cpu->id);
	if (ret == 0 && portal->pasid != NO_PASID)
		ret = siov_vm_portal_set_pasid(&portal->vp, portal->pasid | SIOV_IA32_PASID_V);
	return ret;
}

static int
open_locked(struct siov_vdev *vdev, struct vdev_portal *portal)
{
	const struct vdev_portal *other;
	int ret;

	LIST_FOREACH(other, &vdev->portals, entry) {
		if (other->wq == portal->wq && vdev->wqs[portal->wq].is_dedicated)
			return -EBUSY;
	}
	ret = init_portal(portal);
	if (ret != 0)
		return ret;
	LIST_INSERT_HEAD(&vdev->portals, portal, entry);
	portal->cpu->nb_portals++;
	vdev_connect(vdev, portal->wq);
	return 0;
}

int
siov_vdev_portal_open(struct siov_vdev *vdev, uint64_t offset, struct siov_cpu *cpu, uint32_t pasid,
		      struct siov_vm_portal **out)
{
	struct siov_vdcm *vdcm = vdev->vdcm;
	uint64_t page = offset / vdev->page_bytes;
	struct vdev_portal *portal;
	int ret;

	if (page / SIOV_BARS_PAGES_PER_WQ >= vdev->nb_wqs ||
	    (pasid > SIOV_PASID_MAX && pasid != NO_PASID))
		return -EINVAL;
	portal = siov_mem_alloc(vdcm->mem, "siov_vdev_portal", sizeof(*portal), RTE_CACHE_LINE_SIZE,
				-1);
	if (portal == NULL)
		return -ENOMEM;
	portal->vdev = vdev;
	portal->cpu = cpu;
	portal->wq = (uint32_t)(page / SIOV_BARS_PAGES_PER_WQ);
	portal->is_limited = page % 2 != 0;
	portal->pasid = pasid;
	vdcm_lock(vdcm);
	ret = open_locked(vdev, portal);
	/* What is posted to a portal that leads nowhere is lost. */
	if (ret == 0)
		vdev_await_connect(vdev, clock_ns() + CONNECT_NS);
	vdcm_unlock(vdcm);
	if (ret == 0)
		*out = &portal->vp;
	else
		siov_mem_free(vdcm->mem, portal);
	return ret;
}

static void
forget(struct vdev_portal *portal)
{
	disconnect(portal);
	LIST_REMOVE(portal, entry);
	portal->cpu->nb_portals--;
	siov_mem_free(portal->vdev->vdcm->mem, portal);
}

void
vdev_close_portals(struct siov_vdev *vdev)
{
	while (!LIST_EMPTY(&vdev->portals))
		forget(LIST_FIRST(&vdev->portals));
}

void
siov_vdev_portal_close(struct siov_vdev *vdev, struct siov_vm_portal *vp)
{
	struct vdev_portal *portal = container_of(vp, struct vdev_portal, vp);

	if (vp == NULL)
		return;
	vdcm_lock(vdev->vdcm);
	forget(portal);
	vdcm_unlock(vdev->vdcm);
}

struct siov_vdev *
siov_vdev_of_portal(const struct siov_vm_portal *vp)
{
	return container_of(vp, const struct vdev_portal, vp)->vdev;
}

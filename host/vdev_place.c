/* SPDX-License-Identifier: BSD-3-Clause */
/* Which ADIs back a VDEV, and on which function. */
#include <errno.h>

#include "vdev_priv.h"

struct siov_dev *
vdev_dev(const struct siov_vdev *vdev)
{
	return vdev->fns[0] == NO_FN ? NULL : vdev->vdcm->fns[vdev->fns[0]].dev;
}

/* ---- functions ---- */

/* The function with fewest VDEVs, but for one of them; NO_FN: there is none. */
static uint32_t
choose_fn(const struct siov_vdcm *vdcm, uint32_t but)
{
	uint32_t fn, best = NO_FN;

	for (fn = 0; fn < vdcm->nb_fns; fn++) {
		if (fn == but || vdcm->fns[fn].is_lost)
			continue;
		if (best == NO_FN || vdcm->fns[fn].nb_vdevs < vdcm->fns[best].nb_vdevs)
			best = fn;
	}
	return best;
}

static int
choose_fns(struct siov_vdev *vdev, const struct siov_vdev_conf *conf)
{
	struct siov_vdcm *vdcm = vdev->vdcm;

	vdev->fns[0] = conf->fn;
	if (conf->fn == SIOV_VDEV_FN_ANY)
		vdev->fns[0] = choose_fn(vdcm, NO_FN);
	else if (conf->fn >= vdcm->nb_fns)
		return -EINVAL;
	if (vdev->fns[0] == NO_FN || vdcm->fns[vdev->fns[0]].is_lost)
		return -ENODEV;
	vdev->fns[1] = vdev->nb_fns > 1 ? choose_fn(vdcm, vdev->fns[0]) : NO_FN;
	return vdev->nb_fns > 1 && vdev->fns[1] == NO_FN ? -ENOSPC : 0;
}

static void
count_vdev(struct siov_vdev *vdev, bool comes)
{
	if (vdev->fns[0] != NO_FN)
		vdev->vdcm->fns[vdev->fns[0]].nb_vdevs += comes ? 1 : -1u;
}

/* ---- ADIs ---- */

/* An ADI, claimed. phys: its shared queue, chosen if it is to be. */
static int
make_adi(struct siov_vdev *vdev, uint32_t fn, bool is_dedicated, uint32_t pasid, uint32_t *phys,
	 uint32_t *id)
{
	struct vdcm_fn *on = &vdev->vdcm->fns[fn];
	struct siov_adi_conf conf = {
		.pasid = pasid,
		.wq_id = is_dedicated ? 0 : UINT32_MAX,
		.nb_dwqs = is_dedicated,
		.nb_messages = 1,
	};
	int ret;

	if (!is_dedicated)
		conf.qos = vdev->qos;
	ret = siov_hostdrv_adi_create(on->drv, is_dedicated ? SIOV_ADI_DEDICATED : SIOV_ADI_CONTEXT,
				      SIOV_ADI_VM, &conf, id);
	if (ret != 0)
		return ret;
	*phys = conf.wq_id;
	return siov_dev_adi_claim(on->dev, *id);
}

/* What it has done stays in the VDEV's counts. */
static int
drop_adi(struct siov_vdev *vdev, uint32_t fn, uint32_t id)
{
	struct vdcm_fn *on = &vdev->vdcm->fns[fn];
	struct siov_adi_info info = {0};
	int ret;

	if (id == SIOV_ADI_NONE)
		return 0;
	siov_dev_adi_info(on->dev, id, &info);
	siov_dev_adi_unclaim(on->dev, id);
	ret = siov_hostdrv_adi_destroy(on->drv, id);
	if (ret == -EBUSY) {
		siov_dev_adi_claim(on->dev, id);
		return ret;
	}
	vdev->stats.accepted += info.accepted;
	vdev->stats.completed += info.completed;
	vdev->stats.failed += info.failed;
	vdev->stats.aborted += info.aborted;
	vdev->stats.bytes += info.bytes;
	return 0;
}

/* The static ADIs on one function. */
static int
compose(struct siov_vdev *vdev, unsigned int slot)
{
	uint32_t i, phys;
	int ret = 0;

	for (i = 0; i < vdev->nb_wqs && ret == 0; i++) {
		if (vdev->type->is_dynamic)
			continue;
		ret = make_adi(vdev, vdev->fns[slot], vdev->wqs[i].is_dedicated, vdev->gpa.host,
			       &phys, &vdev->adis[slot][i]);
		if (ret == 0 && slot == 0)
			vdev->wqs[i].phys = phys;
	}
	return ret;
}

static void
decompose(struct siov_vdev *vdev, unsigned int slot)
{
	uint32_t i;

	for (i = 0; i < vdev->nb_wqs && vdev->fns[slot] != NO_FN; i++) {
		drop_adi(vdev, vdev->fns[slot], vdev->adis[slot][i]);
		vdev->adis[slot][i] = SIOV_ADI_NONE;
	}
}

int
vdev_place(struct siov_vdev *vdev, const struct siov_vdev_conf *conf)
{
	unsigned int slot, i;
	int ret;

	for (slot = 0; slot < VDEV_FNS; slot++) {
		vdev->fns[slot] = NO_FN;
		for (i = 0; i < SIOV_VDEV_WQS_MAX; i++)
			vdev->adis[slot][i] = SIOV_ADI_NONE;
	}
	ret = choose_fns(vdev, conf);
	if (ret != 0) {
		vdev->fns[0] = NO_FN;
		return ret;
	}
	count_vdev(vdev, true);
	for (slot = 0; slot < vdev->nb_fns && ret == 0; slot++)
		ret = compose(vdev, slot);
	if (ret == 0)
		siov_dev_mbox_attach(vdev_dev(vdev), &vdev->mbox);
	return ret;
}

void
vdev_unplace(struct siov_vdev *vdev)
{
	unsigned int slot;

	siov_dev_mbox_detach(&vdev->mbox);
	for (slot = 0; slot < VDEV_FNS; slot++)
		decompose(vdev, slot);
	count_vdev(vdev, false);
	vdev->fns[0] = NO_FN;
	vdev->fns[1] = NO_FN;
}

int
vdev_move(struct siov_vdev *vdev)
{
	uint32_t i;
	int ret = 0;

	siov_dev_mbox_detach(&vdev->mbox);
	count_vdev(vdev, false);
	decompose(vdev, 0);
	if (vdev->fns[1] == NO_FN || vdev->vdcm->fns[vdev->fns[1]].is_lost) {
		decompose(vdev, 1);
		vdev->fns[1] = choose_fn(vdev->vdcm, NO_FN);
		ret = vdev->fns[1] != NO_FN ? compose(vdev, 1) : -ENOSPC;
	}
	vdev->fns[0] = vdev->fns[1];
	vdev->fns[1] = NO_FN;
	for (i = 0; i < vdev->nb_wqs; i++) {
		struct siov_adi_info info;

		vdev->adis[0][i] = vdev->adis[1][i];
		vdev->adis[1][i] = SIOV_ADI_NONE;
		if (vdev->adis[0][i] != SIOV_ADI_NONE &&
		    siov_dev_adi_info(vdev_dev(vdev), vdev->adis[0][i], &info) == 0)
			vdev->wqs[i].phys = info.conf.wq_id;
	}
	count_vdev(vdev, true);
	if (ret == 0)
		siov_dev_mbox_attach(vdev_dev(vdev), &vdev->mbox);
	return ret;
}

/* ---- contexts on request ---- */

struct vdev_context *
vdev_context_find(struct siov_vdev *vdev, uint32_t wq, uint32_t guest_pasid)
{
	struct vdev_context *context;

	LIST_FOREACH(context, &vdev->contexts, entry) {
		if (context->wq == wq && context->space->guest == guest_pasid)
			return context;
	}
	return NULL;
}

int
vdev_context_alloc(struct siov_vdev *vdev, const struct vdev_context *wanted,
		   struct vdev_context **out)
{
	struct vdev_context *context;
	int ret;

	if (vdev->fns[0] == NO_FN)
		return -ENODEV;
	context = siov_mem_alloc(vdev->vdcm->mem, "siov_vdev_context", sizeof(*context),
				 RTE_CACHE_LINE_SIZE, -1);
	if (context == NULL)
		return -ENOMEM;
	*context = *wanted;
	context->adi = SIOV_ADI_NONE;
	context->fn = vdev->fns[0];
	ret = make_adi(vdev, vdev->fns[0], false, context->space->host, &context->phys,
		       &context->adi);
	if (ret == 0)
		ret = siov_dev_adi_enable(vdev_dev(vdev), context->adi);
	if (ret == 0)
		ret = vdcm_own_pasid(vdev->vdcm, context->space->host, vdev);
	if (ret != 0) {
		if (context->adi != SIOV_ADI_NONE)
			siov_dev_adi_disable(vdev_dev(vdev), context->adi, 0);
		drop_adi(vdev, vdev->fns[0], context->adi);
		siov_mem_free(vdev->vdcm->mem, context);
		return ret;
	}
	LIST_INSERT_HEAD(&vdev->contexts, context, entry);
	vdev->nb_contexts++;
	*out = context;
	return 0;
}

/* Its portals were cut; they are closed before its ADI and PASID are given to others. */
void
vdev_context_free(struct siov_vdev *vdev, struct vdev_context *context)
{
	vdev_cut(vdev, context->wq, context->space->guest);
	LIST_REMOVE(context, entry);
	vdev->nb_contexts--;
	context->zombie = (struct zombie){
		.vdev = vdev,
		.context = context,
	};
	vdcm_add_zombie(vdev->vdcm, &context->zombie);
}

int
vdev_context_bury(struct vdev_context *context)
{
	struct siov_vdev *vdev = context->zombie.vdev;
	int ret;

	ret = drop_adi(vdev, context->fn, context->adi);
	if (ret == -EBUSY)
		return ret;
	if (context->space->gpa == NULL)
		vdcm_own_pasid(vdev->vdcm, context->space->host, NULL);
	space_put(context->space);
	siov_mem_free(vdev->vdcm->mem, context);
	return 0;
}

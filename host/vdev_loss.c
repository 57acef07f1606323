/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What goes wrong under a VDEV: a function that is lost, errors of ADIs.
 *
 *     loss ─► portals lead nowhere ─► the lost function can write nothing any more ─► halt, vector 0
 *          ─► the guest: what has no record is aborted; reset device ─► another function works
 */
#include "swerr.h"
#include "vdev_priv.h"

#define QUIET_NS UINT64_C(5000000) /* of engines that do not poll any more */
#define ERRORS_BURST 32u

/* ---- loss ---- */

static void
halt(struct siov_vdev *vdev)
{
	uint32_t i;

	vdev->is_halted = true;
	vdev->nb_losses++;
	for (i = 0; i < vdev->nb_wqs; i++)
		vdev_cut(vdev, i, NO_PASID);
	vdev->halt_at_ns = clock_ns() + QUIET_NS;
	vdcm_activate(vdev);
}

void
vdcm_lose(struct siov_vdcm *vdcm, unsigned int fn)
{
	uint32_t id;

	HOST_LOG(WARNING, "function %u is lost; %u virtual devices were on it", fn,
		 vdcm->fns[fn].nb_vdevs);
	vdcm->fns[fn].is_lost = true;
	for (id = 0; id < vdcm->next_id; id++) {
		struct siov_vdev *vdev = vdcm->vdevs[id];

		if (vdev != NULL && vdev->fns[0] == fn && !vdev->is_halted)
			halt(vdev);
	}
}

bool
vdev_tell_loss(struct siov_vdev *vdev)
{
	if (!siov_dev_is_quiet(vdev_dev(vdev)) && clock_ns() < vdev->halt_at_ns)
		return true;
	vdev->halt_at_ns = 0;
	vdev_regs_show(vdev);
	vdev_cause(vdev, SIOV_INTCAUSE_HALT);
	return false;
}

/* ---- errors ---- */

/* The queue of the guest that an error is of. */
static uint32_t
find_wq(const struct siov_vdev *vdev, const struct siov_error *error, uint32_t *guest)
{
	const struct vdev_context *context;
	uint32_t i;

	*guest = 0;
	LIST_FOREACH(context, &vdev->contexts, entry) {
		if (context->space->host == error->pasid) {
			*guest = context->space->guest;
			return context->wq;
		}
	}
	for (i = 0; i < vdev->nb_wqs; i++) {
		const struct vdev_wq *wq = &vdev->wqs[i];

		if (!wq->is_enabled || wq->space->host != error->pasid)
			continue;
		if (wq->is_dedicated || wq->phys == error->wq_id) {
			*guest = wq->space->guest != NO_PASID ? wq->space->guest : 0;
			return i;
		}
	}
	return 0;
}

/* As the function's own register shows it, with the guest's numbers. */
static void
show_error(struct siov_vdev *vdev, const struct siov_error *error)
{
	struct siov_error shown = *error;
	uint32_t i;

	if (vdev->swerr[0] & SIOV_SWERR_VALID) {
		vdev->swerr[0] |= SIOV_SWERR_OVERFLOW;
		vdev_reg_set(vdev, SIOV_REG_SWERR, vdev->swerr[0]);
		return;
	}
	shown.wq_id = (uint16_t)find_wq(vdev, error, &shown.pasid);
	swerr_make(vdev->swerr, &shown);
	for (i = RTE_DIM(vdev->swerr); i > 0; i--)
		vdev_reg_set(vdev, SIOV_REG_SWERR + 4 * (i - 1), vdev->swerr[i - 1]);
	if (vdev->genctrl & SIOV_GENCTRL_SWERR_INT)
		vdev_cause(vdev, SIOV_INTCAUSE_SWERR);
}

static struct siov_vdev *
owner_of(const struct siov_vdcm *vdcm, uint32_t pasid)
{
	const uint32_t *leaf;

	if (pasid > SIOV_PASID_MAX)
		return NULL;
	leaf = vdcm->owners[pasid / HOST_PASID_LEAF];
	if (leaf == NULL || leaf[pasid % HOST_PASID_LEAF] == 0)
		return NULL;
	return vdcm->vdevs[leaf[pasid % HOST_PASID_LEAF] - 1];
}

void
vdcm_pass_errors(struct siov_vdcm *vdcm)
{
	struct siov_error errors[ERRORS_BURST];
	unsigned int fn, i, nb;

	for (fn = 0; fn < vdcm->nb_fns; fn++) {
		nb = siov_dev_errors(vdcm->fns[fn].dev, errors, RTE_DIM(errors));
		for (i = 0; i < nb; i++) {
			struct siov_vdev *vdev = owner_of(vdcm, errors[i].pasid);

			if (vdev != NULL)
				show_error(vdev, &errors[i]);
		}
	}
}

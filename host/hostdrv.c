/* SPDX-License-Identifier: BSD-3-Clause */
/* The host driver's own business: what it offers, and where ADIs go. Finding the device: probe.c. */
#include <errno.h>

#include "dev_nowait.h"
#include "hostdrv_priv.h"

const struct siov_hostdrv_caps *
siov_hostdrv_get_caps(const struct siov_hostdrv *drv)
{
	return &drv->caps;
}

struct siov_dev *
siov_hostdrv_dev(struct siov_hostdrv *drv)
{
	return siov_pci_fn_dev(drv->pci, drv->fn);
}

struct siov_pci *
siov_hostdrv_pci(struct siov_hostdrv *drv)
{
	return drv->pci;
}

unsigned int
siov_hostdrv_fn(const struct siov_hostdrv *drv)
{
	return drv->fn;
}

bool
siov_hostdrv_is_lost(const struct siov_hostdrv *drv)
{
	return siov_pci_is_lost(drv->pci, drv->fn);
}

int
siov_hostdrv_type(const struct siov_hostdrv *drv, unsigned int i, struct siov_hostdrv_type *type)
{
	if (i >= drv->caps.nb_types)
		return -ERANGE;
	*type = drv->types[i];
	return 0;
}

/* ---- generations ---- */

void
siov_hostdrv_generation(struct siov_hostdrv *drv, struct siov_hostdrv_generation *gen)
{
	pthread_mutex_lock(&drv->lock);
	*gen = drv->gen;
	pthread_mutex_unlock(&drv->lock);
}

bool
siov_hostdrv_is_subset(const struct siov_hostdrv_generation *gen,
		       const struct siov_hostdrv_generation *of)
{
	unsigned int i;

	for (i = 0; i < RTE_DIM(gen->opcap); i++) {
		if (gen->opcap[i] & ~of->opcap[i])
			return false;
	}
	return gen->version <= of->version && !(gen->gencap & ~of->gencap) && gen->xfer_max != 0 &&
	       gen->xfer_max <= of->xfer_max && gen->batch_max != 0 &&
	       gen->batch_max <= of->batch_max;
}

int
siov_hostdrv_set_generation(struct siov_hostdrv *drv, const struct siov_hostdrv_generation *gen)
{
	const struct siov_hostdrv_generation most = hostdrv_most(&drv->caps);

	if (!siov_hostdrv_is_subset(gen, &most))
		return -EINVAL;
	if (siov_dev_adi_used(siov_hostdrv_dev(drv)) != 0)
		return -EBUSY;
	pthread_mutex_lock(&drv->lock);
	drv->gen = *gen;
	pthread_mutex_unlock(&drv->lock);
	return 0;
}

/* ---- ADIs ---- */

/* The shared queue with fewest ADIs; one that has an ADI of this PASID already is passed over. */
static int
configure_anywhere(struct siov_hostdrv *drv, uint32_t id, struct siov_adi_conf *conf)
{
	struct siov_dev *dev = siov_hostdrv_dev(drv);
	uint64_t left = drv->shared;
	int ret = -ENOSPC;

	for (;;) {
		unsigned int wq = dev_least_used_wq(dev, left);

		if (wq == UINT32_MAX)
			break;
		conf->wq_id = wq;
		ret = siov_dev_adi_configure(dev, id, conf);
		if (ret != -EEXIST)
			break;
		left &= ~(UINT64_C(1) << wq);
	}
	return ret;
}

int
siov_hostdrv_adi_create(struct siov_hostdrv *drv, enum siov_adi_type type,
			enum siov_adi_owner owner, struct siov_adi_conf *conf, uint32_t *id)
{
	struct siov_dev *dev = siov_hostdrv_dev(drv);
	const struct siov_adi_type_info *info;
	uint32_t wanted = conf->wq_id;
	int ret;

	if (siov_hostdrv_is_lost(drv))
		return -ENODEV;
	ret = siov_dev_adi_alloc(dev, type, owner, id);
	if (ret != 0)
		return ret;
	info = siov_adi_type_info(type);
	if (info->has_swq && conf->wq_id == UINT32_MAX)
		ret = configure_anywhere(drv, *id, conf);
	else
		ret = siov_dev_adi_configure(dev, *id, conf);
	if (ret != 0) {
		siov_dev_adi_release(dev, *id);
		conf->wq_id = wanted;
	}
	return ret;
}

int
siov_hostdrv_adi_destroy(struct siov_hostdrv *drv, uint32_t id)
{
	return siov_dev_adi_release(siov_hostdrv_dev(drv), id);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>

#include "dev_priv.h"
#include "siov_vdev.h"

struct siov_vdev {
	const struct siov_mem *mem;
	unsigned int nb;
	struct siov_vdev_part parts[SIOV_VDEV_PARTS_MAX];
};

/* Make an ADI part of a VDEV: 0, -ENOENT, -EBUSY. */
static int
claim(const struct siov_vdev_part *part)
{
	struct adi *adi;
	int ret = -ENOENT;

	dev_lock(part->dev);
	adi = adi_find(&part->dev->adis, part->adi);
	if (adi != NULL)
		ret = adi->is_of_vdev ? -EBUSY : 0;
	if (ret == 0)
		adi->is_of_vdev = true;
	dev_unlock(part->dev);
	return ret;
}

static void
give_back(const struct siov_vdev_part *part)
{
	struct adi *adi;

	dev_lock(part->dev);
	adi = adi_find(&part->dev->adis, part->adi);
	if (adi != NULL)
		adi->is_of_vdev = false;
	dev_unlock(part->dev);
}

int
siov_vdev_create(const struct siov_vdev_part *parts, unsigned int nb, struct siov_vdev **out)
{
	struct siov_vdev *vdev;
	int ret = 0;

	if (nb == 0 || nb > SIOV_VDEV_PARTS_MAX)
		return -EINVAL;
	vdev = siov_mem_alloc(parts[0].dev->mem, "siov_vdev", sizeof(*vdev), RTE_CACHE_LINE_SIZE,
			      parts[0].dev->conf.socket_id);
	if (vdev == NULL)
		return -ENOMEM;
	vdev->mem = parts[0].dev->mem;
	memcpy(vdev->parts, parts, nb * sizeof(parts[0]));
	while (ret == 0 && vdev->nb < nb) {
		ret = claim(&parts[vdev->nb]);
		vdev->nb += ret == 0;
	}
	if (ret != 0)
		siov_vdev_free(vdev);
	else
		*out = vdev;
	return ret;
}

void
siov_vdev_free(struct siov_vdev *vdev)
{
	if (vdev == NULL)
		return;
	while (vdev->nb > 0)
		give_back(&vdev->parts[--vdev->nb]);
	siov_mem_free(vdev->mem, vdev);
}

unsigned int
siov_vdev_nb_parts(const struct siov_vdev *vdev)
{
	return vdev->nb;
}

const struct siov_vdev_part *
siov_vdev_part(const struct siov_vdev *vdev, unsigned int i)
{
	return i < vdev->nb ? &vdev->parts[i] : NULL;
}

int
siov_vdev_reset(struct siov_vdev *vdev, unsigned int timeout_ms)
{
	uint64_t end_ns = dev_now_ns() + UINT64_C(1000000) * timeout_ms;
	unsigned int i;
	int first = 0;

	for (i = 0; i < vdev->nb; i++) {
		const struct siov_vdev_part *part = &vdev->parts[i];
		uint64_t now_ns = dev_now_ns();
		uint64_t left_ns = end_ns > now_ns ? end_ns - now_ns : 0;
		int ret =
			siov_dev_adi_reset(part->dev, part->adi, (unsigned int)(left_ns / 1000000));

		if (first == 0)
			first = ret;
	}
	return first;
}

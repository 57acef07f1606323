/* SPDX-License-Identifier: BSD-3-Clause */
/* State of a VDEV, saved and restored (vdev_image.h has the bytes). */
#include <errno.h>
#include <string.h>

#include "gas_priv.h"
#include "vdev_image.h"
#include "vdev_priv.h"

/* ---- save ---- */

static void
save_queues(struct siov_vdev *vdev, struct image *image)
{
	uint32_t pending = (uint32_t)vdev_msix_read(vdev, SIOV_VDEV_MSIX_PBA, 4);
	uint32_t i;

	for (i = 0; i < vdev->nb_wqs; i++)
		image->wqs[i] = (struct image_wq){
			.config = vdev->wqs[i].config,
			.is_enabled = vdev->wqs[i].is_enabled,
		};
	for (i = 0; i < vdev->nb_vectors; i++)
		image->vectors[i] = (struct image_vector){
			.addr = vdev->vectors[i].addr,
			.data = vdev->vectors[i].data,
			.is_masked = vdev->vectors[i].is_masked,
			.is_pending = pending >> i & 1,
		};
}

static void
save_registers(struct siov_vdev *vdev, struct image *image)
{
	uint32_t i;

	image->is_enabled = vdev->is_enabled;
	image->genctrl = vdev->genctrl;
	image->intcause = vdev->intcause;
	image->cmd = vdev->cmd;
	image->cmdsts = vdev->cmdsts;
	for (i = 0; i < RTE_DIM(image->swerr); i++)
		image->swerr[i] = vdev->swerr[i];
	for (i = 0; i < SIOV_VDEV_VECTORS_MAX; i++)
		image->msixperm[i] = vdev->msixperm[i];
	image->channel_version = vdev->channel.version;
	image->channel_doorbell = vdev->channel.doorbell;
	image->channel_done = vdev->channel.done;
	image->nb_pages = vdev_pager_told(vdev);
	memcpy(image->channel, vdev->pages + vdev->page_bytes, sizeof(image->channel));
	for (i = 0; i < IMAGE_CFG_BYTES; i += 4) {
		uint32_t dword = vdev_cfg_read(vdev, i, 4);

		memcpy(&image->cfg[i], &dword, sizeof(dword));
	}
}

/* What the guest has bound, and contexts. */
static void
save_lists(struct siov_vdev *vdev, struct image *image)
{
	const struct vdev_context *context;
	const struct space *space;
	unsigned int i;

	for (i = 0; i < GAS_BUCKETS; i++) {
		LIST_FOREACH(space, &gas_spaces(vdev->gas)->buckets[i], entry) {
			if (space->gpa == NULL)
				image->spaces[image->nb_spaces++] = (struct image_space){
					.guest = space->guest,
					.fs_root = space->fs_root,
					.levels = space->levels,
					.has_pages = space->has_pages,
				};
		}
	}
	LIST_FOREACH(context, &vdev->contexts, entry)
		image->contexts[image->nb_contexts++] = (struct image_context){
			.wq = context->wq,
			.guest = context->space->guest,
			.vector = context->vector,
		};
}

static void
save_counts(const struct siov_vdev_stats *stats, struct image *image)
{
	image->counts[0] = stats->accepted;
	image->counts[1] = stats->completed;
	image->counts[2] = stats->failed;
	image->counts[3] = stats->aborted;
	image->counts[4] = stats->bytes;
}

static struct image *
alloc_image(struct siov_vdev *vdev, uint64_t nb_spaces, uint64_t nb_contexts)
{
	size_t lists =
		nb_spaces * sizeof(struct image_space) + nb_contexts * sizeof(struct image_context);
	struct image *image = siov_mem_alloc(vdev->vdcm->mem, "siov_vdev_image",
					     sizeof(*image) + lists, RTE_CACHE_LINE_SIZE, -1);

	if (image == NULL)
		return NULL;
	image->spaces = (struct image_space *)(image + 1);
	image->contexts = (struct image_context *)(image->spaces + nb_spaces);
	return image;
}

static int64_t
save(struct siov_vdev *vdev, const struct siov_vdev_stats *stats, void *out, size_t len)
{
	uint64_t nb_spaces = gas_spaces(vdev->gas)->nb_bound;
	struct image *image;
	int64_t ret;

	if (vdev->state != SIOV_VDEV_STOPPED)
		return -EBUSY;
	if (out == NULL && len == 0)
		return (int64_t)image_bytes(nb_spaces, vdev->nb_contexts);
	image = alloc_image(vdev, nb_spaces, vdev->nb_contexts);
	if (image == NULL)
		return -ENOMEM;
	snprintf(image->type, sizeof(image->type), "%s", vdev->type->name);
	image->nb_wqs = vdev->nb_wqs;
	image->nb_vectors = vdev->nb_vectors;
	image->page_bytes = vdev->page_bytes;
	image->gen = vdev->gen;
	save_registers(vdev, image);
	save_queues(vdev, image);
	save_lists(vdev, image);
	save_counts(stats, image);
	ret = image_write(image, out, len);
	siov_mem_free(vdev->vdcm->mem, image);
	return ret;
}

int64_t
siov_vdev_save(struct siov_vdev *vdev, void *out, size_t len)
{
	struct siov_vdev_stats stats;
	int64_t ret;

	siov_vdev_get_stats(vdev, &stats);
	vdcm_lock(vdev->vdcm);
	ret = save(vdev, &stats, out, len);
	vdcm_unlock(vdev->vdcm);
	return ret;
}

/* ---- restore ---- */

static int
check(struct siov_vdev *vdev, const struct image *image)
{
	struct siov_hostdrv_generation most;

	if (strncmp(image->type, vdev->type->name, sizeof(image->type)) != 0 ||
	    image->nb_wqs != vdev->nb_wqs || image->nb_vectors != vdev->nb_vectors ||
	    image->page_bytes != vdev->page_bytes)
		return -EINVAL;
	siov_vdcm_generation(vdev->vdcm, &most);
	if (!siov_hostdrv_is_subset(&image->gen, &most))
		return -EINVAL;
	if (image->channel_doorbell - image->channel_done > SIOV_VDEV_SLOTS ||
	    image->channel_version > SIOV_VDEV_VERSION_1)
		return -EBADMSG;
	return 0;
}

static int
bind_space(struct siov_vdev *vdev, const struct image_space *in)
{
	struct space_conf conf = {
		.guest = (uint32_t)in->guest,
		.fs_root = in->fs_root,
		.levels = (uint32_t)in->levels,
	};
	int ret = 0;

	if (in->has_pages)
		ret = vdev_pager_open(vdev, &conf.prq);
	return ret != 0 ? ret : space_bind(vdev->gas, &conf);
}

/* The same PASID with the same tables may be there already, by another VDEV of the guest. */
static int
bind_spaces(struct siov_vdev *vdev, const struct image *image)
{
	struct siov_prq *prq;
	uint64_t i;

	/* Its guest counts on from there, whatever is bound now. */
	if (image->nb_pages != 0 && vdev_pager_open(vdev, &prq) != 0)
		return -ENOMEM;
	for (i = 0; i < image->nb_spaces; i++) {
		const struct image_space *in = &image->spaces[i];
		const struct space *space;
		int ret;

		if (in->guest > SIOV_PASID_MAX || in->levels > UINT32_MAX)
			return -EBADMSG;
		space = space_find(vdev->gas, (uint32_t)in->guest);
		if (space != NULL && space->gpa == NULL && space->fs_root == in->fs_root &&
		    space->levels == in->levels && space->has_pages == (in->has_pages != 0))
			continue;
		ret = bind_space(vdev, in);
		if (ret != 0)
			return ret;
	}
	return 0;
}

static void
restore_registers(struct siov_vdev *vdev, const struct image *image)
{
	uint32_t i;

	vdev->gen = image->gen;
	vdev_regs_reset(vdev);
	vdev->genctrl = (uint32_t)image->genctrl;
	vdev->intcause = (uint32_t)image->intcause;
	vdev->cmd = (uint32_t)image->cmd;
	vdev->cmdsts = (uint32_t)image->cmdsts & ~SIOV_CMDSTS_ACTIVE;
	vdev->is_enabled = image->is_enabled != 0;
	for (i = 0; i < RTE_DIM(image->swerr); i++)
		vdev->swerr[i] = (uint32_t)image->swerr[i];
	for (i = 0; i < vdev->nb_vectors; i++)
		vdev->msixperm[i] = (uint32_t)image->msixperm[i];
	for (i = 0; i < vdev->nb_wqs; i++)
		vdev->wqs[i].config = ((uint32_t)image->wqs[i].config & ~SIOV_WQCFG_DEDICATED) |
				      (vdev->wqs[i].is_dedicated ? SIOV_WQCFG_DEDICATED : 0);
	vdev->channel.version = (uint32_t)image->channel_version;
	vdev->channel.doorbell = (uint32_t)image->channel_doorbell;
	vdev->channel.done = (uint32_t)image->channel_done;
	memcpy(vdev->pages + vdev->page_bytes, image->channel, sizeof(image->channel));
	vdev_pager_reset(vdev, (uint32_t)image->nb_pages);
	vdev_cfg_restore(vdev, image->cfg);
	vdev_regs_show_all(vdev);
}

static int
restore_contexts(struct siov_vdev *vdev, const struct image *image)
{
	uint64_t i;

	for (i = 0; i < image->nb_contexts; i++) {
		const struct image_context *in = &image->contexts[i];
		struct vdev_context wanted = {
			.wq = (uint32_t)in->wq,
			.vector = (uint32_t)in->vector,
		};
		struct vdev_context *context;
		int ret;

		if (!vdev->type->is_dynamic || in->wq >= vdev->nb_wqs ||
		    in->guest > SIOV_PASID_MAX || in->vector >= vdev->nb_vectors ||
		    vdev_context_find(vdev, wanted.wq, (uint32_t)in->guest) != NULL)
			return -EBADMSG;
		ret = space_get(&vdev->gpa, (uint32_t)in->guest, &wanted.space);
		if (ret != 0)
			return ret;
		ret = vdev_context_alloc(vdev, &wanted, &context);
		if (ret != 0) {
			space_put(wanted.space);
			return ret;
		}
	}
	return 0;
}

static int
restore_queues(struct siov_vdev *vdev, const struct image *image)
{
	uint32_t i;
	int ret = 0;

	for (i = 0; i < vdev->nb_wqs && ret == 0; i++) {
		if (image->wqs[i].is_enabled)
			ret = vdev->is_enabled ? vdev_wq_enable(vdev, i) : -EBADMSG;
	}
	if (ret == 0)
		ret = restore_contexts(vdev, image);
	vdev_regs_show(vdev);
	return ret == -EAGAIN ? -ENOSPC : ret;
}

static void
restore_vectors(struct siov_vdev *vdev, const struct image *image)
{
	uint32_t i;

	for (i = 0; i < vdev->nb_vectors; i++) {
		struct vdev_vector *vector = &vdev->vectors[i];

		vector->addr = image->vectors[i].addr & ~UINT64_C(3);
		vector->data = (uint32_t)image->vectors[i].data;
		vector->is_masked = image->vectors[i].is_masked != 0;
		if (i == 0)
			vector->is_pending = image->vectors[i].is_pending != 0;
		else if (image->vectors[i].is_pending && i <= vdev->nb_wqs &&
			 vdev->adis[0][i - 1] != SIOV_ADI_NONE)
			siov_dev_adi_trigger(vdev_dev(vdev), vdev->adis[0][i - 1], 0);
	}
	vdev_msix_update(vdev);
}

static int
apply(struct siov_vdev *vdev, const struct image *image)
{
	int ret;

	ret = bind_spaces(vdev, image);
	if (ret != 0)
		return ret;
	vdev->state = SIOV_VDEV_STOPPED;
	restore_registers(vdev, image);
	ret = restore_queues(vdev, image);
	if (ret != 0) {
		/* Nothing of it has run. */
		vdev_undo(vdev);
		return ret;
	}
	vdev->is_used = true;
	vdev->stats.accepted += image->counts[0];
	vdev->stats.completed += image->counts[1];
	vdev->stats.failed += image->counts[2];
	vdev->stats.aborted += image->counts[3];
	vdev->stats.bytes += image->counts[4];
	restore_vectors(vdev, image);
	/* Handles are of this host's table. */
	vdev_cause(vdev, SIOV_INTCAUSE_REVOKED);
	return 0;
}

static int
restore(struct siov_vdev *vdev, const void *in, size_t len)
{
	uint64_t nb_spaces, nb_contexts;
	struct image *image;
	int ret;

	if (vdev->is_used || vdev->action.kind != ACTION_NONE || vdev->must_reset ||
	    vdev->state != SIOV_VDEV_RUNNING || vdev->is_halted)
		return -EBUSY;
	ret = image_check(in, len, &nb_spaces, &nb_contexts);
	if (ret != 0)
		return ret;
	image = alloc_image(vdev, nb_spaces, nb_contexts);
	if (image == NULL)
		return -ENOMEM;
	image_read(image, in, len);
	ret = check(vdev, image);
	if (ret == 0)
		ret = apply(vdev, image);
	siov_mem_free(vdev->vdcm->mem, image);
	return ret;
}

int
siov_vdev_restore(struct siov_vdev *vdev, const void *in, size_t len)
{
	int ret;

	vdcm_lock(vdev->vdcm);
	ret = restore(vdev, in, len);
	vdcm_unlock(vdev->vdcm);
	return ret;
}

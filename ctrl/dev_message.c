/* SPDX-License-Identifier: BSD-3-Clause */
/* Interrupt messages of ADIs: in IMS, or where the function has none, vectors of its MSI-X table. */
#include <errno.h>

#include "ims.h"
#include "message_priv.h"
#include "msix.h"

#define VECTOR_FIRST 1u /* vector 0 is the function's own */

int
messages_create(struct siov_dev *dev)
{
	struct siov_msix_conf msix;
	struct siov_ims_conf ims;
	int ret;

	if (dev->conf.ir == NULL)
		return 0;
	msix = (struct siov_msix_conf){
		.mem = dev->mem,
		.ir = dev->conf.ir,
		.tsc_hz = dev_tsc_hz(),
		.socket_id = dev->conf.socket_id,
		.nb_vectors = dev->conf.nb_msix,
		.nb_engines = dev->conf.nb_engines,
		.rid = dev->conf.rid,
	};
	ret = siov_msix_create(&msix, &dev->msix);
	if (ret != 0 || dev->conf.nb_ims == 0)
		return ret;
	siov_ims_conf_init(&ims);
	ims.mem = dev->mem;
	ims.ir = dev->conf.ir;
	ims.tsc_hz = dev_tsc_hz();
	ims.socket_id = dev->conf.socket_id;
	ims.nb_entries = dev->conf.nb_ims;
	ims.host = dev->conf.ims_host;
	ims.nb_engines = dev->conf.nb_engines;
	ims.rid = dev->conf.rid;
	return siov_ims_create(&ims, &dev->ims);
}

void
messages_free(struct siov_dev *dev)
{
	siov_ims_free(dev->ims);
	siov_msix_free(dev->msix);
}

void
messages_tables(const struct siov_dev *dev, struct msg_table *tables[ENGINE_MESSAGES])
{
	tables[ENGINE_MSIX] = dev->msix != NULL ? msix_table(dev->msix) : NULL;
	tables[ENGINE_IMS] = dev->ims != NULL ? ims_table(dev->ims) : NULL;
}

/* ---- vectors ---- */

static bool
is_vector_used(const struct siov_dev *dev, uint32_t vector)
{
	return dev->vectors_used[vector / 64] & UINT64_C(1) << vector % 64;
}

static void
set_vector_used(struct siov_dev *dev, uint32_t vector, bool is_used)
{
	uint64_t bit = UINT64_C(1) << vector % 64;

	if (is_used)
		dev->vectors_used[vector / 64] |= bit;
	else
		dev->vectors_used[vector / 64] &= ~bit;
}

static uint32_t
perm_of(uint32_t pasid)
{
	return pasid == 0 ? 0 : SIOV_IMS_CTRL_PASID_EN | pasid << SIOV_IMS_CTRL_PASID_SHIFT;
}

static int
vector_alloc(struct siov_dev *dev, uint32_t *handle)
{
	uint32_t vector;

	for (vector = VECTOR_FIRST; vector < dev->conf.nb_msix; vector++) {
		if (is_vector_used(dev, vector))
			continue;
		set_vector_used(dev, vector, true);
		siov_msix_reset_vector(dev->msix, vector);
		*handle = vector;
		return 0;
	}
	return -ENOSPC;
}

static int
vector_write(struct siov_dev *dev, uint32_t vector, const struct siov_adi_message *message)
{
	uint64_t at = (uint64_t)vector * SIOV_MSIX_VECTOR_BYTES;
	uint64_t data_mask = message->data | (uint64_t)message->is_masked << 32;

	if (message->moderation.interval_us != 0)
		return -EINVAL; /* MSI-X has none */
	/* Masked between, so that no half of it is sent. */
	siov_msix_write(dev->msix, at + 12, 4, 1);
	siov_msix_write(dev->msix, at, 8, message->addr);
	siov_msix_write(dev->msix, at + 8, 8, data_mask);
	return 0;
}

static void
vector_read(struct siov_dev *dev, uint32_t vector, struct siov_adi_message *message)
{
	uint64_t at = (uint64_t)vector * SIOV_MSIX_VECTOR_BYTES;
	uint64_t data_mask = 0, pending = 0;

	siov_msix_read(dev->msix, at, 8, &message->addr);
	siov_msix_read(dev->msix, at + 8, 8, &data_mask);
	siov_msix_read_pba(dev->msix, vector / 64 * 8, 8, &pending);
	message->data = (uint32_t)data_mask;
	message->is_masked = data_mask >> 32 & 1;
	message->is_pending = pending >> vector % 64 & 1;
}

/* ---- both ---- */

int
message_alloc(struct siov_dev *dev, uint32_t owner, uint32_t pasid, uint32_t *handle)
{
	int ret;

	if (dev->msix == NULL)
		return -ENOSPC;
	if (dev->ims == NULL) {
		ret = vector_alloc(dev, handle);
		return ret == 0 ? siov_msix_set_perm(dev->msix, *handle, perm_of(pasid)) : ret;
	}
	ret = siov_ims_alloc(dev->ims, owner, handle);
	if (ret == 0)
		ret = siov_ims_set_pasid(dev->ims, *handle, pasid);
	return ret == 0 ? siov_ims_invalidate(dev->ims, *handle, 1) : ret;
}

void
message_release(struct siov_dev *dev, uint32_t owner, uint32_t handle)
{
	if (dev->ims != NULL) {
		siov_ims_release(dev->ims, owner, handle);
		return;
	}
	siov_msix_reset_vector(dev->msix, handle);
	set_vector_used(dev, handle, false);
}

void
message_reset(struct siov_dev *dev, uint32_t handle, uint32_t pasid)
{
	if (dev->ims != NULL) {
		siov_ims_reset(dev->ims, handle);
		siov_ims_invalidate(dev->ims, handle, 1);
		return;
	}
	siov_msix_reset_vector(dev->msix, handle);
	siov_msix_set_perm(dev->msix, handle, perm_of(pasid));
}

int
message_write(struct siov_dev *dev, uint32_t handle, const struct siov_adi_message *message)
{
	int ret;

	if (dev->ims == NULL)
		return vector_write(dev, handle, message);
	ret = siov_ims_set_moderation(dev->ims, handle, &message->moderation);
	if (ret != 0)
		return ret;
	siov_ims_mask(dev->ims, handle);
	ret = siov_ims_program(dev->ims, handle, message->addr, message->data);
	if (!message->is_masked)
		siov_ims_unmask(dev->ims, handle);
	siov_ims_invalidate(dev->ims, handle, 1);
	return ret;
}

void
message_read(struct siov_dev *dev, uint32_t handle, struct siov_adi_message *message)
{
	struct siov_ims_entry entry;

	*message = (struct siov_adi_message){.is_masked = true};
	if (dev->ims == NULL) {
		vector_read(dev, handle, message);
		return;
	}
	if (siov_ims_read(dev->ims, handle, &entry) != 0)
		return;
	message->addr = entry.addr;
	message->data = entry.data;
	message->is_masked = entry.ctrl & SIOV_IMS_CTRL_MASK;
	message->is_pending = entry.ctrl & SIOV_IMS_CTRL_PENDING;
}

int
message_trigger(struct siov_dev *dev, uint32_t handle)
{
	return dev->ims != NULL ? siov_ims_trigger(dev->ims, handle) :
				  siov_msix_trigger(dev->msix, handle);
}

int
siov_dev_ims_invalidate(struct siov_dev *dev, uint32_t first, uint32_t nb)
{
	int ret = -ENOTSUP;

	dev_lock(dev);
	if (dev->ims != NULL)
		ret = siov_ims_invalidate(dev->ims, first, nb);
	dev_unlock(dev);
	return ret;
}

int
siov_dev_message_stats(struct siov_dev *dev, struct siov_ims_stats *stats)
{
	int ret = 0;

	dev_lock(dev);
	if (dev->ims != NULL)
		siov_ims_stats(dev->ims, stats);
	else if (dev->msix != NULL)
		siov_msix_stats(dev->msix, stats);
	else
		ret = -ENOTSUP;
	dev_unlock(dev);
	return ret;
}

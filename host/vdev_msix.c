/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The virtual MSI-X table, and where its vectors lead.
 *
 *     guest writes vector ─► VMM: what does this message mean? ─► entry of the remapping table
 *                                    (or the eventfd that was set)          ▲            ▲
 *     vector 0:      VDCM ──────────────────────────────────────────────────┘            │
 *     vector i + 1:  ADI of queue i, or contexts that chose it ─► its message in IMS ────┘
 *
 * A vector is open when MSI-X is enabled, neither it nor the function is masked, and it leads
 * somewhere. Events of closed ones stay pending: the VDCM's here, those of ADIs in their messages.
 */
#include <errno.h>

#include "siov_msix.h"
#include "vdev_priv.h"

#define ENTRY_BYTES 16u
#define MASK_BIT 1u
#define DEST_VECTOR 32u /* of an eventfd's destination; no one takes it */

static bool
is_enabled(const struct siov_vdev *vdev)
{
	return vdev_cfg_msix_control(vdev) & SIOV_MSIX_CONTROL_ENABLE;
}

static bool
is_open(const struct siov_vdev *vdev, const struct vdev_vector *vector)
{
	if (!vector->is_routed)
		return false;
	return vector->eventfd >= 0 || (!vector->is_masked && is_enabled(vdev) &&
					!(vdev_cfg_msix_control(vdev) & SIOV_MSIX_CONTROL_MASK));
}

/* ---- routes ---- */

static uint16_t
rid_of(const struct siov_vdev *vdev)
{
	return vdev_dev(vdev) != NULL ? siov_dev_get_conf(vdev_dev(vdev))->rid : 0;
}

/* Where a vector is to lead. 0 or a negative errno: nowhere. */
static int
find_route(struct siov_vdev *vdev, const struct vdev_vector *vector, struct siov_ir_entry *entry)
{
	int ret = -ENOENT;

	*entry = (struct siov_ir_entry){0};
	if (vector->dest != NULL) {
		entry->dest = vector->dest;
		entry->vector = DEST_VECTOR;
		ret = 0;
	} else if (vdev->ops != NULL && is_enabled(vdev)) {
		ret = vdev->ops->route(vdev->vmm, vector->addr, vector->data, entry);
	}
	entry->svt = SIOV_IR_SVT_SID;
	entry->sq = SIOV_IR_SQ_ALL;
	entry->sid = rid_of(vdev);
	return ret;
}

static void
set_route(struct siov_vdev *vdev, struct vdev_vector *vector)
{
	struct siov_vdcm *vdcm = vdev->vdcm;
	struct siov_ir_entry entry;
	int ret;

	ret = find_route(vdev, vector, &entry);
	if (ret == 0 && vector->route == NO_ROUTE) {
		vector->route = vdcm_route_alloc(vdcm);
		if (vector->route == NO_ROUTE) {
			HOST_LOG(WARNING, "vdev %u: no remapping entry is free", vdev->id);
			ret = -ENOSPC;
		}
	}
	if (ret == 0)
		ret = siov_ir_set(vdcm->ir, vector->route, &entry);
	if (ret != 0 && vector->is_routed)
		siov_ir_clear(vdcm->ir, vector->route);
	vector->is_routed = ret == 0;
}

/* ---- ADIs ---- */

static void
program(struct siov_vdev *vdev, uint32_t adi, const struct vdev_vector *vector)
{
	struct siov_adi_message message = {
		.is_masked = !is_open(vdev, vector),
	};

	if (adi == SIOV_ADI_NONE || vdev_dev(vdev) == NULL)
		return;
	if (vector->is_routed)
		message.addr = siov_ir_msi_addr(vector->route);
	siov_dev_adi_set_message(vdev_dev(vdev), adi, 0, &message);
}

static bool
is_pending(struct siov_vdev *vdev, uint32_t adi)
{
	struct siov_adi_message message;

	return adi != SIOV_ADI_NONE && vdev_dev(vdev) != NULL &&
	       siov_dev_adi_get_message(vdev_dev(vdev), adi, 0, &message) == 0 &&
	       message.is_pending;
}

static bool
is_vector_pending(struct siov_vdev *vdev, uint32_t i)
{
	const struct vdev_context *context;

	if (i == 0)
		return vdev->vectors[0].is_pending;
	if (i <= vdev->nb_wqs && is_pending(vdev, vdev->adis[0][i - 1]))
		return true;
	LIST_FOREACH(context, &vdev->contexts, entry) {
		if (context->vector == i && is_pending(vdev, context->adi))
			return true;
	}
	return false;
}

static void
send(struct siov_vdev *vdev)
{
	siov_ir_deliver(vdev->vdcm->ir, rid_of(vdev), siov_ir_msi_addr(vdev->vectors[0].route), 0);
	vdev->stats.nb_interrupts++;
}

void
vdev_raise(struct siov_vdev *vdev)
{
	struct vdev_vector *vector = &vdev->vectors[0];

	if (is_open(vdev, vector))
		send(vdev);
	else if (is_enabled(vdev))
		vector->is_pending = true;
}

/* Where it leads has not changed, only whether it is open. */
static void
show_vector(struct siov_vdev *vdev, uint32_t i)
{
	struct vdev_vector *vector = &vdev->vectors[i];
	const struct vdev_context *context;

	if (i == 0 && vector->is_pending && is_open(vdev, vector)) {
		vector->is_pending = false;
		send(vdev);
	}
	if (i != 0 && i <= vdev->nb_wqs)
		program(vdev, vdev->adis[0][i - 1], vector);
	LIST_FOREACH(context, &vdev->contexts, entry) {
		if (context->vector == i && i != 0)
			program(vdev, context->adi, vector);
	}
}

void
vdev_msix_update_vector(struct siov_vdev *vdev, uint32_t i)
{
	if (i >= vdev->nb_vectors)
		return;
	set_route(vdev, &vdev->vectors[i]);
	show_vector(vdev, i);
}

void
vdev_msix_update(struct siov_vdev *vdev)
{
	uint32_t i;

	for (i = 0; i < vdev->nb_vectors; i++)
		vdev_msix_update_vector(vdev, i);
}

/* ---- life ---- */

void
vdev_msix_init(struct siov_vdev *vdev)
{
	uint32_t i;

	for (i = 0; i < SIOV_VDEV_VECTORS_MAX; i++)
		vdev->vectors[i] = (struct vdev_vector){
			.is_masked = true,
			.route = NO_ROUTE,
			.eventfd = -1,
		};
}

static void
drop_route(struct siov_vdev *vdev, struct vdev_vector *vector)
{
	if (vector->route != NO_ROUTE) {
		siov_ir_clear(vdev->vdcm->ir, vector->route);
		vdcm_route_free(vdev->vdcm, vector->route);
	}
	vector->route = NO_ROUTE;
	vector->is_routed = false;
}

void
vdev_msix_reset(struct siov_vdev *vdev)
{
	uint32_t i;

	for (i = 0; i < vdev->nb_vectors; i++) {
		struct vdev_vector *vector = &vdev->vectors[i];

		vector->addr = 0;
		vector->data = 0;
		vector->is_masked = true;
		vector->is_pending = false;
		if (vector->dest == NULL)
			drop_route(vdev, vector);
	}
}

void
vdev_msix_free(struct siov_vdev *vdev)
{
	uint32_t i;

	for (i = 0; i < vdev->nb_vectors; i++) {
		drop_route(vdev, &vdev->vectors[i]);
		siov_intr_dest_free(vdev->vectors[i].dest);
		vdev->vectors[i].dest = NULL;
	}
}

int
siov_vdev_set_eventfd(struct siov_vdev *vdev, unsigned int i, int fd)
{
	struct siov_intr_dest *dest = NULL, *old;
	struct vdev_vector *vector;
	int ret = 0;

	if (i >= vdev->nb_vectors)
		return -EINVAL;
	if (fd >= 0)
		ret = siov_intr_dest_create_fd(vdev->vdcm->ir, fd, &dest);
	if (ret != 0)
		return ret;
	vdcm_lock(vdev->vdcm);
	vector = &vdev->vectors[i];
	old = vector->dest;
	vector->dest = dest;
	vector->eventfd = fd;
	set_route(vdev, vector);
	if (fd >= 0 && !vector->is_routed)
		ret = -ENOSPC;
	show_vector(vdev, i);
	vdcm_unlock(vdev->vdcm);
	/* It waits for engines: not under the lock. */
	siov_intr_dest_free(old);
	return ret;
}

/* ---- the table ---- */

static uint32_t
read_dword(struct siov_vdev *vdev, uint64_t offset)
{
	const struct vdev_vector *vector = &vdev->vectors[offset / ENTRY_BYTES];

	switch (offset % ENTRY_BYTES) {
	case 0:
		return (uint32_t)vector->addr;
	case 4:
		return vector->addr >> 32;
	case 8:
		return vector->data;
	default:
		return vector->is_masked ? MASK_BIT : 0;
	}
}

static uint32_t
read_pending(struct siov_vdev *vdev)
{
	uint32_t i, bits = 0;

	for (i = 0; i < vdev->nb_vectors; i++)
		bits |= (uint32_t)is_vector_pending(vdev, i) << i;
	return bits;
}

uint64_t
vdev_msix_read(struct siov_vdev *vdev, uint64_t offset, unsigned int width)
{
	uint64_t value = 0;
	unsigned int i;

	for (i = 0; i < width; i += 4) {
		uint64_t at = offset + i;
		uint32_t dword = 0;

		if (at < vdev->nb_vectors * ENTRY_BYTES)
			dword = read_dword(vdev, at);
		else if (at == SIOV_VDEV_MSIX_PBA)
			dword = read_pending(vdev);
		value |= (uint64_t)dword << 8 * i;
	}
	return value;
}

static void
write_dword(struct siov_vdev *vdev, uint64_t offset, uint32_t value)
{
	struct vdev_vector *vector = &vdev->vectors[offset / ENTRY_BYTES];

	switch (offset % ENTRY_BYTES) {
	case 0:
		vector->addr = (vector->addr & ~(uint64_t)UINT32_MAX) | (value & ~UINT32_C(3));
		break;
	case 4:
		vector->addr = (vector->addr & UINT32_MAX) | (uint64_t)value << 32;
		break;
	case 8:
		vector->data = value;
		break;
	default:
		vector->is_masked = value & MASK_BIT;
	}
}

void
vdev_msix_write(struct siov_vdev *vdev, uint64_t offset, unsigned int width, uint64_t value)
{
	uint64_t end = vdev->nb_vectors * ENTRY_BYTES;
	unsigned int i;

	for (i = 0; i < width && offset + i < end; i += 4)
		write_dword(vdev, offset + i, (uint32_t)(value >> 8 * i));
	if (offset < end)
		vdev_msix_update_vector(vdev, (uint32_t)(offset / ENTRY_BYTES));
}

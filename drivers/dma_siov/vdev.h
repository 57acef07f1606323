/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The virtual device of a port, with the guest driver that runs it: the port is the guest, a program of
 * this process, so every address that the process may use is one of the VDEV's.
 *
 *     port ── VDEV, composed by the VDCM of the emulated device
 *     channel ── a guest PASID, a portal page in a context of its own ──► ADI
 *
 * Thread: whoever configures the port; one at a time.
 */
#ifndef DMA_SIOV_VDEV_H
#define DMA_SIOV_VDEV_H

#include "emu.h"
#include "siov_cpu.h"
#include "siov_vm_pasid.h"

struct vdev;

/* What a channel has of it. All 0: nothing. */
struct vdev_seat {
	struct siov_cpu *cpu;
	struct siov_vm_portal *portal;
	uint32_t pasid;
	bool is_bound, has_queue;
};

/* Plug in and probe one as args say. 0, or an error and one line of log. */
int vdev_create(struct emu *emu, const struct args *args, struct vdev **out);

/* Its seats are closed. NULL is fine. */
void vdev_destroy(struct vdev *vdev);

/* Have a seat with a PASID. 0, or an error and one line of log. */
int vdev_seat_open(struct vdev *vdev, uint32_t pasid, struct vdev_seat *seat);

/* Nothing of it is in flight. */
void vdev_seat_close(struct vdev *vdev, struct vdev_seat *seat);

struct emu *vdev_emu(const struct vdev *vdev);

const struct args *vdev_args(const struct vdev *vdev);
void vdev_dump(FILE *f, struct vdev *vdev);

#endif /* DMA_SIOV_VDEV_H */

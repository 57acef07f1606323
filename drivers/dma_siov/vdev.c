/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "siov_guest.h"
#include "vdev.h"

#define FIRST_VECTOR 64u
#define NO_PASID UINT32_MAX
#define PORTAL_PAGE 2u /* of the queue's four in BAR2: unlimited, interrupt handles of IMS */

struct vdev {
	struct emu *emu;
	struct args args;
	struct siov_vm *vm;
	struct siov_guest *driver;
	uint16_t bdf;
	bool is_plugged;
};

struct emu *
vdev_emu(const struct vdev *vdev)
{
	return vdev->emu;
}

const struct args *
vdev_args(const struct vdev *vdev)
{
	return &vdev->args;
}

void
vdev_dump(FILE *f, struct vdev *vdev)
{
	siov_vdev_dump(f, siov_vm_vdev(vdev->vm, vdev->bdf));
	siov_dev_dump(f, emu_dev(vdev->emu));
}

/* The guest driver runs on the one processor, for as long as it has to do something. */
static int
enter(struct vdev *vdev)
{
	emu_rest(vdev->emu);
	return siov_vcpu_enter(siov_vm_vcpu(vdev->vm, 0));
}

static void
leave(struct vdev *vdev)
{
	siov_vcpu_leave(siov_vm_vcpu(vdev->vm, 0));
}

/* ---- come and go ---- */

static int
create_vm(struct vdev *vdev)
{
	const struct siov_vm_conf conf = {
		.name = "dma_siov",
		.ram_bytes = SIOV_GUEST_STATE_BYTES,
		.is_process = true,
		.nb_vcpus = 1,
		.socket_id = -1,
	};

	return siov_vm_create(emu_vmm(vdev->emu), &conf, &vdev->vm);
}

static int
plug(struct vdev *vdev)
{
	const struct siov_vdev_conf conf = {
		.type = siov_vdcm_type_find(args_profile_name(vdev->args.profile)),
		.nb_dwqs = vdev->args.profile == PROFILE_DWQ ? 1 : 0,
		.fn = SIOV_VDEV_FN_ANY,
		.qos = vdev->args.qos,
	};
	int ret;

	ret = siov_vm_plug(vdev->vm, &conf, &vdev->bdf);
	vdev->is_plugged = ret == 0;
	return ret;
}

static int
probe(struct vdev *vdev)
{
	struct siov_guest_conf conf = {.bdf = vdev->bdf, .first_vector = FIRST_VECTOR};
	struct siov_vcpu_platform platform;
	int ret;

	ret = enter(vdev);
	if (ret != 0)
		return ret;
	siov_vcpu_platform(siov_vm_vcpu(vdev->vm, 0), &platform);
	conf.state_gpa = platform.ram_gpa;
	ret = siov_guest_probe(siov_vm_vcpu(vdev->vm, 0), &conf, &vdev->driver);
	if (ret == 0 && vdev->args.profile == PROFILE_DYNAMIC)
		ret = siov_guest_wq_enable(vdev->driver, 0, NO_PASID);
	leave(vdev);
	return ret;
}

int
vdev_create(struct emu *emu, const struct args *args, struct vdev **out)
{
	struct vdev *vdev = calloc(1, sizeof(*vdev));
	int ret;

	if (vdev == NULL)
		return -ENOMEM;
	vdev->emu = emu;
	vdev->args = *args;
	emu_rest(emu);
	ret = create_vm(vdev);
	if (ret == 0)
		ret = plug(vdev);
	if (ret == 0)
		ret = probe(vdev);
	if (ret == 0) {
		*out = vdev;
		return 0;
	}
	DMA_SIOV_ERR("device %s: a VDEV of profile %s: %s", args->device,
		     args_profile_name(args->profile), strerror(-ret));
	vdev_destroy(vdev);
	return ret;
}

static int
remove_driver(struct vdev *vdev)
{
	int ret;

	if (vdev->driver == NULL)
		return 0;
	ret = enter(vdev);
	if (ret != 0)
		return ret;
	ret = siov_guest_remove(vdev->driver);
	vdev->driver = NULL;
	leave(vdev);
	return ret;
}

void
vdev_destroy(struct vdev *vdev)
{
	int ret, first;

	if (vdev == NULL)
		return;
	emu_rest(vdev->emu);
	first = remove_driver(vdev);
	ret = vdev->is_plugged ? siov_vm_unplug(vdev->vm, vdev->bdf, EMU_TIMEOUT_MS) : 0;
	first = first != 0 ? first : ret;
	ret = siov_vm_free(vdev->vm);
	first = first != 0 ? first : ret;
	if (first != 0)
		DMA_SIOV_ERR("device %s: a VDEV was left: %s", vdev->args.device, strerror(-first));
	free(vdev);
}

/* ---- seats ---- */

/* A context for the PASID, or the VDEV's one queue. */
static int
take_queue(struct vdev *vdev, struct vdev_seat *seat)
{
	uint32_t handle;
	int ret;

	if (vdev->args.profile != PROFILE_DYNAMIC) {
		ret = siov_guest_wq_enable(vdev->driver, 0, seat->pasid);
	} else {
		ret = siov_guest_pasid_bind(vdev->driver, seat->pasid, 0, 0);
		seat->is_bound = ret == 0;
		if (ret == 0)
			ret = siov_guest_context_alloc(vdev->driver, 0, seat->pasid, &handle);
	}
	seat->has_queue = ret == 0;
	return ret;
}

static int
give_queue(struct vdev *vdev, struct vdev_seat *seat)
{
	int ret = 0;

	if (vdev->args.profile != PROFILE_DYNAMIC)
		return seat->has_queue ? siov_guest_wq_disable(vdev->driver, 0) : 0;
	if (seat->has_queue)
		ret = siov_guest_context_free(vdev->driver, 0, seat->pasid);
	if (ret == 0 && seat->is_bound)
		ret = siov_guest_pasid_unbind(vdev->driver, seat->pasid);
	return ret;
}

/* The queue's portal page in a context of a thread of its own: whoever uses the channel. */
static int
open_portal(struct vdev *vdev, struct vdev_seat *seat)
{
	struct siov_vdev *device = siov_vm_vdev(vdev->vm, vdev->bdf);
	struct siov_vdev_info info;
	int ret;

	siov_vdev_get_info(device, &info);
	ret = siov_cpu_create(emu_vdcm(vdev->emu), &seat->cpu);
	if (ret == 0)
		ret = siov_vdev_portal_open(device, PORTAL_PAGE * info.page_bytes, seat->cpu,
					    seat->pasid, &seat->portal);
	if (ret == 0)
		siov_cpu_enter(seat->cpu);
	return ret;
}

int
vdev_seat_open(struct vdev *vdev, uint32_t pasid, struct vdev_seat *seat)
{
	int ret;

	*seat = (struct vdev_seat){.pasid = pasid};
	ret = enter(vdev);
	if (ret == 0) {
		ret = take_queue(vdev, seat);
		leave(vdev);
	}
	if (ret == 0)
		ret = open_portal(vdev, seat);
	if (ret == 0)
		return 0;
	DMA_SIOV_ERR("device %s: PASID %u: %s", vdev->args.device, seat->pasid, strerror(-ret));
	vdev_seat_close(vdev, seat);
	return ret;
}

void
vdev_seat_close(struct vdev *vdev, struct vdev_seat *seat)
{
	int ret;

	emu_rest(vdev->emu);
	if (seat->portal != NULL) {
		siov_cpu_leave(seat->cpu);
		siov_vdev_portal_close(siov_vm_vdev(vdev->vm, vdev->bdf), seat->portal);
	}
	ret = enter(vdev);
	if (ret == 0) {
		ret = give_queue(vdev, seat);
		leave(vdev);
	}
	if (ret != 0)
		DMA_SIOV_ERR("device %s: PASID %u was left: %s", vdev->args.device, seat->pasid,
			     strerror(-ret));
	siov_cpu_free(seat->cpu);
	*seat = (struct vdev_seat){.cpu = NULL};
}

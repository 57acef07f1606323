/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include "via_vdev.h"

#define LARGE_PAGE (UINT64_C(2) << 20)
#define FIRST_VECTOR 64u

/* ---- memory ---- */

int
via_create_guest(struct guest *guest, struct rig *rig, const struct guest_conf *conf,
		 const struct via_conf *via)
{
	uint64_t states =
		RTE_ALIGN_CEIL(via->nb_vdevs * (uint64_t)SIOV_GUEST_STATE_BYTES, LARGE_PAGE);
	struct siov_vm_conf vm = {
		.name = "workload",
		.ram_bytes = states + RTE_ALIGN_CEIL(conf->size, LARGE_PAGE),
		.page_shift = conf->page_shift,
		.nb_vcpus = via->nb_vcpus,
		.socket_id = -1,
	};
	int ret;

	*guest = (struct guest){
		.kind = SIOV_DOMAIN_SECOND_STAGE,
		.page_shift = conf->page_shift,
		.iova = states,
		.size = vm.ram_bytes - states,
	};
	ret = host_enable_shared(&rig->host);
	if (ret == 0)
		ret = siov_vm_create(rig->host.vmm, &vm, &guest->vm);
	if (ret != 0)
		return ret;
	guest->rig = rig;
	guest->hva = (uint8_t *)siov_vm_ram(guest->vm) + states;
	return 0;
}

int
via_free_guest(struct guest *guest)
{
	return siov_vm_free(guest->vm);
}

/* ---- VDEVs ---- */

static int
probe(struct client_pasid *pasid, uint32_t n)
{
	const struct siov_guest_conf conf = {
		.bdf = pasid->bdf,
		.state_gpa = n * (uint64_t)SIOV_GUEST_STATE_BYTES,
		.first_vector = FIRST_VECTOR,
	};
	int ret;

	ret = siov_guest_probe(siov_vm_vcpu(pasid->guest->vm, 0), &conf, &pasid->driver);
	return ret == 0 ? siov_guest_wq_enable(pasid->driver, 0, n + 1) : ret;
}

int
via_plug(struct client_pasid *pasid, uint32_t n, const struct siov_qos_conf *qos)
{
	const struct siov_vdev_conf conf = {
		.type = siov_vdcm_type_find("swq"),
		.fn = SIOV_VDEV_FN_ANY,
		.qos = *qos,
	};
	int ret;

	ret = siov_vm_plug(pasid->guest->vm, &conf, &pasid->bdf);
	if (ret != 0)
		return ret;
	pasid->has_vdev = true;
	pasid->guest_pasid = n + 1;
	return probe(pasid, n);
}

int
via_remove(struct client_pasid *pasid)
{
	struct siov_guest *driver = pasid->driver;

	pasid->driver = NULL;
	return driver != NULL ? siov_guest_remove(driver) : 0;
}

int
via_unplug(struct client_pasid *pasid)
{
	if (!pasid->has_vdev)
		return 0;
	pasid->has_vdev = false;
	return siov_vm_unplug(pasid->guest->vm, pasid->bdf, RIG_TIMEOUT_MS);
}

/* ---- vCPUs ---- */

int
via_enter(struct client *client, unsigned int vcpu)
{
	int ret = siov_vcpu_enter(siov_vm_vcpu(client->guest->vm, vcpu));

	if (ret == 0)
		client->vcpu = siov_vm_vcpu(client->guest->vm, vcpu);
	return ret;
}

void
via_leave(struct client *client)
{
	if (client->vcpu != NULL)
		siov_vcpu_leave(client->vcpu);
	client->vcpu = NULL;
}

/* The queue of the device whose context it is. */
static int
find_wq(struct rig *rig, struct client_pasid *pasid)
{
	const struct siov_dev_conf *conf = siov_dev_get_conf(rig->dev);
	uint32_t i, adi;

	for (i = 0; i < conf->nb_wqs; i++) {
		if (siov_dev_adi_of(rig->dev, i, pasid->pasid, &adi) == 0) {
			pasid->wq_id = i;
			return 0;
		}
	}
	return -ENXIO;
}

int
via_open(struct rig *rig, struct client *client, struct client_portal *portal)
{
	struct client_pasid *pasid = portal->pasid;
	int ret;

	ret = siov_guest_open(pasid->driver, client->vcpu, 0, pasid->guest_pasid, &portal->queue);
	if (ret != 0)
		return ret;
	portal->portal = siov_vm_portal_target(portal->queue.portal);
	pasid->pasid = portal->portal->pasid;
	return find_wq(rig, pasid);
}

void
via_close(struct client_portal *portal)
{
	if (portal->queue.portal != NULL)
		siov_guest_close(&portal->queue);
	portal->queue.portal = NULL;
}

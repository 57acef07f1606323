/* SPDX-License-Identifier: BSD-3-Clause */
/* The destination of a migration: everything that comes is checked before it is used. */
#include <errno.h>
#include <string.h>

#include "migrate_priv.h"

#define PAGE 4096u

struct destination {
	struct siov_vmm *vmm;
	struct siov_cpu *cpu;
	struct siov_vm *vm;
	struct wire wire;
	uint64_t nb_vdevs; /* announced */
	uint64_t nb_plugged, nb_restored;
	bool is_over; /* all is there */
};

static int
take_hello(struct destination *to, uint32_t len)
{
	struct siov_vm_conf conf = {.cpu = to->cpu, .socket_id = -1};
	struct wire_hello hello;
	int ret;

	if (len != sizeof(hello) || to->vm != NULL)
		return -EBADMSG;
	memcpy(&hello, wire_room(&to->wire), sizeof(hello));
	hello.name[sizeof(hello.name) - 1] = '\0';
	if (hello.nb_vcpus > SIOV_VM_VCPUS_MAX || hello.nb_vdevs >= SIOV_VM_VDEVS_MAX ||
	    hello.page_shift > 30)
		return -EBADMSG;
	snprintf(conf.name, sizeof(conf.name), "%s", hello.name);
	conf.ram_bytes = hello.ram_bytes;
	conf.nb_vcpus = (unsigned int)hello.nb_vcpus;
	conf.page_shift = (unsigned int)hello.page_shift;
	ret = siov_vm_create(to->vmm, &conf, &to->vm);
	if (ret != 0)
		return ret;
	to->nb_vdevs = hello.nb_vdevs;
	return siov_vm_pause(to->vm, 0);
}

static int
take_vdev(struct destination *to, uint32_t len)
{
	struct siov_hostdrv_generation gen = {0};
	struct siov_vdev_conf conf = {.fn = SIOV_VDEV_FN_ANY, .generation = &gen};
	struct wire_vdev vdev;
	unsigned int i;
	int ret;

	if (len != sizeof(vdev) || to->vm == NULL || to->nb_plugged == to->nb_vdevs)
		return -EBADMSG;
	memcpy(&vdev, wire_room(&to->wire), sizeof(vdev));
	vdev.type[sizeof(vdev.type) - 1] = '\0';
	conf.type = siov_vdcm_type_find(vdev.type);
	if (conf.type == NULL || vdev.nb_dwqs > UINT32_MAX || vdev.nb_fns > UINT32_MAX ||
	    vdev.flags > UINT32_MAX || vdev.bdf > UINT16_MAX || vdev.version > UINT32_MAX ||
	    vdev.xfer_max > UINT32_MAX || vdev.batch_max > UINT32_MAX || vdev.qos[0] > UINT32_MAX ||
	    vdev.qos[1] > UINT32_MAX || vdev.qos[2] > UINT32_MAX)
		return -EBADMSG;
	conf.nb_dwqs = (uint32_t)vdev.nb_dwqs;
	conf.nb_fns = (uint32_t)vdev.nb_fns;
	conf.page_bytes = vdev.page_bytes;
	conf.flags = (uint32_t)vdev.flags;
	gen.version = (uint32_t)vdev.version;
	gen.gencap = vdev.gencap;
	gen.xfer_max = (uint32_t)vdev.xfer_max;
	gen.batch_max = (uint32_t)vdev.batch_max;
	for (i = 0; i < RTE_DIM(gen.opcap); i++)
		gen.opcap[i] = vdev.opcap[i];
	conf.qos.max_outstanding = (uint32_t)vdev.qos[0];
	conf.qos.weight = (uint32_t)vdev.qos[1];
	conf.qos.priority = (uint32_t)vdev.qos[2];
	conf.qos.rate_ops = vdev.qos[3];
	conf.qos.burst_ops = vdev.qos[4];
	conf.qos.rate_bytes = vdev.qos[5];
	conf.qos.burst_bytes = vdev.qos[6];
	ret = vm_plug_at(to->vm, &conf, (uint32_t)vdev.bdf >> 3);
	to->nb_plugged += ret == 0;
	return ret;
}

static int
take_pages(struct destination *to, uint32_t len)
{
	const uint8_t *room = wire_room(&to->wire);
	uint64_t first, nb_pages;
	uint32_t bytes = len - (uint32_t)sizeof(first);

	if (to->vm == NULL || len <= sizeof(first) || bytes % PAGE != 0)
		return -EBADMSG;
	memcpy(&first, room, sizeof(first));
	nb_pages = to->vm->ram_bytes / PAGE;
	if (first >= nb_pages || bytes / PAGE > nb_pages - first)
		return -EBADMSG;
	memcpy(to->vm->ram + first * PAGE, room + sizeof(first), bytes);
	return 0;
}

static int
take_vcpu(struct destination *to, uint32_t len)
{
	struct wire_vcpu vcpu;

	if (to->vm == NULL || len != sizeof(vcpu))
		return -EBADMSG;
	memcpy(&vcpu, wire_room(&to->wire), sizeof(vcpu));
	if (vcpu.index >= to->vm->nb_vcpus)
		return -EBADMSG;
	vcpu_inject_vectors(to->vm->vcpus[vcpu.index], vcpu.vectors);
	return 0;
}

static int
take_state(struct destination *to, uint32_t len)
{
	const uint8_t *room = wire_room(&to->wire);
	uint64_t slot;
	int ret;

	if (to->vm == NULL || len < sizeof(slot))
		return -EBADMSG;
	memcpy(&slot, room, sizeof(slot));
	if (slot >= SIOV_VM_VDEVS_MAX || to->vm->slots[slot] == NULL)
		return -EBADMSG;
	ret = siov_vdev_restore(to->vm->slots[slot], room + sizeof(slot), len - sizeof(slot));
	if (ret != 0)
		return ret == -EBUSY ? -EBADMSG : ret;
	siov_vm_refresh(to->vm, (uint16_t)(slot << 3));
	to->nb_restored++;
	return 0;
}

static int
take(struct destination *to, enum wire_type type, uint32_t len)
{
	int64_t error = -EPROTO;

	switch (type) {
	case WIRE_HELLO:
		return take_hello(to, len);
	case WIRE_VDEV:
		return take_vdev(to, len);
	case WIRE_PAGES_OF:
		return take_pages(to, len);
	case WIRE_VCPU:
		return take_vcpu(to, len);
	case WIRE_STATE:
		return take_state(to, len);
	case WIRE_END:
		to->is_over = true;
		return to->vm != NULL && to->nb_restored == to->nb_vdevs ? 0 : -EBADMSG;
	case WIRE_FAIL:
		if (len == sizeof(error))
			memcpy(&error, wire_room(&to->wire), sizeof(error));
		return error < 0 && error > -4096 ? (int)error : -EPROTO;
	default:
		return -EBADMSG;
	}
}

/* The source has let it go: it runs here from now on, whoever hears of it. */
static void
run(struct destination *to)
{
	uint32_t slot;

	for (slot = 0; slot < SIOV_VM_VDEVS_MAX; slot++) {
		if (to->vm->slots[slot] != NULL)
			siov_vdev_resume(to->vm->slots[slot]);
	}
	siov_vm_unpause(to->vm);
	wire_send(&to->wire, WIRE_DONE, 0);
}

static int
receive(struct destination *to)
{
	enum wire_type type;
	uint32_t len;
	int ret = 0;

	while (ret == 0 && !to->is_over) {
		ret = wire_receive(&to->wire, &type, &len);
		if (ret == 0)
			ret = take(to, type, len);
	}
	if (ret == 0)
		ret = wire_send(&to->wire, WIRE_READY, 0);
	if (ret == 0)
		ret = wire_receive(&to->wire, &type, &len);
	if (ret == 0 && type != WIRE_GO)
		ret = type == WIRE_FAIL ? -EPROTO : -EBADMSG;
	if (ret == 0)
		run(to);
	return ret;
}

/* Nothing of it has run. */
static void
undo(struct destination *to, int error)
{
	int64_t word = error;
	uint32_t slot;
	int ret;

	memcpy(wire_room(&to->wire), &word, sizeof(word));
	wire_send(&to->wire, WIRE_FAIL, sizeof(word));
	if (to->vm == NULL)
		return;
	siov_vm_stop(to->vm);
	for (slot = 0; slot < SIOV_VM_VDEVS_MAX; slot++) {
		if (to->vm->slots[slot] != NULL)
			siov_vm_unplug(to->vm, (uint16_t)(slot << 3), 1000);
	}
	ret = siov_vm_free(to->vm);
	if (ret != 0)
		HOST_LOG(ERR, "vm %s: what is left of a migration cannot be freed: %d",
			 to->vm->name, ret);
}

int
siov_migrate_receive(struct siov_vmm *vmm, int fd, const struct siov_migrate_conf *conf,
		     struct siov_cpu *cpu, struct siov_vm **out)
{
	struct destination to = {.vmm = vmm, .cpu = cpu};
	struct siov_migrate_conf own;
	int ret;

	ret = migrate_conf(conf, &own);
	if (ret != 0)
		return ret;
	to.wire = (struct wire){.fd = fd, .io_ms = own.io_ms};
	to.wire.buffer = siov_mem_alloc(vmm->mem, "siov_migrate", WIRE_HEAD + WIRE_MAX,
					RTE_CACHE_LINE_SIZE, -1);
	if (to.wire.buffer == NULL)
		return -ENOMEM;
	ret = receive(&to);
	if (ret == 0)
		*out = to.vm;
	else
		undo(&to, ret);
	siov_mem_free(vmm->mem, to.wire.buffer);
	return ret;
}

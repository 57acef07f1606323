/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/socket.h>

#include "host.h"
#include "rig.h"

#define RAM_BYTES (UINT64_C(2) << 20)
#define STATE_GPA UINT64_C(0x1000) /* page of the guest driver */
#define FIRST_VECTOR 64u
#define PASID 1u /* guest PASID of the driver's own work on shared queue 0 */

/* ---- the host ---- */

static int
make_vdcm(struct host *host, struct siov_ir *ir, uint32_t ir_first, struct siov_loop *loop)
{
	const struct siov_vdcm_conf conf = {
		.loop = loop,
		.ir = ir,
		.ir_first = ir_first,
		.ir_nb = HOST_IR_ENTRIES - ir_first,
		.nb_fns = 1,
		.fns = {host->drv},
	};
	int ret;

	ret = siov_vdcm_create(&conf, &host->vdcm);
	if (ret == 0)
		ret = siov_vmm_create(host->vdcm, loop, NULL, &host->vmm);
	if (ret == 0)
		ret = siov_cpu_create(host->vdcm, &host->cpu);
	return ret;
}

int
host_create(struct host *host, struct siov_dev *dev, struct siov_ir *ir, uint32_t ir_first,
	    struct siov_loop *loop)
{
	struct siov_pci_conf conf;
	int ret;

	*host = (struct host){.dev = dev};
	siov_pci_conf_init(&conf);
	conf.nb_fns = 1;
	conf.fns[0].dev = dev;
	ret = siov_pci_create(&conf, &host->pci);
	if (ret == 0)
		ret = siov_hostdrv_probe(host->pci, 0, NULL, &host->drv);
	if (ret == 0)
		ret = siov_dev_disable(dev, RIG_TIMEOUT_MS);
	return ret == 0 ? make_vdcm(host, ir, ir_first, loop) : ret;
}

void
host_free(struct host *host)
{
	uint32_t i;

	for (i = 0; i < host->nb_machines; i++)
		host_destroy(&host->machines[i]);
	free(host->machines);
	siov_cpu_free(host->cpu);
	siov_vmm_free(host->vmm);
	siov_vdcm_free(host->vdcm);
	siov_hostdrv_remove(host->drv);
	siov_pci_free(host->pci);
	*host = (struct host){.dev = NULL};
}

int
host_enable_shared(struct host *host)
{
	const struct siov_dev_conf *conf = siov_dev_get_conf(host->dev);
	uint32_t i;
	int ret = 0;

	for (i = 0; i < conf->nb_wqs && ret == 0; i++) {
		if (conf->wqs[i].mode == SIOV_WQ_SHARED && !conf->wqs[i].is_unused)
			ret = siov_dev_wq_enable(host->dev, i);
	}
	return ret;
}

/* ---- machines ---- */

struct host_machine *
host_find(struct host *host, uint32_t id)
{
	uint32_t i;

	for (i = 0; i < host->nb_machines; i++) {
		if (host->machines[i].vm != NULL && host->machines[i].id == id)
			return &host->machines[i];
	}
	return NULL;
}

static struct host_machine *
free_place(struct host *host)
{
	struct host_machine *machines;
	uint32_t i;

	for (i = 0; i < host->nb_machines; i++) {
		if (host->machines[i].vm == NULL)
			return &host->machines[i];
	}
	machines = realloc(host->machines, (i + 1) * sizeof(machines[0]));
	if (machines == NULL)
		return NULL;
	host->machines = machines;
	host->nb_machines = i + 1;
	machines[i] = (struct host_machine){.vm = NULL};
	return &machines[i];
}

static struct siov_guest_conf
guest_conf(const struct host_machine *machine)
{
	return (struct siov_guest_conf){
		.bdf = machine->bdf,
		.state_gpa = STATE_GPA,
		.first_vector = FIRST_VECTOR,
	};
}

static int
enable_queues(struct host_machine *machine, const struct siov_vdev_type *type)
{
	struct siov_guest_info info;
	unsigned int i;
	int ret = 0;

	siov_guest_get_info(machine->guest, &info);
	for (i = 0; i < info.nb_wqs && ret == 0; i++)
		ret = siov_guest_wq_enable(
			machine->guest, i,
			info.wqs[i].is_dedicated || type->is_dynamic ? UINT32_MAX : PASID);
	return ret;
}

/* What the guest driver does, on the machine's only vCPU. */
static int
probe(struct host_machine *machine, const struct siov_vdev_type *type)
{
	const struct siov_guest_conf conf = guest_conf(machine);
	struct siov_vcpu *vcpu = siov_vm_vcpu(machine->vm, 0);
	int ret;

	ret = siov_vcpu_enter(vcpu);
	if (ret != 0)
		return ret;
	ret = siov_guest_probe(vcpu, &conf, &machine->guest);
	if (ret == 0)
		ret = enable_queues(machine, type);
	siov_vcpu_leave(vcpu);
	return ret;
}

static int
attach(struct host_machine *machine)
{
	const struct siov_guest_conf conf = guest_conf(machine);
	struct siov_vcpu *vcpu = siov_vm_vcpu(machine->vm, 0);
	int ret;

	ret = siov_vcpu_enter(vcpu);
	if (ret != 0)
		return ret;
	ret = siov_guest_attach(vcpu, &conf, &machine->guest);
	siov_vcpu_leave(vcpu);
	return ret;
}

static void
set_id(struct host_machine *machine)
{
	struct siov_vdev_info info;

	siov_vdev_get_info(siov_vm_vdev(machine->vm, machine->bdf), &info);
	machine->id = info.id;
}

int
host_make(struct host *host, const struct siov_vdev_type *type, uint32_t nb_dwqs, uint32_t *id)
{
	const struct siov_vm_conf vm_conf = {
		.name = "prompt",
		.ram_bytes = RAM_BYTES,
		.nb_vcpus = 1,
		.cpu = host->cpu,
		.socket_id = -1,
	};
	const struct siov_vdev_conf conf = {
		.type = type,
		.nb_dwqs = nb_dwqs,
		.fn = SIOV_VDEV_FN_ANY,
	};
	struct host_machine *machine = free_place(host);
	int ret;

	if (machine == NULL)
		return -ENOMEM;
	ret = host_enable_shared(host);
	if (ret == 0)
		ret = siov_vm_create(host->vmm, &vm_conf, &machine->vm);
	if (ret != 0)
		return ret;
	ret = siov_vm_plug(machine->vm, &conf, &machine->bdf);
	if (ret == 0) {
		set_id(machine);
		ret = probe(machine, type);
	}
	if (ret != 0)
		host_destroy(machine);
	else
		*id = machine->id;
	return ret;
}

/* The driver lets go if it can; if its machine has stopped, only its object goes. */
static void
let_go(struct host_machine *machine)
{
	struct siov_vcpu *vcpu = siov_vm_vcpu(machine->vm, 0);

	if (machine->guest == NULL)
		return;
	if (siov_vcpu_enter(vcpu) == 0) {
		siov_guest_remove(machine->guest);
		siov_vcpu_leave(vcpu);
	} else {
		siov_guest_detach(machine->guest);
	}
	machine->guest = NULL;
}

int
host_destroy(struct host_machine *machine)
{
	int ret;

	if (machine->vm == NULL)
		return 0;
	let_go(machine);
	ret = siov_vm_unplug(machine->vm, machine->bdf, RIG_TIMEOUT_MS);
	if (ret == 0 || ret == -ENOENT)
		ret = siov_vm_free(machine->vm);
	if (ret == 0)
		machine->vm = NULL;
	return ret;
}

int
host_reset(struct host_machine *machine)
{
	struct siov_vdev *vdev = siov_vm_vdev(machine->vm, machine->bdf);
	struct siov_vdev_info info;
	int ret;

	siov_guest_detach(machine->guest);
	machine->guest = NULL;
	ret = siov_vdev_reset(vdev, RIG_TIMEOUT_MS);
	siov_vdev_get_info(vdev, &info);
	siov_vm_refresh(machine->vm, machine->bdf);
	return ret == 0 ? probe(machine, info.type) : ret;
}

int
host_restore(struct host_machine *machine, const void *image, size_t len)
{
	struct siov_vdev *vdev = siov_vm_vdev(machine->vm, machine->bdf);
	int ret;

	siov_guest_detach(machine->guest);
	machine->guest = NULL;
	ret = siov_vdev_reset(vdev, RIG_TIMEOUT_MS);
	if (ret == 0)
		ret = siov_vdev_restore(vdev, image, len);
	siov_vm_refresh(machine->vm, machine->bdf);
	if (ret == 0)
		ret = siov_vdev_resume(vdev);
	return ret == 0 ? attach(machine) : ret;
}

/* ---- to another host ---- */

int
host_send(struct host_machine *machine, int fd, struct siov_migrate_stats *stats)
{
	int ret;

	ret = siov_migrate_send(machine->vm, fd, NULL, stats);
	if (ret == 0 || ret == -EINPROGRESS)
		host_destroy(machine);
	return ret;
}

/* The first VDEV of a machine that came. */
static int
adopt(struct host *host, struct siov_vm *vm, uint32_t *id)
{
	struct host_machine *machine = free_place(host);
	uint32_t slot = 1;

	if (machine == NULL)
		return -ENOMEM;
	while (slot < SIOV_VM_VDEVS_MAX && siov_vm_vdev(vm, (uint16_t)(slot << 3)) == NULL)
		slot++;
	machine->vm = vm;
	machine->bdf = (uint16_t)(slot << 3);
	if (slot == SIOV_VM_VDEVS_MAX)
		return -ENODEV;
	set_id(machine);
	*id = machine->id;
	return attach(machine);
}

int
host_receive(struct host *host, int fd, uint32_t *id)
{
	struct siov_vm *vm;
	int ret;

	ret = host_enable_shared(host);
	if (ret == 0)
		ret = siov_migrate_receive(host->vmm, fd, NULL, host->cpu, &vm);
	return ret == 0 ? adopt(host, vm, id) : ret;
}

struct sender {
	struct host_machine *machine;
	int fd;
	int ret;
	struct siov_migrate_stats *stats;
};

static void *
run_sender(void *arg)
{
	struct sender *sender = arg;

	sender->ret = siov_migrate_send(sender->machine->vm, sender->fd, NULL, sender->stats);
	shutdown(sender->fd, SHUT_RDWR);
	return NULL;
}

int
host_move(struct host *host, struct host_machine *machine, struct siov_migrate_stats *stats,
	  uint32_t *id)
{
	struct sender sender = {.machine = machine, .stats = stats};
	uint32_t former = machine->id;
	pthread_t thread;
	int fds[2], ret;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) != 0)
		return -errno;
	sender.fd = fds[0];
	ret = -pthread_create(&thread, NULL, run_sender, &sender);
	if (ret == 0) {
		ret = host_receive(host, fds[1], id);
		shutdown(fds[1], SHUT_RDWR);
		pthread_join(thread, NULL);
	}
	close(fds[0]);
	close(fds[1]);
	/* Places may have moved: this is not the pointer of before. */
	if (ret == 0)
		ret = host_destroy(host_find(host, former));
	return ret;
}

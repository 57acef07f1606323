/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <time.h>

#include "machine.h"
#include "siov_engine.h"
#include "siov_iommu.h"
#include "siov_vdev.h"

#define RID 0x0100u
#define ROUTES 256u /* entries of the remapping table, of the VDCM */

void
machine_nap(void)
{
	const struct timespec ms = {.tv_nsec = 1000000};

	nanosleep(&ms, NULL);
}

/* ---- functions ---- */

static void
make_fn(struct machine *machine, unsigned int fn, machine_conf change)
{
	struct siov_dev_conf conf;
	unsigned int i;

	siov_dev_conf_init(&conf);
	conf.mem = &machine->fm.mem;
	conf.iommu = machine->iommu;
	conf.ir = machine->ir;
	conf.rid = (uint16_t)(RID + fn);
	conf.atc_entries = 256;
	conf.nb_latency = 4;
	conf.nb_ims = 256;
	conf.nb_adis = 64;
	conf.nb_wqs = 1 + MACHINE_DWQS;
	conf.wqs[0].size = 64;
	for (i = 1; i < conf.nb_wqs; i++) {
		conf.wqs[i].mode = SIOV_WQ_DEDICATED;
		conf.wqs[i].lanes_max = 1;
		conf.wqs[i].size = 32;
	}
	if (change != NULL)
		change(&conf);
	assert_int_equal(siov_dev_create(&conf, &machine->devs[fn]), 0);
}

static void *
run_engine(void *arg)
{
	struct machine_engine *engine = arg;

	siov_dev_run_engine(engine->engine, engine->stop, true);
	return NULL;
}

static void
start_engines(struct machine *machine)
{
	unsigned int i;

	for (i = 0; i < MACHINE_FNS; i++) {
		struct machine_engine *engine = &machine->engines[i];

		engine->engine = siov_dev_engine(machine->devs[i], 0);
		engine->stop = &machine->stop;
		assert_int_equal(pthread_create(&engine->thread, NULL, run_engine, engine), 0);
	}
}

static void
make_fns(struct machine *machine, machine_conf change)
{
	struct siov_pci_conf conf;
	unsigned int i;

	siov_pci_conf_init(&conf);
	conf.nb_fns = MACHINE_FNS;
	conf.mem = &machine->fm.mem;
	for (i = 0; i < MACHINE_FNS; i++) {
		make_fn(machine, i, change);
		conf.fns[i].dev = machine->devs[i];
		conf.fns[i].next_fn = (uint8_t)i;
	}
	assert_int_equal(siov_pci_create(&conf, &machine->pci), 0);
	start_engines(machine);
	for (i = 0; i < MACHINE_FNS; i++)
		assert_int_equal(siov_hostdrv_probe(machine->pci, i, NULL, &machine->drvs[i]), 0);
}

/* ---- control lcore ---- */

static void *
run_control(void *arg)
{
	assert_int_equal(siov_loop_run(arg), 0);
	return NULL;
}

static void
start_control(struct machine *machine)
{
	unsigned int i;

	assert_int_equal(siov_loop_create(&machine->fm.mem, &machine->loop), 0);
	for (i = 0; i < MACHINE_FNS; i++)
		assert_int_equal(
			siov_loop_add_dev(machine->loop, machine->devs[i], &machine->sources[i]),
			0);
	assert_int_equal(pthread_create(&machine->control, NULL, run_control, machine->loop), 0);
	while (!siov_loop_is_running(machine->loop))
		machine_nap();
}

/* ---- all of it ---- */

static void
make_platform(struct machine *machine)
{
	struct siov_iommu_conf iommu_conf;
	struct siov_ir_conf ir_conf;

	siov_iommu_conf_init(&iommu_conf);
	iommu_conf.mem = &machine->fm.mem;
	assert_int_equal(siov_iommu_create(&iommu_conf, &machine->iommu), 0);
	siov_ir_conf_init(&ir_conf);
	ir_conf.mem = &machine->fm.mem;
	assert_int_equal(siov_ir_create(&ir_conf, &machine->ir), 0);
}

static void
make_vm(struct machine *machine)
{
	struct siov_vdcm_conf conf = {
		.mem = &machine->fm.mem,
		.loop = machine->loop,
		.ir = machine->ir,
		.ir_nb = ROUTES,
		.nb_fns = MACHINE_FNS,
	};
	const struct siov_vm_conf vm_conf = {
		.name = "guest",
		.ram_bytes = MACHINE_RAM,
		.nb_vcpus = MACHINE_VCPUS,
		.socket_id = -1,
	};
	unsigned int i;

	for (i = 0; i < MACHINE_FNS; i++)
		conf.fns[i] = machine->drvs[i];
	assert_int_equal(siov_vdcm_create(&conf, &machine->vdcm), 0);
	assert_int_equal(
		siov_vmm_create(machine->vdcm, machine->loop, &machine->fm.mem, &machine->vmm), 0);
	assert_int_equal(siov_vm_create(machine->vmm, &vm_conf, &machine->vm), 0);
	machine->ram = siov_vm_ram(machine->vm);
}

struct machine *
machine_open(machine_conf change)
{
	struct machine *machine = calloc(1, sizeof(*machine));

	assert_non_null(machine);
	fake_mem_init(&machine->fm);
	make_platform(machine);
	make_fns(machine, change);
	start_control(machine);
	make_vm(machine);
	return machine;
}

void
machine_close(struct machine *machine)
{
	unsigned int i;

	siov_vm_stop(machine->vm);
	assert_int_equal(siov_vm_free(machine->vm), 0);
	assert_int_equal(siov_vmm_free(machine->vmm), 0);
	assert_int_equal(siov_vdcm_free(machine->vdcm), 0);
	siov_loop_stop(machine->loop);
	pthread_join(machine->control, NULL);
	for (i = 0; i < MACHINE_FNS; i++) {
		siov_loop_remove(machine->sources[i]);
		assert_int_equal(siov_hostdrv_remove(machine->drvs[i]), 0);
	}
	siov_loop_free(machine->loop);
	siov_atomic_store(&machine->stop, 1, release);
	for (i = 0; i < MACHINE_FNS; i++)
		pthread_join(machine->engines[i].thread, NULL);
	siov_pci_free(machine->pci);
	for (i = 0; i < MACHINE_FNS; i++)
		siov_dev_free(machine->devs[i]);
	siov_iommu_free(machine->iommu);
	siov_ir_free(machine->ir);
	assert_int_equal(siov_atomic_load(&machine->fm.nb_live, relaxed), 0);
	free(machine);
}

/* ---- VDEVs ---- */

uint16_t
machine_plug_conf(struct machine *machine, struct siov_vdev_conf *conf, const char *type,
		  uint32_t nb_dwqs)
{
	uint16_t bdf;

	conf->type = siov_vdcm_type_find(type);
	conf->nb_dwqs = nb_dwqs;
	assert_int_equal(siov_vm_plug(machine->vm, conf, &bdf), 0);
	return bdf;
}

uint16_t
machine_plug(struct machine *machine, const char *type, uint32_t nb_dwqs)
{
	struct siov_vdev_conf conf = {.fn = SIOV_VDEV_FN_ANY};

	return machine_plug_conf(machine, &conf, type, nb_dwqs);
}

void
machine_unplug(struct machine *machine, uint16_t bdf)
{
	assert_int_equal(siov_vm_unplug(machine->vm, bdf, MACHINE_WAIT_MS), 0);
}

struct siov_vcpu *
machine_enter(struct machine *machine, unsigned int i)
{
	struct siov_vcpu *vcpu = siov_vm_vcpu(machine->vm, i);

	assert_int_equal(siov_vcpu_enter(vcpu), 0);
	return vcpu;
}

void
machine_leave(struct machine *machine, unsigned int i)
{
	siov_vcpu_leave(siov_vm_vcpu(machine->vm, i));
}

uint64_t
machine_traps(struct machine *machine)
{
	struct siov_vm_stats stats;

	siov_vm_get_stats(machine->vm, &stats);
	return stats.nb_cfg_reads + stats.nb_cfg_writes + stats.nb_mmio_reads +
	       stats.nb_mmio_writes;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <time.h>

#include "host_bed.h"

static void
on_lost(void *arg, unsigned int fn)
{
	struct host_bed *bed = arg;

	(void)fn;
	if (bed->vdcm != NULL)
		siov_vdcm_wake(bed->vdcm);
}

static void
make_platform(struct host_bed *bed)
{
	struct siov_iommu_conf iommu;
	struct siov_ir_conf ir;

	siov_iommu_conf_init(&iommu);
	iommu.mem = &bed->fm.mem;
	assert_int_equal(siov_iommu_create(&iommu, &bed->iommu), 0);
	siov_ir_conf_init(&ir);
	ir.mem = &bed->fm.mem;
	ir.iommu = bed->iommu;
	ir.nb_entries = 1024;
	ir.max_dests = 256;
	assert_int_equal(siov_ir_create(&ir, &bed->ir), 0);
}

static void
make_dev(struct host_bed *bed, const struct host_bed_conf *conf, unsigned int fn)
{
	struct siov_dev_conf dev;
	unsigned int i;

	siov_dev_conf_init(&dev);
	snprintf(dev.name, sizeof(dev.name), "siov%u", fn);
	dev.profile = conf->profile[fn];
	dev.nb_wqs = 1 + HOST_BED_DWQS;
	dev.atc_entries = 256;
	dev.nb_ims = conf->has_no_ims ? 0 : 256;
	dev.nb_msix = 64;
	dev.nb_adis = conf->nb_adis != 0 ? conf->nb_adis : 64;
	dev.rid = (uint16_t)(HOST_BED_RID + fn);
	dev.iommu = bed->iommu;
	dev.ir = bed->ir;
	dev.mem = &bed->fm.mem;
	for (i = 0; i < dev.nb_wqs; i++) {
		if (i != 0) {
			dev.wqs[i].mode = SIOV_WQ_DEDICATED;
			dev.wqs[i].lanes_max = 1;
		}
		dev.wqs[i].size = i == 0 ? 64 : 16;
		if (conf->xfer_max[fn] != 0)
			dev.wqs[i].xfer_max = conf->xfer_max[fn];
	}
	assert_int_equal(siov_dev_create(&dev, &bed->devs[fn]), 0);
}

static void *
run_loop(void *arg)
{
	struct host_bed *bed = arg;

	assert_int_equal(siov_loop_run(bed->loop), 0);
	return NULL;
}

static void
make_loop(struct host_bed *bed)
{
	unsigned int fn;

	assert_int_equal(siov_loop_create(&bed->fm.mem, &bed->loop), 0);
	for (fn = 0; fn < bed->nb_fns; fn++)
		assert_int_equal(siov_loop_add_dev(bed->loop, bed->devs[fn], &bed->sources[fn]), 0);
	assert_int_equal(pthread_create(&bed->control, NULL, run_loop, bed), 0);
	while (!siov_loop_is_running(bed->loop))
		host_bed_nap();
}

static void
make_host(struct host_bed *bed, const struct host_bed_conf *conf)
{
	const struct siov_hostdrv_conf drv_conf = {.page_bytes = conf->page_bytes};
	struct siov_vdcm_conf vdcm = {
		.mem = &bed->fm.mem,
		.loop = bed->loop,
		.ir = bed->ir,
		.ir_first = 1,
		.ir_nb = 1000,
		.nb_vdevs_max = 256,
		.nb_fns = bed->nb_fns,
	};
	struct siov_pci_conf pci;
	unsigned int fn;

	siov_pci_conf_init(&pci);
	pci.mem = &bed->fm.mem;
	pci.nb_fns = bed->nb_fns;
	pci.on_lost = on_lost;
	pci.lost_arg = bed;
	for (fn = 0; fn < bed->nb_fns; fn++)
		pci.fns[fn].dev = bed->devs[fn];
	assert_int_equal(siov_pci_create(&pci, &bed->pci), 0);
	for (fn = 0; fn < bed->nb_fns; fn++) {
		assert_int_equal(siov_hostdrv_probe(bed->pci, fn, &drv_conf, &bed->drvs[fn]), 0);
		vdcm.fns[fn] = bed->drvs[fn];
	}
	assert_int_equal(siov_vdcm_create(&vdcm, &bed->vdcm), 0);
	assert_int_equal(siov_vmm_create(bed->vdcm, bed->loop, &bed->fm.mem, &bed->vmm), 0);
}

struct host_bed *
host_bed_open(const struct host_bed_conf *conf)
{
	const struct host_bed_conf defaults = {.nb_fns = 1};
	struct host_bed *bed = calloc(1, sizeof(*bed));
	unsigned int fn;

	assert_non_null(bed);
	conf = conf != NULL ? conf : &defaults;
	bed->nb_fns = conf->nb_fns;
	fake_mem_init(&bed->fm);
	make_platform(bed);
	for (fn = 0; fn < bed->nb_fns; fn++) {
		make_dev(bed, conf, fn);
		host_bed_start(bed, fn);
	}
	if (conf->has_loop)
		make_loop(bed);
	make_host(bed, conf);
	return bed;
}

void
host_bed_close(struct host_bed *bed)
{
	unsigned int fn;

	assert_int_equal(siov_vmm_free(bed->vmm), 0);
	assert_int_equal(siov_vdcm_free(bed->vdcm), 0);
	for (fn = 0; fn < bed->nb_fns; fn++)
		assert_int_equal(siov_hostdrv_remove(bed->drvs[fn]), 0);
	siov_pci_free(bed->pci);
	if (bed->loop != NULL) {
		for (fn = 0; fn < bed->nb_fns; fn++)
			siov_loop_remove(bed->sources[fn]);
		siov_loop_stop(bed->loop);
		pthread_join(bed->control, NULL);
		siov_loop_free(bed->loop);
	}
	for (fn = 0; fn < bed->nb_fns; fn++) {
		host_bed_stop(bed, fn);
		siov_dev_free(bed->devs[fn]);
	}
	siov_ir_free(bed->ir);
	siov_iommu_free(bed->iommu);
	assert_int_equal(siov_atomic_load(&bed->fm.nb_live, relaxed), 0);
	free(bed);
}

/* ---- engines ---- */

struct engine_thread {
	struct siov_engine *engine;
	const SIOV_ATOMIC(uint32_t) *stop;
};

static void *
run_engine(void *arg)
{
	struct engine_thread *thread = arg;

	siov_dev_run_engine(thread->engine, thread->stop, true);
	free(thread);
	return NULL;
}

void
host_bed_start(struct host_bed *bed, unsigned int fn)
{
	struct engine_thread *thread = malloc(sizeof(*thread));

	assert_non_null(thread);
	siov_atomic_store(&bed->stop[fn], 0, relaxed);
	thread->engine = siov_dev_engine(bed->devs[fn], 0);
	thread->stop = &bed->stop[fn];
	assert_int_equal(pthread_create(&bed->engines[fn], NULL, run_engine, thread), 0);
	bed->is_running[fn] = true;
}

void
host_bed_stop(struct host_bed *bed, unsigned int fn)
{
	if (!bed->is_running[fn])
		return;
	siov_atomic_store(&bed->stop[fn], 1, release);
	pthread_join(bed->engines[fn], NULL);
	bed->is_running[fn] = false;
}

/* ---- guests ---- */

struct siov_vm *
host_bed_vm(struct host_bed *bed, unsigned int nb_vcpus)
{
	const struct siov_vm_conf conf = {
		.name = "vm",
		.ram_bytes = HOST_BED_RAM,
		.nb_vcpus = nb_vcpus,
		.socket_id = -1,
	};
	struct siov_vm *vm;

	assert_int_equal(siov_vm_create(bed->vmm, &conf, &vm), 0);
	return vm;
}

uint16_t
host_bed_plug(struct siov_vm *vm, const char *type, uint32_t nb_dwqs)
{
	const struct siov_vdev_conf conf = {
		.type = siov_vdcm_type_find(type),
		.nb_dwqs = nb_dwqs,
		.fn = SIOV_VDEV_FN_ANY,
	};
	uint16_t bdf;

	assert_non_null(conf.type);
	assert_int_equal(siov_vm_plug(vm, &conf, &bdf), 0);
	return bdf;
}

void
host_bed_unplug(struct siov_vm *vm, uint16_t bdf)
{
	assert_int_equal(siov_vm_unplug(vm, bdf, HOST_BED_MS), 0);
}

void
host_bed_nap(void)
{
	const struct timespec ms = {.tv_nsec = 1000000};

	nanosleep(&ms, NULL);
}

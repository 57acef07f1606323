/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include <rte_cycles.h>
#include <rte_launch.h>

#include "bench.h"
#include "bench_host.h"

#define TIMEOUT_MS 5000u
#define RID 0x100
#define VECTOR 64u
#define DWQS 4u
#define NAP_US 20u
#define NAP_POLLS 64u /* idle ones before a nap */

static bool
make_dev(struct bench_host *host, unsigned int fn)
{
	struct siov_dev_conf conf;
	unsigned int i;

	siov_dev_conf_init(&conf);
	snprintf(conf.name, sizeof(conf.name), "siov%u", fn);
	conf.nb_wqs = 1 + DWQS;
	conf.wqs[0].size = 1024;
	for (i = 1; i < conf.nb_wqs; i++) {
		conf.wqs[i].mode = SIOV_WQ_DEDICATED;
		conf.wqs[i].lanes_max = 1;
	}
	conf.nb_ims = 16384;
	conf.nb_adis = 16384;
	conf.rid = (uint16_t)(RID + fn);
	conf.iommu = host->iommu;
	conf.ir = host->ir;
	return siov_dev_create(&conf, &host->devs[fn]) == 0;
}

static int
run_engines(void *arg)
{
	struct bench_host *host = arg;
	unsigned int fn, idle = 0;

	for (fn = 0; fn < host->nb_fns; fn++)
		siov_engine_start(siov_dev_engine(host->devs[fn], 0));
	while (!siov_atomic_load(&host->stop, relaxed)) {
		unsigned int nb = 0;

		for (fn = 0; fn < host->nb_fns; fn++)
			nb += siov_engine_poll(siov_dev_engine(host->devs[fn], 0));
		/* Not each time: what control asks of an engine is served within a number of polls. */
		idle = nb == 0 ? idle + 1 : 0;
		if (idle >= NAP_POLLS && siov_atomic_load(&host->naps, relaxed)) {
			rte_delay_us_sleep(NAP_US);
			idle = 0;
		}
	}
	for (fn = 0; fn < host->nb_fns; fn++)
		siov_engine_stop(siov_dev_engine(host->devs[fn], 0));
	return 0;
}

static int
run_control(void *arg)
{
	struct bench_host *host = arg;

	return siov_loop_run(host->loop);
}

static bool
make_platform(struct bench_host *host)
{
	struct siov_iommu_conf iommu;
	struct siov_ir_conf ir;
	unsigned int fn;

	siov_iommu_conf_init(&iommu);
	siov_ir_conf_init(&ir);
	if (siov_iommu_create(&iommu, &host->iommu) != 0)
		return false;
	ir.iommu = host->iommu;
	ir.nb_entries = 65536;
	if (siov_ir_create(&ir, &host->ir) != 0 || siov_loop_create(NULL, &host->loop) != 0)
		return false;
	for (fn = 0; fn < host->nb_fns; fn++) {
		if (!make_dev(host, fn) ||
		    siov_loop_add_dev(host->loop, host->devs[fn], &host->sources[fn]) != 0)
			return false;
	}
	return true;
}

/* A function was lost: the VDCM looks. */
static void
on_lost(void *arg, unsigned int fn)
{
	struct bench_host *host = arg;

	RTE_SET_USED(fn);
	siov_vdcm_wake(host->vdcm);
}

static bool
make_vdcm(struct bench_host *host)
{
	struct siov_vdcm_conf conf = {
		.loop = host->loop,
		.ir = host->ir,
		.ir_first = 1,
		.ir_nb = 65535,
		.nb_fns = host->nb_fns,
	};
	struct siov_pci_conf pci;
	unsigned int fn;

	siov_pci_conf_init(&pci);
	pci.nb_fns = host->nb_fns;
	pci.on_lost = on_lost;
	pci.lost_arg = host;
	for (fn = 0; fn < host->nb_fns; fn++)
		pci.fns[fn].dev = host->devs[fn];
	if (siov_pci_create(&pci, &host->pci) != 0)
		return false;
	for (fn = 0; fn < host->nb_fns; fn++) {
		if (siov_hostdrv_probe(host->pci, fn, NULL, &host->drvs[fn]) != 0)
			return false;
		conf.fns[fn] = host->drvs[fn];
	}
	return siov_vdcm_create(&conf, &host->vdcm) == 0 &&
	       siov_vmm_create(host->vdcm, host->loop, NULL, &host->vmm) == 0;
}

bool
bench_host_open_platform(struct bench_host *host, unsigned int nb_fns, unsigned int control_lcore)
{
	memset(host, 0, sizeof(*host));
	host->nb_fns = nb_fns;
	host->control_lcore = control_lcore;
	if (!make_platform(host))
		return false;
	host->has_engines = control_lcore != bench_engine_lcore();
	if (host->has_engines)
		rte_eal_remote_launch(run_engines, host, bench_engine_lcore());
	rte_eal_remote_launch(run_control, host, control_lcore);
	return make_vdcm(host);
}

bool
bench_host_open(struct bench_host *host, unsigned int nb_fns, unsigned int control_lcore)
{
	const struct siov_vm_conf vm = {
		.name = "bench",
		.ram_bytes = BENCH_HOST_RAM,
		.nb_vcpus = 1,
		.socket_id = -1,
	};

	if (!bench_host_open_platform(host, nb_fns, control_lcore) ||
	    siov_vm_create(host->vmm, &vm, &host->vm) != 0)
		return false;
	host->vcpu = siov_vm_vcpu(host->vm, 0);
	host->ram = siov_vm_ram(host->vm);
	return siov_vcpu_enter(host->vcpu) == 0;
}

void
bench_host_close(struct bench_host *host)
{
	unsigned int fn;

	if (host->vcpu != NULL)
		siov_vcpu_leave(host->vcpu);
	siov_vm_free(host->vm);
	siov_vmm_free(host->vmm);
	siov_vdcm_free(host->vdcm);
	for (fn = 0; fn < host->nb_fns; fn++)
		siov_hostdrv_remove(host->drvs[fn]);
	siov_pci_free(host->pci);
	siov_loop_stop(host->loop);
	rte_eal_wait_lcore(host->control_lcore);
	siov_atomic_store(&host->stop, 1, relaxed);
	if (host->has_engines)
		rte_eal_wait_lcore(bench_engine_lcore());
	for (fn = 0; fn < host->nb_fns; fn++) {
		siov_loop_remove(host->sources[fn]);
		siov_dev_free(host->devs[fn]);
	}
	siov_loop_free(host->loop);
	siov_ir_free(host->ir);
	siov_iommu_free(host->iommu);
}

struct siov_guest *
bench_host_guest(struct bench_host *host, const char *type, uint32_t n, uint16_t *bdf)
{
	const struct siov_vdev_conf conf = {
		.type = siov_vdcm_type_find(type),
		.fn = 0,
		.nb_fns = host->nb_fns,
	};
	struct siov_guest_conf guest_conf = {
		.state_gpa = BENCH_HOST_STATES + n * (uint64_t)SIOV_GUEST_STATE_BYTES,
		.first_vector = VECTOR,
	};
	struct siov_guest *guest;

	if (siov_vm_plug(host->vm, &conf, bdf) != 0)
		return NULL;
	guest_conf.bdf = *bdf;
	if (siov_guest_probe(host->vcpu, &guest_conf, &guest) == 0)
		return guest;
	siov_vm_unplug(host->vm, *bdf, TIMEOUT_MS);
	return NULL;
}

bool
bench_host_end(struct bench_host *host, struct siov_guest *guest, uint16_t bdf)
{
	bool ok = siov_guest_remove(guest) == 0;

	return siov_vm_unplug(host->vm, bdf, TIMEOUT_MS) == 0 && ok;
}

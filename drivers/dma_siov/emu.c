/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include <rte_common.h>
#include <rte_lcore.h>
#include <rte_spinlock.h>
#include <rte_string_fns.h>

#include "emu.h"
#include "log.h"
#include "siov_hostdrv.h"
#include "siov_ir.h"
#include "siov_loop.h"

#define RID 0x0100u /* of the function: bus 1 */
#define NB_ADIS 128u /* channels of all its ports; as many as there can be threads that submit */
#define NB_IMS 1024u /* messages, and routes for them */

struct emu {
	LIST_ENTRY(emu) next;
	struct args args;
	unsigned int nb_ports, nb_dwq_ports;
	/* the platform */
	struct siov_dev *dev;
	struct siov_ir *ir;
	struct siov_pci *pci;
	/* its host */
	struct siov_loop *loop;
	struct siov_loop_source *source;
	struct siov_hostdrv *drv;
	struct siov_vdcm *vdcm;
	struct siov_vmm *vmm;
	pthread_t thread, control;
	bool has_thread, has_control;
	SIOV_ATOMIC(uint32_t) stop;
	/* engine=inline: who has it may poll */
	rte_spinlock_t poll_lock;
	bool is_online;
};

/* Ports come and go on any thread; all that share a device find it here. */
static pthread_mutex_t emus_lock = PTHREAD_MUTEX_INITIALIZER;
static LIST_HEAD(, emu) emus = LIST_HEAD_INITIALIZER(emus);

/* ---- the engine ---- */

static siov_thread_ret
run_engine(void *arg)
{
	struct emu *emu = arg;

	siov_dev_run_engine(siov_dev_engine(emu->dev, 0), &emu->stop, emu->args.lcore < 0);
	return 0;
}

static int
start_thread(struct emu *emu)
{
	rte_cpuset_t cpus;
	int ret;

	ret = siov_ctrl_thread_create(&emu->thread, "dma_siov", run_engine, emu);
	if (ret != 0)
		return ret;
	emu->has_thread = true;
	if (emu->args.lcore < 0)
		return 0;
	cpus = rte_lcore_cpuset((unsigned int)emu->args.lcore);
	return -pthread_setaffinity_np(emu->thread, sizeof(cpus), &cpus);
}

void
emu_poll(struct emu *emu)
{
	struct siov_engine *engine = siov_dev_engine(emu->dev, 0);

	if (!rte_spinlock_trylock(&emu->poll_lock))
		return;
	if (unlikely(!emu->is_online)) {
		siov_engine_start(engine);
		emu->is_online = true;
	}
	siov_engine_poll(engine);
	rte_spinlock_unlock(&emu->poll_lock);
}

void
emu_rest(struct emu *emu)
{
	rte_spinlock_lock(&emu->poll_lock);
	if (emu->is_online) {
		siov_engine_stop(siov_dev_engine(emu->dev, 0));
		emu->is_online = false;
	}
	rte_spinlock_unlock(&emu->poll_lock);
}

/* ---- a device ---- */

static int
create_dev(struct emu *emu)
{
	struct siov_dev_conf *conf = malloc(sizeof(*conf));
	uint32_t i;
	int ret;

	if (conf == NULL)
		return -ENOMEM;
	siov_dev_conf_init(conf);
	rte_strscpy(conf->name, emu->args.device, sizeof(conf->name));
	conf->ir = emu->ir;
	conf->rid = RID;
	conf->nb_adis = NB_ADIS;
	conf->nb_ims = NB_IMS;
	conf->nb_wqs = 1 + emu->args.nb_dwqs;
	conf->wqs[0].size = emu->args.entries;
	conf->wqs[0].lanes_max = SIOV_WQ_LANES_MAX;
	for (i = 1; i < conf->nb_wqs; i++) {
		conf->wqs[i].mode = SIOV_WQ_DEDICATED;
		conf->wqs[i].size = emu->args.entries;
		conf->wqs[i].lanes_max = 1;
	}
	ret = siov_dev_create(conf, &emu->dev);
	free(conf);
	return ret;
}

static int
create_platform(struct emu *emu)
{
	struct siov_ir_conf ir_conf;
	struct siov_pci_conf *pci_conf;
	int ret;

	siov_ir_conf_init(&ir_conf);
	ir_conf.nb_entries = NB_IMS;
	ret = siov_ir_create(&ir_conf, &emu->ir);
	if (ret == 0)
		ret = create_dev(emu);
	if (ret != 0)
		return ret;
	pci_conf = malloc(sizeof(*pci_conf));
	if (pci_conf == NULL)
		return -ENOMEM;
	siov_pci_conf_init(pci_conf);
	pci_conf->nb_fns = 1;
	pci_conf->fns[0].dev = emu->dev;
	ret = siov_pci_create(pci_conf, &emu->pci);
	free(pci_conf);
	return ret;
}

/* ---- its host ---- */

static siov_thread_ret
run_control(void *arg)
{
	siov_loop_run(arg);
	return 0;
}

static int
start_control(struct emu *emu)
{
	int ret;

	ret = siov_loop_create(NULL, &emu->loop);
	if (ret == 0)
		ret = siov_loop_add_dev(emu->loop, emu->dev, &emu->source);
	if (ret == 0)
		ret = siov_ctrl_thread_create(&emu->control, "dma_siov_ctl", run_control,
					      emu->loop);
	emu->has_control = ret == 0;
	return ret;
}

static int
create_host(struct emu *emu)
{
	struct siov_vdcm_conf conf = {.ir = emu->ir, .ir_nb = NB_IMS, .nb_fns = 1};
	int ret;

	ret = start_control(emu);
	if (ret == 0)
		ret = siov_hostdrv_probe(emu->pci, 0, NULL, &emu->drv);
	if (ret != 0)
		return ret;
	conf.loop = emu->loop;
	conf.fns[0] = emu->drv;
	ret = siov_vdcm_create(&conf, &emu->vdcm);
	return ret != 0 ? ret : siov_vmm_create(emu->vdcm, emu->loop, NULL, &emu->vmm);
}

static void
free_host(struct emu *emu)
{
	siov_vmm_free(emu->vmm);
	siov_vdcm_free(emu->vdcm);
	siov_hostdrv_remove(emu->drv);
	if (emu->has_control) {
		siov_loop_stop(emu->loop);
		pthread_join(emu->control, NULL);
	}
	siov_loop_remove(emu->source);
	siov_loop_free(emu->loop);
}

/* ---- both ---- */

static void
free_emu(struct emu *emu)
{
	if (emu->dev != NULL)
		emu_rest(emu);
	free_host(emu);
	siov_atomic_store(&emu->stop, 1, release);
	if (emu->has_thread)
		pthread_join(emu->thread, NULL);
	siov_pci_free(emu->pci);
	siov_dev_free(emu->dev);
	siov_ir_free(emu->ir);
	free(emu);
}

static int
create_emu(const struct args *args, struct emu **out)
{
	struct emu *emu = calloc(1, sizeof(*emu));
	int ret;

	if (emu == NULL)
		return -ENOMEM;
	emu->args = *args;
	rte_spinlock_init(&emu->poll_lock);
	ret = create_platform(emu);
	if (ret == 0 && !args->is_inline)
		ret = start_thread(emu);
	if (ret == 0)
		ret = create_host(emu);
	if (ret != 0) {
		DMA_SIOV_ERR("device %s: %s", args->device, strerror(-ret));
		free_emu(emu);
		return ret;
	}
	*out = emu;
	return 0;
}

/* ---- shared ---- */

static struct emu *
find_emu(const char *name)
{
	struct emu *emu;

	LIST_FOREACH(emu, &emus, next) {
		if (strcmp(emu->args.device, name) == 0)
			return emu;
	}
	return NULL;
}

static int
check_shape(const struct emu *emu, const struct args *args)
{
	const struct args *has = &emu->args;

	if (args->shapes &&
	    (args->entries != has->entries || args->is_inline != has->is_inline ||
	     args->lcore != has->lcore || (args->has_dwqs && args->nb_dwqs != has->nb_dwqs))) {
		DMA_SIOV_ERR("device %s: entries, dwqs, engine or lcore differ from its first port",
			     has->device);
		return -EEXIST;
	}
	return 0;
}

/* A dedicated queue is one port's. */
static int
check_dwqs(const struct emu *emu, const struct args *args)
{
	if (args->profile != PROFILE_DWQ || emu->nb_dwq_ports < emu->args.nb_dwqs)
		return 0;
	DMA_SIOV_ERR("device %s: has no dedicated queue for another port, of dwqs=%u",
		     emu->args.device, emu->args.nb_dwqs);
	return -EBUSY;
}

int
emu_get(const struct args *args, struct emu **out)
{
	struct emu *emu;
	int ret;

	pthread_mutex_lock(&emus_lock);
	emu = find_emu(args->device);
	if (emu != NULL) {
		ret = check_shape(emu, args);
		if (ret == 0)
			ret = check_dwqs(emu, args);
	} else {
		ret = create_emu(args, &emu);
		if (ret == 0)
			LIST_INSERT_HEAD(&emus, emu, next);
	}
	if (ret == 0) {
		emu->nb_ports++;
		emu->nb_dwq_ports += args->profile == PROFILE_DWQ;
		*out = emu;
	}
	pthread_mutex_unlock(&emus_lock);
	return ret;
}

void
emu_put(struct emu *emu, const struct args *args)
{
	pthread_mutex_lock(&emus_lock);
	emu->nb_dwq_ports -= args->profile == PROFILE_DWQ;
	if (--emu->nb_ports == 0) {
		LIST_REMOVE(emu, next);
		free_emu(emu);
	}
	pthread_mutex_unlock(&emus_lock);
}

const struct args *
emu_args(const struct emu *emu)
{
	return &emu->args;
}

struct siov_dev *
emu_dev(struct emu *emu)
{
	return emu->dev;
}

struct siov_vdcm *
emu_vdcm(struct emu *emu)
{
	return emu->vdcm;
}

struct siov_vmm *
emu_vmm(struct emu *emu)
{
	return emu->vmm;
}

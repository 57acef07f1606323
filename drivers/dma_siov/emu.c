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

#define TIMEOUT_MS 5000u

struct emu {
	LIST_ENTRY(emu) next;
	struct args args;
	unsigned int nb_ports;
	struct siov_dev *dev;
	struct siov_domain *domain;
	pthread_t thread;
	bool has_thread;
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

/* Control waits for engines that are online: one that nobody may poll must not be. */
static void
rest_engine(struct emu *emu)
{
	rte_spinlock_lock(&emu->poll_lock);
	if (emu->is_online) {
		siov_engine_stop(siov_dev_engine(emu->dev, 0));
		emu->is_online = false;
	}
	rte_spinlock_unlock(&emu->poll_lock);
}

/* ---- a device ---- */

static void
free_emu(struct emu *emu)
{
	siov_atomic_store(&emu->stop, 1, release);
	if (emu->has_thread)
		pthread_join(emu->thread, NULL);
	if (emu->dev != NULL) {
		rest_engine(emu);
		siov_domain_free(emu->domain);
	}
	siov_dev_free(emu->dev);
	free(emu);
}

static int
create_dev(struct emu *emu)
{
	const struct siov_domain_conf domain_conf = {.kind = SIOV_DOMAIN_PROCESS};
	struct siov_dev_conf *conf = malloc(sizeof(*conf));
	int ret;

	if (conf == NULL)
		return -ENOMEM;
	siov_dev_conf_init(conf);
	rte_strscpy(conf->name, emu->args.device, sizeof(conf->name));
	conf->wqs[0].mode = emu->args.mode;
	conf->wqs[0].size = emu->args.entries;
	conf->wqs[0].lanes_max = SIOV_WQ_LANES_MAX;
	if (emu->args.mode == SIOV_WQ_DEDICATED) {
		conf->wqs[0].lanes_max = 1;
		conf->wqs[0].pasid = emu->args.pasid;
	}
	ret = siov_dev_create(conf, &emu->dev);
	free(conf);
	if (ret == 0)
		ret = siov_domain_create(siov_dev_iommu(emu->dev), &domain_conf, &emu->domain);
	if (ret == 0)
		ret = siov_dev_enable(emu->dev);
	return ret;
}

static int
create_emu(const struct args *args, struct emu **out)
{
	struct emu *emu = calloc(1, sizeof(*emu));
	int ret;

	if (emu == NULL)
		return -ENOMEM;
	emu->args = *args;
	if (args->mode == SIOV_WQ_DEDICATED && args->pasid == 0)
		emu->args.pasid = 1; /* such a queue is made with its PASID */
	rte_spinlock_init(&emu->poll_lock);
	ret = create_dev(emu);
	if (ret == 0 && !args->is_inline)
		ret = start_thread(emu);
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

	if (has->mode == SIOV_WQ_DEDICATED) {
		DMA_SIOV_ERR("device %s: its queue is dedicated to another port", has->device);
		return -EBUSY;
	}
	if (args->shapes && (args->mode != has->mode || args->entries != has->entries ||
			     args->is_inline != has->is_inline || args->lcore != has->lcore)) {
		DMA_SIOV_ERR("device %s: mode, entries, engine or lcore differ from its first port",
			     has->device);
		return -EEXIST;
	}
	return 0;
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
	} else {
		ret = create_emu(args, &emu);
		if (ret == 0)
			LIST_INSERT_HEAD(&emus, emu, next);
	}
	if (ret == 0) {
		emu->nb_ports++;
		*out = emu;
	}
	pthread_mutex_unlock(&emus_lock);
	return ret;
}

void
emu_put(struct emu *emu)
{
	pthread_mutex_lock(&emus_lock);
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

/* ---- seats ---- */

static int
take_pasid(struct emu *emu, uint32_t pasid, struct emu_seat *seat)
{
	struct siov_iommu *iommu = siov_dev_iommu(emu->dev);
	int ret;

	ret = pasid == 0 ? siov_pasid_alloc(iommu, &pasid) : siov_pasid_alloc_at(iommu, pasid);
	if (ret != 0)
		return ret;
	seat->pasid = pasid;
	return siov_pasid_bind(iommu, pasid, emu->domain, 0);
}

int
emu_seat_open(struct emu *emu, uint32_t pasid, struct emu_seat *seat)
{
	int ret;

	memset(seat, 0, sizeof(*seat));
	rest_engine(emu);
	ret = take_pasid(emu, pasid, seat);
	if (ret == 0)
		ret = siov_dev_attach(emu->dev, 0, 0, &seat->lane);
	if (ret == 0)
		ret = siov_dev_portal_open(emu->dev, seat->lane, seat->pasid, SIOV_PORTAL_F_PASID,
					   &seat->portal);
	if (ret == 0)
		return 0;
	DMA_SIOV_ERR("device %s: PASID %u: %s", emu->args.device, pasid, strerror(-ret));
	emu_seat_close(emu, seat);
	return ret;
}

void
emu_seat_close(struct emu *emu, struct emu_seat *seat)
{
	struct siov_iommu *iommu = siov_dev_iommu(emu->dev);

	rest_engine(emu);
	siov_dev_portal_close(emu->dev, seat->portal);
	if (seat->lane != NULL)
		siov_dev_detach(emu->dev, seat->lane, TIMEOUT_MS);
	if (seat->pasid != 0) {
		siov_pasid_unbind(iommu, seat->pasid);
		siov_pasid_free(iommu, seat->pasid);
	}
	memset(seat, 0, sizeof(*seat));
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <time.h>

#include <rte_cycles.h>
#include <rte_errno.h>
#include <rte_pause.h>

#include "dev_conf_priv.h"
#include "dev_regs_priv.h"
#include "message_priv.h"

RTE_LOG_REGISTER(ctrl_logtype, siov.ctrl, NOTICE)

uint64_t
dev_tsc_hz(void)
{
	uint64_t hz = rte_get_tsc_hz();

	return hz != 0 ? hz : UINT64_C(2000000000);
}

/* ---- create and free ---- */

/* The platform: the one given, or one of the device's own. */
static int
create_iommu(struct siov_dev *dev)
{
	struct siov_iommu_conf conf;

	dev->iommu = dev->conf.iommu;
	if (dev->iommu != NULL)
		return 0;
	siov_iommu_conf_init(&conf);
	conf.mem = dev->mem;
	conf.socket_id = dev->conf.socket_id;
	conf.max_atcs = RTE_MAX(conf.max_atcs, dev->conf.nb_engines);
	dev->owns_iommu = true;
	return siov_iommu_create(&conf, &dev->iommu);
}

static int
create_engines(struct siov_dev *dev)
{
	struct engine_conf conf = {
		.atc_entries = dev->conf.atc_entries,
		.rid = dev->conf.rid,
		.nb_latency = dev->conf.nb_latency,
		.page_timeout_cycles = dev_tsc_hz() / 1000 * dev->conf.page_timeout_ms,
		.priv_enabled = dev->conf.flags & SIOV_DEV_F_PRIV,
		.socket_id = dev->conf.socket_id,
		.iommu = dev->iommu,
		.mem = dev->mem,
	};
	unsigned int i;
	int ret = 0;

	messages_tables(dev, conf.messages);
	for (i = 0; i < dev->conf.nb_engines && ret == 0; i++) {
		conf.id = i;
		conf.nb_wqs_max = SIOV_DEV_WQS_MAX;
		ret = engine_create(&conf, &dev->engines[i]);
	}
	return ret;
}

/* The engines of the queue's group serve it. */
static int
bind_engines(struct dev_wq *dwq, uint32_t long_max)
{
	struct engine_wq_conf conf = {
		.wq_id = dwq->id,
		.weight = dwq->conf->priority,
		.xfer_max = dwq->conf->xfer_max,
		.control_pasid = dwq->conf->control_pasid,
		.batch_max = dwq->conf->batch_max,
		.ops = dwq->conf->op_config,
		.long_max = long_max,
		.peers = dwq->engines,
		.nb_peers = dwq->nb_engines,
		.wq = dwq->wq,
	};
	int ret = 0;

	for (conf.slot = 0; conf.slot < dwq->nb_engines && ret == 0; conf.slot++)
		ret = engine_bind_wq(dwq->engines[conf.slot], &conf);
	return ret;
}

int
dev_create_wq(struct siov_dev *dev, unsigned int wq_id)
{
	struct dev_wq *dwq = &dev->wqs[wq_id];
	struct siov_wq_conf conf;
	unsigned int i;
	int ret;

	dwq->id = wq_id;
	dwq->conf = &dev->conf.wqs[wq_id];
	for (i = 0; i < dev->conf.nb_engines; i++) {
		if (dev->conf.engines[i].group == dwq->conf->group)
			dwq->engines[dwq->nb_engines++] = dev->engines[i];
	}
	siov_wq_conf_init(&conf);
	conf.mode = dwq->conf->mode;
	conf.size = dwq->conf->size;
	conf.threshold = dwq->conf->threshold;
	conf.lanes_max = dwq->conf->lanes_max;
	conf.nb_engines = dwq->nb_engines;
	conf.flags = dwq->conf->flags;
	conf.pasid = dwq->conf->pasid;
	conf.socket_id = dev->conf.socket_id;
	conf.mem = dev->mem;
	ret = siov_wq_create(&conf, &dwq->wq);
	if (ret != 0)
		return ret;
	ret = portal_index_create(&dev->portals, &dwq->portals, dwq->wq->lanes_max);
	if (ret != 0)
		return ret;
	return bind_engines(dwq, conf_long_max(&dev->conf, dwq->conf->group));
}

void
dev_free_wqs(struct siov_dev *dev)
{
	unsigned int i;

	for (i = 0; i < dev->conf.nb_wqs; i++) {
		portal_index_free(&dev->portals, &dev->wqs[i].portals);
		siov_wq_free(dev->mem, dev->wqs[i].wq);
	}
	portal_pool_free(&dev->portals);
}

int
siov_dev_create(const struct siov_dev_conf *conf, struct siov_dev **out)
{
	struct siov_dev_conf defaults;
	const struct siov_mem *mem;
	struct siov_dev *dev;
	char why[128];
	unsigned int i;
	int ret;

	if (conf == NULL) {
		siov_dev_conf_init(&defaults);
		conf = &defaults;
	}
	mem = conf->mem != NULL ? conf->mem : siov_mem_eal();
	ret = siov_dev_conf_check(conf, why, sizeof(why));
	if (ret != 0) {
		CTRL_LOG(ERR, "%.*s: %s", (int)sizeof(conf->name), conf->name, why);
		return ret;
	}
	dev = siov_mem_alloc(mem, "siov_dev", sizeof(*dev), RTE_CACHE_LINE_SIZE, conf->socket_id);
	if (dev == NULL)
		return -ENOMEM;
	dev->conf = *conf;
	dev->mem = mem;
	pthread_mutex_init(&dev->lock, NULL);
	TAILQ_INIT(&dev->mboxes);
	control_init(&dev->control);
	portal_pool_init(&dev->portals, mem, conf->socket_id);
	ret = create_iommu(dev);
	if (ret != 0)
		goto fail;
	ret = errors_create(dev);
	if (ret == 0)
		ret = messages_create(dev);
	if (ret == 0)
		ret = adi_pool_create(&dev->adis, mem, conf->socket_id, conf->nb_adis);
	if (ret == 0)
		ret = create_engines(dev);
	for (i = 0; i < conf->nb_wqs && ret == 0; i++)
		ret = dev_create_wq(dev, i);
	if (ret == 0)
		ret = regs_attach(dev);
	if (ret != 0)
		goto fail;
	telemetry_add(dev);
	*out = dev;
	return 0;
fail:
	CTRL_LOG(ERR, "%s: cannot be built: %s", conf->name, rte_strerror(-ret));
	siov_dev_free(dev);
	return ret;
}

void
siov_dev_free(struct siov_dev *dev)
{
	unsigned int i;

	if (dev == NULL)
		return;
	telemetry_remove(dev);
	/* Engines first: they look at queues. */
	for (i = 0; i < dev->conf.nb_engines; i++)
		engine_free(dev->engines[i]);
	dev_free_wqs(dev);
	adi_pool_free(&dev->adis);
	messages_free(dev);
	regs_detach(dev);
	errors_free(dev);
	if (dev->owns_iommu)
		siov_iommu_free(dev->iommu);
	pthread_mutex_destroy(&dev->lock);
	siov_mem_free(dev->mem, dev);
}

/* ---- parts ---- */

const struct siov_dev_conf *
siov_dev_get_conf(const struct siov_dev *dev)
{
	return &dev->conf;
}

struct siov_iommu *
siov_dev_iommu(struct siov_dev *dev)
{
	return dev->iommu;
}

struct siov_engine *
siov_dev_engine(struct siov_dev *dev, unsigned int engine_id)
{
	return engine_id < dev->conf.nb_engines ? dev->engines[engine_id] : NULL;
}

struct siov_wq *
siov_dev_wq(struct siov_dev *dev, unsigned int wq_id)
{
	struct dev_wq *dwq = dev_find_wq(dev, wq_id);

	return dwq != NULL ? dwq->wq : NULL;
}

void
siov_dev_run_engine(struct siov_engine *engine, const SIOV_ATOMIC(uint32_t) *stop, bool yields)
{
	siov_engine_start(engine);
	while (!siov_atomic_load(stop, acquire)) {
		if (siov_engine_poll(engine) != 0)
			continue;
		if (yields)
			sched_yield();
		else
			rte_pause();
	}
	siov_engine_stop(engine);
}

static void
dump_engine(FILE *f, const struct siov_dev *dev, unsigned int engine_id)
{
	struct siov_engine_stats stats;

	siov_engine_get_stats(dev->engines[engine_id], &stats);
	fprintf(f,
		"engine %u: group %" PRId32 ", polls %" PRIu64 " (idle %" PRIu64
		"), dispatched %" PRIu64 ", slices %" PRIu64 ", translations %" PRIu64
		" (missed %" PRIu64 "), errors dropped %" PRIu64 ", parked %" PRIu64
		" (refused %" PRIu64 ", timed out %" PRIu64 "), page requests %" PRIu64
		" (answered %" PRIu64 ", dropped %" PRIu64 ")\n",
		engine_id, (int32_t)dev->conf.engines[engine_id].group, stats.polls,
		stats.idle_polls, stats.dispatched, stats.slices, stats.atc_lookups,
		stats.atc_misses, stats.errors_dropped, stats.parked, stats.park_refused,
		stats.park_timeouts, stats.page_requests, stats.page_answers, stats.prq_full);
}

void
siov_dev_dump(FILE *f, struct siov_dev *dev)
{
	unsigned int i;

	dev_lock(dev);
	fprintf(f,
		"device %s: %" PRIu32 " queues, %" PRIu32 " engines, control %s, %" PRIu32
		" portals, %" PRIu32 " errors waiting, %" PRIu64 " dropped\n",
		dev->conf.name, dev->conf.nb_wqs, dev->conf.nb_engines,
		dev->control.is_running ? "runs" : "does not run", dev->portals.nb_used,
		dev->errors.nb, dev->errors.nb_dropped);
	for (i = 0; i < dev->conf.nb_wqs; i++) {
		fprintf(f, "wq %u: group %" PRIu32 ", priority %" PRIu32 "\n", i,
			dev->conf.wqs[i].group, dev->conf.wqs[i].priority);
		siov_wq_dump(f, dev->wqs[i].wq);
	}
	for (i = 0; i < dev->conf.nb_engines; i++)
		dump_engine(f, dev, i);
	dev_unlock(dev);
	siov_iommu_dump(dev->iommu, f);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* Other queues for a device that goes on living: what "enable device" makes of new registers. */
#include <errno.h>
#include <string.h>

#include <rte_rcu_qsbr.h>

#include "steps_priv.h"

#define REBUILD_TIMEOUT_MS 5000u

bool
dev_is_in_use(const struct siov_dev *dev)
{
	unsigned int i;

	for (i = 0; i < dev->conf.nb_wqs; i++) {
		if (dev->wqs[i].wq->nb_attached != 0)
			return true;
	}
	return dev->adis.nb_used != 0 || dev_is_active(dev);
}

static void
drop_wqs(struct siov_dev *dev)
{
	unsigned int i;

	for (i = 0; i < dev->conf.nb_engines; i++)
		engine_free_wqs(dev->engines[i]);
	dev_free_wqs(dev);
	dev->conf.nb_wqs = 0;
	memset(dev->wqs, 0, sizeof(dev->wqs));
	portal_pool_init(&dev->portals, dev->mem, dev->conf.socket_id);
}

static void
show_wqs(struct siov_dev *dev)
{
	unsigned int i;

	for (i = 0; i < dev->conf.nb_engines; i++)
		engine_show_wqs(dev->engines[i]);
}

/* The engines see no queue. */
static int
build_wqs(struct siov_dev *dev, const struct siov_dev_conf *conf)
{
	unsigned int i;
	int ret = 0;

	drop_wqs(dev);
	dev->nb_rebuilds++;
	memcpy(dev->conf.wqs, conf->wqs, sizeof(conf->wqs));
	memcpy(dev->conf.engines, conf->engines, sizeof(conf->engines));
	memcpy(dev->conf.groups, conf->groups, sizeof(conf->groups));
	dev->conf.read_buffer_limit = conf->read_buffer_limit;
	for (i = 0; i < conf->nb_wqs && ret == 0; i++) {
		dev->conf.nb_wqs++;
		ret = dev_create_wq(dev, i);
	}
	if (ret != 0)
		drop_wqs(dev);
	show_wqs(dev);
	return ret;
}

int
rebuild_step(struct siov_dev *dev, void *arg)
{
	struct rebuild *rebuild = arg;
	struct rte_rcu_qsbr *qsbr = siov_iommu_qsbr(dev->iommu);
	unsigned int i;

	if (!rebuild->is_started) {
		if (dev_is_in_use(dev))
			return -EBUSY;
		for (i = 0; i < dev->conf.nb_engines; i++)
			engine_hide_wqs(dev->engines[i]);
		rebuild->token = rte_rcu_qsbr_start(qsbr);
		rebuild->is_started = true;
	}
	if (rte_rcu_qsbr_check(qsbr, rebuild->token, false) == 1)
		return build_wqs(dev, rebuild->conf);
	if (clock_ns() < rebuild->deadline_ns)
		return -EAGAIN;
	show_wqs(dev);
	return -ETIMEDOUT;
}

int
dev_rebuild(struct siov_dev *dev, const struct siov_dev_conf *conf)
{
	struct rebuild rebuild = {
		.conf = conf,
		.deadline_ns = deadline_after(REBUILD_TIMEOUT_MS),
	};

	if (conf->nb_engines != dev->conf.nb_engines)
		return -EINVAL;
	return control_call(dev, rebuild_step, &rebuild, REBUILD_TIMEOUT_MS);
}

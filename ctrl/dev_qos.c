/* SPDX-License-Identifier: BSD-3-Clause */
/* Limits of PASIDs on shared queues, see siov_qos.h. */
#include <errno.h>
#include <sched.h>

#include "dev_priv.h"

#define TRIES 100000u /* a submitter has a block for a few instructions */
#define TRIES_AT_ONCE 64u /* but perhaps it does not run */

const struct siov_qos_conf dev_qos_none;

/* The block, made where there was none. Under the lock. */
static int
take_block(struct siov_dev *dev, struct dev_wq *dwq, uint32_t pasid, struct siov_qos **qos)
{
	const struct siov_qos_ended *ended[SIOV_DEV_ENGINES_MAX];
	unsigned int i;
	int ret = 0;

	*qos = siov_qos_find(dwq->wq, pasid);
	if (*qos != NULL)
		return 0;
	for (i = 0; i < dwq->nb_engines && ret == 0; i++) {
		ret = engine_add_pasid(dwq->engines[i], dwq->id, pasid);
		if (ret == 0)
			ended[i] = engine_ended(dwq->engines[i], dwq->id, pasid);
	}
	if (ret != 0)
		return ret;
	ret = siov_qos_create(dev->mem, dwq->wq, pasid, ended, dwq->nb_engines);
	if (ret != 0)
		return ret;
	*qos = siov_qos_find(dwq->wq, pasid);
	siov_qos_add_accepted(*qos, portal_recall(&dev->portals, &dwq->portals, pasid));
	/* Others that may submit for this PASID; what they had accepted is not counted. */
	portal_recall_all(&dev->portals, &dwq->portals, dwq->wq->lanes_max, pasid);
	siov_qos_set_state(*qos, SIOV_WQ_ENABLED);
	return 0;
}

/* Whether to try again what found a submitter with the block. */
static bool
may_try(unsigned int *nb)
{
	if (++*nb % TRIES_AT_ONCE == 0)
		sched_yield();
	return *nb < TRIES;
}

/* What portals were granted by other rules. A thread that died with the block keeps its part. */
static void
reclaim(struct siov_dev *dev, struct dev_wq *dwq, uint32_t pasid, struct siov_qos *qos)
{
	unsigned int nb = 0;

	while (portal_reclaim(&dev->portals, &dwq->portals, pasid, qos) == -EAGAIN && may_try(&nb))
		;
}

int
dev_qos_admit(struct siov_dev *dev, struct dev_wq *dwq, uint32_t pasid, enum siov_wq_state state)
{
	struct siov_qos *qos;
	int ret;

	if (dwq->wq->mode != SIOV_WQ_SHARED)
		return 0;
	/* Without a block everything is accepted. */
	if (state == SIOV_WQ_ENABLED && siov_qos_find(dwq->wq, pasid) == NULL)
		return 0;
	ret = take_block(dev, dwq, pasid, &qos);
	if (ret != 0)
		return ret;
	siov_qos_set_state(qos, state);
	if (state != SIOV_WQ_ENABLED)
		reclaim(dev, dwq, pasid, qos);
	return 0;
}

int
dev_qos_set(struct siov_dev *dev, struct dev_wq *dwq, uint32_t pasid,
	    const struct siov_qos_conf *conf)
{
	struct siov_qos *qos;
	unsigned int nb = 0;
	int ret;

	ret = siov_qos_conf_check(conf);
	/* Without limits there need be no block. */
	if (ret == 0 && !siov_qos_conf_has_limits(conf) && siov_qos_find(dwq->wq, pasid) == NULL)
		return 0;
	if (ret == 0)
		ret = take_block(dev, dwq, pasid, &qos);
	if (ret != 0)
		return ret;
	do {
		ret = siov_qos_set(dwq->wq, qos, conf, dev_tsc_hz());
	} while (ret == -EAGAIN && may_try(&nb));
	if (ret == 0)
		reclaim(dev, dwq, pasid, qos);
	return ret;
}

void
dev_qos_get(const struct dev_wq *dwq, uint32_t pasid, struct siov_qos_conf *conf)
{
	const struct siov_qos *qos = siov_qos_find(dwq->wq, pasid);

	*conf = (struct siov_qos_conf){0};
	if (qos != NULL)
		siov_qos_get(qos, conf);
}

static struct dev_wq *
find_shared(struct siov_dev *dev, unsigned int wq_id)
{
	struct dev_wq *dwq = dev_find_wq(dev, wq_id);

	return dwq != NULL && dwq->wq->mode == SIOV_WQ_SHARED ? dwq : NULL;
}

int
siov_dev_qos_set(struct siov_dev *dev, unsigned int wq_id, uint32_t pasid,
		 const struct siov_qos_conf *conf)
{
	struct dev_wq *dwq;
	int ret = -EINVAL;

	if (pasid > SIOV_PASID_MAX)
		return -ERANGE;
	dev_lock(dev);
	dwq = find_shared(dev, wq_id);
	if (dwq != NULL)
		ret = dev_qos_set(dev, dwq, pasid, conf);
	dev_unlock(dev);
	return ret;
}

int
siov_dev_qos_get(struct siov_dev *dev, unsigned int wq_id, uint32_t pasid,
		 struct siov_qos_conf *conf)
{
	const struct dev_wq *dwq;

	if (pasid > SIOV_PASID_MAX)
		return -ERANGE;
	dev_lock(dev);
	dwq = find_shared(dev, wq_id);
	if (dwq != NULL)
		dev_qos_get(dwq, pasid, conf);
	dev_unlock(dev);
	return dwq != NULL ? 0 : -EINVAL;
}

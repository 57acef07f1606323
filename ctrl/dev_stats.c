/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "dev_adi_priv.h"

/* Add up one PASID. Under the lock. */
static void
add_pasid(struct siov_dev *dev, const struct dev_wq *dwq, uint32_t pasid, struct siov_stats *stats)
{
	unsigned int i;

	if (pasid <= SIOV_PASID_MAX)
		portal_add_counts(&dev->portals, &dwq->portals, pasid, stats->submitted);
	for (i = 0; i < dwq->nb_engines; i++)
		engine_add_stats(dwq->engines[i], dwq->id, pasid, stats);
}

int
siov_dev_stats(struct siov_dev *dev, unsigned int wq_id, uint32_t pasid, struct siov_stats *stats)
{
	struct dev_wq *dwq;

	if (pasid > SIOV_PASID_MAX && pasid != SIOV_PASID_OTHERS)
		return -ERANGE;
	memset(stats, 0, sizeof(*stats));
	dev_lock(dev);
	dwq = dev_find_wq(dev, wq_id);
	if (dwq != NULL)
		add_pasid(dev, dwq, pasid, stats);
	dev_unlock(dev);
	return dwq != NULL ? 0 : -EINVAL;
}

/* ---- walk ---- */

static bool
has_work(const struct siov_stats *stats)
{
	return stats->completed != 0 || stats->failed != 0 || stats->aborted != 0;
}

/*
 * Find the next PASID, from *pasid on, that was given a portal or whose work came through the
 * privileged portal of another; *stats is zero before. Under the lock.
 */
static bool
find_row(struct siov_dev *dev, uint32_t wq_id, uint32_t *pasid, struct siov_stats *stats)
{
	struct dev_wq *dwq = dev_find_wq(dev, wq_id); /* it may be gone since the last row */
	uint32_t p = *pasid;

	while (dwq != NULL && p <= SIOV_PASID_MAX) {
		if (dwq->portals.dir[p >> PORTAL_BLOCK_LOG2] == NULL) {
			p = (p | (PORTAL_BLOCK - 1)) + 1;
			continue;
		}
		add_pasid(dev, dwq, p, stats);
		if (portal_first(&dwq->portals, p) != 0 || has_work(stats)) {
			*pasid = p;
			return true;
		}
		p++;
	}
	return false;
}

/* The rows from first on, each in *stats; the lock is not held while cb runs. */
static int
walk_rows(struct siov_dev *dev, uint32_t wq_id, uint32_t first, siov_stats_cb cb, void *arg,
	  struct siov_stats *stats)
{
	uint32_t pasid = first;
	int ret;

	while (pasid <= SIOV_PASID_MAX) {
		bool found;

		memset(stats, 0, sizeof(*stats));
		dev_lock(dev);
		found = find_row(dev, wq_id, &pasid, stats);
		dev_unlock(dev);
		if (!found)
			break;
		ret = cb(wq_id, pasid, stats, arg);
		if (ret != 0)
			return ret;
		pasid++;
	}
	ret = siov_dev_stats(dev, wq_id, SIOV_PASID_OTHERS, stats);
	return ret == 0 && has_work(stats) ? cb(wq_id, SIOV_PASID_OTHERS, stats, arg) : ret;
}

int
dev_walk_from(struct siov_dev *dev, uint32_t wq_id, uint32_t first, siov_stats_cb cb, void *arg)
{
	struct siov_stats *stats;
	int ret;

	/* Too large for some threads' stacks. */
	stats = siov_mem_alloc(dev->mem, "siov_stats", sizeof(*stats), RTE_CACHE_LINE_SIZE,
			       dev->conf.socket_id);
	if (stats == NULL)
		return -ENOMEM;
	ret = walk_rows(dev, wq_id, first, cb, arg, stats);
	siov_mem_free(dev->mem, stats);
	return ret;
}

int
siov_dev_stats_walk(struct siov_dev *dev, unsigned int wq_id, siov_stats_cb cb, void *arg)
{
	return dev_walk_from(dev, wq_id, 0, cb, arg);
}

/* A block of PASIDs of a queue, which is returned; NULL: there is none. Under the lock. */
static const struct dev_wq *
add_block(struct siov_dev *dev, uint32_t wq_id, uint32_t block, struct siov_stats *stats)
{
	const struct dev_wq *dwq = dev_find_wq(dev, wq_id);
	uint32_t i;

	if (dwq == NULL || dwq->portals.dir[block] == NULL)
		return dwq;
	for (i = 0; i < PORTAL_BLOCK; i++)
		add_pasid(dev, dwq, (block << PORTAL_BLOCK_LOG2) + i, stats);
	return dwq;
}

int
siov_dev_wq_stats(struct siov_dev *dev, unsigned int wq_id, struct siov_stats *stats)
{
	const struct dev_wq *dwq;
	uint32_t block;

	memset(stats, 0, sizeof(*stats));
	for (block = 0; block < PORTAL_DIR; block++) {
		/* Let others in now and then: there may be a million PASIDs. */
		dev_lock(dev);
		dwq = add_block(dev, wq_id, block, stats);
		dev_unlock(dev);
		if (dwq == NULL)
			return -EINVAL;
	}
	dev_lock(dev);
	dwq = dev_find_wq(dev, wq_id);
	if (dwq != NULL)
		add_pasid(dev, dwq, SIOV_PASID_OTHERS, stats);
	dev_unlock(dev);
	return dwq != NULL ? 0 : -EINVAL;
}

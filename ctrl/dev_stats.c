/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "dev_adi_priv.h"

#define ERRORS_AT_ONCE 64u
#define ERRORS_LOGGED 4u /* in full, of those found in one look */

/* Add up one PASID. Under the lock. */
static void
add_pasid(struct siov_dev *dev, struct dev_wq *dwq, uint32_t pasid, struct siov_stats *stats)
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
	struct dev_wq *dwq = dev_find_wq(dev, wq_id);

	if (dwq == NULL)
		return -EINVAL;
	if (pasid > SIOV_PASID_MAX && pasid != SIOV_PASID_OTHERS)
		return -ERANGE;
	memset(stats, 0, sizeof(*stats));
	dev_lock(dev);
	add_pasid(dev, dwq, pasid, stats);
	dev_unlock(dev);
	return 0;
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
find_row(struct siov_dev *dev, struct dev_wq *dwq, uint32_t *pasid, struct siov_stats *stats)
{
	uint32_t p = *pasid;

	while (p <= SIOV_PASID_MAX) {
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
walk_rows(struct siov_dev *dev, struct dev_wq *dwq, uint32_t first, siov_stats_cb cb, void *arg,
	  struct siov_stats *stats)
{
	uint32_t pasid = first;
	int ret;

	while (pasid <= SIOV_PASID_MAX) {
		bool found;

		memset(stats, 0, sizeof(*stats));
		dev_lock(dev);
		found = find_row(dev, dwq, &pasid, stats);
		dev_unlock(dev);
		if (!found)
			break;
		ret = cb(dwq->id, pasid, stats, arg);
		if (ret != 0)
			return ret;
		pasid++;
	}
	memset(stats, 0, sizeof(*stats));
	dev_lock(dev);
	add_pasid(dev, dwq, SIOV_PASID_OTHERS, stats);
	dev_unlock(dev);
	return has_work(stats) ? cb(dwq->id, SIOV_PASID_OTHERS, stats, arg) : 0;
}

int
dev_walk_from(struct siov_dev *dev, struct dev_wq *dwq, uint32_t first, siov_stats_cb cb, void *arg)
{
	struct siov_stats *stats;
	int ret;

	/* Too large for some threads' stacks. */
	stats = siov_mem_alloc(dev->mem, "siov_stats", sizeof(*stats), RTE_CACHE_LINE_SIZE,
			       dev->conf.socket_id);
	if (stats == NULL)
		return -ENOMEM;
	ret = walk_rows(dev, dwq, first, cb, arg, stats);
	siov_mem_free(dev->mem, stats);
	return ret;
}

int
siov_dev_stats_walk(struct siov_dev *dev, unsigned int wq_id, siov_stats_cb cb, void *arg)
{
	struct dev_wq *dwq = dev_find_wq(dev, wq_id);

	return dwq != NULL ? dev_walk_from(dev, dwq, 0, cb, arg) : -EINVAL;
}

int
siov_dev_wq_stats(struct siov_dev *dev, unsigned int wq_id, struct siov_stats *stats)
{
	struct dev_wq *dwq = dev_find_wq(dev, wq_id);
	uint32_t block, i;

	if (dwq == NULL)
		return -EINVAL;
	memset(stats, 0, sizeof(*stats));
	for (block = 0; block < PORTAL_DIR; block++) {
		/* Let others in now and then: there may be a million PASIDs. */
		dev_lock(dev);
		for (i = 0; dwq->portals.dir[block] != NULL && i < PORTAL_BLOCK; i++)
			add_pasid(dev, dwq, (block << PORTAL_BLOCK_LOG2) + i, stats);
		dev_unlock(dev);
	}
	dev_lock(dev);
	add_pasid(dev, dwq, SIOV_PASID_OTHERS, stats);
	dev_unlock(dev);
	return 0;
}

/* ---- errors ---- */

/* Into the log, and to the account of the ADI whose work it was. */
static void
push_error(struct siov_dev *dev, const struct siov_error *error)
{
	struct adi *adi = dev_adi_of(dev, error->wq_id, error->pasid);
	struct dev_error_log *log = &dev->errors;

	if (adi != NULL)
		adi->nb_errors++;
	if (log->nb == DEV_ERRORS) {
		log->nb_dropped++;
		return;
	}
	log->entries[(log->head + log->nb) % DEV_ERRORS] = *error;
	log->nb++;
}

/* One entry for each time that the queue's count was seen to have grown. */
static unsigned int
collect_overflow(struct siov_dev *dev, struct dev_wq *dwq)
{
	const struct siov_error error = {
		.pasid = dwq->conf->pasid,
		.wq_id = dwq->id,
		.code = SIOV_ERROR_DWQ_OVERFLOW,
	};
	uint64_t nb = siov_atomic_load(&dwq->wq->nb_overflow, relaxed);

	if (nb == dwq->overflows_seen)
		return 0;
	dwq->overflows_seen = nb;
	push_error(dev, &error);
	return 1;
}

unsigned int
dev_collect_errors(struct siov_dev *dev)
{
	struct siov_error errors[ERRORS_AT_ONCE];
	unsigned int total = 0, n, i, j;

	for (i = 0; i < dev->conf.nb_engines; i++) {
		do {
			n = engine_take_errors(dev->engines[i], errors, ERRORS_AT_ONCE);
			for (j = 0; j < n; j++)
				push_error(dev, &errors[j]);
			total += n;
		} while (n == ERRORS_AT_ONCE && total < DEV_ERRORS);
	}
	for (i = 0; i < dev->conf.nb_wqs; i++)
		total += collect_overflow(dev, &dev->wqs[i]);
	return total;
}

void
dev_pass_faults(struct siov_dev *dev)
{
	struct siov_fault_record faults[ERRORS_AT_ONCE];
	unsigned int n, total, i, j;

	if (dev->conf.on_fault == NULL)
		return;
	for (i = 0; i < dev->conf.nb_engines; i++) {
		total = 0;
		do {
			n = engine_take_faults(dev->engines[i], faults, ERRORS_AT_ONCE);
			for (j = 0; j < n; j++)
				dev->conf.on_fault(dev->conf.fault_arg, &faults[j]);
			total += n;
		} while (n == ERRORS_AT_ONCE && total < DEV_ERRORS);
	}
}

void
dev_log_errors(const struct siov_dev *dev, unsigned int n)
{
	const struct dev_error_log *log = &dev->errors;
	unsigned int kept = RTE_MIN(n, log->nb);
	unsigned int i;

	for (i = 0; i < RTE_MIN(kept, ERRORS_LOGGED); i++) {
		const struct siov_error *error =
			&log->entries[(log->head + log->nb - kept + i) % DEV_ERRORS];

		CTRL_LOG(INFO,
			 "%s: wq %u: pasid %" PRIu32 ": code 0x%x, opcode 0x%x, address 0x%" PRIx64,
			 dev->conf.name, error->wq_id, error->pasid, error->code, error->opcode,
			 error->fault_addr);
	}
	if (n > i)
		CTRL_LOG(INFO, "%s: %u more errors", dev->conf.name, n - i);
}

unsigned int
siov_dev_errors(struct siov_dev *dev, struct siov_error *out, unsigned int max)
{
	struct dev_error_log *log = &dev->errors;
	unsigned int n;

	dev_lock(dev);
	dev_collect_errors(dev);
	for (n = 0; n < max && log->nb != 0; n++) {
		out[n] = log->entries[log->head];
		log->head = (log->head + 1) % DEV_ERRORS;
		log->nb--;
	}
	dev_unlock(dev);
	return n;
}

uint64_t
siov_dev_errors_dropped(struct siov_dev *dev)
{
	struct siov_engine_stats stats;
	uint64_t nb;
	unsigned int i;

	dev_lock(dev);
	nb = dev->errors.nb_dropped;
	dev_unlock(dev);
	for (i = 0; i < dev->conf.nb_engines; i++) {
		siov_engine_get_stats(dev->engines[i], &stats);
		nb += stats.errors_dropped;
	}
	return nb;
}

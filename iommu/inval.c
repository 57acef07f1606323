/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <time.h>
#include <unistd.h>

#include <rte_atomic.h>
#include <rte_log.h>
#include <rte_pause.h>

#include "iommu_priv.h"

RTE_LOG_REGISTER(iommu_logtype, siov.iommu, NOTICE)

#define IOMMU_LOG(level, ...) rte_log(RTE_LOG_##level, iommu_logtype, "siov.iommu: " __VA_ARGS__)

static void
post_to(struct siov_atc_mail *mail, const struct inval_req *req, uint64_t seq)
{
	/* A3: pairs with R3 in finish_request(); the slot that we overwrite has been read */
	if (seq - siov_atomic_load(&mail->acked, acquire) > INVAL_RING)
		siov_atomic_store(&mail->flush_upto, seq, relaxed);
	else
		mail->ring[seq % INVAL_RING] = *req;
	/*
	 * R1: table words, slot and flush_upto are seen with it; pairs with A1 in
	 * siov_atc_quiescent(). S1: in one order with the load of online in has_passed(); pairs
	 * with S2 in siov_atc_online().
	 */
	siov_atomic_store(&mail->posted, seq, seq_cst);
}

void
iommu_post(struct siov_iommu *iommu, const struct inval_req *req)
{
	unsigned int i;

	iommu->inval_seq++;
	iommu->nb_invalidations++;
	for (i = 0; i < iommu->conf.max_atcs; i++)
		if (iommu->atcs[i] != NULL)
			post_to(iommu->atcs[i]->mail, req, iommu->inval_seq);
}

/*
 * F1: what was taken off before is off for a reader that we find offline below; pairs with the
 * fence in rte_rcu_qsbr_thread_online().
 */
static struct inval_mark
mark_now(struct siov_iommu *iommu)
{
	struct inval_mark mark = {.seq = iommu->inval_seq};

	mark.token = rte_rcu_qsbr_start(iommu->qsbr);
	rte_smp_mb();
	return mark;
}

/*
 * A cache that is offline has passed: either it stays so, or it goes online after the store S1 and
 * then finds the request (S2). In both cases it has finished what it did with older entries.
 */
static bool
has_passed(const struct siov_atc_mail *mail, uint64_t seq)
{
	if (siov_atomic_load(&mail->online, seq_cst) == 0)
		return true;
	/* A2: pairs with R3; all uses of what was dropped happened before */
	return siov_atomic_load(&mail->acked, acquire) >= seq;
}

static bool
is_past(struct siov_iommu *iommu, const struct inval_mark *mark)
{
	unsigned int i;

	for (i = 0; i < iommu->conf.max_atcs; i++)
		if (iommu->atcs[i] != NULL && !has_passed(iommu->atcs[i]->mail, mark->seq))
			return false;
	return rte_rcu_qsbr_check(iommu->qsbr, mark->token, false) == 1;
}

static uint64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* The engine may need this CPU to answer: spin for a few microseconds, then get out of its way. */
static void
relax(unsigned int round)
{
	if (round < 64)
		rte_pause();
	else if (round < 256)
		sched_yield();
	else
		usleep(50);
}

static void
log_late(const struct siov_iommu *iommu, const struct inval_mark *mark)
{
	unsigned int i;

	for (i = 0; i < iommu->conf.max_atcs; i++)
		if (iommu->atcs[i] != NULL && !has_passed(iommu->atcs[i]->mail, mark->seq))
			IOMMU_LOG(ERR, "atc %u did not serve request %" PRIu64 " in %u ms\n", i,
				  mark->seq, iommu->conf.inval_timeout_ms);
	IOMMU_LOG(ERR, "no grace period in %u ms\n", iommu->conf.inval_timeout_ms);
}

static int
wait_for(struct siov_iommu *iommu, const struct inval_mark *mark)
{
	unsigned int round = 0;
	uint64_t end_ms = 0;

	while (!is_past(iommu, mark)) {
		relax(round++);
		if (round % 128 != 0)
			continue;
		if (end_ms == 0)
			end_ms = now_ms() + iommu->conf.inval_timeout_ms;
		else if (now_ms() >= end_ms) {
			iommu->is_behind = true;
			iommu->nb_inval_timeouts++;
			log_late(iommu, mark);
			return -ETIMEDOUT;
		}
	}
	return 0;
}

/* Hand back all that is retired; the newest of it is past. */
static void
free_retired(struct siov_iommu *iommu)
{
	pool_give(&iommu->pool, &iommu->retired.pages);
	range_free_list(iommu, iommu->retired.ranges);
	iommu->retired.ranges = NULL;
}

void
iommu_reap(struct siov_iommu *iommu)
{
	struct iommu_retired *r = &iommu->retired;

	if (r->pages.head == NULL && r->ranges == NULL)
		return;
	if (is_past(iommu, &r->mark))
		free_retired(iommu);
}

void
iommu_retire_pages(struct siov_iommu *iommu, struct pool_list *pages)
{
	pool_list_join(&iommu->retired.pages, pages);
	iommu->retired.mark = mark_now(iommu);
}

void
iommu_retire_ranges(struct siov_iommu *iommu, struct iommu_ranges *ranges)
{
	ranges->next_retired = iommu->retired.ranges;
	iommu->retired.ranges = ranges;
	iommu->retired.mark = mark_now(iommu);
}

int
iommu_sync(struct siov_iommu *iommu)
{
	struct inval_mark mark = mark_now(iommu);
	int rc = wait_for(iommu, &mark);

	if (rc < 0)
		return rc;
	iommu->is_behind = false;
	free_retired(iommu);
	return 0;
}

int
iommu_invalidate(struct siov_iommu *iommu, const struct inval_req *req, struct pool_list *pages)
{
	iommu_post(iommu, req);
	iommu_retire_pages(iommu, pages);
	return iommu_sync(iommu);
}

int
iommu_settle(struct siov_iommu *iommu)
{
	return iommu->is_behind ? iommu_sync(iommu) : 0;
}

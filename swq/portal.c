/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <sched.h>
#include <string.h>

#include <rte_pause.h>

#include "siov_portal.h"

int
siov_portal_init(struct siov_portal *portal, struct siov_lane *lane, uint32_t pasid, uint32_t flags)
{
	if (flags & ~(SIOV_PORTAL_F_PASID | SIOV_PORTAL_F_PRIV))
		return -EINVAL;
	if (pasid > SIOV_PASID_MAX)
		return -ERANGE;
	memset(portal, 0, sizeof(*portal));
	portal->lane = lane;
	portal->pasid = pasid & SIOV_PASID_MAX;
	portal->flags = flags & 0xfff;
	return 0;
}

void
siov_movdir64b_refuse(struct siov_portal *portal)
{
	struct siov_wq *wq = portal->lane->wq;
	uint32_t state = siov_atomic_load(&wq->state, relaxed);

	if (wq->mode == SIOV_WQ_DEDICATED && state == SIOV_WQ_ENABLED) {
		siov_atomic_fetch_add(&wq->nb_overflow, UINT64_C(1), relaxed);
		siov_portal_answer(portal, SIOV_DMWR_RETRY_CAPACITY);
		return;
	}
	siov_atomic_fetch_add(&wq->nb_refused, UINT64_C(1), relaxed);
	siov_portal_answer(portal, wq->mode == SIOV_WQ_SHARED ? SIOV_DMWR_RETRY_MODE :
				   state == SIOV_WQ_DRAINING  ? SIOV_DMWR_RETRY_DRAINING :
								SIOV_DMWR_RETRY_DISABLED);
}

/* Give the time away until @p cycles have passed. */
static void
wait_cycles(uint64_t cycles, bool yields)
{
	uint64_t start = rte_rdtsc();

	do {
		if (yields)
			sched_yield();
		else
			rte_pause();
	} while (rte_rdtsc() - start < cycles);
}

bool
siov_backoff_wait(struct siov_backoff *backoff)
{
	switch (backoff->policy) {
	case SIOV_BACKOFF_SPIN:
		if (backoff->yields)
			sched_yield();
		return true;
	case SIOV_BACKOFF_PAUSE:
		wait_cycles(0, backoff->yields);
		return true;
	case SIOV_BACKOFF_EXP:
		wait_cycles(backoff->next_cycles, backoff->yields);
		backoff->next_cycles = RTE_MIN(backoff->next_cycles * 2, backoff->max_cycles);
		return true;
	case SIOV_BACKOFF_NONE:
	default:
		return false;
	}
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* Channels as control sees them; the fast path is in ops.c. */
#include <errno.h>
#include <sched.h>
#include <string.h>

#include <rte_common.h>
#include <rte_malloc.h>
#include <rte_pause.h>

#include "vchan.h"

#define SPINS 64u /* before the CPU is given away */

int
vchan_create(uint32_t nb_desc, int socket_id, struct vchan **out)
{
	uint32_t slots = rte_align32pow2(nb_desc);
	struct vchan *vc = rte_zmalloc_socket("dma_siov_vchan", sizeof(*vc), 64, socket_id);

	if (vc == NULL)
		return -ENOMEM;
	vc->recs = rte_zmalloc_socket("dma_siov_recs", slots * sizeof(vc->recs[0]), 64, socket_id);
	vc->lists =
		rte_zmalloc_socket("dma_siov_lists", slots * sizeof(vc->lists[0]), 64, socket_id);
	if (vc->recs == NULL || vc->lists == NULL) {
		vchan_free(vc);
		return -ENOMEM;
	}
	vc->mask = slots - 1;
	vc->nb_desc = nb_desc;
	*out = vc;
	return 0;
}

void
vchan_free(struct vchan *vc)
{
	if (vc == NULL)
		return;
	rte_free(vc->lists);
	rte_free(vc->recs);
	rte_free(vc);
}

int
vchan_start(struct vchan *vc, struct vdev *vdev, unsigned int i, bool is_silent)
{
	const struct args *args = emu_args(vdev_emu(vdev));
	int ret = vdev_seat_open(vdev, i, &vc->seat);

	if (ret != 0)
		return ret;
	vc->submitted_base -= vc->tail;
	vc->completed_base -= vc->head;
	vc->head = 0;
	vc->idle = 0;
	vc->tail = 0;
	vc->is_silent = is_silent;
	vc->is_dwq = args->mode == SIOV_WQ_DEDICATED;
	vc->polled = args->is_inline ? vdev_emu(vdev) : NULL;
	vc->portal = vc->seat.portal;
	vc->room = vc->nb_desc;
	return 0;
}

void
vchan_stop(struct vchan *vc, struct vdev *vdev)
{
	unsigned int spins = 0;

	vc->room = 0;
	while (!vchan_is_idle(vc)) {
		rte_pause();
		if (++spins % SPINS == 0)
			sched_yield();
	}
	vc->portal = NULL;
	vdev_seat_close(vdev, &vc->seat);
}

bool
vchan_is_idle(struct vchan *vc)
{
	if (vc->polled != NULL && vc->idle != vc->tail)
		emu_poll(vc->polled);
	while (vc->idle != vc->tail &&
	       siov_atomic_load(&vc->recs[vc->idle & vc->mask].status, acquire) != DSA_COMP_NONE)
		vc->idle++;
	return vc->idle == vc->tail;
}

void
vchan_stats(const struct vchan *vc, struct rte_dma_stats *stats)
{
	stats->submitted = vc->tail - vc->submitted_base;
	stats->completed = vc->head - vc->completed_base;
	stats->errors = vc->errors;
}

void
vchan_stats_reset(struct vchan *vc)
{
	vc->submitted_base = vc->tail;
	vc->completed_base = vc->head;
	vc->errors = 0;
}

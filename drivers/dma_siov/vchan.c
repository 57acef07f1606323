/* SPDX-License-Identifier: BSD-3-Clause */
/* Channels as control sees them; the fast path is in ops.c and reap.c. */
#include <errno.h>
#include <sched.h>
#include <string.h>

#include <rte_common.h>
#include <rte_malloc.h>
#include <rte_pause.h>

#include "vchan.h"

#define SPINS 64u /* before the CPU is given away */

static void *
alloc_ring(uint32_t slots, size_t bytes, int socket_id)
{
	return rte_zmalloc_socket("dma_siov_ring", slots * bytes, 64, socket_id);
}

int
vchan_create(uint32_t nb_desc, uint32_t pasid, int socket_id, struct vchan **out)
{
	uint32_t slots = rte_align32pow2(nb_desc);
	struct vchan *vc = rte_zmalloc_socket("dma_siov_vchan", sizeof(*vc), 64, socket_id);

	if (vc == NULL)
		return -ENOMEM;
	vc->descs = alloc_ring(slots, sizeof(vc->descs[0]), socket_id);
	vc->subs = alloc_ring(slots, sizeof(vc->subs[0]), socket_id);
	vc->recs = alloc_ring(slots, sizeof(vc->recs[0]), socket_id);
	vc->lists = alloc_ring(slots, sizeof(vc->lists[0]), socket_id);
	if (vc->descs == NULL || vc->subs == NULL || vc->recs == NULL || vc->lists == NULL) {
		vchan_free(vc);
		return -ENOMEM;
	}
	vc->mask = slots - 1;
	vc->nb_desc = nb_desc;
	vc->pasid = pasid;
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
	rte_free(vc->subs);
	rte_free(vc->descs);
	rte_free(vc);
}

/* Empty rings; no operation has failed. */
static void
clear(struct vchan *vc)
{
	uint32_t i;

	for (i = 0; i <= vc->mask; i++)
		vc->recs[i].status = DSA_COMP_NONE;
	vc->submitted_base -= vc->tail;
	vc->completed_base -= vc->head;
	vc->head = 0;
	vc->done = 0;
	vc->sent = 0;
	vc->tail = 0;
	vc->rung = 0;
	vc->bad = 0;
	vc->sub_head = 0;
	vc->sub_tail = 0;
}

int
vchan_start(struct vchan *vc, struct vdev *vdev, unsigned int i, bool is_silent)
{
	uint32_t pasid = vc->pasid != 0 ? vc->pasid : vdev_args(vdev)->pasid + i;
	int ret = vdev_seat_open(vdev, pasid, &vc->seat);

	if (ret != 0)
		return ret;
	clear(vc);
	vc->is_silent = is_silent;
	vc->is_dwq = vdev_args(vdev)->profile == PROFILE_DWQ;
	vc->polled = emu_args(vdev_emu(vdev))->is_inline ? vdev_emu(vdev) : NULL;
	vc->portal = vc->seat.portal;
	vc->room = vc->nb_desc;
	return 0;
}

void
vchan_stop(struct vchan *vc, struct vdev *vdev)
{
	unsigned int spins = 0;

	vc->room = 0;
	for (;;) {
		vchan_flush(vc);
		if (vc->polled != NULL)
			emu_poll(vc->polled);
		vchan_settle(vc);
		if (vc->done == vc->tail)
			break;
		rte_pause();
		if (++spins % SPINS == 0)
			sched_yield();
	}
	vc->portal = NULL;
	vdev_seat_close(vdev, &vc->seat);
}

bool
vchan_is_idle(const struct vchan *vc)
{
	uint64_t i;

	if (vc->polled != NULL && vc->sub_head != vc->sub_tail)
		emu_poll(vc->polled);
	for (i = vc->sub_head; i != vc->sub_tail; i++) {
		if (siov_atomic_load(&vc->subs[i & vc->mask].rec.status, acquire) == DSA_COMP_NONE)
			return false;
	}
	return vc->rung <= vc->sent;
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

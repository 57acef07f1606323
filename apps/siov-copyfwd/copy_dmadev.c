/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Any device that speaks rte_dmadev. Flows are dealt to its channels, each of which completes in
 * order; across channels, order is that of the ring of copies.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_dmadev.h>
#include <rte_errno.h>
#include <rte_malloc.h>
#include <rte_memory.h>

#include "complain.h"
#include "copier.h"

#define CHUNK 32u

/* One channel. */
struct channel {
	uint32_t nb_sent; /* free-running */
	uint32_t nb_done; /* of these, the device has told */
	uint32_t nb_reaped; /* of these, the forwarder knows */
	bool *has_failed; /* by nb_done, masked */
	bool is_rung; /* false: copies were enqueued and not submitted */
};

struct copier {
	const struct options *opts;
	struct copy *ring;
	uint32_t mask;
	int16_t dev_id;
	bool has_sva;
	uint16_t nb_channels;
	struct channel *channels;
	char name[64];
	bool is_running;
	uint64_t nb_told;
};

/* ---- life ---- */

static int
find_dev(struct copier *c, struct rte_dma_info *info)
{
	const char *name = c->opts->dma;
	int ret;

	c->dev_id = name != NULL ? (int16_t)rte_dma_get_dev_id_by_name(name) : rte_dma_next_dev(0);
	if (c->dev_id < 0 && name != NULL)
		return complain("--dma=%s: no such dmadev; EAL's --vdev makes one", name);
	if (c->dev_id < 0)
		return complain("--copy=dmadev: there is no dmadev; EAL's --vdev makes one");
	ret = rte_dma_info_get(c->dev_id, info);
	if (ret != 0)
		return complain("dmadev %d: %s", c->dev_id, rte_strerror(-ret));
	snprintf(c->name, sizeof(c->name), "%s", info->dev_name);
	c->has_sva = (info->dev_capa & RTE_DMA_CAPA_SVA) != 0;
	if (!(info->dev_capa & RTE_DMA_CAPA_MEM_TO_MEM) ||
	    !(info->dev_capa & RTE_DMA_CAPA_OPS_COPY))
		return complain("dmadev %s: does not copy from memory to memory", c->name);
	return 0;
}

static int
set_up(struct copier *c, const struct rte_dma_info *info)
{
	const struct rte_dma_conf conf = {.nb_vchans = c->nb_channels};
	const struct rte_dma_vchan_conf vchan_conf = {
		.direction = RTE_DMA_DIR_MEM_TO_MEM,
		.nb_desc = (uint16_t)RTE_MIN(RTE_MAX(c->opts->ring_sz, (uint32_t)info->min_desc),
					     (uint32_t)info->max_desc),
	};
	uint16_t i;
	int ret;

	ret = rte_dma_configure(c->dev_id, &conf);
	for (i = 0; i < c->nb_channels && ret == 0; i++)
		ret = rte_dma_vchan_setup(c->dev_id, i, &vchan_conf);
	return ret == 0 ? 0 : complain("dmadev %s: %s", c->name, rte_strerror(-ret));
}

static int
create(const struct copier_conf *conf, struct copier **out)
{
	struct copier *c = rte_zmalloc("copier", sizeof(*c), RTE_CACHE_LINE_SIZE);
	struct rte_dma_info info;
	uint16_t i;

	if (c == NULL)
		return complain("copier: too little memory");
	*out = c;
	c->opts = conf->opts;
	c->ring = conf->ring;
	c->mask = conf->opts->ring_sz - 1;
	if (find_dev(c, &info) != 0)
		return -1;
	c->nb_channels = (uint16_t)RTE_MIN((uint32_t)info.max_vchans, c->opts->nb_flows);
	c->channels = calloc(c->nb_channels, sizeof(c->channels[0]));
	for (i = 0; i < c->nb_channels && c->channels != NULL; i++) {
		c->channels[i].is_rung = true;
		c->channels[i].has_failed = calloc(c->opts->ring_sz, sizeof(bool));
		if (c->channels[i].has_failed == NULL)
			return complain("channels: too little memory");
	}
	return c->channels != NULL ? set_up(c, &info) : complain("channels: too little memory");
}

static void *
memory(struct copier *c)
{
	RTE_SET_USED(c);
	return NULL;
}

static int
start(struct copier *c)
{
	int ret = rte_dma_start(c->dev_id);

	if (ret != 0)
		return complain("dmadev %s: %s", c->name, rte_strerror(-ret));
	c->is_running = true;
	return 0;
}

static void
stop(struct copier *c)
{
	int ret;

	if (!c->is_running)
		return;
	ret = rte_dma_stop(c->dev_id);
	if (ret != 0)
		complain("dmadev %s: %s", c->name, rte_strerror(-ret));
	c->is_running = false;
}

static void
free_copier(struct copier *c)
{
	uint16_t i;

	if (c == NULL)
		return;
	for (i = 0; i < c->nb_channels && c->channels != NULL; i++)
		free(c->channels[i].has_failed);
	free(c->channels);
	rte_free(c);
}

/* ---- packets ---- */

static inline uint16_t
channel_of(const struct copier *c, const struct copy *copy)
{
	return (uint16_t)(copy->flow % c->nb_channels);
}

/* What the device takes for an address: virtual ones, or those of the mbuf's bus. */
static inline rte_iova_t
address_of(const struct copier *c, const void *p)
{
	return c->has_sva || rte_eal_iova_mode() == RTE_IOVA_VA ? (uintptr_t)p :
								  rte_mem_virt2iova(p);
}

static void
ring_doorbells(struct copier *c)
{
	uint16_t i;

	for (i = 0; i < c->nb_channels; i++) {
		if (!c->channels[i].is_rung && rte_dma_submit(c->dev_id, i) == 0)
			c->channels[i].is_rung = true;
	}
}

static unsigned int
submit(struct copier *c, uint32_t first, unsigned int nb)
{
	unsigned int i;

	for (i = 0; i < nb; i++) {
		const struct copy *copy = &c->ring[(first + i) & c->mask];
		uint16_t id = channel_of(c, copy);

		if (rte_dma_copy(c->dev_id, id, address_of(c, copy->src), address_of(c, copy->dst),
				 copy->len, 0) < 0)
			break;
		c->channels[id].nb_sent++;
		c->channels[id].is_rung = false;
	}
	ring_doorbells(c);
	return i;
}

static void __rte_noinline
note_failure(struct copier *c, struct channel *channel, uint32_t idx, int status)
{
	channel->has_failed[idx & c->mask] = true;
	if (c->nb_told++ == 0)
		complain("dmadev %s: a copy failed with status %d", c->name, status);
}

/* Ask a channel how far it is. */
static void
poll_channel(struct copier *c, uint16_t id)
{
	struct channel *channel = &c->channels[id];
	enum rte_dma_status_code status[CHUNK];
	bool has_error = false;
	uint16_t i, nb, last;

	channel->nb_done += rte_dma_completed(c->dev_id, id, CHUNK, &last, &has_error);
	if (!has_error)
		return;
	nb = rte_dma_completed_status(c->dev_id, id, CHUNK, &last, status);
	for (i = 0; i < nb; i++) {
		if (status[i] != RTE_DMA_STATUS_SUCCESSFUL)
			note_failure(c, channel, channel->nb_done + i, (int)status[i]);
	}
	channel->nb_done += nb;
}

/* Whether the oldest copy of a channel that the forwarder waits for is done. */
static bool
take_done(struct copier *c, struct copy *copy)
{
	uint16_t id = channel_of(c, copy);
	struct channel *channel = &c->channels[id];
	bool *has_failed;

	if (channel->nb_reaped == channel->nb_done)
		poll_channel(c, id);
	if (channel->nb_reaped == channel->nb_done)
		return false;
	has_failed = &channel->has_failed[channel->nb_reaped++ & c->mask];
	copy->has_failed = *has_failed;
	*has_failed = false;
	return true;
}

static unsigned int
reap(struct copier *c, uint32_t first, unsigned int nb)
{
	unsigned int n;

	ring_doorbells(c);
	for (n = 0; n < nb && take_done(c, &c->ring[(first + n) & c->mask]); n++)
		;
	return n;
}

/* ---- telling ---- */

static int
check(struct copier *c, const struct flow_counts *counts)
{
	uint32_t nb_sent = 0, nb_reaped = 0;
	uint16_t i;

	RTE_SET_USED(counts);
	for (i = 0; i < c->nb_channels; i++) {
		nb_sent += c->channels[i].nb_sent;
		nb_reaped += c->channels[i].nb_reaped;
	}
	if (nb_sent != nb_reaped)
		return complain("dmadev %s: %u copies have not completed", c->name,
				nb_sent - nb_reaped);
	return 0;
}

static uint32_t
pasid(const struct copier *c, uint32_t flow)
{
	RTE_SET_USED(c);
	RTE_SET_USED(flow);
	return 0;
}

static void
describe(const struct copier *c, char *text, size_t size)
{
	snprintf(text, size, "dmadev: %s, %u channels", c->name, c->nb_channels);
}

const struct copier_ops copy_dmadev_ops = {
	.create = create,
	.memory = memory,
	.start = start,
	.submit = submit,
	.reap = reap,
	.stop = stop,
	.check = check,
	.pasid = pasid,
	.describe = describe,
	.free = free_copier,
};

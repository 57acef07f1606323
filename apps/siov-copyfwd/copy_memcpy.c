/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rte_memcpy on a second lcore: what the device is compared with. Copies go there through an
 * rte_ring; how many are done comes back as a number, which is less than a second ring would cost.
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_malloc.h>
#include <rte_memcpy.h>
#include <rte_pause.h>
#include <rte_prefetch.h>
#include <rte_ring.h>

#include "complain.h"
#include "copier.h"
#include "siov_compat.h"

#define CHUNK 32u

struct copier {
	struct copy *copies;
	uint32_t mask;
	struct rte_ring *ring;
	unsigned int lcore;
	bool yields;
	bool is_running;
	uint32_t seen; /* of nb_done; owner: the forwarder */
	SIOV_ATOMIC(uint32_t) stop;
	/* owner: the copying lcore */
	SIOV_ATOMIC(uint32_t) nb_done __attribute__((aligned(128)));
};

static int
create(const struct copier_conf *conf, struct copier **out)
{
	struct copier *c = rte_zmalloc("copier", sizeof(*c), 128);

	if (c == NULL)
		return complain("copier: too little memory");
	*out = c;
	c->copies = conf->ring;
	c->mask = conf->opts->ring_sz - 1;
	c->lcore = conf->lcore;
	c->yields = conf->yields;
	c->ring = rte_ring_create("copies", RTE_MAX(conf->opts->ring_sz, 2u), SOCKET_ID_ANY,
				  RING_F_SP_ENQ | RING_F_SC_DEQ | RING_F_EXACT_SZ);
	return c->ring != NULL ? 0 : complain("ring of copies: too little memory");
}

static void *
memory(struct copier *c)
{
	RTE_SET_USED(c);
	return NULL;
}

static unsigned int
copy_some(struct copier *c, uint32_t nb_done)
{
	void *chunk[CHUNK];
	unsigned int i, nb = rte_ring_sc_dequeue_burst(c->ring, chunk, CHUNK, NULL);

	for (i = 0; i < nb; i++)
		rte_prefetch0(((struct copy *)chunk[i])->src);
	for (i = 0; i < nb; i++) {
		const struct copy *copy = chunk[i];

		rte_memcpy(copy->dst, copy->src, copy->len);
	}
	if (nb > 0)
		siov_atomic_store(&c->nb_done, nb_done + nb,
				  release); /* pairs with reap's acquire */
	return nb;
}

static int
copy_main(void *arg)
{
	struct copier *c = arg;
	uint32_t nb_done = 0;

	while (!siov_atomic_load(&c->stop, relaxed)) {
		unsigned int nb = copy_some(c, nb_done);

		nb_done += nb;
		if (nb > 0)
			continue;
		if (c->yields)
			sched_yield();
		else
			rte_pause();
	}
	return 0;
}

static int
start(struct copier *c)
{
	if (rte_eal_remote_launch(copy_main, c, c->lcore) != 0)
		return complain("lcore %u is busy", c->lcore);
	c->is_running = true;
	return 0;
}

static unsigned int
submit(struct copier *c, uint32_t first, unsigned int nb)
{
	void *chunk[CHUNK];
	unsigned int i, sent = 0, n;

	do {
		unsigned int wanted = RTE_MIN(nb - sent, CHUNK);

		for (i = 0; i < wanted; i++)
			chunk[i] = &c->copies[(first + sent + i) & c->mask];
		n = rte_ring_sp_enqueue_burst(c->ring, chunk, wanted, NULL);
		sent += n;
	} while (n == CHUNK && sent < nb);
	return sent;
}

static unsigned int
reap(struct copier *c, uint32_t first, unsigned int nb)
{
	unsigned int nb_new = siov_atomic_load(&c->nb_done, acquire) - c->seen;

	RTE_SET_USED(first);
	nb_new = RTE_MIN(nb_new, nb);
	c->seen += nb_new;
	return nb_new;
}

static void
stop(struct copier *c)
{
	if (!c->is_running)
		return;
	siov_atomic_store(&c->stop, 1, relaxed);
	rte_eal_wait_lcore(c->lcore);
	c->is_running = false;
}

static int
check(struct copier *c, const struct flow_counts *counts)
{
	RTE_SET_USED(c);
	RTE_SET_USED(counts);
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
	snprintf(text, size, "memcpy: rte_memcpy on lcore %u, through an rte_ring", c->lcore);
}

static void
free_copier(struct copier *c)
{
	if (c == NULL)
		return;
	rte_ring_free(c->ring);
	rte_free(c);
}

const struct copier_ops copy_memcpy_ops = {
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

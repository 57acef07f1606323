/* SPDX-License-Identifier: BSD-3-Clause */
#include <rte_eal.h>
#include <rte_mbuf.h>
#include <rte_mbuf_pool_ops.h>
#include <rte_mempool.h>

#include "complain.h"
#include "pools.h"

#define CACHE 256u
#define QUEUES 4096u /* what two ports may hold in their queues */
#define PAGE UINT64_C(4096)

static uint32_t
count_mbufs(const struct options *o)
{
	return o->nb_mbufs != 0 ? o->nb_mbufs :
				  RTE_MAX(o->ring_sz, o->burst) + 2 * o->burst + 2 * CACHE + QUEUES;
}

/* A pool smaller than its cache would end up in one lcore's. */
static uint32_t
cache_size(uint32_t nb)
{
	return RTE_MIN(CACHE, nb / 4);
}

static uint32_t
elt_size(const struct options *o)
{
	return (uint32_t)sizeof(struct rte_mbuf) + RTE_PKTMBUF_HEADROOM + o->mbuf_sz;
}

static uint64_t
pool_bytes(const struct options *o)
{
	uint64_t bytes = (uint64_t)count_mbufs(o) * rte_mempool_calc_obj_size(elt_size(o), 0, NULL);

	/* No object crosses a large page, where these are not contiguous. */
	return RTE_ALIGN_CEIL(bytes + bytes / 16, PAGE);
}

uint64_t
pools_bytes(const struct options *o)
{
	return 2 * pool_bytes(o);
}

static bool
is_one_piece(void)
{
	return rte_eal_iova_mode() == RTE_IOVA_VA;
}

/* In one piece where devices use virtual addresses, else by pages that are contiguous. */
static int
populate(struct rte_mempool *mp, void *memory, uint64_t len)
{
	if (is_one_piece())
		return rte_mempool_populate_iova(mp, memory, (uintptr_t)memory, len, NULL, NULL);
	return rte_mempool_populate_virt(mp, memory, len, PAGE, NULL, NULL);
}

static struct rte_mempool *
create_in(const char *name, const struct options *o, void *memory)
{
	const struct rte_pktmbuf_pool_private priv = {
		.mbuf_data_room_size = (uint16_t)(RTE_PKTMBUF_HEADROOM + o->mbuf_sz),
	};
	uint32_t nb = count_mbufs(o);
	struct rte_mempool *mp = rte_mempool_create_empty(
		name, nb, elt_size(o), cache_size(nb), sizeof(priv), SOCKET_ID_ANY,
		is_one_piece() ? RTE_MEMPOOL_F_NO_IOVA_CONTIG : 0);
	struct rte_pktmbuf_pool_private init = priv;

	if (mp == NULL)
		return NULL;
	if (rte_mempool_set_ops_byname(mp, rte_mbuf_best_mempool_ops(), NULL) != 0)
		goto fail;
	rte_pktmbuf_pool_init(mp, &init);
	if (populate(mp, memory, pool_bytes(o)) < 0 || mp->populated_size < nb)
		goto fail;
	rte_mempool_obj_iter(mp, rte_pktmbuf_init, NULL);
	return mp;
fail:
	rte_mempool_free(mp);
	return NULL;
}

static struct rte_mempool *
create(const char *name, const struct options *o, void *memory)
{
	uint32_t nb = count_mbufs(o);
	struct rte_mempool *mp;

	if (memory != NULL)
		mp = create_in(name, o, memory);
	else
		mp = rte_pktmbuf_pool_create(name, nb, cache_size(nb), 0,
					     (uint16_t)(RTE_PKTMBUF_HEADROOM + o->mbuf_sz),
					     SOCKET_ID_ANY);
	if (mp == NULL)
		complain("%u mbufs of %u bytes: too little memory", nb, o->mbuf_sz);
	return mp;
}

int
pools_create(struct pools *pools, const struct options *o, void *memory)
{
	void *second = memory != NULL ? (uint8_t *)memory + pool_bytes(o) : NULL;

	*pools = (struct pools){.rx = create("rx_mbufs", o, memory)};
	if (pools->rx != NULL)
		pools->tx = create("tx_mbufs", o, second);
	return pools->tx != NULL ? 0 : -1;
}

void
pools_free(struct pools *pools)
{
	rte_mempool_free(pools->tx);
	rte_mempool_free(pools->rx);
}

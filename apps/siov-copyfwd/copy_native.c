/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * This project's device: memory moves through a shared work queue by ENQCMD, under the PASID of
 * each packet's flow.
 *
 *     guest memory   completion records, one an entry of the ring | pools of mbufs
 *                    in one address space, to which all flows' PASIDs are bound
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_errno.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_malloc.h>

#include "complain.h"
#include "copier.h"
#include "flows.h"
#include "siov_gmem.h"

#define CHUNK 32u /* completions looked at together */
#define LOOKS_MAX 64u /* at a chunk that is not complete, before what is there is taken */
#define DRAIN_MS 5000u
#define ATC_PER_FLOW 16u /* entries of the translation cache: large pages of both pools */
#define PASID_FIRST 1u

struct record {
	SIOV_ATOMIC(uint64_t) word0; /* status, result, bytes completed; 0: not written yet */
	uint64_t fault_addr;
	uint64_t word[2];
};

SIOV_STATIC_ASSERT(sizeof(struct record) == SIOV_COMP_SIZE, "a completion record");

struct copier {
	/* const while packets are forwarded */
	const struct options *opts;
	struct copy *ring;
	struct record *records;
	uint64_t records_iova;
	uint64_t to_iova; /* from an address of the host to one of the device */
	uint32_t mask;
	struct siov_portal **portals; /* by flow */
	/* owner: the forwarder */
	unsigned int nb_looks __rte_cache_aligned;
	uint64_t nb_told; /* failures that were told one by one */
	struct dsa_hw_desc desc __attribute__((aligned(64)));
	/* control */
	unsigned int lcore;
	bool yields;
	bool is_running;
	struct siov_dev *dev;
	struct siov_gmem *gmem;
	struct siov_lane *lane;
	uint32_t nb_bound;
	SIOV_ATOMIC(uint32_t) stop;
};

/* ---- life ---- */

static int
complain_error(const char *what, int err)
{
	return complain("%s: %s", what, rte_strerror(-err));
}

static int
create_dev(struct copier *c)
{
	struct siov_dev_conf conf;
	char why[256];
	int ret;

	siov_dev_conf_init(&conf);
	conf.wqs[0].size = c->opts->wq_sz;
	conf.wqs[0].lanes_max = 1;
	conf.atc_entries = RTE_MIN(
		RTE_MAX(conf.atc_entries, rte_align32pow2(c->opts->nb_flows * ATC_PER_FLOW)),
		SIOV_DEV_ATC_MAX);
	if (siov_dev_conf_check(&conf, why, sizeof(why)) != 0)
		return complain("device: %s", why);
	ret = siov_dev_create(&conf, &c->dev);
	return ret == 0 ? 0 : complain_error("device", ret);
}

static uint64_t
records_bytes(const struct copier *c)
{
	return RTE_ALIGN_CEIL((uint64_t)c->opts->ring_sz * sizeof(struct record), UINT64_C(4096));
}

static int
create_memory(struct copier *c, uint64_t pools_bytes)
{
	struct siov_gmem_conf conf;
	uint32_t i;
	int ret;

	siov_gmem_conf_init(&conf);
	conf.size = records_bytes(c) + pools_bytes;
	conf.kind = c->opts->iommu;
	ret = siov_gmem_create(c->dev, &conf, &c->gmem);
	if (ret != 0)
		return complain_error("packet memory", ret);
	c->records = siov_gmem_hva(c->gmem);
	c->records_iova = siov_gmem_iova(c->gmem);
	c->to_iova = c->records_iova - (uintptr_t)c->records;
	for (i = 0; i < c->opts->nb_flows; i++) {
		ret = siov_gmem_bind(c->gmem, PASID_FIRST + i);
		if (ret != 0)
			return complain_error("PASIDs", ret);
		c->nb_bound++;
	}
	return 0;
}

static int
open_portals(struct copier *c)
{
	uint32_t i;
	int ret;

	c->portals = calloc(c->opts->nb_flows, sizeof(c->portals[0]));
	if (c->portals == NULL)
		return complain("portals: too little memory");
	ret = siov_dev_enable(c->dev);
	if (ret == 0)
		ret = siov_dev_attach(c->dev, 0, 0, &c->lane);
	for (i = 0; i < c->opts->nb_flows && ret == 0; i++)
		ret = siov_dev_portal_open(c->dev, c->lane, PASID_FIRST + i, SIOV_PORTAL_F_PASID,
					   &c->portals[i]);
	return ret == 0 ? 0 : complain_error("portals", ret);
}

static int
create(const struct copier_conf *conf, struct copier **out)
{
	struct copier *c = rte_zmalloc("copier", sizeof(*c), RTE_CACHE_LINE_SIZE);

	if (c == NULL)
		return complain("copier: too little memory");
	*out = c;
	c->opts = conf->opts;
	c->ring = conf->ring;
	c->mask = conf->opts->ring_sz - 1;
	c->lcore = conf->lcore;
	c->yields = conf->yields;
	c->desc.opcode = DSA_OPCODE_MEMMOVE;
	c->desc.flags = IDXD_OP_FLAG_CRAV | IDXD_OP_FLAG_RCR;
	if (create_dev(c) != 0 || create_memory(c, conf->pools_bytes) != 0)
		return -1;
	return open_portals(c);
}

static void *
memory(struct copier *c)
{
	return (uint8_t *)c->records + records_bytes(c);
}

static int
engine_main(void *arg)
{
	struct copier *c = arg;

	siov_dev_run_engine(siov_dev_engine(c->dev, 0), &c->stop, c->yields);
	return 0;
}

static int
start(struct copier *c)
{
	if (rte_eal_remote_launch(engine_main, c, c->lcore) != 0)
		return complain("lcore %u is busy", c->lcore);
	c->is_running = true;
	return 0;
}

static void
stop(struct copier *c)
{
	int ret;

	if (!c->is_running)
		return;
	ret = siov_dev_disable(c->dev, DRAIN_MS);
	if (ret != 0)
		complain_error("queue cannot be drained", ret);
	siov_atomic_store(&c->stop, 1, release);
	rte_eal_wait_lcore(c->lcore);
	c->is_running = false;
}

static void
free_copier(struct copier *c)
{
	uint32_t i;
	int ret = 0;

	if (c == NULL)
		return;
	if (c->lane != NULL)
		siov_dev_detach(c->dev, c->lane, DRAIN_MS);
	for (i = 0; i < c->nb_bound; i++)
		siov_gmem_unbind(c->gmem, PASID_FIRST + i);
	ret = siov_gmem_free(c->gmem);
	if (ret != 0)
		complain_error("packet memory", ret);
	siov_dev_free(c->dev);
	free(c->portals);
	rte_free(c);
}

/* ---- packets ---- */

static unsigned int
submit(struct copier *c, uint32_t first, unsigned int nb)
{
	struct dsa_hw_desc *desc = &c->desc;
	unsigned int i;

	for (i = 0; i < nb; i++) {
		uint32_t slot = (first + i) & c->mask;
		const struct copy *copy = &c->ring[slot];

		siov_atomic_store(&c->records[slot].word0, 0, relaxed);
		desc->completion_addr = c->records_iova + slot * sizeof(c->records[0]);
		desc->src_addr = (uintptr_t)copy->src + c->to_iova;
		desc->dst_addr = (uintptr_t)copy->dst + c->to_iova;
		desc->xfer_size = copy->len;
		if (siov_enqcmd(c->portals[copy->flow], desc) != SIOV_DMWR_SUCCESS)
			break;
	}
	return i;
}

/* Not a success of the whole length. */
static void __rte_noinline
note_failure(struct copier *c, uint32_t slot, uint64_t word0)
{
	struct copy *copy = &c->ring[slot];

	copy->has_failed = true;
	if (c->nb_told++ == 0)
		complain("PASID %u: a copy of %u bytes failed with status 0x%02x at 0x%" PRIx64,
			 PASID_FIRST + copy->flow, copy->len, (unsigned int)(word0 & 0xff),
			 c->records[slot].fault_addr);
}

/*
 * Whether to look away from completions that may just be being written: two cores that touch the
 * same line cost each other dearly. The youngest of a chunk is asked for, a bounded number of times.
 */
static inline bool
is_unripe(struct copier *c, uint32_t first, unsigned int nb)
{
	const struct record *youngest = &c->records[(first + RTE_MIN(nb, CHUNK) - 1) & c->mask];

	/* On a shared CPU nobody writes while we look. */
	if (c->yields || c->nb_looks == LOOKS_MAX ||
	    siov_atomic_load(&youngest->word0, relaxed) != 0)
		return false;
	c->nb_looks++;
	return true;
}

static unsigned int
reap(struct copier *c, uint32_t first, unsigned int nb)
{
	unsigned int n;

	if (nb == 0 || is_unripe(c, first, nb))
		return 0;
	c->nb_looks = 0;
	for (n = 0; n < nb; n++) {
		uint32_t slot = (first + n) & c->mask;
		/* Pairs with the device's release of the record. */
		uint64_t word0 = siov_atomic_load(&c->records[slot].word0, acquire);

		if (word0 == 0)
			break;
		if (unlikely((word0 & 0xff) != DSA_COMP_SUCCESS))
			note_failure(c, slot, word0);
	}
	return n;
}

/* ---- telling ---- */

/* Each flow's copies are what its PASID had accepted and completed; its retries, what it was told. */
static int
check(struct copier *c, const struct flow_counts *counts)
{
	uint32_t i;

	for (i = 0; i < c->opts->nb_flows; i++) {
		const struct siov_portal *portal = c->portals[i];
		uint64_t accepted = siov_portal_count(portal, SIOV_DMWR_SUCCESS), refused = 0;
		struct siov_stats stats;
		unsigned int answer;

		for (answer = SIOV_DMWR_SUCCESS + 1; answer < SIOV_DMWR_NB; answer++)
			refused += siov_portal_count(portal, (enum siov_dmwr)answer);
		if (siov_dev_stats(c->dev, 0, PASID_FIRST + i, &stats) != 0)
			return complain("PASID %u: no counts", PASID_FIRST + i);
		if (accepted != counts[i].copies || refused != counts[i].retries ||
		    stats.completed + stats.failed != accepted)
			return complain("PASID %u: %" PRIu64 " copies and %" PRIu64
					" retries, but the device has %" PRIu64
					" accepted, %" PRIu64 " completed, %" PRIu64 " retries",
					PASID_FIRST + i, counts[i].copies, counts[i].retries,
					accepted, stats.completed + stats.failed, refused);
	}
	return 0;
}

static uint32_t
pasid(const struct copier *c, uint32_t flow)
{
	RTE_SET_USED(c);
	return PASID_FIRST + flow;
}

static void
describe(const struct copier *c, char *text, size_t size)
{
	snprintf(
		text, size,
		"native: memmove by enqcmd, shared queue of %u, one engine on lcore %u, --iommu=%s",
		c->opts->wq_sz, c->lcore, options_iommu_name(c->opts->iommu));
}

const struct copier_ops copy_native_ops = {
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

/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include <rte_launch.h>

#include "bench.h"
#include "bench_dev.h"

static int
run_engine(void *arg)
{
	struct bench_dev *bd = arg;

	siov_dev_run_engine(siov_dev_engine(bd->dev, 0), &bd->stop, bench_opt->shares_cpus);
	return 0;
}

static void
free_all(struct bench_dev *bd)
{
	uint32_t p;

	for (p = 1; p <= bd->nb_pasids; p++)
		siov_gmem_unbind(bd->gmem, p);
	siov_gmem_free(bd->gmem);
	siov_prq_free(bd->prq);
	siov_dev_free(bd->dev);
	siov_ir_free(bd->ir);
	bd->dev = NULL;
}

bool
bench_dev_start(struct bench_dev *bd, uint32_t entries, uint64_t mem_bytes, uint32_t nb_pasids)
{
	return bench_dev_start_kind(bd, entries, mem_bytes, nb_pasids, SIOV_DOMAIN_SECOND_STAGE);
}

/* What a device is made for. */
struct purpose {
	uint32_t entries;
	uint64_t mem_bytes;
	uint32_t nb_pasids;
	enum siov_domain_kind kind;
	bool has_prq;
	bool has_ir;
	bool has_stamps;
};

static bool
make_memory(struct bench_dev *bd, const struct purpose *purpose)
{
	const struct siov_prq_conf prq_conf = {.entries = 64};
	struct siov_gmem_conf conf;

	if (purpose->has_prq && siov_prq_create(siov_dev_iommu(bd->dev), &prq_conf, &bd->prq) != 0)
		return false;
	siov_gmem_conf_init(&conf);
	conf.size = purpose->mem_bytes;
	conf.kind = purpose->kind;
	conf.prq = bd->prq;
	/* Whose pages come and go has small ones. */
	conf.page_shift = purpose->has_prq ? 12 : conf.page_shift;
	return siov_gmem_create(bd->dev, &conf, &bd->gmem) == 0;
}

static bool
make_ir(struct bench_dev *bd, struct siov_dev_conf *conf)
{
	struct siov_ir_conf ir_conf;

	siov_ir_conf_init(&ir_conf);
	if (siov_ir_create(&ir_conf, &bd->ir) != 0)
		return false;
	conf->ir = bd->ir;
	conf->nb_ims = 65536;
	return true;
}

static bool
start(struct bench_dev *bd, const struct purpose *purpose)
{
	struct siov_dev_conf conf;

	memset(bd, 0, sizeof(*bd));
	siov_dev_conf_init(&conf);
	conf.wqs[0].size = purpose->entries;
	conf.wqs[0].flags = (purpose->has_prq ? SIOV_WQ_F_BOF : 0) |
			    (purpose->has_stamps ? SIOV_WQ_F_STAMPS : 0);
	if ((purpose->has_ir && !make_ir(bd, &conf)) || siov_dev_create(&conf, &bd->dev) != 0 ||
	    !make_memory(bd, purpose))
		goto fail;
	for (; bd->nb_pasids < purpose->nb_pasids; bd->nb_pasids++) {
		if (siov_gmem_bind(bd->gmem, bd->nb_pasids + 1) != 0)
			goto fail;
	}
	bd->hva = siov_gmem_hva(bd->gmem);
	bd->iova = siov_gmem_iova(bd->gmem);
	if (siov_dev_enable(bd->dev) != 0 ||
	    rte_eal_remote_launch(run_engine, bd, bench_engine_lcore()) != 0)
		goto fail;
	return true;
fail:
	free_all(bd);
	return false;
}

bool
bench_dev_start_kind(struct bench_dev *bd, uint32_t entries, uint64_t mem_bytes, uint32_t nb_pasids,
		     enum siov_domain_kind kind)
{
	const struct purpose purpose = {
		.entries = entries,
		.mem_bytes = mem_bytes,
		.nb_pasids = nb_pasids,
		.kind = kind,
	};

	return start(bd, &purpose);
}

bool
bench_dev_start_prq(struct bench_dev *bd, uint32_t entries, uint64_t mem_bytes,
		    struct siov_prq **prq)
{
	const struct purpose purpose = {
		.entries = entries,
		.mem_bytes = mem_bytes,
		.nb_pasids = 1,
		.kind = SIOV_DOMAIN_NESTED,
		.has_prq = true,
	};

	if (!start(bd, &purpose))
		return false;
	*prq = bd->prq;
	return true;
}

bool
bench_dev_start_stamped(struct bench_dev *bd, uint32_t entries, uint64_t mem_bytes,
			uint32_t nb_pasids)
{
	const struct purpose purpose = {
		.entries = entries,
		.mem_bytes = mem_bytes,
		.nb_pasids = nb_pasids,
		.kind = SIOV_DOMAIN_SECOND_STAGE,
		.has_stamps = true,
	};

	return start(bd, &purpose);
}

bool
bench_dev_start_ir(struct bench_dev *bd, uint32_t entries, uint64_t mem_bytes, uint32_t nb_pasids)
{
	const struct purpose purpose = {
		.entries = entries,
		.mem_bytes = mem_bytes,
		.nb_pasids = nb_pasids,
		.kind = SIOV_DOMAIN_SECOND_STAGE,
		.has_ir = true,
	};

	return start(bd, &purpose);
}

static bool
adds_up(struct siov_dev *dev, uint64_t nb)
{
	struct siov_stats *stats = calloc(1, sizeof(*stats));
	bool ok = stats != NULL && siov_dev_wq_stats(dev, 0, stats) == 0 &&
		  stats->submitted[SIOV_DMWR_SUCCESS] == nb && stats->completed == nb &&
		  stats->failed == 0 && stats->aborted == 0;

	free(stats);
	return ok;
}

void
bench_dev_abandon(struct bench_dev *bd)
{
	siov_atomic_store(&bd->stop, 1, relaxed);
	rte_eal_wait_lcore(bench_engine_lcore());
	free_all(bd);
}

bool
bench_dev_stop(struct bench_dev *bd, uint64_t nb)
{
	bool ok;

	siov_atomic_store(&bd->stop, 1, relaxed);
	rte_eal_wait_lcore(bench_engine_lcore());
	ok = adds_up(bd->dev, nb);
	free_all(bd);
	return ok;
}

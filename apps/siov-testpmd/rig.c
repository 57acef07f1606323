/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>

#include <rte_errno.h>
#include <rte_launch.h>
#include <rte_lcore.h>

#include "complain.h"
#include "rig.h"
#include "siov_dev_adi.h"
#include "siov_hist.h"

static int
complain_error(const char *what, int err)
{
	if (err == -ENOMEM)
		return complain("%s: too little memory; free hugepages, or EAL's -m with "
				"--no-huge, give more",
				what);
	return complain("%s: %s", what, rte_strerror(-err));
}

/* What the options leave to the number of lcores. */
static void
complete_conf(const struct options *o, const struct placement *p, struct siov_dev_conf *conf)
{
	bool is_free = o->config_file == NULL && o->nb_wq_texts == 0;
	unsigned int i;

	*conf = o->dev;
	if (is_free && o->submit == SUBMIT_MOVDIR64B) {
		conf->nb_wqs = RTE_MIN(p->nb_submitters, SIOV_DEV_WQS_MAX);
		for (i = 0; i < conf->nb_wqs; i++) {
			conf->wqs[i] = o->dev.wqs[0];
			conf->wqs[i].mode = SIOV_WQ_DEDICATED;
			conf->wqs[i].lanes_max = 1;
			conf->wqs[i].pasid = 0;
		}
		options_name_pasids(conf);
	}
	for (i = 0; i < conf->nb_wqs && o->config_file == NULL; i++) {
		if (conf->wqs[i].mode == SIOV_WQ_SHARED)
			conf->wqs[i].lanes_max = RTE_MAX(conf->wqs[i].lanes_max, p->nb_submitters);
	}
	if (o->config_file == NULL)
		options_deal_engines(conf, p->nb_engines);
}

static int
create_dev(struct rig *rig, const struct options *o)
{
	struct siov_dev_conf conf;
	struct siov_dev *dev;
	char why[512];
	int ret;

	complete_conf(o, rig->placement, &conf);
	conf.iommu = rig->iommu;
	conf.ir = rig->ir;
	if (siov_dev_conf_check(&conf, why, sizeof(why)) != 0)
		return complain("device: %s", why);
	ret = siov_dev_create(&conf, &dev);
	if (ret != 0)
		return complain_error("device", ret);
	rig->dev = dev;
	ret = host_create(&rig->host, dev, rig->ir, RIG_IR_ENTRIES, rig->loop);
	if (ret != 0)
		return complain_error("host driver", ret);
	ret = siov_dev_adi_make_rows(dev);
	return ret == 0 ? 0 : complain_error("ADIs of --config", ret);
}

static void *
control_main(void *arg)
{
	struct rig *rig = arg;
	int ret = siov_loop_run(rig->loop);

	if (ret != 0)
		complain("control: %s", rte_strerror(-ret));
	return NULL;
}

static int
start_control(struct rig *rig)
{
	int ret = siov_loop_add_dev(rig->loop, rig->dev, &rig->source);

	if (ret != 0)
		return complain_error("control thread", ret);
	ret = pthread_create(&rig->control, NULL, control_main, rig);
	if (ret != 0)
		return complain("control thread: %s", strerror(ret));
	rig->has_control = true;
	return 0;
}

static void
free_dev(struct rig *rig)
{
	struct siov_dev *dev = rig->dev;

	rig_stop_engines(rig);
	host_free(&rig->host);
	siov_loop_remove(rig->source);
	rig->source = NULL;
	if (rig->has_control) {
		siov_loop_stop(rig->loop);
		pthread_join(rig->control, NULL);
		rig->has_control = false;
	}
	rig->dev = NULL;
	siov_dev_free(dev);
}

#define FIRST_VECTOR 32u
#define VECTORS 224u

/* Entries that any message may name. */
static int
create_ir(struct rig *rig)
{
	struct siov_ir_entry entry = {.svt = SIOV_IR_SVT_NONE};
	struct siov_ir_conf conf;
	uint32_t i;
	int ret;

	siov_ir_conf_init(&conf);
	conf.iommu = rig->iommu;
	conf.nb_entries = HOST_IR_ENTRIES;
	conf.max_dests = SIOV_IR_DESTS_MAX;
	ret = siov_ir_create(&conf, &rig->ir);
	if (ret == 0)
		ret = siov_intr_dest_create(rig->ir, 0, &entry.dest);
	for (i = 0; i < RIG_IR_ENTRIES && ret == 0; i++) {
		entry.vector = (uint8_t)(FIRST_VECTOR + i % VECTORS);
		ret = siov_ir_set(rig->ir, i, &entry);
	}
	return ret == 0 ? 0 : complain_error("interrupt remapping", ret);
}

int
rig_create(struct rig *rig, const struct options *o, const struct placement *placement)
{
	struct siov_iommu_conf conf;
	int ret;

	*rig = (struct rig){.placement = placement};
	siov_iommu_conf_init(&conf);
	ret = siov_iommu_create(&conf, &rig->iommu);
	if (ret != 0)
		return complain_error("platform", ret);
	ret = siov_loop_create(NULL, &rig->loop);
	if (ret != 0)
		return complain_error("control loop", ret);
	ret = create_ir(rig);
	if (ret == 0)
		ret = create_dev(rig, o);
	return ret == 0 ? start_control(rig) : ret;
}

void
rig_free(struct rig *rig)
{
	free_dev(rig);
	siov_loop_free(rig->loop);
	siov_ir_free(rig->ir);
	siov_iommu_free(rig->iommu);
}

int
rig_rebuild(struct rig *rig, const struct options *o)
{
	int ret;

	free_dev(rig);
	ret = create_dev(rig, o);
	return ret == 0 ? start_control(rig) : ret;
}

/* On the engine's lcore. */
static int
engine_main(void *arg)
{
	struct rig *rig = arg;
	const struct placement *p = rig->placement;
	unsigned int i;

	for (i = 0; i < p->nb_engines && p->engines[i].id != rte_lcore_id(); i++)
		;
	siov_dev_run_engine(siov_dev_engine(rig->dev, i), &rig->stop_engines, p->engines[i].yields);
	return 0;
}

int
rig_start_engines(struct rig *rig)
{
	const struct placement *p = rig->placement;
	unsigned int i;

	if (rig->engines_run)
		return 0;
	siov_atomic_store(&rig->stop_engines, 0, relaxed);
	rig->engines_run = true;
	for (i = 0; i < p->nb_engines; i++) {
		int ret = rte_eal_remote_launch(engine_main, rig, p->engines[i].id);

		if (ret != 0)
			return complain("engine %u: lcore %u is busy", i, p->engines[i].id);
	}
	return 0;
}

void
rig_stop_engines(struct rig *rig)
{
	const struct placement *p = rig->placement;
	unsigned int i;

	if (!rig->engines_run)
		return;
	siov_atomic_store(&rig->stop_engines, 1, release);
	for (i = 0; i < p->nb_engines; i++)
		rte_eal_wait_lcore(p->engines[i].id);
	rig->engines_run = false;
}

uint64_t
rig_bytes(const struct options *o)
{
	uint64_t nb_engines = RTE_MAX(o->nb_engines, 2u);
	uint64_t bytes = UINT64_C(64) << 20;
	unsigned int i;

	/* Histograms, failure counts, translation cache; records and portals of each PASID. */
	bytes += nb_engines * ((uint64_t)o->dev.nb_latency * sizeof(struct siov_hist) +
			       (uint64_t)o->dev.atc_entries * 64 + (UINT64_C(1) << 20));
	bytes += (uint64_t)o->nb_pasids * (64 * (nb_engines + 1) + 256);
	/* Lanes: slots and stamps; submitters are few, but not known yet. */
	for (i = 0; i < o->dev.nb_wqs; i++) {
		uint64_t lanes = RTE_MIN(o->dev.wqs[i].lanes_max, 8u);

		lanes = RTE_MAX(lanes, o->nb_submitters);
		bytes += lanes * 2 * o->dev.wqs[i].size * 72 + nb_engines * (UINT64_C(1) << 20);
	}
	return bytes;
}

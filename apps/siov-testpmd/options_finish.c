/* SPDX-License-Identifier: BSD-3-Clause */
/* What follows from the options given: queues, defaults of the workload, contradictions. */
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "complain.h"
#include "options.h"
#include "ptest.h"
#include "siov_config.h"
#include "work_op.h"

#define PRS_QDEPTH 32u
#define LATENCY_PASIDS_MIN 64u
#define LATENCY_PASIDS_MAX 4096u /* 4 KiB each, for each engine */

/* ---- --wq ---- */

struct wq_key {
	const char *name;
	size_t offset;
	uint64_t max;
};

static const struct wq_key wq_keys[] = {
	{"size", offsetof(struct siov_dev_wq_conf, size), SIOV_WQ_SIZE_MAX},
	{"threshold", offsetof(struct siov_dev_wq_conf, threshold), SIOV_WQ_SIZE_MAX},
	{"group", offsetof(struct siov_dev_wq_conf, group), SIOV_DEV_GROUPS_MAX - 1},
	{"priority", offsetof(struct siov_dev_wq_conf, priority), 15},
};

static int
set_wq_mode(struct siov_dev_wq_conf *wq, const char *mode)
{
	if (strcmp(mode, "shared") == 0) {
		wq->mode = SIOV_WQ_SHARED;
		return 0;
	}
	if (strcmp(mode, "dedicated") != 0)
		return -EINVAL;
	wq->mode = SIOV_WQ_DEDICATED;
	wq->lanes_max = 1;
	return 0;
}

static int
set_wq_key(struct siov_dev_wq_conf *wq, const char *key, const char *value)
{
	unsigned int i;

	if (strcmp(key, "mode") == 0)
		return set_wq_mode(wq, value);
	for (i = 0; i < RTE_DIM(wq_keys); i++) {
		const struct sweep_limits limits = {.max = wq_keys[i].max, .k = 1024};
		uint64_t number;

		if (strcmp(key, wq_keys[i].name) != 0)
			continue;
		if (number_parse(value, &limits, &number) != 0)
			return -ERANGE;
		*(uint32_t *)(void *)((char *)wq + wq_keys[i].offset) = (uint32_t)number;
		return 0;
	}
	return -ENOENT;
}

/* The queue that a text speaks of; one beyond the last is made. NULL: no such number. */
static struct siov_dev_wq_conf *
find_wq(struct siov_dev_conf *dev, const char *id_text)
{
	const struct sweep_limits limits = {.max = SIOV_DEV_WQS_MAX - 1, .k = 1024};
	uint64_t id;

	if (number_parse(id_text, &limits, &id) != 0 || id > dev->nb_wqs)
		return NULL;
	if (id == dev->nb_wqs) {
		siov_dev_wq_conf_init(&dev->wqs[id]);
		dev->nb_wqs++;
	}
	return &dev->wqs[id];
}

int
options_add_wq(struct options *o, const char *text)
{
	size_t len = strlen(text);

	if (len >= OPTIONS_WQ_TEXT)
		return -EINVAL;
	if (o->nb_wq_texts == SIOV_DEV_WQS_MAX)
		return -ERANGE;
	memcpy(o->wq_text[o->nb_wq_texts++], text, len + 1);
	return 0;
}

/* 0 or -1 after one line. */
static int
apply_wq(struct siov_dev_conf *dev, const char *text)
{
	struct siov_dev_wq_conf *wq;
	char copy[OPTIONS_WQ_TEXT];
	char *rest = copy;
	const char *id;

	memcpy(copy, text, strlen(text) + 1);
	id = strsep(&rest, ",");
	wq = find_wq(dev, id);
	if (wq == NULL)
		return complain(
			"--wq=%s: queue %s; allowed: 0 to %u (the next new one), at most %u", text,
			id, dev->nb_wqs, SIOV_DEV_WQS_MAX);
	while (rest != NULL) {
		char *key = strsep(&rest, ",");
		char *equals = strchr(key, '=');

		if (equals != NULL)
			*equals = '\0';
		if (equals != NULL && set_wq_key(wq, key, equals + 1) == 0)
			continue;
		return complain("--wq=%s: %s%s%s; allowed: mode=shared|dedicated, size=1..%u, "
				"threshold=0..size, group=0..%u, priority=1..15",
				text, key, equals != NULL ? "=" : "",
				equals != NULL ? equals + 1 : "", SIOV_WQ_SIZE_MAX,
				SIOV_DEV_GROUPS_MAX - 1);
	}
	return 0;
}

/* ---- device ---- */

static bool
is_pasid_taken(const struct siov_dev_conf *dev, uint32_t pasid)
{
	unsigned int i;

	for (i = 0; i < dev->nb_wqs; i++) {
		if (dev->wqs[i].mode == SIOV_WQ_DEDICATED && dev->wqs[i].pasid == pasid)
			return true;
	}
	return false;
}

/* A dedicated queue whose PASID nobody named gets the lowest that is left. */
void
options_name_pasids(struct siov_dev_conf *dev)
{
	uint32_t next = 1;
	unsigned int i;

	for (i = 0; i < dev->nb_wqs; i++) {
		struct siov_dev_wq_conf *wq = &dev->wqs[i];

		if (wq->mode != SIOV_WQ_DEDICATED || wq->pasid != 0)
			continue;
		while (is_pasid_taken(dev, next))
			next++;
		wq->pasid = next;
	}
}

/* Groups that have queues, in group[]; returns how many. */
static unsigned int
list_groups(const struct siov_dev_conf *dev, uint32_t *group)
{
	bool is_used[SIOV_DEV_GROUPS_MAX] = {false};
	unsigned int i, nb = 0;

	for (i = 0; i < dev->nb_wqs; i++) {
		if (dev->wqs[i].group < SIOV_DEV_GROUPS_MAX)
			is_used[dev->wqs[i].group] = true;
	}
	for (i = 0; i < SIOV_DEV_GROUPS_MAX; i++) {
		if (is_used[i])
			group[nb++] = i;
	}
	return nb;
}

void
options_deal_engines(struct siov_dev_conf *dev, uint32_t nb_engines)
{
	uint32_t group[SIOV_DEV_GROUPS_MAX];
	unsigned int nb_groups = list_groups(dev, group);
	unsigned int i;

	dev->nb_engines = nb_engines;
	for (i = 0; i < nb_engines && nb_groups > 0; i++)
		dev->engines[i].group = group[i % nb_groups];
}

/* Everything but what depends on lcores. */
static int
make_dev_conf(struct options *o)
{
	struct siov_dev_conf *dev = &o->dev;
	char why[512];
	unsigned int i;

	siov_dev_conf_init(dev);
	if (o->profile != NULL)
		siov_dev_conf_profile(dev, o->profile);
	if (o->config_file != NULL && siov_config_load(o->config_file, dev, why, sizeof(why)) != 0)
		return complain("--config=%s: %s", o->config_file, why);
	for (i = 0; i < o->nb_wq_texts; i++) {
		if (apply_wq(dev, o->wq_text[i]) != 0)
			return -1;
	}
	/* Others are ADIs' to take. */
	if (o->submit == SUBMIT_MOVDIR64B)
		options_name_pasids(dev);
	dev->nb_adis = RTE_MAX(dev->nb_adis, o->nb_adis);
	if (o->via == VIA_VDEV) {
		dev->nb_adis = RTE_MAX(dev->nb_adis, o->nb_pasids);
		dev->nb_ims = RTE_MAX(dev->nb_ims, o->nb_pasids);
	}
	if (o->config_file == NULL) {
		uint32_t group[SIOV_DEV_GROUPS_MAX];

		options_deal_engines(dev,
				     o->nb_engines != 0 ? o->nb_engines : list_groups(dev, group));
	}
	if (o->is_given[OPT_ATC_ENTRIES])
		dev->atc_entries = o->atc_entries;
	o->atc_entries = dev->atc_entries;
	dev->nb_latency = RTE_MIN(RTE_MAX(o->nb_pasids, LATENCY_PASIDS_MIN), LATENCY_PASIDS_MAX);
	dev->flags |= SIOV_DEV_F_PRIV;
	for (i = 0; i < dev->nb_wqs && !o->no_latency; i++)
		dev->wqs[i].flags |= SIOV_WQ_F_STAMPS;
	for (i = 0; i < dev->nb_wqs && o->prs; i++)
		dev->wqs[i].flags |= SIOV_WQ_F_BOF;
	if (siov_dev_conf_check(dev, why, sizeof(why)) != 0)
		return complain("%s: %s", o->nb_wq_texts > 0 ? "--wq" : "device", why);
	return 0;
}

static unsigned int
count_wqs(const struct siov_dev_conf *dev, enum siov_wq_mode mode)
{
	unsigned int i, nb = 0;

	for (i = 0; i < dev->nb_wqs; i++)
		nb += dev->wqs[i].mode == mode;
	return nb;
}

/* ---- contradictions ---- */

static int
check_output(const struct options *o)
{
	if (o->json && o->csv && o->json_path == NULL && o->csv_path == NULL)
		return complain(
			"--json with --csv: both to stdout; allowed: one of them to a file");
	if (o->interactive &&
	    ((o->json && o->json_path == NULL) || (o->csv && o->csv_path == NULL)))
		return complain("-i with %s to stdout: the prompt is there; allowed: a file",
				o->json && o->json_path == NULL ? "--json" : "--csv");
	if (o->start && !o->interactive)
		return complain("-a: needs -i");
	if (o->data_file != NULL && (o->interactive || o->cmdline_file != NULL))
		return complain("--data with %s: allowed: one of them",
				o->interactive ? "-i" : "--cmdline-file");
	return 0;
}

/* ADIs and limits are of PASIDs on shared queues. */
static int
check_adis(const struct options *o)
{
	if (o->nb_adis != 0 && o->is_given[OPT_NB_PASIDS] && o->nb_pasids != o->nb_adis)
		return complain("--nb-adi=%u with --nb-pasids=%u: each PASID is an ADI; allowed: "
				"one of them",
				o->nb_adis, o->nb_pasids);
	if (o->submit == SUBMIT_MOVDIR64B && (o->nb_adis != 0 || qos_is_set(&o->qos)))
		return complain("%s with --submit=movdir64b: allowed: with enqcmd, enqcmds",
				o->nb_adis != 0        ? "--nb-adi" :
				o->qos.weights.nb != 0 ? "--pasid-weight" :
				o->qos.rates.nb != 0   ? "--pasid-rate" :
							 "--qos");
	return 0;
}

/* A guest has memory of its own, second-stage tables, and a context on a shared queue. */
static int
check_via(const struct options *o)
{
	const char *with = NULL;

	if (o->nb_vdevs != 0 && o->is_given[OPT_VIA] && o->via != VIA_VDEV)
		return complain("--nb-vdev=%u with --via=%s: allowed: with --via=vdev", o->nb_vdevs,
				options_via_name(o->via));
	if (o->nb_vdevs == 0 && o->via != VIA_VDEV)
		return 0;
	if (o->nb_vdevs != 0 && o->is_given[OPT_NB_PASIDS] && o->nb_pasids != o->nb_vdevs)
		return complain(
			"--nb-vdev=%u with --nb-pasids=%u: each PASID is a VDEV's; allowed: "
			"one of them",
			o->nb_vdevs, o->nb_pasids);
	if (o->submit != SUBMIT_ENQCMD)
		return complain("--submit=%s with --via=vdev: allowed: enqcmd",
				options_submit_name(o->submit));
	if (o->is_given[OPT_IOMMU] && o->iommu != SIOV_DOMAIN_SECOND_STAGE)
		return complain("--iommu=%s with --via=vdev: allowed: second",
				options_iommu_name(o->iommu));
	if (o->nb_adis != 0)
		with = "--nb-adi";
	else if (o->prs)
		with = "--prs";
	else if (o->qos.weights.nb != 0)
		with = "--pasid-weight";
	else if (o->qos.rates.nb != 0)
		with = "--pasid-rate";
	else if (o->qos.noise.nb != 0)
		with = "--pasid-noise";
	return with == NULL ? 0 : complain("%s with --via=vdev: allowed: with --via=adi", with);
}

static int
check_queues(const struct options *o)
{
	bool posts = o->submit == SUBMIT_MOVDIR64B;
	enum siov_wq_mode mode = posts ? SIOV_WQ_DEDICATED : SIOV_WQ_SHARED;
	unsigned int nb = count_wqs(&o->dev, mode);
	bool is_free = o->config_file == NULL && o->nb_wq_texts == 0;

	if (nb == 0 && !(posts && is_free))
		return complain("--submit=%s: no %s queue is configured",
				options_submit_name(o->submit), posts ? "dedicated" : "shared");
	if (posts && o->is_given[OPT_NB_PASIDS] && !is_free && o->nb_pasids != nb)
		return complain("--nb-pasids=%u with --submit=movdir64b: a dedicated queue has one "
				"PASID; allowed: %u",
				o->nb_pasids, nb);
	return 0;
}

/* Batches that every queue of a file takes. */
static int
check_batches(const struct options *o)
{
	uint64_t most = 0;
	unsigned int i;

	for (i = 0; i < o->batch_sz.nb; i++)
		most = RTE_MAX(most, o->batch_sz.v[i]);
	for (i = 0; i < o->dev.nb_wqs; i++) {
		if (most > 1 && most > o->dev.wqs[i].batch_max)
			return complain("--batch-sz=%" PRIu64
					": queue %u; allowed: 1 to its max_batch_size, %" PRIu32,
					most, i, o->dev.wqs[i].batch_max);
	}
	return 0;
}

static int
check_cores(const struct options *o)
{
	unsigned int i, j;

	if (o->submit_cores.nb != 0 && o->nb_submitters != 0 &&
	    o->submit_cores.nb != o->nb_submitters)
		return complain("--nb-submitters=%u with --submit-cores of %u lcores",
				o->nb_submitters, o->submit_cores.nb);
	if (o->engine_cores.nb != 0 && o->nb_engines != 0 && o->engine_cores.nb != o->nb_engines)
		return complain("--engine-cores has %u lcores and there are %u engines",
				o->engine_cores.nb, o->nb_engines);
	if (o->engine_cores.nb > SIOV_DEV_ENGINES_MAX)
		return complain("--engine-cores: %u lcores; allowed: at most %u",
				o->engine_cores.nb, SIOV_DEV_ENGINES_MAX);
	for (i = 0; i < o->submit_cores.nb; i++) {
		for (j = 0; j < o->engine_cores.nb; j++) {
			if (o->submit_cores.id[i] == o->engine_cores.id[j])
				return complain("lcore %u: in --submit-cores and --engine-cores",
						o->submit_cores.id[i]);
		}
	}
	return 0;
}

bool
options_iommu_has_tables(enum siov_domain_kind kind)
{
	return kind != SIOV_DOMAIN_PASS_THROUGH && kind != SIOV_DOMAIN_PROCESS;
}

bool
options_iommu_has_first(enum siov_domain_kind kind)
{
	return kind == SIOV_DOMAIN_FIRST_STAGE || kind == SIOV_DOMAIN_NESTED;
}

unsigned int
options_walk_loads(const struct options *o)
{
	unsigned int skipped = (o->page_shift - 12) / 9; /* levels below a large page */
	unsigned int first = o->levels - skipped, second = 4 - skipped;

	switch (o->iommu) {
	case SIOV_DOMAIN_FIRST_STAGE:
		return first;
	case SIOV_DOMAIN_SECOND_STAGE:
		return second;
	case SIOV_DOMAIN_NESTED:
		/* Each of the guest's tables, and then the page, is looked for by the second stage. */
		return first * (second + 1) + second;
	default:
		return 0;
	}
}

static int
check_mmu(const struct options *o)
{
	if (o->iommu == SIOV_DOMAIN_PASS_THROUGH && o->is_given[OPT_PAGE_SZ])
		return complain("--page-sz with --iommu=pt: pass-through has no pages");
	if (o->iommu == SIOV_DOMAIN_PROCESS && o->is_given[OPT_PAGE_SZ])
		return complain("--page-sz with --iommu=sva: the kernel chooses the pages of a "
				"process");
	if (!options_iommu_has_first(o->iommu) && o->is_given[OPT_LEVELS])
		return complain("--levels with --iommu=%s: allowed: with first, nested",
				options_iommu_name(o->iommu));
	if (!o->prs)
		return 0;
	if (!options_iommu_has_tables(o->iommu))
		return complain("--prs with --iommu=%s: it has no tables to map pages in; allowed: "
				"with first, second, nested",
				options_iommu_name(o->iommu));
	if (!o->op->has_data)
		return complain("--prs with --op=%s: it has no buffers to ask for", o->op->name);
	if (o->ptest == &ptest_verify || o->ptest == &ptest_data)
		return complain(
			"--prs with %s: allowed: with throughput, latency, retry, fairness, "
			"translate",
			o->ptest == &ptest_data ? "--data" : "--ptest=verify");
	return 0;
}

static int
check_workload(const struct options *o)
{
	bool is_open = o->arrival != ARRIVAL_CLOSED;

	if (o->data_file != NULL && (o->is_given[OPT_PTEST] || o->is_given[OPT_OP]))
		return complain("--data with %s: --data is a workload of its own, with copycrc",
				o->is_given[OPT_PTEST] ? "--ptest" : "--op");
	if (o->ptest != &ptest_retry && is_open && o->rate.nb == 0)
		return complain("--arrival=%s: needs --rate", options_arrival_name(o->arrival));
	if (!is_open && o->rate.nb != 0)
		return complain("--rate: needs --arrival=const or poisson");
	if (o->is_given[OPT_BUF_SZ] && !o->op->has_data)
		return complain("--buf-sz with --op=%s: it moves no bytes", o->op->name);
	if (o->is_given[OPT_BATCH_SZ] && (o->ptest == &ptest_verify || o->ptest == &ptest_data))
		return complain("--batch-sz with %s: allowed: with throughput, latency, retry, "
				"fairness, translate",
				o->ptest == &ptest_data ? "--data" : "--ptest=verify");
	if (check_mmu(o) != 0)
		return -1;
	return o->ptest->check != NULL ? o->ptest->check(o) : 0;
}

int
options_finish(const struct options *given, struct options *out)
{
	*out = *given;
	if (out->data_file != NULL)
		out->ptest = &ptest_data;
	if (check_adis(out) != 0 || check_via(out) != 0)
		return -1;
	if (out->nb_vdevs != 0) {
		out->via = VIA_VDEV;
		out->nb_pasids = out->nb_vdevs;
		out->is_given[OPT_NB_PASIDS] = true;
	}
	if (out->via == VIA_VDEV)
		out->iommu = SIOV_DOMAIN_SECOND_STAGE;
	if (out->nb_adis != 0) {
		out->nb_pasids = out->nb_adis;
		out->is_given[OPT_NB_PASIDS] = true;
	}
	if (out->ptest->tune != NULL)
		out->ptest->tune(out);
	/* One PASID's Retry must not hold up what its submitter has for the others. */
	if (qos_is_set(&out->qos) && !out->is_given[OPT_RETRY_POLICY])
		out->retry_policy = SIOV_BACKOFF_NONE;
	/* An engine parks so many operations of one PASID, and each may wait. */
	if (out->prs && !out->is_given[OPT_QDEPTH])
		out->qdepth = RTE_MIN(out->qdepth, PRS_QDEPTH);
	if (out->total_ops != 0 && !out->is_given[OPT_DURATION])
		out->duration_s = 0; /* until they are done */
	if (check_output(out) != 0 || check_workload(out) != 0 || make_dev_conf(out) != 0)
		return -1;
	if (out->config_file != NULL) {
		if (out->is_given[OPT_NB_ENGINES] && out->nb_engines != out->dev.nb_engines)
			return complain("--nb-engines=%u with --config: the file has %u engines",
					out->nb_engines, out->dev.nb_engines);
		out->nb_engines = out->dev.nb_engines;
	}
	return check_cores(out) != 0 || check_batches(out) != 0 ? -1 : check_queues(out);
}

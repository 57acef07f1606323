/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <rte_common.h>

#include "dev_conf_priv.h"

/* 2 MiB an engine: 65,536 PASIDs then cost what 64 do; with 16,384 entries it was twice as much. */
#define DEFAULT_ATC_ENTRIES 131072
#define DEFAULT_LATENCY 64u
#define DEFAULT_PAGE_TIMEOUT_MS 1000u
#define DEFAULT_BATCH 1024u
#define DEFAULT_MSIX 9u
#define DEFAULT_IMS 2048u
#define DEFAULT_ADIS 65536u
#define PRIORITY_MAX 15u

void
siov_dev_wq_conf_init(struct siov_dev_wq_conf *conf)
{
	*conf = (struct siov_dev_wq_conf){
		.mode = SIOV_WQ_SHARED,
		.size = 128,
		.priority = 1,
		.lanes_max = 128,
		.xfer_max = SIOV_DEV_XFER_MAX,
		.batch_max = DEFAULT_BATCH,
		.op_config = {UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX},
	};
}

void
conf_group_init(struct siov_dev_group_conf *group)
{
	*group = (struct siov_dev_group_conf){.traffic_class_a = -1, .traffic_class_b = -1};
}

void
siov_dev_conf_init(struct siov_dev_conf *conf)
{
	unsigned int i;

	memset(conf, 0, sizeof(*conf));
	snprintf(conf->name, sizeof(conf->name), "siov0");
	conf->nb_wqs = 1;
	conf->nb_engines = 1;
	for (i = 0; i < SIOV_DEV_WQS_MAX; i++)
		siov_dev_wq_conf_init(&conf->wqs[i]);
	for (i = 0; i < SIOV_DEV_GROUPS_MAX; i++)
		conf_group_init(&conf->groups[i]);
	conf->atc_entries = DEFAULT_ATC_ENTRIES;
	conf->nb_latency = DEFAULT_LATENCY;
	conf->page_timeout_ms = DEFAULT_PAGE_TIMEOUT_MS;
	conf->nb_msix = DEFAULT_MSIX;
	conf->nb_ims = DEFAULT_IMS;
	conf->nb_adis = DEFAULT_ADIS;
	conf->socket_id = -1;
}

static const struct conf_field dev_fields[] = {
	CONF_FIELD(siov_dev_conf, nb_wqs, 1, SIOV_DEV_WQS_MAX),
	CONF_FIELD(siov_dev_conf, nb_engines, 1, SIOV_DEV_ENGINES_MAX),
	CONF_FIELD(siov_dev_conf, atc_entries, SIOV_DEV_ATC_MIN, SIOV_DEV_ATC_MAX),
	CONF_FIELD(siov_dev_conf, nb_latency, 0, SIOV_DEV_LATENCY_MAX),
	CONF_FIELD(siov_dev_conf, page_timeout_ms, 1, SIOV_DEV_PAGE_TIMEOUT_MAX),
	CONF_FIELD(siov_dev_conf, nb_msix, 1, SIOV_DEV_MSIX_MAX),
	CONF_FIELD(siov_dev_conf, nb_ims, 0, SIOV_DEV_IMS_MAX),
	CONF_FIELD(siov_dev_conf, nb_adis, 1, SIOV_DEV_ADIS_MAX),
	CONF_FIELD(siov_dev_conf, profile, 0, SIOV_PROFILES - 1),
	CONF_FIELD(siov_dev_conf, read_buffer_limit, 0, SIOV_DEV_READ_BUFFERS_MAX),
	CONF_FIELD(siov_dev_conf, event_log_size, 0, SIOV_DEV_EVENT_LOG_MAX),
	CONF_FIELD(siov_dev_conf, number, 0, SIOV_DEV_NUMBER_MAX),
	CONF_FIELD(siov_dev_conf, nb_adi_rows, 0, SIOV_DEV_ADI_ROWS_MAX),
};

static const struct conf_field wq_fields[] = {
	CONF_FIELD(siov_dev_wq_conf, size, 1, SIOV_WQ_SIZE_MAX),
	CONF_FIELD(siov_dev_wq_conf, threshold, 0, SIOV_WQ_SIZE_MAX),
	CONF_FIELD(siov_dev_wq_conf, priority, 1, PRIORITY_MAX),
	CONF_FIELD(siov_dev_wq_conf, group, 0, SIOV_DEV_GROUPS_MAX - 1),
	CONF_FIELD(siov_dev_wq_conf, lanes_max, 1, SIOV_WQ_LANES_MAX),
	CONF_FIELD(siov_dev_wq_conf, pasid, 0, SIOV_PASID_MAX),
	CONF_FIELD(siov_dev_wq_conf, control_pasid, 0, SIOV_PASID_MAX),
	CONF_FIELD(siov_dev_wq_conf, xfer_max, 1, SIOV_DEV_XFER_MAX),
	CONF_FIELD(siov_dev_wq_conf, batch_max, 1, SIOV_DEV_BATCH_MAX),
	CONF_FIELD(siov_dev_wq_conf, prs_disable, 0, 1),
	CONF_FIELD(siov_dev_wq_conf, ats_disable, 0, 1),
	CONF_FIELD(siov_dev_wq_conf, is_unused, 0, 1),
};

static const struct conf_field adi_fields[] = {
	CONF_FIELD(siov_dev_adi_row, count, 1, SIOV_DEV_ADIS_MAX),
	CONF_FIELD(siov_dev_adi_row, nb_dwqs, 0, SIOV_ADI_DWQS_MAX),
	CONF_FIELD(siov_dev_adi_row, pasid, 0, SIOV_PASID_MAX),
	CONF_FIELD(siov_dev_adi_row, control_pasid, 0, SIOV_PASID_MAX),
	CONF_FIELD(siov_dev_adi_row, nb_messages, 0, SIOV_ADI_MESSAGES_MAX),
};

static int
check_name(const struct conf_reason *why, const struct siov_dev_conf *conf)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789_";
	size_t len = strnlen(conf->name, sizeof(conf->name));

	if (len == 0 || len == sizeof(conf->name) || strspn(conf->name, allowed) != len)
		return conf_refuse(why, -EINVAL,
				   "name '%.*s': allowed are 1 to %u letters, digits and '_'",
				   (int)len, conf->name, SIOV_DEV_NAME_LEN - 1);
	return 0;
}

static int
check_label(const struct conf_reason *why, const char *whose, const char *key, const char *text,
	    size_t len)
{
	if (!conf_is_label(text, len))
		return conf_refuse(why, -EINVAL, "%s%s: allowed are 0 to %zu printable characters",
				   whose, key, len - 1);
	return 0;
}

static int
check_labels(const struct conf_reason *why, const char *whose,
	     const struct siov_dev_wq_label *label)
{
	int ret;

	ret = check_label(why, whose, "type", label->type, sizeof(label->type));
	if (ret == 0)
		ret = check_label(why, whose, "name", label->name, sizeof(label->name));
	if (ret == 0)
		ret = check_label(why, whose, "driver", label->driver, sizeof(label->driver));
	return ret;
}

static int
check_wq(const struct conf_reason *why, const struct siov_dev_wq_conf *wq, unsigned int wq_id)
{
	char whose[32];
	int ret;

	snprintf(whose, sizeof(whose), "wq %u: ", wq_id);
	if (wq->mode != SIOV_WQ_SHARED && wq->mode != SIOV_WQ_DEDICATED)
		return conf_refuse(why, -EINVAL, "%smode %d: allowed are shared and dedicated",
				   whose, (int)wq->mode);
	ret = conf_check_fields(why, whose, wq, wq_fields, RTE_DIM(wq_fields));
	if (ret != 0)
		return ret;
	if (wq->threshold > wq->size)
		return conf_refuse(why, -ERANGE,
				   "%sthreshold %" PRIu32 ": allowed is 1 to its size %" PRIu32,
				   whose, wq->threshold, wq->size);
	if (wq->flags & ~SIOV_WQ_F_ALL)
		return conf_refuse(why, -EINVAL, "%sflags 0x%" PRIx32 ": allowed is 0x%x", whose,
				   wq->flags, SIOV_WQ_F_ALL);
	if (wq->mode == SIOV_WQ_SHARED && wq->pasid != 0)
		return conf_refuse(why, -EINVAL,
				   "%spasid %" PRIu32
				   ": a shared queue has none, each submission has one",
				   whose, wq->pasid);
	if (wq->prs_disable != 0 && wq->flags & SIOV_WQ_F_BOF)
		return conf_refuse(why, -EINVAL,
				   "%sflags 0x%" PRIx32
				   ": without page requests nothing blocks on faults",
				   whose, wq->flags);
	return check_labels(why, whose, &wq->label);
}

static int
check_adi_row(const struct conf_reason *why, const struct siov_dev_conf *conf, unsigned int idx)
{
	const struct siov_dev_adi_row *row = &conf->adi_rows[idx];
	const struct siov_adi_type_info *info;
	char whose[32];
	int ret;

	snprintf(whose, sizeof(whose), "adi row %u: ", idx);
	if ((unsigned int)row->type >= SIOV_ADI_TYPES ||
	    (unsigned int)row->owner >= SIOV_ADI_OWNERS)
		return conf_refuse(why, -EINVAL,
				   "%stype %u, owner %u: allowed are 0 to %u, 0 to %u", whose,
				   (unsigned int)row->type, (unsigned int)row->owner,
				   SIOV_ADI_TYPES - 1, SIOV_ADI_OWNERS - 1);
	ret = conf_check_fields(why, whose, row, adi_fields, RTE_DIM(adi_fields));
	if (ret != 0)
		return ret;
	if (siov_qos_conf_check(&row->qos) != 0)
		return conf_refuse(why, -ERANGE,
				   "%sweight %" PRIu32 ", priority %" PRIu32 ", rates %" PRIu64
				   " and %" PRIu64 ", bursts %" PRIu64 " and %" PRIu64
				   ": allowed are 0 to %u, %u, %" PRIu64,
				   whose, row->qos.weight, row->qos.priority, row->qos.rate_ops,
				   row->qos.rate_bytes, row->qos.burst_ops, row->qos.burst_bytes,
				   SIOV_QOS_WEIGHT_MAX, SIOV_QOS_PRIORITY_MAX, SIOV_QOS_RATE_MAX);
	info = siov_adi_type_info(row->type);
	if (row->nb_dwqs < info->dwqs_min || row->nb_dwqs > info->dwqs_max ||
	    row->nb_messages > info->messages_max)
		return conf_refuse(why, -EINVAL,
				   "%snb_dwqs %" PRIu32 ", nb_messages %" PRIu32
				   ": type %s allows %" PRIu32 " to %" PRIu32
				   " queues, 0 to %" PRIu32 " messages",
				   whose, row->nb_dwqs, row->nb_messages, info->name,
				   info->dwqs_min, info->dwqs_max, info->messages_max);
	if (siov_qos_conf_has_limits(&row->qos) && (!info->has_swq || row->pasid == 0))
		return conf_refuse(why, -EINVAL,
				   "%slimits: allowed with a shared queue and a PASID", whose);
	if (info->has_swq && (row->wq >= conf->nb_wqs || conf->wqs[row->wq].mode != SIOV_WQ_SHARED))
		return conf_refuse(why, -EINVAL, "%swq %" PRIu32 ": allowed is a shared queue",
				   whose, row->wq);
	if (row->pasid != 0 && row->count > SIOV_PASID_MAX - row->pasid + 1)
		return conf_refuse(why, -ERANGE,
				   "%spasid %" PRIu32 ", count %" PRIu32
				   ": allowed are PASIDs to %u",
				   whose, row->pasid, row->count, SIOV_PASID_MAX);
	return 0;
}

static int
check_adi_rows(const struct conf_reason *why, const struct siov_dev_conf *conf)
{
	uint64_t nb = 0;
	unsigned int i;
	int ret;

	for (i = 0; i < conf->nb_adi_rows; i++) {
		ret = check_adi_row(why, conf, i);
		if (ret != 0)
			return ret;
		nb += conf->adi_rows[i].count;
	}
	if (nb > conf->nb_adis)
		return conf_refuse(why, -ERANGE,
				   "%" PRIu64 " ADIs: allowed is 0 to nb_adis, %" PRIu32, nb,
				   conf->nb_adis);
	return 0;
}

/* Queues need engines in their group, and engines queues. */
static int
check_groups(const struct conf_reason *why, const struct siov_dev_conf *conf)
{
	unsigned int nb_wqs[SIOV_DEV_GROUPS_MAX] = {0};
	unsigned int nb_engines[SIOV_DEV_GROUPS_MAX] = {0};
	unsigned int i;

	for (i = 0; i < conf->nb_engines; i++) {
		uint32_t group = conf->engines[i].group;

		if (group == SIOV_DEV_GROUP_NONE)
			continue;
		if (group >= SIOV_DEV_GROUPS_MAX)
			return conf_refuse(why, -ERANGE,
					   "engine %u: group %" PRIu32 ": allowed is 0 to %u", i,
					   group, SIOV_DEV_GROUPS_MAX - 1);
		nb_engines[group]++;
	}
	for (i = 0; i < conf->nb_wqs; i++)
		nb_wqs[conf->wqs[i].group]++;
	for (i = 0; i < SIOV_DEV_GROUPS_MAX; i++) {
		if (nb_wqs[i] != 0 && nb_engines[i] == 0)
			return conf_refuse(why, -EINVAL,
					   "group %u: has queues and no engine, needs at least 1",
					   i);
		if (nb_engines[i] != 0 && nb_wqs[i] == 0)
			return conf_refuse(why, -EINVAL,
					   "group %u: has engines and no queue, needs at least 1",
					   i);
	}
	return 0;
}

int
siov_dev_conf_check(const struct siov_dev_conf *conf, char *why_text, size_t why_len)
{
	const struct conf_reason why = {.text = why_text, .len = why_len};
	unsigned int i;
	int ret;

	if (why_text != NULL && why_len != 0)
		why_text[0] = '\0';
	ret = check_name(&why, conf);
	if (ret == 0)
		ret = conf_check_fields(&why, "", conf, dev_fields, RTE_DIM(dev_fields));
	if (ret != 0)
		return ret;
	for (i = 0; i < conf->nb_wqs; i++) {
		ret = check_wq(&why, &conf->wqs[i], i);
		if (ret != 0)
			return ret;
	}
	if (conf->flags & ~SIOV_DEV_F_PRIV)
		return conf_refuse(&why, -EINVAL, "flags 0x%" PRIx32 ": allowed is 0x%x",
				   conf->flags, SIOV_DEV_F_PRIV);
	if (conf->socket_id < -1 || conf->socket_id >= RTE_MAX_NUMA_NODES)
		return conf_refuse(&why, -ERANGE, "socket_id %d: allowed is -1 to %d",
				   conf->socket_id, RTE_MAX_NUMA_NODES - 1);
	if (conf->event_log_size != 0 && conf->event_log_size < SIOV_DEV_EVENT_LOG_MIN)
		return conf_refuse(
			&why, -ERANGE, "event_log_size %" PRIu32 ": allowed are 0 and %u to %u",
			conf->event_log_size, SIOV_DEV_EVENT_LOG_MIN, SIOV_DEV_EVENT_LOG_MAX);
	ret = check_groups(&why, conf);
	if (ret == 0)
		ret = conf_check_read_buffers(&why, conf);
	if (ret == 0)
		ret = conf_check_limits(&why, conf);
	return ret == 0 ? check_adi_rows(&why, conf) : ret;
}

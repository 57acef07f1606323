/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include <rte_common.h>

#include "siov_dev.h"

/* 2 MiB an engine: 65,536 PASIDs then cost what 64 do; with 16,384 entries it was twice as much. */
#define DEFAULT_ATC_ENTRIES 131072
#define DEFAULT_LATENCY 64u
#define DEFAULT_PAGE_TIMEOUT_MS 1000u
#define DEFAULT_MSIX 9u
#define DEFAULT_IMS 2048u
#define DEFAULT_ADIS 65536u
#define PRIORITY_MAX 15u

/* Where the reason of a refusal goes. */
struct reason {
	char *text; /* may be NULL */
	size_t len;
};

void
siov_dev_wq_conf_init(struct siov_dev_wq_conf *conf)
{
	*conf = (struct siov_dev_wq_conf){
		.mode = SIOV_WQ_SHARED,
		.size = 128,
		.priority = 1,
		.lanes_max = 128,
		.xfer_max = SIOV_DEV_XFER_MAX,
	};
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
	conf->atc_entries = DEFAULT_ATC_ENTRIES;
	conf->nb_latency = DEFAULT_LATENCY;
	conf->page_timeout_ms = DEFAULT_PAGE_TIMEOUT_MS;
	conf->nb_msix = DEFAULT_MSIX;
	conf->nb_ims = DEFAULT_IMS;
	conf->nb_adis = DEFAULT_ADIS;
	conf->socket_id = -1;
}

/* Put one line into why; returns ret. */
__attribute__((format(printf, 3, 4))) static int
refuse(const struct reason *why, int ret, const char *fmt, ...)
{
	va_list args;

	if (why->text == NULL || why->len == 0)
		return ret;
	va_start(args, fmt);
	vsnprintf(why->text, why->len, fmt, args);
	va_end(args);
	return ret;
}

/* A 32-bit number of a conf struct and what it may be. */
struct field {
	const char *name;
	size_t offset;
	uint32_t min, max;
};

#define FIELD(type, member, least, most) \
	{ \
		.name = #member, .offset = offsetof(struct type, member), .min = least, \
		.max = most \
	}

static const struct field dev_fields[] = {
	FIELD(siov_dev_conf, nb_wqs, 1, SIOV_DEV_WQS_MAX),
	FIELD(siov_dev_conf, nb_engines, 1, SIOV_DEV_ENGINES_MAX),
	FIELD(siov_dev_conf, atc_entries, SIOV_DEV_ATC_MIN, SIOV_DEV_ATC_MAX),
	FIELD(siov_dev_conf, nb_latency, 0, SIOV_DEV_LATENCY_MAX),
	FIELD(siov_dev_conf, page_timeout_ms, 1, SIOV_DEV_PAGE_TIMEOUT_MAX),
};

static const struct field wq_fields[] = {
	FIELD(siov_dev_wq_conf, size, 1, SIOV_WQ_SIZE_MAX),
	FIELD(siov_dev_wq_conf, threshold, 0, SIOV_WQ_SIZE_MAX),
	FIELD(siov_dev_wq_conf, priority, 1, PRIORITY_MAX),
	FIELD(siov_dev_wq_conf, group, 0, SIOV_DEV_GROUPS_MAX - 1),
	FIELD(siov_dev_wq_conf, lanes_max, 1, SIOV_WQ_LANES_MAX),
	FIELD(siov_dev_wq_conf, pasid, 0, SIOV_PASID_MAX),
	FIELD(siov_dev_wq_conf, control_pasid, 0, SIOV_PASID_MAX),
	FIELD(siov_dev_wq_conf, xfer_max, 1, SIOV_DEV_XFER_MAX),
};

/* Check the numbers of one object. @p whose is what the line begins with, such as "wq 3: ". */
static int
check_fields(const struct reason *why, const char *whose, const void *conf,
	     const struct field *fields, unsigned int nb_fields)
{
	unsigned int i;

	for (i = 0; i < nb_fields; i++) {
		uint32_t value;

		memcpy(&value, (const char *)conf + fields[i].offset, sizeof(value));
		if (value < fields[i].min || value > fields[i].max)
			return refuse(why, -ERANGE,
				      "%s%s %" PRIu32 ": allowed is %" PRIu32 " to %" PRIu32, whose,
				      fields[i].name, value, fields[i].min, fields[i].max);
	}
	return 0;
}

static int
check_name(const struct reason *why, const struct siov_dev_conf *conf)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789_";
	size_t len = strnlen(conf->name, sizeof(conf->name));

	if (len == 0 || len == sizeof(conf->name) || strspn(conf->name, allowed) != len)
		return refuse(why, -EINVAL,
			      "name '%.*s': allowed are 1 to %u letters, digits and '_'", (int)len,
			      conf->name, SIOV_DEV_NAME_LEN - 1);
	return 0;
}

static int
check_wq(const struct reason *why, const struct siov_dev_wq_conf *wq, unsigned int wq_id)
{
	char whose[32];
	int ret;

	snprintf(whose, sizeof(whose), "wq %u: ", wq_id);
	if (wq->mode != SIOV_WQ_SHARED && wq->mode != SIOV_WQ_DEDICATED)
		return refuse(why, -EINVAL, "%smode %d: allowed are shared and dedicated", whose,
			      (int)wq->mode);
	ret = check_fields(why, whose, wq, wq_fields, RTE_DIM(wq_fields));
	if (ret != 0)
		return ret;
	if (wq->threshold > wq->size)
		return refuse(why, -ERANGE,
			      "%sthreshold %" PRIu32 ": allowed is 1 to its size %" PRIu32, whose,
			      wq->threshold, wq->size);
	if (wq->flags & ~SIOV_WQ_F_ALL)
		return refuse(why, -EINVAL, "%sflags 0x%" PRIx32 ": allowed is 0x%x", whose,
			      wq->flags, SIOV_WQ_F_ALL);
	if (wq->mode == SIOV_WQ_SHARED && wq->pasid != 0)
		return refuse(why, -EINVAL,
			      "%spasid %" PRIu32
			      ": a shared queue has none, each submission has one",
			      whose, wq->pasid);
	return 0;
}

/* Queues need engines in their group, and engines queues. */
static int
check_groups(const struct reason *why, const struct siov_dev_conf *conf)
{
	unsigned int nb_wqs[SIOV_DEV_GROUPS_MAX] = {0};
	unsigned int nb_engines[SIOV_DEV_GROUPS_MAX] = {0};
	unsigned int i;

	for (i = 0; i < conf->nb_engines; i++) {
		uint32_t group = conf->engines[i].group;

		if (group >= SIOV_DEV_GROUPS_MAX)
			return refuse(why, -ERANGE,
				      "engine %u: group %" PRIu32 ": allowed is 0 to %u", i, group,
				      SIOV_DEV_GROUPS_MAX - 1);
		nb_engines[group]++;
	}
	for (i = 0; i < conf->nb_wqs; i++)
		nb_wqs[conf->wqs[i].group]++;
	for (i = 0; i < SIOV_DEV_GROUPS_MAX; i++) {
		if (nb_wqs[i] != 0 && nb_engines[i] == 0)
			return refuse(why, -EINVAL,
				      "group %u: has queues and no engine, needs at least 1", i);
		if (nb_engines[i] != 0 && nb_wqs[i] == 0)
			return refuse(why, -EINVAL,
				      "group %u: has engines and no queue, needs at least 1", i);
	}
	return 0;
}

int
siov_dev_conf_check(const struct siov_dev_conf *conf, char *why_text, size_t why_len)
{
	const struct reason why = {.text = why_text, .len = why_len};
	unsigned int i;
	int ret;

	if (why_text != NULL && why_len != 0)
		why_text[0] = '\0';
	ret = check_name(&why, conf);
	if (ret == 0)
		ret = check_fields(&why, "", conf, dev_fields, RTE_DIM(dev_fields));
	if (ret != 0)
		return ret;
	for (i = 0; i < conf->nb_wqs; i++) {
		ret = check_wq(&why, &conf->wqs[i], i);
		if (ret != 0)
			return ret;
	}
	if (conf->flags & ~SIOV_DEV_F_PRIV)
		return refuse(&why, -EINVAL, "flags 0x%" PRIx32 ": allowed is 0x%x", conf->flags,
			      SIOV_DEV_F_PRIV);
	if (conf->socket_id < -1 || conf->socket_id >= RTE_MAX_NUMA_NODES)
		return refuse(&why, -ERANGE, "socket_id %d: allowed is -1 to %d", conf->socket_id,
			      RTE_MAX_NUMA_NODES - 1);
	return check_groups(&why, conf);
}

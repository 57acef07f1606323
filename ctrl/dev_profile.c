/* SPDX-License-Identifier: BSD-3-Clause */
/* Profiles: what a device has at most, and how groups share its read buffers. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <rte_common.h>

#include "dev_conf_priv.h"

#define CLASS_MAX 7
#define PROGRESS_MAX 3u

static const struct profile {
	const char *name;
	uint32_t nb_ims; /* to begin with */
	uint32_t nb_adis;
	struct siov_dev_limits limits;
} profiles[SIOV_PROFILES] = {
	[SIOV_PROFILE_NONE] =
		{
			.name = "none",
			.nb_ims = 2048,
			.nb_adis = 65536,
			.limits =
				{
					.nb_wqs = SIOV_DEV_WQS_MAX,
					.nb_engines = SIOV_DEV_ENGINES_MAX,
					.nb_groups = SIOV_DEV_GROUPS_MAX,
					.wqs_size = SIOV_DEV_WQS_MAX * SIOV_WQ_SIZE_MAX,
					.xfer_max = SIOV_DEV_XFER_MAX,
					.batch_max = SIOV_DEV_BATCH_MAX,
					.nb_read_buffers = SIOV_DEV_READ_BUFFERS_MAX,
					.nb_ims = SIOV_DEV_IMS_MAX,
					.nb_adis = SIOV_DEV_ADIS_MAX,
				},
		},
	[SIOV_PROFILE_DSA1] =
		{
			.name = "dsa1",
			.nb_ims = 2048,
			.nb_adis = 65536,
			.limits =
				{
					.nb_wqs = 8,
					.nb_engines = 4,
					.nb_groups = 4,
					.wqs_size = 128,
					.xfer_max = UINT32_C(1) << 31,
					.batch_max = 1024,
					.nb_read_buffers = 96,
					.nb_ims = 2048,
					.nb_adis = 65536,
				},
		},
	[SIOV_PROFILE_LARGE] =
		{
			.name = "large",
			.nb_ims = 65536,
			.nb_adis = 65536,
			.limits =
				{
					.nb_wqs = 64,
					.nb_engines = 16,
					.nb_groups = 16,
					.wqs_size = 65536,
					.xfer_max = UINT32_C(1) << 31,
					.batch_max = SIOV_DEV_BATCH_MAX,
					.nb_read_buffers = 255,
					.nb_ims = SIOV_DEV_IMS_MAX,
					.nb_adis = 65536,
				},
		},
};

const struct siov_dev_limits *
siov_dev_profile_limits(uint32_t profile)
{
	return &profiles[profile < SIOV_PROFILES ? profile : SIOV_PROFILE_NONE].limits;
}

const char *
siov_dev_profile_name(uint32_t profile)
{
	return profile < SIOV_PROFILES ? profiles[profile].name : "unknown";
}

int
siov_dev_conf_profile(struct siov_dev_conf *conf, const char *name)
{
	unsigned int i;

	for (i = 0; i < SIOV_PROFILES; i++) {
		if (strcmp(profiles[i].name, name) == 0)
			break;
	}
	if (i == SIOV_PROFILES)
		return -EINVAL;
	conf->profile = i;
	conf->nb_ims = profiles[i].nb_ims;
	conf->nb_adis = profiles[i].nb_adis;
	return 0;
}

/* ---- limits ---- */

/* One number that a profile limits; the line names it, its value, and the profile. */
static int
check_limit(const struct conf_reason *why, const struct siov_dev_conf *conf, const char *what,
	    uint32_t value, uint32_t max)
{
	if (value <= max)
		return 0;
	return conf_refuse(why, -ERANGE, "%s %" PRIu32 ": profile %s allows %" PRIu32 " at most",
			   what, value, siov_dev_profile_name(conf->profile), max);
}

static int
check_wq_limits(const struct conf_reason *why, const struct siov_dev_conf *conf)
{
	const struct siov_dev_limits *limits = siov_dev_profile_limits(conf->profile);
	uint32_t size = 0;
	char what[32];
	unsigned int i;
	int ret = 0;

	for (i = 0; i < conf->nb_wqs && ret == 0; i++) {
		const struct siov_dev_wq_conf *wq = &conf->wqs[i];

		size += wq->is_unused ? 0 : wq->size; /* of 64 queues: no overflow */
		snprintf(what, sizeof(what), "wq %u: batch_max", i);
		ret = check_limit(why, conf, what, wq->batch_max, limits->batch_max);
		if (ret != 0)
			break;
		snprintf(what, sizeof(what), "wq %u: xfer_max", i);
		ret = check_limit(why, conf, what, wq->xfer_max, limits->xfer_max);
		if (ret != 0)
			break;
		snprintf(what, sizeof(what), "wq %u: group", i);
		ret = check_limit(why, conf, what, wq->group, limits->nb_groups - 1);
	}
	return ret == 0 ? check_limit(why, conf, "sum of queue sizes", size, limits->wqs_size) :
			  ret;
}

int
conf_check_limits(const struct conf_reason *why, const struct siov_dev_conf *conf)
{
	const struct siov_dev_limits *limits = siov_dev_profile_limits(conf->profile);
	const struct {
		const char *what;
		uint32_t value, max;
	} numbers[] = {
		{"nb_wqs", conf->nb_wqs, limits->nb_wqs},
		{"nb_engines", conf->nb_engines, limits->nb_engines},
		{"nb_ims", conf->nb_ims, limits->nb_ims},
		{"nb_adis", conf->nb_adis, limits->nb_adis},
		{"read_buffer_limit", conf->read_buffer_limit, limits->nb_read_buffers},
	};
	unsigned int i;
	int ret;

	for (i = 0; i < RTE_DIM(numbers); i++) {
		ret = check_limit(why, conf, numbers[i].what, numbers[i].value, numbers[i].max);
		if (ret != 0)
			return ret;
	}
	return check_wq_limits(why, conf);
}

/* ---- read buffers ---- */

static const struct conf_field group_fields[] = {
	CONF_FIELD(siov_dev_group_conf, read_buffers_reserved, 0, SIOV_DEV_READ_BUFFERS_MAX),
	CONF_FIELD(siov_dev_group_conf, read_buffers_allowed, 0, SIOV_DEV_READ_BUFFERS_MAX),
	CONF_FIELD(siov_dev_group_conf, use_read_buffer_limit, 0, 1),
	CONF_FIELD(siov_dev_group_conf, desc_progress_limit, 0, PROGRESS_MAX),
	CONF_FIELD(siov_dev_group_conf, batch_progress_limit, 0, PROGRESS_MAX),
};

static int
check_class(const struct conf_reason *why, const char *whose, const char *key, int32_t value)
{
	if (value >= -1 && value <= CLASS_MAX)
		return 0;
	return conf_refuse(why, -ERANGE, "%s%s %" PRId32 ": allowed is -1 to %d", whose, key, value,
			   CLASS_MAX);
}

static int
check_group(const struct conf_reason *why, const struct siov_dev_conf *conf, unsigned int id)
{
	const struct siov_dev_group_conf *group = &conf->groups[id];
	uint32_t nb_max = siov_dev_profile_limits(conf->profile)->nb_read_buffers;
	char whose[32];
	int ret;

	snprintf(whose, sizeof(whose), "group %u: ", id);
	ret = conf_check_fields(why, whose, group, group_fields, RTE_DIM(group_fields));
	if (ret == 0)
		ret = check_class(why, whose, "traffic_class_a", group->traffic_class_a);
	if (ret == 0)
		ret = check_class(why, whose, "traffic_class_b", group->traffic_class_b);
	if (ret != 0)
		return ret;
	if (group->read_buffers_allowed > nb_max)
		return conf_refuse(why, -ERANGE,
				   "%sread_buffers_allowed %" PRIu32 ": allowed is 0 to %" PRIu32,
				   whose, group->read_buffers_allowed, nb_max);
	if (group->read_buffers_allowed != 0 &&
	    group->read_buffers_reserved > group->read_buffers_allowed)
		return conf_refuse(why, -ERANGE,
				   "%sread_buffers_reserved %" PRIu32
				   ": allowed is 0 to read_buffers_allowed, %" PRIu32,
				   whose, group->read_buffers_reserved,
				   group->read_buffers_allowed);
	return 0;
}

static uint32_t
sum_reserved(const struct siov_dev_conf *conf)
{
	uint32_t sum = 0;
	unsigned int i;

	for (i = 0; i < SIOV_DEV_GROUPS_MAX; i++)
		sum += conf->groups[i].read_buffers_reserved;
	return sum;
}

int
conf_check_read_buffers(const struct conf_reason *why, const struct siov_dev_conf *conf)
{
	uint32_t nb_max = siov_dev_profile_limits(conf->profile)->nb_read_buffers;
	unsigned int i;
	int ret;

	for (i = 0; i < SIOV_DEV_GROUPS_MAX; i++) {
		ret = check_group(why, conf, i);
		if (ret != 0)
			return ret;
	}
	if (sum_reserved(conf) > nb_max)
		return conf_refuse(why, -ERANGE,
				   "sum of read_buffers_reserved %" PRIu32
				   ": allowed is 0 to %" PRIu32,
				   sum_reserved(conf), nb_max);
	return 0;
}

static uint32_t
count_engines(const struct siov_dev_conf *conf, uint32_t group)
{
	uint32_t nb = 0;
	unsigned int i;

	for (i = 0; i < conf->nb_engines; i++)
		nb += conf->engines[i].group == group;
	return nb;
}

uint32_t
conf_long_max(const struct siov_dev_conf *conf, uint32_t group)
{
	const struct siov_dev_group_conf *gconf = &conf->groups[group];
	uint32_t reserved = gconf->read_buffers_reserved;
	uint32_t nb = siov_dev_profile_limits(conf->profile)->nb_read_buffers;

	nb -= sum_reserved(conf) - reserved;
	if (gconf->read_buffers_allowed != 0)
		nb = RTE_MIN(nb, gconf->read_buffers_allowed);
	if (gconf->use_read_buffer_limit != 0 && conf->read_buffer_limit != 0)
		nb = RTE_MIN(nb, reserved + conf->read_buffer_limit);
	return RTE_MAX(nb / RTE_MAX(count_engines(conf, group), 1u), 1u);
}

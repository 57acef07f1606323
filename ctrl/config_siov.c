/* SPDX-License-Identifier: BSD-3-Clause */
/* The device's object "siov" of a configuration file: what accel-config has no words for. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "config_priv.h"

#define IMS_UNIT 256 /* entries: what GENCAP counts in */

/* Whether a name will do is siov_dev_conf_check's business; here its line is known. */
static int
read_dev_name(struct parser *parser, json_t *value, void *obj)
{
	struct siov_dev_conf *conf = obj;
	struct siov_dev_conf probe;
	char why[128];

	siov_dev_conf_init(&probe);
	snprintf(probe.name, sizeof(probe.name), "%s", json_string_value(value));
	if (json_string_length(value) >= sizeof(probe.name))
		return config_refuse(parser, -EINVAL,
				     "\"name\" \"%s\": allowed are 1 to %u letters, digits and '_'",
				     json_string_value(value), SIOV_DEV_NAME_LEN - 1);
	if (siov_dev_conf_check(&probe, why, sizeof(why)) != 0)
		return config_refuse(parser, -EINVAL, "%s", why);
	memcpy(conf->name, probe.name, sizeof(conf->name));
	return 0;
}

/* ---- ADIs ---- */

static int
read_adi_type(struct parser *parser, json_t *value, void *obj)
{
	struct siov_dev_adi_row *row = obj;

	if (siov_adi_type_find(json_string_value(value), &row->type) != 0)
		return config_refuse(
			parser, -EINVAL,
			"\"type\" \"%s\": allowed are context, dedicated and composite",
			json_string_value(value));
	return 0;
}

static int
read_adi_owner(struct parser *parser, json_t *value, void *obj)
{
	struct siov_dev_adi_row *row = obj;
	unsigned int i;

	for (i = 0; i < SIOV_ADI_OWNERS; i++) {
		if (strcmp(siov_adi_owner_name((enum siov_adi_owner)i), json_string_value(value)) ==
		    0) {
			row->owner = (enum siov_adi_owner)i;
			return 0;
		}
	}
	return config_refuse(parser, -EINVAL, "\"owner\" \"%s\": allowed are host, vm and process",
			     json_string_value(value));
}

#define ROW(member) offsetof(struct siov_dev_adi_row, member)

static const struct key adi_keys[] = {
	{"type", T_STRING, 0, 0, NOWHERE, read_adi_type},
	{"owner", T_STRING, 0, 0, NOWHERE, read_adi_owner},
	{"count", T_INT, 1, SIOV_DEV_ADIS_MAX, ROW(count), NULL},
	{"wq", T_INT, 0, SIOV_DEV_WQS_MAX - 1, ROW(wq), NULL},
	{"nb_dwqs", T_INT, 0, SIOV_ADI_DWQS_MAX, ROW(nb_dwqs), NULL},
	{"pasid", T_INT, 0, SIOV_PASID_MAX, ROW(pasid), NULL},
	{"control_pasid", T_INT, 0, SIOV_PASID_MAX, ROW(control_pasid), NULL},
	{"nb_messages", T_INT, 0, SIOV_ADI_MESSAGES_MAX, ROW(nb_messages), NULL},
	{"weight", T_INT, 0, SIOV_QOS_WEIGHT_MAX, ROW(qos.weight), NULL},
	{"priority", T_INT, 0, SIOV_QOS_PRIORITY_MAX, ROW(qos.priority), NULL},
	{"max_outstanding", T_INT, 0, UINT32_MAX, ROW(qos.max_outstanding), NULL},
	{"rate_ops", T_INT64, 0, SIOV_QOS_RATE_MAX, ROW(qos.rate_ops), NULL},
	{"burst_ops", T_INT64, 0, SIOV_QOS_RATE_MAX, ROW(qos.burst_ops), NULL},
	{"rate_bytes", T_INT64, 0, SIOV_QOS_RATE_MAX, ROW(qos.rate_bytes), NULL},
	{"burst_bytes", T_INT64, 0, SIOV_QOS_RATE_MAX, ROW(qos.burst_bytes), NULL},
};
static const struct key_table adi_table = TABLE(adi_keys);

static int
read_adi(struct parser *parser, json_t *value, void *obj)
{
	struct siov_dev_conf *conf = obj;
	struct siov_dev_adi_row row = {.count = 1};
	int ret;

	if (conf->nb_adi_rows == SIOV_DEV_ADI_ROWS_MAX)
		return config_refuse(parser, -ERANGE, "\"adis\": allowed are 0 to %u elements",
				     SIOV_DEV_ADI_ROWS_MAX);
	ret = config_read_object(parser, value, &adi_table, &row);
	if (ret == 0)
		conf->adi_rows[conf->nb_adi_rows++] = row;
	return ret;
}

static int
read_adis(struct parser *parser, json_t *value, void *obj)
{
	return config_read_array(parser, value, T_OBJECT, read_adi, obj);
}

/* ---- device ---- */

static int
read_flag(struct parser *parser, json_t *value, void *obj)
{
	struct siov_dev_conf *conf = obj;

	if (strcmp(json_string_value(value), "priv") != 0)
		return config_refuse(parser, -EINVAL, "flag \"%s\": allowed is priv",
				     json_string_value(value));
	conf->flags |= SIOV_DEV_F_PRIV;
	return 0;
}

static int
read_flags(struct parser *parser, json_t *value, void *obj)
{
	struct siov_dev_conf *conf = obj;

	conf->flags = 0;
	return config_read_array(parser, value, T_STRING, read_flag, obj);
}

static int
read_ims_size(struct parser *parser, json_t *value, void *obj)
{
	(void)obj;
	if (json_integer_value(value) % IMS_UNIT != 0)
		return config_refuse(parser, -EINVAL,
				     "\"ims_size\" %" JSON_INTEGER_FORMAT
				     ": allowed are multiples of %d",
				     json_integer_value(value), IMS_UNIT);
	return 0;
}

/* It sets what other keys may change, so it is read before them, wherever it stands. */
static int
read_profile(struct parser *parser, json_t *object, struct siov_dev_conf *conf)
{
	json_t *value = config_go_to_member(parser, object, "profile");

	if (value == NULL)
		return 0;
	if (json_is_string(value) && siov_dev_conf_profile(conf, json_string_value(value)) != 0)
		return config_refuse(parser, -EINVAL,
				     "\"profile\" \"%s\": allowed are none, dsa1 and large",
				     json_string_value(value));
	config_leave_member(parser);
	return 0;
}

#define DEV(member) offsetof(struct siov_dev_conf, member)

static const struct key siov_keys[] = {
	{"name", T_STRING, 0, 0, NOWHERE, read_dev_name},
	{"atc_entries", T_INT, SIOV_DEV_ATC_MIN, SIOV_DEV_ATC_MAX, DEV(atc_entries), NULL},
	{"nb_latency", T_INT, 0, SIOV_DEV_LATENCY_MAX, DEV(nb_latency), NULL},
	{"page_timeout_ms", T_INT, 1, SIOV_DEV_PAGE_TIMEOUT_MAX, DEV(page_timeout_ms), NULL},
	{"profile", T_STRING, 0, 0, NOWHERE, NULL}, /* read_profile */
	{"nb_msix", T_INT, 1, SIOV_DEV_MSIX_MAX, DEV(nb_msix), NULL},
	{"ims_size", T_INT, 0, SIOV_DEV_IMS_MAX, DEV(nb_ims), read_ims_size},
	{"nb_adi", T_INT, 1, SIOV_DEV_ADIS_MAX, DEV(nb_adis), NULL},
	{"flags", T_ARRAY, 0, 0, NOWHERE, read_flags},
	{"adis", T_ARRAY, 0, 0, NOWHERE, read_adis},
};
static const struct key_table siov_table = TABLE(siov_keys);

int
config_read_siov(struct parser *parser, json_t *value, void *obj)
{
	int ret = read_profile(parser, value, obj);

	return ret == 0 ? config_read_object(parser, value, &siov_table, obj) : ret;
}

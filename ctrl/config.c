/* SPDX-License-Identifier: BSD-3-Clause */
/* accel-config's JSON into a siov_dev_conf. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>

#include "config_priv.h"
#include "siov_config.h"

#define FILE_MAX (UINT64_C(16) << 20) /* bytes */

/* ---- names ---- */

/* Read digits; returns what follows, NULL: none, or too many. */
static const char *
read_digits(const char *text, uint32_t *number)
{
	uint32_t value = 0;
	const char *p;

	for (p = text; *p >= '0' && *p <= '9'; p++) {
		if (p - text == 6)
			return NULL;
		value = value * 10 + (uint32_t)(*p - '0');
	}
	*number = value;
	return p != text ? p : NULL;
}

/* The member "dev" of an object: kind, the device's number, a dot, and this object's number. */
static int
read_name(struct parser *parser, json_t *object, const char *kind, uint32_t max, uint32_t *number)
{
	json_t *value = config_go_to_member(parser, object, "dev");
	uint32_t dev_number = 0;
	const char *name, *p;

	if (value == NULL)
		return config_refuse(parser, -EINVAL,
				     "key \"dev\" is missing: allowed is %s%" PRIu32 ".N", kind,
				     parser->dev_number);
	name = json_string_value(value);
	p = name != NULL && strncmp(name, kind, strlen(kind)) == 0 ? name + strlen(kind) : NULL;
	if (p != NULL)
		p = read_digits(p, &dev_number);
	if (p != NULL)
		p = *p == '.' ? read_digits(p + 1, number) : NULL;
	if (p == NULL || *p != '\0' || dev_number != parser->dev_number || *number > max)
		return config_refuse(
			parser, p != NULL && *p == '\0' && *number > max ? -ERANGE : -EINVAL,
			"\"dev\" \"%s\": allowed is %s%" PRIu32 ".N, N from 0 to %" PRIu32,
			name != NULL ? name : "", kind, parser->dev_number, max);
	config_leave_member(parser);
	return 0;
}

/* ---- queues ---- */

static int
read_mode(struct parser *parser, json_t *value, void *obj)
{
	struct siov_dev_wq_conf *wq = obj;
	const char *mode = json_string_value(value);

	if (strcmp(mode, "shared") == 0)
		wq->mode = SIOV_WQ_SHARED;
	else if (strcmp(mode, "dedicated") == 0)
		wq->mode = SIOV_WQ_DEDICATED;
	else
		return config_refuse(parser, -EINVAL,
				     "\"mode\" \"%s\": allowed are shared and dedicated", mode);
	return 0;
}

static int
read_group_id(struct parser *parser, json_t *value, void *obj)
{
	json_int_t group_id = json_integer_value(value);

	RTE_SET_USED(obj);
	if (!parser->is_ungrouped && group_id != parser->group)
		return config_refuse(parser, -EINVAL,
				     "\"group_id\" %" JSON_INTEGER_FORMAT ": allowed is %" PRIu32
				     ", the group it stands in",
				     group_id, parser->group);
	return 0;
}

static int
read_block_on_fault(struct parser *parser, json_t *value, void *obj)
{
	struct siov_dev_wq_conf *wq = obj;

	RTE_SET_USED(parser);
	if (json_integer_value(value) != 0)
		wq->flags |= SIOV_WQ_F_BOF;
	return 0;
}

static int
read_flag(struct parser *parser, json_t *value, void *obj)
{
	struct siov_dev_wq_conf *wq = obj;
	const char *flag = json_string_value(value);

	if (strcmp(flag, "exact") == 0)
		wq->flags |= SIOV_WQ_F_EXACT;
	else if (strcmp(flag, "stamps") == 0)
		wq->flags |= SIOV_WQ_F_STAMPS;
	else
		return config_refuse(parser, -EINVAL, "flag \"%s\": allowed are exact and stamps",
				     flag);
	return 0;
}

static int
read_flags(struct parser *parser, json_t *value, void *obj)
{
	return config_read_array(parser, value, T_STRING, read_flag, obj);
}

#define WQ(member) offsetof(struct siov_dev_wq_conf, member)

static const struct key wq_siov_keys[] = {
	{"lanes_max", T_INT, 1, SIOV_WQ_LANES_MAX, WQ(lanes_max), NULL},
	{"pasid", T_INT, 0, SIOV_PASID_MAX, WQ(pasid), NULL},
	{"flags", T_ARRAY, 0, 0, NOWHERE, read_flags},
};
static const struct key_table wq_siov_table = TABLE(wq_siov_keys);

static int
read_wq_siov(struct parser *parser, json_t *value, void *obj)
{
	return config_read_object(parser, value, &wq_siov_table, obj);
}

static const struct key wq_keys[] = {
	{"dev", T_STRING, 0, 0, NOWHERE, NULL}, /* read_name */
	{"mode", T_STRING, 0, 0, NOWHERE, read_mode},
	{"size", T_INT, 1, SIOV_WQ_SIZE_MAX, WQ(size), NULL},
	{"threshold", T_INT, 0, SIOV_WQ_SIZE_MAX, WQ(threshold), NULL},
	{"priority", T_INT, 1, 15, WQ(priority), NULL},
	{"group_id", T_INT, -1, SIOV_DEV_GROUPS_MAX - 1, NOWHERE, read_group_id},
	{"max_transfer_size", T_INT, 1, SIOV_DEV_XFER_MAX, WQ(xfer_max), NULL},
	{"block_on_fault", T_INT, 0, 1, NOWHERE, read_block_on_fault},
	{"siov", T_OBJECT, 0, 0, NOWHERE, read_wq_siov},
	IGNORED_INT("max_batch_size"),
	IGNORED_INT("cdev_minor"),
	IGNORED_INT("ats_disable"),
	IGNORED_INT("prs_disable"),
	IGNORED_INT("clients"),
	IGNORED_INT("occupancy"),
	IGNORED_STRING("type"),
	IGNORED_STRING("name"),
	IGNORED_STRING("driver_name"),
	IGNORED_STRING("state"),
	{"op_config", T_STRING | T_ARRAY, 0, 0, NOWHERE, NULL},
};
static const struct key_table wq_table = TABLE(wq_keys);

static int
read_wq(struct parser *parser, json_t *value, void *obj)
{
	struct siov_dev_wq_conf wq;
	uint32_t number;
	int ret;

	RTE_SET_USED(obj);
	siov_dev_wq_conf_init(&wq);
	ret = read_name(parser, value, "wq", SIOV_DEV_WQS_MAX - 1, &number);
	if (ret == 0)
		ret = config_read_object(parser, value, &wq_table, &wq);
	if (ret != 0 || parser->is_ungrouped)
		return ret;
	if (wq.threshold > wq.size) {
		config_go_to_member(parser, value, "threshold");
		return config_refuse(parser, -ERANGE,
				     "\"threshold\" %" PRIu32
				     ": allowed is 1 to the size, %" PRIu32,
				     wq.threshold, wq.size);
	}
	if (parser->wqs_seen & UINT64_C(1) << number)
		return config_refuse(parser, -EINVAL,
				     "queue %" PRIu32 " is there twice: allowed is once", number);
	parser->wqs_seen |= UINT64_C(1) << number;
	wq.group = parser->group;
	parser->conf.wqs[number] = wq;
	return 0;
}

/* ---- engines ---- */

static const struct key engine_keys[] = {
	{"dev", T_STRING, 0, 0, NOWHERE, NULL}, /* read_name */
	{"group_id", T_INT, -1, SIOV_DEV_GROUPS_MAX - 1, NOWHERE, read_group_id},
};
static const struct key_table engine_table = TABLE(engine_keys);

static int
read_engine(struct parser *parser, json_t *value, void *obj)
{
	uint32_t number;
	int ret;

	RTE_SET_USED(obj);
	ret = read_name(parser, value, "engine", SIOV_DEV_ENGINES_MAX - 1, &number);
	if (ret == 0)
		ret = config_read_object(parser, value, &engine_table, NULL);
	if (ret != 0 || parser->is_ungrouped)
		return ret;
	if (parser->engines_seen & 1u << number)
		return config_refuse(parser, -EINVAL,
				     "engine %" PRIu32 " is there twice: allowed is once", number);
	parser->engines_seen |= 1u << number;
	parser->engine_group[number] = parser->group;
	return 0;
}

/* ---- groups ---- */

static int
read_wqs(struct parser *parser, json_t *value, void *obj)
{
	return config_read_array(parser, value, T_OBJECT, read_wq, obj);
}

static int
read_engines(struct parser *parser, json_t *value, void *obj)
{
	return config_read_array(parser, value, T_OBJECT, read_engine, obj);
}

static const struct key group_keys[] = {
	{"dev", T_STRING, 0, 0, NOWHERE, NULL}, /* read_name */
	{"grouped_workqueues", T_ARRAY, 0, 0, NOWHERE, read_wqs},
	{"grouped_engines", T_ARRAY, 0, 0, NOWHERE, read_engines},
	IGNORED_INT("read_buffers_reserved"),
	IGNORED_INT("use_read_buffer_limit"),
	IGNORED_INT("read_buffers_allowed"),
	IGNORED_INT("tokens_reserved"),
	IGNORED_INT("use_token_limit"),
	IGNORED_INT("tokens_allowed"),
	IGNORED_INT("traffic_class_a"),
	IGNORED_INT("traffic_class_b"),
	IGNORED_INT("desc_progress_limit"),
	IGNORED_INT("batch_progress_limit"),
};
static const struct key_table group_table = TABLE(group_keys);

static int
read_group(struct parser *parser, json_t *value, void *obj)
{
	int ret;

	ret = read_name(parser, value, "group", SIOV_DEV_GROUPS_MAX - 1, &parser->group);
	return ret == 0 ? config_read_object(parser, value, &group_table, obj) : ret;
}

/* ---- device ---- */

static int
read_groups(struct parser *parser, json_t *value, void *obj)
{
	return config_read_array(parser, value, T_OBJECT, read_group, obj);
}

static int
read_ungrouped_wqs(struct parser *parser, json_t *value, void *obj)
{
	int ret;

	parser->is_ungrouped = true;
	ret = read_wqs(parser, value, obj);
	parser->is_ungrouped = false;
	return ret;
}

static int
read_ungrouped_engines(struct parser *parser, json_t *value, void *obj)
{
	int ret;

	parser->is_ungrouped = true;
	ret = read_engines(parser, value, obj);
	parser->is_ungrouped = false;
	return ret;
}

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

#define DEV(member) offsetof(struct siov_dev_conf, member)

static const struct key dev_siov_keys[] = {
	{"name", T_STRING, 0, 0, NOWHERE, read_dev_name},
	{"atc_entries", T_INT, SIOV_DEV_ATC_MIN, SIOV_DEV_ATC_MAX, DEV(atc_entries), NULL},
	{"nb_latency", T_INT, 0, SIOV_DEV_LATENCY_MAX, DEV(nb_latency), NULL},
	{"page_timeout_ms", T_INT, 1, SIOV_DEV_PAGE_TIMEOUT_MAX, DEV(page_timeout_ms), NULL},
};
static const struct key_table dev_siov_table = TABLE(dev_siov_keys);

static int
read_dev_siov(struct parser *parser, json_t *value, void *obj)
{
	return config_read_object(parser, value, &dev_siov_table, obj);
}

static const struct key dev_keys[] = {
	{"dev", T_STRING, 0, 0, NOWHERE, NULL}, /* read_dev_number */
	{"groups", T_ARRAY, 0, 0, NOWHERE, read_groups},
	{"ungrouped_workqueues", T_ARRAY, 0, 0, NOWHERE, read_ungrouped_wqs},
	{"ungrouped_engines", T_ARRAY, 0, 0, NOWHERE, read_ungrouped_engines},
	{"siov", T_OBJECT, 0, 0, NOWHERE, read_dev_siov},
	IGNORED_INT("read_buffer_limit"),
	IGNORED_INT("token_limit"),
	IGNORED_INT("event_log_size"),
	IGNORED_INT("max_groups"),
	IGNORED_INT("max_work_queues"),
	IGNORED_INT("max_engines"),
	IGNORED_INT("work_queue_size"),
	IGNORED_INT("numa_node"),
	IGNORED_INT("max_read_buffers"),
	IGNORED_INT("max_tokens"),
	IGNORED_INT("max_batch_size"),
	IGNORED_INT("max_transfer_size"),
	IGNORED_INT("configurable"),
	IGNORED_INT("pasid_enabled"),
	IGNORED_INT("cdev_major"),
	IGNORED_INT("clients"),
	IGNORED_STRING("gen_cap"),
	IGNORED_STRING("version"),
	IGNORED_STRING("state"),
	{"op_cap", T_STRING | T_ARRAY, 0, 0, NOWHERE, NULL},
};
static const struct key_table dev_table = TABLE(dev_keys);

static int
read_dev_number(struct parser *parser, json_t *object)
{
	json_t *value = config_go_to_member(parser, object, "dev");
	const char *name, *p = NULL;

	if (value == NULL)
		return config_refuse(parser, -EINVAL, "key \"dev\" is missing: allowed is dsaN");
	name = json_string_value(value);
	if (name != NULL && strncmp(name, "dsa", 3) == 0)
		p = read_digits(name + 3, &parser->dev_number);
	if (p == NULL || *p != '\0')
		return config_refuse(parser, -EINVAL, "\"dev\" \"%s\": allowed is dsaN",
				     name != NULL ? name : "");
	config_leave_member(parser);
	return 0;
}

/* Count queues and engines, which were entered by number. */
static int
number_parts(struct parser *parser)
{
	struct siov_dev_conf *conf = &parser->conf;
	unsigned int i;

	while (conf->nb_wqs < SIOV_DEV_WQS_MAX && parser->wqs_seen & UINT64_C(1) << conf->nb_wqs)
		conf->nb_wqs++;
	if (conf->nb_wqs < SIOV_DEV_WQS_MAX && parser->wqs_seen >> conf->nb_wqs != 0)
		return config_refuse(parser, -EINVAL,
				     "queue %" PRIu32
				     " is missing: allowed are numbers from 0 without gap",
				     conf->nb_wqs);
	for (i = 0; i < SIOV_DEV_ENGINES_MAX; i++) {
		if (parser->engines_seen & 1u << i)
			conf->engines[conf->nb_engines++].group = parser->engine_group[i];
	}
	return 0;
}

static int
read_dev(struct parser *parser, json_t *object)
{
	int ret;

	parser->conf.nb_wqs = 0;
	parser->conf.nb_engines = 0;
	ret = read_dev_number(parser, object);
	if (ret == 0)
		ret = config_read_object(parser, object, &dev_table, &parser->conf);
	return ret == 0 ? number_parts(parser) : ret;
}

/* ---- file ---- */

static int
read_root(struct parser *parser, json_t *root)
{
	size_t nb = json_is_array(root) ? json_array_size(root) : 0;
	char why[128];
	int ret;

	if (nb > 1) {
		parser->place = (struct json_place){.step = {1}, .depth = 1};
		return config_refuse(parser, -ENOTSUP, "%zu devices: allowed is 1", nb);
	}
	if (nb == 0 || !json_is_object(json_array_get(root, 0)))
		return config_refuse(parser, -EINVAL, "must be an array of one device object");
	parser->place = (struct json_place){.depth = 1};
	ret = read_dev(parser, json_array_get(root, 0));
	if (ret != 0)
		return ret;
	ret = siov_dev_conf_check(&parser->conf, why, sizeof(why));
	return ret == 0 ? 0 : config_refuse_file(parser, ret, "%s", why);
}

/*
 * All of a file, with a zero behind it, in memory to be given to free(): there may be no EAL, and
 * so no siov_mem, before the configuration is known.
 */
static int
read_stream(FILE *f, char **text, size_t *len)
{
	size_t max = 4096, n;
	char *more;

	*text = NULL;
	*len = 0;
	do {
		max *= 2;
		more = max <= FILE_MAX ? realloc(*text, max) : NULL;
		if (more == NULL)
			return max <= FILE_MAX ? -ENOMEM : -EFBIG;
		*text = more;
		n = fread(*text + *len, 1, max - 1 - *len, f);
		*len += n;
		if (ferror(f))
			return errno != 0 ? -errno : -EIO;
	} while (!feof(f));
	(*text)[*len] = '\0';
	return 0;
}

static int
read_file(const char *path, char **text, size_t *len)
{
	FILE *f;
	int ret;

	errno = 0;
	f = fopen(path, "re");
	if (f == NULL)
		return -errno;
	ret = read_stream(f, text, len);
	fclose(f);
	if (ret != 0) {
		free(*text);
		*text = NULL;
	}
	return ret;
}

static int
parse_text(struct parser *parser, size_t len)
{
	json_error_t error;
	json_t *root;
	int ret;

	root = json_loadb(parser->text, len, JSON_REJECT_DUPLICATES, &error);
	if (root == NULL) {
		if (parser->why != NULL)
			snprintf(parser->why, parser->why_len, "%s:%d: %s", parser->path,
				 RTE_MAX(error.line, 1), error.text);
		return json_error_code(&error) == json_error_out_of_memory ? -ENOMEM : -EINVAL;
	}
	ret = read_root(parser, root);
	json_decref(root);
	return ret;
}

int
siov_config_load(const char *path, struct siov_dev_conf *conf, char *why, size_t why_len)
{
	struct parser parser = {.path = path, .why = why, .why_len = why_len, .conf = *conf};
	char *text = NULL;
	size_t len = 0;
	int ret;

	if (why != NULL && why_len != 0)
		why[0] = '\0';
	ret = read_file(path, &text, &len);
	if (ret != 0)
		return config_refuse_file(&parser, ret, "cannot be read: %s", strerror(-ret));
	parser.text = text;
	ret = parse_text(&parser, len);
	free(text);
	if (ret == 0)
		*conf = parser.conf;
	return ret;
}

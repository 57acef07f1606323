/* SPDX-License-Identifier: BSD-3-Clause */
/* accel-config's JSON into a siov_dev_conf. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>

#include "config_priv.h"
#include "dev_conf_priv.h"
#include "siov_config.h"

#define FILE_MAX (UINT64_C(16) << 20) /* bytes */

/* ---- engines ---- */

static const struct key engine_keys[] = {
	{"dev", T_STRING, 0, 0, NOWHERE, NULL}, /* read_name */
	{"group_id", T_INT, -1, SIOV_DEV_GROUPS_MAX - 1, NOWHERE, config_read_group_id},
};
static const struct key_table engine_table = TABLE(engine_keys);

static int
read_engine(struct parser *parser, json_t *value, void *obj)
{
	uint32_t number;
	int ret;

	RTE_SET_USED(obj);
	ret = config_read_name(parser, value, "engine", SIOV_DEV_ENGINES_MAX - 1, &number);
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
	return config_read_array(parser, value, T_OBJECT, config_read_wq, obj);
}

static int
read_engines(struct parser *parser, json_t *value, void *obj)
{
	return config_read_array(parser, value, T_OBJECT, read_engine, obj);
}

#define BUFFERS_MAX SIOV_DEV_READ_BUFFERS_MAX
#define GROUP(member) offsetof(struct siov_dev_group_conf, member)

static const struct key group_keys[] = {
	{"dev", T_STRING, 0, 0, NOWHERE, NULL}, /* read_name */
	{"grouped_workqueues", T_ARRAY, 0, 0, NOWHERE, read_wqs},
	{"grouped_engines", T_ARRAY, 0, 0, NOWHERE, read_engines},
	{"read_buffers_reserved", T_INT, 0, BUFFERS_MAX, GROUP(read_buffers_reserved), NULL},
	{"use_read_buffer_limit", T_INT, 0, 1, GROUP(use_read_buffer_limit), NULL},
	{"read_buffers_allowed", T_INT, 0, BUFFERS_MAX, GROUP(read_buffers_allowed), NULL},
	/* As they were called before. */
	{"tokens_reserved", T_INT, 0, BUFFERS_MAX, GROUP(read_buffers_reserved), NULL},
	{"use_token_limit", T_INT, 0, 1, GROUP(use_read_buffer_limit), NULL},
	{"tokens_allowed", T_INT, 0, BUFFERS_MAX, GROUP(read_buffers_allowed), NULL},
	{"traffic_class_a", T_INT, -1, 7, GROUP(traffic_class_a), NULL},
	{"traffic_class_b", T_INT, -1, 7, GROUP(traffic_class_b), NULL},
	{"desc_progress_limit", T_INT, 0, 3, GROUP(desc_progress_limit), NULL},
	{"batch_progress_limit", T_INT, 0, 3, GROUP(batch_progress_limit), NULL},
};
static const struct key_table group_table = TABLE(group_keys);

static int
read_group(struct parser *parser, json_t *value, void *obj)
{
	int ret;

	RTE_SET_USED(obj);
	ret = config_read_name(parser, value, "group", SIOV_DEV_GROUPS_MAX - 1, &parser->group);
	if (ret != 0)
		return ret;
	return config_read_object(parser, value, &group_table, &parser->conf.groups[parser->group]);
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

#define DEV(member) offsetof(struct siov_dev_conf, member)

static const struct key dev_keys[] = {
	{"dev", T_STRING, 0, 0, NOWHERE, NULL}, /* read_dev_number */
	{"groups", T_ARRAY, 0, 0, NOWHERE, read_groups},
	{"ungrouped_workqueues", T_ARRAY, 0, 0, NOWHERE, read_ungrouped_wqs},
	{"ungrouped_engines", T_ARRAY, 0, 0, NOWHERE, read_ungrouped_engines},
	{"siov", T_OBJECT, 0, 0, NOWHERE, config_read_siov},
	{"read_buffer_limit", T_INT, 0, BUFFERS_MAX, DEV(read_buffer_limit), NULL},
	{"token_limit", T_INT, 0, BUFFERS_MAX, DEV(read_buffer_limit), NULL},
	{"event_log_size", T_INT, 0, SIOV_DEV_EVENT_LOG_MAX, DEV(event_log_size), NULL},
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
		p = config_read_digits(name + 3, &parser->dev_number);
	if (p == NULL || *p != '\0')
		return config_refuse(parser, -EINVAL, "\"dev\" \"%s\": allowed is dsaN",
				     name != NULL ? name : "");
	config_leave_member(parser);
	return 0;
}

/* Rows of ADIs name queues as the file does; idx: what becomes of each number. */
static int
number_adi_rows(struct parser *parser, const uint32_t idx[SIOV_DEV_WQS_MAX])
{
	unsigned int i;

	for (i = 0; i < parser->conf.nb_adi_rows; i++) {
		struct siov_dev_adi_row *row = &parser->conf.adi_rows[i];

		if (row->type == SIOV_ADI_DEDICATED)
			continue;
		if (!(parser->wqs_seen & UINT64_C(1) << row->wq))
			return config_refuse(parser, -EINVAL,
					     "ADIs on queue %" PRIu32
					     ": allowed are queues of this file",
					     row->wq);
		row->wq = idx[row->wq];
	}
	return 0;
}

/* Queues and engines were entered by number; now they follow one another in this order. */
static int
number_parts(struct parser *parser)
{
	struct siov_dev_conf *conf = &parser->conf;
	uint32_t idx[SIOV_DEV_WQS_MAX] = {0};
	unsigned int i;

	for (i = 0; i < SIOV_DEV_WQS_MAX; i++) {
		if (!(parser->wqs_seen & UINT64_C(1) << i))
			continue;
		idx[i] = conf->nb_wqs;
		conf->wqs[conf->nb_wqs++] = conf->wqs[i];
	}
	for (i = conf->nb_wqs; i < SIOV_DEV_WQS_MAX; i++)
		siov_dev_wq_conf_init(&conf->wqs[i]);
	for (i = 0; i < SIOV_DEV_ENGINES_MAX; i++) {
		if (parser->engines_seen & 1u << i)
			conf->engines[conf->nb_engines++].group = parser->engine_group[i];
	}
	for (i = conf->nb_engines; i < SIOV_DEV_ENGINES_MAX; i++)
		conf->engines[i].group = 0;
	return number_adi_rows(parser, idx);
}

/* What a file describes, as if it said nothing. */
static void
clear_parts(struct siov_dev_conf *conf)
{
	unsigned int i;

	conf->nb_wqs = 0;
	conf->nb_engines = 0;
	for (i = 0; i < SIOV_DEV_GROUPS_MAX; i++)
		conf_group_init(&conf->groups[i]);
	conf->read_buffer_limit = 0;
	conf->event_log_size = 0;
	conf->nb_adi_rows = 0;
	memset(conf->adi_rows, 0, sizeof(conf->adi_rows));
}

static int
read_dev(struct parser *parser, json_t *object)
{
	int ret;

	clear_parts(&parser->conf);
	ret = read_dev_number(parser, object);
	if (ret == 0)
		ret = config_read_object(parser, object, &dev_table, &parser->conf);
	parser->conf.number = parser->dev_number;
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

/* A comma between a value and a closing bracket, which accel-config takes, becomes a blank. */
static void
relax_text(char *text)
{
	char *comma = NULL; /* the last that is no blank, if it is one behind a value */
	bool is_string = false;
	char last = '[';

	for (; *text != '\0'; text++) {
		if (is_string) {
			if (*text == '\\' && text[1] != '\0')
				text++;
			else
				is_string = *text != '"';
			continue;
		}
		if (strchr(" \t\r\n", *text) != NULL)
			continue;
		if ((*text == ']' || *text == '}') && comma != NULL)
			*comma = ' ';
		comma = *text == ',' && strchr("[{,:", last) == NULL ? text : NULL;
		is_string = *text == '"';
		last = *text;
	}
}

static int
refuse_text(struct parser *parser, const json_error_t *error)
{
	if (parser->why != NULL && parser->why_len != 0) {
		snprintf(parser->why, parser->why_len, "%s:%d: %s", parser->path,
			 RTE_MAX(error->line, 1), error->text);
		config_make_line(parser->why);
	}
	return json_error_code(error) == json_error_out_of_memory ? -ENOMEM : -EINVAL;
}

static int
parse_text(struct parser *parser, size_t len)
{
	json_error_t error;
	json_t *root;
	int ret;

	root = json_loadb(parser->text, len, JSON_REJECT_DUPLICATES, &error);
	if (root == NULL)
		return refuse_text(parser, &error);
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
	relax_text(text);
	parser.text = text;
	ret = parse_text(&parser, len);
	free(text);
	if (ret == 0)
		*conf = parser.conf;
	return ret;
}

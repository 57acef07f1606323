/* SPDX-License-Identifier: BSD-3-Clause */
/* A siov_dev_conf as accel-config's JSON: keys in the order in which accel-config writes them. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include <rte_common.h>

#include "dev_conf_priv.h"
#include "siov_config.h"

#define NAME_LEN 32u

/* What is being written. Once something could not be allocated, all that follows does nothing. */
struct writer {
	const struct siov_dev_conf *conf;
	bool has_failed;
};

static void
put(struct writer *writer, json_t *object, const char *key, json_t *value)
{
	if (json_object_set_new(object, key, value) != 0)
		writer->has_failed = true;
}

static void
put_int(struct writer *writer, json_t *object, const char *key, int64_t number)
{
	put(writer, object, key, json_integer(number));
}

static void
put_text(struct writer *writer, json_t *object, const char *key, const char *text)
{
	put(writer, object, key, json_string(text));
}

/* Left out where it is empty. */
static void
put_label(struct writer *writer, json_t *object, const char *key, const char *text)
{
	if (text[0] != '\0')
		put_text(writer, object, key, text);
}

static void
append(struct writer *writer, json_t *array, json_t *value)
{
	if (json_array_append_new(array, value) != 0)
		writer->has_failed = true;
}

/* An object or array that is complete; left out where it is empty. */
static void
put_parts(struct writer *writer, json_t *object, const char *key, json_t *parts)
{
	if (json_array_size(parts) != 0)
		put(writer, object, key, parts);
	else
		json_decref(parts);
}

/* An object with its name: kind, the device's number, a dot, its own number. */
static json_t *
make_part(struct writer *writer, const char *kind, unsigned int number)
{
	json_t *object = json_object();
	char name[NAME_LEN];

	snprintf(name, sizeof(name), "%s%" PRIu32 ".%u", kind, writer->conf->number, number);
	put_text(writer, object, "dev", name);
	return object;
}

/* ---- queues ---- */

static json_t *
make_wq_flags(struct writer *writer, uint32_t flags)
{
	json_t *array = json_array();

	if (flags & SIOV_WQ_F_EXACT)
		append(writer, array, json_string("exact"));
	if (flags & SIOV_WQ_F_STAMPS)
		append(writer, array, json_string("stamps"));
	return array;
}

static void
put_op_config(struct writer *writer, json_t *object, const uint64_t mask[4])
{
	char text[8 * 9 + 1];
	unsigned int i;

	if ((mask[0] & mask[1] & mask[2] & mask[3]) == UINT64_MAX)
		return;
	for (i = 0; i < 8; i++)
		snprintf(text + 9 * i, sizeof(text) - 9 * i, "%08" PRIx32 ",",
			 (uint32_t)(mask[(7 - i) / 2] >> ((7 - i) % 2 * 32)));
	text[8 * 9 - 1] = '\0';
	put_text(writer, object, "op_config", text);
}

/* What accel-config has no words for; left out where it is as by default. */
static void
put_wq_siov(struct writer *writer, json_t *object, const struct siov_dev_wq_conf *wq)
{
	struct siov_dev_wq_conf unset;
	json_t *siov;

	siov_dev_wq_conf_init(&unset);
	if (wq->lanes_max == unset.lanes_max && wq->pasid == 0 && wq->control_pasid == 0 &&
	    (wq->flags & (SIOV_WQ_F_EXACT | SIOV_WQ_F_STAMPS)) == 0)
		return;
	siov = json_object();
	put_int(writer, siov, "lanes_max", wq->lanes_max);
	put_int(writer, siov, "pasid", wq->pasid);
	put_int(writer, siov, "control_pasid", wq->control_pasid);
	put_parts(writer, siov, "flags", make_wq_flags(writer, wq->flags));
	put(writer, object, "siov", siov);
}

static json_t *
make_wq(struct writer *writer, unsigned int id)
{
	const struct siov_dev_wq_conf *wq = &writer->conf->wqs[id];
	json_t *object = make_part(writer, "wq", id);

	put_text(writer, object, "mode", wq->mode == SIOV_WQ_SHARED ? "shared" : "dedicated");
	put_int(writer, object, "size", wq->size);
	put_int(writer, object, "group_id", wq->group);
	put_int(writer, object, "priority", wq->priority);
	put_int(writer, object, "block_on_fault", (wq->flags & SIOV_WQ_F_BOF) != 0);
	put_int(writer, object, "max_batch_size", wq->batch_max);
	put_int(writer, object, "max_transfer_size", wq->xfer_max);
	put_label(writer, object, "type", wq->label.type);
	put_label(writer, object, "name", wq->label.name);
	put_label(writer, object, "driver_name", wq->label.driver);
	put_int(writer, object, "threshold", wq->threshold);
	put_int(writer, object, "prs_disable", wq->prs_disable);
	put_int(writer, object, "ats_disable", wq->ats_disable);
	put_op_config(writer, object, wq->op_config);
	put_wq_siov(writer, object, wq);
	return object;
}

/* ---- groups ---- */

static json_t *
make_wqs(struct writer *writer, unsigned int group)
{
	json_t *array = json_array();
	unsigned int i;

	for (i = 0; i < writer->conf->nb_wqs; i++) {
		if (writer->conf->wqs[i].group == group && !writer->conf->wqs[i].is_unused)
			append(writer, array, make_wq(writer, i));
	}
	return array;
}

static json_t *
make_engines(struct writer *writer, unsigned int group)
{
	json_t *array = json_array();
	unsigned int i;

	for (i = 0; i < writer->conf->nb_engines; i++) {
		json_t *engine;

		if (writer->conf->engines[i].group != group)
			continue;
		engine = make_part(writer, "engine", i);
		if (group != SIOV_DEV_GROUP_NONE)
			put_int(writer, engine, "group_id", group);
		append(writer, array, engine);
	}
	return array;
}

static json_t *
make_group(struct writer *writer, unsigned int id)
{
	const struct siov_dev_group_conf *group = &writer->conf->groups[id];
	json_t *object = make_part(writer, "group", id);

	put_int(writer, object, "read_buffers_reserved", group->read_buffers_reserved);
	put_int(writer, object, "use_read_buffer_limit", group->use_read_buffer_limit);
	put_int(writer, object, "read_buffers_allowed", group->read_buffers_allowed);
	put_int(writer, object, "traffic_class_a", group->traffic_class_a);
	put_int(writer, object, "traffic_class_b", group->traffic_class_b);
	put_int(writer, object, "desc_progress_limit", group->desc_progress_limit);
	put_int(writer, object, "batch_progress_limit", group->batch_progress_limit);
	put_parts(writer, object, "grouped_workqueues", make_wqs(writer, id));
	put_parts(writer, object, "grouped_engines", make_engines(writer, id));
	return object;
}

/* Groups up to the last one that is not as by default. */
static unsigned int
count_groups(const struct siov_dev_conf *conf)
{
	struct siov_dev_group_conf unset;
	unsigned int nb = SIOV_DEV_GROUPS_MAX, i;

	conf_group_init(&unset);
	while (nb > 0 && memcmp(&conf->groups[nb - 1], &unset, sizeof(unset)) == 0)
		nb--;
	for (i = 0; i < conf->nb_wqs; i++)
		nb = RTE_MAX(nb, conf->wqs[i].group + 1);
	return nb; /* an engine's group has a queue */
}

static json_t *
make_groups(struct writer *writer)
{
	unsigned int nb = count_groups(writer->conf), i;
	json_t *array = json_array();

	for (i = 0; i < nb; i++)
		append(writer, array, make_group(writer, i));
	return array;
}

/* ---- device ---- */

static json_t *
make_adi_row(struct writer *writer, const struct siov_dev_adi_row *row)
{
	json_t *object = json_object();

	put_text(writer, object, "type", siov_adi_type_info(row->type)->name);
	put_text(writer, object, "owner", siov_adi_owner_name(row->owner));
	put_int(writer, object, "count", row->count);
	if (row->type != SIOV_ADI_DEDICATED)
		put_int(writer, object, "wq", row->wq);
	put_int(writer, object, "nb_dwqs", row->nb_dwqs);
	put_int(writer, object, "pasid", row->pasid);
	put_int(writer, object, "control_pasid", row->control_pasid);
	put_int(writer, object, "nb_messages", row->nb_messages);
	put_int(writer, object, "weight", row->qos.weight);
	put_int(writer, object, "priority", row->qos.priority);
	put_int(writer, object, "max_outstanding", row->qos.max_outstanding);
	put_int(writer, object, "rate_ops", (int64_t)row->qos.rate_ops);
	put_int(writer, object, "burst_ops", (int64_t)row->qos.burst_ops);
	put_int(writer, object, "rate_bytes", (int64_t)row->qos.rate_bytes);
	put_int(writer, object, "burst_bytes", (int64_t)row->qos.burst_bytes);
	return object;
}

static json_t *
make_siov(struct writer *writer)
{
	const struct siov_dev_conf *conf = writer->conf;
	json_t *object = json_object(), *flags = json_array(), *adis = json_array();
	unsigned int i;

	put_text(writer, object, "name", conf->name);
	put_text(writer, object, "profile", siov_dev_profile_name(conf->profile));
	put_int(writer, object, "atc_entries", conf->atc_entries);
	put_int(writer, object, "nb_latency", conf->nb_latency);
	put_int(writer, object, "page_timeout_ms", conf->page_timeout_ms);
	put_int(writer, object, "nb_msix", conf->nb_msix);
	put_int(writer, object, "ims_size", conf->nb_ims);
	put_int(writer, object, "nb_adi", conf->nb_adis);
	if (conf->flags & SIOV_DEV_F_PRIV)
		append(writer, flags, json_string("priv"));
	put(writer, object, "flags", flags);
	for (i = 0; i < conf->nb_adi_rows; i++)
		append(writer, adis, make_adi_row(writer, &conf->adi_rows[i]));
	put_parts(writer, object, "adis", adis);
	return object;
}

/* The text of a whole file, to be given to free(); NULL: no memory. */
static char *
make_text(const struct siov_dev_conf *conf)
{
	struct writer writer = {.conf = conf};
	json_t *root = json_array(), *dev = json_object();
	char name[NAME_LEN];
	char *text = NULL;

	snprintf(name, sizeof(name), "dsa%" PRIu32, conf->number);
	put_text(&writer, dev, "dev", name);
	put_int(&writer, dev, "read_buffer_limit", conf->read_buffer_limit);
	if (conf->event_log_size != 0)
		put_int(&writer, dev, "event_log_size", conf->event_log_size);
	put(&writer, dev, "groups", make_groups(&writer));
	put_parts(&writer, dev, "ungrouped_engines", make_engines(&writer, SIOV_DEV_GROUP_NONE));
	put(&writer, dev, "siov", make_siov(&writer));
	append(&writer, root, dev);
	if (!writer.has_failed)
		text = json_dumps(root, JSON_INDENT(2) | JSON_COMPACT);
	json_decref(root);
	return text;
}

/* ---- file ---- */

static int
write_text(const char *path, const char *text)
{
	FILE *f;
	int ret = 0;

	errno = 0;
	f = fopen(path, "we");
	if (f == NULL)
		return -errno;
	if (fputs(text, f) < 0 || fputc('\n', f) < 0 || fflush(f) != 0)
		ret = errno != 0 ? -errno : -EIO;
	if (fclose(f) != 0 && ret == 0)
		ret = -errno;
	return ret;
}

/* Beside the file first, so that a write that fails leaves what was there. */
static int
replace_file(const char *path, const char *text)
{
	static const char suffix[] = ".new";
	size_t len = strlen(path);
	char *beside = malloc(len + sizeof(suffix));
	int ret;

	if (beside == NULL)
		return -ENOMEM;
	memcpy(beside, path, len);
	memcpy(beside + len, suffix, sizeof(suffix));
	ret = write_text(beside, text);
	if (ret == 0 && rename(beside, path) != 0)
		ret = -errno;
	if (ret != 0)
		unlink(beside);
	free(beside);
	return ret;
}

int
siov_config_save(const char *path, const struct siov_dev_conf *conf, char *why, size_t why_len)
{
	const struct conf_reason reason = {.text = why, .len = why_len};
	char *text;
	int ret;

	ret = siov_dev_conf_check(conf, why, why_len);
	if (ret != 0)
		return ret;
	text = make_text(conf);
	if (text == NULL)
		return conf_refuse(&reason, -ENOMEM, "%s: no memory", path);
	ret = replace_file(path, text);
	free(text);
	return ret == 0 ?
		       0 :
		       conf_refuse(&reason, ret, "%s: cannot be written: %s", path, strerror(-ret));
}

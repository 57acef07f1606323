/* SPDX-License-Identifier: BSD-3-Clause */
/* Queues of a configuration file. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>

#include "config_priv.h"

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

static int
read_type(struct parser *parser, json_t *value, void *obj)
{
	struct siov_dev_wq_label *label = &((struct siov_dev_wq_conf *)obj)->label;

	return config_read_text(parser, value, "type", label->type, sizeof(label->type));
}

static int
read_label(struct parser *parser, json_t *value, void *obj)
{
	struct siov_dev_wq_label *label = &((struct siov_dev_wq_conf *)obj)->label;

	return config_read_text(parser, value, "name", label->name, sizeof(label->name));
}

static int
read_driver(struct parser *parser, json_t *value, void *obj)
{
	struct siov_dev_wq_label *label = &((struct siov_dev_wq_conf *)obj)->label;

	return config_read_text(parser, value, "driver_name", label->driver, sizeof(label->driver));
}

/* Words of 32 bits in hexadecimal digits, parted by commas, the highest first. False: it is not. */
static bool
parse_mask(const char *text, uint64_t mask[4])
{
	uint32_t words[8] = {0};
	unsigned int nb, i;

	for (nb = 0; nb < RTE_DIM(words); nb++) {
		size_t len = strspn(text, "0123456789abcdefABCDEF");

		if (len == 0 || len > 8)
			return false;
		words[nb] = (uint32_t)strtoul(text, NULL, 16);
		text += len;
		if (*text == '\0')
			break;
		if (*text++ != ',')
			return false;
	}
	if (nb == RTE_DIM(words))
		return false;
	memset(mask, 0, 4 * sizeof(mask[0]));
	for (i = 0; i <= nb; i++)
		mask[i / 2] |= (uint64_t)words[nb - i] << (i % 2 * 32);
	return true;
}

static int
read_op_config(struct parser *parser, json_t *value, void *obj)
{
	struct siov_dev_wq_conf *wq = obj;

	if (json_is_string(value) && !parse_mask(json_string_value(value), wq->op_config))
		return config_refuse(parser, -EINVAL,
				     "\"op_config\" \"%s\": allowed are 1 to 8 words of 8 "
				     "hexadecimal digits, parted by commas",
				     json_string_value(value));
	return 0;
}

#define WQ(member) offsetof(struct siov_dev_wq_conf, member)

static const struct key wq_siov_keys[] = {
	{"lanes_max", T_INT, 1, SIOV_WQ_LANES_MAX, WQ(lanes_max), NULL},
	{"pasid", T_INT, 0, SIOV_PASID_MAX, WQ(pasid), NULL},
	{"control_pasid", T_INT, 0, SIOV_PASID_MAX, WQ(control_pasid), NULL},
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
	{"group_id", T_INT, -1, SIOV_DEV_GROUPS_MAX - 1, NOWHERE, config_read_group_id},
	{"max_transfer_size", T_INT, 1, SIOV_DEV_XFER_MAX, WQ(xfer_max), NULL},
	{"block_on_fault", T_INT, 0, 1, NOWHERE, read_block_on_fault},
	{"max_batch_size", T_INT, 1, SIOV_DEV_BATCH_MAX, WQ(batch_max), NULL},
	{"ats_disable", T_INT, 0, 1, WQ(ats_disable), NULL},
	{"prs_disable", T_INT, 0, 1, WQ(prs_disable), NULL},
	{"type", T_STRING, 0, 0, NOWHERE, read_type},
	{"name", T_STRING, 0, 0, NOWHERE, read_label},
	{"driver_name", T_STRING, 0, 0, NOWHERE, read_driver},
	{"op_config", T_STRING | T_ARRAY, 0, 0, NOWHERE, read_op_config},
	{"siov", T_OBJECT, 0, 0, NOWHERE, read_wq_siov},
	IGNORED_INT("cdev_minor"),
	IGNORED_INT("clients"),
	IGNORED_INT("occupancy"),
	IGNORED_STRING("state"),
};
static const struct key_table wq_table = TABLE(wq_keys);

int
config_read_wq(struct parser *parser, json_t *value, void *obj)
{
	struct siov_dev_wq_conf wq;
	uint32_t number;
	int ret;

	RTE_SET_USED(obj);
	siov_dev_wq_conf_init(&wq);
	ret = config_read_name(parser, value, "wq", SIOV_DEV_WQS_MAX - 1, &number);
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
	/* As idxd has it: without page requests nothing can block on faults. */
	if (wq.prs_disable != 0)
		wq.flags &= ~SIOV_WQ_F_BOF;
	parser->conf.wqs[number] = wq;
	return 0;
}

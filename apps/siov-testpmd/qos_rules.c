/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include <rte_common.h>

#include "qos_rules.h"
#include "siov_desc.h"
#include "sweep.h"

#define TEXT_MAX 512u

/* ---- one limit ---- */

static const struct key {
	const char *name;
	size_t offset;
	bool is_wide; /* 64 bits */
	uint64_t max;
} keys[] = {
	{"weight", offsetof(struct siov_qos_conf, weight), false, SIOV_QOS_WEIGHT_MAX},
	{"priority", offsetof(struct siov_qos_conf, priority), false, SIOV_QOS_PRIORITY_MAX},
	{"outstanding", offsetof(struct siov_qos_conf, max_outstanding), false, UINT32_MAX},
	{"ops", offsetof(struct siov_qos_conf, rate_ops), true, SIOV_QOS_RATE_MAX},
	{"bytes", offsetof(struct siov_qos_conf, rate_bytes), true, SIOV_QOS_RATE_MAX},
};

static uint64_t
get_key(const struct siov_qos_conf *conf, const struct key *key)
{
	const char *at = (const char *)conf + key->offset;

	return key->is_wide ? *(const uint64_t *)(const void *)at :
			      *(const uint32_t *)(const void *)at;
}

static int
set_key(struct siov_qos_conf *conf, const char *name, const char *text)
{
	unsigned int i;

	for (i = 0; i < RTE_DIM(keys); i++) {
		const struct sweep_limits limits = {.max = keys[i].max, .k = 1000};
		char *at = (char *)conf + keys[i].offset;
		uint64_t value;
		int ret;

		if (strcmp(keys[i].name, name) != 0)
			continue;
		ret = number_parse(text, &limits, &value);
		if (ret == 0 && keys[i].is_wide)
			*(uint64_t *)(void *)at = value;
		else if (ret == 0)
			*(uint32_t *)(void *)at = (uint32_t)value;
		return ret;
	}
	return -EINVAL;
}

/* A copy that can be cut up; false: it is too long. */
static bool
copy_text(char copy[TEXT_MAX], const char *text)
{
	size_t len = strlen(text);

	if (len >= TEXT_MAX)
		return false;
	memcpy(copy, text, len + 1);
	return true;
}

int
qos_parse(const char *text, struct siov_qos_conf *conf)
{
	struct siov_qos_conf parsed = {.weight = 0};
	char copy[TEXT_MAX];
	char *rest = copy;
	int ret = 0;

	if (!copy_text(copy, text))
		return -EINVAL;
	while (rest != NULL && ret == 0 && strcmp(text, "none") != 0) {
		char *value = strsep(&rest, ",");
		const char *name = strsep(&value, "=");

		ret = value != NULL ? set_key(&parsed, name, value) : -EINVAL;
	}
	if (ret == 0)
		*conf = parsed;
	return ret;
}

/* ---- lists ---- */

static int
parse_pasids(char *text, struct qos_rule *rule)
{
	const struct sweep_limits limits = {.min = 1, .max = SIOV_PASID_MAX, .k = 1000};
	const char *first = strsep(&text, "-");
	uint64_t from, to;
	int ret;

	ret = number_parse(first, &limits, &from);
	if (ret != 0)
		return ret;
	to = from;
	if (text != NULL)
		ret = number_parse(text, &limits, &to);
	if (ret != 0)
		return ret;
	rule->first = (uint32_t)from;
	rule->last = (uint32_t)to;
	return to < from ? -EINVAL : 0;
}

int
qos_parse_list(const char *text, uint64_t max, struct qos_list *list)
{
	const struct sweep_limits limits = {.min = 1, .max = max, .k = 1000};
	struct qos_list parsed = {.nb = 0};
	char copy[TEXT_MAX];
	char *rest = copy;
	int ret = 0;

	if (!copy_text(copy, text))
		return -EINVAL;
	while (rest != NULL && ret == 0 && strcmp(text, "none") != 0) {
		char *value = strsep(&rest, ",");
		char *pasids = strsep(&value, ":");
		struct qos_rule *rule = &parsed.rules[parsed.nb];

		if (value == NULL || parsed.nb == QOS_RULES_MAX)
			return -EINVAL;
		ret = parse_pasids(pasids, rule);
		if (ret == 0)
			ret = number_parse(value, &limits, &rule->value);
		parsed.nb++;
	}
	if (ret == 0)
		*list = parsed;
	return ret;
}

/* The last rule that names the PASID, or NULL. */
static const struct qos_rule *
find_rule(const struct qos_list *list, uint32_t pasid)
{
	unsigned int i;

	for (i = list->nb; i > 0; i--) {
		const struct qos_rule *rule = &list->rules[i - 1];

		if (rule->first <= pasid && pasid <= rule->last)
			return rule;
	}
	return NULL;
}

/* ---- what it means ---- */

struct siov_qos_conf
qos_of(const struct qos_rules *rules, uint32_t pasid)
{
	const struct qos_rule *weight = find_rule(&rules->weights, pasid);
	const struct qos_rule *rate = find_rule(&rules->rates, pasid);
	struct siov_qos_conf conf = rules->all;

	if (weight != NULL)
		conf.weight = (uint32_t)weight->value;
	if (rate != NULL)
		conf.rate_ops = rate->value;
	return conf;
}

bool
qos_is_set(const struct qos_rules *rules)
{
	return rules->weights.nb != 0 || rules->rates.nb != 0 ||
	       siov_qos_conf_has_limits(&rules->all);
}

uint32_t
qos_noise(const struct qos_rules *rules, uint32_t pasid)
{
	const struct qos_rule *rule = find_rule(&rules->noise, pasid);

	return rule != NULL ? (uint32_t)rule->value : 1;
}

uint32_t
qos_noise_max(const struct qos_rules *rules)
{
	return rules->noise.nb != 0 ? (uint32_t)rules->noise.rules[0].value : 1;
}

/* ---- output ---- */

void
qos_print_conf(FILE *f, const struct siov_qos_conf *conf)
{
	const char *comma = "";
	unsigned int i;

	for (i = 0; i < RTE_DIM(keys); i++) {
		uint64_t value = get_key(conf, &keys[i]);

		if (value == 0)
			continue;
		fprintf(f, "%s%s=%" PRIu64, comma, keys[i].name, value);
		comma = ",";
	}
	if (comma[0] == '\0')
		fprintf(f, "none");
}

static void
print_list(FILE *f, const struct qos_list *list, const char *prefix, const char *name)
{
	unsigned int i;

	if (list->nb == 0)
		return;
	fprintf(f, "%s%s: ", prefix, name);
	for (i = 0; i < list->nb; i++) {
		const struct qos_rule *rule = &list->rules[i];

		fprintf(f, "%s%" PRIu32, i > 0 ? "," : "", rule->first);
		if (rule->last != rule->first)
			fprintf(f, "-%" PRIu32, rule->last);
		fprintf(f, ":%" PRIu64, rule->value);
	}
	fprintf(f, "\n");
}

void
qos_print(FILE *f, const struct qos_rules *rules, const char *prefix)
{
	fprintf(f, "%sqos: ", prefix);
	qos_print_conf(f, &rules->all);
	fprintf(f, "\n");
	print_list(f, &rules->weights, prefix, "pasid-weight");
	print_list(f, &rules->rates, prefix, "pasid-rate");
	print_list(f, &rules->noise, prefix, "pasid-noise");
}

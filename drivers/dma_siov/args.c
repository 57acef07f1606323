/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>
#include <rte_kvargs.h>
#include <rte_lcore.h>
#include <rte_string_fns.h>

#include "args.h"
#include "log.h"

#define ENTRIES_DEFAULT 1024u
#define PASID_MAX (SIOV_PASID_MAX - DMA_SIOV_VCHANS_MAX) /* of the first channel */

/* Each has its handler; those of limits end the list. */
static const char *const keys[] = {"device",      "mode",   "entries", "dwqs",   "profile",
				   "pasid",       "engine", "lcore",   "weight", "priority",
				   "outstanding", "ops",    "bytes",   NULL};

static const char *const profiles[] = {
	[PROFILE_DYNAMIC] = "dynamic",
	[PROFILE_SWQ] = "swq",
	[PROFILE_DWQ] = "dwq",
};

const char *
args_profile_name(enum profile profile)
{
	return profiles[profile];
}

uint16_t
args_vchans_max(const struct args *args)
{
	return args->profile == PROFILE_DYNAMIC ? DMA_SIOV_VCHANS_MAX : 1;
}

/* ---- one value each ---- */

static int
read_wide(const char *key, const char *value, uint64_t max, uint64_t *out)
{
	unsigned long long number;
	char *end;

	errno = 0;
	number = strtoull(value, &end, 0);
	if (value[0] < '0' || value[0] > '9' || *end != '\0' || errno != 0 || number > max) {
		DMA_SIOV_ERR("%s=%s: allowed is 0 to %" PRIu64, key, value, max);
		return -EINVAL;
	}
	*out = number;
	return 0;
}

static int
read_number(const char *key, const char *value, uint32_t max, uint32_t *out)
{
	uint64_t number;

	if (read_wide(key, value, max, &number) != 0)
		return -EINVAL;
	*out = (uint32_t)number;
	return 0;
}

/* Which of two words it is. */
static int
read_choice(const char *key, const char *value, const char *const words[2])
{
	if (strcmp(value, words[0]) == 0)
		return 0;
	if (strcmp(value, words[1]) == 0)
		return 1;
	DMA_SIOV_ERR("%s=%s: allowed is %s or %s", key, value, words[0], words[1]);
	return -EINVAL;
}

static int
on_device(const char *key, const char *value, void *arg)
{
	struct args *args = arg;

	args->is_shared = true;
	if (value[0] != '\0' && rte_strscpy(args->device, value, sizeof(args->device)) >= 0)
		return 0;
	DMA_SIOV_ERR("%s=%s: allowed are 1 to %u characters", key, value, SIOV_DEV_NAME_LEN - 1);
	return -EINVAL;
}

static int
on_mode(const char *key, const char *value, void *arg)
{
	static const char *const words[] = {"swq", "dwq"};
	struct args *args = arg;
	int choice = read_choice(key, value, words);

	args->mode = choice == 1 ? SIOV_WQ_DEDICATED : SIOV_WQ_SHARED;
	args->has_mode = true;
	return RTE_MIN(choice, 0);
}

static int
on_profile(const char *key, const char *value, void *arg)
{
	struct args *args = arg;
	unsigned int i;

	for (i = 0; i < RTE_DIM(profiles); i++) {
		if (strcmp(value, profiles[i]) == 0) {
			args->profile = (enum profile)i;
			args->has_profile = true;
			return 0;
		}
	}
	DMA_SIOV_ERR("%s=%s: allowed is dynamic, swq or dwq", key, value);
	return -EINVAL;
}

static int
on_engine(const char *key, const char *value, void *arg)
{
	static const char *const words[] = {"thread", "inline"};
	struct args *args = arg;
	int choice = read_choice(key, value, words);

	args->is_inline = choice == 1;
	args->shapes = true;
	return RTE_MIN(choice, 0);
}

static int
on_entries(const char *key, const char *value, void *arg)
{
	struct args *args = arg;

	args->shapes = true;
	if (read_number(key, value, SIOV_WQ_SIZE_MAX, &args->entries) != 0)
		return -EINVAL;
	if (args->entries > 0)
		return 0;
	DMA_SIOV_ERR("%s=0: allowed is 1 to %u", key, SIOV_WQ_SIZE_MAX);
	return -EINVAL;
}

static int
on_dwqs(const char *key, const char *value, void *arg)
{
	struct args *args = arg;

	args->has_dwqs = true;
	args->shapes = true;
	return read_number(key, value, DMA_SIOV_DWQS_MAX, &args->nb_dwqs);
}

static int
on_pasid(const char *key, const char *value, void *arg)
{
	struct args *args = arg;

	if (read_number(key, value, PASID_MAX, &args->pasid) != 0)
		return -EINVAL;
	if (args->pasid > 0)
		return 0;
	DMA_SIOV_ERR("%s=0: allowed is 1 to %u", key, PASID_MAX);
	return -EINVAL;
}

static int
on_lcore(const char *key, const char *value, void *arg)
{
	struct args *args = arg;
	rte_cpuset_t cpus;
	uint32_t lcore;

	args->shapes = true;
	if (read_number(key, value, RTE_MAX_LCORE - 1, &lcore) != 0)
		return -EINVAL;
	cpus = rte_lcore_cpuset(lcore);
	if (CPU_COUNT(&cpus) == 0) {
		DMA_SIOV_ERR("%s=%s: there is no such lcore", key, value);
		return -EINVAL;
	}
	args->lcore = (int)lcore;
	return 0;
}

/* ---- limits of contexts ---- */

static int
on_weight(const char *key, const char *value, void *arg)
{
	return read_number(key, value, SIOV_QOS_WEIGHT_MAX, &((struct args *)arg)->qos.weight);
}

static int
on_priority(const char *key, const char *value, void *arg)
{
	return read_number(key, value, SIOV_QOS_PRIORITY_MAX, &((struct args *)arg)->qos.priority);
}

static int
on_outstanding(const char *key, const char *value, void *arg)
{
	return read_number(key, value, UINT32_MAX, &((struct args *)arg)->qos.max_outstanding);
}

static int
on_ops(const char *key, const char *value, void *arg)
{
	return read_wide(key, value, SIOV_QOS_RATE_MAX, &((struct args *)arg)->qos.rate_ops);
}

static int
on_bytes(const char *key, const char *value, void *arg)
{
	return read_wide(key, value, SIOV_QOS_RATE_MAX, &((struct args *)arg)->qos.rate_bytes);
}

/* ---- all of them ---- */

/* Mode and profile name the same queue: one that was not given follows the other. */
static int
check_profile(struct args *args)
{
	bool is_dwq = args->profile == PROFILE_DWQ;

	if (args->has_profile && !args->has_mode)
		args->mode = is_dwq ? SIOV_WQ_DEDICATED : SIOV_WQ_SHARED;
	else if (args->has_mode && !args->has_profile)
		args->profile = args->mode == SIOV_WQ_DEDICATED ? PROFILE_DWQ : PROFILE_DYNAMIC;
	is_dwq = args->profile == PROFILE_DWQ;
	if (is_dwq && !args->has_dwqs)
		args->nb_dwqs = 1;
	if (is_dwq && args->nb_dwqs == 0) {
		DMA_SIOV_ERR("%s", "dwqs=0 contradicts a dedicated queue");
		return -EINVAL;
	}
	if (is_dwq == (args->mode == SIOV_WQ_DEDICATED))
		return 0;
	DMA_SIOV_ERR("profile=%s contradicts mode=%s", profiles[args->profile],
		     args->mode == SIOV_WQ_DEDICATED ? "dwq" : "swq");
	return -EINVAL;
}

static int
read_keys(struct args *args, const struct rte_kvargs *kvargs)
{
	static const arg_handler_t handlers[] = {
		on_device, on_mode,   on_entries,  on_dwqs,        on_profile, on_pasid, on_engine,
		on_lcore,  on_weight, on_priority, on_outstanding, on_ops,     on_bytes,
	};
	unsigned int i;

	for (i = 0; i < RTE_DIM(handlers); i++) {
		if (rte_kvargs_count(kvargs, keys[i]) > 1) {
			DMA_SIOV_ERR("%s= is given twice", keys[i]);
			return -EINVAL;
		}
		if (rte_kvargs_process(kvargs, keys[i], handlers[i], args) != 0)
			return -EINVAL;
	}
	if (args->is_inline && args->lcore >= 0) {
		DMA_SIOV_ERR("lcore=%d contradicts engine=inline: it has no thread", args->lcore);
		return -EINVAL;
	}
	return check_profile(args);
}

/* A key without '=' has no value, which handlers do not expect. */
static int
check_pairs(const struct rte_kvargs *kvargs)
{
	unsigned int i;

	for (i = 0; i < kvargs->count; i++) {
		if (kvargs->pairs[i].value == NULL) {
			DMA_SIOV_ERR("%s: has no value", kvargs->pairs[i].key);
			return -EINVAL;
		}
	}
	return 0;
}

int
args_parse(struct args *args, const char *port, const char *text)
{
	struct rte_kvargs *kvargs;
	int ret;

	*args = (struct args){
		.mode = SIOV_WQ_SHARED, .entries = ENTRIES_DEFAULT, .pasid = 1, .lcore = -1};
	if (rte_strscpy(args->device, port, sizeof(args->device)) < 0) {
		DMA_SIOV_ERR("%s: a port's name has at most %u characters", port,
			     SIOV_DEV_NAME_LEN - 1);
		return -EINVAL;
	}
	if (text == NULL || text[0] == '\0')
		return 0;
	kvargs = rte_kvargs_parse(text, keys);
	if (kvargs == NULL) {
		DMA_SIOV_ERR("'%s': allowed is %s", text, DMA_SIOV_ARGS);
		return -EINVAL;
	}
	ret = check_pairs(kvargs);
	if (ret == 0)
		ret = read_keys(args, kvargs);
	rte_kvargs_free(kvargs);
	return ret;
}

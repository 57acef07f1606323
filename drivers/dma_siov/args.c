/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
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

static const char *const keys[] = {"device", "mode", "entries", "pasid", "engine", "lcore", NULL};

/* ---- one value each ---- */

static int
read_number(const char *key, const char *value, uint32_t max, uint32_t *out)
{
	unsigned long number;
	char *end;

	errno = 0;
	number = strtoul(value, &end, 0);
	if (value[0] < '0' || value[0] > '9' || *end != '\0' || errno != 0 || number > max) {
		DMA_SIOV_ERR("%s=%s: allowed is 0 to %u", key, value, max);
		return -EINVAL;
	}
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
	args->shapes = true;
	return RTE_MIN(choice, 0);
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
on_pasid(const char *key, const char *value, void *arg)
{
	struct args *args = arg;

	return read_number(key, value, SIOV_PASID_MAX - DMA_SIOV_VCHANS_MAX, &args->pasid);
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

/* ---- all of them ---- */

static int
read_keys(struct args *args, const struct rte_kvargs *kvargs)
{
	static const arg_handler_t handlers[] = {on_device, on_mode,   on_entries,
						 on_pasid,  on_engine, on_lcore};
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
	return 0;
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

	*args = (struct args){.mode = SIOV_WQ_SHARED, .entries = ENTRIES_DEFAULT, .lcore = -1};
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

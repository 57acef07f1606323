/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * /siov/vdev/...: VDEVs, read-only. A VDCM goes by the name of its first function's device. As in
 * ctrl/telemetry.c there is one list for the process, whose lock is held while a command runs.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_telemetry.h>

#include "vdev_priv.h"

#define LIST_PAGE 256u /* VDEVs in one answer */

static struct {
	pthread_mutex_t lock;
	TAILQ_HEAD(, siov_vdcm) vdcms;
	bool is_registered;
} registry = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.vdcms = TAILQ_HEAD_INITIALIZER(registry.vdcms),
};

/* Those from id `from` on. */
static int
show_list(struct siov_vdcm *vdcm, uint32_t from, struct rte_tel_data *d)
{
	uint32_t id, nb = 0;

	rte_tel_data_start_array(d, SIOV_TEL_UINT_VAL);
	vdcm_lock(vdcm);
	for (id = from; id < vdcm->next_id && nb < LIST_PAGE; id++) {
		if (vdcm->vdevs[id] == NULL)
			continue;
		siov_tel_add_array_uint(d, id);
		nb++;
	}
	vdcm_unlock(vdcm);
	return 0;
}

static int
show_info(struct siov_vdcm *vdcm, uint32_t id, struct rte_tel_data *d)
{
	struct siov_vdev *vdev = siov_vdcm_find(vdcm, id);
	struct siov_vdev_info info;

	if (vdev == NULL)
		return -EINVAL;
	siov_vdev_get_info(vdev, &info);
	rte_tel_data_start_dict(d);
	rte_tel_data_add_dict_string(d, "type", info.type->name);
	siov_tel_add_dict_uint(d, "rid", info.rid);
	siov_tel_add_dict_uint(d, "wqs", info.nb_wqs);
	siov_tel_add_dict_uint(d, "vectors", info.nb_vectors);
	siov_tel_add_dict_uint(d, "adis", info.nb_adis);
	siov_tel_add_dict_uint(d, "contexts", info.nb_contexts);
	siov_tel_add_dict_uint(d, "function", info.fn);
	siov_tel_add_dict_uint(d, "losses", info.nb_losses);
	siov_tel_add_dict_uint(d, "enabled", info.is_enabled);
	siov_tel_add_dict_uint(d, "halted", info.is_halted);
	siov_tel_add_dict_uint(d, "stopped", info.state == SIOV_VDEV_STOPPED);
	return 0;
}

static int
show_stats(struct siov_vdcm *vdcm, uint32_t id, struct rte_tel_data *d)
{
	struct siov_vdev *vdev = siov_vdcm_find(vdcm, id);
	struct siov_vdev_stats stats;

	if (vdev == NULL)
		return -EINVAL;
	siov_vdev_get_stats(vdev, &stats);
	rte_tel_data_start_dict(d);
	siov_tel_add_dict_uint(d, "cfg_reads", stats.nb_reads[0]);
	siov_tel_add_dict_uint(d, "cfg_writes", stats.nb_writes[0]);
	siov_tel_add_dict_uint(d, "mmio_reads", stats.nb_reads[1]);
	siov_tel_add_dict_uint(d, "mmio_writes", stats.nb_writes[1]);
	siov_tel_add_dict_uint(d, "refused", stats.nb_refused);
	siov_tel_add_dict_uint(d, "commands", stats.nb_commands);
	siov_tel_add_dict_uint(d, "requests", stats.nb_requests);
	siov_tel_add_dict_uint(d, "request_errors", stats.nb_request_errors);
	siov_tel_add_dict_uint(d, "page_requests", stats.nb_page_requests);
	siov_tel_add_dict_uint(d, "interrupts", stats.nb_interrupts);
	siov_tel_add_dict_uint(d, "resets", stats.nb_resets);
	siov_tel_add_dict_uint(d, "accepted_ops", stats.accepted);
	siov_tel_add_dict_uint(d, "completed_ops", stats.completed);
	siov_tel_add_dict_uint(d, "failed_ops", stats.failed);
	siov_tel_add_dict_uint(d, "aborted_ops", stats.aborted);
	siov_tel_add_dict_uint(d, "bytes", stats.bytes);
	return 0;
}

static const struct {
	const char *name;
	int (*show)(struct siov_vdcm *vdcm, uint32_t number, struct rte_tel_data *d);
	bool needs_number;
	const char *help;
} commands[] = {
	{"/siov/vdev/list", show_list, false, "VDEVs. Parameters: device[,first id]"},
	{"/siov/vdev/info", show_info, true, "what a VDEV is. Parameters: device,id"},
	{"/siov/vdev/stats", show_stats, true, "counters of a VDEV. Parameters: device,id"},
};

/* Name, then perhaps a number. */
static struct siov_vdcm *
parse(const char *params, uint32_t *number, bool *has_number)
{
	size_t len = params != NULL ? strcspn(params, ",") : 0;
	struct siov_vdcm *vdcm;
	unsigned long value;
	char *end;

	*has_number = params != NULL && params[len] == ',';
	*number = 0;
	if (*has_number) {
		errno = 0;
		value = strtoul(params + len + 1, &end, 10);
		if (errno != 0 || end == params + len + 1 || *end != '\0' || value > UINT32_MAX)
			return NULL;
		*number = (uint32_t)value;
	}
	TAILQ_FOREACH(vdcm, &registry.vdcms, telemetry_entry) {
		const char *name = siov_dev_get_conf(vdcm->fns[0].dev)->name;

		if (strlen(name) == len && strncmp(name, params, len) == 0)
			return vdcm;
	}
	return NULL;
}

/* Thread: telemetry's. */
static int
handle(const char *name, const char *params, struct rte_tel_data *d)
{
	struct siov_vdcm *vdcm;
	bool has_number;
	uint32_t number;
	unsigned int i;
	int ret = -EINVAL;

	pthread_mutex_lock(&registry.lock);
	vdcm = params != NULL ? parse(params, &number, &has_number) : NULL;
	for (i = 0; i < RTE_DIM(commands) && vdcm != NULL; i++) {
		if (strcmp(commands[i].name, name) == 0 &&
		    (has_number || !commands[i].needs_number))
			ret = commands[i].show(vdcm, number, d);
	}
	pthread_mutex_unlock(&registry.lock);
	return ret;
}

void
vdcm_telemetry_add(struct siov_vdcm *vdcm)
{
	unsigned int i;

	pthread_mutex_lock(&registry.lock);
	for (i = 0; i < RTE_DIM(commands) && !registry.is_registered; i++) {
		if (rte_telemetry_register_cmd(commands[i].name, handle, commands[i].help) != 0)
			HOST_LOG(NOTICE, "telemetry does not take %s", commands[i].name);
	}
	registry.is_registered = true;
	TAILQ_INSERT_TAIL(&registry.vdcms, vdcm, telemetry_entry);
	vdcm->is_listed = true;
	pthread_mutex_unlock(&registry.lock);
}

void
vdcm_telemetry_remove(struct siov_vdcm *vdcm)
{
	if (!vdcm->is_listed)
		return;
	pthread_mutex_lock(&registry.lock);
	TAILQ_REMOVE(&registry.vdcms, vdcm, telemetry_entry);
	vdcm->is_listed = false;
	pthread_mutex_unlock(&registry.lock);
}

void
vdcm_telemetry_lock(void)
{
	pthread_mutex_lock(&registry.lock);
}

void
vdcm_telemetry_unlock(void)
{
	pthread_mutex_unlock(&registry.lock);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* Interrupt message storage: entries with owners, for control. */
#include <inttypes.h>

#include <rte_cycles.h>

#include "ims.h"
#include "siov_desc.h"

void
siov_ims_conf_init(struct siov_ims_conf *conf)
{
	*conf = (struct siov_ims_conf){.socket_id = -1, .nb_entries = 2048, .nb_engines = 1};
}

static int
conf_check(const struct siov_ims_conf *conf)
{
	if (conf->ir == NULL || conf->tsc_hz < 1000000 || conf->socket_id < -1)
		return -EINVAL;
	if (conf->nb_entries < 1 || conf->nb_entries > SIOV_IMS_ENTRIES_MAX)
		return -EINVAL;
	if (conf->nb_engines < 1 || conf->nb_engines > SIOV_IMS_ENGINES_MAX)
		return -EINVAL;
	return 0;
}

static void
init_free_list(struct siov_ims *ims)
{
	uint32_t i;

	for (i = 0; i < ims->table.nb; i++) {
		ims->table.entries[i].next_free = i + 1 < ims->table.nb ? i + 1 : MSG_NONE;
		if (ims->table.host != NULL)
			msg_host_write(&ims->table, i, 0, 0, SIOV_IMS_CTRL_MASK);
	}
	ims->free_head = 0;
	ims->free_tail = ims->table.nb - 1;
}

int
siov_ims_create(const struct siov_ims_conf *conf, struct siov_ims **out)
{
	struct msg_table_conf table;
	struct siov_ims *ims;
	int ret;

	if (conf == NULL || out == NULL || conf_check(conf) != 0)
		return -EINVAL;
	table = (struct msg_table_conf){
		.mem = conf->mem != NULL ? conf->mem : siov_mem_eal(),
		.ir = conf->ir,
		.host = conf->host,
		.hz = conf->tsc_hz,
		.socket_id = conf->socket_id,
		.nb = conf->nb_entries,
		.nb_engines = conf->nb_engines,
		.rid = conf->rid,
	};
	ims = siov_mem_alloc(table.mem, "siov_ims", sizeof(*ims), RTE_CACHE_LINE_SIZE,
			     conf->socket_id);
	if (ims == NULL)
		return -ENOMEM;
	ret = msg_table_init(&ims->table, &table);
	if (ret != 0) {
		siov_mem_free(table.mem, ims);
		return ret;
	}
	pthread_mutex_init(&ims->lock, NULL);
	init_free_list(ims);
	*out = ims;
	return 0;
}

void
siov_ims_free(struct siov_ims *ims)
{
	const struct siov_mem *mem;

	if (ims == NULL)
		return;
	mem = ims->table.mem;
	pthread_mutex_destroy(&ims->lock);
	msg_table_fini(&ims->table);
	siov_mem_free(mem, ims);
}

static uint64_t
entry_ctl(const struct siov_ims *ims, uint32_t handle)
{
	return siov_atomic_load(&ims->table.entries[handle].ctl, acquire);
}

/* 0: locked, and the entry is in use; else not locked. */
static int
lock_used(struct siov_ims *ims, uint32_t handle)
{
	if (handle >= ims->table.nb)
		return -ERANGE;
	pthread_mutex_lock(&ims->lock);
	if ((entry_ctl(ims, handle) & MSG_USED) != 0)
		return 0;
	pthread_mutex_unlock(&ims->lock);
	return -ENOENT;
}

/* What lies where the driver programs it. */
static uint32_t
read_driver_side(struct siov_ims *ims, uint32_t handle, uint64_t *addr, uint32_t *data)
{
	uint32_t ctrl;

	if (ims->table.host == NULL) {
		msg_read(&ims->table, handle, addr, data);
		return (uint32_t)(entry_ctl(ims, handle) & MSG_HOST_BITS);
	}
	msg_host_read(&ims->table, handle, addr, data, &ctrl);
	return ctrl;
}

/* Change control bits where the driver programs them. */
static void
change_driver_side(struct siov_ims *ims, uint32_t handle, uint64_t clear, uint64_t set)
{
	uint64_t addr;
	uint32_t data, ctrl;

	if (ims->table.host == NULL) {
		msg_change(&ims->table, handle, clear, set);
		return;
	}
	ctrl = read_driver_side(ims, handle, &addr, &data);
	msg_host_write(&ims->table, handle, addr, data, (ctrl & ~(uint32_t)clear) | (uint32_t)set);
}

static void
clear_entry(struct siov_ims *ims, uint32_t handle)
{
	siov_atomic_store(&ims->table.entries[handle].limits, UINT64_C(0), relaxed);
	if (ims->table.host == NULL)
		msg_write(&ims->table, handle, 0, 0);
	else
		msg_host_write(&ims->table, handle, 0, 0, SIOV_IMS_CTRL_MASK);
}

int
siov_ims_alloc(struct siov_ims *ims, uint32_t owner, uint32_t *handle)
{
	struct msg_entry *e;

	if (ims == NULL || handle == NULL)
		return -EINVAL;
	pthread_mutex_lock(&ims->lock);
	if (ims->nb_used == ims->table.nb) {
		pthread_mutex_unlock(&ims->lock);
		return -ENOSPC;
	}
	*handle = ims->free_head;
	e = &ims->table.entries[*handle];
	ims->free_head = e->next_free;
	ims->nb_used++;
	e->owner = owner;
	clear_entry(ims, *handle);
	msg_renew(&ims->table, *handle, MSG_PENDING | MSG_HOST_BITS, MSG_USED | MSG_MASK);
	pthread_mutex_unlock(&ims->lock);
	return 0;
}

static void
put_free(struct siov_ims *ims, uint32_t handle)
{
	ims->table.entries[handle].next_free = MSG_NONE;
	if (ims->nb_used == ims->table.nb)
		ims->free_head = handle;
	else
		ims->table.entries[ims->free_tail].next_free = handle;
	ims->free_tail = handle;
	ims->nb_used--;
}

int
siov_ims_release(struct siov_ims *ims, uint32_t owner, uint32_t handle)
{
	uint64_t cached = ims->table.host != NULL ? MSG_CACHED : 0;
	int ret = lock_used(ims, handle);

	if (ret != 0)
		return ret;
	if (ims->table.entries[handle].owner != owner) {
		ret = -EPERM;
	} else {
		msg_renew(&ims->table, handle, MSG_USED | MSG_PENDING | MSG_HOST_BITS | cached,
			  MSG_MASK);
		put_free(ims, handle);
	}
	pthread_mutex_unlock(&ims->lock);
	return ret;
}

int
siov_ims_program(struct siov_ims *ims, uint32_t handle, uint64_t addr, uint32_t data)
{
	uint64_t old_addr;
	uint32_t old_data, ctrl;
	int ret = lock_used(ims, handle);

	if (ret != 0)
		return ret;
	if (ims->table.host == NULL) {
		msg_write(&ims->table, handle, addr, data);
	} else {
		ctrl = read_driver_side(ims, handle, &old_addr, &old_data);
		msg_host_write(&ims->table, handle, addr, data, ctrl);
	}
	pthread_mutex_unlock(&ims->lock);
	return 0;
}

int
siov_ims_set_pasid(struct siov_ims *ims, uint32_t handle, uint32_t pasid)
{
	uint64_t clear = MSG_PASID | MSG_PASID_EN;
	uint64_t set = pasid == 0 ? 0 : MSG_PASID_EN | (uint64_t)pasid << MSG_PASID_SHIFT;
	int ret;

	if (pasid > SIOV_PASID_MAX)
		return -EINVAL;
	ret = lock_used(ims, handle);
	if (ret != 0)
		return ret;
	if (ims->table.host != NULL) {
		change_driver_side(ims, handle, clear, set);
		msg_renew(&ims->table, handle, 0, 0);
	} else if ((entry_ctl(ims, handle) & clear) != set) {
		msg_renew(&ims->table, handle, clear, set);
	}
	pthread_mutex_unlock(&ims->lock);
	return 0;
}

int
siov_ims_mask(struct siov_ims *ims, uint32_t handle)
{
	int ret = lock_used(ims, handle);

	if (ret != 0)
		return ret;
	change_driver_side(ims, handle, 0, MSG_MASK);
	pthread_mutex_unlock(&ims->lock);
	return 0;
}

int
siov_ims_unmask(struct siov_ims *ims, uint32_t handle)
{
	int ret = lock_used(ims, handle);

	if (ret != 0)
		return ret;
	change_driver_side(ims, handle, MSG_MASK, 0);
	pthread_mutex_unlock(&ims->lock);
	return 0;
}

int
siov_ims_reset(struct siov_ims *ims, uint32_t handle)
{
	int ret = lock_used(ims, handle);

	if (ret != 0)
		return ret;
	siov_atomic_store(&ims->table.entries[handle].limits, UINT64_C(0), relaxed);
	change_driver_side(ims, handle, 0, MSG_MASK);
	msg_renew(&ims->table, handle, MSG_PENDING, MSG_MASK);
	pthread_mutex_unlock(&ims->lock);
	return 0;
}

int
siov_ims_trigger(struct siov_ims *ims, uint32_t handle)
{
	int ret = lock_used(ims, handle);

	if (ret != 0)
		return ret;
	msg_trigger(&ims->table, handle, rte_rdtsc());
	pthread_mutex_unlock(&ims->lock);
	return 0;
}

int
siov_ims_set_moderation(struct siov_ims *ims, uint32_t handle,
			const struct siov_ims_moderation *moderation)
{
	uint64_t limits;
	int ret;

	if (moderation == NULL || moderation->interval_us > SIOV_IMS_INTERVAL_US_MAX ||
	    moderation->max_events > SIOV_IMS_EVENTS_MAX ||
	    (moderation->interval_us == 0 && moderation->max_events != 0))
		return -EINVAL;
	ret = lock_used(ims, handle);
	if (ret != 0)
		return ret;
	limits = msg_ticks(&ims->table, moderation->interval_us) | (uint64_t)moderation->max_events
									   << 32;
	siov_atomic_store(&ims->table.entries[handle].limits, limits, relaxed);
	pthread_mutex_unlock(&ims->lock);
	return 0;
}

int
siov_ims_invalidate(struct siov_ims *ims, uint32_t first, uint32_t nb)
{
	uint32_t i;

	if (first > ims->table.nb || nb > ims->table.nb - first)
		return -ERANGE;
	if (ims->table.host == NULL)
		return 0;
	pthread_mutex_lock(&ims->lock);
	for (i = first; i < first + nb; i++)
		msg_invalidate(&ims->table, i);
	pthread_mutex_unlock(&ims->lock);
	return 0;
}

int
siov_ims_read(struct siov_ims *ims, uint32_t handle, struct siov_ims_entry *entry)
{
	int ret = lock_used(ims, handle);

	if (ret != 0)
		return ret;
	entry->ctrl = read_driver_side(ims, handle, &entry->addr, &entry->data);
	entry->ctrl |= (uint32_t)(entry_ctl(ims, handle) & MSG_PENDING);
	entry->owner = ims->table.entries[handle].owner;
	pthread_mutex_unlock(&ims->lock);
	return 0;
}

bool
siov_ims_is_pending(const struct siov_ims *ims, uint32_t handle)
{
	return handle < ims->table.nb && (entry_ctl(ims, handle) & MSG_PENDING) != 0;
}

void
siov_ims_stats(struct siov_ims *ims, struct siov_ims_stats *stats)
{
	pthread_mutex_lock(&ims->lock);
	msg_table_counts(&ims->table, stats->counts);
	stats->nb_entries = ims->table.nb;
	stats->nb_used = ims->nb_used;
	stats->memory_bytes = sizeof(*ims) + msg_table_bytes(&ims->table);
	pthread_mutex_unlock(&ims->lock);
}

const char *
siov_ims_count_name(unsigned int which)
{
	static const char *const names[SIOV_IMS_NB_COUNTS] = {
		[SIOV_IMS_SENT] = "sent",       [SIOV_IMS_BLOCKED] = "blocked",
		[SIOV_IMS_PENDED] = "pended",   [SIOV_IMS_HELD] = "held",
		[SIOV_IMS_REFUSED] = "refused", [SIOV_IMS_DROPPED] = "dropped",
		[SIOV_IMS_FETCHED] = "fetched",
	};

	return which < SIOV_IMS_NB_COUNTS ? names[which] : NULL;
}

void
siov_ims_dump(FILE *f, struct siov_ims *ims)
{
	struct siov_ims_stats stats;
	struct siov_ims_entry entry;
	uint32_t i;

	siov_ims_stats(ims, &stats);
	fprintf(f, "ims: %" PRIu64 " of %" PRIu64 " entries used, %" PRIu64 " bytes\n",
		stats.nb_used, stats.nb_entries, stats.memory_bytes);
	for (i = 0; i < SIOV_IMS_NB_COUNTS; i++)
		fprintf(f, "  %s %" PRIu64 "\n", siov_ims_count_name(i), stats.counts[i]);
	for (i = 0; i < stats.nb_entries; i++)
		if (siov_ims_read(ims, i, &entry) == 0)
			fprintf(f, "  %u: owner %u, address %#" PRIx64 ", data %#x, control %#x\n",
				i, entry.owner, entry.addr, entry.data, entry.ctrl);
}

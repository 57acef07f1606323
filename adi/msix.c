/* SPDX-License-Identifier: BSD-3-Clause */
/* MSI-X of the function: bytes of the table and of the pending bits. */
#include <rte_cycles.h>

#include "msix.h"

#define PERM_BITS (MSG_IGNORE | MSG_PASID_EN | MSG_PASID)

static void
reset_vector(struct siov_msix *msix, uint32_t vector)
{
	msg_renew(&msix->table, vector, MSG_HOST_BITS | MSG_PENDING | MSG_FUNCTION_MASK,
		  MSG_USED | MSG_MASK | MSG_OFF);
	msg_write(&msix->table, vector, 0, 0);
}

int
siov_msix_create(const struct siov_msix_conf *conf, struct siov_msix **out)
{
	struct msg_table_conf table;
	struct siov_msix *msix;

	if (conf == NULL || out == NULL || conf->ir == NULL || conf->tsc_hz < 1000000 ||
	    conf->socket_id < -1 || conf->nb_vectors < 1 ||
	    conf->nb_vectors > SIOV_MSIX_VECTORS_MAX || conf->nb_engines < 1 ||
	    conf->nb_engines > SIOV_IMS_ENGINES_MAX)
		return -EINVAL;
	table = (struct msg_table_conf){
		.mem = conf->mem != NULL ? conf->mem : siov_mem_eal(),
		.ir = conf->ir,
		.hz = conf->tsc_hz,
		.socket_id = conf->socket_id,
		.nb = conf->nb_vectors,
		.nb_engines = conf->nb_engines,
		.rid = conf->rid,
	};
	msix = siov_mem_alloc(table.mem, "siov_msix", sizeof(*msix), RTE_CACHE_LINE_SIZE,
			      conf->socket_id);
	if (msix == NULL)
		return -ENOMEM;
	if (msg_table_init(&msix->table, &table) != 0) {
		siov_mem_free(table.mem, msix);
		return -ENOMEM;
	}
	pthread_mutex_init(&msix->lock, NULL);
	siov_msix_reset(msix);
	*out = msix;
	return 0;
}

void
siov_msix_free(struct siov_msix *msix)
{
	const struct siov_mem *mem;

	if (msix == NULL)
		return;
	mem = msix->table.mem;
	pthread_mutex_destroy(&msix->lock);
	msg_table_fini(&msix->table);
	siov_mem_free(mem, msix);
}

void
siov_msix_reset(struct siov_msix *msix)
{
	uint32_t i;

	pthread_mutex_lock(&msix->lock);
	msix->control = 0;
	for (i = 0; i < msix->table.nb; i++)
		reset_vector(msix, i);
	pthread_mutex_unlock(&msix->lock);
}

int
siov_msix_reset_vector(struct siov_msix *msix, uint32_t vector)
{
	uint64_t set = 0;

	if (vector >= msix->table.nb)
		return -ERANGE;
	pthread_mutex_lock(&msix->lock);
	reset_vector(msix, vector);
	if ((msix->control & SIOV_MSIX_CONTROL_MASK) != 0)
		set |= MSG_FUNCTION_MASK;
	if ((msix->control & SIOV_MSIX_CONTROL_ENABLE) == 0)
		set |= MSG_OFF;
	msg_change(&msix->table, vector, MSG_FUNCTION_MASK | MSG_OFF, set);
	pthread_mutex_unlock(&msix->lock);
	return 0;
}

int
siov_msix_trigger(struct siov_msix *msix, uint32_t vector)
{
	if (vector >= msix->table.nb)
		return -ERANGE;
	pthread_mutex_lock(&msix->lock);
	msg_trigger(&msix->table, vector, rte_rdtsc());
	pthread_mutex_unlock(&msix->lock);
	return 0;
}

void
siov_msix_set_control(struct siov_msix *msix, uint16_t control)
{
	uint64_t set = 0;
	uint32_t i;

	if ((control & SIOV_MSIX_CONTROL_MASK) != 0)
		set |= MSG_FUNCTION_MASK;
	if ((control & SIOV_MSIX_CONTROL_ENABLE) == 0)
		set |= MSG_OFF;
	pthread_mutex_lock(&msix->lock);
	msix->control = control & (SIOV_MSIX_CONTROL_MASK | SIOV_MSIX_CONTROL_ENABLE);
	for (i = 0; i < msix->table.nb; i++)
		msg_change(&msix->table, i, MSG_FUNCTION_MASK | MSG_OFF, set);
	pthread_mutex_unlock(&msix->lock);
}

uint16_t
siov_msix_control(struct siov_msix *msix)
{
	uint16_t control;

	pthread_mutex_lock(&msix->lock);
	control = (uint16_t)(msix->control | (msix->table.nb - 1));
	pthread_mutex_unlock(&msix->lock);
	return control;
}

static int
check_access(uint64_t offset, unsigned int width, uint64_t end)
{
	if ((width != 4 && width != 8) || offset % width != 0)
		return -EINVAL;
	return offset >= end || end - offset < width ? -ERANGE : 0;
}

static uint64_t
vector_ctl(const struct siov_msix *msix, uint32_t vector)
{
	return siov_atomic_load(&msix->table.entries[vector].ctl, acquire);
}

/* Low or high half of a word, or all of it. */
static uint64_t
part_of(uint64_t word, uint64_t offset, unsigned int width)
{
	return width == 8 ? word : (uint32_t)(word >> offset % 8 * 8);
}

int
siov_msix_read(struct siov_msix *msix, uint64_t offset, unsigned int width, uint64_t *value)
{
	uint32_t vector = (uint32_t)(offset / SIOV_MSIX_VECTOR_BYTES);
	uint64_t end = (uint64_t)msix->table.nb * SIOV_MSIX_VECTOR_BYTES;
	int ret = check_access(offset, width, end);
	uint64_t addr;
	uint32_t data;

	if (ret != 0)
		return ret;
	pthread_mutex_lock(&msix->lock);
	msg_read(&msix->table, vector, &addr, &data);
	if ((offset & 8) != 0)
		addr = data | (vector_ctl(msix, vector) & MSG_MASK) << 32;
	pthread_mutex_unlock(&msix->lock);
	*value = part_of(addr, offset, width);
	return 0;
}

/* @value in place of a part of @word. */
static uint64_t
replace_part(uint64_t word, uint64_t offset, unsigned int width, uint64_t value)
{
	unsigned int shift = (unsigned int)(offset % 8 * 8);

	if (width == 8)
		return value;
	return (word & ~((uint64_t)UINT32_MAX << shift)) | (value & UINT32_MAX) << shift;
}

int
siov_msix_write(struct siov_msix *msix, uint64_t offset, unsigned int width, uint64_t value)
{
	uint32_t vector = (uint32_t)(offset / SIOV_MSIX_VECTOR_BYTES);
	uint64_t end = (uint64_t)msix->table.nb * SIOV_MSIX_VECTOR_BYTES;
	int ret = check_access(offset, width, end);
	uint64_t addr, high;
	uint32_t data;

	if (ret != 0)
		return ret;
	pthread_mutex_lock(&msix->lock);
	msg_read(&msix->table, vector, &addr, &data);
	if ((offset & 8) == 0) {
		msg_write(&msix->table, vector, replace_part(addr, offset, width, value), data);
	} else {
		high = data | (vector_ctl(msix, vector) & MSG_MASK) << 32;
		high = replace_part(high, offset, width, value);
		if ((uint32_t)high != data)
			msg_write(&msix->table, vector, addr, (uint32_t)high);
		msg_change(&msix->table, vector, MSG_MASK, high >> 32 & MSG_MASK);
	}
	pthread_mutex_unlock(&msix->lock);
	return 0;
}

int
siov_msix_read_pba(struct siov_msix *msix, uint64_t offset, unsigned int width, uint64_t *value)
{
	uint32_t first = (uint32_t)(offset / 8 * 64);
	int ret = check_access(offset, width, (msix->table.nb + 63) / 64 * 8);
	uint64_t word = 0;
	uint32_t i;

	if (ret != 0)
		return ret;
	for (i = 0; i < 64 && first + i < msix->table.nb; i++)
		if ((vector_ctl(msix, first + i) & MSG_PENDING) != 0)
			word |= RTE_BIT64(i);
	*value = part_of(word, offset, width);
	return 0;
}

int
siov_msix_set_perm(struct siov_msix *msix, uint32_t vector, uint32_t perm)
{
	if (vector >= msix->table.nb)
		return -ERANGE;
	if ((perm & ~PERM_BITS) != 0)
		return -EINVAL;
	pthread_mutex_lock(&msix->lock);
	msg_renew(&msix->table, vector, PERM_BITS, perm);
	pthread_mutex_unlock(&msix->lock);
	return 0;
}

int
siov_msix_perm(struct siov_msix *msix, uint32_t vector, uint32_t *perm)
{
	if (vector >= msix->table.nb)
		return -ERANGE;
	*perm = (uint32_t)(vector_ctl(msix, vector) & PERM_BITS);
	return 0;
}

void
siov_msix_stats(struct siov_msix *msix, struct siov_ims_stats *stats)
{
	pthread_mutex_lock(&msix->lock);
	msg_table_counts(&msix->table, stats->counts);
	stats->nb_entries = msix->table.nb;
	stats->nb_used = msix->table.nb;
	stats->memory_bytes = sizeof(*msix) + msg_table_bytes(&msix->table);
	pthread_mutex_unlock(&msix->lock);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* Interrupt messages: the table, and what control does to entries while engines raise them. */
#include <string.h>

#include "msg.h"

#define HOST_TRIES 8

static uint32_t
slot_shift_for(uint64_t hz)
{
	uint64_t longest = hz / 1000000 * SIOV_IMS_INTERVAL_US_MAX + SIOV_IMS_INTERVAL_US_MAX;
	uint32_t shift = MSG_TICK_SHIFT;

	while ((uint64_t)(MSG_WHEEL_SLOTS - 2) << shift < longest)
		shift++;
	return shift;
}

int
msg_table_init(struct msg_table *t, const struct msg_table_conf *conf)
{
	uint32_t i;

	*t = (struct msg_table){
		.host = conf->host,
		.ir = conf->ir,
		.mem = conf->mem,
		.hz = conf->hz,
		.nb = conf->nb,
		.nb_engines = conf->nb_engines,
		.slot_shift = slot_shift_for(conf->hz),
		.rid = conf->rid,
	};
	t->entries = siov_mem_alloc(t->mem, "siov_msg_entries", conf->nb * sizeof(*t->entries),
				    sizeof(*t->entries), conf->socket_id);
	t->ports =
		siov_mem_alloc(t->mem, "siov_msg_ports", (conf->nb_engines + 1) * sizeof(*t->ports),
			       RTE_CACHE_LINE_SIZE, conf->socket_id);
	if (t->entries == NULL || t->ports == NULL) {
		msg_table_fini(t);
		return -ENOMEM;
	}
	for (i = 0; i < t->nb; i++)
		siov_atomic_store(&t->entries[i].ctl, t->host == NULL ? MSG_CACHED | MSG_MASK : 0,
				  relaxed);
	return 0;
}

void
msg_table_fini(struct msg_table *t)
{
	if (t->mem == NULL)
		return;
	siov_mem_free(t->mem, t->entries);
	siov_mem_free(t->mem, t->ports);
	memset(t, 0, sizeof(*t));
}

uint64_t
msg_table_bytes(const struct msg_table *t)
{
	return t->nb * sizeof(*t->entries) + (t->nb_engines + 1) * sizeof(*t->ports);
}

void
msg_table_counts(const struct msg_table *t, uint64_t counts[SIOV_IMS_NB_COUNTS])
{
	uint32_t p;
	unsigned int i;

	memset(counts, 0, SIOV_IMS_NB_COUNTS * sizeof(*counts));
	for (p = 0; p <= t->nb_engines; p++)
		for (i = 0; i < SIOV_IMS_NB_COUNTS; i++)
			counts[i] += siov_atomic_load(&t->ports[p].counts[i], relaxed);
}

void
msg_change(struct msg_table *t, uint32_t handle, uint64_t clear, uint64_t set)
{
	struct msg_entry *e = &t->entries[handle];
	uint64_t ctl = siov_atomic_load(&e->ctl, relaxed);

	/* M1: pairs with M2; a raiser that saw the old word swaps in vain */
	while (!siov_atomic_cas(&e->ctl, &ctl, (ctl & ~clear) | set, acq_rel, relaxed))
		;
	msg_settle(t, msg_control_port(t), handle);
}

void
msg_renew(struct msg_table *t, uint32_t handle, uint64_t clear, uint64_t set)
{
	struct msg_entry *e = &t->entries[handle];
	uint64_t ctl = siov_atomic_load(&e->ctl, relaxed);
	uint64_t gen = ((ctl & MSG_GEN) + RTE_BIT64(MSG_GEN_SHIFT)) & MSG_GEN;
	uint64_t mod = siov_atomic_load(&e->mod, relaxed);
	uint64_t mod_gen = gen >> MSG_GEN_SHIFT << MSG_MOD_GEN_SHIFT;

	while (!siov_atomic_cas(&e->mod, &mod, (mod & MSG_HELD) | mod_gen, acq_rel, relaxed))
		;
	while (!siov_atomic_cas(&e->ctl, &ctl, (ctl & ~(clear | MSG_GEN)) | set | gen, acq_rel,
				relaxed))
		;
}

void
msg_write(struct msg_table *t, uint32_t handle, uint64_t addr, uint32_t data)
{
	struct msg_entry *e = &t->entries[handle];
	uint64_t ctl = siov_atomic_load(&e->ctl, relaxed);
	unsigned int copy = ((ctl >> MSG_SEQ_SHIFT) + 1) & 1;

	/* M3: pairs with M4; who reads one of these reads the count before, at least */
	siov_atomic_store(&e->addr[copy], addr, release);
	siov_atomic_store(&e->data[copy], data, release);
	while (!siov_atomic_cas(&e->ctl, &ctl, ctl + MSG_SEQ_ONE, acq_rel, relaxed))
		;
}

void
msg_read(const struct msg_table *t, uint32_t handle, uint64_t *addr, uint32_t *data)
{
	const struct msg_entry *e = &t->entries[handle];
	unsigned int copy = siov_atomic_load(&e->ctl, acquire) >> MSG_SEQ_SHIFT & 1;

	*addr = siov_atomic_load(&e->addr[copy], relaxed);
	*data = siov_atomic_load(&e->data[copy], relaxed);
}

void
msg_host_write(struct msg_table *t, uint32_t handle, uint64_t addr, uint32_t data, uint32_t ctrl)
{
	struct siov_ims_host_entry *host = &t->host[handle];
	uint64_t old = siov_atomic_load(&host->data_ctrl, relaxed);
	uint32_t old_ctrl = (uint32_t)(old >> 32);
	uint32_t version = (old_ctrl + SIOV_IMS_CTRL_VERSION_ONE) & SIOV_IMS_CTRL_VERSION;
	uint32_t busy = (old_ctrl & ~SIOV_IMS_CTRL_VERSION) | version | SIOV_IMS_CTRL_MASK;

	siov_atomic_store(&host->data_ctrl, (uint32_t)old | (uint64_t)busy << 32, relaxed);
	/* M5: pairs with M6; who reads the new address reads the mask after it */
	siov_atomic_store(&host->addr, addr, release);
	version = (version + SIOV_IMS_CTRL_VERSION_ONE) & SIOV_IMS_CTRL_VERSION;
	siov_atomic_store(&host->data_ctrl, data | (uint64_t)(version | ctrl) << 32, release);
}

uint64_t
msg_host_fetch(const struct msg_table *t, uint32_t handle, uint64_t *addr, uint32_t *data)
{
	const struct siov_ims_host_entry *host = &t->host[handle];
	uint64_t word, again;
	unsigned int i;

	for (i = 0; i < HOST_TRIES; i++) {
		word = siov_atomic_load(&host->data_ctrl, acquire);
		*addr = siov_atomic_load(&host->addr, acquire); /* M6: pairs with M5 */
		again = siov_atomic_load(&host->data_ctrl, relaxed);
		*data = (uint32_t)word;
		if (likely(word == again))
			return word >> 32 & MSG_HOST_BITS;
	}
	return (word >> 32 & MSG_HOST_BITS) | MSG_MASK;
}

void
msg_host_read(const struct msg_table *t, uint32_t handle, uint64_t *addr, uint32_t *data,
	      uint32_t *ctrl)
{
	*ctrl = (uint32_t)msg_host_fetch(t, handle, addr, data);
}

void
msg_invalidate(struct msg_table *t, uint32_t handle)
{
	struct msg_entry *e = &t->entries[handle];
	uint64_t ctl = siov_atomic_load(&e->ctl, relaxed);

	/* M7: pairs with M8; what the caller wrote to host memory is seen by who sees the count */
	while (!siov_atomic_cas(&e->ctl, &ctl, (ctl & ~MSG_CACHED) + MSG_SEQ_ONE, acq_rel, relaxed))
		;
	msg_settle(t, msg_control_port(t), handle);
}

uint32_t
msg_ticks(const struct msg_table *t, uint32_t interval_us)
{
	uint64_t cycles = (t->hz * interval_us + 999999) / 1000000;

	return (uint32_t)((cycles + (1u << MSG_TICK_SHIFT) - 1) >> MSG_TICK_SHIFT);
}

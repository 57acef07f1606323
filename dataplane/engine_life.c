/* SPDX-License-Identifier: BSD-3-Clause */
/* Engines as control sees them: how they are made and taken down, and what they counted. */
#include <string.h>

#include "aside_priv.h"
#include "guard_priv.h"
#include "msg.h"
#include "park_priv.h"

#define FAILS 1024u /* records with failure counts of their own */

/* ---- life ---- */

int
engine_create(const struct engine_conf *conf, struct siov_engine **out)
{
	const struct siov_atc_conf atc_conf = {
		.entries = conf->atc_entries,
		.rid = conf->rid,
		.socket_id = conf->socket_id,
	};
	struct siov_engine *engine;
	int ret;

	engine = siov_mem_alloc(conf->mem, "siov_engine", sizeof(*engine), RTE_CACHE_LINE_SIZE,
				conf->socket_id);
	if (engine == NULL)
		return -ENOMEM;
	engine->mem = conf->mem;
	engine->id = conf->id;
	engine->socket_id = conf->socket_id;
	engine->priv_enabled = conf->priv_enabled;
	engine->nb_wqs_max = conf->nb_wqs_max;
	memcpy(engine->messages, conf->messages, sizeof(engine->messages));
	engine->page_timeout_cycles =
		conf->page_timeout_cycles != 0 ? conf->page_timeout_cycles : PARK_TIMEOUT_CYCLES;
	ret = -ENOMEM;
	engine->wqs = siov_mem_alloc(conf->mem, "siov_engine_wqs",
				     conf->nb_wqs_max * sizeof(engine->wqs[0]), RTE_CACHE_LINE_SIZE,
				     conf->socket_id);
	if (engine->wqs == NULL)
		goto fail;
	ret = record_pools_create(&engine->pools, conf->mem, conf->socket_id, conf->nb_latency,
				  FAILS);
	if (ret != 0)
		goto fail;
	ret = remote_create(conf->mem, conf->socket_id, &engine->remote);
	if (ret != 0)
		goto fail;
	ret = guard_get();
	if (ret != 0)
		goto fail;
	engine->has_guard = true;
	ret = siov_atc_create(conf->iommu, &atc_conf, &engine->atc);
	if (ret != 0)
		goto fail;
	*out = engine;
	return 0;
fail:
	engine_free(engine);
	return ret;
}

static void
free_wq(struct siov_engine *engine, struct engine_wq *ewq)
{
	record_table_free(&ewq->records, engine->mem);
	siov_mem_free(engine->mem, ewq->lanes);
	siov_mem_free(engine->mem, ewq->types);
	aside_free(engine, ewq);
}

void
engine_free(struct siov_engine *engine)
{
	uint32_t i;

	if (engine == NULL)
		return;
	park_free(engine);
	for (i = 0; i < siov_atomic_load(&engine->nb_wqs, relaxed); i++)
		free_wq(engine, &engine->wqs[i]);
	for (i = 0; i < engine->nb_hidden; i++)
		free_wq(engine, &engine->wqs[i]);
	siov_mem_free(engine->mem, engine->wqs);
	siov_atc_free(engine->atc);
	if (engine->has_guard)
		guard_put();
	remote_free(engine->mem, engine->remote);
	record_pools_free(&engine->pools, engine->mem);
	siov_mem_free(engine->mem, engine);
}

/* A table of its own, where the queue does not take all operations. 0 or -ENOMEM. */
static int
create_types(const struct siov_engine *engine, const uint64_t *ops, struct engine_wq *ewq)
{
	uint64_t all[4];
	unsigned int i;

	engine_opcodes(all);
	if (ops == NULL || (ops[0] & all[0]) == all[0])
		return 0;
	ewq->types = siov_mem_alloc(engine->mem, "siov_engine_ops", sizeof(op_types),
				    RTE_CACHE_LINE_SIZE, engine->socket_id);
	if (ewq->types == NULL)
		return -ENOMEM;
	memcpy(ewq->types, op_types, sizeof(op_types));
	for (i = 0; i < OP_TYPES; i++) {
		if (!(ops[i / 64] >> i % 64 & 1))
			ewq->types[i].flags = 0;
	}
	return 0;
}

static void
init_limits(const struct siov_engine *engine, const struct engine_wq_conf *conf,
	    struct engine_wq *ewq)
{
	bool can_block = conf->wq->flags & SIOV_WQ_F_BOF;
	unsigned int i;

	for (i = 0; i < ENGINE_MESSAGES; i++) {
		ewq->member_limits[i] = (struct op_limits){
			.types = ewq->types != NULL ? ewq->types : op_types,
			.xfer_max = conf->xfer_max,
			.forbidden = can_block ? 0 : IDXD_OP_FLAG_BOF,
			.priv_enabled = engine->priv_enabled,
			.remote = engine->remote,
			.flush = op_flush_choose(),
			.messages = engine->messages[i],
		};
		ewq->limits[i] = ewq->member_limits[i];
		ewq->limits[i].forbidden |= IDXD_OP_FLAG_FENCE;
	}
}

int
engine_bind_wq(struct siov_engine *engine, const struct engine_wq_conf *conf)
{
	uint32_t nb_shown = siov_atomic_load(&engine->nb_wqs, relaxed);
	uint32_t nb_wqs = engine->is_hiding ? engine->nb_hidden : nb_shown;
	uint32_t lanes_max = conf->wq->lanes_max;
	struct engine_wq *ewq;
	int ret;

	if (nb_wqs == engine->nb_wqs_max)
		return -ENOSPC;
	ewq = &engine->wqs[nb_wqs];
	memset(ewq, 0, sizeof(*ewq));
	ewq->wq = conf->wq;
	ewq->wq_id = conf->wq_id;
	ewq->slot = conf->slot;
	ewq->quantum = conf->weight * ENGINE_BURST;
	ewq->has_stamps = conf->wq->flags & SIOV_WQ_F_STAMPS;
	ewq->control_pasid = conf->control_pasid;
	siov_atomic_store(&ewq->has_control, conf->control_pasid != 0, relaxed);
	ewq->batch_max = conf->batch_max;
	ewq->slots = &engine->slots;
	engine->slots.max = conf->long_max != 0 ? conf->long_max : UINT32_MAX;
	ewq->peers = conf->peers;
	ewq->nb_peers = conf->nb_peers;
	ret = create_types(engine, conf->ops, ewq);
	init_limits(engine, conf, ewq);
	ewq->lane_gen = UINT32_MAX;
	ewq->lanes =
		siov_mem_alloc(engine->mem, "siov_engine_lanes", lanes_max * sizeof(ewq->lanes[0]),
			       RTE_CACHE_LINE_SIZE, engine->socket_id);
	if (ret == 0)
		ret = ewq->lanes != NULL ? aside_create(engine, ewq, lanes_max) : -ENOMEM;
	if (ret == 0)
		ret = record_table_create(&ewq->records, engine->mem, engine->socket_id);
	if (ret == 0 && conf->wq->flags & SIOV_WQ_F_BOF)
		ret = park_create(engine);
	if (ret != 0) {
		free_wq(engine, ewq);
		return ret;
	}
	/* Pairs with the poll, which may be under way. */
	if (engine->is_hiding)
		engine->nb_hidden++;
	else
		siov_atomic_store(&engine->nb_wqs, nb_wqs + 1, release);
	return 0;
}

void
engine_hide_wqs(struct siov_engine *engine)
{
	engine->nb_hidden = siov_atomic_exchange(&engine->nb_wqs, 0, acq_rel);
	engine->is_hiding = true;
}

void
engine_show_wqs(struct siov_engine *engine)
{
	siov_atomic_store(&engine->nb_wqs, engine->nb_hidden, release);
	engine->nb_hidden = 0;
	engine->is_hiding = false;
}

void
engine_free_wqs(struct siov_engine *engine)
{
	while (engine->nb_hidden > 0)
		free_wq(engine, &engine->wqs[--engine->nb_hidden]);
	record_pools_reset(&engine->pools);
	engine->record_bytes = 0;
}

void
siov_engine_start(struct siov_engine *engine)
{
	guard_unblock_signals();
	siov_atc_online(engine->atc);
}

/* Nobody would send later what is held back. */
static void
flush_messages(struct siov_engine *engine)
{
	unsigned int i;

	for (i = 0; i < ENGINE_MESSAGES; i++) {
		if (engine->messages[i] != NULL)
			msg_flush(engine->messages[i], engine->id, rte_rdtsc());
	}
}

void
siov_engine_stop(struct siov_engine *engine)
{
	flush_messages(engine);
	siov_atc_offline(engine->atc);
}

/* ---- what control fetches ---- */

unsigned int
engine_take_errors(struct siov_engine *engine, struct siov_error *out, unsigned int max)
{
	return errlog_take_sc(&engine->errors, out, max);
}

unsigned int
engine_take_faults(struct siov_engine *engine, struct siov_fault_record *out, unsigned int max)
{
	return siov_atc_take_faults(engine->atc, out, max);
}

/* ---- counters ---- */

struct engine_wq *
engine_find_wq(const struct siov_engine *engine, uint32_t wq_id)
{
	uint32_t nb_wqs = siov_atomic_load(&engine->nb_wqs, acquire);
	uint32_t i;

	for (i = 0; i < nb_wqs; i++) {
		if (engine->wqs[i].wq_id == wq_id)
			return &engine->wqs[i];
	}
	return NULL;
}

static struct record *
find_record(const struct engine_wq *ewq, uint32_t pasid)
{
	return pasid <= SIOV_PASID_MAX ? record_find(&ewq->records, pasid) : NULL;
}

int
engine_add_pasid(struct siov_engine *engine, uint32_t wq_id, uint32_t pasid)
{
	struct engine_wq *ewq = engine_find_wq(engine, wq_id);
	int ret;

	if (ewq == NULL)
		return -ENOENT;
	ret = record_add(&ewq->records, engine->mem, engine->socket_id, pasid);
	if (ret < 0)
		return ret;
	engine->record_bytes += ret;
	return 0;
}

int
engine_set_control_pasid(struct siov_engine *engine, uint32_t wq_id, uint32_t pasid,
			 uint32_t control_pasid)
{
	struct engine_wq *ewq = engine_find_wq(engine, wq_id);
	int ret;

	ret = engine_add_pasid(engine, wq_id, pasid);
	if (ret != 0)
		return ret;
	siov_atomic_store(&find_record(ewq, pasid)->control_pasid, control_pasid, relaxed);
	if (control_pasid != 0)
		siov_atomic_store(&ewq->has_control, 1, release);
	return 0;
}

uint32_t
engine_find_control(const struct engine_wq *ewq, uint32_t pasid)
{
	const struct record *rec = record_find(&ewq->records, pasid);
	uint32_t control = rec != NULL ? siov_atomic_load(&rec->control_pasid, relaxed) : 0;

	if (control == 0)
		control = ewq->control_pasid;
	return control != 0 ? control : pasid;
}

SIOV_STATIC_ASSERT(offsetof(struct record, completed) == 0, "as struct siov_qos_ended");
SIOV_STATIC_ASSERT(offsetof(struct record, failed) == 8, "as struct siov_qos_ended");
SIOV_STATIC_ASSERT(offsetof(struct record, aborted) == 16, "as struct siov_qos_ended");

const struct siov_qos_ended *
engine_ended(const struct siov_engine *engine, uint32_t wq_id, uint32_t pasid)
{
	const struct engine_wq *ewq = engine_find_wq(engine, wq_id);
	const struct record *rec = ewq != NULL ? find_record(ewq, pasid) : NULL;

	return (const struct siov_qos_ended *)(const void *)rec;
}

void
engine_add_counts(const struct siov_engine *engine, uint32_t wq_id, uint32_t pasid,
		  struct engine_counts *sum)
{
	const struct engine_wq *ewq = engine_find_wq(engine, wq_id);
	const struct record *rec = ewq != NULL ? find_record(ewq, pasid) : NULL;

	if (rec == NULL)
		return;
	sum->completed += siov_atomic_load(&rec->completed, acquire);
	sum->failed += siov_atomic_load(&rec->failed, acquire);
	sum->aborted += siov_atomic_load(&rec->aborted, acquire);
	sum->bytes += siov_atomic_load(&rec->bytes, relaxed);
}

void
engine_add_stats(const struct siov_engine *engine, uint32_t wq_id, uint32_t pasid,
		 struct siov_stats *sum)
{
	const struct engine_wq *ewq = engine_find_wq(engine, wq_id);
	const struct record *rec;

	if (ewq == NULL)
		return;
	rec = pasid <= SIOV_PASID_MAX ? find_record(ewq, pasid) : &ewq->records.others;
	if (rec != NULL)
		record_read(rec, &engine->pools, sum);
}

/* ---- gates ---- */

int
engine_set_gate(struct siov_engine *engine, uint32_t wq_id, uint32_t pasid, enum engine_gate gate)
{
	struct engine_wq *ewq = engine_find_wq(engine, wq_id);
	int ret;

	if (ewq == NULL)
		return -ENOENT;
	if (pasid > SIOV_PASID_MAX) {
		siov_atomic_store(&ewq->gate, gate, release);
	} else {
		ret = engine_add_pasid(engine, wq_id, pasid);
		if (ret != 0)
			return ret;
		siov_atomic_store(&find_record(ewq, pasid)->gate, gate, release);
	}
	/* Pairs with the poll, which then sweeps what is set aside. */
	siov_atomic_fetch_add(&engine->gate_gen, 1u, release);
	return 0;
}

uint32_t
engine_nb_work(const struct siov_engine *engine, uint32_t wq_id, uint32_t pasid)
{
	const struct engine_wq *ewq = engine_find_wq(engine, wq_id);
	const struct record *rec = ewq != NULL ? find_record(ewq, pasid) : NULL;

	/* Pairs with record_aside_end. */
	return rec != NULL ? siov_atomic_load(&rec->nb_aside, acquire) : 0;
}

uint32_t
engine_nb_aside(const struct siov_engine *engine, uint32_t wq_id, uint32_t pasid)
{
	const struct engine_wq *ewq = engine_find_wq(engine, wq_id);
	const struct record *rec;

	if (ewq == NULL)
		return 0;
	if (pasid > SIOV_PASID_MAX)
		return siov_atomic_load(&ewq->nb_long, acquire) +
		       siov_atomic_load(&ewq->nb_parked, acquire);
	rec = find_record(ewq, pasid);
	if (rec == NULL)
		return 0;
	return siov_atomic_load(&rec->nb_aside, acquire) +
	       siov_atomic_load(&rec->nb_drains, acquire);
}

uint32_t
engine_nb_long(const struct siov_engine *engine, uint32_t wq_id)
{
	const struct engine_wq *ewq = engine_find_wq(engine, wq_id);

	return ewq != NULL ? siov_atomic_load(&ewq->nb_long, acquire) : 0;
}

size_t
engine_pasid_memory(const struct siov_engine *engine)
{
	return engine->record_bytes;
}

void
siov_engine_get_stats(const struct siov_engine *engine, struct siov_engine_stats *stats)
{
	struct siov_atc_stats atc;

	siov_atc_stats(engine->atc, &atc);
	*stats = (struct siov_engine_stats){
		.polls = siov_atomic_load(&engine->nb.polls, relaxed),
		.idle_polls = siov_atomic_load(&engine->nb.idle_polls, relaxed),
		.dispatched = siov_atomic_load(&engine->nb.dispatched, relaxed),
		.slices = siov_atomic_load(&engine->nb.slices, relaxed),
		.members = siov_atomic_load(&engine->nb.members, relaxed),
		.atc_lookups = siov_atomic_load(&engine->nb.lookups, relaxed),
		.atc_misses = atc.misses,
		.atc_second_probes = atc.second_probes,
		.atc_nest_walks = atc.nest_walks,
		.atc_invalidations = atc.invalidations,
		.process_denied = siov_atomic_load(&engine->remote->denied, relaxed),
		.errors_dropped = siov_atomic_load(&engine->nb.errors_dropped, relaxed),
	};
	park_add_stats(engine, stats);
}

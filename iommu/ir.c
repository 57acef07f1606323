/* SPDX-License-Identifier: BSD-3-Clause */
/* Life cycle of an interrupt remapping unit, and what can be seen of it. */
#include <errno.h>
#include <inttypes.h>

#include "ir_priv.h"
#include "siov_iommu.h"

void
siov_ir_conf_init(struct siov_ir_conf *conf)
{
	*conf = (struct siov_ir_conf){
		.socket_id = -1,
		.nb_entries = 256,
		.max_dests = 64,
		.nb_faults = 256,
	};
}

static bool
is_size(unsigned int n, unsigned int max)
{
	return n >= 2 && n <= max && rte_is_power_of_2(n) != 0;
}

static int
conf_check(const struct siov_ir_conf *conf)
{
	if (conf->socket_id < -1 || (conf->flags & ~SIOV_IR_F_COMPAT) != 0)
		return -EINVAL;
	if (!is_size(conf->nb_entries, SIOV_IR_ENTRIES_MAX) ||
	    !is_size(conf->nb_faults, SIOV_IR_FAULTS_MAX))
		return -EINVAL;
	if (conf->max_dests < 1 || conf->max_dests > SIOV_IR_DESTS_MAX)
		return -EINVAL;
	return 0;
}

void *
ir_alloc(struct siov_ir *ir, const char *name, size_t size, size_t align)
{
	void *ptr = siov_mem_alloc(ir->mem, name, size, align, ir->conf.socket_id);

	if (ptr != NULL)
		ir->nb_bytes += size;
	return ptr;
}

void
ir_release(struct siov_ir *ir, void *ptr, size_t size)
{
	if (ptr != NULL)
		ir->nb_bytes -= size;
	siov_mem_free(ir->mem, ptr);
}

static size_t
table_bytes(const struct siov_ir *ir)
{
	return ir->conf.nb_entries * sizeof(struct siov_irte);
}

/* The table is aligned to a page, as hardware wants it. */
static int
alloc_parts(struct siov_ir *ir)
{
	unsigned int i;

	for (i = 0; i < RTE_DIM(ir->twin); i++) {
		ir->twin[i] = ir_alloc(ir, "siov_ir_table", table_bytes(ir), 4096);
		if (ir->twin[i] == NULL)
			return -ENOMEM;
	}
	ir->dests = ir_alloc(ir, "siov_ir_dests", ir->conf.max_dests * sizeof(*ir->dests),
			     RTE_CACHE_LINE_SIZE);
	ir->shards = ir_alloc(ir, "siov_ir_shards", IR_SHARDS * sizeof(*ir->shards),
			      sizeof(*ir->shards));
	ir->fault_slots = ir_alloc(ir, "siov_ir_faults", ir->conf.nb_faults * sizeof(uint64_t),
				   RTE_CACHE_LINE_SIZE);
	if (ir->dests == NULL || ir->shards == NULL || ir->fault_slots == NULL)
		return -ENOMEM;
	note_ring_init(&ir->faults, ir->fault_slots, rte_log2_u32(ir->conf.nb_faults));
	return 0;
}

int
siov_ir_create(const struct siov_ir_conf *conf, struct siov_ir **out)
{
	const struct siov_mem *mem;
	struct siov_ir *ir;
	int rc;

	if (conf == NULL || out == NULL || conf_check(conf) < 0)
		return -EINVAL;
	mem = conf->mem != NULL ? conf->mem : siov_mem_eal();
	ir = siov_mem_alloc(mem, "siov_ir", sizeof(*ir), RTE_CACHE_LINE_SIZE, conf->socket_id);
	if (ir == NULL)
		return -ENOMEM;
	ir->mem = mem;
	ir->conf = *conf;
	ir->nb_bytes = sizeof(*ir);
	pthread_mutex_init(&ir->lock, NULL);
	rc = alloc_parts(ir);
	if (rc < 0) {
		siov_ir_free(ir);
		return rc;
	}
	*out = ir;
	return 0;
}

void
siov_ir_free(struct siov_ir *ir)
{
	if (ir == NULL)
		return;
	intr_fini(ir);
	ir_release(ir, ir->fault_slots, ir->conf.nb_faults * sizeof(uint64_t));
	ir_release(ir, ir->shards, IR_SHARDS * sizeof(*ir->shards));
	ir_release(ir, ir->dests, ir->conf.max_dests * sizeof(*ir->dests));
	ir_release(ir, ir->twin[1], table_bytes(ir));
	ir_release(ir, ir->twin[0], table_bytes(ir));
	pthread_mutex_destroy(&ir->lock);
	siov_mem_free(ir->mem, ir);
}

int
siov_ir_synchronize(struct siov_ir *ir)
{
	int rc = 0;

	pthread_mutex_lock(&ir->lock);
	if (ir->conf.iommu != NULL)
		rc = siov_iommu_synchronize(ir->conf.iommu);
	if (rc == 0)
		intr_free_retired(ir);
	pthread_mutex_unlock(&ir->lock);
	return rc;
}

unsigned int
siov_ir_take_faults(struct siov_ir *ir, struct siov_ir_fault *out, unsigned int max)
{
	unsigned int nb = 0;
	uint64_t note;

	pthread_mutex_lock(&ir->lock);
	while (nb < max && note_ring_take_sc(&ir->faults, &note))
		out[nb++] = (struct siov_ir_fault){
			.index = (uint32_t)(note >> 32),
			.rid = (uint16_t)(note >> 16),
			.reason = (uint16_t)note,
		};
	pthread_mutex_unlock(&ir->lock);
	return nb;
}

const char *
siov_ir_reason_name(int reason)
{
	switch (reason) {
	case SIOV_IR_OK:
		return "none";
	case SIOV_IR_FAULT_REQUEST_RESERVED:
		return "reserved bits in the message";
	case SIOV_IR_FAULT_INDEX:
		return "index beyond the table";
	case SIOV_IR_FAULT_NOT_PRESENT:
		return "entry not present";
	case SIOV_IR_FAULT_IRTE_RESERVED:
		return "reserved bits in the entry";
	case SIOV_IR_FAULT_COMPAT:
		return "compatibility format blocked";
	case SIOV_IR_FAULT_SID:
		return "requester id refused";
	case SIOV_IR_FAULT_NO_DEST:
		return "no such destination";
	default:
		return "unknown";
	}
}

static void
add_shard(const struct ir_shard *shard, struct siov_ir_stats *stats)
{
	unsigned int i;

	stats->nb_remapped += siov_atomic_load(&shard->nb_remapped, relaxed);
	stats->nb_posted += siov_atomic_load(&shard->nb_posted, relaxed);
	stats->nb_notified += siov_atomic_load(&shard->nb_notified, relaxed);
	stats->nb_notify_lost += siov_atomic_load(&shard->nb_notify_lost, relaxed);
	for (i = 0; i < SIOV_IR_NB_REASONS; i++)
		stats->nb_blocked[i] += siov_atomic_load(&shard->nb_blocked[i], relaxed);
}

static void
stats_locked(struct siov_ir *ir, struct siov_ir_stats *stats)
{
	unsigned int i;

	*stats = (struct siov_ir_stats){
		.nb_faults_lost = siov_atomic_load(&ir->faults.nb_lost, relaxed),
		.nb_entries_set = ir->nb_set,
		.nb_dests = ir->nb_dests,
		.memory_bytes = ir->nb_bytes,
	};
	for (i = 0; i < IR_SHARDS; i++)
		add_shard(&ir->shards[i], stats);
}

void
siov_ir_stats(struct siov_ir *ir, struct siov_ir_stats *stats)
{
	pthread_mutex_lock(&ir->lock);
	stats_locked(ir, stats);
	pthread_mutex_unlock(&ir->lock);
}

static void
dump_stats(FILE *f, const struct siov_ir_stats *s)
{
	unsigned int i;
	int reason;

	fprintf(f,
		"  remapped %" PRIu64 ", posted %" PRIu64 ", notified %" PRIu64 ", lost %" PRIu64
		"\n",
		s->nb_remapped, s->nb_posted, s->nb_notified, s->nb_notify_lost);
	for (i = 0; i < SIOV_IR_NB_REASONS; i++) {
		reason = i == SIOV_IR_NB_REASONS - 1 ? SIOV_IR_FAULT_NO_DEST : 0x20 + (int)i;
		if (s->nb_blocked[i] != 0)
			fprintf(f, "  blocked 0x%x (%s): %" PRIu64 "\n", (unsigned int)reason,
				siov_ir_reason_name(reason), s->nb_blocked[i]);
	}
	fprintf(f, "  records lost %" PRIu64 "\n", s->nb_faults_lost);
}

static void
dump_entry(FILE *f, struct siov_ir *ir, uint32_t index)
{
	uint64_t lo, hi;

	ir_read(ir, index, &lo, &hi);
	if ((lo & SIOV_IRTE_P) == 0)
		return;
	fprintf(f, "  entry %u: %s, vector %u, %016" PRIx64 " %016" PRIx64 "\n", index,
		(lo & SIOV_IRTE_IM) != 0 ? "posted" : "remapped",
		(unsigned int)((lo & SIOV_IRTE_VECTOR_MASK) >> SIOV_IRTE_VECTOR_SHIFT), hi, lo);
}

void
siov_ir_dump(FILE *f, struct siov_ir *ir)
{
	struct siov_intr_dest *dest;
	struct siov_ir_stats stats;
	uint32_t i;

	pthread_mutex_lock(&ir->lock);
	stats_locked(ir, &stats);
	fprintf(f, "interrupt remapping: %u of %u entries set, %u destinations\n", ir->nb_set,
		ir->conf.nb_entries, ir->nb_dests);
	dump_stats(f, &stats);
	for (i = 0; i < ir->conf.max_dests; i++) {
		dest = ir_dest(ir, i);
		if (dest != NULL)
			fprintf(f, "  destination %u: %u entries, %s%s\n", i, dest->nb_entries,
				siov_intr_is_pending(dest) ? "pending" : "idle",
				siov_atomic_load(&dest->armed, relaxed) != 0 ? ", asleep" : "");
	}
	for (i = 0; i < ir->conf.nb_entries; i++)
		dump_entry(f, ir, i);
	pthread_mutex_unlock(&ir->lock);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* PASID tables of VMs, and what becomes of submissions that they do not let through. */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <string.h>

#include "note_ring_priv.h"
#include "siov_vm_pasid.h"

#define NB_EXITS_MAX 65536u

/* The whole of what siov_vm_pasid_create() makes. */
struct vm_pasid {
	struct siov_vm_pasid dirs; /* first: it is what others see */

	/* const after create */
	const struct siov_mem *mem;
	struct siov_vm_pasid_conf conf;
	void *slots;

	/* shared: atomic, on the way out only */
	SIOV_ATOMIC(uint64_t) nb_exits __rte_cache_aligned;
	struct note_ring exits;

	/* owner: control, locked */
	pthread_mutex_t lock __rte_cache_aligned;
	uint64_t nb_entries;
	uint64_t nb_tables;
};

static_assert(offsetof(struct vm_pasid, dirs) == 0, "the visible part comes first");

static struct vm_pasid *
whole(struct siov_vm_pasid *vm)
{
	return (struct vm_pasid *)vm;
}

void
siov_vm_pasid_conf_init(struct siov_vm_pasid_conf *conf)
{
	*conf = (struct siov_vm_pasid_conf){.socket_id = -1, .nb_exits = 256};
}

int
siov_vm_pasid_create(const struct siov_vm_pasid_conf *conf, struct siov_vm_pasid **out)
{
	const struct siov_mem *mem;
	struct vm_pasid *v;

	if (conf == NULL || out == NULL || conf->socket_id < -1 || conf->nb_exits < 2 ||
	    conf->nb_exits > NB_EXITS_MAX || rte_is_power_of_2(conf->nb_exits) == 0)
		return -EINVAL;
	mem = conf->mem != NULL ? conf->mem : siov_mem_eal();
	v = siov_mem_alloc(mem, "siov_vm_pasid", sizeof(*v), sizeof(struct siov_vm_pasid_dir),
			   conf->socket_id);
	if (v == NULL)
		return -ENOMEM;
	v->mem = mem;
	v->conf = *conf;
	v->slots = siov_mem_alloc(mem, "siov_vm_exits", conf->nb_exits * sizeof(uint64_t),
				  RTE_CACHE_LINE_SIZE, conf->socket_id);
	if (v->slots == NULL) {
		siov_mem_free(mem, v);
		return -ENOMEM;
	}
	note_ring_init(&v->exits, v->slots, rte_log2_u32(conf->nb_exits));
	pthread_mutex_init(&v->lock, NULL);
	*out = &v->dirs;
	return 0;
}

/* Directory entry of a guest PASID. */
static SIOV_ATOMIC(uint64_t) *
pde_of(struct vm_pasid *v, uint32_t guest)
{
	struct siov_vm_pasid_dir *dir = &v->dirs.dir[guest >> SIOV_VM_PASID_HIGH_SHIFT];

	return &dir->entry[guest >> SIOV_VM_PASID_DIR_SHIFT & (SIOV_VM_PASID_DIR_ENTRIES - 1)];
}

/* Table of a guest PASID, or NULL. */
static struct siov_vm_pasid_table *
table_of(struct vm_pasid *v, uint32_t guest)
{
	uint64_t pde = siov_atomic_load(pde_of(v, guest), relaxed);

	return (struct siov_vm_pasid_table *)(uintptr_t)(pde & SIOV_VM_PDE_ADDR);
}

void
siov_vm_pasid_free(struct siov_vm_pasid *vm)
{
	struct vm_pasid *v = whole(vm);
	uint32_t guest;

	if (v == NULL)
		return;
	for (guest = 0; guest <= SIOV_PASID_MAX; guest += SIOV_VM_PASID_TABLE_ENTRIES)
		siov_mem_free(v->mem, table_of(v, guest));
	siov_mem_free(v->mem, v->slots);
	pthread_mutex_destroy(&v->lock);
	siov_mem_free(v->mem, v);
}

static struct siov_vm_pasid_table *
get_table(struct vm_pasid *v, uint32_t guest)
{
	struct siov_vm_pasid_table *table = table_of(v, guest);

	if (table != NULL)
		return table;
	table = siov_mem_alloc(v->mem, "siov_vm_pasid_table", sizeof(*table), sizeof(*table),
			       v->conf.socket_id);
	if (table == NULL)
		return NULL;
	v->nb_tables++;
	/* V2: pairs with V1; the table is zeroed */
	siov_atomic_store(pde_of(v, guest), (uint64_t)(uintptr_t)table | SIOV_VM_PDE_P, release);
	return table;
}

/*
 * Write an entry and answer the old one. An exchange (V4, pairs with V3), not a store: a store might
 * still wait in this processor when the caller goes on, and a submission that begins later would
 * find the old entry.
 */
static uint32_t
write_entry(struct vm_pasid *v, struct siov_vm_pasid_table *table, uint32_t guest, uint32_t pte)
{
	uint32_t idx = guest & (SIOV_VM_PASID_TABLE_ENTRIES - 1);
	uint32_t old = siov_atomic_exchange(&table->entry[idx], pte, seq_cst);

	if ((old & SIOV_VM_PTE_V) != 0)
		v->nb_entries--;
	if ((pte & SIOV_VM_PTE_V) != 0)
		v->nb_entries++;
	return old;
}

int
siov_vm_pasid_set(struct siov_vm_pasid *vm, uint32_t guest, uint32_t host)
{
	struct vm_pasid *v = whole(vm);
	struct siov_vm_pasid_table *table;

	if (guest > SIOV_PASID_MAX || host > SIOV_PASID_MAX)
		return -ERANGE;
	pthread_mutex_lock(&v->lock);
	table = get_table(v, guest);
	if (table != NULL)
		write_entry(v, table, guest, host | SIOV_VM_PTE_V);
	pthread_mutex_unlock(&v->lock);
	return table != NULL ? 0 : -ENOMEM;
}

int
siov_vm_pasid_clear(struct siov_vm_pasid *vm, uint32_t guest)
{
	struct vm_pasid *v = whole(vm);
	struct siov_vm_pasid_table *table;
	uint32_t old = 0;

	if (guest > SIOV_PASID_MAX)
		return -ERANGE;
	pthread_mutex_lock(&v->lock);
	table = table_of(v, guest);
	if (table != NULL)
		old = write_entry(v, table, guest, 0);
	pthread_mutex_unlock(&v->lock);
	return (old & SIOV_VM_PTE_V) != 0 ? 0 : -ENOENT;
}

int
siov_vm_portal_init(struct siov_vm_portal *vp, struct siov_portal *portal, struct siov_vm_pasid *vm,
		    uint32_t vcpu)
{
	if (vp == NULL || portal == NULL || vm == NULL)
		return -EINVAL;
	if (vcpu > UINT16_MAX)
		return -ERANGE;
	memset(vp, 0, sizeof(*vp));
	siov_atomic_store(&vp->portal, portal, release); /* V6 */
	vp->vm = vm;
	vp->vcpu = vcpu;
	return 0;
}

int
siov_vm_portal_redirect(struct siov_vm_portal *vp, struct siov_portal *portal)
{
	if (vp == NULL || portal == NULL)
		return -EINVAL;
	/* V6: the portal and its lane are seen with it; pairs with V5 in siov_vm_portal_target() */
	siov_atomic_store(&vp->portal, portal, release);
	return 0;
}

int
siov_vm_portal_set_pasid(struct siov_vm_portal *vp, uint64_t value)
{
	if ((value & ~(SIOV_IA32_PASID_V | SIOV_IA32_PASID_MASK)) != 0)
		return -EINVAL;
	vp->ia32_pasid = value;
	return 0;
}

/* The portal's thread is the only writer. */
static void
count(SIOV_ATOMIC(uint64_t) *counter)
{
	siov_atomic_store(counter, siov_atomic_load(counter, relaxed) + 1, relaxed);
}

enum siov_dmwr
siov_vm_portal_gp(struct siov_vm_portal *vp)
{
	count(&vp->nb_gp);
	return SIOV_DMWR_GP;
}

/* Look again, for the note only: the VMM may have written the entry since. */
static enum siov_vm_exit_cause
cause_of(struct vm_pasid *v, uint32_t guest)
{
	uint64_t pde = siov_atomic_load(pde_of(v, guest), acquire); /* V1 */
	struct siov_vm_pasid_table *table;
	uint32_t pte;

	if ((pde & SIOV_VM_PDE_P) == 0)
		return SIOV_VM_EXIT_NO_TABLE;
	if ((pde & SIOV_VM_PDE_RSVD) != 0)
		return SIOV_VM_EXIT_RESERVED;
	table = (struct siov_vm_pasid_table *)(uintptr_t)(pde & SIOV_VM_PDE_ADDR);
	pte = siov_atomic_load(&table->entry[guest & (SIOV_VM_PASID_TABLE_ENTRIES - 1)], relaxed);
	return (pte & SIOV_VM_PTE_V) == 0 || (pte & SIOV_VM_PTE_RSVD) == 0 ? SIOV_VM_EXIT_NO_ENTRY :
									     SIOV_VM_EXIT_RESERVED;
}

enum siov_dmwr
siov_vm_portal_exit(struct siov_vm_portal *vp, uint32_t guest, enum siov_vm_exit_reason reason)
{
	struct vm_pasid *v = whole(vp->vm);
	uint64_t note = guest | (uint64_t)vp->vcpu << 20 | (uint64_t)reason << 36 |
			(uint64_t)cause_of(v, guest) << 44;

	count(&vp->nb_exits);
	siov_atomic_fetch_add(&v->nb_exits, UINT64_C(1), relaxed);
	note_ring_put_mp(&v->exits, note);
	return SIOV_DMWR_EXIT;
}

unsigned int
siov_vm_pasid_take_exits(struct siov_vm_pasid *vm, struct siov_vm_exit *out, unsigned int max)
{
	struct vm_pasid *v = whole(vm);
	unsigned int nb = 0;
	uint64_t note;

	pthread_mutex_lock(&v->lock);
	while (nb < max && note_ring_take_sc(&v->exits, &note))
		out[nb++] = (struct siov_vm_exit){
			.guest_pasid = (uint32_t)(note & SIOV_PASID_MAX),
			.vcpu = (uint16_t)(note >> 20),
			.reason = (uint8_t)(note >> 36),
			.cause = (uint8_t)(note >> 44),
		};
	pthread_mutex_unlock(&v->lock);
	return nb;
}

static void
stats_locked(const struct vm_pasid *v, struct siov_vm_pasid_stats *stats)
{
	*stats = (struct siov_vm_pasid_stats){
		.nb_entries = v->nb_entries,
		.nb_tables = v->nb_tables,
		.memory_bytes = sizeof(*v) + v->conf.nb_exits * sizeof(uint64_t) +
				v->nb_tables * sizeof(struct siov_vm_pasid_table),
		.nb_exits = siov_atomic_load(&v->nb_exits, relaxed),
		.nb_exits_lost = siov_atomic_load(&v->exits.nb_lost, relaxed),
	};
}

void
siov_vm_pasid_stats(struct siov_vm_pasid *vm, struct siov_vm_pasid_stats *stats)
{
	struct vm_pasid *v = whole(vm);

	pthread_mutex_lock(&v->lock);
	stats_locked(v, stats);
	pthread_mutex_unlock(&v->lock);
}

static void
dump_table(FILE *f, struct vm_pasid *v, uint32_t first)
{
	struct siov_vm_pasid_table *table = table_of(v, first);
	uint32_t i, pte;

	for (i = 0; table != NULL && i < SIOV_VM_PASID_TABLE_ENTRIES; i++) {
		pte = siov_atomic_load(&table->entry[i], relaxed);
		if ((pte & SIOV_VM_PTE_V) != 0)
			fprintf(f, "  guest %u: host %u\n", first + i, pte & SIOV_VM_PTE_HOST);
	}
}

void
siov_vm_pasid_dump(FILE *f, struct siov_vm_pasid *vm)
{
	struct vm_pasid *v = whole(vm);
	struct siov_vm_pasid_stats stats;
	uint32_t guest;

	pthread_mutex_lock(&v->lock);
	stats_locked(v, &stats);
	fprintf(f,
		"vm pasids: %" PRIu64 " entries, %" PRIu64 " tables, %" PRIu64 " exits, %" PRIu64
		" lost\n",
		stats.nb_entries, stats.nb_tables, stats.nb_exits, stats.nb_exits_lost);
	for (guest = 0; guest <= SIOV_PASID_MAX; guest += SIOV_VM_PASID_TABLE_ENTRIES)
		dump_table(f, v, guest);
	pthread_mutex_unlock(&v->lock);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* PASID virtualisation of DMWr: which PASID reaches the queue, and what never does. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include <rte_bitops.h>

#include "siov_vm_pasid.h"
#include "swq/wq_bed.h"

#define NB_EXITS 8u
#define QUEUE_SIZE 64u

struct rig {
	struct siov_portal priv; /* on the lane of the bed, may use ENQCMDS */
	struct siov_vm_portal vp;
	struct fake_mem fm;
	struct wq_bed *bed;
	struct siov_vm_pasid *vm;
};

static struct siov_vm_pasid_conf
rig_conf(struct rig *r)
{
	struct siov_vm_pasid_conf conf;

	siov_vm_pasid_conf_init(&conf);
	conf.mem = &r->fm.mem;
	conf.nb_exits = NB_EXITS;
	return conf;
}

static int
setup(void **state)
{
	struct siov_wq_conf wq_conf = wq_bed_conf(QUEUE_SIZE, 0);
	struct siov_vm_pasid_conf conf;
	struct rig *r = NULL;

	assert_int_equal(posix_memalign((void **)&r, 64, sizeof(*r)), 0);
	memset(r, 0, sizeof(*r));
	fake_mem_init(&r->fm);
	conf = rig_conf(r);
	r->bed = wq_bed_open(&wq_conf, 1);
	assert_int_equal(siov_vm_pasid_create(&conf, &r->vm), 0);
	assert_int_equal(siov_portal_init(&r->priv, r->bed->lanes[0], 999, SIOV_PORTAL_F_PRIV), 0);
	assert_int_equal(siov_vm_portal_init(&r->vp, &r->priv, r->vm, 5), 0);
	*state = r;
	return 0;
}

static int
teardown(void **state)
{
	struct rig *r = *state;

	siov_vm_pasid_free(r->vm);
	assert_int_equal(r->fm.nb_live, 0);
	wq_bed_close(r->bed);
	free(r);
	return 0;
}

static enum siov_dmwr
enqcmd(struct rig *r, uint64_t id)
{
	struct siov_desc_words desc;

	wq_bed_desc(&desc, id);
	return siov_vm_enqcmd(&r->vp, (const struct dsa_hw_desc *)&desc);
}

/* ENQCMDS of a descriptor whose low dword is @p who. */
static enum siov_dmwr
enqcmds(struct rig *r, uint64_t id, uint32_t who)
{
	struct siov_desc_words desc;

	wq_bed_desc(&desc, id);
	desc.word0 = id << 32 | who;
	return siov_vm_enqcmds(&r->vp, (const struct dsa_hw_desc *)&desc);
}

static void
use_guest(struct rig *r, uint32_t guest)
{
	assert_int_equal(siov_vm_portal_set_pasid(&r->vp, SIOV_IA32_PASID_V | guest), 0);
}

/* Take one descriptor from the queue: PASID and Priv are @p who, all else is descriptor @p id. */
static void
expect_in_queue(struct rig *r, uint64_t id, uint32_t who)
{
	assert_int_equal(wq_bed_pop_lane(r->bed, r->bed->lanes[0], 1), 1);
	assert_int_equal(wq_bed_id(&r->bed->popped[0]), id);
	assert_true(wq_bed_is_whole(&r->bed->popped[0], who));
	siov_wq_give_back(r->bed->wq, &r->bed->granter, 1, r->bed->now_cycles);
}

static void
expect_queue_empty(struct rig *r)
{
	assert_int_equal(wq_bed_pop_lane(r->bed, r->bed->lanes[0], 1), 0);
}

/* Nothing reached the queue, and the VMM finds one note. */
static void
expect_exit(struct rig *r, uint32_t guest, uint8_t reason, uint8_t cause)
{
	struct siov_vm_exit note;

	expect_queue_empty(r);
	assert_int_equal(siov_vm_pasid_take_exits(r->vm, &note, 1), 1);
	assert_int_equal(note.guest_pasid, guest);
	assert_int_equal(note.vcpu, 5);
	assert_int_equal(note.reason, reason);
	assert_int_equal(note.cause, cause);
	assert_int_equal(siov_vm_pasid_take_exits(r->vm, &note, 1), 0);
}

static const uint32_t edge_pasids[] = {0, 1, 1023, 1024, 0x7ffff, 0x80000, 0x803ff, 0xfffff};

static void
test_s8_3_1_guest_pasid_is_replaced_by_the_hosts(void **state)
{
	struct rig *r = *state;
	struct siov_vm_pasid_stats stats;
	unsigned int i;

	for (i = 0; i < RTE_DIM(edge_pasids); i++)
		assert_int_equal(siov_vm_pasid_set(r->vm, edge_pasids[i], 0xabc00 + i), 0);
	for (i = 0; i < RTE_DIM(edge_pasids); i++) {
		use_guest(r, edge_pasids[i]);
		assert_int_equal(enqcmd(r, i), SIOV_DMWR_SUCCESS);
		expect_in_queue(r, i, 0xabc00 + i);
	}
	siov_vm_pasid_stats(r->vm, &stats);
	assert_int_equal(stats.nb_entries, RTE_DIM(edge_pasids));
	assert_int_equal(stats.nb_tables, 5);
	assert_int_equal(stats.nb_exits, 0);
	assert_int_equal(siov_portal_count(&r->priv, SIOV_DMWR_SUCCESS), RTE_DIM(edge_pasids));
}

static void
test_s8_3_1_guest_pasid_without_entry_never_reaches_the_queue(void **state)
{
	struct rig *r = *state;
	struct siov_vm_pasid_stats stats;

	use_guest(r, 7);
	assert_int_equal(enqcmd(r, 1), SIOV_DMWR_EXIT);
	expect_exit(r, 7, SIOV_VM_EXIT_ENQCMD, SIOV_VM_EXIT_NO_TABLE);
	assert_int_equal(siov_vm_pasid_set(r->vm, 8, 100), 0);
	assert_int_equal(enqcmd(r, 1), SIOV_DMWR_EXIT);
	expect_exit(r, 7, SIOV_VM_EXIT_ENQCMD, SIOV_VM_EXIT_NO_ENTRY);
	assert_int_equal(enqcmds(r, 1, 0xfffff), SIOV_DMWR_EXIT);
	expect_exit(r, 0xfffff, SIOV_VM_EXIT_ENQCMDS, SIOV_VM_EXIT_NO_TABLE);
	assert_int_equal(siov_vm_pasid_set(r->vm, 7, 0), 0);
	assert_int_equal(enqcmd(r, 2), SIOV_DMWR_SUCCESS);
	expect_in_queue(r, 2, 0);
	siov_vm_pasid_stats(r->vm, &stats);
	assert_int_equal(stats.nb_exits, 3);
	assert_int_equal(r->vp.nb_exits, 3);
}

static void
test_s8_3_1_cleared_entry_lets_nothing_through(void **state)
{
	struct rig *r = *state;

	use_guest(r, 1024);
	assert_int_equal(siov_vm_pasid_set(r->vm, 1024, 100), 0);
	assert_int_equal(siov_vm_pasid_set(r->vm, 1024, 200), 0);
	assert_int_equal(enqcmd(r, 1), SIOV_DMWR_SUCCESS);
	expect_in_queue(r, 1, 200);
	assert_int_equal(siov_vm_pasid_clear(r->vm, 1024), 0);
	assert_int_equal(enqcmd(r, 2), SIOV_DMWR_EXIT);
	expect_exit(r, 1024, SIOV_VM_EXIT_ENQCMD, SIOV_VM_EXIT_NO_ENTRY);
	assert_int_equal(siov_vm_pasid_clear(r->vm, 1024), -ENOENT);
	assert_int_equal(siov_vm_pasid_clear(r->vm, 4096), -ENOENT);
}

/* Entries as a VMM's memory may hold them: each reserved bit, in both levels. */
static void
test_s8_3_1_reserved_bits_let_nothing_through(void **state)
{
	struct rig *r = *state;
	SIOV_ATOMIC(uint64_t) *pde = &r->vm->dir[1].entry[3];
	struct siov_vm_pasid_table *table;
	uint32_t guest = 0x80000 + 3 * 1024 + 9;
	uint64_t good;
	unsigned int bit;

	use_guest(r, guest);
	assert_int_equal(siov_vm_pasid_set(r->vm, guest, 100), 0);
	good = *pde;
	table = (struct siov_vm_pasid_table *)(uintptr_t)(good & SIOV_VM_PDE_ADDR);
	for (bit = 1; bit < 64; bit++) {
		if (bit >= 12 && bit < 52)
			continue;
		*pde = good | RTE_BIT64(bit);
		assert_int_equal(enqcmd(r, 1), SIOV_DMWR_EXIT);
		expect_exit(r, guest, SIOV_VM_EXIT_ENQCMD, SIOV_VM_EXIT_RESERVED);
	}
	*pde = good & ~SIOV_VM_PDE_P;
	assert_int_equal(enqcmd(r, 1), SIOV_DMWR_EXIT);
	expect_exit(r, guest, SIOV_VM_EXIT_ENQCMD, SIOV_VM_EXIT_NO_TABLE);
	*pde = good;
	for (bit = 20; bit < 31; bit++) {
		table->entry[9] = SIOV_VM_PTE_V | 100 | 1u << bit;
		assert_int_equal(enqcmd(r, 1), SIOV_DMWR_EXIT);
		expect_exit(r, guest, SIOV_VM_EXIT_ENQCMD, SIOV_VM_EXIT_RESERVED);
	}
	table->entry[9] = SIOV_VM_PTE_V | 100;
	assert_int_equal(enqcmd(r, 1), SIOV_DMWR_SUCCESS);
	expect_in_queue(r, 1, 100);
}

static void
test_s8_3_1_no_valid_pasid_is_general_protection(void **state)
{
	struct rig *r = *state;
	struct siov_vm_exit note;

	assert_int_equal(siov_vm_pasid_set(r->vm, 0, 100), 0);
	assert_int_equal(enqcmd(r, 1), SIOV_DMWR_GP);
	assert_int_equal(siov_vm_portal_set_pasid(&r->vp, 7), 0);
	assert_int_equal(enqcmd(r, 1), SIOV_DMWR_GP);
	assert_int_equal(r->vp.nb_gp, 2);
	expect_queue_empty(r);
	assert_int_equal(siov_vm_pasid_take_exits(r->vm, &note, 1), 0);
	assert_int_equal(siov_vm_portal_set_pasid(&r->vp, UINT64_C(1) << 32), -EINVAL);
	assert_int_equal(siov_vm_portal_set_pasid(&r->vp, UINT64_C(1) << 30), -EINVAL);
	assert_int_equal(siov_vm_portal_set_pasid(&r->vp, UINT64_C(1) << 20), -EINVAL);
	assert_int_equal(r->vp.ia32_pasid, 7);
}

static void
test_s8_3_1_enqcmds_keeps_priv_and_checks_reserved_bits_first(void **state)
{
	struct rig *r = *state;
	struct siov_vm_exit note;
	unsigned int bit;

	assert_int_equal(siov_vm_pasid_set(r->vm, 50, 0xfffff), 0);
	assert_int_equal(enqcmds(r, 1, 50), SIOV_DMWR_SUCCESS);
	expect_in_queue(r, 1, 0xfffff);
	assert_int_equal(enqcmds(r, 2, 50 | 0x80000000), SIOV_DMWR_SUCCESS);
	expect_in_queue(r, 2, 0x800fffff);
	for (bit = 20; bit < 31; bit++) /* 51 has no entry: the bits come first */
		assert_int_equal(enqcmds(r, 3, 51 | 1u << bit), SIOV_DMWR_GP);
	r->priv.flags = SIOV_PORTAL_F_PASID;
	assert_int_equal(enqcmds(r, 3, 50), SIOV_DMWR_GP);
	expect_queue_empty(r);
	assert_int_equal(siov_vm_pasid_take_exits(r->vm, &note, 1), 0);
	assert_int_equal(r->vp.nb_gp, 12);
}

/* The portal's own PASID and the PASID field of the descriptor are nothing to a guest's ENQCMD. */
static void
test_s8_3_1_only_ia32_pasid_counts_for_enqcmd(void **state)
{
	struct rig *r = *state;

	assert_int_equal(siov_vm_pasid_set(r->vm, 999, 1), 0);
	assert_int_equal(siov_vm_pasid_set(r->vm, 0xfffff, 2), 0);
	assert_int_equal(siov_vm_pasid_set(r->vm, 3, 4), 0);
	use_guest(r, 3);
	assert_int_equal(enqcmd(r, 1), SIOV_DMWR_SUCCESS);
	expect_in_queue(r, 1, 4);
}

static void
test_s8_3_1_two_guests_with_one_pasid_are_kept_apart(void **state)
{
	struct rig *r = *state;
	struct siov_vm_pasid_conf conf = rig_conf(r);
	struct siov_vm_pasid *other;
	struct siov_vm_portal vp;
	struct siov_desc_words desc;

	assert_int_equal(siov_vm_pasid_create(&conf, &other), 0);
	assert_int_equal(siov_vm_portal_init(&vp, &r->bed->portals[0], other, 0), 0);
	assert_int_equal(siov_vm_portal_set_pasid(&vp, SIOV_IA32_PASID_V | 1), 0);
	use_guest(r, 1);
	assert_int_equal(siov_vm_pasid_set(r->vm, 1, 100), 0);
	wq_bed_desc(&desc, 2);
	assert_int_equal(siov_vm_enqcmd(&vp, (struct dsa_hw_desc *)&desc), SIOV_DMWR_EXIT);
	assert_int_equal(siov_vm_pasid_set(other, 1, 200), 0);
	assert_int_equal(enqcmd(r, 1), SIOV_DMWR_SUCCESS);
	assert_int_equal(siov_vm_enqcmd(&vp, (struct dsa_hw_desc *)&desc), SIOV_DMWR_SUCCESS);
	expect_in_queue(r, 1, 100);
	expect_in_queue(r, 2, 200);
	siov_vm_pasid_free(other);
}

static void
test_s8_3_1_full_notes_say_so(void **state)
{
	struct siov_vm_exit notes[NB_EXITS + 1];
	struct rig *r = *state;
	struct siov_vm_pasid_stats stats;
	unsigned int lap, i;

	for (lap = 1; lap <= 4; lap++) {
		for (i = 0; i < NB_EXITS + 2; i++) {
			use_guest(r, lap * 100 + i);
			assert_int_equal(enqcmd(r, i), SIOV_DMWR_EXIT);
		}
		siov_vm_pasid_stats(r->vm, &stats);
		assert_int_equal(stats.nb_exits, lap * (NB_EXITS + 2));
		assert_int_equal(stats.nb_exits_lost, lap * 2);
		assert_int_equal(siov_vm_pasid_take_exits(r->vm, notes, NB_EXITS + 1), NB_EXITS);
		for (i = 0; i < NB_EXITS; i++)
			assert_int_equal(notes[i].guest_pasid, lap * 100 + i);
	}
	expect_queue_empty(r);
}

static void
test_full_queue_answers_a_guest_as_anybody(void **state)
{
	struct rig *r = *state;
	unsigned int i = 0;

	assert_int_equal(siov_vm_pasid_set(r->vm, 1, 100), 0);
	use_guest(r, 1);
	while (enqcmd(r, i) == SIOV_DMWR_SUCCESS)
		i++;
	assert_int_equal(i, QUEUE_SIZE);
	assert_int_equal(enqcmd(r, i), SIOV_DMWR_RETRY_CAPACITY);
	assert_int_equal(siov_wq_set_state(r->bed->wq, SIOV_WQ_DRAINING), 0);
	assert_int_equal(enqcmd(r, i), SIOV_DMWR_RETRY_DRAINING);
}

static void
test_bad_arguments_are_refused(void **state)
{
	struct rig *r = *state;
	struct siov_vm_pasid_conf bad[4];
	struct siov_vm_pasid *vm = NULL;
	unsigned int i;

	for (i = 0; i < RTE_DIM(bad); i++)
		bad[i] = rig_conf(r);
	bad[0].nb_exits = 1;
	bad[1].nb_exits = 12;
	bad[2].nb_exits = 131072;
	bad[3].socket_id = -2;
	for (i = 0; i < RTE_DIM(bad); i++)
		assert_int_equal(siov_vm_pasid_create(&bad[i], &vm), -EINVAL);
	assert_int_equal(siov_vm_pasid_create(NULL, &vm), -EINVAL);
	assert_null(vm);
	siov_vm_pasid_free(NULL);
	assert_int_equal(siov_vm_pasid_set(r->vm, SIOV_PASID_MAX + 1, 0), -ERANGE);
	assert_int_equal(siov_vm_pasid_set(r->vm, 0, SIOV_PASID_MAX + 1), -ERANGE);
	assert_int_equal(siov_vm_pasid_clear(r->vm, SIOV_PASID_MAX + 1), -ERANGE);
	assert_int_equal(siov_vm_portal_init(&r->vp, NULL, r->vm, 0), -EINVAL);
	assert_int_equal(siov_vm_portal_init(&r->vp, &r->priv, NULL, 0), -EINVAL);
	assert_int_equal(siov_vm_portal_init(&r->vp, &r->priv, r->vm, 65536), -ERANGE);
}

static void
test_each_failing_allocation_changes_nothing(void **state)
{
	struct rig *r = *state;
	struct siov_vm_pasid_conf conf = rig_conf(r);
	struct siov_vm_pasid *vm = NULL;
	struct siov_vm_pasid_stats stats;
	uint64_t live = r->fm.nb_live;
	uint64_t n;

	for (n = 1;; n++) {
		fake_mem_fail_at(&r->fm, n);
		if (siov_vm_pasid_create(&conf, &vm) == 0)
			break;
		assert_null(vm);
		assert_int_equal(r->fm.nb_live, live);
	}
	assert_int_equal(n, 3);
	fake_mem_fail_at(&r->fm, 1);
	assert_int_equal(siov_vm_pasid_set(vm, 5, 6), -ENOMEM);
	siov_vm_pasid_stats(vm, &stats);
	assert_int_equal(stats.nb_entries, 0);
	assert_int_equal(stats.nb_tables, 0);
	assert_int_equal(siov_vm_pasid_set(vm, 5, 6), 0);
	fake_mem_fail_at(&r->fm, 1);
	assert_int_equal(siov_vm_pasid_set(vm, 6, 7), 0); /* the table is there */
	siov_vm_pasid_free(vm);
	assert_int_equal(r->fm.nb_live, live);
}

static void
test_dump_names_the_entries(void **state)
{
	struct rig *r = *state;
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	assert_non_null(f);
	assert_int_equal(siov_vm_pasid_set(r->vm, 0x80001, 77), 0);
	siov_vm_pasid_dump(f, r->vm);
	fclose(f);
	assert_non_null(strstr(text, "guest 524289: host 77"));
	free(text);
}

/*
 * Guest threads submit without pause while the VMM gives guest PASID 1 ever new host PASIDs. A
 * thread reads `floor` before each submission: a host PASID below it was gone before that.
 */
#define NB_GUESTS 2u
#define NB_CHANGES 3000u
#define FIRST_HOST 1000u

struct race {
	struct siov_vm_portal vp[NB_GUESTS];
	SIOV_ATOMIC(uint32_t) floor __rte_cache_aligned; /* lowest host PASID that may be seen */
	SIOV_ATOMIC(uint32_t) next;
	SIOV_ATOMIC(uint32_t) stop;
	SIOV_ATOMIC(uint64_t) nb_sent[NB_GUESTS];
	SIOV_ATOMIC(uint64_t) nb_exits[NB_GUESTS];
	struct rig *r;
};

/* The floor goes along in the descriptor's id. */
static void *
guest(void *arg)
{
	struct race *race = arg;
	uint32_t me = siov_atomic_fetch_add(&race->next, 1, relaxed);
	struct siov_desc_words desc;
	enum siov_dmwr answer;

	while (siov_atomic_load(&race->stop, relaxed) == 0) {
		wq_bed_desc(&desc, siov_atomic_load(&race->floor, acquire));
		answer = siov_vm_enqcmd(&race->vp[me], (struct dsa_hw_desc *)&desc);
		if (answer == SIOV_DMWR_SUCCESS)
			siov_atomic_fetch_add(&race->nb_sent[me], 1, relaxed);
		else if (answer == SIOV_DMWR_EXIT)
			siov_atomic_fetch_add(&race->nb_exits[me], 1, relaxed);
		else
			sched_yield();
	}
	return NULL;
}

/* Empty the lanes: how many; each with a host PASID not below what its sender knew was gone. */
static uint64_t
collect(struct rig *r, uint64_t *nb_wrong)
{
	uint64_t nb = 0;
	unsigned int lane, i, n;
	uint32_t host;

	for (lane = 0; lane < NB_GUESTS; lane++) {
		n = wq_bed_pop_lane(r->bed, r->bed->lanes[lane], WQ_BED_BURST);
		for (i = 0; i < n; i++) {
			host = (uint32_t)r->bed->popped[i].word0;
			if (host < wq_bed_id(&r->bed->popped[i]) || host >= FIRST_HOST + NB_CHANGES)
				(*nb_wrong)++;
			else if (!wq_bed_is_whole(&r->bed->popped[i], host))
				(*nb_wrong)++;
		}
		siov_wq_give_back(r->bed->wq, &r->bed->granter, n, r->bed->now_cycles);
		nb += n;
	}
	return nb;
}

static uint64_t
sum(SIOV_ATOMIC(uint64_t) *counters)
{
	uint64_t total = 0;
	unsigned int i;

	for (i = 0; i < NB_GUESTS; i++)
		total += siov_atomic_load(&counters[i], relaxed);
	return total;
}

/* Let the guests run into the cleared entry. */
static void
await_exit(struct race *race)
{
	uint64_t before = sum(race->nb_exits);

	while (sum(race->nb_exits) == before)
		sched_yield();
}

/* Let one of their submissions through. */
static uint64_t
await_success(struct race *race, uint64_t *nb_wrong)
{
	uint64_t before = sum(race->nb_sent);
	uint64_t nb = 0;

	while (sum(race->nb_sent) == before) {
		nb += collect(race->r, nb_wrong);
		sched_yield();
	}
	return nb;
}

static uint64_t
change_hosts(struct race *race, uint64_t *nb_wrong)
{
	struct rig *r = race->r;
	struct siov_vm_exit notes[NB_EXITS];
	uint64_t nb = 0;
	unsigned int i;

	for (i = 0; i < NB_CHANGES; i++) {
		assert_int_equal(siov_vm_pasid_set(r->vm, 1, FIRST_HOST + i), 0);
		siov_atomic_store(&race->floor, FIRST_HOST + i, release);
		nb += collect(r, nb_wrong);
		if (i % 4 == 0)
			sched_yield();
		if (i % 64 == 0)
			nb += await_success(race, nb_wrong);
		if (i % 16 != 0)
			continue;
		assert_int_equal(siov_vm_pasid_clear(r->vm, 1), 0);
		siov_atomic_store(&race->floor, FIRST_HOST + i + 1, release);
		if (i % 64 == 0)
			await_exit(race);
		siov_vm_pasid_take_exits(r->vm, notes, NB_EXITS);
	}
	return nb;
}

static void
test_s8_3_1_old_host_pasid_is_never_sent_after_a_change(void **state)
{
	struct rig *r = *state;
	uint64_t nb_wrong = 0, nb_sent = 0, nb_exits = 0, nb, more;
	struct siov_vm_pasid_stats stats;
	pthread_t threads[NB_GUESTS];
	struct race *race = NULL;
	unsigned int i;

	assert_int_equal(posix_memalign((void **)&race, 64, sizeof(*race)), 0);
	memset(race, 0, sizeof(*race));
	race->r = r;
	wq_bed_attach(r->bed, 0);
	for (i = 0; i < NB_GUESTS; i++) {
		siov_vm_portal_init(&race->vp[i], &r->bed->portals[i], r->vm, i);
		siov_vm_portal_set_pasid(&race->vp[i], SIOV_IA32_PASID_V | 1);
	}
	/* Which thread takes which portal is not said: all portals first. */
	for (i = 0; i < NB_GUESTS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, guest, race), 0);
	nb = change_hosts(race, &nb_wrong);
	siov_atomic_store(&race->stop, 1, relaxed);
	for (i = 0; i < NB_GUESTS; i++)
		pthread_join(threads[i], NULL);
	for (i = 0; i < NB_GUESTS; i++) {
		nb_sent += race->nb_sent[i];
		nb_exits += race->nb_exits[i];
	}
	do {
		more = collect(r, &nb_wrong);
		nb += more;
	} while (more != 0);
	siov_vm_pasid_stats(r->vm, &stats);
	assert_int_equal(nb_wrong, 0);
	assert_int_equal(nb, nb_sent);
	assert_int_equal(stats.nb_exits, nb_exits);
	assert_int_not_equal(nb_sent, 0);
	assert_int_not_equal(nb_exits, 0);
	free(race);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define ROW(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		ROW(test_s8_3_1_guest_pasid_is_replaced_by_the_hosts),
		ROW(test_s8_3_1_guest_pasid_without_entry_never_reaches_the_queue),
		ROW(test_s8_3_1_cleared_entry_lets_nothing_through),
		ROW(test_s8_3_1_reserved_bits_let_nothing_through),
		ROW(test_s8_3_1_no_valid_pasid_is_general_protection),
		ROW(test_s8_3_1_enqcmds_keeps_priv_and_checks_reserved_bits_first),
		ROW(test_s8_3_1_only_ia32_pasid_counts_for_enqcmd),
		ROW(test_s8_3_1_two_guests_with_one_pasid_are_kept_apart),
		ROW(test_s8_3_1_full_notes_say_so),
		ROW(test_full_queue_answers_a_guest_as_anybody),
		ROW(test_bad_arguments_are_refused),
		ROW(test_each_failing_allocation_changes_nothing),
		ROW(test_dump_names_the_entries),
		ROW(test_s8_3_1_old_host_pasid_is_never_sent_after_a_change),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

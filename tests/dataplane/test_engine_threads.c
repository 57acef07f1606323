/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Engines on threads of their own, while others submit, attach and detach, map and unmap, and read
 * counters. Every thread gives its CPU away when it finds nothing to do.
 */
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include "rig.h"

#define SRC UINT64_C(0x10000000)
#define DST UINT64_C(0x20000000)
#define SOMETIMES UINT64_C(0x30000000) /* mapped by turns */
#define SUBMITTERS 3u
#define NB_EACH 10000u
#define RW (SIOV_PERM_R | SIOV_PERM_W)

struct runner {
	pthread_t thread;
	struct siov_engine *engine;
	SIOV_ATOMIC(uint32_t) *stop;
};

struct submitter {
	pthread_t thread;
	struct rig_guest *guest;
	uint8_t *src, *dst;
	uint8_t *page; /* mapped by turns */
	unsigned int nb_failed; /* page faults seen */
	unsigned int nb_wrong;
};

static void *
run_engine(void *arg)
{
	struct runner *runner = arg;

	siov_engine_start(runner->engine);
	while (!siov_atomic_load(runner->stop, acquire)) {
		if (siov_engine_poll(runner->engine) == 0)
			sched_yield();
	}
	siov_engine_stop(runner->engine);
	return NULL;
}

static void
start_engines(struct rig *rig, struct runner *runners, SIOV_ATOMIC(uint32_t) *stop)
{
	unsigned int i;

	for (i = 0; i < rig->nb_engines; i++) {
		siov_engine_stop(rig->engines[i]);
		runners[i].engine = rig->engines[i];
		runners[i].stop = stop;
		assert_int_equal(pthread_create(&runners[i].thread, NULL, run_engine, &runners[i]),
				 0);
	}
}

static void
stop_engines(struct rig *rig, struct runner *runners, SIOV_ATOMIC(uint32_t) *stop)
{
	unsigned int i;

	siov_atomic_store(stop, 1, release);
	for (i = 0; i < rig->nb_engines; i++) {
		pthread_join(runners[i].thread, NULL);
		siov_engine_start(rig->engines[i]);
	}
}

/* The first word of a guest's record, which is written last. */
static SIOV_ATOMIC(uint64_t) *
record_word(const struct rig_guest *guest, unsigned int i)
{
	uint8_t *records = (uint8_t *)guest->comps;

	return (void *)(records + i * sizeof(struct dsa_completion_record));
}

static void
clear(const struct rig_guest *guest, unsigned int i)
{
	siov_atomic_store(record_word(guest, i), UINT64_C(0), relaxed);
}

/* Wait for a record; returns its status. */
static uint8_t
wait_for(const struct rig_guest *guest, unsigned int i)
{
	uint64_t word = siov_atomic_load(record_word(guest, i), acquire);

	while (word == 0) {
		sched_yield();
		word = siov_atomic_load(record_word(guest, i), acquire);
	}
	return (uint8_t)word;
}

/* One number from source to destination and back by comparison; nothing but this thread's. */
static void
move_number(struct submitter *sub, struct dsa_hw_desc *desc, uint64_t number)
{
	uint64_t found;

	memcpy(sub->src, &number, sizeof(number));
	clear(sub->guest, 0);
	while (rig_enqcmd(&sub->guest->portal, desc) != SIOV_DMWR_SUCCESS)
		sched_yield();
	if (wait_for(sub->guest, 0) == DSA_COMP_SUCCESS) {
		memcpy(&found, sub->dst, sizeof(found));
		sub->nb_wrong += desc->dst_addr == DST && found != number;
	} else {
		sub->nb_failed++;
	}
}

static void *
run_submitter(void *arg)
{
	struct submitter *sub = arg;
	struct dsa_hw_desc desc = rig_desc(DSA_OPCODE_MEMMOVE);
	unsigned int i;

	desc.src_addr = SRC;
	for (i = 0; i < NB_EACH; i++) {
		desc.dst_addr = i % 4 == 3 ? SOMETIMES : DST;
		desc.xfer_size = i % 64 == 0 ? 2 * RIG_SLICE : 8;
		move_number(sub, &desc, i);
	}
	return NULL;
}

static void
add_submitters(struct rig *rig, struct submitter *subs)
{
	unsigned int i;

	for (i = 0; i < SUBMITTERS; i++) {
		subs[i].guest = rig_add_guest(rig, 0, 1 + i);
		subs[i].src = rig_take(rig, 2 * RIG_SLICE, false);
		subs[i].dst = rig_take(rig, 2 * RIG_SLICE, false);
		subs[i].page = rig_take(rig, RIG_PAGE, false);
		rig_map_at(subs[i].guest, SRC, subs[i].src, 2 * RIG_SLICE, SIOV_PERM_R);
		rig_map_at(subs[i].guest, DST, subs[i].dst, 2 * RIG_SLICE, RW);
	}
}

/* Once unmapped, nobody can reach the page. */
static void
unmap_page(struct rig *rig, struct submitter *sub)
{
	assert_int_equal(siov_domain_unmap(sub->guest->dom, SOMETIMES, RIG_PAGE), 0);
	memset(sub->page, 0xa5, RIG_PAGE);
	assert_true(rig_stats(rig, 0, sub->guest->pasid).completed <= NB_EACH);
	sched_yield();
	assert_int_equal(sub->page[0], 0xa5);
	assert_memory_equal(sub->page, sub->page + 1, RIG_PAGE - 1);
}

/* Map and unmap a page of each submitter, and read everybody's counters meanwhile. */
static void
disturb(struct rig *rig, struct submitter *subs)
{
	struct siov_engine_stats stats;
	unsigned int i, turn;

	for (turn = 0; turn < 50; turn++) {
		for (i = 0; i < SUBMITTERS; i++)
			rig_map_at(subs[i].guest, SOMETIMES, subs[i].page, RIG_PAGE, RW);
		sched_yield();
		for (i = 0; i < SUBMITTERS; i++)
			unmap_page(rig, &subs[i]);
		siov_engine_get_stats(rig->engines[0], &stats);
		assert_int_equal(stats.errors_dropped, 0);
	}
}

/* Attach a lane of its own, use it, detach it, while the engines run. */
static void
come_and_go(struct rig *rig)
{
	struct rig_guest *guest = rig->guests[0];
	struct dsa_hw_desc desc = rig_desc(DSA_OPCODE_NOOP);
	struct siov_portal portal;
	struct siov_lane *lane;
	unsigned int i;

	desc.completion_addr = rig_comp(5);
	for (i = 0; i < 100; i++) {
		assert_int_equal(siov_wq_attach(&rig->fm.mem, rig->wqs[0], 0, &lane), 0);
		assert_int_equal(siov_portal_init(&portal, lane, guest->pasid, SIOV_PORTAL_F_PASID),
				 0);
		clear(guest, 5);
		while (rig_enqcmd(&portal, &desc) != SIOV_DMWR_SUCCESS)
			sched_yield();
		assert_int_equal(wait_for(guest, 5), DSA_COMP_SUCCESS);
		assert_int_equal(siov_wq_detach(lane), 0);
		/* The former engine may still look at the lane until here. */
		assert_int_equal(siov_iommu_synchronize(rig->iommu), 0);
	}
}

static void
check_totals(const struct rig *rig, const struct submitter *subs)
{
	unsigned int i;

	for (i = 0; i < SUBMITTERS; i++) {
		struct siov_stats stats = rig_stats(rig, 0, 1 + i);
		uint64_t extra = i == 0 ? 100 : 0; /* of come_and_go */

		assert_int_equal(subs[i].nb_wrong, 0);
		assert_int_equal(stats.failed, subs[i].nb_failed);
		assert_int_equal(stats.completed, NB_EACH + extra - subs[i].nb_failed);
		assert_int_equal(siov_portal_count(&subs[i].guest->portal, SIOV_DMWR_SUCCESS),
				 NB_EACH);
	}
}

static void
run_all(unsigned int nb_engines)
{
	struct rig *rig = rig_open(&(struct rig_conf){
		.arena_len = UINT64_C(8) << 20,
		.nb_engines = nb_engines,
	});
	struct submitter subs[SUBMITTERS] = {0};
	struct runner runners[RIG_ENGINES_MAX];
	SIOV_ATOMIC(uint32_t) stop = 0;
	unsigned int i;

	rig_add_wq(rig, &(struct rig_wq_conf){.size = 8, .nb_engines = nb_engines});
	add_submitters(rig, subs);
	start_engines(rig, runners, &stop);
	for (i = 0; i < SUBMITTERS; i++)
		assert_int_equal(pthread_create(&subs[i].thread, NULL, run_submitter, &subs[i]), 0);
	disturb(rig, subs);
	come_and_go(rig);
	for (i = 0; i < SUBMITTERS; i++)
		pthread_join(subs[i].thread, NULL);
	stop_engines(rig, runners, &stop);
	rig_settle(rig);
	check_totals(rig, subs);
	rig_no_error(rig);
	rig_close(rig);
}

static void
test_one_engine_among_busy_threads(void **state)
{
	(void)state;
	run_all(1);
}

static void
test_two_engines_among_busy_threads(void **state)
{
	(void)state;
	run_all(2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_engine_among_busy_threads),
		cmocka_unit_test(test_two_engines_among_busy_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* Entries that control changes while two engines raise them: never lost, never twice, never half. */
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ims.h"
#include "msg_bed.h"

#define NB_ENGINES 2u
#define PASID 5u
#define NB_EVENTS 20000u
#define NB_CHANGES 4000u
#define NB_WRITES 200000u

struct rig {
	struct msg_bed bed;
	struct siov_ims *ims;
	struct siov_ims_host_entry host[4];
	uint32_t handle;
	SIOV_ATOMIC(uint32_t) nb_done;
	SIOV_ATOMIC(uint32_t) is_over;
	uint32_t nb_events; /* of each engine; 0: until is_over */
};

struct engine {
	struct rig *rig;
	uint32_t id;
	uint64_t nb_bad;
	uint64_t nb_raised;
	uint64_t now;
	pthread_t thread;
};

static void
start(struct rig *r, bool has_host)
{
	struct siov_ims_conf conf;

	*r = (struct rig){.nb_events = NB_EVENTS};
	msg_bed_init(&r->bed);
	siov_ims_conf_init(&conf);
	conf.mem = &r->bed.fm.mem;
	conf.ir = r->bed.ir;
	conf.host = has_host ? r->host : NULL;
	conf.tsc_hz = HZ;
	conf.nb_entries = 4;
	conf.nb_engines = NB_ENGINES;
	conf.rid = RID;
	assert_int_equal(siov_ims_create(&conf, &r->ims), 0);
	assert_int_equal(siov_ims_alloc(r->ims, 1, &r->handle), 0);
	siov_ims_set_pasid(r->ims, r->handle, PASID);
	siov_ims_program(r->ims, r->handle, siov_ir_msi_addr(0), 0);
	siov_ims_unmask(r->ims, r->handle);
	siov_ims_invalidate(r->ims, r->handle, 1);
}

static void
finish(struct rig *r)
{
	siov_ims_free(r->ims);
	msg_bed_fini(&r->bed);
}

static void *
run_engine(void *arg)
{
	struct engine *e = arg;
	struct rig *r = e->rig;
	struct msg_table *t = ims_table(r->ims);

	e->now = US(1000);
	while (r->nb_events != 0 ? e->nb_raised < r->nb_events :
				   siov_atomic_load(&r->is_over, acquire) == 0) {
		e->nb_bad += msg_raise(t, e->id, r->handle, PASID, e->now) != 0;
		e->nb_raised++;
		e->now += 700;
		msg_poll(t, e->id, e->now);
	}
	siov_atomic_fetch_add(&r->nb_done, 1, acq_rel);
	return NULL;
}

static void
start_engines(struct rig *r, struct engine *engines)
{
	uint32_t i;

	for (i = 0; i < NB_ENGINES; i++) {
		engines[i] = (struct engine){.rig = r, .id = i};
		assert_int_equal(pthread_create(&engines[i].thread, NULL, run_engine, &engines[i]),
				 0);
	}
}

static void
join_engines(struct engine *engines)
{
	uint32_t i;

	for (i = 0; i < NB_ENGINES; i++)
		assert_int_equal(pthread_join(engines[i].thread, NULL), 0);
}

static void
set_masked(struct rig *r, bool is_masked)
{
	if (is_masked)
		siov_ims_mask(r->ims, r->handle);
	else
		siov_ims_unmask(r->ims, r->handle);
	siov_ims_invalidate(r->ims, r->handle, 1);
}

/*
 * One event at a time against an unmask, many times: exactly one message for each event, from the
 * raiser or from the unmasker.
 */
static void *
raise_once_a_round(void *arg)
{
	struct engine *e = arg;
	struct rig *r = e->rig;
	uint32_t round;

	for (round = 1; round <= NB_CHANGES; round++) {
		while (siov_atomic_load(&r->is_over, acquire) < round)
			sched_yield();
		e->nb_bad += msg_raise(ims_table(r->ims), 0, r->handle, PASID, 0) != 0;
		siov_atomic_store(&r->nb_done, round, release);
	}
	return NULL;
}

static void
check_exactly_once(bool has_host)
{
	struct rig r;
	struct engine e = {.rig = &r};
	uint32_t round;

	start(&r, has_host);
	assert_int_equal(pthread_create(&e.thread, NULL, raise_once_a_round, &e), 0);
	for (round = 1; round <= NB_CHANGES; round++) {
		set_masked(&r, true);
		siov_atomic_store(&r.is_over, round, release);
		if (round % 2 == 0)
			sched_yield();
		set_masked(&r, false);
		while (siov_atomic_load(&r.nb_done, acquire) < round)
			sched_yield();
		assert_int_equal(msg_bed_nb_delivered(&r.bed), round);
		assert_false(siov_ims_is_pending(r.ims, r.handle));
	}
	pthread_join(e.thread, NULL);
	assert_int_equal(e.nb_bad, 0);
	finish(&r);
}

static void
test_s7_5_3_event_during_unmask_is_sent_exactly_once(void **state)
{
	(void)state;
	check_exactly_once(false);
}

static void
test_s7_5_5_event_during_invalidation_is_sent_exactly_once(void **state)
{
	(void)state;
	check_exactly_once(true);
}

/* Each event ends as a message, or in one that stands for it; the last one never stays behind. */
static void
check_accounts(bool has_host, bool has_moderation)
{
	const struct siov_ims_moderation m = {20, 16};
	struct engine engines[NB_ENGINES];
	struct siov_ims_stats stats;
	struct rig r;
	uint32_t i;

	start(&r, has_host);
	if (has_moderation)
		assert_int_equal(siov_ims_set_moderation(r.ims, r.handle, &m), 0);
	start_engines(&r, engines);
	while (siov_atomic_load(&r.nb_done, acquire) < NB_ENGINES) {
		set_masked(&r, true);
		set_masked(&r, false);
	}
	join_engines(engines);
	for (i = 0; i < NB_ENGINES; i++) {
		assert_int_equal(engines[i].nb_bad, 0);
		msg_flush(ims_table(r.ims), i, engines[i].now);
	}
	assert_false(siov_ims_is_pending(r.ims, r.handle));
	assert_int_equal(siov_atomic_load(&ims_table(r.ims)->entries[r.handle].mod, relaxed) &
				 (MSG_HELD | MSG_COUNT),
			 0);
	siov_ims_stats(r.ims, &stats);
	assert_int_equal(stats.counts[SIOV_IMS_SENT], msg_bed_nb_delivered(&r.bed));
	assert_in_range(stats.counts[SIOV_IMS_SENT], 1, NB_ENGINES * NB_EVENTS);
	assert_true(stats.counts[SIOV_IMS_SENT] + stats.counts[SIOV_IMS_PENDED] +
			    stats.counts[SIOV_IMS_HELD] >=
		    NB_ENGINES * NB_EVENTS);
	finish(&r);
}

static void
test_s7_5_3_no_event_is_lost_while_masks_change(void **state)
{
	(void)state;
	check_accounts(false, false);
	check_accounts(true, false);
}

static void
test_s7_5_3_no_held_event_is_lost_while_masks_change(void **state)
{
	(void)state;
	check_accounts(false, true);
	check_accounts(true, true);
}

/*
 * Two messages whose halves do not fit. One has a subhandle, index 255 + 0xff01 at least: blocked as
 * out of range. The other has data 0 and is delivered. The first address with data 0 leads to entry
 * 255, which is clear; the second with a subhandle is blocked for reserved data.
 */
static void
check_whole_messages(bool has_host)
{
	const uint64_t with_subhandle = siov_ir_msi_addr(255) | SIOV_MSI_ADDR_SHV;
	struct engine engines[NB_ENGINES];
	struct siov_ims_stats stats;
	struct siov_ir_stats ir;
	struct rig r;
	uint32_t i;

	start(&r, has_host);
	r.nb_events = 0;
	start_engines(&r, engines);
	for (i = 0; i < NB_WRITES; i++) {
		if (i % 2 == 0)
			siov_ims_program(r.ims, r.handle, with_subhandle, 0xff01 + i % 3);
		else
			siov_ims_program(r.ims, r.handle, siov_ir_msi_addr(i % NB_VECTORS), 0);
		siov_ims_invalidate(r.ims, r.handle, 1);
	}
	/* The last message is one that is delivered: wait for the engines to have begun. */
	while (msg_bed_nb_delivered(&r.bed) == 0)
		sched_yield();
	siov_atomic_store(&r.is_over, 1, release);
	join_engines(engines);
	siov_ims_stats(r.ims, &stats);
	siov_ir_stats(r.bed.ir, &ir);
	assert_true(stats.counts[SIOV_IMS_SENT] > 0);
	assert_int_equal(ir.nb_blocked[SIOV_IR_FAULT_INDEX & 7], stats.counts[SIOV_IMS_BLOCKED]);
	assert_int_equal(ir.nb_blocked[SIOV_IR_FAULT_REQUEST_RESERVED & 7], 0);
	assert_int_equal(ir.nb_blocked[SIOV_IR_FAULT_NOT_PRESENT & 7], 0);
	finish(&r);
}

static void
test_s7_5_3_messages_are_old_or_new_never_half(void **state)
{
	(void)state;
	check_whole_messages(false);
	check_whole_messages(true);
}

static void *
fetch_host_entries(void *arg)
{
	struct engine *e = arg;
	struct rig *r = e->rig;
	uint64_t addr, ctl;
	uint32_t data;

	while (siov_atomic_load(&r->is_over, acquire) == 0) {
		ctl = msg_host_fetch(ims_table(r->ims), r->handle, &addr, &data);
		e->nb_bad += (ctl & MSG_MASK) == 0 && (uint32_t)addr != data;
		e->nb_raised += (ctl & MSG_MASK) == 0;
		siov_atomic_store(&r->nb_done, e->nb_raised != 0, release);
	}
	return NULL;
}

/* Address and data are the same number in every version. */
static void
test_s7_5_5_host_entry_is_read_in_one_version(void **state)
{
	struct rig r;
	struct engine e = {.rig = &r};
	uint32_t i;

	(void)state;
	start(&r, true);
	siov_ims_program(r.ims, r.handle, 0, 0);
	assert_int_equal(pthread_create(&e.thread, NULL, fetch_host_entries, &e), 0);
	while (siov_atomic_load(&r.nb_done, acquire) == 0)
		sched_yield();
	for (i = 0; i < 2 * NB_WRITES; i++)
		msg_host_write(ims_table(r.ims), r.handle, i, i, 0);
	siov_atomic_store(&r.is_over, 1, release);
	pthread_join(e.thread, NULL);
	assert_int_equal(e.nb_bad, 0);
	assert_true(e.nb_raised > 0);
	finish(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_s7_5_3_event_during_unmask_is_sent_exactly_once),
		cmocka_unit_test(test_s7_5_5_event_during_invalidation_is_sent_exactly_once),
		cmocka_unit_test(test_s7_5_3_no_event_is_lost_while_masks_change),
		cmocka_unit_test(test_s7_5_3_no_held_event_is_lost_while_masks_change),
		cmocka_unit_test(test_s7_5_3_messages_are_old_or_new_never_half),
		cmocka_unit_test(test_s7_5_5_host_entry_is_read_in_one_version),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

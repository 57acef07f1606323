/* SPDX-License-Identifier: BSD-3-Clause */
/* Interrupt message storage: allocation, messages, masks, host memory, moderation, isolation. */
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ims.h"
#include "msg_bed.h"

#define NB 65536u
#define OWNER 7u
#define PASID 0x12345u

struct rig {
	struct msg_bed bed;
	struct siov_ims_conf conf;
	struct siov_ims *ims;
	struct siov_ims_host_entry *host;
};

static int
setup_with(void **state, bool has_host)
{
	struct rig *r = calloc(1, sizeof(*r));

	assert_non_null(r);
	msg_bed_init(&r->bed);
	siov_ims_conf_init(&r->conf);
	if (has_host)
		r->host = calloc(NB, sizeof(*r->host));
	r->conf.mem = &r->bed.fm.mem;
	r->conf.ir = r->bed.ir;
	r->conf.host = r->host;
	r->conf.tsc_hz = HZ;
	r->conf.rid = RID;
	r->conf.nb_entries = NB;
	r->conf.nb_engines = 2;
	assert_int_equal(siov_ims_create(&r->conf, &r->ims), 0);
	*state = r;
	return 0;
}

static int
setup(void **state)
{
	return setup_with(state, false);
}

static int
setup_host(void **state)
{
	return setup_with(state, true);
}

static int
teardown(void **state)
{
	struct rig *r = *state;

	siov_ims_free(r->ims);
	siov_ims_free(NULL);
	msg_bed_fini(&r->bed);
	free(r->host);
	free(r);
	return 0;
}

/* An unmasked entry whose message is that of @index. */
static uint32_t
entry_of(struct rig *r, uint32_t index)
{
	uint32_t handle;

	assert_int_equal(siov_ims_alloc(r->ims, OWNER, &handle), 0);
	assert_int_equal(siov_ims_set_pasid(r->ims, handle, PASID), 0);
	assert_int_equal(siov_ims_program(r->ims, handle, siov_ir_msi_addr(index), 0), 0);
	assert_int_equal(siov_ims_unmask(r->ims, handle), 0);
	assert_int_equal(siov_ims_invalidate(r->ims, handle, 1), 0);
	return handle;
}

static int
raise_at(struct rig *r, uint32_t handle, uint64_t now)
{
	return msg_raise(ims_table(r->ims), 0, handle, PASID, now);
}

static uint64_t
count_of(struct rig *r, enum siov_ims_count which)
{
	struct siov_ims_stats stats;

	siov_ims_stats(r->ims, &stats);
	return stats.counts[which];
}

static void
test_s7_5_1_an_entry_has_one_owner(void **state)
{
	struct rig *r = *state;
	struct siov_ims_entry entry;
	uint32_t a, b;

	assert_int_equal(siov_ims_alloc(r->ims, 1, &a), 0);
	assert_int_equal(siov_ims_alloc(r->ims, 2, &b), 0);
	assert_int_not_equal(a, b);
	assert_int_equal(siov_ims_read(r->ims, b, &entry), 0);
	assert_int_equal(entry.owner, 2);
	assert_int_equal(siov_ims_release(r->ims, 1, b), -EPERM);
	assert_int_equal(siov_ims_release(r->ims, 2, b), 0);
	assert_int_equal(siov_ims_release(r->ims, 2, b), -ENOENT);
	assert_int_equal(siov_ims_release(r->ims, 2, NB), -ERANGE);
	assert_int_equal(siov_ims_read(r->ims, b, &entry), -ENOENT);
}

static void
test_s7_5_2_an_adi_has_as_many_messages_as_it_likes(void **state)
{
	struct rig *r = *state;
	uint32_t handles[NB_VECTORS], i;

	for (i = 0; i < NB_VECTORS; i++)
		handles[i] = entry_of(r, i);
	for (i = 0; i < NB_VECTORS; i++) {
		assert_int_equal(raise_at(r, handles[i], 0), 0);
		assert_int_equal(msg_bed_take(&r->bed), i);
		assert_int_equal(msg_bed_take(&r->bed), -1);
	}
}

static void
test_s7_5_3_masked_event_is_pending_and_sent_once(void **state)
{
	struct rig *r = *state;
	uint32_t h = entry_of(r, 3);

	assert_int_equal(siov_ims_mask(r->ims, h), 0);
	assert_int_equal(siov_ims_invalidate(r->ims, h, 1), 0);
	assert_false(siov_ims_is_pending(r->ims, h));
	assert_int_equal(raise_at(r, h, 0), 0);
	assert_int_equal(raise_at(r, h, 0), 0);
	assert_true(siov_ims_is_pending(r->ims, h));
	assert_int_equal(msg_bed_nb_delivered(&r->bed), 0);
	assert_int_equal(count_of(r, SIOV_IMS_PENDED), 2);
	assert_int_equal(siov_ims_unmask(r->ims, h), 0);
	assert_int_equal(siov_ims_invalidate(r->ims, h, 1), 0);
	assert_false(siov_ims_is_pending(r->ims, h));
	assert_int_equal(msg_bed_nb_delivered(&r->bed), 1);
	assert_int_equal(msg_bed_take(&r->bed), 3);
	assert_int_equal(siov_ims_unmask(r->ims, h), 0);
	assert_int_equal(msg_bed_nb_delivered(&r->bed), 1);
}

static void
test_s7_5_3_an_entry_reads_as_programmed(void **state)
{
	const uint64_t addr = UINT64_C(0x123456789abcdef0);
	struct rig *r = *state;
	struct siov_ims_entry entry;
	uint32_t h;

	assert_int_equal(siov_ims_alloc(r->ims, OWNER, &h), 0);
	assert_int_equal(siov_ims_read(r->ims, h, &entry), 0);
	assert_int_equal(entry.ctrl, SIOV_IMS_CTRL_MASK);
	assert_int_equal(siov_ims_program(r->ims, h, addr, 0xfedcba98), 0);
	assert_int_equal(siov_ims_set_pasid(r->ims, h, PASID), 0);
	assert_int_equal(siov_ims_read(r->ims, h, &entry), 0);
	assert_true(entry.addr == addr);
	assert_true(entry.data == 0xfedcba98);
	assert_true(entry.ctrl == (SIOV_IMS_CTRL_MASK | SIOV_IMS_CTRL_PASID_EN | PASID << 12));
}

static void
test_s7_5_4_entries_until_exhaustion_and_back(void **state)
{
	struct rig *r = *state;
	uint8_t *seen = calloc(NB, 1);
	struct siov_ims_stats stats;
	uint32_t h, i;

	for (i = 0; i < 2 * NB; i++) {
		assert_int_equal(siov_ims_alloc(r->ims, i % NB, &h), 0);
		assert_true(h < NB);
		assert_int_equal(seen[h]++, i / NB);
		if (i != NB - 1)
			continue;
		assert_int_equal(siov_ims_alloc(r->ims, 0, &h), -ENOSPC);
		siov_ims_stats(r->ims, &stats);
		assert_int_equal(stats.nb_used, NB);
		for (h = 0; h < NB; h++)
			assert_int_equal(siov_ims_release(r->ims, h, h), 0);
		siov_ims_stats(r->ims, &stats);
		assert_int_equal(stats.nb_used, 0);
	}
	free(seen);
}

static void
test_s7_5_4_memory_of_an_entry(void **state)
{
	struct rig *r = *state;
	struct siov_ims_stats stats;

	siov_ims_stats(r->ims, &stats);
	assert_in_range(stats.memory_bytes, NB * 64, NB * 64 + 4 * 17 * 1024);
}

static void
test_s7_5_5_host_memory_is_not_seen_before_the_invalidation(void **state)
{
	struct rig *r = *state;
	uint32_t h = entry_of(r, 1);

	assert_int_equal(raise_at(r, h, 0), 0);
	assert_int_equal(msg_bed_take(&r->bed), 1);
	assert_int_equal(siov_ims_program(r->ims, h, siov_ir_msi_addr(2), 0), 0);
	assert_true(siov_atomic_load(&r->host[h].addr, relaxed) == siov_ir_msi_addr(2));
	assert_int_equal(raise_at(r, h, 0), 0);
	assert_int_equal(msg_bed_take(&r->bed), 1);
	assert_int_equal(count_of(r, SIOV_IMS_FETCHED), 1);
	assert_int_equal(siov_ims_invalidate(r->ims, h, 1), 0);
	assert_int_equal(raise_at(r, h, 0), 0);
	assert_int_equal(msg_bed_take(&r->bed), 2);
	assert_int_equal(siov_ims_set_pasid(r->ims, h, PASID + 1), 0);
	assert_int_equal(msg_check(ims_table(r->ims), h, PASID), 0);
	assert_int_equal(siov_ims_invalidate(r->ims, 0, NB), 0);
	assert_int_equal(msg_check(ims_table(r->ims), h, PASID), -EACCES);
	assert_int_equal(raise_at(r, h, 0), -EACCES);
	assert_int_equal(siov_ims_invalidate(r->ims, NB, 1), -ERANGE);
	assert_int_equal(siov_ims_invalidate(r->ims, 1, NB), -ERANGE);
}

/* Who fills the copy loses against an invalidation that comes between. */
static void
test_s7_5_5_an_entry_being_filled_is_served_from_host_memory(void **state)
{
	struct rig *r = *state;
	uint32_t h = entry_of(r, 1);
	struct msg_entry *e = &ims_table(r->ims)->entries[h];

	siov_atomic_fetch_or(&e->ctl, MSG_FILLING, relaxed); /* an engine stopped there */
	assert_int_equal(raise_at(r, h, 0), 0);
	assert_int_equal(msg_bed_take(&r->bed), 1);
	assert_int_equal(siov_ims_mask(r->ims, h), 0);
	assert_int_equal(siov_ims_invalidate(r->ims, h, 1), 0);
	assert_int_equal(raise_at(r, h, 0), 0);
	assert_true(siov_ims_is_pending(r->ims, h));
	assert_int_equal(siov_ims_unmask(r->ims, h), 0);
	assert_int_equal(siov_ims_invalidate(r->ims, h, 1), 0);
	assert_int_equal(msg_bed_take(&r->bed), 1);
	assert_int_equal(msg_bed_nb_delivered(&r->bed), 2);
}

static void
test_s7_5_8_only_the_owners_pasid_raises(void **state)
{
	struct rig *r = *state;
	struct msg_table *t = ims_table(r->ims);
	uint32_t h = entry_of(r, 0);

	assert_int_equal(msg_check(t, h, PASID), 0);
	assert_int_equal(msg_check(t, h, PASID + 1), -EACCES);
	assert_int_equal(msg_check(t, h, 0), -EACCES);
	assert_int_equal(msg_check(t, h + 1, PASID), -ENOENT);
	assert_int_equal(msg_check(t, NB, PASID), -ENOENT);
	assert_int_equal(msg_check(t, UINT32_MAX, PASID), -ENOENT);
	assert_int_equal(msg_raise(t, 0, h, PASID + 1, 0), -EACCES);
	assert_int_equal(msg_raise(t, 0, NB, PASID, 0), -ENOENT);
	assert_int_equal(msg_raise(t, 1, h + 1, PASID, 0), -ENOENT);
	assert_int_equal(msg_bed_nb_delivered(&r->bed), 0);
	assert_int_equal(count_of(r, SIOV_IMS_REFUSED), 1);
	assert_int_equal(siov_ims_set_pasid(r->ims, h, 0), 0);
	assert_int_equal(siov_ims_invalidate(r->ims, h, 1), 0);
	assert_int_equal(msg_check(t, h, PASID), -EACCES);
	assert_int_equal(msg_check(t, h, 0), 0);
	assert_int_equal(siov_ims_release(r->ims, OWNER, h), 0);
	assert_int_equal(msg_check(t, h, 0), -ENOENT);
}

static void
moderate(struct rig *r, uint32_t h, uint32_t interval_us, uint32_t max_events)
{
	const struct siov_ims_moderation m = {interval_us, max_events};

	assert_int_equal(siov_ims_set_moderation(r->ims, h, &m), 0);
}

static void
poll_until(struct rig *r, uint64_t from, uint64_t until)
{
	for (; from < until; from += US(1))
		msg_poll(ims_table(r->ims), 0, from);
}

static void
test_s7_5_3_moderation_holds_back_until_the_interval_is_over(void **state)
{
	struct rig *r = *state;
	uint32_t h = entry_of(r, 0), i;

	moderate(r, h, 100, 0);
	for (i = 0; i < 50; i++)
		assert_int_equal(raise_at(r, h, US(1000 + i)), 0);
	assert_int_equal(msg_bed_nb_delivered(&r->bed), 1);
	poll_until(r, US(1050), US(1100));
	assert_int_equal(msg_bed_nb_delivered(&r->bed), 1);
	poll_until(r, US(1100), US(1110));
	assert_int_equal(msg_bed_nb_delivered(&r->bed), 2);
	poll_until(r, US(1110), US(1400));
	assert_int_equal(msg_bed_nb_delivered(&r->bed), 2);
	assert_int_equal(ims_table(r->ims)->ports[0].nb_waiting, 0);
	assert_int_equal(raise_at(r, h, US(1400)), 0);
	assert_int_equal(msg_bed_nb_delivered(&r->bed), 3);
}

static void
test_s7_5_3_moderation_sends_early_after_enough_events(void **state)
{
	struct rig *r = *state;
	uint32_t h = entry_of(r, 0), i;

	moderate(r, h, 1000, 4);
	for (i = 0; i < 13; i++)
		assert_int_equal(raise_at(r, h, US(5000) + i), 0);
	assert_int_equal(msg_bed_nb_delivered(&r->bed), 4);
	poll_until(r, US(5001), US(8000));
	assert_int_equal(msg_bed_nb_delivered(&r->bed), 4);
	assert_int_equal(ims_table(r->ims)->ports[0].nb_waiting, 0);
	assert_int_equal(raise_at(r, h, US(8000)), 0);
	assert_int_equal(raise_at(r, h, US(8001)), 0);
	msg_flush(ims_table(r->ims), 0, US(8002));
	assert_int_equal(msg_bed_nb_delivered(&r->bed), 6);
}

static void
test_s7_5_8_what_is_held_back_does_not_reach_the_next_owner(void **state)
{
	struct rig *r = *state;
	uint32_t h = entry_of(r, 0), other, i;

	moderate(r, h, 100, 0);
	raise_at(r, h, US(1000));
	raise_at(r, h, US(1001));
	assert_int_equal(msg_bed_nb_delivered(&r->bed), 1);
	assert_int_equal(siov_ims_release(r->ims, OWNER, h), 0);
	for (i = 0; i < NB; i++) {
		assert_int_equal(siov_ims_alloc(r->ims, OWNER + 1, &other), 0);
		if (other == h)
			break;
	}
	assert_int_equal(other, h);
	assert_int_equal(siov_ims_set_pasid(r->ims, h, PASID), 0);
	assert_int_equal(siov_ims_program(r->ims, h, siov_ir_msi_addr(9), 0), 0);
	assert_int_equal(siov_ims_unmask(r->ims, h), 0);
	assert_int_equal(siov_ims_invalidate(r->ims, h, 1), 0);
	poll_until(r, US(1001), US(1300));
	assert_int_equal(msg_bed_nb_delivered(&r->bed), 1);
	assert_int_equal(ims_table(r->ims)->ports[0].nb_waiting, 0);
}

/* All at once: each poll does little, and all are sent. */
static void
test_s7_5_4_a_thousand_held_entries_are_all_sent(void **state)
{
	struct rig *r = *state;
	uint32_t i, h;
	uint64_t now;

	for (i = 0; i < 1000; i++) {
		h = entry_of(r, i % NB_VECTORS);
		moderate(r, h, 1 + i * 8, 0);
		raise_at(r, h, US(100000));
		raise_at(r, h, US(100000));
	}
	assert_int_equal(msg_bed_nb_delivered(&r->bed), 1000);
	for (now = US(100000); now < US(108000); now += US(1))
		assert_in_range(msg_poll(ims_table(r->ims), 0, now), 0, MSG_POLL_ENTRIES);
	poll_until(r, now, US(109000));
	assert_int_equal(msg_bed_nb_delivered(&r->bed), 2000);
}

static void
test_s7_5_7_bad_configurations_are_refused(void **state)
{
	const struct siov_ims_moderation slow = {SIOV_IMS_INTERVAL_US_MAX + 1, 0};
	const struct siov_ims_moderation odd = {0, 1};
	struct rig *r = *state;
	struct siov_ims_conf conf = r->conf;
	uint32_t h = entry_of(r, 0);
	struct siov_ims *ims;

	conf.nb_entries = 0;
	assert_int_equal(siov_ims_create(&conf, &ims), -EINVAL);
	conf.nb_entries = SIOV_IMS_ENTRIES_MAX + 1;
	assert_int_equal(siov_ims_create(&conf, &ims), -EINVAL);
	conf = r->conf;
	conf.ir = NULL;
	assert_int_equal(siov_ims_create(&conf, &ims), -EINVAL);
	assert_int_equal(siov_ims_set_moderation(r->ims, h, &slow), -EINVAL);
	assert_int_equal(siov_ims_set_moderation(r->ims, h, &odd), -EINVAL);
	assert_int_equal(siov_ims_set_pasid(r->ims, h, 1u << 20), -EINVAL);
	assert_int_equal(siov_ims_program(r->ims, NB, 0, 0), -ERANGE);
	assert_int_equal(siov_ims_program(r->ims, h + 1, 0, 0), -ENOENT);
}

static void
test_failed_allocations_leave_nothing(void **state)
{
	struct rig *r = *state;
	uint64_t live = r->bed.fm.nb_live;
	struct siov_ims *ims;
	uint64_t n;

	for (n = 1; n <= 3; n++) {
		fake_mem_fail_at(&r->bed.fm, n);
		assert_int_equal(siov_ims_create(&r->conf, &ims), -ENOMEM);
		assert_int_equal(r->bed.fm.nb_live, live);
	}
}

#define BOTH(f) \
	cmocka_unit_test_setup_teardown(f, setup, teardown), \
		cmocka_unit_test_setup_teardown(f, setup_host, teardown)
#define HOST(f) cmocka_unit_test_setup_teardown(f, setup_host, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(test_s7_5_1_an_entry_has_one_owner),
		BOTH(test_s7_5_2_an_adi_has_as_many_messages_as_it_likes),
		BOTH(test_s7_5_3_masked_event_is_pending_and_sent_once),
		BOTH(test_s7_5_3_an_entry_reads_as_programmed),
		BOTH(test_s7_5_3_moderation_holds_back_until_the_interval_is_over),
		BOTH(test_s7_5_3_moderation_sends_early_after_enough_events),
		BOTH(test_s7_5_4_entries_until_exhaustion_and_back),
		BOTH(test_s7_5_4_memory_of_an_entry),
		BOTH(test_s7_5_4_a_thousand_held_entries_are_all_sent),
		HOST(test_s7_5_5_host_memory_is_not_seen_before_the_invalidation),
		HOST(test_s7_5_5_an_entry_being_filled_is_served_from_host_memory),
		BOTH(test_s7_5_7_bad_configurations_are_refused),
		BOTH(test_s7_5_8_only_the_owners_pasid_raises),
		BOTH(test_s7_5_8_what_is_held_back_does_not_reach_the_next_owner),
		BOTH(test_failed_allocations_leave_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* Posted interrupts: the bits of the descriptor, who is notified when, and no lost wake-up. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake_mem.h"
#include "ir_priv.h"
#include "siov_posted.h"

#define RID 0x0042
#define NV 0xf2

struct rig {
	struct siov_pid_desc pid;
	struct fake_mem fm;
	struct siov_ir *ir;
	struct siov_intr_dest *dest;
};

static int
setup(void **state)
{
	struct siov_ir_conf conf;
	struct rig *r = NULL;

	assert_int_equal(posix_memalign((void **)&r, 64, sizeof(*r)), 0);
	memset(r, 0, sizeof(*r));
	fake_mem_init(&r->fm);
	siov_ir_conf_init(&conf);
	conf.mem = &r->fm.mem;
	assert_int_equal(siov_ir_create(&conf, &r->ir), 0);
	assert_int_equal(siov_intr_dest_create(r->ir, SIOV_INTR_F_EVENTFD, &r->dest), 0);
	assert_int_equal(siov_pid_init(&r->pid, siov_intr_dest_id(r->dest), NV), 0);
	*state = r;
	return 0;
}

static int
teardown(void **state)
{
	struct rig *r = *state;

	siov_ir_free(r->ir);
	assert_int_equal(r->fm.nb_live, 0);
	free(r);
	return 0;
}

static void
set(struct rig *r, uint32_t index, uint8_t vector, bool is_urgent)
{
	const struct siov_ir_entry entry = {
		.pid = &r->pid,
		.vector = vector,
		.is_urgent = is_urgent,
		.svt = SIOV_IR_SVT_SID,
		.sid = RID,
	};

	assert_int_equal(siov_ir_set(r->ir, index, &entry), 0);
}

static void
send(struct rig *r, uint32_t index)
{
	assert_int_equal(siov_ir_deliver(r->ir, RID, siov_ir_msi_addr(index), 0), 0);
}

static bool
is_signalled(const struct rig *r)
{
	struct pollfd pfd = {.fd = siov_intr_fd(r->dest), .events = POLLIN};

	return poll(&pfd, 1, 0) == 1;
}

static bool
is_on(const struct rig *r)
{
	return (siov_atomic_load(&r->pid.control, relaxed) & SIOV_PID_ON) != 0;
}

/* Bits of memory as the format has them, not as this library reads them. */
static void
test_s8_2_2_message_is_posted_to_the_descriptor(void **state)
{
	struct rig *r = *state;
	uint8_t bytes[64];
	uint64_t lo, hi;

	set(r, 0, 0x83, false);
	send(r, 0);
	memcpy(bytes, &r->pid, sizeof(bytes));
	assert_int_equal(bytes[0x83 / 8], 1 << 0x83 % 8);
	assert_int_equal(bytes[32], 1); /* ON */
	assert_int_equal(bytes[34], NV);
	assert_int_equal(bytes[36], siov_intr_dest_id(r->dest));
	siov_ir_read(r->ir, 0, &lo, &hi);
	assert_int_equal(lo >> 32, (uintptr_t)&r->pid & 0xffffffff);
	assert_int_equal(hi >> 32, (uintptr_t)&r->pid >> 32);
	assert_int_equal(siov_pid_take(&r->pid), 0x83);
	assert_int_equal(siov_pid_take(&r->pid), -1);
	assert_false(is_on(r));
	assert_int_equal(siov_intr_take(r->dest), NV);
	memcpy(bytes, &r->pid, sizeof(bytes));
	assert_int_equal(bytes[0x83 / 8], 0);
}

static void
test_s8_2_2_every_vector_is_taken_highest_first(void **state)
{
	struct rig *r = *state;
	unsigned int v;

	for (v = 16; v < 256; v++)
		set(r, v, (uint8_t)v, false);
	for (v = 16; v < 256; v++)
		send(r, v);
	for (v = 255; v >= 16; v--)
		assert_int_equal(siov_pid_take(&r->pid), v);
	assert_int_equal(siov_pid_take(&r->pid), -1);
}

static void
test_s8_2_2_one_notification_until_the_guest_looks(void **state)
{
	struct rig *r = *state;
	struct siov_ir_stats stats;

	set(r, 0, 32, false);
	set(r, 1, 33, false);
	send(r, 0);
	send(r, 1);
	send(r, 0);
	siov_ir_stats(r->ir, &stats);
	assert_int_equal(stats.nb_posted, 3);
	assert_int_equal(stats.nb_notified, 1);
	assert_int_equal(siov_pid_take(&r->pid), 33);
	send(r, 1);
	siov_ir_stats(r->ir, &stats);
	assert_int_equal(stats.nb_notified, 2);
}

static void
test_s8_2_2_suppressed_descriptor_is_not_notified(void **state)
{
	struct rig *r = *state;
	struct siov_ir_stats stats;

	set(r, 0, 32, false);
	set(r, 1, 33, true);
	assert_false(siov_pid_suppress(&r->pid, true));
	send(r, 0);
	assert_false(is_on(r));
	assert_int_equal(siov_intr_take(r->dest), -1);
	assert_true(siov_pid_suppress(&r->pid, false));
	assert_int_equal(siov_pid_take(&r->pid), 32);
	siov_pid_suppress(&r->pid, true);
	send(r, 1); /* urgent */
	assert_true(is_on(r));
	assert_int_equal(siov_intr_take(r->dest), NV);
	assert_int_equal(siov_pid_take(&r->pid), 33);
	assert_false(siov_pid_suppress(&r->pid, false));
	siov_ir_stats(r->ir, &stats);
	assert_int_equal(stats.nb_notified, 1);
}

/* No system call for a guest that polls: nothing is ever written to the eventfd. */
static void
test_s8_2_2_polling_guest_costs_no_signal(void **state)
{
	struct rig *r = *state;

	set(r, 0, 32, false);
	send(r, 0);
	assert_true(is_on(r));
	assert_false(is_signalled(r));
	assert_int_equal(siov_pid_take(&r->pid), 32);
	send(r, 0);
	assert_false(is_signalled(r));
}

static void
test_s8_2_2_sleeping_guest_is_signalled_once(void **state)
{
	struct rig *r = *state;

	set(r, 0, 32, false);
	assert_true(siov_pid_arm(&r->pid, r->dest));
	assert_false(is_signalled(r));
	send(r, 0);
	assert_true(is_signalled(r));
	siov_intr_disarm(r->dest);
	assert_false(is_signalled(r));
	send(r, 0);
	assert_false(is_signalled(r));
	/* there is something to take: no sleep, and nothing stays armed */
	assert_false(siov_pid_arm(&r->pid, r->dest));
	assert_int_equal(siov_pid_wait(&r->pid, r->dest, 0), 0);
	assert_int_equal(siov_pid_take(&r->pid), 32);
	assert_int_equal(siov_pid_wait(&r->pid, r->dest, 0), -ETIMEDOUT);
	assert_int_equal(siov_intr_take(r->dest), -1);
	send(r, 0);
	assert_false(is_signalled(r));
}

/* Each of the two looks of siov_pid_arm by itself; the destination has nothing. */
static void
test_s8_2_2_guest_does_not_sleep_on_what_is_posted(void **state)
{
	struct rig *r = *state;

	set(r, 0, 32, false);
	siov_pid_suppress(&r->pid, true);
	send(r, 0);
	siov_pid_suppress(&r->pid, false);
	assert_false(is_on(r));
	assert_false(siov_pid_arm(&r->pid, r->dest)); /* the bit */
	assert_int_equal(siov_pid_take(&r->pid), 32);
	assert_true(siov_pid_arm(&r->pid, r->dest));
	siov_intr_disarm(r->dest);
	/* an engine between P3 and P4, its bit taken already: others rely on its notification */
	siov_atomic_fetch_or(&r->pid.control, SIOV_PID_ON, seq_cst);
	assert_false(siov_pid_arm(&r->pid, r->dest)); /* ON */
	assert_int_equal(siov_pid_take(&r->pid), -1);
	assert_true(siov_pid_arm(&r->pid, r->dest));
	siov_intr_disarm(r->dest);
}

static void
test_s8_2_2_notification_follows_the_guest(void **state)
{
	struct rig *r = *state;
	struct siov_intr_dest *other;
	struct siov_ir_stats stats;

	set(r, 0, 32, false);
	assert_int_equal(siov_intr_dest_create(r->ir, 0, &other), 0);
	assert_int_equal(siov_pid_redirect(&r->pid, siov_intr_dest_id(other), 0x40), 0);
	send(r, 0);
	assert_int_equal(siov_intr_take(r->dest), -1);
	assert_int_equal(siov_intr_take(other), 0x40);
	siov_pid_redirect(&r->pid, 63, 0x40); /* nobody */
	assert_true(is_on(r));
	assert_int_equal(siov_pid_take(&r->pid), 32);
	send(r, 0);
	siov_ir_stats(r->ir, &stats);
	assert_int_equal(stats.nb_notify_lost, 1);
	assert_int_equal(siov_pid_take(&r->pid), 32);
	assert_int_equal(siov_pid_wait(&r->pid, other, 0), -ENOTSUP);
}

static void
test_bad_arguments_are_refused(void **state)
{
	struct rig *r = *state;

	assert_int_equal(siov_pid_init(NULL, 0, NV), -EINVAL);
	assert_int_equal(siov_pid_init(&r->pid, 0, 15), -EINVAL);
	assert_int_equal(siov_pid_redirect(&r->pid, 0, 15), -EINVAL);
	assert_int_equal(siov_pid_init((struct siov_pid_desc *)((uintptr_t)&r->pid + 8), 0, NV),
			 -EINVAL);
}

/*
 * Lost wake-ups. Each sender owns a vector and sends its next message only when the guest has
 * handled the one before, so one lost wake-up stops it for ever: the guest's sleep times out.
 */
#define NB_SENDERS 3u
#define NB_MESSAGES 4000u
#define LOST_MS 20000

struct ping {
	struct rig *r;
	uint64_t data[NB_SENDERS]; /* plain: the message publishes it */
	SIOV_ATOMIC(uint64_t) handled[NB_SENDERS];
	SIOV_ATOMIC(uint32_t) next_sender;
	SIOV_ATOMIC(uint32_t) stop;
	uint64_t nb_wrong;
	uint64_t nb_sleeps;
	bool is_posted;
};

static void *
sender(void *arg)
{
	struct ping *p = arg;
	uint32_t me = siov_atomic_fetch_add(&p->next_sender, 1, relaxed);
	uint64_t i;

	for (i = 1; i <= NB_MESSAGES; i++) {
		p->data[me] = i;
		if (siov_ir_deliver(p->r->ir, RID, siov_ir_msi_addr(me), 0) != 0)
			return NULL;
		while (siov_atomic_load(&p->handled[me], acquire) != i) {
			if (siov_atomic_load(&p->stop, relaxed) != 0)
				return NULL;
			sched_yield();
		}
	}
	return NULL;
}

/* Handle what is there: how many messages. */
static unsigned int
handle_all(struct ping *p)
{
	unsigned int nb = 0;
	uint64_t before;
	int v;

	for (;;) {
		v = p->is_posted ? siov_pid_take(&p->r->pid) : siov_intr_take(p->r->dest);
		if (v < 0)
			return nb;
		nb++;
		before = siov_atomic_load(&p->handled[v - 64], relaxed);
		if (p->data[v - 64] != before + 1)
			p->nb_wrong++;
		siov_atomic_store(&p->handled[v - 64], before + 1, release);
	}
}

static int
guest(struct ping *p)
{
	unsigned int left = NB_SENDERS * NB_MESSAGES;
	int rc = 0;

	while (left > 0 && rc == 0) {
		left -= handle_all(p);
		if (left == 0)
			break;
		p->nb_sleeps++;
		rc = p->is_posted ? siov_pid_wait(&p->r->pid, p->r->dest, LOST_MS) :
				    siov_intr_wait(p->r->dest, LOST_MS);
	}
	return rc;
}

static void
run_ping(struct rig *r, bool is_posted)
{
	struct ping p = {.r = r, .is_posted = is_posted};
	pthread_t threads[NB_SENDERS];
	struct siov_ir_stats stats;
	unsigned int i;
	int rc;

	for (i = 0; i < NB_SENDERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, sender, &p), 0);
	rc = guest(&p);
	siov_atomic_store(&p.stop, 1, relaxed);
	for (i = 0; i < NB_SENDERS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(rc, 0);
	assert_int_equal(p.nb_wrong, 0);
	assert_int_not_equal(p.nb_sleeps, 0);
	siov_ir_stats(r->ir, &stats);
	assert_int_equal(stats.nb_posted + stats.nb_remapped, NB_SENDERS * NB_MESSAGES);
}

static void
test_s8_2_2_no_wakeup_is_lost(void **state)
{
	struct rig *r = *state;
	unsigned int i;

	for (i = 0; i < NB_SENDERS; i++)
		set(r, i, (uint8_t)(64 + i), false);
	run_ping(r, true);
}

static void
test_no_wakeup_of_a_destination_is_lost(void **state)
{
	struct rig *r = *state;
	struct siov_ir_entry entry = {.dest = r->dest};
	unsigned int i;

	for (i = 0; i < NB_SENDERS; i++) {
		entry.vector = (uint8_t)(64 + i);
		assert_int_equal(siov_ir_set(r->ir, i, &entry), 0);
	}
	run_ping(r, false);
	assert_int_equal(siov_intr_wait(r->dest, 0), -ETIMEDOUT);
	assert_int_equal(siov_intr_wait(r->dest, 2), -ETIMEDOUT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define ROW(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		ROW(test_s8_2_2_message_is_posted_to_the_descriptor),
		ROW(test_s8_2_2_every_vector_is_taken_highest_first),
		ROW(test_s8_2_2_one_notification_until_the_guest_looks),
		ROW(test_s8_2_2_suppressed_descriptor_is_not_notified),
		ROW(test_s8_2_2_polling_guest_costs_no_signal),
		ROW(test_s8_2_2_sleeping_guest_is_signalled_once),
		ROW(test_s8_2_2_guest_does_not_sleep_on_what_is_posted),
		ROW(test_s8_2_2_notification_follows_the_guest),
		ROW(test_bad_arguments_are_refused),
		ROW(test_s8_2_2_no_wakeup_is_lost),
		ROW(test_no_wakeup_of_a_destination_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

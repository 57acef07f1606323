/* SPDX-License-Identifier: BSD-3-Clause */
/* Interrupts into an eventfd that the caller brings: one write for each raise, and nothing else. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "fake_mem.h"
#include "ir_priv.h"
#include "siov_posted.h"

#define RID 0x0042
#define NV 0xf2
#define NB_DESTS 2u
#define COUNTER_FULL (UINT64_MAX - 1)

struct rig {
	struct siov_pid_desc pid;
	struct fake_mem fm;
	struct siov_ir *ir;
	struct siov_intr_dest *dest;
	int fd;
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
	conf.max_dests = NB_DESTS;
	assert_int_equal(siov_ir_create(&conf, &r->ir), 0);
	r->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	assert_true(r->fd >= 0);
	assert_int_equal(siov_intr_dest_create_fd(r->ir, r->fd, &r->dest), 0);
	*state = r;
	return 0;
}

static int
teardown(void **state)
{
	struct rig *r = *state;

	siov_ir_free(r->ir);
	assert_int_equal(r->fm.nb_live, 0);
	assert_int_equal(fcntl(r->fd, F_GETFD), FD_CLOEXEC); /* it is the caller's still */
	close(r->fd);
	free(r);
	return 0;
}

static void
set(struct rig *r, uint32_t index, struct siov_intr_dest *dest, uint8_t vector)
{
	const struct siov_ir_entry entry = {
		.dest = dest,
		.pid = dest == NULL ? &r->pid : NULL,
		.vector = vector,
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

/* Raises since the last call. */
static uint64_t
nb_written(const struct rig *r)
{
	uint64_t count = 0;

	if (read(r->fd, &count, sizeof(count)) < 0)
		assert_int_equal(errno, EAGAIN);
	return count;
}

static void
test_s8_2_1_each_remapped_message_is_one_write(void **state)
{
	struct rig *r = *state;
	struct siov_ir_stats stats;

	set(r, 0, r->dest, 32);
	set(r, 1, r->dest, 255);
	assert_int_equal(nb_written(r), 0);
	send(r, 0);
	assert_int_equal(nb_written(r), 1);
	send(r, 0);
	send(r, 0);
	send(r, 1);
	assert_int_equal(nb_written(r), 3);
	assert_int_equal(nb_written(r), 0);
	siov_ir_stats(r->ir, &stats);
	assert_int_equal(stats.nb_remapped, 4);
}

static void
test_s8_2_1_blocked_message_writes_nothing(void **state)
{
	struct rig *r = *state;

	set(r, 0, r->dest, 32);
	assert_int_equal(siov_ir_deliver(r->ir, RID + 1, siov_ir_msi_addr(0), 0),
			 SIOV_IR_FAULT_SID);
	assert_int_equal(siov_ir_deliver(r->ir, RID, siov_ir_msi_addr(1), 0),
			 SIOV_IR_FAULT_NOT_PRESENT);
	assert_int_equal(nb_written(r), 0);
}

/* A posted message is written when it is notified: not again before the guest has looked. */
static void
test_s8_2_2_each_notification_is_one_write(void **state)
{
	struct rig *r = *state;

	assert_int_equal(siov_pid_init(&r->pid, siov_intr_dest_id(r->dest), NV), 0);
	set(r, 0, NULL, 32);
	set(r, 1, NULL, 33);
	send(r, 0);
	assert_int_equal(nb_written(r), 1);
	send(r, 1);
	assert_int_equal(nb_written(r), 0);
	assert_int_equal(siov_pid_take(&r->pid), 33);
	assert_int_equal(siov_pid_take(&r->pid), 32);
	send(r, 1);
	assert_int_equal(nb_written(r), 1);
	siov_pid_suppress(&r->pid, true);
	assert_int_equal(siov_pid_take(&r->pid), 33);
	send(r, 1);
	assert_int_equal(nb_written(r), 0);
}

static void
test_nothing_is_pending_on_it_and_it_cannot_be_slept_on(void **state)
{
	struct rig *r = *state;

	set(r, 0, r->dest, 32);
	send(r, 0);
	assert_false(siov_intr_is_pending(r->dest));
	assert_int_equal(siov_intr_take(r->dest), -1);
	assert_int_equal(siov_intr_fd(r->dest), -1);
	assert_int_equal(siov_intr_wait(r->dest, 0), -ENOTSUP);
	assert_int_equal(nb_written(r), 1);
}

static void
test_a_full_counter_holds_nobody_up(void **state)
{
	const uint64_t full = COUNTER_FULL;
	struct rig *r = *state;

	set(r, 0, r->dest, 32);
	assert_int_equal(write(r->fd, &full, sizeof(full)), sizeof(full));
	send(r, 0);
	assert_true(nb_written(r) == COUNTER_FULL);
	send(r, 0);
	assert_int_equal(nb_written(r), 1);
}

static void
test_only_an_open_eventfd_that_does_not_block_is_taken(void **state)
{
	struct rig *r = *state;
	struct siov_intr_dest *dest = NULL;
	int blocking = eventfd(0, 0);
	int ends[2];

	assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
	assert_int_equal(siov_intr_dest_create_fd(NULL, r->fd, &dest), -EINVAL);
	assert_int_equal(siov_intr_dest_create_fd(r->ir, r->fd, NULL), -EINVAL);
	assert_int_equal(siov_intr_dest_create_fd(r->ir, -1, &dest), -EBADF);
	assert_int_equal(siov_intr_dest_create_fd(r->ir, blocking, &dest), -EINVAL);
	assert_int_equal(siov_intr_dest_create_fd(r->ir, ends[1], &dest), -EINVAL);
	assert_null(dest);
	close(ends[0]);
	close(ends[1]);
	close(blocking);
	fake_mem_fail_at(&r->fm, 1);
	assert_int_equal(siov_intr_dest_create_fd(r->ir, r->fd, &dest), -ENOMEM);
	assert_int_equal(siov_intr_dest_create_fd(r->ir, r->fd, &dest), 0); /* two may share it */
	assert_int_equal(siov_intr_dest_create_fd(r->ir, r->fd, &dest), -ENOSPC);
}

static void
test_after_free_nothing_is_written(void **state)
{
	struct rig *r = *state;

	set(r, 0, r->dest, 32);
	assert_int_equal(siov_intr_dest_free(r->dest), -EBUSY);
	assert_int_equal(siov_ir_clear(r->ir, 0), 0);
	assert_int_equal(siov_pid_init(&r->pid, siov_intr_dest_id(r->dest), NV), 0);
	set(r, 1, NULL, 32);
	assert_int_equal(siov_intr_dest_free(r->dest), 0);
	send(r, 1); /* its notification is lost */
	assert_int_equal(nb_written(r), 0);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(test_s8_2_1_each_remapped_message_is_one_write),
		ROW(test_s8_2_1_blocked_message_writes_nothing),
		ROW(test_s8_2_2_each_notification_is_one_write),
		ROW(test_nothing_is_pending_on_it_and_it_cannot_be_slept_on),
		ROW(test_a_full_counter_holds_nobody_up),
		ROW(test_only_an_open_eventfd_that_does_not_block_is_taken),
		ROW(test_after_free_nothing_is_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

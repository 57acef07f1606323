/* SPDX-License-Identifier: BSD-3-Clause */
/* The control loop: everybody has a turn, no wake-up is lost, sources come and go at any moment. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sys/eventfd.h>

#include <cmocka.h>

#include "fake_mem.h"
#include "siov_loop.h"

#define PATIENCE_MS 20000u /* with what must happen */
#define ROUNDS 1000u
#define WAKERS 3u
#define WAKES 20000u
#define CHURNS 300u

struct rig {
	struct fake_mem fm;
	struct siov_loop *loop;
	pthread_t thread;
	int ret;
};

/* Every eventfd_write() of the loop comes here instead of to the C library. */
static SIOV_ATOMIC(uint64_t) nb_writes;

int
eventfd_write(int fd, eventfd_t value)
{
	siov_atomic_fetch_add(&nb_writes, 1, relaxed);
	return write(fd, &value, sizeof(value)) == sizeof(value) ? 0 : -1;
}

static void
nap(void)
{
	const struct timespec ms = {.tv_nsec = 1000000};

	nanosleep(&ms, NULL);
}

static void
await(const SIOV_ATOMIC(uint64_t) *value, uint64_t wanted)
{
	unsigned int i;

	for (i = 0; i < PATIENCE_MS && siov_atomic_load(value, acquire) < wanted; i++)
		nap();
	assert_true(siov_atomic_load(value, acquire) >= wanted);
}

static void
open_rig(struct rig *rig)
{
	fake_mem_init(&rig->fm);
	assert_int_equal(siov_loop_create(&rig->fm.mem, &rig->loop), 0);
}

static void
close_rig(struct rig *rig)
{
	siov_loop_free(rig->loop);
	assert_int_equal(siov_atomic_load(&rig->fm.nb_live, relaxed), 0);
}

static void *
run_loop(void *arg)
{
	struct rig *rig = arg;

	rig->ret = siov_loop_run(rig->loop);
	return NULL;
}

static void
start(struct rig *rig)
{
	assert_int_equal(pthread_create(&rig->thread, NULL, run_loop, rig), 0);
}

static void
stop(struct rig *rig)
{
	siov_loop_stop(rig->loop);
	pthread_join(rig->thread, NULL);
	assert_int_equal(rig->ret, 0);
	assert_false(siov_loop_is_running(rig->loop));
}

/* ---- turns ---- */

struct greedy {
	struct rig *rig;
	const struct greedy *others;
	unsigned int index;
	SIOV_ATOMIC(uint64_t) nb;
	bool is_unfair;
};

static enum siov_loop_next
serve_greedy(void *arg)
{
	struct greedy *own = arg;
	uint64_t nb = siov_atomic_fetch_add(&own->nb, 1, relaxed) + 1;
	unsigned int i;

	for (i = 0; i < 3; i++) {
		const uint64_t other = siov_atomic_load(&own->others[i].nb, relaxed);

		own->is_unfair |= nb > other + 1 || other > nb + 1;
	}
	if (own->index == 2 && nb == ROUNDS)
		siov_loop_stop(own->rig->loop);
	return SIOV_LOOP_NOW;
}

static void
test_each_source_is_served_once_a_round(void **state)
{
	struct siov_loop_source *sources[3];
	struct greedy greedy[3];
	struct rig rig;
	unsigned int i;

	(void)state;
	open_rig(&rig);
	for (i = 0; i < 3; i++) {
		greedy[i] = (struct greedy){.rig = &rig, .others = greedy, .index = i};
		assert_int_equal(siov_loop_add(rig.loop, -1, serve_greedy, &greedy[i], &sources[i]),
				 0);
	}
	assert_int_equal(siov_loop_run(rig.loop), 0);
	for (i = 0; i < 3; i++) {
		assert_false(greedy[i].is_unfair);
		assert_in_range(siov_atomic_load(&greedy[i].nb, relaxed), ROUNDS, ROUNDS);
		siov_loop_remove(sources[i]);
	}
	close_rig(&rig);
}

/* ---- when ---- */

struct counter {
	SIOV_ATOMIC(uint64_t) nb;
	SIOV_ATOMIC(uint64_t) seen; /* what had been posted when it was served last */
	SIOV_ATOMIC(uint64_t) posted;
	uint64_t nb_soon; /* how often it says SOON */
	SIOV_ATOMIC(uint32_t) is_held; /* it is kept in its serve function */
	int fd;
	struct siov_loop_source *source;
};

static enum siov_loop_next
serve_counter(void *arg)
{
	struct counter *counter = arg;
	eventfd_t value;

	if (counter->fd >= 0)
		eventfd_read(counter->fd, &value);
	siov_atomic_fetch_add(&counter->nb, 1, acq_rel);
	siov_atomic_store(&counter->seen, siov_atomic_load(&counter->posted, acquire), release);
	while (siov_atomic_load(&counter->is_held, acquire))
		nap();
	return siov_atomic_load(&counter->nb, relaxed) <= counter->nb_soon ? SIOV_LOOP_SOON :
									     SIOV_LOOP_SLEEP;
}

static void
add_counter(struct rig *rig, struct counter *counter)
{
	assert_int_equal(
		siov_loop_add(rig->loop, counter->fd, serve_counter, counter, &counter->source), 0);
}

static void
test_a_source_is_served_when_it_says(void **state)
{
	struct counter waked = {.fd = -1}, soon = {.fd = -1, .nb_soon = 20}, readable = {0};
	struct rig rig;
	unsigned int i;

	(void)state;
	open_rig(&rig);
	readable.fd = eventfd(0, EFD_NONBLOCK);
	add_counter(&rig, &waked);
	add_counter(&rig, &soon);
	add_counter(&rig, &readable);
	start(&rig);
	await(&soon.nb, 21);
	for (i = 0; i < 20; i++)
		nap();
	/* Nobody has asked for more than the first time. */
	assert_int_equal(siov_atomic_load(&soon.nb, relaxed), 21);
	assert_int_equal(siov_atomic_load(&waked.nb, relaxed), 1);
	assert_int_equal(siov_atomic_load(&readable.nb, relaxed), 1);
	siov_loop_wake(waked.source);
	await(&waked.nb, 2);
	assert_int_equal(eventfd_write(readable.fd, 1), 0);
	await(&readable.nb, 2);
	stop(&rig);
	siov_loop_remove(readable.source);
	siov_loop_remove(soon.source);
	siov_loop_remove(waked.source);
	close(readable.fd);
	close_rig(&rig);
}

static void *
run_waker(void *arg)
{
	struct counter *counter = arg;
	unsigned int i;

	for (i = 0; i < WAKES; i++) {
		siov_atomic_fetch_add(&counter->posted, 1, acq_rel);
		siov_loop_wake(counter->source);
		/* The loop gets time to fall asleep now and then. */
		if (i % 64 == 0)
			nap();
	}
	return NULL;
}

static void
test_a_storm_of_wakes_loses_none(void **state)
{
	struct counter counters[WAKERS] = {{.fd = -1}, {.fd = -1}, {.fd = -1}};
	pthread_t threads[WAKERS];
	struct rig rig;
	unsigned int i;

	(void)state;
	open_rig(&rig);
	for (i = 0; i < WAKERS; i++)
		add_counter(&rig, &counters[i]);
	start(&rig);
	for (i = 0; i < WAKERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, run_waker, &counters[i % 2]), 0);
	for (i = 0; i < WAKERS; i++)
		pthread_join(threads[i], NULL);
	/* Nobody wakes any more: the last wake has to have been enough. */
	await(&counters[0].seen, 2 * WAKES);
	await(&counters[1].seen, WAKES);
	assert_int_equal(siov_atomic_load(&counters[2].nb, relaxed), 1);
	stop(&rig);
	for (i = 0; i < WAKERS; i++)
		siov_loop_remove(counters[i].source);
	close_rig(&rig);
}

static void
test_a_loop_that_is_awake_is_woken_without_system_call(void **state)
{
	struct counter counter = {.fd = -1};
	uint64_t before;
	struct rig rig;
	unsigned int i;

	(void)state;
	open_rig(&rig);
	siov_atomic_store(&counter.is_held, 1, relaxed);
	add_counter(&rig, &counter);
	start(&rig);
	await(&counter.nb, 1);
	before = siov_atomic_load(&nb_writes, relaxed);
	for (i = 0; i < ROUNDS; i++) {
		siov_atomic_fetch_add(&counter.posted, 1, acq_rel);
		siov_loop_wake(counter.source);
	}
	assert_int_equal(siov_atomic_load(&nb_writes, relaxed), before);
	siov_atomic_store(&counter.is_held, 0, release);
	await(&counter.seen, ROUNDS);
	/* All of them are one, and one more write rouses it. */
	assert_in_range(siov_atomic_load(&counter.nb, relaxed), 2, 2);
	stop(&rig);
	siov_loop_remove(counter.source);
	close_rig(&rig);
}

/* ---- sources come and go ---- */

struct visitor {
	struct siov_loop_source *source, *other;
	SIOV_ATOMIC(uint64_t) nb;
	SIOV_ATOMIC(uint32_t) is_gone;
	SIOV_ATOMIC(uint32_t) *nb_late;
};

static enum siov_loop_next
serve_visitor(void *arg)
{
	struct visitor *visitor = arg;

	siov_atomic_fetch_add(&visitor->nb, 1, acq_rel);
	sched_yield();
	if (siov_atomic_load(&visitor->is_gone, acquire))
		siov_atomic_fetch_add(visitor->nb_late, 1, relaxed);
	return SIOV_LOOP_NOW;
}

static void
visit(struct rig *rig, SIOV_ATOMIC(uint32_t) *nb_late, unsigned int i, int fd)
{
	struct visitor visitor = {.nb_late = nb_late};

	assert_int_equal(siov_loop_add(rig->loop, i % 3 != 0 ? fd : -1, serve_visitor, &visitor,
				       &visitor.source),
			 0);
	if (i % 2 == 0)
		await(&visitor.nb, 1);
	siov_loop_remove(visitor.source);
	siov_atomic_store(&visitor.is_gone, 1, release);
	sched_yield();
}

struct churn {
	struct rig *rig;
	SIOV_ATOMIC(uint32_t) *nb_late;
};

static void *
run_churn(void *arg)
{
	struct churn *churn = arg;
	int fd = eventfd(1, EFD_NONBLOCK); /* always readable */
	unsigned int i;

	for (i = 0; i < CHURNS; i++)
		visit(churn->rig, churn->nb_late, i, fd);
	close(fd);
	return NULL;
}

static void
test_a_source_that_was_removed_is_not_being_served(void **state)
{
	SIOV_ATOMIC(uint32_t) nb_late = 0;
	struct counter stays = {.fd = -1};
	struct churn churn;
	pthread_t threads[2];
	struct rig rig;
	unsigned int i;

	(void)state;
	open_rig(&rig);
	add_counter(&rig, &stays);
	start(&rig);
	churn = (struct churn){.rig = &rig, .nb_late = &nb_late};
	for (i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, run_churn, &churn), 0);
	for (i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(siov_atomic_load(&nb_late, relaxed), 0);
	siov_loop_wake(stays.source);
	await(&stays.nb, 2);
	stop(&rig);
	siov_loop_remove(stays.source);
	close_rig(&rig);
}

/* Removes another, which comes next, and then itself. */
static enum siov_loop_next
serve_and_go(void *arg)
{
	struct visitor *visitor = arg;

	siov_loop_remove(visitor->other);
	siov_loop_remove(visitor->source);
	siov_atomic_store(&visitor->nb, 1, release);
	return SIOV_LOOP_NOW;
}

static void
test_a_source_may_remove_itself_and_others(void **state)
{
	struct counter first = {.fd = -1}, next = {.fd = -1}, last = {.fd = -1};
	struct visitor visitor = {0};
	struct rig rig;

	(void)state;
	open_rig(&rig);
	next.fd = eventfd(1, EFD_NONBLOCK);
	add_counter(&rig, &first);
	assert_int_equal(siov_loop_add(rig.loop, -1, serve_and_go, &visitor, &visitor.source), 0);
	add_counter(&rig, &next);
	add_counter(&rig, &last);
	visitor.other = next.source;
	start(&rig);
	await(&visitor.nb, 1);
	await(&last.nb, 1);
	assert_int_equal(siov_atomic_load(&next.nb, relaxed), 0);
	stop(&rig);
	siov_loop_remove(first.source);
	siov_loop_remove(last.source);
	siov_loop_remove(NULL);
	close(next.fd);
	close_rig(&rig);
}

/* ---- start and stop ---- */

static void
test_a_stop_that_comes_before_the_start_is_not_lost(void **state)
{
	struct counter counter = {.fd = -1};
	struct rig rig;
	unsigned int i;

	(void)state;
	open_rig(&rig);
	add_counter(&rig, &counter);
	siov_loop_stop(rig.loop);
	assert_int_equal(siov_loop_run(rig.loop), 0);
	assert_int_equal(siov_atomic_load(&counter.nb, relaxed), 0);
	for (i = 0; i < 3; i++) {
		start(&rig);
		await(&counter.nb, i + 1);
		assert_true(siov_loop_is_running(rig.loop));
		assert_int_equal(siov_loop_run(rig.loop), -EBUSY);
		stop(&rig);
	}
	siov_loop_remove(counter.source);
	close_rig(&rig);
}

static void
test_no_memory_leaves_nothing_behind(void **state)
{
	struct siov_loop_source *source;
	struct counter counter = {.fd = -1};
	struct siov_loop *none;
	struct rig rig;

	(void)state;
	open_rig(&rig);
	fake_mem_fail_at(&rig.fm, 1);
	assert_int_equal(siov_loop_create(&rig.fm.mem, &none), -ENOMEM);
	fake_mem_fail_at(&rig.fm, 1);
	assert_int_equal(siov_loop_add(rig.loop, -1, serve_counter, &counter, &source), -ENOMEM);
	assert_int_equal(siov_loop_add(rig.loop, -1, NULL, NULL, &source), -EINVAL);
	/* No such descriptor. */
	assert_int_equal(siov_loop_add(rig.loop, 1000000, serve_counter, &counter, &source),
			 -EBADF);
	siov_loop_free(NULL);
	close_rig(&rig);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_source_is_served_once_a_round),
		cmocka_unit_test(test_a_source_is_served_when_it_says),
		cmocka_unit_test(test_a_storm_of_wakes_loses_none),
		cmocka_unit_test(test_a_loop_that_is_awake_is_woken_without_system_call),
		cmocka_unit_test(test_a_source_that_was_removed_is_not_being_served),
		cmocka_unit_test(test_a_source_may_remove_itself_and_others),
		cmocka_unit_test(test_a_stop_that_comes_before_the_start_is_not_lost),
		cmocka_unit_test(test_no_memory_leaves_nothing_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

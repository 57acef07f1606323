/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * No wake-up is lost. Who wakes sets the source's flag, then looks at `is_asleep`; the loop sets
 * `is_asleep`, then looks at the flags. All four are sequentially consistent: either the loop sees the
 * flag and does not sleep, or who wakes sees it asleep and writes the eventfd.
 */
#include <errno.h>
#include <pthread.h>
#include <unistd.h>

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/queue.h>

#include <rte_epoll.h>

#include "dev_control.h"
#include "siov_loop.h"

#define SOON_MS 1
#define EVENTS 16

struct siov_loop_source {
	TAILQ_ENTRY(siov_loop_source) entry;
	struct siov_loop *loop;
	siov_loop_serve serve;
	void (*stop)(void *arg); /* the loop ends, or the source goes; NULL: nothing to do */
	void *arg;
	int fd;
	struct rte_epoll_event event;
	enum siov_loop_next next;
	SIOV_ATOMIC(bool) is_woken;
	bool is_gone; /* it has removed itself while it was served */
	struct dev_control *control; /* of a device */
};

TAILQ_HEAD(sources, siov_loop_source);

struct siov_loop {
	const struct siov_mem *mem;
	int epoll_fd;
	int event_fd;
	struct rte_epoll_event event;
	SIOV_ATOMIC(bool) is_asleep;
	pthread_mutex_t lock;
	pthread_cond_t served;
	/* under the lock */
	struct sources sources;
	struct siov_loop_source *current; /* is being served */
	struct siov_loop_source *cursor; /* comes next in this round */
	struct sources gone; /* removed while the loop slept: an event of them may be under way */
	bool is_waiting; /* in rte_epoll_wait */
	bool must_stop;
	pthread_t thread;
	SIOV_ATOMIC(bool) is_running; /* read by anybody */
};

/* ---- life ---- */

static int
watch(struct siov_loop *loop, int fd, struct rte_epoll_event *event, void *data)
{
	event->epdata.event = EPOLLIN;
	event->epdata.data = data;
	return rte_epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, event) == 0 ? 0 : -errno;
}

int
siov_loop_create(const struct siov_mem *mem, struct siov_loop **out)
{
	struct siov_loop *loop;
	int ret = 0;

	mem = mem != NULL ? mem : siov_mem_eal();
	loop = siov_mem_alloc(mem, "siov_loop", sizeof(*loop), RTE_CACHE_LINE_SIZE, -1);
	if (loop == NULL)
		return -ENOMEM;
	loop->mem = mem;
	TAILQ_INIT(&loop->sources);
	TAILQ_INIT(&loop->gone);
	pthread_mutex_init(&loop->lock, NULL);
	pthread_cond_init(&loop->served, NULL);
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	loop->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (loop->epoll_fd < 0 || loop->event_fd < 0)
		ret = -errno;
	if (ret == 0)
		ret = watch(loop, loop->event_fd, &loop->event, NULL);
	if (ret == 0)
		*out = loop;
	else
		siov_loop_free(loop);
	return ret;
}

void
siov_loop_free(struct siov_loop *loop)
{
	if (loop == NULL)
		return;
	if (loop->event_fd >= 0)
		close(loop->event_fd);
	if (loop->epoll_fd >= 0)
		close(loop->epoll_fd);
	pthread_cond_destroy(&loop->served);
	pthread_mutex_destroy(&loop->lock);
	siov_mem_free(loop->mem, loop);
}

static void
rouse(struct siov_loop *loop)
{
	if (siov_atomic_exchange(&loop->is_asleep, false, seq_cst))
		eventfd_write(loop->event_fd, 1);
}

void
siov_loop_wake(struct siov_loop_source *source)
{
	siov_atomic_store(&source->is_woken, true, seq_cst);
	rouse(source->loop);
}

/* ---- sources ---- */

static int
add(struct siov_loop *loop, int fd, struct siov_loop_source *source)
{
	int ret = 0;

	source->loop = loop;
	source->fd = fd;
	if (fd >= 0)
		ret = watch(loop, fd, &source->event, source);
	if (ret != 0)
		return ret;
	pthread_mutex_lock(&loop->lock);
	TAILQ_INSERT_TAIL(&loop->sources, source, entry);
	pthread_mutex_unlock(&loop->lock);
	siov_loop_wake(source);
	return 0;
}

static struct siov_loop_source *
alloc_source(struct siov_loop *loop, siov_loop_serve serve, void *arg)
{
	struct siov_loop_source *source = siov_mem_alloc(loop->mem, "siov_loop_source",
							 sizeof(*source), RTE_CACHE_LINE_SIZE, -1);

	if (source != NULL) {
		source->serve = serve;
		source->arg = arg;
	}
	return source;
}

int
siov_loop_add(struct siov_loop *loop, int fd, siov_loop_serve serve, void *arg,
	      struct siov_loop_source **out)
{
	struct siov_loop_source *source;
	int ret;

	if (serve == NULL)
		return -EINVAL;
	source = alloc_source(loop, serve, arg);
	if (source == NULL)
		return -ENOMEM;
	ret = add(loop, fd, source);
	if (ret == 0)
		*out = source;
	else
		siov_mem_free(loop->mem, source);
	return ret;
}

/* rte_epoll_wait still looks at what it has waited for. Under the lock. */
static void
free_source(struct siov_loop_source *source)
{
	struct siov_loop *loop = source->loop;

	dev_control_close(source->control);
	source->control = NULL;
	if (loop->is_waiting && source->fd >= 0)
		TAILQ_INSERT_TAIL(&loop->gone, source, entry);
	else
		siov_mem_free(loop->mem, source);
}

/* Under the lock. From now on it is not begun to be served. */
static void
unlink_source(struct siov_loop *loop, struct siov_loop_source *source)
{
	if (loop->cursor == source)
		loop->cursor = TAILQ_NEXT(source, entry);
	TAILQ_REMOVE(&loop->sources, source, entry);
	if (source->fd >= 0)
		rte_epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, source->fd, &source->event);
}

void
siov_loop_remove(struct siov_loop_source *source)
{
	struct siov_loop *loop;

	if (source == NULL)
		return;
	loop = source->loop;
	pthread_mutex_lock(&loop->lock);
	unlink_source(loop, source);
	source->is_gone = loop->current == source && pthread_equal(loop->thread, pthread_self());
	while (loop->current == source && !source->is_gone)
		pthread_cond_wait(&loop->served, &loop->lock);
	if (!source->is_gone)
		free_source(source);
	pthread_mutex_unlock(&loop->lock);
}

/* ---- devices ---- */

static enum siov_loop_next
serve_dev(void *arg)
{
	struct siov_loop_source *source = arg;

	return dev_control_serve(source->control) ? SIOV_LOOP_SOON : SIOV_LOOP_SLEEP;
}

static void
stop_dev(void *arg)
{
	struct siov_loop_source *source = arg;

	dev_control_stop(source->control);
}

int
siov_loop_add_dev(struct siov_loop *loop, struct siov_dev *dev, struct siov_loop_source **out)
{
	struct siov_loop_source *source = alloc_source(loop, serve_dev, NULL);
	int ret;

	if (source == NULL)
		return -ENOMEM;
	source->loop = loop;
	source->arg = source;
	source->stop = stop_dev;
	ret = dev_control_open(dev, &source->control);
	if (ret == 0)
		ret = add(loop, dev_control_fd(source->control), source);
	if (ret == 0) {
		*out = source;
	} else {
		dev_control_close(source->control);
		siov_mem_free(loop->mem, source);
	}
	return ret;
}

/* ---- rounds ---- */

static bool
is_wanted(struct siov_loop_source *source)
{
	return siov_atomic_exchange(&source->is_woken, false, seq_cst) ||
	       source->next != SIOV_LOOP_SLEEP;
}

/* Under the lock, which is let go meanwhile. */
static void
serve_one(struct siov_loop *loop, struct siov_loop_source *source)
{
	enum siov_loop_next next;

	loop->current = source;
	pthread_mutex_unlock(&loop->lock);
	next = source->serve(source->arg);
	pthread_mutex_lock(&loop->lock);
	loop->current = NULL;
	pthread_cond_broadcast(&loop->served);
	source->next = next;
	if (source->is_gone)
		free_source(source);
}

/* Each that wants it, once. Under the lock. */
static void
serve_round(struct siov_loop *loop)
{
	struct siov_loop_source *source;

	loop->cursor = TAILQ_FIRST(&loop->sources);
	while (loop->cursor != NULL) {
		source = loop->cursor;
		loop->cursor = TAILQ_NEXT(source, entry);
		if (is_wanted(source))
			serve_one(loop, source);
	}
}

/* How long to sleep; is_asleep is set before the flags are looked at. Under the lock. */
static int
patience(struct siov_loop *loop)
{
	const struct siov_loop_source *source;
	int timeout_ms = -1;

	siov_atomic_store(&loop->is_asleep, true, seq_cst);
	if (loop->must_stop)
		timeout_ms = 0;
	TAILQ_FOREACH(source, &loop->sources, entry) {
		if (source->next == SIOV_LOOP_NOW || siov_atomic_load(&source->is_woken, seq_cst))
			timeout_ms = 0;
		else if (source->next == SIOV_LOOP_SOON && timeout_ms != 0)
			timeout_ms = SOON_MS;
	}
	return timeout_ms;
}

/* A source may have gone while the loop slept. Under the lock. */
static void
note_events(struct siov_loop *loop, const struct rte_epoll_event *events, int nb)
{
	struct siov_loop_source *source;
	eventfd_t nb_wakes;
	int i;

	for (i = 0; i < nb; i++) {
		if (events[i].epdata.data == NULL)
			eventfd_read(loop->event_fd, &nb_wakes);
		TAILQ_FOREACH(source, &loop->sources, entry) {
			if (source == events[i].epdata.data)
				siov_atomic_store(&source->is_woken, true, relaxed);
		}
	}
}

/* 0 or negative errno. Under the lock, which is let go meanwhile. */
static int
sleep_and_note(struct siov_loop *loop)
{
	struct rte_epoll_event events[EVENTS];
	struct siov_loop_source *source;
	int timeout_ms = patience(loop);
	int nb, ret;

	loop->is_waiting = true;
	pthread_mutex_unlock(&loop->lock);
	nb = rte_epoll_wait(loop->epoll_fd, events, EVENTS, timeout_ms);
	ret = nb >= 0 ? 0 : errno != 0 ? -errno : -EIO;
	siov_atomic_store(&loop->is_asleep, false, seq_cst);
	pthread_mutex_lock(&loop->lock);
	loop->is_waiting = false;
	note_events(loop, events, nb);
	while (!TAILQ_EMPTY(&loop->gone)) {
		source = TAILQ_FIRST(&loop->gone);
		TAILQ_REMOVE(&loop->gone, source, entry);
		siov_mem_free(loop->mem, source);
	}
	return ret;
}

static int
run(struct siov_loop *loop)
{
	int ret = 0;

	while (!loop->must_stop && ret == 0) {
		serve_round(loop);
		ret = sleep_and_note(loop);
	}
	return ret;
}

static void
stop_sources(struct siov_loop *loop)
{
	struct siov_loop_source *source;

	TAILQ_FOREACH(source, &loop->sources, entry) {
		if (source->stop != NULL)
			source->stop(source->arg);
		source->next = SIOV_LOOP_NOW; /* when it runs again */
	}
}

int
siov_loop_run(struct siov_loop *loop)
{
	int ret = -EBUSY;

	pthread_mutex_lock(&loop->lock);
	if (!siov_loop_is_running(loop)) {
		loop->thread = pthread_self();
		siov_atomic_store(&loop->is_running, true, release);
		ret = run(loop);
		stop_sources(loop);
		siov_atomic_store(&loop->is_running, false, release);
		loop->must_stop = false;
	}
	pthread_mutex_unlock(&loop->lock);
	return ret;
}

void
siov_loop_stop(struct siov_loop *loop)
{
	pthread_mutex_lock(&loop->lock);
	loop->must_stop = true;
	pthread_mutex_unlock(&loop->lock);
	rouse(loop);
}

bool
siov_loop_is_running(struct siov_loop *loop)
{
	return siov_atomic_load(&loop->is_running, acquire);
}

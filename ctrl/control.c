/* SPDX-License-Identifier: BSD-3-Clause */
/* The control lcore: asleep until a request comes or, while queues are enabled, a tick. */
#include <errno.h>
#include <time.h>
#include <unistd.h>

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>

#include <rte_epoll.h>
#include <rte_tailq.h>

#include "dev_control.h"
#include "dev_regs_priv.h"

#define TICK_MS 250u /* errors are collected that often */
#define STEP_MS 1 /* between two steps of a request, on the control lcore */
#define SLEEP_MIN_NS 50000u /* between two steps of a caller */
#define SLEEP_MAX_NS 1000000u

enum request_state {
	REQUEST_WAITING, /* not looked at so far */
	REQUEST_STARTED, /* has been stepped */
	REQUEST_ANSWERED, /* ret is valid; no longer linked */
	REQUEST_RETURNED, /* control stops: the caller does it; no longer linked */
};

/* On its caller's stack; all under the device's lock. */
struct control_request {
	TAILQ_ENTRY(control_request) entry;
	control_step step;
	void *arg;
	enum request_state state;
	int ret;
	pthread_cond_t changed;
};

/* What the control lcore waits for. */
struct wait_set {
	int epoll_fd;
	int event_fd;
	int timer_fd;
	bool is_ticking;
	struct rte_epoll_event event;
	struct rte_epoll_event timer;
};

void
control_init(struct control *control)
{
	TAILQ_INIT(&control->requests);
	control->event_fd = -1;
	control->patience_ms = CONTROL_PATIENCE_MS;
}

void
control_wake(struct control *control)
{
	if (control->is_running)
		eventfd_write(control->event_fd, 1);
}

/* ---- callers ---- */

static struct timespec
to_timespec(uint64_t ns)
{
	return (struct timespec){
		.tv_sec = (time_t)(ns / 1000000000),
		.tv_nsec = (long)(ns % 1000000000),
	};
}

/* Do it in the calling thread. */
static int
step_here(struct siov_dev *dev, control_step step, void *arg)
{
	uint64_t sleep_ns = SLEEP_MIN_NS;
	int ret;

	for (;;) {
		struct timespec sleep;

		dev_lock(dev);
		ret = step(dev, arg);
		dev_unlock(dev);
		if (ret != -EAGAIN)
			return ret;
		sleep = to_timespec(sleep_ns);
		nanosleep(&sleep, NULL);
		sleep_ns = RTE_MIN(2 * sleep_ns, (uint64_t)SLEEP_MAX_NS);
	}
}

static void
init_request(struct control_request *request, control_step step, void *arg)
{
	pthread_condattr_t attr;

	*request = (struct control_request){.step = step, .arg = arg};
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&request->changed, &attr);
	pthread_condattr_destroy(&attr);
}

/* Under the lock. On return the request is not linked; true: it was answered. */
static bool
await_answer(struct siov_dev *dev, struct control_request *request, uint64_t deadline_ns)
{
	const struct timespec deadline = to_timespec(deadline_ns);

	while (request->state == REQUEST_WAITING || request->state == REQUEST_STARTED) {
		if (pthread_cond_timedwait(&request->changed, &dev->lock, &deadline) != ETIMEDOUT)
			continue;
		if (request->state == REQUEST_WAITING || request->state == REQUEST_STARTED)
			TAILQ_REMOVE(&dev->control.requests, request, entry);
		break;
	}
	return request->state == REQUEST_ANSWERED;
}

int
control_call(struct siov_dev *dev, control_step step, void *arg, unsigned int timeout_ms)
{
	struct control *control = &dev->control;
	uint64_t deadline_ns = clock_ns();
	struct control_request request;
	bool is_answered;

	dev_lock(dev);
	if (!control->is_running || pthread_equal(control->thread, pthread_self())) {
		dev_unlock(dev);
		return step_here(dev, step, arg);
	}
	init_request(&request, step, arg);
	deadline_ns += UINT64_C(1000000) * ((uint64_t)timeout_ms + control->patience_ms);
	TAILQ_INSERT_TAIL(&control->requests, &request, entry);
	control_wake(control);
	is_answered = await_answer(dev, &request, deadline_ns);
	dev_unlock(dev);
	pthread_cond_destroy(&request.changed);
	if (is_answered)
		return request.ret;
	if (request.state == REQUEST_WAITING) {
		CTRL_LOG(ERR, "%s: control lcore does not answer", dev->conf.name);
		return -ETIMEDOUT;
	}
	return step_here(dev, step, arg);
}

/* ---- control lcore ---- */

/* Step every request once. Returns whether any is left. Under the lock. */
static bool
serve_requests(struct siov_dev *dev)
{
	struct control *control = &dev->control;
	struct control_request *request, *next;

	RTE_TAILQ_FOREACH_SAFE(request, &control->requests, entry, next)
	{
		int ret = request->step(dev, request->arg);

		request->state = REQUEST_STARTED;
		if (ret == -EAGAIN)
			continue;
		TAILQ_REMOVE(&control->requests, request, entry);
		request->ret = ret;
		request->state = REQUEST_ANSWERED;
		pthread_cond_signal(&request->changed);
	}
	return !TAILQ_EMPTY(&control->requests);
}

/* Let the callers do themselves what is left. Under the lock. */
static void
return_requests(struct control *control)
{
	struct control_request *request, *next;

	RTE_TAILQ_FOREACH_SAFE(request, &control->requests, entry, next)
	{
		TAILQ_REMOVE(&control->requests, request, entry);
		request->state = REQUEST_RETURNED;
		pthread_cond_signal(&request->changed);
	}
}

static int
add_fd(int epoll_fd, int fd, struct rte_epoll_event *event)
{
	event->epdata.event = EPOLLIN;
	return rte_epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, event) == 0 ? 0 : -errno;
}

static void
close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

static void
close_wait_set(struct wait_set *set)
{
	close_fd(set->epoll_fd);
	close_fd(set->event_fd);
	close_fd(set->timer_fd);
}

static int
open_wait_set(struct wait_set *set)
{
	int ret;

	*set = (struct wait_set){.epoll_fd = -1, .event_fd = -1, .timer_fd = -1};
	set->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (set->epoll_fd >= 0)
		set->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (set->event_fd >= 0)
		set->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	ret = set->timer_fd >= 0 ? 0 : -errno;
	if (ret == 0)
		ret = add_fd(set->epoll_fd, set->event_fd, &set->event);
	if (ret == 0)
		ret = add_fd(set->epoll_fd, set->timer_fd, &set->timer);
	if (ret != 0)
		close_wait_set(set);
	return ret;
}

/* Tick while queues are enabled, sleep without end while none is. */
static void
set_ticking(struct wait_set *set, bool is_ticking)
{
	struct itimerspec when = {0};

	if (is_ticking == set->is_ticking)
		return;
	if (is_ticking) {
		when.it_value = to_timespec(UINT64_C(1000000) * TICK_MS);
		when.it_interval = when.it_value;
	}
	timerfd_settime(set->timer_fd, 0, &when, NULL);
	set->is_ticking = is_ticking;
}

/* What there is to do after waking up. Returns whether requests are left. Under the lock. */
static bool
serve(struct siov_dev *dev, struct wait_set *set, bool *is_tick)
{
	eventfd_t nb_events;
	uint64_t nb_ticks;
	bool is_left;

	eventfd_read(set->event_fd, &nb_events);
	*is_tick = read(set->timer_fd, &nb_ticks, sizeof(nb_ticks)) == sizeof(nb_ticks);
	if (*is_tick)
		dev_log_errors(dev, dev_collect_errors(dev));
	is_left = serve_requests(dev);
	is_left |= cmd_poll(dev);
	is_left |= flr_poll(dev);
	set_ticking(set, dev_is_active(dev));
	return is_left;
}

static int
begin_control(struct siov_dev *dev, const struct wait_set *set)
{
	struct control *control = &dev->control;
	int ret = -EBUSY;

	dev_lock(dev);
	if (!control->is_running) {
		control->is_running = true;
		control->thread = pthread_self();
		control->event_fd = set->event_fd;
		ret = 0;
	}
	dev_unlock(dev);
	return ret;
}

static void
end_control(struct siov_dev *dev)
{
	struct control *control = &dev->control;

	dev_lock(dev);
	control->is_running = false;
	control->must_stop = false;
	control->event_fd = -1;
	return_requests(control);
	dev_unlock(dev);
}

/* One round. Whether to come again soon. */
static bool
serve_once(struct siov_dev *dev, struct wait_set *set, bool *must_stop)
{
	bool is_left, is_tick;

	dev_lock(dev);
	is_left = serve(dev, set, &is_tick);
	*must_stop = dev->control.must_stop;
	dev_unlock(dev);
	if (is_tick || *must_stop) {
		dev_pass_faults(dev);
		dev_pass_errors(dev);
	}
	return is_left;
}

static int
control_loop(struct siov_dev *dev, struct wait_set *set)
{
	struct rte_epoll_event events[2];
	bool must_stop, is_left;

	for (;;) {
		is_left = serve_once(dev, set, &must_stop);
		if (must_stop)
			return 0;
		if (rte_epoll_wait(set->epoll_fd, events, RTE_DIM(events), is_left ? STEP_MS : -1) <
		    0)
			return errno != 0 ? -errno : -EIO;
	}
}

int
siov_dev_run_control(struct siov_dev *dev)
{
	struct wait_set set;
	int ret;

	ret = open_wait_set(&set);
	if (ret != 0)
		return ret;
	ret = begin_control(dev, &set);
	if (ret == 0) {
		ret = control_loop(dev, &set);
		end_control(dev);
	}
	close_wait_set(&set);
	return ret;
}

/* ---- by somebody else's loop ---- */

struct dev_control {
	struct siov_dev *dev;
	bool is_begun;
	struct wait_set set;
};

int
dev_control_open(struct siov_dev *dev, struct dev_control **out)
{
	struct dev_control *control;
	int ret;

	control = siov_mem_alloc(dev->mem, "siov_dev_control", sizeof(*control),
				 RTE_CACHE_LINE_SIZE, dev->conf.socket_id);
	if (control == NULL)
		return -ENOMEM;
	control->dev = dev;
	ret = open_wait_set(&control->set);
	if (ret == 0)
		*out = control;
	else
		siov_mem_free(dev->mem, control);
	return ret;
}

int
dev_control_fd(const struct dev_control *control)
{
	return control->set.epoll_fd;
}

bool
dev_control_serve(struct dev_control *control)
{
	bool must_stop;

	/* Another thread is its control lcore; nobody tells when it has ended. */
	if (!control->is_begun && begin_control(control->dev, &control->set) != 0)
		return true;
	control->is_begun = true;
	return serve_once(control->dev, &control->set, &must_stop);
}

void
dev_control_stop(struct dev_control *control)
{
	if (control->is_begun)
		end_control(control->dev);
	control->is_begun = false;
}

void
dev_control_close(struct dev_control *control)
{
	if (control == NULL)
		return;
	dev_control_stop(control);
	close_wait_set(&control->set);
	siov_mem_free(control->dev->mem, control);
}

void
siov_dev_stop_control(struct siov_dev *dev)
{
	dev_lock(dev);
	dev->control.must_stop = true;
	control_wake(&dev->control);
	dev_unlock(dev);
}

bool
siov_dev_has_control(struct siov_dev *dev)
{
	bool is_running;

	dev_lock(dev);
	is_running = dev->control.is_running;
	dev_unlock(dev);
	return is_running;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "complain.h"
#include "stopper.h"

int
stopper_block_signals(void)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	if (pthread_sigmask(SIG_BLOCK, &set, NULL) != 0)
		return complain("signals cannot be blocked");
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd >= 0 ? fd : complain("signalfd: %s", strerror(errno));
}

int
stopper_open(struct stopper *stopper, int signal_fd)
{
	stopper->signal_fd = signal_fd;
	stopper->is_stopped = false;
	stopper->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return stopper->stop_fd >= 0 ? 0 : complain("eventfd: %s", strerror(errno));
}

void
stopper_close(struct stopper *stopper)
{
	if (stopper->stop_fd >= 0)
		close(stopper->stop_fd);
	stopper->stop_fd = -1;
}

void
stopper_ask(struct stopper *stopper)
{
	const uint64_t one = 1;

	/* Fails only if it was asked for 2^64 times. */
	if (write(stopper->stop_fd, &one, sizeof(one)) != sizeof(one))
		warn("stop: %s", strerror(errno));
}

void
stopper_clear(struct stopper *stopper)
{
	uint64_t nb;
	ssize_t len = read(stopper->stop_fd, &nb, sizeof(nb));

	(void)len; /* nothing was asked: nothing to forget */
	stopper->is_stopped = false;
}

bool
stopper_sleep(struct stopper *stopper, int timeout_ms)
{
	struct pollfd fds[] = {
		{.fd = stopper->stop_fd, .events = POLLIN},
		{.fd = stopper->signal_fd, .events = POLLIN},
	};

	if (!stopper->is_stopped && poll(fds, 2, timeout_ms) > 0)
		stopper->is_stopped = true;
	return stopper->is_stopped;
}

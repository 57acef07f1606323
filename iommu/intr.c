/* SPDX-License-Identifier: BSD-3-Clause */
/* Destinations of interrupts; the proof that no wake-up is lost is in siov_intr.h. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <rte_branch_prediction.h>

#include "ir_priv.h"
#include "siov_iommu.h"

static void
free_dest(struct siov_ir *ir, struct siov_intr_dest *dest)
{
	if (dest->fd >= 0)
		close(dest->fd);
	ir_release(ir, dest, sizeof(*dest));
}

/* A free id; there is one. */
static uint32_t
find_id(struct siov_ir *ir)
{
	uint32_t id = ir->next_dest;

	while (siov_atomic_load(&ir->dests[id], relaxed) != NULL)
		id = (id + 1) % ir->conf.max_dests;
	ir->next_dest = (id + 1) % ir->conf.max_dests;
	return id;
}

/* push_fd: the caller's eventfd, or -1. */
static int
create_locked(struct siov_ir *ir, unsigned int flags, int push_fd, struct siov_intr_dest **out)
{
	struct siov_intr_dest *dest;
	int rc;

	if (ir->nb_dests == ir->conf.max_dests)
		return -ENOSPC;
	dest = ir_alloc(ir, "siov_intr_dest", sizeof(*dest), RTE_CACHE_LINE_SIZE);
	if (dest == NULL)
		return -ENOMEM;
	dest->ir = ir;
	dest->fd = -1;
	dest->push_fd = push_fd;
	if ((flags & SIOV_INTR_F_EVENTFD) != 0) {
		dest->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (dest->fd < 0) {
			rc = -errno;
			free_dest(ir, dest);
			return rc;
		}
	}
	dest->id = find_id(ir);
	ir->nb_dests++;
	/* I4: pairs with I3; the destination is whole */
	siov_atomic_store(&ir->dests[dest->id], dest, release);
	*out = dest;
	return 0;
}

int
siov_intr_dest_create(struct siov_ir *ir, unsigned int flags, struct siov_intr_dest **out)
{
	int rc;

	if (ir == NULL || out == NULL || (flags & ~SIOV_INTR_F_EVENTFD) != 0)
		return -EINVAL;
	pthread_mutex_lock(&ir->lock);
	rc = create_locked(ir, flags, -1, out);
	pthread_mutex_unlock(&ir->lock);
	return rc;
}

/*
 * An engine must neither wait in a raise nor be killed by it, as it would be by a pipe that nobody
 * reads any more.
 */
static int
check_eventfd(int fd)
{
	static const char target[] = "anon_inode:[eventfd]";
	char found[sizeof(target)];
	char path[64];
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0)
		return -errno;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (readlink(path, found, sizeof(found)) != sizeof(target) - 1)
		return -EINVAL;
	if (memcmp(found, target, sizeof(target) - 1) != 0 || (flags & O_NONBLOCK) == 0)
		return -EINVAL;
	return 0;
}

int
siov_intr_dest_create_fd(struct siov_ir *ir, int eventfd, struct siov_intr_dest **out)
{
	int rc;

	if (ir == NULL || out == NULL)
		return -EINVAL;
	rc = check_eventfd(eventfd);
	if (rc < 0)
		return rc;
	pthread_mutex_lock(&ir->lock);
	rc = create_locked(ir, 0, eventfd, out);
	pthread_mutex_unlock(&ir->lock);
	return rc;
}

static int
wait_for_engines(struct siov_ir *ir)
{
	return ir->conf.iommu != NULL ? siov_iommu_synchronize(ir->conf.iommu) : 0;
}

/*
 * Two waits: after the first, who has read an entry that led here has also reached the destination,
 * so a message on its way is not lost; after the second, nobody holds it by its id.
 */
static int
free_locked(struct siov_ir *ir, struct siov_intr_dest *dest)
{
	int rc;

	if (dest->nb_entries != 0)
		return -EBUSY;
	rc = wait_for_engines(ir);
	siov_atomic_store(&ir->dests[dest->id], NULL, seq_cst);
	ir->nb_dests--;
	dest->next_retired = ir->retired;
	ir->retired = dest;
	if (rc == 0)
		rc = wait_for_engines(ir);
	if (rc == 0)
		intr_free_retired(ir);
	return rc;
}

int
siov_intr_dest_free(struct siov_intr_dest *dest)
{
	struct siov_ir *ir;
	int rc;

	if (dest == NULL)
		return 0;
	ir = dest->ir;
	pthread_mutex_lock(&ir->lock);
	rc = free_locked(ir, dest);
	pthread_mutex_unlock(&ir->lock);
	return rc;
}

void
intr_free_retired(struct siov_ir *ir)
{
	struct siov_intr_dest *dest;

	while (ir->retired != NULL) {
		dest = ir->retired;
		ir->retired = dest->next_retired;
		free_dest(ir, dest);
	}
}

void
intr_fini(struct siov_ir *ir)
{
	struct siov_intr_dest *dest;
	uint32_t id;

	intr_free_retired(ir);
	for (id = 0; ir->dests != NULL && id < ir->conf.max_dests; id++) {
		dest = siov_atomic_load(&ir->dests[id], relaxed);
		if (dest != NULL)
			free_dest(ir, dest);
	}
}

uint32_t
siov_intr_dest_id(const struct siov_intr_dest *dest)
{
	return dest->id;
}

int
siov_intr_fd(const struct siov_intr_dest *dest)
{
	return dest->fd;
}

/* The counter is full only if nobody resets it: then the owner is awake, or wakes at once. */
static void
signal_fd(int fd)
{
	const uint64_t one = 1;
	ssize_t nb;

	if (fd < 0)
		return;
	do
		nb = write(fd, &one, sizeof(one));
	while (nb < 0 && errno == EINTR);
}

void
intr_raise(struct siov_intr_dest *dest, uint8_t vector)
{
	if (unlikely(dest->push_fd >= 0)) {
		signal_fd(dest->push_fd);
		return;
	}
	siov_atomic_fetch_or(&dest->pending[vector / 64], RTE_BIT64(vector % 64), seq_cst);
	if (likely(siov_atomic_load(&dest->armed, seq_cst) == 0))
		return;
	if (siov_atomic_exchange(&dest->armed, 0, seq_cst) != 0)
		signal_fd(dest->fd);
}

void
intr_drop(struct siov_intr_dest *dest, uint8_t vector)
{
	siov_atomic_fetch_and(&dest->pending[vector / 64], ~RTE_BIT64(vector % 64), seq_cst);
}

int
siov_intr_take(struct siov_intr_dest *dest)
{
	unsigned int i = RTE_DIM(dest->pending);
	unsigned int bit;
	uint64_t word;

	while (i-- > 0) {
		word = siov_atomic_load(&dest->pending[i], relaxed);
		if (word == 0)
			continue;
		bit = 63 - (unsigned int)__builtin_clzll(word);
		intr_drop(dest, (uint8_t)(i * 64 + bit));
		return (int)(i * 64 + bit);
	}
	return -1;
}

bool
siov_intr_is_pending(const struct siov_intr_dest *dest)
{
	unsigned int i;

	for (i = 0; i < RTE_DIM(dest->pending); i++)
		if (siov_atomic_load(&dest->pending[i], seq_cst) != 0)
			return true;
	return false;
}

bool
siov_intr_arm(struct siov_intr_dest *dest)
{
	siov_atomic_store(&dest->armed, 1, seq_cst);
	if (!siov_intr_is_pending(dest))
		return true;
	siov_atomic_store(&dest->armed, 0, seq_cst);
	return false;
}

void
siov_intr_disarm(struct siov_intr_dest *dest)
{
	uint64_t count;

	siov_atomic_store(&dest->armed, 0, seq_cst);
	/* Nothing to read is as good. */
	if (dest->fd >= 0 && read(dest->fd, &count, sizeof(count)) < 0)
		return;
}

int
intr_sleep(struct siov_intr_dest *dest, int timeout_ms)
{
	struct pollfd pfd = {.fd = dest->fd, .events = POLLIN};
	int rc = poll(&pfd, 1, timeout_ms);

	if (rc < 0)
		rc = -errno;
	else
		rc = rc == 0 ? -ETIMEDOUT : 0;
	siov_intr_disarm(dest);
	return rc;
}

static int64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int
siov_intr_wait(struct siov_intr_dest *dest, int timeout_ms)
{
	int64_t end_ms = now_ms() + timeout_ms;
	int64_t left_ms = timeout_ms;
	int rc = 0;

	if (dest->fd < 0)
		return -ENOTSUP;
	while (rc == 0 && siov_intr_arm(dest)) {
		rc = intr_sleep(dest, (int)left_ms);
		if (timeout_ms >= 0)
			left_ms = RTE_MAX(end_ms - now_ms(), (int64_t)0);
	}
	/* What came while the time ran out counts. */
	return rc == -ETIMEDOUT && siov_intr_is_pending(dest) ? 0 : rc;
}

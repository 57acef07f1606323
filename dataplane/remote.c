/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <poll.h>
#include <string.h>

#include <sys/uio.h>

#include "record_priv.h"
#include "remote_priv.h"

#define PAGE UINT64_C(4096)
#define PAGES_MAX (REMOTE_MAX / PAGE + 1)

int
remote_create(const struct siov_mem *mem, int socket_id, struct remote **out)
{
	struct remote *remote;

	remote =
		siov_mem_alloc(mem, "siov_remote", sizeof(*remote), RTE_CACHE_LINE_SIZE, socket_id);
	if (remote == NULL)
		return -ENOMEM;
	remote->src[0] =
		siov_mem_alloc(mem, "siov_bounce", 3 * (size_t)REMOTE_MAX, PAGE, socket_id);
	if (remote->src[0] == NULL) {
		siov_mem_free(mem, remote);
		return -ENOMEM;
	}
	remote->src[1] = remote->src[0] + REMOTE_MAX;
	remote->dst = remote->src[1] + REMOTE_MAX;
	*out = remote;
	return 0;
}

void
remote_free(const struct siov_mem *mem, struct remote *remote)
{
	if (remote == NULL)
		return;
	siov_mem_free(mem, remote->src[0]);
	siov_mem_free(mem, remote);
}

/* ---- bytes ---- */

/* A pidfd is readable once its process has ended; then the id may be another's. */
static bool
has_ended(const struct siov_process *process)
{
	struct pollfd fd = {.fd = process->pidfd, .events = POLLIN};

	return poll(&fd, 1, 0) != 0;
}

/* A transfer never ends within an element, so each page is one. Returns how many. */
static unsigned long
split_pages(struct iovec *pages, uint64_t iova, uint32_t len)
{
	unsigned long nb = 0;
	uint32_t n;

	for (; len > 0; len -= n) {
		n = (uint32_t)RTE_MIN(PAGE - iova % PAGE, (uint64_t)len);
		pages[nb].iov_base = (void *)(uintptr_t)iova;
		pages[nb++].iov_len = n;
		iova += n;
	}
	return nb;
}

static uint32_t
settle(struct remote *remote, const struct siov_process *process, ssize_t done)
{
	if (done < 0 && errno == EPERM)
		RECORD_ADD(&remote->denied, 1);
	return done <= 0 || has_ended(process) ? 0 : (uint32_t)done;
}

uint32_t
remote_read(struct remote *remote, const struct siov_process *process, uint64_t iova, void *dst,
	    uint32_t len)
{
	struct iovec ours = {.iov_base = dst, .iov_len = len};
	struct iovec theirs[PAGES_MAX];
	unsigned long nb = split_pages(theirs, iova, len);

	if (process == NULL || has_ended(process))
		return 0;
	return settle(remote, process, process_vm_readv(process->pid, &ours, 1, theirs, nb, 0));
}

uint32_t
remote_write(struct remote *remote, const struct siov_process *process, uint64_t iova,
	     const void *src, uint32_t len)
{
	struct iovec ours = {.iov_base = (void *)(uintptr_t)src, .iov_len = len};
	struct iovec theirs[PAGES_MAX];
	unsigned long nb = split_pages(theirs, iova, len);

	if (process == NULL || has_ended(process))
		return 0;
	return settle(remote, process, process_vm_writev(process->pid, &ours, 1, theirs, nb, 0));
}

/* ---- completion records ---- */

bool
remote_can_write_record(struct remote *remote, const struct siov_process *process, uint64_t iova)
{
	uint64_t words[REMOTE_RECORD_WORDS - 1];
	uint64_t first = iova + sizeof(uint64_t);

	return remote_read(remote, process, first, words, sizeof(words)) == sizeof(words) &&
	       remote_write(remote, process, first, words, sizeof(words)) == sizeof(words);
}

bool
remote_write_record(struct remote *remote, const struct siov_process *process, uint64_t iova,
		    const uint64_t words[REMOTE_RECORD_WORDS])
{
	const uint32_t rest = REMOTE_RECORD_WORDS * sizeof(words[0]) - 1;
	const uint8_t *bytes = (const uint8_t *)words;

	/* The kernel may copy in any order: only another call is surely later. */
	return remote_write(remote, process, iova + 1, bytes + 1, rest) == rest &&
	       remote_write(remote, process, iova, bytes, 1) == 1;
}

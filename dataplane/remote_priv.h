/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory of other processes: no registration, no pinning, no sharing.
 *
 *     their pages ── process_vm_readv ──► bounce ── step ──► bounce ── process_vm_writev ──► theirs
 *
 * This is the only place where an engine makes system calls. They are bounded (64 KiB, 17 pages) and
 * made only for descriptors of PASIDs bound to other processes, but they take the other process's
 * page-table lock, and so may wait for it.
 *
 * The kernel applies the other process's own page permissions, and ours to trace it: an access that
 * it refuses is a page fault, and counted if it was for lack of permission.
 *
 * A process id may be used again once its process has ended: the pidfd is looked at before and after
 * each access. What a process gets that took over the id in between, within microseconds, cannot be
 * taken back; what was read of it is dropped.
 *
 * Thread: create and free are control path; the rest belongs to the engine.
 */
#ifndef REMOTE_PRIV_H
#define REMOTE_PRIV_H

#include "op_priv.h"
#include "siov_iommu.h"

#define REMOTE_MAX (64u * 1024) /* bytes of one step */
#define REMOTE_RECORD_WORDS 4u

/* What one engine has for this. */
struct remote {
	/* const after create */
	uint8_t *src[2]; /* REMOTE_MAX bytes each */
	uint8_t *dst;
	/* owner: engine lcore */
	unsigned int turn; /* which source is next */
	uint32_t crc; /* sum before the step */
	uint64_t dst_iova; /* where dst goes */
	uint8_t record[8]; /* never written: its address stands for "in another process" */
	SIOV_ATOMIC(uint64_t) denied; /* accesses refused for lack of permission; read by any */
};

/* 0 or -ENOMEM. */
int remote_create(const struct siov_mem *mem, int socket_id, struct remote **out);
/* NULL is fine. */
void remote_free(const struct siov_mem *mem, struct remote *remote);

/*
 * Copy from or to another process, up to its first bad page. process NULL: it is no longer bound.
 * Returns bytes done of len, which is at most REMOTE_MAX.
 */
uint32_t remote_read(struct remote *remote, const struct siov_process *process, uint64_t iova,
		     void *dst, uint32_t len);
uint32_t remote_write(struct remote *remote, const struct siov_process *process, uint64_t iova,
		      const void *src, uint32_t len);

/* Whether a completion record can be written: what is there, but for the status, is written back. */
bool remote_can_write_record(struct remote *remote, const struct siov_process *process,
			     uint64_t iova);

/* Write a completion record, its first byte, the status, last and apart. False: it faulted. */
bool remote_write_record(struct remote *remote, const struct siov_process *process, uint64_t iova,
			 const uint64_t words[REMOTE_RECORD_WORDS]);

#endif /* REMOTE_PRIV_H */

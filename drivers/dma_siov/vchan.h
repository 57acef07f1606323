/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A virtual channel: a ring of descriptors, and a seat of the port's VDEV.
 *
 *     head        done           sent         tail
 *      |  to reap  |  in flight   |  collected  |     free, up to room
 *
 * Positions count up for ever; an operation's index is the low 16 bits of its position. What was
 * enqueued is collected, and sent as one batch by the doorbell, or when there are BATCH of them; one
 * alone goes as it is. A submission has a record; of its operations only those that fail write theirs.
 * One thread at a time uses a channel, as rte_dmadev has it.
 */
#ifndef DMA_SIOV_VCHAN_H
#define DMA_SIOV_VCHAN_H

#include <rte_dmadev.h>

#include "vdev.h"

#define VCHAN_DESC_MAX 32768u /* more would give two operations one index */
#define VCHAN_SGES_MAX 16u /* of each side of a scatter-gather list */
#define VCHAN_BATCH 32u /* operations of one submission, at most */
#define VCHAN_PIECES_MAX (2 * VCHAN_SGES_MAX) /* that such a pair of lists is cut into */

/* The descriptors of one scatter-gather copy, and the record of the one that failed. */
struct vchan_list {
	struct dsa_hw_desc descs[VCHAN_PIECES_MAX];
	struct dsa_completion_record failed;
} __attribute__((aligned(64)));

enum submission_kind {
	SUBMISSION_ONE, /* an operation as it is */
	SUBMISSION_BATCH, /* several operations */
	SUBMISSION_LIST, /* one scatter-gather copy, as a batch of its pieces */
};

/* What the queue has taken. */
struct submission {
	struct dsa_completion_record rec;
	uint64_t end; /* position behind its last operation */
	enum submission_kind kind;
} __attribute__((aligned(64)));

struct vchan {
	struct siov_vm_portal *portal;
	struct dsa_hw_desc *descs; /* of operations */
	struct submission *subs;
	struct dsa_completion_record
		*recs; /* of operations: status 0, or that of one that failed */
	uint64_t head, done, sent, tail;
	uint64_t rung; /* the doorbell was: what is before it is to be sent */
	uint64_t bad; /* before it some may have failed */
	uint64_t sub_head, sub_tail; /* submissions in flight */
	uint32_t mask; /* of all rings */
	uint32_t room; /* operations at most; 0: it is stopped */
	bool is_dwq;
	bool is_silent; /* nobody asks for completions */
	struct emu *polled; /* device whose engine the caller polls; NULL: it has a thread */
	struct vchan_list *lists;
	uint64_t submitted_base, completed_base; /* positions where statistics began */
	uint64_t errors;
	uint32_t nb_desc, pasid; /* as it was set up; 0: it was not, the port's */
	struct vdev_seat seat;
} __attribute__((aligned(64)));

/* What the fast path of rte_dmadev gets as dev_private. */
struct port {
	struct vdev *vdev;
	uint16_t nb_vchans;
	bool is_started;
	struct vchan *vchans[DMA_SIOV_VCHANS_MAX];
};

/* Make a channel for nb_desc operations; pasid 0: the one the port has for it. 0, -ENOMEM. */
int vchan_create(uint32_t nb_desc, uint32_t pasid, int socket_id, struct vchan **out);
void vchan_free(struct vchan *vc);

/* Open the seat of channel i, and forget what was there before. 0, or an error of vdev_seat_open(). */
int vchan_start(struct vchan *vc, struct vdev *vdev, unsigned int i, bool is_silent);

/* Send what was collected, let all that flies end, then close the seat. What was not reaped is dropped. */
void vchan_stop(struct vchan *vc, struct vdev *vdev);

/* Whether nothing that the doorbell was rung for is in flight. Changes nothing: any thread. */
bool vchan_is_idle(const struct vchan *vc);

/* reap.c: find out what has ended, which moves done. */
void vchan_settle(struct vchan *vc);

/* reap.c: in silent mode what has ended makes room. */
void vchan_reap_silently(struct vchan *vc);

/* ops.c: send what was collected. Whether the queue took all of it. */
bool vchan_flush(struct vchan *vc);

void vchan_stats(const struct vchan *vc, struct rte_dma_stats *stats);
void vchan_stats_reset(struct vchan *vc);

/* The fast path, as rte_dmadev calls it; dev_private: struct port. */
int vchan_copy(void *dev_private, uint16_t vchan, rte_iova_t src, rte_iova_t dst, uint32_t length,
	       uint64_t flags);
int vchan_copy_sg(void *dev_private, uint16_t vchan, const struct rte_dma_sge *src,
		  const struct rte_dma_sge *dst, uint16_t nb_src, uint16_t nb_dst, uint64_t flags);
int vchan_fill(void *dev_private, uint16_t vchan, uint64_t pattern, rte_iova_t dst, uint32_t length,
	       uint64_t flags);
int vchan_submit(void *dev_private, uint16_t vchan);
uint16_t vchan_completed(void *dev_private, uint16_t vchan, const uint16_t nb_cpls,
			 uint16_t *last_idx, bool *has_error);
uint16_t vchan_completed_status(void *dev_private, uint16_t vchan, const uint16_t nb_cpls,
				uint16_t *last_idx, enum rte_dma_status_code *status);
uint16_t vchan_burst_capacity(const void *dev_private, uint16_t vchan);

#endif /* DMA_SIOV_VCHAN_H */

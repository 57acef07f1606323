/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A VDEV's state as bytes, to be brought back into another VDEV, of this host or another.
 *
 *     0  "SIOVVDEV"   8 bytes
 *     8  version      u32
 *    12  CRC-32C      u32, of all that follows
 *    16  length       u64, of the whole image [bytes]
 *    24  the rest     u64 words, little-endian, in the order of image_pass(); bytes of the
 *                     configuration space and of the channel's page, filled up to words
 *
 * Numbers of the host are not in it: functions, queues, host PASIDs, interrupt handles. Nothing is in
 * flight in it: a VDEV is saved when it is stopped.
 */
#ifndef VDEV_IMAGE_H
#define VDEV_IMAGE_H

#include "siov_vdev.h"

#define IMAGE_VERSION 2u
#define IMAGE_HEAD 24u
#define IMAGE_CFG_BYTES 4096u
#define IMAGE_CHANNEL_BYTES SIOV_VDEV_CHANNEL_BYTES
#define IMAGE_CONTEXTS_MAX 65536u

struct image_wq {
	uint64_t config;
	uint64_t is_enabled;
};

struct image_vector {
	uint64_t addr;
	uint64_t data;
	uint64_t is_masked;
	uint64_t is_pending;
};

/* A guest PASID with tables of the guest's. */
struct image_space {
	uint64_t guest;
	uint64_t fs_root;
	uint64_t levels;
	uint64_t has_pages;
};

struct image_context {
	uint64_t wq;
	uint64_t guest;
	uint64_t vector;
};

struct image {
	char type[16];
	uint64_t nb_wqs, nb_vectors, page_bytes;
	struct siov_hostdrv_generation gen;
	uint64_t is_enabled;
	uint64_t genctrl, intcause, cmd, cmdsts;
	uint64_t swerr[8];
	uint64_t msixperm[SIOV_VDEV_VECTORS_MAX];
	struct image_wq wqs[SIOV_VDEV_WQS_MAX];
	struct image_vector vectors[SIOV_VDEV_VECTORS_MAX];
	uint64_t channel_version, channel_doorbell, channel_done;
	uint64_t nb_pages; /* page requests told; none waits */
	uint64_t counts[5]; /* accepted, completed, failed, aborted, bytes */
	uint8_t cfg[IMAGE_CFG_BYTES];
	uint8_t channel[IMAGE_CHANNEL_BYTES];
	uint64_t nb_spaces, nb_contexts;
	struct image_space *spaces; /* nb_spaces; the caller's */
	struct image_context *contexts;
};

/* Bytes of an image with as many spaces and contexts. */
size_t image_bytes(uint64_t nb_spaces, uint64_t nb_contexts);

/* Write it. Bytes, or -ENOSPC. */
int64_t image_write(const struct image *image, void *out, size_t len);

/*
 * Read the head and how many spaces and contexts there are; the arrays are the caller's to provide
 * before image_read(). 0, -EBADMSG, -ENOTSUP.
 */
int image_check(const void *in, size_t len, uint64_t *nb_spaces, uint64_t *nb_contexts);

/* All of an image that image_check() has found good. */
void image_read(struct image *image, const void *in, size_t len);

#endif /* VDEV_IMAGE_H */

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An ADI's state as bytes, to be brought back into another ADI, of this device or another.
 *
 *     0  "SIOVADI" 0     8 bytes
 *     8  version         u16
 *    10  type            u16, enum siov_adi_type
 *    12  length          u32, of the whole image [bytes]
 *    16  CRC-32C         u32, of the whole image with this field 0
 *    20  owner, dedicated queues, messages: a byte each, and one that is 0
 *    24  QoS: 7 x u64    as struct adi_image_qos has them
 *    80  counts: 5 x u64 accepted, completed, failed, aborted, bytes
 *   120  messages: 24 bytes each: address u64, data u32, flags u32, interval [us] u32, events u32
 *
 * Little-endian. PASIDs and queue numbers are the host's business and not in it: whoever restores
 * has configured them. Nothing is in flight in it: an ADI is saved when it is quiet.
 */
#ifndef ADI_IMAGE_H
#define ADI_IMAGE_H

#include <stddef.h>

#include "adi.h"

#define ADI_IMAGE_VERSION 1u
#define ADI_IMAGE_HEAD 120u
#define ADI_IMAGE_MESSAGE 24u
#define ADI_IMAGE_MAX (ADI_IMAGE_HEAD + SIOV_ADI_MESSAGES_MAX * ADI_IMAGE_MESSAGE)

#define ADI_IMAGE_MASKED 0x1u
#define ADI_IMAGE_PENDING 0x2u

struct adi_image_message {
	uint64_t addr;
	uint32_t data;
	uint32_t flags; /* ADI_IMAGE_* */
	uint32_t interval_us;
	uint32_t max_events;
};

/* As siov_qos_conf has it; all 0: none. */
struct adi_image_qos {
	uint64_t max_outstanding;
	uint64_t weight;
	uint64_t priority;
	uint64_t rate_ops;
	uint64_t burst_ops;
	uint64_t rate_bytes;
	uint64_t burst_bytes;
};

struct adi_image {
	uint8_t type;
	uint8_t owner;
	uint8_t nb_dwqs;
	uint8_t nb_messages;
	struct adi_image_qos qos;
	struct adi_counts counts;
	struct adi_image_message messages[SIOV_ADI_MESSAGES_MAX];
};

/* Bytes written, or -ENOSPC: len is too small for it. */
int adi_image_write(const struct adi_image *image, uint8_t *out, size_t len);

/*
 * 0; -EBADMSG: no image, or a damaged one; -ENOTSUP: of a version or type that is not known here.
 * *image is written on success only.
 */
int adi_image_read(struct adi_image *image, const uint8_t *in, size_t len);

#endif /* ADI_IMAGE_H */

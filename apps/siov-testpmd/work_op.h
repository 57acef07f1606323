/* SPDX-License-Identifier: BSD-3-Clause */
/* Operations that a workload can ask for: descriptors, expected records, and how to check them. */
#ifndef WORK_OP_H
#define WORK_OP_H

#include <stdbool.h>

#include "siov_desc.h"

/* A completion record as its client reads it: the first word holds status, result and bytes. */
struct work_record {
	SIOV_ATOMIC(uint64_t) word0;
	uint64_t fault_addr;
	uint64_t value; /* CRC in the low half */
	uint64_t rsvd;
};

SIOV_STATIC_ASSERT(sizeof(struct work_record) == SIOV_COMP_SIZE, "a record is 32 bytes");

/* Status code of a record's first word. */
static inline unsigned int
work_record_status(uint64_t word0)
{
	return word0 & DSA_COMP_STATUS_MASK;
}

struct work_op {
	const char *name;
	uint8_t opcode;
	bool has_data; /* moves or reads buf_sz bytes at src or dst */
	bool writes; /* to dst */
	bool has_crc; /* the record's value */
	bool has_dst2; /* writes there too; both lie alike in their pages */
};

#define WORK_OP_NAMES "noop, memmove, fill, compare, compval, dualcast, crcgen, copycrc, cflush"

extern const struct work_op work_ops[];
extern const unsigned int nb_work_ops;

/* NULL if there is none. */
const struct work_op *work_op_find(const char *name);

/* Where one operation works, as the device and as the host see it. */
struct work_bufs {
	uint64_t src_iova;
	uint64_t dst_iova;
	uint8_t *src;
	uint8_t *dst;
	uint64_t dst2_iova;
	uint8_t *dst2;
	uint32_t size; /* bytes */
};

#define WORK_PATTERN UINT64_C(0x1ab3c5d7e9f02468) /* of fill and compval */

/* Fill in everything but PASID, Priv and completion address. */
void work_op_prepare(const struct work_op *op, const struct work_bufs *bufs,
		     struct dsa_hw_desc *desc);

/* Give src and dst the contents from which the operation succeeds, and dst none of its result. */
void work_op_fill_bufs(const struct work_op *op, const struct work_bufs *bufs, uint64_t seed);

/* The first word that a record of a success has. */
uint64_t work_op_expected(const struct work_op *op, uint32_t size);

/* Whether memory and record hold what the operation should have left there. */
bool work_op_is_right(const struct work_op *op, const struct work_bufs *bufs,
		      const struct work_record *rec);

/* CRC32C (Castagnoli) as descriptor and record count it: seed 0 for a first block. */
uint32_t work_crc32c(uint32_t seed, const uint8_t *data, size_t len);

/* Pseudo-random numbers; *state is never 0. */
uint64_t work_random(uint64_t *state);

#endif /* WORK_OP_H */

/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file
 * What moves, fills, comparisons, sums, dualcasts and flushes do: a reference that takes one byte,
 * and one bit of a sum, at a time.
 */
#ifndef OPS_MODEL_H
#define OPS_MODEL_H

#include "rig.h"

/** The byte at @p iova for reading or writing, or NULL: it faults. */
typedef uint8_t *(*ops_byte_fn)(void *ctx, uint64_t iova, bool is_write);

struct ops_outcome {
	uint8_t status;
	uint8_t result;
	uint32_t done;
	uint64_t fault_addr;
	uint32_t value; /**< a sum, or as far as it got */
};

/** Whether a move starts at the high end. */
bool ops_model_is_backward(const struct dsa_hw_desc *desc);

/** Carry out @p desc, which is right, on the bytes that @p byte gives. */
struct ops_outcome ops_model_run(const struct dsa_hw_desc *desc, ops_byte_fn byte, void *ctx);

/** The sum of @p len bytes, as the descriptor's flags say; @p seed as its field or memory has it. */
uint32_t ops_model_crc(uint32_t flags, uint32_t seed, const uint8_t *data, uint64_t len);

/** Whether two of the operands of a dualcast overlap, or its destinations lie unlike. */
uint8_t ops_model_check_dualcast(const struct dsa_hw_desc *desc);

#endif /* OPS_MODEL_H */

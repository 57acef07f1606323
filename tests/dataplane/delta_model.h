/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file
 * What making and applying a delta record should do, one word and one byte at a time.
 */
#ifndef DELTA_MODEL_H
#define DELTA_MODEL_H

#include "rig.h"

/** What is to be told of a descriptor that was found right. */
struct delta_outcome {
	uint8_t status, result;
	uint32_t done; /**< bytes of the data */
	uint32_t len; /**< bytes of the record */
	uint64_t fault_addr;
};

bool delta_model_is_delta(uint8_t opcode);

/** Whether a byte of 38 to 63 that the operation does not use is not zero. */
bool delta_model_has_reserved(const struct dsa_hw_desc *desc);

/** The status that refuses operands whose size is otherwise allowed, or 0. */
uint8_t delta_model_check(const struct dsa_hw_desc *desc);

/** Run it in memory that @p byte gives: the byte at an address, NULL where access is refused. */
struct delta_outcome delta_model_run(const struct dsa_hw_desc *desc,
				     uint8_t *(*byte)(void *ctx, uint64_t iova, bool is_write),
				     void *ctx);

/** Assert that a record tells the outcome. */
void delta_model_compare(const struct dsa_completion_record *rec, const struct delta_outcome *out);

#endif /* DELTA_MODEL_H */

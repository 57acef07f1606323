/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file
 * What operations on blocks with tuples come to, one byte and one bit at a time.
 *
 * The operands are taken from bytes 40 to 63 of the descriptor as the reference numbers them, not
 * from the fields of any header.
 */
#ifndef DIF_MODEL_H
#define DIF_MODEL_H

#include "rig.h"

#define DIF_TUPLE 8u
#define DIF_LEN_MAX (4104u + DIF_TUPLE) /**< bytes of a block with its tuple */
#define DIF_BAD_GUARD 1u
#define DIF_BAD_APP 2u
#define DIF_BAD_REF 4u
#define DIF_BAD_ALL_F 8u

/** The byte at @p iova, or NULL if it may not be read (or written). */
typedef uint8_t *(*dif_byte_fn)(void *ctx, uint64_t iova, bool is_write);

/** What the device must answer. */
struct dif_outcome {
	uint8_t status;
	uint8_t result;
	uint32_t done;
	uint64_t fault_addr;
	uint64_t words[2]; /**< bytes 16 to 31 */
};

bool dif_model_is_dif(uint8_t opcode);
bool dif_model_writes(uint8_t opcode);

/** Bytes of a block in the source and in the destination. */
uint32_t dif_model_src_len(const struct dsa_hw_desc *desc);
uint32_t dif_model_dst_len(const struct dsa_hw_desc *desc);

/** Whether bytes 38 to 63 have a bit that the opcode reserves. */
bool dif_model_has_reserved(const struct dsa_hw_desc *desc);

/** The status that refuses sizes and distances, or 0. */
uint8_t dif_model_check(const struct dsa_hw_desc *desc);

/** Do it. */
struct dif_outcome dif_model_run(const struct dsa_hw_desc *desc, dif_byte_fn byte, void *ctx);

/** Sum of a block with the descriptor's seed and inversion. */
uint16_t dif_model_guard(const struct dsa_hw_desc *desc, const uint8_t *block, uint32_t len);

/** CRC16 with polynomial 0x8bb7, no reflection. */
uint16_t dif_model_crc(uint16_t crc, const uint8_t *bytes, uint32_t len);

/** Put the tuple behind @p block that the descriptor expects of the source's block @p i. */
void dif_model_make_right(const struct dsa_hw_desc *desc, uint8_t *block, uint32_t i);

/** Flags, seeds and masks at random; right in what is reserved. */
void dif_model_choose(struct rig *rig, struct dsa_hw_desc *desc);

/** Assert that a record tells the outcome. */
void dif_model_compare(const struct dsa_completion_record *rec, const struct dif_outcome *out);

#endif /* DIF_MODEL_H */

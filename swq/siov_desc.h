/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file
 * The bytes that cross a portal: 64-byte descriptors and 32-byte completion records.
 *
 * The formats are those of <linux/idxd.h> (Intel DSA), so that software written for DSA finds what
 * it knows. This header only proves their layout and names the bits of the first dword that the
 * queue itself uses while a descriptor lies in a lane.
 *
 *     dword 0 of a descriptor   31     30:20      19:0
 *                               Priv   reserved   PASID
 *     dword 0 of a lane's slot  Priv   lap tag    PASID
 *
 * The lap tag tells a published slot from what the lap before left there; it is taken out again
 * before anything looks at the descriptor.
 *
 * Spec: 7.3 (DMWr carries the PASID); reference: Intel DSA, descriptor and completion record.
 */
#ifndef SIOV_DESC_H
#define SIOV_DESC_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/idxd.h>

#include "siov_compat.h"

#ifdef __cplusplus
#define SIOV_STATIC_ASSERT(cond, text) static_assert(cond, text)
#else
/** Assert while compiling, in C and in C++. */
#define SIOV_STATIC_ASSERT(cond, text) _Static_assert(cond, text)
#endif

#define SIOV_DESC_SIZE 64u /**< bytes of a descriptor */
#define SIOV_COMP_SIZE 32u /**< bytes of a completion record */

#define SIOV_PASID_BITS 20u /**< bits of a PASID */
#define SIOV_PASID_MAX ((1u << SIOV_PASID_BITS) - 1) /**< largest PASID */

#define SIOV_DESC_PASID_MASK UINT64_C(0x000fffff) /**< first dword: PASID */
#define SIOV_DESC_RSVD_MASK UINT64_C(0x7ff00000) /**< first dword: reserved */
#define SIOV_DESC_RSVD_SHIFT 20u /**< of the reserved bits */
#define SIOV_DESC_PRIV UINT64_C(0x80000000) /**< first dword: supervisor */
/** PASID, reserved bits and Priv: what a DMWr replaces in the descriptor's first dword. */
#define SIOV_DESC_ID_MASK UINT64_C(0xffffffff)

/** @name Flags of single operations, which <linux/idxd.h> does not name */
/**@{*/
#define SIOV_OP_FLAG_DST2_STS 0x010000u /**< dualcast: steering tag of the second destination */
#define SIOV_OP_FLAG_FILL16 0x040000u /**< fill: bytes 40 to 47 go on from the pattern */
#define SIOV_OP_FLAG_CRC_SEED 0x010000u /**< CRC: the seed is in memory, at bytes 48 to 55 */
#define SIOV_OP_FLAG_CRC_BYPASS 0x020000u /**< CRC: seed and sum neither inverted nor reflected */
#define SIOV_OP_FLAG_CRC_BYPASS_DATA 0x040000u /**< CRC: data are not reflected */
/**@}*/

/** Completion status of what an abort or a reset ended; DSA has no code for it. */
#define SIOV_COMP_ABORTED 0x3fu

SIOV_STATIC_ASSERT(sizeof(struct dsa_hw_desc) == SIOV_DESC_SIZE, "descriptor is 64 bytes");
SIOV_STATIC_ASSERT(offsetof(struct dsa_hw_desc, completion_addr) == 8, "completion address");
SIOV_STATIC_ASSERT(offsetof(struct dsa_hw_desc, src_addr) == 16, "source address");
SIOV_STATIC_ASSERT(offsetof(struct dsa_hw_desc, dst_addr) == 24, "destination address");
SIOV_STATIC_ASSERT(offsetof(struct dsa_hw_desc, xfer_size) == 32, "transfer size");
SIOV_STATIC_ASSERT(offsetof(struct dsa_hw_desc, int_handle) == 36, "interrupt handle");
SIOV_STATIC_ASSERT(offsetof(struct dsa_hw_desc, rsvd1) == 38, "reserved bytes");
SIOV_STATIC_ASSERT(offsetof(struct dsa_hw_desc, op_specific) == 40, "operation-specific bytes");
SIOV_STATIC_ASSERT(offsetof(struct dsa_hw_desc, dest2) == 40, "second destination");
SIOV_STATIC_ASSERT(offsetof(struct dsa_hw_desc, crc_seed) == 40, "CRC seed");
SIOV_STATIC_ASSERT(offsetof(struct dsa_hw_desc, seed_addr) == 48, "CRC seed address");
SIOV_STATIC_ASSERT(offsetof(struct dsa_hw_desc, src_upd_flags) == 40, "DIF source flags");
SIOV_STATIC_ASSERT(offsetof(struct dsa_hw_desc, upd_dest_flags) == 41, "DIF destination flags");
SIOV_STATIC_ASSERT(offsetof(struct dsa_hw_desc, dif_upd_flags) == 42, "DIF flags");
SIOV_STATIC_ASSERT(offsetof(struct dsa_hw_desc, src_ref_tag_seed) == 48, "DIF source tags");
SIOV_STATIC_ASSERT(offsetof(struct dsa_hw_desc, dest_ref_tag_seed) == 56, "DIF destination tags");

SIOV_STATIC_ASSERT(sizeof(struct dsa_completion_record) == SIOV_COMP_SIZE, "record is 32 bytes");
SIOV_STATIC_ASSERT(offsetof(struct dsa_completion_record, status) == 0, "status");
SIOV_STATIC_ASSERT(offsetof(struct dsa_completion_record, result) == 1, "result");
SIOV_STATIC_ASSERT(offsetof(struct dsa_completion_record, bytes_completed) == 4, "bytes completed");
SIOV_STATIC_ASSERT(offsetof(struct dsa_completion_record, fault_addr) == 8, "fault address");
SIOV_STATIC_ASSERT(offsetof(struct dsa_completion_record, crc_val) == 16, "CRC value");

/**
 * A descriptor as eight words: what moves through portals and lanes. Bytes 4 to 7 (flags and
 * opcode) share the first word with the PASID, so one store publishes all of them.
 */
struct siov_desc_words {
	SIOV_ATOMIC(uint64_t) word0; /**< Priv, tag, PASID, flags, opcode */
	uint64_t word[7]; /**< bytes 8 to 63 */
} __attribute__((aligned(64)));

SIOV_STATIC_ASSERT(sizeof(struct siov_desc_words) == SIOV_DESC_SIZE, "a slot is a cache line");

/** Eight bytes at @p p, whatever type they were written through. */
static inline uint64_t
siov_desc_load_word(const void *p)
{
	uint64_t word;

	__builtin_memcpy(&word, p, sizeof(word));
#if defined(__GNUC__)
	/* Keeps the compiler from joining words, see siov_desc_copy_tail. */
	__asm__("" : "+r"(word));
#endif
	return word;
}

/**
 * Copy bytes 8 to 63, word by word.
 *
 * A descriptor was mostly written just now, field by field. A vector load over several such fields
 * cannot be served from the store buffer: it would wait until they are in the cache, behind all
 * older stores, and those are slots that miss.
 */
static inline void
siov_desc_copy_tail(struct siov_desc_words *dst, const void *src)
{
	const char *from = (const char *)src + sizeof(uint64_t);
	unsigned int i;

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC unroll 7
#endif
	for (i = 0; i < 7; i++)
		dst->word[i] = siov_desc_load_word(from + i * sizeof(uint64_t));
}

#endif /* SIOV_DESC_H */

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sums: CRC-32C, with what flags make of it.
 *
 * op->crc is the register with its lowest bit first, as ISA-L and iSCSI have it. Seed and sum come
 * and go inverted, in that order of bits; or, with bypass, as they are with the highest bit first.
 */
#include <string.h>

#include <isa-l/crc.h>

#include "op_priv.h"

#define FLAGS_SEED (SIOV_OP_FLAG_CRC_SEED | SIOV_OP_FLAG_CRC_BYPASS)

/* The bits of each byte in the other order. */
static inline uint64_t
reflect_bytes(uint64_t v)
{
	v = (v >> 1 & UINT64_C(0x5555555555555555)) | (v & UINT64_C(0x5555555555555555)) << 1;
	v = (v >> 2 & UINT64_C(0x3333333333333333)) | (v & UINT64_C(0x3333333333333333)) << 2;
	return (v >> 4 & UINT64_C(0x0f0f0f0f0f0f0f0f)) | (v & UINT64_C(0x0f0f0f0f0f0f0f0f)) << 4;
}

static uint32_t
reflect(uint32_t v)
{
	return __builtin_bswap32((uint32_t)reflect_bytes(v));
}

/* Data whose bytes come highest bit first. */
static __rte_noinline uint32_t
update_reflected(const uint8_t *data, uint32_t len, uint32_t crc)
{
	uint64_t words[64];
	uint32_t done, n, i;

	for (done = 0; done < len; done += n) {
		n = RTE_MIN(len - done, (uint32_t)sizeof(words));
		memcpy(words, data + done, n);
		for (i = 0; i * sizeof(words[0]) < n; i++)
			words[i] = reflect_bytes(words[i]);
		crc = crc32_iscsi((uint8_t *)words, (int)n, crc);
	}
	return crc;
}

uint32_t
op_crc_update(const struct op *op, const uint8_t *data, uint32_t len, uint32_t crc)
{
	if (unlikely(op->desc->flags & SIOV_OP_FLAG_CRC_BYPASS_DATA))
		return update_reflected(data, len, crc);
	return crc32_iscsi((uint8_t *)(uintptr_t)data, (int)len, crc);
}

uint32_t
op_crc_value(const struct op *op)
{
	return op->desc->flags & SIOV_OP_FLAG_CRC_BYPASS ? reflect(op->crc) : ~op->crc;
}

static uint32_t
to_register(const struct op *op, uint32_t seed)
{
	return op->desc->flags & SIOV_OP_FLAG_CRC_BYPASS ? reflect(seed) : ~seed;
}

/* A seed that is not simply the descriptor's. False: op->status says why; a guard may leave, too. */
static __rte_noinline bool
take_seed(struct op *op, struct siov_atc *atc)
{
	uint32_t seed = op->desc->crc_seed;

	if (op->desc->flags & SIOV_OP_FLAG_CRC_SEED) {
		op->crc = to_register(op, 0);
		if (!op_fetch(op, atc, op->desc->seed_addr, &seed, sizeof(seed)))
			return false;
	}
	op->crc = to_register(op, seed);
	return true;
}

static inline bool
begin(struct op *op, struct siov_atc *atc)
{
	if (likely(!(op->desc->flags & FLAGS_SEED) || op->done != 0))
		return true;
	return take_seed(op, atc);
}

uint32_t
op_step_crc(struct op *op, struct siov_atc *atc, uint32_t max)
{
	uint32_t len = max;
	const uint8_t *src;

	if (!begin(op, atc))
		return 0;
	src = op_translate_src(op, atc, &len);
	if (src == NULL)
		return 0;
	op->crc = op_crc_update(op, src, len, op->crc);
	return len;
}

uint32_t
op_step_copy_crc(struct op *op, struct siov_atc *atc, uint32_t max)
{
	const uint8_t *src;
	uint8_t *dst;
	uint32_t len = max;

	if (!begin(op, atc) || !op_translate_pair(op, atc, &len, &src, &dst))
		return 0;
	memmove(dst, src, len);
	/* Sum what was written: what the guest changes in the source meanwhile is its own affair. */
	op->crc = op_crc_update(op, dst, len, op->crc);
	return len;
}

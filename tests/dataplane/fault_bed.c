/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "fault_bed.h"

int
fault_bed_open(void **state)
{
	struct fault_bed *bed = calloc(1, sizeof(*bed));

	assert_non_null(bed);
	bed->rig = rig_open(&(struct rig_conf){.arena_len = UINT64_C(64) << 20});
	rig_add_wq(bed->rig, &(struct rig_wq_conf){.size = 512});
	bed->guest = rig_add_guest(bed->rig, 0, PASID);
	bed->src = rig_map(bed->guest, SRC, AREA, SIOV_PERM_R, RIG_MIXED);
	bed->dst = rig_map(bed->guest, DST, AREA, SIOV_PERM_W, RIG_SHUFFLED);
	rig_map_at(bed->guest, RO_COMP, rig_take(bed->rig, RIG_PAGE, false), RIG_PAGE, SIOV_PERM_R);
	bed->a = malloc(AREA);
	bed->b = malloc(AREA);
	assert_true(bed->a != NULL && bed->b != NULL);
	rig_random_bytes(bed->rig, bed->a, AREA);
	rig_poke(&bed->src, 0, bed->a, AREA);
	memset(bed->b, UNTOUCHED, AREA);
	rig_poke(&bed->dst, 0, bed->b, AREA);
	*state = bed;
	return 0;
}

int
fault_bed_close(void **state)
{
	struct fault_bed *bed = *state;

	rig_no_error(bed->rig);
	rig_unview(&bed->src);
	rig_unview(&bed->dst);
	rig_close(bed->rig);
	free(bed->a);
	free(bed->b);
	free(bed);
	return 0;
}

const uint8_t data_ops[NB_DATA_OPS] = {DSA_OPCODE_MEMMOVE, DSA_OPCODE_MEMFILL, DSA_OPCODE_COMPARE,
				       DSA_OPCODE_COMPVAL, DSA_OPCODE_CRCGEN,  DSA_OPCODE_COPY_CRC};

bool
reads_src(uint8_t opcode)
{
	return opcode != DSA_OPCODE_MEMFILL;
}

bool
writes_dst(uint8_t opcode)
{
	return opcode == DSA_OPCODE_MEMMOVE || opcode == DSA_OPCODE_MEMFILL ||
	       opcode == DSA_OPCODE_COPY_CRC;
}

struct dsa_hw_desc
desc_of(uint8_t opcode, uint64_t src, uint64_t dst, uint32_t len)
{
	struct dsa_hw_desc desc = rig_desc(opcode);

	desc.src_addr = src;
	desc.dst_addr = dst;
	desc.xfer_size = len;
	return desc;
}

void
check_bytes(const uint8_t *bytes, uint8_t value, uint64_t len)
{
	uint64_t i;

	for (i = 0; i < len; i++) {
		if (bytes[i] != value)
			fail_msg("byte %lu of %lu is %#x, not %#x", (unsigned long)i,
				 (unsigned long)len, bytes[i], value);
	}
}

void
check_untouched(const struct fault_bed *bed)
{
	rig_peek(&bed->src, 0, bed->b, AREA);
	assert_memory_equal(bed->b, bed->a, AREA);
	rig_peek(&bed->dst, 0, bed->b, AREA);
	check_bytes(bed->b, UNTOUCHED, AREA);
}

void
check_no_record(const struct fault_bed *bed)
{
	static const uint8_t zero[RIG_PAGE];

	assert_memory_equal(bed->guest->comps, zero, RIG_PAGE);
}

void
check_fault(const struct dsa_completion_record *rec, uint8_t status, uint64_t fault_addr,
	    uint32_t bytes)
{
	assert_int_equal(rec->status, status);
	assert_int_equal(rec->fault_addr, fault_addr);
	assert_int_equal(rec->bytes_completed, bytes);
	assert_int_equal(rec->result, 0);
}

void
check_error(struct fault_bed *bed, const struct dsa_hw_desc *desc, uint8_t code,
	    uint64_t fault_addr)
{
	struct siov_error error = rig_one_error(bed->rig);

	assert_int_equal(error.code, code);
	assert_int_equal(error.fault_addr, fault_addr);
	assert_int_equal(error.pasid, PASID);
	assert_int_equal(error.wq_id, 0);
	assert_int_equal(error.opcode, desc->opcode);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "batch_bed.h"

int
batch_bed_open(void **state)
{
	struct batch_bed *bed = calloc(1, sizeof(*bed));
	uint8_t *bytes = malloc(BATCH_AREA);

	assert_non_null(bed);
	assert_non_null(bytes);
	bed->rig = rig_open(&(struct rig_conf){.arena_len = UINT64_C(16) << 20});
	rig_add_wq(bed->rig, &(struct rig_wq_conf){.batch_max = BATCH_MAX});
	bed->guest = rig_add_guest(bed->rig, 0, BATCH_PASID);
	bed->src = rig_map(bed->guest, BATCH_SRC, BATCH_AREA, SIOV_PERM_R, RIG_SHUFFLED);
	bed->dst =
		rig_map(bed->guest, BATCH_DST, BATCH_AREA, SIOV_PERM_R | SIOV_PERM_W, RIG_SHUFFLED);
	bed->list = rig_map(bed->guest, BATCH_LIST, 2 * RIG_PAGE, SIOV_PERM_R, RIG_SHUFFLED);
	rig_random_bytes(bed->rig, bytes, BATCH_AREA);
	rig_poke(&bed->src, 0, bytes, BATCH_AREA);
	free(bytes);
	*state = bed;
	return 0;
}

int
batch_bed_close(void **state)
{
	struct batch_bed *bed = *state;

	rig_no_error(bed->rig);
	rig_unview(&bed->src);
	rig_unview(&bed->dst);
	rig_unview(&bed->list);
	rig_close(bed->rig);
	free(bed);
	return 0;
}

struct dsa_hw_desc
batch_of(uint32_t nb)
{
	struct dsa_hw_desc desc = rig_desc(DSA_OPCODE_BATCH);

	desc.desc_list_addr = BATCH_LIST;
	desc.desc_count = nb;
	return desc;
}

struct dsa_hw_desc
batch_noop(unsigned int i)
{
	struct dsa_hw_desc desc = rig_desc(DSA_OPCODE_NOOP);

	desc.completion_addr = rig_comp(1 + i);
	return desc;
}

struct dsa_hw_desc
batch_copy(unsigned int i, uint64_t offset, uint32_t len)
{
	struct dsa_hw_desc desc = rig_desc(DSA_OPCODE_MEMMOVE);

	desc.completion_addr = rig_comp(1 + i);
	desc.src_addr = BATCH_SRC + offset;
	desc.dst_addr = BATCH_DST + offset;
	desc.xfer_size = len;
	return desc;
}

void
batch_put(const struct batch_bed *bed, unsigned int i, const struct dsa_hw_desc *desc)
{
	rig_poke(&bed->list, (uint64_t)i * SIOV_DESC_SIZE, desc, SIOV_DESC_SIZE);
}

void
batch_put_noops(const struct batch_bed *bed, unsigned int nb)
{
	unsigned int i;

	for (i = 0; i < nb; i++) {
		const struct dsa_hw_desc desc = batch_noop(i);

		batch_put(bed, i, &desc);
	}
}

struct dsa_completion_record
batch_run(const struct batch_bed *bed, uint32_t nb)
{
	const struct dsa_hw_desc desc = batch_of(nb);

	return rig_run(bed->guest, &desc);
}

uint8_t
batch_status(const struct batch_bed *bed, unsigned int i)
{
	return bed->guest->comps[1 + i].status;
}

void
batch_check(const struct dsa_completion_record *rec, uint8_t status, uint32_t done)
{
	assert_int_equal(rec->status, status);
	assert_int_equal(rec->bytes_completed, done);
}

void
batch_check_copy(const struct batch_bed *bed, uint64_t offset, uint32_t len, bool is_done)
{
	uint8_t *src = calloc(1, len);
	uint8_t *dst = malloc(len);

	assert_non_null(src);
	assert_non_null(dst);
	if (is_done)
		rig_peek(&bed->src, offset, src, len);
	rig_peek(&bed->dst, offset, dst, len);
	assert_memory_equal(dst, src, len);
	free(src);
	free(dst);
}

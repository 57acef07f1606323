/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include <sys/mman.h>

#include "sva_bed.h"

struct sva_bed *
sva_open(void)
{
	const struct siov_domain_conf conf = {.kind = SIOV_DOMAIN_PROCESS};
	struct sva_bed *bed = calloc(1, sizeof(*bed));
	struct siov_lane *lane;
	unsigned int q;

	assert_non_null(bed);
	bed->rig = rig_open(&(struct rig_conf){.arena_len = 2 * RIG_2M});
	q = rig_add_wq(bed->rig, &(struct rig_wq_conf){.size = 64, .batch_max = 64});
	assert_int_equal(siov_wq_attach(&bed->rig->fm.mem, bed->rig->wqs[q], 0, &lane), 0);
	/* It waits for the engines, of which this thread is one. */
	siov_engine_stop(bed->rig->engines[0]);
	assert_int_equal(siov_domain_create(bed->rig->iommu, &conf, &bed->dom), 0);
	siov_engine_start(bed->rig->engines[0]);
	bed->guest = rig_add_guest_on(bed->rig, lane, SVA_PASID, bed->dom);
	bed->foreign = rig_add_guest_on(bed->rig, lane, FOREIGN_PASID, NULL);
	bed->comp = aligned_alloc(64, 64);
	assert_non_null(bed->comp);
	return bed;
}

void
sva_close(struct sva_bed *bed)
{
	rig_no_error(bed->rig);
	rig_close(bed->rig);
	free(bed->comp);
	free(bed);
}

struct dsa_hw_desc
sva_desc(const struct sva_bed *bed, uint8_t opcode, uint64_t src, uint64_t dst, uint32_t len)
{
	struct dsa_hw_desc desc = rig_desc(opcode);

	desc.completion_addr = addr_of(bed->comp);
	desc.src_addr = src;
	desc.dst_addr = dst;
	desc.xfer_size = len;
	return desc;
}

struct dsa_completion_record
sva_run(struct sva_bed *bed, const struct dsa_hw_desc *desc)
{
	memset(bed->comp, 0, sizeof(*bed->comp));
	rig_submit(bed->guest, desc);
	rig_settle(bed->rig);
	return *bed->comp;
}

void
sva_check_fault(const struct dsa_completion_record *rec, uint8_t status, uint64_t fault_addr,
		uint32_t bytes)
{
	assert_int_equal(rec->status, status);
	assert_int_equal(rec->fault_addr, fault_addr);
	assert_int_equal(rec->bytes_completed, bytes);
}

uint8_t *
sva_map(size_t len)
{
	uint8_t *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(p, MAP_FAILED);
	return p;
}

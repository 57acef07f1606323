/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "prs_bed.h"

struct prs_bed *
prs_open(unsigned int nb_engines, uint64_t timeout_cycles, uint32_t prq_entries)
{
	const struct rig_conf conf = {
		.arena_len = UINT64_C(16) << 20,
		.nb_engines = nb_engines,
		.nb_latency = 8,
		.page_timeout_cycles = timeout_cycles,
	};
	const struct rig_wq_conf wq_conf = {
		.size = 512,
		.flags = SIOV_WQ_F_BOF | SIOV_WQ_F_STAMPS,
		.nb_engines = nb_engines,
		.batch_max = 64,
	};
	const struct siov_prq_conf prq_conf = {.entries = prq_entries};
	struct prs_bed *bed = calloc(1, sizeof(*bed));

	assert_non_null(bed);
	bed->rig = rig_open(&conf);
	rig_add_wq(bed->rig, &wq_conf);
	assert_int_equal(siov_prq_create(bed->rig->iommu, &prq_conf, &bed->prq), 0);
	bed->guest = prs_add_guest(bed, PASID, true);
	return bed;
}

void
prs_close(struct prs_bed *bed)
{
	rig_no_error(bed->rig);
	rig_close(bed->rig);
	free(bed);
}

int
prs_setup(void **state)
{
	*state = prs_open(1, NEVER, 0);
	return 0;
}

int
prs_teardown(void **state)
{
	prs_close(*state);
	return 0;
}

struct rig_guest *
prs_add_guest(struct prs_bed *bed, uint32_t pasid, bool has_comps)
{
	const struct siov_domain_conf conf = {
		.kind = SIOV_DOMAIN_SECOND_STAGE,
		.max_page_shift = 21,
		.prq = bed->prq,
	};
	struct siov_domain *dom;
	struct siov_lane *lane;
	struct rig_guest *guest;

	assert_int_equal(siov_domain_create(bed->rig->iommu, &conf, &dom), 0);
	assert_int_equal(siov_wq_attach(&bed->rig->fm.mem, bed->rig->wqs[0], 0, &lane), 0);
	guest = rig_add_guest_on(bed->rig, lane, pasid, dom);
	guest->comps = (void *)rig_take(bed->rig, RIG_PAGE, false);
	if (has_comps)
		rig_map_at(guest, RIG_COMP_IOVA, guest->comps, RIG_PAGE, RW);
	return guest;
}

uint8_t *
prs_map(struct rig_guest *guest, uint64_t iova, unsigned int perm)
{
	uint8_t *page = rig_take(guest->rig, RIG_PAGE, false);

	rig_map_at(guest, iova, page, RIG_PAGE, perm);
	return page;
}

struct dsa_hw_desc
prs_copy(uint32_t len, unsigned int comp)
{
	struct dsa_hw_desc desc = rig_desc(DSA_OPCODE_MEMMOVE);

	desc.flags |= IDXD_OP_FLAG_BOF;
	desc.src_addr = SRC;
	desc.dst_addr = DST;
	desc.xfer_size = len;
	desc.completion_addr = rig_comp(comp);
	return desc;
}

struct siov_vtd_page_request
prs_take(struct prs_bed *bed, uint32_t pasid, uint64_t iova, unsigned int perm)
{
	struct siov_vtd_page_request req[2];

	assert_int_equal(siov_prq_take(bed->prq, req, 2), 1);
	assert_int_equal(siov_page_request_pasid(&req[0]), pasid);
	assert_int_equal(siov_page_request_addr(&req[0]), iova);
	assert_int_equal(req[0].q1 & 3, perm);
	return req[0];
}

void
prs_take_none(struct prs_bed *bed)
{
	struct siov_vtd_page_request req;

	assert_int_equal(siov_prq_take(bed->prq, &req, 1), 0);
}

void
prs_answer(struct prs_bed *bed, const struct siov_vtd_page_request *req, enum siov_page_answer code)
{
	const struct siov_vtd_page_response resp = siov_page_response(req, code);

	assert_int_equal(siov_prq_respond(bed->prq, &resp), 0);
}

struct siov_engine_stats
prs_stats(const struct prs_bed *bed)
{
	struct siov_engine_stats stats;

	siov_engine_get_stats(bed->rig->engines[0], &stats);
	return stats;
}

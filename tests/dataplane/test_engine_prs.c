/* SPDX-License-Identifier: BSD-3-Clause */
/* Operations that block on faults: asked, parked, answered, given up. */
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include "prs_bed.h"

#define PARK_PER_PASID 64u /* as in park_priv.h */
#define PARK_ENTRIES 512u

static uint8_t
status_of(const struct rig_guest *guest, unsigned int comp)
{
	return guest->comps[comp].status;
}

static void
expect_fault(const struct rig_guest *guest, uint8_t status, uint64_t addr, uint32_t bytes)
{
	assert_int_equal(guest->comps[0].status, status);
	assert_int_equal(guest->comps[0].fault_addr, addr);
	assert_int_equal(guest->comps[0].bytes_completed, bytes);
}

static uint32_t
nb_parked(const struct prs_bed *bed)
{
	return engine_nb_parked(bed->rig->engines[0], 0);
}

static void
test_s9_4_4_1_absent_page_is_requested_served_and_the_operation_goes_on(void **state)
{
	struct prs_bed *bed = *state;
	const struct dsa_hw_desc desc = prs_copy(64, 0);
	struct siov_vtd_page_request req;
	struct siov_hist_sum latency = {0};
	struct siov_stats stats;
	uint8_t *src, *dst;

	rig_submit(bed->guest, &desc);
	rig_settle(bed->rig);
	req = prs_take(bed, PASID, SRC, SIOV_PERM_R);
	assert_int_equal(status_of(bed->guest, 0), 0);
	assert_int_equal(nb_parked(bed), 1);
	src = prs_map(bed->guest, SRC, SIOV_PERM_R);
	rig_random_bytes(bed->rig, src, 64);
	prs_answer(bed, &req, SIOV_PAGE_SUCCESS);
	rig_settle(bed->rig);
	/* Now the destination. */
	req = prs_take(bed, PASID, DST, SIOV_PERM_W);
	assert_int_equal(status_of(bed->guest, 0), 0);
	dst = prs_map(bed->guest, DST, SIOV_PERM_W);
	prs_answer(bed, &req, SIOV_PAGE_SUCCESS);
	rig_settle(bed->rig);
	expect_fault(bed->guest, DSA_COMP_SUCCESS, 0, 64);
	assert_memory_equal(dst, src, 64);
	assert_int_equal(nb_parked(bed), 0);
	prs_take_none(bed);
	stats = rig_stats(bed->rig, 0, PASID);
	assert_int_equal(stats.completed, 1);
	assert_int_equal(stats.failed, 0);
	assert_int_equal(stats.latency.total, 1);
	assert_int_equal(prs_stats(bed).parked, 1);
	assert_int_equal(prs_stats(bed).page_requests, 2);
	assert_int_equal(prs_stats(bed).page_answers, 2);
	siov_engine_page_latency(bed->rig->engines[0], &latency);
	assert_int_equal(latency.total, 2);
}

static void
test_s9_4_4_1_without_the_flag_the_operation_ends_at_the_fault(void **state)
{
	struct prs_bed *bed = *state;
	struct dsa_hw_desc desc = prs_copy(64, 0);

	desc.flags &= ~IDXD_OP_FLAG_BOF;
	rig_submit(bed->guest, &desc);
	rig_settle(bed->rig);
	expect_fault(bed->guest, DSA_COMP_PAGE_FAULT_NOBOF, SRC, 0);
	prs_take_none(bed);
}

static void
test_nobody_to_ask_ends_the_operation_at_the_fault(void **state)
{
	struct prs_bed *bed = *state;
	const struct dsa_hw_desc desc = prs_copy(64, 0);
	struct rig_guest *other = rig_add_guest(bed->rig, 0, PASID + 1);

	rig_submit(other, &desc);
	rig_settle(bed->rig);
	expect_fault(other, DSA_COMP_PAGE_FAULT_NOBOF, SRC, 0);
	assert_int_equal(nb_parked(bed), 0);
	assert_int_equal(prs_stats(bed).parked, 0);
}

static void
test_a_queue_that_does_not_allow_it_refuses_the_flag(void **state)
{
	struct rig *rig = rig_open(&(struct rig_conf){.arena_len = RIG_2M});
	const struct dsa_hw_desc desc = prs_copy(64, 0);
	struct dsa_completion_record rec;

	(void)state;
	rig_add_wq(rig, &(struct rig_wq_conf){0});
	rec = rig_run(rig_add_guest(rig, 0, PASID), &desc);
	assert_int_equal(rec.status, DSA_COMP_INVALID_FLAGS);
	assert_int_equal(rec.invalid_flags, IDXD_OP_FLAG_BOF);
	rig_close(rig);
}

static void
test_a_no_op_does_not_know_the_flag(void **state)
{
	struct prs_bed *bed = *state;
	struct dsa_hw_desc desc = rig_desc(DSA_OPCODE_NOOP);

	desc.flags |= IDXD_OP_FLAG_BOF;
	assert_int_equal(rig_run(bed->guest, &desc).status, DSA_COMP_INVALID_FLAGS);
}

static void
test_s9_4_4_1_invalid_and_failure_end_the_operation(void **state)
{
	static const struct {
		enum siov_page_answer code;
		uint8_t status;
	} rows[] = {
		{SIOV_PAGE_INVALID, DSA_COMP_PAGE_FAULT_IR | DSA_COMP_STATUS_WRITE},
		{SIOV_PAGE_FAILURE, DSA_COMP_PAGE_FAULT_NOBOF | DSA_COMP_STATUS_WRITE},
	};
	struct prs_bed *bed = *state;
	struct dsa_hw_desc desc = prs_copy(8192, 0);
	struct siov_vtd_page_request req;
	size_t i;

	prs_map(bed->guest, SRC, SIOV_PERM_R);
	prs_map(bed->guest, SRC + RIG_PAGE, SIOV_PERM_R);
	prs_map(bed->guest, DST, SIOV_PERM_W);
	desc.src_addr += 96;
	desc.xfer_size -= 96;
	for (i = 0; i < RTE_DIM(rows); i++) {
		memset(bed->guest->comps, 0, RIG_PAGE);
		rig_submit(bed->guest, &desc);
		rig_settle(bed->rig);
		req = prs_take(bed, PASID, DST + RIG_PAGE, SIOV_PERM_W);
		assert_int_equal(status_of(bed->guest, 0), 0);
		prs_answer(bed, &req, rows[i].code);
		rig_settle(bed->rig);
		expect_fault(bed->guest, rows[i].status, DST + RIG_PAGE, RIG_PAGE);
		assert_int_equal(nb_parked(bed), 0);
	}
	assert_int_equal(rig_stats(bed->rig, 0, PASID).failed, 2);
}

static void
test_missing_permission_is_asked_for(void **state)
{
	struct prs_bed *bed = *state;
	const struct dsa_hw_desc desc = prs_copy(64, 0);
	struct siov_vtd_page_request req;

	prs_map(bed->guest, SRC, SIOV_PERM_R);
	prs_map(bed->guest, DST, SIOV_PERM_R);
	rig_submit(bed->guest, &desc);
	rig_settle(bed->rig);
	req = prs_take(bed, PASID, DST, SIOV_PERM_W);
	rig_unmap(bed->guest, DST, RIG_PAGE);
	prs_map(bed->guest, DST, SIOV_PERM_W);
	prs_answer(bed, &req, SIOV_PAGE_SUCCESS);
	rig_settle(bed->rig);
	assert_int_equal(status_of(bed->guest, 0), DSA_COMP_SUCCESS);
}

static void
test_what_no_page_can_cure_is_not_asked_for(void **state)
{
	struct prs_bed *bed = *state;
	struct dsa_hw_desc desc = prs_copy(64, 0);

	desc.src_addr = UINT64_C(1) << 50; /* beyond the address width */
	rig_submit(bed->guest, &desc);
	rig_settle(bed->rig);
	expect_fault(bed->guest, DSA_COMP_PAGE_FAULT_NOBOF, desc.src_addr, 0);
	prs_take_none(bed);
}

static void
test_success_that_helps_nothing_is_asked_again_with_pauses(void **state)
{
	struct prs_bed *bed = *state;
	const struct dsa_hw_desc desc = prs_copy(64, 0);
	struct siov_vtd_page_request req;
	unsigned int i, polls;

	rig_submit(bed->guest, &desc);
	rig_settle(bed->rig);
	for (i = 0; i < 5; i++) {
		for (polls = 0; siov_prq_take(bed->prq, &req, 1) == 0; polls++)
			rig_poll(bed->rig);
		/* The second answer might have come too early; after that it has to wait. */
		assert_true(i < 2 || polls != 0);
		prs_answer(bed, &req, SIOV_PAGE_SUCCESS);
		rig_settle(bed->rig);
		assert_int_equal(status_of(bed->guest, 0), 0);
	}
	prs_map(bed->guest, SRC, SIOV_PERM_R);
	prs_map(bed->guest, DST, SIOV_PERM_W);
	while (siov_prq_take(bed->prq, &req, 1) == 0)
		rig_poll(bed->rig);
	prs_answer(bed, &req, SIOV_PAGE_SUCCESS);
	rig_settle(bed->rig);
	assert_int_equal(status_of(bed->guest, 0), DSA_COMP_SUCCESS);
}

static void
test_s9_4_4_1_time_out_ends_the_operation_and_its_late_answer_is_void(void **state)
{
	struct prs_bed *bed = prs_open(1, 1, 0);
	const struct dsa_hw_desc desc = prs_copy(64, 0);
	struct siov_vtd_page_request req;
	struct siov_prq_stats stats;

	(void)state;
	rig_submit(bed->guest, &desc);
	rig_poll(bed->rig);
	/* The time-out is due with the next poll. */
	assert_int_equal(nb_parked(bed), 1);
	req = prs_take(bed, PASID, SRC, SIOV_PERM_R);
	rig_poll(bed->rig);
	expect_fault(bed->guest, DSA_COMP_PAGE_FAULT_NOBOF, SRC, 0);
	assert_int_equal(prs_stats(bed).park_timeouts, 1);
	assert_int_equal(nb_parked(bed), 0);
	/* Nobody waits for it, but its index is not used again before the answer. */
	siov_prq_get_stats(bed->prq, &stats);
	assert_int_equal(stats.nb_outstanding, 1);
	prs_answer(bed, &req, SIOV_PAGE_SUCCESS);
	memset(bed->guest->comps, 0, RIG_PAGE);
	rig_settle(bed->rig);
	assert_int_equal(status_of(bed->guest, 0), 0);
	siov_prq_get_stats(bed->prq, &stats);
	assert_int_equal(stats.nb_outstanding, 0);
	assert_int_equal(stats.nb_late, 1);
	assert_int_equal(stats.nb_answers, 0);
	prs_close(bed);
}

static void
test_a_dropped_request_is_asked_again(void **state)
{
	struct prs_bed *bed = prs_open(1, NEVER, 16);
	struct siov_vtd_page_request req[16];
	unsigned int i, n, nb_done = 0;

	(void)state;
	for (i = 0; i < 20; i++) {
		const struct dsa_hw_desc desc = prs_copy(64, i);

		rig_submit(bed->guest, &desc);
	}
	rig_settle(bed->rig);
	assert_int_equal(nb_parked(bed), 20);
	assert_int_equal(prs_stats(bed).page_requests, 16);
	assert_int_equal(prs_stats(bed).prq_full, 4);
	prs_map(bed->guest, SRC, SIOV_PERM_R);
	prs_map(bed->guest, DST, SIOV_PERM_W);
	while (nb_done < 20) {
		n = siov_prq_take(bed->prq, req, 16);
		for (i = 0; i < n; i++)
			prs_answer(bed, &req[i], SIOV_PAGE_SUCCESS);
		nb_done += n;
		rig_poll(bed->rig);
	}
	rig_settle(bed->rig);
	for (i = 0; i < 20; i++)
		assert_int_equal(status_of(bed->guest, i), DSA_COMP_SUCCESS);
	prs_close(bed);
}

static void
test_one_pasid_cannot_take_all_places(void **state)
{
	struct prs_bed *bed = *state;
	const struct dsa_hw_desc desc = prs_copy(64, 0);
	struct rig_guest *other = prs_add_guest(bed, PASID + 1, true);
	unsigned int i;

	for (i = 0; i < PARK_PER_PASID; i++)
		rig_submit(bed->guest, &desc);
	rig_settle(bed->rig);
	assert_int_equal(nb_parked(bed), PARK_PER_PASID);
	assert_int_equal(status_of(bed->guest, 0), 0);
	rig_submit(bed->guest, &desc);
	rig_settle(bed->rig);
	expect_fault(bed->guest, DSA_COMP_PAGE_FAULT_NOBOF, SRC, 0);
	assert_int_equal(prs_stats(bed).park_refused, 1);
	rig_submit(other, &desc);
	rig_settle(bed->rig);
	assert_int_equal(nb_parked(bed), PARK_PER_PASID + 1);
	assert_int_equal(status_of(other, 0), 0);
}

static void
test_places_of_an_engine_run_out_and_come_back(void **state)
{
	struct prs_bed *bed = *state;
	const struct dsa_hw_desc desc = prs_copy(64, 0);
	struct rig_guest *guests[PARK_ENTRIES / PARK_PER_PASID + 1];
	struct siov_vtd_page_request req;
	unsigned int i, j;

	for (i = 0; i < RTE_DIM(guests); i++)
		guests[i] = prs_add_guest(bed, 100 + i, true);
	for (i = 0; i < RTE_DIM(guests) - 1; i++) {
		for (j = 0; j < PARK_PER_PASID; j++)
			rig_submit(guests[i], &desc);
		rig_settle(bed->rig);
	}
	assert_int_equal(nb_parked(bed), PARK_ENTRIES);
	rig_submit(guests[i], &desc);
	rig_settle(bed->rig);
	expect_fault(guests[i], DSA_COMP_PAGE_FAULT_NOBOF, SRC, 0);
	for (j = 0; j < PARK_ENTRIES; j++) {
		assert_int_equal(siov_prq_take(bed->prq, &req, 1), 1);
		prs_answer(bed, &req, SIOV_PAGE_FAILURE);
	}
	rig_settle(bed->rig);
	assert_int_equal(nb_parked(bed), 0);
	for (i = 0; i < RTE_DIM(guests); i++)
		assert_int_equal(rig_stats(bed->rig, 0, 100 + i).failed,
				 i == RTE_DIM(guests) - 1 ? 1 : PARK_PER_PASID);
	memset(guests[0]->comps, 0, RIG_PAGE);
	rig_submit(guests[0], &desc);
	rig_settle(bed->rig);
	assert_int_equal(nb_parked(bed), 1);
}

static void
test_s7_2_3_neighbours_go_on_while_one_pasid_waits(void **state)
{
	struct prs_bed *bed = *state;
	const struct dsa_hw_desc desc = prs_copy(4096, 0);
	struct rig_guest *other = prs_add_guest(bed, PASID + 1, true);
	struct rig_guest *same_lane =
		rig_add_guest_on(bed->rig, bed->guest->portal.lane, PASID + 2, other->dom);
	unsigned int i;

	same_lane->comps = other->comps;
	prs_map(other, SRC, SIOV_PERM_R);
	prs_map(other, DST, SIOV_PERM_W);
	for (i = 0; i < PARK_PER_PASID; i++)
		rig_submit(bed->guest, &desc);
	for (i = 0; i < 100; i++) {
		assert_int_equal(rig_run(other, &desc).status, DSA_COMP_SUCCESS);
		assert_int_equal(rig_run(same_lane, &desc).status, DSA_COMP_SUCCESS);
	}
	assert_int_equal(nb_parked(bed), PARK_PER_PASID);
	assert_int_equal(rig_stats(bed->rig, 0, PASID).failed, 0);
}

static void
unbind(struct prs_bed *bed, uint32_t pasid)
{
	siov_engine_stop(bed->rig->engines[0]);
	assert_int_equal(siov_pasid_unbind(bed->rig->iommu, pasid), 0);
	siov_engine_start(bed->rig->engines[0]);
}

static void
test_s9_4_4_1_unbound_while_parked(void **state)
{
	struct prs_bed *bed = *state;
	const struct dsa_hw_desc desc = prs_copy(64, 0);
	struct siov_vtd_page_request req;
	struct siov_prq_stats stats;
	struct siov_error errors[50];
	unsigned int i;

	for (i = 0; i < 50; i++)
		rig_submit(bed->guest, &desc);
	rig_settle(bed->rig);
	assert_int_equal(siov_prq_take(bed->prq, &req, 1), 1);
	unbind(bed, PASID);
	rig_settle(bed->rig);
	/* The records are gone with the rest, so the log tells. */
	assert_int_equal(nb_parked(bed), 0);
	assert_int_equal(rig_stats(bed->rig, 0, PASID).failed, 50);
	assert_int_equal(engine_take_errors(bed->rig->engines[0], errors, 50), 50);
	/* One was taken: its answer has no effect. The others are not seen any more. */
	prs_take_none(bed);
	prs_answer(bed, &req, SIOV_PAGE_SUCCESS);
	rig_settle(bed->rig);
	siov_prq_get_stats(bed->prq, &stats);
	assert_int_equal(stats.nb_late, 1);
	assert_int_equal(stats.nb_outstanding, 0);
}

static void
test_an_invalidation_elsewhere_asks_nothing_anew(void **state)
{
	struct prs_bed *bed = *state;
	const struct dsa_hw_desc desc = prs_copy(64, 0);
	struct rig_guest *other = prs_add_guest(bed, PASID + 1, true);
	struct siov_vtd_page_request req;

	rig_submit(bed->guest, &desc);
	rig_settle(bed->rig);
	req = prs_take(bed, PASID, SRC, SIOV_PERM_R);
	prs_map(other, SRC, RW);
	rig_unmap(other, SRC, RIG_PAGE);
	rig_settle(bed->rig);
	prs_take_none(bed);
	assert_int_equal(nb_parked(bed), 1);
	/* With the page there an invalidation is enough. */
	prs_map(bed->guest, SRC, SIOV_PERM_R);
	prs_map(bed->guest, DST, SIOV_PERM_W);
	prs_map(other, SRC, RW);
	rig_unmap(other, SRC, RIG_PAGE);
	rig_settle(bed->rig);
	assert_int_equal(status_of(bed->guest, 0), DSA_COMP_SUCCESS);
	assert_int_equal(rig_stats(bed->rig, 0, PASID).completed, 1);
	prs_answer(bed, &req, SIOV_PAGE_SUCCESS);
	rig_settle(bed->rig);
	assert_int_equal(rig_stats(bed->rig, 0, PASID).completed, 1);
}

static void
test_a_long_transfer_parks_midway_and_leaves_its_lane(void **state)
{
	struct prs_bed *bed = *state;
	const uint32_t len = 5 * RIG_SLICE;
	struct dsa_hw_desc desc = prs_copy(len, 0);
	struct rig_view src = rig_map(bed->guest, SRC, len, SIOV_PERM_R, RIG_CONTIGUOUS);
	struct rig_view dst = rig_map(bed->guest, DST, len, RW, RIG_CONTIGUOUS);
	uint64_t hole = 2 * RIG_SLICE + 3 * RIG_PAGE;
	struct siov_vtd_page_request req;
	uint8_t *a = malloc(len), *b = malloc(len);
	unsigned int i;

	rig_random_bytes(bed->rig, a, len);
	rig_poke(&src, 0, a, len);
	rig_unmap(bed->guest, DST + hole, RIG_PAGE);
	for (i = 0; i < 6; i++) {
		desc.completion_addr = rig_comp(i);
		rig_submit(bed->guest, &desc);
	}
	rig_settle(bed->rig);
	/* Six of one lane, of which four may be long at a time. */
	assert_int_equal(engine_nb_long(bed->rig->engines[0], 0), 0);
	assert_int_equal(nb_parked(bed), 6);
	rig_map_at(bed->guest, DST + hole, dst.pages[hole / RIG_PAGE], RIG_PAGE, RW);
	for (i = 0; i < 6; i++) {
		assert_int_equal(siov_prq_take(bed->prq, &req, 1), 1);
		assert_int_equal(siov_page_request_addr(&req), DST + hole);
		prs_answer(bed, &req, SIOV_PAGE_SUCCESS);
	}
	rig_settle(bed->rig);
	for (i = 0; i < 6; i++) {
		assert_int_equal(bed->guest->comps[i].status, DSA_COMP_SUCCESS);
		assert_int_equal(bed->guest->comps[i].bytes_completed, len);
	}
	rig_peek(&dst, 0, b, len);
	assert_memory_equal(a, b, len);
	assert_int_equal(rig_stats(bed->rig, 0, PASID).bytes, 6 * (uint64_t)len);
	rig_unview(&src);
	rig_unview(&dst);
	free(a);
	free(b);
}

static void
test_a_crc_goes_on_where_it_was(void **state)
{
	struct prs_bed *bed = *state;
	struct dsa_hw_desc desc = rig_desc(DSA_OPCODE_CRCGEN);
	uint8_t *first = prs_map(bed->guest, SRC, SIOV_PERM_R), *second;
	struct siov_vtd_page_request req;
	uint32_t state_of_crc;

	desc.flags |= IDXD_OP_FLAG_BOF;
	desc.src_addr = SRC;
	desc.xfer_size = 2 * RIG_PAGE;
	rig_random_bytes(bed->rig, first, RIG_PAGE);
	rig_submit(bed->guest, &desc);
	rig_settle(bed->rig);
	req = prs_take(bed, PASID, SRC + RIG_PAGE, SIOV_PERM_R);
	second = prs_map(bed->guest, SRC + RIG_PAGE, SIOV_PERM_R);
	rig_random_bytes(bed->rig, second, RIG_PAGE);
	prs_answer(bed, &req, SIOV_PAGE_SUCCESS);
	rig_settle(bed->rig);
	state_of_crc = rig_crc32c(UINT32_MAX, first, RIG_PAGE);
	state_of_crc = rig_crc32c(state_of_crc, second, RIG_PAGE);
	assert_int_equal(status_of(bed->guest, 0), DSA_COMP_SUCCESS);
	assert_int_equal((uint32_t)bed->guest->comps[0].crc_val, ~state_of_crc);
}

static void
test_s9_4_4_1_an_absent_completion_address_parks_before_anything_is_done(void **state)
{
	struct prs_bed *bed = *state;
	const struct dsa_hw_desc desc = prs_copy(64, 0);
	struct rig_guest *other = prs_add_guest(bed, PASID + 1, false);
	uint8_t *src = prs_map(other, SRC, SIOV_PERM_R);
	uint8_t *dst = prs_map(other, DST, SIOV_PERM_W);
	struct siov_vtd_page_request req;
	struct siov_error error;

	memset(src, 1, 64);
	rig_submit(other, &desc);
	rig_settle(bed->rig);
	req = prs_take(bed, PASID + 1, RIG_COMP_IOVA, SIOV_PERM_W);
	assert_int_equal(dst[0], 0);
	rig_map_at(other, RIG_COMP_IOVA, other->comps, RIG_PAGE, RW);
	prs_answer(bed, &req, SIOV_PAGE_SUCCESS);
	rig_settle(bed->rig);
	assert_int_equal(status_of(other, 0), DSA_COMP_SUCCESS);
	assert_int_equal(dst[0], 1);
	/* The answer counts, though the page comes after all: the log tells. */
	rig_unmap(other, RIG_COMP_IOVA, RIG_PAGE);
	memset(src, 2, 64);
	rig_submit(other, &desc);
	rig_settle(bed->rig);
	req = prs_take(bed, PASID + 1, RIG_COMP_IOVA, SIOV_PERM_W);
	rig_map_at(other, RIG_COMP_IOVA, other->comps, RIG_PAGE, RW);
	prs_answer(bed, &req, SIOV_PAGE_INVALID);
	rig_settle(bed->rig);
	error = rig_one_error(bed->rig);
	assert_int_equal(error.code, DSA_COMP_CRA_XLAT);
	assert_int_equal(error.fault_addr, rig_comp(0));
	assert_int_equal(dst[0], 1);
	assert_int_equal(nb_parked(bed), 0);
}

static void
test_an_engine_goes_away_with_what_is_parked(void **state)
{
	struct prs_bed *bed = *state;
	const struct dsa_hw_desc desc = prs_copy(64, 0);
	struct siov_vtd_page_request req;

	/* The teardown finds no leak, and the answer finds nobody. */
	rig_submit(bed->guest, &desc);
	rig_submit(bed->guest, &desc);
	rig_settle(bed->rig);
	assert_int_equal(siov_prq_take(bed->prq, &req, 1), 1);
	prs_answer(bed, &req, SIOV_PAGE_SUCCESS);
	assert_int_equal(nb_parked(bed), 2);
}

/* ---- threads ---- */

#define NB_ENGINES 2u
#define NB_PAGES 200u

struct runner {
	pthread_t thread;
	struct siov_engine *engine;
	SIOV_ATOMIC(uint32_t) *stop;
};

static void *
run_engine(void *arg)
{
	struct runner *runner = arg;

	siov_engine_start(runner->engine);
	while (!siov_atomic_load(runner->stop, acquire)) {
		if (siov_engine_poll(runner->engine) == 0)
			sched_yield();
	}
	siov_engine_stop(runner->engine);
	return NULL;
}

struct owner {
	pthread_t thread;
	struct prs_bed *bed;
	struct rig_guest *guests[NB_ENGINES];
	uint8_t *pages;
	SIOV_ATOMIC(uint32_t) *stop;
};

/* A guest's thread that answers what it finds; a page may have been brought for the other one. */
static void *
run_owner(void *arg)
{
	struct owner *owner = arg;
	struct siov_vtd_page_request req;
	unsigned int i;

	while (!siov_atomic_load(owner->stop, acquire)) {
		if (siov_prq_take(owner->bed->prq, &req, 1) == 0) {
			sched_yield();
			continue;
		}
		i = siov_page_request_pasid(&req) - 100;
		siov_domain_map(owner->guests[i]->dom, siov_page_request_addr(&req),
				owner->pages + i * RIG_PAGE, RIG_PAGE, RW);
		prs_answer(owner->bed, &req, SIOV_PAGE_SUCCESS);
	}
	return NULL;
}

static SIOV_ATOMIC(uint64_t) *
record_word(const struct rig_guest *guest)
{
	return (SIOV_ATOMIC(uint64_t) *)(void *)guest->comps;
}

static void
test_two_engines_and_a_guest_that_answers(void **state)
{
	struct prs_bed *bed = prs_open(NB_ENGINES, NEVER, 16);
	SIOV_ATOMIC(uint32_t) stop = 0;
	struct owner owner = {.bed = bed, .stop = &stop};
	struct runner runners[NB_ENGINES];
	unsigned int i, page;

	(void)state;
	owner.pages = rig_take(bed->rig, NB_ENGINES * RIG_PAGE, false);
	for (i = 0; i < NB_ENGINES; i++) {
		owner.guests[i] = prs_add_guest(bed, 100 + i, true);
		siov_engine_stop(bed->rig->engines[i]);
		runners[i] = (struct runner){.engine = bed->rig->engines[i], .stop = &stop};
		assert_int_equal(pthread_create(&runners[i].thread, NULL, run_engine, &runners[i]),
				 0);
	}
	assert_int_equal(pthread_create(&owner.thread, NULL, run_owner, &owner), 0);
	for (page = 0; page < NB_PAGES; page++) {
		struct dsa_hw_desc desc = prs_copy(4096, 0);

		desc.opcode = DSA_OPCODE_MEMFILL;
		desc.src_addr = page; /* the pattern */
		desc.dst_addr = DST + page * RIG_PAGE;
		for (i = 0; i < NB_ENGINES; i++) {
			siov_atomic_store(record_word(owner.guests[i]), 0, relaxed);
			rig_submit(owner.guests[i], &desc);
		}
		for (i = 0; i < NB_ENGINES; i++) {
			uint64_t word = 0;

			while (word == 0) {
				sched_yield();
				word = siov_atomic_load(record_word(owner.guests[i]), acquire);
			}
			assert_int_equal(word & 0xff, DSA_COMP_SUCCESS);
			assert_int_equal(owner.pages[i * RIG_PAGE + 4088], page);
		}
	}
	siov_atomic_store(&stop, 1, release);
	pthread_join(owner.thread, NULL);
	for (i = 0; i < NB_ENGINES; i++) {
		pthread_join(runners[i].thread, NULL);
		siov_engine_start(bed->rig->engines[i]);
		assert_int_equal(engine_nb_parked(bed->rig->engines[i], 0), 0);
		assert_int_equal(rig_stats(bed->rig, 0, 100 + i).completed, NB_PAGES);
	}
	prs_close(bed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		PRS_TEST(test_s9_4_4_1_absent_page_is_requested_served_and_the_operation_goes_on),
		PRS_TEST(test_s9_4_4_1_without_the_flag_the_operation_ends_at_the_fault),
		PRS_TEST(test_nobody_to_ask_ends_the_operation_at_the_fault),
		cmocka_unit_test(test_a_queue_that_does_not_allow_it_refuses_the_flag),
		PRS_TEST(test_a_no_op_does_not_know_the_flag),
		PRS_TEST(test_s9_4_4_1_invalid_and_failure_end_the_operation),
		PRS_TEST(test_missing_permission_is_asked_for),
		PRS_TEST(test_what_no_page_can_cure_is_not_asked_for),
		PRS_TEST(test_success_that_helps_nothing_is_asked_again_with_pauses),
		cmocka_unit_test(
			test_s9_4_4_1_time_out_ends_the_operation_and_its_late_answer_is_void),
		cmocka_unit_test(test_a_dropped_request_is_asked_again),
		PRS_TEST(test_one_pasid_cannot_take_all_places),
		PRS_TEST(test_places_of_an_engine_run_out_and_come_back),
		PRS_TEST(test_s7_2_3_neighbours_go_on_while_one_pasid_waits),
		PRS_TEST(test_s9_4_4_1_unbound_while_parked),
		PRS_TEST(test_an_invalidation_elsewhere_asks_nothing_anew),
		PRS_TEST(test_a_long_transfer_parks_midway_and_leaves_its_lane),
		PRS_TEST(test_a_crc_goes_on_where_it_was),
		PRS_TEST(test_s9_4_4_1_an_absent_completion_address_parks_before_anything_is_done),
		PRS_TEST(test_an_engine_goes_away_with_what_is_parked),
		cmocka_unit_test(test_two_engines_and_a_guest_that_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

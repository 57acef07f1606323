/* SPDX-License-Identifier: BSD-3-Clause */
/* Batches: which are taken, in what order their members run, and what is told of them. */
#include <stdlib.h>

#include "batch_bed.h"

/* ---- what is taken ---- */

static void
test_members_run_and_each_is_told(void **state)
{
	const uint32_t counts[] = {2, 31, 32, 33, BATCH_MAX};
	struct batch_bed *bed = *state;
	uint64_t nb_members = 0, nb_bytes = 0;
	struct siov_stats stats;
	unsigned int c, i;

	for (c = 0; c < RTE_DIM(counts); c++) {
		memset(bed->guest->comps, 0, RIG_PAGE);
		for (i = 0; i < counts[c]; i++) {
			const struct dsa_hw_desc desc = batch_copy(i, i * 512, 1 + i);

			batch_put(bed, i, &desc);
			nb_bytes += 1 + i;
		}
		const struct dsa_completion_record rec = batch_run(bed, counts[c]);

		batch_check(&rec, DSA_COMP_SUCCESS, counts[c]);
		for (i = 0; i < counts[c]; i++) {
			batch_check(&bed->guest->comps[1 + i], DSA_COMP_SUCCESS, 1 + i);
			batch_check_copy(bed, i * 512, 1 + i, true);
		}
		nb_members += counts[c];
		stats = rig_stats(bed->rig, 0, BATCH_PASID);
		assert_int_equal(stats.completed, c + 1);
		assert_int_equal(stats.failed, 0);
		assert_int_equal(stats.members, nb_members);
		assert_int_equal(stats.bytes, nb_bytes);
	}
}

static void
test_members_run_in_their_order(void **state)
{
	struct batch_bed *bed = *state;
	struct dsa_hw_desc desc;
	uint8_t bytes[40];
	unsigned int i;

	/* Each fill overwrites all but the first byte of the one before. */
	for (i = 0; i < sizeof(bytes); i++) {
		desc = batch_copy(i, i, (uint32_t)sizeof(bytes) - i);
		desc.opcode = DSA_OPCODE_MEMFILL;
		desc.pattern = (1 + i) * UINT64_C(0x0101010101010101);
		batch_put(bed, i, &desc);
	}
	const struct dsa_completion_record rec = batch_run(bed, sizeof(bytes));

	batch_check(&rec, DSA_COMP_SUCCESS, sizeof(bytes));
	rig_peek(&bed->dst, 0, bytes, sizeof(bytes));
	for (i = 0; i < sizeof(bytes); i++)
		assert_int_equal(bytes[i], 1 + i);
}

static void
test_count_out_of_range_is_refused(void **state)
{
	const uint32_t counts[] = {0, 1, BATCH_MAX + 1, UINT32_MAX};
	struct batch_bed *bed = *state;
	unsigned int i;

	batch_put_noops(bed, BATCH_MAX);
	for (i = 0; i < RTE_DIM(counts); i++) {
		const struct dsa_completion_record rec = batch_run(bed, counts[i]);

		batch_check(&rec, DSA_COMP_DESC_CNT_ERANGE, 0);
		assert_int_equal(batch_status(bed, 0), DSA_COMP_NONE);
	}
	assert_int_equal(rig_stats(bed->rig, 0, BATCH_PASID).failed, RTE_DIM(counts));
	assert_int_equal(rig_stats(bed->rig, 0, BATCH_PASID).members, 0);
}

static void
test_misaligned_list_is_refused(void **state)
{
	const uint64_t offsets[] = {1, 8, 32, 63};
	struct batch_bed *bed = *state;
	unsigned int i;

	batch_put_noops(bed, 8);
	for (i = 0; i < RTE_DIM(offsets); i++) {
		struct dsa_hw_desc desc = batch_of(2);

		desc.desc_list_addr += offsets[i];
		const struct dsa_completion_record rec = rig_run(bed->guest, &desc);

		batch_check(&rec, DSA_COMP_DESCLIST_ALIGN, 0);
		assert_int_equal(batch_status(bed, 0), DSA_COMP_NONE);
	}
}

static void
test_flags_that_a_batch_or_its_outside_does_not_know_are_refused(void **state)
{
	const uint32_t flags[] = {IDXD_OP_FLAG_BOF, IDXD_OP_FLAG_FENCE};
	struct batch_bed *bed = *state;
	struct dsa_completion_record rec;
	struct dsa_hw_desc desc;
	unsigned int i;

	batch_put_noops(bed, 2);
	for (i = 0; i < RTE_DIM(flags); i++) {
		desc = batch_of(2);
		desc.flags |= flags[i];
		rec = rig_run(bed->guest, &desc);
		assert_int_equal(rec.status, DSA_COMP_INVALID_FLAGS);
		assert_int_equal(rec.invalid_flags, flags[i]);
	}
	desc = rig_desc(DSA_OPCODE_NOOP);
	desc.flags |= IDXD_OP_FLAG_FENCE;
	rec = rig_run(bed->guest, &desc);
	assert_int_equal(rec.status, DSA_COMP_INVALID_FLAGS);
	assert_int_equal(rec.invalid_flags, IDXD_OP_FLAG_FENCE);
}

static void
test_a_queue_without_batches_does_not_know_the_opcode(void **state)
{
	struct rig *rig = rig_open(&(struct rig_conf){.arena_len = RIG_2M});
	const struct dsa_hw_desc desc = batch_of(2);
	struct dsa_completion_record rec;

	(void)state;
	rig_add_wq(rig, &(struct rig_wq_conf){.batch_max = 0});
	rec = rig_run(rig_add_guest(rig, 0, BATCH_PASID), &desc);
	batch_check(&rec, DSA_COMP_BAD_OPCODE, 0);
	rig_close(rig);
}

static void
test_batches_and_drains_are_no_members(void **state)
{
	const uint8_t opcodes[] = {DSA_OPCODE_BATCH, DSA_OPCODE_DRAIN};
	struct batch_bed *bed = *state;
	unsigned int i;

	for (i = 0; i < RTE_DIM(opcodes); i++) {
		struct dsa_hw_desc desc = batch_of(2);

		batch_put_noops(bed, 3);
		desc.opcode = opcodes[i];
		desc.completion_addr = rig_comp(2);
		if (opcodes[i] == DSA_OPCODE_DRAIN) {
			desc.desc_list_addr = 0;
			desc.desc_count = 0;
		}
		batch_put(bed, 1, &desc);
		memset(bed->guest->comps, 0, RIG_PAGE);
		const struct dsa_completion_record rec = batch_run(bed, 3);

		batch_check(&rec, DSA_COMP_BATCH_FAIL, 3);
		assert_int_equal(batch_status(bed, 0), DSA_COMP_SUCCESS);
		assert_int_equal(batch_status(bed, 1), DSA_COMP_BAD_OPCODE);
		assert_int_equal(batch_status(bed, 2), DSA_COMP_SUCCESS);
	}
}

static void
test_identity_of_members_is_that_of_their_batch(void **state)
{
	struct batch_bed *bed = *state;
	struct rig_guest *other = rig_add_guest(bed->rig, 0, BATCH_PASID + 1);
	struct dsa_hw_desc desc;
	unsigned int i;

	for (i = 0; i < 2; i++) {
		desc = batch_copy(i, i * RIG_PAGE, 64);
		desc.pasid = BATCH_PASID + 1;
		desc.rsvd = i == 0 ? 0 : 0x7ff;
		desc.priv = 1;
		batch_put(bed, i, &desc);
	}
	const struct dsa_completion_record rec = batch_run(bed, 2);

	batch_check(&rec, DSA_COMP_SUCCESS, 2);
	batch_check_copy(bed, 0, 64, true);
	batch_check_copy(bed, RIG_PAGE, 64, true);
	assert_int_equal(other->comps[1].status, DSA_COMP_NONE);
	assert_int_equal(rig_stats(bed->rig, 0, BATCH_PASID + 1).members, 0);
}

/* List and records are the control PASID's, data the submitter's own. */
static void
test_s7_2_5_a_list_is_read_with_the_control_pasid(void **state)
{
	struct batch_bed *bed = *state;
	struct rig_guest *control = rig_add_guest(bed->rig, 0, BATCH_PASID + 1);
	struct rig_view list = rig_map(control, BATCH_BAD, RIG_PAGE, SIOV_PERM_R, RIG_SHUFFLED);
	struct dsa_hw_desc members[3], desc = batch_of(3);
	unsigned int i;

	for (i = 0; i < 3; i++)
		members[i] = batch_copy(i, i * RIG_PAGE, 64);
	rig_poke(&list, 0, members, sizeof(members));
	desc.desc_list_addr = BATCH_BAD;
	assert_int_equal(
		engine_set_control_pasid(bed->rig->engines[0], 0, BATCH_PASID, BATCH_PASID + 1), 0);
	rig_submit(bed->guest, &desc);
	rig_settle(bed->rig);
	batch_check(&control->comps[0], DSA_COMP_SUCCESS, 3);
	for (i = 0; i < 3; i++) {
		batch_check_copy(bed, i * RIG_PAGE, 64, true);
		assert_int_equal(control->comps[1 + i].status, DSA_COMP_SUCCESS);
		assert_int_equal(bed->guest->comps[1 + i].status, DSA_COMP_NONE);
	}
	/* The submitter's own list is not the control PASID's. */
	desc = batch_of(2);
	rig_submit(bed->guest, &desc);
	rig_settle(bed->rig);
	batch_check(&control->comps[0], DSA_COMP_BATCH_PAGE_FAULT, 0);
	assert_true(control->comps[0].fault_addr == BATCH_LIST);
	rig_unview(&list);
}

/* ---- failures and fences ---- */

/* Members i: how they end. */
static void
put_failing(const struct batch_bed *bed, unsigned int i, uint8_t how)
{
	struct dsa_hw_desc desc = batch_copy(i, 0, 64);

	if (how == DSA_COMP_PAGE_FAULT_NOBOF) {
		desc.src_addr = BATCH_BAD;
	} else {
		desc.opcode = DSA_OPCODE_COMPARE;
		desc.src2_addr = BATCH_SRC + 64;
		desc.flags |= IDXD_OP_FLAG_CR;
	}
	batch_put(bed, i, &desc);
}

static void
test_a_member_that_fails_or_disproves_does_not_stop_the_others(void **state)
{
	const uint8_t ends[] = {DSA_COMP_PAGE_FAULT_NOBOF, DSA_COMP_SUCCESS_PRED};
	struct batch_bed *bed = *state;
	unsigned int i, e;

	for (e = 0; e < RTE_DIM(ends); e++) {
		batch_put_noops(bed, 40);
		put_failing(bed, 20, ends[e]);
		memset(bed->guest->comps, 0, RIG_PAGE);
		const struct dsa_completion_record rec = batch_run(bed, 40);

		batch_check(&rec, DSA_COMP_BATCH_FAIL, 40);
		for (i = 0; i < 40; i++)
			assert_int_equal(batch_status(bed, i),
					 i == 20 ? ends[e] : DSA_COMP_SUCCESS);
		assert_int_equal(rig_stats(bed->rig, 0, BATCH_PASID).failed, e + 1);
		assert_int_equal(rig_stats(bed->rig, 0, BATCH_PASID).completed, 0);
	}
}

static void
test_a_fence_after_a_failure_ends_the_batch(void **state)
{
	struct batch_bed *bed = *state;
	struct dsa_hw_desc desc;
	unsigned int i, at;

	/* In the burst of the failure, and in a later one. */
	for (at = 10; at <= 40; at += 30) {
		batch_put_noops(bed, 50);
		put_failing(bed, 5, DSA_COMP_PAGE_FAULT_NOBOF);
		desc = batch_copy(at, 4096, 64);
		desc.flags |= IDXD_OP_FLAG_FENCE;
		batch_put(bed, at, &desc);
		memset(bed->guest->comps, 0, RIG_PAGE);
		const struct dsa_completion_record rec = batch_run(bed, 50);

		batch_check(&rec, DSA_COMP_BATCH_FAIL, at);
		for (i = 0; i < 50; i++)
			assert_int_equal(batch_status(bed, i), i >= at ? DSA_COMP_NONE :
							       i == 5  ? DSA_COMP_PAGE_FAULT_NOBOF :
									 DSA_COMP_SUCCESS);
		batch_check_copy(bed, 4096, 64, false);
	}
}

static void
test_a_fence_after_success_passes(void **state)
{
	struct batch_bed *bed = *state;
	struct dsa_hw_desc desc;
	unsigned int i;

	/* A chain through the destination: each copy reads what the one before wrote. */
	for (i = 0; i < 40; i++) {
		desc = batch_copy(i, i * 512, 512);
		if (i > 0)
			desc.src_addr = BATCH_DST + (i - 1) * 512;
		desc.flags |= IDXD_OP_FLAG_FENCE;
		batch_put(bed, i, &desc);
	}
	const struct dsa_completion_record rec = batch_run(bed, 40);
	uint8_t first[512], last[512];

	batch_check(&rec, DSA_COMP_SUCCESS, 40);
	rig_peek(&bed->src, 0, first, sizeof(first));
	rig_peek(&bed->dst, 39 * 512, last, sizeof(last));
	assert_memory_equal(first, last, sizeof(first));
}

/* ---- the list ---- */

static void
test_an_absent_list_is_told_with_its_address(void **state)
{
	struct batch_bed *bed = *state;
	struct dsa_hw_desc desc = batch_of(2);

	desc.desc_list_addr = BATCH_BAD;
	const struct dsa_completion_record rec = rig_run(bed->guest, &desc);

	batch_check(&rec, DSA_COMP_BATCH_PAGE_FAULT, 0);
	assert_int_equal(rec.fault_addr, BATCH_BAD);
	assert_int_equal(rig_stats(bed->rig, 0, BATCH_PASID).failed, 1);
}

static void
test_a_list_that_ends_midway_is_done_so_far_and_can_go_on(void **state)
{
	struct batch_bed *bed = *state;
	struct dsa_hw_desc desc = batch_of(50);
	uint8_t *page;
	unsigned int i;

	/* The last 10 members of two pages, and 40 that are not there. */
	desc.desc_list_addr = BATCH_LIST + 2 * RIG_PAGE - 10 * SIOV_DESC_SIZE;
	for (i = 0; i < 10; i++) {
		const struct dsa_hw_desc member = batch_noop(i);

		batch_put(bed, 118 + i, &member);
	}
	struct dsa_completion_record rec = rig_run(bed->guest, &desc);

	batch_check(&rec, DSA_COMP_BATCH_PAGE_FAULT, 10);
	assert_int_equal(rec.fault_addr, BATCH_LIST + 2 * RIG_PAGE);
	for (i = 0; i < 50; i++)
		assert_int_equal(batch_status(bed, i), i < 10 ? DSA_COMP_SUCCESS : DSA_COMP_NONE);
	page = rig_take(bed->rig, RIG_PAGE, false);
	for (i = 10; i < 50; i++) {
		const struct dsa_hw_desc member = batch_noop(i);

		memcpy(page + (i - 10) * SIOV_DESC_SIZE, &member, sizeof(member));
	}
	rig_map_at(bed->guest, BATCH_LIST + 2 * RIG_PAGE, page, RIG_PAGE, SIOV_PERM_R);
	desc.desc_list_addr += (uint64_t)rec.bytes_completed * SIOV_DESC_SIZE;
	desc.desc_count -= rec.bytes_completed;
	rec = rig_run(bed->guest, &desc);
	batch_check(&rec, DSA_COMP_SUCCESS, 40);
	assert_int_equal(batch_status(bed, 49), DSA_COMP_SUCCESS);
}

static void
test_a_list_that_may_only_be_written_is_not_read(void **state)
{
	struct batch_bed *bed = *state;
	struct dsa_hw_desc desc = batch_of(2);
	uint8_t *page = rig_take(bed->rig, RIG_PAGE, false);

	batch_put_noops(bed, 2);
	rig_peek(&bed->list, 0, page, 2 * SIOV_DESC_SIZE);
	rig_map_at(bed->guest, BATCH_BAD, page, RIG_PAGE, SIOV_PERM_W);
	desc.desc_list_addr = BATCH_BAD;
	const struct dsa_completion_record rec = rig_run(bed->guest, &desc);

	batch_check(&rec, DSA_COMP_BATCH_PAGE_FAULT, 0);
	assert_int_equal(rec.fault_addr, BATCH_BAD);
	assert_int_equal(batch_status(bed, 0), DSA_COMP_NONE);
}

static void
test_a_record_may_lie_over_its_own_descriptor(void **state)
{
	struct batch_bed *bed = *state;
	struct dsa_hw_desc desc = batch_of(40);
	uint8_t *page = rig_take(bed->rig, RIG_PAGE, false);
	unsigned int i;

	rig_map_at(bed->guest, BATCH_BAD, page, RIG_PAGE, SIOV_PERM_R | SIOV_PERM_W);
	desc.desc_list_addr = BATCH_BAD;
	for (i = 0; i < 40; i++) {
		struct dsa_hw_desc member = batch_copy(i, i * 512, 100 + i);

		member.completion_addr = BATCH_BAD + i * SIOV_DESC_SIZE;
		memcpy(page + i * SIOV_DESC_SIZE, &member, sizeof(member));
	}
	const struct dsa_completion_record rec = rig_run(bed->guest, &desc);

	batch_check(&rec, DSA_COMP_SUCCESS, 40);
	for (i = 0; i < 40; i++) {
		struct dsa_completion_record told;

		memcpy(&told, page + i * SIOV_DESC_SIZE, sizeof(told));
		batch_check(&told, DSA_COMP_SUCCESS, 100 + i);
		batch_check_copy(bed, i * 512, 100 + i, true);
	}
}

/* ---- records that have no place ---- */

static void
test_a_batch_without_record_is_done_in_silence(void **state)
{
	struct batch_bed *bed = *state;
	struct dsa_hw_desc desc = batch_of(2);

	batch_put_noops(bed, 2);
	desc.flags = 0;
	desc.completion_addr = 0;
	rig_submit(bed->guest, &desc);
	rig_settle(bed->rig);
	assert_int_equal(batch_status(bed, 1), DSA_COMP_SUCCESS);
	assert_int_equal(bed->guest->comps[0].status, DSA_COMP_NONE);
	assert_int_equal(rig_stats(bed->rig, 0, BATCH_PASID).completed, 1);
}

static void
test_a_failing_member_without_record_reaches_the_log(void **state)
{
	struct batch_bed *bed = *state;
	struct dsa_hw_desc desc = batch_copy(0, 0, 64);
	struct siov_error error;

	batch_put_noops(bed, 2);
	desc.src_addr = BATCH_BAD;
	desc.flags = 0;
	desc.completion_addr = 0;
	batch_put(bed, 0, &desc);
	const struct dsa_completion_record rec = batch_run(bed, 2);

	batch_check(&rec, DSA_COMP_BATCH_FAIL, 2);
	error = rig_one_error(bed->rig);
	assert_int_equal(error.code, DSA_COMP_PAGE_FAULT_NOBOF);
	assert_int_equal(error.fault_addr, BATCH_BAD);
	assert_int_equal(error.pasid, BATCH_PASID);
	assert_int_equal(error.opcode, DSA_OPCODE_MEMMOVE);
}

static void
test_a_record_page_that_goes_meanwhile_ends_batches_and_drains(void **state)
{
	struct batch_bed *bed = *state;
	struct dsa_hw_desc desc = batch_copy(0, 0, BATCH_AREA);
	struct siov_error error;

	desc.flags = 0;
	desc.completion_addr = 0;
	batch_put(bed, 0, &desc);
	batch_put(bed, 1, &desc);
	desc = batch_of(2);
	rig_submit(bed->guest, &desc);
	rig_poll(bed->rig);
	rig_unmap(bed->guest, RIG_COMP_IOVA, RIG_PAGE);
	rig_settle(bed->rig);
	error = rig_one_error(bed->rig);
	assert_int_equal(error.code, DSA_COMP_CRA_XLAT);
	assert_int_equal(error.fault_addr, rig_comp(0));
	assert_int_equal(error.opcode, DSA_OPCODE_BATCH);
	batch_check_copy(bed, 0, BATCH_AREA, true);
	assert_int_equal(rig_stats(bed->rig, 0, BATCH_PASID).failed, 1);
}

/* ---- long members, other lanes ---- */

static void
test_what_follows_a_long_member_waits_for_it(void **state)
{
	struct batch_bed *bed = *state;
	struct dsa_hw_desc desc = batch_copy(0, 0, BATCH_AREA);
	uint8_t byte, last;
	unsigned int i;

	batch_put(bed, 0, &desc);
	/* Reads the last byte that the long one writes. */
	desc = batch_copy(1, 0, 1);
	desc.src_addr = BATCH_DST + BATCH_AREA - 1;
	batch_put(bed, 1, &desc);
	desc = batch_of(2);
	memset(bed->guest->comps, 0, RIG_PAGE);
	rig_submit(bed->guest, &desc);
	for (i = 0; i < BATCH_AREA / RIG_SLICE; i++) {
		assert_int_equal(batch_status(bed, 1), DSA_COMP_NONE);
		rig_poll(bed->rig);
	}
	rig_settle(bed->rig);
	batch_check(&bed->guest->comps[0], DSA_COMP_SUCCESS, 2);
	batch_check(&bed->guest->comps[1], DSA_COMP_SUCCESS, BATCH_AREA);
	batch_check_copy(bed, 1, (uint32_t)BATCH_AREA - 1, true);
	rig_peek(&bed->src, BATCH_AREA - 1, &last, 1);
	rig_peek(&bed->dst, 0, &byte, 1);
	assert_int_equal(byte, last);
}

static void
test_a_turn_of_a_batch_is_bounded_in_bytes(void **state)
{
	const uint32_t len = (uint32_t)RIG_SLICE - 4096;
	struct batch_bed *bed = *state;
	struct dsa_hw_desc desc;
	unsigned int i, polls;

	for (i = 0; i < 16; i++) {
		desc = batch_copy(i, 0, len);
		batch_put(bed, i, &desc);
	}
	desc = batch_of(16);
	rig_submit(bed->guest, &desc);
	for (polls = 1; bed->guest->comps[0].status == DSA_COMP_NONE; polls++) {
		rig_poll(bed->rig);
		for (i = 0; i < 16 && batch_status(bed, i) != DSA_COMP_NONE; i++)
			;
		/* Two at the batch's start and two in a turn of each poll. */
		assert_true(i <= 2 + 2 * polls);
	}
	batch_check(&bed->guest->comps[0], DSA_COMP_SUCCESS, 16);
}

static void
test_a_long_batch_lets_other_lanes_through(void **state)
{
	struct rig *rig = rig_open(&(struct rig_conf){.arena_len = RIG_2M});
	struct dsa_hw_desc list[16], desc = batch_of(1024), noop = rig_desc(DSA_OPCODE_NOOP);
	struct rig_guest *guest, *other;
	struct rig_view view;
	unsigned int i;

	(void)state;
	rig_add_wq(rig, &(struct rig_wq_conf){.batch_max = 1024});
	guest = rig_add_guest(rig, 0, BATCH_PASID);
	other = rig_add_guest(rig, 0, BATCH_PASID + 1);
	view = rig_map(guest, BATCH_LIST, 16 * RIG_PAGE, SIOV_PERM_R, RIG_SHUFFLED);
	for (i = 0; i < RTE_DIM(list); i++)
		list[i] = (struct dsa_hw_desc){.opcode = DSA_OPCODE_NOOP};
	for (i = 0; i < 1024 / RTE_DIM(list); i++)
		rig_poke(&view, i * sizeof(list), list, sizeof(list));
	rig_submit(guest, &desc);
	for (i = 0; i < 1024 / (2 * RIG_BURST) - 2; i++) {
		memset(other->comps, 0, sizeof(other->comps[0]));
		rig_submit(other, &noop);
		rig_poll(rig);
		assert_int_equal(other->comps[0].status, DSA_COMP_SUCCESS);
		assert_int_equal(guest->comps[0].status, DSA_COMP_NONE);
	}
	rig_settle(rig);
	batch_check(&guest->comps[0], DSA_COMP_SUCCESS, 1024);
	rig_unview(&view);
	rig_close(rig);
}

/* ---- against a model ---- */

#define MODEL_LEN 4096u

/* A random move within the destination, done in the model too. */
static void
put_move(const struct batch_bed *bed, unsigned int i, uint8_t *model)
{
	uint32_t len = 1 + (uint32_t)(rig_random(bed->rig) % 700);
	uint64_t src = rig_random(bed->rig) % (MODEL_LEN - len);
	uint64_t dst = rig_random(bed->rig) % (MODEL_LEN - len);
	struct dsa_hw_desc desc = batch_copy(i, dst, len);

	desc.src_addr = BATCH_DST + src;
	if (rig_random(bed->rig) % 4 == 0)
		desc.flags |= IDXD_OP_FLAG_FENCE;
	batch_put(bed, i, &desc);
	memmove(model + dst, model + src, len);
}

static void
test_random_batches_of_moves_do_as_a_sequence_would(void **state)
{
	struct batch_bed *bed = *state;
	uint8_t *model = malloc(MODEL_LEN), *found = malloc(MODEL_LEN);
	unsigned int round, i;

	assert_non_null(model);
	assert_non_null(found);
	rig_random_bytes(bed->rig, model, MODEL_LEN);
	rig_poke(&bed->dst, 0, model, MODEL_LEN);
	for (round = 0; round < 200; round++) {
		uint32_t nb = 2 + (uint32_t)(rig_random(bed->rig) % (BATCH_MAX - 1));

		for (i = 0; i < nb; i++)
			put_move(bed, i, model);
		const struct dsa_completion_record rec = batch_run(bed, nb);

		batch_check(&rec, DSA_COMP_SUCCESS, nb);
		rig_peek(&bed->dst, 0, found, MODEL_LEN);
		assert_memory_equal(found, model, MODEL_LEN);
	}
	free(model);
	free(found);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BATCH_TEST(test_members_run_and_each_is_told),
		BATCH_TEST(test_members_run_in_their_order),
		BATCH_TEST(test_count_out_of_range_is_refused),
		BATCH_TEST(test_misaligned_list_is_refused),
		BATCH_TEST(test_flags_that_a_batch_or_its_outside_does_not_know_are_refused),
		cmocka_unit_test(test_a_queue_without_batches_does_not_know_the_opcode),
		BATCH_TEST(test_batches_and_drains_are_no_members),
		BATCH_TEST(test_identity_of_members_is_that_of_their_batch),
		BATCH_TEST(test_s7_2_5_a_list_is_read_with_the_control_pasid),
		BATCH_TEST(test_a_member_that_fails_or_disproves_does_not_stop_the_others),
		BATCH_TEST(test_a_fence_after_a_failure_ends_the_batch),
		BATCH_TEST(test_a_fence_after_success_passes),
		BATCH_TEST(test_an_absent_list_is_told_with_its_address),
		BATCH_TEST(test_a_list_that_ends_midway_is_done_so_far_and_can_go_on),
		BATCH_TEST(test_a_list_that_may_only_be_written_is_not_read),
		BATCH_TEST(test_a_record_may_lie_over_its_own_descriptor),
		BATCH_TEST(test_a_batch_without_record_is_done_in_silence),
		BATCH_TEST(test_a_failing_member_without_record_reaches_the_log),
		BATCH_TEST(test_a_record_page_that_goes_meanwhile_ends_batches_and_drains),
		BATCH_TEST(test_what_follows_a_long_member_waits_for_it),
		BATCH_TEST(test_a_turn_of_a_batch_is_bounded_in_bytes),
		cmocka_unit_test(test_a_long_batch_lets_other_lanes_through),
		BATCH_TEST(test_random_batches_of_moves_do_as_a_sequence_would),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

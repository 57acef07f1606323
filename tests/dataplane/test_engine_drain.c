/* SPDX-License-Identifier: BSD-3-Clause */
/* Drain descriptors: what they wait for, and what not. */
#include "prs_bed.h"

#define NEIGHBOUR (PASID + 1)
#define LIST UINT64_C(0x40000000)
#define LONG_LEN ((uint32_t)(8 * RIG_SLICE))
#define DRAIN 100u /* its record */

/* ---- one engine ---- */

static void
submit_drain(struct rig_guest *guest, unsigned int comp)
{
	struct dsa_hw_desc desc = rig_desc(DSA_OPCODE_DRAIN);

	desc.completion_addr = rig_comp(comp);
	rig_submit(guest, &desc);
}

static uint8_t
status_of(const struct rig_guest *guest, unsigned int comp)
{
	return guest->comps[comp].status;
}

/* The drain's record comes after record 0, however the polls fall. */
static void
check_order(struct prs_bed *bed, const struct rig_guest *drainer, const struct rig_guest *worker)
{
	unsigned int i;

	for (i = 0; i < 1000 && status_of(drainer, DRAIN) == DSA_COMP_NONE; i++) {
		rig_poll(bed->rig);
		if (status_of(worker, 0) == DSA_COMP_NONE)
			assert_int_equal(status_of(drainer, DRAIN), DSA_COMP_NONE);
	}
	assert_int_equal(status_of(worker, 0), DSA_COMP_SUCCESS);
	assert_int_equal(status_of(drainer, DRAIN), DSA_COMP_SUCCESS);
}

static void
test_a_drain_with_nothing_before_it_is_done(void **state)
{
	struct prs_bed *bed = *state;

	submit_drain(bed->guest, DRAIN);
	rig_settle(bed->rig);
	assert_int_equal(status_of(bed->guest, DRAIN), DSA_COMP_SUCCESS);
	assert_int_equal(rig_stats(bed->rig, 0, PASID).completed, 1);
	assert_int_equal(engine_nb_aside(bed->rig->engines[0], 0, PASID), 0);
}

/* Long work of the worker's, then a drain: in the same lane, or in another of the same PASID. */
static void
drain_long(struct prs_bed *bed, struct rig_guest *worker, struct rig_guest *drainer)
{
	const struct dsa_hw_desc desc = prs_copy(LONG_LEN, 0);
	struct rig_view src = rig_map(bed->guest, SRC, LONG_LEN, SIOV_PERM_R, RIG_SHUFFLED);
	struct rig_view dst = rig_map(bed->guest, DST, LONG_LEN, RW, RIG_SHUFFLED);

	rig_submit(worker, &desc);
	submit_drain(drainer, DRAIN);
	check_order(bed, drainer, worker);
	rig_unview(&src);
	rig_unview(&dst);
}

static void
test_a_drain_waits_for_a_long_transfer_before_it(void **state)
{
	struct prs_bed *bed = *state;

	drain_long(bed, bed->guest, bed->guest);
}

/* A second lane of PASID, in whichever engine. */
static struct rig_guest *
add_lane(struct prs_bed *bed)
{
	struct rig_guest *guest;
	struct siov_lane *lane;

	assert_int_equal(siov_wq_attach(&bed->rig->fm.mem, bed->rig->wqs[0], 0, &lane), 0);
	guest = rig_add_guest_on(bed->rig, lane, PASID, bed->guest->dom);
	guest->comps = bed->guest->comps;
	return guest;
}

static void
test_a_drain_waits_for_other_lanes(void **state)
{
	struct prs_bed *bed = *state;

	drain_long(bed, bed->guest, add_lane(bed));
}

/* More than a poll takes out of the other lane. */
static void
test_a_drain_waits_for_what_lies_in_other_lanes(void **state)
{
	struct prs_bed *bed = *state;
	struct rig_guest *drainer = add_lane(bed);
	struct dsa_hw_desc desc = {.opcode = DSA_OPCODE_NOOP};
	unsigned int i;

	for (i = 0; i < 200; i++)
		rig_submit(bed->guest, &desc);
	desc = rig_desc(DSA_OPCODE_NOOP);
	rig_submit(bed->guest, &desc);
	submit_drain(drainer, DRAIN);
	check_order(bed, drainer, bed->guest);
}

static void
drain_other_engine(bool is_swapped)
{
	struct prs_bed *bed = prs_open(2, NEVER, 0);
	struct rig_guest *other = add_lane(bed);

	assert_int_not_equal(siov_atomic_load(&other->portal.lane->engine_id, relaxed),
			     siov_atomic_load(&bed->guest->portal.lane->engine_id, relaxed));
	drain_long(bed, is_swapped ? other : bed->guest, is_swapped ? bed->guest : other);
	prs_close(bed);
}

static void
test_a_drain_waits_for_other_engines(void **state)
{
	(void)state;
	drain_other_engine(false);
	drain_other_engine(true);
}

/* Absent source pages of the worker; the drain waits until they come. */
static void
drain_parked(struct prs_bed *bed, struct rig_guest *drainer, unsigned int worker)
{
	struct siov_vtd_page_request req = prs_take(bed, PASID, SRC, SIOV_PERM_R);

	submit_drain(drainer, DRAIN);
	rig_settle(bed->rig);
	assert_int_equal(status_of(drainer, DRAIN), DSA_COMP_NONE);
	prs_map(bed->guest, SRC, SIOV_PERM_R);
	prs_map(bed->guest, DST, SIOV_PERM_W);
	prs_answer(bed, &req, SIOV_PAGE_SUCCESS);
	rig_settle(bed->rig);
	assert_int_equal(status_of(bed->guest, worker), DSA_COMP_SUCCESS);
	assert_int_equal(status_of(drainer, DRAIN), DSA_COMP_SUCCESS);
}

static void
test_a_drain_waits_for_what_waits_for_a_page(void **state)
{
	struct prs_bed *bed = *state;
	const struct dsa_hw_desc desc = prs_copy(64, 0);

	rig_submit(bed->guest, &desc);
	rig_settle(bed->rig);
	drain_parked(bed, add_lane(bed), 0);
}

static void
test_a_drain_waits_for_batches(void **state)
{
	struct prs_bed *bed = *state;
	uint8_t *list = prs_map(bed->guest, LIST, SIOV_PERM_R);
	struct dsa_hw_desc desc = prs_copy(64, 1);

	memcpy(list, &desc, sizeof(desc));
	desc = rig_desc(DSA_OPCODE_NOOP);
	desc.completion_addr = rig_comp(2);
	memcpy(list + sizeof(desc), &desc, sizeof(desc));
	desc = rig_desc(DSA_OPCODE_BATCH);
	desc.desc_list_addr = LIST;
	desc.desc_count = 2;
	rig_submit(bed->guest, &desc);
	rig_settle(bed->rig);
	drain_parked(bed, bed->guest, 0);
}

static void
test_a_drain_does_not_wait_for_other_pasids(void **state)
{
	struct prs_bed *bed = *state;
	struct rig_guest *neighbour = prs_add_guest(bed, NEIGHBOUR, true);
	const struct dsa_hw_desc desc = prs_copy(64, 0);

	rig_submit(bed->guest, &desc);
	submit_drain(neighbour, DRAIN);
	rig_settle(bed->rig);
	assert_int_equal(status_of(bed->guest, 0), DSA_COMP_NONE);
	assert_int_equal(status_of(neighbour, DRAIN), DSA_COMP_SUCCESS);
}

static void
test_what_follows_a_drain_does_not_wait_for_it(void **state)
{
	struct prs_bed *bed = *state;
	struct dsa_hw_desc desc = prs_copy(64, 0);

	rig_submit(bed->guest, &desc);
	submit_drain(bed->guest, DRAIN);
	desc = rig_desc(DSA_OPCODE_NOOP);
	desc.completion_addr = rig_comp(1);
	rig_submit(bed->guest, &desc);
	rig_settle(bed->rig);
	assert_int_equal(status_of(bed->guest, DRAIN), DSA_COMP_NONE);
	assert_int_equal(status_of(bed->guest, 1), DSA_COMP_SUCCESS);
}

static void
drain_crosswise(unsigned int nb_engines)
{
	struct prs_bed *bed = prs_open(nb_engines, NEVER, 0);
	struct rig_guest *other = add_lane(bed);
	unsigned int i;

	for (i = 0; i < 20; i++) {
		submit_drain(bed->guest, 1 + i);
		submit_drain(other, 50 + i);
	}
	/* Idle polls are no end here: drains wait for one another's lanes. */
	for (i = 0; i < 2000; i++)
		rig_poll(bed->rig);
	for (i = 0; i < 20; i++) {
		assert_int_equal(status_of(bed->guest, 1 + i), DSA_COMP_SUCCESS);
		assert_int_equal(status_of(other, 50 + i), DSA_COMP_SUCCESS);
	}
	assert_int_equal(rig_stats(bed->rig, 0, PASID).completed, 40);
	prs_close(bed);
}

static void
test_drains_of_two_lanes_do_not_lock_each_other(void **state)
{
	(void)state;
	drain_crosswise(1);
}

static void
test_drains_of_two_engines_do_not_lock_each_other(void **state)
{
	(void)state;
	drain_crosswise(2);
}

static void
test_a_drain_whose_record_page_has_gone_is_logged(void **state)
{
	struct prs_bed *bed = *state;
	const struct dsa_hw_desc desc = prs_copy(64, 0);
	struct siov_vtd_page_request req;
	struct siov_error error;

	rig_submit(bed->guest, &desc);
	submit_drain(bed->guest, DRAIN);
	rig_settle(bed->rig);
	req = prs_take(bed, PASID, SRC, SIOV_PERM_R);
	rig_unmap(bed->guest, RIG_COMP_IOVA, RIG_PAGE);
	/* Without its page of records the copy waits for that; nobody brings either. */
	prs_answer(bed, &req, SIOV_PAGE_INVALID);
	rig_settle(bed->rig);
	while (engine_take_errors(bed->rig->engines[0], &error, 1) == 1)
		assert_int_equal(error.code, DSA_COMP_CRA_XLAT);
	assert_int_equal(error.fault_addr, rig_comp(DRAIN));
	assert_int_equal(error.opcode, DSA_OPCODE_DRAIN);
	assert_int_equal(rig_stats(bed->rig, 0, PASID).failed, 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		PRS_TEST(test_a_drain_with_nothing_before_it_is_done),
		PRS_TEST(test_a_drain_waits_for_a_long_transfer_before_it),
		PRS_TEST(test_a_drain_waits_for_other_lanes),
		PRS_TEST(test_a_drain_waits_for_what_lies_in_other_lanes),
		cmocka_unit_test(test_a_drain_waits_for_other_engines),
		PRS_TEST(test_a_drain_waits_for_what_waits_for_a_page),
		PRS_TEST(test_a_drain_waits_for_batches),
		PRS_TEST(test_a_drain_does_not_wait_for_other_pasids),
		PRS_TEST(test_what_follows_a_drain_does_not_wait_for_it),
		cmocka_unit_test(test_drains_of_two_lanes_do_not_lock_each_other),
		cmocka_unit_test(test_drains_of_two_engines_do_not_lock_each_other),
		PRS_TEST(test_a_drain_whose_record_page_has_gone_is_logged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

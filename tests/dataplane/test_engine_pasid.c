/* SPDX-License-Identifier: BSD-3-Clause */
/* Whose memory an engine reaches, and that neighbours do not feel each other. */
#include <stdlib.h>

#include "rig.h"

#define DATA UINT64_C(0x10000000)
#define BAD UINT64_C(0x30000000) /* never mapped */
#define RW (SIOV_PERM_R | SIOV_PERM_W)
#define PASIDS 21u /* those that differ in one bit, and the largest */

struct bed {
	struct rig *rig;
	struct siov_lane *lane; /* shared by all guests of a test */
};

static int
open_bed(void **state)
{
	struct bed *bed = calloc(1, sizeof(*bed));

	assert_non_null(bed);
	bed->rig = rig_open(&(struct rig_conf){.arena_len = UINT64_C(16) << 20});
	rig_add_wq(bed->rig, &(struct rig_wq_conf){.size = 256});
	rig_add_wq(bed->rig, &(struct rig_wq_conf){.size = 256});
	assert_int_equal(siov_wq_attach(&bed->rig->fm.mem, bed->rig->wqs[0], 0, &bed->lane), 0);
	*state = bed;
	return 0;
}

static int
close_bed(void **state)
{
	struct bed *bed = *state;

	rig_no_error(bed->rig);
	rig_close(bed->rig);
	free(bed);
	return 0;
}

/* A guest with two pages at DATA: the first holds its PASID, the second nothing. */
static uint8_t *
add_data(struct rig_guest *guest)
{
	uint8_t *data = rig_take(guest->rig, 2 * RIG_PAGE, false);

	rig_map_at(guest, DATA, data, 2 * RIG_PAGE, RW);
	memcpy(data, &guest->pasid, sizeof(guest->pasid));
	return data;
}

/* Copies the first page of the submitting PASID to its second. */
static struct dsa_hw_desc
desc_copy(void)
{
	struct dsa_hw_desc desc = rig_desc(DSA_OPCODE_MEMMOVE);

	desc.src_addr = DATA;
	desc.dst_addr = DATA + RIG_PAGE;
	desc.xfer_size = RIG_PAGE;
	return desc;
}

/* All guests put the same 64 bytes into the same lane; the engine takes them as one burst. */
static void
test_s7_2_3_every_access_carries_the_pasid_of_its_descriptor(void **state)
{
	struct bed *bed = *state;
	struct dsa_hw_desc desc = desc_copy();
	struct rig_guest *guests[8];
	uint8_t *data[8];
	uint32_t found;
	unsigned int i;

	for (i = 0; i < 8; i++) {
		guests[i] = rig_add_guest_on(bed->rig, bed->lane, 100 + i, NULL);
		data[i] = add_data(guests[i]);
	}
	for (i = 0; i < 8; i++) {
		/* What the descriptor itself says is not asked. */
		desc.pasid = 100 + (i + 1) % 8;
		rig_submit(guests[i], &desc);
	}
	rig_settle(bed->rig);
	for (i = 0; i < 8; i++) {
		memcpy(&found, data[i] + RIG_PAGE, sizeof(found));
		assert_int_equal(found, 100 + i);
		assert_int_equal(guests[i]->comps[0].status, DSA_COMP_SUCCESS);
		assert_int_equal(rig_stats(bed->rig, 0, 100 + i).completed, 1);
	}
}

static void
test_s7_2_3_no_request_leaves_without_a_bound_pasid(void **state)
{
	struct bed *bed = *state;
	struct rig_guest *guest = rig_add_guest_on(bed->rig, bed->lane, 5, NULL);
	struct dsa_hw_desc desc = desc_copy();
	uint8_t *data = add_data(guest);
	struct siov_portal stranger;
	struct siov_error error;

	assert_int_equal(siov_portal_init(&stranger, bed->lane, 6, SIOV_PORTAL_F_PASID), 0);
	assert_int_equal(rig_enqcmd(&stranger, &desc), SIOV_DMWR_SUCCESS);
	rig_settle(bed->rig);
	error = rig_one_error(bed->rig);
	assert_int_equal(error.code, DSA_COMP_CRA_XLAT);
	assert_int_equal(error.pasid, 6);
	desc.flags = 0;
	assert_int_equal(rig_enqcmd(&stranger, &desc), SIOV_DMWR_SUCCESS);
	rig_settle(bed->rig);
	error = rig_one_error(bed->rig);
	assert_int_equal(error.code, DSA_COMP_PAGE_FAULT_NOBOF);
	assert_int_equal(error.fault_addr, DATA);
	assert_int_equal(data[RIG_PAGE], 0);
	assert_int_equal(guest->comps[0].status, 0);
	/* PASID 6 lies in the same block of records as 5 and is counted by itself. */
	assert_int_equal(rig_stats(bed->rig, 0, 6).failed, 2);
	assert_int_equal(rig_stats(bed->rig, 0, 5).failed, 0);
}

/* One function, one queue, one lane: only the PASID tells whose request it is. */
static void
test_s6_2_5_all_20_bits_of_the_pasid_tell_requests_apart(void **state)
{
	struct bed *bed = *state;
	struct dsa_hw_desc desc = desc_copy();
	struct rig_guest *guests[PASIDS];
	uint8_t *data[PASIDS];
	uint32_t found;
	unsigned int i;

	for (i = 0; i < PASIDS; i++) {
		uint32_t pasid = i < 20 ? 1u << i : SIOV_PASID_MAX;

		guests[i] = rig_add_guest_on(bed->rig, bed->lane, pasid, NULL);
		data[i] = add_data(guests[i]);
	}
	for (i = 0; i < PASIDS; i++)
		rig_submit(guests[i], &desc);
	rig_settle(bed->rig);
	for (i = 0; i < PASIDS; i++) {
		memcpy(&found, data[i] + RIG_PAGE, sizeof(found));
		assert_int_equal(found, guests[i]->pasid);
		assert_int_equal(rig_stats(bed->rig, 0, guests[i]->pasid).completed, 1);
	}
}

/* Two contexts on two queues, one address domain, one PASID. */
static void
test_s7_2_6_contexts_of_one_domain_share_a_pasid(void **state)
{
	struct bed *bed = *state;
	struct rig_guest *one = rig_add_guest_on(bed->rig, bed->lane, 9, NULL);
	uint8_t *data = add_data(one);
	struct dsa_hw_desc desc = desc_copy();
	struct siov_lane *lane;
	struct rig_guest *two;

	assert_int_equal(siov_wq_attach(&bed->rig->fm.mem, bed->rig->wqs[1], 0, &lane), 0);
	two = rig_add_guest_on(bed->rig, lane, 9, one->dom);
	rig_submit(one, &desc);
	desc.src_addr = DATA + RIG_PAGE;
	desc.dst_addr = DATA + 16;
	desc.xfer_size = 4;
	desc.completion_addr = rig_comp(1);
	rig_settle(bed->rig);
	rig_submit(two, &desc);
	rig_settle(bed->rig);
	assert_int_equal(one->comps[0].status, DSA_COMP_SUCCESS);
	assert_int_equal(one->comps[1].status, DSA_COMP_SUCCESS);
	assert_memory_equal(data + 16, data, 4);
	assert_int_equal(data[16], 9);
	assert_int_equal(rig_stats(bed->rig, 0, 9).completed, 1);
	assert_int_equal(rig_stats(bed->rig, 1, 9).completed, 1);
}

/* Bound in the IOMMU, never told to queue or engine. */
static void
test_s7_3_6_the_pasid_in_the_descriptor_is_enough(void **state)
{
	struct bed *bed = *state;
	struct rig_guest *known = rig_add_guest_on(bed->rig, bed->lane, 5, NULL);
	struct dsa_hw_desc desc = desc_copy();
	struct siov_portal portal;
	uint8_t *data;

	data = add_data(known);
	assert_int_equal(siov_pasid_alloc_at(bed->rig->iommu, 77777), 0);
	assert_int_equal(siov_pasid_bind(bed->rig->iommu, 77777, known->dom, 0), 0);
	assert_int_equal(siov_portal_init(&portal, bed->lane, 77777, SIOV_PORTAL_F_PASID), 0);
	assert_int_equal(rig_enqcmd(&portal, &desc), SIOV_DMWR_SUCCESS);
	rig_settle(bed->rig);
	assert_int_equal(known->comps[0].status, DSA_COMP_SUCCESS);
	assert_memory_equal(data + RIG_PAGE, data, RIG_PAGE);
	/* No record was asked for: counted with the others. */
	assert_int_equal(rig_stats(bed->rig, 0, UINT32_MAX).completed, 1);
	assert_int_equal(rig_stats(bed->rig, 0, 77777).completed, 0);
}

/* Pass-through beside two second-stage spaces, in one burst. */
static void
test_s8_1_1_address_spaces_of_several_kinds_at_the_same_time(void **state)
{
	const struct siov_domain_conf conf = {
		.kind = SIOV_DOMAIN_PASS_THROUGH,
		.max_page_shift = 21,
	};
	struct bed *bed = *state;
	struct rig_guest *guests[3];
	struct dsa_hw_desc desc;
	struct siov_domain *host;
	uint8_t *data[3];
	unsigned int i;

	assert_int_equal(siov_domain_create(bed->rig->iommu, &conf, &host), 0);
	guests[0] = rig_add_guest_on(bed->rig, bed->lane, 1, host);
	data[0] = rig_take(bed->rig, 3 * RIG_PAGE, false);
	memcpy(data[0], "host", 4);
	guests[0]->comps = (void *)(data[0] + 2 * RIG_PAGE);
	for (i = 1; i < 3; i++) {
		guests[i] = rig_add_guest_on(bed->rig, bed->lane, 1 + i, NULL);
		data[i] = add_data(guests[i]);
	}
	for (i = 0; i < 3; i++) {
		desc = desc_copy();
		if (i == 0) {
			desc.src_addr = (uintptr_t)data[0];
			desc.dst_addr = (uintptr_t)data[0] + RIG_PAGE;
			desc.completion_addr = (uintptr_t)guests[0]->comps;
		}
		rig_submit(guests[i], &desc);
	}
	rig_settle(bed->rig);
	for (i = 0; i < 3; i++) {
		assert_int_equal(guests[i]->comps[0].status, DSA_COMP_SUCCESS);
		assert_memory_equal(data[i] + RIG_PAGE, data[i], RIG_PAGE);
	}
}

static void
test_pass_through_stays_within_registered_memory(void **state)
{
	const struct siov_domain_conf conf = {
		.kind = SIOV_DOMAIN_PASS_THROUGH,
		.max_page_shift = 21,
	};
	struct bed *bed = *state;
	uint8_t *last = bed->rig->arena + bed->rig->arena_len;
	struct dsa_hw_desc desc = rig_desc(DSA_OPCODE_CRCGEN);
	struct dsa_completion_record *rec;
	struct rig_guest *guest;
	struct siov_domain *host;

	assert_int_equal(siov_domain_create(bed->rig->iommu, &conf, &host), 0);
	guest = rig_add_guest_on(bed->rig, bed->lane, 1, host);
	rec = (void *)rig_take(bed->rig, RIG_PAGE, false);
	desc.completion_addr = (uintptr_t)rec;
	desc.src_addr = (uintptr_t)last;
	desc.xfer_size = 1;
	rig_submit(guest, &desc);
	rig_settle(bed->rig);
	assert_int_equal(rec->status, DSA_COMP_PAGE_FAULT_NOBOF);
	assert_int_equal(rec->fault_addr, (uintptr_t)last);
}

/* Wrong in every way that a descriptor of this device can be. */
static struct dsa_hw_desc
bad_desc(unsigned int kind)
{
	struct dsa_hw_desc desc = desc_copy();

	switch (kind) {
	case 0:
		desc.opcode = 0xee;
		break;
	case 1:
		desc.flags |= IDXD_OP_FLAG_BOF;
		break;
	case 2:
		desc.rsvd1 = 0xffff;
		break;
	case 3:
		desc.xfer_size = 0;
		break;
	case 4:
		desc.src_addr = BAD;
		break;
	case 5:
		desc.dst_addr = BAD;
		break;
	case 6:
		desc.completion_addr = BAD;
		break;
	case 7:
		desc.completion_addr++;
		break;
	case 8:
		desc.src_addr = UINT64_MAX;
		break;
	default:
		desc.flags |= IDXD_OP_FLAG_RCI;
		break;
	}
	return desc;
}

#define BAD_KINDS 10u

/* Good and bad work by turns, through one lane and through a lane of its own. */
static void
run_neighbours(struct rig *rig, struct rig_guest *good, struct rig_guest *bad, const uint8_t *data)
{
	struct siov_error errors[4];
	unsigned int kind;

	for (kind = 0; kind < BAD_KINDS; kind++) {
		struct dsa_hw_desc desc = desc_copy(), wrong = bad_desc(kind);

		memset(good->comps, 0, RIG_PAGE);
		rig_submit(bad, &wrong);
		rig_submit(good, &desc);
		rig_submit(bad, &wrong);
		desc.completion_addr = rig_comp(1);
		rig_submit(good, &desc);
		rig_settle(rig);
		assert_int_equal(good->comps[0].status, DSA_COMP_SUCCESS);
		assert_int_equal(good->comps[1].status, DSA_COMP_SUCCESS);
		assert_memory_equal(data + RIG_PAGE, data, RIG_PAGE);
		engine_take_errors(rig->engines[0], errors, RTE_DIM(errors));
	}
}

static void
test_s7_6_1_bad_work_of_one_changes_nothing_for_another(void **state)
{
	struct bed *bed = *state;
	struct rig_guest *good = rig_add_guest_on(bed->rig, bed->lane, 20, NULL);
	struct rig_guest *bad = rig_add_guest_on(bed->rig, bed->lane, 21, NULL);
	struct rig_guest *apart = rig_add_guest(bed->rig, 0, 22);
	uint8_t *data = add_data(good);
	uint8_t *bad_data = add_data(bad);

	add_data(apart);
	run_neighbours(bed->rig, good, bad, data);
	run_neighbours(bed->rig, good, apart, data);
	assert_int_equal(rig_stats(bed->rig, 0, 20).completed, 4 * BAD_KINDS);
	assert_int_equal(rig_stats(bed->rig, 0, 20).failed, 0);
	assert_int_equal(rig_stats(bed->rig, 0, 21).failed, 2 * BAD_KINDS);
	assert_int_equal(rig_stats(bed->rig, 0, 21).completed, 0);
	assert_int_equal(rig_stats(bed->rig, 0, 22).failed, 2 * BAD_KINDS);
	assert_int_equal(bad_data[RIG_PAGE], 0);
}

/* Told to the owner where there is a record, to the device's log where there is none. */
static void
test_s7_6_5_errors_are_told_to_their_owner_only(void **state)
{
	struct bed *bed = *state;
	struct rig_guest *bad = rig_add_guest_on(bed->rig, bed->lane, 30, NULL);
	struct rig_guest *other = rig_add_guest_on(bed->rig, bed->lane, 31, NULL);
	struct dsa_completion_record rec;
	struct dsa_hw_desc desc = desc_copy();
	struct siov_error error;

	add_data(bad);
	add_data(other);
	desc.opcode = 0xee;
	assert_int_equal(rig_run(bad, &desc).status, DSA_COMP_BAD_OPCODE);
	desc = desc_copy();
	desc.dst_addr = BAD;
	rec = rig_run(bad, &desc);
	assert_int_equal(rec.status, DSA_COMP_PAGE_FAULT_NOBOF | DSA_COMP_STATUS_WRITE);
	assert_int_equal(rec.fault_addr, BAD);
	rig_no_error(bed->rig);
	assert_int_equal(other->comps[0].status, 0);
	desc.completion_addr = BAD;
	rig_run(bad, &desc);
	error = rig_one_error(bed->rig);
	assert_int_equal(error.pasid, 30);
	assert_int_equal(error.wq_id, 0);
	assert_int_equal(other->comps[0].status, 0);
	desc = desc_copy();
	assert_int_equal(rig_run(other, &desc).status, DSA_COMP_SUCCESS);
	assert_int_equal(rig_run(bad, &desc).status, DSA_COMP_SUCCESS);
}

/* A dedicated queue has one PASID, whatever descriptors and portals say. */
static void
test_dedicated_queue_works_for_its_own_pasid(void **state)
{
	struct bed *bed = *state;
	unsigned int wq = rig_add_wq(bed->rig, &(struct rig_wq_conf){.dwq_pasid = 40});
	struct rig_guest *guest = rig_add_guest(bed->rig, wq, 40);
	struct dsa_hw_desc desc = desc_copy();
	uint8_t *data = add_data(guest);

	desc.pasid = 41;
	assert_int_equal(rig_run(guest, &desc).status, DSA_COMP_SUCCESS);
	assert_memory_equal(data + RIG_PAGE, data, RIG_PAGE);
	assert_int_equal(rig_stats(bed->rig, wq, 40).completed, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_bed, close_bed)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_s7_2_3_every_access_carries_the_pasid_of_its_descriptor),
		TEST(test_s7_2_3_no_request_leaves_without_a_bound_pasid),
		TEST(test_s6_2_5_all_20_bits_of_the_pasid_tell_requests_apart),
		TEST(test_s7_2_6_contexts_of_one_domain_share_a_pasid),
		TEST(test_s7_3_6_the_pasid_in_the_descriptor_is_enough),
		TEST(test_s8_1_1_address_spaces_of_several_kinds_at_the_same_time),
		TEST(test_pass_through_stays_within_registered_memory),
		TEST(test_s7_6_1_bad_work_of_one_changes_nothing_for_another),
		TEST(test_s7_6_5_errors_are_told_to_their_owner_only),
		TEST(test_dedicated_queue_works_for_its_own_pasid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

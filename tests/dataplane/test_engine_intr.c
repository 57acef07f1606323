/* SPDX-License-Identifier: BSD-3-Clause */
/* Interrupts on completion: once for each descriptor that asks, and only by its own handles. */
#include "ims.h"
#include "msg_bed.h"
#include "msix.h"
#include "rig.h"

#define PASID 7u
#define OTHER 9u
#define SRC (UINT64_C(1) << 40)
#define DST (UINT64_C(2) << 40)
#define LIST (UINT64_C(3) << 40)
#define RW (SIOV_PERM_R | SIOV_PERM_W)
#define RCI IDXD_OP_FLAG_RCI

struct bed {
	struct msg_bed msg;
	struct siov_ims *ims;
	struct siov_msix *msix;
	struct rig *rig;
	struct rig_guest *guest; /* PASID; handles of its lane are of IMS */
	struct rig_guest *other; /* OTHER, likewise */
	struct rig_guest *plain; /* PASID on a lane whose handles are of MSI-X */
	uint32_t handle; /* of PASID */
	uint32_t foreign; /* of OTHER */
};

static uint32_t
make_handle(struct bed *bed, uint32_t pasid)
{
	uint32_t handle;

	assert_int_equal(siov_ims_alloc(bed->ims, pasid, &handle), 0);
	assert_int_equal(siov_ims_set_pasid(bed->ims, handle, pasid), 0);
	assert_int_equal(siov_ims_program(bed->ims, handle, siov_ir_msi_addr(handle), 0), 0);
	assert_int_equal(siov_ims_unmask(bed->ims, handle), 0);
	return handle;
}

static void
open_messages(struct bed *bed)
{
	struct siov_msix_conf msix = {
		.mem = &bed->msg.fm.mem,
		.ir = bed->msg.ir,
		.tsc_hz = HZ,
		.socket_id = -1,
		.nb_vectors = 4,
		.nb_engines = 1,
		.rid = RID,
	};
	struct siov_ims_conf ims;

	siov_ims_conf_init(&ims);
	ims.mem = &bed->msg.fm.mem;
	ims.ir = bed->msg.ir;
	ims.tsc_hz = HZ;
	ims.nb_entries = 8;
	ims.rid = RID;
	assert_int_equal(siov_ims_create(&ims, &bed->ims), 0);
	assert_int_equal(siov_msix_create(&msix, &bed->msix), 0);
	siov_msix_set_control(bed->msix, SIOV_MSIX_CONTROL_ENABLE);
}

static int
setup(void **state)
{
	struct bed *bed = calloc(1, sizeof(*bed));

	assert_non_null(bed);
	msg_bed_init(&bed->msg);
	open_messages(bed);
	bed->handle = make_handle(bed, PASID);
	bed->foreign = make_handle(bed, OTHER);
	bed->rig = rig_open(&(struct rig_conf){
		.arena_len = UINT64_C(16) << 20,
		.messages = {msix_table(bed->msix), ims_table(bed->ims)},
	});
	rig_add_wq(bed->rig, &(struct rig_wq_conf){.batch_max = 64});
	bed->plain = rig_add_guest(bed->rig, 0, PASID);
	bed->rig->lane_flags = SIOV_LANE_F_IMS;
	bed->guest = rig_add_guest(bed->rig, 0, PASID + 1);
	bed->other = rig_add_guest(bed->rig, 0, OTHER);
	/* The guest that uses IMS is the one whose PASID has a handle. */
	bed->handle = make_handle(bed, PASID + 1);
	*state = bed;
	return 0;
}

static int
teardown(void **state)
{
	struct bed *bed = *state;

	rig_close(bed->rig);
	siov_ims_free(bed->ims);
	siov_msix_free(bed->msix);
	msg_bed_fini(&bed->msg);
	free(bed);
	return 0;
}

static struct dsa_hw_desc
desc_rci(uint8_t opcode, uint32_t handle)
{
	struct dsa_hw_desc desc = rig_desc(opcode);

	desc.flags |= RCI;
	desc.int_handle = (uint16_t)handle;
	return desc;
}

/* As many messages came as are said, the highest of entry; -1: none. */
static void
check_delivered(struct bed *bed, uint64_t nb, int entry)
{
	assert_int_equal(msg_bed_nb_delivered(&bed->msg), nb);
	assert_int_equal(msg_bed_take(&bed->msg), entry);
}

static void
test_a_completion_interrupts_once(void **state)
{
	struct bed *bed = *state;
	struct dsa_hw_desc desc = desc_rci(DSA_OPCODE_NOOP, bed->handle);
	unsigned int i;

	for (i = 1; i <= 5; i++) {
		assert_int_equal(rig_run(bed->guest, &desc).status, DSA_COMP_SUCCESS);
		check_delivered(bed, i, (int)bed->handle);
	}
	/* One that does not ask. */
	desc.flags &= ~(uint32_t)RCI;
	assert_int_equal(rig_run(bed->guest, &desc).status, DSA_COMP_SUCCESS);
	check_delivered(bed, 5, -1);
}

static void
test_s7_5_8_another_handle_is_refused_and_silent(void **state)
{
	struct bed *bed = *state;
	const uint32_t handles[] = {bed->foreign, 7, 8, UINT16_MAX};
	unsigned int i;

	for (i = 0; i < RTE_DIM(handles); i++) {
		struct dsa_hw_desc desc = desc_rci(DSA_OPCODE_NOOP, handles[i]);

		assert_int_equal(rig_run(bed->guest, &desc).status, DSA_COMP_INT_HANDLE_INVAL);
	}
	check_delivered(bed, 0, -1);
	assert_int_equal(rig_stats(bed->rig, 0, PASID + 1).failed, RTE_DIM(handles));
	/* Its owner may use it. */
	rig_submit(bed->other, &(struct dsa_hw_desc){.opcode = DSA_OPCODE_NOOP,
						     .flags = RCI,
						     .int_handle = (uint16_t)bed->foreign});
	rig_settle(bed->rig);
	check_delivered(bed, 1, (int)bed->foreign);
}

static void
test_s7_5_6_the_portal_says_which_table_a_handle_is_of(void **state)
{
	struct bed *bed = *state;
	struct dsa_hw_desc desc = desc_rci(DSA_OPCODE_NOOP, 2);

	/* Vector 2 is nobody's so far; entry 2 of IMS is another table's. */
	assert_int_equal(rig_run(bed->plain, &desc).status, DSA_COMP_INT_HANDLE_INVAL);
	siov_msix_set_perm(bed->msix, 2,
			   SIOV_IMS_CTRL_PASID_EN | PASID << SIOV_IMS_CTRL_PASID_SHIFT);
	siov_msix_write(bed->msix, 32, 8, siov_ir_msi_addr(5));
	siov_msix_write(bed->msix, 40, 8, 0);
	assert_int_equal(rig_run(bed->plain, &desc).status, DSA_COMP_SUCCESS);
	check_delivered(bed, 1, 5);
	/* The function's own, from control. */
	assert_int_equal(siov_msix_trigger(bed->msix, 2), 0);
	check_delivered(bed, 2, 5);
	assert_int_equal(siov_msix_trigger(bed->msix, 4), -ERANGE);
}

static void
test_failures_interrupt_too(void **state)
{
	struct bed *bed = *state;
	struct dsa_hw_desc desc = desc_rci(DSA_OPCODE_MEMMOVE, bed->handle);

	desc.src_addr = SRC;
	desc.dst_addr = DST;
	desc.xfer_size = 64;
	assert_int_equal(rig_run(bed->guest, &desc).status, DSA_COMP_PAGE_FAULT_NOBOF);
	check_delivered(bed, 1, (int)bed->handle);
	/* But not where no record can be written. */
	desc.completion_addr = SRC;
	rig_submit(bed->guest, &desc);
	rig_settle(bed->rig);
	assert_int_equal(rig_one_error(bed->rig).code, DSA_COMP_CRA_XLAT);
	check_delivered(bed, 1, -1);
}

static void
test_a_long_transfer_interrupts_at_its_end(void **state)
{
	struct bed *bed = *state;
	struct dsa_hw_desc desc = desc_rci(DSA_OPCODE_MEMFILL, bed->handle);
	struct rig_view view = rig_map(bed->guest, DST, 4 * RIG_SLICE, RW, RIG_CONTIGUOUS);

	desc.dst_addr = DST;
	desc.xfer_size = 4 * RIG_SLICE;
	rig_submit(bed->guest, &desc);
	rig_poll(bed->rig);
	check_delivered(bed, 0, -1);
	rig_settle(bed->rig);
	check_delivered(bed, 1, (int)bed->handle);
	rig_unview(&view);
}

static void
test_members_and_batches_interrupt_as_they_ask(void **state)
{
	struct bed *bed = *state;
	struct dsa_hw_desc list[8], desc = desc_rci(DSA_OPCODE_BATCH, bed->handle);
	struct rig_view view = rig_map(bed->guest, LIST, RIG_PAGE, RW, RIG_CONTIGUOUS);
	unsigned int i;

	for (i = 0; i < RTE_DIM(list); i++) {
		list[i] = desc_rci(DSA_OPCODE_NOOP, i % 2 == 0 ? bed->handle : bed->foreign);
		list[i].completion_addr = rig_comp(1 + i);
	}
	rig_poke(&view, 0, list, sizeof(list));
	desc.desc_list_addr = LIST;
	desc.desc_count = RTE_DIM(list);
	assert_int_equal(rig_run(bed->guest, &desc).status, DSA_COMP_BATCH_FAIL);
	check_delivered(bed, RTE_DIM(list) / 2 + 1, (int)bed->handle);
	for (i = 0; i < RTE_DIM(list); i++)
		assert_int_equal(bed->guest->comps[1 + i].status,
				 i % 2 == 0 ? DSA_COMP_SUCCESS : DSA_COMP_INT_HANDLE_INVAL);
	rig_unview(&view);
}

static void
test_an_abort_interrupts_and_a_discard_does_not(void **state)
{
	struct bed *bed = *state;
	struct dsa_hw_desc desc = desc_rci(DSA_OPCODE_NOOP, bed->handle);
	struct siov_engine *engine = bed->rig->engines[0];

	engine_set_gate(engine, 0, PASID + 1, ENGINE_GATE_ABORT);
	assert_int_equal(rig_run(bed->guest, &desc).status, SIOV_COMP_ABORTED);
	check_delivered(bed, 1, (int)bed->handle);
	engine_set_gate(engine, 0, PASID + 1, ENGINE_GATE_DISCARD);
	assert_int_equal(rig_run(bed->guest, &desc).status, DSA_COMP_NONE);
	check_delivered(bed, 1, -1);
	engine_set_gate(engine, 0, PASID + 1, ENGINE_GATE_OPEN);
	assert_int_equal(rig_run(bed->guest, &desc).status, DSA_COMP_SUCCESS);
	check_delivered(bed, 2, (int)bed->handle);
	assert_int_equal(rig_stats(bed->rig, 0, PASID + 1).aborted, 2);
}

static void
test_what_moderation_holds_back_is_sent_when_the_engine_stops(void **state)
{
	struct bed *bed = *state;
	struct dsa_hw_desc desc = desc_rci(DSA_OPCODE_NOOP, bed->handle);
	const struct siov_ims_moderation moderation = {.interval_us = SIOV_IMS_INTERVAL_US_MAX};
	unsigned int i;

	assert_int_equal(siov_ims_set_moderation(bed->ims, bed->handle, &moderation), 0);
	for (i = 0; i < 4; i++)
		rig_submit(bed->guest, &desc);
	for (i = 0; i < 4; i++)
		rig_poll(bed->rig);
	check_delivered(bed, 1, (int)bed->handle);
	siov_engine_stop(bed->rig->engines[0]);
	check_delivered(bed, 2, (int)bed->handle);
	siov_engine_start(bed->rig->engines[0]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_completion_interrupts_once),
		TEST(test_s7_5_8_another_handle_is_refused_and_silent),
		TEST(test_s7_5_6_the_portal_says_which_table_a_handle_is_of),
		TEST(test_failures_interrupt_too),
		TEST(test_a_long_transfer_interrupts_at_its_end),
		TEST(test_members_and_batches_interrupt_as_they_ask),
		TEST(test_an_abort_interrupts_and_a_discard_does_not),
		TEST(test_what_moderation_holds_back_is_sent_when_the_engine_stops),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

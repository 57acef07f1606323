/* SPDX-License-Identifier: BSD-3-Clause */
/* Descriptors that are refused, records that cannot be written, and the error log. */
#include "fault_bed.h"

#define ERROR_LOG 256u /* entries */

/* ---- completion records that cannot be written ---- */

/* Every operation, short and long, with a completion address that is no good. */
static void
run_without_record(struct fault_bed *bed, uint64_t completion_addr, uint8_t code)
{
	static const uint32_t lens[] = {100, 200000};
	struct siov_stats stats = rig_stats(bed->rig, 0, PASID);
	uint64_t nb = stats.failed_by[code];
	unsigned int i, l;

	for (i = 0; i < RTE_DIM(data_ops); i++) {
		for (l = 0; l < RTE_DIM(lens); l++) {
			struct dsa_hw_desc desc = desc_of(data_ops[i], SRC, DST, lens[l]);

			desc.completion_addr = completion_addr;
			rig_run(bed->guest, &desc);
			check_error(bed, &desc, code, completion_addr);
		}
	}
	stats = rig_stats(bed->rig, 0, PASID);
	assert_int_equal(stats.failed_by[code], nb + RTE_DIM(data_ops) * RTE_DIM(lens));
	assert_int_equal(stats.bytes, 0);
	assert_int_equal(stats.completed, 0);
}

static void
test_completion_address_misaligned(void **state)
{
	struct fault_bed *bed = *state;
	uint64_t bit;

	for (bit = 1; bit < 32; bit <<= 1)
		run_without_record(bed, rig_comp(1) + bit, DSA_COMP_CRA_ALIGN);
	run_without_record(bed, rig_comp(1) + 31, DSA_COMP_CRA_ALIGN);
	check_no_record(bed);
	check_untouched(bed);
}

static void
test_completion_address_not_mapped(void **state)
{
	struct fault_bed *bed = *state;

	run_without_record(bed, BAD, DSA_COMP_CRA_XLAT);
	run_without_record(bed, 0, DSA_COMP_CRA_XLAT);
	run_without_record(bed, UINT64_MAX - 31, DSA_COMP_CRA_XLAT);
	check_no_record(bed);
	check_untouched(bed);
}

static void
test_completion_address_read_only(void **state)
{
	struct fault_bed *bed = *state;

	run_without_record(bed, RO_COMP, DSA_COMP_CRA_XLAT);
	check_untouched(bed);
}

/* Misaligned and not mapped: the first check wins, and a bad descriptor does not hide it. */
static void
test_completion_address_is_checked_first(void **state)
{
	struct fault_bed *bed = *state;
	struct dsa_hw_desc desc = desc_of(0xff, SRC, DST, 100);

	desc.completion_addr = BAD + 1;
	rig_run(bed->guest, &desc);
	check_error(bed, &desc, DSA_COMP_CRA_ALIGN, BAD + 1);
}

static void
test_no_completion_address_success_is_silent(void **state)
{
	struct fault_bed *bed = *state;
	struct dsa_hw_desc desc = desc_of(DSA_OPCODE_MEMMOVE, SRC, DST, 70000);

	desc.flags = 0;
	rig_run(bed->guest, &desc);
	check_no_record(bed);
	rig_no_error(bed->rig);
	rig_peek(&bed->dst, 0, bed->b, 70000);
	assert_memory_equal(bed->a, bed->b, 70000);
	assert_int_equal(rig_stats(bed->rig, 0, PASID).completed, 1);
}

static void
run_silent_failure(struct fault_bed *bed, struct dsa_hw_desc desc, uint8_t code,
		   uint64_t fault_addr)
{
	desc.flags &= ~(uint32_t)IDXD_OP_FLAG_CRAV;
	desc.completion_addr = UINT64_C(0xdead0000);
	rig_run(bed->guest, &desc);
	check_error(bed, &desc, code, fault_addr);
	check_no_record(bed);
}

static void
test_no_completion_address_failure_is_logged(void **state)
{
	struct fault_bed *bed = *state;
	struct dsa_hw_desc desc = desc_of(DSA_OPCODE_MEMMOVE, BAD, DST, 100);

	desc.flags = 0;
	run_silent_failure(bed, desc, DSA_COMP_PAGE_FAULT_NOBOF, BAD);
	desc.xfer_size = 100000;
	run_silent_failure(bed, desc, DSA_COMP_PAGE_FAULT_NOBOF, BAD);
	desc = desc_of(DSA_OPCODE_MEMMOVE, SRC, BAD, 100);
	desc.flags = 0;
	run_silent_failure(bed, desc, DSA_COMP_PAGE_FAULT_NOBOF, BAD);
	desc.opcode = 0x7f;
	run_silent_failure(bed, desc, DSA_COMP_BAD_OPCODE, 0);
	desc = desc_of(DSA_OPCODE_MEMMOVE, SRC, DST, 100);
	desc.flags = IDXD_OP_FLAG_RCR;
	run_silent_failure(bed, desc, DSA_COMP_INVALID_FLAGS, 0);
	check_untouched(bed);
}

static void
test_record_not_requested_is_written_on_error_only(void **state)
{
	struct fault_bed *bed = *state;
	struct dsa_hw_desc desc = desc_of(DSA_OPCODE_MEMMOVE, SRC, DST, 100);
	struct dsa_completion_record rec;

	desc.flags = IDXD_OP_FLAG_CRAV;
	rig_run(bed->guest, &desc);
	desc.xfer_size = 100000;
	rig_run(bed->guest, &desc);
	check_no_record(bed);
	desc.src_addr = SRC + AREA - 10;
	rec = rig_run(bed->guest, &desc);
	check_fault(&rec, DSA_COMP_PAGE_FAULT_NOBOF, SRC + AREA, 10);
	assert_int_equal(rig_stats(bed->rig, 0, PASID).completed, 2);
}

/* ---- refused descriptors ---- */

/* A queue that takes some operations only, beside one that takes all. */
static void
test_a_queue_takes_the_operations_that_it_names(void **state)
{
	const uint64_t ops[4] = {UINT64_C(1) << DSA_OPCODE_NOOP | UINT64_C(1)
									  << DSA_OPCODE_MEMFILL};
	struct fault_bed *bed = *state;
	struct rig_guest *some = rig_add_guest(
		bed->rig, rig_add_wq(bed->rig, &(struct rig_wq_conf){.ops = ops}), 77);
	unsigned int opcode;

	for (opcode = 0; opcode < 256; opcode++) {
		struct dsa_hw_desc desc = rig_desc((uint8_t)opcode);
		bool is_taken = opcode == DSA_OPCODE_NOOP || opcode == DSA_OPCODE_MEMFILL;

		assert_int_equal(rig_run(some, &desc).status == DSA_COMP_BAD_OPCODE, !is_taken);
		assert_int_equal(rig_run(bed->guest, &desc).status == DSA_COMP_BAD_OPCODE,
				 opcode == DSA_OPCODE_BATCH || (opcode > 0x09 && opcode < 0x10) ||
					 (opcode > 0x15 && opcode != 0x20));
	}
}

static void
test_refused_descriptors_are_told_and_counted(void **state)
{
	struct fault_bed *bed = *state;
	struct dsa_hw_desc good = desc_of(DSA_OPCODE_MEMMOVE, SRC, DST, 100);
	struct dsa_completion_record rec;
	struct dsa_hw_desc desc = good;
	struct siov_stats stats;

	desc.opcode = 0xff;
	assert_int_equal(rig_run(bed->guest, &desc).status, DSA_COMP_BAD_OPCODE);
	desc = good;
	desc.flags |= IDXD_OP_FLAG_BOF | 0x800000;
	rec = rig_run(bed->guest, &desc);
	assert_int_equal(rec.status, DSA_COMP_INVALID_FLAGS);
	assert_int_equal(rec.invalid_flags, IDXD_OP_FLAG_BOF | 0x800000);
	desc = good;
	desc.rsvd1 = 1;
	assert_int_equal(rig_run(bed->guest, &desc).status, DSA_COMP_NOZERO_RESERVE);
	desc = good;
	desc.xfer_size = 0;
	assert_int_equal(rig_run(bed->guest, &desc).status, DSA_COMP_XFER_ERANGE);
	desc = good;
	desc.opcode = DSA_OPCODE_COPY_CRC;
	desc.dst_addr = SRC + 99;
	assert_int_equal(rig_run(bed->guest, &desc).status, DSA_COMP_OVERLAP_BUFFERS);
	desc = good;
	desc.flags |= IDXD_OP_FLAG_RCI;
	assert_int_equal(rig_run(bed->guest, &desc).status, DSA_COMP_INT_HANDLE_INVAL);
	stats = rig_stats(bed->rig, 0, PASID);
	assert_int_equal(stats.failed, 6);
	assert_int_equal(stats.completed, 0);
	assert_int_equal(stats.bytes, 0);
	assert_int_equal(stats.failed_by[DSA_COMP_BAD_OPCODE], 1);
	assert_int_equal(stats.failed_by[DSA_COMP_INVALID_FLAGS], 1);
	assert_int_equal(stats.failed_by[DSA_COMP_NOZERO_RESERVE], 1);
	assert_int_equal(stats.failed_by[DSA_COMP_XFER_ERANGE], 1);
	assert_int_equal(stats.failed_by[DSA_COMP_OVERLAP_BUFFERS], 1);
	assert_int_equal(stats.failed_by[DSA_COMP_INT_HANDLE_INVAL], 1);
	check_untouched(bed);
}

static void
test_privileged_descriptor_is_refused(void **state)
{
	struct fault_bed *bed = *state;
	struct dsa_hw_desc desc = desc_of(DSA_OPCODE_MEMMOVE, SRC, DST, 100);
	struct siov_portal portal;

	assert_int_equal(siov_portal_init(&portal, bed->guest->portal.lane, 0, SIOV_PORTAL_F_PRIV),
			 0);
	desc.pasid = PASID;
	desc.priv = 1;
	assert_int_equal(rig_enqcmd(&portal, &desc), SIOV_DMWR_SUCCESS);
	rig_settle(bed->rig);
	assert_int_equal(bed->guest->comps[0].status, DSA_COMP_PRIV_BAD);
	check_untouched(bed);
}

/* A page fault counts the bytes that were done before it. */
static void
test_page_faults_are_counted_with_their_bytes(void **state)
{
	struct fault_bed *bed = *state;
	struct dsa_hw_desc desc = desc_of(DSA_OPCODE_MEMMOVE, SRC + AREA - 123, DST, 1000);
	struct siov_stats stats;

	rig_run(bed->guest, &desc);
	desc = desc_of(DSA_OPCODE_MEMMOVE, SRC, DST + AREA - 70000, 100000);
	rig_run(bed->guest, &desc);
	stats = rig_stats(bed->rig, 0, PASID);
	assert_int_equal(stats.failed, 2);
	assert_int_equal(stats.failed_by[DSA_COMP_PAGE_FAULT_NOBOF], 2);
	assert_int_equal(stats.bytes, 70123);
}

/* ---- the error log ---- */

static void
test_a_full_error_log_counts_what_it_drops(void **state)
{
	struct fault_bed *bed = *state;
	struct dsa_hw_desc desc = desc_of(DSA_OPCODE_MEMMOVE, BAD, DST, 1);
	struct siov_error errors[ERROR_LOG + 1];
	struct siov_engine_stats stats;
	unsigned int i;

	desc.flags = 0;
	for (i = 0; i < ERROR_LOG + 44; i++) {
		desc.src_addr = BAD + i;
		rig_run(bed->guest, &desc);
	}
	siov_engine_get_stats(bed->rig->engines[0], &stats);
	assert_int_equal(stats.errors_dropped, 44);
	assert_int_equal(engine_take_errors(bed->rig->engines[0], errors, 1), 1);
	assert_int_equal(errors[0].fault_addr, BAD);
	desc.src_addr = BAD + 1000;
	rig_run(bed->guest, &desc);
	assert_int_equal(engine_take_errors(bed->rig->engines[0], errors, RTE_DIM(errors)),
			 ERROR_LOG);
	for (i = 0; i < ERROR_LOG - 1; i++)
		assert_int_equal(errors[i].fault_addr, BAD + 1 + i);
	assert_int_equal(errors[ERROR_LOG - 1].fault_addr, BAD + 1000);
	assert_int_equal(rig_stats(bed->rig, 0, PASID).failed, ERROR_LOG + 45);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FAULT_TEST(test_completion_address_misaligned),
		FAULT_TEST(test_completion_address_not_mapped),
		FAULT_TEST(test_completion_address_read_only),
		FAULT_TEST(test_completion_address_is_checked_first),
		FAULT_TEST(test_no_completion_address_success_is_silent),
		FAULT_TEST(test_no_completion_address_failure_is_logged),
		FAULT_TEST(test_record_not_requested_is_written_on_error_only),
		FAULT_TEST(test_a_queue_takes_the_operations_that_it_names),
		FAULT_TEST(test_refused_descriptors_are_told_and_counted),
		FAULT_TEST(test_privileged_descriptor_is_refused),
		FAULT_TEST(test_page_faults_are_counted_with_their_bytes),
		FAULT_TEST(test_a_full_error_log_counts_what_it_drops),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

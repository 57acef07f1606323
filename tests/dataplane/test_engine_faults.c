/* SPDX-License-Identifier: BSD-3-Clause */
/* What cannot be done: its status, address and bytes, and that nothing else happened. */
#include <stdlib.h>

#include "rig.h"

#define SRC UINT64_C(0x10000000)
#define DST UINT64_C(0x20000000)
#define BAD UINT64_C(0x30000000) /* never mapped */
#define RO_COMP UINT64_C(0x40000000) /* a read-only page */
#define AREA (4 * RIG_2M) /* mapped at SRC (read) and DST (write); what follows is not */
#define RW (SIOV_PERM_R | SIOV_PERM_W)
#define ERROR_LOG 256u

#define PASID 7u
#define UNTOUCHED 0x5a

struct bed {
	struct rig *rig;
	struct rig_guest *guest;
	struct rig_view src; /* random bytes */
	struct rig_view dst; /* UNTOUCHED */
	uint8_t *a, *b; /* a: what src holds */
};

static int
open_bed(void **state)
{
	struct bed *bed = calloc(1, sizeof(*bed));

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

static int
close_bed(void **state)
{
	struct bed *bed = *state;

	rig_no_error(bed->rig);
	rig_unview(&bed->src);
	rig_unview(&bed->dst);
	rig_close(bed->rig);
	free(bed->a);
	free(bed->b);
	free(bed);
	return 0;
}

static void
check_bytes(const uint8_t *bytes, uint8_t value, uint64_t len)
{
	uint64_t i;

	for (i = 0; i < len; i++) {
		if (bytes[i] != value)
			fail_msg("byte %lu of %lu is %#x, not %#x", (unsigned long)i,
				 (unsigned long)len, bytes[i], value);
	}
}

/* Source and destination as they were before. */
static void
check_untouched(const struct bed *bed)
{
	rig_peek(&bed->src, 0, bed->b, AREA);
	assert_memory_equal(bed->b, bed->a, AREA);
	rig_peek(&bed->dst, 0, bed->b, AREA);
	check_bytes(bed->b, UNTOUCHED, AREA);
}

/* What came of a descriptor that faulted. */
static void
check_fault(const struct dsa_completion_record *rec, uint8_t status, uint64_t fault_addr,
	    uint32_t bytes)
{
	assert_int_equal(rec->status, status);
	assert_int_equal(rec->fault_addr, fault_addr);
	assert_int_equal(rec->bytes_completed, bytes);
	assert_int_equal(rec->result, 0);
}

static struct dsa_hw_desc
desc_of(uint8_t opcode, uint64_t src, uint64_t dst, uint32_t len)
{
	struct dsa_hw_desc desc = rig_desc(opcode);

	desc.src_addr = src;
	desc.dst_addr = dst;
	desc.xfer_size = len;
	return desc;
}

/* The six operations with data. */
static const uint8_t data_ops[] = {DSA_OPCODE_MEMMOVE, DSA_OPCODE_MEMFILL, DSA_OPCODE_COMPARE,
				   DSA_OPCODE_COMPVAL, DSA_OPCODE_CRCGEN,  DSA_OPCODE_COPY_CRC};

static bool
reads_src(uint8_t opcode)
{
	return opcode != DSA_OPCODE_MEMFILL;
}

static bool
writes_dst(uint8_t opcode)
{
	return opcode == DSA_OPCODE_MEMMOVE || opcode == DSA_OPCODE_MEMFILL ||
	       opcode == DSA_OPCODE_COPY_CRC;
}

/* ---- where addresses are not mapped or not permitted ---- */

static void
test_source_not_mapped(void **state)
{
	static const uint32_t lens[] = {1, 4096, 100000};
	struct bed *bed = *state;
	struct dsa_completion_record rec;
	struct dsa_hw_desc desc;
	unsigned int i, l;

	for (i = 0; i < RTE_DIM(data_ops); i++) {
		for (l = 0; l < RTE_DIM(lens) && reads_src(data_ops[i]); l++) {
			desc = desc_of(data_ops[i], BAD + 5, DST, lens[l]);
			rec = rig_run(bed->guest, &desc);
			check_fault(&rec, DSA_COMP_PAGE_FAULT_NOBOF, BAD + 5, 0);
		}
	}
	check_untouched(bed);
}

static void
test_destination_not_mapped_is_a_write_fault(void **state)
{
	static const uint32_t lens[] = {1, 4096, 100000};
	struct bed *bed = *state;
	struct dsa_completion_record rec;
	struct dsa_hw_desc desc;
	unsigned int i, l;

	for (i = 0; i < RTE_DIM(data_ops); i++) {
		for (l = 0; l < RTE_DIM(lens) && writes_dst(data_ops[i]); l++) {
			desc = desc_of(data_ops[i], SRC, BAD + 5, lens[l]);
			rec = rig_run(bed->guest, &desc);
			check_fault(&rec, DSA_COMP_PAGE_FAULT_NOBOF | DSA_COMP_STATUS_WRITE,
				    BAD + 5, 0);
		}
	}
	check_untouched(bed);
}

static void
test_second_source_not_mapped_is_a_read_fault(void **state)
{
	struct bed *bed = *state;
	struct dsa_hw_desc desc = desc_of(DSA_OPCODE_COMPARE, SRC, BAD, 10);
	struct dsa_completion_record rec = rig_run(bed->guest, &desc);

	check_fault(&rec, DSA_COMP_PAGE_FAULT_NOBOF, BAD, 0);
}

static void
test_read_only_memory_is_not_written(void **state)
{
	struct bed *bed = *state;
	struct dsa_completion_record rec;
	struct dsa_hw_desc desc;
	unsigned int i;

	for (i = 0; i < RTE_DIM(data_ops); i++) {
		if (!writes_dst(data_ops[i]))
			continue;
		desc = desc_of(data_ops[i], SRC, SRC + RIG_PAGE, 100);
		rec = rig_run(bed->guest, &desc);
		check_fault(&rec, DSA_COMP_PAGE_FAULT_NOBOF | DSA_COMP_STATUS_WRITE,
			    SRC + RIG_PAGE, 0);
	}
	check_untouched(bed);
}

static void
test_write_only_memory_is_not_read(void **state)
{
	struct bed *bed = *state;
	struct dsa_completion_record rec;
	struct dsa_hw_desc desc;
	unsigned int i;

	for (i = 0; i < RTE_DIM(data_ops); i++) {
		if (!reads_src(data_ops[i]))
			continue;
		desc = desc_of(data_ops[i], DST + 3, DST + RIG_PAGE, 100);
		rec = rig_run(bed->guest, &desc);
		check_fault(&rec, DSA_COMP_PAGE_FAULT_NOBOF, DST + 3, 0);
	}
	check_untouched(bed);
}

/* ---- in the middle ---- */

/* The source ends with its area, after `bytes`. */
static void
run_source_ends(struct bed *bed, uint8_t opcode, uint64_t bytes)
{
	struct dsa_hw_desc desc =
		desc_of(opcode, SRC + AREA - bytes, DST + 100, bytes + 1 + bytes % 5000);
	struct dsa_completion_record rec = rig_run(bed->guest, &desc);

	check_fault(&rec, DSA_COMP_PAGE_FAULT_NOBOF, SRC + AREA, bytes);
	rig_peek(&bed->dst, 0, bed->b, AREA);
	check_bytes(bed->b, UNTOUCHED, 100);
	assert_memory_equal(bed->b + 100, bed->a + AREA - bytes, bytes);
	check_bytes(bed->b + 100 + bytes, UNTOUCHED, AREA - 100 - bytes);
	memset(bed->b, UNTOUCHED, AREA);
	rig_poke(&bed->dst, 0, bed->b, AREA);
}

static void
test_source_fault_in_the_middle(void **state)
{
	static const uint64_t bytes[] = {1, 7, 64, 1000, 4096, 5000, 65536, 65537, 300000};
	struct bed *bed = *state;
	unsigned int i;

	for (i = 0; i < RTE_DIM(bytes); i++) {
		run_source_ends(bed, DSA_OPCODE_MEMMOVE, bytes[i]);
		run_source_ends(bed, DSA_OPCODE_COPY_CRC, bytes[i]);
	}
}

/* Only the destination ends; what lies before its last page stays as it was. */
static void
run_destination_ends(struct bed *bed, uint8_t opcode, uint64_t bytes)
{
	struct dsa_hw_desc desc =
		desc_of(opcode, SRC, DST + AREA - bytes, bytes + 1 + bytes % 5000);
	struct dsa_completion_record rec = rig_run(bed->guest, &desc);

	check_fault(&rec, DSA_COMP_PAGE_FAULT_NOBOF | DSA_COMP_STATUS_WRITE, DST + AREA, bytes);
	rig_peek(&bed->dst, 0, bed->b, AREA);
	check_bytes(bed->b, UNTOUCHED, AREA - bytes);
	if (opcode != DSA_OPCODE_MEMFILL)
		assert_memory_equal(bed->b + AREA - bytes, bed->a, bytes);
	memset(bed->b, UNTOUCHED, AREA);
	rig_poke(&bed->dst, 0, bed->b, AREA);
}

static void
test_destination_fault_in_the_middle(void **state)
{
	static const uint64_t bytes[] = {1, 63, 4096, 4097, 65536, 200001};
	struct bed *bed = *state;
	unsigned int i;

	for (i = 0; i < RTE_DIM(bytes); i++) {
		run_destination_ends(bed, DSA_OPCODE_MEMMOVE, bytes[i]);
		run_destination_ends(bed, DSA_OPCODE_MEMFILL, bytes[i]);
		run_destination_ends(bed, DSA_OPCODE_COPY_CRC, bytes[i]);
	}
}

static void
test_compare_and_sum_fault_in_the_middle(void **state)
{
	static const uint8_t opcodes[] = {DSA_OPCODE_CRCGEN, DSA_OPCODE_COMPARE};
	struct bed *bed = *state;
	struct dsa_completion_record rec;
	struct dsa_hw_desc desc;
	unsigned int i;

	for (i = 0; i < RTE_DIM(opcodes); i++) {
		desc = desc_of(opcodes[i], SRC + AREA - 5000, SRC + AREA - 5000, 6000);
		if (opcodes[i] == DSA_OPCODE_CRCGEN)
			desc.dst_addr = 0;
		rec = rig_run(bed->guest, &desc);
		check_fault(&rec, DSA_COMP_PAGE_FAULT_NOBOF, SRC + AREA, 5000);
	}
	/* A difference before the fault is a result. */
	desc = desc_of(DSA_OPCODE_COMPARE, SRC + AREA - 5000, SRC, 6000);
	bed->b[0] = bed->a[0];
	rig_poke(&bed->src, AREA - 5000, bed->b, 1);
	rec = rig_run(bed->guest, &desc);
	assert_int_equal(rec.status, DSA_COMP_SUCCESS);
	assert_int_equal(rec.result, 1);
}

/* One read-only page between writable ones. */
static void
test_one_page_in_the_middle_is_read_only(void **state)
{
	struct bed *bed = *state;
	struct dsa_hw_desc desc = desc_of(DSA_OPCODE_MEMFILL, 0, BAD + 10, 3 * RIG_PAGE - 20);
	uint8_t *page[3];
	struct dsa_completion_record rec;
	unsigned int i;

	for (i = 0; i < 3; i++) {
		page[i] = rig_take(bed->rig, RIG_PAGE, false);
		rig_map_at(bed->guest, BAD + i * RIG_PAGE, page[i], RIG_PAGE,
			   i == 1 ? SIOV_PERM_R : RW);
	}
	desc.pattern = UINT64_MAX;
	rec = rig_run(bed->guest, &desc);
	check_fault(&rec, DSA_COMP_PAGE_FAULT_NOBOF | DSA_COMP_STATUS_WRITE, BAD + RIG_PAGE,
		    RIG_PAGE - 10);
	check_bytes(page[0], 0, 10);
	check_bytes(page[0] + 10, 0xff, RIG_PAGE - 10);
	check_bytes(page[1], 0, RIG_PAGE);
	check_bytes(page[2], 0, RIG_PAGE);
}

/* ---- software goes on where the device stopped ---- */

static void
test_a_forward_move_goes_on_after_its_fault(void **state)
{
	struct bed *bed = *state;
	struct dsa_hw_desc desc = desc_of(DSA_OPCODE_MEMMOVE, SRC, BAD + 50, 2 * RIG_PAGE);
	uint8_t *page = rig_take(bed->rig, 3 * RIG_PAGE, false);
	struct dsa_completion_record rec;

	rig_map_at(bed->guest, BAD, page, RIG_PAGE, RW);
	rec = rig_run(bed->guest, &desc);
	check_fault(&rec, DSA_COMP_PAGE_FAULT_NOBOF | DSA_COMP_STATUS_WRITE, BAD + RIG_PAGE,
		    RIG_PAGE - 50);
	rig_map_at(bed->guest, BAD + RIG_PAGE, page + RIG_PAGE, 2 * RIG_PAGE, RW);
	desc.src_addr += rec.bytes_completed;
	desc.dst_addr += rec.bytes_completed;
	desc.xfer_size -= rec.bytes_completed;
	rec = rig_run(bed->guest, &desc);
	assert_int_equal(rec.status, DSA_COMP_SUCCESS);
	assert_memory_equal(page + 50, bed->a, 2 * RIG_PAGE);
}

static void
fill_randomly(struct bed *bed, uint8_t *dst, uint64_t len)
{
	rig_random_bytes(bed->rig, dst, len);
	memcpy(bed->b, dst, len);
}

/* The low page is missing; the move begins at the high end, and says so. */
static void
test_a_backward_move_goes_on_after_its_fault(void **state)
{
	struct bed *bed = *state;
	struct dsa_hw_desc desc = desc_of(DSA_OPCODE_MEMMOVE, BAD + 0x800, BAD + 0x900, 0x1800);
	uint8_t *page = rig_take(bed->rig, 3 * RIG_PAGE, false);
	struct dsa_completion_record rec;

	fill_randomly(bed, page, 3 * RIG_PAGE);
	rig_map_at(bed->guest, BAD + RIG_PAGE, page + RIG_PAGE, 2 * RIG_PAGE, RW);
	rec = rig_run(bed->guest, &desc);
	assert_int_equal(rec.status, DSA_COMP_PAGE_FAULT_NOBOF);
	assert_int_equal(rec.result, 1);
	assert_int_equal(rec.bytes_completed, RIG_PAGE);
	assert_int_equal(rec.fault_addr & ~(RIG_PAGE - 1), BAD);
	assert_true(rec.fault_addr >= desc.src_addr);
	/* The high 4 KiB have moved, what is below has not. */
	assert_memory_equal(page + 0x1100, bed->b + 0x1000, RIG_PAGE);
	assert_memory_equal(page, bed->b, 0x1100);
	rig_map_at(bed->guest, BAD, page, RIG_PAGE, RW);
	desc.xfer_size -= rec.bytes_completed;
	rec = rig_run(bed->guest, &desc);
	assert_int_equal(rec.status, DSA_COMP_SUCCESS);
	assert_int_equal(rec.result, 0);
	memmove(bed->b + 0x900, bed->b + 0x800, 0x1800);
	assert_memory_equal(page, bed->b, 3 * RIG_PAGE);
}

/* ---- completion records that cannot be written ---- */

static void
check_error(struct bed *bed, const struct dsa_hw_desc *desc, uint8_t code, uint64_t fault_addr)
{
	struct siov_error error = rig_one_error(bed->rig);

	assert_int_equal(error.code, code);
	assert_int_equal(error.fault_addr, fault_addr);
	assert_int_equal(error.pasid, PASID);
	assert_int_equal(error.wq_id, 0);
	assert_int_equal(error.opcode, desc->opcode);
}

/* Every operation, short and long, with a completion address that is no good. */
static void
run_without_record(struct bed *bed, uint64_t completion_addr, uint8_t code)
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
check_no_record(const struct bed *bed)
{
	static const uint8_t zero[RIG_PAGE];

	assert_memory_equal(bed->guest->comps, zero, RIG_PAGE);
}

static void
test_completion_address_misaligned(void **state)
{
	struct bed *bed = *state;
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
	struct bed *bed = *state;

	run_without_record(bed, BAD, DSA_COMP_CRA_XLAT);
	run_without_record(bed, 0, DSA_COMP_CRA_XLAT);
	run_without_record(bed, UINT64_MAX - 31, DSA_COMP_CRA_XLAT);
	check_no_record(bed);
	check_untouched(bed);
}

static void
test_completion_address_read_only(void **state)
{
	struct bed *bed = *state;

	run_without_record(bed, RO_COMP, DSA_COMP_CRA_XLAT);
	check_untouched(bed);
}

/* Misaligned and not mapped: the first check wins, and a bad descriptor does not hide it. */
static void
test_completion_address_is_checked_first(void **state)
{
	struct bed *bed = *state;
	struct dsa_hw_desc desc = desc_of(0xff, SRC, DST, 100);

	desc.completion_addr = BAD + 1;
	rig_run(bed->guest, &desc);
	check_error(bed, &desc, DSA_COMP_CRA_ALIGN, BAD + 1);
}

static void
test_no_completion_address_success_is_silent(void **state)
{
	struct bed *bed = *state;
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
run_silent_failure(struct bed *bed, struct dsa_hw_desc desc, uint8_t code, uint64_t fault_addr)
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
	struct bed *bed = *state;
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
	struct bed *bed = *state;
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

static void
test_refused_descriptors_are_told_and_counted(void **state)
{
	struct bed *bed = *state;
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
	struct bed *bed = *state;
	struct dsa_hw_desc desc = desc_of(DSA_OPCODE_MEMMOVE, SRC, DST, 100);
	struct siov_portal portal;

	assert_int_equal(siov_portal_init(&portal, bed->guest->portal.lane, 0,
					  SIOV_PORTAL_F_PRIV),
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
	struct bed *bed = *state;
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
	struct bed *bed = *state;
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

/* ---- memory that goes away under a long transfer ---- */

static void
test_destination_unmapped_under_a_long_transfer(void **state)
{
	struct bed *bed = *state;
	struct dsa_hw_desc desc = desc_of(DSA_OPCODE_MEMMOVE, SRC, DST, AREA);

	rig_submit(bed->guest, &desc);
	rig_poll(bed->rig);
	rig_poll(bed->rig);
	rig_unmap(bed->guest, DST + 2 * RIG_SLICE, RIG_PAGE);
	rig_settle(bed->rig);
	check_fault(&bed->guest->comps[0], DSA_COMP_PAGE_FAULT_NOBOF | DSA_COMP_STATUS_WRITE,
		    DST + 2 * RIG_SLICE, 2 * RIG_SLICE);
	rig_peek(&bed->dst, 2 * RIG_SLICE, bed->b, RIG_PAGE);
	check_bytes(bed->b, UNTOUCHED, RIG_PAGE);
}

static void
test_completion_record_unmapped_under_a_long_transfer(void **state)
{
	struct bed *bed = *state;
	struct dsa_hw_desc desc = desc_of(DSA_OPCODE_MEMMOVE, SRC, DST, 200000);

	rig_submit(bed->guest, &desc);
	rig_poll(bed->rig);
	assert_int_equal(engine_nb_long(bed->rig->engines[0], 0), 1);
	rig_unmap(bed->guest, RIG_COMP_IOVA, RIG_PAGE);
	rig_settle(bed->rig);
	check_error(bed, &desc, DSA_COMP_CRA_XLAT, rig_comp(0));
	check_no_record(bed);
	assert_int_equal(engine_nb_long(bed->rig->engines[0], 0), 0);
	assert_int_equal(rig_stats(bed->rig, 0, PASID).failed_by[DSA_COMP_CRA_XLAT], 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_bed, close_bed)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_source_not_mapped),
		TEST(test_destination_not_mapped_is_a_write_fault),
		TEST(test_second_source_not_mapped_is_a_read_fault),
		TEST(test_read_only_memory_is_not_written),
		TEST(test_write_only_memory_is_not_read),
		TEST(test_source_fault_in_the_middle),
		TEST(test_destination_fault_in_the_middle),
		TEST(test_compare_and_sum_fault_in_the_middle),
		TEST(test_one_page_in_the_middle_is_read_only),
		TEST(test_a_forward_move_goes_on_after_its_fault),
		TEST(test_a_backward_move_goes_on_after_its_fault),
		TEST(test_completion_address_misaligned),
		TEST(test_completion_address_not_mapped),
		TEST(test_completion_address_read_only),
		TEST(test_completion_address_is_checked_first),
		TEST(test_no_completion_address_success_is_silent),
		TEST(test_no_completion_address_failure_is_logged),
		TEST(test_record_not_requested_is_written_on_error_only),
		TEST(test_refused_descriptors_are_told_and_counted),
		TEST(test_privileged_descriptor_is_refused),
		TEST(test_page_faults_are_counted_with_their_bytes),
		TEST(test_a_full_error_log_counts_what_it_drops),
		TEST(test_destination_unmapped_under_a_long_transfer),
		TEST(test_completion_record_unmapped_under_a_long_transfer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

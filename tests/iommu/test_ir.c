/* SPDX-License-Identifier: BSD-3-Clause */
/* Interrupt remapping: what reaches a destination, what is blocked and recorded, and changes of
 * entries while messages arrive. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "iommu_fixture.h"
#include "ir_priv.h"

#define RID 0x1234
#define NB_ENTRIES 64u
#define NB_FAULTS 8u

struct rig {
	struct fake_mem fm;
	struct siov_ir *ir;
	struct siov_intr_dest *dest;
};

static struct siov_ir_conf
rig_conf(struct rig *r)
{
	struct siov_ir_conf conf;

	siov_ir_conf_init(&conf);
	conf.mem = &r->fm.mem;
	conf.nb_entries = NB_ENTRIES;
	conf.max_dests = 4;
	conf.nb_faults = NB_FAULTS;
	return conf;
}

static int
setup_with(void **state, unsigned int flags)
{
	struct rig *r = calloc(1, sizeof(*r));
	struct siov_ir_conf conf;

	assert_non_null(r);
	fake_mem_init(&r->fm);
	conf = rig_conf(r);
	conf.flags = flags;
	assert_int_equal(siov_ir_create(&conf, &r->ir), 0);
	assert_int_equal(siov_intr_dest_create(r->ir, 0, &r->dest), 0);
	*state = r;
	return 0;
}

static int
setup(void **state)
{
	return setup_with(state, 0);
}

static int
setup_compat(void **state)
{
	return setup_with(state, SIOV_IR_F_COMPAT);
}

static int
teardown(void **state)
{
	struct rig *r = *state;

	siov_ir_free(r->ir);
	assert_int_equal(r->fm.nb_live, 0);
	free(r);
	return 0;
}

/* An entry that anybody with RID may use. */
static struct siov_ir_entry
entry_to(struct siov_intr_dest *dest, uint8_t vector)
{
	return (struct siov_ir_entry){
		.dest = dest,
		.vector = vector,
		.svt = SIOV_IR_SVT_SID,
		.sid = RID,
	};
}

static void
set(struct rig *r, uint32_t index, uint8_t vector)
{
	struct siov_ir_entry entry = entry_to(r->dest, vector);

	assert_int_equal(siov_ir_set(r->ir, index, &entry), 0);
}

/* The message is blocked for this reason, counted, recorded, and nothing arrives. */
static void
expect_blocked(struct rig *r, uint64_t addr, uint32_t data, int reason, uint32_t index)
{
	unsigned int slot = reason == SIOV_IR_FAULT_NO_DEST ? 7 : (unsigned int)reason - 0x20;
	struct siov_ir_stats before, after;
	struct siov_ir_fault fault;

	siov_ir_stats(r->ir, &before);
	assert_int_equal(siov_ir_deliver(r->ir, RID, addr, data), reason);
	siov_ir_stats(r->ir, &after);
	assert_int_equal(after.nb_blocked[slot], before.nb_blocked[slot] + 1);
	assert_int_equal(siov_ir_take_faults(r->ir, &fault, 1), 1);
	assert_int_equal(fault.reason, reason);
	assert_int_equal(fault.rid, RID);
	assert_int_equal(fault.index, index);
	assert_int_equal(siov_ir_take_faults(r->ir, &fault, 1), 0);
	assert_int_equal(siov_intr_take(r->dest), -1);
}

static void
test_s8_2_1_remapped_message_reaches_its_destination(void **state)
{
	struct rig *r = *state;
	struct siov_intr_dest *other;
	struct siov_ir_entry entry;
	struct siov_ir_stats stats;

	assert_int_equal(siov_intr_dest_create(r->ir, 0, &other), 0);
	set(r, 0, 16);
	entry = entry_to(other, 255);
	assert_int_equal(siov_ir_set(r->ir, NB_ENTRIES - 1, &entry), 0);
	assert_int_equal(siov_ir_deliver(r->ir, RID, siov_ir_msi_addr(0), 0), 0);
	assert_int_equal(siov_intr_take(other), -1);
	assert_int_equal(siov_intr_take(r->dest), 16);
	assert_int_equal(siov_intr_take(r->dest), -1);
	assert_int_equal(siov_ir_deliver(r->ir, RID, siov_ir_msi_addr(NB_ENTRIES - 1), 0), 0);
	assert_int_equal(siov_intr_take(r->dest), -1);
	assert_int_equal(siov_intr_take(other), 255);
	siov_ir_stats(r->ir, &stats);
	assert_int_equal(stats.nb_remapped, 2);
	assert_int_equal(stats.nb_entries_set, 2);
	assert_int_equal(stats.nb_dests, 2);
}

static void
test_s8_2_1_subhandle_is_added_to_the_index(void **state)
{
	struct rig *r = *state;
	uint64_t addr = siov_ir_msi_addr(3);

	set(r, 3, 33);
	set(r, 8, 38);
	assert_int_equal(siov_ir_deliver(r->ir, RID, addr | SIOV_MSI_ADDR_SHV, 5), 0);
	assert_int_equal(siov_intr_take(r->dest), 38);
	assert_int_equal(siov_ir_deliver(r->ir, RID, addr | SIOV_MSI_ADDR_SHV, 0), 0);
	assert_int_equal(siov_intr_take(r->dest), 33);
	/* the largest sum does not come round */
	expect_blocked(r, siov_ir_msi_addr(0xffff) | SIOV_MSI_ADDR_SHV, 0xffff, SIOV_IR_FAULT_INDEX,
		       0x1fffe);
}

static void
test_s8_2_1_bad_request_is_blocked(void **state)
{
	struct rig *r = *state;
	uint64_t addr = siov_ir_msi_addr(1);

	set(r, 1, 32);
	expect_blocked(r, addr | 1, 0, SIOV_IR_FAULT_REQUEST_RESERVED, 0);
	expect_blocked(r, addr | 2, 0, SIOV_IR_FAULT_REQUEST_RESERVED, 0);
	expect_blocked(r, addr, 1, SIOV_IR_FAULT_REQUEST_RESERVED, 0);
	expect_blocked(r, addr | SIOV_MSI_ADDR_SHV, 0x10000, SIOV_IR_FAULT_REQUEST_RESERVED, 0);
	expect_blocked(r, addr + 0x100000, 0, SIOV_IR_FAULT_REQUEST_RESERVED, 0);
	expect_blocked(r, addr | UINT64_C(1) << 32, 0, SIOV_IR_FAULT_REQUEST_RESERVED, 0);
	expect_blocked(r, siov_ir_msi_addr(NB_ENTRIES), 0, SIOV_IR_FAULT_INDEX, NB_ENTRIES);
	expect_blocked(r, siov_ir_msi_addr(0x8001), 0, SIOV_IR_FAULT_INDEX, 0x8001);
}

static void
test_s8_2_1_message_without_entry_is_blocked_and_recorded(void **state)
{
	struct rig *r = *state;

	expect_blocked(r, siov_ir_msi_addr(0), 0, SIOV_IR_FAULT_NOT_PRESENT, 0);
	set(r, 7, 32);
	assert_int_equal(siov_ir_deliver(r->ir, RID, siov_ir_msi_addr(7), 0), 0);
	assert_int_equal(siov_intr_take(r->dest), 32);
	assert_int_equal(siov_ir_clear(r->ir, 7), 0);
	expect_blocked(r, siov_ir_msi_addr(7), 0, SIOV_IR_FAULT_NOT_PRESENT, 7);
	assert_int_equal(siov_ir_clear(r->ir, 7), 0);
}

static void
test_s8_2_1_reserved_bits_of_an_entry_block(void **state)
{
	struct rig *r = *state;
	uint64_t good_lo, good_hi, lo;
	unsigned int bit;

	set(r, 2, 32);
	assert_int_equal(siov_ir_read(r->ir, 2, &good_lo, &good_hi), 0);
	for (bit = 0; bit < 64; bit++) {
		if ((SIOV_IRTE_LO_RSVD & RTE_BIT64(bit)) == 0)
			continue;
		ir_write(r->ir, 2, good_lo | RTE_BIT64(bit), good_hi);
		expect_blocked(r, siov_ir_msi_addr(2), 0, SIOV_IR_FAULT_IRTE_RESERVED, 2);
	}
	for (bit = 20; bit < 64; bit++) {
		ir_write(r->ir, 2, good_lo, good_hi | RTE_BIT64(bit));
		expect_blocked(r, siov_ir_msi_addr(2), 0, SIOV_IR_FAULT_IRTE_RESERVED, 2);
	}
	ir_write(r->ir, 2, good_lo, good_hi | SIOV_IRTE_SVT_MASK);
	expect_blocked(r, siov_ir_msi_addr(2), 0, SIOV_IR_FAULT_IRTE_RESERVED, 2);
	ir_write(r->ir, 2, good_lo | UINT64_C(4) << SIOV_IRTE_DLM_SHIFT, good_hi);
	expect_blocked(r, siov_ir_msi_addr(2), 0, SIOV_IR_FAULT_IRTE_RESERVED, 2);
	lo = good_lo | SIOV_IRTE_AVAIL_MASK | SIOV_IRTE_RH | SIOV_IRTE_TM;
	ir_write(r->ir, 2, lo, good_hi);
	assert_int_equal(siov_ir_deliver(r->ir, RID, siov_ir_msi_addr(2), 0), 0);
	ir_write(r->ir, 2, good_lo, good_hi);
}

/* The posted format has reserved bits of its own; nothing is written to the descriptor. */
static void
test_s8_2_1_reserved_bits_of_a_posted_entry_block(void **state)
{
	static struct siov_pid_desc pid;
	struct rig *r = *state;
	struct siov_ir_entry entry = {.pid = &pid, .vector = 32};
	uint64_t good_lo, good_hi;
	unsigned int bit;

	assert_int_equal(siov_ir_set(r->ir, 2, &entry), 0);
	assert_int_equal(siov_ir_read(r->ir, 2, &good_lo, &good_hi), 0);
	for (bit = 2; bit < 38; bit++) {
		if ((SIOV_IRTE_POSTED_LO_RSVD & RTE_BIT64(bit)) == 0)
			continue;
		ir_write(r->ir, 2, good_lo | RTE_BIT64(bit), good_hi);
		expect_blocked(r, siov_ir_msi_addr(2), 0, SIOV_IR_FAULT_IRTE_RESERVED, 2);
	}
	for (bit = 20; bit < 32; bit++) {
		ir_write(r->ir, 2, good_lo, good_hi | RTE_BIT64(bit));
		expect_blocked(r, siov_ir_msi_addr(2), 0, SIOV_IR_FAULT_IRTE_RESERVED, 2);
	}
	assert_int_equal(pid.pir[0], 0);
	assert_int_equal(pid.control, 0);
}

/* Which requester ids pass, for each SVT and SQ: all 65,536 against a plain restatement. */
static bool
passes(const struct siov_ir_entry *entry, uint32_t rid)
{
	static const uint32_t left_out[] = {0, 4, 6, 7};

	if (entry->svt == SIOV_IR_SVT_NONE)
		return true;
	if (entry->svt == SIOV_IR_SVT_SID)
		return (rid | left_out[entry->sq]) == (entry->sid | left_out[entry->sq]);
	return rid / 256 >= entry->sid / 256u && rid / 256 <= entry->sid % 256u;
}

static void
test_s8_2_1_requester_id_is_checked(void **state)
{
	static const struct siov_ir_entry cases[] = {
		{.svt = SIOV_IR_SVT_NONE},
		{.svt = SIOV_IR_SVT_SID, .sq = SIOV_IR_SQ_ALL, .sid = RID},
		{.svt = SIOV_IR_SVT_SID, .sq = SIOV_IR_SQ_NOT_2, .sid = RID},
		{.svt = SIOV_IR_SVT_SID, .sq = SIOV_IR_SQ_NOT_2_1, .sid = RID},
		{.svt = SIOV_IR_SVT_SID, .sq = SIOV_IR_SQ_NOT_2_0, .sid = RID},
		{.svt = SIOV_IR_SVT_BUS, .sid = 0x1012},
		{.svt = SIOV_IR_SVT_BUS, .sid = 0x00ff},
		{.svt = SIOV_IR_SVT_BUS, .sid = 0x1212},
	};
	struct rig *r = *state;
	struct siov_ir_entry entry;
	struct siov_ir_fault fault;
	uint32_t rid;
	unsigned int i;

	for (i = 0; i < RTE_DIM(cases); i++) {
		entry = cases[i];
		entry.dest = r->dest;
		entry.vector = 77;
		assert_int_equal(siov_ir_set(r->ir, 5, &entry), 0);
		for (rid = 0; rid < 65536; rid++) {
			bool is_let = passes(&entry, rid);

			assert_int_equal(
				siov_ir_deliver(r->ir, (uint16_t)rid, siov_ir_msi_addr(5), 0),
				is_let ? 0 : SIOV_IR_FAULT_SID);
			assert_int_equal(siov_intr_take(r->dest), is_let ? 77 : -1);
			assert_int_equal(siov_ir_take_faults(r->ir, &fault, 1), is_let ? 0 : 1);
		}
	}
}

static void
test_s8_2_1_checks_come_in_order(void **state)
{
	struct rig *r = *state;
	uint64_t lo, hi;

	set(r, 2, 32);
	siov_ir_read(r->ir, 2, &lo, &hi);
	ir_write(r->ir, 2, (lo | RTE_BIT64(12)) & ~SIOV_IRTE_P, hi ^ 1);
	expect_blocked(r, siov_ir_msi_addr(2), 0, SIOV_IR_FAULT_NOT_PRESENT, 2);
	ir_write(r->ir, 2, lo | RTE_BIT64(12), hi ^ 1);
	expect_blocked(r, siov_ir_msi_addr(2), 0, SIOV_IR_FAULT_IRTE_RESERVED, 2);
	ir_write(r->ir, 2, lo | UINT64_C(99) << 32, hi ^ 1);
	expect_blocked(r, siov_ir_msi_addr(2), 0, SIOV_IR_FAULT_SID, 2);
	ir_write(r->ir, 2, lo | UINT64_C(99) << 32, hi);
	expect_blocked(r, siov_ir_msi_addr(2), 0, SIOV_IR_FAULT_NO_DEST, 2);
	expect_blocked(r, siov_ir_msi_addr(0x4000) | 1, 0, SIOV_IR_FAULT_REQUEST_RESERVED, 0);
	ir_write(r->ir, 2, lo, hi);
}

/* Control has lost its CPU in the middle of a change, at either of its two steps. */
static void
test_s8_2_1_message_does_not_wait_for_a_change_half_done(void **state)
{
	struct rig *r = *state;

	set(r, 2, 32);
	siov_atomic_store(&r->ir->seq, r->ir->seq + 1, seq_cst);
	siov_atomic_store(&r->ir->twin[0][2].lo, UINT64_MAX, seq_cst);
	assert_int_equal(siov_ir_deliver(r->ir, RID, siov_ir_msi_addr(2), 0), 0);
	assert_int_equal(siov_intr_take(r->dest), 32);
	r->ir->twin[0][2] = r->ir->twin[1][2];
	siov_atomic_store(&r->ir->seq, r->ir->seq + 1, seq_cst);
	siov_atomic_store(&r->ir->twin[1][2].lo, UINT64_MAX, seq_cst);
	assert_int_equal(siov_ir_deliver(r->ir, RID, siov_ir_msi_addr(2), 0), 0);
	assert_int_equal(siov_intr_take(r->dest), 32);
	set(r, 2, 33);
	assert_int_equal(siov_ir_deliver(r->ir, RID, siov_ir_msi_addr(2), 0), 0);
	assert_int_equal(siov_intr_take(r->dest), 33);
}

static uint64_t
compat_addr(uint32_t dest)
{
	return UINT64_C(0xfee00000) | (dest & 0xff) << 12 | (dest >> 8 & 0x7f) << 5;
}

static void
test_s8_2_1_compatibility_format_is_blocked(void **state)
{
	struct rig *r = *state;

	expect_blocked(r, compat_addr(0), 32, SIOV_IR_FAULT_COMPAT, 0);
	expect_blocked(r, compat_addr(0) | 1, 32, SIOV_IR_FAULT_REQUEST_RESERVED, 0);
}

static void
test_compatibility_format_passes_where_it_is_allowed(void **state)
{
	struct rig *r = *state;

	assert_int_equal(siov_ir_deliver(r->ir, RID, compat_addr(0), 0x0121), 0);
	assert_int_equal(siov_intr_take(r->dest), 0x21);
	expect_blocked(r, compat_addr(1), 32, SIOV_IR_FAULT_NO_DEST, 0);
	expect_blocked(r, compat_addr(256), 32, SIOV_IR_FAULT_NO_DEST, 0);
	expect_blocked(r, compat_addr(0) | 4, 32, SIOV_IR_FAULT_REQUEST_RESERVED, 0);
	expect_blocked(r, compat_addr(0), 0x10020, SIOV_IR_FAULT_REQUEST_RESERVED, 0);
	expect_blocked(r, compat_addr(0), 0x0220, SIOV_IR_FAULT_REQUEST_RESERVED, 0);
}

static void
test_s8_2_1_full_records_say_so(void **state)
{
	struct siov_ir_fault faults[NB_FAULTS + 1];
	struct rig *r = *state;
	struct siov_ir_stats stats;
	unsigned int lap, i;

	for (lap = 0; lap < 5; lap++) {
		for (i = 0; i < NB_FAULTS + 3; i++)
			siov_ir_deliver(r->ir, (uint16_t)(lap * 100 + i), siov_ir_msi_addr(i), 0);
		siov_ir_stats(r->ir, &stats);
		assert_int_equal(stats.nb_faults_lost, 3 * (lap + 1));
		assert_int_equal(stats.nb_blocked[2], (NB_FAULTS + 3) * (lap + 1));
		assert_int_equal(siov_ir_take_faults(r->ir, faults, 3), 3);
		assert_int_equal(siov_ir_take_faults(r->ir, faults + 3, NB_FAULTS), NB_FAULTS - 3);
		for (i = 0; i < NB_FAULTS; i++) {
			assert_int_equal(faults[i].rid, lap * 100 + i);
			assert_int_equal(faults[i].index, i);
		}
	}
}

static void
test_silent_entry_is_counted_and_not_recorded(void **state)
{
	struct rig *r = *state;
	struct siov_ir_entry entry = entry_to(r->dest, 40);
	struct siov_ir_stats stats;
	struct siov_ir_fault fault;
	uint64_t lo, hi;

	entry.is_silent = true;
	assert_int_equal(siov_ir_set(r->ir, 4, &entry), 0);
	assert_int_equal(siov_ir_deliver(r->ir, RID + 1, siov_ir_msi_addr(4), 0),
			 SIOV_IR_FAULT_SID);
	siov_ir_read(r->ir, 4, &lo, &hi);
	ir_write(r->ir, 4, lo & ~SIOV_IRTE_P, hi);
	assert_int_equal(siov_ir_deliver(r->ir, RID, siov_ir_msi_addr(4), 0),
			 SIOV_IR_FAULT_NOT_PRESENT);
	ir_write(r->ir, 4, lo, hi);
	siov_ir_stats(r->ir, &stats);
	assert_int_equal(stats.nb_blocked[6], 1);
	assert_int_equal(stats.nb_blocked[2], 1);
	assert_int_equal(siov_ir_take_faults(r->ir, &fault, 1), 0);
}

static void
test_destination_takes_the_highest_vector_first(void **state)
{
	static const uint8_t vectors[] = {64, 255, 16, 63, 128, 127, 64, 192};
	static const int taken[] = {255, 192, 128, 127, 64, 63, 16, -1};
	struct rig *r = *state;
	unsigned int i;

	for (i = 0; i < RTE_DIM(vectors); i++)
		intr_raise(r->dest, vectors[i]);
	assert_true(siov_intr_is_pending(r->dest));
	for (i = 0; i < RTE_DIM(taken); i++)
		assert_int_equal(siov_intr_take(r->dest), taken[i]);
	assert_false(siov_intr_is_pending(r->dest));
	assert_int_equal(siov_intr_wait(r->dest, 0), -ENOTSUP);
	assert_int_equal(siov_intr_fd(r->dest), -1);
}

static void
test_destination_in_use_stays(void **state)
{
	struct rig *r = *state;
	struct siov_intr_dest *other = NULL;
	struct siov_intr_dest *d[4];
	struct siov_ir_entry entry;
	unsigned int i;

	set(r, 1, 32);
	set(r, 2, 33);
	set(r, 2, 34);
	assert_int_equal(siov_intr_dest_free(r->dest), -EBUSY);
	assert_int_equal(siov_ir_clear(r->ir, 1), 0);
	assert_int_equal(siov_intr_dest_free(r->dest), -EBUSY);
	assert_int_equal(siov_intr_dest_create(r->ir, 0, &other), 0);
	assert_int_not_equal(siov_intr_dest_id(other), siov_intr_dest_id(r->dest));
	entry = entry_to(other, 35);
	assert_int_equal(siov_ir_set(r->ir, 2, &entry), 0);
	assert_int_equal(siov_intr_dest_free(r->dest), 0);
	assert_int_equal(siov_intr_dest_free(NULL), 0);
	for (i = 0; i < 3; i++)
		assert_int_equal(siov_intr_dest_create(r->ir, 0, &d[i]), 0);
	assert_int_equal(siov_intr_dest_create(r->ir, 0, &d[3]), -ENOSPC);
}

static void
test_bad_entries_are_refused(void **state)
{
	static struct siov_pid_desc pid;
	struct rig *r = *state;
	const struct siov_ir_entry good = entry_to(r->dest, 32);
	struct siov_ir_entry bad[9];
	struct siov_ir_stats stats;
	unsigned int i;

	for (i = 0; i < RTE_DIM(bad); i++)
		bad[i] = good;
	bad[0].dest = NULL;
	bad[1].pid = &pid;
	bad[2].vector = 15;
	bad[3].svt = 3;
	bad[4].sq = 4;
	bad[5].svt = SIOV_IR_SVT_NONE;
	bad[6].is_urgent = true;
	bad[7].svt = SIOV_IR_SVT_BUS; /* 0x12 to 0x34 is right, the other way round is not */
	bad[7].sid = 0x3412;
	bad[8].dest = NULL;
	bad[8].pid = (struct siov_pid_desc *)((uintptr_t)&pid + 32);
	for (i = 0; i < RTE_DIM(bad); i++)
		assert_int_equal(siov_ir_set(r->ir, 0, &bad[i]), -EINVAL);
	bad[0] = good;
	bad[0].delivery = 4;
	assert_int_equal(siov_ir_set(r->ir, 0, &bad[0]), -ENOTSUP);
	assert_int_equal(siov_ir_set(r->ir, NB_ENTRIES, &good), -ERANGE);
	assert_int_equal(siov_ir_set(r->ir, 0, NULL), -EINVAL);
	assert_int_equal(siov_ir_clear(r->ir, NB_ENTRIES), -ERANGE);
	siov_ir_stats(r->ir, &stats);
	assert_int_equal(stats.nb_entries_set, 0);
}

static void
test_bad_configurations_are_refused(void **state)
{
	struct rig *r = *state;
	struct siov_ir_conf bad[8];
	struct siov_ir *ir = NULL;
	unsigned int i;

	for (i = 0; i < RTE_DIM(bad); i++)
		bad[i] = rig_conf(r);
	bad[0].nb_entries = 1;
	bad[1].nb_entries = 131072;
	bad[2].nb_entries = 48;
	bad[3].max_dests = 0;
	bad[4].max_dests = SIOV_IR_DESTS_MAX + 1;
	bad[5].nb_faults = 3;
	bad[6].flags = 2;
	bad[7].socket_id = -2;
	for (i = 0; i < RTE_DIM(bad); i++)
		assert_int_equal(siov_ir_create(&bad[i], &ir), -EINVAL);
	assert_int_equal(siov_ir_create(NULL, &ir), -EINVAL);
	assert_int_equal(siov_intr_dest_create(r->ir, 2, &r->dest), -EINVAL);
	assert_null(ir);
}

static void
test_create_survives_each_failing_allocation(void **state)
{
	struct rig *r = *state;
	struct siov_ir_conf conf = rig_conf(r);
	struct siov_intr_dest *dest = NULL;
	struct siov_ir *ir = NULL;
	uint64_t live = r->fm.nb_live;
	uint64_t n;

	for (n = 1;; n++) {
		fake_mem_fail_at(&r->fm, n);
		if (siov_ir_create(&conf, &ir) == 0)
			break;
		assert_null(ir);
		assert_int_equal(r->fm.nb_live, live);
	}
	assert_int_equal(n, 7); /* unit, two twins, destinations, counters, records */
	fake_mem_fail_at(&r->fm, 1);
	assert_int_equal(siov_intr_dest_create(ir, SIOV_INTR_F_EVENTFD, &dest), -ENOMEM);
	assert_null(dest);
	assert_int_equal(siov_intr_dest_create(ir, SIOV_INTR_F_EVENTFD, &dest), 0);
	siov_ir_free(ir);
	assert_int_equal(r->fm.nb_live, live);
	siov_ir_free(NULL);
}

static void
test_dump_names_what_is_set(void **state)
{
	struct rig *r = *state;
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	assert_non_null(f);
	set(r, 9, 99);
	siov_ir_deliver(r->ir, RID, siov_ir_msi_addr(1), 0);
	siov_ir_dump(f, r->ir);
	fclose(f);
	assert_non_null(strstr(text, "entry 9: remapped, vector 99"));
	assert_non_null(strstr(text, "blocked 0x22 (entry not present): 1"));
	free(text);
	assert_string_equal(siov_ir_reason_name(0x21), "index beyond the table");
	assert_string_equal(siov_ir_reason_name(0x99), "unknown");
}

/* A write with a PASID to the addresses of messages is DMA like any other: it raises nothing. */
static void
test_s7_2_4_write_with_pasid_is_no_interrupt(void **state)
{
	struct iommu_fixture *fx;
	struct rig *r = *state;
	struct siov_domain *dom;
	struct siov_ir_stats stats;
	struct siov_xlate x;
	void *fixture = NULL;

	set(r, 0, 32);
	fixture_setup(&fixture);
	fx = fixture;
	dom = fixture_domain(fx, 12);
	fixture_bind(fx, 1, dom);
	assert_int_equal(fixture_translate(fx, 1, siov_ir_msi_addr(0), SIOV_PERM_W, &x),
			 SIOV_FAULT_SS_NOT_PRESENT);
	assert_int_equal(siov_domain_map(dom, 0xfee00000, hva_at(0), PAGE, RW), 0);
	fixture_expect(fx, 1, siov_ir_msi_addr(0), 0x10);
	assert_int_equal(siov_intr_take(r->dest), -1);
	siov_ir_stats(r->ir, &stats);
	assert_int_equal(stats.nb_remapped, 0);
	/* the same address as a message, which has no PASID to give */
	assert_int_equal(siov_ir_deliver(r->ir, RID, siov_ir_msi_addr(0), 0), 0);
	assert_int_equal(siov_intr_take(r->dest), 32);
	fixture_teardown(&fixture);
}

/*
 * Engines deliver without pause while control switches the entry between two forms, which differ in
 * both words, and clears it. Half of one and half of the other would show: destination 0 belongs to
 * requester RID_A alone, destination 1 to RID_B.
 */
#define RID_A 0x0100
#define RID_B 0x0200
#define NB_ENGINES 2u
#define ROUNDS 3000u

struct race {
	struct fake_mem fm;
	struct siov_iommu *iommu;
	struct siov_ir *ir;
	struct siov_intr_dest *dest[2];
	struct siov_atc *atc[NB_ENGINES];
	SIOV_ATOMIC(uint32_t) stop;
	SIOV_ATOMIC(uint64_t) nb_sent;
	SIOV_ATOMIC(uint64_t) nb_ok;
	SIOV_ATOMIC(uint64_t) nb_blocked;
	SIOV_ATOMIC(uint64_t) nb_wrong;
	SIOV_ATOMIC(uint32_t) next_engine;
};

static void
engine_round(struct race *r, uint64_t i)
{
	uint16_t rid = i % 2 == 0 ? RID_A : RID_B;
	int rc = siov_ir_deliver(r->ir, rid, siov_ir_msi_addr(3), 0);

	siov_atomic_fetch_add(&r->nb_sent, 1, relaxed);
	if (rc == 0)
		siov_atomic_fetch_add(&r->nb_ok, 1, relaxed);
	else if (rc == SIOV_IR_FAULT_SID || rc == SIOV_IR_FAULT_NOT_PRESENT)
		siov_atomic_fetch_add(&r->nb_blocked, 1, relaxed);
	else
		siov_atomic_fetch_add(&r->nb_wrong, 1, relaxed);
}

static void *
engine(void *arg)
{
	struct race *r = arg;
	struct siov_atc *atc = r->atc[siov_atomic_fetch_add(&r->next_engine, 1, relaxed)];
	uint64_t i = 0;

	siov_atc_online(atc);
	while (siov_atomic_load(&r->stop, relaxed) == 0) {
		engine_round(r, i++);
		siov_atc_quiescent(atc);
		if (i % 64 == 0)
			sched_yield();
	}
	siov_atc_offline(atc);
	return NULL;
}

static void
race_open(struct race *r)
{
	struct siov_iommu_conf ic;
	struct siov_ir_conf conf;
	unsigned int i;

	memset(r, 0, sizeof(*r));
	fake_mem_init(&r->fm);
	siov_iommu_conf_init(&ic);
	ic.mem = &r->fm.mem;
	assert_int_equal(siov_iommu_create(&ic, &r->iommu), 0);
	siov_ir_conf_init(&conf);
	conf.mem = &r->fm.mem;
	conf.iommu = r->iommu;
	assert_int_equal(siov_ir_create(&conf, &r->ir), 0);
	for (i = 0; i < NB_ENGINES; i++)
		assert_int_equal(siov_atc_create(r->iommu, NULL, &r->atc[i]), 0);
	for (i = 0; i < 2; i++)
		assert_int_equal(siov_intr_dest_create(r->ir, 0, &r->dest[i]), 0);
}

static void
race_close(struct race *r)
{
	unsigned int i;

	for (i = 0; i < NB_ENGINES; i++)
		assert_int_equal(siov_atc_free(r->atc[i]), 0);
	siov_ir_free(r->ir);
	siov_iommu_free(r->iommu);
	assert_int_equal(r->fm.nb_live, 0);
}

static struct siov_ir_entry
race_entry(const struct race *r, unsigned int which)
{
	return (struct siov_ir_entry){
		.dest = r->dest[which],
		.vector = which == 0 ? 40 : 50,
		.svt = SIOV_IR_SVT_SID,
		.sid = which == 0 ? RID_A : RID_B,
	};
}

/*
 * One change, and what must hold after it: with the grace period over and the destinations emptied,
 * nothing reaches the one that the entry has left.
 */
static uint64_t
change(struct race *r, unsigned int round)
{
	unsigned int which = round % 2;
	struct siov_ir_entry entry = race_entry(r, which);
	uint64_t nb_taken = 0;

	assert_int_equal(siov_ir_set(r->ir, 3, &entry), 0);
	if (round % 8 == 7)
		assert_int_equal(siov_ir_clear(r->ir, 3), 0);
	if (round % 16 == 0) {
		assert_int_equal(siov_ir_synchronize(r->ir), 0);
		while (siov_intr_take(r->dest[!which]) >= 0)
			nb_taken++;
		sched_yield();
		assert_int_equal(siov_intr_take(r->dest[!which]), -1);
	}
	if (round % 64 == 7) { /* cleared: the destination can go, and comes back */
		assert_int_equal(siov_intr_dest_free(r->dest[0]), 0);
		assert_int_equal(siov_intr_dest_create(r->ir, 0, &r->dest[0]), 0);
	}
	return nb_taken;
}

static void
test_s8_2_1_entry_changes_whole_under_messages(void **state)
{
	struct siov_ir_fault faults[64];
	struct siov_ir_stats stats;
	struct race r;
	pthread_t threads[NB_ENGINES];
	uint64_t nb_records = 0, nb_blocked = 0;
	unsigned int i, n;

	(void)state;
	race_open(&r);
	for (i = 0; i < NB_ENGINES; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, engine, &r), 0);
	while (siov_atomic_load(&r.nb_sent, relaxed) < 100)
		sched_yield();
	for (i = 0; i < ROUNDS; i++) {
		change(&r, i);
		n = siov_ir_take_faults(r.ir, faults, RTE_DIM(faults));
		nb_records += n;
		while (n-- > 0)
			if (faults[n].rid != RID_A && faults[n].rid != RID_B)
				siov_atomic_fetch_add(&r.nb_wrong, 1, relaxed);
	}
	siov_atomic_store(&r.stop, 1, relaxed);
	for (i = 0; i < NB_ENGINES; i++)
		pthread_join(threads[i], NULL);
	do {
		n = siov_ir_take_faults(r.ir, faults, RTE_DIM(faults));
		nb_records += n;
	} while (n != 0);
	siov_ir_stats(r.ir, &stats);
	for (i = 0; i < SIOV_IR_NB_REASONS; i++)
		nb_blocked += stats.nb_blocked[i];
	assert_int_equal(r.nb_wrong, 0);
	assert_int_equal(r.nb_ok + r.nb_blocked, r.nb_sent);
	assert_int_equal(stats.nb_remapped, r.nb_ok);
	assert_int_equal(nb_blocked, r.nb_blocked);
	assert_int_equal(nb_records + stats.nb_faults_lost, nb_blocked);
	assert_int_not_equal(r.nb_ok, 0);
	assert_int_not_equal(nb_records, 0);
	race_close(&r);
}

/* Words of two entries that a reader must never mix: the high word repeats the low. */
static void *
rewriter(void *arg)
{
	struct race *r = arg;
	uint64_t i;

	for (i = 1; siov_atomic_load(&r->stop, relaxed) == 0; i++) {
		ir_write(r->ir, 5, i * 2, i * 2);
		if (i % 32 == 0)
			ir_write(r->ir, 6, i, ~i);
	}
	ir_write(r->ir, 5, 0, 0);
	ir_write(r->ir, 6, 0, 0);
	return NULL;
}

static void
test_entry_is_never_read_by_halves(void **state)
{
	pthread_t thread;
	struct race r;
	uint64_t lo, hi, last = 0, nb_changes = 0;
	unsigned int i;

	(void)state;
	race_open(&r);
	assert_int_equal(pthread_create(&thread, NULL, rewriter, &r), 0);
	for (i = 0; i < 200000 || nb_changes < 100; i++) {
		ir_read(r.ir, 5, &lo, &hi);
		if (lo != hi || lo < last)
			break;
		nb_changes += lo != last;
		last = lo;
		if (i % 1024 == 0)
			sched_yield();
	}
	siov_atomic_store(&r.stop, 1, relaxed);
	pthread_join(thread, NULL);
	assert_int_equal(lo, hi);
	assert_true(lo >= last);
	race_close(&r);
}

/* Free the destination, as control does when it has cleared the entry. */
static void *
freer(void *arg)
{
	struct race *r = arg;

	siov_atomic_store(&r->stop, 1, release);
	siov_atomic_store(&r->nb_wrong, siov_intr_dest_free(r->dest[0]) != 0, relaxed);
	return NULL;
}

/*
 * An engine that read its entry before it was cleared still finds the destination. What it read is
 * written back here, so that it can be tried again and again until control must have come to wait.
 */
static void
test_message_on_its_way_finds_its_destination(void **state)
{
	struct siov_ir_entry entry;
	struct race r;
	pthread_t thread;
	uint64_t lo, hi;
	unsigned int i;

	(void)state;
	race_open(&r);
	entry = race_entry(&r, 0);
	assert_int_equal(siov_ir_set(r.ir, 3, &entry), 0);
	siov_ir_read(r.ir, 3, &lo, &hi);
	assert_int_equal(siov_ir_clear(r.ir, 3), 0);
	ir_write(r.ir, 3, lo, hi);
	siov_atc_online(r.atc[0]);
	assert_int_equal(pthread_create(&thread, NULL, freer, &r), 0);
	while (siov_atomic_load(&r.stop, acquire) == 0)
		sched_yield();
	for (i = 0; i < 100; i++) {
		assert_int_equal(siov_ir_deliver(r.ir, RID_A, siov_ir_msi_addr(3), 0), 0);
		assert_int_equal(siov_intr_take(r.dest[0]), 40);
		usleep(100);
	}
	siov_atc_offline(r.atc[0]);
	pthread_join(thread, NULL);
	assert_int_equal(r.nb_wrong, 0);
	assert_int_equal(siov_ir_deliver(r.ir, RID_A, siov_ir_msi_addr(3), 0),
			 SIOV_IR_FAULT_NO_DEST);
	race_close(&r);
}

/* An engine that does not answer: the destination's memory stays until it has. */
static void
test_destination_outlives_a_late_engine(void **state)
{
	struct siov_iommu_conf ic;
	struct siov_ir_conf conf;
	struct race r;
	uint64_t live;

	(void)state;
	memset(&r, 0, sizeof(r));
	fake_mem_init(&r.fm);
	siov_iommu_conf_init(&ic);
	ic.mem = &r.fm.mem;
	ic.inval_timeout_ms = 5;
	assert_int_equal(siov_iommu_create(&ic, &r.iommu), 0);
	siov_ir_conf_init(&conf);
	conf.mem = &r.fm.mem;
	conf.iommu = r.iommu;
	assert_int_equal(siov_ir_create(&conf, &r.ir), 0);
	assert_int_equal(siov_atc_create(r.iommu, NULL, &r.atc[0]), 0);
	assert_int_equal(siov_intr_dest_create(r.ir, 0, &r.dest[0]), 0);
	live = r.fm.nb_live;
	siov_atc_online(r.atc[0]);
	assert_int_equal(siov_intr_dest_free(r.dest[0]), -ETIMEDOUT);
	assert_int_equal(r.fm.nb_live, live);
	siov_atc_offline(r.atc[0]);
	assert_int_equal(siov_ir_synchronize(r.ir), 0);
	assert_int_equal(r.fm.nb_live, live - 1);
	assert_int_equal(siov_atc_free(r.atc[0]), 0);
	siov_ir_free(r.ir);
	siov_iommu_free(r.iommu);
	assert_int_equal(r.fm.nb_live, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define ROW(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		ROW(test_s8_2_1_remapped_message_reaches_its_destination),
		ROW(test_s8_2_1_subhandle_is_added_to_the_index),
		ROW(test_s8_2_1_bad_request_is_blocked),
		ROW(test_s8_2_1_message_without_entry_is_blocked_and_recorded),
		ROW(test_s8_2_1_reserved_bits_of_an_entry_block),
		ROW(test_s8_2_1_reserved_bits_of_a_posted_entry_block),
		ROW(test_s8_2_1_requester_id_is_checked),
		ROW(test_s8_2_1_checks_come_in_order),
		ROW(test_s8_2_1_message_does_not_wait_for_a_change_half_done),
		ROW(test_s8_2_1_compatibility_format_is_blocked),
		cmocka_unit_test_setup_teardown(
			test_compatibility_format_passes_where_it_is_allowed, setup_compat,
			teardown),
		ROW(test_s8_2_1_full_records_say_so),
		ROW(test_silent_entry_is_counted_and_not_recorded),
		ROW(test_destination_takes_the_highest_vector_first),
		ROW(test_destination_in_use_stays),
		ROW(test_bad_entries_are_refused),
		ROW(test_bad_configurations_are_refused),
		ROW(test_create_survives_each_failing_allocation),
		ROW(test_dump_names_what_is_set),
		ROW(test_s7_2_4_write_with_pasid_is_no_interrupt),
		cmocka_unit_test(test_s8_2_1_entry_changes_whole_under_messages),
		cmocka_unit_test(test_entry_is_never_read_by_halves),
		cmocka_unit_test(test_message_on_its_way_finds_its_destination),
		cmocka_unit_test(test_destination_outlives_a_late_engine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

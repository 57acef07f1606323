/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file
 * One guest with random bytes to read and untouched bytes to write, for tests of what goes wrong.
 */
#ifndef FAULT_BED_H
#define FAULT_BED_H

#include "rig.h"

#define SRC UINT64_C(0x10000000)
#define DST UINT64_C(0x20000000)
#define BAD UINT64_C(0x30000000) /**< never mapped */
#define RO_COMP UINT64_C(0x40000000) /**< a read-only page */
#define AREA (4 * RIG_2M) /**< mapped at SRC (read) and DST (write); what follows is not */
#define RW (SIOV_PERM_R | SIOV_PERM_W)

#define PASID 7u
#define UNTOUCHED 0x5a

struct fault_bed {
	struct rig *rig;
	struct rig_guest *guest;
	struct rig_view src; /**< random bytes */
	struct rig_view dst; /**< UNTOUCHED */
	uint8_t *a, *b; /**< a: what src holds */
};

/** Setup and teardown of a test; the latter asserts that no error is left in the log. */
int fault_bed_open(void **state);
int fault_bed_close(void **state);

/** A test with both. */
#define FAULT_TEST(name) cmocka_unit_test_setup_teardown(name, fault_bed_open, fault_bed_close)

#define NB_DATA_OPS 6u
/** The operations with data. */
extern const uint8_t data_ops[NB_DATA_OPS];

/** Which of them read the source, and which write the destination. */
bool reads_src(uint8_t opcode);
bool writes_dst(uint8_t opcode);

/** A descriptor with a record. */
struct dsa_hw_desc desc_of(uint8_t opcode, uint64_t src, uint64_t dst, uint32_t len);

/** All of [bytes, bytes + len) have one value. */
void check_bytes(const uint8_t *bytes, uint8_t value, uint64_t len);

/** Source and destination are as they were at first. */
void check_untouched(const struct fault_bed *bed);

/** Nothing was written to the guest's page of records. */
void check_no_record(const struct fault_bed *bed);

/** What came of a descriptor that faulted, other than a backward move. */
void check_fault(const struct dsa_completion_record *rec, uint8_t status, uint64_t fault_addr,
		 uint32_t bytes);

/** One error was logged, of the bed's guest. */
void check_error(struct fault_bed *bed, const struct dsa_hw_desc *desc, uint8_t code,
		 uint64_t fault_addr);

#endif /* FAULT_BED_H */

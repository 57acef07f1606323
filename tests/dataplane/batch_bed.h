/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file
 * A guest with a list of members, and what became of them. Record 0 is the batch's, record 1 + i
 * that of member i.
 */
#ifndef BATCH_BED_H
#define BATCH_BED_H

#include "rig.h"

#define BATCH_PASID 7u
#define BATCH_MAX 64u
#define BATCH_SRC UINT64_C(0x10000000) /**< random bytes, read only */
#define BATCH_DST UINT64_C(0x20000000) /**< zeros at first */
#define BATCH_LIST UINT64_C(0x40000000)
#define BATCH_BAD UINT64_C(0x50000000) /**< never mapped */
#define BATCH_AREA (4 * RIG_SLICE)

struct batch_bed {
	struct rig *rig;
	struct rig_guest *guest;
	struct rig_view src, dst, list;
};

/** Setup and teardown of a test; the latter asserts that no error is left in the log. */
int batch_bed_open(void **state);
int batch_bed_close(void **state);
#define BATCH_TEST(name) cmocka_unit_test_setup_teardown(name, batch_bed_open, batch_bed_close)

/** A batch of the list's first @p nb members. */
struct dsa_hw_desc batch_of(uint32_t nb);

/** Member @p i: a no-op, or a copy of @p len bytes at @p offset of source and destination. */
struct dsa_hw_desc batch_noop(unsigned int i);
struct dsa_hw_desc batch_copy(unsigned int i, uint64_t offset, uint32_t len);

/** Write member @p i into the list. */
void batch_put(const struct batch_bed *bed, unsigned int i, const struct dsa_hw_desc *desc);

/** Write no-ops from the first member to the last but @p nb. */
void batch_put_noops(const struct batch_bed *bed, unsigned int nb);

/** Run the first @p nb members; returns the batch's record. */
struct dsa_completion_record batch_run(const struct batch_bed *bed, uint32_t nb);

/** Status of member @p i. */
uint8_t batch_status(const struct batch_bed *bed, unsigned int i);

/** Assert what the batch's record says. */
void batch_check(const struct dsa_completion_record *rec, uint8_t status, uint32_t done);

/** Assert that a copy was done, or that its destination is as at first. */
void batch_check_copy(const struct batch_bed *bed, uint64_t offset, uint32_t len, bool is_done);

#endif /* BATCH_BED_H */

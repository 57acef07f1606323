/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file
 * A PASID that is the test's own address space, beside one with an ordinary domain.
 */
#ifndef SVA_BED_H
#define SVA_BED_H

#include "rig.h"

#define SVA_PASID 7u
#define FOREIGN_PASID 8u
#define READ_FAULT DSA_COMP_PAGE_FAULT_NOBOF
#define WRITE_FAULT (DSA_COMP_PAGE_FAULT_NOBOF | DSA_COMP_STATUS_WRITE)

struct sva_bed {
	struct rig *rig;
	struct rig_guest *guest; /**< its addresses are pointers */
	struct rig_guest *foreign; /**< a guest with an arena, on the same queue */
	struct siov_domain *dom;
	struct dsa_completion_record *comp; /**< ordinary memory */
};

/**
 * Made and closed within a test, not around it: cmocka changes signal handlers in between. Close
 * asserts that no error is left in the log.
 */
struct sva_bed *sva_open(void);
void sva_close(struct sva_bed *bed);

/** Address of a pointer, as a client puts it into a descriptor. */
static inline uint64_t
addr_of(const void *p)
{
	return (uintptr_t)p;
}

/** A descriptor with the bed's record. */
struct dsa_hw_desc sva_desc(const struct sva_bed *bed, uint8_t opcode, uint64_t src, uint64_t dst,
			    uint32_t len);

/** Submit, poll until idle, and return the record. */
struct dsa_completion_record sva_run(struct sva_bed *bed, const struct dsa_hw_desc *desc);

/** Status, address and bytes of a fault. */
void sva_check_fault(const struct dsa_completion_record *rec, uint8_t status, uint64_t fault_addr,
		     uint32_t bytes);

/** Fresh pages that nobody has touched. */
uint8_t *sva_map(size_t len);

#endif /* SVA_BED_H */

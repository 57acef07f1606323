/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file
 * A unit with one cache, and guests with real memory who write tables of their own.
 *
 *     struct guest_bed *bed = guest_bed_open();
 *     struct guest *g = guest_open(bed, SIOV_DOMAIN_F_AD);     GPA 0 to GUEST_LEN is its memory
 *     uint64_t root = guest_table(g);                          a table of the guest
 *     guest_map(g, root, iova, gpa | GUEST_RW);                four levels
 *     guest_bed_bind(bed, 7, guest_nested(bed, g, root, 0));
 */
#ifndef GUEST_BED_H
#define GUEST_BED_H

#include "iommu_fixture.h"

#define GUEST_LEN (16 * MIB)
#define GUEST_TABLES (8 * MIB) /* GPA of the first table; below is data */

/* Bits of first-stage entries. */
#define GUEST_P UINT64_C(1)
#define GUEST_W UINT64_C(2)
#define GUEST_U UINT64_C(4)
#define GUEST_A UINT64_C(0x20)
#define GUEST_D UINT64_C(0x40)
#define GUEST_RW (GUEST_P | GUEST_W | GUEST_U)

#define GUEST_BED_GUESTS 4u

struct guest {
	uint8_t *memory; /* of GUEST_LEN bytes, aligned to 2 MiB */
	struct siov_domain *dom; /* second stage */
	uint64_t next_table; /* GPA */
};

struct guest_bed {
	struct fake_mem fm;
	struct siov_iommu *iommu;
	struct siov_atc *atc;
	struct guest guest[GUEST_BED_GUESTS];
	unsigned int nb_guests;
};

/* CMocka setup and teardown; the teardown unbinds all PASIDs below 4096 and asserts no leak. */
int guest_bed_setup(void **state);
int guest_bed_teardown(void **state);

/* A guest all of whose memory is mapped, read and write, in pages of up to 2^max_shift. */
struct guest *guest_open(struct guest_bed *bed, unsigned int flags, unsigned int max_shift);

/* A guest with memory and an empty second stage. */
struct guest *guest_open_unmapped(struct guest_bed *bed, unsigned int flags,
				  unsigned int max_shift);

/* GPA of a new, empty table. */
uint64_t guest_table(struct guest *guest);

/* Word at a GPA. */
SIOV_ATOMIC(uint64_t) *guest_word(const struct guest *guest, uint64_t gpa);

/* Make entry the last-level entry of iova in a tree of four levels; tables are made as needed. */
void guest_map(struct guest *guest, uint64_t root, uint64_t iova, uint64_t entry);

/* The last-level entry of iova; the tables must be there. */
SIOV_ATOMIC(uint64_t) *guest_entry(const struct guest *guest, uint64_t root, uint64_t iova);

/* A nested domain over the guest's tables, of four levels. */
struct siov_domain *guest_nested(struct guest_bed *bed, struct guest *guest, uint64_t root,
				 unsigned int flags);

void guest_bed_bind(struct guest_bed *bed, uint32_t pasid, struct siov_domain *dom);

/* Translate with the cache online for just this call: 0 or the fault. */
int guest_bed_translate(struct guest_bed *bed, uint32_t pasid, uint64_t iova, unsigned int perm,
			struct siov_xlate *x);

#endif /* GUEST_BED_H */

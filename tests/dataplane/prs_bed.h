/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file
 * Guests whose pages are absent at first, and the test as the one who brings them.
 */
#ifndef PRS_BED_H
#define PRS_BED_H

#include "rig.h"
#include "siov_prq.h"

#define SRC UINT64_C(0x10000000)
#define DST UINT64_C(0x20000000)
#define RW (SIOV_PERM_R | SIOV_PERM_W)
#define PASID 7u
#define NEVER (UINT64_C(1) << 60) /* cycles */

struct prs_bed {
	struct rig *rig;
	struct siov_prq *prq;
	struct rig_guest *guest; /* PASID, its record page mapped */
};

/** Make a bed: queue 0 blocks on faults. @p timeout_cycles of the engines. */
struct prs_bed *prs_open(unsigned int nb_engines, uint64_t timeout_cycles, uint32_t prq_entries);
void prs_close(struct prs_bed *bed);

/** Setup and teardown with one engine that waits for ever. */
int prs_setup(void **state);
int prs_teardown(void **state);
#define PRS_TEST(name) cmocka_unit_test_setup_teardown(name, prs_setup, prs_teardown)

/** A guest whose page requests go to the bed's queue; its records are mapped if @p has_comps. */
struct rig_guest *prs_add_guest(struct prs_bed *bed, uint32_t pasid, bool has_comps);

/** Map a fresh page at @p iova; returns it. */
uint8_t *prs_map(struct rig_guest *guest, uint64_t iova, unsigned int perm);

/** A copy of @p len bytes from SRC to DST that blocks on faults, with record @p comp. */
struct dsa_hw_desc prs_copy(uint32_t len, unsigned int comp);

/** The one request that waits, which is for @p iova with @p perm. */
struct siov_vtd_page_request prs_take(struct prs_bed *bed, uint32_t pasid, uint64_t iova,
				      unsigned int perm);

/** Assert that none waits. */
void prs_take_none(struct prs_bed *bed);

void prs_answer(struct prs_bed *bed, const struct siov_vtd_page_request *req,
		enum siov_page_answer code);

/** Counters of engine 0. */
struct siov_engine_stats prs_stats(const struct prs_bed *bed);

#endif /* PRS_BED_H */

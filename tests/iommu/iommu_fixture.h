/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A unit on fake memory with one cache, for the tests of this folder. The addresses that are
 * mapped need no memory behind them: the unit translates, it never touches.
 */
#ifndef IOMMU_FIXTURE_H
#define IOMMU_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake_mem.h"
#include "siov_atc.h"
#include "siov_iommu.h"

#define KIB UINT64_C(1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)
#define PAGE (4 * KIB)
#define RW (SIOV_PERM_R | SIOV_PERM_W)

/* Registered memory of the fixture: 8 GiB, aligned to 1 GiB. */
#define MEM_HVA UINT64_C(0x100000000000)
#define MEM_LEN (8 * GIB)

struct iommu_fixture {
	struct fake_mem fm;
	struct siov_iommu *iommu;
	struct siov_atc *atc;
};

/* CMocka setup and teardown; the teardown asserts that nothing leaked. */
int fixture_setup(void **state);
int fixture_teardown(void **state);

static inline void *
hva_at(uint64_t offset)
{
	return (void *)(uintptr_t)(MEM_HVA + offset);
}

/* A second-stage domain with pages up to 2^max_page_shift. */
struct siov_domain *fixture_domain(struct iommu_fixture *fx, unsigned int max_page_shift);

/* A domain of pass-through. */
struct siov_domain *fixture_pass_through(struct iommu_fixture *fx);

/* Allocate and bind a PASID. */
void fixture_bind(struct iommu_fixture *fx, uint32_t pasid, struct siov_domain *dom);

/* Translate with the cache online for just this call: 0 or the fault. */
int fixture_translate(struct iommu_fixture *fx, uint32_t pasid, uint64_t iova, unsigned int perm,
		      struct siov_xlate *x);

/* Translate and assert that iova is at MEM_HVA + offset. */
void fixture_expect(struct iommu_fixture *fx, uint32_t pasid, uint64_t iova, uint64_t offset);

#endif /* IOMMU_FIXTURE_H */

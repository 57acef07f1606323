/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "iommu_fixture.h"

int
fixture_setup(void **state)
{
	const struct siov_atc_conf atc_conf = {.entries = 256, .socket_id = -1};
	struct iommu_fixture *fx = calloc(1, sizeof(*fx));
	struct siov_iommu_conf conf;

	assert_non_null(fx);
	fake_mem_init(&fx->fm);
	siov_iommu_conf_init(&conf);
	conf.mem = &fx->fm.mem;
	conf.max_atcs = 4;
	conf.inval_timeout_ms = 30;
	assert_int_equal(siov_iommu_create(&conf, &fx->iommu), 0);
	assert_int_equal(siov_atc_create(fx->iommu, &atc_conf, &fx->atc), 0);
	assert_int_equal(siov_iommu_add_memory(fx->iommu, hva_at(0), MEM_LEN), 0);
	*state = fx;
	return 0;
}

int
fixture_teardown(void **state)
{
	struct iommu_fixture *fx = *state;

	assert_int_equal(siov_atc_free(fx->atc), 0);
	siov_iommu_free(fx->iommu);
	assert_int_equal(fx->fm.nb_live, 0);
	free(fx);
	return 0;
}

struct siov_domain *
fixture_domain(struct iommu_fixture *fx, unsigned int max_page_shift)
{
	const struct siov_domain_conf conf = {
		.kind = SIOV_DOMAIN_SECOND_STAGE,
		.max_page_shift = max_page_shift,
	};
	struct siov_domain *dom = NULL;

	assert_int_equal(siov_domain_create(fx->iommu, &conf, &dom), 0);
	return dom;
}

struct siov_domain *
fixture_pass_through(struct iommu_fixture *fx)
{
	const struct siov_domain_conf conf = {.kind = SIOV_DOMAIN_PASS_THROUGH};
	struct siov_domain *dom = NULL;

	assert_int_equal(siov_domain_create(fx->iommu, &conf, &dom), 0);
	return dom;
}

void
fixture_bind(struct iommu_fixture *fx, uint32_t pasid, struct siov_domain *dom)
{
	assert_int_equal(siov_pasid_alloc_at(fx->iommu, pasid), 0);
	assert_int_equal(siov_pasid_bind(fx->iommu, pasid, dom, 0), 0);
}

int
fixture_translate(struct iommu_fixture *fx, uint32_t pasid, uint64_t iova, unsigned int perm,
		  struct siov_xlate *x)
{
	int rc;

	siov_atc_online(fx->atc);
	rc = siov_atc_translate(fx->atc, pasid, iova, perm, x);
	siov_atc_offline(fx->atc);
	return rc;
}

void
fixture_expect(struct iommu_fixture *fx, uint32_t pasid, uint64_t iova, uint64_t offset)
{
	struct siov_xlate x = {0};

	assert_int_equal(fixture_translate(fx, pasid, iova, SIOV_PERM_R, &x), 0);
	assert_ptr_equal(x.hva, hva_at(offset));
	assert_in_range(x.len, 1, 2 * MIB);
}

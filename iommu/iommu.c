/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include <rte_rcu_qsbr.h>

#include "iommu_priv.h"
#include "prq_priv.h"

#define TIMEOUT_MS_MAX 3600000u

void
siov_iommu_conf_init(struct siov_iommu_conf *conf)
{
	*conf = (struct siov_iommu_conf){
		.mem = NULL,
		.socket_id = -1,
		.max_atcs = 16,
		.inval_timeout_ms = SIOV_IOMMU_INVAL_TIMEOUT_MS,
	};
}

static int
conf_check(const struct siov_iommu_conf *conf)
{
	if (conf->socket_id < -1)
		return -EINVAL;
	if (conf->max_atcs < 1 || conf->max_atcs > SIOV_IOMMU_MAX_ATCS)
		return -EINVAL;
	if (conf->inval_timeout_ms < 1 || conf->inval_timeout_ms > TIMEOUT_MS_MAX)
		return -EINVAL;
	return 0;
}

void *
iommu_alloc(struct siov_iommu *iommu, const char *name, size_t size, size_t align)
{
	void *ptr = siov_mem_alloc(iommu->mem, name, size, align, iommu->conf.socket_id);

	if (ptr != NULL)
		iommu->nb_bytes += size;
	return ptr;
}

void
iommu_release(struct siov_iommu *iommu, void *ptr, size_t size)
{
	if (ptr != NULL)
		iommu->nb_bytes -= size;
	siov_mem_free(iommu->mem, ptr);
}

static int
init_qsbr(struct siov_iommu *iommu)
{
	iommu->qsbr_bytes = rte_rcu_qsbr_get_memsize(iommu->conf.max_atcs);
	iommu->qsbr = iommu_alloc(iommu, "siov_iommu_qsbr", iommu->qsbr_bytes, RTE_CACHE_LINE_SIZE);
	if (iommu->qsbr == NULL)
		return -ENOMEM;
	return rte_rcu_qsbr_init(iommu->qsbr, iommu->conf.max_atcs) == 0 ? 0 : -EINVAL;
}

int
siov_iommu_create(const struct siov_iommu_conf *conf, struct siov_iommu **out)
{
	const struct siov_mem *mem;
	struct siov_iommu *iommu;
	int rc;

	if (conf == NULL || out == NULL || conf_check(conf) < 0)
		return -EINVAL;
	mem = conf->mem != NULL ? conf->mem : siov_mem_eal();
	iommu = siov_mem_alloc(mem, "siov_iommu", sizeof(*iommu), RTE_CACHE_LINE_SIZE,
			       conf->socket_id);
	if (iommu == NULL)
		return -ENOMEM;
	iommu->mem = mem;
	iommu->conf = *conf;
	iommu->nb_bytes = sizeof(*iommu);
	pthread_mutex_init(&iommu->lock, NULL);
	pool_init(&iommu->pool, mem, conf->socket_id);
	rc = init_qsbr(iommu);
	if (rc == 0)
		rc = range_init(iommu);
	if (rc == 0)
		rc = pasid_init(iommu);
	if (rc < 0) {
		siov_iommu_free(iommu);
		return rc;
	}
	*out = iommu;
	return 0;
}

void
siov_iommu_free(struct siov_iommu *iommu)
{
	if (iommu == NULL)
		return;
	domain_fini(iommu);
	prq_fini(iommu);
	pasid_fini(iommu);
	range_fini(iommu);
	pool_fini(&iommu->pool);
	iommu_release(iommu, iommu->qsbr, iommu->qsbr_bytes);
	pthread_mutex_destroy(&iommu->lock);
	siov_mem_free(iommu->mem, iommu);
}

int
siov_iommu_synchronize(struct siov_iommu *iommu)
{
	int rc;

	pthread_mutex_lock(&iommu->lock);
	rc = iommu_sync(iommu);
	pthread_mutex_unlock(&iommu->lock);
	return rc;
}

struct rte_rcu_qsbr *
siov_iommu_qsbr(struct siov_iommu *iommu)
{
	return iommu->qsbr;
}

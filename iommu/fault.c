/* SPDX-License-Identifier: BSD-3-Clause */
/* What became of refused requests, and the owner's questions about a PASID. */
#include "atc_priv.h"
#include "fault_priv.h"

static void
put(struct fault_ring *ring, const struct siov_fault_record *record)
{
	uint64_t tail = siov_atomic_load(&ring->tail, relaxed);

	/* A9: pairs with R9; the record there was read */
	if (tail - siov_atomic_load(&ring->head, acquire) == FAULT_RING) {
		atc_count(&ring->lost, 1);
		return;
	}
	ring->record[tail % FAULT_RING] = *record;
	/* R8: pairs with A8; the record is whole */
	siov_atomic_store(&ring->tail, tail + 1, release);
}

unsigned int
fault_take(struct fault_ring *ring, struct siov_fault_record *out, unsigned int max)
{
	uint64_t head = siov_atomic_load(&ring->head, relaxed);
	uint64_t tail = siov_atomic_load(&ring->tail, acquire); /* A8 */
	unsigned int n = (unsigned int)RTE_MIN(tail - head, (uint64_t)max);
	unsigned int i;

	for (i = 0; i < n; i++)
		out[i] = ring->record[(head + i) % FAULT_RING];
	siov_atomic_store(&ring->head, head + n, release); /* R9 */
	return n;
}

/* Fault processing can be disabled for a PASID, and for a whole table of them. */
static bool
is_silent(const struct siov_atc *atc, uint32_t pasid)
{
	const struct siov_vtd_pasid_entry *entry = atc_pasid_entry(atc, pasid);

	return entry != NULL && (siov_atomic_load(&entry->q0, relaxed) & SIOV_VTD_PE_FPD) != 0;
}

void
siov_atc_record_fault(struct siov_atc *atc, uint32_t pasid, uint64_t iova, unsigned int perm,
		      int reason)
{
	const struct siov_fault_record record = {
		.addr = iova & ~(uint64_t)(SIOV_VTD_PAGE_SIZE - 1),
		.pasid = pasid,
		.rid = atc->rid,
		.reason = (uint8_t)reason,
		.perm = (uint8_t)perm,
	};

	if (!is_silent(atc, pasid))
		put(atc->fault_ring, &record);
}

unsigned int
siov_atc_take_faults(struct siov_atc *atc, struct siov_fault_record *out, unsigned int max)
{
	unsigned int nb;

	pthread_mutex_lock(&atc->iommu->lock);
	nb = fault_take(atc->fault_ring, out, max);
	pthread_mutex_unlock(&atc->iommu->lock);
	return nb;
}

unsigned int
siov_iommu_take_faults(struct siov_iommu *iommu, struct siov_fault_record *out, unsigned int max)
{
	unsigned int nb = 0;
	unsigned int i;

	pthread_mutex_lock(&iommu->lock);
	for (i = 0; i < iommu->conf.max_atcs && nb < max; i++)
		if (iommu->atcs[i] != NULL)
			nb += fault_take(iommu->atcs[i]->fault_ring, out + nb, max - nb);
	pthread_mutex_unlock(&iommu->lock);
	return nb;
}

/* Entry of a PASID that is bound, with all of its words from the same binding; or NULL. */
static const struct siov_vtd_pasid_entry *
bound_entry(const struct siov_atc *atc, uint32_t pasid)
{
	const struct siov_vtd_pasid_entry *entry = atc_pasid_entry(atc, pasid);

	if (entry == NULL || (siov_atomic_load(&entry->q0, acquire) & SIOV_VTD_PE_P) == 0)
		return NULL;
	return entry;
}

const struct siov_process *
siov_atc_process(const struct siov_atc *atc, uint32_t pasid)
{
	const struct siov_vtd_pasid_entry *entry = bound_entry(atc, pasid);

	if (entry == NULL)
		return NULL;
	return (const struct siov_process *)(uintptr_t)siov_atomic_load(&entry->process, acquire);
}

struct siov_prq *
siov_atc_prq(const struct siov_atc *atc, uint32_t pasid)
{
	const struct siov_vtd_pasid_entry *entry = bound_entry(atc, pasid);

	if (entry == NULL)
		return NULL;
	return (struct siov_prq *)(uintptr_t)siov_atomic_load(&entry->prq, acquire);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>

#include <rte_common.h>

#include "iommu_priv.h"

static size_t
ranges_size(size_t nb)
{
	return sizeof(struct iommu_ranges) + nb * sizeof(struct iommu_range);
}

static struct iommu_ranges *
ranges_new(struct siov_iommu *iommu, size_t nb)
{
	struct iommu_ranges *r;

	r = iommu_alloc(iommu, "siov_iommu_ranges", ranges_size(nb), RTE_CACHE_LINE_SIZE);
	if (r != NULL)
		r->nb = nb;
	return r;
}

/* Control's own view. */
static struct iommu_ranges *
ranges_of(const struct siov_iommu *iommu)
{
	return siov_atomic_load(&iommu->ranges, relaxed);
}

/* Number of ranges that start at or below hva. */
static size_t
count_below(const struct iommu_ranges *ranges, uint64_t hva)
{
	size_t low = 0;
	size_t high = ranges->nb;
	size_t mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (ranges->range[mid].start <= hva)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

const struct iommu_range *
range_find(const struct iommu_ranges *ranges, uint64_t hva, uint64_t len)
{
	size_t below = count_below(ranges, hva);
	const struct iommu_range *r;

	if (below == 0)
		return NULL;
	r = &ranges->range[below - 1];
	return hva < r->end && len <= r->end - hva ? r : NULL;
}

void
range_account(struct siov_iommu *iommu, uint64_t hva, uint64_t len, bool is_mapped)
{
	struct iommu_ranges *ranges = ranges_of(iommu);
	struct iommu_range *r = &ranges->range[count_below(ranges, hva) - 1];

	if (is_mapped)
		r->nb_mapped_bytes += len;
	else
		r->nb_mapped_bytes -= len;
}

/* R4: the array is seen with it; pairs with A4 in walk_pass_through(). */
static void
publish(struct siov_iommu *iommu, struct iommu_ranges *new)
{
	struct iommu_ranges *old = ranges_of(iommu);

	siov_atomic_store(&iommu->ranges, new, release);
	iommu_retire_ranges(iommu, old);
}

static int
add_range(struct siov_iommu *iommu, uint64_t start, uint64_t end, bool is_mmio)
{
	const struct iommu_ranges *old = ranges_of(iommu);
	size_t at = count_below(old, start);
	struct iommu_ranges *new;

	if (at > 0 && old->range[at - 1].end > start)
		return -EEXIST;
	if (at < old->nb && old->range[at].start < end)
		return -EEXIST;
	new = ranges_new(iommu, old->nb + 1);
	if (new == NULL)
		return -ENOMEM;
	memcpy(new->range, old->range, at * sizeof(old->range[0]));
	new->range[at] = (struct iommu_range){
		.start = start,
		.end = end,
		.is_mmio = is_mmio,
	};
	memcpy(&new->range[at + 1], &old->range[at], (old->nb - at) * sizeof(old->range[0]));
	publish(iommu, new);
	return 0;
}

static int
remove_range(struct siov_iommu *iommu, uint64_t start, uint64_t end)
{
	const struct iommu_ranges *old = ranges_of(iommu);
	const struct inval_req all = {.type = INVAL_ALL};
	struct pool_list no_pages = {0};
	struct iommu_ranges *new;
	size_t at = count_below(old, start);

	if (at == 0 || old->range[at - 1].start != start || old->range[at - 1].end != end)
		return -ENOENT;
	at--;
	if (old->range[at].nb_mapped_bytes != 0)
		return -EBUSY;
	new = ranges_new(iommu, old->nb - 1);
	if (new == NULL)
		return -ENOMEM;
	memcpy(new->range, old->range, at * sizeof(old->range[0]));
	memcpy(&new->range[at], &old->range[at + 1],
	       new->nb * sizeof(old->range[0]) - at * sizeof(old->range[0]));
	publish(iommu, new);
	return iommu_invalidate(iommu, &all, &no_pages);
}

static int
add_checked(struct siov_iommu *iommu, void *hva, size_t len, bool is_mmio)
{
	const struct inval_req all = {.type = INVAL_ALL};
	uint64_t start = (uintptr_t)hva;
	struct pool_list no_pages = {0};
	int rc;

	if (iommu == NULL || hva == NULL || len == 0 || (start | len) % SIOV_VTD_PAGE_SIZE != 0)
		return -EINVAL;
	if (start >= IOMMU_HVA_END || len > IOMMU_HVA_END - start)
		return -ERANGE;
	pthread_mutex_lock(&iommu->lock);
	iommu_reap(iommu);
	rc = add_range(iommu, start, start + len, is_mmio);
	/* Of our own process all that is not a BAR may be cached already. */
	if (rc == 0 && is_mmio && siov_atomic_load(&iommu->nb_self, relaxed) != 0)
		rc = iommu_invalidate(iommu, &all, &no_pages);
	pthread_mutex_unlock(&iommu->lock);
	return rc;
}

int
siov_iommu_add_memory(struct siov_iommu *iommu, void *hva, size_t len)
{
	return add_checked(iommu, hva, len, false);
}

int
siov_iommu_add_mmio(struct siov_iommu *iommu, void *hva, size_t len)
{
	return add_checked(iommu, hva, len, true);
}

int
siov_iommu_remove_memory(struct siov_iommu *iommu, void *hva, size_t len)
{
	uint64_t start = (uintptr_t)hva;
	int rc;

	if (iommu == NULL)
		return -EINVAL;
	pthread_mutex_lock(&iommu->lock);
	iommu_reap(iommu);
	rc = remove_range(iommu, start, start + len);
	pthread_mutex_unlock(&iommu->lock);
	return rc;
}

int
range_init(struct siov_iommu *iommu)
{
	struct iommu_ranges *none = ranges_new(iommu, 0);

	siov_atomic_store(&iommu->ranges, none, relaxed);
	return none == NULL ? -ENOMEM : 0;
}

void
range_free_list(struct siov_iommu *iommu, struct iommu_ranges *ranges)
{
	struct iommu_ranges *next;

	for (; ranges != NULL; ranges = next) {
		next = ranges->next_retired;
		iommu_release(iommu, ranges, ranges_size(ranges->nb));
	}
}

void
range_fini(struct siov_iommu *iommu)
{
	range_free_list(iommu, ranges_of(iommu));
	range_free_list(iommu, iommu->retired.ranges);
}

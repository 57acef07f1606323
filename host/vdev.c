/* SPDX-License-Identifier: BSD-3-Clause */
/* VDEVs: made and taken apart, their regions, and what is told of them. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <sys/mman.h>

#include "vdev_priv.h"

#define PAGES 2u /* of memory: registers, channel */

/* ---- what it is to be ---- */

static bool
is_page_size(const struct siov_vdcm *vdcm, uint64_t bytes)
{
	uint32_t sizes = siov_hostdrv_get_caps(vdcm->fns[0].drv)->page_sizes;

	return bytes >= 4096 && (bytes & (bytes - 1)) == 0 && bytes / 4096 <= UINT32_MAX &&
	       (bytes / 4096 & sizes) != 0;
}

/* What its members say, completed. */
static int
describe(struct siov_vdev *vdev, const struct siov_vdev_conf *conf)
{
	struct siov_vdcm *vdcm = vdev->vdcm;
	struct siov_hostdrv_generation most;
	const struct siov_vdev_type *type = conf->type;
	uint32_t i;

	siov_vdcm_generation(vdcm, &most);
	vdev->gen = conf->generation != NULL ? *conf->generation : most;
	vdev->page_bytes = conf->page_bytes;
	if (vdev->page_bytes == 0)
		vdev->page_bytes = siov_hostdrv_get_caps(vdcm->fns[0].drv)->page_bytes;
	vdev->nb_fns = conf->nb_fns != 0 ? conf->nb_fns : 1;
	if (type == NULL || conf->nb_dwqs < type->dwqs_min || conf->nb_dwqs > type->dwqs_max ||
	    conf->gas == NULL || siov_gas_iommu(conf->gas) != vdcm->iommu ||
	    vdev->nb_fns > VDEV_FNS || (conf->flags & ~(SIOV_VDEV_F_FD | SIOV_VDEV_F_DVSEC)) != 0 ||
	    !siov_hostdrv_is_subset(&vdev->gen, &most) || !is_page_size(vdcm, vdev->page_bytes))
		return -EINVAL;
	vdev->type = type;
	vdev->gas = conf->gas;
	vdev->ops = conf->ops;
	vdev->vmm = conf->vmm;
	vdev->rid = conf->rid;
	vdev->flags = conf->flags;
	vdev->qos = conf->qos;
	vdev->nb_wqs = (type->has_swq ? 1 : 0) + conf->nb_dwqs;
	vdev->nb_vectors = type->is_dynamic ? SIOV_VDEV_VECTORS_MAX : 1 + vdev->nb_wqs;
	for (i = 0; i < vdev->nb_wqs; i++)
		vdev->wqs[i].is_dedicated = i != 0 || !type->has_swq;
	return 0;
}

/* ---- its memory ---- */

static int
map_own_file(struct siov_vdev *vdev)
{
	void *pages;

	vdev->fd = memfd_create("siov_vdev", MFD_CLOEXEC);
	if (vdev->fd < 0 || ftruncate(vdev->fd, (off_t)vdev->pages_bytes) != 0)
		return -errno;
	pages = mmap(NULL, vdev->pages_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, vdev->fd, 0);
	if (pages == MAP_FAILED)
		return -errno;
	vdev->pages = pages;
	return 0;
}

static int
make_pages(struct siov_vdev *vdev)
{
	vdev->pages_bytes = PAGES * vdev->page_bytes;
	if (vdev->flags & SIOV_VDEV_F_FD)
		return map_own_file(vdev);
	vdev->pages =
		siov_mem_alloc(vdev->vdcm->mem, "siov_vdev_pages", vdev->pages_bytes, 4096, -1);
	return vdev->pages != NULL ? 0 : -ENOMEM;
}

static void
free_pages(struct siov_vdev *vdev)
{
	if (vdev->flags & SIOV_VDEV_F_FD) {
		if (vdev->pages != NULL)
			munmap(vdev->pages, vdev->pages_bytes);
		if (vdev->fd >= 0)
			close(vdev->fd);
	} else {
		siov_mem_free(vdev->vdcm->mem, vdev->pages);
	}
	vdev->pages = NULL;
	vdev->fd = -1;
}

/* ---- create ---- */

static int
take_id(struct siov_vdev *vdev)
{
	struct siov_vdcm *vdcm = vdev->vdcm;
	uint32_t id;

	if (vdcm->nb_vdevs == vdcm->nb_vdevs_max)
		return -ENOSPC;
	for (id = vdcm->first_free; vdcm->vdevs[id] != NULL; id++)
		;
	vdcm->vdevs[id] = vdev;
	vdcm->first_free = id + 1;
	vdcm->next_id = RTE_MAX(vdcm->next_id, id + 1);
	vdcm->nb_vdevs++;
	vdev->id = id;
	return 0;
}

static void
give_id(struct siov_vdev *vdev)
{
	struct siov_vdcm *vdcm = vdev->vdcm;

	vdcm->vdevs[vdev->id] = NULL;
	vdcm->first_free = RTE_MIN(vdcm->first_free, vdev->id);
	vdcm->nb_vdevs--;
}

/* Its guest is gone, its ADIs are reset. May be called again after -ETIMEDOUT. */
static int
take_apart(struct siov_vdev *vdev)
{
	struct siov_vdcm *vdcm = vdev->vdcm;
	int ret;

	vdev_unplace(vdev);
	if (vdev->gpa.host != 0)
		vdcm_own_pasid(vdcm, vdev->gpa.host, NULL);
	ret = space_fini_gpa(&vdev->gpa);
	if (ret != 0)
		return ret;
	vdev_msix_free(vdev);
	vdev_cfg_free(vdev);
	free_pages(vdev);
	vdev_pager_free(vdev);
	if (vdev->is_active)
		TAILQ_REMOVE(&vdcm->active, vdev, active_entry);
	give_id(vdev);
	siov_gas_use(vdev->gas, false);
	siov_mem_free(vdcm->mem, vdev);
	return 0;
}

static int
compose(struct siov_vdev *vdev, const struct siov_vdev_conf *conf)
{
	int ret;

	ret = make_pages(vdev);
	if (ret == 0)
		ret = vdev_cfg_init(vdev);
	if (ret == 0)
		ret = space_init_gpa(&vdev->gpa, vdev->gas);
	if (ret == 0)
		ret = vdcm_own_pasid(vdev->vdcm, vdev->gpa.host, vdev);
	if (ret == 0)
		ret = vdev_place(vdev, conf);
	if (ret == 0) {
		vdev->state = SIOV_VDEV_RUNNING;
		vdev_regs_reset(vdev);
	}
	return ret;
}

int
siov_vdev_create(struct siov_vdcm *vdcm, const struct siov_vdev_conf *conf, struct siov_vdev **out)
{
	struct siov_vdev *vdev;
	int ret;

	vdev = siov_mem_alloc(vdcm->mem, "siov_vdev", sizeof(*vdev), RTE_CACHE_LINE_SIZE, -1);
	if (vdev == NULL)
		return -ENOMEM;
	vdev->vdcm = vdcm;
	vdev->mbox.owner = vdev;
	vdev->fd = -1;
	vdev->fns[0] = NO_FN;
	vdev->fns[1] = NO_FN;
	vdcm_lock(vdcm);
	ret = describe(vdev, conf);
	if (ret == 0)
		ret = take_id(vdev);
	if (ret != 0) {
		vdcm_unlock(vdcm);
		siov_mem_free(vdcm->mem, vdev);
		return ret;
	}
	siov_gas_use(vdev->gas, true);
	LIST_INIT(&vdev->contexts);
	LIST_INIT(&vdev->portals);
	vdev_msix_init(vdev);
	ret = compose(vdev, conf);
	if (ret == 0)
		*out = vdev;
	else
		take_apart(vdev);
	vdcm_unlock(vdcm);
	return ret;
}

/* ---- destroy ---- */

/* All ADIs are shut off, and no guest thread is in what it had. */
static int
shut_down(struct siov_vdev *vdev, uint64_t deadline_ns)
{
	const struct action action = {
		.kind = ACTION_DESTROY,
		.what = SIOV_ADI_DO_RESET,
		.wqs = UINT32_MAX,
		.guest_pasid = NO_PASID,
		.deadline_ns = deadline_ns,
	};
	int ret;

	vdev->halt_at_ns = 0;
	ret = vdev_begin(vdev, &action);
	if (ret == 0)
		ret = vdev_await_idle(vdev, UINT64_MAX);
	if (ret == 0)
		ret = vdev->reset_error;
	if (ret != 0)
		return ret;
	vdev_after_reset(vdev);
	vdev_close_portals(vdev);
	return vdev_await_burial(vdev, deadline_ns);
}

int
siov_vdev_destroy(struct siov_vdev *vdev, unsigned int timeout_ms)
{
	uint64_t deadline_ns = deadline_after(timeout_ms);
	struct siov_vdcm *vdcm;
	int ret;

	if (vdev == NULL)
		return 0;
	vdcm = vdev->vdcm;
	ret = vdev_lock_idle(vdev, deadline_ns);
	if (ret != 0)
		return ret;
	ret = shut_down(vdev, deadline_ns);
	vdcm_unlock(vdcm);
	if (ret != 0)
		return ret;
	vdev_pager_leave(vdev);
	vdcm_telemetry_lock();
	vdcm_lock(vdcm);
	ret = take_apart(vdev);
	vdcm_unlock(vdcm);
	vdcm_telemetry_unlock();
	return ret;
}

/* ---- looking ---- */

void
siov_vdev_get_info(struct siov_vdev *vdev, struct siov_vdev_info *info)
{
	uint32_t i;

	vdcm_lock(vdev->vdcm);
	*info = (struct siov_vdev_info){
		.id = vdev->id,
		.type = vdev->type,
		.rid = vdev->rid,
		.nb_wqs = vdev->nb_wqs,
		.nb_vectors = vdev->nb_vectors,
		.nb_adis = vdev->nb_contexts,
		.nb_contexts = vdev->nb_contexts,
		.fn = vdev->fns[0],
		.nb_fns = vdev->nb_fns,
		.nb_losses = vdev->nb_losses,
		.flags = vdev->flags,
		.qos = vdev->qos,
		.page_bytes = vdev->page_bytes,
		.state = vdev->state,
		.is_enabled = vdev->is_enabled,
		.is_halted = vdev->is_halted,
		.memory_bytes = sizeof(*vdev) + vdev->pages_bytes + vdev_cfg_bytes(vdev) +
				vdev->nb_contexts * sizeof(struct vdev_context),
		.generation = vdev->gen,
	};
	for (i = 0; i < SIOV_VDEV_WQS_MAX; i++)
		info->nb_adis +=
			(vdev->adis[0][i] != SIOV_ADI_NONE) + (vdev->adis[1][i] != SIOV_ADI_NONE);
	vdcm_unlock(vdev->vdcm);
}

static void
add_adi(struct siov_vdev *vdev, uint32_t adi, struct siov_vdev_stats *stats)
{
	struct siov_adi_info info;

	if (adi == SIOV_ADI_NONE || vdev_dev(vdev) == NULL ||
	    siov_dev_adi_info(vdev_dev(vdev), adi, &info) != 0)
		return;
	stats->accepted += info.accepted;
	stats->completed += info.completed;
	stats->failed += info.failed;
	stats->aborted += info.aborted;
	stats->bytes += info.bytes;
}

void
siov_vdev_get_stats(struct siov_vdev *vdev, struct siov_vdev_stats *stats)
{
	struct vdev_context *context;
	uint32_t i;

	vdcm_lock(vdev->vdcm);
	*stats = vdev->stats;
	for (i = 0; i < vdev->nb_wqs; i++)
		add_adi(vdev, vdev->adis[0][i], stats);
	LIST_FOREACH(context, &vdev->contexts, entry)
		add_adi(vdev, context->adi, stats);
	vdcm_unlock(vdev->vdcm);
}

void
siov_vdev_dump(FILE *f, struct siov_vdev *vdev)
{
	static const char *const states[] = {
		[SIOV_VDEV_ERROR] = "error",
		[SIOV_VDEV_STOPPED] = "stopped",
		[SIOV_VDEV_RUNNING] = "running",
	};
	struct siov_vdev_info info;

	siov_vdev_get_info(vdev, &info);
	fprintf(f, "vdev %u: %s, %s%s%s, rid %02x:%02x.%x, function %d of %u, %u queues, %u ADIs\n",
		info.id, info.type->name, states[info.state], info.is_enabled ? ", enabled" : "",
		info.is_halted ? ", halted" : "", info.rid >> 8, info.rid >> 3 & 0x1f, info.rid & 7,
		(int)info.fn, info.nb_fns, info.nb_wqs, info.nb_adis);
}

/* ---- regions ---- */

static uint64_t
round_up(uint64_t value)
{
	uint64_t power = 1;

	while (power < value)
		power <<= 1;
	return power;
}

uint64_t
vdev_bar_bytes(const struct siov_vdev *vdev, unsigned int bar)
{
	if (bar == SIOV_VDEV_BAR0)
		return SIOV_VDEV_PAGES * vdev->page_bytes;
	return round_up(vdev->nb_wqs * SIOV_BARS_PAGES_PER_WQ * vdev->page_bytes);
}

static void
describe_bar0(const struct siov_vdev *vdev, struct siov_vdev_region *region)
{
	uint64_t p = vdev->page_bytes;

	region->nb_areas = 4;
	region->areas[0] = (struct siov_vdev_area){
		.offset = SIOV_VDEV_PAGE_REGS * p,
		.bytes = p,
		.kind = SIOV_PAGE_WRITE_INTERCEPT,
		.hva = vdev->pages,
		.fd = vdev->fd,
	};
	region->areas[1] = (struct siov_vdev_area){
		.offset = SIOV_VDEV_PAGE_MSIX * p,
		.bytes = p,
		.kind = SIOV_PAGE_INTERCEPT,
		.fd = -1,
	};
	region->areas[2] = (struct siov_vdev_area){
		.offset = SIOV_VDEV_PAGE_CHANNEL * p,
		.bytes = p,
		.kind = SIOV_PAGE_MEMORY,
		.hva = vdev->pages + p,
		.fd = vdev->fd,
		.fd_offset = p,
	};
	region->areas[3] = (struct siov_vdev_area){
		.offset = SIOV_VDEV_PAGE_MBOX * p,
		.bytes = p,
		.kind = SIOV_PAGE_DIRECT,
		.fd = -1,
	};
}

static void
describe_bar2(const struct siov_vdev *vdev, struct siov_vdev_region *region)
{
	uint64_t used = vdev->nb_wqs * SIOV_BARS_PAGES_PER_WQ * vdev->page_bytes;

	region->nb_areas = used < region->bytes ? 2 : 1;
	region->areas[0] = (struct siov_vdev_area){
		.bytes = used,
		.kind = SIOV_PAGE_DIRECT,
		.fd = -1,
	};
	region->areas[1] = (struct siov_vdev_area){
		.offset = used,
		.bytes = region->bytes - used,
		.kind = SIOV_PAGE_NONE,
		.fd = -1,
	};
}

int
siov_vdev_region(struct siov_vdev *vdev, unsigned int index, struct siov_vdev_region *region)
{
	*region = (struct siov_vdev_region){0};
	if (index >= SIOV_VDEV_REGIONS)
		return -EINVAL;
	if (index == SIOV_VDEV_CONFIG)
		region->bytes = 4096;
	if (index != SIOV_VDEV_BAR0 && index != SIOV_VDEV_BAR2)
		return 0;
	region->bytes = vdev_bar_bytes(vdev, index);
	if (index == SIOV_VDEV_BAR0)
		describe_bar0(vdev, region);
	else
		describe_bar2(vdev, region);
	return 0;
}

/* ---- accesses ---- */

static int
check_access(struct siov_vdev *vdev, unsigned int index, uint64_t offset, unsigned int width)
{
	uint64_t bytes;

	if (index == SIOV_VDEV_CONFIG)
		bytes = 4096;
	else if (index == SIOV_VDEV_BAR0 || index == SIOV_VDEV_BAR2)
		bytes = vdev_bar_bytes(vdev, index);
	else
		return -EINVAL;
	if ((width != 1 && width != 2 && width != 4 && width != 8) ||
	    (width == 8 && index == SIOV_VDEV_CONFIG) || offset % width != 0)
		return -EINVAL;
	return offset < bytes ? 0 : -ERANGE;
}

/* Of BAR0. */
static int
read_page(struct siov_vdev *vdev, uint64_t offset, unsigned int width, uint64_t *value)
{
	uint64_t at = offset % vdev->page_bytes;

	switch (offset / vdev->page_bytes) {
	case SIOV_VDEV_PAGE_REGS:
		*value = 0;
		memcpy(value, vdev->pages + at, width);
		return 0;
	case SIOV_VDEV_PAGE_MSIX:
		if (width < 4)
			return -EINVAL;
		*value = vdev_msix_read(vdev, at, width);
		return 0;
	case SIOV_VDEV_PAGE_CHANNEL:
		*value = 0;
		memcpy(value, vdev->pages + vdev->page_bytes + at, width);
		return 0;
	default:
		return -EINVAL;
	}
}

static int
write_page(struct siov_vdev *vdev, uint64_t offset, unsigned int width, uint64_t value)
{
	uint64_t at = offset % vdev->page_bytes;

	switch (offset / vdev->page_bytes) {
	case SIOV_VDEV_PAGE_REGS:
		return vdev_regs_write(vdev, at, width, value);
	case SIOV_VDEV_PAGE_MSIX:
		if (width < 4)
			return -EINVAL;
		vdev->is_used = true;
		vdev_msix_write(vdev, at, width, value);
		return 0;
	case SIOV_VDEV_PAGE_CHANNEL:
		memcpy(vdev->pages + vdev->page_bytes + at, &value, width);
		return 0;
	case SIOV_VDEV_PAGE_MBOX:
		return siov_vdev_store(vdev, offset, width, value) ? 0 : -EINVAL;
	default:
		return -EINVAL;
	}
}

int
siov_vdev_read(struct siov_vdev *vdev, unsigned int index, uint64_t offset, unsigned int width,
	       uint64_t *value)
{
	bool is_config = index == SIOV_VDEV_CONFIG;
	int ret;

	*value = pci_all_ones(width);
	vdcm_lock(vdev->vdcm);
	ret = check_access(vdev, index, offset, width);
	if (ret != 0) {
		vdev->stats.nb_refused++;
	} else if (is_config) {
		*value = vdev_cfg_read(vdev, (uint32_t)offset, width);
	} else {
		vdev->stats.nb_refused +=
			index != SIOV_VDEV_BAR0 || read_page(vdev, offset, width, value) != 0;
	}
	vdev->stats.nb_reads[!is_config]++;
	vdcm_unlock(vdev->vdcm);
	return ret;
}

int
siov_vdev_write(struct siov_vdev *vdev, unsigned int index, uint64_t offset, unsigned int width,
		uint64_t value)
{
	bool is_config = index == SIOV_VDEV_CONFIG;
	int ret;

	vdcm_lock(vdev->vdcm);
	ret = check_access(vdev, index, offset, width);
	if (ret != 0) {
		vdev->stats.nb_refused++;
	} else if (is_config) {
		vdev->is_used = true;
		vdev_cfg_write(vdev, (uint32_t)offset, width, (uint32_t)value);
	} else {
		vdev->stats.nb_refused +=
			index != SIOV_VDEV_BAR0 || write_page(vdev, offset, width, value) != 0;
	}
	vdev->stats.nb_writes[!is_config]++;
	vdcm_unlock(vdev->vdcm);
	return ret;
}

bool
siov_vdev_store(struct siov_vdev *vdev, uint64_t offset, unsigned int width, uint64_t value)
{
	if (offset != SIOV_VDEV_PAGE_MBOX * vdev->page_bytes + SIOV_VDEV_MBOX_DOORBELL ||
	    width != 4)
		return false;
	siov_mbox_ring(&vdev->mbox, (uint32_t)value);
	return true;
}

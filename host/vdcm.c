/* SPDX-License-Identifier: BSD-3-Clause */
/* The VDCM: what its VDEVs share, and its turns on the control lcore. */
#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sys/eventfd.h>
#include <sys/timerfd.h>

#include "vdev_priv.h"

#define ERRORS_MS 100u /* errors of ADIs are looked for that often */
#define DEAD_ENTRIES 16u
#define VDEVS_MAX 65535u
#define HOST_VECTOR 32u /* of the host; nobody takes it */

RTE_LOG_REGISTER(host_logtype, siov.host, INFO)

/* ---- types ---- */

static const struct siov_vdev_type types[] = {
	{.name = "swq", .what = "a context on a shared queue", .has_swq = true},
	{.name = "dwq", .what = "1 to 8 dedicated queues", .dwqs_min = 1, .dwqs_max = 8},
	{
		.name = "mixed",
		.what = "a context on a shared queue, and 1 to 8 dedicated queues",
		.has_swq = true,
		.dwqs_min = 1,
		.dwqs_max = 8,
	},
	{
		.name = "dynamic",
		.what = "a shared queue with contexts on request",
		.has_swq = true,
		.is_dynamic = true,
	},
};

const struct siov_vdev_type *
siov_vdcm_type(unsigned int i)
{
	return i < RTE_DIM(types) ? &types[i] : NULL;
}

const struct siov_vdev_type *
siov_vdcm_type_find(const char *name)
{
	unsigned int i;

	for (i = 0; i < RTE_DIM(types); i++) {
		if (strcmp(types[i].name, name) == 0)
			return &types[i];
	}
	return NULL;
}

/* ---- turns ---- */

void
vdcm_activate(struct siov_vdev *vdev)
{
	struct siov_vdcm *vdcm = vdev->vdcm;

	if (!vdev->is_active) {
		TAILQ_INSERT_TAIL(&vdcm->active, vdev, active_entry);
		vdev->is_active = true;
	}
	if (vdcm->source != NULL)
		siov_loop_wake(vdcm->source);
}

/* A little of each, in turn, so that none waits for another's guest. */
static void
step_active(struct siov_vdcm *vdcm)
{
	unsigned int i;

	for (i = 0; i < VDCM_TURNS && !TAILQ_EMPTY(&vdcm->active); i++) {
		struct siov_vdev *vdev = TAILQ_FIRST(&vdcm->active);

		TAILQ_REMOVE(&vdcm->active, vdev, active_entry);
		vdev->is_active = vdev_step(vdev);
		if (vdev->is_active)
			TAILQ_INSERT_TAIL(&vdcm->active, vdev, active_entry);
	}
}

static void
find_losses(struct siov_vdcm *vdcm)
{
	unsigned int fn;

	for (fn = 0; fn < vdcm->nb_fns; fn++) {
		if (!vdcm->fns[fn].is_lost && siov_hostdrv_is_lost(vdcm->fns[fn].drv))
			vdcm_lose(vdcm, fn);
	}
}

/* Doorbells of guests that came without an intercept. */
void
vdcm_take_mail(struct siov_vdcm *vdcm)
{
	unsigned int fn;

	for (fn = 0; fn < vdcm->nb_fns; fn++) {
		struct siov_mbox *mbox = siov_dev_mbox_take(vdcm->fns[fn].dev);

		for (; mbox != NULL; mbox = siov_dev_mbox_take(vdcm->fns[fn].dev))
			vdev_channel_write(mbox->owner, SIOV_VREG_DOORBELL,
					   siov_atomic_load(&mbox->value, acquire));
	}
}

bool
vdcm_step(struct siov_vdcm *vdcm)
{
	bool is_left;

	find_losses(vdcm);
	vdcm_take_mail(vdcm);
	is_left = vdcm_reap(vdcm);
	step_active(vdcm);
	if (vdcm->loop == NULL)
		is_left |= vdcm_step_pagers(vdcm);
	return is_left || !TAILQ_EMPTY(&vdcm->active);
}

static enum siov_loop_next
serve(void *arg)
{
	struct siov_vdcm *vdcm = arg;
	bool is_left;

	vdcm_lock(vdcm);
	is_left = vdcm_step(vdcm);
	vdcm_unlock(vdcm);
	return is_left ? SIOV_LOOP_SOON : SIOV_LOOP_SLEEP;
}

static enum siov_loop_next
serve_interrupt(void *arg)
{
	struct vdcm_fn *fn = arg;
	eventfd_t nb;

	if (eventfd_read(fn->event_fd, &nb) == 0)
		siov_hostdrv_ack(fn->drv, SIOV_INTCAUSE_MBOX);
	return serve(fn->vdcm);
}

static enum siov_loop_next
serve_timer(void *arg)
{
	struct siov_vdcm *vdcm = arg;
	uint64_t nb_ticks;

	if (read(vdcm->timer_fd, &nb_ticks, sizeof(nb_ticks)) != sizeof(nb_ticks))
		return SIOV_LOOP_SLEEP;
	vdcm_lock(vdcm);
	vdcm_pass_errors(vdcm);
	vdcm_step(vdcm);
	vdcm_unlock(vdcm);
	return SIOV_LOOP_SLEEP;
}

void
siov_vdcm_wake(struct siov_vdcm *vdcm)
{
	if (vdcm->source != NULL)
		siov_loop_wake(vdcm->source);
}

bool
siov_vdcm_poll(struct siov_vdcm *vdcm)
{
	bool is_left;

	vdcm_lock(vdcm);
	vdcm_pass_errors(vdcm);
	is_left = vdcm_step(vdcm);
	vdcm_unlock(vdcm);
	return is_left;
}

/* ---- what is shared out ---- */

uint32_t
vdcm_route_alloc(struct siov_vdcm *vdcm)
{
	return vdcm->nb_free_routes != 0 ? vdcm->free_routes[--vdcm->nb_free_routes] : NO_ROUTE;
}

void
vdcm_route_free(struct siov_vdcm *vdcm, uint32_t index)
{
	vdcm->free_routes[vdcm->nb_free_routes++] = index;
}

int
vdcm_own_pasid(struct siov_vdcm *vdcm, uint32_t pasid, const struct siov_vdev *vdev)
{
	uint32_t **leaf = &vdcm->owners[pasid / HOST_PASID_LEAF];

	if (*leaf == NULL && vdev == NULL)
		return 0;
	if (*leaf == NULL)
		*leaf = siov_mem_alloc(vdcm->mem, "siov_vdcm_owners",
				       HOST_PASID_LEAF * sizeof(**leaf), RTE_CACHE_LINE_SIZE, -1);
	if (*leaf == NULL)
		return -ENOMEM;
	(*leaf)[pasid % HOST_PASID_LEAF] = vdev != NULL ? vdev->id + 1 : 0;
	return 0;
}

/* ---- life ---- */

static int
check_conf(const struct siov_vdcm_conf *conf)
{
	unsigned int i;

	if (conf->nb_fns == 0 || conf->nb_fns > SIOV_VDCM_FNS_MAX || conf->ir == NULL ||
	    conf->ir_nb == 0 || conf->ir_nb > SIOV_IR_ENTRIES_MAX ||
	    conf->ir_first > SIOV_IR_ENTRIES_MAX - conf->ir_nb || conf->nb_vdevs_max > VDEVS_MAX)
		return -EINVAL;
	for (i = 0; i < conf->nb_fns; i++) {
		if (siov_dev_iommu(siov_hostdrv_dev(conf->fns[i])) !=
		    siov_dev_iommu(siov_hostdrv_dev(conf->fns[0])))
			return -EINVAL;
	}
	return 0;
}

/* The queue where portals lead that lead nowhere: it answers Retry, and drops what is posted. */
static int
make_dead_queue(struct siov_vdcm *vdcm)
{
	struct siov_wq_conf conf;
	int ret;

	siov_wq_conf_init(&conf);
	conf.size = DEAD_ENTRIES;
	conf.lanes_max = 1;
	conf.mem = vdcm->mem;
	ret = siov_wq_create(&conf, &vdcm->dead_wq);
	return ret != 0 ? ret : siov_wq_attach(vdcm->mem, vdcm->dead_wq, 0, &vdcm->dead_lane);
}

static int
make_tables(struct siov_vdcm *vdcm)
{
	uint32_t i;

	vdcm->vdevs = siov_mem_alloc(vdcm->mem, "siov_vdcm_vdevs",
				     vdcm->nb_vdevs_max * sizeof(vdcm->vdevs[0]),
				     RTE_CACHE_LINE_SIZE, -1);
	vdcm->free_routes =
		siov_mem_alloc(vdcm->mem, "siov_vdcm_routes",
			       vdcm->ir_nb * sizeof(vdcm->free_routes[0]), RTE_CACHE_LINE_SIZE, -1);
	vdcm->owners =
		siov_mem_alloc(vdcm->mem, "siov_vdcm_owners",
			       (SIOV_PASID_MAX + 1) / HOST_PASID_LEAF * sizeof(vdcm->owners[0]),
			       RTE_CACHE_LINE_SIZE, -1);
	if (vdcm->vdevs == NULL || vdcm->free_routes == NULL || vdcm->owners == NULL)
		return -ENOMEM;
	for (i = vdcm->ir_nb; i > 0; i--)
		vdcm_route_free(vdcm, vdcm->ir_first + i - 1);
	return 0;
}

/* The function's own interrupt wakes the control lcore. */
static int
join_interrupt(struct siov_vdcm *vdcm, struct vdcm_fn *fn)
{
	struct siov_ir_entry entry = {
		.vector = HOST_VECTOR,
		.svt = SIOV_IR_SVT_SID,
		.sid = siov_dev_get_conf(fn->dev)->rid,
	};
	int ret;

	fn->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (fn->event_fd < 0)
		return -errno;
	ret = siov_intr_dest_create_fd(vdcm->ir, fn->event_fd, &fn->dest);
	if (ret != 0)
		return ret;
	fn->route = vdcm_route_alloc(vdcm);
	entry.dest = fn->dest;
	ret = fn->route != NO_ROUTE ? siov_ir_set(vdcm->ir, fn->route, &entry) : -ENOSPC;
	if (ret == 0)
		ret = siov_hostdrv_set_vector(fn->drv, 0, siov_ir_msi_addr(fn->route), 0);
	if (ret == 0)
		ret = siov_loop_add(vdcm->loop, fn->event_fd, serve_interrupt, fn, &fn->source);
	return ret;
}

static void
leave_interrupt(struct siov_vdcm *vdcm, struct vdcm_fn *fn)
{
	siov_loop_remove(fn->source);
	if (fn->route != NO_ROUTE)
		siov_ir_clear(vdcm->ir, fn->route);
	siov_intr_dest_free(fn->dest);
	if (fn->event_fd >= 0)
		close(fn->event_fd);
}

static int
join_loop(struct siov_vdcm *vdcm)
{
	const struct itimerspec when = {
		.it_value.tv_nsec = ERRORS_MS * 1000000,
		.it_interval.tv_nsec = ERRORS_MS * 1000000,
	};
	unsigned int fn;
	int ret;

	if (vdcm->loop == NULL)
		return 0;
	vdcm->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (vdcm->timer_fd < 0 || timerfd_settime(vdcm->timer_fd, 0, &when, NULL) != 0)
		return -errno;
	ret = siov_loop_add(vdcm->loop, -1, serve, vdcm, &vdcm->source);
	if (ret == 0)
		ret = siov_loop_add(vdcm->loop, vdcm->timer_fd, serve_timer, vdcm, &vdcm->timer);
	for (fn = 0; fn < vdcm->nb_fns && ret == 0; fn++)
		ret = join_interrupt(vdcm, &vdcm->fns[fn]);
	return ret;
}

static void
take_functions(struct siov_vdcm *vdcm, const struct siov_vdcm_conf *conf)
{
	unsigned int i;

	vdcm->nb_fns = conf->nb_fns;
	for (i = 0; i < conf->nb_fns; i++) {
		vdcm->fns[i].vdcm = vdcm;
		vdcm->fns[i].drv = conf->fns[i];
		vdcm->fns[i].dev = siov_hostdrv_dev(conf->fns[i]);
		vdcm->fns[i].event_fd = -1;
		vdcm->fns[i].route = NO_ROUTE;
	}
	vdcm->iommu = siov_dev_iommu(vdcm->fns[0].dev);
}

static void
destroy(struct siov_vdcm *vdcm)
{
	unsigned int i;

	for (i = 0; i < vdcm->nb_fns; i++)
		leave_interrupt(vdcm, &vdcm->fns[i]);
	siov_loop_remove(vdcm->timer);
	siov_loop_remove(vdcm->source);
	if (vdcm->timer_fd >= 0)
		close(vdcm->timer_fd);
	if (vdcm->dead_lane != NULL)
		siov_wq_detach(vdcm->dead_lane);
	if (vdcm->dead_wq != NULL)
		siov_wq_free(vdcm->mem, vdcm->dead_wq);
	for (i = 0; vdcm->owners != NULL && i < (SIOV_PASID_MAX + 1) / HOST_PASID_LEAF; i++)
		siov_mem_free(vdcm->mem, vdcm->owners[i]);
	siov_mem_free(vdcm->mem, vdcm->owners);
	siov_mem_free(vdcm->mem, vdcm->free_routes);
	siov_mem_free(vdcm->mem, vdcm->vdevs);
	pthread_mutex_destroy(&vdcm->lock);
	siov_mem_free(vdcm->mem, vdcm);
}

int
siov_vdcm_create(const struct siov_vdcm_conf *conf, struct siov_vdcm **out)
{
	const struct siov_mem *mem = conf->mem != NULL ? conf->mem : siov_mem_eal();
	struct siov_vdcm *vdcm;
	int ret;

	ret = check_conf(conf);
	if (ret != 0)
		return ret;
	vdcm = siov_mem_alloc(mem, "siov_vdcm", sizeof(*vdcm), RTE_CACHE_LINE_SIZE, -1);
	if (vdcm == NULL)
		return -ENOMEM;
	vdcm->mem = mem;
	vdcm->loop = conf->loop;
	vdcm->timer_fd = -1;
	vdcm->ir = conf->ir;
	vdcm->ir_first = conf->ir_first;
	vdcm->ir_nb = conf->ir_nb;
	vdcm->nb_vdevs_max = conf->nb_vdevs_max != 0 ? conf->nb_vdevs_max : VDEVS_MAX;
	TAILQ_INIT(&vdcm->active);
	TAILQ_INIT(&vdcm->zombies);
	pthread_mutex_init(&vdcm->lock, NULL);
	take_functions(vdcm, conf);
	ret = make_dead_queue(vdcm);
	if (ret == 0)
		ret = make_tables(vdcm);
	if (ret == 0)
		ret = join_loop(vdcm);
	if (ret != 0) {
		destroy(vdcm);
		return ret;
	}
	vdcm_telemetry_add(vdcm);
	*out = vdcm;
	return 0;
}

int
siov_vdcm_free(struct siov_vdcm *vdcm)
{
	if (vdcm == NULL)
		return 0;
	if (vdcm->nb_vdevs != 0)
		return -EBUSY;
	vdcm_telemetry_remove(vdcm);
	destroy(vdcm);
	return 0;
}

struct siov_ir *
siov_vdcm_ir(struct siov_vdcm *vdcm)
{
	return vdcm->ir;
}

struct siov_iommu *
siov_vdcm_iommu(struct siov_vdcm *vdcm)
{
	return vdcm->iommu;
}

/* ---- looking ---- */

uint32_t
siov_vdcm_room(struct siov_vdcm *vdcm, const struct siov_vdev_type *type, uint32_t nb_dwqs)
{
	uint32_t room = 0, per_vdev = (type->has_swq && !type->is_dynamic ? 1 : 0) + nb_dwqs;
	unsigned int fn;

	vdcm_lock(vdcm);
	for (fn = 0; fn < vdcm->nb_fns; fn++) {
		uint32_t nb = siov_hostdrv_get_caps(vdcm->fns[fn].drv)->nb_adis;
		uint32_t used = siov_dev_adi_used(vdcm->fns[fn].dev);

		if (!vdcm->fns[fn].is_lost && per_vdev != 0)
			room += (nb - used) / per_vdev;
		else if (!vdcm->fns[fn].is_lost)
			room = vdcm->nb_vdevs_max;
	}
	room = RTE_MIN(room, vdcm->nb_vdevs_max - vdcm->nb_vdevs);
	vdcm_unlock(vdcm);
	return room;
}

static void
intersect(struct siov_hostdrv_generation *gen, const struct siov_hostdrv_generation *other)
{
	unsigned int i;

	gen->version = RTE_MIN(gen->version, other->version);
	gen->gencap &= other->gencap;
	for (i = 0; i < RTE_DIM(gen->opcap); i++)
		gen->opcap[i] &= other->opcap[i];
	gen->xfer_max = RTE_MIN(gen->xfer_max, other->xfer_max);
	gen->batch_max = RTE_MIN(gen->batch_max, other->batch_max);
}

void
siov_vdcm_generation(struct siov_vdcm *vdcm, struct siov_hostdrv_generation *gen)
{
	unsigned int fn;

	siov_hostdrv_generation(vdcm->fns[0].drv, gen);
	for (fn = 1; fn < vdcm->nb_fns; fn++) {
		struct siov_hostdrv_generation other;

		siov_hostdrv_generation(vdcm->fns[fn].drv, &other);
		intersect(gen, &other);
	}
}

struct siov_vdev *
siov_vdcm_find(struct siov_vdcm *vdcm, uint32_t id)
{
	struct siov_vdev *vdev = NULL;

	vdcm_lock(vdcm);
	if (id < vdcm->nb_vdevs_max)
		vdev = vdcm->vdevs[id];
	vdcm_unlock(vdcm);
	return vdev;
}

int
siov_vdcm_walk(struct siov_vdcm *vdcm, siov_vdev_cb cb, void *arg)
{
	uint32_t id, end = UINT32_MAX;
	int ret = 0;

	vdcm_telemetry_lock();
	for (id = 0; id < end && ret == 0; id++) {
		struct siov_vdev *vdev = siov_vdcm_find(vdcm, id);

		if (vdev != NULL)
			ret = cb(vdev, arg);
		vdcm_lock(vdcm);
		end = vdcm->next_id;
		vdcm_unlock(vdcm);
	}
	vdcm_telemetry_unlock();
	return ret;
}

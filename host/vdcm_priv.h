/* SPDX-License-Identifier: BSD-3-Clause */
/* The VDCM as the files of host/ see it; applications see siov_vdcm.h. */
#ifndef VDCM_PRIV_H
#define VDCM_PRIV_H

#include <pthread.h>

#include <sys/queue.h>

#include <rte_log.h>
#include <rte_rcu_qsbr.h>

#include "deadline.h"
#include "siov_cpu.h"
#include "siov_mbox.h"
#include "siov_vdev.h"

extern int host_logtype;

#define HOST_LOG(level, ...) \
	rte_log(RTE_LOG_##level, host_logtype, \
		RTE_FMT("SIOV_HOST: " RTE_FMT_HEAD(__VA_ARGS__, ) "\n", \
			RTE_FMT_TAIL(__VA_ARGS__, )))

#define VDCM_TURNS 32u /* VDEVs looked at in one turn of the control lcore */
#define NO_ROUTE UINT32_MAX /* no entry of the remapping table */
#define HOST_PASID_LEAF 1024u

struct wq_lanes {
	struct siov_lane *lane[2]; /* unlimited, limited */
};

/* A thread that runs guests. Its lanes are made by whoever opens the first portal on a queue. */
struct siov_cpu {
	struct siov_vdcm *vdcm;
	uint32_t id;
	struct rte_rcu_qsbr *inside; /* its own: one that does not poll holds up nobody else */
	uint32_t nb_portals;
	uint32_t nb_entered; /* the thread's: guests that it runs */
	struct wq_lanes lanes[SIOV_VDCM_FNS_MAX][SIOV_DEV_WQS_MAX];
};

/* A function as the VDCM uses it. */
struct vdcm_fn {
	struct siov_vdcm *vdcm;
	struct siov_hostdrv *drv;
	struct siov_dev *dev;
	uint32_t nb_vdevs; /* that work on it */
	bool is_lost;
	/* its own interrupt, vector 0, where there is a loop: a mailbox was rung */
	int event_fd;
	uint32_t route; /* NO_ROUTE */
	struct siov_intr_dest *dest;
	struct siov_loop_source *source;
};

/* What a guest had, until it cannot be in it any more. */
struct zombie {
	TAILQ_ENTRY(zombie) entry;
	struct siov_vdev *vdev;
	struct siov_dev *dev;
	struct siov_portal *portal; /* NULL: none, or closed already */
	struct siov_lane *lane; /* of a dedicated queue, taken back as well; NULL: none */
	struct vdev_context *context; /* of which this is a part; NULL: none */
	struct siov_cpu *cpu; /* whose portal it was; NULL: it has been outside since */
	uint64_t token; /* its quiescent state */
};

TAILQ_HEAD(zombies, zombie);
TAILQ_HEAD(vdevs, siov_vdev);

struct siov_vdcm {
	TAILQ_ENTRY(siov_vdcm) telemetry_entry; /* under the registry's lock */
	bool is_listed;
	/* const after create */
	const struct siov_mem *mem;
	struct siov_loop *loop;
	struct siov_loop_source *source; /* NULL: no loop */
	struct siov_loop_source *timer;
	int timer_fd;
	struct siov_ir *ir;
	struct siov_iommu *iommu;
	uint32_t ir_first, ir_nb;
	unsigned int nb_fns;
	/* the rest is under the lock, which is taken before any device's and never while waiting */
	pthread_mutex_t lock;
	struct vdcm_fn fns[SIOV_VDCM_FNS_MAX];
	uint32_t *free_routes; /* stack of entries of the remapping table */
	uint32_t nb_free_routes;
	struct siov_vdev **vdevs; /* by id */
	uint32_t nb_vdevs_max, nb_vdevs;
	uint32_t first_free; /* id; none below is free */
	uint32_t next_id; /* above all that were ever given */
	LIST_HEAD(, vdev_look) looks; /* configuration spaces that VDEVs have in common */
	struct vdevs active; /* have work for the control lcore */
	struct zombies zombies;
	LIST_HEAD(, vdev_pager) pagers;
	struct siov_wq *dead_wq; /* a queue that is never enabled, */
	struct siov_lane *dead_lane; /* where portals lead that lead nowhere */
	struct siov_cpu *cpus[SIOV_CPUS_MAX];
	uint32_t **owners; /* host PASID -> id of its VDEV + 1 */
};

static inline void
vdcm_lock(struct siov_vdcm *vdcm)
{
	pthread_mutex_lock(&vdcm->lock);
}

static inline void
vdcm_unlock(struct siov_vdcm *vdcm)
{
	pthread_mutex_unlock(&vdcm->lock);
}

/* A thread runs guests no longer: nothing waits for it. Under the lock. */
void vdcm_forget_cpu(struct siov_vdcm *vdcm, const struct siov_cpu *cpu);

/* Have the control lcore look at a VDEV. Under the lock. */
void vdcm_activate(struct siov_vdev *vdev);

/* Ring the channels whose mailboxes were rung. Under the lock. */
void vdcm_take_mail(struct siov_vdcm *vdcm);

/* Bring all that waits one step further. Whether something still does. Under the lock. */
bool vdcm_step(struct siov_vdcm *vdcm);

/*
 * Show a VDCM's VDEVs to telemetry, and take them away again. While the lock is held no walk and no
 * command of telemetry runs: a VDEV is freed under it, before the VDCM's own lock.
 */
void vdcm_telemetry_add(struct siov_vdcm *vdcm);
void vdcm_telemetry_remove(struct siov_vdcm *vdcm);
void vdcm_telemetry_lock(void);
void vdcm_telemetry_unlock(void);

/* An entry of the remapping table; NO_ROUTE: none is free. Under the lock. */
uint32_t vdcm_route_alloc(struct siov_vdcm *vdcm);
void vdcm_route_free(struct siov_vdcm *vdcm, uint32_t index);

/* Say whose a host PASID is; vdev NULL: nobody's. 0 or -ENOMEM. Under the lock. */
int vdcm_own_pasid(struct siov_vdcm *vdcm, uint32_t pasid, const struct siov_vdev *vdev);

/* The thread is inside of its guests, or not for a while, however many it has entered. */
void cpu_inside(struct siov_cpu *cpu);
void cpu_outside(struct siov_cpu *cpu);

/* The lane of a thread on a shared queue. 0, -EAGAIN, or an error of siov_dev_attach(). */
int cpu_lane(struct siov_cpu *cpu, unsigned int fn, unsigned int wq_id, bool is_limited,
	     struct siov_lane **lane);

#endif /* VDCM_PRIV_H */

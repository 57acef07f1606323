/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include "dev_nowait.h"
#include "vdcm_priv.h"

#define READER 0u /* of its qsbr: the only one */

static int
make_inside(struct siov_cpu *cpu)
{
	cpu->inside = siov_mem_alloc(cpu->vdcm->mem, "siov_cpu_inside", rte_rcu_qsbr_get_memsize(1),
				     RTE_CACHE_LINE_SIZE, -1);
	if (cpu->inside == NULL)
		return -ENOMEM;
	if (rte_rcu_qsbr_init(cpu->inside, 1) != 0)
		return -EINVAL;
	rte_rcu_qsbr_thread_register(cpu->inside, READER);
	return 0;
}

static int
take_id(struct siov_cpu *cpu)
{
	struct siov_vdcm *vdcm = cpu->vdcm;
	uint32_t id = 0;
	int ret = 0;

	vdcm_lock(vdcm);
	while (id < SIOV_CPUS_MAX && vdcm->cpus[id] != NULL)
		id++;
	if (id == SIOV_CPUS_MAX)
		ret = -ENOSPC;
	else
		vdcm->cpus[id] = cpu;
	cpu->id = id;
	vdcm_unlock(vdcm);
	return ret;
}

static void
free_cpu(struct siov_cpu *cpu)
{
	siov_mem_free(cpu->vdcm->mem, cpu->inside);
	siov_mem_free(cpu->vdcm->mem, cpu);
}

int
siov_cpu_create(struct siov_vdcm *vdcm, struct siov_cpu **out)
{
	struct siov_cpu *cpu;
	int ret;

	cpu = siov_mem_alloc(vdcm->mem, "siov_cpu", sizeof(*cpu), RTE_CACHE_LINE_SIZE, -1);
	if (cpu == NULL)
		return -ENOMEM;
	cpu->vdcm = vdcm;
	ret = make_inside(cpu);
	if (ret == 0)
		ret = take_id(cpu);
	if (ret == 0)
		*out = cpu;
	else
		free_cpu(cpu);
	return ret;
}

/* Every descriptor on them was dispatched, or is lost with its function. */
static void
detach_lanes(struct siov_cpu *cpu)
{
	unsigned int fn, wq, i;

	for (fn = 0; fn < cpu->vdcm->nb_fns; fn++) {
		for (wq = 0; wq < SIOV_DEV_WQS_MAX; wq++) {
			for (i = 0; i < RTE_DIM(cpu->lanes[fn][wq].lane); i++) {
				struct siov_lane *lane = cpu->lanes[fn][wq].lane[i];

				if (lane != NULL)
					siov_dev_detach(cpu->vdcm->fns[fn].dev, lane, 1000);
			}
		}
	}
}

void
siov_cpu_free(struct siov_cpu *cpu)
{
	struct siov_vdcm *vdcm;

	if (cpu == NULL)
		return;
	vdcm = cpu->vdcm;
	/* Portals that were cut are closed before their lanes go. */
	vdcm_lock(vdcm);
	vdcm_forget_cpu(vdcm, cpu);
	vdcm_step(vdcm);
	vdcm->cpus[cpu->id] = NULL;
	vdcm_unlock(vdcm);
	detach_lanes(cpu);
	free_cpu(cpu);
}

void
siov_cpu_enter(struct siov_cpu *cpu)
{
	if (cpu->nb_entered++ == 0)
		cpu_inside(cpu);
}

void
siov_cpu_quiescent(struct siov_cpu *cpu)
{
	rte_rcu_qsbr_quiescent(cpu->inside, READER);
}

void
siov_cpu_leave(struct siov_cpu *cpu)
{
	if (--cpu->nb_entered == 0)
		cpu_outside(cpu);
}

void
cpu_inside(struct siov_cpu *cpu)
{
	rte_rcu_qsbr_thread_online(cpu->inside, READER);
}

void
cpu_outside(struct siov_cpu *cpu)
{
	rte_rcu_qsbr_thread_offline(cpu->inside, READER);
}

int
cpu_lane(struct siov_cpu *cpu, unsigned int fn, unsigned int wq_id, bool is_limited,
	 struct siov_lane **lane)
{
	struct siov_lane **slot = &cpu->lanes[fn][wq_id].lane[is_limited];
	uint32_t flags = is_limited ? SIOV_LANE_F_LIMITED : 0;
	struct vdcm_fn *on = &cpu->vdcm->fns[fn];
	int ret = 0;

	if (siov_hostdrv_get_caps(on->drv)->has_ims)
		flags |= SIOV_LANE_F_IMS;
	if (*slot == NULL)
		ret = dev_attach_nowait(on->dev, wq_id, flags, slot);
	*lane = *slot;
	return ret;
}

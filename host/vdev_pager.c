/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Page requests of a guest's address spaces: told to the guest whose driver has bound the PASID, and
 * answered by it.
 *
 *     engine ─► queue of the VDEV ─► slot in the channel's page, vector 0 ─► guest maps the page
 *     engine ◄─ response ◄────────── SIOV_VREG_PAGE_ANSWER ◄────────────────┘
 *
 * 64 wait for the guest at most; more stay in the queue. A guest that cannot answer, as its VDEV is
 * stopped, reset or closed, has all of them answered with failure: what waits ends with a page fault
 * in its record, as without page requests, and nothing waits for a guest that does not run.
 */
#include <errno.h>
#include <string.h>

#include <sys/eventfd.h>

#include "siov_prq.h"
#include "vdev_priv.h"

#define TURN 16u /* requests taken at a time */
#define ANSWER_RSVD UINT32_C(0x0fff0000)

struct vdev_pager {
	LIST_ENTRY(vdev_pager) entry; /* of the VDCM's, where there is no loop */
	struct siov_vdev *vdev;
	struct siov_prq *prq;
	struct space_prq *orphan; /* memory for what may have to stay with the gas */
	struct siov_loop_source *source;
	uint32_t nb; /* told so far */
	uint64_t waiting; /* slots whose requests have no answer, a mask */
	struct siov_vtd_page_request slots[SIOV_VDEV_PAGE_SLOTS];
};

SIOV_STATIC_ASSERT(SIOV_VDEV_PAGE_SLOTS == 64, "a mask has a bit for each");

static enum siov_loop_next
serve(void *arg)
{
	struct vdev_pager *pager = arg;
	struct siov_vdcm *vdcm = pager->vdev->vdcm;
	eventfd_t ignored;
	bool is_left;

	/* Also where nothing can be taken now: it is not to come again for what has been told. */
	eventfd_read(siov_prq_fd(pager->prq), &ignored);
	vdcm_lock(vdcm);
	is_left = vdev_pager_step(pager->vdev);
	vdcm_unlock(vdcm);
	return is_left ? SIOV_LOOP_SOON : SIOV_LOOP_SLEEP;
}

/* ---- open, close ---- */

static int
make_queue(struct vdev_pager *pager)
{
	struct siov_vdcm *vdcm = pager->vdev->vdcm;
	int ret;

	pager->orphan = siov_mem_alloc(vdcm->mem, "siov_space_prq", sizeof(*pager->orphan),
				       RTE_CACHE_LINE_SIZE, -1);
	if (pager->orphan == NULL)
		return -ENOMEM;
	ret = siov_prq_create(siov_gas_iommu(pager->vdev->gas), NULL, &pager->prq);
	if (ret != 0)
		return ret;
	if (vdcm->loop != NULL)
		ret = siov_loop_add(vdcm->loop, siov_prq_fd(pager->prq), serve, pager,
				    &pager->source);
	if (ret != 0)
		siov_prq_free(pager->prq);
	return ret;
}

int
vdev_pager_open(struct siov_vdev *vdev, struct siov_prq **prq)
{
	struct siov_vdcm *vdcm = vdev->vdcm;
	struct vdev_pager *pager = vdev->pager;
	int ret;

	if (pager == NULL) {
		pager = siov_mem_alloc(vdcm->mem, "siov_vdev_pager", sizeof(*pager),
				       RTE_CACHE_LINE_SIZE, -1);
		if (pager == NULL)
			return -ENOMEM;
		pager->vdev = vdev;
		ret = make_queue(pager);
		if (ret != 0) {
			siov_mem_free(vdcm->mem, pager->orphan);
			siov_mem_free(vdcm->mem, pager);
			return ret;
		}
		LIST_INSERT_HEAD(&vdcm->pagers, pager, entry);
		vdev->pager = pager;
		siov_prq_arm(pager->prq); /* nothing names it so far */
	}
	*prq = pager->prq;
	return 0;
}

void
vdev_pager_leave(struct siov_vdev *vdev)
{
	if (vdev->pager == NULL)
		return;
	siov_loop_remove(vdev->pager->source);
	vdev->pager->source = NULL;
}

void
vdev_pager_free(struct siov_vdev *vdev)
{
	struct vdev_pager *pager = vdev->pager;

	if (pager == NULL)
		return;
	vdev->pager = NULL;
	LIST_REMOVE(pager, entry);
	/* PASIDs that the guest has bound may outlive the VDEV: then there is nobody to ask. */
	if (siov_prq_free(pager->prq) == 0)
		siov_mem_free(vdev->vdcm->mem, pager->orphan);
	else
		space_keep_prq(vdev->gas, pager->orphan, pager->prq);
	siov_mem_free(vdev->vdcm->mem, pager);
}

/* ---- requests ---- */

static void
respond(struct vdev_pager *pager, const struct siov_vtd_page_request *req,
	enum siov_page_answer code)
{
	const struct siov_vtd_page_response response = siov_page_response(req, code);

	/* -ENOENT: the engine has given up, and somebody else has the index. */
	siov_prq_respond(pager->prq, &response);
}

static void
fail_all(struct vdev_pager *pager)
{
	uint32_t i;

	for (i = 0; i < SIOV_VDEV_PAGE_SLOTS && pager->waiting != 0; i++) {
		if (pager->waiting >> i & 1)
			respond(pager, &pager->slots[i], SIOV_PAGE_FAILURE);
		pager->waiting &= ~(UINT64_C(1) << i);
	}
}

static bool
can_ask(const struct siov_vdev *vdev)
{
	enum action_kind kind = vdev->action.kind;

	return vdev->state == SIOV_VDEV_RUNNING && vdev->is_enabled && !vdev->is_halted &&
	       !vdev->must_reset && vdev->channel.version != 0 && kind != ACTION_FLR &&
	       kind != ACTION_SUSPEND && kind != ACTION_DESTROY;
}

static void
tell(struct vdev_pager *pager, const struct siov_vtd_page_request *req)
{
	struct siov_vdev *vdev = pager->vdev;
	const struct space *space = space_find_host(vdev->gas, siov_page_request_pasid(req));
	uint32_t n = pager->nb % SIOV_VDEV_PAGE_SLOTS;
	struct siov_vdev_page page;

	if (space == NULL) {
		respond(pager, req, SIOV_PAGE_INVALID);
		return;
	}
	page = (struct siov_vdev_page){
		.addr = siov_page_request_addr(req),
		.pasid = space->guest,
		.flags = (req->q1 & SIOV_VTD_PREQ_READ ? SIOV_VPAGE_READ : 0) |
			 (req->q1 & SIOV_VTD_PREQ_WRITE ? SIOV_VPAGE_WRITE : 0) |
			 (req->q0 & SIOV_VTD_PREQ_PRIV ? SIOV_VPAGE_PRIV : 0),
	};
	memcpy(vdev->pages + vdev->page_bytes + SIOV_VDEV_PAGE_SLOTS_AT + n * sizeof(page), &page,
	       sizeof(page));
	pager->slots[n] = *req;
	pager->waiting |= UINT64_C(1) << n;
	pager->nb++;
	vdev->stats.nb_page_requests++;
	vdev_reg_set(vdev, SIOV_VREG_PAGES, pager->nb);
	vdev_cause(vdev, SIOV_INTCAUSE_PAGE);
}

bool
vdev_pager_step(struct siov_vdev *vdev)
{
	struct vdev_pager *pager = vdev->pager;
	struct siov_vtd_page_request req;
	unsigned int i;
	bool can;

	if (pager == NULL)
		return false;
	can = can_ask(vdev);
	if (!can)
		fail_all(pager);
	for (i = 0; i < TURN; i++) {
		/* The guest's answer to what is in the next slot goes on. */
		if (pager->waiting >> pager->nb % SIOV_VDEV_PAGE_SLOTS & 1)
			return false;
		if (siov_prq_take(pager->prq, &req, 1) == 0)
			return !siov_prq_arm(pager->prq);
		if (can)
			tell(pager, &req);
		else
			respond(pager, &req, SIOV_PAGE_FAILURE);
	}
	return true;
}

bool
vdcm_step_pagers(struct siov_vdcm *vdcm)
{
	struct vdev_pager *pager;
	bool is_left = false;

	LIST_FOREACH(pager, &vdcm->pagers, entry)
		is_left |= vdev_pager_step(pager->vdev);
	return is_left;
}

uint32_t
vdev_pager_told(const struct siov_vdev *vdev)
{
	return vdev->pager != NULL ? vdev->pager->nb : 0;
}

void
vdev_pager_reset(struct siov_vdev *vdev, uint32_t nb_told)
{
	if (vdev->pager != NULL) {
		fail_all(vdev->pager);
		vdev->pager->nb = nb_told;
	}
	vdev_reg_set(vdev, SIOV_VREG_PAGES, nb_told);
}

/* ---- answers ---- */

enum siov_vstatus
vdev_pager_write(struct siov_vdev *vdev, uint32_t value)
{
	struct vdev_pager *pager = vdev->pager;
	uint32_t code = value >> SIOV_VPAGE_CODE_SHIFT, n = value % SIOV_VDEV_PAGE_SLOTS;
	uint16_t age;

	if (pager == NULL || (value & ANSWER_RSVD) != 0 ||
	    (code != SIOV_PAGE_SUCCESS && code != SIOV_PAGE_INVALID && code != SIOV_PAGE_FAILURE))
		return SIOV_VSTATUS_PAGE;
	/* Of those told, one of the last 64, and not answered so far. */
	age = (uint16_t)(pager->nb - value);
	if (age == 0 || age > SIOV_VDEV_PAGE_SLOTS || !(pager->waiting >> n & 1))
		return SIOV_VSTATUS_PAGE;
	pager->waiting &= ~(UINT64_C(1) << n);
	respond(pager, &pager->slots[n], (enum siov_page_answer)code);
	vdcm_activate(vdev);
	return SIOV_VSTATUS_OK;
}

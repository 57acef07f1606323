/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A VDEV as the files vdev_*.c see it. All under the VDCM's lock.
 *
 *     queue i ── ADI on the function that works ──► space: host PASID
 *        ▲   └── ADI on the one that stands by         ▲
 *     portals of guest threads                         │ contexts of a dynamic VDEV: an ADI each
 */
#ifndef VDEV_PRIV_H
#define VDEV_PRIV_H

#include "pci_cfg.h"
#include "space_priv.h"
#include "vdcm_priv.h"

#define VDEV_FNS 2u
#define NO_PASID UINT32_MAX
#define NO_FN UINT32_MAX
#define ACTION_JOBS 16u /* ADIs that an action is at, at a time */

/* One queue of it. */
struct vdev_wq {
	bool is_dedicated;
	bool is_enabled;
	uint32_t phys; /* shared: the queue of the function that works */
	uint32_t config; /* third dword of WQCFG: mode, PASID */
	struct space *space; /* while enabled: whose work it is */
};

/* What a guest had allocated on request. */
struct vdev_context {
	LIST_ENTRY(vdev_context) entry;
	uint32_t wq;
	uint32_t vector;
	uint32_t adi;
	uint32_t fn;
	uint32_t phys;
	struct space *space;
	struct zombie zombie; /* when it is freed: portals of it may be open yet */
};

/* A portal page as one guest thread has it. */
struct vdev_portal {
	struct siov_vm_portal vp; /* first: what the guest is given */
	struct siov_portal dead; /* where it leads when it leads nowhere */
	LIST_ENTRY(vdev_portal) entry;
	struct siov_vdev *vdev;
	struct siov_cpu *cpu;
	uint32_t wq;
	uint32_t pasid; /* guest PASID, NO_PASID: none */
	bool is_limited;
	struct siov_dev *dev; /* while it is connected, with */
	struct siov_portal *portal;
	struct siov_lane *lane; /* dedicated: its own */
	struct zombie *zombie; /* memory for its end */
};

/* An interrupt message of the virtual MSI-X table. */
struct vdev_vector {
	uint64_t addr;
	uint32_t data;
	bool is_masked;
	bool is_pending; /* vector 0; those of ADIs are in their messages */
	bool is_routed; /* the entry leads to the guest */
	uint32_t route; /* entry of the remapping table; NO_ROUTE */
	int eventfd;
	struct siov_intr_dest *dest; /* of the eventfd */
};

/* What is done step by step: the same to some or all of its ADIs, then an end. */
enum action_kind {
	ACTION_NONE,
	ACTION_COMMAND, /* of the registers */
	ACTION_FLR,
	ACTION_SUSPEND,
	ACTION_DESTROY,
	ACTION_CONTEXT_FREE, /* of the channel */
};

struct action {
	enum action_kind kind;
	enum siov_adi_action what;
	uint32_t wqs; /* mask: static ADIs, and contexts, of these queues */
	struct vdev_context *context; /* the only one */
	uint32_t guest_pasid; /* only those of this; NO_PASID: all */
	uint32_t next; /* queue whose ADI is looked at */
	struct vdev_context *cursor; /* behind the queues */
	struct siov_adi_job *jobs[ACTION_JOBS]; /* under way; NULL: room for another */
	uint64_t deadline_ns;
	int error; /* the first */
};

struct vdev_channel {
	uint32_t version; /* 0: closed */
	uint32_t doorbell; /* requests so far, as the guest says */
	uint32_t done; /* answers so far */
	bool has_request; /* a copy of request `done` */
	bool is_waiting; /* for an action that it has begun */
	uint64_t deadline_ns; /* of it */
	struct siov_vdev_request request;
};

struct siov_vdev {
	/* const after create */
	struct siov_vdcm *vdcm;
	uint32_t id;
	const struct siov_vdev_type *type;
	struct siov_gas *gas;
	const struct siov_vmm_ops *ops;
	void *vmm;
	uint16_t rid;
	uint32_t flags;
	uint32_t nb_wqs, nb_vectors;
	uint64_t page_bytes;
	struct siov_qos_conf qos;
	struct siov_hostdrv_generation gen;
	/* under the VDCM's lock */
	TAILQ_ENTRY(siov_vdev) active_entry;
	bool is_active;
	enum siov_vdev_state state;
	bool is_enabled, is_halted;
	bool must_reset; /* when what is under way has ended */
	bool is_used; /* its guest has written something since it was reset */
	int reset_error; /* of the last reset, or suspend */
	uint32_t nb_fns;
	uint32_t fns[VDEV_FNS]; /* NO_FN: lost. [0] works */
	uint32_t adis[VDEV_FNS][SIOV_VDEV_WQS_MAX]; /* static ADIs; SIOV_ADI_NONE */
	struct space gpa; /* guest-physical addresses */
	struct vdev_wq wqs[SIOV_VDEV_WQS_MAX];
	LIST_HEAD(, vdev_context) contexts;
	uint32_t nb_contexts;
	LIST_HEAD(, vdev_portal) portals;
	uint32_t nb_zombies; /* of its portals, not taken back so far */
	bool wants_connect; /* a portal could not be connected so far */
	struct vdev_vector vectors[SIOV_VDEV_VECTORS_MAX];
	struct action action;
	struct vdev_channel channel;
	/* registers with a memory of their own; the page that the guest reads is written from these */
	uint32_t genctrl, intcause, cmd, cmdsts;
	bool has_command; /* that waits for something else to end */
	bool is_connecting; /* that has enabled a queue, whose portals wait for lanes */
	uint64_t command_end_ns; /* when it is given up */
	uint32_t swerr[8];
	uint32_t msixperm[SIOV_VDEV_VECTORS_MAX];
	struct siov_mbox mbox;
	struct vdev_pager *pager; /* NULL: its guest wants no page requests */
	uint8_t *pages; /* page 0, then the channel's; page_bytes each */
	size_t pages_bytes;
	int fd; /* of pages; -1 */
	struct vdev_look *look;
	struct pci_cfg cfg;
	uint16_t msix_at; /* capabilities in it */
	uint16_t express_at;
	uint64_t halt_at_ns; /* when a loss is told */
	uint32_t nb_losses;
	struct siov_vdev_stats stats; /* counts of ADIs that are no more included */
};

/* ---- vdev_place.c: which ADIs ---- */

/* Static ADIs on the functions that conf asks for. Nothing is left on error. */
int vdev_place(struct siov_vdev *vdev, const struct siov_vdev_conf *conf);
void vdev_unplace(struct siov_vdev *vdev);

/* Another function works from now on, where its first was lost. 0 or -ENOSPC. */
int vdev_move(struct siov_vdev *vdev);

/* A context for a space on a queue. 0 or a negative errno. */
int vdev_context_alloc(struct siov_vdev *vdev, const struct vdev_context *wanted,
		       struct vdev_context **out);
void vdev_context_free(struct siov_vdev *vdev, struct vdev_context *context);

/* The end of it. -EBUSY: portals of it are open yet. */
int vdev_context_bury(struct vdev_context *context);
struct vdev_context *vdev_context_find(struct siov_vdev *vdev, uint32_t wq, uint32_t guest_pasid);

/* ---- vdev.c ---- */

uint64_t vdev_bar_bytes(const struct siov_vdev *vdev, unsigned int bar);

/* The device that works. */
struct siov_dev *vdev_dev(const struct siov_vdev *vdev);

/* ---- vdev_queue.c: queues enabled and disabled ---- */

/* 0, -EAGAIN no dedicated queue is free, or a negative errno. */
int vdev_wq_enable(struct siov_vdev *vdev, uint32_t wq);

/* After its ADI was disabled or reset. */
void vdev_wq_disabled(struct siov_vdev *vdev, uint32_t wq);

/* ---- vdev_portal.c ---- */

/* Lead the portals of a queue to its ADIs, as far as they can be. */
void vdev_connect(struct siov_vdev *vdev, uint32_t wq);

/* Lead those of (queue, PASID) nowhere; NO_PASID: all of the queue. */
void vdev_cut(struct siov_vdev *vdev, uint32_t wq, uint32_t pasid);

/* Lead all of them nowhere and forget them: there is no guest any more. */
void vdev_close_portals(struct siov_vdev *vdev);

/* Whether guests in a gas may be in what was taken from them. */
bool vdcm_has_zombies(const struct siov_vdcm *vdcm, const struct siov_gas *gas);

void vdcm_add_zombie(struct siov_vdcm *vdcm, struct zombie *zombie);

/* Take back what no guest can be in any more. Whether something is left. */
bool vdcm_reap(struct siov_vdcm *vdcm);

/* ---- vdev_action.c ---- */

/* Begin; done at once if nothing has to wait. 0, or -EBUSY. */
int vdev_begin(struct siov_vdev *vdev, const struct action *action);

/* One step. Whether it goes on. */
bool vdev_step(struct siov_vdev *vdev);

/* Take back what a restore has half done: all as after creation. */
void vdev_undo(struct siov_vdev *vdev);

/* Begin a function-level reset, now or when what is under way has ended. */
void vdev_flr(struct siov_vdev *vdev);

/* Wait, with the lock let go meanwhile, until no action is under way. 0 or -ETIMEDOUT. */
int vdev_await_idle(struct siov_vdev *vdev, uint64_t deadline_ns);

/* The same until its portals lead where they are to, or for a while. */
void vdev_await_connect(struct siov_vdev *vdev, uint64_t deadline_ns);

/* The same until all that its guest had is taken back. */
int vdev_await_burial(struct siov_vdev *vdev, uint64_t deadline_ns);

/* Wait, without the lock, until no action is under way. 0 or -ETIMEDOUT; on 0 the lock is held. */
int vdev_lock_idle(struct siov_vdev *vdev, uint64_t deadline_ns);

/* ---- vdev_regs.c, vdev_cmd.c ---- */

void vdev_regs_reset(struct siov_vdev *vdev);
void vdev_regs_show(struct siov_vdev *vdev); /* states */
void vdev_regs_show_all(struct siov_vdev *vdev); /* after a restore */
void vdev_reg_set(struct siov_vdev *vdev, uint32_t offset, uint32_t value);
int vdev_regs_write(struct siov_vdev *vdev, uint64_t offset, unsigned int width, uint64_t value);
void vdev_cause(struct siov_vdev *vdev, uint32_t cause);
void vdev_command(struct siov_vdev *vdev, uint32_t value);
void vdev_command_step(struct siov_vdev *vdev);
void vdev_command_end(struct siov_vdev *vdev, uint32_t error, uint32_t result);

/* What an action of a command ends with. */
void vdev_command_done(struct siov_vdev *vdev, const struct action *action);

/* All as after creation: queues disabled, registers reset. */
void vdev_after_reset(struct siov_vdev *vdev);

/* ---- vdev_msix.c ---- */

void vdev_msix_init(struct siov_vdev *vdev);
void vdev_msix_free(struct siov_vdev *vdev);
void vdev_msix_reset(struct siov_vdev *vdev);
uint64_t vdev_msix_read(struct siov_vdev *vdev, uint64_t offset, unsigned int width);
void vdev_msix_write(struct siov_vdev *vdev, uint64_t offset, unsigned int width, uint64_t value);

/* Message control was written, or a vector's ADI is another: bring all up to date. */
void vdev_msix_update(struct siov_vdev *vdev);
void vdev_msix_update_vector(struct siov_vdev *vdev, uint32_t vector);

/* Raise vector 0. */
void vdev_raise(struct siov_vdev *vdev);

/* ---- vdev_cfg.c ---- */

int vdev_cfg_init(struct siov_vdev *vdev);
void vdev_cfg_free(struct siov_vdev *vdev);
void vdev_cfg_restore(struct siov_vdev *vdev, const uint8_t bytes[4096]);
size_t vdev_cfg_bytes(const struct siov_vdev *vdev);
void vdev_cfg_reset(struct siov_vdev *vdev);
uint32_t vdev_cfg_read(struct siov_vdev *vdev, uint32_t offset, unsigned int width);
void vdev_cfg_write(struct siov_vdev *vdev, uint32_t offset, unsigned int width, uint32_t value);
bool vdev_cfg_is_master(const struct siov_vdev *vdev);
uint16_t vdev_cfg_msix_control(const struct siov_vdev *vdev);

/* ---- vdev_channel.c ---- */

void vdev_channel_reset(struct siov_vdev *vdev);
void vdev_channel_write(struct siov_vdev *vdev, uint32_t offset, uint32_t value);

/* Serve one request. Whether there are more. */
bool vdev_channel_step(struct siov_vdev *vdev);

/* What the request that waits had begun has ended. */
void vdev_channel_done(struct siov_vdev *vdev, int status);

/* ---- vdev_pager.c ---- */

/* The queue of page requests, made when it is wanted first. 0, -ENOMEM, or of siov_prq_create(). */
int vdev_pager_open(struct siov_vdev *vdev, struct siov_prq **prq);

/* The control lcore looks at it no longer. Without the lock. */
void vdev_pager_leave(struct siov_vdev *vdev);
void vdev_pager_free(struct siov_vdev *vdev);

/* Tell the guest what was asked for, or answer where it cannot. Whether there is more. */
bool vdev_pager_step(struct siov_vdev *vdev);

/* The same for all. */
bool vdcm_step_pagers(struct siov_vdcm *vdcm);

/* Requests told so far; all that wait are failed, and counted from there. */
uint32_t vdev_pager_told(const struct siov_vdev *vdev);
void vdev_pager_reset(struct siov_vdev *vdev, uint32_t nb_told);

/* The guest answers. */
enum siov_vstatus vdev_pager_write(struct siov_vdev *vdev, uint32_t value);

/* ---- vdev_loss.c ---- */

/* A function was lost: halt the VDEVs on it. */
void vdcm_lose(struct siov_vdcm *vdcm, unsigned int fn);

/* Tell the guest, when nothing can be written by the lost one any more. Whether that is to come. */
bool vdev_tell_loss(struct siov_vdev *vdev);

/* Errors of ADIs, to the guests that own them. */
void vdcm_pass_errors(struct siov_vdcm *vdcm);

#endif /* VDEV_PRIV_H */

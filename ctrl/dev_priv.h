/* SPDX-License-Identifier: BSD-3-Clause */
/* A device as the files of ctrl/ see it; applications see siov_dev.h. */
#ifndef DEV_PRIV_H
#define DEV_PRIV_H

#include <errno.h>
#include <pthread.h>

#include <sys/queue.h>

#include <rte_log.h>

#include "adi.h"
#include "control_priv.h"
#include "deadline.h"
#include "engine.h"
#include "portal_pool_priv.h"
#include "siov_dev.h"
#include "siov_dev_adi.h"
#include "siov_mbox.h"
#include "siov_msix.h"
#include "siov_qos.h"

extern int ctrl_logtype;

#define CTRL_LOG(level, ...) \
	rte_log(RTE_LOG_##level, ctrl_logtype, \
		RTE_FMT("SIOV_CTRL: " RTE_FMT_HEAD(__VA_ARGS__, ) "\n", \
			RTE_FMT_TAIL(__VA_ARGS__, )))

#define DEV_ERRORS 1024u /* size of the error log, where the configuration names none */

/* One queue of a device. */
struct dev_wq {
	/* const after create */
	const struct siov_dev_wq_conf *conf;
	struct siov_wq *wq;
	uint32_t id;
	uint32_t nb_engines;
	struct siov_engine *engines[SIOV_DEV_ENGINES_MAX]; /* by slot */
	/* under the device's lock */
	struct portal_index portals;
	uint64_t overflows_seen;
	bool is_draining; /* a drain is in progress and owns the queue's state */
	bool has_old_lanes; /* detached, and perhaps still in some engine's list */
	uint64_t old_lanes_token;
	uint32_t adi; /* a dedicated queue's ADI: its id + 1; 0: none */
	uint32_t nb_contexts; /* ADIs that are configured for a shared queue */
};

/* An error, and whose it was. */
struct dev_error {
	struct siov_error error;
	uint32_t adi; /* SIOV_ADI_NONE: of none */
};

/* Errors that nobody has fetched yet, oldest first. */
struct dev_error_log {
	struct dev_error *entries; /* size of them */
	uint32_t size;
	uint32_t head;
	uint32_t nb;
	uint64_t nb_dropped; /* found the log full */
};

struct siov_dev {
	/* const after create */
	struct siov_dev_conf conf;
	const struct siov_mem *mem;
	struct siov_iommu *iommu;
	bool owns_iommu;
	TAILQ_ENTRY(siov_dev) telemetry_entry; /* under the registry's lock */
	bool is_listed;
	/* All below is under the lock: held for short steps, never while somebody sleeps. */
	pthread_mutex_t lock;
	struct control control;
	struct siov_engine *engines[SIOV_DEV_ENGINES_MAX];
	struct dev_wq wqs[SIOV_DEV_WQS_MAX];
	struct portal_pool portals;
	struct dev_error_log errors;
	bool is_pasid_off; /* PASID Enable of the PASID capability is clear */
	bool is_master_off; /* Bus Master Enable is clear */
	bool is_mixed; /* a function that this one depends on is in another mode */
	bool is_lost;
	TAILQ_HEAD(, siov_mbox) mboxes; /* that were rung */
	uint64_t lost_token; /* quiescent states of engines since then */
	bool is_resetting; /* the whole function */
	uint32_t nb_rebuilds; /* of the queues */
	enum siov_dev_mode mode;
	struct adi_pool adis;
	struct siov_msix *msix; /* NULL: nothing is interrupted */
	struct siov_ims *ims; /* NULL: ADIs have vectors of the MSI-X table */
	uint64_t vectors_used[SIOV_MSIX_VECTORS_MAX / 64];
	struct dev_regs *regs;
};

static inline void
dev_lock(struct siov_dev *dev)
{
	pthread_mutex_lock(&dev->lock);
}

static inline void
dev_unlock(struct siov_dev *dev)
{
	pthread_mutex_unlock(&dev->lock);
}

/* Queue wq_id, or NULL. Under the lock: another configuration may have fewer. */
static inline struct dev_wq *
dev_find_wq(struct siov_dev *dev, unsigned int wq_id)
{
	return wq_id < dev->conf.nb_wqs ? &dev->wqs[wq_id] : NULL;
}

/* Make queue wq_id as the device's configuration says. 0, -ENOMEM or an error of siov_wq_create. */
int dev_create_wq(struct siov_dev *dev, unsigned int wq_id);

/* Free all queues and portals; no engine sees them any more. */
void dev_free_wqs(struct siov_dev *dev);

/*
 * Replace queues and groups by those of conf, which has passed siov_dev_conf_check(); all else but
 * the engines' groups must be as it is. Counters start at zero, pointers to queues are void.
 * Returns 0; -EINVAL (another number of engines); -EBUSY (a queue is not disabled, a lane is
 * attached, there are ADIs); -ETIMEDOUT (an engine does not poll): as before; -ENOMEM: there is no
 * queue any more.
 */
int dev_rebuild(struct siov_dev *dev, const struct siov_dev_conf *conf);

/* Whether something is of the queues: an ADI, a lane, work. Under the lock. */
bool dev_is_in_use(const struct siov_dev *dev);

/* What says why nothing can be enabled now: 0, -ENODEV, -EPERM, -EXDEV. Under the lock. */
static inline int
dev_can_enable(const struct siov_dev *dev)
{
	if (dev->is_lost)
		return -ENODEV;
	if (dev->is_pasid_off || dev->is_master_off)
		return -EPERM;
	return dev->is_mixed ? -EXDEV : 0;
}

/* Set a gate on all engines of a queue, see engine_set_gate(). 0 or -ENOMEM. Under the lock. */
int dev_set_gate(struct dev_wq *dwq, uint32_t pasid, enum engine_gate gate);

/*
 * Whether engines have passed a quiescent state since *token, which is taken when there is none, and
 * have nothing of a PASID (SIOV_PASID_OTHERS: of any) set aside. Asked again and again, with the two
 * as they were left, first false. Under the lock.
 */
bool dev_is_worked_off(struct siov_dev *dev, const struct dev_wq *dwq, uint32_t pasid,
		       bool *has_token, uint64_t *token);

/*
 * Whether everything that a queue had accepted has ended; asked again and again, with the two others
 * as they were left, first false. Under the lock.
 */
bool dev_is_empty(struct siov_dev *dev, const struct dev_wq *dwq, bool *has_token, uint64_t *token);

extern const struct siov_qos_conf dev_qos_none; /* no limits */

/* Limits of a PASID on a queue, see siov_dev_qos_set(). Under the lock. */
int dev_qos_set(struct siov_dev *dev, struct dev_wq *dwq, uint32_t pasid,
		const struct siov_qos_conf *conf);

void dev_qos_get(const struct dev_wq *dwq, uint32_t pasid, struct siov_qos_conf *conf);

/* Whether a PASID's submissions to a shared queue are accepted. 0 or -ENOMEM. Under the lock. */
int dev_qos_admit(struct siov_dev *dev, struct dev_wq *dwq, uint32_t pasid,
		  enum siov_wq_state state);

/* Open a portal, see siov_dev_portal_open(). Under the lock. */
int dev_portal_open(struct siov_dev *dev, const struct portal_conf *conf, struct siov_portal **out);

/* Frequency of the time stamp counter; without EAL nobody knows it: 2 GHz. */
uint64_t dev_tsc_hz(void);

/* Whether any queue accepts or drains. Under the lock. */
bool dev_is_active(const struct siov_dev *dev);

/* Bring errors from engines and dedicated queues into the log. Returns how many. Under the lock. */
unsigned int dev_collect_errors(struct siov_dev *dev);

/* Give the owner the faults of the device's translations, and errors. Not under the lock. */
void dev_pass_faults(struct siov_dev *dev);
void dev_pass_errors(struct siov_dev *dev);

/* Room for errors. 0 or -ENOMEM. */
int errors_create(struct siov_dev *dev);
void errors_free(struct siov_dev *dev);

/* Log the newest n errors of the log, a few of them in full. Under the lock. */
void dev_log_errors(const struct siov_dev *dev, unsigned int n);

/*
 * Called with each PASID from first on and its counters, until it returns non-zero. Not under the
 * lock. Returns cb's value, -EINVAL (no such queue) or -ENOMEM.
 */
int dev_walk_from(struct siov_dev *dev, uint32_t wq_id, uint32_t first, siov_stats_cb cb,
		  void *arg);

/* Show the device to telemetry, and take it away again; telemetry is optional, so no error. */
void telemetry_add(struct siov_dev *dev);
void telemetry_remove(struct siov_dev *dev);

#endif /* DEV_PRIV_H */

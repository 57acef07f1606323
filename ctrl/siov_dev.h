/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file
 * An emulated device: work queues, engines, PASIDs and the control lcore that looks after them.
 *
 *     application                      siov_dev
 *     submitting threads ─ portals ──► work queues ──► engines (application's lcores, polling)
 *     any thread ────────────────────► control lcore (asleep until asked)
 *                                      siov_iommu: PASIDs, domains, guest memory
 *
 * Legal call order:
 *  1. siov_dev_conf_init, fill in, siov_dev_create; siov_iommu_* calls on siov_dev_iommu() or
 *     siov_gmem_create for memory and PASIDs;
 *  2. engines: siov_engine_start and siov_engine_poll on an lcore each (or siov_dev_run_engine);
 *     control: siov_dev_run_control on a thread that may sleep;
 *  3. siov_dev_wq_enable; per submitting thread siov_dev_attach; per PASID siov_dev_portal_open;
 *  4. submissions (siov_portal.h);
 *  5. siov_dev_portal_close, siov_dev_detach, siov_dev_wq_disable; stop engines and control;
 *     siov_dev_free.
 *
 * Any number of devices live in one process; there is no global state.
 *
 * Thread: unless a function says otherwise it may be called from any thread but an engine's. What
 * changes a queue or a lane is done by the control lcore while that runs, and the caller waits for
 * the answer; otherwise by the caller. If the control lcore does not take it up for 5 s longer than
 * the call's own time-out, the answer is -ETIMEDOUT and nothing was done. Portals and statistics
 * are always the caller's own work, under a lock that is held for short.
 *
 * Spec: 7.2, 7.3; requirements 6.2.5, 7.2.3, 7.2.6.
 */
#ifndef SIOV_DEV_H
#define SIOV_DEV_H

#include <stdio.h>

#include "siov_adi.h"
#include "siov_engine.h"
#include "siov_iommu.h"
#include "siov_qos.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SIOV_DEV_NAME_LEN 32u /**< with the terminating zero */
#define SIOV_DEV_WQS_MAX 64u /**< queues */
#define SIOV_DEV_ENGINES_MAX 16u /**< engines */
#define SIOV_DEV_GROUPS_MAX 16u /**< groups */
#define SIOV_DEV_XFER_MAX (1u << 31) /**< bytes of one transfer */
#define SIOV_DEV_ATC_MIN 64u /**< entries of an engine's translation cache */
#define SIOV_DEV_ATC_MAX (1u << 20) /**< entries */
#define SIOV_DEV_PAGE_TIMEOUT_MAX 3600000u /**< milliseconds */
#define SIOV_DEV_LATENCY_MAX (1u << 20) /**< histograms of an engine, 4 KiB each */

#define SIOV_DEV_MSIX_MAX 2048u /**< vectors */
#define SIOV_DEV_IMS_MAX (1u << 20) /**< entries */
#define SIOV_DEV_ADIS_MAX (1u << 20) /**< ADIs */

#define SIOV_DEV_BATCH_MAX (1u << 15) /**< descriptors of a batch: the most WQCFG can say */
#define SIOV_DEV_READ_BUFFERS_MAX 255u /**< read buffers of the device */
#define SIOV_DEV_EVENT_LOG_MIN 64u /**< entries of an event log, where there is one */
#define SIOV_DEV_EVENT_LOG_MAX 65535u /**< entries */
#define SIOV_DEV_NUMBER_MAX 999999u /**< N of dsaN */
#define SIOV_DEV_LABEL_LEN 128u /**< with the terminating zero */
#define SIOV_DEV_ADI_ROWS_MAX 64u /**< rows of ADIs in a configuration */

struct siov_dev;
struct siov_ir; /* siov_ir.h */
struct siov_ims_host_entry; /* siov_ims.h */

/** What a device can be at most, see siov_dev_profile_limits(). */
enum siov_dev_profile {
	SIOV_PROFILE_NONE, /**< all that this library can do */
	SIOV_PROFILE_DSA1, /**< as DSA 1.0: 8 queues with 128 entries in total, 4 engines, 4 groups */
	SIOV_PROFILE_LARGE, /**< 64 queues with 65,536 entries in total, 65,536 ADIs */
	SIOV_PROFILES,
};

/** Limits of a profile; siov_dev_conf_check() refuses more. */
struct siov_dev_limits {
	uint32_t nb_wqs; /**< queues */
	uint32_t nb_engines; /**< engines */
	uint32_t nb_groups; /**< groups */
	uint32_t wqs_size; /**< entries of all queues together */
	uint32_t xfer_max; /**< bytes */
	uint32_t batch_max; /**< descriptors of a batch */
	uint32_t nb_read_buffers; /**< of the device; groups have shares of them */
	uint32_t nb_ims; /**< entries */
	uint32_t nb_adis; /**< ADIs */
};

/** What accel-config calls a queue, in printable ASCII; the device does not look at it. */
struct siov_dev_wq_label {
	char type[16]; /**< "", or none, kernel, user, mdev */
	char name[SIOV_DEV_LABEL_LEN]; /**< of the queue */
	char driver[SIOV_DEV_LABEL_LEN]; /**< that is to have it */
};

/** One work queue. */
struct siov_dev_wq_conf {
	enum siov_wq_mode mode; /**< shared or dedicated */
	uint32_t size; /**< entries, 1 to SIOV_WQ_SIZE_MAX */
	uint32_t threshold; /**< for limited portals, 1 to size; 0: size */
	uint32_t priority; /**< weight within its group, 1 to 15 */
	uint32_t group; /**< 0 to SIOV_DEV_GROUPS_MAX - 1; served by the engines of this group */
	uint32_t lanes_max; /**< submitting threads, 1 to SIOV_WQ_LANES_MAX */
	uint32_t flags; /**< SIOV_WQ_F_* */
	uint32_t
		pasid; /**< dedicated: PASID of all its work, primary; 0: none, cannot be enabled */
	/**
	 * Secondary PASID, of a control domain: completion records are written with it, data are
	 * reached with the primary one. Whoever submits then chooses where in that domain a record
	 * goes, so the domain should hold records only. 0: there is none.
	 */
	uint32_t control_pasid;
	uint32_t xfer_max; /**< largest transfer, 1 to SIOV_DEV_XFER_MAX bytes */
	uint32_t batch_max; /**< descriptors of a batch, 1 to SIOV_DEV_BATCH_MAX; 1: no batches */
	uint32_t prs_disable; /**< 1: no page requests, so SIOV_WQ_F_BOF is refused */
	/** 1: it only keeps the place of a number, with 1 entry; it is not counted, saved or enabled. */
	uint32_t is_unused;
	uint32_t ats_disable; /**< 0 or 1, kept for files: translations are cached all the same */
	/** Opcodes that the queue takes, as a bit mask; others are refused with status 0x10. */
	uint64_t op_config[4];
	struct siov_dev_wq_label label; /**< for files */
};

/**
 * One group. Read buffers are DSA's bandwidth slots: transfers of more than 64 KiB that the group's
 * engines have in progress at a time. Each engine has an equal part of the group's, at least one;
 * transfers of batches take none.
 */
struct siov_dev_group_conf {
	uint32_t read_buffers_reserved; /**< not for other groups */
	uint32_t read_buffers_allowed; /**< at most; 0: all that are not reserved for others */
	uint32_t use_read_buffer_limit; /**< 1: the device's read_buffer_limit counts as well */
	int32_t traffic_class_a; /**< -1: default, 0 to 7; kept for files and registers, as the rest */
	int32_t traffic_class_b; /**< -1: default, 0 to 7 */
	uint32_t desc_progress_limit; /**< 0 to 3 */
	uint32_t batch_progress_limit; /**< 0 to 3 */
};

/** ADIs to be made by siov_dev_adi_make_rows(). */
struct siov_dev_adi_row {
	enum siov_adi_type type; /**< what each is made of */
	enum siov_adi_owner owner; /**< whom each is for */
	uint32_t count; /**< alike, but for their PASIDs, which rise by one; 1 to nb_adis */
	uint32_t wq; /**< shared queue, where the type has one */
	uint32_t nb_dwqs; /**< dedicated queues, 0 to SIOV_ADI_DWQS_MAX */
	uint32_t pasid; /**< of the first one; 0: none so far */
	uint32_t control_pasid; /**< of all; 0: none */
	uint32_t nb_messages; /**< interrupts of each, 0 to SIOV_ADI_MESSAGES_MAX */
	struct siov_qos_conf qos; /**< limits of each on its shared queue; all 0: none */
};

#define SIOV_DEV_GROUP_NONE UINT32_MAX /**< of an engine that serves no queue */

/** One engine. */
struct siov_dev_engine_conf {
	uint32_t group; /**< 0 to SIOV_DEV_GROUPS_MAX - 1, or SIOV_DEV_GROUP_NONE */
};

/** Supervisor requests (Priv) are enabled in the PASID capability. */
#define SIOV_DEV_F_PRIV 0x1u

/** A whole device; const once given to siov_dev_create. */
struct siov_dev_conf {
	char name[SIOV_DEV_NAME_LEN]; /**< letters, digits, '_'; unique where telemetry is used */
	uint32_t nb_wqs; /**< 1 to SIOV_DEV_WQS_MAX */
	uint32_t nb_engines; /**< 1 to SIOV_DEV_ENGINES_MAX */
	struct siov_dev_wq_conf wqs[SIOV_DEV_WQS_MAX]; /**< the first nb_wqs */
	struct siov_dev_engine_conf engines[SIOV_DEV_ENGINES_MAX]; /**< the first nb_engines */
	struct siov_dev_group_conf groups[SIOV_DEV_GROUPS_MAX]; /**< by number */
	uint32_t profile; /**< enum siov_dev_profile; set by siov_dev_conf_profile() */
	uint32_t read_buffer_limit; /**< of groups that use it, beyond what they reserve; 0: none */
	uint32_t event_log_size; /**< errors kept for siov_dev_errors(), 64 to 65535; 0: 1024 */
	uint32_t number; /**< N of dsaN, as files call the device */
	uint32_t nb_adi_rows; /**< 0 to SIOV_DEV_ADI_ROWS_MAX */
	struct siov_dev_adi_row adi_rows[SIOV_DEV_ADI_ROWS_MAX]; /**< the first nb_adi_rows */
	uint32_t atc_entries; /**< per engine, 64 to 1048576 */
	uint32_t nb_latency; /**< (queue, PASID) pairs per engine with a histogram of their own */
	uint32_t page_timeout_ms; /**< longest wait for a page without progress, 1 to 3600000 */
	uint32_t flags; /**< SIOV_DEV_F_* */
	int socket_id; /**< NUMA node, -1: any */
	/**
	 * Called by the control lcore for each translation of this device that faulted, within 250
	 * ms; it may call the device and the platform. NULL: the records stay for
	 * siov_iommu_take_faults().
	 */
	void (*on_fault)(void *arg, const struct siov_fault_record *fault);
	void *fault_arg; /**< argument of on_fault */
	/**
	 * The same for each error that no completion record could tell; adi: whose it was, or
	 * SIOV_ADI_NONE. NULL: errors stay for siov_dev_errors().
	 */
	void (*on_error)(void *arg, const struct siov_error *error, uint32_t adi);
	void *error_arg; /**< argument of on_error */
	struct siov_ir
		*ir; /**< interrupt remapping of the platform; NULL: nothing is interrupted */
	uint32_t nb_msix; /**< vectors of the function, 1 to SIOV_DEV_MSIX_MAX */
	uint32_t nb_ims; /**< interrupt message storage, 0 to SIOV_DEV_IMS_MAX entries */
	/** Its entries in host memory: nb_ims of them, the caller's; NULL: in the device. */
	struct siov_ims_host_entry *ims_host;
	uint32_t nb_adis; /**< ADIs at most, 1 to SIOV_DEV_ADIS_MAX */
	uint16_t rid; /**< requester id: what faults, page requests and interrupts carry */
	struct siov_iommu *iommu; /**< the platform; NULL: the device makes one of its own */
	const struct siov_mem *mem; /**< NULL: siov_mem_eal() */
};

/** Set defaults: "siov0", one shared queue of 128 entries, one engine, one group. */
SIOV_API void siov_dev_conf_init(struct siov_dev_conf *conf);

/** Set one queue's defaults: shared, 128 entries, priority 1, group 0, 128 lanes, 2 GiB, 1024. */
SIOV_API void siov_dev_wq_conf_init(struct siov_dev_wq_conf *conf);

/**
 * Have the limits of a profile: "none", "dsa1" or "large". Sets nb_ims and nb_adis to what the
 * profile has; queues, engines and groups stay, siov_dev_conf_check() says whether they fit.
 *
 * @return 0; -EINVAL there is no such profile, nothing is changed.
 */
SIOV_API int siov_dev_conf_profile(struct siov_dev_conf *conf, const char *name);

/** Limits of a profile; those of SIOV_PROFILE_NONE for a number that is no profile. */
SIOV_API const struct siov_dev_limits *siov_dev_profile_limits(uint32_t profile);

/** Its name; "unknown" for a number that is no profile. */
SIOV_API const char *siov_dev_profile_name(uint32_t profile);

/**
 * Check a configuration.
 *
 * @param why     buffer for one line that names what is wrong and what is allowed; may be NULL.
 * @param why_len its size in bytes.
 * @return 0, -EINVAL (contradiction, unknown flag, bad name), -ERANGE (number out of range).
 */
SIOV_API int siov_dev_conf_check(const struct siov_dev_conf *conf, char *why, size_t why_len);

/**
 * Build a device: queues disabled, engines not started.
 *
 * @param conf NULL: the defaults.
 * @return 0, an error of siov_dev_conf_check, or -ENOMEM; on error nothing is left behind.
 */
SIOV_API int siov_dev_create(const struct siov_dev_conf *conf, struct siov_dev **out);

/** Take a device down. Engines and control must be stopped, no submitter may use it. NULL is fine. */
SIOV_API void siov_dev_free(struct siov_dev *dev);

/** What the device was created with; valid as long as the device. */
SIOV_API const struct siov_dev_conf *siov_dev_get_conf(const struct siov_dev *dev);

/** The device's platform: its own, or the one it was given. */
SIOV_API struct siov_iommu *siov_dev_iommu(struct siov_dev *dev);

/** Whether its function was lost (siov_pci.h): it accepts nothing, and cannot be configured. */
SIOV_API bool siov_dev_is_lost(struct siov_dev *dev);

/**
 * Whether a lost device writes nothing any more: its engines that still poll have thrown away what it
 * had accepted. One whose engines have stopped half-way never is; nor is one that is not lost.
 */
SIOV_API bool siov_dev_is_quiet(struct siov_dev *dev);

/** Engine @p engine_id, or NULL. */
SIOV_API struct siov_engine *siov_dev_engine(struct siov_dev *dev, unsigned int engine_id);

/** Queue @p wq_id, for siov_wq_* calls that only look; or NULL. */
SIOV_API struct siov_wq *siov_dev_wq(struct siov_dev *dev, unsigned int wq_id);

/**
 * PASID Enable of the function's PASID capability; it is set after siov_dev_create. While it is
 * clear, no queue can be enabled.
 *
 * @return 0; -EBUSY a queue is enabled; -ETIMEDOUT.
 * Spec: 7.2.
 */
SIOV_API int siov_dev_pasid_enable(struct siov_dev *dev, bool is_on);

/**
 * Accept submissions.
 *
 * @return 0; -EINVAL no such queue; -EBUSY it is draining; -EPERM PASIDs or Bus Master are not enabled;
 *         -EXDEV as siov_dev_adi_enable(); -ENODEV the function is lost; -ENXIO a dedicated queue
 *         without PASID, or one that is not used; -ETIMEDOUT.
 * Spec: 7.2.
 */
SIOV_API int siov_dev_wq_enable(struct siov_dev *dev, unsigned int wq_id);

/**
 * Drain a queue: new submissions are told to retry, what was accepted before completes, then the
 * queue is enabled again. A disabled queue is drained already.
 *
 * @return 0; -EINVAL no such queue; -EBUSY another drain of it is in progress; -ETIMEDOUT not done
 *         after @p timeout_ms (its engine does not run?): the queue is enabled again.
 */
SIOV_API int siov_dev_wq_drain(struct siov_dev *dev, unsigned int wq_id, unsigned int timeout_ms);

/** Drain, then disable. @return as siov_dev_wq_drain; after -ETIMEDOUT the queue stays enabled. */
SIOV_API int siov_dev_wq_disable(struct siov_dev *dev, unsigned int wq_id, unsigned int timeout_ms);

/**
 * Abort a queue: new submissions are told to retry, what was accepted before ends with status
 * SIOV_COMP_ABORTED and counts as aborted, then the queue is enabled again.
 *
 * @return as siov_dev_wq_drain; after -ETIMEDOUT what is left is done after all.
 * Spec: 7.7.
 */
SIOV_API int siov_dev_wq_abort(struct siov_dev *dev, unsigned int wq_id, unsigned int timeout_ms);

/** Abort, then disable. @return as siov_dev_wq_abort. */
SIOV_API int siov_dev_wq_reset(struct siov_dev *dev, unsigned int wq_id, unsigned int timeout_ms);

/**
 * Wait until what a PASID has had accepted so far has ended, on every queue.
 *
 * Nothing is refused meanwhile; a PASID that goes on with long work may keep this waiting.
 *
 * @return 0; -ERANGE (PASID); -ENOMEM; -ETIMEDOUT.
 */
SIOV_API int siov_dev_pasid_drain(struct siov_dev *dev, uint32_t pasid, unsigned int timeout_ms);

/**
 * The same, and what it has had accepted ends with status SIOV_COMP_ABORTED; so does what it submits
 * until this returns. Other PASIDs of the same queues go on.
 *
 * @return as siov_dev_pasid_drain; after -ETIMEDOUT what is left is done after all.
 */
SIOV_API int siov_dev_pasid_abort(struct siov_dev *dev, uint32_t pasid, unsigned int timeout_ms);

/**
 * Set what a PASID may do on a shared queue: share, rates, most outstanding, see siov_qos.h. It takes
 * effect at once, whether the PASID submits or not; all 0 lifts all limits.
 *
 * max_outstanding is exact if the PASID submits nothing during the call; else each of its portals may
 * have one more.
 *
 * @return 0; -EINVAL no such queue, or a dedicated one; -ERANGE PASID, or a number in @p conf; -ENOMEM;
 *         -EAGAIN a thread that died holds the PASID's block: detach its lane.
 * Spec: 7.6 (requirement 7.6.4).
 */
SIOV_API int siov_dev_qos_set(struct siov_dev *dev, unsigned int wq_id, uint32_t pasid,
			      const struct siov_qos_conf *conf);

/** Read it; all 0: there are no limits. @return 0, -EINVAL, -ERANGE as siov_dev_qos_set. */
SIOV_API int siov_dev_qos_get(struct siov_dev *dev, unsigned int wq_id, uint32_t pasid,
			      struct siov_qos_conf *conf);

/** Enable all queues that are used. @return 0 or the first error. */
SIOV_API int siov_dev_enable(struct siov_dev *dev);

/** Disable all queues. @return 0 or the first error; the others are disabled all the same. */
SIOV_API int siov_dev_disable(struct siov_dev *dev, unsigned int timeout_ms);

/**
 * Give one submitting thread its lane on a queue.
 *
 * @param flags SIOV_LANE_F_LIMITED or 0.
 * A lane that was detached is given out again when no engine uses it any more.
 *
 * @return 0; -EINVAL no such queue or flag; -ENOSPC all lanes taken; -ENOMEM; -ETIMEDOUT an engine
 *         has not let go of a detached lane for 5 s.
 */
SIOV_API int siov_dev_attach(struct siov_dev *dev, unsigned int wq_id, uint32_t flags,
			     struct siov_lane **lane);

/**
 * Take a lane back: its thread has finished, or is dead at whatever instruction. Portals on the
 * lane are closed with it; what they counted stays in the statistics.
 *
 * @return 0; -EINVAL not a lane of this device; -ETIMEDOUT published descriptors were not
 *         dispatched within @p timeout_ms.
 */
SIOV_API int siov_dev_detach(struct siov_dev *dev, struct siov_lane *lane, unsigned int timeout_ms);

/**
 * Open a portal for a PASID on a lane.
 *
 * It goes on counting where a closed portal of the same PASID and queue has stopped, if there is
 * one: what siov_portal_count tells need not start at 0.
 *
 * @param pasid 0 to SIOV_PASID_MAX; on a dedicated queue its own, that of the configuration.
 * @param flags SIOV_PORTAL_F_PASID, SIOV_PORTAL_F_PRIV.
 * @param portal owned by the device, valid until siov_dev_portal_close or siov_dev_detach.
 * @return 0; -EINVAL (flags, lane, another PASID on a dedicated queue); -ERANGE (PASID); -ENOMEM.
 */
SIOV_API int siov_dev_portal_open(struct siov_dev *dev, struct siov_lane *lane, uint32_t pasid,
				  uint32_t flags, struct siov_portal **portal);

/** Close a portal; its thread must not use it any more. What it counted stays. NULL is fine. */
SIOV_API void siov_dev_portal_close(struct siov_dev *dev, struct siov_portal *portal);

/**
 * Counters of one PASID on one queue; zeros if it never used it.
 *
 * @return 0, -EINVAL (no such queue), -ERANGE (PASID).
 */
SIOV_API int siov_dev_stats(struct siov_dev *dev, unsigned int wq_id, uint32_t pasid,
			    struct siov_stats *stats);

/** Work whose PASID has no portal on the queue is counted together, under this number. */
#define SIOV_PASID_OTHERS UINT32_MAX

/** Called for each PASID of a queue, in rising order. Returning non-zero ends the walk. */
typedef int (*siov_stats_cb)(unsigned int wq_id, uint32_t pasid, const struct siov_stats *stats,
			     void *arg);

/**
 * Walk all PASIDs of a queue that were ever given a portal or, sent through a privileged portal,
 * have done work near one that was; last, if there is any, the sum of the others under
 * SIOV_PASID_OTHERS. @p cb may call the device.
 *
 * @return 0, -EINVAL (no such queue), -ENOMEM, or cb's value.
 */
SIOV_API int siov_dev_stats_walk(struct siov_dev *dev, unsigned int wq_id, siov_stats_cb cb,
				 void *arg);

/** Sum over a queue. @return 0 or -EINVAL. */
SIOV_API int siov_dev_wq_stats(struct siov_dev *dev, unsigned int wq_id, struct siov_stats *stats);

/**
 * Fetch and forget errors that no completion record could tell, oldest first.
 *
 * @return number written to @p out, at most @p max.
 */
SIOV_API unsigned int siov_dev_errors(struct siov_dev *dev, struct siov_error *out,
				      unsigned int max);

/** Errors that were lost because nobody fetched earlier ones in time. */
SIOV_API uint64_t siov_dev_errors_dropped(struct siov_dev *dev);

/** Bytes the device itself holds for portals and per-PASID counters (without the platform's). */
SIOV_API size_t siov_dev_pasid_memory(struct siov_dev *dev);

/**
 * Be the control lcore: sleep in rte_epoll_wait, serve requests, collect errors, until
 * siov_dev_stop_control.
 *
 * @return 0; -EBUSY another thread is; negative errno of epoll or eventfd.
 * Thread: one, which may sleep.
 */
SIOV_API int siov_dev_run_control(struct siov_dev *dev);

/**
 * End siov_dev_run_control; returns at once. If no thread is in it, the next call of it returns at
 * once: a stop is not lost when it overtakes a start.
 */
SIOV_API void siov_dev_stop_control(struct siov_dev *dev);

/** Whether a thread is in siov_dev_run_control. */
SIOV_API bool siov_dev_has_control(struct siov_dev *dev);

/**
 * Start, poll and stop an engine until *@p stop is not 0.
 *
 * @param yields give the CPU away when idle: set it where lcores share CPUs.
 * Thread: the engine's lcore.
 */
SIOV_API void siov_dev_run_engine(struct siov_engine *engine, const SIOV_ATOMIC(uint32_t) *stop,
				  bool yields);

/** Print the device: queues with lanes, engines, platform. */
SIOV_API void siov_dev_dump(FILE *f, struct siov_dev *dev);

#ifdef __cplusplus
}
#endif

#endif /* SIOV_DEV_H */

/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file
 * A device without EAL: memory under test control, one thread for each engine that is started.
 *
 *     struct dev_rig *rig = dev_rig_open(NULL);            or a siov_dev_conf of one's own
 *     dev_rig_start(rig);                                  engines run
 *     struct siov_portal *portal = dev_rig_portal(rig, lane, 7);   PASID 7 bound to guest memory
 *     dev_rig_noop(rig, portal, 0);                        with completion record 0
 *     dev_rig_wait(rig, 0);
 *     dev_rig_close(rig);                                  asserts that nothing is left
 */
#ifndef DEV_RIG_H
#define DEV_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "dev_priv.h"
#include "fake_mem.h"
#include "siov_gmem.h"

#define DEV_RIG_COMPS 1024u /**< completion records at the start of guest memory */
#define DEV_RIG_DATA UINT64_C(65536) /**< offset of the rest */
#define DEV_RIG_WAIT_MS 20000u /**< patience with things that must happen */
#define DEV_RIG_CRAV_RCR (IDXD_OP_FLAG_CRAV | IDXD_OP_FLAG_RCR)

struct dev_rig {
	struct fake_mem fm;
	struct siov_dev *dev;
	struct siov_gmem *gmem;
	struct dsa_completion_record *comps;
	pthread_t engines[SIOV_DEV_ENGINES_MAX];
	pthread_t control;
	bool has_engines;
	bool has_control;
	int control_ret;
	SIOV_ATOMIC(uint32_t) stop;
};

/** @p conf NULL: defaults, with a small translation cache; its mem is set. 16 MiB of memory. */
struct dev_rig *dev_rig_open(const struct siov_dev_conf *conf);

/** Defaults as above, to be changed and opened. */
void dev_rig_conf_init(struct siov_dev_conf *conf);

/** Stop what runs, free, and assert that no allocation is left. */
void dev_rig_close(struct dev_rig *rig);

/** Run all engines, or stop them. */
void dev_rig_start(struct dev_rig *rig);
void dev_rig_stop(struct dev_rig *rig);

/** Run the control thread, or stop it and return what it returned. */
void dev_rig_start_control(struct dev_rig *rig);
int dev_rig_stop_control(struct dev_rig *rig);

/** Allocate a PASID and bind it to guest memory, unless it is. */
void dev_rig_bind(struct dev_rig *rig, uint32_t pasid);

/** A lane that must be there. */
struct siov_lane *dev_rig_attach(struct dev_rig *rig, unsigned int wq_id);

/** A portal that must open, for a bound PASID. */
struct siov_portal *dev_rig_portal(struct dev_rig *rig, struct siov_lane *lane, uint32_t pasid);

/** A descriptor that reports into completion record @p comp, which is cleared. */
struct dsa_hw_desc dev_rig_desc(struct dev_rig *rig, uint8_t opcode, unsigned int comp);

/** Submit a no-op; returns the answer (success for posted writes). */
enum siov_dmwr dev_rig_noop(struct dev_rig *rig, struct siov_portal *portal, unsigned int comp);

/** Submit a no-op without completion record. */
enum siov_dmwr dev_rig_silent(struct siov_portal *portal);

/** Wait for completion record @p comp; returns its status. */
uint8_t dev_rig_wait(struct dev_rig *rig, unsigned int comp);

/** Whether completion record @p comp was written. */
bool dev_rig_is_done(const struct dev_rig *rig, unsigned int comp);

/** Counters; never on the stack. */
struct siov_stats *dev_rig_stats(struct dev_rig *rig, unsigned int wq_id, uint32_t pasid);

/** Start the EAL, where a test needs it: no hugepages, no devices. @p more: one more argument. */
int dev_rig_init_eal(const char *lcores, const char *more);

/** Give the CPU away for about a millisecond. */
void dev_rig_nap(void);

#endif /* DEV_RIG_H */

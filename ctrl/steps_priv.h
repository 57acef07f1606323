/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Actions on queues, PASIDs and the device that take a while, as steps (control_priv.h): functions of
 * the library and commands of the registers are made of them. Who begins one fills in the first part
 * and clears the rest.
 */
#ifndef STEPS_PRIV_H
#define STEPS_PRIV_H

#include "quiet_priv.h"
#include "siov_dev_adi.h"

/* dev_wq.c: drain a queue; with a gate, abort it. */
struct drain {
	uint32_t wq_id;
	enum siov_wq_state then; /* afterwards */
	enum engine_gate gate; /* meanwhile: whether what was accepted is done or aborted */
	uint64_t deadline_ns;
	bool is_started;
	bool has_token;
	uint64_t token;
};

int drain_step(struct siov_dev *dev, void *arg);

/* dev_pasid.c: the same for a PASID, on one queue after the other. */
struct pasid_drain {
	uint32_t pasid;
	enum engine_gate gate;
	uint64_t deadline_ns;
	uint32_t wq_id; /* that is waited for */
	bool is_started;
	bool is_waiting; /* quiet is that of wq_id */
	struct quiet quiet;
};

int pasid_drain_step(struct siov_dev *dev, void *arg);

/* dev_reset.c: reset the function. */
struct reset {
	enum siov_reset_kind kind;
	uint64_t deadline_ns;
	bool is_started;
	unsigned int wq_id; /* that is waited for */
	bool has_token;
	uint64_t token;
	uint64_t enabled; /* queues that were, a mask */
};

int reset_step(struct siov_dev *dev, void *arg);

/* dev_rebuild.c: other queues, see dev_rebuild(). */
struct rebuild {
	const struct siov_dev_conf *conf;
	uint64_t deadline_ns;
	uint64_t token;
	bool is_started;
};

int rebuild_step(struct siov_dev *dev, void *arg);

/* Accept submissions, see siov_dev_wq_enable(). Under the lock. */
int dev_wq_enable(struct siov_dev *dev, unsigned int wq_id);

#endif /* STEPS_PRIV_H */

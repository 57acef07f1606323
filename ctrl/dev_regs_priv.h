/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Registers of a device in life: what they show of it, what writing them does.
 *
 *     siov_dev_mmio_* ──► dev_mmio.c: which page? ──► dev_regs.c: registers ──► adi/regs.h: bits
 *                                                          │ CMD
 *                                                          ▼
 *                                                     dev_cmd.c: one command at a time, in steps
 *
 * All under the device's lock.
 */
#ifndef DEV_REGS_PRIV_H
#define DEV_REGS_PRIV_H

#include "regs.h"
#include "siov_bars.h"
#include "steps_priv.h"

/* The command in progress, or the last one. */
struct dev_cmd {
	uint32_t value; /* as written to CMD */
	bool is_active;
	control_step step; /* on the union */
	uint32_t result; /* for CMDSTS */
	uint64_t wqs; /* commands on queues: those still to be acted on */
	struct drain drain_plan; /* for each of them */
	union {
		struct drain drain;
		struct pasid_drain pasid;
		struct reset reset;
		struct rebuild rebuild;
	};
};

struct dev_regs {
	struct regs *file;
	struct siov_bars bars;
	bool is_disabled; /* the device: its configuration can be written */
	struct dev_cmd cmd;
	bool is_in_flr;
	struct reset flr; /* function-level reset, begun by configuration space */
	struct siov_dev_conf next; /* what is to be enabled */
};

static inline uint32_t
log2_floor(uint32_t v) /* not 0 */
{
	return 31 - (uint32_t)__builtin_clz(v);
}

/* As the configuration of the device, which is enabled. 0 or -ENOMEM. */
int regs_attach(struct siov_dev *dev);
void regs_detach(struct siov_dev *dev);

/* The device is enabled without a command: what was written of its configuration is forgotten. */
void regs_enable(struct siov_dev *dev);

/* The function was reset. */
void regs_reset(struct siov_dev *dev, enum siov_reset_kind kind);

/* Lay the BARs out for a page size, whoever has ADIs. 0 or -EINVAL. */
int regs_set_page(struct siov_dev *dev, uint64_t bytes);

/* An error for SWERR. */
void regs_error(struct siov_dev *dev, const struct siov_error *error);

/* Something for INTCAUSE, with an interrupt if is_raised. */
void regs_cause(struct siov_dev *dev, uint32_t cause, bool is_raised);

/* Show the configuration of the device in GRPCFG and WQCFG. */
void regs_show_conf(struct siov_dev *dev);

/* Make regs->next of what is written there. Returns what CMDSTS says. */
enum siov_cmd_error regs_read_conf(struct siov_dev *dev);

/* Queues that the function has, used or not. */
uint32_t regs_nb_wqs(const struct siov_dev *dev);

/* Bring a function-level reset further. Returns whether there is one. */
bool flr_poll(struct siov_dev *dev);

/* Begin a command; what needs no wait is over at once. */
void cmd_begin(struct siov_dev *dev, uint32_t value);

/* Go on with it. Returns whether there is one. */
bool cmd_poll(struct siov_dev *dev);

#endif /* DEV_REGS_PRIV_H */

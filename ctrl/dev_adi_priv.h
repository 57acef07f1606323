/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files dev_adi*.c share. All under the device's lock. */
#ifndef DEV_ADI_PRIV_H
#define DEV_ADI_PRIV_H

#include "message_priv.h"

/* The shared queue, and the dedicated ones that are bound. Returns how many. */
unsigned int dev_adi_queues(const struct adi *adi, unsigned int wq_ids[SIOV_ADI_DWQS_MAX + 1]);

/*
 * What engines do with its work, on each of its queues. It cannot fail for an ADI that has been
 * enabled, nor for one with a portal: their records were made then.
 */
void dev_adi_set_gates(struct siov_dev *dev, const struct adi *adi, enum engine_gate gate);

/* Whether its dedicated queues accept submissions. */
void dev_adi_admit(struct siov_dev *dev, const struct adi *adi, enum siov_wq_state state);

/* Give its dedicated queues back, but for those with a lane on them. */
void dev_adi_unbind(struct siov_dev *dev, struct adi *adi);

/* Give back all that configure has taken. */
void dev_adi_unconfigure(struct siov_dev *dev, struct adi *adi);

/* What a reset does to an ADI itself: messages masked, queues given back. */
void dev_adi_after_reset(struct siov_dev *dev, struct adi *adi);

bool dev_adi_has_portals(const struct siov_dev *dev, const struct adi *adi);

/* What was submitted, and what became of it, on nb queues. */
void dev_adi_count(struct siov_dev *dev, const struct adi *adi, const unsigned int *wq_ids,
		   unsigned int nb, struct engine_counts *counts, uint64_t submitted[SIOV_DMWR_NB]);

void dev_adi_read(struct siov_dev *dev, const struct adi *adi, struct siov_adi_info *info);

/* The ADI of a PASID on a queue, or NULL. */
struct adi *dev_adi_of(struct siov_dev *dev, unsigned int wq_id, uint32_t pasid);

#endif /* DEV_ADI_PRIV_H */

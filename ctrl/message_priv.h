/* SPDX-License-Identifier: BSD-3-Clause */
/* Interrupt messages of a device, whichever table holds them. Under the device's lock. */
#ifndef MESSAGE_PRIV_H
#define MESSAGE_PRIV_H

#include "dev_priv.h"
#include "siov_dev_adi.h"

/* The tables that the configuration asks for; none without interrupt remapping. 0 or an error. */
int messages_create(struct siov_dev *dev);
void messages_free(struct siov_dev *dev);

/* What engines are given. */
void messages_tables(const struct siov_dev *dev, struct msg_table *tables[ENGINE_MESSAGES]);

/* A message for an ADI, masked and zero: work of pasid may raise it. 0 or -ENOSPC. */
int message_alloc(struct siov_dev *dev, uint32_t owner, uint32_t pasid, uint32_t *handle);
void message_release(struct siov_dev *dev, uint32_t owner, uint32_t handle);

/* Masked, with nothing pending or held back. */
void message_reset(struct siov_dev *dev, uint32_t handle, uint32_t pasid);

/* 0 or -EINVAL: moderation that cannot be. */
int message_write(struct siov_dev *dev, uint32_t handle, const struct siov_adi_message *message);
void message_read(struct siov_dev *dev, uint32_t handle, struct siov_adi_message *message);

/* An event as the ADI's own work would cause it. */
int message_trigger(struct siov_dev *dev, uint32_t handle);

#endif /* MESSAGE_PRIV_H */

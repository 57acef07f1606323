/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file
 * Registers of the device of adi_bed.h, read and written as a host driver does.
 */
#ifndef MMIO_BED_H
#define MMIO_BED_H

#include "adi_bed.h"
#include "siov_dev_mmio.h"

#define WQCFG(wq, field) (SIOV_BARS_WQCFG + (wq)*SIOV_WQCFG_STRIDE + (field))
#define GRPCFG(group, field) (SIOV_BARS_GRPCFG + (group)*SIOV_GRPCFG_STRIDE + (field))

/** BAR0, 4 bytes. */
uint32_t mmio_get(struct siov_dev *dev, uint64_t offset);
void mmio_set(struct siov_dev *dev, uint64_t offset, uint32_t value);

/** Write a command, poll CMDSTS as DPDK's driver does, at most 1,000 times, and return it. */
uint32_t mmio_command(struct siov_dev *dev, enum siov_cmd cmd, uint32_t operand);

/** Vector 0 raises entry 0 of the remapping unit. */
void mmio_program_vector(struct siov_dev *dev);

#endif /* MMIO_BED_H */

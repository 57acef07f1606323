/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file
 * The function's memory BARs as a host driver reaches them: registers, tables, pages of ADIs.
 *
 *     siov_dev_mmio_write(dev, 0, SIOV_REG_CMD, 4, SIOV_CMD_DRAIN_WQ << SIOV_CMD_SHIFT | mask)
 *     siov_dev_mmio_read(dev, 0, SIOV_REG_CMDSTS, 4, &status)     until SIOV_CMDSTS_ACTIVE is clear
 *
 * Offsets of registers are in siov_regs_hw.h, those of pages in siov_bars.h. A device that was just
 * created is enabled, and its registers show the configuration that it was created with. Another
 * one is written as to hardware: disable device, write GRPCFG and WQCFG, enable device, enable WQ.
 * siov_dev_wq_enable() enables the device as well, with the configuration that it has; what was
 * written meanwhile is forgotten.
 *
 * WQCFG shows what was written, or the device's configuration; a dedicated queue that is bound to an
 * ADI has the PASID of the ADI, which is not there, and cannot be enabled by command.
 *
 * A command goes on when CMDSTS is read, and by itself where a control lcore runs. A read while one is
 * active takes up to 0.1 ms, so who polls a bounded number of times does wait. While a command is
 * active others are ignored; one whose engines do not poll ends after 10 s as a hardware error.
 *
 * Thread: any but an engine's; registers are under the device's lock. Only the host driver and the
 * VDCM may call this (requirement 7.6.2): a guest has what the VDCM shows of its ADI's pages.
 *
 * Spec: 7.4, 7.7; reference: Intel DSA, registers and commands.
 */
#ifndef SIOV_DEV_MMIO_H
#define SIOV_DEV_MMIO_H

#include "siov_bars.h"
#include "siov_dev.h"
#include "siov_regs_hw.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Read from a BAR. Where nothing is, on portal pages, and on the page of an ADI that is not
 * allocated, all bits are set.
 *
 * @param bar 0 or 2. @param width 1, 2, 4 or 8 bytes; MSI-X, IMS and pages of ADIs: 4 or 8.
 * @param value zero-extended.
 * @return 0; -EINVAL no such BAR, width, or not aligned; -ERANGE beyond its end.
 */
SIOV_API int siov_dev_mmio_read(struct siov_dev *dev, unsigned int bar, uint64_t offset,
				unsigned int width, uint64_t *value);

/**
 * Write to a BAR. Bits that are read only, or cannot be written now, stay as they are; portal pages
 * take descriptors by siov_portal.h only, and ignore this.
 *
 * @return as siov_dev_mmio_read; also -EINVAL: a reserved bit of a register is set, or a command is
 *         written in parts. On error nothing has changed.
 */
SIOV_API int siov_dev_mmio_write(struct siov_dev *dev, unsigned int bar, uint64_t offset,
				 unsigned int width, uint64_t value);

/**
 * Write message control of the MSI-X capability, which lies in configuration space:
 * SIOV_MSIX_CONTROL_ENABLE, SIOV_MSIX_CONTROL_MASK. Nothing happens on a device without interrupts.
 */
SIOV_API void siov_dev_set_msix_control(struct siov_dev *dev, uint16_t control);

/** Where everything is in the BARs. */
SIOV_API void siov_dev_bars(struct siov_dev *dev, struct siov_bars *bars);

/**
 * Choose the system page size, as by the register of that name in the DVSEC; 4096 at first.
 *
 * @param bytes one of SIOV_BARS_PAGES.
 * @return 0; -EINVAL; -EBUSY there are ADIs: their pages cannot move.
 * Spec: 7.4 (requirement 7.4.1).
 */
SIOV_API int siov_dev_set_page_bytes(struct siov_dev *dev, uint64_t bytes);

#ifdef __cplusplus
}
#endif

#endif /* SIOV_DEV_MMIO_H */

/* SPDX-License-Identifier: BSD-3-Clause */
#include "mmio_bed.h"

#define POLLS 1000u

uint32_t
mmio_get(struct siov_dev *dev, uint64_t offset)
{
	uint64_t value;

	assert_int_equal(siov_dev_mmio_read(dev, 0, offset, 4, &value), 0);
	return (uint32_t)value;
}

void
mmio_set(struct siov_dev *dev, uint64_t offset, uint32_t value)
{
	assert_int_equal(siov_dev_mmio_write(dev, 0, offset, 4, value), 0);
}

uint32_t
mmio_command(struct siov_dev *dev, enum siov_cmd cmd, uint32_t operand)
{
	uint32_t status = SIOV_CMDSTS_ACTIVE;
	unsigned int i;

	mmio_set(dev, SIOV_REG_CMD, (uint32_t)cmd << SIOV_CMD_SHIFT | operand);
	for (i = 0; i < POLLS && status & SIOV_CMDSTS_ACTIVE; i++)
		status = mmio_get(dev, SIOV_REG_CMDSTS);
	return status;
}

void
mmio_program_vector(struct siov_dev *dev)
{
	struct siov_bars bars;

	siov_dev_bars(dev, &bars);
	assert_int_equal(siov_dev_mmio_write(dev, 0, bars.msix, 8, siov_ir_msi_addr(0)), 0);
	assert_int_equal(siov_dev_mmio_write(dev, 0, bars.msix + 8, 8, 0), 0);
	siov_dev_set_msix_control(dev, SIOV_MSIX_CONTROL_ENABLE);
}

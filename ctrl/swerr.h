/* SPDX-License-Identifier: BSD-3-Clause */
/* The SWERR register: the first error that no completion record could tell. */
#ifndef SWERR_H
#define SWERR_H

#include <string.h>

#include "siov_regs_hw.h"
#include "siov_stats.h"

#define SWERR_DWORDS 8u

/* What it shows of an error whose queue and PASID are those of its reader. */
static inline void
swerr_make(uint32_t swerr[SWERR_DWORDS], const struct siov_error *error)
{
	/* Of a posted write that found no room no descriptor is left. */
	uint32_t desc = error->code != SIOV_ERROR_DWQ_OVERFLOW ? SIOV_SWERR_DESC : 0;

	memset(swerr, 0, SWERR_DWORDS * sizeof(swerr[0]));
	swerr[0] = SIOV_SWERR_VALID | SIOV_SWERR_WQ | desc |
		   (uint32_t)error->code << SIOV_SWERR_CODE_SHIFT |
		   (uint32_t)error->wq_id << SIOV_SWERR_WQ_SHIFT;
	swerr[1] = error->opcode | error->pasid << SIOV_SWERR_PASID_SHIFT;
	swerr[4] = (uint32_t)error->fault_addr;
	swerr[5] = (uint32_t)(error->fault_addr >> 32);
}

#endif /* SWERR_H */

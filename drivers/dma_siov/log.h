/* SPDX-License-Identifier: BSD-3-Clause */
/* One line of log for each thing that is refused; the driver prints nothing else. */
#ifndef DMA_SIOV_LOG_H
#define DMA_SIOV_LOG_H

#include <rte_log.h>

extern int dma_siov_logtype;

#define DMA_SIOV_ERR(format, ...) \
	rte_log(RTE_LOG_ERR, (uint32_t)dma_siov_logtype, "dma_siov: " format "\n", __VA_ARGS__)

#endif /* DMA_SIOV_LOG_H */

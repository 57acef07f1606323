/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file
 * Where everything lies in the function's two memory BARs, in pages of the chosen system page size.
 *
 *     BAR0  [ registers, GRPCFG, WQCFG, MSIXPERM ][ IMS ][ MSI-X table ][ PBA ][ ADI 0 ][ ADI 1 ] ...
 *            host driver only                                                   intercepted, a page each
 *     BAR2  [ queue 0: 4 portal pages ][ queue 1 ] ... [ ADI 0 ][ ADI 1 ] ...
 *                                                       direct, a page each
 *
 * Each bracket begins on a page and fills whole pages, so that no page has registers of two ADIs
 * and what is mapped into a guest never shares a page with what is trapped. A queue's portal pages
 * are: unlimited and limited with MSI-X handles, unlimited and limited with IMS handles.
 *
 * Order of calls: siov_bars_layout once for the chosen page size, then siov_bars_find.
 * Thread: any; a layout is constant.
 *
 * Spec: 7.4 (requirements 7.4.1 to 7.4.4).
 */
#ifndef SIOV_BARS_H
#define SIOV_BARS_H

#include <stdbool.h>
#include <stdint.h>

#include "siov_compat.h"

#ifdef __cplusplus
extern "C" {
#endif

/** System page sizes, as bits of the DVSEC: bit n is 4 KiB << n. */
#define SIOV_BARS_PAGES (1u << 0 | 1u << 2 | 1u << 4 | 1u << 9)

#define SIOV_BARS_NB 2u /**< BAR0 and BAR2 */
#define SIOV_BARS_PAGES_PER_WQ 4u /**< portal pages of one queue */
#define SIOV_BARS_WQS_MAX 255u /**< queues */
#define SIOV_BARS_VECTORS_MAX 2048u /**< MSI-X vectors */
#define SIOV_BARS_IMS_MAX (63u * 256) /**< entries that the registers can tell of */
#define SIOV_BARS_ADIS_MAX (1u << 20) /**< ADIs */
/** Type bits of both BAR registers: memory, 64-bit, prefetchable (requirement 7.4.3). */
#define SIOV_BARS_TYPE 0xcu

/* Offsets in BAR0 that do not depend on the page size. */
#define SIOV_BARS_GRPCFG 0x400u /**< configuration of groups */
#define SIOV_BARS_WQCFG 0x1000u /**< configuration of queues */
#define SIOV_BARS_MSIXPERM 0x8000u /**< PASIDs of MSI-X vectors */

/** What is to be laid out. */
struct siov_bars_conf {
	uint64_t page_bytes; /**< one of SIOV_BARS_PAGES */
	uint32_t nb_wqs; /**< 1 to SIOV_BARS_WQS_MAX */
	uint32_t nb_vectors; /**< MSI-X vectors, 1 to SIOV_BARS_VECTORS_MAX */
	uint32_t nb_ims; /**< IMS entries, 0 to SIOV_BARS_IMS_MAX */
	uint32_t nb_adis; /**< 0 to SIOV_BARS_ADIS_MAX */
};

/** Where things are; offsets and sizes in bytes. */
struct siov_bars {
	struct siov_bars_conf conf; /**< what was laid out */
	uint64_t ims; /**< BAR0: IMS table, begin */
	uint64_t msix; /**< BAR0: MSI-X table, begin */
	uint64_t pba; /**< BAR0: pending bits, begin */
	uint64_t control; /**< BAR0: intercepted pages of ADIs, begin */
	uint64_t control_end; /**< BAR0: end of them */
	uint64_t direct; /**< BAR2: direct pages of ADIs, begin */
	uint64_t direct_end; /**< BAR2: end of them */
	uint64_t size0; /**< of BAR0, a power of two */
	uint64_t size2; /**< of BAR2, a power of two */
};

/** What lies at an offset. */
enum siov_bars_kind {
	SIOV_BARS_NOTHING, /**< reads as all ones; writes are dropped */
	SIOV_BARS_REGS,
	SIOV_BARS_IMS,
	SIOV_BARS_MSIX,
	SIOV_BARS_PBA,
	SIOV_BARS_ADI_CONTROL, /**< intercepted page of an ADI */
	SIOV_BARS_PORTAL, /**< portal page of a queue */
	SIOV_BARS_ADI_DIRECT, /**< direct page of an ADI: a portal */
};

/** What an address means. */
struct siov_bars_place {
	enum siov_bars_kind kind; /**< what lies there */
	uint32_t wq_id; /**< of a portal page */
	uint32_t adi; /**< index of an ADI, for pages of ADIs */
	bool is_limited; /**< portal: its depth is the queue's threshold */
	bool is_ims; /**< portal: handles are of IMS, not of MSI-X */
	uint64_t offset; /**< from the begin of the registers, the table or the page */
};

/**
 * Lay the BARs out.
 *
 * @return 0; -EINVAL page size not in SIOV_BARS_PAGES; -ERANGE a number.
 */
SIOV_API int siov_bars_layout(const struct siov_bars_conf *conf, struct siov_bars *bars);

/**
 * Tell what lies at an offset.
 *
 * @param bar 0 or 2.
 * @return 0; -EINVAL no such BAR; -ERANGE @p offset is beyond its size. Where nothing lies, the kind is
 *         SIOV_BARS_NOTHING.
 */
SIOV_API int siov_bars_find(const struct siov_bars *bars, unsigned int bar, uint64_t offset,
			    struct siov_bars_place *place);

/** Offset in BAR2 of a queue's portal page. The queue must be one of the layout's. */
SIOV_API uint64_t siov_bars_portal(const struct siov_bars *bars, uint32_t wq_id, bool is_limited,
				   bool is_ims);

/** Offset of an ADI's page: intercepted in BAR0, direct in BAR2. The ADI must be of the layout. */
SIOV_API uint64_t siov_bars_adi_control(const struct siov_bars *bars, uint32_t adi);
/** Offset of an ADI's direct page in BAR2. */
SIOV_API uint64_t siov_bars_adi_direct(const struct siov_bars *bars, uint32_t adi);

#ifdef __cplusplus
}
#endif

#endif /* SIOV_BARS_H */

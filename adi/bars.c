/* SPDX-License-Identifier: BSD-3-Clause */
#include <assert.h>
#include <errno.h>

#include "siov_bars.h"

#define VECTOR_BYTES 16u
#define PERM_BYTES 8u
#define ENTRY_BYTES 16u
#define REGS_END (SIOV_BARS_MSIXPERM + SIOV_BARS_VECTORS_MAX * PERM_BYTES)

static_assert(SIOV_BARS_WQCFG + 255u * 64 <= SIOV_BARS_MSIXPERM, "tables do not overlap");

static uint64_t
align_up(uint64_t value, uint64_t align)
{
	return (value + align - 1) & ~(align - 1);
}

static uint64_t
round_up_pow2(uint64_t value)
{
	uint64_t size = 4096;

	while (size < value)
		size *= 2;
	return size;
}

static bool
is_page_size(uint64_t bytes)
{
	unsigned int n;

	for (n = 0; SIOV_BARS_PAGES >> n != 0; n++) {
		if ((SIOV_BARS_PAGES >> n & 1) && bytes == UINT64_C(4096) << n)
			return true;
	}
	return false;
}

int
siov_bars_layout(const struct siov_bars_conf *conf, struct siov_bars *bars)
{
	const uint64_t page = conf->page_bytes;

	if (!is_page_size(page))
		return -EINVAL;
	if (conf->nb_wqs == 0 || conf->nb_wqs > SIOV_BARS_WQS_MAX || conf->nb_vectors == 0 ||
	    conf->nb_vectors > SIOV_BARS_VECTORS_MAX || conf->nb_ims > SIOV_BARS_IMS_MAX ||
	    conf->nb_adis > SIOV_BARS_ADIS_MAX)
		return -ERANGE;
	bars->conf = *conf;
	bars->ims = align_up(REGS_END, page);
	bars->msix = align_up(bars->ims + (uint64_t)conf->nb_ims * ENTRY_BYTES, page);
	bars->pba = align_up(bars->msix + (uint64_t)conf->nb_vectors * VECTOR_BYTES, page);
	bars->control = align_up(bars->pba + (conf->nb_vectors + 63) / 64 * 8, page);
	bars->control_end = bars->control + conf->nb_adis * page;
	bars->direct = conf->nb_wqs * SIOV_BARS_PAGES_PER_WQ * page;
	bars->direct_end = bars->direct + conf->nb_adis * page;
	bars->size0 = round_up_pow2(bars->control_end);
	bars->size2 = round_up_pow2(bars->direct_end);
	return 0;
}

static struct siov_bars_place
adi_place(const struct siov_bars *bars, enum siov_bars_kind kind, uint64_t offset)
{
	return (struct siov_bars_place){
		.kind = kind,
		.adi = (uint32_t)(offset / bars->conf.page_bytes),
		.offset = offset % bars->conf.page_bytes,
	};
}

static struct siov_bars_place
table_place(enum siov_bars_kind kind, uint64_t offset, uint64_t bytes)
{
	return (struct siov_bars_place){
		.kind = offset < bytes ? kind : SIOV_BARS_NOTHING,
		.offset = offset,
	};
}

static struct siov_bars_place
find0(const struct siov_bars *bars, uint64_t offset)
{
	const struct siov_bars_conf *conf = &bars->conf;

	if (offset < bars->ims)
		return table_place(SIOV_BARS_REGS, offset, REGS_END);
	if (offset < bars->msix)
		return table_place(SIOV_BARS_IMS, offset - bars->ims,
				   (uint64_t)conf->nb_ims * ENTRY_BYTES);
	if (offset < bars->pba)
		return table_place(SIOV_BARS_MSIX, offset - bars->msix,
				   (uint64_t)conf->nb_vectors * VECTOR_BYTES);
	if (offset < bars->control)
		return table_place(SIOV_BARS_PBA, offset - bars->pba,
				   (conf->nb_vectors + 63) / 64 * 8);
	if (offset < bars->control_end)
		return adi_place(bars, SIOV_BARS_ADI_CONTROL, offset - bars->control);
	return (struct siov_bars_place){.kind = SIOV_BARS_NOTHING, .offset = offset};
}

static struct siov_bars_place
find2(const struct siov_bars *bars, uint64_t offset)
{
	uint64_t page = offset / bars->conf.page_bytes;

	if (offset < bars->direct)
		return (struct siov_bars_place){
			.kind = SIOV_BARS_PORTAL,
			.wq_id = (uint32_t)(page / SIOV_BARS_PAGES_PER_WQ),
			.is_limited = page & 1,
			.is_ims = page & 2,
			.offset = offset % bars->conf.page_bytes,
		};
	if (offset < bars->direct_end)
		return adi_place(bars, SIOV_BARS_ADI_DIRECT, offset - bars->direct);
	return (struct siov_bars_place){.kind = SIOV_BARS_NOTHING, .offset = offset};
}

int
siov_bars_find(const struct siov_bars *bars, unsigned int bar, uint64_t offset,
	       struct siov_bars_place *place)
{
	if (bar != 0 && bar != 2)
		return -EINVAL;
	if (offset >= (bar == 0 ? bars->size0 : bars->size2))
		return -ERANGE;
	*place = bar == 0 ? find0(bars, offset) : find2(bars, offset);
	return 0;
}

uint64_t
siov_bars_portal(const struct siov_bars *bars, uint32_t wq_id, bool is_limited, bool is_ims)
{
	uint64_t page = (uint64_t)wq_id * SIOV_BARS_PAGES_PER_WQ + is_ims * 2u + is_limited;

	return page * bars->conf.page_bytes;
}

uint64_t
siov_bars_adi_control(const struct siov_bars *bars, uint32_t adi)
{
	return bars->control + adi * bars->conf.page_bytes;
}

uint64_t
siov_bars_adi_direct(const struct siov_bars *bars, uint32_t adi)
{
	return bars->direct + adi * bars->conf.page_bytes;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the registers offer. A device may be broken, or of a generation to come: what the driver has
 * no room for is left alone, what it cannot be right about is refused.
 */
#include <errno.h>

#include "guest_priv.h"

#define MAJOR_NEWEST 2u
#define TABLE_UNIT 256u
#define NB_MASK 0xffu
#define WQCAP_STRIDE_SHIFT 24

static int
read_version(struct siov_guest *guest)
{
	uint32_t major;

	guest->version = guest_reg(guest, SIOV_REG_VERSION);
	major = guest->version >> 8;
	return major >= 1 && major <= MAJOR_NEWEST ? 0 : -ENOTSUP;
}

static void
read_wq(struct siov_guest *guest, struct guest_wq *wq, uint32_t row)
{
	uint32_t mode = guest_reg(guest, row + SIOV_WQCFG_MODE);
	uint32_t state = guest_reg(guest, row + SIOV_WQCFG_STATE) >> SIOV_WQCFG_STATE_SHIFT;

	wq->row = row;
	wq->size = guest_reg(guest, row + SIOV_WQCFG_SIZE) & 0xffff;
	wq->is_dedicated = mode & SIOV_WQCFG_DEDICATED;
	wq->is_enabled = state == SIOV_WQCFG_STATE_ENABLED;
	wq->pasid = GUEST_NONE;
	if (mode & SIOV_WQCFG_PASID_EN)
		wq->pasid = mode >> SIOV_WQCFG_PASID_SHIFT & SIOV_PASID_MAX;
	siov_atomic_store(&wq->handle, GUEST_NONE, relaxed);
}

static int
read_wqs(struct siov_guest *guest)
{
	uint64_t wqcap = guest_reg_wide(guest, SIOV_REG_WQCAP);
	uint32_t nb = wqcap >> SIOV_WQCAP_NUM_SHIFT & NB_MASK;
	uint32_t stride = SIOV_WQCFG_STRIDE << (wqcap >> WQCAP_STRIDE_SHIFT & 0xf);
	uint32_t table = (guest_reg(guest, SIOV_REG_OFFSETS) >> 16) * TABLE_UNIT;
	uint32_t i;

	if (nb == 0 || (guest_reg(guest, SIOV_REG_GRPCAP) & NB_MASK) == 0 ||
	    (guest_reg(guest, SIOV_REG_ENGCAP) & NB_MASK) == 0)
		return -ENOTSUP;
	guest->nb_wqs = nb < SIOV_GUEST_WQS_MAX ? nb : SIOV_GUEST_WQS_MAX;
	if (table == 0 || (uint64_t)table + (uint64_t)stride * guest->nb_wqs > GUEST_REGS_BYTES)
		return -ENOTSUP;
	for (i = 0; i < guest->nb_wqs; i++)
		read_wq(guest, &guest->wqs[i], table + i * stride);
	return 0;
}

/* Where the channel is. Without it the device is one of DSA, with pages of 4 KiB. */
static int
read_extension(struct siov_guest *guest)
{
	guest->page_bytes = 4096;
	if (!guest->is_extended || guest_reg(guest, SIOV_VREG_MAGIC) != SIOV_VREG_MAGIC_VALUE) {
		guest->is_extended = false;
		return 0;
	}
	guest->page_bytes = guest_reg(guest, SIOV_VREG_PAGE_BYTES);
	guest->channel_at = guest_reg(guest, SIOV_VREG_CHANNEL);
	if (guest->page_bytes < 4096 || (guest->page_bytes & (guest->page_bytes - 1)) != 0 ||
	    guest_reg(guest, SIOV_VREG_SLOTS) != SIOV_VDEV_SLOTS ||
	    guest->channel_at < GUEST_REGS_BYTES || guest->channel_at % SIOV_VDEV_SLOT_BYTES != 0 ||
	    guest->channel_at + (uint64_t)SIOV_VDEV_CHANNEL_BYTES > guest->bars[0].bytes)
		return -ENOTSUP;
	guest->mbox_at = guest->conf.has_mailbox ? guest_reg(guest, SIOV_VREG_MBOX) : 0;
	if (guest->mbox_at % 4096 != 0 || guest->mbox_at + UINT64_C(4096) > guest->bars[0].bytes)
		return -ENOTSUP;
	return 0;
}

int
guest_caps_read(struct siov_guest *guest)
{
	uint32_t i;
	int ret;

	guest->regs = siov_vcpu_map(guest->vcpu, guest->bars[0].gpa, GUEST_REGS_BYTES, false);
	ret = read_version(guest);
	if (ret != 0)
		return ret;
	guest->gencap = guest_reg_wide(guest, SIOV_REG_GENCAP);
	guest->cmdcap = guest_reg(guest, SIOV_REG_CMDCAP);
	for (i = 0; i < 4; i++)
		guest->opcap[i] = guest_reg_wide(guest, SIOV_REG_OPCAP + 8 * i);
	ret = read_wqs(guest);
	if (ret == 0)
		ret = read_extension(guest);
	if (ret == 0 &&
	    guest->nb_wqs * GUEST_PORTAL_PAGES * guest->page_bytes > guest->bars[1].bytes)
		ret = -ENOTSUP;
	return ret;
}

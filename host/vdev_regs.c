/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Page 0 of a VDEV: DSA's registers and those of the channel. The guest reads the page itself; what
 * it shows is written there when it changes, and never read back. Writes come here.
 */
#include <errno.h>
#include <string.h>

#include "vdev_priv.h"

#define UNIT 256u /* of table offsets */
#define MSIXPERM_STRIDE SIOV_MSIXPERM_STRIDE
#define PERM_BITS (SIOV_MSIXPERM_IGNORE | SIOV_MSIXPERM_PASID_EN | SIOV_MSIXPERM_PASID)
#define WQ_WRITABLE \
	(SIOV_PASID_MAX << SIOV_WQCFG_PASID_SHIFT | SIOV_WQCFG_PASID_EN | SIOV_WQCFG_PRIV)
#define SWERR_ACK (SIOV_SWERR_VALID | SIOV_SWERR_OVERFLOW)

void
vdev_reg_set(struct siov_vdev *vdev, uint32_t offset, uint32_t value)
{
	siov_atomic_store((SIOV_ATOMIC(uint32_t) *)(void *)(vdev->pages + offset), value, release);
}

static void
set_wide(struct siov_vdev *vdev, uint32_t offset, uint64_t value)
{
	vdev_reg_set(vdev, offset, (uint32_t)value);
	vdev_reg_set(vdev, offset + 4, value >> 32);
}

static uint32_t
log2_of(uint32_t value)
{
	return value != 0 ? 31 - (uint32_t)__builtin_clz(value) : 0;
}

/* ---- what does not change ---- */

static uint64_t
gencap(const struct siov_vdev *vdev)
{
	const uint64_t bits = SIOV_GENCAP_BOF | SIOV_GENCAP_OVERLAP | SIOV_GENCAP_CACHE |
			      SIOV_GENCAP_FLUSH | SIOV_GENCAP_DRDBK;

	return (vdev->gen.gencap & bits) | SIOV_GENCAP_CMDCAP |
	       (uint64_t)log2_of(vdev->gen.xfer_max) << SIOV_GENCAP_XFER_SHIFT |
	       (uint64_t)log2_of(vdev->gen.batch_max) << SIOV_GENCAP_BATCH_SHIFT;
}

/* Entries of the queue behind queue i. */
static const struct siov_dev_wq_conf *
conf_of(const struct siov_vdev *vdev, uint32_t i)
{
	const struct siov_dev_conf *conf = siov_dev_get_conf(vdev_dev(vdev));
	uint32_t k;

	if (!vdev->wqs[i].is_dedicated)
		return &conf->wqs[vdev->wqs[i].phys];
	for (k = 0; k < conf->nb_wqs; k++) {
		if (conf->wqs[k].mode == SIOV_WQ_DEDICATED && !conf->wqs[k].is_unused)
			return &conf->wqs[k];
	}
	return &conf->wqs[0];
}

static void
show_wq(struct siov_vdev *vdev, uint32_t i)
{
	uint32_t row = SIOV_VDEV_WQCFG + i * SIOV_WQCFG_STRIDE;
	const struct siov_dev_wq_conf *conf;

	if (vdev_dev(vdev) == NULL)
		return;
	conf = conf_of(vdev, i);
	vdev_reg_set(vdev, row + SIOV_WQCFG_SIZE, RTE_MIN(conf->size, (uint32_t)UINT16_MAX));
	vdev_reg_set(
		vdev, row + SIOV_WQCFG_THRESHOLD,
		RTE_MIN(conf->threshold != 0 ? conf->threshold : conf->size, (uint32_t)UINT16_MAX));
	vdev_reg_set(vdev, row + SIOV_WQCFG_LIMITS,
		     log2_of(RTE_MIN(vdev->gen.xfer_max, conf->xfer_max)) |
			     log2_of(RTE_MIN(vdev->gen.batch_max, conf->batch_max))
				     << SIOV_WQCFG_BATCH_SHIFT);
}

/* Whether work may wait for pages is the host's to say, for the queue behind. */
static uint32_t
mode_of(const struct siov_vdev *vdev, uint32_t i)
{
	bool may_block = vdev_dev(vdev) != NULL && conf_of(vdev, i)->flags & SIOV_WQ_F_BOF;

	return vdev->wqs[i].config | (may_block ? SIOV_WQCFG_BOF : 0);
}

static void
show_state(struct siov_vdev *vdev)
{
	uint32_t i, gensts = vdev->is_enabled ? SIOV_GENSTS_ENABLED : SIOV_GENSTS_DISABLED;

	if (vdev->is_halted)
		gensts = SIOV_GENSTS_HALT;
	vdev_reg_set(vdev, SIOV_REG_GENSTS, gensts);
	for (i = 0; i < vdev->nb_wqs; i++) {
		uint32_t row = SIOV_VDEV_WQCFG + i * SIOV_WQCFG_STRIDE;
		uint32_t state = vdev->wqs[i].is_enabled ? SIOV_WQCFG_STATE_ENABLED :
							   SIOV_WQCFG_STATE_DISABLED;

		vdev_reg_set(vdev, row + SIOV_WQCFG_MODE, mode_of(vdev, i));
		vdev_reg_set(vdev, row + SIOV_WQCFG_STATE, state << SIOV_WQCFG_STATE_SHIFT);
	}
}

static void
show_capabilities(struct siov_vdev *vdev)
{
	uint32_t i, size = 0, modes = 0;

	for (i = 0; i < vdev->nb_wqs && vdev_dev(vdev) != NULL; i++) {
		size += conf_of(vdev, i)->size;
		modes |= vdev->wqs[i].is_dedicated ? SIOV_WQCAP_HI_DEDICATED : SIOV_WQCAP_HI_SHARED;
	}
	vdev_reg_set(vdev, SIOV_REG_VERSION, vdev->gen.version);
	set_wide(vdev, SIOV_REG_GENCAP, gencap(vdev));
	vdev_reg_set(vdev, SIOV_REG_WQCAP,
		     RTE_MIN(size, (uint32_t)UINT16_MAX) | vdev->nb_wqs << SIOV_WQCAP_NUM_SHIFT);
	vdev_reg_set(vdev, SIOV_REG_WQCAP + 4, modes);
	vdev_reg_set(vdev, SIOV_REG_GRPCAP, 1);
	vdev_reg_set(vdev, SIOV_REG_ENGCAP, 1);
	for (i = 0; i < 4; i++)
		set_wide(vdev, SIOV_REG_OPCAP + 8 * i, vdev->gen.opcap[i]);
	set_wide(vdev, SIOV_REG_OFFSETS,
		 SIOV_VDEV_GRPCFG / UNIT | (uint64_t)SIOV_VDEV_WQCFG / UNIT << 16 |
			 (uint64_t)SIOV_VDEV_MSIXPERM / UNIT << 32);
	vdev_reg_set(vdev, SIOV_REG_CMDCAP, (UINT32_C(1) << SIOV_CMDS) - 2);
	set_wide(vdev, SIOV_VDEV_GRPCFG + SIOV_GRPCFG_WQS, (UINT64_C(1) << vdev->nb_wqs) - 1);
	set_wide(vdev, SIOV_VDEV_GRPCFG + SIOV_GRPCFG_ENGINES, 1);
}

static void
show_channel(struct siov_vdev *vdev)
{
	vdev_reg_set(vdev, SIOV_VREG_MAGIC, SIOV_VREG_MAGIC_VALUE);
	vdev_reg_set(vdev, SIOV_VREG_VERSIONS, SIOV_VDEV_VERSION_1 | SIOV_VDEV_VERSION_1 << 16);
	vdev_reg_set(vdev, SIOV_VREG_CHANNEL,
		     (uint32_t)(SIOV_VDEV_PAGE_CHANNEL * vdev->page_bytes));
	vdev_reg_set(vdev, SIOV_VREG_SLOTS, SIOV_VDEV_SLOTS);
	vdev_reg_set(vdev, SIOV_VREG_MBOX, (uint32_t)(SIOV_VDEV_PAGE_MBOX * vdev->page_bytes));
	vdev_reg_set(vdev, SIOV_VREG_PAGE_BYTES, (uint32_t)vdev->page_bytes);
}

void
vdev_regs_show(struct siov_vdev *vdev)
{
	uint32_t i;

	for (i = 0; i < vdev->nb_wqs; i++)
		show_wq(vdev, i);
	show_state(vdev);
}

void
vdev_regs_show_all(struct siov_vdev *vdev)
{
	uint32_t i;

	show_capabilities(vdev);
	vdev_reg_set(vdev, SIOV_REG_GENCTRL, vdev->genctrl);
	vdev_reg_set(vdev, SIOV_REG_INTCAUSE, vdev->intcause);
	vdev_reg_set(vdev, SIOV_REG_CMD, vdev->cmd);
	vdev_reg_set(vdev, SIOV_REG_CMDSTS, vdev->cmdsts);
	for (i = 0; i < RTE_DIM(vdev->swerr); i++)
		vdev_reg_set(vdev, SIOV_REG_SWERR + 4 * i, vdev->swerr[i]);
	for (i = 0; i < vdev->nb_vectors; i++)
		vdev_reg_set(vdev, SIOV_VDEV_MSIXPERM + i * MSIXPERM_STRIDE, vdev->msixperm[i]);
	vdev_reg_set(vdev, SIOV_VREG_VERSION, vdev->channel.version);
	vdev_reg_set(vdev, SIOV_VREG_DOORBELL, vdev->channel.doorbell);
	vdev_reg_set(vdev, SIOV_VREG_DONE, vdev->channel.done);
	vdev_reg_set(vdev, SIOV_VREG_PAGES, vdev_pager_told(vdev));
	vdev_regs_show(vdev);
}

void
vdev_regs_reset(struct siov_vdev *vdev)
{
	uint32_t i;

	vdev->genctrl = 0;
	vdev->intcause = 0;
	vdev->cmd = 0;
	vdev->cmdsts = 0;
	vdev->has_command = false;
	vdev->is_connecting = false;
	memset(vdev->swerr, 0, sizeof(vdev->swerr));
	memset(vdev->msixperm, 0, sizeof(vdev->msixperm));
	for (i = 0; i < vdev->nb_wqs; i++)
		vdev->wqs[i].config = (vdev->wqs[i].is_dedicated ? SIOV_WQCFG_DEDICATED : 0) |
				      UINT32_C(1) << SIOV_WQCFG_PRIORITY_SHIFT;
	for (i = 0; i < SIOV_VREG_END; i += 4)
		vdev_reg_set(vdev, i, 0);
	show_capabilities(vdev);
	show_channel(vdev);
	vdev_regs_show(vdev);
	vdev_channel_reset(vdev);
}

/* ---- events ---- */

void
vdev_cause(struct siov_vdev *vdev, uint32_t cause)
{
	vdev->intcause |= cause;
	vdev_reg_set(vdev, SIOV_REG_INTCAUSE, vdev->intcause);
	vdev_raise(vdev);
}

/* ---- writes ---- */

static void
write_swerr(struct siov_vdev *vdev, uint32_t value)
{
	unsigned int i;

	vdev->swerr[0] &= ~(value & SWERR_ACK);
	if (!(vdev->swerr[0] & SIOV_SWERR_VALID))
		memset(vdev->swerr, 0, sizeof(vdev->swerr));
	for (i = 0; i < RTE_DIM(vdev->swerr); i++)
		vdev_reg_set(vdev, SIOV_REG_SWERR + 4 * i, vdev->swerr[i]);
}

/* Of WQCFG a guest sets whose the work is, while the queue is disabled. */
static void
write_wqcfg(struct siov_vdev *vdev, uint32_t offset, uint32_t value)
{
	uint32_t at = offset - SIOV_VDEV_WQCFG;
	struct vdev_wq *wq = &vdev->wqs[at / SIOV_WQCFG_STRIDE];

	if (at % SIOV_WQCFG_STRIDE != SIOV_WQCFG_MODE || wq->is_enabled)
		return;
	wq->config = (wq->config & ~WQ_WRITABLE) | (value & WQ_WRITABLE);
	vdev_reg_set(vdev, offset, mode_of(vdev, at / SIOV_WQCFG_STRIDE));
}

static void
write_perm(struct siov_vdev *vdev, uint32_t offset, uint32_t value)
{
	uint32_t vector = (offset - SIOV_VDEV_MSIXPERM) / MSIXPERM_STRIDE;

	if (offset % MSIXPERM_STRIDE != 0)
		return;
	vdev->msixperm[vector] = value & PERM_BITS;
	vdev_reg_set(vdev, offset, vdev->msixperm[vector]);
}

static void
write_dword(struct siov_vdev *vdev, uint32_t offset, uint32_t value)
{
	switch (offset) {
	case SIOV_REG_GENCTRL:
		vdev->genctrl = value & (SIOV_GENCTRL_SWERR_INT | SIOV_GENCTRL_HALT_INT);
		vdev_reg_set(vdev, offset, vdev->genctrl);
		return;
	case SIOV_REG_INTCAUSE:
		vdev->intcause &= ~value;
		vdev_reg_set(vdev, offset, vdev->intcause);
		return;
	case SIOV_REG_CMD:
		vdev_command(vdev, value);
		return;
	case SIOV_REG_SWERR:
		write_swerr(vdev, value);
		return;
	case SIOV_VREG_VERSION:
	case SIOV_VREG_DOORBELL:
	case SIOV_VREG_PAGE_ANSWER:
		vdev_channel_write(vdev, offset, value);
		return;
	default:
		break;
	}
	if (offset >= SIOV_VDEV_WQCFG &&
	    offset < SIOV_VDEV_WQCFG + vdev->nb_wqs * SIOV_WQCFG_STRIDE)
		write_wqcfg(vdev, offset, value);
	else if (offset >= SIOV_VDEV_MSIXPERM &&
		 offset < SIOV_VDEV_MSIXPERM + vdev->nb_vectors * MSIXPERM_STRIDE)
		write_perm(vdev, offset, value);
}

int
vdev_regs_write(struct siov_vdev *vdev, uint64_t offset, unsigned int width, uint64_t value)
{
	if (width != 4 && width != 8)
		return -EINVAL;
	vdev->is_used = true;
	write_dword(vdev, (uint32_t)offset, (uint32_t)value);
	if (width == 8)
		write_dword(vdev, (uint32_t)offset + 4, value >> 32);
	return 0;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* What the registers of a device show, but for its configuration (dev_regs_conf.c). */
#include <errno.h>
#include <string.h>

#include "dev_adi_priv.h"
#include "dev_regs_priv.h"
#include "siov_dev_mmio.h"
#include "swerr.h"

#define CMDCAP ((UINT32_C(1) << SIOV_CMDS) - 2) /* all but 0 */
#define UNIT 256u /* of IMS sizes and of table offsets */

static void
set_wide(struct siov_dev *dev, uint32_t offset, uint64_t value)
{
	regs_set(dev->regs->file, offset, (uint32_t)value);
	regs_set(dev->regs->file, offset + 4, value >> 32);
}

uint32_t
regs_nb_wqs(const struct siov_dev *dev)
{
	return siov_dev_profile_limits(dev->conf.profile)->nb_wqs;
}

/* ---- what does not change ---- */

static uint64_t
make_gencap(const struct siov_dev *dev)
{
	const struct siov_dev_limits *limits = siov_dev_profile_limits(dev->conf.profile);
	uint32_t nb_ims = dev->ims != NULL ? RTE_MIN(dev->conf.nb_ims, SIOV_BARS_IMS_MAX) : 0;

	return SIOV_GENCAP_BOF | SIOV_GENCAP_OVERLAP | SIOV_GENCAP_CACHE | SIOV_GENCAP_FLUSH |
	       SIOV_GENCAP_CMDCAP | SIOV_GENCAP_DRDBK |
	       log2_floor(limits->xfer_max) << SIOV_GENCAP_XFER_SHIFT |
	       log2_floor(limits->batch_max) << SIOV_GENCAP_BATCH_SHIFT |
	       nb_ims / UNIT << SIOV_GENCAP_IMS_SHIFT | SIOV_GENCAP_CONFIGURABLE;
}

static void
show_types(struct siov_dev *dev)
{
	struct regs *file = dev->regs->file;
	const struct siov_adi_type_info *info;
	unsigned int i = 0;

	for (info = siov_adi_type_info((enum siov_adi_type)i); info != NULL;
	     info = siov_adi_type_info((enum siov_adi_type)i)) {
		uint32_t row = SIOV_REG_ADICAP_ROWS + i++ * SIOV_ADICAP_STRIDE;

		regs_set(file, row + SIOV_ADICAP_QUEUES,
			 info->has_swq | info->dwqs_min << 8 | info->dwqs_max << 16);
		regs_set(file, row + SIOV_ADICAP_MESSAGES, info->messages_max);
		regs_set(file, row + SIOV_ADICAP_PAGES, info->pages);
	}
	regs_set(file, SIOV_REG_ADICAP, dev->conf.nb_adis);
	regs_set(file, SIOV_REG_ADICAP_TYPES, i);
}

static void
show_capabilities(struct siov_dev *dev)
{
	const struct siov_dev_limits *limits = siov_dev_profile_limits(dev->conf.profile);
	const struct siov_bars *bars = &dev->regs->bars;
	struct regs *file = dev->regs->file;
	uint64_t ops[4];
	unsigned int i;

	regs_set(file, SIOV_REG_VERSION, SIOV_REG_VERSION_1_0);
	set_wide(dev, SIOV_REG_GENCAP, make_gencap(dev));
	regs_set(file, SIOV_REG_WQCAP,
		 RTE_MIN(limits->wqs_size, (uint32_t)UINT16_MAX) | limits->nb_wqs
									   << SIOV_WQCAP_NUM_SHIFT);
	regs_set(file, SIOV_REG_WQCAP + 4,
		 SIOV_WQCAP_HI_SHARED | SIOV_WQCAP_HI_DEDICATED | SIOV_WQCAP_HI_PRIORITY);
	regs_set(file, SIOV_REG_GRPCAP, limits->nb_groups);
	regs_set(file, SIOV_REG_ENGCAP, dev->conf.nb_engines);
	engine_opcodes(ops);
	for (i = 0; i < RTE_DIM(ops); i++)
		set_wide(dev, SIOV_REG_OPCAP + 8 * i, ops[i]);
	set_wide(dev, SIOV_REG_OFFSETS,
		 SIOV_BARS_GRPCFG / UNIT | (uint64_t)SIOV_BARS_WQCFG / UNIT << 16 |
			 (uint64_t)SIOV_BARS_MSIXPERM / UNIT << 32 | bars->ims / UNIT << 48);
	regs_set(file, SIOV_REG_CMDCAP, CMDCAP);
	show_types(dev);
}

/* ---- life ---- */

static int
lay_out(struct siov_dev *dev, uint64_t page_bytes, struct siov_bars *bars)
{
	const struct siov_bars_conf conf = {
		.page_bytes = page_bytes,
		.nb_wqs = regs_nb_wqs(dev),
		.nb_vectors = dev->conf.nb_msix,
		.nb_ims = dev->ims != NULL ? RTE_MIN(dev->conf.nb_ims, SIOV_BARS_IMS_MAX) : 0,
		.nb_adis = dev->conf.nb_adis,
	};

	return siov_bars_layout(&conf, bars);
}

int
regs_attach(struct siov_dev *dev)
{
	const struct regs_conf conf = {
		.mem = dev->mem,
		.socket_id = dev->conf.socket_id,
		.nb_wqs = regs_nb_wqs(dev),
		.nb_groups = siov_dev_profile_limits(dev->conf.profile)->nb_groups,
		.nb_vectors = dev->conf.nb_msix,
	};
	int ret;

	dev->regs = siov_mem_alloc(dev->mem, "siov_dev_regs", sizeof(*dev->regs),
				   RTE_CACHE_LINE_SIZE, dev->conf.socket_id);
	if (dev->regs == NULL)
		return -ENOMEM;
	ret = lay_out(dev, 4096, &dev->regs->bars);
	if (ret == 0)
		ret = regs_create(&conf, &dev->regs->file);
	if (ret != 0)
		return ret;
	show_capabilities(dev);
	regs_show_conf(dev);
	return 0;
}

void
regs_detach(struct siov_dev *dev)
{
	if (dev->regs == NULL)
		return;
	regs_free(dev->regs->file);
	siov_mem_free(dev->mem, dev->regs);
}

void
regs_enable(struct siov_dev *dev)
{
	if (!dev->regs->is_disabled)
		return;
	dev->regs->is_disabled = false;
	regs_show_conf(dev);
}

void
regs_reset(struct siov_dev *dev, enum siov_reset_kind kind)
{
	struct regs *file = dev->regs->file;
	unsigned int i;

	if (kind == SIOV_RESET_KEEP)
		return;
	dev->regs->is_disabled = true;
	regs_show_conf(dev);
	if (kind != SIOV_RESET_FLR)
		return;
	regs_set(file, SIOV_REG_GENCTRL, 0);
	regs_set(file, SIOV_REG_INTCAUSE, 0);
	for (i = 0; i < 8; i++)
		regs_set(file, SIOV_REG_SWERR + 4 * i, 0);
}

int
regs_set_page(struct siov_dev *dev, uint64_t bytes)
{
	struct siov_bars bars;
	int ret;

	ret = lay_out(dev, bytes, &bars);
	if (ret == 0) {
		dev->regs->bars = bars;
		show_capabilities(dev);
	}
	return ret;
}

int
siov_dev_set_page_bytes(struct siov_dev *dev, uint64_t bytes)
{
	int ret;

	dev_lock(dev);
	ret = dev->adis.nb_used == 0 ? regs_set_page(dev, bytes) : -EBUSY;
	dev_unlock(dev);
	return ret;
}

void
siov_dev_bars(struct siov_dev *dev, struct siov_bars *bars)
{
	dev_lock(dev);
	*bars = dev->regs->bars;
	dev_unlock(dev);
}

/* ---- events ---- */

void
regs_cause(struct siov_dev *dev, uint32_t cause, bool is_raised)
{
	struct regs *file = dev->regs->file;

	regs_set(file, SIOV_REG_INTCAUSE, regs_get(file, SIOV_REG_INTCAUSE) | cause);
	if (is_raised && dev->msix != NULL)
		siov_msix_trigger(dev->msix, 0);
}

void
regs_error(struct siov_dev *dev, const struct siov_error *error)
{
	struct regs *file = dev->regs->file;
	uint32_t now = regs_get(file, SIOV_REG_SWERR), swerr[SWERR_DWORDS], i;

	if (now & SIOV_SWERR_VALID) {
		regs_set(file, SIOV_REG_SWERR, now | SIOV_SWERR_OVERFLOW);
		return;
	}
	swerr_make(swerr, error);
	/* The dword that says that it is valid comes last. */
	for (i = SWERR_DWORDS; i > 0; i--)
		regs_set(file, SIOV_REG_SWERR + 4 * (i - 1), swerr[i - 1]);
	if (regs_get(file, SIOV_REG_GENCTRL) & SIOV_GENCTRL_SWERR_INT)
		regs_cause(dev, SIOV_INTCAUSE_SWERR, true);
}

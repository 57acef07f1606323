/* SPDX-License-Identifier: BSD-3-Clause */
/* Reads and writes of the BARs: by place, to what lies there. */
#include <errno.h>
#include <time.h>

#include "dev_adi_priv.h"
#include "dev_regs_priv.h"
#include "pci_cfg.h"
#include "siov_dev_mmio.h"

#define NAP_NS 50000 /* of a reader of CMDSTS while a command is active */
#define IMS_ENTRY 16u /* bytes */

/* ---- registers ---- */

/* The dword of WQCFG that tells a queue's state. */
static void
refresh_wq(struct siov_dev *dev, uint32_t wq_id)
{
	static const uint32_t shown[] = {
		[SIOV_WQ_DISABLED] = SIOV_WQCFG_STATE_DISABLED,
		[SIOV_WQ_ENABLED] = SIOV_WQCFG_STATE_ENABLED,
		[SIOV_WQ_DRAINING] = SIOV_WQCFG_STATE_BUSY,
	};
	uint32_t row = SIOV_BARS_WQCFG + wq_id * SIOV_WQCFG_STRIDE;
	const struct dev_wq *dwq = dev_find_wq(dev, wq_id);
	uint32_t state = SIOV_WQ_DISABLED;

	if (dwq != NULL)
		state = siov_atomic_load(&dwq->wq->state, relaxed);
	regs_set(dev->regs->file, row + SIOV_WQCFG_STATE, shown[state] << SIOV_WQCFG_STATE_SHIFT);
}

/* Bring what changes by itself up to date, where it is looked at. */
static void
refresh(struct siov_dev *dev, uint64_t offset)
{
	struct regs *file = dev->regs->file;
	uint32_t perm;

	if (offset / 8 * 8 == SIOV_REG_GENSTS)
		regs_set(file, SIOV_REG_GENSTS,
			 dev->regs->is_disabled ? SIOV_GENSTS_DISABLED : SIOV_GENSTS_ENABLED);
	if (offset / 8 * 8 == SIOV_REG_INTCAUSE || offset / 32 * 32 == SIOV_REG_SWERR)
		dev_collect_errors(dev);
	if (offset >= SIOV_BARS_WQCFG &&
	    offset < SIOV_BARS_WQCFG + regs_nb_wqs(dev) * SIOV_WQCFG_STRIDE)
		refresh_wq(dev, (uint32_t)(offset - SIOV_BARS_WQCFG) / SIOV_WQCFG_STRIDE);
	if (offset >= SIOV_BARS_MSIXPERM && dev->msix != NULL &&
	    siov_msix_perm(dev->msix,
			   (uint32_t)(offset - SIOV_BARS_MSIXPERM) / SIOV_MSIXPERM_STRIDE,
			   &perm) == 0)
		regs_set(file, (uint32_t)offset / SIOV_MSIXPERM_STRIDE * SIOV_MSIXPERM_STRIDE,
			 perm);
}

/* What a write does, beyond the bits. */
static void
take_effect(void *arg, uint32_t offset, uint32_t value)
{
	struct siov_dev *dev = arg;

	if (offset == SIOV_REG_CMD)
		cmd_begin(dev, value);
	else if (offset >= SIOV_BARS_MSIXPERM && offset % SIOV_MSIXPERM_STRIDE == 0 &&
		 dev->msix != NULL)
		siov_msix_set_perm(dev->msix, (offset - SIOV_BARS_MSIXPERM) / SIOV_MSIXPERM_STRIDE,
				   value);
}

static int
write_regs(struct siov_dev *dev, uint64_t offset, unsigned int width, uint64_t value)
{
	struct regs_access access = {.is_disabled = dev->regs->is_disabled};
	uint32_t i;
	int ret;

	/* Commands that are written meanwhile are lost, and their value does not show. */
	if (offset / 4 * 4 == SIOV_REG_CMD && dev->regs->cmd.is_active)
		return 0;
	for (i = 0; i < regs_nb_wqs(dev); i++) {
		if (i >= dev->conf.nb_wqs ||
		    siov_atomic_load(&dev->wqs[i].wq->state, relaxed) == SIOV_WQ_DISABLED)
			access.wqs_disabled |= UINT64_C(1) << i;
	}
	refresh(dev, offset);
	ret = regs_write(dev->regs->file, &access, offset, width, value, take_effect, dev);
	/* Who waits for its end may have no other way to go on. */
	if (ret == 0 && dev->regs->cmd.is_active)
		control_wake(&dev->control);
	return ret;
}

/* ---- tables ---- */

static int
check_wide(uint64_t offset, unsigned int width)
{
	return (width != 4 && width != 8) || offset % width != 0 ? -EINVAL : 0;
}

/* The words of an entry; one that nobody has is all 0. */
static void
read_entry(struct siov_dev *dev, uint32_t handle, uint64_t words[2])
{
	struct siov_ims_entry entry;

	words[0] = 0;
	words[1] = 0;
	if (siov_ims_read(dev->ims, handle, &entry) != 0)
		return;
	words[0] = entry.addr;
	words[1] = entry.data | (uint64_t)entry.ctrl << 32;
}

/* Bits of a dword, or both, of a word. */
static uint64_t
take_bits(uint64_t word, uint64_t offset, unsigned int width)
{
	return width == 8 ? word : word >> 8 * (offset & 4) & UINT32_MAX;
}

static uint64_t
put_bits(uint64_t word, uint64_t offset, unsigned int width, uint64_t value)
{
	if (width == 8)
		return value;
	word &= ~((uint64_t)UINT32_MAX << 8 * (offset & 4));
	return word | (value & UINT32_MAX) << 8 * (offset & 4);
}

static int
read_ims(struct siov_dev *dev, uint64_t offset, unsigned int width, uint64_t *value)
{
	uint64_t words[2];
	int ret = check_wide(offset, width);

	if (ret != 0)
		return ret;
	read_entry(dev, (uint32_t)(offset / IMS_ENTRY), words);
	*value = take_bits(words[offset / 8 % 2], offset, width);
	return 0;
}

static int
write_ims(struct siov_dev *dev, uint64_t offset, unsigned int width, uint64_t value)
{
	uint32_t handle = (uint32_t)(offset / IMS_ENTRY), ctrl;
	uint64_t words[2];
	int ret = check_wide(offset, width);

	if (ret != 0)
		return ret;
	read_entry(dev, handle, words);
	words[offset / 8 % 2] = put_bits(words[offset / 8 % 2], offset, width, value);
	ctrl = words[1] >> 32;
	/* Masked between, so that no half of it is sent. An entry of nobody takes nothing. */
	if (siov_ims_mask(dev->ims, handle) != 0)
		return 0;
	siov_ims_program(dev->ims, handle, words[0], (uint32_t)words[1]);
	siov_ims_set_pasid(dev->ims, handle,
			   ctrl & SIOV_IMS_CTRL_PASID_EN ? ctrl >> SIOV_IMS_CTRL_PASID_SHIFT : 0);
	if (!(ctrl & SIOV_IMS_CTRL_MASK))
		siov_ims_unmask(dev->ims, handle);
	siov_ims_invalidate(dev->ims, handle, 1);
	return 0;
}

/* ---- pages of ADIs ---- */

static const struct adi *
adi_at(const struct siov_dev *dev, uint32_t index)
{
	const struct adi *adi = adi_next(&dev->adis, index);

	return adi != NULL && adi_index(adi) == index ? adi : NULL;
}

static int
read_adi(struct siov_dev *dev, const struct siov_bars_place *place, unsigned int width,
	 uint64_t *value)
{
	uint32_t words[SIOV_ADI_REG_END / 4 + 1] = {0};
	const struct adi *adi = adi_at(dev, place->adi);
	uint64_t offset = place->offset;
	int ret = check_wide(offset, width);
	unsigned int i;

	if (ret != 0 || adi == NULL)
		return ret;
	words[SIOV_ADI_REG_ID / 4] = adi->id;
	words[SIOV_ADI_REG_TYPE / 4] = adi->type;
	words[SIOV_ADI_REG_STATE / 4] = adi->state;
	words[SIOV_ADI_REG_PASID / 4] = adi->conf.pasid;
	words[SIOV_ADI_REG_MESSAGES / 4] = adi->conf.nb_messages;
	words[SIOV_ADI_REG_ERRORS / 4] = adi->nb_errors;
	for (i = 0; i < SIOV_ADI_DWQS_MAX; i++)
		words[SIOV_ADI_REG_DWQS / 4] += adi->dwqs[i] != ADI_NO_WQ;
	if (offset >= SIOV_ADI_REG_END)
		return 0; /* nothing */
	*value = words[offset / 4];
	if (width == 8)
		*value |= (uint64_t)words[offset / 4 + 1] << 32;
	return 0;
}

/* ---- access ---- */

static int
read_place(struct siov_dev *dev, const struct siov_bars_place *place, unsigned int width,
	   uint64_t *value)
{
	switch (place->kind) {
	case SIOV_BARS_REGS:
		refresh(dev, place->offset);
		return regs_read(dev->regs->file, place->offset, width, value);
	case SIOV_BARS_IMS:
		return read_ims(dev, place->offset, width, value);
	case SIOV_BARS_MSIX:
		return dev->msix == NULL ? 0 :
					   siov_msix_read(dev->msix, place->offset, width, value);
	case SIOV_BARS_PBA:
		return dev->msix == NULL ?
			       0 :
			       siov_msix_read_pba(dev->msix, place->offset, width, value);
	case SIOV_BARS_ADI_CONTROL:
		return read_adi(dev, place, width, value);
	default:
		return 0;
	}
}

static int
write_place(struct siov_dev *dev, const struct siov_bars_place *place, unsigned int width,
	    uint64_t value)
{
	switch (place->kind) {
	case SIOV_BARS_REGS:
		return write_regs(dev, place->offset, width, value);
	case SIOV_BARS_IMS:
		return write_ims(dev, place->offset, width, value);
	case SIOV_BARS_MSIX:
		return dev->msix == NULL ? 0 :
					   siov_msix_write(dev->msix, place->offset, width, value);
	default:
		return 0;
	}
}

/* Where it is, and whether the width can be at all. */
static int
find_place(struct siov_dev *dev, unsigned int bar, uint64_t offset, unsigned int width,
	   struct siov_bars_place *place)
{
	if ((width != 1 && width != 2 && width != 4 && width != 8) || offset % width != 0)
		return -EINVAL;
	return siov_bars_find(&dev->regs->bars, bar, offset, place);
}

/* A poll of CMDSTS takes its time, and the command further. */
static void
await_command(struct siov_dev *dev, const struct siov_bars_place *place)
{
	const struct timespec nap = {.tv_nsec = NAP_NS};

	if (place->kind != SIOV_BARS_REGS || place->offset / 4 * 4 != SIOV_REG_CMDSTS ||
	    !cmd_poll(dev))
		return;
	dev_unlock(dev);
	nanosleep(&nap, NULL);
	dev_lock(dev);
	cmd_poll(dev);
}

int
siov_dev_mmio_read(struct siov_dev *dev, unsigned int bar, uint64_t offset, unsigned int width,
		   uint64_t *value)
{
	struct siov_bars_place place;
	uint64_t got;
	int ret;

	dev_lock(dev);
	ret = find_place(dev, bar, offset, width, &place);
	if (ret == 0) {
		await_command(dev, &place);
		got = pci_all_ones(width);
		ret = read_place(dev, &place, width, &got);
	}
	dev_unlock(dev);
	if (ret == 0)
		*value = got;
	return ret;
}

int
siov_dev_mmio_write(struct siov_dev *dev, unsigned int bar, uint64_t offset, unsigned int width,
		    uint64_t value)
{
	struct siov_bars_place place;
	int ret;

	dev_lock(dev);
	ret = find_place(dev, bar, offset, width, &place);
	if (ret == 0)
		ret = write_place(dev, &place, width, value);
	dev_unlock(dev);
	return ret;
}

void
siov_dev_set_msix_control(struct siov_dev *dev, uint16_t control)
{
	dev_lock(dev);
	if (dev->msix != NULL)
		siov_msix_set_control(dev->msix, control);
	dev_unlock(dev);
}

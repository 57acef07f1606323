/* SPDX-License-Identifier: BSD-3-Clause */
/* PCI functions: what the bytes of configuration space do to the devices behind them. */
#include <errno.h>
#include <string.h>

#include <linux/pci_regs.h>

#include "dev_nowait.h"
#include "dev_priv.h"
#include "pci_cfg.h"
#include "siov_dev_mmio.h"
#include "siov_pci.h"

#define CLASS_CODE 0x088000u
#define PRI_CAPACITY 512u
#define VSEC_BYTES 12u
#define SIOV_PAGE_SIZE_AT 0x10u /* in the DVSEC */
#define FN_MASK 7u /* of a requester id: the number of the function */
#define MODES (1u << SIOV_MODE_SCALABLE | 1u << SIOV_MODE_SRIOV)

struct fn {
	struct siov_dev *dev;
	uint32_t page_sizes;
	uint8_t next_fn;
	bool is_in_flr;
	SIOV_ATOMIC(bool) is_lost;
	struct pci_cfg_map map;
	struct pci_cfg cfg;
	uint16_t express, msix, pasid, ats, pri, siov, vendor; /* where they are */
};

struct siov_pci {
	const struct siov_mem *mem;
	struct siov_pci_conf conf;
	pthread_mutex_t lock;
	unsigned int nb_fns;
	struct fn fns[SIOV_PCI_FNS_MAX];
};

/* ---- layout ---- */

/* As the requester id has it. */
static uint8_t
number_of(const struct fn *fn)
{
	return siov_dev_get_conf(fn->dev)->rid & FN_MASK;
}

static void
build_map(const struct siov_pci *pci, struct fn *fn)
{
	const struct siov_dev_conf *conf = siov_dev_get_conf(fn->dev);
	const struct pci_cfg_ids ids = {
		.vendor = SIOV_PCI_VENDOR,
		.device = SIOV_PCI_DEVICE,
		.class_code = CLASS_CODE,
		.subsystem_vendor = SIOV_PCI_VENDOR,
		.is_multifunction = pci->nb_fns > 1,
	};
	const struct pci_cfg_siov siov = {
		.next_fn = number_of(&pci->fns[fn->next_fn]),
		.is_homogeneous = pci->conf.is_homogeneous,
		.page_sizes = fn->page_sizes,
		.has_ims = conf->ir != NULL && conf->nb_ims != 0,
	};
	struct siov_bars bars;
	struct pci_cfg_msix msix;

	siov_dev_bars(fn->dev, &bars);
	msix = (struct pci_cfg_msix){
		.nb_vectors = conf->nb_msix,
		.table = (uint32_t)bars.msix,
		.pba = (uint32_t)bars.pba,
	};
	pci_cfg_map_init(&fn->map, &ids);
	pci_cfg_add_bar(&fn->map, 0, bars.size0);
	pci_cfg_add_bar(&fn->map, 2, bars.size2);
	fn->express = pci_cfg_add_express(&fn->map);
	fn->msix = pci_cfg_add_msix(&fn->map, &msix);
	fn->pasid = pci_cfg_add_pasid(&fn->map, conf->flags & SIOV_DEV_F_PRIV);
	fn->ats = pci_cfg_add_ats(&fn->map);
	fn->pri = pci_cfg_add_pri(&fn->map, PRI_CAPACITY);
	pci_cfg_add_dev3(&fn->map);
	fn->siov = pci_cfg_add_siov(&fn->map, &siov);
	fn->vendor = pci_cfg_add_vendor(&fn->map, SIOV_PCI_VSEC_ID, VSEC_BYTES);
	pci_cfg_map_set(&fn->map, fn->vendor + SIOV_PCI_VSEC_MODES, MODES, 0);
	pci_cfg_map_set(&fn->map, fn->vendor + SIOV_PCI_VSEC_MODE, 0, 1);
	pci_cfg_map_set(&fn->map, fn->vendor + SIOV_PCI_VSEC_ADICAP, SIOV_REG_ADICAP, 0);
}

/* BARs have other sizes, and tables other places, with another page size. */
static void
lay_out_again(const struct siov_pci *pci, struct fn *fn)
{
	unsigned int at;

	build_map(pci, fn);
	for (at = PCI_BASE_ADDRESS_0; at <= PCI_BASE_ADDRESS_5; at++)
		fn->cfg.bytes[at] = (uint8_t)((fn->cfg.bytes[at] & fn->map.writable[at]) |
					      (fn->map.reset[at] & ~fn->map.writable[at]));
	pci_cfg_set(&fn->cfg, fn->msix + PCI_MSIX_TABLE, 4,
		    pci_cfg_read(&(struct pci_cfg){.bytes = fn->map.reset},
				 fn->msix + PCI_MSIX_TABLE, 4));
	pci_cfg_set(&fn->cfg, fn->msix + PCI_MSIX_PBA, 4,
		    pci_cfg_read(&(struct pci_cfg){.bytes = fn->map.reset}, fn->msix + PCI_MSIX_PBA,
				 4));
}

/* ---- effects ---- */

struct change {
	struct siov_pci *pci;
	struct fn *fn;
	unsigned int i;
	uint32_t offset;
	unsigned int width;
	struct pci_cfg before; /* its bytes */
};

/* Whether bits of a 16-bit register have changed; *now is what it is. */
static bool
has_changed(const struct change *change, uint32_t at, uint32_t bits, uint32_t *now)
{
	*now = pci_cfg_read(&change->fn->cfg, at, 2);
	return (pci_cfg_read(&change->before, at, 2) ^ *now) & bits;
}

/* These bits stay as they were. */
static void
refuse(struct change *change, uint32_t at, uint32_t bits, const char *why)
{
	uint32_t now = pci_cfg_read(&change->fn->cfg, at, 4);
	uint32_t before = pci_cfg_read(&change->before, at, 4);

	pci_cfg_set(&change->fn->cfg, at, 4, (now & ~bits) | (before & bits));
	CTRL_LOG(ERR, "%s: configuration write at 0x%x refused: %s", change->fn->dev->conf.name,
		 change->offset, why);
}

static void
write_command(struct change *change)
{
	uint32_t now;

	if (!has_changed(change, PCI_COMMAND, PCI_COMMAND_MASTER, &now))
		return;
	if (dev_set_master(change->fn->dev, now & PCI_COMMAND_MASTER) != 0)
		refuse(change, PCI_COMMAND, PCI_COMMAND_MASTER,
		       "Bus Master Enable is cleared when queues are disabled");
}

static void
write_msix(struct change *change)
{
	const uint32_t bits = PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL;
	uint32_t now;

	if (has_changed(change, change->fn->msix + PCI_MSIX_FLAGS, bits, &now))
		siov_dev_set_msix_control(change->fn->dev, (uint16_t)(now & bits));
}

/* ATS comes last and goes first. */
static bool
has_ats(const struct fn *fn)
{
	return pci_cfg_read(&fn->cfg, fn->ats + PCI_ATS_CTRL, 2) & PCI_ATS_CTRL_ENABLE;
}

static void
write_pasid(struct change *change)
{
	uint32_t at = change->fn->pasid + PCI_PASID_CTRL, now;

	if (has_changed(change, at, PCI_PASID_CTRL_PRIV, &now) && has_ats(change->fn))
		refuse(change, at, PCI_PASID_CTRL_PRIV, "PASID control changes while ATS is off");
	if (!has_changed(change, at, PCI_PASID_CTRL_ENABLE, &now))
		return;
	if (has_ats(change->fn))
		refuse(change, at, PCI_PASID_CTRL_ENABLE, "PASID control changes while ATS is off");
	else if (dev_pasid_enable_nowait(change->fn->dev, now & PCI_PASID_CTRL_ENABLE) != 0)
		refuse(change, at, PCI_PASID_CTRL_ENABLE,
		       "PASID Enable changes while all queues are disabled");
}

static void
write_pri(struct change *change)
{
	struct fn *fn = change->fn;
	uint32_t at = fn->pri + PCI_PRI_CTRL, now, status;

	if (!has_changed(change, at, PCI_PRI_CTRL_ENABLE, &now))
		return;
	if (now & PCI_PRI_CTRL_ENABLE &&
	    pci_cfg_read(&fn->cfg, fn->pri + PCI_PRI_ALLOC_REQ, 4) == 0) {
		refuse(change, at, PCI_PRI_CTRL_ENABLE, "the allocation of page requests is 0");
		return;
	}
	status = pci_cfg_read(&fn->cfg, fn->pri + PCI_PRI_STATUS, 2) & ~PCI_PRI_STATUS_STOPPED;
	pci_cfg_set(&fn->cfg, fn->pri + PCI_PRI_STATUS, 2,
		    status | (now & PCI_PRI_CTRL_ENABLE ? 0 : PCI_PRI_STATUS_STOPPED));
}

static void
write_page_size(struct change *change)
{
	struct fn *fn = change->fn;
	uint32_t at = fn->siov + SIOV_PAGE_SIZE_AT;
	uint32_t bit = pci_cfg_read(&fn->cfg, at, 4);

	if (pci_cfg_read(&change->before, at, 4) == bit)
		return;
	if (pci_cfg_read(&fn->cfg, PCI_COMMAND, 2) & PCI_COMMAND_MEMORY)
		refuse(change, at, UINT32_MAX,
		       "the system page size changes before Memory Space Enable");
	else if (bit == 0 || (bit & (bit - 1)) != 0 || !(bit & fn->page_sizes))
		refuse(change, at, UINT32_MAX, "the system page size is one of the supported ones");
	else if (siov_dev_set_page_bytes(fn->dev, UINT64_C(4096) * bit) != 0)
		refuse(change, at, UINT32_MAX,
		       "the system page size changes while there are no ADIs");
	else
		lay_out_again(change->pci, fn);
}

/* With H, functions of one list are in one mode, or no ADI of any can be enabled. */
static void
check_list(struct siov_pci *pci, unsigned int first)
{
	enum siov_dev_mode mode = siov_dev_get_mode(pci->fns[first].dev);
	bool is_mixed = false;
	unsigned int i = first;

	if (!pci->conf.is_homogeneous)
		return;
	do {
		is_mixed |= siov_dev_get_mode(pci->fns[i].dev) != mode;
		i = pci->fns[i].next_fn;
	} while (i != first);
	do {
		dev_set_mixed(pci->fns[i].dev, is_mixed);
		i = pci->fns[i].next_fn;
	} while (i != first);
	if (is_mixed)
		CTRL_LOG(WARNING,
			 "functions that depend on function %u are in different modes: "
			 "none is enabled for Scalable IOV",
			 first);
}

/* With H: whether another mode would leave ADIs of other functions in the wrong company. */
static bool
would_mix(const struct siov_pci *pci, unsigned int first, enum siov_dev_mode mode)
{
	unsigned int i = pci->fns[first].next_fn;

	for (; pci->conf.is_homogeneous && i != first; i = pci->fns[i].next_fn) {
		struct siov_dev *dev = pci->fns[i].dev;

		if (siov_dev_get_mode(dev) != mode && siov_dev_adi_used(dev) != 0)
			return true;
	}
	return false;
}

static void
write_mode(struct change *change)
{
	struct fn *fn = change->fn;
	uint32_t at = fn->vendor + SIOV_PCI_VSEC_MODE;
	uint32_t mode = pci_cfg_read(&fn->cfg, at, 4);

	if (pci_cfg_read(&change->before, at, 4) == mode)
		return;
	if (would_mix(change->pci, change->i, (enum siov_dev_mode)mode))
		refuse(change, at, UINT32_MAX,
		       "functions that depend on this one have ADIs in the other mode");
	else if (siov_dev_set_mode(fn->dev, (enum siov_dev_mode)mode) != 0)
		refuse(change, at, UINT32_MAX,
		       "the mode changes while there are no ADIs and no enabled queues");
	else
		check_list(change->pci, change->i);
}

/* Everything but what a reset leaves. The page size follows when no ADI is left. */
static void
begin_flr(struct change *change)
{
	struct fn *fn = change->fn;

	pci_cfg_reset(&fn->cfg);
	pci_cfg_set(&fn->cfg, fn->express + PCI_EXP_DEVSTA, 2, PCI_EXP_DEVSTA_TRPND);
	fn->is_in_flr = true;
	dev_flr_begin(fn->dev);
}

static void
end_flr(struct siov_pci *pci, unsigned int i)
{
	struct fn *fn = &pci->fns[i];

	if (!fn->is_in_flr || dev_flr_poll(fn->dev))
		return;
	fn->is_in_flr = false;
	dev_forget_pci(fn->dev);
	check_list(pci, i);
	lay_out_again(pci, fn);
	pci_cfg_set(&fn->cfg, fn->express + PCI_EXP_DEVSTA, 2, 0);
}

/* ---- configuration space ---- */

static void
write_cfg(struct change *change, uint32_t value)
{
	struct fn *fn = change->fn;
	uint8_t before[PCI_CFG_ROOM];

	if (pci_cfg_sets_flr(fn->express, change->offset, change->width, value)) {
		begin_flr(change);
		return;
	}
	memcpy(before, fn->cfg.bytes, sizeof(before));
	change->before.bytes = before;
	pci_cfg_write(&fn->cfg, change->offset, change->width, value);
	write_command(change);
	write_msix(change);
	write_pasid(change);
	write_pri(change);
	write_page_size(change);
	write_mode(change);
}

static struct fn *
find_fn(struct siov_pci *pci, unsigned int fn)
{
	if (fn >= pci->nb_fns || siov_atomic_load(&pci->fns[fn].is_lost, relaxed))
		return NULL;
	return &pci->fns[fn];
}

uint32_t
siov_pci_cfg_read(struct siov_pci *pci, unsigned int fn, unsigned int offset, unsigned int width)
{
	struct fn *on = find_fn(pci, fn);
	uint32_t value;

	if (on == NULL || !pci_cfg_is_access(offset, width))
		return (uint32_t)pci_all_ones(width);
	pthread_mutex_lock(&pci->lock);
	end_flr(pci, fn);
	value = pci_cfg_read(&on->cfg, offset, width);
	pthread_mutex_unlock(&pci->lock);
	return value;
}

void
siov_pci_cfg_write(struct siov_pci *pci, unsigned int fn, unsigned int offset, unsigned int width,
		   uint32_t value)
{
	struct change change = {
		.pci = pci,
		.fn = find_fn(pci, fn),
		.i = fn,
		.offset = offset,
		.width = width,
	};

	if (change.fn == NULL || !pci_cfg_is_access(offset, width))
		return;
	pthread_mutex_lock(&pci->lock);
	end_flr(pci, fn);
	/* While it is being reset it takes nothing. */
	if (!change.fn->is_in_flr)
		write_cfg(&change, value);
	pthread_mutex_unlock(&pci->lock);
}

/* ---- BARs ---- */

static bool
decodes(struct siov_pci *pci, const struct fn *fn)
{
	bool is_on;

	pthread_mutex_lock(&pci->lock);
	is_on = !fn->is_in_flr && pci_cfg_read(&fn->cfg, PCI_COMMAND, 2) & PCI_COMMAND_MEMORY;
	pthread_mutex_unlock(&pci->lock);
	return is_on;
}

uint64_t
siov_pci_mmio_read(struct siov_pci *pci, unsigned int fn, unsigned int bar, uint64_t offset,
		   unsigned int width)
{
	struct fn *on = find_fn(pci, fn);
	uint64_t value;

	if (on != NULL && decodes(pci, on) &&
	    siov_dev_mmio_read(on->dev, bar, offset, width, &value) == 0)
		return value;
	return pci_all_ones(width);
}

void
siov_pci_mmio_write(struct siov_pci *pci, unsigned int fn, unsigned int bar, uint64_t offset,
		    unsigned int width, uint64_t value)
{
	struct fn *on = find_fn(pci, fn);

	if (on != NULL && decodes(pci, on))
		siov_dev_mmio_write(on->dev, bar, offset, width, value);
}

/* ---- life ---- */

void
siov_pci_conf_init(struct siov_pci_conf *conf)
{
	unsigned int i;

	*conf = (struct siov_pci_conf){0};
	for (i = 0; i < SIOV_PCI_FNS_MAX; i++)
		conf->fns[i].next_fn = (uint8_t)i;
}

/* Functions of one PCI device: they differ in nothing but their number, and in that. */
static bool
is_one_device(const struct siov_pci_conf *conf)
{
	uint16_t first = siov_dev_get_conf(conf->fns[0].dev)->rid;
	unsigned int i, seen = 0;

	for (i = 0; i < conf->nb_fns; i++) {
		uint16_t rid = siov_dev_get_conf(conf->fns[i].dev)->rid;

		if ((rid & ~FN_MASK) != (first & ~FN_MASK) || seen >> (rid & FN_MASK) & 1)
			return false;
		seen |= 1u << (rid & FN_MASK);
	}
	return true;
}

/* Each function is the next one of exactly one: then lists close on their first. */
static int
check_conf(const struct siov_pci_conf *conf)
{
	unsigned int i, seen = 0;

	if (conf->nb_fns == 0 || conf->nb_fns > SIOV_PCI_FNS_MAX)
		return -EINVAL;
	for (i = 0; i < conf->nb_fns; i++) {
		const struct siov_pci_fn_conf *fn = &conf->fns[i];

		if (fn->dev == NULL || fn->next_fn >= conf->nb_fns || seen >> fn->next_fn & 1 ||
		    (fn->page_sizes & ~SIOV_BARS_PAGES) != 0 ||
		    (fn->page_sizes != 0 && !(fn->page_sizes & 1)))
			return -EINVAL;
		seen |= 1u << fn->next_fn;
	}
	return is_one_device(conf) ? 0 : -EINVAL;
}

/* All that can fail, before any device is changed. */
static int
init_fn(struct siov_pci *pci, struct fn *fn, const struct siov_pci_fn_conf *conf)
{
	fn->dev = conf->dev;
	fn->page_sizes = conf->page_sizes != 0 ? conf->page_sizes : SIOV_BARS_PAGES;
	fn->next_fn = conf->next_fn;
	if (siov_dev_is_lost(fn->dev))
		return -ENODEV;
	if (dev_is_busy(fn->dev))
		return -EBUSY;
	return pci_cfg_init(&fn->cfg, &fn->map, pci->mem);
}

static int
reset_fn(struct siov_pci *pci, struct fn *fn)
{
	int ret;

	ret = dev_pasid_enable_nowait(fn->dev, false);
	if (ret == 0)
		ret = dev_forget_pci(fn->dev);
	if (ret != 0)
		return ret;
	dev_set_mixed(fn->dev, false);
	build_map(pci, fn);
	pci_cfg_reset(&fn->cfg);
	return 0;
}

int
siov_pci_create(const struct siov_pci_conf *conf, struct siov_pci **out)
{
	const struct siov_mem *mem = conf->mem != NULL ? conf->mem : siov_mem_eal();
	struct siov_pci *pci;
	unsigned int i;
	int ret;

	ret = check_conf(conf);
	if (ret != 0)
		return ret;
	pci = siov_mem_alloc(mem, "siov_pci", sizeof(*pci), RTE_CACHE_LINE_SIZE, -1);
	if (pci == NULL)
		return -ENOMEM;
	pci->mem = mem;
	pci->conf = *conf;
	pci->nb_fns = conf->nb_fns;
	pthread_mutex_init(&pci->lock, NULL);
	for (i = 0; i < conf->nb_fns && ret == 0; i++)
		ret = init_fn(pci, &pci->fns[i], &conf->fns[i]);
	for (i = 0; i < conf->nb_fns && ret == 0; i++)
		ret = reset_fn(pci, &pci->fns[i]);
	if (ret == 0)
		*out = pci;
	else
		siov_pci_free(pci);
	return ret;
}

void
siov_pci_free(struct siov_pci *pci)
{
	unsigned int i;

	if (pci == NULL)
		return;
	for (i = 0; i < pci->nb_fns; i++)
		pci_cfg_fini(&pci->fns[i].cfg, pci->mem);
	pthread_mutex_destroy(&pci->lock);
	siov_mem_free(pci->mem, pci);
}

unsigned int
siov_pci_nb_fns(const struct siov_pci *pci)
{
	return pci->nb_fns;
}

struct siov_dev *
siov_pci_fn_dev(struct siov_pci *pci, unsigned int fn)
{
	return fn < pci->nb_fns ? pci->fns[fn].dev : NULL;
}

int
siov_pci_fail(struct siov_pci *pci, unsigned int fn)
{
	if (fn >= pci->nb_fns)
		return -EINVAL;
	if (siov_atomic_exchange(&pci->fns[fn].is_lost, true, relaxed))
		return -EALREADY;
	dev_lose(pci->fns[fn].dev);
	if (pci->conf.on_lost != NULL)
		pci->conf.on_lost(pci->conf.lost_arg, fn);
	return 0;
}

bool
siov_pci_is_lost(struct siov_pci *pci, unsigned int fn)
{
	return fn >= pci->nb_fns || siov_atomic_load(&pci->fns[fn].is_lost, relaxed);
}

void
siov_pci_dump(FILE *f, struct siov_pci *pci, unsigned int fn)
{
	if (fn >= pci->nb_fns)
		return;
	pthread_mutex_lock(&pci->lock);
	pci_cfg_dump(f, &pci->fns[fn].cfg, siov_dev_get_conf(pci->fns[fn].dev)->rid);
	pthread_mutex_unlock(&pci->lock);
}

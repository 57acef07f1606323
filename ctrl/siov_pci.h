/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file
 * PCI functions: what system software and a host driver see of devices before they know anything.
 *
 *     host driver ── siov_pci_cfg_read, _write ──► configuration space, 4 KiB of each function
 *                 ── siov_pci_mmio_read, _write ─► BARs, while Memory Space Enable is set
 *                                                    └► siov_dev: one for each function
 *
 * Capabilities: PCI Express with FLR and as a DMWr completer, MSI-X, PASID, ATS, PRI, Device 3, the
 * Scalable IOV DVSEC, and a vendor-specific one with the mode register (SIOV_PCI_VSEC_MODE).
 *
 * What a register is written with takes effect at once: MSI-X, PASID Enable, system page size, mode.
 * What the device cannot do now is refused: the bit stays as it was, and a line is logged. The
 * specification leaves undefined what then happens; this is what this one does.
 *
 * A function-level reset goes on by itself where a control lcore runs, else whenever configuration
 * space is read; Transactions Pending is set meanwhile.
 *
 * Order of calls: siov_dev_create for each function; siov_pci_create; …; siov_pci_free; siov_dev_free.
 *
 * Thread: any but an engine's; it locks inside.
 *
 * Spec: 7.2, 7.8, 10 (requirements 7.2.1, 7.8.1 to 7.8.6, 6.2.7, 10.1).
 */
#ifndef SIOV_PCI_H
#define SIOV_PCI_H

#include "siov_dev.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SIOV_PCI_FNS_MAX 8u /**< functions of a device */
#define SIOV_PCI_VENDOR 0x8086u /**< vendor id: Intel */
#define SIOV_PCI_DEVICE 0x0b25u /**< DSA */

/* The vendor-specific extended capability (000bh): registers behind its two headers. */
#define SIOV_PCI_VSEC_ID 0x510fu /**< id of the capability */
#define SIOV_PCI_VSEC_MODES 0x8u /**< read only: modes that there are, bits by enum siov_dev_mode */
#define SIOV_PCI_VSEC_MODE 0xcu /**< enum siov_dev_mode: written while there are no ADIs */
#define SIOV_PCI_VSEC_ADICAP \
	0x10u /**< offset in BAR0 of the capabilities of ADIs (siov_regs_hw.h) */

/** Functions of one device; opaque. */
struct siov_pci;

/** One function. */
struct siov_pci_fn_conf {
	struct siov_dev *dev; /**< outlives it */
	uint32_t page_sizes; /**< DVSEC: of SIOV_BARS_PAGES, with bit 0; 0: all of them */
	uint8_t next_fn; /**< dependency link, an index here: its own if it depends on none */
};

/** Functions to be made. */
struct siov_pci_conf {
	unsigned int nb_fns; /**< 1 to SIOV_PCI_FNS_MAX */
	struct siov_pci_fn_conf fns[SIOV_PCI_FNS_MAX]; /**< the first nb_fns */
	bool is_homogeneous; /**< functions that depend on each other have one mode (flag H) */
	const struct siov_mem *mem; /**< NULL: siov_mem_eal() */
	/** Called once for a function that was lost, by siov_pci_fail()'s caller; or NULL. */
	void (*on_lost)(void *arg, unsigned int fn);
	void *lost_arg; /**< argument of on_lost */
};

/** Set defaults: no function, none depends on another. */
SIOV_API void siov_pci_conf_init(struct siov_pci_conf *conf);

/**
 * Make functions of devices. Each is as after a reset: not enabled in any way, and PASIDs are disabled
 * in its device.
 *
 * @return 0; -EINVAL a number, page sizes, links that are no closed lists, or requester ids that are
 *         not those of different functions of one PCI device; -ENODEV a device was lost; -EBUSY it
 *         has ADIs or enabled queues; -ENOMEM. On error no device has changed.
 */
SIOV_API int siov_pci_create(const struct siov_pci_conf *conf, struct siov_pci **out);

/** Free it; the devices stay as they are. NULL is fine. */
SIOV_API void siov_pci_free(struct siov_pci *pci);

/** Number of functions. */
SIOV_API unsigned int siov_pci_nb_fns(const struct siov_pci *pci);

/** The device of a function: what its driver's commands go to. NULL: no such function. */
SIOV_API struct siov_dev *siov_pci_fn_dev(struct siov_pci *pci, unsigned int fn);

/**
 * Read configuration space.
 *
 * @param width 1, 2 or 4; aligned.
 * @return the value; all ones: no such function, a lost one, or no such access.
 */
SIOV_API uint32_t siov_pci_cfg_read(struct siov_pci *pci, unsigned int fn, unsigned int offset,
				    unsigned int width);
/** Write configuration space; as siov_pci_cfg_read(). What is not allowed is dropped. */
SIOV_API void siov_pci_cfg_write(struct siov_pci *pci, unsigned int fn, unsigned int offset,
				 unsigned int width, uint32_t value);

/**
 * Read from a BAR, see siov_dev_mmio_read().
 *
 * @return the value; all ones: Memory Space Enable is clear, the function is lost, or no such access.
 */
SIOV_API uint64_t siov_pci_mmio_read(struct siov_pci *pci, unsigned int fn, unsigned int bar,
				     uint64_t offset, unsigned int width);
/** Write to a BAR; as siov_pci_mmio_read(). What is not allowed is dropped. */
SIOV_API void siov_pci_mmio_write(struct siov_pci *pci, unsigned int fn, unsigned int bar,
				  uint64_t offset, unsigned int width, uint64_t value);

/**
 * Lose a function, as when it is pulled out: nothing that its device had accepted is done any more, and
 * it answers nothing. There is no way back.
 *
 * @return 0; -EINVAL no such function; -EALREADY.
 */
SIOV_API int siov_pci_fail(struct siov_pci *pci, unsigned int fn);

/** Whether the function was lost. */
SIOV_API bool siov_pci_is_lost(struct siov_pci *pci, unsigned int fn);

/** Print a function's configuration space, as lspci -F reads it. */
SIOV_API void siov_pci_dump(FILE *f, struct siov_pci *pci, unsigned int fn);

#ifdef __cplusplus
}
#endif

#endif /* SIOV_PCI_H */

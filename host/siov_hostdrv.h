/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file
 * The host driver of one function: it finds the device through configuration space and registers only,
 * and is where a VDCM, or any other software of the host, gets ADIs from.
 *
 * What a host driver is to support (specification, Table 4-1), and where it is:
 *
 *     Scalable IOV capability reporting        siov_hostdrv_get_caps: has_siov, has_ims
 *     types and numbers of ADIs and VDEVs      siov_hostdrv_get_caps, _type; siov_vdcm_type, _room
 *     resources that each ADI type needs       siov_hostdrv_type
 *     generational compatibility               siov_hostdrv_generation, _set_generation
 *     ADIs: allocation and configuration       siov_hostdrv_adi_create, _destroy
 *           reset, drain, abort, release       siov_dev_adi_reset, _drain, _abort, _release
 *     PASIDs of ADIs                           siov_adi_conf: pasid, control_pasid
 *     interrupt message storage                siov_dev_adi_set_message, _get_message
 *     guest to host channel                    siov_dev_mbox_attach, siov_hostdrv_set_vector
 *     quality of service                       siov_dev_adi_set_qos
 *     suspend and save, restore and resume     siov_dev_adi_suspend, _save, _restore, _resume
 *
 * siov_dev_* are the device's commands; they go to siov_hostdrv_dev().
 *
 * Order of calls: siov_pci_create; siov_hostdrv_probe; …; siov_hostdrv_remove.
 *
 * Thread: any but an engine's; calls on one driver may come from several threads.
 *
 * Spec: 9.1 (requirements 9.1.1 to 9.1.10), 10.1.
 */
#ifndef SIOV_HOSTDRV_H
#define SIOV_HOSTDRV_H

#include "siov_dev_adi.h"
#include "siov_dev_mmio.h"
#include "siov_mbox.h"
#include "siov_pci.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A host driver; opaque. */
struct siov_hostdrv;

/** How to take a function. */
struct siov_hostdrv_conf {
	uint64_t page_bytes; /**< system page size; 0: 4096 */
};

/** What was found. */
struct siov_hostdrv_caps {
	uint16_t vendor; /**< PCI vendor id */
	uint16_t device; /**< PCI device id */
	uint8_t revision; /**< PCI revision */
	bool has_siov; /**< the DVSEC is there, and the mode register offers it */
	bool has_ims; /**< interrupt message storage */
	bool has_ats; /**< ATS capability */
	bool has_prs; /**< PRI capability */
	bool is_dmwr_completer; /**< it takes Deferrable Memory Writes */
	uint32_t pasid_bits; /**< width of PASIDs */
	uint32_t page_sizes; /**< bit n: 2^(n + 12) */
	uint64_t page_bytes; /**< the chosen one */
	uint64_t bar_bytes[2]; /**< BAR0, BAR2 */
	uint32_t version; /**< registers from here on */
	uint64_t gencap; /**< GENCAP */
	uint64_t opcap[4]; /**< bit n: operation n */
	uint32_t nb_wqs; /**< queues */
	uint32_t wqs_size; /**< entries of all queues together */
	uint32_t nb_groups; /**< groups */
	uint32_t nb_engines; /**< engines */
	uint32_t xfer_max; /**< bytes */
	uint32_t batch_max; /**< descriptors */
	uint32_t nb_adis; /**< ADIs */
	uint32_t nb_ims; /**< IMS entries */
	uint32_t nb_msix; /**< MSI-X vectors */
	uint32_t nb_types; /**< of ADIs */
};

/** An ADI type: what one takes. */
struct siov_hostdrv_type {
	const char *name; /**< as the command line has it */
	bool has_swq; /**< a context on a shared queue */
	uint32_t dwqs_min; /**< dedicated queues */
	uint32_t dwqs_max; /**< most; 0: none */
	uint32_t messages_max; /**< interrupt messages */
	uint32_t pages; /**< enum siov_adi_page */
};

/** What software may use of a device, so that another generation can take its place. */
struct siov_hostdrv_generation {
	uint32_t version; /**< of the registers */
	uint64_t gencap; /**< features only: without sizes */
	uint64_t opcap[4]; /**< bit n: operation n */
	uint32_t xfer_max; /**< bytes */
	uint32_t batch_max; /**< descriptors */
};

/** Features in GENCAP; the rest are sizes. */
#define SIOV_HOSTDRV_FEATURES \
	(SIOV_GENCAP_BOF | SIOV_GENCAP_OVERLAP | SIOV_GENCAP_CACHE | SIOV_GENCAP_FLUSH | \
	 SIOV_GENCAP_DRDBK)

/**
 * Take a function: find its capabilities, choose the system page size, place its BARs, enable memory, bus
 * master, PASIDs, page requests, ATS and MSI-X, read its registers, and enable its shared queues.
 *
 * @param conf NULL: the defaults.
 * @return 0; -EINVAL page size; -ENODEV no such function; -ENOTSUP a capability that Scalable IOV needs
 *         is not there or has other values; -EIO it does not take what is written; -ENOMEM; an error of
 *         siov_dev_wq_enable().
 */
SIOV_API int siov_hostdrv_probe(struct siov_pci *pci, unsigned int fn,
				const struct siov_hostdrv_conf *conf, struct siov_hostdrv **out);

/** Let it go: its queues are disabled, then all that probe enabled. @return 0; -EBUSY it has ADIs; -ETIMEDOUT. NULL is fine. */
SIOV_API int siov_hostdrv_remove(struct siov_hostdrv *drv);

/** What probe found; valid as long as the driver. */
SIOV_API const struct siov_hostdrv_caps *siov_hostdrv_get_caps(const struct siov_hostdrv *drv);

/** Type @p i of ADIs, 0 to nb_types - 1. @return 0 or -ERANGE. */
SIOV_API int siov_hostdrv_type(const struct siov_hostdrv *drv, unsigned int i,
			       struct siov_hostdrv_type *type);

/** Where its commands go. */
SIOV_API struct siov_dev *siov_hostdrv_dev(struct siov_hostdrv *drv);
/** The functions that it has one of. */
SIOV_API struct siov_pci *siov_hostdrv_pci(struct siov_hostdrv *drv);
/** Index of its function. */
SIOV_API unsigned int siov_hostdrv_fn(const struct siov_hostdrv *drv);

/**
 * Program a vector of the function, and unmask it: the host's own events, vector 0.
 *
 * @return 0; -ERANGE it has no such vector.
 */
SIOV_API int siov_hostdrv_set_vector(struct siov_hostdrv *drv, unsigned int vector, uint64_t addr,
				     uint32_t data);

/** Clear causes of the function's own interrupt, bits of INTCAUSE. */
SIOV_API void siov_hostdrv_ack(struct siov_hostdrv *drv, uint32_t causes);

/** What it offers: all that the device has, or what was set. */
SIOV_API void siov_hostdrv_generation(struct siov_hostdrv *drv,
				      struct siov_hostdrv_generation *gen);

/**
 * Offer less than the device has.
 *
 * @return 0; -EINVAL it has less than that; -EBUSY there are ADIs.
 */
SIOV_API int siov_hostdrv_set_generation(struct siov_hostdrv *drv,
					 const struct siov_hostdrv_generation *gen);

/** Whether something offers no more than something else. */
SIOV_API bool siov_hostdrv_is_subset(const struct siov_hostdrv_generation *gen,
				     const struct siov_hostdrv_generation *of);

/** Whether the function was lost. No lock. */
SIOV_API bool siov_hostdrv_is_lost(const struct siov_hostdrv *drv);

/**
 * Allocate and configure an ADI.
 *
 * @param conf wq_id UINT32_MAX: the shared queue with fewest ADIs that has none of this PASID; it is
 *             written back.
 * @return 0; -ENODEV lost; -ENOSPC no shared queue; or an error of siov_dev_adi_alloc(), _configure().
 *         Nothing is left behind.
 */
SIOV_API int siov_hostdrv_adi_create(struct siov_hostdrv *drv, enum siov_adi_type type,
				     enum siov_adi_owner owner, struct siov_adi_conf *conf,
				     uint32_t *id);

/** Give it back. @return as siov_dev_adi_release(). */
SIOV_API int siov_hostdrv_adi_destroy(struct siov_hostdrv *drv, uint32_t id);

#ifdef __cplusplus
}
#endif

#endif /* SIOV_HOSTDRV_H */

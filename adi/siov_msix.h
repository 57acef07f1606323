/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file
 * MSI-X of the function: vector table, pending bits, and the PASID that each vector is for.
 *
 *     host driver --write(offset)--> [ vector: address, data, control ] --> siov_ir_deliver
 *                 --read(offset)---> [ pending bits ]
 *                 --set_control----> enable, function mask
 *
 * Bytes are those of PCI Express: 16 a vector (address 8, data 4, control 4 with the mask in bit 0,
 * set after reset), one pending bit a vector in words of 64. MSIXPERM is DSA's: bit 2 any PASID,
 * bit 3 PASID enable, bits 31:12 PASID. Raising and pending are as in siov_ims.h.
 *
 * A driver that changes address and data of a vector by several writes masks it before: each write
 * goes into effect alone, and whole.
 *
 * Order of calls: create; set_control with enable; write; engines raise; free.
 * Thread: control, locks inside; not by engines.
 * Spec: 7.5.1 (requirement 7.5.6).
 */
#ifndef SIOV_MSIX_H
#define SIOV_MSIX_H

#include "siov_ims.h"

#ifdef __cplusplus
extern "C" {
#endif

/** MSI-X state of a function; opaque. */
struct siov_msix;

#define SIOV_MSIX_VECTORS_MAX 2048u /**< vectors of a function */
#define SIOV_MSIX_VECTOR_BYTES 16u /**< of a table entry */
#define SIOV_MSIX_CONTROL_MASK 0x4000u /**< function mask, of message control */
#define SIOV_MSIX_CONTROL_ENABLE 0x8000u /**< message control: MSI-X Enable */

/** Configuration. */
struct siov_msix_conf {
	const struct siov_mem *mem; /**< NULL: siov_mem_eal(); must outlive the object */
	struct siov_ir *ir; /**< where messages go; must outlive the object */
	uint64_t tsc_hz; /**< cycles a second of the engines' clock, from 1,000,000 on */
	int socket_id; /**< NUMA node, -1: any */
	unsigned int nb_vectors; /**< 1 to SIOV_MSIX_VECTORS_MAX */
	unsigned int nb_engines; /**< 1 to SIOV_IMS_ENGINES_MAX */
	uint16_t rid; /**< requester id of the function */
};

/**
 * Create the state after reset: vectors masked and zero, MSI-X disabled.
 *
 * @param out the caller frees it with siov_msix_free().
 * @return 0; -EINVAL; -ENOMEM.
 */
SIOV_API int siov_msix_create(const struct siov_msix_conf *conf, struct siov_msix **out);

/** Free; nobody raises any more. NULL is allowed. */
SIOV_API void siov_msix_free(struct siov_msix *msix);

/** Back to the state after reset; pending bits are cleared. Engines may raise meanwhile. */
SIOV_API void siov_msix_reset(struct siov_msix *msix);

/** Back to the state after reset: one vector. @return 0; -ERANGE vector. */
SIOV_API int siov_msix_reset_vector(struct siov_msix *msix, uint32_t vector);

/** Raise a vector: the function's own events. @return 0; -ERANGE vector. */
SIOV_API int siov_msix_trigger(struct siov_msix *msix, uint32_t vector);

/**
 * Write message control: unmasking the function sends what is pending and not masked.
 *
 * @param control bits 14 and 15; the others are read only, and ignored.
 */
SIOV_API void siov_msix_set_control(struct siov_msix *msix, uint16_t control);

/** Read message control: table size - 1, function mask, enable. */
SIOV_API uint16_t siov_msix_control(struct siov_msix *msix);

/**
 * Read the vector table.
 *
 * @param offset bytes from its begin. @param width 4 or 8. @param value zero-extended.
 * @return 0; -EINVAL width or alignment; -ERANGE beyond the end.
 */
SIOV_API int siov_msix_read(struct siov_msix *msix, uint64_t offset, unsigned int width,
			    uint64_t *value);

/** Write the vector table; reserved bits are ignored. As siov_msix_read(). */
SIOV_API int siov_msix_write(struct siov_msix *msix, uint64_t offset, unsigned int width,
			     uint64_t value);

/** Read pending bits; beyond the last vector they are 0, up to the last word. As the table. */
SIOV_API int siov_msix_read_pba(struct siov_msix *msix, uint64_t offset, unsigned int width,
				uint64_t *value);

/** Write MSIXPERM of a vector. @return 0; -ERANGE vector; -EINVAL reserved bits. */
SIOV_API int siov_msix_set_perm(struct siov_msix *msix, uint32_t vector, uint32_t perm);

/** Read MSIXPERM of a vector. @return 0; -ERANGE vector. */
SIOV_API int siov_msix_perm(struct siov_msix *msix, uint32_t vector, uint32_t *perm);

/** Read the counters, by enum siov_ims_count; entries and used are vectors. */
SIOV_API void siov_msix_stats(struct siov_msix *msix, struct siov_ims_stats *stats);

#ifdef __cplusplus
}
#endif

#endif /* SIOV_MSIX_H */

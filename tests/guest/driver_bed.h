/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file
 * A guest with its driver, on vCPU 0 of a machine: what it was told, and work to submit.
 *
 *     struct driver_bed *bed = driver_bed_open("mixed", 2);   machine, VDEV, driver that has probed
 *     driver_bed_use(bed, 1, PASID, &queue);                  queue enabled and open
 *     driver_bed_copy(bed, &queue, 0);                        a copy, checked
 *     driver_bed_close(bed);
 */
#ifndef DRIVER_BED_H
#define DRIVER_BED_H

#include "machine.h"
#include "siov_guest.h"

#define BED_STATE UINT64_C(0x1000) /**< where things are in the guest's memory */
#define BED_COMPS UINT64_C(0x2000) /**< 64 records */
#define BED_SRC UINT64_C(0x10000)
#define BED_DST UINT64_C(0x20000)
#define BED_LEN 3000u
#define BED_VECTOR 64u
#define BED_PASID 5u /**< of queue 0; queue i has PASID BED_PASID + i */

struct driver_bed {
	struct machine *machine;
	uint16_t bdf;
	struct siov_vcpu *vcpu;
	struct siov_guest *guest;
	/* told by the driver */
	unsigned int nb_interrupts[SIOV_GUEST_WQS_MAX];
	unsigned int nb_halts, nb_handles, nb_errors;
	uint8_t code;
};

/** Machine with a VDEV, and vCPU 0 entered; its driver has probed. */
struct driver_bed *driver_bed_open(const char *type, uint32_t nb_dwqs);

/** The same on a machine that is there, with a configuration; the machine is closed with it. */
struct driver_bed *driver_bed_open_on(struct machine *machine, struct siov_vdev_conf *conf,
				      const char *type, uint32_t nb_dwqs);

/** The driver lets go, the VDEV is unplugged; all of it must work. */
void driver_bed_close(struct driver_bed *bed);

/** The driver's configuration: bdf, state, vectors, callbacks into the bed. */
struct siov_guest_conf driver_bed_conf(struct driver_bed *bed);

/** Enable queue @p wq for its PASID, and open it. */
void driver_bed_use(struct driver_bed *bed, unsigned int wq, struct siov_guest_queue *queue);

/** Disable and close it. */
void driver_bed_unuse(struct driver_bed *bed, struct siov_guest_queue *queue);

/** Wait for record @p comp, which must come; its status. */
uint8_t driver_bed_wait(struct driver_bed *bed, unsigned int comp);

/** A descriptor that reports into record @p comp, which is cleared. */
struct dsa_hw_desc driver_bed_desc(struct driver_bed *bed, uint8_t opcode, unsigned int comp);

/** Submit, until it is accepted. */
void driver_bed_submit(struct driver_bed *bed, struct siov_guest_queue *queue,
		       const struct dsa_hw_desc *desc);

/** Copy BED_LEN bytes from BED_SRC to BED_DST, and see that they are there. */
void driver_bed_copy(struct driver_bed *bed, struct siov_guest_queue *queue, unsigned int comp);

/** Poll until a counter of the bed is as high. */
void driver_bed_await(struct driver_bed *bed, const unsigned int *counter, unsigned int nb);

/** A no-op on @p queue with its interrupt: it must come, of no other queue. */
void driver_bed_interrupt(struct driver_bed *bed, struct siov_guest_queue *queue);

/** State of the VDEV as its host has it. */
struct siov_vdev_info driver_bed_info(struct driver_bed *bed);

#endif /* DRIVER_BED_H */

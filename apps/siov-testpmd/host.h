/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Host software over the rig's device: its PCI function, the host driver, the VDCM, a VMM, and the
 * machines of the prompt, each with one VDEV and a guest driver.
 *
 * Thread: created and freed with the device; machines are the prompt's thread's.
 */
#ifndef HOST_H
#define HOST_H

#include "siov_guest.h"
#include "siov_migrate.h"
#include "siov_vm.h"

#define HOST_IR_ENTRIES 65536u /* of interrupt remapping, in all */

/* One VDEV, the only one of its machine. */
struct host_machine {
	struct siov_vm *vm; /* NULL: the place is free */
	uint16_t bdf;
	uint32_t id; /* of the VDEV */
	struct siov_guest *guest;
};

struct host {
	struct siov_dev *dev;
	struct siov_pci *pci;
	struct siov_hostdrv *drv;
	struct siov_vdcm *vdcm;
	struct siov_vmm *vmm;
	struct siov_cpu *cpu; /* that runs the guest drivers: the prompt's thread */
	struct host_machine *machines;
	uint32_t nb_machines;
};

/*
 * Find the device by its configuration space; its queues are disabled as they were. ir_first: first entry
 * of the remapping table that is the VDCM's. 0 or a negative errno; host_free is due either way.
 */
int host_create(struct host *host, struct siov_dev *dev, struct siov_ir *ir, uint32_t ir_first,
		struct siov_loop *loop);
void host_free(struct host *host);

/* A machine with a VDEV of a type, run by a guest driver; its queues are enabled. 0 or an errno. */
int host_make(struct host *host, const struct siov_vdev_type *type, uint32_t nb_dwqs, uint32_t *id);

/* VDEVs need the shared queues, which the host driver enables. 0 or a negative errno. */
int host_enable_shared(struct host *host);

/* The machine of a VDEV, or NULL. */
struct host_machine *host_find(struct host *host, uint32_t id);

int host_destroy(struct host_machine *machine);

/* The VDEV is reset, and set up again by its driver. */
int host_reset(struct host_machine *machine);

/* Bring saved state into it; its driver takes it up. */
int host_restore(struct host_machine *machine, const void *image, size_t len);

/* Send a machine, which is destroyed here, or receive one. */
int host_send(struct host_machine *machine, int fd, struct siov_migrate_stats *stats);
int host_receive(struct host *host, int fd, uint32_t *id);

/* Receive on a thread of its own what host_send() sends: from one machine to another here. */
int host_move(struct host *host, struct host_machine *machine, struct siov_migrate_stats *stats,
	      uint32_t *id);

#endif /* HOST_H */

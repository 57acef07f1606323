/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Clients that are guests: an address space is the memory of a VM, a PASID the work of a guest driver
 * in one of its VDEVs, a client one of its vCPUs.
 *
 *     guest (VM)   0 .... states of the drivers .... iova .............. end of memory
 *                                                    what a guest has otherwise
 *
 * The guest drivers run on the main lcore, as all set-up does; what they have opened is submitted to
 * by the clients' lcores: a page of portals is the guest's own, nothing is in between.
 */
#ifndef VIA_VDEV_H
#define VIA_VDEV_H

#include "clients.h"

#define VIA_VDEV_BYTES (UINT64_C(16) << 10) /* of the host's memory for each, roughly */

/* A VM with memory for size bytes, nb_vdevs drivers' states and nb_vcpus. 0 or a negative errno. */
int via_create_guest(struct guest *guest, struct rig *rig, const struct guest_conf *conf,
		     const struct via_conf *via);

/* It has no VDEV any more. 0 or a negative errno. */
int via_free_guest(struct guest *guest);

/*
 * VDEV n of a guest, with its driver and its queue enabled, for guest PASID n + 1; the host's is known
 * when it was opened. 0 or a negative errno.
 */
int via_plug(struct client_pasid *pasid, uint32_t n, const struct siov_qos_conf *qos);

/* The driver lets go; its queue is closed, and nobody but the guest's first vCPU is one any more. */
int via_remove(struct client_pasid *pasid);

/* The VDEV goes; there is no vCPU any more. Each: 0 or a negative errno. */
int via_unplug(struct client_pasid *pasid);

/* The calling thread is a client's vCPU from now on. 0 or a negative errno. */
int via_enter(struct client *client, unsigned int vcpu);
void via_leave(struct client *client);

/* A portal of the client. 0 or a negative errno. */
int via_open(struct rig *rig, struct client *client, struct client_portal *portal);
void via_close(struct client_portal *portal);

#endif /* VIA_VDEV_H */

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Who submits, as whom, where to.
 *
 *     guest 0 (address space) ── PASID 1, 3, 5 ... ── submitter 0 ── one lane for each queue it uses
 *     guest 1                 ── PASID 2, 4, 6 ... ── submitter 1
 *
 * A PASID uses one queue and belongs to one submitter; only where there are fewer PASIDs than
 * submitters several share one, and its guest.
 */
#ifndef CLIENTS_H
#define CLIENTS_H

#include "guest.h"
#include "rig.h"

struct client_pasid {
	uint32_t pasid;
	uint32_t wq_id;
	struct guest *guest;
	bool is_allocated;
	bool is_bound;
	bool is_limited; /* by a workload's rules, until its end */
	struct siov_qos_conf former; /* limits before them */
	bool has_adi;
	uint32_t adi; /* its id */
	/* through a guest driver */
	bool has_vdev;
	uint16_t bdf;
	uint32_t guest_pasid;
	struct siov_guest *driver;
	bool is_injected; /* a fault; changed while no submitter runs */
};

/* One submitter's share of a PASID. */
struct client_portal {
	struct siov_portal *portal;
	struct siov_guest_queue queue; /* through a guest driver */
	struct client_pasid *pasid;
	uint64_t window; /* offset in the guest: memory of this portal alone */
};

struct client {
	struct siov_lane *lanes[SIOV_DEV_WQS_MAX]; /* by queue; NULL: not used */
	struct client_portal *portals;
	uint32_t nb_portals;
	struct guest *guest;
	struct siov_vcpu *vcpu; /* it is a guest's; NULL: it is none */
	/* offsets in the guest: memory of this client alone, then its portals' windows */
	uint64_t region;
	uint64_t windows;
	uint64_t end;
};

/* What is made of a VM. */
struct via_conf {
	uint32_t nb_vdevs;
	unsigned int nb_vcpus;
};

struct clients_conf {
	unsigned int nb_clients;
	uint32_t nb_pasids;
	enum submit_kind submit;
	uint64_t region_bytes; /* of each client, beside its windows */
	const struct qos_rules *qos; /* NULL: none */
	bool are_adis; /* each PASID is one */
	bool are_vdevs; /* each PASID is one's, the memory a VM's */
	struct guest_conf guest; /* size is computed */
	struct siov_prq **queues; /* by guest: mapped on demand; NULL: at once */
	/* bytes of each portal's window, given how many portals its client has */
	uint64_t (*window_bytes)(uint32_t nb_portals, const void *arg);
	const void *arg;
};

struct clients {
	struct rig *rig;
	struct client *client;
	unsigned int nb_clients;
	struct guest *guests;
	unsigned int nb_guests;
	struct client_pasid *pasids;
	uint32_t nb_pasids;
};

/* Queues that a way of submitting can use: their ids in wq_ids, SIOV_DEV_WQS_MAX; returns how many. */
unsigned int clients_list_wqs(const struct siov_dev_conf *conf, enum submit_kind submit,
			      uint32_t *wq_ids);

/* Address spaces that clients_create will make. */
unsigned int clients_count_guests(const struct clients_conf *conf);

/*
 * Make guests, PASIDs, lanes and portals, and enable the queues used. 0, or -1 after one line;
 * clients_free is due either way.
 */
int clients_create(struct clients *clients, struct rig *rig, const struct clients_conf *conf);

/* Take the lanes back; engines run, if anything may be left in them. 0, or -1 after one line. */
int clients_detach(struct clients *clients);

/* Take everything down; queues stay enabled. 0, or -1 after one line. */
int clients_free(struct clients *clients);

/* Bytes of guest memory that clients_create will ask for, each page size rounded up. */
uint64_t clients_bytes(const struct clients_conf *conf);

#endif /* CLIENTS_H */

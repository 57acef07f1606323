/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>

#include <rte_errno.h>

#include "adis.h"
#include "clients.h"
#include "complain.h"
#include "via_vdev.h"

static int
complain_step(const char *what, int err)
{
	if (err == -ENOMEM)
		return complain("%s: too little memory; free hugepages, or EAL's -m with "
				"--no-huge, give more",
				what);
	return complain("%s: %s", what, rte_strerror(-err));
}

unsigned int
clients_list_wqs(const struct siov_dev_conf *conf, enum submit_kind submit, uint32_t *wq_ids)
{
	enum siov_wq_mode mode = submit == SUBMIT_MOVDIR64B ? SIOV_WQ_DEDICATED : SIOV_WQ_SHARED;
	unsigned int nb = 0;
	uint32_t i;

	for (i = 0; i < conf->nb_wqs; i++) {
		if (conf->wqs[i].mode == mode && !conf->wqs[i].is_unused)
			wq_ids[nb++] = i;
	}
	return nb;
}

/* ---- sharing out ---- */

/* Portals of one client. */
static uint32_t
count_portals(const struct clients_conf *conf, unsigned int client)
{
	if (conf->nb_pasids <= conf->nb_clients)
		return 1;
	return conf->nb_pasids / conf->nb_clients +
	       (client < conf->nb_pasids % conf->nb_clients ? 1 : 0);
}

unsigned int
clients_count_guests(const struct clients_conf *conf)
{
	return RTE_MIN(conf->nb_pasids, conf->nb_clients);
}

static uint64_t
region_bytes(const struct clients_conf *conf)
{
	return RTE_ALIGN_CEIL(conf->region_bytes, UINT64_C(4096));
}

static uint64_t
client_bytes(const struct clients_conf *conf, unsigned int client)
{
	uint32_t nb = count_portals(conf, client);

	return region_bytes(conf) +
	       RTE_ALIGN_CEIL(nb * conf->window_bytes(nb, conf->arg), UINT64_C(4096));
}

uint64_t
clients_bytes(const struct clients_conf *conf)
{
	uint64_t page = UINT64_C(1) << conf->guest.page_shift;
	unsigned int guest, client, nb_guests = clients_count_guests(conf);
	uint64_t bytes = 0;

	for (guest = 0; guest < nb_guests; guest++) {
		uint64_t size = 0;

		for (client = guest; client < conf->nb_clients; client += nb_guests)
			size += client_bytes(conf, client);
		/* Aligned memory may leave as much again unused before it. */
		bytes += RTE_ALIGN_CEIL(size, page) + page;
	}
	return bytes;
}

/* ---- guests and PASIDs ---- */

/* Clients and PASIDs of a guest: one in nb_guests. */
static struct via_conf
count_of_guest(const struct clients_conf *conf, unsigned int guest)
{
	unsigned int nb = clients_count_guests(conf);

	return (struct via_conf){
		.nb_vdevs = (conf->nb_pasids - guest + nb - 1) / nb,
		.nb_vcpus = (conf->nb_clients - guest + nb - 1) / nb,
	};
}

static int
create_guest(struct clients *clients, const struct clients_conf *conf,
	     const struct guest_conf *guest_conf, unsigned int i)
{
	const struct via_conf via = count_of_guest(conf, i);

	if (conf->are_vdevs)
		return via_create_guest(&clients->guests[i], clients->rig, guest_conf, &via);
	return guest_create(&clients->guests[i], clients->rig, guest_conf);
}

static int
create_guests(struct clients *clients, const struct clients_conf *conf)
{
	struct guest_conf guest_conf = conf->guest;
	unsigned int i, client;
	uint64_t offset;
	int ret;

	clients->guests = calloc(clients_count_guests(conf), sizeof(clients->guests[0]));
	if (clients->guests == NULL)
		return complain_step("guests", -ENOMEM);
	for (i = 0; i < clients_count_guests(conf); i++) {
		offset = 0;
		for (client = i; client < conf->nb_clients; client += clients_count_guests(conf)) {
			clients->client[client].guest = &clients->guests[i];
			clients->client[client].region = offset;
			clients->client[client].windows = offset + region_bytes(conf);
			offset += client_bytes(conf, client);
			clients->client[client].end = offset;
		}
		guest_conf.size = offset;
		guest_conf.seed = conf->guest.seed + i;
		guest_conf.allows_priv = conf->submit == SUBMIT_ENQCMDS;
		guest_conf.prq = conf->queues != NULL ? conf->queues[i] : NULL;
		ret = create_guest(clients, conf, &guest_conf, i);
		if (ret != 0)
			return complain_step("guest memory", ret);
		clients->nb_guests++;
	}
	return 0;
}

/* The PASID of a dedicated queue is the queue's; others take the lowest that are free. */
static int
alloc_pasid(struct clients *clients, const struct siov_dev_wq_conf *wq, uint32_t *next,
	    struct client_pasid *pasid)
{
	struct siov_iommu *iommu = clients->rig->iommu;
	int ret;

	if (wq->mode == SIOV_WQ_DEDICATED) {
		pasid->pasid = wq->pasid;
		ret = siov_pasid_alloc_at(iommu, wq->pasid);
		if (ret != 0)
			return complain("wq %u: PASID %u: %s", pasid->wq_id, wq->pasid,
					rte_strerror(-ret));
	} else {
		do {
			pasid->pasid = (*next)++;
			ret = siov_pasid_alloc_at(iommu, pasid->pasid);
		} while (ret == -EEXIST);
		if (ret != 0)
			return complain("PASID %u: %s", pasid->pasid, rte_strerror(-ret));
	}
	pasid->is_allocated = true;
	ret = siov_pasid_bind(iommu, pasid->pasid, pasid->guest->domain, 0);
	if (ret != 0)
		return complain_step("PASID", ret);
	pasid->is_bound = true;
	return 0;
}

/* An ADI, or limits, where there are to be some. What the configuration made an ADI stays one. */
static int
dress_pasid(struct clients *clients, const struct clients_conf *conf, struct client_pasid *pasid)
{
	struct siov_dev *dev = clients->rig->dev;
	struct siov_adi_conf adi = {.pasid = pasid->pasid, .wq_id = pasid->wq_id};
	uint32_t id;
	int ret;

	if (conf->qos != NULL)
		adi.qos = qos_of(conf->qos, pasid->pasid);
	if (conf->are_adis && siov_dev_adi_of(dev, pasid->wq_id, pasid->pasid, &id) != 0) {
		ret = adis_make(clients->rig, SIOV_ADI_CONTEXT, &adi, &pasid->adi);
		if (ret != 0)
			return complain_step("ADI", ret);
		pasid->has_adi = true;
		ret = siov_dev_adi_enable(dev, pasid->adi);
		return ret == 0 ? 0 : complain_step("ADI", ret);
	}
	if (!siov_qos_conf_has_limits(&adi.qos))
		return 0;
	ret = siov_dev_qos_get(dev, pasid->wq_id, pasid->pasid, &pasid->former);
	if (ret == 0)
		ret = siov_dev_qos_set(dev, pasid->wq_id, pasid->pasid, &adi.qos);
	pasid->is_limited = ret == 0;
	return ret == 0 ? 0 : complain_step("limits", ret);
}

static int
plug_vdev(struct clients *clients, const struct clients_conf *conf, uint32_t i)
{
	struct siov_qos_conf qos = {.weight = 0};
	int ret;

	if (conf->qos != NULL)
		qos = conf->qos->all;
	ret = via_plug(&clients->pasids[i], i / clients->nb_guests, &qos);
	return ret == 0 ? 0 : complain_step("VDEV", ret);
}

static int
undress_pasid(struct clients *clients, struct client_pasid *pasid)
{
	if (pasid->has_adi)
		return adis_destroy(clients->rig, pasid->adi);
	if (!pasid->is_limited)
		return 0;
	return siov_dev_qos_set(clients->rig->dev, pasid->wq_id, pasid->pasid, &pasid->former);
}

static int
create_pasids(struct clients *clients, const struct clients_conf *conf)
{
	const struct siov_dev_conf *dev = siov_dev_get_conf(clients->rig->dev);
	uint32_t wq_ids[SIOV_DEV_WQS_MAX];
	unsigned int nb_wqs = clients_list_wqs(dev, conf->submit, wq_ids);
	uint32_t i, next = 1;

	if (nb_wqs == 0)
		return complain("--submit=%s: no %s queue is configured",
				options_submit_name(conf->submit),
				conf->submit == SUBMIT_MOVDIR64B ? "dedicated" : "shared");
	clients->pasids = calloc(conf->nb_pasids, sizeof(clients->pasids[0]));
	if (clients->pasids == NULL)
		return complain_step("PASIDs", -ENOMEM);
	clients->nb_pasids = conf->nb_pasids;
	for (i = 0; i < conf->nb_pasids; i++) {
		struct client_pasid *pasid = &clients->pasids[i];

		pasid->wq_id = wq_ids[i % nb_wqs];
		pasid->guest = &clients->guests[i % clients->nb_guests];
		if (conf->are_vdevs) {
			if (plug_vdev(clients, conf, i) != 0)
				return -1;
			continue;
		}
		if (alloc_pasid(clients, &dev->wqs[pasid->wq_id], &next, pasid) != 0 ||
		    dress_pasid(clients, conf, pasid) != 0)
			return -1;
	}
	return 0;
}

/* ---- lanes and portals ---- */

static int
open_portal(struct clients *clients, struct client *client, const struct clients_conf *conf,
	    struct client_portal *portal)
{
	uint32_t flags =
		SIOV_PORTAL_F_PASID | (conf->submit == SUBMIT_ENQCMDS ? SIOV_PORTAL_F_PRIV : 0);
	uint32_t wq_id = portal->pasid->wq_id;
	struct siov_dev *dev = clients->rig->dev;
	int ret;

	if (client->vcpu != NULL) {
		ret = via_open(clients->rig, client, portal);
		return ret == 0 ? 0 : complain_step("portal of a VDEV", ret);
	}
	if (client->lanes[wq_id] == NULL) {
		ret = siov_dev_attach(dev, wq_id, 0, &client->lanes[wq_id]);
		if (ret == -ENOSPC)
			return complain("wq %u: more submitters than it has lanes", wq_id);
		if (ret != 0)
			return complain_step("lane", ret);
	}
	ret = siov_dev_portal_open(dev, client->lanes[wq_id], portal->pasid->pasid, flags,
				   &portal->portal);
	return ret == 0 ? 0 : complain_step("portal", ret);
}

static int
create_client(struct clients *clients, unsigned int idx, const struct clients_conf *conf)
{
	struct client *client = &clients->client[idx];
	uint32_t nb = count_portals(conf, idx), i;
	uint64_t window_bytes = conf->window_bytes(nb, conf->arg);

	client->portals = calloc(nb, sizeof(client->portals[0]));
	if (client->portals == NULL)
		return complain_step("portals", -ENOMEM);
	client->nb_portals = nb;
	for (i = 0; i < nb; i++) {
		struct client_portal *portal = &client->portals[i];
		uint32_t pasid = (idx + i * conf->nb_clients) % conf->nb_pasids;

		portal->pasid = &clients->pasids[pasid];
		portal->window = client->windows + i * window_bytes;
		if (open_portal(clients, client, conf, portal) != 0)
			return -1;
	}
	return 0;
}

static int
enable_wqs(struct clients *clients)
{
	bool is_used[SIOV_DEV_WQS_MAX] = {false};
	uint32_t i;
	int ret;

	for (i = 0; i < clients->nb_pasids; i++)
		is_used[clients->pasids[i].wq_id] = true;
	for (i = 0; i < SIOV_DEV_WQS_MAX; i++) {
		ret = is_used[i] ? siov_dev_wq_enable(clients->rig->dev, i) : 0;
		if (ret != 0)
			return complain("wq %u cannot be enabled: %s", i, rte_strerror(-ret));
	}
	return 0;
}

static int
enter_vcpus(struct clients *clients, const struct clients_conf *conf)
{
	unsigned int i;

	for (i = 0; i < conf->nb_clients && conf->are_vdevs; i++) {
		int ret = via_enter(&clients->client[i], i / clients->nb_guests);

		if (ret != 0)
			return complain_step("vCPU", ret);
	}
	return 0;
}

int
clients_create(struct clients *clients, struct rig *rig, const struct clients_conf *conf)
{
	unsigned int i;

	*clients = (struct clients){.rig = rig};
	clients->client = calloc(conf->nb_clients, sizeof(clients->client[0]));
	if (clients->client == NULL)
		return complain_step("clients", -ENOMEM);
	clients->nb_clients = conf->nb_clients;
	if (create_guests(clients, conf) != 0 || enter_vcpus(clients, conf) != 0 ||
	    create_pasids(clients, conf) != 0)
		return -1;
	for (i = 0; i < conf->nb_clients; i++) {
		if (create_client(clients, i, conf) != 0)
			return -1;
	}
	return enable_wqs(clients);
}

/* ---- taking down ---- */

static int
detach_client(struct clients *clients, struct client *client)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < client->nb_portals; i++)
		via_close(&client->portals[i]);

	for (i = 0; i < SIOV_DEV_WQS_MAX; i++) {
		int ret;

		if (client->lanes[i] == NULL)
			continue;
		ret = siov_dev_detach(clients->rig->dev, client->lanes[i], RIG_TIMEOUT_MS);
		if (ret != 0)
			err = complain("wq %u: lane cannot be detached: %s", i, rte_strerror(-ret));
		client->lanes[i] = NULL;
	}
	return err;
}

/* What is left of guests when nothing is open any more. The drivers run on their first vCPUs. */
static int
end_guests(struct clients *clients)
{
	uint32_t i;
	int ret = 0, err = 0;

	for (i = clients->nb_guests; i < clients->nb_clients; i++)
		via_leave(&clients->client[i]);
	for (i = 0; i < clients->nb_pasids && ret == 0; i++)
		ret = via_remove(&clients->pasids[i]);
	if (ret != 0)
		err = complain("a guest driver does not let go: %s", rte_strerror(-ret));
	for (i = 0; i < clients->nb_guests; i++)
		via_leave(&clients->client[i]);
	for (i = 0; i < clients->nb_pasids; i++) {
		ret = via_unplug(&clients->pasids[i]);
		if (ret != 0)
			err = complain("VDEV of PASID %u does not go: %s", clients->pasids[i].pasid,
				       rte_strerror(-ret));
	}
	return err;
}

int
clients_detach(struct clients *clients)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < clients->nb_clients; i++)
		err |= detach_client(clients, &clients->client[i]);
	return err | end_guests(clients);
}

static int
free_pasids(struct clients *clients)
{
	struct siov_iommu *iommu = clients->rig->iommu;
	int ret, err = 0;
	uint32_t i;

	for (i = 0; i < clients->nb_pasids; i++) {
		struct client_pasid *pasid = &clients->pasids[i];

		ret = undress_pasid(clients, pasid);
		if (ret == 0 && pasid->is_bound)
			ret = siov_pasid_unbind(iommu, pasid->pasid);
		if (ret == 0 && pasid->is_allocated)
			ret = siov_pasid_free(iommu, pasid->pasid);
		if (ret != 0)
			err = complain("PASID %u cannot be freed: %s", pasid->pasid,
				       rte_strerror(-ret));
	}
	free(clients->pasids);
	return err;
}

int
clients_free(struct clients *clients)
{
	unsigned int i;
	int err;

	if (clients->rig == NULL)
		return 0;
	err = clients_detach(clients);
	for (i = 0; i < clients->nb_clients; i++)
		free(clients->client[i].portals);
	err |= free_pasids(clients);
	for (i = 0; i < clients->nb_guests; i++)
		err |= guest_free(&clients->guests[i]);
	free(clients->guests);
	free(clients->client);
	clients->rig = NULL;
	return err;
}

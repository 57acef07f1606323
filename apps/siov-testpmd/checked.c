/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_pause.h>

#include "checked.h"
#include "complain.h"
#include "patience.h"
#include "run.h"
#include "snapshot.h"

#define LOST_SECONDS 10u

#define RECORDS_BYTES 4096u /* records of all slots, at the start of the region */

SIOV_STATIC_ASSERT(CHECKED_SLOTS * sizeof(struct work_record) <= RECORDS_BYTES, "records fit");

uint64_t
checked_region_bytes(uint64_t arena_bytes)
{
	return RECORDS_BYTES + CHECKED_SLOTS * arena_bytes;
}

static uint64_t
no_window(uint32_t nb_portals, const void *arg)
{
	(void)nb_portals;
	(void)arg;
	return 0;
}

/* ---- on the client's lcore ---- */

static struct work_record *
find_record(const struct checked *c, const struct checked_slot *slot)
{
	return (void *)guest_hva(c->client->guest, slot->record);
}

static void
idle(const struct checked *c)
{
	if (c->yields)
		sched_yield();
	else
		rte_pause();
}

/* Send until it is accepted. False: the phase is over before that. */
static bool
send_slot(struct checked *c, struct checked_slot *slot)
{
	struct siov_portal *portal = c->client->portals[slot->portal_idx].portal;
	enum siov_dmwr answer;

	siov_backoff_reset(&c->backoff);
	for (;;) {
		switch (c->submit) {
		case SUBMIT_ENQCMD:
			answer = siov_enqcmd(portal, &slot->desc);
			break;
		case SUBMIT_ENQCMDS:
			answer = siov_enqcmds(portal, &slot->desc);
			break;
		case SUBMIT_MOVDIR64B:
		default:
			siov_movdir64b(portal, &slot->desc);
			answer = SIOV_DMWR_SUCCESS;
		}
		if (answer == SIOV_DMWR_SUCCESS)
			return true;
		if (phase_is_over(c->phase))
			return false;
		siov_backoff_wait(&c->backoff);
	}
}

/* Put work into a free slot. False: there is no more. */
static bool
fill_slot(struct checked *c, struct checked_slot *slot)
{
	struct work_record *record = find_record(c, slot);
	const struct client_portal *portal;

	memset(&slot->desc, 0, sizeof(slot->desc));
	slot->has_crc = false;
	slot->portal_idx = c->next_portal;
	c->next_portal = (c->next_portal + 1) % c->client->nb_portals;
	portal = &c->client->portals[slot->portal_idx];
	if (c->left == 0 || !c->ops->prepare(c, slot))
		return false;
	slot->desc.flags |= IDXD_OP_FLAG_CRAV | IDXD_OP_FLAG_RCR;
	slot->desc.completion_addr = guest_iova(c->client->guest, slot->record);
	if (c->submit == SUBMIT_ENQCMDS) {
		slot->desc.pasid = portal->pasid->pasid;
		slot->desc.priv = guest_is_supervised(c->client->guest);
	}
	siov_atomic_store(&record->word0, 0, relaxed);
	if (!send_slot(c, slot))
		return false;
	slot->is_out = true;
	c->left--;
	c->nb_sent++;
	return true;
}

static void
note_wrong(struct checked *c, const struct checked_slot *slot, uint64_t word0,
	   const struct work_record *record)
{
	if (c->nb_wrong++ != 0)
		return;
	snprintf(c->why, sizeof(c->why),
		 "opcode %u, %u bytes, PASID %u: record 0x%016" PRIx64 " CRC 0x%08x, expected "
		 "0x%016" PRIx64 " CRC 0x%08x%s",
		 slot->desc.opcode, slot->desc.xfer_size,
		 c->client->portals[slot->portal_idx].pasid->pasid, word0,
		 slot->has_crc ? (uint32_t)record->value : 0, slot->expected, slot->crc,
		 word0 == slot->expected ? "; or memory differs" : "");
}

/* Look at a slot that is out. Returns whether it is free now. */
static bool
reap_slot(struct checked *c, struct checked_slot *slot)
{
	const struct work_record *record = find_record(c, slot);
	/* Pairs with the device's release of the record. */
	uint64_t word0 = siov_atomic_load(&record->word0, acquire);

	if (word0 == 0)
		return false;
	slot->is_out = false;
	c->nb_done++;
	if (word0 != slot->expected || (slot->has_crc && (uint32_t)record->value != slot->crc) ||
	    !c->ops->check(c, slot))
		note_wrong(c, slot, word0, record);
	return true;
}

/* One turn over all slots; returns how many are out. */
static unsigned int
turn(struct checked *c, bool may_fill)
{
	unsigned int i, nb_out = 0;
	bool is_idle = true;

	for (i = 0; i < CHECKED_SLOTS; i++) {
		struct checked_slot *slot = &c->slots[i];

		if (slot->is_out && reap_slot(c, slot))
			is_idle = false;
		if (!slot->is_out && may_fill && fill_slot(c, slot))
			is_idle = false;
		nb_out += slot->is_out;
	}
	if (is_idle)
		idle(c);
	return nb_out;
}

static int
checked_main(void *arg)
{
	struct checked *c = arg;
	struct patience patience;

	phase_wait_go(c->phase, c->yields);
	c->start_cycles = rte_rdtsc();
	while (!phase_is_over(c->phase)) {
		if (turn(c, true) == 0)
			break;
	}
	patience_begin(&patience, LOST_SECONDS * rte_get_tsc_hz());
	while (turn(c, false) > 0 && patience_lasts(&patience))
		;
	c->end_cycles = rte_rdtsc();
	phase_end(c->phase);
	return 0;
}

/* ---- around it ---- */

static void
init_client(struct checked *c, struct job *job, struct phase *phase, struct clients *clients,
	    unsigned int idx, const struct checked_conf *conf)
{
	unsigned int i;

	memset(c, 0, sizeof(*c));
	c->ops = conf->ops;
	c->phase = phase;
	c->client = &clients->client[idx];
	c->arena_bytes = conf->arena_bytes;
	c->yields = job->rig->placement->submitters[idx].yields;
	c->submit = job->opts->submit;
	c->left = conf->total_ops;
	c->backoff = (struct siov_backoff){.policy = SIOV_BACKOFF_PAUSE, .yields = c->yields};
	for (i = 0; i < CHECKED_SLOTS; i++) {
		c->slots[i].record = c->client->region + i * sizeof(struct work_record);
		c->slots[i].arena = c->client->region + RECORDS_BYTES + i * conf->arena_bytes;
	}
}

/* What went wrong, if anything, in one line. */
static int
check_client(const struct checked *c, unsigned int idx)
{
	if (c->nb_sent != c->nb_done)
		return complain("submitter %u: %" PRIu64 " descriptors did not complete in time",
				idx, c->nb_sent - c->nb_done);
	if (c->nb_wrong != 0)
		return complain("submitter %u: %" PRIu64 " of %" PRIu64
				" operations are wrong, the first: %s",
				idx, c->nb_wrong, c->nb_done, c->why);
	return 0;
}

static int
measure(struct job *job, struct phase *phase, struct checked *all, uint32_t nb_pasids,
	struct result *result)
{
	unsigned int i, nb = job->rig->placement->nb_submitters;
	struct snapshot before, after = {.entries = NULL};
	uint64_t start = UINT64_MAX, end = 0, sent = 0;
	int err;

	*result = (struct result){.rows = NULL};
	err = snapshot_take(&before, job->rig);
	if (err == 0)
		err = phase_run(phase, job, job->opts->duration_s, "verifying");
	if (err == 0)
		err = snapshot_take(&after, job->rig);
	if (err == 0)
		err = snapshot_difference(&before, &after, result);
	snapshot_free(&before);
	snapshot_free(&after);
	if (err != 0)
		return err == -ENOMEM ? complain("statistics: too little memory") : err;
	result->point.nb_pasids = nb_pasids;
	result_sum_up(result);
	for (i = 0; i < nb; i++) {
		start = RTE_MIN(start, all[i].start_cycles);
		end = RTE_MAX(end, all[i].end_cycles);
		sent += all[i].nb_sent;
		err |= check_client(&all[i], i);
	}
	result->duration_s = (double)(end - start) / (double)rte_get_tsc_hz();
	result->mops_min = result_mops(&result->sum, result->duration_s);
	result->mops_max = result->mops_min;
	err |= run_check_rows(result);
	if (result->sum.accepted != sent)
		err = complain("counts do not add up: %" PRIu64 " accepted by the device, %" PRIu64
			       " sent by its submitters",
			       result->sum.accepted, sent);
	return err;
}

static int
run_clients(struct job *job, const struct checked_conf *conf, struct clients *clients,
	    struct checked *all, struct result *result)
{
	unsigned int i, nb_open, nb = job->rig->placement->nb_submitters;
	struct phase phase = {.main = checked_main, .args = all, .arg_size = sizeof(all[0])};
	int err = 0;

	phase_init(&phase);
	for (nb_open = 0; nb_open < nb && err == 0; nb_open++) {
		init_client(&all[nb_open], job, &phase, clients, nb_open, conf);
		err = conf->open(&all[nb_open], nb_open, conf->arg);
	}
	if (err == 0)
		err = rig_start_engines(job->rig);
	if (err == 0)
		err = measure(job, &phase, all, clients->nb_pasids, result);
	for (i = 0; i < nb_open; i++)
		conf->close(&all[i]);
	phase_fini(&phase);
	return err;
}

/* A dedicated queue has one PASID; it must hold all slots, as nobody tells of an overflow. */
static int
check_queues(const struct job *job, uint32_t *nb_pasids)
{
	const struct siov_dev_conf *dev = siov_dev_get_conf(job->rig->dev);
	unsigned int nb_submitters = job->rig->placement->nb_submitters;
	uint32_t wq_ids[SIOV_DEV_WQS_MAX];
	unsigned int i, nb;

	*nb_pasids = job->opts->nb_pasids;
	if (job->opts->submit != SUBMIT_MOVDIR64B)
		return 0;
	nb = clients_list_wqs(dev, SUBMIT_MOVDIR64B, wq_ids);
	*nb_pasids = nb;
	if (nb_submitters > nb)
		return complain("--submit=movdir64b: %u submitters; allowed: at most %u, the "
				"dedicated queues",
				nb_submitters, nb);
	for (i = 0; i < nb; i++) {
		if (dev->wqs[wq_ids[i]].size < CHECKED_SLOTS)
			return complain("wq %u: %u entries; needed: %u for this workload",
					wq_ids[i], dev->wqs[wq_ids[i]].size, CHECKED_SLOTS);
	}
	return 0;
}

int
checked_run(struct job *job, const struct checked_conf *conf)
{
	unsigned int nb = job->rig->placement->nb_submitters;
	struct clients_conf clients_conf = {
		.nb_clients = nb,
		.submit = job->opts->submit,
		.region_bytes = checked_region_bytes(conf->arena_bytes),
		.are_adis = job->opts->nb_adis != 0,
		.are_vdevs = job->opts->via == VIA_VDEV,
		.guest = {.kind = job->opts->iommu,
			  .page_shift = conf->is_scattered ? 12 : job->opts->page_shift,
			  .levels = job->opts->levels,
			  .is_scattered = conf->is_scattered,
			  .seed = job->opts->seed},
		.window_bytes = no_window,
	};
	struct result result = {.rows = NULL};
	struct clients clients;
	struct checked *all;
	int err;

	if (check_queues(job, &clients_conf.nb_pasids) != 0)
		return -1;
	all = aligned_alloc(64, nb * sizeof(all[0]));
	if (all == NULL)
		return complain("submitters: too little memory");
	err = clients_create(&clients, job->rig, &clients_conf);
	if (err == 0)
		err = run_clients(job, conf, &clients, all, &result);
	err |= clients_detach(&clients);
	rig_stop_engines(job->rig);
	err |= clients_free(&clients);
	free(all);
	if (result.nb_repeats == 0)
		return err;
	if (report_add(job->report, &result) != 0)
		return complain("results: too little memory");
	return err;
}

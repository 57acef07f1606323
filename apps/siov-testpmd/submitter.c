/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <math.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_pause.h>

#include "patience.h"
#include "submitter.h"

#define BUFS_BYTES (UINT64_C(32) << 20) /* of all submitters, beyond one pair each */
#define LOST_SECONDS 5u /* for the last records to appear */
#define GAP_SHIFT 16u
#define REAP_CHUNK 32u /* completions asked for together */
#define LOOKS_MAX 64u /* how often, before what is there is taken */

/* First word of a slot's record whose descriptor was given up. */
#define SKIPPED UINT64_MAX
/* Last word of a record that the device has not written yet; it writes 0 there. */
#define NEVER_WRITTEN UINT64_MAX

/* ---- layout ---- */

static uint64_t
buf_stride(const struct submitter_conf *conf)
{
	/* Two destinations must lie alike in their pages. */
	return RTE_ALIGN_CEIL((uint64_t)conf->buf_sz,
			      conf->op->has_dst2 ? UINT64_C(4096) : UINT64_C(64));
}

/* Bytes of source and destinations together. */
static uint64_t
set_bytes(const struct submitter_conf *conf)
{
	return (conf->op->has_dst2 ? 3 : 2) * buf_stride(conf);
}

/* Sets of buffers: one for each slot, as far as they are small. */
static uint32_t
count_bufs(const struct submitter_conf *conf, unsigned int nb_submitters)
{
	uint64_t nb;

	if (!conf->op->has_data)
		return 0;
	nb = BUFS_BYTES / nb_submitters / set_bytes(conf);
	return (uint32_t)RTE_MAX(RTE_MIN(nb, (uint64_t)conf->nb_slots * conf->batch_sz), 1u);
}

/* Slots of each turn; two or more: an even number, used in pairs. */
static uint32_t
slots_per_turn(const struct submitter_conf *conf, uint32_t nb_turns)
{
	uint32_t nb = (conf->nb_slots + nb_turns - 1) / nb_turns;

	return nb > 1 ? RTE_ALIGN_CEIL(nb, 2u) : 1;
}

/* A window: the slots' records, then their lists, each followed by its members' records. */
static uint64_t
records_bytes(uint64_t nb_slots)
{
	return RTE_ALIGN_CEIL(nb_slots * sizeof(struct work_record), UINT64_C(64));
}

static uint64_t
list_bytes(const struct submitter_conf *conf)
{
	uint64_t nb = conf->batch_sz;

	if (nb == 1)
		return 0;
	return nb * SIOV_DESC_SIZE + RTE_ALIGN_CEIL(nb * sizeof(struct work_record), UINT64_C(64));
}

uint64_t
submitter_region_bytes(const struct submitter_conf *conf, unsigned int nb_submitters)
{
	return set_bytes(conf) * count_bufs(conf, nb_submitters);
}

uint64_t
submitter_window_bytes(uint32_t nb_portals, const void *arg)
{
	const struct submitter_conf *conf = arg;
	uint64_t nb = slots_per_turn(conf, nb_portals);

	/* With more turns there are fewer slots of each; but one portal may have several. */
	nb *= qos_noise_max(conf->qos);
	return records_bytes(nb) + nb * list_bytes(conf);
}

/* ---- create ---- */

static struct work_bufs
find_bufs(const struct submitter *s, uint32_t idx)
{
	const struct guest *guest = s->client->guest;
	uint64_t stride = buf_stride(s->conf);
	uint64_t src = s->client->region + set_bytes(s->conf) * idx;
	uint64_t dst = src + stride, dst2 = s->conf->op->has_dst2 ? dst + stride : dst;

	return (struct work_bufs){
		.src_iova = guest_iova(guest, src),
		.dst_iova = guest_iova(guest, dst),
		.src = guest_hva(guest, src),
		.dst = guest_hva(guest, dst),
		.dst2_iova = guest_iova(guest, dst2),
		.dst2 = guest_hva(guest, dst2),
		.size = s->conf->buf_sz,
	};
}

/* The batch of a slot, in its window at offset; each member has buffers and a record of its own. */
static void
prepare_list(struct submitter *s, uint32_t idx, uint64_t offset)
{
	struct dsa_hw_desc *desc = &s->descs[idx];
	uint32_t i, nb = s->conf->batch_sz;
	struct dsa_hw_desc *list = (void *)guest_hva(s->client->guest, offset);
	uint64_t record = offset + (uint64_t)nb * sizeof(*list);

	s->slots[idx].member_records = (void *)guest_hva(s->client->guest, record);
	for (i = 0; i < nb; i++, record += sizeof(struct work_record)) {
		struct work_bufs bufs = {.size = 0};

		if (s->nb_bufs > 0)
			bufs = find_bufs(s, (idx * nb + i) % s->nb_bufs);
		work_op_prepare(s->conf->op, &bufs, &list[i]);
		list[i].completion_addr = guest_iova(s->client->guest, record);
		if (s->conf->blocks)
			list[i].flags |= IDXD_OP_FLAG_BOF;
		/* Who looks at the batch's record needs the members' for what they bring only. */
		if (!s->conf->op->has_crc)
			list[i].flags &= ~(uint32_t)IDXD_OP_FLAG_RCR;
	}
	memset(desc, 0, sizeof(*desc));
	desc->opcode = DSA_OPCODE_BATCH;
	desc->flags = IDXD_OP_FLAG_CRAV | IDXD_OP_FLAG_RCR;
	desc->desc_list_addr = guest_iova(s->client->guest, offset);
	desc->desc_count = nb;
}

/* Turns of a round. */
static void
count_turns(struct submitter *s)
{
	uint32_t i;

	s->nb_turns = s->client->nb_portals;
	for (i = 0; i < s->client->nb_portals; i++) {
		uint32_t noise = qos_noise(s->conf->qos, s->client->portals[i].pasid->pasid);

		if (noise == 1)
			continue;
		s->loud = i;
		s->nb_turns += noise - 1;
	}
}

static void
prepare_slot(struct submitter *s, uint32_t idx)
{
	uint32_t nb_portals = s->client->nb_portals;
	uint32_t pair = s->nb_slots == s->nb_turns ? 1 : 2;
	uint32_t turn = idx / pair % s->nb_turns, per_turn = s->nb_slots / s->nb_turns;
	uint32_t portal_idx = turn < nb_portals ? turn : s->loud;
	uint32_t further = turn < nb_portals ? 0 : turn - nb_portals + 1;
	const struct client_portal *portal = &s->client->portals[portal_idx];
	uint32_t record = idx / (pair * s->nb_turns) * pair + idx % pair + further * per_turn;
	uint64_t offset = portal->window + record * sizeof(struct work_record);
	struct submitter_slot *slot = &s->slots[idx];
	struct dsa_hw_desc *desc = &s->descs[idx];
	struct work_bufs bufs = {.size = 0};

	slot->portal = portal->portal;
	slot->portal_idx = portal_idx;
	slot->record = (void *)guest_hva(s->client->guest, offset);
	siov_atomic_store(&slot->record->word0, 0, relaxed);
	if (s->nb_bufs > 0) {
		slot->buf_idx = idx % s->nb_bufs;
		bufs = find_bufs(s, slot->buf_idx);
	}
	if (s->conf->batch_sz > 1) {
		prepare_list(
			s, idx,
			portal->window +
				records_bytes((uint64_t)per_turn * qos_noise_max(s->conf->qos)) +
				record * list_bytes(s->conf));
	} else {
		work_op_prepare(s->conf->op, &bufs, desc);
		if (s->conf->blocks)
			desc->flags |= IDXD_OP_FLAG_BOF;
	}
	desc->completion_addr = guest_iova(s->client->guest, offset);
	if (s->conf->submit == SUBMIT_ENQCMDS) {
		desc->pasid = portal->pasid->pasid;
		desc->priv = guest_is_supervised(s->client->guest);
	}
}

/* Exponentially distributed gaps around the mean, or one that is always the same. */
static int
make_gaps(struct submitter *s)
{
	double mean = (double)rte_get_tsc_hz() / s->conf->rate * (double)(1u << GAP_SHIFT);
	uint64_t state = s->conf->seed * 2 + 1;
	uint32_t i;

	s->nb_gaps = s->conf->arrival == ARRIVAL_POISSON ? SUBMITTER_GAPS : 1;
	s->gaps = calloc(s->nb_gaps, sizeof(s->gaps[0]));
	if (s->gaps == NULL)
		return -ENOMEM;
	s->gaps[0] = (uint64_t)mean;
	for (i = 0; i < s->nb_gaps && s->nb_gaps > 1; i++) {
		/* 53 random bits as a number in (0, 1] */
		double u = ((double)(work_random(&state) >> 11) + 1) / 9007199254740992.0;

		s->gaps[i] = (uint64_t)(-log(u) * mean);
	}
	return 0;
}

static void
init_backoff(struct submitter *s)
{
	double cycles_per_ns = (double)rte_get_tsc_hz() / 1e9;

	s->backoff = (struct siov_backoff){
		.policy = s->conf->retry_policy,
		.yields = s->yields,
		.min_cycles = (uint64_t)((double)s->conf->retry_min_ns * cycles_per_ns),
		.max_cycles = (uint64_t)((double)s->conf->retry_max_ns * cycles_per_ns),
	};
	siov_backoff_reset(&s->backoff);
}

int
submitter_create(struct submitter *s, const struct submitter_conf *conf, struct client *client,
		 unsigned int nb_submitters)
{
	uint32_t i;

	*s = (struct submitter){.conf = conf, .client = client};
	count_turns(s);
	s->nb_slots = slots_per_turn(conf, s->nb_turns) * s->nb_turns;
	s->nb_bufs = count_bufs(conf, nb_submitters);
	s->expected = conf->batch_sz > 1 ? DSA_COMP_SUCCESS | (uint64_t)conf->batch_sz << 32 :
					   work_op_expected(conf->op, conf->buf_sz);
	s->descs = aligned_alloc(64, (size_t)s->nb_slots * sizeof(s->descs[0]));
	s->slots = calloc(s->nb_slots, sizeof(s->slots[0]));
	s->dropped = calloc(client->nb_portals, sizeof(s->dropped[0]));
	if (s->descs == NULL || s->slots == NULL || s->dropped == NULL)
		return -ENOMEM;
	for (i = 0; i < s->nb_slots; i++)
		prepare_slot(s, i);
	submitter_poison(s);
	return conf->arrival == ARRIVAL_CLOSED ? 0 : make_gaps(s);
}

void
submitter_free(struct submitter *s)
{
	free(s->descs);
	free(s->slots);
	free(s->dropped);
	free(s->gaps);
}

/* ---- the loop ---- */

static inline uint32_t
next_slot(const struct submitter *s, uint32_t idx)
{
	return idx + 1 == s->nb_slots ? 0 : idx + 1;
}

/* A record that is not as expected, or none at all. */
static void __rte_noinline
count_odd_record(struct submitter *s, const struct submitter_slot *slot, uint64_t word0)
{
	if (word0 == SKIPPED)
		return;
	if (work_record_status(word0) == SIOV_COMP_ABORTED) {
		s->nb.aborted++;
		return;
	}
	if (s->client->portals[slot->portal_idx].pasid->is_injected &&
	    work_record_status(word0) != DSA_COMP_SUCCESS) {
		s->nb.failed++;
		s->nb_injected++;
		return;
	}
	if (s->nb.failed - s->nb_injected + s->nb.wrong == 0) {
		s->first_bad = word0;
		s->first_bad_addr = slot->record->fault_addr;
		s->first_bad_pasid = slot->portal->pasid;
	}
	if (work_record_status(word0) == DSA_COMP_SUCCESS)
		s->nb.wrong++;
	else
		s->nb.failed++;
}

/* Take the completion at the head, if it is there. */
static inline bool
reap_one(struct submitter *s)
{
	struct submitter_slot *slot = &s->slots[s->head];
	/* Pairs with the device's release of the record. */
	uint64_t word0 = siov_atomic_load(&slot->record->word0, acquire);

	if (word0 == 0)
		return false;
	if (likely(word0 == s->expected))
		s->nb.completed++;
	else
		count_odd_record(s, slot, word0);
	siov_atomic_store(&slot->record->word0, 0, relaxed);
	s->head = next_slot(s, s->head);
	s->nb_out--;
	return true;
}

/*
 * Whether to look away from completions that may just be being written: two cores that touch the
 * same line cost each other dearly. While many are outstanding, the youngest of a chunk is asked
 * for, a bounded number of times; once it is there, the others mostly are.
 */
static inline bool
is_chunk_unripe(struct submitter *s)
{
	uint32_t youngest = s->head + REAP_CHUNK - 1;

	/* On a shared CPU nobody writes while we look. */
	if (s->yields || s->nb_out < REAP_CHUNK || s->nb_looks == LOOKS_MAX)
		return false;
	if (youngest >= s->nb_slots)
		youngest -= s->nb_slots;
	if (siov_atomic_load(&s->slots[youngest].record->word0, relaxed) != 0)
		return false;
	s->nb_looks++;
	return true;
}

/* Reap completions in order, a chunk at most; returns how many. */
static unsigned int
reap(struct submitter *s)
{
	unsigned int n = 0;

	if (is_chunk_unripe(s))
		return 0;
	s->nb_looks = 0;
	while (n < REAP_CHUNK && s->nb_out > 0 && reap_one(s))
		n++;
	return n;
}

/* MOVDIR64B tells nothing; the queue's own counts say whether the write was taken. */
static enum siov_dmwr
post(struct siov_portal *portal, const struct dsa_hw_desc *desc, uint64_t when, bool is_timed)
{
	uint64_t taken = siov_portal_count(portal, SIOV_DMWR_SUCCESS);

	if (is_timed)
		siov_movdir64b_at(portal, desc, when);
	else
		siov_movdir64b(portal, desc);
	return siov_portal_count(portal, SIOV_DMWR_SUCCESS) != taken ? SIOV_DMWR_SUCCESS :
								       SIOV_DMWR_NB;
}

static inline enum siov_dmwr
submit(struct submitter *s, uint32_t idx, uint64_t when, bool is_timed)
{
	struct siov_portal *portal = s->slots[idx].portal;
	const struct dsa_hw_desc *desc = &s->descs[idx];

	switch (s->conf->submit) {
	case SUBMIT_ENQCMD:
		return is_timed ? siov_enqcmd_at(portal, desc, when) : siov_enqcmd(portal, desc);
	case SUBMIT_ENQCMDS:
		return is_timed ? siov_enqcmds_at(portal, desc, when) : siov_enqcmds(portal, desc);
	case SUBMIT_MOVDIR64B:
	default:
		return post(portal, desc, when, is_timed);
	}
}

static inline void
advance_tail(struct submitter *s)
{
	s->tail = next_slot(s, s->tail);
	s->nb_out++;
	s->left--;
}

/* What the retry policy does; returns whether the slot was given up. */
static bool __rte_noinline
handle_retry(struct submitter *s)
{
	struct submitter_slot *slot = &s->slots[s->tail];

	/* A posted write that was not taken is gone; nobody told its sender. */
	if (s->conf->submit != SUBMIT_MOVDIR64B && siov_backoff_wait(&s->backoff))
		return false;
	s->nb.dropped++;
	s->dropped[slot->portal_idx]++;
	siov_atomic_store(&slot->record->word0, SKIPPED, relaxed);
	advance_tail(s);
	return true;
}

/* Send the slot at the tail. Returns whether the next one may follow at once. */
static inline bool
send_one(struct submitter *s, uint64_t when, bool is_timed)
{
	enum siov_dmwr answer = submit(s, s->tail, when, is_timed);

	s->nb.answers[answer]++;
	if (unlikely(answer != SIOV_DMWR_SUCCESS))
		return handle_retry(s);
	siov_backoff_reset(&s->backoff);
	advance_tail(s);
	return true;
}

/* Nothing to reap and nothing to send. */
static inline void
idle(const struct submitter *s)
{
	if (s->yields)
		sched_yield();
	else
		rte_pause();
}

static inline bool
is_over(const struct submitter *s)
{
	return s->left == 0 || phase_is_over(s->phase);
}

static void
run_closed(struct submitter *s)
{
	while (!is_over(s)) {
		unsigned int done = reap(s);

		while (s->nb_out < s->conf->qdepth && s->left > 0) {
			if (!send_one(s, 0, false))
				break;
			done++;
		}
		if (done == 0)
			idle(s);
	}
}

static void
run_open(struct submitter *s)
{
	while (!is_over(s)) {
		uint64_t now = (rte_rdtsc() - s->nb.start_cycles) << GAP_SHIFT;
		unsigned int done = reap(s);

		while (s->due <= now && s->nb_out < s->conf->qdepth && s->left > 0) {
			if (!send_one(s, s->nb.start_cycles + (s->due >> GAP_SHIFT), true))
				break;
			s->gap_idx = (s->gap_idx + 1) & (s->nb_gaps - 1);
			s->due += s->gaps[s->gap_idx];
			done++;
		}
		if (done == 0)
			idle(s);
	}
}

/* Wait for what is outstanding. */
static void
reap_all(struct submitter *s)
{
	struct patience patience;

	patience_begin(&patience, LOST_SECONDS * rte_get_tsc_hz());
	while (s->nb_out > 0) {
		if (reap(s) > 0)
			patience_begin(&patience, LOST_SECONDS * rte_get_tsc_hz());
		else if (patience_lasts(&patience))
			idle(s);
		else
			break;
	}
	s->nb.lost = s->nb_out;
}

int
submitter_main(void *arg)
{
	struct submitter *s = arg;

	memset(&s->nb, 0, sizeof(s->nb));
	memset(s->dropped, 0, s->client->nb_portals * sizeof(s->dropped[0]));
	s->nb_injected = 0;
	s->left = s->total_ops;
	if (s->gaps != NULL)
		s->due = s->gaps[s->gap_idx];
	init_backoff(s);
	phase_wait_go(s->phase, s->yields);
	s->nb.start_cycles = rte_rdtsc();
	do {
		if (s->conf->arrival == ARRIVAL_CLOSED)
			run_closed(s);
		else
			run_open(s);
		reap_all(s);
	} while (phase_pause(s->phase, s->yields) && s->left > 0);
	s->nb.end_cycles = rte_rdtsc();
	phase_end(s->phase);
	return 0;
}

/* ---- verification ---- */

void
submitter_poison(struct submitter *s)
{
	uint32_t i;

	for (i = 0; i < s->nb_bufs; i++) {
		struct work_bufs bufs = find_bufs(s, i);

		work_op_fill_bufs(s->conf->op, &bufs, s->conf->seed + i);
	}
	for (i = 0; i < s->nb_slots; i++)
		s->slots[i].record->rsvd = NEVER_WRITTEN;
}

/* Of one slot that was completed. */
static uint64_t
count_wrong_members(const struct submitter *s, uint32_t idx)
{
	const struct submitter_slot *slot = &s->slots[idx];
	uint32_t i, nb = s->conf->batch_sz;
	uint64_t wrong = 0;

	for (i = 0; i < nb; i++) {
		struct work_bufs bufs = find_bufs(s, (idx * nb + i) % s->nb_bufs);

		wrong += !work_op_is_right(s->conf->op, &bufs, &slot->member_records[i]);
	}
	return wrong;
}

uint64_t
submitter_count_wrong(const struct submitter *s)
{
	uint64_t wrong = 0;
	uint32_t i;

	for (i = 0; i < s->nb_slots && s->nb_bufs > 0; i++) {
		const struct submitter_slot *slot = &s->slots[i];
		struct work_bufs bufs = find_bufs(s, slot->buf_idx);

		if (slot->record->rsvd == NEVER_WRITTEN ||
		    s->client->portals[slot->portal_idx].pasid->is_injected)
			continue;
		if (s->conf->batch_sz > 1)
			wrong += count_wrong_members(s, i);
		else
			wrong += !work_op_is_right(s->conf->op, &bufs, slot->record);
	}
	return wrong;
}

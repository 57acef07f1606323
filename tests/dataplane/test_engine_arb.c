/* SPDX-License-Identifier: BSD-3-Clause */
/* Who is served when, and how much of it in one poll. Counted, never timed. */
#include <stdlib.h>

#include "rig.h"

#define SRC (UINT64_C(1) << 40)
#define DST (UINT64_C(2) << 40)
#define HUGE_LEN (UINT64_C(1) << 31)
#define LONG_LEN (4 * RIG_SLICE)
#define LONG_PER_LANE 4u
#define RW (SIOV_PERM_R | SIOV_PERM_W)
/* A lane's first window of bursts is taken without patience (siov_gather.h). */
#define PROMPT_BURSTS 64u

static struct rig *
open_rig(unsigned int nb_engines)
{
	return rig_open(&(struct rig_conf){
		.arena_len = UINT64_C(16) << 20,
		.nb_engines = nb_engines,
		.nb_latency = 2,
	});
}

static uint64_t
completed(const struct rig *rig, unsigned int wq, uint32_t pasid)
{
	return rig_stats(rig, wq, pasid).completed;
}

/* A no-op without record. */
static struct dsa_hw_desc
desc_silent(void)
{
	struct dsa_hw_desc desc = rig_desc(DSA_OPCODE_NOOP);

	desc.flags = 0;
	return desc;
}

/* ---- weights ---- */

/* Lane after lane, until the queue is full. */
static void
fill_queue(struct rig *rig, unsigned int wq)
{
	struct dsa_hw_desc desc = desc_silent();
	bool is_full = false;
	unsigned int i;

	while (!is_full) {
		is_full = true;
		for (i = 0; i < rig->nb_guests; i++) {
			if (rig->guests[i]->wq == wq &&
			    rig_enqcmd(&rig->guests[i]->portal, &desc) == SIOV_DMWR_SUCCESS)
				is_full = false;
		}
	}
}

/* Two queues with backlog in nb_lanes lanes each are dispatched as their weights say. */
static void
check_weights(uint32_t weight0, uint32_t weight1, unsigned int nb_lanes)
{
	const uint32_t weights[2] = {weight0, weight1};
	struct rig *rig = open_rig(1);
	unsigned int wq, i, poll;

	for (wq = 0; wq < 2; wq++)
		rig_add_wq(rig, &(struct rig_wq_conf){.size = 1024, .weight = weights[wq]});
	for (wq = 0; wq < 2; wq++) {
		for (i = 0; i < nb_lanes; i++)
			rig_add_guest(rig, wq, 1 + wq * 64 + i);
	}
	for (poll = 1; poll <= PROMPT_BURSTS / 16; poll++) {
		fill_queue(rig, 0);
		fill_queue(rig, 1);
		rig_poll(rig);
		for (wq = 0; wq < 2; wq++) {
			uint64_t sum = 0;

			for (i = 0; i < nb_lanes; i++)
				sum += completed(rig, wq, 1 + wq * 64 + i);
			assert_int_equal(sum, poll * weights[wq] * RIG_BURST);
		}
	}
	rig_close(rig);
}

static void
test_weights_divide_what_is_dispatched(void **state)
{
	(void)state;
	check_weights(1, 1, 3);
	check_weights(6, 2, 8);
	check_weights(15, 1, 16);
}

static void
test_weights_count_with_one_lane_a_queue(void **state)
{
	(void)state;
	check_weights(1, 1, 1);
	check_weights(6, 2, 1);
	check_weights(1, 15, 1);
}

static void
test_weights_count_with_two_lanes_a_queue(void **state)
{
	(void)state;
	check_weights(5, 2, 2);
}

/* A queue without work costs the others nothing, and a poll ends though lanes never run dry. */
static void
test_an_empty_queue_takes_no_turn(void **state)
{
	struct rig *rig = open_rig(1);
	struct siov_engine_stats stats;

	(void)state;
	rig_add_wq(rig, &(struct rig_wq_conf){.size = 1024, .weight = 15});
	rig_add_wq(rig, &(struct rig_wq_conf){.size = 1024, .weight = 3});
	rig_add_guest(rig, 0, 1);
	rig_add_guest(rig, 1, 2);
	fill_queue(rig, 1);
	assert_int_equal(rig_poll(rig), 3 * RIG_BURST);
	siov_engine_get_stats(rig->engines[0], &stats);
	assert_int_equal(stats.polls, 1);
	assert_int_equal(stats.idle_polls, 0);
	assert_int_equal(stats.dispatched, 3 * RIG_BURST);
	rig_settle(rig);
	assert_int_equal(rig_poll(rig), 0);
	siov_engine_get_stats(rig->engines[0], &stats);
	assert_true(stats.idle_polls >= 1);
	rig_close(rig);
}

static void
test_lanes_of_a_queue_take_turns(void **state)
{
	struct rig *rig = open_rig(1);
	unsigned int i, poll;

	(void)state;
	rig_add_wq(rig, &(struct rig_wq_conf){.size = 1024});
	for (i = 0; i < 5; i++)
		rig_add_guest(rig, 0, 1 + i);
	for (poll = 0; poll < 20; poll++) {
		fill_queue(rig, 0);
		rig_poll(rig);
	}
	for (i = 0; i < 5; i++)
		assert_int_equal(completed(rig, 0, 1 + i), 20 / 5 * RIG_BURST);
	rig_close(rig);
}

/* ---- several engines, lanes that come and go ---- */

static void
test_two_engines_share_the_lanes_of_a_queue(void **state)
{
	struct dsa_hw_desc desc = desc_silent();
	struct rig *rig = open_rig(2);
	unsigned int mine[2] = {0, 0};
	unsigned int i, n;

	(void)state;
	rig_add_wq(rig, &(struct rig_wq_conf){.nb_engines = 2});
	for (i = 0; i < 6; i++) {
		struct rig_guest *guest = rig_add_guest(rig, 0, 10 + i);

		mine[guest->portal.lane->engine_id]++;
		for (n = 0; n <= i; n++)
			rig_submit(guest, &desc);
	}
	assert_int_equal(mine[0], 3);
	assert_int_equal(mine[1], 3);
	while (siov_engine_poll(rig->engines[0]) != 0)
		;
	for (i = 0; i < 6; i++) {
		bool is_first = rig->guests[i]->portal.lane->engine_id == 0;

		assert_int_equal(completed(rig, 0, 10 + i), is_first ? i + 1 : 0);
	}
	rig_settle(rig);
	for (i = 0; i < 6; i++)
		assert_int_equal(completed(rig, 0, 10 + i), i + 1);
	rig_close(rig);
}

static void
test_one_engine_serves_several_queues(void **state)
{
	struct rig *rig = open_rig(2);
	unsigned int i;

	(void)state;
	for (i = 0; i < RIG_WQS_MAX; i++)
		rig_add_wq(rig, &(struct rig_wq_conf){
					.size = 32,
					.dwq_pasid = i == 2 ? 102 : 0,
					.first_engine = i == 3,
				});
	for (i = 0; i < RIG_WQS_MAX; i++) {
		struct dsa_hw_desc desc = rig_desc(DSA_OPCODE_NOOP);
		struct rig_guest *guest = rig_add_guest(rig, i, 100 + i);

		assert_int_equal(rig_run(guest, &desc).status, DSA_COMP_SUCCESS);
		assert_int_equal(completed(rig, i, 100 + i), 1);
	}
	rig_close(rig);
}

static void
test_lanes_come_and_go_while_the_engine_polls(void **state)
{
	struct dsa_hw_desc desc = rig_desc(DSA_OPCODE_NOOP);
	struct rig *rig = open_rig(1);
	struct rig_guest *stays, *goes;
	struct siov_lane *lane;
	unsigned int i;

	(void)state;
	rig_add_wq(rig, &(struct rig_wq_conf){.size = 64, .lanes_max = 2});
	stays = rig_add_guest(rig, 0, 1);
	goes = rig_add_guest(rig, 0, 2);
	for (i = 1; i <= 50; i++) {
		rig_submit(stays, &desc);
		rig_submit(goes, &desc);
		assert_int_equal(siov_wq_detach(goes->portal.lane), -EBUSY);
		rig_settle(rig);
		assert_int_equal(siov_wq_detach(goes->portal.lane), 0);
		assert_int_equal(rig_run(stays, &desc).status, DSA_COMP_SUCCESS);
		assert_int_equal(siov_wq_attach(&rig->fm.mem, rig->wqs[0], 0, &lane), 0);
		assert_ptr_equal(lane, goes->portal.lane);
	}
	assert_int_equal(completed(rig, 0, 1), 2 * 50);
	assert_int_equal(completed(rig, 0, 2), 50);
	rig_close(rig);
}

#define MANY 1000u

static void
test_many_idle_lanes_hide_nobody(void **state)
{
	struct dsa_hw_desc desc = rig_desc(DSA_OPCODE_NOOP);
	struct rig *rig = open_rig(1);
	struct rig_guest *first = NULL;
	struct siov_lane *lane;
	unsigned int i;

	(void)state;
	rig_add_wq(rig, &(struct rig_wq_conf){.size = 16, .lanes_max = MANY});
	for (i = 0; i < MANY; i++) {
		assert_int_equal(siov_wq_attach(&rig->fm.mem, rig->wqs[0], 0, &lane), 0);
		rig_add_guest_on(rig, lane, 1 + i, first != NULL ? first->dom : NULL);
		if (first == NULL)
			first = rig->guests[0];
	}
	for (i = 0; i < MANY; i++) {
		first->comps[0].status = 0;
		rig_submit(rig->guests[i], &desc);
		/* One poll looks at every lane, wherever it begins. */
		assert_int_equal(rig_poll(rig), 1);
		assert_int_equal(first->comps[0].status, DSA_COMP_SUCCESS);
	}
	for (i = 0; i < MANY; i++)
		assert_int_equal(completed(rig, 0, 1 + i), 1);
	rig_close(rig);
}

/* ---- long transfers ---- */

static void
map_again_and_again(struct rig_guest *guest, uint64_t iova, uint8_t *hva, uint64_t len)
{
	uint64_t done;

	for (done = 0; done < len; done += RIG_2M)
		rig_map_at(guest, iova + done, hva, RIG_2M, RW);
}

/* 2 GiB from SRC to DST, for which there are twice 2 MiB. */
static struct dsa_hw_desc
prepare_huge(struct rig_guest *guest)
{
	struct dsa_hw_desc desc = rig_desc(DSA_OPCODE_MEMMOVE);

	map_again_and_again(guest, SRC, rig_take(guest->rig, RIG_2M, true), HUGE_LEN);
	map_again_and_again(guest, DST, rig_take(guest->rig, RIG_2M, true), HUGE_LEN);
	desc.src_addr = SRC;
	desc.dst_addr = DST;
	desc.xfer_size = HUGE_LEN;
	return desc;
}

static void
test_a_huge_transfer_holds_nobody_up_for_more_than_a_slice(void **state)
{
	struct dsa_hw_desc noop = rig_desc(DSA_OPCODE_NOOP), huge;
	struct rig *rig = open_rig(1);
	struct siov_engine_stats stats;
	struct rig_guest *guests[4];
	unsigned int i, poll;

	(void)state;
	rig_add_wq(rig, &(struct rig_wq_conf){0});
	rig_add_wq(rig, &(struct rig_wq_conf){0});
	guests[0] = rig_add_guest(rig, 0, 1);
	guests[1] = rig_add_guest(rig, 0, 2); /* another lane */
	guests[2] = rig_add_guest(rig, 1, 3); /* another queue */
	guests[3] = rig_add_guest_on(rig, guests[0]->portal.lane, 4, NULL); /* the same lane */
	huge = prepare_huge(guests[0]);
	rig_submit(guests[0], &huge);
	rig_poll(rig);
	for (poll = 1; poll < PROMPT_BURSTS; poll++) {
		for (i = 1; i < 4; i++) {
			memset(guests[i]->comps, 0, RIG_PAGE);
			rig_submit(guests[i], &noop);
		}
		/* Three no-ops and one slice. */
		assert_int_equal(rig_poll(rig), 4);
		for (i = 1; i < 4; i++)
			assert_int_equal(guests[i]->comps[0].status, DSA_COMP_SUCCESS);
		siov_engine_get_stats(rig->engines[0], &stats);
		assert_int_equal(stats.slices, 1 + poll);
	}
	assert_int_equal(guests[0]->comps[0].status, 0);
	assert_int_equal(engine_nb_long(rig->engines[0], 0), 1);
	assert_int_equal(engine_nb_long(rig->engines[0], 1), 0);
	rig_settle(rig);
	assert_int_equal(guests[0]->comps[0].status, DSA_COMP_SUCCESS);
	assert_int_equal(guests[0]->comps[0].bytes_completed, HUGE_LEN);
	siov_engine_get_stats(rig->engines[0], &stats);
	assert_int_equal(stats.slices, HUGE_LEN / RIG_SLICE);
	rig_close(rig);
}

/* Source and destination of LONG_LEN at SRC and DST, of random bytes and of zeros. */
static struct dsa_hw_desc
prepare_long(struct rig_guest *guest, struct rig_view *src, struct rig_view *dst)
{
	struct dsa_hw_desc desc = rig_desc(DSA_OPCODE_MEMMOVE);

	*src = rig_map(guest, SRC, LONG_LEN, SIOV_PERM_R, RIG_CONTIGUOUS);
	*dst = rig_map(guest, DST, LONG_LEN, RW, RIG_CONTIGUOUS);
	rig_random_bytes(guest->rig, src->pages[0], LONG_LEN);
	desc.src_addr = SRC;
	desc.dst_addr = DST;
	desc.xfer_size = LONG_LEN;
	return desc;
}

static void
test_a_lane_has_few_long_transfers_in_progress(void **state)
{
	struct dsa_hw_desc noop = rig_desc(DSA_OPCODE_NOOP), move;
	struct rig *rig = open_rig(1);
	struct rig_guest *guest, *other;
	struct rig_view src, dst;
	unsigned int i;

	(void)state;
	rig_add_wq(rig, &(struct rig_wq_conf){.size = 64});
	guest = rig_add_guest(rig, 0, 1);
	other = rig_add_guest(rig, 0, 2);
	move = prepare_long(guest, &src, &dst);
	for (i = 0; i < LONG_PER_LANE + 2; i++) {
		move.completion_addr = rig_comp(i);
		rig_submit(guest, &move);
	}
	noop.completion_addr = rig_comp(i);
	rig_submit(guest, &noop);
	rig_submit(other, &noop);
	assert_int_equal(rig_poll(rig), LONG_PER_LANE + 1 + 1);
	assert_int_equal(engine_nb_long(rig->engines[0], 0), LONG_PER_LANE);
	/* What is behind the fifth waits in its lane, another lane does not. */
	assert_int_equal(guest->comps[i].status, 0);
	assert_int_equal(other->comps[i].status, DSA_COMP_SUCCESS);
	rig_settle(rig);
	for (i = 0; i < LONG_PER_LANE + 3; i++)
		assert_int_equal(guest->comps[i].status, DSA_COMP_SUCCESS);
	assert_memory_equal(src.pages[0], dst.pages[0], LONG_LEN);
	assert_int_equal(completed(rig, 0, 1), LONG_PER_LANE + 3);
	assert_int_equal(engine_nb_long(rig->engines[0], 0), 0);
	rig_unview(&src);
	rig_unview(&dst);
	rig_close(rig);
}

/* Two queues with two lanes each, three transfers in a lane: never more than the engine may have. */
static void
check_long_max(uint32_t long_max)
{
	struct rig *rig = open_rig(1);
	struct rig_guest *guests[4];
	struct rig_view src[4], dst[4];
	unsigned int i, k, most = 0;

	for (i = 0; i < 2; i++)
		rig_add_wq(rig, &(struct rig_wq_conf){.size = 64, .long_max = long_max});
	for (i = 0; i < 4; i++)
		guests[i] = rig_add_guest(rig, i / 2, i + 1);
	for (i = 0; i < 4; i++) {
		struct dsa_hw_desc move = prepare_long(guests[i], &src[i], &dst[i]);

		for (k = 0; k < 3; k++) {
			move.completion_addr = rig_comp(k);
			rig_submit(guests[i], &move);
		}
	}
	while (rig_poll(rig) != 0) {
		unsigned int nb =
			engine_nb_long(rig->engines[0], 0) + engine_nb_long(rig->engines[0], 1);

		most = RTE_MAX(most, nb);
	}
	/* A poll ends with a turn, which may end one. */
	assert_int_equal(most, long_max);
	for (i = 0; i < 4; i++) {
		for (k = 0; k < 3; k++)
			assert_int_equal(guests[i]->comps[k].status, DSA_COMP_SUCCESS);
		assert_memory_equal(src[i].pages[0], dst[i].pages[0], LONG_LEN);
		rig_unview(&src[i]);
		rig_unview(&dst[i]);
	}
	rig_close(rig);
}

static void
test_an_engine_has_no_more_long_transfers_than_it_may(void **state)
{
	(void)state;
	check_long_max(1);
	check_long_max(3);
	check_long_max(7);
}

/* A drain waits for the other lane's transfer, which waits for the slot: the drain holds none. */
static void
test_a_drain_takes_no_slot_from_what_it_waits_for(void **state)
{
	struct dsa_hw_desc drain = rig_desc(DSA_OPCODE_DRAIN), move;
	struct rig *rig = open_rig(1);
	struct rig_guest *first, *second;
	struct siov_lane *lane;
	struct rig_view src, dst;

	(void)state;
	rig_add_wq(rig, &(struct rig_wq_conf){.size = 64, .long_max = 1});
	first = rig_add_guest(rig, 0, 1);
	assert_int_equal(siov_wq_attach(&rig->fm.mem, rig->wqs[0], 0, &lane), 0);
	second = rig_add_guest_on(rig, lane, 1, first->dom);
	move = prepare_long(first, &src, &dst);
	move.completion_addr = rig_comp(1);
	rig_submit(second, &move);
	move.completion_addr = rig_comp(2);
	rig_submit(second, &move);
	rig_submit(first, &drain);
	rig_settle(rig);
	assert_int_equal(first->comps[0].status, DSA_COMP_SUCCESS);
	assert_int_equal(first->comps[1].status, DSA_COMP_SUCCESS);
	assert_int_equal(first->comps[2].status, DSA_COMP_SUCCESS);
	rig_unview(&src);
	rig_unview(&dst);
	rig_close(rig);
}

/* Two transfers of four slices each, on so many queues; after six polls both have done three. */
static void
check_turns(unsigned int nb_wqs)
{
	struct rig *rig = open_rig(1);
	struct rig_view src[2], dst[2];
	struct dsa_hw_desc move;
	unsigned int i, poll;

	for (i = 0; i < nb_wqs; i++)
		rig_add_wq(rig, &(struct rig_wq_conf){0});
	for (i = 0; i < 2; i++) {
		struct rig_guest *guest = rig_add_guest(rig, i % nb_wqs, 1 + i);

		move = prepare_long(guest, &src[i], &dst[i]);
		rig_submit(guest, &move);
	}
	for (poll = 0; poll < 6; poll++)
		rig_poll(rig);
	for (i = 0; i < 2; i++) {
		assert_int_equal(rig->guests[i]->comps[0].status, 0);
		assert_memory_equal(src[i].pages[0], dst[i].pages[0], 3 * RIG_SLICE);
		assert_memory_not_equal(src[i].pages[0] + 3 * RIG_SLICE,
					dst[i].pages[0] + 3 * RIG_SLICE, RIG_SLICE);
	}
	rig_settle(rig);
	for (i = 0; i < 2; i++) {
		assert_memory_equal(src[i].pages[0], dst[i].pages[0], LONG_LEN);
		rig_unview(&src[i]);
		rig_unview(&dst[i]);
	}
	rig_close(rig);
}

static void
test_long_transfers_share_the_slices(void **state)
{
	(void)state;
	check_turns(1);
	check_turns(2);
}

static void
test_a_long_transfer_rests_while_the_engine_is_stopped(void **state)
{
	struct rig *rig = open_rig(1);
	struct rig_view src, dst;
	struct rig_guest *guest;
	struct dsa_hw_desc move;
	unsigned int i;

	(void)state;
	rig_add_wq(rig, &(struct rig_wq_conf){0});
	guest = rig_add_guest(rig, 0, 1);
	move = prepare_long(guest, &src, &dst);
	rig_submit(guest, &move);
	for (i = 0; i < 3; i++) {
		rig_poll(rig);
		siov_engine_stop(rig->engines[0]);
		siov_engine_start(rig->engines[0]);
	}
	assert_int_equal(guest->comps[0].status, 0);
	rig_settle(rig);
	assert_int_equal(guest->comps[0].status, DSA_COMP_SUCCESS);
	assert_memory_equal(src.pages[0], dst.pages[0], LONG_LEN);
	rig_unview(&src);
	rig_unview(&dst);
	rig_close(rig);
}

/* ---- latency, wrap ---- */

#define AGO UINT64_C(100000000) /* cycles */

static void
test_latency_is_counted_once_a_descriptor(void **state)
{
	struct dsa_hw_desc good = rig_desc(DSA_OPCODE_NOOP), bad = rig_desc(0xee), move;
	struct rig *rig = open_rig(1);
	struct rig_view src, dst;
	struct rig_guest *guest;
	struct siov_desc_words words;
	struct siov_stats stats;
	unsigned int i;

	(void)state;
	rig_add_wq(rig, &(struct rig_wq_conf){.size = 64, .flags = SIOV_WQ_F_STAMPS});
	guest = rig_add_guest(rig, 0, 1);
	move = prepare_long(guest, &src, &dst);
	for (i = 0; i < 20; i++) {
		rig_submit(guest, &good);
		rig_submit(guest, &bad);
		rig_submit(guest, &move);
		rig_settle(rig);
	}
	stats = rig_stats(rig, 0, 1);
	assert_int_equal(stats.completed, 40);
	assert_int_equal(stats.failed, 20);
	assert_int_equal(stats.latency.total, 60);
	memcpy(&words, &good, sizeof(words));
	siov_enqcmd_at(&guest->portal, (struct dsa_hw_desc *)&words, rte_rdtsc() - AGO);
	rig_settle(rig);
	stats = rig_stats(rig, 0, 1);
	assert_int_equal(stats.latency.total, 61);
	/* The time it was meant to be sent is what counts. */
	assert_true(siov_hist_quantile(&stats.latency, 1) >= AGO / 64 * 63);
	rig_unview(&src);
	rig_unview(&dst);
	rig_close(rig);
}

static void
test_no_stamps_no_latency(void **state)
{
	struct dsa_hw_desc desc = rig_desc(DSA_OPCODE_NOOP);
	struct rig *rig = open_rig(1);
	struct rig_guest *guest;

	(void)state;
	rig_add_wq(rig, &(struct rig_wq_conf){0});
	guest = rig_add_guest(rig, 0, 1);
	rig_run(guest, &desc);
	assert_int_equal(rig_stats(rig, 0, 1).completed, 1);
	assert_int_equal(rig_stats(rig, 0, 1).latency.total, 0);
	rig_close(rig);
}

/* Each record tells that its descriptor ran, the count that none ran twice. */
static void
check_exactly_once(uint32_t size, unsigned int nb)
{
	struct dsa_hw_desc desc = rig_desc(DSA_OPCODE_NOOP);
	struct rig *rig = open_rig(1);
	struct rig_guest *guest;
	unsigned int i, k, n;

	rig_add_wq(rig, &(struct rig_wq_conf){.size = size, .flags = SIOV_WQ_F_EXACT});
	guest = rig_add_guest(rig, 0, 1);
	for (i = 0; i < nb; i += n) {
		memset(guest->comps, 0, RIG_PAGE);
		n = 1 + i % size;
		for (k = 0; k < n; k++) {
			desc.completion_addr = rig_comp(k);
			rig_submit(guest, &desc);
		}
		rig_settle(rig);
		for (k = 0; k < RIG_COMPS; k++)
			assert_int_equal(guest->comps[k].status, k < n ? DSA_COMP_SUCCESS : 0);
		assert_int_equal(completed(rig, 0, 1), i + n);
	}
	rig_close(rig);
}

/* 2,048 laps and more: the lap tag starts again. */
static void
test_every_descriptor_runs_once_over_all_wraps(void **state)
{
	(void)state;
	check_exactly_once(1, 5000);
	check_exactly_once(2, 10000);
	check_exactly_once(3, 20000);
	check_exactly_once(5, 40000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_weights_divide_what_is_dispatched),
		cmocka_unit_test(test_weights_count_with_one_lane_a_queue),
		cmocka_unit_test(test_weights_count_with_two_lanes_a_queue),
		cmocka_unit_test(test_an_empty_queue_takes_no_turn),
		cmocka_unit_test(test_lanes_of_a_queue_take_turns),
		cmocka_unit_test(test_two_engines_share_the_lanes_of_a_queue),
		cmocka_unit_test(test_one_engine_serves_several_queues),
		cmocka_unit_test(test_lanes_come_and_go_while_the_engine_polls),
		cmocka_unit_test(test_many_idle_lanes_hide_nobody),
		cmocka_unit_test(test_a_huge_transfer_holds_nobody_up_for_more_than_a_slice),
		cmocka_unit_test(test_a_lane_has_few_long_transfers_in_progress),
		cmocka_unit_test(test_an_engine_has_no_more_long_transfers_than_it_may),
		cmocka_unit_test(test_a_drain_takes_no_slot_from_what_it_waits_for),
		cmocka_unit_test(test_long_transfers_share_the_slices),
		cmocka_unit_test(test_a_long_transfer_rests_while_the_engine_is_stopped),
		cmocka_unit_test(test_latency_is_counted_once_a_descriptor),
		cmocka_unit_test(test_no_stamps_no_latency),
		cmocka_unit_test(test_every_descriptor_runs_once_over_all_wraps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Gates: what is in lanes, long, parked, in batches, and drains of what is shut out ends as aborted
 * or in silence; what is not shut out is not touched.
 */
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include "prs_bed.h"

#define NEIGHBOUR (PASID + 1)
#define LIST UINT64_C(0x40000000)
#define ABSENT UINT64_C(0x50000000) /* at first */
#define LONG_LEN ((uint32_t)(4 * RIG_SLICE))
#define ALL UINT32_MAX /* the whole queue */

static void
set_gate(const struct prs_bed *bed, uint32_t pasid, enum engine_gate gate)
{
	assert_int_equal(engine_set_gate(bed->rig->engines[0], 0, pasid, gate), 0);
}

static uint32_t
nb_aside(const struct prs_bed *bed, uint32_t pasid)
{
	return engine_nb_aside(bed->rig->engines[0], 0, pasid);
}

static uint8_t
status_of(const struct rig_guest *guest, unsigned int comp)
{
	return guest->comps[comp].status;
}

/* What a gate leaves in a record. */
static uint8_t
expected(enum engine_gate gate)
{
	return gate == ENGINE_GATE_ABORT ? SIOV_COMP_ABORTED : DSA_COMP_NONE;
}

static void
check_counts(const struct prs_bed *bed, uint32_t pasid, uint64_t completed, uint64_t aborted)
{
	const struct siov_stats stats = rig_stats(bed->rig, 0, pasid);

	assert_int_equal(stats.completed, completed);
	assert_int_equal(stats.failed, 0);
	assert_int_equal(stats.aborted, aborted);
}

/* With the gate open again, work is done. */
static void
check_reopened(struct prs_bed *bed, uint32_t pasid)
{
	const struct dsa_hw_desc desc = rig_desc(DSA_OPCODE_NOOP);

	assert_int_equal(nb_aside(bed, ALL), 0);
	assert_int_equal(nb_aside(bed, PASID), 0);
	set_gate(bed, pasid, ENGINE_GATE_OPEN);
	assert_int_equal(rig_run(bed->guest, &desc).status, DSA_COMP_SUCCESS);
}

/* A PASID on the same lane, with records at the same addresses of its own space. */
static struct rig_guest *
add_neighbour(struct prs_bed *bed)
{
	return rig_add_guest_on(bed->rig, bed->guest->portal.lane, NEIGHBOUR, NULL);
}

/* Both pages of long copies. */
static void
map_long(struct prs_bed *bed, struct rig_view *src, struct rig_view *dst)
{
	*src = rig_map(bed->guest, SRC, LONG_LEN, SIOV_PERM_R, RIG_SHUFFLED);
	*dst = rig_map(bed->guest, DST, LONG_LEN, RW, RIG_SHUFFLED);
}

static void
unmap_long(struct rig_view *src, struct rig_view *dst)
{
	rig_unview(src);
	rig_unview(dst);
}

/* ---- lanes ---- */

static void
end_in_lanes(struct prs_bed *bed, uint32_t gated, enum engine_gate gate)
{
	struct rig_guest *neighbour = add_neighbour(bed);
	struct dsa_hw_desc desc = rig_desc(DSA_OPCODE_NOOP);
	uint8_t other = gated == ALL ? expected(gate) : DSA_COMP_SUCCESS;
	unsigned int i;

	for (i = 0; i < 40; i++) {
		desc.completion_addr = rig_comp(i);
		rig_submit(bed->guest, &desc);
		rig_submit(neighbour, &desc);
	}
	set_gate(bed, gated, gate);
	rig_settle(bed->rig);
	for (i = 0; i < 40; i++) {
		assert_int_equal(status_of(bed->guest, i), expected(gate));
		assert_int_equal(status_of(neighbour, i), other);
	}
	check_counts(bed, PASID, 0, 40);
	check_counts(bed, NEIGHBOUR, gated == ALL ? 0 : 40, gated == ALL ? 40 : 0);
	check_reopened(bed, gated);
}

static void
test_abort_ends_what_lies_in_lanes(void **state)
{
	end_in_lanes(*state, PASID, ENGINE_GATE_ABORT);
}

static void
test_s7_7_2_discard_ends_what_lies_in_lanes_in_silence(void **state)
{
	end_in_lanes(*state, PASID, ENGINE_GATE_DISCARD);
}

static void
test_a_queue_s_gate_is_for_all_of_its_pasids(void **state)
{
	end_in_lanes(*state, ALL, ENGINE_GATE_ABORT);
}

/* ---- long transfers ---- */

static void
test_abort_ends_a_long_transfer_midway(void **state)
{
	struct prs_bed *bed = *state;
	const struct dsa_hw_desc desc = prs_copy(LONG_LEN, 0);
	struct rig_view src, dst;

	map_long(bed, &src, &dst);
	rig_submit(bed->guest, &desc);
	rig_poll(bed->rig);
	assert_int_equal(status_of(bed->guest, 0), DSA_COMP_NONE);
	assert_int_equal(nb_aside(bed, PASID), 1);
	set_gate(bed, PASID, ENGINE_GATE_ABORT);
	rig_settle(bed->rig);
	assert_int_equal(status_of(bed->guest, 0), SIOV_COMP_ABORTED);
	assert_in_range(bed->guest->comps[0].bytes_completed, RIG_SLICE, LONG_LEN - RIG_SLICE);
	check_counts(bed, PASID, 0, 1);
	check_reopened(bed, PASID);
	unmap_long(&src, &dst);
}

/* ---- parked ---- */

static void
end_parked(struct prs_bed *bed, enum engine_gate gate)
{
	const struct dsa_hw_desc desc = prs_copy(64, 0);
	struct siov_vtd_page_request req;

	rig_submit(bed->guest, &desc);
	rig_settle(bed->rig);
	req = prs_take(bed, PASID, SRC, SIOV_PERM_R);
	assert_int_equal(nb_aside(bed, PASID), 1);
	set_gate(bed, PASID, gate);
	rig_settle(bed->rig);
	assert_int_equal(status_of(bed->guest, 0), expected(gate));
	assert_int_equal(nb_aside(bed, PASID), 0);
	/* The answer comes too late, and helps nobody. */
	prs_map(bed->guest, SRC, SIOV_PERM_R);
	prs_answer(bed, &req, SIOV_PAGE_SUCCESS);
	rig_settle(bed->rig);
	assert_int_equal(status_of(bed->guest, 0), expected(gate));
	check_counts(bed, PASID, 0, 1);
	check_reopened(bed, PASID);
}

static void
test_abort_ends_what_waits_for_a_page(void **state)
{
	end_parked(*state, ENGINE_GATE_ABORT);
}

static void
test_s7_7_2_discard_ends_what_waits_for_a_page_in_silence(void **state)
{
	end_parked(*state, ENGINE_GATE_DISCARD);
}

/* ---- batches ---- */

/* A batch of nb members with records 1 to nb: the first copies len bytes, the others do nothing. */
static void
submit_batch(struct prs_bed *bed, uint32_t len, unsigned int nb)
{
	struct dsa_hw_desc desc = prs_copy(len, 1);
	uint8_t *page = prs_map(bed->guest, LIST, SIOV_PERM_R);
	unsigned int i;

	memcpy(page, &desc, sizeof(desc));
	for (i = 1; i < nb; i++) {
		desc = rig_desc(DSA_OPCODE_NOOP);
		desc.completion_addr = rig_comp(1 + i);
		/* The last one waits for all others. */
		if (i == nb - 1)
			desc.flags |= IDXD_OP_FLAG_FENCE;
		memcpy(page + i * sizeof(desc), &desc, sizeof(desc));
	}
	desc = rig_desc(DSA_OPCODE_BATCH);
	desc.desc_list_addr = LIST;
	desc.desc_count = nb;
	rig_submit(bed->guest, &desc);
}

static void
end_batch_with_parked_member(struct prs_bed *bed, enum engine_gate gate)
{
	struct siov_vtd_page_request req;

	submit_batch(bed, 64, 3);
	rig_settle(bed->rig);
	req = prs_take(bed, PASID, SRC, SIOV_PERM_R);
	assert_int_equal(status_of(bed->guest, 2), DSA_COMP_SUCCESS);
	assert_int_equal(nb_aside(bed, PASID), 2);
	set_gate(bed, PASID, gate);
	rig_settle(bed->rig);
	assert_int_equal(status_of(bed->guest, 0), expected(gate));
	assert_int_equal(status_of(bed->guest, 1), expected(gate));
	assert_int_equal(status_of(bed->guest, 3), DSA_COMP_NONE);
	prs_answer(bed, &req, SIOV_PAGE_SUCCESS);
	rig_settle(bed->rig);
	check_counts(bed, PASID, 0, 1);
	check_reopened(bed, PASID);
}

static void
test_abort_ends_a_batch_whose_member_waits_for_a_page(void **state)
{
	end_batch_with_parked_member(*state, ENGINE_GATE_ABORT);
}

static void
test_s7_7_2_discard_ends_such_a_batch_in_silence(void **state)
{
	end_batch_with_parked_member(*state, ENGINE_GATE_DISCARD);
}

/* The page has come, and the member has slices left, when the gate shuts. */
static void
end_batch_with_runnable_member(struct prs_bed *bed, enum engine_gate gate)
{
	struct rig_guest *neighbour = prs_add_guest(bed, NEIGHBOUR, true);
	const struct dsa_hw_desc desc = prs_copy(64, 0);
	struct siov_vtd_page_request req, other;
	struct rig_view src, dst;

	/* What stays parked all the time. */
	rig_submit(neighbour, &desc);
	rig_settle(bed->rig);
	other = prs_take(bed, NEIGHBOUR, SRC, SIOV_PERM_R);
	submit_batch(bed, LONG_LEN, 40);
	rig_settle(bed->rig);
	req = prs_take(bed, PASID, SRC, SIOV_PERM_R);
	map_long(bed, &src, &dst);
	prs_answer(bed, &req, SIOV_PAGE_SUCCESS);
	rig_poll(bed->rig);
	assert_int_equal(status_of(bed->guest, 1), DSA_COMP_NONE);
	assert_int_equal(nb_aside(bed, PASID), 2);
	set_gate(bed, PASID, gate);
	rig_settle(bed->rig);
	assert_int_equal(status_of(bed->guest, 0), expected(gate));
	assert_int_equal(status_of(bed->guest, 1), expected(gate));
	assert_int_equal(status_of(bed->guest, 40), DSA_COMP_NONE);
	/* All but the last, which was to wait. */
	assert_int_equal(bed->guest->comps[0].bytes_completed, gate == ENGINE_GATE_ABORT ? 39 : 0);
	check_counts(bed, PASID, 0, 1);
	assert_int_equal(nb_aside(bed, NEIGHBOUR), 1);
	assert_int_equal(status_of(neighbour, 0), DSA_COMP_NONE);
	prs_map(neighbour, SRC, SIOV_PERM_R);
	prs_map(neighbour, DST, SIOV_PERM_W);
	prs_answer(bed, &other, SIOV_PAGE_SUCCESS);
	rig_settle(bed->rig);
	assert_int_equal(status_of(neighbour, 0), DSA_COMP_SUCCESS);
	check_reopened(bed, PASID);
	unmap_long(&src, &dst);
}

static void
test_abort_ends_a_batch_whose_member_is_about_to_go_on(void **state)
{
	end_batch_with_runnable_member(*state, ENGINE_GATE_ABORT);
}

static void
test_s7_7_2_discard_ends_that_batch_in_silence(void **state)
{
	end_batch_with_runnable_member(*state, ENGINE_GATE_DISCARD);
}

/* The batch is in a long member, with others to follow, while an earlier one has slices left. */
static void
test_members_after_a_shut_gate_are_not_begun(void **state)
{
	struct prs_bed *bed = *state;
	struct dsa_hw_desc desc = prs_copy(LONG_LEN, 2);
	struct siov_vtd_page_request req;
	struct rig_view src, dst;
	uint8_t *page = prs_map(bed->guest, LIST, SIOV_PERM_R);
	unsigned int i;

	map_long(bed, &src, &dst);
	for (i = 0; i < 4; i++) {
		desc = i < 2 ? prs_copy(LONG_LEN, 1 + i) : rig_desc(DSA_OPCODE_NOOP);
		desc.completion_addr = rig_comp(1 + i);
		/* The first one's destination is absent, the second one's is there. */
		if (i == 0)
			desc.dst_addr = ABSENT;
		memcpy(page + i * sizeof(desc), &desc, sizeof(desc));
	}
	desc = rig_desc(DSA_OPCODE_BATCH);
	desc.desc_list_addr = LIST;
	desc.desc_count = 4;
	rig_submit(bed->guest, &desc);
	rig_poll(bed->rig);
	req = prs_take(bed, PASID, ABSENT, SIOV_PERM_W);
	rig_map_at(bed->guest, ABSENT, rig_take(bed->rig, LONG_LEN, false), LONG_LEN, RW);
	prs_answer(bed, &req, SIOV_PAGE_SUCCESS);
	rig_poll(bed->rig);
	assert_int_equal(nb_aside(bed, PASID), 2);
	set_gate(bed, PASID, ENGINE_GATE_ABORT);
	rig_settle(bed->rig);
	assert_int_equal(status_of(bed->guest, 0), SIOV_COMP_ABORTED);
	assert_int_equal(status_of(bed->guest, 1), SIOV_COMP_ABORTED);
	for (i = 2; i <= 4; i++)
		assert_int_equal(status_of(bed->guest, i), DSA_COMP_NONE);
	check_counts(bed, PASID, 0, 1);
	check_reopened(bed, PASID);
	unmap_long(&src, &dst);
}

static void
test_abort_ends_a_batch_in_its_long_member(void **state)
{
	struct prs_bed *bed = *state;
	struct rig_view src, dst;

	map_long(bed, &src, &dst);
	submit_batch(bed, LONG_LEN, 3);
	rig_poll(bed->rig);
	assert_int_equal(nb_aside(bed, PASID), 1);
	set_gate(bed, PASID, ENGINE_GATE_ABORT);
	rig_settle(bed->rig);
	assert_int_equal(status_of(bed->guest, 0), SIOV_COMP_ABORTED);
	assert_int_equal(bed->guest->comps[0].bytes_completed, 0);
	assert_int_equal(status_of(bed->guest, 2), DSA_COMP_NONE);
	check_counts(bed, PASID, 0, 1);
	check_reopened(bed, PASID);
	unmap_long(&src, &dst);
}

/* ---- drains ---- */

static void
test_abort_ends_a_drain_with_what_it_waits_for(void **state)
{
	struct prs_bed *bed = *state;
	struct dsa_hw_desc desc = prs_copy(64, 0);

	rig_submit(bed->guest, &desc);
	desc = rig_desc(DSA_OPCODE_DRAIN);
	desc.completion_addr = rig_comp(1);
	rig_submit(bed->guest, &desc);
	rig_settle(bed->rig);
	assert_int_equal(nb_aside(bed, PASID), 2);
	assert_int_equal(status_of(bed->guest, 1), DSA_COMP_NONE);
	set_gate(bed, PASID, ENGINE_GATE_ABORT);
	rig_settle(bed->rig);
	assert_int_equal(status_of(bed->guest, 0), SIOV_COMP_ABORTED);
	assert_int_equal(status_of(bed->guest, 1), SIOV_COMP_ABORTED);
	check_counts(bed, PASID, 0, 2);
	check_reopened(bed, PASID);
}

static void
test_a_neighbour_s_parked_and_long_work_goes_on(void **state)
{
	struct prs_bed *bed = *state;
	struct rig_guest *neighbour = prs_add_guest(bed, NEIGHBOUR, true);
	const struct dsa_hw_desc desc = prs_copy(64, 0);
	struct siov_vtd_page_request req;

	rig_submit(neighbour, &desc);
	rig_settle(bed->rig);
	req = prs_take(bed, NEIGHBOUR, SRC, SIOV_PERM_R);
	set_gate(bed, PASID, ENGINE_GATE_DISCARD);
	rig_settle(bed->rig);
	assert_int_equal(nb_aside(bed, NEIGHBOUR), 1);
	assert_int_equal(nb_aside(bed, PASID), 0);
	prs_map(neighbour, SRC, SIOV_PERM_R);
	prs_map(neighbour, DST, SIOV_PERM_W);
	prs_answer(bed, &req, SIOV_PAGE_SUCCESS);
	rig_settle(bed->rig);
	assert_int_equal(status_of(neighbour, 0), DSA_COMP_SUCCESS);
	check_counts(bed, NEIGHBOUR, 1, 0);
	set_gate(bed, PASID, ENGINE_GATE_OPEN);
}

/* ---- threads ---- */

#define NB_EACH 20000u

struct client {
	pthread_t thread;
	struct rig_guest *guest;
	uint64_t nb_success, nb_aborted, nb_other;
};

/* The first word of record 0, which is written last. */
static SIOV_ATOMIC(uint64_t) *
record_word(const struct rig_guest *guest)
{
	return (void *)guest->comps;
}

static void *
run_client(void *arg)
{
	const struct dsa_hw_desc desc = rig_desc(DSA_OPCODE_NOOP);
	struct client *client = arg;
	unsigned int i;

	for (i = 0; i < NB_EACH; i++) {
		uint64_t word = 0;

		siov_atomic_store(record_word(client->guest), UINT64_C(0), relaxed);
		if (rig_enqcmd(&client->guest->portal, &desc) != SIOV_DMWR_SUCCESS) {
			client->nb_other++;
			continue;
		}
		while (word == 0) {
			sched_yield();
			word = siov_atomic_load(record_word(client->guest), acquire);
		}
		if ((uint8_t)word == DSA_COMP_SUCCESS)
			client->nb_success++;
		else if ((uint8_t)word == SIOV_COMP_ABORTED)
			client->nb_aborted++;
		else
			client->nb_other++;
	}
	return NULL;
}

struct runner {
	struct siov_engine *engine;
	SIOV_ATOMIC(uint32_t) stop;
};

static void *
run_engine(void *arg)
{
	struct runner *runner = arg;

	siov_engine_start(runner->engine);
	while (!siov_atomic_load(&runner->stop, acquire)) {
		if (siov_engine_poll(runner->engine) == 0)
			sched_yield();
	}
	siov_engine_stop(runner->engine);
	return NULL;
}

static void
check_client(const struct prs_bed *bed, const struct client *client)
{
	assert_int_equal(client->nb_other, 0);
	assert_int_equal(client->nb_success + client->nb_aborted, NB_EACH);
	check_counts(bed, client->guest->pasid, client->nb_success, client->nb_aborted);
}

static void
test_s7_3_2_each_accepted_ends_once_while_a_gate_opens_and_shuts(void **state)
{
	struct prs_bed *bed = *state;
	struct client clients[2] = {
		{.guest = bed->guest},
		{.guest = prs_add_guest(bed, NEIGHBOUR, true)},
	};
	struct runner runner = {.engine = bed->rig->engines[0]};
	pthread_t engine;
	unsigned int i;

	siov_engine_stop(runner.engine);
	assert_int_equal(pthread_create(&engine, NULL, run_engine, &runner), 0);
	for (i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&clients[i].thread, NULL, run_client, &clients[i]),
				 0);
	for (i = 0; i < 400; i++) {
		set_gate(bed, PASID, i % 2 == 0 ? ENGINE_GATE_ABORT : ENGINE_GATE_OPEN);
		usleep(200);
	}
	for (i = 0; i < 2; i++)
		pthread_join(clients[i].thread, NULL);
	siov_atomic_store(&runner.stop, 1, release);
	pthread_join(engine, NULL);
	siov_engine_start(runner.engine);
	check_client(bed, &clients[0]);
	check_client(bed, &clients[1]);
	assert_int_equal(clients[1].nb_aborted, 0);
	assert_int_not_equal(clients[0].nb_aborted, 0);
	assert_int_not_equal(clients[0].nb_success, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		PRS_TEST(test_abort_ends_what_lies_in_lanes),
		PRS_TEST(test_s7_7_2_discard_ends_what_lies_in_lanes_in_silence),
		PRS_TEST(test_a_queue_s_gate_is_for_all_of_its_pasids),
		PRS_TEST(test_abort_ends_a_long_transfer_midway),
		PRS_TEST(test_abort_ends_what_waits_for_a_page),
		PRS_TEST(test_s7_7_2_discard_ends_what_waits_for_a_page_in_silence),
		PRS_TEST(test_abort_ends_a_batch_whose_member_waits_for_a_page),
		PRS_TEST(test_s7_7_2_discard_ends_such_a_batch_in_silence),
		PRS_TEST(test_abort_ends_a_batch_whose_member_is_about_to_go_on),
		PRS_TEST(test_s7_7_2_discard_ends_that_batch_in_silence),
		PRS_TEST(test_members_after_a_shut_gate_are_not_begun),
		PRS_TEST(test_abort_ends_a_batch_in_its_long_member),
		PRS_TEST(test_abort_ends_a_drain_with_what_it_waits_for),
		PRS_TEST(test_a_neighbour_s_parked_and_long_work_goes_on),
		PRS_TEST(test_s7_3_2_each_accepted_ends_once_while_a_gate_opens_and_shuts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

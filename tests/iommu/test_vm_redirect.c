/* SPDX-License-Identifier: BSD-3-Clause */
/* A guest's page that is moved to another function's portal, while the guest submits. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "siov_vm_pasid.h"
#include "swq/wq_bed.h"

#define NB_QUEUES 2u
#define QUEUE_SIZE 64u
#define GUEST 7u
#define HOST 1234u
#define NB_MOVES 100000u

struct rig {
	struct siov_vm_portal vp;
	struct fake_mem fm;
	struct wq_bed *bed[NB_QUEUES];
	struct siov_vm_pasid *vm;
	uint64_t nb_taken[NB_QUEUES];
	uint64_t next_id[NB_QUEUES]; /* what a queue brings next is not below this */
	uint64_t sum_of_ids;
	uint64_t nb_wrong;
	SIOV_ATOMIC(uint32_t) stop __rte_cache_aligned;
	SIOV_ATOMIC(uint64_t) nb_sent;
	SIOV_ATOMIC(uint64_t) nb_other; /* answers that are neither Success nor Retry for room */
};

static struct wq_bed *
open_queue(enum siov_wq_mode mode)
{
	struct siov_wq_conf conf = wq_bed_conf(QUEUE_SIZE, 0);

	conf.mode = mode;
	return wq_bed_open(&conf, 1);
}

static int
setup_with(void **state, enum siov_wq_mode mode)
{
	struct siov_vm_pasid_conf conf;
	struct rig *r = NULL;
	unsigned int i;

	assert_int_equal(posix_memalign((void **)&r, 64, sizeof(*r)), 0);
	memset(r, 0, sizeof(*r));
	fake_mem_init(&r->fm);
	siov_vm_pasid_conf_init(&conf);
	conf.mem = &r->fm.mem;
	assert_int_equal(siov_vm_pasid_create(&conf, &r->vm), 0);
	assert_int_equal(siov_vm_pasid_set(r->vm, GUEST, HOST), 0);
	for (i = 0; i < NB_QUEUES; i++)
		r->bed[i] = open_queue(mode);
	assert_int_equal(siov_vm_portal_init(&r->vp, &r->bed[0]->portals[0], r->vm, 0), 0);
	assert_int_equal(siov_vm_portal_set_pasid(&r->vp, SIOV_IA32_PASID_V | GUEST), 0);
	*state = r;
	return 0;
}

static int
setup(void **state)
{
	return setup_with(state, SIOV_WQ_SHARED);
}

static int
setup_dedicated(void **state)
{
	return setup_with(state, SIOV_WQ_DEDICATED);
}

static int
teardown(void **state)
{
	struct rig *r = *state;
	unsigned int i;

	for (i = 0; i < NB_QUEUES; i++)
		wq_bed_close(r->bed[i]);
	siov_vm_pasid_free(r->vm);
	assert_int_equal(r->fm.nb_live, 0);
	free(r);
	return 0;
}

static void
move_to(struct rig *r, unsigned int queue)
{
	assert_int_equal(siov_vm_portal_redirect(&r->vp, &r->bed[queue]->portals[0]), 0);
}

/* Take what a queue has; its ids must go up and its descriptors be whole. Returns how many. */
static unsigned int
collect(struct rig *r, unsigned int queue)
{
	struct wq_bed *bed = r->bed[queue];
	unsigned int n = wq_bed_pop_lane(bed, bed->lanes[0], WQ_BED_BURST);
	unsigned int i;
	uint64_t id;

	for (i = 0; i < n; i++) {
		id = wq_bed_id(&bed->popped[i]);
		r->nb_wrong += id < r->next_id[queue] || !wq_bed_is_whole(&bed->popped[i], HOST);
		r->next_id[queue] = id + 1;
		r->sum_of_ids += id;
	}
	siov_wq_give_back(bed->wq, &bed->granter, n, bed->now_cycles);
	r->nb_taken[queue] += n;
	return n;
}

static void
expect_taken(struct rig *r, unsigned int nb_0, unsigned int nb_1)
{
	assert_int_equal(collect(r, 0), nb_0);
	assert_int_equal(collect(r, 1), nb_1);
	assert_int_equal(r->nb_wrong, 0);
}

static void
test_s8_3_1_every_instruction_follows_the_page(void **state)
{
	struct siov_desc_words desc;
	struct rig *r = *state;
	unsigned int i;

	for (i = 0; i < 4; i++) {
		move_to(r, i % 2);
		r->bed[i % 2]->portals[0].flags |= SIOV_PORTAL_F_PRIV;
		wq_bed_desc(&desc, 2 * i + 1);
		assert_int_equal(siov_vm_enqcmd(&r->vp, (struct dsa_hw_desc *)&desc),
				 SIOV_DMWR_SUCCESS);
		wq_bed_desc(&desc, 2 * i + 2);
		desc.word0 = (uint64_t)(2 * i + 2) << 32 | GUEST;
		assert_int_equal(siov_vm_enqcmds(&r->vp, (struct dsa_hw_desc *)&desc),
				 SIOV_DMWR_SUCCESS);
		expect_taken(r, i % 2 == 0 ? 2 : 0, i % 2 == 0 ? 0 : 2);
	}
	for (i = 0; i < NB_QUEUES; i++)
		assert_int_equal(siov_portal_count(&r->bed[i]->portals[0], SIOV_DMWR_SUCCESS), 4);
}

static void
test_s8_3_1_privilege_is_that_of_the_portal_moved_to(void **state)
{
	struct siov_desc_words desc;
	struct rig *r = *state;

	wq_bed_desc(&desc, 1);
	desc.word0 = GUEST;
	r->bed[1]->portals[0].flags |= SIOV_PORTAL_F_PRIV;
	assert_int_equal(siov_vm_enqcmds(&r->vp, (struct dsa_hw_desc *)&desc), SIOV_DMWR_GP);
	move_to(r, 1);
	assert_int_equal(siov_vm_enqcmds(&r->vp, (struct dsa_hw_desc *)&desc), SIOV_DMWR_SUCCESS);
	move_to(r, 0);
	assert_int_equal(siov_vm_enqcmds(&r->vp, (struct dsa_hw_desc *)&desc), SIOV_DMWR_GP);
}

/* The PASID is the queue's own, and the guest's need not be valid. */
static void
test_movdir64b_of_a_guest_follows_the_page(void **state)
{
	struct siov_desc_words desc;
	struct rig *r = *state;
	unsigned int i, n;

	assert_int_equal(siov_vm_portal_set_pasid(&r->vp, 0), 0);
	for (i = 0; i < 4; i++) {
		move_to(r, i % 2);
		wq_bed_desc(&desc, i);
		siov_vm_movdir64b(&r->vp, (struct dsa_hw_desc *)&desc);
		n = wq_bed_pop_lane(r->bed[i % 2], r->bed[i % 2]->lanes[0], 2);
		assert_int_equal(n, 1);
		assert_int_equal(wq_bed_id(&r->bed[i % 2]->popped[0]), i);
		n = wq_bed_pop_lane(r->bed[1 - i % 2], r->bed[1 - i % 2]->lanes[0], 2);
		assert_int_equal(n, 0);
	}
	assert_int_equal(siov_portal_count(&r->bed[1]->portals[0], SIOV_DMWR_SUCCESS), 2);
}

static void
test_redirect_checks_its_arguments(void **state)
{
	struct siov_desc_words desc;
	struct rig *r = *state;

	assert_int_equal(siov_vm_portal_redirect(NULL, &r->bed[1]->portals[0]), -EINVAL);
	assert_int_equal(siov_vm_portal_redirect(&r->vp, NULL), -EINVAL);
	wq_bed_desc(&desc, 1);
	assert_int_equal(siov_vm_enqcmd(&r->vp, (struct dsa_hw_desc *)&desc), SIOV_DMWR_SUCCESS);
	expect_taken(r, 1, 0);
}

/* ---- moves while the guest submits ---- */

/* Ids 0, 1, 2 and so on, each until it is accepted. */
static void *
submit(void *arg)
{
	struct siov_desc_words desc;
	struct rig *r = arg;
	enum siov_dmwr answer;
	uint64_t id = 0;

	while (siov_atomic_load(&r->stop, relaxed) == 0) {
		wq_bed_desc(&desc, id);
		answer = siov_vm_enqcmd(&r->vp, (struct dsa_hw_desc *)&desc);
		if (answer == SIOV_DMWR_SUCCESS)
			siov_atomic_store(&r->nb_sent, ++id, relaxed);
		else if (answer == SIOV_DMWR_RETRY_CAPACITY)
			sched_yield();
		else
			siov_atomic_fetch_add(&r->nb_other, 1, relaxed);
	}
	return NULL;
}

/* Let the guest get one through. */
static void
await_submission(struct rig *r)
{
	uint64_t before = siov_atomic_load(&r->nb_sent, relaxed);

	while (siov_atomic_load(&r->nb_sent, relaxed) == before &&
	       siov_atomic_load(&r->nb_other, relaxed) == 0) {
		collect(r, 0);
		collect(r, 1);
		sched_yield();
	}
}

static void
move_under_submissions(struct rig *r)
{
	unsigned int i;

	for (i = 1; i <= NB_MOVES; i++) {
		move_to(r, i % 2);
		collect(r, i / 2 % 2);
		if (i % 64 < 2)
			await_submission(r);
	}
}

static void
expect_all_arrived(struct rig *r)
{
	uint64_t nb_sent = r->nb_sent;
	unsigned int i;

	for (i = 0; i < NB_QUEUES; i++) {
		while (collect(r, i) != 0)
			;
		assert_int_equal(siov_portal_count(&r->bed[i]->portals[0], SIOV_DMWR_SUCCESS),
				 r->nb_taken[i]);
		assert_in_range(r->nb_taken[i], 1, nb_sent - 1);
	}
	assert_int_equal(r->nb_taken[0] + r->nb_taken[1], nb_sent);
	assert_int_equal(r->sum_of_ids, nb_sent * (nb_sent - 1) / 2);
	assert_int_equal(r->nb_wrong, 0);
	assert_int_equal(r->nb_other, 0);
}

/* The second queue and its portal are made while the guest submits already. */
static void
test_s8_3_1_nothing_is_lost_while_the_page_moves(void **state)
{
	struct rig *r = *state;
	pthread_t thread;

	wq_bed_close(r->bed[1]);
	assert_int_equal(pthread_create(&thread, NULL, submit, r), 0);
	while (siov_atomic_load(&r->nb_sent, relaxed) == 0)
		sched_yield();
	r->bed[1] = open_queue(SIOV_WQ_SHARED);
	move_under_submissions(r);
	siov_atomic_store(&r->stop, 1, relaxed);
	pthread_join(thread, NULL);
	expect_all_arrived(r);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(test_s8_3_1_every_instruction_follows_the_page),
		ROW(test_s8_3_1_privilege_is_that_of_the_portal_moved_to),
		cmocka_unit_test_setup_teardown(test_movdir64b_of_a_guest_follows_the_page,
						setup_dedicated, teardown),
		ROW(test_redirect_checks_its_arguments),
		ROW(test_s8_3_1_nothing_is_lost_while_the_page_moves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

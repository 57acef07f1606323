/* SPDX-License-Identifier: BSD-3-Clause */
/* Queues of page requests: one thread plays engine, owner and control; at the end several do. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include "iommu_fixture.h"
#include "siov_prq.h"

#define PASID 7u
#define RID 0x1234u
#define IOVA UINT64_C(0x7654321000)

struct bed {
	struct iommu_fixture *fx;
	struct siov_atc *atc; /* with a requester id */
	struct siov_prq *prq;
};

static int
open_bed(void **state)
{
	const struct siov_atc_conf atc_conf = {.entries = 64, .socket_id = -1, .rid = RID};
	const struct siov_prq_conf conf = {.entries = 16};
	struct bed *bed = calloc(1, sizeof(*bed));

	assert_non_null(bed);
	fixture_setup((void **)&bed->fx);
	assert_int_equal(siov_atc_create(bed->fx->iommu, &atc_conf, &bed->atc), 0);
	assert_int_equal(siov_prq_create(bed->fx->iommu, &conf, &bed->prq), 0);
	*state = bed;
	return 0;
}

static int
close_bed(void **state)
{
	struct bed *bed = *state;

	assert_int_equal(siov_prq_free(bed->prq), 0);
	assert_int_equal(siov_atc_free(bed->atc), 0);
	fixture_teardown((void **)&bed->fx);
	free(bed);
	return 0;
}

static int
ask_for(struct bed *bed, uint32_t pasid, uint64_t iova, unsigned int perm, uint32_t cookie,
	struct siov_page_ticket *ticket)
{
	const struct siov_page_ask ask = {
		.iova = iova, .pasid = pasid, .cookie = cookie, .perm = perm};

	return siov_prq_ask(bed->prq, bed->atc, &ask, ticket);
}

static struct siov_vtd_page_request
ask_and_take(struct bed *bed, struct siov_page_ticket *ticket)
{
	struct siov_vtd_page_request req;

	assert_int_equal(ask_for(bed, PASID, IOVA, SIOV_PERM_R, 5, ticket), 0);
	assert_int_equal(siov_prq_take(bed->prq, &req, 1), 1);
	return req;
}

static int
answer(struct bed *bed, const struct siov_vtd_page_request *req, enum siov_page_answer code)
{
	const struct siov_vtd_page_response resp = siov_page_response(req, code);

	return siov_prq_respond(bed->prq, &resp);
}

static struct siov_prq_stats
stats_of(const struct bed *bed)
{
	struct siov_prq_stats stats;

	siov_prq_get_stats(bed->prq, &stats);
	return stats;
}

static void
expect_no_reply(struct bed *bed)
{
	struct siov_page_reply reply;

	assert_int_equal(siov_prq_take_replies(bed->atc, &reply, 1), 0);
}

static void
test_s7_2_3_a_page_request_carries_the_pasid(void **state)
{
	static const struct {
		unsigned int perm;
		uint64_t q0, q1;
	} rows[] = {
		{SIOV_PERM_R, 0, 0x5},
		{SIOV_PERM_W, 0, 0x6},
		{SIOV_PERM_R | SIOV_PERM_W, 0, 0x7},
		{SIOV_PERM_PRIV_R, UINT64_C(1) << 53, 0x5},
		{SIOV_PERM_PRIV_W, UINT64_C(1) << 53, 0x6},
	};
	static const uint32_t pasids[] = {1, PASID, SIOV_PASID_MAX};
	struct siov_vtd_page_request req;
	struct siov_page_ticket ticket;
	struct bed *bed = *state;
	size_t i, j;

	for (i = 0; i < RTE_DIM(rows); i++) {
		for (j = 0; j < RTE_DIM(pasids); j++) {
			assert_int_equal(
				ask_for(bed, pasids[j], IOVA + 0xabc, rows[i].perm, 0, &ticket), 0);
			assert_int_equal(siov_prq_take(bed->prq, &req, 1), 1);
			assert_int_equal(req.q0, rows[i].q0 | (uint64_t)pasids[j] << 32 |
							 RID << 16 | 0x101);
			assert_int_equal(req.q1 & ~UINT64_C(0xff8), IOVA | rows[i].q1);
			assert_true(req.q2 == 0 && req.q3 == 0);
			assert_int_equal(siov_page_request_pasid(&req), pasids[j]);
			assert_int_equal(siov_page_request_rid(&req), RID);
			assert_int_equal(siov_page_request_addr(&req), IOVA);
		}
	}
}

static void
test_each_answer_reaches_who_asked(void **state)
{
	static const enum siov_page_answer codes[] = {SIOV_PAGE_SUCCESS, SIOV_PAGE_INVALID,
						      SIOV_PAGE_FAILURE};
	struct siov_page_ticket ticket[RTE_DIM(codes)];
	struct siov_vtd_page_request req[RTE_DIM(codes)];
	struct siov_page_reply reply[4];
	struct bed *bed = *state;
	unsigned int i;

	for (i = 0; i < RTE_DIM(codes); i++)
		assert_int_equal(ask_for(bed, PASID + i, IOVA, SIOV_PERM_R, 100 + i, &ticket[i]),
				 0);
	assert_int_equal(siov_prq_take(bed->prq, req, 3), 3);
	expect_no_reply(bed);
	for (i = 0; i < RTE_DIM(codes); i++)
		assert_int_equal(answer(bed, &req[i], codes[i]), 0);
	assert_int_equal(stats_of(bed).nb_outstanding, 3);
	/* Two, and the rest of them: in the order of the answers. */
	assert_int_equal(siov_prq_take_replies(bed->atc, reply, 2), 2);
	assert_int_equal(siov_prq_take_replies(bed->atc, reply + 2, 2), 1);
	for (i = 0; i < RTE_DIM(codes); i++) {
		assert_int_equal(reply[i].code, codes[i]);
		assert_int_equal(reply[i].cookie, 100 + i);
		assert_true(siov_page_ticket_is(&reply[i].ticket, &ticket[i]));
	}
	expect_no_reply(bed);
	assert_int_equal(stats_of(bed).nb_outstanding, 0);
	assert_int_equal(stats_of(bed).nb_answers, 3);
}

static void
test_answers_to_nothing_go_into_the_void(void **state)
{
	struct siov_vtd_page_request req, other;
	struct siov_page_ticket ticket;
	struct siov_page_reply reply;
	struct bed *bed = *state;

	/* In the queue, not taken: nobody can know of it. */
	assert_int_equal(ask_for(bed, PASID, IOVA, SIOV_PERM_R, 5, &ticket), 0);
	req = (struct siov_vtd_page_request){.q0 = 0x101 | RID << 16 | (uint64_t)PASID << 32,
					     .q1 = 0x4};
	assert_int_equal(answer(bed, &req, SIOV_PAGE_SUCCESS), -ENOENT);
	assert_int_equal(siov_prq_take(bed->prq, &req, 1), 1);
	other = req;
	other.q0 ^= UINT64_C(1) << 32; /* PASID */
	assert_int_equal(answer(bed, &other, SIOV_PAGE_SUCCESS), -ENOENT);
	other = req;
	other.q0 ^= UINT64_C(1) << 16; /* RID */
	assert_int_equal(answer(bed, &other, SIOV_PAGE_SUCCESS), -ENOENT);
	other = req;
	other.q1 ^= 1 << 11; /* index */
	assert_int_equal(answer(bed, &other, SIOV_PAGE_SUCCESS), -ENOENT);
	expect_no_reply(bed);
	assert_int_equal(answer(bed, &req, SIOV_PAGE_FAILURE), 0);
	assert_int_equal(answer(bed, &req, SIOV_PAGE_SUCCESS), -ENOENT);
	assert_int_equal(siov_prq_take_replies(bed->atc, &reply, 1), 1);
	assert_int_equal(reply.code, SIOV_PAGE_FAILURE);
	assert_int_equal(answer(bed, &req, SIOV_PAGE_SUCCESS), -ENOENT);
	assert_int_equal(stats_of(bed).nb_void, 6);
	assert_int_equal(stats_of(bed).nb_outstanding, 0);
}

static void
test_malformed_answers_are_refused(void **state)
{
	struct siov_page_ticket ticket;
	struct bed *bed = *state;
	struct siov_vtd_page_request req = ask_and_take(bed, &ticket);
	const struct siov_vtd_page_response good = siov_page_response(&req, SIOV_PAGE_SUCCESS);
	struct siov_vtd_page_response bad;
	unsigned int code, bit;

	assert_int_equal(good.q0, UINT64_C(0x19) | RID << 16 | (uint64_t)PASID << 32);
	for (code = 0; code < 16; code++) {
		bad = good;
		bad.q0 |= code << 12;
		if (code != SIOV_PAGE_SUCCESS && code != SIOV_PAGE_INVALID &&
		    code != SIOV_PAGE_FAILURE)
			assert_int_equal(siov_prq_respond(bed->prq, &bad), -EINVAL);
	}
	for (bit = 0; bit < 256; bit++) {
		uint64_t words[4] = {good.q0, good.q1, good.q2, good.q3};
		bool is_field = (bit >= 12 && bit < 52) || (bit >= 66 && bit < 76);

		if (is_field)
			continue;
		words[bit / 64] ^= UINT64_C(1) << bit % 64;
		bad = (struct siov_vtd_page_response){words[0], words[1], words[2], words[3]};
		assert_int_equal(siov_prq_respond(bed->prq, &bad), -EINVAL);
	}
	assert_int_equal(stats_of(bed).nb_void, 0);
	assert_int_equal(siov_prq_respond(bed->prq, &good), 0);
}

static void
test_a_full_queue_overflows_until_it_is_emptied(void **state)
{
	struct siov_vtd_page_request req[20];
	struct siov_page_ticket ticket;
	struct bed *bed = *state;
	unsigned int i;

	for (i = 0; i < 16; i++)
		assert_int_equal(ask_for(bed, PASID, IOVA, SIOV_PERM_R, i, &ticket), 0);
	assert_false(stats_of(bed).is_overflowed);
	assert_int_equal(ask_for(bed, PASID, IOVA, SIOV_PERM_R, 99, &ticket), -EAGAIN);
	assert_true(stats_of(bed).is_overflowed);
	/* There is room, but the owner has to see all first. */
	assert_int_equal(siov_prq_take(bed->prq, req, 4), 4);
	assert_int_equal(ask_for(bed, PASID, IOVA, SIOV_PERM_R, 99, &ticket), -EAGAIN);
	assert_int_equal(siov_prq_take(bed->prq, req + 4, 16), 12);
	assert_int_equal(ask_for(bed, PASID, IOVA, SIOV_PERM_R, 16, &ticket), 0);
	assert_false(stats_of(bed).is_overflowed);
	assert_int_equal(stats_of(bed).nb_overflows, 1);
	assert_int_equal(stats_of(bed).nb_dropped, 2);
	assert_int_equal(stats_of(bed).nb_requests, 17);
	assert_int_equal(stats_of(bed).nb_outstanding, 17);
	/* What was dropped holds no index. */
	for (i = 0; i < 16; i++)
		assert_int_equal(answer(bed, &req[i], SIOV_PAGE_SUCCESS), 0);
}

static unsigned int
prg_of(const struct siov_vtd_page_request *req)
{
	return req->q1 >> 3 & 0x1ff;
}

static void
test_an_index_is_not_used_twice_at_a_time(void **state)
{
	struct siov_vtd_page_request req[SIOV_PRQ_GROUPS], one;
	bool is_seen[SIOV_PRQ_GROUPS] = {false};
	struct siov_page_ticket ticket;
	struct siov_page_reply reply;
	struct bed *bed = *state;
	unsigned int i;

	for (i = 0; i < SIOV_PRQ_GROUPS; i++) {
		req[i] = ask_and_take(bed, &ticket);
		assert_false(is_seen[prg_of(&req[i])]);
		is_seen[prg_of(&req[i])] = true;
		if (i % 2)
			siov_prq_abandon(&ticket); /* in use all the same */
	}
	assert_int_equal(ask_for(bed, PASID, IOVA, SIOV_PERM_R, 5, &ticket), -EAGAIN);
	/* One that an engine gave up on, and one that it waits for. */
	assert_int_equal(answer(bed, &req[333], SIOV_PAGE_SUCCESS), 0);
	expect_no_reply(bed);
	one = ask_and_take(bed, &ticket);
	assert_int_equal(prg_of(&one), prg_of(&req[333]));
	assert_int_equal(answer(bed, &req[444], SIOV_PAGE_SUCCESS), 0);
	assert_int_equal(ask_for(bed, PASID, IOVA, SIOV_PERM_R, 5, &ticket), -EAGAIN);
	assert_int_equal(siov_prq_take_replies(bed->atc, &reply, 1), 1);
	one = ask_and_take(bed, &ticket);
	assert_int_equal(prg_of(&one), prg_of(&req[444]));
	assert_int_equal(stats_of(bed).nb_late, 1);
	assert_int_equal(stats_of(bed).nb_outstanding, SIOV_PRQ_GROUPS);
}

static void
test_what_was_given_up_before_it_was_taken_is_not_seen(void **state)
{
	struct siov_vtd_page_request req[4];
	struct siov_page_ticket ticket[2];
	struct bed *bed = *state;

	assert_int_equal(ask_for(bed, PASID, IOVA, SIOV_PERM_R, 0, &ticket[0]), 0);
	assert_int_equal(ask_for(bed, PASID, IOVA + PAGE, SIOV_PERM_R, 1, &ticket[1]), 0);
	siov_prq_abandon(&ticket[0]);
	assert_int_equal(siov_prq_take(bed->prq, req, 4), 1);
	assert_int_equal(siov_page_request_addr(&req[0]), IOVA + PAGE);
	assert_int_equal(stats_of(bed).nb_outstanding, 1);
	/* Given up after the answer: it is fetched, and its ticket is known to nobody. */
	assert_int_equal(answer(bed, &req[0], SIOV_PAGE_SUCCESS), 0);
	siov_prq_abandon(&ticket[1]);
	assert_int_equal(stats_of(bed).nb_outstanding, 1);
	assert_int_equal(siov_prq_take_replies(bed->atc, &(struct siov_page_reply){0}, 1), 1);
	assert_int_equal(stats_of(bed).nb_outstanding, 0);
}

static void
test_a_pasid_bound_anew_owes_no_answers(void **state)
{
	struct siov_domain_conf conf = {.kind = SIOV_DOMAIN_SECOND_STAGE, .max_page_shift = 12};
	struct siov_page_ticket ticket, waiting;
	struct siov_vtd_page_request req;
	struct siov_domain *dom;
	struct bed *bed = *state;
	struct siov_iommu *iommu = bed->fx->iommu;

	conf.prq = bed->prq;
	assert_int_equal(siov_domain_create(iommu, &conf, &dom), 0);
	fixture_bind(bed->fx, PASID, dom);
	req = ask_and_take(bed, &ticket);
	siov_prq_abandon(&ticket);
	ask_and_take(bed, &waiting);
	assert_int_equal(siov_pasid_unbind(iommu, PASID), 0);
	assert_int_equal(stats_of(bed).nb_outstanding, 2);
	assert_int_equal(siov_pasid_bind(iommu, PASID, dom, 0), 0);
	assert_int_equal(stats_of(bed).nb_outstanding, 1);
	assert_int_equal(answer(bed, &req, SIOV_PAGE_SUCCESS), -ENOENT);
	/* The queue outlives what names it. */
	assert_int_equal(siov_prq_free(bed->prq), -EBUSY);
	assert_int_equal(siov_pasid_unbind(iommu, PASID), 0);
	assert_int_equal(siov_prq_free(bed->prq), -EBUSY);
	assert_int_equal(siov_domain_free(dom), 0);
}

static void
test_freeing_a_queue_answers_what_waits(void **state)
{
	struct siov_page_ticket ticket[3];
	struct siov_vtd_page_request req;
	struct siov_page_reply reply[4];
	struct siov_prq *freed;
	struct bed *bed = *state;
	unsigned int i;

	ask_and_take(bed, &ticket[0]);
	req = ask_and_take(bed, &ticket[1]);
	siov_prq_abandon(&ticket[1]);
	assert_int_equal(ask_for(bed, PASID, IOVA, SIOV_PERM_R, 2, &ticket[2]), 0);
	freed = bed->prq;
	assert_int_equal(siov_prq_free(bed->prq), 0);
	assert_int_equal(siov_prq_create(bed->fx->iommu, NULL, &bed->prq), 0);
	assert_ptr_equal(bed->prq, freed); /* used again: engines may still abandon there */
	assert_int_equal(siov_prq_take(bed->prq, &req, 1), 0);
	siov_prq_abandon(&ticket[2]);
	assert_int_equal(siov_prq_take_replies(bed->atc, reply, 4), 2);
	for (i = 0; i < 2; i++) {
		assert_int_equal(reply[i].code, SIOV_PAGE_FAILURE);
		assert_true(siov_page_ticket_is(&reply[i].ticket, &ticket[0]) ||
			    siov_page_ticket_is(&reply[i].ticket, &ticket[2]));
	}
	assert_int_equal(stats_of(bed).nb_outstanding, 0);
}

static void
test_bad_configurations_are_refused(void **state)
{
	static const uint32_t bad[] = {1, 8, 15, 17, 131072, UINT32_MAX};
	struct siov_domain_conf dom_conf = {.kind = SIOV_DOMAIN_PASS_THROUGH};
	struct bed *bed = *state;
	struct siov_iommu_conf iommu_conf;
	struct siov_iommu *other;
	struct siov_domain *dom;
	struct siov_prq *prq;
	size_t i;

	for (i = 0; i < RTE_DIM(bad); i++) {
		const struct siov_prq_conf conf = {.entries = bad[i]};

		assert_int_equal(siov_prq_create(bed->fx->iommu, &conf, &prq), -EINVAL);
	}
	assert_int_equal(siov_prq_create(NULL, NULL, &prq), -EINVAL);
	assert_int_equal(siov_prq_create(bed->fx->iommu, NULL, NULL), -EINVAL);
	assert_int_equal(siov_prq_free(NULL), 0);
	/* A queue of another unit. */
	siov_iommu_conf_init(&iommu_conf);
	iommu_conf.mem = &bed->fx->fm.mem;
	assert_int_equal(siov_iommu_create(&iommu_conf, &other), 0);
	dom_conf.prq = bed->prq;
	assert_int_equal(siov_domain_create(other, &dom_conf, &dom), -EINVAL);
	/* What is left goes with its unit. */
	assert_int_equal(siov_prq_create(other, NULL, &prq), 0);
	siov_iommu_free(other);
}

static void
test_create_survives_each_failing_allocation(void **state)
{
	struct bed *bed = *state;
	struct siov_iommu_conf conf;
	struct siov_iommu *iommu;
	struct siov_prq *prq = NULL;
	unsigned int n;

	siov_iommu_conf_init(&conf);
	conf.mem = &bed->fx->fm.mem;
	for (n = 1; prq == NULL; n++) {
		int ret;

		assert_int_equal(siov_iommu_create(&conf, &iommu), 0);
		fake_mem_fail_at(&bed->fx->fm, n);
		ret = siov_prq_create(iommu, NULL, &prq);
		fake_mem_fail_at(&bed->fx->fm, 0);
		/* The next one works, whatever the first has left. */
		if (ret != 0) {
			struct siov_prq *second;

			assert_int_equal(ret, -ENOMEM);
			assert_int_equal(siov_prq_create(iommu, NULL, &second), 0);
		}
		siov_iommu_free(iommu);
	}
	assert_int_equal(n, 5);
}

static bool
is_readable(const struct bed *bed)
{
	struct pollfd pfd = {.fd = siov_prq_fd(bed->prq), .events = POLLIN};

	return poll(&pfd, 1, 0) == 1;
}

static void
test_an_owner_is_woken_only_when_it_has_armed(void **state)
{
	struct siov_vtd_page_request req[4];
	struct siov_page_ticket ticket;
	struct bed *bed = *state;

	ask_for(bed, PASID, IOVA, SIOV_PERM_R, 0, &ticket);
	assert_false(is_readable(bed));
	assert_false(siov_prq_arm(bed->prq));
	assert_int_equal(siov_prq_take(bed->prq, req, 4), 1);
	assert_true(siov_prq_arm(bed->prq));
	assert_false(is_readable(bed));
	ask_for(bed, PASID, IOVA, SIOV_PERM_R, 0, &ticket);
	assert_true(is_readable(bed));
	/* Once: the next one finds it disarmed. */
	assert_false(siov_prq_arm(bed->prq));
	assert_false(is_readable(bed));
	ask_for(bed, PASID, IOVA, SIOV_PERM_R, 0, &ticket);
	assert_false(is_readable(bed));
	assert_int_equal(siov_prq_take(bed->prq, req, 4), 2);
	assert_true(siov_prq_arm(bed->prq));
}

/* ---- threads ---- */

#define ENGINES 2u
#define NB_EACH 3000u

struct engine {
	struct bed *bed;
	struct siov_atc *atc;
	pthread_t thread;
	unsigned int nb_wrong;
	unsigned int nb_given_up;
};

/* Ask, wait for the answer; give up now and then. The answer has to be that of the address. */
static void *
run_engine(void *arg)
{
	struct engine *engine = arg;
	struct siov_page_ticket ticket;
	struct siov_page_reply reply;
	unsigned int i, polls;

	for (i = 0; i < NB_EACH; i++) {
		const struct siov_page_ask ask = {.iova = (uint64_t)i << 12,
						  .pasid = PASID,
						  .cookie = i,
						  .perm = SIOV_PERM_R};
		bool is_done = false;

		while (siov_prq_ask(engine->bed->prq, engine->atc, &ask, &ticket) != 0)
			sched_yield();
		for (polls = 0; !is_done; polls++) {
			if (i % 7 == 0 && polls == i % 5) {
				siov_prq_abandon(&ticket);
				engine->nb_given_up++;
				break;
			}
			if (siov_prq_take_replies(engine->atc, &reply, 1) == 0) {
				sched_yield();
			} else if (siov_page_ticket_is(&reply.ticket, &ticket)) {
				engine->nb_wrong += reply.cookie != i;
				engine->nb_wrong += reply.code !=
						    (i % 2 ? SIOV_PAGE_SUCCESS : SIOV_PAGE_INVALID);
				is_done = true;
			}
		}
	}
	return NULL;
}

static void *
run_owner(void *arg)
{
	struct bed *bed = arg;
	struct pollfd pfd = {.fd = siov_prq_fd(bed->prq), .events = POLLIN};
	struct siov_vtd_page_request req[8];
	unsigned int i, n;

	for (;;) {
		n = siov_prq_take(bed->prq, req, 8);
		for (i = 0; i < n; i++) {
			uint64_t page = siov_page_request_addr(&req[i]) >> 12;

			if (siov_page_request_pasid(&req[i]) != PASID)
				return NULL;
			answer(bed, &req[i], page % 2 ? SIOV_PAGE_SUCCESS : SIOV_PAGE_INVALID);
		}
		/* Asleep without time-out: a lost wake-up hangs the test. */
		if (n == 0 && siov_prq_arm(bed->prq))
			poll(&pfd, 1, -1);
	}
}

static void
test_engines_ask_and_a_sleeping_owner_answers(void **state)
{
	struct engine engines[ENGINES] = {{0}};
	struct siov_page_ticket ticket;
	struct bed *bed = *state;
	pthread_t owner;
	unsigned int i;

	assert_int_equal(pthread_create(&owner, NULL, run_owner, bed), 0);
	for (i = 0; i < ENGINES; i++) {
		engines[i].bed = bed;
		engines[i].atc = i == 0 ? bed->atc : bed->fx->atc;
		assert_int_equal(pthread_create(&engines[i].thread, NULL, run_engine, &engines[i]),
				 0);
	}
	for (i = 0; i < ENGINES; i++) {
		pthread_join(engines[i].thread, NULL);
		assert_int_equal(engines[i].nb_wrong, 0);
		assert_true(engines[i].nb_given_up >= NB_EACH / 35);
	}
	/* Another PASID ends the owner. */
	while (ask_for(bed, PASID + 1, 0, SIOV_PERM_R, 0, &ticket) != 0)
		sched_yield();
	pthread_join(owner, NULL);
	assert_int_equal(stats_of(bed).nb_void, 0);
	assert_int_equal(stats_of(bed).nb_requests, ENGINES * NB_EACH + 1);
}

#define PRQ_TEST(name) cmocka_unit_test_setup_teardown(name, open_bed, close_bed)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		PRQ_TEST(test_s7_2_3_a_page_request_carries_the_pasid),
		PRQ_TEST(test_each_answer_reaches_who_asked),
		PRQ_TEST(test_answers_to_nothing_go_into_the_void),
		PRQ_TEST(test_malformed_answers_are_refused),
		PRQ_TEST(test_a_full_queue_overflows_until_it_is_emptied),
		PRQ_TEST(test_an_index_is_not_used_twice_at_a_time),
		PRQ_TEST(test_what_was_given_up_before_it_was_taken_is_not_seen),
		PRQ_TEST(test_a_pasid_bound_anew_owes_no_answers),
		PRQ_TEST(test_freeing_a_queue_answers_what_waits),
		PRQ_TEST(test_bad_configurations_are_refused),
		PRQ_TEST(test_create_survives_each_failing_allocation),
		PRQ_TEST(test_an_owner_is_woken_only_when_it_has_armed),
		PRQ_TEST(test_engines_ask_and_a_sleeping_owner_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

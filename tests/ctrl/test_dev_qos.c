/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Limits of PASIDs: shares, rates, most outstanding. One thread submits and polls by turns, so what
 * comes out is counted, never timed; rates are against the clock itself.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include <rte_cycles.h>

#include "dev_rig.h"

#define GUESTS 4u
#define SIZE 1024u

struct bed {
	struct dev_rig *rig;
	struct siov_dev *dev;
	struct siov_engine *engine;
	struct siov_lane *lane;
	struct siov_portal *portals[GUESTS];
};

static int
setup(void **state)
{
	struct bed *bed = calloc(1, sizeof(*bed));
	struct siov_dev_conf conf;
	unsigned int i;

	assert_non_null(bed);
	dev_rig_conf_init(&conf);
	conf.wqs[0].size = SIZE;
	bed->rig = dev_rig_open(&conf);
	bed->dev = bed->rig->dev;
	assert_int_equal(siov_dev_enable(bed->dev), 0);
	bed->lane = dev_rig_attach(bed->rig, 0);
	for (i = 0; i < GUESTS; i++)
		bed->portals[i] = dev_rig_portal(bed->rig, bed->lane, 1 + i);
	bed->engine = siov_dev_engine(bed->dev, 0);
	siov_engine_start(bed->engine);
	*state = bed;
	return 0;
}

static int
teardown(void **state)
{
	struct bed *bed = *state;

	siov_engine_stop(bed->engine);
	dev_rig_close(bed->rig);
	free(bed);
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static void
set(struct bed *bed, uint32_t pasid, const struct siov_qos_conf *conf)
{
	assert_int_equal(siov_dev_qos_set(bed->dev, 0, pasid, conf), 0);
}

static uint64_t
count(const struct bed *bed, unsigned int guest, enum siov_dmwr answer)
{
	return siov_portal_count(bed->portals[guest], answer);
}

/* Submit until told to retry; returns how many were accepted. */
static unsigned int
fill(struct bed *bed, unsigned int guest)
{
	unsigned int n = 0;

	while (dev_rig_silent(bed->portals[guest]) == SIOV_DMWR_SUCCESS)
		n++;
	return n;
}

static void
drain(struct bed *bed)
{
	unsigned int idle = 0;

	while (idle < 3)
		idle = siov_engine_poll(bed->engine) == 0 ? idle + 1 : 0;
}

/* ---- shares ---- */

/* All want more than they get; the engine takes its time. */
static void
saturate(struct bed *bed, unsigned int rounds)
{
	unsigned int round, i;

	for (round = 0; round < rounds; round++) {
		for (i = 0; i < GUESTS; i++)
			fill(bed, i);
		siov_engine_poll(bed->engine);
	}
}

static void
test_s7_6_4_shares_are_as_weights(void **state)
{
	struct bed *bed = *state;
	uint64_t nb[GUESTS], sum = 0;
	unsigned int i;

	for (i = 0; i < GUESTS; i++)
		set(bed, 1 + i, &(struct siov_qos_conf){.weight = 1u << i});
	saturate(bed, 20000);
	for (i = 0; i < GUESTS; i++) {
		nb[i] = count(bed, i, SIOV_DMWR_SUCCESS);
		sum += nb[i];
	}
	for (i = 0; i < GUESTS; i++) {
		double share = (double)nb[i] * 15 / (double)sum / (1u << i);

		assert_true(share > 0.97 && share < 1.03);
	}
	assert_true(count(bed, 0, SIOV_DMWR_RETRY_QOS) > 0);
	/* Other weights hold at once. */
	for (i = 0; i < GUESTS; i++)
		set(bed, 1 + i, &(struct siov_qos_conf){.weight = 3});
	saturate(bed, 20000);
	for (i = 1; i < GUESTS; i++) {
		double more = (double)(count(bed, i, SIOV_DMWR_SUCCESS) - nb[i]);
		double first = (double)(count(bed, 0, SIOV_DMWR_SUCCESS) - nb[0]);

		assert_true(more > 0.97 * first && more < 1.03 * first);
	}
}

static void
test_a_share_that_is_not_used_is_others(void **state)
{
	struct bed *bed = *state;
	unsigned int round, sum = 0;

	set(bed, 1, &(struct siov_qos_conf){.weight = 1});
	set(bed, 2, &(struct siov_qos_conf){.weight = 200});
	/* The heavy one is silent: whenever the engine is idle, the light one gets on. */
	for (round = 0; round < 1000; round++) {
		sum += fill(bed, 0);
		drain(bed);
	}
	assert_int_equal(sum, 1000 * SIOV_QOS_ROUND);
	drain(bed);
	assert_int_equal(dev_rig_stats(bed->rig, 0, 1)->completed, sum);
}

static void
test_s7_6_4_work_without_limits_does_not_starve_shares(void **state)
{
	struct bed *bed = *state;
	unsigned int round;

	set(bed, 1, &(struct siov_qos_conf){.weight = 1});
	for (round = 0; round < 2000; round++) {
		fill(bed, 0);
		fill(bed, 1);
		siov_engine_poll(bed->engine);
	}
	assert_true(count(bed, 0, SIOV_DMWR_SUCCESS) > 10 * SIOV_QOS_ROUND);
	drain(bed);
}

/* ---- outstanding ---- */

static void
test_s7_3_3_never_more_outstanding_than_allowed(void **state)
{
	struct bed *bed = *state;
	static const uint32_t limits[] = {1, 2, 7, 8, 100, 1000};
	unsigned int i, round;

	for (i = 0; i < RTE_DIM(limits); i++) {
		set(bed, 1, &(struct siov_qos_conf){.max_outstanding = limits[i]});
		for (round = 0; round < 5; round++) {
			uint64_t qos = count(bed, 0, SIOV_DMWR_RETRY_QOS);

			assert_int_equal(fill(bed, 0), RTE_MIN(limits[i], SIZE));
			if (limits[i] < SIZE)
				assert_int_equal(count(bed, 0, SIOV_DMWR_RETRY_QOS), qos + 1);
			/* Others are not concerned. */
			assert_int_equal(dev_rig_silent(bed->portals[1]),
					 limits[i] < SIZE - 128 ? SIOV_DMWR_SUCCESS :
								  dev_rig_silent(bed->portals[1]));
			drain(bed);
		}
	}
	assert_int_equal(count(bed, 0, SIOV_DMWR_RETRY_DISABLED), 0);
	set(bed, 1, &(struct siov_qos_conf){0});
	assert_true(fill(bed, 0) > SIZE / 2);
	drain(bed);
}

/* What a portal was granted and did not use is not lost with it. */
static void
test_a_closed_portal_gives_back_what_it_did_not_use(void **state)
{
	struct bed *bed = *state;
	struct siov_portal *portal;
	unsigned int i;

	set(bed, 1, &(struct siov_qos_conf){.max_outstanding = 64});
	for (i = 0; i < 200; i++) {
		assert_int_equal(
			siov_dev_portal_open(bed->dev, bed->lane, 1, SIOV_PORTAL_F_PASID, &portal),
			0);
		assert_int_equal(dev_rig_silent(portal), SIOV_DMWR_SUCCESS);
		siov_dev_portal_close(bed->dev, portal);
		drain(bed);
	}
	assert_int_equal(fill(bed, 0), 64);
	drain(bed);
}

/* ---- rates ---- */

#define HZ UINT64_C(2000000000) /* without EAL the device takes this */

/* In about 60 ms no more is accepted than the rate allows in as much time, burst included. */
static void
check_rate(struct bed *bed, const struct siov_qos_conf *conf, uint64_t tokens, uint64_t burst)
{
	struct dsa_hw_desc desc __attribute__((aligned(64))) = {.opcode = DSA_OPCODE_NOOP};
	double rate = (double)(conf->rate_ops + conf->rate_bytes) / (double)HZ;
	uint64_t start, now, before = count(bed, 0, SIOV_DMWR_SUCCESS);
	double allowed, nb;

	desc.opcode = conf->rate_bytes != 0 ? DSA_OPCODE_CRCGEN : DSA_OPCODE_NOOP;
	desc.xfer_size = conf->rate_bytes != 0 ? (uint32_t)tokens : 0;
	desc.src_addr = siov_gmem_iova(bed->rig->gmem) + DEV_RIG_DATA;
	start = rte_rdtsc();
	set(bed, 1, conf);
	do {
		siov_enqcmd(bed->portals[0], &desc);
		siov_engine_poll(bed->engine);
		now = rte_rdtsc();
	} while (now - start < HZ / 16);
	nb = (double)((count(bed, 0, SIOV_DMWR_SUCCESS) - before) * tokens);
	allowed = rate * (double)(now - start) + (double)burst;
	assert_true(nb <= allowed * 1.01 + (double)tokens);
	assert_true(nb >= (double)burst);
	drain(bed);
}

/* However long the bucket was empty, a token comes, and not before its time. */
static void
test_s7_6_4_tokens_come_when_they_are_due(void **state)
{
	struct bed *bed = *state;
	uint64_t start, i;

	set(bed, 1, &(struct siov_qos_conf){.rate_ops = 1000, .burst_ops = 1});
	while (dev_rig_silent(bed->portals[0]) == SIOV_DMWR_SUCCESS)
		continue;
	start = rte_rdtsc();
	for (i = 0; i < 5; i++) {
		while (dev_rig_silent(bed->portals[0]) != SIOV_DMWR_SUCCESS)
			continue;
	}
	/* The first one was perhaps half due. */
	assert_true(rte_rdtsc() - start >= HZ / 1000 * 4 / 100 * 99);
	drain(bed);
}

static void
test_s7_6_4_rates_are_kept(void **state)
{
	struct bed *bed = *state;

	check_rate(bed, &(struct siov_qos_conf){.rate_ops = 10000, .burst_ops = 32}, 1, 32);
	check_rate(bed, &(struct siov_qos_conf){.rate_ops = 300000, .burst_ops = 100}, 1, 100);
	check_rate(bed, &(struct siov_qos_conf){.rate_bytes = 100000000, .burst_bytes = 65536},
		   1024, 65536);
	check_rate(bed, &(struct siov_qos_conf){.rate_bytes = 20000000, .burst_bytes = 65536}, 4096,
		   65536);
}

static void
test_a_batch_counts_as_its_members(void **state)
{
	struct bed *bed = *state;
	struct dsa_hw_desc desc __attribute__((aligned(64))) = {
		.opcode = DSA_OPCODE_BATCH,
		.desc_list_addr = siov_gmem_iova(bed->rig->gmem) + DEV_RIG_DATA,
		.desc_count = 10,
	};
	unsigned int n = 0;

	/* One a second: what is accepted is what lay in the bucket. */
	set(bed, 1, &(struct siov_qos_conf){.rate_ops = 1, .burst_ops = 45});
	while (siov_enqcmd(bed->portals[0], &desc) == SIOV_DMWR_SUCCESS)
		n++;
	assert_int_equal(n, 4);
	assert_int_equal(fill(bed, 0), 5);
	drain(bed);
}

/* ---- bad input ---- */

static void
test_bad_limits_are_refused(void **state)
{
	struct bed *bed = *state;
	const struct siov_qos_conf good = {.weight = 5, .rate_ops = 7};
	struct siov_qos_conf conf = {.weight = SIOV_QOS_WEIGHT_MAX + 1};

	assert_int_equal(siov_dev_qos_set(bed->dev, 0, 1, &good), 0);
	assert_int_equal(siov_dev_qos_set(bed->dev, 0, 1, &conf), -ERANGE);
	conf = (struct siov_qos_conf){.rate_bytes = SIOV_QOS_RATE_MAX + 1};
	assert_int_equal(siov_dev_qos_set(bed->dev, 0, 1, &conf), -ERANGE);
	assert_int_equal(siov_dev_qos_set(bed->dev, 1, 1, &good), -EINVAL);
	assert_int_equal(siov_dev_qos_set(bed->dev, 0, SIOV_PASID_MAX + 1, &good), -ERANGE);
	assert_int_equal(siov_dev_qos_get(bed->dev, 0, 1, &conf), 0);
	assert_memory_equal(&conf, &good, sizeof(conf));
	assert_int_equal(siov_dev_qos_get(bed->dev, 0, 2, &conf), 0);
	assert_int_equal(conf.weight, 0);
	assert_int_equal(siov_dev_qos_get(bed->dev, 9, 2, &conf), -EINVAL);
}

static void
test_without_memory_there_are_no_limits(void **state)
{
	struct bed *bed = *state;
	const struct siov_qos_conf conf = {.max_outstanding = 3};
	int ret = -ENOMEM;
	unsigned int i;

	for (i = 1; ret != 0; i++) {
		fake_mem_fail_at(&bed->rig->fm, i);
		ret = siov_dev_qos_set(bed->dev, 0, 3, &conf);
		fake_mem_fail_at(&bed->rig->fm, 0);
		if (ret == 0)
			break;
		assert_int_equal(ret, -ENOMEM);
		assert_int_equal(dev_rig_silent(bed->portals[2]), SIOV_DMWR_SUCCESS);
		drain(bed);
	}
	assert_true(i > 2);
	assert_int_equal(fill(bed, 2), 3);
	drain(bed);
}

/* ---- threads ---- */

#define THREADS 2u
#define EACH 20000u

struct client {
	struct dev_rig *rig;
	struct siov_portal *portal;
	uint64_t nb_accepted;
};

static void *
run_client(void *arg)
{
	struct client *c = arg;
	unsigned int i;

	for (i = 0; i < EACH; i++) {
		if (dev_rig_silent(c->portal) == SIOV_DMWR_SUCCESS)
			c->nb_accepted++;
		else
			sched_yield();
	}
	return NULL;
}

/* Submissions that are accepted while nothing ends; all of them have ended afterwards. */
static unsigned int
submit_stopped(struct dev_rig *rig, struct siov_portal *portal)
{
	unsigned int nb = 0;

	dev_rig_stop(rig);
	while (dev_rig_silent(portal) == SIOV_DMWR_SUCCESS)
		nb++;
	dev_rig_start(rig);
	assert_int_equal(siov_dev_wq_drain(rig->dev, 0, DEV_RIG_WAIT_MS), 0);
	return nb;
}

/* Two threads submit for one PASID while its limits change: nothing is lost, and nobody waits. */
static void
test_s7_6_4_limits_change_under_threads(void **state)
{
	static const struct siov_qos_conf confs[] = {
		{.max_outstanding = 3},
		{.weight = 7, .priority = 2},
		{.rate_ops = 1000000, .burst_ops = 64},
		{.weight = 0},
	};
	struct client clients[THREADS];
	pthread_t threads[THREADS];
	struct siov_dev_conf conf;
	struct dev_rig *rig;
	uint64_t nb = 0;
	unsigned int i;

	(void)state;
	dev_rig_conf_init(&conf);
	conf.nb_engines = 2;
	rig = dev_rig_open(&conf);
	assert_int_equal(siov_dev_enable(rig->dev), 0);
	dev_rig_start(rig);
	for (i = 0; i < THREADS; i++) {
		clients[i] = (struct client){
			.rig = rig,
			.portal = dev_rig_portal(rig, dev_rig_attach(rig, 0), 5),
		};
		assert_int_equal(pthread_create(&threads[i], NULL, run_client, &clients[i]), 0);
	}
	for (i = 0; i < 400; i++) {
		assert_int_equal(siov_dev_qos_set(rig->dev, 0, 5, &confs[i % RTE_DIM(confs)]), 0);
		if (i % 16 == 0)
			dev_rig_nap();
	}
	for (i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		nb += clients[i].nb_accepted;
	}
	assert_int_equal(siov_dev_wq_drain(rig->dev, 0, DEV_RIG_WAIT_MS), 0);
	assert_true(nb != 0);
	assert_int_equal(dev_rig_stats(rig, 0, 5)->submitted[SIOV_DMWR_SUCCESS], nb);
	assert_int_equal(dev_rig_stats(rig, 0, 5)->completed, nb);
	/* All of it was given back, and what the portals were granted by other rules. */
	assert_int_equal(
		siov_dev_qos_set(rig->dev, 0, 5, &(struct siov_qos_conf){.max_outstanding = 4}), 0);
	for (i = 0; i < THREADS; i++)
		assert_int_equal(submit_stopped(rig, clients[i].portal), 4);
	dev_rig_close(rig);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_s7_6_4_limits_change_under_threads),
		TEST(test_s7_6_4_shares_are_as_weights),
		TEST(test_a_share_that_is_not_used_is_others),
		TEST(test_s7_6_4_work_without_limits_does_not_starve_shares),
		TEST(test_s7_3_3_never_more_outstanding_than_allowed),
		TEST(test_a_closed_portal_gives_back_what_it_did_not_use),
		TEST(test_s7_6_4_rates_are_kept),
		TEST(test_s7_6_4_tokens_come_when_they_are_due),
		TEST(test_a_batch_counts_as_its_members),
		TEST(test_bad_limits_are_refused),
		TEST(test_without_memory_there_are_no_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

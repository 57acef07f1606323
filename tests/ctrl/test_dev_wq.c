/* SPDX-License-Identifier: BSD-3-Clause */
/* Enable, drain, disable: nothing accepted is lost, and nobody waits for ever. */
#include <sched.h>
#include <stdlib.h>

#include "dev_rig.h"
#include "siov_prq.h"

#define PASID 7u
#define BYTES_LONG (4u << 20) /* 64 slices */
#define SUBMITTERS 3u

static struct dev_rig *
open_enabled(struct siov_portal **portal)
{
	struct dev_rig *rig = dev_rig_open(NULL);

	assert_int_equal(siov_dev_enable(rig->dev), 0);
	*portal = dev_rig_portal(rig, dev_rig_attach(rig, 0), PASID);
	return rig;
}

static uint32_t
state_of(struct dev_rig *rig, unsigned int wq_id)
{
	return siov_atomic_load(&siov_dev_wq(rig->dev, wq_id)->state, acquire);
}

static void
await_state(struct dev_rig *rig, uint32_t state)
{
	unsigned int i;

	for (i = 0; i < DEV_RIG_WAIT_MS && state_of(rig, 0) != state; i++)
		dev_rig_nap();
	assert_int_equal(state_of(rig, 0), state);
}

static void
test_unknown_queues_are_refused(void **state)
{
	struct dev_rig *rig = dev_rig_open(NULL);

	(void)state;
	assert_int_equal(siov_dev_wq_enable(rig->dev, 1), -EINVAL);
	assert_int_equal(siov_dev_wq_drain(rig->dev, 1, 0), -EINVAL);
	assert_int_equal(siov_dev_wq_disable(rig->dev, 64, 0), -EINVAL);
	dev_rig_close(rig);
}

static void
test_states_can_be_gone_through_twice(void **state)
{
	struct siov_portal *portal;
	struct dev_rig *rig = open_enabled(&portal);
	unsigned int i;

	(void)state;
	for (i = 0; i < 2; i++) {
		dev_rig_start(rig);
		assert_int_equal(siov_dev_enable(rig->dev), 0);
		assert_int_equal(siov_dev_enable(rig->dev), 0);
		assert_int_equal(dev_rig_noop(rig, portal, 0), SIOV_DMWR_SUCCESS);
		assert_int_equal(siov_dev_wq_drain(rig->dev, 0, DEV_RIG_WAIT_MS), 0);
		assert_true(dev_rig_is_done(rig, 0));
		assert_int_equal(state_of(rig, 0), SIOV_WQ_ENABLED);
		assert_int_equal(siov_dev_disable(rig->dev, DEV_RIG_WAIT_MS), 0);
		assert_int_equal(siov_dev_disable(rig->dev, 0), 0);
		assert_int_equal(siov_dev_wq_drain(rig->dev, 0, 0), 0);
		assert_int_equal(state_of(rig, 0), SIOV_WQ_DISABLED);
		dev_rig_stop(rig);
	}
	assert_int_equal(dev_rig_stats(rig, 0, PASID)->completed, 2);
	dev_rig_close(rig);
}

static void
test_drain_without_engine_times_out_and_enables_again(void **state)
{
	struct siov_portal *portal;
	struct dev_rig *rig = open_enabled(&portal);

	(void)state;
	assert_int_equal(siov_dev_wq_drain(rig->dev, 0, 0), 0);
	assert_int_equal(dev_rig_noop(rig, portal, 0), SIOV_DMWR_SUCCESS);
	assert_int_equal(siov_dev_wq_drain(rig->dev, 0, 0), -ETIMEDOUT);
	assert_int_equal(siov_dev_wq_drain(rig->dev, 0, 20), -ETIMEDOUT);
	assert_int_equal(siov_dev_wq_disable(rig->dev, 0, 20), -ETIMEDOUT);
	assert_int_equal(siov_dev_disable(rig->dev, 20), -ETIMEDOUT);
	assert_int_equal(state_of(rig, 0), SIOV_WQ_ENABLED);
	assert_int_equal(dev_rig_noop(rig, portal, 1), SIOV_DMWR_SUCCESS);
	dev_rig_start(rig);
	assert_int_equal(siov_dev_wq_drain(rig->dev, 0, DEV_RIG_WAIT_MS), 0);
	assert_true(dev_rig_is_done(rig, 0));
	assert_true(dev_rig_is_done(rig, 1));
	dev_rig_close(rig);
}

/* An engine that is online and has taken a burst may still be at work on it: the test is it. */
static void
test_drain_waits_for_a_grace_period(void **state)
{
	struct siov_portal *portal;
	struct dev_rig *rig = open_enabled(&portal);
	struct siov_engine *engine = siov_dev_engine(rig->dev, 0);

	(void)state;
	siov_engine_start(engine);
	assert_int_equal(siov_dev_wq_drain(rig->dev, 0, 20), -ETIMEDOUT);
	siov_engine_stop(engine);
	assert_int_equal(siov_dev_wq_drain(rig->dev, 0, 20), 0);
	dev_rig_close(rig);
}

static void
submit_long(struct dev_rig *rig, struct siov_portal *portal)
{
	struct dsa_hw_desc desc __attribute__((aligned(64))) =
		dev_rig_desc(rig, DSA_OPCODE_MEMMOVE, 0);

	desc.src_addr = siov_gmem_iova(rig->gmem) + DEV_RIG_DATA;
	desc.dst_addr = desc.src_addr + BYTES_LONG;
	desc.xfer_size = BYTES_LONG;
	assert_int_equal(siov_enqcmd(portal, &desc), SIOV_DMWR_SUCCESS);
}

static void
test_drain_waits_for_long_transfers(void **state)
{
	struct siov_portal *portal;
	struct dev_rig *rig = open_enabled(&portal);
	struct siov_engine *engine = siov_dev_engine(rig->dev, 0);
	unsigned int i;

	(void)state;
	submit_long(rig, portal);
	siov_engine_start(engine);
	for (i = 0; i < 1000 && engine_nb_long(engine, 0) == 0; i++)
		siov_engine_poll(engine);
	siov_engine_stop(engine);
	assert_int_equal(engine_nb_long(engine, 0), 1);
	assert_int_equal(siov_dev_wq_drain(rig->dev, 0, 20), -ETIMEDOUT);
	assert_false(dev_rig_is_done(rig, 0));
	dev_rig_start(rig);
	assert_int_equal(siov_dev_wq_disable(rig->dev, 0, DEV_RIG_WAIT_MS), 0);
	assert_true(dev_rig_is_done(rig, 0));
	assert_int_equal(rig->comps[0].status, DSA_COMP_SUCCESS);
	dev_rig_close(rig);
}

static void
test_a_batch_has_no_more_descriptors_than_its_queue_allows(void **state)
{
	struct dsa_hw_desc batch __attribute__((aligned(64)));
	struct siov_dev_conf conf;
	struct siov_portal *portal;
	struct dev_rig *rig;
	uint8_t status;

	(void)state;
	dev_rig_conf_init(&conf);
	conf.wqs[0].batch_max = 4;
	rig = dev_rig_open(&conf);
	assert_int_equal(siov_dev_enable(rig->dev), 0);
	portal = dev_rig_portal(rig, dev_rig_attach(rig, 0), PASID);
	dev_rig_start(rig);
	batch = dev_rig_desc(rig, DSA_OPCODE_BATCH, 0);
	batch.desc_list_addr = siov_gmem_iova(rig->gmem) + DEV_RIG_DATA; /* zeros: no-ops */
	batch.desc_count = 4;
	assert_int_equal(siov_enqcmd(portal, &batch), SIOV_DMWR_SUCCESS);
	assert_int_equal(dev_rig_wait(rig, 0), DSA_COMP_SUCCESS);
	batch = dev_rig_desc(rig, DSA_OPCODE_BATCH, 1);
	batch.desc_list_addr = siov_gmem_iova(rig->gmem) + DEV_RIG_DATA;
	batch.desc_count = 5;
	assert_int_equal(siov_enqcmd(portal, &batch), SIOV_DMWR_SUCCESS);
	status = dev_rig_wait(rig, 1);
	assert_int_equal(status, DSA_COMP_DESC_CNT_ERANGE);
	dev_rig_close(rig);
}

static void
test_a_group_has_no_more_long_transfers_than_read_buffers(void **state)
{
	struct siov_engine *engine;
	struct siov_dev_conf conf;
	struct siov_portal *portal;
	struct dev_rig *rig;
	unsigned int i;

	(void)state;
	dev_rig_conf_init(&conf);
	conf.groups[0].read_buffers_allowed = 2;
	rig = dev_rig_open(&conf);
	assert_int_equal(siov_dev_enable(rig->dev), 0);
	portal = dev_rig_portal(rig, dev_rig_attach(rig, 0), PASID);
	engine = siov_dev_engine(rig->dev, 0);
	for (i = 0; i < 3; i++)
		submit_long(rig, portal);
	siov_engine_start(engine);
	for (i = 0; i < 8; i++)
		siov_engine_poll(engine);
	siov_engine_stop(engine);
	assert_int_equal(engine_nb_long(engine, 0), 2);
	dev_rig_start(rig);
	assert_int_equal(siov_dev_wq_disable(rig->dev, 0, DEV_RIG_WAIT_MS), 0);
	assert_int_equal(dev_rig_stats(rig, 0, PASID)->completed, 3);
	dev_rig_close(rig);
}

/* A PASID of which no page is there; its requests go to *prq. */
static void
bind_empty(struct dev_rig *rig, uint32_t pasid, struct siov_prq **prq)
{
	struct siov_iommu *iommu = siov_dev_iommu(rig->dev);
	struct siov_domain_conf conf = {.kind = SIOV_DOMAIN_SECOND_STAGE, .max_page_shift = 12};
	struct siov_domain *dom;

	assert_int_equal(siov_prq_create(iommu, NULL, prq), 0);
	conf.prq = *prq;
	assert_int_equal(siov_domain_create(iommu, &conf, &dom), 0);
	assert_int_equal(siov_pasid_alloc_at(iommu, pasid), 0);
	assert_int_equal(siov_pasid_bind(iommu, pasid, dom, 0), 0);
}

static void
test_drain_waits_for_operations_that_wait_for_a_page(void **state)
{
	struct dsa_hw_desc desc __attribute__((aligned(64))) = {
		.flags = IDXD_OP_FLAG_BOF, .opcode = DSA_OPCODE_MEMFILL, .xfer_size = 8};
	struct siov_vtd_page_response resp;
	struct siov_vtd_page_request req;
	struct siov_portal *portal;
	struct siov_dev_conf conf;
	struct siov_error error;
	struct dev_rig *rig;
	struct siov_prq *prq;
	unsigned int i;

	(void)state;
	dev_rig_conf_init(&conf);
	conf.wqs[0].flags = SIOV_WQ_F_BOF;
	conf.page_timeout_ms = SIOV_DEV_PAGE_TIMEOUT_MAX;
	rig = dev_rig_open(&conf);
	assert_int_equal(siov_dev_enable(rig->dev), 0);
	bind_empty(rig, PASID, &prq);
	portal = dev_rig_portal(rig, dev_rig_attach(rig, 0), PASID);
	dev_rig_start(rig);
	assert_int_equal(siov_enqcmd(portal, &desc), SIOV_DMWR_SUCCESS);
	assert_int_equal(siov_dev_wq_drain(rig->dev, 0, 50), -ETIMEDOUT);
	for (i = 0; i < DEV_RIG_WAIT_MS && siov_prq_take(prq, &req, 1) == 0; i++)
		dev_rig_nap();
	assert_int_equal(engine_nb_parked(siov_dev_engine(rig->dev, 0), 0), 1);
	resp = siov_page_response(&req, SIOV_PAGE_INVALID);
	assert_int_equal(siov_prq_respond(prq, &resp), 0);
	assert_int_equal(siov_dev_wq_disable(rig->dev, 0, DEV_RIG_WAIT_MS), 0);
	assert_int_equal(siov_dev_errors(rig->dev, &error, 1), 1);
	assert_int_equal(error.code, DSA_COMP_PAGE_FAULT_IR);
	dev_rig_close(rig);
}

/* ---- one drain at a time ---- */

struct drainer {
	struct dev_rig *rig;
	unsigned int timeout_ms;
	int ret;
};

static void *
run_drain(void *arg)
{
	struct drainer *drainer = arg;

	drainer->ret = siov_dev_wq_drain(drainer->rig->dev, 0, drainer->timeout_ms);
	return NULL;
}

static void
test_s7_3_3_draining_and_disabled_queues_answer_retry_with_their_reason(void **state)
{
	struct siov_portal *portal;
	struct dev_rig *rig = open_enabled(&portal);
	struct drainer drainer = {.rig = rig, .timeout_ms = DEV_RIG_WAIT_MS};
	pthread_t thread;

	(void)state;
	assert_int_equal(dev_rig_noop(rig, portal, 0), SIOV_DMWR_SUCCESS);
	assert_int_equal(pthread_create(&thread, NULL, run_drain, &drainer), 0);
	await_state(rig, SIOV_WQ_DRAINING);
	assert_int_equal(dev_rig_silent(portal), SIOV_DMWR_RETRY_DRAINING);
	assert_int_equal(siov_dev_wq_enable(rig->dev, 0), -EBUSY);
	assert_int_equal(siov_dev_wq_drain(rig->dev, 0, 20), -EBUSY);
	assert_int_equal(siov_dev_wq_disable(rig->dev, 0, 20), -EBUSY);
	assert_int_equal(state_of(rig, 0), SIOV_WQ_DRAINING);
	dev_rig_start(rig);
	pthread_join(thread, NULL);
	assert_int_equal(drainer.ret, 0);
	assert_int_equal(siov_dev_wq_disable(rig->dev, 0, DEV_RIG_WAIT_MS), 0);
	assert_int_equal(dev_rig_silent(portal), SIOV_DMWR_RETRY_DISABLED);
	assert_int_equal(dev_rig_silent(portal), SIOV_DMWR_RETRY_DISABLED);
	assert_int_equal(dev_rig_stats(rig, 0, PASID)->submitted[SIOV_DMWR_SUCCESS], 1);
	assert_int_equal(dev_rig_stats(rig, 0, PASID)->submitted[SIOV_DMWR_RETRY_DRAINING], 1);
	assert_int_equal(dev_rig_stats(rig, 0, PASID)->submitted[SIOV_DMWR_RETRY_DISABLED], 2);
	assert_int_equal(siov_stats_attempts(dev_rig_stats(rig, 0, PASID)), 4);
	dev_rig_close(rig);
}

/* ---- under load ---- */

struct submitter {
	struct siov_portal *portal;
	const SIOV_ATOMIC(uint32_t) *stop;
	uint64_t accepted;
	uint64_t attempts;
};

static void *
run_submitter(void *arg)
{
	struct submitter *submitter = arg;

	while (!siov_atomic_load(submitter->stop, acquire)) {
		submitter->attempts++;
		if (dev_rig_silent(submitter->portal) == SIOV_DMWR_SUCCESS)
			submitter->accepted++;
		else
			sched_yield();
	}
	return NULL;
}

static void
disable_under_load(bool has_control)
{
	struct dev_rig *rig = dev_rig_open(NULL);
	struct submitter submitters[SUBMITTERS];
	pthread_t threads[SUBMITTERS];
	SIOV_ATOMIC(uint32_t) stop = 0;
	uint64_t accepted = 0, attempts = 0;
	struct siov_stats *stats;
	unsigned int i;

	if (has_control)
		dev_rig_start_control(rig);
	dev_rig_start(rig);
	for (i = 0; i < SUBMITTERS; i++) {
		submitters[i] = (struct submitter){.stop = &stop};
		submitters[i].portal = dev_rig_portal(rig, dev_rig_attach(rig, 0), PASID);
		assert_int_equal(pthread_create(&threads[i], NULL, run_submitter, &submitters[i]),
				 0);
	}
	for (i = 0; i < 20; i++) {
		assert_int_equal(siov_dev_enable(rig->dev), 0);
		dev_rig_nap();
		if (i % 2)
			assert_int_equal(siov_dev_wq_drain(rig->dev, 0, DEV_RIG_WAIT_MS), 0);
		assert_int_equal(siov_dev_disable(rig->dev, DEV_RIG_WAIT_MS), 0);
		assert_int_equal(state_of(rig, 0), SIOV_WQ_DISABLED);
	}
	siov_atomic_store(&stop, 1, release);
	for (i = 0; i < SUBMITTERS; i++) {
		pthread_join(threads[i], NULL);
		accepted += submitters[i].accepted;
		attempts += submitters[i].attempts;
	}
	/* What met the disabled queue at the last instant is worked off all the same. */
	for (i = 0; i < SUBMITTERS; i++)
		assert_int_equal(
			siov_dev_detach(rig->dev, submitters[i].portal->lane, DEV_RIG_WAIT_MS), 0);
	dev_rig_stop(rig);
	stats = dev_rig_stats(rig, 0, PASID);
	assert_true(accepted > 0);
	assert_int_equal(stats->submitted[SIOV_DMWR_SUCCESS], accepted);
	assert_int_equal(stats->completed, accepted);
	assert_int_equal(siov_stats_attempts(stats), attempts);
	dev_rig_close(rig);
}

static void
test_s7_3_2_disable_loses_nothing_that_was_accepted(void **state)
{
	(void)state;
	disable_under_load(false);
	disable_under_load(true);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unknown_queues_are_refused),
		cmocka_unit_test(test_states_can_be_gone_through_twice),
		cmocka_unit_test(test_drain_without_engine_times_out_and_enables_again),
		cmocka_unit_test(test_drain_waits_for_a_grace_period),
		cmocka_unit_test(test_drain_waits_for_long_transfers),
		cmocka_unit_test(test_a_batch_has_no_more_descriptors_than_its_queue_allows),
		cmocka_unit_test(test_a_group_has_no_more_long_transfers_than_read_buffers),
		cmocka_unit_test(test_drain_waits_for_operations_that_wait_for_a_page),
		cmocka_unit_test(
			test_s7_3_3_draining_and_disabled_queues_answer_retry_with_their_reason),
		cmocka_unit_test(test_s7_3_2_disable_loses_nothing_that_was_accepted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

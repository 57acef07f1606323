/* SPDX-License-Identifier: BSD-3-Clause */
/* The life of ADIs on a device whose engines run. */
#include "adi_bed.h"

#define PASID 7u
#define OTHER 8u

static uint32_t
alloc(struct adi_bed *bed, enum siov_adi_type type)
{
	uint32_t id;

	assert_int_equal(siov_dev_adi_alloc(bed->dev, type, SIOV_ADI_VM, &id), 0);
	return id;
}

/* One no-op through a portal comes back. */
static void
check_works(struct adi_bed *bed, struct siov_portal *portal, unsigned int comp)
{
	assert_int_equal(dev_rig_noop(bed->rig, portal, comp), SIOV_DMWR_SUCCESS);
	assert_int_equal(dev_rig_wait(bed->rig, comp), DSA_COMP_SUCCESS);
}

/* ---- identity ---- */

static void
test_s7_2_2_no_pasid_no_enable(void **state)
{
	struct adi_bed *bed = *state;
	struct siov_adi_conf conf = {.nb_messages = 1};
	uint32_t id = alloc(bed, SIOV_ADI_CONTEXT);

	assert_int_equal(siov_dev_adi_enable(bed->dev, id), -EBUSY);
	assert_int_equal(siov_dev_adi_configure(bed->dev, id, &conf), 0);
	assert_int_equal(siov_dev_adi_enable(bed->dev, id), -ENXIO);
	conf.pasid = PASID;
	assert_int_equal(siov_dev_adi_configure(bed->dev, id, &conf), 0);
	assert_int_equal(siov_dev_adi_enable(bed->dev, id), 0);
	assert_int_equal(siov_dev_adi_configure(bed->dev, id, &conf), -EBUSY);
	assert_int_equal(siov_dev_adi_enable(bed->dev, id), -EBUSY);
}

static void
test_s7_2_1_pasids_off_no_enable(void **state)
{
	struct adi_bed *bed = *state;
	const struct siov_adi_conf conf = {.pasid = PASID};
	uint32_t id = alloc(bed, SIOV_ADI_CONTEXT);

	assert_int_equal(siov_dev_wq_disable(bed->dev, 0, ADI_BED_MS), 0);
	assert_int_equal(siov_dev_pasid_enable(bed->dev, false), 0);
	assert_int_equal(siov_dev_adi_configure(bed->dev, id, &conf), 0);
	assert_int_equal(siov_dev_adi_enable(bed->dev, id), -EPERM);
	assert_int_equal(siov_dev_pasid_enable(bed->dev, true), 0);
	assert_int_equal(siov_dev_adi_enable(bed->dev, id), 0);
}

static void
test_s7_2_6_one_pasid_is_one_context_on_a_queue(void **state)
{
	struct adi_bed *bed = *state;
	struct siov_adi_conf conf = {.pasid = PASID};
	uint32_t id = adi_bed_context(bed, PASID), second = alloc(bed, SIOV_ADI_CONTEXT), found;

	assert_int_equal(siov_dev_adi_configure(bed->dev, second, &conf), -EEXIST);
	/* On a dedicated queue the same address domain is welcome. */
	second = alloc(bed, SIOV_ADI_DEDICATED);
	conf.nb_dwqs = 1;
	assert_int_equal(siov_dev_adi_configure(bed->dev, second, &conf), 0);
	assert_int_equal(siov_dev_adi_enable(bed->dev, second), 0);
	assert_int_equal(siov_dev_adi_of(bed->dev, 0, PASID, &found), 0);
	assert_int_equal(found, id);
	assert_int_equal(
		siov_dev_adi_of(bed->dev, adi_bed_info(bed, second).dwqs[0], PASID, &found), 0);
	assert_int_equal(found, second);
	assert_int_equal(siov_dev_adi_of(bed->dev, 0, OTHER, &found), -ENOENT);
}

/* Records of one ADI go where its control PASID says, those of another to its own memory. */
static void
test_s7_2_5_a_secondary_pasid_is_for_records(void **state)
{
	struct adi_bed *bed = *state;
	struct siov_lane *lane = dev_rig_attach(bed->rig, 0);
	struct siov_adi_conf conf = {.pasid = PASID, .control_pasid = 40};
	uint32_t id = alloc(bed, SIOV_ADI_CONTEXT), other = adi_bed_context(bed, OTHER);
	struct siov_iommu *iommu = siov_dev_iommu(bed->dev);
	struct siov_domain_conf dconf = {.kind = SIOV_DOMAIN_SECOND_STAGE, .max_page_shift = 12};
	struct siov_domain *empty;

	/* The primary reaches nothing: with it no record could be written. */
	assert_int_equal(siov_domain_create(iommu, &dconf, &empty), 0);
	assert_int_equal(siov_pasid_alloc_at(iommu, PASID), 0);
	assert_int_equal(siov_pasid_bind(iommu, PASID, empty, 0), 0);
	dev_rig_bind(bed->rig, 40);
	assert_int_equal(siov_dev_adi_configure(bed->dev, id, &conf), 0);
	assert_int_equal(siov_dev_adi_enable(bed->dev, id), 0);
	check_works(bed, adi_bed_portal(bed, id, lane), 0);
	check_works(bed, adi_bed_portal(bed, other, lane), 1);
}

/* By whichever door the portal is opened. */
static void
test_s7_2_2_a_portal_of_one_that_is_not_enabled_answers_retry(void **state)
{
	struct adi_bed *bed = *state;
	const struct siov_adi_conf conf = {.pasid = PASID};
	struct siov_lane *lane = dev_rig_attach(bed->rig, 0);
	uint32_t id = alloc(bed, SIOV_ADI_CONTEXT);
	struct siov_portal *portal, *own;

	assert_int_equal(siov_dev_adi_configure(bed->dev, id, &conf), 0);
	portal = dev_rig_portal(bed->rig, lane, PASID);
	own = adi_bed_portal(bed, id, lane);
	assert_int_equal(dev_rig_noop(bed->rig, portal, 0), SIOV_DMWR_RETRY_DISABLED);
	assert_int_equal(dev_rig_noop(bed->rig, own, 0), SIOV_DMWR_RETRY_DISABLED);
	assert_int_equal(siov_dev_adi_enable(bed->dev, id), 0);
	check_works(bed, portal, 0);
}

/* ---- resources ---- */

static void
test_bad_configurations_change_nothing(void **state)
{
	struct adi_bed *bed = *state;
	static const struct siov_adi_conf bad[] = {
		{.pasid = SIOV_PASID_MAX + 1}, {.pasid = 1, .control_pasid = SIOV_PASID_MAX + 1},
		{.pasid = 1, .wq_id = 1},      {.pasid = 1, .wq_id = 64},
		{.pasid = 1, .nb_dwqs = 1},    {.pasid = 1, .nb_messages = 2},
	};
	uint32_t id = alloc(bed, SIOV_ADI_CONTEXT), none;
	unsigned int i;

	for (i = 0; i < RTE_DIM(bad); i++) {
		assert_int_equal(siov_dev_adi_configure(bed->dev, id, &bad[i]), -EINVAL);
		assert_int_equal(adi_bed_info(bed, id).state, SIOV_ADI_ALLOCATED);
	}
	assert_int_equal(siov_dev_adi_alloc(bed->dev, SIOV_ADI_TYPES, SIOV_ADI_VM, &none), -EINVAL);
	assert_int_equal(siov_dev_adi_alloc(bed->dev, SIOV_ADI_CONTEXT, SIOV_ADI_OWNERS, &none),
			 -EINVAL);
	assert_int_equal(siov_dev_adi_release(bed->dev, id + 1), -ENOENT);
	assert_int_equal(siov_dev_adi_reset(bed->dev, UINT32_MAX, 0), -ENOENT);
}

static void
test_s7_1_1_more_adis_than_queues_are_bound_when_used(void **state)
{
	struct adi_bed *bed = *state;
	const struct siov_adi_conf conf = {.pasid = PASID, .nb_dwqs = 2, .nb_messages = 2};
	struct siov_adi_info info;
	uint32_t ids[4];
	unsigned int i;

	for (i = 0; i < RTE_DIM(ids); i++) {
		ids[i] = alloc(bed, i < 3 ? SIOV_ADI_DEDICATED : SIOV_ADI_COMPOSITE);
		assert_int_equal(siov_dev_adi_configure(bed->dev, ids[i], &conf), 0);
		assert_int_equal(adi_bed_info(bed, ids[i]).nb_bound, 0);
	}
	assert_int_equal(siov_dev_adi_enable(bed->dev, ids[0]), 0);
	assert_int_equal(siov_dev_adi_enable(bed->dev, ids[1]), 0);
	assert_int_equal(siov_dev_adi_enable(bed->dev, ids[2]), -EAGAIN);
	assert_int_equal(siov_dev_adi_enable(bed->dev, ids[3]), -EAGAIN);
	assert_int_equal(adi_bed_info(bed, ids[2]).state, SIOV_ADI_CONFIGURED);
	assert_int_equal(siov_dev_adi_disable(bed->dev, ids[0], ADI_BED_MS), 0);
	assert_int_equal(siov_dev_adi_enable(bed->dev, ids[3]), 0);
	info = adi_bed_info(bed, ids[3]);
	assert_int_equal(info.nb_bound, 2);
	assert_int_not_equal(info.dwqs[0], info.dwqs[1]);
}

/* A dedicated queue with a lane on it stays with its ADI: the next one must not meet that thread. */
static void
test_s7_3_7_a_queue_in_use_is_not_given_on(void **state)
{
	struct adi_bed *bed = *state;
	const struct siov_adi_conf conf = {.pasid = PASID, .nb_dwqs = 4};
	uint32_t id = alloc(bed, SIOV_ADI_DEDICATED), next = alloc(bed, SIOV_ADI_DEDICATED);
	struct siov_portal *portal;
	struct siov_lane *lane;
	uint32_t wq_id;

	dev_rig_bind(bed->rig, PASID);
	assert_int_equal(siov_dev_adi_configure(bed->dev, id, &conf), 0);
	assert_int_equal(siov_dev_adi_configure(bed->dev, next, &conf), 0);
	assert_int_equal(siov_dev_adi_enable(bed->dev, id), 0);
	wq_id = adi_bed_info(bed, id).dwqs[0];
	lane = dev_rig_attach(bed->rig, wq_id);
	portal = adi_bed_portal(bed, id, lane);
	check_works(bed, portal, 0);
	assert_int_equal(siov_dev_adi_disable(bed->dev, id, ADI_BED_MS), 0);
	assert_int_equal(adi_bed_info(bed, id).nb_bound, 1);
	assert_int_equal(siov_dev_adi_enable(bed->dev, next), -EAGAIN);
	/* Its posted write is dropped, by a queue that is disabled. */
	dev_rig_noop(bed->rig, portal, 1);
	dev_rig_nap();
	assert_false(dev_rig_is_done(bed->rig, 1));
	assert_int_equal(siov_dev_adi_release(bed->dev, id), -EBUSY);
	siov_dev_portal_close(bed->dev, portal);
	assert_int_equal(siov_dev_detach(bed->dev, lane, ADI_BED_MS), 0);
	assert_int_equal(siov_dev_adi_release(bed->dev, id), 0);
	assert_int_equal(siov_dev_adi_enable(bed->dev, next), 0);
}

static void
test_adis_and_messages_run_out_and_come_back(void **state)
{
	struct adi_bed *bed = *state;
	struct siov_adi_conf conf = {.nb_messages = 1};
	static uint32_t ids[2000];
	unsigned int round, i;
	uint32_t none;

	for (round = 0; round < 2; round++) {
		for (i = 0; i < RTE_DIM(ids); i++) {
			ids[i] = alloc(bed, SIOV_ADI_CONTEXT);
			conf.pasid = 1 + i;
			assert_int_equal(siov_dev_adi_configure(bed->dev, ids[i], &conf),
					 i < 64 ? 0 : -ENOSPC);
		}
		assert_int_equal(
			siov_dev_adi_alloc(bed->dev, SIOV_ADI_CONTEXT, SIOV_ADI_HOST, &none),
			-ENOSPC);
		for (i = 0; i < RTE_DIM(ids); i++)
			assert_int_equal(siov_dev_adi_release(bed->dev, ids[i]), 0);
	}
}

static int
count_adi(const struct siov_adi_info *info, void *arg)
{
	unsigned int *nb = arg;

	assert_int_equal(info->state, SIOV_ADI_ENABLED);
	return ++*nb == 3 ? 7 : 0;
}

static void
test_a_walk_meets_each_and_can_be_ended(void **state)
{
	struct adi_bed *bed = *state;
	unsigned int nb = 0;

	adi_bed_context(bed, 1);
	adi_bed_context(bed, 2);
	assert_int_equal(siov_dev_adi_walk(bed->dev, count_adi, &nb), 0);
	assert_int_equal(nb, 2);
	adi_bed_context(bed, 3);
	adi_bed_context(bed, 4);
	nb = 0;
	assert_int_equal(siov_dev_adi_walk(bed->dev, count_adi, &nb), 7);
}

/* ---- drain, abort, disable ---- */

static void
test_actions_end_and_the_adi_works_again(void **state)
{
	struct adi_bed *bed = *state;
	struct siov_lane *lane = dev_rig_attach(bed->rig, 0);
	uint32_t id = adi_bed_context(bed, PASID);
	struct siov_portal *portal = adi_bed_portal(bed, id, lane);

	check_works(bed, portal, 0);
	assert_int_equal(siov_dev_adi_drain(bed->dev, id, ADI_BED_MS), 0);
	check_works(bed, portal, 0);
	assert_int_equal(siov_dev_adi_abort(bed->dev, id, ADI_BED_MS), 0);
	check_works(bed, portal, 0);
	assert_int_equal(siov_dev_adi_suspend(bed->dev, id, ADI_BED_MS), 0);
	assert_int_equal(adi_bed_info(bed, id).state, SIOV_ADI_SUSPENDED);
	assert_int_equal(siov_dev_adi_resume(bed->dev, id), 0);
	check_works(bed, portal, 0);
	assert_int_equal(siov_dev_adi_disable(bed->dev, id, ADI_BED_MS), 0);
	assert_int_equal(adi_bed_info(bed, id).state, SIOV_ADI_CONFIGURED);
	assert_int_equal(adi_bed_info(bed, id).completed, 4);
	assert_int_equal(siov_dev_adi_enable(bed->dev, id), 0);
	check_works(bed, portal, 0);
	assert_int_equal(adi_bed_info(bed, id).completed, 5);
	assert_int_equal(siov_dev_adi_resume(bed->dev, id), -EBUSY);
}

/* Counts are an ADI's own: not those of who had its PASID before. */
static void
test_counts_begin_with_the_adi(void **state)
{
	struct adi_bed *bed = *state;
	struct siov_lane *lane = dev_rig_attach(bed->rig, 0);
	struct siov_portal *portal;
	unsigned int round;
	uint32_t id;

	for (round = 0; round < 3; round++) {
		id = adi_bed_context(bed, PASID);
		portal = adi_bed_portal(bed, id, lane);
		check_works(bed, portal, 0);
		check_works(bed, portal, 1);
		assert_int_equal(adi_bed_info(bed, id).accepted, 2);
		assert_int_equal(adi_bed_info(bed, id).completed, 2);
		siov_dev_portal_close(bed->dev, portal);
		assert_int_equal(siov_dev_adi_disable(bed->dev, id, ADI_BED_MS), 0);
		assert_int_equal(siov_dev_adi_release(bed->dev, id), 0);
	}
}

static void
test_without_engines_actions_are_given_up(void **state)
{
	struct adi_bed *bed = *state;
	struct siov_lane *lane = dev_rig_attach(bed->rig, 0);
	uint32_t id = adi_bed_context(bed, PASID);
	struct siov_portal *portal = adi_bed_portal(bed, id, lane);

	dev_rig_stop(bed->rig);
	assert_int_equal(dev_rig_noop(bed->rig, portal, 0), SIOV_DMWR_SUCCESS);
	assert_int_equal(siov_dev_adi_drain(bed->dev, id, 10), -ETIMEDOUT);
	assert_int_equal(siov_dev_adi_abort(bed->dev, id, 10), -ETIMEDOUT);
	assert_int_equal(siov_dev_adi_disable(bed->dev, id, 10), -ETIMEDOUT);
	assert_int_equal(adi_bed_info(bed, id).state, SIOV_ADI_ENABLED);
	assert_false(dev_rig_is_done(bed->rig, 0));
	assert_int_equal(siov_dev_adi_reset(bed->dev, id, 10), -ETIMEDOUT);
	assert_int_equal(adi_bed_info(bed, id).state, SIOV_ADI_SUSPENDED);
	dev_rig_start(bed->rig);
	assert_int_equal(siov_dev_adi_reset(bed->dev, id, ADI_BED_MS), 0);
	assert_false(dev_rig_is_done(bed->rig, 0));
	assert_int_equal(adi_bed_info(bed, id).aborted, 1);
}

/* What shuts an ADI off is not opened by an abort of its PASID. */
static void
test_an_abort_of_the_pasid_leaves_a_disabled_adi_shut(void **state)
{
	struct adi_bed *bed = *state;
	uint32_t id = adi_bed_context(bed, PASID);
	struct siov_lane *lane = dev_rig_attach(bed->rig, 0);
	struct siov_portal *portal = adi_bed_portal(bed, id, lane), *other;

	assert_int_equal(siov_dev_adi_disable(bed->dev, id, ADI_BED_MS), 0);
	assert_int_equal(dev_rig_noop(bed->rig, portal, 0), SIOV_DMWR_RETRY_DISABLED);
	assert_int_equal(siov_dev_pasid_abort(bed->dev, PASID, ADI_BED_MS), 0);
	/* A privileged portal gets past the Retry, but not past the engines' gate. */
	assert_int_equal(siov_dev_portal_open(bed->dev, lane, OTHER,
					      SIOV_PORTAL_F_PASID | SIOV_PORTAL_F_PRIV, &other),
			 0);
	{
		struct dsa_hw_desc desc __attribute__((aligned(64))) =
			dev_rig_desc(bed->rig, DSA_OPCODE_NOOP, 1);

		desc.pasid = PASID;
		assert_int_equal(siov_enqcmds(other, &desc), SIOV_DMWR_RETRY_DISABLED);
	}
	assert_int_equal(siov_dev_adi_enable(bed->dev, id), 0);
	check_works(bed, portal, 0);
}

/* The rows of a configuration; a second time there is an ADI for the PASID already. */
static void
test_rows_of_a_configuration_are_made_or_none(void **state)
{
	struct siov_dev_conf conf;
	struct siov_adi_info info;
	struct adi_bed *bed;
	uint32_t id, i;

	(void)state;
	adi_bed_conf_init(&conf);
	conf.nb_adi_rows = 3;
	conf.adi_rows[0] =
		(struct siov_dev_adi_row){.count = 3, .pasid = PASID, .qos = {.weight = 4}};
	conf.adi_rows[1] = (struct siov_dev_adi_row){.count = 2};
	conf.adi_rows[2] = (struct siov_dev_adi_row){
		.type = SIOV_ADI_DEDICATED, .count = 1, .nb_dwqs = 2, .pasid = 90};
	bed = adi_bed_open(&conf);
	assert_int_equal(siov_dev_adi_make_rows(bed->dev), 0);
	for (i = 0; i < 3; i++) {
		assert_int_equal(siov_dev_adi_of(bed->dev, 0, PASID + i, &id), 0);
		info = adi_bed_info(bed, id);
		assert_int_equal(info.state, SIOV_ADI_ENABLED);
		assert_int_equal(info.conf.qos.weight, 4);
	}
	dev_rig_bind(bed->rig, PASID);
	check_works(bed, dev_rig_portal(bed->rig, dev_rig_attach(bed->rig, 0), PASID), 0);
	assert_int_equal(bed->dev->adis.nb_used, 6);
	assert_int_equal(siov_dev_adi_make_rows(bed->dev), -EEXIST);
	assert_int_equal(bed->dev->adis.nb_used, 6);
	adi_bed_close(bed);
}

/* What no record can tell is put to the account of whose work it was. */
static void
test_s7_6_5_errors_are_the_adis_own(void **state)
{
	struct dsa_hw_desc desc __attribute__((aligned(64))) = {.opcode = 0xee};
	struct adi_bed *bed = *state;
	struct siov_lane *lane = dev_rig_attach(bed->rig, 0);
	uint32_t id = adi_bed_context(bed, PASID), other = adi_bed_context(bed, OTHER);
	struct siov_portal *portal = adi_bed_portal(bed, id, lane);
	struct siov_error error;
	unsigned int i;

	for (i = 0; i < 3; i++)
		assert_int_equal(siov_enqcmd(portal, &desc), SIOV_DMWR_SUCCESS);
	check_works(bed, adi_bed_portal(bed, other, lane), 0);
	assert_int_equal(siov_dev_adi_drain(bed->dev, id, ADI_BED_MS), 0);
	assert_int_equal(adi_bed_info(bed, id).nb_errors, 3);
	assert_int_equal(adi_bed_info(bed, other).nb_errors, 0);
	for (i = 0; i < 3; i++) {
		assert_int_equal(siov_dev_errors(bed->dev, &error, 1), 1);
		assert_int_equal(error.pasid, PASID);
		assert_int_equal(error.code, DSA_COMP_BAD_OPCODE);
	}
}

struct told {
	SIOV_ATOMIC(uint32_t) nb;
	struct siov_error first;
	uint32_t adi;
};

static void
keep_error(void *arg, const struct siov_error *error, uint32_t adi)
{
	struct told *told = arg;

	if (siov_atomic_load(&told->nb, relaxed) == 0) {
		told->first = *error;
		told->adi = adi;
	}
	siov_atomic_fetch_add(&told->nb, 1, release);
}

static void
test_s7_6_5_the_control_lcore_tells_whose_error_it_was(void **state)
{
	struct dsa_hw_desc desc __attribute__((aligned(64))) = {.opcode = 0xee};
	struct told told = {0};
	struct siov_dev_conf conf;
	struct siov_error error;
	struct adi_bed *bed;
	unsigned int i;
	uint32_t id;

	(void)state;
	adi_bed_conf_init(&conf);
	conf.on_error = keep_error;
	conf.error_arg = &told;
	bed = adi_bed_open(&conf);
	id = adi_bed_context(bed, PASID);
	dev_rig_start_control(bed->rig);
	assert_int_equal(siov_enqcmd(adi_bed_portal(bed, id, dev_rig_attach(bed->rig, 0)), &desc),
			 SIOV_DMWR_SUCCESS);
	for (i = 0; i < DEV_RIG_WAIT_MS && siov_atomic_load(&told.nb, acquire) == 0; i++)
		dev_rig_nap();
	assert_int_equal(siov_atomic_load(&told.nb, acquire), 1);
	assert_int_equal(told.adi, id);
	assert_int_equal(told.first.pasid, PASID);
	assert_int_equal(told.first.code, DSA_COMP_BAD_OPCODE);
	/* It was handed over, and is nowhere else. */
	assert_int_equal(siov_dev_errors(bed->dev, &error, 1), 0);
	adi_bed_close(bed);
}

/* Its queue goes on as it was: enabled, lanes attached, counts kept. */
static void
test_s7_7_3_a_reset_does_not_reset_the_shared_queue(void **state)
{
	struct adi_bed *bed = *state;
	struct siov_lane *lane = dev_rig_attach(bed->rig, 0);
	uint32_t id = adi_bed_context(bed, PASID), other = adi_bed_context(bed, OTHER);
	struct siov_portal *portal = adi_bed_portal(bed, id, lane);
	struct siov_portal *others = adi_bed_portal(bed, other, lane);
	struct siov_wq *wq = siov_dev_wq(bed->dev, 0);
	static struct siov_stats stats;

	check_works(bed, portal, 0);
	check_works(bed, others, 1);
	assert_int_equal(siov_dev_adi_reset(bed->dev, id, ADI_BED_MS), 0);
	assert_int_equal(siov_atomic_load(&wq->state, relaxed), SIOV_WQ_ENABLED);
	assert_int_equal(wq->nb_attached, 1);
	assert_int_equal(siov_dev_wq_stats(bed->dev, 0, &stats), 0);
	assert_int_equal(stats.completed, 2);
	assert_int_equal(dev_rig_noop(bed->rig, portal, 0), SIOV_DMWR_RETRY_DISABLED);
	check_works(bed, others, 1);
	assert_int_equal(siov_dev_adi_enable(bed->dev, id), 0);
	check_works(bed, portal, 0);
}

/* Limits are the ADI's own: they come and go with it, and a saved one has them. */
static void
test_s7_6_4_limits_belong_to_the_adi(void **state)
{
	struct adi_bed *bed = *state;
	struct siov_adi_conf conf = {.pasid = PASID, .qos = {.max_outstanding = 5, .weight = 2}};
	const struct siov_qos_conf more = {.max_outstanding = 9};
	uint8_t image[SIOV_ADI_IMAGE_MAX];
	struct siov_qos_conf found;
	uint32_t id = alloc(bed, SIOV_ADI_CONTEXT), dwq = alloc(bed, SIOV_ADI_DEDICATED);
	int len;

	assert_int_equal(siov_dev_adi_set_qos(bed->dev, id, &more), -EBUSY);
	assert_int_equal(siov_dev_adi_configure(bed->dev, id, &conf), 0);
	assert_int_equal(adi_bed_info(bed, id).conf.qos.max_outstanding, 5);
	assert_int_equal(siov_dev_adi_set_qos(bed->dev, id, &more), 0);
	len = siov_dev_adi_save(bed->dev, id, image, sizeof(image));
	assert_true(len > 0);
	conf.qos.weight = SIOV_QOS_WEIGHT_MAX + 1;
	assert_int_equal(siov_dev_adi_configure(bed->dev, id, &conf), -ERANGE);
	assert_int_equal(adi_bed_info(bed, id).conf.qos.max_outstanding, 9);
	assert_int_equal(siov_dev_adi_release(bed->dev, id), 0);
	assert_int_equal(siov_dev_qos_get(bed->dev, 0, PASID, &found), 0);
	assert_int_equal(found.max_outstanding, 0);
	id = alloc(bed, SIOV_ADI_CONTEXT);
	conf.qos = (struct siov_qos_conf){0};
	assert_int_equal(siov_dev_adi_configure(bed->dev, id, &conf), 0);
	assert_int_equal(siov_dev_adi_restore(bed->dev, id, image, (size_t)len), 0);
	assert_int_equal(adi_bed_info(bed, id).conf.qos.max_outstanding, 9);
	conf = (struct siov_adi_conf){.pasid = PASID, .nb_dwqs = 1, .qos = {.weight = 1}};
	assert_int_equal(siov_dev_adi_configure(bed->dev, dwq, &conf), -EINVAL);
}

static void
test_the_mode_changes_when_there_is_no_adi(void **state)
{
	struct adi_bed *bed = *state;
	uint32_t id = adi_bed_context(bed, PASID), none;

	assert_int_equal(siov_dev_set_mode(bed->dev, SIOV_MODE_SRIOV), -EBUSY);
	assert_int_equal(siov_dev_adi_disable(bed->dev, id, ADI_BED_MS), 0);
	assert_int_equal(siov_dev_adi_release(bed->dev, id), 0);
	assert_int_equal(siov_dev_set_mode(bed->dev, SIOV_MODE_SRIOV), -EBUSY);
	assert_int_equal(siov_dev_wq_disable(bed->dev, 0, ADI_BED_MS), 0);
	assert_int_equal(siov_dev_set_mode(bed->dev, (enum siov_dev_mode)2), -EINVAL);
	assert_int_equal(siov_dev_set_mode(bed->dev, SIOV_MODE_SRIOV), 0);
	assert_int_equal(siov_dev_get_mode(bed->dev), SIOV_MODE_SRIOV);
	assert_int_equal(siov_dev_adi_alloc(bed->dev, SIOV_ADI_CONTEXT, SIOV_ADI_VM, &none),
			 -ENOSPC);
	assert_int_equal(siov_dev_set_mode(bed->dev, SIOV_MODE_SCALABLE), 0);
	alloc(bed, SIOV_ADI_CONTEXT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ADI_TEST(test_s7_2_2_no_pasid_no_enable),
		ADI_TEST(test_s7_2_1_pasids_off_no_enable),
		ADI_TEST(test_s7_2_6_one_pasid_is_one_context_on_a_queue),
		ADI_TEST(test_s7_2_2_a_portal_of_one_that_is_not_enabled_answers_retry),
		ADI_TEST(test_s7_2_5_a_secondary_pasid_is_for_records),
		ADI_TEST(test_bad_configurations_change_nothing),
		ADI_TEST(test_s7_1_1_more_adis_than_queues_are_bound_when_used),
		ADI_TEST(test_s7_3_7_a_queue_in_use_is_not_given_on),
		ADI_TEST(test_adis_and_messages_run_out_and_come_back),
		ADI_TEST(test_a_walk_meets_each_and_can_be_ended),
		ADI_TEST(test_actions_end_and_the_adi_works_again),
		ADI_TEST(test_counts_begin_with_the_adi),
		ADI_TEST(test_without_engines_actions_are_given_up),
		ADI_TEST(test_an_abort_of_the_pasid_leaves_a_disabled_adi_shut),
		cmocka_unit_test(test_s7_6_5_the_control_lcore_tells_whose_error_it_was),
		ADI_TEST(test_s7_7_3_a_reset_does_not_reset_the_shared_queue),
		ADI_TEST(test_s7_6_4_limits_belong_to_the_adi),
		cmocka_unit_test(test_rows_of_a_configuration_are_made_or_none),
		ADI_TEST(test_s7_6_5_errors_are_the_adis_own),
		ADI_TEST(test_the_mode_changes_when_there_is_no_adi),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

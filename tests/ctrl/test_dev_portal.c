/* SPDX-License-Identifier: BSD-3-Clause */
/* Lanes and portals: who gets which, what stays counted, and what a million of them cost. */
#include <stdlib.h>

#include "dev_rig.h"

#define PASID 7u
#define MODEL_PASIDS 5u
#define MODEL_LANES 4u
#define MODEL_STEPS 20000u

static int
open_portal(struct dev_rig *rig, struct siov_lane *lane, uint32_t pasid, uint32_t flags)
{
	struct siov_portal *portal;

	return siov_dev_portal_open(rig->dev, lane, pasid, flags, &portal);
}

static void
test_bad_lanes_and_portals_are_refused(void **state)
{
	struct siov_dev_conf conf;
	struct siov_lane *lanes[3], foreign = {0};
	struct dev_rig *rig;

	(void)state;
	dev_rig_conf_init(&conf);
	conf.nb_wqs = 2;
	conf.wqs[0].lanes_max = 2;
	conf.wqs[1].mode = SIOV_WQ_DEDICATED;
	conf.wqs[1].pasid = PASID;
	rig = dev_rig_open(&conf);
	assert_int_equal(siov_dev_attach(rig->dev, 2, 0, &lanes[0]), -EINVAL);
	assert_int_equal(siov_dev_attach(rig->dev, 0, 4, &lanes[0]), -EINVAL);
	lanes[0] = dev_rig_attach(rig, 0);
	lanes[1] = dev_rig_attach(rig, 0);
	assert_int_equal(siov_dev_attach(rig->dev, 0, 0, &lanes[2]), -ENOSPC);
	assert_int_equal(open_portal(rig, lanes[0], SIOV_PASID_MAX + 1, 0), -ERANGE);
	assert_int_equal(open_portal(rig, lanes[0], PASID, 4), -EINVAL);
	assert_int_equal(open_portal(rig, &foreign, PASID, 0), -EINVAL);
	assert_int_equal(open_portal(rig, NULL, PASID, 0), -EINVAL);
	assert_int_equal(siov_dev_detach(rig->dev, &foreign, 0), -EINVAL);
	assert_int_equal(siov_dev_detach(rig->dev, NULL, 0), -EINVAL);
	assert_int_equal(siov_dev_detach(rig->dev, lanes[0], 0), 0);
	assert_int_equal(siov_dev_detach(rig->dev, lanes[0], 0), -EINVAL);
	assert_int_equal(open_portal(rig, lanes[0], PASID, 0), -EINVAL);
	siov_dev_portal_close(rig->dev, NULL);
	/* A dedicated queue has one submitter and one PASID. */
	lanes[2] = dev_rig_attach(rig, 1);
	assert_int_equal(siov_dev_attach(rig->dev, 1, 0, &lanes[0]), -ENOSPC);
	assert_int_equal(open_portal(rig, lanes[2], PASID + 1, 0), -EINVAL);
	assert_int_equal(open_portal(rig, lanes[2], PASID, 0), 0);
	dev_rig_close(rig);
}

static void
test_s7_2_6_one_pasid_works_through_several_lanes(void **state)
{
	struct dev_rig *rig = dev_rig_open(NULL);
	struct siov_portal *portals[3];
	struct siov_stats *stats;
	unsigned int i, j;

	(void)state;
	assert_int_equal(siov_dev_enable(rig->dev), 0);
	dev_rig_start(rig);
	for (i = 0; i < 3; i++) {
		portals[i] = dev_rig_portal(rig, dev_rig_attach(rig, 0), PASID);
		for (j = 0; j <= i; j++)
			assert_int_equal(dev_rig_silent(portals[i]), SIOV_DMWR_SUCCESS);
	}
	assert_int_equal(siov_dev_wq_drain(rig->dev, 0, DEV_RIG_WAIT_MS), 0);
	stats = dev_rig_stats(rig, 0, PASID);
	assert_int_equal(stats->submitted[SIOV_DMWR_SUCCESS], 6);
	assert_int_equal(stats->completed, 6);
	for (i = 0; i < 3; i++)
		siov_dev_portal_close(rig->dev, portals[i]);
	assert_int_equal(dev_rig_stats(rig, 0, PASID)->submitted[SIOV_DMWR_SUCCESS], 6);
	dev_rig_close(rig);
}

static void
test_detach_closes_portals_and_keeps_their_counts(void **state)
{
	struct dev_rig *rig = dev_rig_open(NULL);
	struct siov_lane *lane = dev_rig_attach(rig, 0);
	struct siov_portal *portal = dev_rig_portal(rig, lane, PASID);

	(void)state;
	dev_rig_portal(rig, lane, PASID + 1);
	assert_int_equal(siov_dev_enable(rig->dev), 0);
	assert_int_equal(dev_rig_silent(portal), SIOV_DMWR_SUCCESS);
	assert_int_equal(siov_dev_detach(rig->dev, lane, 20), -ETIMEDOUT);
	assert_ptr_equal(portal->lane, lane);
	dev_rig_start(rig);
	assert_int_equal(siov_dev_detach(rig->dev, lane, DEV_RIG_WAIT_MS), 0);
	assert_null(portal->lane);
	assert_int_equal(dev_rig_stats(rig, 0, PASID)->submitted[SIOV_DMWR_SUCCESS], 1);
	/* The thread comes back, perhaps on another lane, and its PASID's portal goes on counting. */
	lane = dev_rig_attach(rig, 0);
	assert_ptr_equal(dev_rig_portal(rig, lane, PASID), portal);
	assert_int_equal(dev_rig_silent(portal), SIOV_DMWR_SUCCESS);
	assert_int_equal(siov_dev_wq_drain(rig->dev, 0, DEV_RIG_WAIT_MS), 0);
	assert_int_equal(dev_rig_stats(rig, 0, PASID)->submitted[SIOV_DMWR_SUCCESS], 2);
	assert_int_equal(dev_rig_stats(rig, 0, PASID)->completed, 2);
	dev_rig_close(rig);
}

/* ---- a lane that changes its engine ---- */

struct attacher {
	struct siov_dev *dev;
	struct siov_lane *lane;
	int ret;
	SIOV_ATOMIC(uint32_t) is_done;
};

static void *
run_attach(void *arg)
{
	struct attacher *attacher = arg;

	attacher->ret = siov_dev_attach(attacher->dev, 0, 0, &attacher->lane);
	siov_atomic_store(&attacher->is_done, 1, release);
	return NULL;
}

/* Until its former engine has polled, a detached lane may be in that engine's hands. */
static void
test_detached_lane_waits_for_its_former_engine(void **state)
{
	struct attacher attacher = {0};
	struct siov_dev_conf conf;
	struct dev_rig *rig;
	struct siov_lane *lane;
	pthread_t thread;
	unsigned int i;

	(void)state;
	dev_rig_conf_init(&conf);
	conf.nb_engines = 2;
	rig = dev_rig_open(&conf);
	for (i = 0; i < 2; i++)
		siov_engine_start(siov_dev_engine(rig->dev, i));
	lane = dev_rig_attach(rig, 0);
	assert_int_equal(siov_dev_detach(rig->dev, lane, 0), 0);
	attacher.dev = rig->dev;
	assert_int_equal(pthread_create(&thread, NULL, run_attach, &attacher), 0);
	siov_engine_poll(siov_dev_engine(rig->dev, 0));
	for (i = 0; i < 20; i++)
		dev_rig_nap();
	assert_int_equal(siov_atomic_load(&attacher.is_done, acquire), 0);
	siov_engine_poll(siov_dev_engine(rig->dev, 1));
	pthread_join(thread, NULL);
	assert_int_equal(attacher.ret, 0);
	assert_ptr_equal(attacher.lane, lane);
	for (i = 0; i < 2; i++)
		siov_engine_stop(siov_dev_engine(rig->dev, i));
	dev_rig_close(rig);
}

/* ---- memory ---- */

static void
test_idle_pasid_takes_256_bytes_with_platform_and_engine(void **state)
{
	static const uint32_t nb = 16384;
	struct dev_rig *rig = dev_rig_open(NULL);
	struct siov_lane *lane = dev_rig_attach(rig, 0);
	struct siov_iommu *iommu = siov_dev_iommu(rig->dev);
	size_t before, after;
	uint32_t pasid;

	(void)state;
	before = siov_dev_pasid_memory(rig->dev) + siov_iommu_memory_bytes(iommu);
	for (pasid = 1; pasid <= nb; pasid++)
		dev_rig_portal(rig, lane, pasid);
	after = siov_dev_pasid_memory(rig->dev) + siov_iommu_memory_bytes(iommu);
	print_message("%zu bytes per idle PASID\n", (after - before) / nb);
	assert_true(after - before <= 256 * (size_t)nb);
	assert_true(after - before >= 128 * (size_t)nb);
	dev_rig_close(rig);
}

/* Many threads that come and go do not make it grow. */
static void
test_portals_are_used_again(void **state)
{
	struct dev_rig *rig = dev_rig_open(NULL);
	struct siov_lane *lanes[2];
	size_t bytes = 0;
	unsigned int i, j;

	(void)state;
	for (i = 0; i < 1000; i++) {
		for (j = 0; j < 2; j++) {
			lanes[j] = dev_rig_attach(rig, 0);
			dev_rig_portal(rig, lanes[j], PASID);
			dev_rig_portal(rig, lanes[j], PASID + 1);
		}
		for (j = 0; j < 2; j++)
			assert_int_equal(siov_dev_detach(rig->dev, lanes[j], 0), 0);
		if (i == 0)
			bytes = siov_dev_pasid_memory(rig->dev);
	}
	assert_int_equal(siov_dev_pasid_memory(rig->dev), bytes);
	assert_true(rig->dev->portals.nb_used <= 4);
	dev_rig_close(rig);
}

/* ---- against a model ---- */

struct model {
	struct dev_rig *rig;
	struct siov_lane *lanes[MODEL_LANES];
	struct siov_portal *open[MODEL_LANES][MODEL_PASIDS]; /* at most one each */
	uint64_t nb[MODEL_PASIDS];
	uint64_t seed;
};

static unsigned int
draw(struct model *model, unsigned int below)
{
	model->seed = model->seed * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (unsigned int)(model->seed >> 33) % below;
}

static void
reattach(struct model *model, unsigned int lane)
{
	assert_int_equal(siov_dev_detach(model->rig->dev, model->lanes[lane], 0), 0);
	memset(model->open[lane], 0, sizeof(model->open[lane]));
	model->lanes[lane] = dev_rig_attach(model->rig, 0);
}

static void
step_model(struct model *model)
{
	unsigned int lane = draw(model, MODEL_LANES), pasid = draw(model, MODEL_PASIDS);
	struct siov_portal **portal = &model->open[lane][pasid];

	switch (draw(model, 16)) {
	case 0:
		reattach(model, lane);
		break;
	case 1:
	case 2:
	case 3:
	case 4:
		siov_dev_portal_close(model->rig->dev, *portal);
		*portal = NULL;
		break;
	case 5:
	case 6:
	case 7:
	case 8:
		if (*portal == NULL)
			*portal = dev_rig_portal(model->rig, model->lanes[lane], pasid + 1);
		break;
	default:
		if (*portal == NULL)
			break;
		/* The queue is disabled: counted, and leaves nothing to be done. */
		assert_int_equal((*portal)->pasid, pasid + 1);
		assert_ptr_equal((*portal)->lane, model->lanes[lane]);
		assert_int_equal(dev_rig_silent(*portal), SIOV_DMWR_RETRY_DISABLED);
		model->nb[pasid]++;
		break;
	}
}

static void
test_counts_agree_with_a_model(void **state)
{
	struct model model = {.seed = 1};
	unsigned int i, pasid;

	(void)state;
	model.rig = dev_rig_open(NULL);
	for (i = 0; i < MODEL_LANES; i++)
		model.lanes[i] = dev_rig_attach(model.rig, 0);
	for (i = 0; i < MODEL_STEPS; i++) {
		step_model(&model);
		pasid = i % MODEL_PASIDS;
		assert_int_equal(siov_stats_attempts(dev_rig_stats(model.rig, 0, pasid + 1)),
				 model.nb[pasid]);
	}
	assert_true(model.rig->dev->portals.nb_used <= MODEL_LANES * MODEL_PASIDS);
	dev_rig_close(model.rig);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad_lanes_and_portals_are_refused),
		cmocka_unit_test(test_s7_2_6_one_pasid_works_through_several_lanes),
		cmocka_unit_test(test_detach_closes_portals_and_keeps_their_counts),
		cmocka_unit_test(test_detached_lane_waits_for_its_former_engine),
		cmocka_unit_test(test_idle_pasid_takes_256_bytes_with_platform_and_engine),
		cmocka_unit_test(test_portals_are_used_again),
		cmocka_unit_test(test_counts_agree_with_a_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

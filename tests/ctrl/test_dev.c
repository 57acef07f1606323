/* SPDX-License-Identifier: BSD-3-Clause */
/* Building devices: what is refused and why, what is left behind, and two of them at once. */
#include <stdlib.h>

#include "dev_rig.h"

#define PASID_A 7u
#define PASID_B 9u

/* ---- configuration ---- */

struct bad_conf {
	void (*spoil)(struct siov_dev_conf *conf);
	int ret;
	const char *why; /* the whole line */
};

#define SPOIL(name, statement) \
	static void spoil_##name(struct siov_dev_conf *conf) \
	{ \
		statement; \
	}

SPOIL(name_empty, conf->name[0] = '\0')
SPOIL(name_sign, snprintf(conf->name, sizeof(conf->name), "a-b"))
SPOIL(name_endless, memset(conf->name, 'x', sizeof(conf->name)))
SPOIL(no_wq, conf->nb_wqs = 0)
SPOIL(many_wqs, conf->nb_wqs = 65)
SPOIL(no_engine, conf->nb_engines = 0)
SPOIL(many_engines, conf->nb_engines = 17)
SPOIL(small_atc, conf->atc_entries = 63)
SPOIL(large_atc, conf->atc_entries = (1u << 20) + 1)
SPOIL(latency, conf->nb_latency = (1u << 20) + 1)
SPOIL(flags, conf->flags = 2)
SPOIL(socket_low, conf->socket_id = -2)
SPOIL(socket_high, conf->socket_id = RTE_MAX_NUMA_NODES)
SPOIL(wq_mode, conf->wqs[0].mode = (enum siov_wq_mode)2)
SPOIL(wq_size_0, conf->wqs[0].size = 0)
SPOIL(wq_size, conf->wqs[0].size = 65537)
SPOIL(wq_threshold, conf->wqs[0].threshold = 129)
SPOIL(wq_priority_0, conf->wqs[0].priority = 0)
SPOIL(wq_priority, conf->wqs[0].priority = 16)
SPOIL(wq_group, conf->wqs[0].group = 16)
SPOIL(wq_lanes_0, conf->wqs[0].lanes_max = 0)
SPOIL(wq_lanes, conf->wqs[0].lanes_max = 1023)
SPOIL(wq_flags, conf->wqs[0].flags = 8)
SPOIL(wq_pasid, conf->wqs[0].pasid = SIOV_PASID_MAX + 1)
SPOIL(wq_pasid_shared, conf->wqs[0].pasid = 5)
SPOIL(wq_xfer_0, conf->wqs[0].xfer_max = 0)
SPOIL(wq_xfer, conf->wqs[0].xfer_max = (1u << 31) + 1)
SPOIL(engine_group, conf->engines[0].group = 16)
SPOIL(second, conf->nb_wqs = 2; conf->wqs[1].size = 0)
SPOIL(lone_wq, conf->nb_wqs = 2; conf->wqs[1].group = 3)
SPOIL(lone_engine, conf->nb_engines = 2; conf->engines[1].group = 15)

static const struct bad_conf bad_confs[] = {
	{spoil_name_empty, -EINVAL, "name '': allowed are 1 to 31 letters, digits and '_'"},
	{spoil_name_sign, -EINVAL, "name 'a-b': allowed are 1 to 31 letters, digits and '_'"},
	{spoil_name_endless, -EINVAL,
	 "name 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx': allowed are 1 to 31 letters, digits and '_'"},
	{spoil_no_wq, -ERANGE, "nb_wqs 0: allowed is 1 to 64"},
	{spoil_many_wqs, -ERANGE, "nb_wqs 65: allowed is 1 to 64"},
	{spoil_no_engine, -ERANGE, "nb_engines 0: allowed is 1 to 16"},
	{spoil_many_engines, -ERANGE, "nb_engines 17: allowed is 1 to 16"},
	{spoil_small_atc, -ERANGE, "atc_entries 63: allowed is 64 to 1048576"},
	{spoil_large_atc, -ERANGE, "atc_entries 1048577: allowed is 64 to 1048576"},
	{spoil_latency, -ERANGE, "nb_latency 1048577: allowed is 0 to 1048576"},
	{spoil_flags, -EINVAL, "flags 0x2: allowed is 0x1"},
	{spoil_socket_low, -ERANGE, "socket_id -2: allowed is -1 to "},
	{spoil_socket_high, -ERANGE, ": allowed is -1 to "},
	{spoil_wq_mode, -EINVAL, "wq 0: mode 2: allowed are shared and dedicated"},
	{spoil_wq_size_0, -ERANGE, "wq 0: size 0: allowed is 1 to 65536"},
	{spoil_wq_size, -ERANGE, "wq 0: size 65537: allowed is 1 to 65536"},
	{spoil_wq_threshold, -ERANGE, "wq 0: threshold 129: allowed is 1 to its size 128"},
	{spoil_wq_priority_0, -ERANGE, "wq 0: priority 0: allowed is 1 to 15"},
	{spoil_wq_priority, -ERANGE, "wq 0: priority 16: allowed is 1 to 15"},
	{spoil_wq_group, -ERANGE, "wq 0: group 16: allowed is 0 to 15"},
	{spoil_wq_lanes_0, -ERANGE, "wq 0: lanes_max 0: allowed is 1 to 1022"},
	{spoil_wq_lanes, -ERANGE, "wq 0: lanes_max 1023: allowed is 1 to 1022"},
	{spoil_wq_flags, -EINVAL, "wq 0: flags 0x8: allowed is 0x7"},
	{spoil_wq_pasid, -ERANGE, "wq 0: pasid 1048576: allowed is 0 to 1048575"},
	{spoil_wq_pasid_shared, -EINVAL,
	 "wq 0: pasid 5: a shared queue has none, each submission has one"},
	{spoil_wq_xfer_0, -ERANGE, "wq 0: xfer_max 0: allowed is 1 to 2147483648"},
	{spoil_wq_xfer, -ERANGE, "wq 0: xfer_max 2147483649: allowed is 1 to 2147483648"},
	{spoil_engine_group, -ERANGE, "engine 0: group 16: allowed is 0 to 15"},
	{spoil_second, -ERANGE, "wq 1: size 0: allowed is 1 to 65536"},
	{spoil_lone_wq, -EINVAL, "group 3: has queues and no engine, needs at least 1"},
	{spoil_lone_engine, -EINVAL, "group 15: has engines and no queue, needs at least 1"},
};

static void
test_bad_configuration_is_named_and_leaves_nothing(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < RTE_DIM(bad_confs); i++) {
		struct siov_dev *dev = NULL;
		struct siov_dev_conf conf;
		struct fake_mem fm;
		char why[128] = "";

		fake_mem_init(&fm);
		dev_rig_conf_init(&conf);
		conf.mem = &fm.mem;
		bad_confs[i].spoil(&conf);
		assert_int_equal(siov_dev_conf_check(&conf, why, sizeof(why)), bad_confs[i].ret);
		if (strstr(why, bad_confs[i].why) == NULL)
			fail_msg("'%s' instead of '%s'", why, bad_confs[i].why);
		assert_null(strchr(why, '\n'));
		assert_int_equal(siov_dev_conf_check(&conf, NULL, 0), bad_confs[i].ret);
		assert_int_equal(siov_dev_create(&conf, &dev), bad_confs[i].ret);
		assert_null(dev);
		assert_int_equal(siov_atomic_load(&fm.nb_allocs, relaxed), 0);
	}
}

static void
test_limits_are_allowed(void **state)
{
	struct siov_dev_conf conf;
	char why[128];
	unsigned int i;

	(void)state;
	dev_rig_conf_init(&conf);
	assert_int_equal(siov_dev_conf_check(&conf, why, sizeof(why)), 0);
	assert_string_equal(why, "");
	conf.nb_wqs = 64;
	conf.nb_engines = 16;
	for (i = 0; i < 64; i++) {
		conf.wqs[i].size = i % 2 ? 1 : 65536;
		conf.wqs[i].threshold = i % 2 ? 1 : 0;
		conf.wqs[i].priority = i % 2 ? 1 : 15;
		conf.wqs[i].lanes_max = i % 2 ? 1 : 1022;
		conf.wqs[i].xfer_max = i % 2 ? 1 : 1u << 31;
		conf.wqs[i].group = i % 16;
		conf.engines[i % 16].group = i % 16;
	}
	conf.wqs[63].mode = SIOV_WQ_DEDICATED;
	conf.wqs[63].pasid = SIOV_PASID_MAX;
	conf.atc_entries = 1u << 20;
	assert_int_equal(siov_dev_conf_check(&conf, why, sizeof(why)), 0);
}

/* A reason that is too long for its buffer is cut. */
static void
test_reason_stays_in_its_buffer(void **state)
{
	struct siov_dev_conf conf;
	char why[8] = "zzzzzzz";

	(void)state;
	dev_rig_conf_init(&conf);
	conf.nb_wqs = 0;
	assert_int_equal(siov_dev_conf_check(&conf, why, 4), -ERANGE);
	assert_memory_equal(why, "nb_\0zzz", 8);
	assert_int_equal(siov_dev_conf_check(&conf, why, 0), -ERANGE);
	assert_memory_equal(why, "nb_\0zzz", 8);
}

/* ---- memory ---- */

/* Two groups, a dedicated queue, stamps: everything that create can allocate. */
static void
large_conf(struct siov_dev_conf *conf, struct fake_mem *fm)
{
	dev_rig_conf_init(conf);
	conf->mem = &fm->mem;
	conf->nb_wqs = 3;
	conf->nb_engines = 3;
	conf->wqs[1].mode = SIOV_WQ_DEDICATED;
	conf->wqs[1].pasid = 3;
	conf->wqs[2].group = 1;
	conf->wqs[2].flags = SIOV_WQ_F_STAMPS;
	conf->engines[1].group = 1;
}

static void
test_failed_allocation_leaves_nothing(void **state)
{
	struct siov_dev_conf conf;
	struct siov_dev *dev;
	struct fake_mem fm;
	uint64_t nb, n;

	(void)state;
	fake_mem_init(&fm);
	large_conf(&conf, &fm);
	assert_int_equal(siov_dev_create(&conf, &dev), 0);
	nb = siov_atomic_load(&fm.nb_allocs, relaxed);
	siov_dev_free(dev);
	assert_int_equal(siov_atomic_load(&fm.nb_live, relaxed), 0);
	assert_true(nb > 20);
	for (n = 1; n <= nb; n++) {
		dev = NULL;
		fake_mem_fail_at(&fm, n);
		assert_int_equal(siov_dev_create(&conf, &dev), -ENOMEM);
		assert_null(dev);
		assert_int_equal(siov_atomic_load(&fm.nb_live, relaxed), 0);
	}
	fake_mem_fail_at(&fm, nb + 1);
	assert_int_equal(siov_dev_create(&conf, &dev), 0);
	siov_dev_free(dev);
}

/* Attach a lane, open a portal, make guest memory; the first error ends it. */
static int
use_device(struct siov_dev *dev)
{
	struct siov_gmem_conf gconf;
	struct siov_portal *portal;
	struct siov_lane *lane;
	struct siov_gmem *gmem;
	int ret;

	ret = siov_dev_attach(dev, 2, 0, &lane);
	if (ret != 0)
		return ret;
	ret = siov_dev_portal_open(dev, lane, PASID_A, SIOV_PORTAL_F_PASID, &portal);
	if (ret != 0)
		return ret;
	siov_gmem_conf_init(&gconf);
	gconf.page_shift = 12;
	gconf.size = 4096;
	ret = siov_gmem_create(dev, &gconf, &gmem);
	if (ret != 0)
		return ret;
	ret = siov_gmem_free(gmem);
	if (ret != 0)
		assert_int_equal(siov_gmem_free(gmem), 0);
	return ret;
}

static void
test_failed_allocation_in_use_can_be_tried_again(void **state)
{
	struct siov_dev_conf conf;
	struct siov_dev *dev;
	struct fake_mem fm;
	uint64_t nb, n;

	(void)state;
	fake_mem_init(&fm);
	large_conf(&conf, &fm);
	assert_int_equal(siov_dev_create(&conf, &dev), 0);
	fake_mem_fail_at(&fm, 0);
	assert_int_equal(use_device(dev), 0);
	nb = siov_atomic_load(&fm.nb_allocs, relaxed);
	siov_dev_free(dev);
	assert_true(nb > 6);
	for (n = 1; n <= nb; n++) {
		assert_int_equal(siov_dev_create(&conf, &dev), 0);
		fake_mem_fail_at(&fm, n);
		assert_int_equal(use_device(dev), -ENOMEM);
		fake_mem_fail_at(&fm, 0);
		assert_int_equal(use_device(dev), 0);
		siov_dev_free(dev);
		assert_int_equal(siov_atomic_load(&fm.nb_live, relaxed), 0);
	}
}

/* ---- parts ---- */

static void
test_parts_are_found_by_number(void **state)
{
	struct siov_dev_conf conf;
	struct dev_rig *rig;
	char *text = NULL;
	size_t len = 0;
	FILE *f;

	(void)state;
	siov_dev_free(NULL);
	dev_rig_conf_init(&conf);
	conf.nb_wqs = 2;
	conf.nb_engines = 2;
	conf.wqs[1].group = 5;
	conf.engines[1].group = 5;
	rig = dev_rig_open(&conf);
	assert_non_null(siov_dev_wq(rig->dev, 1));
	assert_null(siov_dev_wq(rig->dev, 2));
	assert_non_null(siov_dev_engine(rig->dev, 1));
	assert_null(siov_dev_engine(rig->dev, 2));
	assert_string_equal(siov_dev_get_conf(rig->dev)->name, "siov0");
	f = open_memstream(&text, &len);
	assert_non_null(f);
	siov_dev_dump(f, rig->dev);
	fclose(f);
	assert_non_null(strstr(text, "device siov0: 2 queues, 2 engines"));
	assert_non_null(strstr(text, "wq 1: group 5"));
	assert_non_null(strstr(text, "engine 1: group 5"));
	free(text);
	dev_rig_close(rig);
}

static void
test_platform_with_too_few_caches_is_refused(void **state)
{
	struct siov_iommu_conf iconf;
	struct siov_dev_conf conf;
	struct siov_dev *dev = NULL;
	struct fake_mem fm;

	(void)state;
	fake_mem_init(&fm);
	siov_iommu_conf_init(&iconf);
	iconf.mem = &fm.mem;
	iconf.max_atcs = 2;
	large_conf(&conf, &fm);
	assert_int_equal(siov_iommu_create(&iconf, &conf.iommu), 0);
	assert_int_equal(siov_dev_create(&conf, &dev), -ENOSPC);
	assert_null(dev);
	conf.nb_engines = 2;
	assert_int_equal(siov_dev_create(&conf, &dev), 0);
	assert_ptr_equal(siov_dev_iommu(dev), conf.iommu);
	siov_dev_free(dev);
	siov_iommu_free(conf.iommu);
	assert_int_equal(siov_atomic_load(&fm.nb_live, relaxed), 0);
}

/* ---- work ---- */

static void
run_noops(struct dev_rig *rig, struct siov_portal *portal, unsigned int nb)
{
	unsigned int i;

	for (i = 0; i < nb; i++) {
		assert_int_equal(dev_rig_noop(rig, portal, 0), SIOV_DMWR_SUCCESS);
		assert_int_equal(dev_rig_wait(rig, 0), DSA_COMP_SUCCESS);
	}
}

static void
test_two_devices_work_side_by_side(void **state)
{
	struct dev_rig *rigs[2];
	struct siov_lane *lanes[2];
	struct siov_portal *portals[2];
	unsigned int i;

	(void)state;
	for (i = 0; i < 2; i++) {
		rigs[i] = dev_rig_open(NULL);
		dev_rig_start(rigs[i]);
		assert_int_equal(siov_dev_enable(rigs[i]->dev), 0);
		lanes[i] = dev_rig_attach(rigs[i], 0);
		portals[i] = dev_rig_portal(rigs[i], lanes[i], PASID_A);
	}
	run_noops(rigs[0], portals[0], 3);
	run_noops(rigs[1], portals[1], 5);
	assert_int_equal(siov_dev_detach(rigs[0]->dev, lanes[1], 0), -EINVAL);
	assert_int_equal(siov_dev_disable(rigs[0]->dev, DEV_RIG_WAIT_MS), 0);
	assert_int_equal(dev_rig_noop(rigs[0], portals[0], 0), SIOV_DMWR_RETRY_DISABLED);
	run_noops(rigs[1], portals[1], 1);
	assert_int_equal(dev_rig_stats(rigs[0], 0, PASID_A)->completed, 3);
	dev_rig_close(rigs[0]);
	run_noops(rigs[1], portals[1], 1);
	assert_int_equal(dev_rig_stats(rigs[1], 0, PASID_A)->completed, 7);
	dev_rig_close(rigs[1]);
}

/* Two PASIDs use the same addresses; each reaches its own memory, and is counted apart. */
static void
test_s6_2_5_pasid_tells_requests_of_one_function_apart(void **state)
{
	static const uint32_t pasids[2] = {PASID_A, PASID_B};
	struct dev_rig *rig = dev_rig_open(NULL);
	struct siov_iommu *iommu = siov_dev_iommu(rig->dev);
	struct siov_lane *lane = dev_rig_attach(rig, 0);
	struct siov_gmem_conf gconf;
	struct siov_gmem *gmems[2];
	unsigned int i;

	(void)state;
	dev_rig_start(rig);
	assert_int_equal(siov_dev_enable(rig->dev), 0);
	siov_gmem_conf_init(&gconf);
	gconf.iova = UINT64_C(1) << 40;
	for (i = 0; i < 2; i++) {
		struct dsa_hw_desc desc __attribute__((aligned(64))) = {
			.opcode = DSA_OPCODE_MEMFILL,
			.flags = DEV_RIG_CRAV_RCR,
			.completion_addr = gconf.iova,
			.dst_addr = gconf.iova + 4096,
			.xfer_size = 100,
			.pattern = i == 0 ? UINT64_C(0xaaaaaaaaaaaaaaaa) : 0xbbbbbbbbbbbbbbbb,
		};
		SIOV_ATOMIC(uint8_t) *status;
		struct siov_portal *portal;

		assert_int_equal(siov_gmem_create(rig->dev, &gconf, &gmems[i]), 0);
		assert_int_equal(siov_pasid_alloc_at(iommu, pasids[i]), 0);
		assert_int_equal(siov_pasid_bind(iommu, pasids[i], siov_gmem_domain(gmems[i]), 0),
				 0);
		assert_int_equal(siov_dev_portal_open(rig->dev, lane, pasids[i],
						      SIOV_PORTAL_F_PASID, &portal),
				 0);
		assert_int_equal(siov_enqcmd(portal, &desc), SIOV_DMWR_SUCCESS);
		status = siov_gmem_hva(gmems[i]);
		while (siov_atomic_load(status, acquire) == 0)
			dev_rig_nap();
		assert_int_equal(siov_atomic_load(status, relaxed), DSA_COMP_SUCCESS);
	}
	for (i = 0; i < 2; i++) {
		const uint8_t *data = (const uint8_t *)siov_gmem_hva(gmems[i]) + 4096;

		assert_int_equal(data[0], i == 0 ? 0xaa : 0xbb);
		assert_int_equal(data[99], i == 0 ? 0xaa : 0xbb);
		assert_int_equal(data[100], 0);
		assert_int_equal(dev_rig_stats(rig, 0, pasids[i])->completed, 1);
		assert_int_equal(dev_rig_stats(rig, 0, pasids[i])->bytes, 100);
		assert_int_equal(siov_gmem_free(gmems[i]), -EBUSY);
		assert_int_equal(siov_pasid_unbind(iommu, pasids[i]), 0);
		assert_int_equal(siov_gmem_free(gmems[i]), 0);
	}
	dev_rig_close(rig);
}

/* Queues of several groups, each with the engines of its own. */
static void
test_engines_serve_the_queues_of_their_group(void **state)
{
	struct siov_dev_conf conf;
	struct siov_engine_stats stats;
	struct dev_rig *rig;
	struct siov_portal *portal;
	unsigned int i;

	(void)state;
	dev_rig_conf_init(&conf);
	conf.nb_wqs = 2;
	conf.nb_engines = 3;
	conf.wqs[1].group = 7;
	conf.engines[1].group = 7;
	conf.engines[2].group = 7;
	rig = dev_rig_open(&conf);
	assert_int_equal(siov_dev_enable(rig->dev), 0);
	dev_rig_start(rig);
	for (i = 0; i < 4; i++) {
		portal = dev_rig_portal(rig, dev_rig_attach(rig, 1), PASID_A);
		run_noops(rig, portal, 10);
	}
	dev_rig_stop(rig);
	for (i = 0; i < 3; i++) {
		siov_engine_get_stats(siov_dev_engine(rig->dev, i), &stats);
		assert_int_equal(stats.dispatched, i == 0 ? 0 : 20);
	}
	assert_int_equal(dev_rig_stats(rig, 1, PASID_A)->completed, 40);
	dev_rig_close(rig);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad_configuration_is_named_and_leaves_nothing),
		cmocka_unit_test(test_limits_are_allowed),
		cmocka_unit_test(test_reason_stays_in_its_buffer),
		cmocka_unit_test(test_failed_allocation_leaves_nothing),
		cmocka_unit_test(test_failed_allocation_in_use_can_be_tried_again),
		cmocka_unit_test(test_parts_are_found_by_number),
		cmocka_unit_test(test_platform_with_too_few_caches_is_refused),
		cmocka_unit_test(test_two_devices_work_side_by_side),
		cmocka_unit_test(test_s6_2_5_pasid_tells_requests_of_one_function_apart),
		cmocka_unit_test(test_engines_serve_the_queues_of_their_group),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

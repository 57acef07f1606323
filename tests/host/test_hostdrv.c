/* SPDX-License-Identifier: BSD-3-Clause */
/* The host driver: what Table 4-1 of the specification asks of it. */
#include <linux/pci_regs.h>

#include "host_bed.h"

#define PASID 9u

static void
test_s9_1_1_scalable_iov_is_reported(void **state)
{
	const struct host_bed_conf conf = {.nb_fns = 2, .page_bytes = 65536};
	const struct siov_hostdrv_caps *caps;
	struct host_bed *bed;

	(void)state;
	bed = host_bed_open(&conf);
	caps = siov_hostdrv_get_caps(bed->drvs[1]);
	assert_true(caps->has_siov && caps->has_ims && caps->is_dmwr_completer);
	assert_true(caps->has_ats && caps->has_prs);
	assert_int_equal(caps->pasid_bits, 20);
	assert_int_equal(caps->page_bytes, 65536);
	assert_int_equal(caps->vendor, 0x8086);
	/* Found and placed by configuration space: apart from each other, and enabled. */
	assert_int_not_equal(siov_pci_cfg_read(bed->pci, 0, PCI_BASE_ADDRESS_1, 4),
			     siov_pci_cfg_read(bed->pci, 1, PCI_BASE_ADDRESS_1, 4));
	assert_int_equal(siov_pci_cfg_read(bed->pci, 1, PCI_COMMAND, 2),
			 PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	host_bed_close(bed);
}

static void
test_a_page_size_that_is_not_supported_is_refused(void **state)
{
	const struct siov_hostdrv_conf conf = {.page_bytes = 8192};
	struct siov_hostdrv *drv;
	struct host_bed *bed;

	(void)state;
	bed = host_bed_open(NULL);
	assert_int_equal(siov_vmm_free(bed->vmm), 0);
	assert_int_equal(siov_vdcm_free(bed->vdcm), 0);
	assert_int_equal(siov_hostdrv_remove(bed->drvs[0]), 0);
	bed->vmm = NULL;
	bed->vdcm = NULL;
	bed->drvs[0] = NULL;
	/* All that probe had enabled is disabled again. */
	assert_int_equal(siov_pci_cfg_read(bed->pci, 0, PCI_COMMAND, 2), 0);
	assert_int_equal(siov_hostdrv_probe(bed->pci, 0, &conf, &drv), -EINVAL);
	assert_int_equal(siov_hostdrv_probe(bed->pci, 3, NULL, &drv), -ENODEV);
	assert_int_equal(siov_hostdrv_probe(bed->pci, 0, NULL, &bed->drvs[0]), 0);
	host_bed_close(bed);
}

static void
test_s9_1_2_types_and_numbers_are_enumerated(void **state)
{
	const struct siov_hostdrv_caps *caps;
	struct siov_hostdrv_type type;
	struct host_bed *bed;
	unsigned int i;

	(void)state;
	bed = host_bed_open(NULL);
	caps = siov_hostdrv_get_caps(bed->drvs[0]);
	assert_int_equal(caps->nb_adis, 64);
	assert_int_equal(caps->nb_ims, 256);
	assert_int_equal(caps->nb_types, SIOV_ADI_TYPES);
	assert_int_equal(siov_hostdrv_type(bed->drvs[0], caps->nb_types, &type), -ERANGE);
	for (i = 0; siov_vdcm_type(i) != NULL; i++)
		assert_true(siov_vdcm_room(bed->vdcm, siov_vdcm_type(i),
					   siov_vdcm_type(i)->dwqs_min) > 0);
	assert_int_equal(i, 4);
	assert_int_equal(siov_vdcm_room(bed->vdcm, siov_vdcm_type_find("dwq"), 8), 8);
	assert_null(siov_vdcm_type_find("none"));
	host_bed_close(bed);
}

static void
test_s9_1_3_resources_of_each_type_are_enumerated(void **state)
{
	struct siov_hostdrv_type type;
	struct host_bed *bed;
	unsigned int i;

	(void)state;
	bed = host_bed_open(NULL);
	for (i = 0; siov_hostdrv_type(bed->drvs[0], i, &type) == 0; i++) {
		const struct siov_adi_type_info *info = siov_adi_type_info((enum siov_adi_type)i);

		assert_string_equal(type.name, info->name);
		assert_int_equal(type.has_swq, info->has_swq);
		assert_int_equal(type.dwqs_max, info->dwqs_max);
		assert_int_equal(type.messages_max, info->messages_max);
		assert_int_equal(type.pages, info->pages);
	}
	host_bed_close(bed);
}

static void
test_s9_1_4_a_generation_is_enumerated_and_set(void **state)
{
	struct siov_hostdrv_generation most, less, now;
	struct siov_adi_conf adi = {.pasid = PASID, .wq_id = UINT32_MAX};
	struct host_bed *bed;
	uint32_t id;

	(void)state;
	bed = host_bed_open(NULL);
	siov_hostdrv_generation(bed->drvs[0], &most);
	less = most;
	less.xfer_max = 1 << 16;
	less.opcap[0] = 1u << DSA_OPCODE_NOOP | 1u << DSA_OPCODE_MEMMOVE;
	assert_int_equal(siov_hostdrv_set_generation(bed->drvs[0], &less), 0);
	siov_hostdrv_generation(bed->drvs[0], &now);
	assert_memory_equal(&now, &less, sizeof(now));
	/* More than there is, and while somebody uses it. */
	less.xfer_max = most.xfer_max;
	less.batch_max = most.batch_max + 1;
	assert_int_equal(siov_hostdrv_set_generation(bed->drvs[0], &less), -EINVAL);
	less = most;
	less.opcap[3] = UINT64_C(1) << 63;
	assert_int_equal(siov_hostdrv_set_generation(bed->drvs[0], &less), -EINVAL);
	assert_int_equal(
		siov_hostdrv_adi_create(bed->drvs[0], SIOV_ADI_CONTEXT, SIOV_ADI_HOST, &adi, &id),
		0);
	assert_int_equal(siov_hostdrv_set_generation(bed->drvs[0], &most), -EBUSY);
	assert_int_equal(siov_hostdrv_remove(bed->drvs[0]), -EBUSY);
	assert_int_equal(siov_hostdrv_adi_destroy(bed->drvs[0], id), 0);
	assert_int_equal(siov_hostdrv_set_generation(bed->drvs[0], &most), 0);
	host_bed_close(bed);
}

/* An ADI through all of its life, by the host driver: its PASID, its messages, its limits, its state. */
static void
test_s9_1_5_adis_are_allocated_reset_drained_aborted_and_released(void **state)
{
	struct siov_adi_conf conf = {.pasid = PASID, .wq_id = UINT32_MAX, .nb_messages = 1};
	struct siov_hostdrv *drv;
	struct siov_adi_info info;
	struct host_bed *bed;
	struct siov_dev *dev;
	uint32_t id, other;

	(void)state;
	bed = host_bed_open(NULL);
	drv = bed->drvs[0];
	dev = siov_hostdrv_dev(drv);
	assert_int_equal(siov_hostdrv_adi_create(drv, SIOV_ADI_CONTEXT, SIOV_ADI_HOST, &conf, &id),
			 0);
	assert_int_equal(conf.wq_id, 0);
	/* The only shared queue has this PASID already. */
	conf.wq_id = UINT32_MAX;
	assert_int_equal(
		siov_hostdrv_adi_create(drv, SIOV_ADI_CONTEXT, SIOV_ADI_HOST, &conf, &other),
		-EEXIST);
	assert_int_equal(conf.wq_id, UINT32_MAX);
	assert_int_equal(siov_dev_adi_used(dev), 1);
	assert_int_equal(siov_dev_adi_enable(dev, id), 0);
	assert_int_equal(siov_dev_adi_drain(dev, id, HOST_BED_MS), 0);
	assert_int_equal(siov_dev_adi_abort(dev, id, HOST_BED_MS), 0);
	assert_int_equal(siov_hostdrv_adi_destroy(drv, id), -EBUSY);
	assert_int_equal(siov_dev_adi_reset(dev, id, HOST_BED_MS), 0);
	assert_int_equal(siov_dev_adi_info(dev, id, &info), 0);
	assert_int_equal(info.state, SIOV_ADI_CONFIGURED);
	assert_int_equal(siov_hostdrv_adi_destroy(drv, id), 0);
	assert_int_equal(siov_hostdrv_adi_destroy(drv, id), -ENOENT);
	host_bed_close(bed);
}

static void
test_s9_1_6_pasids_of_adis_are_set_and_changed(void **state)
{
	struct siov_adi_conf conf = {.wq_id = UINT32_MAX};
	struct siov_adi_info info;
	struct host_bed *bed;
	struct siov_dev *dev;
	uint32_t id;

	(void)state;
	bed = host_bed_open(NULL);
	dev = siov_hostdrv_dev(bed->drvs[0]);
	assert_int_equal(
		siov_hostdrv_adi_create(bed->drvs[0], SIOV_ADI_CONTEXT, SIOV_ADI_HOST, &conf, &id),
		0);
	assert_int_equal(siov_dev_adi_enable(dev, id), -ENXIO);
	conf.pasid = PASID;
	assert_int_equal(siov_dev_adi_configure(dev, id, &conf), 0);
	assert_int_equal(siov_dev_adi_enable(dev, id), 0);
	conf.pasid = PASID + 1;
	assert_int_equal(siov_dev_adi_configure(dev, id, &conf), -EBUSY);
	assert_int_equal(siov_dev_adi_disable(dev, id, HOST_BED_MS), 0);
	assert_int_equal(siov_dev_adi_configure(dev, id, &conf), 0);
	assert_int_equal(siov_dev_adi_info(dev, id, &info), 0);
	assert_int_equal(info.conf.pasid, PASID + 1);
	assert_int_equal(siov_hostdrv_adi_destroy(bed->drvs[0], id), 0);
	host_bed_close(bed);
}

static void
test_s9_1_7_ims_is_managed(void **state)
{
	struct siov_adi_conf conf = {.pasid = PASID, .wq_id = UINT32_MAX, .nb_messages = 1};
	struct siov_adi_message message = {.addr = siov_ir_msi_addr(1), .data = 0};
	struct siov_ims_stats stats;
	struct host_bed *bed;
	struct siov_dev *dev;
	uint32_t id;

	(void)state;
	bed = host_bed_open(NULL);
	dev = siov_hostdrv_dev(bed->drvs[0]);
	assert_int_equal(
		siov_hostdrv_adi_create(bed->drvs[0], SIOV_ADI_CONTEXT, SIOV_ADI_HOST, &conf, &id),
		0);
	assert_int_equal(siov_dev_message_stats(dev, &stats), 0);
	assert_int_equal(stats.nb_used, 1);
	message.is_masked = true;
	assert_int_equal(siov_dev_adi_set_message(dev, id, 0, &message), 0);
	assert_int_equal(siov_dev_adi_trigger(dev, id, 0), 0);
	assert_int_equal(siov_dev_adi_get_message(dev, id, 0, &message), 0);
	assert_true(message.is_pending);
	assert_int_equal(siov_hostdrv_adi_destroy(bed->drvs[0], id), 0);
	assert_int_equal(siov_dev_message_stats(dev, &stats), 0);
	assert_int_equal(stats.nb_used, 0);
	host_bed_close(bed);
}

static void
test_s9_1_9_quality_of_service_of_adis_is_set(void **state)
{
	const struct siov_qos_conf qos = {.rate_ops = 1000, .max_outstanding = 3};
	struct siov_adi_conf conf = {.pasid = PASID, .wq_id = UINT32_MAX};
	struct siov_adi_info info;
	struct host_bed *bed;
	struct siov_dev *dev;
	uint32_t id;

	(void)state;
	bed = host_bed_open(NULL);
	dev = siov_hostdrv_dev(bed->drvs[0]);
	assert_int_equal(
		siov_hostdrv_adi_create(bed->drvs[0], SIOV_ADI_CONTEXT, SIOV_ADI_HOST, &conf, &id),
		0);
	assert_int_equal(siov_dev_adi_set_qos(dev, id, &qos), 0);
	assert_int_equal(siov_dev_adi_info(dev, id, &info), 0);
	assert_int_equal(info.conf.qos.rate_ops, 1000);
	assert_int_equal(info.conf.qos.max_outstanding, 3);
	assert_int_equal(siov_hostdrv_adi_destroy(bed->drvs[0], id), 0);
	host_bed_close(bed);
}

static void
test_s9_1_10_state_of_adis_is_suspended_saved_restored_resumed(void **state)
{
	struct siov_adi_conf conf = {.pasid = PASID, .wq_id = UINT32_MAX, .nb_messages = 1};
	struct host_bed *bed;
	struct siov_dev *dev;
	uint8_t image[SIOV_ADI_IMAGE_MAX];
	uint32_t from, to;
	int bytes;

	(void)state;
	bed = host_bed_open(NULL);
	dev = siov_hostdrv_dev(bed->drvs[0]);
	assert_int_equal(siov_hostdrv_adi_create(bed->drvs[0], SIOV_ADI_CONTEXT, SIOV_ADI_HOST,
						 &conf, &from),
			 0);
	conf.pasid = PASID + 1;
	assert_int_equal(
		siov_hostdrv_adi_create(bed->drvs[0], SIOV_ADI_CONTEXT, SIOV_ADI_HOST, &conf, &to),
		0);
	assert_int_equal(siov_dev_adi_enable(dev, from), 0);
	assert_int_equal(siov_dev_adi_suspend(dev, from, HOST_BED_MS), 0);
	bytes = siov_dev_adi_save(dev, from, image, sizeof(image));
	assert_true(bytes > 0);
	assert_int_equal(siov_dev_adi_resume(dev, from), 0);
	assert_int_equal(siov_dev_adi_restore(dev, to, image, (size_t)bytes), 0);
	assert_int_equal(siov_dev_adi_enable(dev, to), 0);
	assert_int_equal(siov_dev_adi_reset(dev, from, HOST_BED_MS), 0);
	assert_int_equal(siov_dev_adi_reset(dev, to, HOST_BED_MS), 0);
	assert_int_equal(siov_hostdrv_adi_destroy(bed->drvs[0], from), 0);
	assert_int_equal(siov_hostdrv_adi_destroy(bed->drvs[0], to), 0);
	host_bed_close(bed);
}

static int
finish(struct siov_adi_job *job)
{
	int ret = -EAGAIN;

	while (ret == -EAGAIN) {
		ret = siov_dev_adi_poll(job);
		host_bed_nap();
	}
	return ret;
}

/* An action that nobody waits for, in steps. */
static void
test_an_action_on_an_adi_goes_on_by_being_polled(void **state)
{
	struct siov_adi_conf conf = {.pasid = PASID, .wq_id = UINT32_MAX};
	const struct dsa_hw_desc desc __attribute__((aligned(64))) = {.opcode = DSA_OPCODE_NOOP};
	struct siov_portal *portal;
	struct siov_adi_job *job;
	struct siov_lane *lane;
	struct host_bed *bed;
	struct siov_dev *dev;
	uint32_t id;
	int ret;

	(void)state;
	bed = host_bed_open(NULL);
	dev = siov_hostdrv_dev(bed->drvs[0]);
	assert_int_equal(
		siov_hostdrv_adi_create(bed->drvs[0], SIOV_ADI_CONTEXT, SIOV_ADI_HOST, &conf, &id),
		0);
	assert_int_equal(siov_dev_adi_enable(dev, id), 0);
	assert_int_equal(siov_dev_attach(dev, 0, 0, &lane), 0);
	assert_int_equal(siov_dev_adi_portal_open(dev, id, lane, &portal), 0);
	host_bed_stop(bed, 0);
	assert_int_equal(siov_enqcmd(portal, &desc), SIOV_DMWR_SUCCESS);
	assert_int_equal(siov_dev_adi_begin(dev, id, SIOV_ADI_DO_ENABLE, 0, &job), -EINVAL);
	assert_int_equal(siov_dev_adi_begin(dev, id + 1, SIOV_ADI_DO_DRAIN, 0, &job), -ENOENT);
	assert_int_equal(siov_dev_adi_begin(dev, id, SIOV_ADI_DO_DRAIN, 20, &job), -EINPROGRESS);
	assert_int_equal(siov_dev_adi_poll(job), -EAGAIN);
	ret = finish(job);
	assert_int_equal(ret, -ETIMEDOUT);
	assert_int_equal(siov_dev_adi_begin(dev, id, SIOV_ADI_DO_RESET, HOST_BED_MS, &job),
			 -EINPROGRESS);
	host_bed_start(bed, 0);
	ret = finish(job);
	assert_int_equal(ret, 0);
	assert_int_equal(siov_dev_detach(dev, lane, HOST_BED_MS), 0);
	/* One that is part of something stays. */
	assert_int_equal(siov_dev_adi_claim(dev, id), 0);
	assert_int_equal(siov_dev_adi_claim(dev, id), -EBUSY);
	assert_int_equal(siov_hostdrv_adi_destroy(bed->drvs[0], id), -EBUSY);
	siov_dev_adi_unclaim(dev, id);
	assert_int_equal(siov_hostdrv_adi_destroy(bed->drvs[0], id), 0);
	host_bed_close(bed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_s9_1_1_scalable_iov_is_reported),
		cmocka_unit_test(test_a_page_size_that_is_not_supported_is_refused),
		cmocka_unit_test(test_s9_1_2_types_and_numbers_are_enumerated),
		cmocka_unit_test(test_s9_1_3_resources_of_each_type_are_enumerated),
		cmocka_unit_test(test_s9_1_4_a_generation_is_enumerated_and_set),
		cmocka_unit_test(test_s9_1_5_adis_are_allocated_reset_drained_aborted_and_released),
		cmocka_unit_test(test_s9_1_6_pasids_of_adis_are_set_and_changed),
		cmocka_unit_test(test_s9_1_7_ims_is_managed),
		cmocka_unit_test(test_s9_1_9_quality_of_service_of_adis_is_set),
		cmocka_unit_test(test_s9_1_10_state_of_adis_is_suspended_saved_restored_resumed),
		cmocka_unit_test(test_an_action_on_an_adi_goes_on_by_being_polled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

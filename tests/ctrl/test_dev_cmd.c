/* SPDX-License-Identifier: BSD-3-Clause */
/* Administrative commands, as a driver of DSA gives them: by registers. */
#include <pthread.h>
#include <sched.h>

#include "mmio_bed.h"

#define PASID 7u
#define OTHER 8u
#define LONG_BYTES (UINT32_C(4) << 20)

static uint32_t
wq_state(struct adi_bed *bed, unsigned int wq_id)
{
	return mmio_get(bed->dev, WQCFG(wq_id, SIOV_WQCFG_STATE)) >> SIOV_WQCFG_STATE_SHIFT;
}

static void
check_works(struct adi_bed *bed, struct siov_portal *portal, unsigned int comp)
{
	assert_int_equal(dev_rig_noop(bed->rig, portal, comp), SIOV_DMWR_SUCCESS);
	assert_int_equal(dev_rig_wait(bed->rig, comp), DSA_COMP_SUCCESS);
}

/* ---- errors ---- */

static void
test_wrong_commands_are_told_apart(void **state)
{
	static const struct {
		uint32_t cmd, operand, error;
	} wrong[] = {
		{0, 0, SIOV_CMD_BAD_COMMAND},
		{15, 0, SIOV_CMD_BAD_COMMAND},
		{31, 0, SIOV_CMD_BAD_COMMAND},
		{0x20, 0, SIOV_CMD_RSVD_FIELD}, /* bit 25 */
		{SIOV_CMD_ENABLE_DEVICE, 0, SIOV_CMD_NOT_DISABLED},
		{SIOV_CMD_DISABLE_DEVICE, 1, SIOV_CMD_RSVD_FIELD},
		{SIOV_CMD_DRAIN_ALL, 1, SIOV_CMD_RSVD_FIELD},
		{SIOV_CMD_RESET_DEVICE, 1, SIOV_CMD_RSVD_FIELD},
		{SIOV_CMD_ENABLE_WQ, 0, SIOV_CMD_WQ_NOT_DISABLED},
		{SIOV_CMD_ENABLE_WQ, 1, SIOV_CMD_WQ_PASID_EN},
		{SIOV_CMD_ENABLE_WQ, 63, SIOV_CMD_WQ_SIZE},
		{SIOV_CMD_ENABLE_WQ, 64, SIOV_CMD_BAD_WQ},
		{SIOV_CMD_DRAIN_WQ, 2, SIOV_CMD_WQ_NOT_ENABLED},
		{SIOV_CMD_ABORT_WQ, 0x40001, SIOV_CMD_BAD_WQ},
		{SIOV_CMD_RESET_WQ, 0x10001, SIOV_CMD_WQ_NOT_ENABLED},
		{SIOV_CMD_REQUEST_HANDLE, 9, SIOV_CMD_BAD_INDEX},
		{SIOV_CMD_REQUEST_HANDLE, 0x20000, SIOV_CMD_RSVD_FIELD},
		{SIOV_CMD_REQUEST_HANDLE, SIOV_CMD_HANDLE_IMS | 64, SIOV_CMD_BAD_INDEX},
		{SIOV_CMD_REQUEST_HANDLE, SIOV_CMD_HANDLE_IMS | 63, SIOV_CMD_NO_HANDLE_FOR},
	};
	struct adi_bed *bed = *state;
	unsigned int i;

	for (i = 0; i < RTE_DIM(wrong); i++)
		assert_int_equal(mmio_command(bed->dev, wrong[i].cmd, wrong[i].operand),
				 wrong[i].error);
	assert_int_equal(wq_state(bed, 0), SIOV_WQCFG_STATE_ENABLED);
	assert_int_equal(mmio_get(bed->dev, SIOV_REG_GENSTS), SIOV_GENSTS_ENABLED);
}

static void
test_handles_are_the_numbers_of_entries(void **state)
{
	struct adi_bed *bed = *state;
	uint32_t handle = adi_bed_info(bed, adi_bed_context(bed, PASID)).messages[0];

	assert_int_equal(mmio_command(bed->dev, SIOV_CMD_REQUEST_HANDLE, 3), 3 << 8);
	assert_int_equal(
		mmio_command(bed->dev, SIOV_CMD_REQUEST_HANDLE, SIOV_CMD_HANDLE_IMS | handle),
		handle << 8);
	assert_int_equal(
		mmio_command(bed->dev, SIOV_CMD_RELEASE_HANDLE, SIOV_CMD_HANDLE_IMS | handle), 0);
}

/* ---- queues ---- */

/* What a driver does from reset to work: two groups, one with a shared, one with a dedicated queue. */
static void
test_a_driver_configures_the_device_anew(void **state)
{
	static const uint32_t mode = 3 << SIOV_WQCFG_PRIORITY_SHIFT | SIOV_WQCFG_PASID_EN;
	struct siov_dev_conf conf;
	struct siov_portal *portal;
	struct adi_bed *bed;
	unsigned int i;

	RTE_SET_USED(state);
	adi_bed_conf_init(&conf);
	conf.nb_engines = 3;
	bed = adi_bed_open(&conf);
	assert_int_equal(mmio_command(bed->dev, SIOV_CMD_DISABLE_DEVICE, 0), 0);
	assert_int_equal(mmio_get(bed->dev, SIOV_REG_GENSTS), SIOV_GENSTS_DISABLED);
	assert_int_equal(wq_state(bed, 0), SIOV_WQCFG_STATE_DISABLED);
	assert_int_equal(mmio_command(bed->dev, SIOV_CMD_ENABLE_WQ, 0), SIOV_CMD_NOT_ENABLED);
	assert_int_equal(mmio_command(bed->dev, SIOV_CMD_DISABLE_DEVICE, 0),
			 SIOV_CMD_DEVICE_NOT_ENABLED);
	for (i = 0; i < 5; i++)
		mmio_set(bed->dev, WQCFG(i, SIOV_WQCFG_SIZE), 0);
	mmio_set(bed->dev, WQCFG(1, SIOV_WQCFG_SIZE), 24);
	mmio_set(bed->dev, WQCFG(1, SIOV_WQCFG_THRESHOLD), 20);
	mmio_set(bed->dev, WQCFG(1, SIOV_WQCFG_MODE), mode);
	mmio_set(bed->dev, WQCFG(1, SIOV_WQCFG_LIMITS), 16 | 5 << SIOV_WQCFG_BATCH_SHIFT);
	mmio_set(bed->dev, WQCFG(6, SIOV_WQCFG_SIZE), 8);
	mmio_set(bed->dev, WQCFG(6, SIOV_WQCFG_MODE),
		 mode | SIOV_WQCFG_DEDICATED | OTHER << SIOV_WQCFG_PASID_SHIFT);
	mmio_set(bed->dev, WQCFG(6, SIOV_WQCFG_LIMITS), 12);
	mmio_set(bed->dev, GRPCFG(0, SIOV_GRPCFG_WQS), 1 << 1);
	assert_int_equal(mmio_command(bed->dev, SIOV_CMD_ENABLE_DEVICE, 0), SIOV_CMD_GROUP);
	mmio_set(bed->dev, GRPCFG(4, SIOV_GRPCFG_WQS), 1 << 6);
	/* The third engine is left over. */
	mmio_set(bed->dev, GRPCFG(0, SIOV_GRPCFG_ENGINES), 1);
	assert_int_equal(mmio_command(bed->dev, SIOV_CMD_ENABLE_DEVICE, 0), SIOV_CMD_GROUP);
	mmio_set(bed->dev, GRPCFG(4, SIOV_GRPCFG_ENGINES), 3);
	assert_int_equal(mmio_command(bed->dev, SIOV_CMD_ENABLE_DEVICE, 0), SIOV_CMD_GROUP_ENGINE);
	mmio_set(bed->dev, GRPCFG(4, SIOV_GRPCFG_ENGINES), 2);
	assert_int_equal(mmio_command(bed->dev, SIOV_CMD_ENABLE_DEVICE, 0), 0);
	assert_int_equal(mmio_get(bed->dev, SIOV_REG_GENSTS), SIOV_GENSTS_ENABLED);
	/* What was written shows, and is what the device has. */
	assert_int_equal(mmio_get(bed->dev, WQCFG(1, SIOV_WQCFG_SIZE)), 24);
	assert_int_equal(mmio_get(bed->dev, WQCFG(0, SIOV_WQCFG_SIZE)), 0);
	assert_int_equal(siov_dev_wq(bed->dev, 1)->size, 24);
	assert_int_equal(siov_dev_get_conf(bed->dev)->wqs[1].xfer_max, 65536);
	assert_int_equal(siov_dev_get_conf(bed->dev)->wqs[1].batch_max, 32);
	assert_int_equal(siov_dev_get_conf(bed->dev)->wqs[6].priority, 3);
	assert_int_equal(siov_dev_get_conf(bed->dev)->engines[2].group, SIOV_DEV_GROUP_NONE);
	assert_int_equal(mmio_command(bed->dev, SIOV_CMD_ENABLE_WQ, 0), SIOV_CMD_WQ_SIZE);
	assert_int_equal(mmio_command(bed->dev, SIOV_CMD_ENABLE_WQ, 1), 0);
	assert_int_equal(mmio_command(bed->dev, SIOV_CMD_ENABLE_WQ, 6), 0);
	portal = dev_rig_portal(bed->rig, dev_rig_attach(bed->rig, 1), PASID);
	check_works(bed, portal, 0);
	portal = dev_rig_portal(bed->rig, dev_rig_attach(bed->rig, 6), OTHER);
	dev_rig_noop(bed->rig, portal, 1);
	assert_int_equal(dev_rig_wait(bed->rig, 1), DSA_COMP_SUCCESS);
	adi_bed_close(bed);
}

static void
test_what_cannot_be_is_told_and_nothing_changes(void **state)
{
	struct adi_bed *bed = *state;
	struct siov_wq *before = siov_dev_wq(bed->dev, 0);
	uint32_t engines = GRPCFG(0, SIOV_GRPCFG_ENGINES), wqs = GRPCFG(0, SIOV_GRPCFG_WQS);

	/* Not while it is enabled. */
	mmio_set(bed->dev, wqs, 0);
	assert_int_equal(mmio_get(bed->dev, wqs), 0x1f);
	assert_int_equal(mmio_command(bed->dev, SIOV_CMD_DISABLE_DEVICE, 0), 0);
	mmio_set(bed->dev, wqs, 0x3f);
	assert_int_equal(mmio_command(bed->dev, SIOV_CMD_ENABLE_DEVICE, 0), SIOV_CMD_GROUP_WQ);
	mmio_set(bed->dev, wqs, 0x1f);
	mmio_set(bed->dev, GRPCFG(1, SIOV_GRPCFG_WQS), 2);
	assert_int_equal(mmio_command(bed->dev, SIOV_CMD_ENABLE_DEVICE, 0), SIOV_CMD_GROUP_WQ);
	mmio_set(bed->dev, GRPCFG(1, SIOV_GRPCFG_WQS), 0);
	mmio_set(bed->dev, engines, 3);
	assert_int_equal(mmio_command(bed->dev, SIOV_CMD_ENABLE_DEVICE, 0), SIOV_CMD_GROUP_ENGINE);
	mmio_set(bed->dev, engines, 1);
	mmio_set(bed->dev, WQCFG(0, SIOV_WQCFG_THRESHOLD), 129);
	assert_int_equal(mmio_command(bed->dev, SIOV_CMD_ENABLE_DEVICE, 0), SIOV_CMD_CONFIG);
	mmio_set(bed->dev, WQCFG(0, SIOV_WQCFG_THRESHOLD), 128);
	mmio_set(bed->dev, WQCFG(0, SIOV_WQCFG_MODE), SIOV_WQCFG_PASID_EN); /* priority 0 */
	assert_int_equal(mmio_command(bed->dev, SIOV_CMD_ENABLE_DEVICE, 0), SIOV_CMD_CONFIG);
	mmio_set(bed->dev, WQCFG(0, SIOV_WQCFG_MODE),
		 SIOV_WQCFG_PASID_EN | 1 << SIOV_WQCFG_PRIORITY_SHIFT);
	/* As it was: no other queues are built. */
	assert_int_equal(mmio_command(bed->dev, SIOV_CMD_ENABLE_DEVICE, 0), 0);
	assert_ptr_equal(siov_dev_wq(bed->dev, 0), before);
}

static void
test_sizes_are_those_of_the_profile(void **state)
{
	struct siov_dev_conf conf;
	struct adi_bed *bed;

	RTE_SET_USED(state);
	adi_bed_conf_init(&conf);
	conf.wqs[0].size = 32;
	conf.wqs[4].size = 16;
	conf.nb_wqs = 3;
	assert_int_equal(siov_dev_conf_profile(&conf, "dsa1"), 0);
	bed = adi_bed_open(&conf);
	assert_int_equal(mmio_get(bed->dev, SIOV_REG_WQCAP), 128 | 8 << SIOV_WQCAP_NUM_SHIFT);
	assert_int_equal(mmio_get(bed->dev, SIOV_REG_GENCAP) >> SIOV_GENCAP_IMS_SHIFT & 0x3f, 8);
	assert_int_equal(mmio_command(bed->dev, SIOV_CMD_DISABLE_DEVICE, 0), 0);
	mmio_set(bed->dev, WQCFG(0, SIOV_WQCFG_SIZE), 65);
	assert_int_equal(mmio_command(bed->dev, SIOV_CMD_ENABLE_DEVICE, 0), SIOV_CMD_WQ_SIZES);
	mmio_set(bed->dev, WQCFG(0, SIOV_WQCFG_SIZE), 64);
	assert_int_equal(mmio_command(bed->dev, SIOV_CMD_ENABLE_DEVICE, 0), 0);
	assert_int_equal(siov_dev_wq(bed->dev, 0)->size, 64);
	/* All entries to the first and the last queue: those between take none of them. */
	assert_int_equal(mmio_command(bed->dev, SIOV_CMD_DISABLE_DEVICE, 0), 0);
	mmio_set(bed->dev, WQCFG(1, SIOV_WQCFG_SIZE), 0);
	mmio_set(bed->dev, WQCFG(2, SIOV_WQCFG_SIZE), 0);
	mmio_set(bed->dev, WQCFG(7, SIOV_WQCFG_SIZE), 64);
	mmio_set(bed->dev, WQCFG(7, SIOV_WQCFG_MODE),
		 SIOV_WQCFG_PASID_EN | 1 << SIOV_WQCFG_PRIORITY_SHIFT);
	mmio_set(bed->dev, GRPCFG(0, SIOV_GRPCFG_WQS), 0x81);
	assert_int_equal(mmio_command(bed->dev, SIOV_CMD_ENABLE_DEVICE, 0), 0);
	assert_int_equal(mmio_command(bed->dev, SIOV_CMD_ENABLE_WQ, 7), 0);
	assert_int_equal(mmio_command(bed->dev, SIOV_CMD_ENABLE_WQ, 3), SIOV_CMD_WQ_SIZE);
	assert_int_equal(siov_dev_wq_enable(bed->dev, 3), -ENXIO);
	assert_int_equal(siov_dev_enable(bed->dev), 0);
	adi_bed_close(bed);
}

/* Their queues would go. */
static void
test_adis_and_lanes_hold_the_queues(void **state)
{
	struct adi_bed *bed = *state;
	struct siov_lane *lane = dev_rig_attach(bed->rig, 0);
	uint32_t id;

	assert_int_equal(mmio_command(bed->dev, SIOV_CMD_DISABLE_DEVICE, 0), 0);
	mmio_set(bed->dev, WQCFG(0, SIOV_WQCFG_SIZE), 64);
	mmio_set(bed->dev, WQCFG(0, SIOV_WQCFG_THRESHOLD), 64);
	assert_int_equal(mmio_command(bed->dev, SIOV_CMD_ENABLE_DEVICE, 0), SIOV_CMD_CONFIG);
	assert_int_equal(siov_dev_detach(bed->dev, lane, ADI_BED_MS), 0);
	assert_int_equal(siov_dev_adi_alloc(bed->dev, SIOV_ADI_CONTEXT, SIOV_ADI_VM, &id), 0);
	assert_int_equal(mmio_command(bed->dev, SIOV_CMD_ENABLE_DEVICE, 0), SIOV_CMD_CONFIG);
	assert_int_equal(siov_dev_adi_release(bed->dev, id), 0);
	assert_int_equal(mmio_command(bed->dev, SIOV_CMD_ENABLE_DEVICE, 0), 0);
	assert_int_equal(siov_dev_wq(bed->dev, 0)->size, 64);
}

/* By the library's call the device is enabled as it was. */
static void
test_enabling_a_queue_enables_the_device(void **state)
{
	struct adi_bed *bed = *state;

	assert_int_equal(mmio_command(bed->dev, SIOV_CMD_DISABLE_DEVICE, 0), 0);
	mmio_set(bed->dev, WQCFG(0, SIOV_WQCFG_SIZE), 64);
	assert_int_equal(siov_dev_wq_enable(bed->dev, 0), 0);
	assert_int_equal(mmio_get(bed->dev, SIOV_REG_GENSTS), SIOV_GENSTS_ENABLED);
	assert_int_equal(mmio_get(bed->dev, WQCFG(0, SIOV_WQCFG_SIZE)), 128);
}

static void
test_s7_3_7_a_dedicated_queue_gets_another_pasid(void **state)
{
	struct adi_bed *bed = *state;
	uint32_t mode = WQCFG(2, SIOV_WQCFG_MODE), value = mmio_get(bed->dev, mode), i;

	for (i = 0; i < 2; i++) {
		uint32_t pasid = i == 0 ? PASID : OTHER;
		struct siov_lane *lane;
		struct siov_portal *portal;

		mmio_set(bed->dev, mode,
			 value | SIOV_WQCFG_PASID_EN | pasid << SIOV_WQCFG_PASID_SHIFT);
		assert_int_equal(mmio_command(bed->dev, SIOV_CMD_ENABLE_WQ, 2), 0);
		lane = dev_rig_attach(bed->rig, 2);
		portal = dev_rig_portal(bed->rig, lane, pasid);
		dev_rig_noop(bed->rig, portal, i);
		assert_int_equal(dev_rig_wait(bed->rig, i), DSA_COMP_SUCCESS);
		assert_int_equal(mmio_command(bed->dev, SIOV_CMD_DISABLE_WQ, 1 << 2), 0);
		assert_int_equal(siov_dev_detach(bed->dev, lane, ADI_BED_MS), 0);
	}
	mmio_set(bed->dev, mode,
		 value | SIOV_WQCFG_PASID_EN | SIOV_WQCFG_PRIV | PASID << SIOV_WQCFG_PASID_SHIFT);
	assert_int_equal(mmio_command(bed->dev, SIOV_CMD_ENABLE_WQ, 2), SIOV_CMD_WQ_PRIV);
}

/* ---- work in flight ---- */

/* A transfer that takes many slices, to memory of its own. */
static void
submit_long(struct adi_bed *bed, struct siov_portal *portal, unsigned int comp)
{
	struct dsa_hw_desc desc __attribute__((aligned(64))) =
		dev_rig_desc(bed->rig, DSA_OPCODE_MEMFILL, comp);

	desc.dst_addr = siov_gmem_iova(bed->rig->gmem) + DEV_RIG_DATA + comp * LONG_BYTES;
	desc.xfer_size = LONG_BYTES;
	assert_int_equal(siov_enqcmd(portal, &desc), SIOV_DMWR_SUCCESS);
}

static void
check_ending(struct adi_bed *bed, enum siov_cmd cmd, uint32_t operand, uint8_t first,
	     uint8_t second)
{
	/* Where there are two engines, each serves one of the lanes. */
	struct siov_lane *lane = dev_rig_attach(bed->rig, 0);
	struct siov_lane *second_lane = dev_rig_attach(bed->rig, 0);
	struct siov_portal *portal = dev_rig_portal(bed->rig, lane, PASID);
	struct siov_portal *other = dev_rig_portal(bed->rig, second_lane, OTHER);

	/* Nothing is worked on before the command was given. */
	dev_rig_stop(bed->rig);
	submit_long(bed, portal, 0);
	submit_long(bed, other, 1);
	mmio_set(bed->dev, SIOV_REG_CMD, (uint32_t)cmd << SIOV_CMD_SHIFT | operand | SIOV_CMD_INT);
	assert_int_equal(mmio_get(bed->dev, SIOV_REG_CMDSTS), SIOV_CMDSTS_ACTIVE);
	/* Another one is lost. */
	mmio_set(bed->dev, SIOV_REG_CMD, SIOV_CMD_RESET_DEVICE << SIOV_CMD_SHIFT);
	assert_int_equal(mmio_get(bed->dev, SIOV_REG_CMD) >> SIOV_CMD_SHIFT & SIOV_CMD_CODE, cmd);
	dev_rig_start(bed->rig);
	while (mmio_get(bed->dev, SIOV_REG_CMDSTS) & SIOV_CMDSTS_ACTIVE)
		;
	assert_int_equal(mmio_get(bed->dev, SIOV_REG_CMDSTS), 0);
	assert_int_equal(mmio_get(bed->dev, SIOV_REG_INTCAUSE), SIOV_INTCAUSE_CMD);
	assert_int_equal(msg_bed_take(&bed->msg), 0);
	mmio_set(bed->dev, SIOV_REG_INTCAUSE, SIOV_INTCAUSE_CMD);
	assert_int_equal(dev_rig_is_done(bed->rig, 0), first != 0);
	if (first != 0)
		assert_int_equal(dev_rig_wait(bed->rig, 0), first);
	if (second != 0)
		assert_int_equal(dev_rig_wait(bed->rig, 1), second);
	assert_int_equal(siov_dev_wq_drain(bed->dev, 0, ADI_BED_MS), 0);
	assert_int_equal(siov_dev_detach(bed->dev, lane, ADI_BED_MS), 0);
	assert_int_equal(siov_dev_detach(bed->dev, second_lane, ADI_BED_MS), 0);
}

static void
check_commands(unsigned int nb_engines)
{
	static const uint8_t done = DSA_COMP_SUCCESS, gone = SIOV_COMP_ABORTED;
	struct siov_dev_conf conf;
	struct adi_bed *bed;

	adi_bed_conf_init(&conf);
	conf.nb_engines = nb_engines;
	bed = adi_bed_open(&conf);
	mmio_program_vector(bed->dev);
	check_ending(bed, SIOV_CMD_DRAIN_WQ, 1, done, done);
	check_ending(bed, SIOV_CMD_DRAIN_ALL, 0, done, done);
	check_ending(bed, SIOV_CMD_DRAIN_PASID, PASID, done, done);
	check_ending(bed, SIOV_CMD_ABORT_WQ, 1, gone, gone);
	check_ending(bed, SIOV_CMD_ABORT_ALL, 0, gone, gone);
	check_ending(bed, SIOV_CMD_ABORT_PASID, PASID, gone, done);
	assert_int_equal(wq_state(bed, 0), SIOV_WQCFG_STATE_ENABLED);
	check_ending(bed, SIOV_CMD_DISABLE_WQ, 1, done, done);
	assert_int_equal(wq_state(bed, 0), SIOV_WQCFG_STATE_DISABLED);
	assert_int_equal(mmio_command(bed->dev, SIOV_CMD_ENABLE_WQ, 0), 0);
	check_ending(bed, SIOV_CMD_RESET_WQ, 1, gone, gone);
	assert_int_equal(wq_state(bed, 0), SIOV_WQCFG_STATE_DISABLED);
	assert_int_equal(mmio_command(bed->dev, SIOV_CMD_ENABLE_WQ, 0), 0);
	check_ending(bed, SIOV_CMD_RESET_DEVICE, 0, 0, 0);
	assert_int_equal(mmio_get(bed->dev, SIOV_REG_GENSTS), SIOV_GENSTS_DISABLED);
	adi_bed_close(bed);
}

static void
test_s7_7_2_commands_drain_and_abort(void **state)
{
	RTE_SET_USED(state);
	check_commands(1);
	check_commands(2);
}

/* With a control lcore nobody has to look: the interrupt comes. */
static void
test_the_control_lcore_goes_on_with_a_command(void **state)
{
	struct adi_bed *bed = *state;
	struct siov_portal *portal;
	unsigned int i;

	mmio_program_vector(bed->dev);
	dev_rig_start_control(bed->rig);
	portal = dev_rig_portal(bed->rig, dev_rig_attach(bed->rig, 0), PASID);
	submit_long(bed, portal, 0);
	mmio_set(bed->dev, SIOV_REG_CMD,
		 (uint32_t)SIOV_CMD_DISABLE_WQ << SIOV_CMD_SHIFT | 1 | SIOV_CMD_INT);
	for (i = 0; i < DEV_RIG_WAIT_MS && msg_bed_take(&bed->msg) != 0; i++)
		dev_rig_nap();
	assert_true(i < DEV_RIG_WAIT_MS);
	assert_int_equal(mmio_get(bed->dev, SIOV_REG_CMDSTS), 0);
	assert_int_equal(dev_rig_wait(bed->rig, 0), DSA_COMP_SUCCESS);
}

struct load {
	struct siov_portal *portal;
	SIOV_ATOMIC(uint32_t) stop;
	SIOV_ATOMIC(uint64_t) nb_accepted;
};

static void *
submit_all_the_time(void *arg)
{
	struct load *load = arg;

	while (!siov_atomic_load(&load->stop, acquire)) {
		if (dev_rig_silent(load->portal) == SIOV_DMWR_SUCCESS)
			siov_atomic_fetch_add(&load->nb_accepted, 1, relaxed);
		else
			sched_yield();
	}
	return NULL;
}

/* Whether each of them has come to work under the commands. */
static bool
have_worked(const struct load loads[2])
{
	return siov_atomic_load(&loads[0].nb_accepted, relaxed) > 100 &&
	       siov_atomic_load(&loads[1].nb_accepted, relaxed) > 100;
}

/* Whatever is commanded meanwhile: what was accepted ends once, done or aborted. */
static void
test_s7_3_2_commands_under_load_lose_nothing(void **state)
{
	static const struct {
		enum siov_cmd cmd;
		uint32_t operand;
	} turns[] = {
		{SIOV_CMD_DRAIN_WQ, 1},        {SIOV_CMD_ABORT_WQ, 1},
		{SIOV_CMD_DRAIN_PASID, PASID}, {SIOV_CMD_ABORT_PASID, PASID},
		{SIOV_CMD_DISABLE_WQ, 1},      {SIOV_CMD_ENABLE_WQ, 0},
		{SIOV_CMD_DRAIN_ALL, 0},       {SIOV_CMD_ABORT_ALL, 0},
		{SIOV_CMD_RESET_WQ, 1},        {SIOV_CMD_ENABLE_WQ, 0},
	};
	struct load loads[2] = {{.portal = NULL}, {.portal = NULL}};
	struct siov_dev_conf conf;
	pthread_t threads[2];
	struct adi_bed *bed;
	unsigned int i;

	RTE_SET_USED(state);
	adi_bed_conf_init(&conf);
	conf.nb_engines = 2;
	bed = adi_bed_open(&conf);
	for (i = 0; i < 2; i++) {
		loads[i].portal = dev_rig_portal(bed->rig, dev_rig_attach(bed->rig, 0), PASID + i);
		assert_int_equal(pthread_create(&threads[i], NULL, submit_all_the_time, &loads[i]),
				 0);
	}
	/* To the end of a round, so that the queue is enabled. */
	for (i = 0; i < 20 * RTE_DIM(turns) || i % RTE_DIM(turns) != 0 || !have_worked(loads);
	     i++) {
		const uint32_t n = i % RTE_DIM(turns);

		assert_int_equal(mmio_command(bed->dev, turns[n].cmd, turns[n].operand), 0);
	}
	for (i = 0; i < 2; i++) {
		siov_atomic_store(&loads[i].stop, 1, release);
		pthread_join(threads[i], NULL);
	}
	assert_int_equal(mmio_command(bed->dev, SIOV_CMD_DRAIN_ALL, 0), 0);
	for (i = 0; i < 2; i++) {
		const struct siov_stats *stats = dev_rig_stats(bed->rig, 0, PASID + i);
		uint64_t nb = siov_atomic_load(&loads[i].nb_accepted, relaxed);

		assert_int_equal(stats->submitted[SIOV_DMWR_SUCCESS], nb);
		assert_int_equal(stats->completed + stats->aborted, nb);
		assert_int_equal(stats->failed, 0);
	}
	adi_bed_close(bed);
}

/* ---- resets ---- */

static void
test_s7_7_6_reset_device_leaves_no_adi(void **state)
{
	struct adi_bed *bed = *state;
	uint32_t id = adi_bed_context(bed, PASID);
	struct siov_adi_info info;

	assert_int_equal(mmio_command(bed->dev, SIOV_CMD_RESET_DEVICE, 0), 0);
	assert_int_equal(siov_dev_adi_info(bed->dev, id, &info), -ENOENT);
	assert_int_equal(mmio_get(bed->dev, SIOV_REG_GENSTS), SIOV_GENSTS_DISABLED);
	assert_int_equal(mmio_command(bed->dev, SIOV_CMD_ENABLE_DEVICE, 0), 0);
	assert_int_equal(mmio_command(bed->dev, SIOV_CMD_ENABLE_WQ, 0), 0);
	check_works(bed, dev_rig_portal(bed->rig, dev_rig_attach(bed->rig, 0), PASID), 0);
}

static void
test_flr_clears_registers(void **state)
{
	struct adi_bed *bed = *state;

	mmio_set(bed->dev, SIOV_REG_GENCTRL, 3);
	assert_int_equal(siov_dev_reset(bed->dev, SIOV_RESET_FLR, ADI_BED_MS), 0);
	assert_int_equal(mmio_get(bed->dev, SIOV_REG_GENCTRL), 0);
	assert_int_equal(mmio_get(bed->dev, SIOV_REG_GENSTS), SIOV_GENSTS_DISABLED);
	assert_int_equal(mmio_get(bed->dev, WQCFG(0, SIOV_WQCFG_SIZE)), 128);
}

/* ---- hostile ---- */

/* Random writes to all of BAR0, and commands among them: the device stays whole. */
static void
test_random_writes_leave_a_device_that_works(void **state)
{
	struct adi_bed *bed = *state;
	uint64_t seed = 20261123;
	struct siov_bars bars;
	unsigned int i;

	siov_dev_bars(bed->dev, &bars);
	for (i = 0; i < 20000; i++) {
		uint64_t value, offset;
		unsigned int width = 1u << (seed >> 60 & 3);

		seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
		offset = (seed >> 33) % (i % 4 == 0 ? bars.size0 : 0x1200);
		if (i % 16 == 0)
			offset = SIOV_REG_CMD;
		offset &= ~(uint64_t)(width - 1);
		value = seed >> 20;
		if (offset == SIOV_REG_CMD)
			value = (seed >> 40 & 0xf) << SIOV_CMD_SHIFT | (seed >> 50 & 0x7);
		siov_dev_mmio_write(bed->dev, 0, offset, offset == SIOV_REG_CMD ? 4 : width, value);
		siov_dev_mmio_read(bed->dev, 0, offset, width, &value);
		while (mmio_get(bed->dev, SIOV_REG_CMDSTS) & SIOV_CMDSTS_ACTIVE)
			;
	}
	assert_int_equal(mmio_command(bed->dev, SIOV_CMD_RESET_DEVICE, 0), 0);
	/* Whatever queues it now has, one of them is as before. */
	assert_int_equal(siov_dev_reset(bed->dev, SIOV_RESET_ALL, ADI_BED_MS), 0);
	mmio_set(bed->dev, GRPCFG(0, SIOV_GRPCFG_WQS), 1);
	for (i = 1; i < 64; i++)
		mmio_set(bed->dev, WQCFG(i, SIOV_WQCFG_SIZE), 0);
	for (i = 1; i < 16; i++) {
		mmio_set(bed->dev, GRPCFG(i, SIOV_GRPCFG_WQS), 0);
		mmio_set(bed->dev, GRPCFG(i, SIOV_GRPCFG_ENGINES), 0);
	}
	mmio_set(bed->dev, GRPCFG(0, SIOV_GRPCFG_ENGINES), 1);
	mmio_set(bed->dev, WQCFG(0, SIOV_WQCFG_SIZE), 16);
	mmio_set(bed->dev, WQCFG(0, SIOV_WQCFG_THRESHOLD), 16);
	mmio_set(bed->dev, WQCFG(0, SIOV_WQCFG_MODE),
		 SIOV_WQCFG_PASID_EN | 1 << SIOV_WQCFG_PRIORITY_SHIFT);
	mmio_set(bed->dev, WQCFG(0, SIOV_WQCFG_LIMITS), 20);
	assert_int_equal(mmio_command(bed->dev, SIOV_CMD_ENABLE_DEVICE, 0), 0);
	assert_int_equal(mmio_command(bed->dev, SIOV_CMD_ENABLE_WQ, 0), 0);
	check_works(bed, dev_rig_portal(bed->rig, dev_rig_attach(bed->rig, 0), PASID), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ADI_TEST(test_wrong_commands_are_told_apart),
		ADI_TEST(test_handles_are_the_numbers_of_entries),
		cmocka_unit_test(test_a_driver_configures_the_device_anew),
		ADI_TEST(test_what_cannot_be_is_told_and_nothing_changes),
		cmocka_unit_test(test_sizes_are_those_of_the_profile),
		ADI_TEST(test_adis_and_lanes_hold_the_queues),
		ADI_TEST(test_enabling_a_queue_enables_the_device),
		ADI_TEST(test_s7_3_7_a_dedicated_queue_gets_another_pasid),
		cmocka_unit_test(test_s7_7_2_commands_drain_and_abort),
		ADI_TEST(test_the_control_lcore_goes_on_with_a_command),
		cmocka_unit_test(test_s7_3_2_commands_under_load_lose_nothing),
		ADI_TEST(test_s7_7_6_reset_device_leaves_no_adi),
		ADI_TEST(test_flr_clears_registers),
		ADI_TEST(test_random_writes_leave_a_device_that_works),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

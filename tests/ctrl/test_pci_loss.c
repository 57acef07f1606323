/* SPDX-License-Identifier: BSD-3-Clause */
/* Functions that are lost while they work: they do nothing any more, and their neighbours go on. */
#include <sched.h>
#include <stdlib.h>

#include <linux/pci_regs.h>

#include "dev_rig.h"
#include "pci_bed.h"
#include "siov_dev_mmio.h"
#include "siov_qos.h"

#define SIDES 2u /* 0: the function that is lost, 1: its neighbour */
#define MEMORY_BYTES (UINT64_C(4) << 20)
#define SOURCE_AT UINT64_C(0x10000)
#define TARGET_AT UINT64_C(0x200000)
#define SHORT 512u
#define LONG (UINT32_C(1) << 20) /* it is set aside */
#define VECTOR_OF_ADI 5u
#define MANY 200u
#define PATTERN 0xa5
#define INTERVAL_US SIOV_IMS_INTERVAL_US_MAX

/* A function at work. */
struct side {
	struct siov_dev *dev;
	struct siov_gmem *gmem;
	uint32_t pasid;
	uint32_t id; /* of its ADI */
	struct siov_lane *lane;
	struct siov_portal *portal;
	pthread_t engine, submitter;
	bool has_engine;
	SIOV_ATOMIC(uint32_t) stop_engine;
	SIOV_ATOMIC(uint32_t) stop;
	SIOV_ATOMIC(uint64_t) nb_accepted;
	SIOV_ATOMIC(uint64_t) nb_checked;
	SIOV_ATOMIC(uint64_t) nb_wrong;
};

static uint8_t *
memory(const struct side *side, uint64_t offset)
{
	return (uint8_t *)siov_gmem_hva(side->gmem) + offset;
}

/* ---- engines ---- */

static void *
run_engine(void *arg)
{
	struct side *side = arg;

	siov_dev_run_engine(siov_dev_engine(side->dev, 0), &side->stop_engine, true);
	return NULL;
}

static void
start_engine(struct side *side)
{
	assert_int_equal(pthread_create(&side->engine, NULL, run_engine, side), 0);
	side->has_engine = true;
}

static void
stop_engine(struct side *side)
{
	if (!side->has_engine)
		return;
	siov_atomic_store(&side->stop_engine, 1, release);
	pthread_join(side->engine, NULL);
	side->has_engine = false;
}

/* ---- ADIs at work ---- */

static void
open_side(struct pci_bed *bed, unsigned int fn, struct side *side)
{
	const struct siov_adi_message message = {.addr = siov_ir_msi_addr(VECTOR_OF_ADI)};
	struct siov_adi_conf conf = {.nb_messages = 1};
	struct siov_gmem_conf gmem;

	*side = (struct side){.dev = bed->devs[fn], .pasid = PCI_BED_PASID + fn};
	siov_gmem_conf_init(&gmem);
	gmem.size = MEMORY_BYTES;
	assert_int_equal(siov_gmem_create(side->dev, &gmem, &side->gmem), 0);
	assert_int_equal(siov_pasid_alloc_at(bed->iommu, side->pasid), 0);
	assert_int_equal(siov_pasid_bind(bed->iommu, side->pasid, siov_gmem_domain(side->gmem), 0),
			 0);
	pci_bed_switch_on(bed, fn);
	pci_bed_set(bed, fn, pci_bed_cap(bed, fn, PCI_CAP_ID_MSIX) + PCI_MSIX_FLAGS, 2,
		    PCI_MSIX_FLAGS_ENABLE);
	assert_int_equal(siov_dev_wq_enable(side->dev, 0), 0);
	conf.pasid = side->pasid;
	assert_int_equal(siov_dev_adi_alloc(side->dev, SIOV_ADI_CONTEXT, SIOV_ADI_VM, &side->id),
			 0);
	assert_int_equal(siov_dev_adi_configure(side->dev, side->id, &conf), 0);
	assert_int_equal(siov_dev_adi_set_message(side->dev, side->id, 0, &message), 0);
	assert_int_equal(siov_dev_adi_enable(side->dev, side->id), 0);
	assert_int_equal(siov_dev_attach(side->dev, 0, SIOV_LANE_F_IMS, &side->lane), 0);
	assert_int_equal(siov_dev_adi_portal_open(side->dev, side->id, side->lane, &side->portal),
			 0);
}

static void
close_side(struct pci_bed *bed, struct side *side)
{
	siov_dev_portal_close(side->dev, side->portal);
	assert_int_equal(siov_dev_detach(side->dev, side->lane, DEV_RIG_WAIT_MS), 0);
	if (!siov_dev_is_lost(side->dev))
		assert_int_equal(siov_dev_adi_reset(side->dev, side->id, DEV_RIG_WAIT_MS), 0);
	stop_engine(side);
	assert_int_equal(siov_dev_adi_release(side->dev, side->id), 0);
	assert_int_equal(siov_pasid_unbind(bed->iommu, side->pasid), 0);
	assert_int_equal(siov_gmem_free(side->gmem), 0);
}

static struct dsa_hw_desc
copy_desc(const struct side *side, uint32_t bytes)
{
	uint64_t iova = siov_gmem_iova(side->gmem);
	struct siov_adi_info info;

	assert_int_equal(siov_dev_adi_info(side->dev, side->id, &info), 0);
	return (struct dsa_hw_desc){
		.opcode = DSA_OPCODE_MEMMOVE,
		.flags = DEV_RIG_CRAV_RCR | IDXD_OP_FLAG_RCI,
		.int_handle = (uint16_t)info.messages[0],
		.completion_addr = iova,
		.src_addr = iova + SOURCE_AT,
		.dst_addr = iova + TARGET_AT,
		.xfer_size = bytes,
	};
}

static bool
has_record(const struct side *side)
{
	return siov_atomic_load((SIOV_ATOMIC(uint8_t) *)memory(side, 0), acquire) != 0;
}

/* As fast as the queue takes it, long and short. */
static void *
submit_wildly(void *arg)
{
	struct side *side = arg;
	const struct dsa_hw_desc shorter = copy_desc(side, SHORT), longer = copy_desc(side, LONG);
	uint64_t i;

	for (i = 0; !siov_atomic_load(&side->stop, relaxed); i++) {
		struct dsa_hw_desc desc __attribute__((aligned(64))) =
			i % 8 == 0 ? longer : shorter;

		if (siov_enqcmd(side->portal, &desc) == SIOV_DMWR_SUCCESS)
			siov_atomic_fetch_add(&side->nb_accepted, UINT64_C(1), relaxed);
		else
			sched_yield();
	}
	return NULL;
}

/* Copy by copy, each awaited and compared. */
static void *
submit_and_check(void *arg)
{
	struct side *side = arg;
	struct dsa_hw_desc desc __attribute__((aligned(64))) = copy_desc(side, SHORT);
	uint64_t i;

	for (i = 0; !siov_atomic_load(&side->stop, relaxed); i++) {
		memset(memory(side, SOURCE_AT), (int)(i * 7 + 1), SHORT);
		memset(memory(side, 0), 0, SIOV_COMP_SIZE);
		while (siov_enqcmd(side->portal, &desc) != SIOV_DMWR_SUCCESS)
			sched_yield();
		while (!has_record(side))
			sched_yield();
		if (*memory(side, 0) != DSA_COMP_SUCCESS ||
		    memcmp(memory(side, SOURCE_AT), memory(side, TARGET_AT), SHORT) != 0)
			siov_atomic_fetch_add(&side->nb_wrong, UINT64_C(1), relaxed);
		siov_atomic_store(&side->nb_checked, i + 1, relaxed);
	}
	return NULL;
}

static void
start(struct side *side, void *(*submit)(void *))
{
	start_engine(side);
	assert_int_equal(pthread_create(&side->submitter, NULL, submit, side), 0);
}

static void
stop(struct side *side)
{
	siov_atomic_store(&side->stop, 1, relaxed);
	pthread_join(side->submitter, NULL);
}

static void
wait_for(const SIOV_ATOMIC(uint64_t) *count, uint64_t at_least)
{
	unsigned int i;

	for (i = 0; i < DEV_RIG_WAIT_MS && siov_atomic_load(count, relaxed) < at_least; i++)
		dev_rig_nap();
	assert_true(siov_atomic_load(count, relaxed) >= at_least);
}

static void
wait_until_quiet(struct siov_dev *dev)
{
	unsigned int i;

	for (i = 0; i < DEV_RIG_WAIT_MS && !siov_dev_is_quiet(dev); i++)
		dev_rig_nap();
	assert_true(siov_dev_is_quiet(dev));
}

/* ---- under load ---- */

static void
assert_untouched(const struct side *side)
{
	uint64_t i;

	for (i = 0; i < MEMORY_BYTES; i += 8) {
		uint64_t word;

		memcpy(&word, memory(side, i), sizeof(word));
		assert_int_equal(word, UINT64_C(0x0101010101010101) * PATTERN);
	}
}

static void
test_a_lost_function_writes_nothing_once_it_is_quiet(void **state)
{
	struct pci_bed *bed = *state;
	struct side sides[SIDES];
	uint64_t nb_checked, nb_delivered;
	unsigned int i;

	pci_bed_make(bed, SIDES);
	for (i = 0; i < SIDES; i++)
		open_side(bed, i, &sides[i]);
	start(&sides[0], submit_wildly);
	start(&sides[1], submit_and_check);
	wait_for(&sides[0].nb_accepted, MANY);
	wait_for(&sides[1].nb_checked, MANY);
	assert_int_not_equal(msg_bed_nb_delivered(&bed->msg), 0);
	assert_false(siov_dev_is_quiet(sides[0].dev));
	assert_int_equal(siov_pci_fail(bed->pci, 0), 0);
	wait_until_quiet(sides[0].dev);
	/* Its submitter tries on, and its engine polls on. */
	nb_delivered = msg_bed_nb_delivered(&bed->msg);
	nb_checked = siov_atomic_load(&sides[1].nb_checked, relaxed);
	memset(memory(&sides[0], 0), PATTERN, MEMORY_BYTES);
	wait_for(&sides[1].nb_checked, nb_checked + MANY);
	assert_untouched(&sides[0]);
	assert_int_equal(msg_bed_nb_delivered(&bed->msg), nb_delivered);
	for (i = 0; i < SIDES; i++)
		stop(&sides[i]);
	assert_int_equal(siov_atomic_load(&sides[1].nb_wrong, relaxed), 0);
	for (i = 0; i < SIDES; i++)
		close_side(bed, &sides[i]);
}

/* What had been accepted and not begun, or begun and set aside, is done no more. */
static void
test_what_a_lost_function_had_accepted_is_not_done(void **state)
{
	struct pci_bed *bed = *state;
	struct side side;
	struct dsa_hw_desc desc __attribute__((aligned(64)));
	struct siov_adi_job *job;
	struct siov_stats *stats = calloc(1, sizeof(*stats));
	unsigned int i;

	assert_non_null(stats);
	pci_bed_make(bed, 1);
	open_side(bed, 0, &side);
	desc = copy_desc(&side, LONG);
	assert_int_equal(siov_enqcmd(side.portal, &desc), SIOV_DMWR_SUCCESS);
	assert_int_equal(
		siov_dev_adi_begin(side.dev, side.id, SIOV_ADI_DO_DRAIN, DEV_RIG_WAIT_MS, &job),
		-EINPROGRESS);
	assert_int_equal(siov_dev_adi_poll(job), -EAGAIN);
	assert_int_equal(siov_pci_fail(bed->pci, 0), 0);
	/* An action that was under way is over, with the function. */
	assert_int_equal(siov_dev_adi_poll(job), -ENODEV);
	assert_int_equal(siov_enqcmd(side.portal, &desc), SIOV_DMWR_RETRY_DISABLED);
	memset(memory(&side, 0), PATTERN, MEMORY_BYTES);
	start_engine(&side);
	for (i = 0; i < DEV_RIG_WAIT_MS && stats->aborted + stats->completed == 0; i++) {
		dev_rig_nap();
		assert_int_equal(siov_dev_stats(side.dev, 0, side.pasid, stats), 0);
	}
	assert_int_equal(stats->aborted, 1);
	wait_until_quiet(side.dev);
	assert_untouched(&side);
	assert_int_equal(stats->completed, 0);
	assert_int_equal(msg_bed_nb_delivered(&bed->msg), 0);
	close_side(bed, &side);
	free(stats);
}

/* Neither one that an engine holds back, nor one that waits for an unmask. */
static void
test_a_lost_function_sends_no_interrupt(void **state)
{
	struct siov_adi_message message = {
		.addr = siov_ir_msi_addr(VECTOR_OF_ADI),
		.moderation = {.interval_us = INTERVAL_US},
	};
	struct pci_bed *bed = *state;
	struct side side;
	struct dsa_hw_desc desc __attribute__((aligned(64)));
	uint64_t nb_delivered;
	unsigned int i;

	pci_bed_make(bed, 1);
	open_side(bed, 0, &side);
	assert_int_equal(siov_dev_adi_set_message(side.dev, side.id, 0, &message), 0);
	start_engine(&side);
	desc = copy_desc(&side, SHORT);
	for (i = 0; i < 4; i++) {
		memset(memory(&side, 0), 0, SIOV_COMP_SIZE);
		assert_int_equal(siov_enqcmd(side.portal, &desc), SIOV_DMWR_SUCCESS);
		while (!has_record(&side))
			sched_yield();
	}
	assert_int_not_equal(msg_bed_nb_delivered(&bed->msg), 0);
	assert_int_equal(siov_pci_fail(bed->pci, 0), 0);
	wait_until_quiet(side.dev);
	nb_delivered = msg_bed_nb_delivered(&bed->msg);
	for (i = 0; i < 2 * INTERVAL_US / 1000; i++)
		dev_rig_nap();
	assert_int_equal(msg_bed_nb_delivered(&bed->msg), nb_delivered);
	assert_int_equal(siov_dev_adi_get_message(side.dev, side.id, 0, &message), 0);
	assert_true(message.is_masked);
	assert_false(message.is_pending);
	close_side(bed, &side);
}

/* ---- what it answers ---- */

static void
test_a_lost_function_answers_nothing(void **state)
{
	struct pci_bed *bed = *state;
	struct siov_adi_message message = {.addr = siov_ir_msi_addr(VECTOR_OF_ADI)};
	const struct siov_qos_conf qos = {.rate_ops = 1000};
	uint8_t image[SIOV_ADI_IMAGE_MAX];
	struct siov_dev *dev = bed->devs[0];
	struct siov_pci *again;
	struct siov_pci_conf conf;
	uint32_t id, idle, other;
	int bytes;

	pci_bed_make(bed, 2);
	pci_bed_switch_on(bed, 0);
	pci_bed_switch_on(bed, 1);
	id = pci_bed_adi(bed, 0);
	assert_int_equal(siov_dev_adi_alloc(dev, SIOV_ADI_CONTEXT, SIOV_ADI_VM, &idle), 0);
	assert_int_equal(
		siov_dev_adi_configure(dev, idle, &(struct siov_adi_conf){.nb_messages = 1}), 0);
	bytes = siov_dev_adi_save(dev, idle, image, sizeof(image));
	assert_true(bytes > 0);
	assert_int_equal(siov_dev_adi_enable(dev, id), 0);
	assert_false(siov_dev_is_quiet(dev));
	assert_int_equal(siov_pci_fail(bed->pci, 0), 0);
	assert_int_equal(siov_pci_fail(bed->pci, 0), -EALREADY);
	assert_int_equal(siov_pci_fail(bed->pci, 2), -EINVAL);
	assert_int_equal(bed->nb_lost, 1);
	assert_true(siov_pci_is_lost(bed->pci, 0));
	assert_true(siov_dev_is_lost(dev));
	assert_true(siov_dev_is_quiet(dev));
	assert_int_equal(pci_bed_get(bed, 0, 0, 4), UINT32_MAX);
	assert_int_equal(pci_bed_get(bed, 0, 0, 1), 0xff);
	assert_int_equal(siov_pci_mmio_read(bed->pci, 0, 0, 0, 4), UINT32_MAX);
	pci_bed_set(bed, 0, PCI_COMMAND, 2, 0);
	assert_int_equal(siov_dev_adi_reset(dev, id, 100), -ENODEV);
	assert_int_equal(siov_dev_adi_disable(dev, id, 100), -ENODEV);
	assert_int_equal(siov_dev_adi_set_message(dev, id, 0, &message), -ENODEV);
	assert_int_equal(siov_dev_adi_trigger(dev, id, 0), -ENODEV);
	assert_int_equal(siov_dev_adi_set_qos(dev, id, &qos), -ENODEV);
	assert_int_equal(siov_dev_adi_restore(dev, idle, image, (size_t)bytes), -ENODEV);
	assert_int_equal(siov_dev_adi_alloc(dev, SIOV_ADI_CONTEXT, SIOV_ADI_VM, &other), -ENODEV);
	assert_int_equal(siov_dev_wq_enable(dev, 0), -ENODEV);
	assert_int_equal(siov_dev_reset(dev, SIOV_RESET_FLR, 100), -ENODEV);
	/* What is left of it can be given back; its neighbour has noticed nothing. */
	assert_int_equal(siov_dev_adi_release(dev, id), 0);
	assert_int_equal(siov_dev_adi_release(dev, idle), 0);
	assert_int_equal(pci_bed_get(bed, 1, 0, 4), 0x0b258086);
	assert_int_equal(siov_dev_wq_enable(bed->devs[1], 0), 0);
	/* There is no way back. */
	pci_bed_conf_init(&conf, bed, 1);
	assert_int_equal(siov_pci_create(&conf, &again), -ENODEV);
}

/* A reset that never ends: its function is gone. */
static void
test_a_function_is_lost_while_it_is_being_reset(void **state)
{
	struct pci_bed *bed = *state;
	struct side side;
	struct dsa_hw_desc desc __attribute__((aligned(64)));
	unsigned int express;

	pci_bed_make(bed, 1);
	express = pci_bed_cap(bed, 0, PCI_CAP_ID_EXP);
	open_side(bed, 0, &side);
	desc = copy_desc(&side, SHORT);
	assert_int_equal(siov_enqcmd(side.portal, &desc), SIOV_DMWR_SUCCESS);
	pci_bed_set(bed, 0, express + PCI_EXP_DEVCTL, 2, PCI_EXP_DEVCTL_BCR_FLR);
	assert_true(pci_bed_get(bed, 0, express + PCI_EXP_DEVSTA, 2) & PCI_EXP_DEVSTA_TRPND);
	/* It takes nothing meanwhile. */
	pci_bed_set(bed, 0, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	assert_int_equal(pci_bed_get(bed, 0, PCI_COMMAND, 2), 0);
	assert_int_equal(siov_pci_fail(bed->pci, 0), 0);
	assert_int_equal(pci_bed_get(bed, 0, express + PCI_EXP_DEVSTA, 2), 0xffff);
	start_engine(&side);
	wait_until_quiet(side.dev);
	assert_false(has_record(&side));
	close_side(bed, &side);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		PCI_TEST(test_a_lost_function_writes_nothing_once_it_is_quiet),
		PCI_TEST(test_what_a_lost_function_had_accepted_is_not_done),
		PCI_TEST(test_a_lost_function_sends_no_interrupt),
		PCI_TEST(test_a_lost_function_answers_nothing),
		PCI_TEST(test_a_function_is_lost_while_it_is_being_reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* What the BARs of a living device show, and what may be written there. */
#include "mmio_bed.h"

#define PASID 7u
#define OTHER 8u

/* ---- registers ---- */

static void
test_capabilities_tell_what_the_device_can(void **state)
{
	struct adi_bed *bed = *state;
	uint64_t gencap, wqcap, opcap;

	assert_int_equal(mmio_get(bed->dev, SIOV_REG_VERSION), 0x100);
	assert_int_equal(siov_dev_mmio_read(bed->dev, 0, SIOV_REG_GENCAP, 8, &gencap), 0);
	assert_int_equal(gencap >> SIOV_GENCAP_XFER_SHIFT & 0x1f, 31);
	assert_int_equal(gencap >> SIOV_GENCAP_BATCH_SHIFT & 0xf, 15);
	assert_int_equal(gencap >> SIOV_GENCAP_IMS_SHIFT & 0x3f, 0); /* fewer than 256 */
	assert_int_equal(gencap & 0xffff, 0x11f);
	assert_int_equal(siov_dev_mmio_read(bed->dev, 0, SIOV_REG_WQCAP, 8, &wqcap), 0);
	assert_int_equal(wqcap >> SIOV_WQCAP_NUM_SHIFT & 0xff, SIOV_DEV_WQS_MAX);
	assert_int_equal(wqcap >> 48, 0xb);
	assert_int_equal(mmio_get(bed->dev, SIOV_REG_ENGCAP), 1);
	/* Operations 0 to 9, 10h to 15h and 20h, by bit. */
	assert_int_equal(siov_dev_mmio_read(bed->dev, 0, SIOV_REG_OPCAP, 8, &opcap), 0);
	assert_true(opcap == UINT64_C(0x1003f03ff));
	assert_int_equal(mmio_get(bed->dev, SIOV_REG_CMDCAP), 0x7ffe);
	assert_int_equal(mmio_get(bed->dev, SIOV_REG_GENSTS), SIOV_GENSTS_ENABLED);
	/* They cannot be written. */
	mmio_set(bed->dev, SIOV_REG_GENCAP, 0);
	assert_int_equal(mmio_get(bed->dev, SIOV_REG_GENCAP), (uint32_t)gencap);
}

static void
test_the_configuration_shows_in_its_tables(void **state)
{
	struct adi_bed *bed = *state;
	unsigned int i;

	assert_int_equal(mmio_get(bed->dev, WQCFG(0, SIOV_WQCFG_SIZE)), 128);
	assert_int_equal(mmio_get(bed->dev, WQCFG(0, SIOV_WQCFG_MODE)),
			 1 << SIOV_WQCFG_PRIORITY_SHIFT | SIOV_WQCFG_PASID_EN);
	assert_int_equal(mmio_get(bed->dev, WQCFG(0, SIOV_WQCFG_LIMITS)),
			 31 | 10 << SIOV_WQCFG_BATCH_SHIFT);
	assert_int_equal(mmio_get(bed->dev, WQCFG(0, SIOV_WQCFG_STATE)) >> 30,
			 SIOV_WQCFG_STATE_ENABLED);
	for (i = 1; i <= ADI_BED_DWQS; i++) {
		assert_int_equal(mmio_get(bed->dev, WQCFG(i, SIOV_WQCFG_SIZE)), 32);
		assert_int_equal(mmio_get(bed->dev, WQCFG(i, SIOV_WQCFG_MODE)) & 0xf,
				 SIOV_WQCFG_DEDICATED);
		assert_int_equal(mmio_get(bed->dev, WQCFG(i, SIOV_WQCFG_STATE)) >> 30,
				 SIOV_WQCFG_STATE_DISABLED);
	}
	assert_int_equal(mmio_get(bed->dev, WQCFG(ADI_BED_DWQS + 1, SIOV_WQCFG_SIZE)), 0);
	assert_int_equal(mmio_get(bed->dev, GRPCFG(0, SIOV_GRPCFG_WQS)), 0x1f);
	assert_int_equal(mmio_get(bed->dev, GRPCFG(0, SIOV_GRPCFG_ENGINES)), 1);
	assert_int_equal(mmio_get(bed->dev, GRPCFG(1, SIOV_GRPCFG_WQS)), 0);
}

static void
test_bad_accesses_are_refused_and_change_nothing(void **state)
{
	struct adi_bed *bed = *state;
	struct siov_bars bars;
	uint64_t value = 77;

	siov_dev_bars(bed->dev, &bars);
	assert_int_equal(siov_dev_mmio_read(bed->dev, 1, 0, 4, &value), -EINVAL);
	assert_int_equal(siov_dev_mmio_read(bed->dev, 0, 0, 3, &value), -EINVAL);
	assert_int_equal(siov_dev_mmio_read(bed->dev, 0, 2, 4, &value), -EINVAL);
	assert_int_equal(siov_dev_mmio_read(bed->dev, 0, bars.size0, 4, &value), -ERANGE);
	assert_int_equal(siov_dev_mmio_read(bed->dev, 2, bars.size2, 4, &value), -ERANGE);
	assert_int_equal(siov_dev_mmio_write(bed->dev, 0, SIOV_REG_GENCTRL, 4, 5), -EINVAL);
	assert_int_equal(siov_dev_mmio_write(bed->dev, 0, SIOV_REG_CMD, 2, 5), -EINVAL);
	assert_int_equal(value, 77);
	assert_int_equal(mmio_get(bed->dev, SIOV_REG_GENCTRL), 0);
	assert_int_equal(mmio_get(bed->dev, SIOV_REG_CMDSTS), 0);
}

/* ---- errors ---- */

/* A no-op whose record has no place. */
static void
cause_error(struct adi_bed *bed, struct siov_portal *portal, uint8_t opcode)
{
	struct dsa_hw_desc desc __attribute__((aligned(64))) = {.opcode = opcode};

	assert_int_equal(siov_enqcmd(portal, &desc), SIOV_DMWR_SUCCESS);
	assert_int_equal(siov_dev_wq_drain(bed->dev, 0, ADI_BED_MS), 0);
}

static void
test_s7_6_5_an_error_is_told_by_register_and_vector(void **state)
{
	struct adi_bed *bed = *state;
	uint32_t id = adi_bed_context(bed, PASID);
	struct siov_portal *portal = adi_bed_portal(bed, id, dev_rig_attach(bed->rig, 0));

	mmio_program_vector(bed->dev);
	mmio_set(bed->dev, SIOV_REG_GENCTRL, SIOV_GENCTRL_SWERR_INT);
	cause_error(bed, portal, 0xee);
	assert_int_equal(mmio_get(bed->dev, SIOV_REG_SWERR),
			 SIOV_SWERR_VALID | SIOV_SWERR_DESC | SIOV_SWERR_WQ |
				 DSA_COMP_BAD_OPCODE << SIOV_SWERR_CODE_SHIFT);
	assert_int_equal(mmio_get(bed->dev, SIOV_REG_SWERR + 4),
			 0xee | PASID << SIOV_SWERR_PASID_SHIFT);
	assert_int_equal(mmio_get(bed->dev, SIOV_REG_INTCAUSE), SIOV_INTCAUSE_SWERR);
	assert_int_equal(msg_bed_take(&bed->msg), 0);
	/* The first one stays until it is acknowledged. */
	cause_error(bed, portal, 0xdd);
	assert_int_equal(mmio_get(bed->dev, SIOV_REG_SWERR) & 3,
			 SIOV_SWERR_VALID | SIOV_SWERR_OVERFLOW);
	assert_int_equal(mmio_get(bed->dev, SIOV_REG_SWERR + 4) & 0xff, 0xee);
	assert_int_equal(msg_bed_take(&bed->msg), -1);
	mmio_set(bed->dev, SIOV_REG_SWERR, 3);
	mmio_set(bed->dev, SIOV_REG_INTCAUSE, SIOV_INTCAUSE_SWERR);
	assert_int_equal(mmio_get(bed->dev, SIOV_REG_SWERR) & 3, 0);
	assert_int_equal(mmio_get(bed->dev, SIOV_REG_INTCAUSE), 0);
	cause_error(bed, portal, 0xcc);
	assert_int_equal(mmio_get(bed->dev, SIOV_REG_SWERR + 4) & 0xff, 0xcc);
	assert_int_equal(msg_bed_take(&bed->msg), 0);
}

/* ---- interrupt tables ---- */

static void
test_s7_5_7_entries_are_programmed_through_the_bar(void **state)
{
	struct adi_bed *bed = *state;
	uint32_t id = adi_bed_context(bed, PASID), handle = adi_bed_info(bed, id).messages[0];
	struct siov_bars bars;
	uint64_t at, value;

	siov_dev_bars(bed->dev, &bars);
	at = bars.ims + handle * 16;
	assert_int_equal(siov_dev_mmio_write(bed->dev, 0, at, 8, siov_ir_msi_addr(5)), 0);
	assert_int_equal(siov_dev_mmio_write(bed->dev, 0, at + 8, 4, 0), 0);
	assert_int_equal(mmio_get(bed->dev, at + 12), SIOV_IMS_CTRL_MASK | SIOV_IMS_CTRL_PASID_EN |
							      PASID << SIOV_IMS_CTRL_PASID_SHIFT);
	assert_int_equal(siov_dev_adi_trigger(bed->dev, id, 0), 0);
	assert_int_equal(msg_bed_take(&bed->msg), -1);
	assert_true(mmio_get(bed->dev, at + 12) & SIOV_IMS_CTRL_PENDING);
	mmio_set(bed->dev, at + 12, SIOV_IMS_CTRL_PASID_EN | PASID << SIOV_IMS_CTRL_PASID_SHIFT);
	assert_int_equal(msg_bed_take(&bed->msg), 5);
	/* An entry of nobody is 0, and stays so. */
	at = bars.ims + 63 * 16;
	assert_int_equal(siov_dev_mmio_write(bed->dev, 0, at, 8, siov_ir_msi_addr(6)), 0);
	assert_int_equal(siov_dev_mmio_read(bed->dev, 0, at, 8, &value), 0);
	assert_true(value == 0);
}

static void
test_s7_5_6_without_ims_adis_have_vectors(void **state)
{
	struct siov_dev_conf conf;
	struct adi_bed *bed;
	uint32_t id;

	(void)state;
	adi_bed_conf_init(&conf);
	conf.nb_ims = 0;
	bed = adi_bed_open(&conf);
	id = adi_bed_context(bed, PASID);
	adi_bed_program(bed, id, 9);
	assert_int_equal(siov_dev_adi_trigger(bed->dev, id, 0), 0);
	assert_int_equal(msg_bed_take(&bed->msg), -1); /* MSI-X is not enabled */
	siov_dev_set_msix_control(bed->dev, SIOV_MSIX_CONTROL_ENABLE);
	assert_int_equal(siov_dev_adi_trigger(bed->dev, id, 0), 0);
	assert_int_equal(msg_bed_take(&bed->msg), 9);
	adi_bed_close(bed);
}

static void
test_s7_5_5_entries_lie_in_host_memory(void **state)
{
	static struct siov_ims_host_entry entries[64];
	struct siov_adi_message message;
	struct siov_dev_conf conf;
	struct siov_bars bars;
	struct adi_bed *bed;
	uint64_t word;
	uint32_t id, handle;

	(void)state;
	adi_bed_conf_init(&conf);
	conf.ims_host = entries;
	bed = adi_bed_open(&conf);
	id = adi_bed_context(bed, PASID);
	handle = adi_bed_info(bed, id).messages[0];
	adi_bed_program(bed, id, 9);
	assert_true(siov_atomic_load(&entries[handle].addr, relaxed) == siov_ir_msi_addr(9));
	assert_int_equal(siov_dev_adi_trigger(bed->dev, id, 0), 0);
	assert_int_equal(msg_bed_take(&bed->msg), 9);
	/* By the BAR: masked, which holds at once. */
	siov_dev_bars(bed->dev, &bars);
	mmio_set(bed->dev, bars.ims + handle * 16 + 12,
		 SIOV_IMS_CTRL_MASK | SIOV_IMS_CTRL_PASID_EN | PASID << SIOV_IMS_CTRL_PASID_SHIFT);
	assert_int_equal(siov_dev_adi_trigger(bed->dev, id, 0), 0);
	assert_int_equal(msg_bed_take(&bed->msg), -1);
	/* By the driver in memory: another vector, unmasked, which the device is to be told. */
	word = siov_atomic_load(&entries[handle].data_ctrl, relaxed);
	siov_atomic_store(&entries[handle].addr, siov_ir_msi_addr(10), relaxed);
	word += (uint64_t)SIOV_IMS_CTRL_VERSION_ONE << 32;
	word &= ~((uint64_t)SIOV_IMS_CTRL_MASK << 32);
	siov_atomic_store(&entries[handle].data_ctrl, word, release);
	assert_int_equal(siov_dev_adi_trigger(bed->dev, id, 0), 0);
	assert_int_equal(msg_bed_take(&bed->msg), -1);
	assert_int_equal(siov_dev_ims_invalidate(bed->dev, handle, 1), 0);
	assert_int_equal(msg_bed_take(&bed->msg), 10);
	assert_int_equal(siov_dev_ims_invalidate(bed->dev, 64, 1), -ERANGE);
	/* A reset masks it there, too. */
	assert_int_equal(siov_dev_adi_reset(bed->dev, id, ADI_BED_MS), 0);
	assert_int_equal(siov_dev_adi_get_message(bed->dev, id, 0, &message), 0);
	assert_true(message.is_masked);
	adi_bed_close(bed);
}

/* ---- pages of ADIs ---- */

static uint64_t
read_page(struct adi_bed *bed, uint32_t index, uint32_t reg)
{
	struct siov_bars bars;
	uint64_t value;

	siov_dev_bars(bed->dev, &bars);
	assert_int_equal(siov_dev_mmio_read(bed->dev, 0, siov_bars_adi_control(&bars, index) + reg,
					    4, &value),
			 0);
	return value;
}

static void
test_s7_4_1_each_adi_has_a_page_of_its_own(void **state)
{
	struct adi_bed *bed = *state;
	uint32_t a = adi_bed_context(bed, PASID), b = adi_bed_context(bed, OTHER), i;

	for (i = 0; i < 2; i++) {
		uint32_t id = i == 0 ? a : b, index = id & ADI_INDEX_MASK;

		assert_int_equal(read_page(bed, index, SIOV_ADI_REG_ID), id);
		assert_int_equal(read_page(bed, index, SIOV_ADI_REG_PASID), i == 0 ? PASID : OTHER);
		assert_int_equal(read_page(bed, index, SIOV_ADI_REG_STATE), SIOV_ADI_ENABLED);
		assert_int_equal(read_page(bed, index, SIOV_ADI_REG_MESSAGES), 1);
	}
	assert_int_equal(read_page(bed, 2, SIOV_ADI_REG_ID), UINT32_MAX);
}

/* Its page does not take a PASID, the register of its queue does while the queue is disabled. */
static void
test_s7_6_2_a_pasid_is_the_hosts_to_change(void **state)
{
	struct adi_bed *bed = *state;
	uint32_t id = adi_bed_context(bed, PASID), index = id & ADI_INDEX_MASK;
	uint32_t mode = WQCFG(1, SIOV_WQCFG_MODE), value;
	struct siov_bars bars;

	siov_dev_bars(bed->dev, &bars);
	value = (uint32_t)siov_bars_adi_control(&bars, index) + SIOV_ADI_REG_PASID;
	mmio_set(bed->dev, value, OTHER);
	assert_int_equal(adi_bed_info(bed, id).conf.pasid, PASID);
	value = SIOV_WQCFG_DEDICATED | 1 << SIOV_WQCFG_PRIORITY_SHIFT | SIOV_WQCFG_PASID_EN;
	mmio_set(bed->dev, mode, value | PASID << SIOV_WQCFG_PASID_SHIFT);
	assert_int_equal(mmio_command(bed->dev, SIOV_CMD_ENABLE_WQ, 1), 0);
	mmio_set(bed->dev, mode, value | OTHER << SIOV_WQCFG_PASID_SHIFT);
	assert_int_equal(mmio_get(bed->dev, mode), value | PASID << SIOV_WQCFG_PASID_SHIFT);
	assert_int_equal(siov_dev_get_conf(bed->dev)->wqs[1].pasid, PASID);
}

static void
test_s7_4_4_the_layout_follows_the_page_size(void **state)
{
	struct adi_bed *bed = *state;
	struct siov_bars small, large;
	uint32_t id;

	siov_dev_bars(bed->dev, &small);
	assert_int_equal(siov_dev_set_page_bytes(bed->dev, 8192), -EINVAL);
	assert_int_equal(siov_dev_set_page_bytes(bed->dev, 65536), 0);
	siov_dev_bars(bed->dev, &large);
	assert_true(large.ims % 65536 == 0 && large.size0 > small.size0);
	assert_int_equal(mmio_get(bed->dev, SIOV_REG_OFFSETS + 4) >> 16, large.ims >> 8);
	id = adi_bed_context(bed, PASID);
	assert_int_equal(read_page(bed, id & ADI_INDEX_MASK, SIOV_ADI_REG_PASID), PASID);
	assert_int_equal(siov_dev_set_page_bytes(bed->dev, 4096), -EBUSY);
}

/* Portals take descriptors by their own calls; what else is written there goes nowhere. */
static void
test_portal_pages_and_holes_read_as_ones(void **state)
{
	struct adi_bed *bed = *state;
	struct siov_bars bars;
	uint64_t value;

	siov_dev_bars(bed->dev, &bars);
	assert_int_equal(siov_dev_mmio_write(bed->dev, 2, 0, 8, 1), 0);
	assert_int_equal(siov_dev_mmio_read(bed->dev, 2, 0, 8, &value), 0);
	assert_true(value == UINT64_MAX);
	assert_int_equal(siov_dev_mmio_read(bed->dev, 0, bars.size0 - 4, 4, &value), 0);
	assert_true(value == UINT32_MAX);
}

/* ---- little on the device ---- */

static void
test_s7_1_3_a_context_is_little_state(void **state)
{
	struct adi_bed *bed = *state;
	size_t before = siov_dev_adi_memory(bed->dev) + siov_dev_pasid_memory(bed->dev);
	unsigned int nb = 1024, i;

	for (i = 0; i < nb; i++) {
		const struct siov_adi_conf conf = {.pasid = 1000 + i};
		uint32_t id;

		assert_int_equal(
			siov_dev_adi_alloc(bed->dev, SIOV_ADI_CONTEXT, SIOV_ADI_PROCESS, &id), 0);
		assert_int_equal(siov_dev_adi_configure(bed->dev, id, &conf), 0);
		assert_int_equal(siov_dev_adi_enable(bed->dev, id), 0);
	}
	assert_true(siov_dev_adi_memory(bed->dev) + siov_dev_pasid_memory(bed->dev) - before <
		    512 * nb);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ADI_TEST(test_capabilities_tell_what_the_device_can),
		ADI_TEST(test_the_configuration_shows_in_its_tables),
		ADI_TEST(test_bad_accesses_are_refused_and_change_nothing),
		ADI_TEST(test_s7_6_5_an_error_is_told_by_register_and_vector),
		ADI_TEST(test_s7_5_7_entries_are_programmed_through_the_bar),
		cmocka_unit_test(test_s7_5_6_without_ims_adis_have_vectors),
		cmocka_unit_test(test_s7_5_5_entries_lie_in_host_memory),
		ADI_TEST(test_s7_4_1_each_adi_has_a_page_of_its_own),
		ADI_TEST(test_s7_6_2_a_pasid_is_the_hosts_to_change),
		ADI_TEST(test_s7_4_4_the_layout_follows_the_page_size),
		ADI_TEST(test_portal_pages_and_holes_read_as_ones),
		ADI_TEST(test_s7_1_3_a_context_is_little_state),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

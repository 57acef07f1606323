/* SPDX-License-Identifier: BSD-3-Clause */
/* The driver against devices that are broken: it says so, and goes nowhere where nothing is. */
#include <errno.h>
#include <string.h>

#include <linux/pci_regs.h>

#include "fake_driver.h"

#define SEEDS 3000u
#define CFG_READS_MAX 400u /* of a probe, whatever the lists say */

/* A probe of it fails so, and has stopped it. */
static void
expect_probe(struct siov_vcpu *vcpu, int error)
{
	struct siov_guest *guest;
	uint32_t command;

	assert_int_equal(probe(vcpu, &guest), error);
	memcpy(&command, vcpu->cfg + PCI_COMMAND, sizeof(command));
	assert_int_equal(command & (PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER), 0);
	fake_vcpu_close(vcpu);
}

/* ---- a device that is well ---- */

static void
use(struct siov_vcpu *vcpu)
{
	struct siov_guest *guest = must_probe(vcpu, NULL);
	struct siov_guest_queue queue;
	struct siov_guest_info info;
	unsigned int i;

	siov_guest_get_info(guest, &info);
	assert_int_equal(info.version, SIOV_REG_VERSION_1_0);
	assert_int_equal(info.nb_wqs, FAKE_WQS);
	assert_int_equal(info.xfer_max, 1u << 20);
	assert_int_equal(info.batch_max, 32);
	assert_int_equal(info.nb_vectors, FAKE_VECTORS);
	assert_true(info.has_channel);
	for (i = 0; i < FAKE_VECTORS; i++) {
		assert_int_equal(vcpu->table[4 * i], siov_vcpu_msi_addr(5));
		assert_int_equal(vcpu->table[4 * i + 2], VECTOR + i);
	}
	assert_int_equal(siov_guest_wq_enable(guest, 1, PASID), 0);
	assert_int_equal(siov_guest_wq_enable(guest, 1, PASID), -EINVAL);
	assert_int_equal(fake_reg(vcpu, SIOV_VDEV_WQCFG + 32 + SIOV_WQCFG_MODE),
			 SIOV_WQCFG_DEDICATED | SIOV_WQCFG_PASID_EN | PASID << 8);
	assert_int_equal(siov_guest_handle(guest, 1), 112);
	assert_int_equal(siov_guest_open(guest, vcpu, 1, PASID, &queue), 0);
	assert_true(queue.is_dedicated);
	assert_int_equal(vcpu->portal, FAKE_SLOT + FAKE_BAR2 * 0 + 6 * 4096);
	assert_int_equal(siov_guest_remove(guest), -EBUSY);
	siov_guest_close(&queue);
	siov_guest_close(&queue);
	assert_int_equal(siov_guest_wq_disable(guest, 1), 0);
	assert_int_equal(siov_guest_wq_enable(guest, FAKE_WQS, PASID), -EINVAL);
	assert_int_equal(siov_guest_wq_enable(guest, 1, SIOV_PASID_MAX + 1), -EINVAL);
	assert_int_equal(siov_guest_wq_drain(guest, FAKE_WQS), -EINVAL);
	assert_int_equal(siov_guest_open(guest, vcpu, FAKE_WQS, PASID, &queue), -EINVAL);
	assert_int_equal(siov_guest_handle(guest, FAKE_WQS), UINT32_MAX);
	assert_int_equal(siov_guest_remove(guest), 0);
	assert_int_equal(fake_reg(vcpu, SIOV_REG_GENSTS), SIOV_GENSTS_DISABLED);
}

static void
test_a_device_that_is_well(void **state)
{
	struct siov_vcpu *vcpu = fake_vcpu_open();

	(void)state;
	use(vcpu);
	/* Again, and where each read traps. */
	memset(vcpu->nb_commands, 0, sizeof(vcpu->nb_commands));
	vcpu->has_no_map = true;
	use(vcpu);
	fake_vcpu_close(vcpu);
}

static void
test_a_conf_that_is_wrong(void **state)
{
	struct siov_vcpu *vcpu = fake_vcpu_open();
	struct siov_guest_conf conf = conf_of(NULL);
	struct siov_guest *guest;

	(void)state;
	conf.first_vector = 31;
	assert_int_equal(siov_guest_probe(vcpu, &conf, &guest), -EINVAL);
	conf.first_vector = 201;
	assert_int_equal(siov_guest_probe(vcpu, &conf, &guest), -EINVAL);
	conf = conf_of(NULL);
	conf.state_gpa = FAKE_RAM - 4088;
	assert_int_equal(siov_guest_probe(vcpu, &conf, &guest), -EINVAL);
	conf.state_gpa = 4;
	assert_int_equal(siov_guest_probe(vcpu, &conf, &guest), -EINVAL);
	conf = conf_of(NULL);
	conf.bdf++;
	assert_int_equal(siov_guest_probe(vcpu, &conf, &guest), -ENODEV);
	fake_vcpu_close(vcpu);
}

/* ---- configuration space ---- */

static void
test_capability_lists_of_garbage_end(void **state)
{
	static const uint16_t heads[] = {
		PCI_CAP_ID_PM | FAKE_EXPRESS << 8, /* in a circle */
		0xffff,
		PCI_CAP_ID_PM | 0xfc << 8,
		PCI_CAP_ID_PM,
		PCI_CAP_ID_PM | 0x10 << 8,
	};
	unsigned int i;

	(void)state;
	for (i = 0; i < RTE_DIM(heads); i++) {
		struct siov_vcpu *vcpu = fake_vcpu_open();
		struct siov_guest *guest;

		fake_set_cfg(vcpu, FAKE_EXPRESS, 2, heads[i]);
		assert_int_equal(probe(vcpu, &guest), -ENOTSUP);
		assert_true(vcpu->nb_cfg_reads < CFG_READS_MAX);
		fake_vcpu_close(vcpu);
	}
}

static void
test_capabilities_that_are_cut_off(void **state)
{
	struct siov_vcpu *vcpu = fake_vcpu_open();
	struct siov_guest *guest;

	(void)state;
	fake_set_cfg(vcpu, FAKE_EXPRESS, 2, PCI_CAP_ID_EXP | 0xf8 << 8);
	fake_set_cfg(vcpu, 0xf8, 2, PCI_CAP_ID_MSIX);
	assert_int_equal(probe(vcpu, &guest), -ENOTSUP);
	fake_set_cfg(vcpu, PCI_STATUS, 2, 0);
	assert_int_equal(probe(vcpu, &guest), -ENOTSUP);
	fake_set_cfg(vcpu, PCI_HEADER_TYPE, 1, PCI_HEADER_TYPE_BRIDGE);
	assert_int_equal(probe(vcpu, &guest), -ENOTSUP);
	vcpu->is_gone = true;
	assert_int_equal(probe(vcpu, &guest), -ENODEV);
	fake_vcpu_close(vcpu);
}

static void
test_bars_that_cannot_be(void **state)
{
	static const struct {
		uint64_t bytes[2];
		uint64_t slot_bytes;
		uint32_t type;
	} rows[] = {
		{{0, FAKE_BAR2}, FAKE_SLOT_BYTES, 0xc},
		{{FAKE_BAR0, 0}, FAKE_SLOT_BYTES, 0xc},
		{{2048, FAKE_BAR2}, FAKE_SLOT_BYTES, 0xc},
		{{0x5000, FAKE_BAR2}, FAKE_SLOT_BYTES, 0xc},
		{{FAKE_BAR0, UINT64_C(1) << 62}, FAKE_SLOT_BYTES, 0xc},
		{{FAKE_BAR0, UINT64_C(1) << 63}, FAKE_SLOT_BYTES, 0xc},
		{{FAKE_BAR0, FAKE_BAR2}, FAKE_BAR0 + FAKE_BAR2 - 1, 0xc},
		{{FAKE_BAR0, FAKE_BAR2}, 0, 0xc},
		{{FAKE_BAR0, FAKE_BAR2}, UINT64_MAX, 0xc},
		{{FAKE_BAR0, FAKE_BAR2}, FAKE_SLOT_BYTES, 0x1},
		{{FAKE_BAR0, FAKE_BAR2}, FAKE_SLOT_BYTES, 0x0},
		{{FAKE_BAR0, 0x8000}, FAKE_SLOT_BYTES, 0xc}, /* 3 queues need more */
	};
	unsigned int i;

	(void)state;
	for (i = 0; i < RTE_DIM(rows); i++) {
		struct siov_vcpu *vcpu = fake_vcpu_open();

		vcpu->bar_bytes[0] = rows[i].bytes[0];
		vcpu->bar_bytes[1] = rows[i].bytes[1];
		vcpu->slot_bytes = rows[i].slot_bytes;
		fake_set_cfg(vcpu, PCI_BASE_ADDRESS_0, 4, rows[i].type);
		expect_probe(vcpu, -ENOTSUP);
	}
}

static void
test_a_slot_that_is_none_and_bars_that_do_not_stay(void **state)
{
	struct siov_vcpu *vcpu = fake_vcpu_open();

	(void)state;
	vcpu->has_no_slot = true;
	expect_probe(vcpu, -ENODEV);
	vcpu = fake_vcpu_open();
	vcpu->has_loose_bars = true;
	expect_probe(vcpu, -ENOTSUP);
}

static void
test_msix_tables_out_of_the_bar(void **state)
{
	static const uint32_t tables[] = {FAKE_BAR0, FAKE_BAR0 - 48, 4096 | 1,
					  4096 | 7,  0xfffffff8,     FAKE_BAR2 + 2};
	unsigned int i;

	(void)state;
	for (i = 0; i < RTE_DIM(tables); i++) {
		struct siov_vcpu *vcpu = fake_vcpu_open();

		fake_set_cfg(vcpu, FAKE_MSIX + PCI_MSIX_TABLE, 4, tables[i]);
		expect_probe(vcpu, -ENOTSUP);
	}
}

static void
test_more_vectors_than_there_is_room_for(void **state)
{
	struct siov_vcpu *vcpu = fake_vcpu_open();
	struct siov_guest_info info;
	struct siov_guest *guest;

	(void)state;
	fake_set_cfg(vcpu, FAKE_MSIX + PCI_MSIX_FLAGS, 2, 511);
	guest = must_probe(vcpu, NULL);
	siov_guest_get_info(guest, &info);
	assert_int_equal(info.nb_vectors, SIOV_VDEV_VECTORS_MAX);
	assert_int_equal(siov_guest_remove(guest), 0);
	fake_vcpu_close(vcpu);
}

/* ---- registers ---- */

static void
test_registers_that_cannot_be(void **state)
{
	static const struct {
		uint32_t offset, value;
	} rows[] = {
		{SIOV_REG_VERSION, 0},
		{SIOV_REG_VERSION, UINT32_MAX},
		{SIOV_REG_VERSION, 0x300},
		{SIOV_REG_WQCAP, 64},
		{SIOV_REG_WQCAP, 64 | 3 << 16 | 0xf << 24},
		{SIOV_REG_WQCAP, 64 | 255 << 16 | 4 << 24},
		{SIOV_REG_OFFSETS, 0},
		{SIOV_REG_OFFSETS, UINT32_MAX},
		{SIOV_REG_OFFSETS, 16 << 16},
		{SIOV_REG_GRPCAP, 0},
		{SIOV_REG_ENGCAP, 0x100},
		{SIOV_VREG_PAGE_BYTES, 0},
		{SIOV_VREG_PAGE_BYTES, 4097},
		{SIOV_VREG_PAGE_BYTES, 0x80000000},
		{SIOV_VREG_CHANNEL, 0},
		{SIOV_VREG_CHANNEL, 8192 + 4},
		{SIOV_VREG_CHANNEL, FAKE_BAR0 - 1024},
		{SIOV_VREG_CHANNEL, 0xffffffc0},
		{SIOV_VREG_SLOTS, 17},
	};
	unsigned int i;

	(void)state;
	for (i = 0; i < RTE_DIM(rows); i++) {
		struct siov_vcpu *vcpu = fake_vcpu_open();

		fake_set_reg(vcpu, rows[i].offset, rows[i].value);
		expect_probe(vcpu, -ENOTSUP);
	}
}

static void
test_more_queues_than_there_is_room_for(void **state)
{
	struct siov_vcpu *vcpu = fake_vcpu_open();
	struct siov_guest_queue queue;
	struct siov_guest_info info;
	struct siov_guest *guest;

	(void)state;
	vcpu->bar_bytes[1] = UINT64_C(1) << 18;
	fake_set_reg(vcpu, SIOV_REG_WQCAP, 64 | 255u << SIOV_WQCAP_NUM_SHIFT);
	guest = must_probe(vcpu, NULL);
	siov_guest_get_info(guest, &info);
	assert_int_equal(info.nb_wqs, SIOV_GUEST_WQS_MAX);
	/* Without entries a queue is not one. */
	assert_int_equal(info.wqs[8].size, 0);
	assert_int_equal(siov_guest_wq_enable(guest, 8, PASID), -EINVAL);
	assert_int_equal(siov_guest_open(guest, vcpu, 8, PASID, &queue), -EINVAL);
	assert_int_equal(siov_guest_remove(guest), 0);
	fake_vcpu_close(vcpu);
}

static uint32_t
next_random(uint64_t *seed)
{
	*seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return *seed >> 33;
}

static bool
is_documented(int ret)
{
	return ret == 0 || ret == -ENODEV || ret == -ENOTSUP || ret == -EIO || ret == -ETIMEDOUT;
}

/* What the driver made of it is used once; a queue it believes in lies in the BARs. */
static void
try_it(struct siov_vcpu *vcpu, uint64_t *seed)
{
	struct siov_guest_queue queue;
	struct siov_guest *guest;
	uint64_t arg[6] = {1};
	unsigned int i;
	int ret;

	vcpu->answer = next_random(seed) % (FAKE_HALT + 1);
	vcpu->never = next_random(seed) & next_random(seed) & next_random(seed) & next_random(seed);
	ret = probe(vcpu, &guest);
	assert_true(is_documented(ret));
	assert_true(vcpu->nb_cfg_reads < CFG_READS_MAX);
	if (ret != 0)
		return;
	for (i = 0; i < SIOV_GUEST_WQS_MAX; i++) {
		if (siov_guest_open(guest, vcpu, i, PASID, &queue) == 0)
			siov_guest_close(&queue);
	}
	siov_guest_call(guest, SIOV_VOP_ECHO, arg, NULL);
	fake_cause(vcpu, next_random(seed));
	assert_true(siov_guest_poll(guest) <= 64);
	siov_guest_remove(guest);
}

static void
test_devices_at_random(void **state)
{
	uint64_t seed;
	unsigned int i, n;

	(void)state;
	for (n = 1; n <= SEEDS; n++) {
		struct siov_vcpu *vcpu = fake_vcpu_open();

		seed = n;
		/* A few bytes, or most of them. */
		for (i = next_random(&seed) % (n % 3 == 0 ? 2000 : 10); i > 0; i--) {
			uint32_t value = next_random(&seed);

			if (value & 1)
				vcpu->regs[(value >> 1) % 0xc30] = (uint8_t)next_random(&seed);
			else
				vcpu->cfg[4 + (value >> 1) % 252] = (uint8_t)next_random(&seed);
		}
		try_it(vcpu, &seed);
		fake_vcpu_close(vcpu);
	}
}

/* ---- commands ---- */

static void
test_commands_that_never_end_or_fail(void **state)
{
	static const enum siov_cmd codes[] = {SIOV_CMD_RESET_DEVICE, SIOV_CMD_ENABLE_DEVICE};
	uint64_t begin_ns;
	unsigned int i;

	(void)state;
	for (i = 0; i < RTE_DIM(codes); i++) {
		struct siov_vcpu *vcpu = fake_vcpu_open();

		vcpu->never = 1u << codes[i];
		begin_ns = fake_now_ns();
		expect_probe(vcpu, -ETIMEDOUT);
		assert_in_range(fake_now_ns() - begin_ns, UINT64_C(1000000) * GUEST_CMD_MS,
				UINT64_C(1100000) * GUEST_CMD_MS);
		vcpu = fake_vcpu_open();
		vcpu->status[codes[i]] = SIOV_CMD_HW_ERROR;
		expect_probe(vcpu, -EIO);
	}
}

static void
test_commands_of_a_queue_that_never_end_or_fail(void **state)
{
	struct siov_vcpu *vcpu = fake_vcpu_open();
	struct siov_guest *guest = must_probe(vcpu, NULL);

	(void)state;
	vcpu->status[SIOV_CMD_ENABLE_WQ] = SIOV_CMD_WQ_PASID_EN;
	assert_int_equal(siov_guest_wq_enable(guest, 0, PASID), -EIO);
	vcpu->status[SIOV_CMD_ENABLE_WQ] = SIOV_CMD_HW_ERROR | EAGAIN << SIOV_CMDSTS_RESULT_SHIFT;
	assert_int_equal(siov_guest_wq_enable(guest, 0, PASID), -EAGAIN);
	vcpu->status[SIOV_CMD_ENABLE_WQ] = 0;
	/* It says success, and did nothing. */
	vcpu->is_idle = true;
	assert_int_equal(siov_guest_wq_enable(guest, 0, PASID), -EIO);
	vcpu->is_idle = false;
	assert_int_equal(siov_guest_wq_enable(guest, 0, PASID), 0);
	vcpu->is_idle = true;
	assert_int_equal(siov_guest_wq_disable(guest, 0), -EIO);
	vcpu->is_idle = false;
	vcpu->never = 1u << SIOV_CMD_DRAIN_WQ;
	assert_int_equal(siov_guest_wq_drain(guest, 0), -ETIMEDOUT);
	/* The next one is not written over it. */
	assert_int_equal(siov_guest_wq_abort(guest, 0), -ETIMEDOUT);
	assert_int_equal(vcpu->nb_commands[SIOV_CMD_ABORT_WQ], 0);
	assert_int_equal(siov_guest_remove(guest), -ETIMEDOUT);
	fake_vcpu_close(vcpu);
}

static void
test_a_queue_without_handle_works(void **state)
{
	struct siov_vcpu *vcpu = fake_vcpu_open();
	struct siov_guest *guest;

	(void)state;
	vcpu->status[SIOV_CMD_REQUEST_HANDLE] = SIOV_CMD_NO_HANDLE_FOR;
	guest = must_probe(vcpu, NULL);
	assert_int_equal(siov_guest_wq_enable(guest, 0, PASID), 0);
	assert_int_equal(siov_guest_handle(guest, 0), UINT32_MAX);
	assert_int_equal(siov_guest_remove(guest), 0);
	/* No such command: a handle is the vector's number. */
	fake_set_reg(vcpu, SIOV_REG_GENCAP, 0);
	memset(vcpu->nb_commands, 0, sizeof(vcpu->nb_commands));
	guest = must_probe(vcpu, NULL);
	assert_int_equal(siov_guest_handle(guest, 2), 3);
	assert_int_equal(vcpu->nb_commands[SIOV_CMD_REQUEST_HANDLE], 0);
	assert_int_equal(siov_guest_remove(guest), 0);
	/* Fewer vectors than queues. */
	fake_set_cfg(vcpu, FAKE_MSIX + PCI_MSIX_FLAGS, 2, 1);
	guest = must_probe(vcpu, NULL);
	assert_int_equal(siov_guest_handle(guest, 0), 1);
	assert_int_equal(siov_guest_handle(guest, 1), UINT32_MAX);
	assert_int_equal(siov_guest_remove(guest), 0);
	fake_vcpu_close(vcpu);
}

static void
test_a_vm_that_stops_ends_all_waits(void **state)
{
	struct siov_vcpu *vcpu = fake_vcpu_open();
	struct siov_guest *guest = must_probe(vcpu, NULL);
	uint64_t arg[6] = {0};

	(void)state;
	vcpu->polls_left = 0;
	assert_int_equal(siov_guest_wq_drain(guest, 0), -ESHUTDOWN);
	assert_int_equal(siov_guest_call(guest, SIOV_VOP_ECHO, arg, NULL), -ESHUTDOWN);
	assert_int_equal(siov_guest_poll(guest), -ESHUTDOWN);
	assert_int_equal(siov_guest_remove(guest), -ESHUTDOWN);
	assert_int_equal(probe(vcpu, &guest), -ESHUTDOWN);
	vcpu->polls_left = UINT64_MAX;
	guest = must_probe(vcpu, NULL);
	vcpu->polls_left = 0;
	assert_int_equal(siov_guest_reset(guest), -ESHUTDOWN);
	siov_guest_detach(guest);
	fake_vcpu_close(vcpu);
}

/* ---- reset ---- */

static void
test_function_level_reset(void **state)
{
	struct siov_vcpu *vcpu = fake_vcpu_open();
	struct siov_guest *guest = must_probe(vcpu, NULL);
	struct siov_guest_info info;

	(void)state;
	assert_int_equal(siov_guest_wq_enable(guest, 1, PASID), 0);
	vcpu->flr_polls = 30;
	assert_int_equal(siov_guest_reset(guest), 0);
	assert_int_equal(vcpu->flr_polls, 0);
	siov_guest_get_info(guest, &info);
	assert_false(info.wqs[1].is_enabled);
	assert_int_equal(siov_guest_wq_enable(guest, 1, PASID), 0);
	vcpu->flr_polls = UINT64_MAX;
	assert_int_equal(siov_guest_reset(guest), -ETIMEDOUT);
	vcpu->flr_polls = 0;
	fake_set_cfg(vcpu, FAKE_EXPRESS + PCI_EXP_DEVCAP, 4, 0);
	assert_int_equal(siov_guest_reset(guest), -ENOTSUP);
	fake_set_cfg(vcpu, FAKE_EXPRESS + PCI_EXP_DEVCAP, 4, PCI_EXP_DEVCAP_FLR);
	assert_int_equal(siov_guest_reset(guest), 0);
	assert_int_equal(siov_guest_remove(guest), 0);
	fake_vcpu_close(vcpu);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_device_that_is_well),
		cmocka_unit_test(test_a_conf_that_is_wrong),
		cmocka_unit_test(test_capability_lists_of_garbage_end),
		cmocka_unit_test(test_capabilities_that_are_cut_off),
		cmocka_unit_test(test_bars_that_cannot_be),
		cmocka_unit_test(test_a_slot_that_is_none_and_bars_that_do_not_stay),
		cmocka_unit_test(test_msix_tables_out_of_the_bar),
		cmocka_unit_test(test_more_vectors_than_there_is_room_for),
		cmocka_unit_test(test_registers_that_cannot_be),
		cmocka_unit_test(test_more_queues_than_there_is_room_for),
		cmocka_unit_test(test_devices_at_random),
		cmocka_unit_test(test_commands_that_never_end_or_fail),
		cmocka_unit_test(test_commands_of_a_queue_that_never_end_or_fail),
		cmocka_unit_test(test_a_queue_without_handle_works),
		cmocka_unit_test(test_a_vm_that_stops_ends_all_waits),
		cmocka_unit_test(test_function_level_reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

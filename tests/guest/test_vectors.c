/* SPDX-License-Identifier: BSD-3-Clause */
/* Interrupts of a VDEV, the channel, errors and halts, as a guest meets them. */
#include <errno.h>

#include <linux/pci_regs.h>

#include "driver_bed.h"

#define ENTRY_BYTES 16u
#define ECHOES 40u

static uint64_t
bar_of(struct driver_bed *bed, unsigned int reg)
{
	uint64_t low = siov_vcpu_cfg_read(bed->vcpu, bed->bdf, reg, 4) & ~15u;

	return low | (uint64_t)siov_vcpu_cfg_read(bed->vcpu, bed->bdf, reg + 4, 4) << 32;
}

static uint64_t
page1_of(struct driver_bed *bed)
{
	return bar_of(bed, PCI_BASE_ADDRESS_0) + 4096;
}

/* Program an entry of the MSI-X table, as system software does. */
static void
program(struct driver_bed *bed, unsigned int i, unsigned int vcpu, unsigned int vector)
{
	uint64_t entry = page1_of(bed) + i * ENTRY_BYTES;

	siov_vcpu_mmio_write(bed->vcpu, entry + PCI_MSIX_ENTRY_LOWER_ADDR, 4,
			     siov_vcpu_msi_addr(vcpu));
	siov_vcpu_mmio_write(bed->vcpu, entry + PCI_MSIX_ENTRY_DATA, 4, vector);
}

static void
set_mask(struct driver_bed *bed, unsigned int i, bool is_masked)
{
	siov_vcpu_mmio_write(bed->vcpu,
			     page1_of(bed) + i * ENTRY_BYTES + PCI_MSIX_ENTRY_VECTOR_CTRL, 4,
			     is_masked);
}

static uint64_t
pending(struct driver_bed *bed)
{
	return siov_vcpu_mmio_read(bed->vcpu, page1_of(bed) + SIOV_VDEV_MSIX_PBA, 8);
}

/* A vector that must come to a vCPU. */
static int
take(struct driver_bed *bed, unsigned int i)
{
	struct siov_vcpu *vcpu = siov_vm_vcpu(bed->machine->vm, i);
	unsigned int n;
	int vector = -1;

	for (n = 0; n < MACHINE_WAIT_MS && vector < 0; n++) {
		vector = siov_vcpu_take(vcpu);
		if (vector < 0) {
			siov_vcpu_poll(bed->vcpu);
			machine_nap();
		}
	}
	return vector;
}

/* No vector has come to any vCPU. */
static void
expect_none(struct driver_bed *bed)
{
	unsigned int i;

	for (i = 0; i < MACHINE_VCPUS; i++)
		assert_int_equal(siov_vcpu_take(siov_vm_vcpu(bed->machine->vm, i)), -1);
}

/* Have the VDCM raise vector 0: an answer of the channel. */
static void
raise_vdcm(struct driver_bed *bed)
{
	const uint64_t arg[6] = {1};

	assert_int_equal(siov_guest_call(bed->guest, SIOV_VOP_ECHO, arg, NULL), 0);
}

/* Have the ADI of a queue raise its vector. */
static void
raise_adi(struct driver_bed *bed, struct siov_guest_queue *queue)
{
	struct dsa_hw_desc desc = driver_bed_desc(bed, DSA_OPCODE_NOOP, 0);

	desc.flags |= IDXD_OP_FLAG_RCI;
	desc.int_handle = (uint16_t)siov_guest_handle(bed->guest, queue->wq);
	driver_bed_submit(bed, queue, &desc);
	assert_int_equal(driver_bed_wait(bed, 0), DSA_COMP_SUCCESS);
}

/* ---- the virtual table ---- */

struct count {
	struct siov_dev *dev;
	unsigned int nb;
};

static int
count_message(const struct siov_adi_info *info, void *arg)
{
	struct siov_adi_message message;
	struct count *count = arg;

	if (info->conf.nb_messages == 0)
		return 0;
	assert_int_equal(siov_dev_adi_get_message(count->dev, info->id, 0, &message), 0);
	if (message.is_masked)
		return 0;
	/* The host's own, to an entry of the remapping table; nothing that the guest has written. */
	assert_int_not_equal(message.addr, siov_vcpu_msi_addr(0));
	count->nb++;
	return 0;
}

static unsigned int
nb_open_messages(struct driver_bed *bed)
{
	struct count count = {
		.dev = siov_hostdrv_dev(bed->machine->drvs[driver_bed_info(bed).fn]),
	};

	assert_int_equal(siov_dev_adi_walk(count.dev, count_message, &count), 0);
	return count.nb;
}

static void
test_s9_4_2_1_the_table_is_intercepted_and_ims_programmed_by_the_host(void **state)
{
	struct driver_bed *bed = driver_bed_open("mixed", 2);
	struct siov_guest_queue queues[3];
	unsigned int i;
	uint64_t traps;

	(void)state;
	for (i = 0; i < 3; i++)
		driver_bed_use(bed, i, &queues[i]);
	assert_int_equal(nb_open_messages(bed), 3);
	traps = machine_traps(bed->machine);
	program(bed, 2, 1, 99);
	/* Two accesses, and where the BAR is, twice. */
	assert_int_equal(machine_traps(bed->machine), traps + 4);
	set_mask(bed, 2, true);
	assert_int_equal(nb_open_messages(bed), 2);
	raise_adi(bed, &queues[1]);
	assert_int_equal(siov_vcpu_take(siov_vm_vcpu(bed->machine->vm, 1)), -1);
	set_mask(bed, 2, false);
	assert_int_equal(nb_open_messages(bed), 3);
	assert_int_equal(take(bed, 1), 99);
	/* Those of the VDCM go through the VMM. */
	program(bed, 0, 1, 98);
	raise_vdcm(bed);
	assert_int_equal(take(bed, 1), 98);
	for (i = 0; i < 3; i++)
		driver_bed_unuse(bed, &queues[i]);
	driver_bed_close(bed);
}

static void
test_s9_4_2_2_both_sources_come_with_the_vector_that_was_programmed(void **state)
{
	static const struct {
		unsigned int vcpu, vector;
	} rows[] = {{0, 18}, {1, 200}, {2, 255}, {0, 32}};
	struct driver_bed *bed = driver_bed_open("mixed", 1);
	struct siov_guest_queue queues[2];
	unsigned int i, k;

	(void)state;
	driver_bed_use(bed, 0, &queues[0]);
	driver_bed_use(bed, 1, &queues[1]);
	for (i = 0; i < RTE_DIM(rows); i++) {
		for (k = 0; k < 3; k++)
			program(bed, k, (rows[i].vcpu + k) % MACHINE_VCPUS, rows[i].vector - k);
		raise_vdcm(bed);
		assert_int_equal(take(bed, rows[i].vcpu), rows[i].vector);
		for (k = 0; k < 2; k++) {
			raise_adi(bed, &queues[k]);
			assert_int_equal(take(bed, (rows[i].vcpu + 1 + k) % MACHINE_VCPUS),
					 rows[i].vector - 1 - k);
		}
		expect_none(bed);
	}
	driver_bed_unuse(bed, &queues[0]);
	driver_bed_unuse(bed, &queues[1]);
	driver_bed_close(bed);
}

static void
test_s9_4_2_2_masked_vectors_stay_pending_and_come_once(void **state)
{
	struct driver_bed *bed = driver_bed_open("mixed", 1);
	struct siov_guest_queue queue;

	(void)state;
	driver_bed_use(bed, 1, &queue);
	while (siov_vcpu_take(bed->vcpu) >= 0)
		;
	set_mask(bed, 0, true);
	set_mask(bed, 2, true);
	raise_vdcm(bed);
	raise_vdcm(bed);
	raise_adi(bed, &queue);
	raise_adi(bed, &queue);
	expect_none(bed);
	assert_int_equal(pending(bed), 5);
	set_mask(bed, 0, false);
	assert_int_equal(take(bed, 0), BED_VECTOR);
	assert_int_equal(pending(bed), 4);
	set_mask(bed, 2, false);
	assert_int_equal(take(bed, 0), BED_VECTOR + 2);
	assert_int_equal(pending(bed), 0);
	expect_none(bed);
	/* A message that means nothing to the VMM is sent to nobody. */
	program(bed, 0, MACHINE_VCPUS, 64);
	program(bed, 2, 0, 15);
	raise_vdcm(bed);
	raise_adi(bed, &queue);
	expect_none(bed);
	driver_bed_unuse(bed, &queue);
	driver_bed_close(bed);
}

/* ---- the channel ---- */

static void
test_s9_4_3_1_a_request_is_memory_one_write_and_a_vector(void **state)
{
	struct driver_bed *bed = driver_bed_open("swq", 0);
	uint64_t arg[6] = {1, 2, 3, 4, 5, 6}, ret[7], traps;
	unsigned int i;

	(void)state;
	while (siov_vcpu_take(bed->vcpu) >= 0)
		;
	for (i = 0; i < ECHOES; i++) {
		arg[0] = i;
		traps = machine_traps(bed->machine);
		assert_int_equal(siov_guest_call(bed->guest, SIOV_VOP_ECHO, arg, ret), 0);
		assert_memory_equal(ret, arg, sizeof(arg));
		assert_int_equal(machine_traps(bed->machine), traps + 1);
		assert_int_equal(take(bed, 0), BED_VECTOR);
		assert_int_equal(siov_guest_interrupt(bed->guest, BED_VECTOR), 1);
	}
	assert_int_equal(siov_guest_call(bed->guest, SIOV_VOPS, arg, ret), -ENOSYS);
	assert_int_equal(siov_guest_pasid_unbind(bed->guest, 9), -ENOENT);
	assert_int_equal(siov_guest_pasid_bind(bed->guest, 9, 1, 4), -EINVAL);
	assert_int_equal(siov_guest_pasid_bind(bed->guest, 9, 0, 3), -EINVAL);
	driver_bed_close(bed);
}

/* The same by the hardware mailbox: nobody intercepts the guest, who does nothing but store. */
static void
test_s9_4_3_2_a_request_by_mailbox_is_no_intercept(void **state)
{
	struct driver_bed *bed = driver_bed_open("swq", 0);
	struct siov_guest_conf conf = driver_bed_conf(bed);
	uint64_t arg[6] = {1, 2, 3, 4, 5, 6}, ret[7], traps, mbox;
	unsigned int i;

	(void)state;
	assert_int_equal(siov_guest_remove(bed->guest), 0);
	conf.has_mailbox = true;
	assert_int_equal(siov_guest_probe(bed->vcpu, &conf, &bed->guest), 0);
	while (siov_vcpu_take(bed->vcpu) >= 0)
		;
	for (i = 0; i < ECHOES; i++) {
		arg[0] = i;
		traps = machine_traps(bed->machine);
		assert_int_equal(siov_guest_call(bed->guest, SIOV_VOP_ECHO, arg, ret), 0);
		assert_memory_equal(ret, arg, sizeof(arg));
		assert_int_equal(machine_traps(bed->machine), traps);
		assert_int_equal(take(bed, 0), BED_VECTOR);
		assert_int_equal(siov_guest_interrupt(bed->guest, BED_VECTOR), 1);
	}
	/* There is nothing else in the page: other stores, of any width, do nothing, while the control lcore
	 * has turns enough to notice.
	 */
	mbox = bar_of(bed, PCI_BASE_ADDRESS_0) + 3 * 4096;
	traps = machine_traps(bed->machine);
	siov_vcpu_mmio_write(bed->vcpu, mbox, 8, ECHOES + 2);
	siov_vcpu_mmio_write(bed->vcpu, mbox + 4, 4, ECHOES + 2);
	siov_vcpu_mmio_write(bed->vcpu, mbox + 4092, 4, ECHOES + 2);
	assert_int_equal(machine_traps(bed->machine), traps);
	for (i = 0; i < 8; i++)
		siov_vcpu_cfg_read(bed->vcpu, bed->bdf, 0, 4);
	for (i = 0; i < 2; i++)
		assert_int_equal(siov_guest_call(bed->guest, SIOV_VOP_ECHO, arg, ret), 0);
	driver_bed_close(bed);
}

/* ---- what goes wrong ---- */

static void
test_s7_6_5_an_error_without_record_is_told_to_its_guest(void **state)
{
	struct driver_bed *bed = driver_bed_open("mixed", 1);
	struct siov_guest_queue queues[2];
	struct dsa_hw_desc desc;

	(void)state;
	driver_bed_use(bed, 0, &queues[0]);
	driver_bed_use(bed, 1, &queues[1]);
	desc = driver_bed_desc(bed, DSA_OPCODE_NOOP, 0);
	desc.completion_addr = MACHINE_RAM + 4096;
	driver_bed_submit(bed, &queues[0], &desc);
	driver_bed_await(bed, &bed->nb_errors, 1);
	assert_int_equal(bed->code, DSA_COMP_CRA_XLAT);
	/* Acknowledged: the next one is told as well; work goes on. */
	driver_bed_submit(bed, &queues[1], &desc);
	driver_bed_await(bed, &bed->nb_errors, 2);
	driver_bed_copy(bed, &queues[0], 1);
	driver_bed_copy(bed, &queues[1], 2);
	driver_bed_unuse(bed, &queues[0]);
	driver_bed_unuse(bed, &queues[1]);
	driver_bed_close(bed);
}

static void
test_s9_4_2_a_lost_function_is_replaced_and_the_guest_goes_on(void **state)
{
	struct machine *machine = machine_open(NULL);
	struct siov_vdev_conf conf = {.fn = 0, .nb_fns = 2};
	struct driver_bed *bed = driver_bed_open_on(machine, &conf, "mixed", 2);
	struct siov_guest_queue queues[3];
	struct siov_guest_info info;
	unsigned int i;

	(void)state;
	for (i = 0; i < 3; i++) {
		driver_bed_use(bed, i, &queues[i]);
		driver_bed_copy(bed, &queues[i], i);
	}
	assert_int_equal(siov_pci_fail(machine->pci, 0), 0);
	siov_vdcm_wake(machine->vdcm);
	driver_bed_await(bed, &bed->nb_halts, 1);
	assert_int_equal(bed->nb_handles, 1);
	assert_int_equal(driver_bed_info(bed).fn, 1);
	assert_int_equal(driver_bed_info(bed).nb_losses, 1);
	siov_guest_get_info(bed->guest, &info);
	for (i = 0; i < 3; i++) {
		assert_true(info.wqs[i].is_enabled);
		/* The portals are those that it had. */
		driver_bed_copy(bed, &queues[i], i);
		driver_bed_interrupt(bed, &queues[i]);
	}
	raise_vdcm(bed);
	for (i = 0; i < 3; i++)
		driver_bed_unuse(bed, &queues[i]);
	driver_bed_close(bed);
}

/* ---- several devices ---- */

static void
test_vectors_of_two_devices_on_one_vcpu(void **state)
{
	struct driver_bed *bed = driver_bed_open("swq", 0);
	struct siov_guest_conf conf = driver_bed_conf(bed);
	struct siov_guest *other;
	int vector;

	(void)state;
	conf.bdf = machine_plug(bed->machine, "swq", 0);
	conf.state_gpa += 0x80000;
	conf.first_vector = 100;
	assert_int_equal(siov_guest_probe(bed->vcpu, &conf, &other), 0);
	while (siov_vcpu_take(bed->vcpu) >= 0)
		;
	raise_vdcm(bed);
	vector = take(bed, 0);
	assert_int_equal(siov_guest_interrupt(other, vector), 0);
	assert_int_equal(siov_guest_interrupt(bed->guest, vector), 1);
	assert_int_equal(siov_guest_remove(other), 0);
	machine_leave(bed->machine, 0);
	machine_unplug(bed->machine, conf.bdf);
	machine_enter(bed->machine, 0);
	driver_bed_close(bed);
}

static void
test_a_vm_that_stops_ends_the_driver(void **state)
{
	struct driver_bed *bed = driver_bed_open("swq", 0);
	const uint64_t arg[6] = {1};

	(void)state;
	siov_vm_stop(bed->machine->vm);
	assert_int_equal(siov_guest_poll(bed->guest), -ESHUTDOWN);
	assert_int_equal(siov_guest_call(bed->guest, SIOV_VOP_ECHO, arg, NULL), -ESHUTDOWN);
	siov_guest_detach(bed->guest);
	bed->guest = NULL;
	driver_bed_close(bed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_s9_4_2_1_the_table_is_intercepted_and_ims_programmed_by_the_host),
		cmocka_unit_test(
			test_s9_4_2_2_both_sources_come_with_the_vector_that_was_programmed),
		cmocka_unit_test(test_s9_4_2_2_masked_vectors_stay_pending_and_come_once),
		cmocka_unit_test(test_s9_4_3_1_a_request_is_memory_one_write_and_a_vector),
		cmocka_unit_test(test_s9_4_3_2_a_request_by_mailbox_is_no_intercept),
		cmocka_unit_test(test_s7_6_5_an_error_without_record_is_told_to_its_guest),
		cmocka_unit_test(test_s9_4_2_a_lost_function_is_replaced_and_the_guest_goes_on),
		cmocka_unit_test(test_vectors_of_two_devices_on_one_vcpu),
		cmocka_unit_test(test_a_vm_that_stops_ends_the_driver),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

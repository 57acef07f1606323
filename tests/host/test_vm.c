/* SPDX-License-Identifier: BSD-3-Clause */
/* Virtual machines: what a vCPU reaches, what of it traps, and that nobody has to wait for a guest. */
#include <linux/pci_regs.h>

#include "host_bed.h"

#define TABLE_AT 4096u /* page 1 of BAR0 */

/* A VM with one VDEV, its BARs placed, entered by this thread. */
struct guest {
	struct host_bed *bed;
	struct siov_vm *vm;
	struct siov_vcpu *vcpu;
	uint16_t bdf;
	uint64_t bar0, bar2;
};

static void
place(struct guest *guest, uint64_t bar0, uint64_t bar2)
{
	struct siov_vcpu *vcpu = guest->vcpu;

	siov_vcpu_cfg_write(vcpu, guest->bdf, PCI_COMMAND, 2, 0);
	siov_vcpu_cfg_write(vcpu, guest->bdf, PCI_BASE_ADDRESS_0, 4, (uint32_t)bar0);
	siov_vcpu_cfg_write(vcpu, guest->bdf, PCI_BASE_ADDRESS_1, 4, bar0 >> 32);
	siov_vcpu_cfg_write(vcpu, guest->bdf, PCI_BASE_ADDRESS_2, 4, (uint32_t)bar2);
	siov_vcpu_cfg_write(vcpu, guest->bdf, PCI_BASE_ADDRESS_3, 4, bar2 >> 32);
	siov_vcpu_cfg_write(vcpu, guest->bdf, PCI_COMMAND, 2,
			    PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	guest->bar0 = bar0;
	guest->bar2 = bar2;
}

static void
open_guest(struct guest *guest, bool has_loop)
{
	const struct host_bed_conf conf = {.nb_fns = 1, .has_loop = has_loop};
	uint64_t gpa, bytes;

	guest->bed = host_bed_open(&conf);
	guest->vm = host_bed_vm(guest->bed, 2);
	guest->vcpu = siov_vm_vcpu(guest->vm, 0);
	guest->bdf = host_bed_plug(guest->vm, "swq", 0);
	assert_int_equal(siov_vcpu_enter(guest->vcpu), 0);
	assert_true(siov_vcpu_slot(guest->vcpu, guest->bdf, &gpa, &bytes));
	place(guest, gpa, gpa + (1u << 20));
}

static void
close_guest(struct guest *guest)
{
	siov_vcpu_leave(guest->vcpu);
	host_bed_unplug(guest->vm, guest->bdf);
	assert_int_equal(siov_vm_free(guest->vm), 0);
	host_bed_close(guest->bed);
}

static uint64_t
nb_intercepts(const struct guest *guest)
{
	struct siov_vdev_stats stats;

	siov_vdev_get_stats(siov_vm_vdev(guest->vm, guest->bdf), &stats);
	return stats.nb_reads[1] + stats.nb_writes[1];
}

static void
check_kinds(bool has_loop)
{
	struct guest guest;
	const uint32_t *regs;
	uint64_t before;

	open_guest(&guest, has_loop);
	before = nb_intercepts(&guest);
	/* Registers are read, and the channel's memory is used, with no software between. */
	regs = siov_vcpu_map(guest.vcpu, guest.bar0, 4096, false);
	assert_non_null(regs);
	assert_int_equal(regs[SIOV_VREG_MAGIC / 4], SIOV_VREG_MAGIC_VALUE);
	assert_int_equal(siov_vcpu_mmio_read(guest.vcpu, guest.bar0 + SIOV_REG_VERSION, 4), 0x100);
	siov_vcpu_mmio_write(guest.vcpu, guest.bar0 + 2 * 4096, 8, 0x1122334455667788);
	assert_int_equal(siov_vcpu_mmio_read(guest.vcpu, guest.bar0 + 2 * 4096, 8),
			 0x1122334455667788);
	assert_null(siov_vcpu_map(guest.vcpu, guest.bar0, 4096, true));
	assert_int_equal(nb_intercepts(&guest), before);
	/* Writes to registers, and both to the MSI-X table, are not. */
	siov_vcpu_mmio_write(guest.vcpu, guest.bar0 + SIOV_REG_GENCTRL, 4, 1);
	assert_int_equal(nb_intercepts(&guest), before + 1);
	assert_int_equal(regs[SIOV_REG_GENCTRL / 4], 1);
	assert_null(siov_vcpu_map(guest.vcpu, guest.bar0 + TABLE_AT, 16, false));
	siov_vcpu_mmio_write(guest.vcpu, guest.bar0 + TABLE_AT + 8, 4, 77);
	assert_int_equal(siov_vcpu_mmio_read(guest.vcpu, guest.bar0 + TABLE_AT + 8, 4), 77);
	assert_int_equal(nb_intercepts(&guest), before + 3);
	close_guest(&guest);
}

static void
test_s9_4_1_3_reads_of_registers_and_memory_pages_are_not_intercepted(void **state)
{
	(void)state;
	check_kinds(false);
	check_kinds(true);
}

static void
test_bars_lie_where_the_guest_puts_them(void **state)
{
	struct guest guest;
	uint16_t other;

	(void)state;
	open_guest(&guest, false);
	place(&guest, UINT64_C(0x12340000000), UINT64_C(0x56780000000));
	assert_int_equal(siov_vcpu_mmio_read(guest.vcpu, guest.bar0 + SIOV_VREG_MAGIC, 4),
			 SIOV_VREG_MAGIC_VALUE);
	/* Over memory: memory wins. */
	siov_vcpu_mmio_write(guest.vcpu, 0x100c00, 4, 5);
	place(&guest, 0x100000, UINT64_C(0x56780000000));
	assert_int_equal(siov_vcpu_mmio_read(guest.vcpu, 0x100c00, 4), 5);
	/* Over another's: the first one wins, and decodes for itself. */
	place(&guest, UINT64_C(0x12340000000), UINT64_C(0x56780000000));
	other = guest.bdf;
	guest.bdf = host_bed_plug(guest.vm, "dwq", 1);
	place(&guest, UINT64_C(0x12340000000), UINT64_C(0x12340000000));
	assert_int_equal(
		siov_vcpu_mmio_read(guest.vcpu, UINT64_C(0x12340000000) + SIOV_REG_WQCAP, 4) >>
			SIOV_WQCAP_NUM_SHIFT,
		1);
	assert_int_equal(
		siov_vcpu_mmio_read(guest.vcpu, UINT64_C(0x12340000000) + SIOV_REG_WQCAP + 4, 4),
		SIOV_WQCAP_HI_SHARED);
	host_bed_unplug(guest.vm, guest.bdf);
	guest.bdf = other;
	/* Nowhere, of no width, and of no device. */
	assert_int_equal(siov_vcpu_mmio_read(guest.vcpu, UINT64_C(0xdead00000000), 4), UINT32_MAX);
	siov_vcpu_mmio_write(guest.vcpu, UINT64_C(0xdead00000000), 4, 1);
	assert_int_equal(siov_vcpu_mmio_read(guest.vcpu, guest.bar0 + 1, 4), UINT64_MAX);
	assert_int_equal(siov_vcpu_cfg_read(guest.vcpu, 0xfff8, 0, 4), UINT32_MAX);
	close_guest(&guest);
}

/* ---- traps under way ---- */

struct trapper {
	struct guest *guest;
	struct siov_vcpu *vcpu;
	SIOV_ATOMIC(uint32_t) stop;
	SIOV_ATOMIC(uint64_t) nb;
	pthread_t thread;
};

static void *
run_trapper(void *arg)
{
	struct trapper *trapper = arg;

	assert_int_equal(siov_vcpu_enter(trapper->vcpu), 0);
	while (siov_vcpu_poll(trapper->vcpu) && !siov_atomic_load(&trapper->stop, relaxed)) {
		assert_int_equal(
			siov_vcpu_cfg_read(trapper->vcpu, trapper->guest->bdf, PCI_VENDOR_ID, 2),
			SIOV_VDEV_VENDOR);
		siov_atomic_fetch_add(&trapper->nb, 1, relaxed);
	}
	siov_vcpu_leave(trapper->vcpu);
	return NULL;
}

static void
start_trapper(struct trapper *trapper, struct guest *guest, struct siov_vcpu *vcpu)
{
	*trapper = (struct trapper){.guest = guest, .vcpu = vcpu};
	assert_int_equal(pthread_create(&trapper->thread, NULL, run_trapper, trapper), 0);
	while (siov_atomic_load(&trapper->nb, relaxed) == 0)
		host_bed_nap();
}

static void
test_a_vm_is_paused_outside_of_its_guest(void **state)
{
	struct trapper trapper;
	struct guest guest;
	uint64_t nb;
	unsigned int i;

	(void)state;
	open_guest(&guest, true);
	/* This thread's vCPU never looks whether it is to stop: it cannot be paused. */
	start_trapper(&trapper, &guest, siov_vm_vcpu(guest.vm, 1));
	assert_int_equal(siov_vm_pause(guest.vm, 20), -ETIMEDOUT);
	nb = siov_atomic_load(&trapper.nb, relaxed);
	while (siov_atomic_load(&trapper.nb, relaxed) == nb)
		host_bed_nap();
	siov_vcpu_leave(guest.vcpu);
	for (i = 0; i < 20; i++) {
		assert_int_equal(siov_vm_pause(guest.vm, HOST_BED_MS), 0);
		nb = siov_atomic_load(&trapper.nb, relaxed);
		host_bed_nap();
		assert_int_equal(siov_atomic_load(&trapper.nb, relaxed), nb);
		siov_vm_unpause(guest.vm);
		while (siov_atomic_load(&trapper.nb, relaxed) == nb)
			host_bed_nap();
	}
	assert_int_equal(siov_vm_free(guest.vm), -EBUSY);
	assert_int_equal(siov_vm_pause(guest.vm, HOST_BED_MS), 0);
	siov_vm_stop(guest.vm);
	pthread_join(trapper.thread, NULL);
	assert_int_equal(siov_vcpu_enter(guest.vcpu), -ESHUTDOWN);
	host_bed_unplug(guest.vm, guest.bdf);
	assert_int_equal(siov_vm_free(guest.vm), 0);
	host_bed_close(guest.bed);
}

static void
test_one_vm_that_traps_without_end_does_not_starve_another(void **state)
{
	struct trapper first, second, third;
	struct guest guest, other;
	unsigned int i;

	(void)state;
	open_guest(&guest, true);
	siov_vcpu_leave(guest.vcpu);
	other = guest;
	other.vm = host_bed_vm(guest.bed, 1);
	other.bdf = host_bed_plug(other.vm, "swq", 0);
	start_trapper(&first, &guest, siov_vm_vcpu(guest.vm, 0));
	start_trapper(&second, &guest, siov_vm_vcpu(guest.vm, 1));
	start_trapper(&third, &other, siov_vm_vcpu(other.vm, 0));
	for (i = 0; i < 50; i++) {
		uint64_t nb = siov_atomic_load(&third.nb, relaxed);

		while (siov_atomic_load(&third.nb, relaxed) == nb)
			host_bed_nap();
	}
	siov_atomic_store(&first.stop, 1, relaxed);
	siov_atomic_store(&second.stop, 1, relaxed);
	siov_atomic_store(&third.stop, 1, relaxed);
	pthread_join(first.thread, NULL);
	pthread_join(second.thread, NULL);
	pthread_join(third.thread, NULL);
	host_bed_unplug(other.vm, other.bdf);
	assert_int_equal(siov_vm_free(other.vm), 0);
	assert_int_equal(siov_vcpu_enter(guest.vcpu), 0);
	close_guest(&guest);
}

/* A control lcore that is stuck elsewhere. */
static enum siov_loop_next
block(void *arg)
{
	SIOV_ATOMIC(uint32_t) *is_blocked = arg;

	while (siov_atomic_load(is_blocked, relaxed))
		host_bed_nap();
	return SIOV_LOOP_SLEEP;
}

static void
test_a_trap_without_answer_reads_as_all_ones(void **state)
{
	SIOV_ATOMIC(uint32_t) is_blocked = 1;
	struct siov_loop_source *source;
	struct siov_vm_stats stats;
	struct guest guest;

	(void)state;
	open_guest(&guest, true);
	siov_vmm_set_timeout(guest.bed->vmm, 100);
	assert_int_equal(siov_loop_add(guest.bed->loop, -1, block, (void *)&is_blocked, &source),
			 0);
	host_bed_nap();
	assert_int_equal(siov_vcpu_cfg_read(guest.vcpu, guest.bdf, 0, 4), UINT32_MAX);
	siov_vm_get_stats(guest.vm, &stats);
	assert_int_equal(stats.nb_timeouts, 1);
	siov_atomic_store(&is_blocked, 0, relaxed);
	siov_vmm_set_timeout(guest.bed->vmm, HOST_BED_MS);
	assert_int_equal(siov_vcpu_cfg_read(guest.vcpu, guest.bdf, 0, 2), SIOV_VDEV_VENDOR);
	siov_loop_remove(source);
	close_guest(&guest);
}

static void
test_s9_4_1_a_vdev_is_a_virtual_pci_express_device(void **state)
{
	struct guest guest;
	uint32_t cap, size;

	(void)state;
	open_guest(&guest, true);
	assert_int_equal(siov_vcpu_cfg_read(guest.vcpu, guest.bdf, 0, 4), 0x0b258086);
	cap = siov_vcpu_cfg_read(guest.vcpu, guest.bdf, PCI_CAPABILITY_LIST, 1);
	assert_int_equal(siov_vcpu_cfg_read(guest.vcpu, guest.bdf, cap, 1), PCI_CAP_ID_EXP);
	cap = siov_vcpu_cfg_read(guest.vcpu, guest.bdf, cap + 1, 1);
	assert_int_equal(siov_vcpu_cfg_read(guest.vcpu, guest.bdf, cap, 1), PCI_CAP_ID_MSIX);
	/* A vector for the VDCM and one for its queue. */
	assert_int_equal(siov_vcpu_cfg_read(guest.vcpu, guest.bdf, cap + 2, 2), 1);
	siov_vcpu_cfg_write(guest.vcpu, guest.bdf, PCI_BASE_ADDRESS_0, 4, UINT32_MAX);
	size = siov_vcpu_cfg_read(guest.vcpu, guest.bdf, PCI_BASE_ADDRESS_0, 4);
	assert_int_equal(~(size & ~0xfu) + 1, SIOV_VDEV_PAGES * 4096);
	/* A second one has a requester id of its own. */
	assert_int_not_equal(host_bed_plug(guest.vm, "mixed", 2), guest.bdf);
	host_bed_unplug(guest.vm, 2 << 3);
	close_guest(&guest);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_s9_4_1_a_vdev_is_a_virtual_pci_express_device),
		cmocka_unit_test(
			test_s9_4_1_3_reads_of_registers_and_memory_pages_are_not_intercepted),
		cmocka_unit_test(test_bars_lie_where_the_guest_puts_them),
		cmocka_unit_test(test_a_vm_is_paused_outside_of_its_guest),
		cmocka_unit_test(test_one_vm_that_traps_without_end_does_not_starve_another),
		cmocka_unit_test(test_a_trap_without_answer_reads_as_all_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* VDEVs from the side of a guest's driver: what they are, how they are composed, which path is taken. */
#include <errno.h>

#include <linux/pci_regs.h>

#include "driver_bed.h"
#include "siov_guest_pt.h"

#define BURST 200u
#define CONTEXTS 4u
#define MIB (UINT64_C(1) << 20)
#define GVA UINT64_C(0x7f0000000000)
#define TABLES (2 * MIB)
#define TABLE_ROOM (UINT64_C(64) * 4096)
#define PAGE UINT64_C(4096)
#define HEAP UINT64_C(0x100000) /* pages of the guest's processes */

/* ---- a driver and a device ---- */

static void
test_s9_3_1_a_driver_needs_registers_memory_and_vectors_only(void **state)
{
	struct driver_bed *bed = driver_bed_open("mixed", 2);
	struct siov_guest_queue queues[3];
	struct siov_guest_info info;
	unsigned int i;

	(void)state;
	siov_guest_get_info(bed->guest, &info);
	assert_int_equal(info.nb_wqs, 3);
	assert_int_equal(info.version, SIOV_REG_VERSION_1_0);
	assert_true(info.opcap[0] >> DSA_OPCODE_MEMMOVE & 1);
	assert_true(info.has_channel);
	for (i = 0; i < 3; i++) {
		driver_bed_use(bed, i, &queues[i]);
		driver_bed_copy(bed, &queues[i], i);
		driver_bed_interrupt(bed, &queues[i]);
	}
	/* All commands of a queue, then the way back, then all of it again. */
	for (i = 0; i < 3; i++) {
		assert_int_equal(siov_guest_wq_drain(bed->guest, i), 0);
		assert_int_equal(siov_guest_wq_abort(bed->guest, i), 0);
		driver_bed_copy(bed, &queues[i], i);
		driver_bed_unuse(bed, &queues[i]);
	}
	assert_int_equal(siov_guest_reset(bed->guest), 0);
	driver_bed_use(bed, 0, &queues[0]);
	driver_bed_copy(bed, &queues[0], 0);
	driver_bed_interrupt(bed, &queues[0]);
	assert_int_equal(siov_guest_remove(bed->guest), -EBUSY);
	driver_bed_unuse(bed, &queues[0]);
	driver_bed_close(bed);
}

static uint32_t
cfg(struct driver_bed *bed, unsigned int offset, unsigned int width)
{
	return siov_vcpu_cfg_read(bed->vcpu, bed->bdf, offset, width);
}

static unsigned int
find_cap(struct driver_bed *bed, uint32_t id)
{
	unsigned int at = cfg(bed, PCI_CAPABILITY_LIST, 1);

	while (at != 0 && cfg(bed, at, 1) != id)
		at = cfg(bed, at + 1, 1);
	return at;
}

static void
test_s9_4_1_a_vdev_is_a_virtual_pci_express_device(void **state)
{
	struct driver_bed *bed = driver_bed_open("mixed", 3);
	unsigned int at;

	(void)state;
	/* Its requester id is its own: where the guest finds it, and not that of the function. */
	assert_int_equal(driver_bed_info(bed).rid, bed->bdf);
	assert_int_equal(cfg(bed, PCI_VENDOR_ID, 4), SIOV_VDEV_VENDOR | SIOV_VDEV_DEVICE << 16);
	assert_int_equal(cfg(bed, PCI_CLASS_REVISION, 4) >> 8, 0x088000);
	assert_int_equal(siov_vcpu_cfg_read(bed->vcpu, bed->bdf + 1, 0, 4), UINT32_MAX);
	at = find_cap(bed, PCI_CAP_ID_EXP);
	assert_int_not_equal(at, 0);
	assert_int_equal(cfg(bed, at + PCI_EXP_FLAGS, 2) & PCI_EXP_FLAGS_TYPE,
			 PCI_EXP_TYPE_RC_END << 4);
	assert_int_not_equal(cfg(bed, at + PCI_EXP_DEVCAP, 4) & PCI_EXP_DEVCAP_FLR, 0);
	at = find_cap(bed, PCI_CAP_ID_MSIX);
	assert_int_not_equal(at, 0);
	assert_int_equal(cfg(bed, at + PCI_MSIX_FLAGS, 2) & PCI_MSIX_FLAGS_QSIZE, 4);
	/* BARs are 64-bit and prefetchable, and decode where they are while memory is enabled. */
	assert_int_equal(cfg(bed, PCI_BASE_ADDRESS_0, 4) & 0xf, 0xc);
	assert_int_equal(cfg(bed, PCI_BASE_ADDRESS_2, 4) & 0xf, 0xc);
	at = cfg(bed, PCI_COMMAND, 2);
	assert_int_not_equal(at & PCI_COMMAND_MEMORY, 0);
	driver_bed_close(bed);
}

/* ---- processes of the guest ---- */

/* A process: its page tables in the guest's memory, and one page of data at GVA. */
struct process {
	struct siov_guest_pt *pt;
	uint32_t pasid;
	uint8_t *page;
};

/* Without anything mapped. */
static void
make_tables(struct driver_bed *bed, struct process *process, unsigned int i)
{
	struct siov_guest_pt_conf conf = {
		.hva = bed->machine->ram,
		.size = MACHINE_RAM,
		.tables = TABLES + i * TABLE_ROOM,
		.room = TABLE_ROOM,
		.levels = 4,
		.max_page_shift = 12,
	};

	process->pasid = 100 + i;
	assert_int_equal(siov_guest_pt_create(&conf, &process->pt), 0);
	assert_int_equal(siov_guest_pasid_bind(bed->guest, process->pasid,
					       siov_guest_pt_root(process->pt), 4),
			 0);
}

static void
make_process(struct driver_bed *bed, struct process *process, unsigned int i)
{
	make_tables(bed, process, i);
	process->page = bed->machine->ram + HEAP + i * PAGE;
	memset(process->page, 0, PAGE);
	assert_int_equal(siov_guest_pt_map(process->pt, GVA, HEAP + i * PAGE, PAGE,
					   SIOV_PERM_R | SIOV_PERM_W),
			 0);
}

static void
end_process(struct driver_bed *bed, struct process *process)
{
	assert_int_equal(siov_guest_pasid_unbind(bed->guest, process->pasid), 0);
	siov_guest_pt_free(process->pt);
}

/* ---- types ---- */

static void
test_s9_4_3_types_differ_in_number_and_function_of_adis(void **state)
{
	static const struct {
		const char *type;
		uint32_t nb_dwqs, nb_wqs, nb_shared, nb_adis;
	} rows[] = {
		{"swq", 0, 1, 1, 1},   {"dwq", 1, 1, 0, 1},     {"dwq", 4, 4, 0, 4},
		{"mixed", 3, 4, 1, 4}, {"dynamic", 0, 1, 1, 0},
	};
	unsigned int i, k;

	(void)state;
	for (i = 0; i < RTE_DIM(rows); i++) {
		struct driver_bed *bed = driver_bed_open(rows[i].type, rows[i].nb_dwqs);
		struct siov_guest_queue queue;
		struct siov_guest_info info;
		uint32_t nb_shared = 0;

		siov_guest_get_info(bed->guest, &info);
		assert_int_equal(info.nb_wqs, rows[i].nb_wqs);
		assert_int_equal(driver_bed_info(bed).nb_adis, rows[i].nb_adis);
		for (k = 0; k < info.nb_wqs; k++) {
			nb_shared += !info.wqs[k].is_dedicated;
			if (rows[i].nb_adis == 0)
				continue;
			driver_bed_use(bed, k, &queue);
			driver_bed_copy(bed, &queue, k);
			driver_bed_unuse(bed, &queue);
		}
		assert_int_equal(nb_shared, rows[i].nb_shared);
		driver_bed_close(bed);
	}
}

static void
test_s9_4_4_static_composition(void **state)
{
	struct driver_bed *bed = driver_bed_open("mixed", 2);
	struct siov_guest_queue queue;
	uint32_t handle;

	(void)state;
	/* All are there before the guest does anything, and stay. */
	assert_int_equal(driver_bed_info(bed).nb_adis, 3);
	assert_int_equal(siov_guest_context_alloc(bed->guest, 0, 40, &handle), -ENOTSUP);
	driver_bed_use(bed, 0, &queue);
	assert_int_equal(driver_bed_info(bed).nb_adis, 3);
	driver_bed_unuse(bed, &queue);
	assert_int_equal(driver_bed_info(bed).nb_adis, 3);
	driver_bed_close(bed);
}

/* A context of a process that has the guest's memory where it is. */
static void
open_context(struct driver_bed *bed, struct process *process, struct siov_guest_queue *queue,
	     unsigned int i)
{
	uint32_t handle;

	make_tables(bed, process, i);
	assert_int_equal(siov_guest_pt_map(process->pt, 0, 0, MIB, SIOV_PERM_R | SIOV_PERM_W), 0);
	assert_int_equal(siov_guest_context_alloc(bed->guest, 0, process->pasid, &handle), 0);
	assert_in_range(handle, 0, UINT16_MAX);
	assert_int_equal(siov_guest_open(bed->guest, bed->vcpu, 0, process->pasid, queue), 0);
	assert_int_equal(siov_guest_context_alloc(bed->guest, 0, process->pasid, &handle), -EEXIST);
}

static void
test_s9_4_4_dynamic_composition(void **state)
{
	struct driver_bed *bed = driver_bed_open("dynamic", 0);
	struct siov_guest_queue queues[CONTEXTS];
	struct process processes[CONTEXTS];
	uint32_t handle, i;

	(void)state;
	assert_int_equal(driver_bed_info(bed).nb_adis, 0);
	assert_int_equal(siov_guest_context_alloc(bed->guest, 0, 40, &handle), -ENXIO);
	assert_int_equal(siov_guest_wq_enable(bed->guest, 0, UINT32_MAX), 0);
	for (i = 0; i < CONTEXTS; i++) {
		open_context(bed, &processes[i], &queues[i], i);
		assert_int_equal(driver_bed_info(bed).nb_adis, i + 1);
		driver_bed_copy(bed, &queues[i], i);
	}
	for (i = 0; i < CONTEXTS; i++) {
		uint32_t pasid = processes[i].pasid;

		assert_int_equal(siov_guest_context_free(bed->guest, 0, pasid), 0);
		assert_int_equal(driver_bed_info(bed).nb_adis, CONTEXTS - 1 - i);
		assert_int_equal(siov_guest_context_free(bed->guest, 0, pasid), -ENOENT);
		siov_guest_close(&queues[i]);
		end_process(bed, &processes[i]);
	}
	driver_bed_close(bed);
}

/* ---- more VDEVs than resources ---- */

static void
test_a_queue_with_none_free_behind_it_says_so(void **state)
{
	struct driver_bed *bed = driver_bed_open("dwq", 1);
	struct siov_guest *guests[MACHINE_DWQS];
	struct siov_guest_conf conf = driver_bed_conf(bed);
	struct siov_vdev_conf vdev_conf = {.fn = driver_bed_info(bed).fn};
	uint16_t bdfs[MACHINE_DWQS];
	unsigned int i;

	(void)state;
	assert_int_equal(siov_guest_wq_enable(bed->guest, 0, BED_PASID), 0);
	for (i = 0; i < MACHINE_DWQS; i++) {
		bdfs[i] = machine_plug_conf(bed->machine, &vdev_conf, "dwq", 1);
		conf.bdf = bdfs[i];
		conf.state_gpa = BED_STATE + 0x80000 + i * PAGE;
		assert_int_equal(siov_guest_probe(bed->vcpu, &conf, &guests[i]), 0);
		assert_int_equal(siov_guest_wq_enable(guests[i], 0, BED_PASID + 1 + i),
				 i + 1 < MACHINE_DWQS ? 0 : -EAGAIN);
	}
	assert_int_equal(siov_guest_wq_disable(bed->guest, 0), 0);
	i = MACHINE_DWQS - 1;
	assert_int_equal(siov_guest_wq_enable(guests[i], 0, BED_PASID + 1 + i), 0);
	for (i = 0; i < MACHINE_DWQS; i++)
		assert_int_equal(siov_guest_remove(guests[i]), 0);
	machine_leave(bed->machine, 0);
	for (i = 0; i < MACHINE_DWQS; i++)
		machine_unplug(bed->machine, bdfs[i]);
	machine_enter(bed->machine, 0);
	driver_bed_close(bed);
}

/* ---- the two paths ---- */

static void
test_s6_2_1_work_is_direct_and_control_is_intercepted(void **state)
{
	struct driver_bed *bed = driver_bed_open("mixed", 1);
	struct siov_guest_queue queues[2];
	struct siov_guest_info info;
	uint64_t traps;
	unsigned int i;

	(void)state;
	driver_bed_use(bed, 0, &queues[0]);
	driver_bed_use(bed, 1, &queues[1]);
	assert_int_equal(siov_guest_wq_drain(bed->guest, 0), 0);
	driver_bed_interrupt(bed, &queues[0]);
	traps = machine_traps(bed->machine);
	for (i = 0; i < BURST; i++) {
		driver_bed_copy(bed, &queues[i % 2], i % 60);
		siov_guest_get_info(bed->guest, &info);
	}
	/* Vectors of queues come without the VDCM as well. */
	driver_bed_interrupt(bed, &queues[1]);
	assert_int_equal(machine_traps(bed->machine), traps);
	assert_int_equal(siov_guest_wq_drain(bed->guest, 0), 0);
	assert_int_equal(machine_traps(bed->machine), traps + 1);
	assert_int_equal(cfg(bed, PCI_VENDOR_ID, 2), SIOV_VDEV_VENDOR);
	assert_int_equal(machine_traps(bed->machine), traps + 2);
	driver_bed_unuse(bed, &queues[0]);
	driver_bed_unuse(bed, &queues[1]);
	assert_true(machine_traps(bed->machine) > traps + 3);
	driver_bed_close(bed);
}

/* ---- the guest's processes ---- */

/* Copy within the process's page at its own addresses; the record is at GVA as well. */
static uint8_t
copy_in(struct driver_bed *bed, struct process *process, struct siov_guest_queue *queue,
	uint64_t dst)
{
	struct dsa_hw_desc desc = {
		.flags = IDXD_OP_FLAG_CRAV | IDXD_OP_FLAG_RCR,
		.opcode = DSA_OPCODE_MEMMOVE,
		.completion_addr = GVA,
		.src_addr = GVA + 1024,
		.dst_addr = dst,
		.xfer_size = 512,
	};
	SIOV_ATOMIC(uint8_t) *status = (SIOV_ATOMIC(uint8_t) *)process->page;
	unsigned int i;

	memset(process->page, 0, 64);
	memset(process->page + 1024, (int)process->pasid, 512);
	driver_bed_submit(bed, queue, &desc);
	for (i = 0; i < MACHINE_WAIT_MS && siov_atomic_load(status, acquire) == 0; i++) {
		assert_true(siov_vcpu_poll(bed->vcpu));
		machine_nap();
	}
	return siov_atomic_load(status, acquire);
}

/* Two processes at the same addresses of their own, on queues that open() gives them. */
static void
run_processes(struct driver_bed *bed, struct siov_guest_queue *queues, struct process *processes)
{
	unsigned int i;

	for (i = 0; i < 2; i++) {
		assert_int_equal(copy_in(bed, &processes[i], &queues[i], GVA + 2048),
				 DSA_COMP_SUCCESS);
		assert_memory_equal(processes[i].page + 2048, processes[i].page + 1024, 512);
		/* Guest-physical addresses are not its own, nor those of the other. */
		assert_int_equal(copy_in(bed, &processes[i], &queues[i], HEAP + (1 - i) * PAGE) &
					 DSA_COMP_STATUS_MASK,
				 DSA_COMP_PAGE_FAULT_NOBOF);
	}
	assert_int_equal(processes[0].page[2048], 100);
	assert_int_equal(processes[1].page[2048], 101);
}

static void
test_s7_2_7_processes_of_a_guest_have_contexts_of_their_own(void **state)
{
	struct driver_bed *bed = driver_bed_open("dynamic", 0);
	struct siov_guest_queue queues[2];
	struct process processes[2];
	uint32_t handle;
	unsigned int i;

	(void)state;
	assert_int_equal(siov_guest_wq_enable(bed->guest, 0, UINT32_MAX), 0);
	for (i = 0; i < 2; i++) {
		make_process(bed, &processes[i], i);
		assert_int_equal(
			siov_guest_context_alloc(bed->guest, 0, processes[i].pasid, &handle), 0);
		assert_int_equal(
			siov_guest_open(bed->guest, bed->vcpu, 0, processes[i].pasid, &queues[i]),
			0);
	}
	run_processes(bed, queues, processes);
	assert_int_equal(siov_guest_pasid_unbind(bed->guest, processes[0].pasid), -EBUSY);
	for (i = 0; i < 2; i++) {
		assert_int_equal(siov_guest_context_free(bed->guest, 0, processes[i].pasid), 0);
		siov_guest_close(&queues[i]);
		end_process(bed, &processes[i]);
	}
	driver_bed_close(bed);
}

static void
test_s7_2_7_adis_of_one_vdev_go_to_processes_with_a_pasid_each(void **state)
{
	struct driver_bed *bed = driver_bed_open("dwq", 2);
	struct siov_guest_queue queues[2];
	struct process processes[2];
	unsigned int i;

	(void)state;
	for (i = 0; i < 2; i++) {
		make_process(bed, &processes[i], i);
		assert_int_equal(siov_guest_wq_enable(bed->guest, i, processes[i].pasid), 0);
		assert_int_equal(
			siov_guest_open(bed->guest, bed->vcpu, i, processes[i].pasid, &queues[i]),
			0);
	}
	run_processes(bed, queues, processes);
	for (i = 0; i < 2; i++) {
		driver_bed_unuse(bed, &queues[i]);
		end_process(bed, &processes[i]);
	}
	driver_bed_close(bed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_s9_3_1_a_driver_needs_registers_memory_and_vectors_only),
		cmocka_unit_test(test_s9_4_1_a_vdev_is_a_virtual_pci_express_device),
		cmocka_unit_test(test_s9_4_3_types_differ_in_number_and_function_of_adis),
		cmocka_unit_test(test_s9_4_4_static_composition),
		cmocka_unit_test(test_s9_4_4_dynamic_composition),
		cmocka_unit_test(test_a_queue_with_none_free_behind_it_says_so),
		cmocka_unit_test(test_s6_2_1_work_is_direct_and_control_is_intercepted),
		cmocka_unit_test(test_s7_2_7_processes_of_a_guest_have_contexts_of_their_own),
		cmocka_unit_test(test_s7_2_7_adis_of_one_vdev_go_to_processes_with_a_pasid_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* A guest that is a program of this process; and PASIDs that mean guest-physical addresses. */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "driver_bed.h"
#include "siov_migrate.h"

#define PASID 7u
#define PASIDS 3u
#define LEN 10000u
#define STATE_BYTES UINT64_C(4096)

/* A VM of this process on a machine, with a device, its driver, and a queue for each PASID. */
struct program {
	struct machine *machine;
	struct siov_vm *vm;
	uint16_t bdf;
	struct siov_vcpu *vcpu;
	struct siov_guest *guest;
	struct siov_guest_queue queues[PASIDS];
};

static void
make_vm(struct program *p)
{
	const struct siov_vm_conf conf = {
		.name = "program",
		.ram_bytes = STATE_BYTES,
		.is_process = true,
		.nb_vcpus = 1,
		.socket_id = -1,
	};
	const struct siov_vdev_conf vdev = {
		.fn = SIOV_VDEV_FN_ANY,
		.type = siov_vdcm_type_find("dynamic"),
	};

	p->machine = machine_open(NULL);
	assert_int_equal(siov_vm_create(p->machine->vmm, &conf, &p->vm), 0);
	assert_int_equal(siov_vm_plug(p->vm, &vdev, &p->bdf), 0);
}

static void
probe(struct program *p)
{
	struct siov_guest_conf conf = {.bdf = p->bdf, .first_vector = BED_VECTOR};
	struct siov_vcpu_platform platform;

	p->vcpu = siov_vm_vcpu(p->vm, 0);
	assert_int_equal(siov_vcpu_enter(p->vcpu), 0);
	siov_vcpu_platform(p->vcpu, &platform);
	assert_int_equal(platform.ram_bytes, STATE_BYTES);
	assert_ptr_equal(siov_vcpu_ram(p->vcpu, platform.ram_gpa, STATE_BYTES),
			 (void *)(uintptr_t)platform.ram_gpa);
	assert_null(siov_vcpu_ram(p->vcpu, platform.ram_gpa, STATE_BYTES + 1));
	assert_null(siov_vcpu_ram(p->vcpu, platform.ram_gpa - 1, 1));
	assert_null(siov_vcpu_ram(p->vcpu, 0, 1));
	conf.state_gpa = platform.ram_gpa;
	assert_int_equal(siov_guest_probe(p->vcpu, &conf, &p->guest), 0);
	assert_int_equal(siov_guest_wq_enable(p->guest, 0, UINT32_MAX), 0);
}

static void
use(struct siov_guest *guest, struct siov_vcpu *vcpu, struct siov_guest_queue *queues)
{
	uint32_t handle;
	unsigned int i;

	for (i = 0; i < PASIDS; i++) {
		assert_int_equal(siov_guest_pasid_bind(guest, PASID + i, 0, 0), 0);
		assert_int_equal(siov_guest_context_alloc(guest, 0, PASID + i, &handle), 0);
		assert_int_equal(siov_guest_open(guest, vcpu, 0, PASID + i, &queues[i]), 0);
	}
}

static void
unuse(struct siov_guest *guest, struct siov_guest_queue *queues)
{
	unsigned int i;

	for (i = 0; i < PASIDS; i++) {
		siov_guest_close(&queues[i]);
		assert_int_equal(siov_guest_context_free(guest, 0, PASID + i), 0);
		assert_int_equal(siov_guest_pasid_unbind(guest, PASID + i), 0);
	}
}

static void
open_program(struct program *p)
{
	*p = (struct program){.bdf = 0};
	make_vm(p);
	probe(p);
	use(p->guest, p->vcpu, p->queues);
}

static void
close_program(struct program *p)
{
	unuse(p->guest, p->queues);
	assert_int_equal(siov_guest_remove(p->guest), 0);
	siov_vcpu_leave(p->vcpu);
	assert_int_equal(siov_vm_unplug(p->vm, p->bdf, MACHINE_WAIT_MS), 0);
	assert_int_equal(siov_vm_free(p->vm), 0);
	machine_close(p->machine);
}

/* A copy between any addresses of the process: its status. */
static uint8_t
copy(struct program *p, unsigned int i, const void *src, void *dst)
{
	struct dsa_completion_record record __attribute__((aligned(32))) = {.status = 0};
	SIOV_ATOMIC(uint8_t) *status = (SIOV_ATOMIC(uint8_t) *)&record.status;
	struct dsa_hw_desc desc __attribute__((aligned(64))) = {
		.opcode = DSA_OPCODE_MEMMOVE,
		.flags = IDXD_OP_FLAG_CRAV | IDXD_OP_FLAG_RCR,
		.completion_addr = (uintptr_t)&record,
		.src_addr = (uintptr_t)src,
		.dst_addr = (uintptr_t)dst,
		.xfer_size = LEN,
	};
	unsigned int ms;

	assert_int_equal(siov_guest_submit(&p->queues[i], &desc), SIOV_DMWR_SUCCESS);
	for (ms = 0; ms < MACHINE_WAIT_MS && siov_atomic_load(status, acquire) == 0; ms++) {
		assert_true(siov_vcpu_poll(p->vcpu));
		machine_nap();
	}
	return siov_atomic_load(status, acquire) & DSA_COMP_STATUS_MASK;
}

static void
test_devices_of_a_program_reach_its_process(void **state)
{
	uint8_t *src = malloc(LEN), *dst = malloc(LEN);
	struct program p;
	unsigned int i;
	void *hole;

	(void)state;
	assert_true(src != NULL && dst != NULL);
	open_program(&p);
	for (i = 0; i < PASIDS; i++) {
		memset(src, 0x30 + (int)i, LEN);
		memset(dst, 0, LEN);
		assert_int_equal(copy(&p, i, src, dst), DSA_COMP_SUCCESS);
		assert_memory_equal(src, dst, LEN);
	}
	hole = mmap(NULL, 16384, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(hole != MAP_FAILED);
	assert_int_equal(copy(&p, 0, src, hole), DSA_COMP_PAGE_FAULT_NOBOF);
	assert_int_equal(copy(&p, 1, hole, dst), DSA_COMP_PAGE_FAULT_NOBOF);
	munmap(hole, 16384);
	close_program(&p);
	free(src);
	free(dst);
}

static void
test_a_program_brings_no_tables_and_does_not_move(void **state)
{
	struct siov_vm_conf conf = {
		.name = "odd", .ram_bytes = 4095, .is_process = true, .nb_vcpus = 1};
	struct siov_vm *odd;
	struct program p;
	int fds[2];

	(void)state;
	open_program(&p);
	assert_int_equal(siov_guest_pasid_bind(p.guest, 99, 0x1000, 4), -EINVAL);
	assert_int_equal(siov_gas_map(siov_vm_gas(p.vm), 0, &p, 4096, SIOV_PERM_R), -ENOTSUP);
	assert_int_equal(siov_vm_log_start(p.vm), -ENOTSUP);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	assert_int_equal(siov_migrate_send(p.vm, fds[0], NULL, NULL), -ENOTSUP);
	close(fds[0]);
	assert_int_equal(read(fds[1], &odd, sizeof(odd)), 0); /* not a byte was sent */
	close(fds[1]);
	assert_int_equal(siov_vm_create(p.machine->vmm, &conf, &odd), -EINVAL);
	close_program(&p);
}

/* ---- guest-physical ---- */

static void
test_each_pasid_without_tables_is_guest_physical(void **state)
{
	struct siov_guest_queue queues[PASIDS];
	struct driver_bed *bed = driver_bed_open("dynamic", 0);
	unsigned int i;

	(void)state;
	assert_int_equal(siov_guest_wq_enable(bed->guest, 0, UINT32_MAX), 0);
	use(bed->guest, bed->vcpu, queues);
	for (i = 0; i < PASIDS; i++)
		driver_bed_copy(bed, &queues[i], i);
	/* No tables, and yet a top table, or a depth, or page requests? */
	assert_int_equal(siov_guest_pasid_bind(bed->guest, 99, 0x1000, 0), -EINVAL);
	assert_int_equal(siov_guest_pasid_bind(bed->guest, 99, 0, 3), -EINVAL);
	assert_int_equal(siov_guest_call(bed->guest, SIOV_VOP_PASID_BIND,
					 (uint64_t[6]){99, 0, 0, SIOV_VBIND_PAGES}, NULL),
			 -EINVAL);
	assert_int_equal(siov_guest_pasid_bind(bed->guest, PASID, 0, 0), -EEXIST);
	unuse(bed->guest, queues);
	driver_bed_close(bed);
}

/* Its image, in the guest's memory of another host. */
static struct driver_bed *
move(struct driver_bed *from)
{
	struct siov_vdev *vdev = siov_vm_vdev(from->machine->vm, from->bdf);
	struct machine *machine = machine_open(NULL);
	static uint8_t image[65536];
	uint16_t bdf;
	int64_t len;

	siov_guest_detach(from->guest);
	from->guest = NULL;
	assert_int_equal(siov_vdev_suspend(vdev, MACHINE_WAIT_MS), 0);
	len = siov_vdev_save(vdev, image, sizeof(image));
	assert_true(len > 0);
	memcpy(machine->ram, from->machine->ram, MACHINE_RAM);
	bdf = machine_plug(machine, "dynamic", 0);
	vdev = siov_vm_vdev(machine->vm, bdf);
	assert_int_equal(siov_vdev_restore(vdev, image, (size_t)len), 0);
	siov_vm_refresh(machine->vm, bdf);
	assert_int_equal(siov_vdev_resume(vdev), 0);
	return driver_bed_attach(machine, bdf);
}

static void
test_pasids_without_tables_move_with_their_vdev(void **state)
{
	struct siov_guest_queue queues[PASIDS];
	struct driver_bed *to, *bed = driver_bed_open("dynamic", 0);
	unsigned int i;

	(void)state;
	assert_int_equal(siov_guest_wq_enable(bed->guest, 0, UINT32_MAX), 0);
	use(bed->guest, bed->vcpu, queues);
	for (i = 0; i < PASIDS; i++)
		siov_guest_close(&queues[i]);
	to = move(bed);
	for (i = 0; i < PASIDS; i++) {
		assert_int_equal(siov_guest_open(to->guest, to->vcpu, 0, PASID + i, &queues[i]), 0);
		driver_bed_copy(to, &queues[i], i);
	}
	unuse(to->guest, queues);
	driver_bed_close(to);
	driver_bed_close(bed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_devices_of_a_program_reach_its_process),
		cmocka_unit_test(test_a_program_brings_no_tables_and_does_not_move),
		cmocka_unit_test(test_each_pasid_without_tables_is_guest_physical),
		cmocka_unit_test(test_pasids_without_tables_move_with_their_vdev),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* One driver image on two generations of a device, and moved from one to the other while it runs. */
#include <unistd.h>

#include <sys/socket.h>

#include "driver_bed.h"
#include "siov_migrate.h"

/* The older one: smaller transfers and batches, fewer operations. */
static void
be_old(struct machine *machine)
{
	struct siov_hostdrv_generation gen;
	unsigned int i;

	for (i = 0; i < MACHINE_FNS; i++) {
		siov_hostdrv_generation(machine->drvs[i], &gen);
		gen.xfer_max = 1u << 20;
		gen.batch_max = 32;
		gen.gencap &= ~(uint64_t)SIOV_GENCAP_OVERLAP;
		gen.opcap[0] &= ~RTE_BIT64(DSA_OPCODE_CRCGEN);
		assert_int_equal(siov_hostdrv_set_generation(machine->drvs[i], &gen), 0);
	}
}

/* What both have. */
static struct siov_hostdrv_generation
meet(struct machine *a, struct machine *b)
{
	struct siov_hostdrv_generation gen, other;
	unsigned int i;

	siov_vdcm_generation(a->vdcm, &gen);
	siov_vdcm_generation(b->vdcm, &other);
	gen.version = RTE_MIN(gen.version, other.version);
	gen.gencap &= other.gencap;
	for (i = 0; i < 4; i++)
		gen.opcap[i] &= other.opcap[i];
	gen.xfer_max = RTE_MIN(gen.xfer_max, other.xfer_max);
	gen.batch_max = RTE_MIN(gen.batch_max, other.batch_max);
	return gen;
}

struct pair {
	struct machine *old, *new;
	struct siov_hostdrv_generation gen;
	struct siov_vdev_conf conf; /* of a VDEV on either */
};

static void
open_pair(struct pair *pair)
{
	pair->old = machine_open(NULL);
	pair->new = machine_open(NULL);
	be_old(pair->old);
	pair->gen = meet(pair->old, pair->new);
	pair->conf = (struct siov_vdev_conf){
		.fn = SIOV_VDEV_FN_ANY,
		.generation = &pair->gen,
	};
}

static void
run_image(struct driver_bed *bed)
{
	struct siov_guest_queue queue;
	unsigned int i;

	for (i = 0; i < 3; i++) {
		driver_bed_use(bed, i, &queue);
		driver_bed_copy(bed, &queue, i);
		driver_bed_interrupt(bed, &queue);
		driver_bed_unuse(bed, &queue);
	}
}

static void
test_s6_2_4_one_driver_image_runs_on_both_generations(void **state)
{
	struct siov_hostdrv_generation most;
	struct siov_guest_info infos[2];
	struct driver_bed *beds[2];
	struct pair pair;
	unsigned int i;

	(void)state;
	open_pair(&pair);
	beds[0] = driver_bed_open_on(pair.old, &pair.conf, "mixed", 2);
	beds[1] = driver_bed_open_on(pair.new, &pair.conf, "mixed", 2);
	siov_vdcm_generation(pair.new->vdcm, &most);
	assert_true(most.xfer_max > pair.gen.xfer_max);
	for (i = 0; i < 2; i++) {
		siov_guest_get_info(beds[i]->guest, &infos[i]);
		assert_int_equal(infos[i].xfer_max, 1u << 20);
		assert_int_equal(infos[i].batch_max, 32);
		assert_false(infos[i].opcap[0] >> DSA_OPCODE_CRCGEN & 1);
		assert_false(infos[i].gencap & SIOV_GENCAP_OVERLAP);
	}
	assert_int_equal(infos[0].version, infos[1].version);
	assert_int_equal(infos[0].gencap, infos[1].gencap);
	assert_memory_equal(infos[0].opcap, infos[1].opcap, sizeof(infos[0].opcap));
	assert_int_equal(infos[0].nb_wqs, infos[1].nb_wqs);
	assert_int_equal(infos[0].nb_vectors, infos[1].nb_vectors);
	for (i = 0; i < 2; i++) {
		run_image(beds[i]);
		driver_bed_close(beds[i]);
	}
}

/* ---- moved ---- */

struct target {
	struct machine *machine;
	pthread_t thread;
	int fd;
	int ret;
};

static void *
receive(void *arg)
{
	struct target *target = arg;

	target->ret = siov_migrate_receive(target->machine->vmm, target->fd, NULL, NULL,
					   &target->machine->vm);
	return NULL;
}

/* The VM of one machine takes the place of that of the other, which is stopped. */
static void
move(struct machine *from, struct machine *to)
{
	struct target target = {.machine = to};
	int fds[2];

	assert_int_equal(siov_vm_free(to->vm), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	target.fd = fds[1];
	assert_int_equal(pthread_create(&target.thread, NULL, receive, &target), 0);
	assert_int_equal(siov_migrate_send(from->vm, fds[0], NULL, NULL), 0);
	pthread_join(target.thread, NULL);
	assert_int_equal(target.ret, 0);
	to->ram = siov_vm_ram(to->vm);
	close(fds[0]);
	close(fds[1]);
}

static void
expect_work(struct driver_bed *bed)
{
	struct siov_guest_queue queue;
	struct siov_guest_info info;
	unsigned int i;

	siov_guest_get_info(bed->guest, &info);
	assert_int_equal(info.nb_wqs, 3);
	for (i = 0; i < 3; i++) {
		assert_true(info.wqs[i].is_enabled);
		assert_int_equal(siov_guest_open(bed->guest, bed->vcpu, i, BED_PASID + i, &queue),
				 0);
		driver_bed_copy(bed, &queue, i);
		driver_bed_interrupt(bed, &queue);
		driver_bed_unuse(bed, &queue);
	}
}

static void
test_s6_2_4_a_guest_is_moved_between_generations(void **state)
{
	struct siov_guest_queue queues[3];
	const uint64_t arg[6] = {7};
	struct driver_bed *bed, *moved;
	struct pair pair;
	unsigned int i;

	(void)state;
	open_pair(&pair);
	bed = driver_bed_open_on(pair.new, &pair.conf, "mixed", 2);
	for (i = 0; i < 3; i++) {
		driver_bed_use(bed, i, &queues[i]);
		driver_bed_copy(bed, &queues[i], i);
	}
	assert_int_equal(siov_guest_call(bed->guest, SIOV_VOP_ECHO, arg, NULL), 0);
	machine_leave(pair.new, 0);
	move(pair.new, pair.old);
	moved = driver_bed_attach(pair.old, bed->bdf);
	expect_work(moved);
	assert_int_equal(siov_guest_call(moved->guest, SIOV_VOP_ECHO, arg, NULL), 0);
	/* Handles of the other host are no more: the driver has been told. */
	driver_bed_await(moved, &moved->nb_handles, 1);
	driver_bed_close(moved);
	/* What is left of the driver there. */
	for (i = 0; i < 3; i++)
		siov_guest_close(&queues[i]);
	siov_guest_detach(bed->guest);
	bed->guest = NULL;
	driver_bed_close(bed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_s6_2_4_one_driver_image_runs_on_both_generations),
		cmocka_unit_test(test_s6_2_4_a_guest_is_moved_between_generations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* One driver image on two generations of a device, and moved from one to the other while it runs. */
#include <stdlib.h>

#include "driver_bed.h"
#include "siov_vdev.h"

#define IMAGE_MAX (UINT64_C(1) << 20)

/* The older one: smaller transfers and batches, fewer operations. */
static void
be_old(struct siov_dev_conf *conf)
{
	unsigned int i;

	for (i = 0; i < conf->nb_wqs; i++) {
		conf->wqs[i].xfer_max = 1u << 20;
		conf->wqs[i].batch_max = 32;
	}
	assert_int_equal(siov_dev_conf_profile(conf, "dsa1"), 0);
	conf->nb_adis = 64;
	conf->wqs[0].size = 24;
	for (i = 1; i < conf->nb_wqs; i++)
		conf->wqs[i].size = 16;
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
	/* An operation that this image of the driver has never heard of. */
	gen.opcap[0] &= ~RTE_BIT64(DSA_OPCODE_CRCGEN);
	gen.xfer_max = RTE_MIN(gen.xfer_max, other.xfer_max);
	gen.batch_max = RTE_MIN(gen.batch_max, other.batch_max);
	return gen;
}

struct pair {
	struct driver_bed *old, *new;
	struct siov_hostdrv_generation gen;
};

static void
open_pair(struct pair *pair)
{
	struct machine *old = machine_open(be_old), *new = machine_open(NULL);
	struct siov_vdev_conf conf = {.fn = SIOV_VDEV_FN_ANY};

	pair->gen = meet(old, new);
	conf.generation = &pair->gen;
	pair->old = driver_bed_open_on(old, &conf, "mixed", 2);
	pair->new = driver_bed_open_on(new, &conf, "mixed", 2);
}

static void
close_pair(struct pair *pair)
{
	driver_bed_close(pair->old);
	driver_bed_close(pair->new);
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
	struct siov_guest_info old, new;
	struct siov_hostdrv_generation most;
	struct pair pair;
	unsigned int i;

	(void)state;
	open_pair(&pair);
	siov_vdcm_generation(pair.new->machine->vdcm, &most);
	assert_true(most.xfer_max > pair.gen.xfer_max);
	siov_guest_get_info(pair.old->guest, &old);
	siov_guest_get_info(pair.new->guest, &new);
	assert_int_equal(old.version, new.version);
	assert_int_equal(old.gencap, new.gencap);
	for (i = 0; i < 4; i++)
		assert_int_equal(old.opcap[i], new.opcap[i]);
	assert_int_equal(old.xfer_max, new.xfer_max);
	assert_int_equal(old.batch_max, new.batch_max);
	assert_int_equal(old.nb_wqs, new.nb_wqs);
	assert_int_equal(old.nb_vectors, new.nb_vectors);
	run_image(pair.old);
	run_image(pair.new);
	close_pair(&pair);
}

/* Memory and device go to the other host, where the guest goes on with its second half. */
static void
move(struct driver_bed *from, struct driver_bed *to)
{
	struct siov_vdev *source = siov_vm_vdev(from->machine->vm, from->bdf);
	struct siov_vdev *target = siov_vm_vdev(to->machine->vm, to->bdf);
	uint8_t *image = malloc(IMAGE_MAX);
	struct siov_guest_conf conf;
	int64_t len;

	assert_non_null(image);
	assert_int_equal(to->bdf, from->bdf);
	assert_int_equal(siov_vdev_suspend(source, MACHINE_WAIT_MS), 0);
	len = siov_vdev_save(source, image, IMAGE_MAX);
	assert_true(len > 0);
	memcpy(to->machine->ram, from->machine->ram, MACHINE_RAM);
	assert_int_equal(siov_vdev_reset(target, MACHINE_WAIT_MS), 0);
	assert_int_equal(siov_vdev_restore(target, image, (size_t)len), 0);
	assert_int_equal(siov_vdev_resume(target), 0);
	free(image);
	conf = driver_bed_conf(to);
	assert_int_equal(siov_guest_attach(to->vcpu, &conf, &to->guest), 0);
}

/* A VM that was moved may find its BARs elsewhere decoded than its VMM knew: any access tells it. */
static void
touch(struct driver_bed *bed)
{
	siov_vcpu_cfg_write(bed->vcpu, bed->bdf, 0, 4, 0);
}

static void
test_s6_2_4_a_guest_is_moved_between_generations(void **state)
{
	struct siov_guest_queue queues[3];
	const uint64_t arg[6] = {7};
	struct siov_guest_info info;
	struct pair pair;
	unsigned int i;

	(void)state;
	open_pair(&pair);
	/* The new host has a VDEV that nobody has used. */
	assert_int_equal(siov_guest_remove(pair.new->guest), 0);
	for (i = 0; i < 3; i++) {
		driver_bed_use(pair.old, i, &queues[i]);
		driver_bed_copy(pair.old, &queues[i], i);
	}
	assert_int_equal(siov_guest_call(pair.old->guest, SIOV_VOP_ECHO, arg, NULL), 0);
	touch(pair.new);
	move(pair.old, pair.new);
	siov_guest_get_info(pair.new->guest, &info);
	for (i = 0; i < 3; i++) {
		struct siov_guest_queue queue;

		assert_true(info.wqs[i].is_enabled);
		assert_int_equal(
			siov_guest_open(pair.new->guest, pair.new->vcpu, i, BED_PASID + i, &queue),
			0);
		driver_bed_copy(pair.new, &queue, i);
		driver_bed_interrupt(pair.new, &queue);
		driver_bed_unuse(pair.new, &queue);
		siov_guest_close(&queues[i]);
	}
	assert_int_equal(siov_guest_call(pair.new->guest, SIOV_VOP_ECHO, arg, NULL), 0);
	/* What is left there of the driver is forgotten. */
	siov_guest_detach(pair.old->guest);
	pair.old->guest = NULL;
	close_pair(&pair);
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

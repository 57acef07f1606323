/* SPDX-License-Identifier: BSD-3-Clause */
/* VDEVs that stop, move and lose what is behind them. */
#include <stdlib.h>

#include "vdev_user.h"

#define PASID 5u

struct bed {
	struct host_bed *host;
	struct siov_vm *vm;
	struct vdev_user user;
	uint16_t bdf;
};

static void
open_bed(struct bed *bed, const struct siov_vdev_conf *vdev, const struct host_bed_conf *conf)
{
	bed->host = host_bed_open(conf);
	bed->vm = host_bed_vm(bed->host, 1);
	assert_int_equal(siov_vm_plug(bed->vm, vdev, &bed->bdf), 0);
	assert_int_equal(siov_vcpu_enter(siov_vm_vcpu(bed->vm, 0)), 0);
	vdev_user_open(&bed->user, bed->host, bed->vm, bed->bdf);
}

static void
close_bed(struct bed *bed)
{
	siov_vcpu_leave(bed->user.vcpu);
	host_bed_unplug(bed->vm, bed->bdf);
	assert_int_equal(siov_vm_free(bed->vm), 0);
	host_bed_close(bed->host);
}

static uint32_t
handle_of(struct vdev_user *user, unsigned int vector)
{
	uint32_t status = vdev_user_command(user, SIOV_CMD_REQUEST_HANDLE, vector);

	assert_int_equal(status & 0xff, 0);
	return status >> SIOV_CMDSTS_RESULT_SHIFT & 0xffff;
}

static void
test_s6_2_6_a_vdev_is_suspended_and_resumed(void **state)
{
	const struct host_bed_conf conf = {.nb_fns = 1};
	const struct siov_vdev_conf vdev_conf = {
		.type = siov_vdcm_type_find("swq"),
		.fn = SIOV_VDEV_FN_ANY,
	};
	struct siov_vm_portal *portal;
	struct siov_vdev_info info;
	struct siov_vdev *vdev;
	struct bed bed;

	(void)state;
	open_bed(&bed, &vdev_conf, &conf);
	vdev = siov_vm_vdev(bed.vm, bed.bdf);
	assert_int_equal(vdev_user_enable(&bed.user, 0, PASID), 0);
	portal = vdev_user_portal(&bed.user, 0, PASID);

	struct dsa_hw_desc desc __attribute__((aligned(64))) =
		vdev_user_copy(&bed.user, 0, UINT32_MAX);

	/* What was accepted before completes. */
	assert_int_equal(siov_vdev_resume(vdev), -EBUSY);
	assert_int_equal(siov_vm_enqcmd(portal, &desc), SIOV_DMWR_SUCCESS);
	assert_int_equal(siov_vdev_suspend(vdev, HOST_BED_MS), 0);
	assert_true(vdev_user_is_done(&bed.user, 0));
	assert_int_equal(siov_vdev_suspend(vdev, HOST_BED_MS), 0);
	desc = vdev_user_copy(&bed.user, 0, UINT32_MAX);
	assert_int_not_equal(siov_vm_enqcmd(portal, &desc), SIOV_DMWR_SUCCESS);
	siov_vdev_get_info(vdev, &info);
	assert_int_equal(info.state, SIOV_VDEV_STOPPED);
	assert_int_equal(siov_vdev_resume(vdev), 0);
	vdev_user_check_copy(&bed.user, portal, false);
	/* One that cannot be stopped goes on. */
	host_bed_stop(bed.host, 0);
	desc = vdev_user_copy(&bed.user, 0, UINT32_MAX);
	assert_int_equal(siov_vm_enqcmd(portal, &desc), SIOV_DMWR_SUCCESS);
	assert_int_equal(siov_vdev_suspend(vdev, 10), -ETIMEDOUT);
	host_bed_start(bed.host, 0);
	assert_int_equal(vdev_user_await(&bed.user, 0), DSA_COMP_SUCCESS);
	vdev_user_check_copy(&bed.user, portal, false);
	close_bed(&bed);
}

/* ---- moves ---- */

static void
check_move(const char *type, uint32_t nb_dwqs, uint32_t pasid)
{
	const struct host_bed_conf conf = {.nb_fns = 2, .has_loop = true};
	struct siov_vdev_conf vdev_conf = {
		.type = siov_vdcm_type_find(type),
		.nb_dwqs = nb_dwqs,
		.fn = 0,
	};
	struct siov_vdev_stats before, after;
	struct siov_vm_portal *portal;
	struct siov_vdev *from, *to;
	struct vdev_user user;
	struct bed bed;
	int64_t bytes;
	void *image;
	uint16_t bdf;

	open_bed(&bed, &vdev_conf, &conf);
	from = siov_vm_vdev(bed.vm, bed.bdf);
	assert_int_equal(vdev_user_enable(&bed.user, 0, pasid), 0);
	if (vdev_conf.type->is_dynamic)
		assert_int_equal(
			vdev_user_call(&bed.user, SIOV_VOP_CONTEXT_ALLOC, 0, PASID, 1).status, 0);
	portal = vdev_user_portal(&bed.user, 0, PASID);
	vdev_user_check_copy(&bed.user, portal, nb_dwqs != 0);
	assert_int_equal(siov_vdev_save(from, NULL, 0), -EBUSY);
	assert_int_equal(siov_vdev_suspend(from, HOST_BED_MS), 0);
	bytes = siov_vdev_save(from, NULL, 0);
	assert_true(bytes > 0);
	image = malloc((size_t)bytes);
	assert_int_equal(siov_vdev_save(from, image, (size_t)bytes - 1), -ENOSPC);
	assert_int_equal(siov_vdev_save(from, image, (size_t)bytes), bytes);
	siov_vdev_get_stats(from, &before);
	siov_vcpu_portal_close(bed.user.vcpu, portal);
	siov_vcpu_leave(bed.user.vcpu);
	host_bed_unplug(bed.vm, bed.bdf);

	/* The guest finds all as it was, on the other function, but for its handles. */
	vdev_conf.fn = 1;
	assert_int_equal(siov_vm_plug(bed.vm, &vdev_conf, &bdf), 0);
	to = siov_vm_vdev(bed.vm, bdf);
	assert_int_equal(siov_vdev_restore(to, image, (size_t)bytes), 0);
	assert_int_equal(siov_vdev_restore(to, image, (size_t)bytes), -EBUSY);
	siov_vm_refresh(bed.vm, bdf);
	assert_int_equal(siov_vcpu_enter(bed.user.vcpu), 0);
	vdev_user_adopt(&user, &bed.user, bed.vm, bdf);
	assert_int_equal(siov_vdev_resume(to), 0);
	assert_int_equal(vdev_user_vector(&user), 0);
	assert_true(vdev_user_reg(&user, SIOV_REG_INTCAUSE) & SIOV_INTCAUSE_REVOKED);
	portal = vdev_user_portal(&user, 0, PASID);
	vdev_user_check_copy(&user, portal, nb_dwqs != 0);
	siov_vdev_get_stats(to, &after);
	assert_int_equal(after.completed, before.completed + 1);
	if (!vdev_conf.type->is_dynamic) {
		struct dsa_hw_desc desc __attribute__((aligned(64))) =
			vdev_user_copy(&user, 0, handle_of(&user, 1));

		if (nb_dwqs != 0)
			siov_vm_movdir64b(portal, &desc);
		else
			assert_int_equal(siov_vm_enqcmd(portal, &desc), SIOV_DMWR_SUCCESS);
		assert_int_equal(vdev_user_vector(&user), 1);
	} else {
		assert_int_equal(vdev_user_call(&user, SIOV_VOP_CONTEXT_HANDLE, 0, PASID, 0).status,
				 0);
	}
	free(image);
	bed.user = user;
	bed.bdf = bdf;
	close_bed(&bed);
}

static void
test_state_moves_to_a_vdev_on_another_function(void **state)
{
	(void)state;
	check_move("swq", 0, PASID);
	check_move("dwq", 1, UINT32_MAX);
	check_move("dynamic", 0, UINT32_MAX);
}

static void
test_a_damaged_image_is_refused(void **state)
{
	const struct host_bed_conf conf = {.nb_fns = 1};
	struct siov_vdev_conf vdev_conf = {
		.type = siov_vdcm_type_find("swq"),
		.fn = SIOV_VDEV_FN_ANY,
	};
	struct siov_vdev *from, *to;
	struct bed bed;
	uint16_t first, second;
	uint8_t *image;
	int64_t bytes, i;

	(void)state;
	open_bed(&bed, &vdev_conf, &conf);
	from = siov_vm_vdev(bed.vm, bed.bdf);
	assert_int_equal(vdev_user_enable(&bed.user, 0, PASID), 0);
	assert_int_equal(siov_vdev_suspend(from, HOST_BED_MS), 0);
	bytes = siov_vdev_save(from, NULL, 0);
	image = malloc((size_t)bytes);
	assert_int_equal(siov_vdev_save(from, image, (size_t)bytes), bytes);
	assert_int_equal(siov_vm_plug(bed.vm, &vdev_conf, &first), 0);
	to = siov_vm_vdev(bed.vm, first);
	for (i = 0; i < bytes; i += i < 64 ? 1 : 37) {
		int ret;

		assert_int_equal(siov_vdev_restore(to, image, (size_t)i), -EBADMSG);
		image[i] ^= 0x10;
		ret = siov_vdev_restore(to, image, (size_t)bytes);
		assert_int_equal(ret, i >= 8 && i < 12 ? -ENOTSUP : -EBADMSG);
		image[i] ^= 0x10;
	}
	/* Of another type, and one whose PASID is taken by the first. */
	vdev_conf.type = siov_vdcm_type_find("dynamic");
	assert_int_equal(siov_vm_plug(bed.vm, &vdev_conf, &second), 0);
	assert_int_equal(siov_vdev_restore(siov_vm_vdev(bed.vm, second), image, (size_t)bytes),
			 -EINVAL);
	assert_int_equal(siov_vdev_restore(to, image, (size_t)bytes), -EEXIST);
	/* It is as it was: good for another try when the PASID is free. */
	host_bed_unplug(bed.vm, bed.bdf);
	assert_int_equal(siov_vdev_restore(to, image, (size_t)bytes), 0);
	assert_int_equal(siov_vdev_resume(to), 0);
	free(image);
	host_bed_unplug(bed.vm, second);
	bed.bdf = first;
	close_bed(&bed);
}

/* The device has it, the VDCM has not: it belongs to what is saved. */
static void
test_s9_4_3_2_a_doorbell_nobody_has_taken_moves_along(void **state)
{
	const struct host_bed_conf conf = {.nb_fns = 1};
	const struct siov_vdev_conf vdev_conf = {
		.type = siov_vdcm_type_find("swq"),
		.fn = SIOV_VDEV_FN_ANY,
	};
	const struct siov_vdev_request request = {.id = 77, .op = SIOV_VOP_ECHO, .arg = {4, 5, 6}};
	struct siov_vdev_answer answer = {.id = 0};
	struct siov_vdev *from, *to;
	struct vdev_user user;
	struct bed bed;
	uint8_t image[65536];
	uint16_t bdf;
	int64_t bytes;

	(void)state;
	open_bed(&bed, &vdev_conf, &conf);
	from = siov_vm_vdev(bed.vm, bed.bdf);
	vdev_user_write(&bed.user, SIOV_VREG_VERSION, SIOV_VDEV_VERSION_1);
	memcpy(bed.user.channel, &request, sizeof(request));
	siov_vcpu_mmio_write(bed.user.vcpu, bed.user.bar0 + SIOV_VDEV_PAGE_MBOX * UINT64_C(4096), 4,
			     1);
	assert_int_equal(siov_vdev_suspend(from, HOST_BED_MS), 0);
	bytes = siov_vdev_save(from, image, sizeof(image));
	assert_true(bytes > 0);
	siov_vcpu_leave(bed.user.vcpu);
	host_bed_unplug(bed.vm, bed.bdf);

	assert_int_equal(siov_vm_plug(bed.vm, &vdev_conf, &bdf), 0);
	to = siov_vm_vdev(bed.vm, bdf);
	assert_int_equal(siov_vdev_restore(to, image, (size_t)bytes), 0);
	siov_vm_refresh(bed.vm, bdf);
	assert_int_equal(siov_vcpu_enter(bed.user.vcpu), 0);
	vdev_user_adopt(&user, &bed.user, bed.vm, bdf);
	assert_int_equal(siov_vdev_resume(to), 0);
	while (siov_vdcm_poll(bed.host->vdcm))
		;
	assert_int_equal(vdev_user_reg(&user, SIOV_VREG_DONE), 1);
	memcpy(&answer, user.channel + SIOV_VDEV_SLOTS * SIOV_VDEV_SLOT_BYTES, sizeof(answer));
	assert_int_equal(answer.id, request.id);
	assert_int_equal(answer.status, 0);
	assert_memory_equal(answer.ret, request.arg, sizeof(request.arg));
	bed.user = user;
	bed.bdf = bdf;
	close_bed(&bed);
}

/* ---- losses ---- */

static void
check_loss(uint32_t nb_fns, bool engine_runs)
{
	const struct host_bed_conf conf = {.nb_fns = 2, .has_loop = true};
	const struct siov_vdev_conf vdev_conf = {
		.type = siov_vdcm_type_find("mixed"),
		.nb_dwqs = 1,
		.fn = 0,
		.nb_fns = nb_fns,
	};
	struct siov_vm_portal *portals[2];
	struct siov_vdev_info info;
	struct bed bed;

	open_bed(&bed, &vdev_conf, &conf);
	assert_int_equal(vdev_user_enable(&bed.user, 0, PASID), 0);
	assert_int_equal(vdev_user_enable(&bed.user, 1, UINT32_MAX), 0);
	portals[0] = vdev_user_portal(&bed.user, 0, PASID);
	portals[1] = vdev_user_portal(&bed.user, 1, UINT32_MAX);
	vdev_user_check_copy(&bed.user, portals[0], false);
	host_bed_stop(bed.host, 0);

	struct dsa_hw_desc desc __attribute__((aligned(64))) =
		vdev_user_copy(&bed.user, 3, UINT32_MAX);

	assert_int_equal(siov_vm_enqcmd(portals[0], &desc), SIOV_DMWR_SUCCESS);
	assert_int_equal(siov_pci_fail(bed.host->pci, 0), 0);
	assert_int_equal(siov_pci_fail(bed.host->pci, 0), -EALREADY);
	if (engine_runs)
		host_bed_start(bed.host, 0);
	assert_int_equal(vdev_user_vector(&bed.user), 0);
	assert_int_equal(vdev_user_reg(&bed.user, SIOV_REG_INTCAUSE), SIOV_INTCAUSE_HALT);
	assert_int_equal(vdev_user_reg(&bed.user, SIOV_REG_GENSTS), SIOV_GENSTS_HALT);
	desc = vdev_user_copy(&bed.user, 4, UINT32_MAX);
	assert_int_equal(siov_vm_enqcmd(portals[0], &desc), SIOV_DMWR_RETRY_DISABLED);
	/* What it had accepted has no record, and never will; the reset brings the other function. */
	vdev_user_write(&bed.user, SIOV_REG_INTCAUSE, SIOV_INTCAUSE_HALT);
	assert_int_equal(vdev_user_command(&bed.user, SIOV_CMD_RESET_DEVICE, 0), 0);
	assert_int_equal(vdev_user_reg(&bed.user, SIOV_REG_GENSTS), SIOV_GENSTS_DISABLED);
	assert_int_equal(vdev_user_command(&bed.user, SIOV_CMD_ENABLE_DEVICE, 0), 0);
	assert_int_equal(vdev_user_enable(&bed.user, 0, PASID), 0);
	assert_int_equal(vdev_user_enable(&bed.user, 1, UINT32_MAX), 0);
	vdev_user_check_copy(&bed.user, portals[0], false);
	vdev_user_check_copy(&bed.user, portals[1], true);
	assert_false(vdev_user_is_done(&bed.user, 3));
	siov_vdev_get_info(siov_vm_vdev(bed.vm, bed.bdf), &info);
	assert_int_equal(info.fn, 1);
	assert_int_equal(info.nb_losses, 1);
	close_bed(&bed);
}

static void
test_s9_4_2_a_vdev_goes_on_when_one_of_its_functions_is_lost(void **state)
{
	(void)state;
	check_loss(2, true);
	check_loss(2, false);
	/* Without one that stands by, any that has room will do. */
	check_loss(1, true);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_s6_2_6_a_vdev_is_suspended_and_resumed),
		cmocka_unit_test(test_state_moves_to_a_vdev_on_another_function),
		cmocka_unit_test(test_s9_4_3_2_a_doorbell_nobody_has_taken_moves_along),
		cmocka_unit_test(test_a_damaged_image_is_refused),
		cmocka_unit_test(test_s9_4_2_a_vdev_goes_on_when_one_of_its_functions_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

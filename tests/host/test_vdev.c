/* SPDX-License-Identifier: BSD-3-Clause */
/* VDEVs at work, as their guests find them: queues, contexts, interrupts, the channel, resets. */
#include "vdev_user.h"

#define PASID 5u
#define OTHER 6u

struct bed {
	struct host_bed *host;
	struct siov_vm *vm;
	struct vdev_user user;
	uint16_t bdf;
};

static void
open_bed(struct bed *bed, const char *type, uint32_t nb_dwqs, const struct host_bed_conf *conf)
{
	bed->host = host_bed_open(conf);
	bed->vm = host_bed_vm(bed->host, 1);
	bed->bdf = host_bed_plug(bed->vm, type, nb_dwqs);
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

static struct siov_vdev_info
info_of(struct bed *bed)
{
	struct siov_vdev_info info;

	siov_vdev_get_info(siov_vm_vdev(bed->vm, bed->bdf), &info);
	return info;
}

static void
check_types(bool has_loop)
{
	const struct host_bed_conf conf = {.nb_fns = 1, .has_loop = has_loop};
	struct siov_vm_portal *portal;
	struct bed bed;
	unsigned int i;

	open_bed(&bed, "swq", 0, &conf);
	assert_int_equal(vdev_user_enable(&bed.user, 0, UINT32_MAX), SIOV_CMD_WQ_PASID_EN);
	assert_int_equal(vdev_user_enable(&bed.user, 0, PASID), 0);
	portal = vdev_user_portal(&bed.user, 0, PASID);
	vdev_user_check_copy(&bed.user, portal, false);
	assert_int_equal(info_of(&bed).nb_adis, 1);
	siov_vcpu_portal_close(bed.user.vcpu, portal);
	close_bed(&bed);

	open_bed(&bed, "dwq", 3, &conf);
	assert_int_equal(info_of(&bed).nb_adis, 3);
	for (i = 0; i < 3; i++) {
		assert_int_equal(vdev_user_enable(&bed.user, i, UINT32_MAX), 0);
		portal = vdev_user_portal(&bed.user, i, UINT32_MAX);
		vdev_user_check_copy(&bed.user, portal, true);
	}
	close_bed(&bed);

	open_bed(&bed, "mixed", 2, &conf);
	assert_int_equal(info_of(&bed).nb_wqs, 3);
	assert_int_equal(vdev_user_enable(&bed.user, 0, PASID), 0);
	assert_int_equal(vdev_user_enable(&bed.user, 2, UINT32_MAX), 0);
	vdev_user_check_copy(&bed.user, vdev_user_portal(&bed.user, 0, PASID), false);
	vdev_user_check_copy(&bed.user, vdev_user_portal(&bed.user, 2, UINT32_MAX), true);
	close_bed(&bed);
}

static void
test_s9_4_3_types_of_vdevs_differ_in_their_adis(void **state)
{
	(void)state;
	check_types(false);
	check_types(true);
}

static void
test_s9_4_4_contexts_come_and_go_on_the_guests_request(void **state)
{
	const struct host_bed_conf conf = {.nb_fns = 1, .has_loop = true};
	struct siov_vm_portal *portal, *other;
	struct siov_vdev_answer answer;
	struct bed bed;
	unsigned int i;

	(void)state;
	open_bed(&bed, "dynamic", 0, &conf);
	assert_int_equal(info_of(&bed).nb_adis, 0);
	assert_int_equal(vdev_user_enable(&bed.user, 0, UINT32_MAX), 0);
	portal = vdev_user_portal(&bed.user, 0, PASID);
	other = vdev_user_portal(&bed.user, 0, OTHER);
	for (i = 0; i < 5; i++) {
		struct dsa_hw_desc desc __attribute__((aligned(64))) =
			vdev_user_copy(&bed.user, 1, UINT32_MAX);

		/* Without a context nothing is accepted: an exit, or Retry while the last one goes. */
		assert_int_not_equal(siov_vm_enqcmd(portal, &desc), SIOV_DMWR_SUCCESS);
		answer = vdev_user_call(&bed.user, SIOV_VOP_CONTEXT_ALLOC, 0, PASID, 1);
		assert_int_equal(answer.status, 0);
		assert_int_equal(info_of(&bed).nb_contexts, 1);
		vdev_user_check_copy(&bed.user, portal, false);
		answer = vdev_user_call(&bed.user, SIOV_VOP_CONTEXT_ALLOC, 0, PASID, 1);
		assert_int_equal(answer.status, -EEXIST);
		answer = vdev_user_call(&bed.user, SIOV_VOP_CONTEXT_ALLOC, 0, OTHER, 2);
		assert_int_equal(answer.status, -EEXIST);
		answer = vdev_user_call(&bed.user, SIOV_VOP_CONTEXT_FREE, 0, PASID, 0);
		assert_int_equal(answer.status, 0);
		assert_int_equal(info_of(&bed).nb_contexts, 0);
	}
	siov_vcpu_portal_close(bed.user.vcpu, other);
	close_bed(&bed);
}

static void
test_s6_2_3_more_vdevs_than_dedicated_queues(void **state)
{
	const struct host_bed_conf conf = {.nb_fns = 1, .has_loop = true};
	struct vdev_user users[3 * HOST_BED_DWQS];
	uint16_t bdfs[3 * HOST_BED_DWQS];
	struct siov_vm_portal *portal;
	struct host_bed *host;
	struct siov_vm *vm;
	unsigned int i;

	(void)state;
	host = host_bed_open(&conf);
	vm = host_bed_vm(host, 1);
	assert_int_equal(siov_vcpu_enter(siov_vm_vcpu(vm, 0)), 0);
	for (i = 0; i < RTE_DIM(users); i++) {
		bdfs[i] = host_bed_plug(vm, "dwq", 1);
		vdev_user_open(&users[i], host, vm, bdfs[i]);
	}
	/* Each works while it has its queue; the queue goes round. */
	for (i = 0; i < RTE_DIM(users); i++) {
		assert_int_equal(vdev_user_enable(&users[i], 0, UINT32_MAX), 0);
		portal = vdev_user_portal(&users[i], 0, UINT32_MAX);
		vdev_user_check_copy(&users[i], portal, true);
		if (i >= HOST_BED_DWQS - 1) {
			/* No queue is free: told so, with the reason. */
			if (i + 1 < RTE_DIM(users))
				assert_int_equal(vdev_user_enable(&users[i + 1], 0, UINT32_MAX),
						 SIOV_CMD_HW_ERROR |
							 EAGAIN << SIOV_CMDSTS_RESULT_SHIFT);
			assert_int_equal(vdev_user_command(&users[i - HOST_BED_DWQS + 1],
							   SIOV_CMD_DISABLE_WQ, 1),
					 0);
		}
	}
	siov_vcpu_leave(siov_vm_vcpu(vm, 0));
	for (i = 0; i < RTE_DIM(users); i++)
		host_bed_unplug(vm, bdfs[i]);
	assert_int_equal(siov_vm_free(vm), 0);
	host_bed_close(host);
}

/* ---- interrupts ---- */

static uint32_t
handle_of(struct bed *bed, unsigned int vector)
{
	uint32_t status = vdev_user_command(&bed->user, SIOV_CMD_REQUEST_HANDLE, vector);

	assert_int_equal(status & 0xff, 0);
	return status >> SIOV_CMDSTS_RESULT_SHIFT & 0xffff;
}

static void
check_vectors(const struct host_bed_conf *conf)
{
	struct siov_vm_portal *portal;
	struct bed bed;
	uint64_t table;

	open_bed(&bed, "swq", 0, conf);
	table = bed.user.bar0 + 4096;
	assert_int_equal(vdev_user_enable(&bed.user, 0, PASID), 0);
	portal = vdev_user_portal(&bed.user, 0, PASID);

	struct dsa_hw_desc desc __attribute__((aligned(64))) =
		vdev_user_copy(&bed.user, 1, handle_of(&bed, 1));

	/* From the ADI, with the vector as programmed. */
	assert_int_equal(siov_vm_enqcmd(portal, &desc), SIOV_DMWR_SUCCESS);
	assert_int_equal(vdev_user_vector(&bed.user), 1);
	assert_int_equal(vdev_user_await(&bed.user, 1), DSA_COMP_SUCCESS);
	/* From the VDCM: the end of a command. */
	vdev_user_write(&bed.user, SIOV_REG_CMD,
			SIOV_CMD_DRAIN_ALL << SIOV_CMD_SHIFT | SIOV_CMD_INT);
	assert_int_equal(vdev_user_vector(&bed.user), 0);
	assert_int_equal(vdev_user_reg(&bed.user, SIOV_REG_INTCAUSE), SIOV_INTCAUSE_CMD);
	vdev_user_write(&bed.user, SIOV_REG_INTCAUSE, SIOV_INTCAUSE_CMD);
	assert_int_equal(vdev_user_reg(&bed.user, SIOV_REG_INTCAUSE), 0);
	/* Masked ones stay pending, and come when they are not. */
	siov_vcpu_mmio_write(bed.user.vcpu, table + 12, 4, 1);
	siov_vcpu_mmio_write(bed.user.vcpu, table + 16 + 12, 4, 1);
	desc = vdev_user_copy(&bed.user, 1, handle_of(&bed, 1));
	assert_int_equal(siov_vm_enqcmd(portal, &desc), SIOV_DMWR_SUCCESS);
	assert_int_equal(vdev_user_await(&bed.user, 1), DSA_COMP_SUCCESS);
	vdev_user_write(&bed.user, SIOV_REG_CMD,
			SIOV_CMD_DRAIN_ALL << SIOV_CMD_SHIFT | SIOV_CMD_INT);
	while (siov_vcpu_mmio_read(bed.user.vcpu, table + SIOV_VDEV_MSIX_PBA, 4) != 3) {
		siov_vdcm_poll(bed.host->vdcm);
		host_bed_nap();
	}
	assert_int_equal(siov_vcpu_take(bed.user.vcpu), -1);
	/* To another vector than before. */
	siov_vcpu_mmio_write(bed.user.vcpu, table + 16 + 8, 4, USER_VECTOR + 9);
	siov_vcpu_mmio_write(bed.user.vcpu, table + 16 + 12, 4, 0);
	assert_int_equal(vdev_user_vector(&bed.user), 9);
	siov_vcpu_mmio_write(bed.user.vcpu, table + 12, 4, 0);
	assert_int_equal(vdev_user_vector(&bed.user), 0);
	assert_int_equal(siov_vcpu_mmio_read(bed.user.vcpu, table + SIOV_VDEV_MSIX_PBA, 4), 0);
	close_bed(&bed);
}

static void
test_s9_4_2_1_vectors_are_programmed_by_the_guest(void **state)
{
	const struct host_bed_conf ims = {.nb_fns = 1, .has_loop = true};
	const struct host_bed_conf msix = {.nb_fns = 1, .has_no_ims = true};

	(void)state;
	check_vectors(&ims);
	check_vectors(&msix);
}

/* ---- resets ---- */

static void
test_s7_7_5_a_virtual_flr_resets_all_adis(void **state)
{
	const struct host_bed_conf conf = {.nb_fns = 1};
	struct siov_vm_portal *portals[2];
	struct siov_vdev *vdev;
	struct bed bed;
	unsigned int i;

	(void)state;
	open_bed(&bed, "mixed", 1, &conf);
	vdev = siov_vm_vdev(bed.vm, bed.bdf);
	assert_int_equal(vdev_user_enable(&bed.user, 0, PASID), 0);
	assert_int_equal(vdev_user_enable(&bed.user, 1, UINT32_MAX), 0);
	portals[0] = vdev_user_portal(&bed.user, 0, PASID);
	portals[1] = vdev_user_portal(&bed.user, 1, UINT32_MAX);
	host_bed_stop(bed.host, 0);
	for (i = 0; i < 2; i++) {
		struct dsa_hw_desc desc __attribute__((aligned(64))) =
			vdev_user_copy(&bed.user, i, UINT32_MAX);

		if (i == 0)
			assert_int_equal(siov_vm_enqcmd(portals[0], &desc), SIOV_DMWR_SUCCESS);
		else
			siov_vm_movdir64b(portals[1], &desc);
	}
	/* It goes on by itself; without an engine it cannot end. */
	assert_int_equal(siov_vdev_reset(vdev, 0), -EINPROGRESS);
	assert_int_equal(siov_vdev_reset(vdev, 10), -ETIMEDOUT);
	host_bed_start(bed.host, 0);
	assert_int_equal(siov_vdev_reset(vdev, HOST_BED_MS), 0);
	assert_false(vdev_user_is_done(&bed.user, 0));
	assert_false(vdev_user_is_done(&bed.user, 1));
	assert_int_equal(vdev_user_reg(&bed.user, SIOV_REG_GENSTS), SIOV_GENSTS_DISABLED);
	assert_int_equal(siov_vcpu_cfg_read(bed.user.vcpu, bed.bdf, PCI_COMMAND, 2), 0);
	close_bed(&bed);
}

static void
test_s7_1_2_a_vdev_is_made_of_adis(void **state)
{
	const struct host_bed_conf conf = {.nb_fns = 1, .nb_adis = 5};
	struct siov_vdev_conf vdev = {.fn = SIOV_VDEV_FN_ANY};
	struct siov_adi_info info;
	struct host_bed *host;
	struct siov_vm *vm;
	uint16_t first, second;
	uint32_t id;

	(void)state;
	host = host_bed_open(&conf);
	vm = host_bed_vm(host, 1);
	vdev.type = siov_vdcm_type_find("mixed");
	vdev.nb_dwqs = 3;
	assert_int_equal(siov_vdcm_room(host->vdcm, vdev.type, 3), 1);
	assert_int_equal(siov_vm_plug(vm, &vdev, &first), 0);
	assert_int_equal(siov_dev_adi_used(host->devs[0]), 4);
	assert_int_equal(siov_vdcm_room(host->vdcm, vdev.type, 3), 0);
	assert_int_equal(siov_vm_plug(vm, &vdev, &second), -ENOSPC);
	assert_int_equal(siov_dev_adi_used(host->devs[0]), 4);
	/* They are the VDEV's: nobody else gives them back. */
	assert_int_equal(siov_dev_adi_info(host->devs[0], 0, &info), 0);
	assert_int_equal(info.owner, SIOV_ADI_VM);
	assert_int_equal(siov_dev_adi_release(host->devs[0], 0), -EBUSY);
	assert_int_equal(siov_dev_adi_alloc(host->devs[0], SIOV_ADI_CONTEXT, SIOV_ADI_HOST, &id),
			 0);
	assert_int_equal(siov_dev_adi_release(host->devs[0], id), 0);
	host_bed_unplug(vm, first);
	assert_int_equal(siov_dev_adi_used(host->devs[0]), 0);
	assert_int_equal(siov_vm_free(vm), 0);
	host_bed_close(host);
}

/* ---- walks ---- */

#define LIVES 300u

struct churn {
	struct siov_vm *vm;
	SIOV_ATOMIC(uint32_t) has_ended;
};

static void *
run_churn(void *arg)
{
	struct churn *churn = arg;
	unsigned int i;

	for (i = 0; i < LIVES; i++) {
		uint16_t bdf = host_bed_plug(churn->vm, "swq", 0);

		host_bed_unplug(churn->vm, bdf);
	}
	siov_atomic_store(&churn->has_ended, 1, release);
	return NULL;
}

static int
note_one(struct siov_vdev *vdev, void *arg)
{
	struct siov_vdev_info info;

	siov_vdev_get_info(vdev, &info);
	assert_string_equal(info.type->name, "swq");
	*(uint32_t *)arg |= 1u << RTE_MIN(info.id, 31u);
	return 0;
}

static int
end_at_once(struct siov_vdev *vdev, void *arg)
{
	(void)vdev;
	++*(uint32_t *)arg;
	return -7;
}

static void
test_a_walk_meets_no_vdev_that_goes(void **state)
{
	const struct host_bed_conf conf = {.nb_fns = 1, .has_loop = true};
	struct churn churn = {.vm = NULL};
	uint32_t seen, nb = 0;
	pthread_t thread;
	struct bed bed;

	(void)state;
	open_bed(&bed, "swq", 0, &conf);
	churn.vm = host_bed_vm(bed.host, 1);
	assert_int_equal(pthread_create(&thread, NULL, run_churn, &churn), 0);
	do {
		seen = 0;
		assert_int_equal(siov_vdcm_walk(bed.host->vdcm, note_one, &seen), 0);
		assert_true(seen & 1u << info_of(&bed).id);
	} while (siov_atomic_load(&churn.has_ended, acquire) == 0);
	pthread_join(thread, NULL);
	assert_int_equal(siov_vdcm_walk(bed.host->vdcm, end_at_once, &nb), -7);
	assert_int_equal(nb, 1);
	assert_int_equal(siov_vm_free(churn.vm), 0);
	close_bed(&bed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_s7_1_2_a_vdev_is_made_of_adis),
		cmocka_unit_test(test_s9_4_3_types_of_vdevs_differ_in_their_adis),
		cmocka_unit_test(test_s9_4_2_1_vectors_are_programmed_by_the_guest),
		cmocka_unit_test(test_s9_4_4_contexts_come_and_go_on_the_guests_request),
		cmocka_unit_test(test_s6_2_3_more_vdevs_than_dedicated_queues),
		cmocka_unit_test(test_s7_7_5_a_virtual_flr_resets_all_adis),
		cmocka_unit_test(test_a_walk_meets_no_vdev_that_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

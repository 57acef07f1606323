/* SPDX-License-Identifier: BSD-3-Clause */
/* The driver against devices that answer, halt and interrupt as they should not, and against its state. */
#include <errno.h>
#include <string.h>

#include "fake_driver.h"

/* ---- channel ---- */

static void
test_channel_answers_that_are_none(void **state)
{
	static const struct {
		enum fake_answer answer;
		int error;
	} rows[] = {
		{FAKE_ANSWER, 0},          {FAKE_SILENCE, -ETIMEDOUT}, {FAKE_WRONG_ID, -EIO},
		{FAKE_WRONG_STATUS, -EIO}, {FAKE_TOO_MANY, -EIO},      {FAKE_REFUSAL, -EIO},
		{FAKE_HALT, -EIO},
	};
	const uint64_t arg[6] = {1, 2, 3, 4, 5, 6};
	unsigned int i;

	(void)state;
	for (i = 0; i < RTE_DIM(rows); i++) {
		struct siov_vcpu *vcpu = fake_vcpu_open();
		struct siov_guest *guest = must_probe(vcpu, NULL);
		uint64_t ret[7] = {0};

		vcpu->answer = rows[i].answer;
		assert_int_equal(siov_guest_call(guest, SIOV_VOP_ECHO, arg, ret), rows[i].error);
		if (rows[i].error == 0)
			assert_memory_equal(ret, arg, sizeof(arg));
		assert_int_equal(siov_guest_remove(guest), 0);
		fake_vcpu_close(vcpu);
	}
}

static void
test_sixteen_requests_are_outstanding_at_most(void **state)
{
	struct siov_vcpu *vcpu = fake_vcpu_open();
	struct siov_guest *guest = must_probe(vcpu, NULL);
	uint64_t arg[6] = {9}, ret[7];
	unsigned int i;

	(void)state;
	vcpu->answer = FAKE_SILENCE;
	for (i = 0; i < SIOV_VDEV_SLOTS; i++)
		assert_int_equal(siov_guest_call(guest, SIOV_VOP_ECHO, arg, NULL), -ETIMEDOUT);
	assert_int_equal(siov_guest_call(guest, SIOV_VOP_ECHO, arg, NULL), -EBUSY);
	/* Late answers free their slots, and are nobody's. */
	vcpu->answer = FAKE_ANSWER;
	fake_answer_all(vcpu);
	arg[0] = 10;
	assert_int_equal(siov_guest_call(guest, SIOV_VOP_ECHO, arg, ret), 0);
	assert_int_equal(ret[0], 10);
	assert_int_equal(siov_guest_remove(guest), 0);
	fake_vcpu_close(vcpu);
}

static void
test_versions_that_are_not_known(void **state)
{
	static const uint32_t versions[] = {2 | 3 << 16, 0, 0xffffffff};
	uint64_t arg[6] = {0};
	unsigned int i;

	(void)state;
	for (i = 0; i < RTE_DIM(versions); i++) {
		struct siov_vcpu *vcpu = fake_vcpu_open();
		struct siov_guest_info info;
		struct siov_guest *guest;

		fake_set_reg(vcpu, SIOV_VREG_VERSIONS, versions[i]);
		guest = must_probe(vcpu, NULL);
		siov_guest_get_info(guest, &info);
		assert_false(info.has_channel);
		assert_int_equal(siov_guest_call(guest, SIOV_VOP_ECHO, arg, NULL), -ENOTSUP);
		assert_int_equal(siov_guest_wq_enable(guest, 0, PASID), 0);
		assert_int_equal(siov_guest_remove(guest), 0);
		fake_vcpu_close(vcpu);
	}
}

static void
test_handles_out_of_range(void **state)
{
	struct siov_vcpu *vcpu = fake_vcpu_open();
	struct siov_guest *guest = must_probe(vcpu, NULL);
	uint32_t handle = 0;

	(void)state;
	vcpu->answer_word = 0x10000;
	assert_int_equal(siov_guest_context_alloc(guest, 0, PASID, &handle), 0);
	assert_int_equal(handle, UINT32_MAX);
	vcpu->answer_word = 0xffff;
	assert_int_equal(siov_guest_context_alloc(guest, 0, PASID, &handle), 0);
	assert_int_equal(handle, 0xffff);
	assert_int_equal(siov_guest_remove(guest), 0);
	fake_vcpu_close(vcpu);
}

/* ---- events ---- */

static void
test_vectors_and_errors_are_told(void **state)
{
	struct siov_vcpu *vcpu = fake_vcpu_open();
	struct told told = {0};
	struct siov_guest *guest = must_probe(vcpu, &told);

	(void)state;
	assert_int_equal(siov_guest_poll(guest), 0);
	vcpu->pending[VECTOR + 2] = true;
	vcpu->pending[VECTOR - 1] = true;
	vcpu->pending[VECTOR + FAKE_VECTORS] = true;
	assert_int_equal(siov_guest_poll(guest), 1);
	assert_int_equal(told.nb_interrupts[1], 1);
	assert_int_equal(siov_guest_interrupt(guest, -1), 0);
	fake_set_reg(vcpu, SIOV_REG_SWERR, SIOV_SWERR_VALID | 0x1a << SIOV_SWERR_CODE_SHIFT);
	fake_set_reg(vcpu, SIOV_REG_SWERR + 16, 0x1000);
	fake_set_reg(vcpu, SIOV_REG_SWERR + 20, 0x7f);
	fake_cause(vcpu, SIOV_INTCAUSE_SWERR);
	assert_int_equal(siov_guest_poll(guest), 1);
	assert_int_equal(told.nb_errors, 1);
	assert_int_equal(told.code, 0x1a);
	assert_true(told.addr == UINT64_C(0x7f00001000));
	assert_int_equal(fake_reg(vcpu, SIOV_REG_SWERR) & 3, 0);
	assert_int_equal(fake_reg(vcpu, SIOV_REG_INTCAUSE), 0);
	/* A cause without what it tells of. */
	fake_cause(vcpu, SIOV_INTCAUSE_SWERR | SIOV_INTCAUSE_HALT);
	assert_int_equal(siov_guest_poll(guest), 1);
	assert_int_equal(told.nb_errors, 1);
	assert_int_equal(told.nb_halts, 0);
	fake_cause(vcpu, SIOV_INTCAUSE_REVOKED);
	assert_int_equal(siov_guest_poll(guest), 1);
	assert_int_equal(told.nb_handles, 1);
	/* One that comes for ever does not hold the guest. */
	vcpu->storm = VECTOR + 1;
	assert_int_equal(siov_guest_poll(guest), 64);
	assert_int_equal(siov_guest_remove(guest), 0);
	fake_vcpu_close(vcpu);
}

static void
test_page_requests_that_cannot_be(void **state)
{
	struct siov_vcpu *vcpu = fake_vcpu_open();
	struct told told = {.nb_pages = 0};
	struct siov_guest *guest = must_probe(vcpu, &told);
	struct siov_vdev_page page = {.addr = 0x7000};

	(void)state;
	/* A cause without any, all that there can be, and one more than that. */
	fake_cause(vcpu, SIOV_INTCAUSE_PAGE);
	assert_int_equal(siov_guest_poll(guest), 1);
	assert_int_equal(told.nb_pages, 0);
	memcpy(vcpu->channel + SIOV_VDEV_PAGE_SLOTS_AT + 63 * sizeof(page), &page, sizeof(page));
	fake_set_reg(vcpu, SIOV_VREG_PAGES, SIOV_VDEV_PAGE_SLOTS);
	fake_cause(vcpu, SIOV_INTCAUSE_PAGE);
	assert_int_equal(siov_guest_poll(guest), 1);
	assert_int_equal(told.nb_pages, SIOV_VDEV_PAGE_SLOTS);
	assert_true(told.addr == 0x7000);
	fake_set_reg(vcpu, SIOV_VREG_PAGES, 2 * SIOV_VDEV_PAGE_SLOTS + 1);
	fake_cause(vcpu, SIOV_INTCAUSE_PAGE);
	assert_int_equal(siov_guest_poll(guest), -EIO);
	fake_set_reg(vcpu, SIOV_VREG_PAGES, SIOV_VDEV_PAGE_SLOTS - 1);
	fake_cause(vcpu, SIOV_INTCAUSE_PAGE);
	assert_int_equal(siov_guest_poll(guest), -EIO);
	assert_int_equal(told.nb_pages, SIOV_VDEV_PAGE_SLOTS);
	assert_int_equal(siov_guest_remove(guest), 0);
	fake_vcpu_close(vcpu);
}

static void
halt(struct siov_vcpu *vcpu, uint32_t reset)
{
	fake_set_reg(vcpu, SIOV_REG_GENSTS, SIOV_GENSTS_HALT | reset << 2);
	fake_cause(vcpu, SIOV_INTCAUSE_HALT);
}

static void
test_a_halt_is_brought_back(void **state)
{
	struct siov_vcpu *vcpu = fake_vcpu_open();
	struct told told = {0};
	struct siov_guest *guest = must_probe(vcpu, &told);
	struct siov_guest_info info;
	uint64_t arg[6] = {0};
	uint32_t handle, reset;

	(void)state;
	assert_int_equal(siov_guest_wq_enable(guest, 0, PASID), 0);
	assert_int_equal(siov_guest_wq_enable(guest, 2, UINT32_MAX), 0);
	handle = siov_guest_handle(guest, 2);
	for (reset = 0; reset < 2; reset++) {
		halt(vcpu, reset);
		assert_int_equal(siov_guest_poll(guest), 1);
		assert_int_equal(told.nb_halts, reset + 1);
		assert_int_equal(told.nb_handles, reset + 1);
		siov_guest_get_info(guest, &info);
		assert_true(info.wqs[0].is_enabled);
		assert_false(info.wqs[1].is_enabled);
		assert_true(info.wqs[2].is_enabled);
		assert_int_equal(fake_reg(vcpu, SIOV_VDEV_WQCFG + SIOV_WQCFG_MODE),
				 SIOV_WQCFG_PASID_EN | PASID << 8);
		assert_int_not_equal(siov_guest_handle(guest, 2), handle);
		/* The channel was closed with it, and counts from 0. */
		assert_int_equal(siov_guest_call(guest, SIOV_VOP_ECHO, arg, NULL), 0);
		assert_int_equal(fake_reg(vcpu, SIOV_VREG_DONE), 1);
	}
	assert_int_equal(siov_guest_remove(guest), 0);
	fake_vcpu_close(vcpu);
}

static void
test_halts_that_do_not_end(void **state)
{
	struct siov_vcpu *vcpu = fake_vcpu_open();
	struct told told = {.halts_again = true};
	struct siov_guest *guest = must_probe(vcpu, &told);

	(void)state;
	assert_int_equal(siov_guest_wq_enable(guest, 0, PASID), 0);
	/* One that needs the power switched off. */
	halt(vcpu, 2);
	assert_int_equal(siov_guest_poll(guest), -EIO);
	/* It is told once; then it is the owner's to decide. */
	assert_int_equal(siov_guest_poll(guest), 1);
	assert_int_equal(told.nb_halts, 1);
	assert_int_equal(siov_guest_reset(guest), 0);
	/* Resets that do not work. */
	halt(vcpu, 0);
	vcpu->never = 1u << SIOV_CMD_RESET_DEVICE;
	assert_int_equal(siov_guest_poll(guest), -EIO);
	assert_int_equal(told.nb_halts, 2);
	vcpu->never = 0;
	fake_set_reg(vcpu, SIOV_REG_CMDSTS, 0);
	assert_int_equal(siov_guest_reset(guest), 0);
	halt(vcpu, 0);
	vcpu->is_idle = true;
	assert_int_equal(siov_guest_poll(guest), -EIO);
	vcpu->is_idle = false;
	assert_int_equal(siov_guest_remove(guest), 0);
	fake_vcpu_close(vcpu);
}

/* ---- state ---- */

static void
test_a_driver_takes_up_what_another_left(void **state)
{
	struct siov_vcpu *vcpu = fake_vcpu_open();
	struct told told = {0};
	const struct siov_guest_conf conf = conf_of(&told);
	struct siov_guest *guest = must_probe(vcpu, NULL), *next;
	struct siov_guest_info info;
	uint64_t arg[6] = {0};

	(void)state;
	assert_int_equal(siov_guest_wq_enable(guest, 2, PASID), 0);
	assert_int_equal(siov_guest_call(guest, SIOV_VOP_ECHO, arg, NULL), 0);
	siov_guest_detach(guest);
	assert_int_equal(siov_guest_attach(vcpu, &conf, &next), 0);
	siov_guest_get_info(next, &info);
	assert_true(info.wqs[2].is_enabled);
	assert_int_equal(vcpu->nb_commands[SIOV_CMD_RESET_DEVICE], 1);
	assert_int_equal(siov_guest_call(next, SIOV_VOP_ECHO, arg, NULL), 0);
	assert_int_equal(fake_reg(vcpu, SIOV_VREG_DONE), 2);
	/* What came while it was moved is seen without a vector; so is a halt. */
	siov_guest_detach(next);
	fake_set_reg(vcpu, SIOV_REG_GENSTS, SIOV_GENSTS_HALT);
	assert_int_equal(siov_guest_attach(vcpu, &conf, &next), 0);
	assert_int_equal(siov_guest_poll(next), 0);
	assert_int_equal(told.nb_halts, 1);
	siov_guest_get_info(next, &info);
	assert_true(info.wqs[2].is_enabled);
	assert_int_equal(siov_guest_remove(next), 0);
	assert_int_equal(siov_guest_attach(vcpu, &conf, &next), -EINVAL);
	fake_vcpu_close(vcpu);
}

static void
test_states_of_garbage_are_refused(void **state)
{
	struct siov_vcpu *vcpu = fake_vcpu_open();
	const struct siov_guest_conf conf = conf_of(NULL);
	struct siov_guest *guest = must_probe(vcpu, NULL), *next;
	struct guest_state *left = (struct guest_state *)(void *)(vcpu->ram + STATE);
	const struct guest_state good = *left;
	unsigned int i;

	(void)state;
	siov_guest_detach(guest);
	/* Each byte of the part that says where the device is. */
	for (i = 0; i < offsetof(struct guest_state, nb_wqs) + 4; i++) {
		((uint8_t *)left)[i] ^= 0x55;
		assert_int_equal(siov_guest_attach(vcpu, &conf, &next), -EINVAL);
		*left = good;
	}
	left->nb_sent = 5;
	assert_int_equal(siov_guest_attach(vcpu, &conf, &next), -EINVAL);
	*left = good;
	/* It was stopped before it had counted the last request; two are not to be explained. */
	fake_set_reg(vcpu, SIOV_VREG_DOORBELL, 2);
	assert_int_equal(siov_guest_attach(vcpu, &conf, &next), -EINVAL);
	fake_set_reg(vcpu, SIOV_VREG_DOORBELL, 1);
	assert_int_equal(siov_guest_attach(vcpu, &conf, &next), 0);
	siov_guest_detach(next);
	fake_set_reg(vcpu, SIOV_VREG_DOORBELL, 0);
	*left = good;
	left->first_vector++;
	assert_int_equal(siov_guest_attach(vcpu, &conf, &next), -EINVAL);
	*left = good;
	assert_int_equal(siov_guest_attach(vcpu, &conf, &next), 0);
	assert_int_equal(siov_guest_remove(next), 0);
	fake_vcpu_close(vcpu);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_channel_answers_that_are_none),
		cmocka_unit_test(test_sixteen_requests_are_outstanding_at_most),
		cmocka_unit_test(test_versions_that_are_not_known),
		cmocka_unit_test(test_handles_out_of_range),
		cmocka_unit_test(test_vectors_and_errors_are_told),
		cmocka_unit_test(test_page_requests_that_cannot_be),
		cmocka_unit_test(test_a_halt_is_brought_back),
		cmocka_unit_test(test_halts_that_do_not_end),
		cmocka_unit_test(test_a_driver_takes_up_what_another_left),
		cmocka_unit_test(test_states_of_garbage_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

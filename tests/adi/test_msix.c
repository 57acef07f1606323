/* SPDX-License-Identifier: BSD-3-Clause */
/* MSI-X of the function: bytes of table and pending bits, masks, PASIDs. */
#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "msg_bed.h"
#include "msix.h"

#define NB 2048u
#define MASK UINT64_C(1)

struct rig {
	struct msg_bed bed;
	struct siov_msix_conf conf;
	struct siov_msix *msix;
};

static int
setup(void **state)
{
	struct rig *r = calloc(1, sizeof(*r));

	assert_non_null(r);
	msg_bed_init(&r->bed);
	r->conf = (struct siov_msix_conf){
		.mem = &r->bed.fm.mem,
		.ir = r->bed.ir,
		.tsc_hz = HZ,
		.socket_id = -1,
		.nb_vectors = NB,
		.nb_engines = 1,
		.rid = RID,
	};
	assert_int_equal(siov_msix_create(&r->conf, &r->msix), 0);
	*state = r;
	return 0;
}

static int
teardown(void **state)
{
	struct rig *r = *state;

	siov_msix_free(r->msix);
	msg_bed_fini(&r->bed);
	free(r);
	return 0;
}

static void
put(struct rig *r, uint64_t offset, unsigned int width, uint64_t value)
{
	assert_int_equal(siov_msix_write(r->msix, offset, width, value), 0);
}

static uint64_t
get(struct rig *r, uint64_t offset, unsigned int width)
{
	uint64_t value = UINT64_MAX;

	assert_int_equal(siov_msix_read(r->msix, offset, width, &value), 0);
	return value;
}

static uint64_t
pba(struct rig *r, uint64_t offset, unsigned int width)
{
	uint64_t value = UINT64_MAX;

	assert_int_equal(siov_msix_read_pba(r->msix, offset, width, &value), 0);
	return value;
}

static void
program(struct rig *r, uint32_t vector, uint32_t index)
{
	put(r, vector * 16, 4, siov_ir_msi_addr(index) & UINT32_MAX);
	put(r, vector * 16 + 4, 4, 0);
	put(r, vector * 16 + 8, 4, 0);
	put(r, vector * 16 + 12, 4, 0);
}

static void
raise_at(struct rig *r, uint32_t vector)
{
	assert_int_equal(msg_raise(msix_table(r->msix), 0, vector, 0, 0), 0);
}

static void
test_s7_5_6_table_is_bytes_of_pci_express(void **state)
{
	struct rig *r = *state;
	const uint32_t last = (NB - 1) * 16;
	uint64_t value;

	assert_int_equal(siov_msix_control(r->msix), NB - 1);
	assert_int_equal(get(r, last + 12, 4), 1);
	assert_int_equal(get(r, last, 8), 0);
	put(r, last, 4, 0x11223344);
	put(r, last + 4, 4, 0x55667788);
	put(r, last + 8, 4, 0x99aabbcc);
	assert_true(get(r, last, 8) == UINT64_C(0x5566778811223344));
	assert_true(get(r, last + 8, 8) == UINT64_C(0x199aabbcc));
	put(r, last + 12, 4, 0xfffffffe);
	assert_int_equal(get(r, last + 12, 4), 0);
	put(r, last + 8, 8, UINT64_C(0x1deadbeef));
	assert_true(get(r, last + 8, 4) == 0xdeadbeef);
	assert_int_equal(get(r, last + 12, 4), 1);
	assert_int_equal(siov_msix_read(r->msix, 2, 4, &value), -EINVAL);
	assert_int_equal(siov_msix_read(r->msix, 4, 8, &value), -EINVAL);
	assert_int_equal(siov_msix_write(r->msix, 0, 2, 0), -EINVAL);
	assert_int_equal(siov_msix_write(r->msix, last + 16, 4, 0), -ERANGE);
	assert_int_equal(siov_msix_read_pba(r->msix, NB / 8, 8, &value), -ERANGE);
	siov_msix_reset(r->msix);
	assert_int_equal(get(r, last, 8), 0);
	assert_int_equal(get(r, last + 12, 4), 1);
}

static void
test_s7_5_6_vectors_send_when_enabled(void **state)
{
	struct rig *r = *state;

	program(r, 5, 7);
	raise_at(r, 5);
	assert_int_equal(msg_bed_nb_delivered(&r->bed), 0);
	assert_int_equal(pba(r, 0, 8), 0);
	siov_msix_set_control(r->msix, SIOV_MSIX_CONTROL_ENABLE);
	assert_int_equal(siov_msix_control(r->msix), SIOV_MSIX_CONTROL_ENABLE | (NB - 1));
	assert_int_equal(msg_bed_nb_delivered(&r->bed), 0);
	raise_at(r, 5);
	assert_int_equal(msg_bed_take(&r->bed), 7);
	assert_int_equal(msg_bed_take(&r->bed), -1);
}

static void
test_s7_5_6_masked_vector_is_pending(void **state)
{
	struct rig *r = *state;

	siov_msix_set_control(r->msix, SIOV_MSIX_CONTROL_ENABLE);
	program(r, 2047, 9);
	put(r, 2047 * 16 + 12, 4, MASK);
	raise_at(r, 2047);
	raise_at(r, 2047);
	assert_true(pba(r, NB / 8 - 8, 8) == RTE_BIT64(63));
	assert_true(pba(r, NB / 8 - 4, 4) == UINT32_C(0x80000000));
	assert_int_equal(pba(r, NB / 8 - 8, 4), 0);
	assert_int_equal(msg_bed_nb_delivered(&r->bed), 0);
	put(r, 2047 * 16 + 12, 4, 0);
	assert_int_equal(pba(r, NB / 8 - 8, 8), 0);
	assert_int_equal(msg_bed_nb_delivered(&r->bed), 1);
	assert_int_equal(msg_bed_take(&r->bed), 9);
}

static void
test_s7_5_6_function_mask_holds_all_vectors(void **state)
{
	struct rig *r = *state;
	uint32_t i;

	for (i = 0; i < 70; i++)
		program(r, i, i);
	siov_msix_set_control(r->msix, SIOV_MSIX_CONTROL_ENABLE | SIOV_MSIX_CONTROL_MASK);
	put(r, 3 * 16 + 12, 4, MASK);
	for (i = 0; i < 70; i++)
		raise_at(r, i);
	assert_true(pba(r, 0, 8) == UINT64_MAX);
	assert_int_equal(pba(r, 8, 8), 0x3f);
	put(r, 4 * 16 + 12, 4, 0);
	assert_int_equal(msg_bed_nb_delivered(&r->bed), 0);
	siov_msix_set_control(r->msix, SIOV_MSIX_CONTROL_ENABLE);
	assert_int_equal(msg_bed_nb_delivered(&r->bed), 69);
	assert_true(pba(r, 0, 8) == 1 << 3);
	put(r, 3 * 16 + 12, 4, 0);
	assert_int_equal(msg_bed_nb_delivered(&r->bed), 70);
}

static void
test_s7_5_8_a_vector_is_for_its_pasid(void **state)
{
	struct rig *r = *state;
	struct msg_table *t = msix_table(r->msix);
	uint32_t perm = 0x77u << 12 | SIOV_IMS_CTRL_PASID_EN, value;

	assert_int_equal(msg_check(t, 1, 0), 0);
	assert_int_equal(msg_check(t, 1, 0x77), -EACCES);
	assert_int_equal(siov_msix_set_perm(r->msix, 1, perm), 0);
	assert_int_equal(siov_msix_perm(r->msix, 1, &value), 0);
	assert_int_equal(value, perm);
	assert_int_equal(msg_check(t, 1, 0x77), 0);
	assert_int_equal(msg_check(t, 1, 0x78), -EACCES);
	assert_int_equal(msg_check(t, 1, 0), -EACCES);
	assert_int_equal(siov_msix_set_perm(r->msix, 1, SIOV_IMS_CTRL_IGNORE), 0);
	assert_int_equal(msg_check(t, 1, 0x78), 0);
	assert_int_equal(msg_check(t, NB, 0), -ENOENT);
	assert_int_equal(siov_msix_set_perm(r->msix, 1, 1), -EINVAL);
	assert_int_equal(siov_msix_set_perm(r->msix, NB, 0), -ERANGE);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_s7_5_6_table_is_bytes_of_pci_express),
		TEST(test_s7_5_6_vectors_send_when_enabled),
		TEST(test_s7_5_6_masked_vector_is_pending),
		TEST(test_s7_5_6_function_mask_holds_all_vectors),
		TEST(test_s7_5_8_a_vector_is_for_its_pasid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

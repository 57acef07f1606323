/* SPDX-License-Identifier: BSD-3-Clause */
/* Registers as bytes: what each bit is, at any width, against a model that knows bytes only. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake_mem.h"
#include "regs.h"
#include "siov_bars.h"

#define END (SIOV_BARS_MSIXPERM + 2048u * 8)
#define NB_WQS 5u
#define NB_GROUPS 3u
#define NB_VECTORS 7u

struct rig {
	struct fake_mem fm;
	struct regs *regs;
	struct regs_access access;
	unsigned int nb_written;
	uint32_t last_offset;
	uint32_t last_value;
};

static int
setup(void **state)
{
	struct rig *r = calloc(1, sizeof(*r));
	struct regs_conf conf = {
		.socket_id = -1,
		.nb_wqs = NB_WQS,
		.nb_groups = NB_GROUPS,
		.nb_vectors = NB_VECTORS,
	};

	assert_non_null(r);
	fake_mem_init(&r->fm);
	conf.mem = &r->fm.mem;
	assert_int_equal(regs_create(&conf, &r->regs), 0);
	r->access = (struct regs_access){.is_disabled = true, .wqs_disabled = UINT64_MAX};
	*state = r;
	return 0;
}

static int
teardown(void **state)
{
	struct rig *r = *state;

	regs_free(r->regs);
	assert_int_equal(r->fm.nb_live, 0);
	free(r);
	return 0;
}

static void
note(void *arg, uint32_t offset, uint32_t value)
{
	struct rig *r = arg;

	r->nb_written++;
	r->last_offset = offset;
	r->last_value = value;
}

static int
put(struct rig *r, uint64_t offset, unsigned int width, uint64_t value)
{
	return regs_write(r->regs, &r->access, offset, width, value, note, r);
}

static uint64_t
get(struct rig *r, uint64_t offset, unsigned int width)
{
	uint64_t value = 0;

	assert_int_equal(regs_read(r->regs, offset, width, &value), 0);
	return value;
}

static void
test_read_only_bits_ignore_writes(void **state)
{
	static const uint32_t offsets[] = {0x00, 0x10, 0x14, 0x20, 0x30, 0x38, 0x40, 0x5c,
					   0x60, 0x6c, 0x90, 0xa8, 0xb0, 0xc4, 0xdc};
	struct rig *r = *state;
	unsigned int i;

	for (i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
		regs_set(r->regs, offsets[i], 0x5aa50ff0);
		assert_int_equal(put(r, offsets[i], 4, 0xffffffff), 0);
		assert_int_equal(put(r, offsets[i], 4, 0), 0);
		assert_int_equal(get(r, offsets[i], 4), 0x5aa50ff0);
	}
}

static void
test_reserved_bits_refuse_writes_and_nothing_changes(void **state)
{
	static const struct {
		uint32_t offset, rsvd;
	} rows[] = {
		{0x04, 1},
		{SIOV_REG_GENCFG, 0x80},
		{SIOV_REG_GENCTRL, 4},
		{SIOV_REG_INTCAUSE, 4},
		{SIOV_BARS_GRPCFG + 8, 1},
		{SIOV_BARS_GRPCFG + 40, 0x40},
		{SIOV_BARS_GRPCFG + 44, 1},
		{SIOV_BARS_GRPCFG + NB_GROUPS * 64, 1},
		{SIOV_BARS_WQCFG, 0x10000},
		{SIOV_BARS_WQCFG + 8, 4},
		{SIOV_BARS_WQCFG + 12, 0x200},
		{SIOV_BARS_WQCFG + 16, 1},
		{SIOV_BARS_WQCFG + NB_WQS * 32, 1},
		{SIOV_BARS_MSIXPERM, 1},
		{SIOV_BARS_MSIXPERM + 4, 1},
		{SIOV_BARS_MSIXPERM + NB_VECTORS * 8, 8},
	};
	struct rig *r = *state;
	unsigned int i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t before = get(r, rows[i].offset, 4);

		assert_int_equal(put(r, rows[i].offset, 4, 0xffffffff), -EINVAL);
		assert_int_equal(put(r, rows[i].offset, 4, rows[i].rsvd), -EINVAL);
		assert_int_equal(get(r, rows[i].offset, 4), before);
	}
	assert_int_equal(r->nb_written, 0);
	/* One half reserved: the other is not written either. */
	assert_int_equal(put(r, SIOV_BARS_MSIXPERM, 8, UINT64_C(1) << 32 | 8), -EINVAL);
	assert_int_equal(get(r, SIOV_BARS_MSIXPERM, 8), 0);
}

static void
test_ones_clear_causes_of_the_bytes_written(void **state)
{
	struct rig *r = *state;

	regs_set(r->regs, SIOV_REG_INTCAUSE, 0x13);
	assert_int_equal(put(r, SIOV_REG_INTCAUSE, 4, 0), 0);
	assert_int_equal(get(r, SIOV_REG_INTCAUSE, 4), 0x13);
	assert_int_equal(put(r, SIOV_REG_INTCAUSE, 1, 2), 0);
	assert_int_equal(get(r, SIOV_REG_INTCAUSE, 4), 0x11);
	regs_set(r->regs, SIOV_REG_SWERR, 0x12340f);
	assert_int_equal(put(r, SIOV_REG_SWERR, 4, 0xffffffff), 0);
	assert_int_equal(get(r, SIOV_REG_SWERR, 4), 0x12340c);
}

static void
test_configuration_can_be_written_while_disabled_only(void **state)
{
	const uint32_t mode = SIOV_BARS_WQCFG + 2 * SIOV_WQCFG_STRIDE + SIOV_WQCFG_MODE;
	struct rig *r = *state;

	assert_int_equal(put(r, mode, 4, 0x10000751), 0);
	assert_int_equal(put(r, SIOV_BARS_GRPCFG, 8, 0x1f), 0);
	r->access.is_disabled = false;
	assert_int_equal(put(r, SIOV_BARS_GRPCFG, 8, 0), 0);
	assert_int_equal(get(r, SIOV_BARS_GRPCFG, 8), 0x1f);
	/* The PASID of a queue that is disabled, and nothing else of it. */
	assert_int_equal(put(r, mode, 4, 0x10000980), 0);
	assert_int_equal(get(r, mode, 4), 0x10000951);
	r->access.wqs_disabled = ~UINT64_C(4);
	assert_int_equal(put(r, mode, 4, 0x10000a80), 0);
	assert_int_equal(get(r, mode, 4), 0x10000951);
}

static void
test_who_writes_is_told_dwords(void **state)
{
	struct rig *r = *state;

	assert_int_equal(put(r, SIOV_REG_CMD, 4, 0x80100000), 0);
	assert_int_equal(r->nb_written, 1);
	assert_int_equal(r->last_offset, SIOV_REG_CMD);
	assert_int_equal(r->last_value, 0x80100000);
	assert_int_equal(put(r, SIOV_REG_CMD, 2, 0), -EINVAL);
	assert_int_equal(put(r, SIOV_REG_CMD + 3, 1, 0), -EINVAL);
	assert_int_equal(put(r, SIOV_BARS_GRPCFG, 8, UINT64_C(5) << 32), 0);
	assert_int_equal(r->nb_written, 3);
	assert_int_equal(r->last_offset, SIOV_BARS_GRPCFG + 4);
	assert_int_equal(r->last_value, 5);
	assert_string_equal(regs_name(r->regs, SIOV_REG_CMD + 2), "CMD");
	assert_null(regs_name(r->regs, 0x1f0));
}

static void
test_accesses_are_aligned_and_inside(void **state)
{
	struct rig *r = *state;
	uint64_t value;

	assert_int_equal(regs_read(r->regs, 2, 4, &value), -EINVAL);
	assert_int_equal(regs_read(r->regs, 4, 8, &value), -EINVAL);
	assert_int_equal(regs_read(r->regs, 0, 3, &value), -EINVAL);
	assert_int_equal(regs_read(r->regs, 0, 0, &value), -EINVAL);
	assert_int_equal(regs_read(r->regs, END, 4, &value), -ERANGE);
	assert_int_equal(regs_read(r->regs, END - 8, 8, &value), 0);
	assert_int_equal(put(r, 1, 2, 0), -EINVAL);
	assert_int_equal(put(r, END, 1, 0), -ERANGE);
	assert_int_equal(put(r, UINT64_MAX - 7, 8, 0), -ERANGE);
}

/* ---- model: one mask of access for each byte ---- */

struct model {
	uint8_t bytes[END], rw[END], w1c[END], rsvd[END];
};

static void
describe(struct model *m, uint32_t offset, uint32_t rw, uint32_t w1c, uint32_t rsvd)
{
	unsigned int i;

	for (i = 0; i < 4; i++) {
		m->rw[offset + i] = (uint8_t)(rw >> 8 * i);
		m->w1c[offset + i] = (uint8_t)(w1c >> 8 * i);
		m->rsvd[offset + i] = (uint8_t)(rsvd >> 8 * i);
	}
}

/* A device that is disabled. */
static void
describe_all(struct model *m)
{
	uint32_t i;

	memset(m->rsvd, 0xff, sizeof(m->rsvd));
	describe(m, 0x00, 0, 0, 0);
	for (i = 0x10; i < 0x18; i += 4)
		describe(m, i, 0, 0, 0);
	for (i = 0x20; i < 0x28; i += 4)
		describe(m, i, 0, 0, 0);
	for (i = 0x30; i < 0x70; i += 4)
		describe(m, i, 0, 0, 0);
	describe(m, 0x88, 3, 0, ~3u);
	describe(m, 0x90, 0, 0, 0);
	describe(m, 0x98, 0, 0x13, ~0x13u);
	describe(m, 0xa0, ~0u, 0, 0);
	describe(m, 0xa8, 0, 0, 0);
	describe(m, 0xb0, 0, 0, 0);
	describe(m, 0xc0, 0, 3, 0);
	for (i = 0xc4; i < 0xe0; i += 4)
		describe(m, i, 0, 0, 0);
	for (i = 0; i < NB_GROUPS; i++) {
		describe(m, 0x400 + i * 64, ~0u, 0, 0);
		describe(m, 0x404 + i * 64, ~0u, 0, 0);
		describe(m, 0x420 + i * 64, ~0u, 0, 0);
		describe(m, 0x424 + i * 64, ~0u, 0, 0);
		describe(m, 0x428 + i * 64, 0x3f, 0, ~0x3fu);
	}
	for (i = 0; i < NB_WQS; i++) {
		describe(m, 0x1000 + i * 32, 0xffff, 0, 0xffff0000);
		describe(m, 0x1004 + i * 32, 0xffff, 0, 0xffff0000);
		describe(m, 0x1008 + i * 32, 0x3ffffff3, 0, 0xc000000c);
		describe(m, 0x100c + i * 32, 0x1ff, 0, ~0x1ffu);
		describe(m, 0x1018 + i * 32, 0, 0, 0);
	}
	for (i = 0; i < NB_VECTORS; i++)
		describe(m, 0x8000 + i * 8, 0xfffff00c, 0, 0xff3);
}

static int
model_write(struct model *m, uint32_t offset, unsigned int width, uint64_t value)
{
	unsigned int i;

	if (offset % width != 0)
		return -EINVAL;
	if (offset / 4 == SIOV_REG_CMD / 4 && width < 4)
		return -EINVAL;
	for (i = 0; i < width; i++) {
		if (value >> 8 * i & m->rsvd[offset + i])
			return -EINVAL;
	}
	for (i = 0; i < width; i++) {
		uint8_t byte = (uint8_t)(value >> 8 * i);
		uint8_t *at = &m->bytes[offset + i];

		*at = (uint8_t)((*at & ~m->rw[offset + i]) | (byte & m->rw[offset + i]));
		*at = (uint8_t)(*at & ~(byte & m->w1c[offset + i]));
	}
	return 0;
}

static uint64_t
model_read(const struct model *m, uint32_t offset, unsigned int width)
{
	uint64_t value = 0;
	unsigned int i;

	for (i = 0; i < width; i++)
		value |= (uint64_t)m->bytes[offset + i] << 8 * i;
	return value;
}

static uint32_t
pick_offset(void)
{
	static const uint32_t bases[] = {0, 0x80, 0x400, 0x1000, 0x8000};
	uint32_t base = bases[(uint32_t)random() % 5];

	return base + (uint32_t)random() % 256;
}

static uint64_t
pick_value(const struct model *m, uint32_t offset)
{
	uint64_t value = (uint64_t)random() << 33 ^ (uint64_t)random() << 11 ^ (uint64_t)random();
	unsigned int i;

	if (random() % 4 == 0)
		return value;
	/* Mostly such as is not refused. */
	for (i = 0; i < 8; i++)
		value &= ~((uint64_t)m->rsvd[offset + i] << 8 * i);
	return value;
}

static void
test_random_accesses_do_what_the_model_does(void **state)
{
	struct model *m = calloc(1, sizeof(*m));
	struct rig *r = *state;
	unsigned int n, nb_taken = 0;

	assert_non_null(m);
	describe_all(m);
	srandom(4);
	for (n = 0; n < 200000; n++) {
		uint32_t offset = pick_offset();
		unsigned int width = 1u << random() % 4;
		uint64_t value = pick_value(m, offset);
		int ret = model_write(m, offset, width, value);

		assert_int_equal(put(r, offset, width, value), ret);
		nb_taken += ret == 0;
		offset &= ~(width - 1);
		assert_int_equal(get(r, offset, width), model_read(m, offset, width));
		if (n % 64 == 0) {
			regs_set(r->regs, SIOV_REG_INTCAUSE, 0x13);
			m->bytes[SIOV_REG_INTCAUSE] = 0x13;
		}
	}
	assert_true(nb_taken > n / 8);
	free(m);
}

static void
test_without_memory_there_are_none(void **state)
{
	struct rig *r = *state;
	struct regs_conf conf = {.mem = &r->fm.mem, .nb_wqs = 1, .nb_groups = 1, .nb_vectors = 1};
	struct regs *regs = NULL;

	fake_mem_fail_at(&r->fm, 1);
	assert_int_equal(regs_create(&conf, &regs), -ENOMEM);
	assert_null(regs);
	regs_free(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_read_only_bits_ignore_writes),
		TEST(test_reserved_bits_refuse_writes_and_nothing_changes),
		TEST(test_ones_clear_causes_of_the_bytes_written),
		TEST(test_configuration_can_be_written_while_disabled_only),
		TEST(test_who_writes_is_told_dwords),
		TEST(test_accesses_are_aligned_and_inside),
		TEST(test_random_accesses_do_what_the_model_does),
		TEST(test_without_memory_there_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

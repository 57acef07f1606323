/* SPDX-License-Identifier: BSD-3-Clause */
/* ADIs without a device: types, every state with every action, numbers, and images as bytes. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <rte_common.h>

#include "adi.h"
#include "adi_image.h"
#include "fake_mem.h"

/* ---- types ---- */

static void
test_s7_1_4_there_is_more_than_one_type(void **state)
{
	enum siov_adi_type type;
	unsigned int i, nb_swq = 0, nb_dwq = 0;

	(void)state;
	for (i = 0; i < SIOV_ADI_TYPES; i++) {
		const struct siov_adi_type_info *info = siov_adi_type_info((enum siov_adi_type)i);

		assert_non_null(info);
		assert_int_equal(siov_adi_type_find(info->name, &type), 0);
		assert_int_equal(type, i);
		assert_true(info->has_swq || info->dwqs_max > 0);
		assert_true(info->dwqs_min <= info->dwqs_max);
		assert_true(info->messages_max >= info->has_swq + info->dwqs_max);
		nb_swq += info->has_swq && info->dwqs_max == 0;
		nb_dwq += !info->has_swq && info->dwqs_max > 1;
	}
	/* 7.1.3: one is a context only; 7.1.1: one has several resources. */
	assert_int_equal(nb_swq, 1);
	assert_int_equal(nb_dwq, 1);
	assert_null(siov_adi_type_info(SIOV_ADI_TYPES));
	assert_int_equal(siov_adi_type_find("network", &type), -EINVAL);
}

/* ---- states ---- */

#define FREE SIOV_ADI_FREE
#define ALLOC SIOV_ADI_ALLOCATED
#define CONF SIOV_ADI_CONFIGURED
#define ENAB SIOV_ADI_ENABLED
#define DRAIN SIOV_ADI_DRAINING
#define ABORT SIOV_ADI_ABORTING
#define DISAB SIOV_ADI_DISABLING
#define SUSPG SIOV_ADI_SUSPENDING
#define SUSPD SIOV_ADI_SUSPENDED
#define RESET SIOV_ADI_RESETTING
#define NO SIOV_ADI_STATES

/* What the drawing in siov_adi.h says, row by row. */
static const uint8_t wanted[SIOV_ADI_STATES][SIOV_ADI_ACTIONS] = {
	/*        alloc  conf  unconf enable drain  abort  disab  suspd  resum  reset  relea  done  given up */
	[FREE] = {ALLOC, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO},
	[ALLOC] = {NO, CONF, NO, NO, NO, NO, NO, NO, NO, RESET, FREE, NO, NO},
	[CONF] = {NO, NO, ALLOC, ENAB, NO, NO, NO, NO, NO, RESET, FREE, NO, NO},
	[ENAB] = {NO, NO, NO, NO, DRAIN, ABORT, DISAB, SUSPG, NO, RESET, NO, NO, NO},
	[DRAIN] = {NO, NO, NO, NO, NO, ABORT, NO, NO, NO, RESET, NO, ENAB, ENAB},
	[ABORT] = {NO, NO, NO, NO, NO, NO, NO, NO, NO, RESET, NO, ENAB, ENAB},
	[DISAB] = {NO, NO, NO, NO, NO, ABORT, NO, NO, NO, RESET, NO, CONF, ENAB},
	[SUSPG] = {NO, NO, NO, NO, NO, ABORT, NO, NO, NO, RESET, NO, SUSPD, ENAB},
	[SUSPD] = {NO, NO, NO, NO, NO, NO, DISAB, NO, ENAB, RESET, NO, NO, NO},
	[RESET] = {NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, CONF, SUSPD},
};

static void
test_each_action_in_each_state(void **state)
{
	unsigned int s, a;

	(void)state;
	for (s = 0; s < SIOV_ADI_STATES; s++) {
		for (a = 0; a < SIOV_ADI_ACTIONS; a++) {
			enum siov_adi_state next = NO;
			int ret = siov_adi_next_state((enum siov_adi_state)s,
						      (enum siov_adi_action)a, &next);

			assert_int_equal(ret, wanted[s][a] == NO ? -EBUSY : 0);
			assert_int_equal(next, wanted[s][a]);
		}
		assert_string_not_equal(siov_adi_state_name((enum siov_adi_state)s), "unknown");
	}
	for (a = 0; a < SIOV_ADI_ACTIONS; a++)
		assert_string_not_equal(siov_adi_action_name((enum siov_adi_action)a), "unknown");
	assert_int_equal(siov_adi_next_state(NO, SIOV_ADI_DO_ALLOC, &(enum siov_adi_state){0}),
			 -EINVAL);
	assert_int_equal(siov_adi_next_state(FREE, SIOV_ADI_ACTIONS, &(enum siov_adi_state){0}),
			 -EINVAL);
}

/* ---- numbers ---- */

static void
test_numbers_run_out_and_come_back_changed(void **state)
{
	enum { NB = 3000 };
	static struct adi *adis[NB];
	static uint32_t ids[NB];
	struct adi_pool pool;
	struct fake_mem fm;
	struct adi *more;
	unsigned int i, round;

	(void)state;
	fake_mem_init(&fm);
	assert_int_equal(adi_pool_create(&pool, &fm.mem, -1, NB), 0);
	for (round = 0; round < 3; round++) {
		for (i = 0; i < NB; i++) {
			assert_int_equal(adi_alloc(&pool, &adis[i]), 0);
			assert_int_equal(adis[i]->state, SIOV_ADI_ALLOCATED);
			assert_ptr_equal(adi_find(&pool, adis[i]->id), adis[i]);
			/* An old number is nobody's. */
			if (round > 0)
				assert_null(adi_find(&pool, ids[i]));
		}
		assert_int_equal(adi_alloc(&pool, &more), -ENOSPC);
		assert_int_equal(pool.nb_used, NB);
		for (i = 0; i < NB; i++) {
			ids[i] = adis[i]->id;
			adi_release(&pool, adis[i]);
			assert_null(adi_find(&pool, ids[i]));
		}
		assert_null(adi_next(&pool, 0));
	}
	assert_null(adi_find(&pool, UINT32_MAX));
	adi_pool_free(&pool);
	assert_int_equal(fm.nb_live, 0);
}

static void
test_without_memory_nothing_is_given_out(void **state)
{
	struct adi_pool pool;
	struct fake_mem fm;
	struct adi *adi;

	(void)state;
	fake_mem_init(&fm);
	fake_mem_fail_at(&fm, 1);
	assert_int_equal(adi_pool_create(&pool, &fm.mem, -1, 10), -ENOMEM);
	adi_pool_free(&pool);
	assert_int_equal(adi_pool_create(&pool, &fm.mem, -1, 10), 0);
	fake_mem_fail_at(&fm, 1);
	assert_int_equal(adi_alloc(&pool, &adi), -ENOMEM);
	assert_int_equal(adi_alloc(&pool, &adi), 0);
	assert_int_equal(pool.nb_used, 1);
	adi_pool_free(&pool);
	assert_int_equal(fm.nb_live, 0);
}

/* ---- images ---- */

static struct adi_image
make_image(void)
{
	struct adi_image image = {
		.type = SIOV_ADI_COMPOSITE,
		.owner = SIOV_ADI_VM,
		.nb_dwqs = 2,
		.nb_messages = 3,
		.qos = {1, 2, 3, 4, 5, 6, 7},
		.counts = {8, 9, 10, 11, UINT64_MAX},
	};
	unsigned int i;

	for (i = 0; i < image.nb_messages; i++)
		image.messages[i] = (struct adi_image_message){
			.addr = UINT64_C(0xfee00000) + i,
			.data = 0x1000 + i,
			.flags = i,
			.interval_us = 50 * i,
			.max_events = i,
		};
	return image;
}

static void
test_s7_7_7_an_image_brings_back_what_was_saved(void **state)
{
	struct adi_image image = make_image(), back;
	uint8_t bytes[ADI_IMAGE_MAX];
	int len = adi_image_write(&image, bytes, sizeof(bytes));

	(void)state;
	assert_int_equal(len, ADI_IMAGE_HEAD + 3 * ADI_IMAGE_MESSAGE);
	memset(&back, 0xff, sizeof(back));
	assert_int_equal(adi_image_read(&back, bytes, (size_t)len), 0);
	assert_memory_equal(&back.qos, &image.qos, sizeof(image.qos));
	assert_memory_equal(&back.counts, &image.counts, sizeof(image.counts));
	assert_memory_equal(back.messages, image.messages, 3 * sizeof(image.messages[0]));
	assert_int_equal(back.type, image.type);
	assert_int_equal(back.owner, image.owner);
	assert_int_equal(back.nb_dwqs, 2);
	assert_int_equal(back.nb_messages, 3);
	assert_int_equal(adi_image_write(&image, bytes, (size_t)len - 1), -ENOSPC);
}

static void
test_every_damaged_byte_is_found(void **state)
{
	struct adi_image image = make_image(), back = {.type = 77}, before = back;
	uint8_t bytes[ADI_IMAGE_MAX + 1] = {0};
	int len = adi_image_write(&image, bytes, sizeof(bytes)), at, bit;

	(void)state;
	for (at = 0; at < len; at++) {
		for (bit = 0; bit < 8; bit++) {
			bytes[at] ^= (uint8_t)(1 << bit);
			assert_int_equal(adi_image_read(&back, bytes, (size_t)len), -EBADMSG);
			bytes[at] ^= (uint8_t)(1 << bit);
		}
		assert_int_equal(adi_image_read(&back, bytes, (size_t)at), -EBADMSG);
	}
	assert_int_equal(adi_image_read(&back, bytes, (size_t)len + 1), -EBADMSG);
	assert_memory_equal(&back, &before, sizeof(back));
	assert_int_equal(adi_image_read(&back, bytes, (size_t)len), 0);
}

/* Images that are whole, and not for this build. */
static void
test_foreign_images_are_refused(void **state)
{
	struct adi_image image = make_image(), back;
	uint8_t bytes[ADI_IMAGE_MAX];
	int len;

	(void)state;
	image.type = SIOV_ADI_TYPES;
	len = adi_image_write(&image, bytes, sizeof(bytes));
	assert_int_equal(adi_image_read(&back, bytes, (size_t)len), -ENOTSUP);
	image = make_image();
	image.owner = SIOV_ADI_OWNERS;
	len = adi_image_write(&image, bytes, sizeof(bytes));
	assert_int_equal(adi_image_read(&back, bytes, (size_t)len), -ENOTSUP);
	image = make_image();
	image.nb_dwqs = 0;
	len = adi_image_write(&image, bytes, sizeof(bytes));
	assert_int_equal(adi_image_read(&back, bytes, (size_t)len), -EBADMSG);
	image = make_image();
	image.messages[1].flags = 4;
	len = adi_image_write(&image, bytes, sizeof(bytes));
	assert_int_equal(adi_image_read(&back, bytes, (size_t)len), -EBADMSG);
}

/* CRC-32C of an image with its own sum, at byte 16, taken as 0: one bit at a time. */
static void
sum_again(uint8_t *bytes, unsigned int len)
{
	uint32_t crc = UINT32_MAX;
	unsigned int i, bit;

	memset(bytes + 16, 0, 4);
	for (i = 0; i < len; i++) {
		crc ^= bytes[i];
		for (bit = 0; bit < 8; bit++)
			crc = crc & 1 ? crc >> 1 ^ 0x82f63b78 : crc >> 1;
	}
	crc = ~crc;
	for (i = 0; i < 4; i++)
		bytes[16 + i] = (uint8_t)(crc >> 8 * i);
}

/* Whole, but of another version, at byte 8; or another kind of file. */
static void
test_s7_7_7_images_of_other_versions_are_refused(void **state)
{
	struct adi_image image = make_image(), back;
	uint8_t bytes[ADI_IMAGE_MAX];
	unsigned int len;

	(void)state;
	len = (unsigned int)adi_image_write(&image, bytes, sizeof(bytes));
	sum_again(bytes, len);
	assert_int_equal(adi_image_read(&back, bytes, len), 0);
	bytes[8]++;
	sum_again(bytes, len);
	assert_int_equal(adi_image_read(&back, bytes, len), -ENOTSUP);
	bytes[8] -= 2;
	sum_again(bytes, len);
	assert_int_equal(adi_image_read(&back, bytes, len), -ENOTSUP);
	bytes[8]++;
	bytes[0] ^= 1;
	sum_again(bytes, len);
	assert_int_equal(adi_image_read(&back, bytes, len), -EBADMSG);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_s7_1_4_there_is_more_than_one_type),
		cmocka_unit_test(test_each_action_in_each_state),
		cmocka_unit_test(test_numbers_run_out_and_come_back_changed),
		cmocka_unit_test(test_without_memory_nothing_is_given_out),
		cmocka_unit_test(test_s7_7_7_an_image_brings_back_what_was_saved),
		cmocka_unit_test(test_every_damaged_byte_is_found),
		cmocka_unit_test(test_foreign_images_are_refused),
		cmocka_unit_test(test_s7_7_7_images_of_other_versions_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

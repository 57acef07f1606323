/* SPDX-License-Identifier: BSD-3-Clause */
/* Layout of the BARs, for each system page size. */
#include <errno.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "siov_bars.h"

#define NB(array) (sizeof(array) / sizeof((array)[0]))

static const uint64_t page_sizes[] = {4096, 16384, 65536, 2097152};

static const struct siov_bars_conf confs[] = {
	{.nb_wqs = 1, .nb_vectors = 1},
	{.nb_wqs = 1, .nb_vectors = 1, .nb_ims = 1, .nb_adis = 1},
	{.nb_wqs = 8, .nb_vectors = 9, .nb_ims = 256, .nb_adis = 3},
	{.nb_wqs = 64, .nb_vectors = 2048, .nb_ims = 16128, .nb_adis = 100},
	{.nb_wqs = 255, .nb_vectors = 65, .nb_ims = 257, .nb_adis = 1u << 20},
};

typedef void (*check_t)(const struct siov_bars *bars);

static void
for_each_layout(check_t check)
{
	struct siov_bars bars;
	unsigned int i, j;

	for (i = 0; i < NB(page_sizes); i++) {
		for (j = 0; j < NB(confs); j++) {
			struct siov_bars_conf conf = confs[j];

			conf.page_bytes = page_sizes[i];
			assert_int_equal(siov_bars_layout(&conf, &bars), 0);
			check(&bars);
		}
	}
}

static struct siov_bars_place
find(const struct siov_bars *bars, unsigned int bar, uint64_t offset)
{
	struct siov_bars_place place;

	assert_int_equal(siov_bars_find(bars, bar, offset, &place), 0);
	return place;
}

/* The first and last bytes of each of the first pages, and of the last ones, are one thing. */
static void
check_pages(const struct siov_bars *bars, unsigned int bar, uint64_t begin, uint64_t end)
{
	const uint64_t page = bars->conf.page_bytes;
	uint64_t at;

	assert_int_equal(begin % page, 0);
	assert_int_equal(end % page, 0);
	for (at = begin; at < end; at += page) {
		struct siov_bars_place first = find(bars, bar, at);
		struct siov_bars_place last = find(bars, bar, at + page - 1);

		assert_int_equal(first.kind, last.kind);
		assert_int_equal(first.adi, last.adi);
		assert_int_equal(first.wq_id, last.wq_id);
		assert_int_equal(first.offset, 0);
		assert_int_equal(last.offset, page - 1);
		if (at > begin + 2000 * page && end - at > 2000 * page)
			at = end - 2000 * page;
	}
}

static void
check_own_pages(const struct siov_bars *bars)
{
	const uint32_t nb = bars->conf.nb_adis;

	check_pages(bars, 0, bars->control, bars->control_end);
	check_pages(bars, 2, 0, bars->direct);
	check_pages(bars, 2, bars->direct, bars->direct_end);
	assert_int_equal(bars->control_end - bars->control, nb * bars->conf.page_bytes);
	if (nb == 0)
		return;
	assert_int_equal(find(bars, 0, bars->control - 1).adi, 0);
	assert_int_not_equal(find(bars, 0, bars->control - 1).kind, SIOV_BARS_ADI_CONTROL);
	assert_int_equal(find(bars, 0, bars->control_end - 1).adi, nb - 1);
	assert_int_equal(find(bars, 2, bars->direct_end - 1).adi, nb - 1);
	assert_int_equal(find(bars, 0, siov_bars_adi_control(bars, nb - 1)).adi, nb - 1);
	assert_int_equal(find(bars, 2, siov_bars_adi_direct(bars, nb - 1)).adi, nb - 1);
}

static void
s7_4_1_no_page_has_registers_of_two_adis(void **state)
{
	(void)state;
	for_each_layout(check_own_pages);
}

/* What kinds one page has; a page that is trapped has nothing direct, and the other way round. */
static void
check_apart(const struct siov_bars *bars)
{
	const uint64_t begins[] = {0, bars->ims, bars->msix, bars->pba, bars->control};
	unsigned int i;

	for (i = 0; i < NB(begins); i++)
		assert_int_equal(begins[i] % bars->conf.page_bytes, 0);
	for (i = 0; i + 1 < NB(begins); i++)
		assert_true(begins[i] <= begins[i + 1]);
	assert_int_equal(find(bars, 0, 0).kind, SIOV_BARS_REGS);
	assert_int_equal(find(bars, 0, bars->msix).kind, SIOV_BARS_MSIX);
	assert_int_equal(find(bars, 0, bars->pba).kind, SIOV_BARS_PBA);
	assert_true(bars->msix < bars->pba);
	assert_int_equal(find(bars, 2, 0).kind, SIOV_BARS_PORTAL);
	assert_int_equal(find(bars, 2, bars->direct - 1).kind, SIOV_BARS_PORTAL);
	if (bars->conf.nb_adis != 0) {
		assert_int_equal(find(bars, 0, bars->control).kind, SIOV_BARS_ADI_CONTROL);
		assert_int_equal(find(bars, 2, bars->direct).kind, SIOV_BARS_ADI_DIRECT);
	}
}

static void
s7_4_2_direct_and_intercepted_registers_lie_in_different_pages(void **state)
{
	(void)state;
	for_each_layout(check_apart);
}

static void
check_sizes(const struct siov_bars *bars)
{
	assert_int_equal(bars->size0 & (bars->size0 - 1), 0);
	assert_int_equal(bars->size2 & (bars->size2 - 1), 0);
	assert_true(bars->size0 >= bars->control_end);
	assert_true(bars->size2 >= bars->direct_end);
	assert_true(bars->size2 < 2 * bars->direct_end);
}

static void
s7_4_3_bars_are_powers_of_two_64_bit_and_prefetchable(void **state)
{
	(void)state;
	assert_int_equal(SIOV_BARS_TYPE, 0x4 | 0x8);
	for_each_layout(check_sizes);
}

static void
s7_4_4_the_layout_follows_the_system_page_size(void **state)
{
	struct siov_bars_conf conf = confs[2];
	struct siov_bars bars;
	unsigned int n;

	(void)state;
	for (n = 0; n < 32; n++) {
		conf.page_bytes = UINT64_C(4096) << n;
		assert_int_equal(siov_bars_layout(&conf, &bars),
				 SIOV_BARS_PAGES >> n & 1 ? 0 : -EINVAL);
		if (!(SIOV_BARS_PAGES >> n & 1))
			continue;
		assert_int_equal(siov_bars_portal(&bars, 1, false, false), 4 * conf.page_bytes);
		assert_int_equal(siov_bars_portal(&bars, 1, true, false), 5 * conf.page_bytes);
		assert_int_equal(siov_bars_portal(&bars, 1, false, true), 6 * conf.page_bytes);
		assert_int_equal(siov_bars_adi_direct(&bars, 2), 34 * conf.page_bytes);
	}
	conf.page_bytes = 12288;
	assert_int_equal(siov_bars_layout(&conf, &bars), -EINVAL);
	conf.page_bytes = 0;
	assert_int_equal(siov_bars_layout(&conf, &bars), -EINVAL);
}

static void
test_portal_pages_name_queue_limit_and_table(void **state)
{
	struct siov_bars_conf conf = confs[3];
	struct siov_bars bars;
	uint32_t wq, kind;

	(void)state;
	conf.page_bytes = 4096;
	assert_int_equal(siov_bars_layout(&conf, &bars), 0);
	for (wq = 0; wq < conf.nb_wqs; wq++) {
		for (kind = 0; kind < 4; kind++) {
			struct siov_bars_place place =
				find(&bars, 2, wq * 0x4000u + kind * 0x1000u + 64);

			assert_int_equal(place.wq_id, wq);
			assert_int_equal(place.is_limited, kind & 1);
			assert_int_equal(place.is_ims, kind >> 1);
			assert_int_equal(place.offset, 64);
			assert_int_equal(siov_bars_portal(&bars, wq, kind & 1, kind & 2),
					 wq * 0x4000u + kind * 0x1000u);
		}
	}
}

static void
test_what_is_out_of_range_is_refused(void **state)
{
	static const struct siov_bars_conf bad[] = {
		{4096, 0, 1, 0, 0},    {4096, 256, 1, 0, 0},   {4096, 1, 0, 0, 0},
		{4096, 1, 2049, 0, 0}, {4096, 1, 1, 16129, 0}, {4096, 1, 1, 0, (1u << 20) + 1},
	};
	struct siov_bars_conf conf = confs[0];
	struct siov_bars_place place;
	struct siov_bars bars;
	unsigned int i;

	(void)state;
	for (i = 0; i < NB(bad); i++)
		assert_int_equal(siov_bars_layout(&bad[i], &bars), -ERANGE);
	conf.page_bytes = 4096;
	assert_int_equal(siov_bars_layout(&conf, &bars), 0);
	assert_int_equal(siov_bars_find(&bars, 1, 0, &place), -EINVAL);
	assert_int_equal(siov_bars_find(&bars, 0, bars.size0, &place), -ERANGE);
	assert_int_equal(siov_bars_find(&bars, 2, bars.size2, &place), -ERANGE);
	assert_int_equal(find(&bars, 0, bars.msix + 16).kind, SIOV_BARS_NOTHING);
	assert_int_equal(find(&bars, 0, bars.pba + 8).kind, SIOV_BARS_NOTHING);
	conf.page_bytes = 65536;
	assert_int_equal(siov_bars_layout(&conf, &bars), 0);
	assert_int_equal(find(&bars, 0, bars.ims - 1).kind, SIOV_BARS_NOTHING);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(s7_4_1_no_page_has_registers_of_two_adis),
		cmocka_unit_test(s7_4_2_direct_and_intercepted_registers_lie_in_different_pages),
		cmocka_unit_test(s7_4_3_bars_are_powers_of_two_64_bit_and_prefetchable),
		cmocka_unit_test(s7_4_4_the_layout_follows_the_system_page_size),
		cmocka_unit_test(test_portal_pages_name_queue_limit_and_table),
		cmocka_unit_test(test_what_is_out_of_range_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

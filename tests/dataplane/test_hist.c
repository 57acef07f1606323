/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "siov_stats.h"

#define LAST (SIOV_HIST_BUCKETS - 1)

static uint64_t seed = 1;

static uint64_t
next_random(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

/* |value - reported| * 64 <= value */
static void
check_error(uint64_t value)
{
	uint64_t reported = siov_hist_value(siov_hist_bucket(value));
	uint64_t off = reported > value ? reported - value : value - reported;

	if (off * 64 > value)
		fail_msg("%lu is reported as %lu", (unsigned long)value, (unsigned long)reported);
}

static void
test_small_values_have_a_bucket_each(void **state)
{
	uint64_t value;

	(void)state;
	for (value = 0; value < 64; value++) {
		assert_int_equal(siov_hist_bucket(value), value);
		assert_int_equal(siov_hist_value(value), value);
	}
	assert_int_equal(siov_hist_bucket(64), 64);
	assert_int_equal(siov_hist_bucket(65), 64);
	assert_int_equal(siov_hist_bucket(66), 65);
}

static void
test_buckets_follow_each_other_without_gap(void **state)
{
	unsigned int bucket;

	(void)state;
	for (bucket = 1; bucket < SIOV_HIST_BUCKETS; bucket++) {
		assert_true(siov_hist_value(bucket) > siov_hist_value(bucket - 1));
		assert_int_equal(siov_hist_bucket(siov_hist_value(bucket)), bucket);
	}
}

static void
test_error_is_at_most_a_64th_in_every_octave(void **state)
{
	unsigned int octave, i;

	(void)state;
	for (octave = 0; octave < SIOV_HIST_VALUE_LOG2; octave++) {
		uint64_t low = UINT64_C(1) << octave;

		check_error(low);
		check_error(2 * low - 1);
		for (i = 0; i < 2000; i++)
			check_error(low + next_random() % low);
	}
}

static void
test_large_values_fall_into_the_last_bucket(void **state)
{
	(void)state;
	assert_int_equal(siov_hist_bucket((UINT64_C(1) << SIOV_HIST_VALUE_LOG2) - 1), LAST);
	assert_int_equal(siov_hist_bucket(UINT64_C(1) << SIOV_HIST_VALUE_LOG2), LAST);
	assert_int_equal(siov_hist_bucket(UINT64_MAX), LAST);
	assert_int_equal(siov_hist_bucket(UINT64_C(1) << 63), LAST);
}

static int
compare_values(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a;
	uint64_t y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* The quantile's rank may be rounded down or up. */
static void
check_quantile(const struct siov_hist_sum *sum, const uint64_t *sorted, size_t nb, double quantile)
{
	uint64_t got = siov_hist_quantile(sum, quantile);
	size_t rank = (size_t)(quantile * (double)nb);
	size_t low = rank > 0 ? rank - 1 : 0;
	size_t high = rank < nb ? rank : nb - 1;

	if ((double)got < (double)sorted[low] * 63 / 64 ||
	    (double)got > (double)sorted[high] * 65 / 64)
		fail_msg("quantile %f of %zu: %lu, not %lu to %lu", quantile, nb,
			 (unsigned long)got, (unsigned long)sorted[low],
			 (unsigned long)sorted[high]);
}

static void
test_quantiles_agree_with_a_sorted_list(void **state)
{
	static const double quantiles[] = {0, 0.001, 0.25, 0.5, 0.9, 0.99, 0.999, 1};
	static const size_t sizes[] = {1, 2, 3, 10, 999, 20000};
	static struct siov_hist hist;
	static uint64_t values[20000];
	size_t s, i;

	(void)state;
	for (s = 0; s < RTE_DIM(sizes); s++) {
		struct siov_hist_sum sum = {0};

		memset(&hist, 0, sizeof(hist));
		for (i = 0; i < sizes[s]; i++) {
			values[i] = next_random() >> (28 + next_random() % 30);
			siov_hist_record(&hist, values[i]);
		}
		siov_hist_add(&sum, &hist);
		assert_int_equal(sum.total, sizes[s]);
		qsort(values, sizes[s], sizeof(values[0]), compare_values);
		for (i = 0; i < RTE_DIM(quantiles); i++)
			check_quantile(&sum, values, sizes[s], quantiles[i]);
	}
}

static void
test_nothing_counted_gives_quantile_zero(void **state)
{
	struct siov_hist_sum sum = {0};

	(void)state;
	assert_int_equal(siov_hist_quantile(&sum, 0), 0);
	assert_int_equal(siov_hist_quantile(&sum, 1), 0);
}

static void
test_a_difference_holds_what_came_between(void **state)
{
	static struct siov_hist a, b;
	struct siov_hist_sum before = {0}, after = {0};

	(void)state;
	siov_hist_record(&a, 10);
	siov_hist_record(&b, 1000000);
	siov_hist_add(&before, &a);
	siov_hist_add(&before, &b);
	assert_int_equal(before.total, 2);
	siov_hist_record(&a, 20);
	siov_hist_record(&b, 20);
	siov_hist_record(&b, 10);
	siov_hist_add(&after, &a);
	siov_hist_add(&after, &b);
	siov_hist_subtract(&after, &before);
	assert_int_equal(after.total, 3);
	assert_int_equal(after.nb[siov_hist_bucket(10)], 1);
	assert_int_equal(after.nb[siov_hist_bucket(20)], 2);
	assert_int_equal(after.nb[siov_hist_bucket(1000000)], 0);
	assert_int_equal(siov_hist_quantile(&after, 1), 20);
}

static void
test_a_bucket_that_wrapped_is_subtracted_rightly(void **state)
{
	static struct siov_hist hist;
	struct siov_hist_sum before = {0}, after = {0};
	unsigned int i;

	(void)state;
	siov_atomic_store(&hist.nb[7], UINT32_MAX - 1, relaxed);
	siov_hist_add(&before, &hist);
	for (i = 0; i < 5; i++)
		siov_hist_record(&hist, 7);
	siov_hist_record(&hist, 9);
	siov_hist_add(&after, &hist);
	siov_hist_subtract(&after, &before);
	assert_int_equal(after.nb[7], 5);
	assert_int_equal(after.nb[9], 1);
	assert_int_equal(after.total, 6);
}

/* Each counter has a value of its own, so that a mixed up pair shows. */
static void
fill_stats(struct siov_stats *s, uint64_t step)
{
	unsigned int i;

	for (i = 0; i < SIOV_DMWR_NB; i++)
		s->submitted[i] = step * (i + 1);
	s->completed = step * 100;
	s->failed = step * 101;
	s->aborted = step * 102;
	s->bytes = step * 103;
	for (i = 0; i < SIOV_STATS_CODES; i++)
		s->failed_by[i] = step * (200 + i);
	s->latency.total = 0;
	for (i = 0; i < SIOV_HIST_BUCKETS; i++) {
		s->latency.nb[i] = step * (300 + i);
		s->latency.total += s->latency.nb[i];
	}
}

static void
test_stats_add_and_subtract_every_counter(void **state)
{
	static struct siov_stats one, three, sum;

	(void)state;
	fill_stats(&one, 1);
	fill_stats(&three, 3);
	siov_stats_add(&sum, &one);
	siov_stats_add(&sum, &one);
	siov_stats_add(&sum, &one);
	assert_memory_equal(&sum, &three, sizeof(sum));
	fill_stats(&sum, 4);
	siov_stats_subtract(&sum, &one);
	assert_memory_equal(&sum, &three, sizeof(sum));
}

static void
test_attempts_are_accepted_and_every_retry(void **state)
{
	static struct siov_stats s;
	uint64_t all = 0;
	unsigned int i;

	(void)state;
	for (i = 0; i < SIOV_DMWR_NB; i++) {
		s.submitted[i] = UINT64_C(1) << (4 * i);
		all += s.submitted[i];
	}
	assert_int_equal(siov_stats_attempts(&s), all);
	assert_int_equal(siov_stats_retry_other(&s), all - s.submitted[SIOV_DMWR_SUCCESS] -
							     s.submitted[SIOV_DMWR_RETRY_CAPACITY] -
							     s.submitted[SIOV_DMWR_RETRY_QOS]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_small_values_have_a_bucket_each),
		cmocka_unit_test(test_buckets_follow_each_other_without_gap),
		cmocka_unit_test(test_error_is_at_most_a_64th_in_every_octave),
		cmocka_unit_test(test_large_values_fall_into_the_last_bucket),
		cmocka_unit_test(test_quantiles_agree_with_a_sorted_list),
		cmocka_unit_test(test_nothing_counted_gives_quantile_zero),
		cmocka_unit_test(test_a_difference_holds_what_came_between),
		cmocka_unit_test(test_a_bucket_that_wrapped_is_subtracted_rightly),
		cmocka_unit_test(test_stats_add_and_subtract_every_counter),
		cmocka_unit_test(test_attempts_are_accepted_and_every_retry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fake_mem.h"
#include "record_priv.h"

#define NB_HISTS 2u
#define NB_FAILS 3u

struct bed {
	struct fake_mem fm;
	struct record_table table;
	struct record_pools pools;
};

static const uint32_t sparse[] = {0, 1, 31, 32, 63, 64, SIOV_PASID_MAX};

static int
open_bed(void **state)
{
	static struct bed bed;

	memset(&bed, 0, sizeof(bed));
	fake_mem_init(&bed.fm);
	assert_int_equal(record_table_create(&bed.table, &bed.fm.mem, -1), 0);
	assert_int_equal(record_pools_create(&bed.pools, &bed.fm.mem, -1, NB_HISTS, NB_FAILS), 0);
	*state = &bed;
	return 0;
}

static int
close_bed(void **state)
{
	struct bed *bed = *state;

	record_table_free(&bed->table, &bed->fm.mem);
	record_table_free(&bed->table, &bed->fm.mem);
	record_pools_free(&bed->pools, &bed->fm.mem);
	assert_int_equal(bed->fm.nb_live, 0);
	return 0;
}

static struct record *
add(struct bed *bed, uint32_t pasid)
{
	assert_true(record_add(&bed->table, &bed->fm.mem, -1, pasid) >= 0);
	assert_non_null(record_find(&bed->table, pasid));
	return record_find(&bed->table, pasid);
}

static struct siov_stats
read_record(const struct bed *bed, const struct record *rec)
{
	struct siov_stats sum;

	memset(&sum, 0, sizeof(sum));
	record_read(rec, &bed->pools, &sum);
	return sum;
}

static void
test_an_empty_table_has_no_record(void **state)
{
	struct bed *bed = *state;
	unsigned int i;

	for (i = 0; i < RTE_DIM(sparse); i++)
		assert_null(record_find(&bed->table, sparse[i]));
}

static void
test_sparse_pasids_have_records_of_their_own(void **state)
{
	struct bed *bed = *state;
	struct record *recs[RTE_DIM(sparse)];
	unsigned int i;

	for (i = 0; i < RTE_DIM(sparse); i++) {
		recs[i] = add(bed, sparse[i]);
		RECORD_ADD(&recs[i]->completed, 1u << i);
		assert_int_equal((uintptr_t)recs[i] % 64, 0);
	}
	for (i = 0; i < RTE_DIM(sparse); i++) {
		assert_ptr_equal(record_find(&bed->table, sparse[i]), recs[i]);
		assert_int_equal(read_record(bed, recs[i]).completed, 1u << i);
	}
	assert_null(record_find(&bed->table, 128));
	assert_null(record_find(&bed->table, SIOV_PASID_MAX - 64));
}

static void
test_a_block_is_taken_once_for_64_pasids(void **state)
{
	struct bed *bed = *state;
	const struct siov_mem *mem = &bed->fm.mem;

	assert_int_equal(record_add(&bed->table, mem, -1, 64), 64 * sizeof(struct record));
	RECORD_ADD(&record_find(&bed->table, 64)->completed, 5);
	assert_int_equal(record_add(&bed->table, mem, -1, 64), 0);
	assert_int_equal(record_add(&bed->table, mem, -1, 127), 0);
	assert_int_equal(read_record(bed, record_find(&bed->table, 64)).completed, 5);
	assert_true(record_add(&bed->table, mem, -1, 128) > 0);
	assert_true(record_add(&bed->table, mem, -1, 63) > 0);
}

static void
test_failures_are_counted_by_code(void **state)
{
	struct bed *bed = *state;
	struct record *rec = add(bed, 1);
	struct siov_stats sum;

	record_failure(rec, &bed->pools, DSA_COMP_PAGE_FAULT_NOBOF);
	record_failure(rec, &bed->pools, DSA_COMP_PAGE_FAULT_NOBOF);
	record_failure(rec, &bed->pools, DSA_COMP_CRA_XLAT);
	sum = read_record(bed, rec);
	assert_int_equal(sum.failed, 3);
	assert_int_equal(sum.failed_by[DSA_COMP_PAGE_FAULT_NOBOF], 2);
	assert_int_equal(sum.failed_by[DSA_COMP_CRA_XLAT], 1);
	assert_int_equal(sum.completed, 0);
}

/* Those that come too late lose the detail, never the count, and harm nobody. */
static void
test_failure_pool_runs_out(void **state)
{
	struct bed *bed = *state;
	uint32_t pasid, code;

	for (pasid = 0; pasid < NB_FAILS + 2; pasid++)
		record_failure(add(bed, pasid), &bed->pools, 0x10);
	for (pasid = 0; pasid < NB_FAILS + 2; pasid++) {
		struct siov_stats sum = read_record(bed, record_find(&bed->table, pasid));

		assert_int_equal(sum.failed, 1);
		assert_int_equal(sum.failed_by[0x10], pasid < NB_FAILS);
		for (code = 0; code < SIOV_STATS_CODES; code++)
			assert_true(code == 0x10 || sum.failed_by[code] == 0);
	}
	assert_int_equal(bed->pools.fails[0].nb[0x10], 2);
}

static void
test_histogram_pool_runs_out(void **state)
{
	struct bed *bed = *state;
	uint32_t pasid;

	for (pasid = 0; pasid < NB_HISTS + 2; pasid++) {
		record_latency(add(bed, pasid), &bed->pools, 5);
		record_latency(add(bed, pasid), &bed->pools, 6);
	}
	for (pasid = 0; pasid < NB_HISTS + 2; pasid++) {
		struct siov_stats sum = read_record(bed, record_find(&bed->table, pasid));

		assert_int_equal(sum.latency.total, pasid < NB_HISTS ? 2 : 0);
		assert_int_equal(sum.latency.nb[6], pasid < NB_HISTS);
	}
	assert_int_equal(bed->pools.hists[0].nb[5], 2);
}

static void
test_reading_adds_to_the_sum(void **state)
{
	struct bed *bed = *state;
	struct record *rec = add(bed, 9);
	struct siov_stats sum;

	memset(&sum, 0, sizeof(sum));
	RECORD_ADD(&rec->completed, 1);
	RECORD_ADD(&rec->failed, 2);
	RECORD_ADD(&rec->aborted, 3);
	RECORD_ADD(&rec->bytes, UINT64_C(1) << 40);
	record_read(rec, &bed->pools, &sum);
	record_read(rec, &bed->pools, &sum);
	assert_int_equal(sum.completed, 2);
	assert_int_equal(sum.failed, 4);
	assert_int_equal(sum.aborted, 6);
	assert_int_equal(sum.bytes, UINT64_C(2) << 40);
	assert_int_equal(sum.latency.total, 0);
}

static void
test_allocation_n_fails(void **state)
{
	struct bed *bed = *state;
	struct record_table table = {0};
	struct record_pools pools = {0};
	uint64_t nb_live = bed->fm.nb_live;
	uint64_t n;

	fake_mem_fail_at(&bed->fm, 1);
	assert_int_equal(record_table_create(&table, &bed->fm.mem, -1), -ENOMEM);
	record_table_free(&table, &bed->fm.mem);
	for (n = 1; n <= 2; n++) {
		fake_mem_fail_at(&bed->fm, n);
		assert_int_equal(record_pools_create(&pools, &bed->fm.mem, -1, 1, 1), -ENOMEM);
		record_pools_free(&pools, &bed->fm.mem);
	}
	fake_mem_fail_at(&bed->fm, 1);
	assert_int_equal(record_add(&bed->table, &bed->fm.mem, -1, 640), -ENOMEM);
	assert_null(record_find(&bed->table, 640));
	assert_int_equal(bed->fm.nb_live, nb_live);
	add(bed, 640);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_an_empty_table_has_no_record, open_bed,
						close_bed),
		cmocka_unit_test_setup_teardown(test_sparse_pasids_have_records_of_their_own,
						open_bed, close_bed),
		cmocka_unit_test_setup_teardown(test_a_block_is_taken_once_for_64_pasids, open_bed,
						close_bed),
		cmocka_unit_test_setup_teardown(test_failures_are_counted_by_code, open_bed,
						close_bed),
		cmocka_unit_test_setup_teardown(test_failure_pool_runs_out, open_bed, close_bed),
		cmocka_unit_test_setup_teardown(test_histogram_pool_runs_out, open_bed, close_bed),
		cmocka_unit_test_setup_teardown(test_reading_adds_to_the_sum, open_bed, close_bed),
		cmocka_unit_test_setup_teardown(test_allocation_n_fails, open_bed, close_bed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* Statistics that add up, and errors that no completion record could tell. */
#include <stdlib.h>

#include "dev_rig.h"

#define ERRORS_MANY 1500u

struct row {
	uint32_t pasid;
	uint64_t accepted;
	uint64_t completed;
	uint64_t failed;
};

struct rows {
	struct siov_dev *dev;
	struct row row[64];
	unsigned int nb;
	unsigned int nb_max; /* then it ends the walk */
};

static int
take_row(unsigned int wq_id, uint32_t pasid, const struct siov_stats *stats, void *arg)
{
	static struct siov_stats again;
	struct rows *rows = arg;

	/* The walk holds no lock: the device may be asked. */
	assert_int_equal(siov_dev_stats(rows->dev, wq_id, pasid, &again), 0);
	assert_memory_equal(&again, stats, sizeof(again));
	assert_true(rows->nb < RTE_DIM(rows->row));
	rows->row[rows->nb++] = (struct row){
		.pasid = pasid,
		.accepted = stats->submitted[SIOV_DMWR_SUCCESS],
		.completed = stats->completed,
		.failed = stats->failed,
	};
	return rows->nb == rows->nb_max ? 42 : 0;
}

static void
assert_row(const struct row *row, uint32_t pasid, uint64_t accepted, uint64_t completed)
{
	assert_int_equal(row->pasid, pasid);
	assert_int_equal(row->accepted, accepted);
	assert_int_equal(row->completed, completed);
}

static void
submit_as(struct siov_portal *portal, uint32_t pasid)
{
	struct dsa_hw_desc desc __attribute__((aligned(64))) = {
		.opcode = DSA_OPCODE_NOOP,
		.pasid = pasid,
	};

	assert_int_equal(siov_enqcmds(portal, &desc), SIOV_DMWR_SUCCESS);
}

/* PASIDs out of order, far apart, with the largest; two that came through another's portal. */
static void
test_walk_is_in_order_and_adds_up(void **state)
{
	static const uint32_t pasids[] = {70, SIOV_PASID_MAX, 3, 0, 65};
	static struct siov_stats sum;
	struct dev_rig *rig = dev_rig_open(NULL);
	struct siov_lane *lane = dev_rig_attach(rig, 0);
	struct rows rows = {.dev = rig->dev};
	struct siov_portal *portal;
	unsigned int i, j;

	(void)state;
	dev_rig_start(rig);
	assert_int_equal(siov_dev_enable(rig->dev), 0);
	assert_int_equal(siov_dev_stats_walk(rig->dev, 0, take_row, &rows), 0);
	assert_int_equal(rows.nb, 0);
	for (i = 0; i < RTE_DIM(pasids); i++) {
		assert_int_equal(siov_dev_portal_open(rig->dev, lane, pasids[i],
						      SIOV_PORTAL_F_PASID | SIOV_PORTAL_F_PRIV,
						      &portal),
				 0);
		for (j = 0; j < i; j++)
			assert_int_equal(dev_rig_silent(portal), SIOV_DMWR_SUCCESS);
	}
	submit_as(portal, 66); /* near 65 */
	submit_as(portal, 5000); /* near none */
	submit_as(portal, 6000);
	assert_int_equal(siov_dev_wq_drain(rig->dev, 0, DEV_RIG_WAIT_MS), 0);
	assert_int_equal(siov_dev_stats_walk(rig->dev, 0, take_row, &rows), 0);
	assert_int_equal(rows.nb, 7);
	assert_row(&rows.row[0], 0, 3, 3);
	assert_row(&rows.row[1], 3, 2, 2);
	assert_row(&rows.row[2], 65, 7, 4);
	assert_row(&rows.row[3], 66, 0, 1);
	assert_row(&rows.row[4], 70, 0, 0);
	assert_row(&rows.row[5], SIOV_PASID_MAX, 1, 1);
	assert_row(&rows.row[6], SIOV_PASID_OTHERS, 0, 2);
	assert_int_equal(siov_dev_wq_stats(rig->dev, 0, &sum), 0);
	assert_int_equal(sum.submitted[SIOV_DMWR_SUCCESS], 13);
	assert_int_equal(sum.completed, 13);
	rows = (struct rows){.dev = rig->dev, .nb_max = 2};
	assert_int_equal(siov_dev_stats_walk(rig->dev, 0, take_row, &rows), 42);
	assert_int_equal(rows.nb, 2);
	dev_rig_close(rig);
}

static void
test_unknown_rows_are_refused_or_zero(void **state)
{
	static struct siov_stats stats, zero;
	struct dev_rig *rig = dev_rig_open(NULL);
	struct rows rows = {.dev = rig->dev};

	(void)state;
	assert_int_equal(siov_dev_stats(rig->dev, 1, 0, &stats), -EINVAL);
	assert_int_equal(siov_dev_stats(rig->dev, 0, SIOV_PASID_MAX + 1, &stats), -ERANGE);
	assert_int_equal(siov_dev_stats_walk(rig->dev, 1, take_row, &rows), -EINVAL);
	assert_int_equal(siov_dev_wq_stats(rig->dev, 1, &stats), -EINVAL);
	stats.completed = 1;
	assert_int_equal(siov_dev_stats(rig->dev, 0, SIOV_PASID_MAX, &stats), 0);
	assert_memory_equal(&stats, &zero, sizeof(stats));
	stats.completed = 1;
	assert_int_equal(siov_dev_stats(rig->dev, 0, SIOV_PASID_OTHERS, &stats), 0);
	assert_memory_equal(&stats, &zero, sizeof(stats));
	stats.completed = 1;
	assert_int_equal(siov_dev_wq_stats(rig->dev, 0, &stats), 0);
	assert_memory_equal(&stats, &zero, sizeof(stats));
	fake_mem_fail_at(&rig->fm, 1);
	assert_int_equal(siov_dev_stats_walk(rig->dev, 0, take_row, &rows), -ENOMEM);
	dev_rig_close(rig);
}

/* Several queues do not mix, whatever their PASIDs. */
static void
test_failures_and_latency_are_counted_where_they_belong(void **state)
{
	struct siov_dev_conf conf;
	struct siov_portal *portal;
	struct siov_stats *stats;
	struct dev_rig *rig;

	(void)state;
	dev_rig_conf_init(&conf);
	conf.nb_wqs = 2;
	conf.wqs[1].flags = SIOV_WQ_F_STAMPS;
	rig = dev_rig_open(&conf);
	dev_rig_start(rig);
	assert_int_equal(siov_dev_enable(rig->dev), 0);
	dev_rig_portal(rig, dev_rig_attach(rig, 0), 7);
	portal = dev_rig_portal(rig, dev_rig_attach(rig, 1), 7);
	{
		struct dsa_hw_desc desc __attribute__((aligned(64))) = dev_rig_desc(rig, 0x3f, 0);

		assert_int_equal(siov_enqcmd(portal, &desc), SIOV_DMWR_SUCCESS);
	}
	assert_int_equal(dev_rig_wait(rig, 0), DSA_COMP_BAD_OPCODE);
	assert_int_equal(dev_rig_noop(rig, portal, 1), SIOV_DMWR_SUCCESS);
	assert_int_equal(siov_dev_wq_drain(rig->dev, 1, DEV_RIG_WAIT_MS), 0);
	stats = dev_rig_stats(rig, 1, 7);
	assert_int_equal(stats->submitted[SIOV_DMWR_SUCCESS], 2);
	assert_int_equal(stats->completed, 1);
	assert_int_equal(stats->failed, 1);
	assert_int_equal(stats->failed_by[DSA_COMP_BAD_OPCODE], 1);
	assert_int_equal(stats->latency.total, 2);
	assert_int_equal(siov_stats_attempts(dev_rig_stats(rig, 0, 7)), 0);
	assert_int_equal(dev_rig_stats(rig, 0, 7)->failed, 0);
	dev_rig_close(rig);
}

/* ---- errors ---- */

/* A failure without a completion record. */
static void
fail_silently(struct siov_portal *portal, uint8_t opcode)
{
	struct dsa_hw_desc desc __attribute__((aligned(64))) = {.opcode = opcode};

	while (siov_enqcmd(portal, &desc) != SIOV_DMWR_SUCCESS)
		dev_rig_nap();
}

static void
test_errors_are_told_once_and_oldest_first(void **state)
{
	struct dev_rig *rig = dev_rig_open(NULL);
	struct siov_portal *portal;
	struct siov_error errors[4];
	unsigned int i;

	(void)state;
	dev_rig_start(rig);
	assert_int_equal(siov_dev_enable(rig->dev), 0);
	portal = dev_rig_portal(rig, dev_rig_attach(rig, 0), 7);
	assert_int_equal(siov_dev_errors(rig->dev, errors, 4), 0);
	for (i = 0; i < 3; i++)
		fail_silently(portal, 0x3d + i);
	assert_int_equal(siov_dev_wq_drain(rig->dev, 0, DEV_RIG_WAIT_MS), 0);
	assert_int_equal(siov_dev_errors(rig->dev, errors, 2), 2);
	assert_int_equal(siov_dev_errors(rig->dev, errors + 2, 2), 1);
	for (i = 0; i < 3; i++) {
		assert_int_equal(errors[i].opcode, 0x3d + i);
		assert_int_equal(errors[i].code, DSA_COMP_BAD_OPCODE);
		assert_int_equal(errors[i].pasid, 7);
		assert_int_equal(errors[i].wq_id, 0);
	}
	assert_int_equal(siov_dev_errors(rig->dev, errors, 4), 0);
	assert_int_equal(siov_dev_errors_dropped(rig->dev), 0);
	dev_rig_close(rig);
}

static void
check_log_size(struct dev_rig *rig, uint32_t size)
{
	struct siov_error *errors = calloc(ERRORS_MANY, sizeof(*errors));
	struct siov_portal *portal;
	unsigned int nb, i;

	assert_non_null(errors);
	dev_rig_start(rig);
	assert_int_equal(siov_dev_enable(rig->dev), 0);
	portal = dev_rig_portal(rig, dev_rig_attach(rig, 0), 7);
	for (i = 0; i < ERRORS_MANY; i++) {
		fail_silently(portal, i % 2 ? 0x3e : 0x3f);
		if (i % 100 == 99) {
			assert_int_equal(siov_dev_wq_drain(rig->dev, 0, DEV_RIG_WAIT_MS), 0);
			assert_int_equal(siov_dev_errors(rig->dev, NULL, 0), 0);
		}
	}
	nb = siov_dev_errors(rig->dev, errors, ERRORS_MANY);
	assert_int_equal(nb, size);
	assert_int_equal(siov_dev_errors_dropped(rig->dev), ERRORS_MANY - size);
	for (i = 0; i < nb; i++)
		assert_int_equal(errors[i].opcode, i % 2 ? 0x3e : 0x3f);
	assert_int_equal(dev_rig_stats(rig, 0, 7)->failed, ERRORS_MANY);
	free(errors);
	dev_rig_close(rig);
}

static void
test_errors_beyond_the_log_are_counted(void **state)
{
	struct siov_dev_conf conf;

	(void)state;
	check_log_size(dev_rig_open(NULL), DEV_ERRORS);
	dev_rig_conf_init(&conf);
	conf.event_log_size = 64;
	check_log_size(dev_rig_open(&conf), 64);
}

/* An overflow is an error that names queue and PASID; growth seen at once is one entry. */
static void
test_s7_3_7_dedicated_queue_overflow_is_reported_and_never_retried(void **state)
{
	struct siov_dev_conf conf;
	struct siov_error errors[4];
	struct siov_portal *portal;
	struct siov_stats *stats;
	struct dev_rig *rig;
	unsigned int i;

	(void)state;
	dev_rig_conf_init(&conf);
	conf.nb_wqs = 2;
	conf.wqs[1].mode = SIOV_WQ_DEDICATED;
	conf.wqs[1].size = 4;
	conf.wqs[1].pasid = 9;
	rig = dev_rig_open(&conf);
	assert_int_equal(siov_dev_enable(rig->dev), 0);
	portal = dev_rig_portal(rig, dev_rig_attach(rig, 1), 9);
	for (i = 0; i < 6; i++)
		dev_rig_noop(rig, portal, i);
	assert_int_equal(siov_dev_errors(rig->dev, errors, 4), 1);
	assert_int_equal(errors[0].code, SIOV_ERROR_DWQ_OVERFLOW);
	assert_int_equal(errors[0].wq_id, 1);
	assert_int_equal(errors[0].pasid, 9);
	assert_int_equal(siov_dev_errors(rig->dev, errors, 4), 0);
	dev_rig_noop(rig, portal, 6);
	assert_int_equal(siov_dev_errors(rig->dev, errors, 4), 1);
	dev_rig_start(rig);
	assert_int_equal(siov_dev_wq_drain(rig->dev, 1, DEV_RIG_WAIT_MS), 0);
	for (i = 0; i < 7; i++)
		assert_int_equal(dev_rig_is_done(rig, i), i < 4);
	stats = dev_rig_stats(rig, 1, 9);
	assert_int_equal(stats->submitted[SIOV_DMWR_SUCCESS], 4);
	assert_int_equal(stats->submitted[SIOV_DMWR_RETRY_CAPACITY], 3);
	assert_int_equal(stats->completed, 4);
	dev_rig_close(rig);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_walk_is_in_order_and_adds_up),
		cmocka_unit_test(test_unknown_rows_are_refused_or_zero),
		cmocka_unit_test(test_failures_and_latency_are_counted_where_they_belong),
		cmocka_unit_test(test_errors_are_told_once_and_oldest_first),
		cmocka_unit_test(test_errors_beyond_the_log_are_counted),
		cmocka_unit_test(
			test_s7_3_7_dedicated_queue_overflow_is_reported_and_never_retried),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

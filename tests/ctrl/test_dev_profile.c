/* SPDX-License-Identifier: BSD-3-Clause */
/* Profiles, and what else a configuration takes from DSA: groups, read buffers, labels, ADIs. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <rte_common.h>

#include "dev_conf_priv.h"

static void
init(struct siov_dev_conf *conf, const char *profile)
{
	siov_dev_conf_init(conf);
	assert_int_equal(siov_dev_conf_profile(conf, profile), 0);
}

static void
expect(const struct siov_dev_conf *conf, int ret, const char *wanted)
{
	char why[256];
	int got = siov_dev_conf_check(conf, why, sizeof(why));

	if (got != ret || strcmp(why, wanted) != 0)
		fail_msg("%d '%s' instead of %d '%s'", got, why, ret, wanted);
}

static void
test_profiles_have_names_and_limits(void **state)
{
	struct siov_dev_conf conf, before;
	unsigned int i;

	(void)state;
	for (i = 0; i < SIOV_PROFILES; i++) {
		init(&conf, siov_dev_profile_name(i));
		assert_int_equal(conf.profile, i);
		expect(&conf, 0, "");
	}
	assert_string_equal(siov_dev_profile_name(SIOV_PROFILES), "unknown");
	before = conf;
	assert_int_equal(siov_dev_conf_profile(&conf, "dsa2"), -EINVAL);
	assert_int_equal(siov_dev_conf_profile(&conf, ""), -EINVAL);
	assert_memory_equal(&conf, &before, sizeof(conf));
	init(&conf, "large");
	assert_int_equal(conf.nb_ims, 65536);
	assert_int_equal(conf.nb_adis, 65536);
	init(&conf, "dsa1");
	assert_int_equal(siov_dev_profile_limits(conf.profile)->wqs_size, 128);
	conf.profile = SIOV_PROFILES;
	expect(&conf, -ERANGE, "profile 3: allowed is 0 to 2");
}

/* 8 queues of 16 entries, 4 engines, 4 groups: all that dsa1 has. */
static void
fill_dsa1(struct siov_dev_conf *conf)
{
	unsigned int i;

	init(conf, "dsa1");
	conf->nb_wqs = 8;
	conf->nb_engines = 4;
	for (i = 0; i < 8; i++) {
		conf->wqs[i].size = 16;
		conf->wqs[i].group = i % 4;
	}
	for (i = 0; i < 4; i++)
		conf->engines[i].group = i;
	expect(conf, 0, "");
}

static void
test_dsa1_holds_no_more_than_dsa_has(void **state)
{
	struct siov_dev_conf conf;

	(void)state;
	fill_dsa1(&conf);
	conf.wqs[3].size = 17;
	expect(&conf, -ERANGE, "sum of queue sizes 129: profile dsa1 allows 128 at most");
	conf.profile = SIOV_PROFILE_NONE;
	expect(&conf, 0, "");
	fill_dsa1(&conf);
	conf.nb_wqs = 9;
	expect(&conf, -ERANGE, "nb_wqs 9: profile dsa1 allows 8 at most");
	fill_dsa1(&conf);
	conf.nb_engines = 5;
	expect(&conf, -ERANGE, "nb_engines 5: profile dsa1 allows 4 at most");
	fill_dsa1(&conf);
	conf.wqs[3].group = conf.wqs[7].group = conf.engines[3].group = 4;
	expect(&conf, -ERANGE, "wq 3: group 4: profile dsa1 allows 3 at most");
	fill_dsa1(&conf);
	conf.wqs[7].batch_max = 1025;
	expect(&conf, -ERANGE, "wq 7: batch_max 1025: profile dsa1 allows 1024 at most");
	fill_dsa1(&conf);
	conf.nb_ims = 2304;
	expect(&conf, -ERANGE, "nb_ims 2304: profile dsa1 allows 2048 at most");
	fill_dsa1(&conf);
	conf.nb_adis = 65537;
	expect(&conf, -ERANGE, "nb_adis 65537: profile dsa1 allows 65536 at most");
	fill_dsa1(&conf);
	conf.read_buffer_limit = 97;
	expect(&conf, -ERANGE, "read_buffer_limit 97: profile dsa1 allows 96 at most");
}

static void
test_large_holds_64_queues_with_64k_entries(void **state)
{
	struct siov_dev_conf conf;
	unsigned int i;

	(void)state;
	init(&conf, "large");
	conf.nb_wqs = 64;
	for (i = 0; i < 64; i++)
		conf.wqs[i].size = 1024;
	expect(&conf, 0, "");
	conf.wqs[63].size++;
	expect(&conf, -ERANGE, "sum of queue sizes 65537: profile large allows 65536 at most");
	/* The sum of the largest sizes is counted right. */
	for (i = 0; i < 64; i++)
		conf.wqs[i].size = 65536;
	expect(&conf, -ERANGE, "sum of queue sizes 4194304: profile large allows 65536 at most");
	conf.profile = SIOV_PROFILE_NONE;
	expect(&conf, 0, "");
}

static void
test_shares_of_read_buffers_are_checked(void **state)
{
	struct siov_dev_conf conf;

	(void)state;
	init(&conf, "dsa1");
	conf.groups[2].read_buffers_allowed = 97;
	expect(&conf, -ERANGE, "group 2: read_buffers_allowed 97: allowed is 0 to 96");
	conf.groups[2].read_buffers_allowed = 8;
	conf.groups[2].read_buffers_reserved = 9;
	expect(&conf, -ERANGE,
	       "group 2: read_buffers_reserved 9: allowed is 0 to read_buffers_allowed, 8");
	conf.groups[2].read_buffers_allowed = 48;
	conf.groups[2].read_buffers_reserved = 48;
	conf.groups[3].read_buffers_reserved = 48;
	expect(&conf, 0, "");
	conf.groups[3].read_buffers_reserved = 49;
	expect(&conf, -ERANGE, "sum of read_buffers_reserved 97: allowed is 0 to 96");
	init(&conf, "dsa1");
	conf.groups[0].use_read_buffer_limit = 2;
	expect(&conf, -ERANGE, "group 0: use_read_buffer_limit 2: allowed is 0 to 1");
	init(&conf, "dsa1");
	conf.groups[15].traffic_class_a = 8;
	expect(&conf, -ERANGE, "group 15: traffic_class_a 8: allowed is -1 to 7");
	init(&conf, "dsa1");
	conf.groups[15].traffic_class_b = -2;
	expect(&conf, -ERANGE, "group 15: traffic_class_b -2: allowed is -1 to 7");
	init(&conf, "dsa1");
	conf.groups[1].desc_progress_limit = 4;
	expect(&conf, -ERANGE, "group 1: desc_progress_limit 4: allowed is 0 to 3");
	init(&conf, "dsa1");
	conf.groups[1].batch_progress_limit = 4;
	expect(&conf, -ERANGE, "group 1: batch_progress_limit 4: allowed is 0 to 3");
}

static void
test_engines_share_what_their_group_may_have(void **state)
{
	struct siov_dev_conf conf;

	(void)state;
	fill_dsa1(&conf);
	conf.wqs[1].group = conf.wqs[5].group = conf.engines[1].group = 0;
	expect(&conf, 0, "");
	assert_int_equal(conf_long_max(&conf, 0), 48); /* two engines */
	assert_int_equal(conf_long_max(&conf, 2), 96);
	conf.groups[2].read_buffers_reserved = 10;
	assert_int_equal(conf_long_max(&conf, 0), 43);
	assert_int_equal(conf_long_max(&conf, 2), 96);
	conf.groups[0].read_buffers_allowed = 9;
	assert_int_equal(conf_long_max(&conf, 0), 4);
	conf.groups[0].read_buffers_allowed = 1;
	assert_int_equal(conf_long_max(&conf, 0), 1); /* never nothing */
	conf.read_buffer_limit = 5;
	assert_int_equal(conf_long_max(&conf, 2), 96);
	conf.groups[2].use_read_buffer_limit = 1;
	assert_int_equal(conf_long_max(&conf, 2), 15); /* and what it has reserved */
	conf.read_buffer_limit = 0;
	assert_int_equal(conf_long_max(&conf, 2), 96);
}

static void
test_queue_and_device_keep_to_their_ranges(void **state)
{
	struct siov_dev_conf conf;

	(void)state;
	init(&conf, "none");
	conf.wqs[0].batch_max = 0;
	expect(&conf, -ERANGE, "wq 0: batch_max 0: allowed is 1 to 32768");
	conf.wqs[0].batch_max = 32769;
	expect(&conf, -ERANGE, "wq 0: batch_max 32769: allowed is 1 to 32768");
	conf.wqs[0].batch_max = 32768;
	expect(&conf, 0, "");
	conf.wqs[0].prs_disable = 1;
	expect(&conf, 0, "");
	conf.wqs[0].flags = SIOV_WQ_F_BOF;
	expect(&conf, -EINVAL, "wq 0: flags 0x4: without page requests nothing blocks on faults");
	init(&conf, "none");
	memset(conf.wqs[0].label.driver, 'x', sizeof(conf.wqs[0].label.driver));
	expect(&conf, -EINVAL, "wq 0: driver: allowed are 0 to 127 printable characters");
	init(&conf, "none");
	conf.event_log_size = 63;
	expect(&conf, -ERANGE, "event_log_size 63: allowed are 0 and 64 to 65535");
	conf.event_log_size = 65536;
	expect(&conf, -ERANGE, "event_log_size 65536: allowed is 0 to 65535");
	conf.event_log_size = 64;
	expect(&conf, 0, "");
}

#define QOS_REFUSED(weight, priority, rate) \
	"adi row 1: weight " weight ", priority " priority ", rates 0 and " rate \
	", bursts 0 and 0: allowed are 0 to 255, 15, 100000000000"

static void
test_rows_of_adis_are_checked(void **state)
{
	struct siov_dev_adi_row *row;
	struct siov_dev_conf conf;

	(void)state;
	init(&conf, "none");
	conf.nb_adi_rows = 2;
	row = &conf.adi_rows[1];
	conf.adi_rows[0] = (struct siov_dev_adi_row){.count = 1};
	*row = (struct siov_dev_adi_row){.count = 65535};
	expect(&conf, 0, "");
	row->count = 65536;
	expect(&conf, -ERANGE, "65537 ADIs: allowed is 0 to nb_adis, 65536");
	row->count = 0;
	expect(&conf, -ERANGE, "adi row 1: count 0: allowed is 1 to 1048576");
	row->count = 2;
	row->pasid = SIOV_PASID_MAX;
	expect(&conf, -ERANGE, "adi row 1: pasid 1048575, count 2: allowed are PASIDs to 1048575");
	row->pasid = SIOV_PASID_MAX - 1;
	expect(&conf, 0, "");
	row->wq = 1;
	expect(&conf, -EINVAL, "adi row 1: wq 1: allowed is a shared queue");
	row->type = SIOV_ADI_DEDICATED;
	expect(&conf, -EINVAL,
	       "adi row 1: nb_dwqs 0, nb_messages 0: type dedicated allows 1 to 8 queues, "
	       "0 to 8 messages");
	row->nb_dwqs = 1;
	expect(&conf, 0, "");
	row->qos.weight = 1;
	expect(&conf, -EINVAL, "adi row 1: limits: allowed with a shared queue and a PASID");
	row->qos.weight = 256;
	expect(&conf, -ERANGE, QOS_REFUSED("256", "0", "0"));
	row->qos.weight = 0;
	row->nb_dwqs = 0;
	row->type = SIOV_ADI_TYPES;
	expect(&conf, -EINVAL, "adi row 1: type 3, owner 0: allowed are 0 to 2, 0 to 2");
	row->type = SIOV_ADI_CONTEXT;
	row->wq = 0;
	row->qos.priority = 16;
	expect(&conf, -ERANGE, QOS_REFUSED("0", "16", "0"));
	row->qos.priority = 15;
	row->qos.rate_bytes = SIOV_QOS_RATE_MAX + 1;
	expect(&conf, -ERANGE, QOS_REFUSED("0", "15", "100000000001"));
	row->qos.rate_bytes = SIOV_QOS_RATE_MAX;
	expect(&conf, 0, "");
	row->pasid = 0;
	expect(&conf, -EINVAL, "adi row 1: limits: allowed with a shared queue and a PASID");
	row->qos.priority = 0;
	row->qos.rate_bytes = 0;
	row->nb_messages = 2;
	expect(&conf, -EINVAL,
	       "adi row 1: nb_dwqs 0, nb_messages 2: type context allows 0 to 0 queues, 0 to 1 "
	       "messages");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_profiles_have_names_and_limits),
		cmocka_unit_test(test_dsa1_holds_no_more_than_dsa_has),
		cmocka_unit_test(test_large_holds_64_queues_with_64k_entries),
		cmocka_unit_test(test_shares_of_read_buffers_are_checked),
		cmocka_unit_test(test_engines_share_what_their_group_may_have),
		cmocka_unit_test(test_queue_and_device_keep_to_their_ranges),
		cmocka_unit_test(test_rows_of_adis_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

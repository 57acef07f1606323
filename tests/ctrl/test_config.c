/* SPDX-License-Identifier: BSD-3-Clause */
/* accel-config's JSON: what is taken from it, and the line of every mistake. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <rte_common.h>

#include "json_place_priv.h"
#include "siov_config.h"

struct file {
	char path[64];
};

static int
make_file(void **state)
{
	struct file *file = calloc(1, sizeof(*file));
	int fd;

	assert_non_null(file);
	snprintf(file->path, sizeof(file->path), "siov_test_config_XXXXXX");
	fd = mkstemp(file->path);
	assert_true(fd >= 0);
	close(fd);
	*state = file;
	return 0;
}

static int
remove_file(void **state)
{
	struct file *file = *state;

	unlink(file->path);
	free(file);
	return 0;
}

static void
write_text(const struct file *file, const char *text)
{
	FILE *f = fopen(file->path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

/* As accel-config save-config writes it, of a device with two groups. */
static const char saved[] = "[\n"
			    "  {\n"
			    "    \"dev\":\"dsa3\",\n"
			    "    \"read_buffer_limit\":0,\n"
			    "    \"event_log_size\":64,\n"
			    "    \"groups\":[\n"
			    "      {\n"
			    "        \"dev\":\"group3.0\",\n"
			    "        \"read_buffers_reserved\":0,\n"
			    "        \"use_read_buffer_limit\":0,\n"
			    "        \"read_buffers_allowed\":96,\n"
			    "        \"grouped_workqueues\":[\n"
			    "          {\n"
			    "            \"dev\":\"wq3.1\",\n"
			    "            \"mode\":\"shared\",\n"
			    "            \"size\":16,\n"
			    "            \"group_id\":0,\n"
			    "            \"priority\":10,\n"
			    "            \"block_on_fault\":1,\n"
			    "            \"max_batch_size\":32,\n"
			    "            \"max_transfer_size\":16384,\n"
			    "            \"cdev_minor\":0,\n"
			    "            \"type\":\"user\",\n"
			    "            \"name\":\"app1\",\n"
			    "            \"driver_name\":\"user\",\n"
			    "            \"threshold\":15,\n"
			    "            \"ats_disable\":0,\n"
			    "            \"prs_disable\":0,\n"
			    "            \"state\":\"enabled\",\n"
			    "            \"clients\":0,\n"
			    "            \"op_config\":\"00000000,00000001\"\n"
			    "          }\n"
			    "        ],\n"
			    "        \"grouped_engines\":[\n"
			    "          {\n"
			    "            \"dev\":\"engine3.2\",\n"
			    "            \"group_id\":0\n"
			    "          }\n"
			    "        ]\n"
			    "      },\n"
			    "      {\n"
			    "        \"dev\":\"group3.1\",\n"
			    "        \"tokens_reserved\":0,\n"
			    "        \"use_token_limit\":0,\n"
			    "        \"tokens_allowed\":8,\n"
			    "        \"traffic_class_a\":1,\n"
			    "        \"traffic_class_b\":1,\n"
			    "        \"desc_progress_limit\":0,\n"
			    "        \"batch_progress_limit\":0,\n"
			    "        \"grouped_workqueues\":[\n"
			    "          {\n"
			    "            \"siov\":{\n"
			    "              \"lanes_max\":7,\n"
			    "              \"pasid\":1048575,\n"
			    "              \"flags\":[\"exact\", \"stamps\"]\n"
			    "            },\n"
			    "            \"mode\":\"dedicated\",\n"
			    "            \"dev\":\"wq3.0\",\n"
			    "            \"group_id\":1\n"
			    "          }\n"
			    "        ],\n"
			    "        \"grouped_engines\":[\n"
			    "          { \"dev\":\"engine3.3\", \"group_id\":1 },\n"
			    "          { \"dev\":\"engine3.0\" }\n"
			    "        ]\n"
			    "      },\n"
			    "      {\n"
			    "        \"dev\":\"group3.2\"\n"
			    "      }\n"
			    "    ],\n"
			    "    \"siov\":{\n"
			    "      \"name\":\"left_1\",\n"
			    "      \"atc_entries\":4096,\n"
			    "      \"nb_latency\":3,\n"
			    "      \"page_timeout_ms\":250\n"
			    "    },\n"
			    "    \"ungrouped_workqueues\":[\n"
			    "      { \"dev\":\"wq3.5\", \"mode\":\"dedicated\", \"size\":0,\n"
			    "        \"group_id\":-1, \"priority\":0, \"block_on_fault\":1 }\n"
			    "    ],\n"
			    "    \"ungrouped_engines\":[\n"
			    "      { \"dev\":\"engine3.1\", \"group_id\":-1 }\n"
			    "    ]\n"
			    "  }\n"
			    "]\n";

static void
test_saved_configuration_is_understood(void **state)
{
	const struct file *file = *state;
	struct siov_dev_conf conf;
	char why[128] = "x";

	siov_dev_conf_init(&conf);
	conf.flags = SIOV_DEV_F_PRIV;
	conf.nb_wqs = 9;
	write_text(file, saved);
	assert_int_equal(siov_config_load(file->path, &conf, why, sizeof(why)), 0);
	assert_string_equal(why, "");
	assert_string_equal(conf.name, "left_1");
	assert_int_equal(conf.atc_entries, 4096);
	assert_int_equal(conf.nb_latency, 3);
	assert_int_equal(conf.page_timeout_ms, 250);
	assert_int_equal(conf.flags, SIOV_DEV_F_PRIV);
	assert_int_equal(conf.nb_wqs, 2);
	assert_int_equal(conf.wqs[0].mode, SIOV_WQ_DEDICATED);
	assert_int_equal(conf.wqs[0].size, 128);
	assert_int_equal(conf.wqs[0].group, 1);
	assert_int_equal(conf.wqs[0].lanes_max, 7);
	assert_int_equal(conf.wqs[0].pasid, 1048575);
	assert_int_equal(conf.wqs[0].flags, SIOV_WQ_F_EXACT | SIOV_WQ_F_STAMPS);
	assert_int_equal(conf.wqs[1].mode, SIOV_WQ_SHARED);
	assert_int_equal(conf.wqs[1].size, 16);
	assert_int_equal(conf.wqs[1].group, 0);
	assert_int_equal(conf.wqs[1].priority, 10);
	assert_int_equal(conf.wqs[1].threshold, 15);
	assert_int_equal(conf.wqs[1].xfer_max, 16384);
	assert_int_equal(conf.wqs[1].lanes_max, 128);
	assert_int_equal(conf.wqs[1].flags, SIOV_WQ_F_BOF);
	assert_int_equal(conf.wqs[1].batch_max, 32);
	assert_int_equal(conf.wqs[0].batch_max, 1024);
	assert_string_equal(conf.wqs[1].label.type, "user");
	assert_string_equal(conf.wqs[1].label.name, "app1");
	assert_int_equal(conf.wqs[1].op_config[0], 1);
	assert_int_equal(conf.wqs[1].op_config[3], 0);
	assert_true(conf.wqs[0].op_config[3] == UINT64_MAX);
	assert_int_equal(conf.number, 3);
	assert_int_equal(conf.event_log_size, 64);
	assert_int_equal(conf.groups[0].read_buffers_allowed, 96);
	assert_int_equal(conf.groups[1].read_buffers_allowed, 8);
	assert_int_equal(conf.groups[1].traffic_class_a, 1);
	assert_int_equal(conf.groups[2].traffic_class_a, -1);
	assert_int_equal(conf.nb_engines, 3);
	assert_int_equal(conf.engines[0].group, 1);
	assert_int_equal(conf.engines[1].group, 0);
	assert_int_equal(conf.engines[2].group, 1);
}

/* ---- mistakes ---- */

/* A queue's members go where %s stands, on line 6. */
#define WITH_WQ(members) \
	"[ { \"dev\":\"dsa0\",\n" \
	"  \"groups\":[ {\n" \
	"    \"dev\":\"group0.0\",\n" \
	"    \"grouped_workqueues\":[ {\n" \
	"      \"dev\":\"wq0.0\",\n" members "\n" \
	"    } ],\n" \
	"    \"grouped_engines\":[ { \"dev\":\"engine0.0\" } ]\n" \
	"  } ]\n" \
	"} ]\n"

/* A group's, on line 3. */
#define WITH_GROUP(members) \
	"[ { \"dev\":\"dsa0\",\n" \
	"  \"groups\":[ {\n" members "\n" \
	"  } ]\n" \
	"} ]\n"

struct mistake {
	const char *text;
	int ret;
	const char *why; /* behind the path */
};

static const struct mistake mistakes[] = {
	/* form */
	{"", -EINVAL, ":1: '[' or '{' expected near end of file"},
	{"[\n{\n\"dev\" \"dsa0\"}]", -EINVAL, ":3: ':' expected near '\"dsa0\"'"},
	{"[ {\n\"dev\":\"dsa0\",\n\"dev\":\"dsa0\"} ]", -EINVAL, ":3: duplicate object key"},
	{"[ {} ]\n\n]", -EINVAL, ":3: end of file expected near ']'"},
	{"{}", -EINVAL, ":1: must be an array of one device object"},
	{"\n[]", -EINVAL, ":2: must be an array of one device object"},
	{"[ 5 ]", -EINVAL, ":1: must be an array of one device object"},
	{"[ {},\n {} ]", -ENOTSUP, ":2: 2 devices: allowed is 1"},
	/* device */
	{"[\n{} ]", -EINVAL, ":2: key \"dev\" is missing: allowed is dsaN"},
	{"[ {\n\"dev\":\"iax1\"} ]", -EINVAL, ":2: \"dev\" \"iax1\": allowed is dsaN"},
	{"[ {\n\"dev\":\"dsa\"} ]", -EINVAL, ":2: \"dev\" \"dsa\": allowed is dsaN"},
	{"[ {\n\"dev\":\"dsa0x\"} ]", -EINVAL, ":2: \"dev\" \"dsa0x\": allowed is dsaN"},
	{"[ {\n\"dev\":7} ]", -EINVAL, ":2: \"dev\" \"\": allowed is dsaN"},
	{"[ { \"dev\":\"dsa0\",\n\"grups\":[] } ]", -EINVAL,
	 ":2: unknown key \"grups\": allowed are dev, groups, ungrouped_workqueues, "},
	{"[ { \"dev\":\"dsa0\",\n\"groups\":{} } ]", -EINVAL, ":2: \"groups\" must be an array"},
	{"[ { \"dev\":\"dsa0\",\n\"numa_node\":\"0\" } ]", -EINVAL,
	 ":2: \"numa_node\" must be an integer"},
	{"[ { \"dev\":\"dsa0\",\n\"op_cap\":0 } ]", -EINVAL,
	 ":2: \"op_cap\" must be a string or an array"},
	{"[ { \"dev\":\"dsa0\" } ]", -ERANGE, ": nb_wqs 0: allowed is 1 to 64"},
	{"[ { \"dev\":\"dsa0\", \"siov\":{\n\"nam\":\"a\"} } ]", -EINVAL,
	 ":2: unknown key \"nam\": allowed are name, atc_entries, nb_latency"},
	{"[ { \"dev\":\"dsa0\", \"siov\":{\n\"name\":\"a b\"} } ]", -EINVAL,
	 ":2: name 'a b': allowed are 1 to 31 letters, digits and '_'"},
	{"[ { \"dev\":\"dsa0\", \"siov\":{\n\"name\":\"a23456789b123456789c123456789d12\"} } ]",
	 -EINVAL,
	 ":2: \"name\" \"a23456789b123456789c123456789d12\": allowed are 1 to 31 letters, digits"},
	{"[ { \"dev\":\"dsa0\", \"siov\":{\n\"atc_entries\":63} } ]", -ERANGE,
	 ":2: \"atc_entries\" 63: allowed is 64 to 1048576"},
	{"[ { \"dev\":\"dsa0\", \"siov\":{\n\"profile\":\"dsa2\"} } ]", -EINVAL,
	 ":2: \"profile\" \"dsa2\": allowed are none, dsa1 and large"},
	{"[ { \"dev\":\"dsa0\", \"siov\":{\n\"profile\":1} } ]", -EINVAL,
	 ":2: \"profile\" must be a string"},
	{"[ { \"dev\":\"dsa0\", \"siov\":{\n\"ims_size\":255} } ]", -EINVAL,
	 ":2: \"ims_size\" 255: allowed are multiples of 256"},
	{"[ { \"dev\":\"dsa0\", \"siov\":{\n\"ims_size\":1048832} } ]", -ERANGE,
	 ":2: \"ims_size\" 1048832: allowed is 0 to 1048576"},
	{"[ { \"dev\":\"dsa0\", \"siov\":{\n\"nb_adi\":0} } ]", -ERANGE,
	 ":2: \"nb_adi\" 0: allowed is 1 to 1048576"},
	{"[ { \"dev\":\"dsa0\", \"siov\":{\n\"flags\":[\"root\"]} } ]", -EINVAL,
	 ":2: flag \"root\": allowed is priv"},
	{"[ { \"dev\":\"dsa0\", \"siov\":{ \"adis\":[ {},\n{\"type\":\"net\"}]} } ]", -EINVAL,
	 ":2: \"type\" \"net\": allowed are context, dedicated and composite"},
	{"[ { \"dev\":\"dsa0\", \"siov\":{ \"adis\":[ {},\n{\"owner\":\"me\"}]} } ]", -EINVAL,
	 ":2: \"owner\" \"me\": allowed are host, vm and process"},
	{"[ { \"dev\":\"dsa0\", \"siov\":{ \"adis\":[ {},\n{\"rate_bytes\":-1}]} } ]", -ERANGE,
	 ":2: \"rate_bytes\" -1: allowed is 0 to 100000000000"},
	{"[ { \"dev\":\"dsa0\", \"siov\":{ \"adis\":[ {},\n{\"wq\":3}]} } ]", -EINVAL,
	 ":1: ADIs on queue 0: allowed are queues of this file"},
	{"[ { \"dev\":\"dsa0\",\n\"event_log_size\":65536 } ]", -ERANGE,
	 ":2: \"event_log_size\" 65536: allowed is 0 to 65535"},
	{"[ { \"dev\":\"dsa0\",\n\"token_limit\":256 } ]", -ERANGE,
	 ":2: \"token_limit\" 256: allowed is 0 to 255"},
	{"[ { \"dev\":\"dsa0\",\n\"a\\nb\":1 } ]", -EINVAL,
	 ":2: unknown key \"a?b\": allowed are "},
	{"[ { \"dev\":\"dsa0\" },\n, ]", -EINVAL, ":2: unexpected token near ','"},
	{"[\n, ]", -EINVAL, ":2: unexpected token near ','"},
	{"[ { \"dev\":\"dsa0\",\n, } ]", -EINVAL, ":2: string or '}' expected near ','"},
	/* groups */
	{WITH_GROUP("\"dev\":\"group0.0\",\n\"read_buffers_allowed\":256"), -ERANGE,
	 ":4: \"read_buffers_allowed\" 256: allowed is 0 to 255"},
	{WITH_GROUP("\"dev\":\"group0.0\",\n\"traffic_class_a\":-2"), -ERANGE,
	 ":4: \"traffic_class_a\" -2: allowed is -1 to 7"},
	{WITH_GROUP("\"dev\":\"group0.0\",\n\"batch_progress_limit\":4"), -ERANGE,
	 ":4: \"batch_progress_limit\" 4: allowed is 0 to 3"},
	{WITH_GROUP("\"x\":0"), -EINVAL, ":2: key \"dev\" is missing: allowed is group0.N"},
	{WITH_GROUP("\"dev\":\"group1.0\""), -EINVAL,
	 ":3: \"dev\" \"group1.0\": allowed is group0.N, N from 0 to 15"},
	{WITH_GROUP("\"dev\":\"group0.16\""), -ERANGE,
	 ":3: \"dev\" \"group0.16\": allowed is group0.N, N from 0 to 15"},
	{WITH_GROUP("\"dev\":\"group0.\""), -EINVAL,
	 ":3: \"dev\" \"group0.\": allowed is group0.N, N from 0 to 15"},
	{WITH_GROUP("\"dev\":\"group0.1234567\""), -EINVAL,
	 ":3: \"dev\" \"group0.1234567\": allowed is group0.N, N from 0 to 15"},
	{WITH_GROUP("\"dev\":\"group0.0\", \"grouped_engines\":[\n3]"), -EINVAL,
	 ":4: element must be an object"},
	{WITH_GROUP("\"dev\":\"group0.0\", \"grouped_engines\":[\n"
		    "{\"dev\":\"engine0.0\"},\n{\"dev\":\"engine0.0\"}]"),
	 -EINVAL, ":5: engine 0 is there twice: allowed is once"},
	{WITH_GROUP("\"dev\":\"group0.0\", \"grouped_engines\":[{\"dev\":\"engine0.16\"}]"),
	 -ERANGE, ":3: \"dev\" \"engine0.16\": allowed is engine0.N, N from 0 to 15"},
	{WITH_GROUP("\"dev\":\"group0.0\", \"grouped_engines\":[{\"dev\":\"engine0.0\"}]"), -ERANGE,
	 ": nb_wqs 0: allowed is 1 to 64"},
	{WITH_GROUP("\"dev\":\"group0.2\", \"grouped_workqueues\":[{\"dev\":\"wq0.0\"}]"), -ERANGE,
	 ": nb_engines 0: allowed is 1 to 16"},
	/* queues */
	{WITH_WQ("\"siz\":5"), -EINVAL, ":6: unknown key \"siz\": allowed are dev, mode, size, "},
	{WITH_WQ("\"size\":0"), -ERANGE, ":6: \"size\" 0: allowed is 1 to 65536"},
	{WITH_WQ("\"size\":65537"), -ERANGE, ":6: \"size\" 65537: allowed is 1 to 65536"},
	{WITH_WQ("\"size\":-1"), -ERANGE, ":6: \"size\" -1: allowed is 1 to 65536"},
	{WITH_WQ("\"size\":4294967297"), -ERANGE, ":6: \"size\" 4294967297: allowed is 1 to 65536"},
	{WITH_WQ("\"size\":99999999999999999999"), -EINVAL, ":6: too big integer"},
	{WITH_WQ("\"size\":1.5"), -EINVAL, ":6: \"size\" must be an integer"},
	{WITH_WQ("\"size\":true"), -EINVAL, ":6: \"size\" must be an integer"},
	{WITH_WQ("\"size\":null"), -EINVAL, ":6: \"size\" must be an integer"},
	{WITH_WQ("\"mode\":\"Shared\""), -EINVAL,
	 ":6: \"mode\" \"Shared\": allowed are shared and dedicated"},
	{WITH_WQ("\"mode\":1"), -EINVAL, ":6: \"mode\" must be a string"},
	{WITH_WQ("\"size\":8,\n\n\"threshold\":9"), -ERANGE,
	 ":8: \"threshold\" 9: allowed is 1 to the size, 8"},
	{WITH_WQ("\"threshold\":9,\n\"size\":8"), -ERANGE,
	 ":6: \"threshold\" 9: allowed is 1 to the size, 8"},
	{WITH_WQ("\"priority\":16"), -ERANGE, ":6: \"priority\" 16: allowed is 1 to 15"},
	{WITH_WQ("\"group_id\":1"), -EINVAL,
	 ":6: \"group_id\" 1: allowed is 0, the group it stands in"},
	{WITH_WQ("\"block_on_fault\":2"), -ERANGE, ":6: \"block_on_fault\" 2: allowed is 0 to 1"},
	{WITH_WQ("\"max_transfer_size\":2147483649"), -ERANGE,
	 ":6: \"max_transfer_size\" 2147483649: allowed is 1 to 2147483648"},
	{WITH_WQ("\"max_batch_size\":0"), -ERANGE,
	 ":6: \"max_batch_size\" 0: allowed is 1 to 32768"},
	{WITH_WQ("\"prs_disable\":2"), -ERANGE, ":6: \"prs_disable\" 2: allowed is 0 to 1"},
	{WITH_WQ("\"type\":\"0123456789abcdef\""), -EINVAL,
	 ":6: \"type\" \"0123456789abcdef\": allowed are 0 to 15 printable characters"},
	{WITH_WQ("\"name\":\"a\\tb\""), -EINVAL,
	 ":6: \"name\" \"a?b\": allowed are 0 to 127 printable characters"},
	{WITH_WQ("\"op_config\":\"\""), -EINVAL,
	 ":6: \"op_config\" \"\": allowed are 1 to 8 words of 8 hexadecimal digits"},
	{WITH_WQ("\"op_config\":\"123456789\""), -EINVAL, ":6: \"op_config\" \"123456789\": "},
	{WITH_WQ("\"op_config\":\"1,\""), -EINVAL, ":6: \"op_config\" \"1,\": allowed are "},
	{WITH_WQ("\"op_config\":\"1,2,3,4,5,6,7,8,9\""), -EINVAL, ":6: \"op_config\" \"1,2,3,"},
	{WITH_WQ("\"op_config\":\"1 2\""), -EINVAL, ":6: \"op_config\" \"1 2\": allowed are "},
	{WITH_WQ("\"type\":3"), -EINVAL, ":6: \"type\" must be a string"},
	{WITH_WQ("\"siov\":{\"lanes_max\":\n1023}"), -ERANGE,
	 ":6: \"lanes_max\" 1023: allowed is 1 to 1022"},
	{WITH_WQ("\"siov\":{\"flags\":[\"exact\",\n\"fast\"]}"), -EINVAL,
	 ":7: flag \"fast\": allowed are exact and stamps"},
	{WITH_WQ("\"siov\":{\"flags\":[0]}"), -EINVAL, ":6: element must be a string"},
	{WITH_WQ("\"siov\":{\"pasid\":1048576}"), -ERANGE,
	 ":6: \"pasid\" 1048576: allowed is 0 to 1048575"},
	{WITH_WQ("\"siov\":{\"pasid\":5}"), -EINVAL,
	 ": wq 0: pasid 5: a shared queue has none, each submission has one"},
	{WITH_WQ("\"size\":8\n}, {\n\"dev\":\"wq0.0\""), -EINVAL,
	 ":7: queue 0 is there twice: allowed is once"},
	{WITH_WQ("\"size\":8\n}, {\n\"dev\":\"wq0.64\""), -ERANGE,
	 ":8: \"dev\" \"wq0.64\": allowed is wq0.N, N from 0 to 63"},
	/* keys and values that look like others, on their way to the right line */
	{WITH_WQ("\"name\":\"\\\"siz\\\": [{,\",\n\"driver_name\":\"size\",\n\"siz\":5"), -EINVAL,
	 ":8: unknown key \"siz\": allowed are "},
	{WITH_WQ("\"op_config\":[[], {\"siz\":[1,2]}, \"]\"],\n\"siz\":5"), -EINVAL,
	 ":7: unknown key \"siz\": allowed are "},
};

static void
test_mistakes_are_named_with_their_line(void **state)
{
	const struct file *file = *state;
	unsigned int i;

	for (i = 0; i < RTE_DIM(mistakes); i++) {
		struct siov_dev_conf conf, before;
		size_t len = strlen(file->path);
		char why[512];
		int ret;

		siov_dev_conf_init(&conf);
		before = conf;
		write_text(file, mistakes[i].text);
		ret = siov_config_load(file->path, &conf, why, sizeof(why));
		if (strncmp(why, file->path, len) != 0 ||
		    strncmp(why + len, mistakes[i].why, strlen(mistakes[i].why)) != 0)
			fail_msg("'%s' instead of '%s' for:\n%s", why, mistakes[i].why,
				 mistakes[i].text);
		assert_int_equal(ret, mistakes[i].ret);
		assert_null(strchr(why, '\n'));
		assert_memory_equal(&conf, &before, sizeof(conf));
		assert_int_equal(siov_config_load(file->path, &conf, NULL, 0), ret);
		siov_config_load(file->path, &conf, why, 4);
		assert_int_equal(strlen(why), 3);
	}
}

/* Every prefix of a good file is a mistake, and does no harm. */
static void
test_cut_files_are_refused(void **state)
{
	const struct file *file = *state;
	struct siov_dev_conf conf;
	char text[sizeof(saved)];
	char why[256];
	size_t len;

	siov_dev_conf_init(&conf);
	for (len = 0; len < sizeof(saved) - 3; len += 7) {
		memcpy(text, saved, len);
		text[len] = '\0';
		write_text(file, text);
		assert_int_equal(siov_config_load(file->path, &conf, why, sizeof(why)), -EINVAL);
	}
}

static void
test_files_that_cannot_be_read_are_named(void **state)
{
	struct siov_dev_conf conf;
	char why[256];

	(void)state;
	siov_dev_conf_init(&conf);
	assert_int_equal(siov_config_load("siov_no_such_file", &conf, why, sizeof(why)), -ENOENT);
	assert_string_equal(why, "siov_no_such_file: cannot be read: No such file or directory");
	assert_int_equal(siov_config_load(".", &conf, why, sizeof(why)), -EISDIR);
	assert_string_equal(why, ".: cannot be read: Is a directory");
	assert_int_equal(siov_config_load("/dev/zero", &conf, why, sizeof(why)), -EFBIG);
}

/* The longest way: 64 queues and 16 engines on one line each. */
static void
test_largest_device_is_understood(void **state)
{
	const struct file *file = *state;
	struct siov_dev_conf conf;
	FILE *f = fopen(file->path, "w");
	char why[256];
	int i;

	assert_non_null(f);
	fprintf(f, "[{\"dev\":\"dsa12\",\"groups\":[{\"dev\":\"group12.15\","
		   "\"grouped_workqueues\":[\n");
	for (i = 63; i >= 0; i--)
		fprintf(f, "{\"dev\":\"wq12.%d\",\"size\":%d}%s\n", i, i + 1, i > 0 ? "," : "");
	fprintf(f, "],\"grouped_engines\":[\n");
	for (i = 15; i >= 0; i--)
		fprintf(f, "{\"dev\":\"engine12.%d\"}%s\n", i, i > 0 ? "," : "");
	fprintf(f, "]}]}]\n");
	assert_int_equal(fclose(f), 0);
	siov_dev_conf_init(&conf);
	assert_int_equal(siov_config_load(file->path, &conf, why, sizeof(why)), 0);
	assert_int_equal(conf.nb_wqs, 64);
	assert_int_equal(conf.nb_engines, 16);
	for (i = 0; i < 64; i++) {
		assert_int_equal(conf.wqs[i].size, i + 1);
		assert_int_equal(conf.wqs[i].group, 15);
	}
}

static void
test_places_are_found(void **state)
{
	static const char text[] = "\n[ 1,\n \"a]\", {\"k\\\"\":\n{}, \"l\"\n:[ 1,\n2 ] } ]";
	static const struct {
		struct json_place place;
		unsigned int line;
	} cases[] = {
		{{{0}, 0}, 2},    {{{0}, 1}, 2},    {{{1}, 1}, 3},       {{{2}, 1}, 3},
		{{{2, 0}, 2}, 3}, {{{2, 1}, 2}, 4}, {{{2, 1, 0}, 3}, 5}, {{{2, 1, 1}, 3}, 6},
	};
	unsigned int i;

	(void)state;
	for (i = 0; i < RTE_DIM(cases); i++)
		assert_int_equal(json_place_line(text, &cases[i].place), cases[i].line);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_saved_configuration_is_understood),
		cmocka_unit_test(test_mistakes_are_named_with_their_line),
		cmocka_unit_test(test_cut_files_are_refused),
		cmocka_unit_test(test_files_that_cannot_be_read_are_named),
		cmocka_unit_test(test_largest_device_is_understood),
		cmocka_unit_test(test_places_are_found),
	};

	return cmocka_run_group_tests(tests, make_file, remove_file);
}

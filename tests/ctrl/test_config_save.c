/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Whole files of accel-config, in and out again. Argument: the folder with the files.
 *
 * saved.json is, byte by byte, as accel-config's save-config writes; gaps.json has what hand-made
 * files have, listed.json all keys that its list command adds, siov.json what only this device has.
 */
#include <errno.h>
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

#include <jansson.h>

#include <rte_common.h>

#include "siov_config.h"

#define TEXT_MAX 65536u

static const char *const names[] = {"saved.json", "gaps.json", "listed.json", "siov.json"};
static const char *folder;

/* A folder of the test's own, so that what lies beside a file is seen. */
struct bed {
	char dir[64];
	char path[96];
	char beside[112]; /* path.new */
	char text[TEXT_MAX];
	char again[TEXT_MAX];
	uint64_t seed;
};

static int
open_bed(void **state)
{
	struct bed *bed = calloc(1, sizeof(*bed));

	assert_non_null(bed);
	snprintf(bed->dir, sizeof(bed->dir), "siov_test_save_XXXXXX");
	assert_non_null(mkdtemp(bed->dir));
	snprintf(bed->path, sizeof(bed->path), "%s/conf.json", bed->dir);
	snprintf(bed->beside, sizeof(bed->beside), "%s.new", bed->path);
	bed->seed = 1;
	*state = bed;
	return 0;
}

static int
close_bed(void **state)
{
	struct bed *bed = *state;

	unlink(bed->path);
	/* Nothing was left beside it. */
	assert_int_equal(rmdir(bed->dir), 0);
	free(bed);
	return 0;
}

static uint32_t
random_below(struct bed *bed, uint32_t n)
{
	bed->seed = bed->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)((bed->seed >> 33) % n);
}

static size_t
read_text(const char *path, char *text)
{
	FILE *f = fopen(path, "r");
	size_t len;

	assert_non_null(f);
	len = fread(text, 1, TEXT_MAX - 1, f);
	fclose(f);
	text[len] = '\0';
	return len;
}

static void
write_text(const char *path, const char *text, size_t len)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

static void
load(const char *path, struct siov_dev_conf *conf)
{
	char why[512];

	siov_dev_conf_init(conf);
	if (siov_config_load(path, conf, why, sizeof(why)) != 0)
		fail_msg("%s", why);
	assert_string_equal(why, "");
}

static void
save(const char *path, const struct siov_dev_conf *conf)
{
	char why[512];

	if (siov_config_save(path, conf, why, sizeof(why)) != 0)
		fail_msg("%s", why);
	assert_string_equal(why, "");
}

static void
load_file(const char *name, struct siov_dev_conf *conf)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	load(path, conf);
}

/* ---- files of accel-config ---- */

static void
test_saved_file_is_taken_whole(void **state)
{
	struct siov_dev_conf conf;

	(void)state;
	load_file("saved.json", &conf);
	assert_int_equal(conf.nb_wqs, 4);
	assert_int_equal(conf.nb_engines, 4);
	assert_int_equal(conf.read_buffer_limit, 8);
	assert_int_equal(conf.event_log_size, 64);
	assert_int_equal(conf.groups[1].read_buffers_reserved, 4);
	assert_int_equal(conf.groups[1].use_read_buffer_limit, 1);
	assert_int_equal(conf.groups[1].read_buffers_allowed, 16);
	assert_int_equal(conf.groups[1].traffic_class_a, 0);
	assert_int_equal(conf.groups[1].traffic_class_b, 7);
	assert_int_equal(conf.groups[1].desc_progress_limit, 3);
	assert_int_equal(conf.groups[1].batch_progress_limit, 1);
	assert_int_equal(conf.wqs[1].mode, SIOV_WQ_DEDICATED);
	assert_true(conf.wqs[1].op_config[0] == UINT64_C(0x1000001ff));
	assert_true(conf.wqs[1].op_config[1] == 0);
	assert_int_equal(conf.wqs[3].batch_max, 256);
	assert_int_equal(conf.wqs[3].xfer_max, 4096);
	assert_int_equal(conf.wqs[3].prs_disable, 1);
	assert_string_equal(conf.wqs[3].label.name, "dpdk_a");
	/* It is a file of such a device. */
	assert_int_equal(siov_dev_conf_profile(&conf, "dsa1"), 0);
	assert_int_equal(siov_dev_conf_check(&conf, NULL, 0), 0);
}

static void
test_hand_made_file_is_taken(void **state)
{
	struct siov_dev_conf conf;

	(void)state;
	load_file("gaps.json", &conf);
	assert_int_equal(conf.number, 1);
	assert_int_equal(conf.nb_wqs, 2);
	assert_int_equal(conf.wqs[0].size, 40); /* wq1.1 */
	assert_int_equal(conf.wqs[0].group, 2);
	assert_int_equal(conf.wqs[0].prs_disable, 1);
	assert_int_equal(conf.wqs[0].ats_disable, 1);
	assert_int_equal(conf.wqs[0].flags, 0);
	assert_string_equal(conf.wqs[0].label.driver, "dmaengine");
	assert_int_equal(conf.wqs[1].size, 16); /* wq1.6 */
	assert_int_equal(conf.wqs[1].flags, SIOV_WQ_F_BOF);
	assert_int_equal(conf.wqs[1].group, 1);
	assert_string_equal(conf.wqs[1].label.name, "a, ]\"b,");
	assert_int_equal(conf.nb_engines, 2);
	assert_int_equal(conf.engines[0].group, 1);
	assert_int_equal(conf.engines[1].group, 2);
	assert_int_equal(conf.groups[1].read_buffers_reserved, 2);
	assert_int_equal(conf.groups[1].read_buffers_allowed, 8);
}

static void
test_listed_file_is_taken(void **state)
{
	struct siov_dev_conf conf;

	(void)state;
	load_file("listed.json", &conf);
	assert_int_equal(conf.nb_wqs, 1);
	assert_int_equal(conf.nb_engines, 4);
	assert_string_equal(conf.wqs[0].label.name, "dpdk_wq");
}

static void
test_own_object_is_taken(void **state)
{
	const struct siov_dev_adi_row *row;
	struct siov_dev_conf conf;

	(void)state;
	load_file("siov.json", &conf);
	assert_int_equal(conf.profile, SIOV_PROFILE_LARGE);
	assert_int_equal(conf.nb_ims, 131072); /* though the profile stands behind it */
	assert_int_equal(conf.nb_adis, 32768);
	assert_int_equal(conf.nb_msix, 64);
	assert_int_equal(conf.flags, SIOV_DEV_F_PRIV);
	assert_string_equal(conf.name, "big");
	assert_int_equal(conf.wqs[2].pasid, 1048575);
	assert_int_equal(conf.wqs[2].control_pasid, 1048574);
	assert_int_equal(conf.wqs[1].control_pasid, 77);
	assert_int_equal(conf.wqs[1].lanes_max, 1022);
	assert_int_equal(conf.nb_adi_rows, 3);
	row = &conf.adi_rows[0];
	assert_int_equal(row->type, SIOV_ADI_CONTEXT);
	assert_int_equal(row->owner, SIOV_ADI_VM);
	assert_int_equal(row->count, 1000);
	assert_int_equal(row->wq, 1); /* wq3.4 */
	assert_int_equal(row->pasid, 100);
	assert_int_equal(row->nb_messages, 1);
	assert_int_equal(row->qos.weight, 8);
	assert_int_equal(row->qos.priority, 3);
	assert_int_equal(row->qos.max_outstanding, 64);
	assert_true(row->qos.rate_ops == UINT64_C(5000000000));
	assert_true(row->qos.burst_ops == 70000);
	assert_true(row->qos.rate_bytes == UINT64_C(10000000000));
	assert_true(row->qos.burst_bytes == UINT64_C(6000000000));
	row = &conf.adi_rows[1];
	assert_int_equal(row->type, SIOV_ADI_DEDICATED);
	assert_int_equal(row->owner, SIOV_ADI_PROCESS);
	assert_int_equal(row->nb_dwqs, 1);
	assert_int_equal(row->control_pasid, 8);
	assert_int_equal(conf.adi_rows[2].type, SIOV_ADI_COMPOSITE);
	assert_int_equal(conf.adi_rows[2].wq, 0); /* wq3.2 */
}

/* What a file says of groups and the like counts even where it says nothing. */
static void
test_a_second_file_leaves_nothing_of_the_first(void **state)
{
	struct siov_dev_conf conf, fresh;
	char path[512];

	(void)state;
	load_file("siov.json", &conf);
	load_file("saved.json", &fresh);
	snprintf(path, sizeof(path), "%s/saved.json", folder);
	assert_int_equal(siov_config_load(path, &conf, NULL, 0), 0);
	assert_memory_equal(conf.wqs, fresh.wqs, sizeof(conf.wqs));
	assert_memory_equal(conf.groups, fresh.groups, sizeof(conf.groups));
	assert_memory_equal(conf.engines, fresh.engines, sizeof(conf.engines));
	assert_int_equal(conf.nb_adi_rows, 0);
	assert_int_equal(conf.nb_msix, 64); /* the device's own stays */
}

/* ---- and out again ---- */

static void
test_what_was_saved_is_loaded_again(void **state)
{
	struct bed *bed = *state;
	unsigned int i;

	for (i = 0; i < RTE_DIM(names); i++) {
		struct siov_dev_conf conf, copy;

		load_file(names[i], &conf);
		save(bed->path, &conf);
		load(bed->path, &copy);
		assert_memory_equal(&copy, &conf, sizeof(conf));
		read_text(bed->path, bed->text);
		save(bed->path, &copy);
		read_text(bed->path, bed->again);
		assert_string_equal(bed->again, bed->text);
	}
}

/* The device's own object comes last; all before it is what accel-config would have written. */
static void
test_layout_is_that_of_accel_config(void **state)
{
	static const char tail[] = "\n  }\n]\n";
	static const char own[] = ",\n    \"siov\":{\n      \"name\":\"siov0\",\n";
	struct bed *bed = *state;
	struct siov_dev_conf conf;
	char path[512];
	size_t len;

	load_file("saved.json", &conf);
	save(bed->path, &conf);
	read_text(bed->path, bed->again);
	snprintf(path, sizeof(path), "%s/saved.json", folder);
	len = read_text(path, bed->text) - strlen(tail);
	assert_string_equal(bed->text + len, tail);
	assert_memory_equal(bed->again, bed->text, len);
	assert_memory_equal(bed->again + len, own, strlen(own));
	assert_string_equal(bed->again + strlen(bed->again) - strlen(tail), tail);
}

static void
random_label(struct bed *bed, char *text, size_t len)
{
	size_t n = random_below(bed, (uint32_t)len), i;

	for (i = 0; i < n; i++)
		text[i] = (char)(' ' + random_below(bed, '~' - ' ' + 1));
}

static void
random_wq(struct bed *bed, struct siov_dev_wq_conf *wq, uint32_t group)
{
	unsigned int i;

	wq->mode = random_below(bed, 2) == 0 ? SIOV_WQ_SHARED : SIOV_WQ_DEDICATED;
	wq->size = 1 + random_below(bed, SIOV_WQ_SIZE_MAX);
	wq->threshold = random_below(bed, wq->size + 1);
	wq->priority = 1 + random_below(bed, 15);
	wq->group = group;
	wq->lanes_max = 1 + random_below(bed, SIOV_WQ_LANES_MAX);
	wq->prs_disable = random_below(bed, 2);
	wq->flags = random_below(bed, SIOV_WQ_F_ALL + 1);
	if (wq->prs_disable)
		wq->flags &= ~SIOV_WQ_F_BOF;
	wq->pasid = wq->mode == SIOV_WQ_DEDICATED ? random_below(bed, SIOV_PASID_MAX + 1) : 0;
	wq->control_pasid = random_below(bed, SIOV_PASID_MAX + 1);
	wq->xfer_max = 1 + random_below(bed, SIOV_DEV_XFER_MAX);
	wq->batch_max = 1 + random_below(bed, SIOV_DEV_BATCH_MAX);
	wq->ats_disable = random_below(bed, 2);
	for (i = 0; i < 4; i++)
		wq->op_config[i] = (uint64_t)random_below(bed, UINT32_MAX) << 32 | i;
	random_label(bed, wq->label.type, sizeof(wq->label.type));
	random_label(bed, wq->label.name, sizeof(wq->label.name));
	random_label(bed, wq->label.driver, sizeof(wq->label.driver));
}

static void
random_group(struct bed *bed, struct siov_dev_group_conf *group)
{
	group->read_buffers_reserved = random_below(bed, 16);
	group->read_buffers_allowed = 16 + random_below(bed, 240);
	group->use_read_buffer_limit = random_below(bed, 2);
	group->traffic_class_a = (int32_t)random_below(bed, 9) - 1;
	group->traffic_class_b = (int32_t)random_below(bed, 9) - 1;
	group->desc_progress_limit = random_below(bed, 4);
	group->batch_progress_limit = random_below(bed, 4);
}

/* The n-th queue and engine are of group n; of the rest anything that is allowed. */
static void
random_conf(struct bed *bed, struct siov_dev_conf *conf)
{
	unsigned int i;

	siov_dev_conf_init(conf);
	conf->nb_engines = 1 + random_below(bed, SIOV_DEV_ENGINES_MAX);
	conf->nb_wqs = conf->nb_engines + random_below(bed, 20);
	for (i = 0; i < conf->nb_engines; i++)
		conf->engines[i].group = i;
	for (i = 0; i < conf->nb_wqs; i++)
		random_wq(bed, &conf->wqs[i], i % conf->nb_engines);
	for (i = 0; i < SIOV_DEV_GROUPS_MAX; i++)
		random_group(bed, &conf->groups[i]);
	conf->read_buffer_limit = random_below(bed, 256);
	conf->event_log_size = random_below(bed, 2) * (64 + random_below(bed, 65472));
	conf->number = random_below(bed, SIOV_DEV_NUMBER_MAX + 1);
	conf->nb_ims = random_below(bed, 4097) * 256;
	conf->nb_msix = 1 + random_below(bed, SIOV_DEV_MSIX_MAX);
	conf->flags = random_below(bed, 2) * SIOV_DEV_F_PRIV;
	conf->nb_latency = random_below(bed, SIOV_DEV_LATENCY_MAX);
}

static void
test_any_configuration_comes_back(void **state)
{
	struct bed *bed = *state;
	unsigned int i;

	for (i = 0; i < 300; i++) {
		struct siov_dev_conf conf, copy;

		random_conf(bed, &conf);
		save(bed->path, &conf);
		load(bed->path, &copy);
		assert_memory_equal(&copy, &conf, sizeof(conf));
	}
}

/* ---- refusals ---- */

static void
expect_refused(struct bed *bed, const char *path, const struct siov_dev_conf *conf, int ret,
	       const char *wanted)
{
	char why[256];

	write_text(bed->path, "old", 3);
	assert_int_equal(siov_config_save(path, conf, why, sizeof(why)), ret);
	assert_string_equal(why, wanted);
	assert_int_equal(siov_config_save(path, conf, NULL, 0), ret);
	read_text(bed->path, bed->text);
	assert_string_equal(bed->text, "old");
}

static void
test_a_save_that_fails_leaves_the_old_file(void **state)
{
	struct bed *bed = *state;
	struct siov_dev_conf conf;
	char line[256];

	siov_dev_conf_init(&conf);
	conf.wqs[0].size = 0;
	expect_refused(bed, bed->path, &conf, -ERANGE, "wq 0: size 0: allowed is 1 to 65536");
	siov_dev_conf_init(&conf);
	conf.nb_adi_rows = 1;
	conf.adi_rows[0] = (struct siov_dev_adi_row){.count = 1, .qos = {.rate_bytes = UINT64_MAX}};
	expect_refused(bed, bed->path, &conf, -ERANGE,
		       "adi row 0: weight 0, priority 0, rates 0 and 18446744073709551615, bursts "
		       "0 and 0: allowed are 0 to 255, 15, 100000000000");
	siov_dev_conf_init(&conf);
	snprintf(conf.wqs[0].label.name, sizeof(conf.wqs[0].label.name), "a\nb");
	expect_refused(bed, bed->path, &conf, -EINVAL,
		       "wq 0: name: allowed are 0 to 127 printable characters");
	siov_dev_conf_init(&conf);
	expect_refused(bed, "siov_no_such_folder/x", &conf, -ENOENT,
		       "siov_no_such_folder/x: cannot be written: No such file or directory");
	/* Written beside it, and then it cannot take the place. */
	snprintf(line, sizeof(line), "%s: cannot be written: Is a directory", bed->dir);
	expect_refused(bed, bed->dir, &conf, -EISDIR, line);
	assert_int_equal(access(bed->beside, F_OK), -1);
}

static unsigned int allocs_left;

static void *
alloc_few(size_t len)
{
	if (allocs_left == 0)
		return NULL;
	allocs_left--;
	return malloc(len);
}

/* Each allocation fails once: a line, no leak (the sanitizer looks), and nothing is changed. */
static void
test_no_memory_is_no_harm(void **state)
{
	struct siov_dev_conf conf, before;
	struct bed *bed = *state;
	unsigned int nb;
	char why[256];
	int ret;

	load_file("siov.json", &before);
	json_set_alloc_funcs(alloc_few, free);
	write_text(bed->path, "old", 3);
	for (nb = 0, ret = -ENOMEM; ret != 0; nb++) {
		allocs_left = nb;
		ret = siov_config_save(bed->path, &before, why, sizeof(why));
		if (ret == 0)
			break;
		assert_int_equal(ret, -ENOMEM);
		assert_non_null(strstr(why, ": no memory"));
		read_text(bed->path, bed->text);
		assert_string_equal(bed->text, "old");
	}
	assert_true(nb > 100);
	for (nb = 0, ret = -ENOMEM; ret != 0; nb++) {
		siov_dev_conf_init(&conf);
		allocs_left = nb;
		ret = siov_config_load(bed->path, &conf, why, sizeof(why));
		if (ret != 0) /* the parser does not always say that it was the memory */
			assert_true(ret == -ENOMEM || ret == -EINVAL);
	}
	assert_true(nb > 100);
	json_set_alloc_funcs(malloc, free);
	assert_memory_equal(&conf, &before, sizeof(conf));
}

/* ---- damage ---- */

/* A damaged file is refused in one line and changes nothing, or it says something that is right. */
static void
load_damaged(struct bed *bed, size_t len)
{
	struct siov_dev_conf conf, before;
	char why[1024];
	int ret;

	write_text(bed->path, bed->again, len);
	siov_dev_conf_init(&conf);
	before = conf;
	ret = siov_config_load(bed->path, &conf, why, sizeof(why));
	if (ret == 0) {
		assert_string_equal(why, "");
		assert_int_equal(siov_dev_conf_check(&conf, NULL, 0), 0);
		return;
	}
	assert_true(ret == -EINVAL || ret == -ERANGE || ret == -ENOTSUP);
	assert_memory_equal(why, bed->path, strlen(bed->path));
	assert_null(strpbrk(why, "\n\r\t"));
	assert_memory_equal(&conf, &before, sizeof(conf));
}

static void
read_for_damage(struct bed *bed, const char *name, size_t *len)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	*len = read_text(path, bed->text);
}

static void
test_cut_files_are_refused(void **state)
{
	struct bed *bed = *state;
	unsigned int i;

	for (i = 0; i < RTE_DIM(names); i++) {
		struct siov_dev_conf conf;
		size_t len, cut;

		read_for_damage(bed, names[i], &len);
		/* The last two bytes are the bracket and a newline. */
		for (cut = 0; cut < len - 1; cut += 3) {
			memcpy(bed->again, bed->text, cut);
			load_damaged(bed, cut);
			siov_dev_conf_init(&conf);
			assert_int_equal(siov_config_load(bed->path, &conf, NULL, 0), -EINVAL);
		}
	}
}

static void
test_changed_files_do_no_harm(void **state)
{
	static const char alphabet[] = "\"\\{}[],:0-9eax \n";
	struct bed *bed = *state;
	unsigned int i, round, k;

	for (i = 0; i < RTE_DIM(names); i++) {
		size_t len;

		read_for_damage(bed, names[i], &len);
		for (round = 0; round < 1500; round++) {
			unsigned int nb = 1 + random_below(bed, 3);

			memcpy(bed->again, bed->text, len);
			for (k = 0; k < nb; k++) {
				char *byte = &bed->again[random_below(bed, (uint32_t)len)];

				if (random_below(bed, 2) == 0)
					*byte ^= (char)(1u << random_below(bed, 8));
				else
					*byte = alphabet[random_below(bed, sizeof(alphabet) - 1)];
			}
			load_damaged(bed, len);
		}
	}
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_saved_file_is_taken_whole),
		cmocka_unit_test(test_hand_made_file_is_taken),
		cmocka_unit_test(test_listed_file_is_taken),
		cmocka_unit_test(test_own_object_is_taken),
		cmocka_unit_test(test_a_second_file_leaves_nothing_of_the_first),
		cmocka_unit_test_setup_teardown(test_what_was_saved_is_loaded_again, open_bed,
						close_bed),
		cmocka_unit_test_setup_teardown(test_layout_is_that_of_accel_config, open_bed,
						close_bed),
		cmocka_unit_test_setup_teardown(test_any_configuration_comes_back, open_bed,
						close_bed),
		cmocka_unit_test_setup_teardown(test_a_save_that_fails_leaves_the_old_file,
						open_bed, close_bed),
		cmocka_unit_test_setup_teardown(test_no_memory_is_no_harm, open_bed, close_bed),
		cmocka_unit_test_setup_teardown(test_cut_files_are_refused, open_bed, close_bed),
		cmocka_unit_test_setup_teardown(test_changed_files_do_no_harm, open_bed, close_bed),
	};

	if (argc != 2) {
		fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
		return 1;
	}
	folder = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* Telemetry commands as a client of the EAL's socket sees them. */
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <jansson.h>

#include <rte_eal.h>

#include "dev_rig.h"

#define PASID 7u
#define PASIDS 300u /* more than a page of the list */

static int
connect_telemetry(void)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	char hello[1024];

	assert_true(fd >= 0);
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/dpdk_telemetry.v2",
		 rte_eal_get_runtime_dir());
	assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_true(recv(fd, hello, sizeof(hello), 0) > 0);
	return fd;
}

/* The value behind the command's name in the answer; json_null() where it failed. */
static json_t *
ask(int fd, const char *request)
{
	static char text[64 * 1024];
	size_t name_len = strcspn(request, ",");
	json_t *answer, *value;
	char name[64];
	ssize_t len;

	snprintf(name, sizeof(name), "%.*s", (int)name_len, request);
	assert_int_equal(send(fd, request, strlen(request), 0), (ssize_t)strlen(request));
	len = recv(fd, text, sizeof(text), 0);
	assert_true(len > 0);
	answer = json_loadb(text, (size_t)len, 0, NULL);
	if (answer == NULL)
		fail_msg("not JSON: %.*s", (int)len, text);
	value = json_incref(json_object_get(answer, name));
	json_decref(answer);
	assert_non_null(value);
	return value;
}

static json_int_t
number_of(const json_t *dict, const char *name)
{
	const json_t *value = json_object_get(dict, name);

	if (!json_is_integer(value))
		fail_msg("no number '%s'", name);
	return json_integer_value(value);
}

static void
assert_fails(int fd, const char *request)
{
	json_t *value = ask(fd, request);

	if (!json_is_null(value))
		fail_msg("'%s' is answered", request);
	json_decref(value);
}

static struct dev_rig *
open_rig(const char *name)
{
	struct siov_dev_conf conf;

	dev_rig_conf_init(&conf);
	snprintf(conf.name, sizeof(conf.name), "%s", name);
	conf.nb_wqs = 2;
	conf.wqs[1].mode = SIOV_WQ_DEDICATED;
	conf.wqs[1].pasid = PASID;
	return dev_rig_open(&conf);
}

static void
test_devices_are_listed_while_they_are_there(void **state)
{
	struct dev_rig *left = open_rig("left"), *right = open_rig("right");
	int fd = connect_telemetry();
	json_t *list;

	(void)state;
	list = ask(fd, "/siov/list");
	assert_int_equal(json_array_size(list), 2);
	assert_string_equal(json_string_value(json_array_get(list, 0)), "left");
	assert_string_equal(json_string_value(json_array_get(list, 1)), "right");
	json_decref(list);
	dev_rig_close(left);
	list = ask(fd, "/siov/list");
	assert_int_equal(json_array_size(list), 1);
	assert_string_equal(json_string_value(json_array_get(list, 0)), "right");
	json_decref(list);
	assert_fails(fd, "/siov/wq/list,left");
	dev_rig_close(right);
	list = ask(fd, "/siov/list");
	assert_int_equal(json_array_size(list), 0);
	json_decref(list);
	close(fd);
}

static void
test_queues_tell_state_and_counters(void **state)
{
	struct dev_rig *rig = open_rig("dev");
	struct siov_portal *portal = dev_rig_portal(rig, dev_rig_attach(rig, 0), PASID);
	int fd = connect_telemetry();
	json_t *value;

	(void)state;
	dev_rig_start(rig);
	assert_int_equal(dev_rig_silent(portal), SIOV_DMWR_RETRY_DISABLED);
	assert_int_equal(siov_dev_wq_enable(rig->dev, 0), 0);
	assert_int_equal(dev_rig_silent(portal), SIOV_DMWR_SUCCESS);
	assert_int_equal(dev_rig_silent(portal), SIOV_DMWR_SUCCESS);
	assert_int_equal(siov_dev_wq_drain(rig->dev, 0, DEV_RIG_WAIT_MS), 0);
	value = ask(fd, "/siov/wq/list,dev");
	assert_int_equal(json_array_size(value), 2);
	json_decref(value);
	value = ask(fd, "/siov/wq/info,dev,0");
	assert_string_equal(json_string_value(json_object_get(value, "mode")), "shared");
	assert_string_equal(json_string_value(json_object_get(value, "state")), "enabled");
	assert_int_equal(number_of(value, "size"), 128);
	assert_int_equal(number_of(value, "lanes"), 1);
	json_decref(value);
	value = ask(fd, "/siov/wq/info,dev,1");
	assert_string_equal(json_string_value(json_object_get(value, "mode")), "dedicated");
	assert_string_equal(json_string_value(json_object_get(value, "state")), "disabled");
	assert_int_equal(number_of(value, "pasid"), PASID);
	json_decref(value);
	value = ask(fd, "/siov/wq/stats,dev,0");
	assert_int_equal(number_of(value, "swq_q0_accepted_ops"), 2);
	assert_int_equal(number_of(value, "swq_q0_retry_capacity_ops"), 0);
	assert_int_equal(number_of(value, "swq_q0_retry_disabled_ops"), 1);
	assert_int_equal(number_of(value, "swq_q0_completed_ops"), 2);
	json_decref(value);
	value = ask(fd, "/siov/wq/stats,dev,1");
	assert_int_equal(number_of(value, "dwq_q1_accepted_ops"), 0);
	json_decref(value);
	value = ask(fd, "/siov/iommu/stats,dev");
	assert_int_equal(number_of(value, "pasids_bound"), 1);
	assert_true(number_of(value, "atc_lookup_ops") >= number_of(value, "atc_miss_ops"));
	assert_int_equal(number_of(value, "page_request_ops"), 0);
	assert_int_equal(number_of(value, "fault_ops"), 0);
	json_decref(value);
	close(fd);
	dev_rig_close(rig);
}

static void
test_pasids_are_paged(void **state)
{
	struct dev_rig *rig = open_rig("dev");
	struct siov_lane *lane = dev_rig_attach(rig, 0);
	struct siov_portal *portal;
	int fd = connect_telemetry();
	json_int_t next = 0;
	uint32_t pasid, nb;
	char request[64];
	json_t *page;
	size_t i;

	(void)state;
	for (pasid = 0; pasid < PASIDS; pasid++) {
		assert_int_equal(siov_dev_portal_open(rig->dev, lane, 2 * pasid,
						      SIOV_PORTAL_F_PASID, &portal),
				 0);
		dev_rig_silent(portal);
	}
	for (nb = 0; nb == 0 || next != 0;) {
		const json_t *list;

		snprintf(request, sizeof(request), "/siov/pasid/list,dev,0,%d", (int)next);
		page = ask(fd, request);
		list = json_object_get(page, "pasids");
		for (i = 0; i < json_array_size(list); i++)
			assert_int_equal(json_integer_value(json_array_get(list, i)), 2 * nb++);
		next = json_object_get(page, "next") != NULL ? number_of(page, "next") : 0;
		json_decref(page);
	}
	assert_int_equal(nb, PASIDS);
	page = ask(fd, "/siov/pasid/stats,dev,0,100");
	assert_int_equal(json_object_size(page), 17);
	assert_int_equal(number_of(page, "next"), 132);
	assert_int_equal(number_of(json_object_get(page, "pasid_100"), "retry_disabled_ops"), 1);
	assert_non_null(json_object_get(page, "pasid_130"));
	json_decref(page);
	page = ask(fd, "/siov/pasid/stats,dev,0,598");
	assert_int_equal(json_object_size(page), 1);
	json_decref(page);
	close(fd);
	dev_rig_close(rig);
}

static void
test_adis_are_listed_and_told(void **state)
{
	const struct siov_adi_conf conf = {.pasid = PASID, .qos = {.weight = 3}};
	struct dev_rig *rig = open_rig("dev");
	int fd = connect_telemetry();
	uint32_t id, i;
	json_t *value;

	(void)state;
	for (i = 0; i < 300; i++)
		assert_int_equal(siov_dev_adi_alloc(rig->dev, SIOV_ADI_CONTEXT, SIOV_ADI_VM, &id),
				 0);
	assert_int_equal(siov_dev_adi_configure(rig->dev, 5, &conf), 0);
	assert_int_equal(siov_dev_adi_enable(rig->dev, 5), 0);
	value = ask(fd, "/siov/adi/list,dev");
	assert_int_equal(json_array_size(json_object_get(value, "adis")), 256);
	assert_int_equal(number_of(value, "next"), 256);
	json_decref(value);
	value = ask(fd, "/siov/adi/list,dev,256");
	assert_int_equal(json_array_size(json_object_get(value, "adis")), 44);
	assert_null(json_object_get(value, "next"));
	json_decref(value);
	value = ask(fd, "/siov/adi/info,dev,5");
	assert_string_equal(json_string_value(json_object_get(value, "type")), "context");
	assert_string_equal(json_string_value(json_object_get(value, "state")), "enabled");
	assert_int_equal(number_of(value, "pasid"), PASID);
	assert_int_equal(number_of(value, "weight"), 3);
	json_decref(value);
	value = ask(fd, "/siov/adi/stats,dev,5");
	assert_int_equal(number_of(value, "accepted_ops"), 0);
	json_decref(value);
	assert_fails(fd, "/siov/adi/info,dev,300");
	assert_fails(fd, "/siov/adi/stats,dev");
	assert_fails(fd, "/siov/adi/list,dev,1,2");
	close(fd);
	dev_rig_close(rig);
}

static void
test_bad_parameters_are_refused(void **state)
{
	struct dev_rig *rig = open_rig("dev");
	int fd = connect_telemetry();

	(void)state;
	assert_fails(fd, "/siov/wq/list");
	assert_fails(fd, "/siov/wq/list,");
	assert_fails(fd, "/siov/wq/list,de");
	assert_fails(fd, "/siov/wq/list,devi");
	assert_fails(fd, "/siov/wq/list,dev,0");
	assert_fails(fd, "/siov/wq/info,dev");
	assert_fails(fd, "/siov/wq/info,dev,");
	assert_fails(fd, "/siov/wq/info,dev,2");
	assert_fails(fd, "/siov/wq/info,dev,x");
	assert_fails(fd, "/siov/wq/info,dev,-1");
	assert_fails(fd, "/siov/wq/info,dev,0x");
	assert_fails(fd, "/siov/wq/info,dev,4294967296");
	assert_fails(fd, "/siov/pasid/list,dev,0,1,2");
	close(fd);
	dev_rig_close(rig);
}

/* Devices come and go while a client asks. */
static void *
run_client(void *arg)
{
	const SIOV_ATOMIC(uint32_t) *stop = arg;
	int fd = connect_telemetry();

	while (!siov_atomic_load(stop, acquire)) {
		json_decref(ask(fd, "/siov/wq/stats,dev,0"));
		json_decref(ask(fd, "/siov/pasid/stats,dev,0"));
	}
	close(fd);
	return NULL;
}

static void
test_device_can_be_freed_while_a_client_asks(void **state)
{
	SIOV_ATOMIC(uint32_t) stop = 0;
	struct dev_rig *rig;
	pthread_t client;
	unsigned int i;

	(void)state;
	assert_int_equal(pthread_create(&client, NULL, run_client, (void *)&stop), 0);
	for (i = 0; i < 10; i++) {
		rig = open_rig("dev");
		dev_rig_portal(rig, dev_rig_attach(rig, 0), PASID);
		dev_rig_nap();
		dev_rig_close(rig);
	}
	siov_atomic_store(&stop, 1, release);
	pthread_join(client, NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_devices_are_listed_while_they_are_there),
		cmocka_unit_test(test_queues_tell_state_and_counters),
		cmocka_unit_test(test_pasids_are_paged),
		cmocka_unit_test(test_adis_are_listed_and_told),
		cmocka_unit_test(test_bad_parameters_are_refused),
		cmocka_unit_test(test_device_can_be_freed_while_a_client_asks),
	};

	if (dev_rig_init_eal("0", "--no-hpet") != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Engines as an embedding application runs them: by service cores, in its own loop, several devices,
 * and taken down again without a trace. With EAL: services are its own.
 */
#include <stdio.h>

#include <rte_cycles.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_malloc.h>
#include <rte_service.h>

#include "dev_rig.h"
#include "engine_priv.h"
#include "siov_gmem.h"
#include "siov_service.h"

#define PASID 7u
#define LEN 4096u
#define WAIT_MS 20000u /* patience with what must happen */
#define CYCLES 1000u

/* A device with a queue, memory, a PASID and somebody who submits. */
struct client {
	struct siov_dev *dev;
	struct siov_gmem *mem;
	struct siov_lane *lane;
	struct siov_portal *portal;
};

static void
client_open(struct client *client, const char *name)
{
	struct siov_dev_conf conf;

	siov_dev_conf_init(&conf);
	snprintf(conf.name, sizeof(conf.name), "%s", name);
	conf.atc_entries = SIOV_DEV_ATC_MIN;
	conf.nb_latency = 0;
	assert_int_equal(siov_dev_create(&conf, &client->dev), 0);
	assert_int_equal(siov_gmem_create(client->dev, NULL, &client->mem), 0);
	assert_int_equal(siov_gmem_bind(client->mem, PASID), 0);
	assert_int_equal(siov_dev_enable(client->dev), 0);
	assert_int_equal(siov_dev_attach(client->dev, 0, 0, &client->lane), 0);
	assert_int_equal(siov_dev_portal_open(client->dev, client->lane, PASID, SIOV_PORTAL_F_PASID,
					      &client->portal),
			 0);
}

static void
client_close(struct client *client)
{
	siov_dev_portal_close(client->dev, client->portal);
	assert_int_equal(siov_dev_detach(client->dev, client->lane, WAIT_MS), 0);
	assert_int_equal(siov_gmem_unbind(client->mem, PASID), 0);
	assert_int_equal(siov_gmem_free(client->mem), 0);
	siov_dev_free(client->dev);
}

static struct dsa_completion_record *
client_submit(struct client *client, uint8_t value)
{
	struct dsa_completion_record *rec = siov_gmem_hva(client->mem);
	uint64_t iova = siov_gmem_iova(client->mem);
	struct dsa_hw_desc desc __attribute__((aligned(64))) = {
		.opcode = DSA_OPCODE_MEMMOVE,
		.flags = IDXD_OP_FLAG_CRAV | IDXD_OP_FLAG_RCR,
		.completion_addr = iova,
		.src_addr = iova + LEN,
		.dst_addr = iova + 2 * LEN,
		.xfer_size = LEN,
	};

	memset(rec, 0, sizeof(*rec));
	memset((uint8_t *)rec + LEN, value, LEN);
	assert_int_equal(siov_enqcmd(client->portal, &desc), SIOV_DMWR_SUCCESS);
	return rec;
}

static uint8_t
status_of(struct dsa_completion_record *rec)
{
	return siov_atomic_load(&rec->status, acquire);
}

/* A copy that somebody else's polling must bring to its end. */
static void
client_copy(struct client *client, uint8_t value)
{
	struct dsa_completion_record *rec = client_submit(client, value);
	unsigned int i;

	for (i = 0; i < WAIT_MS && status_of(rec) == DSA_COMP_NONE; i++)
		rte_delay_us_sleep(1000);
	assert_int_equal(status_of(rec), DSA_COMP_SUCCESS);
	assert_memory_equal((uint8_t *)rec + LEN, (uint8_t *)rec + 2 * LEN, LEN);
}

/* Whether the device waits for its engine. */
static bool
is_online(const struct client *client)
{
	struct siov_atc_stats stats;

	siov_atc_stats(siov_dev_engine(client->dev, 0)->atc, &stats);
	return stats.online;
}

/* ---- service cores ---- */

static unsigned int
start_core(void)
{
	unsigned int lcore = rte_get_next_lcore(-1, 1, 0);

	assert_int_not_equal(lcore, RTE_MAX_LCORE);
	assert_int_equal(rte_service_lcore_add(lcore), 0);
	assert_int_equal(rte_service_lcore_start(lcore), 0);
	return lcore;
}

static void
stop_core(unsigned int lcore)
{
	rte_service_lcore_stop(lcore);
	assert_int_equal(rte_service_lcore_del(lcore), 0);
}

static struct siov_service *
serve(struct client *client, const char *name, unsigned int lcore)
{
	struct siov_service *service;
	uint32_t id;

	assert_int_equal(siov_service_create(siov_dev_engine(client->dev, 0), name, &service), 0);
	id = siov_service_id(service);
	assert_int_equal(rte_service_map_lcore_set(id, lcore, 1), 0);
	assert_int_equal(rte_service_runstate_set(id, 1), 0);
	return service;
}

static void
test_a_service_core_runs_the_engines_of_two_devices(void **state)
{
	struct siov_service *service[2];
	struct client client[2];
	unsigned int lcore = start_core();

	(void)state;
	client_open(&client[0], "one");
	client_open(&client[1], "two");
	service[0] = serve(&client[0], "engine_one", lcore);
	service[1] = serve(&client[1], "engine_two", lcore);
	client_copy(&client[0], 1);
	client_copy(&client[1], 2);
	/* One goes while the core runs; the other does not notice. */
	assert_int_equal(siov_service_free(service[0]), 0);
	client_close(&client[0]);
	client_copy(&client[1], 3);
	assert_int_equal(siov_service_free(service[1]), 0);
	client_close(&client[1]);
	stop_core(lcore);
}

static void
test_an_engine_comes_back_as_another_service(void **state)
{
	unsigned int lcore = start_core();
	struct client client;
	unsigned int i;

	(void)state;
	client_open(&client, "one");
	for (i = 0; i < 3; i++) {
		struct siov_service *service = serve(&client, "engine", lcore);

		client_copy(&client, (uint8_t)i);
		assert_true(is_online(&client));
		assert_int_equal(siov_service_free(service), 0);
		assert_false(is_online(&client));
	}
	client_close(&client);
	stop_core(lcore);
}

/* The application's own lcore polls it first, then a service core. */
static void
test_an_engine_moves_from_lcore_to_lcore(void **state)
{
	struct dsa_completion_record *rec;
	struct siov_service *service;
	struct client client;
	unsigned int lcore;
	uint32_t id;

	(void)state;
	client_open(&client, "one");
	assert_int_equal(siov_service_create(siov_dev_engine(client.dev, 0), "engine", &service),
			 0);
	id = siov_service_id(service);
	assert_int_equal(rte_service_set_runstate_mapped_check(id, 0), 0);
	assert_int_equal(rte_service_runstate_set(id, 1), 0);
	rec = client_submit(&client, 6);
	while (status_of(rec) == DSA_COMP_NONE)
		assert_int_equal(rte_service_run_iter_on_app_lcore(id, 1), 0);
	assert_int_equal(status_of(rec), DSA_COMP_SUCCESS);
	lcore = start_core();
	assert_int_equal(rte_service_map_lcore_set(id, lcore, 1), 0);
	client_copy(&client, 7);
	assert_int_equal(siov_service_free(service), 0);
	client_close(&client);
	stop_core(lcore);
}

static void
test_bad_services_are_refused(void **state)
{
	char name[RTE_SERVICE_NAME_MAX + 1];
	struct siov_service *service, *other;
	struct siov_engine *engine;
	struct client client;

	(void)state;
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	client_open(&client, "one");
	engine = siov_dev_engine(client.dev, 0);
	assert_int_equal(siov_service_create(NULL, "engine", &service), -EINVAL);
	assert_int_equal(siov_service_create(engine, NULL, &service), -EINVAL);
	assert_int_equal(siov_service_create(engine, "engine", NULL), -EINVAL);
	assert_int_equal(siov_service_create(engine, "", &service), -EINVAL);
	assert_int_equal(siov_service_create(engine, name, &service), -EINVAL);
	name[RTE_SERVICE_NAME_MAX - 1] = '\0';
	assert_int_equal(siov_service_create(engine, name, &service), 0);
	assert_int_equal(siov_service_create(engine, name, &other), -EEXIST);
	assert_int_equal(siov_service_free(service), 0);
	assert_int_equal(siov_service_free(NULL), 0);
	client_close(&client);
}

/* ---- life ---- */

static size_t
heap_bytes(void)
{
	struct rte_malloc_socket_stats stats;
	size_t sum = 0;
	unsigned int i;

	for (i = 0; i < RTE_MAX_NUMA_NODES; i++)
		if (rte_malloc_get_socket_stats((int)i, &stats) == 0)
			sum += stats.heap_allocsz_bytes;
	return sum;
}

/* A whole life: two devices, one polled by this loop, one by a service that this lcore runs. */
static void
live(void)
{
	struct siov_service *service;
	struct client client[2];
	struct siov_engine *engine;
	struct dsa_completion_record *rec;
	uint32_t id;

	client_open(&client[0], "one");
	client_open(&client[1], "two");
	engine = siov_dev_engine(client[0].dev, 0);
	rec = client_submit(&client[0], 5);
	siov_engine_start(engine);
	while (status_of(rec) == DSA_COMP_NONE)
		siov_engine_poll(engine);
	siov_engine_stop(engine);
	assert_int_equal(status_of(rec), DSA_COMP_SUCCESS);
	assert_int_equal(siov_service_create(siov_dev_engine(client[1].dev, 0), "two", &service),
			 0);
	client_close(&client[0]);
	id = siov_service_id(service);
	assert_int_equal(rte_service_set_runstate_mapped_check(id, 0), 0);
	assert_int_equal(rte_service_runstate_set(id, 1), 0);
	rec = client_submit(&client[1], 6);
	while (status_of(rec) == DSA_COMP_NONE)
		assert_int_equal(rte_service_run_iter_on_app_lcore(id, 1), 0);
	assert_int_equal(siov_service_free(service), 0);
	client_close(&client[1]);
}

static void
test_a_thousand_lives_leave_nothing_behind(void **state)
{
	uint32_t nb_services = rte_service_get_count();
	size_t before;
	unsigned int i;

	(void)state;
	live(); /* what is made once for the process is made now */
	before = heap_bytes();
	for (i = 0; i < CYCLES; i++)
		live();
	assert_int_equal(heap_bytes(), before);
	assert_int_equal(rte_service_get_count(), nb_services);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_service_core_runs_the_engines_of_two_devices),
		cmocka_unit_test(test_an_engine_comes_back_as_another_service),
		cmocka_unit_test(test_an_engine_moves_from_lcore_to_lcore),
		cmocka_unit_test(test_bad_services_are_refused),
		cmocka_unit_test(test_a_thousand_lives_leave_nothing_behind),
	};
	if (dev_rig_init_eal("0@0,1@1", "--no-telemetry") != 0) {
		fprintf(stderr, "rte_eal_init: %s\n", rte_strerror(rte_errno));
		return 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}

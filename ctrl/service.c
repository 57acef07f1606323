/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_lcore.h>
#include <rte_service.h>
#include <rte_service_component.h>

#include "siov_mem.h"
#include "siov_service.h"

#define FREE_WAIT_MS 1000u

/* DPDK runs it on one lcore at a time, since it does not say SERVICE_CAP_MT_SAFE. */
struct siov_service {
	struct siov_engine *engine;
	uint32_t id;
	unsigned int lcore; /* that started the engine; LCORE_ID_ANY: none so far */
};

/* What start does is partly for the thread, so another lcore starts the engine anew. */
static int32_t
run_engine(void *arg)
{
	struct siov_service *service = arg;
	unsigned int lcore = rte_lcore_id();

	if (service->lcore != lcore) {
		if (service->lcore != LCORE_ID_ANY)
			siov_engine_stop(service->engine);
		siov_engine_start(service->engine);
		service->lcore = lcore;
	}
	return siov_engine_poll(service->engine) != 0 ? 0 : -EAGAIN;
}

static int
register_service(struct siov_service *service, const char *name)
{
	struct rte_service_spec spec = {
		.callback = run_engine,
		.callback_userdata = service,
	};
	int ret;

	snprintf(spec.name, sizeof(spec.name), "%s", name);
	ret = rte_service_component_register(&spec, &service->id);
	return ret != 0 ? ret : rte_service_component_runstate_set(service->id, 1);
}

int
siov_service_create(struct siov_engine *engine, const char *name, struct siov_service **out)
{
	struct siov_service *service;
	uint32_t id;
	int ret;

	if (engine == NULL || name == NULL || out == NULL || name[0] == '\0' ||
	    strlen(name) >= RTE_SERVICE_NAME_MAX)
		return -EINVAL;
	if (rte_service_get_by_name(name, &id) == 0)
		return -EEXIST;
	service = siov_mem_alloc(siov_mem_eal(), "siov_service", sizeof(*service), 0, -1);
	if (service == NULL)
		return -ENOMEM;
	service->engine = engine;
	service->lcore = LCORE_ID_ANY;
	ret = register_service(service, name);
	if (ret != 0) {
		siov_mem_free(siov_mem_eal(), service);
		return ret;
	}
	*out = service;
	return 0;
}

uint32_t
siov_service_id(const struct siov_service *service)
{
	return service->id;
}

int
siov_service_free(struct siov_service *service)
{
	unsigned int waited_ms;

	if (service == NULL)
		return 0;
	rte_service_component_runstate_set(service->id, 0);
	for (waited_ms = 0; rte_service_may_be_active(service->id) == 1; waited_ms++) {
		if (waited_ms == FREE_WAIT_MS)
			return -EBUSY;
		rte_delay_us_sleep(1000);
	}
	if (service->lcore != LCORE_ID_ANY)
		siov_engine_stop(service->engine);
	rte_service_component_unregister(service->id);
	siov_mem_free(siov_mem_eal(), service);
	return 0;
}

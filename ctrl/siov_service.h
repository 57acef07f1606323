/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file
 * An engine as a service of DPDK: polled by the application's service cores, beside other services.
 *
 *     siov_service_create(siov_dev_engine(dev, 0), "siov0_engine0", &service);
 *     rte_service_lcore_add(lcore);
 *     rte_service_map_lcore_set(siov_service_id(service), lcore, 1);
 *     rte_service_runstate_set(siov_service_id(service), 1);
 *     rte_service_lcore_start(lcore);
 *     ...
 *     siov_service_free(service);       before siov_dev_free()
 *
 * The engine starts when it is polled first, and from then on the device waits for it (-ETIMEDOUT
 * where it does not poll): do not stop its service core for long, free the service instead. An engine
 * that a service polls is polled by nobody else. On a service core it has a share of a lcore only:
 * throughput is that of the rounds this core makes.
 *
 * Thread: one at a time, none of them a service core.
 */
#ifndef SIOV_SERVICE_H
#define SIOV_SERVICE_H

#include "siov_engine.h"

#ifdef __cplusplus
extern "C" {
#endif

/** An engine's service; opaque. */
struct siov_service;

/**
 * Register an engine as a service, ready to run. Which lcore runs it, and when, is the application's.
 *
 * @param engine not started; outlives the service.
 * @param name for rte_service_get_by_name(), 1 to 31 characters, of no other service.
 * @return 0; -EINVAL NULL or name; -EEXIST name; -ENOSPC DPDK takes no more services; -ENOMEM.
 */
SIOV_API int siov_service_create(struct siov_engine *engine, const char *name,
				 struct siov_service **out);

/** Its number among DPDK's services. */
SIOV_API uint32_t siov_service_id(const struct siov_service *service);

/**
 * Wait until no service core runs it, stop the engine, unregister. NULL is fine. Lcores that run it by
 * rte_service_run_iter_on_app_lcore(), of which DPDK does not know, have left that for good.
 *
 * @return 0; -EBUSY a service core is still in it after 1 s: it is not polled any more; try again.
 */
SIOV_API int siov_service_free(struct siov_service *service);

#ifdef __cplusplus
}
#endif

#endif /* SIOV_SERVICE_H */

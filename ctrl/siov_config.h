/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file
 * A device's configuration from a file in accel-config's JSON, as `accel-config save-config`
 * writes it.
 *
 *     [ { "dev": "dsa0",
 *         "siov": { "name": "siov0", "atc_entries": 16384, "nb_latency": 64 },
 *         "groups": [ { "dev": "group0.0",
 *                       "grouped_workqueues": [ { "dev": "wq0.0", "mode": "shared", "size": 16,
 *                                                 "group_id": 0, "priority": 10, "threshold": 15,
 *                                                 "max_transfer_size": 2097152,
 *                                                 "siov": { "lanes_max": 128, "pasid": 0,
 *                                                           "flags": ["exact", "stamps"] } } ],
 *                       "grouped_engines": [ { "dev": "engine0.0", "group_id": 0 } ] } ] } ]
 *
 * Queue wq0.N becomes queue N of the device; there may be no gap. Engines keep their order. What
 * accel-config knows and this device does not have (read buffers, traffic classes, batches, types
 * and names) is checked for its type and ignored. The object "siov" holds what accel-config does
 * not know; pasid is for dedicated queues.
 *
 * Thread: any; needs no EAL.
 */
#ifndef SIOV_CONFIG_H
#define SIOV_CONFIG_H

#include "siov_dev.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Read a configuration.
 *
 * @param path file with an array of one device object.
 * @param conf initialised by the caller, who may have changed it; queues and engines are replaced,
 *   the rest only where the file says something. Unchanged on error.
 * @param why buffer for one line: file, line, key, value, and what is allowed; may be NULL.
 * @param why_len its size in bytes.
 * @return 0; -EINVAL syntax, unknown or missing key, wrong type, contradiction; -ERANGE number out
 *   of range; -ENOTSUP more than one device, or a feature that is not offered; -ENOMEM; or the
 *   negative errno of reading the file (-ENOENT, -EACCES, -EISDIR, ...).
 */
SIOV_API int siov_config_load(const char *path, struct siov_dev_conf *conf, char *why,
			      size_t why_len);

#ifdef __cplusplus
}
#endif

#endif /* SIOV_CONFIG_H */

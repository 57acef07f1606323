/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file
 * A device's configuration from and to a file in accel-config's JSON, as `accel-config save-config`
 * writes it.
 *
 *     [ { "dev": "dsa0", "read_buffer_limit": 0, "event_log_size": 64,
 *         "groups": [ { "dev": "group0.0", "read_buffers_reserved": 0, "use_read_buffer_limit": 0,
 *                       "read_buffers_allowed": 96, "traffic_class_a": 1, "traffic_class_b": 1,
 *                       "desc_progress_limit": 0, "batch_progress_limit": 0,
 *                       "grouped_workqueues": [ { "dev": "wq0.0", "mode": "shared", "size": 16,
 *                                                 "group_id": 0, "priority": 10,
 *                                                 "block_on_fault": 1, "max_batch_size": 32,
 *                                                 "max_transfer_size": 2097152, "type": "user",
 *                                                 "name": "app1", "driver_name": "user",
 *                                                 "threshold": 15, "prs_disable": 0,
 *                                                 "ats_disable": 0,
 *                                                 "siov": { "lanes_max": 128, "pasid": 0,
 *                                                           "control_pasid": 0,
 *                                                           "flags": ["exact", "stamps"] } } ],
 *                       "grouped_engines": [ { "dev": "engine0.0", "group_id": 0 } ] } ],
 *         "siov": { "name": "siov0", "profile": "dsa1", "atc_entries": 16384, "nb_latency": 64,
 *                   "page_timeout_ms": 1000, "nb_msix": 9, "ims_size": 2048, "nb_adi": 65536,
 *                   "flags": ["priv"],
 *                   "adis": [ { "type": "context", "owner": "vm", "count": 100, "wq": 0,
 *                               "nb_dwqs": 0, "pasid": 1, "control_pasid": 0, "nb_messages": 1,
 *                               "weight": 1, "priority": 1, "max_outstanding": 0,
 *                               "rate_ops": 0, "burst_ops": 0, "rate_bytes": 0,
 *                               "burst_bytes": 0 } ] } } ]
 *
 * Queues and engines keep the order of their numbers, without the gaps: of wq0.1 and wq0.4 queues 0
 * and 1 are made. The order of keys does not matter. Files of accel-config are taken as they are:
 * "tokens" for read buffers, a comma before a closing bracket, keys that tell a state ("state",
 * "clients", "cdev_minor", "max_groups", ...), which are checked for their type and ignored, and
 * block_on_fault of a queue with prs_disable, which has no effect. Ungrouped queues and engines are
 * left out.
 *
 * The object "siov" holds what accel-config does not know. A profile sets ims_size and nb_adi, which
 * other keys may change; ims_size is a multiple of 256. pasid of a queue is for dedicated ones. What
 * "adis" asks for is made by siov_dev_adi_make_rows(); "wq" is the number in the file.
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
 * @param conf initialised by the caller, who may have changed it; queues, engines, groups, read
 *   buffer limit, size of the event log and rows of ADIs are replaced, the rest only where the file
 *   says something. Unchanged on error.
 * @param why buffer for one line: file, line, key, value, and what is allowed; may be NULL.
 * @param why_len its size in bytes.
 * @return 0; -EINVAL syntax, unknown or missing key, wrong type, contradiction; -ERANGE number out
 *   of range; -ENOTSUP more than one device, or a feature that is not offered; -ENOMEM, for
 *   which the JSON parser may say -EINVAL; or the negative errno of reading the file (-ENOENT, -EACCES, -EISDIR, ...).
 */
SIOV_API int siov_config_load(const char *path, struct siov_dev_conf *conf, char *why,
			      size_t why_len);

/**
 * Write a configuration, keys in accel-config's order. siov_config_load() reads from it what it was
 * made of, but for NUMA node, requester id, callbacks and pointers. An old file is replaced when all
 * of the new one is written, under the path with ".new" appended.
 *
 * @param why buffer for one line; may be NULL. @param why_len its size in bytes.
 * @return 0; an error of siov_dev_conf_check; -ERANGE (a rate beyond 2^63); -ENOMEM; or the
 *   negative errno of writing the file.
 */
SIOV_API int siov_config_save(const char *path, const struct siov_dev_conf *conf, char *why,
			      size_t why_len);

#ifdef __cplusplus
}
#endif

#endif /* SIOV_CONFIG_H */

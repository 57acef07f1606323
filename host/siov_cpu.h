/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file
 * A thread of the host that runs guests' processors: it has one lane on each queue that any of its
 * guests submits to, and tells the VDCM when it is outside of them.
 *
 *     thread: siov_cpu_enter ─► guest: submissions, plain loads … siov_cpu_quiescent … ─► siov_cpu_leave
 *     VDCM:   a portal leads elsewhere ─► its cpu was outside once ─► the lane is taken back
 *
 * Order of calls: siov_vdcm_create; siov_cpu_create; enter, quiescent, leave; siov_cpu_free.
 *
 * Thread: create and free: any; the rest is the thread's own.
 *
 * Spec: 8.3, 9.2.
 */
#ifndef SIOV_CPU_H
#define SIOV_CPU_H

#include "siov_vdcm.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SIOV_CPUS_MAX 128u /**< of a VDCM */

/** A thread that runs guests; opaque. */
struct siov_cpu;

/** @return 0; -ENOSPC SIOV_CPUS_MAX exist; -ENOMEM. */
SIOV_API int siov_cpu_create(struct siov_vdcm *vdcm, struct siov_cpu **out);

/** Free it; its thread has left, no portal of it is open. NULL is fine. */
SIOV_API void siov_cpu_free(struct siov_cpu *cpu);

/** The thread begins to run a guest, perhaps beside others. No system call, no lock. */
SIOV_API void siov_cpu_enter(struct siov_cpu *cpu);

/** It is between two instructions of its guests: once in a while, while it runs them. Cheap. */
SIOV_API void siov_cpu_quiescent(struct siov_cpu *cpu);

/** It runs it no longer; outside of all, it may sleep. */
SIOV_API void siov_cpu_leave(struct siov_cpu *cpu);

#ifdef __cplusplus
}
#endif

#endif /* SIOV_CPU_H */

/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file
 * Posted interrupts: messages of devices straight into a guest's vectors.
 *
 *     engine: siov_ir_deliver --> PIR[vector] = 1
 *                                 ON clear, and SN clear or URG?
 *                                    ON = 1, NV to the destination NDST ----> wakes a sleeper
 *     guest:  siov_pid_take   <-- ON = 0, highest bit of PIR
 *
 * The guest's code looks at its descriptor, one cache line: a polling guest costs the engine no
 * system call and no notification after the first. One that sleeps does so on the destination that
 * the descriptor names; one destination may serve several descriptors, with a notification vector
 * (NV) each, but has one owner.
 *
 * No wake-up is lost. Steps of an engine: P1 set the bit in PIR; P2 look at ON (and SN); P3 set ON; P4
 * raise NV at NDST; P5 look at `armed`. Of the guest (siov_pid_arm): G1 set `armed`; G2 look at ON,
 * and G3 at PIR, and sleep if both are clear. All are sequentially consistent. If P1 comes before
 * G3, the guest sees the bit. If not, P2 comes after G2. It finds ON clear: this engine sets it, and
 * its P5 comes after G1 and sees `armed`. Or it finds ON set, which was done after G2: then that
 * engine's P5 comes after G1. Whoever sees `armed` signals. With SN set, only urgent messages do;
 * siov_pid_suppress() tells what was posted meanwhile by the same argument.
 *
 * Order of calls: siov_pid_init; siov_ir_set; take, arm, wait; siov_ir_clear; siov_ir_synchronize;
 * then the descriptor's memory may be used for something else.
 *
 * Thread: take, arm, wait are for the one thread that runs the guest's vectors (the owner of the
 * destination); init is control.
 *
 * Spec: 8.2; requirement 8.2.2.
 */
#ifndef SIOV_POSTED_H
#define SIOV_POSTED_H

#include <stdbool.h>

#include "siov_intr.h"
#include "siov_ir_hw.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Clear a descriptor and name where its notifications go.
 *
 * @param pid the caller's, 64-byte aligned, in memory that engines can write.
 * @param ndst id of a destination.
 * @param nv notification vector.
 * @return 0; -EINVAL misaligned, NULL, or a vector below 16.
 * Thread: control, before any entry leads to it.
 */
SIOV_API int siov_pid_init(struct siov_pid_desc *pid, uint32_t ndst, uint8_t nv);

/**
 * Send notifications elsewhere from now on: the guest's processor moved.
 *
 * One that was under way may still reach the old destination: the new owner takes once.
 *
 * @return 0; -EINVAL a vector below 16.
 * Thread: any one; not the engines.
 */
SIOV_API int siov_pid_redirect(struct siov_pid_desc *pid, uint32_t ndst, uint8_t nv);

/**
 * Set or clear SN: whether only urgent messages are notified.
 *
 * @return true: notifications are on again and something was posted: take it.
 * Thread: owner, or who runs it.
 */
SIOV_API bool siov_pid_suppress(struct siov_pid_desc *pid, bool is_suppressed);

/**
 * Take the highest vector posted; what the device wrote before the message is visible.
 *
 * @return 0 to 255, or -1: none.
 * Thread: owner. No lock, no system call.
 */
SIOV_API int siov_pid_take(struct siov_pid_desc *pid);

/** Tell whether a vector is posted. Thread: any; a snapshot. */
SIOV_API bool siov_pid_is_posted(const struct siov_pid_desc *pid);

/**
 * Announce a sleep on the eventfd of @p dest, the destination the descriptor names.
 *
 * @return true: sleep, then siov_intr_disarm(); false: there is something to take, from the
 *   descriptor or from the destination (nothing is armed).
 * Thread: owner.
 */
SIOV_API bool siov_pid_arm(struct siov_pid_desc *pid, struct siov_intr_dest *dest);

/**
 * Sleep until there may be something to take, from the descriptor or from the destination. The
 * notification vector itself is consumed.
 *
 * @param timeout_ms longest sleep; -1: none.
 * @return 0: look again (now and then there is nothing); -ETIMEDOUT; -EINTR; -ENOTSUP the
 *   destination has no eventfd; or a negative errno of poll(2).
 * Thread: owner.
 */
SIOV_API int siov_pid_wait(struct siov_pid_desc *pid, struct siov_intr_dest *dest, int timeout_ms);

#ifdef __cplusplus
}
#endif

#endif /* SIOV_POSTED_H */

/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file
 * A virtual machine with its VDEVs moves to another host, while it works.
 *
 *     source                                            destination
 *     hello, VM, VDEVs ───────────────────────────────► the same VM, empty
 *     memory, pages written since, … (rounds) ────────► memory
 *     pause vCPUs, suspend VDEVs
 *     pages written since, state of VDEVs ────────────► restored
 *                          ◄──────────── ready ────────
 *     go ─────────────────────────────────────────────► resumed: it runs there
 *                          ◄──────────── done ─────────
 *     it is stopped here for good
 *
 * Over any stream socket. What was accepted completes before the state is taken, so nothing is done
 * twice and nothing is lost. If anything fails before "go" the VM goes on at the source, and the
 * destination has none. After "go" it never goes on at the source: if "done" does not come, whoever
 * asked must look (-EINPROGRESS) whether it runs at the destination.
 *
 * Each record has a length, a number and a checksum; another version, a record that is out of turn,
 * too long or damaged ends the migration at once.
 *
 * Order of calls: siov_migrate_send here, siov_migrate_receive there, each on a thread that may wait.
 *
 * Thread: any but an engine's, a vCPU's or the control lcore's.
 *
 * Spec: 6.2 (requirement 6.2.6).
 */
#ifndef SIOV_MIGRATE_H
#define SIOV_MIGRATE_H

#include "siov_vm.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SIOV_MIGRATE_VERSION 1u /**< of the stream */

/** How to send a VM. */
struct siov_migrate_conf {
	unsigned int rounds_max; /**< of pages, while it works: 1 to 100; 0: 10 */
	uint64_t stop_bytes; /**< it is paused when fewer than these are left to send; 0: 4 MiB */
	unsigned int
		pause_ms; /**< longest wait for vCPUs to come out, and for VDEVs to drain; 0: 1000 */
	unsigned int io_ms; /**< longest wait for the other side; 0: 10000 */
};

/** What became of it. */
struct siov_migrate_stats {
	unsigned int nb_rounds; /**< while it worked */
	uint64_t nb_pages; /**< sent, of 4 KiB, all rounds */
	uint64_t nb_pages_stopped; /**< of them, while it stood still */
	uint64_t bytes; /**< sent */
	uint64_t total_ns; /**< from begin to end */
	uint64_t downtime_ns; /**< from the pause until the destination has resumed it */
};

/**
 * Send a VM. It is stopped when 0 or -EINPROGRESS is returned (siov_vm_stop()), else it goes on.
 *
 * @param fd a connected stream socket; the caller's. @param conf NULL: the defaults.
 * @param stats NULL, or filled in, also on error.
 * @return 0; -EINVAL; -ETIMEDOUT vCPUs, VDEVs or the other side; -EPIPE the connection broke; -EPROTO the
 *         other side answered something else, or refused; -EINPROGRESS see above; -ENOMEM; an error of
 *         siov_vm_log_start(), siov_vdev_save().
 */
SIOV_API int siov_migrate_send(struct siov_vm *vm, int fd, const struct siov_migrate_conf *conf,
			       struct siov_migrate_stats *stats);

/**
 * Receive a VM: it is created in @p vmm, filled, and resumed; its vCPUs are to be entered.
 *
 * @param cpu thread that runs its vCPUs; NULL: each has its own.
 * @param out the VM, and the caller's.
 * @return 0; -EBADMSG damaged, out of turn, or not what was announced; -ENOTSUP another version; -EPIPE,
 *         -ETIMEDOUT; or an error of siov_vm_create(), siov_vm_plug(), siov_vdev_restore(): nothing is
 *         left.
 */
SIOV_API int siov_migrate_receive(struct siov_vmm *vmm, int fd,
				  const struct siov_migrate_conf *conf, struct siov_cpu *cpu,
				  struct siov_vm **out);

#ifdef __cplusplus
}
#endif

#endif /* SIOV_MIGRATE_H */

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Registers of the function as bytes: one table says what each bit of them is.
 *
 * A register is a row of the table: dwords at a stride, each bit of which is
 *     read and write      in mask rw; rw_disabled too while the device is disabled; rw_wq too
 *                         while the queue is disabled whose row it is
 *     write 1 to clear    in mask w1c
 *     reserved            in mask rsvd: reads 0, a write of 1 is refused
 *     read only           else: writes are ignored
 * What is in no row is reserved. Registers have no effect here: who writes is told what was written.
 *
 * Not thread safe: under the device's lock.
 */
#ifndef REGS_H
#define REGS_H

#include <stdbool.h>
#include <stdint.h>

#include "siov_mem.h"
#include "siov_regs_hw.h"

struct regs;

struct regs_conf {
	const struct siov_mem *mem;
	int socket_id;
	uint32_t nb_wqs; /* 1 to 64 */
	uint32_t nb_groups; /* 1 to 16 */
	uint32_t nb_vectors; /* 1 to 2048 */
};

/* What write access depends on. */
struct regs_access {
	bool is_disabled; /* the device */
	uint64_t wqs_disabled; /* mask of queues */
};

/* A dword was written; the value is what it now is. */
typedef void (*regs_written)(void *arg, uint32_t offset, uint32_t value);

/* All zero. 0 or -ENOMEM. */
int regs_create(const struct regs_conf *conf, struct regs **out);
void regs_free(struct regs *regs);

/* The device's own side: any bit of a dword, at a multiple of 4. */
uint32_t regs_get(const struct regs *regs, uint32_t offset);
void regs_set(struct regs *regs, uint32_t offset, uint32_t value);

/* Width 1, 2, 4 or 8, aligned. 0; -EINVAL width or alignment; -ERANGE beyond the end. */
int regs_read(const struct regs *regs, uint64_t offset, unsigned int width, uint64_t *value);

/*
 * As regs_read; also -EINVAL: a reserved bit is set, nothing was written. Then written is called
 * for each dword.
 */
int regs_write(struct regs *regs, const struct regs_access *access, uint64_t offset,
	       unsigned int width, uint64_t value, regs_written written, void *arg);

/* Name of the register at an offset, or NULL: nothing but reserved bits. */
const char *regs_name(const struct regs *regs, uint64_t offset);

#endif /* REGS_H */

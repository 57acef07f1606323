/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Faults on purpose: one PASID of the workload that runs gets an address space of its own, which is
 * that of its guest but for one thing: pages are missing, read-only, or their entries broken. The
 * other PASIDs of the guest stay where they are.
 *
 *     guest's domain ◄── PASID 1, 3          guest's domain ◄── PASID 1
 *                                     ──►    copy with a hole ◄── PASID 3
 *
 * Kinds without tables have nothing to spoil.
 *
 * Thread: attach and detach belong to whoever runs workloads, all else to the prompt's thread.
 */
#ifndef INJECTOR_H
#define INJECTOR_H

#include "clients.h"
#include "phase.h"

struct injector;

enum inject_reason { INJECT_NOT_PRESENT, INJECT_READ_ONLY, INJECT_RESERVED };

#define INJECT_WHY 192u /* longest reason why not, with its end */

int injector_create(struct injector **out);
void injector_free(struct injector *injector);

/* What runs now. After detach nothing is injected any more. 0, or -1 after one line. */
void injector_attach(struct injector *injector, struct clients *clients, struct phase *phase,
		     const struct work_op *op);
int injector_detach(struct injector *injector);

/* Wait until a workload is attached, timeout_s at most. */
bool injector_wait(struct injector *injector, unsigned int timeout_s);

/*
 * Make accesses fault: of one page, or with addr 0 of all the PASID's buffers. 0; or a negative
 * errno with one line in why.
 */
int injector_fault(struct injector *injector, uint32_t pasid, uint64_t addr,
		   enum inject_reason reason, char why[INJECT_WHY]);

/* Take it back: of one PASID, or with 0 of all. 0; or a negative errno with one line in why. */
int injector_clear(struct injector *injector, uint32_t pasid, char why[INJECT_WHY]);

#endif /* INJECTOR_H */

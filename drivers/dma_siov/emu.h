/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The emulated device behind a port, or behind several that name the same one.
 *
 * It has one queue and one engine. The engine is polled by a thread of the device, or by whoever
 * calls the ports. All PASIDs are bound to the address space of this process.
 */
#ifndef DMA_SIOV_EMU_H
#define DMA_SIOV_EMU_H

#include "args.h"

struct emu;

/* A place on the queue for one vchan. */
struct emu_seat {
	struct siov_lane *lane;
	struct siov_portal *portal;
	uint32_t pasid; /* 0: none */
};

/*
 * Have the device that args name, made now or shared. 0; -EBUSY its queue is dedicated to another
 * port; -EEXIST it is of another shape; an error of siov_dev_create; all with one line of log.
 * emu_put() gives it back.
 */
int emu_get(const struct args *args, struct emu **out);
void emu_put(struct emu *emu);

const struct args *emu_args(const struct emu *emu);
struct siov_dev *emu_dev(struct emu *emu);

/* Poll the engine once if nobody else does; for engine=inline only. */
void emu_poll(struct emu *emu);

/* Open a seat; pasid 0: any that is free. 0, or a negative errno and one line of log. */
int emu_seat_open(struct emu *emu, uint32_t pasid, struct emu_seat *seat);

/* Close it; nothing of it is in flight. */
void emu_seat_close(struct emu *emu, struct emu_seat *seat);

#endif /* DMA_SIOV_EMU_H */

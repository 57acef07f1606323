/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The emulated device behind a port, or behind several that name the same one, and the software of its
 * host: host driver, VDCM and VMM, which compose the ports' VDEVs (vdev.h).
 *
 *     engine: a thread of the device, or whoever calls the ports       control: a thread, mostly asleep
 */
#ifndef DMA_SIOV_EMU_H
#define DMA_SIOV_EMU_H

#include "args.h"
#include "siov_vm.h"

#define EMU_TIMEOUT_MS 5000u /* of what waits for engines */

struct emu;

/*
 * Have the device that args name, made now or shared. 0; -EBUSY its dedicated queues are other ports';
 * -EEXIST it is of another shape; an error of who makes it; all with one line of log.
 * emu_put() gives it back, with the same args.
 */
int emu_get(const struct args *args, struct emu **out);
void emu_put(struct emu *emu, const struct args *args);

const struct args *emu_args(const struct emu *emu);
struct siov_dev *emu_dev(struct emu *emu);
struct siov_vdcm *emu_vdcm(struct emu *emu);
struct siov_vmm *emu_vmm(struct emu *emu);

/* Poll the engine once if nobody else does; for engine=inline only. */
void emu_poll(struct emu *emu);

/* Before control work: it waits for engines that are online, and one that nobody may poll must not be. */
void emu_rest(struct emu *emu);

#endif /* DMA_SIOV_EMU_H */

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The driver inside.
 *
 *     probe.c ─┬─ pci.c      configuration space: ids, capabilities, BARs, MSI-X, function-level reset
 *              ├─ caps.c     what the registers say of the device, all of it checked
 *              ├─ cmd.c      registers, and DSA's commands
 *              ├─ wq.c       queues, portals, interrupt handles
 *              ├─ channel.c  requests to the VDCM
 *              ├─ events.c   vectors, errors, halts
 *              └─ state.c    what another host needs to go on
 *
 * Nothing that the device says is used before it was held against what the driver has room for.
 */
#ifndef GUEST_PRIV_H
#define GUEST_PRIV_H

#include "siov_guest.h"

#define GUEST_NONE UINT32_MAX
#define GUEST_REGS_BYTES 4096u /* of page 0, whatever the system page size is */
#define GUEST_CMD_MS 15000u /* a device gives up on a command before that */
#define GUEST_PORTAL_IMS 2u /* page of a queue's portals: unlimited, handles of IMS */
#define GUEST_PORTAL_PAGES 4u

/* One of the two BARs. */
struct guest_bar {
	uint64_t gpa;
	uint64_t bytes;
};

struct guest_wq {
	uint32_t row; /* offset of its WQCFG in page 0 */
	uint32_t size; /* entries; 0: not used */
	bool is_dedicated;
	bool is_enabled;
	uint32_t pasid; /* of the driver's own work; GUEST_NONE */
	SIOV_ATOMIC(uint32_t) handle; /* read by other vCPUs */
};

/* What is in the guest's memory for siov_guest_attach(): numbers, no pointers. */
struct guest_state {
	uint64_t magic;
	uint32_t version;
	uint32_t bdf;
	struct guest_bar bars[2];
	uint32_t nb_wqs;
	uint32_t channel_version; /* 0: it has none, or it is closed */
	uint32_t nb_sent; /* requests of the channel so far */
	uint32_t first_vector;
	struct {
		uint32_t is_enabled;
		uint32_t pasid;
		uint32_t handle;
		uint32_t rsvd;
	} wqs[SIOV_GUEST_WQS_MAX];
};

SIOV_STATIC_ASSERT(sizeof(struct guest_state) <= SIOV_GUEST_STATE_BYTES, "the state is one page");

struct siov_guest {
	/* const after probe */
	struct siov_vcpu *vcpu;
	struct siov_guest_conf conf;
	struct guest_state *state; /* written by the driver, never read but by attach */
	uint32_t express_at, msix_at; /* capabilities */
	struct guest_bar bars[2]; /* BAR0, BAR2 */
	uint64_t msix_table; /* its address */
	uint32_t nb_vectors;
	uint64_t page_bytes;
	const uint8_t *regs; /* page 0; NULL: it traps */
	uint32_t version;
	uint64_t gencap;
	uint64_t opcap[4];
	uint32_t cmdcap;
	uint32_t nb_wqs;
	struct guest_wq wqs[SIOV_GUEST_WQS_MAX];
	bool is_extended; /* has registers of siov_vdev_hw.h */
	uint32_t channel_at; /* offset of the channel in BAR0 */
	uint32_t mbox_at; /* of the hardware mailbox; 0: none, or not used */
	/* owner: the vCPU that probed */
	uint8_t *channel; /* NULL: it has none, or it is not open */
	uint32_t nb_sent;
	uint32_t nb_pages; /* page requests seen so far */
	bool must_look; /* at the causes, though no vector came */
	bool is_down; /* halted, and not brought back */
	/* shared: atomic */
	SIOV_ATOMIC(uint32_t) nb_open; /* queues, by any vCPU */
};

/* ---- clock.c ---- */

uint64_t guest_now_ns(void);

/* Let others run for a moment; longer the more often it was done. */
void guest_pause(struct siov_vcpu *vcpu, unsigned int rounds);

/* ---- cmd.c ---- */

/* A register of page 0; @p offset is below GUEST_REGS_BYTES. */
uint32_t guest_reg(const struct siov_guest *guest, uint32_t offset);
uint64_t guest_reg_wide(const struct siov_guest *guest, uint32_t offset);
void guest_reg_set(const struct siov_guest *guest, uint32_t offset, uint32_t value);

/* Wait until a register's bits are so. 0, -ETIMEDOUT, -ESHUTDOWN. */
int guest_await(const struct siov_guest *guest, uint32_t offset, uint32_t mask, uint32_t value);

/*
 * A command, to its end. 0; -ENOTSUP; -EIO it failed; -EAGAIN it failed for want of a resource;
 * -ETIMEDOUT; -ESHUTDOWN.
 */
int guest_command(struct siov_guest *guest, enum siov_cmd code, uint32_t operand, uint32_t *result);

/* State of the device, SIOV_GENSTS_*. */
uint32_t guest_gensts(const struct siov_guest *guest);

/* ---- pci.c ---- */

/* Ids, capabilities. 0, -ENODEV, -ENOTSUP. */
int guest_pci_find(struct siov_guest *guest);

/* Sizes of the BARs, and a place for them. 0, -ENODEV, -ENOTSUP. */
int guest_pci_size(struct siov_guest *guest);

/* Put the BARs where they were placed, and let the device decode and write. 0, -ENOTSUP. */
int guest_pci_start(struct siov_guest *guest);

/* Whether BARs are where they were, and decode. */
bool guest_pci_is_started(const struct siov_guest *guest);
void guest_pci_stop(struct siov_guest *guest);

/* All vectors, to the vCPU. 0, -ENOTSUP no room for one. */
int guest_pci_vectors(struct siov_guest *guest);

/* Function-level reset. 0, -ENOTSUP, -ETIMEDOUT, -ESHUTDOWN. */
int guest_pci_reset(struct siov_guest *guest);

/* ---- channel.c ---- */

/* Page requests that have come since. 0; -EIO: more than there can be. */
int guest_take_pages(struct siov_guest *guest);

/* ---- caps.c ---- */

/* All that the registers offer. 0, -ENOTSUP. */
int guest_caps_read(struct siov_guest *guest);

/* ---- probe.c ---- */

/* Reset done, nothing enabled: enable the device, open its channel. */
int guest_enable(struct siov_guest *guest);

/* ---- wq.c ---- */

/* Request interrupt handles of all queues. 0, -ETIMEDOUT, -ESHUTDOWN; what has none is no error. */
int guest_wq_handles(struct siov_guest *guest);

/* The device was reset: so are they. */
void guest_wq_forget(struct siov_guest *guest);

/* ---- channel.c ---- */

/* Agree on a version, if the device has a channel. 0, -EIO. */
int guest_channel_open(struct siov_guest *guest);

/* It is open, and goes on after @p nb_sent requests or one more. 0, -EINVAL. */
int guest_channel_attach(struct siov_guest *guest, uint32_t nb_sent);
void guest_channel_close(struct siov_guest *guest);

/* ---- state.c ---- */

/* Find its page in memory. 0, -EINVAL. */
int guest_state_find(struct siov_guest *guest);
void guest_state_save(struct siov_guest *guest);
void guest_state_wipe(struct siov_guest *guest);

/* Copy what a driver of this device left. 0, -EINVAL. */
int guest_state_load(struct siov_guest *guest, struct guest_state *copy);

#endif /* GUEST_PRIV_H */

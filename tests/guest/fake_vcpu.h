/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file
 * A vCPU with one device that a test has written: arrays, and what it does wrong. Time is the test's,
 * and passes while the driver waits.
 *
 *     struct siov_vcpu *vcpu = fake_vcpu_open();    a device that does all as it should
 *     vcpu->never = 1u << SIOV_CMD_ENABLE_WQ;       … but for this
 *     siov_guest_probe(vcpu, …)
 *     fake_vcpu_close(vcpu);
 */
#ifndef FAKE_VCPU_H
#define FAKE_VCPU_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "guest_priv.h"

#define FAKE_RAM 65536u
#define FAKE_BDF 0x0018u
#define FAKE_SLOT (UINT64_C(1) << 40)
#define FAKE_SLOT_BYTES (UINT64_C(1) << 20)
#define FAKE_EXPRESS 0x40u /* capabilities */
#define FAKE_MSIX 0x80u
#define FAKE_BAR0 UINT64_C(0x4000)
#define FAKE_BAR2 UINT64_C(0x10000)
#define FAKE_WQS 3u
#define FAKE_VECTORS 4u

/** What the channel does with a request. */
enum fake_answer {
	FAKE_ANSWER,
	FAKE_SILENCE,
	FAKE_WRONG_ID,
	FAKE_WRONG_STATUS, /**< a positive one */
	FAKE_TOO_MANY, /**< more answers than requests */
	FAKE_REFUSAL, /**< of the doorbell */
	FAKE_HALT, /**< instead of an answer */
};

struct siov_vcpu {
	/* configuration space */
	uint8_t cfg[256];
	uint64_t bar_bytes[2]; /**< 0: reads as zero */
	uint64_t slot_bytes;
	bool has_no_slot;
	bool is_gone; /**< reads as all ones */
	bool has_loose_bars; /**< they forget what they are given */
	uint64_t flr_polls; /**< reads for which a reset is pending; UINT64_MAX: for ever */
	/* page 0, channel, MSI-X table */
	_Alignas(4096) uint8_t regs[4096];
	_Alignas(64) uint8_t channel[SIOV_VDEV_CHANNEL_BYTES];
	uint32_t table[SIOV_VDEV_VECTORS_MAX * 4];
	bool has_no_map; /**< all pages trap */
	/* commands */
	uint32_t never; /**< mask of those that never end */
	uint32_t status[SIOV_CMDS]; /**< what the others end with, instead of success */
	bool is_idle; /**< commands succeed without effect */
	unsigned int nb_commands[SIOV_CMDS];
	enum fake_answer answer;
	uint64_t answer_word; /**< first word of answers */
	/* the vCPU */
	uint8_t *ram;
	bool pending[256];
	int storm; /**< a vector that comes for ever; 0: none */
	uint64_t polls_left; /**< before the VM is stopped */
	uint64_t nb_cfg_reads;
	uint64_t nb_nowhere; /**< accesses where nothing is */
	unsigned int nb_portals;
	uint64_t portal; /**< address of the last one that was opened */
	uint32_t portal_pasid;
};

/** A device that is well: FAKE_WQS queues, the first shared, and a channel. */
struct siov_vcpu *fake_vcpu_open(void);

/** Also asserts that the driver has gone nowhere where nothing is. */
void fake_vcpu_close(struct siov_vcpu *vcpu);

/** Registers, as the device has them. */
uint32_t fake_reg(const struct siov_vcpu *vcpu, uint32_t offset);
void fake_set_reg(struct siov_vcpu *vcpu, uint32_t offset, uint32_t value);
void fake_set_cfg(struct siov_vcpu *vcpu, uint32_t offset, unsigned int width, uint32_t value);

/** Set causes, and let vector 0 come. */
void fake_cause(struct siov_vcpu *vcpu, uint32_t causes);

/** Answer all requests that were left unanswered. */
void fake_answer_all(struct siov_vcpu *vcpu);

/** Time since the process began, of the driver. */
uint64_t fake_now_ns(void);

#endif /* FAKE_VCPU_H */

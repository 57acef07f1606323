/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file
 * Registers of the function in BAR0, as those of DSA 1.0: offsets, fields, commands and their errors.
 *
 * Tables lie where the TABLE OFFSETS register says. Of what the capability registers do not offer
 * (event log, performance counters, read buffers, ATS and PRS control) the fields are reserved.
 *
 * Spec: 7.4.
 */
#ifndef SIOV_REGS_HW_H
#define SIOV_REGS_HW_H

#define SIOV_REG_VERSION 0x00u /**< 4 bytes */
#define SIOV_REG_GENCAP 0x10u /**< 8 bytes */
#define SIOV_REG_WQCAP 0x20u /**< 8 bytes */
#define SIOV_REG_GRPCAP 0x30u /**< 8 bytes */
#define SIOV_REG_ENGCAP 0x38u /**< 8 bytes */
#define SIOV_REG_OPCAP 0x40u /**< 32 bytes */
#define SIOV_REG_OFFSETS 0x60u /**< 16 bytes, units of 256: GRPCFG, WQCFG, MSIXPERM, IMS */
#define SIOV_REG_GENCFG 0x80u /**< 4 bytes */
#define SIOV_REG_GENCTRL 0x88u /**< 4 bytes */
#define SIOV_REG_GENSTS 0x90u /**< 4 bytes */
#define SIOV_REG_INTCAUSE 0x98u /**< 4 bytes, write 1 to clear */
#define SIOV_REG_CMD 0xa0u /**< 4 bytes; a write begins a command */
#define SIOV_REG_CMDSTS 0xa8u /**< 4 bytes */
#define SIOV_REG_CMDCAP 0xb0u /**< 4 bytes: bit n: command n is there */
#define SIOV_REG_SWERR 0xc0u /**< 32 bytes */

/**
 * Capabilities of ADIs, where DSA has nothing (configuration space says where, siov_pci.h): number of
 * ADIs, number of types, then one row for each type.
 */
#define SIOV_REG_ADICAP 0x200u
#define SIOV_REG_ADICAP_TYPES 0x204u /**< number of types */
#define SIOV_REG_ADICAP_ROWS 0x210u /**< the first row */
#define SIOV_ADICAP_STRIDE 16u /**< bytes of a row */
#define SIOV_ADICAP_ROWS_MAX 16u /**< rows at most */
#define SIOV_ADICAP_QUEUES \
	0u /**< of a row: bit 0 a shared queue, 15:8 fewest dedicated, 23:16 most */
#define SIOV_ADICAP_MESSAGES 4u /**< interrupt messages, most */
#define SIOV_ADICAP_PAGES 8u /**< enum siov_adi_page */

#define SIOV_REG_VERSION_1_0 0x100u /**< DSA 1.0 */

/* GENCAP */
#define SIOV_GENCAP_BOF 0x1u /**< block on fault */
#define SIOV_GENCAP_OVERLAP 0x2u /**< overlapping copies */
#define SIOV_GENCAP_CACHE 0x4u /**< cache control of writes */
#define SIOV_GENCAP_FLUSH 0x8u /**< cache control of flushes */
#define SIOV_GENCAP_CMDCAP 0x10u /**< CMDCAP is there */
#define SIOV_GENCAP_DRDBK 0x100u /**< destination readback */
#define SIOV_GENCAP_XFER_SHIFT 16 /**< log2 of the largest transfer [bytes], 5 bits */
#define SIOV_GENCAP_BATCH_SHIFT 21 /**< log2 of the largest batch [descriptors], 4 bits */
#define SIOV_GENCAP_IMS_SHIFT 25 /**< units of 256 entries */
#define SIOV_GENCAP_CONFIGURABLE 0x80000000u /**< queues, groups and engines can be configured */

/* WQCAP; WQCFG stride is 32 << bits 27:24 */
#define SIOV_WQCAP_NUM_SHIFT 16 /**< number of queues, 8 bits */
#define SIOV_WQCAP_HI_SHARED 0x10000u /**< of the upper half */
#define SIOV_WQCAP_HI_DEDICATED 0x20000u /**< upper half: dedicated queues */
#define SIOV_WQCAP_HI_PRIORITY 0x80000u /**< upper half: priorities */

/* GENCTRL */
#define SIOV_GENCTRL_SWERR_INT 0x1u /**< interrupt on a software error */
#define SIOV_GENCTRL_HALT_INT 0x2u /**< interrupt on halt */

/* GENSTS 1:0 */
#define SIOV_GENSTS_DISABLED 0u /**< the device is disabled */
#define SIOV_GENSTS_ENABLED 1u /**< the device is enabled */
#define SIOV_GENSTS_DRAINING 2u /**< the device is being disabled */
#define SIOV_GENSTS_HALT 3u /**< bits 3:2 say which reset ends it; 0: reset device */

/* INTCAUSE */
#define SIOV_INTCAUSE_SWERR 0x1u /**< a software error was recorded */
#define SIOV_INTCAUSE_CMD 0x2u /**< a command is done */
#define SIOV_INTCAUSE_HALT 0x10u /**< the device halted */
#define SIOV_INTCAUSE_MBOX 0x20000u /**< a mailbox was rung */

/* CMD, CMDSTS */
#define SIOV_CMD_OPERAND 0xfffffu /**< bits of the operand */
#define SIOV_CMD_SHIFT 20 /**< of the command code */
#define SIOV_CMD_CODE 0x1fu /**< command code, once shifted */
#define SIOV_CMD_RSVD 0x7e000000u /**< reserved bits */
#define SIOV_CMD_INT 0x80000000u /**< interrupt when done */
#define SIOV_CMDSTS_RESULT_SHIFT 8 /**< of the command's result */
#define SIOV_CMDSTS_ACTIVE 0x80000000u /**< a command is in progress */
#define SIOV_CMD_HANDLE_IMS 0x10000u /**< operand: IMS, not MSI-X */

/** Administrative commands, as DSA numbers them. */
enum siov_cmd {
	SIOV_CMD_ENABLE_DEVICE = 1,
	SIOV_CMD_DISABLE_DEVICE,
	SIOV_CMD_DRAIN_ALL,
	SIOV_CMD_ABORT_ALL,
	SIOV_CMD_RESET_DEVICE,
	SIOV_CMD_ENABLE_WQ,
	SIOV_CMD_DISABLE_WQ,
	SIOV_CMD_DRAIN_WQ,
	SIOV_CMD_ABORT_WQ,
	SIOV_CMD_RESET_WQ,
	SIOV_CMD_DRAIN_PASID,
	SIOV_CMD_ABORT_PASID,
	SIOV_CMD_REQUEST_HANDLE,
	SIOV_CMD_RELEASE_HANDLE,
	SIOV_CMDS,
};

/** Results of commands, in CMDSTS; as DSA numbers them. */
enum siov_cmd_error {
	SIOV_CMD_OK = 0,
	SIOV_CMD_BAD_COMMAND = 0x01,
	SIOV_CMD_BAD_WQ = 0x02,
	SIOV_CMD_HW_ERROR = 0x03, /**< engines do not run, or memory ran out */
	SIOV_CMD_RSVD_FIELD = 0x04,
	SIOV_CMD_NOT_DISABLED = 0x10,
	SIOV_CMD_CONFIG = 0x11,
	SIOV_CMD_NO_MASTER = 0x12, /**< Bus Master Enable is clear */
	SIOV_CMD_WQ_SIZES = 0x14,
	SIOV_CMD_GROUP = 0x15, /**< queues without engines, or the reverse */
	SIOV_CMD_GROUP_WQ = 0x16,
	SIOV_CMD_GROUP_ENGINE = 0x17,
	SIOV_CMD_NOT_ENABLED = 0x20,
	SIOV_CMD_WQ_NOT_DISABLED = 0x21,
	SIOV_CMD_WQ_SIZE = 0x22,
	SIOV_CMD_WQ_PRIORITY = 0x23,
	SIOV_CMD_WQ_PASID_EN = 0x26,
	SIOV_CMD_WQ_BATCH = 0x27,
	SIOV_CMD_WQ_XFER = 0x28,
	SIOV_CMD_WQ_PRIV = 0x2a,
	SIOV_CMD_DEVICE_NOT_ENABLED = 0x31, /**< disable device */
	SIOV_CMD_WQ_NOT_ENABLED = 0x32,
	SIOV_CMD_BAD_INDEX = 0x41,
	SIOV_CMD_NO_HANDLE = 0x42,
	SIOV_CMD_NO_HANDLE_FOR = 0x43,
};

/* SWERR, first 4 bytes; the queue is in bits 23:16, the completion code in bits 15:8 */
#define SIOV_SWERR_VALID 0x1u /**< an error is recorded */
#define SIOV_SWERR_OVERFLOW 0x2u /**< more errors came since */
#define SIOV_SWERR_DESC 0x4u /**< descriptor fields are valid */
#define SIOV_SWERR_WQ 0x8u /**< the queue is valid */
#define SIOV_SWERR_CODE_SHIFT 8 /**< of the completion code */
#define SIOV_SWERR_WQ_SHIFT 16 /**< of the queue */
#define SIOV_SWERR_PASID_SHIFT 8 /**< of the second 4 bytes; bits 7:0 are the opcode */

/* GRPCFG: one of 64 bytes for each group; dwords of it */
#define SIOV_GRPCFG_STRIDE 64u /**< bytes of a group */
#define SIOV_GRPCFG_WQS 0u /**< 8 bytes used: a mask */
#define SIOV_GRPCFG_ENGINES 32u /**< 8 bytes: a mask */
#define SIOV_GRPCFG_FLAGS 40u /**< 2:0 and 5:3 traffic classes */
#define SIOV_GRPCFG_CLASS_B_SHIFT 3 /**< of traffic class B, in the flags */

/* WQCFG: one of 32 bytes for each queue */
#define SIOV_WQCFG_STRIDE 32u /**< bytes of a queue */
#define SIOV_WQCFG_SIZE 0u /**< 15:0; 0: the queue is not used */
#define SIOV_WQCFG_THRESHOLD 4u /**< 15:0, entries */
#define SIOV_WQCFG_MODE 8u /**< and the fields below */
#define SIOV_WQCFG_LIMITS 12u /**< 4:0 log2 of transfers, 8:5 of batches */
#define SIOV_WQCFG_STATE 24u /**< 31:30 */

#define SIOV_WQCFG_DEDICATED 0x1u /**< mode: dedicated */
#define SIOV_WQCFG_BOF 0x2u /**< mode: block on fault is allowed */
#define SIOV_WQCFG_PRIORITY_SHIFT 4 /**< 4 bits */
#define SIOV_WQCFG_PASID_SHIFT 8 /**< 20 bits */
#define SIOV_WQCFG_PASID_EN 0x10000000u /**< mode: PASIDs are enabled */
#define SIOV_WQCFG_PRIV 0x20000000u /**< mode: supervisor */
#define SIOV_WQCFG_XFER 0x1fu /**< limits: log2 of the largest transfer */
#define SIOV_WQCFG_BATCH_SHIFT 5 /**< 4 bits */
#define SIOV_WQCFG_STATE_SHIFT 30 /**< of the state */
#define SIOV_WQCFG_STATE_DISABLED 0u /**< disabled */
#define SIOV_WQCFG_STATE_ENABLED 1u /**< enabled */
#define SIOV_WQCFG_STATE_BUSY 2u /**< a command works on it */

/* MSIXPERM: one of 8 bytes for each vector */
#define SIOV_MSIXPERM_STRIDE 8u /**< bytes of a vector */
#define SIOV_MSIXPERM_IGNORE 0x4u /**< work of any PASID may raise it */
#define SIOV_MSIXPERM_PASID_EN 0x8u /**< work of the PASID may raise it */
#define SIOV_MSIXPERM_PASID 0xfffff000u /**< bits of the PASID */

/* An ADI's intercepted page, read only: what the VDCM shows of it is up to the VDCM. */
#define SIOV_ADI_REG_ID 0x00u /**< number of the ADI */
#define SIOV_ADI_REG_TYPE 0x04u /**< enum siov_adi_type */
#define SIOV_ADI_REG_STATE 0x08u /**< enum siov_adi_state */
#define SIOV_ADI_REG_PASID 0x0cu /**< 0: none */
#define SIOV_ADI_REG_MESSAGES 0x10u /**< interrupt messages */
#define SIOV_ADI_REG_DWQS 0x14u /**< dedicated queues bound to it */
#define SIOV_ADI_REG_ERRORS 0x18u /**< of its work that no record could tell */
#define SIOV_ADI_REG_END 0x1cu /**< bytes of registers */

#endif /* SIOV_REGS_HW_H */

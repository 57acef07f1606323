/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file
 * Assignable device interfaces (ADIs): what types there are, what each is made of, and its life.
 *
 *     type                  backend resources                        state on the device
 *     SIOV_ADI_CONTEXT      a shared work queue, with others         next to none: a PASID
 *     SIOV_ADI_DEDICATED    1 to n dedicated work queues             their queues
 *     SIOV_ADI_COMPOSITE    a shared work queue and 1 to n DWQs      both
 *
 * Life, by action. Only what is drawn is legal; all else is refused with -EBUSY and changes nothing.
 *
 *     free ──alloc──► allocated ──configure──► configured ──enable──► enabled ──drain──► draining
 *      ▲                  │  ▲                  │  ▲   ▲                │ ▲ ▲ ▲              │
 *      │                  │  └───unconfigure────┘  │   │                │ │ │ └────done──────┘
 *      └─────release──────┴───────────────────┐    │   └──disable───────┤ │ └── aborting ◄─abort
 *                                  configured ┘    │     (drains)       │ └─resume─ suspended
 *                                                  │                    └──suspend──►  ▲ (drains)
 *                                                  └──done── resetting ◄── reset ── any but free
 *
 * Disable and suspend drain first, as states "disabling" and "suspending". A reset may begin in
 * any state but free, also while another action is under way, which then ends with -ECANCELED.
 *
 * Thread: any; everything here is constant.
 *
 * Spec: 7.1, 7.2, 7.7.
 */
#ifndef SIOV_ADI_H
#define SIOV_ADI_H

#include <stdbool.h>
#include <stdint.h>

#include "siov_compat.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SIOV_ADI_NONE UINT32_MAX /**< the id of no ADI */
#define SIOV_ADI_DWQS_MAX 8u /**< dedicated queues of one ADI */
#define SIOV_ADI_MESSAGES_MAX 9u /**< interrupt messages of one ADI: one for each queue */

/** What an ADI is made of. Network queue pairs will be another row of the table. */
enum siov_adi_type {
	SIOV_ADI_CONTEXT,
	SIOV_ADI_DEDICATED,
	SIOV_ADI_COMPOSITE,
	SIOV_ADI_TYPES,
};

/** Whose an ADI is; it says who may be told of its errors, the device treats all alike. */
enum siov_adi_owner {
	SIOV_ADI_HOST,
	SIOV_ADI_VM,
	SIOV_ADI_PROCESS, /**< a process or a container */
	SIOV_ADI_OWNERS,
};

/** Registers in an ADI's own pages, see siov_bars.h. */
enum siov_adi_page {
	SIOV_ADI_PAGE_DIRECT = 0x1, /**< a portal: mapped into the guest */
	SIOV_ADI_PAGE_INTERCEPTED = 0x2, /**< control and status: emulated by the VDCM */
};

/** One row of the table of types. */
struct siov_adi_type_info {
	const char *name; /**< as the command line has it */
	const char *what; /**< one line */
	bool has_swq; /**< a context on a shared queue */
	uint32_t dwqs_min; /**< dedicated queues, fewest */
	uint32_t dwqs_max; /**< most; 0: none */
	uint32_t messages_max; /**< interrupt messages, most */
	uint32_t pages; /**< enum siov_adi_page, a mask: what each of its queues has */
};

/** State of an ADI. */
enum siov_adi_state {
	SIOV_ADI_FREE,
	SIOV_ADI_ALLOCATED,
	SIOV_ADI_CONFIGURED,
	SIOV_ADI_ENABLED,
	SIOV_ADI_DRAINING,
	SIOV_ADI_ABORTING,
	SIOV_ADI_DISABLING,
	SIOV_ADI_SUSPENDING,
	SIOV_ADI_SUSPENDED,
	SIOV_ADI_RESETTING,
	SIOV_ADI_STATES,
};

/** What can be done to an ADI, or has happened to it. */
enum siov_adi_action {
	SIOV_ADI_DO_ALLOC,
	SIOV_ADI_DO_CONFIGURE,
	SIOV_ADI_DO_UNCONFIGURE,
	SIOV_ADI_DO_ENABLE,
	SIOV_ADI_DO_DRAIN,
	SIOV_ADI_DO_ABORT,
	SIOV_ADI_DO_DISABLE,
	SIOV_ADI_DO_SUSPEND,
	SIOV_ADI_DO_RESUME,
	SIOV_ADI_DO_RESET,
	SIOV_ADI_DO_RELEASE,
	SIOV_ADI_DONE, /**< what was begun has come to its end */
	SIOV_ADI_GIVEN_UP, /**< it has not, and is taken back */
	SIOV_ADI_ACTIONS,
};

/** The table's row of a type, NULL: there is none. */
SIOV_API const struct siov_adi_type_info *siov_adi_type_info(enum siov_adi_type type);

/** The type of a name, or -EINVAL. */
SIOV_API int siov_adi_type_find(const char *name, enum siov_adi_type *type);

/**
 * The state after an action.
 *
 * @return 0; -EBUSY: not legal in this state, *next is not written; -EINVAL unknown action or state.
 */
SIOV_API int siov_adi_next_state(enum siov_adi_state state, enum siov_adi_action action,
				 enum siov_adi_state *next);

/** Names, as shown to users; "unknown" beyond the end. */
SIOV_API const char *siov_adi_state_name(enum siov_adi_state state);
/** Name of an action. */
SIOV_API const char *siov_adi_action_name(enum siov_adi_action action);
/** Name of an owner. */
SIOV_API const char *siov_adi_owner_name(enum siov_adi_owner owner);

#ifdef __cplusplus
}
#endif

#endif /* SIOV_ADI_H */

/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include <rte_common.h>

#include "siov_adi.h"
#include "siov_desc.h"

/* The state after an action, by both; SIOV_ADI_FREE where the action is not legal. */
static const uint8_t table[SIOV_ADI_STATES][SIOV_ADI_ACTIONS] = {
	[SIOV_ADI_FREE] =
		{
			[SIOV_ADI_DO_ALLOC] = SIOV_ADI_ALLOCATED,
		},
	[SIOV_ADI_ALLOCATED] =
		{
			[SIOV_ADI_DO_CONFIGURE] = SIOV_ADI_CONFIGURED,
			[SIOV_ADI_DO_RESET] = SIOV_ADI_RESETTING,
		},
	[SIOV_ADI_CONFIGURED] =
		{
			[SIOV_ADI_DO_UNCONFIGURE] = SIOV_ADI_ALLOCATED,
			[SIOV_ADI_DO_ENABLE] = SIOV_ADI_ENABLED,
			[SIOV_ADI_DO_RESET] = SIOV_ADI_RESETTING,
		},
	[SIOV_ADI_ENABLED] =
		{
			[SIOV_ADI_DO_DRAIN] = SIOV_ADI_DRAINING,
			[SIOV_ADI_DO_ABORT] = SIOV_ADI_ABORTING,
			[SIOV_ADI_DO_DISABLE] = SIOV_ADI_DISABLING,
			[SIOV_ADI_DO_SUSPEND] = SIOV_ADI_SUSPENDING,
			[SIOV_ADI_DO_RESET] = SIOV_ADI_RESETTING,
		},
	[SIOV_ADI_DRAINING] =
		{
			[SIOV_ADI_DO_ABORT] = SIOV_ADI_ABORTING,
			[SIOV_ADI_DO_RESET] = SIOV_ADI_RESETTING,
			[SIOV_ADI_DONE] = SIOV_ADI_ENABLED,
			[SIOV_ADI_GIVEN_UP] = SIOV_ADI_ENABLED,
		},
	[SIOV_ADI_ABORTING] =
		{
			[SIOV_ADI_DO_RESET] = SIOV_ADI_RESETTING,
			[SIOV_ADI_DONE] = SIOV_ADI_ENABLED,
			[SIOV_ADI_GIVEN_UP] = SIOV_ADI_ENABLED,
		},
	[SIOV_ADI_DISABLING] =
		{
			[SIOV_ADI_DO_ABORT] = SIOV_ADI_ABORTING,
			[SIOV_ADI_DO_RESET] = SIOV_ADI_RESETTING,
			[SIOV_ADI_DONE] = SIOV_ADI_CONFIGURED,
			[SIOV_ADI_GIVEN_UP] = SIOV_ADI_ENABLED,
		},
	[SIOV_ADI_SUSPENDING] =
		{
			[SIOV_ADI_DO_ABORT] = SIOV_ADI_ABORTING,
			[SIOV_ADI_DO_RESET] = SIOV_ADI_RESETTING,
			[SIOV_ADI_DONE] = SIOV_ADI_SUSPENDED,
			[SIOV_ADI_GIVEN_UP] = SIOV_ADI_ENABLED,
		},
	[SIOV_ADI_SUSPENDED] =
		{
			[SIOV_ADI_DO_RESUME] = SIOV_ADI_ENABLED,
			[SIOV_ADI_DO_DISABLE] = SIOV_ADI_DISABLING,
			[SIOV_ADI_DO_RESET] = SIOV_ADI_RESETTING,
		},
	[SIOV_ADI_RESETTING] =
		{
			[SIOV_ADI_DONE] = SIOV_ADI_CONFIGURED,
			/* Still shut off; another reset may end it. */
			[SIOV_ADI_GIVEN_UP] = SIOV_ADI_SUSPENDED,
		},
};

int
siov_adi_next_state(enum siov_adi_state state, enum siov_adi_action action,
		    enum siov_adi_state *next)
{
	bool may_release = state == SIOV_ADI_ALLOCATED || state == SIOV_ADI_CONFIGURED;

	if ((unsigned int)state >= SIOV_ADI_STATES || (unsigned int)action >= SIOV_ADI_ACTIONS)
		return -EINVAL;
	if (action == SIOV_ADI_DO_RELEASE && may_release) {
		*next = SIOV_ADI_FREE;
		return 0;
	}
	if (table[state][action] == SIOV_ADI_FREE)
		return -EBUSY;
	*next = (enum siov_adi_state)table[state][action];
	return 0;
}

const char *
siov_adi_state_name(enum siov_adi_state state)
{
	static const char *const names[] = {
		"free",     "allocated", "configured", "enabled",   "draining",
		"aborting", "disabling", "suspending", "suspended", "resetting",
	};

	SIOV_STATIC_ASSERT(RTE_DIM(names) == SIOV_ADI_STATES, "each state has a name");
	return (unsigned int)state < RTE_DIM(names) ? names[state] : "unknown";
}

const char *
siov_adi_action_name(enum siov_adi_action action)
{
	static const char *const names[] = {
		"alloc",   "configure", "unconfigure", "enable",  "drain", "abort",    "disable",
		"suspend", "resume",    "reset",       "release", "done",  "given up",
	};

	SIOV_STATIC_ASSERT(RTE_DIM(names) == SIOV_ADI_ACTIONS, "each action has a name");
	return (unsigned int)action < RTE_DIM(names) ? names[action] : "unknown";
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What lies in the guest's memory of a driver, so that it goes on where its memory goes: on another
 * host, with another object.
 */
#include <errno.h>
#include <string.h>

#include "guest_priv.h"

#define MAGIC UINT64_C(0x5453455547564953) /* "SIVGUEST" */
#define VERSION 1u

int
guest_state_find(struct siov_guest *guest)
{
	if (guest->conf.state_gpa % sizeof(uint64_t) != 0)
		return -EINVAL;
	guest->state = siov_vcpu_ram(guest->vcpu, guest->conf.state_gpa, SIOV_GUEST_STATE_BYTES);
	return guest->state != NULL ? 0 : -EINVAL;
}

static void
store(struct siov_guest *guest, const struct guest_state *state)
{
	memcpy(guest->state, state, sizeof(*state));
	siov_vcpu_wrote(guest->vcpu, guest->conf.state_gpa, sizeof(*state));
}

void
guest_state_save(struct siov_guest *guest)
{
	struct guest_state state = {
		.magic = MAGIC,
		.version = VERSION,
		.bdf = guest->conf.bdf,
		.bars = {guest->bars[0], guest->bars[1]},
		.nb_wqs = guest->nb_wqs,
		.channel_version = guest->channel != NULL ? SIOV_VDEV_VERSION_1 : 0,
		.nb_sent = guest->nb_sent,
		.first_vector = guest->conf.first_vector,
	};
	unsigned int i;

	for (i = 0; i < guest->nb_wqs; i++) {
		state.wqs[i].is_enabled = guest->wqs[i].is_enabled;
		state.wqs[i].pasid = guest->wqs[i].pasid;
		state.wqs[i].handle = siov_guest_handle(guest, i);
	}
	store(guest, &state);
}

void
guest_state_wipe(struct siov_guest *guest)
{
	const struct guest_state none = {0};

	store(guest, &none);
}

static bool
is_power_of_two(uint64_t value)
{
	return value != 0 && (value & (value - 1)) == 0;
}

int
guest_state_load(struct siov_guest *guest, struct guest_state *copy)
{
	unsigned int i;

	memcpy(copy, guest->state, sizeof(*copy));
	if (copy->magic != MAGIC || copy->version != VERSION || copy->bdf != guest->conf.bdf ||
	    copy->nb_wqs == 0 || copy->nb_wqs > SIOV_GUEST_WQS_MAX ||
	    copy->first_vector != guest->conf.first_vector)
		return -EINVAL;
	for (i = 0; i < 2; i++) {
		const struct guest_bar *bar = &copy->bars[i];

		if (!is_power_of_two(bar->bytes) || bar->bytes < GUEST_REGS_BYTES ||
		    bar->gpa % bar->bytes != 0)
			return -EINVAL;
	}
	return 0;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* A device found, taken up, reset, let go. */
#include <errno.h>
#include <stdlib.h>

#include "guest_priv.h"

#define VECTOR_FIRST 32u
#define VECTOR_LAST 200u

/* ---- an object ---- */

static int
make(struct siov_vcpu *vcpu, const struct siov_guest_conf *conf, struct siov_guest **out)
{
	struct siov_guest *guest;
	int ret;

	if (conf->first_vector < VECTOR_FIRST || conf->first_vector > VECTOR_LAST)
		return -EINVAL;
	guest = calloc(1, sizeof(*guest));
	if (guest == NULL)
		return -ENOMEM;
	guest->vcpu = vcpu;
	guest->conf = *conf;
	ret = guest_state_find(guest);
	if (ret == 0)
		ret = guest_pci_find(guest);
	if (ret == 0)
		*out = guest;
	else
		free(guest);
	return ret;
}

void
siov_guest_detach(struct siov_guest *guest)
{
	free(guest);
}

/* ---- probe ---- */

int
guest_enable(struct siov_guest *guest)
{
	int ret;

	/* Errors and halts come by vector 0. */
	guest_reg_set(guest, SIOV_REG_GENCTRL, SIOV_GENCTRL_SWERR_INT | SIOV_GENCTRL_HALT_INT);
	ret = guest_command(guest, SIOV_CMD_ENABLE_DEVICE, 0, NULL);
	if (ret == 0 && guest_gensts(guest) != SIOV_GENSTS_ENABLED)
		ret = -EIO;
	if (ret == 0)
		ret = guest_channel_open(guest);
	return ret != 0 ? ret : guest_wq_handles(guest);
}

/* From BARs that have a place to a device that is enabled, whatever it did before. */
static int
set_up(struct siov_guest *guest)
{
	int ret;

	ret = guest_pci_start(guest);
	if (ret == 0)
		ret = guest_caps_read(guest);
	if (ret == 0)
		ret = guest_pci_vectors(guest);
	if (ret == 0)
		ret = guest_command(guest, SIOV_CMD_RESET_DEVICE, 0, NULL);
	if (ret != 0)
		return ret;
	guest_wq_forget(guest);
	ret = guest_enable(guest);
	guest->is_down = ret != 0;
	guest_state_save(guest);
	return ret;
}

int
siov_guest_probe(struct siov_vcpu *vcpu, const struct siov_guest_conf *conf,
		 struct siov_guest **out)
{
	struct siov_guest *guest;
	int ret;

	ret = make(vcpu, conf, &guest);
	if (ret != 0)
		return ret;
	ret = guest_pci_size(guest);
	if (ret == 0)
		ret = set_up(guest);
	if (ret == 0) {
		*out = guest;
		return 0;
	}
	/* It is left as it must not write any more. */
	guest_pci_stop(guest);
	guest_state_wipe(guest);
	siov_guest_detach(guest);
	return ret;
}

/* ---- attach ---- */

/* The device runs, with its queues; it was only its host that changed. */
static int
take_up(struct siov_guest *guest, const struct guest_state *state)
{
	int ret;

	guest->bars[0] = state->bars[0];
	guest->bars[1] = state->bars[1];
	if (!guest_pci_is_started(guest))
		return -EINVAL;
	ret = guest_caps_read(guest);
	if (ret == 0 && guest->nb_wqs != state->nb_wqs)
		ret = -EINVAL;
	if (ret == 0)
		ret = guest_pci_vectors(guest);
	if (ret == 0 && state->channel_version != 0)
		ret = guest_channel_attach(guest, state->nb_sent);
	/* A halted one has no handles: it is brought back by the first poll. */
	if (ret == 0 && guest_gensts(guest) == SIOV_GENSTS_ENABLED)
		ret = guest_wq_handles(guest);
	return ret;
}

int
siov_guest_attach(struct siov_vcpu *vcpu, const struct siov_guest_conf *conf,
		  struct siov_guest **out)
{
	struct guest_state state;
	struct siov_guest *guest;
	int ret;

	ret = make(vcpu, conf, &guest);
	if (ret != 0)
		return ret;
	ret = guest_state_load(guest, &state);
	if (ret == 0)
		ret = take_up(guest, &state);
	if (ret != 0) {
		siov_guest_detach(guest);
		return ret;
	}
	/* Its vector may have been taken before it was moved. */
	guest->must_look = true;
	guest_state_save(guest);
	*out = guest;
	return 0;
}

/* ---- end ---- */

int
siov_guest_remove(struct siov_guest *guest)
{
	int ret = 0;

	if (siov_atomic_load(&guest->nb_open, relaxed) != 0)
		return -EBUSY;
	guest_channel_close(guest);
	/* It drains and disables its queues as well. */
	if (guest_gensts(guest) == SIOV_GENSTS_ENABLED)
		ret = guest_command(guest, SIOV_CMD_DISABLE_DEVICE, 0, NULL);
	guest_pci_stop(guest);
	guest_state_wipe(guest);
	siov_guest_detach(guest);
	return ret;
}

int
siov_guest_reset(struct siov_guest *guest)
{
	int ret;

	ret = guest_pci_reset(guest);
	if (ret != 0)
		return ret;
	guest->regs = NULL;
	guest->channel = NULL;
	guest_wq_forget(guest);
	return set_up(guest);
}

/* ---- looking ---- */

void
siov_guest_get_info(struct siov_guest *guest, struct siov_guest_info *info)
{
	unsigned int i;

	*info = (struct siov_guest_info){
		.version = guest->version,
		.gencap = guest->gencap,
		.nb_wqs = guest->nb_wqs,
		.xfer_max = UINT32_C(1) << (guest->gencap >> SIOV_GENCAP_XFER_SHIFT & 0x1f),
		.batch_max = UINT32_C(1) << (guest->gencap >> SIOV_GENCAP_BATCH_SHIFT & 0xf),
		.nb_vectors = guest->nb_vectors,
		.has_channel = guest->channel != NULL,
	};
	for (i = 0; i < 4; i++)
		info->opcap[i] = guest->opcap[i];
	for (i = 0; i < guest->nb_wqs; i++) {
		info->wqs[i].size = guest->wqs[i].size;
		info->wqs[i].is_dedicated = guest->wqs[i].is_dedicated;
		info->wqs[i].is_enabled = guest->wqs[i].is_enabled;
		info->wqs[i].handle = siov_guest_handle(guest, i);
	}
}

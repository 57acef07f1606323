/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ADIs of the device: those of workloads, those of the configuration, those made at the prompt.
 *
 * A message of an ADI raises the interrupt remapping entry of its handle's number, as far as there
 * are entries (rig.h).
 */
#ifndef ADIS_H
#define ADIS_H

#include <stdio.h>

#include "options.h"
#include "siov_dev_adi.h"

struct rig;

/* An ADI, configured, with its messages programmed but masked. 0 or a negative errno. */
int adis_make(struct rig *rig, enum siov_adi_type type, const struct siov_adi_conf *conf,
	      uint32_t *id);

/* Disable, if need be, and release. 0 or a negative errno. */
int adis_destroy(struct rig *rig, uint32_t id);

/* What types there are, and what ADIs the configuration asks for. */
void adis_list(FILE *f, const struct options *o);

#endif /* ADIS_H */

/* SPDX-License-Identifier: BSD-3-Clause */
/* What both sides of a migration share. */
#ifndef MIGRATE_PRIV_H
#define MIGRATE_PRIV_H

#include "siov_migrate.h"
#include "vm_priv.h"
#include "wire_priv.h"

/* Defaults for what is 0. 0 or -EINVAL. */
int migrate_conf(const struct siov_migrate_conf *conf, struct siov_migrate_conf *own);

/* vm.c: a VDEV in a given slot. As siov_vm_plug(); -EINVAL the slot is none, or taken. */
int vm_plug_at(struct siov_vm *vm, const struct siov_vdev_conf *conf, uint32_t slot);

/* vcpu.c: vectors that are pending, of a vCPU that is outside; they stay. */
void vcpu_peek_vectors(struct siov_vcpu *vcpu, uint64_t vectors[4]);
void vcpu_inject_vectors(struct siov_vcpu *vcpu, const uint64_t vectors[4]);

#endif /* MIGRATE_PRIV_H */

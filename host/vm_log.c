/* SPDX-License-Identifier: BSD-3-Clause */
/* Which pages of a VM were written: by its vCPUs, a byte for each page, and by devices (gas.c). */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <linux/membarrier.h>
#include <sys/syscall.h>

#include "vm_priv.h"

/*
 * A vCPU stores, and then looks whether there is a log; it has no fence in between. This is it: when it
 * returns, each vCPU has either stored so that everybody sees it, or will see the log (V1 in vcpu.c).
 */
static int
fence_vcpus(void)
{
	if (syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) != 0 ||
	    syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) != 0)
		return -errno;
	return 0;
}

int
siov_vm_log_start(struct siov_vm *vm)
{
	uint64_t nb_pages = vm->ram_bytes >> PAGE_SHIFT;
	int ret;

	if (vm->log_bytes == NULL)
		vm->log_bytes = siov_mem_alloc(vm->vmm->mem, "siov_vm_log", nb_pages,
					       RTE_CACHE_LINE_SIZE, -1);
	if (vm->log_bytes == NULL)
		return -ENOMEM;
	ret = siov_gas_log_start(vm->gas);
	if (ret != 0)
		return ret;
	memset(vm->log_bytes, 0, nb_pages);
	siov_atomic_store(&vm->log, vm->log_bytes, release);
	ret = fence_vcpus();
	if (ret != 0)
		siov_vm_log_stop(vm);
	return ret;
}

/* Pages that vCPUs have written, eight at a time. */
static void
fetch_own(struct siov_vm *vm, uint64_t *bitmap)
{
	SIOV_ATOMIC(uint64_t) *words = (SIOV_ATOMIC(uint64_t) *)(void *)vm->log_bytes;
	uint64_t i, nb = vm->ram_bytes >> PAGE_SHIFT;
	unsigned int k;

	for (i = 0; i < nb; i += 8) {
		uint64_t word;

		if (siov_atomic_load(&words[i / 8], relaxed) == 0)
			continue;
		word = siov_atomic_exchange(&words[i / 8], 0, seq_cst);
		for (k = 0; k < 8; k++) {
			if (word >> 8 * k & 0xff)
				bitmap[i / 64] |= UINT64_C(1) << (i % 64 + k);
		}
	}
}

int64_t
siov_vm_log_fetch(struct siov_vm *vm, uint64_t *bitmap)
{
	uint64_t i, nb = vm->ram_bytes >> PAGE_SHIFT;
	int64_t ret;

	if (siov_atomic_load(&vm->log, relaxed) == NULL)
		return -EINVAL;
	memset(bitmap, 0, nb / 8);
	fetch_own(vm, bitmap);
	ret = siov_gas_log_fetch(vm->gas, 0, vm->ram_bytes, bitmap);
	if (ret < 0)
		return ret;
	ret = 0;
	for (i = 0; i < nb / 64; i++)
		ret += __builtin_popcountll(bitmap[i]);
	return ret;
}

int
siov_vm_log_stop(struct siov_vm *vm)
{
	siov_atomic_store(&vm->log, NULL, relaxed);
	return siov_gas_log_stop(vm->gas);
}

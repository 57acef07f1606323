/* SPDX-License-Identifier: BSD-3-Clause */
/* Posted-interrupt descriptors: the engines' side and the guest's; the proof is in siov_posted.h. */
#include <errno.h>
#include <string.h>

#include "ir_priv.h"
#include "siov_posted.h"

static uint64_t
notify_fields(uint32_t ndst, uint8_t nv)
{
	return (uint64_t)ndst << SIOV_PID_NDST_SHIFT | (uint64_t)nv << SIOV_PID_NV_SHIFT;
}

int
siov_pid_init(struct siov_pid_desc *pid, uint32_t ndst, uint8_t nv)
{
	if (pid == NULL || (uintptr_t)pid % sizeof(*pid) != 0 || nv < 16)
		return -EINVAL;
	memset(pid, 0, sizeof(*pid));
	siov_atomic_store(&pid->control, notify_fields(ndst, nv), release);
	return 0;
}

int
siov_pid_redirect(struct siov_pid_desc *pid, uint32_t ndst, uint8_t nv)
{
	uint64_t old = siov_atomic_load(&pid->control, relaxed);
	uint64_t new;

	if (nv < 16)
		return -EINVAL;
	do
		new = (old & (SIOV_PID_ON | SIOV_PID_SN)) | notify_fields(ndst, nv);
	while (!siov_atomic_cas(&pid->control, &old, new, seq_cst, relaxed));
	return 0;
}

bool
pid_post(struct siov_pid_desc *pid, uint8_t vector, bool is_urgent, uint32_t *ndst, uint8_t *nv)
{
	uint64_t control;

	siov_atomic_fetch_or(&pid->pir[vector / 64], RTE_BIT64(vector % 64), seq_cst); /* P1 */
	control = siov_atomic_load(&pid->control, seq_cst); /* P2 */
	do {
		if ((control & SIOV_PID_ON) != 0)
			return false;
		if ((control & SIOV_PID_SN) != 0 && !is_urgent)
			return false;
		/* P3, or P2 again */
	} while (
		!siov_atomic_cas(&pid->control, &control, control | SIOV_PID_ON, seq_cst, seq_cst));
	*ndst = (uint32_t)(control >> SIOV_PID_NDST_SHIFT);
	*nv = (uint8_t)((control & SIOV_PID_NV_MASK) >> SIOV_PID_NV_SHIFT);
	return true;
}

bool
siov_pid_is_posted(const struct siov_pid_desc *pid)
{
	unsigned int i;

	for (i = 0; i < RTE_DIM(pid->pir); i++)
		if (siov_atomic_load(&pid->pir[i], seq_cst) != 0) /* G3 */
			return true;
	return false;
}

bool
siov_pid_suppress(struct siov_pid_desc *pid, bool is_suppressed)
{
	if (is_suppressed) {
		siov_atomic_fetch_or(&pid->control, SIOV_PID_SN, seq_cst);
		return false;
	}
	siov_atomic_fetch_and(&pid->control, ~SIOV_PID_SN, seq_cst);
	return siov_pid_is_posted(pid);
}

int
siov_pid_take(struct siov_pid_desc *pid)
{
	unsigned int i = RTE_DIM(pid->pir);
	unsigned int bit;
	uint64_t word;

	/* Before the look at PIR: what is posted after it is notified again. */
	if ((siov_atomic_load(&pid->control, seq_cst) & SIOV_PID_ON) != 0)
		siov_atomic_fetch_and(&pid->control, ~SIOV_PID_ON, seq_cst);
	while (i-- > 0) {
		word = siov_atomic_load(&pid->pir[i], seq_cst);
		if (word == 0)
			continue;
		bit = 63 - (unsigned int)__builtin_clzll(word);
		siov_atomic_fetch_and(&pid->pir[i], ~RTE_BIT64(bit), seq_cst);
		return (int)(i * 64 + bit);
	}
	return -1;
}

bool
siov_pid_arm(struct siov_pid_desc *pid, struct siov_intr_dest *dest)
{
	if (!siov_intr_arm(dest)) /* G1 */
		return false;
	if ((siov_atomic_load(&pid->control, seq_cst) & SIOV_PID_ON) == 0 && /* G2 */
	    !siov_pid_is_posted(pid)) /* G3 */
		return true;
	siov_atomic_store(&dest->armed, 0, seq_cst);
	return false;
}

int
siov_pid_wait(struct siov_pid_desc *pid, struct siov_intr_dest *dest, int timeout_ms)
{
	uint64_t control = siov_atomic_load(&pid->control, relaxed);

	if (dest->fd < 0)
		return -ENOTSUP;
	/* The notification has served: the descriptor is looked at next. */
	intr_drop(dest, (uint8_t)((control & SIOV_PID_NV_MASK) >> SIOV_PID_NV_SHIFT));
	if (!siov_pid_arm(pid, dest))
		return 0;
	return intr_sleep(dest, timeout_ms);
}

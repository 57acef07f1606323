/* SPDX-License-Identifier: BSD-3-Clause */
/* Entries of the remapping table: written whole, read whole; see ir_priv.h. */
#include <errno.h>

#include "ir_priv.h"

static void
write_twin(struct siov_irte *irte, uint64_t lo, uint64_t hi)
{
	/* I2: pairs with the loads of ir_read; who sees a new word sees that seq moved on */
	siov_atomic_store(&irte->lo, lo, release);
	siov_atomic_store(&irte->hi, hi, release);
}

void
ir_write(struct siov_ir *ir, uint32_t index, uint64_t lo, uint64_t hi)
{
	uint64_t seq = siov_atomic_load(&ir->seq, relaxed);

	siov_atomic_store(&ir->seq, seq + 1, release);
	write_twin(&ir->twin[0][index], lo, hi);
	/*
	 * I1: pairs with ir_read; twin 0 is whole. Sequentially consistent, so that it has left this
	 * processor when the caller goes on: a message that comes later finds the new entry.
	 */
	siov_atomic_store(&ir->seq, seq + 2, seq_cst);
	write_twin(&ir->twin[1][index], lo, hi);
}

void
ir_read(struct siov_ir *ir, uint32_t index, uint64_t *lo, uint64_t *hi)
{
	const struct siov_irte *irte;
	uint64_t seq;

	do {
		seq = siov_atomic_load(&ir->seq, acquire); /* I1 */
		irte = &ir->twin[seq & 1][index];
		*lo = siov_atomic_load(&irte->lo, acquire); /* I2 */
		*hi = siov_atomic_load(&irte->hi, acquire); /* I2 */
	} while (siov_atomic_load(&ir->seq, relaxed) != seq);
}

static bool
is_entry_valid(const struct siov_ir_entry *entry)
{
	if ((entry->dest == NULL) == (entry->pid == NULL) || entry->vector < 16)
		return false;
	if ((uintptr_t)entry->pid % sizeof(struct siov_pid_desc) != 0)
		return false;
	if (entry->dest != NULL ? entry->is_urgent : entry->delivery != 0)
		return false;
	if (entry->svt > SIOV_IR_SVT_BUS || entry->sq > SIOV_IR_SQ_NOT_2_0)
		return false;
	if (entry->svt != SIOV_IR_SVT_SID && entry->sq != 0)
		return false;
	if (entry->svt == SIOV_IR_SVT_NONE && entry->sid != 0)
		return false;
	return entry->svt != SIOV_IR_SVT_BUS || entry->sid >> 8 <= (entry->sid & 0xff);
}

static int
check_entry(const struct siov_ir *ir, const struct siov_ir_entry *entry)
{
	if (entry == NULL || !is_entry_valid(entry))
		return -EINVAL;
	if (entry->dest != NULL && entry->dest->ir != ir)
		return -EINVAL;
	return entry->delivery > SIOV_IR_LOWEST ? -ENOTSUP : 0;
}

static uint64_t
low_word(const struct siov_ir_entry *entry)
{
	uint64_t lo = SIOV_IRTE_P | (uint64_t)entry->vector << SIOV_IRTE_VECTOR_SHIFT;

	if (entry->is_silent)
		lo |= SIOV_IRTE_FPD;
	if (entry->dest != NULL)
		return lo | (uint64_t)entry->delivery << SIOV_IRTE_DLM_SHIFT |
		       (uint64_t)entry->dest->id << SIOV_IRTE_DEST_SHIFT;
	if (entry->is_urgent)
		lo |= SIOV_IRTE_URG;
	return lo | SIOV_IRTE_IM | ((uint64_t)(uintptr_t)entry->pid << 32 & SIOV_IRTE_PDA_LO_MASK);
}

static uint64_t
high_word(const struct siov_ir_entry *entry)
{
	uint64_t pda = (uintptr_t)entry->pid;

	return entry->sid | (uint64_t)entry->sq << SIOV_IRTE_SQ_SHIFT |
	       (uint64_t)entry->svt << SIOV_IRTE_SVT_SHIFT | pda >> 32 << SIOV_IRTE_PDA_HI_SHIFT;
}

/* Write an entry and count what comes and goes. */
static void
replace(struct siov_ir *ir, uint32_t index, uint64_t lo, uint64_t hi)
{
	uint64_t old_lo, old_hi;
	struct siov_intr_dest *dest;

	ir_read(ir, index, &old_lo, &old_hi);
	ir_write(ir, index, lo, hi);
	if ((old_lo & SIOV_IRTE_P) != 0)
		ir->nb_set--;
	if ((old_lo & (SIOV_IRTE_P | SIOV_IRTE_IM)) == SIOV_IRTE_P) {
		dest = ir_dest(ir, (uint32_t)(old_lo >> SIOV_IRTE_DEST_SHIFT));
		if (dest != NULL)
			dest->nb_entries--;
	}
	if ((lo & SIOV_IRTE_P) != 0)
		ir->nb_set++;
}

int
siov_ir_set(struct siov_ir *ir, uint32_t index, const struct siov_ir_entry *entry)
{
	int rc = check_entry(ir, entry);

	if (rc < 0)
		return rc;
	if (index >= ir->conf.nb_entries)
		return -ERANGE;
	pthread_mutex_lock(&ir->lock);
	replace(ir, index, low_word(entry), high_word(entry));
	if (entry->dest != NULL)
		entry->dest->nb_entries++;
	pthread_mutex_unlock(&ir->lock);
	return 0;
}

int
siov_ir_clear(struct siov_ir *ir, uint32_t index)
{
	if (index >= ir->conf.nb_entries)
		return -ERANGE;
	pthread_mutex_lock(&ir->lock);
	replace(ir, index, 0, 0);
	pthread_mutex_unlock(&ir->lock);
	return 0;
}

int
siov_ir_read(struct siov_ir *ir, uint32_t index, uint64_t *lo, uint64_t *hi)
{
	if (index >= ir->conf.nb_entries)
		return -ERANGE;
	ir_read(ir, index, lo, hi);
	return 0;
}

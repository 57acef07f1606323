/* SPDX-License-Identifier: BSD-3-Clause */
/* Errors that no completion record could tell: to the ADI's account, SWERR, the log, and its owner. */
#include <errno.h>
#include <inttypes.h>

#include "dev_adi_priv.h"
#include "dev_regs_priv.h"

#define ERRORS_AT_ONCE 64u
#define ERRORS_LOGGED 4u /* in full, of those found in one look */

int
errors_create(struct siov_dev *dev)
{
	struct dev_error_log *log = &dev->errors;

	log->size = dev->conf.event_log_size != 0 ? dev->conf.event_log_size : DEV_ERRORS;
	log->entries =
		siov_mem_alloc(dev->mem, "siov_dev_errors", log->size * sizeof(log->entries[0]),
			       RTE_CACHE_LINE_SIZE, dev->conf.socket_id);
	return log->entries != NULL ? 0 : -ENOMEM;
}

void
errors_free(struct siov_dev *dev)
{
	siov_mem_free(dev->mem, dev->errors.entries);
}

/* ---- collecting ---- */

static void
push_error(struct siov_dev *dev, const struct siov_error *error)
{
	struct adi *adi = dev_adi_of(dev, error->wq_id, error->pasid);
	struct dev_error_log *log = &dev->errors;

	if (adi != NULL)
		adi->nb_errors++;
	regs_error(dev, error);
	if (log->nb == log->size) {
		log->nb_dropped++;
		return;
	}
	log->entries[(log->head + log->nb) % log->size] = (struct dev_error){
		.error = *error,
		.adi = adi != NULL ? adi->id : SIOV_ADI_NONE,
	};
	log->nb++;
}

/* One entry for each time that the queue's count was seen to have grown. */
static unsigned int
collect_overflow(struct siov_dev *dev, struct dev_wq *dwq)
{
	const struct siov_error error = {
		.pasid = dwq->conf->pasid,
		.wq_id = dwq->id,
		.code = SIOV_ERROR_DWQ_OVERFLOW,
	};
	uint64_t nb = siov_atomic_load(&dwq->wq->nb_overflow, relaxed);

	if (nb == dwq->overflows_seen)
		return 0;
	dwq->overflows_seen = nb;
	push_error(dev, &error);
	return 1;
}

unsigned int
dev_collect_errors(struct siov_dev *dev)
{
	struct siov_error errors[ERRORS_AT_ONCE];
	unsigned int total = 0, n, i, j;

	for (i = 0; i < dev->conf.nb_engines; i++) {
		do {
			n = engine_take_errors(dev->engines[i], errors, ERRORS_AT_ONCE);
			for (j = 0; j < n; j++)
				push_error(dev, &errors[j]);
			total += n;
		} while (n == ERRORS_AT_ONCE && total < DEV_ERRORS);
	}
	for (i = 0; i < dev->conf.nb_wqs; i++)
		total += collect_overflow(dev, &dev->wqs[i]);
	return total;
}

void
dev_log_errors(const struct siov_dev *dev, unsigned int n)
{
	const struct dev_error_log *log = &dev->errors;
	unsigned int kept = RTE_MIN(n, log->nb);
	unsigned int i;

	for (i = 0; i < RTE_MIN(kept, ERRORS_LOGGED); i++) {
		const struct siov_error *error =
			&log->entries[(log->head + log->nb - kept + i) % log->size].error;

		CTRL_LOG(INFO,
			 "%s: wq %u: pasid %" PRIu32 ": code 0x%x, opcode 0x%x, address 0x%" PRIx64,
			 dev->conf.name, error->wq_id, error->pasid, error->code, error->opcode,
			 error->fault_addr);
	}
	if (n > i)
		CTRL_LOG(INFO, "%s: %u more errors", dev->conf.name, n - i);
}

/* ---- handing on ---- */

/* The oldest ones, which are then forgotten. Under the lock. */
static unsigned int
take_errors(struct siov_dev *dev, struct dev_error *out, unsigned int max)
{
	struct dev_error_log *log = &dev->errors;
	unsigned int n;

	for (n = 0; n < max && log->nb != 0; n++) {
		out[n] = log->entries[log->head];
		log->head = (log->head + 1) % log->size;
		log->nb--;
	}
	return n;
}

unsigned int
siov_dev_errors(struct siov_dev *dev, struct siov_error *out, unsigned int max)
{
	struct dev_error error;
	unsigned int n = 0;

	dev_lock(dev);
	dev_collect_errors(dev);
	while (n < max && take_errors(dev, &error, 1) != 0)
		out[n++] = error.error;
	dev_unlock(dev);
	return n;
}

void
dev_pass_errors(struct siov_dev *dev)
{
	struct dev_error errors[ERRORS_AT_ONCE];
	unsigned int total = 0, n, i;

	if (dev->conf.on_error == NULL)
		return;
	do {
		dev_lock(dev);
		n = take_errors(dev, errors, ERRORS_AT_ONCE);
		dev_unlock(dev);
		for (i = 0; i < n; i++)
			dev->conf.on_error(dev->conf.error_arg, &errors[i].error, errors[i].adi);
		total += n;
	} while (n == ERRORS_AT_ONCE && total < dev->errors.size);
}

void
dev_pass_faults(struct siov_dev *dev)
{
	struct siov_fault_record faults[ERRORS_AT_ONCE];
	unsigned int n, total, i, j;

	if (dev->conf.on_fault == NULL)
		return;
	for (i = 0; i < dev->conf.nb_engines; i++) {
		total = 0;
		do {
			n = engine_take_faults(dev->engines[i], faults, ERRORS_AT_ONCE);
			for (j = 0; j < n; j++)
				dev->conf.on_fault(dev->conf.fault_arg, &faults[j]);
			total += n;
		} while (n == ERRORS_AT_ONCE && total < DEV_ERRORS);
	}
}

uint64_t
siov_dev_errors_dropped(struct siov_dev *dev)
{
	struct siov_engine_stats stats;
	uint64_t nb;
	unsigned int i;

	dev_lock(dev);
	nb = dev->errors.nb_dropped;
	dev_unlock(dev);
	for (i = 0; i < dev->conf.nb_engines; i++) {
		siov_engine_get_stats(dev->engines[i], &stats);
		nb += stats.errors_dropped;
	}
	return nb;
}

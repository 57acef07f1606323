/* SPDX-License-Identifier: BSD-3-Clause */
/* Life of ADIs, as far as nobody has to wait: allocate, configure, enable, release, and looking. */
#include <errno.h>
#include <string.h>

#include "dev_adi_priv.h"

/* ---- parts ---- */

static const struct siov_adi_type_info *
type_of(const struct adi *adi)
{
	return siov_adi_type_info((enum siov_adi_type)adi->type);
}

unsigned int
dev_adi_queues(const struct adi *adi, unsigned int wq_ids[SIOV_ADI_DWQS_MAX + 1])
{
	unsigned int nb = 0, i;

	if (adi->conf.wq_id != ADI_NO_WQ)
		wq_ids[nb++] = adi->conf.wq_id;
	for (i = 0; i < SIOV_ADI_DWQS_MAX; i++) {
		if (adi->dwqs[i] != ADI_NO_WQ)
			wq_ids[nb++] = adi->dwqs[i];
	}
	return nb;
}

/* Whether it is the ADI of a PASID on a shared queue. */
static bool
has_context(const struct adi *adi)
{
	return adi->conf.wq_id != ADI_NO_WQ && adi->conf.pasid != 0;
}

void
dev_adi_set_gates(struct siov_dev *dev, const struct adi *adi, enum engine_gate gate)
{
	unsigned int wq_ids[SIOV_ADI_DWQS_MAX + 1];
	unsigned int i, nb = dev_adi_queues(adi, wq_ids);

	if (adi->conf.pasid == 0)
		return;
	for (i = 0; i < nb; i++)
		dev_set_gate(&dev->wqs[wq_ids[i]], adi->conf.pasid, gate);
}

void
dev_adi_admit(struct siov_dev *dev, const struct adi *adi, enum siov_wq_state state)
{
	struct dev_wq *dwq;
	unsigned int i;

	for (i = 0; i < SIOV_ADI_DWQS_MAX; i++) {
		struct siov_wq *wq;

		if (adi->dwqs[i] == ADI_NO_WQ)
			continue;
		wq = dev->wqs[adi->dwqs[i]].wq;
		/* Disabled is reached by way of draining only. */
		if (state == SIOV_WQ_DISABLED)
			siov_wq_set_state(wq, SIOV_WQ_DRAINING);
		siov_wq_set_state(wq, state);
	}
	if (!has_context(adi))
		return;
	/*
	 * Who has no portal needs no answer. Without memory for one, what is submitted is accepted and
	 * ended by the engines' gates.
	 */
	dwq = &dev->wqs[adi->conf.wq_id];
	if (state == SIOV_WQ_ENABLED ||
	    portal_is_open(&dev->portals, &dwq->portals, adi->conf.pasid))
		dev_qos_admit(dev, dwq, adi->conf.pasid, state);
}

/* ---- allocate and release ---- */

int
siov_dev_adi_alloc(struct siov_dev *dev, enum siov_adi_type type, enum siov_adi_owner owner,
		   uint32_t *id)
{
	struct adi *adi;
	int ret = -ENOSPC;

	if (siov_adi_type_info(type) == NULL || (unsigned int)owner >= SIOV_ADI_OWNERS)
		return -EINVAL;
	dev_lock(dev);
	if (dev->is_lost)
		ret = -ENODEV;
	else if (dev->mode == SIOV_MODE_SCALABLE)
		ret = adi_alloc(&dev->adis, &adi);
	if (ret == 0) {
		adi->type = (uint8_t)type;
		adi->owner = (uint8_t)owner;
		*id = adi->id;
	}
	dev_unlock(dev);
	return ret;
}

static void
release_messages(struct siov_dev *dev, const struct adi *adi, const uint32_t *handles,
		 unsigned int nb)
{
	unsigned int i;

	for (i = 0; i < nb; i++)
		message_release(dev, adi->id, handles[i]);
}

/*
 * Counts are kept by (queue, PASID), which others had before and will have: what is there when an
 * ADI comes is not its own, what is there when it goes is.
 */
static void
carry(struct siov_dev *dev, struct adi *adi, unsigned int wq_id, bool comes)
{
	uint64_t sign = comes ? UINT64_MAX : 1; /* times -1 or 1 */
	uint64_t submitted[SIOV_DMWR_NB];
	struct engine_counts counts;

	dev_adi_count(dev, adi, &wq_id, 1, &counts, submitted);
	adi->base.accepted += sign * submitted[SIOV_DMWR_SUCCESS];
	adi->base.completed += sign * counts.completed;
	adi->base.failed += sign * counts.failed;
	adi->base.aborted += sign * counts.aborted;
	adi->base.bytes += sign * counts.bytes;
}

/* The place where the ADI of (queue, PASID) is noted; NULL: no memory. */
static uint32_t *
context_slot(struct siov_dev *dev, unsigned int wq_id, uint32_t pasid)
{
	return portal_adi_slot(&dev->portals, &dev->wqs[wq_id].portals, pasid);
}

void
dev_adi_unconfigure(struct siov_dev *dev, struct adi *adi)
{
	if (!adi_is_configured(adi))
		return;
	dev_adi_set_gates(dev, adi, ENGINE_GATE_OPEN);
	dev_adi_unbind(dev, adi);
	release_messages(dev, adi, adi->messages, adi->conf.nb_messages);
	if (has_context(adi)) {
		struct dev_wq *dwq = &dev->wqs[adi->conf.wq_id];

		dev_qos_set(dev, dwq, adi->conf.pasid, &dev_qos_none);
		dev_qos_admit(dev, dwq, adi->conf.pasid, SIOV_WQ_ENABLED);
		*context_slot(dev, adi->conf.wq_id, adi->conf.pasid) = 0;
		carry(dev, adi, adi->conf.wq_id, false);
	}
	if (adi->conf.wq_id != ADI_NO_WQ)
		dev->wqs[adi->conf.wq_id].nb_contexts--;
	adi->conf = (struct adi_conf){.wq_id = ADI_NO_WQ};
}

bool
dev_adi_has_portals(const struct siov_dev *dev, const struct adi *adi)
{
	unsigned int wq_ids[SIOV_ADI_DWQS_MAX + 1];
	unsigned int i, nb = dev_adi_queues(adi, wq_ids);

	for (i = 0; i < nb && adi->conf.pasid != 0; i++) {
		if (portal_is_open(&dev->portals, &dev->wqs[wq_ids[i]].portals, adi->conf.pasid))
			return true;
	}
	return false;
}

static int
release(struct siov_dev *dev, struct adi *adi)
{
	enum siov_adi_state next;
	int ret;

	if (adi == NULL)
		return -ENOENT;
	ret = siov_adi_next_state((enum siov_adi_state)adi->state, SIOV_ADI_DO_RELEASE, &next);
	if (dev->is_lost)
		ret = 0; /* whatever it was doing, it does it no more */
	if (ret == 0 && (adi->is_claimed || dev_adi_has_portals(dev, adi)))
		ret = -EBUSY;
	if (ret != 0)
		return ret;
	dev_adi_unconfigure(dev, adi);
	adi_release(&dev->adis, adi);
	return 0;
}

int
siov_dev_adi_release(struct siov_dev *dev, uint32_t id)
{
	int ret;

	dev_lock(dev);
	ret = release(dev, adi_find(&dev->adis, id));
	dev_unlock(dev);
	return ret;
}

int
siov_dev_adi_claim(struct siov_dev *dev, uint32_t id)
{
	struct adi *adi;
	int ret = -ENOENT;

	dev_lock(dev);
	adi = adi_find(&dev->adis, id);
	if (adi != NULL)
		ret = adi->is_claimed ? -EBUSY : 0;
	if (ret == 0)
		adi->is_claimed = true;
	dev_unlock(dev);
	return ret;
}

void
siov_dev_adi_unclaim(struct siov_dev *dev, uint32_t id)
{
	struct adi *adi;

	dev_lock(dev);
	adi = adi_find(&dev->adis, id);
	if (adi != NULL)
		adi->is_claimed = false;
	dev_unlock(dev);
}

/* ---- configure ---- */

static int
check_conf(const struct siov_dev *dev, const struct adi *adi, const struct siov_adi_conf *conf)
{
	const struct siov_adi_type_info *info = type_of(adi);

	if (conf->pasid > SIOV_PASID_MAX || conf->control_pasid > SIOV_PASID_MAX ||
	    conf->nb_dwqs < info->dwqs_min || conf->nb_dwqs > info->dwqs_max ||
	    conf->nb_messages > info->messages_max)
		return -EINVAL;
	if (siov_qos_conf_has_limits(&conf->qos) && (!info->has_swq || conf->pasid == 0))
		return -EINVAL;
	if (!info->has_swq)
		return 0;
	if (conf->wq_id >= dev->conf.nb_wqs || dev->conf.wqs[conf->wq_id].mode != SIOV_WQ_SHARED)
		return -EINVAL;
	return siov_qos_conf_check(&conf->qos);
}

/* Messages for a new configuration; on error none. A failed one has taken nothing. */
static int
alloc_messages(struct siov_dev *dev, struct adi *adi, const struct siov_adi_conf *conf,
	       uint32_t handles[SIOV_ADI_MESSAGES_MAX])
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < conf->nb_messages && ret == 0; i++)
		ret = message_alloc(dev, adi->id, conf->pasid, &handles[i]);
	if (ret != 0)
		release_messages(dev, adi, handles, i - 1);
	return ret;
}

static int
configure(struct siov_dev *dev, struct adi *adi, const struct siov_adi_conf *conf)
{
	uint32_t handles[SIOV_ADI_MESSAGES_MAX];
	uint32_t *slot = NULL;
	struct dev_wq *dwq = NULL;
	bool has_swq;
	int ret;

	if (adi == NULL)
		return -ENOENT;
	if (dev->is_lost)
		return -ENODEV;
	if (adi->state != SIOV_ADI_ALLOCATED && adi->state != SIOV_ADI_CONFIGURED)
		return -EBUSY;
	ret = check_conf(dev, adi, conf);
	if (ret != 0)
		return ret;
	has_swq = type_of(adi)->has_swq;
	if (has_swq && conf->pasid != 0) {
		dwq = &dev->wqs[conf->wq_id];
		slot = context_slot(dev, conf->wq_id, conf->pasid);
		if (slot == NULL)
			return -ENOMEM;
		if (*slot != 0 && *slot != adi->id + 1)
			return -EEXIST;
	}
	if (dev_adi_has_portals(dev, adi))
		return -EBUSY;
	ret = alloc_messages(dev, adi, conf, handles);
	if (ret != 0)
		return ret;
	/* With the memory that this takes, setting it again below cannot fail. */
	if (dwq != NULL)
		ret = dev_qos_set(dev, dwq, conf->pasid, &conf->qos);
	if (ret != 0) {
		release_messages(dev, adi, handles, conf->nb_messages);
		return ret;
	}
	dev_adi_unconfigure(dev, adi);
	if (dwq != NULL) {
		dev_qos_set(dev, dwq, conf->pasid, &conf->qos);
		*slot = adi->id + 1;
	}
	adi->conf = (struct adi_conf){
		.pasid = conf->pasid,
		.control_pasid = conf->control_pasid,
		.wq_id = has_swq ? (uint8_t)conf->wq_id : ADI_NO_WQ,
		.nb_dwqs = (uint8_t)conf->nb_dwqs,
		.nb_messages = (uint8_t)conf->nb_messages,
	};
	memcpy(adi->messages, handles, sizeof(handles[0]) * conf->nb_messages);
	memset(adi->moderation, 0, sizeof(adi->moderation));
	adi->state = SIOV_ADI_CONFIGURED;
	if (has_swq)
		dev->wqs[conf->wq_id].nb_contexts++;
	if (dwq != NULL)
		carry(dev, adi, adi->conf.wq_id, true);
	dev_adi_admit(dev, adi, SIOV_WQ_DISABLED);
	return 0;
}

int
siov_dev_adi_configure(struct siov_dev *dev, uint32_t id, const struct siov_adi_conf *conf)
{
	int ret;

	dev_lock(dev);
	ret = configure(dev, adi_find(&dev->adis, id), conf);
	dev_unlock(dev);
	return ret;
}

/* ---- dedicated queues ---- */

/* Free for any ADI: disabled, of nobody, and of no PASID that the device's configuration gave it. */
static bool
is_dwq_free(const struct siov_dev *dev, unsigned int wq_id)
{
	const struct dev_wq *dwq = &dev->wqs[wq_id];

	return dwq->conf->mode == SIOV_WQ_DEDICATED && dwq->conf->pasid == 0 && dwq->adi == 0 &&
	       siov_atomic_load(&dwq->wq->state, relaxed) == SIOV_WQ_DISABLED &&
	       dwq->wq->nb_attached == 0;
}

static unsigned int
count_bound(const struct adi *adi)
{
	unsigned int nb = 0, i;

	for (i = 0; i < SIOV_ADI_DWQS_MAX; i++)
		nb += adi->dwqs[i] != ADI_NO_WQ;
	return nb;
}

static void
bind_dwq(struct siov_dev *dev, struct adi *adi, unsigned int wq_id)
{
	unsigned int i = 0;

	while (adi->dwqs[i] != ADI_NO_WQ)
		i++;
	adi->dwqs[i] = (uint8_t)wq_id;
	dev->wqs[wq_id].adi = adi->id + 1;
	dev->conf.wqs[wq_id].pasid = adi->conf.pasid;
	siov_wq_set_pasid(dev->wqs[wq_id].wq, adi->conf.pasid, 0);
	carry(dev, adi, wq_id, true);
}

void
dev_adi_unbind(struct siov_dev *dev, struct adi *adi)
{
	unsigned int i;

	for (i = 0; i < SIOV_ADI_DWQS_MAX; i++) {
		struct dev_wq *dwq;

		if (adi->dwqs[i] == ADI_NO_WQ)
			continue;
		dwq = &dev->wqs[adi->dwqs[i]];
		/* Its thread has the lane yet: the next owner must not meet it there. */
		if (dwq->wq->nb_attached != 0)
			continue;
		carry(dev, adi, adi->dwqs[i], false);
		dev_set_gate(dwq, adi->conf.pasid, ENGINE_GATE_OPEN);
		siov_wq_set_pasid(dwq->wq, 0, 0);
		dev->conf.wqs[adi->dwqs[i]].pasid = 0;
		dwq->adi = 0;
		adi->dwqs[i] = ADI_NO_WQ;
	}
}

/* As many as the ADI wants; on error those that were bound for it are free again. */
static int
bind_dwqs(struct siov_dev *dev, struct adi *adi)
{
	unsigned int i;

	for (i = 0; i < dev->conf.nb_wqs && count_bound(adi) < adi->conf.nb_dwqs; i++) {
		if (is_dwq_free(dev, i))
			bind_dwq(dev, adi, i);
	}
	if (count_bound(adi) >= adi->conf.nb_dwqs)
		return 0;
	dev_adi_unbind(dev, adi);
	return -EAGAIN;
}

/* ---- enable ---- */

/* Records on all engines, which say where completions go. */
static int
add_records(struct siov_dev *dev, const struct adi *adi)
{
	unsigned int wq_ids[SIOV_ADI_DWQS_MAX + 1];
	unsigned int i, k, nb = dev_adi_queues(adi, wq_ids);
	int ret = 0;

	for (i = 0; i < nb && ret == 0; i++) {
		struct dev_wq *dwq = &dev->wqs[wq_ids[i]];

		for (k = 0; k < dwq->nb_engines && ret == 0; k++)
			ret = engine_set_control_pasid(dwq->engines[k], dwq->id, adi->conf.pasid,
						       adi->conf.control_pasid);
	}
	return ret;
}

static int
enable(struct siov_dev *dev, struct adi *adi)
{
	enum siov_adi_state next;
	int ret;

	if (adi == NULL)
		return -ENOENT;
	ret = siov_adi_next_state((enum siov_adi_state)adi->state, SIOV_ADI_DO_ENABLE, &next);
	if (ret != 0)
		return ret;
	ret = dev_can_enable(dev);
	if (ret != 0)
		return ret;
	if (adi->conf.pasid == 0)
		return -ENXIO;
	ret = bind_dwqs(dev, adi);
	if (ret != 0)
		return ret;
	ret = add_records(dev, adi);
	if (ret != 0) {
		dev_adi_unbind(dev, adi);
		return ret;
	}
	adi->state = (uint8_t)next;
	adi->epoch++;
	dev_adi_set_gates(dev, adi, ENGINE_GATE_OPEN);
	dev_adi_admit(dev, adi, SIOV_WQ_ENABLED);
	return 0;
}

int
siov_dev_adi_enable(struct siov_dev *dev, uint32_t id)
{
	int ret;

	dev_lock(dev);
	ret = enable(dev, adi_find(&dev->adis, id));
	dev_unlock(dev);
	return ret;
}

int
siov_dev_adi_resume(struct siov_dev *dev, uint32_t id)
{
	struct adi *adi;
	int ret = -ENOENT;

	dev_lock(dev);
	adi = adi_find(&dev->adis, id);
	if (adi != NULL)
		ret = dev->is_lost ? -ENODEV : adi_do(adi, SIOV_ADI_DO_RESUME);
	if (ret == 0) {
		adi->epoch++;
		dev_adi_set_gates(dev, adi, ENGINE_GATE_OPEN);
		dev_adi_admit(dev, adi, SIOV_WQ_ENABLED);
	}
	dev_unlock(dev);
	return ret;
}

int
siov_dev_adi_set_qos(struct siov_dev *dev, uint32_t id, const struct siov_qos_conf *conf)
{
	struct adi *adi;
	int ret;

	dev_lock(dev);
	adi = adi_find(&dev->adis, id);
	if (adi == NULL)
		ret = -ENOENT;
	else if (dev->is_lost)
		ret = -ENODEV;
	else if (adi->state == SIOV_ADI_ALLOCATED)
		ret = -EBUSY;
	else if (!has_context(adi))
		ret = -EINVAL;
	else
		ret = dev_qos_set(dev, &dev->wqs[adi->conf.wq_id], adi->conf.pasid, conf);
	dev_unlock(dev);
	return ret;
}

/* ---- portals ---- */

int
siov_dev_adi_portal_open(struct siov_dev *dev, uint32_t id, struct siov_lane *lane,
			 struct siov_portal **portal)
{
	unsigned int wq_ids[SIOV_ADI_DWQS_MAX + 1];
	unsigned int i, nb;
	struct adi *adi;
	int ret = -EINVAL;

	dev_lock(dev);
	adi = adi_find(&dev->adis, id);
	if (adi == NULL || adi->conf.pasid == 0) {
		dev_unlock(dev);
		return adi == NULL ? -ENOENT : -ENXIO;
	}
	nb = dev_adi_queues(adi, wq_ids);
	for (i = 0; i < nb; i++) {
		const struct portal_conf conf = {
			.lane = lane,
			.pasid = adi->conf.pasid,
			.flags = SIOV_PORTAL_F_PASID,
		};

		if (lane != NULL && lane->wq == dev->wqs[wq_ids[i]].wq)
			ret = dev_portal_open(dev, &conf, portal);
	}
	dev_unlock(dev);
	return ret;
}

/* ---- looking ---- */

static void
add_counts(struct siov_dev *dev, const struct adi *adi, struct siov_adi_info *info)
{
	struct engine_counts counts;
	uint64_t submitted[SIOV_DMWR_NB];
	unsigned int wq_ids[SIOV_ADI_DWQS_MAX + 1];
	unsigned int i, nb = dev_adi_queues(adi, wq_ids);

	dev_adi_count(dev, adi, wq_ids, nb, &counts, submitted);
	info->accepted = adi->base.accepted + submitted[SIOV_DMWR_SUCCESS];
	info->completed = adi->base.completed + counts.completed;
	info->failed = adi->base.failed + counts.failed;
	info->aborted = adi->base.aborted + counts.aborted;
	info->bytes = adi->base.bytes + counts.bytes;
	for (i = 0; i < SIOV_ADI_DWQS_MAX; i++) {
		if (adi->dwqs[i] != ADI_NO_WQ)
			info->dwqs[info->nb_bound++] = adi->dwqs[i];
	}
}

void
dev_adi_count(struct siov_dev *dev, const struct adi *adi, const unsigned int *wq_ids,
	      unsigned int nb, struct engine_counts *counts, uint64_t submitted[SIOV_DMWR_NB])
{
	unsigned int i, k;

	*counts = (struct engine_counts){0};
	memset(submitted, 0, SIOV_DMWR_NB * sizeof(submitted[0]));
	for (i = 0; i < nb && adi->conf.pasid != 0; i++) {
		struct dev_wq *dwq = &dev->wqs[wq_ids[i]];

		for (k = 0; k < dwq->nb_engines; k++)
			engine_add_counts(dwq->engines[k], dwq->id, adi->conf.pasid, counts);
		portal_add_counts(&dev->portals, &dwq->portals, adi->conf.pasid, submitted);
	}
}

void
dev_adi_read(struct siov_dev *dev, const struct adi *adi, struct siov_adi_info *info)
{
	*info = (struct siov_adi_info){
		.id = adi->id,
		.type = (enum siov_adi_type)adi->type,
		.owner = (enum siov_adi_owner)adi->owner,
		.state = (enum siov_adi_state)adi->state,
		.conf =
			{
				.pasid = adi->conf.pasid,
				.control_pasid = adi->conf.control_pasid,
				.wq_id = adi->conf.wq_id,
				.nb_dwqs = adi->conf.nb_dwqs,
				.nb_messages = adi->conf.nb_messages,
			},
		.nb_errors = adi->nb_errors,
	};
	memcpy(info->messages, adi->messages, sizeof(info->messages));
	if (has_context(adi))
		dev_qos_get(&dev->wqs[adi->conf.wq_id], adi->conf.pasid, &info->conf.qos);
	add_counts(dev, adi, info);
}

int
siov_dev_adi_info(struct siov_dev *dev, uint32_t id, struct siov_adi_info *info)
{
	const struct adi *adi;

	dev_lock(dev);
	dev_collect_errors(dev);
	adi = adi_find(&dev->adis, id);
	if (adi != NULL)
		dev_adi_read(dev, adi, info);
	dev_unlock(dev);
	return adi != NULL ? 0 : -ENOENT;
}

int
siov_dev_adi_walk(struct siov_dev *dev, siov_adi_cb cb, void *arg)
{
	uint32_t index = 0;
	int ret = 0;

	while (ret == 0) {
		struct siov_adi_info info;
		const struct adi *adi;

		dev_lock(dev);
		adi = adi_next(&dev->adis, index);
		if (adi != NULL) {
			dev_adi_read(dev, adi, &info);
			index = adi_index(adi) + 1;
		}
		dev_unlock(dev);
		if (adi == NULL)
			return 0;
		ret = cb(&info, arg);
	}
	return ret;
}

struct adi *
dev_adi_of(struct siov_dev *dev, unsigned int wq_id, uint32_t pasid)
{
	struct dev_wq *dwq = dev_find_wq(dev, wq_id);
	uint32_t noted;

	if (dwq == NULL || pasid > SIOV_PASID_MAX)
		return NULL;
	noted = dwq->adi != 0 ? dwq->adi : portal_adi(&dwq->portals, pasid);
	return noted != 0 ? adi_find(&dev->adis, noted - 1) : NULL;
}

int
siov_dev_adi_of(struct siov_dev *dev, unsigned int wq_id, uint32_t pasid, uint32_t *id)
{
	const struct adi *adi;

	dev_lock(dev);
	adi = dev_adi_of(dev, wq_id, pasid);
	if (adi != NULL)
		*id = adi->id;
	dev_unlock(dev);
	return adi != NULL ? 0 : -ENOENT;
}

uint32_t
siov_dev_adi_used(struct siov_dev *dev)
{
	uint32_t nb;

	dev_lock(dev);
	nb = dev->adis.nb_used;
	dev_unlock(dev);
	return nb;
}

size_t
siov_dev_adi_memory(struct siov_dev *dev)
{
	size_t bytes;

	dev_lock(dev);
	bytes = dev->adis.bytes;
	dev_unlock(dev);
	return bytes;
}

int
siov_dev_set_mode(struct siov_dev *dev, enum siov_dev_mode mode)
{
	int ret = 0;

	if (mode != SIOV_MODE_SCALABLE && mode != SIOV_MODE_SRIOV)
		return -EINVAL;
	dev_lock(dev);
	if (dev->adis.nb_used != 0 || dev_is_active(dev))
		ret = -EBUSY;
	else
		dev->mode = mode;
	dev_unlock(dev);
	return ret;
}

enum siov_dev_mode
siov_dev_get_mode(struct siov_dev *dev)
{
	enum siov_dev_mode mode;

	dev_lock(dev);
	mode = dev->mode;
	dev_unlock(dev);
	return mode;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * GRPCFG and WQCFG: the device's configuration as registers, in both directions.
 *
 * Registers cannot tell all of it. So each field is compared with what the present configuration
 * would show; only one that differs was written, and is taken over.
 */
#include "dev_regs_priv.h"

/* The dwords of a queue's row that hold configuration. */
struct wq_row {
	uint32_t size, threshold, mode, limits;
};

static uint32_t
row_of(uint32_t wq_id, uint32_t field)
{
	return SIOV_BARS_WQCFG + wq_id * SIOV_WQCFG_STRIDE + field;
}

static uint32_t
group_of(uint32_t group, uint32_t field)
{
	return SIOV_BARS_GRPCFG + group * SIOV_GRPCFG_STRIDE + field;
}

static bool
is_used(const struct siov_dev *dev, uint32_t wq_id)
{
	return wq_id < dev->conf.nb_wqs && !dev->conf.wqs[wq_id].is_unused;
}

/* ---- showing ---- */

static struct wq_row
encode_wq(const struct siov_dev_wq_conf *wq)
{
	bool is_dedicated = wq->mode == SIOV_WQ_DEDICATED;
	struct wq_row row = {
		.size = RTE_MIN(wq->size, (uint32_t)UINT16_MAX),
		.threshold = wq->threshold != 0 ? wq->threshold : wq->size,
		.mode = wq->priority << SIOV_WQCFG_PRIORITY_SHIFT |
			wq->pasid << SIOV_WQCFG_PASID_SHIFT,
		.limits = log2_floor(wq->xfer_max) | log2_floor(wq->batch_max)
							     << SIOV_WQCFG_BATCH_SHIFT,
	};

	row.threshold = RTE_MIN(row.threshold, (uint32_t)UINT16_MAX);
	if (is_dedicated)
		row.mode |= SIOV_WQCFG_DEDICATED;
	/* Each submission to a shared queue has a PASID. */
	if (!is_dedicated || wq->pasid != 0)
		row.mode |= SIOV_WQCFG_PASID_EN;
	if (wq->flags & SIOV_WQ_F_BOF)
		row.mode |= SIOV_WQCFG_BOF;
	return row;
}

static struct wq_row
shown_wq(const struct siov_dev *dev, uint32_t wq_id)
{
	return is_used(dev, wq_id) ? encode_wq(&dev->conf.wqs[wq_id]) : (struct wq_row){0};
}

static uint32_t
encode_classes(const struct siov_dev_group_conf *group)
{
	uint32_t a = group->traffic_class_a >= 0 ? (uint32_t)group->traffic_class_a : 0;
	uint32_t b = group->traffic_class_b >= 0 ? (uint32_t)group->traffic_class_b : 1;

	return a | b << SIOV_GRPCFG_CLASS_B_SHIFT;
}

static void
show_wq(struct siov_dev *dev, uint32_t wq_id)
{
	const struct wq_row row = shown_wq(dev, wq_id);
	struct regs *file = dev->regs->file;

	regs_set(file, row_of(wq_id, SIOV_WQCFG_SIZE), row.size);
	regs_set(file, row_of(wq_id, SIOV_WQCFG_THRESHOLD), row.threshold);
	regs_set(file, row_of(wq_id, SIOV_WQCFG_MODE), row.mode);
	regs_set(file, row_of(wq_id, SIOV_WQCFG_LIMITS), row.limits);
}

static void
show_group(struct siov_dev *dev, uint32_t id)
{
	struct regs *file = dev->regs->file;
	uint64_t wqs = 0;
	uint32_t engines = 0, i;

	for (i = 0; i < dev->conf.nb_wqs; i++) {
		if (is_used(dev, i) && dev->conf.wqs[i].group == id)
			wqs |= UINT64_C(1) << i;
	}
	for (i = 0; i < dev->conf.nb_engines; i++) {
		if (dev->conf.engines[i].group == id)
			engines |= UINT32_C(1) << i;
	}
	regs_set(file, group_of(id, SIOV_GRPCFG_WQS), (uint32_t)wqs);
	regs_set(file, group_of(id, SIOV_GRPCFG_WQS + 4), wqs >> 32);
	regs_set(file, group_of(id, SIOV_GRPCFG_ENGINES), engines);
	regs_set(file, group_of(id, SIOV_GRPCFG_ENGINES + 4), 0);
	regs_set(file, group_of(id, SIOV_GRPCFG_FLAGS), encode_classes(&dev->conf.groups[id]));
}

void
regs_show_conf(struct siov_dev *dev)
{
	uint32_t i;

	for (i = 0; i < regs_nb_wqs(dev); i++)
		show_wq(dev, i);
	for (i = 0; i < siov_dev_profile_limits(dev->conf.profile)->nb_groups; i++)
		show_group(dev, i);
}

/* ---- reading ---- */

static struct wq_row
written_wq(const struct siov_dev *dev, uint32_t wq_id)
{
	const struct regs *file = dev->regs->file;

	return (struct wq_row){
		.size = regs_get(file, row_of(wq_id, SIOV_WQCFG_SIZE)),
		.threshold = regs_get(file, row_of(wq_id, SIOV_WQCFG_THRESHOLD)),
		.mode = regs_get(file, row_of(wq_id, SIOV_WQCFG_MODE)),
		.limits = regs_get(file, row_of(wq_id, SIOV_WQCFG_LIMITS)),
	};
}

/* Fields of the third dword. */
static void
decode_mode(struct siov_dev_wq_conf *wq, uint32_t mode, uint32_t shown)
{
	bool is_dedicated = mode & SIOV_WQCFG_DEDICATED;

	if (mode == shown)
		return;
	wq->mode = is_dedicated ? SIOV_WQ_DEDICATED : SIOV_WQ_SHARED;
	wq->priority = mode >> SIOV_WQCFG_PRIORITY_SHIFT & 0xf;
	wq->pasid = 0;
	if (is_dedicated && mode & SIOV_WQCFG_PASID_EN)
		wq->pasid = mode >> SIOV_WQCFG_PASID_SHIFT & SIOV_PASID_MAX;
	wq->flags &= ~(uint32_t)SIOV_WQ_F_BOF;
	if (mode & SIOV_WQCFG_BOF)
		wq->flags |= SIOV_WQ_F_BOF;
}

static void
decode_limits(struct siov_dev_wq_conf *wq, uint32_t limits, uint32_t shown)
{
	uint32_t xfer = limits & SIOV_WQCFG_XFER, batch = limits >> SIOV_WQCFG_BATCH_SHIFT & 0xf;

	if (xfer != (shown & SIOV_WQCFG_XFER))
		wq->xfer_max = UINT32_C(1) << xfer;
	if (batch != (shown >> SIOV_WQCFG_BATCH_SHIFT & 0xf))
		wq->batch_max = UINT32_C(1) << batch;
}

/* A queue that has become used begins with the defaults, as registers say. */
static void
decode_wq(struct siov_dev *dev, struct siov_dev_wq_conf *wq, uint32_t wq_id)
{
	const struct wq_row row = written_wq(dev, wq_id);
	struct wq_row shown = shown_wq(dev, wq_id);

	if (!is_used(dev, wq_id)) {
		siov_dev_wq_conf_init(wq);
		shown = (struct wq_row){~row.size, ~row.threshold, ~row.mode, ~row.limits};
	}
	if (row.size != shown.size)
		wq->size = row.size;
	if (row.threshold != shown.threshold)
		wq->threshold = row.threshold;
	decode_mode(wq, row.mode, shown.mode);
	decode_limits(wq, row.limits, shown.limits);
}

/* The group whose mask has bit i; SIOV_DEV_GROUP_NONE: none. False: more than one has. */
static bool
find_group(const struct siov_dev *dev, uint32_t field, uint32_t i, uint32_t *group)
{
	uint32_t nb = siov_dev_profile_limits(dev->conf.profile)->nb_groups, id;

	*group = SIOV_DEV_GROUP_NONE;
	for (id = 0; id < nb; id++) {
		uint32_t mask = regs_get(dev->regs->file, group_of(id, field + i / 32 * 4));

		if (!(mask >> i % 32 & 1))
			continue;
		if (*group != SIOV_DEV_GROUP_NONE)
			return false;
		*group = id;
	}
	return true;
}

static enum siov_cmd_error
read_engines(struct siov_dev *dev, struct siov_dev_conf *next)
{
	uint32_t i, group;

	for (i = 0; i < 64; i++) {
		if (!find_group(dev, SIOV_GRPCFG_ENGINES, i, &group))
			return SIOV_CMD_GROUP_ENGINE;
		if (i >= next->nb_engines && group != SIOV_DEV_GROUP_NONE)
			return SIOV_CMD_GROUP_ENGINE;
		if (i < next->nb_engines)
			next->engines[i].group = group;
	}
	return SIOV_CMD_OK;
}

/* A queue that is not used but has a number below one that is: as small as can be. */
static void
hold_place(struct siov_dev_wq_conf *wq, uint32_t group)
{
	siov_dev_wq_conf_init(wq);
	wq->is_unused = 1;
	wq->size = 1;
	wq->lanes_max = 1;
	wq->group = group;
}

static enum siov_cmd_error
read_wqs(struct siov_dev *dev, struct siov_dev_conf *next)
{
	uint32_t nb = regs_nb_wqs(dev), last_group = 0, i, group;
	uint64_t used = 0, size = 0;

	for (i = 0; i < 64; i++) {
		bool is_there = i < nb && written_wq(dev, i).size != 0;

		if (!find_group(dev, SIOV_GRPCFG_WQS, i, &group) ||
		    (!is_there && group != SIOV_DEV_GROUP_NONE))
			return SIOV_CMD_GROUP_WQ;
		if (!is_there)
			continue;
		if (group == SIOV_DEV_GROUP_NONE)
			return SIOV_CMD_GROUP;
		decode_wq(dev, &next->wqs[i], i);
		next->wqs[i].group = group;
		next->nb_wqs = i + 1;
		size += next->wqs[i].size;
		last_group = group;
		used |= UINT64_C(1) << i;
	}
	for (i = 0; i < next->nb_wqs; i++) {
		if (!(used >> i & 1))
			hold_place(&next->wqs[i], last_group);
	}
	return size > siov_dev_profile_limits(next->profile)->wqs_size ? SIOV_CMD_WQ_SIZES :
									 SIOV_CMD_OK;
}

static void
read_classes(struct siov_dev *dev, struct siov_dev_conf *next)
{
	uint32_t nb = siov_dev_profile_limits(dev->conf.profile)->nb_groups, id;

	for (id = 0; id < nb; id++) {
		uint32_t flags = regs_get(dev->regs->file, group_of(id, SIOV_GRPCFG_FLAGS));

		if (flags == encode_classes(&dev->conf.groups[id]))
			continue;
		next->groups[id].traffic_class_a = flags & 7;
		next->groups[id].traffic_class_b = flags >> SIOV_GRPCFG_CLASS_B_SHIFT & 7;
	}
}

/* Queues need engines, and engines queues. */
static bool
are_groups_whole(const struct siov_dev_conf *next)
{
	uint32_t with_wqs = 0, with_engines = 0, i;

	for (i = 0; i < next->nb_wqs; i++)
		with_wqs |= UINT32_C(1) << next->wqs[i].group;
	for (i = 0; i < next->nb_engines; i++) {
		if (next->engines[i].group != SIOV_DEV_GROUP_NONE)
			with_engines |= UINT32_C(1) << next->engines[i].group;
	}
	return with_wqs == with_engines;
}

enum siov_cmd_error
regs_read_conf(struct siov_dev *dev)
{
	struct siov_dev_conf *next = &dev->regs->next;
	enum siov_cmd_error error;

	*next = dev->conf;
	next->nb_wqs = 0;
	error = read_wqs(dev, next);
	if (error == SIOV_CMD_OK)
		error = read_engines(dev, next);
	if (error != SIOV_CMD_OK)
		return error;
	if (!are_groups_whole(next))
		return SIOV_CMD_GROUP;
	read_classes(dev, next);
	return siov_dev_conf_check(next, NULL, 0) == 0 ? SIOV_CMD_OK : SIOV_CMD_CONFIG;
}

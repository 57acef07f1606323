/* SPDX-License-Identifier: BSD-3-Clause */
/* What of an ADI can be told and set: its messages, and its whole state as bytes. */
#include <errno.h>
#include <string.h>

#include "adi_image.h"
#include "dev_adi_priv.h"

SIOV_STATIC_ASSERT(ADI_IMAGE_MAX <= SIOV_ADI_IMAGE_MAX, "an image fits its promise");

/* ---- messages ---- */

/* An ADI whose message n is to change: 0, -ENOENT, -ENODEV, -ERANGE. */
static int
check_message(const struct siov_dev *dev, const struct adi *adi, unsigned int n)
{
	if (adi == NULL)
		return -ENOENT;
	if (dev->is_lost)
		return -ENODEV;
	return n < adi->conf.nb_messages ? 0 : -ERANGE;
}

static int
set_message(struct siov_dev *dev, struct adi *adi, unsigned int n,
	    const struct siov_adi_message *message)
{
	int ret;

	ret = message_write(dev, adi->messages[n], message);
	if (ret != 0)
		return ret;
	adi->moderation[n].interval_us = (uint16_t)message->moderation.interval_us;
	adi->moderation[n].max_events = (uint16_t)message->moderation.max_events;
	return 0;
}

static void
get_message(struct siov_dev *dev, const struct adi *adi, unsigned int n,
	    struct siov_adi_message *message)
{
	message_read(dev, adi->messages[n], message);
	message->moderation.interval_us = adi->moderation[n].interval_us;
	message->moderation.max_events = adi->moderation[n].max_events;
}

int
siov_dev_adi_set_message(struct siov_dev *dev, uint32_t id, unsigned int n,
			 const struct siov_adi_message *message)
{
	struct adi *adi;
	int ret;

	dev_lock(dev);
	adi = adi_find(&dev->adis, id);
	ret = check_message(dev, adi, n);
	if (ret == 0)
		ret = set_message(dev, adi, n, message);
	dev_unlock(dev);
	return ret;
}

int
siov_dev_adi_get_message(struct siov_dev *dev, uint32_t id, unsigned int n,
			 struct siov_adi_message *message)
{
	const struct adi *adi;
	int ret = -ENOENT;

	dev_lock(dev);
	adi = adi_find(&dev->adis, id);
	if (adi != NULL)
		ret = n < adi->conf.nb_messages ? 0 : -ERANGE;
	if (ret == 0)
		get_message(dev, adi, n, message);
	dev_unlock(dev);
	return ret;
}

int
siov_dev_adi_trigger(struct siov_dev *dev, uint32_t id, unsigned int n)
{
	const struct adi *adi;
	int ret;

	dev_lock(dev);
	adi = adi_find(&dev->adis, id);
	ret = check_message(dev, adi, n);
	if (ret == 0)
		ret = message_trigger(dev, adi->messages[n]);
	dev_unlock(dev);
	return ret;
}

/* ---- save ---- */

static void
fill_image(struct siov_dev *dev, const struct adi *adi, struct adi_image *image)
{
	struct siov_adi_info info;
	unsigned int i;

	dev_adi_read(dev, adi, &info);
	*image = (struct adi_image){
		.type = adi->type,
		.owner = adi->owner,
		.nb_dwqs = adi->conf.nb_dwqs,
		.nb_messages = adi->conf.nb_messages,
		.counts = {info.accepted, info.completed, info.failed, info.aborted, info.bytes},
	};
	image->qos = (struct adi_image_qos){
		.max_outstanding = info.conf.qos.max_outstanding,
		.weight = info.conf.qos.weight,
		.priority = info.conf.qos.priority,
		.rate_ops = info.conf.qos.rate_ops,
		.burst_ops = info.conf.qos.burst_ops,
		.rate_bytes = info.conf.qos.rate_bytes,
		.burst_bytes = info.conf.qos.burst_bytes,
	};
	for (i = 0; i < image->nb_messages; i++) {
		struct siov_adi_message message;

		get_message(dev, adi, i, &message);
		image->messages[i] = (struct adi_image_message){
			.addr = message.addr,
			.data = message.data,
			.flags = (message.is_masked ? ADI_IMAGE_MASKED : 0) |
				 (message.is_pending ? ADI_IMAGE_PENDING : 0),
			.interval_us = message.moderation.interval_us,
			.max_events = message.moderation.max_events,
		};
	}
}

int
siov_dev_adi_save(struct siov_dev *dev, uint32_t id, void *out, size_t len)
{
	struct adi_image image;
	const struct adi *adi;
	int ret = -ENOENT;

	dev_lock(dev);
	adi = adi_find(&dev->adis, id);
	if (adi != NULL)
		ret = adi->state == SIOV_ADI_SUSPENDED || adi->state == SIOV_ADI_CONFIGURED ?
			      0 :
			      -EBUSY;
	if (ret == 0)
		fill_image(dev, adi, &image);
	dev_unlock(dev);
	return ret == 0 ? adi_image_write(&image, out, len) : ret;
}

/* ---- restore ---- */

static int
check_messages(const struct adi_image *image)
{
	unsigned int i;

	for (i = 0; i < image->nb_messages; i++) {
		const struct adi_image_message *message = &image->messages[i];

		if (message->interval_us > SIOV_IMS_INTERVAL_US_MAX ||
		    message->max_events > SIOV_IMS_EVENTS_MAX ||
		    (message->interval_us == 0 && message->max_events != 0))
			return -EBADMSG;
	}
	return 0;
}

/* Nothing of it can fail any more. */
static void
restore_messages(struct siov_dev *dev, struct adi *adi, const struct adi_image *image)
{
	unsigned int i;

	for (i = 0; i < image->nb_messages; i++) {
		const struct adi_image_message *saved = &image->messages[i];
		struct siov_adi_message message = {
			.addr = saved->addr,
			.data = saved->data,
			.is_masked = true,
			.moderation = {saved->interval_us, saved->max_events},
		};

		set_message(dev, adi, i, &message);
		/* An event that waits is an event of a masked message. */
		if (saved->flags & ADI_IMAGE_PENDING)
			message_trigger(dev, adi->messages[i]);
		message.is_masked = saved->flags & ADI_IMAGE_MASKED;
		if (!message.is_masked)
			set_message(dev, adi, i, &message);
	}
}

/* An ADI without shared queue, or PASID, has no limits. */
static int
restore_qos(struct siov_dev *dev, const struct adi *adi, const struct adi_image_qos *saved)
{
	const struct siov_qos_conf conf = {
		.max_outstanding = (uint32_t)saved->max_outstanding,
		.weight = (uint32_t)saved->weight,
		.priority = (uint32_t)saved->priority,
		.rate_ops = saved->rate_ops,
		.burst_ops = saved->burst_ops,
		.rate_bytes = saved->rate_bytes,
		.burst_bytes = saved->burst_bytes,
	};

	if (saved->max_outstanding > UINT32_MAX || saved->weight > UINT32_MAX ||
	    saved->priority > UINT32_MAX || siov_qos_conf_check(&conf) != 0)
		return -EBADMSG;
	if (adi->conf.wq_id == ADI_NO_WQ || adi->conf.pasid == 0)
		return 0;
	return dev_qos_set(dev, &dev->wqs[adi->conf.wq_id], adi->conf.pasid, &conf);
}

static int
restore(struct siov_dev *dev, struct adi *adi, const struct adi_image *image)
{
	struct siov_adi_info info;
	int ret;

	if (adi == NULL)
		return -ENOENT;
	if (dev->is_lost)
		return -ENODEV;
	if (adi->state != SIOV_ADI_CONFIGURED)
		return -EBUSY;
	if (adi->type != image->type || adi->conf.nb_dwqs != image->nb_dwqs ||
	    adi->conf.nb_messages != image->nb_messages)
		return -EINVAL;
	ret = check_messages(image);
	if (ret == 0)
		ret = restore_qos(dev, adi, &image->qos);
	if (ret != 0)
		return ret;
	adi->owner = image->owner;
	restore_messages(dev, adi, image);
	dev_adi_read(dev, adi, &info);
	adi->base.accepted += image->counts.accepted - info.accepted;
	adi->base.completed += image->counts.completed - info.completed;
	adi->base.failed += image->counts.failed - info.failed;
	adi->base.aborted += image->counts.aborted - info.aborted;
	adi->base.bytes += image->counts.bytes - info.bytes;
	return 0;
}

int
siov_dev_adi_restore(struct siov_dev *dev, uint32_t id, const void *in, size_t len)
{
	struct adi_image image;
	int ret;

	ret = adi_image_read(&image, in, len);
	if (ret != 0)
		return ret;
	dev_lock(dev);
	ret = restore(dev, adi_find(&dev->adis, id), &image);
	dev_unlock(dev);
	return ret;
}

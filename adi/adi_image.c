/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>

#include <rte_byteorder.h>

#include <isa-l/crc.h>

#include "adi_image.h"

#define AT_VERSION 8u
#define AT_TYPE 10u
#define AT_LENGTH 12u
#define AT_CRC 16u
#define AT_OWNER 20u
#define AT_QOS 24u
#define AT_COUNTS 80u

static const uint8_t magic[8] = "SIOVADI";

static void
put16(uint8_t *at, uint16_t value)
{
	value = rte_cpu_to_le_16(value);
	memcpy(at, &value, sizeof(value));
}

static void
put32(uint8_t *at, uint32_t value)
{
	value = rte_cpu_to_le_32(value);
	memcpy(at, &value, sizeof(value));
}

static void
put64(uint8_t *at, uint64_t value)
{
	value = rte_cpu_to_le_64(value);
	memcpy(at, &value, sizeof(value));
}

static uint16_t
get16(const uint8_t *at)
{
	uint16_t value;

	memcpy(&value, at, sizeof(value));
	return rte_le_to_cpu_16(value);
}

static uint32_t
get32(const uint8_t *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return rte_le_to_cpu_32(value);
}

static uint64_t
get64(const uint8_t *at)
{
	uint64_t value;

	memcpy(&value, at, sizeof(value));
	return rte_le_to_cpu_64(value);
}

/* Words of u64 each, in the order of the struct. */
static void
put_words(uint8_t *at, const void *words, size_t bytes)
{
	const uint64_t *word = words;
	size_t i;

	for (i = 0; i < bytes / sizeof(*word); i++)
		put64(at + i * sizeof(*word), word[i]);
}

static void
get_words(const uint8_t *at, void *words, size_t bytes)
{
	uint64_t *word = words;
	size_t i;

	for (i = 0; i < bytes / sizeof(*word); i++)
		word[i] = get64(at + i * sizeof(*word));
}

SIOV_STATIC_ASSERT(AT_QOS + sizeof(struct adi_image_qos) == AT_COUNTS, "QoS has its place");
SIOV_STATIC_ASSERT(AT_COUNTS + sizeof(struct adi_counts) == ADI_IMAGE_HEAD, "and counts theirs");

static uint32_t
image_bytes(uint8_t nb_messages)
{
	return ADI_IMAGE_HEAD + nb_messages * ADI_IMAGE_MESSAGE;
}

/* Over all but the sum itself. */
static uint32_t
sum_of(const uint8_t *image, uint32_t len)
{
	static const uint8_t zero[sizeof(uint32_t)];
	uint32_t crc = UINT32_MAX;

	/* The library takes pointers to data that it does not change. */
	crc = crc32_iscsi((unsigned char *)(uintptr_t)image, AT_CRC, crc);
	crc = crc32_iscsi((unsigned char *)(uintptr_t)zero, sizeof(zero), crc);
	return ~crc32_iscsi((unsigned char *)(uintptr_t)image + AT_OWNER, (int)(len - AT_OWNER),
			    crc);
}

int
adi_image_write(const struct adi_image *image, uint8_t *out, size_t len)
{
	uint32_t bytes = image_bytes(image->nb_messages);
	unsigned int i;

	if (len < bytes)
		return -ENOSPC;
	memset(out, 0, bytes);
	memcpy(out, magic, sizeof(magic));
	put16(out + AT_VERSION, ADI_IMAGE_VERSION);
	put16(out + AT_TYPE, image->type);
	put32(out + AT_LENGTH, bytes);
	out[AT_OWNER] = image->owner;
	out[AT_OWNER + 1] = image->nb_dwqs;
	out[AT_OWNER + 2] = image->nb_messages;
	put_words(out + AT_QOS, &image->qos, sizeof(image->qos));
	put_words(out + AT_COUNTS, &image->counts, sizeof(image->counts));
	for (i = 0; i < image->nb_messages; i++) {
		const struct adi_image_message *message = &image->messages[i];
		uint8_t *at = out + ADI_IMAGE_HEAD + i * ADI_IMAGE_MESSAGE;

		put64(at, message->addr);
		put32(at + 8, message->data);
		put32(at + 12, message->flags);
		put32(at + 16, message->interval_us);
		put32(at + 20, message->max_events);
	}
	put32(out + AT_CRC, sum_of(out, bytes));
	return (int)bytes;
}

/* What the sum cannot tell: whether the fields fit this build. */
static int
check_head(const uint8_t *in)
{
	const struct siov_adi_type_info *info;

	if (get16(in + AT_VERSION) != ADI_IMAGE_VERSION)
		return -ENOTSUP;
	info = siov_adi_type_info((enum siov_adi_type)get16(in + AT_TYPE));
	if (info == NULL || in[AT_OWNER] >= SIOV_ADI_OWNERS)
		return -ENOTSUP;
	if (in[AT_OWNER + 1] < info->dwqs_min || in[AT_OWNER + 1] > info->dwqs_max ||
	    in[AT_OWNER + 2] > info->messages_max || in[AT_OWNER + 3] != 0)
		return -EBADMSG;
	return 0;
}

int
adi_image_read(struct adi_image *image, const uint8_t *in, size_t len)
{
	struct adi_image found = {0};
	unsigned int i;
	int ret;

	if (len < ADI_IMAGE_HEAD || memcmp(in, magic, sizeof(magic)) != 0 ||
	    get32(in + AT_LENGTH) != len || len > ADI_IMAGE_MAX ||
	    get32(in + AT_CRC) != sum_of(in, (uint32_t)len))
		return -EBADMSG;
	ret = check_head(in);
	if (ret != 0)
		return ret;
	found.type = (uint8_t)get16(in + AT_TYPE);
	found.owner = in[AT_OWNER];
	found.nb_dwqs = in[AT_OWNER + 1];
	found.nb_messages = in[AT_OWNER + 2];
	if (len != image_bytes(found.nb_messages))
		return -EBADMSG;
	get_words(in + AT_QOS, &found.qos, sizeof(found.qos));
	get_words(in + AT_COUNTS, &found.counts, sizeof(found.counts));
	for (i = 0; i < found.nb_messages; i++) {
		struct adi_image_message *message = &found.messages[i];
		const uint8_t *at = in + ADI_IMAGE_HEAD + i * ADI_IMAGE_MESSAGE;

		message->addr = get64(at);
		message->data = get32(at + 8);
		message->flags = get32(at + 12);
		message->interval_us = get32(at + 16);
		message->max_events = get32(at + 20);
		if (message->flags & ~(ADI_IMAGE_MASKED | ADI_IMAGE_PENDING))
			return -EBADMSG;
	}
	*image = found;
	return 0;
}

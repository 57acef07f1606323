/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_common.h>

#include <isa-l/crc.h>

#include "vdev_image.h"

#define AT_VERSION 8u
#define AT_CRC 12u
#define AT_LENGTH 16u
#define CRC_SEED 0xffffffffu

static const char magic[8] = {'S', 'I', 'O', 'V', 'V', 'D', 'E', 'V'};

/* One description of the order serves both ways. */
struct cursor {
	uint8_t *at;
	const uint8_t *end;
	bool writes;
	bool is_short;
};

static void
pass(struct cursor *cursor, uint64_t *word)
{
	uint64_t little = rte_cpu_to_le_64(*word);

	if (cursor->end - cursor->at < (ptrdiff_t)sizeof(little)) {
		cursor->is_short = true;
		return;
	}
	if (cursor->writes)
		memcpy(cursor->at, &little, sizeof(little));
	else
		memcpy(&little, cursor->at, sizeof(little));
	cursor->at += sizeof(little);
	if (!cursor->writes)
		*word = rte_le_to_cpu_64(little);
}

static void
pass_words(struct cursor *cursor, void *words, size_t bytes)
{
	size_t i;

	for (i = 0; i < bytes / sizeof(uint64_t); i++)
		pass(cursor, (uint64_t *)words + i);
}

static void
pass_bytes(struct cursor *cursor, void *bytes, size_t nb)
{
	if (cursor->end - cursor->at < (ptrdiff_t)nb) {
		cursor->is_short = true;
		return;
	}
	if (cursor->writes)
		memcpy(cursor->at, bytes, nb);
	else
		memcpy(bytes, cursor->at, nb);
	cursor->at += nb;
}

static void
pass_number(struct cursor *cursor, uint32_t *number)
{
	uint64_t word = *number;

	pass(cursor, &word);
	*number = (uint32_t)RTE_MIN(word, (uint64_t)UINT32_MAX);
}

/* Counts first, so that they can be told before there is room for the rest. */
static void
pass_counts(struct cursor *cursor, struct image *image)
{
	pass(cursor, &image->nb_spaces);
	pass(cursor, &image->nb_contexts);
}

static void
pass_generation(struct cursor *cursor, struct siov_hostdrv_generation *gen)
{
	pass_number(cursor, &gen->version);
	pass(cursor, &gen->gencap);
	pass_words(cursor, gen->opcap, sizeof(gen->opcap));
	pass_number(cursor, &gen->xfer_max);
	pass_number(cursor, &gen->batch_max);
}

static void
image_pass(struct cursor *cursor, struct image *image)
{
	pass_counts(cursor, image);
	pass_bytes(cursor, image->type, sizeof(image->type));
	pass(cursor, &image->nb_wqs);
	pass(cursor, &image->nb_vectors);
	pass(cursor, &image->page_bytes);
	pass_generation(cursor, &image->gen);
	pass(cursor, &image->is_enabled);
	pass(cursor, &image->genctrl);
	pass(cursor, &image->intcause);
	pass(cursor, &image->cmd);
	pass(cursor, &image->cmdsts);
	pass_words(cursor, image->swerr, sizeof(image->swerr));
	pass_words(cursor, image->msixperm, sizeof(image->msixperm));
	pass_words(cursor, image->wqs, sizeof(image->wqs));
	pass_words(cursor, image->vectors, sizeof(image->vectors));
	pass(cursor, &image->channel_version);
	pass(cursor, &image->channel_doorbell);
	pass(cursor, &image->channel_done);
	pass(cursor, &image->nb_pages);
	pass_words(cursor, image->counts, sizeof(image->counts));
	pass_bytes(cursor, image->cfg, sizeof(image->cfg));
	pass_bytes(cursor, image->channel, sizeof(image->channel));
	pass_words(cursor, image->spaces, image->nb_spaces * sizeof(image->spaces[0]));
	pass_words(cursor, image->contexts, image->nb_contexts * sizeof(image->contexts[0]));
}

size_t
image_bytes(uint64_t nb_spaces, uint64_t nb_contexts)
{
	const struct image *none = NULL;
	size_t words = 2 + 3 + 8 + 5 + 4; /* counts, numbers, generation, registers, channel */

	return IMAGE_HEAD + words * sizeof(uint64_t) + sizeof(none->type) + sizeof(none->swerr) +
	       sizeof(none->msixperm) + sizeof(none->wqs) + sizeof(none->vectors) +
	       sizeof(none->counts) + sizeof(none->cfg) + sizeof(none->channel) +
	       nb_spaces * sizeof(struct image_space) + nb_contexts * sizeof(struct image_context);
}

int64_t
image_write(const struct image *image, void *out, size_t len)
{
	size_t bytes = image_bytes(image->nb_spaces, image->nb_contexts);
	struct cursor cursor = {
		.at = (uint8_t *)out + IMAGE_HEAD,
		.end = (uint8_t *)out + bytes,
		.writes = true,
	};
	uint32_t version = rte_cpu_to_le_32(IMAGE_VERSION), crc;
	uint64_t length = rte_cpu_to_le_64(bytes);

	if (len < bytes)
		return -ENOSPC;
	/* Nothing of it is changed when it is written. */
	image_pass(&cursor, (struct image *)(uintptr_t)image);
	if (cursor.is_short || cursor.at != cursor.end)
		return -ENOSPC;
	memcpy(out, magic, sizeof(magic));
	memcpy((uint8_t *)out + AT_VERSION, &version, sizeof(version));
	memcpy((uint8_t *)out + AT_LENGTH, &length, sizeof(length));
	crc = rte_cpu_to_le_32(
		crc32_iscsi((uint8_t *)out + AT_LENGTH, (int)(bytes - AT_LENGTH), CRC_SEED));
	memcpy((uint8_t *)out + AT_CRC, &crc, sizeof(crc));
	return (int64_t)bytes;
}

static struct cursor
reader(const void *in, size_t len)
{
	/* Read only: it does not write. */
	uint8_t *bytes = (uint8_t *)(uintptr_t)in;

	return (struct cursor){.at = bytes + IMAGE_HEAD, .end = bytes + len};
}

int
image_check(const void *in, size_t len, uint64_t *nb_spaces, uint64_t *nb_contexts)
{
	const uint8_t *bytes = in;
	struct image image = {0};
	struct cursor cursor;
	uint32_t version, crc;
	uint64_t length;

	if (len < image_bytes(0, 0) || len > INT32_MAX || memcmp(in, magic, sizeof(magic)) != 0)
		return -EBADMSG;
	memcpy(&version, bytes + AT_VERSION, sizeof(version));
	if (rte_le_to_cpu_32(version) != IMAGE_VERSION)
		return -ENOTSUP;
	memcpy(&length, bytes + AT_LENGTH, sizeof(length));
	memcpy(&crc, bytes + AT_CRC, sizeof(crc));
	if (rte_le_to_cpu_64(length) != len ||
	    rte_le_to_cpu_32(crc) != crc32_iscsi((uint8_t *)(uintptr_t)bytes + AT_LENGTH,
						 (int)(len - AT_LENGTH), CRC_SEED))
		return -EBADMSG;
	cursor = reader(in, len);
	pass_counts(&cursor, &image);
	if (image.nb_spaces > IMAGE_CONTEXTS_MAX || image.nb_contexts > IMAGE_CONTEXTS_MAX ||
	    len != image_bytes(image.nb_spaces, image.nb_contexts))
		return -EBADMSG;
	*nb_spaces = image.nb_spaces;
	*nb_contexts = image.nb_contexts;
	return 0;
}

void
image_read(struct image *image, const void *in, size_t len)
{
	struct cursor cursor = reader(in, len);

	image_pass(&cursor, image);
}

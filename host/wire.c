/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <poll.h>
#include <string.h>

#include <sys/socket.h>

#include <rte_byteorder.h>
#include <rte_common.h>

#include <isa-l/crc.h>

#include "siov_migrate.h"
#include "vdcm_priv.h"
#include "wire_priv.h"

#define MAGIC 0x47494d53u /* "SMIG" */
#define CRC_AT 16u
#define CRC_SEED 0xffffffffu

struct head {
	uint32_t magic;
	uint16_t type;
	uint16_t version;
	uint32_t number;
	uint32_t len;
	uint32_t crc;
};

SIOV_STATIC_ASSERT(sizeof(struct head) == WIRE_HEAD, "a head is what the comment says");
SIOV_STATIC_ASSERT(offsetof(struct head, crc) == CRC_AT, "its checksum comes last");

static struct head
swap(struct head head)
{
	return (struct head){
		.magic = rte_cpu_to_le_32(head.magic),
		.type = rte_cpu_to_le_16(head.type),
		.version = rte_cpu_to_le_16(head.version),
		.number = rte_cpu_to_le_32(head.number),
		.len = rte_cpu_to_le_32(head.len),
		.crc = rte_cpu_to_le_32(head.crc),
	};
}

/* Wait until the socket can be used. */
static int
await(const struct wire *wire, short events, uint64_t end_ns)
{
	struct pollfd wait = {.fd = wire->fd, .events = events};
	uint64_t now_ns = clock_ns();
	int ret;

	if (now_ns >= end_ns)
		return -ETIMEDOUT;
	ret = poll(&wait, 1, (int)((end_ns - now_ns) / 1000000) + 1);
	if (ret < 0 && errno != EINTR)
		return -EPIPE;
	return ret == 0 ? -ETIMEDOUT : 0;
}

/* All of it, one way or the other. */
static int
pass(struct wire *wire, uint8_t *bytes, size_t len, bool is_sent)
{
	uint64_t end_ns = clock_ns() + UINT64_C(1000000) * wire->io_ms;
	int ret = 0;

	while (len != 0 && ret == 0) {
		ssize_t nb = is_sent ? send(wire->fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT) :
				       recv(wire->fd, bytes, len, MSG_DONTWAIT);

		if (nb > 0) {
			bytes += nb;
			len -= (size_t)nb;
		} else if (nb == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)) {
			return -EPIPE;
		} else {
			ret = await(wire, is_sent ? POLLOUT : POLLIN, end_ns);
		}
	}
	return ret;
}

static uint32_t
checksum(const uint8_t *bytes, uint32_t len)
{
	return crc32_iscsi((uint8_t *)(uintptr_t)bytes, (int)len, CRC_SEED);
}

int
wire_send(struct wire *wire, enum wire_type type, uint32_t len)
{
	struct head head = {
		.magic = MAGIC,
		.type = (uint16_t)type,
		.version = SIOV_MIGRATE_VERSION,
		.number = wire->nb_sent++,
		.len = len,
	};
	struct head bytes = swap(head);

	memcpy(wire->buffer, &bytes, sizeof(bytes));
	head.crc = checksum(wire->buffer, WIRE_HEAD + len);
	bytes = swap(head);
	memcpy(wire->buffer, &bytes, sizeof(bytes));
	wire->bytes_sent += WIRE_HEAD + len;
	return pass(wire, wire->buffer, WIRE_HEAD + len, true);
}

static int
check(struct wire *wire, const struct head *head)
{
	uint32_t crc = head->crc, zero = 0;

	memcpy(wire->buffer + CRC_AT, &zero, sizeof(zero));
	if (checksum(wire->buffer, WIRE_HEAD + head->len) != crc || head->type >= WIRE_TYPES ||
	    head->number != wire->nb_received)
		return -EBADMSG;
	return 0;
}

int
wire_receive(struct wire *wire, enum wire_type *type, uint32_t *len)
{
	struct head head;
	int ret;

	ret = pass(wire, wire->buffer, WIRE_HEAD, false);
	if (ret != 0)
		return ret;
	memcpy(&head, wire->buffer, sizeof(head));
	head = swap(head);
	if (head.magic != MAGIC || head.len > WIRE_MAX)
		return -EBADMSG;
	if (head.version != SIOV_MIGRATE_VERSION)
		return -ENOTSUP;
	ret = pass(wire, wire->buffer + WIRE_HEAD, head.len, false);
	if (ret == 0)
		ret = check(wire, &head);
	if (ret != 0)
		return ret;
	wire->nb_received++;
	*type = (enum wire_type)head.type;
	*len = head.len;
	return 0;
}

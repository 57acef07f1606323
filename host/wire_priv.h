/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Records of a migration, on a stream socket.
 *
 *     0  "SMIG"    u32
 *     4  type      u16, enum wire_type
 *     6  version   u16
 *     8  number    u32, of records of this direction, from 0
 *    12  length    u32, of what follows the head [bytes]
 *    16  CRC-32C   u32, of the head with this field 0, and of what follows
 *
 * Little-endian. Whoever reads checks all of it before anything is used.
 */
#ifndef WIRE_PRIV_H
#define WIRE_PRIV_H

#include <stddef.h>
#include <stdint.h>

#define WIRE_HEAD 20u
#define WIRE_MAX (UINT32_C(16) << 20) /* of what follows the head */
#define WIRE_PAGES 64u /* pages of 4 KiB in one record, at most */

enum wire_type {
	WIRE_HELLO, /* struct wire_hello */
	WIRE_VDEV, /* struct wire_vdev */
	WIRE_PAGES_OF, /* u64 number of the first page, then pages */
	WIRE_VCPU, /* struct wire_vcpu */
	WIRE_STATE, /* u64 number of the VDEV, then its image */
	WIRE_END, /* of all that belongs to the VM */
	WIRE_READY, /* the destination: it can run */
	WIRE_GO, /* the source: it does not run here any more */
	WIRE_DONE, /* the destination: it runs */
	WIRE_FAIL, /* i64: negative errno */
	WIRE_TYPES,
};

/* All members are little-endian words, so that no compiler puts anything between them. */
struct wire_hello {
	char name[32];
	uint64_t ram_bytes;
	uint64_t nb_vcpus;
	uint64_t nb_vdevs;
	uint64_t page_shift;
};

struct wire_vdev {
	char type[16];
	uint64_t bdf;
	uint64_t nb_dwqs;
	uint64_t nb_fns;
	uint64_t page_bytes;
	uint64_t flags;
	uint64_t version, gencap, opcap[4], xfer_max, batch_max; /* generation */
	uint64_t qos[7];
};

struct wire_vcpu {
	uint64_t index;
	uint64_t vectors[4]; /* pending */
};

struct wire {
	int fd;
	unsigned int io_ms;
	uint32_t nb_sent, nb_received;
	uint64_t bytes_sent;
	uint8_t *buffer; /* WIRE_HEAD + WIRE_MAX, of this side */
};

/* Room behind the head, to be filled before wire_send(). */
static inline uint8_t *
wire_room(struct wire *wire)
{
	return wire->buffer + WIRE_HEAD;
}

/* Send len bytes of the room. 0, -EPIPE, -ETIMEDOUT. */
int wire_send(struct wire *wire, enum wire_type type, uint32_t len);

/* Receive one record into the room. 0, -EBADMSG, -ENOTSUP, -EPIPE, -ETIMEDOUT. */
int wire_receive(struct wire *wire, enum wire_type *type, uint32_t *len);

#endif /* WIRE_PRIV_H */

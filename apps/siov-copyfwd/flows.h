/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Flows: packets of one 5-tuple in one direction, each with a PASID of its own.
 *
 *     IPv4, IPv6      addresses, protocol, ports of TCP, UDP and SCTP (fragments: no ports)
 *     anything else   MAC addresses and Ethernet type
 *
 * VLAN tags are looked through. The last flow is that of all packets for which there is no other;
 * with one flow, of all packets.
 *
 * Thread: one, the one that forwards; counts are read when it has ended.
 */
#ifndef FLOWS_H
#define FLOWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rte_byteorder.h>
#include <rte_common.h>

struct rte_mbuf;

struct flow_key {
	uint8_t src[16]; /* IPv6, IPv4 or MAC address, the rest 0 */
	uint8_t dst[16];
	rte_be16_t src_port;
	rte_be16_t dst_port;
	uint16_t ether_type; /* in the CPU's order */
	uint8_t proto;
	uint8_t ip; /* 4, 6; 0: no IP */
};

/* Packets, unless the name says otherwise. */
struct flow_counts {
	uint64_t rx;
	uint64_t rx_bytes;
	uint64_t copies; /* that completed: one for each segment of a packet */
	uint64_t retries; /* submissions that were refused and made again */
	uint64_t failed; /* not sent, because a copy had failed or cannot be made */
	uint64_t tx;
	uint64_t tx_bytes;
	uint64_t dropped; /* refused by the port that sends */
} __rte_cache_aligned;

struct flow {
	struct flow_key key;
	bool is_used;
};

struct flows {
	uint32_t nb;
	uint32_t nb_own; /* that have a key of their own so far */
	uint32_t last; /* of the packet before */
	struct flow_key last_key;
	struct rte_hash *hash;
	struct flow *flow;
	struct flow_counts *counts;
};

/* 0 or -1 after one line; flows_free is due either way. */
int flows_create(struct flows *flows, uint32_t nb);
void flows_free(struct flows *flows);

/* The flow of a packet, 0 to nb - 1; made if it is new. */
uint32_t flows_find(struct flows *flows, const struct rte_mbuf *pkt);

/* Sum over all flows. */
void flows_sum(const struct flows *flows, struct flow_counts *sum);

/* A flow as text: "TCP 10.0.0.1:80 -> 10.0.0.2:33012", "all others". */
void flows_print(const struct flows *flows, uint32_t idx, char *text, size_t size);

#endif /* FLOWS_H */

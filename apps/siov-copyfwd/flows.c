/* SPDX-License-Identifier: BSD-3-Clause */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_ether.h>
#include <rte_hash.h>
#include <rte_hash_crc.h>
#include <rte_ip.h>
#include <rte_malloc.h>
#include <rte_mbuf.h>

#include "complain.h"
#include "flows.h"
#include "siov_desc.h"

#define VLANS_MAX 2u

SIOV_STATIC_ASSERT(sizeof(struct flow_key) == 40, "a key is hashed whole: no padding");

int
flows_create(struct flows *flows, uint32_t nb)
{
	const struct rte_hash_parameters params = {
		.name = "flows",
		.entries = RTE_MAX(nb, 64u) * 2,
		.key_len = sizeof(struct flow_key),
		.hash_func = rte_hash_crc,
		.socket_id = SOCKET_ID_ANY,
	};

	*flows = (struct flows){.nb = nb, .last = nb - 1};
	flows->flow = calloc(nb, sizeof(flows->flow[0]));
	flows->counts =
		rte_zmalloc("flow_counts", nb * sizeof(flows->counts[0]), RTE_CACHE_LINE_SIZE);
	flows->hash = rte_hash_create(&params);
	if (flows->flow == NULL || flows->counts == NULL || flows->hash == NULL)
		return complain("flows: too little memory for %u", nb);
	return 0;
}

void
flows_free(struct flows *flows)
{
	rte_hash_free(flows->hash);
	rte_free(flows->counts);
	free(flows->flow);
}

/* ---- keys ---- */

/* Bytes of the first segment from offset on; NULL: fewer than len. */
static inline const void *
peek(const struct rte_mbuf *pkt, uint32_t offset, uint32_t len)
{
	if (offset + len > pkt->data_len)
		return NULL;
	return rte_pktmbuf_mtod_offset(pkt, const void *, offset);
}

static void
read_ports(const struct rte_mbuf *pkt, uint32_t offset, struct flow_key *key)
{
	const rte_be16_t *ports;

	if (key->proto != IPPROTO_TCP && key->proto != IPPROTO_UDP && key->proto != IPPROTO_SCTP)
		return;
	ports = peek(pkt, offset, 2 * sizeof(*ports));
	if (ports == NULL)
		return;
	memcpy(&key->src_port, ports, sizeof(*ports));
	memcpy(&key->dst_port, ports + 1, sizeof(*ports));
}

static bool
read_ipv4(const struct rte_mbuf *pkt, uint32_t offset, struct flow_key *key)
{
	const struct rte_ipv4_hdr *ip = peek(pkt, offset, sizeof(*ip));

	if (ip == NULL)
		return false;
	memcpy(key->src, &ip->src_addr, sizeof(ip->src_addr));
	memcpy(key->dst, &ip->dst_addr, sizeof(ip->dst_addr));
	key->ip = 4;
	key->proto = ip->next_proto_id;
	/* All fragments of a packet belong together; only the first has ports. */
	if ((ip->fragment_offset & RTE_BE16(RTE_IPV4_HDR_MF_FLAG | RTE_IPV4_HDR_OFFSET_MASK)) == 0)
		read_ports(pkt, offset + (ip->version_ihl & 0xfu) * 4, key);
	return true;
}

static bool
read_ipv6(const struct rte_mbuf *pkt, uint32_t offset, struct flow_key *key)
{
	const struct rte_ipv6_hdr *ip = peek(pkt, offset, sizeof(*ip));

	if (ip == NULL)
		return false;
	memcpy(key->src, &ip->src_addr, sizeof(key->src));
	memcpy(key->dst, &ip->dst_addr, sizeof(key->dst));
	key->ip = 6;
	key->proto = ip->proto;
	read_ports(pkt, offset + (uint32_t)sizeof(*ip), key);
	return true;
}

static bool
read_ip(const struct rte_mbuf *pkt, uint32_t offset, struct flow_key *key)
{
	if (key->ether_type == RTE_ETHER_TYPE_IPV4)
		return read_ipv4(pkt, offset, key);
	return key->ether_type == RTE_ETHER_TYPE_IPV6 && read_ipv6(pkt, offset, key);
}

static void
read_key(const struct rte_mbuf *pkt, struct flow_key *key)
{
	const struct rte_ether_hdr *ether = peek(pkt, 0, sizeof(*ether));
	uint32_t offset = sizeof(*ether);
	unsigned int i;

	memset(key, 0, sizeof(*key));
	if (ether == NULL)
		return;
	key->ether_type = rte_be_to_cpu_16(ether->ether_type);
	for (i = 0; i < VLANS_MAX && (key->ether_type == RTE_ETHER_TYPE_VLAN ||
				      key->ether_type == RTE_ETHER_TYPE_QINQ);
	     i++) {
		const struct rte_vlan_hdr *vlan = peek(pkt, offset, sizeof(*vlan));

		if (vlan == NULL)
			break;
		key->ether_type = rte_be_to_cpu_16(vlan->eth_proto);
		offset += (uint32_t)sizeof(*vlan);
	}
	if (read_ip(pkt, offset, key))
		return;
	memcpy(key->src, &ether->src_addr, sizeof(ether->src_addr));
	memcpy(key->dst, &ether->dst_addr, sizeof(ether->dst_addr));
}

/* ---- finding ---- */

static uint32_t
add(struct flows *flows, const struct flow_key *key)
{
	uint32_t idx = flows->nb_own;

	/* Should the table be full before its time, the flow is one of the others. */
	if (idx == flows->nb - 1 ||
	    rte_hash_add_key_data(flows->hash, key, (void *)(uintptr_t)idx) != 0) {
		flows->flow[flows->nb - 1].is_used = true;
		return flows->nb - 1;
	}
	flows->flow[idx] = (struct flow){.key = *key, .is_used = true};
	flows->nb_own++;
	return idx;
}

static __rte_noinline uint32_t
look_up(struct flows *flows, const struct flow_key *key)
{
	void *data;

	if (rte_hash_lookup_data(flows->hash, key, &data) >= 0)
		flows->last = (uint32_t)(uintptr_t)data;
	else
		flows->last = add(flows, key);
	flows->last_key = *key;
	return flows->last;
}

uint32_t
flows_find(struct flows *flows, const struct rte_mbuf *pkt)
{
	struct flow_key key;

	read_key(pkt, &key);
	/* Packets of a flow come in trains. A train of the others' may begin with any key. */
	if (memcmp(&key, &flows->last_key, sizeof(key)) == 0 && flows->flow[flows->last].is_used)
		return flows->last;
	return look_up(flows, &key);
}

/* ---- telling ---- */

void
flows_sum(const struct flows *flows, struct flow_counts *sum)
{
	uint32_t i;

	*sum = (struct flow_counts){.rx = 0};
	for (i = 0; i < flows->nb; i++) {
		const struct flow_counts *nb = &flows->counts[i];

		sum->rx += nb->rx;
		sum->rx_bytes += nb->rx_bytes;
		sum->copies += nb->copies;
		sum->retries += nb->retries;
		sum->failed += nb->failed;
		sum->tx += nb->tx;
		sum->tx_bytes += nb->tx_bytes;
		sum->dropped += nb->dropped;
	}
}

static void
print_ip(const struct flow_key *key, char *text, size_t size)
{
	int family = key->ip == 4 ? AF_INET : AF_INET6;
	const char *open = family == AF_INET6 ? "[" : "", *close = family == AF_INET6 ? "]" : "";
	char src[INET6_ADDRSTRLEN], dst[INET6_ADDRSTRLEN], proto[16];

	inet_ntop(family, key->src, src, sizeof(src));
	inet_ntop(family, key->dst, dst, sizeof(dst));
	if (key->proto == IPPROTO_TCP || key->proto == IPPROTO_UDP || key->proto == IPPROTO_SCTP) {
		snprintf(text, size, "%s %s%s%s:%u -> %s%s%s:%u",
			 key->proto == IPPROTO_TCP ? "TCP" :
			 key->proto == IPPROTO_UDP ? "UDP" :
						     "SCTP",
			 open, src, close, rte_be_to_cpu_16(key->src_port), open, dst, close,
			 rte_be_to_cpu_16(key->dst_port));
		return;
	}
	snprintf(proto, sizeof(proto), "IP %u", key->proto);
	snprintf(text, size, "%s %s -> %s",
		 key->proto == IPPROTO_ICMP   ? "ICMP" :
		 key->proto == IPPROTO_ICMPV6 ? "ICMPv6" :
						proto,
		 src, dst);
}

void
flows_print(const struct flows *flows, uint32_t idx, char *text, size_t size)
{
	const struct flow_key *key = &flows->flow[idx].key;
	char src[RTE_ETHER_ADDR_FMT_SIZE], dst[RTE_ETHER_ADDR_FMT_SIZE];

	if (idx == flows->nb - 1) {
		snprintf(text, size, "all others");
		return;
	}
	if (key->ip != 0) {
		print_ip(key, text, size);
		return;
	}
	rte_ether_format_addr(src, sizeof(src), (const struct rte_ether_addr *)key->src);
	rte_ether_format_addr(dst, sizeof(dst), (const struct rte_ether_addr *)key->dst);
	snprintf(text, size, "0x%04x %s -> %s", key->ether_type, src, dst);
}
